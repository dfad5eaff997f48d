//! JSON over WebSocket, against servers of another code base, on loopback.

mod peer;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use birl_chat::json::{Answer, Body, Hello, Pattern, Ping};
use birl_chat::{Chat, Json, Post, connect};
use birl_net::secret::Text;
use birl_source::live::{Overflow, Template};
use futures::{SinkExt, StreamExt};
use peer::{Killed, Server, Socket, happens, message, python_with, until};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

async fn say(socket: &mut Socket, message: Value) {
    let message = Message::text(message.to_string());
    socket.send(message).await.unwrap();
}

/// The next text that comes.
async fn heard(socket: &mut Socket) -> String {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn heard_json(socket: &mut Socket) -> Value {
    serde_json::from_str(&heard(socket).await).unwrap()
}

fn body(text: &str) -> Body {
    Body::parse(text).unwrap()
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

#[tokio::test]
async fn a_message_is_answered_where_it_was_said_and_we_are_not() {
    let server = Server::start().await;
    let mut json = server.json();
    json.only = Some(pattern(r#"{"type":"message"}"#));
    json.text = "data.text".parse().unwrap();
    json.sender = "data.user.name".parse().unwrap();
    json.room = "channel".parse().unwrap();
    json.id = "data.id".parse().unwrap();
    json.time = Some("ts".parse().unwrap());
    json.bot = Some("data.bot".parse().unwrap());
    json.me = Some("birl".to_owned());
    json.reply = body(
        r#"{"n":{number},"channel":"{room}","re":"{id}","text":"@{sender}: {text}","team":"{team}"}"#,
    );
    let mut chat = connect(json).events();
    let said = |id: u64, name: &str, text: &str, bot: Value| {
        json!({"type": "message", "channel": 7, "team": ["t"], "ts": 1773497130.5,
               "data": {"id": id, "user": {"name": name}, "text": text, "bot": bot}})
    };
    let serve = async {
        let mut socket = server.accept().await;
        socket.send(Message::text("no JSON")).await.unwrap();
        say(&mut socket, json!({"type": "message", "data": {}})).await;
        say(&mut socket, json!({"type": "other", "data": {"text": "x"}})).await;
        say(&mut socket, said(1, "birl", "I said that", json!(false))).await;
        say(&mut socket, said(2, "ann", "hi", json!(null))).await;
        say(&mut socket, said(3, "robot", "beep", json!("b1"))).await;
        (heard_json(&mut socket).await, socket)
    };
    let react = async {
        let first = message(&mut chat).await;
        first
            .reply("you said \"hi\", \u{1b}[31m@all")
            .await
            .unwrap();
        let second = message(&mut chat).await;
        (first, second)
    };
    let ((answer, _socket), (first, second)) = tokio::join!(serve, react);
    assert_eq!(
        (&*first.room, &*first.sender, &*first.text),
        ("7", "ann", "hi")
    );
    assert_eq!(first.id.as_deref(), Some("2"));
    assert_eq!(first.time.unwrap().as_millisecond(), 1_773_497_130_500);
    assert_eq!((first.is_bot, second.is_bot), (false, true));
    assert_eq!(
        answer,
        json!({"n": 1, "channel": 7, "re": 2, "team": ["t"],
               "text": "@ann: you said \"hi\", [31m@\u{200b}all"})
    );
}

#[tokio::test]
async fn a_message_is_reacted_to_once_though_each_connection_says_it_again() {
    let server = Server::start().await;
    let mut json = server.json();
    json.url = Template::new(format!("ws://{}/?after={{cursor:start}}", server.address));
    json.options.cursor = Some("seq".parse().unwrap());
    json.hello = vec![Hello::new(body(r#"{"join":"ops","after":"{cursor:0}"}"#))];
    let mut chat = connect(json).events();
    let serve = async {
        let mut hellos = Vec::new();
        for life in 0..4_u64 {
            let mut socket = server.accept().await;
            hellos.push(heard(&mut socket).await);
            // What the last life has said, and one message more.
            for n in life.saturating_sub(1)..=life {
                say(&mut socket, json!({"seq": n, "text": n.to_string()})).await;
            }
            let answer = heard_json(&mut socket).await;
            assert_eq!(answer["text"], json!(format!("got {life}")));
            match life {
                // Without a word.
                0 => drop(socket),
                // Half a frame.
                1 => {
                    let mut stream = socket.into_inner();
                    stream.write_all(&[0x81, 100, b'x']).await.unwrap();
                }
                // As when a machine loses its power.
                2 => socket.into_inner().set_zero_linger().unwrap(),
                _ => say(&mut socket, json!({"text": "end"})).await,
            }
        }
        hellos
    };
    let react = async {
        let mut all = Vec::new();
        loop {
            let message = message(&mut chat).await;
            all.push(message.text.clone());
            if message.text == "end" {
                return all;
            }
            let answer = format!("got {}", message.text);
            message.reply(answer).await.unwrap();
        }
    };
    let (hellos, all) = tokio::join!(serve, react);
    assert_eq!(all, ["0", "1", "2", "3", "end"]);
    assert_eq!(
        hellos,
        ["0", "0", "1", "2"].map(|after| format!(r#"{{"join":"ops","after":"{after}"}}"#))
    );
}

#[tokio::test]
async fn a_gap_is_told_with_where_it_goes_on_and_what_is_posted_meanwhile_is_sent_after() {
    let server = Server::start().await;
    let mut json = server.json();
    json.options.cursor = Some("id".parse().unwrap());
    let mut chat = connect(json).events();
    let handle = chat.handle().clone();
    let serve = async {
        let mut socket = server.accept().await;
        say(&mut socket, json!({"id": "a", "text": "one"})).await;
        let close = CloseFrame {
            code: 1012.into(),
            reason: "back soon".into(),
        };
        socket.close(Some(close)).await.unwrap();
        while socket.next().await.is_some() {}
        handle.say("ops", "meanwhile").await.unwrap();
        let mut socket = server.accept().await;
        let posted = heard_json(&mut socket).await;
        say(&mut socket, json!({"id": "b", "text": "end"})).await;
        (posted, socket)
    };
    let ((posted, _socket), all) = tokio::join!(serve, until(&mut chat, "end"));
    assert_eq!(posted, json!({"room": "ops", "text": "meanwhile"}));
    let reason = "the server closed the connection with code 1012 (back soon)";
    assert_eq!(
        all.iter()
            .filter(|it| !it.starts_with("!connected again"))
            .collect::<Vec<_>>(),
        [
            "ready",
            " : one",
            &format!("!{reason}; trying again"),
            &format!("gap: {reason}, from Some(\"a\")"),
            "ready",
            " : end",
        ]
    );
}

#[tokio::test]
async fn nothing_is_said_before_the_service_has_answered() {
    let server = Server::start().await;
    let mut json = server.json();
    let secret = Text::Literal(birl_net::Secret::new("hunt\"er2"));
    json.secrets.insert("token".to_owned(), secret);
    json.hello = vec![
        Hello {
            expect: Some(pattern(r#"{"ok":true}"#)),
            ..Hello::new(body(r#"{"auth":"{token}"}"#))
        },
        Hello {
            expect: Some(pattern("JOINED")),
            ..Hello::new(body("JOIN ops"))
        },
    ];
    let mut chat = connect(json).events();
    let handle = chat.handle().clone();
    handle.say("ops", "at last").await.unwrap();
    let serve = async {
        for _ in 0..2 {
            let mut socket = server.accept().await;
            assert_eq!(heard(&mut socket).await, r#"{"auth":"hunt\"er2"}"#);
            say(&mut socket, json!({"ok": false})).await;
            say(&mut socket, json!({"ok": true})).await;
            assert_eq!(heard(&mut socket).await, "JOIN ops");
            drop(socket);
        }
        let mut socket = server.accept().await;
        heard(&mut socket).await;
        say(&mut socket, json!({"ok": true})).await;
        heard(&mut socket).await;
        socket.send(Message::text("JOINED ops")).await.unwrap();
        let posted = heard_json(&mut socket).await;
        say(&mut socket, json!({"text": "end"})).await;
        (posted, socket)
    };
    let ((posted, _socket), all) = tokio::join!(serve, until(&mut chat, "end"));
    assert_eq!(posted["text"], "at last");
    assert_eq!(all.iter().filter(|it| *it == "ready").count(), 1, "{all:?}");
}

#[tokio::test]
async fn who_does_not_answer_as_expected_is_given_up_with_what_it_said() {
    let server = Server::start().await;
    let mut json = server.json();
    json.hello = vec![Hello {
        expect: Some(pattern(r#"{"ok":true}"#)),
        timeout: Duration::from_millis(50),
        ..Hello::new(body("HELLO"))
    }];
    let mut chat = connect(json).events();
    let serve = async {
        let mut socket = server.accept().await;
        say(&mut socket, json!({"error": "bad token"})).await;
        while socket.next().await.is_some_and(|it| it.is_ok()) {}
    };
    let ((), told) = tokio::join!(serve, happens(&mut chat));
    assert_eq!(
        told.unwrap(),
        "!no answer as expected within 0.05 s; the last that came: {\\\"error\\\":\\\"bad token\\\"}; \
         trying again"
    );
}

#[tokio::test]
async fn pings_of_the_application_are_sent_and_answered() {
    let server = Server::start().await;
    let mut json = server.json();
    json.ping = Some(Ping {
        body: body(r#"{"op":"ping","id":{number}}"#),
        every: Duration::from_millis(20),
    });
    json.answers = vec![Answer {
        to: pattern(r#"{"op":"ping"}"#),
        with: body(r#"{"op":"pong","ts":"{ts}"}"#),
    }];
    let mut chat = connect(json).events();
    let serve = async {
        let mut socket = server.accept().await;
        let pings = [heard_json(&mut socket).await, heard_json(&mut socket).await];
        say(&mut socket, json!({"op": "ping", "ts": 12.5})).await;
        loop {
            let answer = heard_json(&mut socket).await;
            if answer["op"] == "pong" {
                say(&mut socket, json!({"text": "end"})).await;
                return (pings, answer, socket);
            }
        }
    };
    let ((pings, answer, _socket), _) = tokio::join!(serve, until(&mut chat, "end"));
    assert_eq!(pings, [1, 2].map(|id| json!({"op": "ping", "id": id})));
    assert_eq!(answer, json!({"op": "pong", "ts": 12.5}));
}

#[tokio::test]
async fn who_refuses_us_for_good_ends_the_chat_with_an_error() {
    for (answer, reason) in [
        (
            "HTTP/1.1 401 Unauthorized\r\n\r\n",
            "the server answers 401 Unauthorized",
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: ftp://h/\r\n\r\n",
            "it redirects to \"ftp://h/\": that is less safe, or something else",
        ),
    ] {
        let server = Server::start().await;
        let json = server.json();
        let name = format!("ws://{}/chat", server.address);
        let mut chat: Chat = connect(json);
        let handle = chat.handle().clone();
        let (_, told) = tokio::join!(server.answer(answer), chat.next());
        let error = told.unwrap().unwrap_err();
        assert!(error.is_refused());
        assert_eq!(
            error.to_string(),
            format!("cannot connect to {name:?}: {reason}")
        );
        assert!(chat.next().await.is_none());
        assert!(handle.say("r", "x").await.unwrap_err().is_over());
    }
}

#[tokio::test]
async fn refusals_for_now_are_tried_again() {
    let server = Server::start().await;
    let mut chat = connect(server.json()).events();
    let serve = async {
        server
            .answer("HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\n\r\n")
            .await;
        server
            .answer("HTTP/1.1 429 Too Many Requests\r\n\r\n")
            .await;
        // Not even an answer.
        drop(server.accept_raw().await);
        let mut socket = server.accept().await;
        say(&mut socket, json!({"text": "end"})).await;
        socket
    };
    let (_socket, all) = tokio::join!(serve, until(&mut chat, "end"));
    assert_eq!(
        all[..2],
        [
            "!the server answers 503 Service Unavailable; trying again",
            "!the server answers 429 Too Many Requests; trying again"
        ]
    );
}

#[tokio::test]
async fn codes_of_policy_end_a_chat_that_never_worked_and_others_do_not() {
    for (code, is_final) in [
        (1000, false),
        (1001, false),
        (1011, false),
        (1012, false),
        (1013, false),
        (4000, false),
        (1008, true),
        (4004, true),
        (4014, true),
    ] {
        let server = Server::start().await;
        let mut chat = connect(server.json()).events();
        let serve = async {
            let mut socket = server.accept().await;
            let close = CloseFrame {
                code: code.into(),
                reason: "".into(),
            };
            socket.close(Some(close)).await.unwrap();
            while socket.next().await.is_some() {}
        };
        let read = async {
            loop {
                let told = happens(&mut chat).await.unwrap();
                if told.starts_with('!') {
                    return told;
                }
            }
        };
        let ((), told) = tokio::join!(serve, read);
        assert_eq!(told.starts_with("!!"), is_final, "{told}");
        assert!(told.contains(&format!("code {code}")), "{told}");
    }
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_the_connection_and_not_the_chat() {
    let frames: [(&[u8], u16, &str); 2] = [
        (b"\x81\x01\xff", 1007, "a message of text is not UTF-8"),
        (b"\x83\x00", 1002, "a frame has an unknown opcode"),
    ];
    for (frame, code, reason) in frames {
        let server = Server::start().await;
        let mut chat = connect(server.json()).events();
        let serve = async {
            let mut socket = server.accept().await;
            socket.get_mut().write_all(frame).await.unwrap();
            let close = socket.next().await.unwrap().unwrap();
            assert!(matches!(close, Message::Close(Some(close)) if u16::from(close.code) == code));
            let mut socket = server.accept().await;
            say(&mut socket, json!({"text": "end"})).await;
            socket
        };
        let (_socket, all) = tokio::join!(serve, until(&mut chat, "end"));
        assert!(all.contains(&format!("!{reason}; trying again")), "{all:?}");
    }
}

#[tokio::test]
async fn what_is_too_long_does_not_hold_up_a_service_that_says_it_again_from_a_cursor_on() {
    let server = Server::start().await;
    let mut json = server.json();
    json.options.message_bytes_max = 1000;
    json.options.cursor = Some("seq".parse().unwrap());
    json.hello = vec![Hello::new(body(r#"{"after":"{cursor:0}"}"#))];
    let mut chat = connect(json).events();
    let texts = ["one", &"x".repeat(2000), "three", "end"];
    let serve = async {
        let mut begun_behind = Vec::new();
        // Each connection is told what is behind its cursor, up to one message more.
        for last in [2, 3, 4] {
            let mut socket = server.accept().await;
            let after = heard_json(&mut socket).await["after"].clone();
            let after: usize = after.as_str().unwrap().parse().unwrap();
            begun_behind.push(after);
            for seq in after + 1..=last {
                say(&mut socket, json!({"seq": seq, "text": texts[seq - 1]})).await;
            }
            socket.close(None).await.unwrap();
        }
        begun_behind
    };
    let (begun_behind, all) = tokio::join!(serve, until(&mut chat, "end"));
    // What is too long is told again only while nothing is behind it.
    assert_eq!(begun_behind, [0, 1, 3]);
    let left_out = "!a message is longer than 1000 bytes, and left out".to_owned();
    assert!(all.contains(&left_out), "{all:?}");
    let said = all.iter().filter_map(|it| it.strip_prefix(" : "));
    let said: Vec<_> = said.collect();
    assert_eq!(said, ["one", "three", "end"]);
}

#[tokio::test]
async fn a_flood_of_pings_is_answered_and_does_not_stop_messages() {
    let server = Server::start().await;
    let mut chat = connect(server.json()).events();
    let serve = async {
        let mut socket = server.accept().await;
        for _ in 0..20_000 {
            socket.feed(Message::Ping("?".into())).await.unwrap();
        }
        say(&mut socket, json!({"text": "end"})).await;
        let pong = socket.next().await.unwrap().unwrap();
        assert_eq!(pong, Message::Pong("?".into()));
        socket
    };
    tokio::join!(serve, until(&mut chat, "end"));
}

#[tokio::test]
async fn a_silent_server_is_asked_and_then_given_up() {
    let server = Server::start().await;
    let mut json = server.json();
    json.options.ping_after = Duration::from_millis(20);
    json.options.pong_timeout = Duration::from_millis(50);
    let mut chat = connect(json).events();
    let serve = async {
        // Half open: it says nothing, whatever it is asked.
        let mut silent = server.accept().await;
        let mut socket = server.accept().await;
        let mut asked = Vec::new();
        while let Some(Ok(message)) = silent.next().await {
            asked.push(message);
        }
        assert!(
            matches!(&asked[..], [Message::Ping(_), Message::Close(Some(_))]),
            "{asked:?}"
        );
        say(&mut socket, json!({"text": "end"})).await;
        socket
    };
    let (_socket, all) = tokio::join!(serve, until(&mut chat, "end"));
    let reason = "!the server said nothing for 0.07 s; trying again";
    assert!(all.iter().any(|it| it == reason), "{all:?}");
}

#[tokio::test]
async fn a_flood_waits_for_a_slow_listener_or_is_dropped_and_told() {
    for overflow in [Overflow::Wait, Overflow::DropOldest] {
        let server = Server::start().await;
        let mut json = server.json();
        json.options.overflow = overflow;
        json.options.queue_bytes_max = 10_000;
        let mut chat = connect(json).events();
        let serve = async {
            let mut socket = server.accept().await;
            for n in 0..5000 {
                let message = json!({"id": n, "text": n.to_string()}).to_string();
                socket.feed(Message::text(message)).await.unwrap();
            }
            say(&mut socket, json!({"text": "end"})).await;
            socket
        };
        let (_socket, all) = tokio::join!(serve, until(&mut chat, "end"));
        let dropped = all.iter().filter_map(|it| it.strip_prefix("dropped "));
        let dropped: u64 = dropped.map(|count| count.parse::<u64>().unwrap()).sum();
        let came = all.iter().filter(|it| it.starts_with(" : ")).count() as u64 - 1;
        assert_eq!(came + dropped, 5000);
        assert_eq!(dropped > 0, overflow == Overflow::DropOldest, "{dropped}");
    }
}

#[tokio::test]
async fn closing_sends_what_waits_and_says_goodbye() {
    let server = Server::start().await;
    let mut chat = connect(server.json()).events();
    let handle = chat.handle().clone();
    let serve = async {
        let mut socket = server.accept().await;
        say(&mut socket, json!({"text": "bye"})).await;
        let mut texts = Vec::new();
        loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Text(text) => texts.push(text.to_string()),
                Message::Close(Some(close)) => break assert_eq!(u16::from(close.code), 1000),
                other => panic!("{other:?}"),
            }
        }
        // The answer is sent as the stream is read to its end.
        while socket.next().await.is_some() {}
        texts
    };
    let listen = async {
        let bye = message(&mut chat).await;
        for n in 0..3 {
            bye.reply(n.to_string()).await.unwrap();
        }
        handle.close();
        assert!(bye.reply("late").await.unwrap_err().is_over());
        while chat.next().await.is_some() {}
    };
    let (texts, ()) = tokio::join!(serve, listen);
    let expected = [0, 1, 2].map(|n| json!({"room": null, "text": n.to_string()}));
    let texts = texts
        .iter()
        .map(|it| serde_json::from_str::<Value>(it).unwrap());
    assert!(texts.eq(expected.map(|mut it| {
        it["room"] = json!("");
        it
    })));
}

#[tokio::test]
async fn a_long_answer_is_said_in_pieces_and_alerts_after_it() {
    let server = Server::start().await;
    let mut json = server.json();
    json.text_bytes_max = 12;
    let chat = connect(json).events();
    let handle = chat.handle().clone();
    handle.try_send(Post::alert("ops", "alert")).unwrap();
    handle
        .say("ops", "one two three\nfour\r\n\u{7}")
        .await
        .unwrap();
    let serve = async {
        let mut socket = server.accept().await;
        let mut texts = Vec::new();
        for _ in 0..3 {
            texts.push(heard_json(&mut socket).await["text"].clone());
        }
        texts
    };
    let mut chat = chat;
    let texts = tokio::select! {
        texts = serve => texts,
        () = async { while happens(&mut chat).await.is_some() {} } => unreachable!("it goes on"),
    };
    assert_eq!(texts, ["one two", "three\nfour", "alert"]);
}

#[tokio::test]
async fn a_delivery_ends_when_the_service_has_read_it() {
    let server = Server::start().await;
    let mut chat = connect(server.json()).events();
    let handle = chat.handle().clone();
    let serve = async {
        let mut socket = server.accept().await;
        let mut got = Vec::new();
        // The ping behind each is answered as it is read.
        for _ in 0..2 {
            got.push(heard_json(&mut socket).await["text"].clone());
            assert!(matches!(socket.next().await, Some(Ok(Message::Ping(_)))));
            socket.flush().await.unwrap();
        }
        // The third is read, and what follows it is not.
        got.push(heard_json(&mut socket).await["text"].clone());
        drop(socket);
        got
    };
    let deliver = async {
        let mut results = Vec::new();
        for n in 0..3 {
            results.push(handle.deliver(Post::alert("ops", n.to_string())).await);
        }
        results
    };
    let (got, results) = tokio::select! {
        both = async { tokio::join!(serve, deliver) } => both,
        () = async { while happens(&mut chat).await.is_some() {} } => unreachable!("it goes on"),
    };
    assert_eq!(got, ["0", "1", "2"]);
    for taken in &results[..2] {
        let posted = taken.as_ref().unwrap();
        // What the service calls it is not known.
        assert_eq!((posted.room(), posted.ids().len()), ("ops", 0));
        let edited = handle.edit(posted, "other").await;
        assert!(edited.unwrap_err().is_unsupported());
    }
    assert!(results[2].as_ref().unwrap_err().is_lost(), "{results:?}");
    // Whoever waits when the chat ends is told so.
    let waits = handle.deliver(Post::alert("ops", "x"));
    drop(chat);
    assert!(waits.await.unwrap_err().is_over());
}

#[tokio::test]
async fn secrets_are_sent_and_never_shown() {
    let server = Server::start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, "hunter2 &\n").unwrap();
    let mut json = server.json();
    json.url = Template::new(format!("ws://{}/?key={{token}}", server.address));
    json.secrets.insert("token".to_owned(), Text::File(file));
    json.secrets
        .insert("other".to_owned(), Text::Variable("OTHER".to_owned()));
    json.variable = |name| (name == "OTHER").then(|| "hunter3".to_owned());
    json.hello = vec![Hello::new(body("AUTH {other}"))];
    let before = format!("{json:?}");
    let mut chat = connect(json).events();
    let serve = async {
        let head = server.answer("HTTP/1.1 500 Oh\r\n\r\n").await;
        assert!(
            head.starts_with("GET /?key=hunter2%20%26 HTTP/1.1\r\n"),
            "{head}"
        );
        let mut socket = server.accept().await;
        let hello = heard(&mut socket).await;
        assert_eq!(hello, "AUTH hunter3");
        let close = CloseFrame {
            code: 1008.into(),
            reason: "go away".into(),
        };
        socket.close(Some(close)).await.unwrap();
        while socket.next().await.is_some() {}
    };
    let read = async {
        let mut all = vec![before, format!("{chat:?}")];
        while let Some(told) = happens(&mut chat).await {
            all.push(told);
        }
        all
    };
    let ((), all) = tokio::join!(serve, read);
    assert!(!all.iter().any(|it| it.contains("hunter")), "{all:?}");
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_named_and_nothing_is_connected() {
    let mut json = Json::new("ws://127.0.0.1:1/").unwrap();
    json.secrets
        .insert("token".to_owned(), Text::Variable("NOT_SET".to_owned()));
    json.variable = |_| None;
    let told = happens(&mut connect(json).events()).await.unwrap();
    assert_eq!(
        told,
        "!!cannot connect to \"ws://127.0.0.1:1/\": no token: the variable NOT_SET is not set"
    );
}

/// The room of another code base: compressed, with pings of its own, cutting each connection after some
/// messages. Everybody who asks is answered once.
#[tokio::test]
#[expect(clippy::print_stderr, reason = "it says why it is skipped")]
async fn a_room_of_another_code_base_is_served_over_lost_connections() {
    let Some(python) = python_with("websockets.asyncio.server") else {
        eprintln!("skipped: no Python with websockets; BIRL_PYTHON names one");
        return;
    };
    let server = Command::new(python)
        .args(["-c", include_str!("room.py")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut server = Killed(server);
    let mut told = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let port = told.next().unwrap().unwrap();
    let mut json = Json::new(&format!("ws://127.0.0.1:{port}/")).unwrap();
    peer::at_once(&mut json.options);
    json.options.cursor = Some("seq".parse().unwrap());
    json.hello = vec![Hello {
        expect: Some(pattern(r#"{"type":"welcome"}"#)),
        ..Hello::new(body(r#"{"type":"join","after":"{cursor:0}"}"#))
    }];
    json.reply = body(r#"{"type":"say","room":"{room}","re":"{id}","text":"{text}"}"#);
    let mut chat = connect(json).events();
    loop {
        let message = message(&mut chat).await;
        if message.text == "end" {
            break;
        }
        message
            .reply(format!("echo {}", message.text))
            .await
            .unwrap();
        if message.text == "last" {
            // All answers have to come before the end does.
            chat.handle().say("ops", "done").await.unwrap();
        }
    }
    let result = told.next().unwrap().unwrap();
    assert_eq!(result, "200 answered, 0 twice, 0 wrong");
}
