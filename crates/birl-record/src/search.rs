//! The search: a query's words, phrases and regexes, run over chunks of lines.
//!
//! Filter before you parse: the literals that every matching line must hold are looked for in a
//! whole chunk at once; a line is cut only around a hit, and the rest of the search is asked only
//! of that line. (Palkar et al., "Filter Before You Parse: Faster Analytics on Raw Data with
//! Sparser", VLDB 2018.)

mod candidates;
mod field;
mod folded;
#[cfg(test)]
pub(crate) mod laws;
mod level_key;
mod level_walk;
mod level_word;
mod literal;
mod named;
mod pattern;
mod records;
mod set;
mod times;
mod triples;

use std::ops::{Range, RangeInclusive};

use memchr::{memchr, memmem, memrchr};

use self::candidates::{Candidates, Need};
use self::field::{FieldTest, Unit};
use self::folded::FoldedFinder;
use self::pattern::{Engine, Pattern, TooBig};
use self::times::TimeTest;
use crate::extent::Extent;
use crate::framing::{self, Piece};
use crate::query::Error;
use crate::query::tree::{Span, Term, Text};
use crate::time::Clock;

pub use self::records::Records;
pub use self::set::Set;

/// Whether a search has a term that counts back from the newest record, such as `last:2h`.
pub fn counts_back(term: &Term) -> bool {
    times::counts_back(term)
}

/// Whether `a` and `A` are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Case {
    /// They are, in a word, phrase or regex without capitals.
    #[default]
    Smart,
    /// They are.
    Ignore,
    /// They are not.
    Sensitive,
}

/// How the terms of a search are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether case matters. ASCII letters are folded to ASCII letters only, all others by
    /// Unicode's simple folding.
    pub case: Case,
    /// Whether a hit must not have a word character next to either of its ends.
    pub words: bool,
}

/// A compiled search.
///
/// It can be used from several threads at once. A clone for each thread is faster where regexes are
/// involved, since each has its own scratch memory.
#[derive(Clone, Debug)]
pub struct Search {
    expression: Expression,
    leaves: Vec<Leaf>,
    /// The lines worth asking; of `expression`, or of its negation where `inverted`.
    candidates: Candidates,
    /// Every candidate matches.
    exact: bool,
    /// The severities of the records that `expression` holds of, if nothing else decides.
    severities: Option<RangeInclusive<u8>>,
    /// The lines between the hits are wanted, not the hits.
    inverted: bool,
}

/// What a search asks of a line; numbers stand for leaves.
#[derive(Clone, Debug)]
enum Expression {
    All,
    Leaf(usize),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
}

/// One word, phrase or regex.
#[derive(Clone, Debug)]
enum Leaf {
    /// It holds a newline, which no line does.
    Never,
    Exact(Box<memmem::Finder<'static>>),
    Folded(FoldedFinder),
    Regex(Engine),
    Field(Box<FieldTest>),
    Time(TimeTest),
}

/// Lines that match, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Where they stand, the last terminator included where there is one.
    pub lines: Range<usize>,
    /// The content is longer than the limit; only so much of it was searched. `lines` is a single
    /// line then, or what was searched of a record.
    pub overlong: bool,
}

impl Hit {
    fn record(extent: Extent) -> Self {
        Self {
            overlong: extent.is_cut,
            lines: extent.range,
        }
    }
}

impl Search {
    /// Compiles a search without terms over time.
    ///
    /// # Errors
    /// A regex that is none or too big, a field's value that is none, a term over time; the error
    /// points at its place.
    pub fn new(term: &Term, options: Options) -> Result<Self, Error> {
        Self::compile(term, options, None)
    }

    /// Compiles a search, whose moments are as seen from `clock`.
    ///
    /// # Errors
    /// A regex that is none or too big, a field's value or a moment that is none; the error points
    /// at its place.
    pub fn with_clock(term: &Term, options: Options, clock: &Clock) -> Result<Self, Error> {
        Self::compile(term, options, Some(clock))
    }

