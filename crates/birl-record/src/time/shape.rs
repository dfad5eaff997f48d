//! A way to write timestamps, and which one a text is written in.

use std::fmt::{self, Debug, Formatter};
use std::hash::{Hash, Hasher};
use std::ops::{Range, RangeInclusive};

use super::cursor::Parsed;
use super::reading::{Day, Period, Reading};
use super::shapes::FAMILIES;
use super::token;

/// A way to write timestamps.
///
/// It reads all that its patterns describe, and no text of it is read by any other with another
/// result, but for its [rivals](Shape::rivals).
#[derive(Clone, Copy)]
pub struct Shape(&'static Definition);

impl Shape {
    /// All shapes; of those that read a text, the first is the likeliest.
    pub fn all() -> impl Iterator<Item = Shape> {
        FAMILIES.iter().flat_map(|family| family.iter()).map(Shape)
    }

    /// The shape that is called `name`.
    pub fn named(name: &str) -> Option<Shape> {
        Shape::all().find(|shape| shape.name() == name)
    }

    /// The shape of a value that is a timestamp from its first byte to its last, such as the text of
    /// a field.
    ///
    /// ```
    /// use birl_record::time::Shape;
    ///
    /// assert_eq!(Shape::of(b"2026-03-14T14:05:30Z"), Shape::named("iso"));
    /// assert_eq!(Shape::of(b"2026-03-14T14:05:30Z."), None);
    /// ```
    pub fn of(text: &[u8]) -> Option<Shape> {
        let start = Start::of(text);
        Shape::all().find(|shape| shape.claim(text, start) == Some(text.len()))
    }

    /// The name, for people: lower case letters, digits and hyphens.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What it reads, in the notation of `strftime`, as far as that can say it; fractions and zones
    /// may be missing, too.
    pub fn patterns(self) -> &'static [&'static str] {
        self.0.patterns
    }

    /// Texts of this shape, each with the instant that it is (RFC 3339) in UTC, and as seen from the
    /// end of 2026-03-14.
    pub fn samples(self) -> &'static [(&'static str, &'static str)] {
        self.0.samples
    }

    /// Reads the timestamp that `text` begins with, and says how many bytes it takes.
    ///
    /// ```
    /// use birl_record::time::Shape;
    ///
    /// let iso = Shape::named("iso").unwrap();
    /// let (_, taken) = iso.parse(b"2026-03-14 14:05:30,123 INFO started").unwrap();
    /// assert_eq!(taken, 23);
    /// ```
    #[inline]
    pub fn parse(self, text: &[u8]) -> Option<(Reading, usize)> {
        (self.0.parse)(text)
    }

    /// How many bytes the timestamp takes that `text` begins with, if it is likely one: a number is
    /// only where it is between 2001 and 2100, so that `3306` is none.
    #[inline]
    pub(crate) fn taken(self, text: &[u8]) -> Option<usize> {
        let (reading, taken) = self.parse(text)?;
        let is_likely = self.0.kind != Kind::Number || is_likely_instant(reading);
        is_likely.then_some(taken)
    }

    /// How much of a text it takes that begins as `start` says, if that is likely a timestamp.
    fn claim(self, text: &[u8], start: Start) -> Option<usize> {
        let leads = &mut self.0.leads.iter();
        leads
            .any(|lead| lead.fits(start))
            .then(|| self.taken(text))?
    }

    /// After what span its times come again; `None` where they say the whole date.
    pub fn period(self) -> Option<Period> {
        match self.0.kind {
            Kind::DateTime | Kind::Date | Kind::Number => None,
            Kind::YearlessDateTime | Kind::YearlessDate => Some(Period::Year),
            Kind::Clock => Some(Period::Day),
        }
    }

    #[cfg(test)]
    pub(super) fn place(self) -> Place {
        self.0.place
    }

    #[cfg(test)]
    pub(super) fn claims(self, text: &[u8]) -> bool {
        self.claim(text, Start::of(text)) == Some(text.len())
    }

    #[cfg(test)]
    pub(super) fn is_number(self) -> bool {
        self.0.kind == Kind::Number
    }

    /// Whether its times say the whole date, so that each can be told without those before it. Only
    /// a file of such a shape can be bisected.
    pub fn is_absolute(self) -> bool {
        self.period().is_none()
    }

    /// The shapes that read the same texts as other days, this one among them: `03/04/2026` is in
    /// March to some, in April to others. Without rivals it is alone.
    ///
    /// [`decide`](super::decide) finds the right one.
    pub fn rivals(self) -> impl Iterator<Item = Shape> {
        Shape::all().filter(move |&shape| {
            shape == self || (shape.0.rivalry.is_some() && shape.0.rivalry == self.0.rivalry)
        })
    }
}

impl PartialEq for Shape {
    fn eq(&self, other: &Shape) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Shape {}

impl Hash for Shape {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl Debug for Shape {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Shape({})", self.0.name)
    }
}

/// A line of the registry.
pub(super) struct Definition {
    pub(super) name: &'static str,
    /// How texts of the shape begin, so that most shapes need not be tried on most texts.
    pub(super) leads: &'static [Lead],
    pub(super) kind: Kind,
    /// Where in a line it is looked for.
    pub(super) place: Place,
    /// What is disputed with other shapes, if something is.
    pub(super) rivalry: Option<&'static str>,
    pub(super) patterns: &'static [&'static str],
    pub(super) samples: &'static [(&'static str, &'static str)],
    pub(super) parse: fn(&[u8]) -> Parsed,
}

