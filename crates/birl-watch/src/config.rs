//! `birl.toml`: sources, rules over them, and the places that alerts go to.
//!
//! What is wrong in it is told with its line, what is allowed there, and what was likely meant.

mod error;
mod keys;
mod resolve;

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use birl_record::time::Clock;
use birl_source::follow::Start;
use birl_source::live;
use jiff::tz::TimeZone;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use toml::Spanned;

use crate::asked::Surroundings;
use crate::matcher::Matcher;
use crate::places;

pub use error::{Error, Text};

/// Reads a size in bytes: `65536`, `64K`, `1M`, `1MiB`. It is not 0.
///
/// # Errors
/// Says what would be right.
pub fn size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let bytes = match &text[digits.len()..] {
        "" => Some(1),
        "K" | "KiB" => Some(1 << 10),
        "M" | "MiB" => Some(1 << 20),
        "G" | "GiB" => Some(1 << 30),
        _ => None,
    }
    .and_then(|unit: usize| digits.parse::<usize>().ok()?.checked_mul(unit));
    match bytes {
        Some(0) => Err("it is at least 1".to_owned()),
        Some(bytes) => Ok(bytes),
        None => Err("it is a number of bytes, such as 65536, 64K or 1MiB".to_owned()),
    }
}

/// A file of rules, checked as far as that goes without its sources.
#[derive(Clone, Debug)]
pub struct Config {
    /// What it was read from, as errors name it.
    pub file: PathBuf,
    /// Where the state is kept, if that was said.
    pub state: Option<PathBuf>,
    /// The socket that `birl status` asks, if that was said.
    pub status: Option<PathBuf>,
    /// Where Prometheus finds metrics, if anywhere: an address of this machine that nobody else reaches.
    pub metrics: Option<SocketAddr>,
    /// The sources, in the order of the file.
    pub sources: Vec<Source>,
    /// The rules, in the order of the file; there is at least one, unless the file has chats.
    pub rules: Vec<Rule>,
    /// The places, in the order of the file.
    pub places: Vec<Place>,
    /// When alerts are held back.
    pub silences: Vec<Silence>,
}

/// What records are read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Its name in the file.
    pub name: String,
    /// Paths, globs and addresses, as on the command line.
    pub from: Vec<String>,
    /// Commands whose output is read: a program and its arguments.
    pub commands: Vec<Vec<String>>,
    /// How what is live is read, without what the environment has to say.
    pub live: live::Options,
    /// The variable that has a bearer token.
    pub bearer_env: Option<String>,
    /// The format of all of it; without one it is found.
    pub input_format: Option<String>,
    /// The zone of times that name none.
    pub input_zone: TimeZone,
    /// Where reading begins in files that are there when birl begins.
    pub start: Start,
    /// Whether directories are read with their hidden files.
    pub hidden: bool,
    /// How long a record that may go on is waited for.
    pub record_wait: Option<Duration>,
    /// How much older than the newest record of its source a record may be, and still count.
    pub lateness: Option<Duration>,
    /// When nothing has come for so long, it is not waited for.
    pub idle: Option<Duration>,
    /// Where it stands in the file.
    pub line: usize,
}

/// Where alerts go.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its name in the file.
    pub name: String,
    /// The line of the file that it begins at, the first being 1.
    pub line: usize,
    /// What it is.
    pub config: places::Config,
}

/// When something is to be said, and to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name in the file.
    pub name: String,
    /// The line of the file that it begins at, the first being 1.
    pub line: usize,
    /// What it looks for.
    pub kind: Kind,
    /// What it asks, as typed.
    pub query: String,
    /// The names of the sources that it asks; all where it names none.
    pub sources: Vec<String>,
    /// The windows that it is asked over, of the kinds that have windows.
    pub window: Duration,
    /// How far each window lies behind the one before.
    pub slide: Duration,
    /// Each group has an alert of its own.
    pub group_by: Vec<String>,
    /// The names of the places that its alerts go to.
    pub send: Vec<String>,
    /// What people read, with `{column}` in it; as the kind has it where nothing is said.
    pub text: Option<String>,
    /// How long after an alert it is said again, if it still fires.
    pub repeat: Option<Duration>,
    /// Who else is told of an alert that nobody looks after.
    pub escalate: Option<Escalate>,
    /// How long the condition has to be false before the alert is over.
    pub resolve: Duration,
    /// Whether it is told that an alert is over.
    pub tells_resolved: bool,
    /// As long as one of these rules fires for the same group, nothing is sent.
    pub unless: Vec<String>,
    /// So many records are given with an alert.
    pub samples: usize,
}

/// Who else is told of an alert that is open, and that nobody looks after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalate {
    /// How long after it was told first.
    pub after: Duration,
    /// The names of the places.
    pub to: Vec<String>,
}

