//! `rate_limit`.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use birl_stream::prelude::*;
use birl_stream::testing::at;
use futures::{FutureExt, stream};
use proptest::prelude::*;
use tokio::time::{Instant, advance, sleep, timeout};

use crate::probe::{Live, message, paused};
use crate::timed::{Arrivals, arrivals, ask, asks, ms, wait};

/// So many items in so many milliseconds.
#[derive(Clone, Copy, Debug)]
struct Limit {
    items: u32,
    period: u64,
    burst: u32,
}

impl Limit {
    fn rate(self) -> Rate {
        Rate::per(ms(self.period), self.items).burst(self.burst)
    }
}

fn limits() -> impl Strategy<Value = Limit> {
    let burst = prop_oneof![Just(1), 2..5_u32];
    (1..40_u32, 1..300_u64, burst).prop_map(|(items, period, burst)| Limit {
        items,
        period,
        burst,
    })
}

/// What a consumer gets who waits all the time. Each millisecond drips a little into a bucket, and
/// an item costs as much as drips in a period, divided by the number of its items.
fn model(arrivals: &Arrivals, limit: Limit) -> Vec<(u64, usize)> {
    let (drip, cost) = (u64::from(limit.items), limit.period);
    let full = cost * u64::from(limit.burst);
    let (mut bucket, mut waiting, mut given) = (full, VecDeque::new(), vec![]);
    let mut coming = arrivals.times.iter().enumerate().peekable();
    for now in 0.. {
        bucket += drip;
        // It runs over, unless somebody was waiting and would have taken it at once.
        if waiting.is_empty() {
            bucket = bucket.min(full);
        }
        while let Some((item, _)) = coming.next_if(|(_, at)| **at <= now) {
            waiting.push_back(item);
        }
        while bucket >= cost
            && let Some(item) = waiting.pop_front()
        {
            bucket -= cost;
            given.push((now, item));
        }
        if now >= arrivals.end && waiting.is_empty() {
            break;
        }
    }
    given
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn items_come_as_a_bucket_fills(arrivals in arrivals(), limit in limits()) {
        let items = arrivals.stream().rate_limit(limit.rate());
        let given = paused().block_on(wait(items));
        prop_assert_eq!(given, model(&arrivals, limit));
    }

    #[test]
    fn whenever_it_is_asked_no_more_come_than_are_allowed_and_none_is_lost(
        arrivals in arrivals(),
        limit in limits(),
        asks in asks(),
    ) {
        let (given, rest) = paused().block_on(async {
            let mut items = Box::pin(arrivals.stream().rate_limit(limit.rate()));
            (ask(&mut items, &asks).await, items.count().await)
        });
        for (first, (from, _)) in given.iter().enumerate() {
            for (last, (to, _)) in given.iter().enumerate().skip(first) {
                let above_burst = (last - first + 1).saturating_sub(limit.burst as usize) as u64;
                prop_assert!(above_burst * limit.period <= u64::from(limit.items) * (to - from + 5));
            }
        }
        prop_assert_eq!(given.len() + rest, arrivals.times.len());
        prop_assert!(given.iter().map(|(_, item)| *item).eq(0..given.len()));
    }
}

