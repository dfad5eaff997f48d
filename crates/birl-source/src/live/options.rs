//! How a live source is read.

use std::path::PathBuf;
use std::time::Duration;

use birl_net::Proxies;
use birl_net::request::{Bearer, HeaderMap};

use super::cursor::{CursorPath, Template};

/// How a live source is read. What does not concern its kind is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Headers of requests, besides those that the protocol needs: none by default.
    pub headers: HeaderMap,
    /// A token that is sent as `Authorization: Bearer`: none by default. It is never shown.
    pub bearer: Option<Bearer>,
    /// Messages that are sent on every connection, in this order, before anything is read: none by
    /// default. `{cursor}` in them stands for where the last connection ended.
    pub subscribe: Vec<Template>,
    /// Subprotocols of WebSocket to ask for, the best first: none by default. A server may ignore them.
    pub subprotocols: Vec<String>,
    /// The field of messages that tells where a connection ended: none by default. Without it, nothing
    /// is resumed.
    pub cursor: Option<CursorPath>,
    /// Where the last connection of another process ended, for the first one of a WebSocket or of
    /// server-sent events; or how far it has read a file that is followed over HTTP: none by default.
    pub resume_from: Option<String>,
    /// Whether a file over HTTP is followed as it grows: no by default. It is read to its end then, and
    /// the source is over.
    pub follows: bool,
    /// Whether of a file that is followed over HTTP only what is added to it is wanted: no by default.
    pub from_end: bool,
    /// Whether of a file that is followed over HTTP it is told how far it has been read
    /// ([`Notice::Place`](crate::follow::Notice::Place)): no by default. That may be given to
    /// [`resume_from`](Self::resume_from).
    pub tells_place: bool,
    /// Whether a source is over that is refused for good before it has worked: yes by default. Else it is tried again
    /// as others are.
    pub gives_up: bool,
    /// How soon it is asked again whether a file over HTTP has grown that has: after a second by default.
    /// That doubles each time when it has not.
    pub poll_first: Duration,
    /// How late it is asked at the latest: after ten seconds by default.
    pub poll_max: Duration,
    /// A file of certificates (PEM) to trust besides the authorities of the system: none by default.
    pub ca_file: Option<PathBuf>,
    /// By which proxies others are reached: none by default.
    pub proxies: Proxies,
    /// The most bytes of a message, decompressed: 1 MiB by default. A longer one is left out, and told, whether
    /// it comes over a WebSocket, as an event, as a datagram or with its length before it; one that is more
    /// than 64 times as long, and than 1 GiB, ends the connection. So many bytes are held of a line that has
    /// not ended.
    pub message_bytes_max: usize,
    /// The most bytes that wait to be taken: 8 MiB by default. One message is always let in.
    pub queue_bytes_max: usize,
    /// What is done when so many wait.
    pub overflow: Overflow,
    /// The most connections that a listener has at once: 1024 by default. Each may hold
    /// [`message_bytes_max`](Self::message_bytes_max) and a little more.
    pub connections_max: usize,
    /// How long one attempt to connect may take, from the name to the end of the handshake: 10 seconds
    /// by default.
    pub connect_timeout: Duration,
    /// How long the other side may say nothing before it is asked whether it is there: 30 seconds by
    /// default.
    pub ping_after: Duration,
    /// How long it has to answer, by anything: 20 seconds by default. Then the connection is given up.
    pub pong_timeout: Duration,
    /// The longest wait after the first failure, which doubles with each: half a second by default. The
    /// wait itself is random, from nothing on.
    pub backoff_first: Duration,
    /// The longest wait at all: a minute by default.
    pub backoff_max: Duration,
    /// A connection that has lasted so long counts as healthy: half a minute by default. Only after
    /// such a one is the next attempt made at once, and do waits begin anew.
    pub healthy_after: Duration,
}

/// How longer messages are allowed.
pub(super) const ALLOW_MORE: &str =
    "; --message-max, or message_max in a file of rules, allows more";

impl Options {
    /// What a message is that is longer than messages may be.
    pub(super) fn too_long(&self) -> String {
        format!("longer than {} bytes", self.message_bytes_max)
    }
}

/// What is done when more arrives than is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// Nothing more is read until there is room: the sender has to wait.
    #[default]
    Wait,
    /// What has waited longest is dropped, and a record tells how much.
    DropOldest,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            headers: HeaderMap::new(),
            bearer: None,
            subscribe: Vec::new(),
            subprotocols: Vec::new(),
            cursor: None,
            resume_from: None,
            follows: false,
            from_end: false,
            tells_place: false,
            gives_up: true,
            poll_first: Duration::from_secs(1),
            poll_max: Duration::from_secs(10),
            ca_file: None,
            proxies: Proxies::default(),
            message_bytes_max: 1 << 20,
            queue_bytes_max: 8 << 20,
            overflow: Overflow::Wait,
            connections_max: 1024,
            connect_timeout: Duration::from_secs(10),
            ping_after: Duration::from_secs(30),
            pong_timeout: Duration::from_secs(20),
            backoff_first: Duration::from_millis(500),
            backoff_max: Duration::from_secs(60),
            healthy_after: Duration::from_secs(30),
        }
    }
}
