//! What a table `[place.NAME]` says, and the place that it makes.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use birl_net::request::{Bearer, HeaderMap, header};
use birl_net::secret::{self, Text};
use birl_net::{Connector, Request, tls};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use url::Url;

use super::Surroundings;
use super::alertmanager::Alertmanager;
use super::command::Command;
use super::discord::Discord;
use super::file::File;
use super::form::Form;
use super::mattermost::Mattermost;
use super::post::Poster;
use super::room::Room;
use super::slack::Slack;
use super::stdout::Stdout;
use super::webhook::Webhook;
use super::ws::Ws;
use crate::place::Place;

/// How long a place may take for an alert, unless told.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Chat services take about one message in a second or two, and people read fewer.
const CHAT_PER_MINUTE: NonZeroU32 = NonZeroU32::new(30).expect("it is not 0");

/// Who reads a room has seen the first alert of a rule, and can wait a moment for the rest.
const ROOM_FOLD: Duration = Duration::from_secs(30);

/// A table `[place.NAME]`: one key that says what the place is, and options.
///
/// No secret in it is shown by `Debug`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    webhook: Option<Text>,
    slack: Option<Text>,
    mattermost: Option<Text>,
    discord: Option<Text>,
    ws: Option<Text>,
    file: Option<PathBuf>,
    stdout: Option<bool>,
    command: Option<Vec<String>>,
    chat: Option<String>,
    room: Option<String>,
    format: Option<String>,
    headers: Option<BTreeMap<String, Text>>,
    bearer_env: Option<String>,
    bearer_file: Option<PathBuf>,
    sign_env: Option<String>,
    sign_file: Option<PathBuf>,
    subscribe: Option<Vec<String>>,
    ca_file: Option<PathBuf>,
    timeout: Option<Timeout>,
    max_per_minute: Option<NonZeroU32>,
    fold: Option<Fold>,
}

#[derive(Clone, Copy, Debug)]
struct Timeout(Duration);

impl<'de> Deserialize<'de> for Timeout {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let nanoseconds = birl_record::time::duration(&text).map_err(D::Error::custom)?;
        match u64::try_from(nanoseconds) {
            Ok(nanoseconds @ 1..) => Ok(Self(Duration::from_nanos(nanoseconds))),
            _ => Err(D::Error::custom("a place needs some time for an alert")),
        }
    }
}

/// For how long alerts wait behind one that was sent; 0 if they do not.
#[derive(Clone, Copy, Debug)]
struct Fold(Duration);

impl<'de> Deserialize<'de> for Fold {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let nanoseconds = birl_record::time::duration(&text).map_err(D::Error::custom)?;
        let nanoseconds = u64::try_from(nanoseconds);
        let nanoseconds =
            nanoseconds.map_err(|_| D::Error::custom("nothing waits for less than no time"))?;
        Ok(Self(Duration::from_nanos(nanoseconds)))
    }
}

/// A place that cannot be: what is wrong, and what to do, on lines of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
    hint: Option<String>,
}

