//! `each`: a closure called for every item.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::FusedFuture;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::step::Step;

pin_project! {
    /// The future that [`each`](crate::FlowExt::each) returns.
    ///
    /// Dropping it drops the stream, the closure, and the step that is being awaited.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Each<S, F, Fut, M> {
        // `None` once it is complete.
        #[pin]
        stream: Option<S>,
        f: F,
        #[pin]
        step: Option<Fut>,
        mode: PhantomData<fn() -> M>,
    }
}

impl<S, F, Fut, M> Each<S, F, Fut, M> {
    pub(crate) fn new(stream: S, f: F) -> Self {
        Self {
            stream: Some(stream),
            f,
            step: None,
            mode: PhantomData,
        }
    }
}

impl<S, F, R, Fut, M> Future for Each<S, F, Fut, M>
where
    S: Stream,
    F: FnMut(S::Item) -> R,
    R: Step<(), M, Future = Fut>,
    Fut: Future<Output = ()>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let stream = this.stream.as_mut().as_pin_mut();
        let mut stream = stream.expect("`each` is not polled after it is complete");
        loop {
            if let Some(step) = this.step.as_mut().as_pin_mut() {
                ready!(step.poll(cx));
                this.step.set(None);
            }
            match ready!(stream.as_mut().poll_next(cx)) {
                Some(item) => this.step.set(Some((this.f)(item).into_step())),
                None => break,
            }
        }
        this.stream.set(None);
        Poll::Ready(())
    }
}

impl<S, F, Fut, M> FusedFuture for Each<S, F, Fut, M>
where
    Self: Future,
{
    fn is_terminated(&self) -> bool {
        self.stream.is_none()
    }
}

impl<S, F, Fut, M> fmt::Debug for Each<S, F, Fut, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Each")
            .field("complete", &self.stream.is_none())
            .finish_non_exhaustive()
    }
}
