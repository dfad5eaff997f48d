//! Records as they are printed.

use std::collections::VecDeque;
use std::mem;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use birl_record::format::{Parser, Reader};
use birl_record::framing;
use birl_record::record::Record;
use birl_record::search::Search;
use birl_record::time::Frame;
use birl_render::{Columns, Csv, CsvOptions, Entry, Marks, RenderRecord};
use birl_scan::{Batch, Event, Options};
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use birl_stream::FlowExt;
use futures::stream::{self, BoxStream, Fuse};
use futures::{Stream, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::source_name;
use crate::config::{Config, Records};

/// So many records that are found first tell which columns CSV has.
const FIRST_RECORDS: usize = 1000;

/// They are waited for no longer than so after the first of them.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Prints records. Several threads may share one.
pub(crate) struct RecordPrinter {
    /// What prints them, once it is known which columns there are.
    render: OnceLock<Arc<dyn RenderRecord>>,
    /// The CSV whose columns are not known yet.
    pending: Mutex<Option<(Columns, CsvOptions)>>,
    /// The CSV that `render` is, if it is one.
    csv: OnceLock<Arc<Csv>>,
    /// Finds what is to be marked.
    marks: Option<Search>,
    /// What has been written, to be printed into again.
    spare: Arc<Mutex<Vec<Pages>>>,
}

/// The records of a batch as they are printed.
pub(crate) struct Printed {
    pages: Pages,
    /// Where the pages go when they have been written.
    spare: Arc<Mutex<Vec<Pages>>>,
}

/// Records as they are printed.
#[derive(Default)]
struct Pages {
    /// One behind the other.
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

/// So many pages are kept: a few for each thread of a usual machine.
const SPARE_MAX: usize = 32;

/// Pages that are longer are not kept; those of a usual batch are a few megabytes.
const SPARE_BYTES_MAX: usize = 8 << 20;

impl Drop for Printed {
    // Memory that comes fresh from the system costs about as much as to print into it.
    fn drop(&mut self) {
        let mut pages = mem::take(&mut self.pages);
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_MAX && pages.bytes.capacity() <= SPARE_BYTES_MAX {
            pages.bytes.clear();
            pages.ends.clear();
            spare.push(pages);
        }
    }
}

impl Printed {
    /// The first `count` records.
    pub(super) fn first(&self, count: usize) -> &[u8] {
        let end = match count {
            0 => 0,
            count => self.pages.ends[count - 1],
        };
        &self.pages.bytes[..end]
    }
}

/// A record that is to be printed, but for what its text says.
pub(super) struct Unit<'a> {
    pub(super) source: &'a [u8],
    pub(super) offset: u64,
    pub(super) number: Option<u64>,
    /// Its text, without the last terminator.
    pub(super) text: &'a [u8],
    pub(super) cut: bool,
    pub(super) context: bool,
    /// When it was, if that is known already.
    pub(super) time: Option<i64>,
}

impl RecordPrinter {
    /// What prints the records that `search` finds, if records are what is printed.
    pub(crate) fn new(config: &Config, search: &Search) -> Option<Arc<Self>> {
        let records = config.output.records()?;
        let printer = Self {
            render: OnceLock::new(),
            pending: Mutex::new(None),
            csv: OnceLock::new(),
            marks: config.output.color.then(|| search.clone()),
            spare: Arc::default(),
        };
        match records {
            Records::Known(render) => _ = printer.render.set(render),
            Records::Csv(columns, options) => {
                printer
                    .pending
                    .lock()
                    .expect("it is new")
                    .replace((columns, options));
            }
        }
        Some(Arc::new(printer))
    }

    /// What prints records for people that can hardly be read as they are.
    pub(super) fn pretty(config: &Config, search: &Search) -> Arc<Self> {
        let render: Arc<dyn RenderRecord> = Arc::new(config.output.pretty());
        Arc::new(Self {
            render: OnceLock::from(render),
            pending: Mutex::new(None),
            csv: OnceLock::new(),
            marks: config.output.color.then(|| search.clone()),
            spare: Arc::default(),
        })
    }

    /// Lets some records tell which columns there are, where that is open: of each file some that
    /// match.
    ///
    /// It reads files, so it blocks.
    pub(crate) fn sample(
        &self,
        names: Vec<Name>,
        walk: WalkOptions,
        search: &Search,
        options: &Options,
    ) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((columns, _)) = pending.as_mut() else {
            return;
        };
        birl_scan::sample(names, walk, search, options, |parser, text| {
            let text = framing::content(text);
            let record = parser.parse(text);
            // When it was does not matter, but whether that can be read.
            let reading = record.timestamp.and_then(|time| parser.reading(time));
            let unit = Unit {
                source: b"",
                offset: 0,
                number: None,
                text,
                cut: false,
                context: false,
                time: reading.map(|_| 0),
            };
            columns.add(&entry(&unit, &record, self.marks().as_ref()));
        });
    }

    /// Prints the records of all batches ahead of the answer, several batches at once.
    pub(crate) fn print_all(
        self: Arc<Self>,
        events: BoxStream<'static, Event>,
        threads: usize,
    ) -> impl Stream<Item = (Event, Option<Printed>)> + Send {
        let events = Arc::clone(&self).with_columns(events);
        events.par_map_blocking(threads, move |event| {
            let printed = match &event {
                Event::Batch(batch) => self.print(batch),
                _ => None,
            };
            (event, printed)
        })
    }

    /// The same events. Where it is still open which columns there are, the first records are held
    /// back until they have told.
    pub(crate) fn with_columns(
        self: Arc<Self>,
        events: BoxStream<'static, Event>,
    ) -> BoxStream<'static, Event> {
        let pending = self
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some((columns, options)) = pending else {
            return events;
        };
        let opening = Opening {
            printer: self,
            columns: Some((columns, options)),
            events: events.fuse(),
            held: VecDeque::new(),
        };
        stream::unfold(opening, async |mut opening| {
            let event = opening.next().await?;
            Some((event, opening))
        })
        .boxed()
    }

    fn fix_columns(&self, columns: Columns, options: CsvOptions) {
        let csv = Arc::new(Csv::new(columns, options));
        let _ = self.csv.set(Arc::clone(&csv));
        let _ = self.render.set(csv);
    }

    fn render(&self) -> &dyn RenderRecord {
        &**self
            .render
            .get()
            .expect("columns are fixed before a record is printed")
    }

    /// Prints the records of a batch that matched.
    fn print(&self, batch: &Batch) -> Option<Printed> {
        if batch.runs.is_empty() || batch.parser.is_none() {
            return None;
        }
        let render = self.render();
        // What is printed is about as long as what is read.
        let text: usize = batch.runs.iter().map(|run| run.range.len()).sum();
        let mut pages = self.spare_pages();
        pages.bytes.reserve(text + text / 4);
        pages.ends.reserve(batch.runs.len());
        self.each_entry(batch, |entry| {
            render.record(entry, &mut pages.bytes);
            pages.ends.push(pages.bytes.len());
        });
        Some(Printed {
            pages,
            spare: Arc::clone(&self.spare),
        })
    }

    fn spare_pages(&self) -> Pages {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.pop().unwrap_or_default()
    }

    /// Calls `each` with the records of a batch that matched.
    fn each_entry(&self, batch: &Batch, mut each: impl FnMut(&Entry<'_>)) {
        let Some(parser) = &batch.parser else {
            return;
        };
        let mut reader = Reader::new(parser);
        let mut record = Record::default();
        let mut chronology = batch.chronology.clone();
        let marks = self.marks();
        for run in &batch.runs {
            let text = framing::content(&batch.bytes[run.range.clone()]);
            reader.read_into(text, &mut record);
            let time = match &mut chronology {
                Some(chronology) => record
                    .timestamp
                    .and_then(|timestamp| parser.reading(timestamp))
                    .and_then(|reading| chronology.instant_alone(reading)),
                None => run.time,
            };
            let unit = Unit {
                source: source_name(batch),
                offset: run.offset,
                number: None,
                text,
                cut: run.cut,
                context: false,
                time,
            };
            each(&entry(&unit, &record, marks.as_ref()));
        }
    }

    /// Prints one record.
    pub(super) fn print_one(&self, unit: &Unit<'_>, parser: &Parser, out: &mut Vec<u8>) {
        let record = parser.parse(unit.text);
        let marks = self.marks();
        let entry = entry(unit, &record, marks.as_ref());
        self.render().record(&entry, out);
    }

    /// Prints what stands before all records.
    pub(super) fn print_head(&self, out: &mut Vec<u8>) {
        self.render().head(out);
    }

    /// Prints what stands between records that are not neighbours.
    pub(super) fn print_gap(&self, out: &mut Vec<u8>) {
        self.render().gap(out);
    }

    fn marks(&self) -> Option<impl Fn(&[u8]) -> Vec<Range<usize>>> {
        self.marks
            .as_ref()
            .map(|search| |text: &[u8]| search.spans(text))
    }

    /// The fields that were left out since there is no column for them, and how often.
    pub(crate) fn left_out(&self) -> Vec<(String, u64)> {
        self.csv.get().map_or_else(Vec::new, |csv| csv.left_out())
    }
}

