//! What OpenStack's services write with oslo.log, alone or gathered with the file's name before it.

use super::layout::Part::*;
use super::layout::{Layout, Part, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "openstack",
    about: "OpenStack's services: oslo.log",
    samples: &[
        Sample {
            text: "2026-03-14 14:05:30.250 2931 INFO nova.compute.manager [req-1f a b - default default] [instance: 7] started",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"[instance: 7] started","pid":2931,"logger":"nova.compute.manager","request":"req-1f a b - default default"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30.250 7 WARNING keystone.auth [-] late",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"warn","message":"late","pid":7,"logger":"keystone.auth"}"#,
        },
        Sample {
            text: "nova-api.log.1.2026-03-14_14:00:00 2026-03-14 14:05:30.250 7 ERROR nova.api [None req-2 - - - -] down: x",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"down: x","file":"nova-api.log.1.2026-03-14_14:00:00","pid":7,"logger":"nova.api","request":"None req-2 - - - -"}"#,
        },
    ],
    open: |_| STYLE.open_with_words(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: Severity::from_word,
    parts: &[],
    layouts: &[
        Layout {
            shapes: &["iso"],
            head: &[
                Time,
                Space,
                Number("pid"),
                Space,
                Level,
                Space,
                Name("logger"),
                Space,
                REQUEST,
                Pad,
            ],
            message: whole,
        },
        Layout {
            shapes: &["iso"],
            head: &[
                Word("file"),
                Space,
                Time,
                Space,
                Number("pid"),
                Space,
                Level,
                Space,
                Name("logger"),
                Space,
                REQUEST,
                Pad,
            ],
            message: whole,
        },
    ],
};

const REQUEST: Part = Within("request", b'[', b']');
