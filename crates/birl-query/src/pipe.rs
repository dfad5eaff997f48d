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
//! - `functions`, `names`, `levels`, `moments`, `spelled`: what people write otherwise than SQL;
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
mod spelled;
mod steps;

use std::ops::ControlFlow;
use std::path::PathBuf;

use birl_record::query::{Error, parse, tree::Query, tree::Term};
use birl_record::time::Clock;
use datafusion::sql::sqlparser::ast::{self, SetExpr, Statement, VisitorMut};

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

/// What is known of tables before anything is planned.
#[derive(Clone, Copy)]
pub(crate) struct Known<'k> {
    /// The field of the table `logs` that a name means: the one that is called so, or else the only one
    /// that is but for the case.
    pub(crate) field: &'k dyn Fn(&str) -> Option<String>,
    /// The columns of another table, by its name or that of its file.
    pub(crate) columns: &'k dyn Fn(&str) -> Option<Vec<String>>,
}

/// The SQL that a query is, over tables of which so much is `known`; moments are as seen from `clock`.
///
/// # Errors
/// Where a step is none, or its SQL is wrong; the error points into the text of the query.
pub(crate) fn translate(
    query: &Query,
    known: Known<'_>,
    clock: &Clock,
) -> Result<Translation, Error> {
    check_size(query)?;
    let mut pipeline = match &query.sql {
        Some(sql) => {
            let (query, columns) = sql_query(&sql.text, sql.span.start, known)?;
            Pipeline::new(query, columns, known)
        }
        None => Pipeline::new(from_logs(), Columns::logs(), known),
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
    spelled::rewrite(&mut query);
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

/// Whether `text` would be a step behind a pipe.
pub fn reads_as_step(text: &str) -> bool {
    let known = Known {
        field: &|name| Some(name.to_owned()),
        columns: &|_| None,
    };
    let clock = Clock {
        now: 0,
        newest: None,
        zone: jiff::tz::TimeZone::UTC,
    };
    let query = parse(&format!("* |> {text}"));
    query.is_ok_and(|query| query.steps.len() == 1 && translate(&query, known, &clock).is_ok())
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
fn sql_query(text: &str, at: usize, known: Known<'_>) -> Result<(ast::Query, Columns), Error> {
    let tokens = Tokens::read(text, at)?;
    let mut query = reader::query(tokens.all())?;
    steps::nested::rewrite(&mut query)?;
    name_queries(&mut query);
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
            let is_made = |table: &str| {
                let mut made = query.with.iter().flat_map(|with| &with.cte_tables);
                made.any(|it| it.alias.name.value == table)
            };
            let from = match only_table(select) {
                Some("logs") => Columns::logs(),
                Some(table) if !is_made(table) => {
                    (known.columns)(table).map_or(Columns::Unknown, Columns::Known)
                }
                _ => Columns::Unknown,
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

/// Gives names to the queries without one that stand in the places of joined tables, so that their columns
/// are told from those of others.
fn name_queries(query: &mut ast::Query) {
    struct Names(usize);
    impl VisitorMut for Names {
        type Break = ();
        fn pre_visit_select(&mut self, select: &mut ast::Select) -> ControlFlow<()> {
            for from in &mut select.from {
                let joined = from.joins.iter_mut().map(|join| &mut join.relation);
                for relation in joined {
                    if let ast::TableFactor::Derived {
                        alias: alias @ None,
                        ..
                    } = relation
                    {
                        self.0 += 1;
                        *alias = Some(ast::TableAlias {
                            explicit: true,
                            name: ast::Ident::new(format!("joined_{}", self.0)),
                            columns: Vec::new(),
                            at: None,
                        });
                    }
                }
            }
            ControlFlow::Continue(())
        }
    }
    let _ = walk::change(query, &mut Names(0));
}

/// The table that a `select` is from, if it is from nothing else.
fn only_table(select: &ast::Select) -> Option<&str> {
    let [from] = &select.from[..] else {
        return None;
    };
    match &from.relation {
        ast::TableFactor::Table { name, .. } if from.joins.is_empty() => match &name.0[..] {
            [ast::ObjectNamePart::Identifier(name)] => Some(&name.value),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests;
