//! When to connect again, and what to say of it.

use std::time::Duration;

use birl_stream::Backoff;
use tokio::time::{Instant, sleep};

use super::gap::Gap;
use super::options::Options;
use super::sink::Sink;

/// Keeps a source connected: how often it failed, since when, and what has been told.
pub(super) struct Persistence<'a> {
    sink: &'a Sink,
    backoff: Backoff,
    options: &'a Options,
    /// It has shown once that it can be read. From then on, nothing is taken to be for ever: what
    /// refuses us may be what stands in for it while it is mended.
    worked: bool,
    lost: Option<Lost>,
    /// What was told last, so that it is not told again and again.
    told: Option<String>,
}

struct Lost {
    since: Instant,
    reason: String,
}

/// Why a source could not be read, or no longer.
pub(super) struct Failure {
    pub(super) reason: String,
    /// The same is likely to happen again.
    pub(super) is_lasting: bool,
    /// How long the other side asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    /// One that may pass.
    pub(super) fn passing(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_lasting: false,
            retry_after: None,
        }
    }
}

impl Failure {
    /// One that the same would meet again.
    pub(super) fn lasting(reason: impl Into<String>) -> Self {
        Self {
            is_lasting: true,
            ..Self::passing(reason)
        }
    }
}

impl From<birl_net::Error> for Failure {
    fn from(error: birl_net::Error) -> Self {
        Self {
            reason: error.to_string(),
            is_lasting: error.is_lasting(),
            retry_after: error.retry_after(),
        }
    }
}

/// Nobody asks for longer than this: a source that is left alone for a day is as good as lost.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

impl<'a> Persistence<'a> {
    pub(super) fn new(options: &'a Options, sink: &'a Sink) -> Self {
        let backoff = Backoff::new(options.backoff_first, options.backoff_max);
        Self {
            sink,
            backoff: backoff.healthy_after(options.healthy_after),
            options,
            worked: false,
            lost: None,
            told: None,
        }
    }

    /// There is a connection; `cursor` is where it was asked to go on.
    pub(super) fn connected(&mut self, cursor: Option<&str>) {
        let Some(lost) = self.found_again() else {
            return;
        };
        self.sink.gap(&Gap {
            time: lost.since.elapsed(),
            reason: lost.reason,
            cursor: cursor.map(str::to_owned),
        });
    }

    /// There is a connection that goes on exactly where the last one ended.
    pub(super) fn resumed(&mut self) {
        self.found_again();
    }

    /// There is a connection; gives what was lost before.
    fn found_again(&mut self) -> Option<Lost> {
        self.told = None;
        let lost = self.lost.take()?;
        let time = lost.since.elapsed();
        self.sink
            .notice(format!("connected again after {:.1} s", time.as_secs_f64()));
        Some(lost)
    }

    /// It has given something.
    pub(super) fn worked(&mut self) {
        self.worked = true;
    }

    /// The connection that lasted since `began` is lost. Waits until it is time for another; false if
    /// there is to be none.
    pub(super) async fn lost(&mut self, began: Instant, failure: Failure) -> bool {
        let lasted = began.elapsed();
        self.lost = Some(Lost {
            since: Instant::now(),
            reason: failure.reason.clone(),
        });
        self.backoff.worked_for(lasted);
        if lasted < self.options.healthy_after {
            return self.again("read", failure).await;
        }
        self.worked = true;
        if failure.is_lasting || failure.retry_after.is_some() {
            return self.again("read", failure).await;
        }
        self.sink
            .notice(format!("{}; connecting again", failure.reason));
        true
    }

    /// There is no connection. Waits until it is time for another attempt; false if there is to be
    /// none.
    pub(super) async fn refused(&mut self, failure: Failure) -> bool {
        self.again("connect to", failure).await
    }

    async fn again(&mut self, act: &'static str, failure: Failure) -> bool {
        if failure.is_lasting && !self.worked {
            self.sink.problem(act, failure.reason);
            return false;
        }
        let backoff = self.backoff.fail().unwrap_or(self.options.backoff_max);
        let delay = match (failure.is_lasting, failure.retry_after) {
            (_, Some(asked)) => backoff + asked.min(RETRY_AFTER_MAX),
            (true, None) => self.options.backoff_max,
            (false, None) => backoff,
        };
        if self.told.as_ref() != Some(&failure.reason) {
            self.sink
                .notice(format!("{}; trying again", failure.reason));
            self.told = Some(failure.reason);
        }
        sleep(delay).await;
        true
    }
}
