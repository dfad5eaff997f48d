//! Connections that are lost, refused and made again.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use birl_stream::prelude::*;
use birl_stream::reconnect::{Attempt, Event, reconnect};
use birl_stream::testing::check_fused;
use birl_stream::{Backoff, iter};
use futures::stream::{self, BoxStream};
use tokio::time::{Instant, sleep};

use crate::probe::Live;

type Item = Result<u32, &'static str>;
type Connection = BoxStream<'static, Item>;

fn gives(items: impl IntoIterator<Item = Item, IntoIter: Send + 'static>) -> Connection {
    iter(items).boxed()
}

/// Gives up after three failures in a row.
fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(100), Duration::from_secs(5)).tries_max(3)
}

/// Connects as the script says, and fails when it is at its end.
fn script(
    connections: impl IntoIterator<Item = Result<Connection, &'static str>>,
) -> impl FnMut(Attempt) -> std::future::Ready<Result<Connection, &'static str>> {
    let mut connections: VecDeque<_> = connections.into_iter().collect();
    move |_| std::future::ready(connections.pop_front().unwrap_or(Err("over")))
}

/// What happened, without the delays.
fn shown(event: Event<u32, &'static str>) -> String {
    match event {
        Event::Up => "up".to_owned(),
        Event::Item(item) => item.to_string(),
        Event::Down { error, retry_in } => {
            let then = if retry_in.is_some() {
                "again"
            } else {
                "gives up"
            };
            format!("down ({}), {then}", error.unwrap_or("its end"))
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_loss_is_told_and_mended_until_the_backoff_gives_up() {
    let connections = [
        Err("refused"),
        Ok(gives([Ok(1), Ok(2)])),
        Ok(gives([Ok(3), Err("reset"), Ok(99)])),
    ];
    let healthy = backoff().healthy_after(Duration::ZERO);
    let events = check_fused(reconnect(script(connections), healthy)).await;
    let shown: Vec<String> = events.into_iter().map(shown).collect();
    assert_eq!(
        shown,
        [
            "down (refused), again",
            "up",
            "1",
            "2",
            "down (its end), again",
            "up",
            "3",
            "down (reset), again",
            "down (over), again",
            "down (over), gives up",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn attempts_are_counted_until_a_connection_was_healthy() {
    let healthy = Duration::from_secs(10);
    let attempts = RefCell::new(Vec::new());
    let connect = |attempt: Attempt| {
        attempts.borrow_mut().push(attempt.number);
        // The second connection lasts for long enough, the others just not.
        let lasts = match attempts.borrow().len() {
            2 => healthy,
            _ => healthy - Duration::from_millis(1),
        };
        async move {
            let end = stream::once(sleep(lasts)).map(|()| Err::<u32, _>("lost"));
            Ok(end.boxed_local())
        }
    };
    let backoff = backoff().tries_max(4).healthy_after(healthy);
    let events = reconnect(connect, backoff).count().await;
    // Two before the healthy one has ended, and four from then on, of which the first is counted
    // as the failure of the healthy one.
    assert_eq!(*attempts.borrow(), [1, 2, 2, 3, 4]);
    assert_eq!(events, 10);
}

#[tokio::test(start_paused = true)]
async fn the_next_attempt_is_made_when_it_was_said() {
    let began = Instant::now();
    let attempts = RefCell::new(Vec::new());
    let connect = |_| {
        attempts.borrow_mut().push(began.elapsed());
        std::future::ready(Err::<Connection, _>("refused"))
    };
    let mut expected = vec![Duration::ZERO];
    let mut events = reconnect(connect, backoff().seed(7).tries_max(6));
    while let Some(Event::Down {
        retry_in: Some(delay),
        ..
    }) = events.next().await
    {
        expected.push(*expected.last().unwrap() + delay);
    }
    drop(events);
    let attempts = attempts.into_inner();
    assert_eq!(attempts.len(), 6);
    for (attempt, expected) in attempts.iter().zip(&expected) {
        // Tokio's timers go off at the next whole millisecond, each of them.
        let late = attempt.checked_sub(*expected);
        let in_time = late.is_some_and(|late| late < Duration::from_millis(6));
        assert!(in_time, "{attempts:?} {expected:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_dropped_before_it_is_told() {
    let live = Live::default();
    let connect = async |_| {
        let token = live.token();
        let connection = gives([Ok(1), Err("reset")]);
        Ok(connection.inspect(move |_| assert_eq!(token.count(), 1)))
    };
    let mut events = std::pin::pin!(reconnect(connect, backoff()));
    let mut counts = Vec::new();
    for _ in 0..3 {
        events.next().await;
        counts.push(live.count());
    }
    assert_eq!(counts, [1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn the_connection_is_lent_while_there_is_one() {
    let mut events = reconnect(script([Ok(gives([Ok(1)]))]), backoff());
    assert!(events.connection().is_none());
    assert_eq!(events.next().await, Some(Event::Up));
    assert_eq!(events.connection().unwrap().size_hint(), (1, Some(1)));
    events.next().await;
    events.next().await;
    assert!(events.connection().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_connect_ends_the_stream() {
    let connect = |_| -> std::future::Ready<Result<Connection, &'static str>> { panic!("boom") };
    let mut events = reconnect(connect, backoff());
    let panic = std::panic::AssertUnwindSafe(events.next());
    assert!(futures::FutureExt::catch_unwind(panic).await.is_err());
    assert_eq!(events.next().await, None);
}
