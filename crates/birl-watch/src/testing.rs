//! What the other side of a place is played by in tests.

mod disk;

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) use disk::Disk;

/// A server of HTTP that answers as it is told to, and keeps what it was asked.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

/// A request: its headers in small letters, and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// Answers each request by what `answer` makes of its number and itself: a status line, and headers.
    pub(crate) async fn start(answer: impl Fn(usize, &Asked) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let Some(asked) = read(&mut stream).await else {
                    continue;
                };
                let number = kept.lock().unwrap().len();
                let answer = answer(number, &asked);
                kept.lock().unwrap().push(asked);
                let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
                // Whoever asked may have gone.
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self {
            url,
            requests,
            task,
        }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let headers = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let asked = Asked {
            headers: headers.collect(),
            body: body.to_owned(),
        };
        let len = asked
            .header("content-length")
            .map_or(0, |len| len.parse().unwrap());
        if asked.body.len() == len {
            return Some(asked);
        }
    }
}
