//! How the bytes of a file become text as they come.

use bytes::Bytes;
use encoding_rs::{CoderResult, Decoder, UTF_16BE, UTF_16LE};

use crate::content::Content;

/// What a file, or what it holds compressed, was found to be.
pub(super) enum Form {
    /// Nothing of it has been seen.
    Unknown,
    /// Bytes as they are.
    Text,
    /// UTF-16, with what is needed to go on in the middle of a character.
    Utf16(Box<Decoder>),
}

impl Form {
    /// The form of uncompressed content.
    pub(super) fn of(content: Content) -> Self {
        match content {
            Content::Utf16 { big_endian } => {
                let encoding = if big_endian { UTF_16BE } else { UTF_16LE };
                Self::Utf16(Box::new(encoding.new_decoder_without_bom_handling()))
            }
            _ => Self::Text,
        }
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// The text of the bytes that come next, which is empty where they end within a character.
    pub(super) fn decode(&mut self, bytes: Bytes) -> Bytes {
        match self {
            Self::Unknown | Self::Text => bytes,
            Self::Utf16(decoder) => decode_utf16(decoder, &bytes),
        }
    }
}

fn decode_utf16(decoder: &mut Decoder, mut bytes: &[u8]) -> Bytes {
    // Two bytes become three at the most, and a surrogate that was held back one more character.
    let mut text = vec![0; bytes.len() / 2 * 3 + 8];
    let mut end = 0;
    loop {
        let last = false;
        let (result, read, written, _) = decoder.decode_to_utf8(bytes, &mut text[end..], last);
        bytes = &bytes[read..];
        end += written;
        match result {
            CoderResult::InputEmpty => break,
            CoderResult::OutputFull => text.resize(text.len() + bytes.len() + 8, 0),
        }
    }
    text.truncate(end);
    Bytes::from(text)
}

/// Whether a file that begins with `head` may still turn out to begin with a byte order mark or a
/// magic number.
pub(super) fn may_become_marked(head: &[u8]) -> bool {
    const MARKS: [&[u8]; 9] = [
        b"\xEF\xBB\xBF",
        b"\xFF\xFE",
        b"\xFE\xFF",
        b"\x1F\x8B\x08",
        b"\x28\xB5\x2F\xFD",
        b"BZh91AY&SY",
        b"\xFD7zXZ\0",
        b"\x04\x22\x4D\x18",
        b"\x02\x21\x4C\x18",
    ];
    MARKS
        .iter()
        .any(|mark| head.len() < mark.len() && mark.starts_with(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_that_comes_byte_by_byte_is_decoded_whole() {
        let text = "naïve 🪵 log\n";
        let mut form = Form::of(Content::Utf16 { big_endian: true });
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let decoded: Vec<u8> = bytes
            .iter()
            .flat_map(|&byte| form.decode(Bytes::copy_from_slice(&[byte])))
            .collect();
        assert_eq!(String::from_utf8(decoded).unwrap(), text);
    }

    #[test]
    fn a_cut_mark_is_waited_for_and_a_whole_one_is_not() {
        assert!(may_become_marked(b"\xEF\xBB"));
        assert!(may_become_marked(b""));
        assert!(!may_become_marked(b"\xEF\xBB\xBF"));
        assert!(!may_become_marked(b"plain"));
    }
}
