//! From where readings are looked at: the zone of those that name none, and a time not long after
//! them.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::calendar::{DAY, SECOND};
use super::reading::{Abbreviation, Day, Reading, Zone};

/// What turns readings into instants: nanoseconds since 1970-01-01T00:00:00Z.
///
/// # Summer time
///
/// A time that names no zone, or names it by an abbreviation that the default zone does not use at
/// that time, may have been twice, when clocks were set back: it is taken for the first of the two.
/// One that never was, because clocks were set forward, is taken for as much later. Both are as RFC
/// 5545 has it.
#[derive(Clone, Debug)]
pub struct Frame {
    zone: TimeZone,
    reference: i64,
    /// The default zone's offset at the reference.
    usual_offset: i64,
    /// The default zone's offset, where it always is the same.
    fixed_offset: Option<i64>,
    /// Where the last time was looked up in the default zone.
    season: Season,
}

/// A stretch of time in which the default zone keeps one offset, by its own clocks. It excludes
/// times that were twice or never.
#[derive(Clone, Debug)]
struct Season {
    local: Range<i64>,
    offset: i64,
    abbreviation: Option<Abbreviation>,
}

impl Frame {
    /// The frame in which times without a zone are of `zone`. Times that do not name their year or
    /// day are not long before `reference`, nanoseconds since 1970 (UTC): the time at which a file
    /// was last modified, or now.
    pub fn new(zone: TimeZone, reference: i64) -> Self {
        let usual_offset = nanoseconds(zone.to_offset(timestamp(reference)));
        let fixed_offset = zone.to_fixed_offset().ok().map(nanoseconds);
        let season = Season {
            local: 0..0,
            offset: 0,
            abbreviation: None,
        };
        Self {
            zone,
            reference,
            usual_offset,
            fixed_offset,
            season,
        }
    }

    /// The instant of a reading that says its whole date.
    ///
    /// `None` where it does not, where it is not between the years 1678 and 2261, and where it names
    /// a zone by an abbreviation that can mean several and that the default zone does not use.
    #[inline]
    pub fn instant(&mut self, reading: Reading) -> Option<i64> {
        let Day::Known(day) = reading.day() else {
            return None;
        };
        let local = i64::from(day)
            .checked_mul(DAY)?
            .checked_add(reading.nanosecond())?;
        match reading.zone() {
            Zone::Offset(seconds) => local.checked_sub(i64::from(seconds) * SECOND),
            Zone::Unsaid => self.utc(local),
            Zone::Named(abbreviation) => local.checked_sub(self.named_offset(abbreviation, local)?),
        }
    }

    /// Looks from another time on.
    pub(super) fn set_reference(&mut self, reference: i64) {
        self.reference = reference;
        self.usual_offset = nanoseconds(self.zone.to_offset(timestamp(reference)));
    }

    pub(super) fn reference(&self) -> i64 {
        self.reference
    }

    /// The offset of the default zone, in nanoseconds, as it is around the reference.
    pub(super) fn usual_offset(&self) -> i64 {
        self.usual_offset
    }

    /// The offset of the default zone, in nanoseconds, if it has only one.
    pub(super) fn fixed_offset(&self) -> Option<i64> {
        self.fixed_offset
    }

    /// The instant at which the clocks of the default zone show `local`.
    #[inline]
    pub(super) fn utc(&mut self, local: i64) -> Option<i64> {
        local.checked_sub(self.default_offset(local))
    }

    /// The offset that an abbreviation means at a local time: what it means in the default zone,
    /// else what it means to most.
    pub(super) fn named_offset(&mut self, abbreviation: Abbreviation, local: i64) -> Option<i64> {
        let elsewhere = || {
            abbreviation
                .offset()
                .map(|seconds| i64::from(seconds) * SECOND)
        };
        if self.fixed_offset.is_some() {
            return elsewhere();
        }
        let usual = self.default_offset(local);
        if self.season.local.contains(&local) {
            let is_here = self.season.abbreviation == Some(abbreviation);
            return is_here.then_some(usual).or_else(elsewhere);
        }
        let is_here = |offset: &i64| self.abbreviation(local - offset) == Some(abbreviation);
        self.offsets(local)
            .into_iter()
            .find(is_here)
            .or_else(elsewhere)
    }

