//! Each source is read once, whatever number of rules asks it; and a rule that asks several sources has
//! one stream of them.
//!
//! Barriers go through both, so that there are moments at which all rules have seen the same: those at
//! which what they remember belongs together with how far the sources have been read.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use birl_source::Origin;
use birl_source::follow::{
    self, Barrier, Barriers, Event, LIVE_GENERATIONS, Notice, Positions, follow,
};
use birl_source::live::CursorPath;
use birl_source::name::Name;
use birl_stream::{FlowExt, Shared, lag, stream};
use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::saved::hash_of;
use crate::status;
use crate::store::now;

/// So many events wait for the slowest of the rules that ask a source.
const EVENTS_MAX: usize = 16;

/// After so long a source is read again that could not be read.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// So much that cannot be read is kept of a source, what has come up last: only that is shown.
const PROBLEMS_MAX: usize = 1000;

/// Over so long it is counted how many lines come.
const RATE_OVER: Duration = Duration::from_secs(5);

type Events = Shared<Event, lag::Wait>;

/// A source that is read. Dropping it leaves it to those who take what it says.
#[derive(Debug)]
pub(super) struct Reading {
    barriers: Vec<Putting>,
    has_live: bool,
    consumers: Consumers,
    facts: Arc<Mutex<Facts>>,
    keeper: Option<JoinHandle<()>>,
}

/// What is known of a source.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// How many bytes it has given, and how many lines.
    bytes: u64,
    lines: u64,
    /// How many times something was missed.
    gaps: u64,
    /// How many records were dropped.
    dropped: u64,
    /// What of it cannot be read now, and why.
    problems: HashMap<Origin, status::Problem>,
    /// How many lines there were, and when, when it was asked how many come; and how many came then.
    counted: Option<(Instant, u64)>,
    rate: Option<f64>,
    /// All that was there at the start has been read.
    has_caught_up: bool,
    /// How far it had been read at barriers, by their numbers.
    reached: BTreeMap<u64, Reached>,
    /// Which field of its messages tells where to go on, by the sources that are live; and what it was
    /// last.
    cursor_paths: HashMap<Origin, CursorPath>,
    cursors: HashMap<Origin, String>,
}

/// How far a source has been read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reached {
    pub(super) positions: Arc<Positions>,
    /// Where those that are live can be asked to go on, by their [keys](key).
    pub(super) cursors: BTreeMap<String, String>,
}

/// What tells a live source from others, without what may be secret in its address.
fn key(origin: &Origin) -> String {
    hash_of(&origin.to_string())
}

/// How barriers come into what a source says.
#[derive(Clone, Debug)]
enum Putting {
    /// With files, where they know how far these have been read.
    Files(Barriers),
    /// Of what is live, anywhere. No more of them wait than a round and a reload put.
    Live(mpsc::UnboundedSender<u64>),
}

/// Where those come from who take what a source says.
#[derive(Debug)]
enum Consumers {
    /// Nothing has been read yet.
    Waiting(Events),
    /// It is read, and a task that takes part in it is asked.
    Reading(mpsc::Sender<oneshot::Sender<Events>>),
    Ended,
}

