//! What holds for every shape in the registry.

use std::collections::HashSet;

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};
use proptest::prelude::*;

use super::*;

/// The end of 2026-03-14: no sample of that day is in the future.
const REFERENCE: i64 = 1_773_532_799_999_999_999;

/// The instant that `shape` makes of all of `text`.
fn instant(shape: Shape, text: &str, zone: &TimeZone, reference: i64) -> Option<Timestamp> {
    let (reading, taken) = shape.parse(text.as_bytes())?;
    if taken < text.len() {
        return None;
    }
    let instant = Resolver::new(zone.clone(), reference).resolve(reading)?;
    Some(Timestamp::from_nanosecond(instant.into()).unwrap())
}

#[test]
fn every_sample_becomes_what_it_must() {
    for shape in Shape::all() {
        for (text, expected) in shape.samples() {
            let found = instant(shape, text, &TimeZone::UTC, REFERENCE);
            let expected: Timestamp = expected.parse().unwrap();
            assert_eq!(found, Some(expected), "{text:?} as {shape:?}");
        }
    }
}

#[test]
fn no_sample_is_claimed_by_another_shape_with_another_result() {
    for shape in Shape::all() {
        let rivals: Vec<Shape> = shape.rivals().collect();
        for (text, _) in shape.samples() {
            let expected = instant(shape, text, &TimeZone::UTC, REFERENCE);
            let of = Shape::of(text.as_bytes());
            assert!(
                of.is_some_and(|of| rivals.contains(&of)),
                "{text:?} of {shape:?} is {of:?}"
            );
            for other in Shape::all().filter(|other| !rivals.contains(other)) {
                let found = instant(other, text, &TimeZone::UTC, REFERENCE);
                assert!(
                    !other.claims(text.as_bytes()) || found == expected,
                    "{text:?} of {shape:?} as {other:?}"
                );
            }
        }
    }
}

#[test]
fn names_are_unique_and_easy_to_type() {
    let mut names = HashSet::new();
    for shape in Shape::all() {
        let name = shape.name();
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!(name.bytes().all(is_plain), "{name}");
        assert!(names.insert(name), "{name}");
        assert_eq!(Shape::named(name), Some(shape));
    }
}

#[test]
fn every_sample_is_found_in_a_line_where_its_shape_is_looked_for() {
    for shape in Shape::all() {
        for (text, _) in shape.samples() {
            let prefixes = match shape.place() {
                Place::Anywhere => [
                    "",
                    "[",
                    "<34>",
                    "web-1 ",
                    "\x1b[2m",
                    "level=info ts=\"",
                    "INFO:",
                ]
                .as_slice(),
                Place::Start => ["", "[", "  ("].as_slice(),
                Place::Value => continue,
            };
            let of = Shape::of(text.as_bytes()).unwrap();
            for prefix in prefixes {
                let line = format!("{prefix}{text}] it began");
                let range = prefix.len()..prefix.len() + text.len();
                assert_eq!(find(line.as_bytes(), 64), Some((of, range)), "{line:?}");
            }
        }
    }
}

