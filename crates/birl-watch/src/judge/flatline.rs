//! Too few records in a window, or none.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{COUNT, Found, columns_of};
use crate::alert::Window;
use crate::config::{Kind, Rule};
use crate::life::Group;

/// Knows which groups there are, so that it is noticed when nothing comes of one.
#[derive(Debug)]
pub(crate) struct Flatline {
    at_least: u64,
    forget: i64,
    /// Whether there are groups, and not one of all records.
    has_groups: bool,
    /// Since when all records are seen.
    began: Option<i64>,
    groups: BTreeMap<Group, Seen>,
    forgotten: Vec<Group>,
}

#[derive(Debug)]
struct Seen {
    /// From here on a window has all that there is of the group.
    from: i64,
    /// The end of the last window that had something of it.
    last: i64,
}

impl Flatline {
    pub(crate) fn new(rule: &Rule) -> Self {
        let Kind::Flatline { at_least, forget } = &rule.kind else {
            unreachable!("it is made for rules of this kind");
        };
        let has_groups = !rule.group_by.is_empty();
        let mut groups = BTreeMap::new();
        if !has_groups {
            // All records are one group, which is there before they are.
            let seen = Seen {
                from: i64::MIN,
                last: i64::MIN,
            };
            groups.insert(Group::new(), seen);
        }
        Self {
            at_least: *at_least,
            forget: crate::nanoseconds(*forget),
            has_groups,
            began: None,
            groups,
            forgotten: Vec::new(),
        }
    }

    pub(crate) fn begin(&mut self, at: i64) {
        self.began.get_or_insert(at);
    }

    pub(crate) fn window(
        &mut self,
        window: Window,
        counts: &[(Group, u64)],
        is_whole: bool,
    ) -> Vec<Found> {
        let counts: BTreeMap<_, _> = counts
            .iter()
            .map(|(group, count)| (group, *count))
            .collect();
        for group in counts.keys() {
            let seen = self.groups.entry((*group).clone()).or_insert(Seen {
                // The first record may lie anywhere in the first window.
                from: window.end,
                last: window.end,
            });
            seen.last = seen.last.max(window.end);
        }
        if !is_whole || self.began.is_none_or(|began| window.start < began) {
            return Vec::new();
        }
        if self.has_groups {
            let is_forgotten = |seen: &Seen| window.end - seen.last > self.forget;
            let forgotten = self.groups.extract_if(.., |_, seen| is_forgotten(seen));
            self.forgotten.extend(forgotten.map(|(group, _)| group));
        }
        let groups = self.groups.iter();
        let groups = groups.filter(|(_, seen)| window.start >= seen.from);
        let counts = groups.map(|(group, _)| (group, counts.get(group).copied().unwrap_or(0)));
        let few = counts.filter(|(_, count)| *count < self.at_least);
        few.map(|(group, count)| (group.clone(), values(group, count)))
            .collect()
    }

    /// The groups that are waited for, each with when it was last.
    pub(crate) fn groups(&self) -> Vec<(&Group, i64)> {
        self.groups
            .iter()
            .map(|(group, seen)| (group, seen.last))
            .collect()
    }

    pub(crate) fn restore(&mut self, groups: Vec<(Group, i64)>) {
        let seen = |last| Seen {
            from: i64::MIN,
            last,
        };
        let groups = groups.into_iter();
        self.groups
            .extend(groups.map(|(group, last)| (group, seen(last))));
    }

    /// Since when all records are seen, and from which window on each group was.
    pub(crate) fn windows(&self) -> (Option<i64>, Vec<(&Group, i64)>) {
        let groups = self.groups.iter().map(|(group, seen)| (group, seen.from));
        (self.began, groups.collect())
    }

    pub(crate) fn restore_windows(&mut self, (began, groups): (Option<i64>, Vec<(Group, i64)>)) {
        self.began = began;
        for (group, from) in groups {
            if let Some(seen) = self.groups.get_mut(&group) {
                seen.from = from;
            }
        }
    }

    pub(crate) fn forget_windows(&mut self) {
        self.began = None;
    }

    pub(crate) fn take_forgotten(&mut self) -> Vec<Group> {
        std::mem::take(&mut self.forgotten)
    }
}

fn values(group: &Group, count: u64) -> Map<String, Value> {
    let mut values = columns_of(group);
    values.insert(COUNT.to_owned(), count.into());
    values
}
