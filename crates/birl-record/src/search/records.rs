//! The search over records: each is found by a hit in its text, or by going through all of them.

use std::ops::Range;

use memchr::memchr;

use super::candidates::{Candidates, Need};
use super::field::{Origin, Unit};
use super::{Expression, Hit, Search};
use crate::chronology::RecordTimes;
use crate::extent::{Extent, Extents};
use crate::format::Parser;

/// A chunk of whole records.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    /// The records, one behind the other.
    pub chunk: &'a [u8],
    /// What reads the source's records.
    pub parser: &'a Parser,
    /// What the source is called.
    pub source: &'a [u8],
    /// Where the chunk begins, in bytes from the start of the source.
    pub offset: u64,
    /// The source begins with the chunk.
    pub is_start: bool,
    /// When the records of the chunk were. Without it, none is in a range of time.
    pub times: Option<&'a RecordTimes<'a>>,
}

impl Search {
    /// Calls `found` with each record that matches, in order.
    ///
    /// Lines before the first record belong to one in an earlier chunk, which was cut; they and the
    /// lines behind a record that is cut are not searched. Returns how many records were cut, of
    /// those that were looked at.
    pub fn find_records(&self, records: Records<'_>, mut found: impl FnMut(Hit)) -> usize {
        let chunk = records.chunk;
        let extents = Extents::new(records.parser, chunk, records.is_start);
        let every = Candidates::new(Need::Nothing);
        let parser = records.parser;
        let suits = !parser.scatters() && self.candidates.suit(parser);
        let candidates = if suits { &self.candidates } else { &every };
        let finds_all = matches!(self.expression, Expression::All);
        let mut cut = 0;
        if finds_all && !self.inverted && candidates.are_all() {
            extents.each(|lines, overlong| {
                cut += usize::from(overlong);
                found(Hit { lines, overlong });
            });
            return cut;
        }
        let mut give = |extent: Extent| {
            cut += usize::from(extent.is_cut);
            found(Hit::record(extent));
        };
        let mut hits = candidates.hits_of_records(chunk, parser);
        let mut at = extents.first();
        let mut is_record = true;
        let mut given = at;
        while let Some(hit) = hits.next(at) {
            let extent = match is_record && hit == at {
                true => Some(extents.at(at)),
                false => extents.around(hit, at),
            };
            let Some(extent) = extent else {
                // It is in what was cut off.
                at = memchr(b'\n', &chunk[hit..]).map_or(chunk.len(), |newline| hit + newline + 1);
                is_record = false;
                continue;
            };
            at = extent.next;
            is_record = true;
            let is_certain = || {
                let severities = self.severities.as_ref();
                severities.is_some_and(|severities| hits.is_certain_of(severities))
            };
            if finds_all || is_certain() || self.holds(&records.unit(extent.range.clone())) {
                match self.inverted {
                    true => {
                        extents.all(given..extent.range.start).for_each(&mut give);
                        given = extent.next;
                    }
                    false => give(extent),
                }
            }
        }
        if self.inverted {
            extents.all(given..chunk.len()).for_each(&mut give);
        }
        cut
    }

    /// Whether it finds the record that stands at `range` of the chunk.
    pub fn finds(&self, records: &Records<'_>, range: Range<usize>) -> bool {
        self.holds(&records.unit(range)) != self.inverted
    }
}

impl<'a> Records<'a> {
    pub(super) fn unit(&self, range: Range<usize>) -> Unit<'a> {
        let origin = Origin {
            parser: self.parser,
            source: self.source,
            offset: self.offset + range.start as u64,
            start: range.start,
            times: self.times,
        };
        Unit::record(&self.chunk[range], origin)
    }
}
