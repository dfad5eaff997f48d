//! Values of every type.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, MapBuilder, StringBuilder, UInt8Builder};
use arrow_array::types::*;
use arrow_array::*;
use arrow_buffer::i256;
use arrow_schema::{DataType, Field, Fields, Schema, UnionFields, UnionMode};
use birl_render::{CsvRows, CsvRowsOptions, DisplayZone, JsonRows, Table, TableOptions, Theme};
use jiff::tz::{Offset, TimeZone};

use crate::{batch, column, printed};

/// The value in JSON, in CSV and in a table, each in a zone two hours east of Greenwich.
fn written(values: ArrayRef) -> [String; 3] {
    let batch = batch([("v", values)]);
    let zone = DisplayZone::new(TimeZone::fixed(Offset::constant(2)));
    let csv = CsvRowsOptions {
        separator: b',',
        zone: zone.clone(),
        harmless: false,
    };
    let table = TableOptions {
        width: None,
        rows_ahead: 1000,
        zone: zone.clone(),
        theme: Theme::PLAIN,
        ascii: false,
    };
    let schema = batch.schema();
    let batches = [batch];
    let json = printed(JsonRows::new(&schema, zone), &batches);
    let csv = printed(CsvRows::new(&schema, csv), &batches);
    let table = printed(Table::new(&schema, table), &batches);
    let json = json.strip_prefix("{\"v\":").unwrap();
    [
        json.strip_suffix("}\n").unwrap().to_owned(),
        csv.strip_prefix("v\n").unwrap().trim_end().to_owned(),
        table
            .trim_start()
            .strip_prefix("v\n")
            .unwrap()
            .trim()
            .to_owned(),
    ]
}

const SECOND: i64 = 1_773_497_130;
const MS: i64 = SECOND * 1_000 + 500;
const NS: i64 = MS * 1_000_000;

#[test]
fn plain_values_are_written() {
    let i = |number: i64| column(Int64Array::from(vec![number]));
    let f = |number: f64| column(Float64Array::from(vec![number]));
    let t = |text: &'static str| column(StringViewArray::from(vec![text]));
    for (values, [json, csv, table]) in [
        (i(i64::MIN), ["-9223372036854775808"; 3]),
        (column(Int8Array::from(vec![-128])), ["-128"; 3]),
        (column(Int16Array::from(vec![-1])), ["-1"; 3]),
        (column(Int32Array::from(vec![7])), ["7"; 3]),
        (column(UInt8Array::from(vec![255])), ["255"; 3]),
        (column(UInt16Array::from(vec![65535])), ["65535"; 3]),
        (column(UInt32Array::from(vec![1])), ["1"; 3]),
        (
            column(UInt64Array::from(vec![u64::MAX])),
            ["18446744073709551615"; 3],
        ),
        (f(1.0), ["1.0", "1.0", "1"]),
        (
            f(0.1 + 0.2),
            ["0.30000000000000004", "0.30000000000000004", "0.3"],
        ),
        (f(-1e-300), ["-1e-300", "-1e-300", "-1e-300"]),
        (f(f64::NAN), ["null", "NaN", "NaN"]),
        (f(f64::NEG_INFINITY), ["null", "-inf", "-inf"]),
        (column(Float32Array::from(vec![0.1])), ["0.1"; 3]),
        (
            column(Float32Array::from(vec![f32::NAN])),
            ["null", "NaN", "NaN"],
        ),
        (column(BooleanArray::from(vec![true])), ["true"; 3]),
        (column(BooleanArray::from(vec![false])), ["false"; 3]),
        (t("no answer"), ["\"no answer\"", "no answer", "no answer"]),
        (t(""), ["\"\"", "\"\"", "\"\""]),
        (t("a\"b,c"), ["\"a\\\"b,c\"", "\"a\"\"b,c\"", "a\"b,c"]),
        (t("a\tb"), ["\"a\\tb\"", "a\tb", "a\\tb"]),
        (
            t("a\nb\x1b[2J"),
            ["\"a\\nb\\u001b[2J\"", "\"a\nb\x1b[2J\"", "a\\nb^[[2J"],
        ),
        (column(StringArray::from(vec!["é"])), ["\"é\"", "é", "é"]),
        (
            column(LargeStringArray::from(vec!["é"])),
            ["\"é\"", "é", "é"],
        ),
        (
            column(BinaryArray::from(vec![&b"\xca\xfe\x00"[..]])),
            ["\"cafe00\"", "cafe00", "cafe00"],
        ),
        (
            column(BinaryViewArray::from(vec![&b"\xff"[..]])),
            ["\"ff\"", "ff", "ff"],
        ),
        (column(NullArray::new(1)), ["null", "", ""]),
        (column(Int64Array::from(vec![None])), ["null", "", ""]),
        (
            column(StringViewArray::from(vec![None::<&str>])),
            ["null", "", ""],
        ),
    ] {
        assert_eq!(written(values), [json, csv, table]);
    }
}

