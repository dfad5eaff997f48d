//! JSON, an object a line or [otherwise spread](super::json_spread), in the dialects of all loggers.

use std::sync::Arc;

use super::json_pick::JsonPicker;
use super::json_read::JsonReader;
use super::{Format, Known, Lines, Pick, Place, Read, Sample, SeverityPlace, Wanted, json_spread};
use crate::json::{self, Members};
use crate::level::Severity;
use crate::record::{Record, Timestamp};
use crate::time::Shape;
use crate::value::{Text, Value};

pub(super) const KNOWN: Known = Known {
    name: "json",
    about: "JSON, objects in lines, over lines, or in a list: pino, bunyan, zap, slog, Serilog, ECS, OpenTelemetry, journald",
    samples: &[
        // zap
        Sample {
            text: r#"{"level":"error","ts":1773497130.5,"caller":"a/b.go:7","msg":"no \"luck\"","n":1e3}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","level":"error","message":"no \"luck\"","caller":"a/b.go:7","n":1e3}"#,
        },
        // pino
        Sample {
            text: r#"{"level":40,"time":1773497130500,"pid":7,"hostname":"a","req":{"id":1,"ok":true},"msg":"slow"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","level":"warn","message":"slow","pid":7,"hostname":"a","req":{"id":1,"ok":true}}"#,
        },
        // log4j2, and Google's libraries
        Sample {
            text: r#"{"instant":{"epochSecond":1773497130,"nanoOfSecond":500000000},"thread":"main","level":"WARN","message":"late"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","level":"warn","message":"late","instant":{"epochSecond":1773497130,"nanoOfSecond":500000000},"thread":"main"}"#,
        },
        Sample {
            text: r#"{"severity":"NOTICE","timestamp":{"seconds":1773497130},"message":"up"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"up"}"#,
        },
        // slog, with a level between those that have names
        Sample {
            text: r#"{"time":"2026-03-14T14:05:30.5Z","level":"ERROR+2","msg":"no"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","level":"error","message":"no"}"#,
        },
        // bunyan
        Sample {
            text: r#"{"name":"api","hostname":"a","pid":7,"level":50,"msg":"down","time":"2026-03-14T14:05:30.500Z","v":0}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","level":"error","message":"down","name":"api","hostname":"a","pid":7,"v":0}"#,
        },
        // ECS
        Sample {
            text: r#"{"@timestamp":"2026-03-14T14:05:30.500Z","log.level":"WARN","message":"late","ecs.version":"1.2.0"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","level":"warn","message":"late","ecs.version":"1.2.0"}"#,
        },
        Sample {
            text: r#"{"@timestamp":"2026-03-14T14:05:30.500Z","log":{"level":"warn","logger":"a"},"message":"late"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","level":"warn","message":"late","log":{"level":"warn","logger":"a"}}"#,
        },
        // OpenTelemetry's file exporter, a record a line
        Sample {
            text: r#"{"timeUnixNano":"1773497130500000000","severityNumber":18,"severityText":"Error2","body":{"stringValue":"down"},"attributes":[]}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","level":"error","message":"down","severityText":"Error2","attributes":[]}"#,
        },
        // journalctl -o json
        Sample {
            text: r#"{"__REALTIME_TIMESTAMP":"1773497130500000","PRIORITY":"4","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"refused"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","level":"warn","message":"refused","SYSLOG_IDENTIFIER":"sshd"}"#,
        },
        // Serilog
        Sample {
            text: r#"{"@t":"2026-03-14T14:05:30.5000000Z","@mt":"{Name} left","@l":"Warning","Name":"ann"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","level":"warn","message":"{Name} left","Name":"ann"}"#,
        },
        // CloudFlare
        Sample {
            text: r#"{"EdgeStartTimestamp":"2026-03-14T14:05:30Z","ClientRequestURI":"/a","EdgeResponseStatus":503}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","ClientRequestURI":"/a","EdgeResponseStatus":503}"#,
        },
        // Kubernetes' audit
        Sample {
            text: r#"{"kind":"Event","level":"Request","verb":"get","requestReceivedTimestamp":"2026-03-14T14:05:30.500000Z","stageTimestamp":"2026-03-14T14:05:31.500000Z"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","level":"Request","kind":"Event","verb":"get","stageTimestamp":"2026-03-14T14:05:31.500000Z"}"#,
        },
        // jq
        Sample {
            text: "{\n  \"level\": \"info\",\n  \"msg\": \"up\"\n}\n{\n  \"time\": \"2026-03-14T14:05:30Z\",\n  \"level\": \"error\",\n  \"msg\": \"no luck\",\n  \"tries\": [\n    {\n      \"n\": 1\n    },\n    {\n      \"n\": 2\n    }\n  ]\n}",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"no luck","tries":[{"n":1},{"n":2}]}"#,
        },
        // A list of objects
        Sample {
            text: "[\n  {\n    \"time\": \"2026-03-14T14:05:30Z\",\n    \"msg\": \"up\"\n  },\n  {\n    \"time\": \"2026-03-14T14:05:30Z\",\n    \"level\": \"error\",\n    \"req\": {\n      \"id\": 7\n    }\n  }\n]",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","req":{"id":7}}"#,
        },
        Sample {
            text: "[{\"ts\":1773497129,\"msg\":\"up\"},\n {\"ts\":1773497130,\"msg\":\"down\"}]",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"down"}"#,
        },
        // kubectl get events -o json
        Sample {
            text: "{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n        {\n            \"count\": 3,\n            \"eventTime\": null,\n            \"lastTimestamp\": \"2026-03-14T14:05:30Z\",\n            \"message\": \"Back-off\",\n            \"metadata\": {\n                \"name\": \"web-1\"\n            },\n            \"type\": \"Warning\"\n        }\n    ],\n    \"kind\": \"List\"\n}",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"Back-off","count":3,"eventTime":null,"metadata":{"name":"web-1"}}"#,
        },
    ],
    open: |lines| Some(json_spread::open(lines).unwrap_or_else(|| Arc::new(Json))),
};

