//! Tables with a header that says what their columns are: what the formats with one have in common.

use std::ops::Range;
use std::sync::Arc;

use super::json::{LEVEL_KEYS, MESSAGE_KEYS, TIME_KEYS};
use super::parser::first_line;
use super::{Format, Lines, Piece, State, Stateful, field};
use crate::framing;
use crate::level::Severity;
use crate::record::{Record, Timestamp};
use crate::value::{Text, Value};

/// Tables whose headers are among the lines that begin with `#`; there may be several, with other
/// columns.
///
/// Rows are read with the header in force. Where none has been seen, as in a file that begins with
/// rows, the number of columns tells which of the headers in the samples that is: of those with as
/// many, the first.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    name: &'static str,
    syntax: Syntax,
    headers: Vec<Header>,
}

/// How headers are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Syntax {
    /// What the line with the names of the columns begins with.
    pub(super) mark: &'static [u8],
    /// Reads that line; it is given the lines behind it, too.
    pub(super) read: fn(&[u8], &[&[u8]]) -> Option<Header>,
}

/// No more of a header is kept.
const HEADER_BYTES_MAX: usize = 16 * 1024;

impl Tables {
    /// The format with all headers that some lines hold.
    pub(super) fn open(
        name: &'static str,
        lines: &[&[u8]],
        syntax: Syntax,
    ) -> Option<Arc<dyn Format>> {
        let mut headers: Vec<Header> = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            if let Some(header) = (syntax.read)(line, &lines[at + 1..])
                && !headers.contains(&header)
            {
                headers.push(header);
            }
        }
        (!headers.is_empty()).then(|| {
            Arc::new(Self {
                name,
                syntax,
                headers,
            }) as Arc<dyn Format>
        })
    }

    fn header_of(&self, line: &[u8]) -> Option<&Header> {
        if line.starts_with(b"#") {
            return None;
        }
        self.headers.iter().find(|header| header.fits(line))
    }

    /// The same with the header in force, where that is another one.
    fn under(&self, state: &State) -> Option<Arc<dyn Format>> {
        let text = state.header.as_deref()?;
        let lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').collect();
        let lines: Vec<_> = lines.into_iter().map(framing::content).collect();
        let (first, behind) = lines.split_first()?;
        let header = (self.syntax.read)(first, behind)?;
        let is_other = self.headers.len() != 1 || self.headers[0] != header;
        is_other.then(|| {
            Arc::new(Self {
                headers: vec![header],
                ..self.clone()
            }) as Arc<dyn Format>
        })
    }

    /// Where the headers are in whole lines.
    fn marks<'a>(&self, lines: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let marks = memchr::memmem::find_iter(lines, self.syntax.mark);
        marks.filter(|at| *at == 0 || lines[at - 1] == b'\n')
    }
}

impl Stateful for Tables {
    fn pass(&self, state: &mut State, lines: &[u8]) {
        let mut lines = lines;
        if let Some(begun) = &state.header
            && !is_whole_header(begun)
        {
            let (more, behind) = lines.split_at(header_bytes(lines));
            let both = [begun, more].concat();
            let last = self.marks(&both).last().unwrap_or(0);
            state.header = Some(Arc::from(&both[last..]));
            lines = behind;
        }
        if let Some(last) = self.marks(lines).last() {
            let text = &lines[last..];
            state.header = Some(Arc::from(&text[..header_bytes(text)]));
        }
    }

    fn pieces(&self, state: &mut State, lines: &[u8]) -> Vec<Piece> {
        let marks = self.marks(lines).filter(|at| *at > 0);
        let starts: Vec<_> = std::iter::once(0).chain(marks).collect();
        let ends = starts[1..].iter().copied().chain([lines.len()]);
        let pieces = starts.iter().zip(ends).map(|(&start, end)| {
            self.pass(state, &lines[start..end]);
            (start, self.under(state))
        });
        pieces.collect()
    }
}

/// How much of some lines belongs to the header that they begin with or go on with: that is up to the
/// first row, which tells how rows are written, or as much as has come.
fn header_bytes(lines: &[u8]) -> usize {
    let mut end = 0;
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if !line.starts_with(b"#") {
            break;
        }
    }
    end
}

