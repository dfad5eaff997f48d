//! From blocks that end anywhere to batches of whole lines.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::batch::LineBatch;
use super::newline::Newline;
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

    /// Takes the next bytes, with their newlines, and gives the batches that they complete: the
    /// line that was open, and all lines that begin and end in the bytes.
    pub(super) fn push(
        &mut self,
        block: &Bytes,
        mut newlines: &[Newline],
        batches: &mut VecDeque<LineBatch>,
    ) {
        let mut start = 0;
        if self.open_bytes > 0
            && let Some((first, rest)) = newlines.split_first()
        {
            (start, newlines) = (first.at() + 1, rest);
            self.keep(&block[..start]);
            batches.extend(self.finish());
        }
        if let Some((last, newlines)) = newlines.split_last() {
            let end = last.at() + 1;
            let newlines = newlines.iter().map(|newline| newline.moved_forward(start));
            let read = (end - start) as u64;
            batches.push_back(self.batch(block.slice(start..end), newlines.collect(), read));
            start = end;
        }
        self.keep(&block[start..]);
    }

    /// As `push`, but the line that is open goes on in the block's own memory where it fits, so
    /// that a block gives one batch.
    pub(super) fn push_block(
        &mut self,
        mut block: Block,
        mut newlines: Vec<Newline>,
        batches: &mut VecDeque<LineBatch>,
    ) {
        let is_whole = self.open_bytes == self.open.len() as u64;
        if is_whole && block.prepend(&self.open) {
            for newline in &mut newlines {
                *newline = newline.moved_back(self.open.len());
            }
            // The block may begin between `\r` and `\n`.
            if let Some(first) = newlines.first_mut() {
                *first = Newline::new(block.as_ref(), first.at());
            }
            self.open.clear();
            self.open_bytes = 0;
        }
        self.push(&block.freeze(), &newlines, batches);
    }

    /// The line that is open, if there is one.
    pub(super) fn finish(&mut self) -> Option<LineBatch> {
        let line = Bytes::from(std::mem::take(&mut self.open));
        let bytes = std::mem::take(&mut self.open_bytes);
        (bytes > 0).then(|| self.batch(line, Arc::default(), bytes))
    }

    /// Two bytes more than the limit show whether a line is longer, or ends in `\r\n`.
    fn keep(&mut self, part: &[u8]) {
        self.open_bytes += part.len() as u64;
        let room = self.line_bytes_max.saturating_add(2) - self.open.len();
        self.open.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn batch(&mut self, bytes: Bytes, newlines: Arc<[Newline]>, bytes_read: u64) -> LineBatch {
        let batch = LineBatch {
            bytes,
            number: self.number,
            offset: self.offset,
            newlines,
            line_bytes_max: self.line_bytes_max,
        };
        self.number += batch.len() as u64;
        self.offset += bytes_read;
        batch
    }
}
