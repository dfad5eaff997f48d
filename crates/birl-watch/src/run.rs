//! Rules over what comes: alerts go into the outbox, and from there to the places.
//!
//! Each rule's query runs in a task of its own, which waits when it is not listened to. What they give
//! is judged here, one by one. What is remembered and what is sent is written in one transaction, so an
//! alert leaves if and only if it is remembered; while that cannot be written, nothing more is taken.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use birl_query::{Closing, Stop};
use birl_scan::Event;
use birl_source::name::Name;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout_at};
use tracing::{error, info, warn};

use crate::alert::{Alert, State};
use crate::asked::{Asked, Evidence, How, Item, Surroundings, asked_of};
use crate::config::{Config, Error as ConfigError, Kind, Rule};
use crate::deliver::{Deliverer, Target};
use crate::engine::{Engine, Notice};
use crate::life::Group;
use crate::nanoseconds;
use crate::status::{self, Status};
use crate::store::{self, Checkpoint, Store, Term, now};

/// How often what is remembered is written down, and it is looked how time has gone on.
const TICK: Duration = Duration::from_secs(1);

/// So many items of all rules may wait to be judged.
const ITEMS_MAX: usize = 256;

/// After so long a rule is asked again whose query ended with an error.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// So long may it take to find the records that the alerts of one moment are about.
const EVIDENCE_MAX: Duration = Duration::from_secs(5);

/// How often terms are forgotten that have not been seen for long.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// How long a write that failed waits to be tried again.
const WRITE_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How rules are run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file of the state, where the configuration names none.
    pub state: PathBuf,
    /// How long the end may take.
    pub deadline: Duration,
}

/// What a run is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// To read its file again.
    Reload,
    /// To end: windows are told as they are, and what is remembered is written down.
    Stop,
}

/// Why a run could not begin, or had to end.
#[derive(Debug)]
pub struct Error(Reason);

#[derive(Debug)]
enum Reason {
    Config(ConfigError),
    Store(store::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::Config(error) => error.fmt(f),
            Reason::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self(Reason::Config(error))
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self(Reason::Store(error))
    }
}

/// Runs the rules of `config` over their sources until it is told to stop, or nobody is left to do so.
/// How it goes is kept in `status`; `ready` is called once all sources are read.
///
/// Where the file changes, it is read again. What is wrong then is told, and the rules go on as they
/// were; rules that are as they were go on in any case.
///
/// It must run within a tokio runtime. Dropping it ends it at once: what has been written down is there
/// when birl runs again.
///
/// # Errors
/// Fails where a rule cannot be planned at the beginning, where a place cannot be made, and where there
/// is no file of state to be had.
pub async fn run(
    config: Config,
    around: Surroundings,
    options: Options,
    status: watch::Sender<Status>,
    mut commands: mpsc::Receiver<Command>,
    ready: impl FnOnce(),
) -> Result<(), Error> {
    let mut run = Run::start(config, around, &options, status).await?;
    ready();
    info!(rules = run.config.rules.len(), file = %run.config.file.display(), "running");
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            command = commands.recv() => match command {
                Some(Command::Reload) => run.reload(true).await,
                Some(Command::Stop) | None => break,
            },
            _ = ticks.tick() => {
                if run.file.has_changed() {
                    run.reload(false).await;
                }
                run.tick().await;
            }
            Some((source, item)) = run.items.recv() => run.take(source, item).await,
        }
        if let Some(checkpoint) = run.due.take()
            && run.write(checkpoint, &mut commands).await.is_break()
        {
            break;
        }
    }
    run.stop(Instant::now() + options.deadline).await;
    Ok(())
}

/// Rules that run.
struct Run {
    config: Config,
    file: Watched,
    around: Surroundings,
    engine: Engine,
    asking: Vec<Asking>,
    items: mpsc::Receiver<(u64, Came)>,
    sender: mpsc::Sender<(u64, Came)>,
    /// The number of the next task.
    next: u64,
    store: Store,
    deliverer: Option<Deliverer>,
    status: watch::Sender<Status>,
    /// What is to be written before anything more is taken.
    due: Option<Checkpoint>,
    /// What was written of each rule last.
    written: HashMap<String, Vec<u8>>,
    /// When terms were forgotten last.
    forgotten: Instant,
}

