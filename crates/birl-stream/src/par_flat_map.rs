//! `par_flat_map`: blocking work on several threads, its outputs in the order of the inputs.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::stream::{BoxStream, FusedStream};
use futures::{FutureExt, Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, coop};

use crate::failure::{Panic, resume};
use crate::lanes::{Job, Lanes, Room};

/// How many outputs of one job may wait for the consumer, unless [`ParFlatMap::outputs_max`] says
/// otherwise.
pub const OUTPUTS_MAX: usize = 16;

/// The stream that [`par_flat_map`](crate::FlowExt::par_flat_map) and
/// [`par_map_blocking`](crate::FlowExt::par_map_blocking) return.
///
/// Dropping it stops everything: the upstream is dropped, jobs that have not begun are dropped, and
/// a job at work learns it from its [`Outlet`] and is not waited for.
#[must_use = "streams do nothing unless polled"]
pub struct ParFlatMap<U> {
    limit: usize,
    jobs_max: usize,
    outputs_max: usize,
    /// Taken at the first poll.
    jobs: Option<BoxStream<'static, Job<U>>>,
    run: Option<Run<U>>,
    /// Outputs of the first job that the consumer has not asked for yet.
    ready: VecDeque<U>,
    done: bool,
}

/// Where a job of [`par_flat_map`](crate::FlowExt::par_flat_map) puts its outputs.
pub struct Outlet<U> {
    lanes: Arc<Lanes<U>>,
    lane: u64,
    room: Room,
}

/// The consumer is gone: nobody will take another output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

/// The consumer's hold on the tasks and threads behind it; dropping it stops them.
struct Run<U> {
    lanes: Arc<Lanes<U>>,
    driver: AbortHandle,
    alive: mpsc::Receiver<Infallible>,
}

/// Held by each task and thread. It carries nothing: when the last one is dropped, all have ended.
pub(crate) type Alive = mpsc::Sender<Infallible>;

impl<U: Send + 'static> ParFlatMap<U> {
    pub(crate) fn new<S, F>(upstream: S, limit: usize, f: F) -> Self
    where
        S: Stream<Item: Send> + Send + 'static,
        F: Fn(S::Item, &mut Outlet<U>) + Send + Sync + 'static,
    {
        let limit = limit.max(1);
        let f = Arc::new(f);
        let jobs = upstream.map(move |item| {
            let f = Arc::clone(&f);
            Box::new(move |outlet: &mut Outlet<U>| f(item, outlet)) as Job<U>
        });
        Self {
            limit,
            jobs_max: limit.saturating_mul(2),
            outputs_max: OUTPUTS_MAX,
            jobs: Some(jobs.boxed()),
            run: None,
            ready: VecDeque::new(),
            done: false,
        }
    }

    /// Lets `jobs_max` jobs lie between the upstream and the consumer instead of twice the limit;
    /// less than the limit counts as the limit.
    ///
    /// More means fewer thread switches where jobs are short, and that more items and outputs are
    /// held. Once the stream has been polled, this changes nothing.
    pub fn jobs_max(mut self, jobs_max: usize) -> Self {
        self.jobs_max = jobs_max.max(self.limit);
        self
    }

    /// Lets `outputs_max` outputs of one job wait for the consumer instead of [`OUTPUTS_MAX`]; 0
    /// counts as 1.
    ///
    /// More means fewer thread switches where a job has many small outputs. Once the stream has
    /// been polled, this changes nothing.
    pub fn outputs_max(mut self, outputs_max: usize) -> Self {
        self.outputs_max = outputs_max.max(1);
        self
    }

    /// Stops everything, as dropping does, and waits until the upstream and all jobs at work have
    /// ended and what they own is dropped. Outputs that have not been taken are lost.
    ///
    /// Dropping the returned future ends only the waiting.
    pub async fn shutdown(mut self) {
        self.jobs = None;
        self.ready.clear();
        if let Some(mut run) = self.run.take() {
            run.stop();
            while run.alive.recv().await.is_some() {}
        }
    }
}

/// Nothing is pinned in place: the upstream is boxed.
impl<U> Unpin for ParFlatMap<U> {}

impl<U: Send + 'static> Stream for ParFlatMap<U> {
    type Item = U;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<U>> {
        let this = self.get_mut();
        if this.done {
            return Poll::Ready(None);
        }
        let budget = ready!(coop::poll_proceed(cx));
        if this.ready.is_empty() {
            match ready!(this.poll_outputs(cx)) {
                Ok(true) => {}
                Ok(false) => this.done = true,
                Err(panic) => {
                    this.done = true;
                    resume(panic);
                }
            }
        }
        budget.made_progress();
        Poll::Ready(this.ready.pop_front())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ready.len(), if self.done { Some(0) } else { None })
    }
}

