//! Sorted streams merged.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use birl_stream::prelude::*;
use birl_stream::testing::{At, at, check_fused, timeline};
use birl_stream::{Merged, merge_sorted};
use futures::stream::{self, BoxStream, FusedStream};
use futures::{FutureExt, StreamExt};
use proptest::prelude::*;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;

use crate::probe::{Live, Peak, RUNTIME_GONE, current_thread, message, multi_thread, paused};

const MS: Duration = Duration::from_millis(1);

/// Sorted keys, of several inputs.
fn sorted() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let keys = prop::collection::vec(0..20_u8, 0..60).prop_map(|mut keys| {
        keys.sort_unstable();
        keys
    });
    prop::collection::vec(keys, 0..8)
}

/// Each key, and where it comes from: the number of its input, and its place there.
type Item = (u8, usize, usize);

fn items(inputs: &[Vec<u8>]) -> Vec<Vec<Item>> {
    let inputs = inputs.iter().enumerate().map(|(input, keys)| {
        let keys = keys.iter().enumerate();
        keys.map(|(place, &key)| (key, input, place)).collect()
    });
    inputs.collect()
}

proptest! {
    #[test]
    fn it_gives_what_sorting_gives(inputs in sorted(), ahead in 0..5_usize) {
        let inputs = items(&inputs);
        let mut model = inputs.concat();
        // Stable: equal keys stay in the order of the inputs.
        model.sort_by_key(|(key, ..)| *key);
        for runtime in [current_thread(), multi_thread()] {
            let inputs = inputs.clone().into_iter().map(birl_stream::iter);
            let merged = merge_sorted(inputs, |(key, ..)| *key).ahead(ahead);
            let given: Vec<_> = runtime.block_on(merged.collect());
            prop_assert_eq!(&given, &model);
        }
    }
}

/// What comes from which input, and when: times are in milliseconds, and rise.
fn arrivals() -> impl Strategy<Value = Vec<(u64, usize, u8)>> {
    prop::collection::vec((1..6_u64, 0..4_usize, 0..20_u8), 0..60).prop_map(|arrivals| {
        let mut time = 0;
        let arrivals = arrivals.into_iter().map(|(gap, input, key)| {
            time += 100 * gap;
            (time, input, key)
        });
        arrivals.collect()
    })
}

/// What a merge of four inputs gives, if each ends with its last item.
fn model(arrivals: &[(u64, usize, u8)], stall_after_ms: u64) -> Vec<(Duration, Merged<u8>)> {
    let (mut now, mut held_since) = (0, None);
    let mut coming = VecDeque::from(arrivals.to_vec());
    let mut waiting = [const { VecDeque::new() }; 4];
    let mut awaited = BTreeSet::from([0, 1, 2, 3]);
    let mut given: Vec<(Duration, Merged<u8>)> = vec![];
    loop {
        while let Some((_, input, key)) = coming.pop_front_if(|(time, ..)| *time <= now) {
            waiting[input].push_back(key);
        }
        let comes = |input: usize| coming.iter().any(|(_, other, _)| *other == input);
        awaited.retain(|&input| waiting[input].is_empty() && comes(input));

        let heads = (0..4).filter_map(|input| Some((*waiting[input].front()?, input)));
        if let Some((key, input)) = heads.min() {
            if awaited.is_empty() {
                waiting[input].pop_front();
                let late = given.iter().any(|(_, before)| before.item > key);
                let merged = Merged {
                    item: key,
                    input,
                    late,
                };
                given.push((Duration::from_millis(now), merged));
                awaited.insert(input);
                held_since = None;
                continue;
            }
            let until = *held_since.get_or_insert(now) + stall_after_ms;
            if coming.front().is_none_or(|(time, ..)| until < *time) {
                now = until;
                awaited.clear();
                continue;
            }
        }
        match coming.front() {
            Some((time, ..)) => now = *time,
            None => return given,
        }
    }
}

