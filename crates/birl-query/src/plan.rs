//! A query that can be run.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use birl_record::columns::{FIXED, Misfits, Type};
use birl_record::query;
use birl_record::search::Search;
use birl_scan::Progress;
use birl_source::follow;
use birl_source::name::Name;
use birl_source::peek;
use birl_stream::try_stream;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Column as ColumnName, TableReference};
use datafusion::datasource::source_as_provider;
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;

use crate::answer::{Answer, Answers};
use crate::casts::Misread;
use crate::live::steps::{self, StepPlanner, Steps, unending};
use crate::live::{Given, Live, LivePlan, Resume, State, Stop, WindowCounts, Windowing};
use crate::numbers::{self, Reading};
use crate::pipe::{Chart, Translation};
use crate::rising::Courses;
use crate::scan::Told;
use crate::session::Session;
use crate::snapshots::Folded;
use crate::stands::stands;
use crate::table::{self, Logs};
use crate::tables::{Read, Tables};
use crate::{
    Error, casts, compared, division, flags, gaps, guessed, in_order, joined, multiset, orders,
    pipe, statement,
};

/// So many events may wait for being told.
const EVENTS_MAX: usize = 64;

/// What the rows of an answer are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Records as they stand in the sources.
    Records,
    /// Rows of some fields, as they come.
    Rows,
    /// Rows of which there are few, and that are known only when all of the input is: groups.
    Table,
}

/// A handle on what the scans of a plan have done.
#[derive(Clone, Debug)]
pub struct Scans(Arc<Mutex<Arc<Told>>>);

impl Scans {
    /// The counters of the scans that have begun, which go on counting.
    pub fn progress(&self) -> Vec<Progress> {
        self.told().progress()
    }

    /// The values that are null, since samples of their field are of another type.
    pub fn misfits(&self) -> Misfits {
        let mut all = Misfits::default();
        for scan in self.progress() {
            all.absorb(&scan.misfits());
        }
        all
    }

    /// The values that are null, since they are not what the query takes them for.
    pub fn misread(&self) -> Vec<Misread> {
        self.told().misread()
    }

    /// How many records were late for their windows so far.
    pub fn windows(&self) -> WindowCounts {
        self.told().windows()
    }

    fn told(&self) -> Arc<Told> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on, it is about what another plan does.
    fn turn_to(&self, plan: &Plan) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&plan.told);
    }
}

/// A query that can be run.
#[derive(Debug)]
pub struct Plan {
    kind: Kind,
    chart: Option<Chart>,
    is_sorted: bool,
    sql: String,
    logical: LogicalPlan,
    physical: Arc<dyn ExecutionPlan>,
    told: Arc<Told>,
    scans: Scans,
    events: mpsc::Receiver<birl_scan::Event>,
    unknown_fields: Vec<String>,
    live: Option<LivePlan>,
    pub(crate) courses: Courses,
    /// The columns that are texts and to be printed as the numbers that they are.
    numbers: Vec<usize>,
}

impl Plan {
    /// What the rows are.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The columns of the rows.
    pub fn schema(&self) -> SchemaRef {
        let schema = match &self.live {
            Some(live) => live.schema(),
            None => self.physical.schema(),
        };
        guessed::marked(&schema, &self.numbers)
    }

    /// Whether it is answered window by window.
    pub fn has_windows(&self) -> bool {
        self.live.as_ref().is_some_and(LivePlan::has_windows)
    }

    /// What ends it, where it is [live](Session::plan_live) and does not end by itself.
    pub fn stop(&self) -> Option<Stop> {
        self.live.as_ref().map(LivePlan::stop)
    }

    /// What chart the rows are, if they are of bins of time.
    pub fn chart(&self) -> Option<&Chart> {
        self.chart.as_ref()
    }

    /// Whether the query sorts the rows, so that they do not come in the order of the sources.
    pub fn is_sorted(&self) -> bool {
        self.is_sorted
    }

    /// The fields that the query names and no sampled record has.
    pub fn unknown_fields(&self) -> &[String] {
        &self.unknown_fields
    }

    /// The columns that tell the rows of the answer apart, where it is of groups: those that rows are
    /// grouped by, but for times, as far as the answer has them.
    pub fn keys(&self) -> Vec<String> {
        keys(&self.logical)
    }

