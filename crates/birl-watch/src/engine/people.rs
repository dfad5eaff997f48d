//! What people have said of alerts: who looks after which, and what is to be silent.

use std::collections::BTreeMap;

use crate::control::HeldBack;
use crate::store::{Ack, Silence};

/// Acks and silences that hold, besides those of the configuration.
#[derive(Debug, Default)]
pub(crate) struct People {
    /// By the ids of their alerts.
    acks: BTreeMap<String, Ack>,
    /// By their numbers.
    silences: BTreeMap<i64, Asked>,
}

#[derive(Debug)]
struct Asked {
    silence: Silence,
    /// It has begun when it was made known: what comes late is held back as well.
    has_begun: bool,
}

impl People {
    pub(crate) fn ack(&mut self, ack: Ack) {
        self.acks.insert(ack.id.clone(), ack);
    }

    pub(crate) fn unack(&mut self, id: &str) {
        self.acks.remove(id);
    }

    pub(crate) fn acked(&self, id: &str) -> Option<&Ack> {
        self.acks.get(id)
    }

    /// Whether nobody looks after anything.
    pub(super) fn has_no_acks(&self) -> bool {
        self.acks.is_empty()
    }

    /// Whether somebody looks after alerts of a rule.
    pub(super) fn has_acks_of(&self, rule: &str) -> bool {
        self.acks.values().any(|ack| ack.rule == rule)
    }

    /// Forgets who looks after alerts of a rule that are not open any more; gives their ids.
    pub(super) fn forget_acks(
        &mut self,
        rule: &str,
        is_open: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let is_over = |id: &String, ack: &mut Ack| ack.rule == rule && !is_open(id);
        let over = self.acks.extract_if(.., is_over);
        over.map(|(id, _)| id).collect()
    }

    /// Adds a silence, at the time `now` of the clock.
    pub(crate) fn silence(&mut self, number: i64, silence: Silence, now: i64) {
        let has_begun = silence.from <= now;
        self.silences.insert(number, Asked { silence, has_begun });
    }

    pub(crate) fn unsilence(&mut self, number: i64) -> Option<Silence> {
        self.silences.remove(&number).map(|it| it.silence)
    }

    /// The silences that are known.
    pub(crate) fn silences(&self) -> impl Iterator<Item = (i64, &Silence)> {
        self.silences
            .iter()
            .map(|(number, it)| (*number, &it.silence))
    }

    /// Forgets the silences that were over before a time.
    pub(crate) fn forget_silences(&mut self, before: i64) {
        self.silences.retain(|_, it| it.silence.until >= before);
    }

    /// The silences that hold back the alerts of a rule for a group at a time.
    pub(super) fn held_by<'a>(
        &'a self,
        rule: &'a str,
        group: &'a [(String, String)],
        now: i64,
    ) -> impl Iterator<Item = HeldBack> + 'a {
        let silences = self.silences.iter().filter(move |(_, asked)| {
            let silence = &asked.silence;
            (asked.has_begun || silence.from <= now)
                && now < silence.until
                && silence.matcher.matches(rule, group)
        });
        silences.map(|(number, asked)| HeldBack::Silence {
            number: *number,
            silence: asked.silence.clone(),
        })
    }
}
