//! What aggregates are ordered by, each of it once.

use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan, TryCast};

use crate::rewritten::rewritten;

/// The same plan, in which no aggregate is ordered by the same twice, as in `first(x order by y, y)`:
/// DataFusion's own would panic, since it tells orders apart at one place and not at the other.
pub(crate) fn once(plan: LogicalPlan) -> Result<LogicalPlan> {
    rewritten(plan, |expr, schema| match expr {
        Expr::AggregateFunction(function) => ordered_once(function, schema),
        expr => Transformed::no(expr),
    })
}

fn ordered_once(mut function: AggregateFunction, schema: &DFSchema) -> Transformed<Expr> {
    let order = &mut function.params.order_by;
    let count = order.len();
    let mut known: Vec<Expr> = Vec::new();
    order.retain(|it| {
        let by = plain(&it.expr, schema).clone();
        let is_new = !known.contains(&by);
        known.push(by);
        is_new
    });
    let changed = order.len() < count;
    let expr = Expr::AggregateFunction(function);
    match changed {
        true => Transformed::yes(expr),
        false => Transformed::no(expr),
    }
}

/// An expression without casts to the type that it has.
fn plain<'e>(expr: &'e Expr, schema: &DFSchema) -> &'e Expr {
    match expr {
        Expr::Cast(Cast { expr: of, field }) | Expr::TryCast(TryCast { expr: of, field })
            if of.get_type(schema).is_ok_and(|ty| ty == *field.data_type()) =>
        {
            plain(of, schema)
        }
        expr => expr,
    }
}
