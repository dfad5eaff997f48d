//! What is wrong with a file of rules, and where.

use std::fmt;
use std::ops::Range;
use std::path::Path;

/// Something in a file of rules that cannot be used.
///
/// It shows as `birl.toml:7: what is wrong`, and a hint behind an empty line where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    file: String,
    line: usize,
    message: String,
    hint: Option<String>,
}

impl Error {
    /// `message` is about what stands in that line of `file`, the first being 1.
    pub fn at_line(file: &Path, line: usize, message: impl Into<String>) -> Self {
        Self {
            file: file.display().to_string(),
            line,
            message: message.into(),
            hint: None,
        }
    }

    /// The line of the file, the first being 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The same, with what to do about it.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// A file of rules, as far as an error needs it to say where it is.
#[derive(Clone, Copy, Debug)]
pub struct Text<'t> {
    /// What it was read from.
    pub file: &'t Path,
    /// What stands in it.
    pub text: &'t str,
}

impl Text<'_> {
    /// `message` is about what stands at `span`.
    pub fn error(&self, span: &Range<usize>, message: impl Into<String>) -> Error {
        Error::at_line(self.file, self.line(span), message)
    }

    /// The line of what stands at `span`, the first being 1.
    pub fn line(&self, span: &Range<usize>) -> usize {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    /// What the reader of TOML says, in our words where a key is not known.
    pub fn of_toml(&self, error: &toml::de::Error) -> Error {
        let message = error.message();
        let span = error.span().unwrap_or(0..0);
        let Some((key, known)) = unknown_key(message) else {
            // The reader goes on with an excerpt of the file behind the first line.
            let message = message.lines().next().unwrap_or_default();
            return match self.key_at(&span) {
                Some(key) => self.error(&span, format!("{key}: {message}")),
                None => self.error(&span, message),
            };
        };
        let error = self.error(
            &span,
            format!("there is no key {key:?}: the keys are {}", known.join(", ")),
        );
        match birl_query::nearest(key, known) {
            Some(meant) => error.with_hint(format!("did you mean {meant:?}?")),
            None => error,
        }
    }
}

impl Text<'_> {
    /// The key whose value stands at `span`, if that begins on the line of the key.
    fn key_at(&self, span: &Range<usize>) -> Option<&str> {
        let before = self.text.get(..span.start)?;
        let line = before.rsplit('\n').next()?;
        let (key, _) = line.split_once('=')?;
        Some(key.trim())
    }
}

/// The key that serde does not know, and those that it knows.
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let (key, known) = message
        .strip_prefix("unknown field `")?
        .split_once("`, expected ")?;
    Some((key, known.split('`').skip(1).step_by(2).collect()))
}
