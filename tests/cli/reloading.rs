//! A file of chats that changes while birl talks there.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use serde_json::json;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

use crate::bot::Room;
use crate::process::Process;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "bot::reloading::what_is_said_changes_without_another_connection",
            what_is_said_changes_without_another_connection,
        ),
        Trial::test(
            "bot::reloading::a_chat_that_is_elsewhere_is_left_and_begun_there",
            a_chat_that_is_elsewhere_is_left_and_begun_there,
        ),
        Trial::test(
            "bot::reloading::what_is_said_while_a_chat_is_left_is_answered_once_it_is_there_again",
            what_is_said_while_a_chat_is_left_is_answered_once_it_is_there_again,
        ),
        Trial::test(
            "bot::reloading::another_secret_in_its_file_is_another_connection",
            another_secret_in_its_file_is_another_connection,
        ),
        Trial::test(
            "bot::reloading::places_are_rooms_of_chats_that_have_come",
            places_are_rooms_of_chats_that_have_come,
        ),
    ]
}

/// Puts another text in the place of the file, as a whole.
fn replace(sandbox: &Sandbox, text: &str) -> Result<(), Failed> {
    let next = sandbox.write("next.toml", text.as_bytes());
    fs::rename(next, sandbox.path().join("birl.toml"))?;
    Ok(())
}

/// A chat that can be asked for `app`, with what else is said of it.
fn chat(name: &str, address: &str, more: &str) -> String {
    format!(
        r##"
[chat.{name}]
json = "ws://{address}/"
me = "birl"
say = '{{"say":"{{text}}"}}'
{more}
"##
    )
}

const SOURCE: &str = "[source.app]\nfrom = 'app.log'\n";

/// It holds each record against all others, and none is found.
const LONG: &str = "!ask select count(*) from logs a join logs b on a.service = b.service \
     join logs c on b.service = c.service where a.n + b.n + c.n < 0";

const ASK: &str = r#"ask = { from = ["app"], allow = ["*"], memory = "1GiB" }"#;

fn write_records(sandbox: &Sandbox) {
    let records = (0..1500).map(|n| format!("level=info service=api n={n}\n"));
    sandbox.write("app.log", records.collect::<String>().as_bytes());
}

fn reply(name: &str, text: &str) -> String {
    format!("[[chat.{name}.reply]]\nquery = 'message:/^hello/'\ntext = '{text}'\n")
}

fn what_is_said_changes_without_another_connection() -> Result<(), Failed> {
    let mut room = Room::new()?;
    let sandbox = Sandbox::new();
    write_records(&sandbox);
    let with = |more: &str, text: &str| {
        let chat = chat("ops", &room.address, more);
        format!("{SOURCE}{chat}{}", reply("ops", text))
    };
    let limited = format!("{ASK}\nlimit = {{ burst = 3, every = '1h' }}");
    let (first, second) = (with(&limited, "hello you"), with(&limited, "good day"));
    let unlimited = with(&format!("{ASK}\nprefix = '?'"), "hi");
    let wrong = with(&limited, "{nosuch");
    replace(&sandbox, &first)?;
    let mut process = Process::start(sandbox.birl(&["chat"]), Vec::new());
    process.wait_for_stderr("connected to");
    let mut others = Vec::new();
    room.say("ann", "hello");
    room.wait_for("hello you", &mut others);
    room.say("bob", LONG);

    replace(&sandbox, &second)?;
    process.wait_for_stderr_times("reloaded", 1);
    room.say("ann", "hello");
    room.wait_for("good day", &mut others);

    // What is wrong changes nothing.
    replace(&sandbox, &wrong)?;
    process.wait_for_stderr("the chats go on as they were");
    // Who is limited stays so.
    room.say("ann", "hello");
    room.wait_for("good day", &mut others);
    room.say("ann", "hello");
    room.wait_for("ann: that was too much at once", &mut others);

    replace(&sandbox, &unlimited)?;
    process.wait_for_stderr_times("reloaded", 2);
    room.say("ann", "hello");
    room.wait_for("hi", &mut others);
    // What was asked before is still being asked.
    others.retain(|said| !said.starts_with("still asking, "));
    assert_eq!(others, Vec::<String>::new());
    room.say("bob", "?cancel");
    room.wait_for("given up", &mut others);
    assert_eq!(room.connections(), 1);
    process.terminate();
    assert_eq!(process.end().status.code(), Some(0));
    Ok(())
}

