//! `par_flat_map` and what is built on it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use birl_stream::Closed;
use birl_stream::prelude::*;
use futures::FutureExt;
use futures::stream::{self, FusedStream};
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

use crate::probe::{Gate, Live, Peak, RUNTIME_GONE, current_thread, message, multi_thread};

/// A job that spins for a while before each output.
#[derive(Clone, Debug)]
struct Work {
    spins: u32,
    outputs: Vec<u16>,
}

fn work() -> impl Strategy<Value = Work> {
    let outputs = proptest::collection::vec(any::<u16>(), 0..8);
    (0..3000_u32, outputs).prop_map(|(spins, outputs)| Work { spins, outputs })
}

fn spin(times: u32) {
    for _ in 0..times {
        std::hint::spin_loop();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn outputs_are_the_concatenation_in_input_order(
        jobs in proptest::collection::vec(work(), 0..40),
        limit in 0..6_usize,
        jobs_max in 0..12_usize,
        outputs_max in 0..5_usize,
        threads in any::<bool>(),
    ) {
        let model: Vec<u16> = jobs.iter().flat_map(|work| work.outputs.clone()).collect();
        let runtime = if threads { multi_thread() } else { current_thread() };
        let outputs: Vec<u16> = runtime.block_on(async {
            stream::iter(jobs)
                .par_flat_map(limit, |work: Work, outlet| {
                    for output in work.outputs {
                        spin(work.spins);
                        outlet.send(output).unwrap();
                    }
                })
                .jobs_max(jobs_max)
                .outputs_max(outputs_max)
                .collect()
                .await
        });
        prop_assert_eq!(outputs, model);
    }
}

#[tokio::test]
async fn the_first_job_streams_while_it_runs() {
    let gate = Gate::default();
    let held = gate.clone();
    let mut outputs = stream::iter([0, 1]).par_flat_map(2, move |job, outlet| {
        outlet.send(job * 10).unwrap();
        held.wait();
        outlet.send(job * 10 + 1).unwrap();
    });
    assert_eq!(outputs.next().await, Some(0));
    gate.open();
    assert_eq!(outputs.collect::<Vec<_>>().await, [1, 10, 11]);
}

#[tokio::test]
async fn at_most_limit_jobs_run_at_a_time() {
    for limit in [1, 3] {
        let (running, peak) = (Arc::new(AtomicUsize::new(0)), Peak::default());
        let seen = peak.clone();
        let outputs = stream::iter(0..200).par_flat_map(limit, move |job: u32, outlet| {
            seen.see(running.fetch_add(1, Ordering::SeqCst) + 1);
            std::thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
            outlet.send(job).unwrap();
        });
        assert_eq!(outputs.count().await, 200);
        assert!(peak.get() <= limit, "{} jobs at a time", peak.get());
    }
}

#[tokio::test]
async fn upstream_runs_at_most_twice_limit_ahead_of_the_consumer() {
    let limit = 3;
    let (taken, peak) = (Arc::new(AtomicUsize::new(0)), Peak::default());
    let (pulled, seen) = (Arc::clone(&taken), peak.clone());
    let upstream = stream::iter(1..=500_usize)
        .inspect(move |count| seen.see(count - pulled.load(Ordering::SeqCst)));
    let mut outputs = upstream.par_flat_map(limit, |item, outlet| outlet.send(item).unwrap());
    while outputs.next().await.is_some() {
        tokio::task::yield_now().await;
        taken.fetch_add(1, Ordering::SeqCst);
    }
    // One more is in the consumer's hands before it is counted as taken.
    assert!(peak.get() <= 2 * limit + 1, "{} ahead", peak.get());
}

#[tokio::test]
async fn jobs_max_bounds_how_far_the_upstream_runs_ahead() {
    for (jobs_max, ahead) in [(0, 2), (3, 3), (20, 20)] {
        let (gate, pulled) = (Gate::default(), Peak::default());
        let (held, seen) = (gate.clone(), pulled.clone());
        let mut outputs = stream::iter(1..=100_usize)
            .inspect(move |count| seen.see(*count))
            .par_flat_map(2, move |item, outlet| {
                held.wait();
                outlet.send(item).unwrap();
            })
            .jobs_max(jobs_max);
        assert!(futures::poll!(outputs.next()).is_pending());
        // The driver pulls what it may in a single go, then waits for room.
        tokio::task::yield_now().await;
        assert_eq!(pulled.get(), ahead);
        gate.open();
        assert_eq!(outputs.count().await, 100);
    }
}

#[tokio::test]
async fn a_job_waits_when_its_outputs_are_not_taken() {
    for outputs_max in [1, 2, 5] {
        let sent = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sent);
        let (blocked, is_blocked) = oneshot::channel();
        let blocked = Mutex::new(Some(blocked));
        let mut outputs = stream::iter([0, 1])
            .par_flat_map(2, move |job, outlet| {
                if job == 0 {
                    // Job 1 runs alone, behind this one, until it is blocked or done.
                    while count.load(Ordering::SeqCst) < outputs_max {
                        std::thread::yield_now();
                    }
                    let _ = blocked.lock().unwrap().take().unwrap().send(());
                    return;
                }
                while outlet.send(job).is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            })
            .outputs_max(outputs_max);
        assert!(futures::poll!(outputs.next()).is_pending());
        is_blocked.await.unwrap();
        assert_eq!(sent.load(Ordering::SeqCst), outputs_max);
        assert_eq!(outputs.next().await, Some(1));
        outputs.shutdown().await;
        // What was waiting, what the stream had in its hands, and not one more.
        assert!(sent.load(Ordering::SeqCst) <= 2 * outputs_max);
    }
}

