//! Templates: a record as the user wants it.

pub(crate) mod rows;

use std::fmt::{self, Display, Formatter};
use std::ops::Range;

use birl_record::value::Value;

use crate::decimal::push_decimal;
use crate::entry::{Entry, RenderRecord};
use crate::fields::{Column, What};
use crate::harmless::push_harmless;
use crate::members::{Item, item};
use crate::zone::{DisplayZone, strftime, timestamp};

/// Text with fields in braces: `{timestamp:%H:%M} {service} {message}`.
///
/// A name is one of the fixed columns or of a field of the log (`{request.status}`); what is not
/// there is empty. Behind a colon `timestamp` may have a format of strftime. `{{` and `}}` are
/// braces; `\n`, `\t` and `\\` are a newline, a tab and a backslash. Each record ends with a newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    zone: DisplayZone,
    /// Whether the output ends at a terminal, which must not see control characters of a log.
    harmless: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// What a column says, and where its place is in the template.
    Column {
        column: Column,
        span: Range<usize>,
    },
    /// The time, in a format of strftime.
    Time {
        format: String,
        span: Range<usize>,
    },
}

/// Why a text is no template, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The place in the text, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do instead.
    pub hint: Option<&'static str>,
}

impl Display for TemplateError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TemplateError {}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// Braces that do not match, a place without a name, a format that is none.
    pub fn parse(text: &str, zone: DisplayZone, harmless: bool) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(char) = text[at..].chars().next() {
            let next = text[at + char.len_utf8()..].chars().next();
            match (char, next) {
                ('{', Some('{')) | ('}', Some('}')) => {
                    plain.push(char);
                    at += 2;
                }
                ('{', _) => {
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    let (part, end) = field(text, at, &zone)?;
                    parts.push(part);
                    at = end;
                }
                ('}', _) => {
                    return Err(TemplateError {
                        span: at..at + 1,
                        message: "no \"{\" stands before this \"}\"".to_owned(),
                        hint: Some("write }} for a brace"),
                    });
                }
                ('\\', Some(escaped @ ('n' | 't' | '\\'))) => {
                    plain.push(match escaped {
                        'n' => '\n',
                        't' => '\t',
                        _ => '\\',
                    });
                    at += 2;
                }
                _ => {
                    plain.push(char);
                    at += char.len_utf8();
                }
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self {
            parts,
            zone,
            harmless,
        })
    }

    fn write_item(&self, item: Item<'_>, out: &mut Vec<u8>) {
        match item {
            Item::Time(time) => self.zone.write_rfc3339(time, out),
            Item::Level(level) => out.extend_from_slice(level.name().as_bytes()),
            Item::Number(number) => push_decimal(number, out),
            Item::True => out.extend_from_slice(b"true"),
            Item::Text(text) => self.write_bytes(&text.decode(), out),
            Item::Bytes(bytes) => self.write_bytes(bytes, out),
            Item::Value(Value::Null) => {}
            Item::Value(value) => self.write_bytes(&value.bytes(), out),
        }
    }

    fn write_bytes(&self, bytes: &[u8], out: &mut Vec<u8>) {
        if !self.harmless {
            return out.extend_from_slice(bytes);
        }
        // A message may have several lines, which are harmless.
        for (place, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if place > 0 {
                out.push(b'\n');
            }
            push_harmless(line.strip_suffix(b"\r").unwrap_or(line), out);
        }
    }

    fn write_time(&self, time: i64, format: &str, out: &mut Vec<u8>) {
        if let Ok(text) = formatted(time, &self.zone, format) {
            out.extend_from_slice(text.as_bytes());
        }
    }
}

impl RenderRecord for Template {
    fn record(&self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Column { column, .. } => {
                    if let Some(item) = item(entry, &column.what) {
                        self.write_item(item, out);
                    }
                }
                Part::Time { format, .. } => {
                    if let Some(time) = entry.time {
                        self.write_time(time, format, out);
                    }
                }
            }
        }
        out.push(b'\n');
    }
}

/// Reads the place for a field that begins at `at` with a brace; gives where it ends as well.
fn field(text: &str, at: usize, zone: &DisplayZone) -> Result<(Part, usize), TemplateError> {
    let fail = |span, message: &str, hint| TemplateError {
        span,
        message: message.to_owned(),
        hint,
    };
    let inside = at + 1;
    let end = match text[inside..].find(['{', '}']) {
        Some(len) if text[inside + len..].starts_with('}') => inside + len,
        _ => {
            let message = "no \"}\" closes this \"{\"";
            return Err(fail(at..inside, message, Some("write {{ for a brace")));
        }
    };
    let (name, format) = match text[inside..end].split_once(':') {
        Some((name, format)) => (name.trim(), Some(format)),
        None => (text[inside..end].trim(), None),
    };
    let span = at..end + 1;
    if name.is_empty() {
        let hint = Some("write {message}, {level}, or another field; {{ for a brace");
        return Err(fail(span, "there is no name of a field here", hint));
    }
    let column = Column::named(name);
    let part = match (&column.what, format) {
        (What::Rest, _) => return Err(fail(span, "no field is called \"*\"", None)),
        (What::Timestamp, Some(format)) => {
            if let Err(error) = formatted(0, zone, format) {
                return Err(TemplateError {
                    span: end - format.len()..end,
                    message: format!("this is no format of a time: {error}"),
                    hint: Some("formats are those of strftime, such as %H:%M:%S"),
                });
            }
            Part::Time {
                format: format.to_owned(),
                span,
            }
        }
        (_, Some(format)) => {
            let span = end - format.len() - 1..end;
            return Err(fail(span, "only timestamp has a format", None));
        }
        (_, None) => Part::Column { column, span },
    };
    Ok((part, end + 1))
}

fn formatted(time: i64, zone: &DisplayZone, format: &str) -> Result<String, jiff::Error> {
    strftime(timestamp(time).to_zoned(zone.zone().clone()), format)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Part>, TemplateError> {
        Template::parse(text, DisplayZone::utc(), false).map(|template| template.parts)
    }

    #[test]
    fn fields_stand_in_braces() {
        let text = |text: &str| Part::Text(text.to_owned());
        let column = |name: &str, span| Part::Column {
            column: Column::named(name),
            span,
        };
        assert_eq!(
            parse("{timestamp:%H:%M} {user.name}\\t{{{level}}} C:\\x"),
            Ok(vec![
                Part::Time {
                    format: "%H:%M".to_owned(),
                    span: 0..17,
                },
                text(" "),
                column("user.name", 18..29),
                text("\t{"),
                column("level", 33..40),
                text("} C:\\x"),
            ])
        );
        assert_eq!(parse(""), Ok(vec![]));
    }

    #[test]
    fn an_error_points_at_its_place() {
        for (template, place, message) in [
            ("a {b", "{", "no \"}\" closes this \"{\""),
            ("a {b {c}", "{", "no \"}\" closes this \"{\""),
            ("é} b", "}", "no \"{\" stands before this \"}\""),
            ("a {} b", "{}", "there is no name of a field here"),
            ("{:%H}", "{:%H}", "there is no name of a field here"),
            ("{level:5}", ":5", "only timestamp has a format"),
            ("{*}", "{*}", "no field is called \"*\""),
        ] {
            let error = parse(template).unwrap_err();
            assert_eq!(&template[error.span.clone()], place, "{template}");
            assert_eq!(error.message, message, "{template}");
        }
        let error = parse("{timestamp:%H:%!}").unwrap_err();
        assert_eq!(error.span, 11..16);
    }
}
