//! Answers go in, alerts reach places.
//!
//! - [`config`]: `birl.toml`, read and checked;
//! - `sources`: what they read, and how;
//! - `asked`: what a rule asks of its sources, as windows and records;
//! - `judge`: what rules look for in them, by their kinds;
//! - `life`: the life of an alert, from when it fires until it is over;
//! - `engine`: all of that for all rules;
//! - [`template`]: the texts of alerts;
//! - [`alert`]: what a rule says when it fires, and when all is well again;
//! - `place`: where alerts are sent;
//! - [`places`]: webhooks, chat services, files and commands as such places;
//! - [`store`]: what must not be forgotten, in a file: among it the outbox;
//! - [`deliver`]: from the outbox to the places, until each alert is taken;
//! - [`status`]: how all of that is;
//! - [`logs`]: the sources, asked by people now and then;
//! - [`check()`]: what rules would do, in words;
//! - [`control`]: what people ask of rules that run, and tell them;
//! - [`words`]: times and lengths of time for people;
//! - [`run`]: rules over what comes;
//! - [`replay()`]: what rules would have sent about logs of the past;
//! - [`past`]: such logs, also where they can be read only once.

pub mod alert;
mod asked;
mod check;
pub mod config;
pub mod control;
pub mod deliver;
mod engine;
mod judge;
mod life;
pub mod logs;
mod matcher;
pub mod past;
mod place;
pub mod places;
mod replay;
pub mod run;
mod sources;
pub mod status;
pub mod store;
pub mod template;
mod watched;
pub mod words;

#[cfg(test)]
mod testing;

use std::time::Duration;

pub use alert::Alert;
pub use asked::Surroundings;
pub use check::check;
pub use config::Config;
pub use control::Control;
pub use logs::Logs;
pub use matcher::Matcher;
pub use place::{Place, Undelivered};
pub use replay::{Replayed, replay};
pub use store::Store;
pub use watched::Watched;

/// A length of time in nanoseconds; the longest that there is, if it is longer.
fn nanoseconds(length: Duration) -> i64 {
    i64::try_from(length.as_nanos()).unwrap_or(i64::MAX)
}
