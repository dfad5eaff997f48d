//! States: in a source whose lines depend on those before them, what is known where a stretch begins.
//!
//! The lines are passed once, in order, by whichever worker needs to know first; the stretches are
//! searched in parallel all the same. What a worker has read it passes itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use birl_record::extent::RECORD_BYTES_MAX;
use birl_record::format::{Parser, State};

/// So much is read at once.
const READ_BYTES: usize = 256 * 1024;

/// The states that are known of a source, by the places where lines begin.
#[derive(Debug, Default)]
pub(crate) struct States {
    known: Mutex<BTreeMap<u64, State>>,
}

impl States {
    /// The state before the line that begins at `place`; the first begins at `start`.
    ///
    /// Others wait while the lines before it are read.
    pub(crate) fn before(
        &self,
        place: u64,
        start: u64,
        parser: &Parser,
        file: &File,
    ) -> io::Result<State> {
        if !parser.is_stateful() {
            return Ok(State::default());
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let nearest = known.range(..=place).next_back();
        let (at, mut state) = match nearest {
            Some((at, state)) => (*at, state.clone()),
            None => (start.min(place), State::default()),
        };
        if at < place {
            pass(at, place, parser, file, &mut state)?;
            known.insert(place, state.clone());
        }
        Ok(state)
    }

    /// Tells the state before the line that begins at `place`.
    pub(crate) fn tell(&self, place: u64, state: State) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(place, state);
    }
}

/// Passes the lines of a file from one place to another.
fn pass(from: u64, to: u64, parser: &Parser, file: &File, state: &mut State) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut at = from;
    while at < to {
        let kept = bytes.len();
        let more = READ_BYTES.min((to - at) as usize);
        bytes.resize(kept + more, 0);
        let read = file.read_at(&mut bytes[kept..], at)?;
        bytes.truncate(kept + read);
        at += read as u64;
        let whole = match memchr::memrchr(b'\n', &bytes[kept..]) {
            Some(newline) => kept + newline + 1,
            None if read == 0 => bytes.len(),
            None => {
                // Of a longer line no more is looked at.
                bytes.truncate(RECORD_BYTES_MAX);
                continue;
            }
        };
        parser.pass(state, &bytes[..whole]);
        bytes.drain(..whole);
        if read == 0 {
            // The file has become shorter.
            break;
        }
    }
    Ok(())
}
