//! Logs of the past, which each rule reads by itself.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// A log that can be read as often as rules ask it.
#[derive(Debug)]
pub(crate) struct Log {
    typed: OsString,
    path: OsString,
    /// What came once, in a file without a name. It is gone when this is dropped.
    _copy: Option<File>,
}

impl Log {
    /// The log of this name. What can be read once, which are standard input and other pipes, is read to its end
    /// and kept in a temporary file. It blocks.
    ///
    /// # Errors
    /// As the system says of reading it, or of that file.
    pub(crate) fn kept(typed: OsString) -> io::Result<Self> {
        let once = match typed == "-" {
            true => Some(File::from(io::stdin().as_fd().try_clone_to_owned()?)),
            false => comes_once(&typed).then(|| File::open(&typed)).transpose()?,
        };
        let Some(mut once) = once else {
            return Ok(Self {
                path: typed.clone(),
                typed,
                _copy: None,
            });
        };
        let mut copy = tempfile::tempfile()?;
        io::copy(&mut once, &mut copy)?;
        Ok(Self {
            typed,
            path: format!("/dev/fd/{}", copy.as_raw_fd()).into(),
            _copy: Some(copy),
        })
    }

    /// What it is called.
    pub(crate) fn typed(&self) -> String {
        self.typed.to_string_lossy().into_owned()
    }

    /// Where it is read.
    pub(crate) fn path(&self) -> &OsStr {
        &self.path
    }
}

/// Whether a path leads to something that is there, and neither a file nor a directory.
fn comes_once(typed: &OsStr) -> bool {
    fs::metadata(typed).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}
