//! Slack, in Socket Mode: events come over a WebSocket, and what is posted goes over its Web API.
//!
//! ```
//! use birl_chat::Slack;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let slack = Slack::new("env:SLACK_APP_TOKEN".parse()?, "env:SLACK_BOT_TOKEN".parse()?);
//! # Ok(())
//! # }
//! ```
//!
//! Slack sends an event again until it is acknowledged, and ends each connection after some hours. So each
//! is acknowledged before anything else is done, known by what it is about, and a new connection is made
//! before the old one is ended.

mod names;
mod words;

use std::sync::Arc;
use std::time::Duration;

use birl_net::secret::{Secret, Text};
use birl_net::websocket::{Message as Frame, WebSocket};
use birl_net::{Connector, Error as NetError, LeftOut};
use birl_source::link::Failure;
use birl_source::live::Options;
use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use self::names::{Names, Untold};
use crate::call::{Call, Later, Outcome, Refusal, Reply};
use crate::error::Error;
use crate::harmless;
use crate::invited;
use crate::link::Link;
use crate::message::{File, Kind, Message, Post};
use crate::service::{self, Abilities, Rate, Service, Turn};

/// A workspace of Slack, and who we are there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Slack {
    /// Limits, proxies, and how the connection is kept. Where more messages come than are taken, the
    /// oldest are dropped by default: Slack ends the connection of whoever does not acknowledge.
    pub options: Options,
    /// The token of the app, `xapp-…`, with the scope `connections:write`. It is read anew for each
    /// connection.
    pub app_token: Text,
    /// The token of its bot, `xoxb-…`, with the scope `chat:write`; and `users:read`, `channels:read`,
    /// `groups:read` and `im:read`, so that people and rooms are known by their names.
    pub bot_token: Text,
    /// The rooms to listen in, by name or id: by default all that the bot has been invited to. What is
    /// said to the bot alone is always heard.
    pub rooms: Vec<String>,
    /// An answer is said in the thread of what it answers, and begins one: yes by default. Otherwise it
    /// does so only where there is one already.
    pub threads: bool,
    /// How fast may be said something in a room: 3 messages at once, then one a second.
    pub rate: Option<Rate>,
    /// Where the Web API is: `https://slack.com/api/` by default.
    pub api: Url,
    /// The value of a variable of the environment, for secrets.
    pub variable: fn(&str) -> Option<String>,
    state: State,
}

/// What changes as it is talked.
#[derive(Clone, Debug, Default)]
struct State {
    tokens: Option<Tokens>,
    me: Option<Me>,
    names: Names,
    unreadable: LeftOut,
}

#[derive(Clone, Debug)]
struct Tokens {
    app: Secret,
    bot: Secret,
}

/// Who we are.
#[derive(Clone, Debug)]
struct Me {
    user: String,
    bot: Option<String>,
}

/// Where the Web API is.
const API: &str = "https://slack.com/api/";

/// The most bytes of a message: Slack advises no more than 4000 letters, and cuts off what is behind
/// 40,000, of which each of ours may take five.
const TEXT_BYTES_MAX: usize = 4000;

impl Slack {
    /// The workspace that an app is installed in.
    pub fn new(app_token: Text, bot_token: Text) -> Self {
        Self {
            options: invited::options(),
            app_token,
            bot_token,
            rooms: Vec::new(),
            threads: true,
            rate: Some(Rate {
                burst: 3,
                every: Duration::from_secs(1),
            }),
            api: Url::parse(API).expect("it is a URL"),
            variable: |name| std::env::var(name).ok(),
            state: State::default(),
        }
    }

    /// The same at another Web API, such as that of GovSlack.
    ///
    /// # Errors
    ///
    /// If it is no URL of HTTP.
    pub fn at(mut self, api: &str) -> Result<Self, Error> {
        self.api = invited::base(api)?;
        Ok(self)
    }
}

