//! What servers that tests play have in common: what has happened there, and what they are made to answer.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use birl_chat::Events;
use futures::StreamExt;
use tokio::sync::Notify;

use super::http::Answer;

/// What a server knows, and who waits for it to change.
#[derive(Default)]
pub(crate) struct Stage<T> {
    inner: Mutex<T>,
    changed: Notify,
}

/// What has happened, in order, and what is answered instead of what would be.
#[derive(Default)]
pub(crate) struct Play {
    pub(crate) log: Vec<String>,
    instead: HashMap<String, VecDeque<Option<Answer>>>,
}

impl<T: AsMut<Play>> Stage<T> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.inner.lock().unwrap()
    }

    /// Has those who wait look again.
    pub(crate) fn changed(&self) {
        self.changed.notify_waiters();
    }

    pub(crate) fn log(&self, what: String) {
        self.lock().as_mut().log.push(what);
        self.changed();
    }

    /// All that has happened.
    pub(crate) fn logged(&self) -> Vec<String> {
        self.lock().as_mut().log.clone()
    }

    pub(crate) async fn until(&self, is_met: impl Fn(&mut T) -> bool) {
        loop {
            let changed = self.changed.notified();
            if is_met(&mut self.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// Waits until something has happened so often.
    pub(crate) async fn happens(&self, what: &str, times: usize) {
        let count = |log: &[String]| log.iter().filter(|it| *it == what).count();
        self.until(|inner| count(&inner.as_mut().log) >= times)
            .await;
    }

    /// What is answered next under a path; `None` ends the connection without an answer.
    pub(crate) fn instead(&self, path: &str, answer: Option<Answer>) {
        let mut inner = self.lock();
        let instead = &mut inner.as_mut().instead;
        instead
            .entry(path.to_owned())
            .or_default()
            .push_back(answer);
    }

    /// What is answered under a path instead of what would be.
    pub(crate) fn takes_instead(&self, path: &str) -> Option<Option<Answer>> {
        let mut inner = self.lock();
        inner.as_mut().instead.get_mut(path)?.pop_front()
    }
}

/// Goes on with a chat until something else is done.
pub(crate) async fn while_it_goes_on<T>(events: &mut Events, other: impl Future<Output = T>) -> T {
    tokio::select! {
        done = other => done,
        () = async { while events.next().await.is_some() {} } => panic!("the chat has ended"),
    }
}
