//! What a meter sees, to the millisecond of paused time.

use std::time::Duration;

use birl_stream::Meter;
use birl_stream::prelude::*;
use birl_stream::testing::{at, check_fused};
use tokio::time::sleep;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_source_and_for_the_consumer_are_told_apart() {
    let meter = Meter::new();
    let items = at([
        (ms(10), Ok("one")),
        (ms(30), Err("four")),
        (ms(30), Ok("six")),
    ]);
    let mut items = items
        .meter(&meter)
        .bytes(|item| item.unwrap_or_else(|error| error).len() as u64)
        .errors(Result::is_err);
    assert_eq!(meter.snapshot().last_item_age, None);

    items.next().await;
    sleep(ms(5)).await;
    let seen = meter.snapshot();
    assert_eq!((seen.items, seen.errors, seen.bytes), (1, 0, 3));
    assert_eq!((seen.waiting, seen.away), (ms(10), ms(0)));
    assert_eq!(seen.last_item_age, Some(ms(5)));

    items.next().await;
    sleep(ms(2)).await;
    while items.next().await.is_some() {}
    let seen = meter.snapshot();
    assert_eq!((seen.items, seen.errors, seen.bytes), (3, 1, 10));
    // From 0 to 10, and from 15 to 30; from 10 to 15, and from 30 to 32.
    assert_eq!((seen.waiting, seen.away), (ms(25), ms(7)));
    assert_eq!(seen.ready, ms(0));
    assert_eq!(seen.last_item_age, Some(ms(0)));
}

#[tokio::test(start_paused = true)]
async fn several_streams_count_in_one_meter_and_keep_the_contract() {
    let meter = Meter::new();
    for _ in 0..2 {
        let items = at([(ms(1), 'a'), (ms(2), 'b')]).meter(&meter);
        assert_eq!(check_fused(items).await, ['a', 'b']);
    }
    assert_eq!(meter.snapshot().items, 4);
}
