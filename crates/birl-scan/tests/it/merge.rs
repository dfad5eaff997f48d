//! Merged sources, held against a merge of whole lists.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use birl_scan::{Batch, Event, MergeOptions, Options, Times, follow, merge, settle};
use birl_source::follow::Options as FollowOptions;
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use futures::StreamExt;
use jiff::Timestamp;
use proptest::prelude::*;

use crate::common::{batches, search};

/// A line: when it is, if it says so, and its text.
type Line = (Option<i64>, String);

/// A log in order, some lines of which have no time, and go with the one before.
fn log() -> impl Strategy<Value = Vec<Line>> {
    let line = (0i64..20, 0usize..10, 0usize..300, any::<bool>());
    prop::collection::vec(line, 0..60).prop_map(|lines| {
        let mut time = 1_773_000_000;
        let line = |(number, (gap, kind, padding, wanted)): (usize, (i64, usize, usize, bool))| {
            time += gap;
            let word = if wanted { "needle" } else { "hay" };
            let padding = "x".repeat(padding);
            match kind {
                0 if number > 0 => (None, format!("{{\"msg\":\"{word} {padding}\"}}")),
                _ => {
                    let at = Timestamp::from_second(time).unwrap();
                    let line = format!(
                        "{{\"time\":\"{at}\",\"n\":{number},\"msg\":\"{word} {padding}\"}}"
                    );
                    (Some(time), line)
                }
            }
        };
        lines.into_iter().enumerate().map(line).collect()
    })
}

/// What of the logs matches, in order: each line with the number of its log.
fn merged(logs: &[Vec<Line>]) -> Vec<(u64, String)> {
    let mut all = Vec::new();
    for (number, log) in logs.iter().enumerate() {
        let mut time = i64::MIN;
        for (line_time, text) in log {
            if text.contains("needle") {
                time = line_time.unwrap_or(time);
                all.push((time, number as u64, text.clone()));
            }
        }
    }
    all.sort_by_key(|(time, number, _)| (*time, *number));
    all.into_iter()
        .map(|(_, number, text)| (number, text))
        .collect()
}

