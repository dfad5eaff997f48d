//! What is wrong with the file of state.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use birl_source::error::refusal;
use rusqlite::{ErrorCode, ffi};

const ROOM: &str = "free some space there, 8 MiB at least";

/// Why the state could not be read or written: what was done, to which file, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: String,
    hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Full,
    Locked,
    Corrupt,
    InUse,
    Other,
}

impl Error {
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Kind::Full,
            _ => Kind::Other,
        };
        Self {
            kind,
            message: format!("cannot open the state in {path:?}: {}", refusal(error)),
            hint: Some(
                "name a file that birl may make and write to: state = \"/var/lib/birl/state.db\""
                    .to_owned(),
            ),
        }
    }

    pub(super) fn in_use(path: &Path, process: Option<u32>) -> Self {
        let by = match process {
            Some(process) => format!("process {process}, another birl run"),
            None => "another birl run".to_owned(),
        };
        Self {
            kind: Kind::InUse,
            message: format!("the state in {path:?} is in use by {by}"),
            hint: Some("end that first, or name another file: state = \"PATH\"".to_owned()),
        }
    }

    pub(super) fn unusable(path: &Path, why: &str, hint: &str) -> Self {
        Self {
            kind: Kind::Other,
            message: format!("cannot use the state in {path:?}: {why}"),
            hint: Some(hint.to_owned()),
        }
    }

    pub(super) fn corrupt(path: &Path, why: &str) -> Self {
        let aside: PathBuf = path.with_added_extension("damaged");
        Self {
            kind: Kind::Corrupt,
            message: format!("the state in {path:?} is damaged: {why}"),
            hint: Some(format!(
                "move it away, to {aside:?} for instance; birl begins anew without it, and what \
                 waited to be sent is in there"
            )),
        }
    }

    pub(super) fn sqlite(act: &str, path: &Path, error: &rusqlite::Error) -> Self {
        let cannot = |kind, why: &str, hint: Option<&str>| Self {
            kind,
            message: format!("cannot {act} the state in {path:?}: {why}"),
            hint: hint.map(str::to_owned),
        };
        match error.sqlite_error_code() {
            _ if is_full(error) => cannot(Kind::Full, "the disk is full", Some(ROOM)),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => cannot(
                Kind::Locked,
                "another program has locked it",
                Some("end the transaction of whoever has it open, such as sqlite3"),
            ),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::corrupt(path, &words(error))
            }
            Some(_) => cannot(Kind::Other, &words(error), None),
            // A value is not what we write.
            None => Self::corrupt(path, &words(error)),
        }
    }

    /// Nothing was written, since there is no room for it; the same may succeed later.
    pub fn is_full(&self) -> bool {
        self.kind == Kind::Full
    }

    /// Another program has the file locked; the same may succeed later.
    pub fn is_locked(&self) -> bool {
        self.kind == Kind::Locked
    }

    /// The file is damaged, or holds what birl has not written.
    pub fn is_corrupt(&self) -> bool {
        self.kind == Kind::Corrupt
    }

    /// Another birl has the file.
    pub fn is_in_use(&self) -> bool {
        self.kind == Kind::InUse
    }

    /// What is wrong, without the hint.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// Whether there is no room for what was to be written. Of the log's index, SQLite says no more than that it cannot
/// grow.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(ffi::SQLITE_FULL | ffi::SQLITE_IOERR_SHMSIZE))
}

/// That there is no room for what was to be written.
pub(super) fn no_room() -> rusqlite::Error {
    let full = ffi::Error::new(ffi::SQLITE_FULL);
    rusqlite::Error::SqliteFailure(full, None)
}

fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}
