use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;

use async_trait::async_trait;
use tempfile::TempDir;

use super::*;
use crate::alert::testing::alert;
use crate::alert::{Alert, State};
use crate::store::Checkpoint;

const LONG: Duration = Duration::from_secs(3600);

/// How a place answers.
#[derive(Clone, Debug)]
enum Answer {
    Takes,
    ForNow,
    Busy(u64),
    ForGood,
    Panics,
    Hangs,
    /// Takes it after a while.
    Slow,
}

/// Answers as it is told, then takes all.
#[derive(Debug, Default)]
struct Scripted {
    answers: Mutex<VecDeque<Answer>>,
    /// The ids of what it was given, with when.
    got: Mutex<Vec<(String, Instant)>>,
    texts: Mutex<Vec<String>>,
}

impl Scripted {
    fn new(answers: &[Answer]) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.iter().cloned().collect()),
            got: Mutex::default(),
            texts: Mutex::default(),
        })
    }

    fn ids(&self) -> Vec<String> {
        self.got
            .lock()
            .unwrap()
            .iter()
            .map(|(id, _)| id.clone())
            .collect()
    }

    fn times(&self) -> Vec<Instant> {
        self.got.lock().unwrap().iter().map(|(_, at)| *at).collect()
    }
}

#[async_trait]
impl Place for Scripted {
    async fn send(&self, alert: &Alert) -> Result<(), Undelivered> {
        self.got
            .lock()
            .unwrap()
            .push((alert.id.clone(), Instant::now()));
        self.texts.lock().unwrap().push(alert.text.clone());
        let answer = self.answers.lock().unwrap().pop_front();
        let reason = "no".to_owned();
        match answer.unwrap_or(Answer::Takes) {
            Answer::Takes => Ok(()),
            Answer::ForNow => Err(Undelivered::ForNow {
                reason,
                after: None,
            }),
            Answer::Busy(seconds) => Err(Undelivered::ForNow {
                reason,
                after: Some(Duration::from_secs(seconds)),
            }),
            Answer::ForGood => Err(Undelivered::ForGood { reason }),
            Answer::Panics => panic!("as told"),
            Answer::Hangs => std::future::pending().await,
            Answer::Slow => {
                tokio::time::sleep(Duration::from_secs(20)).await;
                Ok(())
            }
        }
    }
}

/// An outbox, and what looks after it.
struct Bench {
    _directory: TempDir,
    path: PathBuf,
    store: Store,
    status: watch::Sender<Status>,
}

impl Bench {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("birl.db");
        Self {
            _directory: directory,
            store: Store::open(&path).await.unwrap(),
            path,
            status: watch::Sender::default(),
        }
    }

    async fn push(&self, place: &str, ids: std::ops::Range<u32>) {
        let alerts = ids.map(|id| Alert {
            id: id.to_string(),
            ..alert()
        });
        let outbox = alerts.map(|alert| (place.to_owned(), alert)).collect();
        let checkpoint = Checkpoint {
            outbox,
            ..Checkpoint::default()
        };
        self.store.checkpoint(checkpoint).await.unwrap();
    }

    /// Puts alerts into the outbox, each of which is said as its rule, its group and whether it is over.
    async fn say(&self, said: &[(&str, &str, State)]) {
        let alerts = said.iter().map(|(rule, host, state)| {
            let over = if *state == State::Resolved {
                " over"
            } else {
                ""
            };
            let alert = Alert {
                id: format!("{rule} {host}"),
                rule: (*rule).to_owned(),
                group: vec![("host".to_owned(), (*host).to_owned())],
                state: *state,
                text: format!("{rule} {host}{over}"),
                ..alert()
            };
            ("room".to_owned(), alert)
        });
        let checkpoint = Checkpoint {
            outbox: alerts.collect(),
            ..Checkpoint::default()
        };
        self.store.checkpoint(checkpoint).await.unwrap();
    }

    /// A place where alerts wait half a minute behind one of their rule.
    async fn start_room(&self, place: &Arc<Scripted>) -> Deliverer {
        let target = Target {
            place: Arc::clone(place) as _,
            kind: "scripted",
            max_per_minute: None,
            fold: Some(Duration::from_secs(30)),
        };
        let targets = BTreeMap::from([("room".to_owned(), target)]);
        Deliverer::start(&self.store, targets, &self.status)
            .await
            .unwrap()
    }

    async fn start(&self, places: &[(&str, &Arc<Scripted>, Option<u32>)]) -> Deliverer {
        let targets = Self::targets(places);
        Deliverer::start(&self.store, targets, &self.status)
            .await
            .unwrap()
    }

    fn targets(places: &[(&str, &Arc<Scripted>, Option<u32>)]) -> BTreeMap<String, Target> {
        let targets = places.iter().map(|(name, place, max)| {
            let target = Target {
                place: Arc::clone(place) as _,
                kind: "scripted",
                max_per_minute: max.and_then(NonZeroU32::new),
                fold: None,
            };
            ((*name).to_owned(), target)
        });
        targets.collect()
    }

    /// Waits until a place is as wanted.
    async fn until(&self, name: &str, is: impl Fn(&status::Place) -> bool) -> status::Place {
        let mut status = self.status.subscribe();
        let found =
            status.wait_for(|status| status.places.iter().any(|it| it.name == name && is(it)));
        let places = &found.await.unwrap().places;
        places.iter().find(|it| it.name == name).unwrap().clone()
    }

    async fn emptied(&self, name: &str, taken: u64) -> status::Place {
        self.until(name, |place| place.waiting == 0 && place.taken == taken)
            .await
    }
}

