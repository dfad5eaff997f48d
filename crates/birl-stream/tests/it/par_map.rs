//! `par_map`, `par_map_unordered`, and what `par_by_key` has in common with them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use birl_stream::prelude::*;
use birl_stream::{ParByKey, ParMap, ParMapUnordered};
use futures::FutureExt;
use futures::stream::{self, FusedStream};
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::probe::{Live, Peak, RUNTIME_GONE, Token, current_thread, message, multi_thread};

fn paused() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

async fn echo_after(ms: u64) -> u64 {
    sleep(Duration::from_millis(ms)).await;
    ms
}

/// When each item is given, by list scheduling: an item starts, in order, when less than `limit`
/// are at work, and (for this model) the consumer always takes what there is.
fn finish_times(times: &[u64], limit: usize) -> Vec<u64> {
    let mut workers = vec![0; limit.max(1)];
    let finish = |&time: &u64| {
        let first = workers.iter_mut().min().unwrap();
        *first += time;
        *first
    };
    times.iter().map(finish).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn unordered_results_come_when_list_scheduling_says(
        times in proptest::collection::vec(1..50_u64, 0..40),
        limit in 0..6_usize,
    ) {
        let mut model: Vec<_> = finish_times(&times, limit).into_iter().zip(times.clone()).collect();
        let mut results: Vec<_> = paused().block_on(async {
            let start = Instant::now();
            let results = stream::iter(times).par_map_unordered(limit, echo_after);
            let elapsed = || start.elapsed().as_millis() as u64;
            results.map(|time| (elapsed(), time)).collect().await
        });
        prop_assert!(results.is_sorted_by_key(|(finished, _)| *finished));
        // Those that finish in the same millisecond come in any order.
        model.sort();
        results.sort();
        prop_assert_eq!(results, model);
    }

    #[test]
    fn ordered_results_are_the_mapped_inputs(
        times in proptest::collection::vec(0..50_u64, 0..40),
        limit in 0..6_usize,
    ) {
        let model = times.clone();
        let results: Vec<_> = paused().block_on(stream::iter(times).par_map(limit, echo_after).collect());
        prop_assert_eq!(results, model);
    }
}

/// What they have in common, so that a claim about all of them is written once.
trait Results<U: Send + 'static>: FusedStream<Item = U> + Unpin + Sized {
    fn of<S, F, Fut>(upstream: S, limit: usize, f: F) -> Self
    where
        S: Stream<Item: Send> + Send + 'static,
        F: FnMut(S::Item) -> Fut + Send + 'static,
        Fut: Future<Output = U> + Send + 'static;

    async fn shutdown(self);
}

impl<U: Send + 'static> Results<U> for ParMap<U> {
    fn of<S, F, Fut>(upstream: S, limit: usize, f: F) -> Self
    where
        S: Stream<Item: Send> + Send + 'static,
        F: FnMut(S::Item) -> Fut + Send + 'static,
        Fut: Future<Output = U> + Send + 'static,
    {
        upstream.par_map(limit, f)
    }

    async fn shutdown(self) {
        self.shutdown().await;
    }
}

impl<U: Send + 'static> Results<U> for ParMapUnordered<U> {
    fn of<S, F, Fut>(upstream: S, limit: usize, f: F) -> Self
    where
        S: Stream<Item: Send> + Send + 'static,
        F: FnMut(S::Item) -> Fut + Send + 'static,
        Fut: Future<Output = U> + Send + 'static,
    {
        upstream.par_map_unordered(limit, f)
    }

    async fn shutdown(self) {
        self.shutdown().await;
    }
}

/// Each item has a key of its own.
impl<U: Send + 'static> Results<U> for ParByKey<U> {
    fn of<S, F, Fut>(upstream: S, limit: usize, f: F) -> Self
    where
        S: Stream<Item: Send> + Send + 'static,
        F: FnMut(S::Item) -> Fut + Send + 'static,
        Fut: Future<Output = U> + Send + 'static,
    {
        let mut keys = 0..u64::MAX;
        upstream.par_by_key(limit, move |_| keys.next(), f)
    }

    async fn shutdown(self) {
        self.shutdown().await;
    }
}

