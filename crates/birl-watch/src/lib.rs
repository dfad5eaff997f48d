//! Answers go in, alerts reach places.
//!
//! - [`alert`]: what a rule says when it fires, and when all is well again;
//! - [`place`]: where alerts are sent;
//! - [`places`]: webhooks, chat services, files and commands as such places;
//! - [`store`]: what must not be forgotten, in a file: among it the outbox;
//! - [`deliver`]: from the outbox to the places, until each alert is taken;
//! - [`status`]: how all of that is.

pub mod alert;
pub mod deliver;
pub mod place;
pub mod places;
pub mod status;
pub mod store;

#[cfg(test)]
mod testing;

pub use alert::Alert;
pub use place::{Place, Undelivered};
pub use store::Store;
