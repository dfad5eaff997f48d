//! What a field holds: views into the text of its record.

use std::borrow::Cow;
use std::cmp::Ordering;

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
    /// A backslash before `|`, `=` or `\` is left out, as in CEF.
    Barred,
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
    #[inline]
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

    /// What stands between bars or pairs, where a backslash only tells bars, equals signs and
    /// backslashes from those that end the text.
    pub fn barred(raw: &'a [u8]) -> Self {
        Self::with(raw, Escapes::Barred)
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

    /// A text that is written in the same way as this one, but `raw`.
    pub(crate) fn respelled<'b>(&self, raw: &'b [u8]) -> Text<'b> {
        Text { raw, ..*self }
    }

    /// The object of JSON that this is, as it is written, if it stands in a string of JSON.
    pub(crate) fn object(self) -> Option<&'a [u8]> {
        self.raw.starts_with(b"{\\\"").then_some(self.raw)
    }

    /// Whether this is an object or a list of JSON, and not text, which stands in a string of JSON.
    #[inline]
    pub fn is_nested_json(self) -> bool {
        if !self.is_in_string
            || self.escapes != Escapes::None
            || !matches!(self.raw.first(), Some(b'{' | b'['))
        {
            return false;
        }
        // Behind the bracket there are only quotes to be escaped; of a text, the backslash before a
        // quote is escaped as well.
        let first = memchr::memchr(b'\\', self.raw).map(|at| &self.raw[at..]);
        first.is_some_and(|first| first.starts_with(b"\\\""))
    }

    /// The bytes as they are written, without the quotes around them.
    #[inline]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether what is meant may differ from what is written.
    #[inline]
    pub fn has_escapes(&self) -> bool {
        self.is_in_string || self.escapes != Escapes::None
    }

    /// Whether this is what is meant.
    #[inline]
    pub fn is(&self, meant: &[u8]) -> bool {
        self.raw == meant && !self.has_escapes() || self.has_escapes() && *self.decode() == *meant
    }

    /// The bytes that are meant. Without escapes they are not copied.
    #[inline]
    pub fn decode(&self) -> Cow<'a, [u8]> {
        let may_have_any = match (self.is_in_string, self.escapes) {
            (false, Escapes::None) => false,
            (false, Escapes::Backslashes) => json::has_mark(self.raw),
            _ => true,
        };
        match may_have_any {
            true => self.decode_escapes(),
            false => Cow::Borrowed(self.raw),
        }
    }

    fn decode_escapes(&self) -> Cow<'a, [u8]> {
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
            Escapes::Barred => without(raw, b'\\', |next| b"|=\\".contains(&next)),
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
    #[inline]
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

    /// The number that it is, or that all of its text reads like.
    pub fn number(&self) -> Option<Number> {
        match self {
            Value::Number(written) | Value::Bare(written) => Number::of(written),
            Value::Text(text) => Number::of(&text.decode()),
            Value::Bool(_) | Value::Null | Value::Object(_) | Value::List(_) => None,
        }
    }
}

/// A number, as exact as it is written where it is whole.
///
/// Identifiers are often larger than a float can tell apart.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A whole number without a fraction and an exponent.
    Int(i128),
    /// Any other, or one that is too large.
    Float(f64),
}

impl Number {
    /// The number that all of `text` is: decimal, perhaps with a fraction and an exponent. Neither
    /// `inf` nor `nan` is one, nor is one that would be infinite.
    ///
    /// ```
    /// use birl_record::value::Number;
    ///
    /// assert_eq!(Number::of(b"5e2"), Number::of(b"500"));
    /// assert_ne!(Number::of(b"9007199254740993"), Number::of(b"9007199254740992"));
    /// assert_eq!(Number::of(b"12ms"), None);
    /// ```
    pub fn of(text: &[u8]) -> Option<Self> {
        let (digits, sign) = match text {
            [b'-', digits @ ..] => (digits, -1),
            [b'+', digits @ ..] => (digits, 1),
            digits => (digits, 1),
        };
        let first = digits.first()?;
        if digits.len() <= INT_DIGITS_MAX && digits.iter().all(u8::is_ascii_digit) {
            return Some(Self::Int(sign * whole(digits)));
        }
        if !first.is_ascii_digit() && *first != b'.' {
            return None;
        }
        let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
        number.is_finite().then_some(Self::Float(number))
    }

    fn as_float(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Float(float) => float,
        }
    }
}

/// So many digits fit into an `i128`, whatever they are.
const INT_DIGITS_MAX: usize = 38;

/// The number that at most [`INT_DIGITS_MAX`] digits are.
fn whole(digits: &[u8]) -> i128 {
    // Most are short, and a machine word is ten times as fast.
    if digits.len() <= 18 {
        let digits = digits.iter().map(|digit| u64::from(digit - b'0'));
        return digits.fold(0, |number, digit| number * 10 + digit).into();
    }
    let digits = digits.iter().map(|digit| i128::from(digit - b'0'));
    digits.fold(0, |number, digit| number * 10 + digit)
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => Some(one.cmp(other)),
            _ => self.as_float().partial_cmp(&other.as_float()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_as_a_number_is_one() {
        use Number::{Float, Int};
        for (text, expected) in [
            ("0", Int(0)),
            ("007", Int(7)),
            ("-1.5", Float(-1.5)),
            ("+2", Int(2)),
            ("5e2", Int(500)),
            (".5", Float(0.5)),
            ("12345678901234567890", Int(12_345_678_901_234_567_890)),
            (&"9".repeat(38), Int(10_i128.pow(38) - 1)),
            (&"9".repeat(39), Float(1e39)),
        ] {
            assert_eq!(Number::of(text.as_bytes()), Some(expected), "{text}");
        }
        for text in [
            "", "-", "+", "inf", "-inf", "NaN", "1e999", "1s", " 1", "1_000", "--1", "\u{0661}",
        ] {
            assert_eq!(Number::of(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_told_apart_that_are_one_float() {
        let number = |text: &str| Number::of(text.as_bytes()).unwrap();
        assert!(number("9007199254740993") > number("9007199254740992"));
        assert_eq!(number("9007199254740993.0"), number("9007199254740992"));
        assert!(number("1e38") > number("2"));
        assert!(number("-2") < number("-1.5"));
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
        assert_eq!(
            Value::Text(Text::plain(b"12")).number(),
            Some(Number::Int(12))
        );
        assert_eq!(Value::Null.number(), None);
    }
}
