//! Assembly: the blocks of a source that is read in order become chunks of whole lines or records.

use std::sync::Arc;

use birl_record::chronology::{Chronology, ChunkTimes};
use birl_record::extent::RecordCarry;
use birl_record::format::{Parser, State};
use birl_record::framing::{self, Carry};
use bytes::Bytes;

use crate::batch::Source;
use crate::carried::{Held, HeldRecords};
use crate::chunk::Chunk;
use crate::detection::Detection;
use crate::listing::{self, Listing};
use crate::scan::Options;

/// Takes blocks and gives chunks; what is unfinished waits for the next block.
#[derive(Debug)]
pub(crate) struct Assembly {
    source: Arc<Source>,
    /// Where the source begins, and where the next block does, in bytes from the start of the
    /// decoded source.
    start: u64,
    offset: u64,
    lines: Carry,
    records: Option<Records>,
}

/// What records take besides lines.
#[derive(Debug)]
struct Records {
    listing: Listing,
    carry: RecordCarry,
    detection: Detection,
    /// When they were, where that is wanted.
    chronology: Option<Chronology>,
    /// What the lines so far say of those to come.
    state: State,
    /// What reads the last lines that came.
    parser: Arc<Parser>,
    /// It is not known yet, as they came before it went on here.
    is_unknown: bool,
}

/// So much of what came first is kept with what is held back.
const HELD_SAMPLE_BYTES: usize = 4096;

impl Records {
    /// Lines come that follow on others, of which the first are `head`.
    fn expect(&mut self, head: Bytes, reference: i64, options: &Options) {
        self.detection = Detection::new(options.formats.clone(), reference).behind(head);
        self.is_unknown = true;
    }

    /// Finds out what reads the last lines that came.
    fn know_parser(&mut self) {
        if std::mem::take(&mut self.is_unknown) {
            let parser = self.detection.parser();
            let pieces = parser.pieces(&mut self.state.clone(), b"");
            self.parser = pieces.into_iter().next_back().map_or(parser, |(_, it)| it);
        }
    }
}

impl Assembly {
    /// Begins at `offset`, which is the beginning of a line. The source was last written to at
    /// `reference`, in nanoseconds since 1970, which is now where it still is. Without a
    /// `chronology`, records have no times.
    pub(crate) fn new(
        source: Arc<Source>,
        offset: u64,
        reference: i64,
        chronology: Option<Chronology>,
        options: &Options,
    ) -> Self {
        Self {
            source,
            start: offset,
            offset,
            lines: Carry::new(offset, options.line_bytes_max),
            records: options.records.then(|| Records {
                listing: Listing::new(options),
                carry: RecordCarry::default(),
                detection: Detection::new(options.formats.clone(), reference),
                chronology,
                state: State::default(),
                parser: Arc::default(),
                is_unknown: false,
            }),
        }
    }

    /// Goes on with what another one [held](Self::held) of the same source, which began with `head`; as
    /// [`new`](Self::new) otherwise.
    pub(crate) fn resume(
        source: Arc<Source>,
        held: &Held,
        head: Bytes,
        (reference, chronology): (i64, Option<Chronology>),
        options: &Options,
    ) -> Self {
        let mut assembly = Self::new(source, held.start, reference, chronology, options);
        assembly.offset = held.offset;
        assembly.lines = Carry::resume(held.line(), options.line_bytes_max);
        if let (Some(records), Some(held)) = (&mut assembly.records, &held.records) {
            records.listing = Listing::resume(&held.listing);
            records.carry = held.record().map(RecordCarry::resume).unwrap_or_default();
            records.state = held.state();
            let head = match head.is_empty() {
                true => held.sample.bytes.clone().into(),
                false => listing::lines(head, options),
            };
            records.expect(head, reference, options);
        }
        assembly
    }

    /// Begins within a source, which began with `head`, at the beginning of a line; as
    /// [`new`](Self::new) otherwise.
    pub(crate) fn within(mut self, head: Bytes, reference: i64, options: &Options) -> Self {
        if let Some(records) = &mut self.records {
            let head = listing::lines(head, options);
            records.expect(head.clone(), reference, options);
            let parser = records.detection.parser();
            parser.pass(&mut records.state, &head);
            records.listing = Listing::Not;
        }
        self
    }

    /// Begins at `offset` instead, before anything has come.
    pub(crate) fn skip_to(&mut self, offset: u64, options: &Options) {
        (self.start, self.offset) = (offset, offset);
        self.lines = Carry::new(offset, options.line_bytes_max);
    }

    /// What is held back; with some of what came first where `with_sample`.
    pub(crate) fn held(&self, with_sample: bool) -> Held {
        let records = self.records.as_ref().map(|records| {
            // What is read by what came before has its header in there.
            let has_header = records.parser.is_stateful();
            let is_wanted =
                with_sample && (has_header || self.has_begun_line() || self.has_begun_record());
            let sample = match is_wanted {
                true => records.detection.sample(HELD_SAMPLE_BYTES),
                false => &[],
            };
            let (listing, record) = (records.listing.held(), records.carry.begun());
            HeldRecords::new(listing, record, &records.state, sample)
        });
        Held::new(self.start, self.offset, self.lines.begun(), records)
    }

    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// What comes from now on has just been written.
    pub(crate) fn go_live(&mut self, now: i64) {
        let records = self.records.as_mut();
        if let Some(chronology) = records.and_then(|records| records.chronology.as_mut()) {
            chronology.go_live(now);
        }
    }

