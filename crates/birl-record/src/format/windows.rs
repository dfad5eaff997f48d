//! What Windows writes as text: the logs of its servicing and updates, and the event viewer's export.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "windows",
    about: "Windows: CBS, DISM and setup logs, WindowsUpdate.log, events saved as text",
    samples: &[
        Sample {
            text: "2026-03-14 14:05:30, Info                  CBS    Loaded Servicing Stack: v6",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"Loaded Servicing Stack: v6","component":"CBS"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30, Error                 DISM   DISM Provider: PID=7 no",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"DISM Provider: PID=7 no","component":"DISM"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30, Warning               SYSPRP late",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"late","component":"SYSPRP"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30, Info                         Starting up",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"Starting up"}"#,
        },
        // WindowsUpdate.log
        Sample {
            text: "2026/03/14 14:05:30.2501234 1234  5678  Agent           Searching: 7",
            record: r#"{"timestamp":"2026-03-14T14:05:30.2501234Z","message":"Searching: 7","pid":1234,"tid":5678,"component":"Agent"}"#,
        },
        // Event viewer
        Sample {
            text: "Error\t3/14/2026 2:05:30 PM\tService Control Manager\t7031\tNone\tThe service: stopped\nand again",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"The service: stopped\nand again","provider":"Service Control Manager","event_id":7031,"task":"None"}"#,
        },
    ],
    open: |_| STYLE.open(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: level,
    parts: &[],
    layouts: &[
        Layout {
            shapes: &["iso"],
            head: &[
                Time,
                Is(", "),
                Level,
                Is("  "),
                Space,
                Maybe(&[Either(&[
                    &[Ahead(&[Is("SYSPRP ")]), Token("component", b""), Space],
                    &[Name("component"), Is("  "), Pad],
                ])]),
            ],
            message: whole,
        },
        Layout {
            shapes: &["slash-ymd"],
            head: &[
                Time,
                Space,
                Number("pid"),
                Space,
                Number("tid"),
                Space,
                Name("component"),
                Space,
            ],
            message: whole,
        },
        Layout {
            shapes: &["slash-mdy", "slash-dmy", "dot-dmy", "iso"],
            head: &[
                Level,
                Is("\t"),
                Time,
                Is("\t"),
                Before("provider", "\t"),
                Is("\t"),
                Number("event_id"),
                Is("\t"),
                Before("task", "\t"),
                Is("\t"),
                Pad,
            ],
            message: whole,
        },
    ],
};

/// What Windows calls its levels.
fn level(word: &[u8]) -> Option<Severity> {
    match word {
        b"Critical" | b"Error" | b"Warning" | b"Info" | b"Information" | b"Perf" | b"Verbose" => {
            Severity::from_word(if word == b"Perf" { b"info" } else { word })
        }
        _ => None,
    }
}
