//! `birl run` that is killed again and again while a log is written: each record counts once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::addresses::{CountingServer, python_with_websockets};
use crate::process::Process;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "restarts::each_record_counts_once_whenever_it_is_killed",
            each_record_counts_once_whenever_it_is_killed,
        ),
        Trial::test(
            "restarts::what_is_only_live_has_a_gap",
            what_is_only_live_has_a_gap,
        ),
        Trial::test(
            "restarts::a_file_over_http_is_read_on_where_it_was",
            a_file_over_http_is_read_on_where_it_was,
        ),
        Trial::test(
            "restarts::a_websocket_goes_on_behind_its_cursor",
            a_websocket_goes_on_behind_its_cursor,
        )
        .with_ignored_flag(python_with_websockets().is_none()),
    ]
}

/// How many records there are, each with a number.
const RECORDS: u64 = 3000;
const SERVICES: [&str; 3] = ["api", "db", "web"];
/// When the first record is, in seconds since 1970. All are within the same hour.
const START: u64 = 1_773_496_800;

const RULES: &str = "state = 'state.db'\n\
     [source.app]\nfrom = 'logs/app.log'\nstart = 'beginning'\nidle = '1h'\nlateness = '1s'\n\
     [place.out]\nfile = 'alerts.jsonl'\n\
     # A mean may fall again, so that this is looked at when the window closes.\n\
     [rule.sums]\nquery = 'n:* |> stats count, sum(n) as sum, avg(n) as mean by service'\n\
     when = 'mean >= 0'\nwindow = '1h'\nslide = '1h'\nsend = 'out'\n\
     # It fires as soon as it is true, within the window.\n\
     [rule.early]\nkind = 'frequency'\nquery = 'n:*'\nat_least = 1000\nwindow = '1h'\nslide = '1h'\nsend = 'out'\n\
     [rule.tens]\nkind = 'new_term'\nquery = 'n:*'\nfield = 'ten'\nlearn = '0s'\nwithin = '1d'\nsend = 'out'\n";

const ALERTS: &str = "alerts.jsonl";

/// Something of a generator: Steele, Lea and Flood, Fast splittable pseudorandom number generators (2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

fn record(n: u64) -> String {
    let service = SERVICES[(n % 7 % 3) as usize];
    let at = START + n / 2;
    format!(
        "{{\"time\":{at},\"n\":{n},\"ten\":{},\"service\":\"{service}\"}}\n",
        n / 10
    )
}

/// Writes the records in pieces that end anywhere, and rotates the log now and then.
fn write(directory: &Path, mut random: Random) -> std::io::Result<()> {
    let path = directory.join("app.log");
    let open = || OpenOptions::new().append(true).create(true).open(&path);
    let (mut file, mut rotated) = (open()?, 0);
    for n in 0..RECORDS {
        let record = record(n);
        let (one, other) = record.split_at(random.below(record.len() as u64) as usize);
        file.write_all(one.as_bytes())?;
        if random.below(10) == 0 {
            thread::sleep(Duration::from_millis(random.below(40)));
        }
        file.write_all(other.as_bytes())?;
        if random.below(500) == 0 {
            rotated += 1;
            fs::rename(&path, directory.join(format!("app.log.{rotated}")))?;
            file = open()?;
        }
    }
    // This one ends the hour for all others, and its own begins.
    let last = format!(
        "{{\"time\":{},\"n\":0,\"ten\":0,\"service\":\"api\"}}\n",
        START + 3700
    );
    file.write_all(last.as_bytes())
}

/// The alerts of each rule that have been sent to a file.
fn alerts(sandbox: &Sandbox, file: &str) -> BTreeMap<String, Vec<Value>> {
    let mut alerts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let text = fs::read_to_string(sandbox.path().join(file)).unwrap_or_default();
    // The last line may be half written where birl was killed.
    for alert in text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
    {
        let rule = alert["rule"].as_str().unwrap_or_default().to_owned();
        alerts.entry(rule).or_default().push(alert);
    }
    alerts
}

