//! The tree that the parser builds, and that searches (and later pipes) are compiled from.

use std::ops::Range;

/// Where something stands in the query's text, in bytes.
pub type Span = Range<usize>;

/// A whole query: what to find, then what to do with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Which lines or records are wanted.
    pub search: Term,
    /// What follows after pipes, in order.
    pub steps: Vec<Step>,
}

/// A search, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// `*`, or an empty search: everything.
    All,
    /// A word or a quoted phrase.
    Text(Text),
    /// `/…/`.
    Regex(Regex),
    /// `name:value`.
    Field(Field),
    /// All of these; at least two.
    And(Vec<Term>),
    /// At least one of these; at least two.
    Or(Vec<Term>),
    /// Not this.
    Not(Box<Term>),
}

/// A word or a phrase, to be found anywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What to find, with the quotes and their escapes resolved; never empty.
    pub value: String,
    /// Whether it stood in quotes.
    pub quoted: bool,
    /// Where it stands in the query.
    pub span: Span,
}

/// A regular expression between slashes.
#[derive(Clone, Debug, PartialEq)]
pub struct Regex {
    /// The pattern, where `\/` has become `/`.
    pub pattern: String,
    /// The letters after the closing slash.
    pub flags: RegexFlags,
    /// Where it stands in the query, slashes and flags included.
    pub span: Span,
}

/// The letters after a regex's closing slash.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RegexFlags {
    /// `i`: ignore case.
    pub ignore_case: bool,
    /// `s`: a dot matches any character.
    pub dot_matches_new_line: bool,
    /// `x`: white space and comments in the pattern are left out.
    pub verbose: bool,
}

/// A term over a field: `level:>=warn`, `status:500..599`, `user_id:*`.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The field's name, as typed.
    pub name: String,
    /// What stands behind the colon, as typed.
    pub value: String,
    /// Where the whole term stands in the query.
    pub span: Span,
}

/// One step after a pipe.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The step's text, as typed, without the pipe and outer white space.
    pub text: String,
    /// Where it stands in the query, without the pipe.
    pub span: Span,
}
