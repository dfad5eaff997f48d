//! How fast may be sent.

use tokio::time::Instant;

use crate::service::Rate;

/// A bucket of tokens, which may be overdrawn by what cannot wait.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: Option<Rate>,
    /// The moment by which the bucket is full again: the later, the emptier it is.
    full_at: Instant,
}

impl Pace {
    /// A full bucket.
    pub(crate) fn new(rate: Option<Rate>, now: Instant) -> Self {
        Self { rate, full_at: now }
    }

    /// When there is a token, with `reserve` left beside it.
    pub(crate) fn ready_at(&self, reserve: u32) -> Option<Instant> {
        let rate = self.rate?;
        // So much of the bucket may be missing.
        let missing_max = rate.burst.max(1).saturating_sub(1 + reserve);
        self.full_at.checked_sub(rate.every * missing_max)
    }

    /// Whether no token is missing.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    /// Takes a token, whether or not there is one.
    pub(crate) fn take(&mut self, now: Instant) {
        if let Some(rate) = self.rate {
            self.full_at = self.full_at.max(now) + rate.every;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// When each of `count` would be sent, in tenths of a second.
    fn sent(pace: &mut Pace, start: Instant, count: usize, reserve: u32) -> Vec<u128> {
        let mut now = start;
        let send = |_| {
            now = now.max(pace.ready_at(reserve).unwrap_or(now));
            pace.take(now);
            (now - start).as_millis() / 100
        };
        (0..count).map(send).collect()
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_one_by_one() {
        let start = Instant::now() + Duration::from_secs(1000);
        let rate = Rate {
            burst: 3,
            every: Duration::from_secs(1),
        };
        let mut pace = Pace::new(Some(rate), start);
        assert_eq!(sent(&mut pace, start, 6, 0), [0, 0, 0, 10, 20, 30]);
        // After a while the burst is there again.
        let later = start + Duration::from_secs(60);
        assert_eq!(sent(&mut pace, later, 4, 0), [0, 0, 0, 10]);
    }

    #[test]
    fn what_leaves_a_reserve_waits_earlier() {
        let start = Instant::now() + Duration::from_secs(1000);
        let rate = Rate {
            burst: 3,
            every: Duration::from_secs(1),
        };
        let mut pace = Pace::new(Some(rate), start);
        assert_eq!(sent(&mut pace, start, 3, 2), [0, 10, 20]);
        // Those that need no reserve find it.
        let next = start + Duration::from_secs(2);
        assert_eq!(sent(&mut pace, next, 3, 0), [0, 0, 10]);
    }

    #[test]
    fn what_cannot_wait_is_paid_for_later() {
        let start = Instant::now() + Duration::from_secs(1000);
        let rate = Rate {
            burst: 2,
            every: Duration::from_secs(1),
        };
        let mut pace = Pace::new(Some(rate), start);
        for _ in 0..5 {
            pace.take(start);
        }
        assert_eq!(sent(&mut pace, start, 2, 0), [40, 50]);
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        let start = Instant::now();
        assert_eq!(sent(&mut Pace::new(None, start), start, 3, 1), [0, 0, 0]);
    }
}
