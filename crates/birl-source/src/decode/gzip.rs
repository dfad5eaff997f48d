//! gzip, RFC 1952.

use std::io;

use flate2::{Decompress, DecompressError, FlushDecompress, Status};

use super::members::{Codec, Outcome, Step};

/// The largest window that deflate has, as the power of two.
const WINDOW_BITS: u8 = 15;

/// The raw machine under flate2's readers: those drop what they wrote in the call that finds the
/// damage.
pub(super) struct Gzip(Decompress);

impl Gzip {
    pub(super) fn new() -> Self {
        Self(Decompress::new_gzip(WINDOW_BITS))
    }
}

impl Codec for Gzip {
    const NAME: &'static str = "gzip";

    fn begins_with(first: u8) -> bool {
        first == 0x1F
    }

    fn restart(&mut self) -> io::Result<()> {
        self.0.reset(true);
        Ok(())
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (consumed, written) = (self.0.total_in(), self.0.total_out());
        let result = self.0.decompress(input, output, FlushDecompress::None);
        Step {
            // No more than the two slices' lengths.
            consumed: (self.0.total_in() - consumed) as usize,
            written: (self.0.total_out() - written) as usize,
            outcome: match result {
                Ok(Status::StreamEnd) => Outcome::MemberEnd,
                Ok(Status::Ok | Status::BufError) => Outcome::More,
                Err(error) => Outcome::Damage(reason(&error)),
            },
        }
    }
}

/// Which check failed, if it is one of gzip's own. What zlib-rs says of deflate's insides depends
/// on how much it was fed at a time, and helps nobody.
fn reason(error: &DecompressError) -> String {
    let check = error.message().filter(|words| words.ends_with("check"));
    check.unwrap_or_default().to_owned()
}
