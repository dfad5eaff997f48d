//! Reads SQL out of pieces of a query, and says of errors where in the query they are.

use std::ops::ControlFlow;

use birl_record::query::{Error, tree::Span};
use birl_record::time::duration;
use datafusion::sql::sqlparser::ast::{
    self, Expr, LimitClause, PipeOperator, Query, SelectItem, SetExpr, Spanned, Visit, Visitor,
};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::elsewhere;
use super::piece::{Piece, lower_first, place};
use super::steps::is_step;
use crate::dialect::QueryDialect;
use crate::walk;

/// How deep parentheses and subqueries may go.
const DEPTH_MAX: usize = 64;
/// So many characters of the query are repeated in a message.
const SHOWN_CHARS: usize = 40;

/// An expression, and nothing behind it.
pub(super) fn expr(piece: Piece<'_>) -> Result<Expr, Error> {
    whole(piece, Vec::new(), |parser| parser.parse_expr())
}

/// What `select` takes, with its name, and nothing behind it.
pub(super) fn item(piece: Piece<'_>) -> Result<SelectItem, Error> {
    whole(piece, Vec::new(), |parser| parser.parse_select_item())
}

/// A query in SQL; a `;` may end it.
pub(super) fn query(piece: Piece<'_>) -> Result<Query, Error> {
    whole(piece, Vec::new(), |parser| {
        let query = parser.parse_query()?;
        let _ = parser.consume_token(&Token::SemiColon);
        Ok(*query)
    })
}

/// The step that a piece is in SQL.
pub(super) fn operator(piece: Piece<'_>) -> Result<PipeOperator, Error> {
    let before = [
        Token::make_word("FROM", None),
        Token::make_word("logs", None),
        Token::VerticalBarRightAngleBracket,
    ];
    let mut operators = whole(piece, before.into(), |parser| {
        Ok(parser.parse_query()?.pipe_operators)
    })?;
    match (operators.pop(), operators.is_empty()) {
        (Some(operator), true) => Ok(operator),
        _ => Err(Error::new(piece.place(), "expected one step")),
    }
}

/// An expression that we write, with `$1`, `$2` and so on in the places of `args`.
///
/// # Panics
/// Where `sql` is none.
pub(crate) fn template(sql: &str, args: &[&Expr]) -> Expr {
    let mut written = Parser::new(&QueryDialect)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_expr())
        .expect("what we write is SQL");
    let _ = walk::change_exprs(&mut written, |expr| {
        if let Expr::Value(value) = expr
            && let ast::Value::Placeholder(name) = &value.value
            && let Ok(number) = name[1..].parse::<usize>()
        {
            *expr = args[number - 1].clone();
        }
        ControlFlow::<()>::Continue(())
    });
    written
}

/// A query that we write.
///
/// # Panics
/// Where `sql` is none.
pub(super) fn written(sql: &str) -> Query {
    let read = Parser::new(&QueryDialect)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_query());
    *read.expect("what we write is SQL")
}

/// What `read` reads of the tokens of `before` and `piece`, all of which it must take.
fn whole<T: Visit>(
    piece: Piece<'_>,
    before: Vec<Token>,
    read: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>,
) -> Result<T, Error> {
    if piece.is_empty() {
        return Err(Error::new(piece.end(), "expected an expression"));
    }
    let before = before.into_iter().map(TokenWithSpan::wrap);
    let tokens = before.chain(piece.tokens.iter().cloned()).collect();
    let mut parser = Parser::new(&QueryDialect)
        .with_recursion_limit(DEPTH_MAX)
        .with_tokens_with_locations(tokens);
    let what = read(&mut parser).map_err(|error| placed(error, piece))?;
    let next = parser.peek_token();
    match next.token {
        Token::EOF => match walk::look(&what, &mut Refuses) {
            ControlFlow::Continue(()) => Ok(what),
            ControlFlow::Break(Refused {
                span,
                message,
                hint,
            }) => {
                let error = Error::new(span.unwrap_or_else(|| piece.place()), message);
                Err(error.with_hint(hint))
            }
        },
        _ => {
            let span = place(next.span).unwrap_or_else(|| piece.place());
            let found = shown(&next.token.to_string());
            let message = format!("expected the end of the step, found `{found}`");
            let error = Error::new(span.clone(), message);
            Err(match &next.token {
                Token::Word(word)
                    if word.quote_style.is_none()
                        && is_step(&word.value)
                        && !ends_before(piece) =>
                {
                    error.with_hint(format!("each step stands behind a pipe: |> {found} …"))
                }
                Token::Colon => error.with_hint("a search stands in quotes: search('level:error')"),
                Token::Word(word)
                    if word.quote_style.is_none()
                        && let Some(here) = elsewhere::operator(&word.value) =>
                {
                    error.with_hint(format!("here it is written as {here}"))
                }
                _ => in_quotes_if_length(error, piece, span.start),
            })
        }
    }
}

