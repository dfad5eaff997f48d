//! Formats: what programs write into logs, and how birl knows which it is.
//!
//! Each format is a file with its samples, and a line in [`KNOWN`].

mod access;
mod apache_error;
mod cursor;
mod field;
mod json;
mod logfmt;
mod nginx_error;
mod parser;
mod syslog;
mod syslog_5424;
#[cfg(test)]
mod tests;
mod timed;

use std::fmt::Debug;
use std::sync::Arc;

use crate::record::Record;
use crate::value::Value;

pub use parser::{Lines, Parser};

/// A format, as a certain source uses it.
pub trait Format: Debug + Send + Sync {
    /// What it is called, in lower case.
    fn name(&self) -> &str;

    /// Whether a record of this format begins with `line`, which is given without its terminator.
    ///
    /// Of any line that is not its own, a format says no: what another format could have written is
    /// not claimed on a guess.
    fn begins(&self, line: &[u8]) -> bool;

    /// What a line is that begins no record.
    fn lines(&self) -> Lines {
        Lines::Several
    }

    /// Reads a record, the first line of which [`begins`](Self::begins) one, into `record`, which is
    /// empty.
    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>);

    /// The field that `path` names, as [`Record::get`] finds it in what [`parse`](Self::parse)
    /// reads; faster where the format knows how.
    fn get<'a>(&'a self, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        let mut record = Record::default();
        self.parse(text, &mut record);
        record.get(path)
    }
}

/// A line of the registry.
pub struct Known {
    /// What it is called, in lower case, as `--input-format` has it.
    pub name: &'static str,
    /// What writes it, for people.
    pub about: &'static str,
    /// Records of it, and what they say.
    pub samples: &'static [Sample],
    /// The format as it is used in these lines, if it may be.
    open: Open,
}

/// The format as it is used in some lines, if it may be.
type Open = fn(&[&[u8]]) -> Option<Arc<dyn Format>>;

/// A record of a format, and what it says.
pub struct Sample {
    /// The record, without the last terminator. With several lines, a header first where the format
    /// has one.
    pub text: &'static str,
    /// What the last record in the text says, as JSON: `timestamp`, `level` and `message` first, as
    /// far as it says them, then the fields that do not feed those. (A time without a date is seen
    /// from the end of 2026-03-14.)
    pub record: &'static str,
}

/// All formats that birl knows. Where several could have written a source, the first is taken: so
/// the more particular come before the more general.
pub static KNOWN: &[Known] = &[
    json::KNOWN,
    syslog_5424::KNOWN,
    syslog::KNOWN,
    nginx_error::KNOWN,
    apache_error::KNOWN,
    access::KNOWN,
    logfmt::KNOWN,
    timed::KNOWN,
];

impl Known {
    /// The format of this name.
    pub fn named(name: &str) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.name == name)
    }
}
