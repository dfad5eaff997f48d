//! From bytes and an offset to lines that match a search. No I/O happens here.

pub mod chronology;
pub mod columns;
mod envelope;
pub mod extent;
pub mod format;
pub mod framing;
pub mod json;
pub mod level;
pub mod list;
pub mod logfmt;
pub mod query;
pub mod record;
pub mod search;
pub mod time;
pub mod value;
