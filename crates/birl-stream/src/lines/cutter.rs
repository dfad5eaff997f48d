//! From blocks that end anywhere to batches of whole lines.

use std::collections::VecDeque;

use bytes::Bytes;
use memchr::{memchr, memrchr};

use super::batch::LineBatch;
use crate::block::Block;

/// Puts together the lines that blocks were cut in.
pub(super) struct Cutter {
    line_bytes_max: usize,
    /// Of the line that begins behind all that was given out.
    number: u64,
    offset: u64,
    /// The beginning of that line, as much as is kept of it.
    open: Vec<u8>,
    /// How many bytes of it have come.
    open_bytes: u64,
}

impl Cutter {
    pub(super) fn new(line_bytes_max: usize) -> Self {
        Self {
            line_bytes_max,
            number: 1,
            offset: 0,
            open: Vec::new(),
            open_bytes: 0,
        }
    }

    /// Takes the next bytes, which hold so many newlines, and gives the batches that they complete:
    /// the line that was open, and all lines that begin and end in the bytes.
    pub(super) fn push(
        &mut self,
        block: Bytes,
        newlines: usize,
        batches: &mut VecDeque<LineBatch>,
    ) {
        let Some(last) = memrchr(b'\n', &block) else {
            self.keep(&block);
            return;
        };
        let (mut start, mut lines) = (0, newlines);
        if self.open_bytes > 0 {
            lines -= 1;
            start = memchr(b'\n', &block).map_or(0, |newline| newline + 1);
            self.keep(&block[..start]);
            batches.extend(self.finish());
        }
        let end = last + 1;
        if start < end {
            let bytes = (end - start) as u64;
            batches.push_back(self.batch(block.slice(start..end), lines, bytes));
        }
        self.keep(&block[end..]);
    }

    /// As `push`, but the line that is open goes on in the block's own memory where it fits, so
    /// that a block gives one batch.
    pub(super) fn push_block(
        &mut self,
        mut block: Block,
        newlines: usize,
        batches: &mut VecDeque<LineBatch>,
    ) {
        let is_whole = self.open_bytes == self.open.len() as u64;
        if is_whole && block.prepend(&self.open) {
            self.open.clear();
            self.open_bytes = 0;
        }
        self.push(block.freeze(), newlines, batches);
    }

    /// The line that is open, if there is one.
    pub(super) fn finish(&mut self) -> Option<LineBatch> {
        let line = Bytes::from(std::mem::take(&mut self.open));
        let bytes = std::mem::take(&mut self.open_bytes);
        (bytes > 0).then(|| self.batch(line, 1, bytes))
    }

    /// Two bytes more than the limit show whether a line is longer, or ends in `\r\n`.
    fn keep(&mut self, part: &[u8]) {
        self.open_bytes += part.len() as u64;
        let room = self.line_bytes_max.saturating_add(2) - self.open.len();
        self.open.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn batch(&mut self, bytes: Bytes, len: usize, bytes_read: u64) -> LineBatch {
        let batch = LineBatch {
            bytes,
            number: self.number,
            offset: self.offset,
            len,
            line_bytes_max: self.line_bytes_max,
        };
        self.number += len as u64;
        self.offset += bytes_read;
        batch
    }
}
