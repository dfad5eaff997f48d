//! The functions that people say and SQL says otherwise: `p99(x)`, `dc(x)`, `rate()`, `bin(5m)`.

use std::ops::ControlFlow;

use birl_record::query::{Error, tree::Span};
use birl_record::time::duration;
use datafusion::sql::sqlparser::ast::{
    self, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, SelectItem,
    Spanned, Value, VisitMut, VisitorMut,
};

use super::piece::{ident, place};
use super::reader::{nearest, place_of, template};
use crate::walk;

const SECOND: i64 = 1_000_000_000;
const WEEK: i64 = 7 * 86_400 * SECOND;

/// Where a function stands, as far as its meaning depends on that.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    /// How long the bins are that rows are grouped by, in nanoseconds.
    pub(super) bin: Option<i64>,
    /// The columns that tell where a row stands among the others.
    pub(super) position: Vec<&'static str>,
}

/// The columns that tell where a record stands among the others.
pub(crate) const POSITION: [&str; 3] = ["timestamp", "source", "offset"];

/// An aggregate, and how it is written in SQL.
struct Aggregate {
    /// The names that people have for it, in small letters; the first is the one to offer.
    names: &'static [&'static str],
    /// An example, for when it is called otherwise.
    example: &'static str,
    meaning: Meaning,
}

enum Meaning {
    /// What SQL has under this very name, or DataFusion under the first of the names.
    AsInSql,
    /// The SQL, with `$1` for its only argument.
    Written(&'static str),
    /// What depends on more than that.
    Made(fn(&Call<'_>) -> Result<Expr, Error>),
}

/// A call of a function.
struct Call<'c> {
    name: &'c str,
    args: Vec<&'c Expr>,
    /// Whether its argument is `*`.
    of_all: bool,
    span: Span,
    example: &'static str,
    context: &'c Context,
}

/// All aggregates but the percentiles, which are `p` and a number.
const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        names: &["count"],
        example: "count(status)",
        meaning: Meaning::AsInSql,
    },
    Aggregate {
        names: &["count_if", "countif"],
        example: "count_if(status >= 500)",
        meaning: Meaning::Written("count(*) FILTER (WHERE $1)"),
    },
    Aggregate {
        names: &["avg", "average", "mean"],
        example: "avg(latency_ms)",
        meaning: Meaning::Written("avg($1)"),
    },
    Aggregate {
        names: &["dc", "count_distinct", "dcount", "distinct_count", "uniq"],
        example: "dc(user)",
        meaning: Meaning::Written("count(DISTINCT $1)"),
    },
    Aggregate {
        names: &["approx_dc", "approx_distinct"],
        example: "approx_dc(user)",
        meaning: Meaning::Written("approx_distinct($1)"),
    },
    Aggregate {
        names: &["values", "make_set"],
        example: "values(status)",
        meaning: Meaning::Written(
            "array_agg(DISTINCT $1 ORDER BY $1) FILTER (WHERE $1 IS NOT NULL)",
        ),
    },
    Aggregate {
        names: &["list"],
        example: "list(status)",
        meaning: Meaning::Written("array_agg($1)"),
    },
    Aggregate {
        names: &["arg_max", "max_by"],
        example: "arg_max(path, latency_ms)",
        meaning: Meaning::Made(at_largest),
    },
    Aggregate {
        names: &["arg_min", "min_by"],
        example: "arg_min(path, latency_ms)",
        meaning: Meaning::Made(at_smallest),
    },
    Aggregate {
        names: &["first"],
        example: "first(status)",
        meaning: Meaning::Made(first),
    },
    Aggregate {
        names: &["last"],
        example: "last(status)",
        meaning: Meaning::Made(last),
    },
    Aggregate {
        names: &["rate"],
        example: "rate()",
        meaning: Meaning::Made(rate),
    },
    Aggregate {
        names: &["percentile"],
        example: "percentile(latency_ms, 99)",
        meaning: Meaning::Made(percentile),
    },
    Aggregate {
        names: &["stddev", "stdev"],
        example: "stddev(latency_ms)",
        meaning: Meaning::Written("stddev($1)"),
    },
    Aggregate {
        names: &["sum"],
        example: "sum(bytes)",
        meaning: Meaning::AsInSql,
    },
    Aggregate {
        names: &["min"],
        example: "min(latency_ms)",
        meaning: Meaning::AsInSql,
    },
    Aggregate {
        names: &["max"],
        example: "max(latency_ms)",
        meaning: Meaning::AsInSql,
    },
    Aggregate {
        names: &["median"],
        example: "median(latency_ms)",
        meaning: Meaning::AsInSql,
    },
    Aggregate {
        names: &["mode"],
        example: "mode(status)",
        meaning: Meaning::AsInSql,
    },
    Aggregate {
        names: &[
            "any_value",
            "approx_median",
            "approx_percentile_cont",
            "approx_percentile_cont_with_weight",
            "array_agg",
            "bit_and",
            "bit_or",
            "bit_xor",
            "bool_and",
            "bool_or",
            "corr",
            "covar",
            "covar_pop",
            "covar_samp",
            "first_value",
            "grouping",
            "last_value",
            "nth_value",
            "percentile_cont",
            "quantile_cont",
            "regr_avgx",
            "regr_avgy",
            "regr_count",
            "regr_intercept",
            "regr_r2",
            "regr_slope",
            "regr_sxx",
            "regr_sxy",
            "regr_syy",
            "stddev_pop",
            "stddev_samp",
            "string_agg",
            "var",
            "var_pop",
            "var_population",
            "var_samp",
            "var_sample",
        ],
        example: "var(latency_ms)",
        meaning: Meaning::AsInSql,
    },
];

