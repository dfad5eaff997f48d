//! However bytes are cut into blocks, a carry gives the lines that the whole has, and no more of a
//! line than its limit lets it keep.
//!
//! `cargo +nightly fuzz run framing`, or on a stable toolchain
//! `cargo fuzz run --sanitizer none framing`.

#![no_main]

use birl_record::framing::{Carry, Piece, content, pieces};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, Vec<u16>, u8)| {
    let (bytes, cuts, max) = input;
    let max = usize::from(max) + 1;
    assert_eq!(carried(&bytes, &cuts, max), lines(0, &bytes, max));
    let mut at = 0_usize;
    for piece in pieces(&bytes, max) {
        let (Piece::Lines(range) | Piece::Overlong(range)) = &piece;
        assert_eq!(range.start, at);
        at = range.end;
        let overlong = matches!(piece, Piece::Overlong(_));
        for line in bytes[range.clone()].split_inclusive(|&byte| byte == b'\n') {
            assert_eq!(content(line).len() > max, overlong);
        }
    }
    assert_eq!(at, bytes.len());
});

/// The lines of `bytes` with their offsets, each cut at the limit.
fn lines(start: u64, bytes: &[u8], max: usize) -> Vec<(u64, Vec<u8>)> {
    let mut offset = start;
    let lines = bytes.split_inclusive(|&byte| byte == b'\n').map(|line| {
        offset += line.len() as u64;
        (offset - line.len() as u64, cut(line, max))
    });
    lines.collect()
}

fn cut(line: &[u8], max: usize) -> Vec<u8> {
    let content = content(line);
    content[..content.len().min(max)].to_vec()
}

fn carried(bytes: &[u8], cuts: &[u16], max: usize) -> Vec<(u64, Vec<u8>)> {
    let mut carry = Carry::new(0, max);
    let mut found = Vec::new();
    let mut at = 0_usize;
    let ends = cuts.iter().map(|&len| usize::from(len)).chain([usize::MAX]);
    for len in ends {
        let block = &bytes[at..at.saturating_add(len).min(bytes.len())];
        let pushed = carry.push(block);
        if let Some(line) = pushed.completed {
            assert!(line.bytes.len() <= max + 2);
            found.push((line.offset, cut(&line.bytes, max)));
        }
        let start = (at + pushed.lines.start) as u64;
        found.extend(lines(start, &block[pushed.lines], max));
        at += block.len();
    }
    found.extend(
        carry
            .finish()
            .map(|line| (line.offset, cut(&line.bytes, max))),
    );
    found
}
