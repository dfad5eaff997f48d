//! What live answers promise, measured on the program as it is run: how many messages of a WebSocket
//! it takes, how long a record is under way to standard output, the memory of windows, and what it costs
//! to follow files in which nothing happens.
//!
//!   cargo build --release && cargo bench -p birl-bench --bench live_targets -- \
//!       [--rounds N] [--seconds N] [--messages N] [--ours] [NAME]...
//!
//! NAME picks cases. `$BIRL` is the program, or else `target/release/birl` in the repository. The other
//! side of each connection is in this process, on loopback.

#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use birl_bench::targets::{self, Args, Case, HEADER, Measure, Wanted};
use birl_net::Connector;
use birl_net::request::Request;
use birl_net::websocket::{Message, Options, WebSocket};
use tokio::runtime::Builder;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// How often each case runs, unless `--rounds` says otherwise.
const ROUNDS: usize = 5;

/// How many messages a flood has.
const MESSAGES: u64 = 2_000_000;

/// How long what is paced goes on.
const SECONDS: u64 = 10;

fn main() {
    let (mut messages, mut seconds) = (MESSAGES, SECONDS);
    let mut numbers = [("--messages", &mut messages), ("--seconds", &mut seconds)];
    let args = Args::parse(ROUNDS, &mut numbers);
    println!("{HEADER}");
    for case in cases(targets::birl(), messages, seconds) {
        if args.picks(case.name) {
            println!("{}", case.run(args.rounds, args.ours_only));
        }
    }
}

fn cases(birl: PathBuf, messages: u64, seconds: u64) -> Vec<Case<'static>> {
    let case = |name, unit, ours: Measure<'static>, rival, wanted| Case {
        name,
        unit,
        ours,
        rival,
        wanted,
    };
    let latency = |way: Way| -> Measure<'static> {
        let birl = birl.clone();
        Box::new(move || latency_ms(&birl, way, 10_000, seconds))
    };
    let (flooded, flooded_again) = (birl.clone(), birl.clone());
    let (windowed, idle) = (birl.clone(), birl.clone());
    vec![
        case(
            "WebSocket, a filter: a message",
            "ns",
            Box::new(move || flood_ns(messages, |port| Taker::birl(&flooded, port))),
            Some(Box::new(move || {
                flood_ns(messages, |port| Taker::bare(port, false))
            })),
            // 0.7 of what a client takes that only counts.
            Wanted::Times(1.0 / 0.7),
        ),
        case(
            "WebSocket, a filter: against texts in place",
            "ns",
            Box::new(move || flood_ns(messages, |port| Taker::birl(&flooded_again, port))),
            Some(Box::new(move || {
                flood_ns(messages, |port| Taker::bare(port, true))
            })),
            Wanted::Times(1.0 / 0.7),
        ),
        case(
            "WebSocket, 10,000/s: latency, p99",
            "ms",
            latency(Way::WebSocket),
            None,
            Wanted::Within(5.0),
        ),
        case(
            "file, 10,000/s: latency, p99",
            "ms",
            latency(Way::File),
            None,
            Wanted::Within(5.0),
        ),
        case(
            "windows of 1 min, 200,000/s: peak",
            "MiB",
            Box::new(move || windows_mib(&windowed, 200_000, seconds.max(75))),
            None,
            Wanted::Within(128.0),
        ),
        case(
            "1,000 idle files: a core",
            "%",
            Box::new(move || idle_percent(&idle, 1000, seconds)),
            None,
            Wanted::Within(1.0),
        ),
    ]
}

/// How a record gets to birl.
#[derive(Clone, Copy)]
enum Way {
    WebSocket,
    File,
}

/// Who takes what a WebSocket says.
enum Taker {
    Birl(Running),
    Bare(thread::JoinHandle<u64>),
}

impl Taker {
    fn birl(program: &Path, port: u16) -> Self {
        let url = format!("ws://127.0.0.1:{port}/");
        Self::Birl(Running::start(program, &["level:error", &url]))
    }

    /// The client that birl has, which counts messages and does nothing else: as values of their own, or as
    /// birl takes them, in place.
    fn bare(port: u16, is_in_place: bool) -> Self {
        Self::Bare(thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime can be built");
            runtime.block_on(async {
                let url = format!("ws://127.0.0.1:{port}/").parse();
                let request = Request::new(url.expect("it is a URL"));
                let connector = Connector::new(Default::default(), None);
                let socket = WebSocket::connect(&connector, request, &Options::default()).await;
                let mut socket = socket.expect("the server is there");
                let mut count = 0;
                while let Some(first) = socket.receive().await.expect("the server is sound") {
                    let mut next = Some(first);
                    while let Some(message) = next {
                        match message {
                            Message::Close(_) => {
                                let _ = socket.flush().await;
                                return count;
                            }
                            _ => count += 1,
                        }
                        next = match is_in_place {
                            true => socket.received_texts(|_| count += 1),
                            false => socket.received_already(),
                        }
                        .expect("the server is sound");
                    }
                }
                count
            })
        }))
    }

    fn end(self) {
        match self {
            Self::Birl(running) => drop(running),
            Self::Bare(thread) => drop(thread.join().expect("it does not panic")),
        }
    }
}

