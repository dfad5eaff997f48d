//! From answers to text, in any [`io::Write`](std::io::Write).
//!
//! In goes what a search or a query found: lines, records, counts, names of sources, rows. Out comes
//! text: one format a module. Each is a [`RenderLine`], a [`RenderRecord`], a [`RenderSource`] or a
//! [`RenderRows`], as it prints lines, records, what is known of whole sources, or rows of an answer,
//! which are Arrow record batches. This crate knows no terminal: whether colours are wanted, how wide
//! a line may be, and whether control characters must be made harmless, is told to it.
//!
//! With the feature `arrow` rows are written as an Arrow IPC stream, with `parquet` as a Parquet file.

mod answer;
#[cfg(feature = "arrow")]
mod arrow;
mod bytes;
mod cell;
mod chart;
mod compact;
mod csv;
mod decimal;
mod entry;
mod fields;
mod flat;
mod harmless;
mod json;
mod logfmt;
mod members;
#[cfg(feature = "parquet")]
mod parquet;
mod pretty;
mod rows;
mod table;
mod template;
mod text;
mod theme;
mod zone;

pub use answer::{Line, RenderLine, RenderSource};
#[cfg(feature = "arrow")]
pub use arrow::ArrowRows;
#[cfg(feature = "picture")]
pub use chart::picture::picture;
pub use chart::spark::{Spark, SparkColumns, Sparks};
pub use chart::{Chart, ChartError, ChartOptions};
pub use compact::compacted;
pub use csv::rows::{CsvRows, CsvRowsOptions};
pub use csv::{Columns, Csv, CsvOptions};
pub use entry::{Entry, Marks, RenderRecord};
pub use fields::{Column, Fields, FieldsError, What};
pub use json::rows::JsonRows;
pub use json::{Json, JsonMatches};
pub use logfmt::Logfmt;
pub use logfmt::rows::LogfmtRows;
#[cfg(feature = "parquet")]
pub use parquet::ParquetRows;
pub use pretty::{Pretty, is_hard_to_read};
pub use rows::RenderRows;
pub use table::{Drawing, Table, TableOptions};
pub use template::rows::TemplateRows;
pub use template::{Template, TemplateError};
pub use text::{Bytes, Styles, Text};
pub use theme::{THEMES, Theme};
pub use zone::DisplayZone;
