//! What tests of connections share: a server that the test plays, and what is followed in words.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::net::SocketAddr;
use std::time::Duration;

use birl_source::follow::{Event, Follow, Notice, Options, follow};
use birl_source::live::{Address, Source};
use birl_source::name::Name;
use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server, which the test plays.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
}

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

    /// Answers the next connection so; gives what it asked for.
    pub(crate) async fn answer(&self, answer: &str) -> String {
        let mut stream = self.accept_raw().await;
        let asked = read_head(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        asked
    }
}

pub(crate) fn source(address: &str) -> Source {
    let mut source = Source::new(Address::parse(address).unwrap());
    // Waits are not what is tested.
    source.options.backoff_first = Duration::ZERO;
    source.options.backoff_max = Duration::ZERO;
    source
}

pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

pub(crate) fn followed(source: Source) -> Follow {
    follow(vec![Name::Live(Box::new(source))], Options::default())
}

/// What comes, in words: lines, and what happens to the source behind a `!`.
pub(crate) async fn next(follow: &mut Follow) -> Option<String> {
    loop {
        return Some(match follow.next().await? {
            Event::Data { bytes, .. } => String::from_utf8(bytes.to_vec()).unwrap(),
            Event::Notice(Notice::Live { what, .. }) => format!("!{what}"),
            Event::Failed { act, reason, .. } => format!("!!cannot {act}: {reason}"),
            Event::CaughtUp | Event::End { .. } => continue,
            event => panic!("{event:?}"),
        });
    }
}

/// The next lines; what happens to the source is passed over.
pub(crate) async fn next_lines(follow: &mut Follow) -> String {
    loop {
        let next = next(follow).await.expect("the source goes on");
        if !next.starts_with('!') {
            return next;
        }
    }
}

/// The lines up to the one that is `last`.
pub(crate) async fn lines_until(follow: &mut Follow, last: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    while lines.last().map(String::as_str) != Some(last) {
        lines.extend(next_lines(follow).await.lines().map(str::to_owned));
    }
    lines
}
