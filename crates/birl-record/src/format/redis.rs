//! Redis's and Valkey's log.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "redis",
    about: "Redis, Valkey, Sentinel",
    samples: &[
        Sample {
            text: "7:M 14 Mar 2026 14:05:30.250 # WARNING: overcommit_memory is set to 0",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"warn","message":"WARNING: overcommit_memory is set to 0","pid":7,"role":"M"}"#,
        },
        Sample {
            text: "1234:S 14 Mar 2026 14:05:30.250 * MASTER <-> REPLICA sync started",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"MASTER <-> REPLICA sync started","pid":1234,"role":"S"}"#,
        },
        Sample {
            text: "7:X 14 Mar 14:05:30.250 - Accepted 203.0.113.7:5000",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"debug","message":"Accepted 203.0.113.7:5000","pid":7,"role":"X"}"#,
        },
        // before 3.0
        Sample {
            text: "[7] 14 Mar 14:05:30.250 . woken",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"debug","message":"woken","pid":7}"#,
        },
    ],
    open: |_| STYLE.open(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: level,
    parts: &[],
    layouts: &[Layout {
        shapes: &["day-month-year", "day-month"],
        head: &[
            Either(&[
                &[Number("pid"), Is(":"), Token("role", b"")],
                &[Is("["), Number("pid"), Is("]")],
            ]),
            Space,
            Time,
            Is(" "),
            Mark,
            Is(" "),
        ],
        message: whole,
    }],
};

/// The marks of Redis's levels: debug, verbose, notice, warning.
fn level(mark: &[u8]) -> Option<Severity> {
    Severity::from_word(match mark {
        b"." => b"debug",
        // Milder than a notice, and rather noisy: what others call debug.
        b"-" => b"debug",
        b"*" => b"notice",
        b"#" => b"warn",
        _ => return None,
    })
}