impl Reading {
    /// What `names` say, from where `options` begin. Nothing is connected to before it is
    /// [begun](Self::begin).
    ///
    /// `cursors` are those that it had [reached](Self::reached).
    pub(super) fn new(
        name: &str,
        mut names: Vec<Name>,
        options: follow::Options,
        cursors: &BTreeMap<String, String>,
    ) -> Self {
        let mut facts = Facts::default();
        for source in &names {
            if let Name::Live(live) = source
                && let Some(path) = live.cursor_path()
            {
                let origin = live.origin();
                let cursor = cursors.get(&key(&origin)).cloned();
                facts.cursor_paths.insert(origin.clone(), path);
                facts.cursors.extend(cursor.map(|it| (origin, it)));
            }
        }
        facts.set_cursors(&mut names);

        let is_live = |name: &Name| matches!(name, Name::Live(_));
        let has_live = names.iter().any(is_live);
        let facts = Arc::new(Mutex::new(facts));
        let [(live, of_live), (files, options)] = follow::apart(names, options);
        let (mut barriers, mut parts) = (Vec::new(), Vec::new());
        if has_live {
            let (sender, numbers) = mpsc::unbounded_channel();
            barriers.push(Putting::Live(sender));
            parts.push(live_events(live, of_live, numbers, Arc::clone(&facts)).boxed());
        }
        // Files come last: they tell the positions of a barrier.
        if !files.is_empty() || !has_live {
            let followed = follow(files, options);
            barriers.push(Putting::Files(followed.barriers()));
            parts.push(followed.boxed());
        }
        let events = Confluence::of_parts(parts);
        let (noted, name) = (Arc::clone(&facts), name.to_owned());
        let events = events.filter_map(move |event| {
            lock(&noted).note(&name, &event);
            // Rules are not told what has been told here.
            let is_told = matches!(event, Event::Notice(_) | Event::Failed { .. });
            std::future::ready((!is_told).then_some(event))
        });
        Self {
            barriers,
            has_live,
            consumers: Consumers::Waiting(events.share(EVENTS_MAX, lag::Wait)),
            facts,
            keeper: None,
        }
    }

    /// Begins to read. Those who asked before get everything.
    pub(super) fn begin(&mut self) {
        let consumers = std::mem::replace(&mut self.consumers, Consumers::Ended);
        let Consumers::Waiting(events) = consumers else {
            self.consumers = consumers;
            return;
        };
        let (sender, asked) = mpsc::channel(1);
        self.keeper = Some(tokio::spawn(keep(events, asked)));
        self.consumers = Consumers::Reading(sender);
    }

    /// Puts a barrier behind what has been read.
    pub(super) fn put_barrier(&self, number: u64) {
        for barriers in &self.barriers {
            match barriers {
                Putting::Files(barriers) => barriers.put(number),
                // Nobody takes it where it is over.
                Putting::Live(numbers) => drop(numbers.send(number)),
            }
        }
    }

    /// What it says: all of it where it has not begun, else what comes behind the barrier of this number,
    /// which is to be put after this. It comes there without being polled; from there on it holds up those
    /// who take part, until it is.
    pub(super) async fn events(&self, barrier: u64) -> BoxStream<'static, Event> {
        match &self.consumers {
            Consumers::Waiting(events) => events.clone().boxed(),
            Consumers::Reading(keeper) => {
                let (sender, answer) = oneshot::channel();
                if keeper.send(sender).await.is_ok()
                    && let Ok(events) = answer.await
                {
                    behind(barrier, events, Arc::clone(&self.facts)).boxed()
                } else {
                    futures::stream::empty().boxed()
                }
            }
            Consumers::Ended => futures::stream::empty().boxed(),
        }
    }

    /// How it is.
    pub(super) fn status(&self) -> status::Source {
        let mut facts = lock(&self.facts);
        let rate = facts.rate();
        let reached = facts.reached.last_key_value();
        let unread = reached.map(|(_, it)| it.positions.files().map(|file| file.unread).sum());
        status::Source {
            lines: Some(facts.lines),
            lines_per_second: rate,
            bytes: Some(facts.bytes),
            unread_bytes: unread,
            gaps: Some(facts.gaps),
            dropped: Some(facts.dropped),
            problem: facts.problem(),
            ..status::Source::default()
        }
    }

    /// Whether some of what it says is not written down.
    pub(super) fn has_live(&self) -> bool {
        self.has_live
    }

    /// Ends it, and waits until it has let go of what it reads, where nobody else takes part in it.
    pub(super) async fn end(mut self) {
        self.consumers = Consumers::Ended;
        if let Some(keeper) = self.keeper.take() {
            // It says that it was aborted, if so.
            let _ = keeper.await;
        }
    }

    /// How far it had been read at a barrier. Those before are forgotten.
    pub(super) fn reached(&self, barrier: u64) -> Option<Reached> {
        let mut facts = lock(&self.facts);
        facts.reached = facts.reached.split_off(&barrier);
        facts.reached.get(&barrier).cloned()
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
    }
}