/// Whether a statement ends in a piece, so that what is behind it is another one.
fn ends_before(piece: Piece<'_>) -> bool {
    let mut tokens = piece.tokens.iter();
    tokens.any(|it| it.token == Token::SemiColon)
}

/// Breaks off at what can be read and has no meaning here.
struct Refuses;

/// What cannot be, and what to do instead.
struct Refused {
    span: Option<Span>,
    message: String,
    hint: &'static str,
}

impl Visitor for Refuses {
    type Break = Refused;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Refused> {
        let wrong = match (writes(&query.body), query.locks.is_empty()) {
            (true, _) => Some("a query only reads, and this one would write"),
            (false, false) => Some("a query only reads, and locks nothing"),
            (false, true) => None,
        };
        if let Some(wrong) = wrong {
            return ControlFlow::Break(Refused {
                span: None,
                message: wrong.to_owned(),
                hint: "to keep an answer, write it to a file: -o csv > FILE",
            });
        }
        let limits = query.limit_clause.iter().flat_map(|clause| match clause {
            LimitClause::LimitOffset { limit, offset, .. } => {
                let offset = offset.as_ref().map(|offset| &offset.value);
                [limit.as_ref(), offset]
            }
            LimitClause::OffsetCommaLimit { offset, limit } => [Some(offset), Some(limit)],
        });
        let steps = query.pipe_operators.iter().map(|operator| match operator {
            PipeOperator::Limit { expr, offset } => [Some(expr), offset.as_ref()],
            _ => [None, None],
        });
        let mut counts = limits.chain(steps.flatten()).flatten();
        match counts.find(|expr| !may_be_count(expr)) {
            Some(expr) => ControlFlow::Break(Refused {
                span: place_of(expr),
                message: format!(
                    "expected a number of rows, found `{}`",
                    shown(&expr.to_string())
                ),
                hint: "for example: limit 10 offset 20",
            }),
            None => ControlFlow::Continue(()),
        }
    }

