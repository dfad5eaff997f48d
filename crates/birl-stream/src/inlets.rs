//! Where tasks that poll one upstream each meet a single consumer: every upstream has an inlet of
//! its own, and the consumer looks only into those that have something new.
//!
//! The items of an inlet change hands all at once, so that an item costs a fraction of a lock and of
//! a wake-up. Of other people's code only the cloning of wakers runs under a lock: they are called,
//! and dropped, after it is released.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

#[cfg(test)]
use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(test))]
use std::sync::{Mutex, MutexGuard};

use crate::failure::End;

/// The inlets that the consumer has to look into. Each has a number.
#[derive(Default)]
pub(crate) struct News(Mutex<Numbers>);

#[derive(Default)]
struct Numbers {
    numbers: Vec<usize>,
    consumer: Option<Waker>,
}

/// The way of one upstream's items to the consumer.
pub(crate) struct Inlet<T> {
    number: usize,
    items_max: usize,
    state: Mutex<State<T>>,
    news: Arc<News>,
}

struct State<T> {
    items: VecDeque<T>,
    end: Option<End>,
    /// The consumer found nothing here, and wants to be told when there is something.
    is_awaited: bool,
    /// The upstream, while there is no room.
    upstream: Option<Waker>,
}

/// What the consumer finds in an inlet.
#[derive(Debug)]
pub(crate) enum Found {
    Items,
    /// Nothing yet: there will be news of this inlet.
    Nothing,
    End(End),
}

impl News {
    /// Moves the numbers of the inlets with news into `numbers`, which must be empty.
    pub(crate) fn poll_numbers(&self, cx: &Context<'_>, numbers: &mut Vec<usize>) -> Poll<()> {
        let mut news = self.lock();
        if news.numbers.is_empty() {
            let replaced = news.consumer.replace(cx.waker().clone());
            drop(news);
            drop(replaced);
            return Poll::Pending;
        }
        mem::swap(&mut news.numbers, numbers);
        Poll::Ready(())
    }

    fn add(&self, number: usize) {
        let mut news = self.lock();
        news.numbers.push(number);
        let consumer = news.consumer.take();
        drop(news);
        if let Some(consumer) = consumer {
            consumer.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Inlet<T> {
    /// Holds at most `items_max` items. There will be news of it: it begins as one that is awaited.
    pub(crate) fn new(number: usize, items_max: usize, news: Arc<News>) -> Self {
        Self {
            number,
            items_max,
            state: Mutex::new(State {
                items: VecDeque::new(),
                end: None,
                is_awaited: true,
                upstream: None,
            }),
            news,
        }
    }

    /// The upstream's question before it is polled: an item that was pulled never waits for room.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.items.len() < self.items_max {
            return Poll::Ready(());
        }
        let replaced = state.upstream.replace(cx.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    pub(crate) fn push(&self, item: T) {
        self.change(|state| state.items.push_back(item));
    }

    /// Nothing will follow the items that are there.
    pub(crate) fn end(&self, end: End) {
        self.change(|state| state.end = Some(end));
    }

    /// Moves all items into `items`, which must be empty. The end is found once, after them.
    pub(crate) fn take(&self, items: &mut VecDeque<T>) -> Found {
        let mut state = self.lock();
        if !state.items.is_empty() {
            mem::swap(&mut state.items, items);
            let upstream = state.upstream.take();
            drop(state);
            if let Some(upstream) = upstream {
                upstream.wake();
            }
            return Found::Items;
        }
        if let Some(end) = state.end.take() {
            return Found::End(end);
        }
        state.is_awaited = true;
        Found::Nothing
    }

    fn change(&self, change: impl FnOnce(&mut State<T>)) {
        let mut state = self.lock();
        change(&mut state);
        let was_awaited = mem::take(&mut state.is_awaited);
        drop(state);
        if was_awaited {
            self.news.add(self.number);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Explores the interleavings of upstreams and consumer: in tests, the inlets are built on shuttle's
/// locks, and a lost wake-up is a deadlock that shuttle reports.
#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use shuttle::future::block_on;
    use shuttle::thread;

    use super::*;

    /// Of each kind, for each case.
    const SCHEDULES: usize = 200;

    /// How many items each upstream has.
    const CASES: [&[usize]; 4] = [&[3], &[2, 2], &[4, 0], &[1, 3, 1]];

    /// What a task does, on a thread.
    fn feed(inlet: &Inlet<usize>, count: usize) {
        for item in 0..count {
            block_on(poll_fn(|cx| inlet.poll_room(cx)));
            inlet.push(item);
            assert!(inlet.lock().items.len() <= inlet.items_max);
        }
        inlet.end(Ok(()));
    }

    /// Takes all items of all inlets, and looks only into those with news.
    fn take_all(news: &News, inlets: &[Arc<Inlet<usize>>]) -> Vec<Vec<usize>> {
        let mut taken = vec![vec![]; inlets.len()];
        let (mut numbers, mut items, mut ended) = (vec![], VecDeque::new(), 0);
        while ended < inlets.len() {
            block_on(poll_fn(|cx| news.poll_numbers(cx, &mut numbers)));
            for number in numbers.drain(..) {
                loop {
                    match inlets[number].take(&mut items) {
                        Found::Items => taken[number].extend(items.drain(..)),
                        Found::Nothing => break,
                        Found::End(end) => {
                            end.expect("nobody fails");
                            ended += 1;
                            break;
                        }
                    }
                }
            }
        }
        taken
    }

    fn explore(counts: &'static [usize], items_max: usize) {
        let run = move || {
            let news = Arc::new(News::default());
            let inlets: Vec<_> = (0..counts.len())
                .map(|number| Arc::new(Inlet::new(number, items_max, Arc::clone(&news))))
                .collect();
            let mut feeders = vec![];
            for (inlet, &count) in inlets.iter().zip(counts) {
                let inlet = Arc::clone(inlet);
                feeders.push(thread::spawn(move || feed(&inlet, count)));
            }
            let model: Vec<Vec<_>> = counts.iter().map(|&count| (0..count).collect()).collect();
            assert_eq!(take_all(&news, &inlets), model);
            for feeder in feeders {
                feeder.join().unwrap();
            }
        };
        shuttle::check_random(run, SCHEDULES);
        shuttle::check_pct(run, SCHEDULES, 3);
    }

    #[test]
    fn in_every_schedule_news_tells_of_all_items_and_ends() {
        for counts in CASES {
            for items_max in [1, 2] {
                explore(counts, items_max);
            }
        }
    }
}