    /// Compiles the search for what all of several terms find, each taken in its own way.
    ///
    /// What some other terms `imply` is asked later by whoever gets the records: they only tell which
    /// records need not be looked at, and some are found that do not match them.
    ///
    /// # Errors
    /// As [`with_clock`](Self::with_clock); the error points into the text of the term that is
    /// wrong.
    pub fn of_all(
        terms: &[(&Term, Options)],
        implied: &[(&Term, Options)],
        clock: &Clock,
    ) -> Result<Self, Error> {
        let mut compiler = Compiler::new(Some(clock));
        let mut parts = Vec::with_capacity(terms.len());
        for &(term, options) in terms {
            compiler.options = options;
            match compiler.expression(term)? {
                Expression::All => {}
                part => parts.push(part),
            }
        }
        let mut implied_need = Need::Nothing;
        for &(term, options) in implied {
            compiler.options = options;
            let expression = compiler.expression(term)?;
            implied_need = implied_need.better(compiler.need(&expression));
        }
        let expression = match parts.len() {
            0 => Expression::All,
            1 => parts.remove(0),
            _ => all_of(parts),
        };
        Ok(compiler.search_with(expression, implied_need))
    }

    fn compile(term: &Term, options: Options, clock: Option<&Clock>) -> Result<Self, Error> {
        let mut compiler = Compiler::new(clock);
        compiler.options = options;
        let expression = compiler.expression(term)?;
        Ok(compiler.search(expression))
    }

    /// The search for all lines that this one does not find.
    pub fn inverted(self) -> Self {
        Self {
            inverted: !self.inverted,
            ..self
        }
    }

    /// The search for what this one finds among the records in a range of time, in nanoseconds since
    /// 1970 (UTC). A record without a time is in none.
    pub fn within(self, range: Range<i64>) -> Self {
        let mut leaves = self.leaves;
        leaves.push(Leaf::Time(TimeTest::Within(range)));
        let time = Expression::Leaf(leaves.len() - 1);
        let (found, candidates) = match self.inverted {
            true => {
                let every = Candidates::new(Need::Nothing);
                (Expression::Not(Box::new(self.expression)), every)
            }
            false => (self.expression, self.candidates),
        };
        Self {
            // The text is asked first: a time takes to parse the record.
            expression: Expression::And(vec![found, time]),
            leaves,
            candidates,
            exact: false,
            severities: None,
            inverted: false,
        }
    }

    /// A range of time that holds every record that matches, in nanoseconds since 1970 (UTC); `None`
    /// where the search implies none.
    pub fn time_range(&self) -> Option<Range<i64>> {
        if self.inverted {
            return None;
        }
        let range = self.expression.time_range(&self.leaves);
        (range != times::ALWAYS).then_some(range)
    }

    /// Whether there are terms over time.
    pub fn needs_times(&self) -> bool {
        self.leaves.iter().any(|leaf| matches!(leaf, Leaf::Time(_)))
    }

    /// The same search, which asks every line or record instead of looking for those that may match:
    /// slower, and to be held against.
    pub fn asking_all(self) -> Self {
        Self {
            candidates: Candidates::new(Need::Nothing),
            exact: false,
            ..self
        }
    }

    /// Whether the content of one line matches; a term over fields holds of none.
    pub fn is_match(&self, content: &[u8]) -> bool {
        self.holds(&Unit::line(content)) != self.inverted
    }

    /// Whether the unit has what is looked for.
    fn holds(&self, unit: &Unit<'_>) -> bool {
        self.expression.holds(&self.leaves, unit)
    }

    /// Whether there are terms over fields, so that records are to be judged and not lines.
    pub fn needs_records(&self) -> bool {
        self.leaves
            .iter()
            .any(|leaf| matches!(leaf, Leaf::Field(_) | Leaf::Time(_)))
    }

    /// Calls `found` with the lines of `chunk` that match, in order, and with several at once where
    /// they follow on each other. The chunk begins at the beginning of a line; its last line needs
    /// no terminator. At most `line_bytes_max` bytes of a line's content are searched.
    ///
    /// Returns how many lines of the chunk were longer than that.
    pub fn find_lines(
        &self,
        chunk: &[u8],
        line_bytes_max: usize,
        mut found: impl FnMut(Hit),
    ) -> usize {
        let mut joined = Joined {
            pending: 0..0,
            found: &mut found,
        };
        let mut overlong_lines = 0;
        for piece in framing::pieces(chunk, line_bytes_max) {
            match piece {
                Piece::Lines(piece) => self.find_in_lines(chunk, piece, &mut joined),
                Piece::Overlong(line) => {
                    overlong_lines += 1;
                    if self.is_match(&chunk[line.start..line.start + line_bytes_max]) {
                        joined.add_overlong(line);
                    }
                }
            }
        }
        joined.flush();
        overlong_lines
    }

