//! `[chat.NAME]` of `birl.toml`: where a chat is, who we are there, and what we say.
//!
//! What is wrong is told with its line, as by [`birl_watch::Config`], which reads the other tables.

mod commands;
mod discord;
mod mattermost;
mod slack;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use birl_chat::irc::{Account, Room};
use birl_chat::json::{Answer, Body, FieldPath, Hello, Pattern, Ping};
use birl_chat::{
    Discord, Events, Irc, Json, Mattermost, Message, Rate, Service as _, Slack, connect,
};
use birl_net::Proxies;
use birl_net::request::header;
use birl_net::secret::Text as SecretText;
use birl_record::query::parse_search;
use birl_record::search::{Options, Search};
use birl_record::time::Clock;
use birl_watch::config::{Error, Named, Text};
use birl_watch::template::{self, Template};
use birl_watch::{Config as Watched, Logs};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use toml::Spanned;

use self::commands::{AskKeys, CommandKeys};
use self::discord::DiscordKeys;
use self::mattermost::MattermostKeys;
use self::slack::SlackKeys;
use crate::bot::{Bot, RateLimits};
use crate::command::Commands;
use crate::limits::Limit;
use crate::record;
use crate::rules::{Reply, Rules};

/// The chats of a file, checked as far as that goes without connecting.
#[derive(Clone, Debug)]
pub struct Config {
    /// In the order of the file.
    pub chats: Vec<Chat>,
}

/// A chat, and what we say there.
#[derive(Clone, Debug)]
pub struct Chat {
    /// Its name in the file.
    pub name: String,
    /// Where it is.
    pub service: Service,
    /// What is said about which messages.
    pub replies: Vec<Reply>,
    /// What people can ask for.
    pub commands: Commands,
    /// How often is answered.
    pub rate_limits: RateLimits,
    /// The replies, compiled.
    rules: Arc<Rules>,
    connection: Connection,
}

/// What the file says of where a chat is, and how it is reached. There may be secrets in it.
#[derive(Clone, Default, PartialEq)]
struct Connection {
    table: toml::Table,
    /// What stands in the files that it names; nothing where one cannot be read.
    files: Vec<Option<Vec<u8>>>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    /// Of the table of a chat: all but what says what is done there.
    fn of(tables: &toml::Table, name: &str) -> Self {
        let chats = tables.get("chat").and_then(toml::Value::as_table);
        let chat = chats.and_then(|chats| chats.get(name)?.as_table());
        let mut table = chat.cloned().unwrap_or_default();
        table.retain(|key, _| !DONE_THERE.contains(&key));
        let authorities = table.get("ca_file").and_then(toml::Value::as_str);
        let authorities = authorities.map(PathBuf::from);
        let paths = authorities.into_iter().chain(files_of(&table));
        Self {
            files: paths.map(content).collect(),
            table,
        }
    }
}

/// The files that hold secrets which a table names: `{ file = "PATH" }`, however deep.
fn files_of(table: &toml::Table) -> Vec<PathBuf> {
    if let (1, Some(toml::Value::String(path))) = (table.len(), table.get("file")) {
        return vec![PathBuf::from(path)];
    }
    let values = table.values().flat_map(|value| match value {
        toml::Value::Array(values) => &values[..],
        value => std::slice::from_ref(value),
    });
    let tables = values.filter_map(toml::Value::as_table);
    tables.flat_map(files_of).collect()
}

/// What stands in a file. Pipes are left to whoever connects: what is read of them is gone.
fn content(path: PathBuf) -> Option<Vec<u8>> {
    let is_file = fs::metadata(&path).ok()?.is_file();
    is_file.then(|| fs::read(path).ok())?
}

/// The keys that say what is done in a chat, and not how it is reached.
const DONE_THERE: [&str; 8] = [
    "reply",
    "command",
    "prefix",
    "ask",
    "allow",
    "limit",
    "room_limit",
    "chat_limit",
];

