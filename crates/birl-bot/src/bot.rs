//! One chat with its rules, and the loop that it lives in.

use birl_chat::{Event, Events};
use futures::StreamExt;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::limits::{Limit, Limits, Verdict};
use crate::rules::Rules;
use crate::said::Said;

/// Reacts to what is said in one chat.
#[derive(Debug)]
pub struct Bot {
    rules: Rules,
    limits: Limits,
}

impl Bot {
    /// Reacts by `rules`, and to nobody more often than `limit` says.
    pub fn new(rules: Rules, limit: Limit) -> Self {
        Self {
            rules,
            limits: Limits::new(limit),
        }
    }

    /// What is to be said where this was said, in this order. What programs say is not answered, so that
    /// two of them do not talk to each other for ever.
    pub fn react(&mut self, said: &Said, now: Instant) -> Vec<String> {
        if said.is_automatic {
            return Vec::new();
        }
        let replies = self.rules.replies(said);
        if replies.is_empty() {
            return replies;
        }
        match self.limits.judge(&said.sender, now) {
            Verdict::Answer => replies,
            Verdict::Tell => vec![format!("{}: that was too much at once", said.sender)],
            Verdict::Ignore => Vec::new(),
        }
    }
}

/// Lets a bot react to what happens in a chat, which is called `name`, until the chat is over.
///
/// # Errors
///
/// Why the service does not let us in, and will not.
pub async fn run(name: &str, mut bot: Bot, mut events: Events) -> Result<(), birl_chat::Error> {
    while let Some(event) = events.next().await {
        match event {
            Event::Message(message) => {
                for text in bot.react(&Said::of(&message), Instant::now()) {
                    if let Err(error) = message.handle().try_send(message.answer(text)) {
                        warn!(chat = name, "{error}");
                    }
                }
            }
            Event::Ready => info!(chat = name, "connected to {}", events.handle().service()),
            Event::Gap(gap) => {
                let seconds = gap.time.as_secs_f64();
                warn!(chat = name, "gap of {seconds:.1} s: {}", gap.reason);
            }
            Event::Dropped(count) => warn!(chat = name, "{count} messages came too fast"),
            Event::Notice(notice) => info!(chat = name, "{notice}"),
            Event::Failed(error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
