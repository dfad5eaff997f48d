//! `Backoff`: how long to wait before the next attempt.

use std::time::Duration;

/// How long to wait after attempts that failed one after the other: twice as long each time, up to
/// a limit, and of that a random part.
///
/// The random part is what is called full jitter: of many clients that lost the same server, each
/// comes back at another time (Marc Brooker, "Exponential Backoff And Jitter", 2015).
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    healthy_after: Duration,
    tries_max: Option<u32>,
    random: fastrand::Rng,
    /// How many attempts have failed one after the other.
    failed: u32,
}

impl Backoff {
    /// Waits up to `first` after the first failure, and never longer than `max`; for ever.
    ///
    /// What has worked for a minute counts as healthy ([`healthy_after`](Self::healthy_after)).
    pub fn new(first: Duration, max: Duration) -> Self {
        Self {
            first,
            max,
            healthy_after: Duration::from_secs(60),
            tries_max: None,
            random: fastrand::Rng::new(),
            failed: 0,
        }
    }

    /// Gives up when so many attempts have failed one after the other; 0 counts as 1.
    pub fn tries_max(mut self, tries_max: u32) -> Self {
        self.tries_max = Some(tries_max.max(1));
        self
    }

    /// Begins with the first delay again after what has worked for so long.
    pub fn healthy_after(mut self, healthy_after: Duration) -> Self {
        self.healthy_after = healthy_after;
        self
    }

    /// Makes the random parts the same in each run: for tests.
    pub fn seed(mut self, seed: u64) -> Self {
        self.random = fastrand::Rng::with_seed(seed);
        self
    }

    /// The same for something else, with random parts of its own.
    pub(crate) fn fork(&mut self) -> Self {
        Self {
            random: self.random.fork(),
            ..self.clone()
        }
    }

    /// The number of the attempt that comes next, counted from 1 since the last success.
    pub(crate) fn attempt(&self) -> u32 {
        self.failed.saturating_add(1)
    }

    /// An attempt has failed: how long to wait before the next, unless it was the last.
    pub fn fail(&mut self) -> Option<Duration> {
        let longest = 2_u32
            .checked_pow(self.failed)
            .and_then(|times| self.first.checked_mul(times))
            .map_or(self.max, |delay| delay.min(self.max));
        self.failed = self.failed.saturating_add(1);
        if self.tries_max.is_some_and(|most| self.failed >= most) {
            return None;
        }
        Some(longest.mul_f64(self.random.f64()))
    }

    /// What was begun has come to an end after so long.
    pub fn worked_for(&mut self, time: Duration) {
        if time >= self.healthy_after {
            self.reset();
        }
    }

    /// The next failure is the first.
    pub(crate) fn reset(&mut self) {
        self.failed = 0;
    }
}

/// Begins with up to a quarter of a second, never waits longer than half a minute, and never gives
/// up.
impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(250), Duration::from_secs(30))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const MAX: Duration = Duration::from_secs(1);

    #[test]
    fn delays_fill_a_range_that_doubles_up_to_the_limit() {
        let longest = |failures: usize| {
            let delay = |seed| {
                let mut backoff = Backoff::new(FIRST, MAX).seed(seed);
                (0..failures).map(|_| backoff.fail().unwrap()).last()
            };
            let delays: Vec<Duration> = (0..2000).filter_map(delay).collect();
            (*delays.iter().min().unwrap(), *delays.iter().max().unwrap())
        };
        for (failures, limit_ms) in [
            (1, 100),
            (2, 200),
            (3, 400),
            (4, 800),
            (5, 1000),
            (80, 1000),
        ] {
            let limit = Duration::from_millis(limit_ms);
            let (least, most) = longest(failures);
            assert!(least < limit / 50, "{failures}: {least:?}");
            assert!(
                most <= limit && most > limit * 49 / 50,
                "{failures}: {most:?}"
            );
        }
    }

    #[test]
    fn the_last_try_has_no_next() {
        let mut backoff = Backoff::new(FIRST, MAX).tries_max(3);
        let delays = [backoff.fail(), backoff.fail(), backoff.fail()];
        assert_eq!(delays.map(|delay| delay.is_some()), [true, true, false]);
        backoff.reset();
        assert!(backoff.fail().is_some());
        assert_eq!(Backoff::default().tries_max(0).fail(), None);
    }

    #[test]
    fn only_what_worked_for_long_enough_counts_as_healthy() {
        let mut backoff = Backoff::new(FIRST, MAX).healthy_after(MAX);
        backoff.fail();
        backoff.worked_for(MAX - Duration::from_nanos(1));
        assert_eq!(backoff.attempt(), 2);
        backoff.worked_for(MAX);
        assert_eq!(backoff.attempt(), 1);
    }

    #[test]
    fn extreme_delays_do_not_overflow() {
        let mut backoff = Backoff::new(Duration::MAX, Duration::MAX / 2);
        for _ in 0..100 {
            assert!(backoff.fail() <= Some(Duration::MAX / 2));
        }
    }
}
