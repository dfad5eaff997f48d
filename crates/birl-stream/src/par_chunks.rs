//! `par_chunks`: work on blocking threads, handed over by the chunk.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures::StreamExt;
use futures::stream::FusedStream;
use futures_core::Stream;
use tokio::task::coop;

use crate::par_flat_map::{Outlet, ParFlatMap};

/// With two chunks a thread, driver, threads and consumer spend more time falling asleep and waking
/// each other than with work that takes a few nanoseconds an item.
const CHUNKS_PER_THREAD: usize = 8;

/// So many outputs cost one unit of tokio's cooperative budget: each for itself would pay more for
/// the accounting than for the output.
const OUTPUTS_PER_BUDGET: usize = 32;

/// The stream that [`par_chunks`](crate::FlowExt::par_chunks) returns.
///
/// Dropping it stops everything: the upstream is dropped, chunks that have not begun are dropped,
/// and one at work is not waited for.
#[must_use = "streams do nothing unless polled"]
pub struct ParChunks<U> {
    chunks: ParFlatMap<Vec<U>>,
    /// Outputs of the first chunk that the consumer has not asked for yet.
    ready: vec::IntoIter<U>,
}

impl<U: Send + 'static> ParChunks<U> {
    pub(crate) fn new<S, F, I>(upstream: S, limit: usize, size: usize, f: F) -> Self
    where
        S: Stream<Item: Send> + Send + 'static,
        F: Fn(Vec<S::Item>) -> I + Send + Sync + 'static,
        I: IntoIterator<Item = U>,
    {
        let work = move |chunk, outlet: &mut Outlet<Vec<U>>| {
            // Here, for an iterator does its work only while it is asked for items.
            let outputs: Vec<U> = f(chunk).into_iter().collect();
            if !outputs.is_empty() {
                // Closed means that nobody wants them, and this is the end of the job anyway.
                let _ = outlet.send(outputs);
            }
        };
        let chunks = ParFlatMap::new(Chunks::new(upstream, size), limit, work);
        Self {
            chunks: chunks.jobs_max(limit.max(1).saturating_mul(CHUNKS_PER_THREAD)),
            ready: Vec::new().into_iter(),
        }
    }

    /// Lets `chunks_max` chunks lie between the upstream and the consumer instead of eight times the
    /// limit; less than the limit counts as the limit.
    ///
    /// Less means that less is held where items or outputs are large. Once the stream has been
    /// polled, this changes nothing.
    pub fn chunks_max(mut self, chunks_max: usize) -> Self {
        self.chunks = self.chunks.jobs_max(chunks_max);
        self
    }

    /// Stops everything, as dropping does, and waits until the upstream and all chunks at work have
    /// ended and what they own is dropped: one chunk a thread at most, for between chunks a thread
    /// looks whether it should stop. Outputs that have not been taken are lost.
    ///
    /// Dropping the returned future ends only the waiting.
    pub async fn shutdown(self) {
        drop(self.ready);
        self.chunks.shutdown().await;
    }
}

impl<U: Send + 'static> Stream for ParChunks<U> {
    type Item = U;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<U>> {
        loop {
            let budget = match self.ready.len() % OUTPUTS_PER_BUDGET {
                1 => Some(ready!(coop::poll_proceed(cx))),
                _ => None,
            };
            if let Some(output) = self.ready.next() {
                budget.inspect(coop::RestoreOnPending::made_progress);
                return Poll::Ready(Some(output));
            }
            match ready!(self.chunks.poll_next_unpin(cx)) {
                Some(outputs) => self.ready = outputs.into_iter(),
                None => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let ready = self.ready.len();
        (ready, self.is_terminated().then_some(ready))
    }
}

/// Nothing is pinned in place: outputs are moved out.
impl<U> Unpin for ParChunks<U> {}

impl<U: Send + 'static> FusedStream for ParChunks<U> {
    fn is_terminated(&self) -> bool {
        self.chunks.is_terminated()
    }
}

impl<U> fmt::Debug for ParChunks<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParChunks")
            .field("chunks", &self.chunks)
            .field("ready", &self.ready.len())
            .finish_non_exhaustive()
    }
}

/// Items in vectors of up to `size`: what the upstream gives until it is pending, so that no item
/// waits for one that may never come.
struct Chunks<S: Stream> {
    // `None` once it has ended.
    upstream: Option<Pin<Box<S>>>,
    size: usize,
    open: Vec<S::Item>,
    /// The length of the chunk before: likely to be that of the next, too.
    last: usize,
}

impl<S: Stream> Chunks<S> {
    fn new(upstream: S, size: usize) -> Self {
        Self {
            upstream: Some(Box::pin(upstream)),
            size: size.max(1),
            open: Vec::new(),
            last: 0,
        }
    }

    fn push(&mut self, item: S::Item) {
        if self.open.is_empty() {
            self.open.reserve(self.last);
        }
        self.open.push(item);
    }

    fn close(&mut self) -> Option<Vec<S::Item>> {
        self.last = self.open.len();
        let chunk = mem::take(&mut self.open);
        (!chunk.is_empty()).then_some(chunk)
    }
}

/// Nothing is pinned in place: the upstream is boxed.
impl<S: Stream> Unpin for Chunks<S> {}

impl<S: Stream> Stream for Chunks<S> {
    type Item = Vec<S::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let before = this.open.len();
        while this.open.len() < this.size
            && let Some(upstream) = &mut this.upstream
        {
            match upstream.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => this.push(item),
                Poll::Ready(None) => this.upstream = None,
                Poll::Pending if this.open.is_empty() => return Poll::Pending,
                // It may be pending because this task has used up its budget, and not because it
                // has no more: else no chunk would ever be larger than the budget.
                Poll::Pending if this.open.len() > before && !coop::has_budget_remaining() => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending => break,
            }
        }
        Poll::Ready(this.close())
    }
}
