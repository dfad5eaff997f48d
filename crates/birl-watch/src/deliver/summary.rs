//! One alert that stands for many that were held back.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use crate::alert::{Alert, State};

/// The name that such alerts have in the place of a rule's: no rule can have it.
pub const HELD_BACK: &str = "birl.held_back";

/// So many groups of a rule are named.
const GROUPS_MAX: usize = 5;

/// So many rules are named in the text.
const RULES_MAX: usize = 20;

/// What was held back, as it is gathered.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    rules: BTreeMap<String, Rule>,
    /// When the first of it began.
    since: Option<i64>,
}

#[derive(Debug, Default)]
struct Rule {
    count: u64,
    /// The first groups, as they are shown, and how many alerts each has.
    groups: BTreeMap<String, u64>,
    /// How many alerts are of other groups.
    others: u64,
}

impl Summary {
    /// Counts `alert`; with all that it stands for, if it is a summary itself.
    pub(crate) fn add(&mut self, alert: &Alert) {
        self.since = Some(
            self.since
                .map_or(alert.since, |since| since.min(alert.since)),
        );
        if alert.rule != HELD_BACK {
            let group = alert
                .group
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let group = group.collect::<Vec<_>>().join(", ");
            self.rule(&alert.rule).add(&group, 1);
            return;
        }
        let rules = alert.values.get("rules").and_then(Value::as_object);
        for (name, counted) in rules.into_iter().flatten() {
            let rule = self.rule(name);
            let groups = counted["groups"].as_object();
            for (group, count) in groups.into_iter().flatten() {
                rule.add(group, count.as_u64().unwrap_or_default());
            }
            let others = counted["others"].as_u64().unwrap_or_default();
            rule.count += others;
            rule.others += others;
        }
    }

    /// How many alerts were held back.
    pub(crate) fn count(&self) -> u64 {
        self.rules.values().map(|rule| rule.count).sum()
    }

    /// The alert that says so. `last` tells it from others of the same place and time.
    pub(crate) fn alert(&self, place: &str, max_per_minute: u32, last: i64, now: i64) -> Alert {
        let rules = self
            .rules
            .iter()
            .map(|(name, rule)| (name.clone(), rule.values()));
        Alert {
            id: id(place, last, now),
            rule: HELD_BACK.to_owned(),
            state: State::Firing,
            group: Vec::new(),
            window: None,
            since: self.since.unwrap_or(now),
            at: now,
            text: self.text(max_per_minute),
            values: Map::from_iter([
                ("held_back".to_owned(), self.count().into()),
                ("rules".to_owned(), rules.collect::<Map<_, _>>().into()),
            ]),
            escalated: false,
            samples: Vec::new(),
            ask: String::new(),
        }
    }

    fn rule(&mut self, name: &str) -> &mut Rule {
        self.rules.entry(name.to_owned()).or_default()
    }

    fn text(&self, max_per_minute: u32) -> String {
        let mut text = format!(
            "{} alerts were held back, since no more than {max_per_minute} a minute are sent here:",
            self.count()
        );
        let mut rules: Vec<_> = self.rules.iter().collect();
        rules.sort_by_key(|(_, rule)| std::cmp::Reverse(rule.count));
        for (name, rule) in rules.iter().take(RULES_MAX) {
            text += &format!("\n{} of {name}{}", rule.count, rule.words());
        }
        if rules.len() > RULES_MAX {
            text += &format!("\nand some of {} other rules", rules.len() - RULES_MAX);
        }
        text
    }
}

impl Rule {
    fn add(&mut self, group: &str, count: u64) {
        self.count += count;
        let has_room = self.groups.len() < GROUPS_MAX;
        match self.groups.entry(group.to_owned()) {
            Entry::Occupied(mut known) => *known.get_mut() += count,
            Entry::Vacant(new) if has_room => {
                new.insert(count);
            }
            Entry::Vacant(_) => self.others += count,
        }
    }

    fn values(&self) -> Value {
        json!({ "count": self.count, "groups": self.groups, "others": self.others })
    }

    /// Its groups, where it has any.
    fn words(&self) -> String {
        let groups = self.groups.iter().filter(|(group, _)| !group.is_empty());
        let mut words: Vec<_> = groups
            .map(|(group, count)| format!("{group}: {count}"))
            .collect();
        if self.others > 0 {
            words.push(format!("others: {}", self.others));
        }
        match words.is_empty() {
            true => String::new(),
            false => format!(" ({})", words.join("; ")),
        }
    }
}

fn id(place: &str, last: i64, now: i64) -> String {
    let hash = digest(
        &SHA256,
        format!("{HELD_BACK}\0{place}\0{last}\0{now}").as_bytes(),
    );
    hash.as_ref()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::testing::alert;

    fn of(rule: &str, service: &str) -> Alert {
        Alert {
            rule: rule.to_owned(),
            group: vec![("service".to_owned(), service.to_owned())],
            ..alert()
        }
    }

    #[test]
    fn a_summary_counts_rules_and_groups_and_what_other_summaries_counted() {
        let mut first = Summary::default();
        for service in ["a", "b", "c", "d", "e", "f", "a", "g"] {
            first.add(&of("burst", service));
        }
        first.add(&Alert {
            group: Vec::new(),
            ..of("plain", "")
        });
        let first = first.alert("ops", 3, 1, 2);
        let mut second = Summary::default();
        second.add(&of("burst", "b"));
        second.add(&first);
        assert_eq!(second.count(), 10);
        let second = second.alert("ops", 3, 2, 2);
        assert_eq!(
            second.text,
            "10 alerts were held back, since no more than 3 a minute are sent here:\n\
             9 of burst (service=a: 2; service=b: 2; service=c: 1; service=d: 1; service=e: 1; others: 2)\n\
             1 of plain"
        );
        assert_eq!(second.values["held_back"], 10);
        assert_ne!(first.id, second.id);
    }
}