/// Formats that lnav 0.14 knows (`src/time_formats.am`), in the notation of jiff, but for minutes
/// and seconds without an hour.
const LNAV: [&str; 105] = [
    "%Y-%m-%d %H:%M:%S.%6f%z",
    "%Y-%m-%d %H:%M:%S,%6f%z",
    "%Y-%m-%d %H:%M:%S.%6f %Z",
    "%Y-%m-%d %H:%M:%S,%6f %Z",
    "%Y-%m-%d %H:%M:%S,%3f%z",
    "%Y-%m-%d %H:%M:%S,%3f %z",
    "%Y-%m-%d %H:%M:%S.%3f%z",
    "%Y-%m-%d %H:%M:%S.%6f %z",
    "%Y-%m-%d %H:%M:%S:%6f %z",
    "%Y-%m-%d %H:%M:%S.%6f",
    "%Y-%m-%d %H:%M:%S,%3f",
    "%Y-%m-%d %H:%M:%S.%3f",
    "%Y-%m-%d %H:%M:%S%Z",
    "%Y-%m-%d %H:%M:%S%z",
    "%Y-%m-%d %H:%M:%S %Z",
    "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S:%3f",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%jT%H:%M:%S %p %Z",
    "%Y-%m-%dT%H:%M:%S %p %Z",
    "%Y-%jT%H:%M:%S.%6f%z",
    "%Y-%m-%dT%H:%M:%S.%6f%Z",
    "%Y-%m-%dT%H:%M:%S.%6f%z",
    "%y-%m-%dT%H:%M:%S.%6f%Z",
    "%y-%m-%dT%H:%M:%S.%6f%z",
    "%Y-%jT%H:%M:%S.%3f%z",
    "%Y-%jT%H:%M:%S,%3f%z",
    "%Y-%m-%dT%H:%M:%S,%3f%z",
    "%y-%m-%dT%H:%M:%S,%3f%z",
    "%Y-%jT%H:%M:%S.%3f%Z",
    "%Y-%m-%dT%H:%M:%S.%3f%Z",
    "%y-%m-%dT%H:%M:%S.%3f%Z",
    "%Y-%m-%dT%H:%M:%S%Z",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%jT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S %z",
    "%Y/%m/%d %H:%M:%S%z",
    "%Y/%m/%d %H:%M:%S.%6f%z",
    "%Y/%m/%d %H:%M:%S.%6f%Z",
    "%Y/%m/%d %H:%M:%S.%6f %z",
    "%Y/%m/%d %H:%M:%S.%6f %Z",
    "%Y/%m/%d %H:%M:%S.%6f",
    "%Y/%m/%d %H:%M:%S.%3f",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y %b %d %a %H:%M:%S.%3f",
    "%Y %b %d %H:%M:%S.%3f",
    "%Y %b %d %H:%M:%S",
    "%a %b %e %H:%M:%S %Y",
    "%a %b %e %H:%M:%S.%6f %Y",
    "%a %b %e %H:%M:%S:%6f %Y",
    "%a %b %e %H:%M:%S %Z %Y",
    "%a %b %e %I:%M:%S %p %Z %Y",
    "%a %b %e %H:%M:%S",
    "%a %b %e %H:%M:%S.%3f",
    "%a %b %e %H:%M",
    "%d.%m.%Y %H:%M:%S.%6f",
    "%d/%m/%y %H:%M:%S",
    "%d/%b/%Y:%H:%M:%S %z",
    "%d-%b-%Y %H:%M:%S %z",
    "%d-%b-%Y %H:%M:%S %Z",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y %H:%M:%S.%3f%z",
    "%d %b %Y %H:%M:%S,%3f%z",
    "%d %b %Y %H:%M:%S.%3f",
    "%d %b %Y %H:%M:%S,%3f",
    "%d %b %Y %H:%M",
    "%b-%d %H:%M:%S",
    "%b %d %H:%M:%S",
    "%b %d %k:%M:%S",
    "%b %d %-I:%M:%S",
    "%b %d %-I:%M",
    "%b %e, %Y %-I:%M:%S %p",
    "%b %d, %Y %-I:%M:%S %p",
    "%m/%d/%Y %I:%M:%S:%3f %p %Z",
    "%m/%d/%Y %I:%M:%S %p %Z",
    "%m/%d/%Y %-I:%M:%S %p %Z",
    "%m/%d/%Y %I:%M:%S %p%z",
    "%m/%d/%Y %-I:%M:%S %p%z",
    "%m/%e/%Y %-I:%M:%S %p%z",
    "%m/%e/%Y %-I:%M:%S %p %z",
    "%m/%e/%Y %I:%M:%S %p",
    "%m/%e/%Y %-I:%M:%S%p",
    "%m/%d/%y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%b/%Y %H:%M:%S",
    "%d/%b/%y %H:%M:%S",
    "%m.%d %H:%M:%S",
    "%m%d %H:%M:%S",
    "%Y%m%d %H:%M:%S",
    "%y%m%d %H%M%S",
    "%y%m%d %H:%M:%S",
    "%Y%m%d %H%M%S",
    "%Y%m%d.%H%M%S",
    "%H:%M:%S",
    "%H:%M:%S.%6f",
    "%m/%d %H:%M:%S",
    "%Y-%m-%d",
    "%Y-%m",
    "%Y/%m/%d",
    "%Y/%m",
    "%b %d",
];

#[test]
fn every_pattern_that_lnav_knows_is_one_of_a_shape() {
    let at: Timestamp = "2026-03-14T14:05:30.123456789Z".parse().unwrap();
    let at = at.to_zoned(TimeZone::UTC);
    for pattern in LNAV {
        let text = at.strftime(pattern).to_string();
        assert!(
            Shape::of(text.trim_end().as_bytes()).is_some(),
            "{pattern} {text:?}"
        );
    }
}

