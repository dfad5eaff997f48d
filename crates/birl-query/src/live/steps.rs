//! Steps that remember rows, over sources that do not end: `limit`, `dedup`, `distinct`, `tail`.
//!
//! A live plan runs afresh over each micro-batch, and what its nodes know ends with the run. These
//! remember: they are nodes of our own, logical ones that take the place of those that SQL makes, and
//! a plan node that shares its memory with all its copies.

use std::cmp::Ordering;
use std::collections::{HashSet, VecDeque};
use std::fmt::{self, Formatter};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, LargeBinaryArray, RecordBatch,
};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{
    DFSchemaRef, JoinType, Result, ScalarValue, internal_err, plan_datafusion_err,
};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Distinct, Expr, Extension, FetchType, Join, LogicalPlan, LogicalPlanBuilder, SkipType,
    SortExpr, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::saved::Tables;
use crate::pipe::POSITION;
use crate::{Error, table};

/// A step that remembers rows, or how many there were.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd)]
enum Step {
    /// Of all rows, those behind the first `skip`, and at most `fetch`.
    Limit { skip: usize, fetch: Option<usize> },
    /// Of the rows that are alike in these, the first.
    First { keys: Vec<Expr> },
    /// Of what there is when following begins, the last so many rows, and all that is new.
    Tail { count: usize },
}

/// The same plan, whose steps below the first aggregate, or all where there is none, are such as can
/// be taken over sources that do not end.
///
/// # Errors
/// Fails where a step gives nothing before all rows are known.
pub(crate) fn unending(plan: LogicalPlan) -> Result<LogicalPlan, Error> {
    if !aggregates(&plan) {
        return own(plan);
    }
    let is_last = matches!(&plan, LogicalPlan::Aggregate(it) if !aggregates(&it.input));
    of_inputs(
        plan,
        match is_last {
            true => own,
            false => unending,
        },
    )
}

fn of_inputs(
    plan: LogicalPlan,
    change: fn(LogicalPlan) -> Result<LogicalPlan, Error>,
) -> Result<LogicalPlan, Error> {
    let inputs = plan.inputs().into_iter().cloned().map(change);
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    Ok(plan.with_new_exprs(plan.expressions(), inputs)?)
}

/// Bins of time that rows are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bins {
    /// How long each is, and where one of them begins, in nanoseconds.
    pub(crate) length: i64,
    pub(crate) origin: i64,
}

/// The bins of the records' times that the first aggregate of a plan groups by.
pub(crate) fn bins(plan: &LogicalPlan) -> Option<Bins> {
    match plan {
        LogicalPlan::Aggregate(it) if !aggregates(&it.input) => {
            let bins = it.group_expr.iter().find_map(bins_of);
            bins.filter(|_| passes_time(&it.input))
        }
        plan => plan.inputs().into_iter().find_map(bins),
    }
}

fn is_timestamp(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(it) if it.name == POSITION[0])
}

/// Whether what is called the timestamp is that of the records.
fn passes_time(plan: &LogicalPlan) -> bool {
    let passes = match plan {
        LogicalPlan::Projection(it) => it.expr.iter().any(is_timestamp),
        _ => true,
    };
    passes && plan.inputs().into_iter().all(passes_time)
}

fn bins_of(key: &Expr) -> Option<Bins> {
    let Expr::ScalarFunction(call) = key.clone().unalias_nested().data else {
        return None;
    };
    let (length, column, origin) = match &call.args[..] {
        [length, column] => (length, column, None),
        [length, column, origin] => (length, column, Some(origin)),
        _ => return None,
    };
    let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(length)), _) = length else {
        return None;
    };
    let is_time = is_timestamp(column);
    if call.func.name() != "date_bin" || !is_time || length.months != 0 {
        return None;
    }
    let days = i64::from(length.days).checked_mul(86_400_000_000_000)?;
    let length = length.nanoseconds.checked_add(days)?;
    let origin = match origin {
        None => 0,
        Some(origin) => moment(origin)?,
    };
    (length > 0).then_some(Bins { length, origin })
}

