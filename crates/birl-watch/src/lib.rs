//! Answers go in, alerts reach places.
//!
//! - [`alert`]: what a rule says when it fires, and when all is well again;
//! - [`place`]: where alerts are sent.

pub mod alert;
pub mod place;

pub use alert::Alert;
pub use place::{Place, Undelivered};
