//! JSON over a WebSocket: any service whose messages are objects with a text in them.
//!
//! Which fields of a message are what is told by paths, and what is sent by templates:
//!
//! ```
//! use birl_chat::json::{Body, Hello, Json, Pattern};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut json = Json::new("wss://chat.example.org/socket?after={cursor:0}")?;
//! json.only = Some(Pattern::parse(r#"{"type":"message"}"#)?);
//! json.sender = "user.name".parse()?;
//! json.room = "channel".parse()?;
//! json.options.cursor = Some("seq".parse()?);
//! json.hello = vec![Hello {
//!     expect: Some(Pattern::parse(r#"{"type":"welcome"}"#)?),
//!     ..Hello::new(Body::parse(r#"{"type":"join","rooms":["ops"]}"#)?)
//! }];
//! json.reply = Body::parse(r#"{"type":"say","channel":"{room}","text":"{text}"}"#)?;
//! # Ok(())
//! # }
//! ```

mod body;
mod pattern;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use birl_net::secret::{Secret, Text};
use birl_net::{Connector, LeftOut};
use birl_source::link::{self, Failure};
pub use birl_source::live::CursorPath as FieldPath;
use birl_source::live::{Address, Options, Template};
use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use url::form_urlencoded::byte_serialize;

pub use body::Body;
pub use pattern::Pattern;

use self::body::Fill;
use crate::error::Error;
use crate::harmless;
use crate::link::Link;
use crate::message::Post;
use crate::service::{Abilities, Frame, Rate, Service, Turn};
use crate::split;

/// A service that speaks JSON over a WebSocket, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Json {
    /// Where it is. `{cursor}` in it stands for where the last connection ended, and the name of one of
    /// the [`secrets`](Self::secrets) for that.
    pub url: Template,
    /// Headers, tokens, limits, and how the connection is kept. [`cursor`](Options::cursor) is the field
    /// that tells where a connection ended; [`hello`](Self::hello) takes the place of
    /// [`subscribe`](Options::subscribe).
    pub options: Options,
    /// What is sent on every connection, in this order: nothing by default.
    pub hello: Vec<Hello>,
    /// Texts that are not shown, for templates of [`hello`](Self::hello) and for the URL: none by
    /// default. They are read anew for each connection.
    pub secrets: BTreeMap<String, Text>,
    /// What has to be in a message that is one: by default, its text alone.
    pub only: Option<Pattern>,
    /// What was said: `text` by default. A message without it is none.
    pub text: FieldPath,
    /// Who has said it: `sender` by default.
    pub sender: FieldPath,
    /// Where: `room` by default.
    pub room: FieldPath,
    /// What the message is called: `id` by default. Where it has none, the cursor is taken; where it has
    /// neither, a message that is sent again is taken for another.
    pub id: FieldPath,
    /// The message that it answers: none by default.
    pub thread: Option<FieldPath>,
    /// When it was said, as text (RFC 3339) or as a number since 1970: none by default.
    pub time: Option<FieldPath>,
    /// The account of the sender, where the server vouches for it: none by default.
    pub account: Option<FieldPath>,
    /// What is true, or there at all, where nobody else can read it: none by default.
    pub private: Option<FieldPath>,
    /// What is true, or there at all, where a program has said it: none by default.
    pub bot: Option<FieldPath>,
    /// What we are called, so that we do not answer ourselves: unknown by default.
    pub me: Option<String>,
    /// How something is said: `{"room":"{room}","text":"{text}"}` by default. `{room}` and `{text}` are
    /// where and what; where it answers a message, `{id}`, `{thread}` and `{sender}` are those of that,
    /// and other names its fields. `{number}` counts what we send, from 1.
    pub reply: Body,
    /// What is sent now and then: nothing by default.
    pub ping: Option<Ping>,
    /// What is answered by the protocol itself: nothing by default.
    pub answers: Vec<Answer>,
    /// The most bytes of a text: 4000 by default. A longer one is said in pieces.
    pub text_bytes_max: usize,
    /// How fast may be sent: at will by default.
    pub rate: Option<Rate>,
    /// The value of a variable of the environment, for secrets.
    pub variable: fn(&str) -> Option<String>,
    state: State,
}

/// What changes as it is talked.
#[derive(Clone, Debug, Default)]
struct State {
    /// The secrets as they are for this connection.
    secrets: BTreeMap<String, Secret>,
    /// Where the last connection ended.
    cursor: Option<String>,
    /// So many of the messages on connect have been sent, and answered.
    greeted: usize,
    awaited: Option<Awaited>,
    ping_at: Option<Instant>,
    /// How many messages were sent.
    number: u64,
    unreadable: LeftOut,
}

