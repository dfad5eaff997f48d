//! One process has a file of state at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;

use super::Error;

const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Beside the file, `.lock`: it is locked as long as this lives, and names the process. The file is
/// left there, since who waits for it may have it open already. The system unlocks it when a process
/// ends, however it does.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// # Errors
    ///
    /// If another process has it, or as the system says.
    pub(super) fn take(path: &Path) -> Result<Self, Error> {
        let beside = path.with_added_extension("lock");
        let cannot = |error: &std::io::Error| Error::io(&beside, error);
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            // What a link leads to is not emptied.
            .custom_flags(OFlags::NOFOLLOW.bits() as i32)
            .open(&beside);
        let mut file = opened.map_err(|error| cannot(&error))?;
        match try_for_a_moment(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                // Who it is, is a help and no more.
                let _ = file.read_to_string(&mut process);
                return Err(Error::in_use(path, process.trim().parse().ok()));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(&error)),
        }
        let named = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        // It is locked all the same where the disk is full.
        let _ = named;
        Ok(Self { _file: file })
    }
}

/// Locks `file`. A program that is being started shares the lock of whoever starts it for an instant,
/// so one that is held is tried again.
fn try_for_a_moment(file: &File) -> Result<(), TryLockError> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN_TRIES),
            answer => return answer,
        }
    }
    file.try_lock()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_link_leads_to_is_not_emptied() {
        let directory = tempfile::tempdir().unwrap();
        let precious = directory.path().join("precious");
        std::fs::write(&precious, "precious").unwrap();
        let link = directory.path().join("birl.db.lock");
        std::os::unix::fs::symlink(&precious, &link).unwrap();
        assert!(Lock::take(&directory.path().join("birl.db")).is_err());
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
        std::fs::remove_file(&link).unwrap();
        Lock::take(&directory.path().join("birl.db")).unwrap();
    }
}
