use std::collections::VecDeque;
use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::alert::State;
use crate::alert::testing::alert;
use crate::control::Delivery;
use crate::deliver::HELD_BACK;
use crate::testing::Disk;

fn directory() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state/birl.db");
    (directory, path)
}

fn numbered(number: usize) -> Alert {
    Alert {
        id: format!("{number:04}"),
        ..alert()
    }
}

fn to(place: &str, alerts: impl IntoIterator<Item = Alert>) -> Checkpoint {
    let alerts = alerts.into_iter();
    Checkpoint {
        outbox: alerts.map(|alert| (place.to_owned(), alert)).collect(),
        ..Checkpoint::default()
    }
}

/// Everything that a checkpoint can hold.
fn full() -> Checkpoint {
    let open = |group: &[(&str, &str)], id: &str| Open {
        rule: "burst".to_owned(),
        group: group
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
        id: id.to_owned(),
        since: 5,
        told: 6,
    };
    let term = |term: &str, seen| Term {
        rule: "new".to_owned(),
        term: term.to_owned(),
        seen,
    };
    Checkpoint {
        positions: Some(serde_json::json!({"app.log": 17})),
        states: vec![
            ("burst".to_owned(), vec![0, 255]),
            ("new".to_owned(), Vec::new()),
        ],
        terms: vec![term("b", 2), term("a", 1), term("b", 1)],
        opened: vec![
            open(&[("service", "a")], "1"),
            open(&[("service", "b")], "2"),
        ],
        outbox: vec![
            ("ops".to_owned(), numbered(1)),
            ("log".to_owned(), numbered(1)),
        ],
        ..Checkpoint::default()
    }
}

#[tokio::test]
async fn what_a_checkpoint_wrote_is_there_after_opening_again() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.saved().await, Ok(Saved::default()));
    store.checkpoint(full()).await.unwrap();
    drop(store);
    let store = Store::open(&path).await.unwrap();
    let saved = Saved {
        positions: full().positions,
        states: full().states.into_iter().collect(),
        open: full().opened,
    };
    assert_eq!(store.saved().await, Ok(saved));
    let terms = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
    assert_eq!(store.terms("new").await, Ok(terms));
    let waiting = [("log".to_owned(), 1), ("ops".to_owned(), 1)];
    assert_eq!(store.waiting().await, Ok(waiting.to_vec()));
    assert_eq!(store.next("ops").await.unwrap().unwrap().alert, numbered(1));
}

#[tokio::test]
async fn what_goes_is_gone_and_the_rest_stays() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    store.checkpoint(full()).await.unwrap();
    let closed = full().opened.remove(0);
    let change = Checkpoint {
        terms_before: vec![("new".to_owned(), 2)],
        closed: vec![(closed.rule, closed.group)],
        ..Checkpoint::default()
    };
    store.checkpoint(change).await.unwrap();
    assert_eq!(store.saved().await.unwrap().open, full().opened[1..]);
    assert_eq!(
        store.terms("new").await,
        Ok(BTreeMap::from([("b".to_owned(), 2)]))
    );
    let gone = Checkpoint {
        gone_rules: vec!["new".to_owned(), "burst".to_owned()],
        ..Checkpoint::default()
    };
    store.checkpoint(gone).await.unwrap();
    let saved = Saved {
        positions: full().positions,
        ..Saved::default()
    };
    assert_eq!(store.saved().await, Ok(saved));
    assert_eq!(store.terms("new").await, Ok(BTreeMap::new()));
}

#[tokio::test]
async fn silences_end_and_acks_are_replaced() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    let silence = |until| Silence {
        matcher: "burst service=api".parse().unwrap(),
        from: 1,
        until,
        by: "ann".to_owned(),
        comment: String::new(),
    };
    let first = store.silence(silence(10)).await.unwrap();
    let second = store.silence(silence(20)).await.unwrap();
    let third = store.silence(silence(30)).await.unwrap();
    assert_eq!(store.unsilence(third).await, Ok(true));
    assert_eq!(store.unsilence(third).await, Ok(false));
    let numbers = |silences: BTreeMap<i64, Silence>| silences.into_keys().collect::<Vec<_>>();
    assert_eq!(numbers(store.silences(9).await.unwrap()), [first, second]);
    assert_eq!(
        store.silences(10).await,
        Ok(BTreeMap::from([(second, silence(20))]))
    );
    let ack = |by: &str| Ack {
        id: "1".to_owned(),
        rule: "burst".to_owned(),
        by: by.to_owned(),
        at: 3,
        comment: "mine".to_owned(),
    };
    assert_eq!(store.acks().await, Ok(Vec::new()));
    store.ack(ack("ann")).await.unwrap();
    store.ack(ack("bob")).await.unwrap();
    assert_eq!(store.acks().await, Ok(vec![ack("bob")]));
    assert_eq!(store.unack("1").await, Ok(true));
    assert_eq!(store.unack("1").await, Ok(false));
}

