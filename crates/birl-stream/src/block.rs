//! Blocks: large, page-aligned, reused buffers that files are read into.
//!
//! Copying out of the page cache is fastest into memory that is aligned to a page, from an offset
//! that is, and that was used a moment ago: on AMD Zen an unaligned pair is copied at a fifth of
//! the speed. So blocks come from a pool and go back to it when their last reader is gone, also
//! when they have become [`Bytes`].

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// The alignment of a block's body, and of file offsets that are read fast.
pub const PAGE_BYTES: usize = 4096;

/// Room before a block's body, for a line that begins before it.
const FRONT_BYTES: usize = PAGE_BYTES;

/// Room behind a block's body, for a line that goes on after it.
const BACK_BYTES: usize = 64 * 1024;

/// Hands out blocks, and takes them back when they are dropped.
///
/// Cloning gives another handle on the same pool. An empty pool allocates: taking a block never
/// waits for one that somebody holds.
#[derive(Clone, Debug)]
pub struct BlockPool(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    body_bytes: usize,
    idle_max: usize,
    idle: Mutex<Vec<Vec<u8>>>,
}

impl BlockPool {
    /// A pool of blocks with a body of `body_bytes`, rounded up to whole pages, that keeps at most
    /// `idle_max` unused ones.
    pub fn new(body_bytes: usize, idle_max: usize) -> Self {
        let body_bytes = body_bytes.max(1).next_multiple_of(PAGE_BYTES);
        Self(Arc::new(Pool {
            body_bytes,
            idle_max,
            idle: Mutex::default(),
        }))
    }

    /// The size of a block's body in bytes.
    pub fn body_bytes(&self) -> usize {
        self.0.body_bytes
    }

    /// An empty block.
    pub fn take(&self) -> Block {
        let reused = self
            .0
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let buffer = reused.unwrap_or_else(|| vec![0; self.0.buffer_bytes()]);
        let body = buffer.as_ptr().align_offset(PAGE_BYTES) + FRONT_BYTES;
        Block {
            buffer,
            start: body,
            body,
            end: body,
            pool: Arc::clone(&self.0),
        }
    }
}

impl Pool {
    fn buffer_bytes(&self) -> usize {
        PAGE_BYTES + FRONT_BYTES + self.body_bytes + BACK_BYTES
    }

    /// A buffer that had to grow is let go, so that one long line does not stay in memory.
    fn put_back(&self, buffer: Vec<u8>) {
        if buffer.len() != self.buffer_bytes() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.idle_max {
            idle.push(buffer);
        }
    }
}

/// A buffer with one writer: it is filled at its end, and given away as [`Bytes`].
///
/// Dropping it gives its memory back to the pool.
#[derive(Debug)]
pub struct Block {
    buffer: Vec<u8>,
    start: usize,
    /// Where the body begins, at a page's start; what lies before it was prepended.
    body: usize,
    end: usize,
    pool: Arc<Pool>,
}

impl Block {
    /// How many bytes the block holds.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether the block holds nothing.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// How many bytes still fit into the body.
    pub fn spare(&self) -> usize {
        (self.body + self.pool.body_bytes).saturating_sub(self.end)
    }

    /// Appends `len` bytes of `file` from `offset` on, or fewer where the file ends; the block
    /// grows where they do not fit. Returns how many it appended.
    ///
    /// # Errors
    /// The first error of reading; what was read before it has been appended.
    pub fn fill_at(&mut self, file: &File, offset: u64, len: usize) -> io::Result<usize> {
        let before = self.end;
        self.reserve(len);
        while self.end < before + len {
            let at = offset + (self.end - before) as u64;
            match file.read_at(&mut self.buffer[self.end..before + len], at) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.end - before)
    }

