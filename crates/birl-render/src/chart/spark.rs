//! Charts over time of one line each, for where there is little room.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{Array, RecordBatch};

use crate::cell::{Cell, Values};
use crate::table::line;

/// The heights that a character can show, the lowest first.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is drawn over time.
#[derive(Clone, Copy, Debug)]
pub struct SparkColumns<'a> {
    /// The column of times, in nanoseconds.
    pub time: &'a str,
    /// How long a bin of time is, in nanoseconds, at least 1.
    pub span: i64,
    /// The column whose values are a line each.
    pub series: Option<&'a str>,
    /// The columns that are drawn.
    pub values: &'a [String],
}

/// Charts of one line each.
#[derive(Clone, Debug, PartialEq)]
pub struct Sparks {
    /// A line for each series and column, those with the largest values first.
    pub sparks: Vec<Spark>,
    /// When the first bin begins, in nanoseconds since 1970 (UTC).
    pub start: i64,
    /// The first nanosecond behind the last bin.
    pub end: i64,
}

/// One series over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Spark {
    /// What it is of.
    pub name: String,
    /// A character for each bin, or for several, of which it shows the largest: the higher the larger,
    /// from 0 or the least on. Where nothing is known there is a space.
    pub line: String,
    /// The largest value.
    pub max: f64,
    /// The last value.
    pub last: f64,
}

impl Sparks {
    /// Draws rows, of which one is a bin, in lines of at most `width` characters, at least 1; `None` where
    /// nothing can be drawn: where there is no such column, or no number.
    pub fn draw(batches: &[RecordBatch], columns: SparkColumns<'_>, width: usize) -> Option<Self> {
        let series = series(batches, columns)?;
        let times = || series.values().flat_map(BTreeMap::keys).copied();
        let (start, last) = (times().min()?, times().max()?);
        let bins = (last - start) / columns.span.max(1) + 1;
        // There may be centuries between two records whose clocks differ.
        let width = i64::try_from(width.max(1)).unwrap_or(i64::MAX).min(bins);
        let mut sparks: Vec<_> = series
            .iter()
            .map(|(name, values)| {
                Spark::draw(name, values, start, columns.span.max(1), bins, width)
            })
            .collect();
        sparks.sort_by(|a, b| b.max.total_cmp(&a.max));
        Some(Self {
            sparks,
            start,
            end: last.saturating_add(columns.span),
        })
    }
}

/// The values of each series by their times; `None` where there is no such column.
pub(super) fn series(
    batches: &[RecordBatch],
    columns: SparkColumns<'_>,
) -> Option<BTreeMap<String, BTreeMap<i64, f64>>> {
    let mut series: BTreeMap<String, BTreeMap<i64, f64>> = BTreeMap::new();
    for batch in batches {
        let times = batch.column_by_name(columns.time)?;
        let times = times.as_primitive_opt::<TimestampNanosecondType>()?;
        let names = columns.series.and_then(|name| batch.column_by_name(name));
        let names = names.map(|names| Values::of(names));
        for column in columns.values {
            let values = Values::of(batch.column_by_name(column)?);
            for row in (0..batch.num_rows()).filter(|row| times.is_valid(*row)) {
                let Some(value) = number(&values.cell(row)) else {
                    continue;
                };
                let name = match &names {
                    None => column.clone(),
                    Some(names) => {
                        let name = text(&names.cell(row));
                        match columns.values {
                            [_] => name,
                            _ => format!("{name} {column}"),
                        }
                    }
                };
                let bins = series.entry(name).or_default();
                bins.insert(times.value(row), value);
            }
        }
    }
    Some(series)
}

impl Spark {
    fn draw(
        name: &str,
        values: &BTreeMap<i64, f64>,
        start: i64,
        span: i64,
        bins: i64,
        width: i64,
    ) -> Self {
        let mut columns = vec![None::<f64>; usize::try_from(width).unwrap_or(1)];
        for (time, value) in values {
            let bin = (time - start) / span;
            let at = i128::from(bin) * i128::from(width) / i128::from(bins);
            let column = &mut columns[usize::try_from(at).unwrap_or(0)];
            *column = Some(column.map_or(*value, |it| it.max(*value)));
        }
        let max = values.values().copied().fold(f64::NEG_INFINITY, f64::max);
        let min = values.values().copied().fold(0.0, f64::min);
        let line = columns.into_iter().map(|value| match value {
            None => ' ',
            Some(_) if max <= min => HEIGHTS[0],
            Some(value) => {
                let height = (value - min) / (max - min) * 7.0;
                // Whatever is more than nothing is seen.
                HEIGHTS[(height.ceil() as usize).min(7)]
            }
        });
        Self {
            name: name.to_owned(),
            line: line.collect(),
            max,
            last: values.values().next_back().copied().unwrap_or_default(),
        }
    }
}

