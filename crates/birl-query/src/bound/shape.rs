//! What a query says, however it is written: a list of what it is made of.

use birl_record::query::tree::{Query, Regex, Step, Term};
use birl_record::query::{Bound, Condition, Error, parse};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::{Value, tokens, writing};
use crate::pipe::{self, Tokens};

/// A thing that a query is made of.
pub(super) type Atom = Vec<Part>;

/// A part of it.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// What the template says.
    Text(String),
    /// The value in the place of this number.
    Place(usize),
}

/// What a query says, in order: each term, token and literal, and what kind of thing it is.
pub(super) fn of(text: &str) -> Result<Vec<String>, Error> {
    let query = parse(text)?;
    let mut atoms = Vec::new();
    of_query(&query, &mut atoms)?;
    Ok(atoms)
}

/// The same of a query with `marks`, as what queries say that have other values.
pub(super) fn with_places(shape: &[String], marks: &[Value]) -> Vec<Atom> {
    let marks: Vec<_> = marks.iter().map(writing::plain).collect();
    shape.iter().map(|atom| split(atom, &marks)).collect()
}

/// What a query says that has these values.
pub(super) fn expected(shape: &[Atom], values: &[Value]) -> Vec<String> {
    let values: Vec<_> = values.iter().map(writing::plain).collect();
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Place(number) => values[*number].clone(),
    };
    let atom = |atom: &Atom| atom.iter().map(part).collect();
    shape.iter().map(atom).collect()
}

/// Whether a place is in one atom, and alone there unless it may be a part.
pub(super) fn holds_once(shape: &[Atom], place: usize, may_be_part: bool) -> bool {
    let is_it = |part: &Part| matches!(part, Part::Place(number) if *number == place);
    let mut holding = shape.iter().filter(|atom| atom.iter().any(is_it));
    match (holding.next(), holding.next()) {
        (Some(atom), None) => {
            let count = atom.iter().filter(|part| is_it(part)).count();
            count == 1 && (may_be_part || atom.len() == 1)
        }
        _ => false,
    }
}

fn split(atom: &str, marks: &[String]) -> Atom {
    let mut parts = Vec::new();
    let mut rest = atom;
    let first = |rest: &str| {
        let found = marks.iter().enumerate();
        let found = found.filter_map(|(i, mark)| Some((rest.find(mark.as_str())?, i)));
        found.min()
    };
    while let Some((at, place)) = first(rest) {
        if at > 0 {
            parts.push(Part::Text(rest[..at].to_owned()));
        }
        parts.push(Part::Place(place));
        rest = &rest[at + marks[place].len()..];
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    parts
}

fn of_query(query: &Query, atoms: &mut Vec<String>) -> Result<(), Error> {
    match &query.sql {
        Some(sql) => {
            say(atoms, "sql", "");
            of_sql(&sql.text, sql.span.start, atoms)?;
        }
        None => of_term(&query.search, atoms)?,
    }
    query.steps.iter().try_for_each(|step| of_step(step, atoms))
}

fn say(atoms: &mut Vec<String>, kind: &str, what: impl Into<String>) {
    atoms.push(kind.to_owned());
    atoms.push(what.into());
}

fn of_step(step: &Step, atoms: &mut Vec<String>) -> Result<(), Error> {
    let (own, sql) = step.text.split_at(tokens::own_len(&step.text));
    say(atoms, "step", "");
    own.split_whitespace().for_each(|it| say(atoms, "own", it));
    of_sql(sql, step.span.start + own.len(), atoms)
}

/// What SQL says that stands at `at` of the query.
fn of_sql(text: &str, at: usize, atoms: &mut Vec<String>) -> Result<(), Error> {
    let searches = pipe::searches(text, at)?;
    let read = Tokens::read(text, at)?;
    for token in read.all().tokens {
        let place = pipe::place(token.span).unwrap_or_default();
        let search = searches
            .iter()
            .find(|it| place == (at + it.span.start..at + it.span.end));
        match (&token.token, search) {
            (Token::SingleQuotedString(_), Some(search)) => of_term(&search.term, atoms)?,
            (Token::SingleQuotedString(text), None) => say(atoms, "text", text),
            (Token::Number(digits, false), _) => say(atoms, "number", digits),
            (token, _) => say(atoms, "token", token.to_string()),
        }
    }
    Ok(())
}

fn of_term(term: &Term, atoms: &mut Vec<String>) -> Result<(), Error> {
    match term {
        Term::All => say(atoms, "all", ""),
        Term::Text(text) => say(atoms, "word", &text.value),
        Term::Regex(regex) => of_regex(regex, atoms),
        Term::Field(field) => {
            say(atoms, "field", &field.name);
            of_condition(&field.condition()?, atoms);
        }
        Term::And(terms) => {
            say(atoms, "and", terms.len().to_string());
            terms.iter().try_for_each(|term| of_term(term, atoms))?;
        }
        Term::Or(terms) => {
            say(atoms, "or", terms.len().to_string());
            terms.iter().try_for_each(|term| of_term(term, atoms))?;
        }
        Term::Not(term) => {
            say(atoms, "not", "");
            of_term(term, atoms)?;
        }
    }
    Ok(())
}

fn of_regex(regex: &Regex, atoms: &mut Vec<String>) {
    say(atoms, "flags", regex.flags.to_string());
    say(atoms, "regex", &regex.pattern);
}

fn of_condition(condition: &Condition, atoms: &mut Vec<String>) {
    match condition {
        Condition::Exists => say(atoms, "exists", ""),
        Condition::Equals(literal) => say(atoms, "equals", &literal.text),
        Condition::Differs(literal) => say(atoms, "differs", &literal.text),
        Condition::Glob(glob) => say(atoms, "glob", glob),
        Condition::Matches(regex) => of_regex(regex, atoms),
        Condition::Within { low, high } => {
            of_bound("low", low.as_ref(), atoms);
            of_bound("high", high.as_ref(), atoms);
        }
        Condition::All(conditions) => {
            say(atoms, "all of", conditions.len().to_string());
            conditions.iter().for_each(|it| of_condition(it, atoms));
        }
        Condition::Any(conditions) => {
            say(atoms, "any of", conditions.len().to_string());
            conditions.iter().for_each(|it| of_condition(it, atoms));
        }
        Condition::Not(condition) => {
            say(atoms, "not", "");
            of_condition(condition, atoms);
        }
    }
}

fn of_bound(kind: &str, bound: Option<&Bound>, atoms: &mut Vec<String>) {
    if let Some(bound) = bound {
        let inclusive = if bound.inclusive { "inclusive" } else { "" };
        say(atoms, kind, inclusive);
        say(atoms, "end", &bound.literal.text);
    }
}
