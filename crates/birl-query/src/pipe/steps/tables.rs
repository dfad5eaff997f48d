//! Steps that bring in other tables: `join`, `union`, `intersect`, `except`, and `as`.

use std::path::{Path, PathBuf};

use birl_record::query::Error;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, Join, JoinConstraint, JoinOperator, PipeOperator, SetOperator,
    TableAlias, TableFactor,
};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{Typed, nested};
use crate::pipe::functions::{self, POSITION};
use crate::pipe::piece::{Piece, ident, is_word, located, place};
use crate::pipe::pipeline::{Columns, Pipeline};
use crate::pipe::{Lookup, reader};

/// `as requests`
pub(super) fn named(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let operator = reader::operator(typed.tokens()?.all())?;
    if let PipeOperator::As { alias } = &operator {
        pipeline.tables.add(&alias.value);
    }
    pipeline.is_named = true;
    pipeline.rows(operator);
    Ok(())
}

/// `with slow as (from logs |> where latency_ms > 100)`: tables for the steps that follow.
pub(super) fn with(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens()?;
    let mut all = tokens.all().tokens.to_vec();
    if !all.iter().any(|it| it.token == Token::LParen) {
        return Err(typed.missing("a name and a query"));
    }
    let from_logs = [
        Token::make_word("FROM", None),
        Token::make_word("logs", None),
    ];
    all.extend(from_logs.map(TokenWithSpan::wrap));
    let mut query = reader::query(tokens.all().part(&all))?;
    nested::rewrite(&mut query)?;
    let Some(mut with) = query.with else {
        return Err(typed.missing("a name and a query"));
    };
    pipeline.tables.add_of(&with);
    pipeline.tables.join_names(&mut with);
    functions::rewrite(&mut with, &pipeline.context())?;
    for table in &with.cte_tables {
        let name = &table.alias.name;
        if name.value.eq_ignore_ascii_case("logs") {
            let place = place(name.span).unwrap_or_else(|| typed.name_place());
            return Err(typed.wrong(place, "the table logs is there already"));
        }
        pipeline.tables.add(&name.value);
    }
    pipeline.add_with(with);
    Ok(())
}

/// `union all (from logs |> where status = 404)`
pub(super) fn combined(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens()?;
    let piece = tokens.all();
    if let Some(word) = piece
        .tokens
        .iter()
        .take(4)
        .find(|it| is_word(&it.token, "corresponding"))
    {
        let place = place(word.span).unwrap_or_else(|| typed.name_place());
        let error = Error::new(place, "`corresponding` has no meaning here");
        return Err(error.with_hint(
            "columns go by their names so, and what one side lacks is null: union all by name (…)",
        ));
    }
    let is_union = is_word(&piece.tokens[0].token, "union");
    let says = piece.behind(1).first();
    let is_of_all = !is_union && says.is_some_and(|it| is_word(it, "all"));
    // Without a word between, `intersect (…)` and `except (…)` are of different rows, as in SQL. Those of all
    // rows are not known to the parser.
    let mut distinct = piece.tokens.to_vec();
    if is_of_all || !is_union && says == Some(&Token::LParen) {
        let place = distinct[0].span;
        let word = TokenWithSpan::new(Token::make_word("DISTINCT", None), place);
        distinct.splice(1..1 + usize::from(is_of_all), [word]);
    }
    let mut operator = reader::operator(piece.part(&distinct))?;
    nested::rewrite(&mut operator)?;
    pipeline.tables.add_of(&operator);
    pipeline.tables.join_names(&mut operator);
    functions::rewrite(&mut operator, &pipeline.context())?;
    // They are called as those of the rows before.
    let columns = match &pipeline.columns {
        it @ Columns::Known(names)
            if !names.iter().any(|name| POSITION.contains(&name.as_str())) =>
        {
            it.clone()
        }
        _ => Columns::Unknown,
    };
    match operator {
        PipeOperator::Intersect { queries, .. } if is_of_all => {
            pipeline.combine_all(SetOperator::Intersect, queries, columns);
        }
        PipeOperator::Except { queries, .. } if is_of_all => {
            pipeline.combine_all(SetOperator::Except, queries, columns);
        }
        operator => pipeline.combine(operator, columns),
    }
    Ok(())
}

/// `join users on user_id = users.id`, `left join users.csv on user_id`
pub(super) fn join(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let tokens = typed.tokens()?;
    let mut piece = tokens.all();
    let with_name;
    if let Some((at, end, path)) = file(piece) {
        let table = table_name(pipeline, &path);
        let name = Token::make_word(&table, Some('"'));
        let place = piece.part(&piece.tokens[at..end]).place();
        let mut all = piece.tokens.to_vec();
        all.splice(at..end, [TokenWithSpan::new(name, located(place))]);
        with_name = all;
        piece = piece.part(&with_name);
        pipeline.lookups.push(Lookup { table, path });
    }
    let mut operator = reader::operator(piece)?;
    nested::rewrite(&mut operator)?;
    pipeline.tables.add_of(&operator);
    pipeline.tables.join_names(&mut operator);
    functions::rewrite(&mut operator, &pipeline.context())?;
    let mut columns = match &pipeline.columns {
        it @ Columns::Logs { .. } => it.clone(),
        _ => Columns::Unknown,
    };
    if let PipeOperator::Join(join) = &mut operator {
        use_name(join);
        name_query(pipeline, join);
        add_columns(pipeline, join, &mut columns);
    }
    pipeline.name_rows();
    pipeline.combine(operator, columns);
    Ok(())
}

