//! Texts without what surrounds them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, GenericListArray, OffsetSizeTrait, RecordBatch, StructArray};
use arrow_schema::DataType;

/// The rows, with views that own no more than what they show.
///
/// The texts of a column are views into all that was read with them. Written as they are, a few rows
/// would take megabytes; kept as they are, they would keep it.
pub fn compacted(batch: &RecordBatch) -> RecordBatch {
    let columns = batch.columns().iter().map(compacted_array).collect();
    RecordBatch::try_new(batch.schema(), columns).unwrap_or_else(|_| batch.clone())
}

fn compacted_array(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::BinaryView => Arc::new(array.as_binary_view().gc()),
        DataType::List(_) => compacted_list::<i32>(array),
        DataType::LargeList(_) => compacted_list::<i64>(array),
        DataType::Struct(fields) if !fields.is_empty() => {
            let columns = array.as_struct().columns().iter().map(compacted_array);
            let nulls = array.nulls().cloned();
            Arc::new(StructArray::new(fields.clone(), columns.collect(), nulls))
        }
        _ => Arc::clone(array),
    }
}

fn compacted_list<O: OffsetSizeTrait>(array: &ArrayRef) -> ArrayRef {
    let (field, offsets, values, nulls) = array.as_list::<O>().clone().into_parts();
    let values = compacted_array(&values);
    Arc::new(GenericListArray::new(field, offsets, values, nulls))
}