/// An answer that has to come before anything else is sent.
#[derive(Clone, Debug)]
struct Awaited {
    until: Instant,
    /// What came instead.
    last: Option<Bytes>,
}

/// A message that is sent on every connection.
#[derive(Clone, Debug)]
pub struct Hello {
    /// What is sent. `{cursor}` stands for where the last connection ended, and the name of a secret for
    /// that.
    pub body: Body,
    /// What has to come before anything else is sent: nothing by default.
    pub expect: Option<Pattern>,
    /// How long that may take: 10 seconds by default.
    pub timeout: Duration,
}

impl Hello {
    /// Sends `body`, and waits for nothing.
    pub fn new(body: Body) -> Self {
        Self {
            body,
            expect: None,
            timeout: Duration::from_secs(10),
        }
    }
}

/// What is sent now and then, since the service wants to hear from us.
#[derive(Clone, Debug)]
pub struct Ping {
    /// What is sent; `{number}` counts what we send.
    pub body: Body,
    /// How often.
    pub every: Duration,
}

/// What is answered by the protocol itself, such as a ping of the service.
#[derive(Clone, Debug)]
pub struct Answer {
    /// To which messages.
    pub to: Pattern,
    /// What: names are fields of the message.
    pub with: Body,
}

impl Json {
    /// A service at a URL, `ws://…` or `wss://…`.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn new(url: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::config(format!("cannot connect to {url:?}: {why}"));
        let template = match Address::parse(url).map_err(|why| wrong(&why))? {
            Address::WebSocket(template) => template,
            _ => return Err(wrong("it is not ws:// or wss://")),
        };
        let path = |name: &str| name.parse().expect("it is a name");
        Ok(Self {
            url: template,
            options: Options::default(),
            hello: Vec::new(),
            secrets: BTreeMap::new(),
            only: None,
            text: path("text"),
            sender: path("sender"),
            room: path("room"),
            id: path("id"),
            thread: None,
            time: None,
            account: None,
            private: None,
            bot: None,
            me: None,
            reply: Body::parse(r#"{"room":"{room}","text":"{text}"}"#).expect("it is JSON"),
            ping: None,
            answers: Vec::new(),
            text_bytes_max: 4000,
            rate: None,
            variable: |name| std::env::var(name).ok(),
            state: State::default(),
        })
    }
}

impl Service for Json {
    fn name(&self) -> String {
        Address::WebSocket(self.url.clone()).origin().to_string()
    }

    fn me(&self) -> Option<&str> {
        self.me.as_deref()
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            threads: self
                .reply
                .names()
                .any(|name| matches!(name, "id" | "thread")),
            edits: false,
            lines: true,
            files: false,
            text_bytes_max: self.text_bytes_max,
            rate: self.rate,
            rate_by_room: false,
        }
    }

    fn connect<'a>(&'a mut self, connector: &'a Connector) -> BoxFuture<'a, Result<Link, Failure>> {
        Box::pin(async {
            self.read_secrets()?;
            let url = self.url_with_secrets();
            let cursor = self.state.cursor.as_deref();
            let socket = link::websocket(connector, &url, cursor, &self.options).await?;
            Ok(Link::web_socket(socket))
        })
    }

    fn begin(&mut self, turn: &mut Turn) -> Result<(), Failure> {
        self.state.greeted = 0;
        self.state.awaited = None;
        self.state.ping_at = None;
        self.greet(turn)
    }

    fn receive(&mut self, frame: Bytes, turn: &mut Turn) -> Result<(), Failure> {
        let read: Option<Value> = serde_json::from_slice(&frame).ok();
        for answer in &self.answers {
            if answer.to.is_met(&frame, read.as_ref()) {
                turn.say(answer.with.fill(|name| field(read.as_ref()?, name)));
            }
        }
        self.greeted(&frame, read.as_ref(), turn)?;
        match read {
            Some(read) => self.take(frame, read, turn),
            None => turn.leave_out(&mut self.state.unreadable, "not JSON"),
        }
        Ok(())
    }

    fn wake(&mut self, turn: &mut Turn) -> Result<(), Failure> {
        if let Some(awaited) = &self.state.awaited
            && awaited.until <= turn.now()
        {
            return Err(awaited.failure(self.hello[self.state.greeted].timeout));
        }
        if self.state.ping_at.is_some_and(|at| at <= turn.now()) {
            self.ping(turn);
        }
        self.wake_later(turn);
        Ok(())
    }

    fn ask(&mut self, _: &mut Turn) {}

    fn write(&mut self, post: &Post, _: &mut Turn) -> Vec<Frame> {
        let text = harmless::without_mentions(&post.text);
        // Fields of what is answered keep their types: a room may be a number.
        let answered = post.answers.as_ref();
        let read = answered.and_then(|answered| answered.json.as_deref());
        let pieces = split::pieces(text.trim_end(), self.text_bytes_max);
        let said = pieces.into_iter().map(|text| {
            self.state.number += 1;
            Said {
                json: self,
                room: &post.room,
                text,
                answered: read,
            }
            .frame()
        });
        let said = said.map(Frame::Text);
        said.collect()
    }

    fn farewell(&mut self) -> Option<String> {
        None
    }

    fn cursor(&self) -> Option<&str> {
        self.state.cursor.as_deref()
    }

    fn resume(&mut self, cursor: &str) {
        self.state.cursor = Some(cursor.to_owned());
    }
}

