//! What is asked over HTTP, beside a connection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use birl_net::request::{Bearer, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use birl_net::secret::Secret;
use birl_net::{Connector, Error as NetError, Request, http};
use birl_source::link::Failure;
use bytes::Bytes;
pub use http::Method;
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use crate::message::File;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest answer that is read: what a service says of itself may be long.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// So much of an answer is told.
const TOLD_CHARS_MAX: usize = 200;

/// A request over HTTP. It shows no secret.
#[derive(Clone, Debug)]
pub struct Call(Box<Asked>);

#[derive(Clone)]
struct Asked {
    method: Method,
    request: Request,
    body: Bytes,
    then: Option<Arc<Next>>,
    otherwise: Option<Otherwise>,
}

/// What is asked behind an answer, if anything.
type Next = dyn Fn(&Reply) -> Option<Call> + Send + Sync;

/// What becomes of a post of which a call is not taken.
#[derive(Clone, Debug)]
pub(crate) enum Otherwise {
    /// This is asked instead.
    Call(Call),
    /// It has been said without.
    Nothing,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked")
            .field("method", &self.method)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// Parts of a form are told apart by this, with a number that no part has in it.
const BOUNDARY: &str = "birl-part";

impl Call {
    /// Asks for what a URL names.
    pub fn get(url: Url) -> Self {
        Self(Box::new(Asked {
            method: Method::GET,
            request: Request::new(url),
            body: Bytes::new(),
            then: None,
            otherwise: None,
        }))
    }

    /// Posts JSON.
    pub fn post(url: Url, body: &Value) -> Self {
        Self::with_body(Method::POST, url, body)
    }

    /// Sends JSON by another method.
    pub fn with_body(method: Method, url: Url, body: &Value) -> Self {
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        let mut call = Self::get(url).header(CONTENT_TYPE, json);
        call.0.method = method;
        call.0.body = body.to_string().into();
        call
    }

    /// Posts a file as it is.
    pub fn upload(url: Url, file: &File) -> Self {
        let mut call = Self::get(url).header(CONTENT_TYPE, HeaderValue::from_static(file.mime));
        call.0.method = Method::POST;
        call.0.body = file.bytes.clone();
        call
    }

    /// Posts JSON and a file as the parts of a form, which have these names.
    pub fn form(url: Url, (json_name, json): (&str, &Value), (name, file): (&str, &File)) -> Self {
        let json = json.to_string();
        let has = |whole: &[u8], part: &str| memchr::memmem::find(whole, part.as_bytes()).is_some();
        let mut boundaries = (0_u64..).map(|number| format!("{BOUNDARY}-{number}"));
        let boundary = boundaries
            .find(|it| !has(json.as_bytes(), it) && !has(&file.bytes, it))
            .expect("a form is no longer than there are numbers");
        let File { mime, .. } = file;
        // It is a name of ours.
        let file_name = file.name.replace(['"', '\r', '\n'], "_");
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{json_name}\"\r\n\
             Content-Type: application/json\r\n\r\n{json}\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\
             Content-Type: {mime}\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(&file.bytes);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"));
        let kind = kind.expect("a boundary is letters and digits");
        let mut call = Self::get(url).header(CONTENT_TYPE, kind);
        call.0.method = Method::POST;
        call.0.body = body.into();
        call
    }

    /// The same, and behind its answer what `next` makes of that. The last answer is that of all of them; where that
    /// says that it is to be tried again, it is that one which is asked again.
    pub fn then(mut self, next: impl Fn(&Reply) -> Option<Self> + Send + Sync + 'static) -> Self {
        self.0.then = Some(Arc::new(next));
        self
    }

    /// The same, and where a post is not taken by it, nor by what is asked [behind it](Self::then), `other` is asked
    /// instead: so that a text is said where its picture cannot be shown.
    pub fn otherwise(mut self, other: Self) -> Self {
        self.0.otherwise = Some(Otherwise::Call(other));
        self
    }

    /// The same, and where a post is not taken by it, nor by what is asked [behind it](Self::then), the post goes on:
    /// this is more than it has to say.
    pub fn dispensable(mut self) -> Self {
        self.0.otherwise = Some(Otherwise::Nothing);
        self
    }

    /// What becomes of a post where it is not taken by this.
    pub(crate) fn takes_otherwise(&mut self) -> Option<Otherwise> {
        self.0.otherwise.take()
    }

    pub(crate) fn has_otherwise(&self) -> bool {
        self.0.otherwise.is_some()
    }

    /// The same with a token.
    pub fn bearer(mut self, token: &Secret) -> Self {
        self.0.request.bearer = Some(Bearer::Token(token.clone()));
        self
    }

    /// The same with a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.request.headers.insert(name, value);
        self
    }

    #[cfg(test)]
    pub(crate) fn path(&self) -> &str {
        self.0.request.url.path()
    }

    /// Asks once, with what is asked [behind it](Self::then). Dropping the future gives up.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn send(self, connector: &Connector) -> Result<Reply, NetError> {
        self.send_all(connector).await.1
    }

    /// The same, with the call that was asked last, whose answer that is.
    pub(crate) async fn send_all(self, connector: &Connector) -> (Self, Result<Reply, NetError>) {
        let mut call = self;
        loop {
            let answered = call.ask(connector).await;
            let then = call.0.then.as_ref();
            let next = then.and_then(|then| then(answered.as_ref().ok()?));
            match next {
                Some(mut next) => {
                    let before = call.0.otherwise;
                    next.0.otherwise = next.0.otherwise.or(before);
                    call = next;
                }
                None => return (call, answered),
            }
        }
    }

    async fn ask(&self, connector: &Connector) -> Result<Reply, NetError> {
        let Asked {
            method,
            request,
            body,
            ..
        } = &*self.0;
        let asking = async {
            // A post does not wait for a handshake, if there has been one a moment ago.
            let (method, body) = (method.clone(), body.clone());
            let asked = http::ask_again(connector, method, request, body, ANSWER_BYTES_MAX);
            let (answer, body) = asked.await?;
            Ok(Reply {
                status: answer.status(),
                retry_after: answer.retry_after(),
                headers: answer.headers().clone(),
                body,
            })
        };
        let answered = timeout(TIMEOUT, asking).await;
        answered.unwrap_or_else(|_| Err(NetError::timeout(TIMEOUT)))
    }
}