impl Service for Slack {
    fn name(&self) -> String {
        match self.api.as_str() {
            API => "Slack".to_owned(),
            _ => format!("Slack at {}", self.api),
        }
    }

    fn me(&self) -> Option<&str> {
        self.state.names.me()
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn abilities(&self) -> Abilities {
        invited::abilities(TEXT_BYTES_MAX, self.rate)
    }

    fn connect<'a>(&'a mut self, connector: &'a Connector) -> BoxFuture<'a, Result<Link, Failure>> {
        Box::pin(async {
            let tokens = self.read_tokens()?;
            if self.state.me.is_none() {
                let (me, name) = who_am_i(connector, &self.api, &tokens.bot).await?;
                self.state.names.be(me.user.clone(), name);
                self.state.me = Some(me);
            }
            open(connector, &self.api, &tokens.app, &self.options).await
        })
    }

    fn replacement(
        &mut self,
        connector: Arc<Connector>,
    ) -> Option<BoxFuture<'static, Result<Link, Failure>>> {
        let tokens = self.read_tokens();
        let (api, options) = (self.api.clone(), self.options.clone());
        // People and rooms may have got other names since.
        self.state.names.forget();
        Some(Box::pin(async move {
            open(&connector, &api, &tokens?.app, &options).await
        }))
    }

    fn begin(&mut self, turn: &mut Turn) -> Result<(), Failure> {
        self.state.names.listen(&self.rooms);
        // It has said hello already.
        turn.ready();
        self.state.names.wake_later(turn);
        Ok(())
    }

    fn receive(&mut self, frame: Bytes, turn: &mut Turn) -> Result<(), Failure> {
        let Ok(read) = serde_json::from_slice::<Value>(&frame) else {
            turn.leave_out(&mut self.state.unreadable, "not JSON");
            return Ok(());
        };
        let read = Arc::new(read);
        if let Some(envelope) = read["envelope_id"].as_str() {
            turn.say(json!({ "envelope_id": envelope }).to_string());
        }
        match read["type"].as_str() {
            Some("disconnect") => return disconnect(&read, turn),
            Some("events_api") => self.event(&read, frame, turn),
            _ => {}
        }
        Ok(())
    }

    fn wake(&mut self, turn: &mut Turn) -> Result<(), Failure> {
        self.ask_names(turn);
        self.state.names.release(turn);
        Ok(())
    }

    fn ask(&mut self, _: &mut Turn) {}

    fn answered(
        &mut self,
        number: u64,
        reply: Result<Reply, NetError>,
        turn: &mut Turn,
    ) -> Result<(), Failure> {
        let answer = match &reply {
            Ok(reply) => judge(reply).map_err(|refusal| Untold {
                why: refusal.why,
                later: refusal.later.map(|it| it.after.unwrap_or_default()),
            }),
            Err(error) => Err(Untold {
                why: error.to_string(),
                later: Some(Duration::ZERO),
            }),
        };
        self.state.names.answered(number, answer, turn);
        Ok(())
    }

    fn listens_to(&self, message: &Message) -> bool {
        let id = message
            .json()
            .and_then(|read| read["payload"]["event"]["channel"].as_str());
        invited::is_heard(&self.rooms, id, message)
    }

    fn room_of(&self, post: &Post) -> String {
        self.target(post).0
    }

