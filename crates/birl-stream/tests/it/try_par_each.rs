//! `try_par_each`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use birl_stream::prelude::*;
use futures::FutureExt;
use futures::future::{FusedFuture, pending};
use proptest::prelude::*;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use crate::probe::{Live, Peak, RUNTIME_GONE, current_thread, message, multi_thread, paused};

#[derive(Clone, Copy, Debug)]
enum Item {
    /// Is done after so many milliseconds.
    Works(u64),
    /// Fails after so many milliseconds.
    Fails(u64),
    /// The stream's own error.
    Bad,
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let item = prop_oneof![
        20 => (1..50_u64).prop_map(Item::Works),
        1 => (1..50_u64).prop_map(Item::Fails),
        1 => Just(Item::Bad),
    ];
    proptest::collection::vec(item, 0..40)
}

/// What comes of a run: which items were begun and when, and when which of them failed.
#[derive(Debug, PartialEq)]
struct Run {
    begun: Vec<(usize, u64)>,
    /// The time of the end, and all that may be what it ended with.
    end: u64,
    errors: Vec<usize>,
}

/// By list scheduling: an item is begun, in order, when less than `limit` are in work.
fn model(items: &[Item], limit: usize) -> Run {
    let mut workers = vec![0; limit.max(1)];
    let (mut begun, mut failed, mut last) = (vec![], vec![], 0);
    for (number, item) in items.iter().enumerate() {
        let free = workers.iter_mut().min().unwrap();
        match *item {
            Item::Works(ms) => {
                begun.push((number, *free));
                *free += ms;
            }
            Item::Fails(ms) => {
                begun.push((number, *free));
                *free += ms;
                failed.push((*free, number));
            }
            Item::Bad => {
                failed.push((*free, number));
                last = last.max(*free);
                break;
            }
        }
        last = last.max(*free);
    }
    let end = failed.iter().map(|(time, _)| *time).min();
    let errors = failed.iter().filter(|(time, _)| Some(*time) == end);
    Run {
        errors: errors.map(|(_, number)| *number).collect(),
        end: end.unwrap_or(last),
        begun,
    }
}