/// What comes of the task of a rule.
enum Came {
    Item(Item),
    Failed(ConfigError),
    Ended,
}

/// The task that asks the query of a rule.
struct Asking {
    number: u64,
    task: Option<JoinHandle<()>>,
    stop: Option<Stop>,
    evidence: Evidence,
    closing: Closing,
    /// By what the rows of the answer are told apart, where the rule does not say so.
    keys: Vec<String>,
    /// How far time has come, as the windows say.
    time: Option<i64>,
    /// How long ago the last record was when it came.
    lag: i64,
    /// A source could not be read, so that the end of all is not the end.
    has_failed: bool,
    /// Nothing more comes.
    has_ended: bool,
    /// When it is to be asked again.
    again: Option<Instant>,
    alerts: u64,
    last: Option<status::Answer>,
    problem: Option<status::Problem>,
    /// What went wrong with one of its sources, as long as nothing has come since.
    source_problem: Option<status::Problem>,
}

impl Asking {
    /// Ends it, so that it is asked again unless something else takes its place.
    async fn end(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            // It says that it was aborted.
            let _ = task.await;
        }
        self.again = Some(Instant::now());
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Run {
    async fn start(
        config: Config,
        around: Surroundings,
        options: &Options,
        status: watch::Sender<Status>,
    ) -> Result<Self, Error> {
        listen_once(&config)?;
        let targets = targets(&config, &around)?;
        let (sender, items) = mpsc::channel(ITEMS_MAX);
        let path = config.state.as_ref().unwrap_or(&options.state);
        let store = Store::open(path).await?;
        let saved = store.saved().await?;
        let mut run = Self {
            file: Watched::new(&config.file),
            engine: Engine::new(&config),
            asking: Vec::new(),
            items,
            sender,
            next: 0,
            deliverer: None,
            status,
            due: None,
            written: HashMap::new(),
            forgotten: Instant::now(),
            config,
            around,
            store,
        };
        let rules = run.config.rules.clone();
        for (number, rule) in rules.iter().enumerate() {
            let asking = run.ask(rule).await?;
            run.engine.group_by(number, &asking.keys);
            run.asking.push(asking);
            if let Some(memory) = saved.states.get(&rule.name) {
                run.restore(number, memory).await?;
            }
            run.engine.begin(number, now());
        }
        let known: BTreeSet<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
        let gone = saved
            .states
            .keys()
            .filter(|name| !known.contains(name.as_str()));
        run.store
            .checkpoint(Checkpoint {
                gone_rules: gone.cloned().collect(),
                ..Checkpoint::default()
            })
            .await?;
        run.deliverer = Some(Deliverer::start(&run.store, targets, &run.status).await?);
        run.tell_status();
        Ok(run)
    }

    /// Takes up what a rule remembered.
    async fn restore(&mut self, number: usize, memory: &[u8]) -> Result<(), Error> {
        let name = &self.config.rules[number].name;
        if let Err(error) = self.engine.restore(number, memory) {
            warn!(rule = name, %error, "what the rule remembers is of another kind, and is left out");
            return Ok(());
        }
        if let Some(terms) = self.engine.terms(number) {
            let seen = self.store.terms(name).await?;
            let seen = seen.into_iter().filter_map(|(term, at)| {
                let group: Group = serde_json::from_str(&term).ok()?;
                Some((group, at))
            });
            terms.restore_terms(seen);
        }
        Ok(())
    }

    /// Begins to ask the query of a rule.
    async fn ask(&mut self, rule: &Rule) -> Result<Asking, ConfigError> {
        let file = self.config.file.clone();
        let asked = Asked::plan(rule, &file, &self.config.sources, How::Live, &self.around).await?;
        for field in &asked.unknown_fields {
            warn!(rule = rule.name, field, "no sampled record has this field");
        }
        let (stop, evidence) = (asked.stop(), asked.evidence.clone());
        let closing = asked.closing;
        let keys = asked.keys.clone();
        let items = asked.run(rule, &file, None)?;
        self.next += 1;
        let task = tokio::spawn(forward(self.next, items, self.sender.clone()));
        Ok(Asking {
            number: self.next,
            task: Some(task),
            stop,
            evidence,
            closing,
            keys,
            time: None,
            lag: 0,
            has_failed: false,
            has_ended: false,
            again: None,
            alerts: 0,
            last: None,
            problem: None,
            source_problem: None,
        })
    }

    /// Judges what came of a rule.
    async fn take(&mut self, source: u64, came: Came) {
        // What a task gave that has ended meanwhile is of a rule that is no more.
        let Some(number) = self.asking.iter().position(|it| it.number == source) else {
            return;
        };
        let notices = match came {
            Came::Item(item) => self.judge(number, item, true),
            Came::Failed(error) => {
                let rule = &self.config.rules[number].name;
                error!(rule, %error, "the rule's query ended, and is asked again");
                self.asking[number].problem = Some(status::Problem {
                    at: now(),
                    reason: error.to_string(),
                });
                self.asking[number].again = Some(Instant::now() + AGAIN_AFTER);
                Vec::new()
            }
            Came::Ended => {
                let rule = &self.config.rules[number].name;
                let asking = &mut self.asking[number];
                asking.has_ended = true;
                match asking.has_failed {
                    true => {
                        info!(
                            rule,
                            "no source of the rule can be read, and all are asked again"
                        );
                        asking.again = Some(Instant::now() + AGAIN_AFTER);
                    }
                    false => info!(rule, "all sources of the rule have ended"),
                }
                Vec::new()
            }
        };
        self.tell(notices).await;
    }

    /// What the engine says of an item. Where birl is ending, windows close before all of them has been
    /// seen.
    fn judge(&mut self, number: usize, item: Item, goes_on: bool) -> Vec<Notice> {
        let asking = &mut self.asking[number];
        match item {
            Item::Window(window, rows) => {
                if let Some(row) = rows.first() {
                    asking.source_problem = None;
                    asking.last = Some(status::Answer {
                        at: window.end,
                        text: serde_json::Value::Object(row.values.clone()).to_string(),
                    });
                }
                let is_whole = goes_on || asking.time.is_some_and(|time| window.end <= time);
                self.engine.window(number, window, rows, is_whole)
            }
            Item::SoFar(window, rows) => self.engine.so_far(number, window, rows, now()),
            Item::Time(time) => {
                asking.time = Some(time);
                self.engine.advance(number, time)
            }
            Item::Record { row, time, line } => {
                asking.source_problem = None;
                asking.lag = now().saturating_sub(time).max(0);
                asking.last = Some(status::Answer {
                    at: time,
                    text: line.chars().take(200).collect(),
                });
                self.engine.record(number, row, time, line)
            }
            Item::Event(event) => {
                if let Event::Problem(problem) = &event {
                    asking.has_failed = true;
                    asking.source_problem = Some(status::Problem {
                        at: now(),
                        reason: problem.to_string(),
                    });
                }
                tell_event(&self.config.rules[number].name, &event);
                Vec::new()
            }
        }
    }

    /// Puts alerts into the outbox, with all that is remembered.
    async fn tell(&mut self, notices: Vec<Notice>) {
        if notices.is_empty() {
            return;
        }
        let mut checkpoint = self.due.take().unwrap_or_default();
        let rules: BTreeSet<_> = notices.iter().map(|notice| notice.rule).collect();
        // Nothing else goes on meanwhile, so there is an end to it.
        let deadline = Instant::now() + EVIDENCE_MAX;
        for mut notice in notices {
            let number = notice.rule;
            let rule = &self.config.rules[number];
            let evidence = &self.asking[number].evidence;
            let added = notice.add_evidence(rule, &self.config.file, evidence);
            match timeout_at(deadline, added).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    warn!(rule = rule.name, %error, "the alert goes without records");
                }
                Err(_) => warn!(
                    rule = rule.name,
                    "the alert goes without records: to find them takes too long"
                ),
            }
            notice.alert.at = now();
            notice.write_text(&self.engine);
            let alert = notice.alert;
            self.asking[number].alerts += 1;
            info!(
                rule = alert.rule,
                id = alert.id,
                state = ?alert.state,
                places = rule.send.join(","),
                "{}",
                alert.text.lines().next().unwrap_or_default()
            );
            self.note(rule.clone(), alert, &mut checkpoint);
        }
        self.remember(rules, &mut checkpoint);
        self.due = Some(checkpoint);
    }

    fn note(&self, rule: Rule, alert: Alert, checkpoint: &mut Checkpoint) {
        match alert.state {
            State::Resolved => checkpoint
                .closed
                .push((rule.name.clone(), alert.group.clone())),
            State::Firing if rule.kind.tells_moments() => {}
            State::Firing => checkpoint.opened.push(store::Open {
                rule: rule.name.clone(),
                group: alert.group.clone(),
                id: alert.id.clone(),
                since: alert.since,
                told: alert.at,
            }),
        }
        let places = rule.send.iter().map(|place| (place.clone(), alert.clone()));
        checkpoint.outbox.extend(places);
    }

    /// Adds what has changed of what these rules remember.
    fn remember(&mut self, rules: impl IntoIterator<Item = usize>, checkpoint: &mut Checkpoint) {
        for number in rules {
            let name = &self.config.rules[number].name;
            let memory = self.engine.memory(number);
            if self.written.get(name) != Some(&memory) {
                self.written.insert(name.clone(), memory.clone());
                checkpoint.states.retain(|(rule, _)| rule != name);
                checkpoint.states.push((name.clone(), memory));
            }
            if let Some(terms) = self.engine.terms(number) {
                let terms = terms.take_changed().into_iter().map(|(group, seen)| Term {
                    rule: name.clone(),
                    term: serde_json::to_string(&group).expect("texts can be written as JSON"),
                    seen,
                });
                checkpoint.terms.extend(terms);
            }
        }
    }

    /// The same of all rules.
    fn remember_all(&mut self, checkpoint: &mut Checkpoint) {
        self.remember(0..self.config.rules.len(), checkpoint);
    }

    /// Terms that are new again when they are seen, so that they need not be known.
    fn forget_terms(&mut self, checkpoint: &mut Checkpoint) {
        if self.forgotten.elapsed() < FORGET_EVERY {
            return;
        }
        self.forgotten = Instant::now();
        for rule in &self.config.rules {
            if let Kind::NewTerm { within, .. } = &rule.kind {
                let before = now().saturating_sub(nanoseconds(*within));
                checkpoint.terms_before.push((rule.name.clone(), before));
            }
        }
    }

    /// Looks how time has gone on, and writes down what is remembered.
    async fn tick(&mut self) {
        let mut notices = Vec::new();
        for number in self.engine.order() {
            let asking = &self.asking[number];
            let has_windows = self.config.rules[number].kind.has_windows();
            // Where something has come, the windows say how far time is.
            if asking.time.is_none() || !has_windows {
                // What comes late is not over sooner than what comes at once.
                let behind = asking.closing.lateness + asking.closing.idle;
                let behind = nanoseconds(behind).saturating_add(asking.lag);
                let time = now().saturating_sub(behind);
                notices.extend(self.engine.advance(number, time));
            }
            if asking.again.is_some_and(|again| again <= Instant::now()) {
                self.ask_again(number).await;
            }
        }
        self.tell(notices).await;
        let mut checkpoint = self.due.take().unwrap_or_default();
        self.remember_all(&mut checkpoint);
        self.forget_terms(&mut checkpoint);
        self.due = (checkpoint != Checkpoint::default()).then_some(checkpoint);
        self.tell_status();
    }

    async fn ask_again(&mut self, number: usize) {
        let rule = self.config.rules[number].clone();
        match self.ask(&rule).await {
            Ok(asking) => {
                let before = std::mem::replace(&mut self.asking[number], asking);
                let asking = &mut self.asking[number];
                (asking.alerts, asking.lag) = (before.alerts, before.lag);
                self.engine.group_by(number, &asking.keys);
            }
            Err(error) => {
                error!(rule = rule.name, %error, "the rule cannot be asked again yet");
                self.asking[number].again = Some(Instant::now() + AGAIN_AFTER);
            }
        }
    }

    /// Writes a checkpoint. As long as that fails nothing else goes on, so that what comes waits.
    async fn write(
        &mut self,
        checkpoint: Checkpoint,
        commands: &mut mpsc::Receiver<Command>,
    ) -> std::ops::ControlFlow<()> {
        let mut is_told = false;
        loop {
            let Err(error) = self.store.checkpoint(checkpoint.clone()).await else {
                if is_told {
                    info!("what is remembered can be written again");
                    self.status.send_modify(|status| status.problem = None);
                }
                return std::ops::ControlFlow::Continue(());
            };
            if !is_told {
                error!(%error, "nothing more is read until what is remembered can be written");
                let problem = status::Problem {
                    at: now(),
                    reason: error.to_string(),
                };
                self.status
                    .send_modify(|status| status.problem = Some(problem));
                is_told = true;
            }
            tokio::select! {
                () = sleep(WRITE_AGAIN_AFTER) => {}
                command = commands.recv() => match command {
                    // It is read again when the rest goes on.
                    Some(Command::Reload) => self.file.is_to_be_seen(),
                    Some(Command::Stop) | None => {
                        self.due = Some(checkpoint);
                        return std::ops::ControlFlow::Break(());
                    }
                }
            }
        }
    }

    /// Reads the file again.
    async fn reload(&mut self, is_asked: bool) {
        self.file.is_seen();
        let told = |error: &dyn fmt::Display| {
            error!(%error, "the new file cannot be used, and the rules go on as they were");
        };
        let file = self.config.file.clone();
        let text = match tokio::fs::read_to_string(&file).await {
            Ok(text) => text,
            Err(error) => return told(&format!("cannot read {}: {error}", file.display())),
        };
        let config = match Config::parse(&text, &file, &self.around.clock) {
            Ok(config) => config,
            Err(error) => return told(&error),
        };
        if let Err(error) = self.replace(config).await {
            return told(&error);
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
        let old = std::mem::replace(&mut self.config, config);
        let stays = |rule: &Rule, config: &Config| {
            let mut rules = old.rules.iter();
            rules.position(|it| it.name == rule.name && asks_same(it, &old, rule, config))
        };
        let stay: BTreeSet<_> = self
            .config
            .rules
            .iter()
            .filter_map(|it| stays(it, &self.config))
            .collect();
        for (number, asking) in self.asking.iter_mut().enumerate() {
            // What listens has to end before another can listen there.
            if !stay.contains(&number) && listens(&old.rules[number], &old) {
                asking.end().await;
            }
        }
        let mut engine = Engine::new(&self.config);
        let mut asking: Vec<Result<usize, Asking>> = Vec::new();
        for rule in self.config.rules.clone() {
            match stays(&rule, &self.config) {
                Some(before) => asking.push(Ok(before)),
                None => match self.ask(&rule).await {
                    Ok(asked) => asking.push(Err(asked)),
                    Err(error) => {
                        self.config = old;
                        return Err(error.into());
                    }
                },
            }
        }
        let mut kept: Vec<Option<Asking>> = std::mem::take(&mut self.asking)
            .into_iter()
            .map(Some)
            .collect();
        for (number, asked) in asking.into_iter().enumerate() {
            let name = &self.config.rules[number].name;
            let before = old.rules.iter().position(|it| it.name == *name);
            match asked {
                Ok(before) => {
                    engine.take_over(number, &mut self.engine, before);
                    self.asking.extend(kept[before].take());
                }
                Err(asked) => {
                    engine.group_by(number, &asked.keys);
                    self.asking.push(asked);
                    if let Some(before) = before {
                        // It is another rule, but the same alerts: they end by what it finds.
                        let memory = self.engine.memory(before);
                        if let Err(error) = engine.restore(number, &memory) {
                            info!(rule = name, %error, "the rule is of another kind, and begins anew");
                        }
                    }
                    engine.begin(number, now());
                }
            }
        }
        let gone = old.rules.iter().map(|rule| &rule.name);
        let gone = gone.filter(|name| self.config.rules.iter().all(|rule| rule.name != **name));
        let mut checkpoint = self.due.take().unwrap_or_default();
        checkpoint.gone_rules.extend(gone.cloned());
        self.written.clear();
        self.engine = engine;
        self.remember_all(&mut checkpoint);
        self.due = Some(checkpoint);
        if let Some(deliverer) = self.deliverer.take() {
            deliverer.stop(TICK).await;
        }
        self.deliverer = Some(Deliverer::start(&self.store, targets, &self.status).await?);
        self.tell_status();
        Ok(())
    }

    /// Ends: windows are told as they are, and what is remembered is written down.
    async fn stop(mut self, deadline: Instant) {
        info!("stopping");
        let mut running = BTreeSet::new();
        for asking in &self.asking {
            if let Some(stop) = &asking.stop {
                stop.stop();
            }
            if asking.again.is_none() && !asking.has_ended {
                running.insert(asking.number);
            }
        }
        while !running.is_empty() {
            let Ok(Some((source, came))) = timeout_at(deadline, self.items.recv()).await else {
                warn!("some windows were not told in time");
                break;
            };
            let Some(number) = self.asking.iter().position(|it| it.number == source) else {
                continue;
            };
            match came {
                Came::Item(item) => {
                    let notices = self.judge(number, item, false);
                    self.tell(notices).await;
                }
                Came::Failed(_) | Came::Ended => {
                    running.remove(&source);
                }
            }
        }
        let mut checkpoint = self.due.take().unwrap_or_default();
        self.remember_all(&mut checkpoint);
        while let Err(error) = self.store.checkpoint(checkpoint.clone()).await {
            let again = Instant::now() + WRITE_AGAIN_AFTER;
            if again >= deadline {
                error!(%error, "what is remembered cannot be written, and the last of it is lost");
                break;
            }
            sleep_until(again).await;
        }
        if let Some(deliverer) = self.deliverer.take() {
            deliverer
                .stop(deadline.saturating_duration_since(Instant::now()))
                .await;
        }
        info!("stopped");
    }

    fn tell_status(&self) {
        let rules = self.config.rules.iter().zip(&self.asking).enumerate();
        let rules: Vec<_> = rules
            .map(|(number, (rule, asking))| status::Rule {
                name: rule.name.clone(),
                kind: rule.kind.name().to_owned(),
                last: asking.last.clone(),
                open: self.engine.open(number) as u64,
                alerts: asking.alerts,
                silenced: self.engine.held(number),
                problem: asking.problem.clone(),
            })
            .collect();
        let sources = self.config.sources.iter().map(|source| {
            let rules = self.config.rules.iter().zip(&self.asking);
            let mut asking = rules
                .filter(|(rule, _)| rule.sources.is_empty() || rule.sources.contains(&source.name));
            status::Source {
                name: source.name.clone(),
                problem: asking.find_map(|(_, asking)| asking.source_problem.clone()),
                ..status::Source::default()
            }
        });
        let sources = sources.collect();
        self.status.send_modify(|status| {
            status.config = self.config.file.display().to_string();
            status.at = now();
            status.rules = rules;
            status.sources = sources;
        });
    }
}

