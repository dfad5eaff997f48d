//! Windows over event time: which records are in which, and what their rows are when they close.
//!
//! Which windows a time belongs to, and when they close, is told by [`birl_stream::window`]. Here
//! records are handed to them: of a query whose groups can be folded, a window keeps the states of
//! its groups; of any other, its records, over which the query runs when it closes.

use std::cell::Cell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use birl_stream::window::{OpenSessions, OpenWindows, Placed, Watermark, Window, Windows};
use datafusion::arrow::array::{RecordBatch, UInt32Array};
use datafusion::arrow::compute::take_record_batch;
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::saved::Tables;
use super::{LivePlan, TICK, Watches};
use crate::snapshots::States;

/// So far a time may be ahead of the clock and still say how far time has come.
const AHEAD_MAX: i64 = 60_000_000_000;

/// Rows are folded when there are so many, or in so many pieces.
const ROWS_MAX: usize = 8192;
const PIECES_MAX: usize = 256;
/// So many rows of all windows together.
const WAITING_MAX: usize = 4 * ROWS_MAX;

/// Of more windows in a row in which nothing was, none is told: a clock that is wrong by years would
/// make millions.
const EMPTY_MAX: i64 = 10_000;

/// Which windows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Windows of one size that follow each other; one begins each `slide`, which is not longer.
    Windows {
        /// How long each is.
        size: Duration,
        /// How far each lies behind the one before.
        slide: Duration,
    },
    /// Windows that last as long as records come with less than this between them.
    Sessions {
        /// How long nothing comes before one has ended.
        gap: Duration,
        /// Whether each group of the query has sessions of its own, which other groups do not
        /// prolong; times among what it groups by (bins) tell no groups apart. A query without groups
        /// has sessions of all its records.
        of_groups: bool,
    },
}

/// When windows close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// How much older than the newest record of its source a record may be, and still be counted.
    pub lateness: Duration,
    /// When nothing has come of a source for so long, it is not waited for.
    pub idle: Duration,
}

impl Default for Closing {
    fn default() -> Self {
        Self {
            lateness: Duration::from_secs(5),
            idle: Duration::from_secs(10),
        }
    }
}

/// How many records were not in all of their windows, or ahead of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct WindowCounts {
    /// The records that are in no window, for all of theirs had closed.
    pub late: u64,
    /// The records that are in some of their windows only, for others had closed.
    pub partly_late: u64,
    /// The records whose time is more than a minute ahead of the clock. They are in their windows,
    /// but do not close any.
    pub ahead: u64,
}

/// A window that has closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// The numbers of what it holds: none of a window in which nothing was, several of a session that
    /// has grown together.
    pub(crate) contents: Vec<u64>,
}

/// What tells a group from others.
pub(crate) type Key = Box<[u8]>;

/// What became of records.
#[derive(Debug, Default)]
pub(crate) struct Added {
    /// The places of those that are in each content.
    pub(crate) contents: HashMap<u64, Vec<u32>>,
    /// The places of those that are in no window.
    pub(crate) late: Vec<u32>,
    /// When each of them is taken to have been.
    pub(crate) times: Vec<i64>,
}

/// Windows that are open. What is in one is called by a number.
#[derive(Debug)]
pub(crate) struct Open {
    windows: Kind,
    /// The number of the next content.
    next: u64,
    clock: Clock,
    /// Of windows that are told though nothing was in them: where the next one begins.
    empties: Option<Empties>,
    pub(crate) counts: WindowCounts,
}

#[derive(Debug)]
enum Kind {
    Windows(OpenWindows<(), u64>),
    /// By what tells groups apart: nothing where sessions are of all records.
    Sessions(OpenSessions<Key, Vec<u64>>),
}

#[derive(Debug)]
struct Empties {
    length: i64,
    next: Option<i64>,
}

/// How far event time has come.
#[derive(Debug)]
struct Clock {
    watermark: Watermark,
    lateness: i64,
    idle: Duration,
    /// The number of the input of each source, and the newest time of it.
    sources: HashMap<u64, Source>,
    /// Whether sources are read as they grow, so that time goes on by itself.
    is_live: bool,
    /// Whether windows may close; not before all sources that there are have been begun.
    closes: bool,
}

#[derive(Debug)]
struct Source {
    input: usize,
    /// The time of its last record, and the newest.
    last: Option<i64>,
    newest: Option<i64>,
    heard: Instant,
    is_idle: bool,
}

/// Open windows as they are kept.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct SavedOpen {
    next: u64,
    /// How far time has come.
    mark: Option<i64>,
    sources: Vec<SavedSource>,
    windows: Vec<SavedWindow>,
    /// Where the next window begins that is told though nothing was in it.
    empty: Option<i64>,
    counts: WindowCounts,
}

