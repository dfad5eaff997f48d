//! JSON, read where it lies: no tree is built, and only what is asked for is looked at.
//!
//! The text need not be valid. What could be read before it goes wrong is kept, since half an object
//! is what a log ends with when its writer is killed.

mod lead;
mod marks;

use std::borrow::Cow;

use memchr::{memchr, memchr2};

pub(crate) use lead::Lead;

use crate::value::{Text, Value};

/// Objects and lists within others are read to this depth; deeper ones would only come from a
/// broken program.
const DEPTH_MAX: usize = 128;

/// Goes through the members of the object that `text` is, in their order.
///
/// Ends where the object does, or where it is no JSON any more: [`Members::rest`] tells.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    text: &'a [u8],
    at: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    First,
    More,
    Ended,
    Broken,
}

impl<'a> Members<'a> {
    /// The members of an object; of anything else there are none.
    pub fn of(text: &'a [u8]) -> Self {
        let at = skip_space(text, 0);
        let (at, state) = match text.get(at) {
            Some(b'{') => (at + 1, State::First),
            _ => (at, State::Broken),
        };
        Self { text, at, state }
    }

    /// What comes behind the object, once all members have been taken; `None` if it was broken.
    pub fn rest(&self) -> Option<&'a [u8]> {
        (self.state == State::Ended).then(|| &self.text[self.at..])
    }

    /// Whether the next member would be the first.
    pub(crate) fn is_at_first(&self) -> bool {
        self.state == State::First
    }

    /// The next member, and what stands between its value and the one before, or the bracket.
    pub(crate) fn next_with_lead(&mut self) -> Option<(&'a [u8], Text<'a>, Value<'a>)> {
        if matches!(self.state, State::Ended | State::Broken) {
            return None;
        }
        let member = self.member();
        if member.is_none() && self.state != State::Ended {
            self.state = State::Broken;
        }
        member
    }

    /// Whether `lead` stands right before the next value. It must be one that
    /// [`next_with_lead`](Self::next_with_lead) gave for a member that was the first if this one is,
    /// and was not if it is not. Then [`value_behind`](Self::value_behind) or
    /// [`pass_behind`](Self::pass_behind) takes the value.
    #[inline]
    pub(crate) fn comes_behind(&self, lead: &Lead) -> bool {
        // With more spaces it is another lead.
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        lead.is_at(self.text, self.at) && !self.text.get(self.at + lead.len()).is_some_and(is_space)
    }

    /// Takes the value that comes behind `lead`, as [`comes_behind`](Self::comes_behind) says, and
    /// calls `take` with the bytes of the lead, where they stand, and the value. Returns whether there
    /// is one.
    ///
    /// The value is not returned since that would have it go through memory, which takes as long as to
    /// find where it ends.
    #[inline]
    pub(crate) fn value_behind(
        &mut self,
        lead: &Lead,
        mut take: impl FnMut(&'a [u8], Value<'a>),
    ) -> bool {
        let start = self.at + lead.len();
        let lead = &self.text[self.at..start];
        // Most values are strings without escapes, and numbers.
        match self.text.get(start) {
            Some(b'"') => {
                if let Some((end, false)) = string_end(&self.text[start + 1..]) {
                    let raw = &self.text[start + 1..][..end];
                    (self.at, self.state) = (start + end + 2, State::More);
                    take(lead, Value::Text(Text::plain(raw)));
                    return true;
                }
            }
            Some(b'0'..=b'9') => {
                let end = number_end(self.text, start);
                if end < self.text.len() {
                    (self.at, self.state) = (end, State::More);
                    take(lead, Value::Number(&self.text[start..end]));
                    return true;
                }
            }
            _ => {}
        }
        let found = value(self.text, start);
        self.moves_to(found.map(|(_, end)| end));
        found.is_some_and(|(value, _)| {
            take(lead, value);
            true
        })
    }

    /// The same, where nobody wants to know the value. Returns whether there is one.
    #[inline]
    pub(crate) fn pass_behind(&mut self, lead: &Lead) -> bool {
        self.moves_to(value_end(self.text, self.at + lead.len()))
    }

    #[inline]
    fn moves_to(&mut self, end: Option<usize>) -> bool {
        match end {
            Some(end) => (self.at, self.state) = (end, State::More),
            None => self.state = State::Broken,
        }
        end.is_some()
    }

    fn member(&mut self) -> Option<(&'a [u8], Text<'a>, Value<'a>)> {
        let start = self.at;
        let mut at = match next_item(self.text, self.at, self.state, b'}')? {
            Item::At(at) => at,
            Item::None { end } => {
                self.at = end;
                self.state = State::Ended;
                return None;
            }
        };
        let (key, end) = string(self.text, at)?;
        at = behind_colon(self.text, end)?;
        let (value, end) = value(self.text, at)?;
        self.at = end;
        self.state = State::More;
        Some((&self.text[start..at], key, value))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Text<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (_, key, value) = self.next_with_lead()?;
        Some((key, value))
    }
}

