//! Regexes in a query, which are read before anything runs, so that what is wrong with one is told at
//! its place.

use std::ops::ControlFlow;

use birl_record::query::{Error, tree::Span};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator as Op, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Query, Value,
};
use regex_automata::meta::Regex;

use super::functions::name_of;
use super::piece::place;
use super::reader::shown;
use crate::walk;

/// The functions whose second argument is a regex.
const OF_REGEXES: [&str; 5] = [
    "regexp_count",
    "regexp_instr",
    "regexp_like",
    "regexp_match",
    "regexp_replace",
];

/// Reads the regexes that stand in a query as texts.
pub(super) fn check(query: &Query) -> Result<(), Error> {
    let flow = walk::look_at_exprs(query, |expr| match regex_in(expr) {
        Some((pattern, place)) => match read(pattern, place) {
            Ok(_) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        },
        None => ControlFlow::Continue(()),
    });
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// The regex that an expression looks for, where it is a text of the query, and its place there.
fn regex_in(expr: &Expr) -> Option<(&str, Span)> {
    let regex = match expr {
        Expr::BinaryOp {
            op: Op::PGRegexMatch | Op::PGRegexIMatch | Op::PGRegexNotMatch | Op::PGRegexNotIMatch,
            right,
            ..
        } => right,
        Expr::Function(function) => {
            let name = name_of(function)?.to_ascii_lowercase();
            let FunctionArguments::List(list) = &function.args else {
                return None;
            };
            match list.args.get(1) {
                Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(regex)))
                    if OF_REGEXES.contains(&&name[..]) =>
                {
                    regex
                }
                _ => return None,
            }
        }
        _ => return None,
    };
    match regex {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(pattern) => Some((pattern, place(value.span)?)),
            _ => None,
        },
        _ => None,
    }
}

/// A regex that stands in the query at `place`.
pub(super) fn read(pattern: &str, place: Span) -> Result<Regex, Error> {
    Regex::new(pattern).map_err(|error| {
        let why = error
            .syntax_error()
            .map_or_else(|| error.to_string(), |it| it.to_string());
        // The library draws the place into lines of its own.
        let why = why.lines().last().unwrap_or_default();
        let why = shown(why.trim_start_matches("error: "));
        Error::new(place, format!("cannot read the regex: {why}"))
    })
}
