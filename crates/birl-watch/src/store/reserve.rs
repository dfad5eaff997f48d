//! Room on the disk for what has to be noted when there is no more.
//!
//! A disk may be full of the outbox itself. Then what is delivered makes room, and to note that takes room: in
//! the log of the file, and where the log is written back. So a file of that size lies beside it, which is given up
//! for that; nothing new is taken in until it is there again.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::ErrorCode;
use rustix::fs::{FallocateFlags, OFlags, fallocate};
use rustix::io::Errno;
use tracing::warn;

use super::error::no_room;

/// How much is kept: twice what the log holds before it is written back.
pub(super) const BYTES: u64 = 8 << 20;

/// So much is written to find out whether there is room: more than SQLite writes at once.
const PROBE_BYTES: u64 = 64 << 10;

/// No link is followed to a file that is not ours, and no reader of a pipe is waited for.
const NOT_ELSEWHERE: i32 = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits() as i32;

/// How often it is told that it is given up.
const TOLD_EVERY: Duration = Duration::from_secs(3600);

/// Beside the file, `.reserve`.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    is_kept: bool,
    /// When it was told that it is given up.
    told: Option<Instant>,
}

impl Reserve {
    pub(super) fn beside(path: &Path) -> Self {
        Self {
            path: path.with_added_extension("reserve"),
            is_kept: false,
            told: None,
        }
    }

    /// Whether it is there, as far as is known.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Keeps the room free from now on; false if there is not as much.
    pub(super) fn keep(&mut self) -> bool {
        if self.is_kept {
            return true;
        }
        match self.allocate() {
            Ok(()) => {}
            Err(error) if is_no_room(&error) => {
                // What could be had is room for others.
                let _ = fs::remove_file(&self.path);
                return false;
            }
            Err(error) => warn!(
                %error,
                "no room is kept beside the state: if the disk is full it may not be noted what is delivered"
            ),
        }
        self.is_kept = true;
        true
    }

    /// The same error; of a full disk, where that is behind a write that failed. SQLite knows that of a disk, and not
    /// of a quota.
    pub(super) fn explained(&self, error: rusqlite::Error) -> rusqlite::Error {
        let has_failed = error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure);
        match has_failed && self.probe().is_err_and(|error| is_no_room(&error)) {
            true => no_room(),
            false => error,
        }
    }

    /// Whether a little can be written.
    fn probe(&self) -> io::Result<()> {
        let path = self.path.with_added_extension("probe");
        // One that was left, or that somebody has laid there, is not written to.
        let _ = fs::remove_file(&path);
        let mut options = OpenOptions::new();
        let made = options.write(true).create_new(true).mode(0o600).open(&path);
        let written = made.and_then(|mut file| write(&mut file, PROBE_BYTES));
        let _ = fs::remove_file(&path);
        written
    }

    fn allocate(&self) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(NOT_ELSEWHERE)
            .open(&self.path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        match fallocate(&file, FallocateFlags::empty(), 0, BYTES) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => write(&mut file, BYTES),
            allocated => Ok(allocated?),
        }
    }

    /// Gives the room up; false if there was none.
    pub(super) fn give_up(&mut self) -> bool {
        self.is_kept = false;
        let is_removed = fs::remove_file(&self.path).is_ok();
        // As alerts come and are delivered it comes and goes.
        if is_removed && self.told.is_none_or(|told| told.elapsed() > TOLD_EVERY) {
            self.told = Some(Instant::now());
            warn!(
                "the disk is full: the {} MiB that were kept beside the state are given up, to note what is \
                 delivered; nothing more is read until there is as much room again",
                BYTES >> 20
            );
        }
        is_removed
    }
}

/// What takes as much room as it is long, on a file system that leaves out zeros and compresses as well.
fn write(file: &mut File, bytes: u64) -> io::Result<()> {
    let mut block = vec![0; 1 << 16];
    let random = SystemRandom::new();
    for _ in 0..bytes / block.len() as u64 {
        random
            .fill(&mut block)
            .map_err(|_| io::Error::other("there are no random bytes"))?;
        io::Write::write_all(file, &block)?;
    }
    Ok(())
}

fn is_no_room(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_a_link_leads_to_is_not_written_to() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("precious"), "precious").unwrap();
        let mut reserve = Reserve::beside(&at("birl.db"));
        symlink(at("precious"), at("birl.db.reserve.probe")).unwrap();
        reserve.probe().unwrap();
        assert!(!at("birl.db.reserve.probe").is_symlink());
        symlink(at("precious"), at("birl.db.reserve")).unwrap();
        assert!(reserve.allocate().is_err());
        assert_eq!(fs::read_to_string(at("precious")).unwrap(), "precious");
        assert_eq!(fs::metadata(at("precious")).unwrap().len(), 8);
        // What was left of a process that was killed is in nobody's way.
        fs::remove_file(at("birl.db.reserve")).unwrap();
        fs::write(at("birl.db.reserve.probe"), "left").unwrap();
        reserve.probe().unwrap();
        assert!(reserve.keep());
        assert_eq!(fs::metadata(at("birl.db.reserve")).unwrap().len(), BYTES);
    }
}
