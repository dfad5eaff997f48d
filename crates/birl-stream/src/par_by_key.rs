//! `par_by_key`: items of a key one after the other, of different keys at the same time.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::fmt;
use std::hash::Hash;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::stream::FusedStream;
use futures::{FutureExt, StreamExt};
use futures_core::Stream;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, coop};

use crate::failure::resume_task;
use crate::par_flat_map::Alive;
use crate::prefetch::Prefetch;

/// The stream that [`par_by_key`](crate::FlowExt::par_by_key) returns.
///
/// Dropping it aborts all its tasks, at their next `await`, and drops the items that wait.
#[must_use = "streams do nothing unless polled"]
pub struct ParByKey<U> {
    results: Prefetch<U>,
    alive: mpsc::Receiver<Infallible>,
}

impl<U: Send + 'static> ParByKey<U> {
    pub(crate) fn new<S, G, K, F, Fut>(upstream: S, limit: usize, key: G, f: F) -> Self
    where
        S: Stream<Item: Send> + Send + 'static,
        G: FnMut(&S::Item) -> K + Send + 'static,
        K: Hash + Eq + Clone + Send + 'static,
        F: FnMut(S::Item) -> Fut + Send + 'static,
        Fut: Future<Output = U> + Send + 'static,
    {
        let limit = limit.max(1);
        let (all_alive, alive) = mpsc::channel(1);
        let work = ByKey {
            upstream: Some(Box::pin(upstream)),
            limit,
            key,
            f,
            in_work: 0,
            waiting: HashMap::new(),
            tasks: JoinSet::new(),
            alive: all_alive,
        };
        Self {
            results: Prefetch::new(work, limit),
            alive,
        }
    }

    /// Aborts all tasks, as dropping does, and waits until they have ended and what they own is
    /// dropped.
    ///
    /// Dropping the returned future ends only the waiting.
    pub async fn shutdown(mut self) {
        self.results.shutdown().await;
        while self.alive.recv().await.is_some() {}
    }
}

impl<U: Send + 'static> Stream for ParByKey<U> {
    type Item = U;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<U>> {
        self.results.poll_next_unpin(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.results.size_hint()
    }
}

impl<U: Send + 'static> FusedStream for ParByKey<U> {
    fn is_terminated(&self) -> bool {
        self.results.is_terminated()
    }
}

impl<U> fmt::Debug for ParByKey<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParByKey")
            .field("results", &self.results)
            .finish_non_exhaustive()
    }
}

/// The results, as they come. It is polled by the task that fetches them.
struct ByKey<S: Stream, G, K, F, U> {
    // `None` once it has ended.
    upstream: Option<Pin<Box<S>>>,
    limit: usize,
    key: G,
    f: F,
    /// Items that have been pulled and whose results have not been given.
    in_work: usize,
    /// For each key that has a task, the items that come after that one's.
    waiting: HashMap<K, VecDeque<S::Item>>,
    tasks: JoinSet<Done<K, U>>,
    alive: Alive,
}

/// What a task comes to. Fields are dropped in this order: `alive` last.
struct Done<K, U> {
    output: U,
    key: K,
    _alive: Alive,
}

impl<S, G, K, F, Fut> ByKey<S, G, K, F, Fut::Output>
where
    S: Stream,
    G: FnMut(&S::Item) -> K,
    K: Hash + Eq + Clone + Send + 'static,
    F: FnMut(S::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    fn admit(&mut self, item: S::Item) {
        self.in_work += 1;
        match self.waiting.entry((self.key)(&item)) {
            Entry::Occupied(mut busy) => busy.get_mut().push_back(item),
            Entry::Vacant(idle) => {
                let key = idle.key().clone();
                idle.insert(VecDeque::new());
                self.start(key, item);
            }
        }
    }

    fn start(&mut self, key: K, item: S::Item) {
        let alive = self.alive.clone();
        // `map` drops the work before the closure, and so before `alive`.
        self.tasks.spawn((self.f)(item).map(move |output| Done {
            output,
            key,
            _alive: alive,
        }));
    }

    /// An item of this key is done: the next one's turn, or the key is forgotten.
    fn finish(&mut self, key: K) {
        self.in_work -= 1;
        match self.waiting.get_mut(&key).and_then(VecDeque::pop_front) {
            Some(next) => self.start(key, next),
            None => {
                self.waiting.remove(&key);
            }
        }
    }
}

/// Nothing is pinned in place: the upstream is boxed.
impl<S: Stream, G, K, F, U> Unpin for ByKey<S, G, K, F, U> {}

impl<S, G, K, F, Fut> Stream for ByKey<S, G, K, F, Fut::Output>
where
    S: Stream,
    G: FnMut(&S::Item) -> K,
    K: Hash + Eq + Clone + Send + 'static,
    F: FnMut(S::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    type Item = Fut::Output;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match this.tasks.poll_join_next(cx) {
                Poll::Ready(Some(Ok(done))) => {
                    this.finish(done.key);
                    return Poll::Ready(Some(done.output));
                }
                Poll::Ready(Some(Err(error))) => resume_task(error),
                Poll::Ready(None) if this.upstream.is_none() => return Poll::Ready(None),
                Poll::Ready(None) | Poll::Pending => {}
            }
            let Some(upstream) = &mut this.upstream else {
                return Poll::Pending;
            };
            if this.in_work == this.limit {
                return Poll::Pending;
            }
            // However large the limit, an upstream that is always ready must not keep others from
            // running.
            let budget = ready!(coop::poll_proceed(cx));
            let item = ready!(upstream.as_mut().poll_next(cx));
            budget.made_progress();
            match item {
                Some(item) => this.admit(item),
                None => this.upstream = None,
            }
        }
    }
}
