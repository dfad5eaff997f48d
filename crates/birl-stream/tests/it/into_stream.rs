//! `into_stream`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::future::{pending, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use birl_stream::Lagged;
use birl_stream::prelude::*;
use birl_stream::testing::{at, check_contract, check_fused, timeline};
use futures::FutureExt;
use futures::stream::FusedStream;
use proptest::prelude::*;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, ReadBuf,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::probe::{Live, paused};

const SECOND: Duration = Duration::from_secs(1);

fn spawn_feed<T: Send + 'static>(items: Vec<(Duration, T)>, send: impl FnMut(T) + Send + 'static) {
    tokio::spawn(at(items).each(send));
}

proptest! {
    #[test]
    fn items_come_out_of_a_channel_as_they_go_in(
        gaps in proptest::collection::vec(0..3_u32, 0..40),
    ) {
        let mut due = Duration::ZERO;
        let items: Vec<_> = gaps.into_iter().zip(0..).map(|(gap, n)| {
            due += SECOND * gap;
            (due, n)
        }).collect();
        let numbers: Vec<u32> = items.iter().map(|(_, n)| *n).collect();
        paused().block_on(async {
            let channel = || {
                let (sender, receiver) = mpsc::channel(64);
                spawn_feed(items.clone(), move |n| sender.try_send(n).unwrap());
                receiver.into_stream()
            };
            assert_eq!(timeline(channel()).await, items);
            assert_eq!(check_fused(channel()).await, numbers);

            let unbounded = || {
                let (sender, receiver) = mpsc::unbounded_channel();
                spawn_feed(items.clone(), move |n| sender.send(n).unwrap());
                receiver.into_stream()
            };
            assert_eq!(timeline(unbounded()).await, items);
            assert_eq!(check_fused(unbounded()).await, numbers);

            let (sender, _) = broadcast::channel(64);
            let subscribed = || {
                let (receiver, sender) = (sender.subscribe(), sender.clone());
                spawn_feed(items.clone(), move |n| drop(sender.send(n)));
                receiver.into_stream().map(Result::unwrap).take(items.len())
            };
            assert_eq!(timeline(subscribed()).await, items);
            assert_eq!(check_contract(subscribed()).await, numbers);
        });
    }
}

#[tokio::test]
async fn a_channel_can_be_closed_through_the_stream() {
    let (sender, receiver) = mpsc::channel(8);
    sender.try_send(1).unwrap();
    let mut items = receiver.into_stream();
    items.get_mut().unwrap().close();
    assert!(sender.try_send(2).is_err());
    assert_eq!(items.size_hint(), (1, None));
    assert_eq!(items.by_ref().collect::<Vec<_>>().await, [1]);
    assert_eq!(items.size_hint(), (0, Some(0)));
    assert!(items.into_inner().is_none());
}

#[tokio::test]
async fn what_a_broadcast_overwrote_is_an_item_and_not_the_end() {
    let (sender, receiver) = broadcast::channel(2);
    let items = receiver.into_stream();
    for n in 1..=5 {
        sender.send(n).unwrap();
    }
    drop(sender);
    assert_eq!(check_fused(items).await, [Err(Lagged(3)), Ok(4), Ok(5)]);
    assert_eq!(
        Lagged(3).to_string(),
        "3 items were overwritten before they were taken"
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_gives_what_is_there_and_then_the_latest_of_each_change() {
    let watched = || {
        let (sender, receiver) = watch::channel(0);
        let changes = [(1, 1), (1, 2), (3, 3), (5, 4)];
        let changes = changes.map(|(second, n)| (second * SECOND, n));
        spawn_feed(changes.into(), move |n| sender.send(n).unwrap());
        receiver
    };
    let mut seen = watched();
    seen.mark_unchanged();
    let came = [(0, 0), (1, 2), (3, 3), (5, 4)].map(|(second, n)| (second * SECOND, n));
    assert_eq!(timeline(seen.into_stream()).await, came);
    assert_eq!(check_fused(watched().into_stream()).await, [0, 2, 3, 4]);

    // The last value is not lost though its sender is gone.
    let (sender, receiver) = watch::channel(1);
    sender.send(2).unwrap();
    drop(sender);
    assert_eq!(check_fused(receiver.into_stream()).await, [2]);
}

#[tokio::test(start_paused = true)]
async fn an_interval_gives_the_instants_of_its_ticks() {
    let start = Instant::now();
    let mut ticks = interval(SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let ticks = ticks.into_stream();
    assert_eq!(ticks.size_hint(), (usize::MAX, None));
    assert!(!ticks.is_terminated());
    let busy = ticks.take(4).then(async |tick| {
        if tick == start + SECOND {
            sleep(3 * SECOND / 2).await;
        }
        tick
    });
    let due: Vec<_> = busy.map(|tick| tick - start).collect().await;
    // The one at 2 s came while the consumer was busy, and the next one keeps the beat.
    assert_eq!(due, [Duration::ZERO, SECOND, 2 * SECOND, 3 * SECOND]);
}

/// Gives the bytes and then fails for ever, as reading a directory does.
struct Failing(&'static [u8]);

impl AsyncRead for Failing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::IsADirectory.into()));
        }
        buf.put_slice(self.0);
        self.0 = b"";
        Poll::Ready(Ok(()))
    }
}

