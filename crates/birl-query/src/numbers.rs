//! Texts as the numbers that they read like, where a query calculates with them.
//!
//! A field may hold `7`, `"5.0"` and `"-"`, and what a step has taken out of a text is text. Such a
//! value counts as the number that it reads like where a number is wanted, and as null where it reads
//! like none: one such value would end the query otherwise.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    self, AccessExpr, BinaryOperator as Op, Expr, FunctionArg, FunctionArgExpr, FunctionArguments,
    ObjectNamePart, PipeOperator, Query, Subscript, UnaryOperator, Value, VisitMut, VisitorMut,
};

use crate::pipe::template;
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
const OF_VALUES: [&str; 5] = ["first_value", "last_value", "max", "min", "mode"];

/// Whether `of` wants a number of the column that is called `name`.
pub(crate) fn are_wanted(of: &mut impl VisitMut, name: &str) -> bool {
    let mut found = false;
    visit_wanted(of, &mut |column, _, _| found |= column == Some(name));
    found
}

/// Makes numbers, wherever `of` wants one, of what functions give as text, and of the columns of which
/// `as_number` tells how.
pub(crate) fn of_others(
    of: &mut impl VisitMut,
    as_number: &dyn Fn(&str, &Expr, Reading) -> Option<Expr>,
) {
    visit_wanted(of, &mut |column, expr, reading| {
        let number = match column {
            Some(name) => as_number(name, expr, reading),
            None => Some(reading.number_of(expr)),
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

/// Whether it is told of texts that they are no numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// It is, since they are missing in the answer.
    Told,
    /// It is not: such a text is not equal to a number.
    Quiet,
}

impl Reading {
    /// The number that a text reads like.
    pub(crate) fn number_of(self, expr: &Expr) -> Expr {
        match self {
            // What a cast cannot read is null, and counted.
            Self::Told => template("CAST($1 AS DOUBLE)", &[expr]),
            Self::Quiet => number_of(expr),
        }
    }
}

/// The number that a text reads like; of others, nothing is told.
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

/// The elements of a list that an expression is one of: `tags[]` of `tags[1]`.
fn element_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::CompoundFieldAccess { root, access_chain } => match &access_chain[..] {
            [AccessExpr::Subscript(Subscript::Index { .. })] => Some(elements(column(root)?)),
            _ => None,
        },
        _ => None,
    }
}

/// What the elements of a list are called here.
pub(crate) fn elements(list: &str) -> String {
    format!("{list}[]")
}

/// The list whose elements are called so here.
pub(crate) fn list_of(elements: &str) -> Option<&str> {
    elements.strip_suffix("[]")
}

/// What a number is wanted of, and where: a column by its name, or what is text in any case.
type Place<'p> = dyn FnMut(Option<&str>, &mut Expr, Reading) + 'p;

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
    let mut place_as = |expr: &mut Expr, reading: Reading| {
        let mut expr = unnested(expr);
        if value_of(expr).is_some() {
            expr = value_of(expr).expect("it is one");
        }
        if let Some(name) = column(expr).map(str::to_owned) {
            place(Some(values.get(&name).unwrap_or(&name)), expr, reading);
        } else if let Some(name) = element_of(expr) {
            place(Some(&name), expr, reading);
        } else if is_text(expr) {
            place(None, expr, reading);
        }
    };
    let equals = |negated: bool| match negated {
        true => Reading::Told,
        false => Reading::Quiet,
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
                let reading = equals(*op != Op::Eq);
                place_as(left, reading);
                place_as(right, reading);
            }
        }
        Expr::Between {
            expr, low, high, ..
        } if is_number(low) || is_number(high) => place_as(expr, Reading::Told),
        Expr::InList {
            expr,
            list,
            negated,
        } if !list.is_empty() && list.iter().all(is_number) => {
            place_as(expr, equals(*negated));
        }
        Expr::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Plus,
            expr,
        } => place_as(expr, Reading::Told),
        Expr::Case {
            operand: Some(operand),
            conditions,
            ..
        } if conditions.iter().all(|it| is_number(&it.condition)) => {
            place_as(operand, Reading::Quiet);
        }
        Expr::Function(function) if is_of_numbers(&function.name) => {
            if let FunctionArguments::List(list) = &mut function.args {
                for arg in &mut list.args {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg {
                        place_as(expr, Reading::Told);
                    }
                }
            }
            for order in &mut function.within_group {
                place_as(&mut order.expr, Reading::Told);
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
    if let Expr::Cast { expr: of, .. } = expr
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
