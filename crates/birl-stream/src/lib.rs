//! Streams that keep working while you await.
//!
//! Everything here stands beside [`futures::StreamExt`]: `use birl_stream::prelude::*` brings both.

pub mod block;

mod flow;
mod lanes;
mod par_flat_map;

pub use flow::FlowExt;
pub use par_flat_map::{Closed, OUTPUTS_MAX, Outlet, ParFlatMap};

/// What a program that works with streams imports: `use birl_stream::prelude::*`.
pub mod prelude {
    pub use futures::{StreamExt as _, TryStreamExt as _};
    pub use futures_core::Stream;

    pub use crate::FlowExt;
}
