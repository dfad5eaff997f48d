//! The shapes that are known, a file for each family.

mod apache;
mod basic;
mod clock;
mod ctime;
mod epoch;
mod iso;
mod numeric;
mod syslog;
mod tai64;
mod words;

use super::shape::Definition;

/// Where several shapes read a text, and take as much of it, the first is the likeliest.
pub(super) static FAMILIES: [&[Definition]; 10] = [
    &iso::SHAPES,
    &syslog::SHAPES,
    &apache::SHAPES,
    &ctime::SHAPES,
    &words::SHAPES,
    &numeric::SHAPES,
    &basic::SHAPES,
    &epoch::SHAPES,
    &clock::SHAPES,
    &tai64::SHAPES,
];
