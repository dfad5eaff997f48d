//! What waits to be taken.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use birl_source::live::{Options, Overflow};

use crate::chat::Event;

/// Events on their way from the session to whoever listens.
#[derive(Debug)]
pub(crate) struct Inbox {
    waiting: Mutex<Waiting>,
    bytes_max: usize,
    overflow: Overflow,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Event>,
    bytes: usize,
    /// So many messages were dropped, and nobody was told.
    dropped: u64,
    is_over: bool,
    /// Waits for room.
    session: Option<Waker>,
}

impl Inbox {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            waiting: Mutex::default(),
            bytes_max: options.queue_bytes_max,
            overflow: options.overflow,
        }
    }

    /// Puts an event in. Where there is too much, and nothing is to wait, the oldest message goes.
    pub(crate) fn put(&self, event: Event) {
        let mut waiting = self.lock();
        waiting.bytes += event.bytes();
        waiting.events.push_back(event);
        while self.overflow == Overflow::DropOldest
            && waiting.bytes > self.bytes_max
            && waiting.events.len() > 1
        {
            let Some(dropped) = waiting.events.pop_front() else {
                break;
            };
            waiting.bytes -= dropped.bytes();
            waiting.dropped += u64::from(matches!(dropped, Event::Message(_)));
        }
    }

    /// Takes what has waited longest; `Ready(None)` once there will be nothing more.
    pub(crate) fn take(&self) -> Poll<Option<Event>> {
        let mut waiting = self.lock();
        if waiting.dropped > 0 {
            return Poll::Ready(Some(Event::Dropped(std::mem::take(&mut waiting.dropped))));
        }
        match waiting.events.pop_front() {
            Some(event) => {
                waiting.bytes -= event.bytes();
                let session = waiting.session.take();
                drop(waiting);
                if let Some(session) = session {
                    session.wake();
                }
                Poll::Ready(Some(event))
            }
            None if waiting.is_over => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    /// Waits until there is room for more. Where the oldest is dropped, there always is.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.lock();
        if self.overflow == Overflow::DropOldest || waiting.bytes < self.bytes_max {
            return Poll::Ready(());
        }
        waiting.session = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Nothing more comes.
    pub(crate) fn end(&self) {
        self.lock().is_over = true;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
