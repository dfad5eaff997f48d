//! Answers held against those of DuckDB, over the same records.
//!
//! The queries are data (`queries.toml`), and so are the places where birl means to differ, which say
//! why. Without DuckDB, as a program or a module of Python, nothing is compared, and that is printed.

mod database;
mod logs;
mod rows;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use similar::TextDiff;

use crate::database::Database;
use crate::rows::Rows;

/// A question, as both are asked it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    /// What it shows, in a few words.
    name: String,
    birl: String,
    /// What DuckDB is asked, where that is another text.
    duckdb: Option<String>,
    /// Whether the rows have no order.
    #[serde(default)]
    unordered: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Queries {
    query: Vec<Query>,
}

#[test]
fn answers_are_those_of_duckdb() {
    let Some(database) = Database::find() else {
        #[expect(clippy::print_stderr, reason = "a skipped test says why")]
        {
            eprintln!("skipped: there is neither a program `duckdb` nor a Python that imports it");
        }
        return;
    };
    let queries = queries();
    let directory = tempfile::tempdir().unwrap();
    logs::write(directory.path());
    let asked: Vec<_> = queries
        .iter()
        .map(|query| query.duckdb.as_ref().unwrap_or(&query.birl).as_str())
        .collect();
    let expected = database.ask(directory.path(), &asked);
    let mut wrong = String::new();
    for (query, expected) in queries.iter().zip(expected) {
        let both = expected.and_then(|expected| Ok((expected, birl(directory.path(), query)?)));
        let both = both.map(|(expected, found)| match query.unordered {
            true => (expected.sorted(), found.sorted()),
            false => (expected, found),
        });
        match both {
            Ok((expected, found)) if expected.is_same(&found) => {
                assert!(!expected.is_empty(), "{:?} compares nothing", query.name);
            }
            Ok((expected, found)) => {
                let (expected, found) = (expected.to_string(), found.to_string());
                let diff = TextDiff::from_lines(&expected, &found);
                let diff = diff.unified_diff().header("duckdb", "birl").to_string();
                wrong += &format!("{}: {}\n{diff}\n", query.name, query.birl);
            }
            Err(error) => wrong += &format!("{}: {}\n{error}\n", query.name, query.birl),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn names_of_queries_are_unique_and_there_are_many() {
    let queries = queries();
    let names: BTreeSet<_> = queries.iter().map(|query| &query.name).collect();
    assert_eq!(names.len(), queries.len());
    assert!(queries.len() >= 60, "{}", queries.len());
}

fn queries() -> Vec<Query> {
    let queries: Queries = toml::from_str(include_str!("queries.toml")).unwrap();
    queries.query
}

/// What birl answers.
fn birl(directory: &Path, query: &Query) -> Result<Rows, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_birl"))
        .args(["-o", "json", "--table", "users=users.csv", "--"])
        .args([&query.birl, "app.jsonl"])
        .current_dir(directory)
        .env_clear()
        .output()
        .map_err(|error| error.to_string())?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    // Fields that no sample has, and values that do not fit, are part of no query here. Texts that are no numbers
    // are, and are told.
    let is_told = |line: &str| line.contains(" as null: ");
    match stderr.lines().all(is_told) {
        true => Rows::read(&output.stdout),
        false => Err(stderr.into_owned()),
    }
}
