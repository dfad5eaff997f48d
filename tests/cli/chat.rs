//! Chats, with servers that the test plays.

use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use libtest_mimic::{Failed, Trial};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

use crate::process::Process;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("chat::a_room_is_answered_until_birl_is_stopped", || {
            a_room_is_answered(&["chat"], "")
        }),
        Trial::test("chat::run_answers_a_room_without_rules", || {
            a_room_is_answered(&["run"], "")
        }),
        Trial::test("chat::run_answers_a_room_beside_rules", || {
            a_room_is_answered(&["run"], RULE)
        }),
        Trial::test(
            "chat::bytes_that_are_no_text_are_counted_and_end_nothing",
            bytes_that_are_no_text_are_counted_and_end_nothing,
        ),
        Trial::test(
            "chat::an_alert_is_said_in_its_room",
            an_alert_is_said_in_its_room,
        ),
        Trial::test(
            "chat::a_message_is_answered_once_over_a_kill",
            a_message_is_answered_once_over_a_kill,
        ),
        Trial::test(
            "chat::a_service_that_refuses_us_is_code_2_without_our_token",
            a_service_that_refuses_us,
        ),
    ]
}

fn bytes_that_are_no_text_are_counted_and_end_nothing() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    sandbox.write(
        "birl.toml",
        b"[chat.ops]\njson = 'ws://h/'\n[[chat.ops.reply]]\nquery = 'hello'\ntext = '{message}!'\n",
    );
    let typed = b"hello\n\xff hello\r\n\xfe\nhello again".to_vec();
    let process = Process::start(sandbox.birl(&["chat", "--console"]), vec![typed]);
    let ended = process.end();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("birl prints text");
    let said = "hello!\n\u{fffd} hello!\nhello again!\n";
    assert_eq!(text(ended.stdout), said);
    let told = "birl: 2 lines have bytes that are no UTF-8\n";
    assert_eq!(text(ended.stderr), told);
    assert_eq!(ended.status.code(), Some(0));
    let talk = [
        &b"{\"room\":\"r\",\"sender\":\"s\",\"message\":\"hello \xff\"}\n"[..],
        b"{\"room\":\"r\",\"sender\":\"s\",\"message\":\"hello\"}\n",
    ];
    sandbox.write("talk.jsonl", &talk.concat());
    let replay = sandbox.birl(&["chat", "--replay", "talk.jsonl"]);
    let ended = Process::start(replay, Vec::new()).end();
    assert_eq!(text(ended.stdout), "r: hello \u{fffd}!\nr: hello!\n");
    let told = "birl: 1 line has bytes that are no UTF-8\n";
    assert_eq!(text(ended.stderr), told);
    assert_eq!(ended.status.code(), Some(0));
    Ok(())
}

const RULE: &str = r#"
[source.app]
from = "app.log"
[rule.any]
kind = "any"
query = "level:error"
send = "out"
[place.out]
stdout = true
"#;

/// A room in which the test speaks: over two connections, each of which says again what was said. When
/// all is answered, that is told.
fn room(listener: TcpListener, answered: Sender<()>) -> JoinHandle<Vec<String>> {
    std::thread::spawn(move || {
        let mut heard = Vec::new();
        for life in 0..2 {
            let mut socket = next(&listener);
            heard.push(text(&mut socket));
            say(
                &mut socket,
                r#"{"id":1,"room":"ops","sender":"ann","text":"hello there"}"#,
            );
            say(
                &mut socket,
                r#"{"id":2,"room":"ops","sender":"birl","text":"hello me"}"#,
            );
            say(
                &mut socket,
                r#"{"id":3,"room":"ops","sender":"ann","text":"othello"}"#,
            );
            if life == 0 {
                heard.push(text(&mut socket));
                // It goes away without a word.
                continue;
            }
            say(
                &mut socket,
                r#"{"id":4,"room":"ops","sender":"bob","text":"hello @all"}"#,
            );
            heard.push(text(&mut socket));
            answered.send(()).expect("the test waits");
            // birl is stopped, and says so.
            match socket.read() {
                Ok(Message::Close(Some(CloseFrame { code, .. }))) => {
                    heard.push(u16::from(code).to_string());
                }
                other => panic!("{other:?}"),
            }
            while socket.read().is_ok() {}
        }
        heard
    })
}

