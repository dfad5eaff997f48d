//! Steps that keep some rows, or change their order: `where`, `sort`, `limit`, `tail`, `dedup`,
//! `sample`, `distinct`.

use birl_record::query::Error;
use datafusion::sql::sqlparser::ast::{
    self, Distinct, Expr, OrderByExpr, PipeOperator, SelectItem,
};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::Typed;
use super::aggregate::refuse_aggregates;
use crate::pipe::functions;
use crate::pipe::piece::{Piece, is_word};
use crate::pipe::pipeline::{Pipeline, ordered};
use crate::pipe::reader::{self, template};

/// `where status >= 500`
pub(super) fn filter(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    if tokens.all().is_empty() {
        return Err(typed.missing("a condition"));
    }
    let mut expr = pipeline.expr(tokens.all())?;
    refuse_aggregates(&mut expr, typed)?;
    pipeline.filter(expr);
    Ok(())
}

/// `sort -n, x`, `sort by x desc`
pub(super) fn sort(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    let mut piece = tokens.all();
    if piece.first().is_some_and(|token| is_word(token, "by")) {
        piece = piece.behind(1);
    }
    if piece.is_empty() {
        return Err(typed.missing("a field"));
    }
    let exprs = piece
        .list()
        .into_iter()
        .map(|key| sort_key(pipeline, typed, key));
    pipeline.sort(exprs.collect::<Result<_, _>>()?);
    Ok(())
}

/// `-n`, `x`, `x desc`; what has none stands at the end in any case.
fn sort_key(
    pipeline: &Pipeline<'_>,
    typed: &Typed<'_>,
    key: Piece<'_>,
) -> Result<OrderByExpr, Error> {
    let mut is_descending = false;
    let mut rest = key;
    if let Some(sign @ (Token::Minus | Token::Plus)) = rest.first() {
        is_descending = *sign == Token::Minus;
        rest = rest.behind(1);
    }
    if let Some(last) = rest.tokens.last() {
        let turns = is_word(&last.token, "desc");
        if turns || is_word(&last.token, "asc") {
            is_descending ^= turns;
            rest = rest.part(&rest.tokens[..rest.tokens.len() - 1]);
        }
    }
    if rest.is_empty() {
        return Err(typed.wrong(key.end_in(typed.span), "expected a field"));
    }
    let mut expr = pipeline.expr(rest)?;
    refuse_aggregates(&mut expr, typed)?;
    Ok(match is_descending {
        true => ordered(expr, Some(false), Some(false)),
        false => ordered(expr, None, None),
    })
}

/// `order by x desc`, as SQL has it.
pub(super) fn order_by(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens()?;
    let PipeOperator::OrderBy { mut exprs } = reader::operator(tokens.all())? else {
        return Err(typed.missing("`by`"));
    };
    for order in &mut exprs {
        pipeline.resolve(&mut order.expr);
        functions::rewrite(&mut order.expr, &pipeline.context())?;
        refuse_aggregates(&mut order.expr, typed)?;
    }
    pipeline.sort(exprs);
    Ok(())
}

/// `limit 10`, `head 10`, `limit 10 offset 20`, `limit -10`
pub(super) fn limit(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    let piece = tokens.all();
    let name = &typed.text[..typed.name_len];
    if piece.first() == Some(&Token::Minus) {
        return last(pipeline, typed, piece.behind(1));
    }
    if let Some(count) = count(piece) {
        pipeline.head(count);
        return Ok(());
    }
    let has_offset = piece.tokens.iter().any(|it| is_word(&it.token, "offset"));
    if !has_offset || !name.eq_ignore_ascii_case("limit") {
        return Err(no_count(typed, piece));
    }
    let operator = reader::operator(typed.tokens()?.all())?;
    pipeline.rows(operator);
    Ok(())
}

/// `tail 10`
pub(super) fn tail(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    last(pipeline, typed, tokens.all())
}