fn is_whole_header(text: &[u8]) -> bool {
    let body = &text[..text.len().saturating_sub(1)];
    let last = memchr::memrchr(b'\n', body).map_or(0, |newline| newline + 1);
    text.len() >= HEADER_BYTES_MAX || !text[last..].starts_with(b"#")
}

impl Format for Tables {
    fn name(&self) -> &str {
        self.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        self.header_of(line).is_some()
    }

    fn lines(&self) -> Lines {
        Lines::One
    }

    /// A header is no record.
    fn frames(&self, line: &[u8]) -> bool {
        line.starts_with(b"#")
    }

    fn stateful(&self) -> Option<&dyn Stateful> {
        Some(self)
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let line = first_line(text);
        if let Some(header) = self.header_of(line) {
            header.push(line, record);
        }
    }

    /// A column is also found under the name that other access logs have for it.
    fn get<'a>(&'a self, text: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        let mut record = Record::default();
        self.parse(text, &mut record);
        self.get_of(&record, text, path)
    }

    fn get_of<'a>(&'a self, record: &Record<'a>, _: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
        record.get(path).or_else(|| {
            let (_, column) = ALIASES.iter().find(|(alias, _)| alias.as_bytes() == path)?;
            record.get(column.as_bytes())
        })
    }
}

/// What access logs call a field, and what W3C's columns call it.
static ALIASES: [(&str, &str); 9] = [
    ("status", "sc-status"),
    ("method", "cs-method"),
    ("path", "cs-uri-stem"),
    ("query", "cs-uri-query"),
    ("client", "c-ip"),
    ("user", "cs-username"),
    ("bytes", "sc-bytes"),
    ("user_agent", "cs(User-Agent)"),
    ("referer", "cs(Referer)"),
];

/// How the cells of a table are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// What stands between them.
    pub(super) separator: u8,
    /// What escapes a separator.
    pub(super) quoting: Quoting,
    /// What a cell without a value holds, if it is not just empty.
    pub(super) absent: &'static [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    /// Cells may be in quotes, in which a quote is written twice.
    Quotes,
    /// The same, and what is in quotes may have several lines.
    QuotesOverLines,
    /// A backslash, and the number of the byte.
    Backslashes,
}

/// What the columns of a table are, and what they feed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    dialect: Dialect,
    columns: Vec<Column>,
    time: Option<Range<usize>>,
    level: Option<usize>,
    message: Option<Range<usize>>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
}

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers, or anything else; only the cell can tell.
    Any,
    Text,
    /// `T` or `F`.
    Bool,
}

impl Header {
    pub(super) fn new(dialect: Dialect, columns: Vec<Column>) -> Self {
        let names: Vec<_> = columns.iter().map(|column| &*column.name).collect();
        Self {
            dialect,
            time: time_columns(&names),
            level: best(&names, &LEVEL_KEYS).filter(|level| !is_named(names[*level], "log")),
            message: message_columns(&names),
            columns,
        }
    }

    /// The same where all columns are fields, and feed nothing.
    pub(super) fn of_fields(dialect: Dialect, columns: Vec<Column>) -> Self {
        Self {
            dialect,
            columns,
            time: None,
            level: None,
            message: None,
        }
    }

    /// Whether some column is known for what it feeds.
    pub(super) fn is_log(&self) -> bool {
        self.time.is_some() || self.level.is_some() || self.message.is_some()
    }

    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Whether a line is a row of this table, or begins one: with all cells, or in the middle of one
    /// that goes on in the next line, and with digits where the time is.
    pub(super) fn fits(&self, line: &[u8]) -> bool {
        let mut count = 0;
        let mut goes_on = false;
        for cell in self.cells(line) {
            goes_on = cell.is_open;
            if self.time.as_ref().is_some_and(|time| time.start == count) {
                let first = line[cell.range].first();
                let is_time = first.is_some_and(u8::is_ascii_alphanumeric);
                if !is_time {
                    return false;
                }
            }
            count += 1;
        }
        count == self.columns.len() || goes_on && count < self.columns.len()
    }

