//! Bisection: the part of a file that holds a range of time, found without reading the rest.
//!
//! Logs are written in time order, but for lines of several threads that overtake each other. A file
//! counts as ordered when the times of records that are spread over it never fall by more than the
//! slack. Then so does every other pair of records: one that is behind a record which is more than
//! the slack beyond the range's end is beyond it as well, and likewise before its beginning.

use std::fs::File;
use std::ops::Range;

use birl_record::chronology::Chronology;
use birl_record::extent::Extents;
use birl_record::format::Parser;

use crate::detection;
use crate::read_at::ReadAt;

/// So many places of a file are looked at to see whether it is ordered.
const SAMPLES: u64 = 64;

/// So much is read at a place first, and so much at most, to find a record with a time.
const PROBE_BYTES: usize = 4 * 1024;
const PROBE_BYTES_MAX: usize = 1 << 20;

/// A place is known well enough when it is known to lie in so many bytes.
const PLACE_BYTES: u64 = 32 * 1024;

/// A file of plain text, to be bisected.
pub(crate) struct Bisection<'a> {
    pub(crate) file: &'a File,
    /// Where the file's text begins and ends.
    pub(crate) text: Range<u64>,
    pub(crate) parser: &'a Parser,
    pub(crate) chronology: Chronology,
    /// By how many nanoseconds times may fall.
    pub(crate) slack: i64,
}

/// A record that was looked at.
#[derive(Clone, Copy, Debug)]
struct Probe {
    offset: u64,
    time: i64,
}

/// Nothing can be told of a place: times there do not say their day, or are too far apart, or cannot
/// be read.
struct Unknown;

impl Bisection<'_> {
    /// Where the records stand that are in a range of time, in nanoseconds since 1970 (UTC); others
    /// stand there as well. `None` where the file is not ordered, or does not say its times.
    pub(crate) fn part(mut self, range: &Range<i64>) -> Option<Range<u64>> {
        // Where lines depend on those before them, all of these have to be passed.
        if self.parser.has_partial_times() || self.parser.is_stateful() {
            return None;
        }
        let mut probes = self.samples()?;
        let before = range.start.saturating_sub(self.slack);
        let from = self.boundary(&mut probes, |time| time < before).ok()?;
        let behind = range.end.saturating_add(self.slack);
        let to = self.boundary(&mut probes, |time| time < behind).ok()?;
        probes.sort_unstable_by_key(|probe| probe.offset);
        self.is_ordered(&probes).then_some(from.start..to.end)
    }

    /// Records that are spread over the file.
    fn samples(&mut self) -> Option<Vec<Probe>> {
        let len = self.text.end.saturating_sub(self.text.start);
        let mut probes: Vec<Probe> = Vec::new();
        let spread = (0..SAMPLES).map(|sample| len / SAMPLES * sample);
        // The end as well: who adds to a log that was ordered adds there.
        let places = spread.chain([len.saturating_sub(PROBE_BYTES as u64)]);
        for place in places {
            let at = self.text.start + place;
            if probes.last().is_some_and(|last| last.offset >= at) {
                continue;
            }
            probes.extend(self.probe(at).ok()?);
        }
        self.is_ordered(&probes).then_some(probes)
    }

    fn is_ordered(&self, probes: &[Probe]) -> bool {
        let mut newest = i64::MIN;
        probes.iter().all(|probe| {
            newest = newest.max(probe.time);
            probe.time >= newest.saturating_sub(self.slack)
        })
    }

    /// Between which places the records end of which `is_early` is true: the first is one of them, or
    /// the beginning of the text, and at the second or behind it is one that is none, or it is the
    /// end of the text.
    fn boundary(
        &mut self,
        probes: &mut Vec<Probe>,
        is_early: impl Fn(i64) -> bool,
    ) -> Result<Range<u64>, Unknown> {
        let early = probes.iter().filter(|probe| is_early(probe.time));
        let mut from = early
            .map(|probe| probe.offset)
            .max()
            .unwrap_or(self.text.start);
        let late = probes
            .iter()
            .filter(|probe| !is_early(probe.time) && probe.offset > from);
        let mut to = late
            .map(|probe| probe.offset)
            .min()
            .unwrap_or(self.text.end);
        while to.saturating_sub(from) > PLACE_BYTES {
            let middle = from + (to - from) / 2;
            // Where none is found before the end of these places, none begins there.
            let probe = self.probe(middle)?.filter(|probe| probe.offset < to);
            probes.extend(probe);
            match probe {
                Some(probe) if is_early(probe.time) => from = probe.offset,
                _ => to = middle,
            }
        }
        Ok(from..to)
    }

    /// The first record with a time that begins at a place or behind it, if any does.
    fn probe(&mut self, at: u64) -> Result<Option<Probe>, Unknown> {
        let mut bytes = PROBE_BYTES;
        loop {
            let mut window = vec![0; bytes];
            // What cannot be read is reported by the search.
            let read = ReadAt::new(self.file, at).read_full(&mut window);
            let read = read.map_err(|_| Unknown)?;
            let is_end = read < bytes;
            if let Some(probe) = self.probe_in(&window[..read], at, is_end)? {
                return Ok(Some(probe));
            }
            if is_end {
                return Ok(None);
            }
            if bytes >= PROBE_BYTES_MAX {
                return Err(Unknown);
            }
            bytes *= 4;
        }
    }

    fn probe_in(&mut self, window: &[u8], at: u64, is_end: bool) -> Result<Option<Probe>, Unknown> {
        let is_start = at == self.text.start;
        let whole = match is_end {
            true => window.len(),
            false => memchr::memrchr(b'\n', window).map_or(0, |newline| newline + 1),
        };
        let lines = match is_start {
            true => &window[..whole],
            false => detection::from_line(&window[..whole]),
        };
        let start = whole - lines.len();
        for extent in Extents::new(self.parser, lines, is_start).into_all() {
            let timestamp = self.parser.timestamp(&lines[extent.range.clone()]);
            let reading = timestamp.and_then(|timestamp| self.parser.reading(timestamp));
            let Some(reading) = reading else {
                continue;
            };
            if reading.period().is_some() {
                return Err(Unknown);
            }
            if let Some(time) = self.chronology.instant(reading) {
                let offset = at + (start + extent.range.start) as u64;
                return Ok(Some(Probe { offset, time }));
            }
        }
        Ok(None)
    }
}
