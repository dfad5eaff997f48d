//! Many searches at once: which of them find a record.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};

use super::candidates::Need;
use super::{Compiler, Options, Records, Search};
use crate::query::Error;
use crate::query::tree::Term;
use crate::time::Clock;

/// Many searches, compiled into one: the literals that records must hold are looked for all together,
/// in one pass, and only the searches whose literals are there are asked.
#[derive(Clone, Debug)]
pub struct Set {
    searches: Vec<Search>,
    /// The literals of all searches, whatever their case.
    finder: AhoCorasick,
    /// Whose each literal is.
    owners: Vec<usize>,
    /// Which searches have literals, so that they need not be asked where none of them is.
    can_wait: Vec<bool>,
}

impl Set {
    /// Compiles searches, whose moments are as seen from `clock`.
    ///
    /// # Errors
    ///
    /// As [`Search::with_clock`], with the number of the search that is wrong.
    pub fn new(terms: &[Term], options: Options, clock: &Clock) -> Result<Self, (usize, Error)> {
        let mut searches = Vec::with_capacity(terms.len());
        let (mut literals, mut owners) = (Vec::new(), Vec::new());
        let mut can_wait = vec![false; terms.len()];
        for (at, term) in terms.iter().enumerate() {
            let mut compiler = Compiler::new(Some(clock));
            compiler.options = options;
            let expression = compiler.expression(term).map_err(|error| (at, error))?;
            if let Need::Literals(needed) = compiler.need(&expression) {
                can_wait[at] = true;
                owners.extend(needed.iter().map(|_| at));
                literals.extend(needed.into_iter().map(|literal| literal.bytes));
            }
            searches.push(compiler.search(expression));
        }
        let built = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .build(&literals);
        // So many literals that an automaton of them does not fit anywhere: each search looks for its own.
        let finder = built.unwrap_or_else(|_| {
            can_wait.fill(false);
            owners.clear();
            AhoCorasick::new([""; 0]).expect("nothing fits")
        });
        Ok(Self {
            searches,
            finder,
            owners,
            can_wait,
        })
    }

    /// The numbers of the searches that find the record at `range` of the chunk, in order.
    pub fn finds(&self, records: &Records<'_>, range: Range<usize>) -> Vec<usize> {
        let mut asked: Vec<bool> = self.can_wait.iter().map(|can_wait| !can_wait).collect();
        let text = &records.chunk[range.clone()];
        for found in self.finder.find_overlapping_iter(text) {
            asked[self.owners[found.pattern().as_usize()]] = true;
        }
        let unit = records.unit(range);
        let asked = asked.iter().enumerate().filter(|(_, asked)| **asked);
        let finds = asked.filter(|(at, _)| {
            let search = &self.searches[*at];
            search.holds(&unit) != search.inverted
        });
        finds.map(|(at, _)| at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Known, Parser};
    use crate::query::parse_search;

    #[test]
    fn a_set_finds_what_each_of_its_searches_finds() {
        let queries = [
            "hello",
            "message:/^hello\\b/i",
            "room:#ops -sender:ann",
            "-hello",
            "*",
            "HELLO",
            "sender:a* (hello OR bye)",
            "message:\"é \\\" q\"",
            "n:>3",
            "wörld",
        ];
        let records = [
            r##"{"message":"hello wÖrld","sender":"ann","room":"#ops"}"##,
            r##"{"message":"HELLO","sender":"bob","room":"#ops","n":4}"##,
            r##"{"message":"é \" q bye","sender":"al","room":"#x","n":3}"##,
            r#"{"message":"","n":"x"}"#,
        ];
        let clock = Clock {
            now: 0,
            zone: jiff::tz::TimeZone::UTC,
            newest: None,
        };
        let terms: Vec<_> = queries
            .iter()
            .map(|text| parse_search(text).unwrap())
            .collect();
        let set = Set::new(&terms, Options::default(), &clock).unwrap();
        let parser = Parser::forced(Known::named("json").unwrap(), &[], 0).unwrap();
        let mut any = 0;
        for record in records {
            let chunk = record.as_bytes();
            let records = Records {
                chunk,
                parser: &parser,
                source: b"s",
                offset: 0,
                is_start: true,
                times: None,
            };
            let alone = terms
                .iter()
                .map(|term| Search::new(term, Options::default()).unwrap());
            let expected: Vec<usize> = alone
                .enumerate()
                .filter(|(_, search)| search.finds(&records, 0..chunk.len()))
                .map(|(at, _)| at)
                .collect();
            assert_eq!(set.finds(&records, 0..chunk.len()), expected, "{record}");
            any += expected.len();
        }
        assert!(any > 15, "{any}");
        let wrong = parse_search("a /(/").unwrap();
        let terms = [Term::All, wrong];
        assert_eq!(
            Set::new(&terms, Options::default(), &clock).unwrap_err().0,
            1
        );
    }
}