impl Facts {
    /// Has what is live asked to go on where it was.
    fn set_cursors(&self, names: &mut [Name]) {
        for name in names {
            if let Name::Live(live) = name {
                live.options.resume_from = self.cursors.get(&live.origin()).cloned();
            }
        }
    }

    fn note(&mut self, source: &str, event: &Event) {
        match event {
            Event::Data {
                origin,
                bytes,
                place,
                ..
            } => {
                let place = place.as_deref().map(|it| (origin.clone(), it.to_owned()));
                self.cursors.extend(place);
                if let Some(path) = self.cursor_paths.get(origin) {
                    let mut lines = bytes.rsplit(|byte| *byte == b'\n');
                    let cursor = lines.find_map(|line| path.find(line));
                    let cursor = cursor.map(|cursor| (origin.clone(), cursor));
                    self.cursors.extend(cursor);
                }
                self.bytes += bytes.len() as u64;
                self.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
                self.mended(origin);
                if follow::tells_of_gap(event) {
                    self.gaps += 1;
                    self.dropped += follow::dropped_by(event).unwrap_or_default();
                }
            }
            Event::Barrier(Barrier { number, positions }) => {
                let cursors = self.cursors.iter();
                let cursors = cursors.map(|(origin, cursor)| (key(origin), cursor.clone()));
                let reached = Reached {
                    positions: Arc::clone(positions),
                    cursors: cursors.collect(),
                };
                self.reached.insert(*number, reached);
            }
            Event::CaughtUp => self.has_caught_up = true,
            Event::Notice(notice) => {
                self.gaps += u64::from(is_loss(notice));
                self.note_notice(source, notice);
            }
            Event::Failed {
                origin,
                act,
                reason,
            } => {
                let reason = format!("cannot {act} {}: {reason}", origin.quoted());
                warn!(source, "{reason}");
                self.fails(origin, reason);
            }
            Event::End { .. } | Event::Resumed { .. } => {}
        }
    }

    /// How many lines come a second: of late, and no shorter.
    fn rate(&mut self) -> Option<f64> {
        let (at, lines) = *self
            .counted
            .get_or_insert_with(|| (Instant::now(), self.lines));
        let passed = at.elapsed();
        if passed >= RATE_OVER {
            self.rate = Some((self.lines - lines) as f64 / passed.as_secs_f64());
            self.counted = Some((Instant::now(), self.lines));
        }
        self.rate
    }

    fn note_notice(&mut self, source: &str, notice: &Notice) {
        match notice {
            Notice::Place { origin, place } => {
                self.cursors.insert(origin.clone(), place.clone());
                return;
            }
            Notice::CannotOpen { origin, .. }
            | Notice::CannotDecode { origin, .. }
            | Notice::Live {
                origin,
                is_connected: Some(false),
                ..
            } => {
                warn!(source, "{notice}");
                return self.fails(origin, notice.to_string());
            }
            Notice::Waiting { origin } => self.fails(origin, notice.to_string()),
            Notice::Live {
                origin,
                is_connected: Some(true),
                ..
            }
            | Notice::Appeared { origin } => self.mended(origin),
            // That one is gone says nothing of the directories that it was in.
            Notice::Readable { origin }
            | Notice::Gone { origin }
            | Notice::Rotated { origin, .. }
            | Notice::Deleted { origin }
            | Notice::Lost { origin, .. } => drop(self.problems.remove(origin)),
            _ => {}
        }
        info!(source, "{notice}");
    }

    /// What is wrong now: what has come up last, and how much else there is.
    fn problem(&self) -> Option<status::Problem> {
        let newest = self.problems.values().max_by_key(|problem| problem.at)?;
        Some(match self.problems.len() {
            1 => newest.clone(),
            count => {
                let more = if count < PROBLEMS_MAX {
                    ""
                } else {
                    "at least "
                };
                status::Problem {
                    reason: format!("{}; and {more}{} more", newest.reason, count - 1),
                    ..newest.clone()
                }
            }
        })
    }