#[tokio::test]
async fn acks_go_with_their_alerts_and_rules() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    for (id, rule) in [("1", "burst"), ("2", "burst"), ("3", "gone"), ("4", "slow")] {
        let ack = Ack {
            id: id.to_owned(),
            rule: rule.to_owned(),
            by: "ann".to_owned(),
            at: 3,
            comment: String::new(),
        };
        store.ack(ack).await.unwrap();
    }
    let over = Checkpoint {
        acks_over: vec!["1".to_owned()],
        gone_rules: vec!["gone".to_owned()],
        ..Checkpoint::default()
    };
    store.checkpoint(over).await.unwrap();
    let left = store.acks().await.unwrap().into_iter().map(|ack| ack.id);
    assert_eq!(left.collect::<Vec<_>>(), ["2", "4"]);
}

#[tokio::test]
async fn a_second_process_is_refused_by_name() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    let error = Store::open(&path).await.unwrap_err();
    assert!(error.is_in_use());
    let process = std::process::id();
    assert_eq!(
        error.message(),
        format!("the state in {path:?} is in use by process {process}, another birl run")
    );
    drop(store);
    Store::open(&path).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_lost() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    store.checkpoint(full()).await.unwrap();
    store.takes_no_more();
    let large = Checkpoint {
        positions: Some("other".into()),
        states: vec![("burst".to_owned(), vec![7; 1 << 20])],
        ..to("ops", [numbered(2)])
    };
    let error = store.checkpoint(large.clone()).await.unwrap_err();
    assert!(error.is_full(), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot write the state in {path:?}: the disk is full\n\nhint: free some space there, 8 MiB at least"
        )
    );
    assert_eq!(store.saved().await.unwrap().positions, full().positions);
    assert_eq!(store.counts("ops").await.unwrap().waiting, 1);
    store.pages_max(1 << 20);
    store.checkpoint(large.clone()).await.unwrap();
    assert_eq!(store.saved().await.unwrap().positions, large.positions);
    assert_eq!(store.counts("ops").await.unwrap().waiting, 2);
}

fn becomes(disk: &Disk, size: &str) {
    let mut mount = std::process::Command::new("mount");
    mount.args(["-o", &format!("remount,size={size}")]);
    assert!(mount.arg(disk.path()).status().unwrap().success());
}

/// Takes in 16 alerts of 16 KiB for each position, as long as there is room.
async fn fill(store: &Store, first: u64) -> (u64, Error) {
    let mut written = first;
    loop {
        let large = |number| Alert {
            text: "x".repeat(16 << 10),
            ..numbered(number)
        };
        let checkpoint = Checkpoint {
            positions: Some((written + 1).into()),
            ..to("ops", (0..16).map(large))
        };
        match store.checkpoint(checkpoint).await {
            Ok(()) => written += 1,
            Err(error) => break (written, error),
        }
    }
}

