//! Queries with places for values, which are bound as values.
//!
//! Whatever a value is, the query that it is bound in has the shape of its template, with a literal in
//! the place: a value is never an operator, a wildcard, a range, a name, or a step. Its modules, as a
//! template passes them:
//!
//! - `braces`: where its places are;
//! - `standing`: what each stands in, of a search;
//! - `tokens`: and of SQL;
//! - `writing`: how a value is written there;
//! - `shape`: what a query says, without how it is written: a query that is made is read again, and held
//!   against its template.

mod braces;
mod shape;
mod standing;
mod tokens;
mod writing;

use std::fmt;

use birl_record::query::{self, tree::Query, tree::Span};
use birl_record::time::Clock;
use datafusion::sql::sqlparser::ast::Statement;

use crate::{Error, pipe};
use shape::Atom;
use standing::Standing;

/// A longer text is no value that a person would type, in bytes.
const TEXT_BYTES_MAX: usize = 1000;

/// A query with places for values: `level:error service:{service} |> where user = {user} |> top {n} path`.
///
/// A place is a value of its own, or stands within the double quotes of a search. Integers, numbers and
/// lengths of time may be an end of a range, too. In a search, a text is looked for as it stands: `*` is
/// no wildcard, and `5..9` no range; one that is a plain word or number means what it would mean if it
/// were typed, so that `status:{code}` with `404` finds `404.0`. In SQL, a text is a literal. Where SQL
/// takes a literal for a pattern, as behind `like` and `~`, the text is that pattern.
///
/// ```
/// use birl_query::bound::{Kind, Template, Value};
///
/// let text = "service:{service} |> where user = {user}";
/// let template = Template::parse(text, [("service", Kind::Text), ("user", Kind::Text)])?;
/// let values = |name: &str| match name {
///     "service" => Some(Value::Text("web |> drop".into())),
///     _ => Some(Value::Text("' or 1 = 1 --".into())),
/// };
/// let query = template.fill(values)?;
/// assert_eq!(query, r#"service:"web |> drop" |> where user = ''' or 1 = 1 --'"#);
/// # Ok::<(), birl_query::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Template {
    /// What stands around the places: before each, and behind the last.
    around: Vec<String>,
    places: Vec<Place>,
    /// What every query says that is made of it.
    shape: Vec<Atom>,
    sample: String,
}

/// What a place takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number from 0 on.
    Integer,
    /// A number from 0 on.
    Number,
    /// A length of time from 0 on.
    Duration,
}

/// What is bound in a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any text of at most 1,000 bytes, without NUL.
    Text(String),
    /// A whole number.
    Integer(u64),
    /// A finite number from 0 on.
    Number(f64),
    /// A length of time from 0 on, in nanoseconds.
    Duration(i64),
}

impl fmt::Display for Value {
    /// As it is typed: a length of time in the largest unit that it is whole in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&writing::plain(self))
    }
}

/// A place in a template.
#[derive(Clone, Debug)]
struct Place {
    name: String,
    kind: Kind,
    /// Where it is, braces included.
    span: Span,
    standing: Standing,
}

/// A query that was made, and where its values are in it.
struct Written {
    text: String,
    spans: Vec<Span>,
}

/// Why a place cannot be where it is.
struct Wrong {
    message: &'static str,
    hint: &'static str,
}

impl Template {
    /// Reads a query in which `{name}` is a place for what `known` says of this name. Other braces stand
    /// for themselves, as in `a{2,3}`, `\u{1b}` and `\p{L}`.
    ///
    /// # Errors
    /// Where a name is not known, a place is none for a value of its kind, or the text is no query; the
    /// error points into `text`.
    pub fn parse<'n>(
        text: &str,
        known: impl IntoIterator<Item = (&'n str, Kind)>,
    ) -> Result<Self, Error> {
        let known: Vec<_> = known.into_iter().collect();
        let places = braces::places(text, &known)?;
        let mut template = Self {
            around: around(text, &places),
            places,
            shape: Vec::new(),
            sample: String::new(),
        };
        let marks = template.marks(text);
        template.find_standings(&marks)?;
        let samples = template.take_shape(&marks)?;
        template.take_sample(&samples)?;
        template.try_hostile_texts(&samples)?;
        Ok(template)
    }

