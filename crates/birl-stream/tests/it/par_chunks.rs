//! `par_chunks`.

use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use birl_stream::iter;
use birl_stream::prelude::*;
use futures::FutureExt;
use futures::stream::{self, FusedStream};
use proptest::prelude::*;
use tokio::sync::mpsc;
use tokio::task::{coop, yield_now};

use crate::probe::{Gate, Live, Peak, RUNTIME_GONE, current_thread, message, multi_thread};

/// An item, and whether the upstream is pending before it comes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Item {
    after_a_pause: bool,
    number: usize,
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let after_a_pause = prop_oneof![4 => Just(false), 1 => Just(true)];
    let item = (after_a_pause, 0..9_usize).prop_map(|(after_a_pause, number)| Item {
        after_a_pause,
        number,
    });
    proptest::collection::vec(item, 0..100)
}

fn with_pauses(items: Vec<Item>) -> impl Stream<Item = Item> {
    stream::iter(items).then(async |item| {
        if item.after_a_pause {
            yield_now().await;
        }
        item
    })
}

fn chunks(items: &[Item], size: usize) -> Vec<Vec<Item>> {
    let mut chunks: Vec<Vec<Item>> = vec![];
    for &item in items {
        match chunks.last_mut() {
            Some(open) if open.len() < size.max(1) && !item.after_a_pause => open.push(item),
            _ => chunks.push(vec![item]),
        }
    }
    chunks
}

/// None for some chunks, more than there are items for others.
fn outputs(chunk: Vec<Item>) -> impl Iterator<Item = (usize, usize)> {
    let length = chunk.len();
    chunk
        .into_iter()
        .flat_map(move |item| std::iter::repeat_n((length, item.number), item.number % 3))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_chunk_closes_when_it_is_full_or_the_upstream_pending_and_outputs_are_in_order(
        items in items(),
        limit in 0..5_usize,
        size in 0..12_usize,
        threads in any::<bool>(),
    ) {
        let model: Vec<_> = chunks(&items, size).into_iter().flat_map(outputs).collect();
        let runtime = if threads { multi_thread() } else { current_thread() };
        let results: Vec<_> = runtime.block_on(async {
            with_pauses(items).par_chunks(limit, size, outputs).collect().await
        });
        prop_assert_eq!(results, model);
    }
}

#[tokio::test]
async fn an_item_does_not_wait_for_the_next_one() {
    let (send, receive) = mpsc::channel(10);
    let mut squares = receive
        .into_stream()
        .par_chunks(2, 256, |chunk: Vec<u32>| chunk.into_iter().map(|n| n * n));
    for n in 0..20 {
        send.send(n).await.unwrap();
        assert_eq!(squares.next().await, Some(n * n));
    }
    drop(send);
    assert_eq!(squares.next().await, None);
}

/// Tokio makes a stream pending after 128 items in a row, for the sake of others.
#[tokio::test]
async fn chunks_can_be_larger_than_tokios_budget() {
    let lengths = iter(0..1000).par_chunks(1, 300, |chunk| [chunk.len()]);
    assert_eq!(lengths.collect::<Vec<_>>().await, [300, 300, 300, 100]);
}

#[tokio::test]
async fn an_upstream_that_is_busy_with_nothing_does_not_keep_a_chunk_open() {
    let mut items = iter(0..)
        .filter(|n| ready(*n == 0))
        .par_chunks(1, 10, |chunk| chunk);
    assert_eq!(items.next().await, Some(0));
}

#[tokio::test]
async fn an_upstream_that_uses_up_the_budget_and_then_pauses_does_not_keep_a_chunk_open() {
    let upstream = stream::poll_fn(|cx| {
        if !coop::has_budget_remaining() {
            // Nobody is woken.
            return Poll::Pending;
        }
        coop::poll_proceed(cx).map(|budget| {
            budget.made_progress();
            Some(())
        })
    });
    let mut items = upstream.par_chunks(1, 1000, |chunk| chunk);
    assert_eq!(items.next().await, Some(()));
}

