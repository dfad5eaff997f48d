//! What Go's `log` writes with the place in the source, and Gin's log of requests.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "go",
    about: "Go's log with its places in the source, Gin",
    samples: &[
        Sample {
            text: "2026/03/14 14:05:30 main.go:12: listening: :8080",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"listening: :8080","caller":"main.go:12"}"#,
        },
        Sample {
            text: "2026/03/14 14:05:30.123456 /src/shop/cart.go:7: late",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","message":"late","caller":"/src/shop/cart.go:7"}"#,
        },
        Sample {
            text: "shop: 2026/03/14 14:05:30 cart.go:7: late",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"late","prefix":"shop","caller":"cart.go:7"}"#,
        },
        Sample {
            text: r#"[GIN] 2026/03/14 - 14:05:30 | 404 |     250.3µs |     203.0.113.7 | GET      "/cart?id=7""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET      \"/cart?id=7\"","status":404,"latency":"250.3µs","client":"203.0.113.7"}"#,
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
            shapes: &["slash-ymd"],
            head: &[
                Maybe(&[Token("prefix", b":["), Is(": ")]),
                Time,
                Space,
                Place("caller"),
                Is(":"),
                Pad,
            ],
            message: whole,
        },
        Layout {
            shapes: &["slash-ymd"],
            head: &[
                Is("[GIN] "),
                Time,
                Is(" | "),
                Number("status"),
                Is(" |"),
                Before("latency", "|"),
                Is("|"),
                Before("client", "|"),
                Is("|"),
                Pad,
            ],
            message: whole,
        },
    ],
};
