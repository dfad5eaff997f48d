//! What the reading thread, the events of the file system and the stream share: a bounded queue of
//! events one way, and what to look at the other.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::{Barrier, Event, Notice};
use crate::Origin;
use crate::error::refusal;

/// Events that wait to be received, at most, however small they are.
const EVENTS_MAX: usize = 256;

/// Paths to look at; where there are more, everything is looked at.
const DIRTY_MAX: usize = 4096;

pub(super) struct Shared {
    state: Mutex<State>,
    /// Something was received, or is to be looked at, or all is over.
    changed: Condvar,
    bytes_max: usize,
    /// A thread sends, or has sent; else there is nothing to be sent but barriers.
    has_files: bool,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    bytes: usize,
    receiver: Option<Waker>,
    dirty: HashMap<PathBuf, bool>,
    rescan: bool,
    /// The stream was dropped.
    stopped: bool,
    /// Nothing more will be sent.
    ended: bool,
    /// The barriers that are to be sent.
    barriers: VecDeque<u64>,
}

/// What is to be looked at because of events.
pub(super) enum Dirty {
    Nothing,
    Paths(HashMap<PathBuf, bool>),
    Everything,
}

impl Shared {
    pub(super) fn new(block_bytes: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            bytes_max: block_bytes.saturating_mul(2),
            has_files: true,
        }
    }

    /// One that no thread sends to.
    pub(super) fn without_files() -> Self {
        let shared = Self {
            has_files: false,
            ..Self::new(0)
        };
        shared.end();
        shared
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends an event, or gives it back where the receiver is behind.
    pub(super) fn offer(&self, event: Event) -> Result<(), Event> {
        let bytes = bytes_of(&event);
        let mut state = self.state();
        let is_full = state.events.len() >= EVENTS_MAX
            || (!state.events.is_empty() && state.bytes + bytes > self.bytes_max);
        if is_full {
            return Err(event);
        }
        state.bytes += bytes;
        state.events.push_back(event);
        let receiver = state.receiver.take();
        drop(state);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
        Ok(())
    }

    pub(super) fn poll_receive(&self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.state();
        let Some(event) = state.events.pop_front() else {
            // A barrier may come all the same.
            state.receiver = Some(context.waker().clone());
            return match state.ended {
                true => Poll::Ready(None),
                false => Poll::Pending,
            };
        };
        state.bytes -= bytes_of(&event);
        drop(state);
        self.changed.notify_one();
        Poll::Ready(Some(event))
    }

    /// The stream was dropped: the thread is to end.
    pub(super) fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_one();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// A barrier is to be sent behind all that the thread has to send now. Where it has ended there is
    /// nobody who knows the positions.
    pub(super) fn ask_for_barrier(&self, number: u64) {
        let mut state = self.state();
        if self.has_files {
            state.barriers.push_back(number);
            drop(state);
            self.changed.notify_one();
            return;
        }
        let positions = Arc::default();
        let barrier = Barrier { number, positions };
        state.events.push_back(Event::Barrier(barrier));
        let receiver = state.receiver.take();
        drop(state);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
    }

    /// The next barrier that is to be sent.
    pub(super) fn take_barrier(&self) -> Option<u64> {
        self.state().barriers.pop_front()
    }

    /// The thread has ended, however that came: the stream ends behind what was sent.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        if let Some(receiver) = state.receiver.take() {
            receiver.wake();
        }
    }

    /// The thread could not be started.
    pub(super) fn fail(&self, error: &io::Error) {
        let notice = Notice::CannotOpen {
            origin: Origin::file("."),
            reason: refusal(error),
        };
        self.state().events.push_back(Event::Notice(notice));
        self.end();
    }

    /// A path is to be looked at; `names_changed` where it may stand for another file now.
    pub(super) fn touch(&self, paths: Vec<PathBuf>, names_changed: bool) {
        let mut state = self.state();
        for path in paths {
            *state.dirty.entry(path).or_default() |= names_changed;
        }
        if state.dirty.len() > DIRTY_MAX {
            state.dirty.clear();
            state.rescan = true;
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Events were lost.
    pub(super) fn touch_everything(&self) {
        self.state().rescan = true;
        self.changed.notify_one();
    }

    pub(super) fn take_dirty(&self) -> Dirty {
        let mut state = self.state();
        let paths = std::mem::take(&mut state.dirty);
        if std::mem::take(&mut state.rescan) {
            Dirty::Everything
        } else if paths.is_empty() {
            Dirty::Nothing
        } else {
            Dirty::Paths(paths)
        }
    }

    /// Waits until there is something to look at, but not before `earliest`, or until `latest`;
    /// and, where an event waits to be sent, until something was received.
    pub(super) fn wait(&self, earliest: Instant, latest: Instant, sending: bool) {
        let mut state = self.state();
        let queued = state.events.len();
        loop {
            let now = Instant::now();
            let is_dirty = !state.dirty.is_empty() || state.rescan;
            let has_room = sending && state.events.len() < queued;
            let is_asked = !state.barriers.is_empty();
            if state.stopped
                || is_asked
                || has_room
                || now >= latest
                || (is_dirty && now >= earliest)
            {
                return;
            }
            let until = if is_dirty {
                earliest.min(latest)
            } else {
                latest
            };
            let waited = self.changed.wait_timeout(state, until - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn bytes_of(event: &Event) -> usize {
    match event {
        Event::Data { bytes, .. } => bytes.len(),
        _ => 0,
    }
}
