//! Ctrl-C: ends a search at once, and tells it so that it can say what is known.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// How long a search has to say its last words; it may be waiting for a reader that waits too.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How long a query has to work out its last answer.
const LAST_ANSWER: Duration = Duration::from_secs(10);

/// Listens for Ctrl-C until the process ends.
#[derive(Debug)]
pub(crate) struct Interrupt(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    set: AtomicBool,
    notify: Notify,
    /// A pager is running, and Ctrl-C is meant for it.
    paging: AtomicBool,
    /// A last answer is still to be worked out.
    answering: AtomicBool,
}

impl Interrupt {
    /// Begins to listen, at once.
    ///
    /// # Errors
    ///
    /// Fails where the system refuses a handler.
    pub(crate) fn listen() -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        tokio::spawn(watch(signal(SignalKind::interrupt())?, Arc::clone(&shared)));
        Ok(Self(shared))
    }

    /// Waits for Ctrl-C. Dropping the future loses nothing.
    pub(crate) async fn wait(&mut self) {
        while !self.is_set() {
            self.0.notify.notified().await;
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.set.load(Ordering::Relaxed)
    }

    /// From now on, there is time for a last answer after Ctrl-C.
    pub(crate) fn wait_for_answer(&self) {
        self.0.answering.store(true, Ordering::Relaxed);
    }

    /// Whether Ctrl-C is left to a pager.
    pub(crate) fn leave_to_pager(&self, paging: bool) {
        self.0.paging.store(paging, Ordering::Relaxed);
    }
}

async fn watch(mut signals: Signal, shared: Arc<Shared>) {
    while signals.recv().await.is_some() {
        if shared.paging.load(Ordering::Relaxed) {
            continue;
        }
        shared.set.store(true, Ordering::Relaxed);
        shared.notify.notify_one();
        let time = match shared.answering.load(Ordering::Relaxed) {
            true => LAST_ANSWER,
            false => LAST_WORDS,
        };
        // Who presses it again does not wait.
        let _ = tokio::time::timeout(time, signals.recv()).await;
        std::process::exit(130);
    }
}
