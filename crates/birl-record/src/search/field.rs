//! Field terms: what is asked of one field of a record.

use std::cell::OnceCell;
use std::ops::RangeInclusive;

use super::candidates::{Literal as Wanted, Need};
use super::folded::FoldedFinder;
use super::named::NamedFinder;
use super::pattern::{Engine, Pattern};
use super::{Leaf, Options, folds_beyond_ascii, literal};
use crate::chronology::RecordTimes;
use crate::format::{DERIVED_FIELDS, Parser};
use crate::framing;
use crate::json;
use crate::level::Severity;
use crate::query::Error;
use crate::query::tree::{Field, Regex, Span, Text};
use crate::query::{Bound, Condition, Literal};
use crate::record::Record;
use crate::value::{Number, Value};

/// What is asked: a line, or a record.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    /// All of it, without the last terminator.
    pub(super) content: &'a [u8],
    record: Option<Origin<'a>>,
    parsed: OnceCell<Record<'a>>,
    time: OnceCell<Option<i64>>,
}

/// Where a record is from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    /// What reads the source's records.
    pub(super) parser: &'a Parser,
    /// What the source is called.
    pub(super) source: &'a [u8],
    /// Where the record begins, in bytes from the start of the source.
    pub(super) offset: u64,
    /// Where the record begins in its chunk.
    pub(super) start: usize,
    /// When the records of the chunk were, where that is known.
    pub(super) times: Option<&'a RecordTimes<'a>>,
}

impl<'a> Unit<'a> {
    pub(super) fn line(content: &'a [u8]) -> Self {
        Self {
            content,
            record: None,
            parsed: OnceCell::new(),
            time: OnceCell::new(),
        }
    }

    pub(super) fn record(text: &'a [u8], origin: Origin<'a>) -> Self {
        Self {
            content: framing::content(text),
            record: Some(origin),
            parsed: OnceCell::new(),
            time: OnceCell::new(),
        }
    }

    /// When the record was, in nanoseconds since 1970 (UTC), if it says so.
    pub(super) fn time(&self) -> Option<i64> {
        let origin = self.record?;
        let times = origin.times?;
        let timestamp = || match self.parsed.get() {
            Some(record) => record.timestamp,
            None => origin.parser.timestamp(self.content),
        };
        *self.time.get_or_init(|| times.at(origin.start, timestamp))
    }

    /// The same to hold it against a range; a record without a time is counted.
    pub(super) fn time_for_range(&self) -> Option<i64> {
        let is_first = self.time.get().is_none();
        let time = self.time();
        if is_first
            && time.is_none()
            && let Some(times) = self.record.and_then(|origin| origin.times)
        {
            times.count_untimed();
        }
        time
    }

    fn parsed(&self, parser: &'a Parser) -> &Record<'a> {
        self.parsed.get_or_init(|| parser.parse(self.content))
    }
}

/// A field term, compiled.
#[derive(Clone, Debug)]
pub(super) struct FieldTest {
    target: Target,
    test: Test,
}

/// Which field is asked.
#[derive(Clone, Debug, PartialEq)]
enum Target {
    Level,
    Severity,
    Message,
    Source,
    Offset,
    Line,
    /// One of the log's own.
    Own(Box<[u8]>),
}

impl Target {
    fn named(name: &str) -> Self {
        match name {
            "level" => Self::Level,
            "severity" => Self::Severity,
            "message" | "msg" => Self::Message,
            "source" => Self::Source,
            "offset" => Self::Offset,
            "line" => Self::Line,
            name => Self::Own(
                name.strip_prefix("fields.")
                    .unwrap_or(name)
                    .as_bytes()
                    .into(),
            ),
        }
    }

