//! Patterns over paths.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use crate::error::Error;

/// Whether `typed` has a letter that makes a pattern of it.
pub(super) fn is_pattern(typed: &OsStr) -> bool {
    let bytes = typed.as_encoded_bytes();
    memchr::memchr3(b'*', b'?', b'[', bytes).is_some() || memchr::memchr(b'{', bytes).is_some()
}

/// A pattern that paths match, component by component, as in a shell.
///
/// `*` is any run of bytes, `?` any one byte, `[a-z]` and `[!a-z]` one of a class, `{a,b*}` one of
/// several patterns, and a backslash takes the next letter as it stands; none of them matches a
/// `/`. A component `**` is any number of directories, links to directories left out. A hidden name
/// (`.x`) matches only where the component begins with a dot.
#[derive(Clone, Debug)]
pub struct Glob {
    typed: PathBuf,
    base: PathBuf,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    /// `**`: any number of directories.
    Directories,
    /// One component.
    Name {
        matcher: GlobMatcher,
        /// It begins with a dot, so it is meant to match names that do.
        is_dotted: bool,
    },
}

/// How far into a glob a directory has come: the parts that the next component may match. In rising
/// order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress(Vec<usize>);

/// What a path makes of a glob.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// Neither it nor anything below it matches.
    No,
    /// It matches.
    Whole,
    /// Something below it may match, if it is a directory.
    Below(Progress),
}

impl Glob {
    /// Compiles what was typed.
    ///
    /// # Errors
    ///
    /// For an unclosed bracket or brace, and for a component that is a pattern and not UTF-8.
    pub fn parse(typed: &Path) -> Result<Self, Error> {
        let components: Vec<_> = typed.components().map(Component::as_os_str).collect();
        let base = components.iter().take_while(|c| !is_pattern(c)).count();
        let mut parts = components[base..]
            .iter()
            .map(|component| Part::parse(component, typed))
            .collect::<Result<Vec<_>, _>>()?;
        // `logs/**` is everything in logs: the same as `logs/**/*`.
        if let Some(Part::Directories) = parts.last() {
            parts.push(Part::parse(OsStr::new("*"), typed)?);
        }
        Ok(Self {
            typed: typed.to_owned(),
            base: components[..base].iter().collect(),
            parts,
        })
    }

    /// The pattern as it was typed.
    pub fn typed(&self) -> &Path {
        &self.typed
    }

    /// The directory that holds all that matches: the components before the first pattern. Empty
    /// for the current one.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    /// The start: nothing below the base has been matched.
    pub(crate) fn start(&self) -> Progress {
        let mut progress = Progress(Vec::new());
        self.enter(0, &mut progress);
        progress
    }

    /// What becomes of `progress` with one more component, where `**` takes only what
    /// `is_directory`.
    pub(crate) fn advance(
        &self,
        progress: &Progress,
        name: &OsStr,
        options: AdvanceOptions,
    ) -> Match {
        let is_shown = options.hidden || !is_hidden(name);
        let mut next = Progress(Vec::new());
        for &at in &progress.0 {
            match &self.parts[at] {
                Part::Directories if is_shown && options.is_directory => self.enter(at, &mut next),
                Part::Name { matcher, is_dotted }
                    if (is_shown || *is_dotted) && matcher.is_match(name) =>
                {
                    if at + 1 == self.parts.len() {
                        return Match::Whole;
                    }
                    self.enter(at + 1, &mut next);
                }
                _ => {}
            }
        }
        if next.0.is_empty() {
            Match::No
        } else {
            Match::Below(next)
        }
    }

    /// Adds the part `at`, and what is reached from it by taking `**` for no directory at all.
    fn enter(&self, mut at: usize, progress: &mut Progress) {
        loop {
            if !progress.0.contains(&at) {
                progress.0.push(at);
            }
            match self.parts[at] {
                Part::Directories => at += 1,
                Part::Name { .. } => break,
            }
        }
    }
}

/// What [`Glob::advance`] has to know of a name besides its letters.
#[derive(Clone, Copy)]
pub(crate) struct AdvanceOptions {
    /// Names that begin with a dot match like any other.
    pub(crate) hidden: bool,
    /// It is a directory, and not by way of a link.
    pub(crate) is_directory: bool,
}

