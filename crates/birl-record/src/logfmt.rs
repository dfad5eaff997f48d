//! `key=value` pairs, as logfmt has them, and as they stand in other lines.

use memchr::{memchr, memmem};

use crate::json;
use crate::value::{Text, Value};

/// Goes through the pairs of a text, in their order. What is no pair is passed over.
///
/// A key is of letters, digits and `_`, `-`, `.`, `@`, `/`, `$`; white space or an opening bracket
/// or comma stands before it. A value is in double quotes, in which a backslash escapes, or ends
/// before white space; of a comma, semicolon or bracket at its end it is freed.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Pairs<'a> {
    /// The pairs of `text`.
    pub fn of(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Where the last pair that was taken ends.
    pub(crate) fn at(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Pairs<'a> {
    /// Where the pair begins, its key, and its value.
    type Item = (usize, Text<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let equals = self.at + memchr(b'=', self.text.get(self.at..)?)?;
            let key = key_before(self.text, self.at, equals);
            let start = equals - key.len();
            if key.is_empty() {
                self.at = equals + 1;
                continue;
            }
            let (value, end) = value_at(self.text, equals + 1);
            self.at = end;
            return Some((start, Text::plain(key), value));
        }
    }
}

/// The value of the first pair with this key.
///
/// ```
/// use birl_record::logfmt;
/// use birl_record::value::Value;
///
/// let line = br#"level=info msg="a=b" a=1"#;
/// assert_eq!(logfmt::get(line, b"a"), Some(Value::Bare(b"1")));
/// ```
pub fn get<'a>(text: &'a [u8], key: &[u8]) -> Option<Value<'a>> {
    // Most texts do not hold the key at all. Where it stands, it may be within quotes.
    memmem::find(text, key)?;
    Pairs::of(text).find_map(|(_, name, value)| (name.raw() == key).then_some(value))
}

/// The key that ends at `end`, and begins at `from` or behind it; empty where there is none.
fn key_before(text: &[u8], from: usize, end: usize) -> &[u8] {
    let is_part = |byte: &&u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'-' | b'.' | b'@' | b'/' | b'$')
            || !byte.is_ascii()
    };
    let len = text[from..end].iter().rev().take_while(is_part).count();
    let start = end - len;
    let begins = match start.checked_sub(1).map(|before| text[before]) {
        None | Some(b' ' | b'\t' | b'\n' | b'(' | b'[' | b'{' | b',' | b';' | b'|') => true,
        Some(_) => false,
    };
    let key = &text[start..end];
    match begins
        && key
            .first()
            .is_some_and(|first| !matches!(first, b'-' | b'/' | b'.'))
    {
        true => key,
        false => &[],
    }
}

/// The value that begins at `at`, and where to look for the next pair.
pub(crate) fn value_at(text: &[u8], at: usize) -> (Value<'_>, usize) {
    let rest = &text[at..];
    if let [b'"', quoted @ ..] = rest
        && let Some(end) = closing_quote(quoted)
    {
        let raw = &quoted[..end];
        let value = match memchr(b'\\', raw) {
            Some(_) => Text::escaped(raw),
            None => Text::plain(raw),
        };
        return (Value::Text(value), at + end + 2);
    }
    // Where all of the line stands in a string, quotes have a backslash before them.
    if let [b'\\', b'"', quoted @ ..] = rest
        && let Some((end, _)) = json::enclosed_string_end(quoted)
    {
        let value = Text::escaped(&quoted[..end]).in_string();
        return (Value::Text(value), at + end + 4);
    }
    let len = rest.iter().take_while(|byte| !byte.is_ascii_whitespace());
    let len = len.count();
    let mut value = &rest[..len];
    while let [shorter @ .., last] = value
        && is_punctuation(*last, shorter)
    {
        value = shorter;
    }
    (Value::Bare(value), at + len)
}

/// Whether `last`, with which a value ends, belongs to the text around it.
fn is_punctuation(last: u8, before: &[u8]) -> bool {
    let opens = |open| before.contains(&open);
    match last {
        b',' | b';' => true,
        b')' => !opens(b'('),
        b']' => !opens(b'['),
        b'}' => !opens(b'{'),
        _ => false,
    }
}

fn closing_quote(quoted: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', quoted.get(at..)?)?;
        if quoted[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Pairs::of(text.as_bytes())
            .map(|(_, key, value)| (string(key.raw()), string(&value.bytes())))
            .collect()
    }

    fn check(text: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(pairs(text), expected, "{text}");
    }

    #[test]
    fn pairs_come_in_order() {
        check(
            r#"ts=2026-03-14T14:04:31Z level=error msg="cannot \"send\"" n=1 empty= last=x"#,
            &[
                ("ts", "2026-03-14T14:04:31Z"),
                ("level", "error"),
                ("msg", "cannot \"send\""),
                ("n", "1"),
                ("empty", ""),
                ("last", "x"),
            ],
        );
        check("a=\"unclosed b=1", &[("a", "\"unclosed"), ("b", "1")]);
        check("größe=3 日本=x", &[("größe", "3"), ("日本", "x")]);
    }

    #[test]
    fn pairs_are_found_in_other_text() {
        check(
            "user logged in (id=42, name=ann) from [ip=10.0.0.1]; took=3ms, a==b x-y=f(1) GET /?q=1&r=2",
            &[
                ("id", "42"),
                ("name", "ann"),
                ("ip", "10.0.0.1"),
                ("took", "3ms"),
                ("a", "=b"),
                ("x-y", "f(1)"),
            ],
        );
    }

    #[test]
    fn what_looks_like_a_pair_in_quotes_is_none() {
        let line = br#"msg="a=1 b=2" b=3"#;
        assert_eq!(get(line, b"b"), Some(Value::Bare(b"3")));
        assert_eq!(get(line, b"a"), None);
        assert_eq!(get(line, b"sg"), None);
    }
}
