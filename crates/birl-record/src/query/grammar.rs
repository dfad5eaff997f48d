//! The parser of queries, from characters to the tree: what joins terms.
//!
//! Backtracking means "not one of these": what cannot be read for good is cut, with an [`Error`] of
//! our own. No text is looked at more than a fixed number of times, so that the time to parse grows
//! with the query's length.

use winnow::combinator::{alt, eof, not, opt, peek, preceded, repeat, separated};
use winnow::error::ErrMode;
use winnow::prelude::*;
use winnow::token::one_of;

use super::atom::atom;
use super::edge::{at_pipe, edge, end_of_term, end_of_terms, token_end};
use super::error::Error;
use super::input::{
    Failure, Input, Parsed, at_end, beginning, here, here_char, rest, space, wrong,
};
use super::steps;
use super::tree::{Query, Span, Term};

/// How deep parentheses and negations may nest; deeper ones would only come from a broken program.
const DEPTH_MAX: usize = 128;

/// Reads all of `text`, in which SQL may begin from `tables`.
pub(super) fn parse(text: &str, tables: &[&str]) -> Result<Query, Error> {
    let mut input = beginning(text, tables);
    query(&mut input).map_err(|failure| match failure {
        ErrMode::Cut(Failure(Some(error))) => *error,
        _ => Error::new(here(&input), "expected the end of the query"),
    })
}

fn query(input: &mut Input<'_>) -> Parsed<Query> {
    space(input)?;
    if at_end(input) {
        let error = Error::new(here(input), "it is empty");
        return wrong(error.with_hint("'*' finds everything"));
    }
    let sql = opt(steps::sql).parse_next(input)?;
    let search = if sql.is_some() || at_pipe(input) {
        Term::All
    } else {
        match opt(any_of).parse_next(input)? {
            Some(term) => term,
            None => return wrong(no_term_before_operator(input)),
        }
    };
    let steps = repeat(0.., preceded(space, steps::step)).parse_next(input)?;
    (space, eof).parse_next(input)?;
    Ok(Query { search, sql, steps })
}

/// `a OR b`
fn any_of(input: &mut Input<'_>) -> Parsed<Term> {
    let terms = separated(1.., all_of, (space, operator("OR"))).parse_next(input)?;
    Ok(one_or(terms, Term::Or, |term| match term {
        Term::Or(terms) => Ok(terms),
        term => Err(term),
    }))
}

/// `a b`, `a AND b`
fn all_of(input: &mut Input<'_>) -> Parsed<Term> {
    let and = (space, opt(operator("AND")));
    let mut terms = vec![term(input)?];
    let more: Vec<Term> = repeat(0.., preceded(and, term)).parse_next(input)?;
    terms.extend(more);
    Ok(one_or(terms, Term::And, |term| match term {
        Term::And(terms) => Ok(terms),
        term => Err(term),
    }))
}

/// The only one of `terms`, or all of them in one `join`; `split` takes apart those that are such
/// joins themselves.
fn one_or(
    mut terms: Vec<Term>,
    join: fn(Vec<Term>) -> Term,
    split: fn(Term) -> Result<Vec<Term>, Term>,
) -> Term {
    if terms.len() == 1 {
        return terms.remove(0);
    }
    let mut flat = Vec::with_capacity(terms.len());
    for term in terms {
        match split(term) {
            Ok(terms) => flat.extend(terms),
            Err(term) => flat.push(term),
        }
    }
    join(flat)
}

/// `NOT a`, `-a`, `a`
fn term(input: &mut Input<'_>) -> Parsed<Term> {
    not(alt((
        end_of_terms,
        keyword("OR").void(),
        keyword("AND").void(),
    )))
    .parse_next(input)?;
    let start = here(input).start;
    if opt(operator("NOT")).parse_next(input)?.is_some() {
        let term = nested(input, start..start + "NOT".len(), term)?;
        return Ok(Term::Not(Box::new(term)));
    }
    if opt(minus).parse_next(input)?.is_some() {
        let term = nested(input, start..start + "-".len(), atom)?;
        return Ok(Term::Not(Box::new(term)));
    }
    atom(input)
}

