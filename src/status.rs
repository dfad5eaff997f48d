//! `birl status`: how the `birl run` on this machine is.

use std::io::{self, Write};

use anyhow::{Context as _, Result};
use birl_watch::status::{Place, Problem, Rule, Source, Status, paths, read};
use console::measure_text_width;

use crate::args::{StatusArgs, StatusFormat};
use crate::config::Environment;
use crate::formats::harmless;

/// Asks, and writes the answer.
///
/// # Errors
///
/// Fails where nobody answers, or `out` fails.
pub(crate) fn print(
    args: &StatusArgs,
    environment: &Environment,
    out: &mut dyn Write,
) -> Result<io::Result<()>> {
    let paths = match args.socket.as_ref().or(args.named.as_ref()) {
        Some(socket) => vec![socket.clone()],
        None => paths(environment.variable),
    };
    let status = read(&paths)?;
    Ok(match args.output {
        StatusFormat::Table => out.write_all(tables(&status).as_bytes()),
        StatusFormat::Json => {
            let json = serde_json::to_string(&status).context("cannot write the status")?;
            writeln!(out, "{json}")
        }
    })
}

/// What is shown to people: a line for the process, and a table each for sources, rules and places.
fn tables(status: &Status) -> String {
    let mut text = format!(
        "birl {}, process {}, {}, for {}\n",
        status.version,
        status.process,
        harmless(status.config.as_bytes()),
        age(status.since, status.at)
    );
    if let Some(problem) = &status.problem {
        text += &format!(
            "nothing more is read: {}\n",
            problem_words(problem, status.at)
        );
    }
    let now = status.at;
    text += &table(
        &[
            "source", "lines", "a second", "unread", "lag", "gaps", "problem",
        ],
        status
            .sources
            .iter()
            .map(|source| source_row(source, now))
            .collect(),
    );
    text += &table(
        &[
            "rule",
            "kind",
            "open",
            "alerts",
            "silenced",
            "last answer",
            "problem",
        ],
        status
            .rules
            .iter()
            .map(|rule| rule_row(rule, now))
            .collect(),
    );
    text += &table(
        &[
            "place",
            "kind",
            "waiting",
            "taken",
            "held back",
            "dead",
            "last taken",
            "problem",
        ],
        status
            .places
            .iter()
            .map(|place| place_row(place, now))
            .collect(),
    );
    text
}

fn source_row(source: &Source, now: i64) -> Vec<Cell> {
    vec![
        Cell::text(&source.name),
        Cell::known(source.lines),
        Cell::known(source.lines_per_second.map(|rate| format!("{rate:.1}"))),
        Cell::known(source.unread_bytes),
        Cell::known(source.lag_seconds.map(|lag| format!("{lag:.1} s"))),
        Cell::known(source.gaps),
        Cell::problem(source.problem.as_ref(), now),
    ]
}

fn rule_row(rule: &Rule, now: i64) -> Vec<Cell> {
    let last = rule.last.as_ref();
    let last = last.map_or("-".to_owned(), |last| {
        format!("{} ago: {}", age(last.at, now), last.text)
    });
    vec![
        Cell::text(&rule.name),
        Cell::text(&rule.kind),
        Cell::number(rule.open),
        Cell::number(rule.alerts),
        Cell::number(rule.silenced),
        Cell::text(&last),
        Cell::problem(rule.problem.as_ref(), now),
    ]
}

fn place_row(place: &Place, now: i64) -> Vec<Cell> {
    let mut problem = Cell::problem(place.problem.as_ref(), now);
    if let (Cell::Left(words), Some(next)) = (&mut problem, place.next_try) {
        *words += &format!("; {} in a row, next in {}", place.failures, age(now, next));
    }
    let taken = place
        .last_taken
        .map_or("-".to_owned(), |at| format!("{} ago", age(at, now)));
    vec![
        Cell::text(&place.name),
        Cell::text(&place.kind),
        Cell::number(place.waiting),
        Cell::number(place.taken),
        Cell::number(place.held_back),
        Cell::number(place.dead),
        Cell::text(&taken),
        problem,
    ]
}

/// What stands in a table, and on which side.
pub(crate) enum Cell {
    Left(String),
    Right(String),
}

impl Cell {
    pub(crate) fn text(text: &str) -> Self {
        Self::Left(harmless(text.as_bytes()))
    }

    pub(crate) fn number(number: u64) -> Self {
        Self::Right(number.to_string())
    }

    /// What is known of a source.
    fn known(what: Option<impl ToString>) -> Self {
        Self::Right(what.map_or("-".to_owned(), |what| what.to_string()))
    }

    fn problem(problem: Option<&Problem>, now: i64) -> Self {
        Self::Left(problem.map_or("-".to_owned(), |problem| problem_words(problem, now)))
    }

    fn words(&self) -> &str {
        let (Self::Left(words) | Self::Right(words)) = self;
        words
    }
}

/// Columns as wide as they have to be, below their names; nothing where there are no rows.
pub(crate) fn table(names: &[&str], rows: Vec<Vec<Cell>>) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let heads = names.iter().zip(first).map(|(name, cell)| match cell {
        Cell::Left(_) => Cell::Left((*name).to_owned()),
        Cell::Right(_) => Cell::Right((*name).to_owned()),
    });
    let heads = heads.collect::<Vec<_>>();
    let all = || [&heads].into_iter().chain(&rows);
    let widths: Vec<_> = (0..names.len())
        .map(|column| {
            all()
                .map(|row| measure_text_width(row[column].words()))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = "\n".to_owned();
    for row in all() {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let space = " ".repeat(width - measure_text_width(cell.words()));
            line += &match cell {
                Cell::Left(words) => format!("{words}{space}  "),
                Cell::Right(words) => format!("{space}{words}  "),
            };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn problem_words(problem: &Problem, now: i64) -> String {
    format!(
        "{} ago: {}",
        age(problem.at, now),
        harmless(problem.reason.as_bytes())
    )
}

/// A length of time in its largest unit.
pub(crate) fn age(from: i64, to: i64) -> String {
    let seconds = to.saturating_sub(from).max(0) / 1_000_000_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}
