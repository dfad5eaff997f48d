//! Lists: a source that is one list of JSON objects on one line, or with several of them on a line,
//! becomes lines of their own.
//!
//! All bytes stay where they are, so that offsets hold: only the opening bracket of the list and the
//! commas between its objects become newlines, and the closing bracket a space.

use memchr::{memchr, memchr2};

/// Objects of such a list begin within so many bytes, or it is none.
const HEAD_BYTES_MAX: usize = 4096;

/// What the beginning of a source tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// It is such a list.
    List(List),
    /// It is something else; also lists that have each object on lines of its own.
    Other,
    /// More of it tells.
    Unclear,
}

/// A list of objects that is being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// How deep the list stands: 1, or 2 where an object holds it.
    level: usize,
    /// How deep the next byte stands.
    depth: usize,
    in_string: bool,
    /// The byte before was a backslash in a string.
    is_escaped: bool,
}

impl Beginning {
    /// What the first bytes of a source tell; all of it where `is_whole`.
    pub fn of(head: &[u8], is_whole: bool) -> Self {
        let text = head.trim_ascii_start();
        let has_line = memchr(b'\n', head).is_some();
        let is_enough = is_whole || has_line || head.len() >= HEAD_BYTES_MAX;
        let level = match text.first() {
            Some(b'[') => 1,
            Some(b'{') => 2,
            None if !is_enough => return Self::Unclear,
            _ => return Self::Other,
        };
        if !is_enough {
            return Self::Unclear;
        }
        let list = match level {
            1 => Some(text),
            _ => list_of_records(text),
        };
        match list.is_some_and(shares_lines) {
            true => Self::List(List {
                level,
                depth: 0,
                in_string: false,
                is_escaped: false,
            }),
            false => Self::Other,
        }
    }
}

/// The list in an object that holds nothing else, as AWS CloudTrail writes its files.
fn list_of_records(object: &[u8]) -> Option<&[u8]> {
    let key = object[1..]
        .trim_ascii_start()
        .strip_prefix(b"\"Records\"")?;
    let list = key
        .trim_ascii_start()
        .strip_prefix(b":")?
        .trim_ascii_start();
    list.starts_with(b"[").then_some(list)
}

/// Whether objects of a list are on one line with others, or with its bracket.
fn shares_lines(list: &[u8]) -> bool {
    let inside = &list[1..];
    let object = inside.trim_ascii_start();
    if !object.starts_with(b"{") {
        return false;
    }
    let blank = &inside[..inside.len() - object.len()];
    if blank.contains(&b'\n') {
        // `}, {` between objects, and each over several lines
        let lines = object.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let mut lines = lines.filter(|line| line.starts_with(b"}"));
        return lines.any(|line| line.len() > 2 && line.ends_with(b"{"));
    }
    let line = &object[..memchr(b'\n', object).unwrap_or(object.len())];
    let mut element = List {
        level: 0,
        depth: 0,
        in_string: false,
        is_escaped: false,
    };
    match element.end_of_first(line) {
        // The object goes on in the next line, or is longer than what is known.
        None => true,
        Some(end) => {
            let behind = line[end..].trim_ascii();
            behind.len() > 1 && behind.starts_with(b",")
        }
    }
}

impl List {
    /// The list that stands [there](Self::parts).
    pub fn of_parts((level, depth, in_string, is_escaped): (usize, usize, bool, bool)) -> Self {
        Self {
            level,
            depth,
            in_string,
            is_escaped,
        }
    }

    /// Where it stands, to be kept: how deep the list itself is, how deep the next byte is, whether that
    /// is in a string, and whether it is escaped there.
    pub fn parts(&self) -> (usize, usize, bool, bool) {
        (self.level, self.depth, self.in_string, self.is_escaped)
    }

    /// Makes lines of the next bytes of the list.
    pub fn cut(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while at < bytes.len() {
            let Some(next) = self.next_structural(bytes, at) else {
                return;
            };
            at = next + 1;
            let byte = bytes[next];
            match byte {
                b'[' | b'{' => {
                    self.depth += 1;
                    if byte == b'[' && self.depth == self.level {
                        bytes[next] = b'\n';
                    }
                }
                b']' | b'}' => {
                    self.depth = self.depth.saturating_sub(1);
                    if byte == b']' && self.depth + 1 == self.level {
                        // A newline would leave a blank line behind the last object.
                        bytes[next] = b' ';
                    }
                }
                _ if self.depth == self.level => bytes[next] = b'\n',
                _ => {}
            }
        }
    }

    /// Where the object ends that `text` begins with.
    fn end_of_first(&mut self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            let next = self.next_structural(text, at)?;
            at = next + 1;
            match text[next] {
                b'[' | b'{' => self.depth += 1,
                b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            if self.depth == 0 {
                return Some(at);
            }
        }
    }