fn a_chat_that_is_elsewhere_is_left_and_begun_there() -> Result<(), Failed> {
    let (mut here, mut there, mut new) = (Room::new()?, Room::new()?, Room::new()?);
    let sandbox = Sandbox::new();
    write_records(&sandbox);
    let with = |name: &str, address: &str| {
        let chat = chat(name, address, ASK);
        format!("{chat}{}", reply(name, &format!("hello from {name}")))
    };
    let first = format!("{SOURCE}{}", with("ops", &here.address));
    replace(&sandbox, &first)?;
    let mut process = Process::start(sandbox.birl(&["chat"]), Vec::new());
    process.wait_for_stderr("connected to");
    let mut others = Vec::new();
    here.say("ann", "hello");
    here.wait_for("hello from ops", &mut others);
    here.say("ann", "!ask *");
    here.wait_for("1500 records", &mut others);
    here.say("ann", LONG);
    here.wait_for("still asking, ", &mut others);

    let both = with("ops", &there.address) + &with("dev", &new.address);
    replace(&sandbox, &format!("{SOURCE}{both}"))?;
    here.wait_for("given up: the chat is connected to anew", &mut others);
    process.wait_for_stderr_times("connected to", 3);
    // What has the ids of what was said elsewhere is something else, and what is said again is not.
    there.say("ann", "hello there");
    there.say("ann", "hello there");
    there.say_again("ann", "hello there");
    for _ in 0..2 {
        there.wait_for("hello from ops", &mut others);
    }
    // Nor is there more of what was asked elsewhere.
    there.say("ann", "!more");
    there.wait_for("there is no more", &mut others);
    new.say("ann", "hello");
    new.wait_for("hello from dev", &mut others);

    replace(&sandbox, &format!("{SOURCE}{}", with("dev", &new.address)))?;
    process.wait_for_stderr("left");
    new.say("ann", "hello");
    new.wait_for("hello from dev", &mut others);
    assert_eq!(there.next(Duration::from_millis(100)), None);
    assert_eq!(others, Vec::<String>::new());
    let all = [&here, &there, &new].map(Room::connections);
    assert_eq!(all, [1, 1, 1]);
    process.terminate();
    assert_eq!(process.end().status.code(), Some(0));
    Ok(())
}

fn what_is_said_while_a_chat_is_left_is_answered_once_it_is_there_again() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let sandbox = Sandbox::new();
    let with = |header: &str| {
        let chat = chat(
            "ops",
            &address,
            &format!("headers = {{ X-A = '{header}' }}"),
        );
        format!("{chat}{}", reply("ops", "hello {n}"))
    };
    let say = |socket: &mut WebSocket<TcpStream>, n: u64| {
        let message = json!({"id": n, "n": n, "room": "r", "sender": "ann", "text": "hello"});
        socket.send(Message::text(message.to_string()))
    };
    replace(&sandbox, &with("1"))?;
    let mut process = Process::start(sandbox.birl(&["chat"]), Vec::new());
    let mut first = accept(listener.accept()?.0)?;
    process.wait_for_stderr("connected to");
    replace(&sandbox, &with("2"))?;
    // What comes next is that it goes.
    first.get_ref().peek(&mut [0])?;
    say(&mut first, 1)?;
    while first.read().is_ok() {}
    drop(first);
    let mut second = accept(listener.accept()?.0)?;
    // The service says it again, and something else.
    for n in 1..=2 {
        say(&mut second, n)?;
    }
    for n in 1..=2 {
        let heard = second.read()?.into_text()?;
        assert_eq!(heard, format!("{{\"say\":\"hello {n}\"}}"));
    }
    process.terminate();
    assert!(second.read()?.is_close());
    drop(second);
    assert_eq!(process.end().status.code(), Some(0));
    Ok(())
}