/// Functions of single rows that SQL, as DataFusion has it, calls otherwise or writes otherwise: how they
/// are called in small letters, how many values they take, and the SQL.
const SPELLINGS: &[(&str, usize, &str)] = &[
    ("len", 1, "character_length($1)"),
    ("sign", 1, "signum($1)"),
    ("strftime", 2, "to_char($1, $2)"),
    ("isnull", 1, "$1 IS NULL"),
    ("isnotnull", 1, "$1 IS NOT NULL"),
    ("regexp_matches", 2, "regexp_like($1, $2)"),
    ("iif", 3, "CASE WHEN $1 THEN $2 ELSE $3 END"),
    ("if", 3, "CASE WHEN $1 THEN $2 ELSE $3 END"),
    ("iff", 3, "CASE WHEN $1 THEN $2 ELSE $3 END"),
    // `date_part` is a little off.
    ("epoch", 1, "CAST(CAST($1 AS TIMESTAMP(6)) AS BIGINT) / 1e6"),
    ("year", 1, "date_part('year', $1)"),
    ("month", 1, "date_part('month', $1)"),
    ("day", 1, "date_part('day', $1)"),
    ("dayofweek", 1, "date_part('dow', $1)"),
    ("dayofyear", 1, "date_part('doy', $1)"),
    ("hour", 1, "date_part('hour', $1)"),
    ("minute", 1, "date_part('minute', $1)"),
    ("second", 1, "date_part('second', $1)"),
    // As angle-grinder and Kusto have them.
    ("num", 1, "TRY_CAST($1 AS DOUBLE)"),
    ("todouble", 1, "TRY_CAST($1 AS DOUBLE)"),
    ("tonumber", 1, "TRY_CAST($1 AS DOUBLE)"),
    ("toint", 1, "TRY_CAST($1 AS BIGINT)"),
    ("tolong", 1, "TRY_CAST($1 AS BIGINT)"),
    ("tostring", 1, "CAST($1 AS VARCHAR)"),
    ("parsedate", 1, "parsedate($1)"),
    ("tolowercase", 1, "lower($1)"),
    ("tolower", 1, "lower($1)"),
    ("touppercase", 1, "upper($1)"),
    ("toupper", 1, "upper($1)"),
    ("isnumeric", 1, "TRY_CAST($1 AS DOUBLE) IS NOT NULL"),
    ("isempty", 1, "coalesce(CAST($1 AS VARCHAR), '') = ''"),
    ("isnotempty", 1, "coalesce(CAST($1 AS VARCHAR), '') <> ''"),
    ("isblank", 1, "trim(coalesce(CAST($1 AS VARCHAR), '')) = ''"),
    ("todegrees", 1, "degrees($1)"),
    ("toradians", 1, "radians($1)"),
    ("expm1", 1, "exp($1) - 1"),
    ("log1p", 1, "ln(1 + $1)"),
    ("hypot", 2, "sqrt(power($1, 2) + power($2, 2))"),
];

