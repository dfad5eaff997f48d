//! Why there is no connection, and whether it is of use to try again.

use std::time::Duration;

use birl_net::websocket::Close;

/// Why there is no connection, or none any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happened, on one line.
    pub reason: String,
    /// The same is likely to happen again.
    pub is_lasting: bool,
    /// How long the other side asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// One that may pass.
    pub fn passing(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_lasting: false,
            retry_after: None,
        }
    }

    /// One that the same would meet again.
    pub fn lasting(reason: impl Into<String>) -> Self {
        Self {
            is_lasting: true,
            ..Self::passing(reason)
        }
    }

    /// Why the other side has ended the connection.
    pub fn closed(close: Option<&Close>) -> Self {
        let Some(close) = close else {
            return Self::passing("the server closed the connection");
        };
        Self {
            // We broke a rule, or are not welcome: RFC 6455, section 7.4, and the codes of Discord that
            // others have taken over.
            is_lasting: matches!(
                close.code,
                1002 | 1003 | 1007 | 1008 | 1010 | 4004 | 4010..=4014
            ),
            ..Self::passing(format!("the server closed the connection with {close}"))
        }
    }
}

impl From<birl_net::Error> for Failure {
    fn from(error: birl_net::Error) -> Self {
        Self {
            reason: error.to_string(),
            is_lasting: error.is_lasting(),
            retry_after: error.retry_after(),
        }
    }
}