async fn work(number: usize, item: Item) -> Result<(), usize> {
    match item {
        Item::Works(ms) => sleep(Duration::from_millis(ms)).map(Ok).await,
        Item::Fails(ms) => sleep(Duration::from_millis(ms)).map(|()| Err(number)).await,
        Item::Bad => unreachable!("it is an error of the stream"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn it_ends_with_the_first_error_and_begins_nothing_after_it(
        items in items(),
        limit in 0..6_usize,
    ) {
        let model = model(&items, limit);
        let (result, end, begun) = paused().block_on(async {
            let start = Instant::now();
            let now = move || start.elapsed().as_millis() as u64;
            let begun = Arc::new(Mutex::new(vec![]));
            let log = Arc::clone(&begun);
            let upstream = stream::iter(items.into_iter().enumerate()).map(|(number, item)| match item {
                Item::Bad => Err(number),
                _ => Ok((number, item)),
            });
            let run = upstream.try_par_each(limit, move |(number, item)| {
                log.lock().unwrap().push((number, now()));
                work(number, item)
            });
            let result = run.await;
            let begun = begun.lock().unwrap().clone();
            (result, now(), begun)
        });
        prop_assert_eq!(end, model.end);
        match result {
            Ok(()) => prop_assert!(model.errors.is_empty()),
            Err(number) => prop_assert!(model.errors.contains(&number)),
        }
        // What would begin in the very millisecond of the error may or may not.
        let certain = |begun: &[(usize, u64)]| -> Vec<_> {
            let before = begun.iter().filter(|(_, time)| *time < end || model.errors.is_empty());
            before.copied().collect()
        };
        prop_assert_eq!(certain(&begun), certain(&model.begun));
        prop_assert!(begun.iter().all(|(_, time)| *time <= end));
    }
}

#[tokio::test(start_paused = true)]
async fn the_work_goes_on_while_nobody_polls() {
    let done = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&done);
    let mut run = stream::iter(0..100)
        .map(Ok::<_, ()>)
        .try_par_each(3, move |_| {
            let count = Arc::clone(&count);
            async move {
                sleep(Duration::from_secs(1)).await;
                count.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        });
    assert!(futures::poll!(&mut run).is_pending());
    sleep(Duration::from_secs(1000)).await;
    assert_eq!(done.load(Ordering::SeqCst), 100);
    assert_eq!(run.now_or_never(), Some(Ok(())));
}

#[test]
fn when_it_is_complete_all_is_dropped() {
    for runtime in [current_thread(), multi_thread()] {
        for fails in [true, false] {
            let live = Live::default();
            let (in_stream, in_f, in_items) = (live.token(), live.token(), live.clone());
            let upstream = stream::iter(0..9).map(move |n| {
                let _ = &in_stream;
                match n {
                    8 if !fails => Err("the stream is bad"),
                    _ => Ok((n, in_items.token())),
                }
            });
            let mut run = upstream.try_par_each(9, move |(n, item)| {
                let _ = &in_f;
                async move {
                    if n == 8 {
                        return Err("8 is bad");
                    }
                    pending::<()>().await;
                    drop(item);
                    Ok(())
                }
            });
            assert!(!run.is_terminated());
            let error = if fails {
                "8 is bad"
            } else {
                "the stream is bad"
            };
            assert_eq!(runtime.block_on(&mut run), Err(error));
            assert!(run.is_terminated());
            assert_eq!(live.count(), 0);
        }
    }
}

/// Looks, when it is dropped, what lives.
struct Look(Live, Peak);

impl Drop for Look {
    fn drop(&mut self) {
        self.1.see(self.0.count());
    }
}

/// A task that takes long to end must not keep open what the stream holds.
#[tokio::test]
async fn the_stream_is_gone_before_the_tasks_are() {
    let live = Live::default();
    let token = live.token();
    let upstream = stream::iter(0..3).map(move |n| {
        let _ = &token;
        Ok(n)
    });
    let peak = Peak::default();
    let seen = peak.clone();
    let run = upstream.try_par_each(3, move |n| {
        // The one that fails is gone before all.
        let look = (n != 2).then(|| Look(live.clone(), seen.clone()));
        async move {
            if n == 2 {
                return Err("2 is bad");
            }
            pending::<()>().await;
            drop(look);
            Ok(())
        }
    });
    assert_eq!(run.await, Err("2 is bad"));
    assert_eq!(peak.get(), 0);
}

#[test]
fn a_panic_in_a_task_in_f_or_in_the_stream_resumes_when_all_is_dropped() {
    for runtime in [current_thread(), multi_thread()] {
        for said in ["the task is bad", "f is bad", "the stream is bad"] {
            let live = Live::default();
            let (in_stream, in_f, in_items) = (live.token(), live.token(), live.clone());
            let upstream = stream::iter(0..9).map(move |n| {
                let _ = &in_stream;
                assert!(n != 5 || said != "the stream is bad", "the stream is bad");
                Ok::<_, ()>((n, in_items.token()))
            });
            let mut run = upstream.try_par_each(9, move |(n, item)| {
                let _ = &in_f;
                assert!(n != 5 || said != "f is bad", "f is bad");
                async move {
                    assert!(n != 5 || said != "the task is bad", "the task is bad");
                    pending::<()>().await;
                    drop(item);
                    Ok(())
                }
            });
            let panic = catch_unwind(AssertUnwindSafe(|| runtime.block_on(&mut run)));
            assert_eq!(message(panic.unwrap_err()), said);
            assert!(run.is_terminated());
            assert_eq!(live.count(), 0);
        }
    }
}

#[test]
fn nothing_runs_before_the_first_poll_and_no_runtime_is_needed() {
    let live = Live::default();
    let token = live.token();
    let run = stream::iter(0..3)
        .map(Ok::<_, ()>)
        .try_par_each(2, move |_| {
            let _ = &token;
            async { Ok(()) }
        });
    assert_eq!(live.count(), 1);
    drop(run);
    assert_eq!(live.count(), 0);
    let run = stream::iter([Ok::<_, ()>(live.token())]).try_par_each(2, async |_| Ok(()));
    current_thread().block_on(run.shutdown());
    assert_eq!(live.count(), 0);
}

#[test]
fn shutdown_at_any_moment_waits_until_all_is_dropped() {
    for runtime in [current_thread(), multi_thread()] {
        for round in 0..100 {
            let live = Live::default();
            let (in_f, in_items) = (live.token(), live.clone());
            let upstream = stream::repeat_with(move || Ok::<_, ()>(in_items.token()));
            let mut run = upstream.try_par_each(3, move |item| {
                let _ = &in_f;
                async move {
                    yield_now().await;
                    if item.count() % 3 == round % 3 {
                        pending::<()>().await;
                    }
                    Ok(())
                }
            });
            runtime.block_on(async {
                assert!(futures::poll!(&mut run).is_pending());
                for _ in 0..round % 10 {
                    yield_now().await;
                }
                run.shutdown().await;
            });
            assert_eq!(live.count(), 0);
        }
    }
}

#[test]
fn dropping_it_aborts_the_tasks() {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(async {
            let (held, mut all_dropped) = mpsc::channel::<()>(1);
            let (begun, mut has_begun) = mpsc::unbounded_channel();
            let mut run = stream::iter(0..10)
                .map(Ok::<_, ()>)
                .try_par_each(3, move |_| {
                    let (held, begun) = (held.clone(), begun.clone());
                    async move {
                        begun.send(()).unwrap();
                        pending::<()>().await;
                        drop(held);
                        Ok(())
                    }
                });
            assert!(futures::poll!(&mut run).is_pending());
            for _ in 0..3 {
                has_begun.recv().await.unwrap();
            }
            drop(run);
            assert_eq!(all_dropped.recv().await, None);
        });
    }
}

/// On one thread, a driver that never yields would keep this from ending.
#[tokio::test]
async fn an_endless_stream_and_a_large_limit_let_others_run() {
    let upstream = stream::repeat(Ok::<_, ()>(()));
    let mut run = upstream.try_par_each(usize::MAX, async |()| Ok(()));
    assert!(futures::poll!(&mut run).is_pending());
    yield_now().await;
    run.shutdown().await;
}

#[tokio::test]
async fn the_stream_is_polled_only_while_there_is_room() {
    let pulled = Peak::default();
    let seen = pulled.clone();
    let upstream = stream::iter(1..=100).inspect(move |n| seen.see(*n));
    let mut run = upstream.map(Ok::<_, ()>).try_par_each(3, |_| pending());
    assert!(futures::poll!(&mut run).is_pending());
    for _ in 0..10 {
        yield_now().await;
    }
    assert_eq!(pulled.get(), 3);
}

#[test]
fn a_runtime_that_goes_is_not_taken_for_the_end() {
    for runtime in [current_thread(), multi_thread()] {
        let mut run = stream::iter([Ok::<_, ()>(())]).try_par_each(2, |()| pending());
        runtime.block_on(async { assert!(futures::poll!(&mut run).is_pending()) });
        drop(runtime);
        let mut cx = Context::from_waker(Waker::noop());
        let poll = catch_unwind(AssertUnwindSafe(|| run.poll_unpin(&mut cx)));
        assert_eq!(message(poll.unwrap_err()), RUNTIME_GONE);
    }
}
