//! PostgreSQL's server log, under the usual `log_line_prefix`es.

use super::layout::Part::*;
use super::layout::{Layout, Part, Style, whole};
use super::{Known, Lines, Sample, field};
use crate::level::Severity;
use crate::record::Record;
use crate::value::Value;

pub(super) const KNOWN: Known = Known {
    name: "postgres",
    about: "PostgreSQL's server log",
    samples: &[
        Sample {
            text: "2026-03-14 14:05:30.250 UTC [7] ERROR:  no such table: \"cart\" at character 15\n2026-03-14 14:05:30.250 UTC [7] HINT:  Look again.\n2026-03-14 14:05:30.250 UTC [7] STATEMENT:  select *\n\tfrom cart",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"no such table: \"cart\" at character 15\n2026-03-14 14:05:30.250 UTC [7] HINT:  Look again.\n2026-03-14 14:05:30.250 UTC [7] STATEMENT:  select *\n\tfrom cart","pid":7}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30 CET [7-1] ann@shop LOG:  duration: 12.5 ms",
            record: r#"{"timestamp":"2026-03-14T13:05:30Z","level":"info","message":"duration: 12.5 ms","pid":7,"user":"ann","database":"shop"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30 UTC [7]: user=ann,db=shop,app=[unknown],client=203.0.113.7 FATAL:  no",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"fatal","message":"no","pid":7,"user":"ann","database":"shop","application":"[unknown]","client":"203.0.113.7"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30 UTC LOG:  database system is ready",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"database system is ready"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30.250 UTC [7] DEBUG2:  woken",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"debug","message":"woken","pid":7}"#,
        },
        // AWS RDS
        Sample {
            text: "2026-03-14 14:05:30 UTC:203.0.113.7(5432):ann@shop:[7]:ERROR:  no such table: \"cart\"\n2026-03-14 14:05:30 UTC:203.0.113.7(5432):ann@shop:[7]:STATEMENT:  select *",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"no such table: \"cart\"\n2026-03-14 14:05:30 UTC:203.0.113.7(5432):ann@shop:[7]:STATEMENT:  select *","client":"203.0.113.7(5432)","user":"ann","database":"shop","pid":7}"#,
        },
        // As pgBadger wants it
        Sample {
            text: "2026-03-14 14:05:30 UTC [7]: [3-1] db=shop,user=ann,app=a b,client=[local] LOG:  duration: 1 ms",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"duration: 1 ms","pid":7,"database":"shop","user":"ann","application":"a b","client":"[local]"}"#,
        },
        // Prefixes of one's own
        Sample {
            text: "2026-03-14 14:05:30.250 UTC [7] shop web ann [local] 69b56a5a.7 LOG:  statement: select 1",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"statement: select 1","pid":7,"prefix":"shop web ann [local] 69b56a5a.7"}"#,
        },
        Sample {
            text: "<2026-03-14 14:05:30 UTC 203.0.113.7(5432) web shop ann 7 idle>ERROR:  no\n<2026-03-14 14:05:30 UTC 203.0.113.7(5432) web shop ann 7 idle>STATEMENT:  select 1",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"no\n<2026-03-14 14:05:30 UTC 203.0.113.7(5432) web shop ann 7 idle>STATEMENT:  select 1","prefix":"203.0.113.7(5432) web shop ann 7 idle>"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30 UTC:203.0.113.7(5432):ann@shop:[7]:3:00000:2026-03-14 14:02:57 UTC:4/39:0:69b56a5a.7:psql:LOG:  duration: 1 ms",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"duration: 1 ms","prefix":":203.0.113.7(5432):ann@shop:[7]:3:00000:2026-03-14 14:02:57 UTC:4/39:0:69b56a5a.7:psql:"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30 UTC::@:[7]:LOG:  checkpoint starting: time",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"checkpoint starting: time","pid":7}"#,
        },
    ],
    open: |_| STYLE.open(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: level,
    layouts: &[Layout {
        shapes: &["iso"],
        head: &[
            Either(&[
                &[Either(&[PREFIX, RDS_PREFIX]), Ahead(LEVEL)],
                &[ANY_PREFIX, Upto("prefix", LEVEL)],
            ]),
            Level,
            Maybe(&[OneOf(b"12345")]),
            Is(":  "),
        ],
        message: behind_prefix,
    }],
    parts: &[Layout {
        shapes: &["iso"],
        head: &[ANY_PREFIX, Upto("", DETAIL)],
        message: whole,
    }],
};

