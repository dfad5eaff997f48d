//! The plan node that makes rows of the records that a scan finds.

use std::fmt::{self, Formatter};
use std::sync::{Arc, Mutex, PoisonError};

use birl_record::columns::Projection;
use birl_record::format::Parser;
use birl_record::search::Search;
use birl_scan::{Batch, Event, Options, Progress, Scan, Source, Times, Want, scan};
use datafusion::arrow::array::{ArrayRef, Int32Array, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::{StreamExt, stream};
use tokio::sync::mpsc;

use crate::casts::{self, Counter, Misread};
use crate::leaf::is_a_leaf;
use crate::live::WindowCounts;
use crate::session::Sources;

/// So many chunks are searched ahead where rows may come in any order. They are for groups and counts
/// then, and seldom hold more than a few columns.
const CHUNKS_AHEAD: usize = 8;

/// What all scans of a plan share: what they have done, and what is to be told of them.
#[derive(Debug)]
pub(crate) struct Told {
    /// What the scans have done so far, each for itself.
    progress: Mutex<Vec<Progress>>,
    /// Where the records are from that rows are, and what reads them.
    origins: Mutex<Vec<Origin>>,
    /// How many records were late for their windows.
    windows: Mutex<WindowCounts>,
    /// The values that expressions cannot read, each for itself.
    counters: Mutex<Vec<Arc<Counter>>>,
    /// All but batches.
    events: mpsc::Sender<Event>,
}

impl Told {
    pub(crate) fn new(events: mpsc::Sender<Event>) -> Self {
        Self {
            progress: Mutex::default(),
            origins: Mutex::default(),
            windows: Mutex::default(),
            counters: Mutex::default(),
            events,
        }
    }

    /// How many records were late for their windows so far.
    pub(crate) fn windows(&self) -> WindowCounts {
        *lock(&self.windows)
    }

    pub(crate) fn set_windows(&self, counts: WindowCounts) {
        *lock(&self.windows) = counts;
    }

    /// An expression of the plan counts so the values that it cannot read.
    pub(crate) fn counts(&self, counter: Arc<Counter>) {
        lock(&self.counters).push(counter);
    }

    /// The values that could not be read so far.
    pub(crate) fn misread(&self) -> Vec<Misread> {
        casts::misread(&lock(&self.counters))
    }

    /// A scan has begun that has these counters.
    pub(crate) fn began(&self, progress: Progress) {
        lock(&self.progress).push(progress);
    }

    /// The counters of all scans that have begun.
    pub(crate) fn progress(&self) -> Vec<Progress> {
        lock(&self.progress).clone()
    }

    /// Where the records are from that have this number.
    pub(crate) fn origin(&self, number: i32) -> Origin {
        lock(&self.origins)[number as usize].clone()
    }

    /// The number of where the records of a batch are from.
    fn number_of(&self, batch: &Batch) -> i32 {
        let origin = Origin {
            source: Arc::clone(&batch.source),
            parser: batch.parser.clone(),
        };
        let mut origins = lock(&self.origins);
        let known = origins.iter().rposition(|it| it.is(&origin));
        let number = known.unwrap_or_else(|| {
            origins.push(origin);
            origins.len() - 1
        });
        number as i32
    }
}

/// Where records are from, and what reads them.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) source: Arc<Source>,
    pub(crate) parser: Option<Arc<Parser>>,
}

impl Origin {
    fn is(&self, other: &Self) -> bool {
        let same_parser = match (&self.parser, &other.parser) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        Arc::ptr_eq(&self.source, &other.source) && same_parser
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a scan is of.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) sources: Arc<Sources>,
    pub(crate) search: Search,
    /// The search as it reads in a plan; empty where it finds everything.
    pub(crate) search_text: String,
    pub(crate) projection: Arc<Projection>,
    /// Whether a last column has the number of where the record is from.
    pub(crate) with_origin: bool,
    /// How many records are wanted, if not all.
    pub(crate) fetch: Option<usize>,
}

/// Reads the records of the sources that match a search, as rows.
///
/// Each of its partitions takes the next batch, whichever that is. So rows come in the order of the
/// sources only where there is one partition.
#[derive(Debug)]
pub(crate) struct ScanExec {
    wanted: Wanted,
    schema: SchemaRef,
    told: Arc<Told>,
    properties: Arc<PlanProperties>,
    runs: Mutex<Runs>,
}

/// The scans that have begun. A partition that is run once more begins, or joins, a new one.
#[derive(Debug, Default)]
struct Runs {
    scans: Vec<Arc<tokio::sync::Mutex<Scan>>>,
    /// How many times each partition has been run.
    begun: Vec<usize>,
}

