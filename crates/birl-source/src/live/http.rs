//! What a server of HTTP gives: `http://` and `https://`. A file, which may grow, or events (SSE).

mod download;
mod events;
mod growing;
mod place;

use std::time::Duration;

use birl_net::http::{self, Answer};
use birl_net::request::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, Request};
use birl_net::{Connector, Error};
use bytes::{Bytes, BytesMut};
use tokio::time::timeout;
use url::Url;

use super::cursor::Template;
use super::options::Options;
use super::sink::Sink;
use crate::content::{Content, DETECT_BYTES, detect};
use crate::link::Persistence;
use download::Download;
pub(super) use events::EVENT_ID;
use events::Feed;
use growing::Growing;
pub(super) use place::Place;

/// What tells a server where the last connection ended.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The type of a stream of server-sent events.
const EVENT_STREAM: &str = "text/event-stream";

/// Reads what is at `template`: events, for ever; or a file, to its end. It was not read for as long as is
/// `missing` before.
pub(super) async fn run(template: &Template, options: &Options, sink: &Sink, missing: Duration) {
    let server = Server {
        connector: Connector::new(options.proxies.clone(), options.ca_file.clone()),
        template,
        options,
    };
    let mut persistence = Persistence::new(options, sink);
    let place = options.resume_from.as_deref().and_then(Place::parse);
    if let (true, Some(place)) = (options.follows, place) {
        return Growing::new(&server, persistence, sink)
            .read_on(place, missing)
            .await;
    }
    let answer = loop {
        match server.begin().await {
            Ok(answer) => break answer,
            Err(error) => {
                if !persistence.refused(error.into()).await {
                    return;
                }
            }
        }
    };
    persistence.resumed();
    if is_events(&answer) {
        return Feed::new(&server, persistence, sink).read(answer).await;
    }
    if !options.follows {
        return Download::new(&server, persistence, sink)
            .read(Bytes::new(), answer)
            .await;
    }
    let mut answer = answer;
    let head = head_of(&mut answer).await;
    match detect(&head) {
        Content::Text { .. } => {
            Growing::new(&server, persistence, sink)
                .read(head, answer)
                .await;
        }
        _ => {
            sink.notice("it is no plain text, and so is read to its end and not followed");
            Download::new(&server, persistence, sink)
                .read(head, answer)
                .await;
        }
    }
}

/// How a file begins; what is wrong behind that comes up when more is read.
async fn head_of(answer: &mut Answer) -> Bytes {
    let mut head = BytesMut::new();
    while head.len() < DETECT_BYTES
        && let Ok(Some(bytes)) = answer.chunk().await
    {
        head.extend_from_slice(&bytes);
    }
    head.freeze()
}

fn is_events(answer: &Answer) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(EVENT_STREAM)
}

/// Whom to ask, and how.
struct Server<'a> {
    connector: Connector,
    template: &'a Template,
    options: &'a Options,
}

impl Server<'_> {
    /// Asks for the first time: to go on where another process ended, where that is known.
    async fn begin(&self) -> Result<Answer, Error> {
        let cursor = self.options.resume_from.as_deref();
        let id = cursor.and_then(|cursor| HeaderValue::from_str(cursor).ok());
        let id = id.map(|id| (LAST_EVENT_ID, id));
        self.get(cursor, id.into_iter().collect()).await
    }

    /// Asks once, with some headers more.
    async fn get(
        &self,
        cursor: Option<&str>,
        more: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<Answer, Error> {
        let url = Url::parse(&self.template.fill_url(cursor)).map_err(|error| {
            // Only a cursor can make it wrong: it was read before.
            Error::request(format!("the URL with the cursor is wrong: {error}"))
        })?;
        let mut request = Request {
            headers: self.options.headers.clone(),
            bearer: self.options.bearer.clone(),
            ..Request::new(url)
        };
        let accept = (ACCEPT, HeaderValue::from_static("text/event-stream, */*"));
        for (name, value) in more.into_iter().chain([accept]) {
            request.headers.entry(name).or_insert(value);
        }
        let answer = http::get(&self.connector, request);
        match timeout(self.options.connect_timeout, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::timeout(self.options.connect_timeout)),
        }
    }
}
