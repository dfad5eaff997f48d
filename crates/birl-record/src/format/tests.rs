//! What must hold for every format, also for those that nobody has written yet.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Map, Value as Json};

use super::parser::is_continuation;
use super::*;
use crate::extent::Extents;
use crate::time::Resolver;

/// The end of 2026-03-14, in nanoseconds since 1970.
const REFERENCE: i64 = 1_773_532_800_000_000_000 - 1;

/// The last record of a text.
fn last_record(parser: &Parser, text: &str) -> Json {
    let mut state = State::default();
    let pieces = Arc::new(parser.clone()).pieces(&mut state, text.as_bytes());
    let mut last = Json::Null;
    for (range, parser) in pieces {
        let piece = &text.as_bytes()[range];
        let extents = Extents::new(&parser, piece, false);
        if let Some(extent) = extents.all(extents.first()..piece.len()).last() {
            last = as_json(&parser, &piece[extent.range]);
        }
    }
    last
}

fn as_json(parser: &Parser, text: &[u8]) -> Json {
    let record = parser.parse(text);
    let mut object = Map::new();
    let mut add = |name: &str, value: Json| {
        object.entry(name).or_insert(value);
    };
    let reading = record
        .timestamp
        .and_then(|timestamp| parser.reading(timestamp));
    if let Some(reading) = reading {
        let instant = Resolver::new(TimeZone::UTC, REFERENCE).resolve(reading);
        let instant =
            instant.and_then(|instant| jiff::Timestamp::from_nanosecond(instant.into()).ok());
        add(
            "timestamp",
            instant.map(|instant| instant.to_string()).into(),
        );
    }
    if let Some(severity) = record.severity {
        add("level", severity.level().name().into());
    }
    if let Some(message) = record.message {
        add("message", text_of(&message.decode()));
    }
    for field in &record.fields {
        if !field.feeds {
            let name = String::from_utf8_lossy(&field.name.decode()).into_owned();
            add(&name, value_of(field.value));
        }
    }
    Json::Object(object)
}

fn value_of(value: Value<'_>) -> Json {
    match value {
        Value::Text(text) => text_of(&text.decode()),
        Value::Bare(text) => text_of(text),
        Value::Number(written) | Value::Object(written) | Value::List(written) => {
            serde_json::from_slice(written).expect("it is JSON")
        }
        Value::Bool(is_true) => is_true.into(),
        Value::Null => Json::Null,
    }
}

fn text_of(bytes: &[u8]) -> Json {
    String::from_utf8_lossy(bytes).into()
}