/// Where a chat is.
#[derive(Clone, Debug)]
pub enum Service {
    /// `irc = URL`
    Irc(Irc),
    /// `json = URL`
    Json(Json),
    /// `slack = { … }`
    Slack(Slack),
    /// `mattermost = { … }`
    Mattermost(Mattermost),
    /// `discord = { … }`
    Discord(Discord),
}

impl Config {
    /// Whether a file has chats. Whatever else is wrong with it is not looked at.
    pub fn is_in(text: &str) -> bool {
        let table = text.parse::<toml::Table>();
        table.map_or(true, |table| table.contains_key("chat"))
    }

    /// Reads the chats of a file, whose other tables are `watched`. `clock` is for moments in queries.
    ///
    /// # Errors
    ///
    /// Fails at the first thing that is wrong.
    pub fn parse(text: &str, file: &Path, clock: &Clock, watched: &Watched) -> Result<Self, Error> {
        let text = Text { file, text };
        let keys: FileKeys = toml::from_str(text.text).map_err(|error| text.of_toml(&error))?;
        let tables: toml::Table =
            toml::from_str(text.text).map_err(|error| text.of_toml(&error))?;
        let chats = keys.chat.0.into_iter();
        let chats = chats.map(|(name, keys)| {
            let connection = Connection::of(&tables, name.get_ref());
            let reading = Reading {
                name,
                text,
                clock,
                watched,
            };
            let chat = reading.chat(keys)?;
            Ok(Chat { connection, ..chat })
        });
        Ok(Self {
            chats: chats.collect::<Result<_, _>>()?,
        })
    }
}

impl Config {
    /// The chat of a name.
    pub fn chat(&self, name: &str) -> Option<&Chat> {
        self.chats.iter().find(|chat| chat.name == name)
    }

    /// Plans what can be asked, of `logs`, and says what would be said to what, for people. It must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    ///
    /// Fails at the first command of `file` whose query cannot be planned, or whose sources cannot be asked.
    pub async fn check(&self, file: &Path, logs: &Logs) -> Result<String, Error> {
        let mut chats = Vec::new();
        for chat in &self.chats {
            let commands = chat.commands.check(file, logs).await?;
            chats.push(chat.words(&commands));
        }
        Ok(chats.join("\n"))
    }
}

impl Chat {
    fn words(&self, commands: &str) -> String {
        let mut words = format!("chat {}: {}\n", self.name, self.service.words());
        for reply in &self.replies {
            words += &format!("  to      {}\n  says    {}\n", reply.query, reply.text);
            words += &doubts(&reply.text, &[]);
        }
        if self.replies.is_empty() && commands.is_empty() {
            words += "  says nothing: it has no reply and no command\n";
        }
        words += commands;
        let Limit { burst, every } = self.rate_limits.person;
        words += &format!(
            "  answers nobody more often than {burst} times at once, then once each {} s\n",
            every.as_secs_f64()
        );
        words
    }

    /// Whether the file says the same of where another chat is and how it is reached, and the files with secrets that
    /// it names did when it was read. What is done there may differ.
    pub fn is_reached_as(&self, other: &Self) -> bool {
        self.connection == other.connection
    }

    /// What birl is called there, as far as the file says.
    pub fn me(&self) -> Option<String> {
        match &self.service {
            Service::Irc(irc) => Some(irc.nick.clone()),
            Service::Json(json) => json.me.clone(),
            Service::Slack(_) | Service::Mattermost(_) | Service::Discord(_) => None,
        }
    }

    /// The bot of this chat.
    pub fn bot(&self) -> Bot {
        let rules = Arc::clone(&self.rules);
        Bot::new(rules, self.commands.clone(), self.rate_limits)
    }

    /// What tells the server of this chat from others: messages and rooms of one are not known to another. There is no
    /// secret in it.
    pub fn address(&self) -> String {
        match &self.service {
            Service::Irc(irc) => irc.name(),
            Service::Json(json) => {
                // Whatever stands in the URL may tell what is read there, and may be a secret.
                let hash = digest(&SHA256, json.url.text().as_bytes());
                let hash = hash.as_ref()[..8].iter().map(|byte| format!("{byte:02x}"));
                format!("{} {}", json.name(), hash.collect::<String>())
            }
            Service::Slack(slack) => slack.name(),
            Service::Mattermost(it) => it.name(),
            Service::Discord(discord) => discord.name(),
        }
    }

