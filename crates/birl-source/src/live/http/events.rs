//! Server-sent events: what a server sends as it happens, in an answer without an end.

use std::time::Duration;

use birl_net::http::Answer;
use birl_net::left_out::{let_by_bytes_max, not_let_by};
use birl_net::request::HeaderValue;
use futures::FutureExt;
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::time::Instant;

use super::{EVENT_STREAM, LAST_EVENT_ID, Server, is_events};
use crate::link::{Failure, Persistence};
use crate::live::records::Records;
use crate::live::sink::Sink;

/// The fields of a record that say what kind of event it was, and by which id it can be gone on behind.
const EVENT_KIND: &str = "sse.event";
pub(in crate::live) const EVENT_ID: &str = "sse.id";

/// What is read of one stream of events after the other: the data of each event is a record.
pub(super) struct Feed<'a> {
    server: &'a Server<'a>,
    persistence: Persistence<'a>,
    records: Records<'a>,
    sink: &'a Sink,
    /// Where the last connection ended, by the field that was asked for.
    cursor: Option<String>,
    /// The id of the last event.
    last_id: Option<String>,
    /// How long the server wants to be left alone when a connection has ended.
    retry: Option<Duration>,
}

impl<'a> Feed<'a> {
    pub(super) fn new(
        server: &'a Server<'a>,
        persistence: Persistence<'a>,
        sink: &'a Sink,
    ) -> Self {
        Self {
            server,
            persistence,
            records: Records::new(sink.begin()),
            sink,
            cursor: server.options.resume_from.clone(),
            last_id: None,
            retry: None,
        }
    }

