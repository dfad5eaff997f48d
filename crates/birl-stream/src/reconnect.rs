//! `reconnect`: a stream that is made anew whenever it is lost.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{FilterMap, FusedStream};
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep};

use crate::backoff::Backoff;

/// The stream that [`reconnect`] returns.
///
/// Dropping it drops the connection, or the attempt to make one.
#[must_use = "streams do nothing unless polled"]
pub struct Reconnect<C, Fut, S> {
    connect: C,
    backoff: Backoff,
    stage: Stage<Fut, S>,
}

enum Stage<Fut, S> {
    Down,
    Waiting(Pin<Box<Sleep>>),
    Connecting(Pin<Box<Fut>>),
    Up {
        connection: Pin<Box<S>>,
        since: Instant,
    },
    Done,
}

/// What a [`Reconnect`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<T, E> {
    /// There is a connection.
    Up,
    /// The connection gave an item.
    Item(T),
    /// The connection is lost, or could not be made.
    Down {
        /// Why; `None` if the connection came to its end.
        error: Option<E>,
        /// When it will be tried again; `None` if it will not, and the stream ends.
        retry_in: Option<Duration>,
    },
}

/// An attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which it is, counted from 1 since the last connection that was healthy.
    pub number: u32,
}

/// Connects, and connects again whenever the connection is lost.
///
/// `connect` makes a connection: a future of a stream of [`Result`]s, a WebSocket's messages for
/// instance. Its end and its first `Err` both mean that it is lost; it is dropped then, and after a
/// delay `connect` is called again. [`Event`]s tell what happens, and [`Reconnect::items`] leaves
/// them out. To answer, [`Reconnect::connection`] lends what `connect` made.
///
/// # Ordering
/// That of the connection; `Up` comes before its items and `Down` after them.
///
/// # Backpressure
/// The connection is polled only while this stream is.
///
/// # Cancellation
/// Connection, attempt and delay belong to the stream, so a dropped `next()` loses nothing. While
/// it is not polled, it neither notices that a connection is lost nor makes a new one: put a
/// [`prefetch`](crate::FlowExt::prefetch) behind it if the consumer may be away for long. Dropping
/// it drops the connection.
///
/// # Errors and panics
/// Each error comes in a [`Event::Down`]. The stream ends only where the [`Backoff`] gives up.
/// Panics of `connect` and of the connection pass through; the stream has ended then. It must be
/// polled inside a tokio runtime with its time driver.
///
/// # Examples
/// ```
/// use birl_stream::prelude::*;
/// use birl_stream::reconnect::{Attempt, Event, reconnect};
/// use birl_stream::{Backoff, iter};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let connect = async |attempt: Attempt| match attempt.number {
///     1 => Err("refused"),
///     _ => Ok(iter([Ok("hello"), Ok("world"), Err("reset")])),
/// };
/// let greetings = reconnect(connect, Backoff::default()).items();
/// assert_eq!(greetings.take(3).collect::<Vec<_>>().await, ["hello", "world", "hello"]);
/// # }
/// ```
pub fn reconnect<C, Fut, S, T, E>(connect: C, backoff: Backoff) -> Reconnect<C, Fut, S>
where
    C: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<S, E>>,
    S: Stream<Item = Result<T, E>>,
{
    Reconnect {
        connect,
        backoff,
        stage: Stage::Down,
    }
}

/// What [`Reconnect::items`] returns.
pub type Items<C, Fut, S, T, E> = FilterMap<
    Reconnect<C, Fut, S>,
    std::future::Ready<Option<T>>,
    fn(Event<T, E>) -> std::future::Ready<Option<T>>,
>;

impl<C, Fut, S> Reconnect<C, Fut, S> {
    /// The connection, while there is one: to send something to the other side.
    ///
    /// What it gives as a stream is this stream's: whoever polls it here takes items away.
    pub fn connection(&mut self) -> Option<Pin<&mut S>> {
        match &mut self.stage {
            Stage::Up { connection, .. } => Some(connection.as_mut()),
            _ => None,
        }
    }
}