fn next(listener: &TcpListener) -> WebSocket<TcpStream> {
    let (stream, _) = listener.accept().expect("birl connects");
    accept(stream).expect("birl speaks WebSocket")
}

fn say(socket: &mut WebSocket<TcpStream>, text: &str) {
    socket.send(Message::text(text)).expect("birl listens");
}

fn text(socket: &mut WebSocket<TcpStream>) -> String {
    let message = socket.read().expect("birl speaks");
    message.into_text().expect("it is text").to_string()
}

fn a_room_is_answered(args: &[&str], more: &str) -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (sender, answered) = channel();
    let room = room(listener, sender);
    let sandbox = Sandbox::new();
    let file = format!(
        r#"
[chat.ops]
json = "ws://{address}/"
me = "birl"
secrets = {{ token = {{ env = "TOKEN" }} }}
hello = [{{ send = '{{"token":"{{token}}"}}' }}]
say = '{{"to":"{{room}}","say":"{{text}}"}}'
[[chat.ops.reply]]
query = 'message:/^hello\b/'
text = "Hello, {{sender}}: {{message}}"
{more}"#
    );
    sandbox.write("birl.toml", file.as_bytes());
    sandbox.write("app.log", b"");
    let mut command = sandbox.birl(args);
    command.env("TOKEN", "hunter2");
    let mut process = Process::start(command, Vec::new());
    process.wait_for_stderr("gap of");
    answered.recv()?;
    process.terminate();
    let ended = process.end();
    let heard = room.join().expect("the room is satisfied");
    let expected = [
        r#"{"token":"hunter2"}"#,
        r#"{"to":"ops","say":"Hello, ann: hello there"}"#,
        r#"{"token":"hunter2"}"#,
        "{\"to\":\"ops\",\"say\":\"Hello, bob: hello @\u{200b}all\"}",
        "1000",
    ];
    assert_eq!(heard, expected);
    assert_eq!(ended.status.code(), Some(0));
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(!stderr.contains("hunter2"), "{stderr}");
    Ok(())
}

/// The first connection is lost before the alert is confirmed, so that it is said again.
fn an_alert_is_said_in_its_room() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (sender, said) = channel();
    let room = std::thread::spawn(move || {
        let mut socket = next(&listener);
        let first = text(&mut socket);
        // It goes away without a word, and has not answered.
        drop(socket);
        let mut socket = next(&listener);
        let again = text(&mut socket);
        // Reading on answers what is asked behind it.
        let rest = std::thread::spawn(move || while socket.read().is_ok() {});
        sender.send(()).expect("the test waits");
        rest.join().expect("it does not panic");
        [first, again]
    });
    let sandbox = Sandbox::new();
    let file = format!(
        r#"
state = "state.db"
[chat.ops]
json = "ws://{address}/"
say = '{{"to":"{{room}}","say":"{{text}}"}}'
[source.app]
from = "app.log"
start = "beginning"
[rule.boom]
kind = "any"
query = "level:error"
send = "room"
text = "{{message}}"
[place.room]
chat = "ops"
room = "lobby"
"#
    );
    sandbox.write("birl.toml", file.as_bytes());
    sandbox.write(
        "app.log",
        b"{\"level\":\"error\",\"message\":\"wake @all\"}\n",
    );
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    said.recv()?;
    process.terminate();
    let ended = process.end();
    let heard = room.join().expect("the room is satisfied");
    for said in &heard {
        let begin = "{\"to\":\"lobby\",\"say\":\"";
        let (id, said) = said
            .strip_prefix(begin)
            .and_then(|said| said.split_once(' '))
            .ok_or("an alert has an id")?;
        assert_eq!(id.len(), 6, "{id}");
        let begin = "FIRING boom\\nwake @\u{200b}all\\nbirl --since ";
        assert!(said.starts_with(begin), "{said}");
    }
    assert_eq!(heard[0], heard[1]);
    assert_eq!(ended.status.code(), Some(0));
    Ok(())
}

