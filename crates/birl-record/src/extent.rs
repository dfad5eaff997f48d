//! Extents: which lines are one record.
//!
//! A record begins where a [parser](Parser) says that one begins, and goes on to where the next one
//! does, or to a line that [frames](Parser::frames) records, such as a header. What is longer than
//! [`RECORD_BYTES_MAX`] or [`RECORD_LINES_MAX`] is cut there, and the lines up to the next beginning
//! belong to no record. So whether a line belongs to a record can be told from what stands within
//! these limits before it, wherever reading began.
//!
//! Where that takes more than the line itself, chunks begin where a record does, and the parser is
//! asked for all [starts](Parser::starts) in one.

use std::cell::Cell;
use std::ops::Range;

use memchr::{memchr, memrchr};

use crate::format::{Parser, State};
use crate::framing::{self, Completed};

/// So many bytes of a record are looked at.
pub const RECORD_BYTES_MAX: usize = 1 << 20;

/// So many lines of a record are looked at.
pub const RECORD_LINES_MAX: usize = 10_000;

/// Where a record stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The record, with its last terminator.
    pub range: Range<usize>,
    /// Where the next record begins: behind the end of `range` where this one was cut, or where lines
    /// that are no part of any stand between them.
    pub next: usize,
    /// Whether this is only the beginning of what stands there.
    pub is_cut: bool,
}

/// Finds records in a chunk of whole lines.
#[derive(Clone, Debug)]
pub struct Extents<'a> {
    parser: &'a Parser,
    chunk: &'a [u8],
    /// The source begins with the chunk, so that a record does.
    is_start: bool,
    /// Where records may begin, where not every line tells by itself.
    starts: Option<Vec<usize>>,
    /// What begins a record, as far as the first bytes of a line tell.
    opening: Option<&'static [u8]>,
    /// What was asked for last, whether a record begins there: it is asked several times.
    begun: Cell<Option<(usize, bool)>>,
    /// A line that was looked at last: where it begins, and where it ends.
    line: Cell<(usize, usize)>,
}

impl<'a> Extents<'a> {
    /// Records as `parser` tells them; `is_start` where the source begins with the chunk.
    pub fn new(parser: &'a Parser, chunk: &'a [u8], is_start: bool) -> Self {
        Self {
            parser,
            chunk,
            is_start,
            starts: parser.starts(&State::default(), chunk),
            opening: parser.opening(),
            begun: Cell::new(None),
            // No line ends where it begins.
            line: Cell::new((0, 0)),
        }
    }

    /// Where the first record begins, or the chunk ends.
    pub fn first(&self) -> usize {
        self.next_start(0)
    }

    /// The record that holds the byte at `place`, if it begins at `floor` or behind it, where a line
    /// begins, and within the limits.
    pub fn around(&self, place: usize, floor: usize) -> Option<Extent> {
        let floor = floor.max(place.saturating_sub(RECORD_BYTES_MAX - 1));
        let mut end = place;
        for _ in 0..RECORD_LINES_MAX {
            let newline = memrchr(b'\n', &self.chunk[floor..end]);
            let start = newline.map_or(floor, |newline| floor + newline + 1);
            let is_line = start == 0 || self.chunk[start - 1] == b'\n';
            if is_line && self.begins(start) {
                return Some(self.at(start)).filter(|extent| extent.range.contains(&place));
            }
            if is_line && self.frames(start) {
                return None;
            }
            end = floor + newline?;
        }
        None
    }

    /// The records between the beginning of one and that of a later one, or the chunk's end.
    pub fn all(&self, range: Range<usize>) -> impl Iterator<Item = Extent> {
        let mut at = range.start;
        std::iter::from_fn(move || {
            let extent = (at < range.end).then(|| self.at(at))?;
            at = extent.next;
            Some(extent)
        })
    }

