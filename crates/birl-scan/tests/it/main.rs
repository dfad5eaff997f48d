//! The crate as its users see it.

mod columns;
mod common;
mod merge;
mod ranges;
mod resume;
mod scan;
mod times;
