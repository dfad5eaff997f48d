//! Dates of numbers.

use super::calendar;
use super::cursor::Cursor;
use super::digits;
use super::reading::Day;

/// Takes `2026-03-14`, where `-` is `separator`; month and day may have one digit.
#[inline]
pub(super) fn year_month_day(c: &mut Cursor<'_>, separator: u8) -> Option<Day> {
    if let Some((year, month, day)) = digits::date(c.rest(), separator) {
        c.skip("YYYY-MM-DD".len());
        return known(year, month, day);
    }
    let year = c.digits(4)?;
    c.expect(separator)?;
    let month = c.one_or_two()?;
    c.expect(separator)?;
    known(year, month, c.one_or_two()?)
}

/// Takes three numbers with `separator` between them, the middle and the first of one or two
/// digits, the last of `last_digits`.
#[inline]
pub(super) fn three_numbers(
    c: &mut Cursor<'_>,
    separator: u8,
    last_digits: usize,
) -> Option<(u32, u32, u32)> {
    let first = c.one_or_two()?;
    c.expect(separator)?;
    // Some pad with a space.
    c.eat(b' ');
    let second = c.one_or_two()?;
    c.expect(separator)?;
    Some((first, second, c.digits(last_digits)?))
}

/// The day of a date, if there is one.
#[inline]
pub(super) fn known(year: u32, month: u32, day: u32) -> Option<Day> {
    calendar::day(year, month, day).map(Day::Known)
}

/// The day of a date without a year, if there is one in a leap year.
#[inline]
pub(super) fn yearless(month: u32, day: u32) -> Option<Day> {
    calendar::is_in_month(true, month, day).then_some(Day::Yearless {
        month: month as u8,
        day: day as u8,
    })
}

/// The year that two digits mean: from 1969 to 2068, as POSIX has it.
#[inline]
pub(super) fn century(two_digits: u32) -> u32 {
    if two_digits < 69 {
        2_000 + two_digits
    } else {
        1_900 + two_digits
    }
}

/// Takes what stands between a date and a time: `T`, a space, punctuation, or a word for "at".
#[inline]
pub(super) fn gap(c: &mut Cursor<'_>) -> Option<()> {
    match c.rest() {
        [
            b'T' | b' ' | b'_' | b'-' | b't' | b'\t' | b',',
            b'0'..=b'9',
            ..,
        ] => {
            c.skip(1);
            Some(())
        }
        _ => long_gap(c),
    }
}

/// Takes more than one byte between a date and a time.
fn long_gap(c: &mut Cursor<'_>) -> Option<()> {
    const WORDS: [&str; 5] = ["at ", "@ ", "- ", "um ", "à "];
    let mut ahead = *c;
    ahead.eat(b',');
    ahead.expect(b' ')?;
    ahead.skip_spaces();
    let word = WORDS
        .iter()
        .find(|word| ahead.rest().starts_with(word.as_bytes()));
    ahead.skip(word.map_or(0, |word| word.len()));
    *c = ahead;
    Some(())
}
