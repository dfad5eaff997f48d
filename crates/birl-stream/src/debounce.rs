//! `debounce`: the last item of a burst, once it is over.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::stream::FusedStream;
use futures_core::Stream;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::newest::{Drained, Newest};
use crate::timer::{Timer, after};

pin_project! {
    /// The stream that [`debounce`](crate::FlowExt::debounce) returns.
    ///
    /// Dropping it drops the item that waits; [`into_remainder`](Self::into_remainder) gives it.
    #[must_use = "streams do nothing unless polled"]
    pub struct Debounce<S: Stream> {
        // `None` once it has ended.
        #[pin]
        upstream: Option<S>,
        quiet: Duration,
        newest: Newest<S::Item>,
        // When the item that waits has waited for long enough.
        due: Option<Instant>,
        timer: Timer,
    }
}

impl<S: Stream> Debounce<S> {
    pub(crate) fn new(upstream: S, quiet: Duration) -> Self {
        Self {
            upstream: Some(upstream),
            quiet,
            newest: Newest::new(),
            due: None,
            timer: Timer::default(),
        }
    }

    /// How many items were left out so far, because another came soon after.
    pub fn skipped(&self) -> u64 {
        self.newest.skipped()
    }

    /// Gives up the stream for the item that waits, if one does.
    pub fn into_remainder(mut self) -> Option<S::Item> {
        self.newest.take()
    }
}

impl<S: Stream> Stream for Debounce<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let drained = ready!(this.newest.poll_drain(this.upstream, cx));
        if this.newest.came() {
            *this.due = Some(after(*this.quiet));
        }
        match drained {
            Drained::Ended => return Poll::Ready(this.newest.take()),
            // There may be more right now, and so it is not quiet, for however short a time.
            Drained::Busy => return Poll::Pending,
            Drained::Quiet => {}
        }
        let Some(due) = *this.due else {
            return Poll::Pending;
        };
        ready!(this.timer.poll(due, cx));
        *this.due = None;
        Poll::Ready(this.newest.take())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.newest.size_hint(self.upstream.as_ref())
    }
}

impl<S: Stream> FusedStream for Debounce<S> {
    fn is_terminated(&self) -> bool {
        self.upstream.is_none()
    }
}

impl<S: Stream> fmt::Debug for Debounce<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Debounce")
            .field("quiet", &self.quiet)
            .field("skipped", &self.skipped())
            .field("ended", &self.upstream.is_none())
            .finish_non_exhaustive()
    }
}
