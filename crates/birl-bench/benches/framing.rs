//! How fast lines are counted and cut, over a chunk as birl reads it.

use std::hint::black_box;

use birl_bench::line::{Kind, Lines};
use birl_record::framing::{count_lines, pieces};
use divan::Bencher;
use divan::counter::BytesCount;

const CHUNK_BYTES: usize = 2 << 20;

fn main() {
    divan::main();
}

/// A chunk of whole lines that are `line_bytes` long on average.
fn chunk(line_bytes: usize) -> Vec<u8> {
    let mut lines = Lines::new(Kind::Plain, 1, line_bytes);
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + 2 * line_bytes);
    while chunk.len() < CHUNK_BYTES {
        lines.append(&mut chunk);
    }
    chunk
}

#[divan::bench(args = [250, 4_000])]
fn counting_lines(bencher: Bencher, line_bytes: usize) {
    let chunk = chunk(line_bytes);
    bencher
        .counter(BytesCount::of_slice(&chunk))
        .bench(|| count_lines(black_box(&chunk)));
}

#[divan::bench(args = [250, 4_000])]
fn looking_for_overlong_lines(bencher: Bencher, line_bytes: usize) {
    let chunk = chunk(line_bytes);
    bencher
        .counter(BytesCount::of_slice(&chunk))
        .bench(|| pieces(black_box(&chunk), 1 << 20).count());
}