/// Whether a file or a directory of this name is left out unless asked for.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().first() == Some(&b'.')
}

impl Part {
    fn parse(component: &OsStr, typed: &Path) -> Result<Self, Error> {
        if component == "**" {
            return Ok(Self::Directories);
        }
        let pattern = component.to_str().ok_or_else(|| {
            let reason = "`*`, `?`, `[` and `{` cannot stand beside bytes that are not UTF-8";
            Error::glob(typed, reason)
        })?;
        let glob = GlobBuilder::new(pattern)
            .literal_separator(true)
            .backslash_escape(true)
            .empty_alternates(true)
            .build()
            .map_err(|error| Error::glob(typed, reason(error.kind())))?;
        Ok(Self::Name {
            matcher: glob.compile_matcher(),
            is_dotted: pattern.starts_with('.'),
        })
    }
}

fn reason(kind: &globset::ErrorKind) -> String {
    match kind {
        globset::ErrorKind::UnclosedAlternates => {
            "`{` without `}` (a `/` cannot stand between them)".to_owned()
        }
        globset::ErrorKind::UnclosedClass => "`[` without `]`".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the glob matches a path, whose components but the last are taken for directories.
    fn matches(glob: &str, path: &str) -> bool {
        let glob = Glob::parse(Path::new(glob)).unwrap();
        let Ok(below) = Path::new(path).strip_prefix(glob.base()) else {
            return false;
        };
        let mut progress = glob.start();
        let mut names = below.components().map(Component::as_os_str).peekable();
        while let Some(name) = names.next() {
            let options = AdvanceOptions {
                hidden: false,
                is_directory: names.peek().is_some(),
            };
            match glob.advance(&progress, name, options) {
                Match::No => return false,
                Match::Whole => return names.peek().is_none(),
                Match::Below(next) => progress = next,
            }
        }
        false
    }

    #[test]
    fn a_glob_matches_what_a_shell_would() {
        let cases = [
            ("*.log", "app.log", true),
            ("*.log", "app.log.1", false),
            ("*.log", "dir/app.log", false),
            ("dir/*.log", "dir/app.log", true),
            ("./d*/x", "./dir/x", true),
            ("/var/*/x", "/var/log/x", true),
            ("app-[0-9].log", "app-7.log", true),
            ("app-[!0-9].log", "app-7.log", false),
            ("app.{log,txt}", "app.txt", true),
            ("app{,.1}.log", "app.log", true),
            ("a?c", "abc", true),
            ("a\\*c", "a*c", true),
            ("a\\*c*", "abc", false),
            ("**/*.log", "app.log", true),
            ("**/*.log", "a/b/app.log", true),
            ("**/b/*", "a/b/c", true),
            ("**/b/*", "a/c/b", false),
            ("**/a/**/b", "x/a/y/z/b", true),
            ("**/a/**/b", "a/b", true),
            ("dir/**", "dir/x", true),
            ("a*/**", "abc", false),
        ];
        for (glob, path, expected) in cases {
            assert_eq!(matches(glob, path), expected, "{glob} {path}");
        }
    }

    #[test]
    fn a_hidden_name_matches_only_a_dot() {
        let cases = [
            ("*.log", ".app.log", false),
            (".*.log", ".app.log", true),
            ("*/x", ".git/x", false),
            (".g*/x", ".git/x", true),
            ("**/x", ".git/x", false),
            ("**/.git/x", "a/.git/x", true),
        ];
        for (glob, path, expected) in cases {
            assert_eq!(matches(glob, path), expected, "{glob} {path}");
        }
    }

    #[test]
    fn an_ill_formed_glob_says_what_is_missing() {
        let error = |glob: &str| Glob::parse(Path::new(glob)).unwrap_err().to_string();
        assert_eq!(error("a[b"), "cannot understand \"a[b\": `[` without `]`");
        assert_eq!(
            error("{a/b,c}"),
            "cannot understand \"{a/b,c}\": `{` without `}` (a `/` cannot stand between them)"
        );
    }
}
