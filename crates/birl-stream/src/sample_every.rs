//! `sample_every`: the last item of each period.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::stream::FusedStream;
use futures_core::Stream;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::newest::{Drained, Newest};
use crate::timer::{FOR_EVER, Timer};

pin_project! {
    /// The stream that [`sample_every`](crate::FlowExt::sample_every) returns.
    ///
    /// Dropping it drops the item that waits; [`into_remainder`](Self::into_remainder) gives it.
    #[must_use = "streams do nothing unless polled"]
    pub struct SampleEvery<S: Stream> {
        // `None` once it has ended.
        #[pin]
        upstream: Option<S>,
        period: Duration,
        newest: Newest<S::Item>,
        // The end of the last period that is over. Periods are counted from the first poll.
        ticked: Option<Instant>,
        // The end of the period in which the item came that waits, or the one it replaced.
        due: Option<Instant>,
        timer: Timer,
    }
}

impl<S: Stream> SampleEvery<S> {
    pub(crate) fn new(upstream: S, period: Duration) -> Self {
        Self {
            upstream: Some(upstream),
            period: period.min(FOR_EVER),
            newest: Newest::new(),
            ticked: None,
            due: None,
            timer: Timer::default(),
        }
    }

    /// How many items were left out so far, because another came in the same period.
    pub fn skipped(&self) -> u64 {
        self.newest.skipped()
    }

    /// Gives up the stream for the item that waits, if one does.
    pub fn into_remainder(mut self) -> Option<S::Item> {
        self.newest.take()
    }
}

impl<S: Stream> Stream for SampleEvery<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let ticked = this.ticked.get_or_insert_with(Instant::now);
        let drained = ready!(this.newest.poll_drain(this.upstream, cx));
        if matches!(drained, Drained::Ended) {
            return Poll::Ready(this.newest.take());
        }
        // Nothing to give, and no timer runs.
        if this.newest.is_empty() {
            return Poll::Pending;
        }
        let due = this
            .due
            .get_or_insert_with(|| next_tick(*ticked, *this.period, Instant::now()));
        ready!(this.timer.poll(*due, cx));
        *this.due = None;
        *ticked = last_tick(*ticked, *this.period, Instant::now());
        Poll::Ready(this.newest.take())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.newest.size_hint(self.upstream.as_ref())
    }
}

/// The first tick after `ticked` that is not before `now`.
fn next_tick(ticked: Instant, period: Duration, now: Instant) -> Instant {
    let last = last_tick(ticked, period, now);
    if last == now && last > ticked {
        now
    } else {
        last + period
    }
}

/// The last tick that is not after `now`; they lie whole periods after `ticked`.
fn last_tick(ticked: Instant, period: Duration, now: Instant) -> Instant {
    let since = (now - ticked).as_nanos();
    // A period of nothing has a tick at any time.
    let past = since.checked_rem(period.as_nanos()).unwrap_or(0);
    now - Duration::from_nanos_u128(past)
}

impl<S: Stream> FusedStream for SampleEvery<S> {
    fn is_terminated(&self) -> bool {
        self.upstream.is_none()
    }
}

impl<S: Stream> fmt::Debug for SampleEvery<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SampleEvery")
            .field("period", &self.period)
            .field("skipped", &self.skipped())
            .field("ended", &self.upstream.is_none())
            .finish_non_exhaustive()
    }
}