    #[inline]
    fn default_offset(&mut self, local: i64) -> i64 {
        match self.fixed_offset {
            Some(offset) => offset,
            None if self.season.local.contains(&local) => self.season.offset,
            None => self.look_up(local),
        }
    }

    /// The offset at a local time, and from now on at all of its season.
    #[cold]
    fn look_up(&mut self, local: i64) -> i64 {
        let [offset, other] = self.offsets(local);
        if offset == other {
            self.season = self.season(local, offset);
        }
        offset
    }

    /// The offsets that a local time may have; they are the same but for times that were twice or
    /// never. The first is the one that is taken.
    fn offsets(&self, local: i64) -> [i64; 2] {
        let datetime = Offset::UTC.to_datetime(timestamp(local));
        let offsets = match self.zone.to_ambiguous_timestamp(datetime).offset() {
            AmbiguousOffset::Unambiguous { offset } => [offset, offset],
            AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => {
                [before, after]
            }
        };
        offsets.map(nanoseconds)
    }

    /// The season around a local time that has one `offset`.
    fn season(&self, local: i64, offset: i64) -> Season {
        let instant = local.saturating_sub(offset);
        let offset_at = |instant: i64| nanoseconds(self.zone.to_offset(timestamp(instant)));
        // A transition at the instant itself is one before.
        let before = self
            .zone
            .preceding(timestamp(instant.saturating_add(1)))
            .next();
        let from = before.map_or(i64::MIN, |transition| {
            let at = saturated(transition.timestamp());
            at.saturating_add(offset.max(offset_at(at.saturating_sub(1))))
        });
        let after = self.zone.following(timestamp(instant)).next();
        let until = after.map_or(i64::MAX, |transition| {
            let at = saturated(transition.timestamp());
            at.saturating_add(offset.min(offset_at(at)))
        });
        Season {
            local: from..until,
            offset,
            abbreviation: self.abbreviation(instant),
        }
    }

    /// The abbreviation that the default zone uses at an instant.
    fn abbreviation(&self, instant: i64) -> Option<Abbreviation> {
        let info = self.zone.to_offset_info(timestamp(instant));
        Abbreviation::new(info.abbreviation().as_bytes())
    }
}

fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).expect("jiff's range is wider than ours")
}

