//! The handshake (RFC 6455, section 4): a request of HTTP that ends in a WebSocket.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hyper::Response;
use hyper::StatusCode;
use hyper::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use ring::rand::{SecureRandom, SystemRandom};

use super::Options;
use super::inflate::Inflater;
use crate::connect::{Connection, Connector};
use crate::error::Error;
use crate::http::{self, REDIRECTS_MAX};
use crate::request::Request;

const KEY: HeaderName = hyper::header::SEC_WEBSOCKET_KEY;
const ACCEPT: HeaderName = hyper::header::SEC_WEBSOCKET_ACCEPT;
const VERSION: HeaderName = hyper::header::SEC_WEBSOCKET_VERSION;
const PROTOCOL: HeaderName = hyper::header::SEC_WEBSOCKET_PROTOCOL;
const EXTENSIONS: HeaderName = hyper::header::SEC_WEBSOCKET_EXTENSIONS;

/// Both sides agree on it (section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A connection over which both sides speak WebSocket.
pub(super) struct Upgraded {
    pub(super) connection: Connection,
    /// What has arrived behind the handshake.
    pub(super) read_ahead: Bytes,
    pub(super) deflate: Option<Inflater>,
    pub(super) subprotocol: Option<String>,
}

/// Connects, and agrees to speak WebSocket.
pub(super) async fn upgrade(
    connector: &Connector,
    mut request: Request,
    options: &Options,
) -> Result<Upgraded, Error> {
    for _ in 0..=REDIRECTS_MAX {
        let peer = request.peer()?;
        let key = key()?;
        let mut headers = request.headers()?;
        ask(&mut headers, &key, options)?;
        let connection = connector
            .connect((&peer.0, peer.1), request.is_secure())
            .await?;
        let (response, upgraded) = http::upgrade(connection, &request.url, headers).await?;
        if let Some(location) = http::redirection(response.status(), response.headers())? {
            request = request.redirected(&location)?;
            continue;
        }
        let Some((connection, read_ahead)) = upgraded else {
            return Err(refused(&response));
        };
        let (deflate, subprotocol) = check(&response, &key, options)?;
        return Ok(Upgraded {
            connection,
            read_ahead,
            deflate,
            subprotocol,
        });
    }
    Err(Error::protocol("it redirects in circles"))
}

/// A key, which shows that the answer is meant for this request.
fn key() -> Result<String, Error> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::request("the system gives no random numbers"))?;
    Ok(BASE64_STANDARD.encode(bytes))
}

fn ask(headers: &mut HeaderMap, key: &str, options: &Options) -> Result<(), Error> {
    let value = |text: &str| {
        HeaderValue::from_str(text)
            .map_err(|_| Error::request(format!("{text:?} cannot stand in a header")))
    };
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(VERSION, HeaderValue::from_static("13"));
    headers.insert(KEY, value(key)?);
    if !options.subprotocols.is_empty() {
        headers.insert(PROTOCOL, value(&options.subprotocols.join(", "))?);
    }
    if options.deflate {
        let offer = HeaderValue::from_static("permessage-deflate; client_max_window_bits");
        headers.insert(EXTENSIONS, offer);
    }
    Ok(())
}

/// Why a server does not agree.
fn refused(response: &Response<hyper::body::Incoming>) -> Error {
    match response.status() {
        status if status.is_success() => Error::protocol(format!(
            "the server answers {status}, and not as a WebSocket"
        )),
        _ => http::refusal(response.status(), response.headers()),
    }
}

/// What a server has agreed to.
fn check<B>(
    response: &Response<B>,
    key: &str,
    options: &Options,
) -> Result<(Option<Inflater>, Option<String>), Error> {
    debug_assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers();
    if !tokens(headers, &UPGRADE).any(|token| token.eq_ignore_ascii_case("websocket")) {
        return Err(Error::protocol(
            "the server agrees to something else than a WebSocket",
        ));
    }
    if headers.get(&ACCEPT).map(HeaderValue::as_bytes) != Some(accept(key).as_bytes()) {
        return Err(Error::protocol(
            "the server's answer belongs to another request",
        ));
    }
    let subprotocol = tokens(headers, &PROTOCOL).next();
    if let Some(chosen) = subprotocol
        && !options.subprotocols.iter().any(|asked| asked == chosen)
    {
        return Err(Error::protocol(format!(
            "the server chose the subprotocol {chosen:?}, which it was not asked for"
        )));
    }
    let deflate = deflate(headers, options)?;
    Ok((deflate, subprotocol.map(str::to_owned)))
}

