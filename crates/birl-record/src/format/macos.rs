//! macOS: the unified log, as `log show` prints it.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "macos",
    about: "macOS: log show",
    samples: &[
        Sample {
            text: "2026-03-14 14:05:30.123456+0100 0x1a2b     Default     0x0                  123    0    kernel: (AppleACPI) up: 7",
            record: r#"{"timestamp":"2026-03-14T13:05:30.123456Z","level":"info","message":"(AppleACPI) up: 7","thread":"0x1a2b","activity":"0x0","pid":123,"ttl":0,"process":"kernel"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30.250 E  locationd[123:1a2b] no: x",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"no: x","process":"locationd","pid":123,"thread":"1a2b"}"#,
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
                Space,
                Hex("thread"),
                Space,
                Level,
                Space,
                Hex("activity"),
                Space,
                Number("pid"),
                Space,
                Number("ttl"),
                Space,
                Before("process", ": "),
                Is(": "),
            ],
            message: whole,
        },
        Layout {
            shapes: &["iso"],
            head: &[
                Time,
                Space,
                Level,
                Space,
                Token("process", b"["),
                Is("["),
                Number("pid"),
                Is(":"),
                Hex("thread"),
                Is("] "),
            ],
            message: whole,
        },
    ],
};

/// The types of messages, whole or abbreviated.
fn level(word: &[u8]) -> Option<Severity> {
    Severity::from_word(match word {
        b"Default" | b"Df" | b"Info" | b"I" | b"Activity" | b"A" => b"info",
        b"Debug" | b"Db" | b"D" => b"debug",
        b"Error" | b"E" => b"error",
        b"Fault" | b"F" => b"fatal",
        _ => return None,
    })
}