#[tokio::test]
async fn a_disk_that_is_full_of_the_outbox_is_emptied_by_deliveries_alone() {
    let Some(small) = Disk::mount_or_say_why("24m") else {
        return;
    };
    let path = small.path().join("birl.db");
    let mut store = Store::open(&path).await.unwrap();
    let (written, error) = fill(&store, 0).await;
    assert!(error.is_full(), "{error}");
    assert!(written > 0);
    let saved = |store: &Store| {
        let store = store.clone();
        async move { store.saved().await.unwrap().positions }
    };
    assert_eq!(saved(&store).await, Some(written.into()));
    assert_eq!(store.counts("ops").await.unwrap().waiting, 16 * written);

    // Others take all that is left, and what is freed: but what is delivered is noted.
    let mut filler = OpenOptions::new()
        .append(true)
        .create(true)
        .open(small.path().join("filler"))
        .unwrap();
    let mut fill_the_rest = || while std::io::Write::write(&mut filler, &[b'x'; 512]).is_ok() {};
    fill_the_rest();
    for n in 0..16 * written {
        if n == 8 * written {
            drop(store);
            fill_the_rest();
            store = Store::open(&path).await.unwrap();
        }
        let entry = store.next("ops").await.unwrap().unwrap();
        let taken = store.taken(entry.seq, "ops", &entry.alert, (None, None));
        taken.await.unwrap();
        fill_the_rest();
    }
    assert_eq!(store.counts("ops").await.unwrap().waiting, 0);
    assert_eq!(saved(&store).await, Some(written.into()));

    // What the outbox took is there again for what comes.
    let (again, error) = fill(&store, written).await;
    assert!(error.is_full(), "{error}");
    assert!(again > written);
    assert_eq!(saved(&store).await, Some(again.into()));
    let waiting = store.counts("ops").await.unwrap().waiting;
    assert_eq!(waiting, 16 * (again - written));
}

#[tokio::test]
async fn nothing_is_taken_in_where_no_room_is_left_to_deliver_it() {
    let Some(small) = Disk::mount_or_say_why("4m") else {
        return;
    };
    let path = small.path().join("birl.db");
    let store = Store::open(&path).await.unwrap();
    let (written, error) = fill(&store, 0).await;
    assert_eq!(written, 0);
    assert!(error.is_full(), "{error}");
    // It is the last that comes.
    store.last_checkpoint(full()).await.unwrap();
    assert_eq!(store.saved().await.unwrap().positions, full().positions);
    becomes(&small, "40m");
    store.checkpoint(to("ops", [numbered(2)])).await.unwrap();
    assert_eq!(store.counts("ops").await.unwrap().waiting, 2);
}

/// A quota that is used up is told by SQLite as a write that failed, and no more.
#[test]
fn a_write_that_fails_where_there_is_no_room_is_of_a_full_disk() {
    let failed = || {
        let failed = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_WRITE);
        rusqlite::Error::SqliteFailure(failed, None)
    };
    let Some(small) = Disk::mount_or_say_why("4m") else {
        return;
    };
    let reserve = Reserve::beside(&small.path().join("birl.db"));
    assert!(!is_full(&reserve.explained(failed())));
    let mut filler = fs::File::create(small.path().join("filler")).unwrap();
    while std::io::Write::write(&mut filler, &[b'x'; 512]).is_ok() {}
    assert!(is_full(&reserve.explained(failed())));
    // What has another reason keeps it.
    let locked = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    let locked = rusqlite::Error::SqliteFailure(locked, None);
    assert!(!is_full(&reserve.explained(locked)));
    let left: Vec<_> = fs::read_dir(small.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test]
async fn what_is_free_in_the_file_of_an_older_birl_can_be_given_back() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    store.checkpoint(full()).await.unwrap();
    drop(store);
    let older = Connection::open(&path).unwrap();
    older
        .execute_batch("PRAGMA auto_vacuum = 0; VACUUM")
        .unwrap();
    drop(older);
    let store = Store::open(&path).await.unwrap();
    let pages = vec![0; 1 << 20];
    let states = |state| Checkpoint {
        states: vec![("burst".to_owned(), state)],
        ..Checkpoint::default()
    };
    store.checkpoint(states(pages)).await.unwrap();
    store.checkpoint(states(Vec::new())).await.unwrap();
    assert!(store.0.database.lock().unwrap().shrink());
    assert!(fs::metadata(&path).unwrap().len() < 1 << 20);
    assert_eq!(store.saved().await.unwrap().positions, full().positions);
}

