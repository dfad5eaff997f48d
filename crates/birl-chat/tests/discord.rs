//! Discord, at a gateway that the test plays.

mod peer;

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard};

use birl_chat::{Chat, Discord, Events, File, Post, connect};
use birl_net::secret::{Secret, Text};
use futures::{SinkExt, StreamExt};
use peer::http::{Answer, Asked};
use peer::stage::{Play, Stage, while_it_goes_on};
use peer::{happens, message, until};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

const TOKEN: &str = "t0k3n-hunter2";

/// A gateway and its API, as strict as the documentation. It ends with the test.
struct Gateway {
    api: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

type State = Stage<Inner>;

#[derive(Default)]
struct Inner {
    play: Play,
    address: String,
    /// What was asked to be said, or changed.
    said: Vec<Value>,
    nonces: HashMap<String, Value>,
    socket: Option<mpsc::UnboundedSender<Say>>,
    /// The session, and all of its events, whether or not somebody was there.
    session: usize,
    events: Vec<Value>,
    messages: usize,
    /// What came with what was said.
    files: Vec<Vec<u8>>,
    heartbeat_ms: u64,
    /// Heartbeats are not answered.
    is_deaf: bool,
    /// With what the next identification, and the next resumption, is answered: a code to close with.
    refusal: Option<u16>,
    resumption: Option<u16>,
}

enum Say {
    Frame(Value),
    Close(u16),
    Kill,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gateway {
    async fn start() -> Self {
        Self::with_heartbeat(45_000).await
    }

    async fn with_heartbeat(heartbeat_ms: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State::default());
        state.lock().address.clone_from(&address);
        state.lock().heartbeat_ms = heartbeat_ms;
        let serving = Arc::clone(&state);
        let serve = async move {
            loop {
                let stream = listener.accept().await.unwrap().0;
                let state = Arc::clone(&serving);
                tokio::spawn(async move { state.serve(stream).await });
            }
        };
        Self {
            api: format!("http://{address}/api/v10/"),
            state,
            task: tokio::spawn(serve),
        }
    }

    fn bot(&self) -> Discord {
        self.bot_of(TOKEN)
    }

    fn bot_of(&self, token: &str) -> Discord {
        let token = Text::Literal(Secret::new(token));
        let mut bot = Discord::new(token).at(&self.api).unwrap();
        peer::at_once(&mut bot.options);
        bot
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.state.lock()
    }

    fn instead(&self, path: &str, answer: Option<Answer>) {
        self.state.instead(path, answer);
    }

    /// `ann` says something in `#ops`, whether or not anybody hears it.
    fn say(&self, text: &str) {
        self.say_with(text, json!({}));
    }

    fn say_with(&self, text: &str, fields: Value) {
        let mut inner = self.lock();
        inner.messages += 1;
        let id = (1000 + inner.messages).to_string();
        let mut data = json!({
            "id": id, "channel_id": "31", "guild_id": "30", "content": text, "type": 0,
            "author": {"id": "21", "username": "ann", "global_name": "Ann", "bot": false},
            "member": {"nick": null}, "mentions": [], "timestamp": "2026-03-14T14:05:30.5+00:00",
        });
        for (name, value) in fields.as_object().unwrap() {
            data[name] = value.clone();
        }
        inner.event("MESSAGE_CREATE", data);
    }

    fn frame(&self, frame: Value) {
        self.lock().send(Say::Frame(frame));
    }

    fn close(&self, code: u16) {
        self.lock().send(Say::Close(code));
    }

    fn kill(&self) {
        self.lock().send(Say::Kill);
    }

    /// The session is forgotten.
    fn forget(&self) {
        let mut inner = self.lock();
        inner.session += 1;
        inner.events.clear();
    }

    async fn happens(&self, what: &str) {
        self.happens_times(what, 1).await;
    }

