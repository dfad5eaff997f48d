//! Lines with a timestamp near their beginning, perhaps a level, perhaps a component, and a message:
//! what is left when no format of its own is known.

use std::sync::Arc;

use super::cursor::{Cursor, commonest};
use super::{Format, Known, Sample};
use crate::level::Severity;
use crate::record::{Record, Timestamp};
use crate::time::{self, Shape};
use crate::value::{Text, Value};

pub(super) const KNOWN: Known = Known {
    name: "timed",
    about: "any lines with a timestamp near their beginning, and what else can be told of them",
    samples: &[
        Sample {
            text: "2026-03-14 14:05:30,250 WARN  [pool-1] c.s.Checkout - slow\n\tat c.s.Main",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"warn","message":"slow\n\tat c.s.Main","thread":"pool-1","component":"c.s.Checkout"}"#,
        },
        Sample {
            text: "[2026-03-14T14:05:30Z] ERROR: cannot connect: refused",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"cannot connect: refused"}"#,
        },
        Sample {
            text: "[14:05:30] deploy payments: done",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"deploy payments: done"}"#,
        },
    ],
    open: |lines| {
        let shape = commonest(lines.iter().filter_map(|line| Some(find(line)?.0)));
        Some(Arc::new(Timed { shape: shape? }))
    },
};

/// A timestamp begins in so many bytes from the beginning of a line.
const START_BYTES_MAX: usize = 48;

/// So many words may stand before it.
const WORDS_BEFORE_MAX: usize = 3;

/// Lines with a timestamp.
#[derive(Debug)]
struct Timed {
    shape: Shape,
}

impl Format for Timed {
    fn name(&self) -> &str {
        KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        self.find(line).is_some()
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let Some((shape, range)) = self.find(text) else {
            return;
        };
        record.timestamp = Some(Timestamp::of_shape(&text[range.clone()], shape));
        let mut before = Cursor::new(&text[..range.start]);
        while let Some(word) = before.word() {
            before.skip_space();
            let word = word.trim_ascii();
            record.severity = record.severity.or(level(word));
        }
        let mut rest = Cursor::new(&text[range.end..]);
        read_head(&mut rest, record);
        record.message = Some(Text::plain(rest.rest()));
    }
}

impl Timed {
    /// The timestamp of the line: one of the source's shape at the very beginning, or else any.
    fn find(&self, line: &[u8]) -> Option<(Shape, std::ops::Range<usize>)> {
        let start = usize::from(line.first() == Some(&b'['));
        match self.shape.parse(line.get(start..)?) {
            Some((_, taken)) => Some((self.shape, start..start + taken)),
            None => find(line),
        }
    }
}

/// A timestamp that stands near the beginning of a line.
fn find(line: &[u8]) -> Option<(Shape, std::ops::Range<usize>)> {
    // Parts of a record are indented.
    if line.first()?.is_ascii_whitespace() {
        return None;
    }
    let (shape, range) = time::find(line, START_BYTES_MAX)?;
    let before = line[..range.start].trim_ascii();
    let words = before.split(|byte| *byte == b' ').count();
    (words <= WORDS_BEFORE_MAX).then_some((shape, range))
}

/// Takes what stands between the timestamp and the message.
fn read_head<'a>(cursor: &mut Cursor<'a>, record: &mut Record<'a>) {
    skip_separators(cursor);
    loop {
        let before = *cursor;
        let known = match bracketed(cursor) {
            Some(text) => read_bracketed(text, record),
            None => read_word(cursor, record),
        };
        if !known {
            *cursor = before;
            return;
        }
        skip_separators(cursor);
    }
}

/// What separates the parts of a head from each other and from the message.
fn skip_separators(cursor: &mut Cursor<'_>) {
    let _ = cursor
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b']' | b')' | b':' | b'|' | b'-' | b','));
}

fn bracketed<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    [(b'[', b']'), (b'(', b')'), (b'<', b'>')]
        .into_iter()
        .find_map(|(open, close)| cursor.between(open, close))
}

/// A level, or a thread.
fn read_bracketed<'a>(text: &'a [u8], record: &mut Record<'a>) -> bool {
    let text = text.trim_ascii();
    if text.is_empty() || text.len() > 64 {
        return false;
    }
    if record.severity.is_none() && level(text).is_some() {
        record.severity = level(text);
        return true;
    }
    let name = ["thread", "component"].into_iter().find(|name| {
        record
            .fields
            .iter()
            .all(|field| !field.name.is(name.as_bytes()))
    });
    if let Some(name) = name {
        push(record, name, text);
    }
    name.is_some()
}

/// A level, or a component: a word with a colon or ` - ` behind it.
fn read_word<'a>(cursor: &mut Cursor<'a>, record: &mut Record<'a>) -> bool {
    let Some(word) = cursor.word() else {
        return false;
    };
    let bare = word.strip_suffix(b":").unwrap_or(word);
    if record.severity.is_none()
        && let Some(severity) = level(bare)
    {
        record.severity = Some(severity);
        return true;
    }
    let is_component = bare.len() < word.len() || cursor.rest().starts_with(b" - ");
    let is_name = bare
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._-$/[]@".contains(byte));
    let is_new = record
        .fields
        .iter()
        .all(|field| !field.name.is(b"component"));
    // In `deploy payments: done` the words before a colon are a sentence.
    let is_first_of_record = record.severity.is_some() || !record.fields.is_empty();
    let takes = is_component && is_name && is_new && is_first_of_record && bare.contains(&b'.');
    if takes {
        push(record, "component", bare);
    }
    takes
}

fn push<'a>(record: &mut Record<'a>, name: &'static str, text: &'a [u8]) {
    record.push(Text::plain(name.as_bytes()), Value::Text(Text::plain(text)));
}

/// A level as it is written in a head: not in small letters only, as other words are.
fn level(word: &[u8]) -> Option<Severity> {
    let is_capital = word.first()?.is_ascii_uppercase() || word.len() >= 4;
    is_capital.then(|| Severity::from_word(word))?
}
