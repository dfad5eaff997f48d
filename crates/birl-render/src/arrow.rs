//! Rows of an answer as an Arrow IPC stream, for programs that compute with them.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};

use crate::compact::compacted;
use crate::rows::RenderRows;

/// Rows as an Arrow IPC stream, in the batches in which they come: what `pyarrow.ipc.open_stream`
/// and DuckDB's and Polars' readers of Arrow streams read. Columns keep their names and types.
pub struct ArrowRows {
    schema: SchemaRef,
    /// The writer, from the head to the end; what it wrote is taken from it.
    writer: Option<StreamWriter<Vec<u8>>>,
}

impl std::fmt::Debug for ArrowRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("ArrowRows");
        debug.field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl ArrowRows {
    /// Writes rows of these columns.
    #[must_use]
    pub fn new(schema: SchemaRef) -> Self {
        Self {
            schema,
            writer: None,
        }
    }

    /// Has the writer write, and writes that to `out`.
    fn write(
        &mut self,
        out: &mut dyn Write,
        write: impl FnOnce(&mut StreamWriter<Vec<u8>>) -> Result<(), ArrowError>,
    ) -> io::Result<()> {
        if self.writer.is_none() {
            let writer = StreamWriter::try_new(Vec::new(), &self.schema);
            self.writer = Some(writer.map_err(io::Error::other)?);
        }
        let writer = self.writer.as_mut().expect("it has just been made");
        write(writer).map_err(io::Error::other)?;
        out.write_all(&std::mem::take(writer.get_mut()))
    }
}

impl RenderRows for ArrowRows {
    fn head(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.write(out, |_| Ok(()))
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        let batch = compacted(batch);
        self.write(out, |writer| writer.write(&batch))
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.write(out, StreamWriter::finish)
    }
}