/// How a text begins.
#[derive(Clone, Debug)]
pub(super) enum Lead {
    /// With so many digits, and then one of these bytes; with any byte, or the end, where there are
    /// none.
    Digits(RangeInclusive<usize>, &'static [u8]),
    /// With a letter.
    Letter,
    /// With `@`.
    At,
}

/// What a timestamp says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole date and the time of day.
    DateTime,
    /// The same, as one number.
    Number,
    /// Month, day and time of day.
    YearlessDateTime,
    /// A time of day.
    Clock,
    /// A whole date, or a month of one year.
    Date,
    /// Month and day.
    YearlessDate,
}

/// Where in a line a shape is looked for: the less it says, the more often something else looks
/// like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Wherever a token begins.
    Anywhere,
    /// At the beginning, behind brackets at most.
    Start,
    /// Nowhere; only a whole value can be of this shape.
    Value,
}

/// Whether a number is likely an instant, and not something else: between 2001-09-09, when seconds
/// got their tenth digit, and 2100.
fn is_likely_instant(reading: Reading) -> bool {
    match reading.day() {
        Day::Known(day) => (11_574..47_482).contains(&day),
        Day::Unsaid | Day::Yearless { .. } => false,
    }
}

/// How a text begins, to be compared with many leads.
#[derive(Clone, Copy, Debug)]
struct Start {
    first: u8,
    /// How many digits it begins with, behind a sign.
    digits: usize,
    /// The byte behind them.
    then: Option<u8>,
}

impl Start {
    fn of(text: &[u8]) -> Start {
        let unsigned = text.strip_prefix(b"-").or(text.strip_prefix(b"+"));
        let unsigned = unsigned.unwrap_or(text);
        let digits = unsigned.iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        Start {
            first: text.first().copied().unwrap_or(b' '),
            digits,
            then: unsigned.get(digits).copied(),
        }
    }
}

impl Lead {
    #[inline]
    fn fits(&self, start: Start) -> bool {
        match self {
            Lead::Digits(count, then) => {
                count.contains(&start.digits)
                    && (then.is_empty() || start.then.is_some_and(|byte| then.contains(&byte)))
            }
            Lead::Letter => start.first.is_ascii_alphabetic() || !start.first.is_ascii(),
            Lead::At => start.first == b'@',
        }
    }
}

/// Finds the timestamp of a line: the shape it has, and where it stands.
///
/// It begins where a token does, in the first `within` bytes, and may end behind them. The first
/// that says date and time is taken. Where there is none: the first number that may be one, or the
/// first time of day, or the first date; but a date without a year goes before a time of day.
/// Of several shapes at one place, the one that takes most of the text is taken.
///
/// ```
/// use birl_record::time::{self, Shape};
///
/// let line = b"<34>1 web-1 [2026-03-14 14:05:30.123] started at 2026-03-14 14:05:29";
/// assert_eq!(time::find(line, 128), Some((Shape::named("iso").unwrap(), 13..36)));
/// ```
pub fn find(line: &[u8], within: usize) -> Option<(Shape, Range<usize>)> {
    let mut best: Option<(Shape, Range<usize>)> = None;
    for (shape, range) in candidates(line, within) {
        if best
            .as_ref()
            .is_none_or(|(best, _)| is_better(shape.0.kind, best.0.kind))
        {
            let is_final = matches!(shape.0.kind, Kind::DateTime | Kind::YearlessDateTime);
            best = Some((shape, range));
            if is_final {
                break;
            }
        }
    }
    best
}

/// Whether something that says `kind` is rather the time of a line than something before it that
/// says `before`.
fn is_better(kind: Kind, before: Kind) -> bool {
    match before {
        Kind::DateTime | Kind::YearlessDateTime => false,
        // Not a date without a year: the number says more, and counts in UTC.
        Kind::Number => kind == Kind::DateTime,
        Kind::Clock => matches!(kind, Kind::DateTime | Kind::YearlessDateTime),
        Kind::Date | Kind::YearlessDate => !matches!(kind, Kind::Date | Kind::YearlessDate),
    }
}

/// All timestamps that begin in the first `within` bytes of a line, in their order, none within
/// another: for those who know better than [`find`] which is meant, or look at many lines.
pub fn candidates(line: &[u8], within: usize) -> impl Iterator<Item = (Shape, Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < within.min(line.len()) {
            let found = token::begins(line, at).then(|| longest(line, at)).flatten();
            if let Some((shape, taken)) = found {
                let range = at..at + taken;
                at = range.end;
                return Some((shape, range));
            }
            at += 1;
        }
        None
    })
}

/// The shape that takes most of what stands at `at`, and how much it takes.
fn longest(line: &[u8], at: usize) -> Option<(Shape, usize)> {
    let text = &line[at..];
    let start = Start::of(text);
    let at_start = token::is_first(line, at);
    let mut best = None;
    for shape in Shape::all() {
        let looked_for = match shape.0.place {
            Place::Anywhere => true,
            Place::Start => at_start,
            Place::Value => false,
        };
        if !looked_for {
            continue;
        }
        if let Some(taken) = shape.claim(text, start)
            && best.is_none_or(|(_, most)| taken > most)
        {
            best = Some((shape, taken));
        }
    }
    best
}
