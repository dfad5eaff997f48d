//! Chunks: whole lines of a source go in, a batch comes out.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use birl_record::chronology::{Chronology, ChunkTimes, RecordTime, RecordTimes};
use birl_record::columns::{Builder, Projection};
use birl_record::format::{Parser, State};
use birl_record::framing;
use birl_record::search::{Records, Search};
use birl_stream::block::BlockPool;
use bytes::Bytes;

use crate::batch::{Batch, Run, Source};
use crate::progress::Progress;
use crate::scan::{Options, Times, Want};

/// What all workers of a scan share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) options: Options,
    pub(crate) blocks: BlockPool,
    pub(crate) progress: Progress,
    /// The times of records are asked for, by the search or by who wants them.
    timed: bool,
    /// Only records in this range of time are found, in nanoseconds since 1970 (UTC).
    range: Option<Range<i64>>,
    search: Search,
    /// Searches that are not in use, each with its scratch memory.
    idle: Mutex<Vec<Search>>,
}

impl Context {
    pub(crate) fn new(search: Search, options: Options, blocks: BlockPool) -> Self {
        Self::with_progress(search, options, blocks, Progress::default())
    }

    /// One that counts for someone who has the counters already.
    pub(crate) fn with_progress(
        search: Search,
        options: Options,
        blocks: BlockPool,
        progress: Progress,
    ) -> Self {
        Self {
            range: search.time_range(),
            timed: options.records
                && (options.times != Times::Unwanted
                    || search.needs_times()
                    || columns_need_times(&options)),
            options,
            blocks,
            progress,
            search,
            idle: Mutex::default(),
        }
    }

    /// Whether the times of records are asked for, by the search or by who wants them.
    pub(crate) fn is_timed(&self) -> bool {
        self.timed
    }

    /// The range of time outside of which nothing is found, and nothing else is wanted either.
    pub(crate) fn range(&self) -> Option<&Range<i64>> {
        let options = &self.options;
        let needs_all = options.numbered || options.want == Want::Surroundings;
        self.range
            .as_ref()
            .filter(|_| options.records && !options.whole && !needs_all)
    }

    /// What is known of the times of a source that was last written to at `reference`, in
    /// nanoseconds since 1970, at its beginning; if anybody asks.
    pub(crate) fn chronology(&self, reference: i64) -> Option<Chronology> {
        self.timed
            .then(|| Chronology::new(self.options.zone.clone(), reference))
    }

    /// Runs `f` with a search of its own, so that no two threads share one's scratch memory.
    pub(crate) fn with_search<T>(&self, f: impl FnOnce(&Search) -> T) -> T {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let search = idle.unwrap_or_else(|| self.search.clone());
        let result = f(&search);
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(search);
        result
    }
}

fn columns_need_times(options: &Options) -> bool {
    let columns = options.columns.as_deref();
    columns.is_some_and(Projection::needs_times)
}

/// Whole lines of a source, to be searched.
pub(crate) struct Chunk {
    pub(crate) source: Arc<Source>,
    /// The lines; the last one may lack a terminator at the source's end.
    pub(crate) lines: Bytes,
    /// Where they begin, in bytes from the start of the (decoded) source.
    pub(crate) offset: u64,
    /// The source begins with it.
    pub(crate) first: bool,
    /// Nothing of the source follows.
    pub(crate) last: bool,
    /// What reads its records, where records are searched.
    pub(crate) parser: Option<Arc<Parser>>,
    /// When they were, where that is wanted.
    pub(crate) times: Option<ChunkTimes>,
}

impl Chunk {
    /// The chunk in pieces that one parser each reads; `state` is that before it.
    pub(crate) fn pieces(mut self, mut state: State) -> Vec<Self> {
        let Some(parser) = &self.parser else {
            return vec![self];
        };
        let mut pieces = parser.pieces(&mut state, &self.lines);
        if pieces.len() == 1 {
            self.parser = pieces.pop().map(|(_, parser)| parser);
            return vec![self];
        }
        let mut times = self.times.take();
        let pieces = pieces.into_iter().map(|(range, parser)| {
            let first = self.first && range.start == 0;
            let last = self.last && range.end == self.lines.len();
            let offset = self.offset + range.start as u64;
            let lines = self.lines.slice(range);
            let next = |times: &mut ChunkTimes| times.next_piece(&parser, &lines, first);
            Self {
                source: Arc::clone(&self.source),
                times: times.as_mut().map(next),
                lines,
                offset,
                first,
                last,
                parser: Some(parser),
            }
        });
        pieces.collect()
    }

