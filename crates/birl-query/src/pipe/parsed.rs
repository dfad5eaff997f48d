//! What was taken out of texts is a number where a query calculates with it.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, PipeOperator, Query, ReplaceSelectElement, SelectItem, VisitorMut,
};

use super::functions::name_of;
use crate::numbers;
use crate::walk;

/// Makes numbers of those of the columns `parsed` that `query` calculates with or compares with
/// numbers, so that they are shown as such, too; what is none becomes null.
pub(super) fn make_numbers(query: &mut Query, parsed: &[String]) {
    let mut names: Vec<&str> = parsed.iter().map(String::as_str).collect();
    names.retain(|name| numbers::are_wanted(query, name));
    if !names.is_empty() {
        let _ = walk::change(query, &mut MakesNumbers(&names));
    }
}

/// What the steps take texts out by.
const TAKES: [&str; 3] = ["array_element", "json_field", "logfmt_field"];

struct MakesNumbers<'n>(&'n [&'n str]);

impl MakesNumbers<'_> {
    fn make(&self, name: &str, expr: &mut Expr) {
        let is_parsed = matches!(expr, Expr::Function(function)
            if name_of(function).is_some_and(|name| TAKES.contains(&name)));
        if is_parsed && self.0.contains(&name) {
            *expr = numbers::number_of(expr);
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
