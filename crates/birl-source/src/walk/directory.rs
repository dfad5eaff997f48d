//! One directory, listed and sorted.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::vec;

use crate::inode::Inode;

/// The entries of one directory that have not been taken yet, in the order of their names.
///
/// The listing is complete when it opens, so that no descriptor stays open on the way down a deep
/// tree.
pub(super) struct Directory {
    shown: PathBuf,
    inode: Inode,
    entries: vec::IntoIter<Entry>,
    /// What went wrong while it was listed, to be told once.
    failure: Option<io::Error>,
}

/// A name in a directory, by what the directory says that it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Directory(OsString),
    Link(OsString),
    Regular(OsString),
    /// A pipe, a socket or a device.
    Special(OsString),
}

impl Directory {
    /// Lists the directory at `path`, whose entries are shown below `shown`.
    pub(super) fn open(shown: PathBuf, path: &Path) -> io::Result<Self> {
        let inode = Inode::of(&fs::metadata(path)?);
        let mut entries = Vec::new();
        let mut failure = None;
        for entry in fs::read_dir(path)? {
            match entry.and_then(Entry::new) {
                Ok(entry) => entries.push(entry),
                // It was deleted while we looked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => failure = Some(error),
            }
        }
        entries.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        Ok(Self {
            shown,
            inode,
            entries: entries.into_iter(),
            failure,
        })
    }

    pub(super) fn inode(&self) -> Inode {
        self.inode
    }

    /// The path to show; empty for a current directory that was not typed.
    pub(super) fn path(&self) -> &Path {
        if self.shown.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &self.shown
        }
    }

    /// The path to show for the entry `name`.
    pub(super) fn join(&self, name: &OsStr) -> PathBuf {
        self.shown.join(name)
    }
}

impl Iterator for Directory {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<io::Result<Entry>> {
        match self.failure.take() {
            Some(failure) => Some(Err(failure)),
            None => self.entries.next().map(Ok),
        }
    }
}

impl Entry {
    fn new(entry: DirEntry) -> io::Result<Self> {
        // On most file systems it is part of the listing and costs no call.
        let file_type = entry.file_type()?;
        let name = entry.file_name();
        Ok(if file_type.is_file() {
            Self::Regular(name)
        } else if file_type.is_dir() {
            Self::Directory(name)
        } else if file_type.is_symlink() {
            Self::Link(name)
        } else {
            Self::Special(name)
        })
    }

    pub(super) fn name(&self) -> &OsStr {
        match self {
            Self::Directory(name)
            | Self::Link(name)
            | Self::Regular(name)
            | Self::Special(name) => name,
        }
    }
}