/// What a rule looks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Rows of the answer of which a condition is true.
    Threshold {
        /// SQL over the columns of the answer.
        when: String,
    },
    /// Any record.
    Any,
    /// So many records in a window.
    Frequency {
        /// From here on it fires.
        at_least: u64,
    },
    /// Many more records than in the windows before, or many fewer.
    Spike {
        /// Which of the two.
        direction: Direction,
        /// So many times as many, or as few.
        factor: f64,
        /// With the mean of so many windows it is compared.
        windows: usize,
        /// Fewer records than this in the larger of the two say nothing.
        at_least: u64,
    },
    /// Too few records.
    Flatline {
        /// Below this it fires.
        at_least: u64,
        /// A group of which nothing came for so long is no longer waited for.
        forget: Duration,
    },
    /// A value that has not been seen for long.
    NewTerm {
        /// The fields whose values, taken together, are the term.
        fields: Vec<String>,
        /// What was seen within this time is not new.
        within: Duration,
        /// For so long after the first record all terms are learned, and none is told.
        learn: Duration,
    },
    /// A value that is another one than before.
    Change {
        /// The field.
        field: String,
    },
    /// How many different values a field has in a window.
    Cardinality {
        /// The field.
        field: String,
        /// It fires where there are more.
        above: Option<f64>,
        /// It fires where there are fewer.
        below: Option<f64>,
    },
    /// How many of a hundred records a search finds.
    Percentage {
        /// The search.
        matching: String,
        /// It fires where there are more.
        above: Option<f64>,
        /// It fires where there are fewer.
        below: Option<f64>,
        /// Fewer records than this say nothing.
        at_least: u64,
    },
    /// Records whose field is on a list, or not on it.
    Listed {
        /// The field.
        field: String,
        /// The list.
        values: BTreeSet<String>,
        /// Whether what is on the list is fine, and all else is told.
        allows: bool,
    },
}

/// Which way a spike goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More than before.
    Up,
    /// Less than before.
    Down,
    /// Either.
    Both,
}

/// When alerts are held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Its name in the file.
    pub name: String,
    /// Which alerts.
    pub matcher: Matcher,
    /// When it begins, in nanoseconds since 1970.
    pub from: i64,
    /// When it is over.
    pub until: i64,
}

impl Config {
    /// Reads a file of rules. `clock` says from where moments are looked at, as in the `until` of a
    /// silence; lists that rules have in files are read from there.
    ///
    /// # Errors
    /// Fails at the first thing that is wrong.
    pub fn parse(text: &str, file: &Path, clock: &Clock) -> Result<Self, Error> {
        let text = Text { file, text };
        let keys = toml::from_str(text.text).map_err(|error| text.of_toml(&error))?;
        resolve::config(keys, text, clock)
    }
}

impl Place {
    /// Makes the place; nothing is sent or connected to.
    ///
    /// # Errors
    /// Fails where a secret is not where it should be, or an option has no place there.
    pub fn open(
        &self,
        file: &Path,
        around: &Surroundings,
    ) -> Result<std::sync::Arc<dyn crate::Place>, Error> {
        self.config
            .open(&self.name, &around.places)
            .map_err(|error| {
                let message = format!("place {:?}: {}", self.name, error.message());
                let wrong = Error::at_line(file, self.line, message);
                match error.hint() {
                    Some(hint) => wrong.with_hint(hint),
                    None => wrong,
                }
            })
    }
}

impl Kind {
    /// Its name in the file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Threshold { .. } => "threshold",
            Self::Any => "any",
            Self::Frequency { .. } => "frequency",
            Self::Spike { .. } => "spike",
            Self::Flatline { .. } => "flatline",
            Self::NewTerm { .. } => "new_term",
            Self::Change { .. } => "change",
            Self::Cardinality { .. } => "cardinality",
            Self::Percentage { .. } => "percentage",
            Self::Listed { allows: true, .. } => "whitelist",
            Self::Listed { allows: false, .. } => "blacklist",
        }
    }

    /// Whether what it tells is of a moment, and over at once.
    pub fn tells_moments(&self) -> bool {
        matches!(self, Self::NewTerm { .. } | Self::Change { .. })
    }

    /// Whether it looks at windows of time, and not at each record.
    pub fn has_windows(&self) -> bool {
        !matches!(
            self,
            Self::Any | Self::NewTerm { .. } | Self::Change { .. } | Self::Listed { .. }
        )
    }
}

/// The tables of one kind by their names, in the order of the file.
#[derive(Debug)]
pub struct Named<T>(pub Vec<(Spanned<String>, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Tables<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Tables<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tables with a name each, such as [rule.NAME]")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut named = Vec::new();
                while let Some(entry) = map.next_entry::<Spanned<String>, T>()? {
                    named.push(entry);
                }
                named.sort_by_key(|(name, _)| name.span().start);
                Ok(Named(named))
            }
        }
        from.deserialize_map(Tables(PhantomData))
    }
}

#[cfg(test)]
mod tests;
