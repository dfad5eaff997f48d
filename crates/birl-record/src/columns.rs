//! Columns: what records say, as Arrow arrays.
//!
//! A [`Projection`] says which columns are wanted, and a [`Builder`] takes the records of a chunk,
//! one after the other, and gives a batch with a row for each. A text is a view into the chunk: it is
//! copied only where it is written otherwise than it is meant. The types of fields are known
//! beforehand, from samples ([`Fields`]); what does not fit is null, and counted ([`Misfits`]).

mod builder;
mod cells;
mod fields;
mod misfits;
#[cfg(test)]
mod tests;
mod texts;
mod types;

use std::sync::Arc;

use arrow_schema::{Field, Schema, SchemaRef};

use crate::search::Search;

pub use builder::Builder;
pub use fields::Fields;
pub use misfits::{Misfit, Misfits};
pub use texts::compacted;
pub use types::Type;

/// The names of the columns that every record has, whatever its format.
pub const FIXED: [&str; 7] = [
    "timestamp",
    "level",
    "severity",
    "message",
    "source",
    "offset",
    "line",
];

/// The key of what an Arrow field says of texts that are to be printed as the numbers that they are,
/// where they are numbers.
pub const HAS_NUMBERS: &str = "birl.numbers";

/// What of a record a column says.
#[derive(Clone, Debug)]
pub enum What {
    /// When it was.
    Timestamp,
    /// How bad it is: the level's name in lower case, if the record says one.
    Level,
    /// The same as OpenTelemetry's number, from 1 to 24.
    Severity,
    /// What happened, in words.
    Message,
    /// What its source is called.
    Source,
    /// Where it begins, in bytes from the start of the (decoded) source.
    Offset,
    /// Its text, whole, without the last terminator.
    Line,
    /// The field that a path names ([`Record::get`](crate::record::Record::get)).
    Field(Box<[u8]>),
    /// Whether a search finds it.
    Match(Arc<Search>),
}

/// A column of a batch.
#[derive(Clone, Debug)]
pub struct Column {
    name: String,
    what: What,
    ty: Type,
}

impl Column {
    /// A column of this name. The type is that of a field; all else has a type of its own.
    pub fn new(name: impl Into<String>, what: What, ty: Type) -> Self {
        let ty = match &what {
            What::Timestamp => Type::Timestamp,
            What::Level | What::Message | What::Source | What::Line => Type::Text,
            What::Severity | What::Offset => Type::Int,
            What::Match(_) => Type::Bool,
            What::Field(_) => ty,
        };
        Self {
            name: name.into(),
            what,
            ty,
        }
    }

    /// The column of one of birl's own names ([`FIXED`]); of a field it is one of text.
    pub fn fixed(what: What) -> Self {
        let name = match &what {
            What::Timestamp => "timestamp",
            What::Level => "level",
            What::Severity => "severity",
            What::Message => "message",
            What::Source => "source",
            What::Offset => "offset",
            What::Line => "line",
            What::Field(path) => return Self::field(&String::from_utf8_lossy(path), Type::Text),
            What::Match(_) => "match",
        };
        Self::new(name, what, Type::Text)
    }

    /// The column of a field, as a query names it: `fields.level` is the field `level` of the log.
    pub fn field(name: &str, ty: Type) -> Self {
        let path = name.strip_prefix("fields.").unwrap_or(name);
        Self::new(name, What::Field(path.as_bytes().into()), ty)
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What of a record it says.
    pub fn what(&self) -> &What {
        &self.what
    }

    /// The type of its values.
    pub fn ty(&self) -> &Type {
        &self.ty
    }
}

/// Which columns are wanted, in order.
#[derive(Clone, Debug)]
pub struct Projection {
    columns: Vec<Column>,
    schema: SchemaRef,
}

impl Projection {
    /// These columns, which may be none: then only rows are counted.
    pub fn new(columns: Vec<Column>) -> Self {
        let fields = columns
            .iter()
            .map(|column| Field::new(column.name(), column.ty.data_type(), true));
        let schema = Schema::new(fields.collect::<Vec<_>>());
        Self {
            columns,
            schema: Arc::new(schema),
        }
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The names and the types of the columns, all of which may be null.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Whether the records' times are asked for, by a column or by the search of one.
    pub fn needs_times(&self) -> bool {
        self.columns.iter().any(|column| match &column.what {
            What::Timestamp => true,
            What::Match(search) => search.needs_times(),
            _ => false,
        })
    }

    /// Whether a column says when each record was.
    pub fn has_timestamp(&self) -> bool {
        let mut columns = self.columns.iter();
        columns.any(|column| matches!(column.what, What::Timestamp))
    }
}
