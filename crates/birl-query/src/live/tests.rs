//! Queries that stop at a barrier and go on there answer as those do that do not stop.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use birl_record::search;
use birl_record::time::Clock;
use birl_scan::{Carried, Options, fields};
use birl_source::follow::{self, Positions, follow};
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use birl_stream::{FlowExt, lag};
use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::Int64Type;
use futures::StreamExt;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::sync::watch;

use super::{Closing, Live, Over, Resume, State};
use crate::{Answer, Limits, Plan, Session, Sources, begun_of_state, fields_of_state};

const SECOND: i64 = 1_000_000_000;
/// When the first record is.
const START: i64 = 1_773_497_100 * SECOND;
const WINDOW: i64 = 10 * SECOND;
const SERVICES: [&str; 3] = ["api", "db", "web"];

/// What is asked at once: with windows whose groups are folded, with windows that keep their rows, rows,
/// rows that are the first of their kind, groups over all time, and sessions of each group; and rows by
/// queries of which each takes from the one before no more than what had begun.
const QUERIES: [(&str, Option<Over>); 7] = [
    ("* |> count by service", Some(WINDOWS)),
    ("* |> sort -n |> select n, service", Some(WINDOWS)),
    ("* |> select n", None),
    ("* |> dedup service |> select service", None),
    ("* |> count by service", None),
    ("* |> count by service", Some(SESSIONS)),
    ("* |> select n, service", None),
];

/// The query that is another one each time.
const CHANGING: usize = 6;

const WINDOWS: Over = Over::Windows {
    size: Duration::from_nanos(WINDOW as u64),
    slide: Duration::from_nanos(WINDOW as u64),
};

const SESSIONS: Over = Over::Sessions {
    gap: Duration::from_nanos(GAP as u64),
    of_groups: true,
};

/// Of the services one has a session for each record, one for every two, and one for all.
const GAP: i64 = 9 * SECOND / 5;