    async fn happens_times(&self, what: &str, times: usize) {
        self.state.happens(what, times).await;
    }
}

impl State {
    async fn serve(&self, stream: TcpStream) {
        let Some(asked) = Asked::read(stream).await else {
            return;
        };
        if matches!(&*asked.path, "/gateway/" | "/resume/") {
            return self.socket(asked).await;
        }
        let path = asked
            .path
            .strip_prefix("/api/v10/")
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
        let agent = asked.header("user-agent").unwrap_or_default();
        let answer = match asked.header("authorization") {
            _ if !agent.starts_with("DiscordBot (https://") => Answer::of(403, json!("no")),
            Some(token) if token == format!("Bot {TOKEN}") => self.lock().answer(&asked, &path),
            _ => Answer::of(401, json!({"message": "401: Unauthorized", "code": 0})),
        };
        asked.answer(&answer).await;
        self.changed();
    }

    async fn socket(&self, asked: Asked) {
        let is_resumption = asked.path == "/resume/";
        assert_eq!(asked.fields, json!({"v": "10", "encoding": "json"}));
        let stream = asked.upgrade().await;
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        let (sender, mut says) = mpsc::unbounded_channel();
        let every = {
            let mut inner = self.lock();
            inner.socket = Some(sender.clone());
            inner.heartbeat_ms
        };
        let hello = json!({"op": 10, "d": {"heartbeat_interval": every}, "s": null, "t": null});
        let _ = sender.send(Say::Frame(hello));
        let mut is_known = false;
        loop {
            tokio::select! {
                biased;
                said = says.recv() => match said {
                    Some(Say::Frame(frame)) => {
                        let _ = socket.send(Message::text(frame.to_string())).await;
                    }
                    Some(Say::Close(code)) => {
                        let close = CloseFrame { code: code.into(), reason: "bye".into() };
                        let _ = socket.close(Some(close)).await;
                    }
                    Some(Say::Kill) | None => {
                        let _ = socket.get_ref().set_zero_linger();
                        break;
                    }
                },
                heard = socket.next() => match heard {
                    Some(Ok(Message::Text(text))) => {
                        let heard: Value = serde_json::from_str(&text).unwrap();
                        let code = self.hear(&heard, is_resumption, &mut is_known, &sender);
                        if let Some(code) = code {
                            let _ = sender.send(Say::Close(code));
                        }
                        self.changed();
                    }
                    Some(Ok(Message::Close(close))) => {
                        let code = close.map(|close| u16::from(close.code));
                        self.log(format!("closed with {code:?}"));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break,
                },
            }
        }
        drop(socket);
        self.log("ended".to_owned());
    }

    /// Takes what a client sends; gives the code to close with, if that is wrong.
    fn hear(
        &self,
        heard: &Value,
        is_resumption: bool,
        is_known: &mut bool,
        sender: &mpsc::UnboundedSender<Say>,
    ) -> Option<u16> {
        let mut inner = self.lock();
        let data = &heard["d"];
        match heard["op"].as_u64() {
            Some(1) => {
                // What it has heard so far, or nothing.
                let last = inner.events.len() as u64;
                let what = match data.as_u64() {
                    Some(number) if number > last => format!("bad heartbeat {number} of {last}"),
                    None if !data.is_null() => format!("bad heartbeat {data}"),
                    _ => "heartbeat".to_owned(),
                };
                inner.play.log.push(what);
                if !inner.is_deaf {
                    let _ = sender.send(Say::Frame(json!({"op": 11})));
                }
                None
            }
            Some(2 | 6) if *is_known => Some(4005),
            Some(2 | 6) if data["token"] != TOKEN => Some(4004),
            Some(2) => {
                *is_known = true;
                let wanted = json!(1 | 1 << 9 | 1 << 12 | 1 << 15);
                if data["intents"] != wanted || !data["properties"]["os"].is_string() {
                    return Some(4013);
                }
                if let Some(code) = inner.refusal.take() {
                    return Some(code);
                }
                inner.play.log.push("identified".to_owned());
                inner.session += 1;
                inner.events.clear();
                let ready = json!({
                    "v": 10, "user": {"id": "99", "username": "birl"}, "guilds": [{"id": "30"}],
                    "session_id": format!("session{}", inner.session),
                    "resume_gateway_url": format!("ws://{}/resume/", inner.address),
                });
                inner.event("READY", ready);
                let guild = json!({"id": "30", "channels": [
                    {"id": "31", "name": "ops", "type": 0}, {"id": "32", "name": "dev", "type": 0},
                ], "threads": []});
                inner.event("GUILD_CREATE", guild);
                None
            }
            Some(6) => {
                *is_known = true;
                if let Some(code) = inner.resumption.take() {
                    return Some(code);
                }
                let known = format!("session{}", inner.session);
                let from = data["seq"].as_u64().unwrap() as usize;
                if data["session_id"] != known || from > inner.events.len() || !is_resumption {
                    inner.play.log.push("not resumed".to_owned());
                    let _ = sender.send(Say::Frame(json!({"op": 9, "d": false})));
                    return None;
                }
                inner.play.log.push("resumed".to_owned());
                for event in &inner.events[from..] {
                    let _ = sender.send(Say::Frame(event.clone()));
                }
                inner.event("RESUMED", json!({}));
                None
            }
            _ => Some(4001),
        }
    }
}

impl AsMut<Play> for Inner {
    fn as_mut(&mut self) -> &mut Play {
        &mut self.play
    }
}

impl Inner {
    fn send(&mut self, say: Say) {
        if let Some(socket) = &self.socket {
            let _ = socket.send(say);
        }
    }

