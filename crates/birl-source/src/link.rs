//! What keeps a connection: how it is made, when it is made again, and whether the other side is there.
//!
//! Live sources ([`live`](crate::live)) stand on it, and so does whoever talks to services in both
//! directions. What goes over the connection is theirs.

mod failure;
mod persistence;
mod silence;

use birl_net::request::Request;
use birl_net::websocket::{self, WebSocket};
use birl_net::{Connector, Error};
use url::Url;

pub use failure::Failure;
pub use persistence::{Gap, Listener, Persistence};
pub use silence::{Due, Silence};

use crate::live::{Options, Template};

/// Connects to the WebSocket at `template`, as `options` say. Dropping the future gives up; how long it
/// may take is for the caller to limit.
///
/// # Errors
///
/// If there is no connection, or the server does not agree to speak WebSocket over it.
pub async fn websocket(
    connector: &Connector,
    template: &Template,
    cursor: Option<&str>,
    options: &Options,
) -> Result<WebSocket, Error> {
    let url = Url::parse(&template.fill_url(cursor)).map_err(|error| {
        // Only a cursor can make it wrong: it was read before.
        Error::request(format!("the URL with the cursor is wrong: {error}"))
    })?;
    let request = Request {
        headers: options.headers.clone(),
        bearer: options.bearer.clone(),
        ..Request::new(url)
    };
    let asked = websocket::Options {
        message_bytes_max: options.message_bytes_max,
        subprotocols: options.subprotocols.clone(),
        ..Default::default()
    };
    WebSocket::connect(connector, request, &asked).await
}
