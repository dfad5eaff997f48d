//! Sessions over pipes, by tokio's clock.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::sync::mpsc;

use super::*;
use crate::chat::{Events, connect};
use crate::message::Post;
use crate::service::{Abilities, Frame, Rate};

/// A service of lines: `PING` is answered, `RENEW` asks for another connection, and other lines are
/// messages.
struct Plain {
    options: Options,
    rate: Option<Rate>,
    connections: Connections,
}

type Connections = Arc<tokio::sync::Mutex<mpsc::Receiver<DuplexStream>>>;

async fn next_link(connections: Connections) -> Result<Link, Failure> {
    let stream = connections.lock().await.recv().await;
    let stream = stream.ok_or_else(|| Failure::lasting("there are no more"))?;
    Ok(Link::lines(Box::new(stream)))
}

impl Service for Plain {
    fn name(&self) -> String {
        "plain".to_owned()
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            threads: false,
            edits: false,
            lines: false,
            files: false,
            text_bytes_max: 100,
            rate: self.rate,
            rate_by_room: false,
        }
    }

    fn connect<'a>(&'a mut self, _: &'a Connector) -> BoxFuture<'a, Result<Link, Failure>> {
        Box::pin(next_link(Arc::clone(&self.connections)))
    }

    fn replacement(
        &mut self,
        _: Arc<Connector>,
    ) -> Option<BoxFuture<'static, Result<Link, Failure>>> {
        Some(Box::pin(next_link(Arc::clone(&self.connections))))
    }

    fn begin(&mut self, turn: &mut Turn) -> Result<(), Failure> {
        turn.ready();
        Ok(())
    }

    fn receive(&mut self, frame: Bytes, turn: &mut Turn) -> Result<(), Failure> {
        if frame == "PING" {
            turn.say("PONG");
            return Ok(());
        }
        if frame == "RENEW" {
            turn.replace();
            return Ok(());
        }
        let mut message = turn.message(frame.clone());
        message.text = String::from_utf8(frame.to_vec()).unwrap();
        turn.pass(message);
        Ok(())
    }

    fn wake(&mut self, _: &mut Turn) -> Result<(), Failure> {
        Ok(())
    }

    fn ask(&mut self, turn: &mut Turn) {
        turn.say("ARE YOU THERE");
    }

    fn write(&mut self, post: &Post, _: &mut Turn) -> Vec<Frame> {
        let lines = post.text.lines();
        lines.map(|line| Frame::Text(line.to_owned())).collect()
    }

    fn farewell(&mut self) -> Option<String> {
        Some("BYE".to_owned())
    }
}

/// A chat, and the other ends of its connections.
fn chat(rate: Option<Rate>) -> (Events, mpsc::Sender<DuplexStream>) {
    let (sender, connections) = mpsc::channel(4);
    let plain = Plain {
        options: Options::default(),
        rate,
        connections: Arc::new(tokio::sync::Mutex::new(connections)),
    };
    (connect(plain).events(), sender)
}

async fn connection(sender: &mpsc::Sender<DuplexStream>) -> BufReader<DuplexStream> {
    let (near, far) = duplex(1 << 16);
    sender.send(near).await.unwrap();
    BufReader::new(far)
}

async fn line(far: &mut BufReader<DuplexStream>) -> String {
    let mut line = String::new();
    far.read_line(&mut line).await.unwrap();
    line.trim_end().to_owned()
}

