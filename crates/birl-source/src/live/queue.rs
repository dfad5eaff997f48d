//! Events that wait to be taken, up to a number of bytes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use super::options::{Options, Overflow};
use crate::follow::Event;

/// An event counts as so many bytes besides those that it holds.
const EVENT_BYTES: usize = 128;

/// A queue with many producers, who wait in turn where it is full, and one consumer.
#[derive(Debug)]
pub(super) struct Queue {
    bytes_max: usize,
    overflow: Overflow,
    state: Mutex<State>,
    /// One producer may look again whether there is room.
    room: Notify,
    /// Producers pass one after the other, so that none overtakes those who wait longer.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Waiting>,
    bytes: usize,
    /// How many records have been dropped, and that has not been told.
    dropped: u64,
    consumer: Option<Waker>,
    is_over: bool,
}

#[derive(Debug)]
struct Waiting {
    event: Event,
    /// It is data that may be dropped.
    is_data: bool,
}

/// What a consumer is given first of all.
pub(super) struct Dropped(pub(super) u64);

impl Queue {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            bytes_max: options.queue_bytes_max,
            overflow: options.overflow,
            state: Mutex::default(),
            room: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// Waits until there is room for something, however long it is. Dropping the future gives the
    /// place in the row away.
    pub(super) async fn ready(&self) {
        if self.overflow == Overflow::DropOldest {
            return;
        }
        let _turn = self.turn.lock().await;
        loop {
            let room = self.room.notified();
            if self.lock().bytes < self.bytes_max {
                return;
            }
            room.await;
        }
    }

    /// Puts what must not be dropped behind all others, without waiting.
    pub(super) fn put(&self, event: Event) {
        self.push(Waiting {
            event,
            is_data: false,
        });
    }

    /// Puts whole records behind all others, without waiting: for whoever has
    /// [waited](Self::ready).
    pub(super) fn put_data(&self, event: Event) {
        self.push(Waiting {
            event,
            is_data: true,
        });
    }

    fn push(&self, waiting: Waiting) {
        let mut state = self.lock();
        state.bytes += bytes(&waiting.event);
        state.events.push_back(waiting);
        if self.overflow == Overflow::DropOldest {
            state.drop_oldest(self.bytes_max);
        }
        let consumer = state.consumer.take();
        drop(state);
        if let Some(consumer) = consumer {
            consumer.wake();
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.is_over = true;
        if let Some(consumer) = state.consumer.take() {
            consumer.wake();
        }
    }

    /// The next event, or how many records have been dropped before it.
    pub(super) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Dropped>>> {
        let mut state = self.lock();
        if state.dropped > 0 {
            return Poll::Ready(Some(Err(Dropped(std::mem::take(&mut state.dropped)))));
        }
        let Some(Waiting { event, .. }) = state.events.pop_front() else {
            if state.is_over {
                return Poll::Ready(None);
            }
            state.consumer = Some(cx.waker().clone());
            return Poll::Pending;
        };
        state.bytes -= bytes(&event);
        drop(state);
        self.room.notify_one();
        Poll::Ready(Some(Ok(event)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Drops data until no more than `bytes_max` bytes wait, but never the last event.
    fn drop_oldest(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max && self.events.len() > 1 {
            let oldest = self.events.iter().position(|waiting| waiting.is_data);
            let Some(Waiting { event, .. }) = oldest.and_then(|at| self.events.remove(at)) else {
                return;
            };
            self.bytes -= bytes(&event);
            self.dropped += records(&event);
        }
    }
}

fn bytes(event: &Event) -> usize {
    EVENT_BYTES
        + match event {
            Event::Data { bytes, .. } => bytes.len(),
            _ => 0,
        }
}

fn records(event: &Event) -> u64 {
    match event {
        Event::Data { bytes, .. } => memchr::memchr_iter(b'\n', bytes).count() as u64,
        _ => 0,
    }
}
