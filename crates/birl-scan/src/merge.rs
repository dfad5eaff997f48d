//! Merging: the records of many sources, in the order of their times.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use birl_record::columns;
use birl_record::search::Search;
use birl_source::Error;
use birl_source::name::Name;
use birl_source::walk::{Found, FoundFile, Kind, Walk, WalkOptions};
use birl_stream::block::{BlockPool, PAGE_BYTES};
use birl_stream::blocking_iter;

use crate::batch::{Batch, Event, Source};
use crate::chunk::Context;
use crate::part::{Reader, StreamPart, Text};
use crate::plan::skipped;
use crate::progress::Progress;
use crate::scan::{Options, Scan, Times, Want};

/// The blocks of all sources that are open take about so much memory, unless they are very many.
const BLOCKS_BYTES: usize = 16 << 20;
const BLOCK_BYTES_MIN: usize = 4 * PAGE_BYTES;
const BLOCK_BYTES_MAX: usize = 1 << 20;

/// Of more sources than this, those are closed again that are not due yet.
const OPEN_MAX: usize = 64;

/// So many batches wait for the consumer.
const AHEAD: usize = 4;

/// What of a merge is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeOptions {
    /// Only the first so many records of all.
    pub first: Option<u64>,
    /// Only the last so many records of all.
    pub last: Option<usize>,
}

/// Searches all that `names` stand for, and gives what matches in the order of its time.
///
/// Each source is taken to be in order; where it is not, and where records have no time, they come
/// when those before them in their source have come. Equal times come in the order of the names.
/// [`Options::records`] and [`Options::times`] are as good as set; a batch is a part of what a chunk
/// gave. Surroundings are not given.
///
/// Sources are read by one thread, a block of each at a time. Of many sources, those that are not
/// due yet are closed and opened again when they are: the logs of a year, a day each, take no more
/// memory than two that were written at once.
///
/// A pipe is waited for. Nothing is opened before the first poll, which must be within a tokio
/// runtime.
pub fn merge(
    names: Vec<Name>,
    walk: WalkOptions,
    search: Search,
    options: Options,
    merge: MergeOptions,
) -> Scan {
    let options = Options {
        want: match options.want {
            Want::Counts if options.columns.is_none() => Want::Counts,
            _ => Want::Lines,
        },
        records: true,
        times: Times::Given,
        backwards: false,
        ..options
    };
    let progress = Progress::default();
    let merging = Merging {
        start: Some(Start {
            names,
            walk,
            search,
            options,
        }),
        progress: progress.clone(),
        context: None,
        feeds: Vec::new(),
        heads: BinaryHeap::new(),
        ready: VecDeque::new(),
        left: merge.first.unwrap_or(u64::MAX),
        last: merge.last.map(Last::new),
    };
    Scan::of(blocking_iter(merging, AHEAD), progress)
}

/// What is needed to begin.
struct Start {
    names: Vec<Name>,
    walk: WalkOptions,
    search: Search,
    options: Options,
}

/// The iterator of events. It reads, so it blocks.
struct Merging {
    start: Option<Start>,
    progress: Progress,
    context: Option<Context>,
    feeds: Vec<Feed>,
    /// The times of the records that are the first of their sources, with the numbers of these.
    heads: BinaryHeap<Reverse<(i64, usize)>>,
    ready: VecDeque<Event>,
    /// How many records are still wanted.
    left: u64,
    last: Option<Last>,
}

/// A source, as far as it has been read.
struct Feed {
    found: FoundFile,
    source: Arc<Source>,
    state: State,
    /// What has been read and not been given, with how many of its runs have.
    pending: VecDeque<(Batch, usize)>,
    /// The last time that was seen.
    time: i64,
}

enum State {
    Closed,
    Open(Box<Text>),
    Ended,
}

