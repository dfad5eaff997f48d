//! How fast one thread searches a chunk, by what is searched for.

use std::hint::black_box;

use birl_bench::line::{Kind, Lines};
use birl_record::query::parse_search;
use birl_record::search::{Options, Search};
use divan::Bencher;
use divan::counter::BytesCount;

const CHUNK_BYTES: usize = 2 << 20;
const LINE_BYTES_MAX: usize = 1 << 20;

fn main() {
    divan::main();
}

#[divan::bench(args = [
    "*",
    "Timeout",
    "rejected",
    "heartbeat",
    "kumquat",
    "heartbeat -payments",
    "Timeout OR deadlock",
    "/took [0-9]{4}ms:.* Timeout/",
    "/[a-z]+-[0-9]=[0-9]{6}/",
    "/[0-9]{6} [a-z]{12}/",
    "/Timeout|deadlock|certificate expires/",
    "/error .*rejected/",
])]
fn searching(bencher: Bencher, query: &str) {
    let chunk = chunk();
    let term = parse_search(query).expect("the query is one");
    let search = Search::new(&term, Options::default()).expect("the query can be searched for");
    bencher.counter(BytesCount::of_slice(&chunk)).bench(|| {
        let mut hits = 0;
        search.find_lines(black_box(&chunk), LINE_BYTES_MAX, |_| hits += 1);
        hits
    });
}

/// A chunk of whole lines, as birl reads it.
fn chunk() -> Vec<u8> {
    let mut lines = Lines::new(Kind::Plain, 1, 250);
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + 1_000);
    while chunk.len() < CHUNK_BYTES {
        lines.append(&mut chunk);
    }
    chunk
}
