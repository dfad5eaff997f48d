//! From a regex, or a text that needs one, to what the engine runs.
//!
//! One pattern becomes two regexes: one for the content of a single line, which decides, and one
//! for a whole chunk, which finds the lines that are worth asking: it matches wherever the first
//! one does, and never across a newline.

use regex_automata::meta;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_syntax::ast::{self, Ast};
use regex_syntax::hir::translate::TranslatorBuilder;
use regex_syntax::hir::{
    Class, ClassUnicode, ClassUnicodeRange, Dot, Hir, HirKind, Look, Repetition,
};

use super::{Case, literal};
use crate::query::Error;
use crate::query::tree::{Regex, RegexFlags, Span, Text};

/// A compiled regex may take up this much memory; one that would explode is refused.
const NFA_BYTES_MAX: usize = 10 << 20;

/// ASCII letters fold to ASCII letters only; these two fold to `s` and `k` by Unicode's rules.
const FOLD_TO_ASCII: [char; 2] = ['\u{17f}', '\u{212a}'];

/// What a term looks for, as a tree that matches within one line.
#[derive(Debug)]
pub(super) struct Pattern {
    hir: Hir,
    /// Where case is ignored: the same with case, whose ASCII literals can be looked for instead.
    unfolded: Option<Hir>,
}

impl Pattern {
    /// The pattern of a `/regex/` term.
    pub(super) fn from_regex(regex: &Regex, case: Case, words: bool) -> Result<Self, Error> {
        let syntax_error = |place: &ast::Span, error: &dyn std::fmt::Display| {
            let opening = regex.span.start + "/".len();
            let place = opening + place.start.offset..opening + place.end.offset;
            Error::new(place, format!("the regex is wrong: {error}"))
        };
        let ast = ast::parse::ParserBuilder::new()
            .ignore_whitespace(regex.flags.verbose)
            .build()
            .parse(&regex.pattern)
            .map_err(|error| syntax_error(error.span(), error.kind()))?;
        let folded = regex.flags.ignore_case || case.folds_regex(&ast);
        let translate = |folded: bool| {
            let hir = translator(regex.flags, folded).translate(&regex.pattern, &ast);
            let hir = hir.map_err(|error| syntax_error(error.span(), error.kind()))?;
            within_line(&hir).ok_or_else(|| {
                Error::new(
                    regex.span.clone(),
                    "a search looks at one line at a time: `\\n` is in none",
                )
            })
        };
        if !folded {
            return Ok(Self::new(translate(false)?, None, words));
        }
        if regex.pattern.contains(FOLD_TO_ASCII) {
            return Ok(Self::new(translate(true)?, None, words));
        }
        Ok(Self::new(
            ascii_to_ascii(&translate(true)?),
            Some(translate(false)?),
            words,
        ))
    }

    /// The pattern of a word or phrase. It holds no newline.
    pub(super) fn from_text(text: &Text, folded: bool, words: bool) -> Self {
        let literal = Hir::literal(text.value.as_bytes());
        if !folded {
            return Self::new(literal, None, words);
        }
        let chars = text
            .value
            .chars()
            .map(|char| Hir::class(Class::Unicode(fold(char))));
        Self::new(Hir::concat(chars.collect()), Some(literal), words)
    }

    /// The pattern of texts with anything between them; if `whole`, with nothing before and behind.
    pub(super) fn of_parts(parts: &[&str], folded: bool, whole: bool) -> Self {
        let text = |part: &&str| match folded {
            true => Hir::concat(
                part.chars()
                    .map(|char| Hir::class(Class::Unicode(fold(char))))
                    .collect(),
            ),
            false => Hir::literal(part.as_bytes()),
        };
        let anything = Hir::repetition(Repetition {
            min: 0,
            max: None,
            greedy: true,
            sub: Box::new(Hir::dot(Dot::AnyByte)),
        });
        let mut hirs = Vec::new();
        for part in parts {
            if !hirs.is_empty() {
                hirs.push(anything.clone());
            }
            hirs.push(text(part));
        }
        if whole {
            hirs.insert(0, Hir::look(Look::Start));
            hirs.push(Hir::look(Look::End));
        }
        Self::new(Hir::concat(hirs), None, false)
    }

    fn new(hir: Hir, unfolded: Option<Hir>, words: bool) -> Self {
        let hir = match words {
            true => {
                let (start, end) = (
                    Hir::look(Look::WordStartHalfUnicode),
                    Hir::look(Look::WordEndHalfUnicode),
                );
                Hir::concat(vec![start, hir, end])
            }
            false => hir,
        };
        Self { hir, unfolded }
    }

