//! Reading a file from a place, without moving where others read it.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

/// Reads a file from a place on.
#[derive(Debug)]
pub(crate) struct ReadAt<F> {
    file: F,
    at: u64,
}

impl<F: Borrow<File>> ReadAt<F> {
    pub(crate) fn new(file: F, at: u64) -> Self {
        Self { file, at }
    }

    /// Fills a buffer as far as the file goes, and says how far that is.
    pub(crate) fn read_full(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

impl<F: Borrow<File>> Read for ReadAt<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.borrow().read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
