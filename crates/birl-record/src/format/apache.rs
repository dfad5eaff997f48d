//! Access logs in the common log format, and those that have more fields behind it: combined, and
//! with a virtual host before it.

use std::sync::Arc;

use super::cursor::Cursor;
use super::{Format, Known, Lines, Sample};
use crate::record::{Record, Timestamp};
use crate::time::Shape;
use crate::value::{Text, Value};

pub(super) const COMMON: Known = Known {
    name: "access",
    about: "access logs of Apache, nginx and others: common, combined, with a virtual host",
    samples: &[
        Sample {
            text: r#"203.0.113.7 - ann [14/Mar/2026:14:05:30 +0000] "GET /a/b?c=d HTTP/1.1" 200 512"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET /a/b?c=d HTTP/1.1","client":"203.0.113.7","user":"ann","method":"GET","path":"/a/b","query":"c=d","protocol":"HTTP/1.1","status":200,"bytes":512}"#,
        },
        Sample {
            text: r#"203.0.113.7 - - [14/Mar/2026:15:05:30 +0100] "POST / HTTP/2.0" 502 - "https://a.example/" "curl/8.5 \"x\"" 0.031"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"POST / HTTP/2.0","client":"203.0.113.7","method":"POST","path":"/","protocol":"HTTP/2.0","status":502,"referer":"https://a.example/","user_agent":"curl/8.5 \"x\"","extra":"0.031"}"#,
        },
        Sample {
            text: r#"www.example:443 2001:db8::1 - - [14/Mar/2026:14:05:30 +0000] "-" 408 0 "-" "-""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"-","virtual_host":"www.example:443","client":"2001:db8::1","status":408,"bytes":0}"#,
        },
    ],
    open: |_| {
        let shape = Shape::named("apache")?;
        Some(Arc::new(Access { shape }))
    },
};

/// An access log.
#[derive(Debug)]
struct Access {
    shape: Shape,
}

impl Format for Access {
    fn name(&self) -> &str {
        COMMON.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        self.read(line).is_some()
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let Some((head, rest)) = self.read(text) else {
            return;
        };
        record.timestamp = Some(Timestamp::of_shape(head.time, self.shape));
        record.message = Some(Text::escaped(head.request));
        push_text(record, "virtual_host", head.virtual_host);
        push_text(record, "client", head.client);
        push_text(record, "ident", head.ident);
        push_text(record, "user", head.user);
        push_request(record, head.request);
        push_number(record, "status", head.status);
        push_number(record, "bytes", head.bytes);
        push_extra(record, rest);
    }
}

/// What each line of an access log has.
struct Head<'a> {
    virtual_host: &'a [u8],
    client: &'a [u8],
    ident: &'a [u8],
    user: &'a [u8],
    time: &'a [u8],
    request: &'a [u8],
    status: &'a [u8],
    bytes: &'a [u8],
}

impl Access {
    fn read<'a>(&self, line: &'a [u8]) -> Option<(Head<'a>, Cursor<'a>)> {
        let mut cursor = Cursor::new(line);
        let first = cursor.until(b' ')?;
        let second = cursor.until(b' ')?;
        let third = cursor.until(b' ')?;
        let before_time = cursor.until(b'[')?;
        let (virtual_host, client, ident, user) = match before_time.trim_ascii_end() {
            b"" => (&b"-"[..], first, second, third),
            user if before_time.ends_with(b" ") => (first, second, third, user),
            _ => return None,
        };
        let time = cursor.timestamp_of(self.shape)?;
        cursor.skip(b"] ")?;
        let request = cursor.quoted()?;
        cursor.skip(b" ")?;
        let status = cursor.digits().filter(|status| status.len() == 3)?;
        cursor.skip(b" ")?;
        let bytes = cursor.word()?;
        let head = Head {
            virtual_host,
            client,
            ident,
            user,
            time,
            request,
            status,
            bytes,
        };
        Some((head, cursor))
    }
}

/// Adds a field, unless it is the `-` of one that is absent.
fn push_text<'a>(record: &mut Record<'a>, name: &'static str, text: &'a [u8]) {
    if text != b"-" {
        record.push(
            Text::plain(name.as_bytes()),
            Value::Text(Text::escaped(text)),
        );
    }
}

fn push_number<'a>(record: &mut Record<'a>, name: &'static str, digits: &'a [u8]) {
    if digits.iter().all(u8::is_ascii_digit) {
        record.push(Text::plain(name.as_bytes()), Value::Number(digits));
    }
}

/// `GET /a/b?c=d HTTP/1.1`, or whatever else a client has sent.
fn push_request<'a>(record: &mut Record<'a>, request: &'a [u8]) {
    let mut cursor = Cursor::new(request);
    let (Some(method), Some(protocol)) = (
        cursor.until(b' '),
        memchr::memrchr(b' ', cursor.rest()).map(|space| cursor.rest().split_at(space)),
    ) else {
        return;
    };
    let (target, protocol) = (protocol.0, &protocol.1[1..]);
    push_text(record, "method", method);
    match memchr::memchr(b'?', target) {
        Some(mark) => {
            push_text(record, "path", &target[..mark]);
            push_text(record, "query", &target[mark + 1..]);
        }
        None => push_text(record, "path", target),
    }
    push_text(record, "protocol", protocol);
}

/// What follows: the referer and the user agent of combined logs, and whatever a server was told to
/// add.
fn push_extra<'a>(record: &mut Record<'a>, mut cursor: Cursor<'a>) {
    for name in ["referer", "user_agent"] {
        cursor.skip_space();
        if let Some(text) = cursor.quoted() {
            push_text(record, name, text);
        }
    }
    cursor.skip_space();
    if !cursor.is_at_end() {
        record.push(
            Text::plain(b"extra"),
            Value::Text(Text::plain(cursor.rest())),
        );
    }
}
