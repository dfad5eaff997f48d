//! What the lines of a source say of those behind them, in the few formats where they do.

use std::sync::Arc;

use super::Format;

/// What the lines before a place say of those behind it; by default that they say nothing, as where
/// a source begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The last header, up to the first line behind it, or as much of that as has come.
    pub(super) header: Option<Arc<[u8]>>,
    /// The cell that has begun and not ended.
    pub(super) cell: Option<OpenCell>,
}

/// A cell of several lines: how much of it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenCell {
    pub(super) lines: usize,
    pub(super) bytes: usize,
}

impl State {
    /// The state that has these [parts](Self::parts).
    pub fn of_parts(header: Option<&[u8]>, cell: Option<(usize, usize)>) -> Self {
        Self {
            header: header.map(Arc::from),
            cell: cell.map(|(lines, bytes)| OpenCell { lines, bytes }),
        }
    }

    /// What it is, to be kept: the last header, and of how many lines and bytes the cell is that has
    /// begun.
    pub fn parts(&self) -> (Option<&[u8]>, Option<(usize, usize)>) {
        let cell = self.cell.map(|cell| (cell.lines, cell.bytes));
        (self.header.as_deref(), cell)
    }
}

/// A format in which a line may depend on those before it.
///
/// What a [`State`] becomes must not depend on how the lines are cut that are passed.
pub trait Stateful {
    /// Goes over whole lines, which come behind `state`, and leaves the state behind them. This is
    /// the one thing that is not done in parallel.
    fn pass(&self, state: &mut State, lines: &[u8]);

    /// Where a record may begin in whole lines that come behind `state`, in order; `None` where that
    /// may be at each.
    fn starts(&self, _state: &State, _lines: &[u8]) -> Option<Vec<usize>> {
        None
    }

    /// Where the pieces of whole lines begin that are read in other ways, each with the format that
    /// does; without one where that is this one. No pieces are one.
    ///
    /// Leaves the state behind the lines.
    fn pieces(&self, state: &mut State, lines: &[u8]) -> Vec<Piece> {
        self.pass(state, lines);
        Vec::new()
    }
}

/// Where a piece begins, and what reads it.
pub type Piece = (usize, Option<Arc<dyn Format>>);
