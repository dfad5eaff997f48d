//! Ten thousand slow streams, served by one thread.

#![expect(clippy::print_stdout, reason = "examples print")]

use std::thread;
use std::time::Duration;

use birl_stream::prelude::*;
use tokio::time::sleep;

const STREAMS: u64 = 10_000;

/// Gives a number, and the thread that it was given on, three times and 100 ms apart.
fn slow(number: u64) -> impl Stream<Item = (u64, thread::ThreadId)> {
    iter(0..3).then(move |_| async move {
        sleep(Duration::from_millis(100)).await;
        (number, thread::current().id())
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let items = stream::select_all((0..STREAMS).map(|number| Box::pin(slow(number))));
    let items: Vec<_> = items.collect().await;

    let sum: u64 = items.iter().map(|(number, _)| number).sum();
    let mut threads: Vec<_> = items.iter().map(|&(_, thread)| thread).collect();
    threads.dedup();
    println!("Items: {}, their sum: {sum}", items.len());
    println!("Threads: {}", threads.len());
    println!("One after the other they would take 50 minutes.");
}
