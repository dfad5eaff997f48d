//! Messages that wait until they can be read.

use std::fmt::Display;

/// How many messages are kept: more than anybody reads.
const KEPT_MAX: usize = 1000;

/// Messages that are kept back while a pager runs, which would draw over them.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    kept: Vec<String>,
    /// How many came when enough were kept.
    more: u64,
}

impl Messages {
    pub(crate) fn push(&mut self, message: &dyn Display) {
        if self.kept.len() < KEPT_MAX {
            self.kept.push(message.to_string());
        } else {
            self.more += 1;
        }
    }

    /// The messages in the order in which they came, and how many are missing at the end, if any.
    pub(crate) fn take(&mut self) -> Vec<String> {
        let mut messages = std::mem::take(&mut self.kept);
        let more = std::mem::take(&mut self.more);
        if more > 0 {
            messages.push(format!("{more} more such messages, which were not kept"));
        }
        messages
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT_MAX, Messages};

    #[test]
    fn messages_beyond_the_kept_ones_are_counted() {
        let mut messages = Messages::default();
        for number in 0..KEPT_MAX + 7 {
            messages.push(&number);
        }
        let taken = messages.take();
        assert_eq!(taken.len(), KEPT_MAX + 1);
        assert_eq!(taken[KEPT_MAX - 1], (KEPT_MAX - 1).to_string());
        assert_eq!(taken[KEPT_MAX], "7 more such messages, which were not kept");
        assert!(messages.take().is_empty());
    }
}