    /// The SQL that the query is, and how it is answered.
    pub fn explain(&self) -> String {
        let physical = displayable(&*self.physical).indent(false);
        format!(
            "{}\n\n{}\n\n{physical}",
            self.sql,
            self.logical.display_indent()
        )
    }

    /// What the scans of this plan have done, once it runs.
    pub fn scans(&self) -> Scans {
        self.scans.clone()
    }

    /// Runs it. It must be called within a tokio runtime.
    ///
    /// A [live](Session::plan_live) plan gives answers for as long as its sources go on.
    ///
    /// # Errors
    /// Fails where the plan cannot begin; what goes wrong later comes in the stream.
    pub fn run(self, session: &Session) -> Result<Answers, Error> {
        if let Some(live) = self.live {
            let context = session.state.task_ctx();
            let answers = live.answers(self.kind, Arc::clone(&self.told), context, None);
            let answers = Answers::of_live(self.kind, answers, self.events, self.told);
            return Ok(answers.with_numbers(self.numbers));
        }
        let batches = execute_stream(self.physical, session.state.task_ctx())?;
        let batches = match self.chart {
            Some(chart) => with_gaps(chart, batches),
            None => batches,
        };
        let answers = Answers::of_batches(self.kind, batches, self.events, self.told);
        Ok(answers.with_numbers(self.numbers))
    }

    /// Runs a [live](Session::plan_live) plan over what `events` tells, instead of following its sources by
    /// itself: so that many queries can share one stream of what is followed (as by
    /// `birl_stream::FlowExt::share`), and each file is read once.
    ///
    /// At a barrier in that stream the answers have an [`Answer::Checkpoint`](crate::Answer::Checkpoint).
    /// Given its `state`, another run [resumes](Resume) behind the barrier, over a stream whose files are
    /// gone on with at its `positions` ([`Options::resume`](follow::Options::resume)): each record counts
    /// once. One of the same query is to be planned with the [fields](crate::fields_of_state) that are in
    /// the state.
    ///
    /// # Errors
    /// As [`run`](Self::run), where the plan is not live, or does not follow; and where it
    /// [cannot resume](Self::can_resume) the state.
    pub fn run_over(
        self,
        session: &Session,
        events: impl Stream<Item = follow::Event> + Send + 'static,
        resume: Resume<'_>,
    ) -> Result<Answers, Error> {
        let Some(live) = self.live.filter(LivePlan::follows) else {
            return Err(Error::run(
                "this query is not one of sources that are followed",
            ));
        };
        let of = live.of(&self.sql, session);
        let state = match resume.state {
            Some(state) => Some(State::of_bytes(state)?.check(&of)?),
            None => None,
        };
        let given = Given {
            events: Box::pin(events),
            of,
            carried: resume.begun,
            state,
        };
        let context = session.state.task_ctx();
        let answers = live.answers(self.kind, Arc::clone(&self.told), context, Some(given));
        Ok(Answers::of_live(self.kind, answers, self.events, self.told))
    }

    /// Whether a run of this plan goes on with all of a state.
    ///
    /// # Errors
    /// Fails, and says why, where the state is of another query, of other windows or of records with other
    /// fields, or cannot be read.
    pub fn can_resume(&self, session: &Session, state: &[u8]) -> Result<(), Error> {
        match &self.live {
            Some(live) => {
                let state = State::of_bytes(state)?;
                state.check(&live.of(&self.sql, session)).map(drop)
            }
            None => Err(Error::run("this query is not live")),
        }
    }

    /// Runs it, and gives what is known so far every `every`, as long as that is not too much, where
    /// the rows are groups; else as [`run`](Self::run).
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_with_snapshots(self, session: &Session, every: Duration) -> Result<Answers, Error> {
        match Folded::of(&self.physical) {
            Some(folded) => {
                let answers = Answers::of_snapshots(
                    self.chart,
                    folded,
                    every,
                    session.state.task_ctx(),
                    self.events,
                    self.told,
                );
                Ok(answers.with_numbers(self.numbers))
            }
            None => self.run(session),
        }
    }
}

