//! The parser of a source: the formats that were found in it.

use std::ops::Range;
use std::sync::Arc;

use memchr::memchr;

use super::cursor::commonest;
use super::state::Stateful;
use super::{Custom, Format, KNOWN, Known, Place, SeverityPlace, State};
use crate::extent::Extents;
use crate::framing;
use crate::record::{Record, Timestamp};
use crate::time::{self, Reading, Shape};
use crate::value::{Text, Value};

/// So many lines of a source are looked at.
const LINES_MAX: usize = 200;

/// No more of a line is looked at.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// A format that claims fewer than so many percent of the lines that a more general one claims is
/// not the format of the source, but of some guests in it.
const CLAIM_PERCENT: usize = 60;

/// A format that claims so many percent of the lines, and so many, reads its own where the format of
/// most lines is one that takes nearly everything.
const PARTICULAR_PERCENT: usize = 10;
const PARTICULAR_LINES_MIN: usize = 3;

/// What a line is that begins no record of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// A record of its own: the format has a line a record.
    One,
    /// A part of the record before, such as a stack trace.
    Several,
}

/// Reads the records of a source, in whatever formats were found in it.
///
/// What a line is depends on that line alone, so that a source may be read from anywhere; but for
/// formats of which [`is_stateful`](Self::is_stateful) is true. There a cheap pass over all lines
/// tells the [`State`] before any of them, with which it can be read.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    /// The format of most records, and then those of others.
    formats: Vec<Arc<dyn Format>>,
    /// So many of those behind the first are asked before it.
    particular: usize,
    /// The shape of most timestamps.
    shape: Option<Shape>,
    /// Some timestamps do not say their whole date.
    has_partial_times: bool,
}

impl Parser {
    /// Finds out which formats a source has, by parts of it that begin at the beginning of a line;
    /// the first is the source's beginning. Where no format fits, each line is a message.
    ///
    /// `reference` is when the last of it was written, or later, in nanoseconds since 1970: it helps
    /// to tell March 4 from April 3.
    pub fn detect(parts: &[&[u8]], reference: i64) -> Self {
        Self::detect_among(&[], parts, reference)
    }

    /// The same where the user has formats of his own, which come before the others.
    pub(super) fn detect_among(own: &[Arc<Custom>], parts: &[&[u8]], reference: i64) -> Self {
        Self::of_lines(own, &sample_lines(parts), reference)
    }

    /// Finds out which formats some lines have.
    pub(super) fn of_lines(own: &[Arc<Custom>], lines: &[&[u8]], reference: i64) -> Self {
        let own_formats = own.iter().map(|own| Arc::clone(own) as Arc<dyn Format>);
        let known = KNOWN.iter().filter_map(|known| (known.open)(lines));
        let known = known.map(|format| match own {
            [] => format,
            own => format.among(own, lines).unwrap_or(format),
        });
        let candidates: Vec<_> = own_formats
            .chain(known)
            .filter_map(|format| Candidate::of(format, lines))
            .collect();
        let most = candidates.iter().map(|candidate| candidate.claims).max();
        let first = candidates
            .iter()
            .position(|candidate| candidate.claims * 100 >= most.unwrap_or(0) * CLAIM_PERCENT);
        Self::of(first, candidates, lines, reference)
    }

    /// The parser of a source that is in a certain format, whatever it looks like. `None` where the
    /// format needs what these parts do not have, such as a header.
    pub fn forced(known: &Known, parts: &[&[u8]], reference: i64) -> Option<Self> {
        let format = (known.open)(&sample_lines(parts))?;
        Some(Self::of_format(format, parts, reference))
    }

    /// The parser of a source that is in this format, whatever it looks like.
    pub(super) fn of_format(format: Arc<dyn Format>, parts: &[&[u8]], reference: i64) -> Self {
        Self::with_shape(vec![format], 0, &sample_lines(parts), reference)
    }

