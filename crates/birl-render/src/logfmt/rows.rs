//! Rows of an answer as logfmt.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use super::{write_key_part, write_value};
use crate::cell::Cell;
use crate::rows::{RenderRows, columns, unique_names};
use crate::zone::DisplayZone;

/// Rows as pairs, a line a row.
///
/// The pairs are those of [`JsonRows`](crate::JsonRows), in the same order, but for those that are
/// null, which are left out. Of an object each member is a pair (`user.name=ann`); a list is written
/// as JSON. Keys and values are written as [`Logfmt`](super::Logfmt) writes those of records; numbers
/// that are none are `NaN`, and those that have no end `inf` and `-inf`.
#[derive(Clone, Debug)]
pub struct LogfmtRows {
    keys: Vec<Vec<u8>>,
    zone: DisplayZone,
}

impl LogfmtRows {
    /// Writes rows of these columns, and times in this zone.
    #[must_use]
    pub fn new(schema: &Schema, zone: DisplayZone) -> Self {
        let keys = unique_names(schema).into_iter().map(|name| {
            let mut key = Vec::new();
            write_key_part(name.as_bytes(), &mut key);
            key
        });
        Self {
            keys: keys.collect(),
            zone,
        }
    }

    /// Writes a pair, or those of an object; the line begins at `start`.
    fn write_pairs(&self, key: &[u8], cell: &Cell<'_>, start: usize, out: &mut Vec<u8>) {
        match cell {
            Cell::Null => {}
            Cell::Object(object) if !object.is_empty() => object.each(&mut |name, cell| {
                let mut key = [key, b"."].concat();
                write_key_part(name, &mut key);
                self.write_pairs(&key, &cell, start, out);
            }),
            cell => {
                if out.len() > start {
                    out.push(b' ');
                }
                out.extend_from_slice(key);
                out.push(b'=');
                match cell {
                    Cell::Text(text) => write_value(text.as_bytes(), out),
                    cell => {
                        let mut text = Vec::new();
                        cell.write_text(&self.zone, &mut text);
                        write_value(&text, out);
                    }
                }
            }
        }
    }
}

impl RenderRows for LogfmtRows {
    fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        let columns = columns(batch);
        assert_eq!(columns.len(), self.keys.len(), "rows of other columns");
        let mut text = Vec::new();
        for row in 0..batch.num_rows() {
            let start = text.len();
            for (values, key) in columns.iter().zip(&self.keys) {
                self.write_pairs(key, &values.cell(row), start, &mut text);
            }
            text.push(b'\n');
        }
        out.write_all(&text)
    }
}
