//! The file of rules is read again while they run: what is as it was goes on, and the rest begins where that ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use birl_query::Resume;
use birl_source::error::refusal;
use birl_source::follow;
use futures::stream::BoxStream;
use jiff::tz::TimeZone;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info, warn};

use super::asking::Came;
use super::handover::Handover;
use super::{Error, Run, listen_once, targets, tell_memory};
use crate::asked::{Asked, Item, ask_the_same, asked_of};
use crate::config::{Config, Error as ConfigError, Rule, Source};
use crate::engine::Engine;
use crate::sources::names_of_source;
use crate::store::now;

/// So long may it take until all rules have come as far as the others when the file is read again.
const RELOAD_MAX: Duration = Duration::from_secs(5);

/// What becomes of a rule of another configuration.
enum Planned {
    /// It is as the rule of this number was.
    Stays(usize),
    /// It is asked this, of sources of which these are read on.
    Asked(Box<Asked>, Behind),
}

/// What sources say behind the barrier at which rules are replaced, by their names.
type Behind = BTreeMap<String, BoxStream<'static, follow::Event>>;

/// What the rules have come to that are replaced.
#[derive(Default)]
struct Ended {
    /// The states of their queries at the barrier, by their numbers.
    states: BTreeMap<usize, Vec<u8>>,
    /// All rules have come to the barrier, and so have the sources that they ask.
    all: bool,
}

