//! Real logs of many systems, where `BIRL_LOGHUB` names a directory of them: the samples of
//! <https://github.com/logpai/loghub>, with the header of each line as people have split it, which
//! are not ours to ship.

#![expect(
    clippy::print_stdout,
    reason = "the shares are what the test is run for"
)]

use std::fs;
use std::path::PathBuf;

use birl_record::format::Parser;
use birl_record::level::Severity;
use birl_record::record::Record;
use birl_record::time::{Resolver, Shape};
use jiff::tz::TimeZone;

/// 2026-03-15, when all of it was written long ago.
const REFERENCE: i64 = 1_773_532_800_000_000_000;

/// So much of each line is right at least.
const SHARE_MIN: f64 = 0.99;

/// How the columns of a log say what its records must say.
struct Log {
    name: &'static str,
    /// The columns that make the timestamp, and its shape.
    time: &'static [&'static str],
    shape: &'static str,
    level: Option<&'static str>,
}

const LOGS: [Log; 8] = [
    Log {
        name: "Apache",
        time: &["Time"],
        shape: "ctime",
        level: Some("Level"),
    },
    Log {
        name: "BGL",
        time: &["Timestamp"],
        shape: "epoch-s",
        level: Some("Level"),
    },
    Log {
        name: "HDFS",
        time: &["Date", "Time"],
        shape: "basic-short",
        level: Some("Level"),
    },
    Log {
        name: "Hadoop",
        time: &["Date", "Time"],
        shape: "iso",
        level: Some("Level"),
    },
    Log {
        name: "Linux",
        time: &["Month", "Date", "Time"],
        shape: "syslog",
        level: None,
    },
    Log {
        name: "OpenSSH",
        time: &["Date", "Day", "Time"],
        shape: "syslog",
        level: None,
    },
    Log {
        name: "Spark",
        time: &["Date", "Time"],
        shape: "slash-ymd-short",
        level: Some("Level"),
    },
    Log {
        name: "Zookeeper",
        time: &["Date", "Time"],
        shape: "iso",
        level: Some("Level"),
    },
];

#[test]
fn records_say_what_people_read_in_real_logs() {
    let Some(dir) = std::env::var_os("BIRL_LOGHUB").map(PathBuf::from) else {
        return;
    };
    let read = |name: String| {
        let path = dir.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {path:?}: {error}"))
    };
    let mut bad = Vec::new();
    for log in &LOGS {
        let text = read(format!("{}_2k.log", log.name));
        let table = read(format!("{}_2k.log_structured.csv", log.name));
        let shares = log.shares(&text, &table);
        println!("{:<10} {shares:.4?}", log.name);
        if shares.iter().any(|share| *share < SHARE_MIN) {
            bad.push(log.name);
        }
    }
    assert!(bad.is_empty(), "{bad:?}");
}

impl Log {
    /// The shares of the lines whose timestamp, level, and message are right.
    fn shares(&self, text: &str, table: &str) -> [f64; 3] {
        let parser = Parser::detect(&parts(text), REFERENCE);
        let mut rows = table.lines().map(cells);
        let names = rows.next().expect("a table has a header");
        let mut found_instants = Resolver::new(TimeZone::UTC, REFERENCE);
        let mut instants = Resolver::new(TimeZone::UTC, REFERENCE);
        let shape = Shape::named(self.shape).expect("the shape is known");
        let mut right = [0; 3];
        let mut lines = 0;
        for (line, row) in text.lines().zip(rows) {
            let cell = |name: &str| {
                let column = names.iter().position(|known| known == name);
                row[column.expect("the column is there")].as_str()
            };
            let record = parser.parse(line.as_bytes());
            let time: Vec<_> = self.time.iter().map(|name| cell(name)).collect();
            let instant = shape
                .parse(time.join(" ").as_bytes())
                .and_then(|(reading, _)| instants.resolve(reading));
            let found_instant = record
                .timestamp
                .and_then(|timestamp| parser.reading(timestamp))
                .and_then(|reading| found_instants.resolve(reading));
            // Where the head has no level, birl may find one in the message.
            let is_level_right = self.level.is_none_or(|name| {
                let level = Severity::from_word(cell(name).as_bytes()).map(Severity::level);
                record.severity.map(Severity::level) == level
            });
            let verdicts = [
                instant.is_some() && found_instant == instant,
                is_level_right,
                words(&message(&record)) == words(cell("Content")),
            ];
            for (right, verdict) in right.iter_mut().zip(verdicts) {
                *right += usize::from(verdict);
            }
            if verdicts.contains(&false) && std::env::var_os("BIRL_LOGHUB_SHOW").is_some() {
                println!("{verdicts:?} {line}\n  {:?}", message(&record));
            }
            lines += 1;
        }
        right.map(|right| f64::from(right as u32) / f64::from(lines))
    }
}

/// The beginning of a text, its middle, and its end, in whole lines.
fn parts(text: &str) -> [&[u8]; 3] {
    let middle = text[text.len() / 2..].find('\n').expect("a text has lines");
    let middle = text.len() / 2 + middle + 1;
    let end = text.len() - text.len() / 10;
    let end = end + text[end..].find('\n').expect("a text has lines") + 1;
    [text, &text[middle..], &text[end..]].map(str::as_bytes)
}

fn message(record: &Record<'_>) -> String {
    let message = record.message.map(|message| message.decode().into_owned());
    String::from_utf8_lossy(&message.unwrap_or_default()).into_owned()
}

/// Runs of white space are as good as one space.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// The cells of a line of CSV.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        let cell = cells.last_mut().expect("there is a cell");
        match char {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            char => cell.push(char),
        }
    }
    cells
}
