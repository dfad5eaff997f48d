//! Values in the columns of an answer: what each is, and how it is written.

mod span;
mod time;
mod values;

use std::io::Write;
use std::ops::Range;

use jiff::civil::Date;

pub(crate) use self::span::Span;
pub(crate) use self::time::{Clock, Time};
pub(crate) use self::values::Values;
use crate::decimal::{push_decimal, push_signed};
use crate::json::string::write_string;
use crate::zone::DisplayZone;

/// A value in a column of an answer.
#[derive(Debug)]
pub(crate) enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    /// Of half the width: it takes fewer digits to tell it from its neighbours.
    Float32(f32),
    /// A decimal number, as it is written.
    Decimal(String),
    Text(&'a str),
    /// Bytes that need not be text. They are written as hexadecimal digits.
    Bytes(&'a [u8]),
    Time(Time<'a>),
    Date(Date),
    /// A time of day, a time that no calendar holds: as it is written.
    Moment(String),
    Span(Span),
    List(List<'a>),
    Object(Object<'a>),
    /// A value of a type that this crate does not know, in the form in which it is debugged.
    Other(String),
}

/// Values that follow each other.
#[derive(Debug)]
pub(crate) struct List<'a> {
    values: &'a Values<'a>,
    rows: Range<usize>,
}

impl List<'_> {
    fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.rows.clone().map(|row| self.values.cell(row))
    }
}

/// Values with names.
#[derive(Debug)]
pub(crate) enum Object<'a> {
    /// The fields of a structure, in a row.
    Fields(&'a [(&'a str, Values<'a>)], usize),
    /// Keys and values.
    Entries(&'a Values<'a>, &'a Values<'a>, Range<usize>),
}

impl Object<'_> {
    /// Whether it has no members.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Object::Fields(fields, _) => fields.is_empty(),
            Object::Entries(_, _, rows) => rows.is_empty(),
        }
    }

    /// Calls `each` with the names and the values.
    pub(crate) fn each(&self, each: &mut dyn FnMut(&[u8], Cell<'_>)) {
        match self {
            Object::Fields(fields, row) => {
                for (name, values) in *fields {
                    each(name.as_bytes(), values.cell(*row));
                }
            }
            Object::Entries(keys, values, rows) => {
                let mut name = Vec::new();
                for row in rows.clone() {
                    name.clear();
                    keys.cell(row).write_text(&DisplayZone::utc(), &mut name);
                    each(&name, values.cell(row));
                }
            }
        }
    }
}

impl Cell<'_> {
    /// Writes the value as JSON. Numbers that are none (NaN) or have no end become null, as JSON has
    /// no way to write them; times are RFC 3339 in `zone`, lengths of time ISO 8601.
    pub(crate) fn write_json(&self, zone: &DisplayZone, out: &mut Vec<u8>) {
        match self {
            Cell::Null => out.extend_from_slice(b"null"),
            Cell::Float(number) if !number.is_finite() => out.extend_from_slice(b"null"),
            Cell::Float32(number) if !number.is_finite() => out.extend_from_slice(b"null"),
            Cell::Text(text) => write_string(text.as_bytes(), out),
            Cell::Other(text) => write_string(text.as_bytes(), out),
            Cell::Bytes(_) | Cell::Time(_) | Cell::Date(_) | Cell::Moment(_) | Cell::Span(_) => {
                out.push(b'"');
                self.write_text(zone, out);
                out.push(b'"');
            }
            Cell::List(list) => {
                out.push(b'[');
                for (place, cell) in list.cells().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    cell.write_json(zone, out);
                }
                out.push(b']');
            }
            Cell::Object(object) => {
                out.push(b'{');
                let opened = out.len();
                object.each(&mut |name, cell| {
                    if out.len() > opened {
                        out.push(b',');
                    }
                    write_string(name, out);
                    out.push(b':');
                    cell.write_json(zone, out);
                });
                out.push(b'}');
            }
            Cell::Bool(_)
            | Cell::Int(_)
            | Cell::UInt(_)
            | Cell::Float(_)
            | Cell::Float32(_)
            | Cell::Decimal(_) => self.write_text(zone, out),
        }
    }

    /// Writes the value for programs that know what is in the column: null is nothing at all, a text
    /// stands without quotes, and a list or an object is JSON.
    pub(crate) fn write_text(&self, zone: &DisplayZone, out: &mut Vec<u8>) {
        match self {
            Cell::Null => {}
            Cell::Bool(true) => out.extend_from_slice(b"true"),
            Cell::Bool(false) => out.extend_from_slice(b"false"),
            Cell::Int(number) => push_signed(*number, out),
            Cell::UInt(number) => push_decimal(*number, out),
            // The form for debugging is the shortest that is read back as the same number, with a
            // power of ten where there would be many zeros.
            Cell::Float(number) => write!(out, "{number:?}").expect("memory takes all"),
            Cell::Float32(number) => write!(out, "{number:?}").expect("memory takes all"),
            Cell::Decimal(text) | Cell::Moment(text) | Cell::Other(text) => {
                out.extend_from_slice(text.as_bytes());
            }
            Cell::Text(text) => out.extend_from_slice(text.as_bytes()),
            Cell::Bytes(bytes) => {
                for byte in *bytes {
                    write!(out, "{byte:02x}").expect("memory takes all");
                }
            }
            Cell::Time(time) => time.write_rfc3339(zone, out),
            Cell::Date(date) => write!(out, "{date}").expect("memory takes all"),
            Cell::Span(span) => span.write_iso(out),
            Cell::List(_) | Cell::Object(_) => self.write_json(zone, out),
        }
    }

    /// What the value is as a number, where it is one, and a length of time in seconds: for scales, not
    /// for printing.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Cell::Int(number) => Some(*number as f64),
            Cell::UInt(number) => Some(*number as f64),
            Cell::Float(number) => Some(*number),
            Cell::Float32(number) => Some((*number).into()),
            Cell::Decimal(text) => text.parse().ok(),
            Cell::Span(span) => span.seconds(),
            _ => None,
        }
    }
}
