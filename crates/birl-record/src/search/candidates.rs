//! Candidates: the lines of a chunk that are worth asking, found without looking at the others.

use std::ops::RangeInclusive;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind, Span, packed};
use memchr::{memchr, memmem};
use regex_automata::{Input, meta};

use super::folded::FoldedFinder;
use super::level_key::LevelKeyFinder;
use super::level_walk::LevelWalk;
use super::level_word::LevelWordFinder;
use super::literal;
use super::named::{NamedFinder, UnnamedFinder};
use super::pattern::Engine;
use crate::format::{Parser, SeverityPlace};

/// So many literals are looked for one by one: each search runs at the speed of memory.
const SEPARATE_MAX: usize = 3;

/// Whether a regex has to know Unicode is decided for so much of a chunk at a time.
const WINDOW_BYTES: usize = 64 * 1024;

/// What every matching line holds.
#[derive(Clone, Debug)]
pub(super) enum Need {
    /// Nothing in particular: every line is a candidate.
    Nothing,
    /// One of these. With none of them, no line is a candidate.
    Literals(Vec<Literal>),
    /// A match of this regex, which never crosses a newline.
    Regex(Box<Engine>),
    /// A field that stands behind its name, where the format of the records is one that does that.
    Named(NamedFinder),
    /// A severity, where it is known how the format of the records writes it.
    Severity(RangeInclusive<u8>),
    /// One of these kinds of things.
    Any(Vec<Need>),
}

/// Bytes that are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) bytes: Box<[u8]>,
    /// Whether the case of ASCII letters is ignored.
    pub(super) folded: bool,
}

impl Literal {
    /// Whether there is case in it to be ignored.
    fn has_case(&self) -> bool {
        self.folded && self.bytes.iter().any(u8::is_ascii_alphabetic)
    }
}

impl AsRef<[u8]> for Literal {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Need {
    /// Of two needs that a line must both meet, the one that is cheaper and rarer.
    pub(super) fn better(self, other: Self) -> Self {
        if other.score() > self.score() {
            other
        } else {
            self
        }
    }

    /// The need of a line that must meet one of two.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, _) | (_, Self::Nothing) => Self::Nothing,
            (Self::Literals(mut one), Self::Literals(more)) => {
                one.extend(more);
                Self::Literals(one)
            }
            (Self::Any(mut one), more) | (more, Self::Any(mut one)) => {
                one.push(more);
                Self::Any(one)
            }
            (one, more) => Self::Any(vec![one, more]),
        }
    }

    /// Whether a literal of it holds `byte`.
    pub(super) fn holds_byte(&self, byte: u8) -> bool {
        match self {
            Self::Literals(literals) => {
                literals.iter().any(|literal| literal.bytes.contains(&byte))
            }
            _ => false,
        }
    }

    /// How few candidates to expect, and how cheaply.
    fn score(&self) -> u32 {
        match self {
            Self::Nothing => 0,
            Self::Regex(_) => 1,
            Self::Named(_) => 2,
            Self::Severity(_) => 3,
            Self::Literals(literals) => literal::set_score(literals).max(4),
            Self::Any(needs) => needs.iter().map(Self::score).min().unwrap_or(0),
        }
    }
}

/// Finds candidates in chunks.
#[derive(Clone, Debug)]
pub(super) enum Candidates {
    /// Every line is one.
    Every,
    /// A line is one where one of these finds something in it.
    Found(Vec<Finder>),
}

#[derive(Clone, Debug)]
pub(super) enum Finder {
    Exact(Box<memmem::Finder<'static>>),
    Folded(FoldedFinder),
    Few(packed::Searcher),
    Many(AhoCorasick),
    Regex(Box<Engine>),
    Named(NamedFinder),
    /// Where it is looked for depends on the format.
    Severity(Box<SeverityFinder>),
}

impl Candidates {
    pub(super) fn new(need: Need) -> Self {
        let mut finders = Vec::new();
        match need {
            Need::Nothing => return Self::Every,
            need => add_finders(need, &mut finders),
        }
        Self::Found(finders)
    }

    /// Whether all candidates are found among the records of `parser`.
    pub(super) fn suit(&self, parser: &Parser) -> bool {
        let suits = |finder: &Finder| match finder {
            Finder::Named(named) => named.suits(parser),
            Finder::Severity(_) => parser
                .severity_places()
                .all(|place| place != SeverityPlace::Unknown),
            _ => true,
        };
        match self {
            Self::Every => true,
            Self::Found(finders) => finders.iter().all(suits),
        }
    }

    /// Whether every line is one.
    pub(super) fn are_all(&self) -> bool {
        matches!(self, Self::Every)
    }

