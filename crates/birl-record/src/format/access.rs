//! Access logs in the common log format, and those that have more fields around it: combined, with a
//! virtual host or forwarded addresses before it, with times and what not behind it.

use std::sync::Arc;

use super::cursor::Cursor;
use super::{Format, Known, Lines, Pick, Picked, Place, Sample, Wanted, field};
use crate::logfmt::Pairs;
use crate::record::{Record, Timestamp};
use crate::time::Shape;
use crate::value::{Text, Value};

pub(super) const KNOWN: Known = Known {
    name: "access",
    about: "access logs of Apache, nginx, Traefik and others: common, combined, and with more",
    samples: &[
        Sample {
            text: r#"203.0.113.7 - ann [14/Mar/2026:14:05:30 +0000] "GET /a/b?c=d HTTP/1.1" 200 512"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET /a/b?c=d HTTP/1.1","client":"203.0.113.7","user":"ann","method":"GET","path":"/a/b","query":"c=d","protocol":"HTTP/1.1","status":200,"bytes":512}"#,
        },
        Sample {
            text: r#"203.0.113.7 - - [14/Mar/2026:15:05:30 +0100] "POST / HTTP/2.0" 502 - "https://a.example/" "curl/8.5 \"x\"" 0.031"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"POST / HTTP/2.0","client":"203.0.113.7","method":"POST","path":"/","protocol":"HTTP/2.0","status":502,"referer":"https://a.example/","user_agent":"curl/8.5 \"x\"","request_time":0.031}"#,
        },
        Sample {
            text: r#"www.example:443 2001:db8::1 - - [14/Mar/2026:14:05:30 +0000] "-" 408 0 "-" "-""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"-","virtual_host":"www.example:443","client":"2001:db8::1","status":408,"bytes":0}"#,
        },
        // A user's name with a space in it
        Sample {
            text: r#"203.0.113.7 - Ann B [14/Mar/2026:14:05:30 +0000] "GET / HTTP/1.1" 401 5 1730"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET / HTTP/1.1","client":"203.0.113.7","user":"Ann B","method":"GET","path":"/","protocol":"HTTP/1.1","status":401,"bytes":5,"duration":1730}"#,
        },
        // Behind proxies
        Sample {
            text: r#"203.0.113.7, 198.51.100.2 192.0.2.1 - - [14/Mar/2026:14:05:30 +0000] "GET / HTTP/1.1" 200 5"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET / HTTP/1.1","x_forwarded_for":"203.0.113.7, 198.51.100.2","client":"192.0.2.1","method":"GET","path":"/","protocol":"HTTP/1.1","status":200,"bytes":5}"#,
        },
        Sample {
            text: r#"www.example:80 "203.0.113.7, 198.51.100.2" 192.0.2.1 - - [14/Mar/2026:14:05:30 +0000] "GET / HTTP/1.1" 200 5"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET / HTTP/1.1","virtual_host":"www.example:80","x_forwarded_for":"203.0.113.7, 198.51.100.2","client":"192.0.2.1","method":"GET","path":"/","protocol":"HTTP/1.1","status":200,"bytes":5}"#,
        },
        Sample {
            text: r#"www.example 203.0.113.7, 192.0.2.1 - ann [14/Mar/2026:14:05:30 +0000] "GET / HTTP/1.1" 200 5"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET / HTTP/1.1","virtual_host":"www.example","x_forwarded_for":"203.0.113.7, 192.0.2.1","user":"ann","method":"GET","path":"/","protocol":"HTTP/1.1","status":200,"bytes":5}"#,
        },
        Sample {
            text: r#"192.0.2.1 - - [14/Mar/2026:14:05:30 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8.5" "203.0.113.7, 198.51.100.2" 0.010 0.009"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET / HTTP/1.1","client":"192.0.2.1","method":"GET","path":"/","protocol":"HTTP/1.1","status":200,"bytes":5,"user_agent":"curl/8.5","x_forwarded_for":"203.0.113.7, 198.51.100.2","request_time":0.010,"upstream_response_time":0.009}"#,
        },
        Sample {
            text: r#"192.0.2.1 - - [14/Mar/2026:14:05:30 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8.5" rt=0.010 urt="0.009""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET / HTTP/1.1","client":"192.0.2.1","method":"GET","path":"/","protocol":"HTTP/1.1","status":200,"bytes":5,"user_agent":"curl/8.5","rt":"0.010","urt":"0.009"}"#,
        },
        // Kubernetes' nginx ingress, and Traefik
        Sample {
            text: r#"192.0.2.1 - - [14/Mar/2026:14:05:30 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8.5" 412 0.003 [shop-web-80] [] 198.51.100.9:80 12 0.004 200 5f3a"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET / HTTP/1.1","client":"192.0.2.1","method":"GET","path":"/","protocol":"HTTP/1.1","status":200,"bytes":5,"user_agent":"curl/8.5","request_length":412,"request_time":0.003,"upstream_name":"shop-web-80","upstream_addr":"198.51.100.9:80","upstream_response_length":12,"upstream_response_time":0.004,"upstream_status":200,"request_id":"5f3a"}"#,
        },
        Sample {
            text: r#"192.0.2.1 - - [14/Mar/2026:14:05:30 +0000] "GET / HTTP/1.1" 404 19 "-" "-" 7 "web@docker" "http://198.51.100.9:80" 5ms"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET / HTTP/1.1","client":"192.0.2.1","method":"GET","path":"/","protocol":"HTTP/1.1","status":404,"bytes":19,"request_count":7,"router":"web@docker","backend":"http://198.51.100.9:80","duration":"5ms"}"#,
        },
        // cPanel
        Sample {
            text: r#"192.0.2.1 - ann [03/04/2026:14:05:30 -0000] "GET / HTTP/1.0" 200 0 "-" "-""#,
            record: r#"{"timestamp":"2026-03-04T14:05:30Z","message":"GET / HTTP/1.0","client":"192.0.2.1","user":"ann","method":"GET","path":"/","protocol":"HTTP/1.0","status":200,"bytes":0}"#,
        },
        // Python's http.server, and nginx with another time
        Sample {
            text: r#"192.0.2.1 - - [14/Mar/2026 14:05:30] "GET /a HTTP/1.1" 404 -"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET /a HTTP/1.1","client":"192.0.2.1","method":"GET","path":"/a","protocol":"HTTP/1.1","status":404}"#,
        },
        Sample {
            text: r#"192.0.2.1 [2026-03-14T14:05:30+00:00] "\x16\x03" 400 0 "-" "-" whatever "else""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"\u0016\u0003","client":"192.0.2.1","status":400,"bytes":0,"extra":"whatever \"else\""}"#,
        },
    ],
    open: |_| {
        let shapes = [
            Shape::named("apache")?,
            Shape::named("iso")?,
            Shape::named("day-month-year")?,
            Shape::named("apache-mdy")?,
        ];
        Some(Arc::new(Access { shapes }))
    },
};

