//! `iter`: an iterator as a stream that lets others run.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::stream::FusedStream;
use futures_core::Stream;
use tokio::task::coop;

/// The stream that [`iter`] returns.
#[derive(Clone, Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Iter<I> {
    items: I,
    done: bool,
}

/// A stream of an iterator's items, always ready, that spends tokio's cooperative budget.
///
/// So a task that works through a long one yields now and then, and a timeout around it fires,
/// which it never does around `futures::stream::iter`. It costs some nanoseconds an item. Outside
/// tokio it is the same as that one. For an iterator that blocks there is
/// [`blocking_iter`](crate::blocking_iter).
///
/// # Ordering
/// The iterator's.
///
/// # Backpressure
/// Each poll takes one item.
///
/// # Cancellation
/// Holds nothing but the iterator.
///
/// # Errors and panics
/// A panic in the iterator passes through.
///
/// # Examples
/// ```
/// use birl_stream::prelude::*;
/// use std::time::Duration;
///
/// # #[tokio::main] async fn main() {
/// let endless = birl_stream::iter(0..).for_each(async |_| {});
/// let run = tokio::time::timeout(Duration::from_millis(1), endless).await;
/// assert!(run.is_err());
/// # }
/// ```
pub fn iter<I: IntoIterator>(items: I) -> Iter<I::IntoIter> {
    Iter {
        items: items.into_iter(),
        done: false,
    }
}

/// Nothing is pinned in place: an iterator does not care where it is.
impl<I> Unpin for Iter<I> {}

impl<I: Iterator> Stream for Iter<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<I::Item>> {
        if self.done {
            return Poll::Ready(None);
        }
        let budget = ready!(coop::poll_proceed(cx));
        let item = self.items.next();
        self.done = item.is_none();
        budget.made_progress();
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.done {
            (0, Some(0))
        } else {
            self.items.size_hint()
        }
    }
}

impl<I: Iterator> FusedStream for Iter<I> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}
