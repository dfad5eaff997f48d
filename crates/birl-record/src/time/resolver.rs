//! Instants of readings that come in order.

use jiff::tz::TimeZone;

use super::frame::Frame;
use super::reading::{Period, Reading};
use super::track::{Anchor, Track};

/// The times of a stretch of a source that do not say their whole date, in the order in which they
/// were written.
#[derive(Clone, Debug, Default)]
pub struct Tracks {
    days: Track,
    years: Track,
}

impl Tracks {
    /// Takes the next time, if it does not say its whole date.
    pub fn place(&mut self, reading: Reading, frame: &mut Frame) {
        match reading.period() {
            None => {}
            Some(Period::Day) => _ = self.days.place(reading, frame),
            Some(Period::Year) => _ = self.years.place(reading, frame),
        }
    }

    /// Takes the times of a stretch that stands behind this one.
    pub fn append(&mut self, next: &Tracks) {
        self.days.append(&next.days);
        self.years.append(&next.years);
    }
}

/// Makes instants of the readings of one source, in the order in which they were written.
///
/// A reading that says its whole date is an instant by itself. One without a year is in the last
/// year in which the first such reading is not more than a day after the reference; after it, years
/// go on at New Year, and go back where lines are out of order around it. One without a date
/// likewise is of the last day on which the first is not more than an hour after the reference, and
/// days go on at midnight.
///
/// Readings with and without a date do not know of each other. A reading of February 29th makes the
/// year, and those after it, a leap year that was.
///
/// ```
/// use birl_record::time::{Resolver, Shape};
/// use jiff::{Timestamp, tz::TimeZone};
///
/// let modified: Timestamp = "2026-01-02T08:00:00Z".parse()?;
/// let mut resolver = Resolver::new(TimeZone::UTC, modified.as_nanosecond() as i64);
/// let syslog = Shape::named("syslog").unwrap();
/// let mut instant = |text: &[u8]| {
///     let (reading, _) = syslog.parse(text).unwrap();
///     Timestamp::from_nanosecond(resolver.resolve(reading).unwrap().into()).unwrap()
/// };
/// assert_eq!(instant(b"Dec 31 23:59:59").to_string(), "2025-12-31T23:59:59Z");
/// assert_eq!(instant(b"Jan  1 00:00:00").to_string(), "2026-01-01T00:00:00Z");
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Resolver {
    frame: Frame,
    days: Course,
    years: Course,
    is_live: bool,
}

/// The readings of one period.
#[derive(Clone, Debug, Default)]
struct Course {
    track: Track,
    anchor: Option<Anchor>,
}

impl Resolver {
    /// For a source whose times are of `zone` where they name none, and which was last written at
    /// `reference`, nanoseconds since 1970 (UTC); see [`Frame::new`].
    pub fn new(zone: TimeZone, reference: i64) -> Self {
        Self {
            frame: Frame::new(zone, reference),
            days: Course::default(),
            years: Course::default(),
            is_live: false,
        }
    }

    /// The same for a source whose times are known to its end: not its first is not long after the
    /// reference, but its last.
    pub fn of_whole(zone: TimeZone, reference: i64, whole: &Tracks) -> Self {
        let mut frame = Frame::new(zone, reference);
        let course = |track: &Track, frame: &mut Frame| Course {
            track: Track::new(),
            anchor: Anchor::of_last(track, frame),
        };
        Self {
            days: course(&whole.days, &mut frame),
            years: course(&whole.years, &mut frame),
            frame,
            is_live: false,
        }
    }

    /// From now on, readings are resolved as they are written: each is the last possible one before
    /// `now`, whatever came before it. To be called again as time goes on.
    pub fn go_live(&mut self, now: i64) {
        self.frame.set_reference(now);
        self.is_live = true;
    }

    /// Goes on behind a stretch of the source, as if each of its times had been resolved.
    pub fn pass(&mut self, stretch: &Tracks) {
        self.days.pass(&stretch.days, &mut self.frame);
        self.years.pass(&stretch.years, &mut self.frame);
    }