async fn message(chat: &mut Events) -> crate::message::Message {
    loop {
        if let Event::Message(message) = chat.next().await.unwrap() {
            return message;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn while_a_reaction_takes_long_pings_are_answered_and_posts_are_sent() {
    let (mut chat, sender) = chat(None);
    let mut far = connection(&sender).await;
    far.write_all(b"hello\r\n").await.unwrap();
    let hello = message(&mut chat).await;
    // Nobody waits for a message from here on.
    far.write_all(b"PING\r\nmore\r\n").await.unwrap();
    hello.reply("in a moment").await.unwrap();
    let mut lines = [line(&mut far).await, line(&mut far).await];
    lines.sort();
    assert_eq!(lines, ["PONG", "in a moment"]);
    // A lost connection is made anew, too.
    drop(far);
    let mut far = connection(&sender).await;
    far.write_all(b"PING\r\n").await.unwrap();
    assert_eq!(line(&mut far).await, "PONG");
    assert_eq!(message(&mut chat).await.text, "more");
}

#[tokio::test(start_paused = true)]
async fn a_full_outbox_is_emptied_while_its_filler_waits() {
    let (mut chat, sender) = chat(None);
    let mut far = connection(&sender).await;
    far.write_all(b"count\r\n").await.unwrap();
    let count = message(&mut chat).await;
    let read = tokio::spawn(async move {
        let mut lines = Vec::new();
        for _ in 0..5000 {
            lines.push(line(&mut far).await);
        }
        (lines, far)
    });
    for n in 0..5000 {
        count.reply(n.to_string()).await.unwrap();
    }
    let (lines, _far) = read.await.unwrap();
    assert!(
        lines
            .iter()
            .map(|it| it.parse::<usize>().unwrap())
            .eq(0..5000)
    );
}

#[tokio::test(start_paused = true)]
async fn replies_do_not_wait_for_a_storm_of_alerts() {
    let rate = Rate {
        burst: 4,
        every: Duration::from_secs(1),
    };
    let (mut chat, sender) = chat(Some(rate));
    let handle = chat.handle().clone();
    for n in 0..100 {
        handle
            .try_send(Post::alert("ops", format!("alert {n}")))
            .unwrap();
    }
    let mut far = connection(&sender).await;
    let began = Instant::now();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&sent);
    let serve = async move {
        far.write_all(b"one\r\n").await.unwrap();
        for _ in 0..12 {
            let line = line(&mut far).await;
            if line == "alert 5" {
                far.write_all(b"two\r\n").await.unwrap();
            }
            told.lock().unwrap().push((began.elapsed().as_secs(), line));
        }
    };
    let react = async {
        loop {
            let message = message(&mut chat).await;
            message
                .reply(format!("{0} a\n{0} b", message.text))
                .await
                .unwrap();
        }
    };
    tokio::select! {
        () = serve => {}
        () = react => {}
    }
    let sent = sent.lock().unwrap().clone();
    let expected = [
        // Alerts leave two tokens of the four to those who wait for something.
        (0, "alert 0"),
        (0, "alert 1"),
        (0, "one a"),
        (0, "one b"),
        (3, "alert 2"),
        (4, "alert 3"),
        (5, "alert 4"),
        (6, "alert 5"),
        (6, "two a"),
        (6, "two b"),
        (9, "alert 6"),
        (10, "alert 7"),
    ];
    assert_eq!(sent, expected.map(|(at, line)| (at, line.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_pings_of_its_own_is_asked_by_the_service() {
    let (mut chat, sender) = chat(None);
    let mut far = connection(&sender).await;
    let serve = async {
        let began = Instant::now();
        let first = line(&mut far).await;
        let asked_after = began.elapsed();
        far.write_all(b"PING\r\n").await.unwrap();
        assert_eq!(line(&mut far).await, "PONG");
        let second = line(&mut far).await;
        // It says nothing more, and is left.
        let end = line(&mut far).await;
        (
            first,
            second,
            end,
            asked_after.as_secs(),
            began.elapsed().as_secs(),
        )
    };
    let listen = async { while chat.next().await.is_some() {} };
    let served = tokio::select! {
        served = serve => served,
        () = listen => unreachable!("it waits for another connection"),
    };
    let asked = "ARE YOU THERE".to_owned();
    assert_eq!(served, (asked.clone(), asked, String::new(), 30, 80));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_connections_and_closes_them_is_asked_ever_more_seldom() {
    let (mut chat, sender) = chat(None);
    let began = Instant::now();
    let serve = async {
        for _ in 0..40 {
            let mut far = connection(&sender).await;
            far.write_all(b"hello\r\n").await.unwrap();
            // It goes away as soon as it has said so.
            drop(far);
        }
        began.elapsed()
    };
    let listen = async { while chat.next().await.is_some() {} };
    let took = tokio::select! {
        took = serve => took,
        () = listen => unreachable!("it waits for another connection"),
    };
    // 33 waits of 30 s on average, and before them shorter ones: never that short by chance.
    assert!(took > Duration::from_secs(400), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn closing_says_goodbye_and_does_not_wait_for_ever() {
    let (chat, sender) = chat(None);
    let mut far = connection(&sender).await;
    let handle = chat.handle().clone();
    handle.say("ops", "one").await.unwrap();
    handle.close();
    let began = Instant::now();
    // The other side never ends the connection.
    let rest: Vec<_> = chat.collect().await;
    assert!(matches!(rest[..], [Event::Ready]), "{rest:?}");
    assert_eq!(began.elapsed().as_secs(), 2);
    assert_eq!(
        (line(&mut far).await, line(&mut far).await),
        ("one".to_owned(), "BYE".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_what_may_only_be_sent_later() {
    let rate = Rate {
        burst: 1,
        every: Duration::from_secs(60),
    };
    let (chat, sender) = chat(Some(rate));
    let mut far = connection(&sender).await;
    let handle = chat.handle().clone();
    handle.say("ops", "one\ntwo").await.unwrap();
    handle.close();
    let began = Instant::now();
    let serve = async {
        let lines = (line(&mut far).await, line(&mut far).await);
        drop(far);
        lines
    };
    let (lines, _) = tokio::join!(serve, chat.collect::<Vec<_>>());
    assert_eq!(lines, ("one".to_owned(), "BYE".to_owned()));
    assert_eq!(began.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_place_is_taken_is_read_and_answered_for_a_while_and_ended() {
    let (mut chat, sender) = chat(None);
    let mut old = connection(&sender).await;
    old.write_all(b"RENEW\r\nRENEW\r\none\r\n").await.unwrap();
    assert_eq!(message(&mut chat).await.text, "one");
    let mut new = connection(&sender).await;
    new.write_all(b"new\r\n").await.unwrap();
    let began = Instant::now();
    let there = message(&mut chat).await;
    assert_eq!(there.text, "new");
    let serve = async {
        // What is posted goes over the new one, once it is there.
        there.reply("here").await.unwrap();
        assert_eq!(line(&mut new).await, "here");
        old.write_all(b"RENEW\r\nPING\r\ntwo\r\n").await.unwrap();
        assert_eq!(line(&mut old).await, "PONG");
        let end = line(&mut old).await;
        new.write_all(b"three\r\n").await.unwrap();
        (end, began.elapsed().as_secs())
    };
    let listen = async {
        let mut all = Vec::new();
        while all.len() < 2 {
            match chat.next().await.unwrap() {
                Event::Message(message) => all.push(message.text),
                // Nobody is told of another connection.
                other => panic!("{other:?}"),
            }
        }
        all
    };
    let ((end, seconds), all) = tokio::join!(serve, listen);
    assert_eq!((end.as_str(), seconds), ("", 30));
    assert_eq!(all, ["two", "three"]);
}

#[tokio::test(start_paused = true)]
async fn where_no_other_takes_its_place_a_connection_that_has_ended_is_a_gap() {
    let (mut chat, sender) = chat(None);
    let mut old = connection(&sender).await;
    old.write_all(b"RENEW\r\none\r\n").await.unwrap();
    assert_eq!(message(&mut chat).await.text, "one");
    drop(old);
    let began = Instant::now();
    let listen = async {
        let mut told = Vec::new();
        loop {
            match chat.next().await.unwrap() {
                Event::Gap(gap) => return (gap.reason, told, chat),
                Event::Notice(notice) => told.push(notice),
                other => panic!("{other:?}"),
            }
        }
    };
    let serve = async {
        // The attempt to make another takes as long as it may.
        sleep(Duration::from_secs(11)).await;
        connection(&sender).await
    };
    let ((reason, told, _chat), _far) = tokio::join!(listen, serve);
    assert_eq!(reason, "the connection ended");
    assert_eq!(told[0], "the connection ended; trying again");
    assert!(began.elapsed() >= Duration::from_secs(10));
}