    /// Whether what was said where `message` was is still heard: the chat may have been in other rooms then.
    pub(crate) fn listens_to(&self, message: &Message) -> bool {
        match &self.service {
            Service::Irc(irc) => irc.listens_to(message),
            Service::Json(json) => json.listens_to(message),
            Service::Slack(slack) => slack.listens_to(message),
            Service::Mattermost(it) => it.listens_to(message),
            Service::Discord(discord) => discord.listens_to(message),
        }
    }

    /// Begins the chat, by way of `proxies`. Nothing is connected to before it is polled.
    pub fn connect(&self, proxies: Proxies) -> Events {
        let chat = match self.service.clone() {
            Service::Irc(mut irc) => {
                irc.options.proxies = proxies;
                connect(irc)
            }
            Service::Json(mut json) => {
                json.options.proxies = proxies;
                connect(json)
            }
            Service::Slack(mut slack) => {
                slack.options.proxies = proxies;
                connect(slack)
            }
            Service::Mattermost(mut mattermost) => {
                mattermost.options.proxies = proxies;
                connect(mattermost)
            }
            Service::Discord(mut discord) => {
                discord.options.proxies = proxies;
                connect(discord)
            }
        };
        chat.events()
    }
}

impl Service {
    fn words(&self) -> String {
        match self {
            Self::Irc(irc) => {
                let rooms: Vec<_> = irc.rooms.iter().map(|room| room.name.as_str()).collect();
                let rooms = match rooms.is_empty() {
                    true => "in no room".to_owned(),
                    false => format!("in {}", rooms.join(", ")),
                };
                format!("IRC at {}, as {}, {rooms}", irc.name(), irc.nick)
            }
            Self::Json(json) => format!("JSON at {}", json.name()),
            Self::Slack(slack) => format!("{}, {}", slack.name(), in_rooms(&slack.rooms)),
            Self::Mattermost(it) => format!("Mattermost at {}, {}", it.name(), in_rooms(&it.rooms)),
            Self::Discord(discord) => format!("{}, {}", discord.name(), in_rooms(&discord.rooms)),
        }
    }
}

/// What may be wrong with a text: its places that are neither of these names nor fields of every message.
pub(crate) fn doubts(text: &Template, names: &[&str]) -> String {
    let known = || names.iter().copied().chain(record::FIELDS);
    let unknown = text.places().filter(|place| known().all(|it| it != *place));
    let doubts = unknown.map(|place| {
        let meant = birl_query::nearest(place, known());
        let meant = meant.map(|meant| format!("; {{{meant}}} is"));
        format!(
            "  but     {{{place}}} is no field of every message{}\n",
            meant.unwrap_or_default()
        )
    });
    doubts.collect()
}

/// Where a bot listens that is in the rooms to which it has been invited.
fn in_rooms(rooms: &[String]) -> String {
    match rooms.is_empty() {
        true => "wherever it is invited".to_owned(),
        false => format!("in {}", rooms.join(", ")),
    }
}

#[derive(Debug, Deserialize)]
struct FileKeys {
    #[serde(default)]
    chat: Named<ChatKeys>,
}