/// Gives a name to a query that is joined, so that its columns are told from those of no table.
fn name_query(pipeline: &mut Pipeline<'_>, join: &mut Join) {
    if let TableFactor::Derived {
        alias: alias @ None,
        ..
    } = &mut join.relation
    {
        let mut name = "joined".to_owned();
        while pipeline.tables.has(&ident(&name)) {
            name.push('_');
        }
        pipeline.tables.add(&name);
        *alias = Some(TableAlias {
            explicit: true,
            name: ident(&name),
            columns: Vec::new(),
            at: None,
        });
    }
}

/// Adds to `columns` those that a join brings, as far as they are known and there is none that is called
/// so.
fn add_columns(pipeline: &Pipeline<'_>, join: &Join, columns: &mut Columns) {
    let TableFactor::Table { name, .. } = &join.relation else {
        return;
    };
    let Some(table) = name.0.last().and_then(|it| it.as_ident()) else {
        return;
    };
    let mut lookups = pipeline.lookups.iter();
    let lookup = lookups.find(|lookup| lookup.table == table.value);
    let file = lookup.map_or(Some(&*table.value), |lookup| lookup.path.to_str());
    let brought = file.and_then(|file| (pipeline.known.columns)(file));
    for name in brought.into_iter().flatten() {
        if !pipeline.has(&name) {
            columns.add(&name);
        }
    }
}

/// The tokens that the path of a file is in a join, and the path.
fn file(piece: Piece<'_>) -> Option<(usize, usize, PathBuf)> {
    let join = piece
        .tokens
        .iter()
        .position(|it| is_word(&it.token, "join"))?;
    let at = join + 1;
    let first = piece.tokens.get(at)?;
    if let Token::SingleQuotedString(path) = &first.token {
        return Some((at, at + 1, PathBuf::from(path)));
    }
    let start = place(first.span)?.start;
    let (text, text_at) = piece.text_from(start)?;
    let len = text.find(char::is_whitespace).unwrap_or(text.len());
    let path = &text[..len];
    let is_path = path.contains('/') || has_extension(path);
    if !is_path || path.starts_with('(') {
        return None;
    }
    let is_in = |it: &TokenWithSpan| place(it.span).is_some_and(|it| it.start < text_at + len);
    let count = piece.tokens[at..].iter().take_while(|it| is_in(it)).count();
    Some((at, at + count, PathBuf::from(path)))
}

fn has_extension(path: &str) -> bool {
    let extensions = [
        "csv", "tsv", "json", "jsonl", "ndjson", "parquet", "gz", "zst",
    ];
    let extension = Path::new(path).extension().and_then(|it| it.to_str());
    extension.is_some_and(|it| extensions.contains(&it.to_ascii_lowercase().as_str()))
}

/// What a file is called as a table: by its name up to the first dot.
fn table_name(pipeline: &Pipeline<'_>, path: &Path) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    let mut table = match stem.is_empty() {
        true => "file".to_owned(),
        false => stem.to_owned(),
    };
    while pipeline.tables.has(&ident(&table)) {
        table.push('_');
    }
    table
}

/// `on user_id` alone says that both have it, and so does `on user_id = u.user_id`: it is one column
/// then, which can be named without saying of which table.
fn use_name(join: &mut Join) {
    let table = match &join.relation {
        TableFactor::Table {
            alias: Some(alias), ..
        } => Some(alias.name.clone()),
        TableFactor::Table { name, .. } => name.0.last().and_then(|it| it.as_ident()).cloned(),
        _ => None,
    };
    if let Some(constraint) = constraint(join)
        && let JoinConstraint::On(condition) = constraint
        && let Some(names) = shared(condition, table.as_ref())
    {
        let names = names.into_iter().map(|name| vec![name].into());
        *constraint = JoinConstraint::Using(names.collect());
    }
}

/// By what rows are joined, where both sides are shown.
fn constraint(join: &mut Join) -> Option<&mut JoinConstraint> {
    match &mut join.join_operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => Some(constraint),
        _ => None,
    }
}

/// The columns that a condition asks to be the same on both sides, if it asks for nothing else; `table`
/// is the one on the right.
fn shared(condition: &Expr, table: Option<&Ident>) -> Option<Vec<Ident>> {
    match condition {
        Expr::Identifier(name) => Some(vec![name.clone()]),
        Expr::Nested(condition) => shared(condition, table),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => {
            let (left, right) = (shared(left, table)?, shared(right, table)?);
            Some(left.into_iter().chain(right).collect())
        }
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } => match (&**left, &**right) {
            (Expr::Identifier(name), Expr::CompoundIdentifier(parts))
            | (Expr::CompoundIdentifier(parts), Expr::Identifier(name)) => match &parts[..] {
                [of, other]
                    if other.value == name.value
                        && table.is_some_and(|it| it.value == of.value) =>
                {
                    Some(vec![name.clone()])
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}
