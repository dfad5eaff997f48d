//! Listeners.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{Sleep, sleep};

use super::{IntoStream, Items, Next, Source};

/// How long no connection is accepted after an error.
const PAUSE: Duration = Duration::from_millis(100);

/// Gives the connections, each with the address of the other side, and never ends. After an error
/// that is not a single connection's, such as having no file descriptor left, it waits for 100 ms.
impl IntoStream for TcpListener {
    type Item = io::Result<(TcpStream, std::net::SocketAddr)>;
    type Stream = Items<Accepting<Self>>;

    fn into_stream(self) -> Self::Stream {
        Items::new(Accepting::new(self))
    }
}

impl Accept for TcpListener {
    type Connection = (TcpStream, std::net::SocketAddr);

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Connection>> {
        self.poll_accept(cx)
    }
}

/// Gives the connections, each with the address of the other side, and never ends. After an error
/// that is not a single connection's, such as having no file descriptor left, it waits for 100 ms.
#[cfg(unix)]
impl IntoStream for UnixListener {
    type Item = io::Result<(UnixStream, tokio::net::unix::SocketAddr)>;
    type Stream = Items<Accepting<Self>>;

    fn into_stream(self) -> Self::Stream {
        Items::new(Accepting::new(self))
    }
}

#[cfg(unix)]
impl Accept for UnixListener {
    type Connection = (UnixStream, tokio::net::unix::SocketAddr);

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Connection>> {
        self.poll_accept(cx)
    }
}

/// What `Accepting` polls.
pub trait Accept {
    type Connection;

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Connection>>;
}

/// A listener that pauses after errors.
#[derive(Debug)]
pub struct Accepting<L> {
    listener: L,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<L> Accepting<L> {
    fn new(listener: L) -> Self {
        Self {
            listener,
            pause: None,
        }
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }
}

impl<L: Accept + Unpin> Source for Accepting<L> {
    type Item = io::Result<L::Connection>;

    fn poll_item(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next<Self::Item>> {
        ready!(self.poll_pause(cx));
        let connection = ready!(self.listener.poll_accept(cx));
        if let Err(error) = &connection
            && !concerns_one_connection(error)
        {
            // It would fail again at once, and keep a processor busy with that.
            self.pause = Some(Box::pin(sleep(PAUSE)));
        }
        Poll::Ready(Next::Item(connection))
    }
}

/// Whether the other side went away before it was accepted.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::*;
    use crate::testing::timeline;
    use futures::StreamExt;

    /// Gives what it holds, one after the other.
    struct Fake(RefCell<VecDeque<io::Result<u32>>>);

    impl Accept for Fake {
        type Connection = u32;

        fn poll_accept(&self, _: &mut Context<'_>) -> Poll<io::Result<u32>> {
            match self.0.borrow_mut().pop_front() {
                Some(connection) => Poll::Ready(connection),
                None => Poll::Pending,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_error_it_waits_unless_that_is_a_single_connections() {
        let connections = [
            Ok(1),
            Err(ErrorKind::ConnectionReset.into()),
            Ok(2),
            Err(io::Error::from(ErrorKind::OutOfMemory)),
            Err(io::Error::from(ErrorKind::OutOfMemory)),
            Ok(3),
        ];
        let fake = Fake(RefCell::new(connections.into()));
        let accepted = Items::new(Accepting::new(fake)).take(6);
        let accepted = accepted.map(|connection| connection.map_err(|error| error.kind()));
        let ms = Duration::from_millis;
        let expected = [
            (ms(0), Ok(1)),
            (ms(0), Err(ErrorKind::ConnectionReset)),
            (ms(0), Ok(2)),
            (ms(0), Err(ErrorKind::OutOfMemory)),
            (ms(100), Err(ErrorKind::OutOfMemory)),
            (ms(200), Ok(3)),
        ];
        assert_eq!(timeline(accepted).await, expected);
    }
}
