//! `lines`: a file or a reader as a stream of lines, or of batches of them.

mod batch;
mod cutter;
mod file;
mod newline;
mod reader;

use std::fmt;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::StreamExt;
use futures::stream::{BoxStream, FusedStream};
use futures_core::Stream;
use tokio::io::AsyncRead;
use tokio::task::coop;

pub use batch::{IntoIter, Iter, Line, LineBatch};

use file::FileBatches;
use reader::ReaderBatches;

/// How many bytes of a line are kept, unless [`Lines::line_bytes_max`] says otherwise: 1 MiB.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// So many lines cost one unit of tokio's cooperative budget: each for itself would pay more for
/// the accounting than for the line.
const LINES_PER_BUDGET: usize = 32;

/// The stream that [`lines()`] and [`lines_from`] return.
///
/// Dropping it closes the file, when the blocks that are being read have been.
#[must_use = "streams do nothing unless polled"]
pub struct Lines {
    batches: LineBatches,
    ready: IntoIter,
}

/// The stream that [`Lines::batches`] returns.
///
/// Dropping it closes the file, when the blocks that are being read have been.
#[must_use = "streams do nothing unless polled"]
pub struct LineBatches {
    line_bytes_max: usize,
    stage: Stage,
}

enum Stage {
    /// What is to be read, until the first poll.
    Lazy(Input),
    File(Box<FileBatches>),
    Reader(BoxStream<'static, io::Result<LineBatch>>),
    Done,
}

enum Input {
    File(Box<Path>),
    Reader(Pin<Box<dyn AsyncRead + Send>>),
}

/// The lines of a file, whatever their length, their number and their encoding.
///
/// The file is opened at the first poll, and read in blocks on threads of tokio's blocking pool, a
/// little ahead of the consumer. Memory does not depend on the file: a line that is longer than 1
/// MiB ([`Lines::line_bytes_max`]) is cut, and says so. For less work per line there is
/// [`Lines::batches`].
///
/// A [`Line`] is bytes, so one that is not UTF-8 is no error: ask it with [`Line::to_str`]. Line
/// ends are `\n` and `\r\n`, and not part of the line; the last line may lack its end.
///
/// # Ordering
/// That of the file.
///
/// # Backpressure
/// At most three blocks of 1 MiB are read ahead, and no more until they are taken. No thread is
/// kept while they wait: any number of files can be open together.
///
/// # Cancellation
/// May be left unpolled for any time. Dropping it drops the lines that were not taken, and the file
/// when the blocks that are being read have been; [`Lines::shutdown`] also waits for that. A read
/// that waits for a pipe's writer cannot be cancelled.
///
/// # Errors and panics
/// That the file cannot be opened or read comes once, as an [`Err`] that names the file, and then
/// the stream ends: a loop that skips errors ends as well. The first poll panics outside a tokio
/// runtime, and a later one if that runtime was shut down meanwhile.
///
/// # Examples
/// ```
/// use birl_stream::prelude::*;
///
/// # #[tokio::main] async fn main() -> std::io::Result<()> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("app.log");
/// # std::fs::write(&path, "INFO started\nERROR disk full\nINFO stopped\n")?;
/// let mut alerts = Vec::new();
/// let mut lines = birl_stream::lines(&path);
/// while let Some(line) = lines.next().await {
///     let line = line?;
///     if line.contains("ERROR") {
///         alerts.push(format!("line {}: {line}", line.number()));
///     }
/// }
/// assert_eq!(alerts, ["line 2: ERROR disk full"]);
/// # Ok(()) }
/// ```
pub fn lines(path: impl AsRef<Path>) -> Lines {
    Lines::new(Input::File(path.as_ref().into()))
}

/// The lines of a reader: a socket, a pipe, the output of a child process.
///
/// As [`lines()`] but for where the bytes come from. A line is given as soon as its end has come.
///
/// # Ordering
/// That of the reader.
///
/// # Backpressure
/// The reader is polled only while this stream is, and no line waits. At most 64 KiB are read at a
/// time.
///
/// # Cancellation
/// May be left unpolled for any time: the part of a line that was read belongs to the stream, and
/// not to the future that `next()` returns. Dropping it drops the reader.
///
/// # Errors and panics
/// An error of the reader comes once, and then the stream ends. What had been read of an unfinished
/// line comes before it. Panics of the reader pass through.
///
/// # Examples
/// ```
/// use birl_stream::prelude::*;
///
/// # #[tokio::main] async fn main() -> std::io::Result<()> {
/// let answer: &[u8] = b"HELO\r\n250 ok\r\n";
/// let lines: Vec<_> = birl_stream::lines_from(answer).try_collect().await?;
/// assert_eq!(lines, ["HELO", "250 ok"]);
/// # Ok(()) }
/// ```
pub fn lines_from(reader: impl AsyncRead + Send + 'static) -> Lines {
    Lines::new(Input::Reader(Box::pin(reader)))
}

impl Lines {
    fn new(input: Input) -> Self {
        Self {
            batches: LineBatches {
                line_bytes_max: LINE_BYTES_MAX,
                stage: Stage::Lazy(input),
            },
            ready: LineBatch::default().into_iter(),
        }
    }

