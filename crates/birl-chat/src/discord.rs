//! Discord: events come over its gateway, and what is posted goes over its API.
//!
//! ```
//! use birl_chat::Discord;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let discord = Discord::new("env:DISCORD_TOKEN".parse()?);
//! # Ok(())
//! # }
//! ```
//!
//! A connection has heartbeats of its own, both of which have to be answered, and one that is lost is
//! resumed: Discord sends again what came meanwhile. What it has forgotten is a gap.

mod words;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use birl_net::request::{HeaderName, HeaderValue};
use birl_net::secret::{Secret, Text};
use birl_net::{Connector, LeftOut};
use birl_source::link::Failure;
use birl_source::live::Options;
use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use crate::call::{Call, Later, Method, Outcome, Refusal, Reply};
use crate::error::Error;
use crate::harmless;
use crate::invited;
use crate::link::Link;
use crate::message::{File, Message, Post};
use crate::service::{Abilities, Frame, Rate, Service, Turn};

/// The servers of Discord that a bot has been invited to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Discord {
    /// Limits, proxies, and how the connection is kept. Where more messages come than are taken, the
    /// oldest are dropped by default: Discord ends the connection of whoever does not read.
    pub options: Options,
    /// The bot's token. It is read anew for each connection. The bot needs the intent for the content of
    /// messages.
    pub token: Text,
    /// The rooms to listen in, by name or id: by default all that the bot can see. What is said to it
    /// alone is always heard.
    pub rooms: Vec<String>,
    /// How fast may be said something in a room: 5 messages at once, then one a second.
    pub rate: Option<Rate>,
    /// Where the API is: `https://discord.com/api/v10/` by default.
    pub api: Url,
    /// The value of a variable of the environment, for secrets.
    pub variable: fn(&str) -> Option<String>,
    state: State,
}

/// What changes as it is talked.
#[derive(Clone, Debug, Default)]
struct State {
    token: Option<Token>,
    me: Option<String>,
    /// What we are called.
    name: Option<String>,
    /// What rooms are called, by their ids.
    rooms: HashMap<String, String>,
    session: Option<Session>,
    /// It has been asked for the session, and not answered.
    is_resuming: bool,
    /// The number of the last event.
    number: Option<u64>,
    cursor: Option<String>,
    heartbeat: Option<Heartbeat>,
    hello_by: Option<Instant>,
    posts: u64,
    unreadable: LeftOut,
}

/// A token as it is sent over the API, and as it is sent over the gateway.
#[derive(Clone, Debug)]
struct Token {
    header: HeaderValue,
    secret: Secret,
}

/// What a lost connection goes on with.
#[derive(Clone, Debug)]
struct Session {
    id: String,
    gateway: Url,
}

#[derive(Clone, Debug)]
struct Heartbeat {
    every: Duration,
    at: Instant,
    /// The last has been answered.
    is_answered: bool,
}

/// Where the API is.
const API: &str = "https://discord.com/api/v10/";

/// What has to be sent as `User-Agent`, or Discord does not answer.
const US: &str = concat!(
    "DiscordBot (https://crates.io/crates/birl, ",
    env!("CARGO_PKG_VERSION"),
    ")"
);

/// The most bytes of a message: Discord takes 2000 letters.
const TEXT_BYTES_MAX: usize = 2000;

/// How long Discord may take to say hello.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// Servers, what is said in them, what is said to us alone, and what it says.
const INTENTS: u32 = 1 | 1 << 9 | 1 << 12 | 1 << 15;

/// Links are shown as such, and not fetched: a flag of messages.
const SUPPRESS_EMBEDS: u32 = 1 << 2;

impl Discord {
    /// Wherever the bot of a token is invited.
    pub fn new(token: Text) -> Self {
        Self {
            options: Options {
                // It has heartbeats of its own, and a connection that we end in good order cannot be
                // resumed.
                ping_after: Duration::from_secs(600),
                ..invited::options()
            },
            token,
            rooms: Vec::new(),
            rate: Some(Rate {
                burst: 5,
                every: Duration::from_secs(1),
            }),
            api: Url::parse(API).expect("it is a URL"),
            variable: |name| std::env::var(name).ok(),
            state: State::default(),
        }
    }

    /// The same at another API.
    ///
    /// # Errors
    ///
    /// If it is no URL of HTTP.
    pub fn at(mut self, api: &str) -> Result<Self, Error> {
        self.api = invited::base(api)?;
        Ok(self)
    }
}

impl Service for Discord {
    fn name(&self) -> String {
        match self.api.as_str() {
            API => "Discord".to_owned(),
            _ => format!("Discord at {}", self.api),
        }
    }

