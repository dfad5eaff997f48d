//! glog and klog, as Kubernetes, Chromium and Abseil write them: `I0314 14:05:30.123456`.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "klog",
    about: "glog and klog: Kubernetes, Abseil, TensorFlow, CockroachDB",
    samples: &[
        Sample {
            text: r#"W0314 14:05:30.123456       7 reflector.go:424] watch closed: "gone" node="a""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"warn","message":"watch closed: \"gone\" node=\"a\"","thread":7,"caller":"reflector.go:424"}"#,
        },
        Sample {
            text: "E20260314 14:05:30.123456 1234 a/b.cc:88] refused",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"error","message":"refused","thread":1234,"caller":"a/b.cc:88"}"#,
        },
        // CockroachDB
        Sample {
            text: "I260314 14:05:30.123456 42 server/node.go:12 ⋮ [T1,n1] 77  node started",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"info","message":"node started","thread":42,"caller":"server/node.go:12","tags":"T1,n1"}"#,
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
            shapes: &["glog", "basic"],
            head: &[
                Level,
                Time,
                Space,
                Number("thread"),
                Space,
                Place("caller"),
                Is("]"),
                Pad,
            ],
            message: whole,
        },
        Layout {
            shapes: &["basic-short"],
            head: &[
                Level,
                Time,
                Space,
                Number("thread"),
                Space,
                Place("caller"),
                Space,
                Is("⋮ "),
                Within("tags", b'[', b']'),
                Space,
                Maybe(&[Number(""), Space]),
            ],
            message: whole,
        },
    ],
};

/// One of the four letters.
fn level(letter: &[u8]) -> Option<Severity> {
    match letter {
        b"I" | b"W" | b"E" | b"F" => Severity::from_word(letter),
        _ => None,
    }
}
