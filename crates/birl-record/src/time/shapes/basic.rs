//! Dates without separators.

use crate::time::clock::{compact_time, time};
use crate::time::cursor::{Cursor, Parsed};
use crate::time::date::{century, gap, known, yearless};
use crate::time::reading::Day;
use crate::time::shape::{Definition, Kind, Lead, Place};
use crate::time::zone::{minutes, zone};

pub(super) static SHAPES: [Definition; 4] = [
    Definition {
        name: "basic",
        leads: &[Lead::Digits(8..=8, b"Tt _-.:,")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%Y%m%dT%H%M%SZ",
            "%Y%m%dT%H%M%S%.fZ",
            "%Y%m%dT%H%M%S%z",
            "%Y%m%dT%H%M%S",
            "%Y%m%d %H%M%S",
            "%Y%m%d.%H%M%S",
            "%Y%m%d-%H%M%S",
            "%Y%m%d %H:%M:%S",
            "%Y%m%d %H:%M:%S%.6f",
            "%Y%m%d-%H:%M:%S%.3f",
        ],
        samples: &[
            ("20260314T140301Z", "2026-03-14T14:03:01Z"),
            ("20260314T140301.123+0100", "2026-03-14T13:03:01.123Z"),
            ("20260314T1403Z", "2026-03-14T14:03:00Z"),
            ("20260314 140301", "2026-03-14T14:03:01Z"),
            ("20260314.140301", "2026-03-14T14:03:01Z"),
            ("20260314_140301", "2026-03-14T14:03:01Z"),
            ("20260314 14:03:01", "2026-03-14T14:03:01Z"),
            ("20260314 14:03:01.123456", "2026-03-14T14:03:01.123456Z"),
            ("20260314-14:03:01.123", "2026-03-14T14:03:01.123Z"),
            ("20171224-0:7:20:44", "2017-12-24T00:07:20.044Z"),
        ],
        parse: date_time,
    },
    Definition {
        name: "digits",
        leads: &[Lead::Digits(14..=14, b""), Lead::Digits(17..=17, b"")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%Y%m%d%H%M%S",
            "%Y%m%d%H%M%SZ",
            "%Y%m%d%H%M%S%3f",
            "%Y%m%d%H%M%S%.6f",
        ],
        samples: &[
            ("20260314140301", "2026-03-14T14:03:01Z"),
            ("20260314140301Z", "2026-03-14T14:03:01Z"),
            ("20260314140301123", "2026-03-14T14:03:01.123Z"),
            ("20260314140301.123456+060", "2026-03-14T13:03:01.123456Z"),
        ],
        parse: digits,
    },
    Definition {
        name: "basic-short",
        leads: &[Lead::Digits(6..=6, b" -_T")],
        kind: Kind::DateTime,
        place: Place::Start,
        rivalry: None,
        patterns: &[
            "%y%m%d %H%M%S",
            "%y%m%d %H:%M:%S",
            "%y%m%d %k:%M:%S",
            "%y%m%d-%H:%M:%S",
        ],
        samples: &[
            ("081109 203615", "2008-11-09T20:36:15Z"),
            ("260314 14:03:01", "2026-03-14T14:03:01Z"),
            ("260314  9:03:01", "2026-03-14T09:03:01Z"),
        ],
        parse: short_date_time,
    },
    Definition {
        name: "glog",
        leads: &[Lead::Digits(4..=4, b" ")],
        kind: Kind::YearlessDateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &["%m%d %H:%M:%S%.6f", "%m%d %H:%M:%S"],
        samples: &[
            ("0314 14:05:30.123456", "2026-03-14T14:05:30.123456Z"),
            ("0314 14:05:30", "2026-03-14T14:05:30Z"),
        ],
        parse: month_day_time,
    },
];

fn date_time(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day = known(c.digits(4)?, c.two()?, c.two()?)?;
    if !c.eat(b'.') {
        gap(&mut c)?;
    }
    let nanosecond = either_time(&mut c)?;
    let zone = zone(&mut c);
    c.end(day, nanosecond, zone)
}

/// The date and the time in one number, as of LDAP; WMI adds the offset in minutes.
fn digits(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day = known(c.digits(4)?, c.two()?, c.two()?)?;
    let mut nanosecond = compact_time(&mut c)?;
    if c.count_digits() == 3 {
        nanosecond += i64::from(c.digits(3)?) * 1_000_000;
    }
    let zone = minutes(&mut c).unwrap_or_else(|| zone(&mut c));
    c.end(day, nanosecond, zone)
}

fn short_date_time(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day = known(century(c.two()?), c.two()?, c.two()?)?;
    gap(&mut c)?;
    let nanosecond = either_time(&mut c)?;
    let zone = zone(&mut c);
    c.end(day, nanosecond, zone)
}

fn month_day_time(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day: Day = yearless(c.two()?, c.two()?)?;
    c.expect(b' ')?;
    let nanosecond = time(&mut c)?;
    let zone = zone(&mut c);
    c.end(day, nanosecond, zone)
}

/// Takes a time with colons or without separators.
fn either_time(c: &mut Cursor<'_>) -> Option<i64> {
    if c.count_digits() <= 2 {
        time(c)
    } else {
        compact_time(c)
    }
}
