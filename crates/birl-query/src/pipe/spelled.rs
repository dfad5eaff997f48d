//! What people spell otherwise than SQL: `!x`, and `x = null`, which is true of nothing in SQL.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Query, UnaryOperator, Value};

use super::reader::template;
use crate::walk;

/// Makes `not x` of `!x`, and `x is null` of a comparison with null.
pub(super) fn rewrite(query: &mut Query) {
    let _ = walk::change_exprs(query, |expr| {
        if let Expr::UnaryOp { op, .. } = expr
            && *op == UnaryOperator::BangNot
        {
            *op = UnaryOperator::Not;
        }
        if let Some(written) = with_null(expr) {
            *expr = written;
        }
        ControlFlow::<()>::Continue(())
    });
}

/// What is meant by a comparison with null, if an expression is one.
fn with_null(expr: &mut Expr) -> Option<Expr> {
    let Expr::BinaryOp { left, op, right } = expr else {
        return None;
    };
    let value = match (is_null(left), is_null(right)) {
        (_, true) => left,
        (true, false) => right,
        (false, false) => return None,
    };
    match op {
        BinaryOperator::Eq => Some(is_null_of(value, false)),
        BinaryOperator::NotEq => Some(is_null_of(value, true)),
        _ => None,
    }
}

/// `value is null`, or `value is not null`.
fn is_null_of(value: &Expr, negated: bool) -> Expr {
    let is_operation = matches!(
        value,
        Expr::BinaryOp { .. } | Expr::UnaryOp { .. } | Expr::InList { .. } | Expr::Between { .. }
    );
    let sql = match (is_operation, negated) {
        (false, false) => "$1 IS NULL",
        (false, true) => "$1 IS NOT NULL",
        (true, false) => "($1) IS NULL",
        (true, true) => "($1) IS NOT NULL",
    };
    template(sql, &[value])
}

fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => value.value == Value::Null,
        Expr::Nested(expr) => is_null(expr),
        _ => false,
    }
}
