//! `share`: one upstream, and any number of consumers that get each of its items.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

use futures::StreamExt;
use futures::stream::{BoxStream, FusedStream};
use futures_core::Stream;
use tokio::task::{JoinHandle, coop};

use crate::Lagged;
use crate::failure::{resume, supervised};
use crate::hub::{Consumer, Hub, Taken};
use crate::lag::{self, Lag};

/// The stream that [`share`](crate::FlowExt::share) returns: one of its consumers.
///
/// Cloning it gives another one, which starts at the next item that comes. Dropping it gives up
/// what it has not taken; dropping the last one aborts the task that polls the upstream.
#[must_use = "streams do nothing unless polled"]
pub struct Shared<T, L = lag::Wait> {
    consumer: Consumer<T>,
    run: Arc<Run<T>>,
    started: bool,
    done: bool,
    lag: PhantomData<L>,
}

/// The upstream until the first poll, and then the task that polls it. Dropping it, as the last
/// consumer does, aborts the task.
struct Run<T> {
    upstream: Mutex<Option<BoxStream<'static, T>>>,
    task: OnceLock<JoinHandle<()>>,
}

impl<T: Send + 'static, L: Lag> Shared<T, L> {
    /// `_lag` gives the type its name, and is no more than that.
    pub(crate) fn new<S>(upstream: S, capacity: usize, _lag: L) -> Self
    where
        S: Stream<Item = T> + Send + 'static,
    {
        Self {
            consumer: Consumer::first(capacity, L::WAITS),
            run: Arc::new(Run {
                upstream: Mutex::new(Some(upstream.boxed())),
                task: OnceLock::new(),
            }),
            started: false,
            done: false,
            lag: PhantomData,
        }
    }
}

impl<T, L> Shared<T, L> {
    /// Gives up this consumer, as dropping does. If it was the last one, also waits until the task
    /// has ended and the upstream is dropped; else it is for the others to stop it.
    ///
    /// Dropping the returned future ends only the waiting.
    pub async fn shutdown(self) {
        drop(self.consumer);
        // Of several who come at the same time, one is the last.
        if let Some(run) = Arc::into_inner(self.run) {
            run.stop().await;
        }
    }
}

impl<T> Run<T> {
    async fn stop(mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            // That it was aborted is no news, and nobody is left to tell of a panic.
            let _ = task.await;
        }
    }

    fn upstream(&self) -> MutexGuard<'_, Option<BoxStream<'static, T>>> {
        self.upstream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + 'static> Run<T> {
    fn start(&self, hub: &Arc<Hub<T>>) {
        let upstream = self.upstream().take();
        if let Some(upstream) = upstream {
            let (fed, ended) = (Arc::clone(hub), Arc::clone(hub));
            // If spawning panics, that is an end, too, and no other consumer will wait.
            let work = supervised(pump(upstream, fed), move |end| ended.end(end));
            let task = tokio::spawn(work);
            self.task.set(task).expect("the upstream is taken once");
        }
    }
}

impl<T> Drop for Run<T> {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

async fn pump<T>(mut upstream: BoxStream<'static, T>, hub: Arc<Hub<T>>) {
    loop {
        std::future::poll_fn(|cx| hub.poll_room(cx)).await;
        let Some(item) = upstream.next().await else {
            return;
        };
        if !hub.push(item) {
            return;
        }
        // An upstream that is always ready must not keep its consumers from running.
        coop::consume_budget().await;
    }
}

/// Nothing is pinned in place: the upstream is boxed.
impl<T, L> Unpin for Shared<T, L> {}

impl<T, L> Stream for Shared<T, L>
where
    T: Clone + Send + 'static,
    L: Lag,
{
    type Item = L::Item<T>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.done {
            return Poll::Ready(None);
        }
        // Done while it is polled, so that it stays done if a panic goes through.
        this.done = true;
        let item = this.poll_item(cx);
        this.done = matches!(item, Poll::Ready(None));
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.done {
            return (0, Some(0));
        }
        if let Some(upstream) = &*self.run.upstream() {
            let (least, most) = upstream.size_hint();
            return (if L::WAITS { least } else { 0 }, most);
        }
        let (waiting, is_all) = self.consumer.waiting();
        (waiting, is_all.then_some(waiting))
    }
}

impl<T, L> Shared<T, L>
where
    T: Clone + Send + 'static,
    L: Lag,
{
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<L::Item<T>>> {
        let budget = ready!(coop::poll_proceed(cx));
        if !mem::replace(&mut self.started, true) {
            self.run.start(self.consumer.hub());
        }
        let taken = ready!(self.consumer.poll_take(cx));
        budget.made_progress();
        Poll::Ready(match taken {
            Taken::Item(item) => Some(L::item(Ok(item))),
            Taken::Lagged(items) => Some(L::item(Err(Lagged(items)))),
            Taken::End => None,
            Taken::Failed(panic) => resume(panic),
        })
    }
}

impl<T, L> FusedStream for Shared<T, L>
where
    T: Clone + Send + 'static,
    L: Lag,
{
    fn is_terminated(&self) -> bool {
        self.done
    }
}

/// Another consumer, which starts at the next item that comes.
impl<T, L> Clone for Shared<T, L> {
    fn clone(&self) -> Self {
        Self {
            consumer: self.consumer.clone(),
            run: Arc::clone(&self.run),
            started: self.started,
            done: false,
            lag: PhantomData,
        }
    }
}

impl<T, L> fmt::Debug for Shared<T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("waiting", &self.consumer.waiting().0)
            .field("started", &self.started)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
