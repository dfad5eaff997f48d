//! What was taken out of texts is a number where a query calculates with it, and goes by its value where
//! it is sorted or the largest is asked for.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, PipeOperator, Query, ReplaceSelectElement, SelectItem, VisitorMut,
};

use super::functions::{extreme, name_of, with_clauses};
use super::reader::template;
use crate::numbers::{self, Reading};
use crate::walk;

/// Makes numbers of those of the columns `parsed` that `query` calculates with or compares with
/// numbers, so that they are shown as such, too; what is none becomes null.
pub(super) fn make_numbers(query: &mut Query, parsed: &[String]) {
    // Elements of lists are numbers where they are wanted, and nowhere else.
    let mut names = parsed.iter();
    if names.any(|name| numbers::list_of(name).is_some()) {
        numbers::of_others(query, &|name, expr, reading| {
            let is_parsed = numbers::list_of(name).is_some() && parsed.iter().any(|it| it == name);
            is_parsed.then(|| reading.number_of(expr))
        });
    }
    let names = parsed.iter().map(String::as_str);
    let (wanted, others): (Vec<_>, Vec<_>) =
        names.partition(|name| numbers::are_wanted(query, name));
    if !wanted.is_empty() {
        let _ = walk::change(query, &mut MakesNumbers(&wanted));
    }
    if !others.is_empty() {
        let _ = walk::change_exprs(query, |expr| {
            if let Some(written) = by_value(expr, &others) {
                *expr = written;
            }
            ControlFlow::<()>::Continue(())
        });
    }
}

/// `max(x)` or `min(x)` of one of `texts`: by value if it is a number, and of texts that are none only
/// where all are such.
fn by_value(expr: &Expr, texts: &[&str]) -> Option<Expr> {
    let (name, column) = extreme(expr).filter(|(_, column)| texts.contains(&&*column.value))?;
    let sql = match name {
        "max" => "last_value($1 ORDER BY $2 NULLS FIRST, $1) FILTER (WHERE $1 IS NOT NULL)",
        _ => "first_value($1 ORDER BY $2 NULLS LAST, $1) FILTER (WHERE $1 IS NOT NULL)",
    };
    let column = Expr::Identifier(column.clone());
    let written = template(sql, &[&column, &numbers::number_of(&column)]);
    match expr {
        Expr::Function(function) => Some(with_clauses(written, function)),
        _ => None,
    }
}

struct MakesNumbers<'n>(&'n [&'n str]);

impl MakesNumbers<'_> {
    fn make(&self, name: &str, expr: &mut Expr) {
        // What a regex has found is taken out of a list by `parse` and `extract`.
        let is_found = matches!(expr, Expr::Function(function)
            if name_of(function) == Some("array_element"));
        if (is_found || numbers::is_text(expr)) && self.0.contains(&name) {
            *expr = Reading::Told.number_of(expr);
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
