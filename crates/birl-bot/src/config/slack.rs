//! `slack = { … }`

use birl_chat::Slack;
use birl_net::secret::Text as SecretText;
use birl_watch::config::Error;
use serde::Deserialize;
use toml::Spanned;

use super::{ChatKeys, Reading};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlackKeys {
    app_token: SecretText,
    bot_token: SecretText,
    threads: Option<bool>,
    api: Option<Spanned<String>>,
}

impl Reading<'_> {
    pub(super) fn slack(&self, keys: ChatKeys) -> Result<Slack, Error> {
        let rooms = self.rooms_of_invited("slack", &keys)?;
        let Some(typed) = keys.slack else {
            unreachable!("it is Slack since it has one");
        };
        let typed = typed.into_inner();
        let mut slack = Slack::new(typed.app_token, typed.bot_token);
        if let Some(api) = &typed.api {
            let at = slack.at(api.get_ref());
            slack = at.map_err(|error| self.at(api, error.to_string()))?;
        }
        slack.threads = typed.threads.unwrap_or(slack.threads);
        slack.rooms = rooms;
        slack.options.ca_file = keys.ca_file;
        if let Some(rate) = &keys.rate {
            slack.rate = Some(rate.rate());
        }
        Ok(slack)
    }
}
