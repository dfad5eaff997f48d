//! Times of day, as they stand behind a date or alone.

use super::calendar::{HOUR, SECOND};
use super::cursor::Cursor;
use super::digits;

const MINUTE: i64 = 60 * SECOND;

/// Takes a time of day, and gives its nanoseconds since midnight.
///
/// `14:05`, `14:05:30`, fractions of the second behind `.`, `,` or `:`, and AM or PM. One digit may
/// stand for two where the first would be 0.
#[inline]
pub(super) fn time(c: &mut Cursor<'_>) -> Option<i64> {
    let clock = match digits::clock(c.rest()) {
        Some(hms) => {
            c.skip("HH:MM:SS".len());
            Clock::with_second(hms, c)
        }
        None => separated(c, b':')?,
    };
    clock.meridiem(c)
}

/// Takes a time with dots in it, `14.05.30`, as [`time`] does.
pub(super) fn dotted_time(c: &mut Cursor<'_>) -> Option<i64> {
    separated(c, b'.')?.meridiem(c)
}

/// Takes a time without separators, `140530` or `1405`, with a fraction.
pub(super) fn compact_time(c: &mut Cursor<'_>) -> Option<i64> {
    let (hour, minute) = (c.two()?, c.two()?);
    let clock = match c.two() {
        Some(second) => Clock::with_second((hour, minute, second), c),
        None => Clock::without_second(hour, minute),
    };
    clock.nanosecond()
}

/// Takes hour, minute and perhaps a second, each of one or two digits.
fn separated(c: &mut Cursor<'_>, separator: u8) -> Option<Clock> {
    let hour = c.one_or_two()?;
    c.expect(separator)?;
    let minute = c.one_or_two()?;
    let mut ahead = *c;
    if ahead.eat(separator)
        && let Some(second) = ahead.one_or_two()
    {
        *c = ahead;
        return Some(Clock::with_second((hour, minute, second), c));
    }
    Some(Clock::without_second(hour, minute))
}

/// The parts of a time of day, not yet checked.
struct Clock {
    hour: u32,
    minute: u32,
    second: u32,
    /// The nanoseconds behind the second.
    fraction: u32,
}

impl Clock {
    /// Takes the fraction that may follow the second.
    #[inline]
    fn with_second((hour, minute, second): (u32, u32, u32), c: &mut Cursor<'_>) -> Self {
        Self {
            hour,
            minute,
            second,
            fraction: fraction(c),
        }
    }

    fn without_second(hour: u32, minute: u32) -> Self {
        Self {
            hour,
            minute,
            second: 0,
            fraction: 0,
        }
    }

    /// Takes AM or PM, where it follows, and gives the nanoseconds since midnight.
    #[inline]
    fn meridiem(mut self, c: &mut Cursor<'_>) -> Option<i64> {
        if let Some(half) = meridiem(c) {
            self.hour = match (self.hour, half) {
                (1..=12, half) => self.hour % 12 + half,
                // Some write the half of the day behind all 24 hours.
                (0, 0) | (13.., 12) => self.hour,
                _ => return None,
            };
        }
        self.nanosecond()
    }

    /// The nanoseconds since midnight. A leap second is the last nanosecond of the one before.
    #[inline]
    fn nanosecond(mut self) -> Option<i64> {
        if self.hour > 23 || self.minute > 59 || self.second > 60 {
            return None;
        }
        if self.second == 60 {
            (self.second, self.fraction) = (59, 999_999_999);
        }
        let [hour, minute, second] = [self.hour, self.minute, self.second].map(i64::from);
        Some(hour * HOUR + minute * MINUTE + second * SECOND + i64::from(self.fraction))
    }
}

/// Takes a fraction of a second with what separates it, and gives nanoseconds.
#[inline]
fn fraction(c: &mut Cursor<'_>) -> u32 {
    let [separator @ (b'.' | b',' | b':'), rest @ ..] = c.rest() else {
        return 0;
    };
    let (fraction, count) = digits::fraction(rest);
    let fraction = match (*separator, count) {
        (_, 0) => return 0,
        // The next column.
        (b',', 10..) => return 0,
        // Behind a colon is a number of milliseconds, which some write without zeros.
        (b':', 1) => fraction / 100,
        (b':', 2) => fraction / 10,
        (b':', 3 | 6 | 9) => fraction,
        (b':', _) => return 0,
        _ => fraction,
    };
    c.skip(1 + count);
    fraction
}

/// Takes AM or PM, and gives the hours that it adds to those after noon or midnight.
#[inline]
fn meridiem(c: &mut Cursor<'_>) -> Option<u32> {
    let mut ahead = *c;
    match ahead.rest() {
        [b' ', ..] => ahead.skip(1),
        // No-break spaces, which newer locale data put there: U+202F and U+00A0.
        [0xe2, 0x80, 0xaf, ..] => ahead.skip(3),
        [0xc2, 0xa0, ..] => ahead.skip(2),
        _ => {}
    }
    let hours = match ahead.rest() {
        [b'A' | b'a', b'M' | b'm', ..] => 0,
        [b'P' | b'p', b'M' | b'm', ..] => 12,
        _ => return None,
    };
    ahead.skip(2);
    let is_word = ahead
        .peek()
        .is_some_and(|next| next.is_ascii_alphanumeric());
    if is_word {
        return None;
    }
    *c = ahead;
    Some(hours)
}
