//! Bins of time in which nothing was, which a chart shows as well.

use std::collections::{BTreeMap, HashMap};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use datafusion::common::{Result, ScalarValue};

use crate::pipe::Chart;

/// No more rows are added: a clock that is wrong by years would make millions.
const ROWS_MAX: usize = 100_000;

/// The rows with one for each bin between the first and the last, for each series: counts are 0
/// there, other values null. They come by time, then by series, which are in the order in which they
/// first came.
pub(crate) fn filled(rows: Vec<RecordBatch>, chart: &Chart) -> Result<Vec<RecordBatch>> {
    let Some(schema) = rows.first().map(RecordBatch::schema) else {
        return Ok(rows);
    };
    let (Ok(time), true) = (
        schema.index_of(&chart.time),
        chart.fills_gaps && chart.span > 0,
    ) else {
        return Ok(rows);
    };
    let series = chart
        .series
        .as_ref()
        .map(|name| schema.index_of(name))
        .transpose()?;
    let mut known: BTreeMap<(i64, usize), Vec<ScalarValue>> = BTreeMap::new();
    let mut names: Vec<ScalarValue> = Vec::new();
    for batch in &rows {
        for row in 0..batch.num_rows() {
            let columns = batch.columns().iter();
            let values = columns.map(|column| ScalarValue::try_from_array(column, row));
            let values: Vec<_> = values.collect::<Result<_>>()?;
            let Some(at) = nanoseconds(&values[time]) else {
                // A record without a time is in no bin: there is no telling where it stands.
                return Ok(rows);
            };
            let name = series.map_or(ScalarValue::Null, |series| values[series].clone());
            let place = names.iter().position(|it| *it == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            known.insert((at, place), values);
        }
    }
    let (Some(((first, _), _)), Some(((last, _), _))) =
        (known.first_key_value(), known.last_key_value())
    else {
        return Ok(rows);
    };
    // More than 292 years lie between them.
    let Some(length) = last.checked_sub(*first) else {
        return Ok(rows);
    };
    let bins = length / chart.span + 1;
    let is_regular = known.keys().all(|(at, _)| (at - first) % chart.span == 0);
    if !is_regular || bins.saturating_mul(names.len() as i64) > ROWS_MAX as i64 {
        return Ok(rows);
    }
    let first = *first;
    let mut columns: Vec<Vec<ScalarValue>> = vec![Vec::new(); schema.fields().len()];
    for bin in 0..bins {
        let at = first + bin * chart.span;
        for (place, name) in names.iter().enumerate() {
            let row = known.remove(&(at, place));
            let row = row.map_or_else(|| blank(&schema, (time, at), (series, name)), Ok)?;
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
    }
    of_columns(&schema, columns)
}

/// The rows of one bin, which begins at `at`, with one for each series that is among them or was in
/// an earlier bin: `names`, in the order in which they first came.
pub(crate) fn filled_bin(
    rows: Vec<RecordBatch>,
    schema: &SchemaRef,
    chart: &Chart,
    at: i64,
    names: &mut Vec<ScalarValue>,
) -> Result<Vec<RecordBatch>> {
    let (Ok(time), true) = (schema.index_of(&chart.time), chart.fills_gaps) else {
        return Ok(rows);
    };
    let series = chart
        .series
        .as_ref()
        .map(|name| schema.index_of(name))
        .transpose()?;
    let mut known: HashMap<usize, Vec<ScalarValue>> = HashMap::new();
    for batch in &rows {
        for row in 0..batch.num_rows() {
            let columns = batch.columns().iter();
            let values = columns.map(|column| ScalarValue::try_from_array(column, row));
            let values: Vec<_> = values.collect::<Result<_>>()?;
            let name = series.map_or(ScalarValue::Null, |series| values[series].clone());
            let place = names.iter().position(|it| *it == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            if known.insert(place, values).is_some() {
                // Several rows of a series in one bin are not those of a chart.
                return Ok(rows);
            }
        }
    }
    if names.is_empty() && series.is_none() {
        names.push(ScalarValue::Null);
    }
    let mut columns: Vec<Vec<ScalarValue>> = vec![Vec::new(); schema.fields().len()];
    for (place, name) in names.iter().enumerate() {
        let row = known.remove(&place);
        let row = row.map_or_else(|| blank(schema, (time, at), (series, name)), Ok)?;
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    match names.is_empty() {
        true => Ok(Vec::new()),
        false => of_columns(schema, columns),
    }
}

/// The names of series, in their order, as rows; nothing of none.
pub(crate) fn saved(names: &[ScalarValue]) -> Result<Option<Vec<RecordBatch>>> {
    if names.is_empty() {
        return Ok(None);
    }
    let names = ScalarValue::iter_to_array(names.iter().cloned())?;
    Ok(Some(vec![RecordBatch::try_from_iter([("series", names)])?]))
}

/// The names that were [saved].
pub(crate) fn restored(rows: &[RecordBatch]) -> Result<Vec<ScalarValue>> {
    let names = rows.iter().flat_map(|rows| {
        let names = rows.column(0);
        (0..names.len()).map(move |row| ScalarValue::try_from_array(names, row))
    });
    names.collect()
}

/// A row of a bin in which nothing was of a series.
fn blank(
    schema: &SchemaRef,
    (time, at): (usize, i64),
    (series, name): (Option<usize>, &ScalarValue),
) -> Result<Vec<ScalarValue>> {
    let fields = schema.fields().iter().enumerate();
    let values = fields.map(|(index, field)| match index {
        index if index == time => moment(field.data_type(), at),
        index if Some(index) == series => Ok(name.clone()),
        _ if !field.is_nullable() && field.data_type().is_integer() => {
            ScalarValue::new_zero(field.data_type())
        }
        _ => ScalarValue::try_from(field.data_type()),
    });
    values.collect()
}

fn of_columns(schema: &SchemaRef, columns: Vec<Vec<ScalarValue>>) -> Result<Vec<RecordBatch>> {
    let nullable = schema
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true));
    let nullable = datafusion::arrow::datatypes::Schema::new(nullable.collect::<Vec<_>>());
    let columns = columns.into_iter().map(ScalarValue::iter_to_array);
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(vec![RecordBatch::try_new(nullable.into(), columns)?])
}

fn nanoseconds(value: &ScalarValue) -> Option<i64> {
    match value
        .cast_to(&DataType::Timestamp(TimeUnit::Nanosecond, None))
        .ok()?
    {
        ScalarValue::TimestampNanosecond(at, _) => at,
        _ => None,
    }
}

/// A moment, as a value of this type.
fn moment(ty: &DataType, at: i64) -> Result<ScalarValue> {
    ScalarValue::TimestampNanosecond(Some(at), Some("UTC".into())).cast_to(ty)
}
