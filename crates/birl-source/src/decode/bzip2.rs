//! bzip2.

use std::io;

use bzip2::{Decompress, Status};

use super::members::{Codec, Outcome, Step};

/// The raw machine under the readers of the crate `bzip2`: those drop what they wrote in the call
/// that finds the damage.
pub(super) struct Bzip2(Decompress);

impl Bzip2 {
    pub(super) fn new() -> Self {
        Self(fresh())
    }
}

fn fresh() -> Decompress {
    let save_memory = false;
    Decompress::new(save_memory)
}

impl Codec for Bzip2 {
    const NAME: &'static str = "bzip2";

    fn begins_with(first: u8) -> bool {
        first == b'B'
    }

    fn restart(&mut self) -> io::Result<()> {
        if self.0.total_in() > 0 {
            self.0 = fresh();
        }
        Ok(())
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (consumed, written) = (self.0.total_in(), self.0.total_out());
        let result = self.0.decompress(input, output);
        Step {
            // No more than the two slices' lengths.
            consumed: (self.0.total_in() - consumed) as usize,
            written: (self.0.total_out() - written) as usize,
            outcome: match result {
                Ok(Status::StreamEnd) => Outcome::MemberEnd,
                Ok(Status::MemNeeded) => Outcome::Damage("out of memory".to_owned()),
                Ok(_) => Outcome::More,
                Err(_) => Outcome::Damage(String::new()),
            },
        }
    }
}
