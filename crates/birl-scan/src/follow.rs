//! Following: what is written to sources, searched as it comes.

use std::collections::HashMap;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use birl_record::search::Search;
use birl_source::follow::{self, Follow};
use birl_source::name::Name;
use birl_source::{Error, Origin};
use birl_stream::block::BlockPool;
use bytes::Bytes;
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::assembly::Assembly;
use crate::batch::{Event, Source};
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
    let context = Context::new(search, options, BlockPool::new(1, 0));
    Following {
        progress: context.progress.clone(),
        context,
        follow: follow::follow(names, how),
        partial_after,
        generations: HashMap::new(),
        sources: 0,
        caught_up: false,
        telling: None,
        timer: None,
        ready: Vec::new().into_iter(),
    }
}

/// The stream of [`follow`](follow()). It ends where there are only live sources, and all are over.
///
/// What is written to one file comes in order; files come in the order in which they were written
/// to. Dropping it stops the reading.
#[derive(Debug)]
pub struct Following {
    follow: Follow,
    context: Context,
    progress: Progress,
    partial_after: Option<Duration>,
    generations: HashMap<u64, Generation>,
    sources: u64,
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
                Vec::new()
            }
            // Nobody asks for them here.
            follow::Event::Resumed { .. } | follow::Event::Barrier(_) => Vec::new(),
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
        let generation = self.generations.entry(number).or_insert_with(|| {
            self.progress.sources(1);
            self.sources += 1;
            let chronology = self.context.chronology(now);
            let source = Source::new(origin, self.sources - 1);
            Generation {
                assembly: Assembly::new(source, offset, now, chronology, &self.context.options),
                line_due: None,
                record_due: None,
            }
        });
        if generation.assembly.source().is_stopped() {
            return Vec::new();
        }
        if self.caught_up {
            // A clock that shows no day would lag behind after a day without lines.
            generation.assembly.go_live(now);
        }
        let chunks = generation.assembly.push(&bytes);
        let now = Instant::now();
        generation.line_due = match self.partial_after {
            Some(wait) if generation.assembly.has_begun_line() => Some(now + wait),
            _ => None,
        };
        generation.record_due = match generation.assembly.has_begun_record() {
            true => Some(now + self.context.options.record_wait),
            false => None,
        };
        search_all(&self.context, chunks).collect()
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
    if chunk.lines.is_empty() {
        return None;
    }
    let batch = context.with_search(|search| chunk.search(context, search));
    (batch.matched > 0 || context.options.wants(&batch)).then_some(Event::Batch(batch))
}

impl Generation {
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
            let Some(event) = ready!(Pin::new(&mut self.follow).poll_next(cx)) else {
                return Poll::Ready(None);
            };
            self.ready = self.take(event).into_iter();
        }
    }
}
