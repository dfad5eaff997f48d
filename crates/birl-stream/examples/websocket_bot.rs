//! A chat bot that reacts to WebSocket messages as they arrive, and comes back when the connection
//! is lost.

#![expect(clippy::print_stdout, reason = "examples print")]

use std::error::Error;
use std::time::Duration;

use birl_stream::prelude::*;
use reconnect::Event;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

/// What the bot has to say to a message, if anything.
fn reply(text: &str) -> Option<String> {
    match text.split_once(' ').unwrap_or((text, "")) {
        ("!ping", _) => Some("pong".to_owned()),
        ("!greet", name) => Some(format!("Hello, {name}!")),
        _ => None,
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: websocket_bot URL")?;

    let connect = |_| {
        let url = url.clone();
        async move { Ok(connect_async(url).await?.0) }
    };
    let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30)).tries_max(10);
    let mut chat = reconnect(connect, backoff);
    while let Some(event) = chat.next().await {
        match event {
            Event::Up => println!("Connected"),
            Event::Item(Message::Text(text)) => {
                if let (Some(reply), Some(mut socket)) = (reply(&text), chat.connection()) {
                    println!("{text} -> {reply}");
                    // That the connection is lost shows in the next event.
                    let _ = socket.send(Message::text(reply)).await;
                }
            }
            Event::Item(_) => {}
            Event::Down { error, .. } => match error {
                Some(error) => println!("Lost: {error}"),
                None => println!("Lost"),
            },
        }
    }
    Err(format!("cannot connect to {url} any more").into())
}
