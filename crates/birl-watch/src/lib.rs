//! Answers go in, alerts reach places.
//!
//! - [`alert`]: what a rule says when it fires, and when all is well again;
//! - [`place`]: where alerts are sent;
//! - [`places`]: webhooks, chat services, files and commands as such places.

pub mod alert;
pub mod place;
pub mod places;

#[cfg(test)]
mod testing;

pub use alert::Alert;
pub use place::{Place, Undelivered};
