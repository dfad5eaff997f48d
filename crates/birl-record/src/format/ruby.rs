//! What Ruby's Logger writes, and Rails as it tells of requests without it.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;
use crate::record::Record;

pub(super) const KNOWN: Known = Known {
    name: "ruby",
    about: "Ruby's Logger, Rails in production, Sidekiq",
    samples: &[
        Sample {
            text: r#"I, [2026-03-14T14:05:30.123456 #7]  INFO -- : [req-1] Started GET "/""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"info","message":"[req-1] Started GET \"/\"","pid":7}"#,
        },
        Sample {
            text: "E, [2026-03-14T14:05:30.123456 #7] ERROR -- shop: cannot pay: no\napp/cart.rb:7:in `pay'",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"error","message":"cannot pay: no\napp/cart.rb:7:in `pay'","pid":7,"progname":"shop"}"#,
        },
        Sample {
            text: "A, [2026-03-14T14:05:30.123456 #7]   ANY -- : started",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","message":"started","pid":7}"#,
        },
        // Sidekiq
        Sample {
            text: "2026-03-14T14:05:30.250Z 7 TID-abc PayWorker JID-1f INFO: done: 1 s",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"done: 1 s","pid":7,"tid":"abc","class":"PayWorker","jid":"1f"}"#,
        },
    ],
    open: |_| STYLE.open_with_words(KNOWN.name),
};

pub(super) const RAILS: Known = Known {
    name: "rails",
    about: "Rails in development, a request a record",
    samples: &[Sample {
        text: "Started GET \"/cart?id=7\" for 203.0.113.7 at 2026-03-14 14:05:30 +0100\nProcessing by CartsController#show as HTML\n  Parameters: {\"id\"=>\"7\"}\nCompleted 200 OK in 12ms (Views: 3.0ms)",
        record: r#"{"timestamp":"2026-03-14T13:05:30Z","message":"Started GET \"/cart?id=7\" for 203.0.113.7 at 2026-03-14 14:05:30 +0100\nProcessing by CartsController#show as HTML\n  Parameters: {\"id\"=>\"7\"}\nCompleted 200 OK in 12ms (Views: 3.0ms)","method":"GET","path":"/cart?id=7","client":"203.0.113.7"}"#,
    }],
    open: |_| RAILS_STYLE.open_with_words(RAILS.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: Severity::from_word,
    parts: &[],
    layouts: &[
        Layout {
            shapes: &["iso"],
            head: &[
                OneOf(b"DIWEFUA"),
                Is(", ["),
                Time,
                Is(" #"),
                Number("pid"),
                Is("]"),
                Space,
                Either(&[&[Level], &[Is("ANY")]]),
                Is(" -- "),
                Either(&[&[Is(":")], &[Token("progname", b":"), Is(":")]]),
                Pad,
            ],
            message: whole,
        },
        Layout {
            shapes: &["iso"],
            head: &[
                Time,
                Is(" "),
                Number("pid"),
                Is(" TID-"),
                Token("tid", b""),
                Maybe(&[Is(" "), Token("class", b":")]),
                Maybe(&[Is(" JID-"), Token("jid", b"")]),
                Is(" "),
                Level,
                Is(": "),
            ],
            message: whole,
        },
    ],
};

static RAILS_STYLE: Style = Style {
    lines: Lines::Several,
    severity: Severity::from_word,
    parts: &[],
    layouts: &[Layout {
        shapes: &["iso"],
        head: &[
            Is("Started "),
            Token("method", b""),
            Is(" \""),
            Before("path", "\" for "),
            Is("\" for "),
            Token("client", b""),
            Is(" at "),
            Time,
            End,
        ],
        message: all,
    }],
};

/// The message is all of it, head and all.
fn all<'a>(text: &'a [u8], _: usize, record: &mut Record<'a>) {
    whole(text, 0, record);
}
