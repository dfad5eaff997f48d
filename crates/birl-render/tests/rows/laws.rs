//! What holds for rows of any values.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray,
    TimestampNanosecondArray,
};
use birl_render::{CsvRows, CsvRowsOptions, DisplayZone, JsonRows, Table, TableOptions};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::table::pipe;
use crate::{batch, printed};

/// A row of values of several types.
type Row = (
    Option<String>,
    Option<i64>,
    Option<f64>,
    Option<bool>,
    Option<i64>,
);

fn row() -> impl Strategy<Value = Row> {
    let text = prop_oneof![
        "\\PC{0,12}",
        any::<String>(),
        "[a-z ,\"\t\n\r\u{1b}\\[\u{300}\u{200d}\u{fe0f}⚠👩語]{0,40}",
    ];
    (
        prop::option::of(text),
        any::<Option<i64>>(),
        any::<Option<f64>>(),
        any::<Option<bool>>(),
        any::<Option<i64>>(),
    )
}

fn rows(rows: &[Row]) -> RecordBatch {
    let texts: StringViewArray = rows.iter().map(|row| row.0.as_deref()).collect();
    let ints: Int64Array = rows.iter().map(|row| row.1).collect();
    let floats: Float64Array = rows.iter().map(|row| row.2).collect();
    let bools: BooleanArray = rows.iter().map(|row| row.3).collect();
    let times: TimestampNanosecondArray = rows.iter().map(|row| row.4).collect();
    let columns: [(&str, ArrayRef); 5] = [
        ("float", Arc::new(floats)),
        ("text", Arc::new(texts)),
        ("int", Arc::new(ints)),
        ("time", Arc::new(times.with_timezone("UTC"))),
        ("bool", Arc::new(bools)),
    ];
    batch(columns)
}

fn time(text: &str) -> i64 {
    let time: Timestamp = text.parse().unwrap();
    time.as_nanosecond().try_into().unwrap()
}

proptest! {
    #[test]
    fn json_is_read_back(values in prop::collection::vec(row(), 0..6)) {
        let batch = rows(&values);
        let text = printed(JsonRows::new(&batch.schema(), DisplayZone::utc()), &[batch]);
        prop_assert_eq!(text.lines().count(), values.len());
        for (line, (text, int, float, bool, at)) in text.lines().zip(values) {
            let object: Value = serde_json::from_str(line).unwrap();
            prop_assert_eq!(&object["text"], &Value::from(text));
            prop_assert_eq!(object["int"].as_i64(), int);
            // This reader of JSON may be wrong about the last digit.
            let written = line.strip_prefix("{\"float\":").unwrap().split(',').next().unwrap();
            let float = float.filter(|float| float.is_finite());
            prop_assert_eq!(written.parse().ok(), float);
            prop_assert_eq!(object["float"].is_null(), float.is_none());
            prop_assert_eq!(object["bool"].as_bool(), bool);
            prop_assert_eq!(object["time"].as_str().map(time), at);
            let names: Vec<_> = object.as_object().unwrap().keys().cloned().collect();
            prop_assert_eq!(names, ["bool", "float", "int", "text", "time"]);
        }
    }

    #[test]
    fn csv_is_read_back(
        values in prop::collection::vec(row(), 0..6),
        separator in prop::sample::select(vec![b',', b'\t']),
    ) {
        let batch = rows(&values);
        let options = CsvRowsOptions { separator, zone: DisplayZone::utc(), harmless: false };
        let text = printed(CsvRows::new(&batch.schema(), options), &[batch]);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(text.as_bytes());
        prop_assert_eq!(
            reader.headers().unwrap().iter().collect::<Vec<_>>(),
            ["float", "text", "int", "time", "bool"]
        );
        let read: Vec<Row> = reader
            .records()
            .map(|record| {
                let record = record.unwrap();
                let cell = |place: usize| Some(&record[place]).filter(|cell| !cell.is_empty());
                (
                    cell(1).map(str::to_owned),
                    cell(2).map(|cell| cell.parse().unwrap()),
                    cell(0).map(|cell| cell.parse().unwrap()),
                    cell(4).map(|cell| cell.parse().unwrap()),
                    cell(3).map(time),
                )
            })
            .collect();
        // This reader does not tell an empty text, in quotes, from nothing.
        let expected: Vec<Row> = values
            .into_iter()
            .map(|row| (row.0.filter(|text| !text.is_empty()), row.1, row.2, row.3, row.4))
            .collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn all_lines_of_a_table_have_the_same_width(
        values in prop::collection::vec(row(), 0..6),
        columns in 100..200usize,
    ) {
        let batch = rows(&values);
        let options = TableOptions { width: Some(columns), ..pipe() };
        let text = printed(Table::new(&batch.schema(), options), &[batch]);
        prop_assert_eq!(text.lines().count(), 1 + values.len());
        let widths: Vec<_> = text.lines().map(UnicodeWidthStr::width).collect();
        prop_assert!(widths.iter().all(|width| *width == widths[0]), "{}", text);
        prop_assert!(widths[0] <= columns);
        prop_assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{:?}", text);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal(
        values in prop::collection::vec(row(), 0..6),
        columns in 1..80usize,
        lines_max in 0..12usize,
    ) {
        let batch = rows(&values);
        let options = TableOptions { width: Some(columns), ..pipe() };
        let drawing = Table::draw(&batch.schema(), &[batch], options, Some(lines_max));
        prop_assert!(drawing.lines <= lines_max);
        prop_assert_eq!(drawing.text.lines().count(), drawing.lines);
        for line in drawing.text.lines() {
            prop_assert!(line.width() <= columns, "{}", drawing.text);
        }
    }
}
