//! Logs of many chunks, searched by birl and by the most obvious program that does the same.

use birl_bench::line::{Kind, Lines};
use libtest_mimic::{Failed, Trial};

use crate::content::Codec;
use crate::diff::compare;
use crate::process::Process;
use crate::sandbox::Sandbox;

/// Several chunks, so that lines lie across their borders.
const LOG_BYTES: usize = 9 << 20;

/// A query and what it means for one line.
type Meaning = (&'static str, fn(&str) -> bool);

const QUERIES: [Meaning; 6] = [
    ("Timeout", |line| line.contains("Timeout")),
    ("rejected", |line| line.to_lowercase().contains("rejected")),
    ("heartbeat -checkout", |line| {
        let line = line.to_lowercase();
        line.contains("heartbeat") && !line.contains("checkout")
    }),
    (r"/took 2\d{3}ms: .*Timeout/", |line| {
        let took = line.split_once(" took 2").map(|(_, rest)| rest);
        let slow = took.filter(|rest| &rest[3..6] == "ms:" && is_number(&rest[..3]));
        slow.is_some_and(|rest| rest.contains("Timeout"))
    }),
    ("deadlock OR (Timeout payments)", |line| {
        line.to_lowercase().contains("deadlock")
            || line.contains("Timeout") && line.to_lowercase().contains("payments")
    }),
    ("*", |_| true),
];

pub(crate) fn trials() -> Vec<Trial> {
    let queries = QUERIES.into_iter().flat_map(|meaning| {
        let whole: fn(&Sandbox, &[u8]) = |sandbox, log| {
            sandbox.write("input.log", log);
        };
        let gzip: fn(&Sandbox, &[u8]) = |sandbox, log| {
            sandbox.write("input.log", &Codec::Gzip.compress(log));
        };
        [("whole", whole), ("gzip", gzip)].map(|(way, write)| {
            Trial::test(format!("model::{}::{way}", meaning.0), move || {
                check(meaning, write)
            })
        })
    });
    queries.collect()
}

/// Lines, their numbers, their count and the last of them, as the model has them.
fn check((query, matches): Meaning, write: fn(&Sandbox, &[u8])) -> Result<(), Failed> {
    let log = log();
    let sandbox = Sandbox::new();
    write(&sandbox, log.as_bytes());
    let found = || log.lines().enumerate().filter(|(_, line)| matches(line));
    let lines: String = found().map(|(_, line)| format!("{line}\n")).collect();
    let numbered: String = found()
        .map(|(index, line)| format!("{}:{line}\n", index + 1))
        .collect();
    let count = format!("{}\n", found().count());
    let tail = |wanted: usize| -> String {
        let skipped = found().count().saturating_sub(wanted);
        let last = found().skip(skipped);
        last.map(|(_, line)| format!("{line}\n")).collect()
    };
    for (args, expected) in [
        (vec!["--tail", "3", query], tail(3)),
        (vec!["--tail", "9999", query], tail(9_999)),
        (vec!["--tail", "20000", query], tail(20_000)),
        (vec![query], lines),
        (vec!["-n", query], numbered),
        (vec!["-c", query], count),
    ] {
        let args = [args, vec!["input.log"]].concat();
        let ended = Process::start(sandbox.birl(&args), Vec::new()).end();
        compare(&format!("{args:?}"), expected.as_bytes(), &ended.stdout)?;
    }
    Ok(())
}

fn log() -> String {
    let mut lines = Lines::new(Kind::Plain, 1, 250);
    let mut log = Vec::with_capacity(LOG_BYTES + 1_000);
    while log.len() < LOG_BYTES {
        lines.append(&mut log);
    }
    String::from_utf8(log).expect("generated logs are text")
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
