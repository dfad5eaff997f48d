//! Steps that make groups of rows: `count`, `stats`, `top`, `timechart` and SQL's `aggregate`.

use std::ops::ControlFlow;

use birl_record::query::{Error, tree::Span};
use datafusion::sql::sqlparser::ast::{
    self, Expr, ExprWithAlias, ExprWithAliasAndOrderBy, Ident, OrderByExpr, OrderByOptions,
    PipeOperator, SelectItem, VisitMut,
};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::Typed;
use super::rows::rows_in;
use crate::pipe::Chart;
use crate::pipe::elsewhere;
use crate::pipe::functions::{
    self, bin_length, bin_length_of, is_aggregate, is_condition, is_count, name_of,
    nearest_aggregate, own_name,
};
use crate::pipe::levels;
use crate::pipe::piece::{Piece, ident, is_word};
use crate::pipe::pipeline::{Aggregated, Pipeline, ascending, column, ordered};
use crate::pipe::reader::{self, shown, template};
use crate::walk;

/// What a group is of, or shows.
pub(super) struct Item {
    pub(super) expr: Expr,
    /// What its column is called.
    pub(super) name: Ident,
    pub(super) place: Span,
}

/// `stats avg(latency_ms), p99(latency_ms) by service`
pub(super) fn stats(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    if tokens.all().is_empty() {
        return Err(typed.missing("an aggregate"));
    }
    grouped(pipeline, typed, tokens.all())
}

/// `count by service`, `sum(bytes) by host`: the step's name is that of its first aggregate.
pub(super) fn stats_with_head(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    grouped(pipeline, typed, typed.tokens()?.all())
}

fn grouped(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>, piece: Piece<'_>) -> Result<(), Error> {
    let (values, keys) = piece.split_at_word("by");
    let values = values_of(pipeline, typed, values)?;
    let keys = keys_of(pipeline, typed, keys)?;
    let chart = group(pipeline, values, &keys)?;
    pipeline.chart = chart;
    Ok(())
}

/// Groups by `keys`, and sorts: by time where there are bins, then by the first value, descending,
/// then by the other keys. Gives the chart that can be drawn of it.
fn group(
    pipeline: &mut Pipeline<'_>,
    values: Vec<Item>,
    keys: &[Item],
) -> Result<Option<Chart>, Error> {
    let bin = keys.iter().find(|key| bin_length(&key.expr).is_some());
    let bin = bin.map(|bin| bin.name.value.clone());
    // The largest and the smallest of such texts are texts as well.
    let is_parsed = |it: &&Item| {
        let extreme = functions::extreme(&it.expr);
        extreme.is_some_and(|(_, name)| pipeline.parsed.contains(&name.value))
    };
    let texts = values.iter().filter(is_parsed);
    let texts: Vec<_> = texts.map(|it| it.name.value.clone()).collect();
    let (aggregated, span) = add_groups(pipeline, values, keys)?;
    pipeline.parsed.extend(texts);
    let mut order = Vec::new();
    if !aggregated.keys.is_empty() {
        order.extend(bin.iter().map(|name| ascending(ident(name))));
        order.extend(aggregated.values.first().map(descending));
        let others = aggregated
            .keys
            .iter()
            .filter(|name| Some(*name) != bin.as_ref());
        order.extend(others.map(|name| ascending(ident(name))));
    }
    pipeline.sort_by_default(order);
    let mut series = aggregated
        .keys
        .iter()
        .filter(|name| Some(*name) != bin.as_ref());
    Ok(bin.as_ref().zip(span).map(|(time, span)| Chart {
        time: time.clone(),
        span,
        series: series
            .next()
            .cloned()
            .filter(|_| aggregated.keys.len() == 2),
        values: aggregated
            .values
            .iter()
            .map(|(name, _)| name.clone())
            .collect(),
        fills_gaps: false,
    }))
}

/// Sorts a column of an aggregate, the largest value first.
fn descending((name, is_never_null): &(String, bool)) -> OrderByExpr {
    let nulls_first = (!is_never_null).then_some(false);
    ordered(Expr::Identifier(ident(name)), Some(false), nulls_first)
}

