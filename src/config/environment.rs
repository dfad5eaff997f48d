//! What the process finds around it.

use std::ffi::OsString;
use std::io::{IsTerminal, stderr, stdin, stdout};
use std::num::NonZeroUsize;
use std::path::Path;

/// All of the surroundings that a command line may depend on.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) stdin_is_terminal: bool,
    pub(crate) stdout_is_terminal: bool,
    pub(crate) stderr_is_terminal: bool,
    /// How many threads run at once.
    pub(crate) processors: NonZeroUsize,
    /// What is at a path, if anything is.
    pub(crate) kind: fn(&Path) -> Option<Kind>,
    // The variables of these names, where they are set.
    pub(crate) birl_config: Option<OsString>,
    pub(crate) birl_pager: Option<OsString>,
    pub(crate) xdg_config_home: Option<OsString>,
    pub(crate) home: Option<OsString>,
    pub(crate) term: Option<OsString>,
    pub(crate) no_color: Option<OsString>,
    pub(crate) clicolor: Option<OsString>,
    pub(crate) clicolor_force: Option<OsString>,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Directory,
    /// A file, a pipe, a device.
    File,
}

impl Environment {
    /// The surroundings of this process.
    pub(crate) fn of_process() -> Environment {
        let variable = |name| std::env::var_os(name);
        Environment {
            stdin_is_terminal: stdin().is_terminal(),
            stdout_is_terminal: stdout().is_terminal(),
            stderr_is_terminal: stderr().is_terminal(),
            processors: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            kind,
            birl_config: variable("BIRL_CONFIG"),
            birl_pager: variable("BIRL_PAGER"),
            xdg_config_home: variable("XDG_CONFIG_HOME"),
            home: variable("HOME"),
            term: variable("TERM"),
            no_color: variable("NO_COLOR"),
            clicolor: variable("CLICOLOR"),
            clicolor_force: variable("CLICOLOR_FORCE"),
        }
    }

    /// Whether standard output is to be coloured, as <https://no-color.org> and
    /// <https://bixense.com/clicolors> have it.
    pub(super) fn wants_color(&self) -> bool {
        let is_set = |variable: &Option<OsString>| variable.as_ref().is_some_and(|v| !v.is_empty());
        let is_zero = |variable: &Option<OsString>| variable.as_ref().is_some_and(|v| v == "0");
        if is_set(&self.no_color) {
            return false;
        }
        if is_set(&self.clicolor_force) && !is_zero(&self.clicolor_force) {
            return true;
        }
        self.stdout_is_terminal && !self.is_dumb() && !is_zero(&self.clicolor)
    }

    /// Whether the terminal knows no escape sequences.
    pub(super) fn is_dumb(&self) -> bool {
        self.term.as_ref().is_none_or(|term| term == "dumb")
    }
}

fn kind(path: &Path) -> Option<Kind> {
    let metadata = path.metadata().ok()?;
    Some(if metadata.is_dir() {
        Kind::Directory
    } else {
        Kind::File
    })
}