    /// Decides over the content of one line.
    pub(super) fn line_regex(&self) -> Result<Engine, TooBig> {
        Engine::new(&self.hir, meta::Config::new())
    }

    /// Finds the lines of a chunk that can match; the line decides.
    ///
    /// The engine's lazy DFA reads long haystacks twice as fast as its complete one.
    pub(super) fn chunk_regex(&self) -> Result<Engine, TooBig> {
        let hir = map(&self.hir, &|hir| match hir.kind() {
            HirKind::Look(Look::Start | Look::StartCRLF) => Some(Hir::look(Look::StartLF)),
            HirKind::Look(Look::End | Look::EndLF) => Some(Hir::look(Look::EndCRLF)),
            _ => None,
        });
        Engine::new(&hir, meta::Config::new().dfa(false))
    }

    /// Literals of which every match holds at least one, and whether ASCII case is to be ignored
    /// in looking for them.
    pub(super) fn required_literals(&self) -> Option<(Vec<Vec<u8>>, bool)> {
        let folded = self.unfolded.as_ref().and_then(|unfolded| {
            let set = literal::required(unfolded)?;
            let set: Vec<_> = set
                .iter()
                .map(|literal| longest_ascii(literal).to_vec())
                .collect();
            set.iter()
                .all(|literal| literal.len() > 1)
                .then_some((set, true))
        });
        folded.or_else(|| literal::required(&self.hir).map(|set| (set, false)))
    }
}

/// A regex that would take more memory than [`NFA_BYTES_MAX`].
#[derive(Debug)]
pub(super) struct TooBig;

impl TooBig {
    /// The error of a query in which the regex stands at `span`.
    pub(super) fn at(&self, span: &Span) -> Error {
        Error::new(span.clone(), "the regex would take too much memory")
            .with_hint("repeat less, or name smaller sets of characters")
    }
}

/// A compiled regex.
///
/// `\d` and `\w` have hundreds of ranges, and `\b` needs whole characters: what Unicode costs is
/// paid only where a haystack is not ASCII, for the same answer.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    ascii: meta::Regex,
    unicode: meta::Regex,
}

impl Engine {
    fn new(hir: &Hir, config: meta::Config) -> Result<Self, TooBig> {
        Ok(Self {
            ascii: build(&ascii_only(hir), &config)?,
            unicode: build(hir, &config)?,
        })
    }

    /// The regex for `haystack`.
    pub(super) fn on(&self, haystack: &[u8]) -> &meta::Regex {
        if haystack.is_ascii() {
            &self.ascii
        } else {
            &self.unicode
        }
    }
}

fn build(hir: &Hir, config: &meta::Config) -> Result<meta::Regex, TooBig> {
    let config = config
        .clone()
        // Left to itself the engine looks for single digits, which cost more than they save.
        .auto_prefilter(literal::begins_well(hir))
        .utf8_empty(false)
        // Where a match is has to be known, but not what its groups are.
        .which_captures(WhichCaptures::Implicit)
        .nfa_size_limit(Some(NFA_BYTES_MAX));
    let regex = meta::Builder::new().configure(config).build_from_hir(hir);
    regex.map_err(|_| TooBig)
}

/// The same tree over ASCII text.
fn ascii_only(hir: &Hir) -> Hir {
    map(hir, &|hir| match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            class.intersect(&ascii());
            Some(Hir::class(Class::Unicode(class)))
        }
        HirKind::Look(look) => Some(Hir::look(match look {
            Look::WordUnicode => Look::WordAscii,
            Look::WordUnicodeNegate => Look::WordAsciiNegate,
            Look::WordStartUnicode => Look::WordStartAscii,
            Look::WordEndUnicode => Look::WordEndAscii,
            Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
            Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
            other => *other,
        })),
        _ => None,
    })
}

fn translator(flags: RegexFlags, folded: bool) -> regex_syntax::hir::translate::Translator {
    TranslatorBuilder::new()
        .utf8(false)
        .case_insensitive(folded)
        .dot_matches_new_line(flags.dot_matches_new_line)
        .build()
}