    fn find_in_lines(
        &self,
        chunk: &[u8],
        piece: Range<usize>,
        joined: &mut Joined<'_, impl FnMut(Hit)>,
    ) {
        let lines = &chunk[piece.clone()];
        let mut hits = self.candidates.hits(lines);
        let mut at = 0;
        let mut last = 0;
        while let Some(hit) = hits.next(at) {
            let start = memrchr(b'\n', &lines[at..hit]).map_or(at, |newline| at + newline + 1);
            at = memchr(b'\n', &lines[hit..]).map_or(lines.len(), |newline| hit + newline + 1);
            let line = Unit::line(framing::content(&lines[start..at]));
            if self.exact || self.holds(&line) {
                if self.inverted {
                    joined.add(piece.start + last..piece.start + start);
                    last = at;
                } else {
                    joined.add(piece.start + start..piece.start + at);
                }
            }
        }
        if self.inverted {
            joined.add(piece.start + last..piece.end);
        }
    }

    /// Where in a line's content the search's terms stand, in order, without overlaps and without
    /// what is negated.
    pub fn spans(&self, content: &[u8]) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        if !self.inverted {
            self.expression
                .collect_spans(&self.leaves, content, &mut spans);
        }
        spans.retain(|span: &Range<usize>| !span.is_empty());
        spans.sort_unstable_by_key(|span| (span.start, span.end));
        spans.dedup_by(|next, before| {
            let overlaps = next.start < before.end;
            if overlaps {
                before.end = before.end.max(next.end);
            }
            overlaps
        });
        spans
    }
}

/// Joins lines that follow on each other, so that a chunk of hits is one call.
struct Joined<'a, F> {
    pending: Range<usize>,
    found: &'a mut F,
}

impl<F: FnMut(Hit)> Joined<'_, F> {
    fn add(&mut self, lines: Range<usize>) {
        if lines.is_empty() {
            return;
        }
        if self.pending.end == lines.start {
            self.pending.end = lines.end;
        } else {
            self.flush();
            self.pending = lines;
        }
    }

    fn add_overlong(&mut self, line: Range<usize>) {
        self.flush();
        (self.found)(Hit {
            lines: line,
            overlong: true,
        });
    }

    fn flush(&mut self) {
        let lines = std::mem::take(&mut self.pending);
        if !lines.is_empty() {
            (self.found)(Hit {
                lines,
                overlong: false,
            });
        }
    }
}

impl Expression {
    fn holds(&self, leaves: &[Leaf], unit: &Unit<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Leaf(leaf) => leaves[*leaf].is_in(unit),
            Self::And(parts) => parts.iter().all(|part| part.holds(leaves, unit)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(leaves, unit)),
            Self::Not(part) => !part.holds(leaves, unit),
        }
    }

    /// A range that holds the time of every record that it holds of.
    fn time_range(&self, leaves: &[Leaf]) -> Range<i64> {
        match self {
            Self::Leaf(leaf) => match &leaves[*leaf] {
                Leaf::Time(test) => test.range(),
                _ => times::ALWAYS,
            },
            Self::And(parts) => {
                let ranges = parts.iter().map(|part| part.time_range(leaves));
                ranges.fold(times::ALWAYS, times::common)
            }
            Self::Or(parts) => {
                let ranges = parts.iter().map(|part| part.time_range(leaves));
                ranges.reduce(times::around).unwrap_or(times::ALWAYS)
            }
            Self::All | Self::Not(_) => times::ALWAYS,
        }
    }

    fn collect_spans(&self, leaves: &[Leaf], content: &[u8], spans: &mut Vec<Range<usize>>) {
        match self {
            Self::All | Self::Not(_) => {}
            Self::Leaf(leaf) => leaves[*leaf].collect_spans(content, spans),
            Self::And(parts) | Self::Or(parts) => {
                parts
                    .iter()
                    .for_each(|part| part.collect_spans(leaves, content, spans));
            }
        }
    }
}

