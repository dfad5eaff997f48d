//! The time of access logs, from the Common Log Format.

use crate::time::clock::time;
use crate::time::cursor::{Cursor, Parsed};
use crate::time::date::{known, three_numbers};
use crate::time::names::month;
use crate::time::shape::{Definition, Kind, Lead, Place};
use crate::time::zone::zone;

pub(super) static SHAPES: [Definition; 2] = [
    Definition {
        name: "apache",
        leads: &[Lead::Digits(1..=2, b"/")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%d/%b/%Y:%H:%M:%S %z",
            "%d/%b/%Y:%H:%M:%S",
            "%d/%b/%Y:%H:%M:%S%.3f %z",
        ],
        samples: &[
            ("14/Mar/2026:14:05:30 +0000", "2026-03-14T14:05:30Z"),
            ("14/Mar/2026:14:05:30.123 -0700", "2026-03-14T21:05:30.123Z"),
            ("14/Mar/2026:14:05:30", "2026-03-14T14:05:30Z"),
        ],
        parse,
    },
    // cPanel writes the month as a number, and first.
    Definition {
        name: "apache-mdy",
        leads: &[Lead::Digits(1..=2, b"/")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &["%m/%d/%Y:%H:%M:%S %z"],
        samples: &[("03/04/2026:14:05:30 -0000", "2026-03-04T14:05:30Z")],
        parse: month_first,
    },
];

fn parse(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day = c.one_or_two()?;
    c.expect(b'/')?;
    let month = month(&mut c)?;
    c.expect(b'/')?;
    let day = known(c.digits(4)?, month, day)?;
    c.expect(b':')?;
    let nanosecond = time(&mut c)?;
    let zone = zone(&mut c);
    c.end(day, nanosecond, zone)
}

fn month_first(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let (month, day, year) = three_numbers(&mut c, b'/', 4)?;
    let day = known(year, month, day)?;
    c.expect(b':')?;
    let nanosecond = time(&mut c)?;
    let zone = zone(&mut c);
    c.end(day, nanosecond, zone)
}
