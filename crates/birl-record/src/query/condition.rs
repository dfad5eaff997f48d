//! What a field term asks of its field: the text behind the colon, taken apart.

use super::tree::{Field, Regex, Span, Term};
use super::{Error, atom, parse};

/// What a field term asks of the value of its field.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// `*`: that there is one.
    Exists,
    /// `value`: that it is this one.
    Equals(Literal),
    /// `!=value`: that it is another one.
    Differs(Literal),
    /// `/api/*`: that it looks like this, where `*` stands for any characters.
    Glob(String),
    /// `/re/`: that a match is in it.
    Matches(Regex),
    /// `>=value`, `low..high`: that it lies between these bounds.
    Within {
        /// The lower bound, if there is one.
        low: Option<Bound>,
        /// The upper bound, if there is one.
        high: Option<Bound>,
    },
    /// `(a -b OR c)`: several at a time.
    All(Vec<Condition>),
    /// One of these.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
}

/// A value as it is typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// With the quotes and their escapes resolved.
    pub text: String,
    /// Whether it stood in quotes.
    pub quoted: bool,
}

/// An end of a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The end.
    pub literal: Literal,
    /// Whether the end itself belongs to the range.
    pub inclusive: bool,
}

impl Field {
    /// What the term asks of its field.
    ///
    /// # Errors
    /// Where the value can't be what it begins like: it points at the term.
    ///
    /// ```
    /// use birl_record::query::{Condition, parse, tree::Term};
    ///
    /// let Term::Field(field) = parse("status:500..599")?.search else { unreachable!() };
    /// assert!(matches!(field.condition()?, Condition::Within { low: Some(_), high: Some(_) }));
    /// # Ok::<(), birl_record::query::Error>(())
    /// ```
    pub fn condition(&self) -> Result<Condition, Error> {
        condition(&self.value, &self.span)
    }
}

fn condition(text: &str, span: &Span) -> Result<Condition, Error> {
    if text.starts_with('(') {
        // It was read as a group when the query was parsed, so it is one.
        return group(&parse(text)?.search, span);
    }
    if atom::is_regex(text) {
        return Ok(match parse(text)?.search {
            Term::Regex(regex) => Condition::Matches(in_query(regex, text, span)),
            _ => unreachable!("a regex is read as one"),
        });
    }
    for (operator, condition) in OPERATORS {
        if let Some(value) = text.strip_prefix(operator) {
            return Ok(condition(literal(value, span)?));
        }
    }
    if let Some((low, high)) = split_range(text) {
        return range(low, high, span);
    }
    if text.starts_with('"') {
        return Ok(Condition::Equals(literal(text, span)?));
    }
    Ok(match text {
        "*" => Condition::Exists,
        _ if text.contains('*') => Condition::Glob(text.to_owned()),
        _ => Condition::Equals(literal(text, span)?),
    })
}

/// What an operator makes of the value behind it.
type OfLiteral = fn(Literal) -> Condition;

/// The longer operators go first.
const OPERATORS: [(&str, OfLiteral); 6] = [
    (">=", |literal| Condition::Within {
        low: Some(Bound::of(literal, true)),
        high: None,
    }),
    ("<=", |literal| Condition::Within {
        low: None,
        high: Some(Bound::of(literal, true)),
    }),
    ("!=", Condition::Differs),
    (">", |literal| Condition::Within {
        low: Some(Bound::of(literal, false)),
        high: None,
    }),
    ("<", |literal| Condition::Within {
        low: None,
        high: Some(Bound::of(literal, false)),
    }),
    ("=", Condition::Equals),
];

impl Bound {
    fn of(literal: Literal, inclusive: bool) -> Self {
        Self { literal, inclusive }
    }
}

/// `(a OR b)`: each word in it is a condition of its own.
fn group(term: &Term, span: &Span) -> Result<Condition, Error> {
    let all = |terms: &[Term]| {
        terms
            .iter()
            .map(|term| group(term, span))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match term {
        Term::All => Condition::Exists,
        Term::Text(text) if text.quoted => Condition::Equals(Literal {
            text: text.value.clone(),
            quoted: true,
        }),
        Term::Text(text) => condition(&text.value, span)?,
        Term::Regex(regex) => Condition::Matches(Regex {
            span: span.clone(),
            ..regex.clone()
        }),
        Term::Field(_) => unreachable!("no field terms are read within a value"),
        Term::And(terms) => Condition::All(all(terms)?),
        Term::Or(terms) => Condition::Any(all(terms)?),
        Term::Not(term) => Condition::Not(Box::new(group(term, span)?)),
    })
}

/// The bounds of `low..high`. Dots in quotes are not looked at.
fn split_range(text: &str) -> Option<(&str, &str)> {
    let from = match text.strip_prefix('"') {
        Some(quoted) => 1 + end_of_quotes(quoted)?,
        None => 0,
    };
    let dots = from + text[from..].find("..")?;
    let (low, high) = (&text[..dots], &text[dots + 2..]);
    // `...` and `..` are names of files.
    let is_open = low.is_empty() && high.is_empty();
    (!is_open && !high.starts_with('.')).then_some((low, high))
}

