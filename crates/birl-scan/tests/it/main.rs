//! The crate as its users see it.

mod common;
mod merge;
mod scan;
mod times;
