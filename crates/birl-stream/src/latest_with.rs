//! `latest_with`: each item together with the latest one of another stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::stream::FusedStream;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::turn::Turn;

pin_project! {
    /// The stream that [`latest_with`](crate::FlowExt::latest_with) returns.
    ///
    /// Dropping it drops both upstreams.
    #[must_use = "streams do nothing unless polled"]
    pub struct LatestWith<S, O: Stream> {
        // `None` once it has ended.
        #[pin]
        upstream: Option<S>,
        // `None` once it has ended, or is of no more use.
        #[pin]
        other: Option<O>,
        latest: Option<O::Item>,
    }
}

impl<S, O: Stream> LatestWith<S, O> {
    pub(crate) fn new(upstream: S, other: O) -> Self {
        Self {
            upstream: Some(upstream),
            other: Some(other),
            latest: None,
        }
    }

    /// Takes all that the other stream has to give now; pending if its turn ends before that.
    fn poll_latest(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let mut turn = Turn::default();
        while let Some(other) = this.other.as_mut().as_pin_mut() {
            ready!(turn.poll_more(cx));
            match other.poll_next(cx) {
                Poll::Pending => break,
                Poll::Ready(Some(item)) => {
                    turn.came(cx);
                    *this.latest = Some(item);
                }
                Poll::Ready(None) => this.other.set(None),
            }
        }
        Poll::Ready(())
    }
}

impl<S, O> Stream for LatestWith<S, O>
where
    S: Stream,
    O: Stream<Item: Clone>,
{
    type Item = (S::Item, Option<O::Item>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // First, so that an item goes with what is the latest at the time when it is taken.
        ready!(self.as_mut().poll_latest(cx));
        let mut this = self.project();
        let Some(upstream) = this.upstream.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let item = ready!(upstream.poll_next(cx));
        if item.is_none() {
            this.upstream.set(None);
            this.other.set(None);
        }
        Poll::Ready(item.map(|item| (item, this.latest.clone())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.upstream.as_ref().map_or((0, Some(0)), S::size_hint)
    }
}

impl<S, O> FusedStream for LatestWith<S, O>
where
    S: Stream,
    O: Stream<Item: Clone>,
{
    fn is_terminated(&self) -> bool {
        self.upstream.is_none()
    }
}

impl<S, O: Stream> fmt::Debug for LatestWith<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LatestWith")
            .field("ended", &self.upstream.is_none())
            .field("other_ended", &self.other.is_none())
            .finish_non_exhaustive()
    }
}
