//! Steps that make columns of rows, and rows of columns: `pivot` and `unpivot`.

use birl_record::query::Error;
use datafusion::sql::sqlparser::ast::{
    Expr, ExprWithAlias, Ident, PipeOperator, PivotValueSource, SelectItem, Value,
};

use super::Typed;
use super::aggregate::{Item, add_groups};
use crate::pipe::functions::{self, is_aggregate};
use crate::pipe::piece::ident;
use crate::pipe::pipeline::{Columns, Pipeline, all_but};
use crate::pipe::reader::{self, template};
use crate::walk;

/// `pivot(sum(bytes) for level in ('error', 'warn'))`: a column a value, and a row for each of what
/// the other columns say.
pub(super) fn pivot(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let operator = reader::operator(typed.tokens()?.all())?;
    let PipeOperator::Pivot {
        aggregate_functions,
        value_column,
        value_source,
        alias,
    } = operator
    else {
        return Err(typed.missing("an aggregate"));
    };
    let PivotValueSource::List(list) = value_source else {
        return Err(typed.wrong(
            typed.name_place(),
            "the values of `pivot` have to be listed",
        ));
    };
    let Columns::Known(columns) = pipeline.columns.clone() else {
        let error = Error::new(
            typed.name_place(),
            "`pivot` needs to know what columns there are",
        );
        return Err(error.with_hint("name them before: select service, level, bytes |> pivot(…)"));
    };
    let name = value_column
        .iter()
        .map(|part| &part.value[..])
        .collect::<Vec<_>>()
        .join(".");
    let mut used = vec![name.clone()];
    let mut values = Vec::new();
    for ExprWithAlias {
        expr: value,
        alias: value_alias,
    } in &list
    {
        let of_value = match value_alias {
            Some(alias) => alias.value.clone(),
            None => spelled(value),
        };
        for ExprWithAlias { expr, alias } in &aggregate_functions {
            let mut expr = expr.clone();
            pipeline.resolve(&mut expr);
            functions::rewrite(&mut expr, &pipeline.context())?;
            used.extend(names_in(&expr));
            if !is_aggregate(&expr) {
                return Err(typed.wrong(typed.name_place(), "`pivot` takes aggregates"));
            }
            let column = Expr::Identifier(ident(&name));
            let condition = template("$1 = $2", &[&column, value]);
            if let Expr::Function(function) = &mut expr {
                function.filter = Some(Box::new(match &function.filter {
                    Some(filter) => template("($1) AND $2", &[filter, &condition]),
                    None => condition,
                }));
            }
            let column = match (alias, aggregate_functions.len()) {
                (None, 1) => of_value.clone(),
                (Some(alias), _) => format!("{of_value}_{}", alias.value),
                (None, _) => format!("{of_value}_{}", spelled(&expr)),
            };
            values.push(Item {
                expr,
                name: ident(&column),
                place: typed.name_place(),
            });
        }
    }
    let others = columns.iter().filter(|column| !used.contains(column));
    let keys: Vec<_> = others
        .map(|column| Item {
            expr: Expr::Identifier(ident(column)),
            name: ident(column),
            place: typed.name_place(),
        })
        .collect();
    add_groups(pipeline, values, &keys)?;
    name_rows(pipeline, alias);
    Ok(())
}

/// A value as the name of a column.
fn spelled(expr: &Expr) -> String {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => text.clone(),
            value => value.to_string(),
        },
        expr => expr.to_string(),
    }
}

fn names_in(expr: &Expr) -> Vec<String> {
    let mut names = Vec::new();
    let _ = walk::look_at_exprs(expr, |expr| {
        if let Expr::Identifier(name) = expr {
            names.push(name.value.clone());
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
    names
}

/// `unpivot(value for name in (reads, writes))`: a row for each of these columns that has a value.
pub(super) fn unpivot(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let operator = reader::operator(typed.tokens()?.all())?;
    let PipeOperator::Unpivot {
        value_column,
        name_column,
        unpivot_columns,
        alias,
    } = operator
    else {
        return Err(typed.missing("columns"));
    };
    let list = |exprs: Vec<Expr>| {
        let exprs: Vec<_> = exprs.iter().map(Expr::to_string).collect();
        template(&format!("unnest([{}])", exprs.join(", ")), &[])
    };
    let names = unpivot_columns
        .iter()
        .map(|name| Expr::Value(Value::SingleQuotedString(name.value.clone()).into()));
    let names = list(names.collect());
    let values = list(
        unpivot_columns
            .iter()
            .cloned()
            .map(Expr::Identifier)
            .collect(),
    );
    let columns = match &pipeline.columns {
        Columns::Known(known) => {
            let is_left = |name: &&String| !unpivot_columns.iter().any(|it| it.value == **name);
            let new = [&name_column.value, &value_column.value];
            Columns::Known(known.iter().filter(is_left).chain(new).cloned().collect())
        }
        _ => Columns::Unknown,
    };
    let items = vec![
        all_but(unpivot_columns),
        SelectItem::ExprWithAlias {
            expr: names,
            alias: name_column,
        },
        SelectItem::ExprWithAlias {
            expr: values,
            alias: value_column.clone(),
        },
    ];
    pipeline.select_as(items, columns);
    pipeline.filter(Expr::IsNotNull(Box::new(Expr::Identifier(value_column))));
    name_rows(pipeline, alias);
    Ok(())
}

fn name_rows(pipeline: &mut Pipeline<'_>, alias: Option<Ident>) {
    if let Some(alias) = alias {
        pipeline.tables.add(&alias.value);
        pipeline.rows(PipeOperator::As { alias });
    }
}
