//! What people ask of rules that run, and tell them: who looks after an alert, what is to be silent for a
//! while, and why something was told or not.
//!
//! A [`Control`] is the handle of a [`run`](crate::run::run()) that others hold: chats, and whoever asks its
//! socket, as a [`Remote`] does. What is changed takes effect between two records, and is written down before it does, so that it
//! holds when birl runs again, however it ended.

mod asked;
mod error;
mod remote;
mod why;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot, watch};

use crate::alert::short_id;
use crate::status::Status;
use crate::store::Store;

pub use crate::matcher::Matcher;
pub use crate::store::{Ack, Group, Letter, Silence};
pub use error::Error;
pub use remote::Remote;
pub(crate) use why::Gathered;
pub use why::{Delivery, Explained, Why};

/// So many requests may wait.
const REQUESTS_MAX: usize = 64;

/// So long may be what somebody says of an ack or a silence, in characters, and their name.
const COMMENT_CHARS_MAX: usize = 1000;

/// How to talk to rules that run. A clone is the same; it may be made before the run begins, and then waits for
/// it. When the run has ended, each call fails.
///
/// Dropping a future of it gives up the answer: what was asked for may still be done.
#[derive(Clone, Debug)]
pub struct Control {
    requests: mpsc::Sender<Request>,
    status: watch::Receiver<Status>,
}

/// What a run is given to answer. Dropping it refuses all that is asked.
#[derive(Debug)]
pub struct Requests(mpsc::Receiver<Request>);

/// The two ends of what people ask a run. `status` is what the run keeps up to date.
pub fn channel(status: watch::Receiver<Status>) -> (Control, Requests) {
    let (sender, receiver) = mpsc::channel(REQUESTS_MAX);
    let control = Control {
        requests: sender,
        status,
    };
    (control, Requests(receiver))
}

/// An alert that is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenAlert {
    /// Its id, as in [`Alert`](crate::Alert).
    pub id: String,
    /// Its rule's name.
    pub rule: String,
    /// What the rule looks for: `threshold`, `spike` and so on.
    pub kind: String,
    /// The fields that the rule groups by, with their values.
    pub group: Group,
    /// When it began to fire, in nanoseconds since 1970, in the time of the records.
    pub since: i64,
    /// Where the last window ends that it was found in, or how far it has come; or when the last record was.
    pub last: i64,
    /// Since when it has not been found, where it is to be over soon.
    pub quiet: Option<i64>,
    /// In how many windows, or records, it was found.
    pub found: u64,
    /// When it was told last, in the time of the records; not yet, where it is held back.
    pub told: Option<i64>,
    /// Whether others were told as well, since nobody looked after it.
    pub escalated: bool,
    /// The row of the last answer that it was found in, by its columns' names.
    pub values: Map<String, Value>,
    /// The rule's text, filled in with these values and without samples.
    pub text: String,
    /// Who looks after it: nothing more is told until it is over.
    pub acked: Option<Ack>,
    /// What holds it back now.
    pub held_back: Vec<HeldBack>,
}

impl OpenAlert {
    /// The same, where nothing is known of what comes behind the time `newest`: a window that is open ends later.
    pub(crate) fn known_until(mut self, newest: i64) -> Self {
        self.last = self.last.min(newest.max(self.since));
        self
    }

    /// The beginning of its id, as messages show it: enough to name it in most cases.
    pub fn short_id(&self) -> &str {
        short_id(&self.id)
    }

    /// Its group as people read it, such as `service=api host=web1`; empty where the rule has none.
    pub fn group_words(&self) -> String {
        let group = self.group.iter();
        let words: Vec<_> = group
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        words.join(" ")
    }

    /// What names it in a line: `3f9a1c error-burst service=api`.
    pub fn words(&self) -> String {
        let words = format!("{} {} {}", self.short_id(), self.rule, self.group_words());
        words.trim_end().to_owned()
    }
}

/// Why an alert is not told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum HeldBack {
    /// A silence that somebody has asked for.
    Silence {
        /// Its number.
        number: i64,
        /// What it says.
        silence: Silence,
    },
    /// A silence of the configuration.
    ConfiguredSilence {
        /// Its name.
        name: String,
        /// When it is over, in nanoseconds since 1970.
        until: i64,
    },
    /// Another rule fires for the same group, unless which the rule is told.
    Rule {
        /// Its name.
        name: String,
    },
}

/// What is asked, and who is to be answered.
#[derive(Debug)]
pub(crate) enum Request {
    Alerts(Reply<Vec<OpenAlert>>),
    Ack {
        alert: String,
        by: String,
        comment: String,
        reply: Reply<OpenAlert>,
    },
    Unack {
        alert: String,
        reply: Reply<OpenAlert>,
    },
    Silence(Silence, Reply<i64>),
    Unsilence(i64, Reply<Option<Silence>>),
    Silences(Reply<BTreeMap<i64, Silence>>),
    Why(String, Reply<Gathered>),
    Store(Reply<Store>),
    Letters(Letters, Vec<i64>, Reply<Vec<Letter>>),
}

