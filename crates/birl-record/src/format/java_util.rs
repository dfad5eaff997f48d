//! What `java.util.logging` writes: two lines a record, the second with the level and the message.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;
use crate::record::Record;
use crate::value::Text;

pub(super) const KNOWN: Known = Known {
    name: "java-util",
    about: "java.util.logging, two lines a record",
    samples: &[
        Sample {
            text: "Mar 14, 2026 2:05:30 PM com.example.Cart <init>\nSEVERE: cannot pay: refused",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"cannot pay: refused","logger":"com.example.Cart","method":"<init>"}"#,
        },
        Sample {
            text: "Mar 14, 2026 2:05:30 PM com.example.Cart pay\nWARNING: late\njava.lang.Error\n\tat com.example.Cart.pay(Cart.java:7)",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"late\njava.lang.Error\n\tat com.example.Cart.pay(Cart.java:7)","logger":"com.example.Cart","method":"pay"}"#,
        },
        Sample {
            text: "14. März 2026 14:05:30 com.example.Cart pay\nINFO: done",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"done","logger":"com.example.Cart","method":"pay"}"#,
        },
    ],
    open: |_| STYLE.open_with_words(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: Severity::from_word,
    parts: &[],
    layouts: &[Layout {
        shapes: &["month-day-year", "day-month-year"],
        head: &[
            Time,
            Space,
            Not(&[Level, Space]),
            Name("logger"),
            Space,
            Name("method"),
            Pad,
            End,
        ],
        message: second_line,
    }],
};

/// `INFO: message`.
fn second_line<'a>(text: &'a [u8], head: usize, record: &mut Record<'a>) {
    let line = text[head..].trim_ascii_start();
    let level = memchr::memchr(b':', line).map_or(line, |colon| &line[..colon]);
    record.severity = Severity::from_word(level);
    match record.severity {
        Some(_) => {
            let message = line[level.len()..].strip_prefix(b":").unwrap_or_default();
            record.message = Some(Text::plain(message.trim_ascii_start()));
        }
        None => whole(text, text.len() - line.len(), record),
    }
}
