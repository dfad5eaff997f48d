//! The error log of PHP, and of PHP-FPM.

use super::layout::Part::*;
use super::layout::{Layout, Part, Style, whole};
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
        // Xdebug
        Sample {
            text: "[14-Mar-2026 14:05:30 UTC] PHP Notice:  odd in /srv/a.php on line 7\n[14-Mar-2026 14:05:30 UTC] PHP Stack trace:\n[14-Mar-2026 14:05:30 UTC] PHP   1. {main}() /srv/a.php:0",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"odd in /srv/a.php on line 7\n[14-Mar-2026 14:05:30 UTC] PHP Stack trace:\n[14-Mar-2026 14:05:30 UTC] PHP   1. {main}() /srv/a.php:0"}"#,
        },
    ],
    open: |_| STYLE.open(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: level,
    layouts: &[Layout {
        shapes: &["day-month-year"],
        head: &[
            Either(&[TIME]),
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
            ]),
        ],
        message: whole,
    }],
    parts: &[Layout {
        shapes: &["day-month-year"],
        head: &[
            Either(&[TIME]),
            Either(&[&[Is("PHP Stack trace:")], &[Is("PHP  ")]]),
        ],
        message: whole,
    }],
};

const TIME: &[Part] = &[
    Is("["),
    Time,
    Maybe(&[Is(" "), Token("zone", b"]")]),
    Is("] "),
];

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
