//! `into_stream`: what tokio gives items with, as streams.

mod channels;
mod io;
mod join_set;
mod listeners;
mod time;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::stream::FusedStream;
use futures_core::Stream;
use pin_project_lite::pin_project;

pub use channels::Lagged;

/// What can be turned into a stream: the parts of tokio that give one item after the other, and are
/// no streams themselves.
///
/// No type here is a future or a stream, so that `into_stream()` never means what `futures` calls
/// by that name.
///
/// # Ordering
/// That of the source.
///
/// # Backpressure
/// The source is polled only while the stream is. What it does with items that nobody asks for is
/// its own affair: a bounded channel makes the sender wait, a broadcast channel overwrites.
///
/// # Cancellation
/// A dropped `next()` loses nothing. Dropping the stream drops the source: it closes a channel or
/// a socket, and aborts the tasks of a `JoinSet`. At its end the stream drops it by itself.
///
/// # Errors and panics
/// Each source says what its errors do. Where tokio reports a failure again and again, as reading
/// a directory by lines does, it comes once and ends the stream, so that a loop which skips errors
/// comes to an end, too.
///
/// # Examples
/// ```
/// use birl_stream::prelude::*;
/// use tokio::io::AsyncBufReadExt;
///
/// # #[tokio::main] async fn main() -> std::io::Result<()> {
/// let text: &[u8] = b"one\ntwo\n";
/// let mut lines = text.lines().into_stream();
/// assert_eq!(lines.try_next().await?.as_deref(), Some("one"));
///
/// let (sender, receiver) = tokio::sync::mpsc::channel(8);
/// sender.try_send(1).unwrap();
/// drop(sender);
/// assert_eq!(receiver.into_stream().collect::<Vec<_>>().await, [1]);
/// # Ok(()) }
/// ```
pub trait IntoStream {
    /// What comes out.
    type Item;

    /// The stream that gives it.
    type Stream: Stream<Item = Self::Item>;

    /// Makes a stream of this.
    fn into_stream(self) -> Self::Stream;
}

pin_project! {
    /// The stream that [`into_stream`](IntoStream::into_stream) returns.
    ///
    /// Dropping it drops the source.
    #[must_use = "streams do nothing unless polled"]
    pub struct Items<S> {
        // `None` once it has ended.
        #[pin]
        source: Option<S>,
    }
}

/// What a source has for whoever polls it.
pub enum Next<T> {
    Item(T),
    /// An item, and no other will come.
    Last(T),
    End,
}

/// What `Items` polls.
pub trait Source {
    type Item;

    fn poll_item(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next<Self::Item>>;

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, None)
    }
}

impl<S> Items<S> {
    fn new(source: S) -> Self {
        Self {
            source: Some(source),
        }
    }

    /// The source, until the stream has ended.
    pub fn get_ref(&self) -> Option<&S> {
        self.source.as_ref()
    }

    /// The source, until the stream has ended.
    pub fn get_mut(&mut self) -> Option<&mut S> {
        self.source.as_mut()
    }

    /// Gives up the stream for its source, unless it has ended.
    pub fn into_inner(self) -> Option<S> {
        self.source
    }
}

impl<T> From<Option<T>> for Next<T> {
    fn from(item: Option<T>) -> Self {
        item.map_or(Self::End, Self::Item)
    }
}

impl<S: Source> Stream for Items<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut source = self.project().source;
        let Some(polled) = source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let (item, is_last) = match ready!(polled.poll_item(cx)) {
            Next::Item(item) => (Some(item), false),
            Next::Last(item) => (Some(item), true),
            Next::End => (None, true),
        };
        if is_last {
            source.set(None);
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.source.as_ref().map_or((0, Some(0)), S::size_hint)
    }
}

impl<S: Source> FusedStream for Items<S> {
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S> fmt::Debug for Items<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("ended", &self.source.is_none())
            .finish_non_exhaustive()
    }
}