    /// Takes the next block.
    pub(crate) fn push(&mut self, block: &Bytes) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        match &mut self.records {
            None => self.push_block(block, &mut chunks),
            Some(records) => {
                let block = records.listing.take(block);
                block
                    .into_iter()
                    .for_each(|block| self.push_block(&block, &mut chunks));
            }
        }
        chunks
    }

    fn push_block(&mut self, block: &Bytes, chunks: &mut Vec<Chunk>) {
        let pushed = self.lines.push(block);
        if let Some(line) = pushed.completed {
            self.push_lines(line.bytes.into(), line.offset, chunks);
        }
        let offset = self.offset + pushed.lines.start as u64;
        self.offset += block.len() as u64;
        self.push_lines(block.slice(pushed.lines), offset, chunks);
    }

    fn push_lines(&mut self, lines: Bytes, offset: u64, chunks: &mut Vec<Chunk>) {
        if lines.is_empty() {
            return;
        }
        let Some(records) = &mut self.records else {
            chunks.push(self.chunk(lines, offset));
            return;
        };
        records.know_parser();
        let parser = records.detection.with(&lines);
        let mut before = records.state.clone();
        let pieces = parser.pieces(&mut records.state, &lines);
        for (range, parser) in pieces {
            let offset = offset + range.start as u64;
            self.push_piece(lines.slice(range), offset, parser, &before, chunks);
            // Where there are several pieces, each begins outside of records.
            before = State::default();
        }
    }

    /// Takes whole lines that one parser reads.
    fn push_piece(
        &mut self,
        lines: Bytes,
        offset: u64,
        parser: Arc<Parser>,
        state: &State,
        chunks: &mut Vec<Chunk>,
    ) {
        let first = lines.split(|&byte| byte == b'\n').next();
        if parser.frames(framing::content(first.unwrap_or_default())) {
            // What has begun was written before, perhaps in other columns.
            chunks.extend(self.finish_record());
        }
        let Some(records) = &mut self.records else {
            return;
        };
        let pushed = records.carry.push(&parser, state, &lines, offset);
        records.parser = parser;
        if let Some(record) = pushed.completed {
            chunks.push(self.chunk(record.bytes.into(), record.offset));
        }
        if !pushed.records.is_empty() {
            let offset = offset + pushed.records.start as u64;
            chunks.push(self.chunk(lines.slice(pushed.records), offset));
        }
    }

    /// Gives the unfinished line, and the record that it may belong to, as if they were whole.
    pub(crate) fn finish_lines(&mut self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        let held = self.records.as_mut();
        if let Some(block) = held.and_then(|records| records.listing.finish()) {
            self.push_block(&block, &mut chunks);
        }
        if let Some(line) = self.lines.finish() {
            self.push_lines(line.bytes.into(), line.offset, &mut chunks);
        }
        chunks.extend(self.finish_record());
        chunks
    }

    /// Gives the record that may go on, but for an unfinished line, as if it were whole.
    pub(crate) fn finish_record(&mut self) -> Option<Chunk> {
        let records = self.records.as_mut()?;
        let record = records.carry.finish()?;
        records.know_parser();
        Some(self.chunk(record.bytes.into(), record.offset))
    }

    /// Gives what is left, and tells the end of the source.
    pub(crate) fn finish(&mut self) -> Vec<Chunk> {
        let mut chunks = self.finish_lines();
        let last = chunks.pop().unwrap_or_else(|| {
            let end = self.offset;
            self.chunk(Bytes::new(), end)
        });
        chunks.push(Chunk { last: true, ..last });
        chunks
    }

    /// Whether a line has begun and not ended.
    pub(crate) fn has_begun_line(&self) -> bool {
        let holds = |records: &Records| records.listing.is_pending();
        self.lines.is_pending() || self.records.as_ref().is_some_and(holds)
    }

    /// Whether a record has begun that may go on.
    pub(crate) fn has_begun_record(&self) -> bool {
        self.records
            .as_ref()
            .is_some_and(|records| records.carry.is_pending())
    }

    fn chunk(&mut self, lines: Bytes, offset: u64) -> Chunk {
        let first = offset == self.start;
        let parser = self
            .records
            .as_ref()
            .map(|records| Arc::clone(&records.parser));
        Chunk {
            times: self.times(parser.as_deref(), &lines, first),
            source: Arc::clone(&self.source),
            lines,
            offset,
            first,
            last: false,
            parser,
        }
    }

    fn times(&mut self, parser: Option<&Parser>, lines: &[u8], first: bool) -> Option<ChunkTimes> {
        let chronology = self.records.as_mut()?.chronology.as_mut()?;
        Some(chronology.read(parser?, lines, first))
    }
}