/// What the server has to answer to `key`.
fn accept(key: &str) -> String {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes());
    BASE64_STANDARD.encode(digest)
}

/// What decompresses messages, where the server compresses (RFC 7692, section 7.1).
fn deflate(headers: &HeaderMap, options: &Options) -> Result<Option<Inflater>, Error> {
    let wrong = |what: &str| {
        Error::protocol(format!(
            "the server wants the extension {what:?}, which it was not asked for"
        ))
    };
    let mut extensions = tokens(headers, &EXTENSIONS);
    let Some(extension) = extensions.next() else {
        return Ok(None);
    };
    if let Some(another) = extensions.next() {
        return Err(wrong(another));
    }
    let mut parts = extension.split(';').map(str::trim);
    if !options.deflate || parts.next() != Some("permessage-deflate") {
        return Err(wrong(extension));
    }
    let mut seen: Vec<&str> = Vec::new();
    for parameter in parts {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (parameter, None),
        };
        let bits = |value: &str| matches!(value.parse(), Ok(8..=15_u8)) && !value.starts_with('0');
        let is_known = match (name, value) {
            ("server_no_context_takeover" | "client_no_context_takeover", None) => true,
            ("server_max_window_bits" | "client_max_window_bits", Some(value)) => bits(value),
            _ => false,
        };
        if !is_known || seen.contains(&name) {
            return Err(wrong(extension));
        }
        seen.push(name);
    }
    Ok(Some(Inflater::new(
        seen.contains(&"server_no_context_takeover"),
    )))
}

/// The elements of a header that is a list.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_the_key_of_the_rfc() {
        // Section 1.3.
        assert_eq!(
            accept("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    fn checked(headers: &[(HeaderName, &str)]) -> Result<(bool, Option<String>), String> {
        let mut response = Response::builder()
            .status(101)
            .header(UPGRADE, "WebSocket")
            .header(ACCEPT, accept("k"));
        for (name, value) in headers {
            response = response.header(name, *value);
        }
        let options = Options {
            subprotocols: vec!["a".to_owned(), "b".to_owned()],
            ..Options::default()
        };
        let checked = check(&response.body(()).unwrap(), "k", &options);
        checked
            .map(|(deflate, protocol)| (deflate.is_some(), protocol))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_may_leave_out_what_it_was_asked_for() {
        assert_eq!(checked(&[]), Ok((false, None)));
        assert_eq!(
            checked(&[(PROTOCOL, "b")]),
            Ok((false, Some("b".to_owned())))
        );
    }

    #[test]
    fn a_server_may_not_add_what_it_was_not_asked_for() {
        for (name, value) in [
            (PROTOCOL, "c"),
            (EXTENSIONS, "x-webkit-deflate-frame"),
            (EXTENSIONS, "permessage-deflate, permessage-deflate"),
            (EXTENSIONS, "permessage-deflate; server_max_window_bits=16"),
            (EXTENSIONS, "permessage-deflate; server_max_window_bits"),
            (EXTENSIONS, "permessage-deflate; unknown"),
            (
                EXTENSIONS,
                "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            ),
        ] {
            let refused = checked(&[(name, value)]).unwrap_err();
            assert!(refused.ends_with("which it was not asked for"), "{refused}");
        }
    }

    #[test]
    fn parameters_of_compression_are_agreed_to() {
        for value in [
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=\"12\"",
            "permessage-deflate;server_max_window_bits=10",
        ] {
            assert_eq!(checked(&[(EXTENSIONS, value)]), Ok((true, None)), "{value}");
        }
    }
}