    /// The next bracket or comma that stands in no string.
    fn next_structural(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while at < bytes.len() {
            if self.is_escaped {
                self.is_escaped = false;
                at += 1;
            } else if self.in_string {
                at += memchr2(b'"', b'\\', &bytes[at..])?;
                self.in_string = bytes[at] != b'"';
                self.is_escaped = bytes[at] == b'\\';
                at += 1;
            } else {
                let is_structural = |byte: &u8| b"[]{},\"".contains(byte);
                at += bytes[at..].iter().position(is_structural)?;
                if bytes[at] != b'"' {
                    return Some(at);
                }
                self.in_string = true;
                at += 1;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The lines that a source becomes, without blank ones; `None` if it is left as it is.
    fn lines(text: &str) -> Option<Vec<String>> {
        let Beginning::List(mut list) = Beginning::of(text.as_bytes(), true) else {
            return None;
        };
        let mut bytes = text.as_bytes().to_vec();
        list.cut(&mut bytes);
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .map(|line| String::from_utf8_lossy(line));
        Some(
            lines
                .map(|line| line.trim().to_owned())
                .filter(|line| !line.is_empty())
                .collect(),
        )
    }

    #[test]
    fn objects_on_one_line_become_lines() {
        let list = |lines: &[&str]| Some(lines.iter().map(|line| (*line).to_owned()).collect());
        let two = list(&[r#"{"a":1}"#, r#"{"b":[{"c":"],\"{"},2]}"#]);
        assert_eq!(lines(r#"[{"a":1},{"b":[{"c":"],\"{"},2]}]"#), two);
        assert_eq!(
            lines("  [ {\"a\":1} , {\"b\":[{\"c\":\"],\\\"{\"},2]} ]\n"),
            two
        );
        assert_eq!(
            lines("[{\"a\":1}, {\"a\":2},\n{\"a\":3}]"),
            list(&[r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#])
        );
        assert_eq!(
            lines(r#"{"Records":[{"a":1},{"a":2}]}"#),
            list(&[r#"{"Records":"#, r#"{"a":1}"#, r#"{"a":2} }"#])
        );
        // As Jackson writes it
        assert_eq!(
            lines("[ {\n  \"a\" : 1\n}, {\n  \"a\" : 2\n} ]"),
            list(&["{", "\"a\" : 1", "}", "{", "\"a\" : 2", "}"])
        );
        assert_eq!(
            lines("[\n  {\n    \"a\": 1\n  }, {\n    \"a\": 2\n  }\n]"),
            list(&["{", "\"a\": 1", "}", "{", "\"a\": 2", "}"])
        );
    }

    #[test]
    fn what_is_in_lines_already_is_left_alone() {
        for text in [
            "",
            "plain",
            "[2026-03-14] {\"a\":1}, {\"b\":2}",
            "[{\"a\":1}]",
            "[{\"a\":1},\n{\"a\":2}]\n",
            "[\n{\"a\":1},\n{\"a\":2}\n]\n",
            "[\n  {\n    \"a\": [{}, {\n}]\n  },\n  {\n  }\n]\n",
            "{\"Records\":1}",
            "{\"a\":[{\"b\":1},{\"b\":2}]}\n{\"a\":[]}\n",
            "[1,2]",
        ] {
            assert_eq!(lines(text), None, "{text}");
        }
    }

    #[test]
    fn a_beginning_may_be_too_short_to_tell() {
        for text in ["", " ", "[", "[{\"a\":1", "{\"Rec"] {
            assert_eq!(
                Beginning::of(text.as_bytes(), false),
                Beginning::Unclear,
                "{text}"
            );
            assert_ne!(
                Beginning::of(text.as_bytes(), true),
                Beginning::Unclear,
                "{text}"
            );
        }
        for text in ["a", "2026", "{\"a\":1}\n"] {
            assert_eq!(
                Beginning::of(text.as_bytes(), false),
                Beginning::Other,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn it_makes_no_difference_how_a_list_is_handed_over(
            strings in prop::collection::vec("[a-z\"\\\\\\[\\]{},]{0,6}", 2..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let objects: Vec<_> = strings.iter().map(|text| serde_json::json!({"a": text}).to_string()).collect();
            let text = format!("[{}]", objects.join(","));
            prop_assert_eq!(lines(&text), Some(objects));
            let Beginning::List(mut list) = Beginning::of(text.as_bytes(), true) else {
                return Err(TestCaseError::fail("it is a list"));
            };
            let mut whole = text.clone().into_bytes();
            list.clone().cut(&mut whole);
            let mut pieces = text.into_bytes();
            let cut = cut.index(pieces.len());
            let (first, second) = pieces.split_at_mut(cut);
            list.cut(first);
            list.cut(second);
            prop_assert_eq!(pieces, whole);
        }
    }
}
