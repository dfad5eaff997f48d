//! Lines, and the batches in which they are read.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, Range};
use std::str::Utf8Error;
use std::sync::Arc;

use bytes::Bytes;
use memchr::memmem;

use super::newline::Newline;

/// One line, without its end.
///
/// `Line` owns its bytes, by sharing those of its batch: a clone is cheap, and one that is kept
/// keeps the whole block that it was read with. `Line<&[u8]>` borrows them.
#[derive(Clone, Copy)]
pub struct Line<B = Bytes> {
    bytes: B,
    number: u64,
    offset: u64,
    truncated: bool,
}

/// Lines that were read together, one behind the other.
#[derive(Clone, Debug)]
pub struct LineBatch {
    pub(super) bytes: Bytes,
    /// Of the first line.
    pub(super) number: u64,
    /// Of the first byte.
    pub(super) offset: u64,
    /// Of all lines but the last, which is what is left of the bytes, with an end or without. So a
    /// batch of one line needs none.
    pub(super) newlines: Arc<[Newline]>,
    pub(super) line_bytes_max: usize,
}

/// The lines of a batch, borrowed ([`LineBatch::iter`]).
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    batch: &'a LineBatch,
    cursor: Cursor,
}

/// The lines of a batch, each sharing its bytes (`LineBatch::into_iter`).
#[derive(Clone, Debug)]
pub struct IntoIter {
    batch: LineBatch,
    cursor: Cursor,
}

/// How far a batch has been cut into lines.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    at: usize,
    lines: usize,
}

impl<B: AsRef<[u8]>> Line<B> {
    /// The bytes of the line, without `\n` or `\r\n`.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// The line as text.
    ///
    /// # Errors
    /// Says where the line is not UTF-8.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(self.as_bytes())
    }

    /// The line as text, with `U+FFFD` for what is not UTF-8.
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// Whether `needle` stands somewhere in the line.
    ///
    /// To look for the same thing in many lines, a `memchr::memmem::Finder` over
    /// [`LineBatch::as_bytes`] is faster.
    pub fn contains(&self, needle: impl AsRef<[u8]>) -> bool {
        memmem::find(self.as_bytes(), needle.as_ref()).is_some()
    }

    /// Which line it is, counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Where the line begins, in bytes from the start.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the line was longer than is kept ([`Lines::line_bytes_max`](super::Lines::line_bytes_max)), so that
    /// this is only its beginning.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }
}

impl LineBatch {
    /// The lines, borrowed.
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            batch: self,
            cursor: Cursor::default(),
        }
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        match self.bytes.is_empty() {
            true => 0,
            false => self.newlines.len() + 1,
        }
    }

    /// Whether there is no line. What comes out of a stream has at least one.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All lines as they were read, with their ends.
    ///
    /// A line that is longer than is kept may be whole here, or cut without an end.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Which line the first one is, counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Where the first line begins, in bytes from the start.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn line<B>(&self, cut: Cut, share: impl FnOnce(Range<usize>) -> B) -> Line<B> {
        Line {
            offset: self.offset + cut.range.start as u64,
            bytes: share(cut.range),
            number: self.number + cut.index as u64,
            truncated: cut.truncated,
        }
    }
}

/// One line's place in a batch.
struct Cut {
    range: Range<usize>,
    index: usize,
    truncated: bool,
}

impl Cursor {
    fn next(&mut self, batch: &LineBatch) -> Option<Cut> {
        let (content, next) = match batch.newlines.get(self.lines) {
            Some(newline) => (newline.content_end(), newline.at() + 1),
            None => {
                let rest = batch.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
                (self.at + content(rest).len(), batch.bytes.len())
            }
        };
        let cut = Cut {
            range: self.at..content.min(self.at.saturating_add(batch.line_bytes_max)),
            index: self.lines,
            truncated: content - self.at > batch.line_bytes_max,
        };
        self.at = next;
        self.lines += 1;
        Some(cut)
    }
}

/// The line without its end.
fn content(line: &[u8]) -> &[u8] {
    match line.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => line,
    }
}

/// An empty batch.
impl Default for LineBatch {
    fn default() -> Self {
        Self {
            bytes: Bytes::new(),
            number: 1,
            offset: 0,
            newlines: Arc::default(),
            line_bytes_max: 0,
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Line<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let cut = self.cursor.next(self.batch)?;
        let line = |range: Range<usize>| &self.batch.bytes[range];
        Some(self.batch.line(cut, line))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batch.len() - self.cursor.lines;
        (left, Some(left))
    }
}

impl Iterator for IntoIter {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let cut = self.cursor.next(&self.batch)?;
        let line = |range| self.batch.bytes.slice(range);
        Some(self.batch.line(cut, line))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batch.len() - self.cursor.lines;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl ExactSizeIterator for IntoIter {}

impl IntoIterator for LineBatch {
    type Item = Line;
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter {
            batch: self,
            cursor: Cursor::default(),
        }
    }
}

impl<'a> IntoIterator for &'a LineBatch {
    type Item = Line<&'a [u8]>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<B: AsRef<[u8]>> Deref for Line<B> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Line<B> {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// Shows what is not UTF-8 as `U+FFFD`.
impl<B: AsRef<[u8]>> fmt::Display for Line<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_str_lossy().fmt(f)
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for Line<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("number", &self.number)
            .field("offset", &self.offset)
            .field("truncated", &self.truncated)
            .field("bytes", &format_args!("{}", self.as_bytes().escape_ascii()))
            .finish()
    }
}

/// Lines are the same if place and content are.
impl<B: AsRef<[u8]>, C: AsRef<[u8]>> PartialEq<Line<C>> for Line<B> {
    fn eq(&self, other: &Line<C>) -> bool {
        let place = |number, offset, truncated| (number, offset, truncated);
        self.as_bytes() == other.as_bytes()
            && place(self.number, self.offset, self.truncated)
                == place(other.number, other.offset, other.truncated)
    }
}

impl<B: AsRef<[u8]>> Eq for Line<B> {}

/// Compares the content.
impl<B: AsRef<[u8]>> PartialEq<&str> for Line<B> {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}
