//! From windows and records to alerts.
//!
//! All that is decided here is decided by the times of records, so that a replay tells what was told
//! live.

mod find;
mod notice;
mod people;
mod text;

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::alert::{State, Window};
use crate::config::{Config, Kind, Rule, Silence};
use crate::control::{self, HeldBack, OpenAlert};
use crate::judge::{Judge, NewTerm, Row, text_of};
use crate::life::{Group, Life, Open};
use crate::nanoseconds;
use crate::template::Template;
pub(crate) use notice::Notice;
use notice::{alert, id_of};
pub(crate) use people::People;
pub(crate) use text::{PLACES, default_text, shown};
use text::{text, value_of};

/// Of more windows in a row in which nothing was, so many are looked at from either end: a clock that is
/// wrong by years would make millions.
const EMPTY_MAX: i64 = 10_000;

/// Weeks begin on Mondays, and 1970 began on a Thursday.
const WEEK: i64 = 7 * 86_400_000_000_000;
const MONDAY: i64 = 4 * 86_400_000_000_000;

/// The rules, and what they have found so far.
#[derive(Debug)]
pub(crate) struct Engine {
    rules: Vec<Watched>,
    silences: Vec<Silence>,
    /// What people have said while it runs.
    pub(crate) people: People,
}

/// A rule, and what it has found so far.
#[derive(Debug)]
struct Watched {
    rule: Rule,
    text: Template,
    judge: Judge,
    life: Life<About>,
    /// The rules that hold back its alerts while they fire.
    unless: Vec<usize>,
    size: i64,
    slide: i64,
    /// Where the first window begins that has not been looked at.
    next: Option<i64>,
    /// How many times something was found and held back.
    held: u64,
}

/// What of a rule is written down.
#[derive(Debug, Serialize, Deserialize)]
struct Memory {
    /// What kind of rule it is of, and over which fields.
    #[serde(default)]
    of: Option<String>,
    open: Vec<(Group, Open<About>)>,
    judge: Value,
    /// What is known of windows, where it goes on without a gap.
    windows: Value,
    next: Option<i64>,
}

/// What is known of an alert that is open.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct About {
    values: Map<String, Value>,
    window: Option<Window>,
    /// The last records, where it is of records.
    lines: Vec<String>,
    /// In how many windows, or records, it was found.
    #[serde(default)]
    found: u64,
}

impl Engine {
    pub(crate) fn new(config: &Config) -> Self {
        let number_of = |name: &String| config.rules.iter().position(|it| it.name == *name);
        let rules = config.rules.iter().map(|rule| Watched {
            judge: Judge::new(rule),
            text: text(rule),
            life: Life::new(
                rule.repeat.map(nanoseconds),
                rule.escalate.as_ref().map(|it| nanoseconds(it.after)),
                nanoseconds(rule.resolve),
            ),
            unless: rule.unless.iter().filter_map(number_of).collect(),
            size: nanoseconds(rule.window),
            slide: nanoseconds(rule.slide).max(1),
            next: None,
            held: 0,
            rule: rule.clone(),
        });
        Self {
            rules: rules.collect(),
            silences: config.silences.clone(),
            people: People::default(),
        }
    }

    /// The rules, those first that others wait for.
    pub(crate) fn order(&self) -> Vec<usize> {
        fn visit(rule: usize, rules: &[Watched], order: &mut Vec<usize>) {
            if order.contains(&rule) {
                return;
            }
            for before in &rules[rule].unless {
                visit(*before, rules, order);
            }
            order.push(rule);
        }
        let mut order = Vec::new();
        for rule in 0..self.rules.len() {
            visit(rule, &self.rules, &mut order);
        }
        order
    }

    /// Rows of a rule that does not say by what it groups are told apart by these columns.
    pub(crate) fn group_by(&mut self, rule: usize, keys: &[String]) {
        let rule = &mut self.rules[rule].rule;
        if rule.group_by.is_empty() {
            rule.group_by = keys.to_vec();
        }
    }

