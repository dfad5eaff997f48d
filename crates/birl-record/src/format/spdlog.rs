//! What spdlog and Boost.Log write for C++ programs: all in brackets, the level in small letters.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "spdlog",
    about: "C++: spdlog, Boost.Log",
    samples: &[
        Sample {
            text: "[2026-03-14 14:05:30.250] [cart] [warning] [cart.cpp:7] late: [3] s",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"warn","message":"late: [3] s","logger":"cart","caller":"cart.cpp:7"}"#,
        },
        Sample {
            text: "[2026-03-14 14:05:30.250] [info] paid: [7]",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"paid: [7]"}"#,
        },
        // Boost.Log
        Sample {
            text: "[2026-03-14 14:05:30.123456] [0x00007f3a] [error]   refused",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"error","message":"refused","logger":"0x00007f3a"}"#,
        },
    ],
    open: |_| STYLE.open_with_words(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: level,
    parts: &[],
    layouts: &[Layout {
        shapes: &["iso", "clock"],
        head: &[
            Is("["),
            Time,
            Is("] ["),
            Either(&[&[Level], &[Before("logger", "] ["), Is("] ["), Level]]),
            Is("]"),
            Pad,
            Maybe(&[Is("["), Place("caller"), Is("]"), Pad]),
            // A bracket more may be a column of somebody else's.
            Not(&[Is("[")]),
        ],
        message: whole,
    }],
};

/// One of the levels that the two have, in small letters.
fn level(word: &[u8]) -> Option<Severity> {
    match word {
        b"trace" | b"debug" | b"info" | b"warning" | b"warn" | b"error" | b"critical"
        | b"fatal" => Severity::from_word(word),
        _ => None,
    }
}
