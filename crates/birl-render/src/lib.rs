//! From answers to text, in any [`io::Write`](std::io::Write).
//!
//! In goes what a search found: lines, counts, names of sources. Out comes text: one format a
//! module, each a [`Render`]. This crate knows no terminal: whether colours are wanted, and
//! whether control characters must be made harmless, is told to it.

mod answer;
mod decimal;
mod harmless;
mod json;
mod text;

pub use answer::{Line, Render};
pub use json::Json;
pub use text::{Bytes, Styles, Text};
