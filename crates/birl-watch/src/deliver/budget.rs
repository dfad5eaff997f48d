//! How many alerts a place gets in a minute.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// Counts what was sent in minutes that begin with an alert.
#[derive(Debug)]
pub(super) struct Budget {
    max: Option<NonZeroU32>,
    /// When the minute began, and what was sent in it.
    minute: Option<(Instant, u32)>,
}

impl Budget {
    pub(super) fn new(max: Option<NonZeroU32>) -> Self {
        Self { max, minute: None }
    }

    /// When the minute is over whose alerts have all been sent; `None` if there may be another now.
    pub(super) fn used_up_until(&self, now: Instant) -> Option<Instant> {
        let (begin, sent) = self.minute?;
        let end = begin + MINUTE;
        (sent >= self.max?.get() && now < end).then_some(end)
    }

    /// An alert was sent.
    pub(super) fn spend(&mut self, now: Instant) {
        self.minute = match self.minute {
            Some((begin, sent)) if now < begin + MINUTE => Some((begin, sent + 1)),
            _ => Some((now, 1)),
        };
    }

    /// The next minute begins with the next alert.
    pub(super) fn begin(&mut self) {
        self.minute = None;
    }
}