    /// Keeps so many bytes of each line instead of [`LINE_BYTES_MAX`]; of a longer one the rest is
    /// dropped ([`Line::is_truncated`]).
    ///
    /// Once the stream has been polled, this changes nothing.
    pub fn line_bytes_max(mut self, line_bytes_max: usize) -> Self {
        self.batches.line_bytes_max = line_bytes_max;
        self
    }

    /// The same lines as batches, each with the lines of one block: the fast way, and the unit to
    /// hand to other threads ([`par_map_blocking`](crate::FlowExt::par_map_blocking)).
    ///
    /// Lines of the batch that this stream is in the middle of are dropped.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main] async fn main() -> std::io::Result<()> {
    /// let text: &[u8] = b"one\ntwo\nthree\n";
    /// let mut batches = birl_stream::lines_from(text).batches();
    /// let mut longest = 0;
    /// while let Some(batch) = batches.try_next().await? {
    ///     longest = batch.iter().map(|line| line.len()).fold(longest, usize::max);
    /// }
    /// assert_eq!(longest, 5);
    /// # Ok(()) }
    /// ```
    pub fn batches(self) -> LineBatches {
        self.batches
    }

    /// Stops reading, as dropping does, and waits until the file is closed. Lines that have not
    /// been taken are lost.
    ///
    /// Dropping the returned future ends only the waiting.
    pub async fn shutdown(self) {
        self.batches.shutdown().await;
    }
}

impl LineBatches {
    /// Stops reading, as dropping does, and waits until the file is closed. Batches that have not
    /// been taken are lost.
    ///
    /// Dropping the returned future ends only the waiting.
    pub async fn shutdown(self) {
        if let Stage::File(batches) = self.stage {
            batches.shutdown().await;
        }
    }

    fn start(&mut self, input: Input) -> Stage {
        match input {
            Input::File(path) => {
                Stage::File(Box::new(FileBatches::new(&path, self.line_bytes_max)))
            }
            Input::Reader(reader) => {
                Stage::Reader(ReaderBatches::new(reader, self.line_bytes_max).boxed())
            }
        }
    }
}

impl Stream for LineBatches {
    type Item = io::Result<LineBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let batch = match &mut this.stage {
            Stage::Lazy(_) => {
                // Done meanwhile, so that it stays done if a panic goes through.
                let Stage::Lazy(input) = std::mem::replace(&mut this.stage, Stage::Done) else {
                    unreachable!("matched a moment ago");
                };
                this.stage = this.start(input);
                return self.poll_next(cx);
            }
            Stage::File(batches) => ready!(batches.poll_next_unpin(cx)),
            Stage::Reader(batches) => ready!(batches.poll_next_unpin(cx)),
            Stage::Done => None,
        };
        if !matches!(batch, Some(Ok(_))) {
            this.stage = Stage::Done;
        }
        Poll::Ready(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.stage {
            Stage::Done => (0, Some(0)),
            _ => (0, None),
        }
    }
}

impl FusedStream for LineBatches {
    fn is_terminated(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }
}

impl Stream for Lines {
    type Item = io::Result<Line>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let budget = match self.ready.len() % LINES_PER_BUDGET {
                1 => Some(ready!(coop::poll_proceed(cx))),
                _ => None,
            };
            if let Some(line) = self.ready.next() {
                budget.inspect(coop::RestoreOnPending::made_progress);
                return Poll::Ready(Some(Ok(line)));
            }
            match ready!(self.batches.poll_next_unpin(cx)) {
                Some(Ok(batch)) => self.ready = batch.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let ready = self.ready.len();
        (ready, self.batches.is_terminated().then_some(ready))
    }
}

impl FusedStream for Lines {
    fn is_terminated(&self) -> bool {
        self.ready.len() == 0 && self.batches.is_terminated()
    }
}

impl fmt::Debug for LineBatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Lazy(_) => "lazy",
            Stage::File(_) => "reading a file",
            Stage::Reader(_) => "reading",
            Stage::Done => "done",
        };
        f.debug_struct("LineBatches")
            .field("line_bytes_max", &self.line_bytes_max)
            .field("stage", &stage)
            .finish()
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("batches", &self.batches)
            .field("ready", &self.ready.len())
            .finish()
    }
}
