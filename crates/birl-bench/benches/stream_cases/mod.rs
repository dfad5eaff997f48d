//! The cases of `stream_targets`.

pub(crate) mod idle;
mod items;
mod lines;
mod reaction;

use crate::{Args, Case};

pub(crate) fn all(args: &Args) -> Vec<Case<'_>> {
    [
        lines::cases(args),
        items::cases(),
        idle::cases(),
        reaction::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