    /// The candidates of `lines`, in order.
    pub(super) fn hits<'a>(&'a self, lines: &'a [u8]) -> Hits<'a> {
        let finders = match self {
            Self::Every => &[][..],
            Self::Found(finders) => finders,
        };
        Hits {
            lines,
            every: matches!(self, Self::Every),
            cursors: finders.iter().map(Cursor::of).collect(),
            nearest: None,
        }
    }

    /// The candidates of `lines` where these are records of `parser`, whom they [suit](Self::suit).
    pub(super) fn hits_of_records<'a>(&'a self, lines: &'a [u8], parser: &Parser) -> Hits<'a> {
        let mut hits = self.hits(lines);
        if let Self::Found(finders) = self {
            for finder in finders {
                match finder {
                    Finder::Named(named) => {
                        let unnamed = named.unnamed(parser);
                        let looking = unnamed.map(|finder| Looking::Unnamed(Box::new(finder)));
                        hits.cursors.extend(looking.map(Cursor::new));
                    }
                    Finder::Severity(severity) => {
                        hits.cursors
                            .extend(severity.looking(parser).map(Cursor::new));
                    }
                    _ => {}
                }
            }
        }
        hits
    }
}

/// Finds severities in a certain range, however a format writes them.
#[derive(Clone, Debug)]
pub(super) struct SeverityFinder {
    keys: LevelKeyFinder,
    words: LevelWordFinder,
}

impl SeverityFinder {
    /// What to look for among the records of `parser`.
    fn looking(&self, parser: &Parser) -> impl Iterator<Item = Looking<'_>> {
        let (mut keys, mut words) = (false, false);
        for place in parser.severity_places() {
            use SeverityPlace::{JsonKeys, Unknown, Words, WordsOrJsonKeys};
            keys |= matches!(place, JsonKeys | WordsOrJsonKeys);
            words |= matches!(place, Words | WordsOrJsonKeys);
            debug_assert!(place != Unknown, "what is unknown is not looked for");
        }
        let in_keys = keys.then(|| match LevelWalk::new(&self.keys, parser) {
            Some(walk) => Looking::LevelWalk(Box::new(walk)),
            None => Looking::LevelKey(&self.keys),
        });
        let in_words = [
            Looking::LevelWord(&self.words),
            Looking::LevelLetter(&self.words),
        ];
        let in_words = words.then_some(in_words).into_iter().flatten();
        in_keys.into_iter().chain(in_words)
    }
}

fn add_finders(need: Need, finders: &mut Vec<Finder>) {
    match need {
        Need::Nothing => unreachable!("`or` makes nothing of a need that is nothing"),
        Need::Any(needs) => needs
            .into_iter()
            .for_each(|need| add_finders(need, finders)),
        Need::Regex(regex) => finders.push(Finder::Regex(regex)),
        Need::Named(finder) => finders.push(Finder::Named(finder)),
        Need::Severity(severities) => {
            finders.push(Finder::Severity(Box::new(SeverityFinder {
                keys: LevelKeyFinder::new(severities.clone()),
                words: LevelWordFinder::new(severities),
            })));
        }
        Need::Literals(literals) => {
            let (folded, exact): (Vec<_>, Vec<_>) =
                literals.into_iter().partition(Literal::has_case);
            add_literals(&exact, false, finders);
            add_literals(&folded, true, finders);
        }
    }
}

fn add_literals(literals: &[Literal], folded: bool, finders: &mut Vec<Finder>) {
    if literals.len() <= SEPARATE_MAX {
        finders.extend(literals.iter().map(Finder::of_one));
        return;
    }
    // SIMD looks at whole beginnings; the automaton, left to itself, may stop at each `-`.
    if !folded && let Some(few) = packed::Searcher::new(literals) {
        finders.push(Finder::Few(few));
        return;
    }
    // Only for leftmost matches does the automaton use SIMD.
    let many = AhoCorasickBuilder::new()
        .match_kind(MatchKind::LeftmostFirst)
        .ascii_case_insensitive(folded)
        .build(literals);
    match many {
        Ok(many) => finders.push(Finder::Many(many)),
        Err(_) => finders.extend(literals.iter().map(Finder::of_one)),
    }
}

impl Finder {
    fn of_one(literal: &Literal) -> Self {
        match literal.folded {
            true => Self::Folded(FoldedFinder::new(&literal.bytes)),
            false => Self::Exact(Box::new(memmem::Finder::new(&literal.bytes).into_owned())),
        }
    }

