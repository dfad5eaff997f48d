//! xz.

use std::io;

use liblzma::stream::{Action, Error, Status, Stream};

use super::members::{Codec, Outcome, Step};

/// As much as Zstandard's largest window takes. `xz -9` needs 65 MiB.
const MEMORY_BYTES_MAX: u64 = 2 << 30;

/// The raw machine under the readers of the crate `liblzma`: those drop what they wrote in the call
/// that finds the damage.
pub(super) struct Xz(Stream);

impl Xz {
    pub(super) fn new() -> io::Result<Self> {
        fresh().map(Self)
    }
}

fn fresh() -> io::Result<Stream> {
    let flags = 0;
    Stream::new_stream_decoder(MEMORY_BYTES_MAX, flags).map_err(io::Error::from)
}

impl Codec for Xz {
    const NAME: &'static str = "xz";

    fn begins_with(first: u8) -> bool {
        first == 0xFD
    }

    fn restart(&mut self) -> io::Result<()> {
        if self.0.total_in() > 0 {
            self.0 = fresh()?;
        }
        Ok(())
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (consumed, written) = (self.0.total_in(), self.0.total_out());
        let result = self.0.process(input, output, Action::Run);
        Step {
            // No more than the two slices' lengths.
            consumed: (self.0.total_in() - consumed) as usize,
            written: (self.0.total_out() - written) as usize,
            outcome: match result {
                Ok(Status::StreamEnd) => Outcome::MemberEnd,
                // `MemNeeded` is the crate's name for "no progress without more input".
                Ok(Status::Ok | Status::GetCheck | Status::MemNeeded) => Outcome::More,
                Err(error) => Outcome::Damage(reason(error)),
            },
        }
    }
}

fn reason(error: Error) -> String {
    match error {
        Error::Data => String::new(),
        Error::MemLimit => "it needs more than 2 GiB of memory".to_owned(),
        other => other.to_string(),
    }
}
