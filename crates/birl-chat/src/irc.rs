//! IRC, over TCP, TLS or a WebSocket, and its dialect of Twitch.
//!
//! ```
//! use birl_chat::Irc;
//! use birl_net::secret::Text;
//!
//! # fn main() -> Result<(), birl_chat::Error> {
//! let mut irc = Irc::new("wss://irc.example.org:8097", "birl")?.room("#ops");
//! irc.account = Some(birl_chat::irc::Account {
//!     name: "birl".to_owned(),
//!     password: Text::Variable("IRC_PASSWORD".to_owned()),
//! });
//! # Ok(())
//! # }
//! ```
//!
//! A room is joined again whoever has thrown us out of it, and a nick that is taken is waited for under
//! another. A line has 512 bytes at most, with our own name before it as others see it; what is posted is
//! split so that nothing is cut off.

mod caps;
mod line;
mod look;
mod names;
mod registration;
mod rooms;
mod sasl;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use birl_net::request::{HeaderName, HeaderValue};
use birl_net::secret::{Secret, Text};
use birl_net::{Connector, Error as NetError};
use birl_source::link::{self, Failure};
use birl_source::live::{Options, Overflow, Template};
use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use url::{Host, Url};

use self::line::Line;
use self::names::Support;
use self::registration::Registration;
use self::rooms::Rooms;
use crate::error::Error;
use crate::harmless;
use crate::link::Link;
use crate::message::{Kind, Message, Post};
use crate::service::{Abilities, Frame, Rate, Service, Turn};
use crate::split;

/// A server of IRC, and who we are there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Irc {
    /// Headers, limits, proxies, and how the connection is kept. Where more messages come than are taken,
    /// the oldest are dropped by default: a server ends the connection of whoever does not read.
    pub options: Options,
    /// What we want to be called.
    pub nick: String,
    /// The name of the user: the nick by default.
    pub user: String,
    /// A name for people: the nick by default.
    pub real_name: String,
    /// The password of the server (`PASS`): none by default. For Twitch, the token.
    pub password: Option<Text>,
    /// An account to log in to (SASL): none by default. If the server does not accept that, it is not
    /// spoken to.
    pub account: Option<Account>,
    /// The rooms to be in.
    pub rooms: Vec<Room>,
    /// How fast may be sent: 4 lines at once, then one a second, which servers bear as they are shipped.
    pub rate: Option<Rate>,
    /// How long to wait before a room is joined again out of which we were thrown: 5 seconds by default.
    /// Each time it is twice as long, up to 5 minutes.
    pub rejoin_after: Duration,
    /// The server is Twitch: by default if it is called so.
    pub is_twitch: bool,
    /// The value of a variable of the environment, for secrets.
    pub variable: fn(&str) -> Option<String>,
    address: Address,
    state: State,
}

/// An account on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What it is called.
    pub name: String,
    /// Its password, read anew for each connection.
    pub password: Text,
}

/// A room to be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// What it is called, with the `#`.
    pub name: String,
    /// The key to it: none by default.
    pub key: Option<Text>,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Address {
    Tcp {
        host: String,
        port: u16,
        secure: bool,
    },
    WebSocket(Url),
}

/// What changes as it is talked.
#[derive(Clone, Debug, Default)]
struct State {
    registration: Registration,
    support: Support,
    rooms: Rooms,
    /// The keys of rooms, as they are for this connection.
    keys: Vec<Option<Secret>>,
    /// The posts whose taking is waited for, the newest first, and where they go, where the server does not tell of
    /// each by its label.
    unsure: VecDeque<(u64, String)>,
    /// A server that refuses subprotocols is asked for none.
    no_subprotocols: bool,
    /// A password is sent that others may read.
    is_open_to_all: bool,
}

/// What IRCv3 calls itself over a WebSocket.
const SUBPROTOCOLS: [&str; 2] = ["text.ircv3.net", "binary.ircv3.net"];

/// What stands before the number of a post, where we ask whether it was taken.
const LABEL: &str = "birl-";

/// So many posts whose taking is waited for are known by where they go.
const UNSURE_MAX: usize = 256;

/// The most bytes of a line without its tags and its end.
const LINE_BYTES_MAX: usize = 510;

