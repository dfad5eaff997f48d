//! Formats whose records begin with certain parts in a certain order: a table of layouts is all
//! that such a format needs.

use std::cell::Cell;
use std::sync::Arc;

use super::cursor::Cursor;
use super::{Format, Lines, SeverityPlace, field};
use crate::level::Severity;
use crate::record::{Record, Timestamp};
use crate::time::Shape;
use crate::value::{Text, Value};

/// A format that is laid out in one of some ways.
pub(super) struct Style {
    /// What a line is that begins no record.
    pub(super) lines: Lines,
    /// How bad a record is, by the word that [`Part::Level`] takes.
    pub(super) severity: fn(&[u8]) -> Option<Severity>,
    /// What it may look like; the first that fits is taken.
    pub(super) layouts: &'static [Layout],
    /// What lines look like that are surely parts of the record before.
    pub(super) parts: &'static [Layout],
}

/// The parts of a record.
pub(super) struct Layout {
    /// The shapes that its timestamp may have.
    pub(super) shapes: &'static [&'static str],
    /// What comes before the message, in its order. A line begins with all of it.
    pub(super) head: &'static [Part],
    /// Finds the message.
    pub(super) message: Message,
}

/// What [`Part::Upto`] takes is no longer.
const UPTO_BYTES_MAX: usize = 256;

/// Finds the message in the text of a record, the head of which takes so many bytes, and what else
/// there is.
pub(super) type Message = for<'a> fn(&'a [u8], usize, &mut Record<'a>);

