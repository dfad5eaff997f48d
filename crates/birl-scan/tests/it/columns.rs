//! Columns of what matches, held against the lines themselves, and the fields that samples have.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampNanosecondType};
use birl_record::columns::{Column, Projection, Type, What};
use birl_scan::{
    Batch, Event, MergeOptions, Options, Progress, Times, Want, fields, follow, merge, scan, settle,
};
use birl_source::follow::Options as FollowOptions;
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{Stream, StreamExt};

use crate::common::search;

/// A row: when it was in seconds, where it begins, its number, and its text.
type Row = (Option<i64>, i64, Option<i64>, String);

/// A log whose every third record is looked for; some have no time, and some no whole number.
fn log() -> (String, Vec<Row>) {
    let mut text = String::new();
    let mut rows = Vec::new();
    for number in 0..500i64 {
        let word = if number % 3 == 0 { "needle" } else { "hay" };
        let padding = "x".repeat((number * 7 % 120) as usize);
        let value = match number % 5 {
            0 => "\"many\"".to_owned(),
            _ => number.to_string(),
        };
        let time = 1_773_000_000 + number;
        let line = format!("{{\"ts\":{time},\"n\":{value},\"msg\":\"{word} {padding}\"}}");
        if word == "needle" {
            let number = (number % 5 > 0).then_some(number);
            rows.push((Some(time), text.len() as i64, number, line.clone()));
        }
        text.push_str(&line);
        text.push('\n');
    }
    (text, rows)
}

fn projection() -> Projection {
    Projection::new(vec![
        Column::fixed(What::Timestamp),
        Column::fixed(What::Offset),
        Column::field("n", Type::Int),
        Column::fixed(What::Line),
    ])
}

fn options(chunk_bytes: usize) -> Options {
    Options {
        want: Want::Counts,
        records: true,
        columns: Some(Arc::new(projection())),
        chunk_bytes,
        threads: 2,
        ..Options::default()
    }
}

fn rows_of(columns: &RecordBatch) -> Vec<Row> {
    let times = columns.column(0).as_primitive::<TimestampNanosecondType>();
    let offsets = columns.column(1).as_primitive::<Int64Type>();
    let numbers = columns.column(2).as_primitive::<Int64Type>();
    let lines = columns.column(3).as_string_view();
    let seconds = times
        .iter()
        .map(|time| time.map(|time| time / 1_000_000_000));
    let rest = offsets.values().iter().zip(numbers).zip(lines.iter());
    let row = |(time, ((offset, number), line)): (_, ((&i64, _), Option<&str>))| {
        (time, *offset, number, line.unwrap().to_owned())
    };
    seconds.zip(rest).map(row).collect()
}

/// The rows of all batches, each of which has one for each record that matched.
fn rows(batches: &[Batch]) -> Vec<Row> {
    let rows = batches.iter().flat_map(|batch| {
        let columns = batch.columns.as_ref().unwrap();
        assert_eq!(columns.num_rows() as u64, batch.matched);
        rows_of(columns)
    });
    rows.collect()
}

fn names(path: &Path) -> Vec<Name> {
    vec![Name::parse(path.as_os_str()).unwrap()]
}

/// The batches that come until all has been given that is there.
fn collect(events: impl FnOnce() -> Box<dyn Stream<Item = Event> + Unpin>) -> Vec<Batch> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut events = events();
        let mut batches = Vec::new();
        while let Some(event) = events.next().await {
            match event {
                Event::Batch(batch) => batches.push(batch),
                Event::CaughtUp => break,
                other => panic!("{other:?}"),
            }
        }
        batches
    })
}

/// The rows that a scan gives, and what it counted.
fn scanned(path: &Path, options: Options) -> (Vec<Row>, Progress) {
    let mut progress = Progress::default();
    let batches = collect(|| {
        let scan = scan(
            names(path),
            WalkOptions::default(),
            search("needle"),
            options,
        );
        progress = scan.progress();
        Box::new(scan)
    });
    (rows(&batches), progress)
}

