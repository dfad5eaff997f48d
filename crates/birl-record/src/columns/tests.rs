//! What becomes of records, checked by hand.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampNanosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use bytes::Bytes;

use super::*;
use crate::chronology::{ChunkTimes, RecordTimes};
use crate::extent::Extents;
use crate::format::Parser;
use crate::query;
use crate::search::{Options, Records};

/// A row for each record of a text.
fn rows(text: &str, columns: Vec<Column>) -> (RecordBatch, Misfits) {
    rows_of(&Bytes::copy_from_slice(text.as_bytes()), columns)
}

fn rows_of(chunk: &Bytes, columns: Vec<Column>) -> (RecordBatch, Misfits) {
    let parser = Parser::detect(&[chunk], 0);
    let places = Extents::new(&parser, chunk, true).into_all().enumerate();
    let times = places.map(|(row, record)| (record.range.start, (row > 0).then_some(row as i64)));
    let times = ChunkTimes::Listed(times.collect());
    let times = RecordTimes::new(times, &parser, chunk, true);
    let records = Records {
        chunk,
        parser: &parser,
        source: b"var/log/app.log",
        offset: 100,
        is_start: true,
        times: Some(&times),
    };
    let projection = Projection::new(columns);
    let mut builder = Builder::new(&projection, chunk, records);
    for record in Extents::new(&parser, chunk, true).into_all() {
        builder.push(record.range);
    }
    builder.finish()
}

/// The values of a column as text, to be compared at a glance.
fn shown(column: &ArrayRef) -> Vec<String> {
    let rows = 0..column.len();
    let show = |row| match column.is_null(row) {
        true => "-".to_owned(),
        false => value(column, row),
    };
    rows.map(show).collect()
}

fn value(column: &ArrayRef, row: usize) -> String {
    if let Some(texts) = column.as_string_view_opt() {
        format!("{:?}", texts.value(row))
    } else if let Some(lists) = column.as_list_opt::<i32>() {
        format!("[{}]", shown(&lists.value(row)).join(" "))
    } else if let Some(ints) = column.as_primitive_opt::<Int64Type>() {
        ints.value(row).to_string()
    } else if let Some(floats) = column.as_primitive_opt::<Float64Type>() {
        format!("{:?}", floats.value(row))
    } else if let Some(times) = column.as_primitive_opt::<TimestampNanosecondType>() {
        format!("{}ns", times.value(row))
    } else {
        column.as_boolean().value(row).to_string()
    }
}

fn column_of(text: &str, name: &str, ty: Type) -> Vec<String> {
    let (batch, _) = rows(text, vec![Column::field(name, ty)]);
    shown(batch.column(0))
}

