//! The lines that match, with what surrounds them.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use birl_record::format::Parser;
use birl_record::framing;
use birl_record::search::Search;
use birl_record::time::Frame;
use birl_render::{Line, RenderLine, is_hard_to_read};
use birl_scan::{Batch, Run, Source};
use memchr::{memchr, memrchr};

use super::records::{Printed, RecordPrinter, Unit, time_of_line};
use super::tail::{Tail, last_units};
use super::{Answer, source_name};
use crate::config::{Config, Format};

/// Writes lines in the order of the batches.
pub(super) struct Lines {
    before: usize,
    after: usize,
    max_count: u64,
    line_bytes_max: usize,
    numbered: bool,
    /// What is now, in nanoseconds since 1970.
    now: i64,
    /// Tells when lines were that are printed as records.
    frame: Frame,
    writer: Writer,
    /// Only so many lines of each source are wanted, the last ones.
    tail: Option<usize>,
    /// How far each source has been written, by its number.
    places: HashMap<u64, Place>,
    /// Sources take turns.
    following: bool,
    /// Lines that matched, in all sources.
    matched: u64,
}

/// How far a source has been written.
struct Place {
    source: Arc<Source>,
    /// The lines in the batches before.
    lines: u64,
    /// Where the last batch ended, in bytes from the start of the source.
    end: Option<u64>,
    /// Lines that matched, so far.
    matched: u64,
    /// How many more lines to write after the last match.
    after_left: usize,
    /// The last lines of the batches before that were not written, oldest first.
    kept: VecDeque<Owned>,
    /// The last lines that matched, which are not written yet.
    tail: Option<Tail>,
    /// What reads its lines, where lines are searched and some may be printed as records.
    parser: Option<Arc<Parser>>,
}

impl Place {
    fn new(source: Arc<Source>) -> Self {
        Self {
            source,
            lines: 0,
            end: None,
            matched: 0,
            after_left: 0,
            kept: VecDeque::new(),
            tail: None,
            parser: None,
        }
    }

    /// Whether the last lines that are wanted have been found.
    fn has_tail(&self) -> bool {
        self.tail.as_ref().is_some_and(Tail::is_full)
    }
}

/// A line that is kept beyond its batch.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    pub(super) found: Found,
    pub(super) bytes: Box<[u8]>,
    /// What reads it, where it is printed as a record.
    pub(super) parser: Option<Arc<Parser>>,
}

/// What is known of a line, besides its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) offset: u64,
    /// Where the line after it begins.
    pub(super) next: u64,
    pub(super) number: Option<u64>,
    pub(super) cut: bool,
    pub(super) context: bool,
    /// It goes on with the record that the line before belongs to.
    pub(super) continues: bool,
    /// When the record was, where it is printed as one.
    pub(super) time: Option<i64>,
}

impl Found {
    /// Whether a match begins here.
    pub(super) fn is_match(&self) -> bool {
        !self.context && !self.continues
    }
}

impl Lines {
    pub(super) fn new(
        config: &Config,
        search: Search,
        printer: Option<Arc<RecordPrinter>>,
    ) -> Self {
        Self {
            before: config.before,
            after: config.after,
            // A merge gives no more than is wanted, of all sources together.
            max_count: match config.merge {
                true => u64::MAX,
                false => config.max_count.unwrap_or(u64::MAX),
            },
            line_bytes_max: config.line_bytes_max,
            numbered: config.output.line_number,
            now: config.clock.now,
            frame: Frame::new(config.input_zone.clone(), config.clock.now),
            writer: Writer::new(config, search, printer),
            tail: config.tail.filter(|_| !config.merge),
            places: HashMap::new(),
            following: config.follow.is_some() || config.merge,
            matched: 0,
        }
    }