#[derive(Debug, Deserialize, Serialize)]
struct SavedSource {
    number: u64,
    last: Option<i64>,
    newest: Option<i64>,
    is_idle: bool,
}

#[derive(Debug, Deserialize, Serialize)]
struct SavedWindow {
    start: i64,
    end: i64,
    /// When the latest record of a session was.
    last: i64,
    count: u64,
    contents: Vec<u64>,
    /// What tells the group of a session from others, where it has a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Key>,
}

/// What a window holds.
#[derive(Debug)]
pub(crate) struct Content {
    /// The states of its groups, where there are such.
    pub(crate) states: Option<States>,
    /// Rows that are not folded, or that cannot be.
    pub(crate) rows: Vec<RecordBatch>,
    /// How many of them wait to be folded.
    count: usize,
    reservation: MemoryReservation,
}

impl Open {
    pub(crate) fn new(
        over: Over,
        origin: i64,
        closing: Closing,
        is_live: bool,
        closes: bool,
    ) -> Self {
        let windows = match over {
            Over::Windows { size, slide } => Kind::Windows(OpenWindows::new(
                Windows::sliding(size, slide).origin(origin),
            )),
            Over::Sessions { gap, .. } => Kind::Sessions(OpenSessions::new(gap)),
        };
        Self {
            windows,
            next: 0,
            clock: Clock {
                watermark: Watermark::new(0, closing.lateness),
                lateness: nanoseconds(closing.lateness),
                idle: closing.idle,
                sources: HashMap::new(),
                is_live,
                closes,
            },
            empties: None,
            counts: WindowCounts::default(),
        }
    }

    /// From now on, windows are told in which nothing was, between others.
    pub(crate) fn with_empty(mut self, length: Duration) -> Self {
        self.empties = Some(Empties {
            length: nanoseconds(length),
            next: None,
        });
        self
    }

    /// What is open, to go on with it elsewhere.
    pub(crate) fn saved(&self) -> SavedOpen {
        let saved = |start, end, last, count, contents: &[u64]| SavedWindow {
            start,
            end,
            last,
            count,
            contents: contents.to_vec(),
            key: None,
        };
        let windows = match &self.windows {
            Kind::Windows(windows) => windows
                .kept()
                .map(|it| saved(it.start, it.end, it.end, it.count, &[*it.value]))
                .collect(),
            Kind::Sessions(sessions) => sessions
                .iter()
                .map(|(it, last)| SavedWindow {
                    key: (!it.key.is_empty()).then(|| it.key.clone()),
                    ..saved(it.start, it.end, last, it.count, it.value)
                })
                .collect(),
        };
        let mut sources: Vec<_> = self.clock.sources.iter().collect();
        // As they joined.
        sources.sort_unstable_by_key(|(_, source)| source.input);
        let sources = sources.into_iter().map(|(number, source)| SavedSource {
            number: *number,
            last: source.last,
            newest: source.newest,
            is_idle: source.is_idle,
        });
        SavedOpen {
            next: self.next,
            mark: self.clock.watermark.get(),
            sources: sources.collect(),
            windows,
            empty: self.empties.as_ref().and_then(|empties| empties.next),
            counts: self.counts,
        }
    }

    /// Goes on with what was open elsewhere. What has come of sources closes windows again when all that
    /// there was has been read.
    pub(crate) fn restore(&mut self, saved: SavedOpen) {
        self.next = saved.next;
        self.counts = saved.counts;
        for window in saved.windows {
            let SavedWindow {
                start,
                end,
                last,
                count,
                ..
            } = window;
            let mut contents = window.contents;
            match &mut self.windows {
                Kind::Windows(windows) => windows.reopen(Window {
                    start,
                    end,
                    count,
                    key: (),
                    value: contents.pop().unwrap_or_default(),
                }),
                Kind::Sessions(sessions) => {
                    let window = Window {
                        start,
                        end,
                        count,
                        key: window.key.unwrap_or_default(),
                        value: contents,
                    };
                    sessions.reopen(window, last.max(start));
                }
            }
        }
        // What has closed stays closed.
        if let Some(mark) = saved.mark {
            match &mut self.windows {
                Kind::Windows(windows) => windows.advance(mark),
                Kind::Sessions(sessions) => sessions.advance(mark),
            }
        }
        if let Some(empties) = &mut self.empties {
            empties.next = saved.empty;
        }
        self.clock.restore(saved.sources, saved.mark);
    }

    /// From now on, windows close.
    pub(crate) fn catch_up(&mut self) {
        self.clock.begin();
        self.advance();
    }