/// What comes next in an object or a list.
enum Item {
    /// Another item, which begins here.
    At(usize),
    /// No other; the object or list ends here.
    None { end: usize },
}

/// What comes next, from `at` on, in an object or a list that `close` ends; nothing where it is no
/// JSON.
fn next_item(text: &[u8], at: usize, state: State, close: u8) -> Option<Item> {
    let at = skip_space(text, at);
    match (*text.get(at)?, state) {
        (byte, _) if byte == close => Some(Item::None { end: at + 1 }),
        (b',', State::More) => Some(Item::At(skip_space(text, at + 1))),
        (_, State::First) => Some(Item::At(at)),
        _ => None,
    }
}

/// The elements of the list that `text` is, up to where it is no JSON any more.
pub fn elements(text: &[u8]) -> Elements<'_> {
    let state = match text.first() {
        Some(b'[') => State::First,
        _ => State::Broken,
    };
    Elements { text, at: 1, state }
}

/// Goes through the elements of a list, in their order.
///
/// Ends where the list does, or where it is no JSON any more: [`Elements::rest`] tells.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    text: &'a [u8],
    at: usize,
    state: State,
}

impl<'a> Elements<'a> {
    /// What comes behind the list, once all elements have been taken; `None` if it was broken.
    pub fn rest(&self) -> Option<&'a [u8]> {
        (self.state == State::Ended).then(|| &self.text[self.at..])
    }

    fn element(&mut self) -> Option<Value<'a>> {
        let at = match next_item(self.text, self.at, self.state, b']')? {
            Item::At(at) => at,
            Item::None { end } => {
                self.at = end;
                self.state = State::Ended;
                return None;
            }
        };
        let (value, end) = value(self.text, at)?;
        self.at = end;
        self.state = State::More;
        Some(value)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.state, State::Ended | State::Broken) {
            return None;
        }
        let element = self.element();
        if element.is_none() && self.state != State::Ended {
            self.state = State::Broken;
        }
        element
    }
}

/// The member that `path` names in the object that `text` is; of repeated keys the first counts.
///
/// Dots lead into objects: `request.status` is the `status` of the object `request`, or else the
/// key that is spelled with a dot.
///
/// ```
/// use birl_record::json;
/// use birl_record::value::Value;
///
/// let text = br#"{"level":"info","request":{"status":500}}"#;
/// assert_eq!(json::get(text, b"request.status"), Some(Value::Number(b"500")));
/// assert_eq!(json::get(text, b"status"), None);
/// ```
pub fn get<'a>(text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
    if memchr(b'.', path).is_none() {
        return Members::of(text).find_map(|(key, value)| key.is(path).then_some(value));
    }
    let mut best = None;
    for (key, value) in Members::of(text) {
        let Some(rest) = rest_of_path(key, path) else {
            continue;
        };
        let found = match (rest, value) {
            (b"", value) => Some(value),
            ([b'.', rest @ ..], Value::Object(object)) => get(object, rest),
            _ => None,
        };
        // The key that takes least of the path is the most nested.
        let taken = path.len() - rest.len();
        if let Some(found) = found
            && best.is_none_or(|(least, _)| taken < least)
        {
            best = Some((taken, found));
        }
    }
    best.map(|(_, value)| value)
}

/// What of a path is left behind `key`, if it begins with it: nothing, or a dot and more.
fn rest_of_path<'p>(key: Text<'_>, path: &'p [u8]) -> Option<&'p [u8]> {
    let rest = path.strip_prefix(&*key.decode())?;
    (rest.is_empty() || rest[0] == b'.').then_some(rest)
}

/// Where the value begins of the member whose key ends at `at`, behind its quote.
pub(crate) fn behind_colon(text: &[u8], at: usize) -> Option<usize> {
    let colon = skip_space(text, at);
    (text.get(colon) == Some(&b':')).then(|| skip_space(text, colon + 1))
}

