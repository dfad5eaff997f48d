//! Finds severities in JSON, where loggers write them, without reading the records.

use std::ops::RangeInclusive;

use memchr::memchr;

use super::triples::Triples;
use crate::format::json::{LEVEL_KEYS, severity};
use crate::{json, level};

/// No key is longer.
const KEY_BYTES_MAX: usize = 15;

/// A value that is longer is only read where it ends in its line.
const VALUE_BYTES_MAX: usize = 64;

/// The case bits of ASCII letters.
const CASE: u128 = u128::from_le_bytes([0x20; 16]);

/// Finds keys whose value is a severity in a certain range.
#[derive(Clone, Debug)]
pub(super) struct LevelKeyFinder {
    severities: RangeInclusive<u8>,
    beginnings: Triples,
    /// The keys by their length, with the case bits set.
    keys: [Vec<u128>; KEY_BYTES_MAX + 1],
    /// The words for severities in the range, with the case bits set.
    words: Vec<u128>,
    /// The letters that the words begin with, as a set.
    initials: u32,
}

impl LevelKeyFinder {
    pub(super) fn new(severities: RangeInclusive<u8>) -> Self {
        let mut beginnings = Triples::behind(b'"');
        let mut known: Vec<&[u8]> = Vec::new();
        let mut keys = [const { Vec::new() }; KEY_BYTES_MAX + 1];
        for key in LEVEL_KEYS {
            let key = key.as_bytes();
            keys[key.len()].push((word(key) | CASE) & mask(key.len()));
            let beginning = &key[..key.len().min(2)];
            if known.contains(&beginning) {
                continue;
            }
            known.push(beginning);
            match beginning {
                [first, second] => beginnings.add([b"\"", &[*first], &[*second]]),
                // Behind a key of one letter stands its quote, or the backslash of the quote.
                _ => beginnings.add([b"\"", beginning, b"\"\\"]),
            }
        }
        let words = level::WORDS
            .iter()
            .filter(|(_, number)| severities.contains(number))
            .map(|(text, _)| text.as_bytes());
        Self {
            initials: words.clone().fold(0, |set, text| set | initial(text[0])),
            words: words
                .map(|text| word(text) | CASE & mask(text.len()))
                .collect(),
            severities,
            beginnings,
            keys,
        }
    }

    /// The range.
    pub(super) fn severities(&self) -> &RangeInclusive<u8> {
        &self.severities
    }

    /// The quote of the first such key in `text`, at `from` or behind it.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        self.beginnings
            .find(text, from, |quote| self.is_one(text, quote))
    }

    /// Whether the key behind this quote has such a severity behind it, as far as can be told here.
    #[inline]
    fn is_one(&self, text: &[u8], quote: usize) -> bool {
        let name = &text[quote + 1..];
        let bytes = word(name);
        let len = first_of(bytes, b'"').min(first_of(bytes, b'\\'));
        let is_key = |keys: &Vec<u128>| keys.contains(&((bytes | CASE) & mask(len)));
        if !self.keys.get(len).is_some_and(is_key) {
            return false;
        }
        let Some(is_escaped) = name.get(len).map(|end| *end == b'\\') else {
            return false;
        };
        let end = quote + 1 + len + 1 + usize::from(is_escaped);
        self.has_severity(text, &name[..len], end)
    }

    /// Whether the member whose key ends at `end` has such a severity.
    fn has_severity(&self, text: &[u8], name: &[u8], end: usize) -> bool {
        if let [b':', b'"', value @ ..] = &text[end..] {
            let initial = value.first().map_or(0, |first| initial(*first));
            if initial != 0 && self.initials & initial == 0 {
                return false;
            }
            let bytes = word(value);
            let len = first_of(bytes, b'"');
            // All others are numbers, or have something around them.
            let is_word = len <= KEY_BYTES_MAX && value[..len].iter().all(u8::is_ascii_alphabetic);
            if is_word {
                return self.words.contains(&((bytes | CASE) & mask(len)));
            }
        }
        let Some(at) = json::behind_colon(text, end) else {
            return false;
        };
        let near = &text[..text.len().min(at + VALUE_BYTES_MAX)];
        let value = json::value(near, at).or_else(|| {
            let line_end = memchr(b'\n', &text[at..]).map_or(text.len(), |newline| at + newline);
            json::value(&text[..line_end], at)
        });
        match value {
            Some((value, _)) => severity(name, value)
                .is_some_and(|found| self.severities.contains(&found.what.number())),
            // It is not on this line.
            None => true,
        }
    }
}