/// The function that somebody may mean by `name`, among those that are called so by people.
pub(crate) fn nearest_function(name: &str) -> Option<&'static str> {
    let aggregates = AGGREGATES.iter().flat_map(|it| it.names.iter().copied());
    let spellings = SPELLINGS.iter().map(|(name, ..)| *name);
    nearest(name, aggregates.chain(spellings).chain(OF_SQL))
}

/// Functions of single rows that SQL has by these names, as far as they are offered.
const OF_SQL: [&str; 44] = [
    "abs",
    "array_has",
    "array_length",
    "cast",
    "ceil",
    "character_length",
    "coalesce",
    "concat",
    "contains",
    "date_bin",
    "date_part",
    "date_trunc",
    "ends_with",
    "exp",
    "extract",
    "floor",
    "greatest",
    "ifnull",
    "least",
    "left",
    "length",
    "ln",
    "log10",
    "lower",
    "lpad",
    "now",
    "nullif",
    "position",
    "power",
    "regexp_like",
    "regexp_match",
    "regexp_replace",
    "replace",
    "reverse",
    "right",
    "round",
    "row_number",
    "split_part",
    "sqrt",
    "starts_with",
    "substr",
    "to_char",
    "to_timestamp",
    "upper",
];

/// The aggregate that is called `name`, if any is.
fn aggregate(name: &str) -> Option<&'static Aggregate> {
    AGGREGATES.iter().find(|it| it.names.contains(&name))
}

/// Whether `name` is that of an aggregate.
pub(super) fn is_aggregate_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    aggregate(&name).is_some() || percent(&name).is_some()
}

/// The aggregate that somebody may mean by `name`.
pub(super) fn nearest_aggregate(name: &str) -> Option<&'static str> {
    let percentiles = ["p50", "p90", "p95", "p99"];
    let names = AGGREGATES.iter().flat_map(|it| it.names.iter().copied());
    nearest(name, names.chain(percentiles))
}

/// Whether an expression is a call of an aggregate, over groups and not over a window.
pub(super) fn is_aggregate(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function)
        if function.over.is_none() && name_of(function).is_some_and(is_aggregate_name))
}

/// Whether an expression is true or false, as far as can be seen.
pub(super) fn is_condition(expr: &Expr) -> bool {
    use ast::BinaryOperator as Op;
    match expr {
        Expr::BinaryOp { op, .. } => matches!(
            op,
            Op::Gt
                | Op::Lt
                | Op::GtEq
                | Op::LtEq
                | Op::Spaceship
                | Op::Eq
                | Op::NotEq
                | Op::And
                | Op::Or
                | Op::Xor
                | Op::PGRegexMatch
                | Op::PGRegexIMatch
                | Op::PGRegexNotMatch
                | Op::PGRegexNotIMatch
        ),
        Expr::UnaryOp { op, .. } => *op == ast::UnaryOperator::Not,
        Expr::Nested(expr) => is_condition(expr),
        Expr::Like { .. }
        | Expr::ILike { .. }
        | Expr::SimilarTo { .. }
        | Expr::Between { .. }
        | Expr::InList { .. }
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_) => true,
        _ => false,
    }
}