#[test]
fn the_fixed_columns_say_what_every_record_has() {
    let text = "{\"level\":\"WARN\",\"msg\":\"a \\\"b\\\" c\",\"level2\":1}\n{\"n\":1}\n";
    let all = [
        What::Timestamp,
        What::Level,
        What::Severity,
        What::Message,
        What::Source,
        What::Offset,
        What::Line,
    ];
    let (batch, misfits) = rows(text, all.into_iter().map(Column::fixed).collect());
    let found: Vec<_> = batch.columns().iter().map(shown).collect();
    let lines: Vec<_> = text.lines().map(|line| format!("{line:?}")).collect();
    let expected = [
        ["-", "1ns"],
        ["\"warn\"", "-"],
        ["13", "-"],
        [r#""a \"b\" c""#, "-"],
        ["\"var/log/app.log\"", "\"var/log/app.log\""],
        ["100", "146"],
        [&*lines[0], &*lines[1]],
    ];
    assert_eq!(found, expected);
    let names: Vec<_> = batch
        .schema()
        .fields()
        .iter()
        .map(|it| it.name().clone())
        .collect();
    assert_eq!(names, FIXED);
    assert!(misfits.is_empty());
}

#[test]
fn values_are_of_the_columns_type_or_null_and_counted() {
    let text = concat!(
        "{\"v\":500}\n",
        "{\"v\":5e2}\n",
        "{\"v\":1.5}\n",
        "{\"v\":\"500\"}\n",
        "{\"v\":\"many\"}\n",
        "{\"v\":true}\n",
        "{\"v\":null}\n",
        "{\"w\":1}\n",
        "{\"v\":12345678901234567890}\n",
        "{\"v\":[1,\"x\"]}\n",
        "{\"v\":{\"a\":1}}\n",
    );
    let of = |ty| column_of(text, "v", ty);
    assert_eq!(
        of(Type::Int),
        ["500", "500", "-", "500", "-", "-", "-", "-", "-", "-", "-"]
    );
    let large = "1.2345678901234567e19";
    assert_eq!(
        of(Type::Float),
        [
            "500.0", "500.0", "1.5", "500.0", "-", "-", "-", "-", large, "-", "-"
        ]
    );
    assert_eq!(
        of(Type::Bool),
        ["-", "-", "-", "-", "-", "true", "-", "-", "-", "-", "-"]
    );
    assert_eq!(
        of(Type::Text),
        [
            "\"500\"",
            "\"5e2\"",
            "\"1.5\"",
            "\"500\"",
            "\"many\"",
            "\"true\"",
            "-",
            "-",
            "\"12345678901234567890\"",
            r#""[1,\"x\"]""#,
            r#""{\"a\":1}""#,
        ]
    );
    let ints = Type::List(Box::new(Type::Int));
    let nothing = ["-"; 9];
    assert_eq!(of(ints), [&nothing[..], &["[1 -]", "-"]].concat());

    let (_, misfits) = rows(text, vec![Column::field("v", Type::Int)]);
    let expected = Misfit {
        count: 6,
        numbers: 2,
        value: "1.5".to_owned(),
        source: "var/log/app.log".to_owned(),
        offset: 120,
    };
    assert_eq!(misfits.iter().collect::<Vec<_>>(), [("v", &expected)]);
}

#[test]
fn numbers_of_formats_without_types_are_numbers() {
    let text = "level=info status=500 took=1.5 ok=true\nlevel=info status=x took=2 ok=no\n";
    let (status, took) = ("status", "took");
    assert_eq!(column_of(text, status, Type::Int), ["500", "-"]);
    assert_eq!(column_of(text, took, Type::Float), ["1.5", "2.0"]);
    assert_eq!(column_of(text, "ok", Type::Bool), ["true", "-"]);
    assert_eq!(column_of(text, "ok", Type::Text), ["\"true\"", "\"no\""]);
}

#[test]
fn paths_lead_into_objects_and_messages() {
    let text = concat!(
        "{\"request\":{\"status\":500},\"request.status\":404}\n",
        "{\"request.status\":404,\"msg\":\"n=5\"}\n",
    );
    assert_eq!(column_of(text, "request.status", Type::Int), ["500", "404"]);
    // As for a search, the message of an object is no place for fields.
    assert_eq!(column_of(text, "n", Type::Int), ["-", "-"]);
    let text = "2026-03-14 14:05:30 INFO took=7 {\"n\":5}\n";
    assert_eq!(column_of(text, "n", Type::Int), ["5"]);
    assert_eq!(column_of(text, "took", Type::Int), ["7"]);
}

#[test]
fn a_field_with_one_of_birls_names_has_another() {
    let text = "{\"level\":\"info\",\"source\":\"db\",\"offset\":7}\n";
    let names = ["fields.level", "fields.source", "fields.offset"];
    let columns = names.map(|name| Column::field(name, Type::Text));
    let (batch, _) = rows(text, columns.to_vec());
    let found: Vec<_> = batch.columns().iter().map(shown).collect();
    assert_eq!(found, [["\"info\""], ["\"db\""], ["\"7\""]]);
}

#[test]
fn a_search_is_a_column_of_its_own() {
    let text = "{\"level\":\"error\",\"n\":1}\n{\"level\":\"info\",\"n\":2}\n{\"n\":3}\n";
    let search = |query| {
        let term = query::parse_search(query).unwrap();
        What::Match(Arc::new(Search::new(&term, Options::default()).unwrap()))
    };
    let column = |query| Column::new(query, search(query), Type::Bool);
    let columns = ["level:error", "-n:2", "n:>1"].map(column).to_vec();
    let (batch, _) = rows(text, columns);
    let found: Vec<_> = batch.columns().iter().map(shown).collect();
    let expected = [
        ["true", "false", "false"],
        ["true", "false", "true"],
        ["false", "true", "true"],
    ];
    assert_eq!(found, expected);
}

#[test]
fn without_columns_there_are_rows() {
    let (batch, _) = rows("a\nb\nc\n", Vec::new());
    assert_eq!((batch.num_columns(), batch.num_rows()), (0, 3));
}

#[test]
fn texts_are_views_into_the_chunk_that_they_fill() {
    let long = "a text that fits into no view";
    let text = format!("{{\"v\":\"{long}\"}}\n").repeat(3);
    let chunk = Bytes::from(text);
    let (batch, _) = rows_of(&chunk, vec![Column::field("v", Type::Text)]);
    let texts = batch.column(0).as_string_view();
    assert_eq!(texts.value(0), long);
    let is_within = |part: &[u8]| chunk.as_ptr_range().contains(&part.as_ptr());
    assert!(is_within(texts.value(2).as_bytes()));

    // Of a chunk that holds much else, they are copies.
    let text = format!("{{\"v\":\"{long}\",\"w\":\"{}\"}}\n", "x".repeat(100)).repeat(3);
    let chunk = Bytes::from(text);
    let (batch, _) = rows_of(&chunk, vec![Column::field("v", Type::Text)]);
    let texts = batch.column(0).as_string_view();
    assert_eq!(texts.value(2), long);
    assert!(!chunk.as_ptr_range().contains(&texts.value(2).as_ptr()));
    assert_eq!(texts.data_buffers()[0].len(), 3 * long.len());
}

#[test]
fn what_is_no_utf_8_is_made_valid() {
    let chunk = Bytes::from_static(
        b"{\"v\":\"a\xff\"}\n{\"v\":\"caf\xc3\xa9 and more than a view holds\"}\n{}\n{\"v\":\"\xe2\x82 and more than a view holds\"}\n{\"v\":\"escaped \\u00e9 and more than that\"}\n",
    );
    let (batch, _) = rows_of(&chunk, vec![Column::field("v", Type::Text)]);
    let expected = [
        "\"a\u{fffd}\"",
        "\"café and more than a view holds\"",
        "-",
        "\"\u{fffd} and more than a view holds\"",
        "\"escaped é and more than that\"",
    ];
    assert_eq!(shown(batch.column(0)), expected);
}

#[test]
fn a_slice_is_freed_of_the_rest() {
    let text = format!("{{\"v\":\"{}\"}}\n", "x".repeat(100)).repeat(10);
    let (batch, _) = rows(&text, vec![Column::field("v", Type::Text)]);
    let one = compacted(&batch.slice(3, 1));
    let texts = one.column(0).as_string_view();
    assert_eq!(texts.value(0), "x".repeat(100));
    assert_eq!(texts.data_buffers()[0].len(), 100);
}

/// The fields of a text's records.
fn fields(text: &str) -> Fields {
    let parser = Parser::detect(&[text.as_bytes()], 0);
    let mut fields = Fields::default();
    for record in Extents::new(&parser, text.as_bytes(), true).into_all() {
        fields.observe(&parser, &text.as_bytes()[record.range]);
    }
    fields
}

#[test]
fn fields_have_the_type_that_all_samples_fit() {
    let fields = fields(concat!(
        "{\"i\":1,\"f\":1,\"b\":true,\"t\":\"500\",\"mixed\":1,\"l\":[1],\"z\":null,\"big\":1}\n",
        "{\"i\":-2,\"f\":1.5,\"b\":null,\"t\":\"x\",\"mixed\":true,\"l\":[2.5,null],\"z\":null}\n",
        "{\"i\":null,\"o\":{\"a\":1,\"p\":{\"q\":\"x\"}},\"l\":[],\"big\":12345678901234567890}\n",
        "{\"i\":3,\"i\":\"x\",\"level\":\"info\",\"source\":\"db\",\"fields.line\":1}\n",
    ));
    let found: Vec<_> = fields.iter().collect();
    let expected = [
        ("i", Type::Int),
        ("f", Type::Float),
        ("b", Type::Bool),
        ("t", Type::Text),
        ("mixed", Type::Text),
        ("l", Type::List(Box::new(Type::Float))),
        ("z", Type::Text),
        ("big", Type::Text),
        ("o", Type::Text),
        ("fields.source", Type::Text),
        ("fields.fields.line", Type::Int),
    ];
    assert_eq!(found, expected);
    assert_eq!(fields.get("o.a"), Some(Type::Int));
    assert_eq!(fields.get("o.p.q"), Some(Type::Text));
    assert_eq!(fields.get("fields.level"), Some(Type::Text));
    assert_eq!(fields.get("p.q"), None);
    assert_eq!(fields.records(), 4);
}

#[test]
fn fields_of_formats_without_types_are_what_they_read_like() {
    let fields = fields(concat!(
        "level=info msg=up status=200 took=1.5 ok=true\n",
        "level=info msg=up status=404 took=2 ok=false\n",
    ));
    let found: Vec<_> = fields.iter().collect();
    let expected = [
        ("status", Type::Int),
        ("took", Type::Float),
        ("ok", Type::Bool),
    ];
    assert_eq!(found, expected);
}

#[test]
fn fields_within_messages_are_known_where_they_are_found() {
    let plain = fields("2026-03-14 14:05:30 INFO user=ann took=7 {\"n\":1.5}\n");
    assert_eq!(plain.iter().count(), 0);
    let names = ["user", "took", "n"].map(|name| plain.get(name));
    assert_eq!(names, [Type::Text, Type::Int, Type::Float].map(Some));
    let json = fields("{\"msg\":\"user=ann\"}\n");
    assert_eq!(json.get("user"), None);
}