/// An instant in some zone, in the century that two digits can tell, most of them with an odd time of day.
fn times() -> impl Strategy<Value = Zoned> {
    let zone = prop::sample::select(vec![
        "UTC0",
        "EST5",
        "CET-1",
        "<+0530>-5:30",
        "<-03>3",
        "JST-9",
    ]);
    let second = prop_oneof![4 => -30_000_000i64..3_124_000_000, 1 => (0i64..36_000).prop_map(|day| day * 86_400)];
    let nanosecond = prop_oneof![Just(0), Just(5_000_000), 0..1_000_000_000];
    (second, nanosecond, zone).prop_map(|(second, nanosecond, zone)| {
        let zone = TimeZone::posix(zone).unwrap();
        Timestamp::new(second, nanosecond).unwrap().to_zoned(zone)
    })
}

/// The zone in which to read what was formatted as `pattern` says: its own, if the text names none.
fn reading_zone(time: &Zoned, pattern: &str) -> TimeZone {
    let says_zone = ["%z", "%:z", "%:::z", "%Z"]
        .iter()
        .any(|zone| pattern.contains(zone));
    if says_zone {
        return TimeZone::fixed(Offset::constant(-7));
    }
    let says_utc = pattern.ends_with('Z') || pattern.ends_with("GMT") || pattern.starts_with("%s");
    if says_utc {
        TimeZone::UTC
    } else {
        time.time_zone().clone()
    }
}

proptest! {
    #[test]
    fn what_is_formatted_as_a_pattern_says_is_read_back(time in times()) {
        for shape in Shape::all() {
            for pattern in shape.patterns() {
                let zone = reading_zone(&time, pattern);
                // Where the pattern says UTC, that is what it means.
                let time = if zone == TimeZone::UTC { time.with_time_zone(TimeZone::UTC) } else { time.clone() };
                let text = time.strftime(pattern).to_string();
                if shape.is_number() && !shape.claims(text.as_bytes()) {
                    continue;
                }
                let reference = time.timestamp().as_nanosecond() as i64;
                let found = instant(shape, &text, &zone, reference);
                prop_assert!(found.is_some(), "{} {:?} of {}", shape.name(), text, time);
                let again = found.unwrap().to_zoned(time.time_zone().clone()).strftime(pattern).to_string();
                prop_assert_eq!(&again, &text, "{} {} of {}", shape.name(), pattern, time);
                let of = Shape::of(text.as_bytes());
                let is_rival = of.is_some_and(|of| shape.rivals().any(|rival| rival == of));
                prop_assert!(is_rival, "{:?} of {:?} is {:?}", text, shape, of);
            }
        }
    }

    #[test]
    fn a_shape_takes_a_beginning_of_any_bytes(text in soup()) {
        for shape in Shape::all() {
            if let Some((reading, taken)) = shape.parse(&text) {
                prop_assert!(taken <= text.len());
                // What stands behind is looked at only to tell that the timestamp ends.
                let alone = shape.parse(&text[..taken]);
                prop_assert!(alone.is_none() || alone == Some((reading, taken)), "{:?}", shape);
            }
        }
    }

    #[test]
    fn what_is_found_is_what_its_shape_takes(line in soup(), within in 0usize..80) {
        let mut end = 0;
        for (shape, range) in candidates(&line, within) {
            prop_assert!(end <= range.start && range.start < within);
            prop_assert_eq!(shape.parse(&line[range.start..]).unwrap().1, range.len());
            end = range.end;
        }
        let found = find(&line, within);
        prop_assert_eq!(found.is_some(), candidates(&line, within).next().is_some());
    }
}

/// Pieces of timestamps in any order, and other bytes.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let samples: Vec<&str> = Shape::all()
        .flat_map(|shape| shape.samples())
        .map(|(text, _)| *text)
        .collect();
    let pieces = [
        "2026",
        "03",
        "14",
        "3",
        "-",
        "/",
        ".",
        ":",
        " ",
        "T",
        "Z",
        "+01:00",
        "+0100",
        " UTC",
        " PM",
        ",",
        "123",
        "Mar",
        "Sat",
        "mars",
        "März",
        "à",
        "@4000000069b56b34",
        "[",
        "<",
        "é",
        "\0",
        "1773497130",
    ];
    let piece = prop_oneof![
        6 => prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        3 => (prop::sample::select(samples), any::<prop::sample::Index>()).prop_map(|(text, index)| {
            text.as_bytes()[..index.index(text.len() + 1)].to_vec()
        }),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}
