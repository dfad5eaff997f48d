//! `on_error`: what becomes of a stream's errors.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use futures::stream::FusedStream;
use futures::{FutureExt, TryStream};
use futures_core::Stream;
use pin_project_lite::pin_project;
use tokio::sync::mpsc::{OwnedPermit, Sender, error::SendError, error::TrySendError};
use tokio::task::coop;

/// What [`on_error`](crate::TryFlowExt::on_error) does with an error.
#[derive(Clone, Debug)]
pub enum OnError<E> {
    /// The stream ends, and keeps the error ([`Handled::error`]).
    Stop,
    /// Goes on with the next item.
    Skip {
        /// More errors than this, one after the other, end the stream: an error that lasts must not
        /// keep it running for ever.
        max_in_a_row: usize,
    },
    /// Sends the error, and goes on with the next item. Waits while the channel is full; a closed
    /// one counts the error as skipped.
    DeadLetter {
        /// Where to.
        to: Sender<E>,
        /// As for [`OnError::Skip`].
        max_in_a_row: usize,
    },
}

pin_project! {
    /// The stream that [`on_error`](crate::TryFlowExt::on_error) returns.
    ///
    /// Dropping it drops an error that is waiting for room in the channel.
    #[must_use = "streams do nothing unless polled"]
    pub struct Handled<S: TryStream> {
        // `None` once it has ended.
        #[pin]
        upstream: Option<S>,
        policy: OnError<S::Error>,
        in_a_row: usize,
        skipped: u64,
        // The error that ended it, or one that waits for room.
        error: Option<S::Error>,
        room: Option<Room<S::Error>>,
    }
}

/// Resolves when the channel has room, or is closed.
type Room<E> = BoxFuture<'static, Result<OwnedPermit<E>, SendError<()>>>;

impl<S: TryStream> Handled<S> {
    pub(crate) fn new(upstream: S, policy: OnError<S::Error>) -> Self {
        Self {
            upstream: Some(upstream),
            policy,
            in_a_row: 0,
            skipped: 0,
            error: None,
            room: None,
        }
    }

    /// The error that ended the stream, if one did.
    pub fn error(&self) -> Option<&S::Error> {
        self.error.as_ref().filter(|_| self.upstream.is_none())
    }

    /// Gives up the stream for the error that ended it, if one did.
    pub fn into_error(self) -> Option<S::Error> {
        self.error.filter(|_| self.upstream.is_none())
    }

    /// How many errors were skipped or sent.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

impl<S> Stream for Handled<S>
where
    S: TryStream,
    S::Error: Send + 'static,
{
    type Item = S::Ok;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Ok>> {
        let mut this = self.project();
        loop {
            if let Some(room) = this.room {
                let permit = ready!(room.as_mut().poll(cx));
                *this.room = None;
                if let (Ok(permit), Some(error)) = (permit, this.error.take()) {
                    permit.send(error);
                }
            }
            let Some(upstream) = this.upstream.as_mut().as_pin_mut() else {
                return Poll::Ready(None);
            };
            // An upstream that has nothing but errors must not keep others from running.
            let budget = ready!(coop::poll_proceed(cx));
            let item = ready!(upstream.try_poll_next(cx));
            budget.made_progress();
            let error = match item {
                Some(Ok(item)) => {
                    *this.in_a_row = 0;
                    return Poll::Ready(Some(item));
                }
                Some(Err(error)) => error,
                None => {
                    this.upstream.set(None);
                    return Poll::Ready(None);
                }
            };
            *this.in_a_row += 1;
            let max_in_a_row = match this.policy {
                OnError::Stop => 0,
                OnError::Skip { max_in_a_row } | OnError::DeadLetter { max_in_a_row, .. } => {
                    *max_in_a_row
                }
            };
            if *this.in_a_row > max_in_a_row {
                *this.error = Some(error);
                this.upstream.set(None);
                return Poll::Ready(None);
            }
            *this.skipped += 1;
            if let OnError::DeadLetter { to, .. } = this.policy
                && let Err(TrySendError::Full(error)) = to.try_send(error)
            {
                *this.error = Some(error);
                *this.room = Some(to.clone().reserve_owned().boxed());
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.upstream {
            Some(upstream) => (0, upstream.size_hint().1),
            None => (0, Some(0)),
        }
    }
}

impl<S> FusedStream for Handled<S>
where
    S: TryStream,
    S::Error: Send + 'static,
{
    fn is_terminated(&self) -> bool {
        self.upstream.is_none()
    }
}

impl<S: TryStream> fmt::Debug for Handled<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handled")
            .field("skipped", &self.skipped)
            .field("ended", &self.upstream.is_none())
            .finish_non_exhaustive()
    }
}
