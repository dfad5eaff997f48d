//! Connections that are too fast, or go through others, places that are away, and a disk that is full: what was
//! sent is held against what arrived.

mod alerts;

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept_hdr};

use crate::addresses::{CountingServer, python_with};
use crate::diff::compare;
use crate::process::Process;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        Trial::test(
            "faults::what_is_dropped_of_a_flood_is_counted",
            what_is_dropped_of_a_flood_is_counted,
        ),
        Trial::test(
            "faults::a_websocket_is_read_whole_through_proxies_of_another_code_base",
            a_websocket_is_read_whole_through_proxies_of_another_code_base,
        )
        .with_ignored_flag(python_with("websockets.asyncio.server, pproxy").is_none()),
    ];
    trials.extend(alerts::trials());
    trials
}

/// The WebSocket, and what is asked for by `?after=`.
fn upgraded(stream: TcpStream) -> Option<(WebSocket<TcpStream>, u64)> {
    let mut after = None;
    #[expect(clippy::result_large_err, reason = "tungstenite's type")]
    let socket = accept_hdr(stream, |request: &Request, response: Response| {
        let asked = request.uri().query().unwrap_or_default();
        after = asked.strip_prefix("after=").and_then(|it| it.parse().ok());
        Ok(response)
    });
    Some((socket.ok()?, after?))
}

/// Nobody reads what birl prints until all is sent: each message has been printed then, or is counted.
fn what_is_dropped_of_a_flood_is_counted() -> Result<(), Failed> {
    const SENT: u64 = 40_000;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (sender, sent) = mpsc::channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("birl connects");
        let (mut socket, _) = upgraded(stream).expect("birl asks");
        let pad = "x".repeat(1000);
        for n in 1..=SENT {
            let text = format!("{{\"n\":{n},\"pad\":\"{pad}\"}}");
            socket.send(Message::text(text)).expect("birl reads on");
        }
        sender.send(()).expect("the test waits");
        // It stays open until birl is gone.
        while socket.read().is_ok() {}
    });
    let sandbox = Sandbox::new();
    let url = format!("ws://{address}/?after=0");
    let arguments = [
        "--overflow",
        "drop-oldest",
        "-o",
        "json",
        "n:* OR birl.gap:true",
        &url,
    ];
    let mut command = sandbox.birl(&arguments);
    let mut birl = Killed(
        command
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()?,
    );
    sent.recv()?;
    let output = birl.0.stdout.take().expect("it is a pipe");
    let (mut last, mut printed, mut dropped) = (0, 0, 0);
    for line in BufReader::new(output).lines() {
        let record: Value = serde_json::from_str(&line?)?;
        if let Some(count) = record["dropped"].as_u64() {
            dropped += count;
            continue;
        }
        let n = record["n"].as_u64().expect("each has a number");
        assert!(n > last, "{n} behind {last}");
        (last, printed) = (n, printed + 1);
        // What has waited longest is dropped, and so the last one is there.
        if n == SENT {
            break;
        }
    }
    assert!(dropped > 0, "all {printed} were taken");
    assert_eq!(printed + dropped, SENT);
    Ok(())
}

/// A process that ends with this value.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn a_websocket_is_read_whole_through_proxies_of_another_code_base() -> Result<(), Failed> {
    let server = CountingServer::start()?;
    let url = format!("ws://127.0.0.1:{}/?after={{cursor:0}}", server.port);
    let expected: String = (1..=600).map(|n| format!("{n}\n")).collect();
    let cases = [
        ("http_proxy", "http", "http"),
        ("all_proxy", "socks5", "socks5"),
        ("all_proxy", "socks5h", "socks5"),
    ];
    for (variable, scheme, told) in cases {
        let python = python_with("pproxy").expect("it was there when the test was made");
        let mut proxy = Command::new(python);
        proxy.args(["-c", include_str!("proxy.py")]);
        let mut proxy = Killed(proxy.stdout(Stdio::piped()).spawn()?);
        let mut output = BufReader::new(proxy.0.stdout.take().expect("it is a pipe"));
        let mut port = String::new();
        output.read_line(&mut port)?;
        let sandbox = Sandbox::new();
        let mut command = sandbox.birl(&["--cursor=n", "--template", "{n}", "n:*", &url]);
        command.env(variable, format!("{scheme}://127.0.0.1:{}", port.trim()));
        let mut process = Process::start(command, Vec::new());
        process.wait_for_stdout(expected.len());
        process.interrupt();
        let ended = process.end();
        compare("stdout", expected.as_bytes(), &ended.stdout)?;
        proxy.0.kill()?;
        let mut connections = String::new();
        output.read_to_string(&mut connections)?;
        // The server cuts the connection twice.
        let through = connections.lines().filter(|line| line.starts_with(told));
        assert_eq!(through.count(), 3, "{connections}");
    }
    Ok(())
}