/// `[chat.NAME]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ChatKeys {
    irc: Option<Spanned<String>>,
    json: Option<Spanned<String>>,
    slack: Option<Spanned<SlackKeys>>,
    mattermost: Option<Spanned<MattermostKeys>>,
    discord: Option<Spanned<DiscordKeys>>,
    ca_file: Option<PathBuf>,
    headers: BTreeMap<String, Spanned<String>>,
    rate: Option<RateKeys>,
    limit: Option<RateKeys>,
    room_limit: Option<RateKeys>,
    chat_limit: Option<RateKeys>,
    reply: Vec<ReplyKeys>,
    command: Vec<CommandKeys>,
    prefix: Option<Spanned<String>>,
    ask: Option<Spanned<AskKeys>>,
    allow: Named<Spanned<Vec<String>>>,

    nick: Option<Spanned<String>>,
    user: Option<Spanned<String>>,
    real_name: Option<Spanned<String>>,
    password: Option<Spanned<SecretText>>,
    account: Option<Spanned<AccountKeys>>,
    rooms: Option<Spanned<Vec<RoomKeys>>>,

    hello: Option<Spanned<Vec<HelloKeys>>>,
    secrets: Option<Spanned<BTreeMap<String, SecretText>>>,
    only: Option<Spanned<String>>,
    text: Option<Spanned<String>>,
    sender: Option<Spanned<String>>,
    room: Option<Spanned<String>>,
    id: Option<Spanned<String>>,
    thread: Option<Spanned<String>>,
    time: Option<Spanned<String>>,
    sender_account: Option<Spanned<String>>,
    private: Option<Spanned<String>>,
    bot: Option<Spanned<String>>,
    cursor: Option<Spanned<String>>,
    me: Option<Spanned<String>>,
    say: Option<Spanned<String>>,
    ping: Option<Spanned<PingKeys>>,
    answer: Option<Spanned<Vec<AnswerKeys>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountKeys {
    name: String,
    password: SecretText,
}

/// A room: its name, or a table with its key.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RoomKeys {
    Name(String),
    WithKey { name: String, key: SecretText },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HelloKeys {
    send: Spanned<String>,
    expect: Option<Spanned<String>>,
    timeout: Option<Length>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PingKeys {
    send: Spanned<String>,
    every: Length,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerKeys {
    to: Spanned<String>,
    with: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateKeys {
    burst: std::num::NonZeroU32,
    every: Length,
}

/// `[[chat.NAME.reply]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyKeys {
    query: Spanned<String>,
    text: Spanned<String>,
}

/// A length of time that is more than nothing.
#[derive(Clone, Copy, Debug)]
struct Length(Duration);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let nanoseconds = birl_record::time::duration(&text).map_err(D::Error::custom)?;
        match u64::try_from(nanoseconds) {
            Ok(nanoseconds @ 1..) => Ok(Self(Duration::from_nanos(nanoseconds))),
            _ => Err(D::Error::custom("it has to be more than nothing")),
        }
    }
}

/// A chat that is being read.
struct Reading<'t> {
    name: Spanned<String>,
    text: Text<'t>,
    clock: &'t Clock,
    watched: &'t Watched,
}

