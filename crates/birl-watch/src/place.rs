//! Where alerts are sent.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::alert::Alert;

/// Somewhere that an alert can be sent to: a webhook, a file, a command, a chat room.
///
/// An alert is given again until a place has taken it, so a place may get one twice, with the same
/// [`id`](Alert::id). Alerts to one place come one at a time, in order.
#[async_trait]
pub trait Place: Send + Sync + fmt::Debug {
    /// Sends one alert, and returns when the other side has it. Dropping the future gives it up; the
    /// other side may have it all the same.
    ///
    /// # Errors
    ///
    /// When the other side did not take it, with whether it is worth while to try again.
    async fn send(&self, alert: &Alert) -> Result<(), Undelivered>;

    /// The same where the place can show what belongs together. `before` is what it gave for the alert that this
    /// one follows on: that it is [over](crate::alert::State::Resolved), or how many of its rule
    /// [came behind it](Alert::folded_rule). It gives what is kept for what follows on this one, which may
    /// be given to another process; nothing where nothing can.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    async fn send_behind(
        &self,
        alert: &Alert,
        before: Option<&str>,
    ) -> Result<Option<String>, Undelivered> {
        let _ = before;
        self.send(alert).await.map(|()| None)
    }
}

/// Why an alert was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The other side is away or busy: the same alert may be taken later.
    ForNow {
        /// What went wrong, for people.
        reason: String,
        /// The other side asks to be left alone for so long.
        after: Option<Duration>,
    },
    /// The other side will never take this alert.
    ForGood {
        /// What went wrong, for people.
        reason: String,
    },
}