#[test]
fn as_many_tasks_as_the_limit_says_run_at_a_time() {
    async fn claim<R: Results<()>>(limit: usize) {
        let (running, peak) = (Arc::new(AtomicUsize::new(0)), Peak::default());
        let seen = peak.clone();
        let results = R::of(stream::iter(0..30), limit, move |n| {
            let (running, seen) = (Arc::clone(&running), seen.clone());
            async move {
                seen.see(running.fetch_add(1, Ordering::SeqCst) + 1);
                sleep(Duration::from_millis(1 + n % 3)).await;
                running.fetch_sub(1, Ordering::SeqCst);
            }
        });
        assert_eq!(results.count().await, 30);
        assert_eq!(peak.get(), limit.max(1));
    }
    for limit in [0, 1, 4] {
        paused().block_on(claim::<ParMap<_>>(limit));
        paused().block_on(claim::<ParMapUnordered<_>>(limit));
        paused().block_on(claim::<ParByKey<_>>(limit));
    }
}

#[test]
fn tasks_go_on_while_the_consumer_is_away_up_to_twice_the_limit() {
    async fn claim<R: Results<u64>>() -> Vec<usize> {
        let finished = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&finished);
        let mut results = R::of(stream::iter(0..100), 3, move |n| {
            let count = Arc::clone(&count);
            async move {
                sleep(Duration::from_millis(1)).await;
                count.fetch_add(1, Ordering::SeqCst);
                n
            }
        });
        let mut counts = vec![];
        assert!(futures::poll!(results.next()).is_pending());
        for _ in 0..3 {
            sleep(Duration::from_secs(1)).await;
            counts.push(finished.load(Ordering::SeqCst));
            assert!(results.next().await.is_some());
        }
        counts
    }
    // 5 wait in the channel; then one leaves it for each result.
    assert_eq!(paused().block_on(claim::<ParMap<_>>()), [5, 6, 7]);
    // 3 wait in the channel; then 3 are listened to; then as above.
    assert_eq!(paused().block_on(claim::<ParMapUnordered<_>>()), [3, 6, 7]);
    // 3 wait in the channel; then 3 others are done, and for each result one of them takes its place.
    assert_eq!(paused().block_on(claim::<ParByKey<_>>()), [3, 6, 6]);
}

#[test]
fn results_end_once_and_for_ever() {
    async fn claim<R: Results<u64>>() {
        for inputs in [0, 1, 20_u64] {
            let mut results = R::of(stream::iter(0..inputs), 3, async |n| n * 2);
            let mut all: Vec<_> = results.by_ref().collect().await;
            all.sort();
            assert_eq!(all, (0..inputs).map(|n| n * 2).collect::<Vec<_>>());
            assert!(results.is_terminated());
            assert_eq!(results.next().await, None);
        }
    }
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(claim::<ParMap<_>>());
        runtime.block_on(claim::<ParMapUnordered<_>>());
        runtime.block_on(claim::<ParByKey<_>>());
    }
}

#[test]
fn nothing_runs_before_the_first_poll_and_no_runtime_is_needed() {
    fn claim<R: Results<()>>() {
        let live = Live::default();
        let token = live.token();
        let results = R::of(stream::iter(0..3), 2, move |_| {
            let _ = &token;
            async {}
        });
        assert_eq!(live.count(), 1);
        drop(results);
        assert_eq!(live.count(), 0);
    }
    claim::<ParMap<_>>();
    claim::<ParMapUnordered<_>>();
    claim::<ParByKey<_>>();
}

#[test]
fn shutdown_waits_until_all_is_dropped() {
    async fn claim<R: Results<Token>>(taken: usize) {
        let live = Live::default();
        let (in_f, in_items, in_results) = (live.token(), live.clone(), live.clone());
        let upstream = stream::repeat_with(move || in_items.token());
        let mut results = R::of(upstream, 3, move |item| {
            let _ = &in_f;
            let in_results = in_results.clone();
            async move {
                let item = item;
                tokio::task::yield_now().await;
                if item.count() % 3 == 0 {
                    std::future::pending::<()>().await;
                }
                in_results.token()
            }
        });
        for _ in 0..taken {
            let _ = tokio::time::timeout(Duration::from_millis(1), results.next()).await;
        }
        results.shutdown().await;
        assert_eq!(live.count(), 0);
    }
    for round in 0..50 {
        for runtime in [current_thread(), multi_thread()] {
            runtime.block_on(claim::<ParMap<_>>(round % 4));
            runtime.block_on(claim::<ParMapUnordered<_>>(round % 4));
            runtime.block_on(claim::<ParByKey<_>>(round % 4));
        }
    }
}