/// Hands on what a rule's query gives.
async fn forward(
    number: u64,
    mut items: BoxStream<'static, Result<Item, ConfigError>>,
    sender: mpsc::Sender<(u64, Came)>,
) {
    while let Some(item) = items.next().await {
        let came = match item {
            Ok(item) => Came::Item(item),
            Err(error) => Came::Failed(error),
        };
        let has_failed = matches!(came, Came::Failed(_));
        if sender.send((number, came)).await.is_err() || has_failed {
            return;
        }
    }
    // Whoever asked may be gone.
    let _ = sender.send((number, Came::Ended)).await;
}

fn tell_event(rule: &str, event: &Event) {
    match event {
        Event::Problem(problem) => warn!(rule, "{problem}"),
        Event::Skipped(skipped) => info!(rule, "{skipped}"),
        Event::Notice(notice) => info!(rule, "{notice}"),
        Event::Batch(_) | Event::CaughtUp | Event::Barrier(_) => {}
    }
}

fn targets(
    config: &Config,
    around: &Surroundings,
) -> Result<BTreeMap<String, Target>, ConfigError> {
    let targets = config.places.iter().map(|place| {
        let target = Target {
            place: place.open(&config.file, around)?,
            kind: place.config.kind().unwrap_or_default(),
            max_per_minute: place.config.max_per_minute(),
        };
        Ok((place.name.clone(), target))
    });
    targets.collect()
}