    /// Whether a value that is typed is looked for within, and is not all that there is.
    fn is_prose(&self) -> bool {
        matches!(self, Self::Message | Self::Line)
    }
}

/// What is asked of a value. All but `Not` is false of one that is absent.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Exists,
    Equals(Equal),
    /// Of a text.
    Contains(Box<Leaf>),
    Within {
        low: Option<Edge>,
        high: Option<Edge>,
    },
    /// Of a severity: from the first to the last.
    Severity(u8, u8),
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
}

/// A value that another one may be the same as.
#[derive(Clone, Debug)]
pub(super) enum Equal {
    /// These bytes, or this number otherwise written.
    Exact(Box<[u8]>, Option<Number>),
    /// The same but for the case of ASCII letters.
    Folded(Box<[u8]>),
    /// All of it matches.
    Matches(Box<Engine>),
}

/// An end of a range.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    text: Box<[u8]>,
    /// Where the text is one, numbers are compared, and a text is in no range.
    number: Option<Number>,
    inclusive: bool,
}

impl FieldTest {
    /// Compiles a field term, and says what every record that it holds of has in its text.
    pub(super) fn new(field: &Field, options: Options) -> Result<(Self, Need), Error> {
        let target = Target::named(&field.name);
        let compiler = Compiler {
            target: &target,
            options,
            span: &field.span,
        };
        let (test, need) = compiler.test(&field.condition()?)?;
        let need = match &target {
            Target::Level | Target::Severity => {
                test.severities().map_or(Need::Nothing, Need::Severity)
            }
            Target::Own(path) if DERIVED_FIELDS.iter().any(|it| it.as_bytes() == &**path) => {
                Need::Nothing
            }
            Target::Own(path) => need.better(NamedFinder::need(path, &test)),
            Target::Message | Target::Line => need,
            Target::Source | Target::Offset => Need::Nothing,
        };
        Ok((Self { target, test }, need))
    }

    /// The severities of which it holds, if nothing else of a record that has one decides.
    pub(super) fn severities_alone(&self) -> Option<RangeInclusive<u8>> {
        match (&self.target, &self.test) {
            (Target::Level | Target::Severity, Test::Severity(low, high)) => Some(*low..=*high),
            _ => None,
        }
    }

    /// Whether it holds of a record; of a mere line it does not.
    pub(super) fn holds(&self, unit: &Unit<'_>) -> bool {
        let Some(record) = unit.record else {
            return false;
        };
        match &self.target {
            Target::Level | Target::Severity => self.holds_of_severity(unit, record),
            Target::Message => {
                let message = unit.parsed(record.parser).message;
                self.test.holds(message.map(Value::Text))
            }
            Target::Source => self.test.holds(Some(plain(record.source))),
            Target::Offset => {
                let offset = record.offset.to_string();
                self.test.holds(Some(Value::Number(offset.as_bytes())))
            }
            Target::Line => self.test.holds(Some(plain(unit.content))),
            Target::Own(path) => self.test.holds(record.parser.get(unit.content, path)),
        }
    }

    /// The severity that a format tells; a log's own field of that name where it tells none.
    fn holds_of_severity<'a>(&self, unit: &Unit<'a>, origin: Origin<'a>) -> bool {
        let record = unit.parsed(origin.parser);
        match record.severity {
            Some(severity) if self.target == Target::Severity => {
                let number = severity.number().to_string();
                self.test
                    .holds_of_severity(severity, Value::Number(number.as_bytes()))
            }
            Some(severity) => {
                let name = severity.level().name();
                self.test
                    .holds_of_severity(severity, plain(name.as_bytes()))
            }
            None => {
                let name: &[u8] = match self.target {
                    Target::Severity => b"severity",
                    _ => b"level",
                };
                self.test.holds(record.get(name))
            }
        }
    }
}

fn plain(text: &[u8]) -> Value<'_> {
    Value::Text(crate::value::Text::plain(text))
}

