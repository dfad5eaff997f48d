//! One stream for several consumers.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use birl_stream::lag::{self, Lag};
use birl_stream::prelude::*;
use birl_stream::testing::{at, check_fused};
use birl_stream::{Lagged, Shared};
use futures::stream::{self, FusedStream};
use futures::{FutureExt, future};
use proptest::prelude::*;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use crate::probe::{Live, Peak, RUNTIME_GONE, current_thread, message, multi_thread, paused};

/// What is done: by whom, modulo how many there are.
#[derive(Clone, Copy, Debug)]
enum Act {
    Take(usize),
    Clone,
    Drop(usize),
}

/// What a poll gives: nothing yet, the end, or an item.
type Got = Option<Option<Result<usize, Lagged>>>;

/// What consumers get if items that are numbered come at their times, and each act has its own. The
/// first act is to take, at time 0.
fn model(arrivals: &[u64], acts: &[(u64, Act)], capacity: usize, waits: bool) -> Vec<Got> {
    // How many items have gone by, for each consumer.
    let mut consumers = VecDeque::from([0]);
    let (mut came, mut given) = (0, Vec::new());
    for &(time, act) in acts {
        let count = consumers.len();
        let Some(&slowest) = consumers.iter().min() else {
            break;
        };
        let has_room = |came| !waits || came - slowest < capacity;
        while came < arrivals.len() && arrivals[came] < time && has_room(came) {
            came += 1;
        }
        match act {
            Act::Take(n) => {
                let next = &mut consumers[n % count];
                let oldest = came.saturating_sub(capacity);
                given.push(if *next < oldest {
                    let lost = oldest - *next;
                    *next = oldest;
                    Some(Some(Err(Lagged(lost as u64))))
                } else if *next < came {
                    *next += 1;
                    Some(Some(Ok(*next - 1)))
                } else {
                    // An upstream that has no room for an item is not asked for its end.
                    let has_ended = time > 0 && came == arrivals.len() && has_room(came);
                    has_ended.then_some(None)
                });
            }
            Act::Clone => consumers.push_back(came),
            Act::Drop(n) => drop(consumers.remove(n % count)),
        }
    }
    given
}

/// The same, of a shared stream.
async fn run<L: Lag>(
    first: Shared<usize, L>,
    acts: &[(u64, Act)],
    got: impl Fn(L::Item<usize>) -> Result<usize, Lagged>,
) -> Vec<Got> {
    let (began, mut given) = (Instant::now(), Vec::new());
    let mut consumers = VecDeque::from([first]);
    for &(time, act) in acts {
        sleep_until(began + Duration::from_millis(time)).await;
        let count = consumers.len();
        match act {
            _ if count == 0 => break,
            Act::Take(n) => {
                let taken = consumers[n % count].next().now_or_never();
                given.push(taken.map(|item| item.map(&got)));
            }
            Act::Clone => consumers.push_back(consumers[0].clone()),
            Act::Drop(n) => drop(consumers.remove(n % count)),
        }
    }
    given
}

/// One after the other, the first at time 0 and the others at odd milliseconds.
fn acts() -> impl Strategy<Value = Vec<(u64, Act)>> {
    let act = prop_oneof![
        8 => (0..4_usize).prop_map(Act::Take),
        1 => Just(Act::Clone),
        1 => (0..4_usize).prop_map(Act::Drop),
    ];
    prop::collection::vec((1..4_u64, act), 0..60).prop_map(|acts| {
        let mut time = 0;
        let acts = acts.into_iter().map(|(gap, act)| {
            time += gap;
            (2 * time - 1, act)
        });
        std::iter::once((0, Act::Take(0))).chain(acts).collect()
    })
}

