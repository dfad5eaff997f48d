//! The lines of a file, read block by block on threads that may block.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::task::{JoinHandle, spawn_blocking};

use super::batch::LineBatch;
use super::cutter::Cutter;
use super::newline::{Newline, newlines};
use crate::block::{Block, BlockPool};
use crate::failure::resume_task;

/// How much is read at a time. A block changes threads twice, which takes about as long as reading
/// 100 KiB does: smaller blocks are slower, larger ones not much faster.
const BLOCK_BYTES: usize = 1 << 20;

/// So many blocks of a file are being read, or wait. A thread is taken for each block and given
/// back, and never waits for the consumer: streams of any number of files can be open together.
const BLOCKS_AHEAD: usize = 3;

/// The stream of a file's batches; it ends after the first error.
pub(super) struct FileBatches {
    path: Arc<Path>,
    stage: Stage,
    pool: BlockPool,
    cutter: Cutter,
    ready: VecDeque<LineBatch>,
    error: Option<io::Error>,
}

enum Stage {
    Closed,
    Opening(Work<io::Result<Input>>),
    Reading {
        input: Input,
        offset: u64,
        blocks: VecDeque<Work<Part>>,
    },
    Done,
}

#[derive(Clone)]
struct Input {
    file: Arc<File>,
    /// Its blocks can be read from anywhere, several at a time, and without waiting for a writer.
    is_regular: bool,
}

/// What was read at once.
struct Part {
    block: Block,
    newlines: Vec<Newline>,
    /// What came after the block, if nothing more can.
    end: Option<io::Result<()>>,
}

/// Something that is done on a thread that may block. Dropping it cancels what has not begun.
struct Work<T>(JoinHandle<T>);

impl FileBatches {
    pub(super) fn new(path: &Path, line_bytes_max: usize) -> Self {
        Self {
            path: path.into(),
            stage: Stage::Closed,
            pool: BlockPool::new(BLOCK_BYTES, BLOCKS_AHEAD + 1),
            cutter: Cutter::new(line_bytes_max),
            ready: VecDeque::new(),
            error: None,
        }
    }

    /// Waits until nothing is being done.
    pub(super) async fn shutdown(self) {
        match self.stage {
            Stage::Opening(mut work) => work.stop().await,
            Stage::Reading { blocks, .. } => {
                for mut work in blocks {
                    work.stop().await;
                }
            }
            Stage::Closed | Stage::Done => {}
        }
    }

    /// Opens the file, or reads a block. At its end nothing follows but a last line without an end.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.stage {
            Stage::Closed => {
                let path = Arc::clone(&self.path);
                self.stage = Stage::Opening(Work::start(move || Input::open(&path)));
            }
            Stage::Opening(work) => match ready!(work.poll_done(cx)) {
                Ok(input) => {
                    self.stage = Stage::Reading {
                        input,
                        offset: 0,
                        blocks: VecDeque::new(),
                    };
                }
                Err(error) => self.fail("open", &error),
            },
            Stage::Reading {
                input,
                offset,
                blocks,
            } => {
                while blocks.len() < input.blocks_ahead() {
                    let (input, pool, at) = (input.clone(), self.pool.clone(), *offset);
                    blocks.push_back(Work::start(move || input.read(&pool, at)));
                    *offset += BLOCK_BYTES as u64;
                }
                let Some(first) = blocks.front_mut() else {
                    return Poll::Ready(());
                };
                let part = ready!(first.poll_done(cx));
                blocks.pop_front();
                self.take(part);
            }
            Stage::Done => {}
        }
        Poll::Ready(())
    }

    fn take(&mut self, part: Part) {
        self.cutter
            .push_block(part.block, part.newlines, &mut self.ready);
        match part.end {
            Some(Ok(())) => self.end(),
            Some(Err(error)) => self.fail("read", &error),
            None => {}
        }
    }

    fn fail(&mut self, act: &str, error: &io::Error) {
        self.end();
        let path = self.path.display();
        let message = format!("cannot {act} \"{path}\": {error}");
        self.error = Some(io::Error::new(error.kind(), message));
    }

    fn end(&mut self) {
        self.ready.extend(self.cutter.finish());
        self.stage = Stage::Done;
    }
}

impl Stream for FileBatches {
    type Item = io::Result<LineBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while self.ready.is_empty() && !matches!(self.stage, Stage::Done) {
            ready!(self.poll_step(cx));
        }
        let batch = self.ready.pop_front().map(Ok);
        Poll::Ready(batch.or_else(|| self.error.take().map(Err)))
    }
}

impl Input {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let is_regular = file.metadata()?.is_file();
        let file = Arc::new(file);
        Ok(Self { file, is_regular })
    }

    fn blocks_ahead(&self) -> usize {
        match self.is_regular {
            true => BLOCKS_AHEAD,
            false => 1,
        }
    }

    /// Reads a block from `offset` on. What is no regular file, a pipe for instance, is read on
    /// from where it is, and only once: it may be long in giving more.
    fn read(&self, pool: &BlockPool, offset: u64) -> Part {
        let mut block = pool.take();
        let is_last = if self.is_regular {
            let read = block.fill_at(&self.file, offset, BLOCK_BYTES);
            read.map(|read| read < BLOCK_BYTES)
        } else {
            block.fill_from(&mut &*self.file).map(|read| read == 0)
        };
        Part {
            newlines: newlines(block.as_ref()),
            block,
            end: match is_last {
                Ok(false) => None,
                Ok(true) => Some(Ok(())),
                Err(error) => Some(Err(error)),
            },
        }
    }
}

impl<T: Send + 'static> Work<T> {
    fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        Self(spawn_blocking(work))
    }

    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        let done = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(done.unwrap_or_else(|error| resume_task(error)))
    }

    async fn stop(&mut self) {
        self.0.abort();
        // That it was cancelled is no news, and nobody is left to tell of a panic.
        let _ = (&mut self.0).await;
    }
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