    fn fails(&mut self, origin: &Origin, reason: String) {
        let problem = status::Problem { at: now(), reason };
        self.problems.insert(origin.clone(), problem);
        if self.problems.len() > PROBLEMS_MAX
            && let Some(oldest) = self.problems.iter().min_by_key(|(_, it)| it.at)
        {
            let oldest = oldest.0.clone();
            self.problems.remove(&oldest);
        }
    }

    /// Something has come of this, so that it can be read; and the directories that it is in.
    fn mended(&mut self, origin: &Origin) {
        if !self.problems.is_empty() {
            self.problems.retain(|failed, _| {
                let is_above = |path: &Path| origin.path().is_some_and(|it| it.starts_with(path));
                failed != origin && !failed.path().is_some_and(is_above)
            });
        }
    }
}

/// Whether something was written that cannot be read any more.
fn is_loss(notice: &Notice) -> bool {
    match notice {
        Notice::Truncated { copy, unread, .. } | Notice::Lost { copy, unread, .. } => {
            copy.is_none() && *unread > 0
        }
        _ => false,
    }
}

fn lock(facts: &Mutex<Facts>) -> MutexGuard<'_, Facts> {
    facts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes part in what a source says, so that others can take part later: whoever is not polled would hold
/// them up.
async fn keep(mut events: Events, mut asked: mpsc::Receiver<oneshot::Sender<Events>>) {
    let mut has_ended = false;
    loop {
        tokio::select! {
            biased;
            asked = asked.recv() => match asked {
                // Who has asked may be gone.
                Some(answer) => drop(answer.send(events.clone())),
                None => return events.shutdown().await,
            },
            event = events.next(), if !has_ended => has_ended = event.is_none(),
        }
    }
}

/// What is live says, with barriers of these numbers in it. What cannot be read is tried again.
fn live_events(
    mut names: Vec<Name>,
    mut options: follow::Options,
    mut numbers: mpsc::UnboundedReceiver<u64>,
    facts: Arc<Mutex<Facts>>,
) -> impl Stream<Item = Event> + Send {
    let barrier = |number| {
        Event::Barrier(Barrier {
            number,
            positions: Arc::default(),
        })
    };
    stream! {
        loop {
            let mut events = follow(names.clone(), options.clone());
            let mut has_failed = false;
            loop {
                tokio::select! {
                    event = events.next() => match event {
                        Some(event) => {
                            has_failed |= matches!(event, Event::Failed { .. });
                            yield event;
                        }
                        None => break,
                    },
                    Some(number) = numbers.recv() => yield barrier(number),
                }
            }
            if !has_failed {
                break;
            }
            options.live_since = Some(SystemTime::now());
            options.anew.clear();
            lock(&facts).set_cursors(&mut names);
            let again = sleep(AGAIN_AFTER);
            tokio::pin!(again);
            loop {
                tokio::select! {
                    () = &mut again => break,
                    Some(number) = numbers.recv() => yield barrier(number),
                }
            }
        }
    }
}

/// What comes behind a barrier, as if it began there. A task goes there at once, which ends with the stream.
fn behind(
    barrier: u64,
    mut events: Events,
    facts: Arc<Mutex<Facts>>,
) -> impl Stream<Item = Event> + Send {
    let arrive = async move {
        loop {
            match events.next().await {
                Some(Event::Barrier(it)) if it.number == barrier => {
                    return Some((events, it.positions));
                }
                Some(_) => {}
                None => return None,
            }
        }
    };
    let (task, arrived) = arrive.remote_handle();
    tokio::spawn(task);
    stream! {
        let Some((mut events, positions)) = arrived.await else {
            return;
        };
        // It looks into files.
        let introductions = spawn_blocking(move || positions.introductions());
        for event in introductions.await.unwrap_or_default() {
            yield event;
        }
        // It is told once, and may have been before.
        if lock(&facts).has_caught_up {
            yield Event::CaughtUp;
        }
        while let Some(event) = events.next().await {
            yield event;
        }
    }
}

/// Several sources as one stream. A barrier has come when it has come in all of them: those that have had
/// it wait for the others.
pub(super) struct Confluence {
    branches: Vec<Branch>,
    /// Which of them is asked first.
    first: usize,
    has_caught_up: bool,
    /// They are sources, and not parts of one.
    are_sources: bool,
}