/// A moment that stands in a query, in nanoseconds since 1970 (UTC).
fn moment(expr: &Expr) -> Option<i64> {
    let (value, ty) = match expr {
        Expr::Literal(value, _) => (value, None),
        Expr::Cast(cast) => match &*cast.expr {
            Expr::Literal(value, _) => (value, Some(cast.field.data_type())),
            _ => return None,
        },
        _ => return None,
    };
    let value = match ty {
        Some(ty) => value.cast_to(ty).ok()?,
        None => value.clone(),
    };
    let nanoseconds = DataType::Timestamp(TimeUnit::Nanosecond, None);
    match value.cast_to(&nanoseconds).ok()? {
        ScalarValue::TimestampNanosecond(at, _) => at,
        _ => None,
    }
}

/// Whether a plan has groups, and what stands below the first of them looks at each row by itself.
pub(crate) fn folds(plan: &LogicalPlan) -> bool {
    fn by_itself(plan: &LogicalPlan) -> bool {
        let is = match plan {
            LogicalPlan::Filter(_)
            | LogicalPlan::Projection(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::TableScan(_)
            | LogicalPlan::Extension(_) => true,
            LogicalPlan::Join(join) => keeps_logs(join),
            _ => false,
        };
        is && plan.inputs().into_iter().all(by_itself)
    }
    match plan {
        LogicalPlan::Aggregate(it) if !aggregates(&it.input) => by_itself(&it.input),
        plan => plan.inputs().into_iter().any(folds),
    }
}

/// Whether a step holds back rows until later.
pub(crate) fn holds_back(plan: &LogicalPlan) -> bool {
    let is_tail = match plan {
        LogicalPlan::Extension(it) => {
            let node = it.node.as_any().downcast_ref::<StepNode>();
            matches!(
                node,
                Some(StepNode {
                    step: Step::Tail { .. },
                    ..
                })
            )
        }
        _ => false,
    };
    is_tail || plan.inputs().into_iter().any(holds_back)
}

/// How many times a plan takes the records.
pub(crate) fn logs(plan: &LogicalPlan) -> Result<usize> {
    let mut count = 0;
    plan.apply_with_subqueries(|node| {
        count += usize::from(is_logs(node));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(count)
}

fn is_logs(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::TableScan(scan) if scan.table_name.table() == table::NAME)
}

fn aggregates(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Aggregate(_)) || plan.inputs().into_iter().any(aggregates)
}

fn own(plan: LogicalPlan) -> Result<LogicalPlan, Error> {
    match plan {
        LogicalPlan::Sort(sort) => {
            if let Some((count, input)) = last_rows(&sort.expr, &sort.input) {
                return Ok(node(Step::Tail { count }, own(input)?));
            }
            // The rows that `dedup` keeps stand in the order of the sources.
            if is_position(&sort.expr, true) && keeps_first(&sort.input) && sort.fetch.is_none() {
                return own(Arc::unwrap_or_clone(sort.input));
            }
            Err(never_ends(
                "a sort",
                "each window can be sorted: --window 1m",
            ))
        }
        LogicalPlan::Limit(limit) => {
            let (SkipType::Literal(skip), FetchType::Literal(fetch)) =
                (limit.get_skip_type()?, limit.get_fetch_type()?)
            else {
                return Err(Error::run("a limit is a number"));
            };
            let input = own(Arc::unwrap_or_clone(limit.input))?;
            Ok(node(Step::Limit { skip, fetch }, input))
        }
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let input = own(Arc::unwrap_or_clone(input))?;
            let columns = input.schema().columns().into_iter();
            let keys = columns.map(Expr::Column).collect();
            Ok(node(Step::First { keys }, input))
        }
        LogicalPlan::Distinct(Distinct::On(on)) => {
            let input = own(Arc::unwrap_or_clone(on.input))?;
            let first = node(Step::First { keys: on.on_expr }, input);
            Ok(LogicalPlanBuilder::from(first)
                .project(on.select_expr)?
                .build()?)
        }
        LogicalPlan::Window(_) => Err(never_ends(
            "a function over other rows",
            "each window of time can be asked by itself: --window 1m",
        )),
        LogicalPlan::Join(join) => {
            if !keeps_logs(&join) {
                return Err(never_ends(
                    "a join that keeps rows of the other side that have no partner",
                    "let it keep those of the logs: left join, or right join, as they stand in it",
                ));
            }
            of_inputs(LogicalPlan::Join(join), own)
        }
        plan => of_inputs(plan, own),
    }
}

