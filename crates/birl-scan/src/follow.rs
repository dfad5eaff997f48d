//! Following: what is written to sources, searched as it comes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use birl_record::search::Search;
use birl_source::follow::{self, LIVE_GENERATIONS};
use birl_source::name::Name;
use birl_source::{Error, Origin};
use birl_stream::block::BlockPool;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::assembly::Assembly;
use crate::batch::{Barrier, Event, Source};
use crate::carried::{Carried, CarriedSource};
use crate::chunk::{Chunk, Context};
use crate::detection;
use crate::progress::Progress;
use crate::scan::Options;

/// Searches what `names` stand for, from the beginning of each file on, and goes on as it grows.
///
/// The last line of a file is searched when it is whole: when its newline is written, when the
/// file is over, or when nothing has been added for `partial_after`. In the last case what comes
/// later is a line of its own.
///
/// Nothing is searched before the first poll, which must be within a tokio runtime. Searching
/// happens within the poll, a block at a time; reading has a thread of its own.
pub fn follow(
    names: Vec<Name>,
    how: follow::Options,
    partial_after: Option<Duration>,
    search: Search,
    options: Options,
) -> Following {
    let events = follow::follow(names, how);
    follow_events(events, Carried::default(), partial_after, search, options)
}

/// Searches what `events` tells, as [`follow`](follow()) does: so that many searches can share one
/// stream of what is followed, and each file is read once.
///
/// Where the files of that stream are [gone on with](follow::Options::resume), `carried` is what was held
/// back at the barrier that told their positions; else it is empty. What it has of files that are no
/// longer followed, and of live sources that do not [go on](Carried::within_stream), is given as if they
/// had ended. A file that is gone on with, and
/// of which `carried` has nothing, is searched from its next line on.
pub fn follow_events(
    events: impl Stream<Item = follow::Event> + Send + 'static,
    carried: Carried,
    partial_after: Option<Duration>,
    search: Search,
    options: Options,
) -> Following {
    let context = Context::new(search, options, BlockPool::new(1, 0));
    let mut following = Following {
        progress: context.progress.clone(),
        context,
        events: Box::pin(events),
        partial_after,
        generations: HashMap::new(),
        sources: carried.sources,
        carried: carried.generations,
        caught_up: false,
        telling: None,
        timer: None,
        ready: Vec::new().into_iter(),
    };
    let mut live = following.carried.split_off(&LIVE_GENERATIONS);
    let going_on = live.extract_if(.., |_, carried| carried.goes_on);
    following.go_on_live(going_on.collect());
    // What a live source said before is over.
    following.ready = following.give_up(live).into_iter();
    following
}

/// The stream of [`follow`](follow()). It ends where there are only live sources, and all are over.
///
/// What is written to one file comes in order; files come in the order in which they were written
/// to. Dropping it stops the reading.
pub struct Following {
    events: BoxStream<'static, follow::Event>,
    context: Context,
    progress: Progress,
    partial_after: Option<Duration>,
    generations: HashMap<u64, Generation>,
    sources: u64,
    /// What is held back of generations that have not been gone on with yet.
    carried: BTreeMap<u64, CarriedSource>,
    /// What comes has just been written.
    caught_up: bool,
    /// By when it is told that what comes is new: once the records that were there are whole.
    telling: Option<Instant>,
    /// Wakes when the next partial line is due.
    timer: Option<Pin<Box<Sleep>>>,
    ready: std::vec::IntoIter<Event>,
}

/// What a file holds between two truncations.
#[derive(Debug)]
struct Generation {
    assembly: Assembly,
    /// When the line that has begun is no longer waited for.
    line_due: Option<Instant>,
    /// When the record that has begun is no longer waited for.
    record_due: Option<Instant>,
    /// It was begun within a line, of which no more than this is known: where it goes on. The rest of it
    /// is no line.
    skips_line: Option<u64>,
}

