//! Scans held against reading everything and asking every line.

use std::fs;
use std::io::Write;
use std::path::Path;

use birl_record::format::Parser;
use birl_record::search::Records;
use birl_scan::{Batch, Event, Options, Want, scan};
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use futures::StreamExt;
use proptest::prelude::*;

use crate::common::{batches, events, search};

/// A line as a scan gives it, and as the model does.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    source: u64,
    offset: u64,
    number: u64,
    bytes: Vec<u8>,
    cut: bool,
}

/// The lines that batches say matched; `numbers` go on from batch to batch.
fn lines(batches: &[Batch]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut source = (u64::MAX, 0);
    for batch in batches {
        if source.0 != batch.source.number() {
            source = (batch.source.number(), 0);
        }
        for run in &batch.runs {
            let (mut offset, mut number) = (run.offset, source.1 + run.lines_before + 1);
            for bytes in batch.bytes[run.range.clone()].split_inclusive(|&byte| byte == b'\n') {
                let line = Line {
                    source: source.0,
                    offset,
                    number,
                    bytes: content(bytes),
                    cut: run.cut,
                };
                lines.push(line);
                offset += bytes.len() as u64;
                number += 1;
            }
        }
        source.1 += batch.lines;
    }
    lines
}

fn content(line: &[u8]) -> Vec<u8> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line).to_vec()
}

/// The lines of `file` that match `query`, found the obvious way.
fn expected(source: u64, file: &[u8], query: &str, max: usize) -> Vec<Line> {
    let search = search(query);
    let mut offset = 0;
    let mut lines = Vec::new();
    for (index, line) in file.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let mut bytes = content(line);
        let cut = bytes.len() > max;
        bytes.truncate(max);
        if search.is_match(&bytes) {
            lines.push(Line {
                source,
                offset,
                number: index as u64 + 1,
                bytes,
                cut,
            });
        }
        offset += line.len() as u64;
    }
    lines
}

