//! Batches: what a chunk of a source gave.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arrow_array::RecordBatch;
use birl_record::chronology::{Chronology, RecordTime};
use birl_record::format::Parser;
use birl_source::Origin;
use birl_source::follow::Positions;
use bytes::Bytes;

use crate::carried::Carried;
use crate::states::States;
use crate::timeline::Timeline;

/// A source that is being searched.
#[derive(Debug)]
pub struct Source {
    origin: Origin,
    number: u64,
    backwards: bool,
    stopped: AtomicBool,
    /// What its records are written in, once that is known; only where it is cut into stretches.
    parser: OnceLock<Arc<Parser>>,
    /// When its records were, where that takes to read all of it; likewise.
    timeline: OnceLock<Timeline>,
    /// How far its lines have been passed, where they depend on those before them.
    states: States,
}

impl Source {
    pub(crate) fn new(origin: Origin, number: u64) -> Arc<Self> {
        Arc::new(Self {
            origin,
            number,
            backwards: false,
            stopped: AtomicBool::new(false),
            parser: OnceLock::new(),
            timeline: OnceLock::new(),
            states: States::default(),
        })
    }

    /// The same source, of which nothing has been read yet, from its end to its start.
    pub(crate) fn backwards(&self) -> Arc<Self> {
        Arc::new(Self {
            origin: self.origin.clone(),
            number: self.number,
            backwards: true,
            stopped: AtomicBool::new(false),
            parser: self.parser.clone(),
            timeline: OnceLock::new(),
            states: States::default(),
        })
    }

    /// What the source is called.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The place of the source among all of the scan, from 0; the same name typed twice is two
    /// sources.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether its batches come from the last to the first
    /// ([`Options::backwards`](crate::Options::backwards)).
    pub fn is_backwards(&self) -> bool {
        self.backwards
    }

    /// Nothing more of this source is wanted. Batches that are on their way still come.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// What its records are written in; `detect` finds out, the first time.
    pub(crate) fn parser(&self, detect: impl FnOnce() -> Arc<Parser>) -> Arc<Parser> {
        Arc::clone(self.parser.get_or_init(detect))
    }

    /// When its records were; `read` finds out, the first time.
    pub(crate) fn timeline(&self, read: impl FnOnce() -> Timeline) -> &Timeline {
        self.timeline.get_or_init(read)
    }

    /// What its lines say of those behind them.
    pub(crate) fn states(&self) -> &States {
        &self.states
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// What one chunk of a source gave. The batches of a source come in its order, or in the opposite
/// one ([`Source::is_backwards`]).
#[derive(Clone, Debug)]
pub struct Batch {
    /// Where the chunk is from.
    pub source: Arc<Source>,
    /// Whole lines: those that matched one behind the other, or the whole chunk where its
    /// surroundings are wanted.
    pub bytes: Bytes,
    /// The lines that matched, in order; of records one run each.
    pub runs: Vec<Run>,
    /// How many lines or records matched.
    pub matched: u64,
    /// How many lines the chunk has; 0 where line numbers are not wanted.
    pub lines: u64,
    /// Where the chunk's lines begin, in bytes from the start of the (decoded) source.
    pub offset: u64,
    /// No other batch of this source follows.
    pub last: bool,
    /// What reads the records, where records were searched.
    pub parser: Option<Arc<Parser>>,
    /// Where each record of the chunk begins in the batch's bytes, and when it was, where
    /// surroundings and times are wanted.
    pub times: Vec<RecordTime>,
    /// A row for each record that matched, in order, where [columns](crate::Options::columns) are
    /// wanted. Texts may be views into the chunk, whose memory they keep.
    pub columns: Option<RecordBatch>,
    /// What tells when a record was by its timestamp alone ([`Chronology::instant_alone`]), where
    /// times are [deferred](crate::Times::Deferred) and no run has its own.
    pub chronology: Option<Box<Chronology>>,
}

impl Batch {
    /// The rows of some of its records.
    pub(crate) fn rows(&self, records: Range<usize>) -> Option<RecordBatch> {
        let columns = self.columns.as_ref()?;
        Some(columns.slice(records.start, records.len()))
    }
}

/// Lines that matched and follow on each other, or a record that matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where they stand in the batch's bytes, terminators included.
    pub range: Range<usize>,
    /// Where the first begins, in bytes from the start of the (decoded) source.
    pub offset: u64,
    /// How many lines of the chunk come before; 0 where line numbers are not wanted.
    pub lines_before: u64,
    /// A single line, or a record, that was longer than the limit, of which this is the beginning.
    pub cut: bool,
    /// When the record was, in nanoseconds since 1970 (UTC); `None` where it does not say, where it
    /// is a line, and where [times](crate::Options::times) are not wanted or left to be told by the
    /// batch's [chronology](Batch::chronology).
    pub time: Option<i64>,
}

/// What a scan gives.
#[derive(Debug)]
pub enum Event {
    /// The next lines.
    Batch(Batch),
    /// Something could not be read, or not wholly; the scan goes on.
    Problem(birl_source::Error),
    /// Something that was named is left out on purpose.
    Skipped(birl_source::walk::Skipped),
    /// Something happened to a source that is followed.
    Notice(birl_source::follow::Notice),
    /// All that was there when following began has been given. Comes once.
    CaughtUp,
    /// A barrier that was put into what is followed, behind all batches of what stood before it.
    Barrier(Barrier),
}

/// How far sources have been read, and what is held back of that.
#[derive(Clone, Debug)]
pub struct Barrier {
    /// The number by which it was asked for.
    pub number: u64,
    /// How far all files have been read.
    pub positions: Arc<Positions>,
    /// What has been read, and is in no batch yet.
    pub carried: Carried,
}