/// The first sixteen bytes, or as many as there are, the first of them lowest.
#[inline]
fn word(text: &[u8]) -> u128 {
    match text.first_chunk() {
        Some(bytes) => u128::from_le_bytes(*bytes),
        None => {
            let mut bytes = [0; 16];
            bytes[..text.len()].copy_from_slice(text);
            u128::from_le_bytes(bytes)
        }
    }
}

/// The set of this letter alone, whatever its case; of another byte, the empty set.
#[inline]
fn initial(byte: u8) -> u32 {
    match byte | 0x20 {
        letter @ b'a'..=b'z' => 1 << (letter - b'a'),
        _ => 0,
    }
}

/// The lowest `len` bytes.
#[inline]
fn mask(len: usize) -> u128 {
    (1 << (8 * len)) - 1
}

/// Where the lowest byte of that value stands; 16 where there is none. (Mycroft's test for a byte
/// that is zero, 1987.)
#[inline]
fn first_of(bytes: u128, value: u8) -> usize {
    const ONES: u128 = u128::from_le_bytes([1; 16]);
    let differences = bytes ^ (ONES * u128::from(value));
    let zeros = differences.wrapping_sub(ONES) & !differences & (ONES << 7);
    zeros.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_values_of_keys_that_loggers_have_count() {
        let finder = LevelKeyFinder::new(17..=20);
        for text in [
            r#"{"level":"error"}"#,
            r#"{"msg":"level","Level" : "ERR"}"#,
            r#"{"severity":"E"}"#,
            r#"{"level":50}"#,
            r#"{"severityNumber": 18,"x":1}"#,
            r#"{"severity_number": 18,"x":1}"#,
            r#"{"PRIORITY":"3"}"#,
            r#"{"l":"error"}"#,
            r#"{"log":{"level":"error"}}"#,
            r#"{"log":"{\"level\":\"error\"}"}"#,
            r#"{"log":"{\"l\":\"error\"}"}"#,
            "{\"level\":\n\"error\"}",
        ] {
            assert!(finder.find(text.as_bytes(), 0).is_some(), "{text}");
        }
        for text in [
            r#"{"level":"info","error":"error","service":"error"}"#,
            r#"{"level":30,"latency":50}"#,
            r#"{"msg":"level: error"}"#,
            r#"{"level":"errors"}"#,
            r#"{"levels":"error"}"#,
            r#"{"levellevellevellevel":"error"}"#,
            r#""level""#,
            r#"{"level"#,
            r#"{"l"#,
            "\"",
        ] {
            assert_eq!(finder.find(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn every_key_is_found() {
        let finder = LevelKeyFinder::new(1..=24);
        for key in LEVEL_KEYS {
            let value = if key == "log" {
                r#"{"level":"E"}"#
            } else {
                r#""E""#
            };
            let text = format!("{{\"{key}\":{value}}}");
            assert!(finder.find(text.as_bytes(), 0).is_some(), "{key}");
            let enclosed = text.replace('"', "\\\"");
            assert!(finder.find(enclosed.as_bytes(), 0).is_some(), "{key}");
        }
    }

    #[test]
    fn a_byte_is_found_where_it_first_stands() {
        for len in 0..16 {
            let text = [&vec![b'!'; len][..], b"\"\"\xff"].concat();
            assert_eq!(first_of(word(&text), b'"'), len);
            assert_eq!(mask(len).count_ones() as usize, 8 * len);
        }
        assert_eq!(first_of(word(&[b'#'; 20]), b'"'), 16);
    }
}
