//! The lines of an async reader, read by whoever polls.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::coop;

use super::batch::LineBatch;
use super::cutter::Cutter;
use super::newline::newlines;

/// How much is read at a time.
const READ_BYTES: usize = 64 * 1024;

/// The stream of a reader's batches; it ends after the first error.
pub(super) struct ReaderBatches {
    /// `None` once it has ended.
    reader: Option<Pin<Box<dyn AsyncRead + Send>>>,
    buffer: Box<[u8]>,
    cutter: Cutter,
    ready: VecDeque<LineBatch>,
    error: Option<io::Error>,
}

impl ReaderBatches {
    pub(super) fn new(reader: Pin<Box<dyn AsyncRead + Send>>, line_bytes_max: usize) -> Self {
        Self {
            reader: Some(reader),
            buffer: vec![0; READ_BYTES].into(),
            cutter: Cutter::new(line_bytes_max),
            ready: VecDeque::new(),
            error: None,
        }
    }

    /// Reads what there is.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(reader) = &mut self.reader else {
            return Poll::Ready(());
        };
        let mut buffer = ReadBuf::new(&mut self.buffer);
        match ready!(reader.as_mut().poll_read(cx, &mut buffer)) {
            Ok(()) if !buffer.filled().is_empty() => {
                let bytes = Bytes::copy_from_slice(buffer.filled());
                let newlines = newlines(&bytes);
                self.cutter.push(&bytes, &newlines, &mut self.ready);
                return Poll::Ready(());
            }
            Ok(()) => {}
            Err(error) => self.error = Some(error),
        }
        self.reader = None;
        self.ready.extend(self.cutter.finish());
        Poll::Ready(())
    }
}

impl Stream for ReaderBatches {
    type Item = io::Result<LineBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let budget = ready!(coop::poll_proceed(cx));
        while this.ready.is_empty() && this.reader.is_some() {
            ready!(this.poll_read(cx));
        }
        budget.made_progress();
        let batch = this.ready.pop_front().map(Ok);
        Poll::Ready(batch.or_else(|| this.error.take().map(Err)))
    }
}