    /// `a:b`, which other databases take for a part of an object.
    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Refused> {
        match expr {
            Expr::JsonAccess { .. } => ControlFlow::Break(Refused {
                span: place_of(expr),
                message: "`:` has no meaning in SQL".to_owned(),
                hint: "a search stands in quotes: search('level:error')",
            }),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn writes(body: &SetExpr) -> bool {
    match body {
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => true,
        SetExpr::Select(select) => select.into.is_some(),
        SetExpr::SetOperation { left, right, .. } => writes(left) || writes(right),
        SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => false,
    }
}

/// Whether so many rows can be asked for, as far as can be seen before anything is planned.
fn may_be_count(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => match &value.value {
            ast::Value::Number(digits, _) => digits.parse::<i64>().is_ok(),
            _ => true,
        },
        Expr::UnaryOp { .. } => false,
        _ => true,
    }
}

/// An error of the parser, at its place in the query.
fn placed(error: ParserError, piece: Piece<'_>) -> Error {
    let message = match error {
        ParserError::RecursionLimitExceeded => {
            let message = format!("more than {DEPTH_MAX} levels of parentheses");
            return Error::new(piece.place(), message);
        }
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => message,
    };
    let (message, at) = without_location(&message);
    let token = at.and_then(|at| token_at(piece.tokens, at));
    let end = piece.place().end;
    let span = match (at, token) {
        (_, Some(span)) => span,
        (Some(at), None) if at < end => at..end,
        _ => end..end,
    };
    let message = match message.split_once(", found: ") {
        Some((expected, "EOF")) => format!("{} at the end", lower_first(expected)),
        Some((expected, found)) => format!("{}, found `{}`", lower_first(expected), shown(found)),
        None => lower_first(message),
    };
    let start = span.start;
    let found_dot = message.ends_with("found `.`");
    let error = Error::new(span, message.replacen("expected: ", "expected ", 1));
    if found_dot {
        return error.with_hint("a field is called without a dot before it: level = 'error'");
    }
    in_quotes_if_length(error, piece, start)
}

/// The error about what stands at a byte of the query; with a hint, where that is the unit of a length of time:
/// `-1h`, `ago(15m)`.
fn in_quotes_if_length(error: Error, piece: Piece<'_>, at: usize) -> Error {
    let number_and_unit = piece.tokens.windows(2).any(|pair| {
        let (Token::Number(number, _), Token::Word(unit)) = (&pair[0].token, &pair[1].token) else {
            return false;
        };
        let ends = place(pair[0].span).map(|span| span.end);
        let begins = place(pair[1].span).map(|span| span.start);
        ends == Some(at) && begins == ends && duration(&format!("{number}{unit}")).is_ok()
    });
    match number_and_unit {
        true => error.with_hint(
            "lengths of time stand in quotes: timestamp > '-1h', timestamp + interval '1 hour'",
        ),
        false => error,
    }
}

/// The message, and the byte of the query that it tells behind it.
fn without_location(message: &str) -> (&str, Option<usize>) {
    let Some((told, location)) = message.rsplit_once(" at Line: ") else {
        return (message, None);
    };
    let column = location.split_once(", Column: ").map(|(_, column)| column);
    let column = column.and_then(|column| column.parse::<usize>().ok());
    (told, column.and_then(|column| column.checked_sub(1)))
}

fn token_at(tokens: &[TokenWithSpan], at: usize) -> Option<Span> {
    let spans = tokens.iter().filter_map(|token| place(token.span));
    spans.into_iter().find(|span| span.start == at)
}

/// The place of an expression in the query, as far as its names and values tell it.
pub(super) fn place_of(expr: &Expr) -> Option<Span> {
    place(expr.span())
}

/// `text` for use inside of a message: on one line and not long.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(SHOWN_CHARS)
        .flat_map(|c| {
            let (escaped, plain) = match c.is_control() {
                true => (Some(c.escape_default()), None),
                false => (None, Some(c)),
            };
            escaped.into_iter().flatten().chain(plain)
        })
        .collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// The one of `known` that `word` is most likely to mean, if any is near enough.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word: Vec<_> = word.chars().take(SHOWN_CHARS + 1).collect();
    // Another word is not meant where a third of the letters differ.
    let most = (word.len() + 1) / 3;
    let distances = known.into_iter().map(|it| (distance(it, &word), it));
    let nearest = distances.min_by_key(|&(distance, _)| distance);
    nearest.and_then(|(distance, it)| (distance <= most).then_some(it))
}

/// In how many letters a word differs from another, in any case: such as are missing, surplus, wrong,
/// or two that have changed places (the optimal string alignment distance).
fn distance(known: &str, word: &[char]) -> usize {
    let known: Vec<_> = known.chars().collect();
    let same = |i: usize, j: usize| known[i].to_lowercase().eq(word[j].to_lowercase());
    // The distances of the beginnings of the one to those of the other.
    let mut rows = vec![(0..=word.len()).collect::<Vec<_>>()];
    for i in 0..known.len() {
        let mut row = vec![i + 1];
        for j in 0..word.len() {
            let wrong = rows[i][j] + usize::from(!same(i, j));
            let swapped = match i > 0 && j > 0 && same(i - 1, j) && same(i, j - 1) {
                true => rows[i - 1][j - 1] + 1,
                false => usize::MAX,
            };
            row.push(wrong.min(swapped).min(rows[i][j + 1] + 1).min(row[j] + 1));
        }
        rows.push(row);
    }
    rows[known.len()][word.len()]
}