/// Files whose lines and ends lie anywhere around the edges of chunks.
fn files() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![
        0usize..40,
        0usize..3000,
        Just(4093),
        Just(4094),
        Just(4095),
        Just(4096),
        4000usize..20_000
    ];
    let line = (
        length,
        prop::bool::ANY,
        prop::sample::select(vec!["\n", "\r\n", "\n"]),
    )
        .prop_map(|(length, hit, end)| {
            let mut line = vec![b'x'; length];
            if hit && length > 8 {
                line[length - 6..].copy_from_slice(b"needle");
            }
            line.extend_from_slice(end.as_bytes());
            line
        });
    (prop::collection::vec(line, 0..30), prop::bool::ANY).prop_map(|(lines, finished)| {
        let mut file = lines.concat();
        if !finished {
            file.extend_from_slice(b"last needle");
        }
        file
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_line_is_found_once_wherever_chunks_are_cut(
        contents in prop::collection::vec(files(), 1..4),
        chunk_bytes in prop::sample::select(vec![4096, 8192, 3 * 4096]),
        threads in 1usize..4,
        query in prop::sample::select(vec!["needle", "-needle", "*", "/x$/", "/e{2}/"]),
        max in prop::sample::select(vec![1usize << 20, 4094, 100]),
    ) {
        let directory = tempfile::tempdir().unwrap();
        for (index, file) in contents.iter().enumerate() {
            fs::write(directory.path().join(index.to_string()), file).unwrap();
        }
        let options = Options { numbered: true, threads, line_bytes_max: max, chunk_bytes, ..Options::default() };
        let all: Vec<_> = contents.iter().enumerate().flat_map(|(index, file)| expected(index as u64, file, query, max)).collect();

        let found = batches(events(&[directory.path()], query, options.clone()));
        prop_assert_eq!(lines(&found), all.clone());
        let matched: u64 = found.iter().map(|batch| batch.matched).sum();
        prop_assert_eq!(matched, all.len() as u64);

        let counted = batches(events(&[directory.path()], query, Options { want: Want::Counts, ends: true, ..options }));
        let matched: u64 = counted.iter().map(|batch| batch.matched).sum();
        prop_assert_eq!(matched, all.len() as u64);
        let ends = counted.iter().filter(|batch| batch.last).count();
        prop_assert_eq!(ends, contents.len());
    }

    #[test]
    fn backwards_the_chunks_come_from_the_last_to_the_first(
        files in prop::collection::vec(files(), 1..3),
        chunk_bytes in prop::sample::select(vec![4096, 8192]),
        threads in 1_usize..4,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let paths: Vec<_> = (0..files.len()).map(|n| directory.path().join(n.to_string())).collect();
        for (path, file) in paths.iter().zip(&files) {
            fs::write(path, file).unwrap();
        }
        let names: Vec<&Path> = paths.iter().map(|path| path.as_path()).collect();
        let options = Options { ends: true, threads, chunk_bytes, ..Options::default() };
        let forwards = batches(events(&names, "needle", options.clone()));
        let backwards = batches(events(&names, "needle", Options { backwards: true, ..options }));

        let ends = backwards.iter().filter(|batch| batch.last).map(|batch| batch.source.number());
        prop_assert_eq!(ends.collect::<Vec<_>>(), (0..files.len() as u64).collect::<Vec<_>>());
        let mut sorted = backwards.clone();
        sorted.sort_by_key(|batch| (batch.source.number(), batch.offset));
        prop_assert_eq!(lines(&sorted), lines(&forwards));
        let descends = |pair: &[Batch]| pair[0].source.number() < pair[1].source.number()
            || pair[0].offset >= pair[1].offset;
        prop_assert!(backwards.windows(2).all(descends));
    }

    #[test]
    fn with_surroundings_the_chunks_are_the_whole_file(
        file in files(),
        chunk_bytes in prop::sample::select(vec![4096, 8192]),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        fs::write(&path, &file).unwrap();
        let options = Options { want: Want::Surroundings, threads: 2, chunk_bytes, ..Options::default() };
        let batches = batches(events(&[&path], "needle", options));
        let mut at = 0;
        // A stretch within a long line owns none of it.
        for batch in batches.iter().filter(|batch| !batch.bytes.is_empty()) {
            prop_assert_eq!(batch.offset as usize, at);
            prop_assert_eq!(&batch.bytes[..], &file[at..at + batch.bytes.len()]);
            at += batch.bytes.len();
        }
        prop_assert_eq!(at, file.len());
    }
}

/// Logs that mix formats, with records of several lines, long and short.
fn logs() -> impl Strategy<Value = Vec<u8>> {
    let level = prop::sample::select(vec!["info", "ERROR", "warn", "E", "trace"]);
    let word = prop::sample::select(vec![
        "reset",
        "Ann \\\"B\\\"",
        "caf\\u00e9",
        "caf\u{e9}",
        "5e2",
        "500",
        "r\\u0065set",
        "",
    ]);
    let record = (0..5, level, word, 0usize..6, 0usize..3000).prop_map(
        |(kind, level, word, lines, padding)| {
            let padding = "x".repeat(padding * usize::from(padding % 7 == 0));
            let trace = "\tat a.b.C\n".repeat(lines);
            match kind {
                0 => format!("{{\"level\":\"{level}\",\"msg\":\"{word}{padding}\",\"n\":500}}\n"),
                1 => format!("{{\"n\":{{\"m\":5e2}},\"k\":\"{word}\",\"severity\":\"{level}\"}}\n"),
                2 => format!("2026-03-14 14:05:30,250 {level} c.Main - {word} {padding}\n{trace}"),
                3 => format!("ts=2026-03-14T14:05:30Z level={level} k={padding}y n=500\n"),
                _ => format!("{word} {padding}\n{trace}"),
            }
        },
    );
    prop::collection::vec(record, 0..40).prop_map(|records| records.concat().into_bytes())
}

/// The records of `file` that match `query`, found by asking all of them, each where it begins.
fn expected_records(parser: &Parser, file: &[u8], query: &str) -> Vec<(u64, Vec<u8>)> {
    let mut starts = vec![];
    let mut at = 0;
    for line in file.split_inclusive(|&byte| byte == b'\n') {
        if at == 0 || parser.begins(&content(line)) {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([file.len()]);
    let ranges = starts.iter().copied().zip(ends);
    let search = search(query).asking_all();
    let holds = |range: &std::ops::Range<usize>| {
        let record = Records {
            chunk: &file[range.clone()],
            parser,
            source: b"",
            offset: range.start as u64,
            is_start: true,
            times: None,
        };
        let mut is_found = false;
        search.find_records(record, |_| is_found = true);
        is_found
    };
    ranges
        .map(|(start, end)| start..end)
        .filter(|range| !range.is_empty() && holds(range))
        .map(|range| (range.start as u64, file[range].to_vec()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_record_is_found_once_wherever_chunks_are_cut(
        file in logs(),
        chunk_bytes in prop::sample::select(vec![4096, 8192, 1 << 20]),
        threads in 1usize..4,
        query in prop::sample::select(vec![
            "level:error", "-level:error", "level:>=warn", "reset", "msg:reset", "k:caf\u{e9}",
            "n:500", "n.m:500", "n:400..600", "k:*", "NOT k:*", "level:error reset",
            "msg:*b* OR n:>1", "k:/^c/", "*", "line:main", "level:info k:(reset OR y)",
        ]),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        fs::write(&path, &file).unwrap();
        let options = Options { records: true, numbered: true, ends: true, threads, chunk_bytes, ..Options::default() };
        let found = batches(events(&[&path], query, options));
        let parser = found[0].parser.clone().unwrap();
        let expected = expected_records(&parser, &file, query);
        let runs = found.iter().flat_map(|batch| {
            batch.runs.iter().map(|run| (run.offset, batch.bytes[run.range.clone()].to_vec()))
        });
        prop_assert_eq!(runs.collect::<Vec<_>>(), expected.clone());
        let matched: u64 = found.iter().map(|batch| batch.matched).sum();
        prop_assert_eq!(matched, expected.len() as u64);
        let lines: u64 = found.iter().map(|batch| batch.lines).sum();
        prop_assert_eq!(lines as usize, file.split_inclusive(|&byte| byte == b'\n').count());
    }
}

/// A log that is more than its lines: what each stretch of it is, in order.
#[derive(Clone, Debug)]
enum Stretch {
    /// A record, and whether its field `status` is 500.
    Record(String, bool),
    /// What is around records.
    Frame(String),
}

/// A table whose cells go on over lines that look like rows; the time comes behind them.
fn csv() -> impl Strategy<Value = Vec<Stretch>> {
    let text = prop::collection::vec(
        prop::sample::select(vec!["x", "a,500,b", "say \"\"no\"\"", "", " y", "}"]),
        1..5,
    );
    let row = (text, prop::bool::ANY, prop::bool::ANY, 0usize..40).prop_map(
        |(text, hit, crlf, times)| {
            let end = if crlf { "\r\n" } else { "\n" };
            let status = if hit { 500 } else { 200 };
            let text = vec![text.join(end); times / 7 + 1].join("-");
            Stretch::Record(
                format!("\"{text}\",{status},2026-03-14T14:05:30Z{end}"),
                hit,
            )
        },
    );
    prop::collection::vec(row, 1..200).prop_map(|rows| {
        let header = Stretch::Frame("message,status,time\n".to_owned());
        [vec![header], rows].concat()
    })
}

/// Tables whose columns change places.
fn w3c() -> impl Strategy<Value = Vec<Stretch>> {
    let rows = prop::collection::vec((prop::bool::ANY, 0usize..60), 0..60);
    let table = (prop::bool::ANY, rows).prop_map(|(swaps, rows)| {
        let names = if swaps {
            "sc-bytes status"
        } else {
            "status sc-bytes"
        };
        let header = Stretch::Frame(format!("#Software: x\n#Fields: date time {names} cs-uri\n"));
        let rows = rows.into_iter().map(|(hit, length)| {
            let status = if hit { 500 } else { 200 };
            let other = 700 - status;
            let (first, second) = if swaps {
                (other, status)
            } else {
                (status, other)
            };
            let path = "x".repeat(length);
            Stretch::Record(
                format!("2026-03-14 14:05:30 {first} {second} /{path}\n"),
                hit,
            )
        });
        std::iter::once(header).chain(rows).collect::<Vec<_>>()
    });
    prop::collection::vec(table, 1..8).prop_map(|tables| {
        let row = Stretch::Record("2026-03-14 14:05:30 200 1 /\n".to_owned(), false);
        let header = Stretch::Frame("#Fields: date time status sc-bytes cs-uri\n".to_owned());
        [vec![header, row], tables.concat()].concat()
    })
}

/// Objects over several lines, in a list or one after the other.
fn json() -> impl Strategy<Value = Vec<Stretch>> {
    let object = (prop::bool::ANY, 0usize..4);
    (prop::collection::vec(object, 1..80), prop::bool::ANY).prop_map(|(objects, is_list)| {
        let count = objects.len();
        let indent = if is_list { "  " } else { "" };
        let objects = objects.into_iter().enumerate().map(|(at, (hit, inner))| {
            let status = if hit { 500 } else { 200 };
            let inner = vec![format!("{indent}    {{\n{indent}      \"status\": 500\n{indent}    }}"); inner].join(",\n");
            let end = if is_list && at + 1 < count { "," } else { "" };
            Stretch::Record(format!("{indent}{{\n{indent}  \"status\": {status},\n{indent}  \"x\": [\n{inner}\n{indent}  ]\n{indent}}}{end}\n"), hit)
        });
        match is_list {
            false => objects.collect(),
            true => {
                let frame = |text: &str| Stretch::Frame(text.to_owned());
                std::iter::once(frame("[\n")).chain(objects).chain([frame("]\n")]).collect::<Vec<_>>()
            }
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_lines_say_of_others_holds_wherever_chunks_are_cut(
        log in prop_oneof![csv(), w3c(), json()],
        chunk_bytes in prop::sample::select(vec![4096, 8192, 1 << 20]),
        threads in 1usize..4,
        (backwards, piped) in (prop::bool::ANY, prop::bool::ANY),
    ) {
        let mut file = String::new();
        let mut expected = vec![];
        for stretch in log {
            match stretch {
                Stretch::Record(text, hit) => {
                    if hit {
                        expected.push((file.len() as u64, text.clone().into_bytes()));
                    }
                    file += &text;
                }
                Stretch::Frame(text) => file += &text,
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        match piped {
            // What is compressed is read in order.
            true => {
                let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
                encoder.write_all(file.as_bytes()).unwrap();
                fs::write(&path, encoder.finish().unwrap()).unwrap();
            }
            false => fs::write(&path, &file).unwrap(),
        }
        let options = Options { records: true, backwards, threads, chunk_bytes, ..Options::default() };
        let mut found = batches(events(&[&path], "status:500", options));
        found.sort_by_key(|batch| batch.offset);
        let runs = found.iter().flat_map(|batch| {
            batch.runs.iter().map(|run| (run.offset, batch.bytes[run.range.clone()].to_vec()))
        });
        prop_assert_eq!(runs.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_and_the_others_are_searched() {
    let directory = tempfile::tempdir().unwrap();
    let good = directory.path().join("good");
    fs::write(&good, "needle\n").unwrap();
    let missing = directory.path().join("missing");
    let events = events(&[&missing, &good], "needle", Options::default());
    let [Event::Problem(problem), Event::Batch(batch)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(
        (problem.is_not_found(), &batch.bytes[..]),
        (true, &b"needle\n"[..])
    );
}

#[test]
fn a_stopped_source_is_not_read_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.log");
    let mut file = fs::File::create(&path).unwrap();
    for _ in 0..1000 {
        file.write_all(&[b"needle ".repeat(500), b"\n".to_vec()].concat())
            .unwrap();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let read = runtime.block_on(async {
        let options = Options {
            chunk_bytes: 4096,
            threads: 2,
            ..Options::default()
        };
        let names = vec![Name::parse(path.as_os_str()).unwrap()];
        let mut scan = scan(names, WalkOptions::default(), search("needle"), options);
        let Some(Event::Batch(batch)) = scan.next().await else {
            panic!("the first line matches");
        };
        batch.source.stop();
        let progress = scan.progress();
        while scan.next().await.is_some() {}
        progress.snapshot().bytes_read
    });
    assert!(read < 200 * 4096, "read {read} bytes");
}
