//! `OpenWindows`: what is in windows that have not closed yet.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;

use super::{Placed, Span, WATERMARK_MAX, Window, Windows};

/// The open windows of each key, with what their items were folded into.
///
/// Items are not kept. Each is folded into every window that it belongs to as it comes, so that a
/// fold need not be divisible: one after the other for tumbling windows, and `size / slide` folds
/// for sliding ones. As many values are held for each key that has items in them.
///
/// [`advance`](Self::advance) closes windows, and [`pop`](Self::pop) gives them in the order of
/// their ends, then of their starts, and then as their keys first came.
pub struct OpenWindows<K, V> {
    windows: Windows,
    /// By end and start.
    open: BTreeMap<(i64, i64), HashMap<K, Folded<V>>>,
    closed: VecDeque<Window<K, V>>,
    watermark: i64,
    /// How many items came.
    items: u64,
}

struct Folded<V> {
    /// The number of the first item.
    first: u64,
    count: u64,
    value: V,
}

impl<K: Hash + Eq + Clone, V> OpenWindows<K, V> {
    /// None is open yet.
    pub fn new(windows: Windows) -> Self {
        Self {
            windows,
            open: BTreeMap::new(),
            closed: VecDeque::new(),
            watermark: i64::MIN,
            items: 0,
        }
    }

    /// Adds an item of this time, in nanoseconds: calls `fold` for each window of `key` that it
    /// belongs to and that is still open, with a value of `init` if it is the first there.
    pub fn add(
        &mut self,
        key: K,
        time: i64,
        mut init: impl FnMut() -> V,
        mut fold: impl FnMut(&mut V),
    ) -> Placed {
        self.items += 1;
        let mut earlier = self.windows.of(time);
        // It closes after all others.
        let latest = earlier.next_back().filter(|span| self.is_open(span));
        let Some(latest) = latest else {
            return Placed::Late;
        };
        let mut placed = Placed::Whole;
        for span in earlier {
            if self.is_open(&span) {
                self.fold_into(span, key.clone(), &mut init, &mut fold);
            } else {
                placed = Placed::Partly;
            }
        }
        self.fold_into(latest, key, &mut init, &mut fold);
        placed
    }

    /// What is in open windows, in the order in which they will close: to be kept, and
    /// [put back](Self::reopen) in this order.
    pub fn kept(&self) -> impl Iterator<Item = Window<&K, &V>> {
        self.open.iter().flat_map(|(&(end, start), keys)| {
            let mut keys: Vec<_> = keys.iter().collect();
            keys.sort_unstable_by_key(|(_, folded)| folded.first);
            keys.into_iter().map(move |(key, folded)| Window {
                start,
                end,
                key,
                value: &folded.value,
                count: folded.count,
            })
        })
    }

    /// Puts back a window that was open, in place of what its key has there.
    pub fn reopen(&mut self, window: Window<K, V>) {
        self.items += 1;
        let folded = Folded {
            first: self.items,
            count: window.count,
            value: window.value,
        };
        let keys = self.open.entry((window.end, window.start)).or_default();
        keys.insert(window.key, folded);
    }

    fn is_open(&self, span: &Span) -> bool {
        span.end > self.watermark
    }

    fn fold_into(
        &mut self,
        span: Span,
        key: K,
        init: &mut impl FnMut() -> V,
        fold: &mut impl FnMut(&mut V),
    ) {
        let keys = self.open.entry((span.end, span.start)).or_default();
        let folded = keys.entry(key).or_insert_with(|| Folded {
            first: self.items,
            count: 0,
            value: init(),
        });
        // First, so that a fold that panics leaves no window without items.
        folded.count += 1;
        fold(&mut folded.value);
    }

    /// Closes the windows that end at `watermark` or before; what comes for them from now on is
    /// late. A watermark that goes back changes nothing.
    pub fn advance(&mut self, watermark: i64) {
        self.close(watermark.min(WATERMARK_MAX));
    }

    /// Closes all windows: there are no more items, and any that comes is late.
    pub fn finish(&mut self) {
        self.close(i64::MAX);
    }

    fn close(&mut self, watermark: i64) {
        self.watermark = self.watermark.max(watermark);
        while let Some(window) = self.open.first_entry() {
            let (end, start) = *window.key();
            if end > self.watermark {
                return;
            }
            let mut keys: Vec<_> = window.remove().into_iter().collect();
            keys.sort_unstable_by_key(|(_, folded)| folded.first);
            self.closed
                .extend(keys.into_iter().map(|(key, folded)| Window {
                    start,
                    end,
                    key,
                    value: folded.value,
                    count: folded.count,
                }));
        }
    }

    /// Takes the next window that has closed.
    pub fn pop(&mut self) -> Option<Window<K, V>> {
        self.closed.pop_front()
    }

    /// The watermark that closes the next window, if any is open that a watermark closes.
    pub fn next_end(&self) -> Option<i64> {
        let ((end, _), _) = self.open.first_key_value()?;
        (*end <= WATERMARK_MAX).then_some(*end)
    }

    /// The values of the windows that are open, in the order in which these close: each with where its
    /// window begins and ends.
    ///
    /// ```
    /// use std::time::Duration;
    /// use birl_stream::window::{OpenWindows, Windows};
    ///
    /// let mut open = OpenWindows::new(Windows::sliding(
    ///     Duration::from_nanos(10),
    ///     Duration::from_nanos(5),
    /// ));
    /// open.add("key", 7, || 0, |count| *count += 1);
    /// open.add("key", 12, || 0, |count| *count += 1);
    /// let counts: Vec<_> = open.iter().map(|(span, _, count)| (span.start, *count)).collect();
    /// assert_eq!(counts, [(0, 1), (5, 2), (10, 1)]);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (Span, &K, &V)> {
        self.open.iter().flat_map(|(&(end, start), keys)| {
            let mut keys: Vec<_> = keys.iter().collect();
            keys.sort_unstable_by_key(|(_, folded)| folded.first);
            let span = Span { start, end };
            keys.into_iter()
                .map(move |(key, folded)| (span, key, &folded.value))
        })
    }

    /// How many values are held in open windows: one for each window and key.
    pub fn open(&self) -> usize {
        self.open.values().map(HashMap::len).sum()
    }

    /// How many windows have closed that were not taken yet.
    pub fn closed(&self) -> usize {
        self.closed.len()
    }

    /// Which windows these are.
    pub fn windows(&self) -> Windows {
        self.windows
    }
}

impl<K, V> fmt::Debug for OpenWindows<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenWindows")
            .field("windows", &self.windows)
            .field("watermark", &self.watermark)
            .field("open", &self.open.len())
            .field("closed", &self.closed.len())
            .finish_non_exhaustive()
    }
}