/// A piece of text on its way to a room.
struct Said<'a> {
    json: &'a Json,
    room: &'a str,
    text: &'a str,
    /// The message that it answers.
    answered: Option<&'a Value>,
}

impl<'a> Said<'a> {
    fn frame(&self) -> String {
        self.json.reply.fill(|name| self.value(name))
    }

    fn value(&self, name: &str) -> Option<Fill<'a>> {
        let json = self.json;
        match name {
            "text" => Some(Fill::Text(self.text)),
            "number" => Some(Fill::Number(json.state.number)),
            "room" => Some(self.own(&json.room).unwrap_or(Fill::Text(self.room))),
            "id" => self.own(&json.id),
            // What answers a message that is in none begins one.
            "thread" => {
                let thread = json.thread.as_ref().and_then(|path| self.own(path));
                thread.or_else(|| self.own(&json.id))
            }
            "sender" => self.own(&json.sender),
            name => field(self.answered?, name),
        }
    }

    /// What the answered message has at a path.
    fn own(&self, path: &FieldPath) -> Option<Fill<'a>> {
        path.value(self.answered?).map(Fill::Value)
    }
}

/// What a message has by a name with dots.
fn field<'v>(message: &'v Value, name: &str) -> Option<Fill<'v>> {
    let path: FieldPath = name.parse().ok()?;
    path.value(message).map(Fill::Value)
}

