//! Where a driver, blocking workers and a consumer meet: jobs go in, each with a lane of its own;
//! outputs come out lane by lane, in the order in which the jobs went in.
//!
//! One mutex guards it all, and nobody else's code runs under it: wakers are called, and jobs and
//! outputs are dropped, after it is released.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

#[cfg(test)]
use shuttle::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool};
#[cfg(not(test))]
use std::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool};

use crate::Closed;
use crate::failure::Panic;
use crate::par_flat_map::Outlet;

/// What a worker waits on for room in its lane. No other worker uses it.
pub(crate) type Room = Arc<Condvar>;

/// One upstream item together with the closure that works on it.
pub(crate) type Job<U> = Box<dyn FnOnce(&mut Outlet<U>) + Send>;

pub(crate) struct Lanes<U> {
    state: Mutex<State<U>>,
    /// Idle workers wait here for a job.
    jobs: Condvar,
    /// Repeats `State::closed`, so that a job in full swing can ask without the lock.
    closed: AtomicBool,
    workers_max: usize,
    lanes_max: usize,
    /// The driver is woken when so few lanes are left, for one wake-up costs as much as many jobs.
    lanes_low: usize,
    outputs_max: usize,
}

struct State<U> {
    waiting: VecDeque<(u64, Job<U>)>,
    /// The lanes that the consumer has not drained yet, by rising id.
    lanes: VecDeque<Lane<U>>,
    next_id: u64,
    /// Jobs that wait or run.
    unfinished: usize,
    workers: usize,
    /// Workers without a job, whether asleep, waking up, or not started yet.
    idle: usize,
    asleep: usize,
    /// Whether a worker was woken and is not up yet. It wakes the next one if there is more to do,
    /// so that a burst of short jobs does not wake workers that find nothing.
    waking: bool,
    ended: bool,
    closed: bool,
    panic: Option<Panic>,
    driver: Option<Waker>,
    consumer: Option<Waker>,
}

struct Lane<U> {
    id: u64,
    outputs: VecDeque<U>,
    finished: bool,
    /// Wakes the worker that waits for room in `outputs`.
    blocked: Option<Room>,
}

/// Who has to be told, once the lock is released.
#[derive(Default)]
struct Wakers {
    driver: Option<Waker>,
    consumer: Option<Waker>,
}

impl<U> Lanes<U> {
    /// For at most `workers_max` workers, `lanes_max` lanes, and `outputs_max` outputs a lane.
    pub(crate) fn new(workers_max: usize, lanes_max: usize, outputs_max: usize) -> Self {
        Self {
            state: Mutex::new(State::default()),
            jobs: Condvar::new(),
            closed: AtomicBool::new(false),
            workers_max,
            lanes_max,
            lanes_low: lanes_max - lanes_max.div_ceil(4),
            outputs_max,
        }
    }

    /// The driver's question before it polls the upstream: is there room for one more job?
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<Result<(), Closed>> {
        let mut state = self.lock();
        if state.closed {
            return Poll::Ready(Err(Closed));
        }
        if state.lanes.len() < self.lanes_max {
            return Poll::Ready(Ok(()));
        }
        state.driver = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Takes a job in; true if it needs a worker that does not exist yet.
    pub(crate) fn admit(&self, job: Job<U>) -> bool {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            return false;
        }
        let id = state.next_id;
        state.next_id += 1;
        state.unfinished += 1;
        state.lanes.push_back(Lane::new(id));
        state.waiting.push_back((id, job));
        let needs_worker = state.waiting.len() > state.idle && state.workers < self.workers_max;
        if needs_worker {
            state.workers += 1;
            state.idle += 1;
        }
        let wake = !needs_worker && state.wants_waking();
        drop(state);
        if wake {
            self.jobs.notify_one();
        }
        needs_worker
    }

