//! What the process finds around it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{IsTerminal, stderr, stdin, stdout};
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use birl_source::Inode;
use console::Term;

/// All of the surroundings that a command line may depend on.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) stdin_is_terminal: bool,
    pub(crate) stdout_is_terminal: bool,
    pub(crate) stderr_is_terminal: bool,
    /// How many lines and columns the terminal has that standard output is, if it is one.
    pub(crate) stdout_size: Option<(usize, usize)>,
    /// The file that standard output is, if it is one.
    pub(crate) stdout_file: Option<Inode>,
    /// How many threads run at once.
    pub(crate) processors: NonZeroUsize,
    /// What is now, in nanoseconds since 1970 (UTC).
    pub(crate) now: i64,
    /// What is at a path, if anything is.
    pub(crate) kind: fn(&Path) -> Option<Kind>,
    // The variables of these names, where they are set.
    /// The value of a variable.
    pub(crate) variable: fn(&str) -> Option<OsString>,
    pub(crate) birl_config: Option<OsString>,
    pub(crate) birl_now: Option<OsString>,
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
            stdout_size: stdout_size(),
            stdout_file: stdout_file(),
            processors: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            now: now(),
            kind,
            variable: |name| std::env::var_os(name),
            birl_config: variable("BIRL_CONFIG"),
            birl_now: variable("BIRL_NOW"),
            birl_pager: variable("BIRL_PAGER"),
            xdg_config_home: variable("XDG_CONFIG_HOME"),
            home: variable("HOME"),
            term: variable("TERM"),
            no_color: variable("NO_COLOR"),
            clicolor: variable("CLICOLOR"),
            clicolor_force: variable("CLICOLOR_FORCE"),
        }
    }

    /// Where users keep the configuration of programs, by the XDG base directory specification.
    pub(crate) fn config_directory(&self) -> Option<PathBuf> {
        // The specification has relative paths ignored.
        let absolute = |variable: &Option<OsString>| {
            let path = PathBuf::from(variable.as_ref()?);
            path.is_absolute().then_some(path)
        };
        absolute(&self.xdg_config_home).or_else(|| Some(absolute(&self.home)?.join(".config")))
    }

    /// Where users keep formats of their own.
    pub(crate) fn formats_directory(&self) -> Option<PathBuf> {
        Some(self.config_directory()?.join("birl/formats"))
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

fn stdout_size() -> Option<(usize, usize)> {
    let (lines, columns) = Term::stdout().size_checked()?;
    Some((lines.into(), columns.into()))
}

/// The clock's time; in 2262 it stands.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}

fn kind(path: &Path) -> Option<Kind> {
    let metadata = path.metadata().ok()?;
    Some(if metadata.is_dir() {
        Kind::Directory
    } else {
        Kind::File
    })
}

fn stdout_file() -> Option<Inode> {
    let stdout = stdout().as_fd().try_clone_to_owned().ok()?;
    let metadata = File::from(stdout).metadata().ok()?;
    metadata.is_file().then(|| Inode::of(&metadata))
}

#[cfg(test)]
impl Environment {
    /// A process with nothing but pipes, no variables but `TERM`, the files `app.log`, `b.log`
    /// and `syslog`, and the directory `logs`.
    pub(crate) fn for_test() -> Environment {
        Environment {
            stdin_is_terminal: false,
            stdout_is_terminal: false,
            stdout_size: None,
            stderr_is_terminal: false,
            stdout_file: None,
            processors: NonZeroUsize::new(4).unwrap(),
            now: 1_773_497_130_000_000_000,
            kind: |path| match path.to_str()? {
                "app.log" | "b.log" | "syslog" => Some(Kind::File),
                "logs" | "logs/" => Some(Kind::Directory),
                _ => None,
            },
            variable: |_| None,
            birl_config: None,
            birl_now: None,
            birl_pager: None,
            xdg_config_home: None,
            home: None,
            term: Some("xterm".into()),
            no_color: None,
            clicolor: None,
            clicolor_force: None,
        }
    }

    /// The same on a terminal.
    pub(crate) fn terminal_for_test() -> Environment {
        Environment {
            stdin_is_terminal: true,
            stdout_is_terminal: true,
            stdout_size: None,
            stderr_is_terminal: true,
            ..Environment::for_test()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Environment;

    #[test]
    fn variables_decide_over_colours() {
        // NO_COLOR, CLICOLOR_FORCE, CLICOLOR; then on a terminal, and in a pipe.
        let cases = [
            ("", "", "", true, false),
            ("1", "", "", false, false),
            ("1", "1", "1", false, false),
            ("", "1", "", true, true),
            ("", "1", "0", true, true),
            ("", "0", "", true, false),
            ("", "", "0", false, false),
            ("", "", "1", true, false),
        ];
        for (no_color, force, clicolor, terminal, pipe) in cases {
            let with_variables = |environment: Environment| Environment {
                no_color: Some(no_color.into()),
                clicolor_force: Some(force.into()),
                clicolor: Some(clicolor.into()),
                ..environment
            };
            let wanted = [
                with_variables(Environment::terminal_for_test()).wants_color(),
                with_variables(Environment::for_test()).wants_color(),
            ];
            assert_eq!(
                wanted,
                [terminal, pipe],
                "{no_color:?} {force:?} {clicolor:?}"
            );
        }
    }

    #[test]
    fn a_dumb_terminal_gets_no_colours() {
        for term in [None, Some("dumb".into())] {
            let environment = Environment {
                term,
                ..Environment::terminal_for_test()
            };
            assert!(!environment.wants_color());
        }
    }

    #[test]
    fn the_configuration_is_where_xdg_says() {
        let directory = |xdg: Option<&str>, home: Option<&str>| {
            let environment = Environment {
                xdg_config_home: xdg.map(Into::into),
                home: home.map(Into::into),
                ..Environment::for_test()
            };
            environment.config_directory()
        };
        let home_config = Some(PathBuf::from("/home/me/.config"));
        assert_eq!(
            directory(Some("/etc/me"), Some("/home/me")),
            Some("/etc/me".into())
        );
        assert_eq!(directory(None, Some("/home/me")), home_config);
        assert_eq!(directory(Some(""), Some("/home/me")), home_config);
        assert_eq!(directory(Some("relative"), Some("/home/me")), home_config);
        assert_eq!(directory(None, Some("")), None);
        assert_eq!(directory(None, None), None);
    }
}
