//! `prefetch`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};

use birl_stream::prelude::*;
use futures::FutureExt;
use futures::stream::{self, FusedStream};
use tokio::sync::oneshot;

use crate::probe::{Live, Peak, RUNTIME_GONE, current_thread, message, multi_thread};

#[test]
fn items_come_in_order_and_then_the_end_for_ever() {
    for runtime in [current_thread(), multi_thread()] {
        for ahead in [0, 1, 3, usize::MAX] {
            runtime.block_on(async {
                let mut items = stream::iter(0..1000).prefetch(ahead);
                let all: Vec<_> = items.by_ref().collect().await;
                assert_eq!(all, (0..1000).collect::<Vec<_>>());
                assert!(items.is_terminated());
                assert_eq!(items.next().await, None);
            });
        }
    }
}

#[tokio::test]
async fn the_upstream_runs_exactly_so_far_ahead() {
    for (ahead, pulled) in [(0, 1), (1, 1), (5, 5)] {
        let peak = Peak::default();
        let seen = peak.clone();
        let mut items = stream::iter(1..=100)
            .inspect(move |n| seen.see(*n))
            .prefetch(ahead);
        assert!(futures::poll!(items.next()).is_pending());
        tokio::task::yield_now().await;
        assert_eq!(peak.get(), pulled);
        assert_eq!(items.next().await, Some(1));
        tokio::task::yield_now().await;
        assert_eq!(peak.get(), pulled + 1);
    }
}

#[test]
fn nothing_runs_before_the_first_poll_and_no_runtime_is_needed() {
    let live = Live::default();
    let token = live.token();
    let items = stream::repeat_with(move || token.count()).prefetch(1);
    assert_eq!(live.count(), 1);
    drop(items);
    assert_eq!(live.count(), 0);
}

#[tokio::test]
async fn dropping_drops_an_upstream_that_waits() {
    let (held, dropped) = oneshot::channel::<()>();
    let mut items = stream::pending::<()>()
        .inspect(move |()| {
            let _ = &held;
        })
        .prefetch(1);
    assert!(futures::poll!(items.next()).is_pending());
    tokio::task::yield_now().await;
    drop(items);
    assert!(dropped.await.is_err());
}

#[test]
fn shutdown_waits_until_all_is_dropped() {
    for runtime in [current_thread(), multi_thread()] {
        for taken in [0, 1, 10] {
            let live = Live::default();
            let (token, made) = (live.token(), live.clone());
            let mut items = stream::repeat_with(move || {
                let _ = &token;
                made.token()
            })
            .prefetch(4);
            runtime.block_on(async {
                for _ in 0..taken {
                    assert!(items.next().await.is_some());
                }
                items.shutdown().await;
                assert_eq!(live.count(), 0);
            });
        }
    }
}

#[tokio::test]
async fn a_panic_in_the_upstream_resumes_after_the_items_before_it() {
    let upstream = stream::iter(0..5).inspect(|n| assert!(*n < 3, "3 is bad"));
    let mut items = upstream.prefetch(2);
    for n in 0..3 {
        assert_eq!(items.next().await, Some(n));
    }
    let panic = AssertUnwindSafe(items.next()).catch_unwind().await;
    assert_eq!(message(panic.unwrap_err()), "3 is bad");
    assert!(items.is_terminated());
    assert_eq!(items.next().await, None);
}

#[test]
fn a_runtime_that_goes_is_not_taken_for_the_end() {
    for runtime in [current_thread(), multi_thread()] {
        let mut items = stream::iter([1]).chain(stream::pending()).prefetch(2);
        assert_eq!(runtime.block_on(items.next()), Some(1));
        drop(runtime);
        let mut cx = Context::from_waker(Waker::noop());
        let poll: Result<Poll<_>, _> =
            catch_unwind(AssertUnwindSafe(|| items.poll_next_unpin(&mut cx)));
        assert_eq!(message(poll.unwrap_err()), RUNTIME_GONE);
    }
}
