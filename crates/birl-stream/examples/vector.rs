//! A vector as a stream, taken item by item.

#![expect(clippy::print_stdout, reason = "examples print")]

use birl_stream::prelude::*;

#[tokio::main]
async fn main() {
    let mut numbers = iter(vec![1, 2, 3, 4, 5]);
    while let Some(n) = numbers.next().await {
        println!("Got: {n}");
    }
}
