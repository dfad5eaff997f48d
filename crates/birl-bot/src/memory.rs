//! What a chat has been given so far, kept over a restart, so that each message is reacted to once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use birl_chat::{Message, Past};
use birl_watch::Store;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::warn;

/// The ids of so many messages are kept: what a service says again when somebody comes back is less.
const IDS_MAX: usize = 1000;
/// What has only been heard is written down this much later.
const LATER: Duration = Duration::from_secs(1);

/// What a chat has been given so far.
#[derive(Debug)]
pub(crate) struct Memory {
    shared: Arc<Shared>,
    /// What writes it down; it ends when this is dropped.
    _writer: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    chat: String,
    store: Option<Store>,
    kept: Mutex<Kept>,
    changed: Notify,
    /// Something was done about a message, which is not to be done again.
    done: Notify,
}

/// What is written down.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    /// Where it was said: elsewhere, the same ids are those of other messages.
    address: String,
    ids: VecDeque<String>,
    cursor: Option<String>,
}

impl Kept {
    fn past(&self) -> Past {
        Past {
            ids: self.ids.iter().cloned().collect(),
            cursor: self.cursor.clone(),
        }
    }
}

impl Memory {
    /// What is known of the chat, which is at `address`, from `before` or else from `store`, and what will be kept from
    /// now on: in `store`, if there is one.
    pub(crate) async fn new(
        (chat, address): (&str, &str),
        store: Option<Store>,
        before: Option<Past>,
    ) -> (Self, Past) {
        let nothing = Kept {
            address: address.to_owned(),
            ..Kept::default()
        };
        let before = before.map(|past| Kept {
            ids: past.ids.into(),
            cursor: past.cursor,
            ..nothing.clone()
        });
        let kept = match (before, &store) {
            (Some(before), _) => Some(before),
            (None, Some(store)) => match store.chat(chat).await {
                Ok(kept) => kept.and_then(|kept| serde_json::from_value(kept).ok()),
                Err(error) => {
                    warn!(chat, "what was said before is not known: {error}");
                    None
                }
            },
            (None, None) => None,
        };
        // What was kept before addresses were is of the only server that there was.
        let is_of_it = |kept: &Kept| kept.address.is_empty() || kept.address == address;
        let kept = kept.filter(is_of_it).map(|kept| Kept {
            address: address.to_owned(),
            ..kept
        });
        let kept = kept.unwrap_or(nothing);
        let past = kept.past();
        let shared = Arc::new(Shared {
            chat: chat.to_owned(),
            store,
            kept: Mutex::new(kept),
            changed: Notify::new(),
            done: Notify::new(),
        });
        let mut writer = JoinSet::new();
        if shared.store.is_some() {
            writer.spawn(write(Arc::clone(&shared)));
        }
        let memory = Self {
            shared,
            _writer: writer,
        };
        (memory, past)
    }

    /// A message was given; `is_done` says whether something was done about it.
    pub(crate) fn heard(&self, message: &Message, is_done: bool) {
        if message.id.is_none() && message.cursor.is_none() {
            return;
        }
        let mut kept = self.shared.kept();
        if let Some(id) = &message.id {
            if kept.ids.len() == IDS_MAX {
                kept.ids.pop_front();
            }
            kept.ids.push_back(id.clone());
        }
        if message.cursor.is_some() {
            kept.cursor.clone_from(&message.cursor);
        }
        drop(kept);
        self.shared.changed.notify_one();
        if is_done {
            self.shared.done.notify_one();
        }
    }

    /// Writes it down at last, and gives it.
    pub(crate) async fn end(self) -> Past {
        self.shared.write().await;
        self.shared.kept().past()
    }
}

async fn write(shared: Arc<Shared>) {
    loop {
        shared.changed.notified().await;
        // Not waiting any longer is all there is to it.
        let _ = timeout(LATER, shared.done.notified()).await;
        shared.write().await;
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self) {
        let Some(store) = &self.store else { return };
        let kept = serde_json::to_value(&*self.kept()).expect("texts are JSON");
        if let Err(error) = store.keep_chat(&self.chat, &kept).await {
            let chat = &self.chat;
            warn!(chat, "what was said may be answered again: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_heard_elsewhere_is_not_known_here() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("state.db"))
            .await
            .unwrap();
        let past = Past {
            ids: vec!["1".to_owned()],
            cursor: Some("7".to_owned()),
        };
        let at = async |address: &str, before: Option<Past>| {
            let store = Some(store.clone());
            let (memory, past) = Memory::new(("ops", address), store, before).await;
            (memory.end().await, past).1
        };
        assert_eq!(at("here", Some(past.clone())).await, past);
        assert_eq!(at("here", None).await, past);
        assert_eq!(at("there", None).await, Past::default());
    }
}