/// A text or a number as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl Json {
    fn read_secrets(&mut self) -> Result<(), Failure> {
        let read = self.secrets.iter().map(|(name, text)| {
            let secret = text.read(self.variable);
            // It may be there by the next time.
            let secret = secret.map_err(|why| Failure::lasting(format!("no {name}: {why}")))?;
            Ok((name.clone(), secret))
        });
        self.state.secrets = read.collect::<Result<_, Failure>>()?;
        Ok(())
    }

    fn url_with_secrets(&self) -> Template {
        let mut url = self.url.text().to_owned();
        for (name, secret) in &self.state.secrets {
            let encoded: String = byte_serialize(secret.reveal().as_bytes()).collect();
            url = url.replace(&format!("{{{name}}}"), &encoded.replace('+', "%20"));
        }
        Template::new(url)
    }

    /// Sends the messages on connect, up to the next that has to be answered.
    fn greet(&mut self, turn: &mut Turn) -> Result<(), Failure> {
        let state = &mut self.state;
        while let Some(hello) = self.hello.get(state.greeted) {
            let known = |name: &str| name == "cursor" || state.secrets.contains_key(name);
            if let Some(unknown) = hello.body.names().find(|name| !known(name)) {
                return Err(Failure::lasting(format!(
                    "{{{unknown}}} in a message on connect is neither the cursor nor a secret"
                )));
            }
            turn.say(hello.body.fill(|name| match name {
                "cursor" => state.cursor.as_deref().map(Fill::Text),
                name => Some(Fill::Text(state.secrets.get(name)?.reveal())),
            }));
            if hello.expect.is_some() {
                state.awaited = Some(Awaited {
                    until: turn.now() + hello.timeout,
                    last: None,
                });
                self.wake_later(turn);
                return Ok(());
            }
            state.greeted += 1;
        }
        if let Some(ping) = &self.ping {
            state.ping_at = Some(turn.now() + ping.every);
        }
        turn.ready();
        self.wake_later(turn);
        Ok(())
    }

    /// Goes on with the messages on connect, if this is what had to come before.
    fn greeted(
        &mut self,
        frame: &Bytes,
        read: Option<&Value>,
        turn: &mut Turn,
    ) -> Result<(), Failure> {
        let Some(awaited) = &mut self.state.awaited else {
            return Ok(());
        };
        let expected = self.hello[self.state.greeted].expect.as_ref();
        if !expected.is_some_and(|pattern| pattern.is_met(frame, read)) {
            awaited.last = Some(frame.clone());
            return Ok(());
        }
        self.state.awaited = None;
        self.state.greeted += 1;
        self.greet(turn)
    }

    fn ping(&mut self, turn: &mut Turn) {
        let Some(ping) = &self.ping else {
            return;
        };
        self.state.number += 1;
        let number = Fill::Number(self.state.number);
        let say = |name: &str| (name == "number").then_some(number);
        turn.say(ping.body.fill(say));
        self.state.ping_at = Some(turn.now() + ping.every);
    }

    fn wake_later(&self, turn: &mut Turn) {
        let awaited = self.state.awaited.as_ref().map(|awaited| awaited.until);
        let both = [awaited, self.state.ping_at];
        turn.wake_at(both.into_iter().flatten().min());
    }

    /// Passes a message on, if this is one.
    fn take(&mut self, frame: Bytes, read: Value, turn: &mut Turn) {
        let cursor = self.options.cursor.as_ref();
        let cursor = cursor.and_then(|path| text(path.value(&read)?));
        if cursor.is_some() {
            self.state.cursor.clone_from(&cursor);
        }
        if self
            .only
            .as_ref()
            .is_some_and(|only| !only.is_met(&frame, Some(&read)))
        {
            return;
        }
        let Some(Value::String(said)) = self.text.value(&read) else {
            return;
        };
        let at = |path: &FieldPath| path.value(&read).and_then(text);
        let sender = at(&self.sender).unwrap_or_default();
        if self.me.as_ref().is_some_and(|me| *me == sender) {
            return;
        }
        let is_set = |path: &FieldPath| {
            let value = path.value(&read);
            value.is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
        };
        let mut message = turn.message(frame);
        message.room = at(&self.room).unwrap_or_default();
        message.sender = sender;
        message.text.clone_from(said);
        message.is_bot = self.bot.as_ref().is_some_and(is_set);
        message.id = at(&self.id).or_else(|| cursor.clone());
        message.cursor = cursor;
        message.thread = self.thread.as_ref().and_then(at);
        message.account = self.account.as_ref().and_then(at);
        message.is_private = self.private.as_ref().is_some_and(is_set);
        let said_at = self.time.as_ref();
        message.time = said_at.and_then(|path| time(path.value(&read)?));
        turn.pass(message.with_json(Arc::new(read)));
    }
}

/// So much of what came instead is told.
const TOLD_CHARS_MAX: usize = 200;

impl Awaited {
    fn failure(&self, timeout: Duration) -> Failure {
        let mut reason = format!("no answer as expected within {} s", timeout.as_secs_f64());
        if let Some(last) = &self.last {
            let last = String::from_utf8_lossy(last);
            let told: String = last.chars().take(TOLD_CHARS_MAX).collect();
            reason += &format!("; the last that came: {}", told.escape_debug());
        }
        Failure::passing(reason)
    }
}

/// A moment: text (RFC 3339), or a number since 1970, in seconds or smaller units, as its size tells.
fn time(value: &Value) -> Option<Timestamp> {
    let number = match value {
        Value::String(text) => match text.parse() {
            Ok(timestamp) => return Some(timestamp),
            // Some services write numbers as text.
            Err(_) => text.parse().ok()?,
        },
        Value::Number(number) => number.as_f64()?,
        _ => return None,
    };
    if !number.is_finite() {
        return None;
    }
    let per_second = match number.abs() {
        ..1e11 => 1.0,
        1e11..1e14 => 1e3,
        1e14..1e17 => 1e6,
        _ => 1e9,
    };
    let nanoseconds = number / per_second * 1e9;
    Timestamp::from_nanosecond(nanoseconds as i128).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_are_read_in_whatever_unit() {
        for value in [
            json!("2026-03-14T14:05:30.5Z"),
            json!(1773497130.5),
            json!("1773497130.500000"),
            json!(1773497130500_u64),
            json!(1773497130500000_u64),
            json!(1773497130500000000_u64),
        ] {
            let time = time(&value).expect("it is a moment");
            assert_eq!(format!("{time:.1}"), "2026-03-14T14:05:30.5Z", "{value}");
        }
        for value in [json!("soon"), json!(null), json!(1e300), json!("nan")] {
            assert_eq!(time(&value), None, "{value}");
        }
    }

    #[test]
    fn what_is_no_websocket_is_refused() {
        for url in ["http://h/", "irc://h", "h", "wss://"] {
            assert!(Json::new(url).is_err(), "{url}");
        }
    }
}