#[tokio::test]
async fn a_file_that_somebody_has_locked_is_told() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    store.locks_at_once();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.checkpoint(full()).await.unwrap_err();
    assert!(error.is_locked(), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    store.checkpoint(full()).await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_told_and_left_alone() {
    for (at, what) in [(0, "header"), (4096, "page")] {
        let (_directory, path) = directory();
        let store = Store::open(&path).await.unwrap();
        store.checkpoint(full()).await.unwrap();
        drop(store);
        let mut bytes = fs::read(&path).unwrap();
        bytes[at..at + 90].fill(0x5a);
        fs::write(&path, &bytes).unwrap();
        let error = Store::open(&path).await.unwrap_err();
        assert!(error.is_corrupt(), "{what}: {error}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{what}");
    }
}

#[tokio::test]
async fn what_is_not_ours_or_newer_is_refused() {
    let (_directory, path) = directory();
    drop(Store::open(&path).await.unwrap());
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let error = Store::open(&path).await.unwrap_err();
    assert!(
        error
            .message()
            .ends_with("a newer birl has written it, in version 99 of 7"),
        "{error}"
    );
    let other = path.with_file_name("other.db");
    Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE mine (x)")
        .unwrap();
    let error = Store::open(&other).await.unwrap_err();
    assert!(
        error
            .message()
            .ends_with("it is the database of another program"),
        "{error}"
    );
}

#[tokio::test]
async fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    store.checkpoint(full()).await.unwrap();
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn an_alert_that_cannot_be_read_is_not_in_the_way() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    store
        .checkpoint(to("ops", [numbered(1), numbered(2)]))
        .await
        .unwrap();
    let broken = store.write(|transaction| {
        transaction.execute("UPDATE outbox SET alert = '{' WHERE seq = 1", [])
    });
    broken.await.unwrap();
    assert_eq!(store.next("ops").await.unwrap().unwrap().alert, numbered(2));
    let letters = store.dead_letters().await.unwrap();
    assert_eq!((letters.len(), letters[0].alert.as_str()), (1, "{"));
    assert!(
        letters[0].reason.starts_with("it cannot be read: "),
        "{}",
        letters[0].reason
    );
}

#[tokio::test]
async fn what_is_over_is_not_folded_if_it_was_told_that_it_began() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    let resolved = |number| Alert {
        state: State::Resolved,
        ..numbered(number)
    };
    store.checkpoint(to("ops", [numbered(1)])).await.unwrap();
    let entry = store.next("ops").await.unwrap().unwrap();
    store
        .taken(entry.seq, "ops", &entry.alert, (None, None))
        .await
        .unwrap();
    let alerts = [numbered(2), resolved(1), numbered(3), resolved(3)];
    store.checkpoint(to("ops", alerts)).await.unwrap();
    assert_eq!(store.fold("ops", 5).await, Ok(3));
    let summary = store.next("ops").await.unwrap().unwrap();
    assert_eq!(
        (summary.alert.rule.as_str(), summary.held_back),
        (HELD_BACK, 3)
    );
    store
        .taken(summary.seq, "ops", &summary.alert, (None, None))
        .await
        .unwrap();
    assert_eq!(store.next("ops").await.unwrap().unwrap().alert, resolved(1));
}

#[tokio::test]
async fn what_became_of_an_alert_is_known_for_each_place() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    for place in ["taken", "dead", "waiting", "again"] {
        store.checkpoint(to(place, [numbered(1)])).await.unwrap();
    }
    let over = Alert {
        state: State::Resolved,
        ..numbered(1)
    };
    store
        .checkpoint(to("other", [numbered(2), over]))
        .await
        .unwrap();
    for place in ["taken", "again"] {
        let entry = store.next(place).await.unwrap().unwrap();
        store
            .taken(entry.seq, place, &entry.alert, (None, None))
            .await
            .unwrap();
    }
    // It is told again, and somebody has put something there that is no alert.
    store.checkpoint(to("again", [numbered(1)])).await.unwrap();
    let entry = store.next("dead").await.unwrap().unwrap();
    store.bury(entry.seq, "no").await.unwrap();
    let broken = store.write(|transaction| {
        transaction.execute("INSERT INTO outbox (place, alert) VALUES ('x', '{')", [])
    });
    broken.await.unwrap();
    let known = store.deliveries(&numbered(1).id).await.unwrap();
    let words: Vec<_> = known
        .iter()
        .map(|(place, delivery)| {
            let word = match delivery {
                Delivery::Taken { at } => format!("taken {}", *at > 0),
                Delivery::Dead { reason, .. } => format!("dead: {reason}"),
                Delivery::Waiting { .. } => "waits".to_owned(),
                other => format!("{other:?}"),
            };
            format!("{place} {word}")
        })
        .collect();
    assert_eq!(
        words,
        [
            "again waits",
            "dead dead: no",
            "taken taken true",
            "waiting waits"
        ]
    );
}

