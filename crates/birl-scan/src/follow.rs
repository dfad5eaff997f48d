//! Following: what is written to sources, searched as it comes.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use birl_record::framing::{Carry, Completed};
use birl_record::search::Search;
use birl_source::Origin;
use birl_source::follow::{self, Follow};
use birl_source::name::Name;
use birl_stream::block::BlockPool;
use bytes::Bytes;
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::batch::{Event, Source};
use crate::chunk::{Chunk, Context};
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
        timer: None,
        ready: Vec::new().into_iter(),
    }
}

/// The stream of [`follow`](follow()). It never ends.
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
    /// Wakes when the next partial line is due.
    timer: Option<Pin<Box<Sleep>>>,
    ready: std::vec::IntoIter<Event>,
}

/// What a file holds between two truncations.
#[derive(Debug)]
struct Generation {
    source: Arc<Source>,
    carry: Carry,
    /// When the line that has begun is no longer waited for.
    due: Option<Instant>,
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
            } => self.take_data(origin, generation, offset, bytes),
            follow::Event::End { generation, .. } => self.end(generation),
            follow::Event::CaughtUp => vec![Event::CaughtUp],
            follow::Event::Notice(notice) => vec![Event::Notice(notice)],
        }
    }

    fn take_data(&mut self, origin: Origin, number: u64, offset: u64, bytes: Bytes) -> Vec<Event> {
        self.progress.bytes_found(bytes.len() as u64);
        self.progress.bytes_read(bytes.len() as u64);
        let generation = self.generations.entry(number).or_insert_with(|| {
            self.progress.sources(1);
            self.sources += 1;
            Generation {
                source: Source::new(origin, self.sources - 1),
                carry: Carry::new(offset, self.context.options.line_bytes_max),
                due: None,
            }
        });
        if generation.source.is_stopped() {
            return Vec::new();
        }
        let pushed = generation.carry.push(&bytes);
        let offset = offset + pushed.lines.start as u64;
        generation.due = match self.partial_after {
            Some(wait) if generation.carry.is_pending() => Some(Instant::now() + wait),
            _ => None,
        };
        let completed = pushed.completed.map(|line| generation.chunk(line, false));
        let lines = Chunk {
            source: Arc::clone(&generation.source),
            lines: bytes.slice(pushed.lines),
            offset,
            last: false,
        };
        completed
            .into_iter()
            .chain([lines])
            .filter_map(|chunk| search(&self.context, chunk))
            .collect()
    }

    fn end(&mut self, number: u64) -> Vec<Event> {
        let Some(mut generation) = self.generations.remove(&number) else {
            return Vec::new();
        };
        let line = generation.carry.finish();
        let chunk = line.map(|line| generation.chunk(line, true));
        chunk
            .and_then(|chunk| search(&self.context, chunk))
            .into_iter()
            .collect()
    }

    /// The lines that have been waited for long enough. Sets the timer for the others.
    fn poll_due(&mut self, cx: &mut TaskContext<'_>) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(due) = self
            .generations
            .values()
            .filter_map(|generation| generation.due)
            .min()
        {
            if due > Instant::now() {
                let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
                timer.as_mut().reset(due);
                if timer.as_mut().poll(cx).is_pending() {
                    break;
                }
            }
            let late = self
                .generations
                .values_mut()
                .filter(|generation| generation.due <= Some(due));
            for generation in late.filter(|generation| generation.due.is_some()) {
                generation.due = None;
                let chunk = generation
                    .carry
                    .finish()
                    .map(|line| generation.chunk(line, false));
                events.extend(chunk.and_then(|chunk| search(&self.context, chunk)));
            }
        }
        events
    }
}

fn search(context: &Context, chunk: Chunk) -> Option<Event> {
    if chunk.lines.is_empty() {
        return None;
    }
    let batch = context.with_search(|search| chunk.search(context, search));
    (batch.matched > 0 || context.options.wants(&batch)).then_some(Event::Batch(batch))
}

impl Generation {
    fn chunk(&self, line: Completed, last: bool) -> Chunk {
        Chunk {
            source: Arc::clone(&self.source),
            lines: line.bytes.into(),
            offset: line.offset,
            last,
        }
    }
}

impl Stream for Following {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Event>> {
        loop {
            if let Some(event) = self.ready.next() {
                return Poll::Ready(Some(event));
            }
            let due = if self.partial_after.is_some() {
                self.poll_due(cx)
            } else {
                Vec::new()
            };
            if !due.is_empty() {
                self.ready = due.into_iter();
                continue;
            }
            let Some(event) = ready!(Pin::new(&mut self.follow).poll_next(cx)) else {
                return Poll::Ready(None);
            };
            self.ready = self.take(event).into_iter();
        }
    }
}
