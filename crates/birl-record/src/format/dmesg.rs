//! What the Linux kernel writes, with seconds since it started.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "dmesg",
    about: "the Linux kernel: dmesg",
    samples: &[
        Sample {
            text: "[    1.250123] usb 1-1: new device",
            record: r#"{"message":"usb 1-1: new device","uptime_s":1.250123}"#,
        },
        Sample {
            text: "[12345.250123][  T42] late: 3 s",
            record: r#"{"message":"late: 3 s","uptime_s":12345.250123,"caller":"T42"}"#,
        },
        Sample {
            text: "kern  :err   : [   12.250123] ata1: no",
            record: r#"{"level":"error","message":"ata1: no","facility":"kern","uptime_s":12.250123}"#,
        },
    ],
    open: |_| STYLE.open(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::One,
    severity: Severity::from_syslog_word,
    parts: &[],
    layouts: &[Layout {
        shapes: &[],
        head: &[
            Maybe(&[
                Token("facility", b":"),
                Pad,
                Is(":"),
                Level,
                Pad,
                Is(":"),
                Space,
            ]),
            Is("["),
            Pad,
            Uptime("uptime_s"),
            Is("]"),
            Maybe(&[Within("caller", b'[', b']')]),
            Space,
        ],
        message: whole,
    }],
};
