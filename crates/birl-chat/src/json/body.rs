//! What is sent, with names in braces for what is known when it is.

use std::borrow::Cow;

use serde_json::Value;

/// A text to be sent, in which `{name}` stands for a value.
///
/// Where the text is JSON (it begins with a brace or a bracket), it stays JSON whatever the values are:
/// `"{name}"` is the value with its type, and a string where it is text; within a longer string a value is
/// escaped; and a name outside of strings is a value too: `{"id": {number}}`. In any other text a value
/// stands as it is.
///
/// `{name:default}` is `default` as long as the value is not known, and nothing (or `null`) without one.
/// A name is of letters, digits, `_`, `-` and dots; braces around anything else are no more than braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Slot(Slot),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    name: String,
    default: Option<String>,
    place: Place,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In text that is no JSON.
    Plain,
    /// Within a string of JSON.
    InString,
    /// Where a value of JSON stands.
    Value,
}

/// A value that is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fill<'a> {
    Text(&'a str),
    Number(u64),
    Value(&'a Value),
}

impl Body {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// If it begins as JSON and is none, whatever its names stand for.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_json = text.trim_start().starts_with(['{', '[']);
        let body = match is_json {
            true => Self { parts: json(text) },
            false => Self { parts: plain(text) },
        };
        if is_json {
            let sample = Value::from("x");
            let filled = body.fill(|_| Some(Fill::Value(&sample)));
            serde_json::from_str::<Value>(&filled)
                .map_err(|error| format!("{text:?} is not JSON: {error}"))?;
        }
        Ok(body)
    }

    /// The names in it.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Slot(slot) => Some(slot.name.as_str()),
        })
    }

    /// The text with values for its names, as far as `value` knows them.
    pub(super) fn fill<'a>(&self, value: impl Fn(&str) -> Option<Fill<'a>>) -> String {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => filled.push_str(text),
                Part::Slot(slot) => slot.fill(value(&slot.name), &mut filled),
            }
        }
        filled
    }
}

impl Slot {
    fn fill(&self, value: Option<Fill<'_>>, out: &mut String) {
        let Some(value) = value.or(self.default.as_deref().map(Fill::Text)) else {
            if self.place == Place::Value {
                out.push_str("null");
            }
            return;
        };
        let (text, is_text) = match value {
            Fill::Text(text) => (Cow::Borrowed(text), true),
            Fill::Value(Value::String(text)) => (Cow::Borrowed(text.as_str()), true),
            Fill::Value(value) => (Cow::Owned(value.to_string()), false),
            Fill::Number(number) => (Cow::Owned(number.to_string()), false),
        };
        match self.place {
            Place::Value if is_text => quote(&text, out),
            Place::Value | Place::Plain => out.push_str(&text),
            Place::InString => escape(&text, out),
        }
    }
}

/// `text` as a string of JSON.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    escape(text, out);
    out.push('"');
}

/// `text` as it stands within a string of JSON (RFC 8259, section 7).
fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => out.push(letter),
        }
    }
}

/// The name and the default that `text` begins with, behind a brace, and how long that is with the brace
/// that ends it.
fn slot(text: &str) -> Option<(&str, Option<&str>, usize)> {
    let end = text.find(['{', '}', '"', '\n'])?;
    if !text[end..].starts_with('}') {
        return None;
    }
    let (name, default) = match text[..end].split_once(':') {
        Some((name, default)) => (name, Some(default)),
        None => (&text[..end], None),
    };
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(is_letter);
    is_name.then_some((name, default, end + 1))
}

fn plain(text: &str) -> Vec<Part> {
    let mut parts = Parts::default();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        parts.literal(&rest[..at]);
        match slot(&rest[at + 1..]) {
            Some((name, default, len)) => {
                parts.slot(name, default, Place::Plain);
                rest = &rest[at + 1 + len..];
            }
            None => {
                parts.literal("{");
                rest = &rest[at + 1..];
            }
        }
    }
    parts.literal(rest);
    parts.0
}

fn json(text: &str) -> Vec<Part> {
    let mut parts = Parts::default();
    let mut is_in_string = false;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let mut len = letter.len_utf8();
        match letter {
            '"' if !is_in_string => {
                // A string that is a name and nothing else is the value itself.
                let whole = rest[1..].strip_prefix('{').and_then(slot);
                if let Some((name, default, len)) = whole
                    && rest[2 + len..].starts_with('"')
                {
                    parts.slot(name, default, Place::Value);
                    rest = &rest[2 + len + 1..];
                    continue;
                }
                is_in_string = true;
            }
            '"' => is_in_string = false,
            '\\' if is_in_string => {
                len += rest[1..].chars().next().map_or(0, char::len_utf8);
            }
            '{' => {
                if let Some((name, default, len)) = slot(&rest[1..]) {
                    let place = match is_in_string {
                        true => Place::InString,
                        false => Place::Value,
                    };
                    parts.slot(name, default, place);
                    rest = &rest[1 + len..];
                    continue;
                }
            }
            _ => {}
        }
        parts.literal(&rest[..len]);
        rest = &rest[len..];
    }
    parts.0
}

#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn literal(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Part::Literal(literal)) => literal.push_str(text),
            _ if text.is_empty() => {}
            _ => self.0.push(Part::Literal(text.to_owned())),
        }
    }

    fn slot(&mut self, name: &str, default: Option<&str>, place: Place) {
        self.0.push(Part::Slot(Slot {
            name: name.to_owned(),
            default: default.map(str::to_owned),
            place,
        }));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn filled(text: &str, value: &Value) -> String {
        let body = Body::parse(text).unwrap();
        body.fill(|name| match name {
            "none" => None,
            "text" => Some(Fill::Text("a \"b\"")),
            _ => Some(Fill::Value(value)),
        })
    }

    #[test]
    fn values_stand_as_their_places_demand() {
        let number = json!(42);
        let cases = [
            (
                r#"{"to":"{room}","text":"{text}"}"#,
                r#"{"to":42,"text":"a \"b\""}"#,
            ),
            (r#"["say #{room}: {text}"]"#, r#"["say #42: a \"b\""]"#),
            (
                r#"{"id":{n.x},"t":"{none}","u":"<{none}>"}"#,
                r#"{"id":42,"t":null,"u":"<>"}"#,
            ),
            (
                r#"{"after":"{none:0}","n":{none:1}}"#,
                r#"{"after":"0","n":"1"}"#,
            ),
            (
                r#"{"a":{"b":"{ no name }","c":{}}}"#,
                r#"{"a":{"b":"{ no name }","c":{}}}"#,
            ),
            (r#"{"quote\"{room}":1}"#, r#"{"quote\"42":1}"#),
            ("SAY {room} {text} {", "SAY 42 a \"b\" {"),
        ];
        for (text, expected) in cases {
            assert_eq!(filled(text, &number), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_at_once() {
        for text in [
            r#"{"a":}"#,
            r#"{"a" {b}}"#,
            "[1",
            r#"{"a":"{b"}"#.trim_end_matches('}'),
        ] {
            assert!(Body::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn json_stays_json_and_says_what_was_filled_in(text in any::<String>()) {
            let body = Body::parse(r#"{"a":"{x}","b":"<{x}>","c":{x}}"#).unwrap();
            let filled = body.fill(|_| Some(Fill::Text(&text)));
            let read: Value = serde_json::from_str(&filled).unwrap();
            prop_assert_eq!(read, json!({"a": text, "b": format!("<{text}>"), "c": text}));
        }
    }
}
