//! Steps as angle-grinder has them: `split`, `timeslice` and `total`.

use birl_record::query::Error;
use datafusion::sql::sqlparser::ast::{Expr, Ident, Value};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::Typed;
use super::parse::text_of;
use crate::numbers;
use crate::pipe::functions::{self, bin_length_of};
use crate::pipe::piece::{Piece, ident, is_word};
use crate::pipe::pipeline::Pipeline;
use crate::pipe::reader::{self, template};

/// `split(path) on "/" as parts`, `split on " "`: a list of what stands between, without what is empty.
pub(super) fn split(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    let (rest, alias) = tokens.all().split_alias();
    let (of, Some(separator)) = rest.split_at_word("on") else {
        return Err(typed.missing("`on` and a text"));
    };
    let separator = match separator.tokens {
        [token] => match &token.token {
            Token::SingleQuotedString(text) => Some(text),
            Token::Word(word) if word.quote_style.is_some() => Some(&word.value),
            _ => None,
        },
        _ => None,
    };
    let Some(separator) = separator else {
        return Err(typed.missing("`on` and a text"));
    };
    let (text, name) = match argument(pipeline, typed, of)? {
        Some(text) => {
            let name = match &text {
                Expr::Identifier(name) => name.clone(),
                _ => ident("_split"),
            };
            (text, name)
        }
        None => (text_of(pipeline, None), ident("_split")),
    };
    let separator = Expr::Value(Value::SingleQuotedString(separator.clone()).into());
    let parts = template(
        "array_remove_all(string_to_array($1, $2), '')",
        &[&text, &separator],
    );
    let name = alias.unwrap_or(name);
    pipeline.parsed.push(numbers::elements(&name.value));
    pipeline.extend(vec![(parts, name)]);
    Ok(())
}

/// `timeslice(received_at) 5m as bar`: the beginning of the bin that a time is in.
pub(super) fn timeslice(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    let (rest, alias) = tokens.all().split_alias();
    let (of, length) = behind_parentheses(rest);
    if length.is_empty() {
        return Err(typed.missing("a time and the length of a bin"));
    }
    bin_length_of(&length.typed(), length.place())?;
    let time = argument(pipeline, typed, of)?.unwrap_or_else(|| template("timestamp", &[]));
    let length = Expr::Value(Value::SingleQuotedString(length.typed()).into());
    let mut bin = template("bin($1, $2)", &[&length, &time]);
    functions::rewrite(&mut bin, &pipeline.context())?;
    let name = alias.unwrap_or_else(|| ident("_timeslice"));
    pipeline.extend(vec![(bin, name)]);
    Ok(())
}

/// `total(bytes) as so_far`: the sum up to each row, in the order that rows have.
pub(super) fn total(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    let (of, alias) = tokens.all().split_alias();
    let Some(value) = argument(pipeline, typed, of)? else {
        return Err(typed.missing("a field in parentheses"));
    };
    let order = pipeline.order_as_sql();
    let sql = format!("sum($1) OVER ({order}ROWS UNBOUNDED PRECEDING)");
    let name = alias.unwrap_or_else(|| Ident::with_quote('"', "_total"));
    pipeline.extend(vec![(template(&sql, &[&value]), name)]);
    Ok(())
}

/// The value in the parentheses that all of a piece is; `None` where it is empty.
fn argument(
    pipeline: &Pipeline<'_>,
    typed: &Typed<'_>,
    piece: Piece<'_>,
) -> Result<Option<Expr>, Error> {
    match piece.tokens {
        [] => Ok(None),
        [open, inner @ .., close]
            if open.token == Token::LParen && close.token == Token::RParen && !inner.is_empty() =>
        {
            pipeline.expr(piece.part(inner)).map(Some)
        }
        _ => Err(typed.wrong(piece.place(), "expected one value in parentheses")),
    }
}

/// The parentheses that a piece begins with, and what stands behind them.
fn behind_parentheses(piece: Piece<'_>) -> (Piece<'_>, Piece<'_>) {
    let mut depth = 0_usize;
    for (i, token) in piece.tokens.iter().enumerate() {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            let len = if i == 0 { 0 } else { i + 1 };
            return (piece.part(&piece.tokens[..len]), piece.behind(len));
        }
    }
    (piece, piece.behind(piece.tokens.len()))
}

/// Whether a step is expressions with names, as in `latency_ms / 1000 as seconds`.
pub(super) fn is_columns(typed: &Typed<'_>) -> bool {
    let Ok(tokens) = typed.tokens() else {
        return false;
    };
    let is_column = |part: Piece<'_>| {
        let (value, alias) = part.split_alias();
        // A name alone is more likely a slip, as in `foo as b`.
        let is_name = matches!(value.tokens, [token] if !is_value(token));
        alias.is_some() && !is_name && reader::expr(value).is_ok()
    };
    tokens.all().list().into_iter().all(is_column)
}

fn is_value(token: &TokenWithSpan) -> bool {
    !matches!(token.token, Token::Word(_)) || is_word(&token.token, "null")
}
