//! `idle_timeout`.

use std::future::ready;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use birl_stream::prelude::*;
use birl_stream::testing::{at, check_fused};
use futures::{FutureExt, stream};
use proptest::prelude::*;
use tokio::task::coop;
use tokio::time::{Instant, sleep, timeout};

use crate::probe::{Live, message, paused};
use crate::timed::{Arrivals, arrivals, ask, asks, ms, rushing, wait};

/// What a consumer gets who asks at these milliseconds; `None` is the error.
fn model(
    arrivals: &Arrivals,
    limit: u64,
    asks: impl IntoIterator<Item = u64>,
) -> Vec<(u64, Option<usize>)> {
    let (mut given, mut waits_since) = (vec![], None);
    let mut coming = arrivals.times.iter().enumerate().peekable();
    for now in asks {
        while let Some((item, _)) = coming.next_if(|(_, at)| **at <= now) {
            given.push((now, Some(item)));
            waits_since = None;
        }
        if now >= arrivals.end {
            break;
        }
        if now >= *waits_since.get_or_insert(now) + limit {
            given.push((now, None));
            break;
        }
    }
    given
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_first_wait_that_is_too_long_is_the_last(
        arrivals in arrivals(),
        limit in 0..60_u64,
        asks in asks(),
    ) {
        let stream = || Box::pin(arrivals.stream().idle_timeout(ms(limit)).map(Result::ok));
        let (waited, asked) = paused().block_on(async {
            (wait(stream()).await, ask(&mut stream(), &asks).await)
        });
        prop_assert_eq!(waited, model(&arrivals, limit, 0..));
        prop_assert_eq!(asked, model(&arrivals, limit, asks));
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_comes_once_and_says_how_long_nothing_came() {
    let late = at([(ms(10), 'a'), (ms(5000), 'b'), (ms(5000), 'c')]).boxed();
    let endless = at([(ms(10), 'a')]).chain(stream::pending()).boxed();
    for upstream in [late, endless] {
        let mut items = check_fused(upstream.idle_timeout(ms(1500))).await;
        let idle = items.pop().unwrap().unwrap_err();
        assert_eq!(idle.limit(), ms(1500));
        assert_eq!(idle.to_string(), "nothing came for 1.5s");
        assert_eq!(items, [Ok('a')]);
    }
}

#[tokio::test(start_paused = true)]
async fn time_in_which_nobody_asks_does_not_count() {
    // An upstream that does nothing while it is not polled.
    let lazy = stream::iter(0..3).then(|n| sleep(ms(8)).map(move |()| n));
    let mut items = Box::pin(lazy.idle_timeout(ms(10)));
    for n in 0..3 {
        sleep(ms(100)).await;
        assert_eq!(items.next().await, Some(Ok(n)));
    }
    sleep(ms(100)).await;
    assert_eq!(items.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_without_a_budget_is_not_taken_for_idle() {
    let mut items = iter(0..1000).idle_timeout(Duration::ZERO);
    for n in 0..1000 {
        assert_eq!(items.next().await, Some(Ok(n)));
        if n == 500 {
            while coop::has_budget_remaining() {
                coop::cooperative(ready(())).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_spends_the_budget_on_nothing_is_idle() {
    let start = Instant::now();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let rest = rushing().inspect(move |()| sender.send(()).unwrap());
    let rest = tokio::spawn(rest.chunks(1000).for_each(|_| tokio::task::yield_now()));
    let none = stream::poll_fn(move |cx| receiver.poll_recv(cx)).filter(|()| ready(false));
    let idle = none.idle_timeout(ms(10)).next().await.unwrap();
    assert!(idle.is_err());
    assert_eq!(start.elapsed(), ms(10));
    rest.abort();
}

#[tokio::test(start_paused = true)]
async fn a_dropped_next_loses_nothing_and_does_not_stop_the_time() {
    let mut items = Box::pin(at([(ms(7), 'a'), (ms(30), 'b')]).idle_timeout(ms(10)));
    for _ in 0..2 {
        assert!(timeout(ms(3), items.next()).await.is_err());
    }
    assert_eq!(items.next().await, Some(Ok('a')));
    for _ in 0..3 {
        assert!(timeout(ms(3), items.next()).await.is_err());
    }
    let idle = timeout(ms(1), items.next()).await.unwrap();
    assert!(idle.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn an_idle_upstream_is_dropped_before_the_error_comes() {
    let live = Live::default();
    let token = live.token();
    let upstream = stream::pending::<()>().inspect(move |()| assert_eq!(token.count(), 1));
    let mut items = upstream.idle_timeout(ms(10));
    assert!(items.next().await.unwrap().is_err());
    assert_eq!(live.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_upstream_passes_through() {
    let items = iter(0..4).map(|n| match n {
        1 => panic!("boom"),
        n => n,
    });
    let mut items = items.idle_timeout(ms(10));
    assert_eq!(items.next().await, Some(Ok(0)));
    let panic = AssertUnwindSafe(items.next()).catch_unwind().await;
    assert_eq!(message(panic.unwrap_err()), "boom");
    assert_eq!(items.next().await, Some(Ok(2)));
}

#[tokio::test(start_paused = true)]
async fn a_limit_beyond_the_end_of_time_is_none() {
    let mut items = stream::pending::<()>().idle_timeout(Duration::MAX);
    assert_eq!(items.next().now_or_never(), None);
}
