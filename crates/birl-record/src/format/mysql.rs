//! MySQL's and MariaDB's error log, and their log of slow queries.

use std::sync::Arc;

use super::cursor::Cursor;
use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::parser::first_line;
use super::{Format, Known, Lines, Sample, State, Stateful};
use crate::framing;
use crate::level::Severity;
use crate::record::{Record, Timestamp};
use crate::time::Shape;
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
        // Of one second, behind what a server writes when it starts
        Sample {
            text: "/usr/sbin/mysqld, Version: 5.5.53 ((Ubuntu)). started with:\nTcp port: 3306  Unix socket: /run/mysqld.sock\nTime                 Id Command    Argument\n# Time: 260314 14:05:29\n# User@Host: ann[ann] @ localhost []\n# Query_time: 1.5\nuse shop;\nSET timestamp=1773497129;\nselect 1;\n# User@Host: ben[ben] @ localhost []\n# Query_time: 2.5\n#\n# explain: id  select_type\n#\nSET timestamp=1773497130;\nselect 2;",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"select 2;","User@Host":"ben[ben] @ localhost []","Query_time":"2.5"}"#,
        },
        Sample {
            text: "# Time: 260314 14:05:30\n# User@Host: ann[ann] @ localhost []\n# Query_time: 1.5\nuse shop;\nSET timestamp=1773497129;\nselect 1;",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"select 1;","User@Host":"ann[ann] @ localhost []","Query_time":"1.5"}"#,
        },
        Sample {
            text: "# Time: 260314 14:05:30\n# User@Host: ann[ann] @ localhost []\n# Thread_id: 8  Schema: shop  QC_hit: No\n# Query_time: 1.5\nuse shop;\nselect 1;",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"use shop;\nselect 1;","User@Host":"ann[ann] @ localhost []","Thread_id":"8","Schema":"shop","QC_hit":"No","Query_time":"1.5"}"#,
        },
    ],
    open: |_| {
        let times = [Shape::named("iso")?, Shape::named("basic-short")?];
        let epoch = Shape::named("epoch-s")?;
        Some(Arc::new(Slow { times, epoch }))
    },
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

/// The log of slow queries.
///
/// A record begins with its time; but older servers leave that out where it is that of the record
/// before, so that it begins with the user.
#[derive(Debug)]
struct Slow {
    times: [Shape; 2],
    /// That of the time in the statement.
    epoch: Shape,
}

impl Format for Slow {
    fn name(&self) -> &str {
        SLOW.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        self.time(line).is_some() || line.starts_with(USER)
    }

    fn goes_on(&self, line: &[u8]) -> bool {
        (line.starts_with(b"#") || line.starts_with(SET)) && !self.begins(line)
    }

    /// What a server writes when it opens the file.
    fn frames(&self, line: &[u8]) -> bool {
        line.ends_with(b". started with:")
            || line.starts_with(b"Tcp port: ")
            || line.starts_with(b"Time   ") && line.ends_with(b"Argument")
    }

    fn stateful(&self) -> Option<&dyn Stateful> {
        Some(self)
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let mut head = 0;
        let line = first_line(text);
        if let Some(time) = self.time(line) {
            record.timestamp = Some(time);
            head = line.len();
        }
        for line in text[head..].split_inclusive(|byte| *byte == b'\n') {
            let rest = &text[head + line.len()..];
            if let Some(fields) = line.strip_prefix(b"# ") {
                push_fields(fields.trim_ascii(), record);
            } else if let Some(seconds) = line.strip_prefix(SET) {
                let time = || Cursor::new(seconds).timestamp_of(self.epoch);
                let time = || Some(Timestamp::of_shape(time()?, self.epoch));
                record.timestamp = record.timestamp.or_else(time);
            } else {
                let is_of_head = matches!(line.trim_ascii(), b"" | b"#")
                    || line.starts_with(b"use ") && rest.starts_with(SET);
                if !is_of_head {
                    break;
                }
            }
            head += line.len();
        }
        whole(text, head, record);
    }
}

impl Slow {
    /// The time, if the line says no more than that.
    fn time<'a>(&self, line: &'a [u8]) -> Option<Timestamp<'a>> {
        let text = line.strip_prefix(TIME)?.trim_ascii();
        let is_all = |shape: &&Shape| shape.taken(text) == Some(text.len());
        let shape = self.times.iter().find(is_all)?;
        Some(Timestamp::of_shape(text, *shape))
    }

    /// Passes a line, and says whether a record may begin with it.
    fn pass_line(&self, state: &mut State, line: &[u8]) -> bool {
        let is_behind_time = state.header.is_some();
        let is_time = self.time(framing::content(line)).is_some();
        state.header = is_time.then(|| Arc::from(TIME));
        !(is_behind_time && line.starts_with(USER))
    }
}

impl Stateful for Slow {
    fn pass(&self, state: &mut State, lines: &[u8]) {
        // Only the last line says anything of what comes behind it.
        let content = framing::content(lines);
        let start = memchr::memrchr(b'\n', content).map_or(0, |newline| newline + 1);
        if !lines.is_empty() {
            self.pass_line(state, &lines[start..]);
        }
    }

    fn starts(&self, state: &State, lines: &[u8]) -> Option<Vec<usize>> {
        let mut state = state.clone();
        let mut at = 0;
        let mut starts = Vec::new();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if self.pass_line(&mut state, line) {
                starts.push(at);
            }
            at += line.len();
        }
        Some(starts)
    }
}

const TIME: &[u8] = b"# Time: ";
const USER: &[u8] = b"# User@Host: ";
const SET: &[u8] = b"SET timestamp=";

/// A level of MySQL's.
fn level(word: &[u8]) -> Option<Severity> {
    match word {
        b"System" => Severity::from_word(b"info"),
        b"Note" | b"Warning" | b"ERROR" | b"Error" => Severity::from_word(word),
        _ => None,
    }
}

/// `Query_time: 2.5  Lock_time: 0.1`: a value ends before the next name, which ends in a colon.
fn push_fields<'a>(line: &'a [u8], record: &mut Record<'a>) {
    let mut rest = line;
    while let Some(colon) = memchr::memmem::find(rest, b": ") {
        let (name, value) = (&rest[..colon], rest[colon + 2..].trim_ascii_start());
        let next = memchr::memmem::find(value, b": ")
            .and_then(|next| memchr::memrchr(b' ', &value[..next]));
        let (value, after) = value.split_at(next.unwrap_or(value.len()));
        // A table, a line for each row of it
        if name != b"explain" {
            record.push(Text::plain(name), Value::Bare(value.trim_ascii()));
        }
        rest = after.trim_ascii_start();
    }
}