    /// The names of its places, each once, as they first appear.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        let names = self.places.iter().map(|place| &place.name[..]);
        names.enumerate().filter_map(|(i, name)| {
            let is_first = self.places[..i].iter().all(|place| place.name != name);
            is_first.then_some(name)
        })
    }

    /// The query with a value in each place.
    ///
    /// # Errors
    /// Where a place has no value, or one that it cannot take: of another kind, a text that is too long
    /// or has a NUL, or an empty one where a search needs something to look for. The message names the
    /// place.
    pub fn fill(&self, value_of: impl Fn(&str) -> Option<Value>) -> Result<String, Error> {
        let values = self.places.iter().map(|place| {
            let value = value_of(&place.name);
            let value =
                value.ok_or_else(|| Error::run(format!("{{{}}} has no value", place.name)))?;
            place.check(&value)?;
            Ok(value)
        });
        self.bind(&values.collect::<Result<Vec<_>, Error>>()?)
    }

    /// The query with values that do no harm, so that it can be planned before anybody asks it.
    pub fn sample(&self) -> String {
        self.sample.clone()
    }

    /// The query with `values`, if it says what the template says.
    fn bind(&self, values: &[Value]) -> Result<String, Error> {
        let written = self.write(values);
        let meant = shape::expected(&self.shape, values);
        match shape::of(&written.text) {
            Ok(shape) if shape == meant => Ok(written.text),
            _ => Err(self.refused(values)),
        }
    }

    fn refused(&self, values: &[Value]) -> Error {
        let mut pairs = std::iter::zip(&self.places, values);
        let is_empty = |value: &Value| matches!(value, Value::Text(text) if text.is_empty());
        let empty = pairs.find(|(place, value)| place.standing.is_searched() && is_empty(value));
        match empty {
            Some((place, _)) => Error::run(format!("{{{}}} is empty", place.name))
                .with_hint("nothing can be looked for without a text"),
            None => Error::run("cannot make a query of these values"),
        }
    }

    fn write(&self, values: &[Value]) -> Written {
        let pairs = std::iter::zip(&self.places, values);
        self.join(pairs.map(|(place, value)| place.standing.write(value)))
    }

    /// The text, with `inserts` in its places.
    fn join(&self, inserts: impl Iterator<Item = String>) -> Written {
        let mut around = self.around.iter();
        let mut text = around.next().cloned().unwrap_or_default();
        let mut spans = Vec::new();
        for (insert, behind) in std::iter::zip(inserts, around) {
            let start = text.len();
            text += &insert;
            spans.push(start..text.len());
            text += behind;
        }
        Written { text, spans }
    }

    /// For each place a value that the text has not, and that is no part of another one.
    fn marks(&self, text: &str) -> Vec<Value> {
        // All have the same number of digits.
        let mut firsts = (1000_u64..10_000).filter(|it| !text.contains(&it.to_string()));
        let first = firsts.next().unwrap_or(1000) * 10_000 + 1;
        let marks = std::iter::zip(&self.places, first..);
        let mark = marks.map(|(place, number)| match place.kind {
            Kind::Text => Value::Text(format!("place_{number}")),
            Kind::Integer => Value::Integer(number),
            Kind::Number => Value::Number(number as f64),
            Kind::Duration => Value::Duration(number as i64 * 1_000_000),
        });
        mark.collect()
    }

    /// Finds out what the places stand in.
    fn find_standings(&mut self, marks: &[Value]) -> Result<(), Error> {
        let plain = self.join(marks.iter().map(writing::plain));
        let query = query::parse(&plain.text).map_err(|error| self.at_origin(&plain, error))?;
        for (i, span) in plain.spans.iter().enumerate() {
            let standing = standing::of(&query, span, self.places[i].kind);
            self.places[i].standing = standing.map_err(|wrong| self.wrong(i, &wrong))?;
        }
        Ok(())
    }

    /// Takes the shape of a query with `marks`, which tells where the values are in it; gives samples.
    fn take_shape(&mut self, marks: &[Value]) -> Result<Vec<Value>, Error> {
        let written = self.write(marks);
        let read = query::parse(&written.text).and_then(|query| {
            let shape = shape::of(&written.text)?;
            Ok((query, shape))
        });
        let (query, shape) = read.map_err(|error| self.at_origin(&written, error))?;
        self.shape = shape::with_places(&shape, marks);
        let mut samples = Vec::new();
        for (i, place) in self.places.iter().enumerate() {
            let checked = place.sample(&query, &written.spans[i]);
            samples.push(checked.map_err(|wrong| self.wrong(i, &wrong))?);
            let is_whole = shape::holds_once(&self.shape, i, place.standing == Standing::Quoted);
            if !is_whole {
                return Err(self.wrong(i, &standing::PART));
            }
        }
        Ok(samples)
    }

    /// Checks that a query with harmless values is one, and that none of them is a name in it.
    fn take_sample(&mut self, samples: &[Value]) -> Result<(), Error> {
        let written = self.write(samples);
        let read = query::parse(&written.text).and_then(|query| statement(&query));
        let statement = read.map_err(|error| self.at_origin(&written, error))?;
        for (i, sample) in samples.iter().enumerate() {
            if let (Standing::Sql, Value::Text(text)) = (&self.places[i].standing, sample)
                && has_name(&statement, text)
            {
                return Err(self.wrong(i, &tokens::NAME));
            }
        }
        self.sample = written.text;
        Ok(())
    }

    /// Tries texts that have what ends things: where the template can be held with all of these, it can
    /// be with any.
    fn try_hostile_texts(&self, samples: &[Value]) -> Result<(), Error> {
        for (i, place) in self.places.iter().enumerate() {
            if place.kind != Kind::Text {
                continue;
            }
            for text in HOSTILE {
                let mut values = samples.to_vec();
                values[i] = Value::Text(text.to_owned());
                if self.bind(&values).is_err() {
                    return Err(self.wrong(i, &OPEN));
                }
            }
        }
        Ok(())
    }

    fn wrong(&self, place: usize, wrong: &Wrong) -> Error {
        let span = self.places[place].span.clone();
        query::Error::new(span, wrong.message)
            .with_hint(wrong.hint)
            .into()
    }

    /// An error in a query that was made, at its place in the template.
    fn at_origin(&self, written: &Written, error: query::Error) -> Error {
        let span = error.span();
        let start = self.origin(written, span.start, |place| place.start);
        let end = self.origin(written, span.end, |place| place.end);
        let moved = query::Error::new(start..end.max(start), error.message());
        match error.hint() {
            Some(hint) => moved.with_hint(hint).into(),
            None => moved.into(),
        }
    }

    /// Where in the template stands what stands at `at` in a query that was made; `of_place` if it is of
    /// a value.
    fn origin(&self, written: &Written, at: usize, of_place: fn(&Span) -> usize) -> usize {
        let mut behind = (0, 0);
        for (place, span) in std::iter::zip(&self.places, &written.spans) {
            if at < span.start {
                break;
            }
            if at < span.end {
                return of_place(&place.span);
            }
            behind = (span.end, place.span.end);
        }
        behind.1 + at - behind.0
    }
}