/// Whether the value of an aggregate is never null.
pub(super) fn is_count(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function)
        if matches!(name_of(function), Some("count" | "approx_distinct")))
}

/// Writes in `part` as SQL does what people say otherwise.
pub(super) fn rewrite(part: &mut impl VisitMut, context: &Context) -> Result<(), Error> {
    let mut rewriter = Rewriter {
        bins: vec![context.bin],
        context: context.clone(),
    };
    match walk::change(part, &mut rewriter) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Rewriter {
    context: Context,
    /// The bins of the selects that are open, the innermost last.
    bins: Vec<Option<i64>>,
}

impl VisitorMut for Rewriter {
    type Break = Error;

    fn pre_visit_select(&mut self, select: &mut ast::Select) -> ControlFlow<Error> {
        for item in &mut select.projection {
            name_item(item);
        }
        let bin = match &select.group_by {
            ast::GroupByExpr::Expressions(keys, _) => keys.iter().find_map(bin_length),
            ast::GroupByExpr::All(_) => None,
        };
        self.bins.push(bin);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &mut ast::Select) -> ControlFlow<Error> {
        self.bins.pop();
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        self.context.bin = self.bins.last().copied().flatten();
        match rewritten(expr, &self.context) {
            Ok(Some(written)) => *expr = written,
            Ok(None) => {}
            Err(error) => return ControlFlow::Break(error),
        }
        ControlFlow::Continue(())
    }
}

/// Gives what a select shows the name that was typed, where it has none of its own.
pub(super) fn name_item(item: &mut SelectItem) {
    if let SelectItem::UnnamedExpr(expr) = item
        && let Some(name) = own_name(expr)
    {
        let expr = std::mem::replace(expr, Expr::Value(Value::Null.into()));
        *item = SelectItem::ExprWithAlias {
            expr,
            alias: ident(&name),
        };
    }
}

/// What a column is called that shows an expression; `None` where that goes without saying.
pub(super) fn own_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => None,
        Expr::Function(function) if name_of(function) == Some("bin") => Some(bin_column(function)),
        expr => Some(expr.to_string()),
    }
}

/// The length of a bin as it was typed, and of what times it is: `bin(5m, received_at)`, or the other way
/// round.
fn bin_args<'f>(args: &[&'f Expr]) -> Option<(&'f ast::ValueWithSpan, Option<&'f Expr>)> {
    match args {
        [Expr::Value(length)] => Some((length, None)),
        [Expr::Value(length), times] | [times, Expr::Value(length)] => Some((length, Some(times))),
        _ => None,
    }
}

/// What the column of a bin is called: like that of the moments in it.
fn bin_column(function: &Function) -> String {
    match bin_args(&args_of(function)).and_then(|(_, times)| times) {
        Some(Expr::Identifier(name)) => name.value.clone(),
        Some(Expr::CompoundIdentifier(parts)) => parts
            .iter()
            .map(|part| part.value.as_str())
            .collect::<Vec<_>>()
            .join("."),
        Some(other) => other.to_string(),
        None => "timestamp".to_owned(),
    }
}

