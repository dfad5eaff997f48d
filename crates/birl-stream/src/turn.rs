//! `Turn`: how much one poll may take from an upstream that is always ready.

use std::task::{Context, Poll, ready};

use tokio::task::coop;

/// More than tokio's budget, so that it counts only where that does not: under another executor, or
/// in `unconstrained`.
const ITEMS_MAX: u32 = 1024;

/// The work of one poll, for an adapter that takes several items in it.
#[derive(Default)]
pub(crate) struct Turn {
    items: u32,
}

impl Turn {
    /// Whether one more item may be asked for. `Pending` says that others must run first; the task
    /// has been woken, or will be.
    pub(crate) fn poll_more(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.items == ITEMS_MAX {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        poll_budget(cx)
    }

    /// An item came: spends tokio's budget, for the upstream may not have done it.
    pub(crate) fn came(&mut self, cx: &mut Context<'_>) {
        self.items += 1;
        if let Poll::Ready(budget) = coop::poll_proceed(cx) {
            budget.made_progress();
        }
    }
}

/// Whether any of tokio's budget is left, without spending it. Of an upstream that is silent for
/// want of it nothing is known. `Pending` says that the task will be woken.
pub(crate) fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    drop(ready!(coop::poll_proceed(cx)));
    Poll::Ready(())
}
