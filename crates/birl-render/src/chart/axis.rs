//! The axis of time: which times a column shows, and what stands below it.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};

use crate::cell::Span;
use crate::zone::{DisplayZone, timestamp};

const SECOND: i128 = 1_000_000_000;
const MINUTE: i128 = 60 * SECOND;
const HOUR: i128 = 60 * MINUTE;
pub(super) const DAY: i128 = 24 * HOUR;

/// Lengths of time that people like to count with, up to days.
pub(super) const NICE: [i128; 43] = {
    let mut nice = [0; 43];
    let mut count = 0;
    // 1 ns, 2 ns, 5 ns, up to 500 ms.
    let mut ten = 1;
    while ten < SECOND {
        nice[count] = ten;
        nice[count + 1] = 2 * ten;
        nice[count + 2] = 5 * ten;
        count += 3;
        ten *= 10;
    }
    let longer = [
        SECOND,
        2 * SECOND,
        5 * SECOND,
        10 * SECOND,
        15 * SECOND,
        30 * SECOND,
        MINUTE,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        6 * HOUR,
        12 * HOUR,
    ];
    let mut place = 0;
    while place < longer.len() {
        nice[count + place] = longer[place];
        place += 1;
    }
    nice
};

/// Which times a column of a chart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    /// When the first column begins.
    start: i64,
    /// So many columns (`per`) show so long a time.
    length: i128,
    per: i128,
    /// How many columns there are.
    pub(super) columns: usize,
    /// How long values hold: the least time between two of them.
    step: i128,
}

/// How many columns a value takes at most.
const COLUMNS_PER_VALUE: i128 = 8;

/// So many multiples of the time between values are tried for the time of a column.
const TRIES_MAX: usize = 1000;

/// Values of so much shorter a time than a column begin and end anywhere in it.
const FINE: i128 = 1000;

impl Grid {
    /// The grid for values at these times, which rise, in so many columns at most.
    ///
    /// If there is room for all, each value takes the same number of columns. If not, a column shows
    /// several of them, of a time that people like if there is one. `exact` is whether all times are
    /// there at which there were values.
    pub(super) fn of(times: &[i64], columns_max: usize, exact: bool) -> Option<Self> {
        let (&first, &last) = (times.first()?, times.last()?);
        let columns_max = columns_max.max(1) as i128;
        let length = i128::from(last) - i128::from(first);
        let gaps = times
            .windows(2)
            .map(|pair| i128::from(pair[1]) - i128::from(pair[0]));
        let step = gaps.filter(|gap| *gap > 0).min().unwrap_or(SECOND);
        let count = length / step + 1;
        if count <= columns_max {
            let per = (columns_max / count).min(COLUMNS_PER_VALUE);
            return Some(Self {
                start: first,
                length: step,
                per,
                columns: (count * per) as usize,
                step,
            });
        }
        let is_fine = !exact || count > FINE * columns_max;
        let fits = |cell: i128| {
            let start = i128::from(first).div_euclid(cell) * cell;
            (i128::from(last) - start) / cell < columns_max
        };
        let days = (0..).map(|power| DAY << power);
        let cell = NICE
            .into_iter()
            .chain(days)
            .take_while(|cell| *cell <= i128::from(i64::MAX))
            .filter(|cell| is_fine || cell % step == 0)
            .find(|cell| fits(*cell));
        let cell = cell.unwrap_or_else(|| {
            let steps = (count - 1) / columns_max + 1;
            let mut cells = (steps..).map(|steps| steps * step).take(TRIES_MAX);
            cells.find(|cell| fits(*cell)).unwrap_or_else(|| {
                // A column less makes up for where the first one begins.
                ((count - 1) / (columns_max - 1).max(1) + 1) * step
            })
        });
        let start = match fits(cell) {
            true => i128::from(first).div_euclid(cell) * cell,
            // There is but one column, and a multiple of any length lies within.
            false => first.into(),
        };
        Some(Self {
            start: i64::try_from(start).unwrap_or(first),
            length: cell,
            per: 1,
            columns: ((i128::from(last) - start) / cell + 1) as usize,
            step,
        })
    }

    /// Whether a column may show several values.
    pub(super) fn merges(&self) -> bool {
        self.length > self.step
    }

    /// How long the time is of what a value or, if there are several, a column shows: `5m`.
    pub(super) fn length(&self) -> String {
        let (days, rest) = match self.length % DAY {
            0 => (self.length / DAY, 0),
            _ => (0, self.length),
        };
        let span = Span {
            months: 0,
            days: days as i64,
            nanoseconds: rest,
        };
        let mut text = Vec::new();
        span.write_plain(&mut text);
        String::from_utf8(text).expect("digits and letters are text")
    }

    /// What each column shows of values at times that rise, no two at the same: the largest. Each character has so many
    /// columns.
    pub(super) fn numbers(&self, points: &[(i64, f64)], columns_each: usize) -> Vec<Option<f64>> {
        let mut numbers: Vec<Option<f64>> = vec![None; self.columns * columns_each];
        for (place, &(time, number)) in points.iter().enumerate() {
            let next = points.get(place + 1);
            let first = self
                .column(time.into(), columns_each)
                .min(numbers.len() - 1);
            let end = i128::from(time) + self.holds(time, next.map(|point| point.0));
            let end = match self.merges() {
                true => first + 1,
                false => self
                    .column(end, columns_each)
                    .clamp(first + 1, numbers.len()),
            };
            for shown in &mut numbers[first..end] {
                *shown = Some(shown.map_or(number, |shown| shown.max(number)));
            }
        }
        numbers
    }

