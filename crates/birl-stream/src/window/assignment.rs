//! `Windows`: which windows a moment belongs to.

use std::time::Duration;

use super::nanoseconds;

/// Windows of one size that follow each other at equal distances, for ever in both directions.
///
/// One of them begins at time 0, unless [`origin`](Self::origin) says otherwise. Sessions have no
/// such order: there is [`OpenSessions`](super::OpenSessions).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    size_ns: i64,
    slide_ns: i64,
    /// Where a window begins; less than the slide, and not negative.
    origin_ns: i64,
}

/// A stretch of time: from `start` to just before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first nanosecond.
    pub start: i64,
    /// The first nanosecond after it.
    pub end: i64,
}

impl Windows {
    /// Windows that follow each other without a gap: each moment belongs to one.
    ///
    /// # Panics
    /// If the size is zero.
    pub fn tumbling(size: Duration) -> Self {
        Self::sliding(size, size)
    }

    /// Windows that overlap: one begins each `slide`, and each moment belongs to `size / slide` of
    /// them, rounded up or down.
    ///
    /// # Panics
    /// If the slide is zero, or longer than the size: what comes between two windows would be lost.
    pub fn sliding(size: Duration, slide: Duration) -> Self {
        assert!(!size.is_zero(), "a window must have a length");
        assert!(!slide.is_zero(), "sliding windows must move on");
        assert!(
            slide <= size,
            "a slide of {slide:?} leaves gaps between windows of {size:?}"
        );
        Self {
            size_ns: nanoseconds(size),
            slide_ns: nanoseconds(slide),
            origin_ns: 0,
        }
    }

    /// Lets a window begin at `origin_ns`: at a Monday for windows of a week, which else begin on
    /// Thursdays, as the Unix epoch does.
    pub fn origin(mut self, origin_ns: i64) -> Self {
        self.origin_ns = origin_ns.rem_euclid(self.slide_ns);
        self
    }

    /// The windows that `time` belongs to, the earliest first.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::window::{Span, Windows};
    /// use std::time::Duration;
    ///
    /// let ns = Duration::from_nanos;
    /// let windows = Windows::sliding(ns(10), ns(5));
    /// let spans: Vec<_> = windows.of(-1).collect();
    /// assert_eq!(spans, [Span { start: -10, end: 0 }, Span { start: -5, end: 5 }]);
    /// ```
    pub fn of(&self, time: i64) -> impl DoubleEndedIterator<Item = Span> + use<> {
        let Self {
            size_ns,
            slide_ns,
            origin_ns,
        } = *self;
        let into_slide = (time.rem_euclid(slide_ns) - origin_ns).rem_euclid(slide_ns);
        let earliest = (size_ns - 1 - into_slide) / slide_ns;
        (0..=earliest).rev().map(move |slides| {
            let into_window = into_slide + slides * slide_ns;
            Span {
                start: time.saturating_sub(into_window),
                end: time.saturating_add(size_ns - into_window),
            }
        })
    }

    /// How many windows a moment belongs to, at most.
    pub(crate) fn overlap(&self) -> usize {
        let windows = (self.size_ns - 1) / self.slide_ns + 1;
        usize::try_from(windows).unwrap_or(usize::MAX)
    }
}
