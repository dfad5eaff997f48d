//! What the text of a timestamp says.

use std::fmt::{self, Debug, Formatter};

use super::calendar::DAY;

/// What the text of a timestamp says, which may be less than when that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    day: Day,
    nanosecond: i64,
    zone: Zone,
}

/// The day that a text names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    /// None: a clock's time alone.
    Unsaid,
    /// One of each year, but for a leap day, which only leap years have.
    Yearless {
        /// From 1 to 12.
        month: u8,
        /// From 1 to as many as the month has in a leap year.
        day: u8,
    },
    /// One, counted from 1970-01-01.
    Known(i32),
}

/// The time zone that a text names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// None.
    Unsaid,
    /// Its offset from UTC in seconds, positive in the east.
    Offset(i32),
    /// Its abbreviation, which means different offsets to different people.
    Named(Abbreviation),
}

/// After what span a time without a date, or a date without a year, comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// At midnight.
    Day,
    /// At New Year.
    Year,
}

impl Reading {
    pub(super) fn new(day: Day, nanosecond: i64, zone: Zone) -> Self {
        debug_assert!((0..DAY).contains(&nanosecond), "it is within a day");
        Self {
            day,
            nanosecond,
            zone,
        }
    }

    /// The instant so many nanoseconds after 1970-01-01T00:00:00Z.
    pub(super) fn at_instant(nanoseconds: i128) -> Option<Self> {
        let day = nanoseconds.div_euclid(i128::from(DAY)).try_into().ok()?;
        let nanosecond = nanoseconds.rem_euclid(i128::from(DAY)) as i64;
        Some(Self::new(Day::Known(day), nanosecond, Zone::Offset(0)))
    }

    /// The day that the text names, by the clocks of its zone.
    pub fn day(&self) -> Day {
        self.day
    }

    /// The nanoseconds since midnight, by the clocks of its zone.
    ///
    /// A leap second (`23:59:60.5`), which this count has no place for, is the last nanosecond of
    /// the second before: so it comes after what was before it, and before what comes after.
    pub fn nanosecond(&self) -> i64 {
        self.nanosecond
    }

    /// The time zone that the text names.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// After what span this time comes again; `None` where it is of one known day.
    pub fn period(&self) -> Option<Period> {
        match self.day {
            Day::Unsaid => Some(Period::Day),
            Day::Yearless { .. } => Some(Period::Year),
            Day::Known(_) => None,
        }
    }

    /// This date at the time of `clock`: for logs that have both in fields of their own.
    ///
    /// The zone is the clock's, if it names one, else the date's.
    ///
    /// ```
    /// use birl_record::time::Shape;
    ///
    /// let read = |text: &str| Shape::of(text.as_bytes())?.parse(text.as_bytes());
    /// let (date, clock) = (read("2026-03-14").unwrap().0, read("14:05:30").unwrap().0);
    /// assert_eq!(date.at_clock(clock), read("2026-03-14 14:05:30").unwrap().0);
    /// ```
    pub fn at_clock(self, clock: Reading) -> Reading {
        let zone = match clock.zone {
            Zone::Unsaid => self.zone,
            zone => zone,
        };
        Self::new(self.day, clock.nanosecond, zone)
    }
}

/// The abbreviation of a time zone, such as `CET`: three to six capital letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Abbreviation([u8; Abbreviation::BYTES_MAX]);

impl Abbreviation {
    pub(super) const BYTES_MAX: usize = 6;

    /// The abbreviation that is all of `text`, if it looks like one.
    pub(super) fn new(text: &[u8]) -> Option<Self> {
        let is_one =
            (3..=Self::BYTES_MAX).contains(&text.len()) && text.iter().all(u8::is_ascii_uppercase);
        is_one.then(|| {
            let mut bytes = [0; Self::BYTES_MAX];
            bytes[..text.len()].copy_from_slice(text);
            Self(bytes)
        })
    }

    /// The letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.letters()).expect("an abbreviation is of ASCII letters")
    }

    /// What it means where nothing else is known: seconds east of UTC.
    ///
    /// In the United States, where the same letters are used elsewhere as well (RFC 2822, section
    /// 4.3). `None` where it means different offsets and no one of them first of all, as `IST` in
    /// India, Ireland and Israel, and where it is none that we know.
    pub fn offset(&self) -> Option<i32> {
        match meaning(self.letters())? {
            Meaning::HalfHours(half_hours) => Some(i32::from(half_hours) * 1_800),
            Meaning::Several => None,
        }
    }

    fn letters(&self) -> &[u8] {
        let len = self.0.iter().position(|&byte| byte == 0);
        &self.0[..len.unwrap_or(Self::BYTES_MAX)]
    }
}

impl Debug for Abbreviation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an abbreviation stands for.
pub(super) enum Meaning {
    /// Half hours east of UTC.
    HalfHours(i8),
    /// Different offsets in different places.
    Several,
}

/// The meaning of an abbreviation, if it is one that we know.
///
/// Words that logs are likely to hold behind a time are left out: `ACT`, `CAT`, `EAT`, `MET`.
#[inline]
pub(super) fn meaning(letters: &[u8]) -> Option<Meaning> {
    let half_hours = match letters {
        b"UTC" | b"GMT" | b"WET" => 0,
        b"AKST" => -18,
        b"AKDT" => -16,
        b"HST" => -20,
        b"PST" => -16,
        b"PDT" => -14,
        b"MST" => -14,
        b"MDT" => -12,
        b"CST" => -12,
        b"CDT" => -10,
        b"EST" => -10,
        b"EDT" => -8,
        b"NST" => -7,
        b"NDT" => -5,
        b"CET" | b"MEZ" | b"WEST" => 2,
        b"CEST" | b"EET" | b"MESZ" | b"SAST" => 4,
        b"EEST" | b"MSK" => 6,
        b"PKT" => 10,
        b"WIB" => 14,
        b"AWST" | b"HKT" => 16,
        b"JST" | b"KST" => 18,
        b"ACST" => 19,
        b"AEST" => 20,
        b"ACDT" => 21,
        b"AEDT" => 22,
        b"NZST" => 24,
        b"NZDT" => 26,
        b"ADT" | b"AST" | b"BST" | b"IST" => return Some(Meaning::Several),
        _ => return None,
    };
    Some(Meaning::HalfHours(half_hours))
}
