//! Sessions of each group: which rows are of which group, and the states of the groups of all sessions.
//!
//! The rows that come run through what stands below the aggregate, with a column that tells which
//! they were; so it is known which of them are left, and of which group each is. Then each has a
//! session, and all run through the aggregate at once, which has the number of the session as one
//! more group. What stands above it runs for all sessions that close at once, where it looks at each row by
//! itself, and else for each of them: however many sessions are open, few plans run.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array};
use datafusion::arrow::compute::{concat_batches, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type, UInt64Type};
use datafusion::arrow::row::{Row, RowConverter, SortField};
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, collect};

use serde::{Deserialize, Serialize};

use super::feed::Feed;
use super::intake::Rows;
use super::saved::Tables;
use super::window::{Added, Closed, Key, Open};
use crate::snapshots::{Folded, States};

/// The column that is added to rows: which of those that have come each was, then its session.
const NUMBER: &str = "$number";

/// So many rows wait to be folded.
const ROWS_MAX: usize = 8192;

/// What an open session takes besides its key and its states: its places in maps.
const SESSION_BYTES: usize = 256;

/// What of a plan is needed for sessions of each group.
#[derive(Debug)]
pub(crate) struct Keyed {
    /// Gives the rows that the aggregate takes of those of `feed`, each with its number.
    below: Arc<dyn ExecutionPlan>,
    feed: Arc<Feed>,
    feed_schema: SchemaRef,
    /// The schema of what `below` gives.
    schema: SchemaRef,
    /// What tells groups apart.
    keys: Vec<Arc<dyn PhysicalExpr>>,
    converter: RowConverter,
    /// Makes states of the rows of `input`.
    folded: Folded,
    input: Arc<Feed>,
    input_schema: SchemaRef,
    /// The column of states that says of which session they are.
    session_column: usize,
    above: Option<Above>,
}

/// What stands above the aggregate, where it looks at each row by itself.
#[derive(Debug)]
struct Above {
    plan: Arc<dyn ExecutionPlan>,
    /// Has the rows of the aggregate, each with its session.
    feed: Arc<Feed>,
    schema: SchemaRef,
    /// The columns of the aggregate, with the session behind all others.
    columns: Vec<usize>,
}

/// The states of the groups of all open sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    states: States,
    /// Rows that are not in them yet.
    waiting: Vec<RecordBatch>,
    count: usize,
    /// The memory of each open session.
    bytes: HashMap<u64, usize>,
    reservation: MemoryReservation,
}

/// Open sessions of groups as they are kept.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct SavedSessions {
    /// The table of their states.
    states: usize,
    bytes: HashMap<u64, usize>,
}

/// Whether what an aggregate groups by tells groups apart whose sessions can be told apart.
pub(crate) fn has_keys(aggregate: &AggregateExec) -> bool {
    let groups = aggregate.group_expr();
    let is_key = |(group, _): &(Arc<dyn PhysicalExpr>, String)| {
        let ty = group.data_type(&aggregate.input_schema());
        ty.is_ok_and(|ty| !matches!(ty, DataType::Timestamp(..)))
    };
    groups.expr().iter().any(is_key)
}

impl Keyed {
    /// What is needed for sessions of each group of this aggregate, which stands above `feed`; `None`
    /// where what stands between does not look at each row by itself.
    pub(crate) fn of(folded: &Folded, feed: &Arc<Feed>) -> Result<Option<Self>> {
        let partial = folded.partial();
        let groups = partial.group_expr();
        if groups.has_grouping_set() {
            return Ok(None);
        }
        let feed_schema = wider(&feed.schema(), DataType::UInt32);
        let wide = Arc::new(Feed::new(Arc::clone(&feed_schema), 1));
        let Some(below) = carrying(partial.input(), feed, &wide, false)? else {
            return Ok(None);
        };
        let input_schema = partial.input().schema();
        let mut keys = Vec::new();
        let mut fields = Vec::new();
        for (group, _) in groups.expr() {
            let ty = group.data_type(&input_schema)?;
            if !matches!(ty, DataType::Timestamp(..)) {
                keys.push(Arc::clone(group));
                fields.push(SortField::new(ty));
            }
        }
        let session = Arc::new(Column::new(NUMBER, input_schema.fields().len()));
        let input_schema = wider(&input_schema, DataType::UInt64);
        let input = Arc::new(Feed::new(Arc::clone(&input_schema), 1));
        let session_column = groups.expr().len();
        let mut groups = groups.expr().to_vec();
        groups.push((session as Arc<dyn PhysicalExpr>, NUMBER.to_owned()));
        let partial = AggregateExec::try_new(
            AggregateMode::Partial,
            PhysicalGroupBy::new_single(groups),
            partial.aggr_expr().to_vec(),
            partial.filter_expr().to_vec(),
            Arc::clone(&input) as Arc<dyn ExecutionPlan>,
            Arc::clone(&input_schema),
        )?;
        // Then a session has one row.
        let has_one_row = keys.len() == session_column;
        let above = match has_one_row {
            true => Above::of(folded, session_column)?,
            false => None,
        };
        Ok(Some(Self {
            above,
            schema: below.schema(),
            below,
            feed: wide,
            feed_schema,
            keys,
            converter: RowConverter::new(fields)?,
            session_column,
            folded: Folded::of_states(partial)?,
            input,
            input_schema,
        }))
    }

