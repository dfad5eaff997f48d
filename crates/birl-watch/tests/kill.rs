//! A process that is killed whenever it may be: each alert is delivered all the same, in order, and
//! what comes twice has the same id.
//!
//! The process is this test's own program. It makes alerts and sends them to its standard output, which
//! the test reads; then it is killed, and another goes on with the same file.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use birl_net::Proxies;
use birl_watch::alert::State;
use birl_watch::deliver::{Deliverer, Target};
use birl_watch::places::{Config, Surroundings};
use birl_watch::status::Status;
use birl_watch::store::Checkpoint;
use birl_watch::{Alert, Store};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Map, Value};
use tokio::sync::watch;

/// Names the file of state; then this is the process that is killed.
const STATE: &str = "BIRL_WATCH_KILL_STATE";

/// So many alerts are made.
const ALERTS: u64 = 600;

/// So many are made in one checkpoint.
const AT_ONCE: u64 = 3;

const KILLS: u64 = 40;

fn main() {
    if let Some(state) = std::env::var_os(STATE) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        runtime.block_on(make_and_send(&PathBuf::from(state)));
        return;
    }
    let trials = vec![Trial::test(
        "a_killed_process_delivers_each_alert_in_order",
        a_killed_process_delivers_each_alert_in_order,
    )];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn a_killed_process_delivers_each_alert_in_order() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("birl.db");
    let seed = std::process::id().into();
    let mut random = Random(seed);
    let mut delivered = Vec::new();
    for _ in 0..KILLS {
        let lines = random.below(30);
        let late = Duration::from_micros(random.below(3000));
        delivered.extend(run(&path, Some((lines, late)))?);
    }
    delivered.extend(run(&path, None)?);
    let repeats = delivered
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .count();
    // A repeat is the alert that was sent last before the process was killed.
    delivered.dedup();
    let expected: Vec<_> = (0..ALERTS).map(id).collect();
    if delivered != expected {
        return Err(format!("seed {seed}: {delivered:?}").into());
    }
    if repeats as u64 > KILLS {
        return Err(format!("seed {seed}: {repeats} repeats of {KILLS} processes").into());
    }
    Ok(())
}

/// Runs the process, and kills it a while after so many lines; gives the ids of what it delivered.
fn run(path: &Path, kill: Option<(u64, Duration)>) -> Result<Vec<String>, Failed> {
    let mut process = Command::new(std::env::current_exe()?)
        .env(STATE, path)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut output = BufReader::new(process.stdout.take().expect("it is a pipe"));
    let mut text = String::new();
    if let Some((lines, late)) = kill {
        for _ in 0..lines {
            output.read_line(&mut text)?;
        }
        thread::sleep(late);
        process.kill()?;
    }
    output.read_to_string(&mut text)?;
    let status = process.wait()?;
    if kill.is_none() && !status.success() {
        return Err(format!("the last process ended with {status}").into());
    }
    let ids = text.lines().map(|line| {
        let alert: Value = serde_json::from_str(line)?;
        Ok(alert["id"].as_str().unwrap_or_default().to_owned())
    });
    ids.collect()
}

/// What a daemon does, in small: goes on from the last checkpoint, and delivers.
async fn make_and_send(path: &Path) {
    let store = Store::open(path).await.expect("the state opens");
    let surroundings = Surroundings {
        variable: |_| None,
        proxies: Proxies::default(),
        stdout: Arc::new(Mutex::new(std::io::stdout())),
        rooms: Arc::new(birl_watch::places::NoRooms),
    };
    let config: Config = toml::from_str("stdout = true\nformat = \"json\"").expect("it is one");
    let target = Target {
        place: config.open("out", &surroundings).expect("it opens"),
        kind: config.kind().expect("it is a place"),
        fold: None,
        max_per_minute: config.max_per_minute(),
    };
    let status = watch::Sender::new(Status::default());
    let targets = [("out".to_owned(), target)].into();
    let deliverer = Deliverer::start(&store, targets, &status)
        .await
        .expect("the state is read");
    let saved = store.saved().await.expect("the state is read");
    let mut next = saved
        .positions
        .as_ref()
        .and_then(Value::as_u64)
        .unwrap_or(0);
    while next < ALERTS {
        let alerts = (next..next + AT_ONCE).map(|number| ("out".to_owned(), alert(number)));
        next += AT_ONCE;
        let checkpoint = Checkpoint {
            positions: Some(next.into()),
            outbox: alerts.collect(),
            ..Checkpoint::default()
        };
        store.checkpoint(checkpoint).await.expect("there is room");
    }
    let mut status = status.subscribe();
    let is_empty = |status: &Status| status.places[0].waiting == 0;
    while !store.waiting().await.expect("the state is read").is_empty() {
        status.wait_for(is_empty).await.expect("the outbox tells");
    }
    deliverer.stop(Duration::from_secs(60)).await;
}

fn id(number: u64) -> String {
    format!("{number:04}")
}

fn alert(number: u64) -> Alert {
    Alert {
        id: id(number),
        rule: "count".to_owned(),
        state: State::Firing,
        group: Vec::new(),
        window: None,
        since: 0,
        at: 0,
        text: number.to_string(),
        values: Map::new(),
        escalated: false,
        samples: Vec::new(),
        ask: String::new(),
    }
}

/// Numbers that look random (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
