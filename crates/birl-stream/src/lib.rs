//! Streams that keep working while you await.

pub mod block;
