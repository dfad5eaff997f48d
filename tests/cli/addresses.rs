//! Live sources, with servers that the test plays.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use libtest_mimic::{Failed, Trial};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept_hdr};

use crate::diff::compare;
use crate::process::Process;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "addresses::a_websocket_is_searched_as_it_speaks",
            a_websocket_is_searched_as_it_speaks,
        ),
        Trial::test(
            "addresses::what_a_websocket_is_asked_with_is_what_the_flags_say",
            what_a_websocket_is_asked_with_is_what_the_flags_say,
        ),
        Trial::test(
            "addresses::a_websocket_that_refuses_us_is_an_error_without_our_token",
            a_websocket_that_refuses_us_is_an_error_without_our_token,
        ),
        Trial::test(
            "addresses::a_file_over_http_is_read_to_its_end_and_counted",
            a_file_over_http_is_read_to_its_end_and_counted,
        ),
        Trial::test(
            "addresses::a_gap_is_found_by_a_query",
            a_gap_is_found_by_a_query,
        ),
        Trial::test(
            "addresses::a_websocket_of_another_code_base_is_read_whole_over_lost_connections",
            a_websocket_of_another_code_base_is_read_whole_over_lost_connections,
        )
        .with_ignored_flag(python_with_websockets().is_none()),
    ]
}

/// A server that plays `role` once it is asked.
fn serve<T: Send + 'static>(
    role: impl FnOnce(TcpListener) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    (address, std::thread::spawn(move || role(listener)))
}

/// The next WebSocket, and the request for it.
fn accept(listener: &TcpListener) -> (WebSocket<TcpStream>, Request) {
    let (stream, _) = listener.accept().expect("birl connects");
    let mut asked = None;
    #[expect(clippy::result_large_err, reason = "tungstenite's type")]
    let socket = accept_hdr(stream, |request: &Request, response: Response| {
        asked = Some(request.clone());
        Ok(response)
    });
    (
        socket.expect("birl speaks WebSocket"),
        asked.expect("there was a request"),
    )
}

fn say(socket: &mut WebSocket<TcpStream>, text: &str) {
    let said = socket.send(Message::text(text));
    said.expect("birl listens");
}

/// Waits until birl has gone.
fn wait(mut socket: WebSocket<TcpStream>) {
    while socket.read().is_ok() {}
}

fn a_websocket_is_searched_as_it_speaks() -> Result<(), Failed> {
    let (address, server) = serve(|listener| {
        let (mut socket, _) = accept(&listener);
        say(&mut socket, "{\"level\":\"info\",\"msg\":\"up\"}");
        say(&mut socket, "{\"level\":\"error\",\n\"msg\":\"down\"}");
        say(&mut socket, "{\"level\":\"info\",\"msg\":\"last\"}");
        wait(socket);
    });
    let sandbox = Sandbox::new();
    let expected = "down\nlast\n";
    let query = "level:error OR msg:last";
    let command = sandbox.birl(&[
        "--template",
        "{msg}",
        query,
        &format!("ws://{address}/feed"),
    ]);
    let mut process = Process::start(command, Vec::new());
    process.wait_for_stdout(expected.len());
    process.interrupt();
    let ended = process.end();
    server.join().expect("the server is satisfied");
    Ok(compare("stdout", expected.as_bytes(), &ended.stdout)?)
}

fn a_file_over_http_is_read_to_its_end_and_counted() -> Result<(), Failed> {
    let (address, server) = serve(|listener| {
        let (mut stream, _) = listener.accept().expect("birl connects");
        let mut asked = String::new();
        while !asked.ends_with("\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("birl asks");
            asked.push(char::from(byte[0]));
        }
        let mut lines = "{\"level\":\"info\"}\n".repeat(3);
        lines += &"{\"level\":\"error\"}\n".repeat(2);
        let length = lines.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{lines}");
        let _ = stream.write_all(answer.as_bytes());
        asked
    });
    let sandbox = Sandbox::new();
    let url = format!("http://{address}/app.log");
    let args = [
        "-o",
        "tsv",
        "--header=X-Team: blue",
        "* |> count by level",
        &url,
    ];
    let process = Process::start(sandbox.birl(&args), Vec::new());
    let ended = process.end();
    let asked = server.join().expect("the server is satisfied");
    assert!(
        asked.to_lowercase().contains("\r\nx-team: blue\r\n"),
        "{asked}"
    );
    let expected = "level\tcount\ninfo\t3\nerror\t2\n";
    Ok(compare("stdout", expected.as_bytes(), &ended.stdout)?)
}

