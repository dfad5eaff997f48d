//! A directory of its own for every run, and an environment in which nothing but the test speaks to
//! birl.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;

/// A temporary directory that birl runs in, removed with this value.
pub(crate) struct Sandbox {
    dir: tempfile::TempDir,
    /// When its files are made to have been written.
    modified: Option<Timestamp>,
}

impl Sandbox {
    pub(crate) fn new() -> Sandbox {
        Sandbox::with_files_of(None)
    }

    /// One whose files were all last written to at a certain time.
    pub(crate) fn with_files_of(modified: Option<Timestamp>) -> Sandbox {
        let dir = tempfile::Builder::new().prefix("birl-test-").tempdir();
        Sandbox {
            dir: dir.expect("a temporary directory can be made"),
            modified,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file at a path relative to the sandbox, with the directories above it. A path that
    /// ends in `/` is an empty directory.
    pub(crate) fn write(&self, path: &str, content: &[u8]) -> PathBuf {
        let whole = self.path().join(path);
        if path.ends_with('/') {
            fs::create_dir_all(&whole).expect("a directory can be made in the sandbox");
            return whole;
        }
        let dir = whole.parent().expect("a file is in the sandbox");
        fs::create_dir_all(dir).expect("a directory can be made in the sandbox");
        fs::write(&whole, content).expect("a file can be written in the sandbox");
        if let Some(modified) = self.modified {
            let file = File::options().append(true).open(&whole);
            file.and_then(|file| file.set_modified(modified.into()))
                .expect("a file's time can be set in the sandbox");
        }
        whole
    }

    /// Makes `path` a symbolic link to `target`, which need not exist.
    pub(crate) fn link(&self, path: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.path().join(path))
            .expect("a link can be made in the sandbox");
    }

    /// birl, run in the sandbox with `args`.
    pub(crate) fn birl<A: AsRef<OsStr>>(&self, args: &[A]) -> Command {
        let mut command = self.isolated(&program());
        command.args(args).current_dir(self.path());
        command
    }

    /// A program that knows of no user but the sandbox's.
    pub(crate) fn isolated(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment());
        command
    }

    /// The user's directories are below `.home`, which a search of the sandbox skips as hidden.
    fn environment(&self) -> BTreeMap<&'static str, PathBuf> {
        let home = self.path().join(".home");
        BTreeMap::from([
            ("PATH", std::env::var_os("PATH").unwrap_or_default().into()),
            ("XDG_CONFIG_HOME", home.join("config")),
            ("XDG_STATE_HOME", home.join("state")),
            ("XDG_CACHE_HOME", home.join("cache")),
            ("XDG_DATA_HOME", home.join("data")),
            ("HOME", home),
        ])
    }
}

/// The program under test: cargo's, unless `BIRL_UNDER_TEST` names another, such as a release.
pub(crate) fn program() -> PathBuf {
    let named = std::env::var_os("BIRL_UNDER_TEST");
    named.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_birl")), PathBuf::from)
}
