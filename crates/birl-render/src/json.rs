//! JSON, one object a line, for programs that read what birl found.
//!
//! ```text
//! {"timestamp":"2026-03-14T14:05:30.500Z","level":"error","message":"no answer","source":"app.log","offset":120,"status":503}
//! ```

#[cfg(test)]
mod laws;
pub(crate) mod rows;
pub(crate) mod string;
pub(crate) mod value;

use std::io::{self, Write};

use self::string::write_string;
use self::value::write_value;
use crate::answer::{Line, RenderLine, RenderSource};
use crate::decimal::push_decimal;
use crate::entry::{Entry, RenderRecord};
use crate::fields::{Fields, Hidden, Path};
use crate::members::{Item, Members};
use crate::zone::DisplayZone;

/// Records as JSON, an object a line.
///
/// An object is `timestamp` (RFC 3339), `level`, `message`, `source` and `offset`, as far as they are
/// there and asked for, then the fields of the log under their own names and nested as they were. A
/// field that only says what `timestamp`, `level` or `message` do is left out, and one that is called
/// like a fixed column without being it is `fields.NAME`. Numbers stay as they are written; of
/// repeated names the first is written; what is no JSON becomes a string.
/// `number` is there where it is given, and `"cut":true` and `"context":true` where they hold.
///
/// A count is `source` and `count`; a source is `source`. Invalid UTF-8 becomes U+FFFD; all control
/// characters are escaped, so that the output is harmless on a terminal too.
#[derive(Clone, Debug)]
pub struct Json {
    members: Members,
    zone: DisplayZone,
}

impl Json {
    /// Writes these fields, and times in this zone.
    #[must_use]
    pub fn new(fields: Fields, zone: DisplayZone) -> Self {
        Self {
            members: Members::new(fields),
            zone,
        }
    }

    fn write_item(&self, path: &Path<'_>, item: Item<'_>, hidden: &Hidden, out: &mut Vec<u8>) {
        match item {
            Item::Time(time) => {
                out.push(b'"');
                self.zone.write_rfc3339(time, out);
                out.push(b'"');
            }
            Item::Level(level) => {
                out.push(b'"');
                out.extend_from_slice(level.name().as_bytes());
                out.push(b'"');
            }
            Item::Number(number) => push_decimal(number, out),
            Item::True => out.extend_from_slice(b"true"),
            Item::Text(text) => write_string(&text.decode(), out),
            Item::Bytes(bytes) => write_string(bytes, out),
            Item::Value(value) => write_value(value, path, hidden, out),
        }
    }
}

impl RenderRecord for Json {
    fn record(&self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        out.push(b'{');
        let opened = out.len();
        self.members.each(entry, &mut |path, item, hidden| {
            if out.len() > opened {
                out.push(b',');
            }
            write_key(path, out);
            self.write_item(path, item, hidden, out);
        });
        out.extend_from_slice(b"}\n");
    }
}

impl RenderSource for Json {
    fn count(&self, source: &[u8], count: u64, out: &mut dyn Write) -> io::Result<()> {
        let mut object = br#"{"source":"#.to_vec();
        write_string(source, &mut object);
        object.extend_from_slice(br#","count":"#);
        push_decimal(count, &mut object);
        object.extend_from_slice(b"}\n");
        out.write_all(&object)
    }

    fn source(&self, source: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let mut object = br#"{"source":"#.to_vec();
        write_string(source, &mut object);
        object.extend_from_slice(b"}\n");
        out.write_all(&object)
    }
}

/// What matched, each match as an object of its own: `source`, `offset` and `line`, where `line` and
/// `offset` are those of the match, and `number` where it is given. Lines without a match are left
/// out.
#[derive(Clone, Copy, Debug)]
pub struct JsonMatches;

impl RenderLine for JsonMatches {
    fn line(&self, line: &Line<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut objects = Vec::new();
        for (start, matched) in line.matches() {
            objects.extend_from_slice(br#"{"source":"#);
            write_string(line.source, &mut objects);
            objects.extend_from_slice(br#","offset":"#);
            push_decimal(line.offset + start as u64, &mut objects);
            if let Some(number) = line.number {
                objects.extend_from_slice(br#","number":"#);
                push_decimal(number, &mut objects);
            }
            objects.extend_from_slice(br#","line":"#);
            write_string(matched, &mut objects);
            objects.extend_from_slice(b"}\n");
        }
        out.write_all(&objects)
    }
}

/// Writes the name of a member, and the colon behind it.
fn write_key(path: &Path<'_>, out: &mut Vec<u8>) {
    out.push(b'"');
    if path.is_prefixed {
        out.extend_from_slice(b"fields.");
    }
    string::write_inside(&path.name().decode(), out);
    out.extend_from_slice(b"\":");
}