    /// The rows that the aggregate takes of these, with the number of each.
    async fn rows(&self, rows: &RecordBatch, context: &Arc<TaskContext>) -> Result<RecordBatch> {
        let numbers = UInt32Array::from_iter_values((0..).take(rows.num_rows()));
        let rows = widened(rows, Arc::new(numbers), &self.feed_schema)?;
        self.feed.put(vec![rows]);
        let below = reset_plan_states(Arc::clone(&self.below))?;
        let rows = collect(below, Arc::clone(context)).await?;
        Ok(concat_batches(&self.schema, &rows)?)
    }

    /// What tells the group of each row.
    fn keys(&self, rows: &RecordBatch) -> Result<datafusion::arrow::row::Rows> {
        let keys = self.keys.iter();
        let keys = keys.map(|key| key.evaluate(rows)?.into_array(rows.num_rows()));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        Ok(self.converter.convert_columns(&keys)?)
    }
}

impl Sessions {
    /// None is open yet.
    pub(crate) fn new(context: &TaskContext) -> Self {
        let consumer = MemoryConsumer::new("sessions that are open");
        Self {
            states: States::without_end(context),
            waiting: Vec::new(),
            count: 0,
            bytes: HashMap::new(),
            reservation: consumer.register(context.memory_pool()),
        }
    }

    /// Puts rows of a source, of which `part` is what the query reads, into the sessions of their
    /// groups, and gives the places of those that come too late; `now` is what the clock shows.
    pub(crate) async fn add(
        &mut self,
        open: &mut Open,
        rows: &Rows,
        part: &RecordBatch,
        now: i64,
        keyed: &Keyed,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<u32>> {
        let left = keyed.rows(part, context).await?;
        let keys = keyed.keys(&left)?;
        let (numbers, left) = unnumbered(&left)?;
        let mut place_of = vec![None; part.num_rows()];
        for (place, number) in (0..).zip(numbers.as_primitive::<UInt32Type>().values()) {
            place_of[*number as usize] = Some(place);
        }
        let key_of = |row: u32| Some(keys.row(place_of[row as usize]? as usize));
        let added = open.add_keyed(rows.source, &rows.times, now, |row| {
            Some(Key::from(key_of(row)?.as_ref()))
        });
        self.begin(&added, key_of)?;
        let placed = added.contents.iter().flat_map(|(session, rows)| {
            let places = rows.iter().filter_map(|row| place_of[*row as usize]);
            places.map(|place| (place, *session))
        });
        let mut placed: Vec<_> = placed.collect();
        // Functions such as `first` go by the order of rows.
        placed.sort_unstable();
        let (places, sessions): (Vec<u32>, Vec<u64>) = placed.into_iter().unzip();
        if places.is_empty() {
            return Ok(added.late);
        }
        let left = take_record_batch(&left, &UInt32Array::from(places))?;
        let sessions = UInt64Array::from(sessions);
        self.count += left.num_rows();
        self.waiting
            .push(widened(&left, Arc::new(sessions), &keyed.input_schema)?);
        if self.count >= ROWS_MAX {
            self.fold(keyed, context).await?;
        }
        Ok(added.late)
    }

    /// Takes note of the sessions that have begun.
    fn begin<'k>(&mut self, added: &Added, key_of: impl Fn(u32) -> Option<Row<'k>>) -> Result<()> {
        for (session, rows) in &added.contents {
            if self.bytes.contains_key(session) {
                continue;
            }
            let key = rows.first().and_then(|row| key_of(*row));
            let bytes = SESSION_BYTES + 2 * key.map_or(0, |key| key.as_ref().len());
            self.reservation.try_grow(bytes)?;
            self.bytes.insert(*session, bytes);
        }
        Ok(())
    }