impl Leaf {
    fn exact(bytes: &[u8]) -> Self {
        Self::Exact(Box::new(memmem::Finder::new(bytes).into_owned()))
    }

    fn is_in(&self, unit: &Unit<'_>) -> bool {
        let content = unit.content;
        match self {
            Self::Never => false,
            Self::Exact(finder) => finder.find(content).is_some(),
            Self::Folded(finder) => finder.find(content, 0).is_some(),
            Self::Regex(engine) => engine.on(content).is_match(content),
            Self::Field(test) => test.holds(unit),
            Self::Time(test) => test.holds(unit),
        }
    }

    fn collect_spans(&self, content: &[u8], spans: &mut Vec<Range<usize>>) {
        match self {
            // A field is not shown where it stands: what it says may be written otherwise.
            Self::Never | Self::Field(_) | Self::Time(_) => {}
            Self::Exact(finder) => {
                let len = finder.needle().len();
                spans.extend(finder.find_iter(content).map(|at| at..at + len));
            }
            Self::Folded(finder) => {
                let mut from = 0;
                while let Some(at) = finder.find(content, from) {
                    from = at + finder.needle_len();
                    spans.push(at..from);
                }
            }
            Self::Regex(engine) => {
                let matches = engine.on(content).find_iter(content);
                spans.extend(matches.map(|found| found.range()));
            }
        }
    }
}

struct Compiler<'a> {
    options: Options,
    clock: Option<&'a Clock>,
    leaves: Vec<Leaf>,
    /// What a line must hold for the leaf of the same number to match.
    needs: Vec<Need>,
}

impl<'a> Compiler<'a> {
    fn new(clock: Option<&'a Clock>) -> Self {
        Self {
            options: Options::default(),
            clock,
            leaves: Vec::new(),
            needs: Vec::new(),
        }
    }

    /// The search that `expression` is, which this has compiled.
    fn search(self, expression: Expression) -> Search {
        self.search_with(expression, Need::Nothing)
    }

    /// The search for records that may also be told by what they must hold besides.
    fn search_with(self, expression: Expression, besides: Need) -> Search {
        // A negation has no literals of its own: find what it negates, and keep the rest.
        let (expression, inverted) = match expression {
            Expression::Not(inner) => (*inner, true),
            expression => (expression, false),
        };
        let need = self.need(&expression);
        let exact = self.is_exact(&expression) && matches!(besides, Need::Nothing);
        let need = match inverted {
            // What is looked for then are the records that are not wanted.
            true => need,
            false => need.better(besides),
        };
        let severities = match expression {
            Expression::Leaf(leaf) => match &self.leaves[leaf] {
                Leaf::Field(test) => test.severities_alone(),
                _ => None,
            },
            _ => None,
        };
        Search {
            expression,
            leaves: self.leaves,
            candidates: Candidates::new(need),
            exact,
            severities,
            inverted,
        }
    }

    fn expression(&mut self, term: &Term) -> Result<Expression, Error> {
        match term {
            Term::All => Ok(Expression::All),
            Term::Text(text) => self.text(text),
            Term::Regex(regex) => {
                let pattern = Pattern::from_regex(regex, self.options.case, self.options.words)?;
                self.pattern(&pattern, &regex.span)
            }
            Term::Field(field) => {
                if let Some(test) = TimeTest::new(field, self.clock) {
                    return Ok(self.leaf(Leaf::Time(test?), Need::Nothing));
                }
                let (test, need) = FieldTest::new(field, self.options)?;
                Ok(self.leaf(Leaf::Field(Box::new(test)), need))
            }
            Term::Not(inner) => Ok(match self.expression(inner)? {
                Expression::Not(inner) => *inner,
                inner => Expression::Not(Box::new(inner)),
            }),
            Term::And(terms) => Ok(all_of(self.expressions(terms)?)),
            Term::Or(terms) => Ok(any_of(self.expressions(terms)?)),
        }
    }

