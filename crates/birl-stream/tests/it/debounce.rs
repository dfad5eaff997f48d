//! `debounce`.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use birl_stream::prelude::*;
use futures::{FutureExt, stream};
use proptest::prelude::*;
use tokio::task::{coop, unconstrained};
use tokio::time::timeout;

use crate::probe::{Live, message, paused};
use crate::timed::{Arrivals, arrivals, ask, asks, ms, rushing, wait};

/// What a consumer gets who asks at these milliseconds, and how many items are left out.
fn model(
    arrivals: &Arrivals,
    quiet: u64,
    asks: impl IntoIterator<Item = u64>,
) -> (Vec<(u64, usize)>, u64) {
    let (mut given, mut skipped) = (vec![], 0);
    let (mut waiting, mut seen) = (None, 0);
    let mut coming = arrivals.times.iter().enumerate().peekable();
    for now in asks {
        while let Some((item, _)) = coming.next_if(|(_, at)| **at <= now) {
            skipped += u64::from(waiting.is_some());
            (waiting, seen) = (Some(item), now);
        }
        let ended = now >= arrivals.end;
        if now >= seen + quiet || ended {
            given.extend(waiting.take().map(|item| (now, item)));
        }
        if ended {
            break;
        }
    }
    (given, skipped)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_last_item_of_a_burst_comes_when_it_is_over(
        arrivals in arrivals(),
        quiet in 0..40_u64,
        asks in asks(),
    ) {
        let (waited, asked) = paused().block_on(async {
            let mut items = Box::pin(arrivals.stream().debounce(ms(quiet)));
            let waited = (wait(&mut items).await, items.skipped());
            let mut items = Box::pin(arrivals.stream().debounce(ms(quiet)));
            (waited, (ask(&mut items, &asks).await, items.skipped()))
        });
        prop_assert_eq!(waited, model(&arrivals, quiet, 0..));
        prop_assert_eq!(asked, model(&arrivals, quiet, asks));
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_beyond_the_budget_gives_one_item_even_if_no_quiet_is_asked_for() {
    for quiet in [0, 10] {
        let forgets_the_budget = stream::iter(0..10_000).boxed();
        for burst in [forgets_the_budget, iter(0..10_000).boxed()] {
            let mut items = burst.chain(stream::pending()).debounce(ms(quiet));
            assert_eq!(items.next().await, Some(9_999));
            assert_eq!(items.skipped(), 9_999);
        }
        let burst = stream::iter(0..10_000).chain(stream::pending());
        let mut items = burst.debounce(ms(quiet));
        let last = unconstrained(items.next());
        assert_eq!(timeout(ms(20), last).await, Ok(Some(9_999)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_counts_against_the_budget() {
    let mut items = stream::repeat(()).debounce(ms(10));
    assert_eq!(items.next().now_or_never(), None);
    assert!(!coop::has_budget_remaining());
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_always_ready_gives_nothing_and_lets_others_run() {
    let mut items = Box::pin(rushing().debounce(Duration::ZERO));
    assert!(timeout(ms(10), items.next()).await.is_err());
    assert!(timeout(ms(10), unconstrained(items.next())).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_next_loses_nothing() {
    let mut items = Box::pin(
        stream::iter([1, 2])
            .chain(stream::pending())
            .debounce(ms(10)),
    );
    for _ in 0..3 {
        assert!(timeout(ms(3), items.next()).await.is_err());
    }
    assert_eq!(timeout(ms(1), items.next()).await, Ok(Some(2)));
}

#[tokio::test(start_paused = true)]
async fn the_item_that_waits_is_dropped_with_the_stream_or_given_back() {
    let live = Live::default();
    let waiting = async || {
        let tokens = stream::iter([live.token(), live.token()]);
        let mut items = tokens.chain(stream::pending()).debounce(ms(10));
        assert_eq!(items.size_hint(), (1, Some(2)));
        assert!(items.next().now_or_never().is_none());
        assert_eq!(items.size_hint(), (1, Some(1)));
        assert_eq!(live.count(), 1);
        items
    };
    drop(waiting().await);
    assert_eq!(live.count(), 0);
    assert!(waiting().await.into_remainder().is_some());
    assert_eq!(live.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_upstream_takes_no_item_with_it() {
    let items = iter(0..3).map(|n| match n {
        2 => panic!("boom"),
        n => n,
    });
    let mut items = items.chain(stream::pending()).debounce(ms(10));
    let panic = AssertUnwindSafe(items.next()).catch_unwind().await;
    assert_eq!(message(panic.unwrap_err()), "boom");
    assert_eq!(items.next().await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_quiet_beyond_the_end_of_time_gives_the_last_item_at_the_end() {
    let (times, end) = (vec![0, 5, 5], 9);
    let items = Arrivals { times, end }.stream();
    assert_eq!(wait(items.debounce(Duration::MAX)).await, [(9, 2)]);
}
