//! A connection → messages in both directions (RFC 6455), compressed where the server does
//! (permessage-deflate, RFC 7692).
//!
//! This is a client that mostly listens: what it sends is small and not compressed. It answers pings
//! and closing by itself. Whether the other side is still there, and whether to connect again, is for
//! whoever reads to judge.

mod decoder;
mod frame;
mod handshake;
mod inflate;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite};

use crate::connect::{Connection, Connector};
use crate::error::Error;
use crate::request::Request;
use decoder::{Decoder, Incoming};
use frame::{Masks, Opcode};
use handshake::Upgraded;

/// What a server is asked for besides messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The most bytes of a message, decompressed: 1 MiB by default. A longer one is [let by](Message::TooLong);
    /// one that is compressed and many times as long is an error, and so is one of more than 1 GiB that is
    /// 64 times as long.
    pub message_bytes_max: usize,
    /// Subprotocols that are asked for, the best first: none by default. A server may ignore them
    /// ([`WebSocket::subprotocol`]).
    pub subprotocols: Vec<String>,
    /// Whether the server may compress: yes by default.
    pub deflate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            message_bytes_max: 1 << 20,
            subprotocols: Vec::new(),
            deflate: true,
        }
    }
}

/// What arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text, which is UTF-8.
    Text(Bytes),
    /// Anything.
    Binary(Bytes),
    /// One comes that is longer than [allowed](Options::message_bytes_max), and nothing of it is kept.
    TooLong,
    /// The other side is there. It has been answered.
    Ping,
    /// The other side is there, and has read as far as the ping that had these bytes.
    Pong(Bytes),
    /// The other side ends the connection; nothing else comes. It has been answered.
    Close(Option<Close>),
}

/// Why a connection is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// One of RFC 6455, section 7.4: 1000 is no failure.
    pub code: u16,
    /// For people; may be empty.
    pub reason: String,
}

impl fmt::Display for Close {
    /// One line, whatever the reason holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}", self.code)?;
        match self.reason.as_str() {
            "" => Ok(()),
            reason => write!(f, " ({})", reason.escape_debug()),
        }
    }
}

/// There is room for so many bytes at least when something is read.
const READ_BYTES_MIN: usize = 16 * 1024;

/// About so many bytes are read at once, where so many have come.
const READ_BYTES_MAX: usize = 128 * 1024;

/// So many bytes that wait to be sent are too many: the other side does not read.
const UNSENT_BYTES_MAX: usize = 1 << 20;

/// A connection that messages come over. Dropping it closes it without a word.
pub struct WebSocket {
    connection: Connection,
    decoder: Decoder,
    /// What has arrived and is not decoded.
    unread: BytesMut,
    /// What is still to be sent, encoded.
    unsent: BytesMut,
    masks: Masks,
    /// The answer to the last ping that has none yet: older ones need none (section 5.5.3).
    pong: Option<Bytes>,
    /// How many bytes have arrived.
    received: u64,
    /// So much room there is for what is read next.
    read_bytes: usize,
    subprotocol: Option<String>,
    /// A close frame has been sent.
    closing: bool,
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("subprotocol", &self.subprotocol)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

impl WebSocket {
    /// Connects to the URL of `request`, where redirections are followed. Dropping the future gives up.
    ///
    /// # Errors
    ///
    /// If there is no connection, or the server does not agree to speak WebSocket over it.
    pub async fn connect(
        connector: &Connector,
        request: Request,
        options: &Options,
    ) -> Result<Self, Error> {
        let upgraded = handshake::upgrade(connector, request, options).await?;
        let Upgraded {
            connection,
            read_ahead,
            deflate,
            subprotocol,
        } = upgraded;
        Ok(Self {
            connection,
            decoder: Decoder::new(options.message_bytes_max, deflate),
            received: read_ahead.len() as u64,
            read_bytes: READ_BYTES_MIN,
            unread: BytesMut::from(&read_ahead[..]),
            unsent: BytesMut::new(),
            masks: Masks::new(),
            pong: None,
            subprotocol,
            closing: false,
        })
    }

    /// The subprotocol that the server has chosen. A server that ignores those that it was asked for
    /// is allowed to (section 4.2.2), and widespread.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// How many bytes have arrived: while it grows, somebody is there.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The next message; `None` when the connection has ended. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// If the connection is lost, or the other side breaks the rules; it has been told then, as far as
    /// that is possible at once. Nothing comes after an error.
    pub async fn receive(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_receive(cx)).await
    }