/// JSON, an object a line.
#[derive(Debug)]
struct Json;

impl Format for Json {
    fn name(&self) -> &str {
        KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        begins_object(line)
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    fn place(&self, _path: &[u8]) -> Place {
        Place::Named
    }

    fn severity_place(&self) -> SeverityPlace {
        SeverityPlace::JsonKeys
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        parse_object(text, record);
    }

    fn get<'a>(&'a self, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        json::get(text, path)
    }

    fn get_of<'a>(&'a self, _: &Record<'a>, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        self.get(text, path)
    }

    fn picker(&self, wanted: &Wanted) -> Option<Box<dyn Pick>> {
        Some(Box::new(JsonPicker::new(wanted)))
    }

    fn reader(&self) -> Option<Box<dyn Read>> {
        Some(Box::new(JsonReader::new()))
    }

    fn opening(&self) -> Option<&'static [u8]> {
        Some(b"{\"")
    }

    fn timestamp<'a>(&'a self, text: &'a [u8]) -> Option<Timestamp<'a>> {
        let mut time = Best::new(&TIME_KEYS);
        for (name, value) in Members::of(text) {
            if let Some(rank) = time.rank(name.raw())
                && let Some(found) = timestamp(value)
            {
                time.offer(rank, 0, found);
            }
        }
        time.found.map(|(_, _, found)| found.what)
    }
}

/// Whether a text begins with an object, and not only with its bracket.
pub(super) fn begins_object(text: &[u8]) -> bool {
    let Some(inside) = text.trim_ascii_start().strip_prefix(b"{") else {
        return false;
    };
    let inside = inside.trim_ascii_start();
    // What stands in a string has a backslash before its quotes.
    matches!(inside.first(), Some(b'"' | b'}')) || inside.starts_with(b"\\\"")
}

