//! What people ask of rules that run, between two records.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tracing::info;

use super::Run;
use crate::asked::asked_of;
use crate::check::{ends, fires};
use crate::control::{
    Delivery, Error, Explained, Gathered, Letter, Letters, OpenAlert, Request, Why,
};
use crate::life::Group;
use crate::nanoseconds;
use crate::store::{self, Ack, Checkpoint, Silence, now};

/// So many silences may hold at a time.
const SILENCES_MAX: usize = 1000;

/// So many open alerts of a rule are explained.
const EXPLAINED_MAX: usize = 3;

/// For so long a silence is kept that is over: records may come late, or be read again.
const SILENCE_KEPT: Duration = Duration::from_secs(7 * 86_400);

impl Run {
    /// Takes up what people have said before.
    pub(super) async fn take_up_people(&mut self) -> Result<(), store::Error> {
        let now = now();
        let before = now.saturating_sub(nanoseconds(SILENCE_KEPT));
        let people = &mut self.engine.people;
        for (number, silence) in self.store.silences(before).await? {
            people.silence(number, silence, now);
        }
        for ack in self.store.acks().await? {
            people.ack(ack);
        }
        Ok(())
    }

    /// Answers a request. Whoever asked may be gone: then what was asked for is done all the same.
    pub(super) async fn answer(&mut self, request: Request) {
        match request {
            Request::Alerts(reply) => drop(reply.send(Ok(self.open_alerts()))),
            Request::Ack {
                alert,
                by,
                comment,
                reply,
            } => drop(reply.send(self.ack(&alert, by, comment).await)),
            Request::Unack { alert, reply } => drop(reply.send(self.unack(&alert).await)),
            Request::Silence(silence, reply) => drop(reply.send(self.silence(silence).await)),
            Request::Unsilence(number, reply) => drop(reply.send(self.unsilence(number).await)),
            Request::Silences(reply) => drop(reply.send(Ok(self.silences()))),
            Request::Letters(what, numbers, reply) => {
                drop(reply.send(self.letters(what, &numbers).await));
            }
            Request::Why(name, reply) => drop(reply.send(self.why(&name))),
            Request::Store(reply) => drop(reply.send(Ok(self.store.clone()))),
        }
    }

    async fn letters(&self, what: Letters, numbers: &[i64]) -> Result<Vec<Letter>, Error> {
        let letters = match what {
            Letters::Look => {
                let mut letters = self.store.dead_letters().await?;
                letters.retain(|it| numbers.is_empty() || numbers.contains(&it.number));
                letters
            }
            Letters::Resend => self.store.resend(numbers).await?,
            Letters::Drop => self.store.drop_letters(numbers).await?,
        };
        if what != Letters::Look {
            info!(count = letters.len(), ?what, "dead letters");
        }
        Ok(letters)
    }

    fn open_alerts(&self) -> Vec<OpenAlert> {
        let now = now();
        let rules = 0..self.config.rules.len();
        let alerts = rules.flat_map(|rule| {
            let (newest, alerts) = (
                self.newest_of(rule, now),
                self.engine.open_alerts(rule, now),
            );
            alerts.into_iter().map(move |it| it.known_until(newest))
        });
        let mut alerts: Vec<_> = alerts.collect();
        alerts.sort_by_key(|alert| std::cmp::Reverse(alert.since));
        alerts
    }

    async fn ack(&mut self, typed: &str, by: String, comment: String) -> Result<OpenAlert, Error> {
        let (rule, group) = self.engine.find(typed)?;
        let mut alert = self.open_alert(rule, &group)?;
        let ack = Ack {
            id: alert.id.clone(),
            rule: alert.rule.clone(),
            by,
            at: now(),
            comment,
        };
        self.store.ack(ack.clone()).await?;
        info!(rule = alert.rule, id = alert.id, by = ack.by, "acked");
        self.engine.people.ack(ack.clone());
        alert.acked = Some(ack);
        Ok(alert)
    }

    async fn unack(&mut self, typed: &str) -> Result<OpenAlert, Error> {
        let (rule, group) = self.engine.find(typed)?;
        let alert = self.open_alert(rule, &group)?;
        if alert.acked.is_none() {
            let id = alert.short_id();
            return Err(Error::new(format!("nobody looks after alert {id}")));
        }
        self.store.unack(&alert.id).await?;
        info!(rule = alert.rule, id = alert.id, "not acked any more");
        self.engine.people.unack(&alert.id);
        Ok(alert)
    }

    fn open_alert(&self, rule: usize, group: &Group) -> Result<OpenAlert, Error> {
        let now = now();
        let found = self.engine.explained(rule, group, now);
        let (alert, ..) = found.ok_or_else(|| Error::new("the alert is over"))?;
        Ok(alert.known_until(self.newest_of(rule, now)))
    }

    /// How far the data of a rule have come.
    fn newest_of(&self, rule: usize, now: i64) -> i64 {
        self.asking[rule]
            .newest
            .map_or(now, |newest| newest.min(now))
    }

