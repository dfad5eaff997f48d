//! `sample_every`.

use std::future::{poll_fn, ready};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use birl_stream::prelude::*;
use birl_stream::testing::at;
use futures::channel::mpsc;
use futures::{FutureExt, stream};
use proptest::prelude::*;
use tokio::task::{coop, unconstrained};
use tokio::time::{Instant, sleep, timeout};

use crate::probe::{Live, message, paused};
use crate::timed::{Arrivals, arrivals, ask, asks, ms, rushing, wait};

/// What a consumer gets who asks at these milliseconds, and how many items are left out.
fn model(
    arrivals: &Arrivals,
    period: u64,
    asks: impl IntoIterator<Item = u64>,
) -> (Vec<(u64, usize)>, u64) {
    let (mut given, mut skipped) = (vec![], 0);
    let (mut waiting, mut due, mut periods) = (None, 0, 0);
    let mut coming = arrivals.times.iter().enumerate().peekable();
    for now in asks {
        while let Some((item, _)) = coming.next_if(|(_, at)| **at <= now) {
            if waiting.replace(item).is_some() {
                skipped += 1;
                continue;
            }
            let mut ends = (periods + 1..).map(|n| n * period);
            // A period of nothing ends at any time.
            due = if period == 0 {
                now
            } else {
                ends.find(|end| *end >= now).unwrap()
            };
        }
        let ended = now >= arrivals.end;
        if waiting.is_some() && now >= due || ended {
            given.extend(waiting.take().map(|item| (now, item)));
            periods = now.checked_div(period).unwrap_or(0);
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
    fn the_last_item_of_each_period_comes_when_it_ends(
        arrivals in arrivals(),
        period in 0..40_u64,
        asks in asks(),
    ) {
        let (waited, asked) = paused().block_on(async {
            let mut items = Box::pin(arrivals.stream().sample_every(ms(period)));
            let waited = (wait(&mut items).await, items.skipped());
            let mut items = Box::pin(arrivals.stream().sample_every(ms(period)));
            (waited, (ask(&mut items, &asks).await, items.skipped()))
        });
        prop_assert_eq!(waited, model(&arrivals, period, 0..));
        prop_assert_eq!(asked, model(&arrivals, period, asks));
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_always_ready_does_not_hold_up_a_sample_nor_others() {
    let start = Instant::now();
    let mut items = Box::pin(rushing().sample_every(ms(10)));
    for period in 1..20 {
        assert_eq!(items.next().await, Some(()));
        assert_eq!(start.elapsed(), period * ms(10));
    }
    for period in 20..40 {
        assert_eq!(unconstrained(items.next()).await, Some(()));
        assert_eq!(start.elapsed(), period * ms(10));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_the_last_item_is_still_looked_for() {
    let (sender, receiver) = mpsc::unbounded();
    let mut items = receiver.sample_every(ms(10));
    sender.unbounded_send(1).unwrap();
    assert_eq!(items.next().now_or_never(), None);
    sleep(ms(15)).await;
    sender.unbounded_send(2).unwrap();
    while coop::has_budget_remaining() {
        coop::cooperative(ready(())).await;
    }
    assert_eq!(items.next().await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn while_nothing_waits_no_timer_runs() {
    let once = at([(ms(15), 'a')]).chain(stream::pending());
    let mut items = Box::pin(once.sample_every(ms(10)));
    assert_eq!(items.next().await, Some('a'));
    let mut polls = 0;
    let silent = poll_fn(|cx| {
        polls += 1;
        items.poll_next_unpin(cx)
    });
    assert!(timeout(ms(1000), silent).await.is_err());
    // Once because it was asked, and once because the time was over.
    assert_eq!(polls, 2);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_next_loses_nothing() {
    let upstream = stream::iter([1, 2]).chain(stream::pending());
    let mut items = Box::pin(upstream.sample_every(ms(10)));
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
        let mut items = tokens.chain(stream::pending()).sample_every(ms(10));
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
    let mut items = items.chain(stream::pending()).sample_every(ms(10));
    let panic = AssertUnwindSafe(items.next()).catch_unwind().await;
    assert_eq!(message(panic.unwrap_err()), "boom");
    assert_eq!(items.next().await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_period_beyond_the_end_of_time_gives_the_last_item_at_the_end() {
    let (times, end) = (vec![0, 5, 5], 9);
    let items = Arrivals { times, end }.stream();
    assert_eq!(wait(items.sample_every(Duration::MAX)).await, [(9, 2)]);
}