/// Whether smart case ignores the case of a regex: it has letters, and no capital among what is
/// meant literally.
pub(super) fn is_lower_case(ast: &Ast) -> bool {
    struct Literals {
        any: bool,
        upper: bool,
    }
    impl Literals {
        fn see(&mut self, literal: &ast::Literal) {
            self.any = true;
            self.upper |= literal.c.is_uppercase();
        }
    }
    impl ast::Visitor for Literals {
        type Output = bool;
        type Err = std::convert::Infallible;

        fn finish(self) -> Result<bool, Self::Err> {
            Ok(self.any && !self.upper)
        }

        fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
            if let Ast::Literal(literal) = ast {
                self.see(literal);
            }
            Ok(())
        }

        fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), Self::Err> {
            match item {
                ast::ClassSetItem::Literal(literal) => self.see(literal),
                ast::ClassSetItem::Range(range) => {
                    self.see(&range.start);
                    self.see(&range.end);
                }
                _ => {}
            }
            Ok(())
        }
    }
    let literals = Literals {
        any: false,
        upper: false,
    };
    let Ok(lower) = ast::visit(ast, literals);
    lower
}

/// All characters that are the same as `char` but for case.
pub(super) fn fold(char: char) -> ClassUnicode {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(char, char)]);
    class.case_fold_simple();
    let mut other = ascii();
    if char.is_ascii() {
        other.negate();
    }
    class.difference(&other);
    class.push(ClassUnicodeRange::new(char, char));
    class
}

fn ascii() -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')])
}

/// Takes back what folding ASCII letters added beyond ASCII: in a class whose only other members
/// are those two, they came from `s` and `k`.
fn ascii_to_ascii(hir: &Hir) -> Hir {
    map(hir, &|hir| match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            let mut inside = class.clone();
            inside.intersect(&ascii());
            let mut beyond = class.clone();
            beyond.difference(&ascii());
            let only_those = beyond.ranges().iter().all(|range| {
                range.start() == range.end() && FOLD_TO_ASCII.contains(&range.start())
            });
            (only_those && !inside.ranges().is_empty()).then(|| Hir::class(Class::Unicode(inside)))
        }
        _ => None,
    })
}

/// The same tree without newlines, or none where a newline is asked for literally.
fn within_line(hir: &Hir) -> Option<Hir> {
    let literal_newline = std::cell::Cell::new(false);
    let hir = map(hir, &|hir| match hir.kind() {
        HirKind::Literal(literal) if literal.0.contains(&b'\n') => {
            literal_newline.set(true);
            None
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            class.difference(&ClassUnicode::new([ClassUnicodeRange::new('\n', '\n')]));
            Some(Hir::class(Class::Unicode(class)))
        }
        HirKind::Class(Class::Bytes(class)) => {
            let newline = regex_syntax::hir::ClassBytesRange::new(b'\n', b'\n');
            let mut class = class.clone();
            class.difference(&regex_syntax::hir::ClassBytes::new([newline]));
            Some(Hir::class(Class::Bytes(class)))
        }
        _ => None,
    });
    (!literal_newline.get()).then_some(hir)
}

/// The tree with each leaf replaced by what `change` makes of it, where it makes something.
fn map(hir: &Hir, change: &impl Fn(&Hir) -> Option<Hir>) -> Hir {
    if let Some(changed) = change(hir) {
        return changed;
    }
    let all = |parts: &[Hir]| parts.iter().map(|part| map(part, change)).collect();
    match hir.kind() {
        HirKind::Concat(parts) => Hir::concat(all(parts)),
        HirKind::Alternation(branches) => Hir::alternation(all(branches)),
        HirKind::Repetition(repetition) => {
            Hir::repetition(repetition.with(map(&repetition.sub, change)))
        }
        // Nobody asks for groups.
        HirKind::Capture(capture) => map(&capture.sub, change),
        _ => hir.clone(),
    }
}

/// The longest stretch of a literal that ASCII folding covers.
fn longest_ascii(literal: &[u8]) -> &[u8] {
    let stretches = literal.split(|byte| !byte.is_ascii());
    stretches
        .max_by_key(|stretch| literal::score(stretch))
        .unwrap_or_default()
}

impl Case {
    fn folds_regex(self, ast: &Ast) -> bool {
        match self {
            Case::Smart => is_lower_case(ast),
            Case::Ignore => true,
            Case::Sensitive => false,
        }
    }

    /// Whether the case of a word or phrase is ignored.
    pub(super) fn folds_text(self, text: &str) -> bool {
        match self {
            Case::Smart => !text.chars().any(char::is_uppercase),
            Case::Ignore => true,
            Case::Sensitive => false,
        }
    }
}