fn another_secret_in_its_file_is_another_connection() -> Result<(), Failed> {
    let mut room = Room::new()?;
    let sandbox = Sandbox::new();
    let more = r#"
secrets = { token = { file = "token" } }
hello = [{ send = '{"say":"I have {token}"}' }]
"#;
    let text = chat("ops", &room.address, more) + &reply("ops", "good day");
    replace(&sandbox, &text)?;
    sandbox.write("token", b"hunter2");
    let mut process = Process::start(sandbox.birl(&["chat"]), Vec::new());
    let mut others = Vec::new();
    room.wait_for("I have hunter2", &mut others);
    process.wait_for_stderr("connected to");
    // The file of chats is as it was.
    sandbox.write("token", b"hunter3");
    process.hang_up();
    room.wait_for("I have hunter3", &mut others);
    process.wait_for_stderr_times("connected to", 2);
    process.hang_up();
    process.wait_for_stderr_times("reloaded", 2);
    room.say("ann", "hello");
    room.wait_for("good day", &mut others);
    assert_eq!(others, Vec::<String>::new());
    assert_eq!(room.connections(), 2);
    process.terminate();
    assert_eq!(process.end().status.code(), Some(0));
    Ok(())
}

fn places_are_rooms_of_chats_that_have_come() -> Result<(), Failed> {
    let (here, mut there) = (Room::new()?, Room::new()?);
    let sandbox = Sandbox::new();
    let rules = "state = 'state.db'\n[source.app]\nfrom = 'app.log'\nstart = 'beginning'\n\
         [rule.any]\nkind = 'any'\nquery = 'level:error'\ngroup_by = 'n'\nsend = 'room'\ntext = 'number {n}'\n";
    let place = |chat: &str| format!("[place.room]\nchat = '{chat}'\nroom = '#ops'\nfold = '0s'\n");
    let ops = chat("ops", &here.address, "");
    let dev = chat("dev", &there.address, "");
    replace(&sandbox, &format!("{rules}{}{ops}", place("ops")))?;
    let log = sandbox.write("app.log", b"");
    let add = |line: &str| -> std::io::Result<()> {
        use std::io::Write;
        let mut log = fs::OpenOptions::new().append(true).open(&log)?;
        writeln!(log, "{line}")
    };
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_stderr("connected to");
    let mut others = Vec::new();
    add("level=error n=1")?;
    let told = here.next(Duration::from_secs(60));
    assert!(
        told.as_ref().is_some_and(|it| it.contains("number 1")),
        "{told:?}"
    );

    // A place in a chat that is not there, and a command that asks no source, are both refused.
    replace(&sandbox, &format!("{rules}{}{ops}", place("dev")))?;
    process.wait_for_stderr_times("the rules go on as they were", 1);
    let command = "[[chat.ops.command]]\nname = 'x'\nquery = '*'\nfrom = ['other']\n";
    replace(&sandbox, &format!("{rules}{}{ops}{command}", place("ops")))?;
    process.wait_for_stderr_times("the rules go on as they were", 2);
    add("level=error n=2")?;
    let told = here.next(Duration::from_secs(60));
    assert!(
        told.as_ref().is_some_and(|it| it.contains("number 2")),
        "{told:?}"
    );

    // A source that has come is asked by a command that has.
    let other = "[source.other]\nfrom = 'other.log'\n";
    sandbox.write("other.log", b"level=info what=other\n");
    let command = "[[chat.dev.command]]\nname = 'other'\nquery = '*'\nfrom = ['other']\n";
    let all = format!("{rules}{}{other}{dev}{command}", place("dev"));
    replace(&sandbox, &all)?;
    process.wait_for_stderr_times("connected to", 2);
    add("level=error n=3")?;
    let told = there.next(Duration::from_secs(60));
    assert!(
        told.as_ref().is_some_and(|it| it.contains("number 3")),
        "{told:?}"
    );
    there.say("ann", "!other");
    let answer = there.next(Duration::from_secs(60));
    assert!(
        answer.as_ref().is_some_and(|it| it.contains("what=other")),
        "{answer:?}"
    );
    there.say("ann", "!alerts");
    there.wait_for("3 alerts are open:", &mut others);
    assert_eq!(here.next(Duration::from_millis(100)), None);
    assert_eq!([here.connections(), there.connections()], [1, 1]);
    process.terminate();
    assert_eq!(process.end().status.code(), Some(0));
    Ok(())
}