#[test]
fn samples_are_recognised_and_say_what_they_must() {
    let mut wrong = Vec::new();
    for known in KNOWN {
        assert!(!known.samples.is_empty(), "{} has samples", known.name);
        for sample in known.samples {
            let parser = Parser::detect(&[sample.text.as_bytes()], REFERENCE);
            let found: Vec<_> = parser
                .formats()
                .map(|format| format.name().to_owned())
                .collect();
            let expected: Json = serde_json::from_str(sample.record)
                .unwrap_or_else(|error| panic!("{}: {error}", sample.record));
            let record = last_record(&parser, sample.text);
            if found.first().map(String::as_str) != Some(known.name) || record != expected {
                wrong.push(format!(
                    "{}: {}\n  formats  {found:?}\n  record   {record}\n  expected {expected}",
                    known.name, sample.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fields_are_found_by_name_as_a_whole_parse_finds_them() {
    for known in KNOWN {
        for sample in known.samples {
            let parser = Parser::detect(&[sample.text.as_bytes()], REFERENCE);
            let record = parser.parse(sample.text.as_bytes());
            for field in &record.fields {
                let name = field.name.decode();
                let found = parser.get(sample.text.as_bytes(), &name);
                assert_eq!(found, record.get(&name), "{}: {:?}", known.name, field.name);
            }
        }
    }
}

#[test]
fn timestamps_are_found_alone_as_a_whole_parse_finds_them() {
    for known in KNOWN {
        for sample in known.samples {
            let text = sample.text.as_bytes();
            let parser = Parser::detect(&[text], REFERENCE);
            let record = parser.parse(text);
            assert_eq!(parser.timestamp(text), record.timestamp, "{}", known.name);
        }
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = KNOWN.iter().map(|known| known.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), KNOWN.len());
    for known in KNOWN {
        assert_eq!(
            Known::named(known.name).map(|known| known.about),
            Some(known.about)
        );
    }
}

#[test]
fn a_cut_or_garbled_sample_never_panics() {
    for known in KNOWN {
        for sample in known.samples {
            let bytes = sample.text.as_bytes();
            let parser = Parser::detect(&[bytes], REFERENCE);
            for end in 0..bytes.len() {
                let _ = parser.parse(&bytes[..end]);
                let mut garbled = bytes.to_vec();
                for strange in [b'"', b'\\', b'[', b' ', 0, 0xff] {
                    garbled[end] = strange;
                    let _ = parser.parse(&garbled);
                    let _ = parser.begins(&garbled);
                }
            }
        }
    }
}

fn samples() -> Vec<&'static str> {
    let samples = KNOWN.iter().flat_map(|known| known.samples);
    samples.map(|sample| sample.text).collect()
}

/// Texts that are almost what formats look like: samples that were cut, repeated and joined, with
/// strange bytes in them.
fn garbled() -> impl Strategy<Value = Vec<u8>> {
    let strange: Vec<&[u8]> = vec![
        b"\n",
        b"\r\n",
        b"\"",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b"|",
        b"=",
        b",",
        b"\0",
        b"\xff",
        b"\t",
        b"#Fields: a b\n",
        b"[\n",
        b" ",
        b"9999999999",
        "日".as_bytes(),
        b"\x1b[31m",
    ];
    let piece = (
        prop::sample::select(samples()),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(strange)),
            0..6,
        ),
    )
        .prop_map(|(sample, from, to, strange)| {
            let mut bytes = sample.as_bytes().to_vec();
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            if from < to {
                bytes.drain(from..to);
            }
            for (place, insert) in strange {
                let place = place.index(bytes.len() + 1);
                bytes.splice(place..place, insert.iter().copied());
            }
            bytes
        });
    let noise = prop::collection::vec(any::<u8>(), 0..300);
    let piece = prop_oneof![8 => piece, 1 => noise];
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.join(&b'\n'))
}

/// What [`Parser::begins`] says, by asking one format after the other.
fn begins_by_asking(parser: &Parser, line: &[u8]) -> bool {
    for format in parser.asked() {
        if format.begins(line) {
            return true;
        }
        if format.goes_on(line) || format.frames(line) {
            return false;
        }
    }
    let lines = parser.formats().next().map(|format| format.lines());
    lines != Some(Lines::Several) && !is_continuation(line)
}

/// Reads all records of a text, and holds that they are views into it, one behind the other.
fn read_all(parser: Parser, text: &[u8]) {
    let mut state = State::default();
    for (range, parser) in Arc::new(parser).pieces(&mut state, text) {
        let piece = &text[range];
        let mut end = 0;
        for extent in Extents::new(&parser, piece, true).into_all() {
            assert!(end <= extent.range.start && extent.range.end <= extent.next);
            end = extent.next;
            read_views(&parser, &piece[extent.range]);
        }
    }
}

fn read_views(parser: &Parser, text: &[u8]) {
    let is_within = |part: &[u8]| {
        let (text, part) = (text.as_ptr_range(), part.as_ptr_range());
        part.is_empty() || text.start <= part.start && part.end <= text.end
    };
    let record = parser.parse(text);
    if let Some(timestamp) = record.timestamp {
        assert!(is_within(timestamp.text()));
        let _ = parser.reading(timestamp);
    }
    if let Some(message) = record.message {
        assert!(is_within(message.raw()));
        let _ = message.decode();
    }
    for field in &record.fields {
        let written = match field.value {
            Value::Text(text) => text.raw(),
            Value::Bare(written) | Value::Number(written) => written,
            Value::Object(written) | Value::List(written) => written,
            Value::Bool(_) | Value::Null => b"",
        };
        let is_derived = DERIVED_FIELDS
            .iter()
            .any(|name| field.name.is(name.as_bytes()));
        assert!(is_derived || is_within(written), "{field:?}");
        let _ = field.value.bytes();
        let _ = parser.get(text, &field.name.decode());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_line_begins_a_record_whoever_need_not_be_asked(
        text in garbled(),
        other in garbled(),
        sample in prop::sample::select(samples()),
    ) {
        let source = [text.clone(), b"\n".to_vec(), sample.as_bytes().to_vec()].concat();
        let sources = [&source[..], sample.as_bytes()];
        for parser in sources.map(|source| Parser::detect(&[source], REFERENCE)) {
            for line in text.split(|byte| *byte == b'\n').chain(other.split(|byte| *byte == b'\n')) {
                prop_assert_eq!(parser.begins(line), begins_by_asking(&parser, line));
            }
        }
    }

    #[test]
    fn whatever_a_source_holds_its_records_are_views_into_it(text in garbled()) {
        read_all(Parser::detect(&[&text], REFERENCE), &text);
    }

    #[test]
    fn whatever_a_source_holds_any_format_can_be_forced(
        text in garbled(),
        known in prop::sample::select(KNOWN.iter().collect::<Vec<_>>()),
    ) {
        if let Some(parser) = Parser::forced(known, &[&text], REFERENCE) {
            read_all(parser, &text);
        }
    }

    /// The state of a source must not depend on how its lines are handed over.
    #[test]
    fn a_state_does_not_depend_on_how_lines_are_cut(
        text in garbled(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let parser = Parser::detect(&[&text], REFERENCE);
        let mut whole = State::default();
        parser.pass(&mut whole, &text);
        let mut cut = State::default();
        let starts: Vec<_> = memchr::memchr_iter(b'\n', &text).map(|newline| newline + 1).collect();
        let mut places: Vec<_> = match starts.is_empty() {
            true => vec![],
            false => cuts.iter().map(|cut| starts[cut.index(starts.len())]).collect(),
        };
        places.extend([0, text.len()]);
        places.sort_unstable();
        for pair in places.windows(2) {
            parser.pass(&mut cut, &text[pair[0]..pair[1]]);
        }
        prop_assert_eq!(cut, whole);
    }
}

/// The level of each record of a text.
fn levels(text: &str) -> Vec<&'static str> {
    let parser = Parser::detect(&[text.as_bytes()], REFERENCE);
    let records = Extents::new(&parser, text.as_bytes(), true).into_all();
    let levels = records.map(|extent| {
        let record = parser.parse(&text.as_bytes()[extent.range]);
        let severity = record.severity.map(|severity| severity.level().name());
        severity.unwrap_or("-")
    });
    levels.collect()
}

#[test]
fn a_source_that_changes_its_format_is_read_in_each() {
    let syslog = "Mar 14 14:05:30 web-1 app[7]: error: no\n".repeat(5);
    let json = r#"{"time":"2026-03-14T14:05:31Z","level":"warn","msg":"late"}"#.to_owned() + "\n";
    let json = json.repeat(5);
    let timed = "2026-03-14 14:05:32 INFO up\n\tin 7 ms\n".repeat(5);
    let expected = [["error"; 5], ["warn"; 5], ["info"; 5]].concat();
    assert_eq!(levels(&[&*syslog, &json, &timed].concat()), expected);
    let mixed = [&*json, &timed, &syslog].concat();
    let expected = [["warn"; 5], ["info"; 5], ["error"; 5]].concat();
    assert_eq!(levels(&mixed), expected);
}

#[test]
fn a_few_lines_that_look_like_another_format_are_read_as_the_others() {
    let timed = "2026-03-14 14:05:32 cart WARN late\n".repeat(40);
    let text =
        timed + "2026-03-14 14:05:33 app ERROR no\n[2026-03-14 14:05:34 +0000] [7] [INFO] up\n";
    let parser = Parser::detect(&[text.as_bytes()], REFERENCE);
    let names: Vec<_> = parser.formats().map(|format| format.name()).collect();
    assert_eq!(names, ["timed"]);
}

#[test]
fn empty_lines_behind_a_record_are_no_part_of_its_message() {
    let text = "2026-03-14 14:05:30 ERROR no\n\n\r\n2026-03-14 14:05:31 INFO up\n";
    let parser = Parser::detect(&[text.as_bytes()], REFERENCE);
    let records = Extents::new(&parser, text.as_bytes(), true).into_all();
    let messages: Vec<_> = records
        .map(|extent| as_json(&parser, &text.as_bytes()[extent.range])["message"].clone())
        .collect();
    assert_eq!(messages, ["no", "up"]);
}
