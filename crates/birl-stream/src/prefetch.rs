//! `prefetch`: the upstream runs in a task of its own, a few items ahead.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::StreamExt;
use futures::stream::FusedStream;
use futures_core::Stream;

use crate::buffer::{Buffer, Overflow};

/// The stream that [`prefetch`](crate::FlowExt::prefetch) returns.
///
/// Dropping it aborts the task that polls the upstream, and drops the items that nobody took.
#[must_use = "streams do nothing unless polled"]
pub struct Prefetch<T>(Buffer<T>);

impl<T: Send + 'static> Prefetch<T> {
    pub(crate) fn new<S>(upstream: S, ahead: usize) -> Self
    where
        S: Stream<Item = T> + Send + 'static,
    {
        Self(Buffer::new(upstream, ahead, Overflow::Wait))
    }

    /// Stops the task, as dropping does, and waits until it has ended and the upstream is dropped.
    /// Items that have not been taken are lost.
    ///
    /// Dropping the returned future ends only the waiting.
    pub async fn shutdown(self) {
        self.0.shutdown().await;
    }

    /// As `shutdown`, but gives the items that were waiting.
    pub(crate) async fn stop(self) -> VecDeque<T> {
        self.0.stop().await
    }
}

impl<T: Send + 'static> Stream for Prefetch<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_next_unpin(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T: Send + 'static> FusedStream for Prefetch<T> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

impl<T> fmt::Debug for Prefetch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prefetch").field(&self.0).finish()
    }
}