    /// Puts records of a source into their windows, by when they were; `now` is what the clock shows.
    pub(crate) fn add(&mut self, source: u64, times: &[Option<i64>], now: i64) -> Added {
        self.add_keyed(source, times, now, |_| Some(Key::default()))
    }

    /// The same, where `key` tells of each row which group's sessions it is in; where it is in none, it
    /// says how far time has come all the same.
    pub(crate) fn add_keyed(
        &mut self,
        source: u64,
        times: &[Option<i64>],
        now: i64,
        mut key: impl FnMut(u32) -> Option<Key>,
    ) -> Added {
        let mut added = Added::default();
        for (row, time) in (0..).zip(times) {
            let time = self.clock.time_of(source, *time, now);
            added.times.push(time);
            let placed = key(row).map(|key| self.place(key, time, row, &mut added.contents));
            match placed.unwrap_or(Placed::Whole) {
                Placed::Whole => {}
                Placed::Partly => self.counts.partly_late += 1,
                Placed::Late => {
                    self.counts.late += 1;
                    added.late.push(row);
                }
            }
            match time > now.saturating_add(AHEAD_MAX) {
                true => self.counts.ahead += 1,
                false => self.clock.observe(source, time),
            }
            self.advance();
        }
        added
    }

    /// Nothing more comes of a source.
    pub(crate) fn end(&mut self, source: u64) {
        self.clock.end(source);
        self.advance();
    }

    fn place(
        &mut self,
        key: Key,
        time: i64,
        row: u32,
        placed: &mut HashMap<u64, Vec<u32>>,
    ) -> Placed {
        let next = Cell::new(self.next);
        let new = || next.replace(next.get() + 1);
        let place = match &mut self.windows {
            Kind::Windows(windows) => windows.add((), time, new, |content| {
                placed.entry(*content).or_default().push(row);
            }),
            Kind::Sessions(sessions) => sessions.add(
                key,
                time,
                || vec![new()],
                |contents| placed.entry(contents[0]).or_default().push(row),
                |contents, later| contents.extend(later),
            ),
        };
        self.next = next.get();
        place
    }

    /// Takes note of how time goes on while nothing comes; `now` is what the clock shows.
    pub(crate) fn tick(&mut self, now: i64) {
        self.clock.tick(now);
        self.advance();
    }

    /// There are no more records: all windows close.
    pub(crate) fn finish(&mut self) {
        match &mut self.windows {
            Kind::Windows(windows) => windows.finish(),
            Kind::Sessions(sessions) => sessions.finish(),
        }
        self.clock.closes = false;
    }

    /// How far time has come, if windows close by that.
    pub(crate) fn mark(&self) -> Option<i64> {
        self.clock.mark()
    }

    /// The windows that are open, each with the number of what it holds, in the order in which they
    /// close. Of sessions it is not known when they end.
    fn spans(&self) -> Vec<(i64, i64, u64)> {
        match &self.windows {
            Kind::Windows(windows) => windows
                .iter()
                .map(|(span, (), content)| (span.start, span.end, *content))
                .collect(),
            Kind::Sessions(_) => Vec::new(),
        }
    }

    fn advance(&mut self) {
        let Some(mark) = self.clock.mark() else {
            return;
        };
        match &mut self.windows {
            Kind::Windows(windows) => windows.advance(mark),
            Kind::Sessions(sessions) => sessions.advance(mark),
        }
    }

    /// The next window that has closed.
    pub(crate) fn pop(&mut self, ready: &mut VecDeque<Closed>) {
        loop {
            let window = match &mut self.windows {
                Kind::Windows(windows) => windows
                    .pop()
                    .map(|window| (window.start, window.end, vec![window.value])),
                Kind::Sessions(sessions) => sessions
                    .pop()
                    .map(|window| (window.start, window.end, window.value)),
            };
            let Some((start, end, contents)) = window else {
                break;
            };
            if let Some(empties) = &mut self.empties {
                empties.until(start, ready);
                empties.next = Some(end);
            }
            ready.push_back(Closed {
                start,
                end,
                contents,
            });
        }
        if let (Some(empties), Some(mark)) = (&mut self.empties, self.clock.mark()) {
            // All windows that end by then have closed.
            empties.until(mark, ready);
        }
    }
}

impl Empties {
    /// Tells the windows that end by `end` and in which nothing was.
    fn until(&mut self, end: i64, ready: &mut VecDeque<Closed>) {
        let Some(next) = self.next else {
            return;
        };
        let count = end.saturating_sub(next) / self.length;
        if count <= 0 {
            return;
        }
        if count <= EMPTY_MAX {
            ready.extend((0..count).map(|index| Closed {
                start: next + index * self.length,
                end: next + (index + 1) * self.length,
                contents: Vec::new(),
            }));
        }
        self.next = Some(next + count * self.length);
    }
}

