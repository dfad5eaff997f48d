//! The cases of `stream_targets`.

pub(crate) mod idle;
mod items;
mod lines;
mod reaction;

use crate::Case;

pub(crate) fn all(log_bytes: u64) -> Vec<Case<'static>> {
    [
        lines::cases(log_bytes),
        items::cases(),
        idle::cases(),
        reaction::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
