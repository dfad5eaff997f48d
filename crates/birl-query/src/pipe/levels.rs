//! Levels in SQL: whatever name one is compared by is taken for it, and their order is that of
//! severity.

use std::ops::ControlFlow;

use birl_record::level::{Level, Severity};
use birl_record::query::Error;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Distinct, Expr, Function, LimitClause, OrderBy, OrderByExpr, OrderByKind,
    PipeOperator, Query, Select, SelectItem, SetExpr, Value, Visitor, VisitorMut, WindowType,
};

use super::functions::name_of;
use super::piece::place;
use super::reader::{nearest, shown, template};
use crate::walk;

const LEVEL: &str = "level";

/// Takes the levels in a query for what they are, unless it gives that name to something else.
pub(super) fn rewrite(query: &mut Query) -> Result<(), Error> {
    if walk::look(query, &mut FindsOther).is_break() {
        return Ok(());
    }
    match walk::change(query, &mut Levels) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Breaks off where something else is called `level`.
struct FindsOther;

impl Visitor for FindsOther {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let other = query.pipe_operators.iter().any(|operator| match operator {
            PipeOperator::Select { exprs } | PipeOperator::Extend { exprs } => {
                exprs.iter().any(names_other)
            }
            PipeOperator::Aggregate {
                full_table_exprs,
                group_by_expr,
            } => full_table_exprs
                .iter()
                .chain(group_by_expr)
                .map(|it| &it.expr)
                .any(|it| {
                    it.alias.as_ref().is_some_and(|it| it.value == LEVEL) && !is_level(&it.expr)
                }),
            _ => false,
        });
        match other {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        match select.projection.iter().any(names_other) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// Whether a column is called `level` and is something else.
fn names_other(item: &SelectItem) -> bool {
    match item {
        SelectItem::ExprWithAlias { expr, alias } => alias.value == LEVEL && !is_level(expr),
        SelectItem::Wildcard(options) => options
            .opt_replace
            .iter()
            .flat_map(|replaced| &replaced.items)
            .any(|it| it.column_name.value == LEVEL),
        _ => false,
    }
}

struct Levels;

impl VisitorMut for Levels {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        if let Some(OrderBy {
            kind: OrderByKind::Expressions(exprs),
            ..
        }) = &mut query.order_by
        {
            match distinct(&query.body) {
                // What tells the first of those that are alike has to be what they are alike in.
                Some(Distinct::On(_)) => {}
                Some(Distinct::Distinct | Distinct::All) => {
                    if order_by(exprs) {
                        order_behind(query);
                    }
                }
                None => _ = order_by(exprs),
            }
        }
        for operator in &mut query.pipe_operators {
            if let PipeOperator::OrderBy { exprs } = operator {
                order_by(exprs);
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match rewritten(expr) {
            Ok(Some(written)) => *expr = written,
            Ok(None) => {}
            Err(error) => return ControlFlow::Break(error),
        }
        if let Expr::Function(Function {
            over: Some(WindowType::WindowSpec(window)),
            ..
        }) = expr
        {
            order_by(&mut window.order_by);
        }
        ControlFlow::Continue(())
    }
}

pub(super) fn is_level(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(name) => name.value == LEVEL,
        Expr::CompoundIdentifier(parts) => {
            matches!(&parts[..], [table, name] if table.value == "logs" && name.value == LEVEL)
        }
        Expr::Nested(expr) => is_level(expr),
        _ => false,
    }
}

/// Puts the severity of a level in its place; whether there was any.
fn order_by(exprs: &mut [OrderByExpr]) -> bool {
    let mut found = false;
    for OrderByExpr { expr, .. } in exprs {
        if is_level(expr) {
            *expr = rank(expr);
            found = true;
        }
    }
    found
}

/// Whether a query keeps one row of those that are alike.
fn distinct(body: &SetExpr) -> Option<&Distinct> {
    match body {
        SetExpr::Select(select) => select.distinct.as_ref(),
        _ => None,
    }
}

/// What a `select distinct` is ordered by has to be in it; a step behind it may order by anything.
fn order_behind(query: &mut Query) {
    let mut operators = Vec::new();
    if let Some(OrderBy {
        kind: OrderByKind::Expressions(exprs),
        ..
    }) = query.order_by.take()
    {
        operators.push(PipeOperator::OrderBy { exprs });
    }
    match query.limit_clause.take() {
        Some(LimitClause::LimitOffset {
            limit: Some(expr),
            offset,
            limit_by,
        }) if limit_by.is_empty() => {
            let offset = offset.map(|offset| offset.value);
            operators.push(PipeOperator::Limit { expr, offset });
        }
        other => query.limit_clause = other,
    }
    query.pipe_operators.splice(0..0, operators);
}

/// A number that rises with the severity of a level.
pub(super) fn rank(level: &Expr) -> Expr {
    let ranks = Level::ALL.iter().zip(1..);
    let ranks: String = ranks
        .map(|(level, rank)| format!(" WHEN '{}' THEN {rank}", level.name()))
        .collect();
    template(&format!("CASE $1{ranks} END"), &[level])
}

/// The level that such a number stands for.
fn ranked(rank: &Expr) -> Expr {
    let levels = Level::ALL.iter().zip(1..);
    let levels: String = levels
        .map(|(level, rank)| format!(" WHEN {rank} THEN '{}'", level.name()))
        .collect();
    template(&format!("CASE $1{levels} END"), &[rank])
}

fn rewritten(expr: &Expr) -> Result<Option<Expr>, Error> {
    Ok(match expr {
        Expr::BinaryOp { left, op, right } => {
            let (level, op, literal) = match (is_level(left), is_level(right)) {
                (true, false) => (left, op.clone(), right),
                (false, true) => (right, swapped(op), left),
                _ => return Ok(None),
            };
            let Some(severity) = severity(literal) else {
                return unknown(&op, literal);
            };
            match in_order(&op, severity.level()) {
                Some(levels) => Some(one_of(level, &levels, false)),
                None => Some(Expr::BinaryOp {
                    left: level.clone(),
                    op,
                    right: Box::new(named(severity.level())),
                }),
            }
        }
        Expr::Between {
            expr: level,
            negated,
            low,
            high,
        } if is_level(level) => match (severity(low), severity(high)) {
            (Some(low), Some(high)) => {
                let levels: Vec<_> = Level::ALL
                    .into_iter()
                    .filter(|level| (low.level()..=high.level()).contains(level))
                    .collect();
                Some(one_of(level, &levels, *negated))
            }
            (None, _) => return unknown(&BinaryOperator::GtEq, low),
            (_, None) => return unknown(&BinaryOperator::LtEq, high),
        },
        Expr::InList {
            expr: level,
            list,
            negated,
        } if is_level(level) => {
            let known = |literal: &Expr| match severity(literal) {
                Some(severity) => named(severity.level()),
                None => literal.clone(),
            };
            Some(Expr::InList {
                expr: level.clone(),
                list: list.iter().map(known).collect(),
                negated: *negated,
            })
        }
        Expr::Function(function) => worst(function),
        _ => None,
    })
}

/// `max(level)` and `min(level)`: by severity.
pub(super) fn worst(function: &Function) -> Option<Expr> {
    use datafusion::sql::sqlparser::ast::{FunctionArg, FunctionArgExpr, FunctionArguments};
    let name = name_of(function)?.to_ascii_lowercase();
    if name != "min" && name != "max" {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(level))] = &list.args[..] else {
        return None;
    };
    if !is_level(level) {
        return None;
    }
    let mut of_ranks = function.clone();
    if let FunctionArguments::List(list) = &mut of_ranks.args {
        list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(rank(level)))];
    }
    Some(ranked(&Expr::Function(of_ranks)))
}

