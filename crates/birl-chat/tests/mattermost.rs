//! Mattermost, at a server that the test plays.

mod peer;

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard};

use birl_chat::{Chat, Event, Events, File, Mattermost, Post, connect};
use birl_net::secret::{Secret, Text};
use futures::{SinkExt, StreamExt};
use peer::http::{Answer, Asked};
use peer::stage::{Play, Stage, while_it_goes_on};
use peer::{happens, message, until};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

const TOKEN: &str = "t0k3n-hunter2";

/// A server, as strict as the documentation. It ends with the test.
struct Team {
    url: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

type State = Stage<Inner>;

#[derive(Default)]
struct Inner {
    play: Play,
    /// All posts, in order.
    posts: Vec<Value>,
    /// The names under which they were made.
    pending: HashMap<String, usize>,
    /// What was asked to be said, or changed.
    said: Vec<Value>,
    files: Vec<Vec<u8>>,
    sockets: Vec<mpsc::UnboundedSender<Option<Value>>>,
    /// The connection, and all of its events, whether or not somebody was there.
    connection: usize,
    events: Vec<Value>,
    is_connected: bool,
}

impl Drop for Team {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Team {
    async fn start() -> Self {
        let state = Arc::new(State::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = Arc::clone(&state);
        let serve = async move {
            loop {
                let stream = listener.accept().await.unwrap().0;
                let state = Arc::clone(&serving);
                tokio::spawn(async move { state.serve(stream).await });
            }
        };
        Self {
            url,
            state,
            task: tokio::spawn(serve),
        }
    }

    fn bot(&self) -> Mattermost {
        self.bot_of(TOKEN)
    }

    fn bot_of(&self, token: &str) -> Mattermost {
        let token = Text::Literal(Secret::new(token));
        let mut bot = Mattermost::new(&self.url, token).unwrap();
        peer::at_once(&mut bot.options);
        bot
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.state.lock()
    }

    fn instead(&self, path: &str, answer: Option<Answer>) {
        self.state.instead(path, answer);
    }

    /// Somebody posts, whether or not anybody hears it.
    fn post(&self, fields: Value) {
        self.lock().post(fields, "");
        self.state.changed();
    }

    /// The last socket ends without a word.
    fn kill(&self) {
        let inner = self.lock();
        let _ = inner.sockets.last().unwrap().send(None);
    }

    /// The server forgets its connections, as when it is started again.
    fn forget(&self) {
        let mut inner = self.lock();
        inner.connection += 1;
        inner.events.clear();
    }

    async fn happens(&self, what: &str) {
        self.state.happens(what, 1).await;
    }

    async fn said(&self, count: usize) -> Vec<Value> {
        self.state.until(|inner| inner.said.len() >= count).await;
        self.lock().said.clone()
    }
}

impl State {
    async fn serve(&self, stream: TcpStream) {
        let Some(asked) = Asked::read(stream).await else {
            return;
        };
        let path = asked
            .path
            .strip_prefix("/api/v4/")
            .unwrap_or("?")
            .to_owned();
        let instead = self.takes_instead(&path);
        match instead {
            Some(Some(answer)) => return asked.answer(&answer).await,
            Some(None) => {
                // It does what it is asked, and nobody is told.
                let _ = self.lock().answer(&asked, &path);
                self.log(format!("aborted {path}"));
                return asked.abort();
            }
            None => {}
        }
        if asked.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            let error = json!({"id": "api.context.session_expired.app_error",
                "message": "Invalid or expired session, please login again.", "status_code": 401});
            return asked.answer(&Answer::of(401, error)).await;
        }
        if path == "websocket" {
            return self.socket(asked).await;
        }
        let answer = self.lock().answer(&asked, &path);
        asked.answer(&answer).await;
        self.changed();
    }