impl Place {
    /// Whether it takes a value.
    fn check(&self, value: &Value) -> Result<(), Error> {
        let name = &self.name;
        let refuse = |what: String| Err(Error::run(format!("{{{name}}} {what}")));
        match (self.kind, value) {
            (Kind::Text, Value::Text(text)) if text.len() > TEXT_BYTES_MAX => {
                refuse(format!("is longer than {TEXT_BYTES_MAX} bytes"))
            }
            (Kind::Text, Value::Text(text)) if text.contains('\0') => {
                refuse("has a NUL character".to_owned())
            }
            (Kind::Number, Value::Number(number)) if !(number.is_finite() && *number >= 0.0) => {
                refuse(format!("is a number from 0 on, and not {number}"))
            }
            (Kind::Duration, Value::Duration(length)) if *length < 0 => {
                refuse("is a length of time, which is not negative".to_owned())
            }
            (Kind::Text, Value::Text(_))
            | (Kind::Integer, Value::Integer(_))
            | (Kind::Number, Value::Number(_))
            | (Kind::Duration, Value::Duration(_)) => Ok(()),
            (kind, _) => refuse(format!("takes {}", kind.noun())),
        }
    }

    /// A harmless value for it, where it stands at `span` of `query`.
    fn sample(&self, query: &Query, span: &Span) -> Result<Value, Wrong> {
        let text = match &self.standing {
            Standing::Sql => tokens::sample(query, span, self.kind)?,
            _ => standing::sample(query, span),
        };
        Ok(match self.kind {
            Kind::Text => Value::Text(text.to_owned()),
            Kind::Integer => Value::Integer(1),
            Kind::Number => Value::Number(1.0),
            Kind::Duration => Value::Duration(3_600_000_000_000),
        })
    }
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Duration => "a length of time",
        }
    }
}

/// Texts that would end what they stand in, if they could.
const HOSTILE: [&str; 12] = [
    "a'b",
    "a\"b",
    "a\\",
    "a/ b",
    "a/) b",
    "a/i | b' c",
    "*",
    "5..9",
    " OR a:b",
    "-- a\n/* b */",
    ") |> limit 0",
    "x level:error) -y",
];

/// Why a template is refused in which a text could end something.
const OPEN: Wrong = Wrong {
    message: "a text here could end what begins before it",
    hint: "a word before it that begins with `/` can begin a regex: write \"/api\" in quotes",
};

/// What stands before each place of `text`, and behind the last.
fn around(text: &str, places: &[Place]) -> Vec<String> {
    let starts = std::iter::once(0).chain(places.iter().map(|place| place.span.end));
    let ends = places.iter().map(|place| place.span.start);
    std::iter::zip(starts, ends.chain([text.len()]))
        .map(|(start, end)| text[start..end].to_owned())
        .collect()
}

/// The SQL of a query over logs of which nothing is known.
fn statement(query: &Query) -> Result<Statement, query::Error> {
    let clock = Clock {
        now: 0,
        zone: jiff::tz::TimeZone::UTC,
        newest: None,
    };
    let known = pipe::Known {
        field: &|name| Some(name.to_owned()),
        columns: &|_| None,
    };
    Ok(pipe::translate(query, known, &clock)?.statement)
}

/// Whether `text`, which stood in single quotes, has become a name: SQL lets literals be names of columns
/// and tables in some places. Only what is printed for debugging tells names from literals everywhere.
fn has_name(statement: &Statement, text: &str) -> bool {
    format!("{statement:?}").contains(&format!("value: {text:?}, quote_style: Some('\\'')"))
}

#[cfg(test)]
mod tests;
