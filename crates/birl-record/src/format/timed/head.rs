//! What stands around the timestamp of a line, and which of it the lines of a source have in common.
//!
//! `WARN disk: full` is a level, a component and a message in one log, and in another the message
//! `disk: full`: what only some lines have is likely a part of the message. So the lines of a source
//! are read together when it is opened, part by part, and those parts are heads that most have.

use std::ops::Range;

use memchr::memchr;

use super::part::{Kind, Part, is_place, is_qualified, parts, skip_blank, skip_separator, strict};
use crate::format::cursor::Cursor;
use crate::format::field;
use crate::format::layout::within;
use crate::level::Severity;
use crate::record::Record;

/// A head has no more parts.
const PARTS_MAX: usize = 8;

/// No bracket around a timestamp is wider.
const BYTES_MAX: usize = 100;

/// What is told by shares of lines needs so many to be told.
const LINES_MIN: usize = 5;

/// What the lines of a source have between timestamp and message.
#[derive(Debug)]
pub(super) struct Head {
    /// How often each part is of each kind.
    steps: Vec<Step>,
}

/// How often a part is of each kind, in lines that have the parts before it.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    lines: usize,
    counts: [usize; Kind::COUNT],
}

/// How far a head has been read.
#[derive(Clone, Copy, Debug)]
struct Progress<'a> {
    rest: &'a [u8],
    /// What separates the columns of the line, if it has any.
    bar: u8,
    has_level: bool,
    has_parts: bool,
    /// The last separator that only stands between parts of a head, or before the message.
    separator: Option<Kind>,
}

impl Head {
    /// What these lines, with their timestamps, have in common.
    pub(super) fn of(lines: &[(&[u8], Range<usize>)]) -> Self {
        let mut head = Self { steps: Vec::new() };
        let mut heads: Vec<_> = lines
            .iter()
            .map(|(line, time)| Progress::behind(line, time, &mut Record::default()))
            .collect();
        while !heads.is_empty() && head.steps.len() < PARTS_MAX {
            let at = head.steps.len();
            head.steps.push(Step::of(&heads));
            heads = heads
                .into_iter()
                .filter_map(|progress| Some(head.next(at, progress)?.1))
                .collect();
        }
        head
    }

    /// Reads what stands before the timestamp, and what stands behind it, and says where the message
    /// begins.
    pub(super) fn read<'a>(
        &self,
        line: &'a [u8],
        time: Range<usize>,
        record: &mut Record<'a>,
    ) -> usize {
        let mut progress = Progress::behind(line, &time, record);
        for at in 0..self.steps.len() {
            let Some((part, next)) = self.next(at, progress) else {
                break;
            };
            record.severity = record.severity.or(part.severity);
            push(part.text, part.kind, record);
            progress = next;
        }
        line.len() - progress.rest.len()
    }

    /// The next part of a head, if there is one.
    fn next<'a>(&self, at: usize, progress: Progress<'a>) -> Option<(Part<'a>, Progress<'a>)> {
        let step = self.steps.get(at)?;
        let found = parts(progress.rest, progress.has_level, progress.bar)
            .find(|part| step.admits(part, &progress))?;
        Some((found, progress.after(&found)))
    }
}