    /// From when on a rule sees all records.
    pub(crate) fn begin(&mut self, rule: usize, at: i64) {
        let watched = &mut self.rules[rule];
        watched.judge.begin(at);
        // Windows begin where those of the answers do.
        let origin = if watched.size % WEEK == 0 { MONDAY } else { 0 };
        let behind = at.saturating_sub(origin).rem_euclid(watched.slide);
        let next = match behind {
            0 => at,
            behind => at.saturating_add(watched.slide - behind),
        };
        watched.next.get_or_insert(next);
    }

    /// Something is missing of what a rule has seen so far; from `at` on it sees all records again.
    pub(crate) fn begin_anew(&mut self, rule: usize, at: i64) {
        let watched = &mut self.rules[rule];
        watched.next = None;
        watched.judge.forget_windows();
        self.begin(rule, at);
    }

    /// A rule of another kind, or one that asks something else, goes on as the rule `before` of another
    /// engine: with its open alerts, and [as a rule does](Self::restore) that is begun again.
    ///
    /// # Errors
    /// Fails where what it has is not to be read.
    pub(crate) fn inherit(
        &mut self,
        rule: usize,
        other: &mut Self,
        before: usize,
        goes_on: bool,
    ) -> serde_json::Result<bool> {
        let is_same = self.restore(rule, &other.memory(before), goes_on)?;
        if let (Some(terms), Some(known)) = (self.terms(rule), other.terms(before)) {
            terms.take_over(known);
        }
        Ok(is_same)
    }

    /// A window of a rule that has closed. `is_whole` says whether all of it has been seen.
    pub(crate) fn window(
        &mut self,
        rule: usize,
        window: Window,
        rows: Vec<Row>,
        is_whole: bool,
    ) -> Vec<Notice> {
        let mut notices = Vec::new();
        if let Some(next) = self.rules[rule].next {
            self.empties(rule, next, window.start, &mut notices);
        }
        self.judge(rule, window, rows, is_whole, &mut notices);
        let watched = &mut self.rules[rule];
        let behind = window.start.saturating_add(watched.slide);
        watched.next = Some(watched.next.map_or(behind, |next| next.max(behind)));
        notices
    }

    /// What a window of a rule holds that is still open, where what is true of it stays true; it is found
    /// at the time `now`.
    pub(crate) fn so_far(
        &mut self,
        rule: usize,
        window: Window,
        rows: Vec<Row>,
        now: i64,
    ) -> Vec<Notice> {
        let mut notices = Vec::new();
        let now = now.clamp(window.start, window.end);
        for row in rows.into_iter().filter(|row| row.holds) {
            let group = self.rules[rule].group_of(&row);
            self.found(rule, &group, row.values, (window, now), &mut notices);
        }
        notices
    }

    /// Goes on as the rule `before` of another engine, which asks the same, and says what it finds as
    /// this one does.
    pub(crate) fn take_over(&mut self, rule: usize, other: &mut Self, before: usize) {
        std::mem::swap(&mut self.rules[rule], &mut other.rules[before]);
        let (kept, new) = (&mut self.rules[rule], &mut other.rules[before]);
        kept.text = new.text.clone();
        kept.life.say_as(&new.life);
        // The numbers of rules may be others now.
        kept.unless = std::mem::take(&mut new.unless);
        let group_by = std::mem::take(&mut kept.rule.group_by);
        kept.rule = Rule {
            group_by,
            ..new.rule.clone()
        };
    }

    /// What a rule remembers, to be written down.
    pub(crate) fn memory(&self, rule: usize) -> Vec<u8> {
        let watched = &self.rules[rule];
        let open = watched.life.open().iter();
        let memory = Memory {
            of: Some(watched.remembers()),
            open: open
                .map(|(group, open)| (group.clone(), open.clone()))
                .collect(),
            judge: watched.judge.memory(),
            windows: watched.judge.windows(),
            next: watched.next,
        };
        serde_json::to_vec(&memory).expect("texts and numbers can be written as JSON")
    }

