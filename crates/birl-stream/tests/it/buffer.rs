//! A buffer that waits, or drops.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use birl_stream::prelude::*;
use birl_stream::testing::{at, check_fused};
use birl_stream::{BufferStats, Overflow};
use futures::{FutureExt, stream};
use proptest::prelude::*;
use tokio::time::sleep;

use crate::probe::{Live, RUNTIME_GONE, current_thread, message, multi_thread};

const ALL: [Overflow; 4] = [
    Overflow::Wait,
    Overflow::DropOldest,
    Overflow::DropNewest,
    Overflow::Fail,
];

/// What the consumer gets if items come at their times and it takes one at each of its own, and
/// how many are dropped.
fn model(
    arrivals: &[u64],
    takes: &[u64],
    items_max: usize,
    overflow: Overflow,
) -> (Vec<usize>, u64) {
    let mut waiting = std::collections::VecDeque::new();
    let (mut given, mut dropped, mut failed) = (Vec::new(), 0, false);
    let mut coming = arrivals.iter().enumerate().peekable();
    for &take in takes {
        while let Some((item, _)) = coming.next_if(|(_, at)| **at < take) {
            if failed {
                continue;
            }
            if waiting.len() < items_max {
                waiting.push_back(item);
                continue;
            }
            dropped += 1;
            match overflow {
                Overflow::DropOldest => {
                    waiting.pop_front();
                    waiting.push_back(item);
                }
                Overflow::DropNewest => {}
                Overflow::Fail => failed = true,
                Overflow::Wait => unreachable!("it never overflows"),
            }
        }
        given.extend(waiting.pop_front());
    }
    (given, dropped)
}

proptest! {
    /// Items come at even milliseconds, and are taken at odd ones.
    #[test]
    fn what_is_dropped_is_what_the_model_drops(
        arrivals in prop::collection::vec(0_u64..20, 0..20),
        takes in prop::collection::vec(0_u64..25, 0..20),
        items_max in 0_usize..5,
        overflow in prop::sample::select(&ALL[1..]),
    ) {
        let sorted = |mut times: Vec<u64>, shift| {
            times.sort();
            times.iter().map(|time| time * 2 + shift).collect::<Vec<_>>()
        };
        let (arrivals, takes) = (sorted(arrivals, 0), sorted(takes, 1));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let (given, stats) = runtime.block_on(async {
            let items = arrivals.iter().enumerate();
            let items: Vec<_> = items.map(|(item, &at)| (Duration::from_millis(at), item)).collect();
            let mut buffer = at(items).buffer(items_max, overflow);
            let began = tokio::time::Instant::now();
            let mut given = Vec::new();
            // The task starts with the first poll.
            given.extend(buffer.next().now_or_never().flatten());
            for &take in &takes {
                tokio::time::sleep_until(began + Duration::from_millis(take)).await;
                given.extend(buffer.next().now_or_never().flatten());
            }
            (given, buffer.stats())
        });
        let (expected, dropped) = model(&arrivals, &takes, items_max.max(1), overflow);
        prop_assert_eq!(given, expected);
        prop_assert_eq!(stats.dropped, dropped);
        prop_assert_eq!(stats.overflowed, overflow == Overflow::Fail && dropped > 0);
    }

    #[test]
    fn one_that_waits_loses_nothing(count in 0_usize..300, items_max in 0_usize..5) {
        let items = birl_stream::iter(0..count).buffer(items_max, Overflow::Wait);
        let all: Vec<usize> = current_thread().block_on(items.collect());
        prop_assert_eq!(all, (0..count).collect::<Vec<_>>());
    }
}

#[test]
fn on_several_threads_one_that_waits_gives_all_and_holds_no_more_than_its_limit() {
    multi_thread().block_on(async {
        let mut items = birl_stream::iter(0..10_000).buffer(7, Overflow::Wait);
        let all: Vec<_> = (&mut items).collect().await;
        assert_eq!(all, (0..10_000).collect::<Vec<_>>());
        let stats = items.stats();
        assert!((1..=7).contains(&stats.waiting_max), "{stats:?}");
        assert_eq!((stats.received, stats.dropped), (10_000, 0));
    });
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_gives_what_waits_and_ends() {
    let mut items = birl_stream::iter(0..).buffer(2, Overflow::Fail);
    assert_eq!(items.next().now_or_never(), None);
    tokio::task::yield_now().await;
    assert_eq!((&mut items).collect::<Vec<_>>().await, [0, 1]);
    let stats = items.stats();
    assert_eq!(
        (stats.received, stats.dropped, stats.overflowed),
        (3, 1, true)
    );
}

#[tokio::test(start_paused = true)]
async fn buffers_keep_the_contract_of_streams() {
    for overflow in ALL {
        let items = at((1..9).map(|n| (Duration::from_millis(n), n)));
        let given = check_fused(items.buffer(3, overflow)).await;
        assert_eq!(given, (1..9).collect::<Vec<_>>(), "{overflow:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_upstream_comes_after_the_items_before_it() {
    let items = birl_stream::iter(0..3).map(|n| match n {
        2 => panic!("boom"),
        n => n,
    });
    let mut items = items.buffer(9, Overflow::Wait);
    assert_eq!(items.next().await, Some(0));
    assert_eq!(items.next().await, Some(1));
    let panic = AssertUnwindSafe(items.next()).catch_unwind().await;
    assert_eq!(message(panic.unwrap_err()), "boom");
    assert_eq!(items.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn dropping_ends_the_task_and_shutdown_waits_for_it() {
    for shut_down in [false, true] {
        let live = Live::default();
        let token = live.token();
        let upstream = stream::pending::<()>().inspect(move |()| assert_eq!(token.count(), 1));
        let mut items = upstream.buffer(1, Overflow::DropOldest);
        assert_eq!(items.next().now_or_never(), None);
        tokio::task::yield_now().await;
        if shut_down {
            items.shutdown().await;
            assert_eq!(live.count(), 0);
        } else {
            drop(items);
            sleep(Duration::from_millis(1)).await;
            assert_eq!(live.count(), 0);
        }
    }
}

#[test]
fn the_end_of_the_runtime_is_no_end_of_the_data() {
    let mut items = stream::pending::<()>().buffer(1, Overflow::DropOldest);
    current_thread().block_on(async { assert_eq!(items.next().now_or_never(), None) });
    let panic = std::panic::catch_unwind(AssertUnwindSafe(|| {
        futures::executor::block_on(items.next())
    }));
    assert_eq!(message(panic.unwrap_err()), RUNTIME_GONE);
}

#[test]
fn nothing_is_done_before_the_first_poll() {
    let items = birl_stream::iter(0..3).buffer(1, Overflow::Wait);
    assert_eq!(items.size_hint(), (3, Some(3)));
    assert_eq!(items.stats(), BufferStats::default());
}
