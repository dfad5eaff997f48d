//! Where a connection ended, so that the next may begin there.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// The place of a field in a JSON message: names with dots between, such as `data.id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorPath(Vec<String>);

impl CursorPath {
    /// The place of a field of a message itself.
    pub(super) fn of_name(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// The value there, if the message is JSON and has one that is a text or a number.
    pub fn find(&self, message: &[u8]) -> Option<String> {
        let last = self.0.last().map_or("", String::as_str);
        let is_there = memchr::memmem::find(message, last.as_bytes()).is_some();
        // A name may be written with escapes, and a number stands for no name.
        let may_be =
            is_there || memchr::memchr(b'\\', message).is_some() || last.parse::<usize>().is_ok();
        if !may_be {
            return None;
        }
        let message: Value = serde_json::from_slice(message).ok()?;
        match self.value(&message)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// What `message` has there. In an array, a name that is a number is that of an element, from 0.
    pub fn value<'v>(&self, message: &'v Value) -> Option<&'v Value> {
        if let [name] = &self.0[..] {
            return below(message, name);
        }
        // A field may be called by the whole, dots and all.
        let whole = message.get(self.to_string());
        whole.or_else(|| {
            self.0
                .iter()
                .try_fold(message, |value, name| below(value, name))
        })
    }
}

/// What a value has by a name.
fn below<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Array(elements) => elements.get(name.parse::<usize>().ok()?),
        _ => value.get(name),
    }
}

impl FromStr for CursorPath {
    type Err = &'static str;

    fn from_str(typed: &str) -> Result<Self, &'static str> {
        let names: Vec<_> = typed.split('.').map(str::to_owned).collect();
        match names.iter().any(String::is_empty) {
            true => Err("a field is named by names with dots between"),
            false => Ok(Self(names)),
        }
    }
}

impl fmt::Display for CursorPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// A text in which `{cursor}` stands for where the last connection ended, and `{cursor:x}` for `x` as
/// long as that is not known; `{cursor}` is empty then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

const OPENING: &str = "{cursor";

impl Template {
    /// Keeps `text`. Braces that are around something else are no more than braces.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it was typed.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The text as part of a URL, with the cursor escaped as it has to be there.
    pub fn fill_url(&self, cursor: Option<&str>) -> String {
        self.fill(cursor, percent_encoded)
    }

    /// The text as a message: where it is JSON, it stays so, whatever the cursor is.
    pub fn fill_message(&self, cursor: Option<&str>) -> String {
        let is_json = self.0.trim_start().starts_with(['{', '[']);
        self.fill(cursor, |cursor| match is_json {
            true => {
                let quoted = Value::from(cursor).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            false => cursor.to_owned(),
        })
    }

    fn fill(&self, cursor: Option<&str>, encoded: impl Fn(&str) -> String) -> String {
        let mut filled = String::new();
        let mut rest = self.0.as_str();
        while let Some(start) = rest.find(OPENING) {
            let behind = &rest[start + OPENING.len()..];
            let end = behind.find('}');
            let Some((default, after)) = end.and_then(|end| {
                let default = match &behind[..end] {
                    "" => Some(""),
                    inner => inner.strip_prefix(':'),
                };
                default.zip(Some(&behind[end + 1..]))
            }) else {
                filled += &rest[..start + OPENING.len()];
                rest = behind;
                continue;
            };
            filled += &rest[..start];
            match cursor {
                Some(cursor) => filled += &encoded(cursor),
                None => filled += default,
            }
            rest = after;
        }
        filled + rest
    }
}

/// What may stand anywhere in a URL as it is (RFC 3986, section 2.3), and the rest behind `%`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_found_by_its_path() {
        let find = |path: &str, message: &str| {
            CursorPath::from_str(path).unwrap().find(message.as_bytes())
        };
        assert_eq!(find("id", r#"{"id":"a-1"}"#).as_deref(), Some("a-1"));
        assert_eq!(
            find("data.seq", r#"{"data":{"seq":12}}"#).as_deref(),
            Some("12")
        );
        assert_eq!(find("a.b", r#"{"a.b":1}"#).as_deref(), Some("1"));
        assert_eq!(find("1.id", r#"["m",{"id":"x"}]"#).as_deref(), Some("x"));
        assert_eq!(find("id", r#"{"id":{}}"#), None);
        assert_eq!(find("id", "text"), None);
        assert!(CursorPath::from_str("a..b").is_err());
    }

    #[test]
    fn a_cursor_is_put_in_as_its_place_demands() {
        let url = Template::new("ws://h/?from={cursor}&x={y}");
        assert_eq!(url.fill_url(Some("a b&c")), "ws://h/?from=a%20b%26c&x={y}");
        assert_eq!(url.fill_url(None), "ws://h/?from=&x={y}");
        let json = Template::new(r#"{"from":"{cursor:$}","{cursors":1}"#);
        assert_eq!(
            json.fill_message(Some("\"q\"")),
            r#"{"from":"\"q\"","{cursors":1}"#
        );
        assert_eq!(json.fill_message(None), r#"{"from":"$","{cursors":1}"#);
        assert_eq!(
            Template::new("SINCE {cursor}").fill_message(Some("\"")),
            "SINCE \""
        );
    }
}
