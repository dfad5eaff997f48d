//! The URL, the headers and the secrets of a request.

use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::header::AUTHORIZATION;
pub use hyper::header::{
    ACCEPT, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue,
    LAST_MODIFIED, RANGE,
};
use url::Url;

use crate::error::Error;
use crate::file;
use crate::proxy::bare_host;
pub use crate::secret::Secret;

/// Where a bearer token (RFC 6750) is from. It is read anew for each request, so that it may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// The token itself: the value of a variable of the environment, for instance.
    Token(Secret),
    /// A file that holds it; white space around it does not count.
    File(PathBuf),
}

impl Bearer {
    /// The token as it is now.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn read(&self) -> Result<Secret, Error> {
        match self {
            Self::Token(token) => Ok(token.clone()),
            Self::File(path) => match file::read_text(path) {
                Ok(text) => Ok(Secret::new(text.trim())),
                Err(error) => Err(Error::io(&format!("read the token in {path:?}"), &error)),
            },
        }
    }
}

/// What is asked for, and by whom.
#[derive(Clone, Debug)]
pub struct Request {
    /// `http`, `https`, `ws` or `wss`, with a host.
    pub url: Url,
    /// Headers to send besides those that the protocol needs; they take precedence over `bearer` and
    /// over the login in the URL. Their values are not shown by `Debug` where they are
    /// [sensitive](HeaderValue::set_sensitive).
    pub headers: HeaderMap,
    /// A token to send as `Authorization: Bearer`.
    pub bearer: Option<Bearer>,
}

impl Request {
    /// Asks for `url` with nothing else.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            headers: HeaderMap::new(),
            bearer: None,
        }
    }

    pub(crate) fn is_secure(&self) -> bool {
        matches!(self.url.scheme(), "https" | "wss")
    }

    /// Whom to connect to.
    ///
    /// # Errors
    ///
    /// If the URL names no host.
    pub(crate) fn peer(&self) -> Result<(String, u16), Error> {
        let host = bare_host(&self.url).ok_or_else(|| Error::request("the URL names no host"))?;
        let port = self.url.port_or_known_default();
        let port = port.ok_or_else(|| Error::request("the URL names no port"))?;
        Ok((host, port))
    }

    /// All headers to send but for those that the protocol needs.
    ///
    /// # Errors
    ///
    /// If the token cannot be read, or cannot be sent.
    pub(crate) fn headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = self.headers.clone();
        if headers.contains_key(AUTHORIZATION) {
            return Ok(headers);
        }
        let value = match (&self.bearer, login(&self.url)) {
            (Some(bearer), _) => format!("Bearer {}", bearer.read()?.reveal()),
            (None, Some(login)) => basic(&login),
            (None, None) => return Ok(headers),
        };
        let value = HeaderValue::from_str(&value)
            .map_err(|_| Error::request("the token cannot stand in a header"))?;
        headers.insert(AUTHORIZATION, sensitive(value));
        Ok(headers)
    }

    /// The same request to where an answer says that it has to go; without its secrets if that is
    /// somebody else.
    pub(crate) fn redirected(&self, location: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::protocol(format!("it redirects to {location:?}: {why}"));
        let mut url = self
            .url
            .join(location)
            .map_err(|error| wrong(&error.to_string()))?;
        // A server of WebSockets may well call itself by the name of the protocol underneath.
        let scheme = match (self.url.scheme(), url.scheme()) {
            ("ws" | "wss", "http") => Some("ws"),
            ("ws" | "wss", "https") => Some("wss"),
            _ => None,
        };
        if let Some(scheme) = scheme {
            let _ = url.set_scheme(scheme);
        }
        let mut redirected = Self {
            url,
            ..self.clone()
        };
        match (self.url.scheme(), redirected.url.scheme()) {
            (from, to) if from == to => {}
            ("ws", "wss") | ("http", "https") => {}
            _ => return Err(wrong("that is less safe, or something else")),
        }
        if (self.url.host(), self.url.port_or_known_default())
            != (
                redirected.url.host(),
                redirected.url.port_or_known_default(),
            )
        {
            redirected.headers = HeaderMap::new();
            redirected.bearer = None;
        }
        Ok(redirected)
    }
}

/// Reads a header as it is typed: `Name: value`. Its value is not shown by `Debug`.
///
/// # Errors
///
/// If it has no colon, or a letter that cannot stand in a header. The message has the name but not
/// the value.
pub fn header(typed: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let Some((name, value)) = typed.split_once(':') else {
        return Err(Error::request(
            "a header is a name and a value with a colon between them",
        ));
    };
    let name = name.trim();
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Error::request(format!("{name:?} is no name of a header")))?;
    let value = HeaderValue::from_str(value.trim())
        .map_err(|_| Error::request(format!("the value of {name:?} cannot stand in a header")))?;
    Ok((parsed, sensitive(value)))
}

/// The user and the password in a URL.
pub(crate) fn login(url: &Url) -> Option<Secret> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let user = decoded(url.username());
    let password = decoded(url.password().unwrap_or_default());
    Some(Secret::new(format!("{user}:{password}")))
}

/// What `Authorization` or `Proxy-Authorization` says of a login (RFC 7617).
pub(crate) fn basic(login: &Secret) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(login.reveal()))
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

/// What stands behind `%`, decoded.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str) -> Request {
        Request::new(Url::parse(url).unwrap())
    }

    fn authorization(request: &Request) -> Option<String> {
        let headers = request.headers().unwrap();
        let value = headers.get(AUTHORIZATION)?;
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_header_takes_precedence_over_a_token_and_a_token_over_a_login() {
        let mut request = request("ws://me:p%40ss@h/");
        // "me:p@ss", as RFC 4648 encodes it.
        assert_eq!(
            authorization(&request).as_deref(),
            Some("Basic bWU6cEBzcw==")
        );
        request.bearer = Some(Bearer::Token(Secret::new("t0k3n")));
        assert_eq!(authorization(&request).as_deref(), Some("Bearer t0k3n"));
        let (name, value) = header("Authorization:  Own").unwrap();
        request.headers.insert(name, value);
        assert_eq!(authorization(&request).as_deref(), Some("Own"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut request = request("ws://h/");
        let (name, value) = header("X-Key: hunter2").unwrap();
        request.headers.insert(name, value);
        request.bearer = Some(Bearer::Token(Secret::new("hunter2")));
        assert!(!format!("{request:?}").contains("hunter2"));
        for wrong in ["hunter2", "X-Key: hunter2\n"] {
            let message = match header(wrong) {
                Err(error) => error.to_string(),
                Ok((_, value)) => format!("{value:?}"),
            };
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn a_redirection_to_somebody_else_takes_no_secrets_along() {
        let mut asked = request("ws://h/a");
        asked.bearer = Some(Bearer::Token(Secret::new("t")));
        let to = |location: &str| asked.redirected(location);
        let same = to("/b").unwrap();
        assert_eq!(
            (same.url.as_str(), same.bearer.is_some()),
            ("ws://h/b", true)
        );
        let other = to("https://i/b").unwrap();
        assert_eq!(
            (other.url.as_str(), other.bearer.is_some()),
            ("wss://i/b", false)
        );
        assert!(request("wss://h/").redirected("ws://h/").is_err());
        assert!(request("https://h/").redirected("ftp://h/").is_err());
    }
}
