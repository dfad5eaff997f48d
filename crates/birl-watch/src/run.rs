//! Rules over what comes: alerts go into the outbox, and from there to the places.
//!
//! Each source is read once (`reading`), and each rule's query runs in a task of its own (`asking`),
//! which waits when it is not listened to. What they give is judged here, one by one. From time to time,
//! and when there is something to tell, a barrier goes through all of it (`rounds`): how far the sources
//! were read, what the queries and the rules remember, and the alerts that were found are written
//! (`saved`) in one transaction. So each record counts once in what a rule remembers, whenever the
//! process ends, and an alert leaves if and only if it is remembered. While that cannot be written, nothing
//! more is taken.

mod answering;
mod asking;
mod ending;
mod handover;
mod reading;
mod reloading;
mod rounds;
mod saved;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use birl_query::Resume;
use birl_record::columns::Fields;
use birl_scan::Event;
use birl_source::follow;
use birl_source::name::Name;
use futures::stream::BoxStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout_at};
use tracing::{error, info, warn};

use crate::alert::State;
use crate::asked::{Asked, How, Item, Surroundings, asked_of};
use crate::config::{Config, Error as ConfigError, Rule, Source};
use crate::control::Requests;
use crate::deliver::{Deliverer, Target};
use crate::engine::{Engine, Notice};
use crate::life::Group;
use crate::sources::{listen_once, names_of_source};
use crate::status::{self, Status};
use crate::store::{self, Checkpoint, Store, now};
use crate::watched::Watched;
use asking::{Asking, Came};
use handover::Handover;
use reading::{Confluence, Reading};
use rounds::Rounds;
use saved::{Identity, SavedRule, SavedSources, are_written};

/// How often what is remembered is written down, and it is looked how time has gone on.
const TICK: Duration = Duration::from_secs(1);

/// So many items of all rules may wait to be judged.
const ITEMS_MAX: usize = 256;

/// After so long a rule is asked again whose query ended with an error.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// So long may it take to find the records that the alerts of one moment are about, where they are few.
const EVIDENCE_MAX: Duration = Duration::from_secs(5);
/// And so long where they are more: none is told before, nor is anything else done.
const EVIDENCE_OF_MANY_MAX: Duration = Duration::from_millis(500);
/// So many are few.
const FEW_ALERTS: usize = 10;

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
    /// To end: what is remembered is written down, with the windows that are open.
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
/// How it goes is kept in `status`, and what people ask of it comes by `requests`; `ready` is called once all
/// sources are read.
///
/// It goes on where it was when it ended last, however that was: files are read from there, and each
/// record counts once. What is only live has a record that tells of the gap.
///
/// Where the file changes, it is read again. What is wrong then is told, and the rules go on as they
/// were; sources and rules that are as they were go on in any case.
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
    mut requests: Requests,
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
            Some(request) = requests.next() => run.answer(request).await,
            Some((task, came)) = run.items.recv() => run.take(task, came).await,
            () = sleep_until(run.rounds.rests_until()), if run.has_found() => {}
        }
        run.tell_what_was_found();
        if let Some(checkpoint) = run.due.take() {
            let written = run.write(checkpoint, &mut commands, &mut requests);
            if written.await.is_break() {
                break;
            }
            run.rounds.is_written();
        }
    }
    // Whoever asks from now on is refused, and does not wait for the end.
    drop(requests);
    run.stop(Instant::now() + options.deadline).await;
    Ok(())
}