fn inputs(arrivals: &[(u64, usize, u8)]) -> [At<u8>; 4] {
    [0, 1, 2, 3].map(|input| {
        let own = arrivals.iter().filter(|(_, other, _)| *other == input);
        at(own.map(|&(time, _, key)| (Duration::from_millis(time), key)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Inputs come in any order. Items come at multiples of 100 ms, and no stall ends at one.
    #[test]
    fn silent_inputs_hold_the_others_up_for_so_long_and_no_longer(
        arrivals in arrivals(),
        stall_after_ms in (0..10_u64).prop_map(|n| 100 * n + 1),
    ) {
        let merged = merge_sorted(inputs(&arrivals), |key| *key)
            .stall_after(Duration::from_millis(stall_after_ms))
            .marked();
        let given = paused().block_on(timeline(merged));
        prop_assert_eq!(given, model(&arrivals, stall_after_ms));
    }

    #[test]
    fn it_keeps_the_contract_of_streams(arrivals in arrivals()) {
        let count = arrivals.len();
        let merged = merge_sorted(inputs(&arrivals), |key| *key).ahead(2);
        let given = paused().block_on(check_fused(merged.stall_after(150 * MS)));
        prop_assert_eq!(given.len(), count);
        let merged = merge_sorted(inputs(&arrivals), |key| *key).marked();
        let given = paused().block_on(check_fused(merged));
        prop_assert_eq!(given.len(), count);
    }
}

#[test]
fn thousands_of_inputs_are_merged() {
    for runtime in [current_thread(), multi_thread()] {
        let inputs = (0..5000).map(|input| birl_stream::iter([input, 10_000 - input]));
        let given: Vec<_> = runtime.block_on(merge_sorted(inputs, |n| *n).collect());
        let model: Vec<_> = (0..5000).chain(5001..=10_000).collect();
        assert_eq!(given, model);
    }
}

#[tokio::test]
async fn without_inputs_it_ends_at_once() {
    let mut none = merge_sorted(Vec::<stream::Empty<u8>>::new(), |n| *n);
    assert_eq!(none.size_hint(), (0, Some(0)));
    assert_eq!(none.next().now_or_never(), Some(None));
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_a_silent_input_holds_up_the_others_for_ever() {
    const LATE: Duration = Duration::from_secs(1_000_000);
    let merged = || merge_sorted([at([(MS, 1)]), at([(LATE, 0)])], |n| *n);
    for merged in [merged(), merged().stall_after(Duration::MAX)] {
        assert_eq!(timeline(merged).await, [(LATE, 0), (LATE, 1)]);
    }
}

#[tokio::test]
async fn an_item_without_a_key_follows_the_one_before_it() {
    let one = [Ok(1), Err("bad"), Err("worse"), Ok(4)];
    let other = [Err("first"), Ok(2), Ok(4), Err("last")];
    let merged = merge_sorted([one, other].map(birl_stream::iter), |item| item.ok());
    assert_eq!(
        merged.collect::<Vec<Result<u8, _>>>().await,
        [
            Err("first"),
            Ok(1),
            Err("bad"),
            Err("worse"),
            Ok(2),
            Ok(4),
            Ok(4),
            Err("last")
        ]
    );
}

#[tokio::test]
async fn each_input_runs_exactly_so_far_ahead() {
    for (ahead, pulled) in [(0, 1), (1, 1), (5, 5)] {
        let peaks = [Peak::default(), Peak::default()];
        let inputs = peaks.clone().map(|peak| {
            let numbers = stream::iter(1..=100);
            numbers.inspect(move |n| peak.see(*n))
        });
        let mut merged = merge_sorted(inputs, |n| *n).ahead(ahead);
        assert!(futures::poll!(merged.next()).is_pending());
        yield_now().await;
        assert_eq!(peaks.each_ref().map(Peak::get), [pulled; 2]);
        // What was there is in the hands of the stream now.
        assert_eq!(merged.next().await, Some(1));
        yield_now().await;
        assert_eq!(peaks.each_ref().map(Peak::get), [2 * pulled; 2]);
    }
}

#[tokio::test]
async fn an_input_that_is_added_takes_part_from_then_on() {
    let (sender, first) = mpsc::channel(8);
    let mut merged = merge_sorted([first.into_stream()], |n| *n).marked();
    sender.send(5).await.unwrap();
    let item = |item, input, late| Some(Merged { item, input, late });
    assert_eq!(merged.next().await, item(5, 0, false));
    assert_eq!(merged.get_mut().push(birl_stream::iter([3, 7])), 1);
    assert_eq!(merged.get_mut().push(birl_stream::iter([6])), 2);
    sender.send(8).await.unwrap();
    drop(sender);
    assert_eq!(merged.next().await, item(3, 1, true));
    assert_eq!(merged.next().await, item(6, 2, false));
    assert_eq!(merged.next().await, item(7, 1, false));
    assert_eq!(merged.next().await, item(8, 0, false));
    assert_eq!(merged.next().await, None);
    // And after the end.
    assert_eq!(merged.get_mut().push(birl_stream::iter([9])), 3);
    assert_eq!(merged.size_hint(), (1, Some(1)));
    assert_eq!(merged.next().await, item(9, 3, false));
    assert_eq!(merged.next().await, None);
}

#[test]
fn nothing_runs_before_the_first_poll_and_no_runtime_is_needed() {
    let live = Live::default();
    let inputs = (0..3).map(|_| {
        let token = live.token();
        stream::repeat_with(move || token.count()).take(2)
    });
    let merged = merge_sorted(inputs, |n| *n);
    assert_eq!(merged.size_hint(), (6, Some(6)));
    assert_eq!(live.count(), 3);
    drop(merged);
    assert_eq!(live.count(), 0);
}

#[tokio::test]
async fn dropping_drops_inputs_that_wait() {
    let (held, dropped) = oneshot::channel::<()>();
    let silent = stream::pending::<u8>().inspect(move |_| {
        let _ = &held;
    });
    let mut merged = merge_sorted([silent], |n| *n);
    assert!(futures::poll!(merged.next()).is_pending());
    yield_now().await;
    drop(merged);
    assert!(dropped.await.is_err());
}

#[test]
fn shutdown_waits_until_all_is_dropped() {
    for runtime in [current_thread(), multi_thread()] {
        for taken in [0, 1, 10] {
            let live = Live::default();
            let inputs = (0..3).map(|_| {
                let (token, made) = (live.token(), live.clone());
                stream::repeat_with(move || {
                    let _ = &token;
                    made.token()
                })
            });
            let mut merged = merge_sorted(inputs, |_| 0).ahead(4);
            runtime.block_on(async {
                for _ in 0..taken {
                    assert!(merged.next().await.is_some());
                }
                merged.shutdown().await;
                assert_eq!(live.count(), 0);
            });
        }
    }
}

#[tokio::test]
async fn an_input_that_has_ended_is_dropped_before_others() {
    let live = Live::default();
    let token = live.token();
    let short = stream::iter([1]).inspect(move |_| assert_eq!(token.count(), 1));
    let inputs: [BoxStream<'_, u8>; 2] = [short.boxed(), stream::repeat(2).boxed()];
    let mut merged = merge_sorted(inputs, |n| *n);
    assert_eq!(merged.next().await, Some(1));
    assert_eq!(merged.next().await, Some(2));
    assert_eq!(live.count(), 0);
}

#[tokio::test]
async fn a_panic_in_an_input_resumes_after_its_items_before_it() {
    let bad = stream::iter([1, 3, 5]).inspect(|n| assert!(*n < 5, "5 is bad"));
    let good = stream::iter([2, 3, 4]);
    let mut merged = merge_sorted([bad.boxed(), good.boxed()], |n| *n);
    for n in [1, 2, 3] {
        assert_eq!(merged.next().await, Some(n));
    }
    let panic = AssertUnwindSafe(merged.next()).catch_unwind().await;
    assert_eq!(message(panic.unwrap_err()), "5 is bad");
    assert!(merged.is_terminated());
    assert_eq!(merged.next().await, None);
    // It is not mended by another input.
    merged.push(stream::iter([6]));
    assert_eq!(merged.next().await, None);
}

#[tokio::test]
async fn a_panic_in_the_key_ends_the_stream() {
    let mut merged = merge_sorted([birl_stream::iter([1, 2])], |n| {
        assert!(*n < 2, "2 is bad");
        *n
    });
    let panic = AssertUnwindSafe(merged.next()).catch_unwind().await;
    assert_eq!(message(panic.unwrap_err()), "2 is bad");
    assert_eq!(merged.next().await, None);
}

#[test]
fn a_runtime_that_goes_is_not_taken_for_the_end() {
    for runtime in [current_thread(), multi_thread()] {
        let mut merged = merge_sorted([stream::iter([1]).chain(stream::pending())], |n| *n);
        assert_eq!(runtime.block_on(merged.next()), Some(1));
        drop(runtime);
        let polls = AssertUnwindSafe(|| merged.next().now_or_never());
        assert_eq!(message(catch_unwind(polls).unwrap_err()), RUNTIME_GONE);
    }
}
