//! birl as a library: the crates that the binary is made of, under one name.
//!
//! ```
//! use birl::prelude::*;
//!
//! # #[tokio::main] async fn main() {
//! let mut lengths = birl::stream::iter(["a", "bc"]).map(str::len);
//! while let Some(length) = lengths.next().await {
//!     println!("{length}");
//! }
//! # }
//! ```

#[cfg(feature = "chat")]
pub use birl_chat as chat;
#[cfg(feature = "query")]
pub use birl_query as query;
pub use birl_record as record;
pub use birl_render as render;
pub use birl_scan as scan;
pub use birl_source as source;
pub use birl_stream as stream;
#[cfg(feature = "watch")]
pub use birl_watch as watch;

/// What stream programs need: the `Stream` trait, the methods of `futures` on it, and birl's own.
pub mod prelude {
    pub use birl_stream::prelude::*;
}

/// The examples of the guide, as tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/streams.md")]
#[cfg_attr(feature = "chat", doc = include_str!("../docs/chat.md"))]
pub struct Guide;