/// Adds the step that groups; gives what it shows, and how long its bins are.
pub(super) fn add_groups(
    pipeline: &mut Pipeline<'_>,
    values: Vec<Item>,
    keys: &[Item],
) -> Result<(Aggregated, Option<i64>), Error> {
    check_names(keys.iter().chain(&values))?;
    let mut context = pipeline.context();
    context.bin = keys.iter().find_map(|key| bin_length(&key.expr));
    let rewritten = |item: &Item| -> Result<Expr, Error> {
        let mut expr = item.expr.clone();
        functions::rewrite(&mut expr, &context)?;
        let _ = walk::change_exprs(&mut expr, |expr| {
            if let Expr::Function(function) = expr
                && let Some(written) = levels::worst(function)
            {
                *expr = written;
            }
            ControlFlow::<()>::Continue(())
        });
        Ok(expr)
    };
    let group_by_expr = keys
        .iter()
        .map(|key| Ok(aliased(rewritten(key)?, &key.name)))
        .collect::<Result<Vec<_>, Error>>()?;
    let exprs = values
        .iter()
        .map(rewritten)
        .collect::<Result<Vec<_>, Error>>()?;
    let aggregated = Aggregated {
        values: std::iter::zip(&values, &exprs)
            .map(|(value, expr)| (value.name.value.clone(), is_count(expr)))
            .collect(),
        keys: keys.iter().map(|key| key.name.value.clone()).collect(),
    };
    let are_calls = exprs.iter().all(is_aggregate);
    let (full_table_exprs, shown) = match are_calls {
        true => {
            let named = std::iter::zip(exprs, &values);
            (
                named
                    .map(|(expr, value)| aliased(expr, &value.name))
                    .collect(),
                None,
            )
        }
        false => {
            let names = values.iter().map(|value| &value.name);
            let (calls, shown) = taken_apart(exprs, names, keys);
            (calls, Some(shown))
        }
    };
    let operator = PipeOperator::Aggregate {
        full_table_exprs,
        group_by_expr,
    };
    pipeline.aggregate(operator, aggregated.clone());
    let of_levels = keys
        .iter()
        .filter(|key| levels::is_level(&key.expr) && key.name.value != "level");
    let worst = values.iter().filter(|value| levels::is_worst(&value.expr));
    pipeline.levels = of_levels
        .chain(worst)
        .map(|item| item.name.value.clone())
        .collect();
    if let Some(shown) = shown {
        pipeline.rows(PipeOperator::Select { exprs: shown });
    }
    Ok((aggregated, context.bin))
}

/// What is made of several aggregates, such as `sum(a) / count(*)`: the aggregates, and then columns
/// that are made of them.
fn taken_apart<'n>(
    exprs: Vec<Expr>,
    names: impl Iterator<Item = &'n Ident>,
    keys: &[Item],
) -> (Vec<ExprWithAliasAndOrderBy>, Vec<SelectItem>) {
    let mut calls: Vec<(Expr, Ident)> = Vec::new();
    let keys = keys.iter().map(|key| column(ident(&key.name.value)));
    let mut shown: Vec<_> = keys.collect();
    for (mut expr, alias) in exprs.into_iter().zip(names) {
        let is_alone = calls_in(&expr) == 1;
        let _ = walk::change_exprs(&mut expr, |expr| {
            if is_aggregate(expr) {
                let known = calls.iter().find(|(call, _)| call == expr);
                let name = known.map(|(_, name)| name.clone()).unwrap_or_else(|| {
                    let name = match is_alone {
                        true => alias.value.clone(),
                        false => expr.to_string(),
                    };
                    let name = ident(&unused(name, &calls));
                    calls.push((expr.clone(), name.clone()));
                    name
                });
                *expr = Expr::Identifier(name);
            }
            ControlFlow::<()>::Continue(())
        });
        shown.push(match &expr {
            Expr::Identifier(name) if name.value == alias.value => column(name.clone()),
            _ => SelectItem::ExprWithAlias {
                expr,
                alias: alias.clone(),
            },
        });
    }
    let calls = calls.into_iter().map(|(call, name)| aliased(call, &name));
    (calls.collect(), shown)
}

/// How many calls of aggregates an expression has.
fn calls_in(expr: &Expr) -> usize {
    let mut count = 0;
    let _ = walk::look_at_exprs(expr, |expr| {
        count += usize::from(is_aggregate(expr));
        ControlFlow::<()>::Continue(())
    });
    count
}

