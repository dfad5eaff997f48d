//! Streams that keep working while you await: any stream goes in, a better one comes out.
//!
//! Everything here stands beside [`futures::StreamExt`]: `use birl_stream::prelude::*` brings both.
//! All is lazy: tasks and threads start at the first poll, dropping a stream stops them, and its
//! `shutdown().await` also waits for them.
//!
//! | to | use |
//! | --- | --- |
//! | run a stream ahead of its consumer | [`FlowExt::prefetch`] |
//! | await several items at a time | [`FlowExt::par_map`], [`FlowExt::par_map_unordered`], [`FlowExt::par_by_key`] in order for each key |
//! | try again what failed for a moment | [`FlowExt::retry_each`] |
//! | compute or block on several threads | [`FlowExt::par_map_blocking`], [`FlowExt::par_flat_map`], [`FlowExt::par_chunks`] if it is little for each item |
//! | handle items in groups | [`FlowExt::batched`] |
//! | sum up each minute, or each visit, by the items' own time | [`FlowExt::windows`], [`FlowExt::sessions`]; [`window`] without a stream |
//! | drop what there is no time for | [`FlowExt::buffer`] |
//! | give what comes last, after a burst or in each period | [`FlowExt::debounce`], [`FlowExt::sample_every`] |
//! | slow a stream down | [`FlowExt::rate_limit`] |
//! | give up on a stream that has gone silent | [`FlowExt::idle_timeout`] |
//! | merge sorted streams, logs by time for instance | [`merge_sorted()`] |
//! | give each item to several consumers | [`FlowExt::share`] |
//! | know the latest item of another stream | [`FlowExt::latest_with`] |
//! | leave out repetitions | [`FlowExt::dedup`], [`FlowExt::dedup_by_key`] |
//! | skip errors, or put them aside | [`TryFlowExt::on_error`] |
//! | see what goes through | [`FlowExt::meter`] |
//! | call a closure for each item | [`FlowExt::each`], [`TryFlowExt::try_each`]; for several at a time, [`TryFlowExt::try_par_each`] |
//! | write a stream as an async closure | [`stream_fn`], [`try_stream_fn`]; with `yield`, `stream!` |
//! | make a stream of an iterator | [`iter`], [`blocking_iter`] if it blocks |
//! | make a stream of a channel, a listener, or tokio's other sources | [`IntoStream`] |
//! | read a file or a socket by lines | [`lines()`], [`lines_from`] |
//! | connect again whenever a connection is lost | [`reconnect()`] |
//! | read large files by blocks | [`block`] |
//! | test a stream of your own | [`testing`] |
//!
//! [Which stream when](https://github.com/birl-rs/birl/blob/main/docs/streams.md) is a guide to all
//! of this, to what goes wrong with streams, and to what the compiler says then.

pub mod block;

mod flow;
mod try_flow;

mod blocking_iter;
mod into_stream;
mod iter;
pub mod lines;
mod stream_fn;

mod backoff;
pub mod reconnect;

mod prefetch;

mod lanes;
mod par_by_key;
mod par_chunks;
mod par_flat_map;
mod par_map;
mod par_map_unordered;
mod retry_each;

mod batched;
mod buffer;

mod newest;
mod timer;
mod turn;

mod debounce;
mod idle_timeout;
mod rate_limit;
mod sample_every;

mod hub;
pub mod lag;
mod share;

mod inlets;
mod merge_sorted;

mod latest_with;

pub mod window;
mod windowed;

mod dedup;
mod meter;
mod on_error;

mod each;
pub mod step;
mod try_each;
mod try_par_each;

mod failure;

pub mod testing;

pub use backoff::Backoff;
pub use batched::Batched;
pub use blocking_iter::{BlockingIter, blocking_iter};
pub use buffer::{Buffer, BufferStats, Overflow};
pub use debounce::Debounce;
pub use dedup::Dedup;
pub use each::Each;
pub use flow::FlowExt;
pub use idle_timeout::{Idle, IdleTimeout};
pub use into_stream::{IntoStream, Items, Lagged};
pub use iter::{Iter, iter};
pub use latest_with::LatestWith;
pub use lines::{Line, LineBatch, Lines, lines, lines_from};
pub use merge_sorted::{Marked, MergeSorted, Merged, merge_sorted};
pub use meter::{Meter, Metered, Snapshot};
pub use on_error::{Handled, OnError};
pub use par_by_key::ParByKey;
pub use par_chunks::ParChunks;
pub use par_flat_map::{Closed, OUTPUTS_MAX, Outlet, ParFlatMap};
pub use par_map::ParMap;
pub use par_map_unordered::ParMapUnordered;
pub use prefetch::Prefetch;
pub use rate_limit::{Rate, RateLimit};
pub use reconnect::{Reconnect, reconnect};
pub use sample_every::SampleEvery;
pub use share::Shared;
pub use stream_fn::{Emit, Emitter, StreamFn, TryStreamFn, stream_fn, try_stream_fn};
pub use try_each::TryEach;
pub use try_flow::TryFlowExt;
pub use try_par_each::TryParEach;
pub use window::{Window, Windows};
pub use windowed::{WindowStats, Windowed};

#[cfg(feature = "macros")]
#[doc(no_inline)]
pub use async_stream::{stream, try_stream};

/// All that a program that works with streams imports: `use birl_stream::prelude::*`.
///
/// The methods of `futures` and of this crate, the functions that make streams, and what they take.
/// `stream` is `futures::stream` itself, so that this goes together with `futures::prelude`. Of the
/// two `iter` that makes, the bare one lets others run ([`iter()`](crate::iter())).
pub mod prelude {
    pub use futures::{SinkExt as _, StreamExt as _, TryStreamExt as _, stream};
    pub use futures_core::Stream;

    pub use crate::{
        Backoff, Emitter, FlowExt, IntoStream, Meter, OnError, Overflow, Rate, TryFlowExt, Windows,
        blocking_iter, iter, lag, lines, lines_from, merge_sorted, reconnect, stream_fn, testing,
        try_stream_fn,
    };
    #[cfg(feature = "macros")]
    pub use async_stream::{stream, try_stream};
}
