//! Whatever a query is, it is planned and answered, or there is an error that a person can read.

use std::fs;
use std::time::Duration;

use birl_query::{Error, GiveUp, Session};
use futures::StreamExt;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::pushdown::{LOGS, session};

/// So many queries are tried, unless the variable `BIRL_ROUNDS` says otherwise.
const ROUNDS: usize = 400;
/// What takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// The queries of the command line's tests.
fn corpus() -> Vec<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases/queries");
    let mut paths: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .collect();
    paths.sort();
    let texts: String = paths
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let args = texts.lines().filter(|line| line.starts_with("args"));
    let words = args.flat_map(|line| line.split("\", \"").map(str::to_owned).collect::<Vec<_>>());
    let words = words.map(|word| {
        let word = word
            .trim_start_matches("args = [\"")
            .trim_end_matches("\"]");
        word.replace("\\\"", "\"").replace("\\\\", "\\")
    });
    let queries: Vec<_> = words.filter(|word| word.contains(' ')).collect();
    assert!(queries.len() > 200, "{}", queries.len());
    queries
}

/// Numbers that follow from the one before, so that each run tries the same.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }

    /// `text` with parts of it cut out, and parts of others put in.
    fn broken(&mut self, text: &str, corpus: &[String]) -> String {
        let mut words = pieces(text);
        for _ in 0..=self.below(2) {
            let from = self.below(words.len() + 1);
            let to = from + self.below(4.min(words.len() + 1 - from));
            let other = pieces(&corpus[self.below(corpus.len())]);
            let other_from = self.below(other.len() + 1);
            let other_to = other_from + self.below(6.min(other.len() + 1 - other_from));
            words.splice(from..to, other[other_from..other_to].iter().cloned());
        }
        words.concat()
    }
}

/// Words, and what stands between them.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for letter in text.chars() {
        let goes_on = |piece: &String| {
            let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
            letter != ' ' && is_word(letter) && piece.chars().all(is_word)
        };
        match pieces.last_mut() {
            Some(piece) if goes_on(piece) => piece.push(letter),
            _ => pieces.push(letter.to_string()),
        }
    }
    pieces
}

/// Answers a query to its end; gives how many answers came.
async fn answered(session: &Session, query: &str) -> Result<usize, Error> {
    let mut answers = session.plan(query).await?.run(session)?;
    let mut count = 0;
    while let Some(answer) = answers.next().await {
        answer?;
        count += 1;
    }
    Ok(count)
}

#[test]
fn a_broken_query_is_answered_or_has_an_error_that_can_be_read() {
    let rounds = std::env::var("BIRL_ROUNDS").ok();
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().expect("it is a number"));
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in LOGS {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let session = session(directory.path(), true);
    let session = session.guarded(&GiveUp::default()).unwrap();
    let runtime = Runtime::new().unwrap();
    let corpus = corpus();
    let mut random = Random(1);
    let mut answered_count = 0;
    let mut wrong = Vec::new();
    for round in 0..rounds {
        let query = random.broken(&corpus[random_at(round, corpus.len())], &corpus);
        let answer =
            runtime.block_on(async { timeout(PATIENCE, answered(&session, &query)).await });
        match answer {
            Ok(Ok(_)) => answered_count += 1,
            Ok(Err(error)) => {
                let span = error.span();
                let rendered = error.render(&query);
                let is_inside = span.is_none_or(|span| query.get(span).is_some());
                let blames_us = [
                    "nternal error",
                    "is a bug",
                    "panick",
                    "Arrow error",
                    "Execution error",
                ]
                .iter()
                .any(|words| rendered.contains(words) && !query.contains(words));
                if blames_us || !is_inside {
                    wrong.push(format!("{query}\n{rendered}"));
                }
            }
            Err(_) => wrong.push(format!("{query}\ntakes longer than {PATIENCE:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(answered_count > rounds / 20, "{answered_count} of {rounds}");
}

/// All queries take turns, those that are alike far apart.
fn random_at(round: usize, count: usize) -> usize {
    round * 37 % count
}