/// A birl whose output is read by a thread.
struct Running {
    child: Child,
    reader: Option<thread::JoinHandle<()>>,
}

impl Running {
    fn start(program: &Path, arguments: &[&str]) -> Self {
        Self::reading(program, arguments, |_| {})
    }

    /// Hands on each line that it prints, as soon as it is there.
    fn reading(
        program: &Path,
        arguments: &[&str],
        mut each: impl FnMut(&[u8]) + Send + 'static,
    ) -> Self {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = child.expect("birl can be run");
        let output = child.stdout.take().expect("it is a pipe");
        let reader = thread::spawn(move || {
            let mut output = BufReader::with_capacity(1 << 16, output);
            let mut line = Vec::new();
            while matches!(output.read_until(b'\n', &mut line), Ok(1..)) {
                each(&line);
                line.clear();
            }
        });
        Self {
            child,
            reader: Some(reader),
        }
    }

    /// What `/proc` says of it.
    fn proc(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(path).expect("it is running")
    }

    fn peak_mib(&self) -> f64 {
        let status = self.proc("status");
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        kib.expect("the system tells it") / 1024.0
    }

    /// How many seconds of processors it has used.
    fn cpu_seconds(&self) -> f64 {
        let stat = self.proc("stat");
        // The name stands in parentheses and may hold anything.
        let (_, rest) = stat.rsplit_once(')').expect("it has a name");
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |at: usize| fields[at].parse::<f64>().expect("it is a number");
        // In hundredths of a second, wherever Linux runs.
        (ticks(11) + ticks(12)) / 100.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = listener.local_addr().expect("it is bound").port();
    (listener, port)
}

/// Takes a connection, and agrees to speak WebSocket over it.
fn accept(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().expect("somebody connects");
    stream.set_nodelay(true).expect("it is TCP");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("it is HTTP");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("it is text");
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then(|| value.trim().to_owned())
    });
    let accept = derive_accept_key(key.expect("it has a key").as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).expect("it listens");
    stream
}

/// A text message as a server sends it.
fn push_frame(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("it is short");
    match u8::try_from(length) {
        Ok(short @ ..=125) => out.extend([0x81, short]),
        _ => {
            out.extend([0x81, 126]);
            out.extend(length.to_be_bytes());
        }
    }
    out.extend(text.as_bytes());
}

fn record(n: u64, level: &str, sent: u64) -> String {
    format!(
        "{{\"time\":\"2026-03-14T14:05:30.120Z\",\"level\":\"{level}\",\"service\":\"service-{}\",\"n\":{n},\
         \"sent\":{sent},\"msg\":\"upstream closed the connection while it answered, and it is tried again\",\
         \"path\":\"/api/v1/orders/{n}\",\"user\":\"user-{}\"}}",
        n % 20,
        n % 1000
    )
}

/// How many nanoseconds a message takes, from the first until the last has been taken. One in ten is found.
fn flood_ns(messages: u64, taker: impl FnOnce(u16) -> Taker) -> f64 {
    const BLOCK: u64 = 4000;
    let mut block = Vec::new();
    for n in 0..BLOCK {
        let level = if n % 10 == 0 { "error" } else { "info" };
        push_frame(&mut block, &record(n, level, 0));
    }
    let (listener, port) = listen();
    let taker = taker(port);
    let mut stream = accept(&listener);
    let blocks = messages.div_ceil(BLOCK);
    let start = Instant::now();
    for _ in 0..blocks {
        stream.write_all(&block).expect("it listens");
    }
    // Who answers the close has taken all that came before.
    stream
        .write_all(&[0x88, 2, 0x03, 0xE8])
        .expect("it listens");
    let mut answer = [0];
    stream
        .read_exact(&mut answer)
        .expect("the close is answered");
    let took = start.elapsed();
    taker.end();
    took.as_nanos() as f64 / (blocks * BLOCK) as f64
}