#[tokio::test]
async fn the_outputs_of_a_long_chunk_let_other_tasks_run() {
    let mut outputs = iter([100_000]).par_chunks(1, 1, |lengths| 0..lengths[0]);
    assert_eq!(outputs.next().await, Some(0));
    let done = Arc::new(AtomicBool::new(false));
    let other = Arc::clone(&done);
    tokio::spawn(async move { other.store(true, Ordering::SeqCst) });
    // On this one thread, the other task runs only if this one yields.
    let before = outputs.take_while(|_| ready(!done.load(Ordering::SeqCst)));
    assert!(before.count().await < 50_000);
}

#[tokio::test]
async fn chunks_without_outputs_do_not_wait_for_the_first_one() {
    let gate = Gate::default();
    let (held, last) = (gate.clone(), gate.clone());
    let outputs = iter(0..1000).par_chunks(2, 1, move |chunk| match chunk[0] {
        0 => {
            held.wait();
            None
        }
        999 => {
            last.open();
            Some(999)
        }
        _ => None,
    });
    assert_eq!(outputs.collect::<Vec<_>>().await, [999]);
}

#[tokio::test]
async fn an_iterator_that_f_returns_does_its_work_on_the_blocking_thread() {
    let threads = iter(0..10).par_chunks(2, 3, |chunk| {
        chunk.into_iter().map(|_| thread::current().id())
    });
    let here = thread::current().id();
    assert!(threads.all(|there| ready(there != here)).await);
}

#[tokio::test]
async fn upstream_runs_as_many_chunks_ahead_as_is_said() {
    for (limit, size, chunks_max, chunks) in [
        (0, 0, None, 8),
        (1, 5, None, 8),
        (3, 4, None, 24),
        (3, 4, Some(7), 7),
        (3, 4, Some(0), 3),
    ] {
        let (gate, pulled) = (Gate::default(), Peak::default());
        let (held, seen) = (gate.clone(), pulled.clone());
        let mut items = stream::iter(1..=200_usize)
            .inspect(move |n| seen.see(*n))
            .par_chunks(limit, size, move |chunk| {
                held.wait();
                chunk
            });
        if let Some(chunks_max) = chunks_max {
            items = items.chunks_max(chunks_max);
        }
        assert!(futures::poll!(items.next()).is_pending());
        // The driver pulls what it may in a single go, then waits for room.
        yield_now().await;
        assert_eq!(pulled.get(), chunks * size.max(1));
        gate.open();
        assert_eq!(items.count().await, 200);
    }
}

#[test]
fn nothing_runs_before_the_first_poll_and_no_runtime_is_needed() {
    let live = Live::default();
    let token = live.token();
    let items = stream::iter(0..3).par_chunks(2, 2, move |chunk| {
        let _ = &token;
        chunk
    });
    assert_eq!(live.count(), 1);
    drop(items);
    assert_eq!(live.count(), 0);
}

#[tokio::test]
async fn it_stays_ended_and_knows_how_many_are_at_hand() {
    let mut items = iter(0..5).par_chunks(2, 5, |chunk| chunk);
    assert_eq!(items.size_hint(), (0, None));
    assert_eq!(items.next().await, Some(0));
    assert_eq!(items.size_hint(), (4, None));
    assert_eq!(items.by_ref().count().await, 4);
    assert!(items.is_terminated());
    assert_eq!(items.size_hint(), (0, Some(0)));
    assert_eq!(items.next().await, None);
}

#[tokio::test]
async fn an_upstream_that_has_ended_is_not_polled_again() {
    let mut left = vec![None, Some(2), Some(1)];
    let upstream =
        stream::poll_fn(move |_| Poll::Ready(left.pop().expect("no poll after the end")));
    let items = upstream.par_chunks(1, 10, |chunk| chunk);
    assert_eq!(items.collect::<Vec<_>>().await, [1, 2]);
}

