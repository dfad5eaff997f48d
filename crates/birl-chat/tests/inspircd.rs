//! IRC against InspIRCd as Debian ships it, over each way to it.

mod ircd;
mod peer;

use std::time::Duration;

use birl_chat::{Event, Events, Irc, Kind, Message, Post, connect};
use futures::StreamExt;
use ircd::{Ircd, Limits, Person, Setup};
use peer::{at_once, happens};

fn bot(url: &str, ircd: &Ircd) -> Irc {
    let mut irc = Irc::new(url, "birl").unwrap().room("#ops");
    irc.options.ca_file = Some(ircd.ca_file());
    irc.rejoin_after = Duration::ZERO;
    irc.rate = None;
    at_once(&mut irc.options);
    irc
}

fn ws(ircd: &Ircd) -> String {
    format!("ws://127.0.0.1:{}/", ircd.ws)
}

/// Waits until the bot is in its rooms.
async fn ready(events: &mut Events) {
    while !matches!(events.next().await.unwrap(), Event::Ready) {}
}

/// Answers what is said, for ever.
async fn echo(events: &mut Events) {
    loop {
        let message = peer::message(events).await;
        message
            .reply(format!("{}: {}", message.sender, message.text))
            .await
            .unwrap();
    }
}

/// Lets the bot go on while something else is done.
async fn beside<T>(events: &mut Events, done: impl Future<Output = T>) -> T {
    tokio::select! {
        done = done => done,
        () = echo(events) => unreachable!("it goes on"),
    }
}

#[tokio::test]
async fn messages_are_answered_over_each_way_with_echo_message_and_without() {
    for echo_message in [false, true] {
        for mode in ["text", "binary"] {
            let setup = Setup {
                echo_message,
                mode,
                ..Setup::default()
            };
            let Some(ircd) = Ircd::start(setup) else {
                return;
            };
            let mut person = Person::enter(&ircd, "ann", "#ops").await;
            for url in [
                format!("irc://127.0.0.1:{}", ircd.tcp),
                format!("ircs://localhost:{}", ircd.tls),
                ws(&ircd),
                format!("wss://localhost:{}/", ircd.wss),
            ] {
                let mut events = connect(bot(&url, &ircd)).events();
                ready(&mut events).await;
                let talk = async {
                    for text in ["one", "zwei ü €", ":)", "PING :x", "  spaces  "] {
                        person.say(&format!("PRIVMSG #ops :{text}")).await;
                        let answer = person.hears_from("birl", "#ops").await;
                        assert_eq!(answer, format!("ann: {text}").trim_end(), "{url}");
                    }
                    // To us alone.
                    person.say("PRIVMSG birl :psst").await;
                    assert_eq!(person.hears_from("birl", "ann").await, "ann: psst");
                };
                beside(&mut events, talk).await;
                events.handle().close();
                while let Some(event) = events.next().await {
                    assert!(!matches!(event, Event::Message(_)), "{event:?}");
                }
                person.hears("QUIT").await;
            }
        }
    }
}

#[tokio::test]
async fn what_is_known_of_a_message_is_passed_on() {
    let Some(ircd) = Ircd::start(Setup::default()) else {
        return;
    };
    let mut person = Person::enter(&ircd, "ann", "#ops").await;
    let mut events = connect(bot(&ws(&ircd), &ircd)).events();
    ready(&mut events).await;
    let before = jiff::Timestamp::now();
    person
        .say("PRIVMSG #ops :\u{2}bold\u{2} and \u{3}4red")
        .await;
    person.say("PRIVMSG #ops :\u{1}ACTION waves\u{1}").await;
    person.say("PRIVMSG #ops :\u{1}VERSION\u{1}").await;
    person.say("NOTICE #ops :noticed").await;
    person.say("PRIVMSG birl :psst").await;
    let mut messages = Vec::new();
    for _ in 0..4 {
        messages.push(peer::message(&mut events).await);
    }
    let told: Vec<_> = messages
        .iter()
        .map(|it: &Message| (it.text.as_str(), it.kind, it.room.as_str(), it.is_private))
        .collect();
    assert_eq!(
        told,
        [
            ("bold and red", Kind::Said, "#ops", false),
            ("waves", Kind::Done, "#ops", false),
            ("noticed", Kind::Noticed, "#ops", false),
            ("psst", Kind::Said, "ann", true),
        ]
    );
    for message in &messages {
        assert_eq!(message.sender, "ann");
        assert!(message.id.is_some(), "{message:?}");
        // The server's clock is ours; its tags have milliseconds.
        let time = message.time.unwrap();
        assert!(
            (time.as_millisecond() - before.as_millisecond()).abs() < 60_000,
            "{time}"
        );
    }
    // An answer is shown as one.
    person.say("CAP REQ :message-tags").await;
    person.hears(" ACK ").await;
    messages[0].reply("got it").await.unwrap();
    let id = messages[0].id.as_ref().unwrap();
    let answer = beside(&mut events, person.hears_with_tags("got it")).await;
    assert!(
        answer.contains(&format!("+draft/reply={id}")),
        "{answer} {id}"
    );
}

