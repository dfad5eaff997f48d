//! Which file it is, whatever the names that lead there.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// The number of a file on its device.
///
/// It belongs to the file as long as that has a name or is open, and may be another file's after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Inode {
    device: u64,
    number: u64,
}

impl Inode {
    /// The file that `metadata` is of.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            number: metadata.ino(),
        }
    }
}