#[tokio::test]
async fn after_a_shutdown_each_thread_ends_its_chunk_and_begins_no_other() {
    for limit in [1, 3] {
        let (gate, begun) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
        let (held, count) = (gate.clone(), Arc::clone(&begun));
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut items = iter(0..100).par_chunks(limit, 2, move |chunk| {
            count.fetch_add(1, Ordering::SeqCst);
            tell.send(()).unwrap();
            held.wait();
            chunk
        });
        assert!(futures::poll!(items.next()).is_pending());
        for _ in 0..limit {
            told.recv().await.unwrap();
        }
        let mut shutdown = Box::pin(items.shutdown());
        assert!(futures::poll!(&mut shutdown).is_pending());
        gate.open();
        shutdown.await;
        assert_eq!(begun.load(Ordering::SeqCst), limit);
    }
}

#[test]
fn shutdown_at_any_moment_waits_until_all_is_dropped() {
    for runtime in [current_thread(), multi_thread()] {
        for round in 0..300 {
            let live = Live::default();
            let (in_f, in_items, in_outputs) = (live.token(), live.clone(), live.clone());
            let mut outputs = stream::repeat_with(move || in_items.token())
                .then(async |item| {
                    yield_now().await;
                    item
                })
                .par_chunks(3, 1 + round % 4, move |chunk| {
                    let _ = &in_f;
                    let outputs = chunk.iter().map(|_| in_outputs.token());
                    outputs.collect::<Vec<_>>()
                });
            runtime.block_on(async {
                for _ in 0..round % 31 {
                    outputs.next().await;
                }
                outputs.shutdown().await;
            });
            assert_eq!(live.count(), 0);
        }
    }
}

#[tokio::test]
async fn dropping_it_drops_what_is_at_work_in_the_end() {
    let (held, mut all_dropped) = mpsc::channel::<()>(1);
    let mut outputs = stream::iter(0..).par_chunks(3, 4, move |chunk| {
        let _ = &held;
        chunk
    });
    assert_eq!(outputs.next().await, Some(0));
    drop(outputs);
    assert_eq!(all_dropped.recv().await, None);
}

#[tokio::test]
async fn a_panic_in_f_its_iterator_or_the_upstream_resumes_in_the_consumer() {
    let upstream = stream::iter(0..).inspect(|n| assert!(*n != 7, "upstream is bad"));
    let in_upstream = upstream.par_chunks(2, 2, |chunk| chunk);
    let in_f = iter(0..).par_chunks(2, 2, |chunk| {
        assert!(!chunk.contains(&7), "f is bad");
        chunk
    });
    let in_iterator = iter(0..).par_chunks(2, 2, |chunk: Vec<i32>| {
        let outputs = chunk.into_iter();
        outputs.inspect(|n| assert!(*n != 7, "the iterator is bad"))
    });
    for (mut outputs, expected) in [
        (in_upstream, "upstream is bad"),
        (in_f, "f is bad"),
        (in_iterator, "the iterator is bad"),
    ] {
        let mut taken = vec![];
        let panic = loop {
            match AssertUnwindSafe(outputs.next()).catch_unwind().await {
                Ok(output) => taken.push(output.unwrap()),
                Err(panic) => break panic,
            }
        };
        assert_eq!(message(panic), expected);
        // Whole chunks, none of which is the bad one.
        assert!(taken.len() <= 6 && taken.len().is_multiple_of(2));
        assert!(taken.iter().copied().eq((0..).take(taken.len())));
        assert!(outputs.is_terminated());
        assert_eq!(outputs.next().await, None);
    }
}

#[test]
fn a_runtime_that_goes_is_not_taken_for_the_end() {
    for runtime in [current_thread(), multi_thread()] {
        let mut items = iter(0..2)
            .chain(stream::pending())
            .par_chunks(2, 2, |chunk| chunk);
        assert_eq!(runtime.block_on(items.next()), Some(0));
        drop(runtime);
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(items.poll_next_unpin(&mut cx), Poll::Ready(Some(1)));
        let panic = catch_unwind(AssertUnwindSafe(|| items.poll_next_unpin(&mut cx)));
        assert_eq!(message(panic.unwrap_err()), RUNTIME_GONE);
    }
}
