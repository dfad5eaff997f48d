//! Rows in the order of the input.
//!
//! To DataFusion, rows that nothing has sorted have no order: a sort may go below a limit, so that other
//! rows come through it, and a join gives the rows of either side in their order. Here a limit takes the
//! first rows that there are, a join with another table leaves those of the logs as they come, and functions
//! over windows, for which rows are sorted, leave them where they were.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::{Sort, WindowFunction};
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, Window, WindowFrame,
    WindowFunctionDefinition, ident,
};
use datafusion::physical_expr::{Distribution, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};

use crate::scan::ScanExec;
use crate::session::Sources;

/// The columns that keep the places of rows while functions over windows are worked out: among those that
/// are sorted before them, and among those that come.
const PLACE: &str = "__place";
const PLACE_BEFORE: &str = "__place_before";

/// The same plan, where rows come out of functions over windows as they went in, unless they are sorted or
/// grouped behind them.
pub(crate) fn windows(plan: LogicalPlan) -> Result<LogicalPlan> {
    ordered(plan, true)
}

/// The same, where the order of rows matters only if it `is_wanted`.
fn ordered(plan: LogicalPlan, is_wanted: bool) -> Result<LogicalPlan> {
    let is_wanted_below = match &plan {
        LogicalPlan::Window(window) if is_wanted && window.window_expr.iter().any(sorts) => {
            let columns = plan.schema().columns().into_iter().map(Expr::Column);
            return LogicalPlanBuilder::from(with_places(plan.clone())?)
                .sort([ident(PLACE).sort(true, false)])?
                .project(columns)?
                .build();
        }
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Window(_) => is_wanted,
        LogicalPlan::Sort(sort) => sort.fetch.is_some(),
        LogicalPlan::Aggregate(_) => false,
        _ => true,
    };
    let below = |input| Ok(Transformed::yes(ordered(input, is_wanted_below)?));
    plan.map_children(below).data()
}

/// Whether rows are sorted for a function over windows.
fn sorts(function: &Expr) -> bool {
    match function {
        Expr::Alias(alias) => sorts(&alias.expr),
        Expr::WindowFunction(function) => {
            let params = &function.params;
            !params.partition_by.is_empty() || !params.order_by.is_empty()
        }
        _ => true,
    }
}

/// A plan in whose rows are their places. Where a sort stands below functions over windows, they are those
/// behind it: nothing keeps DataFusion from leaving it out.
fn with_places(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Window(window) => {
            let input = Arc::new(with_places(Arc::unwrap_or_clone(window.input))?);
            Window::try_new(window.window_expr, input).map(LogicalPlan::Window)
        }
        LogicalPlan::Filter(filter) => {
            let input = with_places(Arc::unwrap_or_clone(filter.input))?;
            LogicalPlanBuilder::from(input)
                .filter(filter.predicate)?
                .build()
        }
        LogicalPlan::Projection(projection) => {
            let input = with_places(Arc::unwrap_or_clone(projection.input))?;
            let columns = projection.expr.into_iter().chain([ident(PLACE)]);
            LogicalPlanBuilder::from(input).project(columns)?.build()
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let input = with_places(Arc::unwrap_or_clone(alias.input))?;
            LogicalPlanBuilder::from(input).alias(alias.alias)?.build()
        }
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => {
            let input = ordered(Arc::unwrap_or_clone(sort.input), true)?;
            let input =
                LogicalPlanBuilder::from(input).window([numbered(Vec::new(), PLACE_BEFORE)?])?;
            let before = ident(PLACE_BEFORE).sort(true, false);
            let keys = sort.expr.into_iter().chain([before]).collect();
            input.window([numbered(keys, PLACE)?])?.build()
        }
        other => LogicalPlanBuilder::from(ordered(other, true)?)
            .window([numbered(Vec::new(), PLACE)?])?
            .build(),
    }
}

