//! What a file, an input or an output holds, as a case writes it down.

use std::io::{Read, Write};

use bstr::ByteVec;
use serde::Deserialize;

/// Bytes, written as text where they are text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Content {
    /// The text itself, in UTF-8.
    Text(String),
    /// One after the other.
    Joined(Vec<Content>),
    /// Anything that a TOML string cannot hold.
    Made(Made),
}

/// Bytes that are described instead of written down.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Made {
    /// Text in which `\xff`, `\0`, `\r`, `\n`, `\t` and `\\` stand for bytes.
    Escaped(String),
    /// The same content several times.
    Repeat {
        content: Box<Content>,
        times: usize,
    },
    /// The first bytes only.
    Cut {
        content: Box<Content>,
        bytes: usize,
    },
    /// UTF-16 with a byte order mark, the low byte first.
    Utf16le(String),
    /// UTF-16 with a byte order mark, the high byte first.
    Utf16be(String),
    Gzip(Box<Content>),
    Zstd(Box<Content>),
    Bzip2(Box<Content>),
    Xz(Box<Content>),
    Lz4(Box<Content>),
}

impl Default for Content {
    fn default() -> Content {
        Content::Text(String::new())
    }
}

impl Content {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Content::Text(text) => text.clone().into_bytes(),
            Content::Joined(parts) => parts.iter().flat_map(Content::bytes).collect(),
            Content::Made(made) => made.bytes(),
        }
    }
}

impl Made {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Made::Escaped(text) => Vec::unescape_bytes(text),
            Made::Repeat { content, times } => content.bytes().repeat(*times),
            Made::Cut { content, bytes } => {
                let mut whole = content.bytes();
                assert!(
                    whole.len() > *bytes,
                    "nothing to cut: {} bytes",
                    whole.len()
                );
                whole.truncate(*bytes);
                whole
            }
            Made::Utf16le(text) => utf16(text, u16::to_le_bytes),
            Made::Utf16be(text) => utf16(text, u16::to_be_bytes),
            Made::Gzip(content) => Codec::Gzip.compress(&content.bytes()),
            Made::Zstd(content) => Codec::Zstd.compress(&content.bytes()),
            Made::Bzip2(content) => Codec::Bzip2.compress(&content.bytes()),
            Made::Xz(content) => Codec::Xz.compress(&content.bytes()),
            Made::Lz4(content) => Codec::Lz4.compress(&content.bytes()),
        }
    }
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(bytes).collect()
}

/// A way to compress a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Codec {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Lz4,
}

impl Codec {
    pub(crate) fn compress(self, bytes: &[u8]) -> Vec<u8> {
        let compressed = match self {
            Codec::Gzip => drain(flate2::read::GzEncoder::new(
                bytes,
                flate2::Compression::default(),
            )),
            Codec::Zstd => zstd::encode_all(bytes, 0),
            Codec::Bzip2 => drain(bzip2::read::BzEncoder::new(
                bytes,
                bzip2::Compression::fast(),
            )),
            Codec::Xz => drain(liblzma::read::XzEncoder::new(bytes, 1)),
            Codec::Lz4 => lz4(bytes),
        };
        compressed.expect("compressing from memory to memory does not fail")
    }
}

fn drain(mut encoder: impl Read) -> std::io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    encoder.read_to_end(&mut compressed)?;
    Ok(compressed)
}

fn lz4(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
