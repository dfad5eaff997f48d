//! Listeners, connections and commands as sources, on loopback.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use birl_source::follow::{Event, Follow, Notice, Options, follow};
use birl_source::live::{Address, Source};
use birl_source::name::Name;
use futures::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixListener, UnixStream};

fn source(address: &str) -> Source {
    quick(Address::parse(address).unwrap())
}

fn command(command: &[&str]) -> Source {
    quick(Address::Command(
        command.iter().map(|&word| word.to_owned()).collect(),
    ))
}

/// Waits are not what is tested.
fn quick(address: Address) -> Source {
    let mut source = Source::new(address);
    source.options.backoff_first = Duration::ZERO;
    source.options.backoff_max = Duration::ZERO;
    source
}

/// What is followed, with the lines of each generation.
struct Followed {
    follow: Follow,
    lines: HashMap<u64, Vec<String>>,
}

impl Followed {
    fn new(source: Source) -> Self {
        let names = vec![Name::Live(Box::new(source))];
        Self {
            follow: follow(names, Options::default()),
            lines: HashMap::new(),
        }
    }

    /// What happens next but for data, which is kept.
    async fn told(&mut self) -> String {
        loop {
            match self.follow.next().await.expect("the source goes on") {
                Event::Data {
                    generation, bytes, ..
                } => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    let lines = text.lines().map(str::to_owned);
                    self.lines.entry(generation).or_default().extend(lines);
                }
                Event::End { generation, .. } => {
                    return format!("end of {:?}", self.lines[&generation]);
                }
                Event::Notice(Notice::Live { what, .. }) => return what,
                Event::Failed { act, reason, .. } => return format!("cannot {act}: {reason}"),
                Event::CaughtUp => {}
                event => panic!("{event:?}"),
            }
        }
    }

    /// Where it listens.
    async fn address(&mut self) -> SocketAddr {
        let told = self.told().await;
        told.strip_prefix("listening on ").unwrap().parse().unwrap()
    }

    /// Waits for a line.
    async fn line(&mut self, expected: &str) {
        while !self.lines.values().flatten().any(|line| line == expected) {
            match self.follow.next().await.expect("the source goes on") {
                Event::Data {
                    generation, bytes, ..
                } => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    let lines = text.lines().map(str::to_owned);
                    self.lines.entry(generation).or_default().extend(lines);
                }
                Event::End { .. } | Event::Notice(_) | Event::CaughtUp => {}
                event => panic!("{event:?}"),
            }
        }
    }
}

