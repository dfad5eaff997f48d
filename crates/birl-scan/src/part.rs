//! Parts: what one worker searches at a time, from opening a file to the last of its lines.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use birl_record::chronology::Chronology;
use birl_record::extent::{self, RECORD_BYTES_MAX};
use birl_record::format::{Parser, State};
use birl_record::framing;
use birl_record::search::Search;
use birl_record::time::Tracks;
use birl_source::content::{self, Content};
use birl_source::walk::{FoundFile, Skipped};
use birl_source::{Error, Origin, decode};
use birl_stream::block::{Block, PAGE_BYTES};
use birl_stream::{Closed, Outlet};
use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::assembly::Assembly;
use crate::batch::{Event, Source};
use crate::chunk::{Chunk, Context};
use crate::detection;
use crate::listing;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::timeline::{self, Timeline};

/// No mark or magic number is longer.
const MARK_BYTES_MAX: usize = 16;

/// What one worker searches at a time.
pub(crate) enum Part {
    /// Small files, one after the other.
    Files(Vec<FilePart>),
    /// A stretch of a large file of plain text.
    Range(RangePart),
    /// A file that is read from its beginning to its end.
    Stream(StreamPart),
    /// Something that could not be read.
    Problem(Error),
    /// Something that was named and is left out.
    Skipped(Skipped),
}

/// A file to open.
pub(crate) struct FilePart {
    pub(crate) source: Arc<Source>,
    pub(crate) found: FoundFile,
}

/// A stretch of a file. It owns the lines that begin in it but for the first byte, and the line
/// that begins exactly at its end; the first stretch owns the first line too.
pub(crate) struct RangePart {
    pub(crate) source: Arc<Source>,
    pub(crate) file: Arc<File>,
    pub(crate) offset: u64,
    pub(crate) bytes: usize,
    /// The bytes of a byte order mark at the file's beginning.
    pub(crate) bom_bytes: usize,
    /// How many stretches the file is cut into, all as long as this one.
    pub(crate) stretches: u64,
    pub(crate) last: bool,
}

/// An opened source to be read in order.
pub(crate) struct StreamPart {
    pub(crate) source: Arc<Source>,
    /// It was asked for by name, so it is searched even if it is binary.
    pub(crate) named: bool,
    pub(crate) reader: Reader,
}

/// How an opened file is read.
pub(crate) enum Reader {
    /// Data is there, or the end: a block is filled before it is searched.
    File(File),
    /// Data may be long in coming: whatever is there is searched at once.
    Live(Arc<File>),
}

/// Where a part's events go: nowhere any more, once the consumer is gone.
pub(crate) struct Sink<'a> {
    pub(crate) context: &'a Context,
    outlet: &'a mut Outlet<Vec<Event>>,
    events: Vec<Event>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(context: &'a Context, outlet: &'a mut Outlet<Vec<Event>>) -> Self {
        Self {
            context,
            outlet,
            events: Vec::new(),
        }
    }

    /// Searches a chunk and keeps what it gave for the next [`flush`](Self::flush).
    fn search(&mut self, search: &Search, chunk: Chunk) {
        let batch = chunk.search(self.context, search);
        if batch.matched > 0 || self.context.options.wants(&batch) {
            self.events.push(Event::Batch(batch));
        }
    }

    fn problem(&mut self, act: &'static str, origin: &Origin, error: io::Error) {
        self.report(Error::io(act, origin.clone(), error));
    }

    fn report(&mut self, error: Error) {
        self.context.progress.problems(1);
        self.events.push(Event::Problem(error));
    }

    fn flush(&mut self) -> Result<(), Closed> {
        if self.events.is_empty() {
            return if self.outlet.is_closed() {
                Err(Closed)
            } else {
                Ok(())
            };
        }
        self.outlet.send(std::mem::take(&mut self.events))
    }
}

impl Part {
    /// Reads and searches the part. An error means that nobody wants the rest.
    pub(crate) fn run(self, sink: &mut Sink<'_>) -> Result<(), Closed> {
        let context = sink.context;
        context.with_search(|search| {
            match self {
                Self::Files(files) => {
                    for file in files {
                        file.run(search, sink)?;
                    }
                }
                Self::Range(range) => range.run(search, sink),
                Self::Stream(stream) => stream.run(search, sink)?,
                Self::Problem(error) => sink.report(error),
                Self::Skipped(skipped) => sink.events.push(Event::Skipped(skipped)),
            }
            sink.flush()
        })
    }
}