fn end_of_quotes(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    let closes = |c: char| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    };
    Some(quoted.find(closes)? + 1)
}

fn range(low: &str, high: &str, span: &Span) -> Result<Condition, Error> {
    let bound = |text: &str| {
        let is_there = !text.is_empty() && text != "*";
        is_there
            .then(|| Ok(Bound::of(literal(text, span)?, true)))
            .transpose()
    };
    Ok(Condition::Within {
        low: bound(low)?,
        high: bound(high)?,
    })
}

fn literal(text: &str, span: &Span) -> Result<Literal, Error> {
    if text.starts_with('"')
        && let Ok(query) = parse(text)
        && let Term::Text(phrase) = query.search
    {
        return Ok(Literal {
            text: phrase.value,
            quoted: true,
        });
    }
    if text.is_empty() {
        return Err(Error::new(span.clone(), "a value is missing"));
    }
    if text == "\"\"" {
        return Ok(Literal {
            text: String::new(),
            quoted: true,
        });
    }
    Ok(Literal {
        text: text.to_owned(),
        quoted: false,
    })
}

/// A regex that was read on its own, at its place in the query.
fn in_query(regex: Regex, text: &str, span: &Span) -> Regex {
    let start = span.end - text.len();
    Regex {
        span: start..span.end,
        ..regex
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Condition {
        let Term::Field(field) = parse(query).unwrap().search else {
            panic!("{query} is no field term");
        };
        field.condition().unwrap()
    }

    fn word(text: &str) -> Literal {
        Literal {
            text: text.into(),
            quoted: false,
        }
    }

    fn phrase(text: &str) -> Literal {
        Literal {
            text: text.into(),
            quoted: true,
        }
    }

    fn within(low: Option<(&str, bool)>, high: Option<(&str, bool)>) -> Condition {
        let bound = |end: Option<(&str, bool)>| {
            end.map(|(text, inclusive)| Bound::of(word(text), inclusive))
        };
        Condition::Within {
            low: bound(low),
            high: bound(high),
        }
    }

    #[test]
    fn a_value_is_taken_apart() {
        for (query, expected) in [
            ("a:*", Condition::Exists),
            ("a:b", Condition::Equals(word("b"))),
            ("a:=b", Condition::Equals(word("b"))),
            ("a:!=b", Condition::Differs(word("b"))),
            (r#"a:"b c""#, Condition::Equals(phrase("b c"))),
            (r#"a:"b..c*""#, Condition::Equals(phrase("b..c*"))),
            (r#"a:"""#, Condition::Equals(phrase(""))),
            ("a:/api/*", Condition::Glob("/api/*".into())),
            ("a:>5", within(Some(("5", false)), None)),
            ("a:>=5", within(Some(("5", true)), None)),
            ("a:<5", within(None, Some(("5", false)))),
            ("a:<=5", within(None, Some(("5", true)))),
            ("a:5..9", within(Some(("5", true)), Some(("9", true)))),
            ("a:5..", within(Some(("5", true)), None)),
            ("a:..9", within(None, Some(("9", true)))),
            (
                "a:1.5..2.5",
                within(Some(("1.5", true)), Some(("2.5", true))),
            ),
            ("a:...", Condition::Equals(word("..."))),
            ("a:..", Condition::Equals(word(".."))),
        ] {
            assert_eq!(read(query), expected, "{query}");
        }
        let quoted = |text: &str| Some(Bound::of(phrase(text), true));
        assert_eq!(
            read(r#"a:"2026-01-01 10:00".."2026-01-02 10:00""#),
            Condition::Within {
                low: quoted("2026-01-01 10:00"),
                high: quoted("2026-01-02 10:00"),
            }
        );
    }

    #[test]
    fn a_group_is_of_conditions() {
        let expected = Condition::Any(vec![
            Condition::Equals(word("b")),
            Condition::All(vec![
                Condition::Glob("c*".into()),
                Condition::Not(Box::new(Condition::Equals(phrase("c d")))),
            ]),
            within(Some(("5", true)), None),
        ]);
        assert_eq!(read(r#"a:(b OR c* -"c d" OR >=5)"#), expected);
    }

    #[test]
    fn a_regex_keeps_its_place_in_the_query() {
        let Term::And(terms) = parse("x a:/b+/i").unwrap().search else {
            panic!("two terms are expected");
        };
        let Term::Field(field) = &terms[1] else {
            panic!("a field term is expected");
        };
        let Condition::Matches(regex) = field.condition().unwrap() else {
            panic!("a regex is expected");
        };
        assert_eq!((regex.pattern.as_str(), regex.span), ("b+", 4..9));
        assert!(regex.flags.ignore_case);
    }
}