impl Run {
    /// Reads the file again.
    pub(super) async fn reload(&mut self, is_asked: bool) {
        self.file.is_seen();
        let told = |error: &dyn fmt::Display| {
            error!(%error, "the new file cannot be used, and the rules go on as they were");
        };
        let file = self.config.file.clone();
        let text = match tokio::fs::read_to_string(&file).await {
            Ok(text) => text,
            Err(error) => {
                return told(&format!(
                    "cannot read {}: {}",
                    file.display(),
                    refusal(&error)
                ));
            }
        };
        let clock = self.around.clock.clone();
        let rooms = Arc::clone(&self.around.places.rooms);
        // Searches are compiled, which keeps a CPU busy.
        let read = tokio::task::spawn_blocking(move || {
            let config = Config::parse(&text, &file, &clock)?;
            let change = rooms.read(&text, &config)?;
            Ok::<_, ConfigError>((config, change))
        });
        let (config, change) = match read.await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return told(&error),
            Err(error) => return told(&error),
        };
        // Places may be rooms of chats that are to come.
        let rooms = change.as_ref().map(|change| change.rooms());
        let rooms = rooms.unwrap_or_else(|| Arc::clone(&self.around.places.rooms));
        let before = std::mem::replace(&mut self.around.places.rooms, rooms);
        if let Err(error) = self.replace(config).await {
            self.around.places.rooms = before;
            return told(&error);
        }
        if let Some(change) = change {
            change.take_up();
        }
        info!(
            rules = self.config.rules.len(),
            by = if is_asked { "a signal" } else { "a change" },
            "reloaded"
        );
    }

    /// Goes on with another configuration: with what is as it was as it is, and with nothing of it if
    /// anything in it is wrong.
    async fn replace(&mut self, config: Config) -> Result<(), Error> {
        listen_once(&config)?;
        let targets = targets(&config, &self.around)?;
        for source in &config.sources {
            names_of_source(source, &config.file, &self.around)?;
        }
        let planned = self.plan_all(&config).await?;
        tell_what_stays(&self.started, &config);
        // A round ends what goes, and those that take its place begin where it ended: nothing is missing
        // between them, and nothing counts twice.
        self.abandon_round();
        let mut next: Vec<Planned> = Vec::new();
        for (rule, planned) in config.rules.iter().zip(planned) {
            next.push(match planned {
                Planned::Asked(asked, _) => Planned::Asked(asked, self.behind(rule, &config).await),
                planned => planned,
            });
        }
        let ended = self.end_round(&next).await;

        let old = std::mem::replace(&mut self.config, config);
        let mut due = self.due.take().unwrap_or_default();
        let (mut kept, mut before) = (BTreeMap::new(), BTreeMap::new());
        for (number, mut asking) in std::mem::take(&mut self.asking).into_iter().enumerate() {
            let stays = |planned: &Planned| matches!(planned, Planned::Stays(it) if *it == number);
            if next.iter().any(stays) {
                kept.insert(number, asking);
            } else {
                // It has to let go of its sources before others can have them.
                due.merge(asking.end().await);
                before.insert(number, asking);
            }
        }
        self.end_readings(&old).await;
        let reached = self.rounds.sources();
        self.read(&reached)?;
        let mut engine = Engine::new(&self.config);
        for (number, planned) in next.into_iter().enumerate() {
            let rule = self.config.rules[number].clone();
            let (asked, behind) = match planned {
                Planned::Stays(before) => {
                    engine.take_over(number, &mut self.engine, before);
                    self.asking.extend(kept.remove(&before));
                    continue;
                }
                Planned::Asked(asked, behind) => (asked, behind),
            };
            // It is another rule, but the same alerts: they end by what it finds.
            let was = old.rules.iter().position(|it| it.name == rule.name);
            let mut resume = Resume::default();
            if let Some(was) = was
                && let Some(state) = ended.states.get(&was)
            {
                let (one, other) = (&old.rules[was], &rule);
                let before = asked_of(one, &old.sources).into_iter();
                let before = before.map(|source| source.name.as_str());
                let now = asked_of(other, &self.config.sources);
                let handover = Handover::new(before, &now, |source| {
                    let is_behind = behind.contains_key(&source.name);
                    let goes_on = is_behind || ended.all && reached.of(source).is_some();
                    goes_on.then_some(is_behind)
                });
                resume.begun = handover.begun(state);
                let goes_on = handover.is_whole
                    && asks_of_same(one, &old, other, &self.config)
                    && asked.can_resume(state).is_ok();
                resume.state = goes_on.then_some(state);
            }
            let is_all_behind = behind.len() == asked_of(&rule, &self.config.sources).len();
            let goes_on = resume.state.is_some() && (is_all_behind || self.is_written(&rule)?);
            let mut asking = self.ask(&rule, *asked, behind, resume).await?;
            engine.group_by(number, &asking.keys);
            if let Some(was) = was {
                if let Some(before) = before.get(&was) {
                    asking.show_as(before, goes_on);
                }
                tell_memory(
                    &rule.name,
                    engine.inherit(number, &mut self.engine, was, goes_on),
                );
            }
            self.asking.push(asking);
            engine.begin(number, now());
        }
        self.begin();
        let gone = old.rules.iter().map(|rule| &rule.name);
        let gone = gone.filter(|name| self.config.rules.iter().all(|rule| rule.name != **name));
        due.forget_rules(gone.cloned());
        self.due = Some(due);
        self.rounds.forget_written();
        engine.people = std::mem::take(&mut self.engine.people);
        self.engine = engine;
        self.begin_round();
        self.targets = targets;
        self.deliver().await;
        self.tell_status();
        Ok(())
    }

    /// What becomes of each rule of another configuration.
    async fn plan_all(&self, config: &Config) -> Result<Vec<Planned>, ConfigError> {
        let mut planned = Vec::new();
        for rule in &config.rules {
            let mut rules = self.config.rules.iter();
            let is_same =
                |it: &Rule| it.name == rule.name && asks_same(it, &self.config, rule, config);
            planned.push(match rules.position(is_same) {
                Some(before) => Planned::Stays(before),
                None => {
                    let mut rules = self.config.rules.iter().zip(&self.asking);
                    let was = rules.find(|(it, asking)| {
                        it.name == rule.name
                            && asking.is_running()
                            && asks_of_same(rule, config, it, &self.config)
                    });
                    // So that it can go on where that was.
                    let known = was.map(|(_, asking)| asking.evidence.fields());
                    let asked = self.plan(rule, config, known).await?;
                    Planned::Asked(Box::new(asked), Behind::new())
                }
            });
        }
        Ok(planned)
    }

    /// What those sources of a rule of another configuration say behind the barrier to come that are read
    /// already, as it reads them.
    async fn behind(&self, rule: &Rule, config: &Config) -> Behind {
        let mut behind = Behind::new();
        let barrier = self.rounds.barrier() + 1;
        for source in asked_of(rule, &config.sources) {
            let mut sources = self.config.sources.iter();
            let is_same = sources.any(|it| as_read(it) == as_read(source));
            if let Some(reading) = self.readings.get(&source.name).filter(|_| is_same) {
                behind.insert(source.name.clone(), reading.events(barrier).await);
            }
        }
        behind
    }

    /// Takes a round to its end, where that does not take long, and no more than that of rules that will
    /// not go on.
    async fn end_round(&mut self, next: &[Planned]) -> Ended {
        let stays = |number: usize| {
            let mut next = next.iter();
            next.any(|it| matches!(it, Planned::Stays(before) if *before == number))
        };
        self.begin_round();
        let barrier = self.rounds.barrier();
        let deadline = Instant::now() + RELOAD_MAX;
        let mut ended = Ended::default();
        while self.rounds.is_under_way() {
            // What has come is taken, however late that is.
            let came = match Instant::now() < deadline {
                true => timeout_at(deadline, self.items.recv()).await,
                false => Ok(None),
            };
            let Some((task, came)) = came.ok().flatten() else {
                warn!("some of what comes while the file is read again is missed");
                self.abandon_round();
                return ended;
            };
            let Some(number) = self.asking.iter().position(|it| it.number == task) else {
                continue;
            };
            // What comes behind the barrier is for those that begin there.
            if ended.states.contains_key(&number) {
                continue;
            }
            if !stays(number)
                && let Came::Item(Item::Checkpoint { number: at, state }) = &came
                && *at == barrier
            {
                ended.states.insert(number, state.clone());
            }
            self.take(task, came).await;
        }
        ended.all = true;
        ended
    }

    /// Delivers to the places of the new file; if that cannot be, it is tried again.
    pub(super) async fn deliver(&mut self) {
        let Some(deliverer) = &mut self.deliverer else {
            return;
        };
        let targets = self.targets.clone();
        let replaced = deliverer.replace(&self.store, targets, &self.status).await;
        self.has_new_targets = replaced.is_err();
        if let Err(error) = replaced {
            error!(%error, "alerts go to the places as they were, and not yet to those of the new file");
        }
    }

    /// Ends the readings of sources that are asked no more, or are others than they were.
    async fn end_readings(&mut self, old: &Config) {
        let is_same = |name: &String| {
            let of = |config: &Config| {
                let source = config.sources.iter().find(|it| it.name == *name)?;
                Some(as_read(source))
            };
            of(old) == of(&self.config)
        };
        let rules = self.config.rules.iter();
        let asked: BTreeSet<_> = rules
            .flat_map(|rule| asked_of(rule, &self.config.sources))
            .map(|source| source.name.clone())
            .collect();
        let gone = self
            .readings
            .extract_if(.., |name, _| !asked.contains(name) || !is_same(name));
        for (_, reading) in gone.collect::<Vec<_>>() {
            reading.end().await;
        }
    }
}