/// The value that begins at `at`, and where it ends.
///
/// A number is none where the text ends with it: it may be half of one.
pub(crate) fn value(text: &[u8], at: usize) -> Option<(Value<'_>, usize)> {
    Some(match text.get(at)? {
        b'"' => {
            let (string, end) = quoted(text, at + 1)?;
            (Value::Text(string), end)
        }
        b'\\' => {
            let (string, end) = string(text, at)?;
            (Value::Text(string), end)
        }
        b'{' => {
            let end = nested_end(text, at)?;
            (Value::Object(&text[at..end]), end)
        }
        b'[' => {
            let end = nested_end(text, at)?;
            (Value::List(&text[at..end]), end)
        }
        b'-' | b'0'..=b'9' => {
            let end = number_end(text, at);
            if end == text.len() {
                return None;
            }
            (Value::Number(&text[at..end]), end)
        }
        _ => word(text, at)?,
    })
}

/// Where the value ends that begins at `at`, as [`value`] finds it.
#[inline(always)]
fn value_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => {
            let start = at + 1;
            string_end(&text[start..]).map(|(end, _)| start + end + 1)
        }
        b'-' | b'0'..=b'9' => Some(number_end(text, at)).filter(|end| *end < text.len()),
        _ => value(text, at).map(|(_, end)| end),
    }
}

/// The string that begins at `at` with a quote, and where it ends.
fn string(text: &[u8], at: usize) -> Option<(Text<'_>, usize)> {
    let rest = text.get(at..)?;
    if let Some(rest) = rest.strip_prefix(b"\\\"") {
        let (end, escaped) = enclosed_string_end(rest)?;
        let raw = &rest[..end];
        let string = match escaped {
            true => Text::escaped(raw),
            false => Text::plain(raw),
        };
        return Some((string.in_string(), at + end + 4));
    }
    match rest.first() {
        Some(b'"') => quoted(text, at + 1),
        _ => None,
    }
}

/// The string whose content begins at `at`, and where it ends, behind its quote.
#[inline]
fn quoted(text: &[u8], at: usize) -> Option<(Text<'_>, usize)> {
    let rest = &text[at..];
    let (end, escaped) = string_end(rest)?;
    let raw = &rest[..end];
    let string = match escaped {
        true => Text::escaped(raw),
        false => Text::plain(raw),
    };
    Some((string, at + end + 1))
}

/// Whether there is a quote or a backslash in `text`.
#[inline]
pub(crate) fn has_mark(text: &[u8]) -> bool {
    marks::first_mark(text).is_some()
}

/// Where the quote stands that closes a string, whose content `rest` begins with, and whether there
/// are escapes before it.
#[inline]
pub(crate) fn string_end(rest: &[u8]) -> Option<(usize, bool)> {
    let at = marks::first_mark(rest)?;
    match rest[at] {
        b'"' => Some((at, false)),
        _ => escaped_string_end(rest, at),
    }
}

/// The same where the first escape stands at `at`.
fn escaped_string_end(rest: &[u8], at: usize) -> Option<(usize, bool)> {
    let mut at = at;
    while rest[at] != b'"' {
        at += 2;
        at += memchr2(b'"', b'\\', rest.get(at..)?)?;
    }
    Some((at, true))
}

/// Where the quote stands that closes a string, and whether there are escapes before it, where all of
/// it stands in a string itself, and each quote has a backslash before it.
pub(crate) fn enclosed_string_end(rest: &[u8]) -> Option<(usize, bool)> {
    let mut at = 0;
    let mut escaped = false;
    loop {
        at += memchr(b'\\', rest.get(at..)?)?;
        at += match rest.get(at + 1..)? {
            [b'"', ..] => return Some((at, escaped)),
            // A backslash of the inner string, and what it escapes.
            [b'\\', next @ ..] => {
                escaped = true;
                if next.first() == Some(&b'\\') { 4 } else { 3 }
            }
            _ => 2,
        };
    }
}

