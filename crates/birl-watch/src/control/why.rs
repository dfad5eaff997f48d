//! Why something was told, or was not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::{Ack, Error, HeldBack, OpenAlert, Silence};
use crate::asked::Evidence;
use crate::engine::shown;
use crate::status::{Answer, Problem};
use crate::store::Store;
use crate::words::{length, moment};

/// So long may it take to find the records of an alert.
const SAMPLES_MAX: Duration = Duration::from_secs(5);

/// Why a rule fires or does not.
///
/// As text it is a line for each thing that is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// The rule's name.
    pub rule: String,
    /// What it looks for: `threshold`, `spike` and so on.
    pub kind: String,
    /// What it asks, as typed.
    pub query: String,
    /// The names of the sources that it asks.
    pub sources: Vec<String>,
    /// How long its windows are, and how far each lies behind the one before, in nanoseconds; of rules over
    /// windows.
    pub windows: Option<(i64, i64)>,
    /// When it fires, in words: `when count > 2`.
    pub condition: String,
    /// When an alert is over, in words.
    pub ends: String,
    /// The places that its alerts are sent to.
    pub send: Vec<String>,
    /// After how many nanoseconds others are told of an alert that nobody looks after, and which places.
    pub escalate: Option<(i64, Vec<String>)>,
    /// The rules that hold back its alerts while they fire for the same group.
    pub unless: Vec<String>,
    /// Its last answer.
    pub last: Option<Answer>,
    /// What is wrong with it, as long as that is so.
    pub problem: Option<Problem>,
    /// The silences, which are not over, that are of some of its alerts.
    pub silences: Vec<HeldBack>,
    /// How many times something was found and held back, since birl began.
    pub held_back: u64,
    /// How many of its alerts are open.
    pub open: u64,
    /// The alert that was asked for, or the newest few of those that are open.
    pub alerts: Vec<Explained>,
}

/// An open alert, with what is to be known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// The alert.
    #[serde(flatten)]
    pub alert: OpenAlert,
    /// Some of its records, as they stand in the log.
    pub samples: Vec<String>,
    /// A command that shows all of them; empty where they cannot be read again.
    pub ask: String,
    /// What became of it on its way to each place.
    pub places: BTreeMap<String, Delivery>,
}

/// What became of an alert on its way to a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// The place has taken it.
    Taken {
        /// When it did last, in nanoseconds since 1970.
        at: i64,
    },
    /// It waits.
    Waiting {
        /// What goes wrong with the place, if anything does.
        problem: Option<String>,
    },
    /// It was told of together with others: of its rule, or since there were too many for the place.
    Together,
    /// The place will never take it.
    Dead {
        /// Why.
        reason: String,
        /// When that was so, in nanoseconds since 1970.
        at: i64,
    },
    /// It was not told.
    NotTold,
}

/// What a run knows, to which the records and the outbox are to be added.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// Without samples, and without what became of alerts on their way.
    pub(crate) why: Why,
    /// Of each alert, by which its records are found and where; of none where it has them.
    pub(crate) records: Vec<Option<(Evidence, Range<i64>)>>,
    /// So many records are shown.
    pub(crate) samples: usize,
    /// The places that an alert is about to be put into the outbox for, and the alert's id.
    pub(crate) leaving: BTreeSet<(String, String)>,
    /// What goes wrong with places, by their names.
    pub(crate) problems: BTreeMap<String, String>,
    pub(crate) store: Store,
}

impl Gathered {
    pub(super) async fn explain(mut self) -> Result<Why, Error> {
        let alerts = self.why.alerts.iter_mut().zip(self.records);
        for (explained, records) in alerts {
            let OpenAlert {
                id, group, told, ..
            } = &explained.alert;
            if let Some((evidence, range)) = records {
                let samples = evidence.samples(group, range, self.samples);
                // Without records it is explained as well.
                if let Ok(Ok(samples)) = timeout(SAMPLES_MAX, samples).await {
                    explained.samples = samples;
                }
            }
            let mut known = self.store.deliveries(id).await?;
            for (place, delivery) in &mut explained.places {
                *delivery = match known.remove(place) {
                    Some(Delivery::Waiting { .. }) => Delivery::Waiting {
                        problem: self.problems.get(place).cloned(),
                    },
                    Some(known) => known,
                    None if told.is_none() => Delivery::NotTold,
                    None if self.leaving.contains(&(place.clone(), id.clone())) => {
                        Delivery::Waiting { problem: None }
                    }
                    None => Delivery::Together,
                };
            }
        }
        Ok(self.why)
    }
}