/// Tells of what is taken up at the beginning alone.
fn tell_what_stays(old: &Config, new: &Config) {
    let differs = [
        (old.state != new.state, "state"),
        (old.status != new.status, "status"),
        (old.metrics != new.metrics, "metrics"),
    ];
    for (_, key) in differs.iter().filter(|(differs, _)| *differs) {
        warn!(
            key,
            "it is another one now, and is taken up when birl is started again"
        );
    }
}

/// Whether two rules of two files ask the same of the same. What they say of it, how often and to whom
/// may differ.
fn asks_same(one: &Rule, of: &Config, other: &Rule, to: &Config) -> bool {
    let sources = |rule: &Rule, config: &Config| {
        let sources = asked_of(rule, &config.sources).into_iter();
        sources.map(as_it_stands).collect::<Vec<_>>()
    };
    let asked = |rule: &Rule| Rule {
        line: 0,
        send: Vec::new(),
        repeat: None,
        escalate: None,
        resolve: Duration::ZERO,
        tells_resolved: true,
        unless: Vec::new(),
        samples: 0,
        // The fields in it are asked for where the rule is of records.
        text: rule.text.clone().filter(|_| !rule.kind.has_windows()),
        ..rule.clone()
    };
    asked(one) == asked(other) && sources(one, of) == sources(other, to)
}

/// Whether the query of a rule is the same as that of another, and reads the same of its sources as records.
fn asks_of_same(one: &Rule, of: &Config, other: &Rule, to: &Config) -> bool {
    let sources = |rule: &Rule, config: &Config| {
        let sources = asked_of(rule, &config.sources).into_iter();
        let sources = sources.map(|source| Source {
            input_format: source.input_format.clone(),
            input_zone: source.input_zone.clone(),
            ..as_read(source)
        });
        sources.collect::<Vec<_>>()
    };
    ask_the_same(one, other) && sources(one, of) == sources(other, to)
}

/// All that is to be known of a source to read its bytes.
fn as_read(source: &Source) -> Source {
    Source {
        input_format: None,
        input_zone: TimeZone::UTC,
        record_wait: None,
        lateness: None,
        idle: None,
        ..as_it_stands(source)
    }
}

/// All of a source but where it stands in the file.
fn as_it_stands(source: &Source) -> Source {
    Source {
        line: 0,
        ..source.clone()
    }
}
