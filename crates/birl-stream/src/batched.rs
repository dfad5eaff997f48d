//! `batched`: items in vectors, closed by number, by weight, or by time.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::stream::FusedStream;
use futures_core::Stream;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::timer::{Timer, after};
use crate::turn::Turn;

pin_project! {
    /// The stream that [`batched`](crate::FlowExt::batched) returns.
    ///
    /// Dropping it drops the items of the open batch; [`into_remainder`](Self::into_remainder)
    /// gives them.
    #[must_use = "streams do nothing unless polled"]
    pub struct Batched<S: Stream> {
        // `None` once it has ended.
        #[pin]
        upstream: Option<S>,
        batch: Batch<S::Item>,
    }
}

type Weigh<T> = Box<dyn FnMut(&T) -> usize + Send>;

/// The open batch, and what closes it.
struct Batch<T> {
    items: Vec<T>,
    items_max: usize,
    weight: usize,
    weight_max: usize,
    weigh: Option<Weigh<T>>,
    within: Option<Duration>,
    /// When the time of the open batch has passed.
    due: Option<Instant>,
    timer: Timer,
}

impl<S: Stream> Batched<S> {
    pub(crate) fn new(upstream: S, items_max: usize) -> Self {
        Self {
            upstream: Some(upstream),
            batch: Batch {
                items: Vec::new(),
                items_max,
                weight: 0,
                weight_max: usize::MAX,
                weigh: None,
                within: None,
                due: None,
                timer: Timer::default(),
            },
        }
    }

    /// Also closes a batch that weighs `weight_max`, or that would weigh more with the next item:
    /// only a batch of a single item can be heavier.
    ///
    /// `weigh` is called once for each item, and its unit is that of `weight_max`: bytes, for
    /// instance.
    pub fn weight<F>(mut self, weight_max: usize, weigh: F) -> Self
    where
        F: FnMut(&S::Item) -> usize + Send + 'static,
    {
        self.batch.weight_max = weight_max;
        self.batch.weigh = Some(Box::new(weigh));
        self
    }

    /// Also closes a batch when this time has passed since its first item came.
    ///
    /// Measured by tokio's clock, in whole milliseconds; polling then needs a tokio runtime with
    /// its time driver.
    pub fn within(mut self, within: Duration) -> Self {
        self.batch.within = Some(within);
        self
    }

    /// Gives up the stream for the items that came and were not handed out yet.
    pub fn into_remainder(self) -> Vec<S::Item> {
        self.batch.items
    }
}

impl<S: Stream> Stream for Batched<S> {
    type Item = Vec<S::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        // Before the upstream, for one that is always ready must not keep a batch open.
        if this.batch.is_full() || this.batch.poll_overdue(cx).is_ready() {
            return Poll::Ready(Some(this.batch.close()));
        }
        let mut turn = Turn::default();
        while let Some(upstream) = this.upstream.as_mut().as_pin_mut() {
            ready!(turn.poll_more(cx));
            let Poll::Ready(item) = upstream.poll_next(cx) else {
                // Asked again, for the batch may have been opened just now.
                ready!(this.batch.poll_overdue(cx));
                return Poll::Ready(Some(this.batch.close()));
            };
            match item {
                Some(item) => {
                    turn.came(cx);
                    if let Some(items) = this.batch.push(item) {
                        return Poll::Ready(Some(items));
                    }
                }
                None => this.upstream.set(None),
            }
        }
        let rest = this.batch.close();
        Poll::Ready((!rest.is_empty()).then_some(rest))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.upstream.as_ref().map_or((0, Some(0)), S::size_hint);
        let open = self.batch.items.len();
        let lower = lower
            .saturating_add(open)
            .div_ceil(self.batch.items_max.max(1));
        (lower, upper.and_then(|upper| upper.checked_add(open)))
    }
}

impl<S: Stream> FusedStream for Batched<S> {
    fn is_terminated(&self) -> bool {
        self.upstream.is_none() && self.batch.items.is_empty()
    }
}

impl<S: Stream> fmt::Debug for Batched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batched")
            .field("items_max", &self.batch.items_max)
            .field("weight_max", &self.batch.weight_max)
            .field("within", &self.batch.within)
            .field("open", &self.batch.items.len())
            .finish_non_exhaustive()
    }
}

impl<T> Batch<T> {
    /// Takes an item in; gives the batch that it closes: the one before it, or the one that it
    /// completes.
    fn push(&mut self, item: T) -> Option<Vec<T>> {
        let weight = self.weigh.as_mut().map_or(0, |weigh| weigh(&item));
        let total = self.weight.saturating_add(weight);
        let before = (!self.items.is_empty() && total > self.weight_max).then(|| self.close());
        if self.items.is_empty() {
            self.due = self.within.map(after);
        }
        self.items.push(item);
        self.weight = self.weight.saturating_add(weight);
        // If it is full at once, the next poll sees that.
        before.or_else(|| self.is_full().then(|| self.close()))
    }

    fn is_full(&self) -> bool {
        !self.items.is_empty()
            && (self.items.len() >= self.items_max || self.weight >= self.weight_max)
    }

    fn close(&mut self) -> Vec<T> {
        self.weight = 0;
        mem::take(&mut self.items)
    }

    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.due {
            Some(due) if !self.items.is_empty() => self.timer.poll(due, cx),
            _ => Poll::Pending,
        }
    }
}