impl Merging {
    fn begin(&mut self, start: Start) {
        let Start {
            names,
            walk,
            search,
            options,
        } = start;
        for found in Walk::new(names, walk) {
            match found {
                Found::File(found) => self.add(found),
                Found::Problem(error) => self.report(error),
                Found::Skipped(left_out) => {
                    skipped(&left_out, &self.progress);
                    if left_out.named {
                        self.ready.push_back(Event::Skipped(left_out));
                    }
                }
            }
        }
        self.progress.all_found();
        let feeds = self.feeds.len().clamp(1, OPEN_MAX);
        let block_bytes = (BLOCKS_BYTES / feeds).clamp(BLOCK_BYTES_MIN, BLOCK_BYTES_MAX);
        let blocks = || BlockPool::new(block_bytes, 2);
        let context = Context::with_progress(
            search.clone(),
            options.clone(),
            blocks(),
            self.progress.clone(),
        );
        let closes = self.feeds.len() > OPEN_MAX;
        for number in 0..self.feeds.len() {
            match closes {
                true => self.peek(number, &search, &options, blocks()),
                false => self.read_on(number, &context),
            }
            self.push_head(number);
        }
        self.context = Some(context);
    }

    fn add(&mut self, found: FoundFile) {
        if found.kind == Kind::Regular {
            self.progress.bytes_found(found.len);
        }
        self.feeds.push(Feed {
            source: Source::new(found.origin.clone(), self.feeds.len() as u64),
            found,
            state: State::Closed,
            pending: VecDeque::new(),
            time: i64::MIN,
        });
    }

    /// Finds out when the first record of a source is, and closes it again, as if it had not been
    /// opened; if it has none, or can only be read once, it stays as it is.
    fn peek(&mut self, number: usize, search: &Search, options: &Options, blocks: BlockPool) {
        let context = Context::new(search.clone(), options.clone(), blocks);
        let mut events = std::mem::take(&mut self.ready);
        let given = events.len();
        self.ready = VecDeque::new();
        self.read_on(number, &context);
        let feed = &mut self.feeds[number];
        let can_close = feed.found.kind == Kind::Regular && feed.found.origin.path().is_some();
        if can_close && let Some(time) = feed.head() {
            feed.state = State::Closed;
            feed.pending.clear();
            feed.time = time;
            events.truncate(given);
        } else {
            self.progress.absorb(&context.progress.snapshot());
            self.progress.misfit(&context.progress.misfits());
            events.append(&mut self.ready);
        }
        self.ready = events;
    }

    /// Reads a source until it has records to give, or ends.
    fn read_on(&mut self, number: usize, context: &Context) {
        if matches!(self.feeds[number].state, State::Closed) {
            self.open(number, context);
        }
        while self.feeds[number].pending.is_empty() {
            let State::Open(text) = &mut self.feeds[number].state else {
                return;
            };
            let step = text.step(context);
            for chunk in step.chunks {
                let batch = context.with_search(|search| chunk.search(context, search));
                if batch.runs.is_empty() && !context.options.wants(&batch) {
                    continue;
                }
                match batch.runs.is_empty() && self.feeds[number].pending.is_empty() {
                    true => self.ready.push_back(Event::Batch(batch)),
                    false => self.feeds[number].pending.push_back((batch, 0)),
                }
            }
            if let Some(problem) = step.problem {
                context.progress.problems(1);
                self.ready.push_back(Event::Problem(problem));
            }
            if step.ended {
                self.feeds[number].state = State::Ended;
            }
        }
    }

    fn open(&mut self, number: usize, context: &Context) {
        let feed = &mut self.feeds[number];
        feed.state = State::Ended;
        let opened = feed.found.open().and_then(|file| {
            let part = StreamPart {
                source: Arc::clone(&feed.source),
                named: feed.found.named,
                reader: match feed.found.kind {
                    Kind::Regular => Reader::File(file),
                    Kind::Stream => Reader::Live(Arc::new(file)),
                },
            };
            part.open(context.blocks.take(), context)
        });
        match opened {
            Ok(Some(text)) => feed.state = State::Open(Box::new(text)),
            Ok(None) => {}
            Err(error) => self.report(error),
        }
    }

    fn report(&mut self, error: Error) {
        self.progress.problems(1);
        self.ready.push_back(Event::Problem(error));
    }

    fn push_head(&mut self, number: usize) {
        let feed = &self.feeds[number];
        let time = match feed.state {
            // It was peeked into.
            State::Closed => Some(feed.time),
            _ => feed.head(),
        };
        if let Some(time) = time {
            self.heads.push(Reverse((time, number)));
        }
    }