impl Session {
    /// Runs the plan of the query that `text` is, as [`Plan::run`] or, given `every`, as
    /// [`Plan::run_with_snapshots`]. Where whole numbers turn out to be others behind the samples, and
    /// nothing of a table has been given yet, all is asked again; the [scans](Plan::scans) of the plan are
    /// those of the run that is on.
    pub fn answers(
        self,
        text: &str,
        plan: Plan,
        every: Option<Duration>,
    ) -> impl Stream<Item = Result<Answer, Error>> + Send + use<> {
        let (text, scans) = (text.to_owned(), plan.scans());
        try_stream! {
            // What does not end is not asked again.
            let is_whole = plan.kind() == Kind::Table && plan.stop().is_none();
            let mut plan = plan;
            let mut is_first = true;
            'again: loop {
                let mut answers = match every {
                    Some(every) => plan.run_with_snapshots(&self, every)?,
                    None => plan.run(&self)?,
                };
                let mut has_given = false;
                while let Some(answer) = answers.next().await {
                    let answer = answer?;
                    let is_final = match &answer {
                        // It was told when it came first.
                        Answer::Event(_) if !is_first => continue,
                        // Nobody asks for a barrier here.
                        Answer::Event(_) | Answer::Checkpoint { .. } => false,
                        Answer::Snapshot { is_last, .. } => *is_last,
                        Answer::Rows(_)
                        | Answer::Records(_)
                        | Answer::Window { .. }
                        | Answer::SoFar { .. }
                        | Answer::Time(_)
                        | Answer::Late(_) => true,
                    };
                    if is_final && is_whole && !has_given {
                        has_given = true;
                        if self.widen(&scans.progress()) {
                            plan = self.plan(&text).await?;
                            scans.turn_to(&plan);
                            is_first = false;
                            continue 'again;
                        }
                    }
                    yield answer;
                }
                break;
            }
        }
    }

    /// Plans the query that `text` is.
    ///
    /// # Errors
    /// Fails where it is no query, where it names what is not there, and where it would write.
    pub async fn plan(&self, text: &str) -> Result<Plan, Error> {
        self.plan_as(text, false, None).await
    }

    /// Plans the query that `text` is, so that the answer is rows, even where they are records.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub async fn plan_rows(&self, text: &str) -> Result<Plan, Error> {
        self.plan_as(text, true, None).await
    }

    /// Plans the query that `text` is, over sources that do not end: what there is, and what comes.
    ///
    /// # Errors
    /// As [`plan`](Self::plan), and where nothing could be told before all rows are known.
    pub async fn plan_live(&self, text: &str, live: Live) -> Result<Plan, Error> {
        self.plan_as(text, false, Some(live)).await
    }

    /// The same, so that the answer is rows, even where they are records.
    ///
    /// # Errors
    /// As [`plan_live`](Self::plan_live).
    pub async fn plan_live_rows(&self, text: &str, live: Live) -> Result<Plan, Error> {
        self.plan_as(text, true, Some(live)).await
    }

    async fn plan_as(&self, text: &str, as_rows: bool, live: Option<Live>) -> Result<Plan, Error> {
        let query = query::parse_over(text, &self.table_names())?;
        // What is wrong with the search is told at its place in the whole text.
        Search::with_clock(&query.search, self.sources.search, &self.sources.clock)?;
        let (translation, as_sql, mut tables) = self.translated(text, &query)?;
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let told = Arc::new(Told::new(events));
        let is_guessed = match (&live, &query.sql) {
            (Some(_), _) => Logs::guesses_live,
            (None, Some(_)) => Logs::guesses,
            (None, None) => Logs::guesses_in_steps,
        };
        let (logs, logical) = loop {
            let providers = tables.providers(&told);
            match self
                .logical(&tables.statement, &providers, is_guessed)
                .await
            {
                Ok(plan) => break (Arc::clone(&providers[0].1), plan),
                Err(error) => tables.amend(error)?,
            }
        };
        let windowing = live.as_ref().and_then(|live| windowing(live, &logical));
        let logical = match (&live, &windowing) {
            (Some(_), None) => unending(logical)?,
            // What stands before bins is of all records, and not of those of a bin.
            (Some(_), Some(windowing)) if !windowing.is_asked => unending(logical)?,
            _ => logical,
        };
        if windowing.is_some() && steps::holds_back(&logical) {
            let error = Error::run("the last rows have no place in bins of time");
            return Err(error.with_hint("ask for those of each window: --window 1m, without bins"));
        }
        // A window has rows of its own.
        let as_rows = as_rows || windowing.is_some();
        let (kind, logical) = shown(&logs, logical, as_rows, &tables.unshown())?;
        let folds = live.is_some() && steps::folds(&logical);
        if windowing.is_some() && steps::logs(&logical)? > 1 {
            logs.set_finds_all();
        }
        if live.is_none() && self.reads_pipe() && steps::logs(&logical)? > 1 {
            let error = Error::run(
                "this query reads its records twice, and standard input can be read once",
            );
            return Err(error.with_hint("write them to a file, and ask that"));
        }
        // Rows that go on for ever have no functions over windows.
        let logical = match live {
            Some(_) => logical,
            None => in_order::windows(logical)?,
        };
        let courses = Courses::of(&logical);
        let numbers = guessed::numbers(&logical);
        let state = match live {
            Some(_) => self.live_state(),
            None => self.state.clone(),
        };
        let logical = orders::once(state.optimize(&logical)?)?;
        let logical = casts::counted(logical, &told)?;
        // What is live comes in its order from the first of all partitions; there are several so that
        // groups are made in two parts.
        if is_unordered(&logical) || live.is_some() && has_groups(&logical)? {
            logs.set_partitions(state.config().target_partitions());
        }
        let steps = Steps::default();
        let planner = StepPlanner {
            steps: steps.clone(),
        };
        let physical = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(planner)])
            .create_physical_plan(&logical, &state)
            .await?;
        if self.is_guarded {
            check_joins(&*physical)?;
        }
        let live = live.map(|live| {
            let chart = translation.chart.clone();
            let parts = (steps, windowing, chart);
            LivePlan::new(&physical, &self.sources, folds, parts, live)
        });
        let live = live.transpose()?;
        if let Some(live) = &live
            && kind == Kind::Table
            && !live.has_windows()
            && live.folded.is_none()
        {
            let error = Error::run("these groups are known only when all rows are");
            return Err(error.with_hint("ask for them window by window: --window 1m"));
        }
        Ok(Plan {
            kind,
            chart: translation.chart,
            is_sorted: translation.is_sorted,
            sql: as_sql.to_string(),
            logical,
            physical,
            scans: Scans(Arc::new(Mutex::new(Arc::clone(&told)))),
            told,
            events: receiver,
            unknown_fields: tables.unknown,
            live,
            courses,
            numbers,
        })
    }

    /// Where plans are made whose groups can be told again and again: of two parts, the first of which
    /// gives states, also where groups are of different values.
    fn live_state(&self) -> SessionState {
        let rules = self.state.optimizers().iter();
        let rules = rules.filter(|rule| rule.name() != "single_distinct_aggregation_to_group_by");
        let joins_parts = "CombinePartialFinalAggregate";
        let physical = self.state.physical_optimizers().iter();
        let physical = physical.filter(|rule| rule.name() != joins_parts);
        let partitions = self.state.config().target_partitions().max(2);
        let config = self.state.config().clone();
        SessionStateBuilder::new_from_existing(self.state.clone())
            .with_optimizer_rules(rules.cloned().collect())
            .with_physical_optimizer_rules(physical.cloned().collect())
            .with_config(config.with_target_partitions(partitions))
            .build()
    }

    /// Whether records come from standard input, and that is no file.
    fn reads_pipe(&self) -> bool {
        let mut names = self.sources.names.iter();
        names.any(|name| matches!(name, Name::Stdin)) && !peek::is_file()
    }

    /// What a query is in SQL, this as people are shown it, and the tables that it is to be planned over.
    ///
    /// Files that are tables are looked into, so it blocks.
    fn translated<'q>(
        &self,
        text: &'q str,
        query: &query::tree::Query,
    ) -> Result<(Translation, ast::Statement, Tables<'q>), Error> {
        let read = Read::new(self);
        let known = pipe::Known {
            field: &|name| self.field_called(name),
            columns: &|name| read.columns(name),
        };
        let translation = pipe::translate(query, known, &self.sources.clock)?;
        let as_number = |name: &str, expr: &ast::Expr, reading: Reading| {
            let ty = match numbers::list_of(name) {
                Some(list) => match self.type_called(list)? {
                    Type::List(element) => *element,
                    _ => return None,
                },
                None => self.type_called(name)?,
            };
            match ty {
                Type::Text => Some(reading.number_of(expr)),
                Type::Bool => Some(pipe::template("CAST($1 AS BIGINT)", &[expr])),
                _ => None,
            }
        };
        let mut statement = translation.statement.clone();
        let mut as_sql = statement.clone();
        numbers::of_others(&mut as_sql, &as_number);
        statement::name_columns(&mut statement);
        numbers::of_others(&mut statement, &as_number);
        flags::of_conditions(&mut statement, &|name| self.may_be_flag(name));
        statement::name_replaced(&mut statement);
        let tables = Tables::new(self, text, statement, &translation.lookups, &read)?;
        Ok((translation, as_sql, tables))
    }

    /// The field of the records that a name means: the one that is called so, or else the only one that is
    /// but for the case, first of those that stand in the record itself.
    fn field_called(&self, name: &str) -> Option<String> {
        let fields = &self.sources.fields;
        if FIXED.contains(&name) || fields.get(name).is_some() {
            return Some(name.to_owned());
        }
        let own = FIXED
            .into_iter()
            .chain(fields.iter().map(|(name, _)| name))
            .filter(|it| it.eq_ignore_ascii_case(name));
        let own: BTreeSet<_> = own.collect();
        let all = fields.all().map(|(name, _)| name);
        let within = all.filter(|it| own.is_empty() && it.eq_ignore_ascii_case(name));
        let alike: BTreeSet<_> = own.iter().copied().chain(within).collect();
        match alike.len() {
            1 => alike.first().map(|name| (*name).to_owned()),
            _ => None,
        }
    }

    /// The type of the field that is called so, perhaps in another case.
    fn type_called(&self, name: &str) -> Option<Type> {
        let fields = &self.sources.fields;
        let mut alike = fields
            .iter()
            .filter(|(it, _)| it.eq_ignore_ascii_case(name));
        fields.get(name).or_else(|| alike.next().map(|(_, ty)| ty))
    }

    /// Whether the field that is called so is text, and true or false in some records.
    fn may_be_flag(&self, name: &str) -> bool {
        let is_text = self
            .type_called(name)
            .is_none_or(|sampled| sampled == Type::Text);
        is_text && self.sources.fields.may_be_flag(name)
    }

    async fn logical(
        &self,
        statement: &ast::Statement,
        tables: &[(&str, Arc<Logs>)],
        is_guessed: guessed::IsSo,
    ) -> Result<LogicalPlan, DataFusionError> {
        for (name, table) in tables {
            let schema = self.state.schema_for_ref(TableReference::bare(*name))?;
            schema.deregister_table(name)?;
            schema.register_table((*name).to_owned(), Arc::clone(table) as _)?;
        }
        let mentioned = statement::mentioned(statement);
        let statement = Statement::Statement(Box::new(statement.clone()));
        let plan = self.state.statement_to_plan(statement).await?;
        compared::check(&plan)?;
        let plan = joined::by_name(multiset::counted(plan)?, &mentioned)?;
        guessed::by_value(division::by_zero_is_null(plan)?, is_guessed)
    }
}

