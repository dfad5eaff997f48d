//! `mattermost = { … }`

use birl_chat::Mattermost;
use birl_net::secret::Text as SecretText;
use birl_watch::config::Error;
use serde::Deserialize;
use toml::Spanned;

use super::{ChatKeys, Reading};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MattermostKeys {
    url: Spanned<String>,
    token: SecretText,
    threads: Option<bool>,
}

impl Reading<'_> {
    pub(super) fn mattermost(&self, keys: ChatKeys) -> Result<Mattermost, Error> {
        let rooms = self.rooms_of_invited("mattermost", &keys)?;
        let Some(typed) = keys.mattermost else {
            unreachable!("it is Mattermost since it has one");
        };
        let typed = typed.into_inner();
        let mattermost = Mattermost::new(typed.url.get_ref(), typed.token);
        let mut mattermost = mattermost.map_err(|error| self.at(&typed.url, error.to_string()))?;
        mattermost.threads = typed.threads.unwrap_or(mattermost.threads);
        mattermost.rooms = rooms;
        mattermost.options.ca_file = keys.ca_file;
        if let Some(rate) = &keys.rate {
            mattermost.rate = Some(rate.rate());
        }
        Ok(mattermost)
    }
}
