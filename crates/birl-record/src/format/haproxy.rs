//! HAProxy's lines for connections: the formats `httplog`, `httpslog` and `tcplog`, and the one it
//! has where no format is set (configuration manual, section 8.2).

use std::sync::Arc;

use super::access::push_request;
use super::cursor::Cursor;
use super::{Format, Known, Lines, Sample, field};
use crate::record::{Record, Timestamp};
use crate::time::Shape;
use crate::value::{Text, Value};

pub(super) const KNOWN: Known = Known {
    name: "haproxy",
    about: "HAProxy: HTTP, HTTPS and TCP; behind syslog, too",
    samples: &[
        Sample {
            text: r#"203.0.113.7:4022 [14/Mar/2026:14:05:30.123] www~ shop/srv1 10/0/30/69/109 200 2750 - - ---- 1/2/3/4/0 5/6 {www.example|curl} {} "GET /a?b=c HTTP/1.1""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.123Z","message":"GET /a?b=c HTTP/1.1","client":"203.0.113.7","client_port":4022,"frontend":"www~","backend":"shop","server":"srv1","request_time_ms":10,"queue_time_ms":0,"connect_time_ms":30,"response_time_ms":69,"total_time_ms":109,"status":200,"bytes":2750,"termination":"----","actconn":1,"feconn":2,"beconn":3,"srv_conn":4,"retries":0,"srv_queue":5,"backend_queue":6,"request_headers":"www.example|curl","method":"GET","path":"/a","query":"b=c","protocol":"HTTP/1.1"}"#,
        },
        Sample {
            text: r#"2001:db8::1:4022 [14/Mar/2026:14:05:30.123] www www/<NOSRV> -1/-1/-1/-1/5 400 +187 - sid=7 CR-- 1/1/0/0/3 0/0 "<BADREQ>""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.123Z","message":"<BADREQ>","client":"2001:db8::1","client_port":4022,"frontend":"www","backend":"www","server":"<NOSRV>","request_time_ms":-1,"queue_time_ms":-1,"connect_time_ms":-1,"response_time_ms":-1,"total_time_ms":5,"status":400,"bytes":187,"response_cookie":"sid=7","termination":"CR--","actconn":1,"feconn":1,"beconn":0,"srv_conn":0,"retries":3,"srv_queue":0,"backend_queue":0}"#,
        },
        // Cut by what carried it
        Sample {
            text: r#"203.0.113.7:4022 [14/Mar/2026:14:05:30.123] www shop/srv1 10/0/30/69/109 200 2750 - - ---- 1/2/3/4/0 5/6 "GET /a"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.123Z","message":"GET /a","client":"203.0.113.7","client_port":4022,"frontend":"www","backend":"shop","server":"srv1","request_time_ms":10,"queue_time_ms":0,"connect_time_ms":30,"response_time_ms":69,"total_time_ms":109,"status":200,"bytes":2750,"termination":"----","actconn":1,"feconn":2,"beconn":3,"srv_conn":4,"retries":0,"srv_queue":5,"backend_queue":6}"#,
        },
        Sample {
            text: r#"203.0.113.7:4022 [14/Mar/2026:14:05:30.123] www~ shop/srv1 10/0/30/69/109 200 2750 - - ---- 1/2/3/4/0 5/6 "GET / HTTP/1.1" 0/0/0/0/1 www.example/TLSv1.3/TLS_AES_256_GCM_SHA384"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.123Z","message":"GET / HTTP/1.1","client":"203.0.113.7","client_port":4022,"frontend":"www~","backend":"shop","server":"srv1","request_time_ms":10,"queue_time_ms":0,"connect_time_ms":30,"response_time_ms":69,"total_time_ms":109,"status":200,"bytes":2750,"termination":"----","actconn":1,"feconn":2,"beconn":3,"srv_conn":4,"retries":0,"srv_queue":5,"backend_queue":6,"method":"GET","path":"/","protocol":"HTTP/1.1","fc_err":0,"ssl_fc_err":0,"ssl_c_verify":0,"ssl_c_ca_err":0,"ssl_fc_is_resumed":1,"sni":"www.example","ssl_version":"TLSv1.3","ssl_cipher":"TLS_AES_256_GCM_SHA384"}"#,
        },
        // With something of one's own before the times
        Sample {
            text: r#"203.0.113.7:4022 [14/Mar/2026:14:05:30.123] www~ shop/srv1 www.example 0/0/0/18/18 200 5 - - ---- 1/2/3/4/0 5/6 "<BADREQ>""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.123Z","message":"<BADREQ>","client":"203.0.113.7","client_port":4022,"frontend":"www~","backend":"shop","server":"srv1","extra":"www.example","request_time_ms":0,"queue_time_ms":0,"connect_time_ms":0,"response_time_ms":18,"total_time_ms":18,"status":200,"bytes":5,"termination":"----","actconn":1,"feconn":2,"beconn":3,"srv_conn":4,"retries":0,"srv_queue":5,"backend_queue":6}"#,
        },
        Sample {
            text: "203.0.113.7:4022 [14/Mar/2026:14:05:30.123] db db/pg1 1/2/5007 212 cD 1/2/3/4/+1 5/6",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123Z","message":"db db/pg1 1/2/5007 212 cD 1/2/3/4/+1 5/6","client":"203.0.113.7","client_port":4022,"frontend":"db","backend":"db","server":"pg1","queue_time_ms":1,"connect_time_ms":2,"total_time_ms":5007,"bytes":212,"termination":"cD","actconn":1,"feconn":2,"beconn":3,"srv_conn":4,"retries":1,"srv_queue":5,"backend_queue":6}"#,
        },
        Sample {
            text: "203.0.113.7:4022 [14/Mar/2026:14:05:30.123] www/1: SSL handshake failure",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123Z","message":"SSL handshake failure","client":"203.0.113.7","client_port":4022,"frontend":"www/1"}"#,
        },
        Sample {
            text: "Connect from 203.0.113.7:4022 to 192.0.2.1:80 (www/HTTP)",
            record: r#"{"message":"Connect from 203.0.113.7:4022 to 192.0.2.1:80 (www/HTTP)","client":"203.0.113.7","client_port":4022,"destination":"192.0.2.1","destination_port":80,"frontend":"www","mode":"HTTP"}"#,
        },
    ],
    open: |_| {
        let shape = Shape::named("apache")?;
        Some(Arc::new(HaProxy { shape }))
    },
};

