//! Alerts on their way to a place that is away, over a disk that is full and a birl that is killed.

#[path = "../../../crates/birl-watch/src/testing/disk.rs"]
mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use bstr::ByteSlice;
use disk::Disk;
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::process::{PATIENCE, Process};
use crate::sandbox::Sandbox;

pub(super) fn trials() -> [Trial; 2] {
    [
        Trial::test(
            "faults::every_alert_arrives_whatever_fails",
            every_alert_arrives_whatever_fails,
        ),
        Trial::test(
            "faults::an_outbox_that_fills_the_disk_makes_room_for_itself",
            an_outbox_that_fills_the_disk_makes_room_for_itself,
        ),
    ]
}

/// When the first record is, in seconds since 1970.
const START: u64 = 1_773_496_800;

const NOT_WRITTEN: &str = "nothing more is read until what is remembered can be written";
const WRITTEN_AGAIN: &str = "what is remembered can be written again";

/// What fills a disk.
fn filler(disk: &Disk) -> std::path::PathBuf {
    disk.path().join("filler")
}

/// Takes all the room that is left.
fn fill(disk: &Disk) -> io::Result<()> {
    let mut filler = File::create(filler(disk))?;
    // What has no room for so many bytes may have it for fewer.
    for size in [1 << 16, 1] {
        let bytes = vec![b'x'; size];
        let error = loop {
            if let Err(error) = filler.write_all(&bytes) {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}");
    }
    Ok(())
}

fn free(disk: &Disk) -> io::Result<()> {
    fs::remove_file(filler(disk))
}

/// What the place does with an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answers {
    Takes,
    /// Reads it, and says nothing.
    Stalls,
    /// Takes it, but one of ten so often yet.
    Fails(u32),
}

/// An alert that has come, and whether it was said to be taken.
struct Arrived {
    n: u64,
    id: String,
    is_taken: bool,
}

#[derive(Default)]
struct Inbox {
    answers: Option<Answers>,
    arrived: Vec<Arrived>,
    /// What was sent and is no alert of a record.
    strange: Vec<String>,
    connections: Vec<TcpStream>,
}

type Shared = Arc<(Mutex<Inbox>, Condvar)>;

/// A place that can be away, and come back on the same port.
struct Receiver {
    address: SocketAddr,
    shared: Shared,
    accepting: Option<JoinHandle<()>>,
}

impl Receiver {
    fn start() -> io::Result<Receiver> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut receiver = Receiver {
            address: listener.local_addr()?,
            shared: Shared::default(),
            accepting: None,
        };
        receiver.accept(listener);
        Ok(receiver)
    }

    fn accept(&mut self, listener: TcpListener) {
        self.inbox().answers = Some(Answers::Takes);
        let shared = Arc::clone(&self.shared);
        self.accepting = Some(thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                let mut inbox = shared.0.lock().expect("no holder panics");
                if inbox.answers.is_none() {
                    return;
                }
                inbox.connections.extend(stream.try_clone());
                drop(inbox);
                let shared = Arc::clone(&shared);
                // What is cut off or killed is no fault of the place.
                thread::spawn(move || answer(&stream, &shared));
            }
        }));
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.shared.0.lock().expect("no holder panics")
    }

    fn answers(&self, answers: Answers) {
        self.inbox().answers = Some(answers);
        self.shared.1.notify_all();
    }

    /// It is gone, with all that it was just told.
    fn goes_down(&mut self) {
        let connections = {
            let mut inbox = self.inbox();
            inbox.answers = None;
            std::mem::take(&mut inbox.connections)
        };
        self.shared.1.notify_all();
        for connection in connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
        if let Some(accepting) = self.accepting.take() {
            // It has to be told.
            let _ = TcpStream::connect(self.address);
            accepting.join().expect("accepting does not panic");
        }
    }

    fn comes_back(&mut self) {
        let began = Instant::now();
        let listener = loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                // Some other test may have the port for a moment.
                Err(error) => assert!(began.elapsed() < PATIENCE, "{error}"),
            }
            thread::sleep(PAUSE);
        };
        self.accept(listener);
    }

    /// The numbers of the records whose alerts were taken.
    fn taken(&self) -> BTreeSet<u64> {
        let inbox = self.inbox();
        let taken = inbox.arrived.iter().filter(|it| it.is_taken);
        taken.map(|it| it.n).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.goes_down();
    }
}

/// Reads requests and answers them, until the connection is cut.
fn answer(stream: &TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = None;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            let line = line.to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok();
            }
        }
        let mut body = vec![0; length?];
        reader.read_exact(&mut body).ok()?;
        let is_taken = arrived(&body, shared)?;
        let status = match is_taken {
            true => "200 OK",
            false => "500 Internal Server Error",
        };
        write!(
            &mut &*stream,
            "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"
        )
        .ok()?;
    }
}

