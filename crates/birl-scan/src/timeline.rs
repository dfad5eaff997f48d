//! Timelines: when the records of a file were that do not say their whole date.
//!
//! Such a file is read twice: first for its timestamps alone, in stretches that are read in parallel
//! and joined in order, and then, when each stretch is known to begin in which year or day, by the
//! search.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use birl_record::chronology::{Chronology, ChunkTimes};
use birl_record::format::{Parser, State};
use birl_record::time::Tracks;

use crate::chunk::Context;
use crate::detection;
use crate::part::RangePart;
use crate::scan::Options;

/// What is known of the times of a large file at the beginning of each of its stretches.
#[derive(Debug)]
pub(crate) struct Timeline {
    /// One for each stretch; one for all where each time says its whole date.
    stretches: Vec<Chronology>,
}

impl Timeline {
    /// Reads the file of a stretch, where that is needed.
    pub(crate) fn read(stretch: &RangePart, parser: &Arc<Parser>, context: &Context) -> Self {
        let options = &context.options;
        let modified = detection::modified(&stretch.file, options);
        let mut chronology = Chronology::new(options.zone.clone(), modified);
        if !parser.has_partial_times() {
            return Self {
                stretches: vec![chronology],
            };
        }
        let tracks = tracks_of_all(stretch, parser, &chronology, context);
        let mut whole = Tracks::default();
        tracks.iter().for_each(|tracks| whole.append(tracks));
        chronology = Chronology::of_whole(options.zone.clone(), modified, &whole);
        let stretches = tracks.iter().map(|tracks| {
            let here = chronology.clone();
            chronology.pass(tracks);
            here
        });
        Self {
            stretches: stretches.collect(),
        }
    }

    /// The times of a stretch.
    pub(crate) fn at(&self, number: u64) -> ChunkTimes {
        match &self.stretches[..] {
            [everywhere] => everywhere.here(),
            stretches => stretches[number as usize].here(),
        }
    }
}

/// The times of the records of a source that is at hand to its end; from its beginning where
/// `is_start`.
pub(crate) fn times_of_whole(
    parser: &Arc<Parser>,
    text: &[u8],
    is_start: bool,
    modified: i64,
    options: &Options,
) -> ChunkTimes {
    let mut chronology = Chronology::new(options.zone.clone(), modified);
    if parser.has_partial_times() {
        let whole = tracks_in(text, State::default(), parser, &mut chronology, is_start);
        chronology = Chronology::of_whole(options.zone.clone(), modified, &whole);
    }
    chronology.here()
}

/// The tracks of all stretches, in their order.
fn tracks_of_all(
    stretch: &RangePart,
    parser: &Arc<Parser>,
    chronology: &Chronology,
    context: &Context,
) -> Vec<Tracks> {
    let all: Vec<OnceLock<Tracks>> = (0..stretch.stretches).map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut chronology = chronology.clone();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(place) = all.get(number) else {
                return;
            };
            let stretch = stretch.sibling(number as u64);
            let tracks = tracks_of(&stretch, parser, &mut chronology, context);
            place.get_or_init(|| tracks);
        }
    };
    thread::scope(|scope| {
        // The calling thread is one of them.
        for _ in 1..context.options.threads {
            scope.spawn(work);
        }
        work();
    });
    all.into_iter()
        .map(|tracks| tracks.into_inner().unwrap_or_default())
        .collect()
}

fn tracks_of(
    stretch: &RangePart,
    parser: &Arc<Parser>,
    chronology: &mut Chronology,
    context: &Context,
) -> Tracks {
    let mut block = context.blocks.take();
    // What cannot be read has no times; the search reports it.
    let owned = stretch.read(&mut block, Some(parser), context.options.line_bytes_max);
    let (owned, state) = owned.unwrap_or_default();
    let text = &block.as_ref()[owned];
    tracks_in(text, state, parser, chronology, stretch.is_first())
}

/// The tracks of whole records, which come behind `state`.
fn tracks_in(
    text: &[u8],
    mut state: State,
    parser: &Arc<Parser>,
    chronology: &mut Chronology,
    is_start: bool,
) -> Tracks {
    let mut all = Tracks::default();
    for (range, parser) in parser.pieces(&mut state, text) {
        let is_start = is_start && range.start == 0;
        all.append(&chronology.tracks(&parser, &text[range], is_start));
    }
    all
}
