//! Finds severities in lines of JSON by going from key to key, as far as the level.
//!
//! Loggers write the level first, or second, so that of most lines little more than the end is looked
//! for. Where a line does not say its level in the likeliest way, [`LevelKeyFinder`] looks for it in
//! all of the line.

use std::ops::RangeInclusive;

use memchr::memchr;

use super::level_key::LevelKeyFinder;
use crate::extent::RECORD_BYTES_MAX;
use crate::format::Parser;
use crate::format::json::{LEVEL_KEYS, severity};
use crate::format::json_leads::Leads;
use crate::json::{self, Lead, Members};
use crate::value::{Text, Value};

/// What lines begin with of which this is enough to know that they are objects of JSON.
const OPENING: &[u8] = b"{\"";

/// A word that is longer is not remembered.
const WORD_BYTES_MAX: usize = 7;

/// So many words are remembered; there are no more levels in a log.
const WORDS_MAX: usize = 16;

/// So many beginnings of lines are remembered: more loggers seldom share a file.
const BEGINNINGS_MAX: usize = 4;

/// No more members stand before the level in a beginning that is remembered.
const MEMBERS_MAX: usize = 8;

/// When so many more lines than others did not say their level, no more are asked.
const MISSES_MAX: usize = 64;

/// Finds lines whose severity may be in a certain range.
#[derive(Debug)]
pub(super) struct LevelWalk<'a> {
    finder: &'a LevelKeyFinder,
    leads: Leads<()>,
    /// How lines begin, as far as their level.
    beginnings: Vec<Beginning>,
    /// The words for levels that have come.
    words: Vec<Word>,
    misses: usize,
    /// Whether no other format is asked first for lines that begin so.
    is_first: bool,
    /// Whether the record of the line that was found last has such a severity, and not only may.
    is_certain: bool,
}

impl<'a> LevelWalk<'a> {
    /// Finds what `finder` finds in lines of `parser`, if these are such that it pays.
    pub(super) fn new(finder: &'a LevelKeyFinder, parser: &Parser) -> Option<Self> {
        (parser.opening() == Some(OPENING)).then(|| Self {
            finder,
            leads: Leads::new(),
            beginnings: Vec::new(),
            words: Vec::new(),
            misses: 0,
            is_first: parser.asks_main_first(),
            is_certain: false,
        })
    }

    /// A place in the first line of `lines` that may have such a severity; `at` is where a line
    /// begins.
    pub(super) fn find(&mut self, lines: &[u8], at: usize) -> Option<usize> {
        let mut at = at;
        self.is_certain = false;
        while at < lines.len() {
            if self.misses > MISSES_MAX {
                return self.finder.find(lines, at);
            }
            let newline = memchr(b'\n', &lines[at..]);
            let end = newline.map_or(lines.len(), |newline| at + newline + 1);
            let line = &lines[at..end];
            let found = match self.is_in_range(&line[..line.len().min(RECORD_BYTES_MAX)]) {
                Some(is_in_range) => {
                    self.misses = self.misses.saturating_sub(1);
                    self.is_certain = is_in_range && self.is_first;
                    is_in_range.then_some(0)
                }
                None => {
                    self.misses += 1;
                    self.finder.find(line, 0)
                }
            };
            if let Some(place) = found {
                return Some(at + place);
            }
            at = end;
        }
        None
    }

    /// Whether the record of the line that was [found](Self::find) last has a severity in this range
    /// for certain, so that it need not be read.
    pub(super) fn is_certain_of(&self, severities: &RangeInclusive<u8>) -> bool {
        self.is_certain && self.finder.severities() == severities
    }

    /// Whether the record that begins with this line has such a severity, if its level is of the
    /// likeliest key: no other can be the record's level then, whatever follows.
    fn is_in_range(&mut self, line: &[u8]) -> Option<bool> {
        if let Some(is_in_range) = self.is_in_range_as_before(line) {
            return Some(is_in_range);
        }
        if !line.starts_with(OPENING) {
            return None;
        }
        let mut members = Members::of(line);
        let is_level = |_: &[u8], key: Text<'_>| {
            let is_level = key.raw().eq_ignore_ascii_case(LEVEL_KEYS[0].as_bytes());
            is_level.then_some(())
        };
        let mut level = None;
        let take = |_: &(), _: &[u8], value| level = Some(value);
        self.leads.next(&mut members, 0, is_level, take)?;
        let value = level?;
        let known = match value {
            Value::Text(text) if !text.has_escapes() => Word::of(text.raw()),
            _ => None,
        };
        let is_new = || self.beginnings.iter().all(|it| it.level(line).is_none());
        if known.is_some() && self.beginnings.len() < BEGINNINGS_MAX && is_new() {
            self.beginnings.extend(Beginning::of(line, is_level));
        }
        if let Some(known) = &known
            && let Some(word) = self.words.iter().find(|word| word.bytes == known.bytes)
        {
            return Some(word.is_in_range);
        }
        let severity = severity(LEVEL_KEYS[0].as_bytes(), value)?;
        let is_in_range = self.finder.severities().contains(&severity.what.number());
        if let Some(known) = known
            && self.words.len() < WORDS_MAX
        {
            self.words.push(Word {
                is_in_range,
                ..known
            });
        }
        Some(is_in_range)
    }

    /// The same of a line that begins as one before, with a word for its level that has come before,
    /// which most lines do: then it takes little more than to find where strings end.
    #[inline]
    fn is_in_range_as_before(&self, line: &[u8]) -> Option<bool> {
        let mut beginnings = self.beginnings.iter();
        let level = beginnings.find_map(|beginning| beginning.level(line))?;
        let rest = u64::from_le_bytes(*line.get(level..)?.first_chunk()?);
        let mut words = self.words.iter();
        let word = words.find(|word| (rest ^ word.bytes) & word.mask == 0)?;
        Some(word.is_in_range)
    }
}