    /// The place in the batch's source. Where sources come one after the other, the one before is
    /// finished.
    fn enter(&mut self, batch: &Batch, out: &mut dyn Write) -> io::Result<Place> {
        let number = batch.source.number();
        if !self.following && !self.places.contains_key(&number) {
            self.finish(out)?;
        }
        Ok(self
            .places
            .remove(&number)
            .unwrap_or_else(|| Place::new(Arc::clone(&batch.source))))
    }

    fn surroundings(&self) -> bool {
        self.before > 0 || self.after > 0
    }
}

impl Answer for Lines {
    fn batch(&mut self, batch: &Batch, out: &mut dyn Write) -> io::Result<()> {
        let mut place = self.enter(batch, out)?;
        if self.writer.is_selective() && batch.parser.is_none() && !batch.runs.is_empty() {
            let detect = || Arc::new(Parser::detect(&[&batch.bytes], self.now));
            place.parser.get_or_insert_with(detect);
        }
        let mut page = Page {
            lines: self,
            batch,
            place: &mut place,
            at: 0,
            number: 0,
        };
        page.number = page.place.lines + 1;
        if page.lines.surroundings() && !batch.source.is_backwards() {
            page.join();
        }
        page.write(out)?;
        place.lines += batch.lines;
        place.end = Some(batch.offset + batch.bytes.len() as u64);
        self.places.insert(batch.source.number(), place);
        Ok(())
    }

    fn printed(&mut self, batch: &Batch, printed: &Printed, out: &mut dyn Write) -> io::Result<()> {
        let mut place = self.enter(batch, out)?;
        let wanted = self.max_count - place.matched;
        let count =
            usize::try_from(wanted).map_or(batch.runs.len(), |wanted| wanted.min(batch.runs.len()));
        self.writer.begin(out)?;
        out.write_all(printed.first(count))?;
        place.matched += count as u64;
        self.matched += count as u64;
        if place.matched == self.max_count {
            place.source.stop();
        }
        self.places.insert(batch.source.number(), place);
        Ok(())
    }

    fn caught_up(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut places: Vec<_> = self.places.values_mut().collect();
        places.sort_unstable_by_key(|place| place.source.number());
        for place in places {
            let source = place.source.origin().name().as_encoded_bytes();
            let place_of_line = |line: &Owned| Where {
                name: source,
                source: place.source.number(),
                parser: line.parser.clone(),
            };
            for line in place.tail.take().into_iter().flatten() {
                let from = place_of_line(&line);
                self.writer.unit(&from, line.found, &line.bytes, out)?;
            }
        }
        // What comes from now on is new, and shown at once.
        self.tail = None;
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let tail = self.tail;
        self.caught_up(out)?;
        self.tail = tail;
        self.places.clear();
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.following && self.matched >= self.max_count
    }

    fn found(&self) -> bool {
        self.matched > 0
    }
}

/// One batch being written.
struct Page<'p, 'b> {
    lines: &'p mut Lines,
    batch: &'b Batch,
    place: &'p mut Place,
    /// Up to where the batch's bytes have been written or passed over.
    at: usize,
    /// The number of the line that begins there.
    number: u64,
}

/// A line or a record of a batch.
struct Stretch {
    /// Where it stands in the batch's bytes.
    range: Range<usize>,
    /// Where it begins in its source.
    offset: u64,
    cut: bool,
    context: bool,
    /// When the record was.
    time: Option<i64>,
}