    /// Whether a line, before which a cell has begun, is a whole row and can hardly be anything else:
    /// its time is one, and it does not end that cell.
    pub(super) fn is_surely(&self, line: &[u8]) -> bool {
        let Some(time) = &self.time else {
            return false;
        };
        if matches!(self.cells(line).quoted_end(0), Quoted::Ends(_)) {
            return false;
        }
        let is_whole = || !self.cells(line).any(|cell| cell.is_open);
        let mut times = self.cells(line).skip(time.start).take(time.len());
        let first = times.next().map(|cell| cell.range);
        let last = times.last().map(|cell| cell.range);
        let range = match (first, last) {
            (Some(first), Some(last)) => first.start..last.end,
            (Some(only), None) => only,
            (None, _) => return false,
        };
        self.fits(line)
            && is_whole()
            && Timestamp::of_any(&line[range.clone()])
                .shape()
                .and_then(|shape| shape.parse(&line[range.clone()]))
                .is_some_and(|(_, taken)| taken == range.len())
    }

    /// Whether a line ends within a cell, which the next line goes on with; `is_open` where it begins
    /// in one.
    pub(super) fn ends_in_cell(&self, line: &[u8], is_open: bool) -> bool {
        let mut cells = self.cells(line);
        if is_open {
            match cells.quoted_end(0) {
                Quoted::Goes => return true,
                Quoted::Ends(end) if end + 1 == line.len() => return false,
                Quoted::Ends(end) => cells.at = Some(end + 2),
                Quoted::Strays => {
                    let next = memchr::memchr(self.dialect.separator, line);
                    cells.at = next.map(|separator| separator + 1);
                }
            }
        }
        cells.last().is_some_and(|cell| cell.is_open)
    }

    /// Adds the cells of a row.
    pub(super) fn push<'a>(&'a self, line: &'a [u8], record: &mut Record<'a>) {
        let mut time = Span::default();
        let mut message = Span::default();
        for (at, (column, cell)) in self.columns.iter().zip(self.cells(line)).enumerate() {
            let value = self.value(column, &line[cell.range.clone()], cell.is_quoted);
            let mut feeds = false;
            if is_in(&self.time, at) {
                time.take(&cell, value);
                feeds = value.is_some();
            } else if is_in(&self.message, at) {
                message.take(&cell, value);
                feeds = value.is_some() && self.columns_of_message() == 1;
            } else if self.level == Some(at) {
                record.severity = value.and_then(severity);
                feeds = record.severity.is_some();
            }
            if let Some(value) = value {
                let name = Text::plain(&column.name);
                match feeds {
                    true => record.push_feeding(name, value),
                    false => record.push(name, value),
                }
            }
        }
        record.timestamp = time.range.map(|range| Timestamp::of_any(&line[range]));
        record.message = match (message.text, message.range) {
            (Some(text), _) if self.columns_of_message() == 1 => Some(text),
            (_, Some(range)) => Some(Text::plain(&line[range])),
            _ => Some(Text::plain(line)),
        };
    }

    fn columns_of_message(&self) -> usize {
        self.message.as_ref().map_or(0, ExactSizeIterator::len)
    }

    /// What a cell holds; `None` where there is nothing.
    fn value<'a>(&self, column: &Column, cell: &'a [u8], is_quoted: bool) -> Option<Value<'a>> {
        if cell.is_empty() || cell == self.dialect.absent && !is_quoted {
            return None;
        }
        let text = match self.dialect.quoting {
            Quoting::Quotes | Quoting::QuotesOverLines => match is_quoted {
                true => return Some(Value::Text(Text::doubled(cell))),
                false => Text::plain(cell),
            },
            Quoting::Backslashes if memchr::memchr(b'\\', cell).is_some() => Text::escaped(cell),
            Quoting::Backslashes => Text::plain(cell),
        };
        Some(match (column.kind, cell) {
            (Kind::Any, cell) => field::number_or_bare(cell),
            (Kind::Bool, b"T") => Value::Bool(true),
            (Kind::Bool, b"F") => Value::Bool(false),
            (Kind::Text | Kind::Bool, _) => Value::Text(text),
        })
    }

    fn cells<'a>(&self, line: &'a [u8]) -> Cells<'a> {
        Cells {
            line,
            at: Some(0),
            dialect: self.dialect,
        }
    }
}

/// The cells of a line that is written so.
pub(super) fn cells(line: &[u8], dialect: Dialect) -> impl Iterator<Item = &[u8]> {
    let cells = Cells {
        line,
        at: Some(0),
        dialect,
    };
    cells.map(|cell| &line[cell.range])
}

