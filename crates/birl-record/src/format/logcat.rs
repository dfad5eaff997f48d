//! Android's logcat, in its formats of one line.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::{Level as OfRecord, Severity};

pub(super) const KNOWN: Known = Known {
    name: "logcat",
    about: "Android's logcat: threadtime, time, brief, and Android Studio's",
    samples: &[
        Sample {
            text: "03-14 14:05:30.250  1234  5678 W CartView: slow: 3 s",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"warn","message":"slow: 3 s","pid":1234,"tid":5678,"tag":"CartView"}"#,
        },
        Sample {
            text: "03-14 14:05:30.250 +0100 10123  1234  5678 I Cart View: up",
            record: r#"{"timestamp":"2026-03-14T13:05:30.25Z","level":"info","message":"up","uid":"10123","pid":1234,"tid":5678,"tag":"Cart View"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30.250  1234  5678 F libc    : Fatal signal 11: no",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"fatal","message":"Fatal signal 11: no","pid":1234,"tid":5678,"tag":"libc"}"#,
        },
        // time
        Sample {
            text: "03-14 14:05:30.250 D/CartView( 1234): up",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"debug","message":"up","tag":"CartView","pid":1234}"#,
        },
        // brief
        Sample {
            text: "E/CartView(1234): no: x",
            record: r#"{"level":"error","message":"no: x","tag":"CartView","pid":1234}"#,
        },
        // Android Studio
        Sample {
            text: "2026-03-14 14:05:30.250  1234-5678  CartView                com.example.shop                     V  up",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"trace","message":"up","pid":1234,"tid":5678,"tag":"CartView","package":"com.example.shop"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30.250 1234-5678/com.example.shop I/CartView: up",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"up","pid":1234,"tid":5678,"package":"com.example.shop","tag":"CartView"}"#,
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
            shapes: &["android", "iso"],
            head: &[
                Time,
                Space,
                Either(&[
                    &[Number("pid"), Space, Number("tid"), Space, Level],
                    &[
                        Token("uid", b":/"),
                        Space,
                        Number("pid"),
                        Space,
                        Number("tid"),
                        Space,
                        Level,
                    ],
                ]),
                Space,
                Either(&[
                    &[Before("tag", ": "), Is(": ")],
                    &[Before("tag", ":"), Is(":")],
                ]),
                Pad,
            ],
            message: whole,
        },
        Layout {
            shapes: &["android", "iso"],
            head: &[
                Maybe(&[Time, Space]),
                Level,
                Is("/"),
                Before("tag", "("),
                Is("("),
                Pad,
                Number("pid"),
                Is("):"),
                Pad,
            ],
            message: whole,
        },
        Layout {
            shapes: &["android", "iso"],
            head: &[
                Time,
                Space,
                Number("pid"),
                Is("-"),
                Number("tid"),
                Either(&[
                    &[
                        Space,
                        Token("tag", b""),
                        Space,
                        Token("package", b""),
                        Space,
                        Level,
                        Space,
                    ],
                    &[
                        Is("/"),
                        Token("package", b""),
                        Is(" "),
                        Level,
                        Is("/"),
                        Before("tag", ": "),
                        Is(": "),
                    ],
                ]),
            ],
            message: whole,
        },
    ],
};

/// The letter of a level.
fn level(letter: &[u8]) -> Option<Severity> {
    match letter {
        b"V" => Some(Severity::of(OfRecord::Trace)),
        b"D" | b"I" | b"W" | b"E" | b"F" => Severity::from_word(letter),
        b"A" | b"S" => Some(Severity::of(OfRecord::Fatal)),
        _ => None,
    }
}