/// A name that no call has yet.
fn unused(mut name: String, calls: &[(Expr, Ident)]) -> String {
    while calls.iter().any(|(_, used)| used.value == name) {
        name.push('_');
    }
    name
}

/// An expression with its name, where it does not say it itself.
fn aliased(expr: Expr, name: &Ident) -> ExprWithAliasAndOrderBy {
    let says_it = matches!(&expr, Expr::Identifier(it) if it.value == name.value);
    let alias = (!says_it).then(|| name.clone());
    ExprWithAliasAndOrderBy {
        expr: ExprWithAlias { expr, alias },
        order_by: OrderByOptions {
            asc: None,
            nulls_first: None,
        },
    }
}

fn check_names<'i>(items: impl Iterator<Item = &'i Item>) -> Result<(), Error> {
    let mut names: Vec<&str> = Vec::new();
    for item in items {
        let name = &item.name.value;
        if names.contains(&name.as_str()) {
            let message = format!("two columns are called \"{}\"", shown(name));
            let error = Error::new(item.place.clone(), message);
            return Err(error.with_hint("give one of them another name with `as`"));
        }
        names.push(name);
    }
    Ok(())
}

/// The aggregates of a list, as they were typed.
fn values_of(
    pipeline: &Pipeline<'_>,
    typed: &Typed<'_>,
    piece: Piece<'_>,
) -> Result<Vec<Item>, Error> {
    let of_item = |piece: Piece<'_>| {
        if piece.is_empty() {
            return Err(typed.wrong(piece.end_in(typed.span), "expected an aggregate"));
        }
        let (value, alias) = piece.split_alias();
        let mut expr = bare_call(reader::expr(value)?, value)?;
        pipeline.tables.join_names(&mut expr);
        resolve_below(pipeline, &mut expr);
        check_is_aggregate(&expr, value.place(), &value.typed())?;
        count_what_is_true(&mut expr);
        Ok(Item {
            expr,
            name: alias.unwrap_or_else(|| ident(&value.typed())),
            place: value.place(),
        })
    };
    let items = piece.list().into_iter().flat_map(between_calls);
    items.map(of_item).collect()
}

/// The parts of `avg(ms) as mean p99(ms) count`, which people type without commas: nothing else can
/// be meant where an aggregate follows a call, or the name of one.
fn between_calls(piece: Piece<'_>) -> Vec<Piece<'_>> {
    let tokens = piece.tokens;
    let is_bare = |i: usize| {
        ["count", "rate"]
            .iter()
            .any(|it| is_word(&tokens[i].token, it))
    };
    let begins = |i: usize| {
        let Token::Word(word) = &tokens[i].token else {
            return false;
        };
        let is_called = tokens
            .get(i + 1)
            .is_some_and(|it| it.token == Token::LParen);
        word.quote_style.is_none()
            && functions::is_aggregate_name(&word.value)
            && (is_called || is_bare(i))
    };
    let ends = |i: usize| {
        let is_alias = i > 0 && is_word(&tokens[i - 1].token, "as");
        tokens[i].token == Token::RParen || is_alias || is_bare(i)
    };
    piece.split_where(|i| i > 0 && begins(i) && ends(i - 1))
}

/// `count` alone is a call of it.
fn bare_call(expr: Expr, piece: Piece<'_>) -> Result<Expr, Error> {
    let Expr::Identifier(name) = &expr else {
        return Ok(expr);
    };
    let lower = name.value.to_ascii_lowercase();
    match (&lower[..], name.quote_style) {
        ("count", None) => Ok(template("count(*)", &[])),
        ("rate", None) => Ok(template("rate()", &[])),
        (lower, None) if functions::is_aggregate_name(lower) => {
            let message = format!("expected what to take the `{lower}` of");
            Err(Error::new(piece.place(), message)
                .with_hint(format!("for example: {lower}(latency_ms)")))
        }
        _ => Ok(expr),
    }
}

/// Resolves names inside of calls; a call itself is not what an earlier step called like it.
fn resolve_below(pipeline: &Pipeline<'_>, expr: &mut Expr) {
    match expr {
        Expr::Function(function) => pipeline.resolve(&mut function.args),
        Expr::BinaryOp { left, right, .. } => {
            resolve_below(pipeline, left);
            resolve_below(pipeline, right);
        }
        Expr::Nested(inner) => resolve_below(pipeline, inner),
        _ => pipeline.resolve(expr),
    }
}

/// `typed` is what stands at `place` for `expr`.
fn check_is_aggregate(expr: &Expr, place: Span, typed: &str) -> Result<(), Error> {
    let found = walk::look_at_exprs(expr, |expr| match is_aggregate(expr) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    });
    if found.is_break() {
        return Ok(());
    }
    if let Expr::Function(function) = expr
        && let Some(name) = name_of(function)
    {
        if function.over.is_some() {
            let error = Error::new(
                place,
                "what is over a window is of single rows, and no aggregate",
            );
            return Err(error.with_hint(format!("for example: extend {} as x", shown(typed))));
        }
        let place = place.start..place.start + name.len();
        let error = Error::new(place, format!("unknown aggregate \"{}\"", shown(name)));
        if let Some(here) = elsewhere::function(name) {
            return Err(error.with_hint(format!("here it is written as {here}")));
        }
        return Err(match nearest_aggregate(name) {
            Some(meant) => error.with_hint(format!("did you mean \"{meant}\"?")),
            None => error
                .with_hint("aggregates are count, sum, avg, min, max, median, p99, dc and others"),
        });
    }
    let typed = shown(typed);
    let error = Error::new(place, format!("`{typed}` is no aggregate"));
    Err(match nearest_aggregate(&typed) {
        Some(meant) => error.with_hint(format!("did you mean \"{meant}\"?")),
        None => error.with_hint(format!(
            "for example: count, avg({typed}), dc({typed}); what to group by stands behind `by`"
        )),
    })
}