    /// Takes up what a rule remembered: its open alerts, and what it knows, if it was of this kind and these
    /// fields, which is returned. Where it `goes_on` then, so that it has seen all there was and will, its
    /// windows go on as well.
    ///
    /// # Errors
    /// Fails where no rule has written it.
    pub(crate) fn restore(
        &mut self,
        rule: usize,
        memory: &[u8],
        goes_on: bool,
    ) -> serde_json::Result<bool> {
        let memory: Memory = serde_json::from_slice(memory)?;
        let watched = &mut self.rules[rule];
        watched.life.restore(memory.open);
        let remembers = watched.remembers();
        if memory.of.is_some_and(|of| of != remembers) {
            return Ok(false);
        }
        watched.judge.restore(memory.judge)?;
        if goes_on {
            watched.judge.restore_windows(memory.windows)?;
            watched.next = memory.next;
        }
        Ok(true)
    }

    /// The terms that a rule knows, where it is about terms.
    pub(crate) fn terms(&mut self, rule: usize) -> Option<&mut NewTerm> {
        self.rules[rule].judge.terms()
    }

    /// How many alerts of a rule are open.
    pub(crate) fn open(&self, rule: usize) -> usize {
        self.rules[rule].life.open().len()
    }

    /// How many groups or terms a rule has forgotten, since there was no room for them.
    pub(crate) fn forgotten(&self, rule: usize) -> u64 {
        self.rules[rule].judge.forgotten()
    }

    /// How many alerts of a rule were held back so far.
    pub(crate) fn held(&self, rule: usize) -> u64 {
        self.rules[rule].held
    }

    /// The time of a rule has come to `now`: windows that end by then, and of which nothing was told,
    /// had nothing in them; and what has not been found for long is over.
    pub(crate) fn advance(&mut self, rule: usize, now: i64) -> Vec<Notice> {
        let mut notices = Vec::new();
        if self.rules[rule].rule.kind.has_windows() {
            let watched = &self.rules[rule];
            if let Some(next) = watched.next {
                // The last of them begins there, or before.
                let end = now.saturating_sub(watched.size).saturating_add(1);
                self.empties(rule, next, end, &mut notices);
            }
        } else {
            self.expire(rule, now, &mut notices);
        }
        notices
    }

    /// An alert was told at the time `now`: by the clock, or in a replay by the records.
    pub(crate) fn was_told(&mut self, rule: usize, group: &Group, now: i64) {
        self.rules[rule].life.was_told(group, now);
    }

    /// Who else is to be told at the time `now`, as [`was_told`](Self::was_told) has it, of alerts that nobody looks
    /// after.
    pub(crate) fn escalate(&mut self, rule: usize, now: i64) -> Vec<Notice> {
        let mut notices = Vec::new();
        for (group, due) in self.rules[rule].life.overdue(now) {
            if self.is_acked(rule, &group) || self.is_held(rule, &group, now) {
                continue;
            }
            let watched = &mut self.rules[rule];
            let is_over = |open: &Open<About>| {
                // It is only not known yet.
                open.about.window.is_none() && open.last.saturating_add(watched.size) <= due
            };
            if watched.life.open().get(&group).is_none_or(is_over) {
                continue;
            }
            let Some(open) = watched.life.escalate(&group) else {
                continue;
            };
            notices.push(Notice {
                rule,
                range: open.range(),
                alert: alert(&watched.rule, &group, open, State::Firing, due),
                is_escalation: true,
            });
        }
        notices
    }

    /// The time of the rules has come to `now` in a replay.
    pub(crate) fn pass(&mut self, rule: usize, now: i64) -> Vec<Notice> {
        // Records say when their alerts are over, and windows of which nothing was told have to be looked at before
        // that is known.
        let mut notices = match self.rules[rule].rule.kind.has_windows() {
            true => Vec::new(),
            false => self.escalate(rule, now),
        };
        notices.extend(self.advance(rule, now));
        notices.extend(self.escalate(rule, now));
        notices
    }