#[tokio::test]
async fn connections_are_read_each_for_itself_in_lines_or_with_lengths() {
    let mut followed = Followed::new(source("tcp-listen://127.0.0.1:0"));
    let address = followed.address().await;
    let mut lines = TcpStream::connect(address).await.unwrap();
    let mut counted = TcpStream::connect(address).await.unwrap();
    lines.write_all(b"2026 be").await.unwrap();
    counted.write_all(b"9 <34>1 a b").await.unwrap();
    followed.line("<34>1 a b").await;
    lines.write_all(b"gins\nlast").await.unwrap();
    followed.line("2026 begins").await;
    counted
        .write_all(b"8 <34>1 c\n\n10 <34>1 d\n e")
        .await
        .unwrap();
    followed.line(" e").await;
    drop(lines);
    assert_eq!(followed.told().await, r#"end of ["2026 begins", "last"]"#);
    drop(counted);
    let expected = r#"end of ["<34>1 a b", "<34>1 c", "<34>1 d", " e"]"#;
    assert_eq!(followed.told().await, expected);
}

#[tokio::test]
async fn a_wrong_length_ends_one_connection_and_no_other() {
    let mut followed = Followed::new(source("tcp-listen://127.0.0.1:0"));
    let address = followed.address().await;
    let mut other = TcpStream::connect(address).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"5 <1>ab<1>").await.unwrap();
    assert_eq!(followed.told().await, r#"end of ["<1>ab"]"#);
    let told = followed.told().await;
    assert!(
        told.ends_with("the length of a message is no number"),
        "{told}"
    );
    other.write_all(b"still here\n").await.unwrap();
    followed.line("still here").await;
}

const TOO_LONG: &str = "a message is longer than 100 bytes, and left out; --message-max, or message_max in a \
                        file of rules, allows more";

#[tokio::test]
async fn a_message_that_is_too_long_is_left_out_and_the_connection_goes_on() {
    let long = format!("101 <1>{}", "x".repeat(98));
    let counted = format!("5 <1>ab{long}\n100 <2>{}{long}5 <1>ef", "y".repeat(97));
    for piece in [1, 50, 1000] {
        let mut source = source("tcp-listen://127.0.0.1:0");
        source.options.message_bytes_max = 100;
        let mut followed = Followed::new(source);
        let address = followed.address().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for piece in counted.as_bytes().chunks(piece) {
            stream.write_all(piece).await.unwrap();
        }
        assert_eq!(followed.told().await, TOO_LONG);
        let again = "2 messages so far are longer than 100 bytes, and left out";
        assert_eq!(followed.told().await, again);
        // Those of one source are counted together, whoever sends them.
        let mut other = TcpStream::connect(address).await.unwrap();
        other
            .write_all(format!("4 <3>z{long}{long}").as_bytes())
            .await
            .unwrap();
        let again = "4 messages so far are longer than 100 bytes, and left out";
        assert_eq!(followed.told().await, again);
        drop(stream);
        let read = format!(r#"end of ["<1>ab", "<2>{}", "<1>ef"]"#, "y".repeat(97));
        assert_eq!(followed.told().await, read);
    }
}

#[tokio::test]
async fn a_line_that_is_too_long_goes_on_in_pieces() {
    let mut source = source("tcp-listen://127.0.0.1:0");
    source.options.message_bytes_max = 100;
    let mut followed = Followed::new(source);
    let address = followed.address().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let long = "x".repeat(100_000);
    let text = format!("one\n{long}\ntwo\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    drop(stream);
    let told = followed.told().await;
    let mut pieces: Vec<String> =
        serde_json::from_str(told.strip_prefix("end of ").unwrap()).unwrap();
    assert_eq!(pieces.remove(0), "one");
    assert_eq!(pieces.pop().unwrap(), "two");
    // Whoever reads lines puts them together, and cuts them as those of files.
    assert_eq!(pieces.concat(), long);
}

#[tokio::test]
async fn a_datagram_that_is_too_long_is_left_out() {
    let mut source = source("udp-listen://127.0.0.1:0");
    source.options.message_bytes_max = 100;
    let mut followed = Followed::new(source);
    let address = followed.address().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&[b'x'; 101], address).await.unwrap();
    assert_eq!(followed.told().await, TOO_LONG);
    socket.send_to(&[b'x'; 100], address).await.unwrap();
    followed.line(&"x".repeat(100)).await;
}

#[tokio::test]
async fn a_noisy_connection_does_not_keep_others_from_being_heard() {
    let mut source = source("tcp-listen://127.0.0.1:0");
    source.options.queue_bytes_max = 10_000;
    let mut followed = Followed::new(source);
    let address = followed.address().await;
    let mut noisy = TcpStream::connect(address).await.unwrap();
    let noise = tokio::spawn(async move {
        // For ever: as long as it is read.
        while noisy.write_all(&b"noise\n".repeat(10_000)).await.is_ok() {}
    });
    followed.line("noise").await;
    let mut quiet = TcpStream::connect(address).await.unwrap();
    quiet.write_all(b"help\n").await.unwrap();
    followed.line("help").await;
    noise.abort();
}

#[tokio::test]
async fn a_line_without_an_end_goes_on_in_pieces() {
    let mut source = source("tcp-listen://127.0.0.1:0");
    source.options.message_bytes_max = 1000;
    let mut followed = Followed::new(source);
    let address = followed.address().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[b'x'; 1001]).await.unwrap();
    followed.line(&"x".repeat(1001)).await;
}

#[tokio::test]
async fn datagrams_are_records() {
    let mut followed = Followed::new(source("udp-listen://127.0.0.1:0"));
    let address = followed.address().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for datagram in ["<34>1 one", "two", "", "{\"n\":\n3}"] {
        socket.send_to(datagram.as_bytes(), address).await.unwrap();
    }
    followed.line("{\"n\": 3}").await;
    let lines: Vec<_> = followed.lines.values().flatten().collect();
    assert_eq!(lines, ["<34>1 one", "two", "{\"n\": 3}"]);
}

#[tokio::test]
async fn a_socket_that_was_left_behind_is_taken_over_and_one_in_use_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.sock");
    let address = format!("unix-listen://{}", path.display());
    let used = UnixListener::bind(&path).unwrap();
    let mut refused = Followed::new(source(&address));
    assert_eq!(
        refused.told().await,
        "cannot listen on: address already in use"
    );
    drop(used);
    let mut followed = Followed::new(source(&address));
    let write = async {
        let mut stream = loop {
            match UnixStream::connect(&path).await {
                Ok(stream) => break stream,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        stream.write_all(b"hello\n").await.unwrap();
        stream
    };
    let (_stream, ()) = tokio::join!(write, followed.line("hello"));
    drop(followed);
    assert!(!path.exists());
}

#[tokio::test]
async fn what_is_connected_to_is_connected_to_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut followed = Followed::new(source(&format!("tcp://{address}")));
    let serve = async {
        for text in ["one\n", "two\n"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    };
    let ((), ()) = tokio::join!(serve, followed.line("two"));
    let gaps = followed.lines.values().flatten();
    assert_eq!(
        gaps.filter(|line| line.contains("\"birl.gap\":true"))
            .count(),
        1
    );
}

#[tokio::test]
async fn a_command_is_read_and_started_again_and_its_errors_are_told() {
    let script = "echo out; echo one >&2; echo two >&2; exit 3";
    let mut followed = Followed::new(command(&["sh", "-c", script]));
    let ended =
        "the command ended with code 3 (2 lines on standard error, the last: two); trying again";
    assert_eq!(followed.told().await, r#"end of ["out"]"#);
    assert_eq!(followed.told().await, ended);
    followed.told().await;
    assert_eq!(followed.told().await, r#"end of ["out"]"#);
}

#[tokio::test]
async fn a_command_that_cannot_be_started_is_an_error() {
    let mut followed = Followed::new(command(&["/no/such/command"]));
    let told = followed.told().await;
    assert_eq!(told, "cannot connect to: no such file or directory");
    assert!(followed.follow.next().await.is_none());
}

#[tokio::test]
async fn a_command_is_killed_with_all_that_it_has_started() {
    let script = "sleep 1000 & echo $!; wait";
    let mut followed = Followed::new(command(&["sh", "-c", script]));
    let id = loop {
        if let Some(Event::Data { bytes, .. }) = followed.follow.next().await {
            break String::from_utf8(bytes.to_vec()).unwrap().trim().to_owned();
        }
    };
    let process = Path::new("/proc").join(&id).join("stat");
    let runs = || {
        let state = std::fs::read_to_string(&process).ok();
        // One that has ended may not have been waited for.
        state.is_some_and(|state| !state.contains(") Z "))
    };
    assert!(runs());
    drop(followed);
    while runs() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_barrier_comes_where_there_are_no_files_too() {
    let mut followed = Followed::new(source("tcp-listen://127.0.0.1:0"));
    followed.address().await;
    let barriers = followed.follow.barriers();
    let waits = tokio::spawn(async move {
        tokio::task::yield_now().await;
        barriers.put(3);
    });
    let event = followed.follow.next().await.unwrap();
    let Event::Barrier(barrier) = event else {
        panic!("{event:?}");
    };
    assert_eq!(barrier.number, 3);
    assert_eq!(barrier.positions.files().count(), 0);
    waits.await.unwrap();
}
