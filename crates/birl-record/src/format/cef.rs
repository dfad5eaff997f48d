//! What security products write for collectors: ArcSight's Common Event Format (revision 25) and
//! QRadar's Log Event Extended Format (LEEF 1.0 and 2.0), alone or behind a header of syslog.

use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memmem};

use super::parser::first_line;
use super::{Format, Known, Lines, Sample, field};
use crate::level::{Level, Severity};
use crate::record::{Record, Timestamp};
use crate::time;
use crate::value::{Text, Value};

pub(super) const KNOWN: Known = Known {
    name: "cef",
    about: "security products: CEF (ArcSight) and LEEF (QRadar)",
    samples: &[
        Sample {
            text: r"CEF:0|Shop|Door|1.0|100|door \| left open|10|rt=1773497130250 src=203.0.113.7 msg=open since noon, a\=b spt=80",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"fatal","message":"door | left open","device_vendor":"Shop","device_product":"Door","device_version":"1.0","event_id":"100","src":"203.0.113.7","msg":"open since noon, a=b","spt":80}"#,
        },
        Sample {
            text: "<134>Mar 14 14:05:30 fw-1 CEF:0|Shop|Door|1.0|7|opened|Low|act=open",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"opened","device_vendor":"Shop","device_product":"Door","device_version":"1.0","event_id":"7","act":"open"}"#,
        },
        Sample {
            text: "LEEF:1.0|Shop|Door|1.0|opened|devTime=Mar 14 2026 14:05:30\tsev=5\tsrc=203.0.113.7",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"opened","device_vendor":"Shop","device_product":"Door","device_version":"1.0","event_id":"opened","src":"203.0.113.7"}"#,
        },
        Sample {
            text: "2026-03-14T14:05:30Z fw-1 LEEF:2.0|Shop|Door|1.0|7|^|sev=9^msg=open since noon^src=203.0.113.7",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"open since noon","device_vendor":"Shop","device_product":"Door","device_version":"1.0","event_id":"7","src":"203.0.113.7"}"#,
        },
    ],
    open: |_| Some(Arc::new(Cef)),
};

/// What stands before the event is a header of syslog, which is not longer.
const HEADER_BYTES_MAX: usize = 128;

#[derive(Debug)]
struct Cef;

/// Which of the two formats an event is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Cef,
    Leef,
}

/// Where the event begins in a line, and how it is written.
fn event(line: &[u8]) -> Option<(usize, Dialect)> {
    let head = &line[..line.len().min(HEADER_BYTES_MAX)];
    let found = |mark: &[u8]| {
        let at = memmem::find(head, mark)?;
        let begins = at == 0 || head[at - 1] == b' ';
        let has_version = line.get(at + mark.len()).is_some_and(u8::is_ascii_digit);
        (begins && has_version).then_some(at)
    };
    let cef = found(b"CEF:").map(|at| (at, Dialect::Cef));
    cef.or_else(|| Some((found(b"LEEF:")?, Dialect::Leef)))
}

/// The columns of a header: of those before the bars that no backslash stands before, and what
/// follows them.
fn columns(text: &[u8], count: usize) -> Option<(Vec<&[u8]>, &[u8])> {
    let mut columns = Vec::with_capacity(count);
    let mut rest = text;
    while columns.len() < count {
        let bar = next_bar(rest)?;
        columns.push(&rest[..bar]);
        rest = &rest[bar + 1..];
    }
    Some((columns, rest))
}

fn next_bar(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'|', b'\\', text.get(at..)?)?;
        if text[at] == b'|' {
            return Some(at);
        }
        at += 2;
    }
}

impl Format for Cef {
    fn name(&self) -> &str {
        KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        event(line).is_some_and(|(at, _)| columns(&line[at..], 5).is_some())
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let line = first_line(text);
        let Some((at, dialect)) = event(line) else {
            return;
        };
        let count = if dialect == Dialect::Cef { 7 } else { 5 };
        let Some((columns, rest)) = columns(&line[at..], count) else {
            record.message = Some(Text::plain(text));
            return;
        };
        if let Some((shape, range)) = time::find(&line[..at], HEADER_BYTES_MAX) {
            record.timestamp = Some(Timestamp::of_shape(&line[range], shape));
        }
        let names = [
            "device_vendor",
            "device_product",
            "device_version",
            "event_id",
        ];
        for (name, column) in names.into_iter().zip(&columns[1..5]) {
            if !field::is_absent(column) {
                record.push(Text::plain(name.as_bytes()), Value::Text(barred(column)));
            }
        }
        match dialect {
            Dialect::Cef => {
                record.message = Some(barred(columns[5]));
                record.severity = severity(columns[6]);
                for (name, value) in extension(rest) {
                    feed(&rest[name], &rest[value], record);
                }
            }
            Dialect::Leef => {
                let (delimiter, rest) = delimiter(columns[0], rest);
                for pair in rest.split(|byte| *byte == delimiter) {
                    if let Some(equals) = memchr(b'=', pair) {
                        feed(&pair[..equals], &pair[equals + 1..], record);
                    }
                }
                record.message = record.message.or(Some(barred(columns[4])));
            }
        }
    }
}