    /// All records.
    pub fn into_all(self) -> impl Iterator<Item = Extent> + use<'a> {
        let mut at = self.first();
        std::iter::from_fn(move || {
            let extent = (at < self.chunk.len()).then(|| self.at(at))?;
            at = extent.next;
            Some(extent)
        })
    }

    /// The record that begins at `start`.
    pub fn at(&self, start: usize) -> Extent {
        match self.end_of_line(start) {
            Ok(end) => Extent {
                range: start..end,
                next: end,
                is_cut: false,
            },
            Err(end) => self.of_several_lines(start, end),
        }
    }

    /// Calls `found` with where each record begins and ends, and whether it was cut.
    ///
    /// It is what [`into_all`](Self::into_all) gives, without making an [`Extent`] of each.
    pub(crate) fn each(&self, mut found: impl FnMut(Range<usize>, bool)) {
        let mut at = self.first();
        while at < self.chunk.len() {
            at = match self.end_of_line(at) {
                Ok(end) => {
                    found(at..end, false);
                    end
                }
                Err(end) => {
                    let extent = self.of_several_lines(at, end);
                    found(extent.range, extent.is_cut);
                    extent.next
                }
            };
        }
    }

    /// Where the line that begins at `start` ends, if it is a record and the next begins right behind
    /// it, as with most; else that is an error.
    #[inline]
    fn end_of_line(&self, start: usize) -> Result<usize, usize> {
        let end = self.line_end(start);
        let is_record =
            end - start <= RECORD_BYTES_MAX && (end == self.chunk.len() || self.begins(end));
        if is_record { Ok(end) } else { Err(end) }
    }

    /// The record that begins at `start`, with a line that ends at `end`.
    fn of_several_lines(&self, start: usize, end: usize) -> Extent {
        let mut end = end;
        let mut lines = 1;
        while lines < RECORD_LINES_MAX && end - start <= RECORD_BYTES_MAX && !self.ends(end) {
            end = line_end(self.chunk, end);
            lines += 1;
        }
        let is_cut = end - start > RECORD_BYTES_MAX || !self.ends(end);
        Extent {
            range: start..end.min(start + RECORD_BYTES_MAX),
            next: self.next_start(end),
            is_cut,
        }
    }

    /// Whether no record goes on with the line at `at`.
    fn ends(&self, at: usize) -> bool {
        at == self.chunk.len() || self.begins(at) || self.frames(at)
    }

    /// Where the first record begins that begins from `at` on, where a line begins; the chunk's end
    /// if there is none.
    fn next_start(&self, at: usize) -> usize {
        let mut at = at;
        while at < self.chunk.len() && !self.begins(at) {
            at = line_end(self.chunk, at);
        }
        at
    }

    /// Where the line that begins at `start` ends, terminator included.
    #[inline]
    fn line_end(&self, start: usize) -> usize {
        match self.line.get() {
            (begin, end) if begin == start && begin < end => end,
            _ => line_end(self.chunk, start),
        }
    }

    /// The line that begins at `start`, as much of it as is looked at.
    fn line_at(&self, start: usize) -> &'a [u8] {
        let end = self.line_end(start);
        self.line.set((start, end));
        looked_at(&self.chunk[start..end])
    }

    #[inline]
    fn begins(&self, start: usize) -> bool {
        if let Some(opening) = self.opening
            && self.starts.is_none()
            && opens(&self.chunk[start..], opening)
        {
            return true;
        }
        if let Some((last, begins)) = self.begun.get()
            && last == start
        {
            return begins;
        }
        let begins = self.find_whether_begins(start);
        self.begun.set(Some((start, begins)));
        begins
    }

    fn find_whether_begins(&self, start: usize) -> bool {
        if let Some(starts) = &self.starts
            && starts.binary_search(&start).is_err()
        {
            return false;
        }
        if let Some(opening) = self.opening
            && opens(&self.chunk[start..], opening)
        {
            return true;
        }
        let is_first = self.is_start && start == 0 && !self.frames(start);
        is_first || self.parser.begins(self.line_at(start))
    }

    fn frames(&self, start: usize) -> bool {
        self.parser.frames(self.line_at(start))
    }
}

/// Where the first record begins in `bytes`, which begin where a line does, behind lines that leave
/// `state`; an unfinished last line is not looked at.
pub fn first_start(parser: &Parser, state: &State, bytes: &[u8]) -> Option<usize> {
    let whole = memrchr(b'\n', bytes).map_or(0, |newline| newline + 1);
    starts(parser, state, &bytes[..whole]).next()
}

