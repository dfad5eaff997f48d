//! The example of a bot answers.

#[path = "../examples/chat_bot.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a program of its own")]
mod chat_bot;

use futures::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn the_example_answers_each_message_once_over_two_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let said = |id: u32, sender: &str, text: &str| {
        let message = format!(r#"{{"id":{id},"room":"ops","sender":"{sender}","text":"{text}"}}"#);
        Message::text(message)
    };
    let serve = async {
        let mut answers = Vec::new();
        for life in 0..2 {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = accept_async(stream).await.unwrap();
            socket.send(said(1, "ann", "hello there")).await.unwrap();
            socket.send(said(2, "birl", "hello")).await.unwrap();
            socket.send(said(3 + life, "ann", "!count")).await.unwrap();
            for _ in 0..2 - life {
                answers.push(socket.next().await.unwrap().unwrap().into_text().unwrap());
            }
            socket.close(None).await.unwrap();
            while socket.next().await.is_some() {}
        }
        answers
    };
    let answers = tokio::select! {
        answers = serve => answers,
        ended = chat_bot::run(&url) => panic!("{ended:?}"),
    };
    let expected = [
        "Hello, ann.",
        "2 messages of ann so far",
        "3 messages of ann so far",
    ];
    assert_eq!(
        answers,
        expected.map(|text| format!(r#"{{"room":"ops","text":"{text}"}}"#))
    );
}
