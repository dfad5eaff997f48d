//! Records for people: the time, the level, the message, then the fields.
//!
//! ```text
//! 2026-03-14 14:05:30.500 [ERR] no answer path=/refunds status=503 user.name="Ann B"
//!   | java.net.SocketTimeoutException: Read timed out
//!   |     at c.s.Payments.charge(Payments.java:118)
//! ```

use std::io::Write;

use anstyle::Style;
use birl_record::format::Parser;
use birl_record::level::Level;
use birl_record::value::{Number, Value};

use crate::answer::parts;
use crate::bytes::{are_of_word, are_printable};
use crate::decimal::push_decimal;
use crate::entry::{Entry, RenderRecord};
use crate::fields::{Fields, Hidden, Path, What};
use crate::flat::{each_flat, write_path};
use crate::harmless::push_harmless;
use crate::members::{self, Item, item};
use crate::theme::{Theme, push_styled};
use crate::zone::DisplayZone;

/// Records for people, on lines of their own.
///
/// The name of the source and the number of the line stand first where they are wanted, then the
/// time, the level in three letters, the message and the fields of the log that say more. A field
/// within others has its whole name (`user.name`); a text is in quotes where it would look like
/// something else without. Further lines of a message or a value follow below, behind a bar, so that
/// none of them can be taken for a record. Nothing that is written can drive a terminal.
#[derive(Clone, Debug)]
pub struct Pretty {
    /// Which fields follow the message. The time, the level and the message are there unless they are
    /// left out by name.
    pub fields: Fields,
    /// The zone that times are shown in.
    pub zone: DisplayZone,
    /// How it looks.
    pub theme: Theme,
    /// Whether each record begins with the name of its source.
    pub with_source: bool,
    /// Whether a NUL follows the name of a source, instead of `:` or `-`.
    pub null_after_source: bool,
}

/// Whether the first line of a record can hardly be read as it is: an object of JSON, alone or in an
/// envelope.
pub fn is_hard_to_read(parser: &Parser, text: &[u8]) -> bool {
    match parser.format_of(text).map(|format| format.name()) {
        Some("json" | "docker" | "mongodb") => true,
        Some("cri" | "compose") => {
            text.trim_ascii_end().ends_with(b"}") && memchr::memmem::find(text, b" {\"").is_some()
        }
        _ => false,
    }
}

/// What stands before each further line of a record.
const BAR: &str = "  | ";

/// A record being written.
struct Page<'a, 'o> {
    pretty: &'a Pretty,
    entry: &'a Entry<'a>,
    out: &'o mut Vec<u8>,
    /// Whether something stands on the line.
    is_begun: bool,
    /// What follows below: lines of texts that have several.
    below: Vec<u8>,
}

impl RenderRecord for Pretty {
    fn gap(&self, out: &mut Vec<u8>) {
        push_styled(self.theme.remark, out, |out| out.extend_from_slice(b"--"));
        out.push(b'\n');
    }

    fn record(&self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        let mut page = Page {
            pretty: self,
            entry,
            out,
            is_begun: false,
            below: Vec::new(),
        };
        page.write_place();
        page.write_time();
        page.write_level();
        page.write_message();
        page.write_fields();
        page.finish();
    }
}

impl Pretty {
    /// Whether the time, the level or the message is to be shown.
    fn shows(&self, what: &What) -> bool {
        match &self.fields {
            Fields::All | Fields::Only(_) => true,
            Fields::Without(columns) => !columns.iter().any(|column| column.what == *what),
        }
    }
}

impl Page<'_, '_> {
    fn write_place(&mut self) {
        let theme = &self.pretty.theme;
        let separator: &[u8] = if self.entry.context { b"-" } else { b":" };
        if self.pretty.with_source {
            push_styled(theme.source, self.out, |out| {
                push_harmless(self.entry.source, out);
            });
            let separator = match self.pretty.null_after_source {
                true => b"\0",
                false => separator,
            };
            self.out.extend_from_slice(separator);
        }
        if let Some(number) = self.entry.number {
            push_styled(theme.number, self.out, |out| push_decimal(number, out));
            self.out.extend_from_slice(separator);
        }
        self.is_begun = self.pretty.with_source || self.entry.number.is_some();
    }

    /// What stands before the next part of the line.
    fn separate(&mut self) {
        if self.is_begun {
            self.out.push(b' ');
        }
        self.is_begun = true;
    }