/// Refuses to hold each row against all others, which takes for ever.
fn check_joins(plan: &dyn ExecutionPlan) -> Result<(), Error> {
    if matches!(plan.name(), "NestedLoopJoinExec" | "CrossJoinExec") {
        let error = Error::run("this query holds each row against all others");
        return Err(error.with_hint("join rows of which a column is equal: on a.id = b.id"));
    }
    let mut inputs = plan.children().into_iter();
    inputs.try_for_each(|input| check_joins(&**input))
}

/// All rows at once, with those of bins in which nothing was.
fn with_gaps(chart: Chart, batches: SendableRecordBatchStream) -> SendableRecordBatchStream {
    let schema = batches.schema();
    let filled = async move { gaps::filled(batches.try_collect().await?, &chart) };
    let filled = stream::once(filled)
        .map_ok(|rows| stream::iter(rows).map(Ok))
        .try_flatten();
    Box::pin(RecordBatchStreamAdapter::new(schema, filled))
}

/// What the rows of a plan are, and the plan without the columns that nobody sees, `unshown` among them.
fn shown(
    logs: &Logs,
    plan: LogicalPlan,
    as_rows: bool,
    unshown: &BTreeSet<String>,
) -> Result<(Kind, LogicalPlan), Error> {
    let all: Vec<_> = plan
        .schema()
        .iter()
        .map(|(qualifier, field)| (qualifier.cloned(), field.name().clone()))
        .collect();
    let twice = joined::shown_twice(&plan)?;
    let is_visible = |column: &&(Option<TableReference>, String)| {
        let (qualifier, name) = column;
        let is_twice = || twice.contains(&ColumnName::new(qualifier.clone(), name.clone()));
        let is_hidden = name == table::ORIGIN || logs.hides(name) || unshown.contains(name);
        !is_hidden && !is_twice()
    };
    let visible: Vec<_> = all.iter().filter(is_visible).collect();
    let has_origin = all.iter().any(|(_, name)| name == table::ORIGIN);
    let is_record = !as_rows
        && has_origin
        && visible
            .iter()
            .map(|(_, name)| name.as_str())
            .eq(logs.visible().filter(|it| !unshown.contains(*it)))
        && all.iter().all(|(qualifier, name)| {
            stands(&ColumnName::new(qualifier.clone(), name.clone()), &plan)
        });
    let column = |(qualifier, name): &(Option<TableReference>, String)| {
        Expr::Column(ColumnName::new(qualifier.clone(), name.clone()))
    };
    if is_record {
        let wanted = ["timestamp", "offset", "line", table::ORIGIN];
        let columns = wanted.map(|wanted| {
            let found = all.iter().find(|(_, name)| name == wanted);
            column(found.expect("a record has all fixed columns"))
        });
        let plan = LogicalPlanBuilder::from(plan).project(columns)?.build()?;
        return Ok((Kind::Records, plan));
    }
    let kind = match has_groups(&plan)? {
        true => Kind::Table,
        false => Kind::Rows,
    };
    if visible.len() == all.len() {
        return Ok((kind, plan));
    }
    let columns: Vec<_> = visible.into_iter().map(column).collect();
    let plan = LogicalPlanBuilder::from(plan).project(columns)?.build()?;
    Ok((kind, plan))
}

