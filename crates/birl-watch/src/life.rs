//! The life of a rule's alerts: one a group, from when its condition is true until it is no longer.
//!
//! All times are those of records, in nanoseconds since 1970, so that a replay tells what was told
//! live.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

/// The values of the fields that a rule groups by, in its order.
pub(crate) type Group = Vec<(String, String)>;

/// The alerts of a rule that are open. `A` is what is known of one.
#[derive(Clone, Debug)]
pub(crate) struct Life<A> {
    /// How long after an alert it is told again.
    repeat: Option<i64>,
    /// How long after it was told first others are told as well.
    escalate: Option<i64>,
    /// How long the condition has to be false before the alert is over.
    resolve: i64,
    open: BTreeMap<Group, Open<A>>,
}

/// An alert that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open<A> {
    /// Where the window begins that it was first found in, which its id is made of.
    pub(crate) start: i64,
    /// When it was found.
    pub(crate) since: i64,
    /// Where the last window begins that it was found in.
    pub(crate) last: i64,
    /// Since when it has not been found, if so.
    pub(crate) quiet: Option<i64>,
    /// When it was told last; not yet, where it is held back.
    pub(crate) told: Option<i64>,
    /// When it was told first, by the clock; in a replay by the time of the records.
    #[serde(default)]
    pub(crate) told_first: Option<i64>,
    /// Whether it was told to others as well, since nobody looked after it.
    #[serde(default)]
    pub(crate) escalated: bool,
    /// What was found last.
    pub(crate) about: A,
}

impl<A> Life<A> {
    pub(crate) fn new(repeat: Option<i64>, escalate: Option<i64>, resolve: i64) -> Self {
        Self {
            repeat,
            escalate,
            resolve,
            open: BTreeMap::new(),
        }
    }

    /// Tells alerts again, and takes them to be over, as another life does.
    pub(crate) fn say_as(&mut self, other: &Self) {
        (self.repeat, self.escalate) = (other.repeat, other.escalate);
        self.resolve = other.resolve;
    }

    /// The alerts that are open.
    pub(crate) fn open(&self) -> &BTreeMap<Group, Open<A>> {
        &self.open
    }

    /// The condition was found true of `group` at the time `now`, in a window that begins at `start`.
    /// Returns the alert if it is to be told: for the first time, or again. Nothing is told of what
    /// is `held` back; it is told when it is found again and is not.
    pub(crate) fn found(
        &mut self,
        group: &Group,
        (start, now): (i64, i64),
        about: A,
        held: bool,
    ) -> Option<&Open<A>> {
        let open = match self.open.entry(group.clone()) {
            Entry::Occupied(open) => {
                let open = open.into_mut();
                open.last = open.last.max(start);
                open.quiet = None;
                open.about = about;
                open
            }
            Entry::Vacant(place) => place.insert(Open {
                start,
                since: now,
                last: start,
                quiet: None,
                told: None,
                told_first: None,
                escalated: false,
                about,
            }),
        };
        let is_due = match (open.told, self.repeat) {
            (None, _) => true,
            (Some(told), Some(repeat)) => now.saturating_sub(told) >= repeat,
            (Some(_), None) => false,
        };
        if held || !is_due {
            return None;
        }
        open.told = Some(now);
        Some(open)
    }

    /// An alert was told at the time `now`, by the clock or in a replay by the records.
    pub(crate) fn was_told(&mut self, group: &Group, now: i64) {
        if let Some(open) = self.open.get_mut(group) {
            open.told_first.get_or_insert(now);
        }
    }

    /// The alerts of which others are to be told at the time `now`, since nobody has looked after them for long:
    /// each with since when. Those that have not been found of late are not among them.
    pub(crate) fn overdue(&self, now: i64) -> Vec<(Group, i64)> {
        let Some(escalate) = self.escalate else {
            return Vec::new();
        };
        let open = self.open.iter();
        let open = open.filter(|(_, open)| !open.escalated && open.quiet.is_none());
        open.filter_map(|(group, open)| {
            let due = open.told_first.or(open.told)?.saturating_add(escalate);
            (due <= now).then(|| (group.clone(), due))
        })
        .collect()
    }

    /// Others are told of an alert.
    pub(crate) fn escalate(&mut self, group: &Group) -> Option<&Open<A>> {
        let open = self.open.get_mut(group)?;
        open.escalated = true;
        Some(open)
    }

    /// A window that begins at `start` closed at the time `now`, and the condition is true there of no
    /// other groups than `found`. Returns the alerts that are over by that.
    pub(crate) fn closed(
        &mut self,
        (start, now): (i64, i64),
        found: impl Fn(&Group) -> bool,
    ) -> Vec<(Group, Open<A>)> {
        let resolve = self.resolve;
        let is_over = |group: &Group, open: &mut Open<A>| {
            // A window that began before says nothing about what was found in a later one.
            if found(group) || start <= open.last {
                return false;
            }
            let quiet = *open.quiet.get_or_insert(now);
            now.saturating_sub(quiet) >= resolve
        };
        self.open.extract_if(.., is_over).collect()
    }

    /// Takes out the alerts that have not been found for `length` at the time `now`, each with when
    /// that was so.
    pub(crate) fn expired(&mut self, length: i64, now: i64) -> Vec<(Group, Open<A>, i64)> {
        let over = |open: &Open<A>| open.last.saturating_add(length);
        let expired = self.open.extract_if(.., |_, open| over(open) <= now);
        let mut expired: Vec<_> = expired
            .map(|(group, open)| {
                let at = over(&open);
                (group, open, at)
            })
            .collect();
        expired.sort_by_key(|(_, _, at)| *at);
        expired
    }

    /// Takes up alerts that were open when birl ended.
    pub(crate) fn restore(&mut self, open: impl IntoIterator<Item = (Group, Open<A>)>) {
        self.open.extend(open);
    }

    /// Takes out an alert without a word.
    pub(crate) fn forget(&mut self, group: &Group) {
        self.open.remove(group);
    }
}

#[cfg(test)]
mod tests;