    fn write_time(&mut self) {
        if !self.pretty.shows(&What::Timestamp) {
            return;
        }
        let style = self.pretty.theme.time;
        if let Some(time) = self.entry.time {
            self.separate();
            let zone = &self.pretty.zone;
            push_styled(style, self.out, |out| zone.write_plain(time, out));
        } else if let Some(timestamp) = self.entry.record.timestamp {
            self.separate();
            push_styled(style, self.out, |out| push_harmless(timestamp.text(), out));
        }
    }

    fn write_level(&mut self) {
        let Some(severity) = self.entry.record.severity else {
            return;
        };
        if !self.pretty.shows(&What::Level) {
            return;
        }
        self.separate();
        let theme = &self.pretty.theme;
        let level = severity.level();
        push_styled(theme.remark, self.out, |out| out.push(b'['));
        push_styled(theme.level(level), self.out, |out| {
            out.extend_from_slice(tag(level).as_bytes());
        });
        push_styled(theme.remark, self.out, |out| out.push(b']'));
    }

    fn write_message(&mut self) {
        let Some(message) = self.entry.record.message else {
            return;
        };
        if !self.pretty.shows(&What::Message) {
            return;
        }
        let message = message.decode();
        let (first, more) = split_first_line(&message);
        let style = match self.entry.context {
            true => self.pretty.theme.remark,
            false => self.pretty.theme.message,
        };
        if !first.is_empty() {
            self.separate();
            self.write_marked(first, style);
        }
        self.write_below(more);
    }

    fn write_fields(&mut self) {
        let pretty = self.pretty;
        let entry = self.entry;
        match &pretty.fields {
            Fields::Only(columns) => {
                for column in columns {
                    match &column.what {
                        What::Rest => self.write_own(),
                        What::Timestamp | What::Level | What::Message => {}
                        what => {
                            if let Some(item) = item(entry, what) {
                                let name = birl_record::value::Text::plain(column.name.as_bytes());
                                self.write_item(&Path::of(name), item, &Hidden::default());
                            }
                        }
                    }
                }
            }
            Fields::All | Fields::Without(_) => self.write_own(),
        }
    }

    /// Writes the fields of the log that are not left out or named.
    fn write_own(&mut self) {
        let hidden = self.pretty.fields.hidden();
        members::own(self.entry, &mut |path, item| {
            // A time that cannot be read stands in its place already.
            let is_time = matches!(item, Item::Bytes(_)) && path.is_prefixed;
            if !is_time && !hidden.hides(path) {
                self.write_item(path, item, &hidden);
            }
        });
    }

    fn write_item(&mut self, path: &Path<'_>, item: Item<'_>, hidden: &Hidden) {
        let theme = &self.pretty.theme;
        match item {
            Item::Value(value) => each_flat(path, value, hidden, &mut |path, value| {
                self.write_field(path, value);
            }),
            Item::Text(text) => self.write_field(path, Value::Text(text)),
            Item::Bytes(bytes) => self.write_field(path, Value::Bare(bytes)),
            Item::Number(number) => {
                self.write_key(path);
                push_styled(theme.value_number, self.out, |out| {
                    push_decimal(number, out)
                });
            }
            Item::Time(_) | Item::Level(_) | Item::True => {}
        }
    }

    fn write_key(&mut self, path: &Path<'_>) {
        self.separate();
        push_styled(self.pretty.theme.key, self.out, |out| {
            write_path(path, out, push_harmless);
            out.push(b'=');
        });
    }

    fn write_field(&mut self, path: &Path<'_>, value: Value<'_>) {
        let theme = &self.pretty.theme;
        let bytes = value.bytes();
        let style = match value {
            Value::Text(_) | Value::Object(_) | Value::List(_) => theme.text,
            Value::Bare(written) if Number::of(written).is_none() => theme.text,
            Value::Bare(_) | Value::Number(_) => theme.value_number,
            Value::Bool(_) | Value::Null => theme.word,
        };
        // Nothing has to be done about most.
        let is_word = are_of_word(&bytes);
        if !is_word && memchr::memchr(b'\n', bytes.trim_ascii_end()).is_some() {
            push_styled(theme.key, &mut self.below, |out| {
                out.extend_from_slice(b"  ");
                write_path(path, out, push_harmless);
                out.extend_from_slice(b":\n");
            });
            return self.write_below(Some(&bytes));
        }
        self.write_key(path);
        match value {
            Value::Text(_) if (!is_word && has_separator(&bytes)) || looks_otherwise(&bytes) => {
                self.write_quoted(&bytes, style);
            }
            Value::Bare(written) if !is_word && written.contains(&b' ') => {
                self.write_quoted(&bytes, style);
            }
            _ => self.write_marked(&bytes, style),
        }
    }