#[tokio::test]
async fn a_long_answer_arrives_whole_in_lines_of_512_bytes() {
    let Some(ircd) = Ircd::start(Setup::default()) else {
        return;
    };
    let mut person = Person::enter(&ircd, "ann", "#ops").await;
    let mut events = connect(bot(&ws(&ircd), &ircd)).events();
    ready(&mut events).await;
    let words: Vec<String> = (0..400).map(|n| format!("wörter{n}")).collect();
    let long = "é".repeat(900);
    let handle = events.handle().clone();
    let text = format!("{}\n\n{long}\nend\u{7}", words.join(" "));
    handle.say("#ops", text).await.unwrap();
    let heard = async {
        let mut lines = Vec::new();
        while lines.last().map(String::as_str) != Some("end") {
            lines.push(person.hears_from("birl", "#ops").await);
        }
        lines
    };
    let lines = beside(&mut events, heard).await;
    let all = lines.join(" ");
    assert!(all.starts_with(&words.join(" ")), "{lines:?}");
    assert_eq!(all.matches('é').count(), 900);
    // Not shorter than it has to be, either: our name before a line has some 20 bytes.
    let bytes = words.join(" ").len() + long.len();
    assert!(lines.len() <= bytes / 440 + 3, "{}", lines.len());
    assert_eq!(
        handle.abilities().text_bytes_max,
        510 - ":birl!birl@127.0.0.1 PRIVMSG #ops :".len()
    );
}

#[tokio::test]
async fn who_is_thrown_out_comes_back() {
    let Some(ircd) = Ircd::start(Setup::default()) else {
        return;
    };
    let mut person = Person::enter(&ircd, "ann", "#ops").await;
    let mut events = connect(bot(&ws(&ircd), &ircd)).events();
    ready(&mut events).await;
    person.hears("JOIN").await;
    let mut told = Vec::new();
    let talk = async {
        person.say("KICK #ops birl :enough").await;
        person.hears("KICK").await;
        person.hears(":birl!birl@127.0.0.1 JOIN").await;
        // By an operator of the server.
        person.say("OPER root secret").await;
        person.hears(" 381 ").await;
        person.say("KILL birl :out").await;
        person.hears("QUIT").await;
        person.hears(":birl!birl@127.0.0.1 JOIN").await;
        person.say("PRIVMSG #ops :still there?").await;
        person.hears_from("birl", "#ops").await
    };
    let answer = {
        let mut talk = std::pin::pin!(talk);
        loop {
            tokio::select! {
                answer = &mut talk => break answer,
                event = events.next() => match event.unwrap() {
                    Event::Message(message) => message.reply("yes").await.unwrap(),
                    Event::Notice(notice) => told.push(notice),
                    Event::Gap(_) => told.push("gap".to_owned()),
                    _ => {}
                },
            }
        }
    };
    assert_eq!(answer, "yes");
    assert_eq!(
        told[0],
        "not in #ops: thrown out by ann: enough; joining again in 0 s"
    );
    let killed = "Closing link: (birl@127.0.0.1) [Killed (ann (out))]";
    let expected = format!("the server ends the connection: {killed}; trying again");
    assert_eq!(told[1], expected);
    assert!(told.iter().any(|it| it == "gap"), "{told:?}");
}

