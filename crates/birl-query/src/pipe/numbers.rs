//! What was taken out of texts is a number where a query calculates with it.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator as Op, Expr, FunctionArg, FunctionArgExpr, FunctionArguments,
    PipeOperator, Query, ReplaceSelectElement, SelectItem, Value, VisitMut, VisitorMut,
};

use super::functions::name_of;
use super::reader::template;

/// Makes numbers of those of the columns `parsed` that `query` calculates with or compares with
/// numbers; what is none becomes null.
pub(super) fn rewrite(query: &mut Query, parsed: &[String]) {
    let mut names: Vec<&str> = parsed.iter().map(String::as_str).collect();
    names.retain(|name| is_calculated_with(query, name));
    if !names.is_empty() {
        let _ = VisitMut::visit(query, &mut MakesNumbers(&names));
    }
}

struct MakesNumbers<'n>(&'n [&'n str]);

impl MakesNumbers<'_> {
    fn make(&self, name: &str, expr: &mut Expr) {
        let is_parsed = matches!(expr, Expr::Function(function)
            if name_of(function) == Some("array_element"));
        if is_parsed && self.0.contains(&name) {
            *expr = template("TRY_CAST($1 AS DOUBLE)", &[expr]);
        }
    }
}

impl VisitorMut for MakesNumbers<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for operator in &mut query.pipe_operators {
            let (PipeOperator::Select { exprs } | PipeOperator::Extend { exprs }) = operator else {
                continue;
            };
            for item in exprs {
                match item {
                    SelectItem::ExprWithAlias { expr, alias } => self.make(&alias.value, expr),
                    SelectItem::Wildcard(options) => {
                        let replaced = options.opt_replace.iter_mut();
                        for element in replaced.flat_map(|it| &mut it.items) {
                            let ReplaceSelectElement {
                                expr, column_name, ..
                            } = &mut **element;
                            self.make(&column_name.value, expr);
                        }
                    }
                    _ => {}
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// The functions that take numbers, by how their names begin.
const OF_NUMBERS: [&str; 14] = [
    "avg",
    "sum",
    "median",
    "stddev",
    "var",
    "corr",
    "covar",
    "approx_percentile",
    "approx_median",
    "percentile",
    "round",
    "abs",
    "floor",
    "ceil",
];

fn is_calculated_with(query: &Query, name: &str) -> bool {
    let is_it = |expr: &Expr| matches!(expr, Expr::Identifier(it) if it.value == name);
    let found = ast::visit_expressions(query, |expr| {
        let is_number = match expr {
            Expr::BinaryOp { left, op, right } => {
                let calculates = matches!(
                    op,
                    Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo
                );
                let compares = is_number(left) || is_number(right);
                (is_it(left) || is_it(right)) && (calculates || compares)
            }
            Expr::Between { expr, low, .. } => is_it(expr) && is_number(low),
            Expr::InList { expr, list, .. } => is_it(expr) && list.iter().all(is_number),
            Expr::UnaryOp {
                op: ast::UnaryOperator::Minus,
                expr,
            } => is_it(expr),
            Expr::Function(function) => {
                let called = name_of(function).unwrap_or_default().to_ascii_lowercase();
                let args = match &function.args {
                    FunctionArguments::List(list) => &list.args[..],
                    _ => &[],
                };
                let takes_it = args.iter().any(|arg| {
                    matches!(
                        arg,
                        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if is_it(expr)
                    )
                });
                takes_it && OF_NUMBERS.iter().any(|of| called.starts_with(of))
            }
            _ => false,
        };
        match is_number {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    found.is_break()
}

fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        Expr::UnaryOp {
            op: ast::UnaryOperator::Minus | ast::UnaryOperator::Plus,
            expr,
        } => is_number(expr),
        Expr::Nested(expr) => is_number(expr),
        _ => false,
    }
}