    async fn socket(&self, asked: Asked) {
        let text = |name: &str| asked.fields[name].as_str().map(str::to_owned);
        let (connection, number) = (text("connection_id"), text("sequence_number"));
        let stream = asked.upgrade().await;
        let mut socket =
            tokio_tungstenite::WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        let (sender, mut says) = mpsc::unbounded_channel();
        {
            let mut inner = self.lock();
            let known = format!("connection{}", inner.connection);
            let from = number.and_then(|number| number.parse::<usize>().ok());
            let from = from.filter(|&from| connection == Some(known) && from <= inner.events.len());
            let what = match from {
                Some(from) => format!("resumed from {from}"),
                None => {
                    inner.connection += 1;
                    inner.events.clear();
                    let hello = json!({
                        "event": "hello", "data": {"server_version": "10.5",
                            "connection_id": format!("connection{}", inner.connection)},
                        "broadcast": {"user_id": "me"},
                    });
                    inner.event(hello);
                    "hello".to_owned()
                }
            };
            for event in &inner.events[from.unwrap_or(0)..] {
                let _ = sender.send(Some(event.clone()));
            }
            inner.sockets.push(sender);
            inner.is_connected = true;
            inner.play.log.push(what);
        }
        self.changed();
        loop {
            tokio::select! {
                said = says.recv() => match said {
                    Some(Some(event)) => {
                        let _ = socket.send(Message::text(event.to_string())).await;
                    }
                    _ => break,
                },
                heard = socket.next() => if !matches!(heard, Some(Ok(_))) {
                    break;
                },
            }
        }
        self.lock().is_connected = false;
        let _ = socket.get_ref().set_zero_linger();
        drop(socket);
        self.log("ended".to_owned());
    }
}

fn channels() -> Value {
    json!([
        {"id": "c-ops", "name": "ops", "type": "O", "last_post_at": 4_000_000_000_000_i64},
        {"id": "c-dev", "name": "dev", "type": "P", "last_post_at": 4_000_000_000_000_i64},
        {"id": "c-old", "name": "old", "type": "P", "last_post_at": 1},
        {"id": "c-ann", "name": "me__u-ann", "type": "D", "last_post_at": 0},
    ])
}

impl AsMut<Play> for Inner {
    fn as_mut(&mut self) -> &mut Play {
        &mut self.play
    }
}

impl Inner {
    /// Numbers an event, and sends it to whoever is there.
    fn event(&mut self, mut event: Value) {
        event["seq"] = json!(self.events.len());
        if self.is_connected
            && let Some(socket) = self.sockets.last()
        {
            let _ = socket.send(Some(event.clone()));
        }
        self.events.push(event);
    }

    fn post(&mut self, fields: Value, pending: &str) -> Value {
        if let Some(&at) = self.pending.get(pending) {
            return self.posts[at].clone();
        }
        // Far ahead of us, as clocks may be.
        let at = 4_000_000_000_000_i64 + self.posts.len() as i64;
        let mut post = json!({
            "id": format!("p{}", self.posts.len()), "create_at": at, "update_at": at, "delete_at": 0,
            "user_id": "u-ann", "channel_id": "c-ops", "root_id": "", "message": "", "type": "",
            "props": {},
        });
        for (name, value) in fields.as_object().unwrap() {
            post[name] = value.clone();
        }
        if !pending.is_empty() {
            self.pending.insert(pending.to_owned(), self.posts.len());
        }
        self.posts.push(post.clone());
        let channels = channels();
        let mut rooms = channels.as_array().unwrap().iter();
        let room = rooms.find(|room| room["id"] == post["channel_id"]).unwrap();
        let name = post["user_id"].as_str().unwrap().replace("u-", "@");
        self.event(json!({
            "event": "posted",
            "data": {"post": post.to_string(), "sender_name": name, "channel_name": room["name"],
                "channel_type": room["type"], "channel_display_name": "x", "team_id": "t"},
            "broadcast": {"channel_id": post["channel_id"]},
        }));
        post
    }

