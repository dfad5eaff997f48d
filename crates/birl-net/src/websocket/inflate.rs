//! The messages of permessage-deflate (RFC 7692), decompressed.

use bytes::BytesMut;
use flate2::{Decompress, FlushDecompress, Status};

/// What a server leaves out at the end of each message (section 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// So much room is made for what comes out, at least.
const ROOM_BYTES: usize = 4096;

/// Decompresses one message after the other.
#[derive(Debug)]
pub(super) struct Inflater {
    stream: Decompress,
    /// Each message stands by itself.
    forgets: bool,
}

/// Why a message cannot be decompressed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is damaged.
    Damaged,
    /// It is longer than wanted.
    TooLong,
}

impl Inflater {
    /// `forgets` where the server keeps no context (`server_no_context_takeover`).
    pub(super) fn new(forgets: bool) -> Self {
        Self {
            // With the largest window, any smaller one is understood.
            stream: Decompress::new(false),
            forgets,
        }
    }

    /// Decompresses a whole message of at most `bytes_max`.
    pub(super) fn inflate(
        &mut self,
        message: &[u8],
        bytes_max: usize,
    ) -> Result<BytesMut, Failure> {
        let mut out = Vec::new();
        for mut input in [message, &TAIL] {
            while !input.is_empty() {
                input = &input[self.step(input, bytes_max, &mut out)?..];
            }
        }
        // What is left stands in the decoder, where the output had no room for it.
        while self.step(&[], bytes_max, &mut out)? > 0 {}
        if self.forgets {
            self.stream.reset(false);
        }
        Ok(BytesMut::from(bytes::Bytes::from(out)))
    }

    /// Decompresses some of `input`; gives how much.
    fn step(
        &mut self,
        input: &[u8],
        bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, Failure> {
        out.reserve(ROOM_BYTES.max(input.len()));
        let (read_before, written_before) = (self.stream.total_in(), self.stream.total_out());
        let status = self
            .stream
            .decompress_vec(input, out, FlushDecompress::Sync)
            .map_err(|_| Failure::Damaged)?;
        let read = (self.stream.total_in() - read_before) as usize;
        let written = self.stream.total_out() - written_before;
        if out.len() > bytes_max {
            return Err(Failure::TooLong);
        }
        if status == Status::StreamEnd {
            // A message may end its stream (section 7.2.3.4); another begins behind it.
            self.stream.reset(false);
        }
        Ok(match input.is_empty() {
            // Whether to call again.
            true => written as usize,
            false if read == 0 && written == 0 => return Err(Failure::Damaged),
            false => read,
        })
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    const MAX: usize = 1 << 20;

    fn inflated(inflater: &mut Inflater, message: &[u8]) -> Result<Vec<u8>, Failure> {
        inflater.inflate(message, MAX).map(|bytes| bytes.to_vec())
    }

    /// What a server sends for `texts`, one after the other.
    fn deflated(texts: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut stream = Compress::new(Compression::default(), false);
        let deflate = |text: &&[u8]| {
            if text.is_empty() {
                // Section 7.2.3.6; zlib flushes nothing twice.
                return vec![0];
            }
            let mut out = Vec::with_capacity(text.len() + 1000);
            stream
                .compress_vec(text, &mut out, FlushCompress::Sync)
                .unwrap();
            assert!(out.ends_with(&TAIL));
            out.truncate(out.len() - TAIL.len());
            out
        };
        texts.iter().map(deflate).collect()
    }

    #[test]
    fn the_examples_of_the_rfc() {
        // Section 7.2.3.1 to 7.2.3.5.
        let mut inflater = Inflater::new(false);
        let first = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(inflated(&mut inflater, &first).unwrap(), b"Hello");
        let with_context = [0xf2, 0x00, 0x11, 0x00, 0x00];
        assert_eq!(inflated(&mut inflater, &with_context).unwrap(), b"Hello");
        let stored = [
            0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
        ];
        assert_eq!(inflated(&mut inflater, &stored).unwrap(), b"Hello");
        let last_block = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        assert_eq!(inflated(&mut inflater, &last_block).unwrap(), b"Hello");
        let two_blocks = [
            0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
        ];
        assert_eq!(inflated(&mut inflater, &two_blocks).unwrap(), b"Hello");
    }

    #[test]
    fn messages_share_their_context_and_may_be_empty() {
        let long = b"0123456789abcdef".repeat(20_000);
        let texts: [&[u8]; 4] = [b"one two three", b"", b"one two three", &long];
        let mut inflater = Inflater::new(false);
        for (message, text) in deflated(&texts).iter().zip(texts) {
            assert!(inflated(&mut inflater, message).unwrap() == text);
        }
    }

    #[test]
    fn a_bomb_is_given_up_at_the_limit() {
        let zeros = vec![0; 10 * MAX];
        let mut out = Vec::with_capacity(100_000);
        Compress::new(Compression::default(), false)
            .compress_vec(&zeros, &mut out, FlushCompress::Sync)
            .unwrap();
        assert_eq!(
            inflated(&mut Inflater::new(false), &out),
            Err(Failure::TooLong)
        );
    }

    #[test]
    fn damage_is_told() {
        let damaged = [0xff; 20];
        assert_eq!(
            inflated(&mut Inflater::new(false), &damaged),
            Err(Failure::Damaged)
        );
    }
}