/// At even milliseconds.
fn arrivals() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0..60_u64, 0..40).prop_map(|mut times| {
        times.sort_unstable();
        times.into_iter().map(|time| 2 * time).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn each_consumer_gets_what_the_model_gives(
        arrivals in arrivals(),
        acts in acts(),
        capacity in 0..5_usize,
    ) {
        let items = || {
            let items = arrivals.iter().enumerate();
            at(items.map(|(item, &time)| (Duration::from_millis(time), item)))
        };
        let given = paused().block_on(run(items().share(capacity, lag::Wait), &acts, Ok));
        prop_assert_eq!(given, model(&arrivals, &acts, capacity.max(1), true));
        let given = paused().block_on(run(items().share(capacity, lag::Drop), &acts, |item| item));
        prop_assert_eq!(given, model(&arrivals, &acts, capacity.max(1), false));
    }
}

#[test]
fn on_several_threads_each_consumer_that_is_waited_for_gets_all() {
    multi_thread().block_on(async {
        for capacity in [1, 7] {
            let first = birl_stream::iter(0..3000).share(capacity, lag::Wait);
            let consumers = vec![first; 5].into_iter();
            let all: Vec<_> = consumers
                .map(|consumer| tokio::spawn(consumer.collect::<Vec<_>>()))
                .collect();
            for items in future::join_all(all).await {
                assert_eq!(items.unwrap(), (0..3000).collect::<Vec<_>>());
            }
        }
    });
}

#[test]
fn on_several_threads_what_is_lost_is_told_to_each_consumer() {
    multi_thread().block_on(async {
        let first = birl_stream::iter(0..3000).share(3, lag::Drop);
        let consumers = vec![first; 5].into_iter();
        let ends: Vec<_> = consumers
            .map(|consumer| {
                tokio::spawn(consumer.fold(0, async |seen, item| match item {
                    Ok(item) => {
                        assert_eq!(item, seen);
                        seen + 1
                    }
                    Err(Lagged(lost)) => seen + lost,
                }))
            })
            .collect();
        for seen in future::join_all(ends).await {
            assert_eq!(seen.unwrap(), 3000);
        }
    });
}

#[tokio::test(start_paused = true)]
async fn each_consumer_keeps_the_contract_of_streams() {
    let items = || at((1..9).map(|n| (Duration::from_millis(n), n)));
    let one = items().share(2, lag::Wait);
    let (one, other) = future::join(check_fused(one.clone()), check_fused(one)).await;
    let all: Vec<_> = (1..9).collect();
    assert_eq!((one, other), (all.clone(), all.clone()));

    let given = check_fused(items().share(2, lag::Drop)).await;
    assert_eq!(given, all.into_iter().map(Ok).collect::<Vec<_>>());

    let mut late = birl_stream::iter(0..9).share(2, lag::Drop);
    assert_eq!(late.next().now_or_never(), None);
    yield_now().await;
    assert_eq!(check_fused(late).await, [Err(Lagged(7)), Ok(7), Ok(8)]);
}

#[test]
fn nothing_runs_before_the_first_poll_and_no_runtime_is_needed() {
    let live = Live::default();
    let token = live.token();
    let one = stream::repeat_with(move || token.count()).share(1, lag::Wait);
    let other = one.clone();
    drop(one);
    assert_eq!(live.count(), 1);
    drop(other);
    assert_eq!(live.count(), 0);
    assert_eq!(
        stream::iter(0..3).share(1, lag::Wait).size_hint(),
        (3, Some(3))
    );
    assert_eq!(
        stream::iter(0..3).share(1, lag::Drop).size_hint(),
        (0, Some(3))
    );
}

#[tokio::test]
async fn the_upstream_runs_exactly_so_far_ahead_of_the_slowest() {
    for (capacity, ahead) in [(0, 1), (1, 1), (5, 5)] {
        let peak = Peak::default();
        let seen = peak.clone();
        let items = stream::iter(1..=100).inspect(move |n| seen.see(*n));
        let mut slow = items.share(capacity, lag::Wait);
        let mut fast = slow.clone();
        assert_eq!(fast.next().now_or_never(), None);
        for taken in 0..3 {
            yield_now().await;
            while fast.next().now_or_never().is_some() {}
            assert_eq!(peak.get(), taken + ahead);
            assert_eq!(slow.next().await, Some(taken + 1));
        }
        // Nobody waits for one that is gone.
        drop(slow);
        assert_eq!(fast.collect::<Vec<_>>().await.last(), Some(&100));
    }
}

#[tokio::test]
async fn a_clone_starts_at_the_next_item_that_comes() {
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    let one = receiver.into_stream().share(8, lag::Wait);
    let mut before = one.clone();
    assert_eq!(before.next().now_or_never(), None);
    sender.send(1).await.unwrap();
    yield_now().await;
    let after = one.clone();
    sender.send(2).await.unwrap();
    drop(sender);
    for (consumer, items) in [(one, vec![1, 2]), (before, vec![1, 2]), (after, vec![2])] {
        assert_eq!(consumer.collect::<Vec<_>>().await, items);
    }
}

/// Says how often it was cloned.
#[derive(Debug, PartialEq)]
struct Copy(usize);

impl Clone for Copy {
    fn clone(&self) -> Self {
        Self(self.0 + 1)
    }
}

#[tokio::test]
async fn the_last_to_take_an_item_gets_it_without_a_clone() {
    let one = stream::iter([Copy(0)]).share(1, lag::Wait);
    let (mut two, mut three) = (one.clone(), one.clone());
    assert_eq!(two.next().await, Some(Copy(1)));
    drop(one);
    assert_eq!(three.next().await, Some(Copy(0)));
}

/// Cannot be cloned.
#[derive(Debug, PartialEq)]
struct Unique;

impl Clone for Unique {
    fn clone(&self) -> Self {
        panic!("there is only one")
    }
}

#[tokio::test]
async fn an_item_that_panics_when_it_is_cloned_fails_one_consumer_and_stays_for_the_other() {
    let mut one = stream::iter([Unique, Unique]).share(2, lag::Wait);
    let two = one.clone();
    let panic = AssertUnwindSafe(one.next()).catch_unwind().await;
    assert_eq!(message(panic.unwrap_err()), "there is only one");
    assert_eq!(one.next().await, None);
    drop(one);
    assert_eq!(two.collect::<Vec<_>>().await, [Unique, Unique]);
}

/// A waker that holds a consumer, as that of a task which owns one may.
struct Holder {
    _consumer: Shared<()>,
}

impl Wake for Holder {
    fn wake(self: Arc<Self>) {}
}

#[tokio::test]
async fn replacing_a_waker_may_drop_another_consumer() {
    let mut one = stream::pending().share(1, lag::Wait);
    let _consumer = one.clone();
    let waker = Waker::from(Arc::new(Holder { _consumer }));
    assert!(
        one.poll_next_unpin(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(waker);
    // Hangs if the waker is dropped while the consumers are locked.
    assert_eq!(one.next().now_or_never(), None);
}

#[tokio::test]
async fn items_that_all_have_taken_or_given_up_are_dropped() {
    let live = Live::default();
    let items: Vec<_> = (0..4).map(|_| Arc::new(live.token())).collect();
    let mut one = stream::iter(items).share(4, lag::Drop);
    let mut two = one.clone();
    let three = one.clone();
    for left in [4, 4, 4] {
        assert!(one.next().await.is_some());
        assert_eq!(live.count(), left);
    }
    assert!(two.next().await.is_some());
    drop(three);
    assert_eq!(live.count(), 3);
    drop(two);
    assert_eq!(live.count(), 1);
}

#[tokio::test]
async fn dropping_the_last_consumer_drops_an_upstream_that_waits() {
    let (held, mut dropped) = oneshot::channel::<()>();
    let mut one = stream::pending::<()>()
        .inspect(move |()| {
            let _ = &held;
        })
        .share(1, lag::Wait);
    let other = one.clone();
    assert!(futures::poll!(one.next()).is_pending());
    yield_now().await;
    drop(one);
    yield_now().await;
    assert!(futures::poll!(&mut dropped).is_pending());
    drop(other);
    assert!(dropped.await.is_err());
}

#[test]
fn shutting_down_the_last_consumer_waits_until_all_is_dropped() {
    for runtime in [current_thread(), multi_thread()] {
        for taken in [0, 1, 10] {
            let live = Live::default();
            let (token, made) = (live.token(), live.clone());
            let endless = stream::repeat_with(move || {
                let _ = &token;
                Arc::new(made.token())
            });
            let mut one = endless.share(4, lag::Drop);
            let others = vec![one.clone(); 3];
            runtime.block_on(async {
                for _ in 0..taken {
                    assert!(one.next().await.is_some());
                }
                one.shutdown().await;
                assert!(live.count() > 0);
                future::join_all(others.into_iter().map(Shared::shutdown)).await;
                assert_eq!(live.count(), 0);
            });
        }
    }
}

/// What a consumer gets until the upstream's panic reaches it, and that panic.
async fn until_panic(mut consumer: Shared<u32>) -> (Vec<u32>, Box<dyn std::any::Any + Send>) {
    let mut taken = vec![];
    loop {
        match AssertUnwindSafe(consumer.next()).catch_unwind().await {
            Ok(item) => taken.push(item.expect("a panic")),
            Err(panic) => {
                assert!(consumer.is_terminated());
                assert_eq!(consumer.next().await, None);
                return (taken, panic);
            }
        }
    }
}

#[tokio::test]
async fn a_panic_in_the_upstream_resumes_in_every_consumer_after_the_items_before_it() {
    let fails: [fn() -> u32; 3] = [
        || panic!("boom"),
        || panic!("{} is bad", 3),
        || panic_any(3_u32),
    ];
    for fail in fails {
        let items = stream::iter(0..9).map(move |n| if n == 3 { fail() } else { n });
        let one = items.share(2, lag::Wait);
        let consumers = [one.clone(), one.clone(), one];
        let ends = future::join_all(consumers.map(until_panic)).await;
        let said: Vec<_> = ends
            .into_iter()
            .map(|(taken, panic)| {
                assert_eq!(taken, [0, 1, 2]);
                let formatted = || panic.downcast_ref::<String>().map(String::as_str);
                let literal = panic.downcast_ref::<&str>().copied();
                literal.or_else(formatted).unwrap_or("3").to_owned()
            })
            .collect();
        let other = "the upstream of this shared stream panicked";
        match said[0].as_str() {
            "3" => assert_eq!(said[1..], [other, other]),
            text => assert_eq!(said, [text; 3]),
        }
    }
}

#[tokio::test]
async fn one_who_comes_after_a_panic_is_not_told_of_an_end() {
    let one = stream::iter([0]).map(|_| -> u32 { panic!("boom") });
    let one = one.share(1, lag::Wait);
    let first = until_panic(one.clone()).await;
    let late = until_panic(one.clone()).await;
    assert_eq!([message(first.1), message(late.1)], ["boom"; 2]);
}

#[test]
fn a_runtime_that_goes_is_not_taken_for_the_end() {
    for runtime in [current_thread(), multi_thread()] {
        let mut one = stream::iter([1])
            .chain(stream::pending())
            .share(2, lag::Wait);
        let two = one.clone();
        assert_eq!(runtime.block_on(one.next()), Some(1));
        drop(runtime);
        for mut consumer in [one, two.clone()] {
            let polls = AssertUnwindSafe(|| consumer.by_ref().count().now_or_never());
            assert_eq!(message(catch_unwind(polls).unwrap_err()), RUNTIME_GONE);
        }
    }
}

#[test]
fn a_first_poll_outside_of_a_runtime_leaves_no_consumer_waiting() {
    let mut one = stream::iter([1]).share(1, lag::Wait);
    let mut other = one.clone();
    let polls = AssertUnwindSafe(|| one.next().now_or_never());
    assert!(catch_unwind(polls).is_err());
    let polls = AssertUnwindSafe(|| other.next().now_or_never());
    assert_eq!(message(catch_unwind(polls).unwrap_err()), RUNTIME_GONE);
}
