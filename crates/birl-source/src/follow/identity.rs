//! Who a file is: its number on its device, and what its bytes look like.

use std::fs::Metadata;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::Inode;

/// Bytes at the start of a file that are kept to know it again.
///
/// A match of this many bytes, time stamps and all, is taken as proof that two files have the same
/// content, so far as both go; a shorter one is not.
pub(super) const HEAD_BYTES: usize = 1024;

const SAMPLE_BYTES: usize = 256;
const SAMPLES_MAX: usize = 32;

/// The number of a file on its device, with its time of birth where the file system knows it.
///
/// The birth is part of it because file systems such as ext4 give the number of a deleted file to
/// the next one that is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub(super) struct FileId {
    inode: Inode,
    pub(super) born: Option<SystemTime>,
}

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            inode: Inode::of(metadata),
            born: metadata.created().ok(),
        }
    }

    pub(super) fn device(&self) -> u64 {
        self.inode.device()
    }

    /// The file of the same number on the device of another one.
    pub(super) fn on_device_of(self, other: &Self) -> Self {
        Self {
            inode: self.inode.on_device(other.inode.device()),
            ..self
        }
    }

    /// Whether it may be the same file on a device that has another number since the system was
    /// started.
    pub(super) fn is_on_other_device(&self, other: &Self) -> bool {
        self != other
            && self.inode.has_number_of(other.inode)
            && self.born.is_some()
            && self.born == other.born
    }
}

/// What changes in a file's metadata whenever its content does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Stamp {
    pub(super) size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Seconds and nanoseconds of the last write, by the file system's clock.
    pub(super) fn modified(&self) -> (i64, i64) {
        self.modified
    }
}

/// What the bytes read so far look like: the first ones, the last ones, and samples between.
///
/// It takes at most about 2 KiB, however long the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Print {
    #[serde(with = "crate::saved::bytes")]
    head: Vec<u8>,
    samples: Vec<Sample>,
    #[serde(with = "crate::saved::bytes")]
    tail: Vec<u8>,
    end: u64,
}

/// The hash of the `SAMPLE_BYTES` before `end`. Samples do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Sample {
    end: u64,
    hash: u64,
}

impl Print {
    /// The print of the first `end` bytes of `file`, without its samples: only the first and the
    /// last of the bytes are read.
    pub(super) fn of_start(file: &impl FileExt, end: u64) -> io::Result<Self> {
        let mut head = vec![0; end.min(HEAD_BYTES as u64) as usize];
        let head_len = read_at(file, &mut head, 0)?;
        head.truncate(head_len);
        let tail_start = end.saturating_sub(SAMPLE_BYTES as u64);
        let mut tail = vec![0; (end - tail_start) as usize];
        let tail_len = read_at(file, &mut tail, tail_start)?;
        tail.truncate(tail_len);
        Ok(Self {
            head,
            samples: Vec::new(),
            end: tail_start + tail_len as u64,
            tail,
        })
    }

    /// How many bytes have been read: the offset of the next one.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The first of the bytes read so far.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The last `count` of the bytes read so far, of which there are few, or as many as are known.
    pub(super) fn last(&self, count: usize) -> &[u8] {
        &self.tail[self.tail.len().saturating_sub(count)..]
    }

    /// Whether the last of the bytes read so far are these, of which there are few.
    pub(super) fn ends_with(&self, bytes: &[u8]) -> bool {
        self.tail.ends_with(bytes)
    }

    /// Takes in the bytes that follow those read so far.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let head_missing = HEAD_BYTES - self.head.len();
        self.head
            .extend_from_slice(&bytes[..bytes.len().min(head_missing)]);
        if bytes.len() >= SAMPLE_BYTES {
            self.tail.clear();
        } else {
            let surplus = (self.tail.len() + bytes.len()).saturating_sub(SAMPLE_BYTES);
            self.tail.drain(..surplus);
        }
        self.tail
            .extend_from_slice(&bytes[bytes.len().saturating_sub(SAMPLE_BYTES)..]);
        self.end += bytes.len() as u64;
        self.sample();
    }

    /// Whether the first bytes agree with those of another file, so far as both go.
    pub(super) fn begins_like(&self, head: &[u8]) -> bool {
        let common = self.head.len().min(head.len());
        common > 0 && self.head[..common] == head[..common]
    }

    fn sample(&mut self) {
        if self.end < self.probed_to() + SAMPLE_BYTES as u64 || self.head.len() < HEAD_BYTES {
            return;
        }
        self.samples.push(Sample {
            end: self.end,
            hash: hash(&self.tail),
        });
        if self.samples.len() > SAMPLES_MAX {
            // The older half is thinned, so that samples lie densest near the end, where a copy
            // made a moment ago differs in length from what was read.
            let mut nth = 0;
            self.samples.retain(|_| {
                nth += 1;
                nth > SAMPLES_MAX / 2 || nth % 2 == 0
            });
        }
    }

    /// The end of the last byte that the head or a sample covers.
    fn probed_to(&self) -> u64 {
        self.samples
            .last()
            .map_or(self.head.len() as u64, |sample| sample.end)
    }

    /// Whether the bytes read so far still lie in `file` as they did.
    ///
    /// Looks at the first and the last of them only, so it is cheap enough to be asked before
    /// every read.
    pub(super) fn still_in(&self, file: &impl FileExt) -> io::Result<bool> {
        Ok(self.start_still_in(file)? && self.end_still_in(file)?)
    }

    fn start_still_in(&self, file: &impl FileExt) -> io::Result<bool> {
        let mut found = [0; HEAD_BYTES];
        let found = &mut found[..self.head.len()];
        Ok(read_at(file, found, 0)? == self.head.len() && *found == self.head)
    }

    fn end_still_in(&self, file: &impl FileExt) -> io::Result<bool> {
        let mut found = [0; SAMPLE_BYTES];
        let found = &mut found[..self.tail.len()];
        let start = self.end - self.tail.len() as u64;
        Ok(read_at(file, found, start)? == self.tail.len() && *found == self.tail)
    }

    /// Compares what was read with the content of another file, from its start.
    pub(super) fn compare(&self, body: &mut Body) -> io::Result<Likeness> {
        let mut proven = 0;
        for probe in self.probes() {
            let mut found = [0; HEAD_BYTES];
            let found = &mut found[..probe.len];
            let length = body.read_from(probe.start, found)?;
            let found = &found[..length];
            if !probe.accepts(found) {
                return Ok(Likeness::Different);
            }
            if length < probe.len {
                return Ok(Likeness::Same {
                    bytes: body.position(),
                    proven: proven + length,
                });
            }
            proven += length;
        }
        Ok(Likeness::Same {
            bytes: self.end,
            proven,
        })
    }

    /// Stretches of the content that are known, in order and without overlap.
    fn probes(&self) -> impl Iterator<Item = Probe<'_>> {
        let head = Probe {
            start: 0,
            len: self.head.len(),
            known: Known::Bytes(&self.head),
        };
        let samples = self.samples.iter().map(|sample| Probe {
            start: sample.end - SAMPLE_BYTES as u64,
            len: SAMPLE_BYTES,
            known: Known::Hash(sample.hash),
        });
        let unprobed = (self.end - self.probed_to()).min(self.tail.len() as u64) as usize;
        let tail = Probe {
            start: self.end - unprobed as u64,
            len: unprobed,
            known: Known::Bytes(&self.tail[self.tail.len() - unprobed..]),
        };
        std::iter::once(head)
            .chain(samples)
            .chain(std::iter::once(tail))
            .filter(|probe| probe.len > 0)
    }
}

