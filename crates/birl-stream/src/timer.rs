//! `Timer`: a deadline that moves with each item.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Thirty years: for ever, and no more than any platform's clock can hold.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// So much later than now.
pub(crate) fn after(delay: Duration) -> Instant {
    Instant::now() + delay.min(FOR_EVER)
}

/// Wakes its task at a deadline, which may be another at each poll.
///
/// To move tokio's timer takes a lock. So it is left alone while the deadline moves away, and is
/// moved when it fires too early: a stream with a million items a second moves it once in a while.
#[derive(Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Whether it is time. The clock alone decides, for tokio's timer is silent without a budget.
    ///
    /// # Panics
    /// If it has to wait outside of a tokio runtime with its time driver.
    pub(crate) fn poll(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= deadline {
            return Poll::Ready(());
        }
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() == deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures::FutureExt;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Waits for the deadline, and tells whether it was exactly then.
    async fn is_on_time(timer: &mut Timer, deadline: Instant) -> bool {
        poll_fn(|cx| timer.poll(deadline, cx)).await;
        Instant::now() == deadline
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_moves_is_met_wherever_it_moved() {
        let start = Instant::now();
        let mut timer = Timer::default();
        for asked in [10, 20, 5, 30, 30, 7] {
            let asked = poll_fn(|cx| timer.poll(start + asked * SECOND, cx)).now_or_never();
            assert_eq!(asked, None);
        }
        assert!(is_on_time(&mut timer, start + 3 * SECOND).await);
        assert!(is_on_time(&mut timer, start + 20 * SECOND).await);
        assert!(is_on_time(&mut timer, start + 21 * SECOND).await);
        assert!(!is_on_time(&mut timer, start + 20 * SECOND).await);
        assert_eq!(start.elapsed(), 21 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_budget_the_time_is_known_still() {
        let start = Instant::now();
        let mut timer = Timer::default();
        let spent = poll_fn(|cx| {
            while let Poll::Ready(budget) = tokio::task::coop::poll_proceed(cx) {
                budget.made_progress();
            }
            Poll::Ready(timer.poll(start, cx))
        });
        assert_eq!(spent.await, Poll::Ready(()));
    }

    #[tokio::test(start_paused = true)]
    async fn for_ever_does_not_overflow() {
        let never = poll_fn(|cx| Timer::default().poll(after(Duration::MAX), cx));
        assert_eq!(never.now_or_never(), None);
    }
}
