//! `buffer`: the upstream runs in a task of its own, and what its consumer has no time for waits or
//! is dropped.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker, ready};

#[cfg(test)]
use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(test))]
use std::sync::{Mutex, MutexGuard};

use futures::StreamExt;
use futures::stream::{BoxStream, FusedStream};
use futures_core::Stream;
use tokio::task::{JoinError, JoinHandle, coop};

use crate::failure::resume_task;

/// What [`buffer`](crate::FlowExt::buffer) does with an item that comes while it is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Nothing is lost: the upstream waits. As [`prefetch`](crate::FlowExt::prefetch) does.
    Wait,
    /// The item that has waited for longest is dropped.
    DropOldest,
    /// The item that has come is dropped.
    DropNewest,
    /// The item that has come is dropped, and nothing more is taken: when those that wait have been
    /// given, the stream ends, and [`BufferStats::overflowed`] is true.
    Fail,
}

/// What has gone through a [`Buffer`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BufferStats {
    /// The items that came.
    pub received: u64,
    /// Those of them that were dropped for want of room.
    pub dropped: u64,
    /// The items that wait now.
    pub waiting: usize,
    /// The largest number of items that waited.
    pub waiting_max: usize,
    /// It ended because it was full ([`Overflow::Fail`]).
    pub overflowed: bool,
}

/// The stream that [`buffer`](crate::FlowExt::buffer) returns.
///
/// Dropping it aborts the task that polls the upstream, and drops the items that wait.
#[must_use = "streams do nothing unless polled"]
pub struct Buffer<T> {
    queue: Arc<Queue<T>>,
    stage: Stage<T>,
}

enum Stage<T> {
    Lazy(BoxStream<'static, T>),
    Running(Pump),
    Done,
}

/// The task that fills the queue. Dropping it aborts the task.
struct Pump {
    task: JoinHandle<()>,
    /// What it came to, once it has ended; items may still wait then.
    ended: Option<Result<(), JoinError>>,
}

struct Queue<T> {
    items_max: usize,
    overflow: Overflow,
    state: Mutex<State<T>>,
}

struct State<T> {
    items: VecDeque<T>,
    stats: BufferStats,
    /// The consumer, while nothing waits.
    consumer: Option<Waker>,
    /// The pump, while there is no room.
    pump: Option<Waker>,
}

impl<T: Send + 'static> Buffer<T> {
    pub(crate) fn new<S>(upstream: S, items_max: usize, overflow: Overflow) -> Self
    where
        S: Stream<Item = T> + Send + 'static,
    {
        Self {
            queue: Arc::new(Queue::new(items_max, overflow)),
            stage: Stage::Lazy(upstream.boxed()),
        }
    }

    /// Stops the task, as dropping does, and waits until it has ended and the upstream is dropped.
    /// Items that have not been taken are lost.
    ///
    /// Dropping the returned future ends only the waiting.
    pub async fn shutdown(self) {
        drop(self.stop().await);
    }

    /// As `shutdown`, but gives the items that were waiting.
    pub(crate) async fn stop(mut self) -> VecDeque<T> {
        if let Stage::Running(pump) = &mut self.stage {
            pump.task.abort();
            if pump.ended.is_none() {
                // That it was aborted is no news, and nobody is left to tell of a panic.
                pump.ended = Some((&mut pump.task).await);
            }
        }
        self.queue.take()
    }
}

impl<T> Buffer<T> {
    /// What has gone through.
    pub fn stats(&self) -> BufferStats {
        self.queue.lock().stats()
    }
}

