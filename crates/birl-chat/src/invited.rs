//! What services have in common that a bot is invited to, and that take posts over HTTP.

use birl_net::request::Bearer;
use birl_net::websocket::{self, WebSocket};
use birl_net::{Connector, Error as NetError, Request};
use birl_source::live::{Options, Overflow};
use serde_json::Value;
use url::Url;

use crate::call::Outcome;
use crate::error::Error;
use crate::message::{File, Message, Post};
use crate::service::{Abilities, Rate};
use crate::split;

/// How their connections are kept: they end that of whoever does not read.
pub(crate) fn options() -> Options {
    Options {
        overflow: Overflow::DropOldest,
        ..Options::default()
    }
}

/// What they can do.
pub(crate) fn abilities(text_bytes_max: usize, rate: Option<Rate>) -> Abilities {
    Abilities {
        threads: true,
        edits: true,
        lines: true,
        files: true,
        text_bytes_max,
        rate,
        rate_by_room: true,
    }
}

/// Where an API is, so that what is [joined](join) to it goes behind it.
///
/// # Errors
///
/// If it is no URL of HTTP.
pub(crate) fn base(typed: &str) -> Result<Url, Error> {
    let parsed = Url::parse(&format!("{}/", typed.trim_end_matches('/')));
    if let Ok(url) = &parsed
        && !(url.username().is_empty() && url.password().is_none())
    {
        return Err(Error::config("a login in the URL of an API is of no use"));
    }
    let wrong = |why: &str| Error::config(format!("cannot connect to {typed:?}: {why}"));
    let url = parsed.map_err(|error| wrong(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(wrong("it is not https://")),
    }
}

/// What is behind the URL of an API.
pub(crate) fn join(base: &Url, path: &str) -> Url {
    base.join(path).expect("a path goes behind any URL")
}

/// The URL of a WebSocket that an API tells of, if it is as safe as that.
pub(crate) fn socket_url(api: &Url, told: &str) -> Option<Url> {
    let url = Url::parse(told).ok()?;
    let is_safe = match url.scheme() {
        "wss" => true,
        // A server on this machine, for tests.
        "ws" => api.scheme() == "http",
        _ => false,
    };
    is_safe.then_some(url)
}

/// The URL that an API says a file is to be put to, if it is as safe as that.
pub(crate) fn upload_url(api: &Url, told: &str) -> Option<Url> {
    let url = Url::parse(told).ok()?;
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && api.scheme() == "http";
    is_safe.then_some(url)
}

/// Connects to a WebSocket.
pub(crate) async fn socket(
    connector: &Connector,
    url: Url,
    bearer: Option<Bearer>,
    options: &Options,
) -> Result<WebSocket, NetError> {
    let request = Request {
        headers: options.headers.clone(),
        bearer,
        ..Request::new(url)
    };
    let asked = websocket::Options {
        message_bytes_max: options.message_bytes_max,
        ..Default::default()
    };
    WebSocket::connect(connector, request, &asked).await
}

/// Whether a room is one of those that are listened in: all, where there are none. It may be called by its
/// id, and by its name with a sign before it.
pub(crate) fn is_listened_in(rooms: &[String], id: &str, name: Option<&str>) -> bool {
    let is_meant = |room: &String| {
        room == id || name.is_some_and(|name| room.trim_start_matches(['#', '~']) == name)
    };
    rooms.is_empty() || rooms.iter().any(is_meant)
}

/// Whether those rooms are listened in where `message` was said, which has that id.
pub(crate) fn is_heard(rooms: &[String], id: Option<&str>, message: &Message) -> bool {
    let name = message.room.trim_start_matches('#');
    message.is_private || is_listened_in(rooms, id.unwrap_or_default(), Some(name))
}

/// What is said of `post`, whose text is `text` by now, in pieces. One that is edited stays one: it was
/// looked at before whether that fits.
pub(crate) fn pieces<'t>(post: &Post, text: &'t str, text_bytes_max: usize) -> Vec<&'t str> {
    let mut pieces = split::pieces(text.trim_end(), text_bytes_max);
    if post.edits().is_some() {
        pieces.truncate(1);
    }
    pieces
}

/// The same where a file goes with a piece of it: there is one at least then.
pub(crate) fn pieces_with_file<'t>(
    post: &Post,
    text: &'t str,
    text_bytes_max: usize,
) -> Vec<&'t str> {
    let mut pieces = pieces(post, text, text_bytes_max);
    if post.file.is_some() && pieces.is_empty() {
        pieces.push("");
    }
    pieces
}

/// The file that goes with a piece of a post: with the last.
pub(crate) fn file_of<'p>(post: &'p Post, pieces: &[&str], at: usize) -> Option<&'p File> {
    post.file.as_ref().filter(|_| at + 1 == pieces.len())
}

/// A message that was taken, of which an answer tells these fields.
pub(crate) fn taken(answer: &Value, id: &str, room: &str) -> Outcome {
    let text = |name: &str| answer[name].as_str().map(str::to_owned);
    Outcome::Taken {
        id: text(id),
        room: text(room),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_is_http_without_a_login_and_its_sockets_are_as_safe() {
        let api = base("https://h/api").unwrap();
        assert_eq!(join(&api, "a.b").as_str(), "https://h/api/a.b");
        assert!(socket_url(&api, "wss://h/").is_some());
        assert!(socket_url(&api, "ws://h/").is_none());
        assert!(socket_url(&base("http://h").unwrap(), "ws://h/").is_some());
        for typed in ["ws://h", "h", "https://me:hunter2@h"] {
            let error = base(typed).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn rooms_are_meant_by_name_or_id() {
        let rooms = ["#ops", "~dev", "C7"].map(str::to_owned);
        for (id, name, expected) in [
            ("C1", Some("ops"), true),
            ("C2", Some("dev"), true),
            ("C7", None, true),
            ("C3", Some("other"), false),
            ("C3", None, false),
        ] {
            assert_eq!(is_listened_in(&rooms, id, name), expected, "{id}");
        }
        assert!(is_listened_in(&[], "C3", None));
    }

    #[tokio::test]
    async fn what_is_said_to_us_alone_is_heard_whatever_the_rooms_are() {
        let token = || "env:TOKEN".parse().unwrap();
        let chat = crate::connect(crate::Slack::new(token(), token()));
        let mut message = Message::new(chat.handle().clone(), Default::default());
        message.room = "#dev".to_owned();
        let rooms = |room: &str| [room.to_owned()];
        assert!(is_heard(&rooms("dev"), None, &message));
        assert!(is_heard(&rooms("C7"), Some("C7"), &message));
        assert!(!is_heard(&rooms("C7"), Some("C8"), &message));
        message.is_private = true;
        assert!(is_heard(&rooms("C7"), Some("C8"), &message));
    }
}
