//! For how long inputs that are silent may hold up the others.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::timer::{self, Timer};

pub(super) struct Stall {
    after: Option<Duration>,
    /// While the merge is held up.
    deadline: Option<Instant>,
    timer: Timer,
}

impl Stall {
    pub(super) fn new(after: Option<Duration>) -> Self {
        Self {
            after,
            deadline: None,
            timer: Timer::default(),
        }
    }

    pub(super) fn after(&self) -> Option<Duration> {
        self.after
    }

    /// Ready once the merge has been held up for too long. The first poll begins it.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(after) = self.after else {
            return Poll::Pending;
        };
        let deadline = *self.deadline.get_or_insert_with(|| timer::after(after));
        self.timer.poll(deadline, cx)
    }

    /// The merge goes on.
    pub(super) fn end(&mut self) {
        self.deadline = None;
    }
}