/// Where records begin in whole lines that come behind `state`.
fn starts<'a>(
    parser: &'a Parser,
    state: &State,
    lines: &'a [u8],
) -> Box<dyn DoubleEndedIterator<Item = usize> + 'a> {
    let begins = |start: &usize| parser.begins(line_at(lines, *start));
    match parser.starts(state, lines) {
        Some(starts) => Box::new(starts.into_iter().filter(begins)),
        None => Box::new(line_starts(lines).filter(begins)),
    }
}

/// Whether a text begins with a few bytes: so few that calling for a comparison takes longer.
#[inline]
fn opens(text: &[u8], opening: &[u8]) -> bool {
    let pairs = text.iter().zip(opening);
    text.len() >= opening.len() && pairs.fold(true, |same, (one, other)| same & (one == other))
}

/// The line that begins at `start`, as much of it as is looked at.
fn line_at(bytes: &[u8], start: usize) -> &[u8] {
    looked_at(&bytes[start..line_end(bytes, start)])
}

/// As much of a line as is looked at.
fn looked_at(line: &[u8]) -> &[u8] {
    let line = framing::content(line);
    &line[..line.len().min(RECORD_BYTES_MAX)]
}

/// Where the line that begins at `start` ends, terminator included.
fn line_end(bytes: &[u8], start: usize) -> usize {
    memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |newline| start + newline + 1)
}

/// Joins the lines of records that come in pieces: the record that comes last may go on, and is kept.
#[derive(Debug, Default)]
pub struct RecordCarry {
    /// The beginning of an unfinished record.
    kept: Vec<u8>,
    /// Where it begins, in bytes from the start of the source.
    offset: u64,
}

/// What pushed lines gave.
#[derive(Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The record that had begun earlier and ended in these lines.
    pub completed: Option<Completed>,
    /// The records that lie whole in these lines; what comes before the first belongs to one that
    /// was cut.
    pub records: Range<usize>,
}

impl RecordCarry {
    /// Goes on with a record that has [begun](Self::begun).
    pub fn resume(begun: Completed) -> Self {
        Self {
            kept: begun.bytes,
            offset: begun.offset,
        }
    }

    /// The record that has begun and not ended, as far as it has come.
    pub fn begun(&self) -> Option<Completed> {
        self.is_pending().then(|| Completed {
            bytes: self.kept.clone(),
            offset: self.offset,
        })
    }

    /// Takes whole lines, which begin at `offset` and follow on those before, which leave `state`.
    pub fn push(&mut self, parser: &Parser, state: &State, lines: &[u8], offset: u64) -> Pushed {
        let mut starts = starts(parser, state, lines);
        let first = match self.kept.is_empty() {
            true => Some(0),
            false => starts.next(),
        };
        let Some(first) = first else {
            self.kept.extend_from_slice(lines);
            // What is longer is cut, wherever it ends.
            let is_full = self.kept.len() > RECORD_BYTES_MAX;
            return Pushed {
                completed: is_full.then(|| self.finish()).flatten(),
                records: 0..0,
            };
        };
        self.kept.extend_from_slice(&lines[..first]);
        let completed = self.finish();
        let last = starts.next_back().unwrap_or(first).max(first);
        self.kept.extend_from_slice(&lines[last..]);
        self.offset = offset + last as u64;
        Pushed {
            completed,
            records: first..last,
        }
    }

    /// The record that has begun: nothing more of it comes.
    pub fn finish(&mut self) -> Option<Completed> {
        (!self.kept.is_empty()).then(|| Completed {
            bytes: std::mem::take(&mut self.kept),
            offset: self.offset,
        })
    }

    /// Whether a record has begun and not ended.
    pub fn is_pending(&self) -> bool {
        !self.kept.is_empty()
    }
}

/// Where the lines of `bytes` begin.
fn line_starts(bytes: &[u8]) -> impl DoubleEndedIterator<Item = usize> {
    let body = &bytes[..bytes.len().saturating_sub(1)];
    let after_newlines = memchr::memchr_iter(b'\n', body).map(|newline| newline + 1);
    let first = (!bytes.is_empty()).then_some(0);
    first.into_iter().chain(after_newlines)
}