struct Probe<'a> {
    start: u64,
    len: usize,
    known: Known<'a>,
}

enum Known<'a> {
    Bytes(&'a [u8]),
    Hash(u64),
}

impl Probe<'_> {
    /// Whether `found`, which may have been cut short by the end of a file, agrees.
    fn accepts(&self, found: &[u8]) -> bool {
        match self.known {
            Known::Bytes(bytes) => bytes.starts_with(found),
            Known::Hash(known) => found.len() < self.len || hash(found) == known,
        }
    }
}

/// What a comparison of contents found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// A byte differs.
    Different,
    /// No compared byte differs.
    Same {
        /// How far the two go together: to the end of the shorter one.
        bytes: u64,
        /// How many bytes were in fact compared.
        proven: usize,
    },
}

impl Likeness {
    /// Whether so much is the same that it cannot be chance, such as a common first line.
    pub(super) fn is_proof(self) -> bool {
        matches!(self, Self::Same { proven, .. } if proven >= HEAD_BYTES)
    }
}

/// The bytes of a file, uncompressed, read forwards.
pub(super) enum Body {
    /// A file that holds its content as it is.
    Plain(std::fs::File, u64),
    /// A compressed file.
    Decoded {
        reader: Box<dyn Read + Send>,
        /// In the uncompressed bytes.
        position: u64,
        /// What was found behind the last byte that could be decoded.
        failure: Option<io::Error>,
    },
}

impl Body {
    /// Where the next byte will be read: the end of what was read or skipped so far.
    pub(super) fn position(&self) -> u64 {
        match self {
            Self::Plain(_, position) | Self::Decoded { position, .. } => *position,
        }
    }

    /// Why no more could be decoded, once the end has been reached; `None` where it is the end.
    pub(super) fn into_failure(self) -> Option<io::Error> {
        match self {
            Self::Plain(..) => None,
            Self::Decoded { failure, .. } => failure,
        }
    }

    /// Fills `buffer` with the bytes from `start`, which must not lie before the position, and
    /// returns how many there were before the end, or before what cannot be decoded: a compressed
    /// file may still be written.
    pub(super) fn read_from(&mut self, start: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file, position) => {
                let length = read_at(file, buffer, start)?;
                // A file that ends before the start is a shorter one, not one with a hole.
                *position = (start + length as u64).min(file.metadata()?.len());
                Ok(length)
            }
            Self::Decoded {
                reader,
                position,
                failure,
            } => {
                let skip = start - *position;
                let skipped = skip_bytes(reader, skip, failure);
                *position += skipped;
                let length = if skipped < skip {
                    0
                } else {
                    fill(reader, buffer, failure)
                };
                *position += length as u64;
                Ok(length)
            }
        }
    }
}

fn skip_bytes(reader: &mut impl Read, count: u64, failure: &mut Option<io::Error>) -> u64 {
    let mut scratch = vec![0; count.min(64 * 1024) as usize];
    let mut skipped = 0;
    while skipped < count {
        let want = (count - skipped).min(scratch.len() as u64) as usize;
        let length = fill(reader, &mut scratch[..want], failure);
        skipped += length as u64;
        if length < want {
            break;
        }
    }
    skipped
}

/// Fills `buffer` as far as `reader` goes before its end or its failure.
fn fill(reader: &mut impl Read, buffer: &mut [u8], failure: &mut Option<io::Error>) -> usize {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                *failure = Some(error);
                break;
            }
        }
    }
    filled
}

/// Fills `buffer` from `offset` and returns how many bytes there were before the end.
pub(super) fn read_at(file: &impl FileExt, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// FNV-1a. It is kept across restarts, so it must never change; the standard library's may.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}
