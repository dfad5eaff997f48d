//! Rows of answers in every format: what is printed of values of every type, and what holds for all.

#[cfg(any(feature = "arrow", feature = "parquet"))]
mod binary;
mod chart;
mod laws;
mod pairs;
mod table;
mod types;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use birl_render::RenderRows;

/// Rows with these columns.
fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    let columns = columns.map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns have the same length")
}

/// What is printed of rows that come in these batches.
fn printed(mut render: impl RenderRows, batches: &[RecordBatch]) -> String {
    let mut out = Vec::new();
    render.head(&mut out).unwrap();
    for batch in batches {
        render.rows(batch, &mut out).unwrap();
    }
    render.end(&mut out).unwrap();
    String::from_utf8(out).expect("only text is printed")
}

/// A column of these values.
fn column(values: impl Array + 'static) -> ArrayRef {
    Arc::new(values)
}
