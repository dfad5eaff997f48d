//! `idle_timeout`: no waiting for ever.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::stream::FusedStream;
use futures_core::Stream;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::timer::{Timer, after};
use crate::turn::poll_budget;

/// Nothing came for too long: the last item of [`idle_timeout`](crate::FlowExt::idle_timeout).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Idle {
    limit: Duration,
}

impl Idle {
    /// For how long nothing came: the limit that was given.
    pub fn limit(&self) -> Duration {
        self.limit
    }
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing came for {:?}", self.limit)
    }
}

impl Error for Idle {}

pin_project! {
    /// The stream that [`idle_timeout`](crate::FlowExt::idle_timeout) returns.
    #[must_use = "streams do nothing unless polled"]
    pub struct IdleTimeout<S> {
        // `None` once it has ended, or nothing came for too long.
        #[pin]
        upstream: Option<S>,
        limit: Duration,
        // When patience ends, while the upstream is being waited for.
        due: Option<Instant>,
        timer: Timer,
    }
}

impl<S> IdleTimeout<S> {
    pub(crate) fn new(upstream: S, limit: Duration) -> Self {
        Self {
            upstream: Some(upstream),
            limit,
            due: None,
            timer: Timer::default(),
        }
    }
}

impl<S: Stream> Stream for IdleTimeout<S> {
    type Item = Result<S::Item, Idle>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(upstream) = this.upstream.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        ready!(poll_budget(cx));
        if let Poll::Ready(item) = upstream.poll_next(cx) {
            *this.due = None;
            if item.is_none() {
                this.upstream.set(None);
            }
            return Poll::Ready(item.map(Ok));
        }
        let limit = *this.limit;
        let due = *this.due.get_or_insert_with(|| after(limit));
        ready!(this.timer.poll(due, cx));
        this.upstream.set(None);
        Poll::Ready(Some(Err(Idle { limit })))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let Some(upstream) = &self.upstream else {
            return (0, Some(0));
        };
        let (lower, upper) = upstream.size_hint();
        // It may be idle at any time: before all items, and after all of them, before the end.
        (lower.min(1), upper.and_then(|upper| upper.checked_add(1)))
    }
}

impl<S: Stream> FusedStream for IdleTimeout<S> {
    fn is_terminated(&self) -> bool {
        self.upstream.is_none()
    }
}

impl<S> fmt::Debug for IdleTimeout<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdleTimeout")
            .field("limit", &self.limit)
            .field("ended", &self.upstream.is_none())
            .finish_non_exhaustive()
    }
}