/// A part of a head. What has a name becomes a field, unless it is `-`.
pub(super) enum Part {
    /// The timestamp.
    Time,
    /// A word of letters that says how bad it is.
    Level,
    /// A byte that says how bad it is.
    Mark,
    /// This text.
    Is(&'static str),
    /// One of these bytes.
    OneOf(&'static [u8]),
    /// Spaces and tabs; at least one.
    Space,
    /// Spaces and tabs, if there are any.
    Pad,
    /// A number without a sign.
    Number(&'static str),
    /// A number, perhaps with a minus.
    Integer(&'static str),
    /// Seconds with six decimals, of less than three years.
    Uptime(&'static str),
    /// Hexadecimal digits, behind `0x` or not.
    Hex(&'static str),
    /// A name as programs have them: letters, digits and `._$/#@*+-<>`, and colons but for the last.
    /// It begins with a letter or one of `_$<`.
    Name(&'static str),
    /// A name with a dot or two colons in it.
    Qualified(&'static str),
    /// A name with two colons in it, as the paths of Rust's modules have.
    Modules(&'static str),
    /// A place in a program's source: `main.go:12`.
    Place(&'static str),
    /// What comes before the next space.
    Word(&'static str),
    /// What comes before the next of these bytes, or space; not empty.
    Token(&'static str, &'static [u8]),
    /// What comes before the next place where this text stands, without space around it; not empty.
    Before(&'static str, &'static str),
    /// What comes before the first place, at the beginning of a word, where these parts stand; they
    /// are not taken. It may be empty.
    Upto(&'static str, &'static [Part]),
    /// What stands between these brackets, which may be nested; it may be empty.
    Within(&'static str, u8, u8),
    /// What a record is within: `a{b=c}:d{}`, and a colon; at least one of them has braces.
    Spans(&'static str),
    /// All of these parts, or none.
    Maybe(&'static [Part]),
    /// The first of these that fits.
    Either(&'static [&'static [Part]]),
    /// These parts come next; none is taken.
    Ahead(&'static [Part]),
    /// These parts do not come next.
    Not(&'static [Part]),
    /// The line ends with these parts behind the last place where this text stands; nothing is taken.
    Ends(&'static str, &'static [Part]),
    /// The end of the line.
    End,
}

/// The message is all that follows; it may begin in the next line.
pub(super) fn whole<'a>(text: &'a [u8], head: usize, record: &mut Record<'a>) {
    let rest = &text[head..];
    let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
    record.message = Some(Text::plain(rest.strip_prefix(b"\n").unwrap_or(rest)));
}

impl Style {
    /// The format of this name. It is the same in all sources.
    pub(super) fn open(&'static self, name: &'static str) -> Option<Arc<dyn Format>> {
        Some(Arc::new(self.laid(name, SeverityPlace::Unknown)))
    }

    /// The same of sources in which no other format is found.
    pub(super) fn open_as_last(&'static self, name: &'static str) -> Option<Arc<dyn Format>> {
        let mut laid = self.laid(name, SeverityPlace::Words);
        laid.joins = false;
        Some(Arc::new(laid))
    }

    /// The same where each level is a word that [`Severity::from_word`] takes for it.
    pub(super) fn open_with_words(&'static self, name: &'static str) -> Option<Arc<dyn Format>> {
        Some(Arc::new(self.laid(name, SeverityPlace::Words)))
    }

    fn laid(&'static self, name: &'static str, severity_place: SeverityPlace) -> Laid {
        Laid {
            name,
            style: self,
            severity_place,
            joins: true,
            shapes: self.layouts.iter().map(Layout::shapes).collect(),
            part_shapes: self.parts.iter().map(Layout::shapes).collect(),
        }
    }
}

impl Layout {
    fn shapes(&self) -> Vec<Shape> {
        let shapes = self.shapes.iter();
        shapes
            .map(|name| Shape::named(name).expect("a layout names shapes that exist"))
            .collect()
    }
}

/// A style with the shapes that its layouts name.
struct Laid {
    name: &'static str,
    style: &'static Style,
    severity_place: SeverityPlace,
    joins: bool,
    /// Those of each layout.
    shapes: Vec<Vec<Shape>>,
    part_shapes: Vec<Vec<Shape>>,
}

impl std::fmt::Debug for Laid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Laid({})", self.name)
    }
}

impl Format for Laid {
    fn name(&self) -> &str {
        self.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        self.read(self.style.layouts, &self.shapes, line, None)
            .is_some()
    }

    fn goes_on(&self, line: &[u8]) -> bool {
        self.read(self.style.parts, &self.part_shapes, line, None)
            .is_some()
    }

    fn lines(&self) -> Lines {
        self.style.lines
    }

    fn joins(&self) -> bool {
        self.joins
    }

    fn severity_place(&self) -> SeverityPlace {
        self.severity_place
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        // A head ends in its first line, whatever the others hold.
        let first = memchr::memchr(b'\n', text).unwrap_or(text.len());
        let line = text[..first].strip_suffix(b"\r").unwrap_or(&text[..first]);
        let found = self.read(self.style.layouts, &self.shapes, line, Some(record));
        if let Some((layout, taken)) = found {
            (layout.message)(text, taken, record);
        }
    }
}

impl Laid {
    /// Reads the head of a line: how it is laid out, and how much of the line the head takes.
    fn read<'a>(
        &self,
        layouts: &'static [Layout],
        shapes: &[Vec<Shape>],
        line: &'a [u8],
        mut record: Option<&mut Record<'a>>,
    ) -> Option<(&'static Layout, usize)> {
        let last_try = Cell::new(None);
        for (layout, shapes) in layouts.iter().zip(shapes) {
            let mut reading = Reading {
                cursor: Cursor::new(line),
                shapes,
                last_try: &last_try,
                severity: self.style.severity,
                record: record.as_deref_mut(),
            };
            if reading.all(layout.head).is_some() {
                return Some((layout, line.len() - reading.cursor.rest().len()));
            }
        }
        None
    }
}

/// A shape that was tried where so many bytes were left, and how many it took.
type Try = (Shape, usize, Option<usize>);

/// A head that is being read.
struct Reading<'r, 'a> {
    cursor: Cursor<'a>,
    shapes: &'r [Shape],
    /// The last shape that was tried, with how much of the line was left, and what it took: many
    /// layouts begin with a time of one shape.
    last_try: &'r Cell<Option<Try>>,
    severity: fn(&[u8]) -> Option<Severity>,
    /// Where it goes; nowhere if it is only asked whether it is there.
    record: Option<&'r mut Record<'a>>,
}

impl<'a> Reading<'_, 'a> {
    /// Takes all parts, or leaves all as it was.
    fn all(&mut self, parts: &[Part]) -> Option<()> {
        let cursor = self.cursor;
        let before = self.record.as_ref().map(|record| {
            let fields = record.fields.len();
            (record.timestamp, record.severity, fields)
        });
        let taken = parts.iter().try_for_each(|part| self.part(part));
        if taken.is_none() {
            self.cursor = cursor;
            if let (Some(record), Some((timestamp, severity, fields))) = (&mut self.record, before)
            {
                record.timestamp = timestamp;
                record.severity = severity;
                record.fields.truncate(fields);
            }
        }
        taken
    }

    fn part(&mut self, part: &Part) -> Option<()> {
        let cursor = &mut self.cursor;
        let (name, text) = match *part {
            Part::Time => return self.time(),
            Part::Level => {
                let word = cursor.take_while(|byte| byte.is_ascii_alphabetic())?;
                return self.level(word);
            }
            Part::Mark => {
                let mark = cursor.rest().get(..1)?;
                cursor.skip(mark)?;
                return self.level(mark);
            }
            Part::Is(text) => return cursor.skip(text.as_bytes()),
            Part::OneOf(bytes) => {
                let first = *cursor.rest().first()?;
                return bytes.contains(&first).then(|| cursor.skip(&[first]))?;
            }
            Part::Space => {
                cursor.take_while(|byte| matches!(byte, b' ' | b'\t'))?;
                return Some(());
            }
            Part::Pad => {
                cursor.skip_space();
                return Some(());
            }
            Part::Number(name) | Part::Integer(name) | Part::Uptime(name) => {
                let digits = match part {
                    Part::Uptime(_) => uptime(cursor)?,
                    Part::Integer(_) => integer(cursor)?,
                    _ => cursor.digits()?,
                };
                self.push(name, field::number_or_bare(digits));
                return Some(());
            }
            Part::Ahead(parts) => return self.ahead(parts),
            Part::Not(parts) => return self.ahead(parts).is_none().then_some(()),
            Part::Ends(text, parts) => return self.ends(text.as_bytes(), parts),
            Part::End => return cursor.is_at_end().then_some(()),
            Part::Maybe(parts) => {
                let _ = self.all(parts);
                return Some(());
            }
            Part::Either(ways) => return ways.iter().find_map(|parts| self.all(parts)),
            Part::Hex(name) => (name, hexadecimal(cursor)?),
            Part::Name(name) => (name, name_of(cursor)?),
            Part::Qualified(name) => (name, name_of(cursor).filter(|name| is_qualified(name))?),
            Part::Modules(name) => {
                let is_path = |name: &&[u8]| memchr::memmem::find(name, b"::").is_some();
                (name, name_of(cursor).filter(is_path)?)
            }
            Part::Place(name) => (name, place(cursor)?),
            Part::Word(name) => (name, cursor.word()?),
            Part::Token(name, stops) => {
                let is_part = |byte: u8| !byte.is_ascii_whitespace() && !stops.contains(&byte);
                (name, cursor.take_while(is_part)?)
            }
            Part::Before(name, end) => (name, before(cursor, end.as_bytes())?),
            Part::Upto(name, parts) => (name, self.upto(parts)?),
            Part::Spans(name) => (name, spans(cursor)?),
            Part::Within(name, open, close) => (name, within(cursor, open, close)?.trim_ascii()),
        };
        if !field::is_absent(text) {
            self.push(name, Value::Text(Text::plain(text)));
        }
        Some(())
    }

    fn ends(&mut self, text: &[u8], parts: &[Part]) -> Option<()> {
        let rest = self.cursor.rest();
        let at = memchr::memmem::rfind(rest, text)?;
        let mut ending = Reading {
            record: None,
            cursor: Cursor::new(&rest[at + text.len()..]),
            ..*self
        };
        ending.all(parts)?;
        ending.cursor.is_at_end().then_some(())
    }

    fn ahead(&mut self, parts: &[Part]) -> Option<()> {
        let mut ahead = Reading {
            record: None,
            ..*self
        };
        ahead.all(parts)
    }

    /// Takes what comes before the first place where these parts stand.
    fn upto(&mut self, parts: &[Part]) -> Option<&'a [u8]> {
        let rest = self.cursor.rest();
        let near = &rest[..rest.len().min(UPTO_BYTES_MAX)];
        let mut is_in_word = false;
        for (at, byte) in near.iter().enumerate() {
            let was_in_word = std::mem::replace(&mut is_in_word, byte.is_ascii_alphanumeric());
            self.cursor = Cursor::new(&rest[at..]);
            if !was_in_word && self.ahead(parts).is_some() {
                return Some(rest[..at].trim_ascii());
            }
        }
        None
    }

    fn time(&mut self) -> Option<()> {
        let shapes = self.shapes.iter();
        let (shape, taken) = shapes
            .copied()
            .find_map(|shape| Some((shape, self.time_of(shape)?)))?;
        let text = &self.cursor.rest()[..taken];
        self.cursor.skip(text)?;
        if let Some(record) = &mut self.record {
            record.timestamp = Some(Timestamp::of_shape(text, shape));
        }
        Some(())
    }

    /// How much a timestamp of this shape takes.
    fn time_of(&self, shape: Shape) -> Option<usize> {
        let rest = self.cursor.rest();
        if let Some((tried, left, taken)) = self.last_try.get()
            && tried == shape
            && left == rest.len()
        {
            return taken;
        }
        let taken = shape.taken(rest);
        self.last_try.set(Some((shape, rest.len(), taken)));
        taken
    }

    fn level(&mut self, word: &[u8]) -> Option<()> {
        let severity = (self.severity)(word)?;
        if let Some(record) = &mut self.record {
            record.severity = Some(severity);
        }
        Some(())
    }

    /// Adds a field, unless it has no name.
    fn push(&mut self, name: &'static str, value: Value<'a>) {
        if let Some(record) = &mut self.record
            && !name.is_empty()
        {
            record.push(Text::plain(name.as_bytes()), value);
        }
    }
}

/// Whether a name is one of several: `a.b.C`, or `a::b`.
fn is_qualified(name: &[u8]) -> bool {
    name.contains(&b'.') || memchr::memmem::find(name, b"::").is_some()
}

fn integer<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let all = cursor.rest();
    let _ = cursor.skip(b"-");
    cursor.digits()?;
    Some(&all[..all.len() - cursor.rest().len()])
}

fn uptime<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let all = cursor.rest();
    cursor.digits().filter(|seconds| seconds.len() <= 8)?;
    cursor.skip(b".")?;
    cursor.digits().filter(|fraction| fraction.len() == 6)?;
    Some(&all[..all.len() - cursor.rest().len()])
}

fn place<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let all = cursor.rest();
    let file =
        cursor.take_while(|byte| !byte.is_ascii_whitespace() && !b":[](){}\"".contains(&byte))?;
    cursor.skip(b":")?;
    cursor.digits()?;
    let is_file = file.contains(&b'.') && file[0] != b'.';
    is_file.then(|| &all[..all.len() - cursor.rest().len()])
}

fn hexadecimal<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let all = cursor.rest();
    let _ = cursor.skip(b"0x");
    cursor.take_while(|byte| byte.is_ascii_hexdigit())?;
    Some(&all[..all.len() - cursor.rest().len()])
}

fn name_of<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let rest = cursor.rest();
    let first = rest.first()?;
    if !first.is_ascii_alphabetic() && !b"_$<".contains(first) {
        return None;
    }
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"._$/#@*+-<>:".contains(byte);
    let len = rest.iter().take_while(is_part).count();
    let name = &rest[..len];
    let name = name.strip_suffix(b":").unwrap_or(name);
    cursor.skip(name)?;
    (!name.is_empty()).then_some(name)
}

fn spans<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let all = cursor.rest();
    let mut has_braces = false;
    loop {
        cursor.take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))?;
        has_braces |= within(cursor, b'{', b'}').is_some();
        let taken = all.len() - cursor.rest().len();
        cursor.skip(b":")?;
        if cursor.rest().first().is_none_or(u8::is_ascii_whitespace) {
            return has_braces.then_some(&all[..taken]);
        }
    }
}

fn before<'a>(cursor: &mut Cursor<'a>, end: &[u8]) -> Option<&'a [u8]> {
    let rest = cursor.rest();
    let at = match end {
        [byte] => memchr::memchr(*byte, rest)?,
        _ => memchr::memmem::find(rest, end)?,
    };
    let text = rest[..at].trim_ascii();
    cursor.skip(&rest[..at])?;
    (!text.is_empty()).then_some(text)
}

