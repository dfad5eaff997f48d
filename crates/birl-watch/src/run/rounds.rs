//! Rounds: a barrier goes through all sources and rules, and what is remembered at it is written down.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::warn;

use super::reading::Reached;
use super::saved::{Identity, SavedRule, SavedSource, SavedSources};
use super::{Run, TICK};
use crate::config::Kind;
use crate::nanoseconds;
use crate::store::{Checkpoint, Term, now};

/// How often terms are forgotten that have not been seen for long.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// How often it is written down that nothing has changed: what is live may have nothing to say, and is not
/// known to be missing then.
const TIME_EVERY: Duration = Duration::from_secs(10);

/// Rounds are at least so many times as far apart as one takes, unless there is something to tell.
const REST: u32 = 10;

/// So many alerts are held until a round has ended.
const FOUND_MAX: usize = 1000;

/// Alerts of so many bytes are written at once where there is no room for all.
const PART_BYTES: usize = 1 << 20;

/// From here on it is told that a round takes long.
const LONG: Duration = Duration::from_secs(30);

/// The rounds of a run.
pub(super) struct Rounds {
    /// The number of the last barrier.
    barrier: u64,
    under_way: Option<Round>,
    /// When the next one is to begin.
    next: Instant,
    /// The digest of what was written of each rule last.
    written: HashMap<String, Vec<u8>>,
    /// How far the sources had been read then, what these were, and all of it as it was written.
    reached: BTreeMap<String, (Reached, Identity, Value)>,
    sources_written: Instant,
    /// Until then nothing is begun, even if there is something to tell.
    rests_until: Instant,
    began: Instant,
    /// When it was told that a round takes long.
    told: Instant,
    /// When terms were forgotten last.
    forgotten: Instant,
    /// It was told that alerts were sent before what is remembered was written.
    has_told_too_much: bool,
    /// It was told that the disk had no room for all at once.
    has_told_little_room: bool,
}

struct Round {
    number: u64,
    /// The tasks that have not come to the barrier.
    waits_for: BTreeSet<u64>,
    checkpoint: Checkpoint,
}

impl Rounds {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            barrier: 0,
            under_way: None,
            next: now + TICK,
            written: HashMap::new(),
            reached: BTreeMap::new(),
            sources_written: now,
            rests_until: now,
            began: now,
            told: now,
            forgotten: now,
            has_told_too_much: false,
            has_told_little_room: false,
        }
    }

    /// The number of the last barrier that was put.
    pub(super) fn barrier(&self) -> u64 {
        self.barrier
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether it is time for the next one.
    pub(super) fn is_due(&self) -> bool {
        !self.is_under_way() && self.next <= Instant::now()
    }

    /// Everything is to be written the next time.
    pub(super) fn forget_written(&mut self) {
        self.written.clear();
    }

    /// How far the sources had been read at the end of the last round.
    pub(super) fn sources(&self) -> SavedSources {
        let sources = self.reached.iter().filter_map(|(name, (.., saved))| {
            let saved = serde_json::from_value(saved.clone()).ok()?;
            Some((name.clone(), saved))
        });
        SavedSources {
            at: now(),
            sources: sources.collect(),
        }
    }

    /// Where a source was that is read on.
    pub(super) fn take_up(&mut self, name: &str, saved: &SavedSource) {
        let reached = Reached {
            positions: Arc::new(saved.positions.clone()),
            cursors: saved.cursors.clone(),
        };
        let identity = saved.identity.clone();
        let saved = serde_json::to_value(saved).expect("positions can be written as JSON");
        self.reached
            .insert(name.to_owned(), (reached, identity, saved));
    }

    /// A source is not read on.
    pub(super) fn forget_source(&mut self, name: &str) {
        self.reached.remove(name);
    }

    /// What a round had to write is written.
    pub(super) fn is_written(&mut self) {
        let took = self.began.elapsed();
        self.rests_until = Instant::now() + TICK.min(took * 2);
        self.next = Instant::now() + TICK.max(took * REST);
    }

    /// From when on one may begin if there is something to tell.
    pub(super) fn rests_until(&self) -> Instant {
        self.rests_until
    }
}

impl Run {
    /// Puts a barrier behind what all sources have said.
    pub(super) fn put_barrier(&mut self) {
        self.rounds.barrier += 1;
        for reading in self.readings.values() {
            reading.put_barrier(self.rounds.barrier);
        }
    }

