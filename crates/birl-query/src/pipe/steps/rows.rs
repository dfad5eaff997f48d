//! Steps that keep some rows, or change their order: `where`, `sort`, `limit`, `tail`, `dedup`,
//! `sample`, `distinct`.

use birl_record::query::Error;
use datafusion::sql::sqlparser::ast::{
    self, Distinct, Expr, Ident, OrderByExpr, PipeOperator, SelectItem,
};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::Typed;
use super::aggregate::refuse_aggregates;
use crate::asserted;
use crate::pipe::functions;
use crate::pipe::piece::{Piece, is_word};
use crate::pipe::pipeline::{Pipeline, has_window, number, ordered};
use crate::pipe::reader::{self, template};

/// `where status >= 500`
pub(super) fn filter(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    if tokens.all().is_empty() {
        return Err(typed.missing("a condition"));
    }
    let mut expr = pipeline.expr(tokens.all())?;
    refuse_aggregates(&mut expr, typed)?;
    match has_window(&expr) {
        true => pipeline.qualify(expr),
        false => pipeline.filter(expr),
    }
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
    let exprs = exprs.collect::<Result<_, _>>()?;
    sort_by(pipeline, exprs);
    Ok(())
}

/// Sorts the rows; what is over windows is a column as long as that takes.
fn sort_by(pipeline: &mut Pipeline<'_>, mut exprs: Vec<OrderByExpr>) {
    let mut names = Vec::new();
    let mut items = Vec::new();
    for order in exprs.iter_mut().filter(|it| has_window(&it.expr)) {
        let name = Ident::with_quote('"', format!("\u{1}order{}", names.len()));
        let column = Expr::Identifier(name.clone());
        items.push((std::mem::replace(&mut order.expr, column), name.clone()));
        names.push(name);
    }
    if items.is_empty() {
        return pipeline.sort(exprs);
    }
    pipeline.extend(items);
    pipeline.sort(exprs);
    pipeline.drop(names);
}

/// `-n`, `x`, `x desc`; what has none stands at the end, unless it says `nulls first`.
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
    let mut nulls_first = None;
    if let [.., nulls, place] = rest.tokens
        && is_word(&nulls.token, "nulls")
        && ["first", "last"].iter().any(|it| is_word(&place.token, it))
    {
        nulls_first = Some(is_word(&place.token, "first"));
        rest = rest.part(&rest.tokens[..rest.tokens.len() - 2]);
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
        true => ordered(expr, Some(false), nulls_first.or(Some(false))),
        false => ordered(expr, None, nulls_first),
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
    sort_by(pipeline, exprs);
    Ok(())
}

/// `assert latency_ms >= 0, 'a latency is negative', latency_ms`
pub(super) fn assert(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    if tokens.all().is_empty() {
        return Err(typed.missing("a condition"));
    }
    let parts = tokens.all().list();
    let mut exprs = Vec::new();
    for part in &parts {
        let mut expr = pipeline.expr(*part)?;
        refuse_aggregates(&mut expr, typed)?;
        if has_window(&expr) {
            let error = Error::new(part.place(), "an assertion is of single rows");
            return Err(error.with_hint("make a column of it before: extend rank() over (…) as r"));
        }
        exprs.push(expr);
    }
    let condition = exprs.remove(0);
    let text = |text: String| Expr::Value(ast::Value::SingleQuotedString(text).into());
    let mut message = text(format!("`{}` is not true", parts[0].typed()));
    for (i, expr) in exprs.iter().enumerate() {
        let gap = text(if i == 0 { ": " } else { " " }.to_owned());
        message = template(
            "$1 || $2 || coalesce(CAST($3 AS VARCHAR), 'null')",
            &[&message, &gap, expr],
        );
    }
    let call = format!("{}($1, $2)", asserted::NAME);
    // What is left out by the steps before it and behind it are no rows of it.
    all_rows(pipeline);
    pipeline.filter(template(&call, &[&condition, &message]));
    all_rows(pipeline);
    Ok(())
}

/// A limit that keeps all rows, past which no condition goes.
fn all_rows(pipeline: &mut Pipeline<'_>) {
    pipeline.rows(PipeOperator::Limit {
        expr: number(ALL_ROWS),
        offset: None,
    });
}

/// More rows than there are, which no count of them adds up to.
const ALL_ROWS: u64 = 1 << 53;

/// `offset 20`
pub(super) fn offset(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    let Some(count) = count(tokens.all()) else {
        return Err(no_count(typed, tokens.all()));
    };
    pipeline.rows(PipeOperator::Limit {
        expr: number(ALL_ROWS),
        offset: Some(number(count)),
    });
    Ok(())
}

/// `limit 10`, `head 10`, `limit 10 offset 20`, `limit all offset 20`, `limit -10`
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
    if piece.first().is_some_and(|token| is_word(token, "all")) {
        let behind = piece.behind(1);
        let rest = behind.behind(1);
        match (behind.first(), count(rest)) {
            (None, _) => return Ok(()),
            (Some(token), Some(count)) if is_word(token, "offset") => {
                pipeline.rows(PipeOperator::Limit {
                    expr: number(ALL_ROWS),
                    offset: Some(number(count)),
                });
                return Ok(());
            }
            _ => return Err(no_count(typed, piece)),
        }
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

/// `tablesample system (1 percent)`, `tablesample reservoir (100 rows)`
pub(super) fn table_sample(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens()?;
    // The method of the standard that SQL's parser does not know.
    let mut plain = tokens.all().tokens.to_vec();
    plain.retain(|it| !is_word(&it.token, "reservoir"));
    let operator = reader::operator(tokens.all().part(&plain))?;
    let PipeOperator::TableSample { sample } = operator else {
        return Err(typed.missing("a part of the rows"));
    };
    match (percent(&sample), rows_of(&sample)) {
        (Some(percent), _) => pipeline.filter(chance(percent)),
        (None, Some(count)) => pipeline.sample(count),
        (None, None) => {
            return Err(typed.wrong(
                tokens.all().place(),
                "expected a part of the rows, in percent or in rows",
            ));
        }
    }
    Ok(())
}

/// How many rows a sample of SQL has, if it says so.
fn rows_of(sample: &ast::TableSample) -> Option<u64> {
    let quantity = sample.quantity.as_ref()?;
    match &quantity.value {
        Expr::Value(value) if quantity.unit == Some(ast::TableSampleUnit::Rows) => {
            match &value.value {
                ast::Value::Number(digits, _) => rows_in(digits),
                _ => None,
            }
        }
        _ => None,
    }
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