impl FilePart {
    /// Opens the file and searches it: at once where it fits into a block, else as a stream.
    fn run(self, search: &Search, sink: &mut Sink<'_>) -> Result<(), Closed> {
        let mut block = sink.context.blocks.take();
        let read = self
            .found
            .open()
            .and_then(|mut file| match fill(&mut block, &mut file) {
                Ok(end) => Ok((file, end)),
                Err(error) => Err(Error::io("read", self.found.origin.clone(), error)),
            });
        let (file, end) = match read {
            Ok(read) => read,
            Err(error) => {
                sink.report(error);
                return Ok(());
            }
        };
        let text = match content::detect(block.as_ref()) {
            Content::Text { bom } => Some(bom),
            Content::Binary if self.found.named => Some(0),
            _ => None,
        };
        match text {
            Some(bom) if end == End::Reached => {
                let modified = detection::modified(&file, &sink.context.options);
                self.search_whole(block, bom, modified, search, sink);
            }
            _ => {
                let Self { source, found } = self;
                let stream = StreamPart {
                    source,
                    named: found.named,
                    reader: Reader::File(file),
                };
                stream.run_from(block, search, sink)?;
            }
        }
        Ok(())
    }

    fn search_whole(
        self,
        block: Block,
        bom: usize,
        modified: i64,
        search: &Search,
        sink: &mut Sink<'_>,
    ) {
        sink.context.progress.bytes_read(block.len() as u64);
        sink.context.progress.sources(1);
        let options = &sink.context.options;
        let lines = listing::lines(block.freeze().slice(bom..), options);
        let detect = || detection::detect(&detection::parts(&lines), &options.formats, modified);
        let parser = options.records.then(detect);
        let timed = parser.as_ref().filter(|_| sink.context.is_timed());
        let times =
            timed.map(|parser| timeline::times_of_whole(parser, &lines, true, modified, options));
        let chunk = Chunk {
            source: self.source,
            lines,
            offset: bom as u64,
            first: true,
            last: true,
            parser,
            times,
        };
        for piece in chunk.pieces(State::default()) {
            sink.search(search, piece);
        }
    }
}

impl RangePart {
    fn run(self, search: &Search, sink: &mut Sink<'_>) {
        if self.source.is_stopped() {
            return;
        }
        let options = &sink.context.options;
        let parser = options.records.then(|| {
            let detect = || detection::detect_in(&self.file, self.bom_bytes, options);
            self.source.parser(detect)
        });
        let timed = parser.as_ref().filter(|_| sink.context.is_timed());
        let times = timed.map(|parser| {
            let timeline = || Timeline::read(&self, parser, sink.context);
            self.source.timeline(timeline).at(self.number())
        });
        let mut block = sink.context.blocks.take();
        let read = self.read(&mut block, parser.as_deref(), options.line_bytes_max);
        sink.context
            .progress
            .bytes_read(block.len().min(self.bytes) as u64);
        let (owned, state, error) = match read {
            Ok((owned, state)) => (owned, state, None),
            // What came before an error is searched like all else.
            Err(error) => (self.owned(block.as_ref()), State::default(), Some(error)),
        };
        let offset = self.offset + owned.start as u64;
        let chunk = Chunk {
            source: Arc::clone(&self.source),
            lines: block.freeze().slice(owned),
            offset,
            first: self.is_first(),
            last: self.last,
            parser,
            times,
        };
        for piece in chunk.pieces(state) {
            sink.search(search, piece);
        }
        if let Some(error) = error {
            sink.problem("read", self.source.origin(), error);
        }
    }

    pub(crate) fn is_first(&self) -> bool {
        self.offset == 0
    }

    /// Whether nothing of the file follows; the last stretch that is searched may be its first.
    fn is_at_end(&self) -> bool {
        self.number() + 1 == self.stretches
    }

    /// The stretch's place among those of its file.
    fn number(&self) -> u64 {
        self.offset / self.bytes as u64
    }

