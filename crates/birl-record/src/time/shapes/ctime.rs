//! The output of `ctime` and of `date`: a weekday, a date, a time, and then the year, if any.

use crate::time::clock::time;
use crate::time::cursor::{Cursor, Parsed};
use crate::time::date::{known, yearless};
use crate::time::names::{month, weekday};
use crate::time::reading::Zone;
use crate::time::shape::{Definition, Kind, Lead, Place};
use crate::time::zone::{any_name, zone};

pub(super) static SHAPES: [Definition; 2] = [
    Definition {
        name: "ctime",
        leads: &[Lead::Letter],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%a %b %e %H:%M:%S %Y",
            "%a %b %e %H:%M:%S%.f %Y",
            "%a %b %e %H:%M:%S:%6f %Y",
            "%a %b %e %H:%M:%S %Z %Y",
            "%a %b %e %I:%M:%S %p %Z %Y",
            "%a %-d %b %H:%M:%S %Z %Y",
        ],
        samples: &[
            ("Sat Mar 14 14:05:30 2026", "2026-03-14T14:05:30Z"),
            (
                "Sat Mar 14 14:05:30.123456 2026",
                "2026-03-14T14:05:30.123456Z",
            ),
            ("Wed Mar  4 14:05:30 CET 2026", "2026-03-04T13:05:30Z"),
            ("Sat Mar 14 02:05:30 PM UTC 2026", "2026-03-14T14:05:30Z"),
            ("Sat Mar 14 14:05:30 +03 2026", "2026-03-14T11:05:30Z"),
            ("Sat 14 Mar 14:05:30 GMT 2026", "2026-03-14T14:05:30Z"),
            ("sam. 14 mars 14:05:30 CET 2026", "2026-03-14T13:05:30Z"),
            ("Sa 14. Mär 14:05:30 CET 2026", "2026-03-14T13:05:30Z"),
        ],
        parse: date_time_year,
    },
    Definition {
        name: "ctime-yearless",
        leads: &[Lead::Letter],
        kind: Kind::YearlessDateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%a %b %e %H:%M:%S",
            "%a %b %e %H:%M:%S%.f",
            "%a %b %e %H:%M",
            "%a %-d %b %H:%M:%S",
        ],
        samples: &[
            ("Sat Mar 14 14:05:30", "2026-03-14T14:05:30Z"),
            ("Sat Mar 14 14:05", "2026-03-14T14:05:00Z"),
            ("Sat Mar 14 14:05:30 EST", "2026-03-14T19:05:30Z"),
            ("sam. 14 mars 14:05:30", "2026-03-14T14:05:30Z"),
        ],
        parse: date_time,
    },
];

fn date_time_year(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let (month, day) = weekday_date(&mut c)?;
    let nanosecond = time(&mut c)?;
    let zone = zone_before_year(&mut c);
    c.expect(b' ')?;
    let day = known(c.digits(4)?, month, day)?;
    c.end(day, nanosecond, zone)
}

fn date_time(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let (month, day) = weekday_date(&mut c)?;
    let nanosecond = time(&mut c)?;
    let zone = zone(&mut c);
    c.end(yearless(month, day)?, nanosecond, zone)
}

/// Takes the weekday, and month and day in either order, with the space behind them.
fn weekday_date(c: &mut Cursor<'_>) -> Option<(u32, u32)> {
    weekday(c)?;
    c.eat(b',');
    c.expect(b' ')?;
    c.skip_spaces();
    let (month, day) = if c.peek()?.is_ascii_digit() {
        let day = c.one_or_two()?;
        c.eat(b'.');
        c.expect(b' ')?;
        (month(c)?, day)
    } else {
        let month = month(c)?;
        c.expect(b' ')?;
        c.skip_spaces();
        (month, c.one_or_two()?)
    };
    c.eat(b',');
    c.expect(b' ')?;
    Some((month, day))
}

/// Takes the zone: any abbreviation can only be one here, and two digits an offset.
fn zone_before_year(c: &mut Cursor<'_>) -> Zone {
    match zone(c) {
        Zone::Unsaid => any_name(c)
            .or_else(|| short_offset(c))
            .unwrap_or(Zone::Unsaid),
        zone => zone,
    }
}

fn short_offset(c: &mut Cursor<'_>) -> Option<Zone> {
    let mut ahead = *c;
    ahead.expect(b' ')?;
    let zone = match zone(&mut ahead) {
        Zone::Offset(seconds) => Zone::Offset(seconds),
        Zone::Unsaid | Zone::Named(_) => return None,
    };
    *c = ahead;
    Some(zone)
}