/// What is done with dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Letters {
    /// They are looked at.
    Look,
    /// They are sent once more, behind what waits for their places.
    Resend,
    /// They are forgotten.
    Drop,
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

impl Requests {
    pub(crate) async fn next(&mut self) -> Option<Request> {
        self.0.recv().await
    }
}

impl Control {
    /// The alerts that are open, the newest first; also those that somebody looks after and that are held back.
    ///
    /// # Errors
    /// Fails where the run has ended.
    pub async fn alerts(&self) -> Result<Vec<OpenAlert>, Error> {
        self.ask(Request::Alerts).await
    }

    /// `by` looks after an alert: it is not told again until it is over, which is told. Whoever did so before
    /// is relieved.
    ///
    /// `alert` is the id of an open alert or how it begins, four characters at least; or the name of a rule, of
    /// which one alert is open.
    ///
    /// # Errors
    /// Fails where there is no such alert, or several; where it cannot be written down; and where the run has
    /// ended.
    pub async fn ack(&self, alert: &str, by: &str, comment: &str) -> Result<OpenAlert, Error> {
        is_short(by, "a name")?;
        is_short(comment, "a comment")?;
        let (alert, by, comment) = (alert.to_owned(), by.to_owned(), comment.to_owned());
        self.ask(|reply| Request::Ack {
            alert,
            by,
            comment,
            reply,
        })
        .await
    }

    /// Nobody looks after an alert any more, so that it is told again as its rule says. It is given as it was,
    /// with who did.
    ///
    /// # Errors
    /// As [`ack`](Self::ack); and where nobody has looked after it.
    pub async fn unack(&self, alert: &str) -> Result<OpenAlert, Error> {
        let alert = alert.to_owned();
        self.ask(|reply| Request::Unack { alert, reply }).await
    }

    /// Holds alerts back for a time; gives the number by which that can be ended.
    ///
    /// It is as a silence of the configuration: an alert that still fires when it is over is told then. Times
    /// are those of the records; but of one that has begun, all that is found from now on is held back, however
    /// late the records are.
    ///
    /// # Errors
    /// Fails where it is over already, or no alert could be meant; where it cannot be written down; and where the
    /// run has ended.
    pub async fn silence(&self, silence: Silence) -> Result<i64, Error> {
        is_short(&silence.by, "a name")?;
        is_short(&silence.comment, "a comment")?;
        self.ask(|reply| Request::Silence(silence, reply)).await
    }

    /// Ends a silence at once, and gives what it was; nothing where there is none of this number.
    ///
    /// # Errors
    /// Fails where that cannot be written down, and where the run has ended.
    pub async fn unsilence(&self, number: i64) -> Result<Option<Silence>, Error> {
        self.ask(|reply| Request::Unsilence(number, reply)).await
    }

    /// The silences that people have asked for and that are not over, by their numbers.
    ///
    /// # Errors
    /// Fails where the run has ended.
    pub async fn silences(&self) -> Result<BTreeMap<i64, Silence>, Error> {
        self.ask(Request::Silences).await
    }

    /// Why a rule fires or does not, or an alert was told or not: by the name of a rule, or an alert as
    /// [`ack`](Self::ack) takes it.
    ///
    /// The records of an alert are read again from their files, which may take some seconds.
    ///
    /// # Errors
    /// Fails where there is neither a rule nor an open alert of that name, and where the run has ended.
    pub async fn why(&self, rule_or_alert: &str) -> Result<Why, Error> {
        let name = rule_or_alert.to_owned();
        let gathered = self.ask(|reply| Request::Why(name, reply)).await?;
        gathered.explain().await
    }

    /// Where the run keeps what must not be forgotten.
    ///
    /// # Errors
    /// Fails where the run has ended.
    pub async fn store(&self) -> Result<Store, Error> {
        self.ask(Request::Store).await
    }

    /// Does something with the alerts that their places will never take: those of these numbers, or all where none is
    /// given. Those that there are, or were, are given, the oldest first.
    ///
    /// # Errors
    /// Fails where that cannot be written down, and where the run has ended.
    pub async fn letters(&self, what: Letters, numbers: &[i64]) -> Result<Vec<Letter>, Error> {
        let numbers = numbers.to_vec();
        self.ask(|reply| Request::Letters(what, numbers, reply))
            .await
    }

    /// How all of it is, as `birl status` shows it. There is no secret in it.
    pub fn status(&self) -> Status {
        Status {
            at: crate::store::now(),
            ..self.status.borrow().clone()
        }
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let sent = self.requests.send(request(reply)).await;
        sent.map_err(|_| Error::ended())?;
        answer.await.unwrap_or_else(|_| Err(Error::ended()))
    }
}

fn is_short(text: &str, what: &str) -> Result<(), Error> {
    match text.chars().nth(COMMENT_CHARS_MAX) {
        None => Ok(()),
        Some(_) => Err(Error::new(format!(
            "{what} has at most {COMMENT_CHARS_MAX} characters"
        ))),
    }
}