/// How long the bins of a `bin(5m)` are, in nanoseconds.
pub(super) fn bin_length(expr: &Expr) -> Option<i64> {
    let Expr::Function(function) = expr else {
        return None;
    };
    let is_bin = name_of(function).is_some_and(|name| name.eq_ignore_ascii_case("bin"));
    match bin_args(&args_of(function)) {
        Some((value, _)) if is_bin => match &value.value {
            Value::SingleQuotedString(typed) => duration(typed).ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The name of a function that no schema stands before.
pub(super) fn name_of(function: &Function) -> Option<&str> {
    match &function.name.0[..] {
        [ast::ObjectNamePart::Identifier(name)] => Some(&name.value),
        _ => None,
    }
}

fn args_of(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else {
        return Vec::new();
    };
    let exprs = list.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    exprs.collect::<Option<_>>().unwrap_or_default()
}

fn rewritten(expr: &Expr, context: &Context) -> Result<Option<Expr>, Error> {
    let Expr::Function(function) = expr else {
        return Ok(None);
    };
    let Some(name) = name_of(function) else {
        return Ok(None);
    };
    let lower = name.to_ascii_lowercase();
    let mut call = Call {
        name,
        args: args_of(function),
        of_all: matches!(&function.args, FunctionArguments::List(list) if matches!(
            &list.args[..],
            [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]
        )),
        span: place(function.name.0[0].span())
            .or_else(|| place_of(expr))
            .unwrap_or(0..0),
        example: "",
        context,
    };
    let written = if let Some(fraction) = percent(&lower) {
        call.example = "p99(latency_ms)";
        let arg = call.only_arg()?;
        template(&format!("approx_percentile_cont($1, {fraction})"), &[arg])
    } else if let Some(aggregate) = aggregate(&lower) {
        call.example = aggregate.example;
        match aggregate.meaning {
            Meaning::AsInSql if lower == "count" => match &call.args[..] {
                // In SQL it counts all values, true and false ones.
                [condition] if is_search(condition) => {
                    template("count(*) FILTER (WHERE $1)", &[condition])
                }
                [] if is_empty(function) => template("count(*)", &[]),
                _ => return Ok(None),
            },
            // How many are true of a condition, as other databases have it.
            Meaning::AsInSql if lower == "sum" && call.is_of_condition() => {
                template("sum(CAST($1 AS BIGINT))", &[call.only_arg()?])
            }
            Meaning::AsInSql => return Ok(None),
            Meaning::Written(_) if call.is_of_condition() && aggregate.names[0] == "avg" => {
                template(
                    "avg(CAST(CAST($1 AS BIGINT) AS DOUBLE))",
                    &[call.only_arg()?],
                )
            }
            Meaning::Written(_) if lower == aggregate.names[0] && is_sql_name(&lower) => {
                return Ok(None);
            }
            Meaning::Written(sql) => template(sql, &[call.only_arg()?]),
            Meaning::Made(make) => make(&call)?,
        }
    } else {
        match &lower[..] {
            "bin" => bin(&call)?,
            "if" if call.args.len() != 3 => {
                call.example = "if(status >= 500, 'bad', 'good')";
                return Err(call.wrong("takes a condition and two values"));
            }
            name => match SPELLINGS.iter().find(|(spelled, ..)| *spelled == name) {
                Some((_, count, sql)) if call.args.len() == *count => template(sql, &call.args),
                Some((_, count, _)) => return Err(call.takes(*count)),
                None => return Ok(None),
            },
        }
    };
    Ok(Some(with_clauses(written, function)))
}

/// Names of SQL's own, whose arguments it checks.
fn is_sql_name(name: &str) -> bool {
    matches!(name, "avg" | "stddev")
}

/// What was written, under the conditions that stood behind the call: `filter (where …)` and
/// `over (…)`.
pub(super) fn with_clauses(mut written: Expr, function: &Function) -> Expr {
    if function.filter.is_none() && function.over.is_none() {
        return written;
    }
    let _ = walk::change_exprs(&mut written, |expr| {
        if is_aggregate(expr)
            && let Expr::Function(inner) = expr
        {
            if let Some(filter) = &function.filter {
                let filter = match &inner.filter {
                    Some(own) => template("($1) AND ($2)", &[filter, own]),
                    None => (**filter).clone(),
                };
                inner.filter = Some(Box::new(filter));
            }
            inner.over = function.over.clone();
        }
        ControlFlow::<()>::Continue(())
    });
    written
}

fn is_empty(function: &Function) -> bool {
    matches!(&function.args, FunctionArguments::List(list) if list.args.is_empty())
}

/// Whether an expression is a call of `search`.
pub(super) fn is_search(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function) if name_of(function) == Some("search"))
}

impl Call<'_> {
    /// Whether its only argument is a condition, and that it has no `distinct`.
    fn is_of_condition(&self) -> bool {
        matches!(&self.args[..], [arg] if is_condition(arg))
    }

    fn only_arg(&self) -> Result<&Expr, Error> {
        match &self.args[..] {
            [arg] => Ok(arg),
            _ => Err(self.wrong("takes one value")),
        }
    }

    /// It has been given too many values, or too few.
    fn takes(&self, count: usize) -> Error {
        let values = match count {
            1 => "one value".to_owned(),
            count => format!("{count} values"),
        };
        Error::new(self.span.clone(), format!("`{}` takes {values}", self.name))
    }

    fn wrong(&self, what: &str) -> Error {
        let error = Error::new(self.span.clone(), format!("`{}` {what}", self.name));
        error.with_hint(format!("for example: {}", self.example))
    }
}