/// HAProxy's lines for connections.
#[derive(Debug)]
struct HaProxy {
    shape: Shape,
}

impl Format for HaProxy {
    fn name(&self) -> &str {
        KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        let mut cursor = Cursor::new(line);
        connect(cursor).is_some()
            || self.client_and_time(&mut cursor).is_some() && frontend(&mut cursor).is_some()
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let mut cursor = Cursor::new(text);
        if let Some(connect) = connect(cursor) {
            connect.push(text, record);
        } else if let Some((client, time)) = self.client_and_time(&mut cursor) {
            record.timestamp = Some(Timestamp::of_shape(time, self.shape));
            field::address(record, ["client", "client_port"], client);
            // A line that was cut is read as far as it goes.
            let message = cursor.rest();
            let _ = push_connection(&mut cursor, record);
            record.message = record.message.or(Some(Text::plain(message)));
        }
    }
}

impl HaProxy {
    /// Takes `203.0.113.7:4022 [14/Mar/2026:14:05:30.123] `.
    fn client_and_time<'a>(&self, cursor: &mut Cursor<'a>) -> Option<(&'a [u8], &'a [u8])> {
        let client = cursor.until(b' ')?;
        cursor.skip(b"[")?;
        let time = cursor.timestamp_of(self.shape)?;
        cursor.skip(b"] ")?;
        memchr::memchr(b':', client)?;
        Some((client, time))
    }
}

/// Takes the name of a frontend, and what follows it: a space, or the colon before an error.
fn frontend<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], bool)> {
    let word = cursor.word()?;
    cursor.skip(b" ")?;
    match word.strip_suffix(b":") {
        Some(frontend) => Some((frontend, true)),
        // Behind it there is `backend/server`.
        None => memchr::memchr(b'/', Cursor::new(cursor.rest()).word()?).map(|_| (word, false)),
    }
}

fn push_connection<'a>(cursor: &mut Cursor<'a>, record: &mut Record<'a>) -> Option<()> {
    let (name, is_error) = frontend(cursor)?;
    field::text(record, "frontend", name);
    if is_error {
        record.message = Some(Text::plain(cursor.rest()));
        return None;
    }
    push_parts(record, &["backend", "server"], cursor.until(b' ')?);
    let (extra, times) = until_times(cursor)?;
    field::text(record, "extra", extra);
    let is_http = times.iter().filter(|byte| **byte == b'/').count() >= 4;
    push_numbers(
        record,
        if is_http { &HTTP_TIMES } else { &TCP_TIMES },
        times,
    );
    if is_http {
        field::number(record, "status", cursor.until(b' ')?);
    }
    push_number(record, "bytes", cursor.until(b' ')?);
    if is_http {
        field::text(record, "request_cookie", cursor.until(b' ')?);
        field::text(record, "response_cookie", cursor.until(b' ')?);
    }
    // Even `--` says something: that nothing went wrong.
    let termination = Text::plain(cursor.until(b' ')?);
    record.push(Text::plain(b"termination"), Value::Text(termination));
    push_numbers(record, &CONNECTIONS, cursor.until(b' ')?);
    push_numbers(record, &QUEUES, cursor.word()?);
    push_headers(record, cursor);
    push_http(record, cursor)
}