    /// The next message, if it has arrived whole.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn received_already(&mut self) -> Result<Option<Message>, Error> {
        self.decode()
    }

    /// Gives `take` the messages of text that have arrived whole, in place, up to the first that has to be
    /// put together or is none: that is returned. `None` when nothing more has arrived.
    ///
    /// It says the same as [`received_already`](Self::received_already) in a loop, in less time: nothing is
    /// kept of a message that is looked at where it lies.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn received_texts(&mut self, take: impl FnMut(&[u8])) -> Result<Option<Message>, Error> {
        self.decoder.take_texts(&mut self.unread, take);
        self.decode()
    }

    /// Polls for the next message, and meanwhile sends what is to be sent.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        loop {
            if let Some(message) = self.decode()? {
                // A ping is answered at once, as far as the other side reads.
                let _ = self.poll_send(cx)?;
                return Poll::Ready(Ok(Some(message)));
            }
            let _ = self.poll_send(cx)?;
            if ready!(self.poll_read(cx))? == 0 {
                return Poll::Ready(match self.unread.is_empty() && self.decoder.is_idle() {
                    true => Ok(None),
                    false => Err(Error::protocol("the connection ended within a message")),
                });
            }
        }
    }

    /// Puts a message of text behind what is to be sent. [`receive`](Self::receive) sends it, and so
    /// does [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// If the other side has not read what was sent before for long.
    pub fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.put(Opcode::Text, text.as_bytes())
    }

    /// The same with a message of bytes.
    ///
    /// # Errors
    ///
    /// As [`send_text`](Self::send_text).
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.put(Opcode::Binary, bytes)
    }

    /// Asks the other side to show that it is there.
    ///
    /// # Errors
    ///
    /// As [`send_text`](Self::send_text).
    pub fn send_ping(&mut self) -> Result<(), Error> {
        self.send_ping_of(b"")
    }

    /// The same with bytes of at most 125, which are in its answer.
    ///
    /// # Errors
    ///
    /// As [`send_text`](Self::send_text).
    pub fn send_ping_of(&mut self, payload: &[u8]) -> Result<(), Error> {
        let payload = &payload[..payload.len().min(frame::CONTROL_BYTES_MAX)];
        self.put(Opcode::Ping, payload)
    }

    /// Shows the other side that we are there, without having been asked (section 5.5.3).
    ///
    /// # Errors
    ///
    /// As [`send_text`](Self::send_text).
    pub fn send_pong(&mut self) -> Result<(), Error> {
        self.put(Opcode::Pong, b"")
    }

    /// Says that the connection ends, unless that has been said: nothing is sent behind it.
    pub fn send_close(&mut self, code: u16, reason: &str) {
        if !self.closing {
            let mut payload = code.to_be_bytes().to_vec();
            payload.extend(reason.bytes().take(frame::CONTROL_BYTES_MAX - 2));
            let _ = self.put(Opcode::Close, &payload);
            self.closing = true;
        }
    }

    /// Sends what is to be sent. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// If the connection is lost.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_send(cx)).await
    }

    fn decode(&mut self) -> Result<Option<Message>, Error> {
        let decoded = self.decoder.decode(&mut self.unread);
        let incoming = decoded.map_err(|violation| {
            self.send_close(violation.code, &violation.reason);
            Error::protocol(violation.reason)
        })?;
        Ok(incoming.map(|incoming| match incoming {
            Incoming::Text(text) => Message::Text(text),
            Incoming::Binary(bytes) => Message::Binary(bytes),
            Incoming::TooLong => Message::TooLong,
            Incoming::Ping(payload) => {
                self.pong = Some(payload);
                Message::Ping
            }
            Incoming::Pong(payload) => Message::Pong(payload),
            Incoming::Close(close) => {
                // With its own code, or with none where it gave none.
                match &close {
                    Some(close) => self.send_close(close.code, ""),
                    None => {
                        let _ = self.put(Opcode::Close, b"");
                        self.closing = true;
                    }
                }
                Message::Close(close)
            }
        }))
    }

    fn put(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), Error> {
        if self.closing {
            return Ok(());
        }
        if self.unsent.len() > UNSENT_BYTES_MAX {
            return Err(Error::io(
                "",
                &io::Error::new(io::ErrorKind::TimedOut, "the server reads nothing"),
            ));
        }
        frame::encode(opcode, payload, &mut self.masks, &mut self.unsent)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let lost = |error: io::Error| Error::io("", &error);
        loop {
            // Between frames, so that no more than one answer waits however many pings come.
            if self.unsent.is_empty()
                && let Some(payload) = self.pong.take()
            {
                self.put(Opcode::Pong, &payload)?;
            }
            if self.unsent.is_empty() {
                return Pin::new(&mut self.connection).poll_flush(cx).map_err(lost);
            }
            let written = Pin::new(&mut self.connection).poll_write(cx, &self.unsent);
            match ready!(written).map_err(lost)? {
                0 => return Poll::Ready(Err(lost(io::ErrorKind::WriteZero.into()))),
                written => self.unsent.advance(written),
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Error>> {
        // A long message makes the buffer grow as it arrives, not as it is announced, and so does a flood.
        self.unread.reserve(self.read_bytes);
        let room = self.unread.capacity() - self.unread.len();
        let read = pin!(self.connection.read_buf(&mut self.unread)).poll(cx);
        let read = ready!(read).map_err(|error| Error::io("", &error))?;
        self.received += read as u64;
        self.read_bytes = match read == room {
            true => (self.read_bytes * 2).min(READ_BYTES_MAX),
            false => READ_BYTES_MIN,
        };
        Poll::Ready(Ok(read))
    }
}