fn lines(batches: &[Batch]) -> Vec<(u64, String)> {
    let line = |batch: &Batch, range: &std::ops::Range<usize>| {
        let text = std::str::from_utf8(&batch.bytes[range.clone()]).unwrap();
        (batch.source.number(), text.trim_end().to_owned())
    };
    batches
        .iter()
        .flat_map(|batch| batch.runs.iter().map(|run| line(batch, &run.range)))
        .collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

fn merge_all(directory: &Path, options: Options, how: MergeOptions) -> Vec<Event> {
    let names = vec![Name::parse(directory.as_os_str()).unwrap()];
    runtime().block_on(async {
        merge(
            names,
            WalkOptions::default(),
            search("needle"),
            options,
            how,
        )
        .collect()
        .await
    })
}

fn write(path: &Path, log: &[Line]) {
    let mut file = File::create(path).unwrap();
    for (_, line) in log {
        writeln!(file, "{line}").unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn records_come_in_the_order_of_their_times(
        logs in prop::collection::vec(log(), 1..6),
        // More than are kept open at once.
        more in prop::sample::select(vec![0usize, 0, 70]),
        last in prop::option::of(0usize..20),
        first in prop::option::of(1u64..20),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let logs: Vec<_> = logs.iter().cycle().take(logs.len() + more).cloned().collect();
        for (number, log) in logs.iter().enumerate() {
            write(&directory.path().join(format!("{number:03}")), log);
        }
        let options = Options { numbered: true, ..Options::default() };
        let found = batches(merge_all(directory.path(), options, MergeOptions { first, last }));
        let mut expected = merged(&logs);
        let count = expected.len();
        expected.truncate(first.map_or(count, |first| first as usize));
        let skipped = last.map_or(0, |last| expected.len().saturating_sub(last));
        prop_assert_eq!(lines(&found), expected.split_off(skipped));

        // Lines are numbered as in their files.
        let mut before = vec![0; logs.len()];
        for batch in &found {
            let number = batch.source.number() as usize;
            for run in &batch.runs {
                let line = before[number] + run.lines_before;
                let text = &batch.bytes[run.range.clone()];
                prop_assert_eq!(text.trim_ascii_end(), logs[number][line as usize].1.as_bytes());
            }
            before[number] += batch.lines;
        }
    }

    #[test]
    fn what_was_there_before_following_is_in_order(
        logs in prop::collection::vec(log(), 1..5),
        last in prop::option::of(0usize..20),
    ) {
        let directory = tempfile::tempdir().unwrap();
        // What follows numbers a file when something is in it.
        let logs: Vec<_> = logs.into_iter().filter(|log| !log.is_empty()).collect();
        for (number, log) in logs.iter().enumerate() {
            write(&directory.path().join(format!("{number:03}")), log);
        }
        let options = Options { records: true, times: Times::Given, ..Options::default() };
        let names = vec![Name::parse(directory.path().as_os_str()).unwrap()];
        let found: Vec<_> = runtime().block_on(async {
            let following = follow(names, FollowOptions::default(), None, search("needle"), options);
            let how = MergeOptions { first: None, last };
            settle(following, Duration::from_millis(20), how)
                .take_while(|event| std::future::ready(!matches!(event, Event::CaughtUp)))
                .collect()
                .await
        });
        let mut expected = merged(&logs);
        // The last record of each file may go on, and is given later; what comes before is in order.
        let found = lines(&batches(found));
        if last.is_none() {
            let mut at = 0;
            for line in &found {
                let place = expected[at..].iter().position(|other| other.1 == line.1);
                prop_assert!(place.is_some(), "{:?} is missing or out of order", line);
                at += place.unwrap() + 1;
            }
            expected.retain(|line| !found.contains(line));
            prop_assert!(expected.len() <= logs.len());
        } else {
            prop_assert!(found.len() <= last.unwrap());
        }
    }
}

#[test]
fn what_is_written_at_once_is_put_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| directory.path().join(name));
    for path in &paths {
        fs::write(path, "").unwrap();
    }
    let names = paths
        .iter()
        .map(|path| Name::parse(path.as_os_str()).unwrap())
        .collect();
    let options = Options {
        records: true,
        times: Times::Given,
        ..Options::default()
    };
    let found: Vec<_> = runtime().block_on(async {
        let how = FollowOptions::default();
        let following = follow(names, how, None, search("needle"), options);
        let mut settled = settle(
            following,
            Duration::from_secs(2),
            MergeOptions {
                first: Some(4),
                last: None,
            },
        );
        while !matches!(settled.next().await, Some(Event::CaughtUp)) {}
        let line = |second: u32| format!("2026-03-14T14:05:{second:02}Z INFO needle\n");
        let append = |path: &Path, text: String| {
            let mut file = File::options().append(true).open(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        append(&paths[1], line(2) + &line(4));
        append(&paths[0], line(1) + &line(3));
        settled.collect().await
    });
    let seconds: Vec<_> = lines(&batches(found))
        .into_iter()
        .map(|(_, line)| line[17..19].to_owned())
        .collect();
    assert_eq!(seconds, ["01", "02", "03", "04"]);
}

#[test]
fn what_cannot_be_read_is_reported_and_the_others_are_merged() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("a"),
        "2026-03-14T14:05:01Z INFO needle\n",
    )
    .unwrap();
    // The beginning of gzip, and no more.
    fs::write(
        directory.path().join("b"),
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x01",
    )
    .unwrap();
    let events = merge_all(
        directory.path(),
        Options::default(),
        MergeOptions::default(),
    );
    let problems = events
        .iter()
        .filter(|event| matches!(event, Event::Problem(_)))
        .count();
    let found = events
        .iter()
        .filter(|event| matches!(event, Event::Batch(batch) if batch.matched == 1))
        .count();
    assert_eq!((problems, found), (1, 1));
}
