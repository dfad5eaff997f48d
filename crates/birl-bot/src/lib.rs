//! Chat messages and rules go in, replies come out.
//!
//! - [`config`]: `[chat.NAME]` of `birl.toml`, read and checked;
//! - [`record`]: a message as a record, which rules are asked about;
//! - [`rules`]: which rules a message meets, and what they say;
//! - [`command`]: what people can ask for, and who may;
//! - [`executor`]: where that is done: logs are asked, and rules that run are talked to;
//! - [`answer`]: what has been found, in lines and as a picture, and [`pages`]: in pieces that fit a room;
//! - `workers`: what is done beside the loop that reads on, and `progress`: how far it is;
//! - `memory`: what a chat has been given, kept over a restart;
//! - `rooms`: the chats as places for alerts;
//! - `harmless`: what is said, so that it calls nothing;
//! - `limits`: who may be answered how often;
//! - [`bot`]: all of that for one chat, and the loop that it lives in;
//! - [`chats`]: all chats of a file, also when that changes.

pub mod answer;
pub mod bot;
pub mod chats;
pub mod command;
pub mod config;
pub mod executor;
mod harmless;
mod limits;
mod memory;
pub mod pages;
mod progress;
pub mod record;
mod rooms;
pub mod rules;
mod workers;

pub use answer::Answer;
pub use bot::{Bot, run};
pub use chats::Chats;
pub use config::Config;
pub use executor::Executor;
pub use record::MessageRecord;
pub use rooms::Rooms;
