//! Ten thousand streams that wait for something: the memory that they take.
//!
//! Each measurement has a process of its own, so that no other case's memory is used again.

use std::io;
use std::process::Command;

use birl_stream::prelude::*;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::yield_now;

use birl_bench::targets::{Case, Wanted};

const STREAMS: usize = 10_000;

/// Makes this program a child that measures; holds whether to prefetch.
const CHILD: &str = "BIRL_BENCH_IDLE";

pub(crate) fn cases<'a>() -> Vec<Case<'a>> {
    vec![Case {
        name: "10,000 idle prefetched streams",
        unit: "MiB",
        ours: Box::new(|| child("prefetch")),
        rival: Some(Box::new(|| child("bare"))),
        wanted: Wanted::Within(16.0),
    }]
}

fn child(kind: &str) -> f64 {
    let program = std::env::current_exe().expect("this program has a name");
    let output = Command::new(program).env(CHILD, kind).output();
    let output = output.expect("this program can be run again").stdout;
    let mib = String::from_utf8_lossy(&output);
    mib.trim().parse().expect("the child prints a number")
}

pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Prints how many MiB the streams take, with the channels that they read.
pub(crate) fn report() -> io::Result<()> {
    let prefetch = std::env::var_os(CHILD).is_some_and(|kind| kind == "prefetch");
    let runtime = Builder::new_current_thread().build()?;
    let before = resident_bytes()?;
    let after = runtime.block_on(async {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..STREAMS).map(|_| mpsc::channel::<u64>(16)).unzip();
        let streams = receivers.into_iter().map(IntoStream::into_stream);
        let after = if prefetch {
            while_idle(streams.map(|stream| stream.prefetch(16))).await
        } else {
            while_idle(streams).await
        };
        drop(senders);
        after
    })?;
    println!("{:.3}", (after - before) as f64 / f64::from(1 << 20));
    Ok(())
}

/// The memory that is in use when each stream has been polled, and waits.
async fn while_idle<S: Stream + Unpin>(streams: impl Iterator<Item = S>) -> io::Result<u64> {
    let mut streams: Vec<_> = streams.collect();
    for stream in &mut streams {
        assert!(futures::poll!(stream.next()).is_pending());
    }
    // The tasks have their turn.
    yield_now().await;
    resident_bytes()
}

fn resident_bytes() -> io::Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    let pages: u64 = pages.ok_or(io::ErrorKind::InvalidData)?;
    Ok(pages * 4096)
}
