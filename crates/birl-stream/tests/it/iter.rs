//! `iter`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use birl_stream::iter;
use birl_stream::prelude::*;
use futures::FutureExt;
use futures::stream::FusedStream;

#[tokio::test]
async fn an_endless_one_lets_other_tasks_run() {
    let done = Arc::new(AtomicBool::new(false));
    let other = Arc::clone(&done);
    tokio::spawn(async move { other.store(true, Ordering::SeqCst) });
    // On this one thread, the other task runs only if this one yields.
    iter(0..)
        .take_while(|_| std::future::ready(!done.load(Ordering::SeqCst)))
        .for_each(async |_| {})
        .await;
}

#[test]
fn outside_a_runtime_it_is_ready_to_the_end() {
    let numbers = iter(0..1000).collect::<Vec<_>>().now_or_never();
    assert_eq!(numbers, Some((0..1000).collect()));
}

#[test]
fn it_stays_ended_and_its_size_is_exact() {
    // An iterator that begins anew after its end.
    let mut calls = 0;
    let again = std::iter::from_fn(move || {
        calls += 1;
        (calls % 2 == 1).then_some(calls)
    });
    let mut numbers = iter(again);
    assert_eq!(numbers.next().now_or_never(), Some(Some(1)));
    for _ in 0..3 {
        assert_eq!(numbers.next().now_or_never(), Some(None));
        assert!(numbers.is_terminated());
        assert_eq!(numbers.size_hint(), (0, Some(0)));
    }
    assert_eq!(iter([1, 2, 3]).size_hint(), (3, Some(3)));
}
