//! Timestamps: how they are written, and when that was.

mod calendar;
mod clock;
mod cursor;
mod date;
mod decide;
mod digits;
mod frame;
mod moment;
mod names;
mod reading;
mod resolver;
mod shape;
mod shapes;
mod token;
mod track;
mod zone;

pub use decide::decide;
pub use frame::Frame;
pub use moment::{Clock, NotTyped, duration, moment, zone};
pub use reading::{Abbreviation, Day, Period, Reading, Zone};
pub use resolver::{Resolver, Tracks};
pub use shape::{Shape, candidates, find};
pub use track::{Anchor, Relative, Shift, Track};

#[cfg(test)]
use shape::Place;

#[cfg(test)]
mod laws;