    /// A record that a rule asks for, which was at `time`.
    pub(crate) fn record(&mut self, rule: usize, row: Row, time: i64, line: String) -> Vec<Notice> {
        let mut notices = Vec::new();
        self.expire(rule, time, &mut notices);
        let group = self.rules[rule].group_of(&row);
        let Some((group, values)) = self.rules[rule].judge.record(group, row, time) else {
            return notices;
        };
        let held = self.is_held(rule, &group, time);
        let acked = self.is_acked(rule, &group);
        let watched = &mut self.rules[rule];
        watched.held += u64::from(held);
        let before = watched.life.open().get(&group).map(|open| &open.about);
        let mut lines = before.map_or_else(Vec::new, |before| before.lines.clone());
        lines.push(line);
        let surplus = lines.len().saturating_sub(watched.rule.samples);
        lines.drain(..surplus);
        let about = About {
            values,
            window: None,
            lines,
            found: before.map_or(0, |before| before.found).saturating_add(1),
        };
        let open = watched
            .life
            .found(&group, (time, time), about, held || acked);
        let alert = open.map(|open| alert(&watched.rule, &group, open, State::Firing, time));
        if watched.rule.kind.tells_moments() {
            watched.life.forget(&group);
        }
        notices.extend(alert.map(|alert| Notice {
            rule,
            range: alert.since..time.saturating_add(1),
            alert,
            is_escalation: false,
        }));
        notices
    }

    /// Looks at the windows of a rule that begin from `from` on, before `until`, and had nothing in
    /// them.
    fn empties(&mut self, rule: usize, from: i64, until: i64, notices: &mut Vec<Notice>) {
        let (size, slide) = (self.rules[rule].size, self.rules[rule].slide);
        let count = until
            .saturating_sub(from)
            .saturating_add(slide - 1)
            .div_euclid(slide);
        let (first, last) = (count.min(EMPTY_MAX), (count - EMPTY_MAX).max(EMPTY_MAX));
        for index in (0..first).chain(last..count) {
            let start = from.saturating_add(index * slide);
            let window = Window {
                start,
                end: start.saturating_add(size),
            };
            self.judge(rule, window, Vec::new(), true, notices);
        }
        if count > 0 {
            self.rules[rule].next = Some(from.saturating_add(count * slide));
        }
    }

    fn judge(
        &mut self,
        rule: usize,
        window: Window,
        rows: Vec<Row>,
        is_whole: bool,
        notices: &mut Vec<Notice>,
    ) {
        let watched = &mut self.rules[rule];
        let rows = rows.into_iter().map(|row| (watched.group_of(&row), row));
        let rows = rows.collect();
        let found = watched.judge.window(window, rows, is_whole);
        for group in watched.judge.take_forgotten() {
            watched.life.forget(&group);
        }
        let groups: BTreeSet<Group> = found.iter().map(|(group, _)| group.clone()).collect();
        for (group, values) in found {
            self.found(rule, &group, values, (window, window.end), notices);
        }
        let moment = (window.start, window.end);
        if is_whole {
            let watched = &mut self.rules[rule];
            let over = watched.life.closed(moment, |group| groups.contains(group));
            for (group, open) in over {
                notices.extend(watched.resolved(rule, &group, &open, window.end));
            }
        }
    }

    /// The condition is true of a group in a window, which was found at the time that stands beside it.
    fn found(
        &mut self,
        rule: usize,
        group: &Group,
        values: Map<String, Value>,
        (window, now): (Window, i64),
        notices: &mut Vec<Notice>,
    ) {
        let held = self.is_held(rule, group, now);
        let is_quiet = held || self.is_acked(rule, group);
        let watched = &mut self.rules[rule];
        let before = watched.life.open().get(group);
        let found = before.map_or(1, |before| {
            // What is told of a window that is open is told again when it closes.
            let is_another = window.start > before.last;
            before.about.found.saturating_add(u64::from(is_another))
        });
        let about = About {
            values,
            window: Some(window),
            lines: Vec::new(),
            found,
        };
        watched.held += u64::from(held);
        if let Some(open) = watched
            .life
            .found(group, (window.start, now), about, is_quiet)
        {
            let alert = alert(&watched.rule, group, open, State::Firing, now);
            notices.push(Notice {
                rule,
                alert,
                range: window.start..window.end,
                is_escalation: false,
            });
        }
    }

