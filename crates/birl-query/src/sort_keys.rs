//! Sorts by what is cast, and then by the same as it stands.
//!
//! DataFusion leaves out a key that those before it determine, and knows keys by names. That of a cast is
//! the name of what is cast, so behind `group by a` the second key of `order by try_cast(a as double), a`
//! is taken for the first again, and rows that are equal as numbers come in any order.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::{Expr, LogicalPlan, Sort};
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

type Rule = Arc<dyn OptimizerRule + Send + Sync>;

/// The rule that leaves keys out.
const NAME: &str = "eliminate_duplicated_expr";

/// The rules that logical plans are optimized by, with that of this module.
pub(crate) fn rules() -> Vec<Rule> {
    let rules = Optimizer::new().rules.into_iter();
    let rules = rules.map(|rule| match rule.name() {
        NAME => Arc::new(WithCasts(rule)) as Rule,
        _ => rule,
    });
    rules.collect()
}

/// The rule that leaves keys out, where none of them is a cast.
#[derive(Debug)]
struct WithCasts(Rule);

impl OptimizerRule for WithCasts {
    fn name(&self) -> &str {
        NAME
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        match &plan {
            LogicalPlan::Sort(sort) if has_casts(sort) => Ok(Transformed::no(plan)),
            _ => self.0.rewrite(plan, config),
        }
    }
}

fn has_casts(sort: &Sort) -> bool {
    let mut keys = sort.expr.iter();
    keys.any(|key| matches!(key.expr, Expr::Cast(_) | Expr::TryCast(_)))
}
