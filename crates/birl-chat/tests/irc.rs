//! IRC against servers that the test plays: what no server at hand does.

mod peer;

use birl_chat::irc::{Account, Room};
use birl_chat::{Event, Events, Irc, Post, connect};
use birl_net::Secret;
use birl_net::secret::Text;
use futures::{SinkExt, StreamExt};
use peer::{Server, at_once, happens, message};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

fn literal(text: &str) -> Text {
    Text::Literal(Secret::new(text))
}

fn bot(server: &Server) -> Irc {
    let mut irc = Irc::new(&format!("irc://{}", server.address), "birl").unwrap();
    at_once(&mut irc.options);
    irc.rate = None;
    irc
}

/// The server's side of a connection.
struct Peer(BufReader<TcpStream>);

impl Peer {
    async fn accept(server: &Server) -> Self {
        Self(BufReader::new(server.accept_raw().await))
    }

    async fn says(&mut self, line: &str) {
        self.0
            .write_all(format!("{line}\r\n").as_bytes())
            .await
            .unwrap();
    }

    async fn hears(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        assert!(line.ends_with("\r\n"), "{line:?}");
        line.trim_end().to_owned()
    }

    /// Lets a client in that wants no more than a nick.
    async fn let_in(&mut self) {
        assert_eq!(self.hears().await, "CAP LS 302");
        self.says(":h CAP * LS :").await;
        let nick = self.hears().await;
        let nick = nick.strip_prefix("NICK ").unwrap().to_owned();
        assert_eq!(self.hears().await, format!("USER {nick} 0 * :{nick}"));
        assert_eq!(self.hears().await, "CAP END");
        self.says(&format!(":h 001 {nick} :Hello")).await;
        self.says(&format!(":h 422 {nick} :no MOTD")).await;
    }
}

async fn goes_on<T>(events: &mut Events, done: impl Future<Output = T>) -> T {
    tokio::select! {
        done = done => done,
        () = async { while events.next().await.is_some() {} } => panic!("the chat has ended"),
    }
}

#[tokio::test]
async fn capabilities_come_in_several_lines_and_are_asked_for_one_by_one_if_need_be() {
    let server = Server::start().await;
    let mut events = connect(bot(&server)).events();
    let serve = async {
        let mut peer = Peer::accept(&server).await;
        for expected in ["CAP LS 302", "NICK birl", "USER birl 0 * :birl"] {
            assert_eq!(peer.hears().await, expected);
        }
        peer.says(":h CAP * LS * :multi-prefix server-time").await;
        peer.says(":h CAP * LS :echo-message sasl=PLAIN").await;
        assert_eq!(peer.hears().await, "CAP REQ :echo-message server-time");
        peer.says(":h CAP * NAK :echo-message server-time").await;
        assert_eq!(peer.hears().await, "CAP REQ :echo-message");
        assert_eq!(peer.hears().await, "CAP REQ :server-time");
        peer.says(":h CAP * NAK :echo-message").await;
        peer.says(":h CAP * ACK :server-time ").await;
        assert_eq!(peer.hears().await, "CAP END");
        peer.says(":h 001 birl :Hello").await;
        peer.says(":h 376 birl :End").await;
        // What comes later is asked for as well.
        peer.says(":h CAP birl NEW :batch away-notify").await;
        assert_eq!(peer.hears().await, "CAP REQ :batch");
    };
    goes_on(&mut events, serve).await;
}

#[tokio::test]
async fn a_server_that_knows_no_capabilities_is_spoken_to_all_the_same() {
    let server = Server::start().await;
    let mut irc = bot(&server).room("#ops");
    irc.rooms.push(Room {
        name: "#secret".to_owned(),
        key: Some(literal("k3y")),
    });
    irc.password = Some(literal("pass word"));
    let mut events = connect(irc).events();
    let serve = async {
        let mut peer = Peer::accept(&server).await;
        let mut hello = Vec::new();
        for _ in 0..4 {
            hello.push(peer.hears().await);
        }
        assert_eq!(
            hello,
            [
                "CAP LS 302",
                "PASS :pass word",
                "NICK birl",
                "USER birl 0 * :birl"
            ]
        );
        peer.says(":h 421 * CAP :Unknown command").await;
        peer.says("PING :cookie 12").await;
        assert_eq!(peer.hears().await, "PONG :cookie 12");
        peer.says(":h 001 birl :Hello").await;
        peer.says(":h 005 birl BOT=B CHANTYPES=# :are supported")
            .await;
        peer.says(":h 422 birl :no MOTD").await;
        assert_eq!(peer.hears().await, "MODE birl +B");
        assert_eq!(peer.hears().await, "JOIN #secret k3y");
        assert_eq!(peer.hears().await, "JOIN #ops");
        peer
    };
    goes_on(&mut events, serve).await;
}

