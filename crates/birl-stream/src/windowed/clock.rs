//! How far event time has come in a stream: by its items, and by tokio's clock while none comes.

use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::timer::{FOR_EVER, Timer};
use crate::window::{Watermark, nanoseconds};

pub(super) struct Clock<T> {
    time: Box<dyn FnMut(&T) -> i64 + Send>,
    watermark: Watermark,
    ahead_max: Option<Duration>,
    silence: Option<Silence>,
}

/// What lets time go on while nothing comes.
struct Silence {
    /// How long it is to last at least.
    after: Duration,
    /// Since when there was nothing to take; set anew after each item that is in a window.
    since: Option<Instant>,
    timer: Timer,
}

impl<T> Clock<T> {
    pub(super) fn new(time: impl FnMut(&T) -> i64 + Send + 'static) -> Self {
        Self {
            time: Box::new(time),
            watermark: Watermark::new(1, Duration::ZERO),
            ahead_max: None,
            silence: None,
        }
    }

    pub(super) fn set_lateness(&mut self, lateness: Duration) {
        self.watermark.set_lateness(lateness);
    }

    pub(super) fn set_idle(&mut self, after: Duration) {
        self.silence = Some(Silence {
            after,
            since: None,
            timer: Timer::default(),
        });
    }

    pub(super) fn set_ahead_max(&mut self, ahead_max: Duration) {
        self.ahead_max = Some(ahead_max);
    }

    pub(super) fn time_of(&mut self, item: &T) -> i64 {
        (self.time)(item)
    }

    pub(super) fn watermark(&self) -> Option<i64> {
        self.watermark.get()
    }

    pub(super) fn is_ahead(&self, time: i64) -> bool {
        let Some(ahead_max) = self.ahead_max else {
            return false;
        };
        // What is no newer than another that was not ahead needs no look at the clock.
        Some(time) > self.watermark.newest()
            && time > unix_ns(SystemTime::now()).saturating_add(nanoseconds(ahead_max))
    }

    pub(super) fn observe(&mut self, time: i64) {
        self.watermark.observe(0, time);
        if let Some(silence) = &mut self.silence {
            silence.since = None;
        }
    }

    /// Ready when it has been silent for so long that event time has come to `end`.
    pub(super) fn poll_reach(&mut self, end: i64, cx: &mut Context<'_>) -> Poll<()> {
        let (Some(silence), Some(distance)) = (&mut self.silence, self.watermark.distance_to(end))
        else {
            return Poll::Pending;
        };
        let since = *silence.since.get_or_insert_with(Instant::now);
        let wait = distance.max(silence.after).min(FOR_EVER);
        ready!(silence.timer.poll(since + wait, cx));
        self.watermark.advance(end);
        Poll::Ready(())
    }
}

fn unix_ns(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => nanoseconds(since),
        Err(before) => -nanoseconds(before.duration()),
    }
}