fn nested_end(text: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0;
    let mut at = from;
    loop {
        match text.get(at)? {
            b'"' => {
                at += string_end(&text[at + 1..])?.0 + 2;
                continue;
            }
            b'\\' if text.get(at + 1) == Some(&b'"') => {
                at += enclosed_string_end(&text[at + 2..])?.0 + 4;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        match depth {
            0 => return Some(at),
            DEPTH_MAX => return None,
            _ => {}
        }
    }
}

#[inline(never)]
fn number_end(text: &[u8], at: usize) -> usize {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    let rest = &text[at..];
    // Most are a few digits; how many is not worth a guess.
    if let Some(digits) = marks::digits(rest)
        && !is_part(&rest[digits])
    {
        return at + digits;
    }
    at + rest.iter().take_while(|byte| is_part(byte)).count()
}

fn word(text: &[u8], at: usize) -> Option<(Value<'static>, usize)> {
    let words = [
        (&b"true"[..], Value::Bool(true)),
        (b"false", Value::Bool(false)),
        (b"null", Value::Null),
        // What Python writes if nobody stops it.
        (b"NaN", Value::Null),
    ];
    words.into_iter().find_map(|(word, value)| {
        let end = at + word.len();
        (text.get(at..end)? == word).then_some((value, end))
    })
}

fn skip_space(text: &[u8], at: usize) -> usize {
    let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    match text.get(at) {
        Some(byte) if is_space(&byte) => at + text[at..].iter().take_while(is_space).count(),
        _ => at,
    }
}

/// Resolves the escapes of a JSON string (RFC 8259, section 7), which is given without its quotes.
///
/// Half of a surrogate pair becomes U+FFFD. `\e`, `\xHH` and `\u{H…}`, which other languages write,
/// are read as well; an escape that nobody knows stands for itself, with its backslash.
pub fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr(b'\\', raw) else {
        return Cow::Borrowed(raw);
    };
    let mut meant = Vec::with_capacity(raw.len());
    let mut rest = raw;
    let mut next = Some(first);
    while let Some(at) = next {
        meant.extend_from_slice(&rest[..at]);
        rest = resolve(&rest[at..], &mut meant);
        next = memchr(b'\\', rest);
    }
    meant.extend_from_slice(rest);
    Cow::Owned(meant)
}

/// Resolves the escape that `text` begins with, and gives what follows it.
fn resolve<'a>(text: &'a [u8], meant: &mut Vec<u8>) -> &'a [u8] {
    let simple = match text.get(1) {
        Some(byte @ (b'"' | b'\\' | b'/' | b'\'')) => *byte,
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'r') => b'\r',
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(b'e') => 27,
        Some(b'x') => {
            if let Some(byte) = hex(text, 2, 2) {
                meant.push(byte as u8);
                return &text[4..];
            }
            meant.push(b'\\');
            return &text[1..];
        }
        Some(b'u') => return resolve_unicode(text, meant),
        _ => {
            meant.push(b'\\');
            return &text[1..];
        }
    };
    meant.push(simple);
    &text[2..]
}

fn resolve_unicode<'a>(text: &'a [u8], meant: &mut Vec<u8>) -> &'a [u8] {
    let (code, taken) = if text.get(2) == Some(&b'{') {
        let digits = memchr(b'}', &text[3..text.len().min(10)]);
        let code = digits.and_then(|digits| hex(text, 3, digits));
        (code, digits.unwrap_or(0) + 4)
    } else {
        match (hex(text, 2, 4), hex_escape(text.get(6..))) {
            (Some(high @ 0xd800..0xdc00), Some(low @ 0xdc00..0xe000)) => {
                let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                (Some(code), 12)
            }
            (code, _) => (code, 6),
        }
    };
    let Some(code) = code else {
        meant.push(b'\\');
        return &text[1..];
    };
    let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    meant.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    &text[taken..]
}

/// The number of a `\uXXXX` that `text` begins with.
fn hex_escape(text: Option<&[u8]>) -> Option<u32> {
    text?.starts_with(b"\\u").then(|| hex(text?, 2, 4))?
}

