//! Chat services and messages, in both directions.
//!
//! A [`Service`] goes in, messages come out, and replies go back:
//!
//! ```no_run
//! use birl_chat::{Json, connect};
//! use futures::StreamExt;
//!
//! # async fn run() -> Result<(), birl_chat::Error> {
//! let mut chat = connect(Json::new("wss://chat.example.org/socket")?);
//! while let Some(message) = chat.next().await {
//!     let message = message?;
//!     if message.text == "ping" {
//!         message.reply("pong").await?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! This crate knows protocols, and nothing of logs, queries or rules. Its modules, in the order in which
//! a message passes through them:
//!
//! - [`service`]: what a service is: how it is connected to, read and written;
//! - [`json`]: any service that speaks JSON over a WebSocket;
//! - [`irc`]: IRC, over TCP, TLS or a WebSocket;
//! - [`slack`]: Slack, in Socket Mode;
//! - [`discord`](mod@discord): Discord, whose connections are resumed;
//! - [`mattermost`](mod@mattermost): Mattermost, with its numbered events;
//! - `invited`: what the last three have in common;
//! - `link`: a connection → frames in both directions;
//! - [`call`]: what is asked over HTTP, beside a connection;
//! - `session`: connects, connects again, and lets the service talk;
//! - `seen`: which messages have been passed on already;
//! - `inbox`: what waits to be taken;
//! - [`chat`]: what is taken, and what drives all that;
//! - [`message`]: a message, and what is posted;
//! - `harmless`: what is posted, with nothing in it that is more than text;
//! - `split`: what is posted, in pieces that a service takes;
//! - `outbox`: what waits to be sent, `lanes`: what of it is next, `pace`: how fast it may be, and
//!   `receipts`: what of it has been taken;
//! - [`error`]: what went wrong.
//!
//! # Who reads and writes
//!
//! Whoever waits for the next message does: there is no task between the socket and the reaction, which
//! is what makes it quick. While nobody waits, since a reaction takes long, a task takes over: it
//! answers pings, sends what is posted, and reads on until the inbox is full.

pub mod call;
pub mod chat;
pub mod discord;
pub mod error;
mod harmless;
mod inbox;
mod invited;
pub mod irc;
pub mod json;
mod lanes;
mod link;
pub mod mattermost;
pub mod message;
mod outbox;
mod pace;
mod receipts;
mod seen;
pub mod service;
mod session;
pub mod slack;
mod split;

pub use call::{Call, Later, Outcome, Reply};
pub use chat::{Chat, Event, Events, Handle, connect};
pub use discord::Discord;
pub use error::Error;
pub use harmless::visible;
pub use irc::Irc;
pub use json::Json;
pub use link::Link;
pub use mattermost::Mattermost;
pub use message::{File, Kind, Message, Post, Posted, Urgency};
pub use seen::Past;
pub use service::{Abilities, Frame, Rate, Service, Turn};
pub use slack::Slack;
