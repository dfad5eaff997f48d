//! WebSockets: `ws://` and `wss://`.

use birl_net::request::Request;
use birl_net::websocket::{self, Close, Message, WebSocket};
use birl_net::{Connector, Error};
use futures::FutureExt;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use url::Url;

use super::cursor::Template;
use super::options::Options;
use super::persistence::{Failure, Persistence};
use super::records::Records;
use super::sink::Sink;

/// Reads the WebSocket at `template`, connecting again whenever that is lost, until it is refused for
/// good.
pub(super) async fn run(template: &Template, options: &Options, sink: &Sink) {
    let connector = Connector::new(options.proxies.clone(), options.ca_file.clone());
    let mut feed = Feed {
        options,
        persistence: Persistence::new(options, sink),
        records: Records::new(sink.begin()),
        cursor: None,
        unreadable: 0,
        sink,
    };
    loop {
        let connecting = connect(&connector, template, feed.cursor.as_deref(), options);
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

async fn connect(
    connector: &Connector,
    template: &Template,
    cursor: Option<&str>,
    options: &Options,
) -> Result<WebSocket, Error> {
    let url = Url::parse(&template.fill_url(cursor)).map_err(|error| {
        // Only a cursor can make it wrong: it was read before.
        Error::request(format!("the URL with the cursor is wrong: {error}"))
    })?;
    let request = Request {
        headers: options.headers.clone(),
        bearer: options.bearer.clone(),
        ..Request::new(url)
    };
    let asked = websocket::Options {
        message_bytes_max: options.message_bytes_max,
        subprotocols: options.subprotocols.clone(),
        ..Default::default()
    };
    WebSocket::connect(connector, request, &asked).await
}

/// What is read of one WebSocket after the other.
struct Feed<'a> {
    options: &'a Options,
    persistence: Persistence<'a>,
    records: Records<'a>,
    cursor: Option<String>,
    /// How many messages were not text.
    unreadable: u64,
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
        let mut silence = Silence::new(self.options, socket);
        loop {
            if self.sink.ready().now_or_never().is_none() {
                self.wait_for_room(socket).await;
                // Nobody listened, so nothing was heard.
                silence = Silence::new(self.options, socket);
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
                match socket.received_already() {
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
                Err(_) => self.not_text(),
            },
            Message::Ping | Message::Pong => {}
            Message::Close(close) => return Some(closed(close.as_ref())),
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

    /// Counts a message that cannot be read, and tells it the more seldom the more there are.
    fn not_text(&mut self) {
        self.persistence.worked();
        // What came before is told before.
        self.records.flush();
        self.unreadable += 1;
        match self.unreadable {
            1 => self.sink.notice("a message is not text, and left out"),
            count if count.is_power_of_two() => self.sink.notice(format!(
                "{count} messages so far are not text, and left out"
            )),
            _ => {}
        }
    }
}

/// Why the other side has ended the connection.
fn closed(close: Option<&Close>) -> Failure {
    let Some(close) = close else {
        return Failure::passing("the server closed the connection");
    };
    Failure {
        reason: format!("the server closed the connection with {close}"),
        // We broke a rule, or are not welcome: RFC 6455, section 7.4, and the codes of Discord that
        // others have taken over.
        is_lasting: matches!(
            close.code,
            1002 | 1003 | 1007 | 1008 | 1010 | 4004 | 4010..=4014
        ),
        retry_after: None,
    }
}

/// How long nothing has been heard, and what is done about it.
struct Silence<'a> {
    options: &'a Options,
    /// When something was heard last, or the other side was asked.
    since: Instant,
    /// How many bytes had arrived by then.
    received: u64,
    is_asked: bool,
}

impl<'a> Silence<'a> {
    fn new(options: &'a Options, socket: &WebSocket) -> Self {
        Self {
            options,
            since: Instant::now(),
            received: socket.received(),
            is_asked: false,
        }
    }

    /// The next message. After a silence the other side is asked, and then given up.
    async fn receive(&mut self, socket: &mut WebSocket) -> Result<Option<Message>, Failure> {
        loop {
            let limit = match self.is_asked {
                true => self.options.pong_timeout,
                false => self.options.ping_after,
            };
            tokio::select! {
                biased;
                message = socket.receive() => {
                    *self = Self::new(self.options, socket);
                    return message.map_err(|error| Failure::passing(error.to_string()));
                }
                () = sleep_until(self.since + limit) => {}
            }
            if socket.received() != self.received {
                // A long message is on its way.
                *self = Self::new(self.options, socket);
            } else if self.is_asked {
                socket.send_close(1001, "no answer");
                let silent = self.options.ping_after + self.options.pong_timeout;
                let reason = format!("the server said nothing for {} s", silent.as_secs_f64());
                return Err(Failure::passing(reason));
            } else {
                let asked = socket.send_ping();
                asked.map_err(|error| Failure::passing(error.to_string()))?;
                self.since = Instant::now();
                self.is_asked = true;
            }
        }
    }
}