/// `count(status >= 500)` counts those of which it is true: that there is an answer is no question.
fn count_what_is_true(expr: &mut Expr) {
    let _ = walk::change_exprs(expr, |expr| {
        if let Expr::Function(function) = expr
            && name_of(function).is_some_and(|name| name.eq_ignore_ascii_case("count"))
            && let ast::FunctionArguments::List(list) = &function.args
            && list.duplicate_treatment.is_none()
            && let [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(condition))] =
                &list.args[..]
            && is_condition(condition)
        {
            *expr = template("count_if($1)", &[condition]);
        }
        ControlFlow::<()>::Continue(())
    });
}

/// What to group by, as it was typed.
fn keys_of(
    pipeline: &Pipeline<'_>,
    typed: &Typed<'_>,
    piece: Option<Piece<'_>>,
) -> Result<Vec<Item>, Error> {
    let Some(piece) = piece else {
        return Ok(Vec::new());
    };
    let of_item = |piece: Piece<'_>| {
        if piece.is_empty() {
            return Err(typed.wrong(piece.end_in(typed.span), "expected what to group by"));
        }
        let (key, alias) = piece.split_alias();
        let mut expr = reader::expr(key)?;
        pipeline.resolve(&mut expr);
        let name = match (&expr, alias) {
            (_, Some(alias)) => alias,
            (Expr::Identifier(name), None) => name.clone(),
            (Expr::CompoundIdentifier(parts), None) => {
                parts.last().cloned().unwrap_or_else(|| ident(""))
            }
            (expr, None) if bin_length(expr).is_some() => {
                ident(&own_name(expr).unwrap_or_default())
            }
            (_, None) => ident(&key.typed()),
        };
        Ok(Item {
            expr,
            name,
            place: key.place(),
        })
    };
    piece.list().into_iter().map(of_item).collect()
}

/// `timechart 5m count by level`
pub(super) fn timechart(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let (text, at) = typed.behind_name();
    let gap = text.len() - text.trim_start().len();
    let text = text.trim_start();
    let len = text.find(char::is_whitespace).unwrap_or(text.len());
    let (span, rest) = text.split_at(len);
    let place = at + gap..at + gap + len;
    // As Splunk has it.
    let span = span.strip_prefix("span=").unwrap_or(span);
    if !span.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(match span.is_empty() {
            true => typed.missing("the length of a bar"),
            false => typed.wrong(place, "expected the length of a bar"),
        });
    }
    bin_length_of(span, place.clone())?;
    let bin = Item {
        expr: template(&format!("bin('{span}')"), &[]),
        name: ident("timestamp"),
        place: place.clone(),
    };
    let tokens = crate::pipe::piece::Tokens::read(rest, place.end)?;
    let (values, keys) = tokens.all().split_at_word("by");
    let values = match values.is_empty() {
        true => vec![Item {
            expr: template("count(*)", &[]),
            name: ident("count"),
            place,
        }],
        false => values_of(pipeline, typed, values)?,
    };
    let mut keys = keys_of(pipeline, typed, keys)?;
    keys.insert(0, bin);
    if let Some(second) = keys.get(2) {
        return Err(typed.wrong(second.place.clone(), "a chart has one series a field"));
    }
    pipeline.filter(template("timestamp IS NOT NULL", &[]));
    let chart = group(pipeline, values, &keys)?;
    pipeline.chart = chart.map(|chart| Chart {
        fills_gaps: true,
        ..chart
    });
    Ok(())
}