#[tokio::test]
async fn jobs_without_outputs_do_not_wait_for_the_first_one() {
    let gate = Gate::default();
    let (held, last) = (gate.clone(), gate.clone());
    let outputs = stream::iter(0..1000).par_flat_map(2, move |job, outlet| match job {
        0 => held.wait(),
        999 => {
            last.open();
            outlet.send(job).unwrap();
        }
        _ => {}
    });
    assert_eq!(outputs.collect::<Vec<_>>().await, [999]);
}

#[test]
fn nothing_runs_before_the_first_poll_and_no_runtime_is_needed() {
    let live = Live::default();
    let token = live.token();
    let outputs = stream::iter(0..3).par_flat_map(2, move |_, outlet| {
        let _ = &token;
        outlet.send(()).unwrap();
    });
    assert_eq!(live.count(), 1);
    drop(outputs);
    assert_eq!(live.count(), 0);
}

#[tokio::test]
async fn shutdown_before_the_first_poll_drops_everything() {
    let live = Live::default();
    let token = live.token();
    let outputs = stream::iter(0..3).par_flat_map(2, move |_, outlet| {
        let _ = &token;
        outlet.send(()).unwrap();
    });
    outputs.shutdown().await;
    assert_eq!(live.count(), 0);
}

#[test]
fn limit_zero_counts_as_one() {
    let outputs = current_thread().block_on(
        stream::iter(0..5)
            .par_flat_map(0, |n, outlet| outlet.send(n).unwrap())
            .collect::<Vec<_>>(),
    );
    assert_eq!(outputs, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn an_empty_upstream_gives_an_empty_stream_that_stays_ended() {
    let mut outputs = stream::empty::<u8>().par_flat_map(2, |n, outlet| outlet.send(n).unwrap());
    assert!(!outputs.is_terminated());
    for _ in 0..3 {
        assert_eq!(outputs.next().await, None);
        assert!(outputs.is_terminated());
    }
}

#[tokio::test]
async fn shutdown_waits_until_all_is_dropped() {
    for taken in [0, 1, 5] {
        let live = Live::default();
        let (in_f, in_jobs, in_outputs) = (live.token(), live.clone(), live.clone());
        let mut outputs = stream::iter(0..1000)
            .map(move |_| in_jobs.token())
            .par_flat_map(3, move |_job, outlet| {
                let _ = &in_f;
                while outlet.send(in_outputs.token()).is_ok() {}
            });
        for _ in 0..taken {
            assert!(outputs.next().await.is_some());
        }
        assert!(taken == 0 || live.count() > 0);
        outputs.shutdown().await;
        assert_eq!(live.count(), 0);
    }
}

#[tokio::test]
async fn dropping_wakes_blocked_sends_and_closes_outlets() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut outputs = stream::iter(0..10).par_flat_map(2, move |_, outlet| {
        let end = loop {
            if let Err(closed) = outlet.send(()) {
                break closed;
            }
        };
        tell.send((end, outlet.is_closed())).unwrap();
    });
    outputs.next().await;
    drop(outputs);
    let mut ends = vec![];
    while let Some(end) = told.recv().await {
        ends.push(end);
    }
    // One or both workers had begun a job; nobody began another one.
    assert!(
        ends == [(Closed, true)] || ends == [(Closed, true); 2],
        "{ends:?}"
    );
}

#[tokio::test]
async fn a_job_without_outputs_sees_that_the_consumer_is_gone() {
    let (begun, has_begun) = oneshot::channel();
    let begun = Mutex::new(Some(begun));
    let mut outputs =
        stream::iter([0]).par_flat_map(1, move |_, outlet: &mut birl_stream::Outlet<()>| {
            let _ = begun.lock().unwrap().take().unwrap().send(());
            while !outlet.is_closed() {
                std::thread::yield_now();
            }
        });
    assert!(futures::poll!(outputs.next()).is_pending());
    has_begun.await.unwrap();
    outputs.shutdown().await;
}

#[tokio::test]
async fn a_panic_in_f_resumes_in_the_consumer_and_stops_the_workers() {
    let live = Live::default();
    let (in_f, in_outputs) = (live.token(), live.clone());
    let mut outputs = stream::iter(0..).par_flat_map(3, move |job, outlet| {
        let _ = &in_f;
        assert!(job != 7, "job 7 is bad");
        let _ = outlet.send(in_outputs.token());
    });
    let panic = loop {
        match AssertUnwindSafe(outputs.next()).catch_unwind().await {
            Ok(output) => assert!(output.is_some()),
            Err(panic) => break panic,
        }
    };
    assert_eq!(message(panic), "job 7 is bad");
    assert!(outputs.is_terminated());
    assert!(outputs.next().await.is_none());
    outputs.shutdown().await;
    assert_eq!(live.count(), 0);
}

#[tokio::test]
async fn a_panic_in_the_upstream_resumes_in_the_consumer() {
    let upstream = stream::iter(0..).map(|n| {
        assert!(n < 3, "upstream is bad");
        n
    });
    let outputs = upstream.par_flat_map(2, |n, outlet| {
        let _ = outlet.send(n);
    });
    let panic = AssertUnwindSafe(outputs.count())
        .catch_unwind()
        .await
        .unwrap_err();
    assert_eq!(message(panic), "upstream is bad");
}

#[tokio::test]
async fn par_map_blocking_keeps_the_order() {
    let squares = stream::iter(0..1000_u64).par_map_blocking(3, |n| {
        spin(((n * 37) % 101) as u32 * 10);
        n * n
    });
    let model: Vec<_> = (0..1000).map(|n| n * n).collect();
    assert_eq!(squares.collect::<Vec<_>>().await, model);
}

#[tokio::test]
async fn work_goes_on_while_the_consumer_is_away() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut outputs = stream::iter(0..4).par_flat_map(2, move |n, outlet| {
        outlet.send(n).unwrap();
        tell.send(n).unwrap();
    });
    assert!(futures::poll!(outputs.next()).is_pending());
    // Four jobs have room to run to their end, though nobody polls any more.
    for _ in 0..4 {
        told.recv().await.unwrap();
    }
    assert_eq!(outputs.collect::<Vec<_>>().await, [0, 1, 2, 3]);
}

