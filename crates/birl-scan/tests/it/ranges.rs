//! Ranges of time, held against looking at every record.

use std::fs;
use std::ops::Range;

use birl_scan::{Batch, Options, Times, scan};
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use futures::StreamExt;
use jiff::Timestamp;
use proptest::prelude::*;

use crate::common::{batches, events_of, search};

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_773_446_400;

/// A record: how many seconds after the start it says that it was, if it says so, and its length.
type Record = (Option<i64>, usize);

fn text(records: &[Record]) -> String {
    let record = |(second, padding): &Record| {
        let padding = "x".repeat(*padding);
        match second {
            Some(second) => {
                let time = Timestamp::from_second(START + second).unwrap();
                format!("{{\"time\":\"{time}\",\"msg\":\"{padding}\"}}\n")
            }
            None => format!("{{\"msg\":\"{padding}\"}}\n"),
        }
    };
    records.iter().map(record).collect()
}

/// Records whose times rise, but for some that are up to a minute late, and some without one.
fn records() -> impl Strategy<Value = Vec<Record>> {
    let record = (
        prop_oneof![20 => 0i64..30, 1 => 0i64..20_000],
        prop_oneof![6 => Just(0), 1 => 0i64..=60],
        prop::bool::weighted(0.05),
        prop_oneof![9 => 0usize..200, 1 => 0usize..6_000],
    );
    prop::collection::vec(record, 1..400).prop_map(|records| {
        let mut second = 0;
        let records = records.into_iter().map(|(gap, late, is_untimed, padding)| {
            second += gap;
            ((!is_untimed).then_some(second - late), padding)
        });
        records.collect()
    })
}

/// The seconds of the records that were found.
fn found(batches: &[Batch]) -> Vec<Option<i64>> {
    let runs = batches.iter().flat_map(|batch| &batch.runs);
    runs.map(|run| run.time.map(|time| time / SECOND - START))
        .collect()
}

fn instants(range: &Range<i64>) -> Range<i64> {
    (START + range.start) * SECOND..(START + range.end) * SECOND
}

fn options(chunk_bytes: usize) -> Options {
    Options {
        records: true,
        times: Times::Given,
        threads: 2,
        chunk_bytes,
        ..Options::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn a_range_finds_what_asking_every_record_finds(
        mut records in records(),
        is_turned in prop::bool::weighted(0.2),
        begin in 0f64..1.0,
        length in 0f64..0.5,
        chunk_bytes in prop::sample::select(vec![4096, 8192, 1 << 20]),
        backwards in prop::bool::ANY,
    ) {
        let last = records.iter().filter_map(|(second, _)| *second).max().unwrap_or(0) as f64;
        let mut begin = (begin * last) as i64;
        if is_turned {
            // As where two logs stand one behind the other, the newer one first.
            let half = records.len() / 2;
            records.iter_mut().for_each(|record| record.1 = 100);
            let older = records[half..].iter_mut().filter_map(|record| record.0.as_mut());
            older.for_each(|second| *second -= 100_000);
            begin -= if begin % 2 == 0 { 100_000 } else { 0 };
        }
        let range = begin..begin + (length * last) as i64;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        fs::write(&path, text(&records)).unwrap();
        let options = Options { backwards, ends: true, ..options(chunk_bytes) };
        let search = search("*").within(instants(&range));
        let mut batches = batches(events_of(&[&path], search, options));
        prop_assert_eq!(batches.iter().filter(|batch| batch.last).count(), 1);
        batches.sort_by_key(|batch| batch.offset);
        let expected: Vec<_> = records
            .iter()
            .map(|(second, _)| *second)
            .filter(|second| second.is_some_and(|second| range.contains(&second)))
            .collect();
        prop_assert_eq!(found(&batches), expected);
    }
}

/// How many bytes of a log of 40,000 records, a second each, are read, and how many passed over.
fn read(records: &[Record], range: Range<i64>, change: impl Fn(&mut Options)) -> (usize, u64, u64) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.log");
    fs::write(&path, text(records)).unwrap();
    let mut options = options(16_384);
    change(&mut options);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let names = vec![Name::parse(path.as_os_str()).unwrap()];
        let search = search("*").within(instants(&range));
        let scan = scan(names, WalkOptions::default(), search, options);
        let progress = scan.progress();
        let events: Vec<_> = scan.collect().await;
        let snapshot = progress.snapshot();
        let runs = found(&batches(events)).len();
        (runs, snapshot.bytes_read, snapshot.bytes_out_of_time)
    })
}

#[test]
fn of_a_file_in_order_only_the_range_is_read() {
    let records: Vec<Record> = (0..40_000).map(|second| (Some(second), 100)).collect();
    let len = text(&records).len() as u64;
    for (range, count) in [
        (20_000..20_010, 10),
        (0..1, 1),
        (39_999..50_000, 1),
        (-10..0, 0),
        (50_000..60_000, 0),
        (30..30, 0),
    ] {
        let (found, bytes_read, passed_over) = read(&records, range.clone(), |_| {});
        assert_eq!(found, count, "{range:?}");
        assert!(bytes_read < 8 * 16_384, "{range:?}: read {bytes_read}");
        assert!(
            passed_over > len - 8 * 16_384,
            "{range:?}: passed over {passed_over}"
        );
    }
}

#[test]
fn what_needs_all_of_a_file_reads_all_of_it() {
    let mut records: Vec<Record> = (0..40_000).map(|second| (Some(second), 100)).collect();
    let range = 20_000..20_010;
    let numbered = |options: &mut Options| options.numbered = true;
    assert_eq!(read(&records, range.clone(), numbered).2, 0);
    let whole = |options: &mut Options| options.whole = true;
    assert_eq!(read(&records, range.clone(), whole).2, 0);
    // A clock that was set back for a while.
    for record in &mut records[30_000..32_000] {
        record.0 = record.0.map(|second| second - 10_000);
    }
    let (found, _, passed_over) = read(&records, range.clone(), |_| {});
    assert_eq!((found, passed_over), (20, 0));
    // With more slack it is in order.
    let slack = |options: &mut Options| options.slack = 12_000 * SECOND;
    let (found, _, passed_over) = read(&records, range, slack);
    assert_eq!(found, 20);
    assert!(passed_over > 0);
}
