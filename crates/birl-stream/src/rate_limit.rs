//! `rate_limit`: items no faster than a rate allows.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::FusedStream;
use futures_core::Stream;
use pin_project_lite::pin_project;
use tokio::task::coop;
use tokio::time::Instant;

use crate::timer::{FOR_EVER, Timer};

/// How late tokio's timer may be without the rate suffering from it. It fires at whole
/// milliseconds, and the task runs some time after.
const LATE_MAX: Duration = Duration::from_millis(5);

/// How many items may pass in which time, for [`rate_limit`](crate::FlowExt::rate_limit).
///
/// They pass evenly: of `Rate::per_minute(60)` one each second. [`Rate::burst`] says how many may
/// pass at once after a time in which none came.
///
/// # Examples
/// ```
/// use birl_stream::Rate;
/// use std::time::Duration;
///
/// let three_in_ten_seconds = Rate::per(Duration::from_secs(10), 3);
/// let a_thousand_at_once = Rate::per_hour(1000).burst(1000);
/// # assert_ne!(three_in_ten_seconds, a_thousand_at_once);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    items: u32,
    period: Duration,
    burst: u32,
}

impl Rate {
    /// So many items a second; 0 counts as 1.
    pub fn per_second(items: u32) -> Self {
        Self::per(Duration::from_secs(1), items)
    }

    /// So many items a minute; 0 counts as 1.
    pub fn per_minute(items: u32) -> Self {
        Self::per(Duration::from_secs(60), items)
    }

    /// So many items an hour; 0 counts as 1.
    pub fn per_hour(items: u32) -> Self {
        Self::per(Duration::from_secs(60 * 60), items)
    }

    /// So many items, 0 counting as 1, in each period. A period of nothing is no limit, and one of
    /// more than thirty years counts as thirty.
    pub fn per(period: Duration, items: u32) -> Self {
        Self {
            items: items.max(1),
            period: period.min(FOR_EVER),
            burst: 1,
        }
    }

    /// So many items may pass at once if none came for long enough; 0 counts as 1, which is what
    /// holds without this.
    pub fn burst(mut self, items: u32) -> Self {
        self.burst = items.max(1);
        self
    }
}

pin_project! {
    /// The stream that [`rate_limit`](crate::FlowExt::rate_limit) returns.
    ///
    /// Dropping it drops the item that waits; [`into_remainder`](Self::into_remainder) gives it.
    #[must_use = "streams do nothing unless polled"]
    pub struct RateLimit<S: Stream> {
        // `None` once it has ended.
        #[pin]
        upstream: Option<S>,
        waiting: Option<S::Item>,
        bucket: Bucket,
        timer: Timer,
    }
}

/// A token bucket, as the time at which it would be full. (As an algorithm of ATM's it is known as
/// GCRA, in the form of virtual scheduling: ITU-T I.371, annex A.)
///
/// Times are counted since the first item, in nanoseconds times `rate.items`: so one token is worth
/// as many of these as the period has nanoseconds, and nothing is ever rounded.
struct Bucket {
    rate: Rate,
    start: Option<Instant>,
    full_at: u128,
    /// Items have waited without a break: what a late timer cost them is theirs.
    is_behind: bool,
}

impl<S: Stream> RateLimit<S> {
    pub(crate) fn new(upstream: S, rate: Rate) -> Self {
        Self {
            upstream: Some(upstream),
            waiting: None,
            bucket: Bucket {
                rate,
                start: None,
                full_at: 0,
                is_behind: false,
            },
            timer: Timer::default(),
        }
    }

    /// Gives up the stream for the item that waits, if one does.
    pub fn into_remainder(self) -> Option<S::Item> {
        self.waiting
    }
}

impl<S: Stream> Stream for RateLimit<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        if this.waiting.is_none()
            && let Some(upstream) = this.upstream.as_mut().as_pin_mut()
        {
            let Poll::Ready(item) = upstream.poll_next(cx) else {
                // One that is silent for want of tokio's budget may have more.
                this.bucket.is_behind &= !coop::has_budget_remaining();
                return Poll::Pending;
            };
            if item.is_none() {
                this.upstream.set(None);
            }
            *this.waiting = item;
        }
        if this.waiting.is_some() {
            let due = this.bucket.due();
            if this.timer.poll(due, cx).is_pending() {
                this.bucket.is_behind = true;
                return Poll::Pending;
            }
            this.bucket.take();
        }
        Poll::Ready(this.waiting.take())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let waiting = usize::from(self.waiting.is_some());
        let (lower, upper) = self.upstream.as_ref().map_or((0, Some(0)), S::size_hint);
        (
            lower.saturating_add(waiting),
            upper.and_then(|upper| upper.checked_add(waiting)),
        )
    }
}

impl Bucket {
    /// When there is a token.
    fn due(&mut self) -> Instant {
        let start = *self.start.get_or_insert_with(Instant::now);
        let reserve = self.token() * u128::from(self.rate.burst - 1);
        let due = self.full_at.saturating_sub(reserve);
        start + Duration::from_nanos_u128(due.div_ceil(u128::from(self.rate.items)))
    }

    /// Takes a token, after one was due.
    fn take(&mut self) {
        let since_start = self.start.map_or(Duration::ZERO, |start| start.elapsed());
        // A full bucket has run over until now, but for what those are owed who waited for a late
        // timer.
        let late = if self.is_behind {
            LATE_MAX
        } else {
            Duration::ZERO
        };
        let idle_until = self.scaled(since_start.saturating_sub(late));
        self.full_at = self.full_at.max(idle_until) + self.token();
    }

    fn token(&self) -> u128 {
        self.rate.period.as_nanos()
    }

    fn scaled(&self, time: Duration) -> u128 {
        time.as_nanos() * u128::from(self.rate.items)
    }
}

impl<S: Stream> FusedStream for RateLimit<S> {
    fn is_terminated(&self) -> bool {
        self.upstream.is_none()
    }
}

impl<S: Stream> fmt::Debug for RateLimit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("rate", &self.bucket.rate)
            .field("ended", &self.upstream.is_none())
            .finish_non_exhaustive()
    }
}
