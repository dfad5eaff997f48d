//! Logs of the past, which each rule reads by itself.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use tempfile::NamedTempFile;

/// A log that can be read as often as rules ask it.
#[derive(Debug)]
pub(crate) struct Log {
    typed: OsString,
    path: OsString,
    /// What came once. It is gone when this is dropped.
    _copy: Option<Copy>,
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
        let (mut copy, path) = Copy::new(has_descriptors())?;
        io::copy(&mut once, &mut copy)?;
        Ok(Self {
            typed,
            path,
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

/// A temporary file.
#[derive(Debug)]
enum Copy {
    /// It has no name, so that it is gone however the process ends.
    Nameless(File),
    Named(NamedTempFile),
}

impl Copy {
    /// An empty one, and where it can be read: without a name, if descriptors can be opened like files.
    fn new(has_descriptors: bool) -> io::Result<(Self, OsString)> {
        if has_descriptors {
            let file = tempfile::tempfile()?;
            let path = format!("/dev/fd/{}", file.as_raw_fd());
            return Ok((Self::Nameless(file), path.into()));
        }
        let file = NamedTempFile::new()?;
        let path = file.path().as_os_str().to_owned();
        Ok((Self::Named(file), path))
    }
}

impl Write for Copy {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Nameless(file) => file.write(bytes),
            Self::Named(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Nameless(file) => file.flush(),
            Self::Named(file) => file.flush(),
        }
    }
}

/// Whether a path leads to each descriptor, and opens what is behind it anew: elsewhere than on Linux it stands for
/// the descriptor itself, so that all who read it would share one place.
fn has_descriptors() -> bool {
    cfg!(target_os = "linux") && Path::new("/dev/fd").exists()
}

/// Whether a path leads to something that is there, and neither a file nor a directory.
fn comes_once(typed: &OsStr) -> bool {
    fs::metadata(typed).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_read_from_its_beginning_as_often_as_it_is_opened_and_goes_with_its_log() {
        for has_descriptors in [true, false] {
            let (mut copy, path) = Copy::new(has_descriptors).unwrap();
            copy.write_all(b"one\ntwo\n").unwrap();
            for _ in 0..2 {
                assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\n");
            }
            drop(copy);
            // A descriptor may be another's at once.
            assert!(has_descriptors || !Path::new(&path).exists());
        }
    }
}