/// Reads an object, and finds out by the names of its fields what they feed.
pub(super) fn parse_object<'a>(text: &'a [u8], record: &mut Record<'a>) {
    let mut time = Best::new(&TIME_KEYS);
    let mut level = Best::new(&LEVEL_KEYS);
    let mut message = Best::new(&MESSAGE_KEYS);
    let mut members = Members::of(text);
    for (name, value) in members.by_ref() {
        let place = record.fields.len();
        record.push(name, value);
        let name = name.raw();
        if !may_feed(name) {
            continue;
        }
        if let Some(rank) = time.rank(name)
            && let Some(found) = timestamp(value)
        {
            time.offer(rank, place, found);
        } else if let Some(rank) = level.rank(name)
            && let Some(found) = severity(name, value)
        {
            level.offer(rank, place, found);
        } else if let Some(rank) = message.rank(name)
            && let Some(found) = words(value)
        {
            message.offer(rank, place, found);
        }
    }
    record.is_broken = is_broken(&members);
    record.timestamp = time.take(record);
    record.severity = level.take(record);
    record.message = message.take(record);
}

/// Whether an object, of which all members have been taken, went wrong somewhere.
pub(super) fn is_broken(members: &Members<'_>) -> bool {
    // Behind an object in a list there may be what goes on with the list, or ends it.
    let is_outside = |rest: &[u8]| rest.iter().all(|byte| b",]} \t\r\n".contains(byte));
    !members.rest().is_some_and(is_outside)
}

/// The keys of timestamps, the likeliest first.
pub(super) const TIME_KEYS: [&str; 22] = [
    "@timestamp",
    "timestamp",
    "time",
    "ts",
    "@t",
    "datetime",
    "instant",
    "date_time",
    "eventtime",
    "asctime",
    "timeunixnano",
    "__realtime_timestamp",
    "edgestarttimestamp",
    "observedtimeunixnano",
    "lasttimestamp",
    "requestreceivedtimestamp",
    "timestamp_ns",
    "t",
    "date",
    "created_at",
    "event_time",
    "creationtime",
];

/// The keys of levels, the likeliest first. Whether a record has one is also told by
/// `search/level_key.rs`.
pub(crate) const LEVEL_KEYS: [&str; 17] = [
    "level",
    "severity",
    "lvl",
    "log.level",
    "levelname",
    "severitynumber",
    "severity_number",
    "severitytext",
    "severity_text",
    "loglevel",
    "log_level",
    "level_name",
    "@l",
    "l",
    "priority",
    "log",
    "type",
];

pub(super) const MESSAGE_KEYS: [&str; 11] = [
    "message",
    "msg",
    "@m",
    "@mt",
    "renderedmessage",
    "messagetemplate",
    "body",
    "textpayload",
    "short_message",
    "event",
    "log",
];

/// Whether a key could be one that says when it was, how bad it is, or what happened. Most are not.
pub(super) fn may_feed(name: &[u8]) -> bool {
    let lengths = name
        .first()
        .map_or(0, |first| KEY_LENGTHS[usize::from(*first)]);
    name.len() < 32 && lengths >> name.len() & 1 == 1
}

/// How long the keys are that begin with a byte, in any case: a bit for each length.
static KEY_LENGTHS: [u32; 256] = {
    let lists: [&[&str]; 3] = [&TIME_KEYS, &LEVEL_KEYS, &MESSAGE_KEYS];
    let mut lengths = [0; 256];
    let mut list = 0;
    while list < lists.len() {
        let mut at = 0;
        while at < lists[list].len() {
            let key = lists[list][at].as_bytes();
            let first = key[0];
            lengths[first.to_ascii_lowercase() as usize] |= 1 << key.len();
            lengths[first.to_ascii_uppercase() as usize] |= 1 << key.len();
            at += 1;
        }
        list += 1;
    }
    lengths
};

/// The best of what was found for one purpose.
struct Best<T> {
    keys: &'static [&'static str],
    found: Option<(usize, usize, Found<T>)>,
}

/// What was found, and whether its field says no more.
pub(crate) struct Found<T> {
    pub(crate) what: T,
    pub(super) whole: bool,
}