/// When the last of so many items comes that are ready at once.
async fn last_of(items: usize, rate: Rate) -> Duration {
    let start = Instant::now();
    assert_eq!(iter(0..items).rate_limit(rate).count().await, items);
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn rates_are_exact_whatever_tokios_timer_can_measure() {
    assert_eq!(last_of(3001, Rate::per_second(3)).await, ms(1_000_000));
    assert_eq!(last_of(7001, Rate::per_minute(7)).await, ms(60_000_000));
    assert_eq!(last_of(1001, Rate::per_hour(1000)).await, ms(3_600_000));
    assert_eq!(last_of(10_001, Rate::per_second(10_000)).await, ms(1000));
    // More in a millisecond than tokio's budget allows.
    assert_eq!(last_of(10_001, Rate::per_second(1_000_000)).await, ms(10));
}

#[tokio::test(start_paused = true)]
async fn no_item_comes_a_nanosecond_too_early() {
    let mut items = iter(0..2).rate_limit(Rate::per_second(3));
    assert_eq!(items.next().await, Some(0));
    advance(Duration::from_nanos(333_333_333)).await;
    assert_eq!(items.next().now_or_never(), None);
    advance(Duration::from_nanos(1)).await;
    assert_eq!(items.next().now_or_never(), Some(Some(1)));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_limit_and_what_is_none_at_all() {
    assert_eq!(last_of(1000, Rate::per(Duration::ZERO, 1)).await, ms(0));
    assert_eq!(last_of(2, Rate::per_second(0).burst(0)).await, ms(1000));
    let full = Rate::per(Duration::MAX, u32::MAX).burst(u32::MAX);
    assert_eq!(last_of(1000, full).await, ms(0));
    let mut never = iter(0..2).rate_limit(Rate::per(Duration::MAX, 1));
    assert_eq!(never.next().await, Some(0));
    assert_eq!(never.next().now_or_never(), None);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_did_not_wait_is_followed_after_a_whole_interval() {
    let items = at([(ms(0), 'a'), (ms(150), 'b'), (ms(151), 'c')]);
    let given = wait(items.rate_limit(Rate::per_second(10))).await;
    assert_eq!(given, [(0, 'a'), (150, 'b'), (250, 'c')]);
}

/// Takes items at once, and once so many milliseconds after it was due.
async fn late_by(late: u64) -> Vec<(u64, u32)> {
    let mut items = iter(0..).rate_limit(Rate::per_second(10));
    ask(&mut items, &[0, 50, 100 + late, 199, 200, 201, 300]).await
}

#[tokio::test(start_paused = true)]
async fn a_little_late_shifts_nothing_and_much_too_late_makes_nothing_up() {
    assert_eq!(late_by(5).await, [(0, 0), (105, 1), (200, 2), (300, 3)]);
    assert_eq!(late_by(6).await, [(0, 0), (106, 1), (201, 2)]);
}

#[tokio::test(start_paused = true)]
async fn the_end_is_not_held_up() {
    assert_eq!(last_of(1, Rate::per_hour(1)).await, ms(0));
}

#[tokio::test(start_paused = true)]
async fn while_an_item_waits_the_upstream_is_not_polled() {
    let mut taken = 0;
    let upstream = iter(0..).inspect(|_| taken += 1);
    let mut items = Box::pin(upstream.rate_limit(Rate::per_second(1)));
    assert_eq!(items.next().await, Some(0));
    for _ in 0..3 {
        assert!(timeout(ms(100), items.next()).await.is_err());
    }
    drop(items);
    assert_eq!(taken, 2);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_next_loses_nothing() {
    let mut items = iter(0..3).rate_limit(Rate::per_second(100));
    assert_eq!(items.next().await, Some(0));
    for n in 1..3 {
        for _ in 0..3 {
            assert!(timeout(ms(3), items.next()).await.is_err());
        }
        assert_eq!(timeout(ms(1), items.next()).await, Ok(Some(n)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_item_that_waits_is_dropped_with_the_stream_or_given_back() {
    let live = Live::default();
    let waiting = async || {
        let tokens = [live.token(), live.token(), live.token()];
        let mut items = stream::iter(tokens).rate_limit(Rate::per_second(1));
        assert!(items.next().await.is_some());
        assert!(items.next().now_or_never().is_none());
        assert_eq!(items.size_hint(), (2, Some(2)));
        assert_eq!(live.count(), 2);
        items
    };
    drop(waiting().await);
    assert_eq!(live.count(), 0);
    assert!(waiting().await.into_remainder().is_some());
    assert_eq!(live.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_upstream_passes_through() {
    let items = iter(0..4).map(|n| match n {
        1 => panic!("boom"),
        n => n,
    });
    let mut items = items.rate_limit(Rate::per_second(1));
    assert_eq!(items.next().await, Some(0));
    sleep(ms(500)).await;
    let panic = AssertUnwindSafe(items.next()).catch_unwind().await;
    assert_eq!(message(panic.unwrap_err()), "boom");
    let start = Instant::now();
    assert_eq!(items.next().await, Some(2));
    assert_eq!(start.elapsed(), ms(500));
}