/// Takes the times, with what a format of one's own has before them.
fn until_times<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let rest = cursor.rest();
    loop {
        let extra = &rest[..rest.len() - cursor.rest().len()];
        let word = cursor.until(b' ')?;
        let is_part = |byte: &u8| byte.is_ascii_digit() || b"-+/".contains(byte);
        if word.iter().all(is_part) && word.contains(&b'/') {
            return Some((extra.trim_ascii(), word));
        }
    }
}

static HTTP_TIMES: [&str; 5] = [
    "request_time_ms",
    "queue_time_ms",
    "connect_time_ms",
    "response_time_ms",
    "total_time_ms",
];

static TCP_TIMES: [&str; 3] = ["queue_time_ms", "connect_time_ms", "total_time_ms"];

static CONNECTIONS: [&str; 5] = ["actconn", "feconn", "beconn", "srv_conn", "retries"];

static QUEUES: [&str; 2] = ["srv_queue", "backend_queue"];

static TLS_ERRORS: [&str; 5] = [
    "fc_err",
    "ssl_fc_err",
    "ssl_c_verify",
    "ssl_c_ca_err",
    "ssl_fc_is_resumed",
];

static TLS: [&str; 3] = ["sni", "ssl_version", "ssl_cipher"];

/// Takes the headers that were captured; of one list nobody can tell if it is the request's.
fn push_headers<'a>(record: &mut Record<'a>, cursor: &mut Cursor<'a>) {
    for name in ["request_headers", "response_headers"] {
        let mut after = *cursor;
        after.skip_space();
        if let Some(headers) = after.between(b'{', b'}') {
            field::text(record, name, headers);
            *cursor = after;
        }
    }
    cursor.skip_space();
}

/// Takes the request, and what is known of its connection where that is encrypted.
fn push_http<'a>(record: &mut Record<'a>, cursor: &mut Cursor<'a>) -> Option<()> {
    let request = match cursor.quoted() {
        Some(request) => request,
        // It ends without a quote where the line was cut.
        None => std::mem::replace(cursor, Cursor::new(b""))
            .rest()
            .strip_prefix(b"\"")?,
    };
    record.message = Some(Text::plain(request));
    push_request(record, request);
    cursor.skip_space();
    push_numbers(record, &TLS_ERRORS, cursor.word()?);
    cursor.skip_space();
    push_parts(record, &TLS, cursor.word()?);
    Some(())
}

/// Adds numbers with slashes between them.
fn push_numbers<'a>(record: &mut Record<'a>, names: &'static [&str], text: &'a [u8]) {
    for (name, part) in names.iter().zip(text.split(|byte| *byte == b'/')) {
        push_number(record, name, part);
    }
}

/// Adds a number that has a `+` before it where it was not final, or a session was moved.
fn push_number<'a>(record: &mut Record<'a>, name: &'static str, text: &'a [u8]) {
    field::number(record, name, text.strip_prefix(b"+").unwrap_or(text));
}

fn push_parts<'a>(record: &mut Record<'a>, names: &'static [&str], text: &'a [u8]) {
    let parts = text.splitn(names.len(), |byte| *byte == b'/');
    for (name, part) in names.iter().zip(parts) {
        field::text(record, name, part);
    }
}

/// `Connect from 203.0.113.7:4022 to 192.0.2.1:80 (www/HTTP)`
struct Connect<'a> {
    client: &'a [u8],
    destination: &'a [u8],
    frontend_and_mode: &'a [u8],
}

fn connect(mut cursor: Cursor<'_>) -> Option<Connect<'_>> {
    cursor.skip(b"Connect from ")?;
    let client = cursor.until(b' ')?;
    cursor.skip(b"to ")?;
    let destination = cursor.until(b' ')?;
    let frontend_and_mode = cursor.between(b'(', b')')?;
    Some(Connect {
        client,
        destination,
        frontend_and_mode,
    })
}

impl<'a> Connect<'a> {
    fn push(&self, text: &'a [u8], record: &mut Record<'a>) {
        record.message = Some(Text::plain(text));
        field::address(record, ["client", "client_port"], self.client);
        field::address(
            record,
            ["destination", "destination_port"],
            self.destination,
        );
        push_parts(record, &["frontend", "mode"], self.frontend_and_mode);
    }
}