    /// Ends alerts of records of which none has come for the length of a window.
    fn expire(&mut self, rule: usize, now: i64, notices: &mut Vec<Notice>) {
        let watched = &mut self.rules[rule];
        for (group, open, at) in watched.life.expired(watched.size, now) {
            notices.extend(watched.resolved(rule, &group, &open, at));
        }
    }

    /// Whether alerts of a group are held back: by a silence, or since another rule fires for it.
    fn is_held(&self, rule: usize, group: &Group, now: i64) -> bool {
        self.held_by(rule, group, now).next().is_some()
    }

    /// What holds back the alerts of a group.
    fn held_by<'a>(
        &'a self,
        rule: usize,
        group: &'a Group,
        now: i64,
    ) -> impl Iterator<Item = HeldBack> + 'a {
        let watched = &self.rules[rule];
        let name = watched.rule.name.as_str();
        let configured = self.silences.iter().filter(move |silence| {
            (silence.from..silence.until).contains(&now) && silence.matcher.matches(name, group)
        });
        let rules = watched.unless.iter().map(|other| &self.rules[*other]);
        let rules = rules.filter(|other| {
            let mut open = other.life.open().iter();
            open.any(|(other, open)| open.quiet.is_none() && agree(group, other))
        });
        let configured = configured.map(configured_silence);
        let asked = self.people.held_by(name, group, now);
        let rules = rules.map(|other| HeldBack::Rule {
            name: other.rule.name.clone(),
        });
        configured.chain(asked).chain(rules)
    }

    /// Whether somebody looks after the open alert of a group.
    fn is_acked(&self, rule: usize, group: &Group) -> bool {
        let watched = &self.rules[rule];
        let id = || Some(id_of(&watched.rule, group, watched.life.open().get(group)?));
        let is_acked = |id: String| self.people.acked(&id).is_some();
        !self.people.has_no_acks() && id().is_some_and(is_acked)
    }

    /// Forgets who looks after alerts of a rule that are over; gives their ids.
    pub(crate) fn forget_acks(&mut self, rule: usize) -> Vec<String> {
        let watched = &self.rules[rule];
        if !self.people.has_acks_of(&watched.rule.name) {
            return Vec::new();
        }
        let open = watched.life.open().iter();
        let open: BTreeSet<_> = open
            .map(|(group, open)| id_of(&watched.rule, group, open))
            .collect();
        self.people
            .forget_acks(&watched.rule.name, |id| open.contains(id))
    }

    /// The alerts of a rule that are open at the time `now` of the clock.
    pub(crate) fn open_alerts(&self, rule: usize, now: i64) -> Vec<OpenAlert> {
        let open = self.rules[rule].life.open().iter();
        open.map(|(group, open)| self.open_alert(rule, group, open, now))
            .collect()
    }

    fn open_alert(&self, rule: usize, group: &Group, open: &Open<About>, now: i64) -> OpenAlert {
        let watched = &self.rules[rule];
        let About { window, found, .. } = &open.about;
        let alert = alert(&watched.rule, group, open, State::Firing, now);
        OpenAlert {
            text: watched.text.fill(|place| match place {
                "samples" => None,
                place => value_of(&alert, place),
            }),
            acked: self.people.acked(&alert.id).cloned(),
            held_back: self.held_by(rule, group, now).collect(),
            id: alert.id,
            rule: alert.rule,
            kind: watched.rule.kind.name().to_owned(),
            group: alert.group,
            since: alert.since,
            last: window.map_or(open.last, |window| window.end),
            quiet: open.quiet,
            found: *found,
            told: open.told,
            escalated: open.escalated,
            values: alert.values,
        }
    }

    /// The rule and the open alert that somebody means by the beginning of its id, or by the name of its rule.
    ///
    /// # Errors
    /// Fails where that is none, or could be several.
    pub(crate) fn find(&self, typed: &str) -> Result<(usize, Group), control::Error> {
        find::alert(self, typed)
    }

    /// The rule of this name.
    pub(crate) fn rule_named(&self, name: &str) -> Option<usize> {
        self.rules.iter().position(|it| it.rule.name == name)
    }

    /// The open alert of a rule for a group, with the records that it has and when all of its records were.
    pub(crate) fn explained(
        &self,
        rule: usize,
        group: &Group,
        now: i64,
    ) -> Option<(OpenAlert, Vec<String>, Range<i64>)> {
        let open = self.rules[rule].life.open().get(group)?;
        let alert = self.open_alert(rule, group, open, now);
        Some((alert, open.about.lines.clone(), open.range()))
    }

    /// The silences that are of some alerts of a rule, and are not over at the time `now`.
    pub(crate) fn silences_of(&self, rule: usize, now: i64) -> Vec<HeldBack> {
        let name = &self.rules[rule].rule.name;
        let is_of = |matcher: &control::Matcher, until: i64| {
            now < until && (matcher.rules.is_empty() || matcher.rules.contains(name))
        };
        let configured = self.silences.iter();
        let configured = configured.filter(|silence| is_of(&silence.matcher, silence.until));
        let asked = self.people.silences();
        let asked = asked.filter(|(_, silence)| is_of(&silence.matcher, silence.until));
        let asked = asked.map(|(number, silence)| HeldBack::Silence {
            number,
            silence: silence.clone(),
        });
        configured.map(configured_silence).chain(asked).collect()
    }

    /// Finds out whether a silence could be of any alert.
    ///
    /// # Errors
    /// Fails where it names a rule that there is not, or a field that none of its rules groups by.
    pub(crate) fn check(&self, matcher: &control::Matcher) -> Result<(), control::Error> {
        find::check(self, matcher)
    }
}

