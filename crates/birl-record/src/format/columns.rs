//! Formats of columns with spaces between them, of which a table says what they are.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use super::access::push_request;
use super::cursor::Cursor;
use super::{Format, Lines, field};
use crate::record::{Record, Timestamp};
use crate::time::Shape;
use crate::value::{Text, Value};

/// What a column holds, and under which name. What is `-` is absent.
pub(super) enum Column {
    /// A word.
    Word(&'static str),
    /// One of these words.
    OneOf(&'static str, &'static [&'static [u8]]),
    /// A number.
    Number(&'static str),
    /// An address and its port.
    Address(&'static str, &'static str),
    /// A word, a slash, and a number.
    Slashed(&'static str, &'static str),
    /// Text in double quotes.
    Quoted(&'static str),
    /// The timestamp.
    Time,
    /// The timestamp, in brackets.
    BracketedTime,
    /// A request of HTTP in double quotes: the message.
    Request,
}

/// A format that is a table of columns, a line a record.
pub(super) struct Columns {
    /// What the format is called.
    pub(super) name: &'static str,
    /// The shape of its timestamps.
    pub(super) shape: &'static str,
    /// Of these a line has all.
    pub(super) required: &'static [Column],
    /// Others that follow, as far as the writer knew them.
    pub(super) optional: &'static [Column],
}

impl Columns {
    /// The format.
    pub(super) fn open(&'static self) -> Option<Arc<dyn Format>> {
        Some(Arc::new(Table {
            columns: self,
            shape: Shape::named(self.shape)?,
        }))
    }
}

struct Table {
    columns: &'static Columns,
    shape: Shape,
}

impl Debug for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Table").field(&self.columns.name).finish()
    }
}

impl Format for Table {
    fn name(&self) -> &str {
        self.columns.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        let mut cursor = Cursor::new(line);
        let mut columns = self.columns.required.iter();
        columns.all(|column| column.take(&mut cursor, self.shape).is_some())
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let mut cursor = Cursor::new(text);
        for column in self.columns.required.iter().chain(self.columns.optional) {
            match column.take(&mut cursor, self.shape) {
                Some(text) => column.push(text, self.shape, record),
                None => break,
            }
        }
        // What has no request is its own message.
        record.message = record.message.or(Some(Text::plain(text)));
    }
}

impl Column {
    /// Takes it, and the space behind it.
    fn take<'a>(&self, cursor: &mut Cursor<'a>, shape: Shape) -> Option<&'a [u8]> {
        let taken = match self {
            Column::Word(_) => cursor.word()?,
            Column::OneOf(_, words) => cursor.word().filter(|word| words.contains(word))?,
            Column::Number(_) => cursor.word().filter(|word| is_number(word))?,
            Column::Slashed(..) => cursor.word().filter(|word| slashed(word).is_some())?,
            Column::Address(..) => cursor.word().filter(|word| is_address(word))?,
            Column::Quoted(_) | Column::Request => match cursor.quoted() {
                Some(quoted) => quoted,
                None => cursor.skip(b"-").map(|()| &b"-"[..])?,
            },
            Column::Time => cursor.timestamp_of(shape)?,
            Column::BracketedTime => {
                cursor.skip(b"[")?;
                let time = cursor.timestamp_of(shape)?;
                cursor.skip(b"]")?;
                time
            }
        };
        match cursor.is_at_end() {
            true => Some(taken),
            false => {
                cursor.skip(b" ")?;
                // Some pad their columns.
                cursor.skip_space();
                Some(taken)
            }
        }
    }

    fn push<'a>(&self, text: &'a [u8], shape: Shape, record: &mut Record<'a>) {
        match self {
            Column::Word(name) | Column::OneOf(name, _) => field::text(record, name, text),
            Column::Number(name) => field::number(record, name, text),
            Column::Quoted(name) => field::escaped(record, name, text),
            Column::Slashed(name, number_name) => {
                let (word, number) = slashed(text).unwrap_or((text, b""));
                field::text(record, name, word);
                field::number(record, number_name, number);
            }
            Column::Address(name, port_name) => field::address(record, [name, port_name], text),
            Column::Time | Column::BracketedTime => {
                record.timestamp = Some(Timestamp::of_shape(text, shape));
            }
            Column::Request if !is_no_request(text) => {
                record.message = Some(Text::escaped(text));
                push_request(record, text);
            }
            Column::Request => {}
        }
    }
}

/// What load balancers write of a connection without a request: `- - - `.
fn is_no_request(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b'-' | b' '))
}

fn is_number(word: &[u8]) -> bool {
    field::is_absent(word) || matches!(field::number_or_bare(word), Value::Number(_))
}

fn slashed(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = memchr::memchr(b'/', word)?;
    let (word, number) = (&word[..slash], &word[slash + 1..]);
    (!number.is_empty() && number.iter().all(u8::is_ascii_digit)).then_some((word, number))
}

fn is_address(word: &[u8]) -> bool {
    field::is_absent(word) || memchr::memchr(b':', word).is_some()
}
