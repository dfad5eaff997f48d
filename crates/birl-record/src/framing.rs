//! Framing: where lines begin and end in bytes that arrive in pieces.
//!
//! A line ends at `\n`; a `\r` before it belongs to the terminator. A line whose content is longer
//! than a limit is cut there: what lies beyond is neither kept nor searched, so that memory stays
//! bounded whatever a file holds.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memrchr};

/// The content of a line: `line` without its terminator, `\n` or `\r\n`.
pub fn content(line: &[u8]) -> &[u8] {
    match line {
        [content @ .., b'\r', b'\n'] | [content @ .., b'\n'] => content,
        content => content,
    }
}

/// The content of a record: `text` without its last terminator, and without empty lines behind it.
#[inline]
pub fn record_content(text: &[u8]) -> &[u8] {
    let mut content = self::content(text);
    while content.ends_with(b"\n") {
        content = self::content(content);
    }
    content
}

/// How many lines `bytes` hold: the terminators, and a last line without one.
pub fn count_lines(bytes: &[u8]) -> usize {
    let unfinished = bytes.last().is_some_and(|&last| last != b'\n');
    memchr_iter(b'\n', bytes).count() + usize::from(unfinished)
}

/// Where the first line begins that begins after the first byte, if one does.
///
/// A chunk in the middle of a file starts in the middle of a line, which belongs to the chunk
/// before; a chunk owns the lines that begin behind its first byte, up to one that begins exactly
/// at its end.
pub fn first_start(bytes: &[u8]) -> Option<usize> {
    memchr(b'\n', bytes).map(|newline| newline + 1)
}

/// A stretch of a chunk, as [`pieces`] cuts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Whole lines, none longer than the limit.
    Lines(Range<usize>),
    /// One line that is longer than the limit, with its terminator.
    Overlong(Range<usize>),
}

/// Cuts `bytes`, which begin where a line begins, into stretches of lines with at most
/// `line_bytes_max` bytes of content and single lines that have more.
///
/// The lines are not looked at one by one: a window of the limit's size that ends in a newline
/// holds no longer line, so the search goes back from its end to the nearest newline and jumps.
pub fn pieces(bytes: &[u8], line_bytes_max: usize) -> Pieces<'_> {
    Pieces {
        bytes,
        line_bytes_max,
        at: 0,
        overlong: None,
    }
}

/// The iterator of [`pieces`].
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    bytes: &'a [u8],
    line_bytes_max: usize,
    at: usize,
    overlong: Option<Range<usize>>,
}

impl Pieces<'_> {
    /// The first line after `at` that is longer than the limit.
    fn next_overlong(&self) -> Option<Range<usize>> {
        let mut start = self.at;
        loop {
            // A line of the longest allowed content ends within the window: `\r\n` are two more.
            let window = self.bytes.get(start..)?.get(..self.line_bytes_max + 1)?;
            match memrchr(b'\n', window) {
                Some(newline) => start += newline + 1,
                None => {
                    let line = start..start + line_bytes(&self.bytes[start..]);
                    if content(&self.bytes[line.clone()]).len() > self.line_bytes_max {
                        return Some(line);
                    }
                    start = line.end;
                }
            }
        }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if let Some(line) = self.overlong.take() {
            return Some(Piece::Overlong(line));
        }
        if self.at == self.bytes.len() {
            return None;
        }
        let overlong = self.next_overlong();
        let lines = self.at
            ..overlong
                .as_ref()
                .map_or(self.bytes.len(), |line| line.start);
        self.at = overlong.as_ref().map_or(self.bytes.len(), |line| line.end);
        match overlong {
            Some(line) if lines.is_empty() => Some(Piece::Overlong(line)),
            overlong => {
                self.overlong = overlong;
                Some(Piece::Lines(lines))
            }
        }
    }
}

/// The length of the line that `bytes` begin with, terminator included.
fn line_bytes(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).map_or(bytes.len(), |newline| newline + 1)
}

/// Joins the pieces of lines that a reader's blocks cut apart.
///
/// Each block is [pushed](Self::push); what it completes comes back as one line of its own, the
/// whole lines behind it as a range of the block, and its unfinished end is kept for the next.
#[derive(Debug)]
pub struct Carry {
    line_bytes_max: usize,
    /// The kept beginning of an unfinished line, never much longer than the limit.
    kept: Vec<u8>,
    /// How long that line is so far, with what was not kept.
    line_bytes: u64,
    /// Where that line begins.
    offset: u64,
}

/// What a pushed block gave.
#[derive(Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The line that had begun in an earlier block and ended in this one.
    pub completed: Option<Completed>,
    /// The lines that lie whole in this block.
    pub lines: Range<usize>,
}

/// A line that was put together from several blocks.
#[derive(Debug, PartialEq, Eq)]
pub struct Completed {
    /// The line, with its terminator where it has one; where it is longer than the limit, its
    /// beginning, with at least one byte more than the limit.
    pub bytes: Vec<u8>,
    /// Where it begins, in bytes from the start of the source.
    pub offset: u64,
}

/// A line that has begun and not ended, so that another [`Carry`] can go on with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BegunLine {
    /// What is kept of it.
    pub bytes: Vec<u8>,
    /// How long it is so far, with what is not kept.
    pub length: u64,
    /// Where it begins, in bytes from the start of the source; where the next one does if its length is
    /// 0.
    pub offset: u64,
}

