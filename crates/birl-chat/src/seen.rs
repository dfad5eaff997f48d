//! Which messages have been passed on already.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// So many messages are remembered: what a service says again after a connection is lost is less.
const IDS_MAX: usize = 8192;

/// A longer id is not remembered, so that memory is bounded.
const ID_BYTES_MAX: usize = 512;

/// What is known of the last messages of a chat, by which another one goes on behind them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Their [ids](crate::Message::id), the oldest first. Those messages are not given again.
    pub ids: Vec<String>,
    /// The [cursor](crate::Message::cursor) of the last that had one.
    pub cursor: Option<String>,
}

/// The ids of the last messages.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    ids: HashSet<Arc<str>>,
    in_order: VecDeque<Arc<str>>,
}

impl Seen {
    /// Whether the message of that id is new. From now on it is not.
    pub(crate) fn is_new(&mut self, id: &str) -> bool {
        if id.len() > ID_BYTES_MAX {
            return true;
        }
        if self.ids.contains(id) {
            return false;
        }
        if self.in_order.len() == IDS_MAX
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        let id: Arc<str> = Arc::from(id);
        self.ids.insert(Arc::clone(&id));
        self.in_order.push_back(id);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ids_are_remembered_and_older_ones_forgotten() {
        let mut seen = Seen::default();
        for n in 0..=IDS_MAX {
            assert!(seen.is_new(&n.to_string()));
        }
        assert!(!seen.is_new("1"));
        assert!(!seen.is_new(&IDS_MAX.to_string()));
        assert!(seen.is_new("0"), "the oldest has made room");
        assert_eq!(seen.ids.len(), IDS_MAX);
    }
}
