//! The error log of PHP, and of PHP-FPM.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "php",
    about: "the error log of PHP and PHP-FPM",
    samples: &[
        Sample {
            text: "[14-Mar-2026 14:05:30 UTC] PHP Fatal error:  Uncaught Error: no in /srv/cart.php:7\nStack trace:\n#0 {main}",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"fatal","message":"Uncaught Error: no in /srv/cart.php:7\nStack trace:\n#0 {main}"}"#,
        },
        Sample {
            text: "[14-Mar-2026 14:05:30 Europe/Berlin] PHP Warning:  late in /srv/cart.php on line 7",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"late in /srv/cart.php on line 7","zone":"Europe/Berlin"}"#,
        },
        Sample {
            text: "[14-Mar-2026 14:05:30 UTC] PHP Deprecated:  old in /srv/cart.php on line 7",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"old in /srv/cart.php on line 7"}"#,
        },
        // PHP-FPM
        Sample {
            text: "[14-Mar-2026 14:05:30] NOTICE: [pool www] child 7 started",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"[pool www] child 7 started"}"#,
        },
        // error_log() of a program
        Sample {
            text: "[14-Mar-2026 14:05:30 UTC] cart: late",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"cart: late"}"#,
        },
    ],
    open: |_| STYLE.open(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: level,
    parts: &[],
    layouts: &[Layout {
        shapes: &["day-month-year"],
        head: &[
            Is("["),
            Ahead(&[Number(""), Is("-")]),
            Time,
            Maybe(&[Is(" "), Token("zone", b"]")]),
            Is("] "),
            Either(&[
                &[
                    Is("PHP "),
                    Level,
                    Maybe(&[Is(" fatal")]),
                    Maybe(&[Is(" error")]),
                    Is(":"),
                    Pad,
                ],
                &[Level, Is(": ")],
                &[],
            ]),
        ],
        message: whole,
    }],
};

/// What PHP calls a kind of error, by its first word, and the levels of PHP-FPM.
fn level(word: &[u8]) -> Option<Severity> {
    Severity::from_word(match word {
        b"Fatal" | b"Catchable" | b"Recoverable" => b"fatal",
        b"Parse" | b"Compile" | b"Core" => b"error",
        b"Deprecated" | b"Strict" | b"Warning" => b"warn",
        b"Notice" | b"DEBUG" | b"NOTICE" | b"WARNING" | b"ERROR" | b"ALERT" => word,
        _ => return None,
    })
}
