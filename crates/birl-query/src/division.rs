//! What dividing means, comparing texts with numbers, and what has no value.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::functions::core::expr_fn::nullif;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, binary_expr, cast, lit, try_cast, when,
};

use crate::rewritten::rewritten;

/// The same plan, in which whole numbers divide to fractions (a rate of errors is not 0), and what
/// is divided by zero is null, like a root of what has none: one such record would end the query
/// otherwise. No result is a zero that is less than zero, which would be another value in a comparison
/// and as a group.
pub(crate) fn by_zero_is_null(plan: LogicalPlan) -> Result<LogicalPlan> {
    rewritten(plan, |expr, schema| {
        let expr = match expr {
            Expr::BinaryExpr(expr) => divided(expr, schema),
            Expr::ScalarFunction(call) => defined(call),
            expr => Transformed::no(expr),
        };
        let changed = expr.transformed;
        let mut expr = one_zero(expr.data, schema);
        expr.transformed |= changed;
        expr
    })
}

/// A function that fails where it has no value, which gives null there.
fn defined(mut call: ScalarFunction) -> Transformed<Expr> {
    let has_value = match (call.name(), &call.args[..]) {
        ("sqrt", [of]) => of.clone().gt_eq(lit(0)),
        ("power", [base, exponent]) => {
            let is_positive = exponent.clone().gt_eq(lit(0));
            is_positive.or(base.clone().not_eq(lit(0)))
        }
        _ => return Transformed::no(Expr::ScalarFunction(call)),
    };
    match when(has_value, call.args[0].clone()).end() {
        Ok(of) => {
            call.args[0] = of;
            Transformed::yes(Expr::ScalarFunction(call))
        }
        Err(_) => Transformed::no(Expr::ScalarFunction(call)),
    }
}

/// Makes 0 of -0, where an operation may give that.
fn one_zero(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let may_be_negative = match &expr {
        Expr::BinaryExpr(BinaryExpr { op, .. }) => {
            matches!(op, Operator::Multiply | Operator::Divide)
        }
        Expr::Negative(of) => !matches!(**of, Expr::Literal(..)),
        Expr::ScalarFunction(call) => matches!(call.name(), "ceil" | "round" | "trunc"),
        _ => false,
    };
    let is_float = |expr: &Expr| {
        expr.get_type(schema)
            .is_ok_and(|ty| ty == DataType::Float64)
    };
    match may_be_negative && is_float(&expr) {
        true => Transformed::yes(binary_expr(expr, Operator::Plus, lit(0.0))),
        false => Transformed::no(expr),
    }
}

fn divided(expr: BinaryExpr, schema: &DFSchema) -> Transformed<Expr> {
    let BinaryExpr { left, op, right } = expr;
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