    /// Gives what comes next of the source that is due.
    fn advance(&mut self) -> Option<()> {
        let Reverse((_, number)) = self.heads.peek_mut().map(PeekMut::pop)?;
        let until = self.heads.peek().map(|Reverse(head)| *head);
        let context = self.context.take().expect("it was made at the beginning");
        self.read_on(number, &context);
        if let Some(batch) = self.feeds[number].take(number, until, self.left) {
            self.left -= batch.matched.min(self.left);
            match &mut self.last {
                Some(last) => last.push(batch, &mut self.ready),
                None => self.ready.push_back(Event::Batch(batch)),
            }
        }
        self.read_on(number, &context);
        self.context = Some(context);
        self.push_head(number);
        Some(())
    }
}

impl Iterator for Merging {
    type Item = Vec<Event>;

    fn next(&mut self) -> Option<Vec<Event>> {
        if let Some(start) = self.start.take() {
            self.begin(start);
        }
        while self.ready.is_empty() {
            if self.left == 0 || self.advance().is_none() {
                let last = self.last.take()?;
                self.ready
                    .extend(last.batches.into_iter().map(Event::Batch));
                if self.ready.is_empty() {
                    return None;
                }
            }
        }
        Some(self.ready.drain(..).collect())
    }
}

impl Feed {
    /// The time of the record that comes next: that of the one before, where it has none.
    fn head(&self) -> Option<i64> {
        let (batch, given) = self.pending.front()?;
        let run = batch.runs.get(*given);
        Some(run.and_then(|run| run.time).unwrap_or(self.time))
    }

    /// Takes records of the batch that comes next, up to that which another source goes before, and
    /// at most `count`.
    fn take(&mut self, number: usize, until: Option<(i64, usize)>, count: u64) -> Option<Batch> {
        let (batch, given) = self.pending.front_mut()?;
        let first = *given;
        for run in &batch.runs[first..] {
            let time = run.time.unwrap_or(self.time);
            let is_due = until.is_none_or(|until| (time, number) < until);
            if *given > first && (!is_due || (*given - first) as u64 == count) {
                break;
            }
            self.time = time;
            *given += 1;
        }
        let end = *given;
        if end == batch.runs.len() {
            let (mut batch, _) = self.pending.pop_front()?;
            batch.columns = batch.rows(first..end);
            batch.runs.drain(..first);
            batch.matched = batch.runs.len() as u64;
            return Some(batch);
        }
        let runs = batch.runs[first..end].to_vec();
        Some(Batch {
            matched: runs.len() as u64,
            runs,
            columns: batch.rows(first..end),
            // The rest of the batch counts them.
            lines: 0,
            last: false,
            ..batch.clone()
        })
    }
}

/// The last records.
struct Last {
    count: usize,
    kept: usize,
    batches: VecDeque<Batch>,
}

impl Last {
    fn new(count: usize) -> Self {
        Self {
            count,
            kept: 0,
            batches: VecDeque::new(),
        }
    }

    /// Takes a batch; what lines the batches have that are let go is still told.
    fn push(&mut self, batch: Batch, ready: &mut VecDeque<Event>) {
        self.kept += batch.runs.len();
        self.batches.push_back(compact(batch));
        while let Some(first) = self.batches.front_mut()
            && self.kept > self.count
        {
            let unwanted = (self.kept - self.count).min(first.runs.len());
            first.columns = first.rows(unwanted..first.runs.len());
            first.runs.drain(..unwanted);
            first.matched = first.runs.len() as u64;
            self.kept -= unwanted;
            if first.runs.is_empty()
                && let Some(empty) = self.batches.pop_front()
                && (empty.lines > 0 || empty.last)
            {
                ready.push_back(Event::Batch(empty));
            }
        }
    }
}

/// The same batch with nothing in memory but what matched.
pub(crate) fn compact(mut batch: Batch) -> Batch {
    let mut bytes = Vec::with_capacity(batch.runs.iter().map(|run| run.range.len()).sum());
    for run in &mut batch.runs {
        let start = bytes.len();
        bytes.extend_from_slice(&batch.bytes[run.range.clone()]);
        run.range = start..bytes.len();
    }
    batch.bytes = bytes.into();
    batch.columns = batch.columns.as_ref().map(columns::compacted);
    batch
}
