//! CSV and its like with a header: the first line of the source.

use std::sync::Arc;

use super::parser::first_line;
use super::table::{Column, Dialect, Header, Kind, Quoting, cells};
use super::{Format, Known, Lines, Sample};
use crate::record::Record;

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
        let fitting = rows.iter().filter(|row| header.fits(row)).count();
        let is_table = !rows.is_empty() && fitting * 100 >= rows.len() * FIT_PERCENT;
        is_table.then(|| {
            Arc::new(Csv {
                first: first.to_vec(),
                header,
            }) as Arc<dyn Format>
        })
    },
};

static SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A table has so many percent of its rows on one line. The others have a cell with several.
const FIT_PERCENT: usize = 60;

/// The name of a column is no longer.
const NAME_BYTES_MAX: usize = 64;

/// A table, with its header.
#[derive(Debug)]
struct Csv {
    first: Vec<u8>,
    header: Header,
}

impl Format for Csv {
    fn name(&self) -> &str {
        KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        self.header.fits(line) && !self.goes_on(line)
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    /// The header is no record; it comes again where files were put together.
    fn goes_on(&self, line: &[u8]) -> bool {
        line.ends_with(&self.first)
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let line = first_line(text);
        if self.begins(line) {
            self.header.push(line, record);
        }
    }
}

/// The header that a line is, with this separator, if all of its cells may be names.
fn header(line: &[u8], separator: u8) -> Option<Header> {
    let dialect = Dialect {
        separator,
        quoting: Quoting::Quotes,
        absent: b"",
    };
    let names: Vec<_> = cells(line, dialect).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let are_names = names.iter().all(|name| is_name(name)) && sorted.len() == names.len();
    let column = |name: &[u8]| Column {
        name: name.to_vec(),
        kind: Kind::Any,
    };
    let header = Header::new(dialect, names.iter().copied().map(column).collect());
    (are_names && header.columns() >= 2 && header.is_log()).then_some(header)
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
