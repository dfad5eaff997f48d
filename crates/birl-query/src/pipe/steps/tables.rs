//! Steps that bring in other tables: `join`, `union`, `intersect`, `except`, and `as`.

use std::path::{Path, PathBuf};

use birl_record::query::Error;
use datafusion::sql::sqlparser::ast::{Expr, Join, JoinConstraint, JoinOperator, PipeOperator};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{Typed, nested};
use crate::pipe::functions;
use crate::pipe::piece::{Piece, ident, is_word, located, place};
use crate::pipe::pipeline::{Columns, Pipeline};
use crate::pipe::{Lookup, reader};

/// `as requests`
pub(super) fn named(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let operator = reader::operator(typed.tokens()?.all())?;
    if let PipeOperator::As { alias } = &operator {
        pipeline.tables.add(&alias.value);
    }
    pipeline.rows(operator);
    Ok(())
}

/// `union all (from logs |> where status = 404)`
pub(super) fn combined(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let mut operator = reader::operator(typed.tokens()?.all())?;
    nested::rewrite(&mut operator)?;
    pipeline.tables.add_of(&operator);
    pipeline.tables.join_names(&mut operator);
    functions::rewrite(&mut operator, &pipeline.context())?;
    pipeline.combine(operator, Columns::Unknown);
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
    if let PipeOperator::Join(join) = &mut operator {
        use_name(join);
    }
    let columns = match &pipeline.columns {
        it @ Columns::Logs { .. } => it.clone(),
        _ => Columns::Unknown,
    };
    pipeline.combine(operator, columns);
    Ok(())
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

/// `on user_id` alone says that both have it.
fn use_name(join: &mut Join) {
    let (JoinOperator::Join(constraint)
    | JoinOperator::Inner(constraint)
    | JoinOperator::Left(constraint)
    | JoinOperator::LeftOuter(constraint)
    | JoinOperator::Right(constraint)
    | JoinOperator::RightOuter(constraint)
    | JoinOperator::FullOuter(constraint)) = &mut join.join_operator
    else {
        return;
    };
    if let JoinConstraint::On(Expr::Identifier(name)) = constraint {
        *constraint = JoinConstraint::Using(vec![vec![name.clone()].into()]);
    }
}
