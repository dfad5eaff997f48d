//! A workspace of Slack that the test plays, as strict as the documentation. `slack_sdk` takes it for one.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::collections::HashMap;
use std::sync::Arc;

use birl_chat::Slack;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use crate::peer;
use crate::peer::http::{Answer, Asked};
use crate::peer::stage::{Play, Stage};

pub(crate) const APP_TOKEN: &str = "xapp-1-A1-1-hunter2";
pub(crate) const BOT_TOKEN: &str = "xoxb-1-1-hunter2";

/// The workspace: it ends with the test.
pub(crate) struct Workspace {
    pub(crate) api: String,
    state: Arc<State>,
    tasks: Vec<JoinHandle<()>>,
}

type State = Stage<Inner>;

#[derive(Default)]
struct Inner {
    play: Play,
    /// What has been said, as it was asked for.
    posts: Vec<Value>,
    messages: Vec<(String, String)>,
    tickets: Vec<String>,
    sockets: Vec<mpsc::UnboundedSender<Say>>,
    /// What is not acknowledged, by its envelope, and over which socket it went.
    unacked: Vec<(String, usize, Value)>,
    envelopes: usize,
    calls: usize,
    /// The method that is not answered for now.
    held: Option<String>,
    /// Files by their ids: how long they are to be, and what has come.
    files: HashMap<String, (usize, Vec<u8>)>,
}

enum Say {
    Text(Value),
    Raw(&'static str),
    Close,
    Kill,
}

impl Drop for Workspace {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Workspace {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(State::default());
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sockets = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = format!("http://{}/api/", http.local_addr().unwrap());
        let ws = format!("ws://{}/link/", sockets.local_addr().unwrap());
        let (web, link) = (Arc::clone(&state), Arc::clone(&state));
        let serve_web = async move {
            loop {
                let stream = http.accept().await.unwrap().0;
                let (state, ws) = (Arc::clone(&web), ws.clone());
                tokio::spawn(async move { answer(&state, &ws, stream).await });
            }
        };
        let serve_link = async move {
            loop {
                let stream = sockets.accept().await.unwrap().0;
                let state = Arc::clone(&link);
                tokio::spawn(async move { state.socket(stream).await });
            }
        };
        Self {
            api,
            state,
            tasks: vec![tokio::spawn(serve_web), tokio::spawn(serve_link)],
        }
    }

    /// A bot of this workspace.
    pub(crate) fn slack(&self) -> Slack {
        self.slack_of(APP_TOKEN, BOT_TOKEN)
    }

    pub(crate) fn slack_of(&self, app: &str, bot: &str) -> Slack {
        let text = |text: &str| birl_net::secret::Text::Literal(birl_net::Secret::new(text));
        let mut slack = Slack::new(text(app), text(bot)).at(&self.api).unwrap();
        peer::at_once(&mut slack.options);
        slack
    }

    /// What a method answers next.
    pub(crate) fn instead(&self, method: &str, answer: Answer) {
        self.state.instead(method, Some(answer));
    }

    /// A method ends the connection without an answer next.
    pub(crate) fn abort(&self, method: &str) {
        self.state.instead(method, None);
    }

    /// Sends an event over a socket, until it is acknowledged.
    pub(crate) fn event(&self, socket: usize, event: Value) {
        let mut inner = self.state.lock();
        let number = inner.envelopes;
        let payload = json!({
            "token": "t", "team_id": "T1", "api_app_id": "A1", "event": event,
            "type": "event_callback", "event_id": format!("Ev{number}"), "event_time": 1773497130,
        });
        inner.deliver(socket, payload);
    }

    /// Sends something over a socket.
    pub(crate) fn say(&self, socket: usize, message: Value) {
        let _ = self.state.lock().sockets[socket].send(Say::Text(message));
    }

    pub(crate) fn say_raw(&self, socket: usize, message: &'static str) {
        let _ = self.state.lock().sockets[socket].send(Say::Raw(message));
    }