/// How a line begins: members whose values are strings, and the level, which is one, too.
#[derive(Debug)]
struct Beginning {
    /// What stands before each value, with its quote; the last is the level's.
    leads: Vec<Lead>,
}

impl Beginning {
    /// How `line` begins, if it is such a line.
    fn of(line: &[u8], is_level: impl Fn(&[u8], Text<'_>) -> Option<()>) -> Option<Self> {
        let mut leads = Vec::new();
        let mut members = Members::of(line);
        let mut end = 0;
        while leads.len() <= MEMBERS_MAX {
            let (lead, key, value) = members.next_with_lead()?;
            let Value::Text(text) = value else {
                return None;
            };
            let start = text.raw().as_ptr().addr() - line.as_ptr().addr();
            let quoted = &line[end..start];
            // What stands in a string has other quotes.
            if quoted.contains(&b'\\') {
                return None;
            }
            end = start + text.raw().len() + 1;
            leads.push(Lead::new(quoted));
            if is_level(lead, key).is_some() {
                return Some(Self { leads });
            }
        }
        None
    }

    /// Where the level begins, behind its quote, in a line that begins so.
    #[inline]
    fn level(&self, line: &[u8]) -> Option<usize> {
        let (last, others) = self.leads.split_last()?;
        let mut at = 0;
        for lead in others {
            if !lead.is_at(line, at) {
                return None;
            }
            at += lead.len();
            at += json::string_end(&line[at..])?.0 + 1;
        }
        last.is_at(line, at).then(|| at + last.len())
    }
}

/// A word for a level.
#[derive(Debug)]
struct Word {
    /// Its bytes and the quote behind them, the first of them lowest, so that few instructions compare
    /// them.
    bytes: u64,
    /// The bits that these bytes take.
    mask: u64,
    /// Whether the level is in the range.
    is_in_range: bool,
}

impl Word {
    /// A word that holds no quote, if it is short enough; nothing is known of its level yet.
    fn of(text: &[u8]) -> Option<Self> {
        if text.len() > WORD_BYTES_MAX {
            return None;
        }
        let mut bytes = [0; WORD_BYTES_MAX + 1];
        bytes[..text.len()].copy_from_slice(text);
        bytes[text.len()] = b'"';
        Some(Self {
            bytes: u64::from_le_bytes(bytes),
            mask: u64::MAX >> (8 * (WORD_BYTES_MAX - text.len())),
            is_in_range: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::search::laws::logs;

    /// Lines as one logger writes them, among others.
    fn lines() -> impl Strategy<Value = Vec<u8>> {
        let line = prop::sample::select(vec![
            r#"{"time":"2026-03-14T14:05:30Z","level":"info","n":7}"#,
            r#"{"time":"2026-03-14T14:05:31Z","level":"error","n":7}"#,
            r#"{"time":"2026-03-14T14:05:31Z","Level":"Error","n":7}"#,
            r#"{"time":"2026-03-14T14:05:31Z","level":"well","severity":"ERR"}"#,
            r#"{"time":"2026-03-14T14:05:31Z","severity":"ERR"}"#,
            r#"{"time":"\"level\":\"error\"","level":"info"}"#,
            r#"{"a":{"level":"error"},"level":"info"}"#,
            r#"{"level":50}"#,
            r#"{"level":30,"level":50}"#,
            r#"{"level":"err"#,
            r#"{"level":"#,
            "\"error\"}",
            " at java.lang.error",
            "",
        ]);
        prop::collection::vec(line, 0..20).prop_map(|lines| lines.join("\n").into_bytes())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn lines_that_are_left_out_begin_no_record_that_is_looked_for(
            chunk in prop_oneof![4 => lines(), 1 => logs()],
            (low, high) in prop::sample::select(vec![(17, 20), (9, 12), (1, 24), (13, 16)]),
        ) {
            let parser = Parser::detect(&[br#"{"a":1}"#], 0);
            let finder = LevelKeyFinder::new(low..=high);
            let mut walk = LevelWalk::new(&finder, &parser).unwrap();
            let mut found = Vec::new();
            let mut at = 0;
            while let Some(place) = walk.find(&chunk, at) {
                let end = memchr(b'\n', &chunk[place..]).map_or(chunk.len(), |it| place + it + 1);
                if walk.is_certain_of(&(low..=high)) {
                    let severity = parser.parse(&chunk[place..end]).severity;
                    prop_assert!(severity.is_some_and(|it| (low..=high).contains(&it.number())));
                    prop_assert!(!walk.is_certain_of(&(low..=low)));
                }
                found.push(end);
                at = end;
            }
            let mut at = 0;
            for line in chunk.split_inclusive(|byte| *byte == b'\n') {
                at += line.len();
                let severity = parser.parse(line).severity;
                let is_wanted = severity.is_some_and(|it| (low..=high).contains(&it.number()));
                prop_assert!(!is_wanted || found.contains(&at), "{}", String::from_utf8_lossy(line));
            }
        }
    }
}