/// What separates the pairs of LEEF, which 2.0 says in a column of its own, and the pairs.
fn delimiter<'a>(version: &[u8], rest: &'a [u8]) -> (u8, &'a [u8]) {
    if !version.starts_with(b"LEEF:2") {
        return (b'\t', rest);
    }
    match (rest, memchr(b'|', rest)) {
        ([b'|', pairs @ ..], _) => (b'\t', pairs),
        ([delimiter, b'|', pairs @ ..], _) => (*delimiter, pairs),
        // `x09` or `0x09`
        (_, Some(bar)) if bar <= 4 => {
            let hex = std::str::from_utf8(&rest[..bar]).unwrap_or_default();
            let digits = hex.trim_start_matches('0').trim_start_matches(['x', 'X']);
            let byte = u8::from_str_radix(digits, 16).unwrap_or(b'\t');
            (byte, &rest[bar + 1..])
        }
        _ => (b'\t', rest),
    }
}

/// Where the pairs of CEF are: a value goes on to the space before the next key.
fn extension(text: &[u8]) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let equals = next_equals(text, at)?;
        let key = key_start(text, at, equals)..equals;
        let end = match next_equals(text, equals + 1) {
            Some(next) => key_start(text, equals + 1, next),
            None => text.len(),
        };
        at = end;
        let value = text[equals + 1..end].trim_ascii_end();
        Some((key, equals + 1..equals + 1 + value.len()))
    })
}

/// The next `=` that no backslash stands before, with a key before it.
fn next_equals(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr(b'=', text.get(at..)?)?;
        let is_escaped = at > from && text[at - 1] == b'\\';
        if !is_escaped && key_start(text, from, at) < at {
            return Some(at);
        }
        at += 1;
    }
}

/// Where the key begins that ends at `end`: behind a space, or at `from`. `end` where there is none.
fn key_start(text: &[u8], from: usize, end: usize) -> usize {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.-[]".contains(byte);
    let len = text[from..end].iter().rev().take_while(is_part).count();
    let start = end - len;
    let begins = start == 0 || text[start - 1] == b' ' || start == from && from == 0;
    if begins { start } else { end }
}

/// Takes a pair.
fn feed<'a>(name: &'a [u8], value: &'a [u8], record: &mut Record<'a>) {
    let timestamp = || {
        let timestamp = Timestamp::of_any(value);
        timestamp.shape().map(|_| timestamp)
    };
    match name {
        b"rt" | b"devTime" | b"end" | b"start" => {
            if let Some(timestamp) = timestamp() {
                let is_receipt = matches!(name, b"rt" | b"devTime");
                if is_receipt || record.timestamp.is_none() {
                    record.timestamp = Some(timestamp);
                    record.push_feeding(Text::plain(name), Value::Text(Text::plain(value)));
                    return;
                }
            }
        }
        b"sev" => {
            record.severity = severity(value);
            if record.severity.is_some() {
                record.push_feeding(Text::plain(name), field::number_or_bare(value));
                return;
            }
        }
        b"msg" if record.message.is_none() => {
            record.message = Some(barred(value));
            record.push_feeding(Text::plain(name), Value::Text(barred(value)));
            return;
        }
        _ => {}
    }
    let value = match field::number_or_bare(value) {
        number @ Value::Number(_) => number,
        _ => Value::Text(barred(value)),
    };
    record.push(Text::plain(name), value);
}

/// Text that may hold escapes.
fn barred(text: &[u8]) -> Text<'_> {
    match memchr(b'\\', text) {
        Some(_) => Text::barred(text),
        None => Text::plain(text),
    }
}

/// How bad an event is, from 0 to 10 or in words.
fn severity(word: &[u8]) -> Option<Severity> {
    let level = match word {
        b"0" | b"1" | b"2" | b"3" | b"Low" => Level::Info,
        b"4" | b"5" | b"6" | b"Medium" => Level::Warn,
        b"7" | b"8" | b"9" | b"High" => Level::Error,
        b"10" | b"Very-High" => Level::Fatal,
        _ => return None,
    };
    Some(Severity::of(level))
}
