//! Formats: what programs write into logs, and how birl knows which it is.
//!
//! Each format is a file with its samples, and a line in [`KNOWN`].

mod access;
mod alb;
mod apache_error;
mod auditd;
mod cef;
mod columns;
mod compose;
mod cri;
mod csv;
mod cursor;
mod custom;
mod dmesg;
mod docker;
mod elb;
mod enclosed;
mod envoy;
mod erlang;
mod field;
mod formats;
mod go;
mod haproxy;
mod hpc;
mod istio;
mod java_util;
mod journal;
pub(crate) mod json;
pub(crate) mod json_leads;
mod json_pick;
mod json_read;
mod json_spread;
mod klog;
mod layout;
mod leveled;
mod log4j;
mod logcat;
mod logfmt;
mod logrus;
mod macos;
mod mongodb;
mod monolog;
mod mysql;
mod nginx_error;
mod nlb;
mod openstack;
mod parser;
mod php;
mod pick;
#[cfg(test)]
mod pick_laws;
mod pod;
mod postgres;
mod python;
mod read;
mod redis;
mod ruby;
mod rust;
mod s3;
mod spdlog;
mod squid;
mod stamped;
mod state;
mod syslog;
mod syslog_5424;
mod table;
#[cfg(test)]
mod tests;
mod timed;
mod uwsgi;
mod vpc;
mod w3c;
mod windows;
mod zap;
mod zeek;

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use crate::record::{Record, Timestamp};
use crate::value::Value;

pub use custom::{Custom, Description, DescriptionError};
pub use formats::Formats;
pub use parser::{Lines, Parser};
pub use pick::{Pick, Picked, Picker, Wanted};
pub use read::{Read, Reader};
pub use state::{Piece, State, Stateful};

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

    /// Whether `line`, which begins no record of this format, is surely a part of the one before,
    /// even if it looks like the beginning of a record of another format.
    fn goes_on(&self, _line: &[u8]) -> bool {
        false
    }

    /// Whether it takes whatever has a little in common, also lines of other formats.
    fn is_general(&self) -> bool {
        false
    }

    /// Whether a source that has another format may have records of this one, too. Else it is that of
    /// sources in which no other is found.
    fn joins(&self) -> bool {
        true
    }

    /// Whether `line` is no part of any record, but of what the source puts around them, such as a
    /// header.
    fn frames(&self, _line: &[u8]) -> bool {
        false
    }

    /// The same format in these lines, where the user has formats of his own, if that makes a
    /// difference.
    fn among(&self, _own: &[Arc<Custom>], _lines: &[&[u8]]) -> Option<Arc<dyn Format>> {
        None
    }

    /// How lines depend on those before them; `None` where each tells by itself what it is.
    fn stateful(&self) -> Option<&dyn Stateful> {
        None
    }

    /// Whether a value may stand in pieces, with other text between them, as where each line has an
    /// envelope of its own. A value that is looked for cannot be found as it stands then.
    fn scatters(&self) -> bool {
        false
    }

    /// Where in the text the field stands that `path` names, so that it can be looked for before
    /// records are read.
    fn place(&self, _path: &[u8]) -> Place {
        Place::Unknown
    }

    /// How the severity stands in the text, for the same purpose.
    fn severity_place(&self) -> SeverityPlace {
        SeverityPlace::Unknown
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

    /// The same field of a record that has been read: `text` is what [`parse`](Self::parse) made
    /// `record` of.
    fn get_of<'a>(
        &'a self,
        record: &Record<'a>,
        _text: &'a [u8],
        path: &[u8],
    ) -> Option<Value<'a>> {
        record.get(path)
    }

    /// What picks a few things out of one record after the other, faster than [`parse`](Self::parse)
    /// would read them; `None` where the format does not know how.
    fn picker(&self, _wanted: &Wanted) -> Option<Box<dyn Pick>> {
        None
    }

    /// What reads one record after the other whole, faster than [`parse`](Self::parse); `None` where
    /// the format does not know how.
    fn reader(&self) -> Option<Box<dyn Read>> {
        None
    }

    /// Bytes of which each line that begins with them begins a record; so most lines need not be
    /// looked at any further.
    fn opening(&self) -> Option<&'static [u8]> {
        None
    }

    /// The timestamp of a record, as [`parse`](Self::parse) reads it; faster where the format knows
    /// how.
    fn timestamp<'a>(&'a self, text: &'a [u8]) -> Option<Timestamp<'a>> {
        let mut record = Record::default();
        self.parse(text, &mut record);
        record.timestamp
    }
}

/// Where a field stands in the text of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Somewhere, or nowhere.
    #[default]
    Unknown,
    /// Behind its own name, as `"name":value` or `name=value`, if the record has it.
    Named,
    /// It is a number, and stands behind these bytes and before a space.
    Behind(&'static str),
}

/// How a severity stands in the text of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeverityPlace {
    /// In a way of its own.
    #[default]
    Unknown,
    /// As the value of one of the keys that loggers have for it in JSON.
    JsonKeys,
    /// As a word that [`Severity::from_word`] knows, somewhere in the text.
    ///
    /// [`Severity::from_word`]: crate::level::Severity::from_word
    Words,
    /// In one of these two ways.
    WordsOrJsonKeys,
}

/// The fields whose values do not stand in the text of a record, but for a number: they cannot be
/// looked for there. All others are views into it.
pub static DERIVED_FIELDS: [&str; 1] = ["facility"];

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

impl Debug for Known {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Known({})", self.name)
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Known) -> bool {
        self.name == other.name
    }
}

impl Eq for Known {}

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
    w3c::KNOWN,
    zeek::KNOWN,
    csv::KNOWN,
    csv::POSTGRES,
    docker::KNOWN,
    cri::KNOWN,
    compose::KNOWN,
    pod::KNOWN,
    stamped::KNOWN,
    journal::KNOWN,
    cef::KNOWN,
    auditd::KNOWN,
    mongodb::KNOWN,
    json::KNOWN,
    syslog_5424::KNOWN,
    uwsgi::KNOWN,
    klog::KNOWN,
    erlang::KNOWN,
    logcat::KNOWN,
    redis::KNOWN,
    postgres::KNOWN,
    mysql::KNOWN,
    mysql::SLOW,
    mysql::GENERAL,
    mongodb::TEXT,
    openstack::KNOWN,
    hpc::KNOWN,
    windows::KNOWN,
    ruby::KNOWN,
    ruby::RAILS,
    rust::KNOWN,
    zap::KNOWN,
    go::KNOWN,
    logrus::KNOWN,
    spdlog::KNOWN,
    log4j::KNOWN,
    java_util::KNOWN,
    syslog::KNOWN,
    macos::KNOWN,
    nginx_error::KNOWN,
    apache_error::KNOWN,
    haproxy::KNOWN,
    alb::KNOWN,
    elb::KNOWN,
    nlb::KNOWN,
    s3::KNOWN,
    vpc::KNOWN,
    envoy::KNOWN,
    istio::KNOWN,
    squid::KNOWN,
    access::KNOWN,
    monolog::KNOWN,
    python::KNOWN,
    php::KNOWN,
    dmesg::KNOWN,
    logfmt::KNOWN,
    timed::KNOWN,
    leveled::KNOWN,
];

impl Known {
    /// The format of this name.
    pub fn named(name: &str) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.name == name)
    }
}
