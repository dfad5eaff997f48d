//! A stream with a hand-written `poll_next`, held against the contract that all streams keep.

#![expect(clippy::print_stdout, reason = "examples print")]

use std::pin::Pin;
use std::task::{Context, Poll};

use birl_stream::prelude::*;

/// Counts from 1 to 5.
#[derive(Default)]
struct Counter {
    count: u32,
}

impl Stream for Counter {
    type Item = u32;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
        let this = self.get_mut();
        if this.count < 5 {
            this.count += 1;
            // It is ready at once. Whoever returns `Pending` must first see to it that the waker
            // in the context is called when there is more: cloning it alone does nothing.
            Poll::Ready(Some(this.count))
        } else {
            Poll::Ready(None)
        }
    }
}

#[tokio::main]
async fn main() {
    let counts: Vec<u32> = Counter::default().collect().await;
    println!("Counted: {counts:?}");

    let counts = testing::check_contract(Counter::default()).await;
    println!("The contract holds for all {} items.", counts.len());
}