    fn write_quoted(&mut self, bytes: &[u8], style: Style) {
        if !marks(self.entry)
            && are_printable(bytes)
            && memchr::memchr2(b'"', b'\\', bytes).is_none()
        {
            return push_styled(style, self.out, |out| {
                out.push(b'"');
                out.extend_from_slice(bytes);
                out.push(b'"');
            });
        }
        let mut quoted = Vec::with_capacity(bytes.len() + 2);
        quoted.push(b'"');
        for &byte in bytes {
            match byte {
                b'"' | b'\\' => quoted.extend_from_slice(&[b'\\', byte]),
                b'\n' => quoted.extend_from_slice(b"\\n"),
                byte => quoted.push(byte),
            }
        }
        quoted.push(b'"');
        self.write_marked(&quoted, style);
    }

    /// Writes a text with what matched in it marked.
    fn write_marked(&mut self, text: &[u8], style: Style) {
        mark(self.entry, text, style, self.pretty.theme.matched, self.out);
    }

    /// Keeps further lines for below.
    fn write_below(&mut self, lines: Option<&[u8]>) {
        let Some(lines) = lines else {
            return;
        };
        let theme = &self.pretty.theme;
        for line in lines.trim_ascii_end().split(|byte| *byte == b'\n') {
            push_styled(theme.remark, &mut self.below, |out| {
                out.extend_from_slice(BAR.as_bytes());
            });
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let style = Style::new();
            mark(self.entry, line, style, theme.matched, &mut self.below);
            self.below.push(b'\n');
        }
    }

    fn finish(self) {
        let Self {
            pretty,
            entry,
            out,
            below,
            ..
        } = self;
        if entry.cut {
            let len = entry.line.len();
            push_styled(pretty.theme.remark, out, |out| {
                write!(out, " [cut at {len} bytes]").expect("memory takes all");
            });
        }
        out.push(b'\n');
        out.extend_from_slice(&below);
    }
}

/// The three letters of a level.
fn tag(level: Level) -> &'static str {
    match level {
        Level::Trace => "TRC",
        Level::Debug => "DBG",
        Level::Info => "INF",
        Level::Warn => "WRN",
        Level::Error => "ERR",
        Level::Fatal => "FTL",
    }
}

/// The first line of a text, and the others if there are any.
fn split_first_line(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let text = text.trim_ascii_end();
    match memchr::memchr(b'\n', text) {
        Some(at) => {
            let first = &text[..at];
            let first = first.strip_suffix(b"\r").unwrap_or(first);
            (first, Some(&text[at + 1..]))
        }
        None => (text, None),
    }
}

/// Whether a text would not look like one text.
fn has_separator(text: &[u8]) -> bool {
    text.iter()
        .any(|byte| byte.is_ascii_whitespace() || b"\"=".contains(byte))
}

/// Whether a text would look like something else.
fn looks_otherwise(text: &[u8]) -> bool {
    match text.first() {
        Some(b't' | b'f' | b'n') => matches!(text, b"true" | b"false" | b"null"),
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => Number::of(text).is_some(),
        Some(_) => false,
        None => true,
    }
}

/// Whether what matched is to be marked.
fn marks(entry: &Entry<'_>) -> bool {
    entry.marks.is_some() && !entry.context
}

/// Writes `text` in `style`, and what matched in it in another.
fn mark(entry: &Entry<'_>, text: &[u8], style: Style, matched: Style, out: &mut Vec<u8>) {
    let spans = match entry.marks {
        Some(marks) if !entry.context => marks(text),
        _ if text.is_empty() => return,
        _ => return push_styled(style, out, |out| push_harmless(text, out)),
    };
    for part in parts(text, &spans) {
        let style = if part.matched { matched } else { style };
        push_styled(style, out, |out| push_harmless(part.bytes, out));
    }
}