impl Error {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    fn with_hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// What to do, where that is known.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What is wrong, without the hint.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// The kinds of places, by the key that says so, and the options that each has besides
/// `max_per_minute` and `fold`.
const KINDS: [(&str, &[&str]); 9] = [
    (
        "webhook",
        &[
            "format",
            "headers",
            "bearer_env",
            "bearer_file",
            "sign_env",
            "sign_file",
            "ca_file",
            "timeout",
        ],
    ),
    ("slack", POSTED),
    ("mattermost", POSTED),
    ("discord", POSTED),
    (
        "ws",
        &[
            "headers",
            "bearer_env",
            "bearer_file",
            "subscribe",
            "ca_file",
            "timeout",
        ],
    ),
    ("file", &["format"]),
    ("stdout", &["format"]),
    ("command", &["timeout"]),
    ("chat", &["room", "timeout"]),
];

const POSTED: &[&str] = &[
    "headers",
    "bearer_env",
    "bearer_file",
    "sign_env",
    "sign_file",
    "ca_file",
    "timeout",
];

impl Config {
    /// What the place is: `webhook`, `slack`, `file` and so on.
    ///
    /// # Errors
    ///
    /// If the table says nothing of that, or several things.
    pub fn kind(&self) -> Result<&'static str, Error> {
        let said = self.said();
        let mut kinds = KINDS.iter().filter(|(kind, _)| said.contains(kind));
        let names = || KINDS.map(|(kind, _)| kind).join(", ");
        match (kinds.next(), kinds.next()) {
            (Some((kind, _)), None) => Ok(kind),
            (Some((first, _)), Some((second, _))) => Err(Error::new(format!(
                "it is {first} and {second}, but a place is one of {}",
                names()
            ))
            .with_hint("make two places, and send to both: send = [\"a\", \"b\"]")),
            (None, _) => Err(
                Error::new(format!("nothing says what it is: one of {}", names()))
                    .with_hint("for example webhook = \"https://hooks.example.org/T0\""),
            ),
        }
    }

    /// How many alerts it takes in a minute, before the rest are held back and told of together.
    pub fn max_per_minute(&self) -> Option<NonZeroU32> {
        let is_chat = self.slack.is_some()
            || self.mattermost.is_some()
            || self.discord.is_some()
            || self.chat.is_some();
        self.max_per_minute.or(is_chat.then_some(CHAT_PER_MINUTE))
    }

    /// For how long alerts wait behind one of the same rule that was sent, to be told of together.
    pub fn fold(&self) -> Option<Duration> {
        let default = self.chat.is_some().then_some(ROOM_FOLD);
        let fold = self.fold.map(|Fold(fold)| fold).or(default);
        fold.filter(|fold| !fold.is_zero())
    }

    /// Makes the place; nothing is sent or connected to. A place of a WebSocket needs the runtime of
    /// tokio that it is called in.
    ///
    /// # Errors
    ///
    /// If the table is wrong, or a secret is not where it should be. The error shows none.
    pub fn open(&self, name: &str, surroundings: &Surroundings) -> Result<Arc<dyn Place>, Error> {
        let kind = self.kind()?;
        self.check_options(kind)?;
        if let Some(file) = &self.ca_file {
            tls::check(file).map_err(|error| Error::new(format!("cannot use ca_file: {error}")))?;
        }
        let poster = |url| self.poster(kind, url, surroundings);
        Ok(match kind {
            "webhook" => {
                let poster = poster(&self.webhook)?;
                match self.choice(&["birl", "alertmanager"])? {
                    "alertmanager" => Arc::new(Alertmanager {
                        poster,
                        receiver: name.to_owned(),
                    }),
                    _ => Arc::new(Webhook { poster }),
                }
            }
            "slack" => Arc::new(Slack {
                poster: poster(&self.slack)?,
            }),
            "mattermost" => Arc::new(Mattermost {
                poster: poster(&self.mattermost)?,
            }),
            "discord" => Arc::new(Discord {
                poster: poster(&self.discord)?,
            }),
            "ws" => {
                let request = self.request(kind, &self.ws, &["ws", "wss"], surroundings)?;
                let subscribe = self.subscribe.clone().unwrap_or_default();
                let connector = self.connector(surroundings);
                Arc::new(Ws::new(connector, request, subscribe, self.timeout()))
            }
            "file" => {
                let path = self.file.clone().unwrap_or_default();
                Arc::new(File::new(path, self.form()?).map_err(Error::new)?)
            }
            "stdout" => {
                if self.stdout == Some(false) {
                    return Err(Error::new("stdout = false makes no place")
                        .with_hint("leave the place out, with its name in the rules' send"));
                }
                Arc::new(Stdout::new(Arc::clone(&surroundings.stdout), self.form()?))
            }
            "chat" => Arc::new(self.room(surroundings)?),
            _ => {
                let command = self.command.clone().unwrap_or_default();
                Arc::new(Command::new(command, self.timeout()).map_err(Error::new)?)
            }
        })
    }

