//! What must hold for every format, also for those that nobody has written yet.

use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json};

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
