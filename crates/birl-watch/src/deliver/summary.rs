//! One alert that stands for many that were held back.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use crate::alert::{Alert, State};

/// The name that such alerts have in the place of a rule's: no rule can have it.
pub const HELD_BACK: &str = "birl.held_back";

/// The value that names the rule whose alerts are told of together, since they came soon after one of it.
pub(crate) const FOLDED: &str = "folded";

/// The value that says how many of them say that the rule fires.
pub(crate) const FIRING: &str = "firing";

/// The value that says by how many more alerts go on behind them than before.
pub(crate) const MORE: &str = "more";

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

    /// The alert that says so with this text. `last` tells it from others of the same place and time.
    pub(crate) fn alert(&self, place: &str, text: String, last: i64, now: i64) -> Alert {
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
            text,
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

    /// What is said of them where no more than so many are sent in a minute.
    pub(crate) fn text(&self, max_per_minute: u32) -> String {
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

/// What is said of alerts of one rule that came soon after one that was told.
#[derive(Debug)]
pub(crate) struct Folded<'a> {
    rule: &'a str,
    /// How many say that it fires.
    firing: u64,
    /// How many say that it is over.
    over: u64,
    /// The alerts that go on and that did not before.
    begun: BTreeSet<String>,
    /// Those that went on before, and are over.
    ended: BTreeSet<String>,
    /// The groups that they are of, in the order in which they came.
    groups: Vec<Vec<(String, String)>>,
    known: BTreeSet<Vec<(String, String)>>,
    /// When the first was found.
    since: Option<i64>,
}

impl<'a> Folded<'a> {
    pub(crate) fn new(rule: &'a str) -> Self {
        Self {
            rule,
            firing: 0,
            over: 0,
            begun: BTreeSet::new(),
            ended: BTreeSet::new(),
            groups: Vec::new(),
            known: BTreeSet::new(),
            since: None,
        }
    }

    pub(crate) fn add(&mut self, alert: &Alert) {
        match alert.state {
            State::Firing => {
                self.firing += 1;
                self.begun.insert(alert.id.clone());
            }
            State::Resolved => {
                self.over += 1;
                if !self.begun.remove(&alert.id) {
                    self.ended.insert(alert.id.clone());
                }
            }
        }
        self.since.get_or_insert(alert.at);
        if !alert.group.is_empty() && self.known.insert(alert.group.clone()) {
            self.groups.push(alert.group.clone());
        }
    }

    /// What programs are told of it.
    pub(crate) fn values(&self) -> [(String, Value); 4] {
        let more = self.begun.len() as i64 - self.ended.len() as i64;
        [
            (FOLDED.to_owned(), self.rule.into()),
            (FIRING.to_owned(), self.firing.into()),
            ("over".to_owned(), self.over.into()),
            (MORE.to_owned(), more.into()),
        ]
    }

    /// One line: `errors: +37 since 12:03Z, 12 values of host (a, b, c, d, e, …)`.
    pub(crate) fn text(&self) -> String {
        let what = match (self.firing, self.over) {
            (firing, 0) => format!("+{firing}"),
            (0, over) => format!("{over} over"),
            (firing, over) => format!("+{firing}, and {over} over,"),
        };
        let since = self
            .since
            .and_then(|since| Timestamp::from_nanosecond(since.into()).ok());
        let since = since.map_or_else(String::new, |since| {
            since.strftime(" since %H:%MZ").to_string()
        });
        format!("{}: {what}{since}{}", self.rule, self.group_words())
    }

    fn group_words(&self) -> String {
        let Some(first) = self.groups.first() else {
            return String::new();
        };
        let shown = self.groups.iter().take(GROUPS_MAX);
        let (what, mut shown): (_, Vec<String>) = match &first[..] {
            [(field, _)] => (
                format!("values of {field}"),
                shown.map(|group| group[0].1.clone()).collect(),
            ),
            _ => (
                "groups".to_owned(),
                shown
                    .map(|group| {
                        let words = group.iter().map(|(name, value)| format!("{name}={value}"));
                        words.collect::<Vec<_>>().join(" ")
                    })
                    .collect(),
            ),
        };
        if let ([group], true) = (&self.groups[..], shown.len() == 1) {
            let words = group.iter().map(|(name, value)| format!("{name}={value}"));
            return format!(", {}", words.collect::<Vec<_>>().join(" "));
        }
        if self.groups.len() > GROUPS_MAX {
            shown.push("…".to_owned());
        }
        format!(", {} {what} ({})", self.groups.len(), shown.join(", "))
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
        let first = first.alert("ops", first.text(3), 1, 2);
        let mut second = Summary::default();
        second.add(&of("burst", "b"));
        second.add(&first);
        assert_eq!(second.count(), 10);
        let second = second.alert("ops", second.text(3), 2, 2);
        assert_eq!(
            second.text,
            "10 alerts were held back, since no more than 3 a minute are sent here:\n\
             9 of burst (service=a: 2; service=b: 2; service=c: 1; service=d: 1; service=e: 1; others: 2)\n\
             1 of plain"
        );
        assert_eq!(second.values["held_back"], 10);
        assert_ne!(first.id, second.id);
    }

    #[test]
    fn what_follows_says_by_how_many_more_go_on() {
        let alert = |id: &str, state| Alert {
            id: id.to_owned(),
            state,
            ..alert()
        };
        let more = |alerts: &[Alert]| {
            let mut folded = Folded::new("burst");
            alerts.iter().for_each(|alert| folded.add(alert));
            let values: Map<_, _> = folded.values().into_iter().collect();
            values[MORE].as_i64().unwrap()
        };
        let (fires, over) = (State::Firing, State::Resolved);
        // Told twice, it is one.
        let twice = [alert("a", fires), alert("a", fires), alert("b", fires)];
        assert_eq!(more(&twice), 2);
        assert_eq!(more(&[alert("a", fires), alert("a", over)]), 0);
        let both = [alert("a", over), alert("b", fires), alert("c", over)];
        assert_eq!(more(&both), -1);
    }

    #[test]
    fn what_follows_is_one_line() {
        let text = |alerts: &[Alert]| {
            let mut folded = Folded::new("burst");
            alerts.iter().for_each(|alert| folded.add(alert));
            folded.text()
        };
        let over = |alert: Alert| Alert {
            state: State::Resolved,
            ..alert
        };
        let all = ["a", "b", "c", "d", "e", "f", "a"].map(|it| of("burst", it));
        assert_eq!(
            text(&all),
            "burst: +7 since 14:06Z, 6 values of service (a, b, c, d, e, …)"
        );
        assert_eq!(
            text(&[all[0].clone(), all[1].clone(), over(all[0].clone())]),
            "burst: +2, and 1 over, since 14:06Z, 2 values of service (a, b)"
        );
        assert_eq!(
            text(&[over(all[0].clone()), over(all[0].clone())]),
            "burst: 2 over since 14:06Z, service=a"
        );
        let group = |dc: &str| {
            vec![
                ("dc".to_owned(), dc.to_owned()),
                ("n".to_owned(), "1".to_owned()),
            ]
        };
        let two = |dc: &str| Alert {
            group: group(dc),
            ..of("burst", "")
        };
        assert_eq!(
            text(&[two("x"), two("y")]),
            "burst: +2 since 14:06Z, 2 groups (dc=x n=1, dc=y n=1)"
        );
        let none = Alert {
            group: Vec::new(),
            ..of("burst", "")
        };
        assert_eq!(text(&[none.clone(), none]), "burst: +2 since 14:06Z");
    }
}
