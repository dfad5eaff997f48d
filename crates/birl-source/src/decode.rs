//! Compressed or UTF-16 bytes → UTF-8 text, as a stream.
//!
//! Every reader here hands out all that could be decoded before it returns the error that stopped
//! it, whose text says what is wrong (`unexpected end of gzip data`) and leaves the file's name to
//! the caller. After an error a reader is at its end. None holds more than its buffers and the
//! window of the format, however long the input.

mod bzip2;
mod gzip;
mod lz4;
mod members;
mod utf16;
mod xz;
mod zstd;

use std::fmt;
use std::io::{self, Cursor, Read};

use bytes::Bytes;

use crate::content::{Content, DETECT_BYTES, detect};
use members::Members;

/// The text of a source, decoded.
pub struct Decoded {
    /// What the decompressed bytes are, or what the source's own are where it is not compressed.
    ///
    /// Neither binary nor compressed bytes are decoded further: `reader` gives them as they are.
    pub content: Content,
    /// The bytes: UTF-8 text without a byte order mark, if `content` is text or UTF-16.
    pub reader: Box<dyn Read + Send>,
    /// What to add to a position in `reader` to get the offset in the decoded bytes: the 3 bytes of
    /// a UTF-8 byte order mark, or 0. Offsets in UTF-16 text count the bytes that it has in UTF-8.
    pub bom_bytes: u64,
}

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded")
            .field("content", &self.content)
            .field("bom_bytes", &self.bom_bytes)
            .finish_non_exhaustive()
    }
}

/// The text of a source that begins with `head` and goes on with `rest`, where `content` is what
/// [`detect`] said of `head`.
///
/// What is inside a compressed source is detected again, so that UTF-16 in gzip is text; gzip in
/// gzip is not unpacked twice. To do so it reads, and blocks, until it has the first
/// [`DETECT_BYTES`] decoded bytes.
///
/// # Errors
///
/// When the decoder cannot have its memory. Whatever is wrong with the data comes from the reader,
/// in its turn.
pub fn text_reader(
    content: Content,
    head: Bytes,
    rest: impl Read + Send + 'static,
) -> io::Result<Decoded> {
    if !content.is_compressed() {
        return Ok(as_text(content, head, rest));
    }
    let mut decoder = decoder(content, Box::new(Cursor::new(head).chain(rest)))?;
    let mut head = Vec::new();
    let failure = (&mut decoder)
        .take(DETECT_BYTES as u64)
        .read_to_end(&mut head)
        .err();
    let rest = Failing(failure).chain(decoder);
    Ok(as_text(detect(&head), head.into(), rest))
}

/// The decoded bytes of `input`, which holds `content` from its first byte.
///
/// Text and binary pass through as they are. The byte order mark of UTF-16 must have been read
/// already.
///
/// # Errors
///
/// When the decoder cannot have its memory.
pub fn decoder(content: Content, input: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    Ok(match content {
        Content::Text { .. } | Content::Binary => input,
        Content::Utf16 { big_endian } => Box::new(utf16::Utf16::new(big_endian, input)),
        Content::Gzip => Box::new(Members::new(gzip::Gzip::new(), input)),
        Content::Zstd => Box::new(Members::new(zstd::Zstd::new()?, input)),
        Content::Bzip2 => Box::new(Members::new(bzip2::Bzip2::new(), input)),
        Content::Xz => Box::new(Members::new(xz::Xz::new()?, input)),
        Content::Lz4 => Box::new(lz4::Lz4::new(input)),
    })
}

/// What is not compressed, or not any more, without its byte order mark.
fn as_text(content: Content, head: Bytes, rest: impl Read + Send + 'static) -> Decoded {
    let text = Cursor::new(head.slice(content.bom_bytes()..)).chain(rest);
    match content {
        Content::Utf16 { big_endian } => Decoded {
            content,
            reader: Box::new(utf16::Utf16::new(big_endian, text)),
            bom_bytes: 0,
        },
        _ => Decoded {
            content,
            reader: Box::new(text),
            bom_bytes: content.bom_bytes() as u64,
        },
    }
}

/// A reader of nothing that fails first, if there is an error to return.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

#[cfg(test)]
mod tests;
