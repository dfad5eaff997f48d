//! An address goes in, a connection comes out: over TCP, TLS and proxies, and of it HTTP and
//! WebSockets.
//!
//! This crate knows sockets and nothing of logs. Its modules, in the order in which a connection
//! is made:
//!
//! - [`proxy`]: what the environment says of proxies;
//! - [`tls`]: whom a TLS connection trusts;
//! - [`connect`]: an address → a connection, by way of a proxy where one is due;
//! - [`mod@file`]: small files that are read whole;
//! - [`secret`]: texts that are never shown;
//! - [`request`]: the URL, the headers and the secrets of a request;
//! - [`http`]: a connection → the answer to a request, and what is posted; connections that are kept;
//! - [`websocket`]: a connection → messages in both directions;
//! - [`left_out`]: messages that are not passed on;
//! - [`error`]: what went wrong.
//!
//! Nothing here tries again: who asks knows best when.

pub mod connect;
pub mod error;
pub mod file;
pub mod http;
pub mod left_out;
pub mod proxy;
pub mod request;
pub mod secret;
pub mod tls;
pub mod websocket;

pub use connect::{Connection, Connector};
pub use error::Error;
pub use left_out::LeftOut;
pub use proxy::Proxies;
pub use request::Request;
pub use secret::Secret;
