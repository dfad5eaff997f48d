//! Dates with the name of a month and a year, in any order, and a time.

use crate::time::clock::{dotted_time, time};
use crate::time::cursor::{Cursor, Parsed};
use crate::time::date::{century, gap, known};
use crate::time::names::{month, weekday};
use crate::time::reading::Day;
use crate::time::shape::{Definition, Kind, Lead, Place};
use crate::time::zone::zone;

pub(super) static SHAPES: [Definition; 6] = [
    Definition {
        name: "day-month-year",
        leads: &[Lead::Letter, Lead::Digits(1..=2, b" -/.")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%a, %d %b %Y %H:%M:%S GMT",
            "%a, %d %b %Y %H:%M:%S %z",
            "%A, %d-%b-%y %H:%M:%S GMT",
            "%d %b %Y %H:%M:%S",
            "%d %b %Y %H:%M:%S%.3f%z",
            "%d %b %Y %H:%M:%S,%3f%z",
            "%d %b %Y %H:%M:%S%.3f",
            "%d %b %Y %H:%M:%S,%3f",
            "%d %b %Y %H:%M",
            "%d-%b-%Y %H:%M:%S%.3f",
            "%d-%b-%Y %H:%M:%S %z",
            "%d-%b-%Y %H:%M:%S %Z",
            "%d-%^b-%y %I.%M.%S%.6f %p",
            "%d/%b/%Y %H:%M:%S",
            "%d/%b/%y %H:%M:%S",
            "%a %d %b %Y %I:%M:%S %p %Z",
            "%A, %-d %B %Y %H:%M:%S",
            "%-d. %B %Y, %H:%M:%S",
            "%-d-%b-%Y::%H:%M:%S",
        ],
        samples: &[
            ("Sat, 14 Mar 2026 14:05:30 GMT", "2026-03-14T14:05:30Z"),
            ("Sat, 14 Mar 2026 14:05:30 +0100", "2026-03-14T13:05:30Z"),
            ("Saturday, 14-Mar-26 14:05:30 GMT", "2026-03-14T14:05:30Z"),
            ("14 Mar 2026 14:05:30.123", "2026-03-14T14:05:30.123Z"),
            ("14-Mar-2026 14:05:30.123", "2026-03-14T14:05:30.123Z"),
            (
                "14-MAR-26 02.05.30.123456 PM",
                "2026-03-14T14:05:30.123456Z",
            ),
            ("14/Mar/2026 14:05:30", "2026-03-14T14:05:30Z"),
            ("14/Mar/26 14:05:30", "2026-03-14T14:05:30Z"),
            ("Sat 14 Mar 2026 02:05:30 PM CET", "2026-03-14T13:05:30Z"),
            ("14 mars 2026 14:05:30", "2026-03-14T14:05:30Z"),
            ("14 févr. 2026 à 14:05:30", "2026-02-14T14:05:30Z"),
            ("14. März 2026 14:05:30", "2026-03-14T14:05:30Z"),
            ("14. März 2026 um 14:05:30 MEZ", "2026-03-14T13:05:30Z"),
            ("samedi 14 mars 2026 14:05:30", "2026-03-14T14:05:30Z"),
            ("4-Mar-2026::14:05:30", "2026-03-04T14:05:30Z"),
        ],
        parse: day_month_year_time,
    },
    Definition {
        name: "month-day-year",
        leads: &[Lead::Letter],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%b %e, %Y %l:%M:%S %p",
            "%b %d, %Y %l:%M:%S %p",
            "%b %-d, %Y, %-I:%M:%S %p",
            "%b %d, %Y @ %H:%M:%S%.3f",
            "%b %e %Y %H:%M:%S",
            "%b %e %Y %H:%M:%S%.3f %Z",
            "%B %-d, %Y at %-I:%M:%S %p",
            "%A, %B %-d, %Y %-I:%M %p",
            "%a %b %d %Y %H:%M:%S GMT%z",
            "%b-%d-%Y %H:%M:%S",
            "%b-%d-%y %H:%M:%S",
        ],
        samples: &[
            ("Mar 14, 2026 2:05:30 PM", "2026-03-14T14:05:30Z"),
            ("Mar 14, 2026, 2:05:30\u{202f}PM", "2026-03-14T14:05:30Z"),
            ("Mar 14, 2026 @ 14:05:30.123", "2026-03-14T14:05:30.123Z"),
            ("Mar 14 2026 14:05:30", "2026-03-14T14:05:30Z"),
            ("Mar 14 2026 14:05:30.123 EST", "2026-03-14T19:05:30.123Z"),
            ("March 14, 2026 at 2:05 PM", "2026-03-14T14:05:00Z"),
            ("Sat Mar 14 2026 14:05:30 GMT+0100", "2026-03-14T13:05:30Z"),
            ("Mar-14-2026 14:05:30", "2026-03-14T14:05:30Z"),
            ("Mar-04-26 14:05:30", "2026-03-04T14:05:30Z"),
            (
                "Saturday, March 14, 2026 2:05:30 PM",
                "2026-03-14T14:05:30Z",
            ),
        ],
        parse: month_day_year_time,
    },
    Definition {
        name: "year-month-day",
        leads: &[Lead::Digits(4..=4, b" -/")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%Y %b %d %a %H:%M:%S%.3f",
            "%Y %b %d %H:%M:%S%.3f",
            "%Y %b %d %H:%M:%S",
            "%Y %b %e %H:%M:%S",
            "%Y-%b-%d %H:%M:%S%.f",
            "%Y/%b/%d %H:%M:%S",
        ],
        samples: &[
            ("2026 Mar 14 14:05:30", "2026-03-14T14:05:30Z"),
            ("2026 Mar 14 Sat 14:05:30.123", "2026-03-14T14:05:30.123Z"),
            ("2026-Mar-14 14:05:30.123456", "2026-03-14T14:05:30.123456Z"),
        ],
        parse: year_month_day_time,
    },
    Definition {
        name: "day-month",
        leads: &[Lead::Digits(1..=2, b" -.")],
        kind: Kind::YearlessDateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%d %b %H:%M:%S",
            "%d %b %H:%M:%S%.3f",
            "%-d. %B %H:%M:%S",
            "%d-%b %H:%M:%S",
        ],
        samples: &[
            ("14 Mar 14:05:30.123", "2026-03-14T14:05:30.123Z"),
            ("14. März 14:05:30", "2026-03-14T14:05:30Z"),
        ],
        parse: day_month_time,
    },
    Definition {
        name: "day-month-year-date",
        leads: &[Lead::Letter, Lead::Digits(1..=2, b" -/.")],
        kind: Kind::Date,
        place: Place::Value,
        rivalry: None,
        patterns: &["%d %b %Y", "%d-%b-%Y", "%d/%b/%Y", "%a, %d %b %Y"],
        samples: &[
            ("14 Mar 2026", "2026-03-14T00:00:00Z"),
            ("14. März 2026", "2026-03-14T00:00:00Z"),
        ],
        parse: day_month_year_date,
    },
    Definition {
        name: "month-day-year-date",
        leads: &[Lead::Letter],
        kind: Kind::Date,
        place: Place::Value,
        rivalry: None,
        patterns: &["%b %-d, %Y", "%B %d, %Y", "%b %e %Y"],
        samples: &[("Mar 14, 2026", "2026-03-14T00:00:00Z")],
        parse: month_day_year_date,
    },
];

