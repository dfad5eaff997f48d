//! Steps that change columns: `fields`, `select`, `extend`, `set`, `drop`, `rename`.

use std::ops::ControlFlow;

use birl_record::query::Error;
use datafusion::sql::sqlparser::ast::{
    AssignmentTarget, Expr, Ident, ObjectNamePart, PipeOperator, SelectItem,
};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::Typed;
use super::aggregate::{begins_distinct, refuse_aggregates};
use crate::pipe::functions::{self, name_item, own_name};
use crate::pipe::piece::{Piece, ident, is_word, place};
use crate::pipe::pipeline::{Columns, Pipeline, all_but, column};
use crate::pipe::reader::{self, template};
use crate::{numbers, walk};

/// `fields a, b`, `fields -c`, `fields a, *`
pub(super) fn fields(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    let piece = tokens.all();
    if piece.is_empty() {
        return Err(typed.missing("a field"));
    }
    let says = |word| {
        piece.first().is_some_and(|token| is_word(token, word)) && !piece.behind(1).is_empty()
    };
    if says("except") {
        return drop_names(pipeline, piece.behind(1));
    }
    if says("only") || piece.first() == Some(&Token::Plus) {
        return keep(pipeline, typed, piece.behind(1));
    }
    if piece.first() != Some(&Token::Minus) {
        return keep(pipeline, typed, piece);
    }
    let parts = piece.list();
    let is_left_out = |part: &Piece<'_>| part.first() == Some(&Token::Minus);
    if let Some(mixed) = parts.iter().find(|part| !is_left_out(part)) {
        let error = Error::new(mixed.place(), "fields are either kept or left out");
        return Err(error.with_hint("to leave out several: fields -a, -b"));
    }
    let names = parts
        .into_iter()
        .map(|part| resolved_name(pipeline, part.behind(1)));
    let names = names.collect::<Result<_, _>>()?;
    pipeline.drop(names);
    Ok(())
}

/// Keeps these fields; `*` is all others.
fn keep(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>, piece: Piece<'_>) -> Result<(), Error> {
    let mut items = Vec::new();
    let mut names: Vec<Ident> = Vec::new();
    let parts = piece.list();
    let all_at = parts
        .iter()
        .position(|part| matches!(part.tokens, [token] if token.token == Token::Mul));
    for (i, part) in parts.iter().enumerate() {
        if Some(i) == all_at {
            continue;
        }
        if part.first() == Some(&Token::Minus) {
            return Err(typed.wrong(part.place(), "fields are either kept or left out"));
        }
        let (field, alias) = part.split_alias();
        if let Some(item) = of_table(pipeline, *part) {
            items.push(item);
            continue;
        }
        let name = match resolved_name(pipeline, field) {
            Ok(name) => name,
            Err(error) => {
                items.push(of_list(pipeline, *part).ok_or(error)?);
                continue;
            }
        };
        names.push(name.clone());
        if let Some(expr) = pipeline.within(&name) {
            let alias = alias.unwrap_or(name);
            items.push(SelectItem::ExprWithAlias { expr, alias });
            continue;
        }
        items.push(match alias {
            Some(alias) => SelectItem::ExprWithAlias {
                expr: Expr::Identifier(name),
                alias,
            },
            None => column(name),
        });
    }
    match all_at {
        None => pipeline.select(items),
        Some(at) => {
            let columns = match &pipeline.columns {
                Columns::Known(known) => {
                    let others = known
                        .iter()
                        .filter(|it| !names.iter().any(|name| name.value == **it));
                    Some(others.map(|name| column(ident(name))).collect())
                }
                _ => None,
            };
            let others = columns.unwrap_or_else(|| match names.is_empty() {
                true => vec![SelectItem::Wildcard(Default::default())],
                false => vec![all_but(names)],
            });
            items.splice(at..at, others);
            pipeline.select(items);
        }
    }
    Ok(())
}

/// What a join has brought, by the name of its table: `users.name`, `users.*`, `users.name as user`.
fn of_table(pipeline: &Pipeline<'_>, piece: Piece<'_>) -> Option<SelectItem> {
    let Some(Token::Word(table)) = piece.first() else {
        return None;
    };
    let is_of = piece.behind(1).first() == Some(&Token::Period);
    if !is_of || !pipeline.tables.has(&ident(&table.value)) {
        return None;
    }
    let mut item = reader::item(piece).ok()?;
    pipeline.resolve(&mut item);
    match &item {
        SelectItem::QualifiedWildcard(..) => Some(item),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(_))
        | SelectItem::ExprWithAlias {
            expr: Expr::CompoundIdentifier(_),
            ..
        } => Some(item),
        _ => None,
    }
}

/// What a list or an object has at a place: `tags[1]`, `tags[1] as first`.
fn of_list(pipeline: &Pipeline<'_>, piece: Piece<'_>) -> Option<SelectItem> {
    let mut item = reader::item(piece).ok()?;
    pipeline.resolve(&mut item);
    let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = &item else {
        return None;
    };
    if !matches!(expr, Expr::CompoundFieldAccess { .. }) {
        return None;
    }
    name_item(&mut item);
    Some(item)
}

