//! A value that has not been seen for long.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::known::Known;
use super::{Found, text_of};
use crate::config::{Kind, Rule};
use crate::life::Group;

/// Knows the values that were there.
#[derive(Debug)]
pub(crate) struct NewTerm {
    fields: Vec<String>,
    within: i64,
    learn: i64,
    /// When the first record was.
    began: Option<i64>,
    /// When each term was last, with the group that it was seen in.
    seen: Known<()>,
    /// Those of them that are not written down yet.
    changed: HashMap<Group, i64>,
}

impl NewTerm {
    pub(crate) fn new(rule: &Rule) -> Self {
        let Kind::NewTerm {
            fields,
            within,
            learn,
        } = &rule.kind
        else {
            unreachable!("it is made for rules of this kind");
        };
        Self {
            fields: fields.clone(),
            within: crate::nanoseconds(*within),
            learn: crate::nanoseconds(*learn),
            began: None,
            seen: Known::new(),
            changed: HashMap::new(),
        }
    }

    /// How many terms were forgotten, since there was no room for them.
    pub(crate) fn forgotten(&self) -> u64 {
        self.seen.forgotten()
    }

    /// When the first record was.
    pub(crate) fn began(&self) -> Option<i64> {
        self.began
    }

    pub(crate) fn restore(&mut self, began: Option<i64>) {
        self.began = began;
    }

    /// Takes up terms that were seen, each with when that was last.
    pub(crate) fn restore_terms(&mut self, terms: impl IntoIterator<Item = (Group, i64)>) {
        for (term, at) in terms {
            self.seen.insert(term, (), at);
        }
    }

    /// Knows what `other` knows, where it is of the same fields.
    pub(crate) fn take_over(&mut self, other: &mut Self) {
        if self.fields == other.fields {
            self.seen = std::mem::replace(&mut other.seen, Known::new());
            self.changed = std::mem::take(&mut other.changed);
        }
    }

    /// The terms that were seen since this was asked last, each with when that was.
    pub(crate) fn take_changed(&mut self) -> HashMap<Group, i64> {
        std::mem::take(&mut self.changed)
    }

    pub(crate) fn record(
        &mut self,
        mut group: Group,
        values: Map<String, Value>,
        time: i64,
    ) -> Option<Found> {
        for field in &self.fields {
            // What has no value is no term.
            let value = text_of(values.get(field)?)?;
            if !group.iter().any(|(name, _)| name == field) {
                group.push((field.clone(), value));
            }
        }
        let began = *self.began.get_or_insert(time);
        self.changed.insert(group.clone(), time);
        if self.seen.is_full() {
            // These count as new in any case.
            self.seen.forget_before(time.saturating_sub(self.within));
        }
        let before = self.seen.insert(group.clone(), (), time);
        let is_new = before.is_none_or(|((), before)| time.saturating_sub(before) > self.within);
        let has_learned = time.saturating_sub(began) >= self.learn;
        (is_new && has_learned).then_some((group, values))
    }
}