/// The 99th percentile of how long a record is under way, in milliseconds.
fn latency_ms(program: &Path, way: Way, per_second: u64, seconds: u64) -> f64 {
    let origin = Instant::now();
    let (sender, times) = std::sync::mpsc::channel();
    let each = move |line: &[u8]| {
        let now = origin.elapsed().as_nanos() as u64;
        let sent = line.windows(7).position(|it| it == b"\"sent\":");
        let digits = sent.map(|at| &line[at + 7..]).unwrap_or_default();
        let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
        let sent = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        let _ = sender.send(now.saturating_sub(sent));
    };
    let directory = tempfile::tempdir().expect("there is a directory");
    let path = directory.path().join("app.log");
    let (_running, mut send): (Running, Box<dyn FnMut(u64)>) = match way {
        Way::WebSocket => {
            let (listener, port) = listen();
            let url = format!("ws://127.0.0.1:{port}/");
            let running = Running::reading(program, &["level:error", &url], each);
            let mut stream = accept(&listener);
            let mut frame = Vec::new();
            let send = move |n: u64| {
                frame.clear();
                let sent = origin.elapsed().as_nanos() as u64;
                push_frame(&mut frame, &record(n, "error", sent));
                stream.write_all(&frame).expect("it listens");
            };
            (running, Box::new(send))
        }
        Way::File => {
            let mut file = File::create(&path).expect("it can be written");
            let name = path.to_str().expect("it is text");
            let running = Running::reading(program, &["-f", "level:error", name], each);
            let send = move |n: u64| {
                let sent = origin.elapsed().as_nanos() as u64;
                let line = record(n, "error", sent) + "\n";
                file.write_all(line.as_bytes()).expect("there is room");
            };
            (running, Box::new(send))
        }
    };
    // It has to have begun.
    thread::sleep(Duration::from_secs(1));
    let total = per_second * seconds;
    let begin = Instant::now();
    for n in 0..total {
        let due = Duration::from_nanos(n * 1_000_000_000 / per_second);
        while let Some(wait) = due.checked_sub(begin.elapsed()) {
            thread::sleep(wait);
        }
        send(n);
    }
    let wait = || times.recv_timeout(Duration::from_secs(5)).ok();
    let mut times: Vec<u64> = (0..total).map_while(|_| wait()).collect();
    assert_eq!(times.len() as u64, total, "all records are printed");
    times.sort_unstable();
    times[times.len() * 99 / 100] as f64 / 1e6
}

/// The peak of memory, in MiB, where so many records a second are counted in windows, over more than one
/// of them. It fails where birl does not keep up.
fn windows_mib(program: &Path, per_second: u64, seconds: u64) -> f64 {
    let (listener, port) = listen();
    let url = format!("tcp://127.0.0.1:{port}");
    let query = "* |> count by service";
    let running = Running::start(program, &["--window", "1m", query, &url]);
    let (mut stream, _) = listener.accept().expect("birl connects");
    const PER_STEP: u64 = 100;
    let steps = per_second * seconds / PER_STEP;
    let begin = Instant::now();
    for step in 0..steps {
        let due = Duration::from_nanos(step * PER_STEP * 1_000_000_000 / per_second);
        if let Some(wait) = due.checked_sub(begin.elapsed()) {
            thread::sleep(wait);
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.expect("it is after 1970").as_millis();
        let mut lines = String::new();
        for n in step * PER_STEP..(step + 1) * PER_STEP {
            let service = n % 20;
            lines += &format!(
                "{{\"time\":{now},\"level\":\"info\",\"service\":\"service-{service}\",\"n\":{n},\
                 \"msg\":\"answered\",\"ms\":{}}}\n",
                n % 97
            );
        }
        stream.write_all(lines.as_bytes()).expect("birl listens");
    }
    let took = begin.elapsed().as_secs_f64();
    assert!(
        took < seconds as f64 * 1.05,
        "birl does not keep up: {} records took {took:.1} s",
        per_second * seconds
    );
    running.peak_mib()
}

/// How many percent of a core it costs to follow files in which nothing happens.
fn idle_percent(program: &Path, files: usize, seconds: u64) -> f64 {
    let directory = tempfile::tempdir().expect("there is a directory");
    for number in 0..files {
        let path = directory.path().join(format!("{number}.log"));
        fs::write(path, "level=info msg=begun\n").expect("it can be written");
    }
    let name = directory.path().to_str().expect("it is text");
    let running = Running::start(program, &["-f", "level:error", name]);
    // What has just changed is looked at closely for some seconds.
    thread::sleep(Duration::from_secs(15));
    let (cpu, begin) = (running.cpu_seconds(), Instant::now());
    thread::sleep(Duration::from_secs(seconds));
    (running.cpu_seconds() - cpu) * 100.0 / begin.elapsed().as_secs_f64()
}