#[test]
fn dropping_aborts_the_tasks() {
    async fn claim<R: Results<()>>() {
        let (held, mut all_dropped) = mpsc::channel::<()>(1);
        let (begun, mut has_begun) = mpsc::unbounded_channel();
        let mut results = R::of(stream::iter(0..10), 3, move |_| {
            let (held, begun) = (held.clone(), begun.clone());
            async move {
                begun.send(()).unwrap();
                std::future::pending::<()>().await;
                drop(held);
            }
        });
        assert!(futures::poll!(results.next()).is_pending());
        for _ in 0..3 {
            has_begun.recv().await.unwrap();
        }
        drop(results);
        assert_eq!(all_dropped.recv().await, None);
    }
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(claim::<ParMap<_>>());
        runtime.block_on(claim::<ParMapUnordered<_>>());
        runtime.block_on(claim::<ParByKey<_>>());
    }
}

/// Takes results up to a panic; gives them and what the panic said. Nothing comes after it.
async fn until_panic<R: Results<u64>>(mut results: R) -> (Vec<u64>, &'static str) {
    let mut taken = vec![];
    loop {
        match AssertUnwindSafe(results.next()).catch_unwind().await {
            Ok(result) => taken.push(result.expect("a panic")),
            Err(panic) => {
                assert!(results.is_terminated());
                assert_eq!(results.next().await, None);
                results.shutdown().await;
                return (taken, message(panic));
            }
        }
    }
}

#[tokio::test]
async fn a_panic_in_a_task_resumes_in_its_place() {
    async fn fail_at_5(n: u64) -> u64 {
        assert!(n != 5, "5 is bad");
        n
    }
    let results = until_panic(stream::iter(0..).par_map(3, fail_at_5)).await;
    assert_eq!(results, (vec![0, 1, 2, 3, 4], "5 is bad"));
    let (_, said) = until_panic(stream::iter(0..).par_map_unordered(3, fail_at_5)).await;
    assert_eq!(said, "5 is bad");
    let (_, said) = until_panic(stream::iter(0..).par_by_key(3, |n| *n, fail_at_5)).await;
    assert_eq!(said, "5 is bad");
}

#[tokio::test]
async fn a_panic_in_f_or_in_the_upstream_resumes_too() {
    async fn claim<R: Results<u64>>() -> [(Vec<u64>, &'static str); 2] {
        let in_f = R::of(stream::iter(0..), 3, |n| {
            assert!(n != 5, "f is bad");
            async move { n }
        });
        let upstream = stream::iter(0..).inspect(|n| assert!(*n != 5, "upstream is bad"));
        let in_upstream = R::of(upstream, 3, async |n| n);
        [until_panic(in_f).await, until_panic(in_upstream).await]
    }
    let before = || vec![0, 1, 2, 3, 4];
    assert_eq!(
        claim::<ParMap<_>>().await,
        [(before(), "f is bad"), (before(), "upstream is bad")]
    );
    // It does not wait for the results before it.
    for results in [
        claim::<ParMapUnordered<_>>().await,
        claim::<ParByKey<_>>().await,
    ] {
        let said = results.map(|(_, said)| said);
        assert_eq!(said, ["f is bad", "upstream is bad"]);
    }
}

#[test]
fn a_runtime_that_goes_is_not_taken_for_the_end() {
    fn claim<R: Results<u64>>(runtime: Runtime) {
        let mut results = R::of(stream::iter(0..), 2, async |n| match n {
            0 => n,
            _ => std::future::pending().await,
        });
        assert_eq!(runtime.block_on(results.next()), Some(0));
        drop(runtime);
        let mut cx = Context::from_waker(Waker::noop());
        let poll = catch_unwind(AssertUnwindSafe(|| results.poll_next_unpin(&mut cx)));
        assert_eq!(message(poll.unwrap_err()), RUNTIME_GONE);
    }
    for runtime in [current_thread, multi_thread] {
        claim::<ParMap<_>>(runtime());
        claim::<ParMapUnordered<_>>(runtime());
        claim::<ParByKey<_>>(runtime());
    }
}