#[tokio::test]
async fn dead_letters_are_sent_again_behind_what_waits_or_forgotten() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    store
        .checkpoint(to("ops", [1, 2, 3, 4].map(numbered)))
        .await
        .unwrap();
    for _ in 0..3 {
        let entry = store.next("ops").await.unwrap().unwrap();
        store.bury(entry.seq, "no").await.unwrap();
    }
    let numbers = |letters: &[Letter]| letters.iter().map(|it| it.number).collect::<Vec<_>>();
    let letters = store.dead_letters().await.unwrap();
    let [first, second, third] = numbers(&letters)[..] else {
        panic!("there are three")
    };
    let mut arrivals = store.arrivals();
    assert_eq!(
        numbers(&store.resend(&[second, 99]).await.unwrap()),
        [second]
    );
    assert!(arrivals.has_changed().unwrap());
    arrivals.mark_unchanged();
    assert_eq!(
        numbers(&store.drop_letters(&[first]).await.unwrap()),
        [first]
    );
    assert_eq!(numbers(&store.resend(&[]).await.unwrap()), [third]);
    assert_eq!(store.dead_letters().await, Ok(Vec::new()));
    let mut waiting = Vec::new();
    while let Some(entry) = store.next("ops").await.unwrap() {
        waiting.push(entry.alert.id.clone());
        store
            .taken(entry.seq, "ops", &entry.alert, (None, None))
            .await
            .unwrap();
    }
    assert_eq!(waiting, [4, 2, 3].map(|number| numbered(number).id));
}

/// What may happen to an outbox.
#[derive(Clone, Debug)]
enum Act {
    Push { place: usize, count: usize },
    Take { place: usize },
    Postpone { place: usize },
    Bury { place: usize },
    Fold { place: usize },
    Reopen,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let place = 0..2_usize;
    let act = prop_oneof![
        3 => (place.clone(), 0..4_usize).prop_map(|(place, count)| Act::Push { place, count }),
        3 => place.clone().prop_map(|place| Act::Take { place }),
        2 => place.clone().prop_map(|place| Act::Postpone { place }),
        1 => place.clone().prop_map(|place| Act::Bury { place }),
        1 => place.prop_map(|place| Act::Fold { place }),
        1 => Just(Act::Reopen),
    ];
    prop::collection::vec(act, 0..40)
}

/// What waits in the obvious model: the ids of the alerts that an entry stands for, and its attempts.
#[derive(Clone, Debug, Default, PartialEq)]
struct Waiting {
    ids: Vec<String>,
    attempts: u32,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_outbox_is_a_queue_for_each_place(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_directory, path) = directory();
            let mut store = Store::open(&path).await.unwrap();
            let places = ["ops", "log"];
            let mut model: [VecDeque<Waiting>; 2] = Default::default();
            let mut dead = [0, 0];
            let mut made = 0;
            for act in acts {
                match act {
                    Act::Push { place, count } => {
                        let alerts: Vec<_> = (made..made + count).map(numbered).collect();
                        made += count;
                        for alert in &alerts {
                            model[place].push_back(Waiting { ids: vec![alert.id.clone()], attempts: 0 });
                        }
                        store.checkpoint(to(places[place], alerts)).await.unwrap();
                    }
                    Act::Take { place } => {
                        if let Some(entry) = store.next(places[place]).await.unwrap() {
                            store.taken(entry.seq, places[place], &entry.alert, (None, None)).await.unwrap();
                        }
                        model[place].pop_front();
                    }
                    Act::Postpone { place } => {
                        if let Some(entry) = store.next(places[place]).await.unwrap() {
                            store.postpone(entry.seq, 7).await.unwrap();
                        }
                        if let Some(first) = model[place].front_mut() {
                            first.attempts += 1;
                        }
                    }
                    Act::Bury { place } => {
                        if let Some(entry) = store.next(places[place]).await.unwrap() {
                            store.bury(entry.seq, "no").await.unwrap();
                        }
                        dead[place] += usize::from(model[place].pop_front().is_some());
                    }
                    Act::Fold { place } => {
                        let count = store.fold(places[place], 3).await.unwrap();
                        let ids: Vec<_> = model[place].iter().flat_map(|it| it.ids.clone()).collect();
                        if model[place].len() > 1 {
                            assert_eq!(count, ids.len() as u64);
                            model[place] = VecDeque::from([Waiting { ids, attempts: 0 }]);
                        } else {
                            assert_eq!(count, 0);
                        }
                    }
                    Act::Reopen => {
                        drop(store);
                        store = Store::open(&path).await.unwrap();
                    }
                }
                for (place, queue) in places.into_iter().zip(&model) {
                    let entry = store.next(place).await.unwrap();
                    let Some(expected) = queue.front() else {
                        assert_eq!(entry, None);
                        continue;
                    };
                    let entry = entry.unwrap();
                    assert_eq!(entry.attempts, expected.attempts);
                    match &expected.ids[..] {
                        [id] => assert_eq!((&entry.alert.id, entry.held_back), (id, 0)),
                        ids => {
                            assert_eq!(entry.held_back, ids.len() as u64);
                            assert_eq!(entry.alert.values["held_back"], ids.len());
                        }
                    }
                }
            }
            for place in [0, 1] {
                let counts = store.counts(places[place]).await.unwrap();
                let expected = (model[place].len(), dead[place]);
                assert_eq!((counts.waiting as usize, counts.dead as usize), expected);
            }
        });
    }
}

