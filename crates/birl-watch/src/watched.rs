//! Whether a file has changed.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file, and how it was when it was looked at.
#[derive(Debug)]
pub struct Watched {
    path: PathBuf,
    was: Option<(i64, i64, u64, u64)>,
}

impl Watched {
    /// The file at `path`, as it is.
    pub fn new(path: &Path) -> Self {
        let path = path.to_owned();
        let was = look(&path);
        Self { path, was }
    }

    /// Whether it is another one than before. A file that is gone for a moment, as while it is
    /// replaced, is not.
    pub fn has_changed(&self) -> bool {
        let is = look(&self.path);
        is.is_some() && is != self.was
    }

    /// Takes it for changed.
    pub fn is_to_be_seen(&mut self) {
        self.was = None;
    }

    /// It is as it is to be.
    pub fn is_seen(&mut self) {
        self.was = look(&self.path);
    }
}

fn look(path: &Path) -> Option<(i64, i64, u64, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ino(),
        metadata.len(),
    ))
}