impl Irc {
    /// The server at a URL: `irc://host` (port 6667), `ircs://host` (TLS, port 6697), `ws://…` or
    /// `wss://…`, where we are called `nick`.
    ///
    /// # Errors
    ///
    /// If it is none of these, or the nick is none.
    pub fn new(url: &str, nick: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::config(format!("cannot connect to {url:?}: {why}"));
        let parsed = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        let host = match parsed.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => return Err(wrong("it names no host")),
        };
        let tcp = |secure, port| Address::Tcp {
            port: parsed.port().unwrap_or(port),
            host: host.clone(),
            secure,
        };
        let address = match parsed.scheme() {
            "irc" => tcp(false, 6667),
            "ircs" => tcp(true, 6697),
            "ws" | "wss" => Address::WebSocket(parsed),
            _ => return Err(wrong("it is not irc://, ircs://, ws:// or wss://")),
        };
        if !is_word(nick) {
            return Err(Error::config(format!("{nick:?} is no nick")));
        }
        let is_twitch = host == "twitch.tv" || host.ends_with(".twitch.tv");
        Ok(Self {
            options: Options {
                overflow: Overflow::DropOldest,
                ..Options::default()
            },
            nick: nick.to_owned(),
            user: nick.to_owned(),
            real_name: nick.to_owned(),
            password: None,
            account: None,
            rooms: Vec::new(),
            rate: Some(match is_twitch {
                // 20 in 30 seconds.
                true => Rate {
                    burst: 5,
                    every: Duration::from_secs(2),
                },
                false => Rate {
                    burst: 4,
                    every: Duration::from_secs(1),
                },
            }),
            rejoin_after: Duration::from_secs(5),
            is_twitch,
            variable: |name| std::env::var(name).ok(),
            address,
            state: State::default(),
        })
    }

    /// Is in a room, too.
    pub fn room(mut self, name: &str) -> Self {
        self.rooms.push(Room {
            name: name.to_owned(),
            key: None,
        });
        self
    }
}

/// The post that a server has taken, which says this of us again.
fn receipt(label: &str) -> Option<u64> {
    label.strip_prefix(LABEL)?.parse().ok()
}

/// Whether a text can be a parameter that others follow.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(':')
        && !text
            .chars()
            .any(|letter| letter.is_whitespace() || letter.is_control() || letter == ',')
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, secure } => {
                let scheme = if *secure { "ircs" } else { "irc" };
                match host.contains(':') {
                    true => write!(f, "{scheme}://[{host}]:{port}"),
                    false => write!(f, "{scheme}://{host}:{port}"),
                }
            }
            Self::WebSocket(url) => {
                let mut shown = url.clone();
                // A URL with a host has room for a login.
                let _ = shown
                    .set_username("")
                    .and_then(|()| shown.set_password(None));
                write!(f, "{shown}")
            }
        }
    }
}

impl Service for Irc {
    fn name(&self) -> String {
        self.address.to_string()
    }

