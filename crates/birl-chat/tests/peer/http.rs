//! Requests of HTTP, as a server that the test plays gets them.

#![allow(dead_code, reason = "not every test needs all of it")]

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use url::form_urlencoded::parse;

/// A request, and whom it is answered to.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Without what stands behind `?`.
    pub(crate) path: String,
    /// What stands behind `?`, or in a form, as an object of texts; or the body, if that is JSON.
    pub(crate) fields: Value,
    /// As it came.
    pub(crate) body: Vec<u8>,
    headers: Vec<(String, String)>,
    stream: TcpStream,
}

impl Asked {
    /// Reads a request; `None` if the other side goes away.
    pub(crate) async fn read(mut stream: TcpStream) -> Option<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let mut first = lines.next().unwrap().split(' ');
        let (method, target) = (first.next().unwrap(), first.next().unwrap());
        let headers: Vec<_> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut asked = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            fields: form(query.as_bytes()),
            body: Vec::new(),
            headers,
            stream,
        };
        let len = asked
            .header("content-length")
            .map(|len| len.parse().unwrap());
        let mut body = vec![0; len.unwrap_or(0)];
        asked.stream.read_exact(&mut body).await.ok()?;
        let kind = asked.header("content-type").unwrap_or_default();
        if kind.starts_with("application/json") && !body.is_empty() {
            asked.fields = serde_json::from_slice(&body).unwrap();
        } else if kind.starts_with("application/x-www-form-urlencoded") && !body.is_empty() {
            asked.fields = form(&body);
        }
        asked.body = body;
        Some(asked)
    }

    /// The parts of a form, each with its head.
    pub(crate) fn parts(&self) -> Vec<(String, Vec<u8>)> {
        let kind = self.header("content-type").unwrap_or_default();
        let Some(boundary) = kind.strip_prefix("multipart/form-data; boundary=") else {
            return Vec::new();
        };
        let boundary = format!("\r\n--{boundary}");
        let whole = [b"\r\n", &self.body[..]].concat();
        let mut parts = Vec::new();
        let mut rest = &whole[..];
        while let Some(at) = find(rest, boundary.as_bytes()) {
            let part = &rest[..at];
            if let Some(end) = find(part, b"\r\n\r\n") {
                let head = String::from_utf8(part[..end].to_vec()).unwrap();
                parts.push((head.trim().to_owned(), part[end + 4..].to_vec()));
            }
            rest = &rest[at + boundary.len()..];
        }
        assert_eq!(rest, b"--\r\n", "a form has an end");
        parts
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Answers with JSON.
    pub(crate) async fn answer(mut self, answer: &Answer) {
        let Answer {
            status,
            headers,
            body,
        } = answer;
        let head = format!(
            "HTTP/1.1 {status} x\r\n{headers}content-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        // The other side may have gone.
        let _ = self.stream.write_all(head.as_bytes()).await;
        let _ = self.stream.write_all(body.as_bytes()).await;
        let _ = self.stream.shutdown().await;
    }

    /// Agrees to speak WebSocket.
    pub(crate) async fn upgrade(mut self) -> TcpStream {
        let key = self.header("sec-websocket-key").unwrap().to_owned();
        let accept = derive_accept_key(key.as_bytes());
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-accept: {accept}\r\n\r\n"
        );
        self.stream.write_all(head.as_bytes()).await.unwrap();
        self.stream
    }

    /// Ends the connection without an answer.
    pub(crate) fn abort(self) {
        let _ = self.stream.set_zero_linger();
    }
}

fn find(whole: &[u8], part: &[u8]) -> Option<usize> {
    whole.windows(part.len()).position(|it| it == part)
}

fn form(text: &[u8]) -> Value {
    let fields = parse(text).map(|(name, value)| (name.into_owned(), Value::from(&*value)));
    Value::Object(fields.collect())
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Each with its end of the line.
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn of(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: String::new(),
            body: body.to_string(),
        }
    }

    pub(crate) fn header(mut self, line: &str) -> Self {
        self.headers += &format!("{line}\r\n");
        self
    }
}
