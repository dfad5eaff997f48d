//! Where lines end: found by whoever reads them, so that nobody has to look at the text again.

use memchr::memchr_iter;

/// Where a `\n` is, in less than 2 GiB of bytes, and whether a `\r` comes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Newline(u32);

const AFTER_CARRIAGE_RETURN: u32 = 1 << 31;

/// All of them, by position.
pub(super) fn newlines(bytes: &[u8]) -> Vec<Newline> {
    // Enough for lines of 128 bytes and longer.
    let mut newlines = Vec::with_capacity(bytes.len() / 128);
    newlines.extend(memchr_iter(b'\n', bytes).map(|at| Newline::new(bytes, at)));
    newlines
}

impl Newline {
    /// The one at `at`.
    pub(super) fn new(bytes: &[u8], at: usize) -> Self {
        debug_assert!(at < AFTER_CARRIAGE_RETURN as usize, "blocks are small");
        let after_carriage_return = at > 0 && bytes[at - 1] == b'\r';
        Self(at as u32 | u32::from(after_carriage_return) << 31)
    }

    pub(super) fn at(self) -> usize {
        (self.0 & !AFTER_CARRIAGE_RETURN) as usize
    }

    /// Where the end of the line begins: `\n`, or `\r\n`.
    pub(super) fn content_end(self) -> usize {
        self.at() - usize::from(self.0 & AFTER_CARRIAGE_RETURN != 0)
    }

    /// The same where so many bytes have been put before.
    pub(super) fn moved_back(self, bytes: usize) -> Self {
        Self(self.0 + bytes as u32)
    }

    /// The same where so many bytes before it have been taken away.
    pub(super) fn moved_forward(self, bytes: usize) -> Self {
        Self(self.0 - bytes as u32)
    }
}
