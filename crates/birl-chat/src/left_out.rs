//! Messages that are not passed on, since they cannot be read.

use crate::service::Turn;

/// How many messages were left out for one reason. It is told the more seldom the more there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeftOut(u64);

impl LeftOut {
    /// One more is `what`, as not JSON.
    pub(crate) fn count(&mut self, what: &str, turn: &mut Turn) {
        self.0 += 1;
        match self.0 {
            1 => turn.tell(format!("a message is {what}, and left out")),
            count if count.is_power_of_two() => {
                turn.tell(format!("{count} messages so far are {what}, and left out"));
            }
            _ => {}
        }
    }
}
