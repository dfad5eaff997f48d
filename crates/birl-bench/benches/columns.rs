//! How fast one thread makes columns of the records of a file, without reading it, in the time that a
//! processor works for it.
//!
//!   cargo bench -p birl-bench --bench columns -- FILE [--rounds N] [NAME[:TYPE]]...
//!
//! NAME is a column as a query names it, TYPE `int`, `float`, `bool` or `text`, which fields are
//! unless it says otherwise. The first 64 MB of FILE are looked at.

#![expect(clippy::print_stdout, reason = "the numbers are the result")]

use std::fs::{self, File};
use std::io::{self, Read};
use std::time::Duration;

use birl_record::chronology::{Chronology, RecordTimes};
use birl_record::columns::{Builder, Column, Projection, Type, What};
use birl_record::format::Parser;
use birl_record::query::parse_search;
use birl_record::search::{Options, Records, Search};
use bytes::Bytes;
use jiff::tz::TimeZone;

const FILE_BYTES_MAX: u64 = 64 << 20;
const CHUNK_BYTES: usize = 2 << 20;
const ROUNDS: usize = 5;

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let Some(file) = args.next() else {
        println!("no file is named, so that nothing is measured");
        return Ok(());
    };
    let mut args: Vec<_> = args.collect();
    let mut rounds = ROUNDS;
    if let Some(at) = args.iter().position(|arg| arg == "--rounds") {
        rounds = args[at + 1].parse().expect("rounds are a number");
        args.drain(at..at + 2);
    }
    let projection = Projection::new(args.iter().map(|arg| column(arg)).collect());
    let mut bytes = Vec::new();
    File::open(&file)?
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)?;
    let chunks = chunks(Bytes::from(bytes));
    let parser = Parser::detect(&[&chunks[0]], 0);
    let mut rows = 0;
    let mut times: Vec<_> = (0..rounds)
        .map(|_| {
            let start = busy();
            rows = chunks
                .iter()
                .map(|chunk| extract(chunk, &parser, &projection))
                .sum();
            busy() - start
        })
        .collect();
    times.sort_unstable();
    report(times[rounds / 2], rows, chunks.iter().map(Bytes::len).sum());
    Ok(())
}

/// For how long a processor has worked for this thread: others may share the machine.
fn busy() -> Duration {
    let status = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    let nanoseconds = status.split(' ').next().and_then(|it| it.parse().ok());
    Duration::from_nanos(nanoseconds.expect("it begins with a number"))
}

fn extract(chunk: &Bytes, parser: &Parser, projection: &Projection) -> usize {
    let all = parse_search("*").expect("it is a query");
    let search = Search::new(&all, Options::default()).expect("it can be searched for");
    let times = projection.needs_times().then(|| {
        let times = Chronology::new(TimeZone::UTC, 0).here();
        RecordTimes::new(times, parser, chunk, true)
    });
    let records = Records {
        chunk,
        parser,
        source: b"app.log",
        offset: 0,
        is_start: true,
        times: times.as_ref(),
    };
    let mut builder = Builder::new(projection, chunk, records);
    search.find_records(records, |hit| {
        builder.push(hit.lines);
    });
    builder.finish().0.num_rows()
}

/// Chunks of whole lines.
fn chunks(mut bytes: Bytes) -> Vec<Bytes> {
    let mut chunks = Vec::new();
    while !bytes.is_empty() {
        let most = &bytes[..bytes.len().min(CHUNK_BYTES)];
        let end = most.iter().rposition(|byte| *byte == b'\n');
        chunks.push(bytes.split_to(end.map_or(most.len(), |newline| newline + 1)));
    }
    chunks
}

fn column(arg: &str) -> Column {
    let (name, ty) = arg.split_once(':').unwrap_or((arg, "text"));
    let what = match name {
        "timestamp" => What::Timestamp,
        "level" => What::Level,
        "severity" => What::Severity,
        "message" => What::Message,
        "source" => What::Source,
        "offset" => What::Offset,
        "line" => What::Line,
        name => {
            let ty = match ty {
                "int" => Type::Int,
                "float" => Type::Float,
                "bool" => Type::Bool,
                _ => Type::Text,
            };
            return Column::field(name, ty);
        }
    };
    Column::fixed(what)
}

fn report(time: Duration, rows: usize, bytes: usize) {
    let seconds = time.as_secs_f64();
    println!(
        "{rows} rows in {:.1} ms: {:.0} ns a row, {:.2} M rows/s, {:.2} GB/s",
        seconds * 1e3,
        seconds * 1e9 / rows as f64,
        rows as f64 / seconds / 1e6,
        bytes as f64 / seconds / 1e9,
    );
}