/// Takes what stands between two brackets, and the brackets.
pub(super) fn within<'a>(cursor: &mut Cursor<'a>, open: u8, close: u8) -> Option<&'a [u8]> {
    let rest = cursor.rest();
    if rest.first() != Some(&open) {
        return None;
    }
    let mut depth = 0_usize;
    let end = rest.iter().position(|&byte| {
        if byte == close {
            depth -= 1;
        } else if byte == open {
            depth += 1;
        }
        depth == 0
    })?;
    cursor.skip(&rest[..=end])?;
    Some(&rest[1..end])
}

#[cfg(test)]
mod tests {
    use super::Part::*;
    use super::*;

    /// What is left of a line behind these parts, and the fields that they give.
    fn read<'a>(parts: &[Part], line: &'a str) -> Option<(&'a str, Vec<(&'a str, &'a str)>)> {
        let string = |bytes: &'a [u8]| std::str::from_utf8(bytes).expect("the text is a string");
        let mut record = Record::default();
        let mut reading = Reading {
            cursor: Cursor::new(line.as_bytes()),
            shapes: &[],
            last_try: &Cell::new(None),
            severity: Severity::from_word,
            record: Some(&mut record),
        };
        reading.all(parts)?;
        let rest = string(reading.cursor.rest());
        let fields = record.fields.iter().map(|field| {
            let value = match field.value {
                Value::Text(text) => text.raw(),
                Value::Bare(written) | Value::Number(written) => written,
                _ => unreachable!("no part has other values"),
            };
            (string(field.name.raw()), string(value))
        });
        Some((rest, fields.collect()))
    }

    #[test]
    fn each_part_takes_what_it_says() {
        for (part, line, rest, field) in [
            (Level, "WARN: x", ": x", None),
            (Mark, "E x", " x", None),
            (Is("a "), "a b", "b", None),
            (OneOf(b"ab"), "bc", "c", None),
            (Space, " \t x", "x", None),
            (Pad, "x", "x", None),
            (Number("f"), "12 x", " x", Some("12")),
            (Number("f"), "012 x", " x", Some("012")),
            (Integer("f"), "-1 x", " x", Some("-1")),
            (Integer("f"), "1 x", " x", Some("1")),
            (Uptime("f"), "1.250000] x", "] x", Some("1.250000")),
            (Hex("f"), "0x1F x", " x", Some("0x1F")),
            (Name("f"), "a.b$C: x", ": x", Some("a.b$C")),
            (Name("f"), "a::b: x", ": x", Some("a::b")),
            (Qualified("f"), "a.b x", " x", Some("a.b")),
            (Modules("f"), "a::b: x", ": x", Some("a::b")),
            (Place("f"), "/a/b.rs:7: x", ": x", Some("/a/b.rs:7")),
            (Word("f"), "a:b] x", " x", Some("a:b]")),
            (Token("f", b"]:"), "a] x", "] x", Some("a")),
            (Before("f", " : "), "a [b] : x", " : x", Some("a [b]")),
            (Upto("f", &[Is("b:")]), "ab:b: x", "b: x", Some("ab:")),
            (Upto("f", &[Is("b:")]), "b: x", "b: x", None),
            (Within("f", b'[', b']'), "[ a[b] ] x", " x", Some("a[b]")),
            (Within("f", b'[', b']'), "[] x", " x", None),
            (Word("f"), "- x", " x", None),
            (Spans("f"), "a{b=c:d}:e: x", " x", Some("a{b=c:d}:e")),
            (Ahead(&[Number("f")]), "7", "7", None),
            (Not(&[Number("f")]), "x", "x", None),
            (
                Ends(" (", &[Name(""), Is(")")]),
                "x (b) (a)",
                "x (b) (a)",
                None,
            ),
            (End, "", "", None),
        ] {
            let fields = field.map(|field| ("f", field)).into_iter().collect();
            assert_eq!(read(&[part], line), Some((rest, fields)), "{line}");
        }
    }

    #[test]
    fn a_part_that_is_not_there_is_not_taken() {
        for (part, line) in [
            (Level, "starting"),
            (Space, "x"),
            (Number("f"), "-1"),
            (Integer("f"), "- 1"),
            (Uptime("f"), "1 x"),
            (Uptime("f"), "1773497130.250000 x"),
            (Uptime("f"), "1.25 x"),
            (Name("f"), "7a: x"),
            (Name("f"), ": x"),
            (Qualified("f"), "Foo: x"),
            (Place("f"), "error:7: x"),
            (Token("f", b":"), ": x"),
            (Before("f", ":"), " : x"),
            (Upto("f", &[Is("b:")]), "ab: x"),
            (Within("f", b'[', b']'), "[a x"),
            (Spans("f"), "a: x"),
            (Ends(" (", &[Name(""), Is(")")]), "x (b) (a) c"),
            (Ends(" (", &[Name(""), Is(")")]), "x"),
            (Ahead(&[Number("f")]), "x"),
            (Not(&[Number("f")]), "7"),
            (Modules("f"), "a.b: x"),
            (End, "x"),
        ] {
            assert_eq!(read(&[part], line), None, "{line}");
        }
    }

    #[test]
    fn what_was_taken_in_vain_is_given_back() {
        let parts = [
            Maybe(&[Level, Space, Number("f"), Is("!")]),
            Either(&[&[Word("g"), Is("!")], &[Word("h")]]),
        ];
        let read = read(&parts, "WARN 7");
        assert_eq!(read, Some((" 7", vec![("h", "WARN")])));
    }
}
