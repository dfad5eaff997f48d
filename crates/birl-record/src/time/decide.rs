//! Which of several orders the numbers of a date are in.

use jiff::tz::TimeZone;

use super::calendar::DAY;
use super::resolver::Resolver;
use super::shape::Shape;

/// Which of the [rivals](Shape::rivals) of `shape` the samples are written in.
///
/// The samples are texts that begin with timestamps, in the order in which they were written, and
/// `reference` is when the last was written, or later, in nanoseconds since 1970. The shape is taken
/// that reads most of them; then the one by which least time passed between them, so that days
/// follow each other rather than months or years; then the one by which they are not in the future,
/// and closest to the reference; then the likeliest.
///
/// ```
/// use birl_record::time::{self, Shape};
///
/// let samples: [&[u8]; 2] = [b"03/04/2026 14:05:30", b"04/04/2026 09:12:00"];
/// let shape = Shape::of(samples[0]).unwrap();
/// assert_eq!(shape.name(), "slash-mdy");
/// assert_eq!(time::decide(shape, samples, 1_775_520_000_000_000_000).name(), "slash-dmy");
/// ```
pub fn decide<'t>(
    shape: Shape,
    samples: impl IntoIterator<Item = &'t [u8], IntoIter: Clone>,
    reference: i64,
) -> Shape {
    let samples = samples.into_iter();
    let likeliest = shape
        .rivals()
        .min_by_key(|rival| Oddness::of(*rival, samples.clone(), reference));
    likeliest.unwrap_or(shape)
}

/// What speaks against a shape, the weightiest first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Oddness {
    unread: usize,
    passed: u64,
    is_in_future: bool,
    before_reference: u64,
}

impl Oddness {
    fn of<'t>(shape: Shape, samples: impl Iterator<Item = &'t [u8]>, reference: i64) -> Self {
        let mut resolver = Resolver::new(TimeZone::UTC, reference);
        let mut unread = 0;
        let mut passed = 0_u64;
        let mut last = None;
        for sample in samples {
            let reading = shape.parse(sample).map(|(reading, _)| reading);
            let Some(instant) = reading.and_then(|reading| resolver.resolve(reading)) else {
                unread += 1;
                continue;
            };
            let since = last.map_or(0, |last: i64| instant.abs_diff(last));
            passed = passed.saturating_add(since);
            last = Some(instant);
        }
        let last = last.unwrap_or(reference);
        Self {
            unread,
            passed,
            // The reference's own zone may be behind.
            is_in_future: last.saturating_sub(DAY) > reference,
            before_reference: last.abs_diff(reference),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[track_caller]
    fn assert_decided(samples: &[&str], reference: &str, name: &str) {
        let texts = samples.iter().map(|sample| sample.as_bytes());
        let shape = Shape::of(samples[0].as_bytes()).unwrap();
        let reference: Timestamp = reference.parse().unwrap();
        let decided = decide(shape, texts, reference.as_nanosecond() as i64);
        assert_eq!(decided.name(), name, "{samples:?}");
    }

    #[test]
    fn the_shape_that_reads_all_samples_is_right() {
        let samples = ["03/04/2026 14:05:30", "13/04/2026 14:05:30"];
        assert_decided(&samples, "2026-12-01T00:00:00Z", "slash-dmy");
        let samples = ["03/04/2026 14:05:30", "03/14/2026 14:05:30"];
        assert_decided(&samples, "2026-12-01T00:00:00Z", "slash-mdy");
        let samples = ["03/04 14:05:30", "13/04 14:05:30"];
        assert_decided(&samples, "2026-12-01T00:00:00Z", "slash-dm");
    }

    #[test]
    fn days_rather_follow_each_other_than_months_or_years() {
        let samples = ["10/11/12 14:05:30", "10/11/13 09:00:00"];
        assert_decided(&samples, "2026-12-01T00:00:00Z", "slash-ymd-short");
        let samples = ["10/11/12 14:05:30", "10/12/12 09:00:00"];
        assert_decided(&samples, "2026-12-01T00:00:00Z", "slash-mdy-short");
        let samples = ["10/11/12 14:05:30", "11/11/12 09:00:00"];
        assert_decided(&samples, "2026-12-01T00:00:00Z", "slash-dmy-short");
    }

    #[test]
    fn samples_of_one_day_are_not_in_the_future_and_rather_new() {
        let samples = ["03/12/2026 14:05:30", "03/12/2026 14:05:31"];
        assert_decided(&samples, "2026-04-01T00:00:00Z", "slash-mdy");
        assert_decided(&samples, "2026-12-03T14:05:31Z", "slash-dmy");
        assert_decided(
            &["03/12/26 14:05:30"],
            "2026-03-13T00:00:00Z",
            "slash-mdy-short",
        );
        assert_decided(
            &["17/06/09 20:10:40"],
            "2017-06-09T21:00:00Z",
            "slash-ymd-short",
        );
    }

    #[test]
    fn the_likeliest_is_right_where_nothing_speaks_against_it() {
        assert_decided(
            &["03/03/2026 14:05:30"],
            "2026-04-01T00:00:00Z",
            "slash-mdy",
        );
        assert_decided(&["2026-03-14 14:05:30"], "2026-04-01T00:00:00Z", "iso");
    }
}
