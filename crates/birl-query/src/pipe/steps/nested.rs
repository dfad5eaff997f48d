//! Pipes within parentheses, which are SQL alone: what DataFusion does not plan is written otherwise.

use std::ops::ControlFlow;

use birl_record::query::Error;
use datafusion::sql::sqlparser::ast::{
    AssignmentTarget, Expr, ObjectNamePart, PipeOperator, Query, ReplaceSelectElement,
    ReplaceSelectItem, SelectItem, Spanned, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use super::rows;
use crate::pipe::piece::{ident, place};
use crate::pipe::pipeline::all_but;
use crate::walk;

/// Writes the steps of the queries in `part` as DataFusion plans them.
pub(in crate::pipe) fn rewrite(part: &mut impl VisitMut) -> Result<(), Error> {
    match walk::change(part, &mut Nested) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Nested;

impl VisitorMut for Nested {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        for operator in &mut query.pipe_operators {
            match rewritten(operator) {
                Ok(Some(written)) => *operator = written,
                Ok(None) => {}
                Err(error) => return ControlFlow::Break(error),
            }
        }
        ControlFlow::Continue(())
    }
}

fn rewritten(operator: &PipeOperator) -> Result<Option<PipeOperator>, Error> {
    let exprs = match operator {
        PipeOperator::Set { assignments } => {
            let items = assignments.iter().filter_map(|it| match &it.target {
                AssignmentTarget::ColumnName(target) => {
                    let parts = target.0.iter().filter_map(ObjectNamePart::as_ident);
                    let name = parts
                        .map(|part| &part.value[..])
                        .collect::<Vec<_>>()
                        .join(".");
                    Some(Box::new(ReplaceSelectElement {
                        expr: it.value.clone(),
                        column_name: ident(&name),
                        as_keyword: true,
                    }))
                }
                AssignmentTarget::Tuple(_) => None,
            });
            vec![SelectItem::Wildcard(WildcardAdditionalOptions {
                opt_replace: Some(ReplaceSelectItem {
                    items: items.collect(),
                }),
                ..WildcardAdditionalOptions::default()
            })]
        }
        PipeOperator::Rename { mappings } => {
            let names = mappings.iter().map(|it| it.ident.clone()).collect();
            let renamed = mappings.iter().map(|it| SelectItem::ExprWithAlias {
                expr: Expr::Identifier(it.ident.clone()),
                alias: it.alias.clone(),
            });
            std::iter::once(all_but(names)).chain(renamed).collect()
        }
        PipeOperator::TableSample { sample } => {
            return match rows::percent(sample) {
                Some(percent) => Ok(Some(PipeOperator::Where {
                    expr: rows::chance(percent),
                })),
                None => Err(refused(operator, "a sample in other than percent")),
            };
        }
        PipeOperator::Pivot { .. } | PipeOperator::Unpivot { .. } | PipeOperator::Call { .. } => {
            return Err(refused(operator, "this step"));
        }
        _ => return Ok(None),
    };
    Ok(Some(PipeOperator::Select { exprs }))
}

fn refused(operator: &PipeOperator, what: &str) -> Error {
    let span = match operator {
        PipeOperator::Pivot { value_column, .. } => value_column.first().map(|name| name.span),
        PipeOperator::Unpivot { value_column, .. } => Some(value_column.span),
        PipeOperator::Call { function, .. } => Some(function.name.span()),
        _ => None,
    };
    let place = span.and_then(place).unwrap_or(0..0);
    Error::new(place, format!("{what} cannot stand in parentheses"))
}
