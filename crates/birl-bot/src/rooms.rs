//! The chats of a file as places for alerts.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use birl_chat::{Handle, Post, Posted};
use birl_watch::config::Error;
use birl_watch::{Config as Watched, places};

use crate::chats::Shared;
use crate::config::Config;
use crate::harmless::harmless;

/// The chats that we take part in, by their names.
#[derive(Debug, Default)]
pub struct Rooms {
    /// What stands before commands in each.
    prefixes: BTreeMap<String, String>,
    /// Those that are talked in; nothing can be said without.
    chats: Option<Arc<Shared>>,
}

impl Rooms {
    /// The chats of a file, none of which is connected.
    pub fn of_file(config: &Config) -> Self {
        let chats = config.chats.iter();
        let prefixes = chats.map(|chat| (chat.name.clone(), chat.commands.prefix.clone()));
        Self {
            prefixes: prefixes.collect(),
            chats: None,
        }
    }

    /// The chats of a file that are talked in, or will be.
    pub(crate) fn of_chats(config: &Config, chats: &Arc<Shared>) -> Self {
        Self {
            chats: Some(Arc::clone(chats)),
            ..Self::of_file(config)
        }
    }

    fn handle(&self, chat: &str) -> Result<Handle, String> {
        let chats = self.chats.as_ref();
        let handle = chats.and_then(|chats| chats.handles().get(chat).cloned());
        handle.ok_or_else(|| "nobody is connected to it".to_owned())
    }

    /// What is said of an alert in a chat: there may be anything in it that stands in a log.
    fn harmless(&self, chat: &str, text: &str) -> String {
        let prefix = self.prefixes.get(chat).map_or("", String::as_str);
        harmless(text, prefix)
    }
}

#[async_trait]
impl places::Rooms for Rooms {
    fn chats(&self) -> Vec<String> {
        self.prefixes.keys().cloned().collect()
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
        let post = Post::alert(room, self.harmless(chat, &text));
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
        let post = Post::alert(posted.room(), self.harmless(chat, &text));
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
