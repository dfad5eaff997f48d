//! Texts as the numbers that they read like, where a query calculates with them.
//!
//! A field may hold `7`, `"5.0"` and `"-"`, and what a step has taken out of a text is text. Such a
//! value counts as the number that it reads like where a number is wanted, and as null where it reads
//! like none: one such value would end the query otherwise.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{self, Cast, ExprSchemable, LogicalPlan, TryCast};
use datafusion::optimizer::AnalyzerRule;
use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator as Op, Expr, FunctionArg, FunctionArgExpr, FunctionArguments,
    ObjectNamePart, PipeOperator, Query, UnaryOperator, Value, VisitMut, VisitorMut,
};

use crate::pipe::template;
use crate::rewritten::rewritten;
use crate::walk;

/// The functions that take numbers alone, by how their names begin.
const OF_NUMBERS: [&str; 22] = [
    "abs",
    "approx_median",
    "approx_percentile",
    "avg",
    "ceil",
    "corr",
    "covar",
    "exp",
    "floor",
    "ln",
    "log",
    "mean",
    "median",
    "percentile",
    "power",
    "quantile",
    "regr_",
    "round",
    "sqrt",
    "stddev",
    "sum",
    "var",
];

/// The functions that give a value that they are given.
const OF_VALUES: [&str; 4] = ["first_value", "last_value", "max", "min"];

/// Whether `of` wants a number of the column that is called `name`.
pub(crate) fn are_wanted(of: &mut impl VisitMut, name: &str) -> bool {
    let mut found = false;
    visit_wanted(of, &mut |column, _| found |= column == Some(name));
    found
}

/// Makes numbers, wherever `of` wants one, of what functions give as text, and of the columns of which
/// `as_number` tells how.
pub(crate) fn of_others(of: &mut impl VisitMut, as_number: &dyn Fn(&str, &Expr) -> Option<Expr>) {
    visit_wanted(of, &mut |column, expr| {
        let number = match column {
            Some(name) => as_number(name, expr),
            None => Some(number_of(expr)),
        };
        if let Some(number) = number {
            *expr = number;
        }
    });
}

/// Functions that give text, whatever they are given.
const OF_TEXT: [&str; 10] = [
    "btrim",
    "json_field",
    "left",
    "logfmt_field",
    "ltrim",
    "regexp_replace",
    "replace",
    "right",
    "rtrim",
    "split_part",
];

/// Whether an expression is text in any case: a part of one.
pub(crate) fn is_text(expr: &Expr) -> bool {
    match expr {
        Expr::Substring { .. } | Expr::Trim { .. } => true,
        Expr::Function(function) if function.over.is_none() => {
            let name = function.name.to_string();
            let is_substr = name.eq_ignore_ascii_case("substr");
            is_substr || OF_TEXT.iter().any(|it| name.eq_ignore_ascii_case(it))
        }
        _ => false,
    }
}

/// The number that a text reads like.
pub(crate) fn number_of(expr: &Expr) -> Expr {
    template("TRY_CAST($1 AS DOUBLE)", &[expr])
}

/// The name of the column that an expression is.
fn column(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Identifier(ident) => Some(&ident.value),
        Expr::CompoundIdentifier(parts) => parts.last().map(|it| it.value.as_str()),
        _ => None,
    }
}

/// What a number is wanted of, and where: a column by its name, or what is text in any case.
type Place<'p> = dyn FnMut(Option<&str>, &mut Expr) + 'p;

/// Shows `place` each column, and each text that a function gives, of which a number is wanted, and where: it
/// is calculated with, compared with numbers, or given to a function of numbers; or a value of it is, which
/// has a name of its own.
fn visit_wanted(of: &mut impl VisitMut, place: &mut Place<'_>) {
    let mut wanted = Wanted {
        values: BTreeMap::new(),
        steps: Vec::new(),
        place,
    };
    let _ = walk::change(of, &mut wanted);
}

