//! Lines of another format, or of several, each in an envelope of a container engine.
//!
//! A record may have several lines, each with its envelope, as when a program writes a stack trace:
//! the lines themselves tell where one begins.

use std::borrow::Cow;
use std::sync::Arc;

use super::parser::first_line;
use super::{Custom, Format, Lines, Parser, field};
use crate::envelope::{self, Envelope};
use crate::json::Members;
use crate::record::{Record, Timestamp};
use crate::time::Shape;
use crate::value::{Text, Value};

/// Lines of other formats, each in an envelope.
#[derive(Debug)]
pub(super) struct Enclosed {
    name: &'static str,
    envelope: Envelope,
    shape: Shape,
    /// What each of the containers writes, or all together, without a name.
    inner: Vec<(Vec<u8>, Parser)>,
}

impl Enclosed {
    /// The format of lines in such envelopes; what is in them is found out. `None` if no line has
    /// one.
    pub(super) fn of(
        name: &'static str,
        envelope: Envelope,
        lines: &[&[u8]],
    ) -> Option<Arc<dyn Format>> {
        Some(Arc::new(Self::with_own(name, envelope, &[], lines)?))
    }

    /// The same where most lines in the envelopes are in formats that are known.
    pub(super) fn of_formats(
        name: &'static str,
        envelope: Envelope,
        lines: &[&[u8]],
    ) -> Option<Arc<dyn Format>> {
        let format = Self::with_own(name, envelope, &[], lines)?;
        let opened: Vec<_> = lines
            .iter()
            .filter_map(|line| envelope.open(line))
            .collect();
        let known = opened.iter().filter(|enclosed| {
            let parser = format.inner(enclosed);
            parser.knows(enclosed.line())
        });
        (known.count() * 2 >= opened.len()).then(|| Arc::new(format) as Arc<dyn Format>)
    }

    fn with_own(
        name: &'static str,
        envelope: Envelope,
        own: &[Arc<Custom>],
        lines: &[&[u8]],
    ) -> Option<Self> {
        let opened = lines.iter().filter_map(|line| envelope.open(line));
        let opened: Vec<_> = opened.collect();
        let mut writers: Vec<_> = opened.iter().map(envelope::Enclosed::writer).collect();
        writers.sort_unstable();
        writers.dedup();
        let shape = Shape::named("iso")?;
        let inner = writers.into_iter().map(|writer| {
            let written = opened.iter().filter(|line| line.writer() == writer);
            let lines: Vec<_> = written.map(|line| envelope.decode(line.line())).collect();
            let lines: Vec<_> = lines.iter().map(Cow::as_ref).collect();
            // Whether March 4 or April 3 is meant is decided again where the time is known.
            (writer.to_vec(), Parser::of_lines(own, &lines, i64::MAX))
        });
        let inner: Vec<_> = inner.collect();
        (!inner.is_empty()).then_some(Self {
            name,
            envelope,
            shape,
            inner,
        })
    }

    /// The parser of what is in an envelope; of a container that was not seen before, another's.
    fn inner(&self, enclosed: &envelope::Enclosed<'_>) -> &Parser {
        let writer = enclosed.writer();
        let known = self.inner.iter().find(|(known, _)| known == writer);
        &known.unwrap_or(&self.inner[0]).1
    }
}

impl Format for Enclosed {
    fn name(&self) -> &str {
        self.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        let Some(enclosed) = self.envelope.open(line) else {
            return false;
        };
        let is_indented = enclosed.line().starts_with(br"\t");
        !is_indented && self.inner(&enclosed).begins(enclosed.line())
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    fn goes_on(&self, line: &[u8]) -> bool {
        self.envelope.open(line).is_some()
    }

    fn scatters(&self) -> bool {
        true
    }

    fn among(&self, own: &[Arc<Custom>], lines: &[&[u8]]) -> Option<Arc<dyn Format>> {
        let format = Self::with_own(self.name, self.envelope, own, lines)?;
        Some(Arc::new(format))
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let first = first_line(text);
        let Some(enclosed) = self.envelope.open(first) else {
            return;
        };
        self.inner(&enclosed).parse_into(enclosed.line(), record);
        let message = self.message(text, &enclosed, record);
        if self.envelope == Envelope::Docker && memchr::memchr(b'\\', enclosed.line()).is_some() {
            mark_in_string(record);
        }
        record.message = message.or(record.message);
        if let Some(time) = enclosed.time {
            free_timestamp(record);
            record.timestamp = Some(Timestamp::of_shape(time, self.shape));
        }
        let (name, origin) = enclosed.origin;
        field::text(record, name, origin);
        if self.envelope == Envelope::Docker {
            push_attributes(first, record);
        }
    }
}

impl Enclosed {
    /// The message of a record with several lines: one that takes the rest of the first line takes
    /// the others, too.
    fn message<'a>(
        &self,
        text: &'a [u8],
        enclosed: &envelope::Enclosed<'a>,
        record: &Record<'a>,
    ) -> Option<Text<'a>> {
        let message = record.message?;
        let has_more = memchr::memchr(b'\n', text).is_some();
        let is_last = !message.has_escapes() && enclosed.line().ends_with(message.raw());
        let start = enclosed.range.end - message.raw().len();
        (has_more && is_last)
            .then(|| Text::enclosed(&text[start..], self.envelope, enclosed.is_partial))
    }
}

/// Tells of all that was read that it stands in a string of JSON.
fn mark_in_string(record: &mut Record<'_>) {
    for field in &mut record.fields {
        field.name = field.name.in_string();
        field.value = match field.value {
            Value::Text(text) => Value::Text(text.in_string()),
            Value::Bare(text) | Value::Object(text) | Value::List(text)
                if memchr::memchr(b'\\', text).is_some() =>
            {
                Value::Text(Text::plain(text).in_string())
            }
            value => value,
        };
    }
    record.message = record.message.map(Text::in_string);
}

/// Lets the field that the timestamp came from say what it says, now that another goes before it.
fn free_timestamp(record: &mut Record<'_>) {
    let Some(timestamp) = record.timestamp else {
        return;
    };
    for field in &mut record.fields {
        let text = match field.value {
            Value::Text(text) => text.raw(),
            Value::Bare(text) | Value::Number(text) => text,
            _ => continue,
        };
        if field.feeds && text == timestamp.text() {
            field.feeds = false;
        }
    }
}

/// Adds what Docker was told to write with each line, such as labels.
fn push_attributes<'a>(line: &'a [u8], record: &mut Record<'a>) {
    for (name, value) in Members::of(line) {
        if !matches!(name.raw(), b"log" | b"stream" | b"time") {
            record.push(name, value);
        }
    }
}