impl Test {
    pub(super) fn holds(&self, value: Option<Value<'_>>) -> bool {
        match self {
            Self::Not(test) => !test.holds(value),
            Self::All(tests) => tests.iter().all(|test| test.holds(value)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(value)),
            Self::Severity(..) => false,
            _ => match value {
                None | Some(Value::Null) => false,
                // Each element is a value.
                Some(Value::List(list)) => {
                    self.holds_of(Value::List(list))
                        || json::elements(list).any(|element| self.holds(Some(element)))
                }
                Some(value) => self.holds_of(value),
            },
        }
    }

    /// The range within which each severity is of which it holds, if it holds of nothing else.
    fn severities(&self) -> Option<RangeInclusive<u8>> {
        match self {
            Self::Severity(low, high) => Some(*low..=*high),
            Self::All(tests) => tests.iter().find_map(Self::severities),
            Self::Any(tests) => {
                let ranges: Option<Vec<_>> = tests.iter().map(Self::severities).collect();
                ranges?.into_iter().reduce(|one, other| {
                    *one.start().min(other.start())..=*one.end().max(other.end())
                })
            }
            _ => None,
        }
    }

    /// Of a severity, which reads as `value`.
    fn holds_of_severity(&self, severity: Severity, value: Value<'_>) -> bool {
        match self {
            Self::Severity(low, high) => (*low..=*high).contains(&severity.number()),
            Self::Not(test) => !test.holds_of_severity(severity, value),
            Self::All(tests) => tests
                .iter()
                .all(|test| test.holds_of_severity(severity, value)),
            Self::Any(tests) => tests
                .iter()
                .any(|test| test.holds_of_severity(severity, value)),
            _ => self.holds_of(value),
        }
    }

    fn holds_of(&self, value: Value<'_>) -> bool {
        match self {
            Self::Exists => true,
            Self::Equals(equal) => equal.is(value),
            Self::Contains(leaf) => leaf.is_in(&Unit::line(&value.bytes())),
            Self::Within { low, high } => {
                let above = |edge: &Edge| edge.is_below(value);
                let below = |edge: &Edge| edge.is_above(value);
                low.as_ref().is_none_or(above) && high.as_ref().is_none_or(below)
            }
            Self::Severity(..) | Self::All(_) | Self::Any(_) | Self::Not(_) => {
                self.holds(Some(value))
            }
        }
    }
}

impl Equal {
    fn is(&self, value: Value<'_>) -> bool {
        match self {
            Self::Exact(text, number) => {
                *value.bytes() == **text
                    || number.is_some_and(|number| value.number() == Some(number))
            }
            Self::Folded(text) => value.bytes().eq_ignore_ascii_case(text),
            Self::Matches(engine) => {
                let bytes = value.bytes();
                engine.on(&bytes).is_match(&*bytes)
            }
        }
    }
}

impl Edge {
    /// Whether it is the lower edge of a range that `value` is in.
    fn is_below(&self, value: Value<'_>) -> bool {
        self.compare(value)
            .is_some_and(|order| order.is_lt() || self.inclusive && order.is_eq())
    }

    /// Whether it is the upper edge of a range that `value` is in.
    fn is_above(&self, value: Value<'_>) -> bool {
        self.compare(value)
            .is_some_and(|order| order.is_gt() || self.inclusive && order.is_eq())
    }

    fn compare(&self, value: Value<'_>) -> Option<std::cmp::Ordering> {
        match self.number {
            Some(number) => number.partial_cmp(&value.number()?),
            None => Some((*self.text).cmp(&value.bytes())),
        }
    }
}

/// What compiles the condition of one term.
struct Compiler<'a> {
    target: &'a Target,
    options: Options,
    span: &'a Span,
}