fn each_record_counts_once_whenever_it_is_killed() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let logs = sandbox.path().join("logs");
    fs::create_dir(&logs)?;
    sandbox.write("birl.toml", RULES.as_bytes());
    let mut random = Random(2026);
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_stderr("running");
    let writer = thread::spawn(move || write(&logs, Random(4)));
    // From the first alert on it is remembered what has been read.
    while alerts(&sandbox, ALERTS).is_empty() {
        thread::sleep(Duration::from_millis(10));
    }
    let mut kills = 0;
    while !writer.is_finished() || kills < 5 {
        process.wait_for_stderr("running");
        thread::sleep(Duration::from_millis(random.below(600)));
        // It is killed as by kill -9.
        drop(process);
        kills += 1;
        process = Process::start(sandbox.birl(&["run"]), Vec::new());
    }
    writer.join().expect("writing does not panic")?;
    let began = Instant::now();
    while alerts(&sandbox, ALERTS).get("sums").map_or(0, Vec::len) < SERVICES.len() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "the hour does not close"
        );
        thread::sleep(Duration::from_millis(50));
    }
    process.terminate();
    let ended = process.end();
    assert_eq!(ended.status.code(), Some(0));
    let alerts = alerts(&sandbox, ALERTS);

    let mut wanted: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for n in 0..RECORDS {
        let sums = wanted.entry(SERVICES[(n % 7 % 3) as usize]).or_default();
        *sums = (sums.0 + 1, sums.1 + n);
    }
    for alert in &alerts["sums"] {
        let values = &alert["values"];
        let service = values["service"].as_str().unwrap_or_default();
        let sums = (values["count"].as_u64(), values["sum"].as_f64());
        let (count, sum) = wanted[service];
        assert_eq!(
            sums,
            (Some(count), Some(sum as f64)),
            "{service}, {kills} kills"
        );
    }
    let ids = |rule: &str| -> BTreeSet<String> {
        let ids = alerts[rule].iter().map(|alert| alert["id"].to_string());
        ids.collect()
    };
    // An alert may be sent again, as the same; no other is sent, and none is missing.
    assert_eq!(ids("sums").len(), SERVICES.len());
    assert_eq!(ids("early").len(), 1);
    assert_eq!(ids("tens").len() as u64, RECORDS / 10);
    let terms: BTreeSet<_> = alerts["tens"]
        .iter()
        // No sample had this field when the rule was planned, so it is text.
        .filter_map(|alert| alert["values"]["ten"].as_str()?.parse().ok())
        .collect();
    assert_eq!(terms, (0..RECORDS / 10).collect());
    Ok(())
}

fn what_is_only_live_has_a_gap() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    // Some port that is free.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let rules = format!(
        "state = 'state.db'\n[source.in]\nfrom = 'tcp-listen://{address}'\n\
         [place.out]\nstdout = true\nformat = 'json'\n\
         [rule.panic]\nkind = 'frequency'\nquery = 'panic'\nat_least = 2\nwindow = '1h'\nslide = '1h'\nsend = 'out'\n\
         [rule.gap]\nkind = 'any'\nquery = 'birl.gap:true'\nsend = 'out'\n"
    );
    sandbox.write("birl.toml", rules.as_bytes());
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_stderr("listening on");
    writeln!(TcpStream::connect(address)?, "panic 1")?;
    // It is told that it has come when it is asked to end.
    thread::sleep(Duration::from_millis(500));
    process.terminate();
    assert_eq!(process.end().stdout, b"");
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_lines(1);
    process.wait_for_stderr("listening on");
    writeln!(TcpStream::connect(address)?, "panic 2")?;
    // What came before it ended counts, and a gap is told once.
    process.wait_for_lines(2);
    process.terminate();
    let stdout = String::from_utf8(process.end().stdout)?;
    let rules = stdout.lines().map(|line| {
        let alert: Value = serde_json::from_str(line).expect("alerts are JSON");
        alert["rule"].as_str().unwrap_or_default().to_owned()
    });
    let rules: Vec<_> = rules.collect();
    assert_eq!(rules, ["gap", "panic"]);
    Ok(())
}

/// Answers each request with all of `file`: it knows no ranges.
fn serve(listener: &TcpListener, file: &Mutex<String>) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let mut reader = BufReader::new(&stream);
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        let body = file.lock().expect("nobody panics with it").clone();
        // Who asked may have gone.
        let _ = write!(
            &stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
    }
}

