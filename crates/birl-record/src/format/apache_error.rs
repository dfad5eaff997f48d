//! Apache's error log, of versions 2.2 and 2.4.

use std::sync::Arc;

use super::cursor::Cursor;
use super::{Format, Known, Sample, field};
use crate::level::Severity;
use crate::record::{Record, Timestamp};
use crate::time::Shape;
use crate::value::{Text, Value};

pub(super) const KNOWN: Known = Known {
    name: "apache-error",
    about: "Apache's error log",
    samples: &[
        // 2.4
        Sample {
            text: "[Sat Mar 14 14:05:30.123456 2026] [core:error] [pid 31:tid 140001] [client 203.0.113.7:4022] AH00124: Request exceeded the limit of 10 internal redirects",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"error","message":"AH00124: Request exceeded the limit of 10 internal redirects","module":"core","pid":31,"tid":140001,"client":"203.0.113.7:4022"}"#,
        },
        Sample {
            text: "[Sat Mar 14 14:05:30.123456 2026] [mpm_event:notice] [pid 31] AH00489: Apache configured -- resuming normal operations",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"info","message":"AH00489: Apache configured -- resuming normal operations","module":"mpm_event","pid":31}"#,
        },
        Sample {
            text: "[Sat Mar 14 14:05:30.123456 2026] [ssl:warn] [pid 31:tid 9] (70007)The timeout specified has expired: [client 2001:db8::1:4022] AH01225: read failed, referer: https://www.example/",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"warn","message":"(70007)The timeout specified has expired: [client 2001:db8::1:4022] AH01225: read failed, referer: https://www.example/","module":"ssl","pid":31,"tid":9}"#,
        },
        Sample {
            text: "[Sat Mar 14 14:05:30.123456 2026] [:error] [pid 31] [client 203.0.113.7:4022] [client 203.0.113.7] ModSecurity: Warning.",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"error","message":"[client 203.0.113.7] ModSecurity: Warning.","pid":31,"client":"203.0.113.7:4022"}"#,
        },
        Sample {
            text: "[Sat Mar 14 14:05:30.123456 2026] [http:trace3] [pid 31] [remote 203.0.113.7:80] sent",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"trace","message":"sent","module":"http","pid":31,"remote":"203.0.113.7:80"}"#,
        },
        // As `ErrorLogFormat` may have it
        Sample {
            text: "[14/Mar/2026:14:05:30 +0100] [proxy:error] [pid 31] (113)No route to host: AH00957: HTTP: attempt to connect failed",
            record: r#"{"timestamp":"2026-03-14T13:05:30Z","level":"error","message":"(113)No route to host: AH00957: HTTP: attempt to connect failed","module":"proxy","pid":31}"#,
        },
        // 2.2
        Sample {
            text: "[Sat Mar 14 14:05:30 2026] [error] [client 203.0.113.7] File does not exist: /srv/favicon.ico",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"[client 203.0.113.7] File does not exist: /srv/favicon.ico","client":"203.0.113.7"}"#,
        },
        Sample {
            text: "[Sat Mar 14 14:05:30 2026] [notice] caught SIGTERM, shutting down",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"caught SIGTERM, shutting down"}"#,
        },
    ],
    open: |_| {
        let shapes = [Shape::named("ctime")?, Shape::named("apache")?];
        Some(Arc::new(ApacheError { shapes }))
    },
};

/// Apache's error log.
#[derive(Debug)]
struct ApacheError {
    shapes: [Shape; 2],
}

/// What each line begins with.
struct Head<'a> {
    time: Timestamp<'a>,
    module: &'a [u8],
    severity: Severity,
}

impl Format for ApacheError {
    fn name(&self) -> &str {
        KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        self.read(line).is_some()
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let Some((head, mut cursor)) = self.read(text) else {
            return;
        };
        record.timestamp = Some(head.time);
        record.severity = Some(head.severity);
        field::text(record, "module", head.module);
        let rest = cursor.rest();
        for part in PARTS {
            if let Some(inside) = tagged(&mut cursor, part.as_bytes()) {
                push_part(record, part, inside);
            }
        }
        // The head of 2.2 is the time and the level; the client is a part of the message there.
        let is_of_2_2 = head.module.is_empty() && !rest.starts_with(b"[pid ");
        let message = if is_of_2_2 { rest } else { cursor.rest() };
        record.message = Some(Text::plain(message));
    }
}

impl ApacheError {
    fn read<'a>(&self, line: &'a [u8]) -> Option<(Head<'a>, Cursor<'a>)> {
        let mut cursor = Cursor::new(line);
        cursor.skip(b"[")?;
        let time = self
            .shapes
            .iter()
            .find_map(|shape| Some(Timestamp::of_shape(cursor.timestamp_of(*shape)?, *shape)))?;
        cursor.skip(b"] [")?;
        let inside = cursor.until(b']')?;
        cursor.skip_space();
        let (module, level) = match memchr::memchr(b':', inside) {
            Some(colon) => (&inside[..colon], &inside[colon + 1..]),
            None => (&inside[..0], inside),
        };
        let head = Head {
            time,
            module,
            severity: severity(level)?,
        };
        Some((head, cursor))
    }
}

/// What may stand in brackets before the message, in this order.
static PARTS: [&str; 3] = ["pid", "client", "remote"];

/// The levels of Apache are syslog's, and `trace1` to `trace8`.
fn severity(level: &[u8]) -> Option<Severity> {
    match level {
        [b't', b'r', b'a', b'c', b'e', b'1'..=b'8'] => Severity::from_word(b"trace"),
        level => Severity::from_syslog_word(level),
    }
}

/// Takes `[name …] `, and gives what follows the name.
fn tagged<'a>(cursor: &mut Cursor<'a>, name: &[u8]) -> Option<&'a [u8]> {
    let mut after = *cursor;
    let inside = after.between(b'[', b']')?.strip_prefix(name)?;
    let inside = inside.strip_prefix(b" ")?;
    after.skip_space();
    *cursor = after;
    Some(inside)
}

fn push_part<'a>(record: &mut Record<'a>, part: &'static str, inside: &'a [u8]) {
    if part != "pid" {
        record.push(
            Text::plain(part.as_bytes()),
            Value::Text(Text::plain(inside)),
        );
        return;
    }
    match memchr::memmem::find(inside, b":tid ") {
        Some(at) => {
            field::number(record, "pid", &inside[..at]);
            field::number(record, "tid", &inside[at + ":tid ".len()..]);
        }
        None => field::number(record, "pid", inside),
    }
}