/// The numbers of rows that are sorted by `keys`.
fn numbered(keys: Vec<Sort>, name: &str) -> Result<Expr> {
    let number = WindowFunctionDefinition::WindowUDF(row_number_udwf());
    // By its frame it is another than a query's own, of which there may be one beside it.
    let number = Expr::from(WindowFunction::new(number, Vec::new()))
        .order_by(keys)
        .window_frame(WindowFrame::new(Some(true)))
        .build()?;
    Ok(number.alias(name))
}

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// The rules that plans are optimized by, with those of this module, over the records of `sources`.
pub(crate) fn rules(sources: &Arc<Sources>) -> Vec<Rule> {
    let mut rules = PhysicalOptimizer::new().rules;
    // Behind what chooses the sides of joins, and before what places sorts.
    let joined = rules
        .iter()
        .position(|rule| rule.name() == "join_selection");
    let at = joined.map_or(0, |at| at + 1);
    let sources = Arc::clone(sources);
    rules.insert(at, Arc::new(InOrder { sources }));
    rules
}

/// Keeps rows in the order of the input where they are not sorted.
#[derive(Debug)]
struct InOrder {
    sources: Arc<Sources>,
}

impl PhysicalOptimizerRule for InOrder {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let changed = plan.transform_up(|node| {
            if let Some(limit) = node.downcast_ref::<GlobalLimitExec>() {
                // What is sorted is so before it.
                return Ok(match limit.input().output_ordering() {
                    Some(_) => Transformed::no(node),
                    None => Transformed::yes(Arc::new(FirstExec::of(limit)) as _),
                });
            }
            match node.downcast_ref::<HashJoinExec>() {
                Some(join) => self.joined(join, &node),
                None => Ok(Transformed::no(node)),
            }
        });
        changed.data()
    }

    fn name(&self) -> &'static str {
        "in_order"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

impl InOrder {
    /// A join whose other side is held in memory, so that the records pass by as they come; those that
    /// have no partner behind the others of their batch.
    fn joined(
        &self,
        join: &HashJoinExec,
        node: &Arc<dyn ExecutionPlan>,
    ) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
        let sides = (
            self.has_records(join.left()),
            self.has_records(join.right()),
        );
        match (sides, join.join_type()) {
            ((true, false), JoinType::Inner | JoinType::Left) => {
                let swapped = join.swap_inputs(PartitionMode::CollectLeft)?;
                Ok(Transformed::yes(swapped))
            }
            ((false, true), JoinType::Inner | JoinType::Right)
                if *join.partition_mode() != PartitionMode::CollectLeft =>
            {
                let join = join
                    .builder()
                    .with_partition_mode(PartitionMode::CollectLeft);
                Ok(Transformed::yes(Arc::new(join.build()?)))
            }
            _ => Ok(Transformed::no(Arc::clone(node))),
        }
    }

    /// Whether rows of the records come into a node.
    fn has_records(&self, node: &Arc<dyn ExecutionPlan>) -> bool {
        let is_scan = node
            .downcast_ref::<ScanExec>()
            .is_some_and(|scan| Arc::ptr_eq(&scan.wanted().sources, &self.sources));
        is_scan || node.children().into_iter().any(|it| self.has_records(it))
    }
}

/// The first rows, behind some that are left out.
///
/// It is a [`GlobalLimitExec`] that nobody knows for one.
#[derive(Debug)]
struct FirstExec {
    input: Arc<dyn ExecutionPlan>,
    skip: usize,
    fetch: Option<usize>,
    properties: Arc<PlanProperties>,
}

impl FirstExec {
    fn of(limit: &GlobalLimitExec) -> Self {
        Self {
            input: Arc::clone(limit.input()),
            skip: limit.skip(),
            fetch: limit.fetch(),
            properties: Arc::clone(limit.properties()),
        }
    }

    fn limit(&self, input: Arc<dyn ExecutionPlan>) -> GlobalLimitExec {
        GlobalLimitExec::new(input, self.skip, self.fetch)
    }

    fn over(&self, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match <[_; 1]>::try_from(children) {
            Ok([input]) => Ok(Arc::new(Self::of(&self.limit(input)))),
            Err(_) => internal_err!("the first rows are of one input"),
        }
    }
}

impl DisplayAs for FirstExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "FirstExec: skip={}", self.skip)?;
        self.fetch
            .iter()
            .try_for_each(|fetch| write!(f, ", fetch={fetch}"))
    }
}

impl ExecutionPlan for FirstExec {
    fn name(&self) -> &'static str {
        "FirstExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    /// So that no sort goes below it.
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.over(children)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.over(children)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.limit(Arc::clone(&self.input))
            .execute(partition, context)
    }
}