/// Whether a join looks at each record by itself: it leaves out those of the other side, which is
/// there as a whole, that have no partner.
fn keeps_logs(join: &Join) -> bool {
    match join.join_type {
        JoinType::Inner => !has_logs(&join.left) || !has_logs(&join.right),
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
            !has_logs(&join.right)
        }
        JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
            !has_logs(&join.left)
        }
        JoinType::Full => false,
    }
}

fn never_ends(what: &str, hint: &str) -> Error {
    let message = format!("{what} is known only when all rows are, and these sources do not end");
    Error::run(message).with_hint(hint)
}

fn has_logs(plan: &LogicalPlan) -> bool {
    is_logs(plan) || plan.inputs().into_iter().any(has_logs)
}

/// `tail`: what is sorted from the last to the first, cut, and put in order again.
fn last_rows(order: &[SortExpr], input: &LogicalPlan) -> Option<(usize, LogicalPlan)> {
    let LogicalPlan::Limit(limit) = input else {
        return None;
    };
    let LogicalPlan::Sort(last) = &*limit.input else {
        return None;
    };
    let is_tail = is_position(order, true) && is_position(&last.expr, false);
    match (limit.get_skip_type(), limit.get_fetch_type()) {
        (Ok(SkipType::Literal(0)), Ok(FetchType::Literal(Some(count)))) if is_tail => {
            Some((count, (*last.input).clone()))
        }
        _ => None,
    }
}

/// Whether an order is that of the sources, or that from the last to the first.
fn is_position(order: &[SortExpr], ascending: bool) -> bool {
    let is = |(sort, name): (&SortExpr, &&str)| {
        sort.asc == ascending && matches!(&sort.expr, Expr::Column(it) if it.name == **name)
    };
    !order.is_empty() && order.len() <= POSITION.len() && order.iter().zip(&POSITION).all(is)
}

fn keeps_first(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Distinct(Distinct::On(_)) => true,
        LogicalPlan::Projection(it) => keeps_first(&it.input),
        LogicalPlan::SubqueryAlias(it) => keeps_first(&it.input),
        _ => false,
    }
}

fn node(step: Step, input: LogicalPlan) -> LogicalPlan {
    let node = Arc::new(StepNode { step, input });
    LogicalPlan::Extension(Extension { node })
}

/// A step in a logical plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct StepNode {
    step: Step,
    input: LogicalPlan,
}

impl PartialOrd for StepNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.step.partial_cmp(&other.step) {
            Some(Ordering::Equal) => self.input.partial_cmp(&other.input),
            order => order,
        }
    }
}

impl UserDefinedLogicalNodeCore for StepNode {
    fn name(&self) -> &str {
        "Step"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        self.step.keys().to_vec()
    }

    fn fmt_for_explain(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.step.fmt_as(f)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let step = match &self.step {
            Step::First { .. } => Step::First { keys: exprs },
            step => step.clone(),
        };
        let mut inputs = inputs.into_iter();
        match (inputs.next(), inputs.next()) {
            (Some(input), None) => Ok(Self { step, input }),
            _ => internal_err!("a step has one input"),
        }
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let mut columns = output_columns.to_vec();
        for expr in self.step.keys() {
            for column in expr.column_refs() {
                columns.push(self.input.schema().maybe_index_of_column(column)?);
            }
        }
        columns.sort_unstable();
        columns.dedup();
        Some(vec![columns])
    }
}

impl Step {
    /// What rows are told apart by.
    fn keys(&self) -> &[Expr] {
        match self {
            Self::First { keys } => keys,
            Self::Limit { .. } | Self::Tail { .. } => &[],
        }
    }

    fn fmt_as(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit { skip, fetch } => {
                write!(f, "Step: limit skip={skip}")?;
                fetch
                    .iter()
                    .try_for_each(|fetch| write!(f, ", fetch={fetch}"))
            }
            Self::First { keys } => {
                let keys: Vec<_> = keys.iter().map(Expr::to_string).collect();
                write!(f, "Step: first of each [{}]", keys.join(", "))
            }
            Self::Tail { count } => write!(f, "Step: tail {count}"),
        }
    }
}

