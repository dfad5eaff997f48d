//! Items with the latest of another stream.

use std::time::Duration;

use birl_stream::prelude::*;
use birl_stream::testing::{at, check_fused, timeline};
use futures::{FutureExt, stream};
use proptest::prelude::*;
use tokio::sync::mpsc;
use tokio::task::unconstrained;

use crate::probe::{Live, paused};

const MS: Duration = Duration::from_millis(1);

/// Items that are numbered, and come at these milliseconds.
fn numbered(mut times: Vec<u32>) -> Vec<(Duration, usize)> {
    times.sort_unstable();
    let times = times.into_iter().enumerate();
    times.map(|(n, time)| (time * MS, n)).collect()
}

fn times() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(0..30_u32, 0..300)
}

proptest! {
    #[test]
    fn each_item_comes_when_it_did_with_the_last_that_had_come_until_then(
        items in times(),
        others in times(),
    ) {
        let (items, others) = (numbered(items), numbered(others));
        let model: Vec<_> = items
            .iter()
            .map(|&(time, item)| {
                let latest = others.iter().rfind(|(other, _)| *other <= time);
                (time, (item, latest.map(|(_, other)| *other)))
            })
            .collect();
        let both = timeline(at(items).latest_with(at(others)));
        prop_assert_eq!(paused().block_on(both), model);
    }

    #[test]
    fn it_keeps_the_contract_of_streams(items in times(), others in times()) {
        let items = numbered(items);
        let count = items.len();
        let both = at(items).latest_with(at(numbered(others)));
        let given = paused().block_on(check_fused(both));
        prop_assert_eq!(given.len(), count);
    }
}

#[tokio::test]
async fn the_last_of_the_other_stays_when_that_has_ended_and_is_dropped() {
    let live = Live::default();
    let token = live.token();
    let other = birl_stream::iter(0..3).inspect(move |_| assert_eq!(token.count(), 1));
    let mut both = birl_stream::iter(["a", "b"]).latest_with(other);
    assert_eq!(both.next().await, Some(("a", Some(2))));
    assert_eq!(live.count(), 0);
    assert_eq!(both.next().await, Some(("b", Some(2))));
    assert_eq!(both.next().await, None);
}

#[tokio::test]
async fn at_the_end_both_are_dropped() {
    let live = Live::default();
    let (one, two) = (live.token(), live.token());
    let items = stream::iter([1]).inspect(move |_| assert!(one.count() > 0));
    let other = stream::pending::<()>().inspect(move |()| assert!(two.count() > 0));
    let mut both = items.latest_with(other);
    assert_eq!(both.next().await, Some((1, None)));
    assert_eq!(live.count(), 2);
    assert_eq!(both.next().await, None);
    assert_eq!(live.count(), 0);
}

#[tokio::test]
async fn a_backlog_of_the_other_is_taken_at_once() {
    let (sender, other) = mpsc::channel(10_000);
    let mut both = birl_stream::iter(0..2).latest_with(other.into_stream());
    for n in 0..10_000 {
        sender.try_send(n).unwrap();
    }
    assert_eq!(both.next().await, Some((0, Some(9_999))));
    sender.try_send(10_000).unwrap();
    assert_eq!(both.next().await, Some((1, Some(10_000))));
}

#[tokio::test(start_paused = true)]
async fn the_other_is_taken_from_while_no_item_comes() {
    let (sender, other) = mpsc::channel(1);
    let mut both = stream::pending::<()>().latest_with(other.into_stream());
    for n in 0..3 {
        assert_eq!(both.next().now_or_never(), None);
        sender.try_send(n).unwrap();
    }
}

#[tokio::test]
async fn another_that_is_always_ready_lets_other_tasks_run() {
    let mut both = stream::iter([1]).latest_with(stream::repeat(()));
    assert_eq!(both.next().now_or_never(), None);
    assert_eq!(unconstrained(both.next()).now_or_never(), None);
}
