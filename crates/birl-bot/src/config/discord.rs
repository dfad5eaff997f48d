//! `discord = { … }`

use birl_chat::Discord;
use birl_net::secret::Text as SecretText;
use birl_watch::config::Error;
use serde::Deserialize;
use toml::Spanned;

use super::{ChatKeys, Reading};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DiscordKeys {
    token: SecretText,
    api: Option<Spanned<String>>,
}

impl Reading<'_> {
    pub(super) fn discord(&self, keys: ChatKeys) -> Result<Discord, Error> {
        let rooms = self.rooms_of_invited("discord", &keys)?;
        let Some(typed) = keys.discord else {
            unreachable!("it is Discord since it has one");
        };
        let typed = typed.into_inner();
        let mut discord = Discord::new(typed.token);
        if let Some(api) = &typed.api {
            let at = discord.at(api.get_ref());
            discord = at.map_err(|error| self.at(api, error.to_string()))?;
        }
        discord.rooms = rooms;
        discord.options.ca_file = keys.ca_file;
        if let Some(rate) = &keys.rate {
            discord.rate = Some(rate.rate());
        }
        Ok(discord)
    }
}
