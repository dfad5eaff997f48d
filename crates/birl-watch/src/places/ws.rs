//! `ws = URL`: alerts are messages over a WebSocket that is kept open.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use birl_net::websocket::{self, Message, WebSocket};
use birl_net::{Connector, Error, Request};
use futures::FutureExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::form;
use super::post::{origin, undelivered};
use crate::alert::Alert;
use crate::place::{Place, Undelivered};

/// How long the other side may say nothing before it is asked whether it is there.
const PING_AFTER: Duration = Duration::from_secs(30);

/// How long it has to answer.
const PONG_TIMEOUT: Duration = Duration::from_secs(20);

/// Sends alerts as messages of text. A task keeps the connection; it ends with this.
pub(super) struct Ws {
    requests: mpsc::Sender<Sending>,
    task: JoinHandle<()>,
    whom: String,
}

impl fmt::Debug for Ws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whom)
    }
}

impl Drop for Ws {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A message, and whom to tell how it went.
struct Sending {
    message: String,
    sent: oneshot::Sender<Result<(), Error>>,
}

impl Ws {
    /// Nothing is connected to before the first alert. `subscribe` are messages that are sent on every
    /// connection before all else. An alert may take as long as `limit`, with connecting.
    pub(super) fn new(
        connector: Connector,
        request: Request,
        subscribe: Vec<String>,
        limit: Duration,
    ) -> Self {
        let (requests, receiver) = mpsc::channel(1);
        let whom = origin(&request);
        let line = Line {
            connector,
            request,
            subscribe,
            limit,
        };
        Self {
            requests,
            task: tokio::spawn(line.run(receiver)),
            whom,
        }
    }
}

#[async_trait]
impl Place for Ws {
    /// Returns when the other side has answered a ping that was sent behind the alert: so it has read
    /// that far.
    async fn send(&self, alert: &Alert) -> Result<(), Undelivered> {
        let (sent, is_sent) = oneshot::channel();
        let sending = Sending {
            message: form::json(alert),
            sent,
        };
        let gone = |_| Undelivered::ForNow {
            reason: format!("cannot send to {}: its task has ended", self.whom),
            after: None,
        };
        self.requests.send(sending).await.map_err(|_| gone(()))?;
        let answer = is_sent.await.map_err(|_| gone(()))?;
        answer.map_err(|error| undelivered(&self.whom, &error))
    }
}

/// What a connection is made of.
struct Line {
    connector: Connector,
    request: Request,
    subscribe: Vec<String>,
    limit: Duration,
}

impl Line {
    /// Sends what is asked for, and between that keeps the connection alive. A connection that is lost
    /// is made anew for the next alert.
    async fn run(self, mut requests: mpsc::Receiver<Sending>) {
        let mut socket: Option<WebSocket> = None;
        loop {
            let sending = match &mut socket {
                None => requests.recv().await,
                Some(open) => tokio::select! {
                    biased;
                    sending = requests.recv() => sending,
                    () = keep_alive(open) => {
                        socket = None;
                        continue;
                    }
                },
            };
            let Some(Sending { message, sent }) = sending else {
                return;
            };
            let delivered = timeout(self.limit, self.deliver(&mut socket, &message)).await;
            let delivered = delivered.unwrap_or_else(|_| Err(Error::timeout(self.limit)));
            if delivered.is_err() {
                socket = None;
            }
            // Whoever asked may have given up.
            let _ = sent.send(delivered);
        }
    }

    async fn deliver(&self, socket: &mut Option<WebSocket>, message: &str) -> Result<(), Error> {
        // One that was lost meanwhile says so before anything is sent over it.
        if let Some(open) = socket
            && !is_open(open)
        {
            *socket = None;
        }
        let socket = match socket {
            Some(open) => open,
            None => socket.insert(self.connect().await?),
        };
        socket.send_text(message)?;
        socket.send_ping()?;
        loop {
            match socket.receive().await? {
                Some(Message::Pong(_)) => return Ok(()),
                Some(Message::Close(Some(close))) => {
                    return Err(Error::lost(format!(
                        "the server closed the connection with {close}"
                    )));
                }
                Some(Message::Close(None)) | None => {
                    return Err(Error::lost("the server closed the connection"));
                }
                Some(_) => {}
            }
        }
    }

