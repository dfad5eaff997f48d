//! nginx's error log.

use std::sync::Arc;

use super::cursor::Cursor;
use super::{Format, Known, Sample, field};
use crate::level::Severity;
use crate::record::{Record, Timestamp};
use crate::time::Shape;
use crate::value::{Text, Value};

pub(super) const KNOWN: Known = Known {
    name: "nginx-error",
    about: "nginx's error log",
    samples: &[
        Sample {
            text: r#"2026/03/14 14:05:30 [error] 31#31: *7 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.7, server: www.example, request: "GET /a?b=c HTTP/1.1", upstream: "http://192.0.2.1:80/a", host: "www.example""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"connect() failed (111: Connection refused) while connecting to upstream","pid":31,"tid":31,"connection":7,"client":"203.0.113.7","server":"www.example","request":"GET /a?b=c HTTP/1.1","upstream":"http://192.0.2.1:80/a","host":"www.example"}"#,
        },
        Sample {
            text: "2026/03/14 14:05:30 [notice] 1#1: using the \"epoll\" event method",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"using the \"epoll\" event method","pid":1,"tid":1}"#,
        },
        Sample {
            text: "2026/03/14 14:05:30 [crit] 31#32: *7 open() \"/srv/a, client: b\" failed (13: Permission denied), client: 203.0.113.7, server: , request: \"GET / HTTP/1.0\"",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"open() \"/srv/a, client: b\" failed (13: Permission denied)","pid":31,"tid":32,"connection":7,"client":"203.0.113.7","request":"GET / HTTP/1.0"}"#,
        },
        Sample {
            text: "2026/03/14 14:05:29 [emerg] 1#1: bind() failed\n2026/03/14 14:05:30 [emerg] 1#1: still could not bind()",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"fatal","message":"still could not bind()","pid":1,"tid":1}"#,
        },
        // What PHP wrote, over several lines.
        Sample {
            text: "2026/03/14 14:05:30 [error] 31#31: *7 FastCGI sent in stderr: \"PHP message: oops\n#0 {main}\" while reading response header from upstream, client: 203.0.113.7, server: www.example",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"FastCGI sent in stderr: \"PHP message: oops\n#0 {main}\" while reading response header from upstream","pid":31,"tid":31,"connection":7,"client":"203.0.113.7","server":"www.example"}"#,
        },
    ],
    open: |_| {
        let shape = Shape::named("slash-ymd")?;
        Some(Arc::new(NginxError { shape }))
    },
};

/// nginx's error log.
#[derive(Debug)]
struct NginxError {
    shape: Shape,
}

/// What stands before the message.
struct Head<'a> {
    time: &'a [u8],
    severity: Severity,
    pid: &'a [u8],
    tid: &'a [u8],
}

impl Format for NginxError {
    fn name(&self) -> &str {
        KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        self.read(line).is_some()
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let Some((head, mut cursor)) = self.read(text) else {
            return;
        };
        record.timestamp = Some(Timestamp::of_shape(head.time, self.shape));
        record.severity = Some(head.severity);
        field::number(record, "pid", head.pid);
        field::number(record, "tid", head.tid);
        if let Some(connection) = connection(&mut cursor) {
            field::number(record, "connection", connection);
        }
        let end = context_start(cursor.rest());
        record.message = Some(Text::plain(&cursor.rest()[..end]));
        push_context(&cursor.rest()[end..], record);
    }
}

impl NginxError {
    fn read<'a>(&self, line: &'a [u8]) -> Option<(Head<'a>, Cursor<'a>)> {
        let mut cursor = Cursor::new(line);
        let time = cursor.timestamp_of(self.shape)?;
        cursor.skip(b" ")?;
        let severity = Severity::from_syslog_word(cursor.between(b'[', b']')?)?;
        cursor.skip(b" ")?;
        let pid = cursor.digits()?;
        cursor.skip(b"#")?;
        let tid = cursor.digits()?;
        cursor.skip(b": ")?;
        let head = Head {
            time,
            severity,
            pid,
            tid,
        };
        Some((head, cursor))
    }
}

/// Takes `*7 `.
fn connection<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let mut after = *cursor;
    after.skip(b"*")?;
    let connection = after.digits()?;
    after.skip(b" ")?;
    *cursor = after;
    Some(connection)
}

/// Where what nginx adds to a message begins: `, client: …`, or else its end.
fn context_start(text: &[u8]) -> usize {
    // A name in the message may look like it: the last one is nginx's.
    let first = memchr::memmem::rfind(text, b", client: ");
    let or_server = || memchr::memmem::rfind(text, b", server: ");
    first.or_else(or_server).unwrap_or(text.len())
}

/// Adds `, client: 203.0.113.7, request: "GET / HTTP/1.0"`.
fn push_context<'a>(context: &'a [u8], record: &mut Record<'a>) {
    let mut cursor = Cursor::new(context);
    while cursor.skip(b", ").is_some() {
        let Some(name) = cursor.until(b':') else {
            return;
        };
        let _ = cursor.skip(b" ");
        let value = match cursor.quoted() {
            Some(quoted) => Text::escaped(quoted),
            None => Text::plain(cursor.take_while(|byte| byte != b',').unwrap_or_default()),
        };
        if !field::is_absent(value.raw()) {
            record.push(Text::plain(name), Value::Text(value));
        }
    }
}