#[test]
fn decimals_are_written_exactly() {
    let small = Decimal128Array::from(vec![-1234567890123456789])
        .with_precision_and_scale(30, 4)
        .unwrap();
    let digits = "9".repeat(76);
    let large = Decimal256Array::from(vec![digits.parse::<i256>().unwrap()])
        .with_precision_and_scale(76, 0)
        .unwrap();
    assert_eq!(written(column(small)), ["-123456789012345.6789"; 3]);
    assert_eq!(written(column(large)), [&*digits; 3]);
}

#[test]
fn times_are_shown_in_their_zone() {
    let ns = |zone: Option<&str>, time| {
        let values = TimestampNanosecondArray::from(vec![time]);
        column(values.with_timezone_opt(zone))
    };
    for (values, text, table) in [
        (
            ns(Some("UTC"), NS),
            "2026-03-14T16:05:30.500+02:00",
            "2026-03-14 16:05:30.500",
        ),
        (
            ns(Some("+00:00"), NS),
            "2026-03-14T16:05:30.500+02:00",
            "2026-03-14 16:05:30.500",
        ),
        (
            ns(Some("-03:30"), NS),
            "2026-03-14T10:35:30.500-03:30",
            "2026-03-14 10:35:30.500",
        ),
        (
            ns(Some("no/zone"), NS),
            "2026-03-14T16:05:30.500+02:00",
            "2026-03-14 16:05:30.500",
        ),
        (
            ns(None, NS),
            "2026-03-14T14:05:30.500",
            "2026-03-14 14:05:30.500",
        ),
        (
            ns(Some("UTC"), 0),
            "1970-01-01T02:00:00+02:00",
            "1970-01-01 02:00:00",
        ),
        (
            ns(Some("UTC"), i64::MIN),
            "1677-09-21T02:12:43.145224192+02:00",
            "1677-09-21 02:12:43.145224192",
        ),
        (
            column(TimestampMicrosecondArray::from(vec![MS * 1000 + 1]).with_timezone("UTC")),
            "2026-03-14T16:05:30.500001+02:00",
            "2026-03-14 16:05:30.500001",
        ),
        (
            column(TimestampMillisecondArray::from(vec![MS]).with_timezone("UTC")),
            "2026-03-14T16:05:30.500+02:00",
            "2026-03-14 16:05:30.500",
        ),
        (
            column(TimestampSecondArray::from(vec![SECOND]).with_timezone("UTC")),
            "2026-03-14T16:05:30+02:00",
            "2026-03-14 16:05:30",
        ),
        (
            column(TimestampSecondArray::from(vec![i64::MAX]).with_timezone("UTC")),
            "9223372036854775807 s since 1970",
            "9223372036854775807 s since 1970",
        ),
        (
            column(Date32Array::from(vec![20_526])),
            "2026-03-14",
            "2026-03-14",
        ),
        (
            column(Date32Array::from(vec![-1])),
            "1969-12-31",
            "1969-12-31",
        ),
        (
            column(Date32Array::from(vec![i32::MIN])),
            "-2147483648 days since 1970",
            "-2147483648 days since 1970",
        ),
        (
            column(Date64Array::from(vec![MS])),
            "2026-03-14",
            "2026-03-14",
        ),
        (
            column(Time32SecondArray::from(vec![50_730])),
            "14:05:30",
            "14:05:30",
        ),
        (
            column(Time32MillisecondArray::from(vec![1])),
            "00:00:00.001",
            "00:00:00.001",
        ),
        (
            column(Time64NanosecondArray::from(vec![1])),
            "00:00:00.000000001",
            "00:00:00.000000001",
        ),
        (
            column(Time64MicrosecondArray::from(vec![-1])),
            "-1 us since midnight",
            "-1 us since midnight",
        ),
    ] {
        let json = format!("\"{text}\"");
        assert_eq!(written(values), [&*json, text, table]);
    }
}

