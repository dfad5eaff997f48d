//! A part of what stands between the timestamp and the message, told by how it is written.

use memchr::memchr;

use crate::format::cursor::Cursor;
use crate::format::layout::within;
use crate::level::Severity;

/// No longer part is one.
const BYTES_MAX: usize = 100;

/// So many words may stand before a hyphen or a bar that ends a part.
const WORDS_MAX: usize = 3;

/// A part of a head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) kind: Kind,
    /// What it says, without brackets and what separates it from others.
    pub(super) text: &'a [u8],
    pub(super) severity: Option<Severity>,
    /// Whether a level follows that can be nothing else.
    pub(super) before_level: bool,
    /// What follows, from the next part or the message on.
    pub(super) rest: &'a [u8],
}

/// How a part is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A level that can be nothing else, for its capitals or its brackets.
    Level,
    /// A word that is a level, or only a word of the message.
    Word,
    /// A letter that may be a level.
    Letter,
    /// In brackets.
    Bracket,
    /// A number.
    Number,
    /// A number that may be an HTTP status.
    Status,
    /// A name with a colon behind it.
    Colon,
    /// A name with a hyphen behind it, between spaces.
    Hyphen,
    /// Words with a bar behind them.
    Bar,
    /// A word with several spaces behind it.
    Padded,
    /// A word of several names, such as `a.b.C`.
    Qualified,
}

impl Kind {
    pub(super) const COUNT: usize = 11;
}

/// The parts that `text` may begin with, the likeliest first; each of them, or all, may be none, but
/// belong to the message. Where the line has columns, `bar` separates them.
pub(super) fn parts(text: &[u8], has_level: bool, bar: u8) -> impl Iterator<Item = Part<'_>> {
    let readers: &[Reader] = match (text.first().and_then(closing), has_level) {
        (Some(_), true) => &[bracketed],
        (Some(_), false) => &[bracketed_level, bracketed],
        (None, true) => &[number, named, words],
        (None, false) => &[level, number, named, words],
    };
    let parts = readers
        .iter()
        .filter_map(move |read| read(text, has_level, bar));
    // What is surely a level is nothing else.
    let mut is_sure = false;
    parts.take_while(move |part| {
        let is_first = !is_sure;
        is_sure |= part.kind == Kind::Level;
        is_first
    })
}

type Reader = for<'a> fn(&'a [u8], bool, u8) -> Option<Part<'a>>;

/// What closes a bracket.
fn closing(open: &u8) -> Option<u8> {
    match open {
        b'[' => Some(b']'),
        b'(' => Some(b')'),
        b'<' => Some(b'>'),
        b'{' => Some(b'}'),
        _ => None,
    }
}

/// What stands in the bracket that `text` begins with, and what follows it.
fn bracket(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let open = text.first()?;
    let mut cursor = Cursor::new(&text[..text.len().min(BYTES_MAX)]);
    let inside = within(&mut cursor, *open, closing(open)?)?;
    let is_object = *open == b'{' && (inside.is_empty() || inside.contains(&b'"'));
    let after = &text[inside.len() + 2..];
    (!is_object).then(|| (skip_blank(inside).trim_ascii(), after))
}

fn bracketed(text: &[u8], has_level: bool, bar: u8) -> Option<Part<'_>> {
    let (inside, after) = bracket(text)?;
    let (kind, rest) = separator(after, bar).unwrap_or_else(|| (Kind::Bracket, skip_blank(after)));
    Some(Part {
        kind,
        text: inside,
        severity: None,
        before_level: !has_level && is_level(rest),
        rest,
    })
}