impl<T> Queue<T> {
    fn new(items_max: usize, overflow: Overflow) -> Self {
        Self {
            items_max: items_max.max(1),
            overflow,
            state: Mutex::new(State {
                items: VecDeque::new(),
                stats: BufferStats::default(),
                consumer: None,
                pump: None,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics under the lock that would leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before the upstream is polled: an item that was pulled must never wait for room.
    fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if self.overflow != Overflow::Wait || state.items.len() < self.items_max {
            return Poll::Ready(());
        }
        let replaced = state.pump.replace(cx.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// Puts in an item, or drops one. Whether more are wanted.
    fn push(&self, item: T) -> bool {
        let mut state = self.lock();
        state.stats.received += 1;
        let mut dropped = None;
        let mut wanted = true;
        if state.items.len() < self.items_max {
            state.items.push_back(item);
        } else {
            state.stats.dropped += 1;
            wanted = self.overflow != Overflow::Fail;
            state.stats.overflowed = !wanted;
            dropped = Some(match self.overflow {
                Overflow::DropOldest => {
                    state.items.push_back(item);
                    state.items.pop_front()
                }
                Overflow::Wait | Overflow::DropNewest | Overflow::Fail => Some(item),
            });
        }
        state.stats.waiting_max = state.stats.waiting_max.max(state.items.len());
        let consumer = state.consumer.take();
        drop(state);
        // What is dropped may do anything, and so may a waker: not under the lock.
        drop(dropped);
        if let Some(consumer) = consumer {
            consumer.wake();
        }
        wanted
    }

    fn take(&self) -> VecDeque<T> {
        std::mem::take(&mut self.lock().items)
    }

    fn poll_pop(&self, cx: &Context<'_>) -> Poll<T> {
        let mut state = self.lock();
        let Some(item) = state.items.pop_front() else {
            let replaced = state.consumer.replace(cx.waker().clone());
            drop(state);
            drop(replaced);
            return Poll::Pending;
        };
        let pump = state.pump.take();
        drop(state);
        if let Some(pump) = pump {
            pump.wake();
        }
        Poll::Ready(item)
    }
}

impl<T> State<T> {
    fn stats(&self) -> BufferStats {
        BufferStats {
            waiting: self.items.len(),
            ..self.stats
        }
    }
}

impl Pump {
    fn start<T: Send + 'static>(upstream: BoxStream<'static, T>, queue: Arc<Queue<T>>) -> Self {
        Self {
            task: tokio::spawn(pump(upstream, queue)),
            ended: None,
        }
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ended.is_none() {
            self.ended = Some(ready!(Pin::new(&mut self.task).poll(cx)));
        }
        Poll::Ready(())
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        // The task that is aborted lets go of the queue a little later.
        drop(self.queue.take());
    }
}

async fn pump<T>(mut upstream: BoxStream<'static, T>, queue: Arc<Queue<T>>) {
    loop {
        std::future::poll_fn(|cx| queue.poll_room(cx)).await;
        let Some(item) = upstream.next().await else {
            return;
        };
        if !queue.push(item) {
            return;
        }
        // An upstream that is always ready must not keep its consumer from running.
        coop::consume_budget().await;
    }
}

/// Nothing is pinned in place: the upstream is boxed.
impl<T> Unpin for Buffer<T> {}

impl<T: Send + 'static> Stream for Buffer<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        // Done while it is polled, so that it stays done if a panic goes through.
        let mut pump = match std::mem::replace(&mut this.stage, Stage::Done) {
            Stage::Lazy(upstream) => Pump::start(upstream, Arc::clone(&this.queue)),
            Stage::Running(pump) => pump,
            Stage::Done => return Poll::Ready(None),
        };
        let item = this.poll_item(&mut pump, cx);
        if !matches!(item, Poll::Ready(None)) {
            this.stage = Stage::Running(pump);
        }
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.stage {
            Stage::Lazy(upstream) if self.queue.overflow == Overflow::Wait => upstream.size_hint(),
            Stage::Lazy(upstream) => (0, upstream.size_hint().1),
            // Whatever is dropped, as many others wait.
            Stage::Running(_) => (self.stats().waiting, None),
            Stage::Done => (0, Some(0)),
        }
    }
}

impl<T: Send + 'static> Buffer<T> {
    fn poll_item(&self, pump: &mut Pump, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let budget = ready!(coop::poll_proceed(cx));
        let mut item = self.queue.poll_pop(cx);
        if item.is_pending() {
            ready!(pump.poll_ended(cx));
            // What the pump put in last came before its end.
            item = self.queue.poll_pop(cx);
            if item.is_pending() {
                if let Some(Err(error)) = pump.ended.take() {
                    resume_task(error);
                }
                return Poll::Ready(None);
            }
        }
        budget.made_progress();
        item.map(Some)
    }
}

impl<T: Send + 'static> FusedStream for Buffer<T> {
    fn is_terminated(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }
}

impl<T> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("items_max", &self.queue.items_max)
            .field("overflow", &self.queue.overflow)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Explores the interleavings of pump and consumer: in tests, the queue is built on shuttle's
/// locks, and a lost wake-up is a deadlock that shuttle reports.
#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures::stream;
    use shuttle::future::block_on;
    use shuttle::thread;

    use super::*;

    /// Of each kind, for each case.
    const SCHEDULES: usize = 200;

    const ITEMS: usize = 4;

    /// Whether the queue, while `ITEMS` go through it, gives what `overflow` allows for.
    fn explore(items_max: usize, overflow: Overflow) {
        let run = move || {
            let queue = Arc::new(Queue::new(items_max, overflow));
            let for_pump = Arc::clone(&queue);
            let upstream = stream::iter(0..ITEMS).boxed();
            let pump = thread::spawn(move || block_on(pump(upstream, for_pump)));
            let mut taken = vec![];
            // The last item always comes; with it nothing is left to wait for.
            while taken.last() != Some(&(ITEMS - 1)) {
                taken.push(block_on(poll_fn(|cx| queue.poll_pop(cx))));
                assert!(queue.lock().items.len() <= items_max);
            }
            pump.join().unwrap();
            let stats = queue.lock().stats();
            assert!(taken.is_sorted());
            assert_eq!(stats.received, ITEMS as u64);
            assert_eq!(stats.dropped, (ITEMS - taken.len()) as u64);
            assert!(stats.waiting_max <= items_max);
            if overflow == Overflow::Wait {
                assert_eq!(stats.dropped, 0);
            }
        };
        shuttle::check_random(run, SCHEDULES);
        shuttle::check_pct(run, SCHEDULES, 3);
    }

    #[test]
    fn in_every_schedule_pump_and_consumer_wake_each_other() {
        for items_max in [1, 2] {
            explore(items_max, Overflow::Wait);
            explore(items_max, Overflow::DropOldest);
        }
    }
}