impl ScanExec {
    pub(crate) fn new(
        wanted: Wanted,
        schema: SchemaRef,
        partitions: usize,
        told: Arc<Told>,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Self {
            wanted,
            schema,
            told,
            properties: Arc::new(properties),
            runs: Mutex::new(Runs {
                scans: Vec::new(),
                begun: vec![0; partitions],
            }),
        }
    }

    /// The scan that a partition takes part in that is run now.
    fn join(&self, partition: usize) -> Arc<tokio::sync::Mutex<Scan>> {
        let mut runs = lock(&self.runs);
        let number = runs.begun[partition];
        runs.begun[partition] += 1;
        if number == runs.scans.len() {
            let scan = self.begin();
            self.told.began(scan.progress());
            runs.scans.push(Arc::new(tokio::sync::Mutex::new(scan)));
        }
        Arc::clone(&runs.scans[number])
    }

    /// What it is of.
    pub(crate) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// What makes rows of batches.
    fn to_rows(&self) -> ToRows {
        ToRows {
            schema: Arc::clone(&self.schema),
            with_origin: self.wanted.with_origin,
            told: Arc::clone(&self.told),
        }
    }

    fn begin(&self) -> Scan {
        let sources = &self.wanted.sources;
        scan(
            sources.names.clone(),
            sources.walk,
            self.wanted.search.clone(),
            self.options(),
        )
    }

    fn options(&self) -> Options {
        let is_empty = self.schema.fields().is_empty();
        let options = self.wanted.sources.options.clone();
        let is_in_order = self.properties.partitioning.partition_count() == 1;
        Options {
            // Of a batch, only the columns are wanted.
            want: Want::Counts,
            records: true,
            // The columns have their own.
            times: Times::Unwanted,
            columns: (!is_empty).then(|| Arc::clone(&self.wanted.projection)),
            chunks_ahead: match is_in_order {
                true => options.chunks_ahead,
                false => CHUNKS_AHEAD,
            },
            ..options
        }
    }
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.schema.fields().iter().map(|it| it.name()).collect();
        write!(f, "ScanExec: columns={names:?}")?;
        if !self.wanted.search_text.is_empty() {
            write!(f, ", search={}", self.wanted.search_text)?;
        }
        if let Some(range) = self.wanted.search.time_range() {
            write!(f, ", time={}", crate::pushdown::shown(&range))?;
        }
        if let Some(fetch) = self.wanted.fetch {
            write!(f, ", fetch={fetch}")?;
        }
        Ok(())
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &'static str {
        "ScanExec"
    }

    is_a_leaf!();

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = Rows {
            scan: self.join(partition),
            to_rows: self.to_rows(),
        };
        let batches = stream::try_unfold(rows, async |rows| {
            let batch = rows.next().await?;
            Ok(batch.map(|batch| (batch, rows)))
        });
        let batches = RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches.boxed());
        Ok(make_cooperative(Box::pin(batches)))
    }
}

/// The rows of a partition.
struct Rows {
    scan: Arc<tokio::sync::Mutex<Scan>>,
    to_rows: ToRows,
}

impl Rows {
    async fn next(&self) -> Result<Option<RecordBatch>> {
        loop {
            // Only who holds the lock polls, so that its waker is the one that is woken.
            let event = self.scan.lock().await.next().await;
            match event {
                None => return Ok(None),
                Some(Event::Batch(batch)) if batch.matched == 0 => {}
                Some(Event::Batch(batch)) => return self.to_rows.of(&batch).map(Some),
                // Who would be told may be gone.
                Some(event) => _ = self.to_rows.told.events.send(event).await,
            }
        }
    }
}

/// Makes rows of batches.
#[derive(Clone, Debug)]
pub(crate) struct ToRows {
    pub(crate) schema: SchemaRef,
    /// Whether a last column has the number of where the record is from.
    pub(crate) with_origin: bool,
    pub(crate) told: Arc<Told>,
}

impl ToRows {
    /// A row for each record of a batch.
    pub(crate) fn of(&self, batch: &Batch) -> Result<RecordBatch> {
        let count = batch.matched as usize;
        let mut columns: Vec<ArrayRef> = match &batch.columns {
            Some(columns) => columns.columns().to_vec(),
            None => Vec::new(),
        };
        if self.with_origin {
            let number = self.told.number_of(batch);
            columns.push(Arc::new(Int32Array::from(vec![number; count])));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let schema = Arc::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }
}
