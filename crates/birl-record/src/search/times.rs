//! Terms over time: `since:…`, `until:…`, `last:…` and `timestamp:…`.

use std::ops::Range;

use super::field::Unit;
use crate::query::tree::{Field, Term};
use crate::query::{Bound, Condition, Error, Literal};
use crate::time::{self, Clock, NotTyped};

/// All times.
pub(super) const ALWAYS: Range<i64> = i64::MIN..i64::MAX;

/// What is asked of the time of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TimeTest {
    /// That there is one.
    Exists,
    /// That it is one of these, in nanoseconds since 1970 (UTC).
    Within(Range<i64>),
    All(Vec<TimeTest>),
    Any(Vec<TimeTest>),
    Not(Box<TimeTest>),
}

impl TimeTest {
    /// Compiles a field term, if it is one over time. Moments are as seen from `clock`.
    pub(super) fn new(field: &Field, clock: Option<&Clock>) -> Option<Result<Self, Error>> {
        let compile = match field.name.as_str() {
            "timestamp" => Compiler::timestamp,
            "since" => Compiler::since,
            "until" => Compiler::until,
            "last" => Compiler::last,
            _ => return None,
        };
        Some(field.condition().and_then(|condition| {
            let no_clock = || {
                let message = "terms over time need a clock";
                Error::new(field.span.clone(), message)
            };
            let clock = clock.ok_or_else(no_clock)?;
            compile(&Compiler { field, clock }, &condition)
        }))
    }

    /// Whether it holds of a record; of one without a time, only that it is in no range.
    pub(super) fn holds(&self, unit: &Unit<'_>) -> bool {
        match self {
            Self::Exists => unit.time().is_some(),
            Self::Within(range) => unit
                .time_for_range()
                .is_some_and(|time| range.contains(&time)),
            Self::All(tests) => tests.iter().all(|test| test.holds(unit)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(unit)),
            Self::Not(test) => !test.holds(unit),
        }
    }

    /// A range that holds the time of every record that it holds of.
    pub(super) fn range(&self) -> Range<i64> {
        match self {
            Self::Within(range) => range.clone(),
            Self::All(tests) => tests.iter().map(Self::range).fold(ALWAYS, common),
            Self::Any(tests) => tests
                .iter()
                .map(Self::range)
                .reduce(around)
                .unwrap_or(ALWAYS),
            Self::Exists | Self::Not(_) => ALWAYS,
        }
    }
}

/// Whether a search has a term that counts back from the newest record.
pub(super) fn counts_back(term: &Term) -> bool {
    match term {
        Term::Field(field) => field.name == "last",
        Term::And(terms) | Term::Or(terms) => terms.iter().any(counts_back),
        Term::Not(term) => counts_back(term),
        Term::All | Term::Text(_) | Term::Regex(_) => false,
    }
}

/// What two ranges have in common.
pub(super) fn common(one: Range<i64>, other: Range<i64>) -> Range<i64> {
    one.start.max(other.start)..one.end.min(other.end)
}

/// The smallest range that holds two.
pub(super) fn around(one: Range<i64>, other: Range<i64>) -> Range<i64> {
    match (one.is_empty(), other.is_empty()) {
        (true, _) => other,
        (_, true) => one,
        _ => one.start.min(other.start)..one.end.max(other.end),
    }
}

/// What compiles one term.
struct Compiler<'a> {
    field: &'a Field,
    clock: &'a Clock,
}

impl Compiler<'_> {
    fn since(&self, condition: &Condition) -> Result<TimeTest, Error> {
        let moment = self.moment(self.value(condition)?)?;
        Ok(TimeTest::Within(moment.start..i64::MAX))
    }

    fn until(&self, condition: &Condition) -> Result<TimeTest, Error> {
        let moment = self.moment(self.value(condition)?)?;
        Ok(TimeTest::Within(i64::MIN..moment.start))
    }

    fn last(&self, condition: &Condition) -> Result<TimeTest, Error> {
        let length = time::duration(&self.value(condition)?.text);
        let length = length.map_err(|error| self.wrong(&error))?;
        Ok(TimeTest::Within(self.clock.last(length)))
    }

    fn timestamp(&self, condition: &Condition) -> Result<TimeTest, Error> {
        let all = |conditions: &[Condition]| {
            conditions
                .iter()
                .map(|condition| self.timestamp(condition))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match condition {
            Condition::Exists => TimeTest::Exists,
            Condition::Equals(literal) => TimeTest::Within(self.moment(literal)?),
            Condition::Differs(literal) => {
                let is_it = TimeTest::Within(self.moment(literal)?);
                TimeTest::All(vec![TimeTest::Exists, TimeTest::Not(Box::new(is_it))])
            }
            Condition::Within { low, high } => {
                let low = low.as_ref().map(|bound| self.low(bound)).transpose()?;
                let high = high.as_ref().map(|bound| self.high(bound)).transpose()?;
                TimeTest::Within(low.unwrap_or(i64::MIN)..high.unwrap_or(i64::MAX))
            }
            Condition::All(conditions) => TimeTest::All(all(conditions)?),
            Condition::Any(conditions) => TimeTest::Any(all(conditions)?),
            Condition::Not(condition) => TimeTest::Not(Box::new(self.timestamp(condition)?)),
            Condition::Glob(_) | Condition::Matches(_) => {
                let message = "a timestamp is an instant, and no text";
                let hint = "name as much of it as is meant, as in timestamp:2026-03-14";
                return Err(Error::new(self.field.span.clone(), message).with_hint(hint));
            }
        })
    }

    /// The first instant of a range that begins so.
    fn low(&self, bound: &Bound) -> Result<i64, Error> {
        let moment = self.moment(&bound.literal)?;
        Ok(match bound.inclusive {
            true => moment.start,
            false => moment.end,
        })
    }

    /// The first instant behind a range that ends so.
    fn high(&self, bound: &Bound) -> Result<i64, Error> {
        let moment = self.moment(&bound.literal)?;
        Ok(match bound.inclusive {
            true => moment.end,
            false => moment.start,
        })
    }

    fn value<'c>(&self, condition: &'c Condition) -> Result<&'c Literal, Error> {
        if let Condition::Equals(literal) = condition {
            return Ok(literal);
        }
        let name = &self.field.name;
        let (kind, example) = match name.as_str() {
            "last" => ("one length of time", "2h"),
            _ => ("one moment", "yesterday"),
        };
        let message = format!("{name} takes {kind}");
        let hint = format!("write {name}:{example}; for a range, timestamp:-2h..-1h");
        Err(Error::new(self.field.span.clone(), message).with_hint(hint))
    }

    fn moment(&self, literal: &Literal) -> Result<Range<i64>, Error> {
        time::moment(&literal.text, self.clock).map_err(|error| self.wrong(&error))
    }

    fn wrong(&self, error: &NotTyped) -> Error {
        Error::new(self.field.span.clone(), error.message()).with_hint(error.hint())
    }
}