/// A name, and what is said of it.
type Line = (&'static str, String);

impl Why {
    /// The same for whoever may not see records: without those of alerts, and where records are what is found, without
    /// what stands in them.
    pub fn without_records(mut self) -> Self {
        let finds_records = self.windows.is_none();
        if let Some(last) = self.last.as_mut().filter(|_| finds_records) {
            last.text = "a record".to_owned();
        }
        for explained in &mut self.alerts {
            explained.samples.clear();
            explained.ask.clear();
            if finds_records {
                explained.alert.values.clear();
            }
        }
        self
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = vec![
            ("asks", self.query.replace('\n', " ")),
            ("of", self.sources.join(", ")),
        ];
        if let Some((size, slide)) = self.windows {
            let (size, each) = (nanoseconds(size), nanoseconds(slide));
            lines.push(("over", format!("windows of {size}, one each {each}")));
        }
        lines.push(("fires", self.condition.clone()));
        lines.push(("ends", self.ends.clone()));
        if !self.unless.is_empty() {
            lines.push(("unless", format!("{} fires", self.unless.join(" or "))));
        }
        lines.push((
            "tells",
            match self.send.is_empty() {
                true => "nobody: it has no send".to_owned(),
                false => self.send.join(", "),
            },
        ));
        if let Some((after, to)) = &self.escalate {
            lines.push(("then", escalation(*after, to)));
        }
        lines.push((
            "last",
            match &self.last {
                Some(last) => format!("{} at {}", last.text, moment(last.at)),
                None => "it has found nothing yet".to_owned(),
            },
        ));
        if let Some(problem) = &self.problem {
            let at = moment(problem.at);
            lines.push(("but", format!("{}, at {at}", problem.reason)));
        }
        let silences = self.silences.iter();
        lines.extend(silences.map(|silence| ("silent", silence.to_string())));
        lines.push((
            "open",
            match (self.open, self.held_back) {
                (0, 0) => "no alert".to_owned(),
                (0, held) => format!("no alert; {held} findings were held back so far"),
                (open, 0) => count(open, "alert"),
                (open, held) => {
                    format!(
                        "{}; {held} findings were held back so far",
                        count(open, "alert")
                    )
                }
            },
        ));
        lines
    }
}

impl Explained {
    fn lines(&self) -> Vec<Line> {
        let alert = &self.alert;
        let values = alert.values.iter();
        let values: Vec<_> = values
            .filter_map(|(name, value)| Some(format!("{name}={}", shown(value)?)))
            .collect();
        let mut lines = vec![
            ("says", alert.text.trim_end().to_owned()),
            ("since", moment(alert.since)),
            (
                "last",
                format!(
                    "{}, found {}",
                    moment(alert.last),
                    count(alert.found, "time")
                ),
            ),
        ];
        if !values.is_empty() {
            lines.insert(1, ("found", values.join(" ")));
        }
        if let Some(quiet) = alert.quiet {
            lines.push(("but", format!("not found since {}", moment(quiet))));
        }
        if let Some(Ack {
            by, at, comment, ..
        }) = &alert.acked
        {
            let comment = remark(comment);
            lines.push(("acked", format!("by {by} at {}{comment}", moment(*at))));
        }
        if alert.escalated {
            lines.push((
                "then",
                "others were told, since nobody looked after it".to_owned(),
            ));
        }
        let held = alert.held_back.iter();
        lines.extend(held.map(|held| ("held", format!("back by {held}"))));
        let places = self.places.iter();
        lines.extend(places.map(|(place, delivery)| ("told", format!("{place}: {delivery}"))));
        let samples = self.samples.iter();
        lines.extend(samples.map(|sample| ("record", sample.clone())));
        if !self.ask.is_empty() {
            lines.push(("more", self.ask.clone()));
        }
        lines
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "rule {}: {}", self.rule, self.kind)?;
        write_lines(f, self.lines())?;
        for explained in &self.alerts {
            let alert = &explained.alert;
            let title = format!("alert {} {}", alert.short_id(), alert.group_words());
            writeln!(f, "{}", title.trim_end())?;
            write_lines(f, explained.lines())?;
        }
        Ok(())
    }
}

fn write_lines(f: &mut fmt::Formatter<'_>, lines: Vec<Line>) -> fmt::Result {
    for (what, how) in lines {
        let how = how.replace('\n', "\n          ");
        writeln!(f, "  {what:<7} {how}")?;
    }
    Ok(())
}

impl fmt::Display for HeldBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence { number, silence } => write!(f, "silence {number}, {silence}"),
            Self::ConfiguredSilence { name, until } => {
                let until = moment(*until);
                write!(f, "silence {name} of the configuration until {until}")
            }
            Self::Rule { name } => write!(f, "rule {name}, which fires for the same group"),
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            matcher,
            from,
            until,
            by,
            comment,
        } = self;
        let (from, until) = (moment(*from), moment(*until));
        let comment = remark(comment);
        write!(f, "{matcher} from {from} until {until}, by {by}{comment}")
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { at } => write!(f, "taken at {}", moment(*at)),
            Self::Waiting { problem: None } => f.write_str("on its way"),
            Self::Waiting {
                problem: Some(problem),
            } => write!(f, "waits: {problem}"),
            Self::Together => f.write_str("told of together with others"),
            Self::Dead { reason, at } => {
                write!(
                    f,
                    "will never be taken, as was found at {}: {reason}",
                    moment(*at)
                )
            }
            Self::NotTold => f.write_str("not told"),
        }
    }
}

fn escalation(after: i64, to: &[String]) -> String {
    let (to, after) = (to.join(", "), nanoseconds(after));
    format!("{to}, when nobody has looked after it for {after}")
}

/// What somebody says, behind something.
fn remark(comment: &str) -> String {
    match comment.is_empty() {
        true => String::new(),
        false => format!(": {comment}"),
    }
}

fn count(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn nanoseconds(nanoseconds: i64) -> String {
    length(Duration::from_nanos(nanoseconds.max(0).unsigned_abs()))
}
