//! Where one upstream and several consumers meet: items go in, and each consumer takes them all, at
//! its own pace.
//!
//! One mutex guards it all. Of other people's code only the cloning of items and wakers runs under
//! it: wakers are called, and both are dropped, after it is released.

use std::collections::VecDeque;
use std::iter;
use std::mem;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

#[cfg(test)]
use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(test))]
use std::sync::{Mutex, MutexGuard};

use crate::failure::{End, Panic};

pub(crate) struct Hub<T> {
    capacity: usize,
    /// Whether the upstream waits for the slowest consumer. Else that one loses items.
    waits: bool,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// The items that some consumer has not taken yet. Whoever has to take one has to take all that
    /// follow it, so the counts never fall from slot to slot.
    slots: VecDeque<Slot<T>>,
    /// How many items came before the first slot.
    first: u64,
    /// One for each consumer, with its waker if it waits.
    seats: Vec<Option<Waker>>,
    /// The seats that nobody has.
    free: Vec<usize>,
    /// The upstream, while there is no room.
    upstream: Option<Waker>,
    end: Option<End>,
}

struct Slot<T> {
    item: T,
    /// How many consumers have to take it. Never 0 outside of the lock.
    takers: usize,
}

/// One of those who take items. Dropping it gives up its seat.
pub(crate) struct Consumer<T> {
    hub: Arc<Hub<T>>,
    seat: usize,
    /// How many items have gone by, counted from the very first.
    next: u64,
}

/// What there is for a consumer.
#[derive(Debug)]
pub(crate) enum Taken<T> {
    Item(T),
    /// So many items were dropped before it came.
    Lagged(u64),
    End,
    Failed(Option<Panic>),
}

impl<T> Hub<T> {
    /// The upstream's question before it is polled: an item that was pulled never waits for room.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if !self.waits || state.slots.len() < self.capacity {
            return Poll::Ready(());
        }
        let replaced = state.upstream.replace(cx.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// Takes an item in, if need be in place of the oldest; false if nobody is left to take it.
    pub(crate) fn push(&self, item: T) -> bool {
        let mut state = self.lock();
        let takers = state.seats.len() - state.free.len();
        if takers == 0 {
            drop(state);
            return false;
        }
        let dropped = (state.slots.len() >= self.capacity).then(|| state.pop());
        state.slots.push_back(Slot { item, takers });
        let wakers = state.take_wakers();
        drop(state);
        drop(dropped);
        wakers.into_iter().for_each(Waker::wake);
        true
    }

    /// Nothing will follow the items that are there.
    pub(crate) fn end(&self, end: End) {
        let mut state = self.lock();
        state.end = Some(end);
        let wakers = state.take_wakers();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // An item is cloned before anything is changed, so a poisoned state is still a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self {
            slots: VecDeque::new(),
            first: 0,
            seats: Vec::new(),
            free: Vec::new(),
            upstream: None,
            end: None,
        }
    }
}

impl<T> State<T> {
    fn pop(&mut self) -> Option<T> {
        let slot = self.slots.pop_front()?;
        self.first += 1;
        Some(slot.item)
    }

    /// The item in a slot, for one of its takers.
    fn take(&mut self, index: usize) -> Option<T>
    where
        T: Clone,
    {
        let slot = self.slots.get_mut(index)?;
        if slot.takers == 1 {
            // Nobody has to take those before it: there are none.
            return self.pop();
        }
        let item = slot.item.clone();
        slot.takers -= 1;
        Some(item)
    }

    /// The slot with what comes next for somebody who has not lagged.
    fn index(&self, next: u64) -> usize {
        usize::try_from(next - self.first).expect("it is at most the number of slots")
    }

    fn take_wakers(&mut self) -> Vec<Waker> {
        self.seats.iter_mut().filter_map(Option::take).collect()
    }

    fn take_upstream(&mut self, capacity: usize) -> Option<Waker> {
        let has_room = self.slots.len() < capacity;
        self.upstream.take_if(|_| has_room)
    }
}

impl<T> Consumer<T> {
    /// The first consumer of a new hub that holds at most `capacity` items; others are its clones.
    pub(crate) fn first(capacity: usize, waits: bool) -> Self {
        Self::join(Arc::new(Hub {
            capacity: capacity.max(1),
            waits,
            state: Mutex::new(State::default()),
        }))
    }

    fn join(hub: Arc<Hub<T>>) -> Self {
        let mut state = hub.lock();
        let next = state.first + state.slots.len() as u64;
        let seat = state.free.pop().unwrap_or_else(|| {
            state.seats.push(None);
            state.seats.len() - 1
        });
        drop(state);
        Self { hub, seat, next }
    }

    pub(crate) fn hub(&self) -> &Arc<Hub<T>> {
        &self.hub
    }

    /// How many items are there for this consumer, and whether those are all.
    pub(crate) fn waiting(&self) -> (usize, bool) {
        let state = self.hub.lock();
        let index = state.index(self.next.max(state.first));
        let lagged = usize::from(self.next < state.first);
        (state.slots.len() - index + lagged, state.end.is_some())
    }

