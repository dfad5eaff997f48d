//! What birl is for: a log floods with errors, the room is told, asks, and looks after it; birl is killed
//! in the middle, and nothing is lost.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message, accept};

use crate::process::Process;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "bot::a_flood_is_told_asked_about_and_looked_after_over_a_kill",
            a_flood_is_told_asked_about_and_looked_after_over_a_kill,
        ),
        Trial::test(
            "bot::who_may_not_changes_nothing",
            who_may_not_changes_nothing,
        ),
        Trial::test(
            "bot::what_stands_in_a_record_calls_nothing_and_is_not_shown",
            what_stands_in_a_record_calls_nothing_and_is_not_shown,
        ),
        Trial::test(
            "bot::a_question_is_given_up_and_does_not_hold_up_others",
            a_question_is_given_up_and_does_not_hold_up_others,
        ),
    ]
}

/// Nothing is waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// A room on a service of JSON, which the test plays: whoever connects is in it.
pub(crate) struct Room {
    pub(crate) address: String,
    say: Sender<String>,
    heard: Receiver<String>,
    said: u64,
    connections: Arc<AtomicU64>,
}

impl Room {
    pub(crate) fn new() -> Result<Self, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let (say, to_say) = channel();
        let (hear, heard) = channel();
        let connections = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                if serve(stream, &to_say, &hear).is_none() {
                    return;
                }
            }
        });
        Ok(Self {
            address,
            say,
            heard,
            said: 0,
            connections,
        })
    }

    /// How many times somebody has connected.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// Somebody says something.
    pub(crate) fn say(&mut self, sender: &str, text: &str) {
        self.said += 1;
        self.say_again(sender, text);
    }

    /// The same message is told again.
    pub(crate) fn say_again(&self, sender: &str, text: &str) {
        let message = json!({"id": self.said, "room": "#ops", "sender": sender, "text": text});
        self.say
            .send(message.to_string())
            .expect("the room is there");
    }

    /// What birl says next, whatever it is.
    pub(crate) fn next(&self, timeout: Duration) -> Option<String> {
        match self.heard.recv_timeout(timeout) {
            Ok(heard) => {
                let heard: Value = serde_json::from_str(&heard).expect("birl says JSON");
                Some(heard["say"].as_str().expect("it says a text").to_owned())
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the room is gone"),
        }
    }

    /// The next thing that birl says that begins so; what else it says until then is kept in `others`.
    pub(crate) fn wait_for(&self, begin: &str, others: &mut Vec<String>) -> String {
        let until = Instant::now() + PATIENCE;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            match self.next(left) {
                Some(text) if text.starts_with(begin) => return text,
                Some(text) => others.push(text),
                None => break,
            }
        }
        panic!("birl has not said {begin:?}, but {others:#?}");
    }
}

/// Talks over a connection until it is lost; nothing where nobody listens any more.
fn serve(stream: TcpStream, say: &Receiver<String>, hear: &Sender<String>) -> Option<()> {
    let Ok(mut socket) = accept(stream) else {
        return Some(());
    };
    let timeout = Some(Duration::from_millis(5));
    socket.get_ref().set_read_timeout(timeout).ok()?;
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => hear.send(text.to_string()).ok()?,
            Ok(_) => {}
            Err(Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return Some(()),
        }
        while let Ok(text) = say.try_recv() {
            if socket.send(Message::text(text)).is_err() {
                return Some(());
            }
        }
    }
}

/// An application that writes an error each 10 ms.
struct Flood {
    is_over: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    writer: JoinHandle<std::io::Result<()>>,
}

impl Flood {
    fn begin(log: PathBuf, service: &'static str) -> Self {
        let (is_over, written) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (over, count) = (Arc::clone(&is_over), Arc::clone(&written));
        let writer = thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                write(&log, "error", service)?;
                count.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(10));
            }
            Ok(())
        });
        Self {
            is_over,
            written,
            writer,
        }
    }

    /// How many errors there were in all.
    fn end(self) -> Result<u64, Failed> {
        self.is_over.store(true, Ordering::SeqCst);
        self.writer.join().expect("it does not panic")?;
        Ok(self.written.load(Ordering::SeqCst))
    }
}

fn write(log: &Path, level: &str, service: &str) -> std::io::Result<()> {
    let now = jiff::Timestamp::now();
    let line = format!(
        "{{\"time\":\"{now}\",\"level\":\"{level}\",\"service\":\"{service}\",\"message\":\"no @all\"}}\n"
    );
    let mut log = OpenOptions::new().append(true).create(true).open(log)?;
    log.write_all(line.as_bytes())
}

