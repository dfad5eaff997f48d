//! Steps that bring in other tables: `join`, `union`, `intersect`, `except`, and `as`.

use birl_record::query::Error;
use datafusion::sql::sqlparser::ast::PipeOperator;

use super::Typed;
use crate::pipe::functions;
use crate::pipe::pipeline::Pipeline;
use crate::pipe::reader;

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
    pipeline.tables.add_of(&operator);
    pipeline.tables.join_names(&mut operator);
    functions::rewrite(&mut operator, &pipeline.context())?;
    pipeline.combine(operator);
    Ok(())
}

/// `join users on user_id = users.id`
pub(super) fn join(pipeline: &mut Pipeline<'_>, typed: &Typed<'_>) -> Result<(), Error> {
    let mut operator = reader::operator(typed.tokens()?.all())?;
    pipeline.tables.add_of(&operator);
    pipeline.tables.join_names(&mut operator);
    functions::rewrite(&mut operator, &pipeline.context())?;
    pipeline.combine(operator);
    Ok(())
}
