//! What places stand in, of a search.

use birl_record::query::tree::{Field, Query, Span, Term};
use birl_record::query::{Condition, parse};

use super::{Kind, Wrong, tokens};
use crate::pipe;

/// What a place stands in; it decides how a text is written there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// It is a term of a search: a word.
    Word,
    /// It is the value of a field, or an end of a range.
    Value {
        /// Whether within parentheses: `level:(error OR {level})`.
        in_group: bool,
    },
    /// It is all or a part of a text in double quotes, of a search.
    Quoted,
    /// It is a token of SQL or of a step.
    Sql,
}

pub(super) const PART: Wrong = Wrong {
    message: "here would be a part of a word, and a value is a whole one",
    hint: "write it as a value of its own, or within quotes: \"api-{name}\"",
};

const REGEX: Wrong = Wrong {
    message: "a value cannot be a part of a regex",
    hint: "write it as a value of its own, or within quotes: path:\"/api/{name}\"",
};

const FIELD_NAME: Wrong = Wrong {
    message: "a value cannot be the name of a field",
    hint: "write the name, and the place behind its colon: user:{name}",
};

const IN_GROUP: Wrong = Wrong {
    message: "between parentheses, a text stands without an operator and in no range",
    hint: "write it as a term of its own: (bytes:500 OR bytes:>={name})",
};

const NOWHERE: Wrong = Wrong {
    message: "no value can stand here",
    hint: "write it as a value of its own: user:{name}",
};

/// The operators that may stand before a value.
const OPERATORS: [&str; 6] = [">=", "<=", "!=", ">", "<", "="];

/// What a field is that a search knows as one of its own, by what it takes.
const SAMPLES: [(&[&str], &str); 3] = [
    (&["level", "severity"], "info"),
    (&["timestamp", "since", "until"], "2026-01-01"),
    (&["last"], "1h"),
];

impl Standing {
    /// Whether it is in a search.
    pub(super) fn is_searched(self) -> bool {
        self != Self::Sql
    }
}

/// What the place at `span` of a query stands in, which is for a value of this kind.
pub(super) fn of(query: &Query, span: &Span, kind: Kind) -> Result<Standing, Wrong> {
    match found(query, span) {
        Some(found) => found.standing(span, kind),
        None if tokens::piece(query, span).is_some() => Ok(Standing::Sql),
        None => Err(NOWHERE),
    }
}

/// A harmless text for a place in a search.
pub(super) fn sample(query: &Query, span: &Span) -> &'static str {
    match found(query, span) {
        Some(Found {
            term: Term::Field(field),
            ..
        }) => sample_of(&field.name),
        _ => "x",
    }
}

/// A harmless text to compare a field with.
pub(super) fn sample_of(field: &str) -> &'static str {
    let mut samples = SAMPLES.iter();
    samples
        .find(|(names, _)| names.contains(&field))
        .map_or("x", |(_, sample)| sample)
}

/// A term in which a place is.
struct Found {
    term: Term,
    /// What is to be added to the places that it tells.
    shift: usize,
    in_group: bool,
}

/// The term of a search that `span` of a query is in: of that before the pipes, or of one in an aggregate.
fn found(query: &Query, span: &Span) -> Option<Found> {
    let Some((text, at)) = tokens::piece(query, span) else {
        return in_term(&query.search, 0, span, false);
    };
    let searches = pipe::searches(text, at).ok()?;
    searches.into_iter().find_map(|search| {
        let shift = at + search.span.start;
        in_term(&search.term, shift, span, false)
    })
}

fn in_term(term: &Term, shift: usize, span: &Span, in_group: bool) -> Option<Found> {
    let own = match term {
        Term::And(terms) | Term::Or(terms) => {
            let mut terms = terms.iter();
            return terms.find_map(|term| in_term(term, shift, span, in_group));
        }
        Term::Not(term) => return in_term(term, shift, span, in_group),
        Term::All => return None,
        Term::Text(text) => &text.span,
        Term::Regex(regex) => &regex.span,
        Term::Field(field) => &field.span,
    };
    let has_it = own.start + shift <= span.start && span.end <= own.end + shift;
    has_it.then(|| Found {
        term: term.clone(),
        shift,
        in_group,
    })
}

impl Found {
    fn standing(&self, span: &Span, kind: Kind) -> Result<Standing, Wrong> {
        match &self.term {
            Term::Regex(_) => Err(REGEX),
            Term::Text(text) if text.quoted => Ok(Standing::Quoted),
            Term::Text(text) if self.in_group => {
                self.in_value(&text.value, text.span.start + self.shift, span, kind)
            }
            Term::Text(text) if text.span.len() == span.len() => Ok(Standing::Word),
            Term::Field(field) => self.in_field(field, span, kind),
            _ => Err(PART),
        }
    }

    fn in_field(&self, field: &Field, span: &Span, kind: Kind) -> Result<Standing, Wrong> {
        let at = field.span.end - field.value.len() + self.shift;
        if span.start < at {
            return Err(FIELD_NAME);
        }
        if let Ok(Condition::Matches(_)) = field.condition() {
            return Err(REGEX);
        }
        if !field.value.starts_with('(') {
            return self.in_value(&field.value, at, span, kind);
        }
        let group = parse(&field.value).map_err(|_| NOWHERE)?.search;
        match in_term(&group, at, span, true) {
            Some(found) => found.standing(span, kind),
            None => Err(NOWHERE),
        }
    }

    /// What the place stands in of a value, which is at `at`.
    fn in_value(&self, value: &str, at: usize, span: &Span, kind: Kind) -> Result<Standing, Wrong> {
        let (before, behind) = (&value[..span.start - at], &value[span.end - at..]);
        let is_alone = before.is_empty() && behind.is_empty();
        let begins = before.is_empty() || OPERATORS.contains(&before) || before.ends_with("..");
        let ends = behind.is_empty() || behind.starts_with("..");
        // There, a text in quotes is a term, and a part of none.
        let may_be_part = !self.in_group || kind != Kind::Text;
        match (is_in_quotes(before), begins && ends) {
            (false, false) => Err(PART),
            _ if !is_alone && !may_be_part => Err(IN_GROUP),
            (true, _) => Ok(Standing::Quoted),
            (false, true) => Ok(Standing::Value {
                in_group: self.in_group,
            }),
        }
    }
}

/// Whether a double quote is open behind `text`.
fn is_in_quotes(text: &str) -> bool {
    let mut is_open = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if is_open => _ = chars.next(),
            '"' => is_open = !is_open,
            _ => {}
        }
    }
    is_open
}
