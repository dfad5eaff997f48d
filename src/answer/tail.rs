//! `--tail`: the last lines that match, with what surrounds them.

use std::collections::VecDeque;

use super::lines::{Found, Owned};

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
        let earlier = |kept: &Owned| kept.found.offset < line.found.offset;
        let place = self.kept.partition_point(earlier);
        if line.found.continues && place == 0 {
            // The record has been let go of.
            return;
        }
        self.matched += usize::from(line.found.is_match());
        self.kept.insert(place, line);
        while self.matched > self.lines {
            self.drop_first_match();
        }
    }

    /// What is known of the last line.
    pub(super) fn last_mut(&mut self) -> Option<&mut Found> {
        self.kept.back_mut().map(|line| &mut line.found)
    }

    /// Whether there are as many lines as are wanted.
    pub(super) fn is_full(&self) -> bool {
        self.matched == self.lines
    }

    /// Lets go of the first match and its surroundings, but for what stands before the next.
    fn drop_first_match(&mut self) {
        while let Some(line) = self.kept.pop_front() {
            if line.found.is_match() {
                self.matched -= 1;
                break;
            }
        }
        let rest_of_record = self.kept.iter().take_while(|line| line.found.continues);
        self.kept.drain(..rest_of_record.count());
        let context = self.kept.iter().take_while(|line| line.found.context);
        let context = context.count();
        let unwanted = context - last_units(self.kept.range(..context), self.before);
        self.kept.drain(..unwanted);
    }
}

/// How many lines the last `count` lines or records among some are.
pub(super) fn last_units<'a>(
    lines: impl DoubleEndedIterator<Item = &'a Owned>,
    count: usize,
) -> usize {
    let mut units = 0;
    let mut lines_of_units = 0;
    for (number, line) in lines.rev().enumerate() {
        if units == count {
            break;
        }
        if !line.found.continues {
            units += 1;
            lines_of_units = number + 1;
        }
    }
    lines_of_units
}

impl IntoIterator for Tail {
    type Item = Owned;
    type IntoIter = std::collections::vec_deque::IntoIter<Owned>;

    fn into_iter(self) -> Self::IntoIter {
        self.kept.into_iter()
    }
}
