//! Any text is a timestamp of a shape, or not; what a shape takes lies in the text and is an instant.
//!
//! `cargo +nightly fuzz run timestamps`, or on a stable toolchain
//! `cargo fuzz run --sanitizer none timestamps`.

#![no_main]

use birl_record::time::{self, Shape};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    for shape in Shape::all() {
        if let Some((_, taken)) = shape.parse(text) {
            assert!(0 < taken && taken <= text.len());
            // What stands behind it does not change what it says, but where it ends.
            assert!(shape.parse(&text[..taken]).is_some(), "{}", shape.name());
        }
    }
    if let Some((shape, range)) = time::find(text, text.len()) {
        assert!(shape.parse(&text[range.start..]).is_some());
        assert!(range.end <= text.len());
    }
    time::decide(Shape::all().next().unwrap(), [text], 0);
});
