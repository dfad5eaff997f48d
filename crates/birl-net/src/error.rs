//! What went wrong with a connection, in words for the person on call.

use std::fmt;
use std::io;
use std::time::Duration;

/// Why there is no connection, or none any more.
///
/// It says the reason alone, in lower case and on one line: the caller knows what it was doing, and
/// to what.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// The network said no, for now.
    Io(io::ErrorKind),
    /// The other side cannot show who it is, or speaks no TLS.
    Tls,
    /// The answer is a status that is no success.
    Status {
        status: u16,
        retry_after: Option<Duration>,
    },
    /// The other side does not keep to the protocol.
    Protocol,
    /// What was asked for makes no sense.
    Request,
}

impl Error {
    pub(crate) fn io(act: &str, error: &io::Error) -> Self {
        let kind = match error.get_ref() {
            Some(inner) if inner.is::<tokio_rustls::rustls::Error>() => Kind::Tls,
            _ => Kind::Io(error.kind()),
        };
        let mut reason = words(error);
        if !act.is_empty() {
            reason = format!("cannot {act}: {reason}");
        }
        Self { kind, reason }
    }

    pub(crate) fn tls(reason: impl Into<String>) -> Self {
        Self {
            kind: Kind::Tls,
            reason: reason.into(),
        }
    }

    pub(crate) fn protocol(reason: impl Into<String>) -> Self {
        Self {
            kind: Kind::Protocol,
            reason: reason.into(),
        }
    }

    pub(crate) fn status(status: u16, retry_after: Option<Duration>, reason: String) -> Self {
        Self {
            kind: Kind::Status {
                status,
                retry_after,
            },
            reason,
        }
    }

    /// What was asked for cannot be asked for, whoever is at the other side.
    pub fn request(reason: impl Into<String>) -> Self {
        Self {
            kind: Kind::Request,
            reason: reason.into(),
        }
    }

    /// The other side has ended the connection, and may take another.
    pub fn lost(reason: impl Into<String>) -> Self {
        Self {
            kind: Kind::Io(io::ErrorKind::ConnectionReset),
            reason: reason.into(),
        }
    }

    /// An attempt took longer than `limit`.
    pub fn timeout(limit: Duration) -> Self {
        Self {
            kind: Kind::Io(io::ErrorKind::TimedOut),
            reason: format!("no answer within {} s", limit.as_secs_f64()),
        }
    }

    /// The status of the answer, where there was one and it was no success.
    pub fn http_status(&self) -> Option<u16> {
        match self.kind {
            Kind::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// How long the other side asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            Kind::Status { retry_after, .. } => retry_after,
            _ => None,
        }
    }

    /// Whether to ask the same again is likely to be of no use: the request is wrong, the other side
    /// does not know or trust us, we do not trust it, or it speaks something else.
    ///
    /// A status of 408, 425, 429, or 500 and more is worth another try, as are all failures of the
    /// network.
    pub fn is_lasting(&self) -> bool {
        match self.kind {
            Kind::Io(_) => false,
            Kind::Tls | Kind::Protocol | Kind::Request => true,
            Kind::Status { status, .. } => !matches!(status, 408 | 425 | 429 | 500..),
        }
    }
}

impl From<io::Error> for Error {
    /// The network said no.
    fn from(error: io::Error) -> Self {
        Self::io("", &error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Error {}

/// The words of the system, in lower case and without a number.
fn words(error: &io::Error) -> String {
    let words = error.to_string();
    let words = match (error.raw_os_error(), words.rfind(" (os error ")) {
        (Some(_), Some(number)) => &words[..number],
        _ => &words,
    };
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => "unknown error".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_tell_whether_another_try_is_worth_it() {
        let is_lasting = |status| Error::status(status, None, String::new()).is_lasting();
        for status in [200, 301, 400, 401, 403, 404, 410, 426] {
            assert!(is_lasting(status), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert!(!is_lasting(status), "{status}");
        }
    }

    #[test]
    fn the_words_of_the_system_become_ours() {
        let refused = Error::io("", &io::Error::from_raw_os_error(111));
        assert_eq!(refused.to_string(), "connection refused");
        assert!(!refused.is_lasting());
    }
}