impl Compiler<'_> {
    fn test(&self, condition: &Condition) -> Result<(Test, Need), Error> {
        if matches!(self.target, Target::Level | Target::Severity) {
            if let Some(test) = self.severity(condition) {
                return Ok((test, Need::Nothing));
            }
            if matches!(condition, Condition::Within { .. }) {
                let message = "only levels have an order here";
                return Err(Error::new(self.span.clone(), message)
                    .with_hint("the levels are trace, debug, info, warn, error and fatal"));
            }
        }
        match condition {
            Condition::Exists => Ok((Test::Exists, Need::Nothing)),
            Condition::Equals(literal) => self.equals(literal),
            Condition::Differs(literal) => {
                let (equals, _) = self.equals(literal)?;
                let differs = vec![Test::Exists, Test::Not(Box::new(equals))];
                Ok((Test::All(differs), Need::Nothing))
            }
            Condition::Glob(glob) => self.glob(glob),
            Condition::Matches(regex) => self.matches(regex),
            Condition::Within { low, high } => Ok((
                Test::Within {
                    low: low.as_ref().map(Edge::of),
                    high: high.as_ref().map(Edge::of),
                },
                Need::Nothing,
            )),
            Condition::All(conditions) => {
                let (tests, needs) = self.tests(conditions)?;
                let need = needs.into_iter().reduce(Need::better);
                Ok((Test::All(tests), need.unwrap_or(Need::Nothing)))
            }
            Condition::Any(conditions) => {
                let (tests, needs) = self.tests(conditions)?;
                let need = needs.into_iter().reduce(Need::or);
                Ok((Test::Any(tests), need.unwrap_or(Need::Nothing)))
            }
            Condition::Not(condition) => {
                let (test, _) = self.test(condition)?;
                Ok((Test::Not(Box::new(test)), Need::Nothing))
            }
        }
    }

    fn tests(&self, conditions: &[Condition]) -> Result<(Vec<Test>, Vec<Need>), Error> {
        let pairs: Result<Vec<_>, _> = conditions.iter().map(|part| self.test(part)).collect();
        Ok(pairs?.into_iter().unzip())
    }

    fn equals(&self, literal: &Literal) -> Result<(Test, Need), Error> {
        let text = literal.text.as_str();
        let folded = self.options.case.folds_text(text);
        if self.target.is_prose() && !text.is_empty() {
            return self.contains(text);
        }
        let number = if literal.quoted {
            None
        } else {
            Number::of(text.as_bytes())
        };
        let beyond_ascii = folded && text.chars().any(folds_beyond_ascii);
        let equal =
            match number {
                None if beyond_ascii => Equal::Matches(Box::new(
                    self.engine(&Pattern::of_parts(&[text], folded, true))?,
                )),
                None if folded => Equal::Folded(text.as_bytes().into()),
                number => Equal::Exact(text.as_bytes().into(), number),
            };
        let need = match number {
            // 5e2 is 500.
            Some(_) => Need::Nothing,
            None => written(text.as_bytes(), folded),
        };
        Ok((Test::Equals(equal), need))
    }

    fn contains(&self, text: &str) -> Result<(Test, Need), Error> {
        let folded = self.options.case.folds_text(text);
        let beyond_ascii = folded && text.chars().any(folds_beyond_ascii);
        let leaf = if self.options.words || beyond_ascii {
            let text = Text {
                value: text.to_owned(),
                quoted: true,
                span: self.span.clone(),
            };
            Leaf::Regex(self.engine(&Pattern::from_text(&text, folded, self.options.words))?)
        } else if folded {
            Leaf::Folded(FoldedFinder::new(text.as_bytes()))
        } else {
            Leaf::exact(text.as_bytes())
        };
        Ok((
            Test::Contains(Box::new(leaf)),
            written(text.as_bytes(), folded),
        ))
    }

    fn glob(&self, glob: &str) -> Result<(Test, Need), Error> {
        let folded = self.options.case.folds_text(glob);
        let parts: Vec<_> = glob.split('*').collect();
        let engine = self.engine(&Pattern::of_parts(&parts, folded, !self.target.is_prose()))?;
        let best = parts
            .iter()
            .max_by_key(|part| literal::score(part.as_bytes()));
        let need = best.map_or(Need::Nothing, |part| written(part.as_bytes(), folded));
        Ok((Test::Contains(Box::new(Leaf::Regex(engine))), need))
    }

    fn matches(&self, regex: &Regex) -> Result<(Test, Need), Error> {
        let pattern = Pattern::from_regex(regex, self.options.case, self.options.words)?;
        let engine = self.engine(&pattern)?;
        let need = match pattern.required_literals() {
            Some((literals, folded)) => literals
                .iter()
                .map(|literal| written(literal, folded))
                .reduce(Need::or)
                .unwrap_or(Need::Nothing),
            None => Need::Nothing,
        };
        Ok((Test::Contains(Box::new(Leaf::Regex(engine))), need))
    }

    fn engine(&self, pattern: &Pattern) -> Result<Engine, Error> {
        pattern
            .line_regex()
            .map_err(|too_big| too_big.at(self.span))
    }

    /// A condition over severities, if it compares with words or numbers that are some.
    fn severity(&self, condition: &Condition) -> Option<Test> {
        let band = |literal: &Literal| self.band(literal);
        Some(match condition {
            Condition::Equals(literal) => {
                let (low, high) = band(literal)?;
                Test::Severity(low, high)
            }
            Condition::Differs(literal) => {
                let (low, high) = band(literal)?;
                let differs = Test::Not(Box::new(Test::Severity(low, high)));
                Test::All(vec![Test::Exists, differs])
            }
            Condition::Within { low, high } => {
                let low = match low {
                    Some(Bound {
                        literal,
                        inclusive: true,
                    }) => band(literal)?.0,
                    Some(Bound { literal, .. }) => band(literal)?.1 + 1,
                    None => 0,
                };
                let high = match high {
                    Some(Bound {
                        literal,
                        inclusive: true,
                    }) => band(literal)?.1,
                    Some(Bound { literal, .. }) => band(literal)?.0 - 1,
                    None => u8::MAX,
                };
                Test::Severity(low, high)
            }
            _ => return None,
        })
    }

    /// The severities that a literal names: all of a level, or one between.
    fn band(&self, literal: &Literal) -> Option<(u8, u8)> {
        let text = literal.text.as_bytes();
        if *self.target == Target::Severity {
            let number = std::str::from_utf8(text).ok()?.parse().ok();
            if let Some(severity) = number.and_then(Severity::from_number) {
                return Some((severity.number(), severity.number()));
            }
        }
        let severity = Severity::from_word(text)?;
        let is_whole_level = severity == Severity::of(severity.level());
        let above = if is_whole_level { 3 } else { 0 };
        Some((severity.number(), severity.number() + above))
    }
}

