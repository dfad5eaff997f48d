//! Chat messages and rules go in, replies come out.
//!
//! - [`config`]: `[chat.NAME]` of `birl.toml`, read and checked;
//! - [`said`]: a message as a record, which rules are asked about;
//! - [`rules`]: which rules a message meets, and what they say;
//! - `rooms`: the chats as places for alerts;
//! - `limits`: who may be answered how often;
//! - [`bot`]: all of that for one chat, and the loop that it lives in.

pub mod bot;
pub mod config;
mod limits;
mod rooms;
pub mod rules;
pub mod said;

pub use bot::{Bot, run};
pub use config::Config;
pub use rooms::Rooms;
pub use said::Said;
