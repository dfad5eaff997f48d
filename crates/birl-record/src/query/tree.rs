//! The tree that the parser builds, and that searches (and later pipes) are compiled from.
//!
//! Every part prints as query text, and what is printed parses to the same tree again: only spans,
//! spare parentheses and quotes may differ.

use std::fmt::{self, Display, Formatter, Write};
use std::ops::Range;

use super::atom;

/// Where something stands in the query's text, in bytes.
pub type Span = Range<usize>;

/// A whole query: what to find, then what to do with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Which lines or records are wanted; [`Term::All`] where the query is SQL.
    pub search: Term,
    /// The SQL that stands in the place of a search.
    pub sql: Option<Sql>,
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
    /// All of these; at least two, and none is itself an `And`.
    And(Vec<Term>),
    /// At least one of these; at least two, and none is itself an `Or`.
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
    /// Where it stands in the query, quotes included.
    pub span: Span,
}

/// A regular expression between slashes.
#[derive(Clone, Debug, PartialEq)]
pub struct Regex {
    /// The pattern as typed, so that a `/` which would end it stands as `\/`; never empty, and not
    /// yet known to be a valid one.
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
    /// What stands behind the colon, as typed; never empty.
    pub value: String,
    /// Where the whole term stands in the query.
    pub span: Span,
}

/// A query, or its beginning, in SQL.
#[derive(Clone, Debug, PartialEq)]
pub struct Sql {
    /// The SQL, as typed, up to the first pipe.
    pub text: String,
    /// Where it stands in the query.
    pub span: Span,
}

/// One step after a pipe.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The step's text, as typed, without the pipe and outer white space; never empty.
    pub text: String,
    /// Where it stands in the query, without the pipe.
    pub span: Span,
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.sql {
            Some(sql) => f.write_str(&sql.text)?,
            None => self.search.fmt(f)?,
        }
        let mut before = self.sql.as_ref().map_or("", |sql| &sql.text);
        for step in &self.steps {
            // A comment would hide the pipe on its line.
            let gap = if before.contains("--") { "\n" } else { " " };
            write!(f, "{gap}|> {}", step.text)?;
            before = &step.text;
        }
        Ok(())
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Term::All => f.write_str("*"),
            Term::Text(text) => text.fmt(f),
            Term::Regex(regex) => regex.fmt(f),
            Term::Field(field) => field.fmt(f),
            Term::And(terms) => joined(f, terms, " ", |term| matches!(term, Term::Or(_))),
            Term::Or(terms) => joined(f, terms, " OR ", |_| false),
            Term::Not(term) => negated(f, term),
        }
    }
}

/// Prints `terms` with `operator` between them, and in parentheses those that bind less tightly.
fn joined(
    f: &mut Formatter<'_>,
    terms: &[Term],
    operator: &str,
    is_looser: fn(&Term) -> bool,
) -> fmt::Result {
    for (i, term) in terms.iter().enumerate() {
        if i > 0 {
            f.write_str(operator)?;
        }
        if is_looser(term) {
            grouped(f, term)?;
        } else {
            term.fmt(f)?;
        }
    }
    Ok(())
}

fn negated(f: &mut Formatter<'_>, term: &Term) -> fmt::Result {
    match term {
        Term::And(_) | Term::Or(_) => f.write_str("-").and_then(|()| grouped(f, term)),
        // `--` would begin a word.
        Term::Not(_) => write!(f, "NOT {term}"),
        _ => write!(f, "-{term}"),
    }
}

fn grouped(f: &mut Formatter<'_>, term: &Term) -> fmt::Result {
    // A value that opens a parenthesis of its own would take the one that closes the group.
    let gap = if ends_in_parenthesis(term) { " " } else { "" };
    write!(f, "({term}{gap})")
}

fn ends_in_parenthesis(term: &Term) -> bool {
    match term {
        Term::Field(Field { value, .. }) => {
            // A regex ends at its slash, and a gap behind that could end another one.
            value.contains('(') && !atom::is_regex(value)
        }
        Term::And(terms) | Term::Or(terms) => terms.last().is_some_and(ends_in_parenthesis),
        Term::Not(term) => ends_in_parenthesis(term),
        Term::All | Term::Text(_) | Term::Regex(_) => false,
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.quoted && stands_unquoted(&self.value) {
            f.write_str(&self.value)
        } else {
            write_without_regex_end(f, &quote(&self.value))
        }
    }
}

/// Whether `value` reads as this very word wherever a term may stand: behind a `-`, inside
/// parentheses, and before or after any other term.
fn stands_unquoted(value: &str) -> bool {
    let opens = value.starts_with(['-', '>', '/']);
    let closes = value.contains(['(', ')', '|']) || atom::ends_like_regex(value);
    let begins_sql = ["select", "from", "with"]
        .iter()
        .any(|keyword| value.eq_ignore_ascii_case(keyword));
    !opens && !closes && !begins_sql && atom::is_word(value)
}

/// Writes `phrase` so that no regex ends in it that a value before it, such as `/api`, only seems
/// to open.
fn write_without_regex_end(f: &mut Formatter<'_>, phrase: &str) -> fmt::Result {
    phrase.char_indices().try_for_each(|(i, c)| match c {
        '/' if atom::closes_regex(&phrase[i..]) => f.write_str("\\/"),
        c => f.write_char(c),
    })
}

/// `value` as a phrase: in double quotes, with escapes.
///
/// ```
/// assert_eq!(birl_record::query::tree::quote("a \"b\""), r#""a \"b\"""#);
/// ```
pub fn quote(value: &str) -> String {
    let mut phrase = String::with_capacity(value.len() + 2);
    phrase.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => phrase.extend(['\\', c]),
            '\t' => phrase.push_str("\\t"),
            '\n' => phrase.push_str("\\n"),
            '\r' => phrase.push_str("\\r"),
            c if c.is_control() => phrase.extend(c.escape_unicode()),
            c => phrase.push(c),
        }
    }
    phrase.push('"');
    phrase
}

impl Display for Regex {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/{}", self.pattern, self.flags)
    }
}

impl Display for RegexFlags {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let letters = [
            (self.ignore_case, "i"),
            (self.dot_matches_new_line, "s"),
            (self.verbose, "x"),
        ];
        letters
            .iter()
            .filter(|(given, _)| *given)
            .try_for_each(|(_, letter)| f.write_str(letter))
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.value)
    }
}