/// What the steps of a plan have to know, and what is to be known of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps(Arc<Mutex<Vec<Arc<Mutex<Memory>>>>>);

impl Steps {
    /// From now on, what comes is new.
    pub(crate) fn catch_up(&self) {
        for memory in lock(&self.0).iter() {
            lock(memory).caught_up = true;
        }
    }

    /// What all of them remember.
    pub(crate) fn saved(&self, tables: &mut Tables) -> Result<Vec<SavedStep>> {
        let steps = lock(&self.0);
        let saved = steps.iter().map(|memory| {
            let memory = lock(memory);
            let keys = LargeBinaryArray::from_iter_values(memory.seen.iter());
            let keys: ArrayRef = Arc::new(keys);
            let keys = RecordBatch::try_from_iter([("key", keys)])?;
            Ok(SavedStep {
                skip: memory.skip,
                left: memory.left,
                caught_up: memory.caught_up,
                seen: tables.add(vec![keys]),
                last: tables.add(memory.last.iter().cloned().collect()),
            })
        });
        saved.collect()
    }

    /// Lets them remember what they did elsewhere.
    pub(crate) fn restore(
        &self,
        saved: Vec<SavedStep>,
        tables: &mut Tables,
        context: &TaskContext,
    ) -> Result<()> {
        for (memory, saved) in lock(&self.0).iter().zip(saved) {
            let mut memory = lock(memory);
            memory.skip = saved.skip;
            memory.left = saved.left;
            memory.caught_up = saved.caught_up;
            memory.last = tables.take(saved.last).into();
            let reservation = MemoryConsumer::new("dedup").register(context.memory_pool());
            for keys in tables.take(saved.seen) {
                let keys = keys.column(0).as_binary::<i64>();
                reservation.try_grow(keys.value_data().len() + keys.len() * KEY_BYTES)?;
                memory.seen.extend(keys.iter().flatten().map(Box::from));
            }
            memory.reservation = Some(reservation);
        }
        Ok(())
    }

    /// Whether no row comes through any more, whatever else there is.
    pub(crate) fn are_done(&self) -> bool {
        lock(&self.0)
            .iter()
            .any(|memory| lock(memory).left == Some(0))
    }
}

/// What a step remembers, as it is kept.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct SavedStep {
    skip: usize,
    left: Option<usize>,
    caught_up: bool,
    /// The table of the keys that have been seen, and that of the last rows.
    seen: usize,
    last: usize,
}

/// What a step remembers.
#[derive(Debug, Default)]
struct Memory {
    /// How many rows are still to be left out, and how many of those behind them are wanted.
    skip: usize,
    left: Option<usize>,
    /// The keys that have been seen.
    seen: HashSet<Box<[u8]>>,
    rows: Option<RowConverter>,
    reservation: Option<MemoryReservation>,
    caught_up: bool,
    /// The last rows.
    last: VecDeque<RecordBatch>,
}

/// Makes plan nodes of steps.
pub(crate) struct StepPlanner {
    pub(crate) steps: Steps,
}

#[async_trait::async_trait]
impl ExtensionPlanner for StepPlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<StepNode>() else {
            return Ok(None);
        };
        let ([logical], [input]) = (logical_inputs, physical_inputs) else {
            return internal_err!("a step has one input");
        };
        let keys = node
            .step
            .keys()
            .iter()
            .map(|key| planner.create_physical_expr(key, logical.schema(), session, context));
        let (skip, left) = match node.step {
            Step::Limit { skip, fetch } => (skip, fetch),
            _ => (0, None),
        };
        let memory = Arc::new(Mutex::new(Memory {
            skip,
            left,
            ..Memory::default()
        }));
        lock(&self.steps.0).push(Arc::clone(&memory));
        Ok(Some(Arc::new(StepExec {
            step: node.step.clone(),
            keys: keys.collect::<Result<_>>()?,
            properties: Arc::clone(input.properties()),
            input: Arc::clone(input),
            memory,
        })))
    }
}

/// A step in a plan. All copies of it remember the same.
#[derive(Clone, Debug)]
struct StepExec {
    step: Step,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    memory: Arc<Mutex<Memory>>,
}

impl DisplayAs for StepExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        self.step.fmt_as(f)
    }
}