    /// Reads events, asking again whenever the answer ends, until that is refused for good.
    pub(super) async fn read(mut self, first: Answer) {
        let mut next = Some(first);
        loop {
            let answer = match next.take() {
                Some(answer) => Ok(Some(answer)),
                None => self.ask_again().await,
            };
            let goes_on = match answer {
                Ok(None) => {
                    self.sink.notice("the server has no more events");
                    return;
                }
                Ok(Some(answer)) => {
                    let began = Instant::now();
                    self.persistence.connected(self.last().as_deref());
                    let failure = self.read_answer(answer).await;
                    self.records.flush();
                    self.persistence.lost(began, failure).await
                }
                Err(failure) => self.persistence.refused(failure).await,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Where the last connection ended.
    fn last(&self) -> Option<String> {
        self.cursor.clone().or_else(|| self.last_id.clone())
    }

    /// Asks to go on; `None` where the server says that there is nothing more.
    async fn ask_again(&self) -> Result<Option<Answer>, Failure> {
        let id = self.last_id.as_deref();
        let id = id.and_then(|id| HeaderValue::from_str(id).ok());
        let headers = id.map(|id| (LAST_EVENT_ID, id));
        let answer = self
            .server
            .get(self.last().as_deref(), headers.into_iter().collect())
            .await?;
        match (is_events(&answer), answer.status()) {
            (_, 204) => Ok(None),
            (true, _) => Ok(Some(answer)),
            (false, _) => Err(Failure::passing(format!(
                "the server answers with something other than {EVENT_STREAM}"
            ))),
        }
    }

    /// Reads one answer to its end; says why it ended.
    async fn read_answer(&mut self, mut answer: Answer) -> Failure {
        let mut parser = Parser::new(self.server.options.message_bytes_max);
        loop {
            if self.sink.ready().now_or_never().is_none() {
                self.records.flush();
                self.sink.ready().await;
            }
            let bytes = match answer.chunk().now_or_never() {
                Some(bytes) => bytes,
                None => {
                    // What has arrived goes on together.
                    self.records.flush();
                    answer.chunk().await
                }
            };
            let bytes = match bytes {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return self.passing("the answer ended"),
                Err(error) => return self.passing(&error.to_string()),
            };
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                match parser.take(&mut rest) {
                    Some(Said::Event) => self.record(parser.data(), parser.kind()),
                    Some(Said::Id(id)) => self.take_id(id),
                    Some(Said::Retry(wait)) => self.retry = Some(wait),
                    Some(Said::TooLong) => self.leave_out(),
                    None => {}
                }
                if let Some(reason) = parser.is_endless() {
                    return self.passing(&reason);
                }
            }
        }
    }

    fn passing(&self, reason: &str) -> Failure {
        Failure {
            retry_after: self.retry,
            ..Failure::passing(reason)
        }
    }

    fn take_id(&mut self, id: String) {
        self.last_id = Some(id).filter(|id| !id.is_empty());
        if self.server.options.cursor.is_none() && self.last_id.is_some() {
            // What another process knew is of the past.
            self.cursor = None;
        }
    }

    /// An event that has begun is too long. That it has an id is found out when that comes.
    fn leave_out(&mut self) {
        self.persistence.worked();
        // What came before is told before.
        self.records.flush();
        self.sink.leave_out(self.server.options);
    }

    fn record(&mut self, data: &[u8], kind: Option<&str>) {
        self.persistence.worked();
        let told = [(EVENT_KIND, kind), (EVENT_ID, self.last_id.as_deref())];
        let with_fields = with_fields(data, &told);
        let data = with_fields.as_deref().unwrap_or(data);
        if let Some(path) = &self.server.options.cursor
            && let Some(cursor) = path.find(data)
        {
            self.cursor = Some(cursor);
        }
        self.records.push(data);
    }
}

/// A JSON object with these fields behind its own, if it is one and any of them is known. Of a field
/// that it has already, its own is the one that counts.
fn with_fields(data: &[u8], fields: &[(&str, Option<&str>)]) -> Option<Vec<u8>> {
    let known = fields
        .iter()
        .filter_map(|(name, value)| Some((*name, (*value)?)));
    let known: Vec<_> = known.collect();
    let object = data.trim_ascii();
    if known.is_empty() || !object.starts_with(b"{") {
        return None;
    }
    serde_json::from_slice::<IgnoredAny>(object).ok()?;
    let own = object.strip_suffix(b"}")?;
    let mut with = own.to_vec();
    let mut is_first = own[1..].trim_ascii().is_empty();
    for (name, value) in known {
        if !std::mem::take(&mut is_first) {
            with.push(b',');
        }
        with.extend(Value::from(name).to_string().bytes());
        with.push(b':');
        with.extend(Value::from(value).to_string().bytes());
    }
    with.push(b'}');
    Some(with)
}

/// What a line of a stream of events has said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    /// An event is whole: its [data](Parser::data) may be taken, until more is parsed.
    Event,
    /// What the server calls the event that is being sent.
    Id(String),
    /// How long to wait when a connection has ended.
    Retry(Duration),
    /// The event that is being sent is longer than events may be: nothing of it will be given but its id.
    TooLong,
}

/// So many bytes of a line that is not too long may stand around its value.
const FIELD_BYTES_MAX: usize = "data: ".len();

/// Reads a stream of events as the HTML standard says (section 9.2.6), as it comes in pieces.
#[derive(Debug)]
struct Parser {
    line: Vec<u8>,
    data: Vec<u8>,
    /// What kind of event is being sent, where that is said.
    kind: String,
    /// The data have been given, and the next event begins anew.
    is_given: bool,
    is_first: bool,
    /// The event that is being sent is too long, which has been said.
    is_too_long: bool,
    /// Nothing is kept of the line that is being sent.
    passes_line: bool,
    /// How many bytes of the event have been passed over.
    passed_bytes: u64,
    /// The last byte was a carriage return: a newline that follows belongs to it.
    after_return: bool,
    bytes_max: usize,
    /// So much is passed over of an event at most.
    passed_bytes_max: u64,
}

impl Parser {
    fn new(bytes_max: usize) -> Self {
        Self {
            line: Vec::new(),
            data: Vec::new(),
            kind: String::new(),
            is_given: false,
            is_first: true,
            is_too_long: false,
            passes_line: false,
            passed_bytes: 0,
            after_return: false,
            bytes_max,
            passed_bytes_max: let_by_bytes_max(bytes_max),
        }
    }

    /// The data of the event that is whole, without the line end behind it.
    fn data(&self) -> &[u8] {
        self.data.strip_suffix(b"\n").unwrap_or(&self.data)
    }

    /// What kind of event it is, where that is said.
    fn kind(&self) -> Option<&str> {
        (!self.kind.is_empty()).then_some(&self.kind[..])
    }

