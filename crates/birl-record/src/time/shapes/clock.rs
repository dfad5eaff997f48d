//! The time of day alone.

use crate::time::clock::time;
use crate::time::cursor::{Cursor, Parsed};
use crate::time::reading::Day;
use crate::time::shape::{Definition, Kind, Lead, Place};
use crate::time::zone::zone;

pub(super) static SHAPES: [Definition; 2] = [
    Definition {
        name: "clock",
        leads: &[Lead::Digits(1..=2, b":")],
        kind: Kind::Clock,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%H:%M:%S",
            "%H:%M:%S%.f",
            "%H:%M:%S,%3f",
            "%H:%M:%S:%3f",
            "%-H:%M:%S",
            "%-I:%M:%S %p",
            "%H:%M:%S %Z",
        ],
        samples: &[
            ("14:05:30", "2026-03-14T14:05:30Z"),
            ("14:05:30.123", "2026-03-14T14:05:30.123Z"),
            ("14:05:30,123", "2026-03-14T14:05:30.123Z"),
            ("14:05:30:123", "2026-03-14T14:05:30.123Z"),
            ("2:05:30 PM", "2026-03-14T14:05:30Z"),
            ("14:05:30 +0100", "2026-03-14T13:05:30Z"),
        ],
        parse: with_seconds,
    },
    Definition {
        name: "clock-short",
        leads: &[Lead::Digits(1..=2, b":")],
        kind: Kind::Clock,
        place: Place::Start,
        rivalry: None,
        patterns: &["%H:%M", "%-I:%M %p"],
        samples: &[
            ("14:05", "2026-03-14T14:05:00Z"),
            ("2:05 PM", "2026-03-14T14:05:00Z"),
        ],
        parse: without_seconds,
    },
];

/// Not the address of a network card, nor hours behind days: behind a fourth colon only a number of
/// three digits may stand.
fn with_seconds(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let mut seconds = c;
    seconds.one_or_two()?;
    seconds.expect(b':')?;
    seconds.two()?;
    seconds.expect(b':')?;
    seconds.two()?;
    if seconds.eat(b':') && !matches!(seconds.count_digits(), 0 | 3) {
        return None;
    }
    let nanosecond = time(&mut c)?;
    let zone = zone(&mut c);
    c.end(Day::Unsaid, nanosecond, zone)
}

fn without_seconds(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let mut minutes = c;
    minutes.one_or_two()?;
    minutes.expect(b':')?;
    minutes.two()?;
    if minutes.peek() == Some(b':') {
        return None;
    }
    let nanosecond = time(&mut c)?;
    let zone = zone(&mut c);
    c.end(Day::Unsaid, nanosecond, zone)
}
