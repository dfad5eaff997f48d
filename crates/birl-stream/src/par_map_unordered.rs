//! `par_map_unordered`: a task for each item, results as they come.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::StreamExt;
use futures::stream::{FusedStream, FuturesUnordered};
use futures_core::Stream;
use tokio::sync::Semaphore;

use crate::failure::resume_task;
use crate::par_map::{Task, tasks};
use crate::prefetch::Prefetch;

/// The stream that [`par_map_unordered`](crate::FlowExt::par_map_unordered) returns.
///
/// Dropping it aborts all its tasks, at their next `await`.
#[must_use = "streams do nothing unless polled"]
pub struct ParMapUnordered<U> {
    limit: usize,
    tasks: Prefetch<Task<U>>,
    /// The tasks that the consumer listens to. No later one can have begun while `limit` of them
    /// run.
    first: FuturesUnordered<Task<U>>,
    failed: bool,
}

impl<U: Send + 'static> ParMapUnordered<U> {
    pub(crate) fn new<S, F, Fut>(upstream: S, limit: usize, f: F) -> Self
    where
        S: Stream<Item: Send> + Send + 'static,
        F: FnMut(S::Item) -> Fut + Send + 'static,
        Fut: Future<Output = U> + Send + 'static,
    {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            limit,
            // With `first`, twice the limit.
            tasks: Prefetch::new(tasks(upstream, limit, f), limit),
            first: FuturesUnordered::new(),
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

    fn poll_tasks(&mut self, cx: &mut Context<'_>) {
        while self.first.len() < self.limit
            && let Poll::Ready(Some(task)) = self.tasks.poll_next_unpin(cx)
        {
            self.first.push(task);
        }
    }
}

impl<U: Send + 'static> Stream for ParMapUnordered<U> {
    type Item = U;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<U>> {
        let this = self.get_mut();
        if this.is_terminated() {
            return Poll::Ready(None);
        }
        // It stays failed if the upstream's panic passes through.
        this.failed = true;
        this.poll_tasks(cx);
        this.failed = false;
        match ready!(this.first.poll_next_unpin(cx)) {
            Some(Ok(output)) => Poll::Ready(Some(output)),
            Some(Err(error)) => {
                this.failed = true;
                resume_task(error)
            }
            None if this.tasks.is_terminated() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl<U: Send + 'static> FusedStream for ParMapUnordered<U> {
    fn is_terminated(&self) -> bool {
        self.failed || (self.first.is_empty() && self.tasks.is_terminated())
    }
}

impl<U> fmt::Debug for ParMapUnordered<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParMapUnordered")
            .field("limit", &self.limit)
            .field("tasks", &self.tasks)
            .finish_non_exhaustive()
    }
}