impl Clock {
    fn restore(&mut self, sources: Vec<SavedSource>, mark: Option<i64>) {
        for saved in sources {
            let source = Source {
                input: self.watermark.add_input(),
                last: saved.last,
                newest: saved.newest,
                heard: Instant::now(),
                is_idle: saved.is_idle,
            };
            self.sources.insert(saved.number, source);
        }
        if let Some(mark) = mark {
            self.watermark.advance(mark);
        }
        // Even one that was idle may have written since.
        self.closes = false;
    }

    /// When a record was: one that does not say it comes right behind the one before.
    fn time_of(&mut self, source: u64, time: Option<i64>, now: i64) -> i64 {
        let watermark = &mut self.watermark;
        let source = self.sources.entry(source).or_insert_with(|| Source {
            input: watermark.add_input(),
            last: None,
            newest: None,
            heard: Instant::now(),
            is_idle: false,
        });
        let time = time.or(source.last).unwrap_or(now);
        source.last = Some(time);
        time
    }

    fn observe(&mut self, source: u64, time: i64) {
        let Some(source) = self.sources.get_mut(&source) else {
            return;
        };
        source.heard = Instant::now();
        source.newest = source.newest.max(Some(time));
        if self.closes {
            source.is_idle = false;
            self.watermark.observe(source.input, time);
        }
    }

    /// From now on, windows may close: by how far each source has come.
    fn begin(&mut self) {
        self.closes = true;
        let now = Instant::now();
        for source in self.sources.values_mut() {
            source.heard = now;
            if let Some(newest) = source.newest {
                self.watermark.observe(source.input, newest);
            }
            if source.is_idle {
                self.watermark.set_idle(source.input);
            }
        }
    }

    /// Nothing more comes of a source.
    fn end(&mut self, source: u64) {
        if let Some(source) = self.sources.get_mut(&source) {
            source.is_idle = true;
            self.watermark.set_idle(source.input);
        }
    }

    fn tick(&mut self, now: i64) {
        if !self.is_live || !self.closes || self.sources.is_empty() {
            return;
        }
        for source in self.sources.values_mut() {
            if !source.is_idle && source.heard.elapsed() >= self.idle {
                source.is_idle = true;
                self.watermark.set_idle(source.input);
            }
        }
        // One that has ended is not waited for by others, but what follows it, as a file does that was
        // rotated, may still be on its way.
        let is_quiet = |it: &Source| it.is_idle && it.heard.elapsed() >= self.idle;
        if self.sources.values().all(is_quiet) {
            self.watermark.advance(now.saturating_sub(self.lateness));
        }
    }

    /// How far time has come, if windows close by that.
    fn mark(&self) -> Option<i64> {
        self.watermark.get().filter(|_| self.closes)
    }
}

/// What open windows hold, by its number.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    of: HashMap<u64, Content>,
    /// How many rows have come since all were folded.
    waiting: usize,
}

impl Contents {
    /// Adds rows, each to its contents.
    pub(crate) async fn add(
        &mut self,
        batch: &RecordBatch,
        added: HashMap<u64, Vec<u32>>,
        plan: &LivePlan,
        context: &Arc<TaskContext>,
    ) -> Result<()> {
        for (number, rows) in added {
            self.waiting += rows.len();
            let part = match rows.len() == batch.num_rows() {
                true => batch.clone(),
                false => take_record_batch(batch, &UInt32Array::from(rows))?,
            };
            let content = self.of.entry(number);
            let content = content.or_insert_with(|| Content::new(plan, context));
            content.push(part, plan, context).await?;
        }
        if self.waiting > WAITING_MAX {
            // Rows hold the chunks that they came in.
            self.waiting = 0;
            for content in self.of.values_mut().filter(|it| it.count > 0) {
                content.fold(plan, context).await?;
            }
        }
        Ok(())
    }

