//! Moments in SQL: what the time of a record is compared with is typed as in a search.

use std::ops::ControlFlow;

use birl_record::query::{Error, tree::Span};
use birl_record::time::{Clock, moment};
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Query, Value};

use super::piece::place;
use super::reader::template;
use crate::walk;

/// Takes the texts that `timestamp` is compared with for moments, as seen from `clock`: each is the
/// beginning of what was typed, so that `timestamp < '2026-03-14'` is before that day.
pub(super) fn rewrite(query: &mut Query, clock: &Clock) -> Result<(), Error> {
    let flow = walk::change_exprs(query, |expr| match each_compared(expr, clock) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    });
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

fn each_compared(expr: &mut Expr, clock: &Clock) -> Result<(), Error> {
    match expr {
        Expr::BinaryOp { left, op, right } if is_comparison(op) => {
            match (is_timestamp(left), is_timestamp(right)) {
                (true, _) => read(right, clock),
                (_, true) => read(left, clock),
                _ => Ok(()),
            }
        }
        Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right)
            if is_timestamp(left) =>
        {
            read(right, clock)
        }
        Expr::Between {
            expr, low, high, ..
        } if is_timestamp(expr) => {
            read(low, clock)?;
            read(high, clock)
        }
        Expr::InList { expr, list, .. } if is_timestamp(expr) => {
            list.iter_mut().try_for_each(|it| read(it, clock))
        }
        _ => Ok(()),
    }
}

/// Whether an expression is the time of a record.
fn is_timestamp(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(name) => name.value == "timestamp",
        Expr::CompoundIdentifier(parts) => {
            parts.last().is_some_and(|name| name.value == "timestamp")
        }
        Expr::Nested(expr) => is_timestamp(expr),
        _ => false,
    }
}

fn is_comparison(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
    )
}

/// Puts the moment that a text says in its place.
fn read(literal: &mut Expr, clock: &Clock) -> Result<(), Error> {
    let Expr::Value(value) = literal else {
        return Ok(());
    };
    let Value::SingleQuotedString(typed) = &value.value else {
        return Ok(());
    };
    let span: Span = place(value.span).unwrap_or(0..0);
    match moment(typed, clock) {
        Ok(range) => {
            let at = jiff::Timestamp::from_nanosecond(range.start.into())
                .map_err(|error| Error::new(span, error.to_string()))?;
            *literal = template(&format!("TIMESTAMP '{at}'"), &[]);
            Ok(())
        }
        Err(error) => Err(Error::new(span, error.message()).with_hint(error.hint())),
    }
}
