//! Files and events over HTTP, on loopback, from servers that the tests play.

mod peer;

use std::io::Write;
use std::time::{Duration, SystemTime};

use birl_source::follow::{Event, Follow, Options, follow};
use birl_source::name::Name;
use futures::StreamExt;
use peer::{Server, followed, next, next_lines, read_head, source};
use tokio::io::AsyncWriteExt;

fn reads(server: &Server, path: &str) -> Follow {
    followed(source(&format!("http://{}/{path}", server.address)))
}

/// All that comes until the source is over, what is said of it behind a `!`, lines cut apart.
async fn all(mut follow: Follow) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    while let Some(next) = next(&mut follow).await {
        match next.starts_with('!') {
            true => all.push(next),
            false => all.extend(next.lines().map(str::to_owned)),
        }
    }
    all
}

/// An answer with this body.
fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("{head}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

async fn serve(server: &Server, bytes: &[u8]) -> String {
    let mut stream = server.accept_raw().await;
    let asked = read_head(&mut stream).await;
    // Whoever asked may have had enough.
    let _ = stream.write_all(bytes).await;
    asked
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Whether a request has this header, in any case.
fn has(asked: &str, header: &str) -> bool {
    asked.lines().any(|line| line.eq_ignore_ascii_case(header))
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain";

#[tokio::test]
async fn a_file_is_read_to_its_end_and_the_source_is_over() {
    let server = Server::start().await;
    let follow = reads(&server, "a.log?b");
    let body = answer(OK, b"one\ntwo\nwithout end");
    let (asked, lines) = tokio::join!(serve(&server, &body), all(follow));
    assert!(asked.starts_with("GET /a.log?b HTTP/1.1\r\n"), "{asked}");
    assert_eq!(lines, ["one", "two", "without end"]);
}

#[tokio::test]
async fn a_compressed_file_is_decompressed_whatever_it_is_called() {
    let text: String = (0..50_000).map(|n| format!("line {n} of many\n")).collect();
    let server = Server::start().await;
    let follow = reads(&server, "log");
    let body = answer(OK, &gzip(text.as_bytes()));
    let (_, lines) = tokio::join!(serve(&server, &body), all(follow));
    assert_eq!(lines.len(), 50_000);
    assert!(lines.iter().map(String::as_str).eq(text.lines()));
}

#[tokio::test]
async fn what_is_wrong_with_a_compressed_file_is_told_behind_what_could_be_read() {
    let whole = gzip(&b"a line\n".repeat(10));
    let server = Server::start().await;
    let follow = reads(&server, "log.gz");
    let body = answer(OK, &whole[..whole.len() - 6]);
    let (_, lines) = tokio::join!(serve(&server, &body), all(follow));
    assert_eq!(lines.len(), 11);
    assert_eq!(lines[10], "!!cannot read: unexpected end of gzip data");
}

/// What a file that breaks off behind `one\ntw` becomes where the server goes on like this, and how
/// it was asked to.
async fn resumed(head: &str, answers: &[Vec<u8>]) -> (String, Vec<String>) {
    let server = Server::start().await;
    let follow = reads(&server, "a");
    let begin = format!("{OK}\r\n{head}\r\nContent-Length: 14\r\n\r\none\ntw");
    let serve_all = async {
        serve(&server, begin.as_bytes()).await;
        let mut asked = String::new();
        for answer in answers {
            asked = serve(&server, answer).await;
        }
        asked
    };
    tokio::join!(serve_all, all(follow))
}

/// The lines, and the notices. They come in no order: the first lines wait until it is known what the
/// file is.
fn apart(all: Vec<String>) -> (Vec<String>, Vec<String>) {
    let is_line = |line: &String| !line.starts_with('!');
    let (lines, told): (Vec<_>, Vec<_>) = all.into_iter().partition(is_line);
    let told = told.into_iter();
    let told = told.filter(|told| !told.starts_with("!connected again"));
    (lines, told.collect())
}

const LOST: &str = "!the connection ended within the answer; trying again";

#[tokio::test]
async fn a_file_goes_on_where_the_connection_was_lost() {
    let part = "HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes 6-13/14";
    let answers = [b"".to_vec(), answer(part, b"o\nthree\n")];
    let (asked, lines) = resumed("ETag: \"v1\"", &answers).await;
    assert!(has(&asked, "range: bytes=6-"), "{asked}");
    let (lines, told) = apart(lines);
    assert_eq!(lines, ["one", "two", "three"]);
    assert_eq!(told[0], LOST);

    // A server that knows no ranges sends all of it again.
    let whole = answer(&format!("{OK}\r\nETag: \"v1\""), b"one\ntwo\nthree\n");
    let (_, lines) = resumed("ETag: \"v1\"", &[whole]).await;
    let (lines, told) = apart(lines);
    assert_eq!(lines, ["one", "two", "three"]);
    assert_eq!(told, [LOST]);
}

#[tokio::test]
async fn a_file_that_has_changed_does_not_go_on() {
    let cases = [
        (
            "ETag: \"v1\"",
            answer(&format!("{OK}\r\nETag: \"v2\""), b"other\nother\nother\n"),
            "the file has changed since its beginning was read",
        ),
        (
            "ETag: W/\"v1\"",
            answer(&format!("{OK}\r\nETag: W/\"v1\""), b"one\ntwo\nthree\n"),
            "the server does not tell whether the file is still the same",
        ),
        (
            "Last-Modified: Sat, 14 Mar 2026 14:05:30 GMT",
            answer(
                "HTTP/1.1 206 Partial Content\r\nLast-Modified: Sat, 14 Mar 2026 14:05:30 GMT\r\nContent-Range: bytes 0-13/14",
                b"one\ntwo\nthree\n",
            ),
            "the server sends another part of the file",
        ),
        (
            "ETag: \"v1\"",
            answer("HTTP/1.1 404 Not Found", b""),
            "the server answers 404 Not Found",
        ),
    ];
    for (head, again, reason) in cases {
        let (_, lines) = resumed(head, &[again]).await;
        let (lines, told) = apart(lines);
        // What had come of the line that broke off is given.
        assert_eq!(lines, ["one", "tw"]);
        assert_eq!(told, [LOST, &format!("!!cannot read all of: {reason}")]);
    }
}

#[tokio::test]
async fn what_cannot_be_had_is_told_and_the_source_is_over() {
    let server = Server::start().await;
    let follow = reads(&server, "nothing");
    let body = answer("HTTP/1.1 404 Not Found", b"no such log");
    let (_, lines) = tokio::join!(serve(&server, &body), all(follow));
    assert_eq!(
        lines,
        ["!!cannot connect to: the server answers 404 Not Found: no such log"]
    );
}

#[tokio::test]
async fn a_redirection_is_followed() {
    let server = Server::start().await;
    let follow = reads(&server, "a");
    let served = async {
        serve(&server, &answer("HTTP/1.1 302 Found\r\nLocation: /b", b"")).await;
        serve(&server, &answer(OK, b"here\n")).await
    };
    let (asked, lines) = tokio::join!(served, all(follow));
    assert!(asked.starts_with("GET /b HTTP/1.1"), "{asked}");
    assert_eq!(lines, ["here"]);
}

/// A file that is followed, and asked again at once.
fn follows(server: &Server, from_end: bool) -> Follow {
    let mut source = source(&format!("http://{}/x.log", server.address));
    source.options.follows = true;
    source.options.from_end = from_end;
    source.options.poll_first = std::time::Duration::ZERO;
    source.options.poll_max = std::time::Duration::ZERO;
    followed(source)
}

fn part(start: usize, whole: &[u8]) -> Vec<u8> {
    let (last, all) = (whole.len() - 1, whole.len());
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{last}/{all}\r\nETag: \"{all}\""
    );
    answer(&head, &whole[start..])
}

const NOT_MODIFIED: &[u8] = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_file_that_grows_is_followed() {
    let server = Server::start().await;
    let mut follow = follows(&server, false);
    let whole = b"one\ntwo\nthree\nfour\n";
    let served = async {
        let asked = serve(
            &server,
            &answer(&format!("{OK}\r\nETag: \"6\""), &whole[..6]),
        )
        .await;
        assert!(!asked.contains("ange:"), "{asked}");
        let asked = serve(&server, NOT_MODIFIED).await;
        assert!(has(&asked, "if-none-match: \"6\""), "{asked}");
        // What is known is asked for once more.
        assert!(has(&asked, "range: bytes=0-"), "{asked}");
        serve(&server, &part(0, &whole[..11])).await;
        // The connection is lost within what is new, and a server that is away comes back.
        let mut cut = part(0, &whole[..19]);
        cut.truncate(cut.len() - 3);
        serve(&server, &cut).await;
        serve(
            &server,
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        )
        .await;
        // Another server that knows no ranges has the same file.
        let asked = serve(&server, &answer(OK, whole)).await;
        assert!(has(&asked, "if-none-match: \"11\""), "{asked}");
    };
    let read = async {
        let mut lines = String::new();
        while lines.len() < whole.len() {
            lines += &next_lines(&mut follow).await;
        }
        lines
    };
    let ((), lines) = tokio::join!(served, read);
    assert_eq!(lines.as_bytes(), whole);
}

#[tokio::test]
async fn another_file_in_the_place_of_one_that_grew_is_read_from_its_beginning() {
    let cut = b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */2\r\nContent-Length: 0\r\n\r\n";
    let cases = [
        (cut.to_vec(), "the file is shorter than it was"),
        (answer(OK, b"one\n"), "the file is shorter than it was"),
        (
            answer(OK, b"new\nnew\nnew\n"),
            "another file is in its place",
        ),
        (part(0, b"new\nnew\nnew\n"), "another file is in its place"),
    ];
    for (again, reason) in cases {
        let server = Server::start().await;
        let mut follow = follows(&server, false);
        let served = async {
            serve(&server, &answer(OK, b"one\ntwo\nrest")).await;
            serve(&server, &again).await;
            let asked = serve(&server, &answer(OK, b"new\n")).await;
            assert!(!asked.contains("range:"), "{asked}");
        };
        let read = async {
            let mut all = Vec::new();
            while all.last().map(String::as_str) != Some("new\n") {
                all.extend(next(&mut follow).await);
            }
            all
        };
        let ((), all) = tokio::join!(served, read);
        let gap = all.iter().find(|it| it.contains("birl.gap")).unwrap();
        assert!(gap.contains(reason), "{gap}");
        let (mut lines, told) = apart(all);
        lines.retain(|line| !line.contains("birl.gap"));
        // What had come of a line that does not go on is given as well.
        assert_eq!(lines, ["one\ntwo\n", "rest", "new\n"]);
        assert_eq!(told, [format!("!{reason}; reading it from its beginning")]);
    }
}

#[tokio::test]
async fn of_a_file_that_grows_only_what_is_new_may_be_wanted() {
    let server = Server::start().await;
    let mut follow = follows(&server, true);
    let whole = b"one\ntwo\nthree\n";
    let served = async {
        serve(&server, &answer(OK, &whole[..6])).await;
        serve(&server, &part(0, whole)).await;
    };
    let ((), lines) = tokio::join!(served, next_lines(&mut follow));
    // The line that had begun ends behind that.
    assert_eq!(lines, "two\nthree\n");
}

#[tokio::test]
async fn a_file_that_grows_is_read_on_where_another_process_was() {
    // Of a line that is longer than what is asked for once more, all that stands before it is known, too.
    for begun in ["three", &"3".repeat(3000)] {
        assert_read_on_behind(begun).await;
    }
}

/// Has a process stop when two lines and some of `begun` have come, and another go on.
async fn assert_read_on_behind(begun: &str) {
    let whole = format!("one\ntwo\n{begun}\nfour\n").into_bytes();
    let server = Server::start().await;
    let mut feed = source(&format!("http://{}/grows.log", server.address));
    feed.options.follows = true;
    feed.options.tells_place = true;
    let since = Options {
        live_since: Some(SystemTime::now()),
        ..Options::default()
    };
    // A line that has begun is not behind it.
    let mut before = follow(vec![Name::Live(Box::new(feed.clone()))], Options::default());
    let first = answer(OK, &whole[..begun.len() + 5]);
    let (_, place) = tokio::join!(serve(&server, &first), last_place(&mut before));
    drop(before);
    feed.options.resume_from = Some(place);
    // What was there before is asked for from its last bytes on; or comes once more, from another server.
    for again in [part(0, &whole), answer(OK, &whole)] {
        let mut after = follow(vec![Name::Live(Box::new(feed.clone()))], since.clone());
        let (asked, lines) = tokio::join!(serve(&server, &again), next_data(&mut after));
        assert!(has(&asked, "range: bytes=0-"), "{asked}");
        assert!(!asked.contains("birl-place"), "{asked}");
        // And nothing tells of a gap before.
        assert_eq!(lines, format!("{begun}\nfour\n"));
    }
    // Of another file it is told that something is missing, and for how long it was not looked.
    let since = Options {
        live_since: Some(SystemTime::now() - Duration::from_secs(1000)),
        ..since
    };
    let mut after = follow(vec![Name::Live(Box::new(feed))], since);
    let served = async {
        serve(&server, &answer(OK, b"new\nnew\nnew\n")).await;
        serve(&server, &answer(OK, b"new\nnew\nnew\n")).await;
    };
    let read = async { (next_data(&mut after).await, next_data(&mut after).await) };
    let ((), (gap, lines)) = tokio::join!(served, read);
    assert!(gap.contains("another file is in its place"), "{gap}");
    let gap: serde_json::Value = serde_json::from_str(&gap).unwrap();
    assert!(gap["seconds"].as_f64().unwrap() >= 1000.0, "{gap}");
    assert_eq!(lines, "new\nnew\nnew\n");
}

async fn next_data(follow: &mut Follow) -> String {
    loop {
        if let Event::Data { bytes, .. } = follow.next().await.unwrap() {
            return String::from_utf8(bytes.to_vec()).unwrap();
        }
    }
}

/// How far a file of which two lines have come has been read.
async fn last_place(follow: &mut Follow) -> String {
    loop {
        if let Event::Data {
            place: Some(place), ..
        } = follow.next().await.unwrap()
        {
            return place.to_string();
        }
    }
}

const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n";

#[tokio::test]
async fn events_are_records_and_go_on_behind_the_last_one() {
    let server = Server::start().await;
    let mut follow = reads(&server, "events");
    let first = format!(
        "{EVENTS}: hello\n\nevent: deploy\nid: 41\ndata: {{\"n\":\ndata: 1}}\n\ndata: lost"
    );
    let served = async {
        let asked = serve(&server, first.as_bytes()).await;
        assert!(has(&asked, "accept: text/event-stream, */*"), "{asked}");
        let asked = serve(&server, format!("{EVENTS}data: two\n\n").as_bytes()).await;
        assert!(has(&asked, "last-event-id: 41"), "{asked}");
        let asked = serve(&server, b"HTTP/1.1 204 No Content\r\n\r\n").await;
        assert!(has(&asked, "last-event-id: 41"), "{asked}");
    };
    let read = async {
        let first = next_lines(&mut follow).await;
        assert_eq!(
            first,
            "{\"n\": 1,\"sse.event\":\"deploy\",\"sse.id\":\"41\"}\n"
        );
        let gap = next_lines(&mut follow).await;
        assert!(gap.contains("\"birl.gap\":true"), "{gap}");
        assert!(gap.contains("\"cursor\":\"41\""), "{gap}");
        assert_eq!(next_lines(&mut follow).await, "two\n");
        all(follow).await
    };
    let ((), rest) = tokio::join!(served, read);
    assert_eq!(rest.last().unwrap(), "!the server has no more events");
}

#[tokio::test]
async fn events_go_on_behind_the_last_one_of_another_process() {
    let server = Server::start().await;
    let mut source = source(&format!("http://{}/events?from={{cursor}}", server.address));
    assert_eq!(
        source.cursor_path().unwrap().find(b"{\"sse.id\":\"7\"}"),
        Some("7".to_owned())
    );
    source.options.resume_from = Some("7".to_owned());
    let mut follow = followed(source);
    let served = async {
        let asked = serve(&server, format!("{EVENTS}data: eight\n\n").as_bytes()).await;
        assert!(has(&asked, "last-event-id: 7"), "{asked}");
        assert!(asked.starts_with("GET /events?from=7 "), "{asked}");
    };
    let ((), lines) = tokio::join!(served, next_lines(&mut follow));
    assert_eq!(lines, "eight\n");
}

#[tokio::test]
async fn an_event_that_is_too_long_is_left_out_and_gone_on_behind() {
    let server = Server::start().await;
    let mut source = source(&format!("http://{}/events", server.address));
    source.options.message_bytes_max = 100;
    let mut follow = followed(source);
    let long = "x".repeat(101);
    let first = format!("{EVENTS}data: one\n\ndata: {long}\nid: 8\ndata: more\n\ndata: three\n\n");
    let served = async {
        serve(&server, first.as_bytes()).await;
        // Nor does it come again.
        let asked = serve(&server, format!("{EVENTS}data: four\n\n").as_bytes()).await;
        assert!(has(&asked, "last-event-id: 8"), "{asked}");
    };
    let read = async {
        let mut told = Vec::new();
        while told.last().map(String::as_str) != Some("four\n") {
            told.extend(next(&mut follow).await);
        }
        told
    };
    let ((), told) = tokio::join!(served, read);
    assert_eq!(
        told[..3],
        [
            "one\n",
            "!a message is longer than 100 bytes, and left out; --message-max, or message_max in a \
             file of rules, allows more",
            "three\n",
        ]
    );
}
