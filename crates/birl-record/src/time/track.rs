//! Times that do not say their year or day, as they follow each other.
//!
//! Such times are told from those before them. So that the chunks of a file can be read in parallel,
//! this is done in two steps: within a chunk, times are [placed](Track::place) relative to each
//! other; then, in order, the chunks' tracks are [joined](Track::append), and an [`Anchor`] makes
//! instants of all that was placed.
//!
//! Years count as leap years here, each of 366 days, so that a track can be moved by years without
//! knowing which they are.

use super::calendar::{self, DAY, HOUR};
use super::frame::Frame;
use super::reading::{Day, Period, Reading, Zone};

/// A year of 366 days.
const YEAR: i64 = 366 * DAY;

/// How far a time may be behind the one before it without belonging to the next day, or year: lines
/// of several threads are written out of order, and clocks are set back when summer ends.
const DAY_SLACK: i64 = 2 * HOUR;
const YEAR_SLACK: i64 = 31 * DAY;

/// How far a time may be behind the reference, whose clock may be another, in a wrong zone.
const DAY_AHEAD_MAX: i64 = HOUR;
const YEAR_AHEAD_MAX: i64 = DAY;

/// Local times are marked by this distance from those in UTC, which are at most half as far from 0.
const LOCAL: i64 = 1 << 62;
const DISTANCE_MAX: i64 = 1 << 61;

/// A time relative to others of its [`Track`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relative(i64);

/// A number of whole days or years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift(i64);

impl Relative {
    /// As a number to be kept in a column; [`from_i64`](Self::from_i64) is the way back.
    pub fn to_i64(self) -> i64 {
        self.0
    }

    /// From a number that [`to_i64`](Self::to_i64) gave.
    pub fn from_i64(number: i64) -> Self {
        Self(number)
    }

    /// The same time as many days or years later as [`Track::append`] said.
    pub fn shifted(self, shift: Shift) -> Self {
        Self(self.0 + shift.0)
    }

    fn new(nanoseconds: i64, is_local: bool) -> Option<Self> {
        let fits = (-DISTANCE_MAX..DISTANCE_MAX).contains(&nanoseconds);
        fits.then_some(Self(if is_local {
            nanoseconds + LOCAL
        } else {
            nanoseconds
        }))
    }

    /// The nanoseconds, and whether the clocks of the default zone show them, rather than UTC's.
    fn parts(self) -> (i64, bool) {
        if self.0 >= DISTANCE_MAX {
            (self.0 - LOCAL, true)
        } else {
            (self.0, false)
        }
    }
}

/// Times of one period in the order in which they were written, placed relative to each other.
///
/// Each is taken for the first possible one that is not more than a little before the one before it:
/// two hours where the day is not known, a month where the year is not.
#[derive(Clone, Debug, Default)]
pub struct Track {
    period: Option<Period>,
    first: Option<Place>,
    last: Option<Place>,
    /// A year in which there was a leap day, counted as in [`Place::order`].
    leap_year: Option<i64>,
}

/// Where a time was placed.
#[derive(Clone, Copy, Debug)]
struct Place {
    relative: Relative,
    /// Nanoseconds, comparable whatever the zone; they are UTC's, give or take a change of clocks.
    order: i64,
}

impl Track {
    /// A track without times.
    pub fn new() -> Self {
        Self::default()
    }

    /// Places the next time.
    ///
    /// `None` where it says its whole date, is of another period than those before it, or names a
    /// zone that is not known.
    pub fn place(&mut self, reading: Reading, frame: &mut Frame) -> Option<Relative> {
        let period = reading.period()?;
        if self.period.is_some_and(|known| known != period) {
            return None;
        }
        let phase = phase(reading.day()) + reading.nanosecond();
        let (offset, is_local) = offset(reading, phase, frame)?;
        let order = phase - offset;
        let shift = self
            .last
            .map_or(0, |last| shift_behind(last.order, order, period));
        // A local time keeps its own clock: which offset that had is not known before its year is.
        let nanoseconds = if is_local { phase } else { order };
        let place = Place {
            relative: Relative::new(nanoseconds + shift, is_local)?,
            order: order + shift,
        };
        if matches!(reading.day(), Day::Yearless { month: 2, day: 29 }) {
            self.leap_year = Some(shift / YEAR);
        }
        self.period = Some(period);
        self.first.get_or_insert(place);
        self.last = Some(place);
        Some(place.relative)
    }