fn a_service_that_refuses_us() -> Result<(), Failed> {
    use std::io::{BufRead, BufReader, Write};
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("birl connects");
        let reader = BufReader::new(stream.try_clone().expect("it is a socket"));
        let head: Vec<_> = reader
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        let answer = b"HTTP/1.1 401 Unauthorized\r\n\r\n";
        stream.write_all(answer).expect("birl listens");
        head
    });
    let sandbox = Sandbox::new();
    let file = format!(
        "[chat.ops]\njson = \"ws://{address}/?key={{token}}\"\nsecrets = {{ token = {{ file = \"t\" }} }}\n"
    );
    sandbox.write("birl.toml", file.as_bytes());
    sandbox.write("t", b"hunter2\n");
    let ended = Process::start(sandbox.birl(&["chat"]), Vec::new()).end();
    let head = server.join().expect("the server is satisfied");
    assert_eq!(head[0], "GET /?key=hunter2 HTTP/1.1");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    let told = format!(
        "cannot connect to \"ws://{address}/?key={{token}}\": the server answers 401 Unauthorized"
    );
    assert!(stderr.contains(&told), "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");
    assert_eq!(ended.status.code(), Some(2));
    Ok(())
}

/// The service says again what it has said before birl was killed.
fn a_message_is_answered_once_over_a_kill() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (sender, heard) = channel();
    let room = std::thread::spawn(move || {
        for last in [3, 4] {
            let mut socket = next(&listener);
            sender.send(text(&mut socket)).expect("the test waits");
            for id in 1..=last {
                let message =
                    format!(r#"{{"id":{id},"room":"ops","sender":"ann","text":"hello {id}"}}"#);
                say(&mut socket, &message);
            }
            while let Ok(Message::Text(text)) = socket.read() {
                sender.send(text.to_string()).expect("the test waits");
            }
        }
    });
    let sandbox = Sandbox::new();
    let file = format!(
        r#"
state = "state.db"
[chat.ops]
json = "ws://{address}/"
cursor = "id"
hello = [{{ send = '{{"after":"{{cursor:0}}"}}' }}]
say = '{{"say":"{{text}}"}}'
[[chat.ops.reply]]
query = 'message:/^hello\b/'
text = "you said {{message}}"
"#
    );
    sandbox.write("birl.toml", file.as_bytes());
    let next = || heard.recv_timeout(std::time::Duration::from_secs(60));
    let process = Process::start(sandbox.birl(&["run"]), Vec::new());
    assert_eq!(next()?, r#"{"after":"0"}"#);
    for id in 1..=3 {
        assert_eq!(next()?, format!(r#"{{"say":"you said hello {id}"}}"#));
    }
    // What has been done is written down behind it.
    wait_for_cursor(&sandbox, "3")?;
    drop(process);
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    assert_eq!(next()?, r#"{"after":"3"}"#);
    assert_eq!(next()?, r#"{"say":"you said hello 4"}"#);
    process.terminate();
    assert_eq!(process.end().status.code(), Some(0));
    room.join().expect("the room is satisfied");
    Ok(())
}

fn wait_for_cursor(sandbox: &Sandbox, cursor: &str) -> Result<(), Failed> {
    let state = sandbox.path().join("state.db");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let wanted = format!("\"cursor\":\"{cursor}\"");
    while std::time::Instant::now() < until {
        // It is found in the file or in the log beside it.
        for file in [state.clone(), state.with_extension("db-wal")] {
            let bytes = std::fs::read(file).unwrap_or_default();
            let mut windows = bytes.windows(wanted.len());
            if windows.any(|window| window == wanted.as_bytes()) {
                return Ok(());
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Err(format!("{cursor} was not written down").into())
}
