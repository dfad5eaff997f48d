//! `testing`.

use std::fmt::Debug;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use birl_stream::prelude::*;
use birl_stream::testing::{at, check_contract, check_fused, timeline};
use futures::FutureExt;
use futures::stream::{self, FusedStream};
use proptest::prelude::*;
use tokio::sync::mpsc;
use tokio::task::coop;
use tokio::time::sleep;

use crate::probe::{current_thread, message, multi_thread, paused};

const SECOND: Duration = Duration::from_secs(1);

/// What a check complains of.
async fn complaint<T: Debug>(check: impl Future<Output = Vec<T>>) -> String {
    let panic = AssertUnwindSafe(check).catch_unwind().await.unwrap_err();
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => message(panic).to_owned(),
    }
}

/// A stream that polls give these for, one after the other, each together with a wake-up if that is
/// what it says, and `None` thereafter.
struct Script(std::vec::IntoIter<(Poll<Option<u32>>, Wakes)>);

#[derive(Clone, Copy, PartialEq)]
enum Wakes {
    Yes,
    No,
}

fn script<const N: usize>(polls: [(Poll<Option<u32>>, Wakes); N]) -> Script {
    Script(Vec::from(polls).into_iter())
}

const PENDING: (Poll<Option<u32>>, Wakes) = (Poll::Pending, Wakes::Yes);
const ITEM: (Poll<Option<u32>>, Wakes) = (Poll::Ready(Some(7)), Wakes::No);
const END: (Poll<Option<u32>>, Wakes) = (Poll::Ready(None), Wakes::No);
const STUCK: (Poll<Option<u32>>, Wakes) = (Poll::Pending, Wakes::No);

impl Stream for Script {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u32>> {
        let (poll, wakes) = self.0.next().unwrap_or(END);
        if wakes == Wakes::Yes {
            cx.waker().wake_by_ref();
        }
        poll
    }
}

#[tokio::test(start_paused = true)]
async fn streams_that_keep_the_contract_pass_and_give_their_items() {
    assert_eq!(check_contract(stream::empty::<u32>().fuse()).await, []);
    assert_eq!(check_contract(stream::iter(0..3)).await, [0, 1, 2]);
    assert_eq!(check_contract(script([ITEM, PENDING, ITEM])).await, [7, 7]);
    assert_eq!(check_contract(script([PENDING, PENDING, ITEM])).await, [7]);
    // More than tokio's cooperative budget allows at a time.
    assert_eq!(check_fused(birl_stream::iter(0..500)).await.len(), 500);
    let slow = stream::iter(0..3).then(|n| sleep(1000 * SECOND).map(move |()| n));
    assert_eq!(check_contract(slow.fuse()).await, [0, 1, 2]);
    // Out of budget, it wakes its task at once, and stays pending until that has let others run.
    let mut numbers = 0..500;
    let hasty = stream::poll_fn(|cx| {
        let Poll::Ready(budget) = coop::poll_proceed(cx) else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        budget.made_progress();
        Poll::Ready(numbers.next())
    });
    assert_eq!(check_contract(hasty).await.len(), 500);
    // Wakes only when its task has let others run.
    let polite = stream::iter(0..3).then(async |n| {
        tokio::task::yield_now().await;
        n
    });
    assert_eq!(check_contract(polite.fuse()).await, [0, 1, 2]);
}

#[test]
fn a_stream_that_other_threads_feed_passes() {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(async {
            let (sender, mut receiver) = mpsc::channel(1);
            let producer = std::thread::spawn(move || {
                for n in 0..1000 {
                    sender.blocking_send(n).unwrap();
                }
            });
            let items = stream::poll_fn(move |cx| receiver.poll_recv(cx));
            assert_eq!(check_contract(items).await, (0..1000).collect::<Vec<_>>());
            producer.join().unwrap();
        });
    }
}