    pub(crate) fn poll_take(&mut self, cx: &Context<'_>) -> Poll<Taken<T>>
    where
        T: Clone,
    {
        let mut state = self.hub.lock();
        if self.next < state.first {
            let lost = state.first - self.next;
            self.next = state.first;
            return Poll::Ready(Taken::Lagged(lost));
        }
        let index = state.index(self.next);
        if let Some(item) = state.take(index) {
            self.next += 1;
            let upstream = state.take_upstream(self.hub.capacity);
            drop(state);
            if let Some(upstream) = upstream {
                upstream.wake();
            }
            return Poll::Ready(Taken::Item(item));
        }
        match &mut state.end {
            Some(Ok(())) => return Poll::Ready(Taken::End),
            Some(Err(panic)) => return Poll::Ready(Taken::Failed(panic.as_mut().map(copy))),
            None => {}
        }
        let replaced = state.seats[self.seat].replace(cx.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

/// What one of several consumers gets of a panic. Texts are copied; what else it may carry goes to
/// the one who comes first.
fn copy(panic: &mut Panic) -> Panic {
    if let Some(text) = panic.downcast_ref::<&'static str>() {
        return Box::new(*text);
    }
    if let Some(text) = panic.downcast_ref::<String>() {
        return Box::new(text.clone());
    }
    mem::replace(
        panic,
        Box::new("the upstream of this shared stream panicked"),
    )
}

/// One who starts at the next item that comes.
impl<T> Clone for Consumer<T> {
    fn clone(&self) -> Self {
        Self::join(Arc::clone(&self.hub))
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        let waker = state.seats[self.seat].take();
        state.free.push(self.seat);
        let index = state.index(self.next.max(state.first));
        for slot in state.slots.iter_mut().skip(index) {
            slot.takers -= 1;
        }
        let untaken = iter::from_fn(|| state.slots.pop_front_if(|slot| slot.takers == 0));
        let untaken: Vec<_> = untaken.collect();
        state.first += untaken.len() as u64;
        let upstream = state.take_upstream(self.hub.capacity);
        drop(state);
        drop((waker, untaken));
        if let Some(upstream) = upstream {
            upstream.wake();
        }
    }
}

/// Explores the interleavings of upstream and consumers: in tests, the hub is built on shuttle's
/// locks, and a lost wake-up is a deadlock that shuttle reports.
#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::ops::Range;

    use shuttle::future::block_on;
    use shuttle::thread;

    use super::*;

    /// Of each kind, for each case.
    const SCHEDULES: usize = 100;

    const ITEMS: usize = 5;

    /// How many items each of the consumers takes after its first, and before it leaves.
    const CASES: [&[usize]; 4] = [&[9], &[9, 9], &[9, 1], &[2, 0, 1]];

    /// What the task does, on a thread; if all consumers have left, it stops where a task would be
    /// aborted.
    fn feed(hub: &Hub<usize>) {
        for item in 0..ITEMS {
            block_on(poll_fn(|cx| hub.poll_room(cx)));
            let state = hub.lock();
            assert!(!hub.waits || state.slots.len() < hub.capacity);
            drop(state);
            if !hub.push(item) {
                return;
            }
        }
        hub.end(Ok(()));
    }

    /// Takes up to `count` items; gives the numbers of those that it took or lost, if it took any.
    fn take(consumer: &mut Consumer<usize>, count: usize) -> Option<Range<usize>> {
        let mut seen: Option<Range<usize>> = None;
        let (mut taken, mut lost) = (0, 0);
        while taken < count {
            match block_on(poll_fn(|cx| consumer.poll_take(cx))) {
                Taken::Item(item) => {
                    let seen = seen.get_or_insert(item - lost..item - lost);
                    assert_eq!(item, seen.end + lost, "in order, and none twice");
                    seen.end = item + 1;
                    taken += 1;
                    lost = 0;
                }
                Taken::Lagged(items) => {
                    assert!(!consumer.hub.waits);
                    lost += items as usize;
                }
                Taken::End => break,
                Taken::Failed(_) => unreachable!("nobody fails"),
            }
        }
        seen
    }

    /// Takes an item, makes another consumer, which takes all that follow, and takes up to `count`
    /// more.
    fn take_and_clone(mut consumer: Consumer<usize>, count: usize) {
        let first = take(&mut consumer, 1).expect("an item for those who were there before it");
        assert_eq!(first.start, 0);
        let mut other = consumer.clone();
        let other = thread::spawn(move || take(&mut other, usize::MAX));
        let rest = take(&mut consumer, count).unwrap_or(first.end..first.end);
        drop(consumer);
        assert_eq!(rest.start, first.end);
        assert!(rest.end == ITEMS || count < ITEMS);
        if let Some(rest) = other.join().unwrap() {
            assert!(rest.start >= first.end);
            assert_eq!(rest.end, ITEMS);
        }
    }

    fn explore(takes: &'static [usize], capacity: usize, waits: bool) {
        let run = move || {
            let first = Consumer::first(capacity, waits);
            let hub = Arc::clone(first.hub());
            let mut consumers: Vec<_> = takes[1..].iter().map(|_| first.clone()).collect();
            consumers.push(first);
            let mut threads: Vec<_> = iter::zip(consumers, takes)
                .map(|(consumer, &count)| thread::spawn(move || take_and_clone(consumer, count)))
                .collect();
            threads.push(thread::spawn({
                let hub = Arc::clone(&hub);
                move || feed(&hub)
            }));
            for thread in threads {
                thread.join().unwrap();
            }
            let left = hub.lock().slots.len();
            assert_eq!(left, 0, "nobody is there to take anything");
        };
        shuttle::check_random(run, SCHEDULES);
        shuttle::check_pct(run, SCHEDULES, 3);
    }

    #[test]
    fn in_every_schedule_each_consumer_sees_all_and_the_upstream_ends() {
        for takes in CASES {
            for capacity in [1, 2] {
                for waits in [true, false] {
                    explore(takes, capacity, waits);
                }
            }
        }
    }
}
