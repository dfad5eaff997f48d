//! What went wrong with a source, in words for the person on call.

use std::fmt;
use std::io;
use std::path::Path;

use crate::origin::Origin;

/// What could not be done, to which source, and why.
///
/// It shows itself whole on one line, as in `cannot open "app.log": permission denied`. The cause
/// is part of that line and therefore not [`source`](std::error::Error::source) too: a caller that
/// prints the chain would say it twice.
#[derive(Debug)]
pub struct Error {
    act: &'static str,
    subject: Subject,
    cause: Cause,
}

#[derive(Debug)]
enum Subject {
    Origin(Origin),
    /// What was typed, where it is not (yet) a path: a glob, an address.
    Typed(String),
}

#[derive(Debug)]
enum Cause {
    Io(io::Error),
    NoMatch,
    Loop(Origin),
    Unsupported(String),
    NotLive,
    Glob(String),
    Told(String),
}

impl Error {
    /// The system said no: `act` is a verb (`open`, `read`, `decode`) that fits after "cannot".
    pub fn io(act: &'static str, origin: Origin, error: io::Error) -> Self {
        Self {
            act,
            subject: Subject::Origin(origin),
            cause: Cause::Io(error),
        }
    }

    pub(crate) fn no_match(glob: &Path) -> Self {
        Self {
            act: "find",
            subject: Subject::Typed(format!("{glob:?}")),
            cause: Cause::NoMatch,
        }
    }

    pub(crate) fn directory_loop(path: &Path, back_to: &Path) -> Self {
        Self {
            act: "walk",
            subject: Subject::Origin(Origin::file(path)),
            cause: Cause::Loop(Origin::file(back_to)),
        }
    }

    pub(crate) fn unsupported(address: &str, scheme: &str) -> Self {
        Self {
            act: "read",
            subject: Subject::Typed(format!("{address:?}")),
            cause: Cause::Unsupported(scheme.to_owned()),
        }
    }

    /// An address that is read where all that is wanted is there already.
    pub(crate) fn not_live(origin: Origin) -> Self {
        Self {
            act: "read",
            subject: Subject::Origin(origin),
            cause: Cause::NotLive,
        }
    }

    pub(crate) fn address(typed: &str, reason: String) -> Self {
        Self {
            act: "understand",
            subject: Subject::Typed(format!("{typed:?}")),
            cause: Cause::Told(reason),
        }
    }

    /// `act` is a verb that fits after "cannot", and `reason` what was in the way.
    pub fn told(act: &'static str, origin: Origin, reason: String) -> Self {
        Self {
            act,
            subject: Subject::Origin(origin),
            cause: Cause::Told(reason),
        }
    }

    pub(crate) fn glob(glob: &Path, reason: impl Into<String>) -> Self {
        Self {
            act: "understand",
            subject: Subject::Typed(format!("{glob:?}")),
            cause: Cause::Glob(reason.into()),
        }
    }

    /// The source that it is about; `None` for what was typed but is not a path, such as a glob
    /// that matches nothing.
    pub fn origin(&self) -> Option<&Origin> {
        match &self.subject {
            Subject::Origin(origin) => Some(origin),
            Subject::Typed(_) => None,
        }
    }

    /// The system's own error, where there was one.
    pub fn io_error(&self) -> Option<&io::Error> {
        match &self.cause {
            Cause::Io(error) => Some(error),
            _ => None,
        }
    }

    /// Nothing is there: no file of that name, or none that a glob matches.
    pub fn is_not_found(&self) -> bool {
        matches!(self.cause, Cause::NoMatch) || self.has_kind(io::ErrorKind::NotFound)
    }

    /// It is there, but not for us.
    pub fn is_permission_denied(&self) -> bool {
        self.has_kind(io::ErrorKind::PermissionDenied)
    }

    /// A directory contains itself by way of a link.
    pub fn is_directory_loop(&self) -> bool {
        matches!(self.cause, Cause::Loop(_))
    }

    /// The name is well formed, but of a kind of source that cannot be read.
    pub fn is_unsupported(&self) -> bool {
        matches!(self.cause, Cause::Unsupported(_))
    }

    fn has_kind(&self, kind: io::ErrorKind) -> bool {
        self.io_error().is_some_and(|error| error.kind() == kind)
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.act, self.subject, self.cause)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin(origin) => origin.quoted().fmt(f),
            Self::Typed(typed) => f.write_str(typed),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => f.write_str(&refusal(error)),
            Self::NoMatch => f.write_str("no file matches"),
            Self::Loop(back_to) => {
                write!(f, "directory loop, it leads back to {:?}", back_to.name())
            }
            Self::Unsupported(scheme) => {
                write!(
                    f,
                    "sources that begin with {scheme}:// are not supported yet"
                )
            }
            Self::NotLive => f.write_str("it has no end, so it can only be followed"),
            Self::Glob(reason) | Self::Told(reason) => f.write_str(reason),
        }
    }
}

/// Why the system refused something, in lower case and without a number: `permission denied`, where the standard library
/// has `Permission denied (os error 13)`.
pub fn refusal(error: &io::Error) -> String {
    let words = error.to_string();
    let reason = match (error.raw_os_error(), words.rfind(" (os error ")) {
        (Some(_), Some(number)) => &words[..number],
        _ => &words,
    };
    lower_first(reason)
}

/// `words` with its first letter in lower case, to stand in the middle of a sentence.
pub(crate) fn lower_first(words: &str) -> String {
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_system_become_ours() {
        let missing = io::Error::from_raw_os_error(2);
        assert_eq!(refusal(&missing), "no such file or directory");
        let odd = io::Error::other("Cannot (os error 2) say");
        assert_eq!(refusal(&odd), "cannot (os error 2) say");
    }

    #[test]
    fn a_message_names_the_act_the_file_and_the_reason() {
        let missing = io::Error::from_raw_os_error(2);
        let error = Error::io("open", Origin::file("logs/app.log"), missing);
        assert_eq!(
            error.to_string(),
            "cannot open \"logs/app.log\": no such file or directory"
        );
        assert!(error.is_not_found());
        assert!(!error.is_permission_denied());
    }

    #[test]
    fn a_name_cannot_smuggle_control_sequences_into_a_message() {
        let error = Error::no_match(Path::new("\u{1b}[2J*.log\n"));
        assert_eq!(
            error.to_string(),
            "cannot find \"\\u{1b}[2J*.log\\n\": no file matches"
        );
        assert!(error.is_not_found());
    }

    #[test]
    fn standard_input_needs_no_quotes() {
        let cut = io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected end of gzip data");
        let error = Error::io("decode", Origin::stdin(), cut);
        assert_eq!(
            error.to_string(),
            "cannot decode <stdin>: unexpected end of gzip data"
        );
    }

    #[test]
    fn a_loop_says_where_it_leads() {
        let error = Error::directory_loop(Path::new("logs/current"), Path::new("logs"));
        assert_eq!(
            error.to_string(),
            "cannot walk \"logs/current\": directory loop, it leads back to \"logs\""
        );
        assert!(error.is_directory_loop());
    }
}