impl Step {
    fn of(heads: &[Progress<'_>]) -> Self {
        let mut step = Self {
            lines: heads.len(),
            counts: [0; Kind::COUNT],
        };
        for progress in heads {
            let mut kinds = [false; Kind::COUNT];
            for part in parts(progress.rest, progress.has_level, progress.bar) {
                kinds[part.kind as usize] = true;
            }
            for (count, is_there) in step.counts.iter_mut().zip(kinds) {
                *count += usize::from(is_there);
            }
        }
        step
    }

    /// Whether at least so many percent of the lines have a part of one of these kinds.
    fn has(&self, percent: usize, kinds: &[Kind]) -> bool {
        let count: usize = kinds.iter().map(|kind| self.counts[*kind as usize]).sum();
        count * 100 >= self.lines * percent
    }

    /// Whether the part is one of the head, and not of the message.
    fn admits(&self, part: &Part<'_>, progress: &Progress<'_>) -> bool {
        let is_told = self.lines >= LINES_MIN;
        let is_kept_apart = match progress.separator {
            None => true,
            Some(Kind::Colon) => false,
            Some(_) => matches!(part.kind, Kind::Hyphen | Kind::Bar),
        };
        match part.kind {
            Kind::Level => true,
            Kind::Word => self.has(50, &[Kind::Level, Kind::Word]),
            Kind::Letter => self.has(80, &[Kind::Letter]),
            _ if !is_kept_apart => false,
            Kind::Bracket => part.before_level || self.has(80, &[Kind::Bracket]),
            Kind::Number | Kind::Status => {
                let kinds = [Kind::Number, Kind::Status];
                // Where all look like a status, they are.
                let are_ids = self.has(10, &kinds[..1]) && self.has(90, &kinds);
                part.before_level || is_told && are_ids
            }
            Kind::Colon if is_qualified(part.text) => self.has(30, &[Kind::Colon]),
            Kind::Colon => {
                let follows = is_told || progress.has_level || progress.has_parts;
                follows && self.has(70, &[Kind::Colon])
            }
            Kind::Hyphen if is_qualified(part.text) => self.has(30, &[Kind::Hyphen]),
            Kind::Hyphen => {
                let follows = is_told || progress.has_level || part.before_level;
                follows && self.has(85, &[Kind::Hyphen])
            }
            Kind::Bar => self.has(85, &[Kind::Bar]),
            Kind::Padded => {
                (part.before_level || is_told) && self.has(80, &[Kind::Padded, Kind::Qualified])
            }
            Kind::Qualified => {
                let is_followed =
                    part.before_level || part.rest.starts_with(b"[") || is_place(part.text);
                let kinds = [Kind::Padded, Kind::Qualified];
                is_followed && self.has(30, &kinds) || is_told && self.has(90, &kinds)
            }
        }
    }
}

impl<'a> Progress<'a> {
    /// Where the parts behind the timestamp begin. What stands before it, or in brackets with it, goes
    /// into `record`.
    fn behind(line: &'a [u8], time: &Range<usize>, record: &mut Record<'a>) -> Self {
        let (head, mut rest) = (&line[..time.start], &line[time.end..]);
        for word in before(head) {
            feed(word, record);
        }
        if let Some(close) = unclosed(head) {
            let near = &rest[..rest.len().min(BYTES_MAX)];
            if let Some(end) = memchr(close, near) {
                let inside = rest[..end].split(|byte| matches!(byte, b' ' | b'/'));
                inside.for_each(|word| feed(word.trim_ascii(), record));
                rest = &rest[end + 1..];
            }
        }
        // What stands right behind the time may be what separates columns.
        let bar = match rest {
            [bar @ (b';' | b'\t'), ..] => *bar,
            [b',', next, ..] if !next.is_ascii_whitespace() => b',',
            _ => b'|',
        };
        Self {
            rest: skip_separator(rest),
            bar,
            has_level: record.severity.is_some(),
            has_parts: !record.fields.is_empty(),
            separator: None,
        }
    }

