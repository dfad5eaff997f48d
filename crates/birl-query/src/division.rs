//! What dividing means, and comparing texts with numbers.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::functions::core::expr_fn::nullif;
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, binary_expr, cast, lit, try_cast,
};

use crate::rewritten::rewritten;

/// The same plan, in which whole numbers divide to fractions (a rate of errors is not 0), and what
/// is divided by zero is null: one such record would end the query otherwise.
pub(crate) fn by_zero_is_null(plan: LogicalPlan) -> Result<LogicalPlan> {
    rewritten(plan, divided)
}

fn divided(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else {
        return Transformed::no(expr);
    };
    if op.supports_propagation() {
        return compared(*left, op, *right, schema);
    }
    let is_number = |expr: &Expr| expr.get_type(schema).is_ok_and(|ty| ty.is_numeric());
    let divides = matches!(op, Operator::Divide | Operator::Modulo);
    if !divides || !is_number(&left) || !is_number(&right) {
        return Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }));
    }
    let is_whole = |expr: &Expr| expr.get_type(schema).is_ok_and(|ty| ty.is_integer());
    let left = match op == Operator::Divide && is_whole(&left) && is_whole(&right) {
        true => Box::new(cast(*left, DataType::Float64)),
        false => left,
    };
    let right = match &*right {
        Expr::Literal(literal, _) if literal.to_string().parse().is_ok_and(|it: f64| it != 0.0) => {
            right
        }
        _ => Box::new(nullif(*right, lit(0))),
    };
    Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right }))
}

/// A comparison. Where a text is compared with a number, it counts as the number that it reads like,
/// and is null if it reads like none: one such text would end the query otherwise.
fn compared(left: Expr, op: Operator, right: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let is_text = |expr: &Expr| expr.get_type(schema).is_ok_and(|ty| ty.is_string());
    let is_number = |expr: &Expr| expr.get_type(schema).is_ok_and(|ty| ty.is_numeric());
    let changes = is_text(&left) && is_number(&right) || is_number(&left) && is_text(&right);
    let number = |expr: Expr| match is_text(&expr) {
        true => try_cast(expr, DataType::Float64),
        false => expr,
    };
    let compared = match changes {
        true => binary_expr(number(left), op, number(right)),
        false => binary_expr(left, op, right),
    };
    match changes {
        true => Transformed::yes(compared),
        false => Transformed::no(compared),
    }
}