    /// Searches the chunk. Where few of its lines matched they are copied out, so that its memory
    /// is free at once.
    pub(crate) fn search(mut self, context: &Context, search: &Search) -> Batch {
        let max = context.options.line_bytes_max;
        let times = self.times.take();
        let deferred = self.deferred(times.as_ref(), context, search);
        let is_given = context.options.times != Times::Unwanted && deferred.is_none();
        let mut found = Found::new(&self, &context.options);
        found.chronology = deferred;
        let overlong = match &self.parser {
            None => search.find_lines(&self.lines, max, |hit| {
                let end = if hit.overlong {
                    hit.lines.start + max
                } else {
                    hit.lines.end
                };
                found.add(hit.lines.start..end, hit.overlong, None);
            }),
            Some(parser) => {
                let times =
                    times.map(|times| RecordTimes::new(times, parser, &self.lines, self.first));
                let records = Records {
                    chunk: &self.lines,
                    parser,
                    source: self.source.origin().name().as_encoded_bytes(),
                    offset: self.offset,
                    is_start: self.first,
                    times: times.as_ref(),
                };
                let projection = context.options.columns.as_deref();
                let mut rows =
                    projection.map(|projection| Builder::new(projection, &self.lines, records));
                let time = |range: &std::ops::Range<usize>| {
                    let text = &self.lines[range.clone()];
                    let times = times.as_ref().filter(|_| is_given);
                    times?.at(range.start, || parser.timestamp(text))
                };
                let cut = search.find_records(records, |hit| {
                    if let Some(rows) = &mut rows {
                        rows.push(hit.lines.clone());
                    }
                    let time = time(&hit.lines);
                    found.add(hit.lines, hit.overlong, time);
                });
                if let Some(rows) = rows {
                    let (columns, misfits) = rows.finish();
                    found.columns = Some(columns);
                    context.progress.misfit(&misfits);
                }
                if let Some(times) = &times {
                    context.progress.records_untimed(times.untimed());
                    if found.want == Want::Surroundings && is_given {
                        found.times = times.all();
                    }
                }
                cut
            }
        };
        context.progress.bytes_searched(self.lines.len() as u64);
        context.progress.lines_matched(found.matched);
        if overlong > 0 {
            context.progress.lines_overlong(overlong as u64);
        }
        found.into_batch()
    }

    /// What tells the times of records later, where that may be left to who reads them.
    fn deferred(
        &self,
        times: Option<&ChunkTimes>,
        context: &Context,
        search: &Search,
    ) -> Option<Box<Chronology>> {
        let parser = self.parser.as_ref()?;
        let may_wait = context.options.times == Times::Deferred
            && !parser.has_partial_times()
            && !search.needs_times();
        match times? {
            ChunkTimes::From(chronology) if may_wait => Some(chronology.clone()),
            _ => None,
        }
    }
}

/// What has been found in a chunk.
struct Found<'a> {
    chunk: &'a Chunk,
    want: Want,
    numbered: bool,
    runs: Vec<Run>,
    /// When the records of the chunk were.
    times: Vec<RecordTime>,
    columns: Option<RecordBatch>,
    /// What tells that of each, where it is left to who reads them.
    chronology: Option<Box<Chronology>>,
    matched: u64,
    bytes: usize,
    /// How far lines have been counted, and how many there were.
    counted: (usize, u64),
}

impl<'a> Found<'a> {
    fn new(chunk: &'a Chunk, options: &Options) -> Self {
        Self {
            chunk,
            want: options.want,
            numbered: options.numbered,
            runs: Vec::new(),
            times: Vec::new(),
            columns: None,
            chronology: None,
            matched: 0,
            bytes: 0,
            counted: (0, 0),
        }
    }

    fn add(&mut self, range: std::ops::Range<usize>, cut: bool, time: Option<i64>) {
        self.matched += match cut || self.chunk.parser.is_some() {
            true => 1,
            false => framing::count_lines(&self.chunk.lines[range.clone()]) as u64,
        };
        if self.want == Want::Counts {
            return;
        }
        let lines_before = self.count_to(range.start);
        self.bytes += range.len();
        let offset = self.chunk.offset + range.start as u64;
        self.runs.push(Run {
            range,
            offset,
            lines_before,
            cut,
            time,
        });
    }

    /// How many lines come before `end`, where line numbers are wanted.
    fn count_to(&mut self, end: usize) -> u64 {
        if self.numbered {
            let (from, lines) = self.counted;
            self.counted = (
                end,
                lines + framing::count_lines(&self.chunk.lines[from..end]) as u64,
            );
        }
        self.counted.1
    }

    fn into_batch(mut self) -> Batch {
        let chunk = self.chunk;
        let lines = self.count_to(chunk.lines.len());
        let bytes = match self.want {
            Want::Surroundings => chunk.lines.clone(),
            _ if self.bytes * 2 >= chunk.lines.len() && self.bytes > 0 => chunk.lines.clone(),
            _ => self.compact(),
        };
        Batch {
            source: Arc::clone(&chunk.source),
            bytes,
            runs: self.runs,
            matched: self.matched,
            lines,
            offset: chunk.offset,
            last: chunk.last,
            parser: chunk.parser.clone(),
            times: self.times,
            columns: self.columns,
            chronology: self.chronology,
        }
    }

    /// Copies what matched, so that the rest of the chunk can be let go.
    fn compact(&mut self) -> Bytes {
        let mut bytes = Vec::with_capacity(self.bytes);
        for run in &mut self.runs {
            let start = bytes.len();
            bytes.extend_from_slice(&self.chunk.lines[run.range.clone()]);
            run.range = start..bytes.len();
        }
        bytes.into()
    }
}