    fn after(self, part: &Part<'a>) -> Self {
        let separator = match part.kind {
            Kind::Colon | Kind::Hyphen | Kind::Bar => Some(part.kind),
            _ => self.separator,
        };
        Self {
            rest: part.rest,
            bar: self.bar,
            has_level: self.has_level || part.severity.is_some(),
            has_parts: true,
            separator,
        }
    }
}

/// The words before a timestamp: what stands in brackets is one.
pub(super) fn before(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut cursor = Cursor::new(head);
    std::iter::from_fn(move || next_word(&mut cursor))
}

/// Where, behind so many words, a timestamp may begin; `None` where the text is indented, or has
/// fewer words. It is the beginning of a line, and takes as long as all of it is long for each word.
pub(super) fn behind_words(text: &[u8], words: usize) -> Option<usize> {
    if text.first()?.is_ascii_whitespace() {
        return None;
    }
    let mut cursor = Cursor::new(text);
    for _ in 0..words {
        next_word(&mut cursor)?;
    }
    loop {
        let rest = skip_blank(cursor.rest());
        let is_around = rest.first().is_some_and(is_punctuation);
        cursor = Cursor::new(&rest[usize::from(is_around)..]);
        if !is_around {
            return Some(text.len() - rest.len());
        }
    }
}

/// Takes a word that is more than punctuation.
fn next_word<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    loop {
        *cursor = Cursor::new(skip_blank(cursor.rest()));
        let word = match *cursor.rest().first()? {
            b'[' => within(cursor, b'[', b']'),
            b'(' => cursor.between(b'(', b')'),
            b'<' => cursor.between(b'<', b'>'),
            _ => None,
        };
        let is_part = |byte| !matches!(byte, b' ' | b'\t' | b'|' | 0x1b);
        match word.or_else(|| cursor.take_while(is_part)).map(trimmed) {
            Some(b"") => {}
            Some(word) => return Some(word),
            None => *cursor = Cursor::new(&cursor.rest()[1..]),
        }
    }
}

fn is_punctuation(byte: &u8) -> bool {
    b" []()<>{}:,;|-=\"'*#".contains(byte)
}

/// A word without the punctuation around it.
fn trimmed(word: &[u8]) -> &[u8] {
    let start = word.iter().take_while(|byte| is_punctuation(byte));
    let word = &word[start.count()..];
    let end = word.iter().rev().take_while(|byte| is_punctuation(byte));
    let end = end.count();
    &word[..word.len() - end]
}

/// What closes the bracket in which `head` ends.
fn unclosed(head: &[u8]) -> Option<u8> {
    let open = head.iter().rposition(|byte| b"[(<{\"'".contains(byte))?;
    let close = match head[open] {
        b'[' => b']',
        b'(' => b')',
        b'<' => b'>',
        b'{' => b'}',
        // A quote somewhere in the words before may be an apostrophe.
        quote if open + 1 == head.len() => quote,
        _ => return None,
    };
    (!head[open + 1..].contains(&close)).then_some(close)
}

/// Takes a word from beside the timestamp: a level, or what else it may be.
fn feed<'a>(word: &'a [u8], record: &mut Record<'a>) {
    let mut word = trimmed(word);
    // `MainThread::ERROR::`
    if let Some(at) = memchr::memmem::rfind(word, b"::")
        && record.severity.is_none()
    {
        record.severity = strict(&word[at + 2..]);
        word = record.severity.map_or(word, |_| &word[..at]);
    }
    let is_level = word.len() != 1 || word[0].is_ascii_uppercase();
    if record.severity.is_none()
        && is_level
        && let Some(severity) = Severity::from_word(word)
    {
        record.severity = Some(severity);
    } else {
        push(word, Kind::Padded, record);
    }
}

/// Adds what a part says as a field, under a name that its kind suggests.
fn push<'a>(text: &'a [u8], kind: Kind, record: &mut Record<'a>) {
    let is_number = text.iter().all(u8::is_ascii_digit);
    let names = match kind {
        _ if text.is_empty() => return,
        _ if is_number || text.starts_with(b"0x") => ["pid", "thread"],
        Kind::Bracket if !is_qualified(text) => ["thread", "component"],
        _ => ["component", "context"],
    };
    let is_new = |name: &&&str| {
        let mut fields = record.fields.iter();
        fields.all(|field| field.name.raw() != name.as_bytes())
    };
    let name = names.iter().find(is_new).unwrap_or(&"context");
    match is_number {
        true => field::number(record, name, text),
        false => field::text(record, name, text),
    }
}
