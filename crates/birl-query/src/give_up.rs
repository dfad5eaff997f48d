//! What lets a query be given up in the middle of a join.
//!
//! What runs is given up where it waits. A join of which nothing is left by what is asked of its rows does not, for as
//! long as it takes to hold all of them against each other.

use std::fmt::{self, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{FieldRef, Schema};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::joins::utils::JoinFilter;

/// Tells the queries of a [guarded session](crate::Session::guarded) that nobody waits for them any more. A clone tells
/// the same queries.
#[derive(Clone, Debug, Default)]
pub struct GiveUp(Arc<AtomicBool>);

impl GiveUp {
    /// From now on, all of them fail, also those that run.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Makes joins such that they can be given up.
#[derive(Debug)]
pub(crate) struct Checking(pub(crate) GiveUp);

impl PhysicalOptimizerRule for Checking {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let changed = plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<HashJoinExec>() else {
                return Ok(Transformed::no(node));
            };
            let filter = join.filter().map(|filter| self.checked(filter));
            let join = join.builder().with_filter(filter).build_exec()?;
            // One that gives many rows lets others have their turn among them.
            Ok(Transformed::yes(Arc::new(CooperativeExec::new(join)) as _))
        });
        changed.data()
    }

    fn name(&self) -> &'static str {
        "give_up"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

impl Checking {
    /// A filter of pairs of rows, of which a join asks it about few at a time.
    fn checked(&self, filter: &JoinFilter) -> JoinFilter {
        let checked = Checked {
            condition: Arc::clone(filter.expression()),
            give_up: self.0.clone(),
        };
        let columns = filter.column_indices().to_vec();
        JoinFilter::new(Arc::new(checked), columns, Arc::clone(filter.schema()))
    }
}

/// A condition that fails once the query is given up.
#[derive(Clone, Debug)]
struct Checked {
    condition: Arc<dyn PhysicalExpr>,
    give_up: GiveUp,
}

impl PhysicalExpr for Checked {
    fn return_field(&self, input: &Schema) -> Result<FieldRef> {
        self.condition.return_field(input)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        match self.give_up.is_so() {
            true => exec_err!("nobody waits for the answer any more"),
            false => self.condition.evaluate(batch),
        }
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.condition]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let give_up = self.give_up.clone();
        let condition = children.remove(0);
        Ok(Arc::new(Self { condition, give_up }))
    }

    fn fmt_sql(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(f)
    }
}

impl Display for Checked {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)
    }
}

impl PartialEq for Checked {
    fn eq(&self, other: &Self) -> bool {
        self.condition.eq(&other.condition)
    }
}

impl Eq for Checked {}

impl Hash for Checked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::Int64Array;
    use datafusion::arrow::datatypes::{DataType, Field};
    use datafusion::datasource::MemTable;
    use datafusion::execution::SessionStateBuilder;
    use datafusion::prelude::SessionContext;

    use super::*;

    #[tokio::test]
    async fn a_join_of_which_nothing_is_left_is_given_up() {
        let schema = Arc::new(Schema::new(vec![Field::new("v", DataType::Int64, false)]));
        let values = Arc::new(Int64Array::from(vec![1; 100]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![values]).unwrap();
        let table = MemTable::try_new(schema, vec![vec![batch]]).unwrap();
        let give_up = GiveUp::default();
        let rule = Arc::new(Checking(give_up.clone()));
        let state = SessionStateBuilder::new_with_default_features();
        let state = state.with_physical_optimizer_rule(rule).build();
        let context = SessionContext::new_with_state(state);
        context.register_table("t", Arc::new(table)).unwrap();
        let asked = "select * from t a join t b on a.v = b.v where a.v + b.v < 0";
        let frame = context.sql(asked).await.unwrap();
        let rows = frame.clone().collect().await.unwrap();
        assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
        give_up.now();
        let given_up = frame.collect().await.map_err(|error| error.to_string());
        assert!(
            given_up
                .as_ref()
                .is_err_and(|why| why.contains("nobody waits")),
            "{given_up:?}"
        );
    }
}