impl<'b> Page<'_, 'b> {
    /// What of an overlong line is left out between two batches parts no neighbours: the line after
    /// it begins with this batch.
    fn join(&mut self) {
        let Some(end) = self.place.end.filter(|end| *end != self.batch.offset) else {
            return;
        };
        let next = (self.place.source.number(), end);
        if self.lines.writer.next == Some(next) {
            self.lines.writer.next = Some((next.0, self.batch.offset));
        }
        let kept = self.place.kept.back_mut().map(|line| &mut line.found);
        let tail = self.place.tail.as_mut().and_then(Tail::last_mut);
        for found in kept.into_iter().chain(tail) {
            if found.next == end {
                found.next = self.batch.offset;
            }
        }
    }

    fn write(mut self, out: &mut dyn Write) -> io::Result<()> {
        for run in &self.batch.runs {
            if self.place.matched == self.lines.max_count {
                break;
            }
            if self.lines.surroundings() {
                self.write_after(run.range.start, out)?;
                self.write_before(run.range.start, out)?;
            }
            self.write_run(run, out)?;
        }
        if self.lines.surroundings() {
            self.write_after(self.batch.bytes.len(), out)?;
            self.keep_last();
        }
        let enough = self.place.matched == self.lines.max_count && self.place.after_left == 0;
        if enough || (self.place.source.is_backwards() && self.place.has_tail()) {
            self.place.source.stop();
        }
        Ok(())
    }

    /// Writes the lines of a run, as many as are still wanted.
    fn write_run(&mut self, run: &Run, out: &mut dyn Write) -> io::Result<()> {
        self.number = self.place.lines + run.lines_before + 1;
        let wanted = self.lines.max_count - self.place.matched;
        let is_record = self.batch.parser.is_some();
        if self.lines.copies_lines() && wanted >= self.batch.matched && !run.cut {
            let lines = &self.batch.bytes[run.range.clone()];
            self.count(match is_record {
                true => 1,
                false => framing::count_lines(lines) as u64,
            });
            return self.lines.writer.copy(lines, out);
        }
        let mut start = run.range.start;
        while start < run.range.end && self.place.matched < self.lines.max_count {
            let end = match is_record {
                true => run.range.end,
                false => line_end(&self.batch.bytes[..run.range.end], start),
            };
            let offset = run.offset + (start - run.range.start) as u64;
            let stretch = Stretch {
                range: start..end,
                offset,
                cut: run.cut,
                context: false,
                time: run.time,
            };
            self.write_unit(stretch, out)?;
            self.count(1);
            start = end;
        }
        // What is left of a cut line is passed over.
        self.at = if run.cut {
            line_end(&self.batch.bytes, start)
        } else {
            start
        };
        self.place.after_left = self.lines.after;
        Ok(())
    }

    fn count(&mut self, matched: u64) {
        self.place.matched += matched;
        self.lines.matched += matched;
    }

    /// Writes lines after the last match, before `end`.
    fn write_after(&mut self, end: usize, out: &mut dyn Write) -> io::Result<()> {
        while self.place.after_left > 0 && self.at < end {
            self.place.after_left -= 1;
            self.write_context(self.at, out)?;
        }
        Ok(())
    }

    /// Writes lines before the match at `start` that have not been written.
    fn write_before(&mut self, start: usize, out: &mut dyn Write) -> io::Result<()> {
        let starts = self.last_starts(start, self.lines.before);
        let from_kept = self.lines.before - starts.len();
        let mut kept = std::mem::take(&mut self.place.kept);
        if self.at == 0 {
            drop_all_but(&mut kept, from_kept);
            for line in kept {
                self.emit(line.found, &line.bytes, line.parser, out)?;
            }
        }
        if let Some(&first) = starts.first() {
            self.number += self.count_lines(self.at, first);
        }
        for start in starts {
            self.write_context(start, out)?;
        }
        Ok(())
    }

    /// Writes the line or record that begins at `start` as context, and goes behind it.
    fn write_context(&mut self, start: usize, out: &mut dyn Write) -> io::Result<()> {
        let end = self.unit_end(start);
        self.write_unit(self.surrounding(start..end), out)?;
        self.at = end;
        Ok(())
    }

    /// Where the line that begins at `start` ends, or all lines of the record.
    fn unit_end(&self, start: usize) -> usize {
        let bytes = &self.batch.bytes;
        let mut end = line_end(bytes, start);
        while end < bytes.len() && !self.begins_unit(end) {
            end = line_end(bytes, end);
        }
        end
    }

    /// Whether the line that begins at `start` is no part of the record before it.
    fn begins_unit(&self, start: usize) -> bool {
        let end = line_end(&self.batch.bytes, start);
        let line = framing::content(&self.batch.bytes[start..end]);
        let parser = self.batch.parser.as_ref();
        parser.is_none_or(|parser| parser.begins(line))
    }

    /// Writes a line, the lines of a record, or a record as such.
    fn write_unit(&mut self, stretch: Stretch, out: &mut dyn Write) -> io::Result<()> {
        if let Some(parser) = self.record_parser(stretch.range.clone()) {
            let (found, bytes) = self.record(stretch);
            return self.emit(found, bytes, Some(parser), out);
        }
        let Stretch {
            range,
            offset,
            cut,
            context,
            ..
        } = stretch;
        let mut start = range.start;
        while start < range.end {
            let end = line_end(&self.batch.bytes[..range.end], start);
            let cut = cut && end == range.end;
            // What is left of a cut line is its own, and no gap.
            let next = match cut {
                true => line_end(&self.batch.bytes, end),
                false => end,
            };
            let place = Found {
                offset: offset + (start - range.start) as u64,
                next: offset + (next - range.start) as u64,
                number: self.next_number(),
                cut,
                context,
                continues: start > range.start,
                time: None,
            };
            self.write_line(start..end, place, out)?;
            start = end;
        }
        Ok(())
    }

    /// What reads a record, if it is printed as one.
    fn record_parser(&self, range: Range<usize>) -> Option<Arc<Parser>> {
        let parser = self.batch.parser.as_ref().or(self.place.parser.as_ref())?;
        let printer = &self.lines.writer.printer;
        let is_printed = match printer {
            None => false,
            Some(_) if self.lines.writer.is_selective() => {
                is_hard_to_read(parser, &self.batch.bytes[range])
            }
            Some(_) => true,
        };
        is_printed.then(|| Arc::clone(parser))
    }

    /// A record that is printed as one, and as much of its text as is shown; goes on with the numbers
    /// of lines.
    fn record(&mut self, stretch: Stretch) -> (Found, &'b [u8]) {
        let Stretch {
            range,
            offset,
            cut,
            context,
            time,
        } = stretch;
        let text = &self.batch.bytes[range.clone()];
        let (shown, overlong) = match context {
            true => shown(text, self.lines.line_bytes_max),
            false => (text, false),
        };
        let time = match &self.batch.parser {
            Some(_) => time,
            None => self
                .place
                .parser
                .as_ref()
                .and_then(|parser| time_of_line(parser, text, &mut self.lines.frame)),
        };
        // What is left of a record that was cut is its own, and no gap.
        let end = match cut {
            true => self.unit_end(range.start),
            false => range.end,
        };
        let found = Found {
            offset,
            next: offset + (end - range.start) as u64,
            number: self.lines.numbered.then_some(self.number),
            cut: cut || overlong,
            context,
            continues: false,
            time,
        };
        self.number += self.count_lines(range.start, range.end);
        (found, framing::content(shown))
    }

    /// A line or a record around a match.
    fn surrounding(&self, range: Range<usize>) -> Stretch {
        let times = &self.batch.times;
        let place = times.binary_search_by_key(&range.start, |(start, _)| *start);
        Stretch {
            offset: self.batch.offset + range.start as u64,
            range,
            cut: false,
            context: true,
            time: place.ok().and_then(|place| times[place].1),
        }
    }

    /// The number of the next line, if lines are numbered.
    fn next_number(&mut self) -> Option<u64> {
        self.number += 1;
        self.lines.numbered.then_some(self.number - 1)
    }

    fn write_line(
        &mut self,
        range: Range<usize>,
        found: Found,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let line = &self.batch.bytes[range];
        let (bytes, overlong) = match found.context {
            true => shown(line, self.lines.line_bytes_max),
            false => (without_newline(line), false),
        };
        let cut = found.cut || overlong;
        self.emit(Found { cut, ..found }, bytes, None, out)
    }

    fn emit(
        &mut self,
        found: Found,
        bytes: &[u8],
        parser: Option<Arc<Parser>>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if let Some(lines) = self.lines.tail {
            let before = self.lines.before;
            let tail = self
                .place
                .tail
                .get_or_insert_with(|| Tail::new(lines, before));
            tail.push(Owned {
                found,
                bytes: bytes.into(),
                parser,
            });
            return Ok(());
        }
        let from = Where {
            name: source_name(self.batch),
            source: self.place.source.number(),
            parser,
        };
        self.lines.writer.unit(&from, found, bytes, out)
    }

    /// Keeps the last lines that were not written, for a match in the next batch.
    fn keep_last(&mut self) {
        let starts = self.last_starts(self.batch.bytes.len(), self.lines.before);
        if self.at > 0 {
            self.place.kept.clear();
        }
        if let Some(&first) = starts.first() {
            self.number += self.count_lines(self.at, first);
        }
        for start in starts {
            self.keep(start);
        }
        drop_all_but(&mut self.place.kept, self.lines.before);
    }

    /// Keeps the line or record that begins at `start`.
    fn keep(&mut self, start: usize) {
        let mut at = start;
        let unit_end = self.unit_end(start);
        if let Some(parser) = self.record_parser(start..unit_end) {
            let (found, bytes) = self.record(self.surrounding(start..unit_end));
            self.place.kept.push_back(Owned {
                found,
                bytes: bytes.into(),
                parser: Some(parser),
            });
            return;
        }
        while at < unit_end {
            let end = line_end(&self.batch.bytes, at);
            let number = self.next_number();
            let line = &self.batch.bytes[at..end];
            let (bytes, cut) = shown(line, self.lines.line_bytes_max);
            let found = Found {
                offset: self.batch.offset + at as u64,
                next: self.batch.offset + end as u64,
                number,
                cut,
                context: true,
                continues: at > start,
                time: None,
            };
            let bytes = bytes.into();
            self.place.kept.push_back(Owned {
                found,
                bytes,
                parser: None,
            });
            at = end;
        }
    }

    /// Where the last lines or records before `end` begin, at most `count` of them and none already
    /// passed.
    fn last_starts(&self, end: usize, count: usize) -> Vec<usize> {
        let mut starts = Vec::new();
        let mut end = end;
        while starts.len() < count && end > self.at {
            // The newline at the end is the line's own.
            let before = &self.batch.bytes[self.at..end - 1];
            end = memrchr(b'\n', before).map_or(self.at, |newline| self.at + newline + 1);
            if end == self.at || self.begins_unit(end) {
                starts.push(end);
            }
        }
        starts.reverse();
        starts
    }

    fn count_lines(&self, from: usize, to: usize) -> u64 {
        match self.lines.numbered {
            true => framing::count_lines(&self.batch.bytes[from..to]) as u64,
            false => 0,
        }
    }
}

