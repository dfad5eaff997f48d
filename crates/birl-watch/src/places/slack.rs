//! `slack = URL`: an incoming webhook of Slack, or of what takes the same.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::chat::{Budget, Parts, SLACK};
use super::post::Poster;
use crate::alert::Alert;
use crate::place::{Place, Undelivered};

/// Slack advises up to 4,000 characters, and cuts at 40,000.
const BUDGET: Budget = Budget {
    headline: 250,
    text: 2000,
    samples: 1400,
    ask: 340,
};

/// Posts a message of text.
#[derive(Debug)]
pub(super) struct Slack {
    pub(super) poster: Poster,
}

#[async_trait]
impl Place for Slack {
    async fn send(&self, alert: &Alert) -> Result<(), Undelivered> {
        self.poster.post(message(alert).to_string()).await
    }
}

fn message(alert: &Alert) -> Value {
    json!({
        "text": Parts::new(alert, &SLACK, &BUDGET).joined("*"),
        // Nobody's server is to be asked for what a log names.
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::testing::{alert, endless};

    #[test]
    fn a_message_says_all_of_the_alert() {
        let mut alert = alert();
        alert.text = "<!here> & co".to_owned();
        assert_eq!(
            message(&alert),
            json!({
                "text": "*FIRING error-burst (service=api)*\n&lt;!here&gt; &amp; co\n\
                         ```\n{\"level\":\"error\",\"message\":\"timeout\"}\n```\n\
                         ```\nbirl --since 14:05 --until 14:06 'level:error' app.log\n```",
                "unfurl_links": false,
                "unfurl_media": false,
            })
        );
    }

    #[test]
    fn the_longest_message_is_within_the_limit() {
        let text = message(&endless())["text"].as_str().unwrap().to_owned();
        assert!((3900..=4000).contains(&text.encode_utf16().count()));
    }
}