/// A name of a column, which may be written like an aggregate: `avg(latency_ms)`.
fn resolved_name(pipeline: &Pipeline<'_>, piece: Piece<'_>) -> Result<Ident, Error> {
    match piece.name() {
        Ok(name) => Ok(pipeline.called(name)),
        Err(error) => match reader::expr(piece) {
            Ok(mut expr) => {
                pipeline.resolve(&mut expr);
                match expr {
                    Expr::Identifier(name) => Ok(name),
                    _ => Err(error),
                }
            }
            Err(_) => Err(error),
        },
    }
}

/// `drop a, b`
pub(super) fn drop(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    if tokens.all().is_empty() {
        return Err(typed.missing("a field"));
    }
    drop_names(pipeline, tokens.all())
}

fn drop_names(pipeline: &mut Pipeline<'_>, piece: Piece<'_>) -> Result<(), Error> {
    let names = piece
        .list()
        .into_iter()
        .map(|part| resolved_name(pipeline, part));
    let names = names.collect::<Result<_, _>>()?;
    pipeline.drop(names);
    Ok(())
}

/// `rename a as b`
pub(super) fn rename(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    if tokens.all().is_empty() {
        return Err(typed.missing("a field"));
    }
    let mut renamed = Vec::new();
    for part in tokens.all().list() {
        let (field, alias) = part.split_alias();
        let Some(alias) = alias else {
            return Err(typed.wrong(part.place(), "expected `as` and a name"));
        };
        renamed.push((resolved_name(pipeline, field)?, alias));
    }
    let is_left = |alias: &Ident| !renamed.iter().any(|(name, _)| name.value == alias.value);
    let mut taken = renamed.iter().map(|(_, alias)| alias);
    if let Some(alias) = taken.find(|it| pipeline.has(&it.value) && is_left(it)) {
        let name = &alias.value;
        let place = place(alias.span).unwrap_or_else(|| typed.name_place());
        let error = Error::new(place, format!("there is a field \"{name}\" already"));
        return Err(error.with_hint(format!("leave it out before: drop {}", ident(name))));
    }
    let shown = |(name, alias): &(Ident, Ident)| SelectItem::ExprWithAlias {
        expr: Expr::Identifier(name.clone()),
        alias: alias.clone(),
    };
    let items = match &pipeline.columns {
        Columns::Known(known) => known
            .iter()
            .map(
                |name| match renamed.iter().find(|(old, _)| old.value == *name) {
                    Some(pair) => shown(pair),
                    None => column(ident(name)),
                },
            )
            .collect(),
        // Where the columns are not known, nor are their places.
        _ => {
            let names = renamed.iter().map(|(name, _)| name.clone()).collect();
            std::iter::once(all_but(names))
                .chain(renamed.iter().map(shown))
                .collect()
        }
    };
    let columns = pipeline.columns.renamed(&renamed);
    pipeline.select_as(items, columns);
    Ok(())
}

/// `select a, b + c as d`
pub(super) fn select(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens()?;
    let in_place = windows_in_place(tokens.all());
    let mut piece = tokens.all().part(&in_place);
    let is_distinct = begins_distinct(piece.behind(1));
    let without: Vec<_>;
    if is_distinct {
        let mut all = piece.tokens.to_vec();
        all.remove(1);
        without = all;
        piece = piece.part(&without);
    }
    let PipeOperator::Select { mut exprs } = reader::operator(piece)? else {
        return Err(typed.missing("a field"));
    };
    for item in &mut exprs {
        pipeline.resolve(item);
        name_item(item);
        functions::rewrite(item, &pipeline.context())?;
        refuse_aggregates(item, typed)?;
    }
    match is_distinct {
        true => pipeline.select_distinct(exprs),
        false => pipeline.select(exprs),
    }
    Ok(())
}

/// `extend a + b as c`, `extend c = a + b`
pub(super) fn extend(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    if tokens.all().is_empty() {
        return Err(typed.missing("an expression"));
    }
    let in_place = windows_in_place(tokens.all());
    let mut items = Vec::new();
    for part in tokens.all().part(&in_place).list() {
        let (mut expr, alias) = match assigned(part) {
            Some((name, expr)) => (reader::expr(expr)?, Some(name)),
            None => match reader::item(part)? {
                SelectItem::UnnamedExpr(expr) => (expr, None),
                SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias)),
                _ => return Err(typed.wrong(part.place(), "expected an expression and its name")),
            },
        };
        let name = alias.or_else(|| own_name(&expr).map(|name| ident(&name)));
        pipeline.resolve(&mut expr);
        functions::rewrite(&mut expr, &pipeline.context())?;
        refuse_aggregates(&mut expr, typed)?;
        if goes_on_with(pipeline, &items, &expr) {
            pipeline.extend(std::mem::take(&mut items));
        }
        let name = match (&expr, name) {
            (_, Some(name)) => name,
            (Expr::Identifier(name), None) => name.clone(),
            (expr, None) => ident(&expr.to_string()),
        };
        if numbers::is_text(&expr) {
            pipeline.parsed.push(name.value.clone());
        }
        items.push((expr, name));
    }
    pipeline.extend(items);
    Ok(())
}