/// What part of 1 the percentile of this name is: `p50`, `p99`, `p999`.
fn percent(name: &str) -> Option<String> {
    let digits = name.strip_prefix("perc").or(name.strip_prefix('p'))?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match digits.len() {
        1 => Some(format!("0.0{digits}")),
        2 => Some(format!("0.{digits}")),
        _ if digits == "100" => Some("1.0".to_owned()),
        3..=6 if digits.starts_with("99") => Some(format!("0.{digits}")),
        _ => None,
    }
}

/// `percentile(x, 99)`
fn percentile(call: &Call<'_>) -> Result<Expr, Error> {
    let wrong = || call.wrong("takes a value and a number from 0 to 100");
    let [value, Expr::Value(percent)] = &call.args[..] else {
        return Err(wrong());
    };
    let Value::Number(percent, _) = &percent.value else {
        return Err(wrong());
    };
    let percent: f64 = percent.parse().map_err(|_| wrong())?;
    if !(0.0..=100.0).contains(&percent) {
        return Err(wrong());
    }
    // Printed so that it reads as a float in any case.
    let fraction = format!("{:?}", percent / 100.0);
    Ok(template(
        &format!("percentile_cont($1, {fraction})"),
        &[value],
    ))
}

/// `first(x)`: the first that there is.
fn first(call: &Call<'_>) -> Result<Expr, Error> {
    at_end("first_value", call)
}

fn last(call: &Call<'_>) -> Result<Expr, Error> {
    at_end("last_value", call)
}

/// `arg_max(x, y)`: the x where y is the largest.
fn at_largest(call: &Call<'_>) -> Result<Expr, Error> {
    at_extreme("last_value", call)
}

fn at_smallest(call: &Call<'_>) -> Result<Expr, Error> {
    at_extreme("first_value", call)
}

fn at_extreme(function: &str, call: &Call<'_>) -> Result<Expr, Error> {
    let [value, by] = &call.args[..] else {
        return Err(call.wrong("takes a value, and one that is to be compared"));
    };
    let sql =
        format!("{function}($1 ORDER BY $2) FILTER (WHERE $1 IS NOT NULL AND $2 IS NOT NULL)");
    Ok(template(&sql, &[value, by]))
}

fn at_end(function: &str, call: &Call<'_>) -> Result<Expr, Error> {
    let value = call.only_arg()?;
    let order: Vec<_> = call
        .context
        .position
        .iter()
        .map(|name| ident(name).to_string())
        .collect();
    let order = match order.is_empty() {
        true => String::new(),
        false => format!(" ORDER BY {}", order.join(", ")),
    };
    let sql = format!("{function}($1{order}) FILTER (WHERE $1 IS NOT NULL)");
    Ok(template(&sql, &[value]))
}

/// `max(x)` or `min(x)`, and x, where an expression is that of a column, and not over a window.
pub(super) fn extreme(expr: &Expr) -> Option<(&'static str, &Ident)> {
    let Expr::Function(function) = expr else {
        return None;
    };
    let name = name_of(function)?.to_ascii_lowercase();
    let name = ["max", "min"].into_iter().find(|it| *it == name)?;
    match &args_of(function)[..] {
        [Expr::Identifier(column)] if function.over.is_none() => Some((name, column)),
        _ => None,
    }
}

