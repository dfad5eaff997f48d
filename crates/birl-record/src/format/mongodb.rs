//! MongoDB's log: JSON since 4.4, and the lines of text before.

use std::sync::Arc;

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Format, Known, Lines, Place, Sample};
use crate::json::{self, Members};
use crate::level::Severity;
use crate::record::{Record, Timestamp};
use crate::value::Value;

pub(super) const KNOWN: Known = Known {
    name: "mongodb",
    about: "MongoDB since 4.4, which writes JSON",
    samples: &[
        Sample {
            text: r#"{"t":{"$date":"2026-03-14T14:05:30.250+00:00"},"s":"W","c":"NETWORK","id":22943,"ctx":"conn7","svc":"S","msg":"Slow \"query\"","attr":{"ms":250,"ns":"shop.cart"}}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"warn","message":"Slow \"query\"","c":"NETWORK","id":22943,"ctx":"conn7","svc":"S","attr":{"ms":250,"ns":"shop.cart"}}"#,
        },
        Sample {
            text: r#"{"t":{"$date":"2026-03-14T15:05:30.250+01:00"},"s":"D1", "c":"REPL","id":1,"ctx":"main","msg":"up"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"debug","message":"up","c":"REPL","id":1,"ctx":"main"}"#,
        },
    ],
    open: |_| Some(Arc::new(MongoDb)),
};

pub(super) const TEXT: Known = Known {
    name: "mongodb-text",
    about: "MongoDB before 4.4",
    samples: &[
        Sample {
            text: "2026-03-14T14:05:30.250+0100 I  NETWORK  [conn7] end connection 203.0.113.7:5000",
            record: r#"{"timestamp":"2026-03-14T13:05:30.25Z","level":"info","message":"end connection 203.0.113.7:5000","component":"NETWORK","context":"conn7"}"#,
        },
        Sample {
            text: "2026-03-14T14:05:30.250+0000 D2 -        [main] up",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"debug","message":"up","context":"main"}"#,
        },
    ],
    open: |_| TEXT_STYLE.open(TEXT.name),
};

static TEXT_STYLE: Style = Style {
    lines: Lines::Several,
    severity,
    parts: &[],
    layouts: &[Layout {
        shapes: &["iso"],
        head: &[
            Time,
            Is(" "),
            Level,
            Maybe(&[OneOf(b"12345")]),
            Space,
            Token("component", b"[:"),
            Space,
            Within("context", b'[', b']'),
            Space,
        ],
        message: whole,
    }],
};

/// The letter of a level; behind the one for debug stands how fine it is.
fn severity(letter: &[u8]) -> Option<Severity> {
    match letter {
        b"F" | b"E" | b"W" | b"I" | b"D" => Severity::from_word(letter),
        _ => None,
    }
}

/// Objects with the time as an object of its own.
#[derive(Debug)]
struct MongoDb;

impl Format for MongoDb {
    fn name(&self) -> &str {
        KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        line.starts_with(br#"{"t":{"$date":""#)
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    fn place(&self, _path: &[u8]) -> Place {
        Place::Named
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        for (name, value) in Members::of(text) {
            let feeds = match (name.raw(), value) {
                (b"t", Value::Object(time)) => {
                    record.timestamp = date(time);
                    record.timestamp.is_some()
                }
                (b"s", Value::Text(level)) => {
                    record.severity = level.raw().get(..1).and_then(severity);
                    record.severity.is_some()
                }
                (b"msg", Value::Text(message)) => {
                    record.message = Some(message);
                    true
                }
                _ => false,
            };
            match feeds {
                true => record.push_feeding(name, value),
                false => record.push(name, value),
            }
        }
    }

    fn get<'a>(&'a self, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        json::get(text, path)
    }

    fn get_of<'a>(&'a self, _: &Record<'a>, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        self.get(text, path)
    }
}

/// `{"$date":"2026-03-14T14:05:30.250+00:00"}`
fn date(time: &[u8]) -> Option<Timestamp<'_>> {
    match json::get(time, b"$date")? {
        Value::Text(text) if !text.has_escapes() => Some(Timestamp::of_any(text.raw())),
        _ => None,
    }
}
