//! Places that are reached over the network, a file or a command, as the configuration names them.
//!
//! A kind of place is a file here; [`Config`] is what a table `[place.NAME]` says of one.

mod alertmanager;
mod chat;
mod command;
mod config;
mod discord;
mod file;
mod form;
mod mattermost;
mod post;
mod room;
mod signature;
mod slack;
mod stdout;
mod webhook;
mod ws;

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex};

use birl_net::Proxies;

pub use config::{Config, Error};
pub use form::VERSION;
pub(crate) use form::json;
pub use room::{Change, NoRooms, Posted, Rooms};

/// What places have of the process that they are in.
#[derive(Clone)]
pub struct Surroundings {
    /// The value of a variable of the environment.
    pub variable: fn(&str) -> Option<String>,
    /// By which proxies others are reached.
    pub proxies: Proxies,
    /// Standard output, for places that are that.
    pub stdout: Arc<Mutex<dyn Write + Send>>,
    /// The chats of the process, for places that are rooms of these.
    pub rooms: Arc<dyn Rooms>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}
