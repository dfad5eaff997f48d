//! Zstandard, RFC 8878.

use std::io;

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::members::{Codec, Outcome, Step};
use crate::error::lower_first;

/// 2 GiB, the most that `zstd --long` writes; a machine of 32 bits cannot address it.
const WINDOW_BITS: u32 = if usize::BITS > 32 { 31 } else { 30 };

/// Enough for the decoder to begin a frame and to ask for what it wants.
const FRAME_START_BYTES: usize = 5;

/// The length of a block's header, which the decoder asks for together with the block before.
const BLOCK_HEADER_BYTES: usize = 3;

/// Feeds the decoder one block at a time, and headers by themselves: a call that finds damage
/// forgets what it wrote before it in the same call, so such a call must not have written anything.
pub(super) struct Zstd {
    decoder: Decoder<'static>,
    /// How many bytes of input the decoder gets next.
    wanted: usize,
    /// The decoder may hold output that did not fit.
    is_full: bool,
}

impl Zstd {
    pub(super) fn new() -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_BITS))?;
        Ok(Self {
            decoder,
            wanted: FRAME_START_BYTES,
            is_full: false,
        })
    }
}

impl Codec for Zstd {
    const NAME: &'static str = "zstd";

    fn begins_with(first: u8) -> bool {
        matches!(first, 0x28 | 0x50..=0x5F)
    }

    fn restart(&mut self) -> io::Result<()> {
        self.wanted = FRAME_START_BYTES;
        self.is_full = false;
        self.decoder.reinit()
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let fed = if self.is_full {
            0
        } else {
            input.len().min(self.wanted)
        };
        let mut input = InBuffer::around(&input[..fed]);
        let mut output = OutBuffer::around(output);
        let result = self.decoder.run(&mut input, &mut output);
        self.is_full = output.pos() == output.capacity();
        Step {
            consumed: input.pos(),
            written: output.pos(),
            outcome: match result {
                Ok(0) => Outcome::MemberEnd,
                Ok(wanted) => {
                    self.wanted = without_next_header(wanted);
                    Outcome::More
                }
                Err(error) => Outcome::Damage(lower_first(&error.to_string())),
            },
        }
    }
}

fn without_next_header(wanted: usize) -> usize {
    if wanted > BLOCK_HEADER_BYTES {
        wanted - BLOCK_HEADER_BYTES
    } else {
        wanted
    }
}