impl Edge {
    fn of(bound: &Bound) -> Self {
        let text = bound.literal.text.as_bytes();
        let number = if bound.literal.quoted {
            None
        } else {
            Number::of(text)
        };
        Self {
            text: text.into(),
            number,
            inclusive: bound.inclusive,
        }
    }
}

/// What stands in the text of a record that holds a value in which `meant` stands.
///
/// Any character of it may be written as an escape, and any quote, slash or control character may
/// be behind a backslash; so the longest stretch between these is looked for, and beside it the
/// escapes that can stand for the characters of the stretch.
fn written(meant: &[u8], folded: bool) -> Need {
    let may_be_escaped = |byte: &u8| {
        byte.is_ascii_control() || b"\"'\\/`]|=".contains(byte) || folded && !byte.is_ascii()
    };
    let stretches = meant.split(may_be_escaped);
    let best = stretches.max_by_key(|stretch| literal::score(stretch));
    match best.filter(|stretch| !stretch.is_empty()) {
        None => Need::Nothing,
        Some(stretch) => {
            let exact = |bytes: &[u8]| Wanted {
                bytes: bytes.into(),
                folded: false,
            };
            let stretch = Wanted {
                bytes: stretch.into(),
                folded,
            };
            Need::Literals(vec![stretch, exact(b"\\u"), exact(b"\\x")])
        }
    }
}