/// Runs `parser` one level deeper; `span` is what nests.
fn nested<'q, T>(
    input: &mut Input<'q>,
    span: Span,
    parser: fn(&mut Input<'q>) -> Parsed<T>,
) -> Parsed<T> {
    if input.state.depth == DEPTH_MAX {
        let message = format!("more than {DEPTH_MAX} levels of parentheses and negations");
        return wrong(Error::new(span, message));
    }
    input.state.depth += 1;
    let parsed = parser(input);
    input.state.depth -= 1;
    parsed
}

/// An operator in capitals and the space behind it; a term must follow.
fn operator<'q>(name: &'static str) -> impl Parser<Input<'q>, (), ErrMode<Failure>> {
    move |input: &mut Input<'q>| {
        let span = keyword(name).parse_next(input)?;
        space(input)?;
        let nothing = alt((end_of_terms, keyword("OR").void(), keyword("AND").void()));
        if opt(peek(nothing)).parse_next(input)?.is_some() {
            let error = Error::expected_at(span, "a term", &format!("after `{name}`"));
            return wrong(error.with_hint_to_quote(name));
        }
        Ok(())
    }
}

fn no_term_before_operator(input: &mut Input<'_>) -> Error {
    let span = here(input);
    for name in ["OR", "AND"] {
        if let Ok(span) = keyword(name).parse_next(input) {
            let error = Error::expected_at(span, "a term", &format!("before `{name}`"));
            return error.with_hint_to_quote(name);
        }
    }
    Error::expected_at(span, "a term", "here")
}

/// An operator's name that is not the beginning of a word.
fn keyword<'q>(name: &'static str) -> impl Parser<Input<'q>, Span, ErrMode<Failure>> {
    move |input: &mut Input<'q>| {
        let span = name.span().parse_next(input)?;
        let edge = alt((edge, '('.void()));
        peek(edge).parse_next(input)?;
        Ok(span)
    }
}

/// A `-` that negates what it touches, and is not a dash, an arrow or an option's.
fn minus(input: &mut Input<'_>) -> Parsed<()> {
    let word = alt((edge, one_of(['-', '>']).void()));
    ('-', not(word)).void().parse_next(input)
}

/// `(a OR b)`
pub(super) fn group(input: &mut Input<'_>) -> Parsed<Term> {
    let open = '('.span().parse_next(input)?;
    input.state.groups += 1;
    space(input)?;
    let Some(term) = nested(input, open.clone(), |input| opt(any_of).parse_next(input))? else {
        return wrong(no_term_in_group(input, open));
    };
    space(input)?;
    if opt(')').parse_next(input)?.is_none() {
        return wrong(unclosed_group(input, open));
    }
    input.state.groups -= 1;
    end_of_term(input, open.start, "`)`")?;
    Ok(term)
}

fn no_term_in_group(input: &mut Input<'_>, open: Span) -> Error {
    if at_pipe(input) || at_end(input) {
        return unclosed_group(input, open);
    }
    if rest(input).starts_with(')') {
        let span = open.start..here(input).start + 1;
        let found = &input.state.text[span.clone()];
        return Error::expected_at(span, "a term", "between `(` and `)`").with_hint_to_quote(found);
    }
    no_term_before_operator(input)
}

fn unclosed_group(input: &mut Input<'_>, open: Span) -> Error {
    if at_pipe(input) {
        let error = Error::expected_at(here_char(input), "`)`", "before the pipe");
        return error.with_hint("to find either of two terms, write `OR` between them");
    }
    let typed = &input.state.text[open.start..token_end(input.state.text, open.start)];
    Error::expected_at(open, "`)`", "to close this `(`").with_hint_to_quote(typed)
}
