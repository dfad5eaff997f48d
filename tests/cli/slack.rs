//! birl in Slack, which can change what was said: what belongs together stays together.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::process::Process;
use crate::sandbox::Sandbox;
use crate::workspace::{APP_TOKEN, BOT_TOKEN, Workspace};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "bot::slack::alerts_of_a_rule_are_one_message_that_changes_over_a_kill",
            || played(alerts_of_a_rule_are_one_message_that_changes_over_a_kill()),
        ),
        Trial::test(
            "bot::slack::a_question_is_one_line_that_changes_until_it_is_answered",
            || played(a_question_is_one_line_that_changes_until_it_is_answered()),
        ),
        Trial::test("bot::slack::a_chart_is_a_picture_with_its_text", || {
            played(a_chart_is_a_picture_with_its_text())
        }),
    ]
}

/// Nothing is waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

fn played(test: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    let runtime = Runtime::new()?;
    let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE * 2, test).await });
    ended.map_err(|_| Failed::from("it hangs"))?
}

/// A birl in a workspace.
struct Talk {
    workspace: Workspace,
    sandbox: Sandbox,
    /// So much of what was said has been looked at.
    seen: usize,
    said: u32,
}

impl Talk {
    async fn new(rules: &str) -> Self {
        let workspace = Workspace::start().await;
        let sandbox = Sandbox::new();
        let rules = format!(
            "state = \"state.db\"\n[chat.ops]\nslack = {{ app_token = \"{APP_TOKEN}\", \
             bot_token = \"{BOT_TOKEN}\", api = \"{}\" }}\n\
             [source.app]\nfrom = \"app.log\"\nstart = \"beginning\"\n{rules}",
            workspace.api
        );
        sandbox.write("birl.toml", rules.as_bytes());
        Self {
            workspace,
            sandbox,
            seen: 0,
            said: 0,
        }
    }

    fn run(&self) -> Process {
        let process = Process::start(self.sandbox.birl(&["run"]), Vec::new());
        process.wait_for_stderr("connected to");
        process
    }

    /// Somebody says something in `#ops`, over the socket of that number.
    fn say(&mut self, socket: usize, text: &str) {
        self.said += 1;
        let now = jiff::Timestamp::now().as_second();
        let ts = format!("{now}.{:06}", self.said);
        self.workspace.event(
            socket,
            json!({
                "type": "message", "channel": "C1", "user": "U1", "text": text, "ts": ts,
                "event_ts": ts, "channel_type": "channel", "team": "T1",
            }),
        );
    }

    /// What is said or changed next.
    async fn next(&mut self) -> Value {
        self.seen += 1;
        let posts = tokio::time::timeout(PATIENCE, self.workspace.posts(self.seen)).await;
        posts.expect("birl says something")[self.seen - 1].clone()
    }
}

fn text(post: &Value) -> &str {
    post["text"].as_str().expect("there is a text")
}

fn write(log: &Path, services: &[&str]) -> std::io::Result<()> {
    let mut log = OpenOptions::new().append(true).create(true).open(log)?;
    for service in services {
        let now = jiff::Timestamp::now();
        writeln!(
            log,
            "time={now} level=error service={service} msg=\"no <b>\""
        )?;
    }
    Ok(())
}

async fn alerts_of_a_rule_are_one_message_that_changes_over_a_kill() -> Result<(), Failed> {
    let mut talk = Talk::new(
        r##"
        [rule.burst]
        kind = "frequency"
        query = "level:error"
        group_by = "service"
        at_least = 2
        window = "4s"
        slide = "1s"
        resolve = "2s"
        send = "room"
        text = "{count} errors"
        [place.room]
        chat = "ops"
        room = "#ops"
        fold = "1s"
        "##,
    )
    .await;
    let log = talk.sandbox.write("app.log", b"");
    let process = talk.run();
    write(&log, &["a", "a"])?;
    let first = talk.next().await;
    let head = text(&first).to_owned();
    assert!(head.contains(" FIRING burst (service=a)"), "{first}");
    assert_eq!(first["ts"], Value::Null, "it is said anew");
    write(&log, &["b", "b", "c", "c", "a"])?;
    let more = talk.next().await;
    assert_eq!(more["ts"], "1800000000.000000");
    assert_eq!(more["channel"], "C1");
    let line = text(&more).strip_prefix(&format!("{head}\n"));
    let line = line.ok_or_else(|| Failed::from(format!("{more} is not behind {head}")))?;
    assert!(line.starts_with("burst: +2 since "), "{line}");
    assert!(line.ends_with(", 2 values of service (b, c)"), "{line}");
    let line = line.to_owned();

    // Killed, and what was said is known all the same.
    drop(process);
    let mut process = talk.run();
    // The first is over: that stands in its place, and is told in its thread.
    let mut changed = talk.next().await;
    if changed == more {
        // It was not written down before that it was taken, and nobody sees that it was changed to the same.
        changed = talk.next().await;
    }
    assert_eq!(changed["ts"], "1800000000.000000", "{changed}");
    let over = talk.next().await;
    assert_eq!(over["thread_ts"], "1800000000.000000");
    assert!(
        text(&over).contains(" RESOLVED burst (service=a)"),
        "{over}"
    );
    assert_eq!(text(&changed), format!("{}\n{line}", text(&over)));
    // What was told together is over together.
    let others = talk.next().await;
    assert_eq!(others["ts"], "1800000000.000000");
    let last = text(&others).lines().last().unwrap_or_default();
    assert!(last.starts_with("burst: 2 over since "), "{others}");
    assert!(text(&others).starts_with(text(&changed)), "{others}");
    process.terminate();
    assert_eq!(process.end().status.code(), Some(0));
    Ok(())
}

