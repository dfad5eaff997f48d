//! What logrus and zerolog write for terminals: abbreviated levels, and fields behind the message.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "logrus",
    about: "logrus and zerolog, as they write for terminals",
    samples: &[
        Sample {
            text: "WARN[0042] late                                          order=7",
            record: r#"{"level":"warn","message":"late                                          order=7","elapsed_s":"0042"}"#,
        },
        Sample {
            text: "ERRO[2026-03-14T14:05:30Z] cannot pay: no order=7",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"cannot pay: no order=7"}"#,
        },
        Sample {
            text: "DEBU[0003]cart.go:7 main.pay() paid",
            record: r#"{"level":"debug","message":"paid","elapsed_s":"0003","caller":"cart.go:7","function":"main.pay()"}"#,
        },
        // zerolog
        Sample {
            text: "2026-03-14T14:05:30Z ERR cart/pay.go:7 > cannot pay error=no",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"cannot pay error=no","caller":"cart/pay.go:7"}"#,
        },
        Sample {
            text: "2:05PM INF paid order=7",
            record: r#"{"timestamp":"2026-03-14T14:05:00Z","level":"info","message":"paid order=7"}"#,
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
                Level,
                Is("["),
                Either(&[&[Time], &[Number("elapsed_s")]]),
                Is("]"),
                Either(&[
                    &[Space],
                    &[Place("caller"), Space, Token("function", b""), Space],
                ]),
            ],
            message: whole,
        },
        Layout {
            shapes: &["clock-short", "clock", "iso"],
            head: &[
                Time,
                Is(" "),
                Either(&[
                    &[Ahead(&[Is("TRC ")])],
                    &[Ahead(&[Is("DBG ")])],
                    &[Ahead(&[Is("INF ")])],
                    &[Ahead(&[Is("WRN ")])],
                    &[Ahead(&[Is("ERR ")])],
                    &[Ahead(&[Is("FTL ")])],
                    &[Ahead(&[Is("PNC ")])],
                ]),
                Level,
                Is(" "),
                // What others write in such words has brackets, too.
                Not(&[Is("[")]),
                Maybe(&[Place("caller"), Is(" > ")]),
            ],
            message: whole,
        },
    ],
};

/// A level in the three or four capitals of these two.
fn level(word: &[u8]) -> Option<Severity> {
    Severity::from_word(match word {
        b"TRAC" | b"TRC" => b"trace",
        b"DEBU" | b"DBG" => b"debug",
        b"INF" => b"info",
        b"INFO" | b"WARN" => word,
        b"WRN" => b"warn",
        b"ERRO" | b"ERR" => b"error",
        b"FATA" | b"FTL" | b"PANI" | b"PNC" => b"fatal",
        _ => return None,
    })
}