/// Whether an expression is of a column that the same step has made before, and that there was not.
fn goes_on_with(pipeline: &Pipeline<'_>, items: &[(Expr, Ident)], expr: &Expr) -> bool {
    let found = walk::look_at_exprs(expr, |expr| {
        let is_made = matches!(expr, Expr::Identifier(name)
            if items.iter().any(|(_, made)| made.value == name.value)
                && !pipeline.has(&name.value));
        match is_made {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    found.is_break()
}

/// The tokens, where each window that has a name behind `window` stands where it is named: `rank() over w
/// window w as (order by latency_ms)`.
fn windows_in_place(piece: Piece<'_>) -> Vec<TokenWithSpan> {
    let plain = || piece.tokens.to_vec();
    let (before, Some(behind)) = piece.split_at_word("window") else {
        return plain();
    };
    let mut windows: Vec<(&str, &[TokenWithSpan])> = Vec::new();
    for part in behind.list() {
        let [name, says, open, window @ .., close] = part.tokens else {
            return plain();
        };
        let is_window = is_word(&says.token, "as")
            && open.token == Token::LParen
            && close.token == Token::RParen;
        match &name.token {
            Token::Word(name) if is_window => windows.push((&name.value, window)),
            _ => return plain(),
        }
    }
    let named = |token: Option<&TokenWithSpan>| {
        let Some(Token::Word(word)) = token.map(|it| &it.token) else {
            return None;
        };
        windows.iter().find(|(name, _)| *name == word.value)
    };
    let mut tokens = Vec::new();
    let mut rest = before.tokens;
    while let [first, behind @ ..] = rest {
        tokens.push(first.clone());
        rest = behind;
        if !is_word(&first.token, "over") {
            continue;
        }
        let in_parentheses = rest.first().is_some_and(|it| it.token == Token::LParen);
        let Some((_, window)) = named(rest.get(usize::from(in_parentheses))) else {
            continue;
        };
        tokens.push(TokenWithSpan::new(Token::LParen, first.span));
        tokens.extend(window.iter().cloned());
        if !in_parentheses {
            tokens.push(TokenWithSpan::new(Token::RParen, first.span));
        }
        rest = &rest[1 + usize::from(in_parentheses)..];
    }
    tokens
}

/// `expand tags`: a row for each element of a list.
pub(super) fn expand(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens_behind_name()?;
    if tokens.all().is_empty() {
        return Err(typed.missing("a field"));
    }
    let (field, alias) = tokens.all().split_alias();
    let name = resolved_name(pipeline, field)?;
    let alias = alias.unwrap_or_else(|| name.clone());
    let element = template("unnest($1)", &[&Expr::Identifier(name.clone())]);
    let columns = pipeline.columns.renamed(&[(name.clone(), alias.clone())]);
    let element = SelectItem::ExprWithAlias {
        expr: element,
        alias,
    };
    let items = match &pipeline.columns {
        Columns::Known(known) => {
            let items = known.iter().map(|it| match *it == name.value {
                true => element.clone(),
                false => column(ident(it)),
            });
            items.collect()
        }
        _ => vec![all_but(vec![name]), element],
    };
    pipeline.select_as(items, columns);
    Ok(())
}

/// The name and the value of `c = a + b`. A comparison that is to be a column has a name behind it, or stands
/// in parentheses.
fn assigned(piece: Piece<'_>) -> Option<(Ident, Piece<'_>)> {
    let at = piece.tokens.iter().position(|it| it.token == Token::Eq)?;
    let value = piece.behind(at + 1);
    if value.is_empty() || piece.split_alias().1.is_some() {
        return None;
    }
    let name = piece.part(&piece.tokens[..at]).name().ok()?;
    Some((name, value))
}

/// `set a = b + c`
pub(super) fn set(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens()?;
    let PipeOperator::Set { assignments } = reader::operator(tokens.all())? else {
        return Err(typed.missing("a field"));
    };
    let mut items = Vec::new();
    for assignment in assignments {
        let AssignmentTarget::ColumnName(target) = assignment.target else {
            return Err(typed.wrong(tokens.all().place(), "expected one field before `=`"));
        };
        let parts: Vec<_> = target
            .0
            .iter()
            .filter_map(ObjectNamePart::as_ident)
            .collect();
        let name = match &parts[..] {
            [name] => (*name).clone(),
            parts => ident(
                &parts
                    .iter()
                    .map(|part| &part.value[..])
                    .collect::<Vec<_>>()
                    .join("."),
            ),
        };
        let mut expr = assignment.value;
        pipeline.resolve(&mut expr);
        functions::rewrite(&mut expr, &pipeline.context())?;
        refuse_aggregates(&mut expr, typed)?;
        items.push((expr, name));
    }
    match pipeline.columns {
        Columns::Unknown => pipeline.replace(items),
        _ => pipeline.extend(items),
    }
    Ok(())
}
