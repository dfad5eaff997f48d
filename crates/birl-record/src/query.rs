//! The query language: what people type, as a tree.
//!
//! ```text
//! query    = ( search | sql ) { pipe step } | pipe step { pipe step }
//! search   = all { "OR" all }
//! all      = term { [ "AND" ] term }
//! term     = "NOT" term | "-" atom | atom
//! atom     = "*" | group | phrase | regex | field | word
//! group    = "(" search ")"
//! phrase   = '"' { character | escape } '"'
//! escape   = "\" ( '"' | "\" | "/" | "t" | "n" | "r" | "u{" 1 to 6 hex digits "}" )
//! regex    = "/" pattern "/" { "i" | "s" | "x" }
//! field    = name ":" ( group | regex | range )
//! name     = ( letter | "_" | "@" ) { letter | digit | "_" | "@" | "." | "-" | "$" }
//! range    = [ ">=" | "<=" | "!=" | ">" | "<" | "=" ] ( value | [ value ] ".." [ value ] )
//! value    = '"' { character | escape } '"' | characters as in a word
//! pipe     = "|>" | "|" between spaces
//! sql      = text that begins "select ", "with NAME as (", "from TABLE" or "from 'FILE'", in any
//!            case; also in parentheses, where a pipe, `union` or the like stands in or behind them
//! ```
//!
//! `NOT` and `-` bind tightest, then space (`AND` says the same), then `OR`. Operators are written
//! in capitals.
//!
//! # Edges
//!
//! Operators, quotes and slashes count only at a term's edge. A term begins at the beginning, after
//! white space, after the `(` of a group, and after a `-` that negates. It ends before white space,
//! before a pipe, before the `)` of an open group, and at the end. What stands elsewhere is part of
//! a word:
//!
//! - `(` groups only where a term begins, and `)` only closes what is open: `main()` is a word,
//!   inside of a group too, and so is `:)` outside of one.
//! - `-` negates what it touches. It is part of a word before white space, another `-` or `>`, so
//!   that a lone `-`, `--force` and `->` are searched for as they stand. `-5` is the negation of
//!   `5`.
//! - `name:` begins a field term, unless `:` or `//` follows: `std::vec` and `http://x` are words,
//!   and so are `12:30` and `sshd[7]:`, which begin like no name.
//! - `/` begins a regex only where a later `/`, with or without flags, stands before white space, a
//!   `)`, a `|` or the end; else the text is a word, such as `/api/v1/users`. Inside, `\/` is `/`,
//!   which is how a slash before any of these is written. An empty regex, `//`, is a word as well.
//! - `*` is everything where it stands alone, and a character of a word elsewhere.
//! - `|` is a pipe between spaces and `|>` anywhere; any other single `|` is an error. `||` is
//!   never split.
//! - `'` is a character like any other in a search; only double quotes make a phrase.
//!
//! Steps, and SQL, are kept as typed. They end at the next pipe that is not in parentheses, in
//! single or double quotes, in a regex, or in a comment (`--` to the end of the line, or between
//! `/*` and `*/`). So a bitwise `|` of SQL needs parentheses around it, or no spaces.

mod atom;
mod condition;
mod edge;
mod error;
mod grammar;
mod input;
mod steps;
pub mod tree;

pub use atom::regex_len;
pub use condition::{Bound, Condition, Literal};
pub use error::{Error, pointed_at};

pub(crate) use error::excerpt;
use tree::{Query, Span, Term};

/// Reads a query.
///
/// # Errors
///
/// Where the text is no query: the error points at the place, and says what was expected there.
///
/// ```
/// let query = birl_record::query::parse("timeout -healthcheck |> count by level")?;
/// assert_eq!(query.steps[0].text, "count by level");
/// # Ok::<(), birl_record::query::Error>(())
/// ```
pub fn parse(text: &str) -> Result<Query, Error> {
    grammar::parse(text, &[])
}

/// Reads a query that may begin `from` one of `tables`, as from `logs`.
///
/// # Errors
///
/// As [`parse`].
///
/// ```
/// let query = birl_record::query::parse_over("from users |> count", &["users"])?;
/// assert_eq!(query.sql.unwrap().text, "from users");
/// # Ok::<(), birl_record::query::Error>(())
/// ```
pub fn parse_over(text: &str, tables: &[&str]) -> Result<Query, Error> {
    grammar::parse(text, tables)
}

/// Reads a query that is a search alone: words, phrases, regexes, terms over fields, and what joins
/// them.
///
/// # Errors
///
/// As [`parse`], and where the query has pipes or SQL.
///
/// ```
/// let error = birl_record::query::parse_search("timeout | count").unwrap_err();
/// assert_eq!(error.message(), "here is room for a search alone, without pipes such as | count");
/// ```
pub fn parse_search(text: &str) -> Result<Term, Error> {
    let query = parse(text)?;
    if let Some(sql) = query.sql {
        let keyword = first_word(&sql.span, &sql.text);
        let word = &text[keyword.clone()];
        return Err(
            Error::new(keyword, "here is room for a search alone, not for SQL")
                .with_hint_to_quote(word),
        );
    }
    if let Some(step) = query.steps.first() {
        let message = format!(
            "here is room for a search alone, without pipes such as | {}",
            excerpt(&step.text)
        );
        let hint = "to find either of two terms, write `OR` between them";
        return Err(Error::new(step.span.clone(), message).with_hint(hint));
    }
    Ok(query.search)
}

/// The place of the word that `text`, which stands at `span`, begins with.
fn first_word(span: &Span, text: &str) -> Span {
    let len = text.find(char::is_whitespace).unwrap_or(text.len());
    span.start..span.start + len
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
