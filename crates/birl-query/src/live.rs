//! Answers over sources that do not end: followed files, and pipes that stay open; and over windows
//! of time, of sources of any kind.
//!
//! A plan is made once. What has come, a micro-batch, is put into the place of its scan, and it runs
//! over that, afresh each time: DataFusion's operators gather rows for as long as their input goes
//! on, and these have none to wait for. What has to be remembered from one micro-batch to the next
//! is ours:
//!
//! - [`feed`]: the plan node that takes the place of the scan;
//! - [`read`]: what is read for all scans of a plan;
//! - [`intake`]: what has come;
//! - [`steps`]: steps that remember rows;
//! - [`window`]: which records are in which window, and the states of its groups;
//! - [`sessions`]: the sessions of each group;
//! - [`windowed`]: the answers over windows;
//! - [`saved`]: all that is remembered, as bytes;
//! - here: how these come to other answers.

mod feed;
mod intake;
mod read;
mod saved;
mod sessions;
pub(crate) mod steps;
mod window;
mod windowed;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use birl_record::columns::Projection;
use birl_scan::{Barrier, Carried, Event, MergeOptions, Options, Want, follow_events, merge};
use birl_source::follow;
use birl_source::name::Name;
use birl_stream::try_stream;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, collect};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::answer::{Answer, answer_of};
use crate::pipe::Chart;
use crate::plan::Kind;
use crate::scan::{ScanExec, ToRows, Told};
use crate::session::{Session, Sources};
use crate::snapshots::{Folded, States};
use crate::{Error, gaps, table};
use feed::Feed;
use intake::{Intake, Taken};
use read::LiveScan;
pub(crate) use saved::State;
use saved::{Head, Of, SavedField, Tables};
pub use saved::{begun_of_state, fields_of_state};
use sessions::Keyed;
use steps::Steps;
pub use window::{Closing, Over, WindowCounts};
pub(crate) use windowed::Windowing;

/// How often it is looked whether time has gone on while nothing came.
const TICK: Duration = Duration::from_millis(200);

/// How long rows wait to be folded into groups, and how many may wait.
const SLICE: Duration = Duration::from_millis(100);
const SLICE_ROWS: usize = 32_768;

/// How sources are asked that do not end, or over windows of time.
#[derive(Clone, Debug)]
pub struct Live {
    /// How files are followed; if `None`, they are read as they are, all in the order of their times.
    /// Pipes are read as they are written to in any case.
    pub follow: Option<follow::Options>,
    /// How long a line without a newline is waited for; for ever if `None`.
    pub partial_after: Option<Duration>,
    /// How often groups over all time are told: each time all of them, if any has changed.
    pub every: Duration,
    /// The windows that the query is asked of, each by itself. If `None`, and its groups are of bins
    /// of time (`timechart`, `bin`), the bins are windows.
    pub windows: Option<Over>,
    /// When windows close.
    pub closing: Closing,
    /// Whether it is told how far time has come ([`Answer::Time`]), and how often what windows hold
    /// that are open ([`Answer::SoFar`]): at once when it has changed, but not more often.
    pub watches: Option<Watches>,
    /// Whether records that come too late are given as they stand ([`Answer::Late`]).
    pub keeps_late: bool,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            follow: None,
            partial_after: None,
            every: Duration::from_secs(10),
            windows: None,
            closing: Closing::default(),
            watches: None,
            keeps_late: false,
        }
    }
}

/// What is told of windows before they close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watches {
    /// How often their rows are told; if `None`, only how far time has come.
    pub rows_every: Option<Duration>,
}

/// Ends a [live](crate::Session::plan_live) plan as if its sources had ended: what is held back is
/// given, windows close, and the stream of answers ends.
///
/// Dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    /// Takes nothing more of the sources.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// What a plan runs over, instead of following its sources by itself.
pub(crate) struct Given {
    pub(crate) events: BoxStream<'static, follow::Event>,
    /// What states are of that it gives.
    pub(crate) of: Of,
    /// What had begun before these events.
    pub(crate) carried: Carried,
    /// The state that it begins with, which is of the same.
    pub(crate) state: Option<State>,
}

/// What a [run over events](crate::Plan::run_over) begins with, of another run up to the barrier behind which
/// these events begin.
#[derive(Clone, Debug, Default)]
pub struct Resume<'a> {
    /// The state at that barrier, of the same query: it goes on as that run would have.
    pub state: Option<&'a [u8]>,
    /// The lines and records that had begun at that barrier and were not whole, which may be those of
    /// another query of the same records. A state has [its own](crate::begun_of_state).
    pub begun: Carried,
}