    /// The numbers of all there are.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &u64> {
        self.of.keys()
    }

    /// What an open window holds.
    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Content> {
        self.of.get_mut(&number)
    }

    /// What there is, each with its number: states as few as they can be, or rows.
    pub(crate) async fn saved(
        &mut self,
        tables: &mut Tables,
        plan: &LivePlan,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<(u64, usize)>> {
        self.waiting = 0;
        let mut saved = Vec::new();
        for (number, content) in &mut self.of {
            content.fold(plan, context).await?;
            let rows = match (&mut content.states, &plan.folded) {
                (Some(states), Some(folded)) => states.saved(folded, context).await?,
                _ => content.rows.clone(),
            };
            saved.push((*number, tables.add(rows)));
        }
        Ok(saved)
    }

    /// Goes on with what was there elsewhere.
    pub(crate) fn restore(
        &mut self,
        saved: Vec<(u64, usize)>,
        tables: &mut Tables,
        plan: &LivePlan,
        context: &Arc<TaskContext>,
    ) -> Result<()> {
        for (number, table) in saved {
            let rows = tables.take(table);
            let mut content = Content::new(plan, context);
            match &mut content.states {
                Some(states) => *states = States::restored(rows, context)?,
                None => {
                    let bytes = rows.iter().map(RecordBatch::get_array_memory_size).sum();
                    content.reservation.try_grow(bytes)?;
                    content.rows = rows;
                }
            }
            self.of.insert(number, content);
        }
        Ok(())
    }

    /// Takes out what a window that has closed holds.
    pub(crate) fn take(&mut self, numbers: &[u64]) -> Vec<Content> {
        let contents = numbers.iter().filter_map(|number| self.of.remove(number));
        contents.collect()
    }
}

/// What has changed since it was told last, where windows are watched before they close.
#[derive(Debug)]
pub(crate) struct Changed {
    watches: Option<Watches>,
    /// The numbers of what open windows hold and was added to.
    contents: HashSet<u64>,
    /// When rows were told last.
    told: Option<Instant>,
    time: Option<i64>,
}

impl Changed {
    pub(crate) fn new(watches: Option<Watches>) -> Self {
        Self {
            watches,
            contents: HashSet::new(),
            told: None,
            time: None,
        }
    }

    fn every(&self) -> Option<Duration> {
        self.watches.and_then(|watches| watches.rows_every)
    }

    /// How often it is to be looked whether something is due.
    pub(crate) fn tick(&self) -> Duration {
        let every = self
            .every()
            .map(|every| every.max(Duration::from_millis(1)));
        every.map_or(TICK, |every| every.min(TICK))
    }

    /// Something was added to these.
    pub(crate) fn note<'n>(&mut self, contents: impl Iterator<Item = &'n u64>) {
        if self.every().is_some() {
            self.contents.extend(contents);
        }
    }

    /// How far time has come, if it is to be told and has gone on.
    pub(crate) fn time(&mut self, mark: Option<i64>) -> Option<i64> {
        let time = mark.filter(|_| self.watches.is_some())?;
        let has_gone_on = self.time.is_none_or(|before| before < time);
        self.time = Some(time);
        has_gone_on.then_some(time)
    }

    /// The windows whose rows are to be told now, with the numbers of what they hold.
    pub(crate) fn due(&mut self, open: &Open) -> Vec<(i64, i64, u64)> {
        let Some(every) = self.every().filter(|_| !self.contents.is_empty()) else {
            return Vec::new();
        };
        if self.told.is_some_and(|told| told.elapsed() < every) {
            return Vec::new();
        }
        self.told = Some(Instant::now());
        let changed = std::mem::take(&mut self.contents);
        let mut spans = open.spans();
        spans.retain(|(_, _, content)| changed.contains(content));
        spans
    }
}

impl Content {
    fn new(plan: &LivePlan, context: &Arc<TaskContext>) -> Self {
        let consumer = MemoryConsumer::new("the records of open windows");
        Self {
            states: plan.folded.is_some().then(|| States::without_end(context)),
            rows: Vec::new(),
            count: 0,
            reservation: consumer.register(context.memory_pool()),
        }
    }

    async fn push(
        &mut self,
        rows: RecordBatch,
        plan: &LivePlan,
        context: &Arc<TaskContext>,
    ) -> Result<()> {
        match self.states {
            Some(_) => {
                self.count += rows.num_rows();
                self.rows.push(rows);
                if self.count >= ROWS_MAX || self.rows.len() >= PIECES_MAX {
                    self.fold(plan, context).await?;
                }
            }
            None => {
                let rows = birl_record::columns::compacted(&rows);
                self.reservation.try_grow(rows.get_array_memory_size())?;
                self.rows.push(rows);
            }
        }
        Ok(())
    }

    /// Makes states of the rows that are left.
    pub(crate) async fn fold(&mut self, plan: &LivePlan, context: &Arc<TaskContext>) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        if let (Some(states), Some(folded)) = (&mut self.states, &plan.folded) {
            self.count = 0;
            plan.put(std::mem::take(&mut self.rows))?;
            let slice = folded.fold(context).await?;
            states.push(slice, folded, context).await?;
        }
        Ok(())
    }
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
