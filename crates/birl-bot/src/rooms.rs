//! The chats of a file as places for alerts.

use std::collections::BTreeMap;

use async_trait::async_trait;
use birl_chat::{Handle, Post, Urgency};
use birl_watch::places;

/// The chats that we take part in, by their names. A chat that is only known by name takes nothing.
#[derive(Debug, Default)]
pub struct Rooms(BTreeMap<String, Option<Handle>>);

impl Rooms {
    /// Chats of these names, none of which is connected.
    pub fn of_names(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| (name, None)).collect())
    }

    /// Chats that are connected, or will be.
    pub fn new(chats: impl IntoIterator<Item = (String, Handle)>) -> Self {
        let chats = chats.into_iter();
        Self(chats.map(|(name, handle)| (name, Some(handle))).collect())
    }
}

#[async_trait]
impl places::Rooms for Rooms {
    fn chats(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    async fn post(&self, chat: &str, room: &str, text: String) -> Result<(), String> {
        let Some(Some(handle)) = self.0.get(chat) else {
            return Err("nobody is connected to it".to_owned());
        };
        let mut post = Post::new(room, text);
        // However many alerts there are, whoever asks is answered first.
        post.urgency = Urgency::Alert;
        handle
            .deliver(post)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    }
}