/// The number that `count` hexadecimal digits at `at` make.
fn hex(text: &[u8], at: usize, count: usize) -> Option<u32> {
    let digits = text.get(at..at + count)?;
    let digits = std::str::from_utf8(digits).ok()?;
    // A sign would be read as well.
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    all_digits.then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(text: &str) -> Vec<(String, Value<'_>)> {
        let key = |key: Text<'_>| String::from_utf8(key.decode().into_owned()).unwrap();
        Members::of(text.as_bytes())
            .map(|(name, value)| (key(name), value))
            .collect()
    }

    #[test]
    fn members_come_in_order_with_their_types() {
        let text = r#" { "a" : "x" , "b":-1.5e3,"c":[1,{"d":"]"}],"e":{"f":"}\""},"g":true,
            "h":null,"i":false,"\u006a":"\"" } rest"#;
        let found = members(text);
        let expected = [
            ("a", Value::Text(Text::plain(b"x"))),
            ("b", Value::Number(b"-1.5e3")),
            ("c", Value::List(br#"[1,{"d":"]"}]"#)),
            ("e", Value::Object(br#"{"f":"}\""}"#)),
            ("g", Value::Bool(true)),
            ("h", Value::Null),
            ("i", Value::Bool(false)),
            ("j", Value::Text(Text::escaped(br#"\""#))),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_was_read_before_it_goes_wrong_is_kept() {
        for (text, names, whole) in [
            ("{}", vec![], true),
            (r#"{"a":1}"#, vec!["a"], true),
            (r#"{"a":1 "#, vec!["a"], false),
            // It may have been 12.
            (r#"{"a":1"#, vec![], false),
            (r#"{"a":1,"b"#, vec!["a"], false),
            (r#"{"a":1,"b":"c\"#, vec!["a"], false),
            (r#"{"a":1 "b":2}"#, vec!["a"], false),
            (r#"{"a":1,,"b":2}"#, vec!["a"], false),
            (r#"{"a":nil}"#, vec![], false),
            (r#"{,"a":1}"#, vec![], false),
            (r#"{"a":1,}"#, vec!["a"], false),
            (r#"["a"]"#, vec![], false),
            ("", vec![], false),
        ] {
            let mut read = Members::of(text.as_bytes());
            let found: Vec<_> = read
                .by_ref()
                .map(|(name, _)| String::from_utf8(name.raw().to_vec()).unwrap())
                .collect();
            assert_eq!(
                (found, read.rest().is_some()),
                (names.iter().map(|&name| name.to_owned()).collect(), whole),
                "{text}"
            );
        }
    }

    #[test]
    fn an_object_in_a_string_is_read_as_it_stands() {
        let text = r#"{\"a\":\"x\",\"b\":-1,\"c\":{\"d\":\"}\\\"\"},\"e\":\"\\\"\\\\\",\"f\":\"\u003c\\n\"}"#;
        let found = members(text);
        let expected = [
            ("a", Value::Text(Text::plain(b"x"))),
            ("b", Value::Number(b"-1")),
            ("c", Value::Object(br#"{\"d\":\"}\\\"\"}"#)),
            ("e", Value::Text(Text::escaped(br#"\\\"\\\\"#).in_string())),
            ("f", Value::Text(Text::escaped(br"\u003c\\n").in_string())),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        assert_eq!(found, expected);
        let value = get(text.as_bytes(), b"c.d").unwrap();
        assert_eq!(&*value.bytes(), b"}\"");
    }

    #[test]
    fn elements_come_in_order_until_it_goes_wrong() {
        let read = |text: &'static str| elements(text.as_bytes()).collect::<Vec<_>>();
        let (one, text) = (Value::Number(b"1"), Value::Text(Text::plain(b"],")));
        assert_eq!(
            read(r#"[ 1 , "],",[1,{}] ] x"#),
            [one, text, Value::List(b"[1,{}]")]
        );
        // The last one may be half of a number.
        assert_eq!(read("[1,1"), [one]);
        assert_eq!(read("[1 1]"), [one]);
        assert_eq!(read("[1,,1]"), [one]);
        for empty in ["[]", "[", "", "{}", "1"] {
            assert_eq!(read(empty), [], "{empty}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{{\"a\":{}", "[".repeat(1_000_000));
        assert_eq!(members(&deep), []);
    }

    #[test]
    fn the_nested_path_goes_before_the_key_with_dots() {
        let number = |text: &'static str, path: &str| match get(text.as_bytes(), path.as_bytes()) {
            Some(Value::Number(number)) => std::str::from_utf8(number).ok(),
            _ => None,
        };
        let text = r#"{"a.b":1,"a":{"b":2,"c.d":3},"b":4,"a.c":{"d":5},"b":6}"#;
        assert_eq!(number(text, "a.b"), Some("2"));
        assert_eq!(number(text, "a.c.d"), Some("3"));
        assert_eq!(number(text, "b"), Some("4"));
        assert_eq!(number(text, "d"), None);
        assert_eq!(number(r#"{"a.b":1}"#, "a.b"), Some("1"));
        assert_eq!(number(r#"{"a.c":{"d":5}}"#, "a.c.d"), Some("5"));
        // What looks like a member within a string is none.
        assert_eq!(number(r#"{"x":"\"k\":1","k":2}"#, "k"), Some("2"));
    }

    #[test]
    fn escapes_are_resolved() {
        for (raw, meant) in [
            (r"a\/b", "a/b"),
            (r#"\"\\\n\t\r\b\f"#, "\"\\\n\t\r\u{8}\u{c}"),
            (r"\u00e9\ud83d\ude00", "é😀"),
            (r"\ud83d!", "\u{fffd}!"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\u{1F600}", "😀"),
            (r"\x1b[1m\e", "\u{1b}[1m\u{1b}"),
            (r"\q\u12\x1\", r"\q\u12\x1\"),
            (r"\u+123", r"\u+123"),
            ("plain", "plain"),
        ] {
            let found = unescape(raw.as_bytes());
            assert_eq!(String::from_utf8_lossy(&found), meant, "{raw}");
        }
    }
}