/// Events of which the first records tell which columns CSV has.
struct Opening {
    printer: Arc<RecordPrinter>,
    /// The columns, as long as they are open.
    columns: Option<(Columns, CsvOptions)>,
    events: Fuse<BoxStream<'static, Event>>,
    /// What is to be given before further events.
    held: VecDeque<Event>,
}

impl Opening {
    async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.held.pop_front() {
            return Some(event);
        }
        let event = self.events.next().await?;
        if count_records(&event) > 0
            && let Some((columns, options)) = self.columns.take()
        {
            let columns = self.gather(event, columns).await;
            self.printer.fix_columns(columns, options);
            return self.held.pop_front();
        }
        Some(event)
    }

    /// Takes the first records, beginning with those of `event`, and holds them.
    async fn gather(&mut self, event: Event, mut columns: Columns) -> Columns {
        let until = Instant::now() + FIRST_WAIT;
        let mut records = 0;
        let mut next = Some(event);
        while let Some(event) = next {
            if let Event::Batch(batch) = &event {
                self.printer.each_entry(batch, |entry| {
                    if records < FIRST_RECORDS {
                        columns.add(entry);
                    }
                    records += 1;
                });
            }
            let is_enough = records >= FIRST_RECORDS || matches!(event, Event::CaughtUp);
            self.held.push_back(event);
            if is_enough {
                break;
            }
            next = timeout_at(until, self.events.next()).await.ok().flatten();
        }
        columns
    }
}

fn count_records(event: &Event) -> usize {
    match event {
        Event::Batch(batch) => batch.runs.len(),
        _ => 0,
    }
}

fn entry<'a>(
    unit: &Unit<'a>,
    record: &'a Record<'a>,
    marks: Option<&'a impl Fn(&[u8]) -> Vec<Range<usize>>>,
) -> Entry<'a> {
    Entry {
        source: unit.source,
        offset: unit.offset,
        number: unit.number,
        line: unit.text,
        record,
        time: unit.time,
        cut: unit.cut,
        context: unit.context,
        marks: marks.map(|marks| marks as &Marks<'_>),
    }
}

/// When a line was, where lines are searched and it says its whole date.
pub(super) fn time_of_line(parser: &Parser, text: &[u8], frame: &mut Frame) -> Option<i64> {
    frame.instant(parser.reading(parser.parse(text).timestamp?)?)
}