/// Goes through the cells of a line.
struct Cells<'a> {
    line: &'a [u8],
    at: Option<usize>,
    dialect: Dialect,
}

/// Where a cell is, without its quotes.
struct Cell {
    range: Range<usize>,
    is_quoted: bool,
    /// Whether it has begun with a quote, and not ended.
    is_open: bool,
}

/// What becomes of a cell that begins with a quote.
enum Quoted {
    /// There is another quote, with a separator or nothing behind it.
    Ends(usize),
    /// There is another quote, with something else behind it: they are part of the cell.
    Strays,
    /// There is none.
    Goes,
}

impl Iterator for Cells<'_> {
    type Item = Cell;

    fn next(&mut self) -> Option<Cell> {
        let start = self.at?;
        let rest = &self.line[start..];
        let quoted = match (self.dialect.quoting, rest.first()) {
            (Quoting::Quotes | Quoting::QuotesOverLines, Some(b'"')) => self.quoted_end(start + 1),
            _ => Quoted::Strays,
        };
        match (quoted, self.dialect.quoting) {
            (Quoted::Ends(end), _) => {
                self.at = (end + 1 < self.line.len()).then_some(end + 2);
                Some(Cell {
                    range: start + 1..end,
                    is_quoted: true,
                    is_open: false,
                })
            }
            (Quoted::Goes, Quoting::QuotesOverLines) => {
                self.at = None;
                Some(Cell {
                    range: start + 1..self.line.len(),
                    is_quoted: true,
                    is_open: true,
                })
            }
            _ => {
                let end = memchr::memchr(self.dialect.separator, rest).map(|at| start + at);
                self.at = end.map(|end| end + 1);
                Some(Cell {
                    range: start..end.unwrap_or(self.line.len()),
                    is_quoted: false,
                    is_open: false,
                })
            }
        }
    }
}

impl Cells<'_> {
    /// What becomes of a cell that begins with a quote before `from`.
    fn quoted_end(&self, from: usize) -> Quoted {
        let mut at = from;
        loop {
            let Some(quote) = memchr::memchr(b'"', self.line.get(at..).unwrap_or_default()) else {
                return Quoted::Goes;
            };
            at += quote;
            match self.line.get(at + 1) {
                None => return Quoted::Ends(at),
                Some(next) if *next == self.dialect.separator => return Quoted::Ends(at),
                Some(b'"') => at += 2,
                Some(_) => return Quoted::Strays,
            }
        }
    }
}

/// What several cells of a line hold together.
#[derive(Default)]
struct Span<'a> {
    range: Option<Range<usize>>,
    text: Option<Text<'a>>,
}

impl<'a> Span<'a> {
    fn take(&mut self, cell: &Cell, value: Option<Value<'a>>) {
        let Some(value) = value else {
            return;
        };
        let start = self
            .range
            .as_ref()
            .map_or(cell.range.start, |range| range.start);
        self.range = Some(start..cell.range.end);
        self.text = Some(match value {
            Value::Text(text) => text,
            Value::Bare(text) | Value::Number(text) => Text::plain(text),
            _ => return,
        });
    }
}

fn severity(value: Value<'_>) -> Option<Severity> {
    match value {
        Value::Number(digits) => {
            let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
            Severity::from_level_number(number)
        }
        Value::Text(text) => word_severity(text.raw()),
        Value::Bare(text) => word_severity(text),
        _ => None,
    }
}

/// A level, perhaps within a name such as `Reporter::ERROR`.
fn word_severity(word: &[u8]) -> Option<Severity> {
    let colon = memchr::memrchr(b':', word).map_or(0, |colon| colon + 1);
    Severity::from_word(word[colon..].trim_ascii())
}

fn is_in(columns: &Option<Range<usize>>, at: usize) -> bool {
    columns
        .as_ref()
        .is_some_and(|columns| columns.contains(&at))
}

/// The columns that say when: one, or a date and a time next to it.
fn time_columns(names: &[&[u8]]) -> Option<Range<usize>> {
    let date = names
        .windows(2)
        .position(|pair| is_named(pair[0], "date") && is_named(pair[1], "time"));
    if let Some(date) = date {
        return Some(date..date + 2);
    }
    let other = || names.iter().position(|name| is_named(name, "date-time"));
    let best = best(names, &TIME_KEYS).or_else(other)?;
    Some(best..best + 1)
}

