//! Rows of an answer as CSV and TSV.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use super::write_text;
use crate::cell::Cell;
use crate::rows::{RenderRows, columns};
use crate::zone::DisplayZone;

/// Rows under a line with the names of the columns.
///
/// They are written as [`Csv`](super::Csv) writes records: null is an empty cell, an empty text `""`,
/// a list or an object JSON. Numbers are written so that they are read back as the same (`NaN`,
/// `inf` and `-inf` too), times as RFC 3339, lengths of time as ISO 8601, bytes as hexadecimal digits.
#[derive(Clone, Debug)]
pub struct CsvRows {
    names: Vec<String>,
    options: CsvRowsOptions,
}

/// How rows of an answer are written as CSV.
#[derive(Clone, Debug)]
pub struct CsvRowsOptions {
    /// What stands between the cells of a row: a comma, a tab.
    pub separator: u8,
    /// The zone that times are shown in.
    pub zone: DisplayZone,
    /// Whether control characters but the tab are shown and not written, as for a terminal.
    pub harmless: bool,
}

impl CsvRows {
    /// Writes rows of these columns.
    #[must_use]
    pub fn new(schema: &Schema, options: CsvRowsOptions) -> Self {
        let fields = schema.fields();
        Self {
            names: fields.iter().map(|field| field.name().clone()).collect(),
            options,
        }
    }

    fn write_text(&self, text: &[u8], out: &mut Vec<u8>) {
        let options = &self.options;
        write_text(text, options.separator, options.harmless, out);
    }

    fn write_cell(&self, cell: &Cell<'_>, out: &mut Vec<u8>) {
        match cell {
            Cell::Text(text) => self.write_text(text.as_bytes(), out),
            Cell::List(_) | Cell::Object(_) | Cell::Other(_) => {
                let mut text = Vec::new();
                cell.write_text(&self.options.zone, &mut text);
                self.write_text(&text, out);
            }
            _ => cell.write_text(&self.options.zone, out),
        }
    }
}

impl RenderRows for CsvRows {
    fn head(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut line = Vec::new();
        for (place, name) in self.names.iter().enumerate() {
            if place > 0 {
                line.push(self.options.separator);
            }
            self.write_text(name.as_bytes(), &mut line);
        }
        line.push(b'\n');
        out.write_all(&line)
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        let columns = columns(batch);
        assert_eq!(columns.len(), self.names.len(), "rows of other columns");
        let mut text = Vec::new();
        for row in 0..batch.num_rows() {
            for (place, values) in columns.iter().enumerate() {
                if place > 0 {
                    text.push(self.options.separator);
                }
                self.write_cell(&values.cell(row), &mut text);
            }
            text.push(b'\n');
        }
        out.write_all(&text)
    }
}