fn what_a_websocket_is_asked_with_is_what_the_flags_say() -> Result<(), Failed> {
    let (address, server) = serve(|listener| {
        let (mut socket, request) = accept(&listener);
        let header = |name: &str| {
            let value = request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.unwrap_or("none").to_owned()
        };
        let mut said = vec![
            request.uri().to_string(),
            header("authorization"),
            header("x-team"),
            header("sec-websocket-protocol"),
        ];
        for _ in 0..2 {
            said.push(socket.read().expect("birl subscribes").to_string());
        }
        say(&mut socket, &said.join(" | "));
        wait(socket);
    });
    let sandbox = Sandbox::new();
    let expected = "/a?from=7 | Bearer t0k3n | blue | v2, v1 | one | from \n";
    let mut command = sandbox.birl(&[
        "--bearer-env=TOKEN",
        "--header=X-Team: blue",
        "--subprotocol=v2",
        "--subprotocol=v1",
        "--subscribe=one",
        "--subscribe=from {cursor}",
        "--cursor=id",
        "*",
        &format!("ws://{address}/a?from={{cursor:7}}"),
    ]);
    command.env("TOKEN", "t0k3n\n");
    let mut process = Process::start(command, Vec::new());
    process.wait_for_stdout(expected.len());
    process.interrupt();
    let ended = process.end();
    server.join().expect("the server is satisfied");
    Ok(compare("stdout", expected.as_bytes(), &ended.stdout)?)
}

fn a_websocket_that_refuses_us_is_an_error_without_our_token() -> Result<(), Failed> {
    let (address, server) = serve(|listener| {
        let (mut stream, _) = listener.accept().expect("birl connects");
        let mut head = [0; 4096];
        let _ = stream.read(&mut head).expect("birl asks");
        let answer = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).expect("birl listens");
    });
    let sandbox = Sandbox::new();
    sandbox.write("token", b"hunter2\n");
    let url = format!("ws://me:hunter2@{address}/");
    let command = sandbox.birl(&["--bearer-file=token", "x", &url]);
    let ended = Process::start(command, Vec::new()).end();
    server.join().expect("the server is satisfied");
    let expected = format!(
        "birl: cannot connect to \"ws://{address}/\": the server answers 401 Unauthorized\n"
    );
    compare("stderr", expected.as_bytes(), &ended.stderr)?;
    assert_eq!(ended.status.code(), Some(2));
    Ok(())
}

fn a_gap_is_found_by_a_query() -> Result<(), Failed> {
    let (address, server) = serve(|listener| {
        let (mut socket, _) = accept(&listener);
        say(&mut socket, "plain text");
        drop(socket);
        let (socket, _) = accept(&listener);
        wait(socket);
    });
    let sandbox = Sandbox::new();
    let url = format!("ws://{address}/");
    let expected = format!("warn {url}\n");
    let query = "birl.gap:true seconds:>=0 level:warn";
    let command = sandbox.birl(&["--template", "{level} {source}", query, &url]);
    let mut process = Process::start(command, Vec::new());
    process.wait_for_stdout(expected.len());
    process.interrupt();
    let ended = process.end();
    server.join().expect("the server is satisfied");
    Ok(compare("stdout", expected.as_bytes(), &ended.stdout)?)
}

/// The Python of the tests, if it has what `websocket_server.py` needs.
pub(crate) fn python_with_websockets() -> Option<String> {
    python_with("websockets.asyncio.server")
}

/// The Python of the tests, `BIRL_PYTHON` or else the system's, if it has these modules.
pub(crate) fn python_with(modules: &str) -> Option<String> {
    let python = std::env::var("BIRL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let imported = Command::new(&python)
        .args(["-c", &format!("import {modules}")])
        .stderr(Stdio::null())
        .status();
    imported
        .is_ok_and(|status| status.success())
        .then_some(python)
}

/// `websocket_server.py`, which ends with the test.
pub(crate) struct CountingServer {
    process: Child,
    pub(crate) port: u16,
}

impl CountingServer {
    /// Needs [`python_with_websockets`].
    pub(crate) fn start() -> Result<Self, Failed> {
        let python = python_with_websockets().expect("it was there when the test was made");
        let mut process = Command::new(python)
            .args(["-c", include_str!("websocket_server.py")])
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().expect("it is a pipe");
        let mut server = Self { process, port: 0 };
        let mut port = String::new();
        BufReader::new(output).read_line(&mut port)?;
        server.port = port.trim().parse()?;
        Ok(server)
    }
}

impl Drop for CountingServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Every message comes once, although the server cuts the connection twice, since birl says where to
/// go on; they come in pieces, as bytes, and compressed.
fn a_websocket_of_another_code_base_is_read_whole_over_lost_connections() -> Result<(), Failed> {
    let server = CountingServer::start()?;
    let url = format!("ws://127.0.0.1:{}/?after={{cursor:0}}", server.port);
    let expected: String = (1..=600).map(|n| format!("{n} true\n")).collect();
    let sandbox = Sandbox::new();
    let template = "{n} {deflates}";
    let command = sandbox.birl(&["--cursor=n", "--template", template, "n:*", &url]);
    let mut process = Process::start(command, Vec::new());
    process.wait_for_stdout(expected.len());
    process.interrupt();
    let ended = process.end();
    Ok(compare("stdout", expected.as_bytes(), &ended.stdout)?)
}