/// Has a client log in to an account, and answers `verdict`.
async fn log_in(server: &Server, verdict: &str) -> (Peer, String) {
    let mut peer = Peer::accept(server).await;
    assert_eq!(peer.hears().await, "CAP LS 302");
    peer.says(":h CAP * LS :sasl=EXTERNAL,PLAIN").await;
    peer.hears().await;
    peer.hears().await;
    assert_eq!(peer.hears().await, "CAP REQ :sasl");
    peer.says(":h CAP * ACK :sasl").await;
    assert_eq!(peer.hears().await, "AUTHENTICATE PLAIN");
    peer.says("AUTHENTICATE +").await;
    let mut shown = String::new();
    loop {
        let line = peer.hears().await;
        let chunk = line.strip_prefix("AUTHENTICATE ").unwrap();
        shown.push_str(chunk.trim_end_matches('+'));
        if chunk.len() < 400 {
            break;
        }
    }
    peer.says(verdict).await;
    (peer, shown)
}

#[tokio::test]
async fn an_account_is_logged_in_to_before_anything_else() {
    let server = Server::start().await;
    let mut irc = bot(&server);
    let password = "x".repeat(400);
    irc.account = Some(Account {
        name: "bot".to_owned(),
        password: literal(&password),
    });
    let mut events = connect(irc).events();
    let serve = async {
        let (mut peer, shown) = log_in(&server, ":h 903 birl :in").await;
        assert_eq!(peer.hears().await, "CAP END");
        shown
    };
    let shown = goes_on(&mut events, serve).await;
    use base64::Engine as _;
    let shown = base64::prelude::BASE64_STANDARD.decode(shown).unwrap();
    assert_eq!(
        String::from_utf8(shown).unwrap(),
        format!("\0bot\0{password}")
    );
}