    fn me(&self) -> Option<&str> {
        self.state.name.as_deref()
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn abilities(&self) -> Abilities {
        invited::abilities(TEXT_BYTES_MAX, self.rate)
    }

    fn connect<'a>(&'a mut self, connector: &'a Connector) -> BoxFuture<'a, Result<Link, Failure>> {
        Box::pin(async {
            self.read_token()?;
            // One that has not answered to be resumed is none.
            if std::mem::take(&mut self.state.is_resuming) {
                self.state.session = None;
            }
            let mut url = match &self.state.session {
                Some(session) => session.gateway.clone(),
                None => self.gateway(connector).await?,
            };
            url.query_pairs_mut()
                .clear()
                .append_pair("v", "10")
                .append_pair("encoding", "json");
            let socket = invited::socket(connector, url, None, &self.options).await?;
            let number = self.state.number.filter(|_| self.state.session.is_some());
            self.state.cursor = number.map(|number| number.to_string());
            Ok(Link::web_socket(socket))
        })
    }

    fn begin(&mut self, turn: &mut Turn) -> Result<(), Failure> {
        self.state.heartbeat = None;
        self.state.hello_by = Some(turn.now() + HELLO_WITHIN);
        self.wake_later(turn);
        Ok(())
    }

    fn receive(&mut self, frame: Bytes, turn: &mut Turn) -> Result<(), Failure> {
        let Ok(read) = serde_json::from_slice::<Value>(&frame) else {
            turn.leave_out(&mut self.state.unreadable, "not JSON");
            return Ok(());
        };
        let read = Arc::new(read);
        match read["op"].as_u64() {
            Some(0) => {
                if let Some(number) = read["s"].as_u64() {
                    self.state.number = Some(number);
                }
                self.event(&read, frame, turn);
            }
            Some(1) => self.beat(turn),
            Some(7) => return Err(Failure::passing("Discord asks to be connected to again")),
            Some(9) => return Err(self.invalid(read["d"] == true)),
            Some(10) => self.hello(&read["d"], turn)?,
            Some(11) => {
                if let Some(heartbeat) = &mut self.state.heartbeat {
                    heartbeat.is_answered = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn wake(&mut self, turn: &mut Turn) -> Result<(), Failure> {
        if self.state.hello_by.is_some_and(|by| by <= turn.now()) {
            return Err(Failure::passing("Discord says no hello"));
        }
        let due = self
            .state
            .heartbeat
            .as_ref()
            .filter(|it| it.at <= turn.now());
        match due {
            Some(heartbeat) if !heartbeat.is_answered => {
                return Err(Failure::passing("Discord does not answer our heartbeat"));
            }
            Some(_) => self.beat(turn),
            None => {}
        }
        self.wake_later(turn);
        Ok(())
    }

    fn ask(&mut self, _: &mut Turn) {}

    fn listens_to(&self, message: &Message) -> bool {
        let id = message
            .json()
            .and_then(|read| read["d"]["channel_id"].as_str());
        invited::is_heard(&self.rooms, id, message)
    }

    fn room_of(&self, post: &Post) -> String {
        let target = self.target(post);
        target.map_or_else(|| post.room.clone(), |(channel, _)| channel)
    }

    fn write(&mut self, post: &Post, turn: &mut Turn) -> Vec<Frame> {
        let Some((channel, answered)) = self.target(post) else {
            turn.refuse(post, "there is no such room, or the bot cannot see it");
            return Vec::new();
        };
        let text = harmless::visible(&post.text);
        let pieces = invited::pieces_with_file(post, &text, TEXT_BYTES_MAX);
        let mut frames = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            // Nobody is called by what stands in a log.
            let mut said = json!({ "content": piece, "allowed_mentions": { "parse": [] } });
            let call = match &post.edits {
                Some(id) => {
                    let url = self.url(&format!("channels/{channel}/messages/{id}"));
                    Call::with_body(Method::PATCH, url, &said)
                }
                None => {
                    said["flags"] = json!(SUPPRESS_EMBEDS);
                    // A message that is sent again under the same name is said once.
                    said["nonce"] = json!(self.nonce());
                    said["enforce_nonce"] = json!(true);
                    if let Some(answered) = &answered {
                        said["message_reference"] =
                            json!({ "message_id": answered, "fail_if_not_exists": false });
                    }
                    let url = self.url(&format!("channels/{channel}/messages"));
                    match invited::file_of(post, &pieces, at) {
                        Some(file) => self.with_file(url, file, &said),
                        None => Call::post(url, &said),
                    }
                }
            };
            frames.push(Frame::Call(self.with_token(call)));
        }
        frames
    }

    fn outcome(&mut self, reply: &Reply, _: &mut Turn) -> Outcome {
        match judge(reply) {
            Ok(said) => invited::taken(&said, "id", "channel_id"),
            Err(refusal) => refusal.into(),
        }
    }

    fn farewell(&mut self) -> Option<String> {
        None
    }

    fn cursor(&self) -> Option<&str> {
        self.state.cursor.as_deref()
    }
}

impl Discord {
    fn url(&self, path: &str) -> Url {
        invited::join(&self.api, path)
    }

    fn read_token(&mut self) -> Result<(), Failure> {
        let token = self.token.read(self.variable);
        let secret = token.map_err(|why| Failure::lasting(format!("no token: {why}")))?;
        let header = HeaderValue::from_str(&format!("Bot {}", secret.reveal()));
        let mut header =
            header.map_err(|_| Failure::lasting("the token cannot stand in a header"))?;
        header.set_sensitive(true);
        self.state.token = Some(Token { header, secret });
        Ok(())
    }

    fn with_token(&self, call: Call) -> Call {
        let agent = HeaderName::from_static("user-agent");
        let call = call.header(agent, HeaderValue::from_static(US));
        match &self.state.token {
            Some(token) => {
                let authorization = HeaderName::from_static("authorization");
                call.header(authorization, token.header.clone())
            }
            None => call,
        }
    }

    /// What is `said`, with a file.
    fn with_file(&self, url: Url, file: &File, said: &Value) -> Call {
        let plain = self.with_token(Call::post(url.clone(), said));
        let mut said = said.clone();
        said["attachments"] = json!([{ "id": 0, "filename": file.name, "description": file.alt }]);
        let call = Call::form(url, ("payload_json", &said), ("files[0]", file));
        call.otherwise(plain)
    }

    /// Where a new session begins.
    async fn gateway(&self, connector: &Connector) -> Result<Url, Failure> {
        let path = "gateway/bot";
        let call = self.with_token(Call::get(self.url(path)));
        let reply = call.send(connector).await?;
        let read = judge(&reply).map_err(|refusal| refusal.failure(path))?;
        let limit = &read["session_start_limit"];
        if limit["remaining"] == 0 {
            // One more would have the token reset.
            let after = Duration::from_millis(limit["reset_after"].as_u64().unwrap_or(0));
            return Err(Failure {
                retry_after: Some(after),
                ..Failure::passing("the bot has begun too many sessions today")
            });
        }
        let url = read["url"]
            .as_str()
            .and_then(|url| invited::socket_url(&self.api, url));
        let why = "gateway/bot gives no URL of a WebSocket over TLS";
        url.ok_or_else(|| Failure::lasting(why))
    }

    /// Discord wants to know who we are, and how often it hears from us.
    fn hello(&mut self, hello: &Value, turn: &mut Turn) -> Result<(), Failure> {
        let Some(every @ 1..) = hello["heartbeat_interval"].as_u64() else {
            return Err(Failure::passing(
                "Discord does not say how often it wants a heartbeat",
            ));
        };
        let every = Duration::from_millis(every);
        self.state.hello_by = None;
        self.state.heartbeat = Some(Heartbeat {
            every,
            // Those who were thrown out together do not come back together.
            at: turn.now() + every.mul_f64(fastrand::f64()),
            is_answered: true,
        });
        let Some(token) = &self.state.token else {
            return Ok(());
        };
        let token = token.secret.reveal();
        let said = match &self.state.session {
            Some(session) => {
                self.state.is_resuming = true;
                json!({ "op": 6, "d": {
                    "token": token, "session_id": session.id, "seq": self.state.number,
                } })
            }
            None => {
                self.state.number = None;
                json!({ "op": 2, "d": {
                    "token": token,
                    "intents": INTENTS,
                    "properties": { "os": std::env::consts::OS, "browser": "birl", "device": "birl" },
                } })
            }
        };
        turn.say(said.to_string());
        self.wake_later(turn);
        Ok(())
    }

    fn beat(&mut self, turn: &mut Turn) {
        turn.say(json!({ "op": 1, "d": self.state.number }).to_string());
        if let Some(heartbeat) = &mut self.state.heartbeat {
            heartbeat.is_answered = false;
            heartbeat.at = turn.now() + heartbeat.every;
        }
        self.wake_later(turn);
    }

    fn wake_later(&self, turn: &mut Turn) {
        let beat = self.state.heartbeat.as_ref().map(|heartbeat| heartbeat.at);
        turn.wake_at([self.state.hello_by, beat].into_iter().flatten().min());
    }

    /// The session is none, or none for now.
    fn invalid(&mut self, may_be_resumed: bool) -> Failure {
        self.state.is_resuming = false;
        if !may_be_resumed {
            self.state.session = None;
        }
        Failure {
            // From one to five seconds, as Discord wants it.
            retry_after: Some(Duration::from_secs_f64(1.0 + 4.0 * fastrand::f64())),
            ..Failure::passing("Discord knows nothing of the session")
        }
    }

    fn event(&mut self, read: &Arc<Value>, frame: Bytes, turn: &mut Turn) {
        let data = &read["d"];
        match read["t"].as_str() {
            Some("READY") => {
                let text = |at: &str| data.pointer(at)?.as_str().map(str::to_owned);
                self.state.me = text("/user/id");
                self.state.name = text("/user/username");
                let gateway = text("/resume_gateway_url")
                    .and_then(|url| invited::socket_url(&self.api, &url));
                let session = text("/session_id").zip(gateway);
                self.state.session = session.map(|(id, gateway)| Session { id, gateway });
                turn.ready();
            }
            Some("RESUMED") => {
                self.state.is_resuming = false;
                turn.ready();
            }
            Some("GUILD_CREATE") => {
                for rooms in [&data["channels"], &data["threads"]] {
                    rooms
                        .as_array()
                        .into_iter()
                        .flatten()
                        .for_each(|room| self.know(room));
                }
            }
            Some("CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE") => {
                self.know(data);
            }
            Some("MESSAGE_CREATE") => self.message(read, frame, turn),
            _ => {}
        }
    }

    fn know(&mut self, room: &Value) {
        if let (Some(id), Some(name)) = (room["id"].as_str(), room["name"].as_str()) {
            self.state.rooms.insert(id.to_owned(), name.to_owned());
        }
    }

    /// Passes on what somebody has said.
    fn message(&mut self, read: &Arc<Value>, frame: Bytes, turn: &mut Turn) {
        let data = &read["d"];
        let text = |at: &str| {
            let text = data.pointer(at)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        // Something that was said, or said as an answer; others are said by Discord.
        let is_said = matches!(data["type"].as_u64(), Some(0 | 19));
        let (Some(id), Some(channel), Some(author), true) = (
            text("/id"),
            text("/channel_id"),
            text("/author/id"),
            is_said,
        ) else {
            return;
        };
        if self.state.me.as_ref() == Some(&author) {
            return;
        }
        let is_private = data["guild_id"].is_null();
        let room = self.state.rooms.get(&channel);
        let name = room.map(String::as_str);
        if !is_private && !invited::is_listened_in(&self.rooms, &channel, name) {
            return;
        }
        let mut message = turn.message(frame).with_json(Arc::clone(read));
        let names = ["/member/nick", "/author/global_name", "/author/username"];
        let name = names.iter().find_map(|name| text(name));
        message.sender = name.unwrap_or_else(|| author.clone());
        message.account = Some(author);
        message.room = match room {
            _ if is_private => message.sender.clone(),
            Some(room) => format!("#{room}"),
            None => channel,
        };
        message.is_private = is_private;
        message.is_bot = data["author"]["bot"] == true || data["webhook_id"].is_string();
        message.text = words::plain(data, &self.state.rooms);
        message.id = Some(id);
        message.thread = text("/message_reference/message_id");
        message.time = text("/timestamp").and_then(|time| time.parse().ok());
        turn.pass(message);
    }

    /// Where something is said: the id of a room, and of the message that it answers.
    fn target(&self, post: &Post) -> Option<(String, Option<String>)> {
        if let Some(answered) = &post.answers {
            let read = answered.json.as_deref()?;
            let channel = read["d"]["channel_id"].as_str()?;
            return Some((channel.to_owned(), answered.id.clone()));
        }
        let name = post.room.trim_start_matches('#');
        let mut rooms = self.state.rooms.iter();
        let known = rooms.find(|(_, room)| room.as_str() == name);
        let channel = match known {
            Some((id, _)) => id.clone(),
            // An id is a number.
            None if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) => {
                name.to_owned()
            }
            None => return None,
        };
        Some((channel, post.under.clone()))
    }

    /// A name for a message that no other of ours has: at most 25 letters.
    fn nonce(&mut self) -> String {
        self.state.posts += 1;
        let now = jiff::Timestamp::now().as_millisecond();
        format!("{now}{:06}", self.state.posts % 1_000_000)
    }
}

/// What the API answers.
fn judge(reply: &Reply) -> Result<Value, Refusal> {
    let read = reply.json();
    if reply.is_success()
        && let Some(read) = read
    {
        return Ok(read);
    }
    let read = read.unwrap_or_default();
    let why = match (reply.status, read["message"].as_str()) {
        (401, _) => "Discord does not know the token (401)".to_owned(),
        (_, Some(message)) => format!("Discord says {}", message.escape_debug()),
        (_, None) => reply.words(),
    };
    let later = Later::of_status(reply).map(|later| {
        // More exact than the header.
        let seconds = read["retry_after"].as_f64();
        let after = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Later {
            why: why.clone(),
            after: after.or(later.after),
            everywhere: read["global"] == true,
        }
    });
    Err(Refusal { why, later })
}
