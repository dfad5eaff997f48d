//! The lines of a file, read by a thread that may block.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;

use super::batch::LineBatch;
use super::cutter::Cutter;
use crate::block::{Block, BlockPool};
use crate::par_flat_map::{Closed, Outlet};

/// How much is read at a time. Blocks of this size stay in the processor's cache until their lines
/// are cut.
const BLOCK_BYTES: usize = 256 * 1024;

/// More blocks than this are never unused at the same time.
const BLOCKS_IDLE_MAX: usize = 4;

/// A file to be read, and the lines that it was cut in.
pub(super) struct FileBatches {
    path: Box<Path>,
    pool: BlockPool,
    cutter: Cutter,
    ready: VecDeque<LineBatch>,
}

type Batches<'a> = &'a mut Outlet<io::Result<LineBatch>>;

impl FileBatches {
    pub(super) fn new(path: Box<Path>, line_bytes_max: usize) -> Self {
        Self {
            path,
            pool: BlockPool::new(BLOCK_BYTES, BLOCKS_IDLE_MAX),
            cutter: Cutter::new(line_bytes_max),
            ready: VecDeque::new(),
        }
    }

    /// Reads the file to its end, to the first error, or until nobody wants more.
    pub(super) fn run(mut self, batches: Batches<'_>) {
        let read = match self.open() {
            Ok((file, regular)) => self.read(file, regular, batches),
            Err(error) => Err(self.explain("open", &error)),
        };
        if let Err(error) = read {
            // Nobody is left to be told, if it is closed.
            let _ = batches.send(Err(error));
        }
    }

    /// The file, and whether it is a regular one.
    fn open(&self) -> io::Result<(File, bool)> {
        let file = File::open(&self.path)?;
        let regular = file.metadata()?.is_file();
        Ok((file, regular))
    }

    fn read(&mut self, mut file: File, regular: bool, batches: Batches<'_>) -> io::Result<()> {
        let mut read = Ok(true);
        // A line may be long: whether somebody wants it is asked for each block.
        while let Ok(true) = read
            && !batches.is_closed()
        {
            let mut block = self.pool.take();
            read = fill(&mut block, &mut file, regular);
            if !block.is_empty() {
                self.cutter.push(block.freeze(), &mut self.ready);
            }
            if self.give(batches).is_err() {
                return Ok(());
            }
        }
        self.ready.extend(self.cutter.finish());
        // As above: closed is no error.
        let _ = self.give(batches);
        read.map(drop).map_err(|error| self.explain("read", &error))
    }

    fn give(&mut self, batches: Batches<'_>) -> Result<(), Closed> {
        self.ready
            .drain(..)
            .try_for_each(|batch| batches.send(Ok(batch)))
    }

    fn explain(&self, act: &str, error: &io::Error) -> io::Error {
        let path = self.path.display();
        io::Error::new(error.kind(), format!("cannot {act} \"{path}\": {error}"))
    }
}

/// Fills a block, or takes what one read gives if the file is no regular one: a pipe may be long in
/// giving more. Whether more may follow.
fn fill(block: &mut Block, file: &mut File, regular: bool) -> io::Result<bool> {
    while block.spare() > 0 {
        if block.fill_from(file)? == 0 {
            return Ok(false);
        }
        if !regular {
            break;
        }
    }
    Ok(true)
}