    /// How long a value holds. Months, and days on which clocks are set, have not all the same length.
    fn holds(&self, time: i64, next: Option<i64>) -> i128 {
        let until_next = next.map(|next| i128::from(next) - i128::from(time));
        match until_next {
            Some(length) if 2 * length < 3 * self.step => length,
            _ => self.step,
        }
    }

    fn column(&self, time: i128, columns_each: usize) -> usize {
        let passed = (time - i128::from(self.start)).max(0);
        (passed * self.per * columns_each as i128 / self.length) as usize
    }

    /// What stands below the axis, and in which column each begins: at times that people like, with
    /// room between them.
    pub(super) fn ticks(&self, zone: &DisplayZone) -> Vec<(usize, String)> {
        let column = self.length / self.per;
        let steps = NICE[18..].iter().map(|length| Step::Clock(*length));
        let steps = steps
            .chain([1, 2, 7, 14].map(Step::Days))
            .chain([1, 2, 3, 6, 12, 24, 60, 120, 600, 1200].map(Step::Months));
        let fits = |step: &Step| step.length() >= column * (step.label_columns() as i128 + 2);
        let Some(step) = { steps }.find(fits) else {
            return Vec::new();
        };
        let end = i128::from(self.start) + self.length * self.columns as i128 / self.per;
        let mut ticks = Vec::new();
        let mut at = step.floor(zone.civil(timestamp(self.start)));
        loop {
            let time = zone.zone().to_timestamp(at).map(Timestamp::as_nanosecond);
            match time {
                Ok(time) if time < end => {
                    if time >= i128::from(self.start) {
                        ticks.push((self.column(time, 1), step.label(at)));
                    }
                }
                _ => return ticks,
            }
            let Some(next) = step.next(at) else {
                return ticks;
            };
            at = next;
        }
    }
}

/// What is between two times below an axis.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Nanoseconds, which divide a day.
    Clock(i128),
    Days(i32),
    Months(i32),
}

impl Step {
    /// About how long it is.
    fn length(self) -> i128 {
        match self {
            Step::Clock(length) => length,
            Step::Days(days) => i128::from(days) * DAY,
            Step::Months(months) => i128::from(months) * 28 * DAY,
        }
    }

    fn label_columns(self) -> usize {
        match self {
            Step::Clock(length) if length < SECOND => "14:05:30.500".len(),
            Step::Clock(length) if length < MINUTE => "14:05:30".len(),
            Step::Clock(_) | Step::Days(_) => "14:05".len(),
            Step::Months(months) if months < 12 => "2026-03".len(),
            Step::Months(_) => "2026".len(),
        }
    }

    fn label(self, at: DateTime) -> String {
        let format = match self {
            Step::Clock(_) if at.time() == jiff::civil::Time::midnight() => "%m-%d",
            Step::Clock(length) if length < SECOND => "%H:%M:%S.%3f",
            Step::Clock(length) if length < MINUTE => "%H:%M:%S",
            Step::Clock(_) => "%H:%M",
            Step::Days(_) => "%m-%d",
            Step::Months(months) if months < 12 => "%Y-%m",
            Step::Months(_) => "%Y",
        };
        at.strftime(format).to_string()
    }

    /// The last time before, or at, which there may be a label.
    fn floor(self, at: DateTime) -> DateTime {
        let midnight = at.date().to_datetime(jiff::civil::Time::midnight());
        match self {
            Step::Clock(length) => {
                let passed = at.duration_since(midnight).as_nanos();
                let passed = SignedDuration::from_nanos((passed / length * length) as i64);
                midnight.saturating_add(passed)
            }
            Step::Days(days) => {
                // The first of 1970 was a Thursday; weeks begin on Mondays.
                let monday = Date::constant(1970, 1, 5);
                let passed = midnight.date().duration_since(monday).as_hours() / 24;
                let over = passed.rem_euclid(days.into());
                midnight.saturating_sub(jiff::Span::new().days(over))
            }
            Step::Months(months) => {
                let count = i32::from(at.year()) * 12 + i32::from(at.month()) - 1;
                let count = count.div_euclid(months) * months;
                let year = i16::try_from(count.div_euclid(12)).unwrap_or(at.year());
                let month = (count.rem_euclid(12) + 1) as i8;
                let first = Date::new(year, month, 1).unwrap_or(at.date());
                first.to_datetime(jiff::civil::Time::midnight())
            }
        }
    }

    fn next(self, at: DateTime) -> Option<DateTime> {
        match self {
            Step::Clock(length) => at
                .checked_add(SignedDuration::from_nanos(i64::try_from(length).ok()?))
                .ok(),
            Step::Days(days) => at.checked_add(jiff::Span::new().days(days)).ok(),
            Step::Months(months) => at.checked_add(jiff::Span::new().months(months)).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No length that people like is long enough, and whole multiples of 7 ns are tried in vain.
    #[test]
    fn times_of_all_centuries_have_a_grid_at_once() {
        let times = [i64::MIN + 5, -3, 4, i64::MAX - 7];
        for columns_max in 1..=4 {
            let grid = Grid::of(&times, columns_max, true).unwrap();
            assert!((1..=columns_max).contains(&grid.columns), "{columns_max}");
        }
    }
}
