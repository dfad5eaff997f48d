//! Arrow and Parquet: what is written is read back.

use std::io::{self, Write};

use arrow_array::builder::{ListBuilder, StringViewBuilder};
use arrow_array::*;
use arrow_buffer::Buffer;
use birl_render::RenderRows;

use crate::{batch, column};

/// Rows of several types; their texts are parts of a megabyte.
fn rows() -> RecordBatch {
    let mut text = vec![b'-'; 1 << 20];
    let line = "a text that is longer than a view é";
    text[1000..][..line.len()].copy_from_slice(line.as_bytes());
    let mut views = StringViewBuilder::new();
    let block = views.append_block(Buffer::from_vec(text));
    views
        .try_append_view(block, 1000, line.len() as u32)
        .unwrap();
    views.append_null();
    let views = views.finish();
    let mut lists = ListBuilder::new(StringViewBuilder::new());
    lists.append_value([Some("a text of a list, rather long"), None]);
    lists.append_null();
    batch([
        ("line", column(views)),
        ("list", column(lists.finish())),
        ("n", column(Int64Array::from(vec![Some(i64::MIN), None]))),
        ("x", column(Float64Array::from(vec![f64::INFINITY, 0.1]))),
        (
            "timestamp",
            column(TimestampNanosecondArray::from(vec![1, i64::MAX]).with_timezone("UTC")),
        ),
        ("level", column(StringArray::from(vec!["info", ""]))),
    ])
}

/// A pipe, which takes only a little at once.
struct Pipe(Vec<u8>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(7);
        self.0.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(mut render: impl RenderRows, batches: &[RecordBatch]) -> Vec<u8> {
    let mut pipe = Pipe(Vec::new());
    render.head(&mut pipe).unwrap();
    for batch in batches {
        render.rows(batch, &mut pipe).unwrap();
    }
    render.end(&mut pipe).unwrap();
    pipe.0
}

#[cfg(feature = "arrow")]
#[test]
fn an_arrow_stream_is_read_back() {
    let batches = [rows(), rows().slice(1, 1), rows().slice(0, 0)];
    let render = birl_render::ArrowRows::new(batches[0].schema());
    let bytes = written(render, &batches);
    let read = arrow_ipc::reader::StreamReader::try_new(&*bytes, None).unwrap();
    let read: Vec<_> = read.map(Result::unwrap).collect();
    assert_eq!(read, batches);
    assert!(bytes.len() < 10_000, "{}", bytes.len());
    let none = written(birl_render::ArrowRows::new(batches[0].schema()), &[]);
    let none = arrow_ipc::reader::StreamReader::try_new(&*none, None).unwrap();
    assert_eq!(none.schema(), batches[0].schema());
    assert_eq!(none.count(), 0);
}

#[cfg(feature = "parquet")]
#[test]
fn a_parquet_file_is_read_back() {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let batches = [rows(), rows().slice(1, 1)];
    let render = birl_render::ParquetRows::new(batches[0].schema());
    let bytes = written(render, &batches);
    assert!(bytes.len() < 10_000, "{}", bytes.len());
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    let read: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    let [read] = &*read else {
        panic!("three rows are one batch");
    };
    assert_eq!(read.slice(0, 2), batches[0]);
    assert_eq!(read.slice(2, 1), batches[1]);
    let none = written(birl_render::ParquetRows::new(batches[0].schema()), &[]);
    let none = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(none)).unwrap();
    assert_eq!(none.schema(), &batches[0].schema());
    assert_eq!(none.build().unwrap().count(), 0);
}

/// More rows than one group holds: the offsets within the file are right, though it was written in
/// parts.
#[cfg(feature = "parquet")]
#[test]
fn a_parquet_file_of_several_groups_is_read_back() {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let numbers = |start: i64| {
        batch([(
            "n",
            column(Int64Array::from_iter_values(start..start + 100_000)),
        )])
    };
    let batches = [numbers(0), numbers(100_000), numbers(200_000)];
    let bytes = written(birl_render::ParquetRows::new(batches[0].schema()), &batches);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    assert_eq!(reader.metadata().num_row_groups(), 3);
    let mut expected = 0;
    for batch in reader.build().unwrap().map(Result::unwrap) {
        let numbers = batch
            .column(0)
            .as_any()
            .downcast_ref::<Int64Array>()
            .unwrap();
        for number in numbers.values() {
            assert_eq!(*number, expected);
            expected += 1;
        }
    }
    assert_eq!(expected, 300_000);
}
