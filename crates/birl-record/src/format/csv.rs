//! CSV and its like with a header: the first line of the source. What is in quotes may have several
//! lines.

use std::sync::Arc;

use super::parser::first_line;
use super::state::OpenCell;
use super::table::{Column, Dialect, Header, Kind, Quoting, cells};
use super::{Format, Known, Lines, Sample, State, Stateful};
use crate::extent::{RECORD_BYTES_MAX, RECORD_LINES_MAX};
use crate::framing;
use crate::record::Record;
use crate::time::Shape;

pub(super) const KNOWN: Known = Known {
    name: "csv",
    about: "CSV with a header; also with semicolons, tabs or bars",
    samples: &[
        Sample {
            text: "timestamp,level,message,user id\n2026-03-14T14:05:29Z,info,ready,\n2026-03-14T14:05:30Z,ERROR,\"no \"\"luck\"\", ann\",42",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"no \"luck\", ann","user id":42}"#,
        },
        Sample {
            text: "Date,Time,Status,Path\r\n2026-03-14,14:05:30,500,/a",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"2026-03-14,14:05:30,500,/a","Status":500,"Path":"/a"}"#,
        },
        Sample {
            text: "time;severity;text\n14.03.2026 14:05:30;4;1,5 s",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"14.03.2026 14:05:30;4;1,5 s","text":"1,5 s"}"#,
        },
        // A cell of several lines
        Sample {
            text: "level,message,time\ninfo,ready,2026-03-14T14:05:29Z\nERROR,\"no luck:\n\tat c.s.Main, \"\"main\"\"\n\nends\",2026-03-14T14:05:30Z",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"no luck:\n\tat c.s.Main, \"main\"\n\nends"}"#,
        },
        Sample {
            text: "ts\thost\tmsg\n1773497130.5\tweb-1\tno luck, ann",
            record: r#"{"timestamp":"2026-03-14T14:05:30.5Z","message":"no luck, ann","host":"web-1"}"#,
        },
    ],
    open: |lines| {
        let (first, rows) = lines.split_first()?;
        let first = first.strip_prefix("\u{feff}".as_bytes()).unwrap_or(first);
        let headers = SEPARATORS
            .iter()
            .filter_map(|separator| header(first, *separator));
        let header = headers.max_by_key(Header::columns)?;
        of_rows(first, header, rows)
    },
};

pub(super) const POSTGRES: Known = Known {
    name: "postgres-csv",
    about: "PostgreSQL's csvlog, which has no header",
    samples: &[
        Sample {
            text: "2026-03-14 14:05:29.250 UTC,,,7,,69b56a5a.7,1,,2026-03-14 14:05:29 UTC,,0,LOG,00000,\"ready\",,,,,,,,,\"\",\"postmaster\",,0\n2026-03-14 14:05:30.250 UTC,\"ann\",\"shop\",8,\"[local]\",69b56a5b.8,1,\"SELECT\",2026-03-14 14:05:30 UTC,3/7,0,ERROR,42P01,\"no such table: \"\"cart\"\"\",,,,,,\"select *\n2026-03-14 from cart\",15,,\"psql\",\"client backend\",,0",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"no such table: \"cart\"","user":"ann","database":"shop","pid":8,"client":"[local]","session_id":"69b56a5b.8","session_line":1,"command":"SELECT","session_start":"2026-03-14 14:05:30 UTC","virtual_transaction_id":"3/7","transaction_id":0,"sqlstate":"42P01","query":"select *\n2026-03-14 from cart","query_pos":15,"application":"psql","backend_type":"client backend","query_id":0}"#,
        },
        // Before PostgreSQL 13
        Sample {
            text: "2026-03-14 15:05:30 CET,\"ann\",\"shop\",8,\"203.0.113.7:4022\",69b56a5b.8,1,\"idle\",2026-03-14 15:05:30 CET,3/7,0,LOG,00000,\"duration: 1 ms\",,,,,,,,,\"psql\"",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"duration: 1 ms","user":"ann","database":"shop","pid":8,"client":"203.0.113.7:4022","session_id":"69b56a5b.8","session_line":1,"command":"idle","session_start":"2026-03-14 15:05:30 CET","virtual_transaction_id":"3/7","transaction_id":0,"sqlstate":"00000","application":"psql"}"#,
        },
    ],
    open: |lines| {
        let count = lines.iter().find_map(|line| postgres_columns(line))?;
        let header = Header::new(dialect(b','), columns(&POSTGRES_COLUMNS[..count]));
        Some(Arc::new(Csv {
            name: POSTGRES.name,
            first: None,
            header,
        }))
    },
};