#[tokio::test]
async fn what_a_chat_was_given_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.chat("ops").await.unwrap(), None);
    for past in [
        serde_json::json!({"ids": ["1"]}),
        serde_json::json!({"ids": []}),
    ] {
        store.keep_chat("ops", &past).await.unwrap();
        assert_eq!(store.chat("ops").await.unwrap(), Some(past));
    }
    drop(store);
    let store = Store::open(&path).await.unwrap();
    let kept = store.chat("ops").await.unwrap();
    assert_eq!(kept, Some(serde_json::json!({"ids": []})));
    assert_eq!(store.chat("dev").await.unwrap(), None);
}

#[tokio::test]
async fn what_somebody_looks_after_is_not_said_again() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    let alert = |state| Alert {
        state,
        ..numbered(1)
    };
    let firing = || alert(State::Firing);
    store.checkpoint(to("ops", [firing()])).await.unwrap();
    let first = store.next("ops").await.unwrap().unwrap();
    store
        .taken(first.seq, "ops", &firing(), (None, None))
        .await
        .unwrap();
    // Said again, put aside until there is more; and to another place, which does not know of it yet.
    store
        .checkpoint(to("ops", [firing(), firing(), alert(State::Resolved)]))
        .await
        .unwrap();
    store.checkpoint(to("late", [firing()])).await.unwrap();
    let again = store.next("ops").await.unwrap().unwrap();
    store.put_aside(again.seq).await.unwrap();
    let ack = Ack {
        id: firing().id,
        rule: firing().rule,
        by: "ann".to_owned(),
        at: 3,
        comment: String::new(),
    };
    store.ack(ack).await.unwrap();
    store.take_all_up("ops").await.unwrap();
    let left = store.next("ops").await.unwrap().unwrap();
    assert_eq!(left.alert.state, State::Resolved);
    assert!(store.next("late").await.unwrap().is_some());
}