    /// What the place needs and is not there now, in words: the directory of its file, or its program.
    pub(crate) fn missing(&self, surroundings: &Surroundings) -> Option<String> {
        if let Some(directory) = self.file.as_ref().and_then(|file| file.parent())
            && !directory.as_os_str().is_empty()
            && !directory.is_dir()
        {
            return Some(format!("there is no directory {directory:?} for its file"));
        }
        let program = self.command.as_ref()?.first()?;
        let paths = (surroundings.variable)("PATH")?;
        let is_there = program.contains('/')
            || std::env::split_paths(&paths).any(|path| path.join(program).is_file());
        (!is_there).then(|| format!("there is no program {program:?} in PATH"))
    }

    /// The keys that the table has.
    fn said(&self) -> Vec<&'static str> {
        let keys = [
            ("webhook", self.webhook.is_some()),
            ("slack", self.slack.is_some()),
            ("mattermost", self.mattermost.is_some()),
            ("discord", self.discord.is_some()),
            ("ws", self.ws.is_some()),
            ("file", self.file.is_some()),
            ("stdout", self.stdout.is_some()),
            ("command", self.command.is_some()),
            ("chat", self.chat.is_some()),
            ("room", self.room.is_some()),
            ("format", self.format.is_some()),
            ("headers", self.headers.is_some()),
            ("bearer_env", self.bearer_env.is_some()),
            ("bearer_file", self.bearer_file.is_some()),
            ("sign_env", self.sign_env.is_some()),
            ("sign_file", self.sign_file.is_some()),
            ("subscribe", self.subscribe.is_some()),
            ("ca_file", self.ca_file.is_some()),
            ("timeout", self.timeout.is_some()),
        ];
        let said = keys.into_iter().filter(|(_, is_said)| *is_said);
        said.map(|(key, _)| key).collect()
    }

    /// Checks that no option is there that the kind does not know: it would do nothing.
    fn check_options(&self, kind: &str) -> Result<(), Error> {
        let known = KINDS.iter().find(|(name, _)| *name == kind);
        let known = known.map_or(&[][..], |(_, options)| options);
        let said = self.said();
        match said
            .iter()
            .find(|key| **key != kind && !known.contains(key))
        {
            None => Ok(()),
            Some(key) => Err(Error::new(format!(
                "{key} means nothing to a place that is {kind}: its options are {}, max_per_minute, fold",
                known.join(", ")
            ))),
        }
    }

    fn timeout(&self) -> Duration {
        self.timeout.map_or(TIMEOUT, |Timeout(timeout)| timeout)
    }

    /// The one of `names` that `format` says, else the first.
    fn choice(&self, names: &[&'static str]) -> Result<&'static str, Error> {
        let Some(format) = &self.format else {
            return Ok(names[0]);
        };
        let found = names.iter().find(|name| *name == format);
        found.copied().ok_or_else(|| {
            Error::new(format!(
                "there is no format {format:?} here: it is {}",
                names.join(" or ")
            ))
        })
    }

    fn form(&self) -> Result<Form, Error> {
        // A file is for programs, standard output for people.
        let names = match self.file {
            Some(_) => ["json", "text"],
            None => ["text", "json"],
        };
        Ok(match self.choice(&names)? {
            "text" => Form::Text,
            _ => Form::Json,
        })
    }

    fn room(&self, surroundings: &Surroundings) -> Result<Room, Error> {
        let chat = self.chat.clone().unwrap_or_default();
        let chats = surroundings.rooms.chats();
        if !chats.contains(&chat) {
            let error = Error::new(format!("there is no chat {chat:?}"));
            return Err(match chats.is_empty() {
                true => {
                    error.with_hint(format!("a chat is a table of the same file: [chat.{chat}]"))
                }
                false => error.with_hint(format!("the chats are {}", chats.join(", "))),
            });
        }
        let Some(room) = self.room.clone().filter(|room| !room.trim().is_empty()) else {
            return Err(
                Error::new("nothing says in which room").with_hint("for example room = \"#ops\"")
            );
        };
        Ok(Room {
            rooms: Arc::clone(&surroundings.rooms),
            chat,
            room,
            timeout: self.timeout(),
        })
    }

    fn connector(&self, surroundings: &Surroundings) -> Connector {
        Connector::new(surroundings.proxies.clone(), self.ca_file.clone())
    }

    fn poster(
        &self,
        key: &str,
        url: &Option<Text>,
        surroundings: &Surroundings,
    ) -> Result<Poster, Error> {
        Ok(Poster {
            connector: self.connector(surroundings),
            request: self.request(key, url, &["http", "https"], surroundings)?,
            timeout: self.timeout(),
            key: kept(
                "sign",
                self.sign_env.as_deref(),
                &self.sign_file,
                surroundings,
            )?,
        })
    }

    /// Whom to ask, and with what.
    fn request(
        &self,
        key: &str,
        url: &Option<Text>,
        schemes: &[&str],
        surroundings: &Surroundings,
    ) -> Result<Request, Error> {
        let wrong = |why: &str| Error::new(format!("{key} is no URL to send to: {why}"));
        let url = url.as_ref().ok_or_else(|| wrong("there is none"))?;
        let url = url.read(surroundings.variable).map_err(|why| wrong(&why))?;
        let url = Url::parse(url.reveal()).map_err(|error| wrong(&error.to_string()))?;
        if !schemes.contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
            return Err(wrong(&format!(
                "it begins with {}://",
                schemes.join(":// or ")
            )));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers.iter().flatten() {
            let value = value
                .read(surroundings.variable)
                .map_err(|why| Error::new(format!("cannot read the header {name:?}: {why}")))?;
            let (name, value) = header(&format!("{name}: {}", value.reveal()))
                .map_err(|error| Error::new(error.to_string()))?;
            headers.append(name, value);
        }
        Ok(Request {
            url,
            headers,
            bearer: kept(
                "bearer",
                self.bearer_env.as_deref(),
                &self.bearer_file,
                surroundings,
            )?,
        })
    }
}

/// A secret that is in a variable or in a file. It is looked at once here, so that one that is missing
/// is told before anything is to be sent.
fn kept(
    key: &str,
    variable: Option<&str>,
    file: &Option<PathBuf>,
    surroundings: &Surroundings,
) -> Result<Option<Bearer>, Error> {
    let kept = match (variable, file) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(
                Error::new(format!("there are both {key}_env and {key}_file"))
                    .with_hint("leave one of them out"),
            );
        }
        (Some(name), None) => {
            let secret = secret::variable(name, surroundings.variable);
            Bearer::Token(secret.map_err(|why| Error::new(format!("cannot use {key}_env: {why}")))?)
        }
        (None, Some(path)) => Bearer::File(path.clone()),
    };
    match kept.read() {
        Ok(secret) if secret.reveal().is_empty() => {
            Err(Error::new(format!("cannot use {key}_file: it is empty")))
        }
        Ok(_) => Ok(Some(kept)),
        Err(error) => Err(Error::new(format!("cannot use {key}_file: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use birl_net::Proxies;

    use super::*;

    fn surroundings() -> Surroundings {
        Surroundings {
            variable: |name| match name {
                "HOOK" => Some("https://hooks.example.org/s3cret".to_owned()),
                "KEY" => Some(" s3cret\n".to_owned()),
                "EMPTY" => Some(" ".to_owned()),
                _ => None,
            },
            proxies: Proxies::default(),
            stdout: Arc::new(Mutex::new(Vec::new())),
            rooms: Arc::new(Chats),
        }
    }

    fn config(toml: &str) -> Config {
        toml::from_str(toml).unwrap_or_else(|error| panic!("{toml}: {error}"))
    }

    fn wrong(toml: &str) -> String {
        match toml::from_str::<Config>(toml) {
            Err(error) => error.message().to_owned(),
            Ok(config) => config.open("ops", &surroundings()).unwrap_err().to_string(),
        }
    }

    use crate::places::Posted;

    /// One chat.
    #[derive(Debug)]
    struct Chats;

    #[async_trait::async_trait]
    impl crate::places::Rooms for Chats {
        fn chats(&self) -> Vec<String> {
            vec!["ops".to_owned()]
        }

        async fn post(
            &self,
            _: &str,
            room: &str,
            _: String,
            _: Option<&Posted>,
        ) -> Result<Posted, String> {
            Ok(Posted {
                room: room.to_owned(),
                ids: Vec::new(),
            })
        }

        async fn edit(&self, _: &str, _: &Posted, _: String) -> Result<bool, String> {
            Ok(false)
        }
    }

    const EXAMPLES: [(&str, &str); 9] = [
        (
            "webhook",
            "webhook = \"https://h/s3cret\"\nformat = \"alertmanager\"\nsign_env = \"KEY\"\n\
             headers = { X-Key = \"s3cret\", X-Own = { env = \"KEY\" } }\nbearer_env = \"KEY\"\n\
             timeout = \"5s\"\nmax_per_minute = 3",
        ),
        ("slack", "slack = { env = \"HOOK\" }"),
        ("mattermost", "mattermost = \"http://h/hooks/s3cret\""),
        (
            "discord",
            "discord = \"https://discord.com/api/webhooks/1/s3cret\"",
        ),
        ("ws", "ws = \"wss://h/s3cret\"\nsubscribe = [\"hello\"]"),
        ("file", "file = \"alerts.json\"\nformat = \"text\""),
        ("stdout", "stdout = true"),
        (
            "command",
            "command = [\"logger\", \"{rule} s3cret\"]\ntimeout = \"1m\"",
        ),
        ("chat", "chat = \"ops\"\nroom = \"#ops\"\ntimeout = \"1m\""),
    ];

    #[tokio::test]
    async fn each_kind_has_an_example_that_opens_and_shows_no_secret() {
        for ((kind, example), (known, _)) in EXAMPLES.into_iter().zip(KINDS) {
            assert_eq!(kind, known);
            let config = config(example);
            assert_eq!(config.kind(), Ok(kind));
            let place = config.open("ops", &surroundings()).unwrap();
            let shown = format!("{place:?} {config:?}");
            let shown = shown.replace("{rule} s3cret", "");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }

    /// A key of `Config` that `said` forgets would be taken and ignored.
    #[test]
    fn each_option_of_a_kind_is_a_key_and_each_key_an_option() {
        let unknown = toml::from_str::<Config>("x = 1").unwrap_err();
        let message = unknown.message();
        let mut keys: Vec<_> = message.split('`').skip(3).step_by(2).collect();
        keys.retain(|key| !["max_per_minute", "fold"].contains(key));
        let mut known: Vec<_> = KINDS
            .iter()
            .flat_map(|(kind, options)| [&[*kind][..], options].concat())
            .collect();
        known.sort_unstable();
        known.dedup();
        keys.sort_unstable();
        assert_eq!(keys, known);
        let all = "webhook = 'a'\nslack = 'a'\nmattermost = 'a'\ndiscord = 'a'\nws = 'a'\n\
                   file = 'a'\nstdout = true\ncommand = []\nformat = 'a'\nheaders = {}\n\
                   bearer_env = 'a'\nbearer_file = 'a'\nsign_env = 'a'\nsign_file = 'a'\n\
                   subscribe = []\nca_file = 'a'\ntimeout = '1s'\nchat = 'a'\nroom = 'a'";
        let mut said = config(all).said();
        said.sort_unstable();
        assert_eq!(said, known);
    }

    #[test]
    fn what_is_wrong_is_told_with_what_to_do_and_without_secrets() {
        let cases = [
            (
                "webhook = 'https://h/'\nfile = 'a'",
                "it is webhook and file, but a place is one of webhook, slack, mattermost, discord, ws, \
                 file, stdout, command, chat\n\nhint: make two places, and send to both: send = [\"a\", \"b\"]",
            ),
            (
                "timeout = '1s'",
                "nothing says what it is: one of webhook, slack, mattermost, discord, ws, file, stdout, \
                 command, chat\n\nhint: for example webhook = \"https://hooks.example.org/T0\"",
            ),
            (
                "file = 'a'\nsign_env = 'KEY'",
                "sign_env means nothing to a place that is file: its options are format, max_per_minute, fold",
            ),
            (
                "slack = 's3cret'",
                "slack is no URL to send to: relative URL without a base",
            ),
            (
                "slack = 'ftp://s3cret/'",
                "slack is no URL to send to: it begins with http:// or https://",
            ),
            (
                "ws = 'https://s3cret/'",
                "ws is no URL to send to: it begins with ws:// or wss://",
            ),
            (
                "slack = { env = 'NONE' }",
                "slack is no URL to send to: the variable NONE is not set",
            ),
            (
                "slack = 1",
                "invalid type: integer `1`, expected a text, { env = \"NAME\" } or { file = \"PATH\" }",
            ),
            (
                "slack = { env = 'A', file = 'B' }",
                "a text is in env or in file, not in both",
            ),
            (
                "webhook = 'https://h/'\nformat = 'xml'",
                "there is no format \"xml\" here: it is birl or alertmanager",
            ),
            (
                "webhook = 'https://h/'\nbearer_env = 'EMPTY'",
                "cannot use bearer_env: the variable EMPTY is empty",
            ),
            (
                "webhook = 'https://h/'\nbearer_file = '/nonexistent'",
                "cannot use bearer_file: cannot read the token in \"/nonexistent\": no such file or directory",
            ),
            (
                "webhook = 'https://h/'\nca_file = '/nonexistent'",
                "cannot use ca_file: cannot read \"/nonexistent\": no such file or directory",
            ),
            (
                "webhook = 'https://h/'\nheaders = { 'a b' = 's3cret' }",
                "\"a b\" is no name of a header",
            ),
            (
                "stdout = true\nmax_per_minute = 0",
                "invalid value: integer `0`, expected a nonzero u32",
            ),
            (
                "command = []",
                "command is a program and its arguments: [\"prog\", \"{rule}\"]",
            ),
            (
                "command = ['a']\ntimeout = '5'",
                "5 has no unit; the units are w, d, h, m, s and ms, as in 5m",
            ),
            (
                "command = ['/nonexistent/prog']",
                "there is no program \"/nonexistent/prog\"",
            ),
            (
                "chat = 'dev'\nroom = '#dev'",
                "there is no chat \"dev\"\n\nhint: the chats are ops",
            ),
            (
                "chat = 'ops'",
                "nothing says in which room\n\nhint: for example room = \"#ops\"",
            ),
        ];
        for (toml, expected) in cases {
            assert_eq!(wrong(toml), expected, "{toml}");
        }
    }

    #[test]
    fn rooms_are_spared_unless_told_otherwise() {
        let most = |toml| config(toml).max_per_minute().map(NonZeroU32::get);
        assert_eq!(most("slack = 'https://h/'"), Some(30));
        assert_eq!(most("slack = 'https://h/'\nmax_per_minute = 3"), Some(3));
        assert_eq!(most("chat = 'ops'\nroom = '#ops'"), Some(30));
        assert_eq!(most("webhook = 'https://h/'"), None);
        let fold = |toml| config(toml).fold().map(|fold| fold.as_secs());
        assert_eq!(fold("chat = 'ops'\nroom = '#ops'"), Some(30));
        assert_eq!(fold("chat = 'ops'\nfold = '2m'"), Some(120));
        assert_eq!(fold("chat = 'ops'\nfold = '0s'"), None);
        assert_eq!(fold("slack = 'https://h/'"), None);
        assert_eq!(fold("stdout = true\nfold = '5s'"), Some(5));
    }
}