    /// That the end of the event that is being sent is not worth waiting for, if so.
    fn is_endless(&self) -> Option<String> {
        let is_endless = self.passed_bytes > self.passed_bytes_max;
        is_endless.then(|| not_let_by(self.passed_bytes))
    }

    /// Takes bytes up to the end of a line that says something, or all.
    fn take(&mut self, bytes: &mut &[u8]) -> Option<Said> {
        if std::mem::take(&mut self.is_given) {
            self.data.clear();
            self.kind.clear();
        }
        if std::mem::take(&mut self.after_return) && bytes.first() == Some(&b'\n') {
            *bytes = &bytes[1..];
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) {
            let is_return = bytes[end] == b'\r';
            let is_news = self.gather(&bytes[..end]);
            *bytes = &bytes[end + 1..];
            match (is_return, bytes.first()) {
                (true, Some(b'\n')) => *bytes = &bytes[1..],
                (true, None) => self.after_return = true,
                _ => {}
            }
            let line = std::mem::take(&mut self.line);
            let said = match (std::mem::take(&mut self.passes_line), is_news) {
                (_, true) => Some(Said::TooLong),
                (true, false) => None,
                (false, false) => self.take_line(&line),
            };
            self.line = line;
            self.line.clear();
            if said.is_some() {
                return said;
            }
        }
        let is_news = self.gather(bytes);
        *bytes = &[];
        is_news.then_some(Said::TooLong)
    }

    /// Puts bytes behind those of the line. Whether they make the event too long, and nothing else has.
    fn gather(&mut self, bytes: &[u8]) -> bool {
        let gathered = self.line.len() + bytes.len();
        if !self.passes_line && gathered <= self.bytes_max.saturating_add(FIELD_BYTES_MAX) {
            self.line.extend_from_slice(bytes);
            return false;
        }
        self.passed_bytes += bytes.len() as u64;
        if std::mem::replace(&mut self.passes_line, true) {
            return false;
        }
        let is_comment = self.line.iter().chain(bytes).next() == Some(&b':');
        self.passed_bytes += self.line.len() as u64;
        self.line = Vec::new();
        self.is_first = false;
        !is_comment && self.pass_event()
    }

    /// Keeps nothing more of the data of the event. Whether that is news.
    fn pass_event(&mut self) -> bool {
        self.passed_bytes += self.data.len() as u64;
        self.data = Vec::new();
        !std::mem::replace(&mut self.is_too_long, true)
    }