/// What stands before a message.
const LEVEL: &[Part] = &[Level, Maybe(&[OneOf(b"12345")]), Is(":  ")];

/// What stands before what is added to the message of the line before.
const DETAIL: &[Part] = &[
    Either(&[
        &[Is("DETAIL")],
        &[Is("HINT")],
        &[Is("QUERY")],
        &[Is("CONTEXT")],
        &[Is("LOCATION")],
        &[Is("BACKTRACE")],
        &[Is("STATEMENT")],
    ]),
    Is(":  "),
];

/// What others begin with, of whom nobody can tell what the rest of their prefix means.
/// What syslog has before them is not theirs.
const ANY_PREFIX: Part = Either(&[
    &[Time, Is(" ["), Number("pid"), Is("]")],
    &[
        Maybe(&[Is("<")]),
        Time,
        Not(&[Space, Name(""), Within("", b'[', b']'), Is(": ")]),
        Not(&[
            Space,
            Word(""),
            Space,
            Name(""),
            Within("", b'[', b']'),
            Is(": "),
        ]),
    ],
]);

/// `%m [%p] `, which is the default, and what others write in its place and behind it.
const PREFIX: &[Part] = &[
    Time,
    Maybe(&[
        Is(" ["),
        Number("pid"),
        Maybe(&[Is("-"), Number("")]),
        Is("]"),
        Maybe(&[Is(":")]),
    ]),
    Space,
    Either(&[
        &[
            Is("user="),
            Maybe(&[Token("user", b",")]),
            Is(",db="),
            Maybe(&[Token("database", b",")]),
            Maybe(&[
                Is(",app="),
                Either(&[
                    &[Before("application", ",client=")],
                    &[Token("application", b"")],
                    &[],
                ]),
            ]),
            Maybe(&[Is(",client="), Maybe(&[Token("client", b"")])]),
            Space,
        ],
        &[Token("user", b"@"), Is("@"), Token("database", b""), Space],
        &[],
    ]),
];

/// `%t:%r:%u@%d:[%p]:`
const RDS_PREFIX: &[Part] = &[
    Time,
    Is(":"),
    Maybe(&[Token("client", b":@")]),
    Is(":"),
    Maybe(&[Token("user", b"@")]),
    Is("@"),
    Maybe(&[Token("database", b":")]),
    Is(":["),
    Number("pid"),
    Is("]:"),
];

/// Reads the pairs of a prefix: `[3-1] db=shop,user=ann,app=psql,client=[local]`.
fn behind_prefix<'a>(text: &'a [u8], head: usize, record: &mut Record<'a>) {
    whole(text, head, record);
    let last = record
        .fields
        .last()
        .filter(|field| field.name.is(b"prefix"));
    let Some(Value::Text(prefix)) = last.map(|field| field.value) else {
        return;
    };
    let prefix = prefix.raw();
    let pairs = prefix.split(|byte| *byte == b',').map(|piece| {
        let equals = memchr::memchr(b'=', piece)?;
        let start = memchr::memrchr(b' ', &piece[..equals]).map_or(0, |space| space + 1);
        let name = match &piece[start..equals] {
            b"user" | b"u" => "user",
            b"db" | b"d" | b"database" => "database",
            b"app" | b"a" | b"application" => "application",
            b"client" | b"host" | b"h" | b"remote" => "client",
            _ => return None,
        };
        Some((name, &piece[equals + 1..]))
    });
    let Some(pairs) = pairs.collect::<Option<Vec<_>>>() else {
        return;
    };
    record.fields.pop();
    for (name, value) in pairs {
        field::text(record, name, value);
    }
}

/// A level of PostgreSQL's.
fn level(word: &[u8]) -> Option<Severity> {
    match word {
        b"LOG" | b"DEBUG" | b"INFO" | b"NOTICE" | b"WARNING" | b"ERROR" | b"FATAL" | b"PANIC" => {
            Severity::from_word(word)
        }
        _ => None,
    }
}
