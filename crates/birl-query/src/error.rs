//! What is wrong with a query, or went wrong with its answer.

use std::fmt::{self, Display, Formatter};

use birl_record::query::{self, pointed_at, tree::Span};
use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use crate::mistake;
use crate::pipe::nearest;

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
        /// What of the query it is about, if it stands there.
        about: Option<String>,
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
                about: None,
            },
        }
    }

    /// The same, about what stands so in the query.
    fn about(mut self, what: Option<String>) -> Self {
        if let Kind::Run { about, .. } = &mut self.kind {
            *about = what;
        }
        self
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

    /// Whether more memory would help.
    pub fn needs_memory(&self) -> bool {
        match &self.kind {
            Kind::Query(_) => false,
            Kind::Run { hint, .. } => hint.as_deref() == Some(MORE_MEMORY),
        }
    }

    /// The message for people, with the place in `query` and what to do next.
    pub fn render(&self, query: &str) -> String {
        match &self.kind {
            Kind::Query(error) => error.render(query),
            Kind::Run {
                message,
                hint,
                about,
            } => {
                let mut rendered = message.clone();
                if let Some(span) = about.as_ref().and_then(|about| only_place(query, about)) {
                    rendered += &format!("\n{}", pointed_at(query, &span));
                }
                if let Some(hint) = hint {
                    rendered += &format!("\n\nhint: {hint}");
                }
                rendered
            }
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
            DataFusionError::SchemaError(error, _)
                if let SchemaError::FieldNotFound {
                    field,
                    valid_fields,
                } = &**error =>
            {
                let message = format!("cannot plan the query: unknown field {:?}", field.name);
                let names = valid_fields.iter().map(|it| it.name.as_str());
                let error = Self::run(match nearest(&field.name, names) {
                    Some(near) => format!("{message}, did you mean {near:?}?"),
                    None => message,
                });
                error.about(Some(field.name.clone()))
            }
            root => {
                let mistake = mistake::of(&root.message());
                let doing = match root {
                    DataFusionError::Plan(_)
                    | DataFusionError::SchemaError(..)
                    | DataFusionError::NotImplemented(_) => "plan",
                    _ => "answer",
                };
                let error = Self::run(format!("cannot {doing} the query: {}", mistake.message));
                let error = error.about(mistake.about);
                match mistake.hint {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                }
            }
        }
    }
}

/// The places in the text of a query where `what` stands, and is no part of something longer.
pub(crate) fn places<'t>(text: &'t str, what: &'t str) -> impl Iterator<Item = Span> + 't {
    let goes_on = |c: char, end: Option<char>| {
        end.is_some_and(|end| is_of_word(c) && is_of_word(end) || is_sign(c) && is_sign(end))
    };
    let (first, last) = (what.chars().next(), what.chars().next_back());
    text.match_indices(what).filter_map(move |(at, _)| {
        let end = at + what.len();
        let before = text[..at].chars().next_back();
        let behind = text[end..].chars().next();
        let is_part =
            before.is_some_and(|c| goes_on(c, first)) || behind.is_some_and(|c| goes_on(c, last));
        (!is_part).then_some(at..end)
    })
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || "_@".contains(c)
}

/// Whether a character is part of an operator.
fn is_sign(c: char) -> bool {
    !is_of_word(c) && !c.is_whitespace() && !"()[],'\"".contains(c)
}

/// The place where `what` stands in the text of a query, in any case, if it stands there once.
fn only_place(text: &str, what: &str) -> Option<Span> {
    let only = |text: &str, what: &str| {
        let mut places = places(text, what);
        places.next().filter(|_| places.next().is_none())
    };
    // ASCII letters take one byte in either case.
    only(text, what).or_else(|| only(&text.to_ascii_lowercase(), &what.to_ascii_lowercase()))
}

/// What to do where there is too little memory.
const MORE_MEMORY: &str = "raise --memory, or ask for fewer groups or rows";

/// What to say where there is too little memory, or too little room for temporary files.
fn exhausted(why: &str) -> Error {
    if why.contains("disk space") {
        let message = "the temporary files of the query grow larger than they may";
        return Error::run(message).with_hint(MORE_MEMORY);
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
    Error::run(message).with_hint(MORE_MEMORY)
}

/// What does not fit into memory is all that a plan writes to files; what it reads is read by scans,
/// which tell of errors themselves.
fn cannot_spill(why: &std::io::Error) -> Error {
    Error::run(format!("cannot write to temporary files: {why}"))
        .with_hint("raise --memory, or let TMPDIR be a directory that has room")
}