impl Following {
    /// The counters, which go on counting while the stream is elsewhere.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    fn take(&mut self, event: follow::Event) -> Vec<Event> {
        match event {
            follow::Event::Data {
                origin,
                generation,
                offset,
                bytes,
                whole,
                ..
            } => {
                let mut events = self.take_data(origin, generation, offset, bytes);
                if whole && let Some(generation) = self.generations.get_mut(&generation) {
                    events.extend(search_all(&self.context, generation.take_all()));
                }
                events
            }
            follow::Event::End { generation, .. } => self.end(generation),
            follow::Event::CaughtUp => {
                self.caught_up = true;
                self.telling = Some(Instant::now() + self.context.options.record_wait);
                // Those that are still followed have been gone on with.
                let left = std::mem::take(&mut self.carried);
                self.give_up(left)
            }
            follow::Event::Resumed {
                origin,
                generation,
                offset,
                head,
                is_line_start,
            } => self.go_on(origin, generation, offset, head, is_line_start),
            follow::Event::Barrier(barrier) => vec![Event::Barrier(Barrier {
                number: barrier.number,
                positions: barrier.positions,
                carried: self.carried(),
            })],
            follow::Event::Notice(notice) => vec![Event::Notice(notice)],
            follow::Event::Failed {
                origin,
                act,
                reason,
            } => {
                self.progress.problems(1);
                vec![Event::Problem(Error::told(act, origin, reason))]
            }
        }
    }

    fn take_data(&mut self, origin: Origin, number: u64, offset: u64, bytes: Bytes) -> Vec<Event> {
        self.progress.bytes_found(bytes.len() as u64);
        self.progress.bytes_read(bytes.len() as u64);
        let now = detection::now(&self.context.options);
        if !self.generations.contains_key(&number) {
            let generation = self.begin(origin, offset, now);
            self.generations.insert(number, generation);
        }
        let Some(generation) = self.generations.get_mut(&number) else {
            return Vec::new();
        };
        if generation.assembly.source().is_stopped() {
            return Vec::new();
        }
        if self.caught_up {
            // A clock that shows no day would lag behind after a day without lines.
            generation.assembly.go_live(now);
        }
        let chunks = generation.push(bytes, &self.context.options);
        generation.wait(self.partial_after, self.context.options.record_wait);
        search_all(&self.context, chunks).collect()
    }

    /// A source that begins at `offset`, at the beginning of a line.
    fn begin(&mut self, origin: Origin, offset: u64, now: i64) -> Generation {
        self.progress.sources(1);
        self.sources += 1;
        let chronology = self.context.chronology(now);
        let source = Source::new(origin, self.sources - 1);
        let assembly = Assembly::new(source, offset, now, chronology, &self.context.options);
        Generation::new(assembly)
    }

    /// Goes on with a generation that is read on from `offset`, and began with `head`.
    fn go_on(
        &mut self,
        origin: Origin,
        number: u64,
        offset: u64,
        head: Bytes,
        is_line_start: bool,
    ) -> Vec<Event> {
        let carried = self.carried.remove(&number);
        let is_strange = carried
            .as_ref()
            .is_some_and(|carried| carried.held.end() != offset);
        let now = detection::now(&self.context.options);
        let mut generation = match carried.filter(|_| !is_strange) {
            Some(carried) => self.restored(&carried, head, now),
            None => {
                let begun = self.begin(origin.clone(), offset, now);
                let assembly = begun.assembly.within(head, now, &self.context.options);
                Generation {
                    skips_line: (!is_line_start).then_some(offset),
                    ..Generation::new(assembly)
                }
            }
        };
        generation.wait(self.partial_after, self.context.options.record_wait);
        self.generations.insert(number, generation);
        if !is_strange {
            return Vec::new();
        }
        self.progress.problems(1);
        let reason = format!("what was kept of it is of another place than byte {offset}");
        vec![Event::Problem(Error::told("go on with", origin, reason))]
    }

    fn restored(&self, carried: &CarriedSource, head: Bytes, now: i64) -> Generation {
        self.progress.sources(1);
        let source = Source::new(carried.origin.clone(), carried.number);
        let time = (now, self.context.chronology(now));
        let options = &self.context.options;
        Generation::new(Assembly::resume(source, &carried.held, head, time, options))
    }

    fn go_on_live(&mut self, carried: BTreeMap<u64, CarriedSource>) {
        let now = detection::now(&self.context.options);
        for (number, carried) in carried {
            let mut generation = self.restored(&carried, Bytes::new(), now);
            generation.wait(self.partial_after, self.context.options.record_wait);
            self.generations.insert(number, generation);
        }
    }

    /// Gives what was held back of sources that are not gone on with.
    fn give_up(&self, carried: BTreeMap<u64, CarriedSource>) -> Vec<Event> {
        let now = detection::now(&self.context.options);
        let events = carried.values().flat_map(|carried| {
            let generation = self.restored(carried, Bytes::new(), now);
            let mut assembly = generation.assembly;
            let chunks = assembly.finish();
            search_all(&self.context, chunks).collect::<Vec<_>>()
        });
        events.collect()
    }

    /// What is held back now.
    fn carried(&self) -> Carried {
        let begun = self.generations.iter().filter_map(|(number, generation)| {
            let source = generation.assembly.source();
            let carried = CarriedSource {
                origin: source.origin().clone(),
                number: source.number(),
                held: generation.assembly.held(*number >= LIVE_GENERATIONS),
                goes_on: false,
            };
            // Where the line is skipped that was cut, it begins behind that.
            generation
                .skips_line
                .is_none()
                .then_some((*number, carried))
        });
        let mut generations = self.carried.clone();
        generations.extend(begun);
        Carried {
            sources: self.sources,
            generations,
        }
    }

    fn end(&mut self, number: u64) -> Vec<Event> {
        let Some(mut generation) = self.generations.remove(&number) else {
            return Vec::new();
        };
        search_all(&self.context, generation.assembly.finish()).collect()
    }

    /// Whether all that was there has been given, and that was not told yet.
    fn tells_now(&self) -> bool {
        let waits = || self.generations.values().any(|it| it.record_due.is_some());
        self.telling
            .is_some_and(|latest| latest <= Instant::now() || !waits())
    }

    /// The lines and records that have been waited for long enough. Sets the timer for the others.
    fn poll_due(&mut self, cx: &mut TaskContext<'_>) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(due) = self.generations.values().filter_map(Generation::due).min() {
            if due > Instant::now() {
                let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
                timer.as_mut().reset(due);
                if timer.as_mut().poll(cx).is_pending() {
                    break;
                }
            }
            for generation in self.generations.values_mut() {
                let chunks = generation.take_due(due);
                events.extend(search_all(&self.context, chunks));
            }
        }
        events
    }
}