/// A plan that runs over what comes, a micro-batch at a time.
pub(crate) struct LivePlan {
    plan: Arc<dyn ExecutionPlan>,
    /// What stands in the places of the scans, each with its columns among those that are read.
    feeds: Feeds,
    scan: LiveScan,
    /// The tables that are files: these are read once.
    files: Vec<(Arc<Feed>, Arc<dyn ExecutionPlan>)>,
    pub(crate) folded: Option<Folded>,
    /// What is needed where each group has sessions of its own.
    keyed: Option<Keyed>,
    windowing: Option<Windowing>,
    chart: Option<Chart>,
    steps: Steps,
    live: Live,
    stop: Stop,
    stopped: watch::Receiver<bool>,
}

/// What scans of a plan read from, each with where its columns are in what is read for all of them.
type Feeds = Vec<(Arc<Feed>, Vec<usize>)>;

/// What is needed for sessions of each group; `None` where a plan has no groups.
///
/// # Errors
/// Fails where it has some, and it cannot be told of each row as it comes in which it is.
fn keyed(
    plan: &Arc<dyn ExecutionPlan>,
    folded: Option<&Folded>,
    feeds: &Feeds,
) -> Result<Option<Keyed>, Error> {
    let mut has_keys = false;
    plan.apply(|node| {
        let aggregate = node.downcast_ref::<AggregateExec>();
        has_keys |= aggregate.is_some_and(sessions::has_keys);
        Ok(TreeNodeRecursion::Continue)
    })?;
    if !has_keys {
        return Ok(None);
    }
    let keyed = match (folded, &feeds[..]) {
        (Some(folded), [(feed, _)]) if sessions::has_keys(folded.partial()) => {
            Keyed::of(folded, feed)?
        }
        // Those that have keys are above one that has none.
        (Some(_), _) => return Ok(None),
        _ => None,
    };
    let error = || {
        let message = concat!(
            "each group has sessions of its own, and here it is not known of a record by itself ",
            "in which group it is"
        );
        Error::run(message).with_hint("ask for sessions of all records: --session-of all")
    };
    keyed.map(Some).ok_or_else(error)
}

impl fmt::Debug for LivePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivePlan")
            .field("live", &self.live)
            .field("windowing", &self.windowing)
            .finish_non_exhaustive()
    }
}

impl LivePlan {
    /// A plan over `sources`, which stand in it as scans. `folds` says whether its groups may be
    /// folded, since what stands below them looks at each row by itself.
    ///
    /// # Errors
    /// Fails where the sources are scanned more than once, and not over windows.
    pub(crate) fn new(
        plan: &Arc<dyn ExecutionPlan>,
        sources: &Arc<Sources>,
        folds: bool,
        (steps, windowing, chart): (Steps, Option<Windowing>, Option<Chart>),
        live: Live,
    ) -> Result<Self, Error> {
        let mut scans = Vec::new();
        let mut files = Vec::new();
        let plan = Arc::clone(plan).transform_up(|node| {
            let Some(scan) = node.downcast_ref::<ScanExec>() else {
                return Ok(Transformed::no(node));
            };
            let partitions = node.output_partitioning().partition_count();
            let feed = Arc::new(Feed::new(node.schema(), partitions));
            match Arc::ptr_eq(&scan.wanted().sources, sources) {
                true => scans.push((Arc::clone(&feed), node)),
                false => files.push((Arc::clone(&feed), node)),
            }
            Ok(Transformed::yes(feed))
        })?;
        let plan = plan.data;
        if scans.len() > 1 && windowing.is_none() {
            let message = format!("the query takes {} more than once", table::NAME);
            return Err(Error::run(message)
                .with_hint("what does not end can be taken once, or over windows: --window 1m"));
        }
        let (scan, feeds) = LiveScan::of(sources, &scans, windowing.is_some())?;
        let folded = match (&feeds[..], folds) {
            ([(feed, _)], true) => Folded::above(&plan, &|node| {
                node.downcast_ref::<Feed>()
                    .is_some_and(|it| std::ptr::eq(it, &**feed))
            }),
            _ => None,
        };
        let keyed = match &windowing {
            Some(windowing) if windowing.is_of_groups(chart.as_ref()) => {
                keyed(&plan, folded.as_ref(), &feeds)?
            }
            _ => None,
        };
        let (sender, stopped) = watch::channel(false);
        Ok(Self {
            plan,
            feeds,
            scan,
            files,
            folded,
            keyed,
            windowing,
            chart,
            steps,
            live,
            stop: Stop(Arc::new(sender)),
            stopped,
        })
    }

