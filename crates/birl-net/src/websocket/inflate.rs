//! The messages of permessage-deflate (RFC 7692), decompressed.

use bytes::BytesMut;
use flate2::{Decompress, FlushDecompress, Status};

/// What a server leaves out at the end of each message (section 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// So much room is made for what comes out, at least.
const ROOM_BYTES: usize = 4096;

/// Of a message that is longer than wanted nothing is kept, but it is decompressed all the same, since what comes
/// behind it may be written in its words; only not when it has become so many times as long as what is wanted.
const BOMB_TIMES: u64 = 64;

/// Decompresses one message after the other.
#[derive(Debug)]
pub(super) struct Inflater {
    stream: Decompress,
    /// Each message stands by itself.
    forgets: bool,
    /// What the message says as far as it has come, or the last piece of it where it is too long.
    out: Vec<u8>,
    /// So much has come out of the message.
    out_bytes: u64,
}

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inflated {
    Whole(BytesMut),
    /// More than is wanted.
    TooLong,
}

/// Why a message cannot be decompressed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is damaged.
    Damaged,
    /// It is so long that its end is not waited for.
    Bomb,
}

impl Inflater {
    /// `forgets` where the server keeps no context (`server_no_context_takeover`).
    pub(super) fn new(forgets: bool) -> Self {
        Self {
            // With the largest window, any smaller one is understood.
            stream: Decompress::new(false),
            forgets,
            out: Vec::new(),
            out_bytes: 0,
        }
    }

    /// Decompresses a piece of a message of which at most `bytes_max` are wanted.
    pub(super) fn feed(&mut self, mut piece: &[u8], bytes_max: usize) -> Result<(), Failure> {
        while !piece.is_empty() {
            piece = &piece[self.step(piece, bytes_max)?..];
        }
        Ok(())
    }

    /// The message is over: what it says.
    pub(super) fn end(&mut self, bytes_max: usize) -> Result<Inflated, Failure> {
        self.feed(&TAIL, bytes_max)?;
        // What is left stands in the decoder, where the output had no room for it.
        while self.step(&[], bytes_max)? > 0 {}
        if self.forgets {
            self.stream.reset(false);
        }
        let out = std::mem::take(&mut self.out);
        Ok(match std::mem::take(&mut self.out_bytes) {
            bytes if bytes > bytes_max as u64 => Inflated::TooLong,
            _ => Inflated::Whole(BytesMut::from(bytes::Bytes::from(out))),
        })
    }

    /// Decompresses some of `input`; gives how much.
    fn step(&mut self, input: &[u8], bytes_max: usize) -> Result<usize, Failure> {
        if self.out_bytes > bytes_max as u64 {
            self.out.clear();
        }
        self.out.reserve(ROOM_BYTES.max(input.len()));
        let (read_before, written_before) = (self.stream.total_in(), self.stream.total_out());
        let status = self
            .stream
            .decompress_vec(input, &mut self.out, FlushDecompress::Sync)
            .map_err(|_| Failure::Damaged)?;
        let read = (self.stream.total_in() - read_before) as usize;
        let written = self.stream.total_out() - written_before;
        self.out_bytes += written;
        if self.out_bytes > BOMB_TIMES.saturating_mul(bytes_max as u64) {
            return Err(Failure::Bomb);
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
        inflater.feed(message, MAX)?;
        match inflater.end(MAX)? {
            Inflated::Whole(bytes) => Ok(bytes.to_vec()),
            Inflated::TooLong => Ok(b"too long".to_vec()),
        }
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
    fn what_is_too_long_is_not_kept_but_its_words_are_known_behind_it() {
        let words = b"0123456789abcdef".repeat(1000);
        let long = [vec![b'x'; MAX], words.clone()].concat();
        let messages = deflated(&[b"short", &long, &words]);
        // What is told again is a few references to what was said before.
        assert!(messages[2].len() < 200);
        let mut inflater = Inflater::new(false);
        assert_eq!(inflated(&mut inflater, &messages[0]).unwrap(), b"short");
        assert_eq!(inflated(&mut inflater, &messages[1]).unwrap(), b"too long");
        assert!(inflated(&mut inflater, &messages[2]).unwrap() == words);
    }

    #[test]
    fn a_bomb_is_given_up() {
        let bytes_max = 10_000;
        let zeros = vec![0; (BOMB_TIMES as usize + 1) * bytes_max];
        let mut out = Vec::with_capacity(100_000);
        Compress::new(Compression::default(), false)
            .compress_vec(&zeros, &mut out, FlushCompress::Sync)
            .unwrap();
        let mut inflater = Inflater::new(false);
        assert_eq!(inflater.feed(&out, bytes_max), Err(Failure::Bomb));
        assert!(inflater.out.capacity() <= 4 * bytes_max, "little is kept");
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
