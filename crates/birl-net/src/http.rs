//! A connection → the answer to one request of HTTP/1.1.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER, USER_AGENT};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use url::{Position, Url};

use crate::connect::Connection;
use crate::error::Error;

/// So often is a request redirected before it goes in circles.
pub(crate) const REDIRECTS_MAX: usize = 10;

/// What we call ourselves, unless a header says otherwise.
const US: &str = concat!("birl/", env!("CARGO_PKG_VERSION"));

/// Asks to speak something else over `connection`. Where the other side agrees, gives the connection
/// back, with what has arrived behind the answer.
pub(crate) async fn upgrade(
    connection: Connection,
    url: &Url,
    headers: HeaderMap,
) -> Result<(Response<Incoming>, Option<(Connection, Bytes)>), Error> {
    let handshake = http1::handshake(TokioIo::new(connection)).await;
    let (mut sender, connection) = handshake.map_err(|error| failed(&error))?;
    let mut connection = pin!(connection.without_shutdown());
    let request = request(url, headers)?;
    let mut answer = pin!(sender.send_request(request));
    let (response, parts) = tokio::select! {
        // The answer first: where it is whole, the connection is likely to be over too.
        biased;
        response = &mut answer => (response.map_err(|error| failed(&error))?, None),
        parts = &mut connection => {
            let parts = parts.map_err(|error| failed(&error))?;
            (answer.await.map_err(|error| failed(&error))?, Some(parts))
        }
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok((response, None));
    }
    let parts = match parts {
        Some(parts) => parts,
        None => connection.await.map_err(|error| failed(&error))?,
    };
    let upgraded = (parts.io.into_inner(), parts.read_buf);
    Ok((response, Some(upgraded)))
}

/// A request for `url`, which is sent to its own server.
fn request(url: &Url, mut headers: HeaderMap) -> Result<hyper::Request<String>, Error> {
    let wrong =
        |error: &dyn std::fmt::Display| Error::request(format!("the URL is wrong: {error}"));
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    if !headers.contains_key(HOST) {
        headers.insert(
            HOST,
            HeaderValue::from_str(&host).map_err(|error| wrong(&error))?,
        );
    }
    if !headers.contains_key(USER_AGENT) {
        headers.insert(USER_AGENT, HeaderValue::from_static(US));
    }
    let target = match &url[Position::BeforePath..Position::AfterQuery] {
        "" => "/",
        target if target.starts_with('?') => &format!("/{target}"),
        target => target,
    };
    let mut request = hyper::Request::get(target)
        .body(String::new())
        .map_err(|error| wrong(&error))?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Where an answer says that the request has to go instead.
pub(crate) fn redirection<B>(response: &Response<B>) -> Result<Option<String>, Error> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(LOCATION);
    match location.and_then(|location| location.to_str().ok()) {
        Some(location) => Ok(Some(location.to_owned())),
        None => Err(Error::protocol("it redirects to nowhere")),
    }
}

/// What an answer says that is no success.
pub(crate) fn refusal<B>(response: &Response<B>) -> Error {
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| delay(value.to_str().ok()?));
    Error::status(
        status.as_u16(),
        retry_after,
        format!("the server answers {status}"),
    )
}

/// How long `Retry-After` asks to wait (RFC 9110, section 10.2.3). Dates are not understood: they
/// depend on two clocks.
fn delay(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(Duration::from_secs)
}

fn failed(error: &hyper::Error) -> Error {
    use std::error::Error as _;
    if let Some(cause) = error.source().and_then(|cause| cause.downcast_ref()) {
        return Error::io("", cause);
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        let cause = std::io::Error::new(
            std::io::ErrorKind::UnexpectedEof,
            "the server ended the connection without an answer",
        );
        return Error::io("", &cause);
    }
    Error::protocol(format!("the server does not speak HTTP: {error}"))
}
