//! What must hold for JSON whatever stands in a log.

use birl_record::format::{Known, Parser};
use birl_record::record::Record;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::Json;
use crate::entry::{Entry, RenderRecord};
use crate::fields::Fields;
use crate::zone::DisplayZone;

/// The line as birl prints its record.
fn printed(line: &[u8], fields: Fields) -> Vec<u8> {
    let json = Known::named("json").unwrap();
    let parser = Parser::forced(json, &[line], 0).unwrap();
    let record = parser.parse(line);
    let mut out = Vec::new();
    Json::new(fields, DisplayZone::utc()).record(&entry(line, &record), &mut out);
    out
}

fn entry<'a>(line: &'a [u8], record: &'a Record<'a>) -> Entry<'a> {
    Entry {
        source: b"app.log",
        offset: 7,
        number: None,
        line,
        record,
        time: None,
        cut: false,
        context: false,
        marks: None,
    }
}

/// Any value; numbers are whole, since others are written in many ways.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "\\PC*".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// A name of a field: one that says nothing to birl, or one of birl's own that no logger uses for
/// anything else.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "x[a-z.]{0,3}",
        "x\\PC{0,3}",
        any::<String>().prop_map(|name| format!("x{name}")),
        prop::sample::select(vec![
            "source",
            "offset",
            "line",
            "fields.source",
            "fields.x"
        ])
        .prop_map(str::to_owned),
    ]
}

/// JSON with spaces where they may be, and with escapes where there need be none.
fn write(value: &Value, dice: &mut impl FnMut() -> u8, out: &mut String) {
    let space = |dice: &mut dyn FnMut() -> u8, out: &mut String| {
        if dice() < 32 {
            out.push_str([" ", "\t", "  "][usize::from(dice()) % 3]);
        }
    };
    match value {
        Value::String(text) => write_string(text, dice, out),
        Value::Array(elements) => {
            out.push('[');
            for (place, element) in elements.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                space(dice, out);
                write(element, dice, out);
                space(dice, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (place, (name, member)) in members.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_string(name, dice, out);
                space(dice, out);
                out.push(':');
                space(dice, out);
                write(member, dice, out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

fn write_string(text: &str, dice: &mut impl FnMut() -> u8, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        let must = char < ' ' || char == '"' || char == '\\';
        if must || dice() < 16 {
            for unit in char.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(char);
        }
    }
    out.push('"');
}

/// What must be printed of an object.
fn expected(object: &Map<String, Value>) -> Value {
    let mut members = Map::new();
    members.insert("source".to_owned(), "app.log".into());
    members.insert("offset".to_owned(), 7.into());
    for (name, value) in object {
        let is_birls = ["source", "offset", "line"].contains(&name.trim_start_matches("fields."));
        let name = match is_birls {
            true => format!("fields.{name}"),
            false => name.clone(),
        };
        members.insert(name, value.clone());
    }
    members.into()
}

proptest! {
    #[test]
    fn a_record_keeps_its_values(
        members in prop::collection::vec((key(), value()), 0..8),
        dice in prop::collection::vec(any::<u8>(), 1..64),
    ) {
        let object: Map<_, _> = members.into_iter().collect();
        let mut at = 0;
        let mut line = String::new();
        let mut dice = || {
            at += 1;
            dice[at % dice.len()]
        };
        write(&object.clone().into(), &mut dice, &mut line);
        let printed = printed(line.as_bytes(), Fields::All);
        let read: Value = serde_json::from_slice(&printed).unwrap();
        prop_assert_eq!(read, expected(&object), "{}", line);
    }

    #[test]
    fn whatever_the_line_an_object_is_printed(
        bytes in prop::collection::vec(prop_oneof![
            4 => prop::sample::select(b"{}[]\",:\\0123-.eu dtfn".to_vec()), 1 => any::<u8>(),
        ], 0..80),
        fields in prop::sample::select(vec!["*", "-a,-b.c", "a,b.c,line"]),
    ) {
        let line = [&br#"{"a":"#[..], &bytes].concat();
        let line: Vec<u8> = line.into_iter().filter(|byte| *byte != b'\n').collect();
        let printed = printed(&line, fields.parse().unwrap());
        let text = String::from_utf8(printed).unwrap();
        prop_assert!(serde_json::from_str::<Value>(&text).unwrap().is_object());
        prop_assert!(text.ends_with('\n') && !text.trim_end().contains(char::is_control));
    }
}

#[test]
fn a_number_stays_as_it_is_written() {
    let line = br#"{"a":1e400,"b":-0.0,"c":9007199254740993,"d":[1.10]}"#;
    let expected =
        r#"{"source":"app.log","offset":7,"a":1e400,"b":-0.0,"c":9007199254740993,"d":[1.10]}"#;
    assert_eq!(
        String::from_utf8(printed(line, Fields::All))
            .unwrap()
            .trim_end(),
        expected
    );
}

#[test]
fn very_many_members_take_no_longer_than_they_should() {
    use std::fmt::Write as _;

    let mut line = String::from("{\"x\":{");
    for number in 0..50_000 {
        write!(line, "\"k{}\":1,", number / 2).unwrap();
    }
    line.push_str("\"end\":1}}");
    let printed = printed(line.as_bytes(), Fields::All);
    let read: Value = serde_json::from_slice(&printed).unwrap();
    assert_eq!(read["x"].as_object().unwrap().len(), 25_001);
}
