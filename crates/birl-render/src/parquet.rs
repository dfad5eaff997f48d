//! Rows of an answer as a Parquet file.

use std::io::{self, Write};

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::compact::compacted;
use crate::rows::RenderRows;

/// So many rows are kept until they are written together, as in DuckDB.
const GROUP_ROWS: usize = 122_880;

/// Rows as a Parquet file, compressed with zstd. It need not be possible to go back in the output, but
/// only when the end is written is it a file that can be read. Columns keep their names and types.
pub struct ParquetRows {
    schema: SchemaRef,
    /// The writer, from the head to the end; what it wrote is taken from it.
    writer: Option<ArrowWriter<Vec<u8>>>,
}

impl std::fmt::Debug for ParquetRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("ParquetRows");
        debug.field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl ParquetRows {
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
        write: impl FnOnce(&mut ArrowWriter<Vec<u8>>) -> Result<(), ParquetError>,
    ) -> io::Result<()> {
        if self.writer.is_none() {
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .set_max_row_group_row_count(Some(GROUP_ROWS))
                .build();
            let schema = SchemaRef::clone(&self.schema);
            let writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties));
            self.writer = Some(writer.map_err(io::Error::other)?);
        }
        let writer = self.writer.as_mut().expect("it has just been made");
        write(writer).map_err(io::Error::other)?;
        // The writer counts what it has written, so that the offsets in the file stay right.
        writer.sync()?;
        out.write_all(&std::mem::take(writer.inner_mut()))
    }
}

impl RenderRows for ParquetRows {
    fn head(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.write(out, |_| Ok(()))
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        // Rows are kept for long, and with views all that was read with them would be.
        let batch = compacted(batch);
        self.write(out, |writer| writer.write(&batch))
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.write(out, |writer| writer.finish().map(|_| ()))
    }
}