    fn me(&self) -> Option<&str> {
        Some(self.state.registration.nick()).filter(|nick| !nick.is_empty())
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn abilities(&self) -> Abilities {
        let name = "x".repeat(self.state.rooms.name_bytes_max().max(1));
        Abilities {
            threads: self.state.registration.caps.has("message-tags"),
            edits: false,
            lines: false,
            files: false,
            text_bytes_max: self.text_bytes_max(&name),
            rate: self.rate,
            rate_by_room: false,
        }
    }

    fn connect<'a>(&'a mut self, connector: &'a Connector) -> BoxFuture<'a, Result<Link, Failure>> {
        Box::pin(async {
            self.prepare()?;
            match &self.address {
                Address::Tcp { host, port, secure } => {
                    Ok(Link::lines(connector.open(host, *port, *secure).await?))
                }
                Address::WebSocket(url) => {
                    let url = url.clone();
                    match self.connect_by_websocket(connector, &url).await {
                        Err(error) if self.may_mind_subprotocols(&error) => {
                            self.state.no_subprotocols = true;
                            Ok(self.connect_by_websocket(connector, &url).await?)
                        }
                        connected => Ok(connected?),
                    }
                }
            }
        })
    }

    fn listens_to(&self, message: &Message) -> bool {
        let is_it = |room: &Room| self.state.support.is_same(&room.name, &message.room);
        message.is_private || self.rooms.iter().any(is_it)
    }

    fn begin(&mut self, turn: &mut Turn) -> Result<(), Failure> {
        self.state.support = Support::default();
        self.state.rooms.begin();
        self.state.unsure.clear();
        if std::mem::take(&mut self.state.is_open_to_all) {
            turn.tell("the password is sent without encryption");
        }
        self.register(turn);
        Ok(())
    }

    fn receive(&mut self, frame: Bytes, turn: &mut Turn) -> Result<(), Failure> {
        // A frame is a line. Some servers put several into one.
        for line in frame.split(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Some(parsed) = Line::parse(line) {
                self.take(&parsed, &frame.slice_ref(line), turn)?;
            }
        }
        self.go_on(turn);
        Ok(())
    }

    fn wake(&mut self, turn: &mut Turn) -> Result<(), Failure> {
        self.registration_due(turn)?;
        self.go_on(turn);
        Ok(())
    }

    fn ask(&mut self, turn: &mut Turn) {
        turn.say("PING :birl");
    }

    fn write(&mut self, post: &Post, turn: &mut Turn) -> Vec<Frame> {
        if !is_word(&post.room) {
            turn.refuse(post, "it is no room");
            return Vec::new();
        }
        let answered = post.answers.as_ref();
        let answered = answered.and_then(|answered| self.answers_tag(answered.id.as_deref()?));
        let label = post.receipt().filter(|_| self.has_labels());
        let label = label.map(|receipt| format!("label={LABEL}{receipt}"));
        if let Some(receipt) = post.receipt().filter(|_| label.is_none()) {
            self.state.unsure.truncate(UNSURE_MAX - 1);
            self.state.unsure.push_front((receipt, post.room.clone()));
        }
        let text = harmless::visible(&post.text).replace('\t', " ");
        let bytes_max = self.text_bytes_max(&post.room);
        let pieces = text
            .lines()
            .flat_map(|line| split::pieces(line.trim_end(), bytes_max));
        let mut pieces = pieces.peekable();
        let mut lines: Vec<Frame> = Vec::new();
        while let Some(piece) = pieces.next() {
            let label = label.as_ref().filter(|_| pieces.peek().is_none());
            let tags: Vec<&str> = answered.iter().chain(label).map(String::as_str).collect();
            let tags = match tags.is_empty() {
                true => String::new(),
                false => format!("@{} ", tags.join(";")),
            };
            // A message of Twitch that begins so is an order to the server.
            let stop = match self.is_twitch && piece.starts_with(['/', '.']) {
                true => "\u{200b}",
                false => "",
            };
            let line = format!("{tags}PRIVMSG {} :{stop}{piece}", post.room);
            lines.push(Frame::Text(line));
        }
        lines
    }

    fn confirm(&mut self, receipt: u64, turn: &mut Turn) -> bool {
        // A server that has labels answers by that of the post.
        if !self.has_labels() {
            turn.say(format!("PING :{LABEL}{receipt}"));
        }
        true
    }

    fn farewell(&mut self) -> Option<String> {
        Some("QUIT :bye".to_owned())
    }
}

impl Irc {
    /// Reads what is secret, and what depends on it.
    fn prepare(&mut self) -> Result<(), Failure> {
        let read = |text: &Text, what: &str| {
            let secret = text.read(self.variable);
            secret.map_err(|why| Failure::lasting(format!("no {what}: {why}")))
        };
        let password = self.password.as_ref();
        let password = password.map(|text| read(text, "password")).transpose()?;
        let account = self.account.as_ref();
        let account = account.map(|account| read(&account.password, "password of the account"));
        let account = account.transpose()?;
        let key = |room: &Room| {
            let key = room.key.as_ref();
            key.map(|key| read(key, &format!("key of {}", room.name)))
                .transpose()
        };
        let keys: Vec<_> = self.rooms.iter().map(key).collect::<Result<_, Failure>>()?;
        for room in &self.rooms {
            if !is_word(&room.name) {
                return Err(Failure::lasting(format!("{:?} is no room", room.name)));
            }
        }
        self.state.keys = keys;
        self.state.is_open_to_all = (password.is_some() || account.is_some()) && !self.is_private();
        self.state.registration = Registration::new(password, account);
        let names = self.rooms.iter().map(|room| room.name.clone());
        if self.state.rooms.name_bytes_max() == 0 {
            self.state.rooms = Rooms::new(names, self.rejoin_after);
        }
        Ok(())
    }

