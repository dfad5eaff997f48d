//! The Linux audit daemon's log: what happened, when, and as pairs how.

use std::sync::Arc;

use super::cursor::Cursor;
use super::parser::first_line;
use super::{Format, Known, Lines, Sample, field};
use crate::logfmt::Pairs;
use crate::record::{Record, Timestamp};
use crate::time::Shape;
use crate::value::Text;

pub(super) const KNOWN: Known = Known {
    name: "auditd",
    about: "the Linux audit daemon",
    samples: &[
        Sample {
            text: r#"type=SYSCALL msg=audit(1773497130.250:4072): arch=c000003e success=no exit=-13 comm="cat" key=(null)"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","message":"arch=c000003e success=no exit=-13 comm=\"cat\" key=(null)","type":"SYSCALL","id":4072,"arch":"c000003e","success":"no","exit":"-13","comm":"cat","key":"(null)"}"#,
        },
        Sample {
            text: r#"node=web-1 type=USER_LOGIN msg=audit(1773497130.250:7): pid=12 msg='op=login acct="ann" res=failed'"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","message":"pid=12 msg='op=login acct=\"ann\" res=failed'","node":"web-1","type":"USER_LOGIN","id":7,"pid":"12","op":"login","acct":"ann","res":"failed"}"#,
        },
    ],
    open: |_| {
        let shape = Shape::named("epoch-s")?;
        Some(Arc::new(Auditd { shape }))
    },
};

#[derive(Debug)]
struct Auditd {
    shape: Shape,
}

/// What stands before the pairs.
struct Head<'a> {
    node: &'a [u8],
    kind: &'a [u8],
    time: &'a [u8],
    id: &'a [u8],
    rest: &'a [u8],
}

fn head(line: &[u8]) -> Option<Head<'_>> {
    let mut cursor = Cursor::new(line);
    let mut node: &[u8] = b"";
    if cursor.skip(b"node=").is_some() {
        node = cursor.word()?;
        cursor.skip(b" ")?;
    }
    cursor.skip(b"type=")?;
    let kind = cursor.word()?;
    cursor.skip(b" msg=audit(")?;
    let time = cursor.until(b':')?;
    let id = cursor.digits()?;
    cursor.skip(b"):")?;
    cursor.skip_space();
    Some(Head {
        node,
        kind,
        time,
        id,
        rest: cursor.rest(),
    })
}

/// The pairs of the kernel, and those of a program, which stand in quotes.
fn parts(rest: &[u8]) -> (&[u8], &[u8]) {
    const MARK: &[u8] = b"msg='";
    match memchr::memmem::find(rest, MARK) {
        Some(at) => {
            let inner = &rest[at + MARK.len()..];
            (&rest[..at], inner.strip_suffix(b"'").unwrap_or(inner))
        }
        None => (rest, b""),
    }
}

impl Format for Auditd {
    fn name(&self) -> &str {
        KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        head(line).is_some()
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let Some(head) = head(first_line(text)) else {
            return;
        };
        record.timestamp = Some(Timestamp::of_shape(head.time, self.shape));
        record.message = Some(Text::plain(head.rest));
        field::text(record, "node", head.node);
        field::text(record, "type", head.kind);
        field::number(record, "id", head.id);
        let (outer, inner) = parts(head.rest);
        for (_, name, value) in Pairs::of(outer).chain(Pairs::of(inner)) {
            record.push(name, value);
        }
    }
}