/// Keeps what has come, and gives whether it is taken; nothing where nothing is to be said.
fn arrived(body: &[u8], shared: &Shared) -> Option<bool> {
    let (inbox, changed) = &**shared;
    let mut inbox = inbox.lock().expect("no holder panics");
    let is_taken = match inbox.answers {
        Some(Answers::Takes) => Some(true),
        Some(Answers::Fails(left)) => {
            let fails = left > 0 && inbox.arrived.len().is_multiple_of(10);
            inbox.answers = Some(Answers::Fails(left - u32::from(fails)));
            Some(!fails)
        }
        Some(Answers::Stalls) | None => None,
    };
    let alert: Value = serde_json::from_slice(body).unwrap_or_default();
    let n = alert["group"][0][1].as_str().and_then(|n| n.parse().ok());
    match (n, alert["id"].as_str()) {
        (Some(n), Some(id)) => inbox.arrived.push(Arrived {
            n,
            id: id.to_owned(),
            is_taken: is_taken == Some(true),
        }),
        _ => inbox.strange.push(body.as_bstr().to_string()),
    }
    while is_taken.is_none() && inbox.answers == Some(Answers::Stalls) {
        inbox = changed.wait(inbox).expect("no holder panics");
    }
    is_taken
}

/// Between two looks.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// A birl that is watched, over a log that grows.
struct Bench {
    // In this order they go.
    birl: Option<Process>,
    receiver: Receiver,
    disk: Disk,
    sandbox: Sandbox,
    log: File,
    /// The number of the last record.
    last: u64,
}

impl Bench {
    fn new(disk: Disk) -> io::Result<Bench> {
        let (sandbox, receiver) = (Sandbox::new(), Receiver::start()?);
        let rules = format!(
            "state = '{}/state.db'\nstatus = 'status.sock'\n\
             [source.app]\nfrom = 'app.log'\nstart = 'beginning'\n\
             [place.ops]\nwebhook = 'http://{}/'\ntimeout = '1s'\n\
             [rule.each]\nkind = 'any'\nquery = 'n:*'\ngroup_by = ['n']\nwindow = '10s'\nresolved = false\n\
             text = \"{{n}}\\n{{samples}}\"\nsend = 'ops'\n",
            disk.path().display(),
            receiver.address,
        );
        sandbox.write("birl.toml", rules.as_bytes());
        let log = open(&sandbox.write("app.log", b""))?;
        let mut bench = Bench {
            birl: None,
            receiver,
            disk,
            sandbox,
            log,
            last: 0,
        };
        bench.start();
        Ok(bench)
    }

    fn start(&mut self) {
        let birl = Process::start(self.sandbox.birl(&["run"]), Vec::new());
        self.birl = Some(birl);
        self.wait_for_stderr("running");
    }

    /// As by kill -9.
    fn kill(&mut self) {
        let birl = self.birl.take().expect("it runs");
        let stderr = birl.stderr();
        drop(birl);
        nothing_is_read_while_nothing_is_written(&stderr);
    }

    /// Waits for its end, as it should be.
    fn end(&mut self) {
        let ended = self.birl.take().expect("it runs").end();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr.as_bstr());
        nothing_is_read_while_nothing_is_written(&ended.stderr);
    }

    fn append(&mut self, count: u64) -> io::Result<()> {
        // Of so much few alerts fill what room there is in the files of the state.
        let pad = "x".repeat(8000);
        let mut lines = String::new();
        for n in self.last + 1..=self.last + count {
            let time = START + n;
            lines += &format!("{{\"time\":{time},\"n\":{n},\"pad\":\"{pad}\"}}\n");
        }
        self.last += count;
        self.log.write_all(lines.as_bytes())
    }

    fn birl(&self) -> &Process {
        self.birl.as_ref().expect("it runs")
    }

    fn birl_mut(&mut self) -> &mut Process {
        self.birl.as_mut().expect("it runs")
    }

    fn wait_for_stderr(&self, text: &str) {
        self.birl().wait_for_stderr(text);
        let stderr = self.birl().stderr();
        assert!(stderr.contains_str(text), "{}", stderr.as_bstr());
    }

    /// Leaves no room on the disk, nor in the files that birl has there.
    fn fill_the_disk(&mut self) -> io::Result<()> {
        fill(&self.disk)?;
        self.fill_the_state(self.times_not_written() + 1)
    }

    fn fill_the_state(&mut self, times_told: usize) -> io::Result<()> {
        while self.times_not_written() < times_told {
            self.append(100)?;
            let last = format!("INFO {} rule", self.last);
            self.wait_until("all is found, if it can be written", |bench| {
                bench.times_not_written() >= times_told || bench.birl().stderr().contains_str(&last)
            });
        }
        Ok(())
    }

    fn times_not_written(&self) -> usize {
        self.birl().stderr().find_iter(NOT_WRITTEN).count()
    }

    fn wait_until(&self, what: &str, is: impl Fn(&Bench) -> bool) {
        let began = Instant::now();
        while !is(self) {
            if began.elapsed() > PATIENCE {
                let taken = self.receiver.taken().len();
                let stderr = self.birl().stderr();
                let end = &stderr[stderr.len().saturating_sub(4000)..];
                panic!(
                    "{what}: {taken} of {} were taken\n{}",
                    self.last,
                    end.as_bstr()
                );
            }
            thread::sleep(PAUSE);
        }
    }

    /// Whatever failed, each record has an alert with an id of its own in the end.
    fn ends_with_one_alert_for_each(mut self) -> Result<(), Failed> {
        self.birl_mut().terminate();
        self.end();
        let inbox = self.receiver.inbox();
        assert_eq!(inbox.strange, [""; 0]);
        let mut ids: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
        for arrived in &inbox.arrived {
            ids.entry(arrived.n).or_default().insert(&arrived.id);
        }
        assert!(ids.keys().copied().eq(1..=self.last));
        assert!(ids.values().all(|ids| ids.len() == 1));
        let different: BTreeSet<_> = ids.values().flatten().collect();
        assert_eq!(different.len(), ids.len());
        Ok(())
    }

    fn wait_for_all(&self, what: &str) {
        let all = (1..=self.last).collect();
        self.wait_until(what, |bench| bench.receiver.taken() == all);
    }
}

