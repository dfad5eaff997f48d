//! How long a reaction takes, beside the least that it can take:
//! `cargo bench --package birl-chat --bench reaction`
//!
//! A driver plays the service: it sends a message, and waits for its answer. It does so by turns with two
//! processes: an echo of blocking tungstenite, and a bot of birl with 100 rules, a limit for each sender,
//! and messages known by their ids. What counts is the ratio of the medians of each round.

use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use birl_chat::json::Body;
use birl_chat::{Json, Rate, connect};
use birl_record::format::{Known, Parser};
use birl_record::query::parse_search;
use birl_record::search::{Options, Records, Set};
use birl_record::time::Clock;
use futures::StreamExt;
use tokio_tungstenite::tungstenite::stream::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

const ROUNDS: usize = 15;
const MESSAGES: usize = 5000;
const WARM_UP: usize = 500;
const RULES: usize = 100;

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    match (args.next().as_deref(), args.next()) {
        (Some("echo"), Some(url)) => echo(&url),
        (Some("bot"), Some(url)) => bot(&url),
        _ => drive(),
    }
}

/// A subject's process, and the connection to it.
struct Subject {
    process: Child,
    socket: WebSocket<std::net::TcpStream>,
    sent: u64,
}

impl Subject {
    fn start(name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let program = std::env::current_exe().unwrap();
        let process = Command::new(program).args([name, &url]).spawn().unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let socket = accept(stream).unwrap();
        Self {
            process,
            socket,
            sent: 0,
        }
    }

    /// How long reactions take.
    fn round(&mut self, messages: usize) -> Vec<Duration> {
        let mut took: Vec<_> = (0..messages).map(|_| self.react()).collect();
        took.sort();
        took
    }

    fn react(&mut self) -> Duration {
        self.sent += 1;
        let id = self.sent;
        let text = format!(
            r#"{{"id":{id},"room":"ops","sender":"ann","text":"!errors 15m, and what is wrong with shop?"}}"#
        );
        let began = Instant::now();
        self.socket.send(Message::text(text)).unwrap();
        let answer = self.socket.read().unwrap();
        let took = began.elapsed();
        let answer = answer.into_text().unwrap();
        let expected = format!(r#"{{"re":{id},"room":"ops","text":"got it, ann"}}"#);
        assert_eq!(answer.as_str(), expected);
        took
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[expect(clippy::print_stdout, reason = "it is a program")]
fn drive() {
    let mut echo = Subject::start("echo");
    let mut bot = Subject::start("bot");
    for subject in [&mut echo, &mut bot] {
        subject.round(WARM_UP);
    }
    let micros = |took: &[Duration], percent: usize| {
        took[(took.len() - 1) * percent / 100].as_nanos() as f64 / 1000.0
    };
    let (mut ratios, mut echoes, mut bots, mut tails) = (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let (least, ours) = (echo.round(MESSAGES), bot.round(MESSAGES));
        ratios.push(micros(&ours, 50) / micros(&least, 50));
        echoes.push(micros(&least, 50));
        bots.push(micros(&ours, 50));
        tails.push((micros(&least, 99), micros(&ours, 99)));
    }
    for numbers in [&mut ratios, &mut echoes, &mut bots] {
        numbers.sort_by(f64::total_cmp);
    }
    let median = |numbers: &[f64]| numbers[numbers.len() / 2];
    tails.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (least_99, ours_99) = tails[tails.len() / 2];
    println!("median of {ROUNDS} rounds of {MESSAGES} messages, in microseconds");
    println!("  echo  p50 {:6.1}  p99 {least_99:7.1}", median(&echoes));
    println!("  bot   p50 {:6.1}  p99 {ours_99:7.1}", median(&bots));
    println!(
        "  ratio {:.2} (of the least {:.2}), difference {:.1}",
        median(&ratios),
        bots[0] / echoes[0],
        median(&bots) - median(&echoes)
    );
    let spread = echoes[ROUNDS * 3 / 4] / echoes[ROUNDS / 4];
    if spread > 1.3 {
        println!("  the machine is too noisy to judge: the echo varies by {spread:.2}");
    }
}

/// The least that there can be between a message and an answer.
fn echo(url: &str) {
    let (mut socket, _) = tokio_tungstenite::tungstenite::connect(url).unwrap();
    if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
        stream.set_nodelay(true).unwrap();
    }
    while let Ok(message) = socket.read() {
        let Message::Text(text) = message else {
            continue;
        };
        let behind = text.as_str().strip_prefix("{\"id\":").unwrap();
        let (id, _) = behind.split_once(',').unwrap();
        let answer = format!(r#"{{"re":{id},"room":"ops","text":"got it, ann"}}"#);
        socket.send(Message::text(answer)).unwrap();
    }
}

fn bot(url: &str) {
    let mut json = Json::new(url).unwrap();
    json.me = Some("birl".to_owned());
    json.reply = Body::parse(r#"{"re":"{id}","room":"{room}","text":"{text}"}"#).unwrap();
    json.rate = Some(Rate {
        burst: 1000,
        every: Duration::from_nanos(1),
    });
    let clock = Clock {
        now: 0,
        zone: jiff::tz::TimeZone::UTC,
        newest: None,
    };
    let queries = (1..RULES).map(|n| format!("message:/^!command{n}\\b/i -sender:ci{n}"));
    let queries = queries.chain(["message:/^!errors\\b/i".to_owned()]);
    let terms: Vec<_> = queries.map(|text| parse_search(&text).unwrap()).collect();
    let rules = Set::new(&terms, Options::default(), &clock).unwrap();
    let parser = Parser::forced(Known::named("json").unwrap(), &[], 0).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let react = async move {
        let mut chat = connect(json);
        while let Some(Ok(message)) = chat.next().await {
            let record = serde_json::json!({
                "room": message.room, "sender": message.sender, "message": message.text,
            });
            let record = record.to_string();
            let records = Records {
                chunk: record.as_bytes(),
                parser: &parser,
                source: b"",
                offset: 0,
                is_start: true,
                times: None,
            };
            for rule in rules.finds(&records, 0..record.len()) {
                assert_eq!(rule, RULES - 1);
                let answer = message.answer(format!("got it, {}", message.sender));
                message.handle().try_send(answer).unwrap();
            }
        }
    };
    runtime.block_on(async { tokio::spawn(react).await.unwrap() });
}