fn search_all(context: &Context, chunks: Vec<Chunk>) -> impl Iterator<Item = Event> {
    chunks
        .into_iter()
        .filter_map(|chunk| search(context, chunk))
}

fn search(context: &Context, chunk: Chunk) -> Option<Event> {
    // That nothing more comes of a source has to be told, whatever has been held back.
    if chunk.lines.is_empty() && !chunk.last {
        return None;
    }
    let batch = context.with_search(|search| chunk.search(context, search));
    (batch.matched > 0 || context.options.wants(&batch)).then_some(Event::Batch(batch))
}

impl Generation {
    fn new(assembly: Assembly) -> Self {
        Self {
            assembly,
            line_due: None,
            record_due: None,
            skips_line: None,
        }
    }

    fn push(&mut self, mut bytes: Bytes, options: &Options) -> Vec<Chunk> {
        if let Some(offset) = self.skips_line {
            let newline = memchr::memchr(b'\n', &bytes);
            let skipped = newline.map_or(bytes.len(), |newline| newline + 1);
            let offset = offset + skipped as u64;
            self.skips_line = newline.is_none().then_some(offset);
            self.assembly.skip_to(offset, options);
            bytes = bytes.slice(skipped..);
        }
        self.assembly.push(&bytes)
    }

    /// What has begun is waited for, from now on.
    fn wait(&mut self, partial_after: Option<Duration>, record_wait: Duration) {
        let now = Instant::now();
        self.line_due = match partial_after {
            Some(wait) if self.assembly.has_begun_line() => Some(now + wait),
            _ => None,
        };
        self.record_due = match self.assembly.has_begun_record() {
            true => Some(now + record_wait),
            false => None,
        };
    }

    /// When something that has begun is no longer waited for.
    fn due(&self) -> Option<Instant> {
        self.line_due.into_iter().chain(self.record_due).min()
    }

    /// All that has begun, which is known to be whole.
    fn take_all(&mut self) -> Vec<Chunk> {
        (self.line_due, self.record_due) = (None, None);
        self.assembly.finish_lines()
    }

    /// What is no longer waited for at `now`, as if it were whole.
    fn take_due(&mut self, now: Instant) -> Vec<Chunk> {
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if is_due(self.line_due) {
            (self.line_due, self.record_due) = (None, None);
            return self.assembly.finish_lines();
        }
        if is_due(self.record_due) {
            self.record_due = None;
            return self.assembly.finish_record().into_iter().collect();
        }
        Vec::new()
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following")
            .field("sources", &self.sources)
            .field("caught_up", &self.caught_up)
            .finish_non_exhaustive()
    }
}

impl Stream for Following {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Event>> {
        loop {
            if let Some(event) = self.ready.next() {
                return Poll::Ready(Some(event));
            }
            let due = self.poll_due(cx);
            if !due.is_empty() {
                self.ready = due.into_iter();
                continue;
            }
            if self.tells_now() {
                self.telling = None;
                return Poll::Ready(Some(Event::CaughtUp));
            }
            let Some(event) = ready!(self.events.as_mut().poll_next(cx)) else {
                return Poll::Ready(None);
            };
            self.ready = self.take(event).into_iter();
        }
    }
}