impl Lines {
    /// Whether runs can be copied to the output as they stand.
    fn copies_lines(&self) -> bool {
        self.writer.copies && self.tail.is_none() && !self.surroundings()
    }
}

/// As much of a line as is shown of context, and whether that is not all.
fn shown(line: &[u8], line_bytes_max: usize) -> (&[u8], bool) {
    match framing::content(line).len() > line_bytes_max {
        true => (&line[..line_bytes_max], true),
        false => (without_newline(line), false),
    }
}

fn without_newline(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// Lets go of all but the last `count` lines or records.
fn drop_all_but(kept: &mut VecDeque<Owned>, count: usize) {
    let wanted = last_units(kept.iter(), count);
    kept.drain(..kept.len() - wanted);
}

/// Where the line that begins at `start` ends, terminator included.
fn line_end(bytes: &[u8], start: usize) -> usize {
    memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |newline| start + newline + 1)
}

/// Where a line or record is from.
struct Where<'a> {
    /// The name of the source.
    name: &'a [u8],
    /// The number of the source.
    source: u64,
    /// What reads it, where it is printed as a record.
    parser: Option<Arc<Parser>>,
}

/// Writes lines or records in a format, and marks where neighbours are left out.
struct Writer {
    render: Box<dyn RenderLine>,
    /// Prints records, if they are printed as such.
    printer: Option<Arc<RecordPrinter>>,
    /// Only records that can hardly be read are printed as such.
    selective: bool,
    search: Search,
    /// What matched is to be found in each line.
    marks: bool,
    /// Neighbours that are left out are marked.
    gaps: bool,
    /// A line is written as it stands.
    copies: bool,
    /// Where the line after the last written one begins, and in which source.
    next: Option<(u64, u64)>,
    /// Something has been written.
    begun: bool,
    /// Memory for a record.
    text: Vec<u8>,
}