    fn write(&mut self, post: &Post, _: &mut Turn) -> Vec<service::Frame> {
        let Some(tokens) = &self.state.tokens else {
            return Vec::new();
        };
        let (channel, thread) = self.target(post);
        let text = harmless::visible(&post.text);
        let pieces = invited::pieces(post, &text, TEXT_BYTES_MAX);
        let call = |piece: &&str| {
            let mut said = json!({
                "channel": channel,
                "text": words::escaped(piece),
                // Nobody is called, and nothing is fetched, by what stands in a log.
                "parse": "none",
                "link_names": false,
            });
            let method = match &post.edits {
                Some(ts) => {
                    said["ts"] = json!(ts);
                    "chat.update"
                }
                None => {
                    said["unfurl_links"] = json!(false);
                    said["unfurl_media"] = json!(false);
                    if let Some(thread) = &thread {
                        said["thread_ts"] = json!(thread);
                    }
                    "chat.postMessage"
                }
            };
            Call::post(invited::join(&self.api, method), &said).bearer(&tokens.bot)
        };
        let mut calls: Vec<Call> = pieces.iter().map(call).collect();
        if let Some(file) = &post.file {
            let call = self.share(file, &channel, thread.as_deref(), &tokens.bot);
            calls.push(match calls.is_empty() {
                true => call,
                false => call.dispensable(),
            });
        }
        calls.into_iter().map(service::Frame::Call).collect()
    }

    fn outcome(&mut self, reply: &Reply, _: &mut Turn) -> Outcome {
        match judge(reply) {
            // Nothing followed on that.
            Ok(told) if told["upload_url"].is_string() => {
                Outcome::Denied("Slack gives no URL over TLS for a file".to_owned())
            }
            Ok(said) => invited::taken(&said, "ts", "channel"),
            Err(refusal) => refusal.into(),
        }
    }

    fn farewell(&mut self) -> Option<String> {
        None
    }
}

impl Slack {
    fn read_tokens(&mut self) -> Result<Tokens, Failure> {
        let read = |text: &Text, what: &str, prefix: &str| {
            let token = text.read(self.variable);
            // It may be there by the next time.
            let token = token.map_err(|why| Failure::lasting(format!("no {what}: {why}")))?;
            match token.reveal().starts_with(prefix) {
                true => Ok(token),
                // It is not sent where it does not belong.
                false => Err(Failure::lasting(format!(
                    "the {what} does not begin with {prefix}"
                ))),
            }
        };
        let tokens = Tokens {
            app: read(&self.app_token, "app token", "xapp-")?,
            bot: read(&self.bot_token, "bot token", "xoxb-")?,
        };
        self.state.tokens = Some(tokens.clone());
        Ok(tokens)
    }

    /// Passes a message on, if an event is one.
    fn event(&mut self, read: &Arc<Value>, frame: Bytes, turn: &mut Turn) {
        let event = &read["payload"]["event"];
        let text = |name: &str| event[name].as_str().map(str::to_owned);
        let subtype = event["subtype"].as_str();
        let is_said = matches!(event["type"].as_str(), Some("message" | "app_mention"))
            // Others tell what has become of a message or a room.
            && matches!(
                subtype,
                None | Some("bot_message" | "file_share" | "me_message" | "thread_broadcast")
            );
        let (Some(channel), Some(ts), true) = (text("channel"), text("ts"), is_said) else {
            return;
        };
        let (user, bot) = (text("user"), text("bot_id"));
        if let Some(me) = &self.state.me
            && (user.as_ref() == Some(&me.user) || bot.is_some() && bot == me.bot)
        {
            return;
        }
        let mut message = turn.message(frame).with_json(Arc::clone(read));
        message.is_private = event["channel_type"] == "im";
        message.is_bot =
            bot.is_some() || subtype == Some("bot_message") || user.as_deref() == Some("USLACKBOT");
        if subtype == Some("me_message") {
            message.kind = Kind::Done;
        }
        // What an event is about and not the event itself: that a message was said and that we were
        // called by it may be two events.
        message.id = Some(format!("{channel}/{ts}"));
        message.thread = text("thread_ts");
        message.time = time(&ts);
        message.account.clone_from(&user);
        let name = event["bot_profile"]["name"].as_str();
        let name = text("username").or_else(|| name.map(str::to_owned));
        message.sender = match &user {
            Some(user) => user.clone(),
            None => name.or(bot).unwrap_or_default(),
        };
        message.text = text("text").unwrap_or_default();
        message.room = channel;
        self.state.names.hold(message, user, turn);
        self.ask_names(turn);
        self.state.names.release(turn);
    }

