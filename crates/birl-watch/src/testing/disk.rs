//! A small disk that tests fill: a file system in memory, of its own.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// It is unmounted when this is dropped.
pub(crate) struct Disk(TempDir);

impl Disk {
    /// Only root can mount one. A test that has none is left out, and says so whatever is shown of tests
    /// that pass: standard error is written to directly.
    pub(crate) fn mount_or_say_why(size: &str) -> Option<Self> {
        let disk = Self::mount(size);
        disk.inspect_err(|error| {
            let test = std::thread::current();
            let test = test.name().unwrap_or_default();
            let _ = writeln!(
                io::stderr(),
                "left out: {test}: no disk can be mounted to be filled: {error}"
            );
        })
        .ok()
    }

    fn mount(size: &str) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("birl-disk-").tempdir()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "birl-test"]);
        let output = mount.arg(directory.path()).output()?;
        match output.status.success() {
            true => Ok(Self(directory)),
            false => Err(io::Error::other(
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            )),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a process that has it open still may be about to end.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