/// An access log.
#[derive(Debug)]
struct Access {
    shapes: [Shape; 4],
}

/// What each line of an access log has.
#[derive(Default)]
struct Head<'a> {
    origin: Origin<'a>,
    time: Option<Timestamp<'a>>,
    request: &'a [u8],
    status: &'a [u8],
    bytes: &'a [u8],
}

/// What stands before the time.
#[derive(Debug, Default, PartialEq)]
struct Origin<'a> {
    virtual_host: &'a [u8],
    forwarded_for: &'a [u8],
    client: &'a [u8],
    ident: &'a [u8],
    user: &'a [u8],
}

impl Format for Access {
    fn name(&self) -> &str {
        KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        self.read(line).is_some()
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    fn place(&self, path: &[u8]) -> Place {
        match path {
            b"status" => Place::Behind("\" "),
            _ => Place::Unknown,
        }
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let Some((head, rest)) = self.read(text) else {
            return;
        };
        record.timestamp = head.time;
        record.message = Some(Text::escaped(head.request));
        let origin = head.origin;
        field::text(record, "virtual_host", origin.virtual_host);
        field::text(record, "x_forwarded_for", origin.forwarded_for);
        field::text(record, "client", origin.client);
        field::text(record, "ident", origin.ident);
        field::escaped(record, "user", origin.user);
        push_request(record, head.request);
        field::number(record, "status", head.status);
        field::number(record, "bytes", head.bytes);
        push_behind(record, rest);
    }

    fn get<'a>(&'a self, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        if path == b"status" {
            return Some(field::number_or_bare(self.read(text)?.0.status));
        }
        let mut record = Record::default();
        self.parse(text, &mut record);
        record.get(path)
    }