#[test]
fn a_runtime_that_goes_takes_its_workers_along() {
    for runtime in [current_thread(), multi_thread()] {
        let mut outputs = stream::iter(0..)
            .chain(stream::pending())
            .par_flat_map(2, |n, outlet| while outlet.send(n).is_ok() {});
        assert_eq!(runtime.block_on(outputs.next()), Some(0));
        // This would hang if workers waited for room or for jobs.
        drop(runtime);
        let mut cx = Context::from_waker(Waker::noop());
        let panic = catch_unwind(AssertUnwindSafe(|| {
            while let Poll::Ready(output) = outputs.poll_next_unpin(&mut cx) {
                assert_eq!(output, Some(0));
            }
        }));
        assert_eq!(message(panic.unwrap_err()), RUNTIME_GONE);
    }
}

#[test]
fn idle_workers_do_not_keep_a_runtime_from_shutting_down() {
    let runtime = current_thread();
    let mut outputs = stream::iter([1])
        .chain(stream::pending())
        .par_flat_map(2, |n, outlet| outlet.send(n).unwrap());
    assert_eq!(runtime.block_on(outputs.next()), Some(1));
    drop(runtime);
}

#[test]
fn one_blocking_thread_in_the_pool_is_enough() {
    let runtime = Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let outputs = stream::iter(0..50).par_flat_map(4, |n, outlet| outlet.send(n).unwrap());
    assert_eq!(runtime.block_on(outputs.count()), 50);
}

/// Many short runs meet the moments at which somebody falls asleep just as somebody else wakes it.
fn stress(runtime: &Runtime) {
    for round in 0..1000_usize {
        let upstream = stream::iter(0..12_usize).then(move |n| async move {
            if (n + round).is_multiple_of(5) {
                tokio::task::yield_now().await;
            }
            n
        });
        let outputs = upstream
            .par_flat_map(1 + round % 4, move |n, outlet| {
                for _ in 0..(n * 7 + round) % 6 {
                    outlet.send(n).unwrap();
                }
            })
            .outputs_max(1 + round % 3);
        let model: Vec<_> = (0..12_usize)
            .flat_map(|n| std::iter::repeat_n(n, (n * 7 + round) % 6))
            .collect();
        let outputs = runtime.block_on(async {
            tokio::time::timeout(Duration::from_secs(60), outputs.collect::<Vec<_>>()).await
        });
        assert_eq!(outputs.expect("a wake-up was lost"), model);
    }
}

#[test]
fn no_wake_up_is_lost_on_one_thread() {
    stress(&current_thread());
}

#[test]
fn no_wake_up_is_lost_on_several_threads() {
    stress(&multi_thread());
}

#[test]
fn shutdown_at_any_moment_ends() {
    for runtime in [current_thread(), multi_thread()] {
        for round in 0..1000 {
            let live = Live::default();
            let (token, made) = (live.token(), live.clone());
            let mut outputs = stream::iter(0..20).par_flat_map(3, move |n, outlet| {
                let _ = &token;
                for _ in 0..n % 4 {
                    let _ = outlet.send(made.token());
                }
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