#[test]
fn a_stream_that_ends_when_tokios_budget_does_passes() {
    for number in 100..150 {
        let (sender, mut receiver) = mpsc::channel(number);
        for n in 0..number {
            sender.try_send(n).unwrap();
        }
        drop(sender);
        let items = stream::poll_fn(move |cx| receiver.poll_recv(cx));
        let items = current_thread().block_on(check_contract(items));
        assert_eq!(items.len(), number);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_wake_up_is_found() {
    assert_eq!(
        complaint(check_contract(stream::pending::<()>())).await,
        "after `Pending` no waker was woken"
    );
    // The second poll hides the loss from whoever looks at items only.
    assert_eq!(
        complaint(check_contract(script([ITEM, STUCK, ITEM]))).await,
        "after `Pending` it was ready at the next poll, and had woken nobody"
    );
    assert_eq!(
        complaint(check_contract(script([ITEM, PENDING, STUCK, ITEM]))).await,
        "after `Pending` the waker of an earlier poll instead of the last one was woken"
    );
}

#[tokio::test(start_paused = true)]
async fn a_waker_that_is_kept_from_the_first_poll_is_found() {
    let mut first: Option<Waker> = None;
    let mut timer = Box::pin(sleep(SECOND));
    let item = stream::poll_fn(move |cx| {
        let waker = first.get_or_insert_with(|| cx.waker().clone());
        let mut cx = Context::from_waker(waker);
        timer.as_mut().poll(&mut cx).map(|()| Some(1))
    });
    assert_eq!(
        complaint(check_contract(item)).await,
        "after `Pending` the waker of an earlier poll instead of the last one was woken"
    );
}

#[tokio::test(start_paused = true)]
async fn whatever_comes_after_the_end_is_found() {
    assert_eq!(
        complaint(check_contract(script([ITEM, END, ITEM]))).await,
        "after its end it gave one more item"
    );
    assert_eq!(
        complaint(check_contract(script([END, END, END, ITEM]))).await,
        "after its end it gave one more item"
    );
    assert_eq!(
        complaint(check_contract(script([END, END, STUCK]))).await,
        "after its end it was pending"
    );
    let once = stream::unfold(0, async |n| (n < 2).then_some((n, n + 1)));
    assert_eq!(
        complaint(check_contract(once)).await,
        "after its end it panicked: Unfold must not be polled after it returned `Poll::Ready(None)`"
    );
}

/// Gives two items and says these of itself, whether it has given 0, 1 or 2 of them, or has ended.
struct Says {
    size_hints: [(usize, Option<usize>); 4],
    is_terminated: [bool; 4],
    state: usize,
}

fn says(size_hints: [(usize, Option<usize>); 4], is_terminated: [bool; 4]) -> Says {
    Says {
        size_hints,
        is_terminated,
        state: 0,
    }
}

const UNKNOWN: (usize, Option<usize>) = (0, None);
const SILENT: [(usize, Option<usize>); 4] = [UNKNOWN; 4];
const TRUE: [bool; 4] = [false, false, false, true];

impl Stream for Says {
    type Item = usize;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<usize>> {
        self.state = (self.state + 1).min(3);
        Poll::Ready((self.state < 3).then_some(self.state))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.size_hints[self.state]
    }
}

impl FusedStream for Says {
    fn is_terminated(&self) -> bool {
        self.is_terminated[self.state]
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_size_hint_is_found_at_every_step() {
    let exact = [(2, Some(2)), (1, Some(1)), (0, Some(0)), (0, Some(0))];
    assert_eq!(check_contract(says(exact, TRUE)).await, [1, 2]);
    assert_eq!(check_contract(says(SILENT, TRUE)).await, [1, 2]);
    for (state, given, too_many) in [(0, 0, 3), (1, 1, 2), (2, 2, 1)] {
        let mut hints = SILENT;
        hints[state] = (too_many, None);
        assert_eq!(
            complaint(check_contract(says(hints, TRUE))).await,
            format!(
                "its size hint promised at least {} items, and it ended after 2",
                given + too_many
            )
        );
    }
    for (state, too_few, promised) in [(0, 1, 1), (1, 0, 1)] {
        let mut hints = SILENT;
        hints[state] = (0, Some(too_few));
        assert_eq!(
            complaint(check_contract(says(hints, TRUE))).await,
            format!("its size hint promised at most {promised} items, and one more came")
        );
    }
    assert_eq!(
        complaint(check_contract(says([(3, Some(2)); 4], TRUE))).await,
        "its size hint is upside down: at least 3, at most 2"
    );
    assert_eq!(
        complaint(check_contract(says(
            [UNKNOWN, UNKNOWN, UNKNOWN, (1, None)],
            TRUE
        )))
        .await,
        "after its end its size hint promises 1 more"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wrong_is_terminated_is_found() {
    assert_eq!(check_fused(says(SILENT, TRUE)).await, [1, 2]);
    // True as soon as nothing comes any more, if it knows.
    let early = [false, false, true, true];
    assert_eq!(check_fused(says(SILENT, early)).await, [1, 2]);
    assert_eq!(
        complaint(check_fused(says(SILENT, [false, true, false, true]))).await,
        "`is_terminated` was true before the end"
    );
    assert_eq!(
        complaint(check_fused(says(SILENT, [false; 4]))).await,
        "`is_terminated` is false after the end"
    );
    assert_eq!(check_contract(says(SILENT, [true; 4])).await, [1, 2]);
}

proptest! {
    #[test]
    fn a_stream_of_instants_keeps_the_contract_and_its_instants(
        instants in proptest::collection::vec(0..5_000_u64, 0..20),
    ) {
        let mut items: Vec<_> =
            instants.into_iter().map(Duration::from_millis).zip(0..).collect();
        items.sort_unstable();
        paused().block_on(async {
            assert_eq!(timeline(at(items.clone())).await, items);
            let numbers: Vec<_> = items.iter().map(|(_, n)| *n).collect();
            assert_eq!(check_fused(at(items)).await, numbers);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_whose_time_has_passed_comes_at_once() {
    let items = at([(2 * SECOND, 'a'), (SECOND, 'b'), (3 * SECOND, 'c')]);
    let late = items.then(|item| sleep(5 * SECOND).map(move |()| item));
    let came = [(7 * SECOND, 'a'), (12 * SECOND, 'b'), (17 * SECOND, 'c')];
    assert_eq!(timeline(late).await, came);
}

#[tokio::test(start_paused = true)]
async fn an_item_beyond_the_end_of_time_never_comes() {
    let mut items = at([(Duration::MAX, 'a')]);
    assert_eq!(items.next().now_or_never(), None);
}
