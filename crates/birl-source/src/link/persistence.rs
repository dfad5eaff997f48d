//! When to connect again, and what to say of it.

use std::fmt;
use std::time::Duration;

use birl_stream::Backoff;
use tokio::time::{Instant, sleep};

use super::failure::Failure;
use crate::live::Options;

/// Who is told how a connection is.
pub trait Listener: Sync {
    /// Something that a person should know.
    fn notice(&self, what: String);

    /// There is no connection for now, and `what` says why.
    fn lost(&self, what: String) {
        self.notice(what);
    }

    /// There is a first connection, after one could not be had.
    fn reached(&self) {}

    /// There is a connection after there was none, as `what` says.
    fn connected(&self, what: String) {
        self.notice(what);
    }

    /// There is a connection again, and something may be missing.
    fn gap(&self, gap: Gap);

    /// There is no connection, and there may never be one. `act` is what cannot be done.
    fn problem(&self, act: &'static str, reason: String);
}

/// Why something may be missing.
#[derive(Clone, Debug)]
pub struct Gap {
    /// How long nothing could be received.
    pub time: Duration,
    /// What had happened.
    pub reason: String,
    /// The cursor that the other side was asked to go on from, so that perhaps nothing is missing.
    pub cursor: Option<String>,
}

/// Keeps something connected: how often it failed, since when, and what has been told.
///
/// It waits as [`Options`] say, by a [`Backoff`] that only a connection which has lasted resets: a
/// server that takes connections to close them at once is not asked again and again.
pub struct Persistence<'a> {
    listener: &'a dyn Listener,
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

/// Nobody asks for longer than this: a source that is left alone for a day is as good as lost.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

impl fmt::Debug for Persistence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Persistence")
            .field("worked", &self.worked)
            .finish_non_exhaustive()
    }
}

impl<'a> Persistence<'a> {
    /// Nothing has been tried yet.
    pub fn new(options: &'a Options, listener: &'a dyn Listener) -> Self {
        let backoff = Backoff::new(options.backoff_first, options.backoff_max);
        Self {
            listener,
            backoff: backoff.healthy_after(options.healthy_after),
            options,
            worked: false,
            lost: None,
            told: None,
        }
    }

    /// There is a connection; `cursor` is where it was asked to go on.
    pub fn connected(&mut self, cursor: Option<&str>) {
        let Some(lost) = self.found_again() else {
            return;
        };
        self.listener.gap(Gap {
            time: lost.since.elapsed(),
            reason: lost.reason,
            cursor: cursor.map(str::to_owned),
        });
    }

    /// There is a connection that goes on exactly where the last one ended.
    pub fn resumed(&mut self) {
        self.found_again();
    }

    /// There is a connection; gives what was lost before.
    fn found_again(&mut self) -> Option<Lost> {
        let was_told = self.told.take().is_some();
        let Some(lost) = self.lost.take() else {
            if was_told {
                self.listener.reached();
            }
            return None;
        };
        let time = lost.since.elapsed();
        self.listener
            .connected(format!("connected again after {:.1} s", time.as_secs_f64()));
        Some(lost)
    }

    /// It has given something.
    pub fn worked(&mut self) {
        self.worked = true;
    }

    /// The connection that lasted since `began` is lost. Waits until it is time for another; false if
    /// there is to be none.
    pub async fn lost(&mut self, began: Instant, failure: Failure) -> bool {
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
        self.listener
            .lost(format!("{}; connecting again", failure.reason));
        true
    }

    /// There is no connection. Waits until it is time for another attempt; false if there is to be
    /// none.
    pub async fn refused(&mut self, failure: Failure) -> bool {
        self.again("connect to", failure).await
    }

    /// Nobody can connect to us, as [`refused`](Self::refused).
    pub(crate) async fn cannot_listen(&mut self, failure: Failure) -> bool {
        self.again("listen on", failure).await
    }

    async fn again(&mut self, act: &'static str, failure: Failure) -> bool {
        let is_for_good = failure.is_lasting && !self.worked;
        if is_for_good && self.options.gives_up {
            self.listener.problem(act, failure.reason);
            return false;
        }
        let backoff = self.backoff.fail().unwrap_or(self.options.backoff_max);
        let delay = match (failure.is_lasting && self.worked, failure.retry_after) {
            (_, Some(asked)) => backoff + asked.min(RETRY_AFTER_MAX),
            (true, None) => self.options.backoff_max,
            (false, None) => backoff,
        };
        if self.told.as_ref() != Some(&failure.reason) {
            let told = format!("{}; trying again", failure.reason);
            match is_for_good {
                true => self.listener.problem(act, told),
                false => self.listener.lost(told),
            }
            self.told = Some(failure.reason);
        }
        sleep(delay).await;
        true
    }
}
