//! Receivers of channels.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::{broadcast, mpsc, watch};

use super::{IntoStream, Items, Next, Source};

/// The consumer of a channel, or of a [shared](crate::FlowExt::share) stream, came so late that this
/// many items were overwritten before it took them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lagged(pub u64);

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} items were overwritten before they were taken",
            self.0
        )
    }
}

impl Error for Lagged {}

/// Ends when all senders are dropped and the channel is empty.
impl<T> IntoStream for mpsc::Receiver<T> {
    type Item = T;
    type Stream = Items<Self>;

    fn into_stream(self) -> Items<Self> {
        Items::new(self)
    }
}

impl<T> Source for mpsc::Receiver<T> {
    type Item = T;

    fn poll_item(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next<T>> {
        self.poll_recv(cx).map(Next::from)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), None)
    }
}

/// Ends when all senders are dropped and the channel is empty.
impl<T> IntoStream for mpsc::UnboundedReceiver<T> {
    type Item = T;
    type Stream = Items<Self>;

    fn into_stream(self) -> Items<Self> {
        Items::new(self)
    }
}

impl<T> Source for mpsc::UnboundedReceiver<T> {
    type Item = T;

    fn poll_item(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next<T>> {
        self.poll_recv(cx).map(Next::from)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), None)
    }
}

/// What was overwritten is told by a [`Lagged`], and the stream goes on with the oldest item that
/// is left. Ends when all senders are dropped and everything has been taken.
impl<T: Clone + Send + 'static> IntoStream for broadcast::Receiver<T> {
    type Item = Result<T, Lagged>;
    type Stream = Items<BoxStream<'static, Self::Item>>;

    fn into_stream(self) -> Self::Stream {
        // The receiver has no poll functions. One box holds the future of whatever item is next.
        let items = stream::unfold(self, async |mut receiver| {
            let item = match receiver.recv().await {
                Ok(item) => Ok(item),
                Err(broadcast::error::RecvError::Lagged(n)) => Err(Lagged(n)),
                Err(broadcast::error::RecvError::Closed) => return None,
            };
            Some((item, receiver))
        });
        Items::new(items.boxed())
    }
}

/// Gives the value that is there at the first poll, even if the receiver has seen it, and then the
/// latest one whenever there is another: values that nobody asked for in time are skipped. Ends
/// when all senders are dropped and the last value was given.
impl<T: Clone + Send + Sync + 'static> IntoStream for watch::Receiver<T> {
    type Item = T;
    type Stream = Items<BoxStream<'static, T>>;

    fn into_stream(mut self) -> Self::Stream {
        self.mark_changed();
        let values = stream::unfold(self, async |mut receiver| {
            receiver.changed().await.ok()?;
            let value = receiver.borrow_and_update().clone();
            Some((value, receiver))
        });
        Items::new(values.boxed())
    }
}

impl<T> Source for BoxStream<'static, T> {
    type Item = T;

    fn poll_item(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next<T>> {
        self.poll_next_unpin(cx).map(Next::from)
    }
}