    /// Another stretch of the same file.
    pub(crate) fn sibling(&self, number: u64) -> Self {
        Self {
            source: Arc::clone(&self.source),
            file: Arc::clone(&self.file),
            offset: number * self.bytes as u64,
            last: number + 1 == self.stretches,
            ..*self
        }
    }

    /// Reads the stretch, and on to the end of what it owns; gives that, with the state before it.
    pub(crate) fn read(
        &self,
        block: &mut Block,
        parser: Option<&Parser>,
        line_bytes_max: usize,
    ) -> io::Result<(Range<usize>, State)> {
        self.read_lines(block, line_bytes_max)?;
        let lines = self.owned(block.as_ref());
        let Some(parser) = parser.filter(|_| !lines.is_empty()) else {
            return Ok((lines, State::default()));
        };
        let mut state = self.state_before(lines.start, parser)?;
        let mut behind = state.clone();
        parser.pass(&mut behind, &block.as_ref()[lines.clone()]);
        if block.as_ref()[..lines.end].ends_with(b"\n") {
            let end = self.offset + lines.end as u64;
            self.source.states().tell(end, behind.clone());
        }
        let start = match self.is_first() {
            true => lines.start,
            false => self.record_start(block, lines.start, parser, &state)?,
        };
        let end = match self.is_at_end() {
            true => lines.end,
            false => self.record_start(block, lines.end, parser, &behind)?,
        };
        let owned = start.min(end)..end;
        parser.pass(&mut state, &block.as_ref()[lines.start..owned.start]);
        Ok((owned, state))
    }

    /// The state before the line that begins at `line` of the block.
    fn state_before(&self, line: usize, parser: &Parser) -> io::Result<State> {
        let place = self.offset + line as u64;
        let start = self.bom_bytes as u64;
        self.source
            .states()
            .before(place, start, parser, &self.file)
    }

    /// Reads the stretch, and on to the end of its last line or as far as that line is searched.
    fn read_lines(&self, block: &mut Block, line_bytes_max: usize) -> io::Result<()> {
        block.fill_at(&self.file, self.offset, self.bytes)?;
        let starts_nowhere = !self.is_first() && framing::first_start(block.as_ref()).is_none();
        if block.len() < self.bytes || starts_nowhere {
            return Ok(());
        }
        let last_start = memchr::memrchr(b'\n', block.as_ref()).map_or(0, |newline| newline + 1);
        let mut more = PAGE_BYTES;
        loop {
            let from = block.len();
            let read = block.fill_at(&self.file, self.offset + from as u64, more)?;
            let ends = memchr::memchr(b'\n', &block.as_ref()[from..]).is_some();
            // Two bytes more than the limit: see whether the line is longer, or ends in `\r\n`.
            if ends || read < more || block.len() - last_start > line_bytes_max + 2 {
                return Ok(());
            }
            more *= 2;
        }
    }

    /// Where the first record begins that begins at `line`, which is the beginning of one, or behind
    /// it. Where none does for longer than a record may be, that is `line` itself.
    ///
    /// It does not depend on the stretch, so that what one leaves is what the next one takes.
    fn record_start(
        &self,
        block: &mut Block,
        line: usize,
        parser: &Parser,
        state: &State,
    ) -> io::Result<usize> {
        let mut more = PAGE_BYTES;
        loop {
            let end = block.len().min(line + RECORD_BYTES_MAX);
            if let Some(start) = extent::first_start(parser, state, &block.as_ref()[line..end]) {
                return Ok(line + start);
            }
            if end < block.len() {
                return Ok(line);
            }
            let from = block.len();
            let read = block.fill_at(&self.file, self.offset + from as u64, more)?;
            if read == 0 {
                // All that is left belongs to the record before.
                return Ok(end);
            }
            more *= 2;
        }
    }

    /// The lines of the block that this stretch owns.
    fn owned(&self, block: &[u8]) -> Range<usize> {
        let start = match self.is_first() {
            true => Some(self.bom_bytes),
            false => framing::first_start(block),
        };
        let boundary = self.bytes.min(block.len());
        let end =
            framing::first_start(&block[boundary..]).map_or(block.len(), |end| boundary + end);
        match start {
            Some(start) if start <= boundary => start..end,
            // The whole stretch lies within a line that began before it.
            _ => 0..0,
        }
    }
}

