//! Mattermost: events come over its WebSocket, and what is posted goes over its API.
//!
//! ```
//! use birl_chat::Mattermost;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mattermost = Mattermost::new("https://chat.example.org", "env:MATTERMOST_TOKEN".parse()?)?;
//! # Ok(())
//! # }
//! ```
//!
//! Events are numbered. A connection that is lost goes on with the next number, where the server still has
//! what came meanwhile; where it has not, or a number is missing, the posts are asked for over the API.

mod posts;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use birl_net::request::Bearer;
use birl_net::secret::{Secret, Text};
use birl_net::{Connector, Error as NetError, LeftOut};
use birl_source::link::Failure;
use birl_source::live::Options;
use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use self::posts::Said;
use crate::call::{Call, Later, Method, Outcome, Refusal, Reply};
use crate::error::Error;
use crate::harmless;
use crate::invited;
use crate::link::Link;
use crate::message::{File, Message, Post};
use crate::service::{Abilities, Frame, Rate, Service, Turn};

/// A server of Mattermost, and who we are there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Mattermost {
    /// Limits, proxies, and how the connection is kept. Where more messages come than are taken, the
    /// oldest are dropped by default: a server ends the connection of whoever does not read.
    pub options: Options,
    /// The token of the bot's account, or a personal one. It is read anew for each connection.
    pub token: Text,
    /// The rooms to listen in, by name or id: by default all that the account is in. What is said to it
    /// alone is always heard.
    pub rooms: Vec<String>,
    /// An answer is said in the thread of what it answers, and begins one: yes by default. Otherwise it
    /// does so only where there is one already.
    pub threads: bool,
    /// How fast may be said something in a room: 5 messages at once, then one in a fifth of a second.
    pub rate: Option<Rate>,
    /// The value of a variable of the environment, for secrets.
    pub variable: fn(&str) -> Option<String>,
    /// Where it is, with `/` behind it.
    url: Url,
    state: State,
}

/// What changes as it is talked.
#[derive(Clone, Debug, Default)]
struct State {
    token: Option<Secret>,
    me: Option<Me>,
    /// The rooms that we are in, by their ids.
    rooms: HashMap<String, Room>,
    /// What people are called, by their ids: `None` where that is asked.
    people: HashMap<String, Option<String>>,
    /// The connection as the server knows it.
    connection: Option<String>,
    /// The number that the next event has.
    next: u64,
    /// That of the last connection, for people.
    cursor: Option<String>,
    /// By when the server has to have said hello.
    hello_by: Option<Instant>,
    /// When we were here first, and when what was said last was said: in milliseconds since 1970, by the
    /// server's clock, as far as that is known.
    first_ms: i64,
    last_ms: i64,
    asked: HashMap<u64, Asked>,
    calls: u64,
    unreadable: LeftOut,
}

#[derive(Clone, Debug)]
struct Me {
    id: String,
    name: String,
}

#[derive(Clone, Debug)]
struct Room {
    name: String,
    is_private: bool,
    last_ms: i64,
}

/// What has been asked over the API.
#[derive(Clone, Debug)]
enum Asked {
    /// The rooms; and then what was said in them since a moment, if there is one.
    Rooms(Option<i64>),
    /// What was said in a room.
    Posts,
    /// Who has said these.
    People(Vec<Value>),
}

/// The most bytes of a message: a server takes 16,383 letters as it is shipped.
const TEXT_BYTES_MAX: usize = 16_000;

/// How long a server may take to say hello.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// So much earlier is asked for what was said: not everything that was said earlier came earlier.
const MARGIN_MS: i64 = 10_000;

impl Mattermost {
    /// The server at a URL, `https://…`.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn new(url: &str, token: Text) -> Result<Self, Error> {
        Ok(Self {
            options: invited::options(),
            token,
            rooms: Vec::new(),
            threads: true,
            rate: Some(Rate {
                burst: 5,
                every: Duration::from_millis(200),
            }),
            variable: |name| std::env::var(name).ok(),
            url: invited::base(url)?,
            state: State::default(),
        })
    }
}

impl Service for Mattermost {
    fn name(&self) -> String {
        self.url.to_string()
    }

