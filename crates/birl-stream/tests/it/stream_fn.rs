//! `stream_fn`, `try_stream_fn`, and the macros that do the same.

use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use birl_stream::Emitter;
use birl_stream::prelude::*;
use birl_stream::testing::{check_contract, check_fused, timeline};
use futures::FutureExt;
use futures::stream::{FusedStream, FuturesUnordered};
use proptest::prelude::*;
use tokio::time::{sleep, timeout};

use crate::probe::{Live, message, paused};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
enum Act {
    Emit(u32),
    SleepMs(u64),
    Yield,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        any::<u32>().prop_map(Act::Emit),
        (0..500_u64).prop_map(Act::SleepMs),
        Just(Act::Yield),
    ];
    proptest::collection::vec(act, 0..40)
}

async fn perform(acts: Vec<Act>, y: &mut Emitter<u32>) {
    for act in acts {
        match act {
            Act::Emit(n) => y.emit(n).await,
            Act::SleepMs(ms) => sleep(Duration::from_millis(ms)).await,
            Act::Yield => tokio::task::yield_now().await,
        }
    }
}

/// What is emitted, and when.
fn model(acts: &[Act]) -> Vec<(Duration, u32)> {
    let (mut items, mut now) = (vec![], Duration::ZERO);
    for act in acts {
        match *act {
            Act::Emit(n) => items.push((now, n)),
            Act::SleepMs(ms) => now += Duration::from_millis(ms),
            Act::Yield => {}
        }
    }
    items
}

proptest! {
    #[test]
    fn items_come_when_they_are_emitted(acts in acts(), error in any::<Option<u8>>()) {
        let items = model(&acts);
        let plain = || stream_fn(async |mut y| perform(acts.clone(), &mut y).await);
        let failing = || try_stream_fn(async |mut y| {
            perform(acts.clone(), &mut y).await;
            error.map_or(Ok(()), Err)
        });
        let numbers: Vec<_> = items.iter().map(|(_, n)| *n).collect();
        let results: Vec<_> = numbers.iter().copied().map(Ok).chain(error.map(Err)).collect();
        paused().block_on(async {
            assert_eq!(timeline(plain()).await, items);
            assert_eq!(check_fused(plain()).await, numbers);
            assert_eq!(check_fused(failing()).await, results);
        });
    }
}

#[test]
fn it_works_without_a_runtime_and_without_pinning() {
    let mut numbers = stream_fn(async |mut y| {
        y.emit(1).await;
        y.emit(2).await;
    });
    assert_eq!(numbers.next().now_or_never(), Some(Some(1)));
    assert_eq!(numbers.collect().now_or_never(), Some(vec![2]));
}