impl<C, Fut, S, T, E> Reconnect<C, Fut, S>
where
    C: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<S, E>>,
    S: Stream<Item = Result<T, E>>,
{
    /// The items of all connections alone.
    pub fn items(self) -> Items<C, Fut, S, T, E> {
        self.filter_map(|event| {
            std::future::ready(match event {
                Event::Item(item) => Some(item),
                Event::Up | Event::Down { .. } => None,
            })
        })
    }

    fn down(&mut self, error: Option<E>) -> Event<T, E> {
        let retry_in = self.backoff.fail();
        self.stage = match retry_in {
            Some(delay) => Stage::Waiting(Box::pin(sleep(delay))),
            None => Stage::Done,
        };
        Event::Down { error, retry_in }
    }

    /// Goes on from a stage, which it has taken. `None` means that it has to be gone on from the
    /// next.
    fn poll_stage(
        &mut self,
        stage: Stage<Fut, S>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Event<T, E>>> {
        match stage {
            Stage::Down => {
                let number = self.backoff.attempt();
                self.stage = Stage::Connecting(Box::pin((self.connect)(Attempt { number })));
            }
            Stage::Waiting(mut delay) => {
                let passed = delay.as_mut().poll(cx);
                self.stage = Stage::Waiting(delay);
                ready!(passed);
                self.stage = Stage::Down;
            }
            Stage::Connecting(mut attempt) => match attempt.as_mut().poll(cx) {
                Poll::Pending => {
                    self.stage = Stage::Connecting(attempt);
                    return Poll::Pending;
                }
                Poll::Ready(Ok(connection)) => {
                    self.stage = Stage::Up {
                        connection: Box::pin(connection),
                        since: Instant::now(),
                    };
                    return Poll::Ready(Some(Event::Up));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Some(self.down(Some(error)))),
            },
            Stage::Up {
                mut connection,
                since,
            } => {
                let item = connection.as_mut().poll_next(cx);
                if let Poll::Ready(None | Some(Err(_))) = item {
                    // Gone before anybody hears of it: what it holds may be needed for the next.
                    drop(connection);
                    self.backoff.worked_for(since.elapsed());
                } else {
                    self.stage = Stage::Up { connection, since };
                }
                return Poll::Ready(Some(match ready!(item) {
                    Some(Ok(item)) => Event::Item(item),
                    Some(Err(error)) => self.down(Some(error)),
                    None => self.down(None),
                }));
            }
            Stage::Done => {}
        }
        Poll::Ready(None)
    }
}

/// Nothing is pinned in place: attempt and connection are boxed.
impl<C, Fut, S> Unpin for Reconnect<C, Fut, S> {}

impl<C, Fut, S, T, E> Stream for Reconnect<C, Fut, S>
where
    C: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<S, E>>,
    S: Stream<Item = Result<T, E>>,
{
    type Item = Event<T, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            // Done while it is polled, so that it stays done if a panic goes through.
            let stage = mem::replace(&mut this.stage, Stage::Done);
            if matches!(stage, Stage::Done) {
                return Poll::Ready(None);
            }
            if let Some(event) = ready!(this.poll_stage(stage, cx)) {
                return Poll::Ready(Some(event));
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.stage {
            Stage::Done => (0, Some(0)),
            _ => (0, None),
        }
    }
}

impl<C, Fut, S, T, E> FusedStream for Reconnect<C, Fut, S>
where
    Self: Stream<Item = Event<T, E>>,
{
    fn is_terminated(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }
}

impl<C, Fut, S> fmt::Debug for Reconnect<C, Fut, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Down => "down",
            Stage::Waiting(_) => "waiting",
            Stage::Connecting(_) => "connecting",
            Stage::Up { .. } => "up",
            Stage::Done => "done",
        };
        f.debug_struct("Reconnect")
            .field("backoff", &self.backoff)
            .field("stage", &stage)
            .finish_non_exhaustive()
    }
}