    /// What ends it.
    pub(crate) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Whether it answers window by window.
    pub(crate) fn has_windows(&self) -> bool {
        self.windowing.is_some()
    }

    /// Whether its sources are followed.
    pub(crate) fn follows(&self) -> bool {
        self.live.follow.is_some()
    }

    /// What its states are of.
    pub(crate) fn of(&self, sql: &str, session: &Session) -> Of {
        let projection = Projection::new(self.scan.columns.clone());
        let states = self.folded.as_ref().map(Folded::schema);
        let columns = [
            Some(self.scan.schema(&projection)),
            states,
            Some(self.schema()),
        ];
        let columns = columns.into_iter().flatten();
        let sources = &self.scan.sources;
        let fields = sources.fields.parts();
        let fields = fields.map(|(name, sampled, is_own)| {
            SavedField::new(name, &session.type_of(name, sampled), is_own)
        });
        Of {
            query: sql.to_owned(),
            windows: match &self.windowing {
                Some(windowing) => format!("{:?}", windowing.over),
                None => "none".to_owned(),
            },
            columns: columns.map(|schema| saved::shown(&schema)).collect(),
            fields: fields.collect(),
            records: sources.fields.records(),
        }
    }

    /// The columns of its answers.
    pub(crate) fn schema(&self) -> SchemaRef {
        match &self.windowing {
            Some(windowing) => windowing.schema(&self.plan.schema()),
            None => self.plan.schema(),
        }
    }

