//! Streams that are always ready: what an item costs.

use std::future::ready;
use std::hint::black_box;
use std::rc::Rc;

use birl_stream::prelude::*;
use birl_stream::stream;
use futures::stream;
use tokio::runtime::{Builder, Runtime};

use crate::{Case, Measure, Wanted, time_ns};

const ITEMS: u64 = 4_000_000;

/// Fewer, where each is a task.
const TASK_ITEMS: u64 = 400_000;

/// So many that they seldom wait for each other.
const TASKS: usize = 64;

const THREADS: usize = 2;

pub(crate) fn cases<'a>() -> Vec<Case<'a>> {
    let one = Rc::new(Builder::new_current_thread().build());
    let one = move || Rc::clone(&one);
    let many = Rc::new(Builder::new_multi_thread().build());
    let many = move || Rc::clone(&many);
    vec![
        Case {
            name: "each after three stages, an item",
            unit: "ns",
            ours: on(one(), ITEMS, || Box::pin(each())),
            rival: Some(on(one(), ITEMS, || Box::pin(for_each()))),
            wanted: Wanted::Times(1.2),
        },
        Case {
            name: "stream_fn, an item",
            unit: "ns",
            ours: on(one(), ITEMS, || Box::pin(emit())),
            rival: Some(on(one(), ITEMS, || Box::pin(yields()))),
            wanted: Wanted::Within(20.0),
        },
        Case {
            name: "par_chunks of 256, an item",
            unit: "ns",
            ours: on(many(), ITEMS, || Box::pin(chunks())),
            rival: Some(on(many(), TASK_ITEMS, || Box::pin(a_task_each()))),
            wanted: Wanted::Within(40.0),
        },
    ]
}

type Sum = std::pin::Pin<Box<dyn Future<Output = u64>>>;

fn on<'a>(runtime: Rc<std::io::Result<Runtime>>, items: u64, sum: fn() -> Sum) -> Measure<'a> {
    Box::new(move || {
        let runtime = runtime.as_ref().as_ref();
        let runtime = runtime.expect("a runtime can be built");
        time_ns(items as f64, || runtime.block_on(sum()))
    })
}

/// What a tutorial does to a stream.
fn three_stages() -> impl Stream<Item = u64> {
    stream::iter(0..u64::MAX)
        .map(|n| n * 3)
        .filter(|n| ready(n % 2 == 0))
        .take(ITEMS as usize)
}

async fn each() -> u64 {
    let mut sum = 0_u64;
    let add = |n| sum = sum.wrapping_add(black_box(n));
    three_stages().each(add).await;
    sum
}

async fn for_each() -> u64 {
    let mut sum = 0_u64;
    let add = |n| {
        sum = sum.wrapping_add(black_box(n));
        ready(())
    };
    three_stages().for_each(add).await;
    sum
}

async fn sum(numbers: impl Stream<Item = u64>) -> u64 {
    let mut sum = 0_u64;
    let mut numbers = std::pin::pin!(numbers);
    while let Some(n) = numbers.next().await {
        sum = sum.wrapping_add(black_box(n));
    }
    sum
}

async fn emit() -> u64 {
    let numbers = stream_fn(async |mut y| {
        for n in 0..ITEMS {
            y.emit(n).await;
        }
    });
    sum(numbers).await
}

async fn yields() -> u64 {
    let numbers = stream! {
        for n in 0..ITEMS {
            yield n;
        }
    };
    sum(numbers).await
}

async fn chunks() -> u64 {
    let triple = |chunk: Vec<u64>| chunk.into_iter().map(|n| n * 3);
    sum(iter(0..ITEMS).par_chunks(THREADS, 256, triple)).await
}

/// What is written where streams have no `par_chunks`.
async fn a_task_each() -> u64 {
    let triples = stream::iter(0..TASK_ITEMS)
        .map(|n| tokio::spawn(async move { n * 3 }))
        .buffered(TASKS);
    sum(triples.map(|triple| triple.expect("no task panics"))).await
}
