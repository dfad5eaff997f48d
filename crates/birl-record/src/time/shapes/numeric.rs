//! Dates of numbers with slashes, dots or hyphens, in any order, and a time.
//!
//! The same text is another day where people write the month first, or the year: shapes that
//! dispute it are rivals.

use crate::time::calendar;
use crate::time::clock::{dotted_time, time};
use crate::time::cursor::{Cursor, Parsed};
use crate::time::date::{century, gap, known, three_numbers, year_month_day, yearless};
use crate::time::reading::{Day, Zone};
use crate::time::shape::{Definition, Kind, Lead, Place};
use crate::time::zone::zone;

pub(super) static SHAPES: [Definition; 26] = [
    Definition {
        name: "slash-ymd",
        leads: &[Lead::Digits(4..=4, b"/")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%Y/%m/%d %H:%M:%S %z",
            "%Y/%m/%d %H:%M:%S%z",
            "%Y/%m/%d %H:%M:%S%.f%z",
            "%Y/%m/%d %H:%M:%S%.f%Z",
            "%Y/%m/%d %H:%M:%S%.f %z",
            "%Y/%m/%d %H:%M:%S%.f %Z",
            "%Y/%m/%d %H:%M:%S%.f",
            "%Y/%m/%d %H:%M:%S",
            "%Y/%m/%d %H:%M",
            "%Y/%m/%d-%H:%M:%S%.f",
        ],
        samples: &[
            ("2026/03/14 14:05:30", "2026-03-14T14:05:30Z"),
            ("2026/03/14 14:05:30.123456", "2026-03-14T14:05:30.123456Z"),
            ("2026/03/14-14:05:30.123456", "2026-03-14T14:05:30.123456Z"),
            ("2026/3/4 9:05:30", "2026-03-04T09:05:30Z"),
            ("2026/03/14 14:05:30 +0100", "2026-03-14T13:05:30Z"),
        ],
        parse: date_time::<YearFirst, b'/'>,
    },
    Definition {
        name: "colon-ymd",
        leads: &[Lead::Digits(4..=4, b":")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &["%Y:%m:%d-%H:%M:%S", "%Y:%m:%d %H:%M:%S"],
        samples: &[
            ("2026:03:14-14:05:30", "2026-03-14T14:05:30Z"),
            ("2026:03:14 14:05:30", "2026-03-14T14:05:30Z"),
        ],
        parse: date_time::<YearFirst, b':'>,
    },
    Definition {
        name: "slash-mdy",
        leads: &[Lead::Digits(1..=2, b"/")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: Some("slash"),
        patterns: &[
            "%m/%d/%Y %I:%M:%S:%3f %p %Z",
            "%m/%d/%Y %I:%M:%S %p %Z",
            "%m/%d/%Y %-I:%M:%S %p %Z",
            "%m/%d/%Y %I:%M:%S %p%z",
            "%m/%d/%Y %l:%M:%S %p%z",
            "%m/%e/%Y %-I:%M:%S %p %z",
            "%m/%d/%Y %I:%M:%S %p",
            "%-m/%-d/%Y %-I:%M:%S%p",
            "%m/%d/%Y %H:%M:%S%.f",
            "%m/%d/%Y %H:%M:%S",
            "%m/%d/%Y, %I:%M:%S %p",
            "%m/%d/%Y-%H:%M:%S%.6f",
        ],
        samples: &[
            ("03/14/2026 14:05:30", "2026-03-14T14:05:30Z"),
            ("3/14/2026 2:05:30 PM", "2026-03-14T14:05:30Z"),
            ("3/14/2026 2:05:30\u{202f}PM", "2026-03-14T14:05:30Z"),
            ("3/14/2026 12:05:30 AM", "2026-03-14T00:05:30Z"),
            ("3/14/2026 2:05:30PM EDT", "2026-03-14T18:05:30Z"),
            ("03/14/2026-14:05:30.123456", "2026-03-14T14:05:30.123456Z"),
            ("03/14/2026 02:05:30:123 PM UTC", "2026-03-14T14:05:30.123Z"),
            ("03/04/2026 14:05", "2026-03-04T14:05:00Z"),
        ],
        parse: date_time::<MonthFirst, b'/'>,
    },
    Definition {
        name: "slash-dmy",
        leads: &[Lead::Digits(1..=2, b"/")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: Some("slash"),
        patterns: &[
            "%d/%m/%Y %H:%M:%S%.f",
            "%d/%m/%Y %H:%M:%S",
            "%d/%m/%Y, %H:%M:%S",
            "%-d/%-m/%Y %H:%M",
        ],
        samples: &[
            ("14/03/2026 14:05:30", "2026-03-14T14:05:30Z"),
            ("14/03/2026, 14:05:30,123", "2026-03-14T14:05:30.123Z"),
        ],
        parse: date_time::<DayFirst, b'/'>,
    },
    Definition {
        name: "slash-ymd-short",
        leads: &[Lead::Digits(2..=2, b"/")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: Some("slash-short"),
        patterns: &["%y/%m/%d %H:%M:%S", "%y/%m/%d %H:%M:%S,%3f"],
        samples: &[
            ("26/03/14 14:05:30", "2026-03-14T14:05:30Z"),
            ("17/06/09 20:10:40", "2017-06-09T20:10:40Z"),
        ],
        parse: date_time::<ShortYearFirst, b'/'>,
    },
    Definition {
        name: "slash-mdy-short",
        leads: &[Lead::Digits(1..=2, b"/")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: Some("slash-short"),
        patterns: &["%m/%d/%y %H:%M:%S", "%-m/%-d/%y %-I:%M:%S %p"],
        samples: &[
            ("03/14/26 14:05:30", "2026-03-14T14:05:30Z"),
            ("3/14/26 2:05:30 PM", "2026-03-14T14:05:30Z"),
        ],
        parse: date_time::<ShortMonthFirst, b'/'>,
    },
    Definition {
        name: "slash-dmy-short",
        leads: &[Lead::Digits(1..=2, b"/")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: Some("slash-short"),
        patterns: &["%d/%m/%y %H:%M:%S", "%d/%m/%y, %H:%M:%S"],
        samples: &[("31/03/26 14:05:30", "2026-03-31T14:05:30Z")],
        parse: date_time::<ShortDayFirst, b'/'>,
    },
    Definition {
        name: "slash-md",
        leads: &[Lead::Digits(1..=2, b"/")],
        kind: Kind::YearlessDateTime,
        place: Place::Anywhere,
        rivalry: Some("slash-yearless"),
        patterns: &["%m/%d %H:%M:%S", "%m/%d %H:%M:%S%.f", "%m/%d-%H:%M:%S%.6f"],
        samples: &[
            ("03/14 14:05:30", "2026-03-14T14:05:30Z"),
            ("03/14-14:05:30.123456", "2026-03-14T14:05:30.123456Z"),
        ],
        parse: date_time::<MonthDay, b'/'>,
    },
    Definition {
        name: "slash-dm",
        leads: &[Lead::Digits(1..=2, b"/")],
        kind: Kind::YearlessDateTime,
        place: Place::Anywhere,
        rivalry: Some("slash-yearless"),
        patterns: &["%d/%m %H:%M:%S", "%d/%m %H:%M:%S%.f"],
        samples: &[("14/03 14:05:30", "2026-03-14T14:05:30Z")],
        parse: date_time::<DayMonth, b'/'>,
    },
    Definition {
        name: "dot-dmy",
        leads: &[Lead::Digits(1..=2, b".")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%d.%m.%Y %H:%M:%S%.f",
            "%d.%m.%Y %H:%M:%S,%3f",
            "%d.%m.%Y %H:%M:%S",
            "%-d.%-m.%Y %H:%M",
            "%d.%m.%Y, %H:%M:%S",
            "%d.%m.%Y %H:%M:%S %Z",
        ],
        samples: &[
            ("14.03.2026 14:05:30", "2026-03-14T14:05:30Z"),
            ("14.03.2026 14:05:30.123", "2026-03-14T14:05:30.123Z"),
            ("14.03.2026, 14:05:30", "2026-03-14T14:05:30Z"),
            ("14.03.2026 14:05:30 MEZ", "2026-03-14T13:05:30Z"),
            ("4.3.2026 9:05", "2026-03-04T09:05:00Z"),
        ],
        parse: date_time::<DayFirst, b'.'>,
    },
    Definition {
        name: "dot-dmy-short",
        leads: &[Lead::Digits(1..=2, b".")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: Some("dot-short"),
        patterns: &["%d.%m.%y %H:%M:%S", "%d.%m.%y %H:%M:%S%.f"],
        samples: &[("14.03.26 14:05:30", "2026-03-14T14:05:30Z")],
        parse: date_time::<ShortDayFirst, b'.'>,
    },
    Definition {
        name: "dot-ymd-short",
        leads: &[Lead::Digits(2..=2, b".")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: Some("dot-short"),
        patterns: &["%y.%m.%d %H:%M:%S"],
        samples: &[("32.03.14 14:05:30", "2032-03-14T14:05:30Z")],
        parse: date_time::<ShortYearFirst, b'.'>,
    },
    Definition {
        name: "dot-ymd",
        leads: &[Lead::Digits(4..=4, b".")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &[
            "%Y.%m.%d %H:%M:%S%.f",
            "%Y.%m.%d %H:%M:%S",
            "%Y.%m.%d-%H.%M.%S:%3f",
            "%Y.%m.%d-%H:%M:%S",
        ],
        samples: &[
            ("2026.03.14 14:05:30", "2026-03-14T14:05:30Z"),
            ("2026.03.14-14.05.30:123", "2026-03-14T14:05:30.123Z"),
        ],
        parse: date_time::<YearFirst, b'.'>,
    },
    Definition {
        name: "dot-md",
        leads: &[Lead::Digits(1..=2, b".")],
        kind: Kind::YearlessDateTime,
        place: Place::Start,
        rivalry: Some("dot-yearless"),
        patterns: &["%m.%d %H:%M:%S"],
        samples: &[("03.14 14:05:30", "2026-03-14T14:05:30Z")],
        parse: date_time::<MonthDay, b'.'>,
    },
    Definition {
        name: "dot-dm",
        leads: &[Lead::Digits(1..=2, b".")],
        kind: Kind::YearlessDateTime,
        place: Place::Start,
        rivalry: Some("dot-yearless"),
        patterns: &["%d.%m %H:%M:%S"],
        samples: &[("14.03 14:05:30", "2026-03-14T14:05:30Z")],
        parse: date_time::<DayMonth, b'.'>,
    },
    Definition {
        name: "dash-dmy",
        leads: &[Lead::Digits(1..=2, b"-")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: Some("dash"),
        patterns: &[
            "%d-%m-%Y %H:%M:%S%.f",
            "%d-%m-%Y %H:%M:%S",
            "%d-%m-%YT%H:%M:%S%:z",
        ],
        samples: &[
            ("14-03-2026 14:05:30", "2026-03-14T14:05:30Z"),
            ("14-03-2026T14:05:30.123Z", "2026-03-14T14:05:30.123Z"),
        ],
        parse: date_time::<DayFirst, b'-'>,
    },
    Definition {
        name: "dash-mdy",
        leads: &[Lead::Digits(1..=2, b"-")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: Some("dash"),
        patterns: &["%m-%d-%Y %H:%M:%S%.f", "%m-%d-%Y %H:%M:%S"],
        samples: &[("03-14-2026 14:05:30", "2026-03-14T14:05:30Z")],
        parse: date_time::<MonthFirst, b'-'>,
    },
    Definition {
        name: "dash-ymd-short",
        leads: &[Lead::Digits(2..=2, b"-")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: Some("dash-short"),
        patterns: &[
            "%y-%m-%dT%H:%M:%S%.f%Z",
            "%y-%m-%dT%H:%M:%S%.f%z",
            "%y-%m-%dT%H:%M:%S,%3f%z",
            "%y-%m-%d %H:%M:%S%.3f",
        ],
        samples: &[
            ("26-03-14T14:05:30.123Z", "2026-03-14T14:05:30.123Z"),
            ("26-03-14 14:05:30", "2026-03-14T14:05:30Z"),
        ],
        parse: date_time::<ShortYearFirst, b'-'>,
    },
    Definition {
        name: "dash-dmy-short",
        leads: &[Lead::Digits(1..=2, b"-")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: Some("dash-short"),
        patterns: &["%d-%m-%y %H:%M:%S"],
        samples: &[("31-03-26 14:05:30", "2026-03-31T14:05:30Z")],
        parse: date_time::<ShortDayFirst, b'-'>,
    },
    Definition {
        name: "dash-mdy-short",
        leads: &[Lead::Digits(1..=2, b"-")],
        kind: Kind::DateTime,
        place: Place::Anywhere,
        rivalry: Some("dash-short"),
        patterns: &["%m-%d-%y %H:%M:%S"],
        samples: &[("03-14-40 14:05:30", "2040-03-14T14:05:30Z")],
        parse: date_time::<ShortMonthFirst, b'-'>,
    },
    Definition {
        name: "android",
        leads: &[Lead::Digits(2..=2, b"-")],
        kind: Kind::YearlessDateTime,
        place: Place::Anywhere,
        rivalry: None,
        patterns: &["%m-%d %H:%M:%S%.3f", "%m-%d %H:%M:%S%.6f"],
        samples: &[
            ("03-14 14:05:30.123", "2026-03-14T14:05:30.123Z"),
            ("03-14 14:05:30.123456 +0100", "2026-03-14T13:05:30.123456Z"),
        ],
        parse: date_time::<MonthDay, b'-'>,
    },
    Definition {
        name: "slash-ymd-date",
        leads: &[Lead::Digits(4..=4, b"/")],
        kind: Kind::Date,
        place: Place::Start,
        rivalry: None,
        patterns: &["%Y/%m/%d"],
        samples: &[("2026/03/14", "2026-03-14T00:00:00Z")],
        parse: date::<YearFirst, b'/'>,
    },
    Definition {
        name: "slash-ym",
        leads: &[Lead::Digits(4..=4, b"/")],
        kind: Kind::Date,
        place: Place::Value,
        rivalry: None,
        patterns: &["%Y/%m"],
        samples: &[("2026/03", "2026-03-01T00:00:00Z")],
        parse: month,
    },
    Definition {
        name: "slash-mdy-date",
        leads: &[Lead::Digits(1..=2, b"/")],
        kind: Kind::Date,
        place: Place::Value,
        rivalry: Some("slash-date"),
        patterns: &["%m/%d/%Y", "%-m/%-d/%Y"],
        samples: &[("3/14/2026", "2026-03-14T00:00:00Z")],
        parse: date::<MonthFirst, b'/'>,
    },
    Definition {
        name: "slash-dmy-date",
        leads: &[Lead::Digits(1..=2, b"/")],
        kind: Kind::Date,
        place: Place::Value,
        rivalry: Some("slash-date"),
        patterns: &["%d/%m/%Y"],
        samples: &[("14/03/2026", "2026-03-14T00:00:00Z")],
        parse: date::<DayFirst, b'/'>,
    },
    Definition {
        name: "dot-dmy-date",
        leads: &[Lead::Digits(1..=2, b".")],
        kind: Kind::Date,
        place: Place::Value,
        rivalry: None,
        patterns: &["%d.%m.%Y"],
        samples: &[("14.03.2026", "2026-03-14T00:00:00Z")],
        parse: date::<DayFirst, b'.'>,
    },
];

/// What the numbers of a date stand for.
trait Order {
    /// Whether it is the order of those who write a hyphen between a date with slashes and its time:
    /// Snort and Suricata, with the month first.
    const HAS_HYPHEN: bool = true;

    /// Takes the date.
    fn day(c: &mut Cursor<'_>, separator: u8) -> Option<Day>;
}

struct YearFirst;
struct MonthFirst;
struct DayFirst;
struct ShortYearFirst;
struct ShortMonthFirst;
struct ShortDayFirst;
struct MonthDay;
struct DayMonth;

impl Order for YearFirst {
    #[inline]
    fn day(c: &mut Cursor<'_>, separator: u8) -> Option<Day> {
        year_month_day(c, separator)
    }
}

impl Order for MonthFirst {
    #[inline]
    fn day(c: &mut Cursor<'_>, separator: u8) -> Option<Day> {
        let (month, day, year) = three_numbers(c, separator, 4)?;
        known(year, month, day)
    }
}

impl Order for DayFirst {
    const HAS_HYPHEN: bool = false;

    #[inline]
    fn day(c: &mut Cursor<'_>, separator: u8) -> Option<Day> {
        let (day, month, year) = three_numbers(c, separator, 4)?;
        known(year, month, day)
    }
}

impl Order for ShortYearFirst {
    #[inline]
    fn day(c: &mut Cursor<'_>, separator: u8) -> Option<Day> {
        let (year, month, day) = three_numbers(c, separator, 2)?;
        known(century(year), month, day)
    }
}

impl Order for ShortMonthFirst {
    #[inline]
    fn day(c: &mut Cursor<'_>, separator: u8) -> Option<Day> {
        let (month, day, year) = three_numbers(c, separator, 2)?;
        known(century(year), month, day)
    }
}

impl Order for ShortDayFirst {
    const HAS_HYPHEN: bool = false;

    #[inline]
    fn day(c: &mut Cursor<'_>, separator: u8) -> Option<Day> {
        let (day, month, year) = three_numbers(c, separator, 2)?;
        known(century(year), month, day)
    }
}

impl Order for MonthDay {
    #[inline]
    fn day(c: &mut Cursor<'_>, separator: u8) -> Option<Day> {
        let month = c.one_or_two()?;
        c.expect(separator)?;
        yearless(month, c.one_or_two()?)
    }
}

impl Order for DayMonth {
    const HAS_HYPHEN: bool = false;

    #[inline]
    fn day(c: &mut Cursor<'_>, separator: u8) -> Option<Day> {
        let day = c.one_or_two()?;
        c.expect(separator)?;
        yearless(c.one_or_two()?, day)
    }
}

fn date_time<O: Order, const SEPARATOR: u8>(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day = O::day(&mut c, SEPARATOR)?;
    if SEPARATOR == b'/' && !O::HAS_HYPHEN && c.peek() == Some(b'-') {
        return None;
    }
    gap(&mut c)?;
    let nanosecond = if SEPARATOR == b'.' && c.rest().get(2) == Some(&b'.') {
        dotted_time(&mut c)?
    } else {
        time(&mut c)?
    };
    let zone = zone(&mut c);
    c.end(day, nanosecond, zone)
}

fn date<O: Order, const SEPARATOR: u8>(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let day = O::day(&mut c, SEPARATOR)?;
    c.end_of_date(day)
}

fn month(text: &[u8]) -> Parsed {
    let mut c = Cursor::new(text);
    let year = c.digits(4)?;
    c.expect(b'/')?;
    let day = calendar::day(year, c.two()?, 1).map(Day::Known)?;
    c.end(day, 0, Zone::Unsaid)
}