fn rules(address: &str, allow: &str) -> String {
    format!(
        r##"
state = "state.db"

[source.app]
from = "app.log"
start = "beginning"

[rule.burst]
kind = "frequency"
query = "level:error"
group_by = "service"
at_least = 20
window = "4s"
slide = "1s"
repeat = "1s"
resolve = "2s"
send = "room"
text = "{{count}} errors"

[place.room]
chat = "ops"
room = "#ops"
fold = "0s"

[chat.ops]
json = "ws://{address}/"
me = "birl"
say = '{{"say":"{{text}}"}}'
ask = {{ from = ["app"], allow = ["ann"], memory = "1GiB" }}
allow = {{ {allow} }}

[[chat.ops.command]]
name = "errors"
args = {{ span = "5m" }}
query = "level:error last:{{span}} |> count by service"
from = ["app"]
"##
    )
}

/// The alert's id in what is said of it.
fn id(said: &str) -> &str {
    said.split(' ').next().expect("there is a first word")
}

fn a_flood_is_told_asked_about_and_looked_after_over_a_kill() -> Result<(), Failed> {
    let mut room = Room::new()?;
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"");
    for _ in 0..7 {
        write(&log, "error", "mailer")?;
    }
    let rules = rules(&room.address, r#"ack = ["ann"]"#);
    sandbox.write("birl.toml", rules.as_bytes());
    let process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_stderr("connected to");

    let mut others = Vec::new();
    let flood = Flood::begin(log.clone(), "api");
    let first = next_alert(&room, &mut others);
    assert!(first.contains(" FIRING burst (service=api)"), "{first}");
    assert_eq!(others, Vec::<String>::new());
    // It is said again each second, until somebody looks after it.
    let again = next_alert(&room, &mut others);
    assert_eq!(id(&again), id(&first));

    room.say("ann", "!errors 5m");
    let counted = room.wait_for("service", &mut others);
    let rows: Vec<_> = counted.lines().map(str::split_whitespace).collect();
    let rows: Vec<Vec<&str>> = rows.into_iter().map(Iterator::collect).collect();
    assert_eq!(rows[2], ["mailer", "7"], "{counted}");
    let api: u64 = rows[1][1].parse()?;
    assert_eq!(rows[1][0], "api");
    assert!(
        (20..=flood.written.load(Ordering::SeqCst) + 1).contains(&api),
        "{counted}"
    );

    room.say("ann", &format!("!ack {} on it", id(&first)));
    room.wait_for("ann looks after ", &mut others);
    others.clear();
    // It would be said again three times meanwhile.
    thread::sleep(Duration::from_secs(3));
    room.say("bob", "!alerts");
    let open = room.wait_for(id(&first), &mut others);
    assert!(open.contains("ann looks after it"), "{open}");
    assert_eq!(others, Vec::<String>::new());

    drop(process);
    // Killed, while the flood goes on.
    thread::sleep(Duration::from_millis(500));
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_stderr("connected to");
    thread::sleep(Duration::from_secs(3));
    room.say("bob", "!alerts");
    let open = room.wait_for(id(&first), &mut others);
    assert!(open.contains("ann looks after it"), "{open}");
    assert_eq!(others, Vec::<String>::new());

    let written = flood.end()?;
    let resolved = next_alert(&room, &mut others);
    assert_eq!(id(&resolved), id(&first));
    assert!(
        resolved.contains(" RESOLVED burst (service=api)"),
        "{resolved}"
    );
    room.say("ann", "!errors 1h");
    let counted = room.wait_for("service", &mut others);
    let words: Vec<_> = counted.split_whitespace().collect();
    let written = written.to_string();
    assert_eq!(words, ["service", "count", "api", &written, "mailer", "7"]);
    room.say("ann", "!alerts");
    room.wait_for("no alert is open", &mut others);
    assert_eq!(others, Vec::<String>::new());
    process.terminate();
    assert_eq!(process.end().status.code(), Some(0));
    Ok(())
}

/// What is said of an alert next: it begins with an id.
fn next_alert(room: &Room, others: &mut Vec<String>) -> String {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        match room.next(PATIENCE) {
            Some(text) if text.contains(" FIRING ") || text.contains(" RESOLVED ") => return text,
            Some(text) => others.push(text),
            None => break,
        }
    }
    panic!("no alert was said, but {others:#?}");
}

