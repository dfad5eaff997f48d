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
