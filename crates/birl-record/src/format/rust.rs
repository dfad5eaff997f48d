//! What env_logger and tracing-subscriber write for Rust programs.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "rust",
    about: "Rust: env_logger, tracing-subscriber",
    samples: &[
        // env_logger
        Sample {
            text: "[2026-03-14T14:05:30Z WARN  shop::cart] late: 3 s",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"late: 3 s","target":"shop::cart"}"#,
        },
        Sample {
            text: "[2026-03-14T14:05:30.250Z INFO  shop] paid [7]",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"paid [7]","target":"shop"}"#,
        },
        // tracing
        Sample {
            text: "2026-03-14T14:05:30.123456Z  INFO shop::cart: paid: yes order=7",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"info","message":"paid: yes order=7","target":"shop::cart"}"#,
        },
        Sample {
            text: r#"2026-03-14T14:05:30.123456Z ERROR request{id=7 path="/a:b"}:pay{}: shop: cannot pay"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"error","message":"cannot pay","span":"request{id=7 path=\"/a:b\"}:pay{}","target":"shop"}"#,
        },
        Sample {
            text: "2026-03-14T14:05:30.123456Z  WARN ThreadId(01) shop::cart: src/cart.rs:7: late",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"warn","message":"late","thread":"01","target":"shop::cart","caller":"src/cart.rs:7"}"#,
        },
        Sample {
            text: "\u{1b}[2m2026-03-14T14:05:30.123456Z\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m \u{1b}[2mshop::cart\u{1b}[0m\u{1b}[2m:\u{1b}[0m paid",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"info","message":"paid","target":"shop::cart"}"#,
        },
    ],
    open: |_| STYLE.open_with_words(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: level,
    parts: &[],
    layouts: &[
        Layout {
            shapes: &["iso"],
            head: &[
                Is("["),
                Time,
                Is(" "),
                Level,
                Space,
                Name("target"),
                Is("]"),
                Pad,
            ],
            message: whole,
        },
        Layout {
            shapes: &["iso"],
            head: &[
                Time,
                Space,
                Level,
                Is(" "),
                Maybe(&[Is("ThreadId("), Number("thread"), Is(") ")]),
                Either(&[
                    &[Spans("span"), Is(" "), Name("target")],
                    &[Modules("target")],
                ]),
                Is(": "),
                Maybe(&[Place("caller"), Is(": ")]),
            ],
            message: whole,
        },
        Layout {
            shapes: &["iso"],
            head: &[
                Is("\x1b[2m"),
                Time,
                Is("\x1b[0m"),
                Pad,
                Is("\x1b["),
                Number(""),
                Is("m"),
                Pad,
                Level,
                Is("\x1b[0m"),
                Pad,
                Is("\x1b[2m"),
                Name("target"),
                Is("\x1b[0m\x1b[2m:\x1b[0m"),
                Pad,
            ],
            message: whole,
        },
    ],
};

/// One of the five levels, in capitals.
fn level(word: &[u8]) -> Option<Severity> {
    match word {
        b"TRACE" | b"DEBUG" | b"INFO" | b"WARN" | b"ERROR" => Severity::from_word(word),
        _ => None,
    }
}