    fn take_line(&mut self, line: &[u8]) -> Option<Said> {
        let line = match std::mem::take(&mut self.is_first) {
            true => line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line),
            false => line,
        };
        if line.is_empty() {
            self.passed_bytes = 0;
            if std::mem::take(&mut self.is_too_long) {
                self.kind.clear();
                return None;
            }
            self.is_given = !self.data.is_empty();
            if !self.is_given {
                self.kind.clear();
            }
            return self.is_given.then_some(Said::Event);
        }
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" if self.is_too_long => {
                self.passed_bytes += value.len() as u64;
                None
            }
            b"data" if self.data.len() + value.len() > self.bytes_max => {
                self.passed_bytes += value.len() as u64;
                self.pass_event().then_some(Said::TooLong)
            }
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
                None
            }
            b"event" => {
                self.kind = String::from_utf8_lossy(value).into_owned();
                None
            }
            b"id" if !value.contains(&0) => {
                Some(Said::Id(String::from_utf8_lossy(value).into_owned()))
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let wait = std::str::from_utf8(value).ok()?.parse().ok()?;
                Some(Said::Retry(Duration::from_millis(wait)))
            }
            // Comments, which are signs of life, and what is not known.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        parsed_by(Parser::new(1 << 20), pieces)
    }

    fn parsed_by<'a>(
        mut parser: Parser,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Vec<String> {
        let mut all = Vec::new();
        for mut piece in pieces {
            while !piece.is_empty() {
                all.extend(parser.take(&mut piece).map(|said| match said {
                    Said::Event => {
                        let data = String::from_utf8_lossy(parser.data());
                        format!(
                            "event{} {data}",
                            parser
                                .kind()
                                .map_or(String::new(), |it| format!(" of {it}:"))
                        )
                    }
                    Said::Id(id) => format!("id {id}"),
                    Said::Retry(wait) => format!("retry {}", wait.as_millis()),
                    Said::TooLong => "too long".to_owned(),
                }));
            }
        }
        all
    }

    const STREAM: &[u8] =
        b"\xef\xbb\xbfdata: first\n\n: a comment\r\n\r\nid: 7\revent: note\rdata\rdata:  two\r\r\
        data:{\"a\":1}\nretry: 1500\nretry: soon\nnothing: x\nid\n\n\ndata: \n\ndata: unfinished";

    #[test]
    fn events_are_as_the_standard_has_them() {
        // By its section 9.2.6: one space behind the colon does not count, `data` alone is an empty
        // line, an event of one empty line of data is dispatched, and the unfinished one is not.
        assert_eq!(
            parsed([STREAM]),
            [
                "event first",
                "id 7",
                "event of note: \n two",
                "retry 1500",
                "id ",
                "event {\"a\":1}",
                "event ",
            ]
        );
    }

    #[test]
    fn what_is_told_of_an_event_stands_behind_its_own_fields() {
        let fields = [("sse.event", Some("a\"b")), ("sse.id", Some("7"))];
        let cases = [
            (
                r#"{"n":1}"#,
                Some(r#"{"n":1,"sse.event":"a\"b","sse.id":"7"}"#),
            ),
            (" { } ", Some(r#"{ "sse.event":"a\"b","sse.id":"7"}"#)),
            (r#"{"n":1"#, None),
            (r#"{"n":1} x"#, None),
            ("a text", None),
            ("[1]", None),
        ];
        for (data, expected) in cases {
            let with = with_fields(data.as_bytes(), &fields);
            let with = with.map(|it| String::from_utf8(it).unwrap());
            assert_eq!(with.as_deref(), expected, "{data}");
        }
        assert_eq!(with_fields(b"{}", &[("sse.id", None)]), None);
    }

    /// Of which events have more than ten bytes, and their ids count still.
    const LONG: &[u8] = b"data: 0123456789\n\ndata: 0123456789x\nid: 1\ndata: more\n\n\
        data: 01234\ndata: 5678\n\ndata: 01234\ndata: 56789\n\n: a comment of any length\ndata: a\n\n\
        event: 0123456789 and more\ndata: b\n\nid: 2\ndata:0123456789 and more\rdata: x\r\rdata: c\n\n";

    #[test]
    fn what_is_too_long_is_passed_over_and_what_is_behind_it_is_read() {
        assert_eq!(
            parsed_by(Parser::new(10), [LONG]),
            [
                "event 0123456789",
                "too long",
                "id 1",
                "event 01234\n5678",
                "too long",
                "event a",
                "too long",
                "id 2",
                "too long",
                "event c",
            ]
        );
    }

    #[test]
    fn an_event_without_end_takes_no_memory_and_is_given_up() {
        let mut parser = Parser::new(10);
        parser.passed_bytes_max = 10_000;
        let rest = std::iter::repeat(&[b'x'; 1000][..]);
        let mut pieces = std::iter::once(&b"data: "[..]).chain(rest);
        let mut told = 0;
        while parser.is_endless().is_none() {
            let mut piece = pieces.next().unwrap();
            told += usize::from(parser.take(&mut piece).is_some());
            assert!(parser.line.capacity() + parser.data.capacity() < 100);
        }
        assert_eq!(told, 1);
        let reason = parser.is_endless().unwrap();
        assert!(reason.contains("10006"), "{reason}");
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_pieces_end(cuts in prop::collection::vec(0..STREAM.len(), 0..12)) {
            let mut cuts = cuts;
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| &STREAM[cut[0]..cut[1]]);
            prop_assert_eq!(parsed(pieces), parsed([STREAM]));
        }

        #[test]
        fn nor_where_what_is_too_long_does(cuts in prop::collection::vec(0..LONG.len(), 0..12)) {
            let mut cuts = cuts;
            cuts.extend([0, LONG.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| &LONG[cut[0]..cut[1]]);
            let whole = parsed_by(Parser::new(10), [LONG]);
            prop_assert_eq!(parsed_by(Parser::new(10), pieces), whole);
        }
    }
}