/// What the consumer sees, for errors cannot be compared.
fn kinds<T>(results: Vec<io::Result<T>>) -> Vec<Result<T, io::ErrorKind>> {
    let kind = |result: io::Result<T>| result.map_err(|error| error.kind());
    results.into_iter().map(kind).collect()
}

#[tokio::test(start_paused = true)]
async fn bad_text_is_an_error_after_which_lines_go_on() {
    let text: &[u8] = b"one\r\n\xff\n\nlast";
    let lines = check_fused(text.lines().into_stream()).await;
    let line = |text: &str| Ok(text.to_owned());
    assert_eq!(
        kinds(lines),
        [
            line("one"),
            Err(io::ErrorKind::InvalidData),
            line(""),
            line("last")
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_lasting_io_error_comes_once_and_ends_the_stream() {
    let lines = BufReader::new(Failing(b"one\ntw")).lines().into_stream();
    assert_eq!(
        kinds(check_fused(lines).await),
        [Ok("one".to_owned()), Err(io::ErrorKind::IsADirectory)]
    );
    let segments = BufReader::new(Failing(b"one,tw")).split(b',').into_stream();
    assert_eq!(
        kinds(check_fused(segments).await),
        [Ok(b"one".to_vec()), Err(io::ErrorKind::IsADirectory)]
    );
}

#[tokio::test(start_paused = true)]
async fn segments_are_what_the_delimiter_separates() {
    let text: &[u8] = b"a,\xff,,b";
    let segments = check_fused(AsyncBufReadExt::split(text, b',').into_stream()).await;
    let segment = |bytes: &[u8]| Ok(bytes.to_vec());
    assert_eq!(
        kinds(segments),
        [segment(b"a"), segment(b"\xff"), segment(b""), segment(b"b")]
    );
}

/// Has one more empty line at any time, and lets nobody else run by itself.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buf.put_slice(b"\n");
        Poll::Ready(Ok(()))
    }
}

impl AsyncBufRead for Endless {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Poll::Ready(Ok(b"\n"))
    }

    fn consume(self: Pin<&mut Self>, _: usize) {}
}

#[tokio::test(start_paused = true)]
async fn lines_that_are_always_ready_let_a_timeout_fire() {
    let run = Endless.lines().into_stream().for_each(|_| ready(()));
    assert!(timeout(Duration::ZERO, run).await.is_err());
    let run = AsyncBufReadExt::split(Endless, b'\n').into_stream();
    let run = run.for_each(|_| ready(()));
    assert!(timeout(Duration::ZERO, run).await.is_err());
}

#[tokio::test]
async fn a_directory_gives_its_entries() {
    let dir = tempfile::tempdir().unwrap();
    // More than tokio reads at a time.
    let names: BTreeSet<_> = (0..70).map(|n| OsString::from(n.to_string())).collect();
    for name in &names {
        std::fs::write(dir.path().join(name), "").unwrap();
    }
    let entries = tokio::fs::read_dir(dir.path()).await.unwrap();
    let entries = check_fused(entries.into_stream()).await;
    let found: BTreeSet<_> = entries
        .into_iter()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(found, names);
}

#[tokio::test]
async fn a_tcp_listener_gives_connections_and_addresses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut connections = listener.into_stream();
    for _ in 0..2 {
        let mut near = TcpStream::connect(address).await.unwrap();
        let (mut far, from) = connections.next().await.unwrap().unwrap();
        assert_eq!(from, near.local_addr().unwrap());
        near.write_u8(7).await.unwrap();
        assert_eq!(far.read_u8().await.unwrap(), 7);
    }
    assert!(!connections.is_terminated());
    assert_eq!(connections.next().now_or_never().map(drop), None);
    drop(connections);
    assert!(TcpStream::connect(address).await.is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_listener_gives_connections() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let mut connections = listener.into_stream();
    let mut near = tokio::net::UnixStream::connect(&path).await.unwrap();
    let (mut far, _) = connections.next().await.unwrap().unwrap();
    near.write_u8(7).await.unwrap();
    assert_eq!(far.read_u8().await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_join_set_gives_results_as_tasks_end_and_knows_how_many() {
    let tasks = || {
        let mut tasks = JoinSet::new();
        for seconds in [3, 1, 2] {
            tasks.spawn(async move {
                sleep(seconds * SECOND).await;
                assert!(seconds != 2, "2 is bad");
                seconds
            });
        }
        tasks.into_stream()
    };
    assert_eq!(tasks().size_hint(), (3, Some(3)));
    let results = timeline(tasks().map(Result::ok)).await;
    let expected = [(1, Some(1)), (2, None), (3, Some(3))];
    assert_eq!(results, expected.map(|(at, result)| (at * SECOND, result)));
    assert_eq!(check_fused(tasks()).await.len(), 3);
}

#[tokio::test]
async fn dropping_the_stream_of_a_join_set_aborts_its_tasks() {
    let live = Live::default();
    let mut tasks = JoinSet::new();
    let token = live.token();
    tasks.spawn(async move {
        let _token = token;
        pending::<()>().await;
    });
    let mut results = tasks.into_stream();
    assert!(futures::poll!(results.next()).is_pending());
    drop(results);
    tokio::task::yield_now().await;
    assert_eq!(live.count(), 0);
}
