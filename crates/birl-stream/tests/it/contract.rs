//! Adapters keep the contract of streams, whatever their upstream does.

use std::fmt::Debug;
use std::mem;
use std::panic::AssertUnwindSafe;
use std::task::Poll;
use std::time::Duration;

use birl_stream::prelude::*;
use birl_stream::testing::{At, at, check_fused};
use futures::FutureExt;
use futures::stream::{BoxStream, FusedStream};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::probe::{Live, current_thread, message, multi_thread, paused};

const MS: Duration = Duration::from_millis(1);

/// Items that say at which millisecond they come: several at a time, more than tokio's budget
/// allows, and with gaps between them.
fn items() -> impl Strategy<Value = Vec<u32>> {
    let gap = prop_oneof![8 => Just(0), 1 => 1..30_u32];
    proptest::collection::vec(gap, 0..300).prop_map(|gaps| {
        let times = gaps.iter().scan(0, |now, gap| {
            *now += gap;
            Some(*now)
        });
        times.collect()
    })
}

/// Checks an adapter under paused time. The items that went in must come out, in any order.
fn check<S>(adapt: impl Fn(At<u32>) -> S)
where
    S: FusedStream<Item: Into<Vec<u32>>>,
{
    let claim = |items: Vec<u32>| {
        let timed = items.iter().map(|&n| (n * MS, n));
        let groups = paused().block_on(check_fused(adapt(at(timed))));
        let mut results: Vec<u32> = groups.into_iter().flat_map(S::Item::into).collect();
        results.sort_unstable();
        prop_assert_eq!(results, items);
        Ok(())
    };
    TestRunner::default().run(&items(), claim).unwrap();
}

async fn nap(n: u32) -> [u32; 1] {
    sleep(n % 7 * MS).await;
    [n]
}

fn at_ns(at_ms: &u32) -> i64 {
    i64::from(*at_ms) * 1_000_000
}

#[test]
fn adapters_on_tokios_clock() {
    check(|items| items.batched(4).within(10 * MS));
    check(|items| {
        let windows = Windows::tumbling(10 * MS);
        let windows = items.windows(windows, at_ns, Vec::new, |list, n| list.push(*n));
        windows.lateness(3 * MS).idle(7 * MS).map(|it| it.value)
    });
    check(|items| {
        let visits = items.sessions(
            10 * MS,
            at_ns,
            Vec::new,
            |list, n| list.push(*n),
            Vec::extend,
        );
        visits.key(|n| n % 3).idle(7 * MS).map(|it| it.value)
    });
    check(|items| items.map(|n| [n]).prefetch(3));
    check(|items| items.par_map(3, nap));
    check(|items| items.par_map_unordered(3, nap));
    check(|items| {
        let work = async |n| Ok::<_, ()>(nap(n).await);
        let results = items.retry_each(3, Backoff::default(), |()| true, work);
        results.map(Result::unwrap)
    });
    check(|items| items.par_by_key(3, |n| n % 2, nap));
    check(|items| items.idle_timeout(30 * MS).map(|item| [item.unwrap()]));
    check(|items| {
        let rate = Rate::per_second(700).burst(3);
        items.rate_limit(rate).map(|n| [n])
    });
    check(|items| merge_sorted([items.map(|n| [n])], |[n]| *n).stall_after(10 * MS));
    check(|items| {
        let merged = merge_sorted([items], |n| *n).marked();
        merged.map(|merged| [merged.item])
    });
    check(|items| items.map(|n| [n]).share(3, lag::Wait));
    let others = || at((0..300).map(|n| (n * MS, n)));
    check(|items| items.latest_with(others()).map(|(n, _)| [n]));
}

/// Checks an adapter that leaves items out. What comes must be in order, and end with the last.
fn check_lossy<S>(adapt: impl Fn(At<u32>) -> S)
where
    S: FusedStream<Item = u32>,
{
    let claim = |items: Vec<u32>| {
        let timed = items.iter().map(|&n| (n * MS, n));
        let results = paused().block_on(check_fused(adapt(at(timed))));
        prop_assert_eq!(results.last(), items.last());
        prop_assert!(results.is_sorted());
        prop_assert!(results.iter().all(|n| items.contains(n)));
        Ok(())
    };
    TestRunner::default().run(&items(), claim).unwrap();
}

