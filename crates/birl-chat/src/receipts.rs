//! Who waits to know that a post has been taken.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::error::Error;
use crate::message::Posted;

/// The posts that somebody waits for, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Receipts(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    last: u64,
    by_number: HashMap<u64, oneshot::Sender<Result<Posted, Error>>>,
}

impl Receipts {
    /// The number of a new post, and what tells when it has been taken.
    pub(crate) fn begin(&self) -> (u64, oneshot::Receiver<Result<Posted, Error>>) {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        // Those that were given up are forgotten, so that there are no more than wait.
        waiting.by_number.retain(|_, sender| !sender.is_closed());
        waiting.last += 1;
        let number = waiting.last;
        waiting.by_number.insert(number, sender);
        (number, receiver)
    }

    /// Whether somebody still waits for a post.
    pub(crate) fn is_awaited(&self, number: u64) -> bool {
        let waiting = self.lock();
        waiting
            .by_number
            .get(&number)
            .is_some_and(|sender| !sender.is_closed())
    }

    /// Tells how it went.
    pub(crate) fn settle(&self, number: u64, how: Result<Posted, Error>) {
        let sender = self.lock().by_number.remove(&number);
        if let Some(sender) = sender {
            // Whoever waited may have given up.
            let _ = sender.send(how);
        }
    }

    /// Nothing is sent any more.
    pub(crate) fn end(&self) {
        // Who waits is told by the end of the channel.
        self.lock().by_number.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
