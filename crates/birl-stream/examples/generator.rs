//! `stream!`: a stream written as a loop that yields, consumed by a closure that returns nothing.

#![expect(clippy::print_stdout, reason = "examples print")]

use birl_stream::prelude::*;

#[tokio::main]
async fn main() {
    let numbers = stream! {
        for n in 0..5 {
            yield n;
        }
    };
    numbers.each(|n| println!("Yielded: {n}")).await;
}
