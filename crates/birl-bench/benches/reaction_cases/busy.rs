//! A command while birl has nothing else to do, and while it reads a log as fast as it can, tells the same
//! room of alerts without end, and somebody asks for all of a large log again and again.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use birl_bench::data;
use birl_bench::line::Kind;
use birl_bench::targets::{Row, Wanted};
use birl_bench::versus::median;
use tempfile::NamedTempFile;
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use super::peer::{self, Peer};
use super::room::{Address, PATIENCE, Room, answer, answered};
use super::times::{Times, percentiles};
use crate::Plan;

/// A command each.
const PACE: Duration = Duration::from_millis(5);

/// How large the log is that is asked.
const PAST_BYTES: u64 = 200_000_000;

/// An alert for each of the 10,000th lines, and each of them is said.
const RULES: &str = r#"
state = "state.db"
status = "status"

[source.app]
from = "app.log"
start = "beginning"

[rule.stuck]
kind = "any"
query = "deadlock"
source = "app"
group_by = ["user"]
window = "1s"
send = "room"
resolved = false

[place.room]
chat = "ops"
room = "ops"
max_per_minute = 1000000
fold = "0s"
"#;

/// What is asked again and again.
const QUESTION: &str = "!ask * |> count by service";

/// So long is waited until birl has come to full speed.
const SETTLE: Duration = Duration::from_secs(1);

pub(crate) fn run(plan: &Plan, name: &str) {
    let log = data::log(Kind::Json, plan.bytes).expect("the log can be written");
    let empty = NamedTempFile::new().expect("there is a directory");
    let (mut idle, mut busy, mut loads) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        if !plan.ours_only {
            let (times, _) = round(plan, empty.path(), false);
            idle.push(times);
        }
        let (times, load) = round(plan, &log, true);
        busy.push(times);
        loads.push(load);
    }
    for (percent, wanted) in [(50, Wanted::Nothing), (99, Wanted::Times(5.0))] {
        let row = Row {
            name: &format!("{name}: p{percent}"),
            unit: "us",
            ours: percentiles(&busy, percent),
            rivals: percentiles(&idle, percent),
            wanted,
        };
        println!("{row}");
    }
    let each = |what: fn(&Load) -> f64| median(loads.iter().map(what).collect());
    println!(
        "  meanwhile it read {:.0} lines a second, said {:.0} alerts a second, and answered {:.1} questions a round",
        each(|load| load.lines_per_second),
        each(|load| load.alerts_per_second),
        each(|load| load.questions as f64),
    );
    if loads.iter().any(|load| load.has_ended) {
        println!("  the log ended before the round did: a larger one is needed (--bytes)");
    }
}

/// What birl did in a round besides.
struct Load {
    lines_per_second: f64,
    alerts_per_second: f64,
    questions: u64,
    /// Birl has read the whole log before it was over.
    has_ended: bool,
}

fn round(plan: &Plan, log: &Path, is_busy: bool) -> (Times, Load) {
    let past = data::log(Kind::Json, PAST_BYTES).expect("the log can be written");
    let address = Address::new();
    let config = RULES.to_owned() + &peer::chat(&address.place());
    let links = [("app.log", log), ("past.log", &past)];
    let birl = Peer::birl(&plan.birl, "run", &config, &links);
    let mut room = Room::open(&address, birl);
    let (sender, heard) = channel();
    let listener = room.listener();
    thread::spawn(move || listen(listener, &sender));
    thread::sleep(SETTLE);

    let mut talk = Talk::default();
    let before = Progress::of(&room.peer);
    let begun = Instant::now();
    let mut due = begun;
    while begun.elapsed() < Duration::from_secs(plan.seconds) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due += PACE;
        if is_busy && talk.question.is_none() {
            talk.question = Some(room.say("ann", QUESTION));
        }
        // It is sent whether or not those before are answered, so that none waits for a slow one.
        let sent = Instant::now();
        talk.commands.push((room.say("ann", "!oncall"), sent));
        while let Ok(heard) = heard.try_recv() {
            talk.hear(&heard);
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let after = Progress::of(&room.peer);
    let (alerts, questions) = (talk.alerts, talk.answers);
    let load = Load {
        lines_per_second: (after.lines - before.lines) / seconds,
        alerts_per_second: alerts as f64 / seconds,
        questions,
        has_ended: is_busy && after.unread_bytes == 0.0,
    };
    (talk.end(&heard), load)
}

/// Something that birl has said.
struct Heard {
    text: String,
    at: Instant,
}

/// Hands on what birl says, until it has ended.
fn listen(mut socket: WebSocket<TcpStream>, to: &Sender<Heard>) {
    while let Ok(message) = socket.read() {
        let at = Instant::now();
        if let Message::Text(text) = message {
            let text = text.to_string();
            if to.send(Heard { text, at }).is_err() {
                return;
            }
        }
    }
}

/// What was said, and heard.
#[derive(Default)]
struct Talk {
    /// The commands that are not answered, in the order in which they were said.
    commands: Vec<(u64, Instant)>,
    times: Vec<Duration>,
    /// The question that is not answered.
    question: Option<u64>,
    /// How many questions are.
    answers: u64,
    alerts: u64,
}

impl Talk {
    fn hear(&mut self, heard: &Heard) {
        let Some(id) = answered(&heard.text) else {
            assert!(heard.text.contains("FIRING stuck"), "{}", heard.text);
            self.alerts += 1;
            return;
        };
        if self.question == Some(id) {
            if !heard.text.contains("still asking") {
                assert!(heard.text.contains("checkout"), "{}", heard.text);
                self.question = None;
                self.answers += 1;
            }
            return;
        }
        assert_eq!(heard.text, answer(id));
        let at = self.commands.iter().position(|(said, _)| *said == id);
        let (_, sent) = self.commands.remove(at.expect("it is answered once"));
        self.times.push(heard.at - sent);
    }

    /// Waits for the answers to all commands.
    fn end(mut self, heard: &Receiver<Heard>) -> Times {
        while !self.commands.is_empty() {
            let heard = heard.recv_timeout(PATIENCE);
            self.hear(&heard.expect("every command is answered"));
        }
        Times::of(self.times)
    }
}

/// How far birl has come in the log.
struct Progress {
    lines: f64,
    unread_bytes: f64,
}

impl Progress {
    /// What its status says.
    fn of(birl: &Peer) -> Self {
        let socket = UnixStream::connect(birl.directory().join("status"));
        let mut status = String::new();
        let mut socket = BufReader::new(socket.expect("birl tells its status"));
        socket.read_line(&mut status).expect("it is a line");
        let (_, app) = status
            .split_once(r#""name":"app""#)
            .expect("it has the source");
        let number = |name: &str| -> f64 {
            let (_, rest) = app.split_once(&format!("\"{name}\":")).expect("it is told");
            let end = rest.find([',', '}']).expect("it is JSON");
            // It is null where it is not known, as before the first line.
            rest[..end].parse().unwrap_or(0.0)
        };
        Self {
            lines: number("lines"),
            unread_bytes: number("unread_bytes"),
        }
    }
}
