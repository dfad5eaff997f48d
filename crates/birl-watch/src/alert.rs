//! What a rule says when it fires, and when all is well again.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::deliver::HELD_BACK;
use crate::deliver::summary::FOLDED;

/// One row of a rule's answer that its condition is true of, or that it was true of and is no longer.
///
/// It is written as JSON with these names, into the outbox and to webhooks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// A hash of the rule, the group and the beginning of the window: the same alert has the same id
    /// however often it is sent, so that a receiver can drop a repeat. Its resolved notice has it too.
    pub id: String,
    /// The rule's name in the configuration.
    pub rule: String,
    /// Whether it fires or is over.
    pub state: State,
    /// The fields that the rule groups by, with their values as text, in the rule's order.
    pub group: Vec<(String, String)>,
    /// The window that the answer is of, where the rule has windows.
    pub window: Option<Window>,
    /// When the alert began to fire, in nanoseconds since 1970, in the time of the records.
    pub since: i64,
    /// When this was found, in nanoseconds since 1970: the records' time in a replay, else the clock's.
    pub at: i64,
    /// What people read: the rule's template, filled in.
    pub text: String,
    /// The row of the answer, by its columns' names.
    pub values: Map<String, Value>,
    /// Whether it was told to others as well, since nobody looked after it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub escalated: bool,
    /// Some of the records that it is about, as they stand in the log.
    pub samples: Vec<String>,
    /// A command line that shows all of the records, with their range of time; empty where they cannot be
    /// read again, since they came over a socket.
    pub ask: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_false(value: &bool) -> bool {
    !value
}

/// So many characters of an id are shown to people: enough to name an alert in most cases.
const SHORT_ID_CHARS: usize = 6;

/// The beginning of an id, as people are shown it.
pub(crate) fn short_id(id: &str) -> &str {
    match id.char_indices().nth(SHORT_ID_CHARS) {
        Some((end, _)) => &id[..end],
        None => id,
    }
}

impl Alert {
    /// The beginning of its id, as messages show it: enough to name it in most cases.
    pub fn short_id(&self) -> &str {
        short_id(&self.id)
    }

    /// The rule whose alerts it tells of together, which came soon after one of that rule was told of.
    pub fn folded_rule(&self) -> Option<&str> {
        let is_told_together = self.rule == HELD_BACK;
        let rule = self.values.get(FOLDED).filter(|_| is_told_together);
        rule.and_then(Value::as_str)
    }

    /// The samples that its text does not show: a rule may have put them there, on lines of their own.
    pub fn samples_beside_text(&self) -> impl Iterator<Item = &String> {
        let shows = |sample: &str| {
            let first = sample.lines().next();
            first.is_some_and(|first| self.text.lines().any(|line| line == first))
        };
        self.samples.iter().filter(move |sample| !shows(sample))
    }

    /// The document of JSON, on one line, that webhooks, files and commands are given.
    pub fn document(&self) -> String {
        crate::places::json(self)
    }
}

/// Whether an alert fires or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The rule's condition is true.
    Firing,
    /// It was, and is no longer.
    Resolved,
}

/// A window of event time, in nanoseconds since 1970; the end is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Where it begins.
    pub start: i64,
    /// Where it ends.
    pub end: i64,
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// An alert as a rule of the guide gives it.
    pub(crate) fn alert() -> Alert {
        let window = Window {
            start: 1_773_497_100_000_000_000,
            end: 1_773_497_160_000_000_000,
        };
        Alert {
            id: "9f86d081884c7d65".to_owned(),
            rule: "error-burst".to_owned(),
            state: State::Firing,
            group: vec![("service".to_owned(), "api".to_owned())],
            window: Some(window),
            since: window.start + 5_000_000_000,
            at: window.end,
            text: "api: 73 errors in a minute".to_owned(),
            values: Map::from_iter([
                ("service".to_owned(), "api".into()),
                ("count".to_owned(), 73.into()),
            ]),
            escalated: false,
            samples: vec![r#"{"level":"error","message":"timeout"}"#.to_owned()],
            ask: "birl --since 14:05 --until 14:06 'level:error' app.log".to_owned(),
        }
    }

    /// An alert that is too long for any message.
    pub(crate) fn endless() -> Alert {
        let long = "é<_`𝄞 & ".repeat(10_000);
        Alert {
            rule: long.clone(),
            text: long.clone(),
            // Not what the text says: that is not shown again.
            samples: vec![format!("1 {long}"), format!("2 {long}")],
            ask: long,
            ..alert()
        }
    }
}
