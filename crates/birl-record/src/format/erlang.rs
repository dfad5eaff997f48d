//! What Erlang's programs write, such as RabbitMQ before 3.7: a line of time, and then the report.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "erlang",
    about: "Erlang's reports: RabbitMQ before 3.7, ejabberd, CouchDB",
    samples: &[
        Sample {
            text: "=INFO REPORT==== 14-Mar-2026::14:05:30 ===\naccepting AMQP connection <0.22.1>\n",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"accepting AMQP connection <0.22.1>"}"#,
        },
        Sample {
            text: "=CRASH REPORT==== 14-Mar-2026::14:05:30.250000 ===\n  crasher:\n    pid: <0.7.0>",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"  crasher:\n    pid: <0.7.0>"}"#,
        },
    ],
    open: |_| STYLE.open(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: level,
    parts: &[],
    layouts: &[Layout {
        shapes: &["day-month-year"],
        head: &[Is("="), Level, Is(" REPORT==== "), Time, Is(" ==="), Pad],
        message: whole,
    }],
};

/// A level, or what else a report may be of.
fn level(word: &[u8]) -> Option<Severity> {
    match word {
        b"CRASH" | b"SUPERVISOR" => Severity::from_word(b"error"),
        b"PROGRESS" => Severity::from_word(b"info"),
        word => Severity::from_word(word),
    }
}
