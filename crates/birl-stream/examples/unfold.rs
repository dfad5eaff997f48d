//! `unfold`: a state and an async step give a stream, without a struct.

#![expect(clippy::print_stdout, reason = "examples print")]

use std::time::Duration;

use birl_stream::prelude::*;
use tokio::time::sleep;

#[tokio::main]
async fn main() {
    // Each attempt waits twice as long as the one before.
    let attempts = stream::unfold(Duration::from_millis(1), async |delay| {
        sleep(delay).await;
        Some((delay, delay * 2))
    });
    let delays: Vec<Duration> = attempts.take(5).collect().await;
    println!("Waited {delays:?}");
}
