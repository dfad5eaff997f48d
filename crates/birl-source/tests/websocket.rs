//! WebSocket sources against servers of another code base, on loopback.

mod peer;

use std::time::Duration;

use birl_source::live::{Source, Template};
use futures::{SinkExt, StreamExt};
use peer::{Server, followed, lines_until, next, next_lines, read_head, source};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, accept_async};

fn feed(server: &Server) -> Source {
    source(&format!("ws://{}/feed", server.address))
}

async fn accept(server: &Server) -> WebSocketStream<TcpStream> {
    accept_async(server.accept_raw().await).await.unwrap()
}

fn is_gap(line: &str) -> bool {
    line.contains("\"birl.gap\":true")
}

#[tokio::test]
async fn messages_are_lines_and_objects_of_several_lines_one() {
    let server = Server::start().await;
    let mut follow = followed(feed(&server));
    let serve = async {
        let mut socket = accept(&server).await;
        for text in [
            "{\"a\":\n 1}",
            "two\nlines\n",
            "",
            "  indented",
            "{no\njson",
        ] {
            socket.send(Message::text(text)).await.unwrap();
        }
        socket
            .send(Message::binary(&b"{\"b\":2}"[..]))
            .await
            .unwrap();
        socket.send(Message::binary(&b"\xff"[..])).await.unwrap();
        socket.send(Message::text("end")).await.unwrap();
        socket
    };
    let read = async {
        let mut all = Vec::new();
        while all.last().map(String::as_str) != Some("end\n") {
            all.extend(next(&mut follow).await);
        }
        all
    };
    let (_socket, all) = tokio::join!(serve, read);
    assert_eq!(
        all,
        [
            "{\"a\":  1}\n",
            "two\nlines\n",
            "  indented\n",
            "{no\njson\n",
            "{\"b\":2}\n",
            "!a message is not text, and left out",
            "end\n"
        ]
    );
}

#[tokio::test]
async fn messages_of_all_lengths_come_whole_and_in_order() {
    let server = Server::start().await;
    let mut follow = followed(feed(&server));
    // Around what is looked at, read and handed on at once.
    let lengths = [
        1, 63, 64, 65, 1000, 70_000, 131_072, 262_143, 262_144, 300_000,
    ];
    let message = |n: usize| {
        let text = match n % 3 {
            0 => "ä",
            _ => "x",
        };
        let text = text.repeat(lengths[n % lengths.len()]);
        format!("{{\"n\":{n},\"text\":\"{text}\"}}")
    };
    let expected: Vec<String> = (0..60).map(message).collect();
    let serve = async {
        let mut socket = accept(&server).await;
        for (n, text) in expected.iter().enumerate() {
            let message = match n % 7 {
                6 => Message::binary(text.as_bytes().to_vec()),
                _ => Message::text(text.as_str()),
            };
            socket.send(message).await.unwrap();
        }
        socket.send(Message::text("end")).await.unwrap();
        socket
    };
    let (_socket, mut lines) = tokio::join!(serve, lines_until(&mut follow, "end"));
    lines.pop();
    assert!(lines == expected, "{} lines", lines.len());
}

