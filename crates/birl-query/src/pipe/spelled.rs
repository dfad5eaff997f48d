//! What people spell otherwise than SQL: `!x`, and `x = null`, which is true of nothing in SQL.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Query, UnaryOperator, Value};

use super::reader::template;
use crate::walk;

/// Makes `not x` of `!x`, and `x is null` of a comparison with null: also where that is one of several values.
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
    match expr {
        Expr::BinaryOp { left, op, right } => {
            let value = match (is_null(left), is_null(right)) {
                (_, true) => left,
                (true, false) => right,
                (false, false) => return None,
            };
            match op {
                BinaryOperator::Eq => Some(template("$1 IS NULL", &[value])),
                BinaryOperator::NotEq => Some(template("$1 IS NOT NULL", &[value])),
                _ => None,
            }
        }
        Expr::InList {
            expr: value,
            list,
            negated,
        } if list.iter().any(is_null) => {
            list.retain(|it| !is_null(it));
            let is_null = match negated {
                false => "$1 IS NULL",
                true => "$1 IS NOT NULL",
            };
            let is_null = template(is_null, &[value]);
            if list.is_empty() {
                return Some(is_null);
            }
            let others = match negated {
                false => "($1 OR $2)",
                true => "($1 AND $2)",
            };
            Some(template(others, &[expr, &is_null]))
        }
        _ => None,
    }
}

fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => value.value == Value::Null,
        Expr::Nested(expr) => is_null(expr),
        _ => false,
    }
}