    /// Asks for the names that messages wait for.
    fn ask_names(&mut self, turn: &mut Turn) {
        let Some(tokens) = &self.state.tokens else {
            return;
        };
        for (number, whose) in self.state.names.questions(turn) {
            let (method, name, id) = whose.question();
            let mut url = invited::join(&self.api, method);
            url.query_pairs_mut().append_pair(name, id);
            turn.call(number, Call::get(url).bearer(&tokens.bot));
        }
    }

    /// Shows a file behind its text: it is put where Slack says, and then shared. It has no comment, since Slack would
    /// read that as it likes: a file's comment has neither `parse` nor `unfurl_links`.
    fn share(&self, file: &File, channel: &str, thread: Option<&str>, token: &Secret) -> Call {
        let mut url = invited::join(&self.api, "files.getUploadURLExternal");
        url.query_pairs_mut()
            .append_pair("filename", &file.name)
            .append_pair("length", &file.bytes.len().to_string())
            .append_pair("alt_txt", &file.alt);
        let mut shared = json!({ "channel_id": channel });
        if let Some(thread) = thread {
            shared["thread_ts"] = json!(thread);
        }
        let (api, file, token) = (self.api.clone(), file.clone(), token.clone());
        let share = invited::join(&self.api, "files.completeUploadExternal");
        Call::get(url).bearer(&token.clone()).then(move |reply| {
            let told = judge(reply).ok()?;
            let url = told["upload_url"].as_str();
            let url = url.and_then(|url| invited::upload_url(&api, url))?;
            let mut shared = shared.clone();
            shared["files"] = json!([{ "id": told["file_id"], "title": file.name }]);
            let share = Call::post(share.clone(), &shared).bearer(&token);
            let upload = Call::upload(url, &file);
            Some(upload.then(move |reply| reply.is_success().then(|| share.clone())))
        })
    }

    /// Where something is said: the channel, and the thread in it.
    fn target(&self, post: &Post) -> (String, Option<String>) {
        let answered = post.answers.as_ref();
        let read = answered.and_then(|answered| answered.json.as_deref());
        let event = read.map(|read| &read["payload"]["event"]);
        let text = |name: &str| event.and_then(|event| event[name].as_str().map(str::to_owned));
        let begins_thread = self.threads
            && event.is_some_and(|event| !matches!(event["channel_type"].as_str(), Some("im")));
        let thread = post.under.clone().or_else(|| text("thread_ts"));
        let thread = thread.or_else(|| text("ts").filter(|_| begins_thread));
        let channel = text("channel").or_else(|| self.state.names.id(&post.room));
        (channel.unwrap_or_else(|| post.room.clone()), thread)
    }
}

/// When a message was said: its `ts` begins with that.
fn time(ts: &str) -> Option<Timestamp> {
    let (seconds, micros) = ts.split_once('.')?;
    let micros: i64 = micros.parse().ok().filter(|_| micros.len() == 6)?;
    let seconds: i64 = seconds.parse().ok()?;
    let micros = seconds.checked_mul(1_000_000)?.checked_add(micros)?;
    Timestamp::from_microsecond(micros).ok()
}

/// Slack wants the connection to end.
fn disconnect(read: &Value, turn: &mut Turn) -> Result<(), Failure> {
    match read["reason"].as_str() {
        Some("link_disabled") => Err(Failure::lasting(
            "Socket Mode is turned off for the app (link_disabled)",
        )),
        Some("too_many_websockets") => Err(Failure::passing(
            "there are too many connections of the app (too_many_websockets)",
        )),
        // In a few seconds.
        _ => {
            turn.replace();
            Ok(())
        }
    }
}

