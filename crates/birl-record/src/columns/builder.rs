//! The builder: records go in, a batch of columns comes out.

use std::ops::Range;

use arrow_array::{RecordBatch, RecordBatchOptions};
use bytes::Bytes;

use super::cells::{Cells, Unfit};
use super::misfits::Misfits;
use super::{Column, Projection, What};
use crate::format::{Parser, Picked, Picker, Wanted};
use crate::framing;
use crate::search::Records;
use crate::value::Value;

/// A chunk of more bytes cannot be viewed.
const CHUNK_BYTES_MAX: usize = 1 << 30;

/// Takes records of a chunk, one after the other, and makes a row of each.
#[derive(Debug)]
pub struct Builder<'a> {
    projection: &'a Projection,
    chunk: &'a Bytes,
    records: Records<'a>,
    cells: Vec<Cells<'a>>,
    picker: Picker<'a>,
    /// What was picked out of the last record, whose memory is used again.
    picked: Picked<'a>,
    has_timestamp: bool,
    /// The view of the source's name, in each column that says it, once it has come.
    source: Vec<Option<u128>>,
    misfits: Misfits,
    rows: usize,
}

impl<'a> Builder<'a> {
    /// No row yet, of records that stand in `chunk`, which [`records`](Records::chunk) are in too.
    ///
    /// # Panics
    /// If the chunk is of more than 1 GiB.
    pub fn new(projection: &'a Projection, chunk: &'a Bytes, records: Records<'a>) -> Self {
        assert!(
            chunk.len() <= CHUNK_BYTES_MAX,
            "a view into a chunk has 32 bits for its place"
        );
        let columns = projection.columns();
        let cells = columns.iter().map(|column| Cells::new(&column.ty, chunk));
        Self {
            projection,
            chunk,
            records,
            cells: cells.collect(),
            picker: Picker::new(records.parser, wanted(columns, records.parser)),
            picked: Picked::default(),
            has_timestamp: projection.has_timestamp(),
            source: vec![None; columns.len()],
            misfits: Misfits::default(),
            rows: 0,
        }
    }

    /// Adds the record that stands at `range` of the chunk.
    pub fn push(&mut self, range: Range<usize>) {
        self.rows += 1;
        let text = framing::content(&self.records.chunk[range.clone()]);
        let offset = self.records.offset + range.start as u64;
        self.picker.pick(text, &mut self.picked);
        let picked = &self.picked;
        let times = self.records.times.filter(|_| self.has_timestamp);
        let time = times.and_then(|times| times.at(range.start, || picked.timestamp));
        let mut fields = picked.fields.iter();
        let columns = self.projection.columns().iter();
        for (at, (column, cells)) in columns.zip(&mut self.cells).enumerate() {
            match &column.what {
                What::Timestamp => cells.push_int(time),
                What::Severity => {
                    let severity = picked.severity;
                    cells.push_int(severity.map(|it| it.number().into()));
                }
                What::Level => match picked.severity {
                    Some(severity) => cells
                        .texts()
                        .push(severity.level().name().as_bytes().into()),
                    None => cells.push_null(),
                },
                What::Message => match picked.message {
                    Some(message) => cells.texts().push(message.decode()),
                    None => cells.push_null(),
                },
                What::Source => {
                    let texts = cells.texts();
                    let view = self.source[at];
                    let view = view.unwrap_or_else(|| texts.view(self.records.source));
                    self.source[at] = Some(view);
                    texts.push_view(view);
                }
                What::Offset => cells.push_int(i64::try_from(offset).ok()),
                What::Line => cells.texts().push(text.into()),
                What::Match(search) => cells.push_bool(search.finds(&self.records, range.clone())),
                What::Field(_) => {
                    let value = *fields.next().expect("each path has been looked for");
                    if cells.push(value) == Err(Unfit) {
                        let value = value.unwrap_or(Value::Null);
                        self.misfits.add(
                            &column.name,
                            &value.bytes(),
                            value.number().is_some(),
                            self.records.source,
                            offset,
                        );
                    }
                }
            }
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The batch, and what did not fit into it.
    ///
    /// Where texts view less than half of the chunk they are copied, so that its memory is free at
    /// once.
    pub fn finish(self) -> (RecordBatch, Misfits) {
        let viewed: usize = self.cells.iter().map(Cells::viewed).sum();
        let keeps_chunk = viewed * 2 >= self.chunk.len();
        let columns = self.cells.into_iter();
        let columns = columns.map(|cells| cells.finish(self.chunk, keeps_chunk));
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let schema = self.projection.schema();
        let batch = RecordBatch::try_new_with_options(schema, columns.collect(), &options)
            .expect("each column has its type and a value for each row");
        (batch, self.misfits)
    }
}

/// What columns need of each record that `parser` reads.
fn wanted(columns: &[Column], parser: &Parser) -> Wanted {
    let has = |is: fn(&What) -> bool| columns.iter().any(|column| is(&column.what));
    let paths = columns.iter().filter_map(|column| match &column.what {
        What::Field(path) => Some(path.clone()),
        _ => None,
    });
    Wanted {
        // Times that do not say their whole date are told from all those before them.
        timestamp: has(|what| matches!(what, What::Timestamp)) && !parser.has_partial_times(),
        severity: has(|what| matches!(what, What::Level | What::Severity)),
        message: has(|what| matches!(what, What::Message)),
        paths: paths.collect(),
    }
}