impl Writer {
    fn new(config: &Config, search: Search, printer: Option<Arc<RecordPrinter>>) -> Self {
        let selective = config.output.format == Format::Readable;
        let printer = match selective {
            true => Some(RecordPrinter::pretty(config, &search)),
            false => printer,
        };
        Self {
            render: config.output.lines(),
            printer,
            selective,
            search,
            marks: config.output.color || config.output.only_matching,
            gaps: config.before > 0 || config.after > 0,
            copies: config.output.copies_lines(),
            next: None,
            begun: false,
            text: Vec::new(),
        }
    }

    /// Whether some units are printed as records, and others as lines.
    fn is_selective(&self) -> bool {
        self.selective
    }

    /// Writes a line, or a record.
    fn unit(
        &mut self,
        from: &Where<'_>,
        found: Found,
        bytes: &[u8],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match (&from.parser, &self.printer) {
            (Some(parser), Some(printer)) => {
                let printer = Arc::clone(printer);
                self.record(&printer, parser, from, found, bytes, out)
            }
            _ => self.line(from, found, bytes, out),
        }
    }

    /// Whether something is left out before a unit.
    fn is_gap(&mut self, from: &Where<'_>, found: Found) -> bool {
        let expected = self.next.replace((from.source, found.next));
        self.gaps && expected.is_some_and(|next| next != (from.source, found.offset))
    }

