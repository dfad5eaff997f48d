//! logfmt: `key=value` pairs, and nothing else.

use std::sync::Arc;

use super::{Format, Known, Lines, Place, Sample, SeverityPlace};
use crate::level::Severity;
use crate::logfmt::{self, Pairs};
use crate::record::{Record, Timestamp};
use crate::value::{Text, Value};

pub(super) const KNOWN: Known = Known {
    name: "logfmt",
    about: "key=value pairs: logrus, go-kit, Heroku, Grafana, slog's text handler",
    samples: &[
        Sample {
            text: r#"ts=2026-03-14T14:05:30.5Z level=warn msg="a \"b\"" n=3 ok=true path=/x?y=1 empty="#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","level":"warn","message":"a \"b\"","n":"3","ok":"true","path":"/x?y=1","empty":""}"#,
        },
        Sample {
            text: r#"time="2026-03-14T14:05:30Z" level=fatal msg=down"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"fatal","message":"down"}"#,
        },
        // FortiGate
        Sample {
            text: r#"date=2026-03-14 time=14:05:30 devname="fw-1" type="traffic" level="warning" msg="no luck""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"no luck","devname":"fw-1","type":"traffic"}"#,
        },
    ],
    open: |_| Some(Arc::new(Logfmt)),
};

/// `key=value` pairs.
#[derive(Debug)]
struct Logfmt;

impl Format for Logfmt {
    fn name(&self) -> &str {
        KNOWN.name
    }

    /// With two pairs at least, and nothing between pairs.
    fn begins(&self, line: &[u8]) -> bool {
        let mut end = 0;
        let mut count = 0;
        let mut pairs = Pairs::of(line);
        while let Some((start, ..)) = pairs.next() {
            if !line[end..start].trim_ascii().is_empty() {
                return false;
            }
            end = pairs.at();
            count += 1;
        }
        count >= 2 && line[end..].trim_ascii().is_empty()
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    fn place(&self, _path: &[u8]) -> Place {
        Place::Named
    }

    fn severity_place(&self) -> SeverityPlace {
        SeverityPlace::Words
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let mut pairs = Pairs::of(text);
        let mut date = None;
        while let Some((start, name, value)) = pairs.next() {
            let both = match (date, name.raw()) {
                (Some(date), b"time") => date_and_time(&text[date..pairs.at()]),
                _ => None,
            };
            if let (Some(both), Some(date)) = (both, record.fields.last_mut()) {
                date.feeds = true;
                record.timestamp = Some(both);
            }
            date = name.is(b"date").then_some(start + b"date=".len());
            match both.is_some() || feed(name, value, record) {
                true => record.push_feeding(name, value),
                false => record.push(name, value),
            }
        }
    }

    fn get<'a>(&'a self, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        logfmt::get(text, path)
    }

    fn get_of<'a>(&'a self, _: &Record<'a>, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        self.get(text, path)
    }
}

/// A timestamp of which the date and the time are fields of their own: `2026-03-14 time=14:05:30`.
fn date_and_time(text: &[u8]) -> Option<Timestamp<'_>> {
    let timestamp = Timestamp::of_any(text);
    timestamp.shape().map(|_| timestamp)
}

/// Whether pairs say how bad it is.
pub(super) fn has_level(text: &[u8]) -> bool {
    logfmt::get(text, b"level")
        .or_else(|| logfmt::get(text, b"lvl"))
        .is_some()
}

/// Lets a pair feed what has not been fed yet; whether it did.
fn feed<'a>(name: Text<'a>, value: Value<'a>, record: &mut Record<'a>) -> bool {
    let text = match value {
        Value::Text(text) => text,
        Value::Bare(written) => Text::plain(written),
        _ => return false,
    };
    match name.raw() {
        b"ts" | b"time" | b"timestamp" | b"t" | b"at" if record.timestamp.is_none() => {
            let is_long = text.raw().len() >= 8 && !text.has_escapes();
            record.timestamp = is_long.then(|| Timestamp::of_any(text.raw()));
            is_long
        }
        b"level" | b"lvl" | b"severity" | b"at" if record.severity.is_none() => {
            record.severity = Severity::from_spelling(text.raw());
            record.severity.is_some()
        }
        b"msg" | b"message" if record.message.is_none() => {
            record.message = Some(text);
            true
        }
        _ => false,
    }
}