/// Whether an expression is such a call.
pub(super) fn is_worst(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function) if worst(function).is_some())
}

/// The levels that stand to `level` as the operator says, where it is one of order.
fn in_order(op: &BinaryOperator, level: Level) -> Option<Vec<Level>> {
    let holds: fn(&Level, &Level) -> bool = match op {
        BinaryOperator::Lt => |one, other| one < other,
        BinaryOperator::LtEq => |one, other| one <= other,
        BinaryOperator::Gt => |one, other| one > other,
        BinaryOperator::GtEq => |one, other| one >= other,
        _ => return None,
    };
    Some(
        Level::ALL
            .into_iter()
            .filter(|it| holds(it, &level))
            .collect(),
    )
}

/// Whether `level` is one of these; like a comparison, null where it is.
fn one_of(level: &Expr, levels: &[Level], negated: bool) -> Expr {
    match levels {
        // A list cannot be empty.
        [] if negated => template("$1 = $1", &[level]),
        [] => template("$1 <> $1", &[level]),
        _ => Expr::InList {
            expr: Box::new(level.clone()),
            list: levels.iter().map(|level| named(*level)).collect(),
            negated,
        },
    }
}

fn named(level: Level) -> Expr {
    Expr::Value(Value::SingleQuotedString(level.name().to_owned()).into())
}

fn severity(literal: &Expr) -> Option<Severity> {
    match literal {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(word) => Severity::from_word(word.as_bytes()),
            _ => None,
        },
        Expr::Nested(literal) => severity(literal),
        _ => None,
    }
}

/// What is to be done where a level is compared with what names none.
fn unknown(op: &BinaryOperator, literal: &Expr) -> Result<Option<Expr>, Error> {
    let Expr::Value(value) = literal else {
        return Ok(None);
    };
    let Value::SingleQuotedString(word) = &value.value else {
        return Ok(None);
    };
    let is_comparison = in_order(op, Level::Info).is_some()
        || matches!(op, BinaryOperator::Eq | BinaryOperator::NotEq);
    if !is_comparison {
        return Ok(None);
    }
    let Some(span) = place(value.span) else {
        return Ok(None);
    };
    let names = Level::ALL.map(Level::name);
    let error = Error::new(span, format!("there is no level \"{}\"", shown(word)));
    Err(match nearest(word, names) {
        Some(name) => error.with_hint(format!("did you mean '{name}'?")),
        None => error.with_hint(format!("the levels are {}", names.join(", "))),
    })
}

fn swapped(op: &BinaryOperator) -> BinaryOperator {
    match op {
        BinaryOperator::Lt => BinaryOperator::Gt,
        BinaryOperator::LtEq => BinaryOperator::GtEq,
        BinaryOperator::Gt => BinaryOperator::Lt,
        BinaryOperator::GtEq => BinaryOperator::LtEq,
        op => op.clone(),
    }
}