impl Reading<'_> {
    fn chat(&self, keys: ChatKeys) -> Result<Chat, Error> {
        let limit = |keys: &Option<RateKeys>, default: Limit| {
            keys.as_ref().map_or(default, |limit| Limit {
                burst: limit.burst.get(),
                every: limit.every.0,
            })
        };
        let default = RateLimits::default();
        let rate_limits = RateLimits {
            person: limit(&keys.limit, default.person),
            room: limit(&keys.room_limit, default.room),
            chat: limit(&keys.chat_limit, default.chat),
        };
        let commands = self.commands(&keys)?;
        if let (Some(json), None, true) =
            (&keys.json, &keys.sender_account, commands.name_accounts())
        {
            let message = "nobody has an account in this chat, and allow names some";
            return Err(self.at(json, message).with_hint(
                "sender_account = \"user.login\" is the field that the server vouches for",
            ));
        }
        let has_fields = keys.has_fields();
        let replies = keys.reply.iter().map(|keys| self.reply(keys, has_fields));
        let replies = replies.collect::<Result<Vec<_>, _>>()?;
        let rules = Rules::new(&replies, self.clock).map_err(|(number, error)| {
            let query = &keys.reply[number].query;
            self.at(query, error.render(query.get_ref()))
        })?;
        let service = match keys.place(self)? {
            Place::Irc => Service::Irc(self.irc(keys)?),
            Place::Json => Service::Json(self.json(keys)?),
            Place::Slack => Service::Slack(self.slack(keys)?),
            Place::Mattermost => Service::Mattermost(self.mattermost(keys)?),
            Place::Discord => Service::Discord(self.discord(keys)?),
        };
        Ok(Chat {
            name: self.name.get_ref().clone(),
            service,
            replies,
            commands,
            rate_limits,
            rules: Arc::new(rules),
            connection: Connection::default(),
        })
    }

    fn reply(&self, keys: &ReplyKeys, has_fields: bool) -> Result<Reply, Error> {
        let typed = keys.query.get_ref();
        let wrong = |error: birl_record::query::Error| self.at(&keys.query, error.render(typed));
        let query = parse_search(typed).map_err(wrong)?;
        let search = Search::with_clock(&query, Options::default(), self.clock).map_err(wrong)?;
        if search.needs_times() {
            let message = "a rule over messages looks at what is said now, and not at times";
            return Err(self.at(&keys.query, message));
        }
        Ok(Reply {
            query,
            text: self.said(&keys.text, &[], has_fields)?,
        })
    }

    /// A text that is said, with places for these names and the fields of a message, which has some of its own where it
    /// is JSON.
    fn said(
        &self,
        typed: &Spanned<String>,
        names: &[&str],
        has_fields: bool,
    ) -> Result<Template, Error> {
        let text = template::parse(typed.get_ref()).map_err(|error| self.at(typed, error))?;
        let known = || names.iter().copied().chain(record::FIELDS);
        let unknown = text.places().find(|place| known().all(|it| it != *place));
        let Some(unknown) = unknown.filter(|_| !has_fields).map(str::to_owned) else {
            return Ok(text);
        };
        let error = self.at(typed, format!("nothing is called {{{unknown}}} here"));
        Err(match birl_query::nearest(&unknown, known()) {
            Some(meant) => error.with_hint(format!("did you mean {{{meant}}}?")),
            None => {
                let known: Vec<_> = known().map(|name| format!("{{{name}}}")).collect();
                error.with_hint(format!("there are {}", known.join(", ")))
            }
        })
    }

    fn irc(&self, keys: ChatKeys) -> Result<Irc, Error> {
        self.refuse("irc", keys.of_json())?;
        let (Some(url), Some(nick)) = (&keys.irc, &keys.nick) else {
            let message = format!("chat {:?} has no nick", self.name.get_ref());
            return Err(self.at(&self.name, message));
        };
        let irc = Irc::new(url.get_ref(), nick.get_ref());
        let mut irc = irc.map_err(|error| self.at(url, error.to_string()))?;
        irc.options.ca_file.clone_from(&keys.ca_file);
        self.headers(&keys.headers, &mut irc.options.headers)?;
        if let Some(rate) = &keys.rate {
            irc.rate = Some(rate.rate());
        }
        if let Some(user) = keys.user {
            irc.user = user.into_inner();
        }
        if let Some(real_name) = keys.real_name {
            irc.real_name = real_name.into_inner();
        }
        irc.password = keys.password.map(Spanned::into_inner);
        irc.account = keys.account.map(|account| {
            let AccountKeys { name, password } = account.into_inner();
            Account { name, password }
        });
        let rooms = keys.rooms.into_iter().flat_map(Spanned::into_inner);
        irc.rooms = rooms
            .map(|room| match room {
                RoomKeys::Name(name) => Room { name, key: None },
                RoomKeys::WithKey { name, key } => Room {
                    name,
                    key: Some(key),
                },
            })
            .collect();
        Ok(irc)
    }

    fn json(&self, keys: ChatKeys) -> Result<Json, Error> {
        self.refuse("json", keys.of_irc())?;
        let Some(url) = &keys.json else {
            unreachable!("it is JSON since it has one");
        };
        let json = Json::new(url.get_ref());
        let mut json = json.map_err(|error| self.at(url, error.to_string()))?;
        json.options.ca_file.clone_from(&keys.ca_file);
        self.headers(&keys.headers, &mut json.options.headers)?;
        json.rate = keys.rate.as_ref().map(RateKeys::rate);
        json.me = keys.me.map(Spanned::into_inner);
        for hello in keys.hello.into_iter().flat_map(Spanned::into_inner) {
            let mut said = Hello::new(self.body(&hello.send)?);
            said.expect = self.option(hello.expect.as_ref(), Pattern::parse)?;
            said.timeout = hello.timeout.map_or(said.timeout, |timeout| timeout.0);
            json.hello.push(said);
        }
        json.secrets = keys.secrets.map(Spanned::into_inner).unwrap_or_default();
        json.only = self.option(keys.only.as_ref(), Pattern::parse)?;
        let path = |typed: &Option<Spanned<String>>| {
            let parse = |text: &str| text.parse::<FieldPath>().map_err(str::to_owned);
            self.option(typed.as_ref(), parse)
        };
        json.text = path(&keys.text)?.unwrap_or(json.text);
        json.sender = path(&keys.sender)?.unwrap_or(json.sender);
        json.room = path(&keys.room)?.unwrap_or(json.room);
        json.id = path(&keys.id)?.unwrap_or(json.id);
        json.thread = path(&keys.thread)?;
        json.time = path(&keys.time)?;
        json.account = path(&keys.sender_account)?;
        json.private = path(&keys.private)?;
        json.bot = path(&keys.bot)?;
        json.options.cursor = path(&keys.cursor)?;
        if let Some(say) = &keys.say {
            json.reply = self.body(say)?;
        }
        json.ping = match keys.ping.map(Spanned::into_inner) {
            Some(ping) => Some(Ping {
                body: self.body(&ping.send)?,
                every: ping.every.0,
            }),
            None => None,
        };
        for answer in keys.answer.into_iter().flat_map(Spanned::into_inner) {
            let to = Pattern::parse(answer.to.get_ref());
            json.answers.push(Answer {
                to: to.map_err(|why| self.at(&answer.to, why))?,
                with: self.body(&answer.with)?,
            });
        }
        Ok(json)
    }

    /// Refuses keys that have no place in a chat of a kind.
    fn refuse<'k>(
        &self,
        kind: &str,
        others: impl IntoIterator<Item = (&'k str, Option<std::ops::Range<usize>>)>,
    ) -> Result<(), Error> {
        for (key, span) in others {
            if let Some(span) = span {
                let message = format!("{key} has no place in a chat of {kind}");
                return Err(self.text.error(&span, message));
            }
        }
        Ok(())
    }

    /// The rooms of a service where a bot is invited: they have no keys. Nor have keys of IRC and JSON a
    /// place there.
    fn rooms_of_invited(&self, kind: &str, keys: &ChatKeys) -> Result<Vec<String>, Error> {
        self.refuse(kind, keys.of_json())?;
        self.refuse(kind, keys.of_irc_alone())?;
        self.refuse(kind, [("headers", keys.headers_span())])?;
        let Some(rooms) = &keys.rooms else {
            return Ok(Vec::new());
        };
        let name = |room: &RoomKeys| match room {
            RoomKeys::Name(name) => Ok(name.clone()),
            RoomKeys::WithKey { name, .. } => {
                let message = format!("{name:?} has a key, which rooms of {kind} have not");
                Err(self.text.error(&rooms.span(), message))
            }
        };
        rooms.get_ref().iter().map(name).collect()
    }

    fn headers(
        &self,
        typed: &BTreeMap<String, Spanned<String>>,
        headers: &mut birl_net::request::HeaderMap,
    ) -> Result<(), Error> {
        for (name, value) in typed {
            let (name, parsed) = header(&format!("{name}: {}", value.get_ref()))
                .map_err(|error| self.at(value, error.to_string()))?;
            headers.append(name, parsed);
        }
        Ok(())
    }

    fn body(&self, typed: &Spanned<String>) -> Result<Body, Error> {
        Body::parse(typed.get_ref()).map_err(|why| self.at(typed, why))
    }

    fn option<T>(
        &self,
        typed: Option<&Spanned<String>>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Error> {
        let read =
            |typed: &Spanned<String>| parse(typed.get_ref()).map_err(|why| self.at(typed, why));
        typed.map(read).transpose()
    }

    fn at<T>(&self, typed: &Spanned<T>, message: impl Into<String>) -> Error {
        self.text.error(&typed.span(), message)
    }
}

