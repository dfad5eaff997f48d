//! Which file it is, whatever the names that lead there.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

/// The number of a file on its device.
///
/// It belongs to the file as long as that has a name or is open, and may be another file's after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
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

    /// The number of the device.
    pub(crate) fn device(self) -> u64 {
        self.device
    }

    /// The same number on another device.
    pub(crate) fn on_device(self, device: u64) -> Self {
        Self { device, ..self }
    }

    /// Whether both have the same number, be it on another device.
    pub(crate) fn has_number_of(self, other: Self) -> bool {
        self.number == other.number
    }
}