    fn expressions(&mut self, terms: &[Term]) -> Result<Vec<Expression>, Error> {
        terms.iter().map(|term| self.expression(term)).collect()
    }

    fn text(&mut self, text: &Text) -> Result<Expression, Error> {
        let bytes = text.value.as_bytes();
        if bytes.contains(&b'\n') {
            return Ok(self.leaf(Leaf::Never, Need::Literals(Vec::new())));
        }
        let folded = self.options.case.folds_text(&text.value);
        let beyond_ascii = folded && text.value.chars().any(folds_beyond_ascii);
        if self.options.words || beyond_ascii {
            let pattern = Pattern::from_text(text, folded, self.options.words);
            return self.pattern(&pattern, &text.span);
        }
        let leaf = match folded {
            true => Leaf::Folded(FoldedFinder::new(bytes)),
            false => Leaf::exact(bytes),
        };
        Ok(self.leaf(
            leaf,
            Need::Literals(vec![candidates::Literal {
                bytes: bytes.into(),
                folded,
            }]),
        ))
    }

    fn pattern(&mut self, pattern: &Pattern, span: &Span) -> Result<Expression, Error> {
        let too_big = |too_big: TooBig| too_big.at(span);
        let line = pattern.line_regex().map_err(too_big)?;
        let need = match pattern.required_literals() {
            Some((set, folded)) => {
                let literal = |bytes: Vec<u8>| candidates::Literal {
                    bytes: bytes.into(),
                    folded,
                };
                Need::Literals(set.into_iter().map(literal).collect())
            }
            None => Need::Regex(Box::new(pattern.chunk_regex().map_err(too_big)?)),
        };
        Ok(self.leaf(Leaf::Regex(line), need))
    }

    fn leaf(&mut self, leaf: Leaf, need: Need) -> Expression {
        self.leaves.push(leaf);
        self.needs.push(need);
        Expression::Leaf(self.leaves.len() - 1)
    }

    /// What every line that matches holds.
    fn need(&self, expression: &Expression) -> Need {
        match expression {
            Expression::All | Expression::Not(_) => Need::Nothing,
            Expression::Leaf(leaf) => self.needs[*leaf].clone(),
            Expression::And(parts) => parts
                .iter()
                .map(|part| self.need(part))
                .reduce(Need::better)
                .unwrap_or(Need::Nothing),
            Expression::Or(parts) => parts
                .iter()
                .map(|part| self.need(part))
                .reduce(Need::or)
                .unwrap_or(Need::Nothing),
        }
    }

    /// Whether a line matches wherever it holds what is needed.
    fn is_exact(&self, expression: &Expression) -> bool {
        match expression {
            Expression::All => true,
            Expression::Leaf(leaf) => match &self.leaves[*leaf] {
                Leaf::Never => true,
                // A carriage return may belong to a terminator, which is not searched.
                Leaf::Exact(_) | Leaf::Folded(_) => !self.needs[*leaf].holds_byte(b'\r'),
                Leaf::Regex(_) | Leaf::Field(_) | Leaf::Time(_) => false,
            },
            Expression::Or(parts) => parts.iter().all(|part| self.is_exact(part)),
            Expression::And(_) | Expression::Not(_) => false,
        }
    }
}

/// Only negations are the negation of their disjunction, which has literals to look for.
fn all_of(parts: Vec<Expression>) -> Expression {
    let only_negations = parts.iter().all(|part| matches!(part, Expression::Not(_)));
    if !only_negations {
        return Expression::And(parts);
    }
    let negated = parts.into_iter().map(|part| match part {
        Expression::Not(inner) => *inner,
        part => part,
    });
    Expression::Not(Box::new(Expression::Or(negated.collect())))
}

/// With a negation among them, the negation of a conjunction, for the same reason.
fn any_of(parts: Vec<Expression>) -> Expression {
    if !parts.iter().any(|part| matches!(part, Expression::Not(_))) {
        return Expression::Or(parts);
    }
    let negated = parts.into_iter().map(|part| match part {
        Expression::Not(inner) => *inner,
        part => Expression::Not(Box::new(part)),
    });
    Expression::Not(Box::new(Expression::And(negated.collect())))
}

