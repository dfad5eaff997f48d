//! What a field holds: views into the text of its record.

use std::borrow::Cow;

use crate::envelope::Envelope;
use crate::json;

/// What a field of a record holds, as far as the record's format tells it from other things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text.
    Text(Text<'a>),
    /// Something that the format leaves without quotes, such as `status=500`: text, but a number
    /// too if it reads like one.
    Bare(&'a [u8]),
    /// A number as it is written, such as `5e2`.
    Number(&'a [u8]),
    /// `true` or `false`.
    Bool(bool),
    /// Nothing, said explicitly; a field that is there for `-o json`, and absent for a search.
    Null,
    /// An object as it is written in JSON.
    Object(&'a [u8]),
    /// A list as it is written in JSON.
    List(&'a [u8]),
}

/// Text as it is written in a record, perhaps with escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a [u8],
    /// Whether it is a part of a string of JSON, in which what is meant stands as `escapes` says.
    is_in_string: bool,
    escapes: Escapes,
}

/// How characters are escaped in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escapes {
    None,
    /// With backslashes, as in JSON. Go's, Rust's and Python's are read as well: where they differ
    /// from JSON, JSON has nothing to say.
    Backslashes,
    /// A backslash before `"`, `\` or `]` is left out, as in RFC 5424.
    Shielded,
    /// A quote is written twice, as in CSV.
    Doubled,
    /// Only the first and the last word count.
    Ends,
    /// Each line but the first is in an envelope.
    Enclosed {
        envelope: Envelope,
        /// Whether the first line goes on with the second.
        is_partial: bool,
    },
}

impl<'a> Text<'a> {
    /// Text that stands as it is.
    pub fn plain(raw: &'a [u8]) -> Self {
        Self::with(raw, Escapes::None)
    }

    /// What stands between two quotes, where a backslash escapes.
    pub fn escaped(raw: &'a [u8]) -> Self {
        Self::with(raw, Escapes::Backslashes)
    }

    /// What stands between two quotes, where a backslash only tells quotes, brackets and backslashes
    /// from those that end the text.
    pub fn shielded(raw: &'a [u8]) -> Self {
        Self::with(raw, Escapes::Shielded)
    }

    /// What stands between two quotes, where a quote is written twice.
    pub fn doubled(raw: &'a [u8]) -> Self {
        Self::with(raw, Escapes::Doubled)
    }

    /// A name in two parts that do not stand together: the first and the last word of `raw`, with a
    /// dot between them.
    pub fn ends(raw: &'a [u8]) -> Self {
        Self::with(raw, Escapes::Ends)
    }

    /// Lines of which all but the first are in envelopes; the first is what is left of such a line,
    /// and may go on with the second.
    pub(crate) fn enclosed(raw: &'a [u8], envelope: Envelope, is_partial: bool) -> Self {
        Self::with(
            raw,
            Escapes::Enclosed {
                envelope,
                is_partial,
            },
        )
    }

    fn with(raw: &'a [u8], escapes: Escapes) -> Self {
        Self {
            raw,
            is_in_string: false,
            escapes,
        }
    }

    /// This text where it is a part of a string of JSON: all of it is escaped once more.
    pub(crate) fn in_string(self) -> Self {
        Self {
            is_in_string: memchr::memchr(b'\\', self.raw).is_some(),
            ..self
        }
    }

    /// The object of JSON that this is, as it is written, if it stands in a string of JSON.
    pub(crate) fn object(self) -> Option<&'a [u8]> {
        self.raw.starts_with(b"{\\\"").then_some(self.raw)
    }

    /// The bytes as they are written, without the quotes around them.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether what is meant may differ from what is written.
    pub fn has_escapes(&self) -> bool {
        self.is_in_string || self.escapes != Escapes::None
    }

    /// Whether this is what is meant.
    pub fn is(&self, meant: &[u8]) -> bool {
        self.raw == meant && !self.has_escapes() || self.has_escapes() && *self.decode() == *meant
    }

    /// The bytes that are meant. Without escapes they are not copied.
    pub fn decode(&self) -> Cow<'a, [u8]> {
        if !self.is_in_string {
            return self.escapes.resolve(self.raw);
        }
        match json::unescape(self.raw) {
            Cow::Borrowed(raw) => self.escapes.resolve(raw),
            Cow::Owned(raw) => Cow::Owned(self.escapes.resolve(&raw).into_owned()),
        }
    }
}

impl Escapes {
    fn resolve(self, raw: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Escapes::None => Cow::Borrowed(raw),
            Escapes::Backslashes => json::unescape(raw),
            Escapes::Shielded => without(raw, b'\\', |next| b"\"\\]".contains(&next)),
            Escapes::Doubled => without(raw, b'"', |next| next == b'"'),
            Escapes::Ends => Cow::Owned(joined_ends(raw)),
            Escapes::Enclosed {
                envelope,
                is_partial,
            } => Cow::Owned(envelope.join(raw, is_partial)),
        }
    }
}