impl<U: Send + 'static> ParFlatMap<U> {
    fn poll_outputs(&mut self, cx: &Context<'_>) -> Poll<Result<bool, Option<Panic>>> {
        if let Some(jobs) = self.jobs.take() {
            self.run = Some(Run::start(
                jobs,
                Lanes::new(self.limit, self.jobs_max, self.outputs_max),
            ));
        }
        match &self.run {
            Some(run) => run.lanes.poll_outputs(cx, &mut self.ready),
            None => Poll::Ready(Ok(false)),
        }
    }
}

impl<U: Send + 'static> FusedStream for ParFlatMap<U> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<U> fmt::Debug for ParFlatMap<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParFlatMap")
            .field("limit", &self.limit)
            .field("jobs_max", &self.jobs_max)
            .field("outputs_max", &self.outputs_max)
            .field("started", &self.run.is_some())
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}

impl<U> Outlet<U> {
    /// Hands an output to the consumer, and waits while too many outputs of this job wait for it
    /// already ([`ParFlatMap::outputs_max`]).
    ///
    /// # Errors
    /// [`Closed`], also out of the waiting, if the consumer is gone. The output is dropped; the job
    /// should return soon.
    pub fn send(&mut self, output: U) -> Result<(), Closed> {
        self.lanes.send(self.lane, output, &self.room)
    }

    /// Whether the consumer is gone. Costs a load: long jobs without outputs can ask it often.
    pub fn is_closed(&self) -> bool {
        self.lanes.is_closed()
    }
}

impl<U> fmt::Debug for Outlet<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet")
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the consumer of this stream is gone")
    }
}

impl std::error::Error for Closed {}

impl<U: Send + 'static> Run<U> {
    fn start(jobs: BoxStream<'static, Job<U>>, lanes: Lanes<U>) -> Self {
        let lanes = Arc::new(lanes);
        let (all_alive, alive) = mpsc::channel(1);
        let driver = Driver {
            jobs,
            guard: Guard(Arc::clone(&lanes)),
            alive: all_alive,
        };
        let driver = tokio::spawn(driver.run()).abort_handle();
        Self {
            lanes,
            driver,
            alive,
        }
    }
}

impl<U> Run<U> {
    fn stop(&self) {
        self.lanes.close();
        self.driver.abort();
    }
}

impl<U> Drop for Run<U> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Polls the upstream and sees to it that there are workers. Fields are dropped in this order:
/// `alive` last.
struct Driver<U> {
    jobs: BoxStream<'static, Job<U>>,
    guard: Guard<U>,
    alive: Alive,
}

/// Closes the lanes when the driver goes. It goes early if it is aborted, or if the runtime shuts
/// down: then workers must not wait for jobs or for room, because the runtime waits for them.
struct Guard<U>(Arc<Lanes<U>>);

impl<U: Send + 'static> Driver<U> {
    async fn run(mut self) {
        let fed = AssertUnwindSafe(self.feed()).catch_unwind().await;
        let lanes = &self.guard.0;
        // The upstream is gone before the consumer learns of the end.
        drop(self.jobs);
        match fed {
            Ok(()) => lanes.end(),
            Err(panic) => lanes.fail(panic),
        }
        // For the sake of the guard.
        std::future::poll_fn(|cx| lanes.poll_finished(cx)).await;
    }

    async fn feed(&mut self) {
        let lanes = &self.guard.0;
        while std::future::poll_fn(|cx| lanes.poll_room(cx)).await.is_ok() {
            let Some(job) = self.jobs.next().await else {
                return;
            };
            if lanes.admit(job) {
                let worker = Worker {
                    lanes: Arc::clone(lanes),
                    _alive: self.alive.clone(),
                };
                tokio::task::spawn_blocking(move || worker.run());
            }
            // An upstream that is always ready must not keep others from running.
            coop::consume_budget().await;
        }
    }
}

impl<U> Drop for Guard<U> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// A blocking thread's part. `_alive` is dropped last.
struct Worker<U> {
    lanes: Arc<Lanes<U>>,
    _alive: Alive,
}

impl<U> Worker<U> {
    fn run(&self) {
        let mut outlet = Outlet {
            lanes: Arc::clone(&self.lanes),
            lane: 0,
            room: Room::default(),
        };
        let mut finished = None;
        while let Some((lane, job)) = self.lanes.next_job(finished) {
            outlet.lane = lane;
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| job(&mut outlet))) {
                return self.lanes.fail(panic);
            }
            finished = Some(lane);
        }
    }
}

