//! `--tail`: the last lines that match, with what surrounds them.

use std::collections::VecDeque;

use super::lines::Owned;

/// Keeps the last lines that were pushed.
pub(super) struct Tail {
    /// How many lines that match are kept.
    lines: usize,
    /// How many lines before a match belong to it.
    before: usize,
    kept: VecDeque<Owned>,
    matched: usize,
}

impl Tail {
    pub(super) fn new(lines: usize, before: usize) -> Self {
        Self {
            lines,
            before,
            kept: VecDeque::new(),
            matched: 0,
        }
    }

    /// Takes a line. Lines come in their order, but for batches that come from the end of a source
    /// on.
    pub(super) fn push(&mut self, line: Owned) {
        self.matched += usize::from(!line.found.context);
        let earlier = |kept: &Owned| kept.found.offset < line.found.offset;
        let place = self.kept.partition_point(earlier);
        self.kept.insert(place, line);
        while self.matched > self.lines {
            self.drop_first_match();
        }
    }

    /// Whether there are as many lines as are wanted.
    pub(super) fn is_full(&self) -> bool {
        self.matched == self.lines
    }

    /// Lets go of the first match and its surroundings, but for what stands before the next.
    fn drop_first_match(&mut self) {
        while let Some(line) = self.kept.pop_front() {
            if !line.found.context {
                self.matched -= 1;
                break;
            }
        }
        let context = self
            .kept
            .iter()
            .take_while(|line| line.found.context)
            .count();
        self.kept.drain(..context.saturating_sub(self.before));
    }
}

impl IntoIterator for Tail {
    type Item = Owned;
    type IntoIter = std::collections::vec_deque::IntoIter<Owned>;

    fn into_iter(self) -> Self::IntoIter {
        self.kept.into_iter()
    }
}