impl Carry {
    /// Goes on with a line that has begun.
    pub fn resume(begun: BegunLine, line_bytes_max: usize) -> Self {
        Self {
            line_bytes_max,
            kept: begun.bytes,
            line_bytes: begun.length,
            offset: begun.offset,
        }
    }

    /// The line that has begun.
    pub fn begun(&self) -> BegunLine {
        BegunLine {
            bytes: self.kept.clone(),
            length: self.line_bytes,
            offset: self.offset,
        }
    }

    /// Starts at `offset`, which is the beginning of a line. At most `line_bytes_max` bytes of a
    /// line's content are of interest.
    pub fn new(offset: u64, line_bytes_max: usize) -> Self {
        Self {
            line_bytes_max,
            kept: Vec::new(),
            line_bytes: 0,
            offset,
        }
    }

    /// Takes the next block.
    pub fn push(&mut self, block: &[u8]) -> Pushed {
        let Some(first) = first_start(block) else {
            self.keep(block);
            return Pushed {
                completed: None,
                lines: 0..0,
            };
        };
        let start = if self.line_bytes == 0 { 0 } else { first };
        let completed = (start > 0).then(|| {
            self.keep(&block[..first]);
            self.take()
        });
        let end = memrchr(b'\n', block).map_or(start, |newline| newline + 1);
        self.offset += (end - start) as u64;
        self.keep(&block[end..]);
        Pushed {
            completed,
            lines: start..end,
        }
    }

    /// The last line, where the source ended without a newline.
    pub fn finish(&mut self) -> Option<Completed> {
        (self.line_bytes > 0).then(|| self.take())
    }

    /// Whether a line has begun and not ended.
    pub fn is_pending(&self) -> bool {
        self.line_bytes > 0
    }

    /// Two bytes more than the limit are kept: enough to tell a longer line from a longest one
    /// with `\r\n`.
    fn keep(&mut self, bytes: &[u8]) {
        let room = (self.line_bytes_max + 2).saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.line_bytes += bytes.len() as u64;
    }

    fn take(&mut self) -> Completed {
        let offset = self.offset;
        self.offset += std::mem::take(&mut self.line_bytes);
        Completed {
            bytes: std::mem::take(&mut self.kept),
            offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The lines of `bytes` with their offsets, terminators included: the obvious way.
    fn lines(bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut offset = 0;
        bytes
            .split_inclusive(|&byte| byte == b'\n')
            .map(|line| {
                offset += line.len() as u64;
                (offset - line.len() as u64, line.to_vec())
            })
            .collect()
    }

    fn logs() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(&b"ab\r\n\n\0"[..]), 0..60)
    }

    #[test]
    fn a_carriage_return_belongs_to_the_terminator_only_before_a_newline() {
        let cases: [(&[u8], &[u8]); 5] = [
            (b"a\r\n", b"a"),
            (b"a\n", b"a"),
            (b"a\r", b"a\r"),
            (b"a\r\r\n", b"a\r"),
            (b"\n", b""),
        ];
        for (line, expected) in cases {
            assert_eq!(content(line), expected);
        }
    }

    proptest! {
        #[test]
        fn pieces_cover_everything_and_single_out_the_longer_lines(bytes in logs(), max in 1usize..9) {
            let mut at = 0;
            for piece in pieces(&bytes, max) {
                let (range, overlong) = match piece {
                    Piece::Lines(range) => (range, false),
                    Piece::Overlong(range) => (range, true),
                };
                prop_assert_eq!(range.start, at);
                prop_assert!(!range.is_empty());
                for (_, line) in lines(&bytes[range.clone()]) {
                    prop_assert_eq!(content(&line).len() > max, overlong);
                }
                prop_assert!(!overlong || lines(&bytes[range.clone()]).len() == 1);
                at = range.end;
            }
            prop_assert_eq!(at, bytes.len());
        }

        #[test]
        fn a_carry_gives_the_same_lines_however_the_blocks_fall(
            bytes in logs(),
            cuts in prop::collection::vec(0usize..60, 0..8),
            max in 1usize..70,
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut carry = Carry::new(0, max);
            let mut found = Vec::new();
            for cut in cuts.windows(2) {
                let block = &bytes[cut[0]..cut[1]];
                let pushed = carry.push(block);
                found.extend(pushed.completed.map(|line| (line.offset, line.bytes)));
                let start = (cut[0] + pushed.lines.start) as u64;
                found.extend(lines(&block[pushed.lines]).into_iter().map(|(offset, line)| (start + offset, line)));
            }
            found.extend(carry.finish().map(|line| (line.offset, line.bytes)));
            let cut_at = |line: &[u8]| content(line)[..content(line).len().min(max)].to_vec();
            let found: Vec<_> = found.iter().map(|(offset, line)| (*offset, cut_at(line))).collect();
            let expected: Vec<_> = lines(&bytes).iter().map(|(offset, line)| (*offset, cut_at(line))).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn lines_are_counted_with_an_unfinished_last_one(bytes in logs()) {
            prop_assert_eq!(count_lines(&bytes), lines(&bytes).len());
        }
    }
}