#[tokio::test]
async fn a_room_that_we_may_not_enter_is_told_and_entered_by_invitation() {
    let Some(ircd) = Ircd::start(Setup::default()) else {
        return;
    };
    let mut person = Person::enter(&ircd, "ann", "#ops").await;
    person.say("MODE #ops +i").await;
    person.hears("MODE").await;
    let mut irc = bot(&ws(&ircd), &ircd);
    irc.rejoin_after = Duration::from_secs(60);
    let mut events = connect(irc).events();
    let refused = async {
        loop {
            let told = happens(&mut events).await.unwrap();
            if told.starts_with("!not in") {
                return told;
            }
        }
    };
    assert_eq!(
        refused.await,
        "!not in #ops: Cannot join channel (invite only) (473); joining again in 60 s"
    );
    // What is not for rooms is answered all the same.
    ready(&mut events).await;
    let talk = async {
        person.say("PRIVMSG birl :hi").await;
        assert_eq!(person.hears_from("birl", "ann").await, "ann: hi");
        person.say("INVITE birl #ops").await;
        person.hears(":birl!birl@127.0.0.1 JOIN").await;
    };
    beside(&mut events, talk).await;
}

#[tokio::test]
async fn a_nick_that_is_taken_is_waited_for_under_another() {
    let Some(ircd) = Ircd::start(Setup::default()) else {
        return;
    };
    let mut person = Person::enter(&ircd, "ann", "#ops").await;
    let thief = Person::enter(&ircd, "BIRL", "#ops").await;
    let mut events = connect(bot(&ws(&ircd), &ircd)).events();
    assert_eq!(
        happens(&mut events).await.unwrap(),
        "!birl is taken; called birl_"
    );
    ready(&mut events).await;
    let talk = async {
        person.say("PRIVMSG #ops :who are you?").await;
        assert_eq!(
            person.hears_from("birl_", "#ops").await,
            "ann: who are you?"
        );
        drop(thief);
        person.hears(":birl_!birl@127.0.0.1 NICK").await;
        person.say("PRIVMSG #ops :and now?").await;
        assert_eq!(person.hears_from("birl", "#ops").await, "ann: and now?");
    };
    beside(&mut events, talk).await;
}

#[tokio::test]
async fn a_server_that_is_killed_and_started_in_mid_talk_is_talked_to_again() {
    let Some(mut ircd) = Ircd::start(Setup {
        echo_message: true,
        ..Setup::default()
    }) else {
        return;
    };
    let url = ws(&ircd);
    let mut irc = bot(&url, &ircd);
    irc.options.backoff_first = Duration::from_millis(20);
    irc.options.backoff_max = Duration::from_millis(100);
    let mut events = connect(irc).events();
    ready(&mut events).await;
    for life in 0..3 {
        let mut person = Person::enter(&ircd, "ann", "#ops").await;
        let talk = async {
            // After a restart the bot comes when it comes.
            person.say("NAMES #ops").await;
            if !person.hears(" 353 ").await.contains("birl") {
                person.hears(":birl!birl@127.0.0.1 JOIN").await;
            }
            for n in 0..20 {
                let text = format!("{life}.{n}");
                person.say(&format!("PRIVMSG #ops :{text}")).await;
                let mut answer = person.hears_from("birl", "#ops").await;
                if answer == "ann: on its way" {
                    // It was heard before the server was killed, and could not be said before.
                    answer = person.hears_from("birl", "#ops").await;
                }
                assert_eq!(answer, format!("ann: {text}"));
            }
            person.say("PRIVMSG #ops :on its way").await;
        };
        beside(&mut events, talk).await;
        ircd.kill_and_restart();
    }
    loop {
        if matches!(events.next().await.unwrap(), Event::Gap(_)) {
            break;
        }
    }
}