#[test]
fn lengths_of_time_are_written_with_their_units() {
    let interval = IntervalMonthDayNano::new(14, 3, 90_500_000_000);
    for (values, iso, table) in [
        (
            column(DurationSecondArray::from(vec![93_600])),
            "PT26H",
            "26h",
        ),
        (
            column(DurationMillisecondArray::from(vec![1500])),
            "PT1.5S",
            "1.5s",
        ),
        (
            column(DurationMicrosecondArray::from(vec![-1])),
            "-PT0.000001S",
            "-0.000001s",
        ),
        (column(DurationNanosecondArray::from(vec![0])), "PT0S", "0s"),
        (
            column(IntervalYearMonthArray::from(vec![25])),
            "P2Y1M",
            "2y 1mo",
        ),
        (
            column(IntervalDayTimeArray::from(vec![IntervalDayTime::new(
                1, 1500,
            )])),
            "P1DT1.5S",
            "1d 1.5s",
        ),
        (
            column(IntervalMonthDayNanoArray::from(vec![interval])),
            "P1Y2M3DT1M30.5S",
            "1y 2mo 3d 1m 30.5s",
        ),
    ] {
        let json = format!("\"{iso}\"");
        assert_eq!(written(values), [&*json, iso, table]);
    }
}

#[test]
fn nested_values_are_json() {
    let mut list = ListBuilder::new(StringBuilder::new());
    list.append_value([Some("a\"b"), None]);
    let list: ArrayRef = Arc::new(list.finish());
    let user = StructArray::from(vec![
        (
            Arc::new(Field::new("id", DataType::Int64, true)),
            column(Int64Array::from(vec![7])),
        ),
        (
            Arc::new(Field::new("tags", list.data_type().clone(), true)),
            Arc::clone(&list),
        ),
    ]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), UInt8Builder::new());
    map.keys().append_value("a");
    map.values().append_value(1);
    map.keys().append_value("b");
    map.values().append_null();
    map.append(true).unwrap();
    let fixed = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
        [Some([Some(0), None]), Some([Some(1), Some(2)])],
        2,
    );
    for (values, json) in [
        (list, r#"["a\"b",null]"#),
        (column(user), r#"{"id":7,"tags":["a\"b",null]}"#),
        (column(map.finish()), r#"{"a":1,"b":null}"#),
        (column(fixed.slice(1, 1)), "[1,2]"),
    ] {
        let csv = match json.contains([',', '"']) {
            true => format!("\"{}\"", json.replace('"', "\"\"")),
            false => json.to_owned(),
        };
        assert_eq!(written(values), [json, &csv, json]);
    }
}

#[test]
fn a_dictionary_is_its_values() {
    let words: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("b"), Some("a")]
        .into_iter()
        .collect();
    let batch = batch([("word", column(words.slice(1, 3)))]);
    assert_eq!(
        printed(JsonRows::new(&batch.schema(), DisplayZone::utc()), &[batch]),
        "{\"word\":null}\n{\"word\":\"b\"}\n{\"word\":\"a\"}\n"
    );
    let none: DictionaryArray<Int32Type> = [None::<&str>].into_iter().collect();
    assert_eq!(written(column(none)), ["null", "", ""]);
}

#[test]
fn a_type_that_is_not_known_is_shown_as_it_is_debugged() {
    let fields = UnionFields::try_new([0], [Field::new("n", DataType::Int32, true)]).unwrap();
    let children = vec![column(Int32Array::from(vec![5]))];
    let union = UnionArray::try_new(fields, vec![0].into(), None, children).unwrap();
    assert_eq!(
        union.data_type(),
        &DataType::Union(
            UnionFields::try_new([0], [Field::new("n", DataType::Int32, true)]).unwrap(),
            UnionMode::Sparse,
        )
    );
    let [json, csv, table] = written(column(union));
    for text in [json, csv, table] {
        assert!(text.contains("Union") && text.contains('5'), "{text}");
        assert!(!text.contains('\n'));
    }
}

#[test]
fn rows_without_columns_are_empty_objects() {
    let options = RecordBatchOptions::new().with_row_count(Some(2));
    let schema = Arc::new(Schema::new(Fields::empty()));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), vec![], &options).unwrap();
    let json = JsonRows::new(&schema, DisplayZone::utc());
    assert_eq!(printed(json, &[batch]), "{}\n{}\n");
}