/// `rate()`, `rate(level:error)`, `rate(bytes)`: a second.
fn rate(call: &Call<'_>) -> Result<Expr, Error> {
    let total = match &call.args[..] {
        [] => template("count(*)", &[]),
        [condition] if is_search(condition) => template("count(*) FILTER (WHERE $1)", &[condition]),
        [value] => template("sum($1)", &[value]),
        _ => return Err(call.wrong("takes a search, a field or nothing")),
    };
    debug_assert!(!call.of_all || call.args.is_empty(), "`*` is no expression");
    Ok(match call.context.bin {
        Some(length) => {
            // Printed so that it reads as a float in any case.
            let seconds = format!("{:?}", length as f64 / SECOND as f64);
            template(&format!("$1 / {seconds}"), &[&total])
        }
        None => template(
            "$1 / nullif((CAST(max(timestamp) AS BIGINT) - CAST(min(timestamp) AS BIGINT)) / 1e9, 0.0)",
            &[&total],
        ),
    })
}

/// `bin(5m)`, `bin(5m, received_at)`
fn bin(call: &Call<'_>) -> Result<Expr, Error> {
    let wrong = || {
        let error = Error::new(call.span.clone(), "`bin` takes a length of time");
        error.with_hint("for example: bin(5m)")
    };
    let (typed, column) = match bin_args(&call.args) {
        Some((typed, None)) => (typed, Expr::Identifier(Ident::new("timestamp"))),
        Some((typed, Some(column))) => (typed, column.clone()),
        None => return Err(wrong()),
    };
    let Value::SingleQuotedString(text) = &typed.value else {
        return Err(wrong());
    };
    let span = place(typed.span).unwrap_or_else(|| call.span.clone());
    let length = bin_length_of(text, span)?;
    Ok(template(&bin_sql(length), &[&column]))
}

/// A length of time that bins may have, in nanoseconds.
pub(super) fn bin_length_of(typed: &str, span: Span) -> Result<i64, Error> {
    match duration(typed) {
        Ok(length) if length > 0 => Ok(length),
        Ok(_) => Err(Error::new(span, "a bin has a length").with_hint("for example: bin(5m)")),
        Err(error) => Err(Error::new(span, error.message()).with_hint(error.hint())),
    }
}

/// SQL for the beginning of the bin that the moment `$1` is in.
fn bin_sql(length: i64) -> String {
    // Weeks begin on Mondays, and 1970 began on a Thursday.
    let origin = match length % WEEK {
        0 => ", TIMESTAMP '1970-01-05T00:00:00Z'",
        _ => "",
    };
    format!("date_bin(INTERVAL '{}', $1{origin})", interval(length))
}

/// A length of time as SQL writes it, in the largest unit that it is whole in.
fn interval(length: i64) -> String {
    let units = [
        ("day", 86_400 * SECOND),
        ("hour", 3600 * SECOND),
        ("minute", 60 * SECOND),
        ("second", SECOND),
        ("millisecond", SECOND / 1000),
        ("microsecond", SECOND / 1_000_000),
        ("nanosecond", 1),
    ];
    let (unit, nanoseconds) = units
        .into_iter()
        .find(|(_, nanoseconds)| length % nanoseconds == 0)
        .expect("all are whole in nanoseconds");
    match length / nanoseconds {
        1 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::tests::{cases, has_word};

    #[test]
    fn every_aggregate_has_a_case() {
        let cases = cases();
        for name in AGGREGATES.iter().flat_map(|it| it.names) {
            let has_one = has_word(&cases, &[" ", "(", "\""], name);
            assert!(has_one, "no case has an aggregate `{name}`");
        }
    }

    #[test]
    fn every_spelling_has_a_case() {
        let cases = cases();
        for (name, ..) in SPELLINGS {
            let has_one = has_word(&cases, &[" ", "(", "-"], name);
            assert!(has_one, "no case has a function `{name}`");
        }
    }
}
