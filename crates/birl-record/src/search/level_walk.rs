//! Finds severities in lines of JSON by going from key to key, as far as the level.
//!
//! Loggers write the level first, or second, so that of most lines little more than the end is looked
//! for. Where a line does not say its level in the likeliest way, [`LevelKeyFinder`] looks for it in
//! all of the line.

use memchr::memchr;

use super::level_key::LevelKeyFinder;
use crate::extent::RECORD_BYTES_MAX;
use crate::format::Parser;
use crate::format::json::{LEVEL_KEYS, severity};
use crate::format::json_leads::Leads;
use crate::json::Members;
use crate::value::{Text, Value};

/// What lines begin with of which this is enough to know that they are objects of JSON.
const OPENING: &[u8] = b"{\"";

/// A word that is longer is not remembered.
const WORD_BYTES_MAX: usize = 7;

/// So many words are remembered; there are no more levels in a log.
const WORDS_MAX: usize = 16;

/// When so many more lines than others did not say their level, no more are asked.
const MISSES_MAX: usize = 64;

/// Finds lines whose severity may be in a certain range.
#[derive(Debug)]
pub(super) struct LevelWalk<'a> {
    finder: &'a LevelKeyFinder,
    leads: Leads<()>,
    /// The words for levels that have come, and whether each is in the range.
    words: Vec<(u64, bool)>,
    misses: usize,
}

impl<'a> LevelWalk<'a> {
    /// Finds what `finder` finds in lines of `parser`, if these are such that it pays.
    pub(super) fn new(finder: &'a LevelKeyFinder, parser: &Parser) -> Option<Self> {
        (parser.opening() == Some(OPENING)).then(|| Self {
            finder,
            leads: Leads::new(),
            words: Vec::new(),
            misses: 0,
        })
    }

    /// A place in the first line of `lines` that may have such a severity; `at` is where a line
    /// begins.
    pub(super) fn find(&mut self, lines: &[u8], at: usize) -> Option<usize> {
        let mut at = at;
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

    /// Whether the record that begins with this line has such a severity, if its level is of the
    /// likeliest key: no other can be the record's level then, whatever follows.
    fn is_in_range(&mut self, line: &[u8]) -> Option<bool> {
        if !line.starts_with(OPENING) {
            return None;
        }
        let mut members = Members::of(line);
        let is_level = |_: &[u8], key: Text<'_>| {
            let is_level = key.raw().eq_ignore_ascii_case(LEVEL_KEYS[0].as_bytes());
            is_level.then_some(())
        };
        let value = self.leads.next(&mut members, 0, is_level)?.value;
        let known = match value {
            Value::Text(text) if !text.has_escapes() && text.raw().len() <= WORD_BYTES_MAX => {
                Some(word(text.raw()))
            }
            _ => None,
        };
        if let Some(known) = known
            && let Some((_, is_in_range)) = self.words.iter().find(|(word, _)| *word == known)
        {
            return Some(*is_in_range);
        }
        let severity = severity(LEVEL_KEYS[0].as_bytes(), value)?;
        let is_in_range = self.finder.severities().contains(&severity.what.number());
        if let Some(known) = known
            && self.words.len() < WORDS_MAX
        {
            self.words.push((known, is_in_range));
        }
        Some(is_in_range)
    }
}

/// A number for each word of at most [`WORD_BYTES_MAX`] bytes, so that few instructions compare them.
#[inline]
fn word(text: &[u8]) -> u64 {
    let shifted = |word, byte: &u8| word << 8 | u64::from(*byte);
    text.iter().fold(1, shifted)
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
