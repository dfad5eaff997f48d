//! What was typed, told apart into paths, globs, addresses and standard input.

mod glob;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub use glob::Glob;
pub(crate) use glob::{AdvanceOptions, Match, Progress, is_hidden};

use crate::error::Error;
use crate::live;

/// The name of one or several sources, as a person types it.
#[derive(Clone, Debug)]
pub enum Name {
    /// `-`.
    Stdin,
    /// The current directory, where nobody typed it: its files are shown without a leading `./`.
    Here,
    /// A file or a directory.
    Path(PathBuf),
    /// All files and directories of a pattern.
    Glob(Glob),
    /// A source that is not written down.
    Live(Box<live::Source>),
}

impl Name {
    /// Reads one argument.
    ///
    /// `-` is standard input. What exists is a path, even if it looks like a glob or an address. Else
    /// `ws://…` and the like are a [live] source, with the default options. Else `*`, `?`, `[…]` or `{…}` make it a [`Glob`], and what is left is the path of a file
    /// that may come to exist.
    ///
    /// # Errors
    ///
    /// For a glob or an address that is not well formed, and for an address of a kind that cannot be
    /// read.
    pub fn parse(typed: &OsStr) -> Result<Self, Error> {
        if typed == "-" {
            return Ok(Self::Stdin);
        }
        let path = Path::new(typed);
        // Not following the link: a broken one is still what the person meant.
        if path.symlink_metadata().is_ok() {
            return Ok(Self::Path(path.to_owned()));
        }
        if let Some(typed) = typed.to_str()
            && live::Address::is_address(typed)
        {
            let address = live::Address::parse(typed);
            let address = address.map_err(|reason| Error::address(typed, reason))?;
            return Ok(Self::Live(Box::new(live::Source::new(address))));
        }
        if let Some((address, scheme)) = typed.to_str().and_then(split_scheme) {
            return Err(Error::unsupported(address, scheme));
        }
        if glob::is_pattern(typed) {
            return Glob::parse(path).map(Self::Glob);
        }
        Ok(Self::Path(path.to_owned()))
    }
}

/// The text and its scheme, if it has one as RFC 3986, section 3.1, writes it, before `://`.
fn split_scheme(typed: &str) -> Option<(&str, &str)> {
    let (scheme, _) = typed.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme.then_some((typed, scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(typed: impl AsRef<OsStr>) -> Result<Name, Error> {
        Name::parse(typed.as_ref())
    }

    #[test]
    fn a_dash_is_standard_input_and_a_path_to_a_dash_is_not() {
        assert!(matches!(parse("-"), Ok(Name::Stdin)));
        assert!(matches!(parse("./-"), Ok(Name::Path(path)) if path == Path::new("./-")));
    }

    #[test]
    fn an_existing_file_is_a_path_whatever_its_name_looks_like() {
        let dir = tempfile::tempdir().unwrap();
        for odd in ["[a]*.log", "{b}", "c?"] {
            let path = dir.path().join(odd);
            std::fs::write(&path, "").unwrap();
            assert!(
                matches!(parse(&path), Ok(Name::Path(found)) if found == path),
                "{odd}"
            );
        }
    }

    #[test]
    fn a_missing_file_is_a_path_or_a_glob_by_its_letters() {
        assert!(matches!(parse("no/such.log"), Ok(Name::Path(_))));
        for typed in ["no/*.log", "no/such.lo?", "no/[a-z]", "no/**/x", "no/{a,b}"] {
            assert!(matches!(parse(typed), Ok(Name::Glob(_))), "{typed}");
        }
    }

    #[test]
    fn an_address_is_refused_by_its_kind() {
        let refused = |typed: &str| parse(typed).unwrap_err();
        assert_eq!(
            refused("s3://bucket/app.log").to_string(),
            "cannot read \"s3://bucket/app.log\": sources that begin with s3:// are not supported yet"
        );
        assert_eq!(
            refused("ws://h:port/").to_string(),
            "cannot understand \"ws://h:port/\": invalid port number"
        );
        for typed in ["ftp://h/*.log", "gs://h", "s3+x.y://b"] {
            assert!(refused(typed).is_unsupported(), "{typed}");
        }
        assert!(matches!(parse("://x"), Ok(Name::Path(_))));
        assert!(matches!(parse("1x://x"), Ok(Name::Path(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_path_need_not_be_utf8() {
        use std::os::unix::ffi::OsStrExt;
        let typed = OsStr::from_bytes(b"caf\xe9.log");
        assert!(matches!(parse(typed), Ok(Name::Path(path)) if path == Path::new(typed)));
        let refused = parse(OsStr::from_bytes(b"caf\xe9*.log")).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "cannot understand \"caf\\xE9*.log\": `*`, `?`, `[` and `{` cannot stand beside bytes that are not UTF-8"
        );
    }
}
