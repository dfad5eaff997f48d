//! The cases of `stream_targets`.

mod lines;

use crate::{Args, Case};

pub(crate) fn all(args: &Args) -> Vec<Case<'_>> {
    [lines::cases(args)].into_iter().flatten().collect()
}
