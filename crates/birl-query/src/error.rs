//! What is wrong with a query, or went wrong with its answer.

use std::fmt::{self, Display, Formatter};

use birl_record::query::{self, tree::Span};
use datafusion::arrow::error::ArrowError;
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
            DataFusionError::ResourcesExhausted(why) => exhausted(why),
            DataFusionError::IoError(why) => cannot_spill(why),
            DataFusionError::ArrowError(error, _) if let ArrowError::IoError(_, why) = &**error => {
                cannot_spill(why)
            }
            DataFusionError::ArrowError(error, _)
                if let ArrowError::ArithmeticOverflow(why) = &**error =>
            {
                Self::run(format!("a whole number is too large for 64 bits: {why}"))
                    .with_hint("calculate with fractions: cast(x as double)")
            }
            root => {
                let why = root.message();
                if let Some(call) = unmatched(&why) {
                    return Self::run(format!("cannot plan the query: there is no {call}"))
                        .with_hint(
                            "a text is the number that it reads like as try_cast(x as double)",
                        );
                }
                let doing = match root {
                    DataFusionError::Plan(_) => "plan",
                    _ => "answer",
                };
                // What follows asks for a report to the wrong people.
                let why = why.split("\nThis issue was likely caused by").next();
                let why = why.unwrap_or_default();
                Self::run(format!("cannot {doing} the query: {why}"))
            }
        }
    }
}

/// What to say where there is too little memory, or too little room for temporary files.
fn exhausted(why: &str) -> Error {
    if why.contains("disk space") {
        return Error::run("the temporary files of the query grow larger than they may")
            .with_hint("raise --memory, or ask for fewer groups or rows");
    }
    // DataFusion lists all that takes memory, and ends with what asked for more.
    let asked = why.rsplit("Failed to allocate").next().unwrap_or(why);
    let what = match asked {
        it if it.contains("Sorter") => "to sort rows",
        it if it.contains("Join") => "to join tables",
        it if it.contains("Aggregate") || it.contains("Hash") => "for its groups",
        _ => "for its rows",
    };
    let message = format!("the query needs more memory than it may take {what}");
    Error::run(message).with_hint("raise --memory, or ask for fewer groups or rows")
}

/// What does not fit into memory is all that a plan writes to files; what it reads is read by scans,
/// which tell of errors themselves.
fn cannot_spill(why: &std::io::Error) -> Error {
    Error::run(format!("cannot write to temporary files: {why}"))
        .with_hint("raise --memory, or let TMPDIR be a directory that has room")
}

/// The call, with the types of its arguments as we name them, of a function that takes other ones.
fn unmatched(why: &str) -> Option<String> {
    const BEFORE: &str = "No function matches the given name and argument types '";
    let (_, call) = why.split_once(BEFORE)?;
    let (call, _) = call.split_once("'. ")?;
    let names = [
        ("Utf8View", "text"),
        ("Utf8", "text"),
        ("Int64", "integer"),
        ("Float64", "number"),
        ("Boolean", "boolean"),
        ("Timestamp(ns, \"UTC\")", "timestamp"),
    ];
    let renamed = |call: String, (from, to): (&str, &str)| call.replace(from, to);
    Some(names.into_iter().fold(call.to_owned(), renamed))
}