/// The nanoseconds of an instant; the last that there are, where it is beyond them.
fn saturated(timestamp: Timestamp) -> i64 {
    let nanoseconds = timestamp.as_nanosecond();
    nanoseconds.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

fn nanoseconds(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * SECOND
}

#[cfg(test)]
mod tests {
    use jiff::civil::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::time::Shape;

    /// Central Europe, as since 1996; the rule needs no file.
    fn paris() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn instant(frame: &mut Frame, text: &str) -> Option<Timestamp> {
        let shape = Shape::of(text.as_bytes()).unwrap();
        let reading = shape.parse(text.as_bytes()).unwrap().0;
        frame.instant(reading).map(timestamp)
    }

    #[track_caller]
    fn assert_instants(zone: TimeZone, cases: &[(&str, Option<&str>)]) {
        // In both directions, since what was looked up before is kept.
        let mut frame = Frame::new(zone, 0);
        for (text, expected) in cases.iter().chain(cases.iter().rev()) {
            let expected = expected.map(|text| text.parse::<Timestamp>().unwrap());
            assert_eq!(instant(&mut frame, text), expected, "{text}");
        }
    }

    #[test]
    fn a_time_that_was_twice_is_the_first_and_one_that_never_was_is_later() {
        assert_instants(
            paris(),
            &[
                ("2026-03-29 01:59:59.999", Some("2026-03-29T00:59:59.999Z")),
                ("2026-03-29 02:00:00", Some("2026-03-29T01:00:00Z")),
                ("2026-03-29 02:30:00", Some("2026-03-29T01:30:00Z")),
                ("2026-03-29 03:00:00", Some("2026-03-29T01:00:00Z")),
                ("2026-10-25 01:59:59.999", Some("2026-10-24T23:59:59.999Z")),
                ("2026-10-25 02:00:00", Some("2026-10-25T00:00:00Z")),
                ("2026-10-25 02:59:59.999", Some("2026-10-25T00:59:59.999Z")),
                ("2026-10-25 03:00:00", Some("2026-10-25T02:00:00Z")),
            ],
        );
    }

    #[test]
    fn an_abbreviation_tells_which_of_two_times_it_was() {
        assert_instants(
            paris(),
            &[
                ("2026-10-25 02:30:00 CEST", Some("2026-10-25T00:30:00Z")),
                ("2026-10-25 02:30:00 CET", Some("2026-10-25T01:30:00Z")),
                ("2026-07-01 02:30:00 EST", Some("2026-07-01T07:30:00Z")),
                ("2026-07-01 02:30:00 CEST", Some("2026-07-01T00:30:00Z")),
                ("2026-07-01 02:30:00 CET", Some("2026-07-01T01:30:00Z")),
            ],
        );
    }

    #[test]
    fn an_abbreviation_means_first_what_it_means_in_the_default_zone() {
        let shanghai = TimeZone::posix("CST-8").unwrap();
        assert_instants(
            shanghai,
            &[("2026-03-14 14:05:30 CST", Some("2026-03-14T06:05:30Z"))],
        );
        let new_york = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        assert_instants(
            new_york,
            &[("2026-03-14 14:05:30 CST", Some("2026-03-14T20:05:30Z"))],
        );
        let dublin = TimeZone::posix("GMT0IST,M3.5.0/1,M10.5.0").unwrap();
        assert_instants(
            dublin,
            &[("2026-07-14 14:05:30 IST", Some("2026-07-14T13:05:30Z"))],
        );
        assert_instants(TimeZone::UTC, &[("2026-07-14 14:05:30 IST", None)]);
    }

    #[test]
    fn years_that_do_not_fit_are_no_instants() {
        assert_instants(
            TimeZone::UTC,
            &[
                ("0001-01-01 00:00:00", None),
                ("1677-01-01 00:00:00", None),
                ("1678-01-01 00:00:00", Some("1678-01-01T00:00:00Z")),
                ("2261-12-31 23:59:59", Some("2261-12-31T23:59:59Z")),
                ("2263-01-01 00:00:00", None),
                ("9999-12-31 23:59:59", None),
            ],
        );
    }

    proptest! {
        #[test]
        fn instants_are_those_of_another_library(
            zone in prop::sample::select(vec![
                "CET-1CEST,M3.5.0,M10.5.0/3",
                "EST5EDT,M3.2.0,M11.1.0",
                "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
                "NZST-12NZDT,M9.5.0,M4.1.0/3",
                "IST-5:30",
            ]),
            // Days around the transitions of a few years, and any others.
            minutes in prop::collection::vec(prop_oneof![0i64..3_000_000, -100_000_000i64..100_000_000], 1..40),
        ) {
            let zone = TimeZone::posix(zone).unwrap();
            let mut frame = Frame::new(zone.clone(), 0);
            for minute in minutes {
                let local: DateTime = Offset::UTC.to_datetime(Timestamp::from_second(minute * 60).unwrap());
                let expected = saturated(zone.to_timestamp(local).unwrap());
                prop_assert_eq!(frame.utc(minute * 60 * SECOND), Some(expected), "{}", local);
            }
        }
    }
}