    async fn silence(&mut self, silence: Silence) -> Result<i64, Error> {
        let now = now();
        if silence.until <= silence.from.max(now) {
            return Err(Error::new("the silence is over before it begins")
                .with_hint("say for how long it is from now on"));
        }
        self.engine.check(&silence.matcher)?;
        let people = &mut self.engine.people;
        people.forget_silences(now.saturating_sub(nanoseconds(SILENCE_KEPT)));
        if people.silences().count() >= SILENCES_MAX {
            return Err(
                Error::new(format!("there are {SILENCES_MAX} silences already"))
                    .with_hint("end some of them, or let one be of several rules"),
            );
        }
        let number = self.store.silence(silence.clone()).await?;
        info!(number, %silence, "silent");
        self.engine.people.silence(number, silence, now);
        Ok(number)
    }

    async fn unsilence(&mut self, number: i64) -> Result<Option<Silence>, Error> {
        if !self.store.unsilence(number).await? {
            return Ok(None);
        }
        info!(number, "not silent any more");
        Ok(self.engine.people.unsilence(number))
    }

    fn silences(&self) -> BTreeMap<i64, Silence> {
        let now = now();
        let silences = self.engine.people.silences();
        let silences = silences.filter(|(_, silence)| now < silence.until);
        silences
            .map(|(number, silence)| (number, silence.clone()))
            .collect()
    }

    fn why(&self, typed: &str) -> Result<Gathered, Error> {
        let typed = typed.trim();
        let (number, group) = match self.engine.rule_named(typed) {
            Some(rule) => (rule, None),
            None => {
                let found = self.engine.find(typed).map_err(|error| {
                    let rules = self.config.rules.iter();
                    let rules: Vec<_> = rules.map(|rule| rule.name.as_str()).collect();
                    let rules = format!("the rules are {}", rules.join(", "));
                    match error.hint() {
                        Some(hint) => error.clone().with_hint(format!("{hint}; {rules}")),
                        None => error.with_hint(rules),
                    }
                })?;
                (found.0, Some(found.1))
            }
        };
        let (rule, asking, now) = (&self.config.rules[number], &self.asking[number], now());
        let mut newest = self.engine.open_alerts(number, now);
        newest.sort_by_key(|alert| std::cmp::Reverse(alert.since));
        let open = newest.len() as u64;
        let groups = match group {
            Some(group) => vec![group],
            None => {
                newest.truncate(EXPLAINED_MAX);
                newest.into_iter().map(|alert| alert.group).collect()
            }
        };
        let (mut alerts, mut records) = (Vec::new(), Vec::new());
        for group in groups {
            let Some((alert, samples, range)) = self.engine.explained(number, &group, now) else {
                continue;
            };
            let others = rule.escalate.iter().flat_map(|escalate| &escalate.to);
            let is_escalated = alert.escalated;
            let places = rule.send.iter().chain(others.filter(|_| is_escalated));
            let has_records = !rule.kind.has_windows();
            let ask = asking.evidence.command(&group, &range);
            records.push((!has_records).then(|| (asking.evidence.clone(), range)));
            alerts.push(Explained {
                alert: alert.known_until(self.newest_of(number, now)),
                samples,
                ask,
                places: places
                    .map(|place| (place.clone(), Delivery::NotTold))
                    .collect(),
            });
        }
        let sources = asked_of(rule, &self.config.sources).into_iter();
        let why = Why {
            rule: rule.name.clone(),
            kind: rule.kind.name().to_owned(),
            query: rule.query.clone(),
            sources: sources.map(|source| source.name.clone()).collect(),
            windows: (rule.kind.has_windows())
                .then(|| (nanoseconds(rule.window), nanoseconds(rule.slide))),
            condition: fires(&rule.kind),
            ends: ends(rule),
            send: rule.send.clone(),
            escalate: (rule.escalate.as_ref())
                .map(|escalate| (nanoseconds(escalate.after), escalate.to.clone())),
            unless: rule.unless.clone(),
            last: asking.last.clone(),
            problem: asking.problem.clone(),
            silences: self.engine.silences_of(number, now),
            held_back: self.engine.held(number),
            open,
            alerts,
        };
        let status = self.status.borrow();
        let problems = status.places.iter().filter_map(|place| {
            let problem = place.problem.as_ref()?;
            Some((place.name.clone(), problem.reason.clone()))
        });
        Ok(Gathered {
            why,
            records,
            samples: rule.samples,
            leaving: self.leaving(number),
            problems: problems.collect(),
            store: self.store.clone(),
        })
    }

    /// The places and ids of alerts that are not in the outbox yet.
    fn leaving(&self, number: usize) -> BTreeSet<(String, String)> {
        let found = [&self.asking[number].found].into_iter();
        let found = found.chain(self.found_in_round()).chain(&self.due);
        let outbox = found.flat_map(|checkpoint: &Checkpoint| &checkpoint.outbox);
        outbox
            .map(|(place, alert)| (place.clone(), alert.id.clone()))
            .collect()
    }
}