    fn picker(&self, wanted: &Wanted) -> Option<Box<dyn Pick>> {
        let fields = wanted.paths.iter().map(|path| Near::of(path));
        let fields: Vec<_> = fields.collect::<Option<_>>()?;
        let is_in_request = |near: &Near| !matches!(near, Near::Status | Near::Bytes);
        Some(Box::new(AccessPicker {
            access: Self {
                shapes: self.shapes,
            },
            reads_request: fields.iter().any(is_in_request),
            fields,
        }))
    }
}

/// Picks fields out of what each line of an access log has.
#[derive(Debug)]
struct AccessPicker {
    access: Access,
    fields: Vec<Near>,
    /// Whether a field stands in the request.
    reads_request: bool,
}

/// A field that stands in what each line has, and that nothing before it is called like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Near {
    Method,
    Path,
    Query,
    Protocol,
    Status,
    Bytes,
}

impl Near {
    fn of(path: &[u8]) -> Option<Self> {
        Some(match path {
            b"method" => Self::Method,
            b"path" => Self::Path,
            b"query" => Self::Query,
            b"protocol" => Self::Protocol,
            b"status" => Self::Status,
            b"bytes" => Self::Bytes,
            _ => return None,
        })
    }

    /// What is written there, if that is anything.
    fn written<'a>(self, head: &Head<'a>, request: Option<Request<'a>>) -> Option<&'a [u8]> {
        let (path, query) = request.map_or_else(Default::default, |it| target_parts(it.target));
        let written = match self {
            Self::Method => request?.method,
            Self::Path => path,
            Self::Query => query?,
            Self::Protocol => request?.protocol,
            Self::Status => head.status,
            Self::Bytes => head.bytes,
        };
        (!field::is_absent(written)).then_some(written)
    }
}

impl Pick for AccessPicker {
    fn pick<'a>(&mut self, text: &'a [u8], picked: &mut Picked<'a>) -> bool {
        // A field of several lines is not looked for in the first.
        let Some((head, rest)) = self.access.read(text) else {
            return false;
        };
        picked.timestamp = head.time;
        picked.message = Some(Text::escaped(head.request));
        let request = self.reads_request.then(|| Request::read(head.request));
        let request = request.flatten();
        for (near, field) in self.fields.iter().zip(&mut picked.fields) {
            *field = near.written(&head, request).map(|written| match near {
                Near::Status | Near::Bytes => field::number_or_bare(written),
                _ => Value::Text(Text::escaped(written)),
            });
            // A pair at the end of the line may have the same name.
            if field.is_none() && memchr::memchr(b'=', rest.rest()).is_some() {
                return false;
            }
        }
        true
    }
}

impl Access {
    fn read<'a>(&self, line: &'a [u8]) -> Option<(Head<'a>, Cursor<'a>)> {
        let mut cursor = Cursor::new(line);
        let before_time = cursor.until(b'[')?;
        let time = self.time(&mut cursor)?;
        cursor.skip(b"] ")?;
        let request = cursor.quoted()?;
        cursor.skip(b" ")?;
        let status = cursor.digits().filter(|status| status.len() == 3)?;
        cursor.skip(b" ")?;
        let bytes = cursor.word()?;
        let head = Head {
            origin: Origin::read(before_time)?,
            time: Some(time),
            request,
            status,
            bytes,
        };
        Some((head, cursor))
    }

    fn time<'a>(&self, cursor: &mut Cursor<'a>) -> Option<Timestamp<'a>> {
        if let Some(text) = usual_time(cursor.rest()) {
            let _ = cursor.skip(text);
            return Some(Timestamp::of_shape(text, self.shapes[0]));
        }
        let mut shapes = self.shapes.into_iter();
        shapes.find_map(|shape| Some(Timestamp::of_shape(cursor.timestamp_of(shape)?, shape)))
    }
}

/// The bytes among which each of those is that stand where a time and the bracket behind it do, as
/// nearly all servers write them.
const USUAL_TIME: ([u8; 27], [u8; 27]) = (
    *b"00/AAA/1000:00:00:00 +0000]",
    *b"29/Zzz/2999:29:59:59 -2959]",
);

