//! Fields that stand in the text behind their names, found without reading the records.
//!
//! A value is looked at wherever the last part of the field's name stands with one behind it. What
//! passes is a candidate; only then is the record read, to see whether the name is the one that was
//! meant, at its depth. (After Palkar et al., "Filter Before You Parse", VLDB 2018, and Li et al.,
//! "Mison: A Fast JSON Parser for Data Analytics", VLDB 2017.)

use memchr::{memchr, memmem};

use super::candidates::{Literal, Need};
use super::field::Test;
use crate::format::{Parser, Place};
use crate::value::Value;
use crate::{json, logfmt};

/// Finds the name of a field with a value that passes a test.
#[derive(Clone, Debug)]
pub(super) struct NamedFinder {
    path: Box<[u8]>,
    /// The last part of the name: those before it may be names of objects around it.
    name: Box<memmem::Finder<'static>>,
    test: Test,
}

/// Finds the same value where a format has it in a certain place.
pub(super) struct UnnamedFinder<'a> {
    mark: memmem::Finder<'static>,
    test: &'a Test,
}

/// What stands behind a name.
enum Behind<'a> {
    /// It is a part of a longer one, or no name at all.
    NoName,
    Value(Value<'a>),
    /// Nothing can be said without reading the record.
    Unclear,
}

impl NamedFinder {
    /// What a record has in its text whose field `path` passes `test`, where a format writes all
    /// fields behind their names.
    pub(super) fn need(path: &[u8], test: &Test) -> Need {
        let name = path.rsplit(|&byte| byte == b'.').next().unwrap_or(path);
        let may_be_escaped = |byte: &u8| byte.is_ascii_control() || b"\"'\\/".contains(byte);
        if name.is_empty() || name.iter().any(may_be_escaped) || test.holds(None) {
            return Need::Nothing;
        }
        let finder = Self {
            path: path.into(),
            name: Box::new(memmem::Finder::new(name).into_owned()),
            test: test.clone(),
        };
        // Any character of a name may be written as an escape.
        let escape = |bytes: &[u8]| Literal {
            bytes: bytes.into(),
            folded: false,
        };
        let escapes = Need::Literals(vec![escape(b"\\u"), escape(b"\\x")]);
        Need::Named(finder).or(escapes)
    }

    /// Whether the field is found in whatever record of `parser` has it.
    pub(super) fn suits(&self, parser: &Parser) -> bool {
        parser
            .places(&self.path)
            .all(|place| place != Place::Unknown)
    }

    /// Finds the field where formats of `parser` have it without its name.
    pub(super) fn unnamed(&self, parser: &Parser) -> impl Iterator<Item = UnnamedFinder<'_>> {
        let marks = parser.places(&self.path).filter_map(|place| match place {
            Place::Behind(mark) => Some(mark),
            Place::Named | Place::Unknown => None,
        });
        marks.map(|mark| UnnamedFinder {
            mark: memmem::Finder::new(mark),
            test: &self.test,
        })
    }

    /// Where in `text`, at `from` or behind it, the name first stands with a value that passes.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let len = self.name.needle().len();
        let mut from = from;
        loop {
            let at = from + self.name.find(&text[from..])?;
            let passes = match behind(text, at + len) {
                Behind::NoName => false,
                Behind::Value(value) => self.test.holds(Some(value)),
                Behind::Unclear => true,
            };
            if passes {
                return Some(at);
            }
            from = at + len;
        }
    }
}

impl UnnamedFinder<'_> {
    /// Where in `text`, at `from` or behind it, a number first stands in that place and passes.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut from = from;
        loop {
            let mark = from + self.mark.find(&text[from..])?;
            let at = mark + self.mark.needle().len();
            let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit());
            let number = &text[at..at + digits.count()];
            let ends = text.get(at + number.len()) == Some(&b' ');
            if ends && !number.is_empty() && self.test.holds(Some(Value::Number(number))) {
                return Some(mark);
            }
            from = at;
        }
    }
}

/// What stands behind a name that ends at `end`.
fn behind(text: &[u8], end: usize) -> Behind<'_> {
    let rest = &text[end..];
    match rest {
        [b'"', ..] => behind_quote(text, end + 1),
        // All of the object stands in a string.
        [b'\\', b'"', ..] => behind_quote(text, end + 2),
        [b'=', ..] => behind_equals(text, end + 1),
        [byte, ..] if byte.is_ascii_alphanumeric() || *byte == b'_' => Behind::NoName,
        _ => Behind::Unclear,
    }
}

fn behind_quote(text: &[u8], at: usize) -> Behind<'_> {
    let Some(at) = json::behind_colon(text, at) else {
        return Behind::NoName;
    };
    // A number or a word ends by itself; a string without an end would go on to the next quote.
    let text = match text.get(at) {
        Some(b'"' | b'\\' | b'{' | b'[') => &text[..line_end(text, at)],
        _ => text,
    };
    match json::value(text, at) {
        Some((value, _)) => Behind::Value(value),
        None => Behind::Unclear,
    }
}

fn behind_equals(text: &[u8], at: usize) -> Behind<'_> {
    let line = &text[at..line_end(text, at)];
    match logfmt::value_at(line, 0) {
        // The quote that closes it may be on a later line.
        (Value::Bare([b'"', ..] | [b'\\', b'"', ..]), _) => Behind::Unclear,
        (value, _) => Behind::Value(value),
    }
}

fn line_end(text: &[u8], at: usize) -> usize {
    memchr(b'\n', &text[at..]).map_or(text.len(), |newline| at + newline)
}
