//! Sources and a search go in; batches of lines that match come out, in order.
//!
//! This is the only library that joins sources and records, and where chunks are searched in
//! parallel. Its modules, as a chunk passes them:
//!
//! - [`scan()`]: the stream, and its options;
//! - `plan`: names → the parts that workers search;
//! - `bisection`: the part of a file that holds a range of time;
//! - `part`: a part → its chunks of whole lines;
//! - `detection`: what the records of a source are written in, where records are searched;
//! - [`fields()`]: the fields that they have, before all of them are read;
//! - `states`: what lines say of those behind them, where a stretch begins;
//! - `timeline`: when they were, where one does not say it without those before it;
//! - [`newest()`]: when the newest of them was;
//! - `listing`: a list of objects → lines, where records are searched;
//! - `assembly`: the blocks of a source that is read in order → its chunks;
//! - `chunk`: a chunk → a batch;
//! - [`merge()`]: the records of many sources, in the order of their times;
//! - [`follow()`]: the same over what is still being written;
//! - [`Carried`]: what that holds back, to go on with after a restart;
//! - [`live()`]: that, and what comes through pipes;
//! - [`settle`]: what follows, in the order of its times as far as it can be told;
//! - [`Batch`] and [`Progress`]: what comes out.

mod assembly;
mod batch;
mod bisection;
mod carried;
mod chunk;
mod detection;
mod fields;
mod follow;
mod listing;
mod live;
mod merge;
mod newest;
mod part;
mod plan;
mod progress;
mod read_at;
mod sample;
mod scan;
mod settle;
mod states;
mod timeline;

pub use batch::{Barrier, Batch, Event, Run, Source};
pub use carried::Carried;
pub use fields::{fields, fields_with_stdin};
pub use follow::{Following, follow, follow_events};
pub use live::{Live, live};
pub use merge::{MergeOptions, merge};
pub use newest::newest;
pub use progress::{Progress, Snapshot};
pub use sample::sample;
pub use scan::{CHUNK_BYTES, Options, RECORD_WAIT, SLACK, Scan, Times, Want, scan};
pub use settle::{Settling, settle};