fn has_groups(plan: &LogicalPlan) -> Result<bool, Error> {
    Ok(plan.exists(|node| {
        Ok(matches!(
            node,
            LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_)
        ))
    })?)
}

/// The columns of a plan's rows that these are grouped by, but for times.
fn keys(plan: &LogicalPlan) -> Vec<String> {
    match plan {
        LogicalPlan::Aggregate(aggregate) => {
            let columns = aggregate.schema.fields().iter();
            let keys = columns.take(aggregate.group_expr.len());
            keys.filter(|key| !matches!(key.data_type(), DataType::Timestamp(..)))
                .map(|key| key.name().clone())
                .collect()
        }
        LogicalPlan::Projection(projection) => {
            let below = keys(&projection.input);
            let columns = projection.expr.iter().zip(projection.schema.fields());
            let is_key = |expr: &Expr| match expr.clone().unalias_nested().data {
                Expr::Column(column) => below.contains(&column.name),
                _ => false,
            };
            columns
                .filter(|(expr, _)| is_key(expr))
                .map(|(_, column)| column.name().clone())
                .collect()
        }
        LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::SubqueryAlias(_) => plan.inputs().into_iter().flat_map(keys).collect(),
        _ => Vec::new(),
    }
}

/// The windows that a query is asked of: those that are wished for, or its bins of time.
fn windowing(live: &Live, plan: &LogicalPlan) -> Option<Windowing> {
    match live.windows {
        Some(over) => Some(Windowing::asked(over)),
        None => steps::bins(plan).map(Windowing::bins),
    }
}

/// Whether no scan of logs has rows whose order matters.
fn is_unordered(plan: &LogicalPlan) -> bool {
    fn visit(plan: &LogicalPlan, unordered: bool) -> bool {
        let below = match plan {
            LogicalPlan::TableScan(scan) => {
                let is_logs = source_as_provider(&scan.source)
                    .is_ok_and(|provider| provider.downcast_ref::<Logs>().is_some());
                return unordered || !is_logs;
            }
            LogicalPlan::Aggregate(_) => true,
            LogicalPlan::Filter(_) | LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) => {
                unordered
            }
            _ => false,
        };
        plan.inputs().into_iter().all(|input| visit(input, below))
    }
    visit(plan, false)
}
