//! What `docs/places.md` shows is so.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use birl_net::Proxies;
use birl_watch::places::{Config, Posted, Rooms, Surroundings, VERSION};
use birl_watch::{Alert, Undelivered};
use serde::Deserialize;

/// The blocks of the page that are marked so.
fn blocks(mark: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/places.md");
    let page = std::fs::read_to_string(page).unwrap();
    let fence = format!("```{mark}\n");
    let blocks = page.split(&fence).skip(1);
    let blocks: Vec<_> = blocks
        .map(|rest| rest.split("\n```").next().unwrap().to_owned())
        .collect();
    assert!(!blocks.is_empty(), "no {mark}");
    blocks
}

#[derive(Deserialize)]
struct File {
    place: BTreeMap<String, Config>,
}

#[tokio::test]
async fn each_place_of_the_guide_can_be_opened() {
    let directory = tempfile::tempdir().unwrap();
    let credentials = directory.path().to_str().unwrap();
    for name in ["discord-webhook", "board"] {
        std::fs::write(directory.path().join(name), "https://h/\n").unwrap();
    }
    let surroundings = Surroundings {
        variable: |_| Some("https://h/".to_owned()),
        ..surroundings()
    };
    let mut kinds = Vec::new();
    for block in blocks("toml") {
        let block = block.replace("/run/credentials", credentials);
        let file: File = toml::from_str(&block).unwrap_or_else(|error| panic!("{block}: {error}"));
        for (name, config) in file.place {
            config
                .open(&name, &surroundings)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            kinds.push(config.kind().unwrap());
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), 9, "{kinds:?}");
}

#[test]
fn the_document_of_the_guide_is_an_alert() {
    let mut document: serde_json::Value = serde_json::from_str(&blocks("json")[0]).unwrap();
    let alert: Alert = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(document["version"], VERSION);
    document.as_object_mut().unwrap().remove("version");
    assert_eq!(serde_json::to_value(alert).unwrap(), document);
}

/// The signature is that of the unit test, which Python's own hmac made.
#[test]
fn the_python_of_the_guide_tells_a_signature_from_others() {
    let mut script = blocks("python").remove(0);
    script += r#"
good = "t=1773497160,v1=562d41711dc4861d4180a82d6bcddf44e8309d94a6275d9b120090a52eb16f79"
body, key = b'{"a":1}', b"key"
assert is_from_birl(good, body, key, 1773497200)
assert not is_from_birl(good, body, key)
assert not is_from_birl(good, b'{"a":2}', key, 1773497200)
assert not is_from_birl(good, body, b"other", 1773497200)
assert not is_from_birl(good.replace("t=1", "t=2"), body, key, 2773497200)
"#;
    // Where there is no Python, nothing is shown.
    let Ok(ran) = python(&script).output() else {
        return;
    };
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

/// `BIRL_PYTHON`, or else the system's.
fn python(script: &str) -> Command {
    let program = std::env::var("BIRL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(program);
    command.args(["-c", script]);
    command
}

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// Starts a script that prints the port that it listens at; `None` if there is no such Python.
    fn start(script: &str) -> Option<(Self, u16)> {
        let mut command = python(script);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut server = Self(child);
        let mut line = String::new();
        BufReader::new(server.0.stdout.as_mut()?)
            .read_line(&mut line)
            .ok()?;
        Some((server, line.trim().parse().ok()?))
    }
}

/// The chat of the guide, in which nobody is.
#[derive(Debug)]
struct Chats;

#[async_trait::async_trait]
impl Rooms for Chats {
    fn chats(&self) -> Vec<String> {
        vec!["ops".to_owned()]
    }

    async fn post(
        &self,
        _: &str,
        _: &str,
        _: String,
        _: Option<&Posted>,
    ) -> Result<Posted, String> {
        Err("nobody is connected to it".to_owned())
    }

    async fn edit(&self, _: &str, _: &Posted, _: String) -> Result<bool, String> {
        Err("nobody is connected to it".to_owned())
    }
}

fn surroundings() -> Surroundings {
    Surroundings {
        variable: |_| Some("key".to_owned()),
        proxies: Proxies::default(),
        stdout: Arc::new(Mutex::new(Vec::new())),
        rooms: Arc::new(Chats),
    }
}

fn alert() -> Alert {
    serde_json::from_str(&blocks("json")[0]).unwrap()
}

/// Python's http.server, with the guide's function before it.
#[tokio::test]
async fn a_server_of_another_code_base_takes_what_is_signed_and_nothing_else() {
    let mut script = blocks("python").remove(0);
    script += r#"
from http.server import BaseHTTPRequestHandler, HTTPServer
class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signature = self.headers["Birl-Signature"]
        self.send_response(204 if signature and is_from_birl(signature, body, b"key") else 403)
        self.end_headers()
server = HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
"#;
    let Some((_server, port)) = Server::start(&script) else {
        return;
    };
    let place = |options: &str| {
        let config = format!("webhook = 'http://127.0.0.1:{port}/'\n{options}");
        let config: Config = toml::from_str(&config).unwrap();
        config.open("ops", &surroundings()).unwrap()
    };
    place("sign_env = 'KEY'").send(&alert()).await.unwrap();
    let reason =
        format!("cannot send to http://127.0.0.1:{port}: the server answers 403 Forbidden");
    let refused = Err(Undelivered::ForGood { reason });
    assert_eq!(place("").send(&alert()).await, refused);
}

/// Python's websockets, from PyPI, where it is at hand.
#[tokio::test]
async fn a_websocket_of_another_code_base_gets_alerts() {
    let script = r#"
import asyncio, json
from websockets.asyncio.server import serve
async def take(socket):
    assert await socket.recv() == "hello"
    async for message in socket:
        assert json.loads(message)["rule"] == "error-burst"
async def main():
    async with serve(take, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()
asyncio.run(main())
"#;
    let Some((_server, port)) = Server::start(script) else {
        return;
    };
    let config = format!("ws = 'ws://127.0.0.1:{port}/'\nsubscribe = ['hello']");
    let config: Config = toml::from_str(&config).unwrap();
    let place = config.open("board", &surroundings()).unwrap();
    for _ in 0..3 {
        place.send(&alert()).await.unwrap();
    }
}
