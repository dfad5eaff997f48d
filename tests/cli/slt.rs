//! Tests of SQL in the format of sqllogictest, over the files beside them.
//!
//! What a record of a file `NAME.slt` asks is asked of `NAME.jsonl`; `users` is the table `users.csv`
//! there. Rows are a line each, their values between single spaces: `NULL` stands for what has no
//! value, and `(empty)` for an empty text.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

use crate::diff::compare;
use crate::sandbox::Sandbox;

/// What a query is expected to give.
#[derive(Debug)]
enum Expected {
    /// A message that holds this.
    Error(String),
    Rows {
        /// A letter for each column.
        types: String,
        /// Whether rows are compared in an order of their own.
        sorted: bool,
        rows: Vec<String>,
    },
}

/// A query, and where it stands.
#[derive(Debug)]
struct Record {
    line: usize,
    query: String,
    expected: Expected,
}

pub(crate) fn trials() -> Vec<Trial> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/queries");
    let entries = fs::read_dir(&directory).expect("the cases can be read");
    let paths = entries.map(|entry| entry.expect("an entry can be read").path());
    let paths = paths.filter(|path| path.extension().is_some_and(|it| it == "slt"));
    let trials: Vec<_> = paths.flat_map(|path| file_trials(&path)).collect();
    assert!(!trials.is_empty(), "there are tests of SQL");
    trials
}

fn file_trials(path: &Path) -> Vec<Trial> {
    let text = fs::read_to_string(path).expect("a test of SQL can be read");
    let name = path.file_stem().unwrap_or_default().display().to_string();
    let records = records(&text).into_iter();
    let trial = |record: Record| {
        let path = path.to_owned();
        let name = format!("slt::{name}::line_{}", record.line);
        Trial::test(name, move || record.run(&path))
    };
    records.map(trial).collect()
}

/// The records of a file: paragraphs, of which lines that begin with `#` are no part.
fn records(text: &str) -> Vec<Record> {
    let mut records = Vec::new();
    let mut lines = (1..).zip(text.lines()).peekable();
    while let Some((line, head)) = lines.next() {
        if head.is_empty() || head.starts_with('#') {
            continue;
        }
        let mut paragraph = Vec::new();
        while let Some((_, text)) = lines.next_if(|(_, text)| !text.is_empty()) {
            paragraph.push(text);
        }
        let mut parts = paragraph.split(|text| *text == "----");
        let query = parts.next().unwrap_or_default().join("\n");
        let rows = parts.next().map(<[&str]>::to_vec);
        let expected = match head.split_once(' ') {
            Some(("statement", rest)) => {
                let message = rest.strip_prefix("error ");
                Expected::Error(message.unwrap_or_else(|| unknown(line, head)).to_owned())
            }
            Some(("query", rest)) => {
                let mut words = rest.split(' ');
                Expected::Rows {
                    types: words.next().unwrap_or_default().to_owned(),
                    sorted: match words.next() {
                        None | Some("nosort") => false,
                        Some("rowsort") => true,
                        Some(_) => unknown(line, head),
                    },
                    rows: rows
                        .unwrap_or_else(|| unknown(line, head))
                        .into_iter()
                        .map(str::to_owned)
                        .collect(),
                }
            }
            _ => unknown(line, head),
        };
        records.push(Record {
            line,
            query,
            expected,
        });
    }
    records
}

fn unknown(line: usize, head: &str) -> ! {
    panic!("line {line} begins no record: {head}")
}

impl Record {
    fn run(&self, path: &Path) -> Result<(), Failed> {
        let beside = |name: PathBuf| fs::read(path.with_file_name(name));
        let logs = PathBuf::from(path.with_extension("jsonl").file_name().unwrap_or_default());
        let sandbox = Sandbox::new();
        sandbox.write("logs.jsonl", &beside(logs)?);
        sandbox.write("users.csv", &beside("users.csv".into())?);
        let args = ["-o", "csv", "--table", "users=users.csv", "--"];
        let mut command = sandbox.birl(&args);
        let ended = command.args([&self.query, "logs.jsonl"]).output()?;
        let stderr = String::from_utf8_lossy(&ended.stderr);
        match &self.expected {
            Expected::Error(message) => match stderr.contains(message) {
                true => Ok(()),
                false => Err(format!("{}\nno {message:?} in\n{stderr}", self.query).into()),
            },
            Expected::Rows {
                types,
                sorted,
                rows,
            } => {
                if !stderr.is_empty() {
                    return Err(format!("{}\n{stderr}", self.query).into());
                }
                let text = String::from_utf8(ended.stdout)?;
                let mut table = table(&text).into_iter();
                let names = table.next().unwrap_or_default();
                if names.len() != types.len() {
                    return Err(format!("{}\n{types} is not of {names:?}", self.query).into());
                }
                let mut found: Vec<_> = table.map(|row| row.join(" ")).collect();
                let mut expected = rows.clone();
                if *sorted {
                    found.sort();
                    expected.sort();
                }
                let lines = |rows: &[String]| rows.iter().map(|row| format!("{row}\n")).collect();
                let (expected, found): (String, String) = (lines(&expected), lines(&found));
                Ok(compare(&self.query, expected.as_bytes(), found.as_bytes())?)
            }
        }
    }
}

/// The rows of CSV, with cells as sqllogictest writes them.
fn table(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![Vec::new()];
    let mut rest = text;
    while !rest.is_empty() {
        let (cell, behind) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let end = end_of_quotes(quoted);
                (quoted[..end].replace("\"\"", "\""), &quoted[end + 1..])
            }
            None => {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        let cell = match (cell.is_empty(), rest.starts_with('"')) {
            (true, true) => "(empty)".to_owned(),
            (true, false) => "NULL".to_owned(),
            (false, _) => cell,
        };
        rows.last_mut().expect("there is one").push(cell);
        rest = match behind.strip_prefix('\n') {
            Some(behind) => {
                rows.push(Vec::new());
                behind
            }
            None => behind.strip_prefix(',').unwrap_or(behind),
        };
    }
    rows.pop();
    rows
}

/// Where the quote is that is not doubled.
fn end_of_quotes(quoted: &str) -> usize {
    let mut at = 0;
    loop {
        let quote = quoted[at..].find('"').expect("a quote is closed");
        at += quote;
        match quoted[at + 1..].starts_with('"') {
            true => at += 2,
            false => return at,
        }
    }
}
