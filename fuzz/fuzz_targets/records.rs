//! Whatever a source holds, its records are views into it, in the format that is found as well as in
//! each that is forced.
//!
//! `cargo +nightly fuzz run records`, or on a stable toolchain
//! `cargo fuzz run --sanitizer none records`. The first byte chooses the format.

#![no_main]

use std::sync::Arc;

use birl_record::extent::Extents;
use birl_record::format::{DERIVED_FIELDS, KNOWN, Parser, State};
use birl_record::value::Value;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, text)) = bytes.split_first() else {
        return;
    };
    let parser = match KNOWN.get(usize::from(choice)) {
        Some(known) => Parser::forced(known, &[text], 0).unwrap_or_default(),
        None => Parser::detect(&[text], 0),
    };
    let mut state = State::default();
    for (range, parser) in Arc::new(parser).pieces(&mut state, text) {
        let piece = &text[range];
        let mut end = 0;
        for extent in Extents::new(&parser, piece, true).into_all() {
            assert!(end <= extent.range.start && extent.range.end <= extent.next);
            end = extent.next;
            read(&parser, &piece[extent.range]);
        }
    }
});

/// Reads all of a record.
fn read(parser: &Parser, text: &[u8]) {
    let is_within = |part: &[u8]| {
        let (text, part) = (text.as_ptr_range(), part.as_ptr_range());
        part.is_empty() || text.start <= part.start && part.end <= text.end
    };
    let record = parser.parse(text);
    if let Some(timestamp) = record.timestamp {
        assert!(is_within(timestamp.text()));
        parser.reading(timestamp);
    }
    if let Some(message) = record.message {
        assert!(is_within(message.raw()));
        message.decode();
    }
    for field in &record.fields {
        let written = match field.value {
            Value::Text(text) => text.raw(),
            Value::Bare(written) | Value::Number(written) => written,
            Value::Object(written) | Value::List(written) => written,
            Value::Bool(_) | Value::Null => b"",
        };
        let is_derived = DERIVED_FIELDS.iter().any(|name| field.name.is(name.as_bytes()));
        assert!(is_derived || is_within(written));
        field.value.bytes();
        parser.get(text, &field.name.decode());
    }
}
