//! Files over HTTP: read to their end, and on from where a connection was lost.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use birl_net::http::Answer;
use birl_net::request::{CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED, RANGE};
use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Server;
use crate::content::{DETECT_BYTES, detect};
use crate::decode;
use crate::link::{Failure, Listener, Persistence};
use crate::live::lines;
use crate::live::sink::Sink;

/// So many pieces wait to be decoded, and so many to be handed on.
const PIECES_MAX: usize = 4;

/// So many decoded bytes are a piece.
const PIECE_BYTES: usize = 64 * 1024;

/// A file that is being read.
pub(super) struct Download<'a> {
    server: &'a Server<'a>,
    persistence: Persistence<'a>,
    sink: &'a Sink,
    /// How many bytes of it have come.
    read: u64,
    /// What tells this file from others that are there later.
    version: Option<Version>,
}

/// What a server says by which the same file is known again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version(HeaderValue);

impl Version {
    /// An entity tag that is not weak, or when the file was written to last.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let tag = headers.get(ETAG);
        let tag = tag.filter(|tag| !tag.as_bytes().starts_with(b"W/"));
        tag.or_else(|| headers.get(LAST_MODIFIED))
            .cloned()
            .map(Self)
    }
}

impl<'a> Download<'a> {
    pub(super) fn new(
        server: &'a Server<'a>,
        persistence: Persistence<'a>,
        sink: &'a Sink,
    ) -> Self {
        Self {
            server,
            persistence,
            sink,
            read: 0,
            version: None,
        }
    }

    /// Reads the file of which `head` has come and `first` is the rest, decompressed where it is
    /// compressed.
    pub(super) async fn read(mut self, head: Bytes, first: Answer) {
        self.version = Version::of(first.headers());
        let (pieces, read) = mpsc::channel(PIECES_MAX);
        let text = decoded(read);
        let sink = self.sink;
        let options = self.server.options;
        let fetch = async move {
            self.read = head.len() as u64;
            // There is room for it, and where it cannot be decoded that is told.
            let _ = pieces.send(Ok(head)).await;
            let whole = self.fetch(first, &pieces).await;
            if !whole {
                // What is decoded of it ends too early, and that has been told.
                let _ = pieces
                    .send(Err(io::ErrorKind::ConnectionAborted.into()))
                    .await;
            }
            whole
        };
        let hand_on = lines::read_all(text, options, sink, || ());
        let (whole, handed_on) = tokio::join!(fetch, hand_on);
        if whole && let Err(reason) = handed_on {
            sink.problem("read", reason);
        }
    }

    /// Fetches all of the file; false where that cannot be, which has been told.
    async fn fetch(&mut self, first: Answer, pieces: &Pieces) -> bool {
        let mut next = Some((first, 0));
        loop {
            let answer = match next.take() {
                Some(answer) => Ok(answer),
                None => self.ask_again().await,
            };
            let goes_on = match answer {
                Ok((answer, skip)) => {
                    let began = Instant::now();
                    self.persistence.resumed();
                    match self.fetch_answer(answer, skip, pieces).await {
                        Ok(()) => return true,
                        Err(failure) => self.persistence.lost(began, failure).await,
                    }
                }
                // A source that worked may come to itself again, but not a file.
                Err(failure) if failure.is_lasting => {
                    self.sink.problem("read all of", failure.reason);
                    false
                }
                Err(failure) => self.persistence.refused(failure).await,
            };
            if !goes_on {
                return false;
            }
        }
    }

    /// Asks for what is missing. Gives the answer, and how many of its first bytes are known.
    async fn ask_again(&self) -> Result<(Answer, u64), Failure> {
        let mut headers = Vec::new();
        if self.read > 0
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={}-", self.read))
        {
            headers.push((RANGE, range));
        }
        let answer = self.server.get(None, headers).await?;
        let version = Version::of(answer.headers());
        if version != self.version || (version.is_none() && self.read > 0) {
            // What has been read of the one does not go on with the other.
            let reason = match version.is_some() || self.version.is_some() {
                true => "the file has changed since its beginning was read",
                false => "the server does not tell whether the file is still the same",
            };
            return Err(Failure::lasting(reason));
        }
        let skip = match answer.status() {
            206 if begins_at(answer.headers(), self.read) => 0,
            206 => {
                return Err(Failure::lasting(
                    "the server sends another part of the file",
                ));
            }
            _ => self.read,
        };
        Ok((answer, skip))
    }

    async fn fetch_answer(
        &mut self,
        mut answer: Answer,
        mut skip: u64,
        pieces: &Pieces,
    ) -> Result<(), Failure> {
        while let Some(mut bytes) = answer.chunk().await? {
            self.persistence.worked();
            let known = skip.min(bytes.len() as u64);
            skip -= known;
            bytes.advance(known as usize);
            self.read += bytes.len() as u64;
            if !bytes.is_empty() && pieces.send(Ok(bytes)).await.is_err() {
                // It cannot be decoded any further.
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Whether an answer is the part of a file that begins at `start`: `Content-Range: bytes 5-9/10`.
pub(super) fn begins_at(headers: &HeaderMap, start: u64) -> bool {
    let range = headers.get(CONTENT_RANGE);
    let range = range.and_then(|range| range.to_str().ok());
    let range = range.and_then(|range| range.strip_prefix("bytes "));
    let first = range.and_then(|range| range.split('-').next()?.trim().parse().ok());
    first == Some(start)
}

type Pieces = mpsc::Sender<io::Result<Bytes>>;

/// The text of what comes in pieces, decoded by a thread that blocks. The thread ends with the pieces,
/// and when the text is dropped.
fn decoded(pieces: mpsc::Receiver<io::Result<Bytes>>) -> Text {
    let (texts, decoded) = mpsc::channel(PIECES_MAX);
    tokio::task::spawn_blocking(move || {
        let raw = Raw {
            pieces,
            current: Bytes::new(),
        };
        if let Err(error) = decode(raw, &texts) {
            // Nobody waits for it where this fails.
            let _ = texts.blocking_send(Err(error));
        }
    });
    Text {
        pieces: decoded,
        current: Bytes::new(),
    }
}

fn decode(mut raw: Raw, texts: &Pieces) -> io::Result<()> {
    let mut head = Vec::new();
    let failure = (&mut raw)
        .take(DETECT_BYTES as u64)
        .read_to_end(&mut head)
        .err();
    let content = detect(&head);
    let mut reader = decode::text_reader(content, head.into(), raw)?.reader;
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let read = (&mut reader)
            .take(PIECE_BYTES as u64)
            .read_to_end(&mut piece);
        let is_last = piece.is_empty();
        if !is_last && texts.blocking_send(Ok(piece.into())).is_err() {
            return Ok(());
        }
        read?;
        if is_last {
            return failure.map_or(Ok(()), Err);
        }
    }
}

/// Bytes as they come, for a thread that blocks.
struct Raw {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.current = piece?,
                None => return Ok(0),
            }
        }
        let count = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

/// Decoded bytes, as they come.
struct Text {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl AsyncRead for Text {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.current.is_empty() {
            match ready!(self.pieces.poll_recv(cx)) {
                Some(piece) => self.current = piece?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = self.current.len().min(buffer.remaining());
        buffer.put_slice(&self.current.split_to(count));
        Poll::Ready(Ok(()))
    }
}
