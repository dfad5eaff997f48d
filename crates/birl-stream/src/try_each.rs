//! `try_each`: a closure called for every item, up to the first error.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::FusedFuture;
use futures_core::TryStream;
use pin_project_lite::pin_project;

use crate::step::Step;

pin_project! {
    /// The future that [`try_each`](crate::TryFlowExt::try_each) returns.
    ///
    /// Dropping it drops the stream, the closure, and the step that is being awaited.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct TryEach<S, F, Fut, M> {
        // `None` once it is complete.
        #[pin]
        stream: Option<S>,
        f: F,
        #[pin]
        step: Option<Fut>,
        mode: PhantomData<fn() -> M>,
    }
}

impl<S, F, Fut, M> TryEach<S, F, Fut, M> {
    pub(crate) fn new(stream: S, f: F) -> Self {
        Self {
            stream: Some(stream),
            f,
            step: None,
            mode: PhantomData,
        }
    }
}

impl<S, F, R, Fut, M> Future for TryEach<S, F, Fut, M>
where
    S: TryStream,
    F: FnMut(S::Ok) -> R,
    R: Step<Result<(), S::Error>, M, Future = Fut>,
    Fut: Future<Output = Result<(), S::Error>>,
{
    type Output = Result<(), S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let stream = this.stream.as_mut().as_pin_mut();
        let mut stream = stream.expect("`try_each` is not polled after it is complete");
        let result = loop {
            if let Some(step) = this.step.as_mut().as_pin_mut() {
                let result = ready!(step.poll(cx));
                this.step.set(None);
                if result.is_err() {
                    break result;
                }
            }
            match ready!(stream.as_mut().try_poll_next(cx)) {
                Some(Ok(item)) => this.step.set(Some((this.f)(item).into_step())),
                Some(Err(error)) => break Err(error),
                None => break Ok(()),
            }
        };
        this.stream.set(None);
        Poll::Ready(result)
    }
}

impl<S, F, Fut, M> FusedFuture for TryEach<S, F, Fut, M>
where
    Self: Future,
{
    fn is_terminated(&self) -> bool {
        self.stream.is_none()
    }
}

impl<S, F, Fut, M> fmt::Debug for TryEach<S, F, Fut, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryEach")
            .field("complete", &self.stream.is_none())
            .finish_non_exhaustive()
    }
}
