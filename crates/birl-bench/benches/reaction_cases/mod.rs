//! - `peer`: birl or an echo in a process, and what birl is told to be;
//! - `room`: a service of JSON over a WebSocket, which this process plays;
//! - `times`: what a round has taken.
//!
//! The others are the cases.

mod peer;
pub(crate) mod room;
mod times;

pub(crate) mod busy;
pub(crate) mod irc;
pub(crate) mod json;
