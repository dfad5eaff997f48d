//! A connection → frames in both directions: messages of a WebSocket, or lines.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use birl_net::Connection;
use birl_net::websocket::{Message, WebSocket};
use birl_source::link::Failure;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite};

/// A connection over which frames come and go. Dropping it closes it without a word.
pub struct Link(Over);

#[expect(clippy::large_enum_variant, reason = "there is one a chat")]
enum Over {
    WebSocket {
        socket: WebSocket,
        /// What is sent is sent as bytes, though it is text.
        is_binary: bool,
    },
    Lines(Lines),
}

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// A frame.
    Frame(Bytes),
    /// A frame that was longer than allowed, and is not here.
    TooLong,
    /// A sign of life.
    Sign,
    /// The other side has read as far as the ping of that number.
    Pong(u64),
}

impl Link {
    /// Each message of a WebSocket is a frame.
    pub fn web_socket(socket: WebSocket) -> Self {
        Self(Over::WebSocket {
            socket,
            is_binary: false,
        })
    }

    /// The same, and what is sent is marked as bytes.
    pub fn web_socket_of_bytes(socket: WebSocket) -> Self {
        Self(Over::WebSocket {
            socket,
            is_binary: true,
        })
    }

    /// Each line is a frame, sent with CR and LF behind it.
    pub fn lines(connection: Connection) -> Self {
        Self(Over::Lines(Lines {
            connection,
            unread: BytesMut::new(),
            searched: 0,
            unsent: BytesMut::new(),
            received: 0,
        }))
    }

    /// How many bytes have come: while it grows, somebody is there.
    pub(crate) fn received(&self) -> u64 {
        match &self.0 {
            Over::WebSocket { socket, .. } => socket.received(),
            Over::Lines(lines) => lines.received,
        }
    }

    /// What comes next. Meanwhile what is to be sent is sent.
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Received, Failure>> {
        match &mut self.0 {
            Over::WebSocket { socket, .. } => {
                let message = ready!(socket.poll_receive(cx)).map_err(passing)?;
                Poll::Ready(match message {
                    Some(message) => received(message),
                    None => Err(Failure::passing("the connection ended")),
                })
            }
            Over::Lines(lines) => lines.poll_receive(cx).map_err(Failure::from),
        }
    }

    /// What has come whole already.
    pub(crate) fn received_already(&mut self) -> Result<Option<Received>, Failure> {
        match &mut self.0 {
            Over::WebSocket { socket, .. } => {
                let message = socket.received_already().map_err(passing)?;
                message.map(received).transpose()
            }
            Over::Lines(lines) => Ok(lines.line()?.map(Received::Frame)),
        }
    }

    /// Puts a frame behind what is to be sent.
    pub(crate) fn send(&mut self, frame: &str) -> Result<(), Failure> {
        match &mut self.0 {
            Over::WebSocket {
                socket,
                is_binary: false,
            } => socket.send_text(frame).map_err(passing),
            Over::WebSocket { socket, .. } => socket.send_binary(frame.as_bytes()).map_err(passing),
            Over::Lines(lines) => lines.send(frame),
        }
    }

    /// Asks the other side whether it is there; false where the connection itself has no way to.
    pub(crate) fn ask(&mut self) -> Result<bool, Failure> {
        match &mut self.0 {
            Over::WebSocket { socket, .. } => socket.send_ping().map_err(passing).map(|()| true),
            Over::Lines(_) => Ok(false),
        }
    }

    /// Asks the other side to show that it has read so far; false as for [`ask`](Self::ask).
    pub(crate) fn ask_by(&mut self, number: u64) -> Result<bool, Failure> {
        match &mut self.0 {
            Over::WebSocket { socket, .. } => {
                let asked = socket.send_ping_of(&number.to_be_bytes());
                asked.map_err(passing).map(|()| true)
            }
            Over::Lines(_) => Ok(false),
        }
    }

    /// Shows the other side that somebody is here, as far as the connection itself has a way to.
    pub(crate) fn show(&mut self) -> Result<(), Failure> {
        match &mut self.0 {
            Over::WebSocket { socket, .. } => socket.send_pong().map_err(passing),
            Over::Lines(_) => Ok(()),
        }
    }

    /// Says that nothing more is sent.
    pub(crate) fn close(&mut self, code: u16, reason: &str) {
        if let Over::WebSocket { socket, .. } = &mut self.0 {
            socket.send_close(code, reason);
        }
    }

