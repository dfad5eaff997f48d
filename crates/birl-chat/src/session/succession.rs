//! How one connection takes the place of another, so that nothing is missed between them.

use std::task::{Context, Poll};
use std::time::Duration;

use birl_source::link::Failure;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::link::{Link, Received};

/// So long is read what still comes over a connection whose place has been taken. Then it is ended.
const GRACE: Duration = Duration::from_secs(30);

/// How long to wait after the first attempt that failed: twice as long with each.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// The connection to come, and the one that goes.
#[derive(Default)]
pub(super) struct Succession {
    next: Option<BoxFuture<'static, Result<Link, Failure>>>,
    attempts: u32,
    again_at: Option<Instant>,
    /// Why the present one has ended, while the next is under way.
    ended: Option<Failure>,
    retiring: Option<(Link, Instant)>,
}

impl Succession {
    /// The next connection is under way.
    pub(super) fn begin(&mut self, next: BoxFuture<'static, Result<Link, Failure>>) {
        self.next = Some(next);
        self.again_at = None;
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.next.is_some()
    }

    /// Whether another attempt is due.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.again_at.is_some_and(|at| at <= now)
    }

    /// Whether an attempt is made, or will be.
    pub(super) fn has_begun(&self) -> bool {
        self.next.is_some() || self.again_at.is_some()
    }

    /// When something is to be done, if nothing happens.
    pub(super) fn due(&self) -> [Option<Instant>; 2] {
        [
            self.again_at,
            self.retiring.as_ref().map(|(_, until)| *until),
        ]
    }

    /// The next connection; or why there is none, so that another attempt is made later.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Link, Failure>> {
        let Some(next) = &mut self.next else {
            return Poll::Pending;
        };
        let connected = std::task::ready!(next.poll_unpin(cx));
        self.next = None;
        self.attempts = match connected {
            Ok(_) => 0,
            Err(_) => self.attempts + 1,
        };
        if self.attempts > 0 {
            let wait = BACKOFF_FIRST * 2_u32.pow((self.attempts - 1).min(5));
            self.again_at = Some(Instant::now() + wait.min(BACKOFF_MAX));
        }
        Poll::Ready(connected)
    }

    /// The present connection has ended before its place was taken.
    pub(super) fn end(&mut self, failure: Failure) {
        self.ended = Some(failure);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Why the present connection has ended, if no other is about to take its place.
    pub(super) fn given_up(&mut self) -> Option<Failure> {
        match self.next {
            Some(_) => None,
            None => self.ended.take(),
        }
    }

    /// Another has taken the place of `link`.
    pub(super) fn retire(&mut self, link: Link) {
        self.dismiss();
        if self.ended.take().is_none() {
            self.retiring = Some((link, Instant::now() + GRACE));
        }
    }

    /// What still comes over the connection whose place has been taken.
    pub(super) fn poll_retiring(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        let Some((link, _)) = &mut self.retiring else {
            return Poll::Pending;
        };
        match std::task::ready!(link.poll_receive(cx)) {
            Ok(received) => Poll::Ready(received),
            Err(_) => {
                self.retiring = None;
                Poll::Pending
            }
        }
    }

    /// Answers over the connection whose place has been taken.
    pub(super) fn answer(&mut self, frames: impl Iterator<Item = String>) {
        if let Some((link, _)) = &mut self.retiring {
            // If it cannot be sent, the connection has ended.
            for frame in frames {
                let _ = link.send(&frame);
            }
            let _ = link.flush().now_or_never();
        }
    }

    /// Ends what has gone on for long enough.
    pub(super) fn tidy(&mut self, now: Instant) {
        if self
            .retiring
            .as_ref()
            .is_some_and(|(_, until)| *until <= now)
        {
            self.dismiss();
        }
    }

    /// Ends the connection whose place has been taken.
    pub(super) fn dismiss(&mut self) {
        if let Some((mut link, _)) = self.retiring.take() {
            link.close(1000, "");
            let _ = link.flush().now_or_never();
        }
    }
}
