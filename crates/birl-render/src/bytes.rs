//! What bytes a text consists of, told many bytes at a time: most texts of a log are short, and
//! consist of nothing that needs a second look.

/// Whether all bytes are printable ASCII, and so neither break a line nor drive a terminal.
#[inline]
pub(crate) fn are_printable(text: &[u8]) -> bool {
    all(text, is_printable)
}

/// Whether all bytes are printable ASCII that stands in a word: no space, quote or `=`.
#[inline]
pub(crate) fn are_of_word(text: &[u8]) -> bool {
    let is_of_word = |byte| is_printable(byte) & (byte != b' ') & (byte != b'"') & (byte != b'=');
    all(text, is_of_word)
}

#[inline]
fn is_printable(byte: u8) -> bool {
    byte.wrapping_sub(b' ') < 0x7f - b' '
}

/// So many bytes are looked at together.
const LANES: usize = 16;

/// Whether `is` holds of all bytes. It has to hold of `a`, and to be without branches, so that it is
/// asked of all lanes at once.
#[inline]
fn all(text: &[u8], is: impl Fn(u8) -> bool + Copy) -> bool {
    let lanes = |bytes: &[u8; LANES]| bytes.iter().fold(true, |all, byte| all & is(*byte));
    let Some(last) = text.last_chunk() else {
        return lanes(&padded(text));
    };
    // The last lanes may share bytes with those before.
    let mut chunks = text.chunks_exact(LANES);
    chunks.all(|chunk| chunk.first_chunk().is_some_and(lanes)) && lanes(last)
}

/// A text that does not fill the lanes, with `a` in those that are left.
#[inline]
fn padded(text: &[u8]) -> [u8; LANES] {
    let mut lanes = [b'a'; LANES];
    // Copies of a known length take an instruction each; they may overlap.
    if let (Some(head), Some(tail)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        lanes[..8].copy_from_slice(head);
        lanes[8..].copy_from_slice(tail);
    } else if let (Some(head), Some(tail)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        lanes[..4].copy_from_slice(head);
        lanes[4..8].copy_from_slice(tail);
    } else if let [first, .., last] = text {
        (lanes[0], lanes[1], lanes[2]) = (*first, text[1], *last);
    } else if let [only] = text {
        lanes[0] = *only;
    }
    lanes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_is_what_each_of_its_bytes_is(
            text in prop::collection::vec(prop_oneof![
                20 => b'!'..=b'~',
                1 => any::<u8>(),
                1 => prop::sample::select(&b"\0\x1f !\"#<=>~\x7f\x80\xa0\xff"[..]),
            ], 0..50),
        ) {
            let is_printable = |byte: &u8| (b' '..=b'~').contains(byte);
            prop_assert_eq!(are_printable(&text), text.iter().all(is_printable));
            let is_of_word = |byte: &u8| is_printable(byte) && !b" \"=".contains(byte);
            prop_assert_eq!(are_of_word(&text), text.iter().all(is_of_word));
        }
    }
}
