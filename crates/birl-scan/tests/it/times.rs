//! The times of records, held against when they were written.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use birl_scan::{Batch, Event, Options, Run, Times, Want, follow};
use birl_source::follow::Options as FollowOptions;
use birl_source::name::Name;
use futures::StreamExt;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::common::{batches, events, search};

const SECOND: i64 = 1_000_000_000;

/// How a log writes its times, and how far apart two of them may be.
#[derive(Clone, Copy, Debug)]
struct Style {
    pattern: &'static str,
    gap_seconds_max: i64,
}

const STYLES: [Style; 5] = [
    Style {
        pattern: "%Y-%m-%d %H:%M:%S",
        gap_seconds_max: 100_000_000,
    },
    Style {
        pattern: "%Y-%m-%dT%H:%M:%S.250+05:30",
        gap_seconds_max: 100_000,
    },
    Style {
        pattern: "%b %e %H:%M:%S",
        gap_seconds_max: 300 * 86_400,
    },
    Style {
        pattern: "%H:%M:%S",
        gap_seconds_max: 21 * 3_600,
    },
    Style {
        pattern: "%s",
        gap_seconds_max: 100_000,
    },
];

/// When the records of a log were, in seconds, and how long each is.
#[derive(Clone, Debug)]
struct Log {
    style: Style,
    zone: TimeZone,
    records: Vec<(i64, usize)>,
}

impl Log {
    fn text(&self) -> String {
        let record = |(second, padding): &(i64, usize)| {
            let time = Timestamp::from_second(*second).unwrap();
            let time = time.to_zoned(self.zone.clone());
            let time = time.strftime(self.style.pattern);
            let host = match self.style.pattern.starts_with("%b") {
                true => "web-1 sshd[7]: ",
                false => "",
            };
            let trace = "\tat a.b.C\n".repeat(padding % 3);
            format!("{time} {host}INFO done{}\n{trace}", "x".repeat(*padding))
        };
        self.records.iter().map(record).collect()
    }

    fn last(&self) -> i64 {
        self.records.last().map_or(0, |(second, _)| *second)
    }

    fn times(&self) -> Vec<Option<i64>> {
        let fraction = match self.style.pattern.contains(".250") {
            true => 250_000_000,
            false => 0,
        };
        let time = |(second, _): &(i64, usize)| Some(second * SECOND + fraction);
        self.records.iter().map(time).collect()
    }
}

fn logs() -> impl Strategy<Value = Log> {
    let zones = ["UTC0", "<+0530>-5:30", "EST5"];
    let zone = prop::sample::select(zones.to_vec());
    let records = prop::collection::vec((1i64..10_000, 0usize..1_500), 1..60);
    (
        prop::sample::select(STYLES.to_vec()),
        zone,
        1_100_000_000i64..1_700_000_000,
        records,
    )
        .prop_map(|(style, zone, start, gaps)| {
            let mut second = start;
            let records = gaps.into_iter().map(|(gap, padding)| {
                second += 1 + gap * style.gap_seconds_max / 10_000;
                (second, padding)
            });
            let zone = match style.pattern.contains("+05:30") {
                true => "<+0530>-5:30",
                false => zone,
            };
            Log {
                style,
                zone: TimeZone::posix(zone).unwrap(),
                records: records.collect(),
            }
        })
        // A leap day, or a year that has none, would tell more than is meant here.
        .prop_filter("a time too far ahead", |log| log.last() < 4_000_000_000)
}

fn write(path: &Path, log: &Log) {
    fs::write(path, log.text()).unwrap();
    let modified = UNIX_EPOCH + Duration::from_secs(log.last() as u64 + 30);
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
}

fn times(batches: &[Batch]) -> Vec<Option<i64>> {
    let runs = batches.iter().flat_map(|batch| &batch.runs);
    runs.map(|run| run.time).collect()
}

/// The times of records that are told when the records are read.
fn deferred_times(batches: &[Batch]) -> Vec<Option<i64>> {
    let times = batches.iter().flat_map(|batch| {
        let parser = batch.parser.as_ref().unwrap();
        let mut chronology = batch.chronology.clone();
        assert_eq!(chronology.is_none(), parser.has_partial_times());
        let time = |run: &Run| match &mut chronology {
            Some(chronology) => {
                let timestamp = parser.timestamp(&batch.bytes[run.range.clone()])?;
                chronology.instant_alone(parser.reading(timestamp)?)
            }
            None => run.time,
        };
        batch.runs.iter().map(time).collect::<Vec<_>>()
    });
    times.collect()
}