/// Something that happens to the followed files, or to who follows them.
#[derive(Clone, Copy, Debug)]
enum Act {
    Append {
        file: usize,
        lines: usize,
    },
    Rotate {
        file: usize,
    },
    CopyAndTruncate {
        file: usize,
    },
    /// Stops at a barrier that is asked for behind so many rows, and goes on there.
    Restart {
        rows: usize,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let file = || 0..2usize;
    prop_oneof![
        4 => (file(), 1..40usize).prop_map(|(file, lines)| Act::Append { file, lines }),
        1 => file().prop_map(|file| Act::Rotate { file }),
        1 => file().prop_map(|file| Act::CopyAndTruncate { file }),
        3 => (0..60usize).prop_map(|rows| Act::Restart { rows }),
    ]
}

/// What was written, and who asks.
struct World {
    directory: TempDir,
    written: i64,
    rotated: usize,
    positions: Option<Arc<Positions>>,
    states: Vec<Option<Vec<u8>>>,
    answers: Vec<Vec<Answer>>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            directory: TempDir::new().unwrap(),
            written: 0,
            rotated: 0,
            positions: None,
            states: vec![None; QUERIES.len()],
            answers: QUERIES.iter().map(|_| Vec::new()).collect(),
        };
        world.append(0, 1);
        world.append(1, 1);
        world
    }

    fn path(&self, file: usize) -> PathBuf {
        self.directory.path().join(["a.log", "b.log"][file])
    }

    fn append(&mut self, file: usize, lines: usize) {
        let mut options = OpenOptions::new();
        let mut log = options
            .append(true)
            .create(true)
            .open(self.path(file))
            .unwrap();
        for _ in 0..lines {
            let n = self.written;
            let time = jiff::Timestamp::from_nanosecond(time_of(n).into()).unwrap();
            let service = service_of(n);
            let padding = "x".repeat(100);
            let line = format!(
                "{{\"time\":\"{time}\",\"n\":{n},\"service\":\"{service}\",\"padding\":\"{padding}\"}}\n"
            );
            log.write_all(line.as_bytes()).unwrap();
            self.written += 1;
        }
    }

    fn rotate(&mut self, file: usize) {
        let path = self.path(file);
        if path.exists() {
            self.rotated += 1;
            let number = self.rotated;
            fs::rename(&path, format!("{}-2026{number:04}", path.display())).unwrap();
        }
    }

    fn copy_and_truncate(&mut self, file: usize) {
        let path = self.path(file);
        if path.exists() {
            self.rotated += 1;
            let number = self.rotated;
            fs::copy(&path, format!("{}-2026{number:04}", path.display())).unwrap();
            fs::File::create(&path).unwrap();
        }
    }

    fn session(&self, state: Option<&[u8]>) -> Session {
        let names: Vec<_> = (0..2).map(|file| Name::Path(self.path(file))).collect();
        let walk = WalkOptions::default();
        let options = Options {
            records: true,
            threads: 1,
            ..Options::default()
        };
        let sources = Sources {
            fields: match state {
                Some(state) => fields_of_state(state).unwrap(),
                None => fields(names.clone(), walk, &options),
            },
            names,
            walk,
            options,
            clock: Clock {
                now: START,
                newest: None,
                zone: TimeZone::UTC,
            },
            range: None,
            search: search::Options::default(),
            pushes_down: true,
        };
        Session::new(sources, &Limits::default()).unwrap()
    }

    async fn plan(&self, query: usize) -> (Session, Plan) {
        let (mut text, windows) = QUERIES[query];
        if query == CHANGING && self.written % 2 == 1 {
            text = "* |> select service, n";
        }
        let session = self.session(self.states[query].as_deref());
        let live = Live {
            follow: Some(following(None)),
            windows,
            // Nothing is late: files are read one after the other.
            closing: Closing {
                lateness: Duration::from_secs(400),
                idle: Duration::from_secs(3600),
            },
            every: Duration::from_secs(3600),
            ..Live::default()
        };
        let plan = session.plan_live_rows(text, live).await.unwrap();
        (session, plan)
    }

    /// What a query begins with.
    fn resume(&self, query: usize) -> Resume<'_> {
        let state = self.states[query].as_deref();
        Resume {
            state: state.filter(|_| query != CHANGING),
            begun: state.map_or_else(Carried::default, |it| begun_of_state(it).unwrap()),
        }
    }

    /// Asks all queries of one stream of what is followed, until so many rows have come in all, then up
    /// to the barrier that is put there; or to the end of all that was written if `None`.
    async fn run(&mut self, rows: Option<usize>) {
        let followed = follow(
            (0..2).map(|file| Name::Path(self.path(file))).collect(),
            following(self.positions.clone()),
        );
        let barriers = followed.barriers();
        let shared = followed.share(4, lag::Wait);
        let mut all = Vec::new();
        let mut stops = Vec::new();
        // None is polled before all are there: who comes later gets what comes later.
        for query in 0..QUERIES.len() {
            let (session, plan) = self.plan(query).await;
            stops.extend(plan.stop());
            let resume = self.resume(query);
            all.push(plan.run_over(&session, shared.clone(), resume).unwrap());
        }
        drop(shared);
        let (sender, mut seen) = watch::channel((0, 0, 0));
        let is_final = rows.is_none();
        let mut tasks = Vec::new();
        for (query, mut answers) in all.into_iter().enumerate() {
            let sender = sender.clone();
            tasks.push(tokio::spawn(async move {
                let mut given = Vec::new();
                while let Some(answer) = answers.next().await {
                    let answer = answer.unwrap();
                    let settled = match &answer {
                        Answer::Checkpoint { state, .. } => {
                            let state = State::of_bytes(state).unwrap();
                            Some(usize::from(!state.head.carried.holds_back()))
                        }
                        _ => None,
                    };
                    if let (2, Answer::Rows(rows)) = (query, &answer) {
                        sender.send_modify(|seen| seen.0 += rows.num_rows());
                    }
                    given.push(answer);
                    if let Some(settled) = settled {
                        sender.send_modify(|seen| *seen = (seen.0, seen.1 + 1, seen.2 + settled));
                        if !is_final {
                            break;
                        }
                    }
                }
                given
            }));
        }
        let before = self.numbers().len();
        let wanted = rows.unwrap_or(self.written as usize - before);
        // There may not be so many: the barrier comes at another place then.
        let patience = Duration::from_secs(if rows.is_some() { 1 } else { 60 });
        let _ = tokio::time::timeout(patience, seen.wait_for(|seen| seen.0 >= wanted)).await;
        barriers.put(1);
        if is_final {
            // All of them have come as far as the fastest, and hold back nothing.
            let (mut rounds, mut settled) = (1, 0);
            loop {
                let all = seen.wait_for(|seen| seen.1 == rounds * QUERIES.len());
                let before = std::mem::replace(&mut settled, all.await.unwrap().2);
                if settled - before == QUERIES.len() {
                    break;
                }
                rounds += 1;
                barriers.put(1);
            }
            stops.iter().for_each(super::Stop::stop);
        }
        for (query, task) in tasks.into_iter().enumerate() {
            let mut given = task.await.unwrap();
            if rows.is_some() {
                let Some(Answer::Checkpoint {
                    barrier: 1,
                    positions,
                    state,
                }) = given.pop()
                else {
                    panic!("no checkpoint of query {query}");
                };
                let json = serde_json::to_vec(&*positions).unwrap();
                self.positions = Some(Arc::new(serde_json::from_slice(&json).unwrap()));
                self.states[query] = Some(state);
            }
            self.answers[query].extend(given);
        }
    }

    async fn perform(&mut self, act: Act) {
        match act {
            Act::Append { file, lines } => self.append(file, lines),
            Act::Rotate { file } => self.rotate(file),
            Act::CopyAndTruncate { file } => self.copy_and_truncate(file),
            Act::Restart { rows } => self.run(Some(rows)).await,
        }
    }

    /// The numbers of the records that came as rows.
    fn numbers(&self) -> Vec<i64> {
        self.numbers_of(2)
    }

    fn numbers_of(&self, query: usize) -> Vec<i64> {
        let rows = self.answers[query]
            .iter()
            .filter_map(|answer| match answer {
                Answer::Rows(rows) => Some(rows),
                _ => None,
            });
        rows.flat_map(|rows| column(rows, "n")).collect()
    }

    /// What came of windows, each with what it holds.
    fn windows<T>(&self, query: usize, of: impl Fn(&RecordBatch) -> Vec<T>) -> Vec<(i64, Vec<T>)> {
        let windows = self.answers[query]
            .iter()
            .filter_map(|answer| match answer {
                Answer::Window { start, rows, .. } => {
                    Some((*start, rows.iter().flat_map(&of).collect()))
                }
                _ => None,
            });
        windows.collect()
    }
}