#[test]
fn rows_are_the_records_that_match_however_they_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let (text, expected) = log();
    let plain = directory.path().join("plain.log");
    fs::write(&plain, &text).unwrap();
    let gzip = directory.path().join("plain.log.gz");
    let mut encoder = GzEncoder::new(File::create(&gzip).unwrap(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap();

    for chunk_bytes in [1, 16 << 10, 2 << 20] {
        for path in [&plain, &gzip] {
            let (found, _) = scanned(path, options(chunk_bytes));
            assert_eq!(found, expected, "{path:?} by {chunk_bytes}");
        }
    }
    let merged = collect(|| {
        let (walk, search) = (WalkOptions::default(), search("needle"));
        let how = MergeOptions::default();
        Box::new(merge(names(&plain), walk, search, options(1), how))
    });
    assert_eq!(rows(&merged), expected);
    let followed = collect(|| {
        let how = FollowOptions::default();
        Box::new(follow(
            names(&plain),
            how,
            None,
            search("needle"),
            options(1),
        ))
    });
    assert_eq!(rows(&followed), expected);
    let settled = collect(|| {
        let options = Options {
            want: Want::Lines,
            times: Times::Given,
            ..options(1)
        };
        let how = FollowOptions::default();
        let followed = follow(names(&plain), how, None, search("needle"), options);
        Box::new(settle(
            followed,
            Default::default(),
            MergeOptions::default(),
        ))
    });
    assert_eq!(rows(&settled), expected);
}

#[test]
fn parts_of_merged_sources_have_the_rows_of_their_records() {
    let directory = tempfile::tempdir().unwrap();
    let (text, expected) = log();
    let halves = |parity| {
        let lines = text.lines().enumerate();
        let lines = lines.filter(move |(number, _)| number % 2 == parity);
        lines
            .map(|(_, line)| format!("{line}\n"))
            .collect::<String>()
    };
    fs::write(directory.path().join("a.log"), halves(0)).unwrap();
    fs::write(directory.path().join("b.log"), halves(1)).unwrap();
    let all: Vec<_> = expected
        .into_iter()
        .map(|(time, _, _, line)| (time, line))
        .collect();
    for (first, last, wanted) in [
        (None, None, 0..all.len()),
        (Some(7), None, 0..7),
        (None, Some(9), all.len() - 9..all.len()),
    ] {
        let merged = collect(|| {
            let (walk, search) = (WalkOptions::default(), search("needle"));
            let how = MergeOptions { first, last };
            Box::new(merge(
                names(directory.path()),
                walk,
                search,
                options(1),
                how,
            ))
        });
        let found: Vec<_> = rows(&merged)
            .into_iter()
            .map(|(time, _, _, line)| (time, line))
            .collect();
        assert_eq!(found, all[wanted], "{first:?} {last:?}");
    }
}

#[test]
fn what_does_not_fit_is_counted_over_all_chunks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.log");
    let (text, rows) = log();
    fs::write(&path, text).unwrap();
    let (_, progress) = scanned(&path, options(1));
    let misfits = progress.misfits();
    let found: Vec<_> = misfits.iter().collect();
    let [(name, misfit)] = found[..] else {
        panic!("{found:?}");
    };
    // Every fifteenth record is looked for and says "many"; the first of all is one.
    let count = rows
        .iter()
        .filter(|(_, _, number, _)| number.is_none())
        .count();
    assert_eq!((name, misfit.count, misfit.numbers), ("n", count as u64, 0));
    assert_eq!(
        (&*misfit.value, &*misfit.source, misfit.offset),
        ("many", path.to_str().unwrap(), 0)
    );
}

#[test]
fn surroundings_and_lines_come_beside_columns() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.log");
    let (text, expected) = log();
    fs::write(&path, text).unwrap();
    for want in [Want::Lines, Want::Surroundings] {
        let batches = collect(|| {
            let options = Options { want, ..options(1) };
            Box::new(scan(
                names(&path),
                WalkOptions::default(),
                search("needle"),
                options,
            ))
        });
        let lines = batches.iter().flat_map(|batch| {
            let line = |range: std::ops::Range<usize>| batch.bytes[range].trim_ascii().to_vec();
            batch.runs.iter().map(move |run| line(run.range.clone()))
        });
        let lines: Vec<_> = lines.map(|line| String::from_utf8(line).unwrap()).collect();
        let expected: Vec<_> = expected.iter().map(|row| row.3.clone()).collect();
        assert_eq!(lines, expected);
        let found: Vec<_> = rows(&batches).into_iter().map(|row| row.3).collect();
        assert_eq!(found, expected);
    }
}

fn fields_of(path: &Path) -> Vec<(String, Type)> {
    let options = Options {
        records: true,
        ..Options::default()
    };
    let fields = fields(names(path), WalkOptions::default(), &options);
    let fields = fields.iter();
    fields.map(|(name, ty)| (name.to_owned(), ty)).collect()
}

fn field(name: &str, ty: Type) -> (String, Type) {
    (name.to_owned(), ty)
}

#[test]
fn fields_are_sampled_at_the_beginning_in_the_middle_and_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.log");
    let fill =
        |value: &str| format!("{{\"n\":{value},\"pad\":\"{}\"}}\n", "x".repeat(1000)).repeat(500);
    let text = [
        fill("1"),
        fill("true"),
        "{\"late\":1.5,\"n\":2}\n".to_owned(),
    ]
    .concat();
    fs::write(&path, &text).unwrap();
    let expected = [
        field("n", Type::Text),
        field("pad", Type::Text),
        field("late", Type::Float),
    ];
    assert_eq!(fields_of(&path), expected);

    // Of what is compressed the beginning is known.
    let gzip = directory.path().join("a.log.gz");
    let mut encoder = GzEncoder::new(File::create(&gzip).unwrap(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap();
    let expected = [field("n", Type::Int), field("pad", Type::Text)];
    assert_eq!(fields_of(&gzip), expected);
}

#[test]
fn fields_of_formats_with_headers_and_of_lists_are_known() {
    let directory = tempfile::tempdir().unwrap();
    let table = directory.path().join("a.csv");
    fs::write(
        &table,
        "time,user,took\n2026-03-14 14:05:30,ann,1.5\n2026-03-14 14:05:31,bob,2\n",
    )
    .unwrap();
    assert_eq!(
        fields_of(&table),
        [field("user", Type::Text), field("took", Type::Float)]
    );
    let list = directory.path().join("a.json");
    let objects = "{\"n\":1,\"ok\":true},".repeat(20_000);
    fs::write(&list, format!("[{objects}{{\"n\":2}}]\n")).unwrap();
    assert_eq!(
        fields_of(&list),
        [field("n", Type::Int), field("ok", Type::Bool)]
    );
    let utf_16: Vec<u8> = "\u{feff}{\"n\":1}\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let wide = directory.path().join("wide.log");
    fs::write(&wide, utf_16).unwrap();
    assert_eq!(fields_of(&wide), [field("n", Type::Int)]);
    for nothing in [&b""[..], b"\0\0\0\0"] {
        let path = directory.path().join("nothing.log");
        fs::write(&path, nothing).unwrap();
        assert_eq!(fields_of(&path), []);
    }
    assert_eq!(fields_of(&directory.path().join("missing.log")), []);
}