#[tokio::test(start_paused = true)]
async fn alerts_are_tried_in_order_until_they_are_taken() {
    let bench = Bench::new().await;
    bench.push("ops", 1..4).await;
    let answers = [
        Answer::ForNow,
        Answer::Busy(100),
        Answer::Panics,
        Answer::Takes,
        Answer::ForGood,
    ];
    let place = Scripted::new(&answers);
    let deliverer = bench.start(&[("ops", &place, None)]).await;
    let told = bench.emptied("ops", 2).await;
    assert_eq!(place.ids(), ["1", "1", "1", "1", "2", "3"]);
    let times = place.times();
    assert!(times[2] - times[1] >= Duration::from_secs(100));
    assert_eq!((told.dead, told.failures, told.next_try), (1, 0, None));
    let letters = bench.store.dead_letters().await.unwrap();
    assert_eq!(
        (letters[0].place.as_str(), letters[0].reason.as_str()),
        ("ops", "no")
    );
    // It goes on with what comes.
    bench.push("ops", 4..6).await;
    bench.emptied("ops", 4).await;
    assert_eq!(place.ids()[6..], ["4", "5"]);
    deliverer.stop(LONG).await;
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_away_holds_up_no_other() {
    let bench = Bench::new().await;
    let away = Scripted::new(&vec![Answer::ForNow; 1000]);
    let there = Scripted::new(&[]);
    let _deliverer = bench
        .start(&[("away", &away, None), ("there", &there, None)])
        .await;
    bench.push("away", 1..3).await;
    bench.push("there", 1..10).await;
    bench.emptied("there", 9).await;
    let told = bench.until("away", |place| place.failures > 20).await;
    assert_eq!((told.waiting, told.taken), (2, 0));
    assert_eq!(told.problem.unwrap().reason, "no");
    assert!(away.ids().iter().all(|id| id == "1"));
    // The waits are random, but none is longer than a minute.
    let times = away.times();
    assert!(
        times
            .windows(2)
            .all(|pair| pair[1] - pair[0] <= BACKOFF_MAX)
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_not_taken_is_sent_after_the_next_start_no_sooner_than_asked() {
    let bench = Bench::new().await;
    bench.push("ops", 1..3).await;
    let busy = Scripted::new(&[Answer::Busy(600)]);
    let deliverer = bench.start(&[("ops", &busy, None)]).await;
    bench.until("ops", |place| place.next_try.is_some()).await;
    deliverer.stop(LONG).await;
    assert_eq!(busy.ids(), ["1"]);
    let entry = bench.store.next("ops").await.unwrap().unwrap();
    assert_eq!((entry.alert.id.as_str(), entry.attempts), ("1", 1));
    let place = Scripted::new(&[]);
    let began = Instant::now();
    let _deliverer = bench.start(&[("ops", &place, None)]).await;
    bench.emptied("ops", 2).await;
    assert_eq!(place.ids(), ["1", "2"]);
    // The clock on the wall has gone on a little meanwhile.
    assert!(place.times()[0] - began > Duration::from_secs(500));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_left_alone_for_ever() {
    let bench = Bench::new().await;
    bench.push("ops", 1..2).await;
    let place = Scripted::new(&[Answer::Busy(u64::MAX)]);
    let _deliverer = bench.start(&[("ops", &place, None)]).await;
    bench.emptied("ops", 1).await;
    let times = place.times();
    assert!(times[1] - times[0] <= KEPT_WAIT_MAX + BACKOFF_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_stop_sends_what_can_be_sent_and_waits_for_nobody() {
    let bench = Bench::new().await;
    let place = Scripted::new(&[]);
    let hangs = Scripted::new(&[Answer::Takes, Answer::Hangs]);
    let deliverer = bench
        .start(&[("ops", &place, None), ("hangs", &hangs, None)])
        .await;
    bench.push("ops", 0..50).await;
    bench.push("hangs", 0..50).await;
    deliverer.stop(Duration::from_secs(5)).await;
    assert_eq!(place.ids().len(), 50);
    assert_eq!(hangs.ids(), ["0", "1"]);
    assert_eq!(
        bench.store.waiting().await,
        Ok(vec![("hangs".to_owned(), 49)])
    );
}

#[tokio::test(start_paused = true)]
async fn other_targets_send_nothing_again_and_nothing_before_what_is_being_sent() {
    let bench = Bench::new().await;
    let place = Scripted::new(&[Answer::Takes, Answer::Slow]);
    let mut deliverer = bench.start(&[("ops", &place, None)]).await;
    bench.push("ops", 0..50).await;
    bench.until("ops", |it| it.taken == 1).await;
    // The second is being sent, or is next, however often it is replaced.
    let other = Scripted::new(&[]);
    for _ in 0..3 {
        let targets = Bench::targets(&[("ops", &other, None)]);
        let replaced = deliverer.replace(&bench.store, targets, &bench.status);
        replaced.await.unwrap();
    }
    bench.emptied("ops", 50).await;
    let mut all = place.ids();
    assert!(all.len() <= 2, "{all:?}");
    if let (Some(second), Some(third)) = (place.times().get(1), other.times().first()) {
        assert!(*third - *second >= Duration::from_secs(20));
    }
    all.extend(other.ids());
    let expected: Vec<_> = (0..50).map(|id| id.to_string()).collect();
    assert_eq!(all, expected);
    deliverer.stop(LONG).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_for_a_minute_is_told_of_together() {
    let bench = Bench::new().await;
    bench.push("ops", 0..10).await;
    let place = Scripted::new(&[]);
    let _deliverer = bench.start(&[("ops", &place, Some(3))]).await;
    let told = bench.emptied("ops", 4).await;
    assert_eq!(told.held_back, 7);
    assert_eq!(place.ids()[..3], ["0", "1", "2"]);
    let times = place.times();
    assert_eq!(times.len(), 4);
    assert!(times[3] - times[0] >= Duration::from_secs(60));
    // One alert that is too much comes itself, a minute later.
    bench.push("ops", 10..13).await;
    let told = bench.emptied("ops", 7).await;
    assert_eq!(
        (told.held_back, &place.ids()[4..]),
        (7, &["10", "11", "12"].map(str::to_owned)[..])
    );
    assert!(place.times()[6] - times[3] >= Duration::from_secs(60));
}

const FIRES: State = State::Firing;
const OVER: State = State::Resolved;

#[tokio::test(start_paused = true)]
async fn the_first_of_a_rule_is_told_at_once_and_what_follows_together() {
    let bench = Bench::new().await;
    let place = Scripted::new(&[]);
    let _deliverer = bench.start_room(&place).await;
    let began = Instant::now();
    bench
        .say(&[
            ("burst", "a", FIRES),
            ("burst", "b", FIRES),
            ("burst", "c", FIRES),
            ("other", "a", FIRES),
        ])
        .await;
    bench.until("room", |it| it.taken == 2).await;
    assert!(began.elapsed() < Duration::from_secs(30));
    bench.say(&[("burst", "b", FIRES)]).await;
    let told = bench.emptied("room", 3).await;
    assert_eq!(told.held_back, 3);
    assert!(began.elapsed() >= Duration::from_secs(30));
    // What follows on that waits as well, and one alone is told as it is.
    bench.say(&[("burst", "d", FIRES)]).await;
    bench.emptied("room", 4).await;
    assert!(began.elapsed() >= Duration::from_secs(60));
    assert_eq!(
        *place.texts.lock().unwrap(),
        [
            "burst a",
            "other a",
            "burst: +3 since 14:06Z, 2 values of host (b, c)",
            "burst d"
        ]
    );
    // Nothing has been told of it for long.
    tokio::time::sleep(Duration::from_secs(31)).await;
    let began = Instant::now();
    bench.say(&[("burst", "e", FIRES)]).await;
    bench.emptied("room", 5).await;
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn an_end_is_told_as_its_beginning_was() {
    let bench = Bench::new().await;
    let place = Scripted::new(&[]);
    let _deliverer = bench.start_room(&place).await;
    bench
        .say(&[
            ("burst", "a", FIRES),
            ("burst", "b", FIRES),
            ("burst", "c", FIRES),
            // That it still fires is of no use behind its end.
            ("burst", "a", FIRES),
            ("burst", "a", OVER),
        ])
        .await;
    bench.emptied("room", 3).await;
    bench
        .say(&[("burst", "b", OVER), ("burst", "c", OVER)])
        .await;
    bench.emptied("room", 4).await;
    assert_eq!(
        *place.texts.lock().unwrap(),
        [
            "burst a",
            "burst a over",
            "burst: +2 since 14:06Z, 2 values of host (b, c)",
            "burst: 2 over since 14:06Z, 2 values of host (b, c)",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_acked_is_not_said_again_together_with_others() {
    let bench = Bench::new().await;
    let place = Scripted::new(&[]);
    let _deliverer = bench.start_room(&place).await;
    bench
        .say(&[
            ("burst", "a", FIRES),
            ("burst", "a", FIRES),
            ("burst", "b", FIRES),
            ("burst", "a", FIRES),
            ("other", "a", FIRES),
        ])
        .await;
    // Those of the first rule have been put aside.
    bench.until("room", |it| it.taken == 2).await;
    for host in ["a", "b"] {
        let ack = crate::store::Ack {
            id: format!("burst {host}"),
            rule: "burst".to_owned(),
            by: "ann".to_owned(),
            at: 0,
            comment: String::new(),
        };
        bench.store.ack(ack).await.unwrap();
    }
    bench.emptied("room", 3).await;
    // Of the other one nobody had been told.
    assert_eq!(
        *place.texts.lock().unwrap(),
        ["burst a", "other a", "burst b"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_others_is_not_lost_with_the_process() {
    let bench = Bench::new().await;
    let place = Scripted::new(&[]);
    let deliverer = bench.start_room(&place).await;
    bench
        .say(&[
            ("burst", "a", FIRES),
            ("burst", "b", FIRES),
            ("burst", "c", FIRES),
            ("burst", "d", FIRES),
        ])
        .await;
    bench.until("room", |it| it.taken == 1).await;
    deliverer.stop(LONG).await;
    assert_eq!(
        bench.store.waiting().await,
        Ok(vec![("room".to_owned(), 3)])
    );
    let _deliverer = bench.start_room(&place).await;
    bench.emptied("room", 3).await;
    assert_eq!(
        *place.texts.lock().unwrap(),
        [
            "burst a",
            "burst b",
            "burst: +2 since 14:06Z, 2 values of host (c, d)"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_alert_is_not_sent_again_because_the_state_cannot_be_written() {
    let bench = Bench::new().await;
    bench.push("ops", 1..3).await;
    bench.store.locks_at_once();
    let hangs = Scripted::new(&[Answer::ForNow]);
    let deliverer = bench.start(&[("ops", &hangs, None)]).await;
    bench.until("ops", |place| place.failures == 1).await;
    // Before the next attempt.
    let other = rusqlite::Connection::open(&bench.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let is_locked = |place: &status::Place| {
        let reason = place.problem.as_ref().map_or("", |problem| &problem.reason);
        reason.ends_with("another program has locked it")
    };
    bench.until("ops", is_locked).await;
    tokio::time::sleep(LONG).await;
    other.execute_batch("ROLLBACK").unwrap();
    let unlocked = Instant::now();
    let told = bench.emptied("ops", 2).await;
    assert_eq!(told.problem, None);
    assert_eq!(hangs.ids(), ["1", "1", "2"]);
    // However long it was locked, the rest does not wait for longer.
    assert!(hangs.times()[2] - unlocked <= STATE_AGAIN_AFTER);
    deliverer.stop(LONG).await;
}

#[tokio::test]
async fn alerts_for_a_place_that_is_gone_are_told_of_and_kept() {
    let bench = Bench::new().await;
    bench.push("old", 0..3).await;
    let _deliverer = bench.start(&[]).await;
    let old = bench.until("old", |_| true).await;
    assert_eq!((old.kind.as_str(), old.waiting), ("gone", 3));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_alert_that_was_told_is_told_even_in_a_storm() {
    let bench = Bench::new().await;
    bench.push("ops", 0..1).await;
    let place = Scripted::new(&[]);
    let _deliverer = bench.start(&[("ops", &place, Some(1))]).await;
    bench.emptied("ops", 1).await;
    bench.push("ops", 5..9).await;
    let over = Alert {
        id: "0".to_owned(),
        state: State::Resolved,
        ..alert()
    };
    let outbox = vec![("ops".to_owned(), over)];
    bench
        .store
        .checkpoint(Checkpoint {
            outbox,
            ..Checkpoint::default()
        })
        .await
        .unwrap();
    let told = bench.emptied("ops", 3).await;
    assert_eq!(told.held_back, 4);
    assert_eq!((place.ids().len(), place.ids()[2].as_str()), (3, "0"));
}

/// Over HTTP, by the clock: the waits are short enough.
#[tokio::test]
async fn a_webhook_that_comes_and_goes_gets_each_alert_in_order() {
    use crate::testing::Receiver;
    let receiver = Receiver::start(|number, _| match number {
        1 => "503 Service Unavailable".to_owned(),
        3 => "429 Too Many Requests\r\nRetry-After: 0".to_owned(),
        5 => "400 Bad Request".to_owned(),
        _ => "200 OK".to_owned(),
    })
    .await;
    let config = format!("webhook = '{}'", receiver.url);
    let config: crate::places::Config = toml::from_str(&config).unwrap();
    let surroundings = crate::places::Surroundings {
        variable: |_| None,
        proxies: birl_net::Proxies::default(),
        stdout: Arc::new(Mutex::new(Vec::new())),
        rooms: std::sync::Arc::new(crate::places::NoRooms),
    };
    let target = Target {
        place: config.open("ops", &surroundings).unwrap(),
        kind: config.kind().unwrap(),
        max_per_minute: config.max_per_minute(),
        fold: config.fold(),
    };
    let bench = Bench::new().await;
    let targets = [("ops".to_owned(), target)].into();
    let deliverer = Deliverer::start(&bench.store, targets, &bench.status)
        .await
        .unwrap();
    bench.push("ops", 0..6).await;
    let told = bench.emptied("ops", 5).await;
    assert_eq!((told.dead, told.kind.as_str()), (1, "webhook"));
    let asked = receiver.asked();
    let ids: Vec<_> = asked
        .iter()
        .map(|asked| serde_json::from_str::<Alert>(&asked.body).unwrap().id)
        .collect();
    assert_eq!(ids, ["0", "1", "1", "2", "2", "3", "4", "5"]);
    deliverer.stop(LONG).await;
}