fn configured_silence(silence: &Silence) -> HeldBack {
    HeldBack::ConfiguredSilence {
        name: silence.name.clone(),
        until: silence.until,
    }
}

/// Whether two groups have the same values where they have the same fields.
fn agree(one: &Group, other: &Group) -> bool {
    one.iter().all(|(name, value)| {
        let mut same = other.iter().filter(|(other, _)| other == name);
        same.all(|(_, other)| other == value)
    })
}

impl Watched {
    /// What its memory is of.
    fn remembers(&self) -> String {
        let kind = &self.rule.kind;
        let fields = match kind {
            Kind::NewTerm { fields, .. } => fields.join(","),
            Kind::Change { field } => field.clone(),
            _ => return kind.name().to_owned(),
        };
        format!("{} of {fields}", kind.name())
    }

    fn group_of(&self, row: &Row) -> Group {
        let fields = self.rule.group_by.iter();
        fields
            .map(|name| {
                let value = row.values.get(name).and_then(text_of);
                (name.clone(), value.unwrap_or_default())
            })
            .collect()
    }

    /// The notice that an alert is over, where it was told that it fires.
    fn resolved(&self, rule: usize, group: &Group, open: &Open<About>, at: i64) -> Option<Notice> {
        let is_told = open.told.is_some() && self.rule.tells_resolved;
        is_told.then(|| Notice {
            rule,
            alert: alert(&self.rule, group, open, State::Resolved, at),
            range: open.since..at,
            is_escalation: false,
        })
    }
}

impl Open<About> {
    /// When the records were that it was last found in, or all of them.
    fn range(&self) -> Range<i64> {
        match self.about.window {
            Some(window) => window.start..window.end,
            None => self.since..self.last.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests;