    pub(crate) fn disconnect(&self, socket: usize, reason: &str) {
        let message = json!({
            "type": "disconnect", "reason": reason, "debug_info": {"host": "h"},
        });
        self.say(socket, message);
    }

    /// Ends a socket in good order.
    pub(crate) fn close(&self, socket: usize) {
        let _ = self.state.lock().sockets[socket].send(Say::Close);
    }

    /// Ends a socket as when a machine loses its power.
    pub(crate) fn kill(&self, socket: usize) {
        let _ = self.state.lock().sockets[socket].send(Say::Kill);
    }

    /// Waits until the log has this.
    pub(crate) async fn happens(&self, what: &str) {
        self.state.happens(what, 1).await;
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.state.logged()
    }

    /// What has been said, once it is so much.
    pub(crate) async fn posts(&self, count: usize) -> Vec<Value> {
        self.state.until(|inner| inner.posts.len() >= count).await;
        self.state.lock().posts.clone()
    }

    /// What has come of a file.
    pub(crate) fn file(&self, id: &str) -> Vec<u8> {
        self.state.lock().files[id].1.clone()
    }

    /// From now on, or no more, a method is not answered.
    pub(crate) fn hold(&self, method: Option<&str>) {
        self.state.lock().held = method.map(str::to_owned);
        self.state.changed();
    }
}

/// Something that `ann` says in `#ops`.
pub(crate) fn said(ts: &str, text: &str) -> Value {
    json!({
        "type": "message", "channel": "C1", "user": "U1", "text": text, "ts": ts,
        "event_ts": ts, "channel_type": "channel", "team": "T1",
    })
}

impl State {
    /// A socket, from its ticket to its end.
    async fn socket(&self, stream: TcpStream) {
        let mut ticket = String::new();
        #[expect(clippy::result_large_err, reason = "tungstenite wants it so")]
        let check = |request: &Request, response: Response| {
            ticket = request.uri().query().unwrap_or_default().to_owned();
            let mut inner = self.lock();
            match inner.tickets.iter().position(|known| *known == ticket) {
                Some(at) => {
                    // It is good for one connection.
                    inner.tickets.remove(at);
                    Ok(response)
                }
                None => {
                    let mut refusal = ErrorResponse::new(None);
                    *refusal.status_mut() =
                        tokio_tungstenite::tungstenite::http::StatusCode::FORBIDDEN;
                    Err(refusal)
                }
            }
        };
        let Ok(mut socket) = accept_hdr_async(stream, check).await else {
            self.log("bad ticket".to_owned());
            return;
        };
        let (sender, mut says) = mpsc::unbounded_channel();
        let at = {
            let mut inner = self.lock();
            inner.sockets.push(sender);
            inner.sockets.len() - 1
        };
        let hello = json!({
            "type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"},
            "debug_info": {"host": "h", "build_number": 1, "approximate_connection_time": 18060},
        });
        let _ = socket.send(Message::text(hello.to_string())).await;
        self.log(format!("connected {at}"));
        self.lock().deliver_again(at);
        loop {
            tokio::select! {
                said = says.recv() => match said {
                    Some(Say::Text(message)) => {
                        let _ = socket.send(Message::text(message.to_string())).await;
                    }
                    Some(Say::Raw(message)) => {
                        let _ = socket.send(Message::text(message)).await;
                    }
                    Some(Say::Close) => {
                        let _ = socket.close(None).await;
                    }
                    Some(Say::Kill) | None => {
                        let _ = socket.get_ref().set_zero_linger();
                        break;
                    }
                },
                heard = socket.next() => match heard {
                    Some(Ok(Message::Text(text))) => self.ack(at, &text),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(close))) => {
                        let code = close.map(|close| u16::from(close.code));
                        self.log(format!("closed {at} with {code:?}"));
                    }
                    Some(Ok(other)) => self.log(format!("bad message {other:?}")),
                    Some(Err(_)) | None => break,
                },
            }
        }
        drop(socket);
        self.log(format!("ended {at}"));
    }

    fn ack(&self, socket: usize, text: &str) {
        let ack: Value = serde_json::from_str(text).unwrap();
        let envelope = ack["envelope_id"].as_str().unwrap_or_default();
        let mut inner = self.lock();
        let open = inner
            .unacked
            .iter()
            .position(|(it, over, _)| it == envelope && *over == socket);
        let what = match open {
            Some(at) => {
                let (_, _, payload) = inner.unacked.remove(at);
                let event = payload["event_id"].as_str().unwrap_or("?");
                format!("acked {event} on {socket}")
            }
            None => format!("bad ack {text}"),
        };
        inner.play.log.push(what);
        drop(inner);
        self.changed();
    }
}