    /// Sends what is to be sent.
    pub(crate) async fn flush(&mut self) -> Result<(), Failure> {
        match &mut self.0 {
            Over::WebSocket { socket, .. } => socket.flush().await.map_err(passing),
            Over::Lines(lines) => poll_fn(|cx| lines.poll_send(cx)).await.map_err(lost),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = match &self.0 {
            Over::WebSocket { .. } => "WebSocket",
            Over::Lines(_) => "lines",
        };
        f.debug_tuple("Link").field(&over).finish()
    }
}

/// A connection that there was, and that may be again.
fn passing(error: birl_net::Error) -> Failure {
    Failure::passing(error.to_string())
}

fn lost(error: io::Error) -> Failure {
    passing(birl_net::Error::from(error))
}

fn received(message: Message) -> Result<Received, Failure> {
    match message {
        Message::Text(bytes) | Message::Binary(bytes) => Ok(Received::Frame(bytes)),
        Message::TooLong => Ok(Received::TooLong),
        Message::Ping => Ok(Received::Sign),
        Message::Pong(payload) => Ok(match payload[..].try_into() {
            Ok(number) => Received::Pong(u64::from_be_bytes(number)),
            Err(_) => Received::Sign,
        }),
        Message::Close(close) => Err(Failure::closed(close.as_ref())),
    }
}

/// The longest line that is read: tags of IRCv3 may have 8191 bytes, what follows 512.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// So many bytes that wait to be sent are too many: the other side does not read.
const UNSENT_BYTES_MAX: usize = 1 << 20;

/// About so many bytes are read at once.
const READ_BYTES: usize = 16 * 1024;

/// Lines over a connection.
struct Lines {
    connection: Connection,
    unread: BytesMut,
    /// So much of `unread` has no end of a line.
    searched: usize,
    unsent: BytesMut,
    received: u64,
}

impl Lines {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Received, Failure>> {
        loop {
            if let Some(line) = self.line()? {
                return Poll::Ready(Ok(Received::Frame(line)));
            }
            let _ = self.poll_send(cx).map_err(lost)?;
            self.unread.reserve(READ_BYTES);
            let read = pin!(self.connection.read_buf(&mut self.unread)).poll(cx);
            match ready!(read).map_err(lost)? {
                0 => return Poll::Ready(Err(Failure::passing("the connection ended"))),
                read => self.received += read as u64,
            }
        }
    }

    /// The next line that has come whole, without its end. Empty ones are none.
    fn line(&mut self) -> Result<Option<Bytes>, Failure> {
        while let Some(at) = memchr::memchr(b'\n', &self.unread[self.searched..]) {
            let mut line = self.unread.split_to(self.searched + at);
            self.unread.advance(1);
            self.searched = 0;
            while line.last() == Some(&b'\r') {
                line.truncate(line.len() - 1);
            }
            if !line.is_empty() {
                return Ok(Some(line.freeze()));
            }
        }
        self.searched = self.unread.len();
        match self.searched > LINE_BYTES_MAX {
            true => Err(Failure::passing(format!(
                "the server sends a line of more than {LINE_BYTES_MAX} bytes"
            ))),
            false => Ok(None),
        }
    }

    fn send(&mut self, frame: &str) -> Result<(), Failure> {
        if self.unsent.len() > UNSENT_BYTES_MAX {
            return Err(Failure::passing("the server reads nothing"));
        }
        self.unsent.extend_from_slice(frame.as_bytes());
        self.unsent.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let written = Pin::new(&mut self.connection).poll_write(cx, &self.unsent);
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.unsent.advance(written),
            }
        }
        Pin::new(&mut self.connection).poll_flush(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    async fn next(link: &mut Link) -> Result<Received, Failure> {
        poll_fn(|cx| link.poll_receive(cx)).await
    }

    fn frame(text: &'static str) -> Result<Received, Failure> {
        Ok(Received::Frame(Bytes::from_static(text.as_bytes())))
    }

    #[tokio::test]
    async fn lines_are_cut_wherever_they_are_split() {
        let (near, mut far) = duplex(4096);
        let mut link = Link::lines(Box::new(near));
        let write = async {
            for byte in b"one\r\n\r\ntwo\nthr\ree\r\n" {
                far.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let read = async {
            assert_eq!(next(&mut link).await, frame("one"));
            assert_eq!(next(&mut link).await, frame("two"));
            assert_eq!(next(&mut link).await, frame("thr\ree"));
        };
        tokio::join!(write, read);
        link.send("four").unwrap();
        link.flush().await.unwrap();
        drop(link);
        let mut sent = String::new();
        far.read_to_string(&mut sent).await.unwrap();
        assert_eq!(sent, "four\r\n");
    }

    #[tokio::test]
    async fn a_line_without_end_is_given_up() {
        let (near, mut far) = duplex(4096);
        let mut link = Link::lines(Box::new(near));
        let write = async {
            // It fails once nobody reads any more.
            while far.write_all(&[b'x'; 1024]).await.is_ok() {}
        };
        let read = async {
            let failure = next(&mut link).await.unwrap_err();
            drop(link);
            failure
        };
        let ((), failure) = tokio::join!(write, read);
        assert_eq!(
            failure.reason,
            "the server sends a line of more than 16384 bytes"
        );
    }
}