/// Rules that run.
struct Run {
    config: Config,
    /// What it was when the run began.
    started: Config,
    file: Watched,
    around: Surroundings,
    engine: Engine,
    /// The sources that are asked, by their names.
    readings: BTreeMap<String, Reading>,
    asking: Vec<Asking>,
    items: mpsc::Receiver<(u64, Came)>,
    sender: mpsc::Sender<(u64, Came)>,
    /// The number of the last task.
    tasks: u64,
    rounds: Rounds,
    store: Store,
    /// Where alerts go.
    targets: BTreeMap<String, Target>,
    /// They are not those that are delivered to yet.
    has_new_targets: bool,
    deliverer: Option<Deliverer>,
    status: watch::Sender<Status>,
    /// What is to be written before anything more is taken.
    due: Option<Checkpoint>,
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
            readings: BTreeMap::new(),
            asking: Vec::new(),
            items,
            sender,
            tasks: 0,
            rounds: Rounds::new(),
            targets,
            has_new_targets: false,
            deliverer: None,
            status,
            due: None,
            started: config.clone(),
            config,
            around,
            store,
        };
        let sources = saved.positions.map(serde_json::from_value::<SavedSources>);
        let sources = sources.transpose().unwrap_or_else(|error| {
            warn!(%error, "how far the sources were read is of another kind, and is left out");
            None
        });
        let sources = sources.unwrap_or_default();
        run.read(&sources)?;
        let rules = run.config.rules.clone();
        for (number, rule) in rules.iter().enumerate() {
            let saved = saved.states.get(&rule.name);
            run.take_up(number, saved.map(Vec::as_slice), &sources)
                .await?;
            run.engine.begin(number, now());
        }
        run.take_up_people().await?;
        run.begin();
        // Whenever it ends from now on, it is known what was there.
        run.begin_round();
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
        let targets = run.targets.clone();
        run.deliverer = Some(Deliverer::start(&run.store, targets, &run.status).await?);
        run.tell_status();
        Ok(run)
    }

    /// Makes the readings that are missing of the sources that rules ask: from where they were, if that is
    /// known. They do not begin yet.
    fn read(&mut self, saved: &SavedSources) -> Result<(), ConfigError> {
        let rules = self.config.rules.iter();
        let asked: BTreeSet<_> = rules
            .flat_map(|rule| asked_of(rule, &self.config.sources))
            .map(|source| &source.name)
            .collect();
        for source in &self.config.sources {
            if !asked.contains(&source.name) || self.readings.contains_key(&source.name) {
                continue;
            }
            let mut names = names_of_source(source, &self.config.file, &self.around)?;
            for name in &mut names {
                if let Name::Live(live) = name {
                    live.options.follows = true;
                    // Nobody is there to start it again.
                    live.options.gives_up = false;
                    live.options.tells_place = true;
                    live.options.from_end = source.start == follow::Start::End;
                }
            }
            let saved_source = saved.of(source);
            match saved_source {
                Some(saved) => self.rounds.take_up(&source.name, saved),
                None => self.rounds.forget_source(&source.name),
            }
            let options = follow::Options {
                from: source.start,
                hidden: source.hidden,
                resume: saved_source.map(|saved| Arc::new(saved.positions.clone())),
                anew: saved_source.map_or_else(BTreeSet::new, |saved| {
                    saved.identity.anew(&Identity::of(source))
                }),
                live_since: saved_source.and_then(|_| moment(saved.at)),
                ..follow::Options::default()
            };
            let cursors = saved_source.map(|saved| &saved.cursors);
            let cursors = cursors.cloned().unwrap_or_default();
            let reading = Reading::new(&source.name, names, options, &cursors);
            self.readings.insert(source.name.clone(), reading);
        }
        Ok(())
    }

    /// Asks a rule, from where it was, if that is known.
    async fn take_up(
        &mut self,
        number: usize,
        saved: Option<&[u8]>,
        sources: &SavedSources,
    ) -> Result<(), Error> {
        let rule = self.config.rules[number].clone();
        let name = &rule.name;
        let saved = saved.and_then(|saved| {
            let rule = SavedRule::of_bytes(saved);
            if rule.is_none() {
                warn!(
                    rule = name,
                    "what the rule remembers is of another kind, and is left out"
                );
            }
            rule
        });
        let mut resumed = None;
        if let Some(saved) = &saved
            && let Some(state) = &saved.query
            && self.goes_on(&rule, &saved.sources, sources)
        {
            match self.resume(&rule, state).await {
                Ok(asking) => resumed = Some(asking),
                Err(error) => info!(rule = name, %error, "the query of the rule begins anew"),
            }
        }
        let goes_on = resumed.is_some() && self.is_written(&rule)?;
        let asking = match resumed {
            Some(asking) => asking,
            None => {
                let asked = self.plan(&rule, &self.config, None).await?;
                let begun = saved.as_ref().and_then(|saved| {
                    let now = asked_of(&rule, &self.config.sources);
                    let before = saved.sources.iter().map(Identity::name);
                    let goes_on = |it: &Source| sources.of(it).map(|_| false);
                    let handover = Handover::new(before, &now, goes_on);
                    Some(handover.begun(saved.query.as_ref()?))
                });
                let resume = Resume {
                    state: None,
                    begun: begun.unwrap_or_default(),
                };
                self.ask(&rule, asked, BTreeMap::new(), resume).await?
            }
        };
        self.engine.group_by(number, &asking.keys);
        self.asking.push(asking);
        if let Some(saved) = saved {
            self.restore(number, &saved.memory, goes_on).await?;
        }
        Ok(())
    }

    /// Asks a rule with all of the state of its query at the barrier behind which its sources are read.
    async fn resume(&mut self, rule: &Rule, state: &[u8]) -> Result<Asking, ConfigError> {
        let unreadable = |error: birl_query::Error| {
            ConfigError::at_line(&self.config.file, rule.line, error.to_string())
        };
        let known = birl_query::fields_of_state(state).map_err(unreadable)?;
        let resume = Resume {
            state: Some(state),
            begun: birl_query::begun_of_state(state).map_err(unreadable)?,
        };
        let asked = self.plan(rule, &self.config, Some(&known)).await?;
        self.ask(rule, asked, BTreeMap::new(), resume).await
    }

    /// Whether the state of a rule that asked these sources is of use: all of them go on where they were.
    fn goes_on(&self, rule: &Rule, before: &[Identity], sources: &SavedSources) -> bool {
        let asked = asked_of(rule, &self.config.sources);
        Identity::all(rule, &self.config) == before
            && asked.into_iter().all(|it| sources.of(it).is_some())
    }

    /// Whether nothing is missing of what a rule asks, where it goes on.
    fn is_written(&self, rule: &Rule) -> Result<bool, ConfigError> {
        for source in asked_of(rule, &self.config.sources) {
            if !are_written(&names_of_source(source, &self.config.file, &self.around)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes up what a rule remembered.
    async fn restore(&mut self, number: usize, memory: &[u8], goes_on: bool) -> Result<(), Error> {
        let name = &self.config.rules[number].name;
        if !tell_memory(name, self.engine.restore(number, memory, goes_on)) {
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

    /// Plans the query of a rule of a configuration, as it was where the fields are given that were known then.
    async fn plan(
        &self,
        rule: &Rule,
        config: &Config,
        known: Option<&Fields>,
    ) -> Result<Asked, ConfigError> {
        let (file, sources) = (&config.file, &config.sources);
        let asked = Asked::plan(rule, file, sources, How::Live(known), &self.around).await?;
        // What the samples had when it began has been told.
        for field in asked.unknown_fields.iter().filter(|_| known.is_none()) {
            warn!(rule = rule.name, field, "no sampled record has this field");
        }
        Ok(asked)
    }

    /// Makes what asks a rule's sources what has been planned. `behind` has what some of them say behind a
    /// barrier; of another that is read already, it begins behind the next [barrier](Self::put_barrier), which
    /// is to be put. It is to be begun.
    async fn ask(
        &mut self,
        rule: &Rule,
        asked: Asked,
        mut behind: BTreeMap<String, BoxStream<'static, follow::Event>>,
        resume: Resume<'_>,
    ) -> Result<Asking, ConfigError> {
        let barrier = self.rounds.barrier() + 1;
        let mut events = Vec::new();
        for source in asked_of(rule, &self.config.sources) {
            if let Some(behind) = behind.remove(&source.name) {
                events.push(behind);
            } else if let Some(reading) = self.readings.get(&source.name) {
                events.push(reading.events(barrier).await);
            }
        }
        let known = (asked.evidence.clone(), asked.closing, asked.keys.clone());
        let events = Confluence::new(events);
        let items = asked.run_over(rule, &self.config.file, events, resume)?;
        self.tasks += 1;
        Ok(Asking::new(self.tasks, items, known))
    }

    /// Begins to read and to ask, now that all are there: who comes later sees what comes later.
    fn begin(&mut self) {
        self.readings.values_mut().for_each(Reading::begin);
        for asking in &mut self.asking {
            asking.begin(&self.sender);
        }
    }

    /// Judges what came of a rule.
    async fn take(&mut self, task: u64, came: Came) {
        // What a task gave that has ended meanwhile is of a rule that is no more.
        let Some(number) = self.asking.iter().position(|it| it.number == task) else {
            return;
        };
        match came {
            Came::Item(Item::Checkpoint { number: at, state }) => {
                self.has_come_to_barrier(number, at, state);
            }
            Came::Item(item) => {
                let notices = self.judge(number, item);
                self.tell(notices).await;
            }
            Came::Failed(reason) => {
                let rule = &self.config.rules[number].name;
                error!(
                    rule,
                    error = reason,
                    "the rule's query ended, and is asked again"
                );
                let asking = &mut self.asking[number];
                asking.problem = Some(status::Problem { at: now(), reason });
                asking.again = Some(Instant::now() + AGAIN_AFTER);
                self.does_not_run(number);
            }
            Came::Ended => {
                let rule = &self.config.rules[number].name;
                info!(
                    rule,
                    "the query of the rule, or all of its sources, have ended"
                );
                self.asking[number].has_ended = true;
                self.does_not_run(number);
            }
        }
    }

    /// What the engine says of an item.
    fn judge(&mut self, number: usize, item: Item) -> Vec<Notice> {
        let asking = &mut self.asking[number];
        match item {
            Item::Window(window, rows) => {
                asking.answered(window.end, &rows);
                // What all sources have said that have ended is all there is.
                self.engine.window(number, window, rows, true)
            }
            Item::SoFar(window, rows) => {
                // Nothing is known of what is still to come in the window.
                asking.answered(window.end.min(now()), &rows);
                self.engine.so_far(number, window, rows, now())
            }
            Item::Time(time) => {
                asking.time = Some(time);
                // Windows are behind by what may come late.
                let lateness = crate::nanoseconds(asking.closing.lateness);
                asking.newest = asking.newest.max(Some(time.saturating_add(lateness)));
                self.engine.advance(number, time)
            }
            Item::Record { row, time, line } => {
                asking.lag = now().saturating_sub(time).max(0);
                asking.newest = asking.newest.max(Some(time));
                asking.last = Some(status::Answer {
                    at: time,
                    text: line.chars().take(200).collect(),
                });
                self.engine.record(number, row, time, line)
            }
            Item::Event(event) => {
                asking.has_caught_up |= matches!(event, Event::CaughtUp);
                tell_event(&self.config.rules[number].name, &event);
                Vec::new()
            }
            Item::Checkpoint { .. } => Vec::new(),
        }
    }

    /// Keeps alerts, to be put into the outbox with all that is remembered.
    async fn tell(&mut self, notices: Vec<Notice>) {
        // Nothing else goes on meanwhile, so there is an end to it.
        let wanting = notices.iter().filter(|it| it.wants_samples()).count();
        let deadline = Instant::now() + evidence_max(wanting);
        let mut late = 0_u64;
        for mut notice in notices {
            let number = notice.rule;
            let rule = &self.config.rules[number];
            let evidence = &self.asking[number].evidence;
            notice.add_command(evidence);
            if notice.wants_samples() {
                let added = notice.add_samples(rule, &self.config.file, evidence);
                match before(deadline, added).await {
                    Some(Ok(())) => {}
                    Some(Err(error)) => {
                        warn!(rule = rule.name, %error, "the alert goes without records");
                    }
                    None => late += 1,
                }
            }
            notice.alert.at = now();
            notice.write_text(&self.engine);
            let places = notice.places(rule);
            let alert = notice.alert;
            info!(
                rule = alert.rule,
                id = alert.id,
                state = ?alert.state,
                places = places.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(","),
                "{}",
                alert.text.lines().next().unwrap_or_default()
            );
            let asking = &mut self.asking[number];
            asking.alerts += 1;
            let key = (rule.name.clone(), alert.group.clone());
            match alert.state {
                State::Resolved => asking.found.closed(key),
                State::Firing if rule.kind.tells_moments() => {}
                State::Firing => asking.found.opened(store::Open {
                    rule: rule.name.clone(),
                    group: alert.group.clone(),
                    id: alert.id.clone(),
                    since: alert.since,
                    told: alert.at,
                }),
            }
            if alert.state == State::Firing {
                self.engine.was_told(number, &alert.group, alert.at);
            }
            let places = places.into_iter();
            let places = places.map(|place| (place.clone(), alert.clone()));
            asking.found.outbox.extend(places);
        }
        if late > 0 {
            warn!(
                alerts = late,
                "they go without records: to find them takes too long"
            );
        }
        self.write_what_is_too_much();
    }

    /// Looks how time has gone on, and has what is remembered written down.
    async fn tick(&mut self) {
        let mut notices = Vec::new();
        let mut again = Vec::new();
        for number in self.engine.order() {
            let asking = &self.asking[number];
            let has_windows = self.config.rules[number].kind.has_windows();
            // Where something has come, the windows say how far time is.
            if asking.has_caught_up && (asking.time.is_none() || !has_windows) {
                // What comes late is not over sooner than what comes at once.
                let behind = asking.closing.lateness + asking.closing.idle;
                let behind = crate::nanoseconds(behind).saturating_add(asking.lag);
                let time = now().saturating_sub(behind);
                notices.extend(self.engine.advance(number, time));
            }
            // What was over long before birl began is not known before that.
            if asking.has_caught_up {
                notices.extend(self.engine.escalate(number, now()));
            }
            if asking.again.is_some_and(|again| again <= Instant::now()) {
                again.push(number);
            }
        }
        self.tell(notices).await;
        for number in again {
            self.ask_again(number).await;
        }
        if self.rounds.is_due() {
            self.begin_round();
        }
        self.tell_what_takes_long();
        if self.has_new_targets {
            self.deliver().await;
        }
        self.tell_status();
    }

    async fn ask_again(&mut self, number: usize) {
        let rule = self.config.rules[number].clone();
        let asked = match self.plan(&rule, &self.config, None).await {
            Ok(asked) => {
                self.ask(&rule, asked, BTreeMap::new(), Resume::default())
                    .await
            }
            Err(error) => Err(error),
        };
        match asked {
            Ok(mut asking) => {
                asking.begin(&self.sender);
                self.put_barrier();
                let mut before = std::mem::replace(&mut self.asking[number], asking);
                let asking = &mut self.asking[number];
                asking.show_as(&before, false);
                self.engine.group_by(number, &asking.keys);
                let failed = before.problem.as_ref().map(|problem| problem.at);
                asking.found = before.end().await;
                // What came meanwhile has not been seen.
                if let Some(failed) = failed {
                    let missing = Duration::from_nanos((now() - failed).max(0).unsigned_abs());
                    let missing = missing.as_secs();
                    warn!(
                        rule = rule.name,
                        "the rule is asked again, and has not seen what came for {missing} s"
                    );
                }
                self.engine.begin_anew(number, now());
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
        mut checkpoint: Checkpoint,
        commands: &mut mpsc::Receiver<Command>,
        requests: &mut Requests,
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
            if error.is_full() {
                self.write_what_there_is_room_for(&mut checkpoint).await;
            }
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
                // What is to be written down is refused by the disk as well.
                Some(request) = requests.next() => self.answer(request).await,
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

    /// How far the rules have come that ask a source.
    fn newest(&self, source: &Source) -> Option<i64> {
        let rules = self.config.rules.iter().zip(&self.asking);
        let asking = rules
            .filter(|(rule, _)| rule.sources.is_empty() || rule.sources.contains(&source.name));
        asking.filter_map(|(_, asking)| asking.newest).max()
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
                forgotten: self.engine.forgotten(number),
                problem: asking.problem.clone(),
            })
            .collect();
        let sources = self.config.sources.iter();
        let sources = sources.map(|source| match self.readings.get(&source.name) {
            Some(reading) => {
                let newest = self.newest(source);
                let lag = newest.map(|newest| now().saturating_sub(newest).max(0));
                status::Source {
                    name: source.name.clone(),
                    newest,
                    lag_seconds: lag.map(|lag| lag as f64 / 1e9),
                    ..reading.status()
                }
            }
            None => status::Source {
                name: source.name.clone(),
                ..status::Source::default()
            },
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

/// Tells what is left out of what a rule remembered, and whether it is of use.
fn tell_memory(rule: &str, restored: serde_json::Result<bool>) -> bool {
    match &restored {
        Ok(true) => {}
        Ok(false) => info!(rule, "the rule is of another kind, and knows nothing yet"),
        Err(error) => {
            warn!(rule, %error, "what the rule remembers cannot be read, and is left out")
        }
    }
    restored.is_ok()
}

fn tell_event(rule: &str, event: &Event) {
    match event {
        Event::Problem(problem) => warn!(rule, "{problem}"),
        Event::Skipped(skipped) => info!(rule, "{skipped}"),
        Event::Notice(notice) => info!(rule, "{notice}"),
        Event::Batch(_) | Event::CaughtUp | Event::Barrier(_) => {}
    }
}

/// A moment in nanoseconds since 1970.
fn moment(nanoseconds: i64) -> Option<SystemTime> {
    let since = Duration::from_nanos(u64::try_from(nanoseconds).ok()?);
    UNIX_EPOCH.checked_add(since)
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
            fold: place.config.fold(),
        };
        Ok((place.name.clone(), target))
    });
    targets.collect()
}

/// How long the records of so many alerts may be looked for.
fn evidence_max(alerts: usize) -> Duration {
    match alerts <= FEW_ALERTS {
        true => EVIDENCE_MAX,
        false => EVIDENCE_OF_MANY_MAX,
    }
}

/// What comes of something by then. What is late is not begun: to begin may take long.
async fn before<T>(deadline: Instant, something: impl Future<Output = T>) -> Option<T> {
    if Instant::now() >= deadline {
        return None;
    }
    timeout_at(deadline, something).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_late_is_not_begun() {
        let now = Instant::now();
        assert_eq!(before(now + TICK, async { 1 }).await, Some(1));
        assert_eq!(before(now, async { 1 }).await, None);
        let endless = std::future::pending::<()>();
        assert_eq!(before(now + TICK, endless).await, None);
    }

    #[test]
    fn a_storm_is_told_within_a_second_and_one_alert_has_time_for_its_records() {
        // It is put into the outbox with what is remembered.
        assert!(evidence_max(300) < TICK);
        assert!(evidence_max(1) > TICK);
    }
}
