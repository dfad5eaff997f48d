//! What is to be undone when a source is dropped, whatever its task is doing.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

/// What a source has made outside of this process.
#[derive(Debug, Default)]
pub(super) struct Cleanup(Mutex<Made>);

#[derive(Debug, Default)]
struct Made {
    /// A socket.
    file: Option<PathBuf>,
    /// A group of processes whose leader has not been waited for.
    group: Option<Pid>,
    /// The source is dropped: whatever is made is undone at once.
    is_over: bool,
}

impl Cleanup {
    /// The file at `path` is to be removed.
    pub(super) fn remove_file(&self, path: &Path) {
        let mut made = self.lock();
        made.file = Some(path.to_owned());
        made.undo_if_over();
    }

    /// The group of processes whose leader is the child `id` is to be killed. To be called anew for each
    /// child, and with `None` once it is waited for: its number may be another's then.
    pub(super) fn kill_group(&self, id: Option<u32>) {
        let mut made = self.lock();
        let id = id.and_then(|id| i32::try_from(id).ok());
        made.group = id.and_then(Pid::from_raw);
        made.undo_if_over();
    }

    /// Undoes what has been made, and what will be.
    pub(super) fn run(&self) {
        let mut made = self.lock();
        made.is_over = true;
        made.undo_if_over();
    }

    fn lock(&self) -> MutexGuard<'_, Made> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Made {
    fn undo_if_over(&mut self) {
        if !self.is_over {
            return;
        }
        if let Some(file) = self.file.take() {
            // Whoever removed it before has done the same.
            let _ = std::fs::remove_file(file);
        }
        if let Some(group) = self.group.take() {
            // Its processes may have ended by themselves.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
