//! The chats of a file as places for alerts.

use std::collections::BTreeMap;

use async_trait::async_trait;
use birl_chat::{Handle, Post, Posted};
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

    async fn post(
        &self,
        chat: &str,
        room: &str,
        text: String,
        under: Option<&places::Posted>,
    ) -> Result<places::Posted, String> {
        let handle = self.handle(chat)?;
        // However many alerts there are, whoever asks is answered first.
        let post = Post::alert(room, text);
        let delivered = match under {
            Some(under) => {
                let delivered = handle.deliver(post.clone().under(&known(under))).await;
                match delivered {
                    // What it was to stand under may be gone.
                    Err(error) if error.is_denied() => handle.deliver(post).await,
                    delivered => delivered,
                }
            }
            None => handle.deliver(post).await,
        };
        let posted = delivered.map_err(|error| error.to_string())?;
        Ok(places::Posted {
            room: posted.room().to_owned(),
            ids: posted.ids().to_vec(),
        })
    }

    async fn edit(
        &self,
        chat: &str,
        posted: &places::Posted,
        text: String,
    ) -> Result<bool, String> {
        let posted = known(posted);
        let post = Post::alert(posted.room(), text);
        match self.handle(chat)?.replace(&posted, post).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_denied() || error.is_unsupported() => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Rooms {
    fn handle(&self, chat: &str) -> Result<&Handle, String> {
        let handle = self.0.get(chat).and_then(Option::as_ref);
        handle.ok_or_else(|| "nobody is connected to it".to_owned())
    }
}

/// A message as its service knows it.
fn known(posted: &places::Posted) -> Posted {
    Posted::of(posted.room.clone(), posted.ids.clone())
}
