//! Answers while the input is still being read: tables that replace each other.
//!
//! The states of DataFusion's partial aggregates can be merged, but its accumulators are empty once
//! they have been read. So states live as rows: each slice of the input runs the partial aggregate
//! to its end, and leaves its states. They are merged when their rows have doubled. A snapshot runs
//! the final aggregate, and the rest of the plan, over the states that are there.

use std::fmt::{self, Formatter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::common::{Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions, reset_plan_states,
};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties, collect,
};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::leaf::is_a_leaf;

/// How long a slice of the input is.
const SLICE: Duration = Duration::from_millis(100);

/// Fewer rows of states are not merged.
const ROWS_MIN: usize = 8192;

/// With more groups there are no snapshots: they would take longer than the scan.
const GROUPS_MAX: usize = 200_000;

/// A table as it is known so far, or for good.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) rows: Vec<RecordBatch>,
    /// All of the input is in it.
    pub(crate) is_last: bool,
}

/// A plan with one aggregate, in two parts.
#[derive(Debug)]
pub(crate) struct Folded {
    /// The whole plan, but that the final aggregate is of no input yet.
    plan: Arc<dyn ExecutionPlan>,
    /// Makes states of input.
    partial: Arc<AggregateExec>,
    /// Makes rows of states.
    last: Arc<AggregateExec>,
    /// The same, as it stands in the plan.
    place: Arc<dyn ExecutionPlan>,
    /// How long a slice of the input is.
    slice: Duration,
}

impl Folded {
    /// Takes a plan apart; `None` where its answer cannot be told before all of its input is there.
    pub(crate) fn of(plan: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let mut aggregates = Vec::new();
        plan.apply(|node| {
            if node.downcast_ref::<AggregateExec>().is_some() {
                aggregates.push(Arc::clone(node));
            }
            Ok(TreeNodeRecursion::Continue)
        })
        .ok()?;
        match &aggregates[..] {
            [last, partial] => Self::of_pair(plan, last, partial),
            _ => None,
        }
    }

    /// Takes a plan apart at the lowest aggregate above `is_leaf`; `None` where there is none of two
    /// parts.
    pub(crate) fn above(
        plan: &Arc<dyn ExecutionPlan>,
        is_leaf: &dyn Fn(&Arc<dyn ExecutionPlan>) -> bool,
    ) -> Option<Self> {
        let path = path(plan, is_leaf)?;
        let mut aggregates = path
            .iter()
            .filter(|node| node.downcast_ref::<AggregateExec>().is_some());
        let (partial, last) = (aggregates.next()?, aggregates.next()?);
        Self::of_pair(plan, last, partial)
    }

    fn of_pair(
        plan: &Arc<dyn ExecutionPlan>,
        place: &Arc<dyn ExecutionPlan>,
        partial: &Arc<dyn ExecutionPlan>,
    ) -> Option<Self> {
        let last = place.downcast_ref::<AggregateExec>()?;
        let partial = partial.downcast_ref::<AggregateExec>()?;
        let is_pair = matches!(
            last.mode(),
            AggregateMode::Final | AggregateMode::FinalPartitioned
        ) && *partial.mode() == AggregateMode::Partial;
        let mut between = Arc::clone(last.input());
        while between.downcast_ref::<AggregateExec>().is_none() {
            let passes = between.downcast_ref::<RepartitionExec>().is_some()
                || between.downcast_ref::<CoalescePartitionsExec>().is_some();
            match between.children()[..] {
                [child] if passes => between = Arc::clone(child),
                _ => return None,
            }
        }
        is_pair.then(|| Self {
            plan: Arc::clone(plan),
            partial: Arc::new(partial.clone()),
            last: Arc::new(last.clone()),
            place: Arc::clone(place),
            slice: SLICE,
        })
    }