    /// Begins a round, unless one is under way.
    pub(super) fn begin_round(&mut self) {
        if self.rounds.is_under_way() {
            return;
        }
        self.rounds.began = Instant::now();
        self.put_barrier();
        let (running, others): (Vec<_>, Vec<_>) =
            (0..self.asking.len()).partition(|number| self.asking[*number].is_running());
        let waits_for = running.iter().map(|number| self.asking[*number].number);
        self.rounds.under_way = Some(Round {
            number: self.rounds.barrier,
            waits_for: waits_for.collect(),
            checkpoint: Checkpoint::default(),
        });
        for number in others {
            self.remember(number, None);
        }
        self.finish_round();
    }

    /// Begins a round if there is something to tell.
    pub(super) fn tell_what_was_found(&mut self) {
        if self.has_found() && self.rounds.rests_until <= Instant::now() {
            self.begin_round();
        }
    }

    /// Puts the alerts that were found into the outbox without what is remembered, where there are more
    /// than are held until a round has ended. They are found again if the process ends before that, and
    /// then are sent again, by the same ids.
    pub(super) fn write_what_is_too_much(&mut self) {
        let in_round = self.rounds.under_way.as_ref();
        let in_round = in_round.map_or(0, |round| round.checkpoint.outbox.len());
        let found = self.asking.iter().map(|asking| asking.found.outbox.len());
        if in_round + found.sum::<usize>() < FOUND_MAX {
            return;
        }
        let round = self.rounds.under_way.as_mut();
        let mut outbox = round.map_or_else(Vec::new, |round| {
            std::mem::take(&mut round.checkpoint.outbox)
        });
        for asking in &mut self.asking {
            outbox.append(&mut asking.found.outbox);
        }
        self.tell_too_much(outbox.len());
        self.due.get_or_insert_default().merge(Checkpoint {
            outbox,
            ..Checkpoint::default()
        });
    }

    fn tell_too_much(&mut self, alerts: usize) {
        if !std::mem::replace(&mut self.rounds.has_told_too_much, true) {
            warn!(
                alerts,
                "more alerts were found than are held until it is written what the rules remember: \
                 they are sent before that, and would be sent again if birl were killed now"
            );
        }
    }

    /// Puts alerts of a checkpoint into the outbox, as [too many](Self::write_what_is_too_much) are, as far as there
    /// is room on the disk: what they take is free again when they are delivered, and it may never have room for all
    /// at once.
    pub(super) async fn write_what_there_is_room_for(&mut self, checkpoint: &mut Checkpoint) {
        while !checkpoint.outbox.is_empty() {
            let first = checkpoint.first_alerts(PART_BYTES);
            let count = first.outbox.len();
            if self.store.checkpoint(first).await.is_err() {
                return;
            }
            checkpoint.outbox.drain(..count);
            if !std::mem::replace(&mut self.rounds.has_told_little_room, true) {
                warn!(
                    alerts = count,
                    "the disk has no room for all that is to be written at once: these alerts are sent before \
                     it is written what the rules remember, and would be sent again if birl were killed now"
                );
            }
        }
    }

    /// Whether there is something to tell, and no round is under way.
    pub(super) fn has_found(&self) -> bool {
        let is_empty = |checkpoint: &Checkpoint| {
            checkpoint.outbox.is_empty()
                && checkpoint.opened.is_empty()
                && checkpoint.closed.is_empty()
        };
        let mut asking = self.asking.iter();
        !self.rounds.is_under_way() && asking.any(|asking| !is_empty(&asking.found))
    }

    /// Says which rules a round waits for, where it takes long.
    pub(super) fn tell_what_takes_long(&mut self) {
        let rounds = &mut self.rounds;
        let Some(round) = &rounds.under_way else {
            return;
        };
        if rounds.began.elapsed() < LONG || rounds.told.elapsed() < LONG {
            return;
        }
        rounds.told = Instant::now();
        let waits = |asking: &super::Asking| round.waits_for.contains(&asking.number);
        let rules = self.config.rules.iter().zip(&self.asking);
        let rules = rules.filter(|(_, asking)| waits(asking));
        let rules: Vec<_> = rules.map(|(rule, _)| rule.name.as_str()).collect();
        warn!(
            rules = rules.join(","),
            seconds = rounds.began.elapsed().as_secs(),
            "alerts wait until these rules have come as far as the others"
        );
    }

    /// A rule has come to a barrier.
    pub(super) fn has_come_to_barrier(&mut self, number: usize, barrier: u64, state: Vec<u8>) {
        let task = self.asking[number].number;
        let round = self.rounds.under_way.as_mut();
        if round.is_some_and(|it| it.number == barrier && it.waits_for.remove(&task)) {
            self.remember(number, Some(state));
            self.finish_round();
        }
    }

    /// A rule will not come to the barrier.
    pub(super) fn does_not_run(&mut self, number: usize) {
        let task = self.asking[number].number;
        let round = self.rounds.under_way.as_mut();
        if round.is_some_and(|it| it.waits_for.remove(&task)) {
            self.remember(number, None);
            self.finish_round();
        }
    }