/// Of what birl has said, each alert that it finds is a line. At its end it looks at what has been read.
fn nothing_is_read_while_nothing_is_written(stderr: &[u8]) {
    let mut is_written = true;
    let running = stderr.split_str("stopping").next().unwrap_or_default();
    for line in ByteSlice::lines(running) {
        is_written |= line.contains_str(WRITTEN_AGAIN);
        is_written &= !line.contains_str(NOT_WRITTEN);
        let is_alert = line.contains_str("rule=\"each\"");
        assert!(is_written || !is_alert, "{}", line.as_bstr());
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).open(path)
}

fn every_alert_arrives_whatever_fails() -> Result<(), Failed> {
    // It has room for all that waits each time that it is filled.
    let Some(disk) = Disk::mount_or_say_why("128m") else {
        return Ok(());
    };
    let mut bench = Bench::new(disk)?;
    bench.append(200)?;
    bench.wait_for_all("all is well");

    bench.receiver.answers(Answers::Stalls);
    let before = bench.receiver.inbox().arrived.len();
    bench.append(100)?;
    bench.wait_until("it is tried again", |bench| {
        bench.receiver.inbox().arrived.len() > before + 1
    });
    bench.receiver.answers(Answers::Takes);
    bench.append(100)?;
    bench.wait_for_all("it stalls no more");

    bench.receiver.answers(Answers::Fails(8));
    bench.append(200)?;
    bench.wait_for_all("it fails no more");
    assert_eq!(bench.receiver.inbox().answers, Some(Answers::Fails(0)));

    bench.receiver.goes_down();
    bench.append(100)?;
    bench.wait_for_stderr("connection refused");
    bench.kill();
    bench.append(100)?;
    bench.start();
    bench.append(100)?;
    bench.receiver.comes_back();
    bench.wait_for_all("it is back");

    // What is taken may stay in the outbox then, and is sent once more.
    bench.fill_the_disk()?;
    bench.append(100)?;
    free(&bench.disk)?;
    bench.wait_for_all("there is room");

    bench.receiver.goes_down();
    bench.fill_the_disk()?;
    bench.kill();
    bench.append(100)?;
    // Its files have enough room to begin with.
    bench.start();
    bench.fill_the_state(1)?;
    bench.append(100)?;
    free(&bench.disk)?;
    bench.wait_for_stderr(WRITTEN_AGAIN);
    bench.receiver.comes_back();
    bench.wait_for_all("there is room for another process");

    bench.receiver.goes_down();
    bench.fill_the_disk()?;
    bench.birl_mut().terminate();
    bench.wait_for_stderr("stopping");
    free(&bench.disk)?;
    bench.end();
    bench.append(100)?;
    bench.start();
    bench.receiver.comes_back();
    bench.wait_for_all("it ended when there was no room");

    bench.ends_with_one_alert_for_each()
}

/// The disk holds the outbox and no more, and nobody makes room but the place.
fn an_outbox_that_fills_the_disk_makes_room_for_itself() -> Result<(), Failed> {
    let Some(disk) = Disk::mount_or_say_why("32m") else {
        return Ok(());
    };
    let mut bench = Bench::new(disk)?;
    bench.receiver.goes_down();
    bench.fill_the_state(1)?;
    bench.append(100)?;
    bench.receiver.comes_back();
    bench.wait_for_all("what is delivered makes room for more");

    bench.receiver.goes_down();
    bench.fill_the_state(bench.times_not_written() + 1)?;
    bench.append(100)?;
    bench.birl_mut().terminate();
    bench.end();
    bench.start();
    bench.receiver.comes_back();
    bench.wait_for_all("it ended and began when the disk was full");

    bench.receiver.goes_down();
    bench.fill_the_state(1)?;
    bench.kill();
    bench.append(100)?;
    bench.start();
    bench.receiver.comes_back();
    bench.wait_for_all("it was killed when the disk was full");
    bench.ends_with_one_alert_for_each()
}
