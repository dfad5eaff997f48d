//! What rules look for in windows and records, by their kinds.
//!
//! Most kinds are a query and a condition over its answer, and need nothing of their own. Here are
//! those that remember what was before.

mod change;
mod flatline;
mod known;
mod new_term;
mod spike;

use serde_json::{Map, Value, json};

use crate::alert::Window;
use crate::config::{Kind, Rule};
use crate::life::Group;
use change::Change;
use flatline::Flatline;
pub(crate) use new_term::NewTerm;
use spike::Spike;

/// A row of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// By the names of its columns.
    pub(crate) values: Map<String, Value>,
    /// Whether the condition of the rule is true of it.
    pub(crate) holds: bool,
}

/// A group that is to be told of, and what of it.
pub(crate) type Found = (Group, Map<String, Value>);

/// What of a rule remembers.
#[derive(Debug)]
pub(crate) enum Judge {
    /// Nothing: rows say of themselves whether they are to be told.
    Rows,
    Spike(Spike),
    Flatline(Flatline),
    NewTerm(NewTerm),
    Change(Change),
}

impl Judge {
    pub(crate) fn new(rule: &Rule) -> Self {
        match &rule.kind {
            Kind::Spike { .. } => Self::Spike(Spike::new(rule)),
            Kind::Flatline { .. } => Self::Flatline(Flatline::new(rule)),
            Kind::NewTerm { .. } => Self::NewTerm(NewTerm::new(rule)),
            Kind::Change { field } => Self::Change(Change::new(field)),
            Kind::Threshold { .. }
            | Kind::Any
            | Kind::Frequency { .. }
            | Kind::Cardinality { .. }
            | Kind::Percentage { .. }
            | Kind::Listed { .. } => Self::Rows,
        }
    }

    /// From when on the rule sees all records.
    pub(crate) fn begin(&mut self, at: i64) {
        match self {
            Self::Spike(spike) => spike.begin(at),
            Self::Flatline(flatline) => flatline.begin(at),
            Self::Rows | Self::NewTerm(_) | Self::Change(_) => {}
        }
    }

    /// The groups of a window that are to be told of. `is_whole` says whether all of the window has
    /// been seen: the end of a log may lie in it.
    pub(crate) fn window(
        &mut self,
        window: Window,
        rows: Vec<(Group, Row)>,
        is_whole: bool,
    ) -> Vec<Found> {
        match self {
            Self::Spike(spike) => spike.window(window, &counts(&rows), is_whole),
            Self::Flatline(flatline) => flatline.window(window, &counts(&rows), is_whole),
            Self::Rows | Self::NewTerm(_) | Self::Change(_) => {
                let rows = rows.into_iter().filter(|(_, row)| row.holds);
                rows.map(|(group, row)| (group, row.values)).collect()
            }
        }
    }

    /// The groups that are no longer looked at since the last window, so that nothing more can be said
    /// of them.
    pub(crate) fn take_forgotten(&mut self) -> Vec<Group> {
        match self {
            Self::Flatline(flatline) => flatline.take_forgotten(),
            _ => Vec::new(),
        }
    }

    /// Whether a record, which was at `time`, is to be told of, and as which group.
    pub(crate) fn record(&mut self, group: Group, row: Row, time: i64) -> Option<Found> {
        match self {
            Self::NewTerm(terms) => terms.record(group, row.values, time),
            Self::Change(change) => change.record(group, row.values, time),
            Self::Rows | Self::Spike(_) | Self::Flatline(_) => {
                row.holds.then_some((group, row.values))
            }
        }
    }

    /// What it remembers, but for what is of [windows](Self::windows): it may have to begin with new ones.
    /// Of terms it remembers more than can be written down each time.
    pub(crate) fn memory(&self) -> Value {
        match self {
            Self::Flatline(flatline) => json!(flatline.groups()),
            Self::Change(change) => json!(change.values()),
            Self::NewTerm(terms) => json!(terms.began()),
            Self::Rows | Self::Spike(_) => Value::Null,
        }
    }

    /// Takes up what it remembered.
    ///
    /// # Errors
    /// Fails where that was written by a rule of another kind.
    pub(crate) fn restore(&mut self, memory: Value) -> serde_json::Result<()> {
        match self {
            Self::Flatline(flatline) => flatline.restore(serde_json::from_value(memory)?),
            Self::Change(change) => change.restore(serde_json::from_value(memory)?),
            Self::NewTerm(terms) => terms.restore(serde_json::from_value(memory)?),
            Self::Rows | Self::Spike(_) => {}
        }
        Ok(())
    }

    /// What it remembers of windows: that is of use where the next ones follow on them.
    pub(crate) fn windows(&self) -> Value {
        match self {
            Self::Spike(spike) => json!(spike.windows()),
            Self::Flatline(flatline) => json!(flatline.windows()),
            Self::Rows | Self::NewTerm(_) | Self::Change(_) => Value::Null,
        }
    }

    /// Takes up what it remembered of windows.
    ///
    /// # Errors
    /// Fails where that was written by a rule of another kind.
    pub(crate) fn restore_windows(&mut self, windows: Value) -> serde_json::Result<()> {
        match self {
            Self::Spike(spike) => spike.restore_windows(serde_json::from_value(windows)?),
            Self::Flatline(flatline) => flatline.restore_windows(serde_json::from_value(windows)?),
            Self::Rows | Self::NewTerm(_) | Self::Change(_) => {}
        }
        Ok(())
    }

    /// Windows that come do not follow on those before.
    pub(crate) fn forget_windows(&mut self) {
        match self {
            Self::Spike(spike) => spike.forget_windows(),
            Self::Flatline(flatline) => flatline.forget_windows(),
            Self::Rows | Self::NewTerm(_) | Self::Change(_) => {}
        }
    }

    /// How many groups or terms it has forgotten, since there was no room for them.
    pub(crate) fn forgotten(&self) -> u64 {
        match self {
            Self::NewTerm(terms) => terms.forgotten(),
            Self::Change(change) => change.forgotten(),
            Self::Rows | Self::Spike(_) | Self::Flatline(_) => 0,
        }
    }

    /// The terms that it knows, where it is about terms.
    pub(crate) fn terms(&mut self) -> Option<&mut NewTerm> {
        match self {
            Self::NewTerm(terms) => Some(terms),
            _ => None,
        }
    }
}

/// The text of a value, as it stands in groups and messages; nothing of one that is missing.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The name of the column of counts, where birl counts for a rule.
pub(crate) const COUNT: &str = "count";

/// How many records of each group there are.
fn counts(rows: &[(Group, Row)]) -> Vec<(Group, u64)> {
    let counts = rows.iter().map(|(group, row)| {
        let count = row.values.get(COUNT).and_then(Value::as_u64);
        (group.clone(), count.unwrap_or_default())
    });
    counts.collect()
}

/// The columns of a group.
fn columns_of(group: &Group) -> Map<String, Value> {
    let columns = group.iter();
    columns
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect()
}