fn number(cell: &Cell<'_>) -> Option<f64> {
    let number = match cell {
        Cell::Int(number) => *number as f64,
        Cell::UInt(number) => *number as f64,
        Cell::Float(number) => *number,
        Cell::Float32(number) => f64::from(*number),
        Cell::Decimal(number) => number.parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

fn text(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => line::shown(text, None),
        Cell::Null => "null".to_owned(),
        Cell::Bool(is) => is.to_string(),
        Cell::Int(number) => number.to_string(),
        Cell::UInt(number) => number.to_string(),
        other => number(other).map_or_else(|| "?".to_owned(), |number| number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, StringArray, TimestampNanosecondArray};

    use super::*;

    const MINUTE: i64 = 60_000_000_000;

    fn rows(rows: &[(i64, &str, Option<i64>)]) -> RecordBatch {
        let times = rows.iter().map(|(minute, ..)| minute * MINUTE);
        let names = rows.iter().map(|(_, name, _)| Some(*name));
        let counts = rows.iter().map(|(.., count)| *count);
        RecordBatch::try_from_iter([
            (
                "time",
                Arc::new(TimestampNanosecondArray::from_iter_values(times)) as _,
            ),
            ("name", Arc::new(names.collect::<StringArray>()) as _),
            ("count", Arc::new(counts.collect::<Int64Array>()) as _),
        ])
        .unwrap()
    }

    fn draw(batch: RecordBatch, series: Option<&str>, width: usize) -> Option<Sparks> {
        let columns = SparkColumns {
            time: "time",
            span: MINUTE,
            series,
            values: &["count".to_owned()],
        };
        Sparks::draw(&[batch], columns, width)
    }

    #[test]
    fn a_series_is_a_line() {
        let batch = rows(&[
            (10, "a", Some(0)),
            (11, "a", Some(1)),
            (13, "a", Some(14)),
            (12, "a", Some(8)),
            (15, "a", Some(2)),
        ]);
        let sparks = draw(batch, None, 80).unwrap();
        assert_eq!((sparks.start, sparks.end), (10 * MINUTE, 16 * MINUTE));
        let spark = &sparks.sparks[0];
        assert_eq!((&*spark.name, &*spark.line), ("count", "▁▂▅█ ▂"));
        assert_eq!((spark.max, spark.last), (14.0, 2.0));
    }

    #[test]
    fn more_bins_than_room_show_their_largest_values() {
        let many: Vec<_> = (0..100)
            .map(|minute| (minute, "a", Some(i64::from(minute == 55) * 7)))
            .collect();
        let sparks = draw(rows(&many), None, 10).unwrap();
        assert_eq!(sparks.sparks[0].line, "▁▁▁▁▁█▁▁▁▁");
    }

    #[test]
    fn the_series_with_the_largest_values_come_first() {
        let batch = rows(&[
            (0, "a", Some(1)),
            (0, "b", Some(3)),
            (1, "b", None),
            (1, "c\n", Some(-2)),
        ]);
        let sparks = draw(batch, Some("name"), 80).unwrap();
        let lines = sparks.sparks.iter();
        let lines: Vec<_> = lines.map(|it| (&*it.name, &*it.line)).collect();
        assert_eq!(lines, [("b", "█ "), ("a", "█ "), ("c\\n", " ▁")]);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(draw(rows(&[]), None, 80), None);
        assert_eq!(draw(rows(&[(0, "a", None)]), None, 80), None);
        let columns = SparkColumns {
            time: "name",
            span: MINUTE,
            series: None,
            values: &["count".to_owned()],
        };
        assert_eq!(
            Sparks::draw(&[rows(&[(0, "a", Some(1))])], columns, 80),
            None
        );
    }
}