fn a_file_over_http_is_read_on_where_it_was() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let file = Arc::new(Mutex::new((0..3).map(record).collect::<String>()));
    let served = Arc::clone(&file);
    // It goes on until the process ends.
    thread::spawn(move || serve(&listener, &served));
    let rule = |name: &str, at_least: u64| {
        format!(
            "[rule.{name}]\nkind = 'frequency'\nquery = 'n:*'\nat_least = {at_least}\nwindow = '365d'\n\
             slide = '365d'\nsend = 'out'\n"
        )
    };
    let rules = format!(
        "state = 'state.db'\n[source.in]\nfrom = 'http://{address}/app.log'\nstart = 'beginning'\n\
         [place.out]\nstdout = true\nformat = 'json'\n{}{}{}\
         [rule.last]\nkind = 'any'\nquery = 'done:yes'\nsend = 'out'\n\
         [rule.gap]\nkind = 'any'\nquery = 'birl.gap:true'\nsend = 'out'\n",
        rule("three", 3),
        rule("four", 4),
        rule("five", 5),
    );
    sandbox.write("birl.toml", rules.as_bytes());
    let told = |stdout: &[u8]| {
        let lines = String::from_utf8_lossy(stdout).into_owned();
        let rules = lines.lines().map(|line| {
            let alert: Value = serde_json::from_str(line).expect("alerts are JSON");
            alert["rule"].as_str().unwrap_or_default().to_owned()
        });
        rules.collect::<Vec<_>>()
    };
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_lines(1);
    process.terminate();
    assert_eq!(told(&process.end().stdout), ["three"]);

    // Those that were read do not count again, the one that came meanwhile does, and nothing is missing.
    let add = |line: &str| file.lock().expect("nobody panics with it").push_str(line);
    add(&record(3));
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_lines(1);
    add("{\"time\":1773496810,\"done\":\"yes\"}\n");
    process.wait_for_lines(2);
    process.terminate();
    assert_eq!(told(&process.end().stdout), ["four", "last"]);
    Ok(())
}

/// The server cuts the connection twice, and birl is killed again and again: each message counts once, since
/// the service is asked to go on behind the last one that was remembered.
fn a_websocket_goes_on_behind_its_cursor() -> Result<(), Failed> {
    let server = CountingServer::start()?;
    let sandbox = Sandbox::new();
    let rule = |name: &str, at_least: u64| {
        format!(
            "[rule.{name}]\nkind = 'frequency'\nquery = 'n:*'\nat_least = {at_least}\nwindow = '365d'\n\
             slide = '365d'\nsend = 'counts'\n"
        )
    };
    let rules = format!(
        "state = 'state.db'\n[source.in]\n\
         from = 'ws://127.0.0.1:{}/?after={{cursor:0}}&pause=5'\ncursor = 'n'\n\
         [place.out]\nfile = 'alerts.jsonl'\n[place.counts]\nfile = 'counts.jsonl'\n{}{}{}\
         [rule.all]\nkind = 'new_term'\nquery = 'n:*'\nfield = 'n'\nlearn = '0s'\nsend = 'out'\n",
        server.port,
        rule("half", 300),
        rule("whole", 600),
        rule("more", 601),
    );
    sandbox.write("birl.toml", rules.as_bytes());
    let mut random = Random(7);
    let mut kills = 0;
    let process = loop {
        let process = Process::start(sandbox.birl(&["run"]), Vec::new());
        if alerts(&sandbox, "counts.jsonl").contains_key("half") && kills >= 5 {
            break process;
        }
        process.wait_for_stderr("running");
        thread::sleep(Duration::from_millis(200 + random.below(800)));
        kills += 1;
        drop(process);
        assert!(kills < 100, "nothing arrives");
    };
    let began = Instant::now();
    while !alerts(&sandbox, "counts.jsonl").contains_key("whole") {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "it does not arrive"
        );
        thread::sleep(Duration::from_millis(50));
    }
    let mut process = process;
    process.terminate();
    assert_eq!(process.end().status.code(), Some(0));
    let counts = alerts(&sandbox, "counts.jsonl");
    assert!(!counts.contains_key("more"), "some count twice");
    // What has been found is sent before it ends.
    let numbers = alerts(&sandbox, ALERTS);
    let numbers = numbers["all"]
        .iter()
        .map(|alert| alert["values"]["n"].to_string());
    let numbers: BTreeSet<_> = numbers.collect();
    assert_eq!(numbers.len(), 600);
    Ok(())
}