/// `top 10 path`, `top 3 path by service`, and `top 10` behind an aggregate.
pub(super) fn top(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    let piece = tokens.all();
    let count = match piece.first() {
        Some(Token::Number(digits, _)) => rows_in(digits),
        _ => None,
    };
    let Some(count) = count else {
        return Err(match piece.is_empty() {
            true => typed.missing("how many"),
            false => typed.wrong(piece.part(&piece.tokens[..1]).place(), "expected how many"),
        });
    };
    let fields = piece.behind(1);
    if fields.is_empty() {
        return top_of_aggregate(pipeline, typed, count, None);
    }
    let (fields, by) = fields.split_at_word("by");
    if let (true, Some(by)) = (fields.is_empty(), by) {
        let key = by.typed();
        let key = key.strip_suffix(" desc").unwrap_or(&key);
        let error = Error::new(by.place(), "expected a field before `by`");
        return Err(error.with_hint(format!(
            "the rows with the largest values: sort -{key} |> limit {count}"
        )));
    }
    if by.is_none() && pipeline.aggregated.is_some() && fields.list().len() == 1 {
        let mut field = reader::expr(fields)?;
        pipeline.resolve(&mut field);
        if let Expr::Identifier(name) = &field
            && is_value(pipeline, name)
        {
            return top_of_aggregate(pipeline, typed, count, Some(&name.value));
        }
    }
    let fields = keys_of(pipeline, typed, Some(fields))?;
    let by = keys_of(pipeline, typed, by)?;
    for field in &fields {
        let mut expr = field.expr.clone();
        functions::rewrite(&mut expr, &pipeline.context())?;
        pipeline.filter(Expr::IsNotNull(Box::new(expr)));
    }
    let names = |items: &[Item]| -> Vec<Ident> {
        items.iter().map(|item| ident(&item.name.value)).collect()
    };
    let (field_names, by_names) = (names(&fields), names(&by));
    let keys: Vec<_> = by.into_iter().chain(fields).collect();
    let value = Item {
        expr: template("count(*)", &[]),
        name: ident("count"),
        place: typed.name_place(),
    };
    if by_names.is_empty() {
        group(pipeline, vec![value], &keys)?;
        pipeline.head(count);
        return Ok(());
    }
    let (aggregated, _) = add_groups(pipeline, vec![value], &keys)?;
    // The first in each group, and of those that are as frequent the first in the alphabet.
    let list = |names: &[Ident]| {
        names
            .iter()
            .map(Ident::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let rank = template(
        &format!(
            "row_number() OVER (PARTITION BY {} ORDER BY count DESC, {}) <= $1",
            list(&by_names),
            list(&field_names),
        ),
        &[&crate::pipe::pipeline::number(count)],
    );
    let all = SelectItem::Wildcard(Default::default());
    pipeline.nest_with(vec![all], None, Some(rank));
    let order = aggregated.values.first().map(descending).into_iter();
    let keys = aggregated.keys.iter().map(|name| ascending(ident(name)));
    pipeline.sort_by_default(order.chain(keys).collect());
    Ok(())
}

fn is_value(pipeline: &Pipeline<'_>, name: &Ident) -> bool {
    let values = pipeline.aggregated.iter().flat_map(|it| &it.values);
    values.into_iter().any(|(value, _)| *value == name.value)
}

/// The rows with the largest values, of the first aggregate or of the one that is named.
fn top_of_aggregate(
    pipeline: &mut Pipeline<'_>,
    typed: &Typed<'_>,
    count: u64,
    name: Option<&str>,
) -> Result<(), Error> {
    let Some(aggregated) = &pipeline.aggregated else {
        return Err(typed.missing("a field"));
    };
    let mut values = aggregated.values.iter();
    let value = values.find(|(value, _)| name.is_none_or(|name| name == value));
    let Some(value) = value else {
        return Err(typed.missing("a field"));
    };
    let keys = aggregated.keys.iter().map(|name| ascending(ident(name)));
    let order: Vec<_> = std::iter::once(descending(value)).chain(keys).collect();
    pipeline.sort_by_default(order);
    pipeline.head(count);
    Ok(())
}

/// `aggregate count(*) as n group by service`, as SQL has it: not sorted.
pub(super) fn aggregate(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens()?;
    let (plain, sorts) = without_order(tokens.all());
    let PipeOperator::Aggregate {
        full_table_exprs,
        group_by_expr,
    } = reader::operator(tokens.all().part(&plain))?
    else {
        return Err(typed.missing("an aggregate"));
    };
    let mut order = Vec::new();
    let mut item = |it: ExprWithAliasAndOrderBy, is_value: bool| {
        let ExprWithAliasAndOrderBy {
            expr: ExprWithAlias { mut expr, alias },
            order_by,
        } = it;
        let place = reader::place_of(&expr).unwrap_or_else(|| typed.name_place());
        let name = alias.or_else(|| own_name(&expr).map(|name| ident(&name)));
        match is_value {
            true => {
                pipeline.tables.join_names(&mut expr);
                resolve_below(pipeline, &mut expr);
            }
            false => pipeline.resolve(&mut expr),
        }
        let name = name.unwrap_or_else(|| match &expr {
            Expr::Identifier(name) => name.clone(),
            Expr::CompoundIdentifier(parts) => parts.last().cloned().unwrap_or_else(|| ident("")),
            expr => ident(&expr.to_string()),
        });
        let says_order = order_by.asc.is_some() || order_by.nulls_first.is_some();
        if says_order || sorts && !is_value {
            let expr = Expr::Identifier(ident(&name.value));
            order.push(OrderByExpr {
                expr,
                options: order_by,
                with_fill: None,
            });
        }
        Item { expr, name, place }
    };
    let values = full_table_exprs
        .into_iter()
        .map(|it| item(it, true))
        .collect::<Vec<_>>();
    for value in &values {
        check_is_aggregate(&value.expr, value.place.clone(), &value.expr.to_string())?;
    }
    let keys: Vec<_> = group_by_expr
        .into_iter()
        .map(|it| item(it, false))
        .collect();
    add_groups(pipeline, values, &keys)?;
    if !order.is_empty() {
        pipeline.sort(order);
    }
    Ok(())
}

/// The tokens of `aggregate … group and order by …` as those of `group by`, and whether it was that.
fn without_order(piece: Piece<'_>) -> (Vec<TokenWithSpan>, bool) {
    let mut tokens = piece.tokens.to_vec();
    let (before, behind) = piece.split_at_word("group");
    let words = ["and", "order", "by"];
    let sorts = behind.is_some_and(|behind| {
        let mut pairs = std::iter::zip(behind.tokens, words);
        behind.tokens.len() > words.len() && pairs.all(|(it, word)| is_word(&it.token, word))
    });
    if sorts {
        let at = before.tokens.len() + 1;
        tokens.drain(at..at + 2);
    }
    (tokens, sorts)
}

/// Whether a piece begins with `distinct`.
pub(super) fn begins_distinct(piece: Piece<'_>) -> bool {
    piece
        .first()
        .is_some_and(|token| is_word(token, "distinct"))
}

/// Refuses aggregates where rows are looked at one by one.
pub(super) fn refuse_aggregates(part: &mut impl VisitMut, typed: &Typed<'_>) -> Result<(), Error> {
    let found = walk::change_exprs(part, |expr| match expr {
        Expr::Function(function) if is_aggregate(&Expr::Function(function.clone())) => {
            ControlFlow::Break(function.name.clone())
        }
        _ => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(name) => {
            use ast::Spanned;
            let place =
                crate::pipe::piece::place(name.span()).unwrap_or_else(|| typed.name_place());
            let error = Error::new(
                place,
                format!("`{name}` is of groups, and this step of single rows"),
            );
            Err(error.with_hint("make groups by `stats` or `count`, then go on with their columns"))
        }
    }
}
