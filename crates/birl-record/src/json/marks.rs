//! Finds the first quote or backslash of a text, sixteen bytes at a time: most strings of logs are so
//! short that setting up a search over longer stretches takes longer than the search.

use memchr::memchr2;

/// So many bytes are looked at together.
const LANES: usize = 16;

/// So many times; what is longer is searched as any text.
const STEPS: usize = 4;

/// Where the first `"` or `\` stands in `text`.
#[inline]
pub(super) fn first_mark(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for lanes in text.chunks_exact(LANES).take(STEPS) {
        let lanes = lanes.first_chunk().expect("all lanes are there");
        if let Some(place) = first_in_lanes(lanes) {
            return Some(at + place);
        }
        at += LANES;
    }
    Some(at + memchr2(b'"', b'\\', &text[at..])?)
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn first_in_lanes(lanes: &[u8; LANES]) -> Option<usize> {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    };

    #[expect(unsafe_code, reason = "an unaligned load of 16 bytes, and SSE2")]
    // SAFETY: `lanes` is a reference to 16 bytes, and the load needs no alignment; SSE2 is a part of
    // x86-64.
    let marks = unsafe {
        let bytes = _mm_loadu_si128(lanes.as_ptr().cast());
        let quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed()));
        let backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
        _mm_movemask_epi8(_mm_or_si128(quotes, backslashes))
    };
    (marks != 0).then(|| marks.trailing_zeros() as usize)
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn first_in_lanes(lanes: &[u8; LANES]) -> Option<usize> {
    /// The highest bit of the lowest byte that is zero, and perhaps bits above it; 0 where none is.
    /// (Mycroft's test, 1987.)
    fn zeros(word: u128) -> u128 {
        word.wrapping_sub(of_each(1)) & !word & of_each(0x80)
    }
    let word = u128::from_le_bytes(*lanes);
    let marks = zeros(word ^ of_each(b'"')) | zeros(word ^ of_each(b'\\'));
    (marks != 0).then(|| marks.trailing_zeros() as usize / 8)
}

/// How many digits `text` begins with, if there is something else among its first bytes.
#[inline]
pub(super) fn digits(text: &[u8]) -> Option<usize> {
    let word = u128::from_le_bytes(*text.first_chunk()?);
    // What is no digit is above nine then, or has its highest bit set, which is taken for itself.
    let low = (word ^ of_each(b'0')) & of_each(0x7f);
    let others = (low.wrapping_add(of_each(0x7f - 9)) | word) & of_each(0x80);
    (others != 0).then(|| others.trailing_zeros() as usize / 8)
}

/// A word of which each byte is this one.
const fn of_each(byte: u8) -> u128 {
    u128::from_le_bytes([byte; LANES])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_of_either_is_found(
            text in prop::collection::vec(prop::sample::select(&b"aaaaaaaaaaaa!#[]\xa2\xdc\"\\"[..]), 0..120),
        ) {
            let expected = text.iter().position(|byte| matches!(byte, b'"' | b'\\'));
            prop_assert_eq!(first_mark(&text), expected);
        }

        #[test]
        fn digits_are_counted_up_to_something_else(
            text in prop::collection::vec(prop::sample::select(&b"0123456789/:\x00\x10\x3f\x40\xb0\xb9\xff,e"[..]), 0..20),
            number in "[0-9]{0,18}",
        ) {
            let text = [number.as_bytes(), &text].concat();
            let expected = text.iter().position(|byte| !byte.is_ascii_digit());
            let near = expected.filter(|at| *at < LANES && text.len() >= LANES);
            prop_assert_eq!(digits(&text), near);
        }
    }
}
