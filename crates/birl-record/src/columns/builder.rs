//! The builder: records go in, a batch of columns comes out.

use std::ops::Range;

use arrow_array::{RecordBatch, RecordBatchOptions};
use bytes::Bytes;

use super::cells::{Cells, Unfit};
use super::misfits::Misfits;
use super::{Column, Projection, What};
use crate::framing;
use crate::record::Record;
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
    cells: Vec<Cells>,
    reads: Reads,
    /// The record that is read, whose memory is used again.
    record: Record<'a>,
    /// The view of the source's name, in each column that says it, once it has come.
    source: Vec<Option<u128>>,
    misfits: Misfits,
    rows: usize,
}

/// What of a record is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    /// At most a field or two, each by itself.
    Single,
    /// All that it says.
    Whole,
}

/// So many fields are looked for each by itself.
const SINGLE_MAX: usize = 2;

impl Reads {
    fn of(columns: &[Column]) -> Self {
        let fields = columns.iter();
        let fields = fields.filter(|column| matches!(column.what, What::Field(_)));
        let is_whole = fields.count() > SINGLE_MAX
            || columns
                .iter()
                .any(|column| matches!(column.what, What::Level | What::Severity | What::Message));
        match is_whole {
            true => Self::Whole,
            false => Self::Single,
        }
    }
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
            reads: Reads::of(columns),
            record: Record::default(),
            source: vec![None; columns.len()],
            misfits: Misfits::default(),
            rows: 0,
        }
    }

    /// Adds the record that stands at `range` of the chunk, and was at `time`, in nanoseconds since
    /// 1970 (UTC).
    pub fn push(&mut self, range: Range<usize>, time: Option<i64>) {
        self.rows += 1;
        let text = framing::content(&self.records.chunk[range.clone()]);
        let offset = self.records.offset + range.start as u64;
        if self.reads == Reads::Whole {
            self.record.clear();
            self.records.parser.parse_into(text, &mut self.record);
        }
        let columns = self.projection.columns().iter();
        for (at, (column, cells)) in columns.zip(&mut self.cells).enumerate() {
            match &column.what {
                What::Timestamp => cells.push_int(time),
                What::Severity => {
                    let severity = self.record.severity;
                    cells.push_int(severity.map(|it| it.number().into()));
                }
                What::Level => match self.record.severity {
                    Some(severity) => cells
                        .texts()
                        .push(severity.level().name().as_bytes().into()),
                    None => cells.push_null(),
                },
                What::Message => match self.record.message {
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
                What::Field(path) => {
                    // A parsed record is not asked for paths into objects, and into messages: what
                    // they lead to depends on the format.
                    let parsed = match self.reads {
                        Reads::Whole if !path.contains(&b'.') => self.record.field(path),
                        _ => None,
                    };
                    let value = parsed.or_else(|| self.records.parser.get(text, path));
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