fn following(positions: Option<Arc<Positions>>) -> follow::Options {
    follow::Options {
        poll_interval: Duration::from_millis(20),
        block_bytes: 4096,
        resume: positions,
        ..follow::Options::default()
    }
}

fn time_of(n: i64) -> i64 {
    START + n * SECOND / 2
}

fn service_of(n: i64) -> &'static str {
    SERVICES[(n * n % 7) as usize % SERVICES.len()]
}

fn column(rows: &RecordBatch, name: &str) -> Vec<i64> {
    let column = rows.column_by_name(name).unwrap();
    column.as_primitive::<Int64Type>().values().to_vec()
}

fn texts(rows: &RecordBatch, name: &str) -> Vec<String> {
    let column = rows.column_by_name(name).unwrap();
    let column = column.as_string_view().iter();
    column.map(|text| text.unwrap().to_owned()).collect()
}

fn counts(rows: &RecordBatch) -> Vec<(String, i64)> {
    let services = texts(rows, "service").into_iter();
    services.zip(column(rows, "count")).collect()
}

fn count_all(numbers: impl IntoIterator<Item = i64>) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for n in numbers {
        *counts.entry(service_of(n).to_owned()).or_default() += 1;
    }
    counts
}

/// The sessions of each service, by their starts: looked up in all of its times at once.
fn expected_sessions(numbers: impl Iterator<Item = i64>) -> Vec<(i64, Vec<(String, i64)>)> {
    let mut times: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for n in numbers {
        times.entry(service_of(n)).or_default().push(time_of(n));
    }
    let mut sessions = Vec::new();
    for (service, times) in times {
        for session in times.chunk_by(|one, next| next - one < GAP) {
            let count = session.len() as i64;
            sessions.push((session[0], vec![(service.to_owned(), count)]));
        }
    }
    sessions.sort();
    sessions
}