    /// Numbers an event, and sends it to whoever is there.
    fn event(&mut self, name: &str, data: Value) {
        let number = self.events.len() + 1;
        let event = json!({"op": 0, "t": name, "s": number, "d": data});
        self.events.push(event.clone());
        self.send(Say::Frame(event));
    }

    fn answer(&mut self, asked: &Asked, path: &str) -> Answer {
        let address = &self.address;
        let fields = &asked.fields;
        let error =
            |status: u16, message: &str| Answer::of(status, json!({"message": message, "code": 1}));
        let parts: Vec<&str> = path.split('/').collect();
        match (asked.method.as_str(), &parts[..]) {
            ("GET", ["gateway", "bot"]) => Answer::of(
                200,
                json!({"url": format!("ws://{address}/gateway/"), "shards": 1,
                    "session_start_limit": {"total": 1000, "remaining": 999,
                        "reset_after": 14_400_000, "max_concurrency": 1}}),
            ),
            ("POST", ["channels", channel, "messages"]) => {
                let parts = asked.parts();
                let form = match &parts[..] {
                    [] => None,
                    [(head, json), (file_head, file)] => {
                        let json: Value = serde_json::from_slice(json).unwrap();
                        let name = &json["attachments"][0]["filename"];
                        let begin = "Content-Disposition: form-data; name=\"payload_json\"";
                        assert!(head.starts_with(begin), "{head}");
                        assert_eq!(
                            *file_head,
                            format!(
                                "Content-Disposition: form-data; name=\"files[0]\"; \
                                 filename={name}\r\nContent-Type: image/png"
                            )
                        );
                        self.files.push(file.clone());
                        Some(json)
                    }
                    parts => panic!("{parts:?}"),
                };
                let fields = form.as_ref().unwrap_or(fields);
                let content = fields["content"].as_str().unwrap_or_default();
                if content.is_empty() || content.chars().count() > 2000 {
                    return error(400, "Invalid Form Body");
                }
                if *channel != "31" && *channel != "32" {
                    return error(404, "Unknown Channel");
                }
                let nonce = fields["nonce"].as_str().unwrap_or_default().to_owned();
                assert!(nonce.len() <= 25, "{nonce}");
                if fields["enforce_nonce"] == true
                    && let Some(said) = self.nonces.get(&nonce)
                {
                    return Answer::of(200, said.clone());
                }
                let mut said = fields.clone();
                said.as_object_mut().unwrap().remove("nonce");
                said["channel"] = json!(channel);
                self.said.push(said);
                let id = format!("m{}", self.said.len());
                let message = json!({"id": id, "channel_id": channel, "content": content});
                self.nonces.insert(nonce, message.clone());
                Answer::of(200, message)
            }
            ("PATCH", ["channels", channel, "messages", id]) => {
                self.said
                    .push(json!({"edits": id, "content": fields["content"]}));
                Answer::of(200, json!({"id": id, "channel_id": channel}))
            }
            _ => error(404, "404: Not Found"),
        }
    }
}

#[tokio::test]
async fn a_file_goes_with_its_text_or_the_text_goes_alone() {
    let gateway = Gateway::start().await;
    let mut chat = connect(gateway.bot()).events();
    let handle = chat.handle().clone();
    // What would end a part is in it.
    let bytes = &b"\x89PNG\r\n--birl-part-0--\r\n\0"[..];
    let file = File {
        name: "chart.png".to_owned(),
        mime: "image/png",
        bytes: bytes.into(),
        alt: "errors".to_owned(),
    };
    let script = async {
        gateway.happens("identified").await;
        let post = Post::new("31", "▁█").with_file(file.clone());
        handle.deliver(post.clone()).await.unwrap();
        let path = "channels/31/messages";
        let denied = Answer::of(403, json!({"message": "Missing Permissions"}));
        gateway.instead(path, Some(denied));
        let posted = handle.deliver(post.clone()).await.unwrap();
        assert_eq!(posted.ids(), ["m2"]);
        // However long it fails so, the text is said.
        for _ in 0..3 {
            gateway.instead(path, Some(Answer::of(500, json!({}))));
        }
        handle.deliver(post).await.unwrap();
    };
    while_it_goes_on(&mut chat, script).await;
    let inner = gateway.lock();
    assert_eq!(inner.files, [bytes]);
    let texts = inner.said.iter().map(|said| &said["content"]);
    assert!(texts.eq(["▁█", "▁█", "▁█"]), "{:?}", inner.said);
    let attached = json!([{"id": 0, "filename": "chart.png", "description": "errors"}]);
    assert_eq!(inner.said[0]["attachments"], attached);
    assert_eq!(inner.said[1]["attachments"], Value::Null);
    assert_eq!(inner.said[2]["attachments"], Value::Null);
}

#[tokio::test]
async fn what_is_said_is_answered_and_programs_and_we_are_told_apart() {
    let gateway = Gateway::start().await;
    let mut bot = gateway.bot();
    bot.rooms = vec!["ops".to_owned()];
    let mut chat = connect(bot).events();
    let serve = async {
        gateway.happens("identified").await;
        for (text, fields) in [
            (
                "I said that",
                json!({"author": {"id": "99", "username": "birl"}}),
            ),
            ("pinned", json!({"type": 6})),
            ("not listened to", json!({"channel_id": "32"})),
            (
                "beep",
                json!({"author": {"id": "22", "username": "ci", "bot": true}}),
            ),
            (
                "hook",
                json!({"webhook_id": "1", "author": {"id": "23", "username": "hook"}}),
            ),
            ("psst", json!({"guild_id": null, "channel_id": "40"})),
            (
                "<@99> hi in <#31>",
                json!({"mentions": [{"id": "99", "username": "birl"}], "type": 19,
                    "message_reference": {"message_id": "7"}, "member": {"nick": "annie"}}),
            ),
        ] {
            gateway.say_with(text, fields);
        }
    };
    let react = async {
        let mut all = Vec::new();
        for _ in 0..4 {
            let it = message(&mut chat).await;
            all.push(format!(
                "{} {}: {}{}{}{}",
                it.room,
                it.sender,
                it.text,
                if it.is_bot { ", bot" } else { "" },
                if it.is_private { ", private" } else { "" },
                it.thread
                    .as_ref()
                    .map(|it| format!(", {it}"))
                    .unwrap_or_default(),
            ));
            if it.sender == "annie" {
                it.reply("@everyone <@21>").await.unwrap();
                let id = it.id.clone().unwrap();
                let said = while_it_goes_on(&mut chat, async {
                    gateway.state.until(|inner| !inner.said.is_empty()).await;
                    gateway.lock().said.clone()
                });
                return (all, id, said.await);
            }
        }
        panic!("{all:?}");
    };
    let ((), (all, id, said)) = tokio::join!(serve, react);
    assert_eq!(
        all,
        [
            "#ops ci: beep, bot",
            "#ops hook: hook, bot",
            "Ann Ann: psst, private",
            "#ops annie: @birl hi in #ops, 7",
        ]
    );
    let expected = json!({
        "channel": "31", "content": "@everyone <@21>", "allowed_mentions": {"parse": []},
        "flags": 4, "enforce_nonce": true,
        "message_reference": {"message_id": id, "fail_if_not_exists": false},
    });
    assert_eq!(said, [expected]);
}

/// A chat that has heard `one`, so that it has a session.
async fn connected(gateway: &Gateway) -> Events {
    let mut chat = connect(gateway.bot()).events();
    let serve = async {
        gateway.happens("identified").await;
        gateway.say("one");
    };
    tokio::join!(serve, until(&mut chat, "one"));
    chat
}

#[tokio::test]
async fn a_lost_connection_is_resumed_and_nothing_is_missed() {
    let losses = [
        Say::Kill,
        Say::Close(4000),
        Say::Frame(json!({"op": 7, "d": null})),
        Say::Frame(json!({"op": 9, "d": true})),
    ];
    for (at, loss) in losses.into_iter().enumerate() {
        let gateway = Gateway::start().await;
        let mut chat = connected(&gateway).await;
        let serve = async {
            let socket = gateway.lock().socket.take().unwrap();
            // Nobody hears it.
            gateway.say("meanwhile");
            let _ = socket.send(loss);
            gateway.happens("resumed").await;
            gateway.say("end");
        };
        let ((), all) = tokio::join!(serve, until(&mut chat, "end"));
        let said: Vec<_> = all.iter().filter(|it| it.starts_with('#')).collect();
        assert_eq!(said, ["#ops Ann: meanwhile", "#ops Ann: end"], "{at}");
        let log = gateway.state.logged();
        // A connection that is ended in good order cannot be resumed.
        assert!(
            !log.contains(&"closed with Some(1000)".to_owned()),
            "{at}: {log:?}"
        );
    }
}

#[tokio::test]
async fn a_session_that_is_forgotten_begins_anew_and_is_a_gap() {
    let gateway = Gateway::start().await;
    let mut chat = connected(&gateway).await;
    let serve = async {
        gateway.forget();
        gateway.kill();
        gateway.happens("not resumed").await;
        gateway.happens_times("identified", 2).await;
        gateway.say("end");
    };
    let ((), all) = tokio::join!(serve, until(&mut chat, "end"));
    let is_gap = |it: &String| it.starts_with("gap: ") && it.ends_with("from None");
    assert!(all.iter().any(is_gap), "{all:?}");
}

#[tokio::test]
async fn a_session_whose_resumption_is_not_answered_is_given_up() {
    let gateway = Gateway::start().await;
    let mut chat = connected(&gateway).await;
    let serve = async {
        // The number that it goes on from is none that is taken.
        gateway.lock().resumption = Some(4007);
        gateway.close(4000);
        gateway.happens_times("identified", 2).await;
        gateway.say("end");
    };
    let ((), all) = tokio::join!(serve, until(&mut chat, "end"));
    let why = "!the server closed the connection with code 4007 (bye); trying again";
    assert!(all.contains(&why.to_owned()), "{all:?}");
}

#[tokio::test]
async fn heartbeats_are_sent_and_answered_and_one_that_is_not_ends_the_connection() {
    let gateway = Gateway::with_heartbeat(40).await;
    let mut chat = connect(gateway.bot()).events();
    let serve = async {
        gateway.happens_times("heartbeat", 3).await;
        // One is asked for.
        let before = gateway.state.logged().len();
        gateway.frame(json!({"op": 1, "d": null}));
        gateway
            .state
            .until(|inner| inner.play.log.len() > before)
            .await;
        gateway.lock().is_deaf = true;
        gateway.happens("ended").await;
        gateway.lock().is_deaf = false;
        gateway.happens("resumed").await;
        gateway.say("end");
    };
    let ((), all) = tokio::join!(serve, until(&mut chat, "end"));
    let why = "!Discord does not answer our heartbeat; trying again";
    assert!(all.contains(&why.to_owned()), "{all:?}");
    let log = gateway.state.logged();
    assert!(!log.iter().any(|it| it.starts_with("bad")), "{log:?}");
}

#[tokio::test]
async fn a_post_is_edited_and_said_once_though_its_answer_is_lost() {
    let gateway = Gateway::start().await;
    let mut chat = connect(gateway.bot()).events();
    let handle = chat.handle().clone();
    let path = "channels/31/messages";
    gateway.instead(path, None);
    let limited =
        json!({"message": "You are being rate limited.", "retry_after": 0.01, "global": true});
    gateway.instead(
        path,
        Some(Answer::of(429, limited).header("Retry-After: 1000")),
    );
    let script = async {
        // Names are known once the servers are.
        gateway.happens("identified").await;
        let posted = handle.deliver(Post::alert("31", "1 error")).await.unwrap();
        assert_eq!(
            (posted.room(), posted.ids()),
            ("31", &["m1".to_owned()][..])
        );
        handle.edit(&posted, "2 errors").await.unwrap();
        let under = Post::new("#ops", "which").under(&posted);
        handle.deliver(under).await.unwrap();
        for (room, why) in [
            (
                "#none",
                "cannot send: there is no such room, or the bot cannot see it",
            ),
            ("77", "cannot send: Discord says Unknown Channel"),
        ] {
            let denied = handle.deliver(Post::new(room, "x")).await.unwrap_err();
            assert_eq!(
                (denied.is_denied(), denied.to_string().as_str()),
                (true, why)
            );
        }
        let long = handle
            .deliver(Post::new("dev", "x".repeat(2001)))
            .await
            .unwrap();
        assert_eq!(long.ids().len(), 2);
    };
    while_it_goes_on(&mut chat, script).await;
    let said = gateway.lock().said.clone();
    let texts: Vec<_> = said
        .iter()
        .map(|said| said["content"].as_str().unwrap().len())
        .collect();
    assert_eq!(texts, [7, 8, 5, 2000, 1]);
    assert_eq!(said[1]["edits"], "m1");
    assert_eq!(said[2]["message_reference"]["message_id"], "m1");
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why_and_no_secret() {
    let gateway = Gateway::start().await;
    let name = format!("\"Discord at {}\"", gateway.api);
    let bot = gateway.bot_of("hunter2-wrong");
    let mut shown = format!("{bot:?}");
    let mut chat: Chat = connect(bot);
    let error = chat.next().await.unwrap().unwrap_err();
    assert!(error.is_refused());
    assert_eq!(
        error.to_string(),
        format!("cannot connect to {name}: gateway/bot: Discord does not know the token (401)")
    );
    shown += &format!("{chat:?} {error:?}");
    // A token that is wrong, or an intent that is not allowed, as the gateway says it.
    for code in [4004, 4014] {
        gateway.lock().refusal = Some(code);
        let mut chat = connect(gateway.bot());
        let error = chat.next().await.unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot read {name}: the server closed the connection with code {code} (bye)")
        );
    }
    let mut chat = connect(gateway.bot_of("a\nb"));
    let error = chat.next().await.unwrap().unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("the token cannot stand in a header")
    );
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn failures_are_tried_again_and_no_session_is_begun_that_would_be_too_many() {
    let gateway = Gateway::start().await;
    gateway.instead("gateway/bot", Some(Answer::of(502, json!("x"))));
    let spent =
        json!({"url": "wss://h/", "session_start_limit": {"remaining": 0, "reset_after": 1}});
    gateway.instead("gateway/bot", Some(Answer::of(200, spent)));
    let mut chat = connect(gateway.bot()).events();
    let serve = async {
        gateway.happens("identified").await;
        gateway.say("end");
    };
    let ((), all) = tokio::join!(serve, until(&mut chat, "end"));
    assert_eq!(
        all,
        [
            "!gateway/bot: the server answers 502: \\\"x\\\"; trying again",
            "!the bot has begun too many sessions today; trying again",
            "ready",
            "#ops Ann: end",
        ]
    );
}

#[tokio::test]
async fn closing_ends_the_session_in_good_order() {
    let gateway = Gateway::start().await;
    let mut chat = connect(gateway.bot()).events();
    let handle = chat.handle().clone();
    let script = async {
        gateway.happens("identified").await;
        handle.say("31", "bye").await.unwrap();
        handle.close();
        gateway.happens("closed with Some(1000)").await;
    };
    tokio::join!(script, async {
        while happens(&mut chat).await.is_some() {}
    });
    assert_eq!(gateway.lock().said[0]["content"], "bye");
}
