//! A room on a service of JSON over a WebSocket, which this process plays.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::stream::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept, connect};

use super::peer::{ANSWER, Peer};
use super::times::Times;

/// Nothing is waited for longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Where a peer connects to.
pub(crate) struct Address {
    listener: TcpListener,
    pub(crate) url: String,
}

impl Address {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let address = listener.local_addr().expect("it is bound");
        Self {
            listener,
            url: format!("ws://{address}/"),
        }
    }

    /// What birl has to know of the service.
    pub(crate) fn place(&self) -> String {
        let url = &self.url;
        format!(
            "json = \"{url}\"\nme = \"birl\"\nsender_account = \"account\"\nsay = '{{\"re\":\"{{id}}\",\"room\":\"{{room}}\",\"text\":\"{{text}}\"}}'"
        )
    }
}

/// The room, with who is in it.
pub(crate) struct Room {
    socket: WebSocket<TcpStream>,
    said: u64,
    pub(crate) peer: Peer,
}

impl Room {
    /// Waits until `peer` comes in.
    pub(crate) fn open(address: &Address, mut peer: Peer) -> Self {
        let listener = &address.listener;
        listener.set_nonblocking(true).expect("it is a socket");
        let begun = Instant::now();
        let stream = loop {
            match listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => peer.check(),
                Err(error) => panic!("nobody can connect: {error}"),
            }
            assert!(begun.elapsed() < PATIENCE, "nobody connects");
            thread::sleep(Duration::from_millis(5));
        };
        stream.set_nonblocking(false).expect("it is a socket");
        stream.set_nodelay(true).expect("it is TCP");
        let patience = Some(PATIENCE);
        stream.set_read_timeout(patience).expect("it is a socket");
        let socket = accept(stream).expect("it speaks WebSocket");
        Self {
            socket,
            said: 0,
            peer,
        }
    }

    /// `sender` says something; gives the message's id.
    pub(crate) fn say(&mut self, sender: &str, text: &str) -> u64 {
        self.said += 1;
        let id = self.said;
        let message = format!(r#"{{"id":{id},"room":"ops","sender":"{sender}","text":"{text}"}}"#);
        let sent = self.socket.send(Message::text(message));
        sent.expect("the peer listens");
        id
    }

    /// How long reactions take, where each message is sent when the one before is answered.
    pub(crate) fn round(&mut self, text: &str, messages: usize) -> Times {
        let react = |_| {
            let begun = Instant::now();
            let id = self.say("ann", text);
            let heard = self.socket.read().expect("the peer answers");
            let took = begun.elapsed();
            let heard = heard.into_text().expect("it is text");
            assert_eq!(heard.as_str(), answer(id));
            took
        };
        Times::of((0..messages).map(react).collect())
    }

    /// Another end of the same connection, for a thread that only reads.
    pub(crate) fn listener(&self) -> WebSocket<TcpStream> {
        let stream = self.socket.get_ref().try_clone();
        let stream = stream.expect("there are descriptors enough");
        WebSocket::from_raw_socket(stream, Role::Server, None)
    }
}

/// What is answered to a message.
pub(crate) fn answer(id: u64) -> String {
    format!(r#"{{"re":{id},"room":"ops","text":"{ANSWER}"}}"#)
}

/// To which message something is an answer.
pub(crate) fn answered(text: &str) -> Option<u64> {
    text.strip_prefix("{\"re\":")?
        .split_once(',')?
        .0
        .parse()
        .ok()
}

/// The least that there can be between a message and an answer: a blocking client that parses nothing but
/// the id.
pub(crate) fn echo(url: &str) {
    let (mut socket, _) = connect(url).expect("the room is there");
    if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
        stream.set_nodelay(true).expect("it is TCP");
    }
    while let Ok(message) = socket.read() {
        let Message::Text(text) = message else {
            continue;
        };
        let rest = text
            .as_str()
            .strip_prefix("{\"id\":")
            .expect("it has an id");
        let (id, _) = rest.split_once(',').expect("it has more than an id");
        let id = id.parse().expect("the id is a number");
        socket
            .send(Message::text(answer(id)))
            .expect("the room listens");
    }
}