#[tokio::test]
async fn what_a_place_calls_an_alert_is_known_to_what_follows_on_it() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    let behind = |firing: u64| Alert {
        id: "behind".to_owned(),
        rule: HELD_BACK.to_owned(),
        values: serde_json::Map::from_iter([
            ("folded".to_owned(), numbered(1).rule.into()),
            ("firing".to_owned(), firing.into()),
        ]),
        ..numbered(1)
    };
    let over = Alert {
        state: State::Resolved,
        ..numbered(1)
    };
    let kept = |id: &str, text: &str| {
        Some(Message {
            id: id.to_owned(),
            text: text.to_owned(),
        })
    };
    let first = numbered(1).id;
    for alert in [&over, &behind(3)] {
        assert_eq!(store.message_before("ops", alert).await.unwrap(), None);
    }
    let messages = (None, Some("one".to_owned()));
    store.taken(1, "ops", &numbered(1), messages).await.unwrap();
    let again = store.message_before("ops", &numbered(1)).await.unwrap();
    assert_eq!(again, kept(&first, "one"));
    assert_eq!(store.message_before("dev", &over).await.unwrap(), None);
    let before = store.message_before("ops", &behind(3)).await.unwrap();
    assert_eq!(before, kept(&first, "one"));
    let messages = (Some(first.clone()), Some("two".to_owned()));
    store.taken(2, "ops", &behind(3), messages).await.unwrap();
    drop(store);
    let store = Store::open(&path).await.unwrap();
    for alert in [&over, &behind(3)] {
        let before = store.message_before("ops", alert).await.unwrap();
        assert_eq!(before, kept(&first, "two"));
    }
    let messages = (Some(first.clone()), Some("three".to_owned()));
    store.taken(3, "ops", &over, messages).await.unwrap();
    assert_eq!(store.message_before("ops", &behind(1)).await.unwrap(), None);
    let before = store.message_before("ops", &behind(0)).await.unwrap();
    assert_eq!(before, kept(&first, "three"));
    // What was told together first is a message as well.
    let messages = (None, Some("four".to_owned()));
    store.taken(4, "ops", &behind(1), messages).await.unwrap();
    let before = store.message_before("ops", &behind(1)).await.unwrap();
    assert_eq!(before, kept("behind", "four"));
    // That more fire is not said behind what began as over.
    for (place, begin) in [("dev", &over), ("all", &behind(0))] {
        let messages = (None, Some("five".to_owned()));
        store.taken(5, place, begin, messages).await.unwrap();
        let before = store.message_before(place, &behind(1)).await.unwrap();
        assert_eq!(before, None, "{place}");
        let before = store.message_before(place, &behind(0)).await.unwrap();
        assert_eq!(before, kept(&begin.id, "five"));
    }
}

#[tokio::test]
async fn a_message_that_tells_of_several_is_over_when_all_of_them_are() {
    let (_directory, path) = directory();
    let store = Store::open(&path).await.unwrap();
    let together = |id: &str, more: i64| Alert {
        id: id.to_owned(),
        rule: HELD_BACK.to_owned(),
        values: serde_json::Map::from_iter([
            ("folded".to_owned(), numbered(1).rule.into()),
            ("firing".to_owned(), more.max(0).into()),
            ("more".to_owned(), more.into()),
        ]),
        ..numbered(1)
    };
    let over = Alert {
        state: State::Resolved,
        ..numbered(2)
    };
    // Taken behind what it follows on, which is told.
    let take = async |alert: &Alert| {
        let before = store.message_before("ops", alert).await.unwrap();
        let before = before.map(|before| before.id);
        let messages = (before.clone(), Some("text".to_owned()));
        store.taken(1, "ops", alert, messages).await.unwrap();
        before
    };
    let follows = |id: &str| Some(id.to_owned());
    assert_eq!(take(&together("a", 3)).await, None);
    assert_eq!(take(&together("b", 1)).await, follows("a"));
    assert_eq!(take(&together("c", -2)).await, follows("a"));
    // One that is over, and was told of there, is told by itself.
    assert_eq!(take(&over).await, None);
    let before = store
        .message_before("ops", &together("e", 1))
        .await
        .unwrap();
    assert_eq!(before.map(|before| before.id), follows("a"), "1 goes on");
    // The last of them is told behind what was said last.
    assert_eq!(take(&together("e", -1)).await, follows(&over.id));
    assert_eq!(take(&together("f", 1)).await, None, "nothing goes on");
    assert_eq!(take(&together("g", 1)).await, follows("f"));
    // What was told of together and is over by now begins as over.
    assert_eq!(take(&together("h", -2)).await, follows("f"));
    assert_eq!(take(&together("i", 0)).await, follows("f"));
    assert_eq!(take(&together("j", 1)).await, None);
    // What is told again is a message of its own, on which others follow.
    assert_eq!(take(&numbered(3)).await, None);
    assert_eq!(take(&together("k", 1)).await, follows(&numbered(3).id));
    store
        .taken(1, "ops", &together("l", 1), (None, Some("text".to_owned())))
        .await
        .unwrap();
    assert_eq!(take(&together("k", 1)).await, follows("l"));
    assert_eq!(take(&numbered(3)).await, follows(&numbered(3).id));
    assert_eq!(take(&together("k", 1)).await, follows(&numbered(3).id));
}
