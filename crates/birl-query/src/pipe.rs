//! From a query to one statement of SQL.
//!
//! `level:error |> count by service` becomes `FROM logs |> WHERE search('level:error') |> AGGREGATE
//! count(*) AS count GROUP BY service |> ORDER BY count DESC, service`: the search is a call of
//! `search`, which the planner takes apart, and each step is a step of SQL or is written as such.
//! Its modules, as a query passes them:
//!
//! - [`Tokens`]: what stands in a piece of it, and where;
//! - `reader`: SQL out of these, and errors at their places;
//! - [`steps`]: what each step does to the
//! - [`Pipeline`], which knows what can be known of the rows before anything is planned;
//! - `functions`, `names`, `levels`, `moments`: what people write otherwise than SQL;
//! - `elsewhere`: what other languages call otherwise;
//! - `regexes`: what is wrong with those in the SQL.

mod captures;
mod elsewhere;
mod functions;
mod levels;
mod moments;
mod names;
mod parsed;
mod picks;
mod piece;
mod pipeline;
mod reader;
mod regexes;
mod steps;

use std::ops::ControlFlow;
use std::path::PathBuf;

use birl_record::query::{Error, tree::Query, tree::Term};
use birl_record::time::Clock;
use datafusion::sql::sqlparser::ast::{self, SetExpr, Statement};

use crate::walk;

pub(crate) use captures::function as captures;
pub(crate) use elsewhere::function as elsewhere;
use functions::Context;
pub(crate) use functions::{POSITION, nearest_function};
use names::Tables;
pub(crate) use picks::functions as picks;
pub(crate) use piece::{Tokens, is_word, lower_first, place, searches};
use pipeline::{Columns, Pipeline, from_logs, shown_columns};
pub use reader::nearest;
pub(crate) use reader::template;

/// More steps than this are refused: each may be a level of the plan.
const STEPS_MAX: usize = 100;
/// A longer query is refused, in bytes.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// A query in SQL, and what is known of its answer before it is planned.
#[derive(Clone, Debug)]
pub(crate) struct Translation {
    /// The SQL.
    pub(crate) statement: Statement,
    /// What chart the answer is, if its rows are of bins of time.
    pub(crate) chart: Option<Chart>,
    /// Whether the rows are sorted, and not as they come.
    pub(crate) is_sorted: bool,
    /// The files that are tables of it.
    pub(crate) lookups: Vec<Lookup>,
}

/// A chart over time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chart {
    /// The column that has the beginnings of the bins.
    pub time: String,
    /// How long a bin is, in nanoseconds.
    pub span: i64,
    /// The column whose values are a line each.
    pub series: Option<String>,
    /// The columns that have heights.
    pub values: Vec<String>,
    /// Whether bins that have no rows are shown as well, between the first and the last that have:
    /// counts are 0 there, other values null.
    pub fills_gaps: bool,
}

/// A file that a query takes for a table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Lookup {
    /// What it is called in the statement.
    pub(crate) table: String,
    /// Where it is.
    pub(crate) path: PathBuf,
}

/// The SQL that a query is; `is_field` tells which fields the table `logs` is known to have, and moments
/// are as seen from `clock`.
///
/// # Errors
/// Where a step is none, or its SQL is wrong; the error points into the text of the query.
pub(crate) fn translate(
    query: &Query,
    is_field: &dyn Fn(&str) -> bool,
    clock: &Clock,
) -> Result<Translation, Error> {
    check_size(query)?;
    let mut pipeline = match &query.sql {
        Some(sql) => {
            let (query, columns) = sql_query(&sql.text, sql.span.start)?;
            Pipeline::new(query, columns, is_field)
        }
        None => Pipeline::new(from_logs(), Columns::logs(), is_field),
    };
    if query.search != Term::All {
        let search =
            ast::Expr::Value(ast::Value::SingleQuotedString(query.search.to_string()).into());
        pipeline.filter(reader::template("search($1)", &[&search]));
    }
    for step in &query.steps {
        steps::apply(&mut pipeline, step)?;
    }
    let chart = pipeline.chart.take();
    let lookups = std::mem::take(&mut pipeline.lookups);
    let is_sorted = pipeline.is_sorted();
    let parsed = std::mem::take(&mut pipeline.parsed);
    let mut query = pipeline.into_query();
    spell_not(&mut query);
    regexes::check(&query)?;
    levels::rewrite(&mut query)?;
    moments::rewrite(&mut query, clock)?;
    parsed::make_numbers(&mut query, &parsed);
    pipeline::part_orders_from_limits(&mut query);
    Ok(Translation {
        statement: Statement::Query(Box::new(query)),
        chart,
        is_sorted,
        lookups,
    })
}

/// Makes `not x` of `!x`.
fn spell_not(query: &mut ast::Query) {
    let _ = walk::change_exprs(query, |expr| {
        if let ast::Expr::UnaryOp { op, .. } = expr
            && *op == ast::UnaryOperator::BangNot
        {
            *op = ast::UnaryOperator::Not;
        }
        ControlFlow::<()>::Continue(())
    });
}

fn check_size(query: &Query) -> Result<(), Error> {
    let end = query
        .steps
        .last()
        .map(|step| &step.span)
        .or(query.sql.as_ref().map(|sql| &sql.span));
    if let Some(end) = end.filter(|end| end.end > TEXT_BYTES_MAX) {
        let message = format!("more than {TEXT_BYTES_MAX} bytes");
        return Err(Error::new(end.clone(), message));
    }
    match query.steps.get(STEPS_MAX) {
        Some(step) => Err(Error::new(
            step.span.clone(),
            format!("more than {STEPS_MAX} steps"),
        )),
        None => Ok(()),
    }
}

/// The SQL that a query begins with, and the columns that it shows.
fn sql_query(text: &str, at: usize) -> Result<(ast::Query, Columns), Error> {
    let tokens = Tokens::read(text, at)?;
    let mut query = reader::query(tokens.all())?;
    steps::nested::rewrite(&mut query)?;
    let mut tables = Tables::default();
    tables.add_of(&query);
    tables.join_names(&mut query);
    let context = Context {
        bin: None,
        position: functions::POSITION.to_vec(),
    };
    functions::rewrite(&mut query, &context)?;
    let columns = match &*query.body {
        SetExpr::Select(select) => {
            let is_from_logs = matches!(&select.from[..], [from] if from.joins.is_empty()
                && matches!(&from.relation, ast::TableFactor::Table { name, .. } if name.to_string() == "logs"));
            let from = match is_from_logs {
                true => Columns::logs(),
                false => Columns::Unknown,
            };
            match select.flavor {
                ast::SelectFlavor::FromFirstNoSelect => from,
                _ => shown_columns(&select.projection, &from),
            }
        }
        _ => Columns::Unknown,
    };
    Ok((query, columns))
}

#[cfg(test)]
mod tests;
