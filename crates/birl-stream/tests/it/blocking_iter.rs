//! `blocking_iter`.

use std::panic::AssertUnwindSafe;
use std::sync::mpsc;

use birl_stream::blocking_iter;
use birl_stream::prelude::*;
use futures::FutureExt;
use futures::stream::FusedStream;

use crate::probe::{Live, Peak, current_thread, message};

#[tokio::test]
async fn items_come_in_order_and_then_the_end_for_ever() {
    for ahead in [0, 1, 7, 5000] {
        let mut items = blocking_iter(0..1000, ahead);
        let all: Vec<_> = items.by_ref().collect().await;
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        assert!(items.is_terminated());
        assert_eq!(items.next().await, None);
    }
}

#[tokio::test]
async fn each_item_comes_as_soon_as_the_iterator_gives_it() {
    let (tell, told) = mpsc::channel();
    let mut items = blocking_iter(told.into_iter(), 16);
    // Each send waits for the item before: an iterator that was asked for more first would hang.
    for n in 0..100 {
        tell.send(n).unwrap();
        assert_eq!(items.next().await, Some(n));
    }
    drop(tell);
    assert_eq!(items.next().await, None);
}

#[tokio::test]
async fn the_iterator_runs_at_most_twice_ahead() {
    let (ahead, pulled) = (4, Peak::default());
    let seen = pulled.clone();
    let mut items = blocking_iter((1..=1000_usize).inspect(move |n| seen.see(*n)), ahead);
    let mut taken = 0;
    while let Some(n) = items.next().await {
        // `ahead` wait, as many are in the stream's hands, one is on offer.
        assert!(pulled.get() <= taken + 2 * ahead + 1);
        taken = n;
    }
    assert_eq!(taken, 1000);
}

#[test]
fn nothing_runs_before_the_first_poll_and_no_runtime_is_needed() {
    let live = Live::default();
    let token = live.token();
    let items = blocking_iter(std::iter::repeat_with(move || token.count()), 1);
    assert_eq!(live.count(), 1);
    drop(items);
    assert_eq!(live.count(), 0);
}

#[tokio::test]
async fn shutdown_waits_until_the_iterator_is_dropped() {
    for taken in [0, 1, 10] {
        let live = Live::default();
        let (token, made) = (live.token(), live.clone());
        let endless = std::iter::repeat_with(move || {
            let _ = &token;
            made.token()
        });
        let mut items = blocking_iter(endless, 3);
        for _ in 0..taken {
            assert!(items.next().await.is_some());
        }
        items.shutdown().await;
        assert_eq!(live.count(), 0);
    }
}

#[test]
fn a_full_stream_does_not_keep_a_runtime_from_shutting_down() {
    let runtime = current_thread();
    let mut items = blocking_iter(0.., 2);
    assert_eq!(runtime.block_on(items.next()), Some(0));
    drop(runtime);
}

#[tokio::test]
async fn a_panic_in_the_iterator_resumes_in_the_consumer() {
    let items = blocking_iter((0..5).inspect(|n| assert!(*n < 3, "3 is bad")), 1);
    let panic = AssertUnwindSafe(items.count()).catch_unwind().await;
    assert_eq!(message(panic.unwrap_err()), "3 is bad");
}
