//! `mattermost = URL`: an incoming webhook of Mattermost.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::chat::{Budget, MARKDOWN, Parts};
use super::post::Poster;
use crate::alert::Alert;
use crate::place::{Place, Undelivered};

/// A post has up to 16,383 characters; what is longer is split.
const BUDGET: Budget = Budget {
    headline: 380,
    text: 8000,
    samples: 6000,
    ask: 1990,
};

/// Posts a message of Markdown.
#[derive(Debug)]
pub(super) struct Mattermost {
    pub(super) poster: Poster,
}

#[async_trait]
impl Place for Mattermost {
    async fn send(&self, alert: &Alert) -> Result<(), Undelivered> {
        self.poster.post(message(alert).to_string()).await
    }
}

fn message(alert: &Alert) -> Value {
    json!({ "text": Parts::new(alert, &MARKDOWN, &BUDGET).joined("**") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::testing::{alert, endless};

    #[test]
    fn a_message_says_all_of_the_alert() {
        let mut alert = alert();
        alert.text = "@channel *boom*".to_owned();
        assert_eq!(
            message(&alert),
            json!({
                "text": "**FIRING error-burst (service=api)**\n@\u{200b}channel \\*boom\\*\n\
                         ```\n{\"level\":\"error\",\"message\":\"timeout\"}\n```\n\
                         ```\nbirl --since 14:05 --until 14:06 'level:error' app.log\n```",
            })
        );
    }

    #[test]
    fn the_longest_message_is_within_the_limit() {
        let text = message(&endless())["text"].as_str().unwrap().to_owned();
        assert!((16_000..=16_383).contains(&text.encode_utf16().count()));
    }
}