impl<T> Best<T> {
    fn new(keys: &'static [&'static str]) -> Self {
        Self { keys, found: None }
    }

    /// The place of a key among those that are known; `None` where one as good has been found.
    fn rank(&self, name: &[u8]) -> Option<usize> {
        let least = self
            .found
            .as_ref()
            .map_or(self.keys.len(), |(rank, ..)| *rank);
        rank(&self.keys[..least], name)
    }

    fn offer(&mut self, rank: usize, place: usize, found: Found<T>) {
        self.found = Some((rank, place, found));
    }

    fn take(self, record: &mut Record<'_>) -> Option<T> {
        let (_, place, found) = self.found?;
        record.fields[place].feeds = found.whole;
        Some(found.what)
    }
}

/// The place of a key among those that are known, the likeliest first.
pub(super) fn rank(keys: &[&str], name: &[u8]) -> Option<usize> {
    let mut keys = keys.iter();
    keys.position(|key| key.as_bytes().eq_ignore_ascii_case(name))
}

/// A timestamp, if the value is long enough to be one: `"time":"12ms"` is a duration.
pub(super) fn timestamp(value: Value<'_>) -> Option<Found<Timestamp<'_>>> {
    let text = match value {
        Value::Number(written) if written.len() >= 9 => written,
        Value::Text(text) if text.raw().len() >= 8 && !text.has_escapes() => text.raw(),
        Value::Object(object) => {
            return parted_timestamp(object).map(|what| Found { what, whole: false });
        }
        _ => return None,
    };
    Some(Found {
        what: Timestamp::of_any(text),
        whole: true,
    })
}

/// The seconds since 1970 that an object has, with the nanoseconds if they follow.
fn parted_timestamp(object: &[u8]) -> Option<Timestamp<'_>> {
    let seconds = ["epochSecond", "seconds"];
    let seconds = seconds
        .iter()
        .find_map(|key| json::get(object, key.as_bytes()))?;
    let Value::Number(seconds) = seconds else {
        return None;
    };
    let shape = Shape::named("epoch-parts")?;
    let start = seconds.as_ptr().addr() - object.as_ptr().addr();
    match shape.taken(&object[start..]) {
        Some(taken) => Some(Timestamp::of_shape(&object[start..start + taken], shape)),
        None => (seconds.len() >= 9).then(|| Timestamp::of_any(seconds)),
    }
}

/// How bad it is, in a field of this name.
pub(crate) fn severity(name: &[u8], value: Value<'_>) -> Option<Found<Severity>> {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    let whole = |what| Found { what, whole: true };
    match value {
        Value::Number(written) => {
            let number: u8 = std::str::from_utf8(written).ok()?.parse().ok()?;
            let severity = match is("severitynumber") || is("severity_number") {
                true => Severity::from_number(number),
                false => Severity::from_level_number(number.into()),
            };
            severity.map(whole)
        }
        Value::Text(text) if is("priority") => {
            let syslogs = match text.raw() {
                [digit @ b'0'..=b'7'] => Severity::from_syslog(digit - b'0'),
                word => Severity::from_word(word),
            };
            syslogs.map(whole)
        }
        Value::Text(text) => Severity::from_spelling(text.raw().trim_ascii()).map(whole),
        // ECS: {"log":{"level":"warn"}}
        Value::Object(object) if is("log") => match json::get(object, b"level")? {
            Value::Text(text) => {
                Severity::from_word(text.raw()).map(|what| Found { what, whole: false })
            }
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn words(value: Value<'_>) -> Option<Found<Text<'_>>> {
    match value {
        Value::Text(what) => Some(Found { what, whole: true }),
        // OpenTelemetry: {"body":{"stringValue":"down"}}
        Value::Object(object) => {
            let mut members = Members::of(object);
            match (members.next()?, members.next()) {
                ((name, Value::Text(what)), None) if name.is(b"stringValue") => {
                    Some(Found { what, whole: true })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_that_is_known_is_passed_over() {
        for key in TIME_KEYS.iter().chain(&LEVEL_KEYS).chain(&MESSAGE_KEYS) {
            assert!(may_feed(key.as_bytes()), "{key}");
            assert!(may_feed(key.to_ascii_uppercase().as_bytes()), "{key}");
        }
        for key in ["", "user", "x".repeat(40).as_str()] {
            assert!(!may_feed(key.as_bytes()), "{key}");
        }
    }
}
