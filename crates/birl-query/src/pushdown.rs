//! What of a query the search of records answers, before a row is made.
//!
//! A search that stands in the query is answered by the scan wholly. What other predicates imply is
//! a search as well: it leaves out most of the records that the predicate would, without reading
//! them, and the predicate is asked of the rest.

use std::ops::Range;

use birl_record::query::tree::{Field, Term, quote};
use birl_record::search::{self, Case};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{InList, Like, ScalarFunction};
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};

/// What a column of the table is, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Column<'a> {
    /// Whether a search finds the record.
    Match(&'a Term),
    /// When the record was.
    Timestamp,
    /// A text.
    Text(&'a str),
    /// A number.
    Number(&'a str),
    /// Anything else.
    Other,
}

/// How predicates of SQL take the terms that they imply: they do not fold case.
pub(crate) const AS_IN_SQL: search::Options = search::Options {
    case: Case::Sensitive,
    words: false,
};

/// All times.
pub(crate) const ALWAYS: Range<i64> = i64::MIN..i64::MAX;

/// The search that finds the very records for which `expr` is true, if there is one.
pub(crate) fn exact<'a>(expr: &Expr, column: &impl Fn(&str) -> Column<'a>) -> Option<Term> {
    match expr {
        Expr::Column(named) => match column(&named.name) {
            Column::Match(term) => Some(term.clone()),
            _ => None,
        },
        Expr::Not(inner) => Some(Term::Not(Box::new(exact(inner, column)?))),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let join: fn(Vec<Term>) -> Term = match op {
                Operator::And => Term::And,
                Operator::Or => Term::Or,
                _ => return None,
            };
            Some(join(vec![exact(left, column)?, exact(right, column)?]))
        }
        _ => None,
    }
}

/// A search that finds all records for which `expr` is true, if there is one that leaves out others.
pub(crate) fn implied<'a>(expr: &Expr, column: &impl Fn(&str) -> Column<'a>) -> Option<Term> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => match (implied(left, column), implied(right, column)) {
                (Some(one), Some(other)) => Some(Term::And(vec![one, other])),
                (one, other) => one.or(other),
            },
            Operator::Or => Some(Term::Or(vec![
                implied(left, column)?,
                implied(right, column)?,
            ])),
            op => compared(left, *op, right, column),
        },
        Expr::InList(InList {
            expr,
            list,
            negated: false,
        }) => {
            let terms = list
                .iter()
                .map(|it| compared(expr, Operator::Eq, it, column));
            let mut terms = terms.collect::<Option<Vec<_>>>()?;
            match terms.len() {
                0 => None,
                1 => Some(terms.remove(0)),
                _ => Some(Term::Or(terms)),
            }
        }
        Expr::Between(Between {
            expr,
            negated: false,
            low,
            high,
        }) => {
            let low = compared(expr, Operator::GtEq, low, column);
            let high = compared(expr, Operator::LtEq, high, column);
            match (low, high) {
                (Some(low), Some(high)) => Some(Term::And(vec![low, high])),
                (low, high) => low.or(high),
            }
        }
        Expr::IsNotNull(inner) => match named(inner, column)? {
            Column::Text(name) | Column::Number(name) => Some(field(name, "*".to_owned())),
            _ => None,
        },
        Expr::Like(Like {
            negated: false,
            expr,
            pattern,
            escape_char,
            case_insensitive: false,
        }) => {
            let pieces = like_pieces(text(pattern)?, *escape_char);
            holding(expr, &pieces, column)
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) => match (func.name(), &args[..]) {
            ("contains" | "starts_with" | "ends_with", [value, piece]) => {
                holding(value, &[text(piece)?.to_owned()], column)
            }
            ("regexp_like", [value, pattern]) => matching(value, text(pattern)?, column),
            _ => None,
        },
        _ => None,
    }
}

/// A range that holds the times of all records for which `expr` is true.
pub(crate) fn times<'a>(expr: &Expr, column: &impl Fn(&str) -> Column<'a>) -> Range<i64> {
    match expr {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::And,
            right,
        }) => common(times(left, column), times(right, column)),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (value, op, bound) = match (instant(left), instant(right)) {
                (None, Some(bound)) => (left, *op, bound),
                (Some(bound), None) => match op.swap() {
                    Some(op) => (right, op, bound),
                    None => return ALWAYS,
                },
                _ => return ALWAYS,
            };
            match named(value, column) {
                Some(Column::Timestamp) => range(op, bound),
                _ => ALWAYS,
            }
        }
        Expr::Between(Between {
            expr,
            negated: false,
            low,
            high,
        }) => match (named(expr, column), instant(low), instant(high)) {
            (Some(Column::Timestamp), Some(low), Some(high)) => low..high.saturating_add(1),
            _ => ALWAYS,
        },
        _ => ALWAYS,
    }
}

