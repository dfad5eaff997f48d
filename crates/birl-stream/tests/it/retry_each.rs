//! `retry_each`: what it adds to `par_map`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use birl_stream::prelude::*;
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use crate::probe::{Live, current_thread, multi_thread, paused};

const FIRST: Duration = Duration::from_millis(100);
const MAX: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Failure {
    Transient,
    Lasting,
}

/// How each attempt at an item fails; the one after the last succeeds.
fn failures() -> impl Strategy<Value = Vec<Failure>> {
    let failure = prop_oneof![8 => Just(Failure::Transient), 1 => Just(Failure::Lasting)];
    proptest::collection::vec(failure, 0..6)
}

/// The number of attempts, and what comes of them.
fn model(failures: &[Failure], tries_max: usize) -> (usize, Result<usize, Failure>) {
    for (before, failure) in failures.iter().enumerate() {
        if *failure == Failure::Lasting || before + 1 == tries_max {
            return (before + 1, Err(*failure));
        }
    }
    (failures.len() + 1, Ok(failures.len()))
}

proptest! {
    #[test]
    fn what_fails_is_tried_again_until_it_succeeds_or_lasts_or_the_backoff_gives_up(
        items in proptest::collection::vec(failures(), 0..20),
        limit in 0..5_usize,
        tries_max in 1..6_usize,
    ) {
        let (attempts, expected): (Vec<_>, Vec<_>) =
            items.iter().map(|failures| model(failures, tries_max)).unzip();
        let tried: Arc<Vec<_>> = Arc::new(items.iter().map(|_| AtomicUsize::new(0)).collect());
        let count = Arc::clone(&tried);
        let backoff = Backoff::new(FIRST, MAX).tries_max(tries_max as u32);
        let results: Vec<_> = paused().block_on(async {
            let items = iter(items.into_iter().enumerate());
            let results = items.retry_each(
                limit,
                backoff,
                |failure| *failure == Failure::Transient,
                move |(number, failures)| {
                    let before = count[number].fetch_add(1, Ordering::SeqCst);
                    async move { failures.get(before).map_or(Ok(before), |failure| Err(*failure)) }
                },
            );
            results.collect().await
        });
        prop_assert_eq!(results, expected);
        let tried: Vec<_> = tried.iter().map(|tries| tries.load(Ordering::SeqCst)).collect();
        prop_assert_eq!(tried, attempts);
    }
}

/// When the attempts at each of so many items happen, all of which fail.
async fn attempts(items: usize, backoff: Backoff) -> Vec<Vec<Duration>> {
    let start = Instant::now();
    let times = Arc::new(Mutex::new(vec![vec![]; items]));
    let log = Arc::clone(&times);
    let results = iter(0..items).retry_each(
        items,
        backoff,
        |()| true,
        move |n| {
            log.lock().unwrap()[n].push(start.elapsed());
            async { Err::<(), ()>(()) }
        },
    );
    assert!(results.all(async |result| result.is_err()).await);
    times.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn items_that_failed_together_are_tried_again_at_different_times() {
    let backoff = Backoff::new(MAX, MAX).tries_max(2).seed(1);
    let mut second: Vec<_> = attempts(20, backoff)
        .await
        .iter()
        .map(|times| times[1])
        .collect();
    second.sort();
    second.dedup();
    assert!(second.len() > 15, "{second:?}");
}

#[tokio::test(start_paused = true)]
async fn each_item_begins_with_the_first_delay() {
    let delays = |times: Vec<Duration>| times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let backoff = Backoff::new(FIRST, MAX).tries_max(7);
    let delays: Vec<Vec<Duration>> = attempts(50, backoff)
        .await
        .into_iter()
        .map(delays)
        .collect();
    for (index, limit_ms) in [100, 200, 400, 800, 1000, 1000].into_iter().enumerate() {
        let longest = delays.iter().map(|delays| delays[index]).max().unwrap();
        // Sleeping rounds up to a millisecond.
        let limit = Duration::from_millis(limit_ms + 1);
        assert!(
            longest <= limit && longest > limit / 2,
            "{index}: {longest:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_waits_for_its_next_attempt_is_one_of_the_limit_and_keeps_its_place() {
    let begun = Arc::new(Mutex::new(vec![]));
    let log = Arc::clone(&begun);
    let results = iter(0..4_u32).retry_each(
        2,
        Backoff::new(MAX, MAX).tries_max(2),
        |_| true,
        move |n| {
            log.lock().unwrap().push(n);
            async move {
                sleep(10 * MAX).await;
                if n == 0 { Err(n) } else { Ok(n) }
            }
        },
    );
    assert_eq!(
        results.collect::<Vec<_>>().await,
        [Err(0), Ok(1), Ok(2), Ok(3)]
    );
    // 0 and 1 together, then 0 waits for a second at most while 2 has begun.
    assert_eq!(*begun.lock().unwrap(), [0, 1, 2, 0, 3]);
}

#[test]
fn shutdown_waits_for_attempts_and_for_those_who_wait_for_one() {
    for runtime in [current_thread(), multi_thread()] {
        for round in 0..20 {
            let live = Live::default();
            let (in_f, in_items) = (Arc::new(live.token()), live.clone());
            let items = stream::repeat_with(move || Arc::new(in_items.token()));
            let hour = Duration::from_secs(3600);
            let mut results = items.retry_each(
                3,
                Backoff::new(hour, hour),
                |()| true,
                move |item| {
                    let in_f = Arc::clone(&in_f);
                    async move {
                        tokio::task::yield_now().await;
                        drop((in_f, item));
                        Err::<(), ()>(())
                    }
                },
            );
            runtime.block_on(async {
                assert!(futures::poll!(results.next()).is_pending());
                for _ in 0..round {
                    tokio::task::yield_now().await;
                }
                results.shutdown().await;
            });
            assert_eq!(live.count(), 0);
        }
    }
}