/// What filling a block came to.
#[derive(PartialEq)]
enum End {
    Reached,
    Ahead,
}

/// Fills a block as far as it goes.
fn fill(block: &mut Block, reader: &mut (impl Read + ?Sized)) -> io::Result<End> {
    while block.spare() > 0 {
        if block.fill_from(reader)? == 0 {
            return Ok(End::Reached);
        }
    }
    Ok(End::Ahead)
}

impl StreamPart {
    fn run(self, search: &Search, sink: &mut Sink<'_>) -> Result<(), Closed> {
        let head = sink.context.blocks.take();
        self.run_from(head, search, sink)
    }

    /// Goes on behind `head`, which the source began with.
    fn run_from(self, head: Block, search: &Search, sink: &mut Sink<'_>) -> Result<(), Closed> {
        match self.open(head, sink.context) {
            Ok(Some(text)) => text.run(search, sink),
            Ok(None) => Ok(()),
            Err(error) => {
                sink.report(error);
                Ok(())
            }
        }
    }

    /// Finds out what the source is, which begins with `head`; `None` if it is passed over.
    pub(crate) fn open(self, head: Block, context: &Context) -> Result<Option<Text>, Error> {
        let Self {
            source,
            named,
            mut reader,
        } = self;
        let progress = context.progress.clone();
        let options = &context.options;
        let (live, reference) = match &reader {
            Reader::File(file) => (None, detection::modified(file, options)),
            Reader::Live(file) => (Some(Arc::clone(file)), detection::now(options)),
        };
        let failed = |act, error| Error::io(act, source.origin().clone(), error);
        let head = reader
            .complete(head)
            .map_err(|error| failed("read", error))?;
        let head = head.freeze();
        progress.bytes_read(head.len() as u64);
        let chronology = match &reader {
            Reader::File(file) => context
                .chronology(reference)
                .map(|chronology| whole(file, &head, chronology, reference, context)),
            Reader::Live(_) => context.chronology(reference),
        };
        let counted = Counted {
            reader: reader.into_read(),
            progress,
        };
        let content = content::detect(&head);
        let act = if content.is_compressed() {
            "decode"
        } else {
            "read"
        };
        let decoded =
            decode::text_reader(content, head, counted).map_err(|error| failed(act, error))?;
        if decoded.content == Content::Binary && !named {
            context.progress.skipped_binary(1);
            return Ok(None);
        }
        context.progress.sources(1);
        Ok(Some(Text {
            assembly: Assembly::new(source, decoded.bom_bytes, reference, chronology, options),
            reader: decoded.reader,
            live,
            act,
        }))
    }
}

/// What is known at its beginning of the times of a source that began with `head`, the rest of which
/// is in `file` from where that stands. Where times do not say their whole date, all of it is read
/// for them.
fn whole(
    file: &File,
    head: &Bytes,
    chronology: Chronology,
    reference: i64,
    context: &Context,
) -> Chronology {
    // What cannot be read is reported by the search.
    let tracks = tracks_of_rest(file, head, &chronology, reference, context);
    match tracks.unwrap_or(None) {
        Some(tracks) => Chronology::of_whole(context.options.zone.clone(), reference, &tracks),
        None => chronology,
    }
}

fn tracks_of_rest(
    mut file: &File,
    head: &Bytes,
    chronology: &Chronology,
    reference: i64,
    context: &Context,
) -> io::Result<Option<Tracks>> {
    let rest = ReadAt::new(file.try_clone()?, file.stream_position()?);
    let mut decoded = decode::text_reader(content::detect(head), head.clone(), rest)?;
    let source = Source::new(Origin::stdin(), 0);
    let start = decoded.bom_bytes;
    let mut assembly = Assembly::new(source, start, reference, None, &context.options);
    let mut chronology = chronology.clone();
    let mut whole = Tracks::default();
    loop {
        let mut block = context.blocks.take();
        let end = fill(&mut block, &mut decoded.reader)?;
        let mut chunks = assembly.push(&block.freeze());
        let is_last = end == End::Reached;
        if is_last {
            chunks.extend(assembly.finish_lines());
        }
        for chunk in chunks.iter().filter(|chunk| !chunk.lines.is_empty()) {
            let Some(parser) = &chunk.parser else {
                return Ok(None);
            };
            if !parser.has_partial_times() {
                return Ok(None);
            }
            whole.append(&chronology.tracks(parser, &chunk.lines, chunk.first));
        }
        if is_last {
            return Ok(Some(whole));
        }
    }
}

