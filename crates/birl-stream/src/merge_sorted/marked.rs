//! A merge that says of each item where it comes from, and whether it comes in time.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::FusedStream;
use futures_core::Stream;

use super::MergeSorted;

/// An item of a merge, with where it comes from and whether it comes in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merged<T> {
    /// The item.
    pub item: T,
    /// The number of its input, counted from 0.
    pub input: usize,
    /// It is out of order: an item with a greater key came before it.
    pub late: bool,
}

/// The stream that [`MergeSorted::marked`] returns.
#[must_use = "streams do nothing unless polled"]
pub struct Marked<T, F, K>(MergeSorted<T, F, K>);

impl<T, F, K> Marked<T, F, K> {
    pub(super) fn new(merge: MergeSorted<T, F, K>) -> Self {
        Self(merge)
    }

    /// The merge.
    pub fn get_ref(&self) -> &MergeSorted<T, F, K> {
        &self.0
    }

    /// The merge, for instance to [add an input](MergeSorted::push).
    pub fn get_mut(&mut self) -> &mut MergeSorted<T, F, K> {
        &mut self.0
    }

    /// Gives up the marks.
    pub fn into_inner(self) -> MergeSorted<T, F, K> {
        self.0
    }
}

impl<T, F, K> Stream for Marked<T, F, K>
where
    T: Send + 'static,
    F: FnMut(&T) -> K,
    K: Ord,
{
    type Item = Merged<T>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Merged<T>>> {
        self.get_mut().0.poll_merged(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T, F, K> FusedStream for Marked<T, F, K>
where
    Self: Stream,
    MergeSorted<T, F, K>: FusedStream,
{
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

impl<T, F, K> fmt::Debug for Marked<T, F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Marked").field(&self.0).finish()
    }
}