    /// Takes the times of `next`, which were written behind those of this track, and says by what
    /// they are [shifted](Relative::shifted) to be placed in it: as if it had placed them itself.
    pub fn append(&mut self, next: &Track) -> Shift {
        let (Some(period), Some(first), Some(last)) = (next.period, next.first, next.last) else {
            return Shift(0);
        };
        let shift = match self.last {
            Some(end) => shift_behind(end.order, first.order, period),
            None => 0,
        };
        let shifted = |place: Place| Place {
            relative: place.relative.shifted(Shift(shift)),
            order: place.order + shift,
        };
        self.period.get_or_insert(period);
        self.first.get_or_insert(shifted(first));
        self.last = Some(shifted(last));
        if let Some(year) = next.leap_year {
            self.leap_year = Some(year + shift / YEAR);
        }
        Shift(shift)
    }
}

/// What the default zone, or the one that is named, adds to UTC, and whether the time is to be kept
/// by the clocks of the default zone.
fn offset(reading: Reading, phase: i64, frame: &mut Frame) -> Option<(i64, bool)> {
    match reading.zone() {
        Zone::Offset(seconds) => Some((i64::from(seconds) * calendar::SECOND, false)),
        Zone::Unsaid => match frame.fixed_offset() {
            Some(offset) => Some((offset, false)),
            None => Some((frame.usual_offset(), true)),
        },
        Zone::Named(abbreviation) => {
            let local = around(reading.period()?, frame.reference()) + phase;
            Some((frame.named_offset(abbreviation, local)?, false))
        }
    }
}

/// The beginning of the period that a time is in.
fn around(period: Period, time: i64) -> i64 {
    let day = time.div_euclid(DAY);
    match period {
        Period::Day => day * DAY,
        Period::Year => {
            let (year, _, _) = calendar::date(day as i32);
            i64::from(calendar::day(year.cast_unsigned(), 1, 1).unwrap_or(0)) * DAY
        }
    }
}

/// The nanoseconds from the beginning of the period to that of a day.
fn phase(day: Day) -> i64 {
    match day {
        Day::Yearless { month, day } => {
            i64::from(day_of_leap_year(u32::from(month), u32::from(day))) * DAY
        }
        Day::Unsaid | Day::Known(_) => 0,
    }
}

/// Counted from 0.
fn day_of_leap_year(month: u32, day: u32) -> i32 {
    let day_of = |month, day| calendar::day(2000, month, day).expect("it is a day of a leap year");
    day_of(month, day) - day_of(1, 1)
}

/// By how many nanoseconds, which are whole periods, a time is shifted to be the first that is not
/// too far before `last`.
fn shift_behind(last: i64, time: i64, period: Period) -> i64 {
    let (period, slack) = match period {
        Period::Day => (DAY, DAY_SLACK),
        Period::Year => (YEAR, YEAR_SLACK),
    };
    let earliest = last - slack;
    (earliest - time).div_euclid(period) * period + period
}

/// What makes instants of times that were placed: the year, or day, from which a track counts.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    period: Period,
    /// A year, or a day since 1970.
    base: i64,
}

impl Anchor {
    /// The latest in which the track begins before the frame's reference, give or take a day where
    /// the year is not known, an hour where the day is not: for a track that is not known to its end,
    /// and goes on less than a period.
    ///
    /// `None` for a track without times, or without such a year between 1678 and 2261.
    pub fn of_first(track: &Track, frame: &mut Frame) -> Option<Self> {
        Self::latest(track, track.first?, frame)
    }

    /// The latest in which the track ends before the frame's reference, likewise: for a track that is
    /// known to its end.
    pub fn of_last(track: &Track, frame: &mut Frame) -> Option<Self> {
        Self::latest(track, track.last?, frame)
    }

    /// The instant of a time of the track, in nanoseconds since 1970 (UTC), if it fits.
    pub fn instant(&self, relative: Relative, frame: &mut Frame) -> Option<i64> {
        let (nanoseconds, is_local) = relative.parts();
        let time = match self.period {
            Period::Day => self.base.checked_mul(DAY)?.checked_add(nanoseconds)?,
            Period::Year => self.in_year(nanoseconds)?,
        };
        if is_local {
            frame.utc(time)
        } else {
            Some(time)
        }
    }