/// Goes through steps in their order.
struct Wanted<'p> {
    /// What the largest value of a column, and its like, is called in the steps that follow; and the column.
    values: BTreeMap<String, String>,
    /// The steps of the queries that are gone through, while what stands before them is.
    steps: Vec<Vec<PipeOperator>>,
    place: &'p mut Place<'p>,
}

impl VisitorMut for Wanted<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        self.steps.push(std::mem::take(&mut query.pipe_operators));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let mut steps = self.steps.pop().unwrap_or_default();
        for step in &mut steps {
            let values = named_values(step);
            let _ = walk::change(step, self);
            self.values.extend(values);
        }
        query.pipe_operators = steps;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        each_wanted(expr, &self.values, self.place);
        ControlFlow::Continue(())
    }
}

/// The names of the values that a step gives of columns.
fn named_values(step: &mut PipeOperator) -> Vec<(String, String)> {
    let PipeOperator::Aggregate {
        full_table_exprs, ..
    } = step
    else {
        return Vec::new();
    };
    let named = full_table_exprs.iter_mut().filter_map(|value| {
        let of = column(value_of(&mut value.expr.expr)?)?.to_owned();
        Some((value.expr.alias.as_ref()?.value.clone(), of))
    });
    named.collect()
}

fn each_wanted(expr: &mut Expr, values: &BTreeMap<String, String>, place: &mut Place<'_>) {
    let mut place = |expr: &mut Expr| {
        let mut expr = unnested(expr);
        if value_of(expr).is_some() {
            expr = value_of(expr).expect("it is one");
        }
        if let Some(name) = column(expr).map(str::to_owned) {
            place(Some(values.get(&name).unwrap_or(&name)), expr);
        } else if is_text(expr) {
            place(None, expr);
        }
    };
    let may_be_whole = casts(expr).map(|is_cast| !is_cast);
    match expr {
        Expr::BinaryOp { left, op, right } => {
            let calculates = matches!(
                op,
                Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo
            );
            let is_of_time = [&left, &right].iter().any(|it| is_time(it));
            let compares = is_comparison(op) && (is_number(left) || is_number(right));
            if calculates && !is_of_time || compares {
                place(left);
                place(right);
            }
        }
        Expr::Between {
            expr, low, high, ..
        } if is_number(low) || is_number(high) => place(expr),
        Expr::InList { expr, list, .. } if !list.is_empty() && list.iter().all(is_number) => {
            place(expr);
        }
        Expr::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Plus,
            expr,
        } => place(expr),
        Expr::Case {
            operand: Some(operand),
            conditions,
            ..
        } if conditions.iter().all(|it| is_number(&it.condition)) => place(operand),
        Expr::Function(function) if is_of_numbers(&function.name) => {
            if let FunctionArguments::List(list) = &mut function.args {
                for arg in &mut list.args {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg {
                        place(expr);
                    }
                }
            }
            for order in &mut function.within_group {
                place(&mut order.expr);
            }
        }
        _ => {}
    }
    hold_as_whole(expr, may_be_whole);
}

/// Which of the values that an expression holds against others are cast as they stand.
fn casts(expr: &Expr) -> [bool; 2] {
    let is_cast = |expr: &Expr| matches!(expr, Expr::Cast { .. });
    match expr {
        Expr::BinaryOp { left, right, .. } => [is_cast(left), is_cast(right)],
        Expr::InList { expr, .. } => [is_cast(expr), true],
        _ => [true; 2],
    }
}

/// Holds what has been made a number against large whole numbers as a whole number. That it is not one of
/// them is true of a fraction, too.
fn hold_as_whole(expr: &mut Expr, may_be: [bool; 2]) {
    let as_float = expr.clone();
    let (is_whole, is_negated) = match expr {
        Expr::BinaryOp { left, op, right } if matches!(op, Op::Eq | Op::NotEq) => {
            let (left_may, right_may) = (may_be[0] && is_large(right), may_be[1] && is_large(left));
            let is_whole = widen(left, left_may) | widen(right, right_may);
            (is_whole, *op == Op::NotEq)
        }
        Expr::InList {
            expr,
            list,
            negated,
        } if !list.is_empty() => {
            let may = may_be[0] && list.iter().all(is_large);
            (widen(expr, may), *negated)
        }
        _ => return,
    };
    if is_whole && is_negated {
        *expr = template("coalesce($1, $2)", &[expr, &as_float]);
    }
}