    /// Gives up the round that is under way. What was found is told all the same.
    pub(super) fn abandon_round(&mut self) {
        if let Some(round) = self.rounds.under_way.take() {
            self.rounds.forget_written();
            let found = Checkpoint {
                // These belong to positions that are not known.
                states: Vec::new(),
                acks_over: Vec::new(),
                ..round.checkpoint
            };
            self.due.get_or_insert_default().merge(found);
        }
    }

    /// Adds to the round what a rule remembers, and what it has found.
    fn remember(&mut self, number: usize, query: Option<Vec<u8>>) {
        let Some(round) = &mut self.rounds.under_way else {
            return;
        };
        let rule = &self.config.rules[number];
        let found = std::mem::take(&mut self.asking[number].found);
        round.checkpoint.merge(found);
        let saved = SavedRule {
            sources: Identity::all(rule, &self.config),
            memory: self.engine.memory(number),
            query,
        };
        let saved = saved.to_bytes();
        let hash = digest(&SHA256, &saved).as_ref().to_vec();
        if self.rounds.written.get(&rule.name) != Some(&hash) {
            self.rounds.written.insert(rule.name.clone(), hash);
            round.checkpoint.states.push((rule.name.clone(), saved));
        }
        let over = self.engine.forget_acks(number);
        round.checkpoint.acks_over.extend(over);
        if let Some(terms) = self.engine.terms(number) {
            let terms = terms.take_changed().into_iter().map(|(group, seen)| Term {
                rule: rule.name.clone(),
                term: serde_json::to_string(&group).expect("texts can be written as JSON"),
                seen,
            });
            round.checkpoint.terms.extend(terms);
        }
    }

    /// What the round that is under way has so far.
    pub(super) fn found_in_round(&self) -> Option<&Checkpoint> {
        Some(&self.rounds.under_way.as_ref()?.checkpoint)
    }

    /// Ends the round, where all have come to the barrier: what it has is to be written.
    fn finish_round(&mut self) {
        let round = self.rounds.under_way.take_if(|it| it.waits_for.is_empty());
        let Some(mut round) = round else { return };
        self.forget_terms(&mut round.checkpoint);
        self.add_sources(round.number, &mut round.checkpoint);
        if round.checkpoint != Checkpoint::default() {
            self.due.get_or_insert_default().merge(round.checkpoint);
        }
        self.rounds.is_written();
    }

    /// Adds how far all sources had been read, where that has changed. A source that no running rule asks
    /// may not have come to the barrier, and stays where it was.
    fn add_sources(&mut self, barrier: u64, checkpoint: &mut Checkpoint) {
        let sources = &self.config.sources;
        let is_known = |name: &String| sources.iter().any(|source| source.name == *name);
        let before = self.rounds.reached.len();
        self.rounds.reached.retain(|name, _| is_known(name));
        let mut is_new = self.rounds.reached.len() != before;
        for source in sources {
            let reading = self.readings.get(&source.name);
            let Some(reached) = reading.and_then(|it| it.reached(barrier)) else {
                continue;
            };
            let identity = Identity::of(source);
            let known = self.rounds.reached.get(&source.name);
            if known.is_some_and(|(known, of, _)| *known == reached && *of == identity) {
                continue;
            }
            is_new = true;
            let saved = SavedSource {
                identity: identity.clone(),
                positions: (*reached.positions).clone(),
                cursors: reached.cursors.clone(),
            };
            let saved = serde_json::to_value(saved).expect("positions can be written as JSON");
            self.rounds
                .reached
                .insert(source.name.clone(), (reached, identity, saved));
        }
        let has_live = self.readings.values().any(super::Reading::has_live);
        if is_new || has_live && self.rounds.sources_written.elapsed() >= TIME_EVERY {
            self.rounds.sources_written = Instant::now();
            let sources = self.rounds.reached.iter();
            let sources: serde_json::Map<_, _> = sources
                .map(|(name, (.., saved))| (name.clone(), saved.clone()))
                .collect();
            checkpoint.positions = Some(json!({ "at": now(), "sources": sources }));
        }
    }

    /// Terms that are new again when they are seen need not be known.
    fn forget_terms(&mut self, checkpoint: &mut Checkpoint) {
        if self.rounds.forgotten.elapsed() < FORGET_EVERY {
            return;
        }
        self.rounds.forgotten = Instant::now();
        for rule in &self.config.rules {
            if let Kind::NewTerm { within, .. } = &rule.kind {
                let before = now().saturating_sub(nanoseconds(*within));
                checkpoint.terms_before.push((rule.name.clone(), before));
            }
        }
    }
}
