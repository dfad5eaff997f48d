//! logfmt: a record a line, as `key=value` pairs.
//!
//! ```text
//! timestamp=2026-03-14T14:05:30.500Z level=error message="no answer" source=app.log offset=120 status=503
//! ```

pub(crate) mod rows;

use std::io::{self, Write};

use birl_record::value::Value;

use crate::answer::RenderSource;
use crate::decimal::push_decimal;
use crate::entry::{Entry, RenderRecord};
use crate::fields::{Fields, Path};
use crate::flat::{each_flat, write_path};
use crate::json::string::write_string;
use crate::members::{Item, Members};
use crate::zone::DisplayZone;

/// Records as pairs, a line a record.
///
/// The pairs are those of [`Json`](crate::Json), in the same order. Of an object each member is a
/// pair (`user.name=ann`); a list is written as JSON. In a key, all that could not stand there is
/// `_`. A value is in double quotes where it is empty or has a space, a quote, `=`, a backslash or a
/// control character in it, with the escapes of JSON. Invalid UTF-8 becomes U+FFFD.
#[derive(Clone, Debug)]
pub struct Logfmt {
    members: Members,
    zone: DisplayZone,
}

impl Logfmt {
    /// Writes these fields, and times in this zone.
    #[must_use]
    pub fn new(fields: Fields, zone: DisplayZone) -> Self {
        Self {
            members: Members::new(fields),
            zone,
        }
    }
}

impl RenderRecord for Logfmt {
    fn record(&self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        self.members.each(entry, &mut |path, item, hidden| {
            if let Item::Value(value) = item {
                each_flat(path, value, hidden, &mut |path, value| {
                    write_key(path, start, out);
                    write_pair_value(value, out);
                });
                return;
            }
            write_key(path, start, out);
            match item {
                Item::Time(time) => self.zone.write_rfc3339(time, out),
                Item::Level(level) => out.extend_from_slice(level.name().as_bytes()),
                Item::Number(number) => push_decimal(number, out),
                Item::True => out.extend_from_slice(b"true"),
                Item::Text(text) => write_value(&text.decode(), out),
                Item::Bytes(bytes) => write_value(bytes, out),
                Item::Value(_) => {}
            }
        });
        out.push(b'\n');
    }
}

impl RenderSource for Logfmt {
    fn count(&self, source: &[u8], count: u64, out: &mut dyn Write) -> io::Result<()> {
        let mut line = b"source=".to_vec();
        write_value(source, &mut line);
        line.extend_from_slice(b" count=");
        push_decimal(count, &mut line);
        line.push(b'\n');
        out.write_all(&line)
    }

    fn source(&self, source: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let mut line = b"source=".to_vec();
        write_value(source, &mut line);
        line.push(b'\n');
        out.write_all(&line)
    }
}

/// Writes a key and what stands around it; the line begins at `start`.
fn write_key(path: &Path<'_>, start: usize, out: &mut Vec<u8>) {
    if out.len() > start {
        out.push(b' ');
    }
    write_path(path, out, write_key_part);
    out.push(b'=');
}

fn write_key_part(name: &[u8], out: &mut Vec<u8>) {
    if name.is_empty() {
        return out.push(b'_');
    }
    for char in String::from_utf8_lossy(name).chars() {
        let stands_in_key = !char.is_whitespace() && !char.is_control() && !"=\"\\".contains(char);
        let char = if stands_in_key { char } else { '_' };
        out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

fn write_pair_value(value: Value<'_>, out: &mut Vec<u8>) {
    write_value(&value.bytes(), out);
}

/// Writes a value, in quotes if it needs them.
fn write_value(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    if bytes.is_empty() || bytes.iter().any(|&byte| needs_quotes(byte)) {
        return write_string(bytes, out);
    }
    if bytes.is_ascii() {
        return out.extend_from_slice(bytes);
    }
    write_string(bytes, out);
    // Without escapes the quotes are not needed, unless a character is a space of another script.
    let written = &out[start + 1..out.len() - 1];
    let is_plain = str::from_utf8(written)
        .is_ok_and(|text| !text.contains(|char: char| char == '\\' || char.is_whitespace()));
    if is_plain {
        out.remove(start);
        out.pop();
    }
}

fn needs_quotes(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f || b"=\"\\".contains(&byte)
}