    async fn connect(&self) -> Result<WebSocket, Error> {
        let options = websocket::Options::default();
        let mut socket =
            WebSocket::connect(&self.connector, self.request.clone(), &options).await?;
        for message in &self.subscribe {
            socket.send_text(message)?;
        }
        Ok(socket)
    }
}

/// Whether nothing has come yet that ends a connection.
fn is_open(socket: &mut WebSocket) -> bool {
    loop {
        match socket.receive().now_or_never() {
            None => return true,
            Some(Ok(None | Some(Message::Close(_))) | Err(_)) => return false,
            Some(Ok(Some(_))) => {}
        }
    }
}

/// Answers pings, and asks after a silence; returns when the connection is lost. Dropping the future
/// loses nothing.
async fn keep_alive(socket: &mut WebSocket) {
    loop {
        let heard = socket.received();
        let silence = sleep_until(Instant::now() + PING_AFTER);
        tokio::select! {
            biased;
            message = socket.receive() => match message {
                Ok(Some(Message::Close(_)) | None) | Err(_) => return,
                Ok(Some(_)) => continue,
            },
            () = silence => {}
        }
        if socket.received() != heard {
            continue;
        }
        if socket.send_ping().is_err() {
            return;
        }
        match timeout(PONG_TIMEOUT, socket.receive()).await {
            Ok(Ok(Some(Message::Close(_)) | None) | Err(_)) => return,
            Ok(Ok(Some(_))) => {}
            // A long message may be on its way.
            Err(_) if socket.received() != heard => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use birl_net::Proxies;
    use futures::{SinkExt, StreamExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_tungstenite::tungstenite::Message as Theirs;
    use tokio_tungstenite::{WebSocketStream, accept_async};
    use url::Url;

    use super::*;
    use crate::alert::testing::alert;

    fn place(listener: &TcpListener, subscribe: &[&str]) -> Ws {
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        Ws::new(
            Connector::new(Proxies::default(), None),
            Request::new(Url::parse(&url).unwrap()),
            subscribe.iter().map(|text| (*text).to_owned()).collect(),
            Duration::from_secs(60),
        )
    }

    async fn accept(listener: &TcpListener) -> WebSocketStream<TcpStream> {
        accept_async(listener.accept().await.unwrap().0)
            .await
            .unwrap()
    }

    /// The next text; pings before it are answered.
    async fn text(socket: &mut WebSocketStream<TcpStream>) -> String {
        loop {
            match socket.next().await.unwrap().unwrap() {
                Theirs::Text(text) => return text.to_string(),
                _ => continue,
            }
        }
    }

    #[tokio::test]
    async fn alerts_come_over_one_connection_until_it_is_lost() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = place(&listener, &["hello"]);
        let server = async {
            let mut got = Vec::new();
            let mut first = accept(&listener).await;
            for _ in 0..3 {
                got.push(text(&mut first).await);
            }
            // The ping behind the last is answered, then the connection is closed.
            first.next().await;
            first.flush().await.unwrap();
            first.close(None).await.unwrap();
            while first.next().await.is_some() {}
            let mut second = accept(&listener).await;
            for _ in 0..2 {
                got.push(text(&mut second).await);
            }
            second.next().await;
            second.flush().await.unwrap();
            (got, second)
        };
        let alert = alert();
        let client = async {
            for _ in 0..2 {
                place.send(&alert).await.unwrap();
            }
            // It may be that the loss is met by the alert, which is tried again then.
            while place.send(&alert).await.is_err() {}
        };
        let ((got, _second), ()) = tokio::join!(server, client);
        let json = form::json(&alert);
        assert_eq!(got, ["hello", &json, &json, "hello", &json]);
    }

    #[tokio::test]
    async fn an_alert_that_is_not_answered_for_is_not_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = place(&listener, &[]);
        let server = async {
            let mut socket = accept(&listener).await;
            // It reads the alert, and goes away without reading the ping.
            text(&mut socket).await;
        };
        let alert = alert();
        let ((), sent) = tokio::join!(server, place.send(&alert));
        assert!(matches!(sent, Err(Undelivered::ForNow { .. })), "{sent:?}");
    }
}
