//! `discord = URL`: a webhook of Discord.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::chat::{Budget, MARKDOWN, Parts};
use super::form;
use super::post::Poster;
use crate::alert::{Alert, State};
use crate::place::{Place, Undelivered};

/// An embed has up to 256 characters of title, 4,096 of description, and 6,000 in all.
const BUDGET: Budget = Budget {
    headline: 256,
    text: 2000,
    samples: 1400,
    ask: 690,
};

const RED: u32 = 0x00d3_2f2f;
const GREEN: u32 = 0x0038_8e3c;

/// Posts a message that is an embed.
#[derive(Debug)]
pub(super) struct Discord {
    pub(super) poster: Poster,
}

#[async_trait]
impl Place for Discord {
    async fn send(&self, alert: &Alert) -> Result<(), Undelivered> {
        self.poster.post(message(alert).to_string()).await
    }
}

fn message(alert: &Alert) -> Value {
    let parts = Parts::new(alert, &MARKDOWN, &BUDGET);
    let description = [parts.text, parts.samples, parts.ask].into_iter();
    let description: Vec<_> = description.filter(|part| !part.is_empty()).collect();
    json!({
        "embeds": [{
            "title": parts.headline,
            "description": description.join("\n"),
            "color": match alert.state {
                State::Firing => RED,
                State::Resolved => GREEN,
            },
            "timestamp": form::time(alert.at),
        }],
        // Nobody is pinged, whatever stands in the text.
        "allowed_mentions": { "parse": [] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::testing::{alert, endless};

    #[test]
    fn a_message_says_all_of_the_alert() {
        let mut alert = alert();
        alert.text = "@everyone __boom__".to_owned();
        alert.state = State::Resolved;
        assert_eq!(
            message(&alert),
            json!({
                "embeds": [{
                    "title": "RESOLVED error-burst (service=api)",
                    "description":
                        "@\u{200b}everyone \\_\\_boom\\_\\_\n\
                         ```\n{\"level\":\"error\",\"message\":\"timeout\"}\n```\n\
                         ```\nbirl --since 14:05 --until 14:06 'level:error' app.log\n```",
                    "color": 0x388e3c,
                    "timestamp": "2026-03-14T14:06:00Z",
                }],
                "allowed_mentions": { "parse": [] },
            })
        );
    }

    #[test]
    fn the_longest_message_is_within_the_limits() {
        let message = message(&endless());
        let units = |part: &str| {
            let text = message["embeds"][0][part].as_str().unwrap();
            text.encode_utf16().count()
        };
        assert!((4000..=4096).contains(&units("description")));
        assert!((250..=256).contains(&units("title")));
    }
}