/// A level in brackets, alone or behind the name of a thread.
fn bracketed_level(text: &[u8], _has_level: bool, _bar: u8) -> Option<Part<'_>> {
    let (inside, after) = bracket(text)?;
    let at = inside.iter().rposition(|byte| matches!(byte, b'/' | b' '));
    let (thread, word) = inside.split_at(at.map_or(0, |at| at + 1));
    let is_word = match word {
        [letter] => letter.is_ascii_uppercase(),
        word => thread.is_empty() || strict(word).is_some(),
    };
    let severity = Severity::from_word(word).filter(|_| is_word)?;
    let thread = thread.strip_suffix(b"/").unwrap_or(thread);
    Some(Part {
        kind: match has_other_uses(word) {
            true => Kind::Word,
            false => Kind::Level,
        },
        text: thread.trim_ascii(),
        severity: Some(severity),
        before_level: false,
        rest: skip_separator(after),
    })
}

/// A level that is written as one: in capitals, and not as a word that has other uses.
pub(super) fn strict(word: &[u8]) -> Option<Severity> {
    let is_capital = word.len() >= 3 && word.iter().all(u8::is_ascii_uppercase);
    match is_capital && !has_other_uses(word) {
        true => Severity::from_word(word),
        false => None,
    }
}

/// A message's level may stand behind so many words of it.
const LATE_WORDS_MAX: usize = 8;

/// The level that stands in a message, if it can be nothing else: `[INF]`, or `ERROR:`.
pub(in crate::format) fn late_severity(message: &[u8]) -> Option<Severity> {
    let mut rest = &message[..message.len().min(2 * BYTES_MAX)];
    for _ in 0..LATE_WORDS_MAX {
        rest = skip_blank(rest);
        let found = match bracket(rest) {
            Some((inside, _)) => in_brackets(inside),
            None => {
                let letters = rest.iter().take_while(|byte| byte.is_ascii_uppercase());
                let (word, after) = rest.split_at(letters.count());
                match after {
                    [b':'] | [b':', b' ' | b'\t', ..] => strict(word),
                    _ => None,
                }
            }
        };
        if found.is_some() {
            return found;
        }
        rest = &rest[memchr::memchr2(b' ', b'\t', rest)?..];
    }
    None
}

/// The level that a bracket holds, alone or behind the name of a module: `[core:error]`.
fn in_brackets(inside: &[u8]) -> Option<Severity> {
    let colon = memchr::memrchr(b':', inside);
    let word = &inside[colon.map_or(0, |colon| colon + 1)..];
    let is_word = word.len() >= 3 && !has_other_uses(word);
    is_word.then(|| Severity::from_word(word))?
}

/// Whether a word that may be a level is rather something else.
fn has_other_uses(word: &[u8]) -> bool {
    let words: [&[u8]; 6] = [b"log", b"note", b"config", b"success", b"failure", b"silly"];
    words.iter().any(|other| word.eq_ignore_ascii_case(other))
}

/// Whether `text` begins with a level that can be nothing else.
fn is_level(text: &[u8]) -> bool {
    let part = match text.first() {
        Some(b'A'..=b'Z') => level(text, false, b'|'),
        _ => bracketed_level(text, false, b'|'),
    };
    part.is_some_and(|part| part.kind == Kind::Level)
}

fn level(text: &[u8], _has_level: bool, _bar: u8) -> Option<Part<'_>> {
    let len = text
        .iter()
        .take(14)
        .take_while(|byte| byte.is_ascii_alphabetic());
    let len = len.count();
    // `debug2` is the only word for a level with a number in it.
    let is_debug = text[..len].eq_ignore_ascii_case(b"debug");
    let has_number = is_debug && matches!(text.get(len), Some(b'1'..=b'5'));
    let (word, after) = text.split_at(len + usize::from(has_number));
    // `ERROR/cart: `, `warning/Cart: `, but no `INFO/WARN`
    let is_joined = after.starts_with(b"/") && (strict(word).is_some() || is_named(&after[1..]));
    let after = if is_joined { &after[1..] } else { after };
    let ends = after
        .first()
        .is_none_or(|byte| is_joined || b" \t:|,;])>\x1b".contains(byte));
    if !ends || word.is_empty() {
        return None;
    }
    let severity = Severity::from_word(word)?;
    let is_spaced = after.starts_with(b" ") && !after.starts_with(b"  ");
    if is_spaced && has_other_uses(word) && !word[1].is_ascii_uppercase() {
        // `Log opened.`
        return None;
    }
    let kind = match (strict(word), word) {
        (Some(_), _) => Kind::Level,
        (None, [letter]) if letter.is_ascii_uppercase() => Kind::Letter,
        (None, [_]) => return None,
        (None, _) => Kind::Word,
    };
    Some(Part {
        kind,
        text: b"",
        severity: Some(severity),
        before_level: false,
        rest: skip_separator(after),
    })
}

