//! syslog as RFC 5424 has it, with structured data.

use std::sync::Arc;

use super::cursor::Cursor;
use super::syslog::{FACILITIES, opening_severity, priority};
use super::{Format, Known, Sample, field};
use crate::level::Severity;
use crate::record::{Record, Timestamp};
use crate::time::Shape;
use crate::value::{Text, Value};

pub(super) const KNOWN: Known = Known {
    name: "syslog-5424",
    about: "syslog (RFC 5424) with structured data, as on the wire and in files",
    samples: &[
        Sample {
            text: "<34>1 2026-03-14T14:05:30.003Z web-1.example su 77 ID47 - \u{feff}'su root' failed for ann",
            record: r#"{"timestamp":"2026-03-14T14:05:30.003Z","level":"error","message":"'su root' failed for ann","facility":"auth","host":"web-1.example","app":"su","pid":77,"msgid":"ID47"}"#,
        },
        Sample {
            text: r#"<165>1 2026-03-14T15:05:30.000003+01:00 192.0.2.1 evntslog - ID47 [shop@32473 order="7" note="a \"b\" \]"][origin ip="192.0.2.7"] paid"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.000003Z","level":"info","message":"paid","facility":"local4","host":"192.0.2.1","app":"evntslog","msgid":"ID47","shop@32473.order":"7","shop@32473.note":"a \"b\" ]","origin.ip":"192.0.2.7"}"#,
        },
        // Nothing is known but the priority; without a message.
        Sample {
            text: "<11>1 - - - - - -",
            record: r#"{"level":"error","facility":"user"}"#,
        },
        Sample {
            text: r#"<13>1 2026-03-14T14:05:30Z web-1 api 7 - [a@1][b@1 c=""]"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","facility":"user","host":"web-1","app":"api","pid":7,"b@1.c":""}"#,
        },
        // As it is framed on a TCP connection (RFC 6587), where nobody has taken the frame away.
        Sample {
            text: "63 <14>1 2026-03-14T14:05:30Z web-1 app web.1 - - starting on 80",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"starting on 80","facility":"user","host":"web-1","app":"app","pid":"web.1"}"#,
        },
        // As rsyslog writes it into a file.
        Sample {
            text: r#"1 2026-03-14T14:05:30.5Z web-1 api 7 - [meta seq="9"] ERROR: no luck"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","level":"error","message":"ERROR: no luck","host":"web-1","app":"api","pid":7,"meta.seq":"9"}"#,
        },
    ],
    open: |_| {
        let shape = Shape::named("iso")?;
        Some(Arc::new(Syslog { shape }))
    },
};

/// Lines of RFC 5424.
#[derive(Debug)]
struct Syslog {
    shape: Shape,
}

/// What stands before the structured data.
struct Head<'a> {
    priority: Option<u8>,
    time: Option<&'a [u8]>,
    host: &'a [u8],
    app: &'a [u8],
    pid: &'a [u8],
    msgid: &'a [u8],
}

impl Format for Syslog {
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
        let time = head.time;
        record.timestamp = time.map(|time| Timestamp::of_shape(time, self.shape));
        if let Some(priority) = head.priority {
            let facility = FACILITIES[usize::from(priority >> 3)];
            field::text(record, "facility", facility.as_bytes());
            record.severity = Severity::from_syslog(priority & 7);
        }
        field::text(record, "host", head.host);
        field::text(record, "app", head.app);
        match head.pid.iter().all(u8::is_ascii_digit) {
            true => field::number(record, "pid", head.pid),
            false => field::text(record, "pid", head.pid),
        }
        field::text(record, "msgid", head.msgid);
        read_data(&mut cursor, record);
        cursor.skip_space();
        let _ = cursor.skip("\u{feff}".as_bytes());
        if !cursor.is_at_end() {
            record.message = Some(Text::plain(cursor.rest()));
            record.severity = record.severity.or_else(|| opening_severity(cursor.rest()));
        }
    }
}

impl Syslog {
    fn read<'a>(&self, line: &'a [u8]) -> Option<(Head<'a>, Cursor<'a>)> {
        let mut cursor = Cursor::new(line);
        skip_octet_count(&mut cursor);
        let priority = priority(&mut cursor);
        cursor.skip(b"1 ")?;
        let time = match cursor.skip(b"-") {
            // Without both there would be nothing to know the line by.
            Some(()) => priority.map(|_| None)?,
            None => Some(cursor.timestamp_of(self.shape)?),
        };
        let mut word = || {
            cursor.skip(b" ")?;
            cursor.word()
        };
        let head = Head {
            priority,
            time,
            host: word()?,
            app: word()?,
            pid: word()?,
            msgid: word()?,
        };
        cursor.skip(b" ")?;
        let has_data = matches!(cursor.rest().first(), Some(b'-' | b'['));
        has_data.then_some((head, cursor))
    }
}

/// Takes the number of bytes that a frame says it has.
fn skip_octet_count(cursor: &mut Cursor<'_>) {
    let mut after = *cursor;
    if after.digits().is_some() && after.skip(b" ").is_some() && after.rest().starts_with(b"<") {
        *cursor = after;
    }
}

/// Takes the structured data: nothing, or elements `[id name="value" …]`.
fn read_data<'a>(cursor: &mut Cursor<'a>, record: &mut Record<'a>) {
    let _ = cursor.skip(b"-");
    while cursor.rest().starts_with(b"[") {
        let mut after = *cursor;
        if read_element(&mut after, record).is_none() {
            return;
        }
        *cursor = after;
    }
}

fn read_element<'a>(cursor: &mut Cursor<'a>, record: &mut Record<'a>) -> Option<()> {
    cursor.skip(b"[")?;
    let element = cursor.rest();
    cursor.take_while(|byte| !matches!(byte, b' ' | b']' | b'"' | b'='))?;
    while cursor.skip(b" ").is_some() {
        cursor.take_while(|byte| !matches!(byte, b' ' | b']' | b'"' | b'='))?;
        let name = &element[..element.len() - cursor.rest().len()];
        cursor.skip(b"=")?;
        let value = cursor.quoted()?;
        record.push(Text::ends(name), Value::Text(Text::shielded(value)));
    }
    cursor.skip(b"]")
}