/// What a followed file holds when following begins.
fn followed(path: &Path, options: Options) -> Vec<Batch> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let names = vec![Name::parse(path.as_os_str()).unwrap()];
        let how = FollowOptions::default();
        let events = follow(names, how, None, search("*"), options);
        let mut caught_up = false;
        let mut batches = Vec::new();
        let mut events = std::pin::pin!(events);
        let mut wanted = fs::metadata(path).unwrap().len();
        while !caught_up || wanted > 0 {
            match events.next().await.unwrap() {
                Event::Batch(batch) => {
                    wanted -= batch.bytes.len() as u64;
                    batches.push(batch);
                }
                Event::CaughtUp => caught_up = true,
                event => panic!("{event:?}"),
            }
        }
        batches
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_record_has_its_time_wherever_chunks_are_cut(
        log in logs(),
        chunk_bytes in prop::sample::select(vec![4096, 8192, 1 << 20]),
        threads in 1usize..4,
        backwards in prop::bool::ANY,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        write(&path, &log);
        let options = Options {
            records: true,
            times: Times::Given,
            zone: log.zone.clone(),
            threads,
            chunk_bytes,
            backwards,
            ..Options::default()
        };
        let mut found = batches(events(&[&path], "*", options.clone()));
        found.sort_by_key(|batch| batch.offset);
        prop_assert_eq!(times(&found), log.times());

        // Where most records do not match, those that do have the same times.
        let some = batches(events(&[&path], "donexx", options.clone()));
        let expected: Vec<_> = log.times().into_iter().zip(&log.records).filter(|(_, (_, padding))| *padding > 1).map(|(time, _)| time).collect();
        let mut some = some;
        some.sort_by_key(|batch| batch.offset);
        prop_assert_eq!(times(&some), expected);

        // Who reads the records anyway comes to the same times.
        let deferred = Options { times: Times::Deferred, ..options.clone() };
        let mut found = batches(events(&[&path], "*", deferred));
        found.sort_by_key(|batch| batch.offset);
        prop_assert_eq!(deferred_times(&found), log.times());

        let options = Options { want: Want::Surroundings, ..options };
        let mut around = batches(events(&[&path], "nothing", options));
        around.sort_by_key(|batch| batch.offset);
        let around: Vec<_> = around.iter().flat_map(|batch| &batch.times).map(|(_, time)| *time).collect();
        prop_assert_eq!(around, log.times());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// In order, the first record decides over the year or day, so that only a log of less than one
    /// is known to be right.
    #[test]
    fn a_record_of_a_followed_file_has_its_time(log in logs()) {
        let span = log.last() - log.records[0].0;
        let is_short = span < match log.style.pattern {
            "%H:%M:%S" => 86_400,
            "%b %e %H:%M:%S" => 300 * 86_400,
            _ => i64::MAX,
        };
        prop_assume!(is_short);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        write(&path, &log);
        let options = Options {
            records: true,
            times: Times::Given,
            zone: log.zone.clone(),
            now: Some((log.last() + 60) * SECOND),
            ..Options::default()
        };
        prop_assert_eq!(times(&followed(&path, options)), log.times());
    }
}

#[test]
fn what_is_written_while_a_file_is_followed_is_not_of_tomorrow() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.log");
    let line = |clock: &str| format!("{clock} INFO done\n");
    fs::write(&path, line("22:00:00") + &line("07:00:00")).unwrap();
    let now: Timestamp = "2026-03-14T08:00:00Z".parse().unwrap();
    let options = Options {
        records: true,
        times: Times::Given,
        now: Some(now.as_nanosecond() as i64),
        ..Options::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let found = runtime.block_on(async {
        let names = vec![Name::parse(path.as_os_str()).unwrap()];
        let how = FollowOptions {
            poll_interval: Duration::from_millis(10),
            ..FollowOptions::default()
        };
        let mut events = std::pin::pin!(follow(names, how, None, search("*"), options));
        let mut batches = Vec::new();
        while batches
            .iter()
            .map(|batch: &Batch| batch.runs.len())
            .sum::<usize>()
            < 3
        {
            match events.next().await.unwrap() {
                Event::Batch(batch) => batches.push(batch),
                Event::CaughtUp => {
                    let mut file = File::options().append(true).open(&path).unwrap();
                    file.write_all(line("23:00:00").as_bytes()).unwrap();
                }
                event => panic!("{event:?}"),
            }
        }
        times(&batches)
    });
    let found = found.into_iter().map(|time| {
        Timestamp::from_nanosecond(time.unwrap().into())
            .unwrap()
            .to_string()
    });
    assert_eq!(
        found.collect::<Vec<_>>(),
        [
            "2026-03-13T22:00:00Z",
            "2026-03-14T07:00:00Z",
            "2026-03-13T23:00:00Z",
        ]
    );
}
