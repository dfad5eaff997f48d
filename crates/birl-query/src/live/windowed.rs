//! Answers over windows: the rows of each, when it closes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use birl_scan::Event;
use birl_source::walk::{Found, Walk};
use birl_stream::try_stream;
use datafusion::arrow::array::{ArrayRef, RecordBatch, TimestampNanosecondArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::TaskContext;
use futures::Stream;
use tokio::time::{MissedTickBehavior, interval};

use super::intake::{Rows, Taken};
use super::saved::{Head, State, Tables};
use super::sessions::Sessions;
use super::window::{Added, Changed, Content, Contents, Open, Over};
use super::{Came, Given, LivePlan, steps};
use crate::answer::Answer;
use crate::pipe::Chart;
use crate::scan::Told;
use crate::{Error, gaps};

/// The windows of a query.
#[derive(Clone, Debug)]
pub(crate) struct Windowing {
    pub(super) over: Over,
    /// Where one of them begins.
    origin: i64,
    /// Whether they were asked for, and are not bins of the query.
    pub(crate) is_asked: bool,
}

impl Windowing {
    pub(crate) fn asked(over: Over) -> Self {
        let is_weeks =
            matches!(over, Over::Windows { size, .. } if size.as_secs().is_multiple_of(WEEK));
        Self {
            over,
            origin: if is_weeks { MONDAY } else { 0 },
            is_asked: true,
        }
    }

    pub(crate) fn bins(bins: steps::Bins) -> Self {
        let size = Duration::from_nanos(bins.length.unsigned_abs());
        Self {
            over: Over::Windows { size, slide: size },
            origin: bins.origin,
            is_asked: false,
        }
    }

    /// Whether each group has windows of its own. Those of a chart over time are of all groups: it shows
    /// them beside each other.
    pub(super) fn is_of_groups(&self, chart: Option<&Chart>) -> bool {
        chart.is_none_or(|chart| !chart.fills_gaps)
            && matches!(
                self.over,
                Over::Sessions {
                    of_groups: true,
                    ..
                }
            )
    }

    /// The columns of rows that have these in a window.
    pub(super) fn schema(&self, rows: &SchemaRef) -> SchemaRef {
        if !self.is_asked {
            return Arc::clone(rows);
        }
        let ty = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        let of = ["window_start", "window_end"]
            .map(|name| Arc::new(Field::new(name, ty.clone(), false)));
        let fields = of.into_iter().chain(rows.fields().iter().cloned());
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Rows of a window, with when that is.
    fn stamped(&self, rows: &RecordBatch, start: i64, end: i64) -> Result<RecordBatch> {
        if !self.is_asked {
            return Ok(rows.clone());
        }
        let moment = |at: i64| {
            let times = TimestampNanosecondArray::from(vec![at; rows.num_rows()]);
            Arc::new(times.with_timezone("UTC")) as ArrayRef
        };
        let columns = [moment(start), moment(end)].into_iter();
        let columns = columns.chain(rows.columns().iter().cloned());
        let schema = self.schema(&rows.schema());
        Ok(RecordBatch::try_new(schema, columns.collect())?)
    }
}

/// Weeks begin on Mondays, and 1970 began on a Thursday.
const WEEK: u64 = 7 * 86_400;
const MONDAY: i64 = 4 * 86_400_000_000_000;

impl LivePlan {
    /// The answers of a query over windows: the rows of each, when it closes.
    pub(super) fn windows(
        mut self,
        windowing: Windowing,
        told: Arc<Told>,
        context: Arc<TaskContext>,
        given: Option<Given>,
    ) -> impl Stream<Item = Result<Answer, Error>> + Send {
        try_stream! {
            self.read_files(&context).await?;
            let (mut intake, of, state) = self.begin(&told, given, &context)?;
            let mut open = self.open(&windowing);
            let mut contents = Contents::default();
            let mut sessions = Sessions::new(&context);
            let mut series = Vec::new();
            let mut changed = Changed::new(self.live.watches);
            if let Some(State { head, mut tables }) = state {
                open.restore(head.open.unwrap_or_default());
                contents.restore(head.contents, &mut tables, &self, &context)?;
                if let Some(saved) = head.sessions {
                    sessions = Sessions::restored(saved, &mut tables, &context)?;
                }
                // What was told of them is not known.
                changed.note(contents.numbers());
                if let Some(names) = head.series {
                    series = gaps::restored(&tables.take(names))?;
                }
            }
            let mut ready = VecDeque::new();
            let mut ticks = interval(changed.tick());
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut goes_on = true;
            while goes_on {
                let came = tokio::select! {
                    taken = intake.next() => Came::Taken(taken),
                    _ = ticks.tick() => Came::Tick,
                };
                match came {
                    Came::Taken(taken) => match taken? {
                        Some(Taken::Rows(rows)) => {
                            let now = self.now();
                            for rows in &rows {
                                let late = match &self.keyed {
                                    Some(keyed) => {
                                        let part = self.part(&rows.batch)?;
                                        let open = &mut open;
                                        sessions.add(open, rows, &part, now, keyed, &context).await?
                                    }
                                    None => {
                                        let added = open.add(rows.source, &rows.times, now);
                                        changed.note(added.contents.keys());
                                        let Added { contents: of, late, times } = added;
                                        let batch = self.timed(rows, times, &windowing)?;
                                        contents.add(&batch, of, &self, &context).await?;
                                        late
                                    }
                                };
                                if rows.is_last {
                                    open.end(rows.source);
                                }
                                if !late.is_empty()
                                    && let Some(batch) = rows.raw(&late)
                                {
                                    yield Answer::Late(batch);
                                }
                            }
                        }
                        Some(Taken::Event(Event::Barrier(barrier))) => {
                            // All windows that had closed before have been given.
                            let mut tables = Tables::default();
                            let saved = contents.saved(&mut tables, &self, &context).await?;
                            let of_groups = match &self.keyed {
                                Some(keyed) => {
                                    Some(sessions.saved(&mut tables, keyed, &context).await?)
                                }
                                None => None,
                            };
                            let head = Head {
                                open: Some(open.saved()),
                                contents: saved,
                                sessions: of_groups,
                                series: gaps::saved(&series)?.map(|names| tables.add(names)),
                                ..Head::default()
                            };
                            yield self.checkpoint(barrier, &of, head, tables)?;
                        }
                        Some(Taken::Event(event)) => {
                            if matches!(event, Event::CaughtUp) {
                                open.catch_up();
                            }
                            yield Answer::Event(event);
                        }
                        None => {
                            open.finish();
                            goes_on = false;
                        }
                    },
                    Came::Due | Came::Tick => open.tick(self.now()),
                }
                if self.steps.are_done() {
                    open.finish();
                    goes_on = false;
                }
                told.set_windows(open.counts);
                open.pop(&mut ready);
                let mut of_sessions = match (&self.keyed, &self.folded) {
                    (Some(keyed), Some(folded)) => {
                        sessions.close(&ready, keyed, folded, &context).await?
                    }
                    _ => HashMap::new(),
                };
                while let Some(window) = ready.pop_front() {
                    let (start, end) = (window.start, window.end);
                    let rows = match &self.keyed {
                        Some(_) => {
                            let rows = of_sessions.remove(&window.contents[0]);
                            without_empty(rows.unwrap_or_default())
                        }
                        None => {
                            let held = contents.take(&window.contents);
                            self.close(start, held, &mut series, &context).await?
                        }
                    };
                    let rows = rows.iter().map(|rows| windowing.stamped(rows, start, end));
                    let rows = rows.collect::<Result<_>>()?;
                    yield Answer::Window { start, end, rows };
                }
                if let Some(time) = changed.time(open.mark()) {
                    yield Answer::Time(time);
                }
                for (start, end, number) in changed.due(&open) {
                    if let Some(content) = contents.get_mut(number) {
                        let rows = self.so_far(content, &context).await?;
                        let rows = rows.iter().map(|rows| windowing.stamped(rows, start, end));
                        let rows = rows.collect::<Result<_>>()?;
                        yield Answer::SoFar { start, end, rows };
                    }
                }
            }
        }
    }

    /// What of rows the only scan of the plan reads.
    fn part(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        match &self.feeds[..] {
            [(_, indices)] => Ok(rows.project(indices)?),
            _ => Ok(rows.clone()),
        }
    }

    /// The rows of what a window holds that is open.
    async fn so_far(
        &self,
        content: &mut Content,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        content.fold(self, context).await?;
        let rows = match (&self.folded, &content.states) {
            (Some(folded), Some(states)) => folded.rows([states], context).await?,
            _ => self.run(content.rows.clone(), context).await?,
        };
        Ok(without_empty(rows))
    }

    fn open(&self, windowing: &Windowing) -> Open {
        let is_live = self.live.follow.is_some();
        let closes = !is_live || self.has_one_file();
        let open = Open::new(
            windowing.over,
            windowing.origin,
            self.live.closing,
            is_live,
            closes,
        );
        match (windowing.over, &self.chart) {
            (Over::Windows { size, .. }, Some(chart))
                if chart.fills_gaps && !windowing.is_asked =>
            {
                open.with_empty(size)
            }
            _ => open,
        }
    }

    /// Whether no more than one file is there to be read. Of several, the windows stay open until
    /// all have been read as far as they go: they are not read side by side.
    fn has_one_file(&self) -> bool {
        let sources = &self.scan.sources;
        let found = Walk::new(sources.names.clone(), sources.walk);
        let files = found.filter(|found| matches!(found, Found::File(_)));
        files.take(2).count() < 2
    }

    /// The rows of a window that has closed, which begins at `start` and holds these.
    async fn close(
        &self,
        start: i64,
        mut held: Vec<Content>,
        series: &mut Vec<ScalarValue>,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        let rows = match &self.folded {
            Some(folded) => {
                for content in &mut held {
                    content.fold(self, context).await?;
                }
                let states = held.iter().filter_map(|it| it.states.as_ref());
                folded.rows(states, context).await?
            }
            None => {
                let held = held.iter_mut();
                let rows = held.flat_map(|it| std::mem::take(&mut it.rows)).collect();
                self.run(rows, context).await?
            }
        };
        let rows = without_empty(rows);
        match (&self.chart, &self.windowing) {
            (Some(chart), Some(windowing)) if !windowing.is_asked => {
                gaps::filled_bin(rows, &self.plan.schema(), chart, start, series)
            }
            (Some(chart), _) => gaps::filled(rows, chart),
            (None, _) => Ok(rows),
        }
    }

    /// Rows for a query with bins of time: those that say no time are in the bin of the time that they are
    /// taken to have been at, since that is their window.
    fn timed(&self, rows: &Rows, times: Vec<i64>, windowing: &Windowing) -> Result<RecordBatch> {
        let has_bins = self.chart.is_some() || !windowing.is_asked;
        let untimed = rows.times.iter().any(Option::is_none);
        let (true, true, Some(column)) = (has_bins, untimed, self.scan.time) else {
            return Ok(rows.batch.clone());
        };
        let mut columns = rows.batch.columns().to_vec();
        let times = TimestampNanosecondArray::from(times);
        let kind = rows.batch.column(column).data_type().clone();
        columns[column] = Arc::new(times.with_data_type(kind));
        Ok(RecordBatch::try_new(rows.batch.schema(), columns)?)
    }
}

fn without_empty(mut rows: Vec<RecordBatch>) -> Vec<RecordBatch> {
    rows.retain(|it| it.num_rows() > 0);
    rows
}