struct Branch {
    /// `None` when it is over.
    events: Option<BoxStream<'static, Event>>,
    /// It waits here for the others.
    barrier: Option<Barrier>,
    has_caught_up: bool,
}

/// The numbers of generations have this bit where the number of their source in a [`Confluence`] begins.
const SOURCE_BIT: u32 = 48;

impl Confluence {
    /// The number of a source is where it stands here. States of rules have these numbers in them.
    pub(super) fn new(sources: Vec<BoxStream<'static, Event>>) -> Self {
        Self {
            are_sources: true,
            ..Self::of_parts(sources)
        }
    }

    /// Of parts of one source, of which no two have generations of the same number. Positions are those of
    /// the last of them.
    fn of_parts(parts: Vec<BoxStream<'static, Event>>) -> Self {
        let branches = parts.into_iter().map(|events| Branch {
            events: Some(events),
            barrier: None,
            has_caught_up: false,
        });
        Self {
            branches: branches.collect(),
            first: 0,
            has_caught_up: false,
            are_sources: false,
        }
    }

    /// What is to be told when nothing more comes now.
    fn settle(&mut self) -> Option<Event> {
        let is_over = |branch: &Branch| branch.events.is_none();
        let mut branches = self.branches.iter();
        if !self.has_caught_up && branches.all(|it| it.has_caught_up || is_over(it)) {
            self.has_caught_up = true;
            return Some(Event::CaughtUp);
        }
        let mut branches = self.branches.iter();
        if branches.any(|it| it.barrier.is_none() && !is_over(it)) {
            return None;
        }
        let waiting = self.branches.iter().filter_map(|it| it.barrier.as_ref());
        let number = waiting.map(|barrier| barrier.number).min()?;
        let mut told = None;
        for branch in &mut self.branches {
            told = branch
                .barrier
                .take_if(|barrier| barrier.number == number)
                .or(told);
        }
        told.map(Event::Barrier)
    }
}

