//! A name goes in, bytes come out: with the source they are from, decoded, and in order.
//!
//! A name is what a person types: a path, a glob, `-`. This crate does the input and output and
//! knows nothing of lines or formats. Its modules, in the order in which data passes through them:
//!
//! - [`name`]: what was typed, told apart into paths, globs, addresses and
//!   standard input;
//! - [`walk`]: names → the files that they stand for, one at a time;
//! - [`content`]: the first bytes of a file → what it holds;
//! - [`peek`]: the beginning of a pipe, which stays in it;
//! - [`decode`]: compressed or UTF-16 bytes → UTF-8 text as a stream;
//! - [`follow`]: names → what is written to their files from now on, through rotation and
//!   truncation;
//! - [`live`]: addresses → what arrives there;
//! - [`link`]: what keeps a connection, of live sources and of others;
//! - [`origin`], [`inode`] and [`error`]: where bytes are from, which file that is, and what went
//!   wrong there;
//! - `saved`: how what is kept across restarts is written.

pub mod content;
pub mod decode;
pub mod error;
pub mod follow;
pub mod inode;
pub mod link;
pub mod live;
pub mod name;
pub mod origin;
pub mod peek;
pub mod saved;
pub mod walk;

pub use error::Error;
pub use inode::Inode;
pub use origin::Origin;
