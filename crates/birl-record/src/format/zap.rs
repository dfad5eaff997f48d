//! zap's console: columns between tabs, and the fields as JSON in the last.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::json::Members;
use crate::level::Severity;
use crate::record::Record;
use crate::value::Text;

pub(super) const KNOWN: Known = Known {
    name: "zap",
    about: "zap's console encoder, also Caddy's",
    samples: &[
        Sample {
            text: "2026-03-14T14:05:30.250Z\tERROR\tshop.cart\tcart/pay.go:7\tcannot pay\t{\"order\": 7, \"why\": \"no\\tluck\"}\nshop/cart.Pay\n\t/src/cart/pay.go:7",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"cannot pay","logger":"shop.cart","caller":"cart/pay.go:7","order":7,"why":"no\tluck"}"#,
        },
        Sample {
            text: "2026-03-14T14:05:30.250+0100\tinfo\tcart/pay.go:7\tpaid",
            record: r#"{"timestamp":"2026-03-14T13:05:30.25Z","level":"info","message":"paid","caller":"cart/pay.go:7"}"#,
        },
        Sample {
            text: "1773497130.25\tinfo\tpaid {7}",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"paid {7}"}"#,
        },
        // Caddy
        Sample {
            text: "2026/03/14 14:05:30.250\tERROR\thttp.log.access\thandled request\t{\"status\": 500}",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"handled request","logger":"http.log.access","status":500}"#,
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
            shapes: &["iso", "epoch-s"],
            head: &[
                Time,
                Is("\t"),
                Level,
                Is("\t"),
                Either(&[
                    &[Token("logger", b""), Is("\t"), Place("caller"), Is("\t")],
                    &[Place("caller"), Is("\t")],
                    &[Ends("}", &[])],
                ]),
            ],
            message: with_fields,
        },
        // Caddy
        Layout {
            shapes: &["slash-ymd"],
            head: &[
                Time,
                Is("\t"),
                Level,
                Is("\t"),
                Maybe(&[
                    Ahead(&[Token("", b""), Is("\t")]),
                    Token("logger", b""),
                    Is("\t"),
                ]),
            ],
            message: with_fields,
        },
    ],
};

/// The message, and an object behind it.
fn with_fields<'a>(text: &'a [u8], head: usize, record: &mut Record<'a>) {
    whole(text, head, record);
    let first = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let line = &text[head..first];
    let Some(tab) = memchr::memmem::rfind(line, b"\t{") else {
        return;
    };
    let mut members = Members::of(&line[tab + 1..]);
    let known = record.fields.len();
    for (name, value) in members.by_ref() {
        record.push(name, value);
    }
    match members.rest().map(<[u8]>::trim_ascii) {
        Some(b"") => record.message = Some(Text::plain(&line[..tab])),
        _ => record.fields.truncate(known),
    }
}
