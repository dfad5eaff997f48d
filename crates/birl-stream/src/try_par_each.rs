//! `try_par_each`: a task for every item, up to the first error.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::FutureExt;
use futures::future::{BoxFuture, FusedFuture};
use futures_core::TryStream;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet, coop};

use crate::failure::resume_task;

/// The future that [`try_par_each`](crate::TryFlowExt::try_par_each) returns.
///
/// Dropping it drops the stream and aborts all tasks, at their next `await`.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct TryParEach<E> {
    stage: Stage<E>,
    /// Tells the driver, by being dropped, that nobody waits for the result any more.
    stop: oneshot::Sender<Infallible>,
}

enum Stage<E> {
    Lazy(BoxFuture<'static, Result<(), E>>),
    Running(JoinHandle<Result<(), E>>),
    Done,
}

impl<E: Send + 'static> TryParEach<E> {
    pub(crate) fn new<S, F, Fut>(stream: S, limit: usize, f: F) -> Self
    where
        S: TryStream<Ok: Send, Error = E> + Send + 'static,
        F: FnMut(S::Ok) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        let driver = Driver {
            stream: Some(Box::pin(stream)),
            limit: limit.max(1),
            f,
            tasks: JoinSet::new(),
        };
        Self {
            stage: Stage::Lazy(driver.run(stopped).boxed()),
            stop,
        }
    }

    /// Stops everything, as dropping does, and waits until the stream is dropped and all tasks have
    /// ended.
    ///
    /// Dropping the returned future ends only the waiting.
    pub async fn shutdown(self) {
        drop(self.stop);
        if let Stage::Running(driver) = self.stage {
            // Nobody is left to tell of an error or a panic.
            let _ = driver.await;
        }
    }
}

/// Nothing is pinned in place: the driver is boxed, and then a task.
impl<E> Unpin for TryParEach<E> {}

impl<E: Send + 'static> Future for TryParEach<E> {
    type Output = Result<(), E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Done while it is polled, so that it stays done if a panic goes through.
        let mut driver = match mem::replace(&mut self.stage, Stage::Done) {
            Stage::Lazy(driver) => tokio::spawn(driver),
            Stage::Running(driver) => driver,
            Stage::Done => panic!("`try_par_each` is not polled after it is complete"),
        };
        let result = driver.poll_unpin(cx);
        if result.is_pending() {
            self.stage = Stage::Running(driver);
        }
        result.map(|result| result.unwrap_or_else(|error| resume_task(error)))
    }
}

impl<E: Send + 'static> FusedFuture for TryParEach<E> {
    fn is_terminated(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }
}

impl<E> fmt::Debug for TryParEach<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Lazy(_) => "lazy",
            Stage::Running(_) => "running",
            Stage::Done => "done",
        };
        f.debug_struct("TryParEach")
            .field("stage", &stage)
            .finish_non_exhaustive()
    }
}

/// Polls the stream and listens to the tasks, in a task of its own.
struct Driver<S, F, E> {
    // `None` once it has ended.
    stream: Option<Pin<Box<S>>>,
    limit: usize,
    f: F,
    tasks: JoinSet<Result<(), E>>,
}

impl<S, F, Fut> Driver<S, F, S::Error>
where
    S: TryStream<Error: Send + 'static>,
    F: FnMut(S::Ok) -> Fut,
    Fut: Future<Output = Result<(), S::Error>> + Send + 'static,
{
    async fn run(mut self, mut stopped: oneshot::Receiver<Infallible>) -> Result<(), S::Error> {
        let run = poll_fn(|cx| match stopped.poll_unpin(cx) {
            // Nobody will see this result.
            Poll::Ready(_) => Poll::Ready(Ok(())),
            Poll::Pending => self.poll(cx),
        });
        let result = AssertUnwindSafe(run).catch_unwind().await;
        drop(self.stream);
        self.tasks.shutdown().await;
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        loop {
            match self.tasks.poll_join_next(cx) {
                Poll::Ready(Some(Ok(Ok(())))) => continue,
                Poll::Ready(Some(Ok(Err(error)))) => return Poll::Ready(Err(error)),
                Poll::Ready(Some(Err(error))) => resume_task(error),
                Poll::Ready(None) if self.stream.is_none() => return Poll::Ready(Ok(())),
                Poll::Ready(None) | Poll::Pending => {}
            }
            let room = self.tasks.len() < self.limit;
            let Some(stream) = self.stream.as_mut().filter(|_| room) else {
                return Poll::Pending;
            };
            // However large the limit, a stream that is always ready must not keep others from
            // running.
            let budget = ready!(coop::poll_proceed(cx));
            let item = ready!(stream.as_mut().try_poll_next(cx));
            budget.made_progress();
            match item {
                Some(Ok(item)) => {
                    self.tasks.spawn((self.f)(item));
                }
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => self.stream = None,
            }
        }
    }
}
