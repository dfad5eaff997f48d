//! JSON that is not an object a line: objects over several lines, as `jq .` writes them, and lists of
//! objects, each on lines of its own.
//!
//! Writers indent, so that the line with which an object begins tells what it is: an object within
//! another one stands further right. What stands further left is around the records.

use std::sync::Arc;

use super::json::{TIME_KEYS, begins_object, parse_object};
use super::{Format, Lines, json};
use crate::record::Record;
use crate::value::Value;

/// The list that holds what a service answered is a member of such a name.
static LIST_KEYS: [&str; 8] = [
    "items",
    "events",
    "records",
    "logEvents",
    "entries",
    "results",
    "hits",
    "logs",
];

/// The list stands in one of so many first lines.
const LINES_BEFORE_LIST: usize = 12;

/// The format, if these lines are written so.
pub(super) fn open(lines: &[&[u8]]) -> Option<Arc<dyn Format>> {
    let first = lines.first()?.trim_ascii();
    let spread = |indent: &[u8]| {
        Arc::new(Spread {
            indent: indent.to_vec(),
        }) as Arc<dyn Format>
    };
    match first {
        b"{" => Some(spread(
            indent_in_list(lines).unwrap_or_else(|| indent(lines[0])),
        )),
        b"[" => match lines.get(1)?.trim_ascii() {
            b"{" => Some(spread(indent(lines[1]))),
            object => begins_object(object).then(|| Arc::new(Listed) as Arc<dyn Format>),
        },
        [b'[', object @ ..] if begins_object(object.trim_ascii()) => Some(Arc::new(Listed)),
        _ => Some(spread(indent_between(lines)?)),
    }
}

/// How far the objects are indented that a member of the first one lists, if it is known for that.
fn indent_in_list<'a>(lines: &[&'a [u8]]) -> Option<&'a [u8]> {
    let head = &lines[..lines.len().min(LINES_BEFORE_LIST)];
    let list = head.iter().position(|line| line.ends_with(b"["))?;
    let is_key = |line: &[u8], key: &str| {
        let member = line.trim_ascii().strip_prefix(b"\"");
        let rest = member.and_then(|it| {
            let (name, rest) = it.split_at_checked(key.len())?;
            name.eq_ignore_ascii_case(key.as_bytes()).then_some(rest)
        });
        rest.is_some_and(|rest| rest.starts_with(b"\""))
    };
    let is_list = LIST_KEYS.iter().any(|key| is_key(head[list], key));
    // A record may have a list of such a name as well.
    let mut members = head[..list].iter();
    let has_time = members.any(|line| TIME_KEYS.iter().any(|key| is_key(line, key)));
    let object = lines.get(list + 1)?;
    (is_list && !has_time && object.trim_ascii() == b"{").then(|| indent(object))
}

/// How far objects are indented that follow on each other; the outermost.
fn indent_between<'a>(lines: &[&'a [u8]]) -> Option<&'a [u8]> {
    let pairs = lines.windows(2).filter_map(|pair| {
        let is_end = matches!(pair[0].trim_ascii(), b"}" | b"},");
        let (end, start) = (indent(pair[0]), indent(pair[1]));
        (is_end && pair[1].trim_ascii() == b"{" && start == end).then_some(start)
    });
    pairs.min_by_key(|indent| indent.len())
}

fn indent(line: &[u8]) -> &[u8] {
    &line[..line.len() - line.trim_ascii_start().len()]
}

/// Objects over several lines.
#[derive(Debug)]
struct Spread {
    /// What stands before their beginnings.
    indent: Vec<u8>,
}

impl Format for Spread {
    fn name(&self) -> &str {
        json::KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        line.strip_prefix(&*self.indent)
            .is_some_and(|object| object.trim_ascii_end() == b"{" || starts_object(object))
    }

    fn lines(&self) -> Lines {
        Lines::Several
    }

    fn goes_on(&self, line: &[u8]) -> bool {
        let inside = line.trim_ascii_start();
        let is_deeper = line.len() - inside.len() > self.indent.len();
        let is_end = line.strip_prefix(&*self.indent) == Some(inside) && is_bracket(inside);
        !inside.is_empty() && (is_deeper || is_end) && !self.frames(line)
    }

    /// What is around a list.
    fn frames(&self, line: &[u8]) -> bool {
        let inside = line.trim_ascii();
        let is_json = matches!(inside.first(), Some(b'[' | b']' | b'{' | b'}' | b'"'));
        match self.indent.is_empty() {
            true => matches!(inside, b"[" | b"]") && line.starts_with(inside),
            false => is_json && !line.starts_with(&self.indent),
        }
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        parse_object(text, record);
    }

    fn get<'a>(&'a self, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        crate::json::get(text, path)
    }

    fn get_of<'a>(&'a self, _: &Record<'a>, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        self.get(text, path)
    }
}

/// An object begins here, and not behind blanks.
fn starts_object(text: &[u8]) -> bool {
    text.starts_with(b"{") && begins_object(text)
}

fn is_bracket(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'}' | b']'))
}

/// Objects in a list, a line each.
#[derive(Debug)]
struct Listed;

impl Format for Listed {
    fn name(&self) -> &str {
        json::KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        begins_object(element(line))
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    fn frames(&self, line: &[u8]) -> bool {
        matches!(line.trim_ascii(), b"[" | b"]")
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        parse_object(element(text), record);
    }

    fn get<'a>(&'a self, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        crate::json::get(element(text), path)
    }

    fn get_of<'a>(&'a self, _: &Record<'a>, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        self.get(text, path)
    }
}

/// A line without what stands before its object.
fn element(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii_start();
    match line {
        [b'[' | b',', element @ ..] => element.trim_ascii_start(),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Parser;

    #[test]
    fn timestamps_are_found_within_objects() {
        let text = b"{\n  \"time\": \"2026-03-14T14:05:30Z\"\n}\n{\n  \"time\": \"2026-03-14T14:05:31Z\"\n}\n";
        let parser = Parser::detect(&[text], 0);
        assert_eq!(parser.shape().map(|shape| shape.name()), Some("iso"));
    }

    #[test]
    fn objects_are_found_in_a_source_that_begins_within_one() {
        let lines: [&[u8]; 5] = [b"  \"a\": 1", b"}", b"{", b"  \"b\": 2", b"}"];
        let parser = Parser::detect(&[&lines.join(&b'\n')], 0);
        let begins = lines.map(|line| parser.begins(line));
        assert_eq!(begins, [false, false, true, false, false]);
        assert!(!lines.iter().any(|line| parser.frames(line)));
    }

    #[test]
    fn a_list_in_a_record_is_no_list_of_records() {
        let lines: [&[u8]; 7] = [
            b"{",
            b"  \"time\": \"2026-03-14T14:05:30Z\",",
            b"  \"items\": [",
            b"    {",
            b"    }",
            b"  ]",
            b"}",
        ];
        let parser = Parser::detect(&[&lines.join(&b'\n')], 0);
        let begun = lines.iter().filter(|line| parser.begins(line)).count();
        assert!(parser.begins(lines[0]) && begun == 1);
    }
}
