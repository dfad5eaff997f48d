//! The scan: names and a search go in, a stream of batches comes out.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use birl_record::columns::Projection;
use birl_record::format::Formats;
use birl_record::search::Search;
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use birl_stream::block::BlockPool;
use birl_stream::{FlowExt, blocking_iter};
use futures_core::Stream;
use jiff::tz::TimeZone;

use crate::batch::{Batch, Event};
use crate::chunk::Context;
use crate::listing;
use crate::part::Sink;
use crate::plan::{Cut, Plan};
use crate::progress::Progress;

/// How much of a file is read and searched at once, unless [`Options::chunk_bytes`] says otherwise.
pub const CHUNK_BYTES: usize = 2 << 20;

/// By how many nanoseconds the times of a file may fall that counts as ordered, unless
/// [`Options::slack`] says otherwise: a minute.
pub const SLACK: i64 = 60_000_000_000;

/// How long a record that has begun is waited for, unless [`Options::record_wait`] says otherwise.
pub const RECORD_WAIT: Duration = Duration::from_millis(100);

/// What is wanted of each chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Want {
    /// The lines that match.
    #[default]
    Lines,
    /// The lines that match and all others: every chunk comes whole, also where nothing matched.
    Surroundings,
    /// How many lines match, without the lines.
    Counts,
}

/// Whether the records that match are wanted with their times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Times {
    /// They are not.
    #[default]
    Unwanted,
    /// They are: [`Run::time`](crate::Run::time).
    Given,
    /// Whoever gets the records reads them anyway, and can tell their times by what
    /// [`Batch::chronology`](crate::Batch::chronology) then is. Only where that is not enough, or the
    /// search has to know the times, are they given.
    Deferred,
}

/// How to scan.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is wanted of each chunk.
    pub want: Want,
    /// Whether lines are to be counted, so that they can be numbered.
    pub numbered: bool,
    /// Whether the end of each source is wanted as a batch, though nothing matched there.
    pub ends: bool,
    /// Whether large files of plain text are searched from their last chunk to their first, and all
    /// others from their start ([`Source::is_backwards`](crate::Source::is_backwards)). The lines of
    /// each batch are in their order all the same. Lines cannot be numbered then.
    pub backwards: bool,
    /// Whether records are searched, which may be several lines, and not lines. A search over fields
    /// needs that.
    pub records: bool,
    /// The formats that are looked for in sources, or the one that all have.
    pub formats: Formats,
    /// Whether the records that match are wanted with their times.
    pub times: Times,
    /// The columns that are made of the records that match ([`Batch::columns`](crate::Batch::columns)),
    /// if any; [`records`](Self::records) are searched then. Where nothing else is needed of a batch,
    /// [`want`](Self::want) counts.
    pub columns: Option<Arc<Projection>>,
    /// The zone of times that name none.
    pub zone: TimeZone,
    /// Whether files are read whole though the search implies a range of time, and their times rise.
    pub whole: bool,
    /// By how many nanoseconds the times of a file may fall that counts as ordered.
    pub slack: i64,
    /// What is now, in nanoseconds since 1970 (UTC), for sources that do not tell when they were
    /// last written to; without it, the system's clock says.
    pub now: Option<i64>,
    /// How many threads search; at least one does.
    pub threads: usize,
    /// How many chunks are searched or wait for who takes their batches, for each thread: two by
    /// default.
    ///
    /// More let the threads go on while one of them is held up, since batches come in their order. A
    /// batch may hold a whole chunk.
    pub chunks_ahead: usize,
    /// How long what comes live is waited for that may go on with a record that has begun.
    pub record_wait: Duration,
    /// How many bytes of a line are searched and kept; at least one.
    pub line_bytes_max: usize,
    /// How many bytes of a file are read and searched at once; rounded up to whole pages.
    ///
    /// Smaller chunks cost more system calls; larger ones fall out of the processor's cache between
    /// being read and being searched.
    pub chunk_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            want: Want::Lines,
            numbered: false,
            ends: false,
            backwards: false,
            records: false,
            formats: Formats::default(),
            times: Times::Unwanted,
            columns: None,
            zone: TimeZone::UTC,
            whole: false,
            slack: SLACK,
            now: None,
            threads: 1,
            chunks_ahead: 2,
            record_wait: RECORD_WAIT,
            line_bytes_max: 1 << 20,
            chunk_bytes: CHUNK_BYTES,
        }
    }
}

impl Options {
    /// Whether a batch is wanted in which nothing matched.
    pub(crate) fn wants(&self, batch: &Batch) -> bool {
        self.want == Want::Surroundings
            || (self.numbered && batch.lines > 0)
            || (self.ends && batch.last)
    }
}

/// Searches all that `names` stand for.
///
/// Nothing is opened before the first poll, which must be within a tokio runtime.
pub fn scan(names: Vec<Name>, walk: WalkOptions, search: Search, options: Options) -> Scan {
    let threads = options.threads.max(1);
    let chunks_max = threads.saturating_mul(options.chunks_ahead);
    // Each worker fills one block while the one before is on its way to the consumer.
    let blocks = BlockPool::new(options.chunk_bytes, threads + 1);
    let cut = Cut {
        chunk_bytes: blocks.body_bytes(),
        backwards: options.backwards,
        lists: listing::makes_lines(&options),
    };
    let context = Arc::new(Context::new(search, options, blocks));
    let progress = context.progress.clone();
    let plan = Plan::new(names, walk, cut, Arc::clone(&context));
    let events = blocking_iter(plan, threads)
        .par_flat_map(threads, move |part, outlet| {
            // The consumer is gone, and with it whoever would want to know.
            let _ = part.run(&mut Sink::new(&context, outlet));
        })
        .jobs_max(chunks_max)
        // An output may hold a whole chunk.
        .outputs_max(1);
    Scan::of(events, progress)
}

/// The stream of [`scan`]. Sources come in the order of their names, and each in its own order.
///
/// Dropping it stops the workers after the chunk that each is at.
pub struct Scan {
    events: Pin<Box<dyn Stream<Item = Vec<Event>> + Send>>,
    ready: std::vec::IntoIter<Event>,
    progress: Progress,
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan")
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

impl Scan {
    pub(crate) fn of(
        events: impl Stream<Item = Vec<Event>> + Send + 'static,
        progress: Progress,
    ) -> Self {
        Self {
            events: Box::pin(events),
            ready: Vec::new().into_iter(),
            progress,
        }
    }

    /// The scan's counters, which go on counting while the stream is elsewhere.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

impl Stream for Scan {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Event>> {
        loop {
            if let Some(event) = self.ready.next() {
                return Poll::Ready(Some(event));
            }
            match self.events.as_mut().poll_next(cx) {
                Poll::Ready(Some(events)) => self.ready = events.into_iter(),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
