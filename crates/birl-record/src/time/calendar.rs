//! Days of the proleptic Gregorian calendar, counted from 1970-01-01.
//!
//! The arithmetic is Howard Hinnant's ("chrono-compatible low-level date algorithms", 2014).

pub(super) const SECOND: i64 = 1_000_000_000;
pub(super) const HOUR: i64 = 3_600 * SECOND;
/// A day in nanoseconds.
pub(super) const DAY: i64 = 24 * HOUR;

/// The days of a cycle of 400 years.
const CYCLE_DAYS: i32 = 146_097;
/// The days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i32 = 719_468;

/// The day of a date, if there is one. The year is any of four digits.
#[inline]
pub(super) fn day(year: u32, month: u32, day_of_month: u32) -> Option<i32> {
    debug_assert!(year <= 9_999, "a year has four digits");
    if !is_in_month(is_leap(year), month, day_of_month) {
        return None;
    }
    // Years begin in March, so that the leap day is the last; one cycle more keeps them positive.
    let (year, month) = if month > 2 {
        (year + 400, month - 3)
    } else {
        (year + 399, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400;
    let days = days + (153 * month + 2) / 5 + day_of_month - 1;
    Some(days.cast_signed() - CYCLE_DAYS - EPOCH_DAYS)
}

/// The day that is the `day_of_year`th of its year, the first being 1.
pub(super) fn day_of_year(year: u32, day_of_year: u32) -> Option<i32> {
    let days = if is_leap(year) { 366 } else { 365 };
    let first = day(year, 1, 1)?;
    (1..=days)
        .contains(&day_of_year)
        .then(|| first + day_of_year.cast_signed() - 1)
}

/// The day of an ISO 8601 week date; Monday is 1.
pub(super) fn day_of_week_date(year: u32, week: u32, weekday: u32) -> Option<i32> {
    if !(1..=53).contains(&week) || !(1..=7).contains(&weekday) {
        return None;
    }
    // The first week is the one with January 4th in it.
    let monday = |fourth: i32| fourth - weekday_of(fourth);
    let first = monday(day(year, 1, 4)?);
    let found = first + 7 * (week.cast_signed() - 1);
    if week == 53 && year < 9_999 && found >= monday(day(year + 1, 1, 4)?) {
        return None;
    }
    Some(found + weekday.cast_signed() - 1)
}

/// The year, month and day of a day.
pub(super) fn date(day: i32) -> (i32, u32, u32) {
    let days = i64::from(day) + i64::from(EPOCH_DAYS);
    let cycle = days.div_euclid(i64::from(CYCLE_DAYS));
    let in_cycle = days.rem_euclid(i64::from(CYCLE_DAYS));
    let year = (in_cycle - in_cycle / 1_460 + in_cycle / 36_524 - in_cycle / 146_096) / 365;
    let in_year = in_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day_of_month = in_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = cycle * 400 + year + carry;
    (year as i32, month as u32, day_of_month as u32)
}

/// Monday is 0.
fn weekday_of(day: i32) -> i32 {
    // 1970-01-01 was a Thursday.
    (day + 3).rem_euclid(7)
}

pub(super) fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Whether the month has the day in a year that is, or is not, a leap year.
#[inline]
pub(super) fn is_in_month(is_leap: bool, month: u32, day_of_month: u32) -> bool {
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap),
        _ => 0,
    };
    (1..=days).contains(&day_of_month)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, ISOWeekDate, Weekday, date as civil};
    use proptest::prelude::*;

    use super::*;

    fn days_since_epoch(date: Date) -> i32 {
        (date - civil(1970, 1, 1)).get_days()
    }

    proptest! {
        #[test]
        fn days_are_those_of_another_calendar(year in 0u32..=9999, month in 0u32..=13, dom in 0u32..=32) {
            let theirs = Date::new(year as i16, month as i8, dom as i8).ok();
            prop_assert_eq!(day(year, month, dom), theirs.map(days_since_epoch));
            if let Some(day) = day(year, month, dom) {
                prop_assert_eq!(date(day), (year as i32, month, dom));
            }
        }

        #[test]
        fn days_of_years_are_those_of_another_calendar(year in 0u32..=9999, nth in 0u32..=367) {
            let first = civil(year as i16, 1, 1);
            let theirs = (1..=first.days_in_year() as u32)
                .contains(&nth)
                .then(|| days_since_epoch(first) + nth as i32 - 1);
            prop_assert_eq!(day_of_year(year, nth), theirs);
        }

        #[test]
        fn week_dates_are_those_of_another_calendar(year in 1u32..=9998, week in 0u32..=54, weekday in 0u32..=8) {
            let theirs = Weekday::from_monday_one_offset(weekday as i8).ok().and_then(|weekday| {
                ISOWeekDate::new(year as i16, week as i8, weekday).ok()
            });
            let theirs = theirs.map(|found| days_since_epoch(found.date()));
            prop_assert_eq!(day_of_week_date(year, week, weekday), theirs);
        }
    }
}