/// The time that a text begins with, if it is written as it mostly is. This is no more than a shorter
/// way to what the shape finds.
#[inline]
fn usual_time(text: &[u8]) -> Option<&[u8]> {
    let (low, high) = &USUAL_TIME;
    let bytes: &[u8; 27] = text.first_chunk()?;
    let mut is_near = true;
    for at in 0..bytes.len() {
        is_near &= low[at] <= bytes[at] && bytes[at] <= high[at];
    }
    let two = |at: usize| (bytes[at] - b'0') * 10 + (bytes[at + 1] - b'0');
    let is_time = is_near
        && (1..=28).contains(&two(0))
        && is_month([bytes[3], bytes[4], bytes[5]])
        && (19..=20).contains(&two(7))
        && two(12) < 24
        && bytes[21] != b','
        && two(22) < 24;
    is_time.then(|| &text[..26])
}

fn is_month(name: [u8; 3]) -> bool {
    matches!(
        &name,
        b"Jan"
            | b"Feb"
            | b"Mar"
            | b"Apr"
            | b"May"
            | b"Jun"
            | b"Jul"
            | b"Aug"
            | b"Sep"
            | b"Oct"
            | b"Nov"
            | b"Dec"
    )
}

impl<'a> Origin<'a> {
    fn read(text: &'a [u8]) -> Option<Self> {
        let text = text.strip_suffix(b" ")?;
        Self::of_three_words(text).or_else(|| Self::of_any(text))
    }

    /// Whatever stands there.
    fn of_any(text: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(text);
        let mut origin = Origin {
            virtual_host: host_before_list(&mut cursor).unwrap_or_default(),
            forwarded_for: forwarded_for(&mut cursor).unwrap_or_default(),
            ..Origin::default()
        };
        let mut after = cursor;
        let first = after.word()?;
        after.skip_space();
        // A virtual host comes before all that others have: client, ident and user.
        let second = after.word().unwrap_or_default();
        let words = 1 + cursor.rest().iter().filter(|byte| **byte == b' ').count();
        let has_host = !origin.virtual_host.is_empty();
        if !has_host && words >= 4 && (is_address(second) || !is_address(first)) {
            origin.virtual_host = first;
            let _ = cursor.word();
            cursor.skip_space();
        }
        origin.client = cursor.word()?;
        cursor.skip_space();
        if memchr::memchr(b' ', cursor.rest()).is_some() {
            origin.ident = cursor.word()?;
            cursor.skip_space();
        }
        origin.user = cursor.rest();
        Some(origin)
    }

    /// What most lines have: a client, an ident and a user, and nothing else.
    fn of_three_words(text: &'a [u8]) -> Option<Self> {
        if let Some((client, b" - -")) = text.split_last_chunk()
            && !client.is_empty()
            && !client.iter().any(|byte| is_mark(*byte))
        {
            return Some(Self {
                client,
                ident: b"-",
                user: b"-",
                ..Self::default()
            });
        }
        let mut spaces = [0; 2];
        let mut count = 0;
        for (at, byte) in text.iter().enumerate() {
            match byte {
                b' ' if count < 2 => {
                    spaces[count] = at;
                    count += 1;
                }
                byte if is_mark(*byte) => return None,
                _ => {}
            }
        }
        let [first, second] = spaces;
        let is_all = count == 2 && first > 0 && second > first + 1 && second + 1 < text.len();
        let (client, ident, user) = match is_all {
            true => (
                &text[..first],
                &text[first + 1..second],
                &text[second + 1..],
            ),
            false => return None,
        };
        Some(Self {
            client,
            ident,
            user,
            ..Self::default()
        })
    }
}

/// Whether a byte may end a word, or stand in a list or in quotes.
#[inline]
fn is_mark(byte: u8) -> bool {
    matches!(byte, b' ' | b'"' | b'\\' | b',' | b'\t')
}

/// Takes the virtual host, and the space behind it, if a list of addresses follows.
fn host_before_list<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let mut after = *cursor;
    let host = after.word().filter(|host| !host.starts_with(b"\""))?;
    after.skip_space();
    let list = forwarded_for(&mut after.clone())?;
    if host.ends_with(b",") || !list.contains(&b',') {
        return None;
    }
    *cursor = after;
    Some(host)
}

/// Takes a list of addresses, and the space behind it.
fn forwarded_for<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    if let Some(list) = cursor.quoted() {
        cursor.skip_space();
        return Some(list);
    }
    let list = cursor.rest();
    let mut after = *cursor;
    while after.word()?.ends_with(b",") {
        after.skip_space();
    }
    let list = &list[..list.len() - after.rest().len()];
    // An address alone is the client.
    memchr::memchr(b',', list)?;
    after.skip_space();
    *cursor = after;
    Some(list)
}

