//! What streams cost an item.

use std::future::ready;
use std::hint::black_box;

use birl_stream::prelude::*;
use birl_stream::{stream, stream_fn};
use divan::Bencher;
use divan::counter::ItemsCount;
use futures::stream;
use tokio::runtime::{Builder, Runtime};

const ITEMS: u64 = 100_000;

fn main() {
    divan::main();
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers starts")
}

fn per_item<Fut: Future>(bencher: Bencher, run: impl Fn(u64) -> Fut) {
    let runtime = runtime();
    bencher
        .counter(ItemsCount::new(ITEMS))
        .bench_local(|| runtime.block_on(run(black_box(ITEMS))));
}

/// What a tutorial does to a stream.
fn three_stages(items: u64) -> impl Stream<Item = u64> {
    stream::iter(0..u64::MAX)
        .map(|n| n * 3)
        .filter(|n| ready(n % 2 == 0))
        .take(items as usize)
}

mod each {
    use super::*;

    #[divan::bench]
    fn futures_for_each(bencher: Bencher) {
        per_item(bencher, async |items| {
            let mut sum = 0_u64;
            let run = three_stages(items).for_each(|n| {
                sum = sum.wrapping_add(black_box(n));
                ready(())
            });
            run.await;
            sum
        });
    }

    #[divan::bench]
    fn plain_closure(bencher: Bencher) {
        per_item(bencher, async |items| {
            let mut sum = 0_u64;
            let run = three_stages(items).each(|n| sum = sum.wrapping_add(black_box(n)));
            run.await;
            sum
        });
    }

    #[divan::bench]
    fn async_closure(bencher: Bencher) {
        per_item(bencher, |items| {
            three_stages(items).each(async |n| {
                black_box(n);
            })
        });
    }
}

mod generators {
    use super::*;

    async fn sum(numbers: impl Stream<Item = u64>) -> u64 {
        let mut sum = 0_u64;
        numbers.each(|n| sum = sum.wrapping_add(black_box(n))).await;
        sum
    }

    #[divan::bench]
    fn futures_unfold(bencher: Bencher) {
        per_item(bencher, |items| {
            sum(stream::unfold(0, move |n| {
                ready((n < items).then_some((n, n + 1)))
            }))
        });
    }

    #[divan::bench]
    fn async_stream(bencher: Bencher) {
        per_item(bencher, |items| {
            sum(stream! {
                for n in 0..items {
                    yield n;
                }
            })
        });
    }

    #[divan::bench]
    fn stream_fn_emit(bencher: Bencher) {
        per_item(bencher, |items| {
            sum(stream_fn(async move |mut y| {
                for n in 0..items {
                    y.emit(n).await;
                }
            }))
        });
    }
}