/// Whether a rule listens for whoever connects.
fn listens(rule: &Rule, config: &Config) -> bool {
    let sources = asked_of(rule, &config.sources).into_iter();
    let mut from = sources.flat_map(|source| &source.from);
    from.any(|from| from.contains(LISTENS))
}

/// What the schemes of addresses end with at which birl listens.
const LISTENS: &str = "-listen://";

/// Whether two rules of two files ask the same of the same. What they say of it, how often and to whom
/// may differ.
fn asks_same(one: &Rule, of: &Config, other: &Rule, to: &Config) -> bool {
    let sources = |rule: &Rule, config: &Config| {
        let sources = asked_of(rule, &config.sources).into_iter().cloned();
        let sources = sources.map(|source| crate::config::Source { line: 0, ..source });
        sources.collect::<Vec<_>>()
    };
    let asked = |rule: &Rule| Rule {
        line: 0,
        send: Vec::new(),
        repeat: None,
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

/// Finds addresses that would be listened at by several rules: the second would not get them.
fn listen_once(config: &Config) -> Result<(), ConfigError> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for rule in &config.rules {
        for source in asked_of(rule, &config.sources) {
            for from in source.from.iter().filter(|from| from.contains(LISTENS)) {
                let is_address = matches!(Name::parse(from.as_ref()), Ok(Name::Live(_)));
                if let Some(other) = seen.insert(from.clone(), &rule.name).filter(|_| is_address) {
                    let message = format!(
                        "rules {other:?} and {:?} both ask {from}, where only one can listen",
                        rule.name
                    );
                    return Err(ConfigError::at_line(&config.file, rule.line, message)
                        .with_hint("let syslog write what comes there into a file, and ask that"));
                }
            }
        }
    }
    Ok(())
}

/// A file, and how it was when it was looked at.
struct Watched {
    path: PathBuf,
    was: Option<(i64, i64, u64, u64)>,
}

impl Watched {
    fn new(path: &Path) -> Self {
        let path = path.to_owned();
        let was = look(&path);
        Self { path, was }
    }

    /// Whether it is another one than before. A file that is gone for a moment, as while it is
    /// replaced, is not.
    fn has_changed(&self) -> bool {
        let is = look(&self.path);
        is.is_some() && is != self.was
    }

    /// Takes it for changed.
    fn is_to_be_seen(&mut self) {
        self.was = None;
    }

    fn is_seen(&mut self) {
        self.was = look(&self.path);
    }
}

fn look(path: &Path) -> Option<(i64, i64, u64, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ino(),
        metadata.len(),
    ))
}