/// What both ranges hold.
pub(crate) fn common(one: Range<i64>, other: Range<i64>) -> Range<i64> {
    let start = one.start.max(other.start);
    start..one.end.min(other.end).max(start)
}

/// A range of time, for people.
pub(crate) fn shown(range: &Range<i64>) -> String {
    let moment = |at: i64, open: i64| match at == open {
        true => String::new(),
        false => jiff::Timestamp::from_nanosecond(at.into())
            .map_or_else(|_| at.to_string(), |moment| moment.to_string()),
    };
    format!(
        "{}..{}",
        moment(range.start, i64::MIN),
        moment(range.end, i64::MAX)
    )
}

fn range(op: Operator, bound: i64) -> Range<i64> {
    match op {
        Operator::Eq => bound..bound.saturating_add(1),
        Operator::Gt => bound.saturating_add(1)..i64::MAX,
        Operator::GtEq => bound..i64::MAX,
        Operator::Lt => i64::MIN..bound,
        Operator::LtEq => i64::MIN..bound.saturating_add(1),
        _ => ALWAYS,
    }
}

fn named<'a>(expr: &Expr, column: &impl Fn(&str) -> Column<'a>) -> Option<Column<'a>> {
    match expr {
        Expr::Column(it) => Some(column(&it.name)),
        _ => None,
    }
}

/// `field op literal`, or the other way round.
fn compared<'a>(
    left: &Expr,
    op: Operator,
    right: &Expr,
    column: &impl Fn(&str) -> Column<'a>,
) -> Option<Term> {
    let (value, op, literal) = match (left, right) {
        (Expr::Column(_), right) => (left, op, right),
        (left, Expr::Column(_)) => (right, op.swap()?, left),
        _ => return None,
    };
    match named(value, column)? {
        Column::Text(name) => match op {
            Operator::Eq => Some(field(name, quote(text(literal)?))),
            Operator::RegexMatch => matching(value, text(literal)?, column),
            _ => None,
        },
        Column::Number(name) => {
            let operator = match op {
                Operator::Eq => "=",
                Operator::Gt => ">",
                Operator::GtEq => ">=",
                Operator::Lt => "<",
                Operator::LtEq => "<=",
                _ => return None,
            };
            Some(field(name, format!("{operator}{}", number(literal)?)))
        }
        Column::Match(_) | Column::Timestamp | Column::Other => None,
    }
}

/// The term `name:value`, in a query of its own.
fn field(name: &str, value: String) -> Term {
    Term::Field(Field {
        name: name.to_owned(),
        span: 0..name.len() + 1 + value.len(),
        value,
    })
}

/// `expr ~ pattern`
fn matching<'a>(expr: &Expr, pattern: &str, column: &impl Fn(&str) -> Column<'a>) -> Option<Term> {
    // A slash would end it, and with flags of its own it is not read alike.
    if pattern.is_empty() || pattern.contains(['/', '\n', '\r']) || pattern.ends_with('\\') {
        return None;
    }
    match named(expr, column)? {
        Column::Text(name) => Some(field(name, format!("/{pattern}/"))),
        _ => None,
    }
}

/// What `expr` holds if it holds all of `pieces`.
fn holding<'a>(
    expr: &Expr,
    pieces: &[String],
    column: &impl Fn(&str) -> Column<'a>,
) -> Option<Term> {
    let Column::Text(name) = named(expr, column)? else {
        return None;
    };
    // Only what stands for itself in a glob.
    let plain = |c: char| !(c.is_alphanumeric() || "_- :=".contains(c));
    let pieces = pieces.iter().flat_map(|piece| piece.split(plain));
    let longest = pieces.max_by_key(|piece| piece.len())?;
    (!longest.is_empty()).then(|| field(name, format!("*{longest}*")))
}

/// The texts that a `like` pattern asks for, without what stands between them.
fn like_pieces(pattern: &str, escape: Option<char>) -> Vec<String> {
    let escape = escape.unwrap_or('\\');
    let mut pieces = vec![String::new()];
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let piece = pieces.last_mut().expect("there is one at least");
        match c {
            '%' | '_' => pieces.push(String::new()),
            c if c == escape => piece.extend(chars.next()),
            c => piece.push(c),
        }
    }
    pieces
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(literal, _) => literal.try_as_str().flatten(),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<String> {
    let Expr::Literal(literal, _) = expr else {
        return None;
    };
    match literal {
        ScalarValue::Int64(Some(number)) => Some(number.to_string()),
        ScalarValue::Float64(Some(number)) if number.is_finite() => Some(number.to_string()),
        _ => None,
    }
}

fn instant(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::TimestampNanosecond(at, _), _) => *at,
        _ => None,
    }
}
