//! Which rules have been told of a moment ago, so that more of them waits.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::summary::HELD_BACK;
use crate::alert::{Alert, State};

/// The rules of which one alert has been sent, with when what follows is told of together.
#[derive(Debug)]
pub(super) struct Folds {
    /// How long that takes; nothing waits without it.
    length: Option<Duration>,
    ends: BTreeMap<String, Instant>,
}

/// What becomes of an alert that is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// It is sent.
    Goes,
    /// It waits for others of its rule.
    Waits,
    /// It is sent if its beginning was; else it waits for others.
    GoesWithItsBeginning,
}

impl Folds {
    pub(super) fn new(length: Option<Duration>) -> Self {
        Self {
            length,
            ends: BTreeMap::new(),
        }
    }

    pub(super) fn course(&self, alert: &Alert) -> Course {
        match alert.state {
            _ if self.length.is_none() || alert.rule == HELD_BACK => Course::Goes,
            State::Resolved => Course::GoesWithItsBeginning,
            // Somebody has to do something at last.
            State::Firing if alert.escalated => Course::Goes,
            State::Firing if self.ends.contains_key(&alert.rule) => Course::Waits,
            State::Firing => Course::Goes,
        }
    }

    /// Something of a rule has been sent, or waits: what follows is told of together with it.
    pub(super) fn begin(&mut self, rule: &str, now: Instant) {
        if let Some(length) = self.length {
            self.ends.entry(rule.to_owned()).or_insert(now + length);
        }
    }

    /// Takes out a rule of which others have been waited for long enough.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<String> {
        let due = self.ends.extract_if(.., |_, end| *end <= now).next();
        due.map(|(rule, _)| rule)
    }

    /// When the next of them is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.ends.values().min().copied()
    }
}
