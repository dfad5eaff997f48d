//! The crate as its users see it.

mod columns;
mod common;
mod merge;
mod ranges;
mod scan;
mod times;
