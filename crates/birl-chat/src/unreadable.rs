//! Messages that cannot be read.

use crate::service::Turn;

/// How many messages were not JSON. It is told the more seldom the more there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unreadable(u64);

impl Unreadable {
    pub(crate) fn count(&mut self, turn: &mut Turn) {
        self.0 += 1;
        match self.0 {
            1 => turn.tell("a message is not JSON, and left out"),
            count if count.is_power_of_two() => {
                turn.tell(format!(
                    "{count} messages so far are not JSON, and left out"
                ));
            }
            _ => {}
        }
    }
}
