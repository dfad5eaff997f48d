//! `batched`.

use std::time::Duration;

use birl_stream::prelude::*;
use futures::FutureExt;
use futures::stream::{self, FusedStream};
use proptest::prelude::*;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::probe::paused;
use crate::timed::{ms, rushing};

/// An item that comes so many milliseconds after the one before it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Item {
    after_ms: u64,
    weight: usize,
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let after_ms = prop_oneof![Just(0_u64), 0..40_u64];
    let item = (after_ms, 0..8_usize).prop_map(|(after_ms, weight)| Item { after_ms, weight });
    proptest::collection::vec(item, 0..60)
}

/// Gives the items at their times, and then ends at once.
fn arrivals(items: Vec<Item>) -> impl Stream<Item = Item> {
    let mut due = Instant::now();
    stream::iter(items).then(move |item| {
        due += Duration::from_millis(item.after_ms);
        async move {
            sleep_until(due).await;
            item
        }
    })
}

/// The batches, each with the millisecond at which it closes.
fn model(
    items: &[Item],
    items_max: usize,
    weight_max: usize,
    within_ms: u64,
) -> Vec<(u64, Vec<Item>)> {
    let (mut batches, mut open, mut opened_ms, mut now_ms) = (vec![], vec![], 0, 0);
    let weigh = |items: &[Item]| items.iter().map(|item| item.weight).sum::<usize>();
    for &item in items {
        now_ms += item.after_ms;
        if !open.is_empty() && opened_ms + within_ms <= now_ms && item.after_ms > 0 {
            batches.push((opened_ms + within_ms, std::mem::take(&mut open)));
        }
        if !open.is_empty() && weigh(&open) + item.weight > weight_max {
            batches.push((now_ms, std::mem::take(&mut open)));
        }
        if open.is_empty() {
            opened_ms = now_ms;
        }
        open.push(item);
        if open.len() >= items_max || weigh(&open) >= weight_max {
            batches.push((now_ms, std::mem::take(&mut open)));
        }
    }
    if !open.is_empty() {
        batches.push((now_ms, open));
    }
    batches
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn batches_close_at_the_first_of_number_weight_and_time(
        items in items(),
        items_max in 0..10_usize,
        weight_max in 0..30_usize,
        within_ms in 1..60_u64,
    ) {
        let model = model(&items, items_max, weight_max, within_ms);
        let batches: Vec<_> = paused().block_on(async {
            let start = Instant::now();
            arrivals(items)
                .batched(items_max)
                .weight(weight_max, |item| item.weight)
                .within(Duration::from_millis(within_ms))
                .map(|batch| (start.elapsed().as_millis() as u64, batch))
                .collect()
                .await
        });
        prop_assert_eq!(batches, model);
    }
}

#[test]
fn without_a_time_limit_no_runtime_is_needed() {
    let batches = stream::iter(0..5).batched(2).collect::<Vec<_>>();
    assert_eq!(
        batches.now_or_never(),
        Some(vec![vec![0, 1], vec![2, 3], vec![4]])
    );
}

#[test]
fn it_stays_ended_and_its_size_is_right() {
    let mut batches = stream::iter(0..5).batched(2);
    assert_eq!(batches.size_hint(), (3, Some(5)));
    assert_eq!(batches.by_ref().count().now_or_never(), Some(3));
    assert!(batches.is_terminated());
    assert_eq!(batches.size_hint(), (0, Some(0)));
    assert_eq!(batches.next().now_or_never(), Some(None));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_next_loses_nothing() {
    let late = stream::once(sleep(Duration::from_secs(5))).map(|()| 3);
    let mut batches = Box::pin(stream::iter(0..3).chain(late).batched(10));
    for _ in 0..3 {
        let next = timeout(Duration::from_secs(1), batches.next());
        assert!(next.await.is_err());
    }
    assert_eq!(batches.next().await, Some(vec![0, 1, 2, 3]));
}

#[tokio::test(start_paused = true)]
async fn the_remainder_is_what_was_not_handed_out() {
    let mut batches = stream::iter(0..7).chain(stream::pending()).batched(5);
    assert_eq!(batches.next().await, Some(vec![0, 1, 2, 3, 4]));
    let next = timeout(Duration::from_secs(1), batches.next());
    assert!(next.await.is_err());
    assert_eq!(batches.into_remainder(), [5, 6]);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_always_ready_neither_keeps_a_batch_open_nor_others_from_running() {
    let mut batches = Box::pin(rushing().batched(usize::MAX).within(ms(5)));
    assert!(batches.next().await.is_some());
    assert!(unconstrained(batches.next()).await.is_some());

    let mut batches = Box::pin(rushing().batched(usize::MAX));
    assert!(timeout(ms(5), unconstrained(batches.next())).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_beyond_the_end_of_time_is_none() {
    let batches = stream::iter(0..3).batched(2).within(Duration::MAX);
    assert_eq!(batches.collect::<Vec<_>>().await, [vec![0, 1], vec![2]]);
}