    /// Whether nobody on the way can read what is sent.
    fn is_private(&self) -> bool {
        let (host, secure) = match &self.address {
            Address::Tcp { host, secure, .. } => (host.as_str(), *secure),
            Address::WebSocket(url) => (url.host_str().unwrap_or_default(), url.scheme() == "wss"),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = |host: &str| {
            host.parse()
                .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        };
        secure || host == "localhost" || is_loopback(host)
    }

    async fn connect_by_websocket(
        &self,
        connector: &Connector,
        url: &Url,
    ) -> Result<Link, NetError> {
        let mut options = self.options.clone();
        if options.subprotocols.is_empty() && !self.state.no_subprotocols {
            options.subprotocols = SUBPROTOCOLS.map(str::to_owned).to_vec();
        }
        let origin = HeaderName::from_static("origin");
        if !options.headers.contains_key(&origin) {
            // Some servers refuse whoever has none, such as InspIRCd.
            let of_page = url.as_str().replacen("ws", "http", 1);
            let of_page = Url::parse(&of_page).map(|url| url.origin().ascii_serialization());
            if let Some(value) = of_page
                .ok()
                .and_then(|text| HeaderValue::try_from(text).ok())
            {
                options.headers.insert(origin, value);
            }
        }
        let template = Template::new(url.as_str());
        let socket = link::websocket(connector, &template, None, &options).await?;
        Ok(match socket.subprotocol() {
            Some("binary.ircv3.net") => Link::web_socket_of_bytes(socket),
            _ => Link::web_socket(socket),
        })
    }

    /// Whether the server may have refused us for the subprotocols that we asked for.
    fn may_mind_subprotocols(&self, error: &NetError) -> bool {
        let was_asked = self.options.subprotocols.is_empty() && !self.state.no_subprotocols;
        was_asked && matches!(error.http_status(), Some(400 | 406 | 426))
    }

    /// Takes a line, which is `raw`.
    fn take(&mut self, line: &Line<'_>, raw: &Bytes, turn: &mut Turn) -> Result<(), Failure> {
        if let Some(receipt) = line.tag("label").as_deref().and_then(receipt) {
            match line.numeric() {
                Some(400..=599) => turn.denied(receipt, line.last()),
                _ => turn.taken(receipt),
            }
        }
        match line.command {
            b"PONG" => {
                if let Some(receipt) = receipt(&line.last()) {
                    self.state.unsure.retain(|(it, _)| *it != receipt);
                    turn.taken(receipt);
                }
            }
            b"PRIVMSG" | b"NOTICE" => self.message(line, raw, turn)?,
            b"PING" => turn.say(format!("PONG :{}", line.last())),
            b"JOIN" if self.is_me(&line.sender()) => {
                self.state.registration.see_mask(line);
                let room = line.param(0);
                self.state
                    .rooms
                    .entered(&room, &self.state.support, turn.now());
            }
            b"KICK" if self.is_me(&line.param(1)) => {
                let why = format!("thrown out by {}: {}", line.sender(), line.param(2));
                self.left(&line.param(0), &why, turn);
            }
            b"PART" if self.is_me(&line.sender()) => {
                self.left(&line.param(0), "made to leave", turn)
            }
            b"INVITE" if self.is_me(&line.param(0)) => {
                let room = line.param(1);
                self.state
                    .rooms
                    .invited(&room, &self.state.support, turn.now());
            }
            b"RECONNECT" => {
                return Err(Failure::passing("the server asks to be connected to again"));
            }
            b"ERROR" => return Err(self.registration_error(line)),
            _ => match line.numeric() {
                Some(5) => self.state.support.take(line),
                // No such room, too many, cannot send, banned, full, by invitation, wrong key, …
                Some(
                    number
                    @ (403 | 405 | 437 | 471 | 473..=477 | 480 | 485 | 489 | 495 | 519 | 520),
                ) if self.state.registration.is_over() => {
                    let why = format!("{} ({number})", line.last());
                    self.left(&line.param(1), &why, turn);
                }
                Some(401 | 404 | 408 | 415) => {
                    let target = line.param(1);
                    let support = &self.state.support;
                    let denied = |(_, room): &mut (u64, String)| support.is_same(room, &target);
                    if let Some((receipt, _)) = self.state.unsure.pop_back_if(denied) {
                        turn.denied(receipt, line.last());
                    }
                    turn.tell(format!("cannot send to {}: {}", line.param(1), line.last()));
                }
                _ => self.registration_line(line, turn)?,
            },
        }
        Ok(())
    }

    /// What is said in a room or to us.
    fn message(&mut self, line: &Line<'_>, raw: &Bytes, turn: &mut Turn) -> Result<(), Failure> {
        let sender = line.sender();
        let is_person = line.source.is_some_and(|source| source.contains(&b'!'));
        if line.params().len() < 2 {
            return Ok(());
        }
        if !is_person {
            return self.notice(line, turn);
        }
        // Where the server has echo-message, it says again what we have said.
        if self.is_me(&sender) {
            self.state.registration.see_mask(line);
            return Ok(());
        }
        let text = line.param(1);
        let (kind, text) = match text.strip_prefix('\u{1}') {
            None if line.command == b"NOTICE" => (Kind::Noticed, &*text),
            None => (Kind::Said, &*text),
            Some(ctcp) => match ctcp.trim_end_matches('\u{1}').strip_prefix("ACTION ") {
                Some(action) if line.command == b"PRIVMSG" => (Kind::Done, action),
                // Between programs, and nothing that was said.
                _ => return Ok(()),
            },
        };
        let target = line.param(0);
        let room = self.state.support.room(&target);
        let mut message = turn.message(raw.clone());
        message.text = look::plain(text);
        message.kind = kind;
        message.is_private = room.is_none();
        message.room = room.unwrap_or(&sender).to_owned();
        message.sender = sender.into_owned();
        message.is_bot = ["bot", "draft/bot", "inspircd.org/bot"]
            .iter()
            .any(|tag| line.tag(tag).is_some());
        message.account = line.tag("account").filter(|account| account != "*");
        message.id = line.tag("msgid");
        message.thread = line.tag("+draft/reply").or_else(|| line.tag("+reply"));
        message.time = line.tag("time").and_then(|time| time.parse().ok());
        if self.is_twitch {
            message.id = message.id.or_else(|| line.tag("id"));
            message.thread = line.tag("reply-parent-msg-id");
            let sent = line.tag("tmi-sent-ts").and_then(|ms| ms.parse().ok());
            message.time = sent.and_then(|ms| Timestamp::from_millisecond(ms).ok());
            // Who is not logged in to an account cannot speak there.
            message.account = Some(message.sender.clone());
        }
        turn.pass(message);
        Ok(())
    }

    /// What the server itself says.
    fn notice(&mut self, line: &Line<'_>, turn: &mut Turn) -> Result<(), Failure> {
        let text = line.param(1);
        let refusals = ["Login authentication failed", "Improperly formatted auth"];
        if self.is_twitch && refusals.contains(&&*text) {
            return Err(Failure::lasting(format!(
                "the server does not let us in: {text}"
            )));
        }
        if let Some(room) = self.state.support.room(&line.param(0)) {
            turn.tell(format!("{room}: {}", look::plain(&text)));
        }
        Ok(())
    }

    /// We are not in a room, or no longer.
    fn left(&mut self, room: &str, why: &str, turn: &mut Turn) {
        let wait = self.state.rooms.left(room, &self.state.support, turn.now());
        if let Some(wait) = wait {
            turn.tell(format!(
                "not in {room}: {why}; joining again in {} s",
                wait.as_secs()
            ));
        }
    }

    /// Does what is due, and says when something is again.
    fn go_on(&mut self, turn: &mut Turn) {
        let now = turn.now();
        if self.state.registration.is_over() {
            let keys = &self.state.keys;
            let key = |at: usize| Some(keys.get(at)?.as_ref()?.reveal().to_owned());
            for line in self.state.rooms.join(now, key) {
                turn.say(line);
            }
            if self.state.rooms.are_settled() {
                turn.ready();
            }
        }
        let due = [self.state.registration.due(), self.state.rooms.due()];
        turn.wake_at(due.into_iter().flatten().min());
    }

    /// The tag that says which message is answered.
    fn answers_tag(&self, id: &str) -> Option<String> {
        let key = match self.is_twitch {
            true => "reply-parent-msg-id",
            false if self.state.registration.caps.has("message-tags") => "+draft/reply",
            false => return None,
        };
        Some(format!("{key}={}", line::escaped(id)))
    }

    /// Whether the server says of which line an answer is.
    fn has_labels(&self) -> bool {
        self.state.registration.caps.has("labeled-response")
    }

    fn is_me(&self, nick: &str) -> bool {
        self.state
            .support
            .is_same(nick, self.state.registration.nick())
    }

    /// The most bytes of a text to `target`, so that the whole line arrives at others, with our name.
    fn text_bytes_max(&self, target: &str) -> usize {
        let before = format!(":{} PRIVMSG {target} :", self.state.registration.mask());
        let rest = LINE_BYTES_MAX.saturating_sub(before.len());
        match self.is_twitch {
            // 500 characters.
            true => rest.min(490),
            false => rest.max(16),
        }
    }
}