/// The bytes without each `mark` that stands before one of which `shields` says that it is meant.
fn without(raw: &[u8], mark: u8, shields: impl Fn(u8) -> bool) -> Cow<'_, [u8]> {
    if memchr::memchr(mark, raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut meant = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let [first, after @ ..] = rest {
        let is_mark = *first == mark && after.first().is_some_and(|next| shields(*next));
        let taken = usize::from(is_mark);
        meant.push(rest[taken]);
        rest = &rest[taken + 1..];
    }
    Cow::Owned(meant)
}

fn joined_ends(raw: &[u8]) -> Vec<u8> {
    let mut words = raw.split(|byte| *byte == b' ');
    let first = words.next().unwrap_or_default();
    match words.next_back() {
        Some(last) => [first, last].join(&b'.'),
        None => first.to_vec(),
    }
}

impl<'a> Value<'a> {
    /// The bytes that a search compares: of text what is meant, of all else what is written.
    pub fn bytes(&self) -> Cow<'a, [u8]> {
        Cow::Borrowed(match *self {
            Value::Text(text) => return text.decode(),
            Value::Bare(written)
            | Value::Number(written)
            | Value::Object(written)
            | Value::List(written) => written,
            Value::Bool(true) => b"true",
            Value::Bool(false) => b"false",
            Value::Null => b"null",
        })
    }

    /// The number that it is, or reads like; text in quotes reads like none unless all of it is a
    /// number.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Number(written) | Value::Bare(written) => number(written),
            Value::Text(text) => number(&text.decode()),
            Value::Bool(_) | Value::Null | Value::Object(_) | Value::List(_) => None,
        }
    }
}

/// The number that is all of `text`: decimal, perhaps with a fraction and an exponent. Neither `inf`
/// nor `nan` is one, nor is one that would be infinite.
pub fn number(text: &[u8]) -> Option<f64> {
    // Most numbers are short and whole; the others take ten times as long.
    if (1..=15).contains(&text.len()) && text.iter().all(u8::is_ascii_digit) {
        let digits = text.iter().map(|digit| u64::from(digit - b'0'));
        return Some(digits.fold(0, |number, digit| number * 10 + digit) as f64);
    }
    let unsigned = text.strip_prefix(b"-").or(text.strip_prefix(b"+"));
    let first = unsigned.unwrap_or(text).first()?;
    if !first.is_ascii_digit() && *first != b'.' {
        return None;
    }
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_as_a_number_is_one() {
        for (text, expected) in [
            ("0", Some(0.0)),
            ("500", Some(500.0)),
            ("-1.5", Some(-1.5)),
            ("+2", Some(2.0)),
            ("5e2", Some(500.0)),
            (".5", Some(0.5)),
            ("123456789012345678901", Some(123_456_789_012_345_678_901.0)),
            ("", None),
            ("-", None),
            ("inf", None),
            ("-inf", None),
            ("NaN", None),
            ("1e999", None),
            ("1s", None),
            (" 1", None),
            ("1_000", None),
            ("\u{0661}", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_doubled_quote_is_one() {
        let text = Text::doubled(br#"say ""hi"""#);
        assert_eq!(&*text.decode(), br#"say "hi""#);
        assert_eq!(&*Text::doubled(br#"a"b"#).decode(), br#"a"b"#);
    }

    #[test]
    fn a_backslash_shields_only_what_would_end_the_text() {
        let text = Text::shielded(br#"C:\\tmp\new \"x\" \\ [\] \"#);
        assert_eq!(&*text.decode(), br#"C:\tmp\new "x" \ [] \"#);
    }

    #[test]
    fn a_name_is_of_its_first_and_its_last_word() {
        for (raw, meant) in [("a b", "a.b"), (r#"a b="c d" e"#, "a.e"), ("a", "a")] {
            assert!(Text::ends(raw.as_bytes()).is(meant.as_bytes()), "{raw}");
        }
    }

    #[test]
    fn what_is_in_a_string_is_escaped_once_more() {
        for (text, meant) in [
            (Text::plain(br#"a\nb \"c\""#), "a\nb \"c\""),
            (Text::escaped(br#"a\\nb \\\"c\\\""#), "a\nb \"c\""),
            (Text::doubled(br#"\"\"c\"\""#), "\"c\""),
            (Text::plain(b"plain"), "plain"),
        ] {
            assert!(text.in_string().is(meant.as_bytes()), "{text:?}");
        }
        assert!(!Text::plain(b"plain").in_string().has_escapes());
    }

    #[test]
    fn values_compare_as_what_they_mean() {
        assert_eq!(&*Value::Text(Text::escaped(br"a\/b")).bytes(), b"a/b");
        assert_eq!(&*Value::Bool(false).bytes(), b"false");
        assert_eq!(Value::Text(Text::plain(b"12")).number(), Some(12.0));
        assert_eq!(Value::Null.number(), None);
    }
}