    fn of(
        first: Option<usize>,
        mut candidates: Vec<Candidate>,
        lines: &[&[u8]],
        reference: i64,
    ) -> Self {
        let Some(first) = first else {
            return Self::default();
        };
        let main = candidates.remove(first);
        let is_general = main.format.is_general();
        let mut formats = vec![main.format];
        if is_general {
            let mut at = 0;
            candidates.retain(|candidate| {
                let is_before = at < first;
                at += 1;
                let is_particular = is_before && candidate.is_particular(lines);
                if is_particular {
                    formats.push(Arc::clone(&candidate.format));
                }
                !is_particular
            });
        }
        let particular = formats.len() - 1;
        // Others join only for lines that none before them claims.
        for candidate in candidates {
            if !candidate.format.joins() {
                continue;
            }
            let unclaimed =
                |line: &&&[u8]| !formats.iter().any(|format| is_claimed(&**format, line));
            if lines
                .iter()
                .filter(unclaimed)
                .any(|line| candidate.format.begins(line))
            {
                formats.push(candidate.format);
            }
        }
        Self::with_shape(formats, particular, lines, reference)
    }

    fn with_shape(
        formats: Vec<Arc<dyn Format>>,
        particular: usize,
        lines: &[&[u8]],
        reference: i64,
    ) -> Self {
        let parser = Self {
            formats,
            particular,
            shape: None,
            has_partial_times: false,
        };
        let text = lines.join(&b'\n');
        let records = Extents::new(&parser, &text, true).into_all();
        let timestamps: Vec<_> = records
            .filter_map(|record| parser.parse(&text[record.range]).timestamp)
            .collect();
        let shape = commonest(timestamps.iter().filter_map(Timestamp::shape));
        let texts = timestamps.iter().map(Timestamp::text);
        let shape = shape.map(|shape| time::decide(shape, texts, reference));
        let is_partial = |timestamp: &Timestamp<'_>| {
            let reading = timestamp.reading(shape);
            reading.is_some_and(|reading| reading.period().is_some())
        };
        let has_partial_times = timestamps.iter().any(is_partial);
        Self {
            shape,
            has_partial_times,
            ..parser
        }
    }

    /// The formats that were found, that of most records first. None where each line is a message.
    pub fn formats(&self) -> impl Iterator<Item = &dyn Format> {
        self.formats.iter().map(|format| &**format)
    }

    /// The same in the order in which they are asked for a line.
    pub(super) fn asked(&self) -> impl Iterator<Item = &dyn Format> {
        let (main, others) = self.formats.split_at(self.formats.len().min(1));
        let (particular, others) = others.split_at(self.particular);
        let formats = particular.iter().chain(main).chain(others);
        formats.map(|format| &**format)
    }

    /// The shape of the source's timestamps, if it has them.
    pub fn shape(&self) -> Option<Shape> {
        self.shape
    }

    /// Whether a record begins with `line`, which is given without its terminator.
    ///
    /// The first format that knows the line tells; else a line is a record, where records have one and it
    /// does not look like a part of the one before.
    pub fn begins(&self, line: &[u8]) -> bool {
        let has_several = self.formats.first().map(|format| format.lines()) == Some(Lines::Several);
        let of_others = |format: &dyn Format| format.goes_on(line) || format.frames(line);
        if has_several || is_continuation(line) {
            for format in self.asked() {
                if format.begins(line) {
                    return true;
                }
                if of_others(format) {
                    return false;
                }
            }
            return false;
        }
        // Reading the line is what takes time, and only tells the same mostly.
        match self.asked().position(of_others) {
            Some(last) => self
                .asked()
                .take(last + 1)
                .any(|format| format.begins(line)),
            None => true,
        }
    }

    /// Bytes of which each line that begins with them begins a record ([`Format::opening`]).
    pub(crate) fn opening(&self) -> Option<&'static [u8]> {
        self.formats.first()?.opening()
    }

    /// Whether the format of most records is asked for a line before all others.
    pub(crate) fn asks_main_first(&self) -> bool {
        self.particular == 0
    }

    /// Whether a line is no part of any record ([`Format::frames`]).
    pub fn frames(&self, line: &[u8]) -> bool {
        let main = self.formats.first();
        main.is_some_and(|format| format.frames(line))
    }

    /// Whether lines depend on those before them: then those have to be [passed](Self::pass) first.
    pub fn is_stateful(&self) -> bool {
        self.stateful().is_some()
    }

    /// Goes over whole lines, which come behind `state`, and leaves the state behind them.
    pub fn pass(&self, state: &mut State, lines: &[u8]) {
        if let Some(stateful) = self.stateful() {
            stateful.pass(state, lines);
        }
    }

    /// Where a record may begin in whole lines that come behind `state`, in order; `None` where that
    /// may be at each line that [`begins`](Self::begins) one.
    pub fn starts(&self, state: &State, lines: &[u8]) -> Option<Vec<usize>> {
        self.stateful()?.starts(state, lines)
    }

    /// Cuts whole lines, which come behind `state`, into pieces, each with the parser that reads it;
    /// leaves the state behind them.
    pub fn pieces(
        self: &Arc<Self>,
        state: &mut State,
        lines: &[u8],
    ) -> Vec<(Range<usize>, Arc<Self>)> {
        let pieces = self.stateful().map(|it| it.pieces(state, lines));
        let mut pieces = pieces.unwrap_or_default();
        if pieces.is_empty() {
            pieces.push((0, None));
        }
        let starts = pieces.iter().map(|(start, _)| *start);
        let ends: Vec<_> = starts.skip(1).chain([lines.len()]).collect();
        let parsers = pieces.into_iter().zip(ends).map(|((start, format), end)| {
            let parser = format.map(|format| Arc::new(self.with_main(format)));
            (start..end, parser.unwrap_or_else(|| Arc::clone(self)))
        });
        parsers.collect()
    }

    /// The same, but for the format of most records.
    fn with_main(&self, format: Arc<dyn Format>) -> Self {
        let mut formats = self.formats.clone();
        formats[0] = format;
        Self { formats, ..*self }
    }

    /// Only the format of most records may be stateful: in others there is no telling where a state
    /// ends.
    fn stateful(&self) -> Option<&dyn Stateful> {
        self.formats.first()?.stateful()
    }

    /// Whether a value may stand in pieces ([`Format::scatters`]).
    pub fn scatters(&self) -> bool {
        self.formats.iter().any(|format| format.scatters())
    }

    /// Where the field stands that `path` names, in each of the source's formats.
    pub(crate) fn places(&self, path: &[u8]) -> impl Iterator<Item = Place> {
        self.formats().map(move |format| format.place(path))
    }

    /// How the severity stands in the text, in each of the source's formats.
    pub(crate) fn severity_places(&self) -> impl Iterator<Item = SeverityPlace> {
        self.formats().map(|format| format.severity_place())
    }

    /// What a record says; its text is whole lines.
    pub fn parse<'a>(&'a self, text: &'a [u8]) -> Record<'a> {
        let mut record = Record::default();
        self.parse_into(text, &mut record);
        record
    }

    /// What a record says, into `record`, which is empty; its memory is used again.
    pub fn parse_into<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let text = framing::record_content(text);
        match self.format_of(text) {
            Some(format) => format.parse(text, record),
            None => self.parse_part(text, record),
        }
    }

    /// What is left of a record without its beginning, as where a source begins in its middle.
    pub(super) fn parse_part<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let line = first_line(text);
        if let Some(format) = self.asked().find(|format| format.goes_on(line)) {
            format.parse(text, record);
        }
        if record.message.is_none() && record.fields.is_empty() {
            record.message = Some(Text::plain(text));
        }
    }

    /// The field of a record that `path` names.
    pub fn get<'a>(&'a self, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        let text = framing::record_content(text);
        match self.format_of(text) {
            Some(format) => format.get(text, path),
            None => {
                let mut record = Record::default();
                self.parse_part(text, &mut record);
                record.get(path)
            }
        }
    }

    /// The timestamp of a record.
    pub fn timestamp<'a>(&'a self, text: &'a [u8]) -> Option<Timestamp<'a>> {
        let text = framing::record_content(text);
        match self.format_of(text) {
            Some(format) => format.timestamp(text),
            None => self.parse(text).timestamp,
        }
    }

    /// What a timestamp says, which a record of this source has.
    pub fn reading(&self, timestamp: Timestamp<'_>) -> Option<Reading> {
        timestamp.reading(self.shape)
    }

    /// Whether timestamps were found that do not say their whole date, so that each is told from
    /// those before it.
    pub fn has_partial_times(&self) -> bool {
        self.has_partial_times
    }

    /// Whether a format was found that a line is in, or that surely goes on with it.
    pub fn knows(&self, line: &[u8]) -> bool {
        self.formats().any(|format| is_claimed(format, line))
    }

    /// The format in which a record is written; `None` if it is only a message.
    pub fn format_of(&self, text: &[u8]) -> Option<&dyn Format> {
        let line = first_line(text);
        self.asked().find(|format| format.begins(line))
    }
}