impl Reader {
    /// Reads on until the first bytes tell what they are the beginning of.
    ///
    /// Of a file that is a whole block, of what comes live a line: all that marks other content
    /// stands before a newline could.
    fn complete(&mut self, mut head: Block) -> io::Result<Block> {
        match self {
            Self::File(file) => {
                fill(&mut head, file)?;
            }
            Self::Live(file) => {
                let mut reader = &**file;
                while head.len() < MARK_BYTES_MAX && !head.as_ref().contains(&b'\n') {
                    if head.fill_from(&mut reader)? == 0 {
                        break;
                    }
                }
            }
        }
        Ok(head)
    }

    fn into_read(self) -> Box<dyn Read + Send> {
        match self {
            Self::File(file) => Box::new(file),
            Self::Live(file) => Box::new(Shared(file)),
        }
    }
}

/// Reads a file that others hold as well.
struct Shared(Arc<File>);

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

/// Counts what is read of a source as it lies on disk.
struct Counted {
    reader: Box<dyn Read + Send>,
    progress: Progress,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.progress.bytes_read(read as u64);
        Ok(read)
    }
}

/// Decoded text that is read block by block.
pub(crate) struct Text {
    assembly: Assembly,
    reader: Box<dyn Read + Send>,
    /// Where the text comes from, if it comes live.
    live: Option<Arc<File>>,
    /// What is done to the source, for errors.
    act: &'static str,
}

/// What reading on came to.
pub(crate) struct Step {
    pub(crate) chunks: Vec<Chunk>,
    /// Why there is no more, if that is a failure.
    pub(crate) problem: Option<Error>,
    pub(crate) ended: bool,
}

impl Text {
    fn run(mut self, search: &Search, sink: &mut Sink<'_>) -> Result<(), Closed> {
        loop {
            let step = self.step(sink.context);
            step.chunks
                .into_iter()
                .for_each(|chunk| sink.search(search, chunk));
            if let Some(problem) = step.problem {
                sink.report(problem);
            }
            sink.flush()?;
            if step.ended {
                return Ok(());
            }
        }
    }

    /// Reads the next block. Of what comes live, it gives the last record when nothing more comes.
    pub(crate) fn step(&mut self, context: &Context) -> Step {
        if let Some(file) = &self.live
            && self.assembly.has_begun_record()
            && !is_ready(file, context.options.record_wait)
        {
            return Step {
                chunks: self.assembly.finish_record().into_iter().collect(),
                problem: None,
                ended: false,
            };
        }
        let mut block = context.blocks.take();
        let filled = self.fill(&mut block);
        // What came before an error is searched like all else.
        let mut chunks = self.assembly.push(&block.freeze());
        let source = self.assembly.source();
        let (end, problem) = match filled {
            Ok(end) => (end, None),
            Err(error) => {
                let problem = Error::io(self.act, source.origin().clone(), error);
                (End::Reached, Some(problem))
            }
        };
        let ended = end == End::Reached || source.is_stopped();
        if ended {
            chunks.extend(self.assembly.finish());
        }
        Step {
            chunks,
            problem,
            ended,
        }
    }

    fn fill(&mut self, block: &mut Block) -> io::Result<End> {
        if self.live.is_none() {
            return fill(block, &mut self.reader);
        }
        Ok(match block.fill_from(&mut self.reader)? {
            0 => End::Reached,
            _ => End::Ahead,
        })
    }
}

/// Whether there is something to read, or will be within `wait`; also an end or an error.
fn is_ready(file: &File, wait: Duration) -> bool {
    let timeout = Timespec::try_from(wait).ok();
    let mut polled = [PollFd::new(file, PollFlags::IN)];
    // Reading tells what is wrong.
    poll(&mut polled, timeout.as_ref()).map_or(true, |ready| ready > 0)
}