/// Explores the interleavings of driver, workers and consumer: in tests, the lanes are built on
/// shuttle's locks, and a lost wake-up is a deadlock that shuttle reports.
#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use shuttle::future::block_on;
    use shuttle::sync::Barrier;
    use shuttle::thread;

    use super::*;

    /// Of each kind, for each case.
    const SCHEDULES: usize = 100;

    /// Which job, and which of its outputs.
    type Output = (usize, usize);

    struct Case {
        workers_max: usize,
        lanes_max: usize,
        outputs_max: usize,
        /// How many outputs each job has.
        jobs: &'static [usize],
    }

    const CASES: [Case; 5] = [
        Case {
            workers_max: 1,
            lanes_max: 2,
            outputs_max: 1,
            jobs: &[2, 0, 3, 0, 1, 0, 0, 1],
        },
        Case {
            workers_max: 2,
            lanes_max: 4,
            outputs_max: 1,
            jobs: &[0, 3, 1, 0, 0, 2, 0, 0, 1, 1],
        },
        Case {
            workers_max: 2,
            lanes_max: 2,
            outputs_max: 2,
            jobs: &[3, 0, 3, 0],
        },
        Case {
            workers_max: 3,
            lanes_max: 6,
            outputs_max: 1,
            jobs: &[1, 1, 2, 0, 0, 0, 1, 2],
        },
        Case {
            workers_max: 3,
            lanes_max: 12,
            outputs_max: 2,
            jobs: &[0; 9],
        },
    ];

    impl Case {
        fn outputs(&self) -> Vec<Output> {
            let jobs = self.jobs.iter().enumerate();
            jobs.flat_map(|(job, &count)| (0..count).map(move |n| (job, n)))
                .collect()
        }

        fn jobs(&self) -> Vec<Job<Output>> {
            let job = |(job, &count): (usize, &usize)| {
                Box::new(move |outlet: &mut Outlet<Output>| {
                    let _ = (0..count).try_for_each(|n| outlet.send((job, n)));
                }) as Job<Output>
            };
            self.jobs.iter().enumerate().map(job).collect()
        }

        fn lanes(&self) -> Arc<Lanes<Output>> {
            let lanes = Lanes::new(self.workers_max, self.lanes_max, self.outputs_max);
            Arc::new(lanes)
        }
    }

    /// What `Driver` does, on a thread; or what becomes of it when it is aborted, as soon as the
    /// lanes are closed.
    fn drive(lanes: &Arc<Lanes<Output>>, jobs: Vec<Job<Output>>) {
        let mut workers = Vec::new();
        let (alive, _all_alive) = mpsc::channel(1);
        let mut fed = true;
        for job in jobs {
            fed = block_on(poll_fn(|cx| lanes.poll_room(cx))).is_ok();
            if lanes.admit(job) {
                let worker = Worker {
                    lanes: Arc::clone(lanes),
                    _alive: alive.clone(),
                };
                workers.push(thread::spawn(move || worker.run()));
            }
        }
        if fed {
            lanes.end();
            block_on(poll_fn(|cx| lanes.poll_finished(cx)));
        }
        lanes.abandon();
        for worker in workers {
            worker.join().unwrap();
        }
    }

    /// Takes up to `count` outputs.
    fn take(lanes: &Lanes<Output>, count: usize) -> Vec<Output> {
        let (mut taken, mut outputs) = (Vec::new(), VecDeque::new());
        while taken.len() < count {
            match block_on(poll_fn(|cx| lanes.poll_outputs(cx, &mut outputs))) {
                Ok(true) => taken.extend(outputs.drain(..)),
                Ok(false) => break,
                Err(_) => unreachable!("nobody else closes the lanes"),
            }
        }
        taken.truncate(count);
        taken
    }

    /// Runs a case under many schedules: the consumer takes `count` outputs, closes, and all
    /// threads end.
    fn explore(case: &'static Case, count: usize) {
        let run = move || {
            let lanes = case.lanes();
            let driver = {
                let lanes = Arc::clone(&lanes);
                thread::spawn(move || drive(&lanes, case.jobs()))
            };
            let taken = take(&lanes, count);
            if count < usize::MAX {
                lanes.close();
            }
            driver.join().unwrap();
            let model: Vec<_> = case.outputs().into_iter().take(count).collect();
            assert_eq!(taken, model);
        };
        check(run);
    }

    fn check(run: impl Fn() + Send + Sync + Clone + 'static) {
        shuttle::check_random(run.clone(), SCHEDULES);
        shuttle::check_pct(run, SCHEDULES, 3);
    }

    #[test]
    fn every_schedule_gives_all_outputs_in_order_and_ends() {
        for case in &CASES {
            explore(case, usize::MAX);
        }
    }

    #[test]
    fn closing_in_any_schedule_ends_all_threads() {
        for case in &CASES {
            for count in 0..=case.outputs().len().min(3) {
                explore(case, count);
            }
        }
    }

    /// Each job waits for its neighbour: one worker left asleep is a deadlock.
    #[test]
    fn all_workers_are_woken_when_there_is_work_for_all() {
        check(|| {
            let lanes = Arc::new(Lanes::new(2, 4, 1));
            let pairs = (0..4).map(|_| Arc::new(Barrier::new(2)));
            let jobs = pairs.flat_map(|pair| [Arc::clone(&pair), pair]);
            let jobs = jobs.map(|pair| {
                Box::new(move |_: &mut Outlet<Output>| {
                    pair.wait();
                }) as Job<Output>
            });
            drive(&lanes, jobs.collect());
        });
    }
}