    /// The latest anchor by which the time at `place` is before the reference.
    fn latest(track: &Track, place: Place, frame: &mut Frame) -> Option<Self> {
        let period = track.period?;
        let day = frame.reference().div_euclid(DAY);
        let (now, ahead_max) = match period {
            Period::Day => (day - place.order.div_euclid(DAY), DAY_AHEAD_MAX),
            Period::Year => {
                let (year, _, _) = calendar::date(day as i32);
                (
                    i64::from(year) - place.order.div_euclid(YEAR),
                    YEAR_AHEAD_MAX,
                )
            }
        };
        // From one that is too late, back over the eight years that there may be between leap years.
        let mut anchors = (now - 9..=now + 2).rev().map(|base| Self { period, base });
        anchors.find(|anchor| {
            let instant = anchor.instant(place.relative, frame);
            anchor.admits(track)
                && instant
                    .is_some_and(|instant| instant.saturating_sub(ahead_max) <= frame.reference())
        })
    }

    /// Whether the leap days of the track are in leap years.
    pub(super) fn admits(&self, track: &Track) -> bool {
        let leap_year = track.leap_year.map(|year| u32::try_from(self.base + year));
        leap_year.is_none_or(|year| year.is_ok_and(calendar::is_leap))
    }

    /// The time so far from the beginning of the base year, if years had 366 days.
    fn in_year(&self, nanoseconds: i64) -> Option<i64> {
        let year = u32::try_from(self.base + nanoseconds.div_euclid(YEAR)).ok()?;
        let in_year = nanoseconds.rem_euclid(YEAR);
        let (day, nanosecond) = (in_year / DAY, in_year % DAY);
        let first = i64::from(calendar::day(
            Some(year).filter(|year| *year <= 9_999)?,
            1,
            1,
        )?);
        const LEAP_DAY: i64 = 59;
        let skipped = match day {
            _ if calendar::is_leap(year) => 0,
            ..LEAP_DAY => 0,
            // Only a zone can bring us here: from March 1st in the east, or from February 28th in
            // the west.
            LEAP_DAY if nanosecond < DAY / 2 => 0,
            _ => 1,
        };
        (first + day - skipped)
            .checked_mul(DAY)?
            .checked_add(nanosecond)
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::time::{Resolver, Shape};

    fn zones() -> impl Strategy<Value = TimeZone> {
        let zones = [
            "UTC0",
            "<+0530>-5:30",
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "EST5EDT,M3.2.0,M11.1.0",
        ];
        prop::sample::select(zones.to_vec()).prop_map(|zone| TimeZone::posix(zone).unwrap())
    }

    /// The readings of lines that were written minutes apart, most of them in order.
    fn lines(
        pattern: &'static str,
        gap_minutes_max: i64,
    ) -> impl Strategy<Value = (i64, Vec<Reading>)> {
        let minutes = prop_oneof![9 => 0..gap_minutes_max, 1 => -60i64..0];
        let zone = prop::sample::select(vec!["", "", "", " +0000", " -0800", " EST", " CET"]);
        let line = (minutes, zone);
        (0i64..1_500_000_000, prop::collection::vec(line, 1..40)).prop_map(move |(start, lines)| {
            let mut second = start;
            let mut read = |(minutes, zone): (i64, &str)| {
                second += minutes * 60;
                let time = jiff::Timestamp::from_second(second).unwrap();
                let text = time.strftime(pattern).to_string() + zone;
                Shape::of(text.as_bytes())?
                    .parse(text.as_bytes())
                    .map(|(reading, _)| reading)
            };
            let readings = lines.into_iter().map(|line| read(line).unwrap()).collect();
            (second * calendar::SECOND, readings)
        })
    }

    /// The instants of `readings`, in chunks of which each is placed alone.
    fn in_chunks(readings: &[Reading], chunk: usize, mut frame: Frame) -> Vec<Option<i64>> {
        let mut whole = Track::new();
        let mut placed = Vec::new();
        for chunk in readings.chunks(chunk) {
            let mut track = Track::new();
            let times: Vec<_> = chunk
                .iter()
                .map(|reading| track.place(*reading, &mut frame))
                .collect();
            let shift = whole.append(&track);
            placed.extend(
                times
                    .into_iter()
                    .map(|time| time.map(|time| time.shifted(shift))),
            );
        }
        let anchor = Anchor::of_first(&whole, &mut frame);
        let mut instant = |time: Relative| anchor.unwrap().instant(time, &mut frame);
        placed
            .into_iter()
            .map(|time| time.and_then(&mut instant))
            .collect()
    }

    #[track_caller]
    fn assert_chunks_change_nothing(
        zone: TimeZone,
        reference: i64,
        readings: &[Reading],
        chunk: usize,
    ) {
        let mut resolver = Resolver::new(zone.clone(), reference);
        let in_order: Vec<_> = readings
            .iter()
            .map(|reading| resolver.resolve(*reading))
            .collect();
        let frame = Frame::new(zone, reference);
        assert_eq!(in_chunks(readings, chunk, frame), in_order);
    }

    proptest! {
        #[test]
        fn chunks_change_nothing_about_days((reference, readings) in lines("%H:%M:%S", 1_200), zone in zones(), chunk in 1usize..9) {
            assert_chunks_change_nothing(zone, reference, &readings, chunk);
        }

        #[test]
        fn chunks_change_nothing_about_years((reference, readings) in lines("%b %e %H:%M:%S", 300_000), zone in zones(), chunk in 1usize..9) {
            let leap = |reading: &Reading| matches!(reading.day(), Day::Yearless { month: 2, day: 29 });
            prop_assume!(!readings.iter().any(leap));
            assert_chunks_change_nothing(zone, reference, &readings, chunk);
        }

        #[test]
        fn the_years_of_a_whole_file_are_those_in_which_it_was_written(
            start in 0i64..1_500_000_000,
            days in prop::collection::vec(0i64..330, 1..40),
            chunk in 1usize..9,
        ) {
            let mut second = start;
            let mut seconds = Vec::new();
            for day in days {
                second += day * 86_400;
                seconds.push(second);
            }
            let syslog = Shape::named("syslog").unwrap();
            let text = |second: i64| jiff::Timestamp::from_second(second).unwrap().strftime("%b %e %H:%M:%S").to_string();
            let readings: Vec<Reading> = seconds.iter().map(|second| syslog.parse(text(*second).as_bytes()).unwrap().0).collect();
            let mut frame = Frame::new(TimeZone::UTC, second * calendar::SECOND);
            let mut whole = Track::new();
            let mut placed = Vec::new();
            for chunk in readings.chunks(chunk) {
                let mut track = Track::new();
                let times: Vec<_> = chunk.iter().map(|reading| track.place(*reading, &mut frame).unwrap()).collect();
                let shift = whole.append(&track);
                placed.extend(times.into_iter().map(|time| Relative::from_i64(time.to_i64()).shifted(shift)));
            }
            let anchor = Anchor::of_last(&whole, &mut frame).unwrap();
            let found: Vec<i64> = placed.into_iter().map(|time| anchor.instant(time, &mut frame).unwrap() / calendar::SECOND).collect();
            prop_assert_eq!(found, seconds);
        }
    }

    #[test]
    fn a_track_is_of_one_period() {
        let mut frame = Frame::new(TimeZone::UTC, 0);
        let mut track = Track::new();
        let read = |text: &str| {
            Shape::of(text.as_bytes())
                .unwrap()
                .parse(text.as_bytes())
                .unwrap()
                .0
        };
        assert!(track.place(read("14:05:30"), &mut frame).is_some());
        assert_eq!(track.place(read("Mar 14 14:05:30"), &mut frame), None);
        assert_eq!(track.place(read("2026-03-14 14:05:30"), &mut frame), None);
    }

    #[test]
    fn an_empty_track_has_no_anchor_and_changes_no_other() {
        let mut frame = Frame::new(TimeZone::UTC, 0);
        let mut track = Track::new();
        assert_eq!(track.append(&Track::new()), Shift(0));
        assert!(Anchor::of_first(&track, &mut frame).is_none());
        assert!(Anchor::of_last(&track, &mut frame).is_none());
    }
}