#[tokio::test]
async fn what_a_room_says_again_is_reacted_to_once() {
    let Some(ircd) = Ircd::start(Setup::default()) else {
        return;
    };
    let mut person = Person::enter(&ircd, "ann", "#ops").await;
    person.say("MODE #ops +H 20:1h").await;
    person.hears("MODE").await;
    let mut events = connect(bot(&ws(&ircd), &ircd)).events();
    ready(&mut events).await;
    person.hears("JOIN").await;
    let mut answers = Vec::new();
    let talk = async {
        for round in 0..3 {
            person.say(&format!("PRIVMSG #ops :question {round}")).await;
            answers.push(person.hears_from("birl", "#ops").await);
            // Whoever comes into the room is told what was said before.
            person.say("KICK #ops birl :again").await;
            person.hears("JOIN").await;
        }
        person.say("PRIVMSG #ops :last").await;
        answers.push(person.hears_from("birl", "#ops").await);
    };
    beside(&mut events, talk).await;
    let expected = ["question 0", "question 1", "question 2", "last"];
    assert_eq!(answers, expected.map(|text| format!("ann: {text}")));
}

#[tokio::test]
async fn the_limits_of_a_server_as_it_is_shipped_are_kept() {
    keeps(Limits::Shipped).await;
}

#[tokio::test]
async fn the_limits_of_a_server_that_kills_at_once_are_kept() {
    keeps(Limits::Killing).await;
}

#[tokio::test]
async fn a_delivery_ends_when_the_room_has_it() {
    for echo_message in [false, true] {
        let setup = Setup {
            echo_message,
            ..Setup::default()
        };
        let Some(ircd) = Ircd::start(setup) else {
            return;
        };
        let mut person = Person::enter(&ircd, "ann", "#ops").await;
        person.say("JOIN #mute").await;
        person.say("MODE #mute +m").await;
        person.hears("+m").await;
        let mut events = connect(bot(&ws(&ircd), &ircd)).events();
        let handle = events.handle().clone();
        let deliver = async {
            let long = format!("{}\nlast", "x".repeat(1000));
            handle.deliver(Post::alert("#ops", long)).await.unwrap();
            let denied = handle
                .deliver(Post::alert("#mute", "shh"))
                .await
                .unwrap_err();
            assert!(denied.is_denied(), "{denied}");
            let denied = handle
                .deliver(Post::alert("nobody", "shh"))
                .await
                .unwrap_err();
            assert_eq!(denied.to_string(), "cannot send: No such nick");
        };
        beside(&mut events, deliver).await;
        person.say("PING :now").await;
        // All of it had been said to the room by then.
        let heard = person.hears_from("birl", "#ops").await;
        assert_eq!(heard.len(), 475);
        person.hears_from("birl", "#ops").await;
        person.hears_from("birl", "#ops").await;
        assert_eq!(person.hears_from("birl", "#ops").await, "last");
    }
}

/// More is said than a server bears at once, which would end the connection.
async fn keeps(limits: Limits) {
    let Some(ircd) = Ircd::start(Setup {
        limits,
        echo_message: true,
        ..Setup::default()
    }) else {
        return;
    };
    let mut person = Person::enter(&ircd, "ann", "#ops").await;
    let mut irc = bot(&ws(&ircd), &ircd);
    irc.rate = Irc::new(&ws(&ircd), "birl").unwrap().rate;
    let mut events = connect(irc).events();
    ready(&mut events).await;
    // Each line is as long as it may be.
    let lines: Vec<String> = (0..20)
        .map(|n| format!("{n} {}", "x".repeat(460)))
        .collect();
    let handle = events.handle().clone();
    handle.say("#ops", lines.join("\n")).await.unwrap();
    let talk = async {
        let mut heard = Vec::new();
        for _ in 0..20 {
            heard.push(person.hears_from("birl", "#ops").await);
        }
        heard
    };
    let heard = tokio::select! {
        heard = talk => heard,
        told = async {
            loop {
                match happens(&mut events).await.unwrap() {
                    told if told.starts_with('!') => return told,
                    _ => {}
                }
            }
        } => panic!("{told}"),
    };
    assert_eq!(heard, lines);
}
