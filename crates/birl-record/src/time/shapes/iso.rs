//! ISO 8601 with hyphens, and what is written almost like it.

use crate::time::calendar;
use crate::time::clock::{dotted_time, time};
use crate::time::cursor::{Cursor, Parsed};
use crate::time::date::{gap, year_month_day};
use crate::time::reading::{Day, Zone};
use crate::time::shape::{Definition, Kind, Lead, Place};
use crate::time::zone::{minutes, zone};

pub(super) static SHAPES: [Definition; 7] = [
    Definition {
        name: "iso",
        leads: &[Lead::Digits(4..=4, b"-")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%Y-%m-%dT%H:%M:%S%.f%:z",
            "%Y-%m-%dT%H:%M:%S%.f%z",
            "%Y-%m-%dT%H:%M:%S%.f%:::z",
            "%Y-%m-%dT%H:%M:%S%.fZ",
            "%Y-%m-%dT%H:%M:%S%.f%Z",
            "%Y-%m-%dT%H:%M:%S,%3f%:z",
            "%Y-%m-%dT%H:%M:%S%:z",
            "%Y-%m-%dT%H:%M:%S%z",
            "%Y-%m-%dT%H:%M:%S%Z",
            "%Y-%m-%dT%H:%M:%S",
            "%Y-%m-%dT%H:%M:%S %p %Z",
            "%Y-%m-%dT%H:%M",
            "%Y-%m-%d %H:%M:%S%.f%z",
            "%Y-%m-%d %H:%M:%S%.f %z",
            "%Y-%m-%d %H:%M:%S%.f %Z",
            "%Y-%m-%d %H:%M:%S%.f",
            "%Y-%m-%d %H:%M:%S,%3f",
            "%Y-%m-%d %H:%M:%S,%3f%z",
            "%Y-%m-%d %H:%M:%S,%3f %z",
            "%Y-%m-%d %H:%M:%S,%6f%z",
            "%Y-%m-%d %H:%M:%S,%6f %Z",
            "%Y-%m-%d %H:%M:%S:%3f",
            "%Y-%m-%d %H:%M:%S:%6f %z",
            "%Y-%m-%d %H:%M:%S%Z",
            "%Y-%m-%d %H:%M:%S%z",
            "%Y-%m-%d %H:%M:%S %Z",
            "%Y-%m-%d %H:%M:%S %z",
            "%Y-%m-%d %H:%M:%S",
            "%Y-%m-%d %H:%M",
            "%Y-%m-%d %I:%M:%S %p",
            "%Y-%m-%d_%H:%M:%S",
            "%Y-%m-%d-%H:%M:%S%.f",
            "%Y-%m-%d\t%H:%M:%S",
            "%Y-%m-%d,%H:%M:%S",
        ],
        samples: &[
            ("2026-03-14T14:05:30Z", "2026-03-14T14:05:30Z"),
            ("2026-03-14t14:05:30z", "2026-03-14T14:05:30Z"),
            (
                "2026-03-14T14:05:30.123456789Z",
                "2026-03-14T14:05:30.123456789Z",
            ),
            (
                "2026-03-14T14:05:30.123456789123Z",
                "2026-03-14T14:05:30.123456789Z",
            ),
            ("2026-03-14T14:05:30+01:00", "2026-03-14T13:05:30Z"),
            ("2026-03-14T14:05:30.5-0330", "2026-03-14T17:35:30.5Z"),
            ("2026-03-14T14:05:30+01", "2026-03-14T13:05:30Z"),
            (
                "2026-03-14T14:05:30+01:00[Europe/Paris]",
                "2026-03-14T13:05:30Z",
            ),
            ("2026-03-14T14:05:30,123", "2026-03-14T14:05:30.123Z"),
            ("2026-03-14T14:05Z", "2026-03-14T14:05:00Z"),
            ("2026-03-14 14:05:30", "2026-03-14T14:05:30Z"),
            ("2026-03-14  14:05:30", "2026-03-14T14:05:30Z"),
            ("2026-03-14, 14:05:30", "2026-03-14T14:05:30Z"),
            ("2026-3-4 9:05:30", "2026-03-04T09:05:30Z"),
            ("2026-03-14 14:05:30,123", "2026-03-14T14:05:30.123Z"),
            ("2026-03-14 14:05:30:123", "2026-03-14T14:05:30.123Z"),
            (
                "2026-03-14 14:05:30.123456+01",
                "2026-03-14T13:05:30.123456Z",
            ),
            ("2026-03-14 14:05:30.123 +03", "2026-03-14T11:05:30.123Z"),
            ("2026-03-14 14:05:30.123 UTC", "2026-03-14T14:05:30.123Z"),
            ("2026-03-14 14:05:30 EST", "2026-03-14T19:05:30Z"),
            ("2026-03-14 14:05:30 GMT+1", "2026-03-14T13:05:30Z"),
            ("2026-03-14 02:05:30 PM", "2026-03-14T14:05:30Z"),
            ("2026-03-14_14:05:30", "2026-03-14T14:05:30Z"),
            ("2026-03-14,14:05:30", "2026-03-14T14:05:30Z"),
            ("2026-03-14-14:05:30", "2026-03-14T14:05:30Z"),
            ("2016-12-31 23:59:60", "2016-12-31T23:59:59.999999999Z"),
            ("2024-02-29 00:00:00", "2024-02-29T00:00:00Z"),
        ],
        parse: date_time,
    },
    Definition {
        name: "iso-dots",
        leads: &[Lead::Digits(4..=4, b"-")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%Y-%m-%d-%H.%M.%S%.f",
            "%Y-%m-%d %H.%M.%S",
            "%Y-%m-%d %H.%M.%S%.f",
        ],
        samples: &[
            ("2005-06-03-15.42.50.363779", "2005-06-03T15:42:50.363779Z"),
            (
                "2026-03-14-14.05.30.123456-300",
                "2026-03-14T19:05:30.123456Z",
            ),
            (
                "2026-03-14-14.05.30.123456+060",
                "2026-03-14T13:05:30.123456Z",
            ),
            ("2026-03-14 14.05.30", "2026-03-14T14:05:30Z"),
        ],
        parse: date_dotted_time,
    },
    Definition {
        name: "iso-ordinal",
        leads: &[Lead::Digits(4..=4, b"-")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%Y-%jT%H:%M:%S%.f%z",
            "%Y-%jT%H:%M:%S%.f%Z",
            "%Y-%jT%H:%M:%S,%3f%z",
            "%Y-%jT%H:%M:%S %p %Z",
            "%Y-%jT%H:%M:%S",
            "%Y-%j %H:%M:%S",
        ],
        samples: &[
            ("2026-073T14:05:30Z", "2026-03-14T14:05:30Z"),
            ("2024-366 14:05:30.123", "2024-12-31T14:05:30.123Z"),
        ],
        parse: ordinal_date_time,
    },
    Definition {
        name: "iso-week",
        leads: &[Lead::Digits(4..=4, b"-")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &["%G-W%V-%uT%H:%M:%S%.f%:z", "%G-W%V-%u %H:%M:%S"],
        samples: &[
            ("2026-W11-6T14:05:30Z", "2026-03-14T14:05:30Z"),
            ("2026-W53-7T14:05:30Z", "2027-01-03T14:05:30Z"),
        ],
        parse: week_date_time,
    },
    Definition {
        name: "iso-apart",
        leads: &[Lead::Digits(4..=4, b"-")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%Y-%m-%d][%H:%M:%S",
            "%Y-%m-%d|%H:%M:%S%.f",
            "%Y-%m-%d time=%H:%M:%S",
        ],
        samples: &[
            // fern
            ("2026-03-14][14:05:30", "2026-03-14T14:05:30Z"),
            ("2026-03-14] [14:05:30.5", "2026-03-14T14:05:30.5Z"),
            // Tendermint
            ("2026-03-14|14:05:30.123", "2026-03-14T14:05:30.123Z"),
            // FortiGate
            ("2026-03-14 time=14:05:30", "2026-03-14T14:05:30Z"),
        ],
        parse: date_apart_time,
    },
    Definition {
        name: "iso-date",
        leads: &[Lead::Digits(4..=4, b"-")],
        kind: Kind::Date,
        place: Place::Start,
        rivalry: None,
        patterns: &["%Y-%m-%d"],
        samples: &[("2026-03-14", "2026-03-14T00:00:00Z")],
        parse: date,
    },
    Definition {
        name: "iso-month",
        leads: &[Lead::Digits(4..=4, b"-")],
        kind: Kind::Date,
        place: Place::Value,
        rivalry: None,
        patterns: &["%Y-%m"],
        samples: &[("2026-03", "2026-03-01T00:00:00Z")],
        parse: month,
    },
];

fn date_time(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day = year_month_day(&mut c, b'-')?;
    gap(&mut c)?;
    let nanosecond = time(&mut c)?;
    let zone = zone(&mut c);
    c.end(day, nanosecond, zone)
}

/// A date and a time in columns, brackets or fields of their own.
fn date_apart_time(text: &[u8]) -> Parsed {
    const GAPS: [&str; 4] = ["][", "] [", "|", " time="];
    let mut c = Cursor::new(text);
    let day = year_month_day(&mut c, b'-')?;
    let gap = GAPS
        .iter()
        .find(|gap| c.rest().starts_with(gap.as_bytes()))?;
    c.skip(gap.len());
    let nanosecond = time(&mut c)?;
    let zone = zone(&mut c);
    c.end(day, nanosecond, zone)
}

/// As BlueGene and DB2 write it; the latter adds the offset in minutes.
fn date_dotted_time(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day = year_month_day(&mut c, b'-')?;
    gap(&mut c)?;
    let nanosecond = dotted_time(&mut c)?;
    let zone = minutes(&mut c).unwrap_or_else(|| zone(&mut c));
    c.end(day, nanosecond, zone)
}

fn ordinal_date_time(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let year = c.digits(4)?;
    c.expect(b'-')?;
    let day = Day::Known(calendar::day_of_year(year, c.digits(3)?)?);
    gap(&mut c)?;
    let nanosecond = time(&mut c)?;
    let zone = zone(&mut c);
    c.end(day, nanosecond, zone)
}

fn week_date_time(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let year = c.digits(4)?;
    c.expect(b'-')?;
    c.expect(b'W')?;
    let week = c.two()?;
    c.expect(b'-')?;
    let day = Day::Known(calendar::day_of_week_date(year, week, c.digits(1)?)?);
    gap(&mut c)?;
    let nanosecond = time(&mut c)?;
    let zone = zone(&mut c);
    c.end(day, nanosecond, zone)
}

fn date(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day = year_month_day(&mut c, b'-')?;
    c.end_of_date(day)
}

fn month(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let year = c.digits(4)?;
    c.expect(b'-')?;
    let day = calendar::day(year, c.two()?, 1).map(Day::Known)?;
    c.end(day, 0, Zone::Unsaid)
}
