//! Rows of an answer as JSON.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use super::string::write_string;
use crate::rows::{RenderRows, columns, unique_names};
use crate::zone::DisplayZone;

/// Rows as JSON, an object a line.
///
/// All columns are members, in their order and whether they are null or not; of columns that are
/// called the same, all but the first have a number behind their name (`count_1`). Numbers are
/// written so that they are read back as the same; those that are none (NaN) or have no end are null.
/// Times are RFC 3339, in the zone or in one of their own, and without an offset where a column has
/// none; lengths of time are ISO 8601 (`PT5M12.5S`), bytes are hexadecimal. What is of a type that
/// birl does not know is a string.
#[derive(Clone, Debug)]
pub struct JsonRows {
    /// What stands before each value: a brace or a comma, the name and a colon.
    before: Vec<Vec<u8>>,
    zone: DisplayZone,
}

impl JsonRows {
    /// Writes rows of these columns, and times in this zone.
    #[must_use]
    pub fn new(schema: &Schema, zone: DisplayZone) -> Self {
        let names = unique_names(schema);
        let before = names.iter().enumerate().map(|(place, name)| {
            let mut before = vec![if place == 0 { b'{' } else { b',' }];
            write_string(name.as_bytes(), &mut before);
            before.push(b':');
            before
        });
        Self {
            before: before.collect(),
            zone,
        }
    }
}

impl RenderRows for JsonRows {
    fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        let columns = columns(batch);
        assert_eq!(columns.len(), self.before.len(), "rows of other columns");
        let mut text = Vec::new();
        for row in 0..batch.num_rows() {
            if columns.is_empty() {
                text.push(b'{');
            }
            for (values, before) in columns.iter().zip(&self.before) {
                text.extend_from_slice(before);
                values.cell(row).write_json(&self.zone, &mut text);
            }
            text.extend_from_slice(b"}\n");
        }
        out.write_all(&text)
    }
}
