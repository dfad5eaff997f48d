//! MySQL's and MariaDB's error log, and their log of slow queries.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;
use crate::record::Record;
use crate::value::{Text, Value};

pub(super) const KNOWN: Known = Known {
    name: "mysql",
    about: "MySQL's and MariaDB's error log",
    samples: &[
        Sample {
            text: "2026-03-14T14:05:30.123456Z 7 [Warning] [MY-010068] [Server] CA certificate: self signed",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"warn","message":"CA certificate: self signed","thread":7,"code":"MY-010068","subsystem":"Server"}"#,
        },
        Sample {
            text: "2026-03-14T14:05:30.123456Z 0 [System] [MY-010931] [Server] ready",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"info","message":"ready","thread":0,"code":"MY-010931","subsystem":"Server"}"#,
        },
        // 5.7
        Sample {
            text: "2026-03-14T14:05:30.123456Z 7 [Note] Aborted connection 7 (no)",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"info","message":"Aborted connection 7 (no)","thread":7}"#,
        },
        // MariaDB
        Sample {
            text: "2026-03-14  9:05:30 7 [ERROR] InnoDB: no such page",
            record: r#"{"timestamp":"2026-03-14T09:05:30Z","level":"error","message":"InnoDB: no such page","thread":7}"#,
        },
        // 5.5
        Sample {
            text: "260314 14:05:30 [Note] ready",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"ready"}"#,
        },
        Sample {
            text: "260314 14:05:30  InnoDB: Setting file ./ibdata1 size to 10 MB\nInnoDB: wait...",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"InnoDB: Setting file ./ibdata1 size to 10 MB\nInnoDB: wait..."}"#,
        },
        Sample {
            text: "260314 14:05:30 mysqld_safe Starting mysqld daemon",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"mysqld_safe Starting mysqld daemon"}"#,
        },
    ],
    open: |_| STYLE.open(KNOWN.name),
};

pub(super) const SLOW: Known = Known {
    name: "mysql-slow",
    about: "MySQL's and MariaDB's log of slow queries",
    samples: &[
        Sample {
            text: "# Time: 2026-03-14T14:05:30.123456Z\n# User@Host: ann[ann] @ web-1 [203.0.113.7]  Id:     8\n# Query_time: 2.000123  Lock_time: 0.000004 Rows_sent: 1  Rows_examined: 900\nSET timestamp=1773497130;\nselect *\nfrom cart;",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","message":"select *\nfrom cart;","User@Host":"ann[ann] @ web-1 [203.0.113.7]","Id":"8","Query_time":"2.000123","Lock_time":"0.000004","Rows_sent":"1","Rows_examined":"900"}"#,
        },
        Sample {
            text: "# Time: 260314 14:05:30\n# User@Host: ann[ann] @ localhost []\n# Thread_id: 8  Schema: shop  QC_hit: No\n# Query_time: 1.5\nuse shop;\nselect 1;",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"use shop;\nselect 1;","User@Host":"ann[ann] @ localhost []","Thread_id":"8","Schema":"shop","QC_hit":"No","Query_time":"1.5"}"#,
        },
    ],
    open: |_| SLOW_STYLE.open(SLOW.name),
};

pub(super) const GENERAL: Known = Known {
    name: "mysql-general",
    about: "MySQL's and MariaDB's general log",
    samples: &[
        Sample {
            text: "2026-03-14T14:05:30.123456Z\t    7 Query\tselect *\nfrom cart",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","message":"select *\nfrom cart","thread":7,"command":"Query"}"#,
        },
        Sample {
            text: "2026-03-14T14:05:30.123456Z\t   12 Init DB\tshop",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","message":"shop","thread":12,"command":"Init DB"}"#,
        },
    ],
    open: |_| GENERAL_STYLE.open(GENERAL.name),
};

static GENERAL_STYLE: Style = Style {
    lines: Lines::Several,
    severity: level,
    parts: &[],
    layouts: &[Layout {
        shapes: &["iso"],
        head: &[
            Time,
            Is("\t"),
            Pad,
            Number("thread"),
            Is(" "),
            Ahead(&[Name("")]),
            Before("command", "\t"),
            Is("\t"),
        ],
        message: whole,
    }],
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: level,
    parts: &[],
    layouts: &[
        Layout {
            shapes: &["iso"],
            head: &[
                Time,
                Space,
                Number("thread"),
                Is(" ["),
                Level,
                Is("] "),
                Maybe(&[
                    Is("["),
                    Ahead(&[Is("MY-")]),
                    Token("code", b"]"),
                    Is("] ["),
                    Token("subsystem", b"]"),
                    Is("]"),
                    Pad,
                ]),
            ],
            message: whole,
        },
        Layout {
            shapes: &["basic-short"],
            head: &[Time, Is(" ["), Level, Is("] ")],
            message: whole,
        },
        Layout {
            shapes: &["basic-short", "iso"],
            head: &[
                Time,
                Space,
                Maybe(&[Hex("thread"), Space]),
                Ahead(&[Either(&[&[Is("InnoDB: ")], &[Is("mysqld_safe ")]])]),
            ],
            message: whole,
        },
    ],
};

static SLOW_STYLE: Style = Style {
    lines: Lines::Several,
    severity: Severity::from_word,
    layouts: &[Layout {
        shapes: &["iso", "basic-short"],
        head: &[Is("# Time: "), Time, Pad, End],
        message: query,
    }],
    parts: &[
        Layout {
            shapes: &[],
            head: &[Is("# ")],
            message: whole,
        },
        Layout {
            shapes: &[],
            head: &[Is("SET timestamp=")],
            message: whole,
        },
    ],
};

/// A level of MySQL's.
fn level(word: &[u8]) -> Option<Severity> {
    match word {
        b"System" => Severity::from_word(b"info"),
        b"Note" | b"Warning" | b"ERROR" | b"Error" => Severity::from_word(word),
        _ => None,
    }
}

/// Fields behind `#`, and then the statement.
fn query<'a>(text: &'a [u8], head: usize, record: &mut Record<'a>) {
    let mut at = head;
    for line in text[head..].split_inclusive(|byte| *byte == b'\n') {
        if let Some(fields) = line.strip_prefix(b"# ") {
            push_fields(fields.trim_ascii(), record);
        } else if !line.trim_ascii().is_empty() && !line.starts_with(b"SET timestamp=") {
            break;
        }
        at += line.len();
    }
    whole(text, at, record);
}

/// `Query_time: 2.5  Lock_time: 0.1`: a value ends before the next name, which ends in a colon.
fn push_fields<'a>(line: &'a [u8], record: &mut Record<'a>) {
    let mut rest = line;
    while let Some(colon) = memchr::memmem::find(rest, b": ") {
        let (name, value) = (&rest[..colon], rest[colon + 2..].trim_ascii_start());
        let next = memchr::memmem::find(value, b": ")
            .and_then(|next| memchr::memrchr(b' ', &value[..next]));
        let (value, after) = value.split_at(next.unwrap_or(value.len()));
        record.push(Text::plain(name), Value::Bare(value.trim_ascii()));
        rest = after.trim_ascii_start();
    }
}