/// Whether ignoring the case of `char` takes more than the case bit of ASCII letters.
fn folds_beyond_ascii(char: char) -> bool {
    !char.is_ascii() && pattern::fold(char).literal().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_automata::meta;

    use super::*;
    use crate::query::tree::{Regex, RegexFlags};

    fn text(value: &str) -> Term {
        Term::Text(Text {
            value: value.into(),
            quoted: false,
            span: 0..value.len(),
        })
    }

    fn regex(pattern: &str) -> Term {
        Term::Regex(Regex {
            pattern: pattern.into(),
            flags: RegexFlags::default(),
            span: 0..pattern.len() + 2,
        })
    }

    fn search(term: &Term) -> Search {
        Search::new(term, Options::default()).unwrap()
    }

    /// The contents of the lines found, each cut at the limit.
    fn found(search: &Search, chunk: &[u8], max: usize) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        search.find_lines(chunk, max, |hit| {
            for line in chunk[hit.lines].split_inclusive(|&byte| byte == b'\n') {
                let content = framing::content(line);
                assert_eq!(content.len() > max, hit.overlong);
                found.push(content[..content.len().min(max)].to_vec());
            }
        });
        found
    }

    /// The same by asking every line, with a search that is obvious.
    fn expected(term: &Term, options: Options, chunk: &[u8], max: usize) -> Vec<Vec<u8>> {
        let contents = chunk
            .split_inclusive(|&byte| byte == b'\n')
            .map(framing::content);
        let cut = contents.map(|content| content[..content.len().min(max)].to_vec());
        cut.filter(|content| holds(term, options, content))
            .collect()
    }

    fn holds(term: &Term, options: Options, content: &[u8]) -> bool {
        match term {
            Term::All => true,
            Term::Text(text) => {
                let lower = !text.value.chars().any(char::is_uppercase);
                let fold = options.case == Case::Ignore || options.case == Case::Smart && lower;
                let escaped: String = text
                    .value
                    .chars()
                    .map(|char| format!("\\x{{{:x}}}", char as u32))
                    .collect();
                model_regex(&escaped, fold, options.words).is_match(content)
            }
            Term::Regex(regex) => {
                let has_literal =
                    !["[[:upper:]]", r"\w+", r"\d+", "[^a]"].contains(&regex.pattern.as_str());
                let lower = has_literal && !regex.pattern.contains(char::is_uppercase);
                let fold = options.case == Case::Ignore || options.case == Case::Smart && lower;
                model_regex(&regex.pattern, fold, options.words).is_match(content)
            }
            Term::And(terms) => terms.iter().all(|term| holds(term, options, content)),
            Term::Or(terms) => terms.iter().any(|term| holds(term, options, content)),
            Term::Not(term) => !holds(term, options, content),
            Term::Field(_) => unreachable!("no field terms here"),
        }
    }

    fn model_regex(pattern: &str, fold: bool, words: bool) -> meta::Regex {
        let pattern = if words {
            format!(r"\b{{start-half}}(?:{pattern})\b{{end-half}}")
        } else {
            pattern.into()
        };
        let syntax = regex_automata::util::syntax::Config::new()
            .case_insensitive(fold)
            .utf8(false);
        meta::Builder::new()
            .syntax(syntax)
            .configure(meta::Config::new().utf8_empty(false))
            .build(&pattern)
            .unwrap()
    }

    fn chunks() -> impl Strategy<Value = Vec<u8>> {
        let pieces = [
            "a", "b", "B", "ab", "foo", "FOO", "Foo", "1", "42", " ", ".", "é", "É", "ж", "Ж",
            "日", "\t", "-", "_",
        ];
        let piece = prop_oneof![
            8 => prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
            2 => prop::sample::select(vec![&b"\n"[..], b"\r\n", b"\n\n", b"\r", b"\xff", b"\0", b"\xc3"])
                .prop_map(<[u8]>::to_vec),
        ];
        prop::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat())
    }

    fn terms() -> impl Strategy<Value = Term> {
        let texts = [
            "a", "ab", "foo", "Foo", "FOO", "é", "É", "ж", "fooж", "日", "42", "b a", ".", "a\r",
            "-", "oo1",
        ];
        let regexes = [
            "fo+",
            "^a",
            "b$",
            "^$",
            "a.b",
            "[^a]",
            r"\s$",
            r"\d+",
            r"\bfoo\b",
            r"foo|\d",
            "(foo|ab)1",
            "F.o",
            "é",
            r"\w+é",
            "x*",
            r"foo.*42",
            r"^\s*\d",
            "[a-f]o",
            r"\B",
            r"a\z",
            "^b",
            "(?m)a$",
            "[[:upper:]]",
            r".$",
            r"[^\d]\d$",
            r"\x00",
        ];
        let leaf = prop_oneof![
            1 => Just(Term::All),
            6 => prop::sample::select(texts.to_vec()).prop_map(text),
            6 => prop::sample::select(regexes.to_vec()).prop_map(regex),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..5).prop_map(Term::And),
                prop::collection::vec(inner.clone(), 2..5).prop_map(Term::Or),
                inner.prop_map(|term| Term::Not(Box::new(term))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn finds_the_lines_that_asking_every_line_finds(
            term in terms(),
            chunk in chunks(),
            max in prop_oneof![Just(1usize << 20), 1usize..12],
            case in prop::sample::select(vec![Case::Smart, Case::Ignore, Case::Sensitive]),
            words in prop::bool::weighted(0.2),
        ) {
            let options = Options { case, words };
            let search = Search::new(&term, options).unwrap();
            prop_assert_eq!(found(&search, &chunk, max), expected(&term, options, &chunk, max));
            let inverse = Term::Not(Box::new(term));
            prop_assert_eq!(found(&search.inverted(), &chunk, max), expected(&inverse, options, &chunk, max));
        }
    }

    #[test]
    fn an_ascii_letter_folds_to_ascii_letters_only() {
        let chunk = "Kelvin\n\u{212a}elvin\nMi\u{17f}\nmis\n".as_bytes();
        for (term, expected) in [
            (text("kelvin"), vec!["Kelvin"]),
            (regex("kel"), vec!["Kelvin"]),
            (regex("[k]e"), vec!["Kelvin"]),
            (regex("mis"), vec!["mis"]),
            (text("\u{17f}"), vec!["Mi\u{17f}"]),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|line| line.as_bytes().to_vec())
                .collect();
            assert_eq!(found(&search(&term), chunk, 100), expected, "{term:?}");
        }
    }

    #[test]
    fn what_lies_beyond_the_limit_is_not_searched() {
        let chunk = b"short needle\n0123456789needle\nneedle0123456789\n";
        assert_eq!(
            found(&search(&text("needle")), chunk, 12),
            [&b"short needle"[..], b"needle012345"]
        );
    }

    #[test]
    fn lines_that_follow_on_each_other_are_found_at_once() {
        let mut hits = Vec::new();
        search(&Term::All).find_lines(b"a\nb\nc", 10, |hit| hits.push(hit));
        assert_eq!(
            hits,
            [Hit {
                lines: 0..5,
                overlong: false
            }]
        );
    }

    #[test]
    fn spans_leave_out_what_is_negated_and_do_not_overlap() {
        let term = Term::And(vec![
            text("abc"),
            regex("c+d"),
            Term::Not(Box::new(text("x"))),
        ]);
        assert_eq!(search(&term).spans(b"-ABC-abccd-"), [1..4, 5..10]);
        assert!(
            search(&Term::Not(Box::new(text("a"))))
                .spans(b"a")
                .is_empty()
        );
    }

    #[test]
    fn errors_point_into_the_query() {
        let error = |pattern: &str| {
            let term = Term::Regex(Regex {
                pattern: pattern.into(),
                flags: RegexFlags::default(),
                span: 10..30,
            });
            let error = Search::new(&term, Options::default()).unwrap_err();
            (error.span(), error.to_string())
        };
        assert_eq!(
            error("a/(b"),
            (
                13..14,
                "cannot read the query: the regex is wrong: unclosed group".into()
            )
        );
        assert_eq!(error(r"a\/(b").0, 14..15);
        assert_eq!(error(r"a\n").0, 10..30);
        assert_eq!(
            error(r"(\w{500}){500}").1,
            "cannot read the query: the regex would take too much memory"
        );
    }
}
