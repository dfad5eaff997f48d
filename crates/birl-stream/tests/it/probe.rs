//! What tests look through: runtimes, counters of live values and of concurrent work, gates to hold
//! work at.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use tokio::runtime::{Builder, Runtime};

/// What a stream says when it is polled after the end of the runtime that worked for it.
pub(crate) const RUNTIME_GONE: &str =
    "the runtime that worked for this stream was shut down before its end";

pub(crate) fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn multi_thread() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// One whose time jumps to the next timer as soon as everybody waits.
pub(crate) fn paused() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

/// The text of a panic that was caught.
pub(crate) fn message(panic: Box<dyn Any + Send>) -> &'static str {
    panic.downcast_ref::<&'static str>().unwrap()
}

/// Counts how many [`Token`]s live.
#[derive(Clone, Default)]
pub(crate) struct Live(Arc<AtomicUsize>);

/// Something to own: a closure, a stream or an item that holds one shows whether it was dropped.
pub(crate) struct Token(Live);

impl Live {
    pub(crate) fn token(&self) -> Token {
        self.0.fetch_add(1, Ordering::SeqCst);
        Token(self.clone())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Token {
    pub(crate) fn count(&self) -> usize {
        self.0.count()
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The highest number that was reached.
#[derive(Clone, Default)]
pub(crate) struct Peak(Arc<AtomicUsize>);

impl Peak {
    pub(crate) fn see(&self, number: usize) {
        self.0.fetch_max(number, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Holds blocking threads until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub(crate) fn wait(&self) {
        let open = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(open, |open| !*open).unwrap());
    }
}
