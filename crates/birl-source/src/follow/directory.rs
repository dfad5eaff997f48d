//! Listings of directories that change while they are listed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::Path;
use std::time::Instant;

use super::identity::Stamp;
use crate::Origin;

/// How often a listing is tried again for another that agrees with it.
const TRIES: usize = 3;

/// Names and file numbers.
pub(super) type Listing = BTreeMap<OsString, u64>;

/// A directory as it was when last listed.
#[derive(Debug, Default)]
pub(super) struct Directory {
    entries: Listing,
    stamp: Option<Stamp>,
    hot_until: Option<Instant>,
    /// Why it could not be listed the last time, so that it is said once; and as what it was shown.
    pub(super) complaint: Option<(io::ErrorKind, Origin)>,
}

/// What a new listing of a directory found.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Names that are new or stand for another file, with that file's metadata.
    pub(super) arrived: Vec<(OsString, Metadata)>,
    /// Names that stand for no file any more.
    pub(super) left: Vec<OsString>,
}

impl Directory {
    /// Whether the directory may have changed since it was last listed.
    ///
    /// A time stamp counts in ticks, so an unchanged one proves nothing soon after a change:
    /// until the directory has been quiet for a while, the answer is yes.
    pub(super) fn is_stale(&self, path: &Path, now: Instant) -> bool {
        let stamp = fs::metadata(path).ok().as_ref().map(Stamp::of);
        stamp != self.stamp || self.hot_until.is_none_or(|until| now < until)
    }

    /// Lists the directory again and returns what has changed.
    ///
    /// A directory that does not exist is an empty one. A rename during a listing can hide a file
    /// from it, so only two equal listings in a row are believed, and the metadata must agree with
    /// them. What does not hold still for so long is left to be found as new by the next call.
    pub(super) fn relist(&mut self, path: &Path, hot_until: Instant) -> io::Result<Changes> {
        let mut tries = 0;
        loop {
            tries += 1;
            let stamp = fs::metadata(path).ok().as_ref().map(Stamp::of);
            let mut listing = list_settled(path)?;
            let (arrived, missed) = self.arrived(path, &listing);
            if !missed.is_empty() && tries < TRIES {
                continue;
            }
            listing.retain(|name, _| !missed.contains(name));
            let left = self.left(&listing);
            if !arrived.is_empty() || !left.is_empty() || stamp != self.stamp {
                self.hot_until = Some(hot_until);
            }
            self.stamp = stamp;
            self.entries = listing;
            return Ok(Changes { arrived, left });
        }
    }

    fn arrived(
        &self,
        path: &Path,
        listing: &Listing,
    ) -> (Vec<(OsString, Metadata)>, Vec<OsString>) {
        let mut arrived = Vec::new();
        let mut missed = Vec::new();
        for (name, &inode) in listing {
            if self.entries.get(name) == Some(&inode) {
                continue;
            }
            match same_file(&path.join(name), inode) {
                Some(metadata) => arrived.push((name.clone(), metadata)),
                None => missed.push(name.clone()),
            }
        }
        (arrived, missed)
    }

    fn left(&self, listing: &Listing) -> Vec<OsString> {
        let gone = |name: &&OsString| !listing.contains_key(*name);
        self.entries.keys().filter(gone).cloned().collect()
    }
}

/// The metadata of the file that `path` leads to, if it still is the one that was listed.
fn same_file(path: &Path, inode: u64) -> Option<Metadata> {
    let link = fs::symlink_metadata(path).ok()?;
    if link.ino() != inode && !link.is_dir() {
        return None;
    }
    if !link.is_symlink() {
        return Some(link);
    }
    // A link that leads nowhere is a file that is not there yet.
    fs::metadata(path).ok().or(Some(link))
}

fn list_settled(path: &Path) -> io::Result<Listing> {
    let mut before = list(path)?;
    for _ in 0..TRIES {
        let after = list(path)?;
        if after == before {
            break;
        }
        before = after;
    }
    Ok(before)
}

fn list(path: &Path) -> io::Result<Listing> {
    let entries = match fs::read_dir(path) {
        Err(error) if is_absence(&error) => return Ok(Listing::new()),
        entries => entries?,
    };
    entries
        .map(|entry| entry.map(|entry| (entry.file_name(), entry.ino())))
        .collect()
}

/// Whether an error says that there is no such file.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
