//! `Newest`: the last item of an upstream that may give more than are wanted.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::turn::Turn;

/// The item that came last and was not given yet, and how many it has replaced.
pub(crate) struct Newest<T> {
    item: Option<T>,
    skipped: u64,
    /// An item came that nobody has asked about. Kept here, for a panic of the upstream may follow.
    came: bool,
}

/// How the upstream was left.
pub(crate) enum Drained {
    /// It has no more for now, and will wake the task.
    Quiet,
    /// It gave something and may have more, but others must run first. The task is woken.
    Busy,
    /// It is at its end, and dropped.
    Ended,
}

impl<T> Newest<T> {
    pub(crate) fn new() -> Self {
        Self {
            item: None,
            skipped: 0,
            came: false,
        }
    }

    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.item.is_none()
    }

    /// Whether any item came since this was asked.
    pub(crate) fn came(&mut self) -> bool {
        mem::take(&mut self.came)
    }

    pub(crate) fn take(&mut self) -> Option<T> {
        self.item.take()
    }

    /// Takes what is ready, and keeps the last. `Pending` if tokio's budget was spent before:
    /// nothing is known of the upstream then.
    pub(crate) fn poll_drain<S: Stream<Item = T>>(
        &mut self,
        mut upstream: Pin<&mut Option<S>>,
        cx: &mut Context<'_>,
    ) -> Poll<Drained> {
        let mut turn = Turn::default();
        let mut taken = false;
        while let Some(open) = upstream.as_mut().as_pin_mut() {
            if turn.poll_more(cx).is_pending() {
                return if taken {
                    Poll::Ready(Drained::Busy)
                } else {
                    Poll::Pending
                };
            }
            match open.poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    taken = true;
                    turn.came(cx);
                    self.replace(item);
                }
                Poll::Ready(None) => upstream.set(None),
                Poll::Pending => return Poll::Ready(Drained::Quiet),
            }
        }
        Poll::Ready(Drained::Ended)
    }

    fn replace(&mut self, item: T) {
        self.came = true;
        let replaced = self.item.replace(item);
        self.skipped += u64::from(replaced.is_some());
    }

    /// Of the stream that gives the last items: at most all come, and the last of all does.
    pub(crate) fn size_hint<S: Stream>(&self, upstream: Option<&S>) -> (usize, Option<usize>) {
        let held = usize::from(self.item.is_some());
        let (lower, upper) = upstream.map_or((0, Some(0)), S::size_hint);
        (
            lower.max(held).min(1),
            upper.and_then(|upper| upper.checked_add(held)),
        )
    }
}
