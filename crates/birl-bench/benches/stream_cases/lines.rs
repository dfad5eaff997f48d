//! A log, line by line: the sum of the lengths.

use std::path::PathBuf;
use std::rc::Rc;

use birl_bench::data;
use birl_bench::line::Kind;
use birl_stream::prelude::*;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::runtime::{Builder, Runtime};

use crate::{Case, Measure, Wanted, time_ns};

const LINE_BYTES: f64 = 250.0;

pub(crate) fn cases(log_bytes: u64) -> Vec<Case<'static>> {
    vec![
        case(log_bytes, "lines, a line", Wanted::Faster(10.0), |path| {
            Box::pin(lines(path))
        }),
        case(
            log_bytes,
            "lines in batches, a line",
            Wanted::Faster(20.0),
            |path| Box::pin(batches(path)),
        ),
    ]
}

type Sum = std::pin::Pin<Box<dyn Future<Output = (u64, u64)>>>;

fn case(
    log_bytes: u64,
    name: &'static str,
    wanted: Wanted,
    ours: fn(PathBuf) -> Sum,
) -> Case<'static> {
    let runtime = Rc::new(runtime());
    let timed = move |sum: fn(PathBuf) -> Sum| -> Measure<'static> {
        let runtime = Rc::clone(&runtime);
        Box::new(move || {
            let path = data::log(Kind::Plain, log_bytes).expect("the log can be written");
            time_ns(log_bytes as f64 / LINE_BYTES, || {
                let (lines, bytes) = runtime.block_on(sum(path));
                assert!(bytes + lines >= log_bytes, "all lines have been read");
            })
        })
    };
    Case {
        name,
        unit: "ns",
        ours: timed(ours),
        rival: Some(timed(|path| Box::pin(tokio_lines(path)))),
        wanted,
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built")
}

/// How many lines there are, and how many bytes without their ends.
async fn lines(path: PathBuf) -> (u64, u64) {
    let (mut count, mut bytes) = (0, 0);
    let mut lines = birl_stream::lines(path);
    while let Some(line) = lines.next().await {
        let line = line.expect("the log can be read");
        count += 1;
        bytes += line.len() as u64;
    }
    (count, bytes)
}

async fn batches(path: PathBuf) -> (u64, u64) {
    let (mut count, mut bytes) = (0, 0);
    let mut batches = birl_stream::lines(path).batches();
    while let Some(batch) = batches.next().await {
        for line in &batch.expect("the log can be read") {
            count += 1;
            bytes += line.len() as u64;
        }
    }
    (count, bytes)
}

async fn tokio_lines(path: PathBuf) -> (u64, u64) {
    let (mut count, mut bytes) = (0, 0);
    let file = tokio::fs::File::open(path).await.expect("the log is there");
    let mut lines = BufReader::new(file).lines();
    while let Some(line) = lines.next_line().await.expect("the log can be read") {
        count += 1;
        bytes += line.len() as u64;
    }
    (count, bytes)
}
