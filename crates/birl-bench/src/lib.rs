//! What birl is measured with: logs that look real and are the same on every machine, and a
//! stopwatch that runs commands beside each other. In goes a seed, out comes a log; in go two
//! commands, out come their times.

pub mod random;

pub mod line;

pub mod planted;

pub mod data;

pub mod targets;

pub mod versus;

mod wait;