#[test]
fn lossy_adapters_on_tokios_clock() {
    check_lossy(|items| items.debounce(Duration::ZERO));
    check_lossy(|items| items.debounce(3 * MS));
    check_lossy(|items| items.sample_every(Duration::ZERO));
    check_lossy(|items| items.sample_every(7 * MS));
}

/// Time stands still while blocking threads work, so that they have to be checked in real time.
fn check_blocking<S>(runtime: &Runtime, adapt: impl Fn(std::ops::Range<u32>) -> S)
where
    S: FusedStream<Item: Debug>,
    Vec<S::Item>: PartialEq<Vec<u32>>,
{
    for number in [0, 1, 1000] {
        let results = runtime.block_on(async { check_fused(adapt(0..number)).await });
        assert_eq!(results, (0..number).collect::<Vec<_>>());
    }
}

#[test]
fn adapters_on_blocking_threads() {
    for runtime in [current_thread(), multi_thread()] {
        check_blocking(&runtime, |numbers| birl_stream::blocking_iter(numbers, 3));
        check_blocking(&runtime, |numbers| iter(numbers).par_map_blocking(3, |n| n));
        check_blocking(&runtime, |numbers| {
            let end = numbers.end;
            iter(numbers.step_by(3)).par_flat_map(3, move |n, outlet| {
                (n..end.min(n + 3)).for_each(|n| outlet.send(n).unwrap());
            })
        });
        check_blocking(&runtime, |numbers| {
            iter(numbers).par_chunks(3, 50, |chunk| chunk)
        });
    }
}

type Adapt<T> = fn(BoxStream<'static, T>) -> BoxStream<'static, ()>;

/// The adapters that poll their upstream themselves, without a task.
fn without_tasks<T: Send + 'static>() -> [(&'static str, Adapt<T>); 11] {
    fn unit<S: Stream + Send + 'static>(stream: S) -> BoxStream<'static, ()> {
        stream.map(drop).boxed()
    }
    [
        ("batched", |items| unit(items.batched(4).within(10 * MS))),
        ("windows", |items| {
            let windows = Windows::tumbling(MS);
            unit(items.windows(windows, |_| 0, || (), |(), _| ()))
        }),
        ("sessions", |items| {
            unit(items.sessions(MS, |_| 0, || (), |(), _| (), |(), ()| ()))
        }),
        ("debounce", |items| unit(items.debounce(10 * MS))),
        ("sample_every", |items| unit(items.sample_every(10 * MS))),
        ("rate_limit", |items| {
            unit(items.rate_limit(Rate::per_second(1)))
        }),
        ("idle_timeout", |items| unit(items.idle_timeout(10 * MS))),
        ("latest_with", |items| {
            unit(items.latest_with(stream::pending::<()>()))
        }),
        ("dedup_by_key", |items| unit(items.dedup_by_key(|_| ()))),
        ("meter", |items| unit(items.meter(&Meter::new()))),
        ("on_error", |items| {
            unit(items.map(Ok::<_, ()>).on_error(OnError::Stop))
        }),
    ]
}

#[tokio::test(start_paused = true)]
async fn dropping_an_adapter_drops_all_that_it_holds() {
    for (name, adapt) in without_tasks() {
        let live = Live::default();
        let (held, made) = (live.token(), live.clone());
        let silent = stream::pending().inspect(move |_| {
            let _ = &held;
        });
        let items = iter(0..3).map(move |_| made.token()).chain(silent);
        let mut adapted = adapt(items.boxed());
        let first = adapted.next().now_or_never();
        assert!(
            live.count() > 0,
            "{name} has dropped its upstream: {first:?}"
        );
        drop(adapted);
        assert_eq!(live.count(), 0, "{name} leaves something behind");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_upstream_passes_through_and_the_rest_follows() {
    for (name, adapt) in without_tasks() {
        let mut panicked = false;
        let panics = stream::poll_fn(move |_| {
            assert!(mem::replace(&mut panicked, true), "the upstream panics");
            Poll::Ready(None)
        });
        let mut adapted = adapt(iter(0..2).chain(panics).boxed());
        let mut seen = vec![];
        loop {
            match AssertUnwindSafe(adapted.next()).catch_unwind().await {
                Ok(Some(())) => {}
                Ok(None) => break,
                Err(panic) => seen.push(message(panic)),
            }
        }
        assert_eq!(seen, ["the upstream panics"], "{name}");
    }
}
