//! What the adapters on tokio's clock are tested with: items at given milliseconds, and consumers
//! that are there all the time or now and then.

use std::future::ready;
use std::time::Duration;

use birl_stream::prelude::*;
use birl_stream::testing::{at, timeline};
use futures::{FutureExt, stream};
use proptest::prelude::*;
use tokio::time::{Instant, advance, sleep_until};

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The milliseconds at which items come, which are numbered, and that at which the stream ends.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    pub(crate) times: Vec<u64>,
    pub(crate) end: u64,
}

impl Arrivals {
    pub(crate) fn stream(&self) -> impl Stream<Item = usize> + use<> {
        let times = self.times.iter().map(|&time| ms(time));
        let items = times.zip((0..).map(Some));
        let end = (ms(self.end), None);
        at(items.chain([end]))
            .take_while(|item| ready(item.is_some()))
            .map(Option::unwrap)
    }
}

/// Several at a time, close to each other, and far between.
pub(crate) fn arrivals() -> impl Strategy<Value = Arrivals> {
    let gap = prop_oneof![Just(0), 0..12_u64, 0..60_u64];
    (proptest::collection::vec(gap.clone(), 0..25), gap).prop_map(|(gaps, rest)| {
        let times = sums(gaps);
        let end = times.last().unwrap_or(&0) + rest;
        Arrivals { times, end }
    })
}

/// The milliseconds at which a consumer asks: at first, and now and then.
pub(crate) fn asks() -> impl Strategy<Value = Vec<u64>> {
    let gap = prop_oneof![1..5_u64, 1..80_u64];
    proptest::collection::vec(gap, 0..25).prop_map(|gaps| {
        let mut asks = sums(gaps);
        asks.insert(0, 0);
        asks
    })
}

fn sums(gaps: Vec<u64>) -> Vec<u64> {
    let sum = |sum: &mut u64, gap| {
        *sum += gap;
        Some(*sum)
    };
    gaps.into_iter().scan(0, sum).collect()
}

/// What a consumer gets, and at which millisecond, who waits all the time.
pub(crate) async fn wait<S: Stream>(stream: S) -> Vec<(u64, S::Item)> {
    let items = timeline(stream).await.into_iter();
    items
        .map(|(time, item)| (time.as_millis() as u64, item))
        .collect()
}

/// What a consumer gets who asks at these milliseconds, each time for all there is.
pub(crate) async fn ask<S: Stream + Unpin>(stream: &mut S, asks: &[u64]) -> Vec<(u64, S::Item)> {
    let start = Instant::now();
    let mut given = vec![];
    for &now in asks {
        sleep_until(start + ms(now)).await;
        while let Some(item) = stream.next().now_or_never().flatten() {
            given.push((now, item));
        }
    }
    given
}

/// Items without end that are always ready, and that time passes by whenever others may run.
pub(crate) fn rushing() -> impl Stream<Item = ()> {
    let clock = tokio::spawn(async {
        loop {
            advance(ms(1)).await;
        }
    });
    stream::repeat(()).inspect(move |()| assert!(!clock.is_finished()))
}
