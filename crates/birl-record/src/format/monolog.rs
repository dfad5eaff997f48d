//! What Monolog writes for Laravel and Symfony: a channel, a level, and the context as JSON.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::json::Members;
use crate::level::Severity;
use crate::record::Record;
use crate::value::Text;

pub(super) const KNOWN: Known = Known {
    name: "monolog",
    about: "Monolog: Laravel, Symfony",
    samples: &[
        Sample {
            text: r#"[2026-03-14 14:05:30] production.ERROR: cannot pay {"order":7,"why":"a {b}"} []"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"cannot pay","channel":"production","order":7,"why":"a {b}"}"#,
        },
        Sample {
            text: r#"[2026-03-14T14:05:30.123456+01:00] app.INFO: Matched route "cart". {"route":"cart"} {"user":"ann"}"#,
            record: r#"{"timestamp":"2026-03-14T13:05:30.123456Z","level":"info","message":"Matched route \"cart\".","channel":"app","route":"cart","user":"ann"}"#,
        },
        Sample {
            text: "[2026-03-14 14:05:30] local.DEBUG: paid: {7}",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"debug","message":"paid: {7}","channel":"local"}"#,
        },
        Sample {
            text: "[2026-03-14 14:05:30] local.CRITICAL: down {\"exception\":\"[object] (Error(code: 0): no at /srv/a.php:7)\n[stacktrace]\n#0 {main}\n\"}",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"fatal","message":"down","channel":"local","exception":"[object] (Error(code: 0): no at /srv/a.php:7)\n[stacktrace]\n#0 {main}\n"}"#,
        },
    ],
    open: |_| STYLE.open_with_words(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: Severity::from_word,
    parts: &[],
    layouts: &[Layout {
        shapes: &["iso"],
        head: &[
            Is("["),
            Time,
            Is("] "),
            Token("channel", b".:[]"),
            Is("."),
            Level,
            Is(":"),
            Pad,
        ],
        message: with_context,
    }],
};

/// The message, and behind it what belongs to it, as one object or two; an empty one is written as
/// a list.
fn with_context<'a>(text: &'a [u8], head: usize, record: &mut Record<'a>) {
    whole(text, head, record);
    let known = record.fields.len();
    let rest = text[head..].trim_ascii_end();
    // The message may hold braces as well.
    let starts =
        memchr::memchr2_iter(b'{', b'[', rest).filter(|at| *at == 0 || rest[at - 1] == b' ');
    for start in starts.take(STARTS_MAX) {
        if push_context(&rest[start..], record).is_some() {
            record.message = Some(Text::plain(rest[..start].trim_ascii_end()));
            return;
        }
        record.fields.truncate(known);
    }
}

/// So many places are looked at where the context may begin.
const STARTS_MAX: usize = 8;

/// Adds the members of all that follows, if it is nothing but objects and empty lists.
fn push_context<'a>(mut rest: &'a [u8], record: &mut Record<'a>) -> Option<()> {
    while !rest.is_empty() {
        rest = match rest.strip_prefix(b"[]") {
            Some(rest) => rest,
            None => {
                let mut members = Members::of(rest);
                for (name, value) in members.by_ref() {
                    record.push(name, value);
                }
                members.rest()?
            }
        };
        rest = rest.trim_ascii_start();
    }
    Some(())
}
