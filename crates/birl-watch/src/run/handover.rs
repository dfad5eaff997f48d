//! What one query hands over to another that takes its place.

use std::collections::BTreeMap;

use birl_scan::Carried;

use super::reading::{number_in, source_of};
use crate::config::Source;

/// Which sources go on of which a query was asked, for the query in its place.
pub(super) struct Handover {
    /// By the number that a source had, the one that it has, and whether its stream has not been left.
    sources: BTreeMap<usize, (usize, bool)>,
    /// All sources go on, and have the numbers that they had.
    pub(super) is_whole: bool,
}

impl Handover {
    /// Of the sources `now`, by the names of those `before`, in the order of their numbers. `goes_on` says of
    /// one that goes on where it was whether its stream has not been left, and nothing of others.
    pub(super) fn new<'n>(
        before: impl Iterator<Item = &'n str>,
        now: &[&Source],
        goes_on: impl Fn(&Source) -> Option<bool>,
    ) -> Self {
        let before: Vec<_> = before.collect();
        let mut sources = BTreeMap::new();
        for (number, source) in now.iter().enumerate() {
            let was = before.iter().position(|it| *it == source.name);
            if let Some((was, stays)) = was.zip(goes_on(source)) {
                sources.insert(was, (number, stays));
            }
        }
        let mut numbers = sources.iter().map(|(was, (number, _))| was == number);
        Self {
            is_whole: [now.len(), before.len()] == [sources.len(); 2] && numbers.all(|it| it),
            sources,
        }
    }

    /// The lines and records of these sources that had begun in a state of the query before. One that another
    /// birl has written has none.
    pub(super) fn begun(&self, state: &[u8]) -> Carried {
        let source = |generation| self.sources.get(&source_of(generation)).copied();
        let begun = birl_query::begun_of_state(state).unwrap_or_default();
        let begun = begun.within_stream(|it| source(it).is_some_and(|(_, stays)| stays));
        begun.renumbered(|it| Some(number_in(source(it)?.0, it)))
    }
}