    /// Makes states of the rows that wait.
    async fn fold(&mut self, keyed: &Keyed, context: &Arc<TaskContext>) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.count = 0;
        keyed.input.put(std::mem::take(&mut self.waiting));
        let slice = keyed.folded.fold(context).await?;
        self.states.push(slice, &keyed.folded, context).await
    }

    /// The answers of sessions that have closed, by the first of the numbers of each; `folded` is the
    /// query's own aggregate.
    pub(crate) async fn close(
        &mut self,
        closed: &VecDeque<Closed>,
        keyed: &Keyed,
        folded: &Folded,
        context: &Arc<TaskContext>,
    ) -> Result<HashMap<u64, Vec<RecordBatch>>> {
        if closed.is_empty() {
            return Ok(HashMap::new());
        }
        self.fold(keyed, context).await?;
        // Sessions that have become one have several numbers.
        let mut first_of = HashMap::new();
        for session in closed {
            let numbers = session.contents.iter();
            first_of.extend(numbers.map(|number| (*number, session.contents[0])));
        }
        let (mut kept, mut gone) = (Vec::new(), Vec::new());
        for rows in self.states.kept() {
            let sessions = rows.column(keyed.session_column);
            let sessions = sessions.as_primitive::<UInt64Type>().values();
            let (mut stay, mut go, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
            for (row, session) in (0..).zip(sessions) {
                match first_of.get(session) {
                    None => stay.push(row),
                    Some(first) => {
                        go.push(row);
                        numbers.push(*first);
                    }
                }
            }
            if go.is_empty() {
                kept.push(rows.clone());
                continue;
            }
            if !stay.is_empty() {
                kept.push(take_record_batch(rows, &UInt32Array::from(stay))?);
            }
            let rows = take_record_batch(rows, &UInt32Array::from(go))?;
            let mut columns = rows.columns().to_vec();
            columns[keyed.session_column] = Arc::new(UInt64Array::from(numbers));
            gone.push(RecordBatch::try_new(rows.schema(), columns)?);
        }
        self.states.keep(kept)?;
        let freed = first_of.keys().filter_map(|it| self.bytes.remove(it));
        self.reservation.shrink(freed.sum());
        match &keyed.above {
            Some(above) => {
                let rows = keyed.folded.rows_of(&gone, context).await?;
                let rows = rows.iter().map(|rows| {
                    let rows = rows.project(&above.columns)?;
                    Ok(RecordBatch::try_new(
                        Arc::clone(&above.schema),
                        rows.columns().to_vec(),
                    )?)
                });
                above.feed.put(rows.collect::<Result<_>>()?);
                let plan = reset_plan_states(Arc::clone(&above.plan))?;
                let rows = collect(plan, Arc::clone(context)).await?;
                let session = |rows: &RecordBatch| rows.num_columns() - 1;
                by_session(&rows, session)
            }
            None => {
                let states = by_session(&gone, |_| keyed.session_column)?;
                let mut answers = HashMap::new();
                for (session, states) in states {
                    answers.insert(session, folded.rows_of(&states, context).await?);
                }
                Ok(answers)
            }
        }
    }

    /// The states, as few as they can be, to go on with them elsewhere.
    pub(crate) async fn saved(
        &mut self,
        tables: &mut Tables,
        keyed: &Keyed,
        context: &Arc<TaskContext>,
    ) -> Result<SavedSessions> {
        self.fold(keyed, context).await?;
        let states = self.states.saved(&keyed.folded, context).await?;
        Ok(SavedSessions {
            states: tables.add(states),
            bytes: self.bytes.clone(),
        })
    }

    /// Goes on with those that were elsewhere.
    pub(crate) fn restored(
        saved: SavedSessions,
        tables: &mut Tables,
        context: &TaskContext,
    ) -> Result<Self> {
        let mut sessions = Self::new(context);
        sessions.reservation.try_grow(saved.bytes.values().sum())?;
        sessions.bytes = saved.bytes;
        sessions.states = States::restored(tables.take(saved.states), context)?;
        Ok(sessions)
    }
}

