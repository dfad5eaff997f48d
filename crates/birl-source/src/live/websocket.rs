//! WebSockets: `ws://` and `wss://`.

use birl_net::websocket::{Message, WebSocket};
use birl_net::{Connector, Error, LeftOut};
use futures::FutureExt;
use tokio::time::{Instant, sleep, timeout};

use super::cursor::Template;
use super::options::Options;
use super::records::Records;
use super::sink::Sink;
use crate::link::{self, Failure, Persistence, Silence};

/// Reads the WebSocket at `template`, connecting again whenever that is lost, until it is refused for
/// good.
pub(super) async fn run(template: &Template, options: &Options, sink: &Sink) {
    let connector = Connector::new(options.proxies.clone(), options.ca_file.clone());
    let mut feed = Feed {
        options,
        persistence: Persistence::new(options, sink),
        records: Records::new(sink.begin()),
        cursor: options.resume_from.clone(),
        unreadable: LeftOut::default(),
        sink,
    };
    loop {
        let connecting = link::websocket(&connector, template, feed.cursor.as_deref(), options);
        let connected = timeout(options.connect_timeout, connecting).await;
        let goes_on = match connected {
            Ok(Ok(socket)) => {
                let began = Instant::now();
                feed.persistence.connected(feed.cursor.as_deref());
                let failure = feed.read(socket).await;
                feed.persistence.lost(began, failure).await
            }
            Ok(Err(error)) => feed.persistence.refused(error.into()).await,
            Err(_) => {
                let error = Error::timeout(options.connect_timeout);
                feed.persistence.refused(error.into()).await
            }
        };
        if !goes_on {
            return;
        }
    }
}

/// What is read of one WebSocket after the other.
struct Feed<'a> {
    options: &'a Options,
    persistence: Persistence<'a>,
    records: Records<'a>,
    cursor: Option<String>,
    /// What was not text.
    unreadable: LeftOut,
    sink: &'a Sink,
}

impl Feed<'_> {
    /// Reads until the connection is lost; says why it was.
    async fn read(&mut self, mut socket: WebSocket) -> Failure {
        let failure = self.subscribe_and_read(&mut socket).await;
        self.records.flush();
        // The other side may be told why, if it reads that at once.
        let _ = socket.flush().now_or_never();
        failure
    }

    async fn subscribe_and_read(&mut self, socket: &mut WebSocket) -> Failure {
        for message in &self.options.subscribe {
            if let Err(error) = socket.send_text(&message.fill_message(self.cursor.as_deref())) {
                return Failure::passing(error.to_string());
            }
        }
        let mut silence = Silence::new(self.options, socket.received());
        loop {
            if self.sink.ready().now_or_never().is_none() {
                self.wait_for_room(socket).await;
                // Nobody listened, so nothing was heard.
                silence = Silence::new(self.options, socket.received());
            }
            let message = match silence.receive(socket).await {
                Ok(Some(message)) => message,
                Ok(None) => return Failure::passing("the connection ended"),
                Err(failure) => return failure,
            };
            if let Some(failure) = self.take(message) {
                return failure;
            }
            // What has arrived already goes on together.
            loop {
                match socket.received_texts(|text| self.record(text)) {
                    Ok(Some(message)) => match self.take(message) {
                        Some(failure) => return failure,
                        None => continue,
                    },
                    Ok(None) => break,
                    Err(error) => return Failure::passing(error.to_string()),
                }
            }
            self.records.flush();
        }
    }

    /// Waits until something can be handed on. Meanwhile nothing is read, not even pings, so the other
    /// side is shown now and then that somebody is here.
    async fn wait_for_room(&self, socket: &mut WebSocket) {
        loop {
            tokio::select! {
                biased;
                () = self.sink.ready() => return,
                () = sleep(self.options.pong_timeout) => {
                    // A failure is met when reading goes on.
                    let _ = socket.send_pong();
                    let _ = socket.flush().now_or_never();
                }
            }
        }
    }

    /// Takes a message; says why the connection is over, if it is.
    fn take(&mut self, message: Message) -> Option<Failure> {
        match message {
            Message::Text(text) => self.record(&text),
            Message::Binary(bytes) => match std::str::from_utf8(&bytes) {
                Ok(_) => self.record(&bytes),
                Err(_) => {
                    self.pass();
                    let told = self.unreadable.count("not text", "");
                    told.into_iter().for_each(|told| self.sink.notice(told));
                }
            },
            Message::TooLong => {
                self.pass();
                self.sink.leave_out(self.options);
            }
            Message::Ping | Message::Pong(_) => {}
            Message::Close(close) => return Some(Failure::closed(close.as_ref())),
        }
        None
    }

    fn record(&mut self, message: &[u8]) {
        self.persistence.worked();
        if let Some(path) = &self.options.cursor
            && let Some(cursor) = path.find(message)
        {
            self.cursor = Some(cursor);
        }
        self.records.push(message);
    }

    /// Passes over a message.
    fn pass(&mut self) {
        self.persistence.worked();
        // What came before is told before.
        self.records.flush();
    }
}