#[tokio::test]
async fn it_can_be_spawned_and_borrow_what_is_around_it() {
    let task = tokio::spawn(async {
        let words = ["a".to_owned(), "b".to_owned()];
        let borrowed = stream_fn(async |mut y| {
            for word in &words {
                tokio::task::yield_now().await;
                y.emit(word.as_str()).await;
            }
        });
        borrowed.collect::<Vec<_>>().await.concat()
    });
    assert_eq!(task.await.unwrap(), "ab");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_next_loses_nothing() {
    let mut numbers = stream_fn(async |mut y| {
        y.emit(1).await;
        sleep(5 * SECOND).await;
        y.emit(2).await;
    });
    assert_eq!(numbers.next().await, Some(1));
    for _ in 0..4 {
        assert!(timeout(SECOND, numbers.next()).await.is_err());
    }
    assert_eq!(numbers.next().await, Some(2));
    assert_eq!(numbers.next().await, None);
}

#[test]
fn the_closure_runs_no_further_than_to_the_item_that_is_wanted() {
    let (reached, saw) = mpsc::channel();
    let mut numbers = stream_fn(async move |mut y| {
        for n in 0.. {
            reached.send(n).unwrap();
            y.emit(n).await;
        }
    });
    assert!(saw.try_recv().is_err());
    assert_eq!(numbers.next().now_or_never(), Some(Some(0)));
    assert_eq!(saw.try_iter().collect::<Vec<_>>(), [0]);
    assert_eq!(numbers.next().now_or_never(), Some(Some(1)));
    assert_eq!(saw.try_iter().collect::<Vec<_>>(), [1]);
}

#[tokio::test(start_paused = true)]
async fn an_emit_that_is_dropped_gives_its_item_if_it_was_polled() {
    let numbers = stream_fn(async |mut y| {
        drop(y.emit(1));
        assert_eq!(y.emit(2).now_or_never(), None);
        // Has to wait for 2 to be taken.
        y.emit(3).await;
        y.emit(4).await;
    });
    assert_eq!(check_fused(numbers).await, [2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_given_with_the_last_breath_is_not_lost() {
    let numbers = stream_fn(async |mut y| assert_eq!(y.emit(1).now_or_never(), None));
    assert_eq!(check_fused(numbers).await, [1]);
    for end in [Ok(()), Err("bad")] {
        let results = try_stream_fn(async |mut y| {
            assert_eq!(y.emit(1).now_or_never(), None);
            end
        });
        let expected: Vec<_> = [Ok(1)].into_iter().chain(end.err().map(Err)).collect();
        assert_eq!(check_fused(results).await, expected);
    }
}

/// `FuturesUnordered` polls only what was woken, by wakers of its own.
#[tokio::test(start_paused = true)]
async fn an_emit_is_woken_by_the_waker_that_it_was_polled_with() {
    let numbers = || {
        stream_fn(async |mut y| {
            let emits = FuturesUnordered::new();
            emits.push(async {
                y.emit(1).await;
                sleep(SECOND).await;
                y.emit(2).await;
            });
            emits.collect::<()>().await;
        })
    };
    assert_eq!(check_contract(numbers()).await, [1, 2]);
    let times = timeline(numbers()).await;
    assert_eq!(times, [(Duration::ZERO, 1), (SECOND, 2)]);
}

#[tokio::test]
async fn one_stream_may_emit_for_another_that_polls_it() {
    let numbers = stream_fn(async |mut y| {
        let inner = stream_fn(async |mut inner| {
            y.emit(1).await;
            inner.emit(20).await;
            y.emit(3).await;
        });
        let sum = inner.fold(0, async |sum, n| sum + n).await;
        assert_eq!(sum, 20);
    });
    assert_eq!(check_fused(numbers).await, [1, 3]);
}

const OUTSIDE: &str = "`emit` works only within the closure of its own stream";

#[tokio::test]
async fn an_emitter_that_is_moved_to_another_task_panics_there() {
    let mut numbers = stream_fn(async |mut y: Emitter<u32>| {
        y.emit(1).await;
        let elsewhere = tokio::spawn(async move { y.emit(2).await });
        let panic = elsewhere.await.unwrap_err().into_panic();
        assert_eq!(message(panic), OUTSIDE);
    });
    assert_eq!(numbers.next().await, Some(1));
    assert_eq!(numbers.next().await, None);
}

/// The stream is being polled then, but not by the thread that emits.
#[test]
fn an_emitter_that_is_moved_to_another_thread_panics_there() {
    let numbers = stream_fn(async |mut y: Emitter<u32>| {
        let elsewhere = std::thread::spawn(move || y.emit(1).now_or_never());
        assert_eq!(message(elsewhere.join().unwrap_err()), OUTSIDE);
    });
    assert_eq!(numbers.collect().now_or_never(), Some(Vec::<u32>::new()));
}

#[test]
fn an_emitter_that_is_kept_panics_after_the_end_and_between_polls() {
    let mut kept = None;
    let numbers = stream_fn(|y: Emitter<u32>| {
        kept = Some(y);
        ready(())
    });
    let mut kept = kept.unwrap();
    let early = catch_unwind(AssertUnwindSafe(|| kept.emit(1).now_or_never()));
    assert_eq!(message(early.unwrap_err()), OUTSIDE);
    assert_eq!(numbers.collect().now_or_never(), Some(vec![]));
    let late = catch_unwind(AssertUnwindSafe(|| kept.emit(1).now_or_never()));
    assert_eq!(message(late.unwrap_err()), OUTSIDE);
}

#[test]
fn a_panic_passes_through_and_then_it_has_ended() {
    let live = Live::default();
    let token = live.token();
    let (keep, kept) = mpsc::channel();
    let mut numbers = stream_fn(async move |mut y| {
        let _token = token;
        y.emit(1).await;
        keep.send(y).unwrap();
        panic!("the closure is bad");
    });
    assert_eq!(numbers.next().now_or_never(), Some(Some(1)));
    let panic = catch_unwind(AssertUnwindSafe(|| numbers.next().now_or_never()));
    assert_eq!(message(panic.unwrap_err()), "the closure is bad");
    assert_eq!(live.count(), 0);
    assert!(numbers.is_terminated());
    assert_eq!(numbers.next().now_or_never(), Some(None));
    let late = catch_unwind(AssertUnwindSafe(|| {
        kept.recv().unwrap().emit(2).now_or_never()
    }));
    assert_eq!(message(late.unwrap_err()), OUTSIDE);
}

#[test]
fn dropping_it_drops_what_the_closure_holds_and_the_item_that_nobody_took() {
    let live = Live::default();
    let (in_closure, made) = (live.token(), live.clone());
    let mut tokens = stream_fn(async move |mut y| {
        let _in_closure = in_closure;
        loop {
            // Two given, of which one is taken.
            assert!(y.emit(made.token()).now_or_never().is_none());
            y.emit(made.token()).await;
        }
    });
    let taken = tokens.next().now_or_never();
    assert_eq!(live.count(), 3);
    drop(taken);
    drop(tokens);
    assert_eq!(live.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_always_ready_lets_a_timeout_fire() {
    let endless = stream_fn(async |mut y| {
        for n in 0_u64.. {
            y.emit(n).await;
        }
    });
    let run = endless.for_each(|_| ready(()));
    assert!(timeout(Duration::ZERO, run).await.is_err());
}

#[cfg(feature = "macros")]
#[tokio::test]
async fn the_macros_come_with_the_prelude() {
    let mut seen = vec![];
    let numbers = stream! {
        for n in 0..3 {
            yield n;
        }
    };
    numbers.each(|n| seen.push(n)).await;
    assert_eq!(seen, [0, 1, 2]);

    let parsed = try_stream! {
        for word in ["1", "x", "2"] {
            let n: u32 = word.parse()?;
            yield n;
        }
    };
    let parsed: Vec<Result<u32, std::num::ParseIntError>> = parsed.collect().await;
    assert_eq!(parsed[0], Ok(1));
    assert!(parsed[1].is_err());
    assert_eq!(parsed.len(), 2);
}