/// A format that may have written some lines.
struct Candidate {
    format: Arc<dyn Format>,
    /// How many lines begin a record of it, or surely go on with one.
    claims: usize,
}

impl Candidate {
    fn of(format: Arc<dyn Format>, lines: &[&[u8]]) -> Option<Self> {
        let claimed = lines.iter().filter(|line| is_claimed(&*format, line));
        let claims = claimed.count();
        // Lines that only go on with records are those of a format where all lines do: a word in
        // capitals may be a field of a journal, and stands in other logs, too.
        let is_founded = |line: &&[u8]| format.begins(line) || format.frames(line);
        if claims == 0 || claims < lines.len() && !lines.iter().any(is_founded) {
            return None;
        }
        Some(Self { format, claims })
    }
}

impl Candidate {
    /// Whether so many of the lines are its own that it is rather a second format of the source than
    /// one that a few lines look like.
    fn is_particular(&self, lines: &[&[u8]]) -> bool {
        self.format.stateful().is_none()
            && self.claims >= PARTICULAR_LINES_MIN
            && self.claims * 100 >= lines.len() * PARTICULAR_PERCENT
    }
}

fn is_claimed(format: &dyn Format, line: &[u8]) -> bool {
    format.begins(line) || format.goes_on(line) || format.frames(line)
}

/// Some lines of each part, without terminators and without empty ones.
pub(super) fn sample_lines<'a>(parts: &[&'a [u8]]) -> Vec<&'a [u8]> {
    let each = LINES_MAX.div_ceil(parts.len().max(1));
    let lines = parts.iter().flat_map(|part| {
        part.split_inclusive(|&byte| byte == b'\n')
            .map(framing::content)
            .map(|line| &line[..line.len().min(LINE_BYTES_MAX)])
            .filter(|line| !line.is_empty())
            .take(each)
    });
    lines.collect()
}

/// Whether a line that no format knows looks like a part of what stands before it.
pub(super) fn is_continuation(line: &[u8]) -> bool {
    line.is_empty()
        || line[0].is_ascii_whitespace()
        || [&b"Caused by:"[..], b"Traceback (", b"}", b"... "]
            .iter()
            .any(|beginning| line.starts_with(beginning))
}

pub(super) fn first_line(text: &[u8]) -> &[u8] {
    let line = memchr(b'\n', text).map_or(text, |newline| &text[..newline]);
    line.strip_suffix(b"\r").unwrap_or(line)
}
