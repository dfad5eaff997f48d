//! Slack, in a workspace of our own, which the official client takes for one.

mod peer;
mod workspace;

use std::process::{Command, Stdio};

use birl_chat::{Chat, Event, Events, File, Post, connect};
use futures::StreamExt;
use peer::http::Answer;
use peer::stage::while_it_goes_on;
use peer::{Killed, happens, message, python_with, until};
use serde_json::{Value, json};
use workspace::{APP_TOKEN, BOT_TOKEN, Workspace, said};

/// What our workspace has to be, before anything is shown by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "it says why it is skipped")]
async fn the_official_client_takes_the_workspace_for_slack() {
    let Some(python) = python_with("slack_sdk.socket_mode") else {
        eprintln!("skipped: no Python with slack_sdk; BIRL_PYTHON names one");
        return;
    };
    let workspace = Workspace::start().await;
    let client = Command::new(python)
        .args(["-c", include_str!("slack_client.py")])
        .args([&workspace.api, APP_TOKEN, BOT_TOKEN])
        .env("NO_PROXY", "127.0.0.1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut client = Killed(client);
    workspace.happens("connected 0").await;
    workspace.event(0, said("1773497130.000001", "one"));
    workspace.posts(2).await;
    workspace.disconnect(0, "refresh_requested");
    workspace.happens("connected 1").await;
    workspace.event(1, said("1773497130.000002", "two"));
    let posts = workspace.posts(4).await;
    workspace.event(1, said("1773497130.000003", "end"));
    workspace.happens("acked Ev2 on 1").await;
    let output = tokio::task::spawn_blocking(move || {
        let stdout = client.0.stdout.take().unwrap();
        let told = std::io::read_to_string(stdout).unwrap();
        (told, client.0.wait().unwrap())
    });
    let (told, status) = output.await.unwrap();
    assert!(status.success());
    assert_eq!(
        told,
        "UBOT ann.smith\nops\nchannel_not_found\ninvalid_auth\n"
    );
    let texts = posts.iter().map(|post| post["text"].clone());
    assert!(texts.eq(["echo one", "edited", "echo two", "edited"]));
    let log = workspace.log();
    assert!(!log.iter().any(|it| it.starts_with("bad")), "{log:?}");
}

fn chart() -> File {
    File {
        name: "chart.png".to_owned(),
        mime: "image/png",
        bytes: b"\x89PNG not really"[..].into(),
        alt: "errors & more".to_owned(),
    }
}

#[tokio::test]
async fn a_file_follows_on_its_text_which_is_no_more_than_text() {
    let workspace = Workspace::start().await;
    let mut chat = connect(workspace.slack()).events();
    let error = |error: &str| Answer::of(200, json!({"ok": false, "error": error}));
    // One is to be tried again, and others never will be taken.
    let busy = Answer::of(503, json!({}));
    workspace.instead("files.getUploadURLExternal", busy);
    let react = async {
        workspace.happens("connected 0").await;
        workspace.event(0, said("1773497130.000001", "chart?"));
        workspace.posts(2).await;
        let first = error("missing_scope");
        workspace.instead("files.getUploadURLExternal", first);
        workspace.event(0, said("1773497130.000002", "and?"));
        workspace.posts(3).await;
        let last = error("posting_to_channel_denied");
        workspace.instead("files.completeUploadExternal", last);
        workspace.event(0, said("1773497130.000003", "and?"));
        workspace.event(0, said("1773497130.000004", "and?"));
        workspace.posts(6).await
    };
    let serve = async {
        for _ in 0..4 {
            let asked = message(&mut chat).await;
            let post = asked.answer("a <b> @all http://h/").with_file(chart());
            asked.handle().send(post).await.unwrap();
        }
        // What is still to be said is said.
        while_it_goes_on(&mut chat, std::future::pending::<()>()).await;
    };
    let posts = tokio::select! {
        posts = react => posts,
        () = serve => panic!("it goes on"),
    };
    let text = |ts: &str| {
        json!({
            "channel": "C1", "text": "a &lt;b&gt; @all http://h/", "thread_ts": ts, "parse": "none",
            "link_names": false, "unfurl_links": false, "unfurl_media": false,
        })
    };
    let file = |ts: &str, id: &str| {
        json!({
            "channel_id": "C1", "thread_ts": ts, "files": [{"id": id, "title": "chart.png"}],
        })
    };
    let expected = [
        text("1773497130.000001"),
        file("1773497130.000001", "F0"),
        text("1773497130.000002"),
        text("1773497130.000003"),
        text("1773497130.000004"),
        file("1773497130.000004", "F2"),
    ];
    assert_eq!(posts, expected);
    assert_eq!(workspace.file("F0"), &chart().bytes[..]);
}

#[tokio::test]
async fn a_file_that_fails_for_now_is_put_again_and_then_left_out() {
    let workspace = Workspace::start().await;
    let mut chat = connect(workspace.slack()).events();
    let handle = chat.handle().clone();
    // Twice it fails in a passing way: what was asked before that is not asked again.
    workspace.instead("upload", Answer::of(500, json!("no")));
    workspace.abort("upload");
    let posts = while_it_goes_on(&mut chat, async {
        let post = Post::new("C1", "one").with_file(chart());
        handle.deliver(post).await.unwrap();
        workspace.posts(2).await
    });
    let posts = posts.await;
    assert_eq!(posts[1]["files"][0]["id"], "F0");
    let asked = |log: &[String]| log.iter().filter(|it| it.contains("a file goes")).count();
    assert_eq!(asked(&workspace.log()), 1);
    // However long it fails so: the text is said, and what follows on it.
    for _ in 0..6 {
        workspace.instead("upload", Answer::of(500, json!("no")));
    }
    let mut told = Vec::new();
    let said = async {
        let post = Post::new("C1", "two").with_file(chart());
        let posted = handle.deliver(post).await.unwrap();
        assert_eq!(posted.ids().len(), 1, "the text has a name");
        handle.deliver(Post::new("C1", "three")).await.unwrap();
    };
    tokio::select! {
        () = said => {}
        () = async {
            while let Some(event) = chat.next().await {
                if let Event::Notice(notice) = event {
                    told.push(notice);
                }
            }
        } => panic!("the chat has ended"),
    }
    let texts: Vec<_> = workspace.posts(4).await[2..]
        .iter()
        .map(|post| post["text"].clone())
        .collect();
    assert_eq!(texts, ["two", "three"]);
    let why = "not known to be sent: the server answers 500: \\\"no\\\"";
    assert_eq!(told, [format!("in \"C1\", said without its file: {why}")]);
}

#[tokio::test]
async fn a_message_is_acknowledged_and_answered_in_its_thread() {
    let workspace = Workspace::start().await;
    let mut chat = connect(workspace.slack()).events();
    let serve = async {
        workspace.happens("connected 0").await;
        let text = "is &lt;b&gt; up, <@UBOT>? see <http://h.example|h.example>";
        workspace.event(0, said("1773497130.000001", text));
        // The acknowledgement does not wait for the answer.
        workspace.happens("acked Ev0 on 0").await;
        workspace.posts(2).await
    };
    let react = async {
        let first = message(&mut chat).await;
        first
            .reply("*yes*: 1 < 2 & <!channel>\n\u{1b}[1m<@U1> @here")
            .await
            .unwrap();
        let handle = first.handle().clone();
        let told = handle.deliver(Post::new("#dev", "elsewhere"));
        let told = while_it_goes_on(&mut chat, told).await;
        (first, told.unwrap())
    };
    let (posts, (first, told)) = tokio::join!(serve, react);
    assert_eq!(
        (&*first.room, &*first.sender, first.account.as_deref()),
        ("#ops", "ann", Some("U1"))
    );
    assert_eq!(first.text, "is <b> up, @birl? see h.example");
    assert_eq!(first.id.as_deref(), Some("C1/1773497130.000001"));
    assert_eq!(first.time.unwrap().as_microsecond(), 1_773_497_130_000_001);
    assert!(!first.is_bot && !first.is_private);
    let common = |channel: &str, text: &str| {
        json!({"channel": channel, "text": text, "parse": "none", "link_names": false,
               "unfurl_links": false, "unfurl_media": false})
    };
    let text = "*yes*: 1 &lt; 2 &amp; &lt;!channel&gt;\n[1m&lt;@U1&gt; @here";
    let mut reply = common("C1", text);
    reply["thread_ts"] = json!("1773497130.000001");
    // Rooms do not wait for each other.
    let in_dev = posts.iter().position(|post| post["channel"] == "#dev");
    let mut expected = vec![reply];
    expected.insert(in_dev.unwrap(), common("#dev", "elsewhere"));
    assert_eq!(posts, expected);
    assert_eq!((told.room(), told.ids().len()), ("C2", 1));
}

/// What happens in a chat until its workspace has been made to go through something.
async fn through(events: &mut Events, script: impl Future<Output = ()>) -> Vec<String> {
    let mut all = Vec::new();
    let mut script = std::pin::pin!(script);
    loop {
        tokio::select! {
            biased;
            told = happens(events) => all.extend(Some(told.expect("the chat goes on"))),
            () = &mut script => return all,
        }
    }
}

fn wrong(log: &[String]) -> bool {
    log.iter().any(|it| it.starts_with("bad"))
}

#[tokio::test]
async fn what_comes_again_is_acknowledged_again_and_given_once() {
    let workspace = Workspace::start().await;
    let mut chat = connect(workspace.slack()).events();
    let mention = |ts| {
        let mut mention = said(ts, "<@UBOT> hi");
        mention["type"] = json!("app_mention");
        mention.as_object_mut().unwrap().remove("channel_type");
        mention
    };
    let script = async {
        workspace.happens("connected 0").await;
        workspace.event(0, said("1773497130.000001", "<@UBOT> hi"));
        // It is two events that somebody calls us.
        workspace.event(0, mention("1773497130.000001"));
        // What was acknowledged, as far as we know, and sent again.
        workspace.event(0, said("1773497130.000001", "<@UBOT> hi"));
        workspace.event(0, said("1773497130.000002", "end"));
    };
    let ((), all) = tokio::join!(script, until(&mut chat, "end"));
    assert_eq!(all, ["ready", "#ops ann: @birl hi", "#ops ann: end"]);
    let acks = (0..4).map(|n| format!("acked Ev{n} on 0"));
    workspace.happens("acked Ev3 on 0").await;
    let log = workspace.log();
    let acked = log.iter().filter(|it| it.starts_with("acked"));
    assert!(acked.eq(acks.collect::<Vec<_>>().iter()), "{log:?}");
}

#[tokio::test]
async fn a_new_connection_is_there_before_the_old_one_ends_and_both_are_read() {
    for reason in ["warning", "refresh_requested"] {
        let workspace = Workspace::start().await;
        let mut chat = connect(workspace.slack()).events();
        let script = async {
            workspace.happens("connected 0").await;
            workspace.event(0, said("1773497130.000001", "one"));
            workspace.disconnect(0, reason);
            // It is said twice, and one connection is made.
            workspace.disconnect(0, "refresh_requested");
            workspace.happens("connected 1").await;
            // Over the old one, which is acknowledged there, and the new one.
            workspace.event(0, said("1773497130.000002", "two"));
            workspace.happens("acked Ev1 on 0").await;
            workspace.event(1, said("1773497130.000003", "three"));
            workspace.happens("acked Ev2 on 1").await;
            workspace.close(0);
            workspace.happens("ended 0").await;
            workspace.event(1, said("1773497130.000004", "end"));
        };
        let ((), all) = tokio::join!(script, until(&mut chat, "end"));
        let said = ["one", "two", "three", "end"].map(|text| format!("#ops ann: {text}"));
        // Nobody is told of it: there is no gap.
        assert_eq!(all[0], "ready");
        assert_eq!(all[1..], said);
        let log = workspace.log();
        assert!(!wrong(&log), "{log:?}");
        let connections = log.iter().filter(|it| it.starts_with("connected"));
        assert_eq!(connections.count(), 2, "{log:?}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_before_its_place_is_taken_is_no_gap() {
    let workspace = Workspace::start().await;
    let mut chat = connect(workspace.slack()).events();
    let script = async {
        workspace.happens("connected 0").await;
        workspace.disconnect(0, "warning");
        workspace.close(0);
        workspace.happens("connected 1").await;
        workspace.event(1, said("1773497130.000001", "end"));
    };
    let ((), all) = tokio::join!(script, until(&mut chat, "end"));
    assert_eq!(all, ["ready", "#ops ann: end"]);
}

#[tokio::test]
async fn where_a_new_connection_fails_another_is_tried_while_the_old_one_is_read() {
    let workspace = Workspace::start().await;
    let mut chat = connect(workspace.slack()).events();
    let script = async {
        workspace.happens("connected 0").await;
        workspace.abort("apps.connections.open");
        workspace.disconnect(0, "warning");
        workspace.happens("aborted apps.connections.open").await;
        workspace.event(0, said("1773497130.000001", "one"));
        workspace.happens("connected 1").await;
        workspace.event(1, said("1773497130.000002", "end"));
    };
    let ((), all) = tokio::join!(script, until(&mut chat, "end"));
    assert_eq!(all[0], "ready");
    assert!(all[1..].contains(&"#ops ann: one".to_owned()), "{all:?}");
    assert!(
        all.iter()
            .any(|it| it.starts_with("!cannot connect anew: ")),
        "{all:?}"
    );
}

#[tokio::test]
async fn a_connection_that_is_killed_is_made_again_and_what_was_not_acknowledged_comes_again() {
    let workspace = Workspace::start().await;
    let mut chat = connect(workspace.slack()).events();
    let script = async {
        workspace.happens("connected 0").await;
        workspace.event(0, said("1773497130.000001", "one"));
        workspace.happens("acked Ev0 on 0").await;
        workspace.kill(0);
        workspace.event(0, said("1773497130.000002", "two"));
        workspace.happens("connected 1").await;
        workspace.event(1, said("1773497130.000003", "end"));
    };
    let ((), all) = tokio::join!(script, until(&mut chat, "end"));
    let said: Vec<_> = all.iter().filter(|it| it.starts_with('#')).collect();
    assert_eq!(said, ["#ops ann: one", "#ops ann: two", "#ops ann: end"]);
    assert!(all.iter().any(|it| it.starts_with("gap: ")), "{all:?}");
}

#[tokio::test]
async fn what_is_no_message_of_a_person_is_told_apart_or_left_out() {
    let workspace = Workspace::start().await;
    let mut slack = workspace.slack();
    slack.rooms = vec!["#ops".to_owned()];
    let mut chat = connect(slack).events();
    let event = |n: u32, fields: Value| {
        let mut event = said(&format!("1773497130.{n:06}"), &n.to_string());
        for (name, value) in fields.as_object().unwrap() {
            event[name] = value.clone();
        }
        event
    };
    let serve = async {
        workspace.happens("connected 0").await;
        let events = [
            json!({"user": "UBOT"}),
            json!({"user": null, "bot_id": "BBOT"}),
            json!({"subtype": "message_changed", "hidden": true}),
            json!({"subtype": "message_deleted"}),
            json!({"subtype": "channel_join"}),
            // A room that we are in, and do not listen in.
            json!({"channel": "C2"}),
            json!({"type": "reaction_added"}),
            // Those that are told apart.
            json!({"bot_id": "B1", "user": null, "subtype": "bot_message", "username": "ci"}),
            json!({"bot_id": "B1", "user": "U2", "bot_profile": {"name": "x"}}),
            json!({"channel": "D1", "channel_type": "im", "user": "U1"}),
            json!({"subtype": "me_message"}),
            json!({"subtype": "file_share", "user": "U404"}),
            json!({"thread_ts": "1773497000.000001"}),
        ];
        for (n, fields) in (0..).zip(events) {
            workspace.event(0, event(n, fields));
        }
        workspace.say_raw(0, "no JSON");
        workspace.say(0, json!({"type": "unknown", "envelope_id": "x"}));
        workspace.event(0, event(99, json!({"text": "end"})));
    };
    let listen = async {
        let mut all = Vec::new();
        loop {
            match chat.next().await.unwrap() {
                Event::Message(message) => {
                    all.push(format!(
                        "{} {}: {}, {:?}{}{}{}",
                        message.room,
                        message.sender,
                        message.text,
                        message.kind,
                        if message.is_bot { ", bot" } else { "" },
                        if message.is_private { ", private" } else { "" },
                        message
                            .thread
                            .map(|it| format!(", {it}"))
                            .unwrap_or_default(),
                    ));
                    if message.text == "end" {
                        return all;
                    }
                }
                Event::Notice(notice) => all.push(notice),
                _ => {}
            }
        }
    };
    let ((), mut all) = tokio::join!(serve, listen);
    // Rooms do not wait for each other.
    all.sort();
    assert_eq!(
        all,
        [
            "#ops U404: 11, Said",
            "#ops ann: 10, Done",
            "#ops ann: 12, Said, 1773497000.000001",
            "#ops ann: end, Said",
            "#ops bob: 8, Said, bot",
            "#ops ci: 7, Said, bot",
            "a message is not JSON, and left out",
            "ann ann: 9, Said, private",
            "no name for U404: users.info: Slack says user_not_found",
        ]
    );
    let log = workspace.log();
    // Of the unknown one, there is no more than its acknowledgement, which nobody waits for.
    let odd: Vec<_> = log.iter().filter(|it| it.starts_with("bad")).collect();
    assert_eq!(odd, [r#"bad ack {"envelope_id":"x"}"#]);
}

#[tokio::test]
async fn names_that_cannot_be_asked_for_are_ids() {
    let workspace = Workspace::start().await;
    for method in ["users.info", "conversations.info"] {
        let lacks = json!({"ok": false, "error": "missing_scope", "needed": "users:read"});
        workspace.instead(method, Answer::of(200, lacks));
    }
    let mut chat = connect(workspace.slack()).events();
    let script = async {
        workspace.happens("connected 0").await;
        workspace.event(0, said("1773497130.000001", "one"));
        workspace.event(0, said("1773497130.000002", "end"));
    };
    let ((), all) = tokio::join!(script, until(&mut chat, "end"));
    let (notices, rest): (Vec<_>, Vec<_>) = all.iter().partition(|it| it.starts_with('!'));
    assert_eq!(rest, ["ready", "C1 U1: one", "C1 U1: end"]);
    // One is enough.
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].ends_with("missing_scope: the token lacks the scope users:read"));
}

#[tokio::test]
async fn a_post_is_edited_and_answered_under_and_what_is_refused_says_why() {
    let workspace = Workspace::start().await;
    let mut chat = connect(workspace.slack()).events();
    let handle = chat.handle().clone();
    let script = async {
        let posted = handle
            .deliver(Post::alert("#ops", "1 error"))
            .await
            .unwrap();
        let edited = handle.edit(&posted, "2 errors").await.unwrap();
        assert_eq!(edited, posted);
        let under = Post::new("#ops", "which").under(&posted);
        handle.deliver(under).await.unwrap();
        let denied = handle.deliver(Post::new("#none", "x")).await.unwrap_err();
        assert!(denied.is_denied());
        assert_eq!(
            denied.to_string(),
            "cannot send: Slack says channel_not_found: there is no such room, or the bot has not \
             been invited to it"
        );
        let denied = handle.deliver(Post::new("C9", "x")).await.unwrap_err();
        assert!(
            denied
                .to_string()
                .ends_with("the bot has to be invited to the room")
        );
        // Nothing that could be said, and more than one message.
        let empty = handle.deliver(Post::new("#ops", " \u{7}\n")).await;
        assert!(empty.unwrap_err().is_denied());
        let long = handle.edit(&posted, "x".repeat(4001)).await;
        assert!(long.unwrap_err().is_denied());
        let long = handle.deliver(Post::new("#ops", "x".repeat(4001))).await;
        let long = long.unwrap();
        assert_eq!(long.ids().len(), 2);
        assert!(handle.edit(&long, "short").await.unwrap_err().is_denied());
        posted
    };
    let posted = while_it_goes_on(&mut chat, script).await;
    let posts = workspace.posts(5).await;
    assert_eq!(
        posts[1],
        json!({"channel": "C1", "ts": posted.ids()[0], "text": "2 errors", "parse": "none",
               "link_names": false})
    );
    assert_eq!(posts[2]["thread_ts"], json!(posted.ids()[0]));
    assert!(posts[0].get("thread_ts").is_none());
}

#[tokio::test]
async fn what_slack_cannot_take_now_is_said_later_and_once() {
    let workspace = Workspace::start().await;
    let method = "chat.postMessage";
    let limited = json!({"ok": false, "error": "ratelimited"});
    let limited = Answer::of(429, limited).header("Retry-After: 1");
    let mut chat = connect(workspace.slack()).events();
    let handle = chat.handle().clone();
    let script = async {
        for answer in [
            limited,
            Answer::of(503, json!("upstream")),
            Answer::of(200, json!({"ok": false, "error": "internal_error"})),
        ] {
            workspace.instead(method, answer);
        }
        // Each behind the one before it.
        let (one, two) = (Post::new("#ops", "one"), Post::alert("#ops", "two"));
        let (one, two) = tokio::join!(handle.deliver(one), handle.deliver(two));
        (one.unwrap(), two.unwrap())
    };
    while_it_goes_on(&mut chat, script).await;
    let posts = workspace.posts(2).await;
    let texts = posts.iter().map(|post| post["text"].clone());
    assert!(texts.eq(["one", "two"]), "{posts:?}");
}

#[tokio::test]
async fn a_post_whose_connection_is_lost_is_posted_again() {
    let workspace = Workspace::start().await;
    workspace.abort("chat.postMessage");
    let mut chat = connect(workspace.slack()).events();
    let handle = chat.handle().clone();
    let posted = handle.deliver(Post::new("#ops", "one"));
    while_it_goes_on(&mut chat, posted).await.unwrap();
    assert_eq!(workspace.posts(1).await.len(), 1);
}

#[tokio::test]
async fn a_post_that_is_on_its_way_is_answered_while_there_is_no_socket() {
    let workspace = Workspace::start().await;
    let mut slack = workspace.slack();
    // There is no other connection for as long as the test may take.
    slack.options.backoff_first = std::time::Duration::from_secs(1 << 20);
    slack.options.backoff_max = slack.options.backoff_first;
    workspace.hold(Some("chat.postMessage"));
    let mut chat = connect(slack).events();
    let handle = chat.handle().clone();
    let script = async {
        workspace.happens("held chat.postMessage").await;
        workspace.kill(0);
        workspace.happens("ended 0").await;
        workspace.hold(None);
    };
    let delivered = async { tokio::join!(handle.deliver(Post::new("#ops", "one")), script).0 };
    let posted = while_it_goes_on(&mut chat, delivered).await.unwrap();
    assert_eq!(posted.room(), "C1");
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why_and_no_secret() {
    let invalid = "cannot connect to \"Slack at API\": ";
    let cases = [
        (
            (APP_TOKEN, "xoxb-hunter2-wrong"),
            None,
            "auth.test: Slack says invalid_auth: the token is wrong",
        ),
        (
            ("xapp-hunter2-wrong", BOT_TOKEN),
            None,
            "apps.connections.open: Slack says invalid_auth: the token is wrong",
        ),
        // Nothing is asked with a token of another kind.
        (
            (BOT_TOKEN, APP_TOKEN),
            None,
            "the app token does not begin with xapp-",
        ),
        (
            (APP_TOKEN, BOT_TOKEN),
            Some(json!({"ok": false, "error": "missing_scope", "needed": "connections:write"})),
            "apps.connections.open: Slack says missing_scope: the token lacks the scope \
             connections:write",
        ),
        (
            (APP_TOKEN, BOT_TOKEN),
            Some(json!({"ok": true, "url": "http://evil.example/"})),
            "apps.connections.open gives no URL of a WebSocket over TLS",
        ),
    ];
    for ((app, bot), instead, expected) in cases {
        let workspace = Workspace::start().await;
        if let Some(instead) = instead {
            workspace.instead("apps.connections.open", Answer::of(200, instead));
        }
        let mut chat: Chat = connect(workspace.slack_of(app, bot));
        let error = chat.next().await.unwrap().unwrap_err();
        assert!(error.is_refused());
        let told = error.to_string();
        assert_eq!(
            told,
            format!("{invalid}{expected}").replace("API", &workspace.api)
        );
        assert!(!told.contains("hunter2"), "{told}");
        assert!(chat.next().await.is_none());
    }
}

#[tokio::test]
async fn failures_of_http_are_tried_again_and_a_wait_is_kept() {
    let workspace = Workspace::start().await;
    workspace.abort("auth.test");
    workspace.instead("auth.test", Answer::of(503, json!("no")));
    let method = "apps.connections.open";
    let limited = json!({"ok": false, "error": "ratelimited"});
    workspace.instead(method, Answer::of(429, limited).header("Retry-After: 0"));
    workspace.instead(
        method,
        Answer::of(200, json!({"ok": false, "error": "internal_error"})),
    );
    let mut chat = connect(workspace.slack()).events();
    let script = async {
        workspace.happens("connected 0").await;
        workspace.event(0, said("1773497130.000001", "end"));
    };
    let ((), all) = tokio::join!(script, until(&mut chat, "end"));
    let notices: Vec<_> = all.iter().filter(|it| it.starts_with('!')).collect();
    assert_eq!(
        notices[1..],
        [
            "!auth.test: the server answers 503: \\\"no\\\"; trying again",
            "!apps.connections.open: Slack says ratelimited; trying again",
            "!apps.connections.open: Slack says internal_error; trying again",
        ],
        "{all:?}"
    );
}

#[tokio::test]
async fn socket_mode_that_is_turned_off_ends_a_chat_that_never_worked_and_is_waited_for_later() {
    let reason = "Socket Mode is turned off for the app (link_disabled)";
    let workspace = Workspace::start().await;
    let mut chat = connect(workspace.slack()).events();
    let script = async {
        workspace.happens("connected 0").await;
        workspace.disconnect(0, "link_disabled");
    };
    let listen = async {
        loop {
            let told = happens(&mut chat).await.unwrap();
            if told.starts_with('!') {
                return told;
            }
        }
    };
    let ((), told) = tokio::join!(script, listen);
    let name = format!("\"Slack at {}\"", workspace.api);
    assert_eq!(told, format!("!!cannot read {name}: {reason}"));
    // Once it has worked, it may be turned on again.
    let workspace = Workspace::start().await;
    let mut chat = connect(workspace.slack()).events();
    let script = async {
        workspace.happens("connected 0").await;
        workspace.event(0, said("1773497130.000001", "one"));
        workspace.happens("acked Ev0 on 0").await;
        workspace.disconnect(0, "link_disabled");
        workspace.happens("connected 1").await;
        workspace.event(1, said("1773497130.000002", "end"));
    };
    let ((), all) = tokio::join!(script, until(&mut chat, "end"));
    assert!(all.contains(&format!("!{reason}; trying again")), "{all:?}");
}

#[tokio::test]
async fn closing_ends_the_connection_in_good_order() {
    let workspace = Workspace::start().await;
    let mut chat = connect(workspace.slack()).events();
    let handle = chat.handle().clone();
    let script = async {
        workspace.happens("connected 0").await;
        handle.say("#ops", "bye").await.unwrap();
        handle.close();
        workspace.happens("ended 0").await;
    };
    tokio::join!(script, async { while chat.next().await.is_some() {} });
    assert_eq!(workspace.posts(1).await[0]["text"], "bye");
    let log = workspace.log();
    assert!(
        log.contains(&"closed 0 with Some(1000)".to_owned()),
        "{log:?}"
    );
}

#[tokio::test]
async fn no_secret_is_shown() {
    let workspace = Workspace::start().await;
    let slack = workspace.slack();
    let mut shown = vec![format!("{slack:?}")];
    let mut chat = connect(slack).events();
    shown.push(format!("{chat:?} {:?}", chat.handle()));
    workspace.instead("chat.postMessage", Answer::of(403, json!("no")));
    let handle = chat.handle().clone();
    let script = async {
        workspace.happens("connected 0").await;
        // A message as it is shown, and a post that is refused.
        workspace.event(0, said("1773497130.000001", "one"));
        let denied = handle.deliver(Post::new("#ops", "one")).await;
        workspace.kill(0);
        workspace.happens("connected 1").await;
        drop(denied.unwrap_err());
    };
    shown.extend(through(&mut chat, script).await);
    assert!(!shown.iter().any(|it| it.contains("hunter")), "{shown:?}");
}