/// The answer to a [`Call`], whatever it says.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
    /// Its body.
    pub body: Bytes,
}

impl Reply {
    /// Whether it has a status from 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Its body, if that is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What it says, where nothing better is known: its status, and how its body begins.
    pub fn words(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let line = body.lines().map(str::trim).find(|line| !line.is_empty());
        match line.filter(|line| !line.starts_with('<')) {
            Some(line) => {
                let told: String = line.chars().take(TOLD_CHARS_MAX).collect();
                format!(
                    "the server answers {}: {}",
                    self.status,
                    told.escape_debug()
                )
            }
            None => format!("the server answers {}", self.status),
        }
    }
}

/// What has become of what was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has been said.
    Taken {
        /// What the service calls the message, where it tells.
        id: Option<String>,
        /// What it calls the room, where that is not as it was called by us.
        room: Option<String>,
    },
    /// It has not, and will not be.
    Denied(String),
    /// It may be, later.
    Later(Later),
}

/// When something may be tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    /// Why not now.
    pub why: String,
    /// After how long: unknown by default. Where it is known, that is not taken for a failure.
    pub after: Option<Duration>,
    /// Nothing may be posted meanwhile, whatever the room.
    pub everywhere: bool,
}

impl Later {
    /// Later, in a room.
    pub fn new(why: impl Into<String>, after: Option<Duration>) -> Self {
        Self {
            why: why.into(),
            after,
            everywhere: false,
        }
    }

    /// What a status says that means so much in any service. What is not implemented (501) will not be
    /// soon.
    pub fn of_status(reply: &Reply) -> Option<Self> {
        let is_passing = matches!(reply.status, 408 | 425 | 429 | 500 | 502..);
        is_passing.then(|| Self::new(reply.words(), reply.retry_after))
    }
}

/// Why a service does not do what it was asked.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) why: String,
    /// It may, later.
    pub(crate) later: Option<Later>,
}

impl Refusal {
    /// What it says of the connection that was to be made. `asked` is what.
    pub(crate) fn failure(self, asked: &str) -> Failure {
        let reason = format!("{asked}: {}", self.why);
        match self.later {
            Some(later) => Failure {
                retry_after: later.after,
                ..Failure::passing(reason)
            },
            None => Failure::lasting(reason),
        }
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal.later {
            Some(later) => Self::Later(later),
            None => Self::Denied(refusal.why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_shows_no_secret() {
        let url = Url::parse("https://h/").unwrap();
        let call = Call::get(url).bearer(&Secret::new("hunter2"));
        assert!(!format!("{call:?}").contains("hunter2"));
    }

    #[test]
    fn an_answer_is_told_on_one_line_and_statuses_tell_what_may_pass() {
        let reply = |status, body: &'static str| Reply {
            status,
            headers: HeaderMap::new(),
            retry_after: None,
            body: Bytes::from_static(body.as_bytes()),
        };
        let cases = [
            (
                503,
                "\n no\u{1b} \nmore",
                "the server answers 503: no\\u{1b}",
                true,
            ),
            (502, "<html>", "the server answers 502", true),
            (501, "", "the server answers 501", false),
            (429, "", "the server answers 429", true),
            (403, "{}", "the server answers 403: {}", false),
            (200, "", "the server answers 200", false),
        ];
        for (status, body, words, is_passing) in cases {
            let reply = reply(status, body);
            assert_eq!(
                (reply.words().as_str(), Later::of_status(&reply).is_some()),
                (words, is_passing)
            );
        }
    }
}