impl ExecutionPlan for StepExec {
    fn name(&self) -> &'static str {
        "StepExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let mut recursion = TreeNodeRecursion::Continue;
        for key in &self.keys {
            recursion = recursion.visit_sibling(|| f(key))?;
        }
        Ok(recursion)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.len()) {
            (Some(input), 0) => Ok(Arc::new(Self {
                properties: Arc::clone(input.properties()),
                input,
                ..Self::clone(&self)
            })),
            _ => internal_err!("a step has one input"),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(
            datafusion::physical_plan::execution_plan::ChildrenPropertiesMode::Recompute,
        );
        self.replace_children(children, options)
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let schema = self.schema();
        let input = self.input.execute(partition, Arc::clone(&context))?;
        if let Step::First { .. } = self.step {
            let mut memory = lock(&self.memory);
            memory.reservation.get_or_insert_with(|| {
                MemoryConsumer::new("dedup").register(context.memory_pool())
            });
        }
        let step = self.clone();
        let rows = input.map(move |batch| step.take(batch?));
        let step = self.clone();
        let held = stream::once(async move { step.held() });
        let rows = held.filter_map(async |held| held).chain(rows);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

impl StepExec {
    /// The last rows, once all that was there has come.
    fn held(&self) -> Option<Result<RecordBatch>> {
        let mut memory = lock(&self.memory);
        if !memory.caught_up || memory.last.is_empty() {
            return None;
        }
        let last = std::mem::take(&mut memory.last);
        let last: Vec<_> = last.into();
        let all = datafusion::arrow::compute::concat_batches(&self.schema(), &last);
        Some(all.map_err(Into::into))
    }

    fn take(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let mut memory = lock(&self.memory);
        match self.step {
            Step::Limit { .. } => Ok(memory.cut(&batch)),
            Step::First { .. } => memory.first(&self.keys, &batch),
            Step::Tail { count } => Ok(memory.keep(count, batch)),
        }
    }
}

impl Memory {
    fn cut(&mut self, batch: &RecordBatch) -> RecordBatch {
        let from = self.skip.min(batch.num_rows());
        self.skip -= from;
        let behind = batch.num_rows() - from;
        let count = self.left.map_or(behind, |left| left.min(behind));
        self.left = self.left.map(|left| left - count);
        batch.slice(from, count)
    }

    fn first(
        &mut self,
        keys: &[Arc<dyn PhysicalExpr>],
        batch: &RecordBatch,
    ) -> Result<RecordBatch> {
        let count = batch.num_rows();
        let values = keys
            .iter()
            .map(|key| key.evaluate(batch)?.into_array(count));
        let values = values.collect::<Result<Vec<_>>>()?;
        let converter = match &mut self.rows {
            Some(converter) => converter,
            None => {
                let fields = values
                    .iter()
                    .map(|it| SortField::new(it.data_type().clone()));
                self.rows.insert(RowConverter::new(fields.collect())?)
            }
        };
        let rows = converter.convert_columns(&values)?;
        let mut is_first = Vec::with_capacity(count);
        for row in &rows {
            let is_new = !self.seen.contains(row.data());
            if is_new {
                let reservation = self.reservation.as_mut();
                let reservation = reservation
                    .ok_or_else(|| plan_datafusion_err!("a step was run before it was begun"))?;
                reservation.try_grow(row.data().len() + KEY_BYTES)?;
                self.seen.insert(row.data().into());
            }
            is_first.push(is_new);
        }
        Ok(filter_record_batch(batch, &BooleanArray::from(is_first))?)
    }

    fn keep(&mut self, count: usize, batch: RecordBatch) -> RecordBatch {
        if self.caught_up {
            return batch;
        }
        let nothing = batch.slice(0, 0);
        self.last.push_back(birl_record::columns::compacted(&batch));
        let mut rows: usize = self.last.iter().map(RecordBatch::num_rows).sum();
        while let Some(first) = self.last.front_mut()
            && rows > count
        {
            let unwanted = (rows - count).min(first.num_rows());
            *first = first.slice(unwanted, first.num_rows() - unwanted);
            rows -= unwanted;
            if first.num_rows() == 0 {
                self.last.pop_front();
            }
        }
        nothing
    }
}

/// What a key takes in memory besides its bytes.
const KEY_BYTES: usize = 32;

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