    /// The instant of a reading as if no other had come before.
    pub fn resolve_alone(&mut self, reading: Reading) -> Option<i64> {
        match reading.period() {
            None => self.frame.instant(reading),
            Some(_) => Course::default().resolve(reading, &mut self.frame, false),
        }
    }

    /// What readings are looked at from.
    pub fn frame(&mut self) -> &mut Frame {
        &mut self.frame
    }

    /// The instant of the next reading, in nanoseconds since 1970 (UTC).
    ///
    /// `None` where it is not between the years 1678 and 2261, and where it names a zone by an
    /// abbreviation that means nothing certain.
    #[inline]
    pub fn resolve(&mut self, reading: Reading) -> Option<i64> {
        match reading.period() {
            None => self.frame.instant(reading),
            Some(Period::Day) => self.days.resolve(reading, &mut self.frame, self.is_live),
            Some(Period::Year) => self.years.resolve(reading, &mut self.frame, self.is_live),
        }
    }
}

impl Course {
    fn pass(&mut self, stretch: &Track, frame: &mut Frame) {
        if self.anchor.is_none() {
            self.anchor = Anchor::of_first(stretch, frame);
        }
        self.track.append(stretch);
    }

    fn resolve(&mut self, reading: Reading, frame: &mut Frame, is_live: bool) -> Option<i64> {
        let relative = self.track.place(reading, frame)?;
        let holds = |anchor: &Anchor| !is_live && anchor.admits(&self.track);
        let anchor = match self.anchor.filter(holds) {
            Some(anchor) => anchor,
            None => *self.anchor.insert(Anchor::of_last(&self.track, frame)?),
        };
        anchor.instant(relative, frame)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::time::Shape;

    const PARIS: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    /// What becomes of `texts`, one after the other.
    #[track_caller]
    fn assert_resolved(zone: &str, reference: &str, texts: &[(&str, &str)]) {
        let reference: Timestamp = reference.parse().unwrap();
        let zone = TimeZone::posix(zone).unwrap();
        let mut resolver = Resolver::new(zone, reference.as_nanosecond() as i64);
        for (text, expected) in texts {
            let shape = Shape::of(text.as_bytes()).unwrap();
            let (reading, _) = shape.parse(text.as_bytes()).unwrap();
            let found = resolver.resolve(reading);
            let found = found.map(|found| Timestamp::from_nanosecond(found.into()).unwrap());
            assert_eq!(found, Some(expected.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_year_is_the_last_that_is_not_after_the_reference() {
        let at = "2026-03-14T12:00:00Z";
        assert_resolved("UTC0", at, &[("Mar 14 11:00:00", "2026-03-14T11:00:00Z")]);
        assert_resolved("UTC0", at, &[("Mar 15 12:00:00", "2026-03-15T12:00:00Z")]);
        assert_resolved("UTC0", at, &[("Mar 15 12:00:01", "2025-03-15T12:00:01Z")]);
        let new_year = "2026-01-01T00:00:00Z";
        assert_resolved(
            "UTC0",
            new_year,
            &[("Dec 31 23:59:59", "2025-12-31T23:59:59Z")],
        );
        let eve = "2025-12-31T23:30:00Z";
        assert_resolved("UTC0", eve, &[("Jan  1 00:29:59", "2026-01-01T00:29:59Z")]);
    }

    #[test]
    fn years_go_on_at_new_year_and_back_where_lines_are_out_of_order() {
        assert_resolved(
            "UTC0",
            "2026-02-03T00:00:00Z",
            &[
                ("Jun 14 15:16:01", "2025-06-14T15:16:01Z"),
                ("Dec 31 23:59:59", "2025-12-31T23:59:59Z"),
                ("Jan  1 00:00:00", "2026-01-01T00:00:00Z"),
                ("Dec 31 23:59:58", "2025-12-31T23:59:58Z"),
                ("Jan  1 00:00:01", "2026-01-01T00:00:01Z"),
                ("Feb  2 10:00:00", "2026-02-02T10:00:00Z"),
            ],
        );
    }

    #[test]
    fn a_leap_day_tells_the_year() {
        assert_resolved(
            "UTC0",
            "2026-03-14T12:00:00Z",
            &[
                ("Feb 29 23:59:59", "2024-02-29T23:59:59Z"),
                ("Mar  1 00:00:00", "2024-03-01T00:00:00Z"),
                ("Jan  1 00:00:00", "2025-01-01T00:00:00Z"),
                ("Mar  1 00:00:00", "2025-03-01T00:00:00Z"),
            ],
        );
        // What was read before it was known stands.
        assert_resolved(
            "UTC0",
            "2026-03-14T12:00:00Z",
            &[
                ("Feb 28 12:00:00", "2026-02-28T12:00:00Z"),
                ("Feb 29 12:00:00", "2024-02-29T12:00:00Z"),
                ("Mar  1 12:00:00", "2024-03-01T12:00:00Z"),
            ],
        );
    }

    #[test]
    fn days_go_on_at_midnight_and_back_where_lines_are_out_of_order() {
        assert_resolved(
            "UTC0",
            "2026-03-14T12:00:00Z",
            &[
                ("13:00:01", "2026-03-13T13:00:01Z"),
                ("23:59:59", "2026-03-13T23:59:59Z"),
                ("00:00:00", "2026-03-14T00:00:00Z"),
                ("23:59:58", "2026-03-13T23:59:58Z"),
                ("00:00:01", "2026-03-14T00:00:01Z"),
                ("21:00:00", "2026-03-14T21:00:00Z"),
                ("18:59:59", "2026-03-15T18:59:59Z"),
                ("17:00:00", "2026-03-15T17:00:00Z"),
            ],
        );
    }

    #[test]
    fn an_hour_that_comes_twice_is_not_a_day_later() {
        assert_resolved(
            PARIS,
            "2026-10-25T05:00:00Z",
            &[
                ("01:59:59", "2026-10-24T23:59:59Z"),
                ("02:59:59", "2026-10-25T00:59:59Z"),
                ("02:00:00", "2026-10-25T00:00:00Z"),
                ("03:00:00", "2026-10-25T02:00:00Z"),
            ],
        );
    }

    #[test]
    fn zones_are_honoured_where_the_year_or_day_is_not_known() {
        assert_resolved(
            PARIS,
            "2026-03-14T12:00:00Z",
            &[
                ("Dec 31 23:30:00 UTC", "2025-12-31T23:30:00Z"),
                ("Jan  1 00:45:00", "2025-12-31T23:45:00Z"),
                ("Dec 31 18:50:00 EST", "2025-12-31T23:50:00Z"),
                ("Jan  1 01:00:00 CET", "2026-01-01T00:00:00Z"),
                ("Mar  1 00:30:00 +0100", "2026-02-28T23:30:00Z"),
                ("Feb 28 23:30:00 -0100", "2026-03-01T00:30:00Z"),
            ],
        );
        assert_resolved(
            PARIS,
            "2026-10-25T05:00:00Z",
            &[
                ("00:30:00 +0000", "2026-10-25T00:30:00Z"),
                ("01:30:00 +0000", "2026-10-25T01:30:00Z"),
                ("02:30:00 CEST", "2026-10-25T00:30:00Z"),
            ],
        );
    }

    #[test]
    fn what_means_nothing_certain_is_no_instant() {
        let mut resolver = Resolver::new(TimeZone::UTC, 0);
        for text in [
            "2026-07-01 14:05:30 IST",
            "Jul 1 14:05:30 IST",
            "14:05:30 IST",
        ] {
            let shape = Shape::of(text.as_bytes()).unwrap();
            let (reading, _) = shape.parse(text.as_bytes()).unwrap();
            assert_eq!(resolver.resolve(reading), None, "{text}");
        }
    }
}
