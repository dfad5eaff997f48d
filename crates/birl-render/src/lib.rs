//! From answers to text, in any [`io::Write`](std::io::Write).
//!
//! In goes what a search found: lines, records, counts, names of sources. Out comes text: one format
//! a module. Each is a [`RenderLine`], a [`RenderRecord`] or a [`RenderSource`], as it prints lines,
//! records, or what is known of whole sources. This crate knows no terminal: whether colours are
//! wanted, and whether control characters must be made harmless, is told to it.

mod answer;
mod csv;
mod decimal;
mod entry;
mod fields;
mod flat;
mod harmless;
mod json;
mod logfmt;
mod members;
mod pretty;
mod template;
mod text;
mod theme;
mod zone;

pub use answer::{Line, RenderLine, RenderSource};
pub use csv::{Columns, Csv, CsvOptions};
pub use entry::{Entry, Marks, RenderRecord};
pub use fields::{Column, Fields, FieldsError, What};
pub use json::{Json, JsonMatches};
pub use logfmt::Logfmt;
pub use pretty::Pretty;
pub use template::{Template, TemplateError};
pub use text::{Bytes, Styles, Text};
pub use theme::{THEMES, Theme};
pub use zone::DisplayZone;
