//! Windows over event time without a stream: which of them an item belongs to, how far time has
//! come, and which are open.
//!
//! [`windows`](crate::FlowExt::windows) and [`sessions`](crate::FlowExt::sessions) put these parts
//! together for a stream. They stand here for those who drive them by themselves: over batches, or
//! over several inputs with a clock each.
//!
//! An item's time is when the thing happened that it tells of, and not when it came. All times are
//! `i64` nanoseconds since a moment of your choice, the Unix epoch for instance; they reach 292
//! years in both directions, and what would lie beyond is cut to that. A window begins with its
//! start and ends just before its end.
//!
//! The model is that of Tyler Akidau et al., "The Dataflow Model", PVLDB 8(12), 2015: items are
//! assigned to windows by their time, and sessions merge (section 2.2); a watermark says that items
//! older than it are no longer expected, and closes the windows that end by then (section 2.3).
//!
//! # Examples
//! ```
//! use birl_stream::window::{OpenWindows, Placed, Watermark, Windows};
//! use std::time::Duration;
//!
//! const SECOND: i64 = 1_000_000_000;
//!
//! let mut watermark = Watermark::new(1, Duration::from_secs(5));
//! let mut minutes = OpenWindows::new(Windows::tumbling(Duration::from_secs(60)));
//! // The third comes late, but its minute is still open. The last one's minute is not.
//! for (second, placed) in [(10, true), (61, true), (59, true), (65, true), (58, false)] {
//!     let time = second * SECOND;
//!     let place = minutes.add("requests", time, || 0, |count| *count += 1);
//!     assert_eq!(place != Placed::Late, placed);
//!     watermark.observe(0, time);
//!     minutes.advance(watermark.get().unwrap());
//! }
//! let first = minutes.pop().unwrap();
//! assert_eq!((first.start, first.end), (0, 60 * SECOND));
//! assert_eq!((first.key, first.value), ("requests", 2));
//! assert_eq!(minutes.pop(), None);
//! assert_eq!(minutes.next_end(), Some(120 * SECOND));
//! ```

mod assignment;
mod open_sessions;
mod open_windows;
mod watermark;

use std::time::Duration;

pub use assignment::{Span, Windows};
pub use open_sessions::OpenSessions;
pub use open_windows::OpenWindows;
pub use watermark::Watermark;

/// A closed window of one key, with what became of its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window<K, V> {
    /// When it begins, in nanoseconds. A session begins with its first item.
    pub start: i64,
    /// The first nanosecond after it. A session ends when the gap after its last item is over.
    pub end: i64,
    /// The key that its items have in common.
    pub key: K,
    /// What they were folded into.
    pub value: V,
    /// How many they are; never 0.
    pub count: u64,
}

/// What became of an item that was added to open windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is in all the windows that it belongs to.
    Whole,
    /// It is in some of them, for others had closed before.
    Partly,
    /// It is in none: all had closed before.
    Late,
}

/// Only the end of all items closes a window that is cut at the end of time, for its last
/// nanosecond would lie behind any watermark.
const WATERMARK_MAX: i64 = i64::MAX - 1;

/// Cut at 292 years.
pub(crate) fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}
