//! The end of a run: what is remembered is written down, with the windows that are open.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::{error, info, warn};

use super::{Run, WRITE_AGAIN_AFTER};
use crate::store::{Checkpoint, Store};

/// How long a disk that is full is waited for, with the reserve given up already: nothing of ours makes room now.
const ROOM_MAX: Duration = Duration::from_secs(2);

impl Run {
    pub(super) async fn stop(mut self, deadline: Instant) {
        info!("stopping");
        self.abandon_round();
        self.begin_round();
        while self.rounds.is_under_way() {
            let came = timeout_at(deadline, self.items.recv()).await;
            let Some((task, came)) = came.ok().flatten().filter(|_| Instant::now() < deadline)
            else {
                warn!("not all rules came to an end in time: what they saw last is read again");
                break;
            };
            self.take(task, came).await;
        }
        if let Some(checkpoint) = self.due.take() {
            write_last(&self.store, checkpoint, deadline).await;
        }
        if let Some(deliverer) = self.deliverer.take() {
            deliverer
                .stop(deadline.saturating_duration_since(Instant::now()))
                .await;
        }
        info!("stopped");
    }
}

/// Writes the last checkpoint, as long as it may be possible yet.
async fn write_last(store: &Store, checkpoint: Checkpoint, deadline: Instant) {
    let room_by = deadline.min(Instant::now() + ROOM_MAX);
    while let Err(error) = store.last_checkpoint(checkpoint.clone()).await {
        let again = Instant::now() + WRITE_AGAIN_AFTER;
        let end = match error.is_full() {
            true => room_by,
            false => deadline,
        };
        if again > end {
            error!(
                %error,
                "what is remembered cannot be written: files are read again from where it was written last, and \
                 what came over connections since then is lost"
            );
            return;
        }
        sleep_until(again).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody may make room at once, or a place take what fills the disk; who waits for the end waits no longer.
    #[tokio::test(start_paused = true)]
    async fn a_disk_that_stays_full_is_not_waited_for_to_the_deadline() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("state.db"))
            .await
            .unwrap();
        store.takes_no_more();
        let checkpoint = Checkpoint {
            states: vec![("burst".to_owned(), vec![7; 1 << 20])],
            ..Checkpoint::default()
        };
        let began = Instant::now();
        write_last(&store, checkpoint, began + 10 * ROOM_MAX).await;
        assert_eq!(began.elapsed(), ROOM_MAX);
        assert_eq!(store.saved().await.unwrap().states.len(), 0);
    }
}
