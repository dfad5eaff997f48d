//! logfmt and templates.

use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::*;
use arrow_schema::{DataType, Field};
use birl_render::{DisplayZone, LogfmtRows, Template, TemplateError, TemplateRows};
use jiff::tz::{Offset, TimeZone};

use crate::{batch, column, printed};

/// Two rows with values that need care.
fn rows() -> RecordBatch {
    let user = StructArray::from(vec![
        (
            Arc::new(Field::new("name", DataType::Utf8, true)),
            column(StringArray::from(vec!["Ann B", "bo"])),
        ),
        (
            Arc::new(Field::new("id", DataType::Int64, true)),
            column(Int64Array::from(vec![Some(7), None])),
        ),
    ]);
    let mut list = ListBuilder::new(Int64Builder::new());
    list.append_value([Some(1), None]);
    list.append_null();
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    map.keys().append_value("a b");
    map.values().append_value(1);
    map.append(true).unwrap();
    map.append(true).unwrap();
    batch([
        (
            "timestamp",
            column(
                TimestampMillisecondArray::from(vec![1_773_497_130_500, 0]).with_timezone("UTC"),
            ),
        ),
        ("a b=", column(StringViewArray::from(vec!["", "x=1"]))),
        ("ms", column(Float64Array::from(vec![Some(2.0), None]))),
        ("user", column(user)),
        ("list", column(list.finish())),
        ("map", column(map.finish())),
        ("line", column(StringArray::from(vec!["a\x1b[2J\nb", "é"]))),
    ])
}

fn zone() -> DisplayZone {
    DisplayZone::new(TimeZone::fixed(Offset::constant(2)))
}

#[test]
fn logfmt_has_pairs_of_what_is_there() {
    let expected = r#"timestamp=2026-03-14T16:05:30.500+02:00 a_b_="" ms=2.0 user.name="Ann B" user.id=7 list=[1,null] map.a_b=1 line="a\u001b[2J\nb"
timestamp=1970-01-01T02:00:00+02:00 a_b_="x=1" user.name=bo map={} line=é
"#;
    let rows = rows();
    let render = LogfmtRows::new(&rows.schema(), zone());
    assert_eq!(printed(render, &[rows]), expected);
}

fn template(text: &str, harmless: bool) -> Result<TemplateRows, TemplateError> {
    let template = Template::parse(text, zone(), harmless).unwrap();
    TemplateRows::new(template, &rows().schema())
}

#[test]
fn a_template_puts_columns_in_their_places() {
    let render = template(
        "{timestamp:%H:%M} <{ms}> {user.name} {list} {line}|{timestamp}",
        true,
    );
    let expected = "16:05 <2.0> Ann B [1,null] a^[[2J\nb|2026-03-14T16:05:30.500+02:00
02:00 <> bo  é|1970-01-01T02:00:00+02:00
";
    assert_eq!(printed(render.unwrap(), &[rows()]), expected);
    let render = template("{line}", false);
    assert_eq!(printed(render.unwrap(), &[rows()]), "a\x1b[2J\nb\né\n");
}

#[test]
fn a_template_names_columns_that_are_there() {
    for (text, place, message) in [
        (
            "a {servce}",
            "{servce}",
            "no column is called \"servce\"; there are timestamp, a b=, ms, user, list, map, line",
        ),
        (
            "{user.age}",
            "{user.age}",
            "no column is called \"user.age\"; there are timestamp, a b=, ms, user, list, map, line",
        ),
    ] {
        let error = template(text, false).unwrap_err();
        assert_eq!(&text[error.span], place);
        assert_eq!(error.message, message);
    }
    let text = "{timestamp:%H}";
    let other = batch([("timestamp", column(Int64Array::from(vec![1])))]);
    let template = Template::parse(text, zone(), false).unwrap();
    let error = TemplateRows::new(template, &other.schema()).unwrap_err();
    assert_eq!(&text[error.span], text);
    assert_eq!(
        error.message,
        "the column \"timestamp\" has no times, and so no format"
    );
}
