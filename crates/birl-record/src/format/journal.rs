//! systemd's journal as `journalctl -o export` writes it: a field a line, and a blank line behind
//! each record (systemd.io, "Journal Export Formats").

use std::sync::Arc;

use memchr::memchr;

use super::{Format, Known, Sample};
use crate::level::Severity;
use crate::record::{Record, Timestamp};
use crate::time::Shape;
use crate::value::{Text, Value};

pub(super) const KNOWN: Known = Known {
    name: "journal",
    about: "systemd's journal, as journalctl -o export writes it",
    samples: &[
        Sample {
            text: "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1773497130250000\nPRIORITY=3\n_HOSTNAME=web-1\nMESSAGE=no luck\n",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"no luck","__CURSOR":"s=1;i=2","_HOSTNAME":"web-1"}"#,
        },
        // What is no text, or more than a line, has its length before it.
        Sample {
            text: "__CURSOR=s=1;i=3\n__REALTIME_TIMESTAMP=1773497130250000\nMESSAGE\n\u{7}\0\0\0\0\0\0\0no\nluck\n_PID=7\n",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","message":"no\nluck","__CURSOR":"s=1;i=3","_PID":"7"}"#,
        },
    ],
    open: |_| {
        let shape = Shape::named("epoch-us")?;
        Some(Arc::new(Journal { shape }))
    },
};

#[derive(Debug)]
struct Journal {
    shape: Shape,
}

impl Format for Journal {
    fn name(&self) -> &str {
        KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        line.starts_with(b"__CURSOR=")
    }

    fn goes_on(&self, line: &[u8]) -> bool {
        let name = memchr(b'=', line).map_or(line, |equals| &line[..equals]);
        let is_part =
            |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
        name.len() >= 2 && name.iter().all(is_part) && !self.begins(line)
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let mut rest = text;
        while let Some((name, value, behind)) = field(rest) {
            rest = behind;
            let feeds = match name {
                b"" => continue,
                b"MESSAGE" => {
                    record.message = Some(Text::plain(value));
                    true
                }
                b"PRIORITY" => {
                    let digit = value.first().map(|digit| digit.wrapping_sub(b'0'));
                    record.severity = digit.and_then(Severity::from_syslog);
                    record.severity.is_some()
                }
                b"__REALTIME_TIMESTAMP" => {
                    record.timestamp = Some(Timestamp::of_shape(value, self.shape));
                    true
                }
                _ => false,
            };
            let (name, value) = (Text::plain(name), Value::Text(Text::plain(value)));
            match feeds {
                true => record.push_feeding(name, value),
                false => record.push(name, value),
            }
        }
    }
}

/// The field that a text begins with, and what follows it; without a name where a line is blank.
fn field(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    if text.is_empty() {
        return None;
    }
    let newline = memchr(b'\n', text).unwrap_or(text.len());
    let (line, behind) = (
        &text[..newline],
        text.get(newline + 1..).unwrap_or_default(),
    );
    if let Some(equals) = memchr(b'=', line) {
        return Some((&line[..equals], &line[equals + 1..], behind));
    }
    let Some((length, data)) = behind.split_first_chunk().filter(|_| !line.is_empty()) else {
        return Some((b"", b"", behind));
    };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (value, behind) = data.split_at(length.min(data.len()));
    Some((line, value, behind.strip_prefix(b"\n").unwrap_or(behind)))
}