impl Above {
    /// What stands above an aggregate, of which each session has one row, and whose rows have the session
    /// in this column; `None` where it does not look at each row by itself.
    fn of(folded: &Folded, session_column: usize) -> Result<Option<Self>> {
        let narrow = folded.last_schema();
        let instead = Arc::new(Feed::new(Arc::clone(&narrow), 1));
        let above = folded.above_last(&(Arc::clone(&instead) as Arc<dyn ExecutionPlan>))?;
        let schema = wider(&narrow, DataType::UInt64);
        let feed = Arc::new(Feed::new(Arc::clone(&schema), 1));
        let plan = carrying(&above, &instead, &feed, true)?;
        let others = (0..schema.fields().len()).filter(|column| *column != session_column);
        let columns = others.chain([session_column]).collect();
        Ok(plan.map(|plan| Self {
            plan,
            feed,
            schema,
            columns,
        }))
    }
}

/// The rows of each session, without this column, which says which it is.
fn by_session(
    rows: &[RecordBatch],
    column: impl Fn(&RecordBatch) -> usize,
) -> Result<HashMap<u64, Vec<RecordBatch>>> {
    let mut all: HashMap<u64, Vec<RecordBatch>> = HashMap::new();
    for rows in rows {
        let column = column(rows);
        let mut of: HashMap<u64, Vec<u32>> = HashMap::new();
        let sessions = rows.column(column).as_primitive::<UInt64Type>().values();
        for (row, session) in (0..).zip(sessions) {
            of.entry(*session).or_default().push(row);
        }
        let mut rows = rows.clone();
        rows.remove_column(column);
        for (session, places) in of {
            let rows = take_record_batch(&rows, &UInt32Array::from(places))?;
            all.entry(session).or_default().push(rows);
        }
    }
    Ok(all)
}

/// The same plan above `wide` as above `feed`, where the last column of each node is that of `wide`;
/// `None` where a node does not look at each row by itself, or makes several of one. Where each number is
/// of one row (`of_one`), rows are neither put in an order nor limited.
fn carrying(
    node: &Arc<dyn ExecutionPlan>,
    feed: &Arc<Feed>,
    wide: &Arc<Feed>,
    of_one: bool,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(it) = node.downcast_ref::<Feed>() {
        let is_it = std::ptr::eq(it, &**feed);
        return Ok(is_it.then(|| Arc::clone(wide) as Arc<dyn ExecutionPlan>));
    }
    let [child] = node.children()[..] else {
        return Ok(None);
    };
    let Some(input) = carrying(child, feed, wide, of_one)? else {
        return Ok(None);
    };
    match node.fetch() {
        Some(fetch) if !of_one || fetch == 0 => return Ok(None),
        _ => {}
    }
    let last = input.schema().fields().len() - 1;
    let number = || Arc::new(Column::new(NUMBER, last)) as Arc<dyn PhysicalExpr>;
    if let Some(it) = node.downcast_ref::<ProjectionExec>() {
        let mut columns = it.expr().to_vec();
        columns.push(ProjectionExpr {
            expr: number(),
            alias: NUMBER.to_owned(),
        });
        return Ok(Some(Arc::new(ProjectionExec::try_new(columns, input)?)));
    }
    if let Some(it) = node.downcast_ref::<FilterExec>() {
        let projection = it.projection().as_ref().map(|columns| {
            let columns = columns.iter().copied();
            columns.chain([last]).collect()
        });
        let filter = FilterExecBuilder::new(Arc::clone(it.predicate()), input);
        let filter = filter.apply_projection(projection)?.build()?;
        return Ok(Some(Arc::new(filter)));
    }
    let passes = node.downcast_ref::<RepartitionExec>().is_some()
        || node.downcast_ref::<CoalescePartitionsExec>().is_some()
        || node.downcast_ref::<CooperativeExec>().is_some();
    let is_limit = node.downcast_ref::<LocalLimitExec>().is_some()
        || (node.downcast_ref::<GlobalLimitExec>()).is_some_and(|it| it.skip() == 0);
    let leaves_one = is_limit
        || node.downcast_ref::<SortExec>().is_some()
        || node.downcast_ref::<SortPreservingMergeExec>().is_some();
    // Rows stay in their order, and there is one partition.
    Ok((passes || of_one && leaves_one).then_some(input))
}

/// The last column, and all others.
fn unnumbered(rows: &RecordBatch) -> Result<(ArrayRef, RecordBatch)> {
    let mut rows = rows.clone();
    let number = rows.remove_column(rows.num_columns() - 1);
    Ok((number, rows))
}

/// A schema with a number as one more column.
fn wider(schema: &SchemaRef, ty: DataType) -> SchemaRef {
    let number = Arc::new(Field::new(NUMBER, ty, false));
    let fields = schema.fields().iter().cloned().chain([number]);
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Rows with one more column.
fn widened(rows: &RecordBatch, column: ArrayRef, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = rows.columns().iter().cloned().chain([column]).collect();
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}