fn is_comparison(op: &Op) -> bool {
    matches!(
        op,
        Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq
    )
}

fn is_of_numbers(name: &ast::ObjectName) -> bool {
    let [ObjectNamePart::Identifier(name)] = &name.0[..] else {
        return false;
    };
    let called = name.value.to_ascii_lowercase();
    let is_of_text = OF_TEXT.contains(&called.as_str());
    !is_of_text && OF_NUMBERS.iter().any(|of| called.starts_with(of))
}

fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        Expr::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Plus,
            expr,
        }
        | Expr::Nested(expr) => is_number(expr),
        _ => false,
    }
}

/// Whether it is a whole number that a float need not tell from the next.
fn is_large(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits
                .parse::<i64>()
                .is_ok_and(|number| number > 1_i64 << f64::MANTISSA_DIGITS),
            _ => false,
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Plus,
            expr,
        }
        | Expr::Nested(expr) => is_large(expr),
        _ => false,
    }
}

/// Makes a whole number of what has been made a number, if it may be one; whether it has.
fn widen(expr: &mut Expr, may_be: bool) -> bool {
    if let Expr::Cast {
        kind: ast::CastKind::TryCast,
        expr: of,
        ..
    } = expr
        && may_be
        && (column(of).is_some() || is_text(of))
    {
        *expr = template("TRY_CAST($1 AS BIGINT)", &[of]);
        return true;
    }
    false
}

/// Whether it is a moment or a length of time as it stands, so that calculating with it is another
/// thing.
fn is_time(expr: &Expr) -> bool {
    match expr {
        Expr::Interval(_) | Expr::TypedString(_) => true,
        Expr::Nested(expr) => is_time(expr),
        _ => false,
    }
}

/// The x of `max(x)` and its like, which are of the type that x has.
fn value_of(expr: &mut Expr) -> Option<&mut Expr> {
    let Expr::Function(function) = expr else {
        return None;
    };
    let name = function.name.to_string();
    if !OF_VALUES.iter().any(|it| name.eq_ignore_ascii_case(it)) {
        return None;
    }
    let FunctionArguments::List(list) = &mut function.args else {
        return None;
    };
    match list.args.first_mut() {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(of))) => Some(unnested(of)),
        _ => None,
    }
}

fn unnested(expr: &mut Expr) -> &mut Expr {
    match expr {
        Expr::Nested(inner) => unnested(inner),
        expr => expr,
    }
}

/// What comes of casts of texts that planning has put where other types are wanted, or that the query
/// asks for: null where a text cannot be cast, as long as it is not the query's own.
#[derive(Debug)]
pub(crate) struct LenientCasts;

impl AnalyzerRule for LenientCasts {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        // What a cast may make null is null from there on.
        rewritten(plan, lenient)?.recompute_schema()
    }

    fn name(&self) -> &'static str {
        "lenient_casts"
    }
}

fn lenient(expr: logical_expr::Expr, schema: &DFSchema) -> Transformed<logical_expr::Expr> {
    match expr {
        logical_expr::Expr::Cast(Cast { expr, field })
            if expr.any_column_refs() && is_lossy(&expr, field.data_type(), schema) =>
        {
            Transformed::yes(logical_expr::Expr::TryCast(TryCast { expr, field }))
        }
        expr => Transformed::no(expr),
    }
}

/// Whether a cast turns texts into what not every text is.
fn is_lossy(expr: &logical_expr::Expr, to: &DataType, schema: &DFSchema) -> bool {
    let is_text = expr.get_type(schema).is_ok_and(|ty| ty.is_string());
    is_text && (to.is_numeric() || to.is_temporal() || *to == DataType::Boolean)
}