impl AsMut<Play> for Inner {
    fn as_mut(&mut self) -> &mut Play {
        &mut self.play
    }
}

impl Inner {
    fn deliver(&mut self, socket: usize, payload: Value) {
        self.deliver_as(socket, payload, 0);
    }

    fn deliver_as(&mut self, socket: usize, payload: Value, retry: usize) {
        let envelope = format!("envelope-{}", self.envelopes);
        self.envelopes += 1;
        let message = json!({
            "envelope_id": envelope, "payload": payload, "type": "events_api",
            "accepts_response_payload": false, "retry_attempt": retry, "retry_reason": "",
        });
        let _ = self.sockets[socket].send(Say::Text(message));
        self.unacked.push((envelope, socket, payload));
    }

    /// What nobody has acknowledged is sent again.
    fn deliver_again(&mut self, socket: usize) {
        let is_lost = |over: usize| self.sockets[over].is_closed();
        let (lost, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.unacked)
            .into_iter()
            .partition(|(_, over, _)| is_lost(*over));
        self.unacked = open;
        for (_, _, payload) in lost {
            self.deliver_as(socket, payload, 1);
        }
    }

    /// What a method answers.
    fn answer(&mut self, asked: &Asked, ws: &str) -> Answer {
        self.calls += 1;
        // Whoever knows the address may put the file there.
        if let Some(id) = asked.path.strip_prefix("/upload/") {
            let Some(file) = self.files.get_mut(id) else {
                return Answer::of(404, json!("no such file"));
            };
            if asked.method != "POST" || asked.header("authorization").is_some() {
                return Answer::of(400, json!("not so"));
            }
            file.1 = asked.body.clone();
            return Answer::of(200, json!("OK"));
        }
        let method = asked.path.strip_prefix("/api/").unwrap_or("?");
        let fields = &asked.fields;
        let field = |name: &str| fields[name].as_str().unwrap_or_default();
        let token = asked.header("authorization").unwrap_or_default();
        let token = token.strip_prefix("Bearer ").unwrap_or_default();
        let ok = |mut body: Value| {
            body["ok"] = json!(true);
            Answer::of(200, body)
        };
        let error = |error: &str| Answer::of(200, json!({"ok": false, "error": error}));
        let own = match method {
            "apps.connections.open" => APP_TOKEN,
            _ => BOT_TOKEN,
        };
        match token {
            "" => return error("not_authed"),
            token if token == own => {}
            APP_TOKEN | BOT_TOKEN => return error("not_allowed_token_type"),
            _ => return error("invalid_auth"),
        }
        let is_query = matches!(
            method,
            "users.info" | "conversations.info" | "files.getUploadURLExternal"
        );
        if asked.method != "POST" && !is_query {
            return Answer::of(405, json!({"ok": false}));
        }
        match method {
            "auth.test" => ok(json!({
                "url": "https://t.slack.com/", "team": "t", "user": "birl", "team_id": "T1",
                "user_id": "UBOT", "bot_id": "BBOT", "is_enterprise_install": false,
            })),
            "apps.connections.open" => {
                let ticket = format!("ticket={}", self.play.log.len() + self.calls * 1000);
                self.play.log.push("opened".to_owned());
                let url = format!("{ws}?{ticket}");
                self.tickets.push(ticket);
                ok(json!({ "url": url }))
            }
            "users.info" => match field("user") {
                "U1" => ok(json!({"user": {"id": "U1", "name": "ann.smith",
                    "profile": {"display_name": "ann", "real_name": "Ann Smith"}}})),
                "U2" => ok(json!({"user": {"id": "U2", "name": "bob",
                    "profile": {"display_name": "", "real_name": ""}}})),
                _ => error("user_not_found"),
            },
            "conversations.info" => match field("channel") {
                "C1" => ok(json!({"channel": {"id": "C1", "name": "ops"}})),
                "C2" => ok(json!({"channel": {"id": "C2", "name": "dev"}})),
                _ => error("channel_not_found"),
            },
            "chat.postMessage" => {
                let channel = match field("channel") {
                    "C1" | "#ops" | "ops" => "C1",
                    "C2" | "#dev" | "dev" => "C2",
                    "D1" => "D1",
                    "C9" => return error("not_in_channel"),
                    _ => return error("channel_not_found"),
                };
                if let Some(wrong) = wrong_text(field("text")) {
                    return error(wrong);
                }
                let ts = format!("1800000000.{:06}", self.messages.len());
                self.messages.push((channel.to_owned(), ts.clone()));
                self.posts.push(fields.clone());
                ok(json!({"channel": channel, "ts": ts, "message": {"text": field("text")}}))
            }
            "files.getUploadURLExternal" => {
                self.play.log.push("asked where a file goes".to_owned());
                let length = field("length").parse::<usize>().unwrap_or(0);
                if field("filename").is_empty() || length == 0 {
                    return error("invalid_arguments");
                }
                let id = format!("F{}", self.files.len());
                let host = asked.header("host").unwrap_or_default();
                let url = format!("http://{host}/upload/{id}");
                self.files.insert(id.clone(), (length, Vec::new()));
                ok(json!({"upload_url": url, "file_id": id}))
            }
            "files.completeUploadExternal" => {
                let id = fields["files"][0]["id"].as_str().unwrap_or_default();
                let has_come = |(length, body): &(usize, Vec<u8>)| *length == body.len();
                if !self.files.get(id).is_some_and(has_come) {
                    return error("file_not_found");
                }
                // Of these, the documentation knows nothing.
                let known = ["files", "channel_id", "initial_comment", "thread_ts"];
                let mut names = fields
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name);
                if names.any(|name| !known.contains(&name.as_str())) {
                    return error("invalid_arguments");
                }
                if !matches!(field("channel_id"), "C1" | "C2" | "D1") {
                    return error("channel_not_found");
                }
                self.posts.push(fields.clone());
                ok(json!({"files": [{"id": id, "title": fields["files"][0]["title"]}]}))
            }
            "chat.update" => {
                let message = (field("channel").to_owned(), field("ts").to_owned());
                if !self.messages.contains(&message) {
                    return error("message_not_found");
                }
                if let Some(wrong) = wrong_text(field("text")) {
                    return error(wrong);
                }
                self.posts.push(fields.clone());
                ok(json!({"channel": message.0, "ts": message.1, "text": field("text")}))
            }
            _ => error("unknown_method"),
        }
    }
}

fn wrong_text(text: &str) -> Option<&'static str> {
    match text.chars().count() {
        0 => Some("no_text"),
        40_001.. => Some("msg_too_long"),
        _ => None,
    }
}

async fn answer(state: &State, ws: &str, stream: TcpStream) {
    let Some(asked) = Asked::read(stream).await else {
        return;
    };
    let method = match asked.path.strip_prefix("/api/") {
        Some(method) => method.to_owned(),
        None if asked.path.starts_with("/upload/") => "upload".to_owned(),
        None => "?".to_owned(),
    };
    if state.lock().held.as_ref() == Some(&method) {
        state.log(format!("held {method}"));
        state.until(|inner| inner.held.is_none()).await;
    }
    let instead = state.takes_instead(&method);
    let answer = match instead {
        Some(Some(answer)) => answer,
        Some(None) => {
            state.log(format!("aborted {method}"));
            return asked.abort();
        }
        None => state.lock().answer(&asked, ws),
    };
    asked.answer(&answer).await;
    state.changed();
}