fn last(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>, piece: Piece<'_>) -> Result<(), Error> {
    let Some(count) = count(piece) else {
        return Err(no_count(typed, piece));
    };
    match pipeline.tail(count) {
        true => Ok(()),
        false => {
            let error = Error::new(typed.name_place(), "nothing tells which rows are the last");
            Err(error.with_hint("sort them before"))
        }
    }
}

/// The number that is all of a piece.
fn count(piece: Piece<'_>) -> Option<u64> {
    match piece.tokens {
        [token] => match &token.token {
            Token::Number(digits, _) => rows_in(digits),
            _ => None,
        },
        _ => None,
    }
}

/// So many rows as can be asked for.
pub(super) fn rows_in(digits: &str) -> Option<u64> {
    digits
        .parse()
        .ok()
        .filter(|count| *count <= i64::MAX as u64)
}

fn no_count(typed: &Typed<'_>, piece: Piece<'_>) -> Error {
    match piece.is_empty() {
        true => typed.missing("how many"),
        false => typed.wrong(piece.place(), "expected how many"),
    }
}

/// `dedup user`: of the rows that are alike in this, the first.
pub(super) fn dedup(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    if tokens.all().is_empty() {
        return Err(typed.missing("a field"));
    }
    let keys = tokens
        .all()
        .list()
        .into_iter()
        .map(|key| pipeline.expr(key));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    pipeline.first_of_each(keys);
    Ok(())
}

/// `sample 1%`
pub(super) fn sample(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    let piece = tokens.all();
    let percent = match piece.tokens {
        [number, percent] if percent.token == Token::Mod => match &number.token {
            Token::Number(digits, _) => digits.parse::<f64>().ok(),
            _ => None,
        },
        [] => return Err(typed.missing("a part of the rows")),
        _ => None,
    };
    match percent.filter(|percent| (0.0..=100.0).contains(percent)) {
        Some(percent) => {
            pipeline.filter(chance(percent));
            Ok(())
        }
        None => Err(typed.wrong(
            piece.place(),
            "expected a part of the rows, from 0% to 100%",
        )),
    }
}

/// What is true of so many rows in a hundred.
pub(super) fn chance(percent: f64) -> Expr {
    template(&format!("random() < {:?}", percent / 100.0), &[])
}

/// `tablesample system (1 percent)`
pub(super) fn table_sample(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens()?;
    let operator = reader::operator(tokens.all())?;
    let wrong = || {
        typed.wrong(
            tokens.all().place(),
            "expected a part of the rows in percent",
        )
    };
    let PipeOperator::TableSample { sample } = operator else {
        return Err(wrong());
    };
    let percent = percent(&sample).ok_or_else(wrong)?;
    pipeline.filter(chance(percent));
    Ok(())
}

/// How many rows in a hundred a sample of SQL has, if it says so.
pub(super) fn percent(sample: &ast::TableSample) -> Option<f64> {
    let quantity = sample.quantity.as_ref()?;
    match &quantity.value {
        Expr::Value(value) if quantity.unit == Some(ast::TableSampleUnit::Percent) => {
            match &value.value {
                ast::Value::Number(digits, _) => digits.parse::<f64>().ok(),
                _ => None,
            }
        }
        _ => None,
    }
    .filter(|percent| (0.0..=100.0).contains(percent))
}

/// `distinct`: of the rows that are alike in all columns, one.
pub(super) fn distinct(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    if let Some(extra) = tokens.all().list().first().filter(|it| !it.is_empty()) {
        let error = Error::new(extra.place(), "`distinct` is of all columns");
        let names = tokens.all().typed();
        return Err(error.with_hint(format!(
            "for example: dedup {names}, or select distinct {names}"
        )));
    }
    let all = SelectItem::Wildcard(Default::default());
    pipeline.nest(vec![all], Some(Distinct::Distinct));
    Ok(())
}
