//! What went wrong with a chat.

use std::fmt;

/// Why there is nothing more to be read from a service, or to be sent to it.
///
/// It says all of it on one line, in lower case, and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// What was configured makes no sense.
    Config,
    /// The service does not let us in, and will not.
    Refused,
    /// The service does not take what was posted, and will not.
    Denied,
    /// The service has no way to.
    Unsupported,
    /// The connection was lost before it was known that a post had been taken.
    Lost,
    /// The chat is over.
    Over,
    /// Too much waits to be sent.
    Full,
}

impl Error {
    pub(crate) fn config(reason: impl Into<String>) -> Self {
        Self {
            kind: Kind::Config,
            reason: reason.into(),
        }
    }

    pub(crate) fn refused(reason: impl Into<String>) -> Self {
        Self {
            kind: Kind::Refused,
            reason: reason.into(),
        }
    }

    pub(crate) fn denied(reason: impl Into<String>) -> Self {
        Self {
            kind: Kind::Denied,
            reason: format!("cannot send: {}", reason.into()),
        }
    }

    pub(crate) fn unsupported(reason: impl Into<String>) -> Self {
        Self {
            kind: Kind::Unsupported,
            reason: reason.into(),
        }
    }

    pub(crate) fn lost(reason: &str) -> Self {
        Self {
            kind: Kind::Lost,
            reason: format!("not known to be sent: {reason}"),
        }
    }

    pub(crate) fn over() -> Self {
        Self {
            kind: Kind::Over,
            reason: "cannot send: the chat is over".to_owned(),
        }
    }

    pub(crate) fn full(waiting: usize) -> Self {
        Self {
            kind: Kind::Full,
            reason: format!("cannot send: {waiting} posts wait already"),
        }
    }

    /// Whether the service does not let us in, and will not.
    pub fn is_refused(&self) -> bool {
        self.kind == Kind::Refused
    }

    /// Whether the service does not take what was posted, and will not.
    pub fn is_denied(&self) -> bool {
        self.kind == Kind::Denied
    }

    /// Whether the service has no way to do that.
    pub fn is_unsupported(&self) -> bool {
        self.kind == Kind::Unsupported
    }

    /// Whether the connection was lost before it was known that a post had been taken: it may have been,
    /// or not.
    pub fn is_lost(&self) -> bool {
        self.kind == Kind::Lost
    }

    /// Whether the chat is over: the service refused us, or the [`Chat`](crate::Chat) is dropped or
    /// closed.
    pub fn is_over(&self) -> bool {
        self.kind == Kind::Over
    }

    /// Whether too much waits to be sent.
    pub fn is_full(&self) -> bool {
        self.kind == Kind::Full
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Error {}
