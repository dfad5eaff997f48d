//! What a round has taken.

use std::time::Duration;

/// How long reactions took, the shortest first.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// # Panics
    /// Where there are none.
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        assert!(!times.is_empty(), "nothing was measured");
        times.sort_unstable();
        Self(times)
    }

    /// In microseconds.
    fn percentile(&self, percent: usize) -> f64 {
        self.0[(self.0.len() - 1) * percent / 100].as_nanos() as f64 / 1000.0
    }
}

/// The same percentile of each round, in microseconds.
pub(crate) fn percentiles(rounds: &[Times], percent: usize) -> Vec<f64> {
    let rounds = rounds.iter().map(|times| times.percentile(percent));
    rounds.collect()
}