fn is_address(word: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
    word.iter().all(is_part) && word.iter().any(|byte| matches!(byte, b'.' | b':'))
}

/// `GET /a/b?c=d HTTP/1.1`, or whatever else a client has sent.
pub(super) fn push_request<'a>(record: &mut Record<'a>, request: &'a [u8]) {
    let Some(request) = Request::read(request) else {
        return;
    };
    field::escaped(record, "method", request.method);
    push_target(record, request.target);
    field::escaped(record, "protocol", request.protocol);
}

/// The parts of a request.
#[derive(Clone, Copy, Debug)]
struct Request<'a> {
    method: &'a [u8],
    target: &'a [u8],
    protocol: &'a [u8],
}

impl<'a> Request<'a> {
    fn read(request: &'a [u8]) -> Option<Self> {
        // A method is too short to set up a search for its end.
        let first = request.iter().position(|byte| *byte == b' ')?;
        let behind = &request[first + 1..];
        let last = memchr::memrchr(b' ', behind)?;
        Some(Self {
            method: &request[..first],
            target: &behind[..last],
            protocol: &behind[last + 1..],
        })
    }
}

/// `/a/b?c=d`
pub(super) fn push_target<'a>(record: &mut Record<'a>, target: &'a [u8]) {
    let (path, query) = target_parts(target);
    field::escaped(record, "path", path);
    if let Some(query) = query {
        field::escaped(record, "query", query);
    }
}

/// What stands before the question mark, and behind it.
fn target_parts(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'?', target) {
        Some(mark) => (&target[..mark], Some(&target[mark + 1..])),
        None => (target, None),
    }
}

/// What follows: the referer and the user agent of combined logs, and whatever a server was told to
/// add.
fn push_behind<'a>(record: &mut Record<'a>, mut cursor: Cursor<'a>) {
    for name in ["referer", "user_agent"] {
        cursor.skip_space();
        if let Some(text) = cursor.quoted() {
            field::escaped(record, name, text);
        }
    }
    cursor.skip_space();
    if cursor.is_at_end() {
        return;
    }
    let is_tail = |tail: &&&[(&str, Part)]| {
        let end = tail.iter().try_fold(cursor, |at, (_, part)| part.skip(at));
        end.is_some_and(|end| end.is_at_end())
    };
    if let Some(tail) = TAILS.iter().find(is_tail) {
        for (name, part) in *tail {
            part.push(record, name, &mut cursor);
        }
    } else if !push_pairs(record, cursor.rest()) {
        field::text(record, "extra", cursor.rest());
    }
}

/// A part of what stands behind the user agent.
#[derive(Clone, Copy, Debug)]
enum Part {
    Integer,
    /// A number of seconds, with a point; there may be several, or none.
    Seconds,
    /// A number with its unit.
    Duration,
    Quoted,
    /// Addresses in quotes.
    Addresses,
    Bracketed,
    /// A word, or several with commas between them.
    Words,
}

/// What servers are known to put behind the user agent, with the names that they have for it.
static TAILS: [&[(&str, Part)]; 9] = [
    &[("request_time", Part::Seconds)],
    &[("duration", Part::Integer)],
    &[("x_forwarded_for", Part::Addresses)],
    &[
        ("request_time", Part::Seconds),
        ("upstream_response_time", Part::Seconds),
    ],
    &[
        ("x_forwarded_for", Part::Addresses),
        ("request_time", Part::Seconds),
    ],
    &[
        ("x_forwarded_for", Part::Addresses),
        ("request_time", Part::Seconds),
        ("upstream_response_time", Part::Seconds),
    ],
    &[
        ("request_time", Part::Seconds),
        ("x_forwarded_for", Part::Addresses),
    ],
    &[
        ("request_length", Part::Integer),
        ("request_time", Part::Seconds),
        ("upstream_name", Part::Bracketed),
        ("upstream_alternative_name", Part::Bracketed),
        ("upstream_addr", Part::Words),
        ("upstream_response_length", Part::Words),
        ("upstream_response_time", Part::Words),
        ("upstream_status", Part::Words),
        ("request_id", Part::Words),
    ],
    &[
        ("request_count", Part::Integer),
        ("router", Part::Quoted),
        ("backend", Part::Quoted),
        ("duration", Part::Duration),
    ],
];

