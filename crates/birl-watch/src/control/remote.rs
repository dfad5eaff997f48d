//! The `birl run` of another process, asked over its socket.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::asked::{Answered, Asked};
use super::{Error, Letter, Letters, OpenAlert, Silence, Why};
use crate::status::ask;

/// A `birl run` that answers at a socket. Its methods block; they do what those of [`Control`](super::Control) of
/// the same names do, and fail where nobody answers as well.
#[derive(Clone, Debug)]
pub struct Remote {
    paths: Vec<PathBuf>,
}

impl Remote {
    /// The one that answers at the first of these paths where somebody does.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths }
    }

    /// See [`Control::alerts`](super::Control::alerts).
    ///
    /// # Errors
    /// As there; and where nobody answers.
    pub fn alerts(&self) -> Result<Vec<OpenAlert>, Error> {
        self.ask(&Asked::Alerts)
    }

    /// See [`Control::ack`](super::Control::ack).
    ///
    /// # Errors
    /// As there; and where nobody answers.
    pub fn ack(&self, alert: &str, by: &str, comment: &str) -> Result<OpenAlert, Error> {
        let (alert, by, comment) = (alert.to_owned(), by.to_owned(), comment.to_owned());
        self.ask(&Asked::Ack { alert, by, comment })
    }

    /// See [`Control::unack`](super::Control::unack).
    ///
    /// # Errors
    /// As there; and where nobody answers.
    pub fn unack(&self, alert: &str) -> Result<OpenAlert, Error> {
        let alert = alert.to_owned();
        self.ask(&Asked::Unack { alert })
    }

    /// See [`Control::silence`](super::Control::silence).
    ///
    /// # Errors
    /// As there; and where nobody answers.
    pub fn silence(&self, silence: Silence) -> Result<i64, Error> {
        self.ask(&Asked::Silence { silence })
    }

    /// See [`Control::unsilence`](super::Control::unsilence).
    ///
    /// # Errors
    /// As there; and where nobody answers.
    pub fn unsilence(&self, number: i64) -> Result<Option<Silence>, Error> {
        self.ask(&Asked::Unsilence { number })
    }

    /// See [`Control::silences`](super::Control::silences).
    ///
    /// # Errors
    /// As there; and where nobody answers.
    pub fn silences(&self) -> Result<BTreeMap<i64, Silence>, Error> {
        self.ask(&Asked::Silences)
    }

    /// See [`Control::why`](super::Control::why).
    ///
    /// # Errors
    /// As there; and where nobody answers.
    pub fn why(&self, rule_or_alert: &str) -> Result<Why, Error> {
        let of = rule_or_alert.to_owned();
        self.ask(&Asked::Why { of })
    }

    /// See [`Control::letters`](super::Control::letters).
    ///
    /// # Errors
    /// As there; and where nobody answers.
    pub fn letters(&self, what: Letters, numbers: &[i64]) -> Result<Vec<Letter>, Error> {
        let numbers = numbers.to_vec();
        self.ask(&Asked::Letters { what, numbers })
    }

    fn ask<T: DeserializeOwned>(&self, asked: &Asked) -> Result<T, Error> {
        let asked = serde_json::to_string(asked).expect("texts and numbers can be written as JSON");
        let answered = ask(&self.paths, &asked)
            .map_err(|error| Error::unanswered(error.message()).with_hint(error.hint()))?;
        let other = || Error::new("what answers is no birl of this version");
        match serde_json::from_str(&answered).map_err(|_| other())? {
            Answered::Answer(answer) => serde_json::from_value(answer).map_err(|_| other()),
            Answered::Error(error) => Err(error),
        }
    }
}
