//! How far a file over HTTP has been read, so that another process can go on there.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// So many of the last bytes are kept, by which the file is known again.
const TAIL_BYTES_MAX: usize = 256;

/// What tells a place from the cursors of other sources.
const PREFIX: &str = "birl-place:";

/// A place behind a whole line, with the bytes before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::live) struct Place {
    pub(super) offset: u64,
    pub(super) tail: Vec<u8>,
}

impl Place {
    /// The place at `offset`, before which lie the bytes of which `before` are the last.
    pub(super) fn behind(offset: u64, before: &[u8]) -> Self {
        let tail = &before[before.len().saturating_sub(TAIL_BYTES_MAX)..];
        Self {
            offset,
            tail: tail.to_vec(),
        }
    }

    /// Reads what a place displays itself as; `None` for the cursor of another source.
    pub(in crate::live) fn parse(text: &str) -> Option<Self> {
        let (offset, tail) = text.strip_prefix(PREFIX)?.split_once(':')?;
        let place = Self {
            offset: offset.parse().ok()?,
            tail: BASE64_STANDARD.decode(tail).ok()?,
        };
        // Without what lies before it, no file could be told from another.
        let is_start = place.offset == 0;
        let is_told = place.tail.len() as u64 <= place.offset && place.tail.is_empty() == is_start;
        is_told.then_some(place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{PREFIX}{}:{}",
            self.offset,
            BASE64_STANDARD.encode(&self.tail)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written_and_nothing_else_is_one() {
        for (offset, before) in [(0, &b""[..]), (4, b"one\n"), (1000, &[0xff; 300])] {
            let place = Place::behind(offset, before);
            assert_eq!(Place::parse(&place.to_string()), Some(place));
        }
        for other in [
            "41",
            "",
            "birl-place:1",
            "birl-place:x:",
            "birl-place:41:",
            "birl-place:1:b25lCg==",
        ] {
            assert_eq!(Place::parse(other), None, "{other}");
        }
    }
}