    fn line(
        &mut self,
        from: &Where<'_>,
        found: Found,
        bytes: &[u8],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if self.is_gap(from, found) {
            self.render.gap(out)?;
        }
        let spans = match self.marks && !found.context {
            true => self.search.spans(framing::content(bytes)),
            false => Vec::new(),
        };
        let line = Line {
            source: from.name,
            offset: found.offset,
            number: found.number,
            bytes,
            cut: found.cut,
            context: found.context,
            spans: &spans,
        };
        self.render.line(&line, out)
    }

    /// Writes what stands before the first record.
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let Some(printer) = self.printer.as_ref().filter(|_| !self.begun) else {
            return Ok(());
        };
        self.begun = true;
        let mut head = Vec::new();
        printer.print_head(&mut head);
        out.write_all(&head)
    }

    fn record(
        &mut self,
        printer: &RecordPrinter,
        parser: &Parser,
        from: &Where<'_>,
        found: Found,
        bytes: &[u8],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        self.begin(out)?;
        let is_gap = self.is_gap(from, found);
        self.text.clear();
        if is_gap {
            printer.print_gap(&mut self.text);
        }
        let unit = Unit {
            source: from.name,
            offset: found.offset,
            number: found.number,
            text: bytes,
            cut: found.cut,
            context: found.context,
            time: found.time,
        };
        printer.print_one(&unit, parser, &mut self.text);
        out.write_all(&self.text)
    }

    /// Writes whole lines as they stand.
    fn copy(&mut self, lines: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(lines)?;
        if lines.ends_with(b"\n") {
            Ok(())
        } else {
            out.write_all(b"\n")
        }
    }
}