impl RateKeys {
    fn rate(&self) -> Rate {
        Rate {
            burst: self.burst.get(),
            every: self.every.0,
        }
    }
}

/// Where a key stands that was given.
fn span<T>(key: &Option<Spanned<T>>) -> Option<std::ops::Range<usize>> {
    key.as_ref().map(Spanned::span)
}

/// The keys that say where a chat is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Irc,
    Json,
    Slack,
    Mattermost,
    Discord,
}

impl ChatKeys {
    /// Whether messages are JSON, whose fields are known when they come.
    fn has_fields(&self) -> bool {
        self.irc.is_none()
    }

    /// Where the chat is: in one place.
    fn place(&self, reading: &Reading<'_>) -> Result<Place, Error> {
        let places = [
            (Place::Irc, "irc", span(&self.irc)),
            (Place::Json, "json", span(&self.json)),
            (Place::Slack, "slack", span(&self.slack)),
            (Place::Mattermost, "mattermost", span(&self.mattermost)),
            (Place::Discord, "discord", span(&self.discord)),
        ];
        let mut places = places
            .into_iter()
            .filter_map(|(place, key, span)| Some((place, key, span?)));
        match (places.next(), places.next()) {
            (Some((place, ..)), None) => Ok(place),
            (Some((_, one, _)), Some((_, other, span))) => {
                let message = format!("a chat is {one} or {other}, and not both");
                Err(reading.text.error(&span, message))
            }
            (None, _) => {
                let message = format!("chat {:?} is nowhere", reading.name.get_ref());
                let hint = "say where it is: irc = \"ircs://…\", json = \"wss://…\", slack = { … }, \
                            mattermost = { … } or discord = { … }";
                Err(reading.at(&reading.name, message).with_hint(hint))
            }
        }
    }

