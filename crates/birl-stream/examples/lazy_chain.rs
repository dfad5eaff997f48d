//! `map`, `filter`, `take` and `collect`: nothing happens before somebody asks for an item, and
//! no more happens than was asked for.

#![expect(clippy::print_stdout, reason = "examples print")]

use std::future::ready;

use birl_stream::prelude::*;

#[tokio::main]
async fn main() {
    let squares = iter(1..)
        .map(|n| {
            println!("Squaring {n}");
            n * n
        })
        .filter(|square| ready(square % 2 == 1))
        .take(3);
    println!("The chain stands, and has not run.");

    let squares: Vec<u32> = squares.collect().await;
    println!("Odd squares: {squares:?}");
}
