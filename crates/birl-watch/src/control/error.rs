//! Why what somebody asks cannot be done.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::store;

/// Why what somebody asks of rules that run cannot be done, for people.
///
/// As text it is the message and, where there is a next step, a blank line and that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    message: String,
    hint: Option<String>,
    is_unanswered: bool,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            is_unanswered: false,
        }
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    pub(super) fn ended() -> Self {
        Self::unanswered("the rules do not run any more")
    }

    pub(super) fn unanswered(message: &str) -> Self {
        Self {
            is_unanswered: true,
            ..Self::new(message)
        }
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do instead, where that is known.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Whether there is no run to be asked, or none any more.
    pub fn is_unanswered(&self) -> bool {
        self.is_unanswered
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::new(error.message())
    }
}