    /// Where the first header stands.
    fn headers_span(&self) -> Option<std::ops::Range<usize>> {
        let spans = self.headers.values().map(Spanned::span);
        spans.min_by_key(|span| span.start)
    }

    /// The keys that are for IRC, and for no service that has rooms to be invited to.
    fn of_irc_alone(&self) -> impl Iterator<Item = (&'static str, Option<std::ops::Range<usize>>)> {
        self.of_irc().into_iter().filter(|(key, _)| *key != "rooms")
    }

    /// The keys that are for IRC alone.
    fn of_irc(&self) -> [(&'static str, Option<std::ops::Range<usize>>); 6] {
        [
            ("nick", span(&self.nick)),
            ("user", span(&self.user)),
            ("real_name", span(&self.real_name)),
            ("password", span(&self.password)),
            ("account", span(&self.account)),
            ("rooms", span(&self.rooms)),
        ]
    }

    /// The keys that are for JSON alone.
    fn of_json(&self) -> [(&'static str, Option<std::ops::Range<usize>>); 17] {
        [
            ("hello", span(&self.hello)),
            ("secrets", span(&self.secrets)),
            ("only", span(&self.only)),
            ("text", span(&self.text)),
            ("sender", span(&self.sender)),
            ("room", span(&self.room)),
            ("id", span(&self.id)),
            ("thread", span(&self.thread)),
            ("time", span(&self.time)),
            ("sender_account", span(&self.sender_account)),
            ("private", span(&self.private)),
            ("bot", span(&self.bot)),
            ("cursor", span(&self.cursor)),
            ("me", span(&self.me)),
            ("say", span(&self.say)),
            ("ping", span(&self.ping)),
            ("answer", span(&self.answer)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_changes_is_another_connection() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let name = path.display();
        let text = format!(
            "[chat.ops]\njson = 'ws://h/'\nca_file = '/none'\nsecrets = {{ a = {{ env = 'A' }}, b = {{ file = '{name}' }} }}\n\
             [[chat.ops.hello]]\nsend = '{{}}'\n"
        );
        let table: toml::Table = text.parse().unwrap();
        let read = |secret: &str| {
            fs::write(&path, secret).unwrap();
            Connection::of(&table, "ops")
        };
        let first = read("one");
        assert!(first == read("one"));
        assert!(first != read("two"));
        fs::remove_file(&path).unwrap();
        assert!(first != Connection::of(&table, "ops"));
    }
}
