//! The chats of a file as places for alerts.

use std::sync::Arc;

use async_trait::async_trait;
use birl_chat::{Handle, Post, Posted};
use birl_watch::config::Error;
use birl_watch::{Config as Watched, places};

use crate::chats::Shared;
use crate::config::Config;

/// The chats that we take part in, by their names.
#[derive(Debug, Default)]
pub struct Rooms {
    names: Vec<String>,
    /// Those that are talked in; nothing can be said without.
    chats: Option<Arc<Shared>>,
}

impl Rooms {
    /// Chats of these names, none of which is connected.
    pub fn of_names(names: impl IntoIterator<Item = String>) -> Self {
        Self {
            names: names.into_iter().collect(),
            chats: None,
        }
    }

    /// The chats of a file that are talked in, or will be.
    pub(crate) fn of_chats(config: &Config, chats: &Arc<Shared>) -> Self {
        Self {
            chats: Some(Arc::clone(chats)),
            ..Self::of_names(config.chats.iter().map(|chat| chat.name.clone()))
        }
    }

    fn handle(&self, chat: &str) -> Result<Handle, String> {
        let chats = self.chats.as_ref();
        let handle = chats.and_then(|chats| chats.handles().get(chat).cloned());
        handle.ok_or_else(|| "nobody is connected to it".to_owned())
    }
}

#[async_trait]
impl places::Rooms for Rooms {
    fn chats(&self) -> Vec<String> {
        self.names.clone()
    }

    fn read(&self, text: &str, config: &Watched) -> Result<Option<Box<dyn places::Change>>, Error> {
        let Some(chats) = &self.chats else {
            return Ok(None);
        };
        Ok(Some(Box::new(chats.read(text, config)?)))
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

/// A message as its service knows it.
fn known(posted: &places::Posted) -> Posted {
    Posted::of(posted.room.clone(), posted.ids.clone())
}
