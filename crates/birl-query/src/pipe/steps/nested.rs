//! Pipes within parentheses, which are SQL alone: what DataFusion does not plan is written otherwise.

use std::ops::ControlFlow;

use birl_record::query::Error;
use datafusion::sql::sqlparser::ast::{
    AssignmentTarget, Expr, ObjectName, ObjectNamePart, PipeOperator, Query, ReplaceSelectElement,
    ReplaceSelectItem, SelectItem, Spanned, TableAlias, TableFactor, TableSampleKind, VisitMut,
    VisitorMut, WildcardAdditionalOptions,
};

use super::rows;
use crate::pipe::piece::{ident, place};
use crate::pipe::pipeline::all_but;
use crate::pipe::reader::written;
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

    /// A part of a table, which DataFusion would give whole.
    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        let (TableFactor::Table { sample, .. } | TableFactor::Derived { sample, .. }) = factor
        else {
            return ControlFlow::Continue(());
        };
        let Some(sample) = sample.take() else {
            return ControlFlow::Continue(());
        };
        let (TableSampleKind::BeforeTableAlias(of) | TableSampleKind::AfterTableAlias(of)) = sample;
        match (rows::percent(&of), &mut *factor) {
            (Some(percent), TableFactor::Table { name, alias, .. }) => {
                *factor = sampled(name, alias.take(), percent);
                ControlFlow::Continue(())
            }
            _ => {
                let span = place(factor.span()).unwrap_or(0..0);
                let error = Error::new(span, "a sample is a part of a table, in percent");
                let hint = "for example: logs tablesample system (1 percent)";
                ControlFlow::Break(error.with_hint(hint))
            }
        }
    }
}

/// So many rows in a hundred of a table, under the name that this has.
fn sampled(table: &ObjectName, alias: Option<TableAlias>, percent: f64) -> TableFactor {
    let name = table.0.last().and_then(ObjectNamePart::as_ident);
    let alias = alias.or_else(|| {
        Some(TableAlias {
            explicit: true,
            name: name?.clone(),
            columns: Vec::new(),
            at: None,
        })
    });
    let chance = rows::chance(percent);
    TableFactor::Derived {
        lateral: false,
        subquery: Box::new(written(&format!("FROM {table} |> WHERE {chance}"))),
        alias,
        sample: None,
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