/// What the Web API answers.
fn judge(reply: &Reply) -> Result<Value, Refusal> {
    let read = reply.json();
    let error = match &read {
        Some(read) if read["ok"] == true => None,
        Some(read) => read["error"].as_str(),
        None => None,
    };
    let is_passing = matches!(
        error,
        Some(
            "internal_error"
                | "fatal_error"
                | "service_unavailable"
                | "request_timeout"
                | "ratelimited"
                | "rate_limited"
                | "team_added_to_org"
        )
    );
    let why = match error {
        Some(error) => {
            let read = read.as_ref().unwrap_or(&Value::Null);
            format!("Slack says {}", words::error(error, read))
        }
        None => reply.words(),
    };
    if let Some(mut later) = Later::of_status(reply) {
        later.why.clone_from(&why);
        return Err(Refusal {
            why,
            later: Some(later),
        });
    }
    match read {
        Some(read) if read["ok"] == true && reply.is_success() => Ok(read),
        _ => Err(Refusal {
            later: is_passing.then(|| Later::new(why.clone(), reply.retry_after)),
            why,
        }),
    }
}

/// Asks the Web API.
async fn ask(connector: &Connector, method: &str, call: Call) -> Result<Value, Failure> {
    let reply = call.send(connector).await?;
    judge(&reply).map_err(|refusal| refusal.failure(method))
}

/// Who has the bot's token, and what that is called.
async fn who_am_i(
    connector: &Connector,
    api: &Url,
    token: &Secret,
) -> Result<(Me, String), Failure> {
    let method = "auth.test";
    let call = Call::post(invited::join(api, method), &json!({})).bearer(token);
    let read = ask(connector, method, call).await?;
    let text = |name: &str| read[name].as_str().map(str::to_owned);
    let Some(user) = text("user_id") else {
        return Err(Failure::lasting("auth.test tells no user_id"));
    };
    let name = text("user").unwrap_or_else(|| user.clone());
    let bot = text("bot_id");
    Ok((Me { user, bot }, name))
}

/// Opens a connection, which has said hello.
async fn open(
    connector: &Connector,
    api: &Url,
    token: &Secret,
    options: &Options,
) -> Result<Link, Failure> {
    let method = "apps.connections.open";
    let call = Call::post(invited::join(api, method), &json!({})).bearer(token);
    let read = ask(connector, method, call).await?;
    let url = read["url"].as_str();
    // It has a ticket in it, so it is not shown.
    let Some(url) = url.and_then(|url| invited::socket_url(api, url)) else {
        let why = "apps.connections.open gives no URL of a WebSocket over TLS";
        return Err(Failure::lasting(why));
    };
    let connected = invited::socket(connector, url, None, options).await;
    let mut socket = connected.map_err(|error| {
        let mut failure = Failure::from(error);
        // A ticket is good for one attempt, so the next is not the same.
        failure.is_lasting = false;
        failure
    })?;
    greeted(&mut socket).await?;
    Ok(Link::web_socket(socket))
}

/// Waits until a connection has said hello.
async fn greeted(socket: &mut WebSocket) -> Result<(), Failure> {
    loop {
        let message = socket.receive().await;
        let message = message.map_err(|error| Failure::passing(error.to_string()))?;
        let text = match message {
            Some(Frame::Text(text)) => text,
            Some(Frame::Close(close)) => return Err(Failure::closed(close.as_ref())),
            Some(_) => continue,
            None => return Err(Failure::passing("the connection ended")),
        };
        let read: Value = serde_json::from_slice(&text).unwrap_or_default();
        match (read["type"].as_str(), read["reason"].as_str()) {
            (Some("hello"), _) => return Ok(()),
            (Some("disconnect"), Some("link_disabled")) => {
                let why = "Socket Mode is turned off for the app (link_disabled)";
                return Err(Failure::lasting(why));
            }
            (Some("disconnect"), reason) => {
                let reason = reason.unwrap_or("no reason").escape_debug();
                return Err(Failure::passing(format!("Slack ends it: {reason}")));
            }
            _ => {}
        }
    }
}