    /// The columns of states.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.partial.schema()
    }

    /// The states of all rows of the input, as it is now.
    pub(crate) async fn fold(&self, context: &Arc<TaskContext>) -> Result<Vec<RecordBatch>> {
        let partial = Arc::clone(&self.partial) as Arc<dyn ExecutionPlan>;
        collect(reset_plan_states(partial)?, Arc::clone(context)).await
    }

    /// The rows of the whole plan over all states of these.
    pub(crate) async fn rows(
        &self,
        states: impl IntoIterator<Item = &States>,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        let kept = states.into_iter().flat_map(|states| states.kept.clone());
        let kept: Vec<_> = kept.collect();
        self.rows_of(&kept, context).await
    }

    /// The same, over rows that are states.
    pub(crate) async fn rows_of(
        &self,
        states: &[RecordBatch],
        context: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        self.finish(vec![self.stream(states)], context).await
    }

    /// The plan, with this in the place of its final aggregate.
    pub(crate) fn above_last(
        &self,
        instead: &Arc<dyn ExecutionPlan>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = Arc::clone(&self.plan).transform_down(|node| {
            let is_last = std::ptr::addr_eq(Arc::as_ptr(&node), Arc::as_ptr(&self.place));
            Ok(match is_last {
                true => Transformed::new(Arc::clone(instead), true, TreeNodeRecursion::Jump),
                false => Transformed::no(node),
            })
        })?;
        Ok(plan.data)
    }

    /// The columns of the final aggregate.
    pub(crate) fn last_schema(&self) -> SchemaRef {
        self.last.schema()
    }

    /// The aggregate that makes states of input.
    pub(crate) fn partial(&self) -> &AggregateExec {
        &self.partial
    }

    /// Only makes states of the input of `partial`, and merges them.
    pub(crate) fn of_states(partial: AggregateExec) -> Result<Self> {
        let partial = Arc::new(partial);
        let groups = partial.group_expr().expr().iter().enumerate();
        let groups = groups.map(|(index, (_, name))| {
            let column = Arc::new(Column::new(name, index)) as Arc<dyn PhysicalExpr>;
            (column, name.clone())
        });
        let last = AggregateExec::try_new(
            AggregateMode::Final,
            PhysicalGroupBy::new_single(groups.collect()),
            partial.aggr_expr().to_vec(),
            vec![None; partial.aggr_expr().len()],
            Arc::clone(&partial) as Arc<dyn ExecutionPlan>,
            partial.input_schema(),
        )?;
        let last = Arc::new(last);
        Ok(Self {
            plan: Arc::clone(&last) as Arc<dyn ExecutionPlan>,
            place: Arc::clone(&last) as Arc<dyn ExecutionPlan>,
            partial,
            last,
            slice: SLICE,
        })
    }

    /// Runs it, and sends a snapshot every `every`, then the last.
    pub(crate) async fn run(
        self,
        every: Duration,
        context: Arc<TaskContext>,
        snapshots: mpsc::Sender<Result<Snapshot>>,
    ) {
        if let Err(error) = self.try_run(every, context, &snapshots).await {
            // Who asked may be gone.
            let _ = snapshots.send(Err(error)).await;
        }
    }

    async fn try_run(
        self,
        every: Duration,
        context: Arc<TaskContext>,
        snapshots: &mpsc::Sender<Result<Snapshot>>,
    ) -> Result<()> {
        let input = self.partial.input();
        let partitions = input.output_partitioning().partition_count();
        let (sender, mut slices) = mpsc::channel(partitions);
        let mut tasks = JoinSet::new();
        let stopped = Arc::new(AtomicBool::new(false));
        let mut inputs = Vec::new();
        for partition in 0..partitions {
            let batches = input.execute(partition, Arc::clone(&context))?;
            let input = Input {
                batches,
                is_done: false,
            };
            inputs.push(Arc::new(tokio::sync::Mutex::new(input)));
        }
        for input in &inputs {
            let (partial, input) = (Arc::clone(&self.partial), Arc::clone(input));
            let (context, sender) = (Arc::clone(&context), sender.clone());
            let stopped = Arc::clone(&stopped);
            let length = Some(self.slice);
            tasks.spawn(async move {
                while !input.lock().await.is_done && !stopped.load(Ordering::Relaxed) {
                    let slice = async {
                        let states = slice(&partial, Arc::clone(&input), length, &context)?;
                        states.try_collect().await
                    };
                    let slice: Result<Vec<RecordBatch>> = slice.await;
                    let is_wrong = slice.is_err();
                    if sender.send(slice).await.is_err() || is_wrong {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut states = States::up_to(GROUPS_MAX);
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            tokio::select! {
                slice = slices.recv() => match slice {
                    Some(slice) => states.push(slice?, &self, &context).await?,
                    None => break,
                },
                _ = ticks.tick(), if states.is_new && states.rows <= GROUPS_MAX => {
                    states.is_new = false;
                    let states = vec![self.stream(&states.kept)];
                    let rows = self.finish(states, &context).await?;
                    let snapshot = Snapshot { rows, is_last: false };
                    if snapshots.send(Ok(snapshot)).await.is_err() {
                        return Ok(());
                    }
                }
            }
            if states.rows > GROUPS_MAX {
                stopped.store(true, Ordering::Relaxed);
            }
        }
        // Either nothing is left to come, or what is left goes through both aggregates at once, as
        // without snapshots.
        let kept = self.stream(&states.kept);
        let mut left = vec![kept];
        for input in inputs {
            if !input.lock().await.is_done {
                left.push(slice(&self.partial, input, None, &context)?);
            }
        }
        let rows = self.finish(left, &context).await?;
        let _ = snapshots
            .send(Ok(Snapshot {
                rows,
                is_last: true,
            }))
            .await;
        Ok(())
    }

    /// Rows that are states, as a stream.
    fn stream(&self, rows: &[RecordBatch]) -> SendableRecordBatchStream {
        let rows = stream::iter(rows.to_vec()).map(Ok);
        Box::pin(RecordBatchStreamAdapter::new(self.partial.schema(), rows))
    }

    /// The rows of the whole plan over states.
    async fn finish(
        &self,
        states: Vec<SendableRecordBatchStream>,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        let is_one = states.len() == 1;
        let mut states: Arc<dyn ExecutionPlan> =
            Arc::new(Streams::new(self.partial.schema(), states));
        if !is_one {
            states = Arc::new(CoalescePartitionsExec::new(states));
        }
        let last = Arc::clone(&self.last) as Arc<dyn ExecutionPlan>;
        let last = last.replace_children(vec![states], recomputed())?;
        let plan = self.above_last(&last)?;
        // What a plan has learned while it ran does not hold of other states.
        let plan = reset_plan_states(plan)?;
        collect(plan, Arc::clone(context)).await
    }
}

/// The nodes from the one that `is_leaf` up to the root of a plan.
fn path(
    plan: &Arc<dyn ExecutionPlan>,
    is_leaf: &dyn Fn(&Arc<dyn ExecutionPlan>) -> bool,
) -> Option<Vec<Arc<dyn ExecutionPlan>>> {
    let mut path = match is_leaf(plan) {
        true => Vec::new(),
        false => plan
            .children()
            .into_iter()
            .find_map(|child| path(child, is_leaf))?,
    };
    path.push(Arc::clone(plan));
    Some(path)
}

/// A partition of the input.
struct Input {
    batches: SendableRecordBatchStream,
    is_done: bool,
}

/// The states of what comes of `input` within a time, a batch at least, or of all that is left of it.
fn slice(
    partial: &Arc<AggregateExec>,
    input: Arc<tokio::sync::Mutex<Input>>,
    length: Option<Duration>,
    context: &Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let end = length.map(|length| Instant::now() + length);
    let batches = stream::try_unfold((input, false), move |(input, has_batch)| async move {
        if has_batch && end.is_some_and(|end| Instant::now() >= end) {
            return Ok(None);
        }
        let batch = input.lock().await.next().await?;
        Ok(batch.map(|batch| (batch, (input, true))))
    });
    let schema = partial.input().schema();
    let batches = RecordBatchStreamAdapter::new(Arc::clone(&schema), batches.boxed());
    let input: Arc<dyn ExecutionPlan> = Arc::new(Streams::new(schema, vec![Box::pin(batches)]));
    let partial = Arc::clone(partial) as Arc<dyn ExecutionPlan>;
    partial
        .replace_children(vec![input], recomputed())?
        .execute(0, Arc::clone(context))
}

/// The new inputs of a node may have other properties than the old ones.
fn recomputed() -> ReplaceChildrenOptions {
    ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute)
}

impl Input {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let batch = self.batches.try_next().await?;
        self.is_done = batch.is_none();
        Ok(batch)
    }
}

/// The states of all slices so far.
#[derive(Debug)]
pub(crate) struct States {
    kept: Vec<RecordBatch>,
    rows: usize,
    /// How many rows there were when they were merged last.
    rows_merged: usize,
    /// Something has come since the last snapshot.
    is_new: bool,
    /// With more rows they are no longer merged: something else will be done about them.
    rows_max: usize,
    /// The memory that they take, where it is counted.
    reservation: Option<MemoryReservation>,
}

impl States {
    /// None yet, to be merged as long as there are not more.
    fn up_to(rows_max: usize) -> Self {
        Self {
            kept: Vec::new(),
            rows: 0,
            rows_merged: 0,
            is_new: false,
            rows_max,
            reservation: None,
        }
    }

    /// None yet, to be merged however many there are, as long as there is memory for them.
    pub(crate) fn without_end(context: &TaskContext) -> Self {
        let consumer = MemoryConsumer::new("the groups that are kept");
        Self {
            reservation: Some(consumer.register(context.memory_pool())),
            ..Self::up_to(usize::MAX)
        }
    }

    /// Adds the states of a slice.
    pub(crate) async fn push(
        &mut self,
        slice: Vec<RecordBatch>,
        folded: &Folded,
        context: &Arc<TaskContext>,
    ) -> Result<()> {
        self.is_new = true;
        self.rows += slice.iter().map(RecordBatch::num_rows).sum::<usize>();
        if let Some(reservation) = &mut self.reservation {
            reservation.try_grow(bytes_of(&slice))?;
        }
        self.kept.extend(slice);
        if self.rows < ROWS_MIN.max(2 * self.rows_merged) || self.rows > self.rows_max {
            return Ok(());
        }
        self.merge(folded, context).await
    }

    /// Makes one row of the states of each group.
    async fn merge(&mut self, folded: &Folded, context: &Arc<TaskContext>) -> Result<()> {
        let states = Arc::new(Streams::new(
            folded.partial.schema(),
            vec![folded.stream(&self.kept)],
        ));
        let last = &folded.last;
        let merge = AggregateExec::try_new(
            AggregateMode::PartialReduce,
            last.group_expr().clone(),
            last.aggr_expr().to_vec(),
            vec![None; last.aggr_expr().len()],
            states,
            last.input_schema(),
        )?;
        self.kept = collect(Arc::new(merge), Arc::clone(context)).await?;
        self.rows = self.kept.iter().map(RecordBatch::num_rows).sum();
        self.rows_merged = self.rows;
        self.count()
    }

    /// Takes note of how much memory they take now.
    fn count(&mut self) -> Result<()> {
        match &mut self.reservation {
            Some(reservation) => reservation.try_resize(bytes_of(&self.kept)),
            None => Ok(()),
        }
    }

    /// The rows that there are.
    pub(crate) fn kept(&self) -> &[RecordBatch] {
        &self.kept
    }

    /// Puts some of the rows that there were in the place of all.
    pub(crate) fn keep(&mut self, kept: Vec<RecordBatch>) -> Result<()> {
        self.rows = kept.iter().map(RecordBatch::num_rows).sum();
        self.rows_merged = self.rows_merged.min(self.rows);
        self.kept = kept;
        self.count()
    }

    /// All states, as few rows as they can be.
    pub(crate) async fn saved(
        &mut self,
        folded: &Folded,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        if self.rows > self.rows_merged {
            self.merge(folded, context).await?;
        }
        Ok(self.kept.clone())
    }

    /// Those that were [saved](Self::saved).
    pub(crate) fn restored(kept: Vec<RecordBatch>, context: &TaskContext) -> Result<Self> {
        let mut states = Self::without_end(context);
        states.keep(kept)?;
        states.rows_merged = states.rows;
        states.is_new = states.rows > 0;
        Ok(states)
    }
}

/// The memory of rows, each buffer counted once however many of them share it.
fn bytes_of(rows: &[RecordBatch]) -> usize {
    let mut counter = RecordBatchMemoryCounter::new();
    rows.iter().map(|rows| counter.count_batch(rows)).sum()
}

/// A plan node whose rows come from streams, one a partition. It can run once.
struct Streams {
    streams: Mutex<Vec<Option<SendableRecordBatchStream>>>,
    properties: Arc<PlanProperties>,
}

impl Streams {
    fn new(schema: SchemaRef, streams: Vec<SendableRecordBatchStream>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(streams.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            streams: Mutex::new(streams.into_iter().map(Some).collect()),
            properties: Arc::new(properties),
        }
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

impl DisplayAs for Streams {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Streams")
    }
}

impl ExecutionPlan for Streams {
    fn name(&self) -> &'static str {
        "Streams"
    }

    is_a_leaf!();

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        match streams.get_mut(partition).and_then(Option::take) {
            Some(stream) => Ok(stream),
            None => internal_err!("what comes from a stream can be read once"),
        }
    }
}

#[cfg(test)]
mod tests;