fn day_month_year_time(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day = day_month_year(&mut c)?;
    date_time(c, day)
}

fn month_day_year_time(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day = month_day_year(&mut c)?;
    date_time(c, day)
}

fn year_month_day_time(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let year = c.digits(4)?;
    let separator = c.one_of(b" -/")?;
    let month = month(&mut c)?;
    c.expect(separator)?;
    c.skip_spaces();
    let day = known(year, month, c.one_or_two()?)?;
    let mut ahead = c;
    if ahead.eat(b' ') && weekday(&mut ahead).is_some() {
        c = ahead;
    }
    date_time(c, day)
}

fn day_month_time(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let (day, month, _) = day_month(&mut c)?;
    let day = crate::time::date::yearless(month, day)?;
    date_time(c, day)
}

fn day_month_year_date(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day = day_month_year(&mut c)?;
    c.end_of_date(day)
}

fn month_day_year_date(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day = month_day_year(&mut c)?;
    c.end_of_date(day)
}

/// Takes what follows a date: a time and perhaps a zone.
fn date_time(mut c: Cursor<'_>, day: Day) -> Parsed {
    // Erlang writes two colons.
    match c.rest() {
        [b':', b':', ..] => c.skip(2),
        _ => gap(&mut c)?,
    }
    // Oracle writes dots.
    let mut dotted = c;
    let nanosecond = match time(&mut c) {
        Some(nanosecond) => nanosecond,
        None => {
            let nanosecond = dotted_time(&mut dotted)?;
            c = dotted;
            nanosecond
        }
    };
    let zone = zone(&mut c);
    c.end(day, nanosecond, zone)
}

/// Takes a date such as `14 Mar 2026` or `14-Mar-26`, behind a weekday or not.
fn day_month_year(c: &mut Cursor<'_>) -> Option<Day> {
    skip_weekday(c, u8::is_ascii_digit);
    let (day, month, separator) = day_month(c)?;
    c.expect(separator)?;
    let year = match c.count_digits() {
        2 => century(c.two()?),
        _ => c.digits(4)?,
    };
    known(year, month, day)
}

/// Takes day and month, and says what separates them.
fn day_month(c: &mut Cursor<'_>) -> Option<(u32, u32, u8)> {
    let day = c.one_or_two()?;
    c.eat(b'.');
    let separator = c.one_of(b" -/")?;
    Some((day, month(c)?, separator))
}

/// Takes a date such as `Mar 14, 2026`, `Mar 14 2026` or `Mar-14-26`, behind a weekday or not.
fn month_day_year(c: &mut Cursor<'_>) -> Option<Day> {
    skip_weekday(c, u8::is_ascii_alphabetic);
    let month = month(c)?;
    if c.eat(b'-') {
        let day = c.one_or_two()?;
        c.expect(b'-')?;
        let year = match c.count_digits() {
            2 => century(c.two()?),
            _ => c.digits(4)?,
        };
        return known(year, month, day);
    }
    c.expect(b' ')?;
    c.skip_spaces();
    let day = c.one_or_two()?;
    c.eat(b',');
    c.expect(b' ')?;
    known(c.digits(4)?, month, day)
}

/// Takes a weekday with its comma and space, if there is one before what `is_next` begins. `mar` may
/// be one as well as a month.
fn skip_weekday(c: &mut Cursor<'_>, is_next: fn(&u8) -> bool) {
    let mut ahead = *c;
    if weekday(&mut ahead).is_some() {
        ahead.eat(b',');
        if ahead.eat(b' ') && ahead.rest().first().is_some_and(is_next) {
            *c = ahead;
        }
    }
}
