//! Records: what a line, or several, say.

use crate::level::Severity;
use crate::time::{Reading, Shape};
use crate::value::{Text, Value};
use crate::{json, logfmt};

/// What a record says, as views into its text.
///
/// The names are those of OpenTelemetry's log data model, as people type them. A field that feeds
/// one of them stays a field of its own as well.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record<'a> {
    /// The text that says when it was.
    pub timestamp: Option<Timestamp<'a>>,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// What happened, in words.
    pub message: Option<Text<'a>>,
    /// All fields, in the order of the text. A name may come twice; the first counts.
    pub fields: Vec<Field<'a>>,
    /// Whether the text went wrong somewhere, so that it holds more than the fields tell: half an
    /// object of JSON.
    pub is_broken: bool,
}

/// A field of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field<'a> {
    /// Its name, as the format has it.
    pub name: Text<'a>,
    /// What it holds.
    pub value: Value<'a>,
    /// Whether it is where the timestamp, the severity or the message come from, and says no more.
    pub feeds: bool,
}

/// The text of a timestamp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timestamp<'a> {
    text: &'a [u8],
    shape: Option<Shape>,
}

impl<'a> Timestamp<'a> {
    /// A text of a known shape.
    pub fn of_shape(text: &'a [u8], shape: Shape) -> Self {
        Self {
            text,
            shape: Some(shape),
        }
    }

    /// A text that is a timestamp, if any shape reads it.
    pub fn of_any(text: &'a [u8]) -> Self {
        Self { text, shape: None }
    }

    /// The text.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The shape that the text has: the likeliest, unless it is known from elsewhere.
    pub fn shape(&self) -> Option<Shape> {
        self.shape.or_else(|| Shape::of(self.text))
    }

    /// What the text says; tries the shape that is `likely` first.
    pub fn reading(&self, likely: Option<Shape>) -> Option<Reading> {
        let read = |shape: Shape| {
            let (reading, taken) = shape.parse(self.text)?;
            (taken == self.text.len()).then_some(reading)
        };
        likely
            .or(self.shape)
            .and_then(read)
            .or_else(|| self.shape().and_then(read))
    }
}

impl<'a> Record<'a> {
    /// Lets it say nothing again, and keeps the memory of its fields.
    pub fn clear(&mut self) {
        self.timestamp = None;
        self.severity = None;
        self.message = None;
        self.fields.clear();
        self.is_broken = false;
    }

    /// Adds a field.
    pub fn push(&mut self, name: Text<'a>, value: Value<'a>) {
        self.fields.push(Field {
            name,
            value,
            feeds: false,
        });
    }

    /// Adds a field that feeds the timestamp, the severity or the message.
    pub fn push_feeding(&mut self, name: Text<'a>, value: Value<'a>) {
        self.fields.push(Field {
            name,
            value,
            feeds: true,
        });
    }

    /// The field that `path` names: a field of this name, or one within the field that the path
    /// begins with ([`json::get`] says how), or else one that stands in the message, as `key=value`
    /// or in a JSON object.
    pub fn get(&self, path: &[u8]) -> Option<Value<'a>> {
        self.field(path)
            .or_else(|| self.nested(path))
            .or_else(|| embedded(self.message?, path))
    }

    /// The first field of this name.
    pub(crate) fn field(&self, name: &[u8]) -> Option<Value<'a>> {
        let field = self.fields.iter().find(|field| field.name.is(name))?;
        Some(field.value)
    }

    fn nested(&self, path: &[u8]) -> Option<Value<'a>> {
        let dots = memchr::memchr_iter(b'.', path);
        dots.filter_map(|dot| match self.field(&path[..dot])? {
            Value::Object(object) => json::get(object, &path[dot + 1..]),
            Value::Text(text) => json::get(text.object()?, &path[dot + 1..]),
            _ => None,
        })
        .next()
    }
}

/// A field that stands within a plain message.
pub(crate) fn embedded<'a>(message: Text<'a>, path: &[u8]) -> Option<Value<'a>> {
    if message.has_escapes() {
        // What stands in there would have to be unescaped twice.
        return None;
    }
    let text = message.raw();
    let object = memchr::memchr(b'{', text).map(|at| &text[at..]);
    object
        .and_then(|object| json::get(object, path))
        .or_else(|| logfmt::get(text, path))
}