    fn answer(&mut self, asked: &Asked, path: &str) -> Answer {
        let fields = &asked.fields;
        let error = |status: u16, message: &str| {
            Answer::of(
                status,
                json!({"id": "x", "message": message, "status_code": status}),
            )
        };
        let parts: Vec<&str> = path.split('/').collect();
        match (asked.method.as_str(), &parts[..]) {
            ("GET", ["users", "me"]) => Answer::of(200, json!({"id": "me", "username": "birl"})),
            ("GET", ["users", "me", "channels"]) => Answer::of(200, channels()),
            ("POST", ["users", "ids"]) => {
                let ids = fields.as_array().unwrap().iter();
                let person = |id: &Value| json!({"id": id, "username": id.as_str().unwrap().trim_start_matches("u-")});
                Answer::of(200, ids.map(person).collect())
            }
            ("GET", ["channels", channel, "posts"]) => {
                let since: i64 = fields["since"].as_str().unwrap().parse().unwrap();
                self.play.log.push(format!("asked for {channel}"));
                let is_new = |post: &&Value| {
                    post["channel_id"] == *channel && post["update_at"].as_i64().unwrap() > since
                };
                let posts = self.posts.iter().filter(is_new);
                let posts: serde_json::Map<_, _> = posts
                    .map(|post| (post["id"].as_str().unwrap().to_owned(), post.clone()))
                    .collect();
                let order: Vec<&String> = posts.keys().rev().collect();
                Answer::of(200, json!({"order": order, "posts": posts}))
            }
            ("POST", ["files"]) => {
                if fields["channel_id"] != "c-ops" || fields["filename"] != "chart.png" {
                    return error(400, "Invalid or missing channel_id");
                }
                self.files.push(asked.body.clone());
                let id = format!("f{}", self.files.len());
                Answer::of(201, json!({"file_infos": [{"id": id}], "client_ids": []}))
            }
            ("POST", ["posts"]) => {
                let text = |name: &str| fields[name].as_str().unwrap_or_default();
                if text("message").is_empty() || text("message").chars().count() > 16_383 {
                    return error(400, "Invalid or missing message");
                }
                let root = text("root_id");
                if !root.is_empty() && !self.posts.iter().any(|post| post["id"] == root) {
                    return error(400, "Invalid RootId parameter");
                }
                if text("channel_id") == "c-dev" {
                    return error(403, "You do not have the appropriate permissions");
                }
                let mut post = json!({"user_id": "me", "channel_id": text("channel_id"),
                    "root_id": root, "message": text("message")});
                if let Some(files) = fields.get("file_ids") {
                    post["file_ids"] = files.clone();
                }
                if !self.pending.contains_key(text("pending_post_id")) {
                    self.said.push(post.clone());
                }
                Answer::of(201, self.post(post, text("pending_post_id")))
            }
            ("PUT", ["posts", id, "patch"]) => {
                let message = fields["message"].clone();
                let mut posts = self.posts.iter_mut();
                let Some(post) = posts.find(|post| post["id"] == *id) else {
                    return error(404, "Unable to find the post");
                };
                post["message"] = message.clone();
                self.said.push(json!({"edits": id, "message": message}));
                Answer::of(200, post.clone())
            }
            _ => error(404, "no such path"),
        }
    }
}

#[tokio::test]
async fn what_is_said_is_answered_in_its_thread_and_programs_and_we_are_told_apart() {
    let team = Team::start().await;
    let mut bot = team.bot();
    bot.rooms = vec!["~ops".to_owned()];
    let mut chat = connect(bot).events();
    let serve = async {
        team.happens("hello").await;
        for fields in [
            json!({"user_id": "me", "message": "I said that"}),
            json!({"type": "system_join_channel", "message": "ann joined"}),
            json!({"channel_id": "c-dev", "message": "not listened to"}),
            json!({"props": {"from_bot": "true"}, "user_id": "u-ci", "message": "beep"}),
            json!({"type": "me", "message": "*waves*"}),
            json!({"channel_id": "c-ann", "message": "psst"}),
            json!({"root_id": "p4", "message": "hi"}),
        ] {
            team.post(fields);
        }
        team.said(2).await
    };
    let react = async {
        let mut all = Vec::new();
        for _ in 0..4 {
            let it = message(&mut chat).await;
            all.push(format!(
                "{} {}: {} {:?}{}{}",
                it.room,
                it.sender,
                it.text,
                it.kind,
                if it.is_bot { ", bot" } else { "" },
                if it.is_private { ", private" } else { "" },
            ));
            if it.text == "psst" || it.text == "hi" {
                it.reply("@all ![x](http://h/)").await.unwrap();
            }
        }
        (all, while_it_goes_on(&mut chat, team.said(2)).await)
    };
    let (_, (all, mut said)) = tokio::join!(serve, react);
    assert_eq!(
        all,
        [
            "ops ci: beep Said, bot",
            "ops ann: waves Done",
            "ann ann: psst Said, private",
            "ops ann: hi Said",
        ]
    );
    said.sort_by_key(|said| said["channel_id"].to_string());
    let text = "@\u{200b}all !\u{200b}[x](http://h/)";
    let post = |channel: &str, root: &str| json!({"user_id": "me", "channel_id": channel, "root_id": root, "message": text});
    assert_eq!(said, [post("c-ann", ""), post("c-ops", "p4")]);
}

/// A chat that has heard `one`, so that it knows its connection.
async fn connected(team: &Team) -> Events {
    let mut chat = connect(team.bot()).events();
    let serve = async {
        team.happens("hello").await;
        team.post(json!({"message": "one"}));
    };
    tokio::join!(serve, until(&mut chat, "one"));
    chat
}

#[tokio::test]
async fn a_lost_connection_goes_on_with_the_next_number() {
    let team = Team::start().await;
    let mut chat = connected(&team).await;
    let serve = async {
        // Nobody hears it.
        team.lock().is_connected = false;
        team.post(json!({"message": "meanwhile"}));
        team.kill();
        team.happens("resumed from 2").await;
        team.post(json!({"message": "end"}));
    };
    let ((), all) = tokio::join!(serve, until(&mut chat, "end"));
    let said: Vec<_> = all.iter().filter(|it| it.starts_with("ops")).collect();
    assert_eq!(said, ["ops ann: meanwhile", "ops ann: end"]);
    let log = team.state.logged();
    assert!(!log.iter().any(|it| it.starts_with("asked")), "{log:?}");
}

#[tokio::test]
async fn what_the_server_has_forgotten_is_asked_for_and_given_once() {
    let team = Team::start().await;
    let mut chat = connected(&team).await;
    let serve = async {
        team.lock().is_connected = false;
        team.post(json!({"message": "meanwhile", "user_id": "u-bob"}));
        team.post(json!({"message": "gone", "delete_at": 1}));
        team.post(json!({"message": "elsewhere", "channel_id": "c-dev"}));
        team.forget();
        team.kill();
        team.happens("asked for c-dev").await;
        team.happens("asked for c-ops").await;
    };
    let listen = async {
        let mut all = Vec::new();
        while all.len() < 2 {
            if let Event::Message(it) = chat.next().await.unwrap() {
                all.push(format!("{} {}: {}", it.room, it.sender, it.text));
            }
        }
        all
    };
    let ((), mut all) = tokio::join!(serve, listen);
    // Rooms are asked by themselves.
    all.sort();
    assert_eq!(all, ["dev ann: elsewhere", "ops bob: meanwhile"]);
    // A room that has nothing new is not asked for it.
    let log = team.state.logged();
    assert!(!log.contains(&"asked for c-old".to_owned()), "{log:?}");
    // What is caught up with is answered like anything else.
    let posted = chat.handle().clone();
    let posted = posted.deliver(Post::new("~ops", "end"));
    while_it_goes_on(&mut chat, posted).await.unwrap();
}

#[tokio::test]
async fn a_number_that_is_missing_is_asked_for_again() {
    let team = Team::start().await;
    let mut chat = connect(team.bot()).events();
    let serve = async {
        team.happens("hello").await;
        team.post(json!({"message": "one"}));
        // An event that does not arrive.
        team.lock().is_connected = false;
        team.post(json!({"message": "two"}));
        team.lock().is_connected = true;
        team.post(json!({"message": "end"}));
    };
    let ((), all) = tokio::join!(serve, until(&mut chat, "end"));
    let said: Vec<_> = all.iter().filter(|it| it.starts_with("ops")).collect();
    assert_eq!(said, ["ops ann: one", "ops ann: two", "ops ann: end"]);
    assert!(
        all.contains(&"!event 3 has come instead of 2; trying again".to_owned()),
        "{all:?}"
    );
}

#[tokio::test]
async fn a_file_goes_with_its_text_or_the_text_goes_alone() {
    let team = Team::start().await;
    let mut chat = connect(team.bot()).events();
    let handle = chat.handle().clone();
    let file = File {
        name: "chart.png".to_owned(),
        mime: "image/png",
        bytes: b"\x89PNG"[..].into(),
        alt: "errors".to_owned(),
    };
    // Tried again; and not taken at all.
    team.instead("files", Some(Answer::of(503, json!({}))));
    let script = async {
        let post = Post::new("ops", "▁█").with_file(file.clone());
        let posted = handle.deliver(post.clone()).await.unwrap();
        assert_eq!(posted.ids(), ["p0"]);
        let large = Answer::of(413, json!({"message": "too large"}));
        team.instead("files", Some(large));
        handle.deliver(post.clone()).await.unwrap();
        let disabled = Answer::of(403, json!({"message": "no files here"}));
        team.instead("posts", Some(disabled));
        handle.deliver(post.clone()).await.unwrap();
        // However long it fails so, the text is said.
        for _ in 0..3 {
            team.instead("files", Some(Answer::of(500, json!({}))));
        }
        handle.deliver(post).await.unwrap();
    };
    while_it_goes_on(&mut chat, script).await;
    let said = team.said(4).await;
    let files: Vec<_> = said.iter().map(|said| said["file_ids"].clone()).collect();
    let none = Value::Null;
    assert_eq!(files, [json!(["f1"]), none.clone(), none.clone(), none]);
    assert!(said.iter().all(|said| said["message"] == "▁█"));
    assert_eq!(team.state.lock().files, [&b"\x89PNG"[..]; 2]);
}

#[tokio::test]
async fn a_post_is_edited_and_said_once_though_its_answer_is_lost() {
    let team = Team::start().await;
    let mut chat = connect(team.bot()).events();
    let handle = chat.handle().clone();
    team.instead("posts", None);
    let limited = Answer::of(429, json!({"message": "limit"})).header("X-Ratelimit-Reset: 1");
    team.instead("posts", Some(limited));
    let script = async {
        let posted = handle.deliver(Post::alert("ops", "1 error")).await.unwrap();
        assert_eq!(
            (posted.room(), posted.ids()),
            ("c-ops", &["p0".to_owned()][..])
        );
        handle.edit(&posted, "2 errors").await.unwrap();
        let under = Post::new("~ops", "which").under(&posted);
        handle.deliver(under).await.unwrap();
        let to_ann = handle.deliver(Post::new("c-ann", "psst")).await.unwrap();
        assert_eq!(to_ann.room(), "c-ann");
        for (room, why) in [
            (
                "dev",
                "cannot send: the server answers 403: You do not have the appropriate permissions",
            ),
            (
                "none",
                "cannot send: there is no such room, or the account is not in it",
            ),
        ] {
            let denied = handle.deliver(Post::new(room, "x")).await.unwrap_err();
            assert_eq!(
                (denied.is_denied(), denied.to_string().as_str()),
                (true, why)
            );
        }
    };
    while_it_goes_on(&mut chat, script).await;
    let post = |root: &str, channel: &str, text: &str| json!({"user_id": "me", "channel_id": channel, "root_id": root, "message": text});
    assert_eq!(
        team.said(4).await,
        [
            post("", "c-ops", "1 error"),
            json!({"edits": "p0", "message": "2 errors"}),
            post("p0", "c-ops", "which"),
            post("", "c-ann", "psst"),
        ]
    );
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why_and_no_secret() {
    let team = Team::start().await;
    let bot = team.bot_of("hunter2-wrong");
    let mut shown = format!("{bot:?}");
    let mut chat: Chat = connect(bot);
    let error = chat.next().await.unwrap().unwrap_err();
    assert!(error.is_refused());
    let expected = format!(
        "cannot connect to \"{}/\": users/me: the server does not know the token (401)",
        team.url
    );
    assert_eq!(error.to_string(), expected);
    shown += &format!("{chat:?} {error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(chat.next().await.is_none());
    for url in ["ws://h", "h", "https://me:hunter2@h"] {
        let error = Mattermost::new(url, Text::Variable("X".to_owned())).unwrap_err();
        assert!(
            !error.to_string().contains("hunter2@") || url == "h",
            "{error}"
        );
    }
}

#[tokio::test]
async fn failures_are_tried_again() {
    let team = Team::start().await;
    team.instead("users/me", None);
    team.instead("users/me", Some(Answer::of(502, json!("x"))));
    team.instead("websocket", Some(Answer::of(503, json!("x"))));
    let mut chat = connect(team.bot()).events();
    let serve = async {
        team.happens("hello").await;
        team.post(json!({"message": "end"}));
    };
    let ((), all) = tokio::join!(serve, until(&mut chat, "end"));
    assert_eq!(
        all[1..],
        [
            "!users/me: the server answers 502: \\\"x\\\"; trying again",
            "!the server answers 503 Service Unavailable; trying again",
            "ready",
            "ops ann: end",
        ]
    );
}

/// What happens is read to its end by the tests that need it.
#[tokio::test]
async fn closing_ends_the_chat() {
    let team = Team::start().await;
    let mut chat = connect(team.bot()).events();
    let handle = chat.handle().clone();
    let script = async {
        team.happens("hello").await;
        handle.say("ops", "bye").await.unwrap();
        handle.close();
    };
    tokio::join!(script, async {
        while happens(&mut chat).await.is_some() {}
    });
    assert_eq!(team.said(1).await[0]["message"], "bye");
}