/// What each row of a csvlog has (PostgreSQL's documentation, section 19.8.4), as other formats call
/// it.
static POSTGRES_COLUMNS: [&[u8]; 26] = [
    b"timestamp",
    b"user",
    b"database",
    b"pid",
    b"client",
    b"session_id",
    b"session_line",
    b"command",
    b"session_start",
    b"virtual_transaction_id",
    b"transaction_id",
    b"level",
    b"sqlstate",
    b"message",
    b"detail",
    b"hint",
    b"internal_query",
    b"internal_query_pos",
    b"context",
    b"query",
    b"query_pos",
    b"location",
    b"application",
    b"backend_type",
    b"leader_pid",
    b"query_id",
];

/// How many columns a row of a csvlog has; `None` where it is none, or goes on in the next line.
fn postgres_columns(line: &[u8]) -> Option<usize> {
    line.first().filter(|first| first.is_ascii_digit())?;
    let cells: Vec<_> = cells(line, dialect(b',')).collect();
    let levels: [&[u8]; 8] = [
        b"LOG", b"INFO", b"NOTICE", b"WARNING", b"ERROR", b"FATAL", b"PANIC", b"DEBUG1",
    ];
    let is_row = matches!(cells.len(), 23 | 24 | 26)
        && levels.contains(&cells[11])
        && cells[12].len() == 5
        && Shape::named("iso")?.taken(cells[0]) == Some(cells[0].len());
    is_row.then_some(cells.len())
}

/// The table that lines are whose first is a header of at least so many columns, though none of them
/// is one of logs. Its cells are fields, and feed nothing else.
pub(super) fn table(lines: &[&[u8]], columns_min: usize) -> Option<Arc<dyn Format>> {
    let (first, rows) = lines.split_first()?;
    let first = first.strip_prefix("\u{feff}".as_bytes()).unwrap_or(first);
    let headers = SEPARATORS.iter().filter_map(|separator| {
        let dialect = dialect(*separator);
        let names = names(first, dialect)?;
        Some(Header::of_fields(dialect, columns(&names)))
    });
    let header = headers.max_by_key(Header::columns)?;
    match header.columns() >= columns_min {
        true => of_rows(first, header, rows),
        false => None,
    }
}

/// The table under this header, if most rows are of it.
fn of_rows(first: &[u8], header: Header, rows: &[&[u8]]) -> Option<Arc<dyn Format>> {
    let csv = Csv {
        name: KNOWN.name,
        first: Some(first.to_vec()),
        header,
    };
    let is_table = !rows.is_empty() && csv.fitting(rows) * 100 >= rows.len() * FIT_PERCENT;
    is_table.then(|| Arc::new(csv) as Arc<dyn Format>)
}

static SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// So many percent of the lines are rows of a table, or parts of them. The others are broken.
const FIT_PERCENT: usize = 60;

/// The name of a column is no longer.
const NAME_BYTES_MAX: usize = 64;

/// A table, with its header.
#[derive(Debug)]
struct Csv {
    name: &'static str,
    /// The line of the header, if the source has one.
    first: Option<Vec<u8>>,
    header: Header,
}

impl Format for Csv {
    fn name(&self) -> &str {
        self.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        self.header.fits(line) && !self.frames(line)
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    /// The header is no record; it comes again where files were put together.
    fn frames(&self, line: &[u8]) -> bool {
        let first = self.first.as_ref();
        first.is_some_and(|first| line.ends_with(first))
    }

    fn stateful(&self) -> Option<&dyn Stateful> {
        Some(self)
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let line = first_line(text);
        if !self.begins(line) {
            return;
        }
        match self.header.ends_in_cell(line, false) {
            true => self.header.push(text, record),
            false => self.header.push(line, record),
        }
    }
}

impl Stateful for Csv {
    fn pass(&self, state: &mut State, lines: &[u8]) {
        if state.cell.is_none() && memchr::memchr(b'"', lines).is_none() {
            return;
        }
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            self.pass_line(state, line);
        }
    }

    fn starts(&self, state: &State, lines: &[u8]) -> Option<Vec<usize>> {
        if state.cell.is_none() && memchr::memchr(b'"', lines).is_none() {
            return None;
        }
        let mut state = state.clone();
        let mut starts = Vec::new();
        let mut at = 0;
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if self.pass_line(&mut state, line) {
                starts.push(at);
            }
            at += line.len();
        }
        Some(starts)
    }
}