/// Whether a name and a colon come next.
fn is_named(text: &[u8]) -> bool {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    let name = text.iter().take(BYTES_MAX).take_while(is_part).count();
    name > 0 && text[name..].starts_with(b": ")
}

fn number(text: &[u8], has_level: bool, bar: u8) -> Option<Part<'_>> {
    let digits = text.strip_prefix(b"0x");
    let len = match digits {
        Some(hex) => {
            2 + hex
                .iter()
                .take_while(|byte| byte.is_ascii_hexdigit())
                .count()
        }
        None => text.iter().take_while(|byte| byte.is_ascii_digit()).count(),
    };
    let (number, after) = text.split_at(len);
    if number.len() <= digits.map_or(0, |_| 2) {
        return None;
    }
    let (kind, rest) = match (after.first()?, separator(after, bar)) {
        // As Spring Boot has it: `7 --- [main]`.
        (b' ', Some((Kind::Hyphen, rest))) if after.starts_with(b" --- ") => {
            return Some(Part {
                kind: Kind::Number,
                text: number,
                severity: None,
                before_level: true,
                rest,
            });
        }
        (_, Some((kind @ (Kind::Bar | Kind::Hyphen), rest))) => (kind, rest),
        (b' ' | b'\t', _) if matches!(number, [b'1'..=b'5', _, _]) => {
            (Kind::Status, skip_blank(after))
        }
        (b' ' | b'\t', _) => (Kind::Number, skip_blank(after)),
        _ => return None,
    };
    Some(Part {
        kind,
        text: number,
        severity: None,
        before_level: !has_level && is_level(rest),
        rest,
    })
}

/// A name of one word.
fn named(text: &[u8], has_level: bool, bar: u8) -> Option<Part<'_>> {
    let is_part = |byte: &&u8| !matches!(byte, b' ' | b'\t' | b'|' | 0x1b) && **byte != bar;
    let len = text.iter().take(BYTES_MAX + 1).take_while(is_part).count();
    let word = &text[..len];
    let name = word.strip_suffix(b":").unwrap_or(word);
    if !is_name(name) {
        return None;
    }
    let after = &text[name.len()..];
    let (kind, rest) = match separator(after, bar) {
        Some(found) => found,
        None if after.starts_with(b"  ") || after.starts_with(b"\t") => {
            (Kind::Padded, skip_blank(after))
        }
        None => (Kind::Qualified, skip_blank(after)),
    };
    let before_level = !has_level && is_level(rest);
    if kind == Kind::Qualified && !is_qualified(name) && !before_level {
        return None;
    }
    Some(Part {
        kind,
        text: name,
        severity: None,
        before_level,
        rest,
    })
}

/// Some words with a hyphen or a bar behind them.
fn words(text: &[u8], has_level: bool, bar: u8) -> Option<Part<'_>> {
    let head = &text[..text.len().min(BYTES_MAX)];
    let hyphen = memchr::memmem::find(head, b" - ");
    let end = match (memchr(bar, head), hyphen) {
        (Some(bar), Some(hyphen)) => bar.min(hyphen),
        (Some(bar), None) => bar,
        (None, hyphen) => hyphen?,
    };
    let name = text[..end].trim_ascii();
    let count = name.split(|byte| *byte == b' ').count();
    let (kind, rest) = separator(&text[end..], bar)?;
    let is_short = kind == Kind::Bar || count <= WORDS_MAX && name[0].is_ascii_alphabetic();
    (!name.is_empty() && is_short).then(|| Part {
        kind,
        text: name,
        severity: None,
        before_level: !has_level && is_level(rest),
        rest,
    })
}

