//! What is wrong with a query, or went wrong with its answer.

use std::fmt::{self, Display, Formatter};

use birl_record::query::{self, tree::Span};
use datafusion::error::DataFusionError;

/// A query that cannot be planned, or an answer that cannot be given.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// It stands in the query.
    Query(query::Error),
    /// It came up while an answer was worked out.
    Run {
        message: String,
        hint: Option<String>,
    },
}

impl Error {
    /// `message` says what is wrong with the text of the query at `span`.
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        query::Error::new(span, message).into()
    }

    pub(crate) fn run(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Run {
                message: message.into(),
                hint: None,
            },
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        if let Kind::Run { hint: place, .. } = &mut self.kind {
            *place = Some(hint.into());
        }
        self
    }

    /// The place in the query, where it is one.
    pub fn span(&self) -> Option<Span> {
        match &self.kind {
            Kind::Query(error) => Some(error.span()),
            Kind::Run { .. } => None,
        }
    }

    /// The message for people, with the place in `query` and what to do next.
    pub fn render(&self, query: &str) -> String {
        match &self.kind {
            Kind::Query(error) => error.render(query),
            Kind::Run { message, hint } => match hint {
                Some(hint) => format!("{message}\n\nhint: {hint}"),
                None => message.clone(),
            },
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Query(error) => error.fmt(f),
            Kind::Run { message, .. } => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

impl From<query::Error> for Error {
    fn from(error: query::Error) -> Self {
        Self {
            kind: Kind::Query(error),
        }
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(why) => Self::run(format!(
                "the query needs more memory than it may take: {why}"
            ))
            .with_hint("raise --memory, or ask for fewer groups or rows"),
            DataFusionError::Plan(why) => Self::run(format!("cannot plan the query: {why}")),
            root => Self::run(format!("cannot answer the query: {}", root.message())),
        }
    }
}
