//! How things are: sources, rules and places, for `birl status` and for Prometheus.
//!
//! The engine and the outbox keep one [`Status`] up to date. It holds no secret: places are told by
//! their kind, and failures without what is behind the host in a URL.

mod metrics;
mod socket;

use serde::{Deserialize, Serialize};

pub use metrics::{Metrics, MetricsError};
pub(crate) use socket::ask;
pub use socket::{Socket, SocketError, paths, read};

/// How a `birl run` is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The version of birl.
    pub version: String,
    /// The number of the process.
    pub process: u32,
    /// The file that it runs.
    pub config: String,
    /// When it began, in nanoseconds since 1970.
    pub since: i64,
    /// When this was so, in nanoseconds since 1970.
    pub at: i64,
    /// Why nothing can be remembered, as long as that is so; nothing more is read then.
    pub problem: Option<Problem>,
    /// The sources, in the order of the configuration.
    pub sources: Vec<Source>,
    /// The rules, in the order of the configuration.
    pub rules: Vec<Rule>,
    /// The places, by their names.
    pub places: Vec<Place>,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// When, in nanoseconds since 1970.
    pub at: i64,
    /// What, for people.
    pub reason: String,
}

/// How a source is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its name in the configuration.
    pub name: String,
    /// How many lines it has given since birl began; not known if `None`, as in all that follow.
    pub lines: Option<u64>,
    /// How many bytes it has given since birl began.
    pub bytes: Option<u64>,
    /// How many lines a second it has given of late.
    pub lines_per_second: Option<f64>,
    /// How many bytes of its files are known to be there, and have not been read.
    pub unread_bytes: Option<u64>,
    /// How far the rules that ask it have come, in nanoseconds since 1970: the time of its newest record,
    /// or, where nothing comes, what the clock shows less what may come late.
    pub newest: Option<i64>,
    /// How far that is behind the clock, in seconds.
    pub lag_seconds: Option<f64>,
    /// How many times something was missed.
    pub gaps: Option<u64>,
    /// How many records were dropped, since they came faster than they were taken.
    #[serde(default)]
    pub dropped: Option<u64>,
    /// What went wrong last, as long as it has not been mended.
    pub problem: Option<Problem>,
}

/// How a rule is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name in the configuration.
    pub name: String,
    /// What it looks for: `threshold`, `spike` and so on.
    pub kind: String,
    /// Its last answer.
    pub last: Option<Answer>,
    /// How many of its alerts are open.
    pub open: u64,
    /// How many alerts it has given since birl began.
    pub alerts: u64,
    /// How many alerts were not sent, since they are silenced or another rule fires.
    pub silenced: u64,
    /// How many groups or terms it has forgotten, since there was no room for them.
    #[serde(default)]
    pub forgotten: u64,
    /// What went wrong last, as long as it has not been mended.
    pub problem: Option<Problem>,
}

/// The last answer of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// When, in nanoseconds since 1970.
    pub at: i64,
    /// Its first row, for people: one line.
    pub text: String,
}

/// How a place is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Its name in the configuration.
    pub name: String,
    /// What it is: `webhook`, `slack` and so on; `gone` if alerts wait for one that is no more in the
    /// configuration.
    pub kind: String,
    /// How many alerts wait to be sent.
    pub waiting: u64,
    /// How many alerts it has taken since birl began.
    pub taken: u64,
    /// How many alerts were told of together since birl began, since there were too many.
    pub held_back: u64,
    /// How many alerts it would not take: they are kept as dead letters.
    pub dead: u64,
    /// How many times in a row it has not taken an alert.
    pub failures: u32,
    /// When it took an alert last, in nanoseconds since 1970.
    pub last_taken: Option<i64>,
    /// Why it did not take an alert last, as long as it has not taken one since.
    pub problem: Option<Problem>,
    /// When it will be tried again, in nanoseconds since 1970.
    pub next_try: Option<i64>,
}
