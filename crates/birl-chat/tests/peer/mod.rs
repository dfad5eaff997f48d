//! What tests of chats share: a server that the test plays, and a chat in words.

#![allow(dead_code, reason = "not every test needs all of it")]

pub(crate) mod http;
pub(crate) mod stage;

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use birl_chat::{Event, Events, Json, Message};
use birl_source::live::Options;
use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{WebSocketStream, accept_async};

/// A server, which the test plays.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
}

pub(crate) type Socket = WebSocketStream<TcpStream>;

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    /// The next connection, before a word is said.
    pub(crate) async fn accept_raw(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }

    /// The next connection, as a WebSocket.
    pub(crate) async fn accept(&self) -> Socket {
        accept_async(self.accept_raw().await).await.unwrap()
    }

    /// Answers the next connection so; gives what it asked for.
    pub(crate) async fn answer(&self, answer: &str) -> String {
        let mut stream = self.accept_raw().await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(head).unwrap()
    }

    pub(crate) fn json(&self) -> Json {
        let mut json = Json::new(&format!("ws://{}/chat", self.address)).unwrap();
        at_once(&mut json.options);
        json
    }
}

/// Waits are not what is tested.
pub(crate) fn at_once(options: &mut Options) {
    options.backoff_first = Duration::ZERO;
    options.backoff_max = Duration::ZERO;
}

/// The next message; what else happens is passed over.
pub(crate) async fn message(events: &mut Events) -> Message {
    loop {
        match events.next().await.expect("the chat goes on") {
            Event::Message(message) => return message,
            Event::Failed(error) => panic!("{error}"),
            _ => {}
        }
    }
}

/// What happens next, in words.
pub(crate) async fn happens(events: &mut Events) -> Option<String> {
    Some(match events.next().await? {
        Event::Message(message) => format!("{} {}: {}", message.room, message.sender, message.text),
        Event::Ready => "ready".to_owned(),
        Event::Gap(gap) => format!("gap: {}, from {:?}", gap.reason, gap.cursor),
        Event::Dropped(count) => format!("dropped {count}"),
        Event::Notice(notice) => format!("!{notice}"),
        Event::Failed(error) => format!("!!{error}"),
        event => panic!("{event:?}"),
    })
}

/// What happens up to the message that says `last`.
pub(crate) async fn until(events: &mut Events, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        all.extend(happens(events).await);
        if all
            .last()
            .is_some_and(|it| it.ends_with(&format!(": {last}")))
        {
            return all;
        }
    }
}

/// A Python that has a module: `BIRL_PYTHON`, or else the system's.
pub(crate) fn python_with(module: &str) -> Option<String> {
    let python = std::env::var("BIRL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let imported = Command::new(&python)
        .args(["-c", &format!("import {module}")])
        .stderr(Stdio::null())
        .status();
    imported
        .is_ok_and(|status| status.success())
        .then_some(python)
}

/// A process that ends with the test.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