    /// The upstream has ended: workers go home when no job is left.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        let wakers = state.wakers(self.lanes_low);
        drop(state);
        self.jobs.notify_all();
        wakers.wake();
    }

    /// After the end: are all jobs finished? Then nobody needs the driver any more.
    pub(crate) fn poll_finished(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.closed || state.unfinished == 0 {
            return Poll::Ready(());
        }
        state.driver = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Closes, and keeps what the first panic carried for the consumer.
    pub(crate) fn fail(&self, panic: Panic) {
        let mut state = self.lock();
        if !state.closed {
            state.panic = Some(panic);
        }
        drop(state);
        self.close();
    }

    /// Closes, unless the upstream has ended and all jobs are finished.
    pub(crate) fn abandon(&self) {
        let state = self.lock();
        let finished = state.ended && state.unfinished == 0;
        drop(state);
        if !finished {
            self.close();
        }
    }

    /// Drops all that is queued, wakes all who wait, and tells jobs at work that nobody listens.
    /// The consumer is woken too, for it may not be the one who closes.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let mut state = self.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        let lanes = std::mem::take(&mut state.lanes);
        let wakers = Wakers {
            driver: state.driver.take(),
            consumer: state.consumer.take(),
        };
        drop(state);
        self.jobs.notify_all();
        for room in lanes.iter().filter_map(|lane| lane.blocked.as_ref()) {
            room.notify_one();
        }
        wakers.wake();
        drop((waiting, lanes));
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// A worker's next job, after it has `finished` the one before. `None` sends it home.
    pub(crate) fn next_job(&self, finished: Option<u64>) -> Option<(u64, Job<U>)> {
        if let Some(id) = finished {
            let mut state = self.lock();
            state.idle += 1;
            state.finish(id);
            let job = state.take_job();
            let wakers = state.wakers(self.lanes_low);
            drop(state);
            wakers.wake();
            if job.is_some() {
                return job;
            }
        }
        self.wait_for_job()
    }

    fn wait_for_job(&self) -> Option<(u64, Job<U>)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let job = state.take_job();
            if job.is_some() || state.ended {
                let wake = state.wants_waking();
                drop(state);
                if wake {
                    self.jobs.notify_one();
                }
                return job;
            }
            state.asleep += 1;
            state = wait(&self.jobs, state);
            state.asleep -= 1;
            state.waking = false;
        }
    }

    /// Puts an output into lane `id`, and waits until there is `room`.
    pub(crate) fn send(&self, id: u64, output: U, room: &Room) -> Result<(), Closed> {
        let mut state = self.lock();
        loop {
            // Only closing takes an unfinished lane away.
            let Some(lane) = state.lane_mut(id) else {
                drop(state);
                return Err(Closed);
            };
            if lane.outputs.len() < self.outputs_max {
                lane.outputs.push_back(output);
                break;
            }
            lane.blocked = Some(Arc::clone(room));
            state = wait(room, state);
        }
        let wakers = state.wakers(self.lanes_low);
        drop(state);
        wakers.wake();
        Ok(())
    }

    /// Moves all outputs that the first lane holds into `outputs`, which must be empty; `Ok(false)`
    /// at the end. Fails with the panic that closed the lanes, or with `None` if they were closed
    /// without one.
    pub(crate) fn poll_outputs(
        &self,
        cx: &Context<'_>,
        outputs: &mut VecDeque<U>,
    ) -> Poll<Result<bool, Option<Panic>>> {
        let mut state = self.lock();
        if state.closed {
            return Poll::Ready(Err(state.panic.take()));
        }
        if state.has_news() {
            let Some(lane) = state.lanes.front_mut() else {
                return Poll::Ready(Ok(false));
            };
            std::mem::swap(&mut lane.outputs, outputs);
            let blocked = lane.blocked.take();
            if lane.finished {
                state.lanes.pop_front();
            }
            let wakers = state.wakers(self.lanes_low);
            drop(state);
            if let Some(room) = blocked {
                room.notify_one();
            }
            wakers.wake();
            return Poll::Ready(Ok(true));
        }
        state.consumer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State<U>> {
        // No foreign code runs under the lock, so a poisoned state is still a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

impl<U> Default for State<U> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            lanes: VecDeque::new(),
            next_id: 0,
            unfinished: 0,
            workers: 0,
            idle: 0,
            asleep: 0,
            waking: false,
            ended: false,
            closed: false,
            panic: None,
            driver: None,
            consumer: None,
        }
    }
}

impl<U> State<U> {
    fn take_job(&mut self) -> Option<(u64, Job<U>)> {
        let job = self.waiting.pop_front();
        self.idle -= usize::from(job.is_some());
        job
    }

    /// Whether to wake a worker now; if so, one is taken to be on its way.
    fn wants_waking(&mut self) -> bool {
        let wants = !self.waiting.is_empty() && self.asleep > 0 && !self.waking;
        self.waking |= wants;
        wants
    }

    /// A lane that ends empty goes at once, so that jobs without outputs wait for nobody before
    /// them.
    fn finish(&mut self, id: u64) {
        self.unfinished -= 1;
        let Some(index) = self.index(id) else { return };
        if self.lanes[index].outputs.is_empty() {
            self.lanes.remove(index);
        } else {
            self.lanes[index].finished = true;
        }
    }

    /// Whether the consumer would get an answer now: outputs, or the end.
    fn has_news(&self) -> bool {
        match self.lanes.front() {
            Some(lane) => !lane.outputs.is_empty(),
            None => self.ended,
        }
    }

    fn wakers(&mut self, lanes_low: usize) -> Wakers {
        let driver = if self.ended {
            self.unfinished == 0
        } else {
            self.lanes.len() <= lanes_low
        };
        let consumer = self.has_news();
        Wakers {
            driver: self.driver.take_if(|_| driver),
            consumer: self.consumer.take_if(|_| consumer),
        }
    }

    fn lane_mut(&mut self, id: u64) -> Option<&mut Lane<U>> {
        let index = self.index(id)?;
        self.lanes.get_mut(index)
    }

    fn index(&self, id: u64) -> Option<usize> {
        self.lanes.binary_search_by_key(&id, |lane| lane.id).ok()
    }
}

impl<U> Lane<U> {
    fn new(id: u64) -> Self {
        Self {
            id,
            outputs: VecDeque::new(),
            finished: false,
            blocked: None,
        }
    }
}

impl Wakers {
    fn wake(self) {
        for waker in [self.driver, self.consumer].into_iter().flatten() {
            waker.wake();
        }
    }
}