    /// The answers.
    pub(crate) fn answers(
        self,
        kind: Kind,
        told: Arc<Told>,
        context: Arc<TaskContext>,
        given: Option<Given>,
    ) -> BoxStream<'static, Result<Answer, Error>> {
        match (&self.windowing, kind) {
            (Some(windowing), _) => {
                let windowing = windowing.clone();
                self.windows(windowing, told, context, given).boxed()
            }
            (None, Kind::Table) => self.table(told, context, given).boxed(),
            (None, Kind::Rows | Kind::Records) => self.rows(kind, told, context, given).boxed(),
        }
    }

    /// What is to be answered, what its states are of, and the state that it begins with.
    fn begin(
        &self,
        told: &Arc<Told>,
        given: Option<Given>,
        context: &TaskContext,
    ) -> Result<(Intake, Of, Option<State>)> {
        let Some(given) = given else {
            return Ok((self.intake(told, None), Of::default(), None));
        };
        let mut state = given.state;
        if let Some(State { head, tables }) = &mut state {
            let steps = std::mem::take(&mut head.steps);
            self.steps.restore(steps, tables, context)?;
        }
        let intake = self.intake(told, Some((given.events, given.carried)));
        Ok((intake, given.of, state))
    }

    /// What has been answered up to a barrier is in `head` and `tables`, but for what is the same in all
    /// plans.
    fn checkpoint(
        &self,
        barrier: Barrier,
        of: &Of,
        head: Head,
        mut tables: Tables,
    ) -> Result<Answer> {
        let head = Head {
            of: of.clone(),
            carried: barrier.carried,
            steps: self.steps.saved(&mut tables)?,
            ..head
        };
        Ok(Answer::Checkpoint {
            barrier: barrier.number,
            positions: barrier.positions,
            state: State { head, tables }.to_bytes()?,
        })
    }

    fn intake(
        &self,
        told: &Arc<Told>,
        given: Option<(BoxStream<'static, follow::Event>, Carried)>,
    ) -> Intake {
        let sources = &self.scan.sources;
        let is_windowed = self.windowing.is_some();
        let projection = Projection::new(self.scan.columns.clone());
        let to_rows = ToRows {
            schema: self.scan.schema(&projection),
            with_origin: self.scan.with_origin,
            told: Arc::clone(told),
        };
        let options = Options {
            want: match self.live.keeps_late && is_windowed {
                true => Want::Lines,
                false => Want::Counts,
            },
            // A source that has ended is not waited for.
            ends: is_windowed,
            records: true,
            // The columns have their own.
            times: birl_scan::Times::Unwanted,
            columns: (!self.scan.columns.is_empty()).then(|| Arc::new(projection)),
            ..sources.options.clone()
        };
        let names = sources.names.clone();
        let search = self.scan.search.clone();
        let is_piped = names.iter().all(|name| matches!(name, Name::Stdin));
        let (progress, events) = match (given, &self.live.follow, is_piped) {
            (Some((events, carried)), ..) => {
                let wait = self.live.partial_after;
                let following = follow_events(events, carried, wait, search, options);
                (vec![following.progress()], following.boxed())
            }
            (None, None, false) => {
                let all = MergeOptions::default();
                let merged = merge(names, sources.walk, search, options, all);
                (vec![merged.progress()], merged.boxed())
            }
            (None, follow, _) => {
                let how = follow.clone().unwrap_or_default();
                let wait = self.live.partial_after;
                let live = birl_scan::live(names, sources.walk, how, wait, search, options);
                (live.progress(), live.boxed())
            }
        };
        progress
            .into_iter()
            .for_each(|progress| told.began(progress));
        Intake {
            events: events.fuse().boxed(),
            to_rows,
            time: self.scan.time,
            keeps_raw: self.live.keeps_late && is_windowed,
            stopped: self.stopped.clone(),
            next: None,
        }
    }

    /// What the clock shows, in nanoseconds since 1970 (UTC).
    fn now(&self) -> i64 {
        self.scan.sources.options.now.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            since.map_or(0, |since| {
                i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
            })
        })
    }

    /// Reads the tables that are files.
    async fn read_files(&mut self, context: &Arc<TaskContext>) -> Result<()> {
        for (feed, scan) in self.files.drain(..) {
            feed.put(collect(scan, Arc::clone(context)).await?);
        }
        Ok(())
    }

    /// Puts rows in the places of the scans.
    pub(crate) fn put(&self, rows: Vec<RecordBatch>) -> Result<()> {
        let columns = self.scan.columns.len() + usize::from(self.scan.with_origin);
        for (feed, indices) in &self.feeds {
            if indices.iter().copied().eq(0..columns) {
                feed.put(rows.clone());
                continue;
            }
            let part = rows.iter().map(|rows| rows.project(indices));
            feed.put(part.collect::<Result<_, _>>()?);
        }
        Ok(())
    }

    /// The rows that come of `rows`.
    async fn run(
        &self,
        rows: Vec<RecordBatch>,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        self.put(rows)?;
        // What a plan has learned while it ran does not hold of other rows.
        let plan = reset_plan_states(Arc::clone(&self.plan))?;
        collect(plan, Arc::clone(context)).await
    }

    /// The answers of a query whose rows are not groups: each micro-batch gives its own.
    fn rows(
        mut self,
        kind: Kind,
        told: Arc<Told>,
        context: Arc<TaskContext>,
        given: Option<Given>,
    ) -> impl Stream<Item = Result<Answer, Error>> + Send {
        try_stream! {
            self.read_files(&context).await?;
            let (mut intake, of, _) = self.begin(&told, given, &context)?;
            let mut goes_on = !self.steps.are_done();
            while goes_on {
                let (rows, event) = match intake.next().await? {
                    Some(Taken::Rows(rows)) => (rows, None),
                    Some(Taken::Event(Event::Barrier(barrier))) => {
                        yield self.checkpoint(barrier, &of, Head::default(), Tables::default())?;
                        continue;
                    }
                    Some(Taken::Event(event)) if !matches!(event, Event::CaughtUp) => {
                        yield Answer::Event(event);
                        continue;
                    }
                    // What was held back of what there was is given now.
                    last => {
                        self.steps.catch_up();
                        goes_on = last.is_some();
                        (Vec::new(), last.map(|_| Event::CaughtUp))
                    }
                };
                let rows = rows.into_iter().map(|rows| rows.batch).collect();
                for rows in self.run(rows, &context).await? {
                    if rows.num_rows() > 0 {
                        yield answer_of(kind, rows, &told);
                    }
                }
                if let Some(event) = event {
                    yield Answer::Event(event);
                }
                goes_on &= !self.steps.are_done();
            }
        }
    }

    /// The answers of a query whose rows are groups over all time: all of them, again and again.
    fn table(
        mut self,
        told: Arc<Told>,
        context: Arc<TaskContext>,
        given: Option<Given>,
    ) -> impl Stream<Item = Result<Answer, Error>> + Send {
        try_stream! {
            self.read_files(&context).await?;
            let (mut intake, of, state) = self.begin(&told, given, &context)?;
            let mut groups = Groups::new(&context);
            if let Some(State { head, mut tables }) = state
                && let Some(kept) = head.groups
            {
                groups.states = States::restored(tables.take(kept), &context)?;
                groups.is_new = true;
            }
            let mut ticks = interval(self.live.every.max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks.tick().await;
            loop {
                let due = groups.due();
                let came = tokio::select! {
                    taken = intake.next() => Came::Taken(taken),
                    () = tokio::time::sleep_until(due), if !groups.waiting.is_empty() => Came::Due,
                    _ = ticks.tick(), if groups.is_new => Came::Tick,
                };
                match came {
                    Came::Taken(taken) => match taken? {
                        Some(Taken::Rows(rows)) => {
                            for rows in rows {
                                groups.wait(rows.batch);
                            }
                            if groups.is_due() {
                                self.fold(&mut groups, &context).await?;
                            }
                            if self.steps.are_done() {
                                break;
                            }
                        }
                        Some(Taken::Event(Event::Barrier(barrier))) => {
                            self.fold(&mut groups, &context).await?;
                            let mut tables = Tables::default();
                            let mut head = Head::default();
                            if let Some(folded) = &self.folded {
                                let kept = groups.states.saved(folded, &context).await?;
                                head.groups = Some(tables.add(kept));
                            }
                            yield self.checkpoint(barrier, &of, head, tables)?;
                        }
                        Some(Taken::Event(event)) => {
                            if matches!(event, Event::CaughtUp) {
                                self.steps.catch_up();
                                self.fold(&mut groups, &context).await?;
                            }
                            yield Answer::Event(event);
                        }
                        None => break,
                    },
                    Came::Due => self.fold(&mut groups, &context).await?,
                    Came::Tick => {
                        self.fold(&mut groups, &context).await?;
                        groups.is_new = false;
                        let rows = self.groups(&groups, &context).await?;
                        yield Answer::Snapshot { rows, is_last: false };
                    }
                }
            }
            self.steps.catch_up();
            self.fold(&mut groups, &context).await?;
            let rows = self.groups(&groups, &context).await?;
            yield Answer::Snapshot { rows, is_last: true };
        }
    }

    /// Makes states of the rows that wait, and of those that steps held back.
    async fn fold(&self, groups: &mut Groups, context: &Arc<TaskContext>) -> Result<()> {
        if let Some(folded) = &self.folded {
            self.put(std::mem::take(&mut groups.waiting))?;
            groups.rows = 0;
            let slice = folded.fold(context).await?;
            groups.states.push(slice, folded, context).await?;
        }
        Ok(())
    }

    async fn groups(
        &self,
        groups: &Groups,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        let rows = match &self.folded {
            Some(folded) => folded.rows([&groups.states], context).await?,
            None => Vec::new(),
        };
        match &self.chart {
            Some(chart) => gaps::filled(rows, chart),
            None => Ok(rows),
        }
    }
}

/// What has happened.
enum Came {
    Taken(Result<Option<Taken>>),
    /// What waits is to be folded.
    Due,
    /// Time has gone on.
    Tick,
}

/// Groups over all time.
struct Groups {
    states: States,
    /// What is not in them yet, how many rows these are, and since when they wait.
    waiting: Vec<RecordBatch>,
    rows: usize,
    since: Instant,
    /// Something has come since they were told last.
    is_new: bool,
}

impl Groups {
    fn new(context: &TaskContext) -> Self {
        Self {
            states: States::without_end(context),
            waiting: Vec::new(),
            rows: 0,
            since: Instant::now(),
            is_new: false,
        }
    }

    fn wait(&mut self, rows: RecordBatch) {
        if self.waiting.is_empty() {
            self.since = Instant::now();
        }
        self.rows += rows.num_rows();
        self.waiting.push(rows);
        self.is_new = true;
    }

    fn due(&self) -> Instant {
        self.since + SLICE
    }

    fn is_due(&self) -> bool {
        self.rows >= SLICE_ROWS || self.due() <= Instant::now()
    }
}

#[cfg(test)]
mod tests;