async fn check(acts: VecDeque<Act>) {
    let mut world = World::new();
    // What is rotated before following begins is nobody's business.
    world.run(Some(2)).await;
    for act in acts {
        world.perform(act).await;
    }
    world.run(None).await;
    let all = 0..world.written;
    for query in [2, CHANGING] {
        let mut numbers = world.numbers_of(query);
        numbers.sort_unstable();
        assert_eq!(numbers, all.clone().collect::<Vec<_>>());
    }

    let mut by_window: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for n in all.clone() {
        let start = time_of(n).div_euclid(WINDOW) * WINDOW;
        by_window.entry(start).or_default().push(n);
    }
    let counted = world.windows(0, counts).into_iter();
    let counted = counted.map(|(start, counts)| (start, counts.into_iter().collect()));
    let expected = by_window.iter();
    let expected = expected.map(|(start, numbers)| (*start, count_all(numbers.iter().copied())));
    assert_eq!(
        counted.collect::<Vec<(_, BTreeMap<_, _>)>>(),
        expected.collect::<Vec<_>>()
    );

    let sorted = world.windows(1, |rows| column(rows, "n"));
    let expected = by_window.into_iter().map(|(start, mut numbers)| {
        numbers.reverse();
        (start, numbers)
    });
    assert_eq!(sorted, expected.collect::<Vec<_>>());

    let mut sessions: Vec<_> = world.windows(5, counts).into_iter().collect();
    sessions.sort();
    assert_eq!(sessions, expected_sessions(all.clone()));

    let mut first: Vec<_> = world.answers[3]
        .iter()
        .flat_map(|answer| match answer {
            Answer::Rows(rows) => texts(rows, "service"),
            _ => Vec::new(),
        })
        .collect();
    first.sort();
    let services: Vec<_> = count_all(all.clone()).into_keys().collect();
    assert_eq!(first, services);

    let Some(Answer::Snapshot {
        rows,
        is_last: true,
    }) = world.answers[4].last()
    else {
        panic!("{:?}", world.answers[4].last());
    };
    let groups: BTreeMap<_, _> = rows.iter().flat_map(counts).collect();
    assert_eq!(groups, count_all(all));
}

fn run(acts: impl IntoIterator<Item = Act>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(check(acts.into_iter().collect()));
}

proptest! {
    // A case takes seconds.
    #![proptest_config(ProptestConfig {
        cases: 6,
        max_shrink_iters: 8,
        ..ProptestConfig::default()
    })]

    #[test]
    fn each_record_counts_once_however_often_queries_stop(
        acts in prop::collection::vec(act(), 4..14)
    ) {
        run(acts);
    }
}

#[test]
fn windows_that_are_open_at_barriers_close_once() {
    // The windows that the first lines are in close long before the end.
    let act = |n: usize| {
        [
            Act::Append {
                file: n % 2,
                lines: 150,
            },
            Act::Restart { rows: 40 * (n % 4) },
        ]
    };
    run((0..12)
        .flat_map(act)
        .chain([Act::Rotate { file: 0 }, Act::Restart { rows: 10 }]));
}

#[test]
fn a_state_of_another_query_is_refused() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut world = World::new();
        world.run(Some(2)).await;
        let refused = async |query: usize, of: usize| {
            let (session, plan) = world.plan(query).await;
            let state = world.states[of].as_deref().unwrap();
            let can = plan.can_resume(&session, state).err();
            let events = futures::stream::empty();
            let resume = Resume {
                state: Some(state),
                ..Resume::default()
            };
            let refused = plan.run_over(&session, events, resume).err();
            let refused = refused.map(|error| error.to_string());
            assert_eq!(can.map(|error| error.to_string()), refused);
            refused
        };
        assert_eq!(refused(0, 0).await, None);
        let other = refused(0, 1).await.unwrap();
        assert!(
            other.starts_with("the state is of another query: FROM logs |> ORDER BY n"),
            "{other}"
        );
        assert_eq!(
            refused(0, 4).await.as_deref(),
            Some("the state is of other windows: none")
        );
    });
}
