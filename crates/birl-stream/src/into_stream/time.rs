//! `Interval`.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Interval};

use super::{IntoStream, Items, Next, Source};

/// Gives the instants at which the ticks were due, and never ends. What happens to ticks that
/// nobody asked for in time is for the interval's `MissedTickBehavior` to say.
impl IntoStream for Interval {
    type Item = Instant;
    type Stream = Items<Self>;

    fn into_stream(self) -> Items<Self> {
        Items::new(self)
    }
}

impl Source for Interval {
    type Item = Instant;

    fn poll_item(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next<Instant>> {
        self.poll_tick(cx).map(Next::Item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}