    fn me(&self) -> Option<&str> {
        self.state.me.as_ref().map(|me| me.name.as_str())
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn abilities(&self) -> Abilities {
        invited::abilities(TEXT_BYTES_MAX, self.rate)
    }

    fn connect<'a>(&'a mut self, connector: &'a Connector) -> BoxFuture<'a, Result<Link, Failure>> {
        Box::pin(async {
            let token = self.token.read(self.variable);
            let token = token.map_err(|why| Failure::lasting(format!("no token: {why}")))?;
            self.state.token = Some(token.clone());
            if self.state.me.is_none() {
                let me = self.query(connector, "users/me").await?;
                let text = |name: &str| me[name].as_str().map(str::to_owned);
                let (Some(id), Some(name)) = (text("id"), text("username")) else {
                    return Err(Failure::lasting("users/me tells neither id nor username"));
                };
                self.state.me = Some(Me { id, name });
            }
            if self.state.rooms.is_empty() {
                let rooms = self.query(connector, "users/me/channels").await?;
                self.know_rooms(&rooms);
            }
            self.open(connector, token).await
        })
    }

    fn begin(&mut self, turn: &mut Turn) -> Result<(), Failure> {
        match self.state.connection {
            // It goes on, and says hello only if it cannot.
            Some(_) => turn.ready(),
            None => {
                let by = turn.now() + HELLO_WITHIN;
                self.state.hello_by = Some(by);
                turn.wake_at(Some(by));
            }
        }
        Ok(())
    }

    fn receive(&mut self, frame: Bytes, turn: &mut Turn) -> Result<(), Failure> {
        let Ok(read) = serde_json::from_slice::<Value>(&frame) else {
            turn.leave_out(&mut self.state.unreadable, "not JSON");
            return Ok(());
        };
        let Some(event) = read["event"].as_str() else {
            // An answer to what we have sent.
            return Ok(());
        };
        if event == "hello" {
            self.hello(&read, turn);
        }
        if let Some(number) = read["seq"].as_u64() {
            self.in_order(number)?;
        }
        match event {
            "posted" => self.posted(read, frame, turn),
            // We are in another room, or one has another name.
            "user_added" | "channel_updated" | "channel_created" | "direct_added" => {
                self.call(Asked::Rooms(None), self.get("users/me/channels"), turn);
            }
            _ => {}
        }
        Ok(())
    }

    fn wake(&mut self, turn: &mut Turn) -> Result<(), Failure> {
        match self.state.hello_by {
            Some(by) if by <= turn.now() => Err(Failure::passing("the server says no hello")),
            _ => Ok(()),
        }
    }

    fn ask(&mut self, _: &mut Turn) {}

    fn answered(
        &mut self,
        number: u64,
        reply: Result<Reply, NetError>,
        turn: &mut Turn,
    ) -> Result<(), Failure> {
        let Some(asked) = self.state.asked.remove(&number) else {
            return Ok(());
        };
        let answer = match &reply {
            Ok(reply) => judge(reply).map_err(|refusal| refusal.why),
            Err(error) => Err(error.to_string()),
        };
        match (asked, answer) {
            (Asked::Rooms(since), Ok(rooms)) => {
                self.know_rooms(&rooms);
                if let Some(since) = since {
                    self.ask_for_posts(since, turn);
                }
            }
            (Asked::Posts, Ok(posts)) => self.catch_up(posts::in_order(posts), turn),
            (Asked::People(posts), Ok(people)) => {
                for person in people.as_array().into_iter().flatten() {
                    let text = |name: &str| person[name].as_str().map(str::to_owned);
                    if let (Some(id), Some(name)) = (text("id"), text("username")) {
                        self.state.people.insert(id, Some(name));
                    }
                }
                self.pass_all(posts, turn);
            }
            // They are passed on with ids.
            (Asked::People(posts), Err(why)) => {
                turn.tell(format!("no names of senders: {why}"));
                self.pass_all(posts, turn);
            }
            (Asked::Rooms(None), Err(why)) => {
                turn.tell(format!("cannot ask for the rooms: {why}"));
            }
            (Asked::Rooms(Some(_)) | Asked::Posts, Err(why)) => {
                turn.tell(format!("what was said meanwhile may be missing: {why}"));
            }
        }
        Ok(())
    }

    fn listens_to(&self, message: &Message) -> bool {
        let id = message.json().and_then(|read| posts::channel(read));
        invited::is_heard(&self.rooms, id, message)
    }

    fn room_of(&self, post: &Post) -> String {
        let target = self.target(post);
        target.map_or_else(|| post.room.clone(), |(channel, _)| channel)
    }

    fn write(&mut self, post: &Post, turn: &mut Turn) -> Vec<Frame> {
        let Some((channel, thread)) = self.target(post) else {
            turn.refuse(post, "there is no such room, or the account is not in it");
            return Vec::new();
        };
        // A picture would be fetched by whoever looks at it.
        let text = harmless::without_mentions(&post.text).replace("![", "!\u{200b}[");
        let pieces = invited::pieces_with_file(post, &text, TEXT_BYTES_MAX);
        let mut frames = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            let call = match &post.edits {
                Some(id) => {
                    let url = self.api(&format!("posts/{id}/patch"));
                    Call::with_body(Method::PUT, url, &json!({ "message": piece }))
                }
                None => {
                    let said = json!({
                        "channel_id": channel,
                        "message": piece,
                        "root_id": thread.as_deref().unwrap_or_default(),
                        // A post that is made again under the same name is made once.
                        "pending_post_id": self.pending_id(),
                    });
                    match invited::file_of(post, &pieces, at) {
                        Some(file) => self.with_file(&channel, file, said),
                        None => Call::post(self.api("posts"), &said),
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

impl Mattermost {
    fn api(&self, path: &str) -> Url {
        invited::join(&self.url, &format!("api/v4/{path}"))
    }

    fn get(&self, path: &str) -> Call {
        self.with_token(Call::get(self.api(path)))
    }

    fn with_token(&self, call: Call) -> Call {
        match &self.state.token {
            Some(token) => call.bearer(token),
            None => call,
        }
    }

    /// What is `said` in a room, with a file, which has to be there before.
    fn with_file(&self, channel: &str, file: &File, said: Value) -> Call {
        let mut url = self.api("files");
        url.query_pairs_mut()
            .append_pair("channel_id", channel)
            .append_pair("filename", &file.name);
        let plain = self.with_token(Call::post(self.api("posts"), &said));
        let (posts, token) = (self.api("posts"), self.state.token.clone());
        let upload = Call::upload(url, file).then(move |reply| {
            let told = judge(reply).ok()?;
            let mut said = said.clone();
            said["file_ids"] = json!([told["file_infos"][0]["id"]]);
            let call = Call::post(posts.clone(), &said);
            Some(match &token {
                Some(token) => call.bearer(token),
                None => call,
            })
        });
        upload.otherwise(plain)
    }

    fn call(&mut self, asked: Asked, call: Call, turn: &mut Turn) {
        self.state.calls += 1;
        self.state.asked.insert(self.state.calls, asked);
        turn.call(self.state.calls, call);
    }

    /// A name for a post that nobody else has.
    fn pending_id(&mut self) -> String {
        self.state.calls += 1;
        let me = self.state.me.as_ref().map_or("", |me| &me.id);
        let now = Timestamp::now().as_microsecond();
        format!("{me}:{now}{:06}", self.state.calls % 1_000_000)
    }

    async fn query(&self, connector: &Connector, path: &str) -> Result<Value, Failure> {
        let reply = self.get(path).send(connector).await?;
        judge(&reply).map_err(|refusal| refusal.failure(path))
    }

    /// Opens a connection, which goes on with the last one if it can.
    async fn open(&mut self, connector: &Connector, token: Secret) -> Result<Link, Failure> {
        let mut url = self.api("websocket");
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        url.set_scheme(scheme).expect("both have a host");
        self.state.cursor = None;
        if let Some(connection) = &self.state.connection {
            let next = self.state.next.to_string();
            url.query_pairs_mut()
                .append_pair("connection_id", connection)
                .append_pair("sequence_number", &next);
            self.state.cursor = Some(next);
        }
        let bearer = Some(Bearer::Token(token));
        let socket = invited::socket(connector, url, bearer, &self.options).await?;
        Ok(Link::web_socket(socket))
    }

    /// A connection begins anew: what came meanwhile has to be asked for.
    fn hello(&mut self, read: &Value, turn: &mut Turn) {
        let id = read["data"]["connection_id"].as_str().map(str::to_owned);
        let state = &mut self.state;
        state.hello_by = None;
        turn.wake_at(None);
        turn.ready();
        if id.is_some() && id == state.connection {
            return;
        }
        let was_here = state.first_ms > 0;
        state.connection = id;
        state.next = read["seq"].as_u64().unwrap_or(0);
        if !was_here {
            state.first_ms = Timestamp::now().as_millisecond();
            state.last_ms = state.first_ms;
            return;
        }
        let since = (state.last_ms - MARGIN_MS).max(state.first_ms);
        // Now that whatever is said is heard, so that nothing falls between.
        let rooms = self.get("users/me/channels");
        self.call(Asked::Rooms(Some(since)), rooms, turn);
    }

    /// Asks for what was said in those rooms that have something new.
    fn ask_for_posts(&mut self, since: i64, turn: &mut Turn) {
        let state = &self.state;
        let news = state.rooms.iter().filter(|(_, room)| room.last_ms >= since);
        let rooms: Vec<String> = news.map(|(id, _)| id.clone()).collect();
        for room in rooms {
            let mut url = self.api(&format!("channels/{room}/posts"));
            url.query_pairs_mut()
                .append_pair("since", &since.to_string());
            self.call(Asked::Posts, self.with_token(Call::get(url)), turn);
        }
    }

    /// Looks whether an event is missing before this one.
    fn in_order(&mut self, number: u64) -> Result<(), Failure> {
        let expected = self.state.next;
        if number != expected {
            // The next connection asks for what is missing, with the number that was expected.
            return Err(Failure::passing(format!(
                "event {number} has come instead of {expected}"
            )));
        }
        self.state.next += 1;
        Ok(())
    }

    fn know_rooms(&mut self, rooms: &Value) {
        for room in rooms.as_array().into_iter().flatten() {
            let text = |name: &str| room[name].as_str().map(str::to_owned);
            if let (Some(id), Some(name)) = (text("id"), text("name")) {
                let room = Room {
                    name,
                    is_private: room["type"] == "D",
                    last_ms: room["last_post_at"].as_i64().unwrap_or(0),
                };
                self.state.rooms.insert(id, room);
            }
        }
    }

    /// An event that somebody has said something.
    fn posted(&mut self, read: Value, frame: Bytes, turn: &mut Turn) {
        let data = &read["data"];
        let Some(post) = data["post"].as_str() else {
            return;
        };
        let Ok(post) = serde_json::from_str::<Value>(post) else {
            turn.leave_out(&mut self.state.unreadable, "not JSON");
            return;
        };
        if let (Some(user), Some(name)) = (post["user_id"].as_str(), data["sender_name"].as_str()) {
            let name = name.trim_start_matches('@').to_owned();
            self.state.people.insert(user.to_owned(), Some(name));
        }
        if let (Some(id), Some(name)) = (post["channel_id"].as_str(), data["channel_name"].as_str())
        {
            let room = Room {
                name: name.to_owned(),
                is_private: data["channel_type"] == "D",
                last_ms: 0,
            };
            self.state.rooms.insert(id.to_owned(), room);
        }
        self.pass(&post, (frame, Arc::new(read)), turn);
    }

    /// What was said while nobody listened: those who have said it may have to be asked for.
    fn catch_up(&mut self, posts: Vec<Value>, turn: &mut Turn) {
        let first = self.state.first_ms;
        let mut posts = posts;
        posts.retain(|post| post["create_at"].as_i64().is_some_and(|at| at >= first));
        let mut unknown: HashSet<&str> = posts
            .iter()
            .filter_map(|post| post["user_id"].as_str())
            .collect();
        unknown.retain(|user| !matches!(self.state.people.get(*user), Some(Some(_))));
        if unknown.is_empty() {
            return self.pass_all(posts, turn);
        }
        let ids: Vec<&str> = unknown.into_iter().collect();
        let call = Call::post(self.api("users/ids"), &json!(ids));
        let call = self.with_token(call);
        self.call(Asked::People(posts), call, turn);
    }

    fn pass_all(&mut self, posts: Vec<Value>, turn: &mut Turn) {
        for post in posts.into_iter().map(Arc::new) {
            let raw = Bytes::from(post.to_string());
            self.pass(&post, (raw, Arc::clone(&post)), turn);
        }
    }

    /// Passes on what somebody has said, which came as `raw`.
    fn pass(&mut self, post: &Value, (raw, read): (Bytes, Arc<Value>), turn: &mut Turn) {
        let Some(said) = Said::of(post) else {
            return;
        };
        self.state.last_ms = self.state.last_ms.max(said.create_ms);
        if self.state.me.as_ref().is_some_and(|me| me.id == said.user) {
            return;
        }
        let room = self.state.rooms.get(said.channel);
        let is_private = room.is_some_and(|room| room.is_private);
        let name = room.map(|room| room.name.as_str());
        if !is_private && !invited::is_listened_in(&self.rooms, said.channel, name) {
            return;
        }
        let mut message = turn.message(raw).with_json(read);
        let name = self.state.people.get(said.user).cloned().flatten();
        message.sender = name.unwrap_or_else(|| said.user.to_owned());
        message.account = Some(said.user.to_owned());
        message.room = match room {
            Some(_) if is_private => message.sender.clone(),
            Some(room) => room.name.clone(),
            None => said.channel.to_owned(),
        };
        message.is_private = is_private;
        said.fill(&mut message);
        turn.pass(message);
    }

    /// Where something is said: the room's id, and the thread in it.
    fn target(&self, post: &Post) -> Option<(String, Option<String>)> {
        let answered = post.answers.as_ref();
        let came_as = answered.and_then(|answered| answered.json.as_deref());
        let channel = came_as.and_then(posts::channel).map(str::to_owned);
        let channel = channel.or_else(|| self.room_id(&post.room))?;
        let is_private = |room: &Room| room.is_private;
        let begins_thread = self.threads && !self.state.rooms.get(&channel).is_some_and(is_private);
        let under = post.under.clone();
        let thread = under.or_else(|| answered?.thread.clone());
        let thread = thread.or_else(|| answered?.id.clone().filter(|_| begins_thread));
        Some((channel, thread))
    }

    fn room_id(&self, room: &str) -> Option<String> {
        let rooms = &self.state.rooms;
        if rooms.contains_key(room) {
            return Some(room.to_owned());
        }
        let name = room.trim_start_matches(['~', '#']);
        if let Some((id, _)) = rooms.iter().find(|(_, room)| room.name == name) {
            return Some(id.clone());
        }
        // A room of two is called by their ids.
        let me = self.state.me.as_ref()?;
        let person = |name: &Option<String>| {
            let asked = room.trim_start_matches('@');
            asked != me.name && name.as_deref() == Some(asked)
        };
        let (person, _) = self.state.people.iter().find(|(_, name)| person(name))?;
        let both = [
            format!("{}__{person}", me.id),
            format!("{person}__{}", me.id),
        ];
        let found = rooms.iter().find(|(_, room)| both.contains(&room.name));
        found.map(|(id, _)| id.clone())
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
    let message = read.as_ref().and_then(|read| read["message"].as_str());
    let why = match (reply.status, message) {
        (401, _) => "the server does not know the token (401)".to_owned(),
        (status, Some(message)) => {
            format!("the server answers {status}: {}", message.escape_debug())
        }
        (_, None) => reply.words(),
    };
    let later = Later::of_status(reply).map(|later| {
        // Where it limits, it says so in a header of its own.
        let reset = reply.headers.get("x-ratelimit-reset");
        let reset = reset.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let reset = reset.filter(|_| reply.status == 429);
        Later {
            why: why.clone(),
            after: later.after.or(reset.map(Duration::from_secs)),
            everywhere: reply.status == 429,
        }
    });
    Err(Refusal { why, later })
}
