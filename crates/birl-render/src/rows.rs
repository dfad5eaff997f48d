//! Rows of an answer to print, and the trait of what prints them.

use std::collections::HashSet;
use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use birl_record::columns::HAS_NUMBERS;

use crate::cell::Values;

/// A format that prints the rows of an answer, for the columns that it was made with.
///
/// It is told of the rows in their order: [`head`](Self::head) once, [`rows`](Self::rows) as often as
/// there are some, [`end`](Self::end) once. Dropping it writes nothing.
pub trait RenderRows: Send {
    /// Writes what stands before all rows.
    ///
    /// # Errors
    ///
    /// Fails where `out` does, as the other functions do.
    fn head(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Writes rows, or keeps them until it knows how they are to be written.
    ///
    /// # Panics
    ///
    /// If the columns are not those that it was made with.
    fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()>;

    /// Writes rows that were kept, as far as they can be written without knowing more: nothing may
    /// come for a while, and somebody waits.
    fn flush(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Writes what was kept, and what stands behind all rows.
    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// The columns of some rows.
pub(crate) fn columns(batch: &RecordBatch) -> Vec<Values<'_>> {
    let columns = batch.columns().iter().zip(batch.schema_ref().fields());
    let values = columns.map(
        |(column, field)| match field.metadata().contains_key(HAS_NUMBERS) {
            true => Values::numbers(column),
            false => Values::of(column),
        },
    );
    values.collect()
}

/// The names of the columns. Of those that are called the same, all but the first have a number
/// behind, as in DuckDB: `count`, `count_1`.
pub(crate) fn unique_names(schema: &Schema) -> Vec<String> {
    let mut taken: HashSet<String> = schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let mut seen = HashSet::new();
    let names = schema.fields().iter().map(|field| {
        let name = field.name();
        if seen.insert(name) {
            return name.clone();
        }
        let unique = (1..)
            .map(|number| format!("{name}_{number}"))
            .find(|unique| !taken.contains(unique))
            .expect("there are more numbers than columns");
        taken.insert(unique.clone());
        unique
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use arrow_schema::{DataType, Field};

    use super::*;

    #[test]
    fn columns_that_are_called_the_same_are_told_apart() {
        let names = ["a", "b", "a", "a_1", "a"];
        let fields = names.map(|name| Field::new(name, DataType::Int64, true));
        assert_eq!(
            unique_names(&Schema::new(fields.to_vec())),
            ["a", "b", "a_2", "a_1", "a_3"]
        );
    }
}