/// What separates a part from what follows, if it is more than space.
fn separator(after: &[u8], bar: u8) -> Option<(Kind, &[u8])> {
    let spaces = after.iter().take_while(|byte| **byte == b' ').count();
    if after.get(spaces) == Some(&bar) {
        return Some((Kind::Bar, skip_blank(&after[spaces + 1..])));
    }
    let next = skip_blank(after);
    let is_spaced = next.len() < after.len();
    let kind = match next {
        [b':'] | [b':', b' ' | b'\t' | 0x1b, ..] => {
            return Some((Kind::Colon, skip_blank(&next[1..])));
        }
        [b'-', b' ' | b'-', ..] if is_spaced => Kind::Hyphen,
        _ => return None,
    };
    let hyphens = next
        .iter()
        .take(4)
        .take_while(|byte| **byte == b'-')
        .count();
    let rest = &next[hyphens..];
    let ends = hyphens <= 3 && rest.first().is_none_or(|byte| *byte == b' ');
    ends.then(|| (kind, skip_blank(rest)))
}

/// Skips blanks, and what separates a timestamp or a level from what follows it.
pub(super) fn skip_separator(text: &[u8]) -> &[u8] {
    let text = skip_blank(text);
    match text {
        [b'|' | b',' | b';', rest @ ..] => skip_blank(rest),
        [b':', rest @ ..] if !rest.starts_with(b":") => skip_blank(rest),
        [b'-'] | [b'-', b' ', ..] => skip_blank(&text[1..]),
        [b'-' | b'=', b'>', b' ', ..] => skip_blank(&text[2..]),
        [b'>', b'>', b' ', ..] => skip_blank(&text[2..]),
        [b'-', b'-', b'>', b' ', ..] | [b'>', b'>', b'>', b' ', ..] => skip_blank(&text[3..]),
        _ => text,
    }
}

/// Skips spaces, tabs, and escape sequences that set colours.
pub(super) fn skip_blank(text: &[u8]) -> &[u8] {
    let mut rest = text;
    loop {
        match rest {
            [b' ' | b'\t', after @ ..] => rest = after,
            [0x1b, b'[', after @ ..] => {
                let is_parameter = |byte: &&u8| byte.is_ascii_digit() || **byte == b';';
                let len = after.iter().take_while(is_parameter).count();
                match after.get(len) {
                    Some(b'm') => rest = &after[len + 1..],
                    _ => return rest,
                }
            }
            _ => return rest,
        }
    }
}

/// Whether a word can be the name of something in a program, or of a place in its source.
pub(super) fn is_name(word: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._$/[]@#*<>():-+\\~".contains(byte);
    let first = match word {
        [first, ..] if word.len() <= BYTES_MAX => first,
        _ => return false,
    };
    (first.is_ascii_alphabetic() || b"_$/<*".contains(first))
        && word.iter().all(is_part)
        && memchr::memmem::find(word, b"://").is_none()
}

/// Whether a name is that of a place in a source: `a.rs:12`.
pub(super) fn is_place(name: &[u8]) -> bool {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let file = &name[..name.len() - digits.count()];
    file.len() < name.len() && file.ends_with(b":") && file.contains(&b'.')
}

/// Whether a name is one of several: `a.b.C`, `a::b`, `A$B`, or `a.rs:12`, or `sshd[7]`.
pub(super) fn is_qualified(name: &[u8]) -> bool {
    let letter = |at: usize| {
        name.get(at)
            .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
    };
    let inner = 1..name.len().saturating_sub(1);
    let is_joined = inner.clone().any(|at| match name[at] {
        b'.' => letter(at - 1) && letter(at + 1),
        b'$' => true,
        b':' => name[at + 1] == b':' || name[at + 1].is_ascii_digit(),
        _ => false,
    });
    is_joined || (name.ends_with(b"]") && memchr(b'[', name).is_some())
}