impl Part {
    fn push<'a>(self, record: &mut Record<'a>, name: &'static str, cursor: &mut Cursor<'a>) {
        let Some(text) = self.take(cursor) else {
            return;
        };
        match self {
            Part::Quoted => field::escaped(record, name, text),
            Part::Addresses | Part::Bracketed | Part::Duration => field::text(record, name, text),
            Part::Integer | Part::Seconds | Part::Words => field::number(record, name, text),
        }
    }

    fn skip(self, mut cursor: Cursor<'_>) -> Option<Cursor<'_>> {
        self.take(&mut cursor)?;
        Some(cursor)
    }

    /// Takes it, and the space behind it.
    fn take<'a>(self, cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
        let is_time = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
        let taken = match self {
            Part::Integer => cursor
                .word()
                .filter(|word| word.iter().all(u8::is_ascii_digit)),
            Part::Seconds => words(cursor)
                .filter(|words| *words == b"-" || is_time(&words[0]) && words.contains(&b'.')),
            Part::Duration => cursor.word().filter(|word| word[0].is_ascii_digit()),
            Part::Quoted => cursor.quoted(),
            Part::Addresses => cursor.quoted().filter(|list| {
                let mut addresses = list.split(|byte| *byte == b',');
                addresses.all(|word| *word == *b"-" || is_address(word.trim_ascii()))
            }),
            Part::Bracketed => cursor.between(b'[', b']'),
            Part::Words => words(cursor),
        };
        cursor.skip_space();
        taken
    }
}

/// Takes words of which each but the last has a comma behind it.
fn words<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let start = cursor.rest();
    while cursor.word()?.ends_with(b",") {
        cursor.skip_space();
    }
    Some(&start[..start.len() - cursor.rest().len()])
}

/// Adds `rt=0.010 urt="0.009"`, if there is nothing else.
fn push_pairs<'a>(record: &mut Record<'a>, text: &'a [u8]) -> bool {
    let mut end = 0;
    let mut pairs = Pairs::of(text);
    let count = record.fields.len();
    while let Some((start, name, value)) = pairs.next() {
        if !text[end..start].trim_ascii().is_empty() {
            break;
        }
        end = pairs.at();
        record.push(name, value);
    }
    let is_whole = text[end..].trim_ascii().is_empty();
    if !is_whole {
        record.fields.truncate(count);
    }
    is_whole
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Times as servers write them, and others that are like them.
    fn times() -> impl Strategy<Value = String> {
        let month = prop::sample::select(vec!["Jan", "Feb", "Mar", "mar", "Dec", "Foo"]);
        let behind = prop::sample::select(vec!["]", "]x", "", ".5]", " AM]", "Z"]);
        let time = (
            "[0-3][0-9]",
            month,
            "[0-2][0-9]{3}",
            "[0-2][0-9](:[0-6][0-9]){2}",
        );
        let time = (time, "[-+,][0-2][0-9][0-6][0-9]", behind);
        time.prop_map(|((day, month, year, clock), zone, behind)| {
            format!("{day}/{month}/{year}:{clock} {zone}{behind}")
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_usual_time_is_what_the_shape_finds(text in times()) {
            let shape = Shape::named("apache").unwrap();
            let taken = shape.parse(text.as_bytes()).map(|(_, taken)| taken);
            if let Some(usual) = usual_time(text.as_bytes()) {
                prop_assert_eq!(Some(usual.len()), taken, "{}", text);
            }
        }

        #[test]
        fn three_words_are_what_any_reading_finds(
            text in prop_oneof!["[a1:.,\"\\\\\t -]{0,12}", "[a1:.,\"\\\\\t -]{0,4} - -"],
        ) {
            if let Some(origin) = Origin::of_three_words(text.as_bytes()) {
                prop_assert_eq!(Some(origin), Origin::of_any(text.as_bytes()), "{}", text);
            }
        }
    }

    #[test]
    fn a_time_as_servers_write_it_is_usual() {
        let text = b"14/Mar/2026:14:05:30 +0000] \"GET";
        assert_eq!(usual_time(text), Some(&text[..26]));
        assert!(Origin::of_three_words(b"192.0.2.1 - ann").is_some());
    }
}
