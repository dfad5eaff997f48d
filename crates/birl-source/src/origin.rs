//! Where bytes come from, as people are told.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The identity of a source: standard input, a path as its reader would type it, or an address.
///
/// A clone costs one counter, so every chunk can carry one. Equality is of the name that was typed:
/// it says nothing of whether the file behind it was replaced meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct Origin(Place);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    Stdin,
    File(Arc<Path>),
    Address(Arc<str>),
}

/// An origin as it is written down.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Saved {
    Stdin,
    File(#[serde(with = "crate::saved::path")] PathBuf),
    Address(String),
}

impl From<Saved> for Origin {
    fn from(saved: Saved) -> Self {
        match saved {
            Saved::Stdin => Self::stdin(),
            Saved::File(path) => Self::file(path),
            Saved::Address(address) => Self::address(address),
        }
    }
}

impl From<Origin> for Saved {
    fn from(origin: Origin) -> Self {
        match origin.0 {
            Place::Stdin => Self::Stdin,
            Place::File(path) => Self::File(path.to_path_buf()),
            Place::Address(address) => Self::Address(address.to_string()),
        }
    }
}

impl Origin {
    /// Standard input, shown as `<stdin>`.
    pub fn stdin() -> Self {
        Self(Place::Stdin)
    }

    /// The file at `path`, shown as `path` stands.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Place::File(path.into().into()))
    }

    /// The source at an address, which is shown as `address` stands.
    pub fn address(address: impl Into<Arc<str>>) -> Self {
        Self(Place::Address(address.into()))
    }

    /// The path of a file; `None` for standard input and for an address.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Place::Stdin | Place::Address(_) => None,
            Place::File(path) => Some(path),
        }
    }

    /// The name to show, byte for byte: a path need not be UTF-8.
    pub fn name(&self) -> &OsStr {
        match &self.0 {
            Place::Stdin => OsStr::new("<stdin>"),
            Place::File(path) => path.as_os_str(),
            Place::Address(address) => OsStr::new(&**address),
        }
    }

    /// The name as it stands within a message: a path or an address in quotes and on one line, whatever it holds;
    /// it may hold line ends and a terminal's control sequences.
    pub fn quoted(&self) -> impl fmt::Display {
        fmt::from_fn(move |f| match &self.0 {
            Place::Stdin => write!(f, "{self}"),
            Place::File(path) => write!(f, "{path:?}"),
            Place::Address(address) => write!(f, "{address:?}"),
        })
    }
}

/// The name, with U+FFFD for what is not UTF-8.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.name().display(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_is_not_the_file_of_its_shown_name() {
        let stdin = Origin::stdin();
        let file = Origin::file("<stdin>");
        assert_eq!(stdin.to_string(), file.to_string());
        assert_ne!(stdin, file);
        assert_eq!(stdin.path(), None);
        assert_eq!(file.path(), Some(Path::new("<stdin>")));
    }

    #[test]
    fn a_quoted_name_cannot_smuggle_control_sequences() {
        let origin = Origin::file("\u{1b}[2J\n.log");
        assert_eq!(origin.quoted().to_string(), "\"\\u{1b}[2J\\n.log\"");
        assert_eq!(Origin::stdin().quoted().to_string(), "<stdin>");
    }

    #[cfg(unix)]
    #[test]
    fn a_name_keeps_the_bytes_that_are_not_utf8() {
        use std::os::unix::ffi::OsStrExt;
        let origin = Origin::file(OsStr::from_bytes(b"a\xff.log"));
        assert_eq!(origin.name().as_bytes(), b"a\xff.log");
        assert_eq!(origin.to_string(), "a\u{fffd}.log");
    }
}
