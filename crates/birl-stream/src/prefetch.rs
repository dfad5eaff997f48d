//! `prefetch`: the upstream runs in a task of its own, a few items ahead.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::StreamExt;
use futures::stream::{BoxStream, FusedStream};
use futures_core::Stream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::failure::resume_task;

/// The stream that [`prefetch`](crate::FlowExt::prefetch) returns.
///
/// Dropping it aborts the task that polls the upstream, and drops the items that nobody took.
#[must_use = "streams do nothing unless polled"]
pub struct Prefetch<T>(Stage<T>);

enum Stage<T> {
    Lazy {
        upstream: BoxStream<'static, T>,
        ahead: usize,
    },
    Running(Feed<T>),
    Done,
}

/// A task that feeds a channel, and the channel's other end. Dropping it aborts the task.
struct Feed<T> {
    items: mpsc::Receiver<T>,
    task: JoinHandle<()>,
}

impl<T: Send + 'static> Prefetch<T> {
    pub(crate) fn new<S>(upstream: S, ahead: usize) -> Self
    where
        S: Stream<Item = T> + Send + 'static,
    {
        Self(Stage::Lazy {
            upstream: upstream.boxed(),
            ahead: ahead.clamp(1, Semaphore::MAX_PERMITS),
        })
    }

    /// Stops the task, as dropping does, and waits until it has ended and the upstream is dropped.
    /// Items that have not been taken are lost.
    ///
    /// Dropping the returned future ends only the waiting.
    pub async fn shutdown(self) {
        drop(self.stop().await);
    }

    /// As `shutdown`, but gives what was waiting in the channel.
    pub(crate) async fn stop(mut self) -> Vec<T> {
        let Stage::Running(feed) = &mut self.0 else {
            return Vec::new();
        };
        feed.task.abort();
        // That it was aborted is no news, and nobody is left to tell of a panic.
        let _ = (&mut feed.task).await;
        std::iter::from_fn(|| feed.items.try_recv().ok()).collect()
    }
}

impl<T: Send + 'static> Feed<T> {
    fn start(upstream: BoxStream<'static, T>, ahead: usize) -> Self {
        let (room, items) = mpsc::channel(ahead);
        let task = tokio::spawn(feed(upstream, room));
        Self { items, task }
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if let Some(item) = ready!(self.items.poll_recv(cx)) {
            return Poll::Ready(Some(item));
        }
        match ready!(Pin::new(&mut self.task).poll(cx)) {
            Ok(()) => Poll::Ready(None),
            Err(error) => resume_task(error),
        }
    }
}

impl<T> Drop for Feed<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn feed<T>(mut upstream: BoxStream<'static, T>, room: mpsc::Sender<T>) {
    // Room first: an item that was pulled must never wait here for somebody to take it.
    while let Ok(permit) = room.reserve().await {
        let Some(item) = upstream.next().await else {
            return;
        };
        permit.send(item);
    }
}

/// Nothing is pinned in place: the upstream is boxed.
impl<T> Unpin for Prefetch<T> {}

impl<T: Send + 'static> Stream for Prefetch<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let stage = &mut self.get_mut().0;
        // Done while it is polled, so that it stays done if a panic goes through.
        let mut feed = match std::mem::replace(stage, Stage::Done) {
            Stage::Lazy { upstream, ahead } => Feed::start(upstream, ahead),
            Stage::Running(feed) => feed,
            Stage::Done => return Poll::Ready(None),
        };
        let item = feed.poll_item(cx);
        if !matches!(item, Poll::Ready(None)) {
            *stage = Stage::Running(feed);
        }
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Stage::Lazy { upstream, .. } => upstream.size_hint(),
            Stage::Running(feed) => (feed.items.len(), None),
            Stage::Done => (0, Some(0)),
        }
    }
}

impl<T: Send + 'static> FusedStream for Prefetch<T> {
    fn is_terminated(&self) -> bool {
        matches!(self.0, Stage::Done)
    }
}

impl<T> fmt::Debug for Prefetch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.0 {
            Stage::Lazy { .. } => "lazy",
            Stage::Running(_) => "running",
            Stage::Done => "done",
        };
        f.debug_tuple("Prefetch").field(&stage).finish()
    }
}