fn who_may_not_changes_nothing() -> Result<(), Failed> {
    let mut room = Room::new()?;
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"");
    let rules = rules(&room.address, r#"silence = ["ann"]"#);
    sandbox.write("birl.toml", rules.as_bytes());
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_stderr("connected to");
    let mut others = Vec::new();
    let mut ask = |sender: &str, text: &str, begin: &str| {
        room.say(sender, text);
        let said = room.wait_for(begin, &mut others);
        assert_eq!(others, Vec::<String>::new());
        said
    };
    ask(
        "bob",
        "!silence burst 1h",
        "bob: !silence is not for you here",
    );
    ask("ann", "!ack abcd", "ann: !ack is not for you here");
    ask("bob", "!ask *", "bob: !ask is not for you here");
    ask("bob", "!alerts", "no alert is open");
    ask("ann", "!silence", "for how long? Such as 2h: !silence ");
    ask(
        "ann",
        "!silence burst service=api 1h deploy @here",
        "silence 1: burst service=api until ",
    );
    ask(
        "ann",
        "!silence 1h",
        "for what? A rule, or * for any: !silence ",
    );
    ask("ann", "!why nothing", "no open alert begins with");
    let alerts = ask("bob", "!alerts", "no alert is open");
    assert!(
        alerts.contains("silence 1: burst service=api from "),
        "{alerts}"
    );
    assert!(alerts.contains("by ann: deploy @\u{200b}here"), "{alerts}");
    // What is silent is not told; what is not, is.
    for service in ["api", "mailer"] {
        for _ in 0..30 {
            write(&log, "error", service)?;
        }
    }
    let told = next_alert(&room, &mut others);
    assert!(told.contains(" FIRING burst (service=mailer)"), "{told}");
    room.say("bob", "!why burst");
    let why = room.wait_for("rule burst: frequency", &mut others);
    assert!(why.contains("level:error"), "{why}");
    // It fires before its window closes, by an answer that it has then.
    assert!(!why.contains("found nothing yet"), "{why}");
    // What a source has given is counted up each second.
    loop {
        room.say("bob", "!status");
        let status = room.wait_for("birl ", &mut others);
        if status.contains("source app, 60 lines") {
            break;
        }
        thread::sleep(Duration::from_millis(500));
    }
    room.say("bob", "!unsilence 1");
    room.wait_for("bob: !unsilence is not for you here", &mut others);
    room.say("ann", "!unsilence 1");
    room.wait_for("silence 1 is over", &mut others);
    process.terminate();
    assert_eq!(process.end().status.code(), Some(0));
    Ok(())
}

/// An application writes what it is told, by whoever talks to it.
fn what_stands_in_a_record_calls_nothing_and_is_not_shown() -> Result<(), Failed> {
    let mut room = Room::new()?;
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"");
    let rules = rules(&room.address, r#"ack = ["ann"]"#)
        + r##"
[rule.fatal]
kind = "any"
query = "level:fatal"
send = "room"
text = "{msg}"
"##;
    sandbox.write("birl.toml", rules.as_bytes());
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_stderr("connected to");
    let record = json!({
        "level": "fatal", "msg": "no\n!ack 1\r!ack 2\u{1}\n\u{202e}!ack 3", "password": "hunter2",
    });
    let mut app = OpenOptions::new().append(true).open(&log)?;
    app.write_all(format!("{record}\n").as_bytes())?;
    let mut others = Vec::new();
    let told = next_alert(&room, &mut others);
    let lines: Vec<_> = told.lines().skip(1).take(4).collect();
    let broken = ["!\u{200b}ack 1", "!\u{200b}ack 2", "!\u{200b}ack 3"];
    assert_eq!(lines, [&["no"], &broken[..]].concat(), "{told}");
    room.say("bob", "!why fatal");
    let why = room.wait_for("rule fatal: any", &mut others);
    assert!(why.contains("  last    a record at 20"), "{why}");
    assert!(!why.contains("hunter2"), "{why}");
    room.say("bob", &format!("!why {}", id(&told)));
    let why = room.wait_for("rule fatal: any", &mut others);
    assert!(why.contains("alert "), "{why}");
    assert!(!why.contains("hunter2"), "{why}");
    assert_eq!(others, Vec::<String>::new());
    process.terminate();
    assert_eq!(process.end().status.code(), Some(0));
    Ok(())
}

fn a_question_is_given_up_and_does_not_hold_up_others() -> Result<(), Failed> {
    let mut room = Room::new()?;
    let sandbox = Sandbox::new();
    let records = (0..1500).map(|n| format!("level=info service=api n={n}\n"));
    let records = records.collect::<String>() + "level=error service=api msg=x\n";
    sandbox.write("app.log", records.as_bytes());
    let rules = rules(&room.address, r#"ack = ["ann"]"#);
    sandbox.write("birl.toml", rules.as_bytes());
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_stderr("connected to");
    let mut others = Vec::new();
    room.say("bob", "!cancel");
    room.wait_for("nothing is being asked here", &mut others);
    // It holds each record against all others, and none is found.
    let long = "!ask select count(*) from logs a join logs b on a.service = b.service \
         join logs c on b.service = c.service where a.n + b.n + c.n < 0";
    // Once one is given up, nothing is left of it: of all rooms, two are answered at a time.
    for _ in 0..3 {
        room.say("ann", long);
        room.wait_for("still asking, ", &mut others);
        room.say("bob", "!cancel");
        room.wait_for("given up", &mut others);
    }
    room.say("ann", long);
    // Behind it in the room, and not held up by it.
    room.say("bob", "!status");
    room.wait_for("birl ", &mut others);
    room.wait_for("still asking, ", &mut others);
    for _ in 0..6 {
        room.say("ann", "!ask level:error");
    }
    room.wait_for("4 questions wait here already", &mut others);
    assert_eq!(others, Vec::<String>::new());
    room.say("bob", "!cancel");
    room.wait_for("given up", &mut others);
    room.wait_for("level=error service=api msg=x", &mut others);
    process.terminate();
    assert_eq!(process.end().status.code(), Some(0));
    Ok(())
}