#[tokio::test]
async fn a_wrong_password_ends_the_chat_without_showing_it() {
    let server = Server::start().await;
    let mut irc = bot(&server);
    irc.account = Some(Account {
        name: "bot".to_owned(),
        password: literal("hunter2"),
    });
    let shown = format!("{irc:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let mut events = connect(irc).events();
    let (_, told) = tokio::join!(
        log_in(&server, ":h 904 birl :SASL authentication failed"),
        happens(&mut events)
    );
    assert_eq!(
        told.unwrap(),
        format!(
            "!!cannot read \"irc://{}\": the server does not accept the account: \
             SASL authentication failed",
            server.address
        )
    );
    assert!(happens(&mut events).await.is_none());
}

#[tokio::test]
async fn who_is_banned_or_has_an_impossible_nick_is_told_so_and_gives_up() {
    for (line, reason) in [
        (
            ":h 465 birl :You are banned",
            "the server does not let us in: You are banned",
        ),
        (
            "ERROR :Closing link: (birl@h) [K-Lined: spam]",
            "the server ends the connection: Closing link: (birl@h) [K-Lined: spam]",
        ),
        (
            ":h 432 * birl :Erroneous nickname",
            "the server does not take the nick \"birl\": Erroneous nickname",
        ),
    ] {
        let server = Server::start().await;
        let mut events = connect(bot(&server)).events();
        let serve = async {
            let mut peer = Peer::accept(&server).await;
            peer.says(line).await;
            peer
        };
        let (_peer, told) = tokio::join!(serve, happens(&mut events));
        let told = told.unwrap();
        assert!(told.starts_with("!!") && told.ends_with(reason), "{told}");
    }
}

#[tokio::test]
async fn a_nick_is_found_by_whatever_the_server_lets_through() {
    let server = Server::start().await;
    let mut events = connect(bot(&server)).events();
    let serve = async {
        let mut peer = Peer::accept(&server).await;
        peer.hears().await;
        for expected in ["birl", "birl_", "birl__", "birl_3"] {
            let mut line = peer.hears().await;
            if line.starts_with("USER") {
                line = peer.hears().await;
            }
            assert_eq!(line, format!("NICK {expected}"));
            peer.says(&format!(":h 433 * {expected} :Nickname is already in use"))
                .await;
        }
    };
    goes_on(&mut events, serve).await;
}

#[tokio::test]
async fn what_the_server_sends_strangely_is_read_all_the_same() {
    let server = Server::start().await;
    let mut events = connect(bot(&server)).events();
    let serve = async {
        let mut peer = Peer::accept(&server).await;
        peer.let_in().await;
        peer.0
            .write_all(b"\r\n\n  \r\n:\r\n@\r\n\xff\xfe\r\n999999\r\n")
            .await
            .unwrap();
        peer.says(":h 005").await;
        peer.says("CAP").await;
        peer.says(":a!b@c PRIVMSG").await;
        peer.says(":birl!b@c KICK").await;
        peer.0
            .write_all(b":a!b@c PRIVMSG #x :gr\xfc\xdfe\n")
            .await
            .unwrap();
        peer
    };
    let (_peer, message) = tokio::join!(serve, message(&mut events));
    assert_eq!((&*message.room, &*message.text), ("#x", "grüße"));
}

#[tokio::test]
async fn what_is_said_and_what_is_posted_keep_their_order() {
    let server = Server::start().await;
    let mut events = connect(bot(&server)).events();
    let serve = async {
        let mut peer = Peer::accept(&server).await;
        peer.let_in().await;
        // Several lines in one packet, one over two, rooms and people by turns.
        let lines = [
            ":a!b@c PRIVMSG #x :1\r\n:b!b@c PRIVMSG #y :2\r\n:a!b@c PRIVMSG birl :3\r\n:a!b@c PRI",
            "VMSG #y :4\r\n:b!b@c PRIVMSG #x :5\r\n",
        ];
        for part in lines {
            peer.0.write_all(part.as_bytes()).await.unwrap();
        }
        let mut heard = Vec::new();
        for _ in 0..10 {
            heard.push(peer.hears().await);
        }
        heard
    };
    let answer = async {
        for n in 1..=5 {
            let message = message(&mut events).await;
            assert_eq!(message.text, n.to_string());
            // They are all there before the first is sent.
            let answer = message.answer(format!("{n}a\n{n}b"));
            message.handle().try_send(answer).unwrap();
        }
        goes_on(&mut events, std::future::pending::<()>()).await;
    };
    let heard = tokio::select! {
        heard = serve => heard,
        () = answer => unreachable!(),
    };
    let expected = [("#x", 1), ("#y", 2), ("a", 3), ("#y", 4), ("#x", 5)];
    let expected =
        expected.map(|(room, n)| ["a", "b"].map(|line| format!("PRIVMSG {room} :{n}{line}")));
    assert_eq!(heard, expected.concat());
}

#[tokio::test]
async fn what_is_said_while_we_leave_is_passed_on_in_order() {
    let server = Server::start().await;
    let mut events = connect(bot(&server)).events();
    let handle = events.handle().clone();
    let serve = async {
        let mut peer = Peer::accept(&server).await;
        peer.let_in().await;
        peer.says(":a!b@c PRIVMSG #x :before").await;
        for expected in ["PRIVMSG #x :one", "PRIVMSG #x :two"] {
            assert_eq!(peer.hears().await, expected);
        }
        let farewell = peer.hears().await;
        assert!(farewell.starts_with("QUIT"), "{farewell}");
        // It was on its way when we said so.
        for n in 1..=3 {
            peer.says(&format!(":a!b@c PRIVMSG #x :{n}")).await;
        }
        peer.says("ERROR :Closing link").await;
    };
    let listen = async {
        let mut heard = Vec::new();
        while let Some(event) = events.next().await {
            if let Event::Message(message) = event {
                if message.text == "before" {
                    for text in ["one", "two"] {
                        handle.say("#x", text).await.unwrap();
                    }
                    handle.close();
                }
                heard.push(message.text);
            }
        }
        heard
    };
    let ((), heard) = tokio::join!(serve, listen);
    assert_eq!(heard, ["before", "1", "2", "3"]);
}

#[tokio::test]
async fn what_is_posted_cannot_say_anything_else() {
    let server = Server::start().await;
    let mut events = connect(bot(&server)).events();
    let handle = events.handle().clone();
    let serve = async {
        let mut peer = Peer::accept(&server).await;
        peer.let_in().await;
        handle
            .say("#ops", "one\r\nQUIT :two\u{0}\u{1}three\n\n")
            .await
            .unwrap();
        for room in ["#a b", "#a,#b", "", ":x", "#a\r\nQUIT"] {
            handle.say(room, "no").await.unwrap();
        }
        handle.say("#end", "x").await.unwrap();
        let mut lines = Vec::new();
        while lines.last().map(String::as_str) != Some("PRIVMSG #end :x") {
            lines.push(peer.hears().await);
        }
        lines
    };
    let lines = goes_on(&mut events, serve).await;
    assert_eq!(
        lines,
        [
            "PRIVMSG #ops :one",
            "PRIVMSG #ops :QUIT :twothree",
            "PRIVMSG #end :x"
        ]
    );
}

#[tokio::test]
async fn twitch_is_spoken_to_in_its_dialect() {
    let server = Server::start().await;
    let mut irc = Irc::new(&format!("irc://{}", server.address), "Birl")
        .unwrap()
        .room("#ops");
    at_once(&mut irc.options);
    irc.is_twitch = true;
    irc.password = Some(literal("t0k3n"));
    let mut events = connect(irc).events();
    let serve = async {
        for life in 0..2 {
            let mut peer = Peer::accept(&server).await;
            assert_eq!(peer.hears().await, "CAP LS 302");
            peer.says(
                ":tmi.twitch.tv CAP * LS :twitch.tv/commands twitch.tv/membership twitch.tv/tags",
            )
            .await;
            assert_eq!(peer.hears().await, "PASS :oauth:t0k3n");
            assert_eq!(peer.hears().await, "NICK birl");
            peer.hears().await;
            assert_eq!(
                peer.hears().await,
                "CAP REQ :twitch.tv/commands twitch.tv/tags"
            );
            peer.says(":tmi.twitch.tv CAP * ACK :twitch.tv/commands twitch.tv/tags")
                .await;
            assert_eq!(peer.hears().await, "CAP END");
            peer.says(":tmi.twitch.tv 001 birl :Welcome, GLHF!").await;
            peer.says(":tmi.twitch.tv 376 birl :>").await;
            assert_eq!(peer.hears().await, "JOIN #ops");
            peer.says(":birl!birl@birl.tmi.twitch.tv JOIN #ops").await;
            peer.says(
                "@badges=;display-name=Ann;id=m1;tmi-sent-ts=1773497130500;user-id=7 \
                 :ann!ann@ann.tmi.twitch.tv PRIVMSG #ops :hi",
            )
            .await;
            if life == 0 {
                assert_eq!(
                    peer.hears().await,
                    "@reply-parent-msg-id=m1 PRIVMSG #ops :\u{200b}/ban ann"
                );
                peer.says(":tmi.twitch.tv RECONNECT").await;
                continue;
            }
            // It was said before, and is no news.
            peer.says("@id=m2 :ann!ann@ann.tmi.twitch.tv PRIVMSG #ops :end")
                .await;
            return peer;
        }
        unreachable!("the last life returns");
    };
    let listen = async {
        let first = message(&mut events).await;
        assert_eq!(first.account.as_deref(), Some("ann"));
        assert_eq!(first.time.unwrap().as_millisecond(), 1_773_497_130_500);
        first.reply("/ban ann").await.unwrap();
        message(&mut events).await.text
    };
    let (_peer, last) = tokio::join!(serve, listen);
    assert_eq!(last, "end");
}

#[tokio::test]
async fn a_token_that_twitch_does_not_take_ends_the_chat() {
    let server = Server::start().await;
    let mut irc = bot(&server);
    irc.is_twitch = true;
    let mut events = connect(irc).events();
    let serve = async {
        let mut peer = Peer::accept(&server).await;
        peer.says(":tmi.twitch.tv NOTICE * :Login authentication failed")
            .await;
        peer
    };
    let (_peer, told) = tokio::join!(serve, happens(&mut events));
    let told = told.unwrap();
    assert!(
        told.starts_with("!!") && told.ends_with("Login authentication failed"),
        "{told}"
    );
}

#[tokio::test]
async fn a_websocket_of_bytes_gets_bytes_and_one_that_minds_subprotocols_is_asked_for_none() {
    let server = Server::start().await;
    let mut irc = Irc::new(&format!("ws://{}/irc", server.address), "birl").unwrap();
    at_once(&mut irc.options);
    let mut events = connect(irc).events();
    let origin = format!("origin: http://{}\r\n", server.address);
    let serve = async {
        let stream = server.accept_raw().await;
        #[expect(clippy::result_large_err, reason = "tungstenite wants it so")]
        let choose = |request: &Request, mut response: Response| {
            let headers = request.headers();
            assert_eq!(
                headers["sec-websocket-protocol"],
                "text.ircv3.net, binary.ircv3.net"
            );
            let chosen = "binary.ircv3.net".parse().unwrap();
            response
                .headers_mut()
                .insert("sec-websocket-protocol", chosen);
            Ok(response)
        };
        let mut socket = accept_hdr_async(stream, choose).await.unwrap();
        let first = socket.next().await.unwrap().unwrap();
        assert_eq!(first, Message::binary(&b"CAP LS 302"[..]));
        // Bytes that are no UTF-8, and two lines in a frame.
        let lines = &b":h 001 birl :gr\xfc\xdfe\r\n:h 422 birl :no MOTD\r\n"[..];
        socket.send(Message::binary(lines)).await.unwrap();
        drop(socket);
        let head = server.answer("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        assert!(
            head.contains("sec-websocket-protocol: ") && head.contains(&origin),
            "{head}"
        );
        let head = server.answer("HTTP/1.1 403 Forbidden\r\n\r\n").await;
        assert!(
            !head.contains("sec-websocket-protocol: ") && head.contains(&origin),
            "{head}"
        );
        // It is remembered.
        let head = server.answer("HTTP/1.1 403 Forbidden\r\n\r\n").await;
        assert!(!head.contains("sec-websocket-protocol: "), "{head}");
    };
    goes_on(&mut events, serve).await;
}

#[test]
fn what_is_no_server_or_no_nick_is_refused() {
    for url in ["http://h", "irc://", "h:6667", "wss://"] {
        assert!(Irc::new(url, "birl").is_err(), "{url}");
    }
    for nick in ["", "two words", ":x", "a,b", "a\r\nb"] {
        assert!(Irc::new("irc://h", nick).is_err(), "{nick:?}");
    }
    let shown = format!("{:?}", Irc::new("wss://h:1/a", "x").unwrap());
    assert!(shown.contains("wss"), "{shown}");
}

#[tokio::test]
async fn a_flood_drops_the_oldest_and_goes_on_answering_pings() {
    let server = Server::start().await;
    let mut irc = bot(&server);
    irc.options.queue_bytes_max = 10_000;
    let mut events = connect(irc).events();
    let serve = async {
        let mut peer = Peer::accept(&server).await;
        peer.let_in().await;
        for n in 0..2000 {
            peer.says(&format!(":a!b@c PRIVMSG #x :{n}")).await;
        }
        peer.says("PING :there").await;
        assert_eq!(peer.hears().await, "PONG :there");
        peer.says(":a!b@c PRIVMSG #x :end").await;
        peer
    };
    let listen = async {
        let (mut came, mut dropped) = (0, 0);
        loop {
            match events.next().await.unwrap() {
                Event::Message(message) if message.text == "end" => return (came, dropped),
                Event::Message(_) => came += 1,
                Event::Dropped(count) => dropped += count,
                _ => {}
            }
        }
    };
    let (_peer, (came, dropped)) = tokio::join!(serve, listen);
    assert_eq!(came + dropped, 2000);
}

#[tokio::test]
async fn a_delivery_ends_when_the_server_has_taken_it_and_tells_why_if_it_does_not() {
    let server = Server::start().await;
    let mut events = connect(bot(&server)).events();
    let handle = events.handle().clone();
    let serve = async {
        let mut peer = Peer::accept(&server).await;
        peer.let_in().await;
        assert_eq!(peer.hears().await, "PRIVMSG #ops :one");
        assert_eq!(peer.hears().await, "PRIVMSG #ops :two");
        assert_eq!(peer.hears().await, "PING :birl-1");
        peer.says(":h PONG h :birl-1").await;
        assert_eq!(peer.hears().await, "PRIVMSG #mute :three");
        assert_eq!(peer.hears().await, "PING :birl-2");
        peer.says(":h 404 birl #Mute :Cannot send to channel").await;
        peer.says(":h PONG h :birl-2").await;
        assert_eq!(peer.hears().await, "PRIVMSG #ops :four");
        // It goes away, and nobody knows.
    };
    let deliver = async {
        let mut results = Vec::new();
        for (room, text) in [
            ("#ops", "one\ntwo"),
            ("#mute", "three"),
            ("no room", "x"),
            ("#ops", "four"),
        ] {
            results.push(handle.deliver(Post::alert(room, text)).await);
        }
        results
    };
    let both = async { tokio::join!(serve, deliver) };
    let ((), results) = goes_on(&mut events, both).await;
    assert!(results[0].is_ok(), "{results:?}");
    let denied = results[1].as_ref().unwrap_err();
    assert!(denied.is_denied());
    assert_eq!(denied.to_string(), "cannot send: Cannot send to channel");
    assert!(results[2].as_ref().unwrap_err().is_denied());
    let lost = results[3].as_ref().unwrap_err();
    assert!(lost.is_lost(), "{lost}");
}