impl Csv {
    /// Passes a line, and says whether it begins outside of cells.
    ///
    /// A quote that is not closed does not swallow the rest of the source: the cell ends before a line
    /// that is surely a row, and where a record would be cut anyway.
    fn pass_line(&self, state: &mut State, line: &[u8]) -> bool {
        let content = framing::content(line);
        let is_too_long =
            |cell: &OpenCell| cell.lines >= RECORD_LINES_MAX || cell.bytes >= RECORD_BYTES_MAX;
        let cell = state.cell.take();
        let cell = cell.filter(|cell| !is_too_long(cell) && !self.header.is_surely(content));
        if self.header.ends_in_cell(content, cell.is_some()) {
            let so_far = cell.unwrap_or_default();
            state.cell = Some(OpenCell {
                lines: so_far.lines + 1,
                bytes: so_far.bytes + line.len(),
            });
        }
        cell.is_none()
    }

    /// How many of these lines are rows, or parts of them.
    fn fitting(&self, lines: &[&[u8]]) -> usize {
        let mut state = State::default();
        let fit = lines.iter().filter(|line| {
            let begins = self.pass_line(&mut state, line);
            !begins || self.header.fits(line)
        });
        fit.count()
    }
}

/// The header of a log that a line is, with this separator, if all of its cells may be names.
fn header(line: &[u8], separator: u8) -> Option<Header> {
    let dialect = dialect(separator);
    let header = Header::new(dialect, columns(&names(line, dialect)?));
    (header.columns() >= 2 && header.is_log()).then_some(header)
}

fn dialect(separator: u8) -> Dialect {
    Dialect {
        separator,
        quoting: Quoting::QuotesOverLines,
        absent: b"",
    }
}

/// The cells of a line, if all may be names, and no two are the same.
fn names(line: &[u8], dialect: Dialect) -> Option<Vec<&[u8]>> {
    let names: Vec<_> = cells(line, dialect).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let are_names = names.iter().all(|name| is_name(name)) && sorted.len() == names.len();
    are_names.then_some(names)
}

fn columns(names: &[&[u8]]) -> Vec<Column> {
    let column = |name: &&[u8]| Column {
        name: name.to_vec(),
        kind: Kind::Any,
    };
    names.iter().map(column).collect()
}

fn is_name(name: &[u8]) -> bool {
    let is_part = |byte: &u8| {
        byte.is_ascii_alphanumeric() || b"_-. @/()#%".contains(byte) || !byte.is_ascii()
    };
    let begins = name
        .first()
        .is_some_and(|first| !first.is_ascii_digit() && *first != b' ');
    begins && name.len() <= NAME_BYTES_MAX && name.iter().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::super::Parser;
    use crate::format::State;

    /// Where records begin in the lines behind a header.
    fn starts(lines: &[&str]) -> Vec<usize> {
        let head = "time,level,message\n2026-03-14T14:05:29Z,info,up\n";
        let parser = Parser::detect(&[head.as_bytes()], 0);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let starts = parser.starts(&State::default(), text.as_bytes());
        let line_of = |at: usize| text[..at].matches('\n').count();
        starts.unwrap().into_iter().map(line_of).collect()
    }

    #[test]
    fn a_quote_that_is_not_closed_does_not_swallow_the_rows_behind_it() {
        let row = "2026-03-14T14:05:30Z,info,ok";
        let open = r#"2026-03-14T14:05:30Z,error,"no luck"#;
        assert_eq!(starts(&[open, "at a", row, row]), [0, 2, 3]);
        assert_eq!(
            starts(&[open, r#"2026-03-14T14:05:30Z,info,"a, b""#, row]),
            [0, 1, 2]
        );
        // The row before which it ends is one in a cell.
        assert_eq!(
            starts(&[open, r#"2026-03-14T14:05:30Z,info,a""#, row]),
            [0, 2]
        );
    }

    #[test]
    fn a_cell_without_an_end_is_given_up_where_a_record_is_cut() {
        let head = "level,message\ninfo,up\n";
        let parser = Parser::detect(&[head.as_bytes()], 0);
        let text = format!("error,\"no\n{}", "info,ok\n".repeat(20_000));
        let starts = parser.starts(&State::default(), text.as_bytes()).unwrap();
        assert_eq!(starts[..2], [0, 10 + 8 * 9_999]);
        assert_eq!(starts.len(), 2 + 10_000);
    }
}
