//! Month, day and time without a year, as in RFC 3164.

use crate::time::clock::time;
use crate::time::cursor::{Cursor, Parsed};
use crate::time::date::{gap, yearless};
use crate::time::names::month;
use crate::time::reading::Zone;
use crate::time::shape::{Definition, Kind, Lead, Place};
use crate::time::zone::zone;

pub(super) static SHAPES: [Definition; 2] = [
    Definition {
        name: "syslog",
        leads: &[Lead::Letter],
        kind: Kind::YearlessDateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%b %e %H:%M:%S",
            "%b %d %H:%M:%S",
            "%b %d %k:%M:%S",
            "%b %d %I:%M:%S %p",
            "%b %d %-I:%M %p",
            "%b-%d %H:%M:%S",
            "%b %e %H:%M:%S%.f",
            "%b %e %H:%M:%S%.3f %Z",
            "%B %-d %H:%M",
        ],
        samples: &[
            ("Mar 14 14:05:30", "2026-03-14T14:05:30Z"),
            ("Mar  4 14:05:30", "2026-03-04T14:05:30Z"),
            ("Mar 4 14:05:30", "2026-03-04T14:05:30Z"),
            ("Mar 14 14:05:30.123456", "2026-03-14T14:05:30.123456Z"),
            ("Mar 14 14:05:30.123 UTC", "2026-03-14T14:05:30.123Z"),
            ("Mar-14 14:05:30", "2026-03-14T14:05:30Z"),
            ("mars 14 14:05:30", "2026-03-14T14:05:30Z"),
            ("Mär 14 14:05:30", "2026-03-14T14:05:30Z"),
            ("Feb 29 14:05:30", "2024-02-29T14:05:30Z"),
            ("Dec 31 23:59:59", "2025-12-31T23:59:59Z"),
        ],
        parse: date_time,
    },
    Definition {
        name: "month-day",
        leads: &[Lead::Letter],
        kind: Kind::YearlessDate,
        place: Place::Value,
        rivalry: None,
        patterns: &["%b %d", "%b %e"],
        samples: &[("Mar 14", "2026-03-14T00:00:00Z")],
        parse: date,
    },
];

fn date_time(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let month = month(&mut c)?;
    if c.one_of(b" -")? == b' ' {
        c.skip_spaces();
    }
    let day = yearless(month, c.one_or_two()?)?;
    gap(&mut c)?;
    let nanosecond = time(&mut c)?;
    let zone = zone(&mut c);
    c.end(day, nanosecond, zone)
}

fn date(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let month = month(&mut c)?;
    c.expect(b' ')?;
    c.skip_spaces();
    let day = yearless(month, c.one_or_two()?)?;
    c.end(day, 0, Zone::Unsaid)
}
