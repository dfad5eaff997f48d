//! Lines that begin with a level, and have no timestamp: what build tools and command lines write.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "leveled",
    about: "any lines that begin with a level, without a timestamp: Maven, CoreDNS, command lines",
    samples: &[
        Sample {
            text: "[INFO] Building shop 1.0\n[WARNING] no tests",
            record: r#"{"level":"warn","message":"no tests"}"#,
        },
        Sample {
            text: "[error] o.e.shop.Cart cannot pay",
            record: r#"{"level":"error","message":"o.e.shop.Cart cannot pay"}"#,
        },
        Sample {
            text: "WARN: 7 carts left",
            record: r#"{"level":"warn","message":"7 carts left"}"#,
        },
        Sample {
            text: "ERROR cannot open cart.db",
            record: r#"{"level":"error","message":"cannot open cart.db"}"#,
        },
        Sample {
            text: "error: no such file: cart.db",
            record: r#"{"level":"error","message":"no such file: cart.db"}"#,
        },
    ],
    open: |_| STYLE.open_as_last(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::One,
    severity: level,
    parts: &[],
    layouts: &[
        Layout {
            shapes: &[],
            head: &[
                OneOf(b"[<("),
                Pad,
                Level,
                Pad,
                OneOf(b"]>)"),
                Maybe(&[Is(":")]),
                Space,
            ],
            message: whole,
        },
        Layout {
            shapes: &[],
            head: &[Level, Is(":"), Space],
            message: whole,
        },
        Layout {
            shapes: &[],
            head: &[Ahead(&[OneOf(CAPITALS), OneOf(CAPITALS)]), Level, Space],
            message: whole,
        },
    ],
};

const CAPITALS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A level that is a whole word, and one that is no other.
fn level(word: &[u8]) -> Option<Severity> {
    let others: [&[u8]; 5] = [b"log", b"note", b"config", b"success", b"failure"];
    let is_one_case =
        word[1..].iter().all(u8::is_ascii_lowercase) || word.iter().all(u8::is_ascii_uppercase);
    let is_level = word.len() >= 4
        && is_one_case
        && !others.iter().any(|other| word.eq_ignore_ascii_case(other));
    is_level.then(|| Severity::from_word(word))?
}