    /// A place within the first candidate line that begins at `at` or behind it.
    fn find<'a>(&'a self, lines: &[u8], at: usize, window: &mut Window<'a>) -> Option<usize> {
        match self {
            Self::Exact(finder) => finder.find(&lines[at..]).map(|place| at + place),
            Self::Folded(finder) => finder.find(lines, at),
            Self::Few(few) => few
                .find_in(lines, Span::from(at..lines.len()))
                .map(|found| found.start()),
            Self::Many(many) => many
                .find(aho_corasick::Input::new(lines).range(at..))
                .map(|found| found.start()),
            Self::Regex(engine) => find_in_windows(engine, lines, at, window),
            Self::Named(finder) => finder.find(lines, at),
            // Lines have no severity.
            Self::Severity(_) => None,
        }
    }
}

/// Lines that one regex is run over, so that a character beyond ASCII slows only its neighbours.
#[derive(Clone, Default)]
struct Window<'a> {
    end: usize,
    regex: Option<&'a meta::Regex>,
}

fn find_in_windows<'a>(
    engine: &'a Engine,
    lines: &[u8],
    at: usize,
    window: &mut Window<'a>,
) -> Option<usize> {
    let mut at = at;
    while at < lines.len() {
        if at >= window.end {
            let least = lines.len().min(at + WINDOW_BYTES);
            window.end =
                memchr(b'\n', &lines[least..]).map_or(lines.len(), |newline| least + newline + 1);
            window.regex = Some(engine.on(&lines[at..window.end]));
        }
        let input = Input::new(&lines[at..window.end]).earliest(true);
        if let Some(half) = window.regex?.search_half(&input) {
            return Some(last_line_holds(lines, at + half.offset()));
        }
        at = window.end;
    }
    None
}

/// Where a match ends is found in one pass, and lies in the line of the match: at its newline, or,
/// where the last line has none, one behind it.
fn last_line_holds(lines: &[u8], match_end: usize) -> usize {
    let unfinished = match_end == lines.len() && lines.last() != Some(&b'\n');
    match_end - usize::from(unfinished)
}

/// Goes through the candidates of a chunk.
pub(super) struct Hits<'a> {
    lines: &'a [u8],
    every: bool,
    cursors: Vec<Cursor<'a>>,
    /// What was found last.
    nearest: Option<usize>,
}

/// How far one finder has come.
struct Cursor<'a> {
    looking: Looking<'a>,
    window: Window<'a>,
    /// What it found last; the length of the chunk where it will find no more.
    ahead: Option<usize>,
}

impl Hits<'_> {
    /// A place within the first candidate line that begins at `at` or behind it; `at` is the
    /// beginning of a line and never goes back.
    pub(super) fn next(&mut self, at: usize) -> Option<usize> {
        let end = self.lines.len();
        if at >= end {
            return None;
        }
        if self.every {
            return Some(at);
        }
        let nearest = self
            .cursors
            .iter_mut()
            .map(|cursor| cursor.next(self.lines, at))
            .min();
        self.nearest = nearest.filter(|&nearest| nearest < end);
        self.nearest
    }

    /// Whether the record that was found last has a severity in this range for certain.
    pub(super) fn is_certain_of(&self, severities: &RangeInclusive<u8>) -> bool {
        self.cursors.iter().any(|cursor| match &cursor.looking {
            Looking::LevelWalk(walk) => {
                cursor.ahead == self.nearest && walk.is_certain_of(severities)
            }
            _ => false,
        })
    }
}

enum Looking<'a> {
    For(&'a Finder),
    LevelKey(&'a LevelKeyFinder),
    LevelWalk(Box<LevelWalk<'a>>),
    LevelWord(&'a LevelWordFinder),
    LevelLetter(&'a LevelWordFinder),
    Unnamed(Box<UnnamedFinder<'a>>),
}

impl<'a> Cursor<'a> {
    fn of(finder: &'a Finder) -> Self {
        Self::new(Looking::For(finder))
    }

    fn new(looking: Looking<'a>) -> Self {
        Self {
            looking,
            window: Window::default(),
            ahead: None,
        }
    }

    fn next(&mut self, lines: &[u8], at: usize) -> usize {
        let known = self.ahead.filter(|&place| place >= at);
        let place = known
            .or_else(|| match &mut self.looking {
                Looking::For(finder) => finder.find(lines, at, &mut self.window),
                Looking::LevelKey(finder) => finder.find(lines, at),
                Looking::LevelWalk(walk) => walk.find(lines, at),
                Looking::LevelWord(finder) => finder.find_word(lines, at),
                Looking::LevelLetter(finder) => finder.find_letter(lines, at),
                Looking::Unnamed(finder) => finder.find(lines, at),
            })
            .unwrap_or(lines.len());
        self.ahead = Some(place);
        place
    }
}
