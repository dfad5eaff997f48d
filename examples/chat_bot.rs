//! A bot that greets and counts, in any chat that speaks JSON over a WebSocket:
//! `cargo run --example chat_bot wss://chat.example.org/socket`

use std::collections::HashMap;

use birl::chat::{Error, Json, connect};
use birl::prelude::*;

/// Reacts to the messages at `url` for as long as the service lets us in. Connections that are lost are
/// made again, and what is said twice is answered once.
pub async fn run(url: &str) -> Result<(), Error> {
    let mut json = Json::new(url)?;
    json.me = Some("birl".to_owned());
    let mut chat = connect(json);
    let mut counts: HashMap<String, u64> = HashMap::new();
    while let Some(message) = chat.next().await {
        let message = message?;
        let count = counts.entry(message.sender.clone()).or_default();
        *count += 1;
        let answer = match message.text.split_whitespace().next() {
            Some("hello") => format!("Hello, {}.", message.sender),
            Some("!count") => format!("{} messages of {} so far", count, message.sender),
            _ => continue,
        };
        message.reply(answer).await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let url = std::env::args().nth(1).expect("usage: chat_bot URL");
    run(&url).await
}