impl Stream for Confluence {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let this = &mut *self;
        let count = this.branches.len();
        for index in (this.first..count).chain(0..this.first) {
            let branch = &mut this.branches[index];
            while branch.barrier.is_none()
                && let Some(events) = &mut branch.events
            {
                match events.as_mut().poll_next(cx) {
                    Poll::Ready(Some(Event::Barrier(barrier))) => branch.barrier = Some(barrier),
                    Poll::Ready(Some(Event::CaughtUp)) => branch.has_caught_up = true,
                    Poll::Ready(Some(event)) => {
                        this.first = (index + 1) % count;
                        return Poll::Ready(Some(match this.are_sources {
                            true => of_source(index, event),
                            false => event,
                        }));
                    }
                    Poll::Ready(None) => branch.events = None,
                    Poll::Pending => break,
                }
            }
        }
        match this.settle() {
            Some(event) => Poll::Ready(Some(event)),
            None if this.branches.iter().all(|it| it.events.is_none()) => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// An event whose generation is of no other source.
fn of_source(source: usize, mut event: Event) -> Event {
    match &mut event {
        Event::Data { generation, .. }
        | Event::End { generation, .. }
        | Event::Resumed { generation, .. } => *generation = number_in(source, *generation),
        Event::Barrier(_) | Event::CaughtUp | Event::Notice(_) | Event::Failed { .. } => {}
    }
    event
}

/// The number of a generation as one of this source.
pub(super) fn number_in(source: usize, generation: u64) -> u64 {
    let live = generation & LIVE_GENERATIONS;
    let number = generation & ((1 << SOURCE_BIT) - 1);
    live | (source as u64) << SOURCE_BIT | number
}

/// The source that a generation is of.
pub(super) fn source_of(generation: u64) -> usize {
    ((generation & !LIVE_GENERATIONS) >> SOURCE_BIT) as usize
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use bytes::Bytes;
    use futures::stream;

    use super::*;

    fn data(generation: u64, text: &str) -> Event {
        Event::Data {
            origin: Origin::file("app.log"),
            generation,
            offset: 0,
            bytes: Bytes::copy_from_slice(text.as_bytes()),
            whole: false,
            place: None,
        }
    }

    fn barrier(number: u64) -> Event {
        Event::Barrier(Barrier {
            number,
            positions: Arc::default(),
        })
    }

    /// The texts of what comes, and the numbers of barriers.
    fn told(events: &[Event]) -> Vec<String> {
        let told = events.iter().map(|event| match event {
            Event::Data { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
            Event::Barrier(barrier) => format!("barrier {}", barrier.number),
            Event::CaughtUp => "caught up".to_owned(),
            Event::Resumed {
                offset,
                is_line_start,
                ..
            } => format!("from {offset} {is_line_start}"),
            other => format!("{other:?}"),
        });
        told.collect()
    }

    fn source(events: impl IntoIterator<Item = Event>) -> BoxStream<'static, Event> {
        stream::iter(events.into_iter().collect::<Vec<_>>()).boxed()
    }

    #[tokio::test]
    async fn a_barrier_waits_for_all_sources_that_go_on() {
        let one = [
            data(0, "a"),
            barrier(1),
            data(0, "b"),
            Event::CaughtUp,
            barrier(2),
        ];
        let other = [
            data(0, "c"),
            data(0, "d"),
            barrier(1),
            barrier(2),
            Event::CaughtUp,
        ];
        let over = [data(0, "e")];
        let events = Confluence::new(vec![source(one), source(other), source(over)]);
        let events: Vec<_> = events.collect().await;
        let told = told(&events);
        let at = |what: &str| told.iter().position(|it| it == what).unwrap();
        assert_eq!(told.len(), 8, "{told:?}");
        for before in ["a", "c", "d"] {
            assert!(at(before) < at("barrier 1"), "{told:?}");
        }
        assert!(
            at("barrier 1") < at("b") && at("b") < at("barrier 2"),
            "{told:?}"
        );
        assert_eq!(told.last().unwrap(), "caught up");
        let generations = events.iter().filter_map(|event| match event {
            Event::Data { generation, .. } => Some(*generation),
            _ => None,
        });
        let generations: std::collections::BTreeSet<_> = generations.collect();
        assert_eq!(generations.len(), 3);
    }

    #[test]
    fn a_source_stays_live_whatever_its_number() {
        let gap = LIVE_GENERATIONS | (1 << 47) | 5;
        let numbers = [(0, 7), (3, 7), (3, LIVE_GENERATIONS | 7), (16_000, gap)];
        for (source, generation) in numbers {
            let event = data(generation, "x");
            let is_gap = follow::tells_of_gap(&event);
            let moved = of_source(source, event);
            assert_eq!(follow::tells_of_gap(&moved), is_gap);
            let Event::Data {
                generation: moved, ..
            } = moved
            else {
                panic!("it is data")
            };
            assert_eq!(moved >= LIVE_GENERATIONS, generation >= LIVE_GENERATIONS);
            assert_eq!(source_of(moved), source);
            assert_eq!(source_of(number_in(source + 1, moved)), source + 1);
        }
    }

    #[test]
    fn a_problem_is_over_when_what_it_is_about_can_be_read() {
        let (feed, file) = (Origin::address("ws://h/"), Origin::file("logs/app.log"));
        let live = |is_connected| {
            Event::Notice(Notice::Live {
                origin: feed.clone(),
                what: "refused; trying again".to_owned(),
                is_connected,
            })
        };
        let cannot_open = |path: &str| {
            Event::Notice(Notice::CannotOpen {
                origin: Origin::file(path),
                reason: "permission denied".to_owned(),
            })
        };
        let data = |origin: &Origin| Event::Data {
            origin: origin.clone(),
            generation: 0,
            offset: 0,
            bytes: Bytes::from_static(b"x\n"),
            whole: false,
            place: None,
        };
        let mut facts = Facts::default();
        let mut reason = |event: &Event| {
            facts.note("app", event);
            facts.problem().map(|problem| problem.reason)
        };
        let refused = "\"ws://h/\": refused; trying again";
        assert_eq!(reason(&live(None)), None);
        assert_eq!(reason(&live(Some(false))).as_deref(), Some(refused));
        // What is read of another changes nothing of that.
        assert_eq!(reason(&data(&file)).as_deref(), Some(refused));
        let denied = "cannot open \"logs\": permission denied; and 1 more";
        assert_eq!(reason(&cannot_open("logs")).as_deref(), Some(denied));
        assert_eq!(reason(&data(&file)).as_deref(), Some(refused));
        assert_eq!(reason(&live(Some(true))), None);
        assert_eq!(
            reason(&cannot_open("logs/app.log")).as_deref(),
            Some("cannot open \"logs/app.log\": permission denied")
        );
        assert_eq!(reason(&data(&file)), None);
        let waiting = Event::Notice(Notice::Waiting {
            origin: file.clone(),
        });
        assert_eq!(
            reason(&waiting).as_deref(),
            Some("waiting for \"logs/app.log\" to be created")
        );
        let appeared = Event::Notice(Notice::Appeared {
            origin: file.clone(),
        });
        assert_eq!(reason(&appeared), None);
        // What is gone has no problem any more, whatever is the matter with its directory.
        reason(&cannot_open("logs"));
        reason(&cannot_open("logs/app.log"));
        let gone = Event::Notice(Notice::Gone {
            origin: file.clone(),
        });
        let denied = "cannot open \"logs\": permission denied";
        assert_eq!(reason(&gone).as_deref(), Some(denied));
        let readable = Event::Notice(Notice::Readable {
            origin: Origin::file("logs"),
        });
        assert_eq!(reason(&readable), None);
    }

    #[test]
    fn no_more_problems_are_kept_than_so_many() {
        let mut facts = Facts::default();
        for number in 0..PROBLEMS_MAX + 10 {
            facts.fails(&Origin::file(format!("{number}.log")), number.to_string());
        }
        assert_eq!(facts.problems.len(), PROBLEMS_MAX);
        let told = facts.problem().unwrap().reason;
        assert_eq!(told, "1009; and at least 999 more");
        assert!(!facts.problems.contains_key(&Origin::file("0.log")));
    }

    #[tokio::test]
    async fn who_comes_later_begins_at_a_barrier_with_all_that_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.log");
        std::fs::write(&path, "one\ntw").unwrap();
        let options = follow::Options {
            poll_interval: Duration::from_millis(20),
            ..follow::Options::default()
        };
        let mut reading = Reading::new(
            "app",
            vec![Name::Path(path.clone())],
            options,
            &BTreeMap::new(),
        );
        let mut first = reading.events(0).await;
        reading.begin();
        assert_eq!(told(&[first.next().await.unwrap()]), ["one\ntw"]);
        assert_eq!(told(&[first.next().await.unwrap()]), ["caught up"]);
        let mut later = reading.events(7).await;
        // Whoever takes part later holds nobody up before that.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        for _ in 0..2 * EVENTS_MAX {
            file.write_all(b"o").unwrap();
            assert_eq!(told(&[first.next().await.unwrap()]), ["o"]);
        }
        reading.put_barrier(7);
        assert_eq!(told(&[first.next().await.unwrap()]), ["barrier 7"]);
        let begun = [later.next().await.unwrap(), later.next().await.unwrap()];
        let at = 6 + 2 * EVENTS_MAX as u64;
        assert_eq!(told(&begun), [&format!("from {at} false"), "caught up"]);
        let Event::Resumed { head, .. } = &begun[0] else {
            panic!("{begun:?}")
        };
        assert!(head.starts_with(b"one\ntwoo"));
        file.write_all(b"o\n").unwrap();
        assert_eq!(told(&[first.next().await.unwrap()]), ["o\n"]);
        assert_eq!(told(&[later.next().await.unwrap()]), ["o\n"]);
        let read = reading.reached(7).unwrap().positions;
        assert_eq!(
            read.files().map(|file| file.offset).collect::<Vec<_>>(),
            [at]
        );
        let status = reading.status();
        assert_eq!((status.bytes, status.lines), (Some(at + 2), Some(2)));
    }
}