#[tokio::test]
async fn line_ends_are_seen_wherever_they_stand() {
    let server = Server::start().await;
    let mut follow = followed(feed(&server));
    let places = 1..140;
    let message = |at: usize| {
        let spaces = " ".repeat(140 - at);
        format!("{{{}\n{spaces}\"n\":{at}}}", " ".repeat(at))
    };
    let serve = async {
        let mut socket = accept(&server).await;
        for at in places.clone() {
            socket.send(Message::text(message(at))).await.unwrap();
        }
        socket.send(Message::text("end")).await.unwrap();
        socket
    };
    let (_socket, mut lines) = tokio::join!(serve, lines_until(&mut follow, "end"));
    lines.pop();
    let expected = places.clone().map(|at| message(at).replace('\n', " "));
    assert_eq!(lines, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_server_that_dies_in_mid_talk_leaves_a_gap_and_nothing_else_missing() {
    let server = Server::start().await;
    let mut source = feed(&server);
    source.options.subscribe = vec![Template::new("FROM {cursor:0}"), Template::new("GO")];
    source.options.cursor = Some("n".parse().unwrap());
    let mut follow = followed(source);
    let serve = async {
        // Each life of the server sends on from where the last was told to have ended.
        let mut lives = Vec::new();
        let mut sent = 0;
        for life in 0..4 {
            let mut socket = accept(&server).await;
            let from = socket.next().await.unwrap().unwrap().into_text().unwrap();
            let go = socket.next().await.unwrap().unwrap().into_text().unwrap();
            assert_eq!(go.as_str(), "GO");
            lives.push(from.to_string());
            let number = |text: &str| text["FROM ".len()..].parse::<u32>().unwrap();
            let resumed = number(&from);
            assert!(resumed <= sent);
            for n in resumed + 1..=resumed + 50 {
                let message = format!("{{\"n\":{n}}}");
                socket.send(Message::text(message)).await.unwrap();
                sent = sent.max(n);
            }
            match life {
                // Without a word.
                0 => drop(socket),
                // Half a frame.
                1 => {
                    let mut stream = socket.into_inner();
                    stream.write_all(&[0x81, 100, b'x']).await.unwrap();
                }
                2 => {
                    let stream = socket.into_inner();
                    // What has not been read by then is lost, as when a machine loses its power.
                    stream.set_zero_linger().unwrap();
                }
                _ => {
                    socket.send(Message::text("end")).await.unwrap();
                    return (lives, socket);
                }
            }
        }
        unreachable!("the last life returns")
    };
    let ((lives, _socket), lines) = tokio::join!(serve, lines_until(&mut follow, "end"));
    assert_eq!(lives[0], "FROM 0");
    let gaps = lines.iter().filter(|line| is_gap(line)).count();
    assert_eq!(gaps, 3, "{lines:?}");
    let numbers: Vec<u32> = lines
        .iter()
        .filter_map(|line| {
            line.strip_prefix("{\"n\":")?
                .strip_suffix('}')?
                .parse()
                .ok()
        })
        .collect();
    let last = *numbers.last().unwrap();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_gap_is_a_record_that_says_how_long_and_why() {
    let server = Server::start().await;
    let mut follow = followed(feed(&server));
    let serve = async {
        let mut socket = accept(&server).await;
        socket.send(Message::text("one")).await.unwrap();
        let close = CloseFrame {
            code: CloseCode::Restart,
            reason: "back soon".into(),
        };
        socket.close(Some(close)).await.unwrap();
        let mut socket = accept(&server).await;
        socket.send(Message::text("two")).await.unwrap();
        socket
    };
    let (_socket, lines) = tokio::join!(serve, lines_until(&mut follow, "two"));
    let gap: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
    assert_eq!(gap["level"], "warn");
    assert_eq!(gap["birl.gap"], true);
    assert_eq!(gap["source"], feed(&server).origin().to_string());
    let seconds = gap["seconds"].as_f64().unwrap();
    assert_eq!(
        gap["message"],
        format!("gap of {seconds} s: the server closed the connection with code 1012 (back soon)")
    );
}

#[tokio::test]
async fn refusals_at_first_end_the_source_where_trying_again_is_of_no_use() {
    for (answer, reason) in [
        (
            "HTTP/1.1 401 Unauthorized\r\n\r\n",
            "the server answers 401 Unauthorized",
        ),
        (
            "HTTP/1.1 404 Not Found\r\n\r\n",
            "the server answers 404 Not Found",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "the server answers 200 OK, and not as a WebSocket",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-accept: bm90IHRoZSByaWdodCBrZXk=\r\n\r\n",
            "the server's answer belongs to another request",
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: ftp://h/\r\n\r\n",
            "it redirects to \"ftp://h/\": that is less safe, or something else",
        ),
    ] {
        let server = Server::start().await;
        let mut follow = followed(feed(&server));
        let (_, told) = tokio::join!(server.answer(answer), next(&mut follow));
        assert_eq!(told, Some(format!("!!cannot connect to: {reason}")));
        assert_eq!(next(&mut follow).await, None);
    }
}

#[tokio::test]
async fn refusals_for_now_are_tried_again() {
    let server = Server::start().await;
    let mut follow = followed(feed(&server));
    let serve = async {
        server
            .answer("HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\n\r\n")
            .await;
        server
            .answer("HTTP/1.1 429 Too Many Requests\r\n\r\n")
            .await;
        // Not even an answer.
        drop(server.accept_raw().await);
        server.answer("garbage\r\n\r\n").await;
    };
    let read = async {
        let mut all = Vec::new();
        while let Some(told) = next(&mut follow).await {
            all.push(told);
        }
        all
    };
    let ((), all) = tokio::join!(serve, read);
    assert_eq!(all.len(), 4, "{all:?}");
    assert_eq!(
        all[0],
        "!the server answers 503 Service Unavailable; trying again"
    );
    assert_eq!(
        all[1],
        "!the server answers 429 Too Many Requests; trying again"
    );
    assert!(all[2].ends_with("; trying again"), "{all:?}");
    assert!(
        all[3].starts_with("!!cannot connect to: the server does not speak HTTP"),
        "{all:?}"
    );
}

#[tokio::test]
async fn what_refuses_a_source_that_has_worked_is_not_for_ever() {
    let server = Server::start().await;
    let mut follow = followed(feed(&server));
    let serve = async {
        let mut socket = accept(&server).await;
        socket.send(Message::text("one")).await.unwrap();
        drop(socket);
        server.answer("HTTP/1.1 404 Not Found\r\n\r\n").await;
        let mut socket = accept(&server).await;
        socket.send(Message::text("two")).await.unwrap();
        socket
    };
    let (_socket, lines) = tokio::join!(serve, lines_until(&mut follow, "two"));
    assert!(
        matches!(&lines[..], [one, gap, _] if one == "one" && is_gap(gap)),
        "{lines:?}"
    );
}

#[tokio::test]
async fn codes_of_policy_end_a_source_that_never_worked_and_others_do_not() {
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
        let mut follow = followed(feed(&server));
        let serve = async {
            let mut socket = accept(&server).await;
            let close = CloseFrame {
                code: code.into(),
                reason: "".into(),
            };
            socket.close(Some(close)).await.unwrap();
            // It is answered with the same code.
            let answer = socket.next().await.unwrap().unwrap();
            assert!(matches!(answer, Message::Close(Some(close)) if u16::from(close.code) == code));
        };
        let ((), told) = tokio::join!(serve, next(&mut follow));
        let told = told.unwrap();
        assert_eq!(told.starts_with("!!"), is_final, "{told}");
        assert!(told.contains(&format!("code {code}")), "{told}");
    }
}

#[tokio::test]
async fn a_redirection_is_followed_with_its_headers() {
    let first = Server::start().await;
    let second = Server::start().await;
    let mut source = feed(&first);
    let (name, value) = birl_net::request::header("X-Key: secret").unwrap();
    source.options.headers.insert(name, value);
    let mut follow = followed(source);
    let serve = async {
        let mut stream = first.accept_raw().await;
        assert!(read_head(&mut stream).await.contains("x-key: secret"));
        let answer = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /other\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        let mut stream = first.accept_raw().await;
        let head = read_head(&mut stream).await;
        assert!(head.starts_with("GET /other HTTP/1.1") && head.contains("x-key: secret"));
        let answer = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: ws://{}/\r\n\r\n",
            second.address
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        // A stranger is not given the key.
        let mut stream = second.accept_raw().await;
        assert!(!read_head(&mut stream).await.contains("secret"));
        stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            .await
            .unwrap();
    };
    let ((), told) = tokio::join!(serve, next(&mut follow));
    assert_eq!(
        told.as_deref(),
        Some("!!cannot connect to: the server answers 403 Forbidden")
    );
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_left_out_and_the_connection_goes_on() {
    let server = Server::start().await;
    let mut source = feed(&server);
    source.options.message_bytes_max = 1000;
    let mut follow = followed(source);
    let serve = async {
        let mut socket = accept(&server).await;
        for length in [1000, 1001, 1_000_000] {
            let text = "x".repeat(length);
            socket.send(Message::text(text)).await.unwrap();
        }
        socket.send(Message::text("end")).await.unwrap();
        socket
    };
    let all = async {
        let mut all = Vec::new();
        while all.last().is_none_or(|last| last != "end") {
            let next = next(&mut follow).await.unwrap();
            all.extend(next.lines().map(str::to_owned));
        }
        all
    };
    let (_socket, all) = tokio::join!(serve, all);
    let (whole, told) = all.split_first().unwrap();
    assert_eq!(whole.len(), 1000);
    assert_eq!(
        told,
        [
            "!a message is longer than 1000 bytes, and left out; \
             --message-max, or message_max in a file of rules, allows more",
            "!2 messages so far are longer than 1000 bytes, and left out",
            "end"
        ]
    );
}

#[tokio::test]
async fn text_that_is_not_utf8_ends_the_connection_with_its_code() {
    let server = Server::start().await;
    let mut follow = followed(feed(&server));
    let serve = async {
        let mut socket = accept(&server).await;
        socket.get_mut().write_all(b"\x81\x01\xff").await.unwrap();
        let close = socket.next().await.unwrap().unwrap();
        assert!(matches!(close, Message::Close(Some(close)) if u16::from(close.code) == 1007));
    };
    let ((), told) = tokio::join!(serve, next(&mut follow));
    assert_eq!(
        told.as_deref(),
        Some("!a message of text is not UTF-8; trying again")
    );
}

#[tokio::test]
async fn a_flood_of_pings_is_answered_and_does_not_stop_messages() {
    let server = Server::start().await;
    let mut follow = followed(feed(&server));
    let serve = async {
        let mut socket = accept(&server).await;
        for _ in 0..20_000 {
            socket.feed(Message::Ping("?".into())).await.unwrap();
        }
        socket.send(Message::text("end")).await.unwrap();
        let pong = socket.next().await.unwrap().unwrap();
        assert_eq!(pong, Message::Pong("?".into()));
        socket
    };
    let (_socket, lines) = tokio::join!(serve, lines_until(&mut follow, "end"));
    assert_eq!(lines, ["end"]);
}

#[tokio::test]
async fn a_silent_server_is_asked_and_then_given_up() {
    let server = Server::start().await;
    let mut source = feed(&server);
    source.options.ping_after = Duration::from_millis(20);
    source.options.pong_timeout = Duration::from_millis(50);
    let mut follow = followed(source);
    let serve = async {
        // Half open: it says nothing, whatever it is asked.
        let mut silent = accept(&server).await;
        let mut socket = accept(&server).await;
        let mut asked = Vec::new();
        while let Some(Ok(message)) = silent.next().await {
            asked.push(message);
        }
        assert!(
            matches!(&asked[..], [Message::Ping(_), Message::Close(Some(_))]),
            "{asked:?}"
        );
        socket.send(Message::text("end")).await.unwrap();
        socket
    };
    let (_socket, lines) = tokio::join!(serve, lines_until(&mut follow, "end"));
    assert!(
        lines[0].contains("the server said nothing for 0.07 s"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn an_attempt_that_stalls_is_given_up() {
    let server = Server::start().await;
    let mut source = feed(&server);
    source.options.connect_timeout = Duration::from_millis(50);
    let mut follow = followed(source);
    let serve = async {
        let _stalled = server.accept_raw().await;
        let mut socket = accept(&server).await;
        socket.send(Message::text("end")).await.unwrap();
        socket
    };
    let read = async { (next(&mut follow).await, next_lines(&mut follow).await) };
    let (_socket, (told, line)) = tokio::join!(serve, read);
    assert_eq!(
        told.as_deref(),
        Some("!no answer within 0.05 s; trying again")
    );
    assert_eq!(line, "end\n");
}
