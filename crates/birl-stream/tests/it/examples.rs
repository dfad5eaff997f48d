//! The programs in `examples/`, run as a user runs them.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use birl_stream::prelude::*;
use futures::SinkExt;
use tokio::net::TcpListener;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

/// Where Cargo puts the examples that it builds along with the tests.
fn path(example: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples");
    let path = path
        .join(example)
        .with_extension(env::consts::EXE_EXTENSION);
    assert!(
        path.exists(),
        "{} has not been built: run cargo build -p birl-stream --examples",
        path.display()
    );
    path
}

fn run(example: &str, args: &[&str]) -> Output {
    Command::new(path(example)).args(args).output().unwrap()
}

/// What an example that ends well prints.
fn stdout(example: &str, args: &[&str]) -> String {
    let output = run(example, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn less_than_60_lines_and_the_prelude_are_all_that_an_example_needs() {
    let directory = crate::in_package("examples");
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        assert!(source.lines().count() < 60, "{} is long", path.display());
        let others = source
            .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
            .filter(|path| path.contains("birl_stream::") || path.contains("futures"))
            .filter(|path| *path != "birl_stream::prelude::");
        assert_eq!(others.collect::<Vec<_>>(), [""; 0], "{}", path.display());
    }
}

#[test]
fn vector_is_taken_item_by_item() {
    assert_eq!(
        stdout("vector", &[]),
        "Got: 1\nGot: 2\nGot: 3\nGot: 4\nGot: 5\n"
    );
}

#[test]
fn lazy_chain_does_no_more_than_is_asked_for() {
    assert_eq!(
        stdout("lazy_chain", &[]),
        "The chain stands, and has not run.\n\
         Squaring 1\nSquaring 2\nSquaring 3\nSquaring 4\nSquaring 5\n\
         Odd squares: [1, 9, 25]\n"
    );
}

#[test]
fn unfold_makes_a_stream_of_a_state_and_a_step() {
    assert_eq!(stdout("unfold", &[]), "Waited [1ms, 2ms, 4ms, 8ms, 16ms]\n");
}

#[test]
fn counter_keeps_the_contract() {
    assert_eq!(
        stdout("counter", &[]),
        "Counted: [1, 2, 3, 4, 5]\nThe contract holds for all 5 items.\n"
    );
}

#[test]
fn ten_thousand_streams_are_served_by_one_thread() {
    // Each number from 0 to 9,999 comes three times.
    assert_eq!(
        stdout("ten_thousand", &[]),
        "Items: 30000, their sum: 149985000\nThreads: 1\n\
         One after the other they would take 50 minutes.\n"
    );
}

/// A log whose third line is no text.
fn log() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let log = b"INFO started\nERROR disk full\n\xff\xfe\nINFO retrying\r\nERROR disk still full";
    std::fs::write(&path, log).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (directory, path)
}

#[test]
fn alerts_goes_on_past_lines_that_are_no_text() {
    let (_directory, log) = log();
    assert_eq!(
        stdout("alerts", &[&log]),
        "Alert: ERROR disk full\nAlert: ERROR disk still full\nLines that are no text: 1\n"
    );
}

#[test]
fn alerts_strict_stops_at_the_first_error() {
    let (_directory, log) = log();
    let output = run("alerts_strict", &[&log]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "Alert: ERROR disk full\n"
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "Error: \"line 3: invalid utf-8 sequence of 1 bytes from index 0\"\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn alerts_says_which_file_it_cannot_read() {
    for example in ["alerts", "alerts_strict"] {
        let output = run(example, &["/no/such.log"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let expected = "cannot open \\\"/no/such.log\\\": No such file or directory (os error 2)";
        assert!(stderr.contains(expected), "{example}: {stderr}");
    }
}

/// Plays the server: asks something over one connection, drops it without a word, and asks again
/// over the next one.
#[tokio::test]
async fn websocket_bot_reacts_and_comes_back_when_the_connection_is_dropped() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let mut bot = tokio::process::Command::new(path("websocket_bot"))
        .arg(&url)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();

    for (question, answer) in [("!ping", "pong"), ("!greet Ferris", "Hello, Ferris!")] {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(tcp).await.unwrap();
        socket
            .send(Message::text("nothing to say to this"))
            .await
            .unwrap();
        socket.send(Message::text(question)).await.unwrap();
        let reply = socket.next().await.unwrap().unwrap();
        assert_eq!(reply, Message::text(answer));
    }

    let stdout = bot.stdout.take().unwrap();
    let mut printed = birl_stream::lines_from(stdout).map(|line| line.unwrap().to_string());
    let expected = [
        "Connected",
        "!ping -> pong",
        "Lost: WebSocket protocol error: Connection reset without closing handshake",
        "Connected",
        "!greet Ferris -> Hello, Ferris!",
    ];
    for line in expected {
        assert_eq!(printed.next().await.as_deref(), Some(line));
    }
    bot.kill().await.unwrap();
}

#[test]
fn generator_yields_to_a_closure_that_returns_nothing() {
    assert_eq!(
        stdout("generator", &[]),
        "Yielded: 0\nYielded: 1\nYielded: 2\nYielded: 3\nYielded: 4\n"
    );
}