    /// Appends what one read gives, up to the end of the body. Returns how many bytes came; none
    /// means that the reader has ended or that the body is full.
    ///
    /// # Errors
    /// The reader's error; the block is as it was before.
    pub fn fill_from(&mut self, reader: &mut (impl Read + ?Sized)) -> io::Result<usize> {
        let end = self.end + self.spare();
        loop {
            match reader.read(&mut self.buffer[self.end..end]) {
                Ok(read) => {
                    self.end += read;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Appends `line` and a newline; the block grows where they do not fit.
    pub fn push_line(&mut self, line: &[u8]) {
        self.reserve(line.len() + 1);
        let end = self.end + line.len();
        self.buffer[self.end..end].copy_from_slice(line);
        self.buffer[end] = b'\n';
        self.end = end + 1;
    }

    /// Puts bytes before those that the block holds, if there is room: a page is left for them.
    /// Returns whether there was.
    pub fn prepend(&mut self, bytes: &[u8]) -> bool {
        let room = self.start + FRONT_BYTES - self.body;
        if bytes.len() > room {
            return false;
        }
        let end = self.start;
        self.start -= bytes.len();
        self.buffer[self.start..end].copy_from_slice(bytes);
        true
    }

    /// Keeps the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.end = self.end.min(self.start + len);
    }

    /// The block as bytes that can be shared and sliced. The memory goes back to the pool when the
    /// last slice of it is dropped.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }

    fn reserve(&mut self, len: usize) {
        let needed = self.end + len;
        if needed > self.buffer.len() {
            self.buffer.resize(needed.next_multiple_of(PAGE_BYTES), 0);
        }
    }
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.pool.put_back(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_body_is_aligned() {
        let pool = BlockPool::new(10_000, 1);
        let mut block = pool.take();
        block.fill_at(&file(b"abc"), 0, 3).unwrap();
        let body = block.as_ref();
        assert_eq!(
            (body, body.as_ptr().align_offset(PAGE_BYTES)),
            (&b"abc"[..], 0)
        );
    }

    #[test]
    fn up_to_a_page_can_be_put_before_the_body() {
        let pool = BlockPool::new(PAGE_BYTES, 1);
        let mut block = pool.take();
        block.fill_from(&mut &b"body"[..]).unwrap();
        let spare = block.spare();
        assert!(block.prepend(b"a ") && block.prepend(b"with "));
        assert_eq!(
            (block.as_ref(), block.spare()),
            (&b"with a body"[..], spare)
        );
        assert!(!block.prepend(&[0; PAGE_BYTES - 6]));
        assert!(block.prepend(&[0; PAGE_BYTES - 7]));
        assert_eq!(block.len(), PAGE_BYTES + 4);
        drop(block);
        assert!(pool.take().is_empty(), "a reused block starts empty");
    }

    #[test]
    fn a_block_grows_past_its_body_and_stops_at_the_end_of_the_file() {
        let bytes: Vec<u8> = (0..300_000).map(|n| n as u8).collect();
        let mut block = BlockPool::new(PAGE_BYTES, 1).take();
        let file = file(&bytes);
        assert_eq!(block.fill_at(&file, 1, 4096).unwrap(), 4096);
        assert_eq!(
            block.fill_at(&file, 4097, 1_000_000).unwrap(),
            300_000 - 4097
        );
        assert_eq!(block.as_ref(), &bytes[1..]);
    }

    #[test]
    fn lines_are_put_behind_what_is_there_and_a_block_grows_for_them() {
        let pool = BlockPool::new(PAGE_BYTES, 1);
        let mut block = pool.take();
        block.push_line(b"a");
        block.push_line(b"");
        assert_eq!(
            (block.as_ref(), block.spare()),
            (&b"a\n\n"[..], PAGE_BYTES - 3)
        );
        let long = vec![b'x'; 500_000];
        block.push_line(&long);
        assert_eq!(block.as_ref()[3..], [&long[..], b"\n"].concat());
        assert_eq!(block.spare(), 0);
    }

    #[test]
    fn memory_returns_to_the_pool_when_the_last_slice_is_dropped() {
        let pool = BlockPool::new(PAGE_BYTES, 4);
        let mut block = pool.take();
        block.fill_from(&mut &b"hello"[..]).unwrap();
        let bytes = block.freeze();
        let slice = bytes.slice(1..3);
        drop(bytes);
        assert_eq!(
            (pool.0.idle.lock().unwrap().len(), &slice[..]),
            (0, &b"el"[..])
        );
        drop(slice);
        assert_eq!(pool.0.idle.lock().unwrap().len(), 1);
        assert!(pool.take().is_empty(), "a reused block starts empty");
    }

    #[test]
    fn a_reader_fills_no_more_than_the_body() {
        let mut block = BlockPool::new(PAGE_BYTES, 1).take();
        let mut reader = io::repeat(1);
        while block.fill_from(&mut reader).unwrap() > 0 {}
        assert_eq!((block.len(), block.spare()), (PAGE_BYTES, 0));
    }
}