/// The columns that say what happened: one, or the method and the path of a request.
fn message_columns(names: &[&[u8]]) -> Option<Range<usize>> {
    let is_request =
        |pair: &[&[u8]]| pair[0] == b"cs-method" && matches!(pair[1], b"cs-uri-stem" | b"cs-uri");
    if let Some(method) = names.windows(2).position(is_request) {
        return Some(method..method + 2);
    }
    let others = ["content", "cs-uri-stem", "cs-uri"];
    let other = || {
        others
            .iter()
            .find_map(|other| names.iter().position(|name| is_named(name, other)))
    };
    let best = best(names, &MESSAGE_KEYS).or_else(other)?;
    Some(best..best + 1)
}

/// The column whose name is the first of these.
fn best(names: &[&[u8]], keys: &[&str]) -> Option<usize> {
    keys.iter()
        .find_map(|key| names.iter().position(|name| is_named(name, key)))
}

fn is_named(name: &[u8], known: &str) -> bool {
    name.eq_ignore_ascii_case(known.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Dialect = Dialect {
        separator: b',',
        quoting: Quoting::Quotes,
        absent: b"",
    };

    #[test]
    fn cells_may_be_in_quotes() {
        for (line, expected) in [
            ("a,b", &["a", "b"][..]),
            ("", &[""]),
            ("a,", &["a", ""]),
            (r#""a,b","c ""d""",e"#, &["a,b", r#"c ""d"""#, "e"]),
            (r#""","""#, &["", ""]),
            (r#""a"b,c"#, &[r#""a"b"#, "c"]),
            (r#""a,b"#, &[r#""a"#, "b"]),
            (r#"a"b","c"#, &[r#"a"b""#, r#""c"#]),
        ] {
            let found: Vec<_> = cells(line.as_bytes(), CSV)
                .map(String::from_utf8_lossy)
                .collect();
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn a_quoted_cell_may_go_on_in_the_next_line() {
        let dialect = Dialect {
            quoting: Quoting::QuotesOverLines,
            ..CSV
        };
        let column = |name: &&str| Column {
            name: name.as_bytes().to_vec(),
            kind: Kind::Any,
        };
        let header = Header::new(dialect, ["a", "b", "c"].iter().map(column).collect());
        for (line, is_open, goes_on) in [
            (r#"1,2,3"#, false, false),
            (r#"1,"2,3"#, false, true),
            (r#"1,"2"",3"#, false, true),
            (r#"1,"2"x,3"#, false, false),
            (r#"1,"2","#, false, false),
            (r#"1,2,""#, false, true),
            (r#"1,2,"""#, false, false),
            ("", false, false),
            ("", true, true),
            (r#"""#, true, false),
            (r#"x,y"#, true, true),
            (r#"x""y"#, true, true),
            (r#"x",3"#, true, false),
            (r#"x","3"#, true, true),
            (r#"x"y,3"#, true, false),
            (r#"x"y,"3"#, true, true),
        ] {
            assert_eq!(
                header.ends_in_cell(line.as_bytes(), is_open),
                goes_on,
                "{line}"
            );
        }
        assert!(header.fits(br#"1,"2,3"#));
        assert!(!header.fits(br#"1,2,3,"4"#));
        assert_eq!(cells(br#"1,"2,3"#, dialect).last(), Some(&b"2,3"[..]));
    }

    #[test]
    fn columns_are_known_by_their_names() {
        let header = |names: &[&str]| {
            let column = |name: &&str| Column {
                name: name.as_bytes().to_vec(),
                kind: Kind::Any,
            };
            let header = Header::new(CSV, names.iter().map(column).collect());
            (header.time, header.level, header.message)
        };
        assert_eq!(header(&["a", "Date", "Time"]), (Some(1..3), None, None));
        assert_eq!(header(&["time", "date"]), (Some(0..1), None, None));
        assert_eq!(header(&["MSG", "level"]), (None, Some(1), Some(0..1)));
        assert_eq!(header(&["log", "x"]), (None, None, Some(0..1)));
    }
}
