//! `par_map`: a task for each item, results in order.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::stream::{self, FusedStream};
use futures::{FutureExt, StreamExt};
use futures_core::Stream;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinHandle};

use crate::failure::resume_task;
use crate::prefetch::Prefetch;

/// The stream that [`par_map`](crate::FlowExt::par_map) returns.
///
/// Dropping it aborts all its tasks, at their next `await`.
#[must_use = "streams do nothing unless polled"]
pub struct ParMap<U> {
    tasks: Prefetch<Task<U>>,
    first: Option<Task<U>>,
    failed: bool,
}

/// A spawned future. Dropping it aborts it.
pub(crate) struct Task<U>(JoinHandle<U>);

impl<U: Send + 'static> ParMap<U> {
    pub(crate) fn new<S, F, Fut>(upstream: S, limit: usize, f: F) -> Self
    where
        S: Stream<Item: Send> + Send + 'static,
        F: FnMut(S::Item) -> Fut + Send + 'static,
        Fut: Future<Output = U> + Send + 'static,
    {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        // With `first`, twice the limit.
        let ahead = limit.saturating_mul(2) - 1;
        Self {
            tasks: Prefetch::new(tasks(upstream, limit, f), ahead),
            first: None,
            failed: false,
        }
    }

    /// Aborts all tasks, as dropping does, and waits until they have ended and what they own is
    /// dropped.
    ///
    /// Dropping the returned future ends only the waiting.
    pub async fn shutdown(self) {
        let waiting = self.tasks.stop().await;
        Task::abort_all(self.first.into_iter().chain(waiting).collect()).await;
    }
}

/// The tasks of a parallel map, in input order and already running: at most `limit` at a time.
pub(crate) fn tasks<S, F, Fut>(
    upstream: S,
    limit: usize,
    f: F,
) -> impl Stream<Item = Task<Fut::Output>>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    let state = (Box::pin(upstream), f, Arc::new(Semaphore::new(limit)));
    stream::unfold(state, async |(mut upstream, mut f, working)| {
        // Before the upstream is polled: an item that was pulled never waits for its turn.
        let permit = Arc::clone(&working).acquire_owned().await.ok()?;
        let work = f(upstream.next().await?);
        let task = tokio::spawn(async move {
            let output = work.await;
            drop(permit);
            output
        });
        Some((Task(task), (upstream, f, working)))
    })
}

impl<U> Task<U> {
    /// Aborts all before it waits for the first, so that they end side by side.
    pub(crate) async fn abort_all(mut tasks: Vec<Self>) {
        for task in &tasks {
            task.0.abort();
        }
        for task in &mut tasks {
            // That it was aborted is no news, and nobody is left to tell of a panic.
            let _ = (&mut task.0).await;
        }
    }
}

impl<U> Future for Task<U> {
    type Output = Result<U, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(cx)
    }
}

impl<U> Drop for Task<U> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<U: Send + 'static> Stream for ParMap<U> {
    type Item = U;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<U>> {
        let this = self.get_mut();
        if this.is_terminated() {
            return Poll::Ready(None);
        }
        if this.first.is_none() {
            this.first = ready!(this.tasks.poll_next_unpin(cx));
        }
        let Some(task) = &mut this.first else {
            return Poll::Ready(None);
        };
        let output = ready!(task.poll_unpin(cx));
        this.first = None;
        Poll::Ready(Some(output.unwrap_or_else(|error| {
            this.failed = true;
            resume_task(error)
        })))
    }
}

impl<U: Send + 'static> FusedStream for ParMap<U> {
    fn is_terminated(&self) -> bool {
        self.failed || (self.first.is_none() && self.tasks.is_terminated())
    }
}

impl<U> fmt::Debug for ParMap<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParMap")
            .field("tasks", &self.tasks)
            .finish_non_exhaustive()
    }
}
