//! Steps that change columns: `fields`, `select`, `extend`, `set`, `drop`, `rename`.

use birl_record::query::Error;
use datafusion::sql::sqlparser::ast::{
    AssignmentTarget, Expr, Ident, ObjectNamePart, PipeOperator, SelectItem,
};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::Typed;
use super::aggregate::{begins_distinct, refuse_aggregates};
use crate::pipe::functions::{self, name_item, own_name};
use crate::pipe::piece::{Piece, ident, is_word};
use crate::pipe::pipeline::{Columns, Pipeline, all_but, column};
use crate::pipe::reader;

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
    let names = parts.into_iter().map(|part| part.behind(1).name());
    pipeline.drop(names.collect::<Result<_, _>>()?);
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
        Ok(name) => Ok(name),
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
    let mut piece = tokens.all();
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
    let mut items = Vec::new();
    for part in tokens.all().list() {
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
        let name = match (&expr, name) {
            (_, Some(name)) => name,
            (Expr::Identifier(name), None) => name.clone(),
            (expr, None) => ident(&expr.to_string()),
        };
        items.push((expr, name));
    }
    pipeline.extend(items);
    Ok(())
}

/// The name and the value of `c = a + b`. A comparison that is to be a column has a name behind it, or stands
/// in parentheses.
fn assigned(piece: Piece<'_>) -> Option<(Ident, Piece<'_>)> {
    let value = piece.behind(2);
    let is_equals = piece.behind(1).first() == Some(&Token::Eq);
    if !is_equals || value.is_empty() || piece.split_alias().1.is_some() {
        return None;
    }
    let name = piece.part(&piece.tokens[..1]).name().ok()?;
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
