//! Alerts that are to be sent, and what tells them apart.

use std::ops::Range;
use std::path::Path;

use ring::digest::{Context, SHA256};
use serde_json::{Map, Value};

use super::text::value_of;
use super::{About, Engine};
use crate::alert::{Alert, State};
use crate::asked::Evidence;
use crate::config::{Error, Kind, Rule};
use crate::judge::text_of;
use crate::life::{Group, Open};

/// An alert that is to be sent, but for what only its sources know.
#[derive(Debug)]
pub(crate) struct Notice {
    /// The number of the rule.
    pub(crate) rule: usize,
    /// Without its text and the command that asks for more, and where it is of a window without
    /// samples.
    pub(crate) alert: Alert,
    /// When the records were that it is about.
    pub(crate) range: Range<i64>,
    /// Whether it is told to others alone: those who are told already were so before.
    pub(crate) is_escalation: bool,
}

impl Notice {
    /// The places that are told, of those that its rule names.
    pub(crate) fn places<'a>(&self, rule: &'a Rule) -> Vec<&'a String> {
        let others = rule.escalate.iter().flat_map(|escalate| &escalate.to);
        let mut places: Vec<_> = rule.send.iter().filter(|_| !self.is_escalation).collect();
        for place in others.filter(|_| self.alert.escalated) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// Adds how to ask for all of its records.
    pub(crate) fn add_command(&mut self, evidence: &Evidence) {
        let alert = &mut self.alert;
        alert.ask = evidence.command(&alert.group, &self.range);
    }

    /// Whether some of its records are still to be found.
    pub(crate) fn wants_samples(&self) -> bool {
        self.alert.window.is_some() && self.alert.state == State::Firing
    }

    /// Adds some of its records, which only the sources know.
    pub(crate) async fn add_samples(
        &mut self,
        rule: &Rule,
        file: &Path,
        evidence: &Evidence,
    ) -> Result<(), Error> {
        let alert = &mut self.alert;
        let samples = evidence.samples(&alert.group, self.range.clone(), rule.samples);
        alert.samples = samples.await.map_err(|error| {
            let message = format!("rule {:?}: {}", rule.name, error.render(""));
            Error::at_line(file, rule.line, message)
        })?;
        Ok(())
    }

    /// Fills in what is said, with the samples that the alert has by now.
    pub(crate) fn write_text(&mut self, engine: &Engine) {
        let watched = &engine.rules[self.rule];
        let alert = &self.alert;
        let text = watched.text.fill(|place| value_of(alert, place));
        self.alert.text = match alert.state {
            State::Firing if self.is_escalation => format!("not acknowledged: {text}"),
            State::Firing => text,
            State::Resolved => format!("resolved: {text}"),
        };
    }
}

pub(super) fn alert(
    rule: &Rule,
    group: &Group,
    open: &Open<About>,
    state: State,
    at: i64,
) -> Alert {
    Alert {
        id: id_of(rule, group, open),
        rule: rule.name.clone(),
        state,
        group: group.clone(),
        window: open.about.window,
        since: open.since,
        at,
        text: String::new(),
        values: open.about.values.clone(),
        escalated: open.escalated,
        samples: match state {
            State::Firing => open.about.lines.clone(),
            State::Resolved => Vec::new(),
        },
        ask: String::new(),
    }
}

pub(super) fn id_of(rule: &Rule, group: &Group, open: &Open<About>) -> String {
    let more = told_apart(rule, &open.about.values);
    id(&rule.name, group, open.start, &more)
}

/// What tells an alert from others of its rule, group and moment: a group may change more than once
/// within the same second.
fn told_apart(rule: &Rule, values: &Map<String, Value>) -> Vec<String> {
    let names: &[&str] = match rule.kind {
        Kind::Change { .. } => &["before", "after", "source", "offset"],
        _ => &[],
    };
    let values = names.iter().map(|name| values.get(*name).and_then(text_of));
    values.map(Option::unwrap_or_default).collect()
}

/// The same for the same alert, whenever it is sent: the first half of a SHA-256, in hexadecimal.
pub(super) fn id(rule: &str, group: &Group, start: i64, more: &[String]) -> String {
    let mut hash = Context::new(&SHA256);
    let group = group
        .iter()
        .flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    let texts = std::iter::once(rule).chain(group);
    for text in texts.chain(more.iter().map(String::as_str)) {
        // With the length of each, so that no two groups run into the same bytes.
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.update(&start.to_le_bytes());
    let hash = hash.finish();
    hash.as_ref()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