async fn a_question_is_one_line_that_changes_until_it_is_answered() -> Result<(), Failed> {
    let mut talk = Talk::new(
        r##"
        [chat.ops.ask]
        from = ["app"]
        allow = ["account:U1"]
        memory = "1GiB"
        "##,
    )
    .await;
    let records = (0..1500).map(|n| format!("level=info service=api n={n}\n"));
    let records = records.collect::<String>() + "level=error service=api msg=x\n";
    talk.sandbox.write("app.log", records.as_bytes());
    let mut process = talk.run();
    talk.say(
        0,
        "!ask select count(*) from logs a join logs b on a.service = b.service \
         join logs c on b.service = c.service where a.n + b.n + c.n &lt; 0",
    );
    let first = talk.next().await;
    assert!(text(&first).starts_with("still asking, "), "{first}");
    assert_eq!(first["ts"], Value::Null);
    let thread = first["thread_ts"].clone();
    assert!(thread.is_string(), "{first}");
    let again = talk.next().await;
    assert!(text(&again).starts_with("still asking, "), "{again}");
    assert_eq!(again["ts"], "1800000000.000000");
    talk.say(0, "!cancel");
    // It may have been changed once more meanwhile.
    let ended = loop {
        let next = talk.next().await;
        assert_eq!(next["ts"], "1800000000.000000", "{next}");
        if !text(&next).starts_with("still asking, ") {
            break next;
        }
    };
    assert_eq!(text(&ended), "given up");
    // What is answered at once is said at once.
    talk.say(0, "!ask level:error");
    let answer = talk.next().await;
    assert_eq!(answer["ts"], Value::Null);
    assert!(text(&answer).contains("service=api"), "{answer}");
    process.terminate();
    assert_eq!(process.end().status.code(), Some(0));
    Ok(())
}

async fn a_chart_is_a_picture_with_its_text() -> Result<(), Failed> {
    let mut talk = Talk::new(
        r##"
        [chat.ops.ask]
        from = ["app"]
        allow = ["account:U1"]
        "##,
    )
    .await;
    let records = (0..90).map(|n| {
        let (minute, service) = (n / 3, ["api", "mailer"][n % 2]);
        format!("time=2026-03-14T14:{minute:02}:00Z level=error service={service} n={n}\n")
    });
    let records = records.collect::<String>();
    talk.sandbox.write("app.log", records.as_bytes());
    let mut process = talk.run();
    talk.say(0, "!ask level:error |> timechart 1m count by service");
    let shown = talk.next().await;
    let lines: Vec<_> = text(&shown).lines().collect();
    assert_eq!(lines.len(), 3, "{shown}");
    assert!(
        lines[1].starts_with("api ") || lines[1].starts_with("mailer "),
        "{shown}"
    );
    assert!(shown["thread_ts"].is_string(), "{shown}");
    let picture = talk.next().await;
    assert_eq!(picture["files"][0]["id"], "F0", "{picture}");
    assert_eq!(picture["thread_ts"], shown["thread_ts"]);
    let png = talk.workspace.file("F0");
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    // 1200 by 600 points.
    assert_eq!(&png[16..24], [0, 0, 4, 176, 0, 0, 2, 88]);
    if let Ok(directory) = std::env::var("BIRL_PICTURES") {
        std::fs::write(Path::new(&directory).join("room.png"), &png)?;
    }
    // One moment is no chart.
    talk.say(0, "!ask n:5 |> timechart 1m count");
    let answer = talk.next().await;
    assert!(answer["text"].is_string(), "{answer}");
    process.terminate();
    assert_eq!(process.end().status.code(), Some(0));
    Ok(())
}
