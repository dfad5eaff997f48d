//! What the bytes of a source are, judged by the bytes alone and never by its name.

use serde::{Deserialize, Serialize};

/// How many bytes of a source [`detect`] looks at.
pub const DETECT_BYTES: usize = 64 * 1024;

/// What a source holds, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum Content {
    /// Text to be searched as it stands, after the first `bom` bytes: 3 for a UTF-8 byte order
    /// mark, else 0.
    Text {
        /// The length of the byte order mark, in bytes.
        bom: usize,
    },
    /// UTF-16 that says so by its byte order mark.
    Utf16 {
        /// The more significant byte of each unit comes first.
        big_endian: bool,
    },
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// LZ4 frames, the legacy ones too.
    Lz4,
    /// None of these, and not text: there is a NUL among the first [`DETECT_BYTES`] bytes. UTF-32
    /// counts as binary.
    Binary,
}

impl Content {
    /// Whether the text is reached by decompressing.
    pub fn is_compressed(self) -> bool {
        matches!(
            self,
            Self::Gzip | Self::Zstd | Self::Bzip2 | Self::Xz | Self::Lz4
        )
    }

    /// How many bytes of byte order mark stand before the text.
    pub(crate) fn bom_bytes(self) -> usize {
        match self {
            Self::Text { bom } => bom,
            Self::Utf16 { .. } => 2,
            _ => 0,
        }
    }
}

/// What a source that begins with `head` holds.
///
/// `head` is its first [`DETECT_BYTES`] bytes, more, or all that there is of a shorter one. Magic
/// numbers are compared whole, so that a log whose first line begins with `BZh` stays text.
pub fn detect(head: &[u8]) -> Content {
    let head = &head[..head.len().min(DETECT_BYTES)];
    if let Some(marked) = detect_bom(head) {
        marked
    } else if let Some(compressed) = detect_magic(head) {
        compressed
    } else if memchr::memchr(0, head).is_some() {
        Content::Binary
    } else {
        Content::Text { bom: 0 }
    }
}

fn detect_bom(head: &[u8]) -> Option<Content> {
    match head {
        // UTF-32 first: its little-endian mark begins with that of UTF-16.
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Some(Content::Binary),
        [0xFF, 0xFE, ..] => Some(Content::Utf16 { big_endian: false }),
        [0xFE, 0xFF, ..] => Some(Content::Utf16 { big_endian: true }),
        [0xEF, 0xBB, 0xBF, text @ ..] if memchr::memchr(0, text).is_none() => {
            Some(Content::Text { bom: 3 })
        }
        _ => None,
    }
}

fn detect_magic(head: &[u8]) -> Option<Content> {
    match head {
        [0x1F, 0x8B, 8, ..] => Some(Content::Gzip),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Content::Zstd),
        [b'B', b'Z', b'h', b'1'..=b'9', block @ ..] if begins_bzip2_block(block) => {
            Some(Content::Bzip2)
        }
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(Content::Xz),
        [0x04, 0x22, 0x4D, 0x18, ..] | [0x02, 0x21, 0x4C, 0x18, ..] => Some(Content::Lz4),
        [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => detect_behind_skippable(head),
        _ => None,
    }
}

/// A block, or the end of a stream that has none: pi and its square root, in binary coded decimal.
fn begins_bzip2_block(block: &[u8]) -> bool {
    block.starts_with(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
        || block.starts_with(&[0x17, 0x72, 0x45, 0x38, 0x50, 0x90])
}

/// Zstandard and LZ4 share their skippable frames: what comes after tells which of the two it is.
///
/// Where they reach beyond the head it is taken for Zstandard, whose parallel compressors write
/// such frames.
fn detect_behind_skippable(mut head: &[u8]) -> Option<Content> {
    while let [0x50..=0x5F, 0x2A, 0x4D, 0x18, after @ ..] = head {
        let (length, after) = after.split_first_chunk::<4>()?;
        match after.get(u32::from_le_bytes(*length) as usize..) {
            None | Some([]) => return Some(Content::Zstd),
            Some(next) => head = next,
        }
    }
    match head {
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Content::Zstd),
        [0x04, 0x22, 0x4D, 0x18, ..] | [0x02, 0x21, 0x4C, 0x18, ..] => Some(Content::Lz4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Content = Content::Text { bom: 0 };

    #[test]
    fn every_magic_number_is_known() {
        let cases: &[(&[u8], Content)] = &[
            (b"\xEF\xBB\xBFtext", Content::Text { bom: 3 }),
            (b"\xFF\xFEt\0", Content::Utf16 { big_endian: false }),
            (b"\xFE\xFF\0t", Content::Utf16 { big_endian: true }),
            (b"\x1F\x8B\x08\0", Content::Gzip),
            (b"\x28\xB5\x2F\xFD", Content::Zstd),
            (b"BZh9\x31\x41\x59\x26\x53\x59", Content::Bzip2),
            (b"BZh1\x17\x72\x45\x38\x50\x90", Content::Bzip2),
            (b"\xFD7zXZ\0", Content::Xz),
            (b"\x04\x22\x4D\x18", Content::Lz4),
            (b"\x02\x21\x4C\x18", Content::Lz4),
        ];
        for (head, content) in cases {
            assert_eq!(detect(head), *content, "{head:?}");
        }
    }

    #[test]
    fn text_that_resembles_a_magic_number_is_text() {
        for head in [
            "",
            "B",
            "BZh",
            "BZh9",
            "BZh91AY&SX is not pi",
            "BZhang logged in",
            "7zXZ",
            "PK is a zip, which is not unpacked",
            "P*M",
        ] {
            assert_eq!(detect(head.as_bytes()), TEXT, "{head:?}");
        }
    }

    #[test]
    fn a_nul_within_the_first_bytes_is_binary_and_beyond_them_is_not() {
        let mut head = vec![b'x'; DETECT_BYTES + 1];
        head[DETECT_BYTES] = 0;
        assert_eq!(detect(&head), TEXT);
        head[DETECT_BYTES - 1] = 0;
        assert_eq!(detect(&head), Content::Binary);
        assert_eq!(detect(b"\xEF\xBB\xBFa\0"), Content::Binary);
    }

    #[test]
    fn utf32_is_not_taken_for_utf16() {
        assert_eq!(detect(b"\xFF\xFE\0\0t\0\0\0"), Content::Binary);
        assert_eq!(detect(b"\0\0\xFE\xFF\0\0\0t"), Content::Binary);
    }

    #[test]
    fn a_skippable_frame_belongs_to_the_frame_that_follows_it() {
        let skippable = b"\x5A\x2A\x4D\x18\x02\0\0\0ab";
        let before = |next: &[u8]| detect(&[skippable, next].concat());
        assert_eq!(before(b""), Content::Zstd);
        assert_eq!(before(b"\x28\xB5\x2F\xFD"), Content::Zstd);
        assert_eq!(before(b"\x04\x22\x4D\x18"), Content::Lz4);
        assert_eq!(
            before(&[skippable, &b"\x04\x22\x4D\x18"[..]].concat()),
            Content::Lz4
        );
        assert_eq!(before(b"neither"), Content::Binary);
    }
}
