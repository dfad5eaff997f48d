//! `OpenSessions`: what is in sessions that have not closed yet.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::ops::Bound;
use std::time::Duration;

use super::{Placed, WATERMARK_MAX, Window, nanoseconds};

/// The open sessions of each key, with what their items were folded into.
///
/// A session is a window that lasts while items of its key come with less than a gap between them.
/// It begins with its first item, and ends when the gap after its last one is over. An item that
/// closes the gap between two sessions merges them. Items are not kept.
///
/// A key whose items never pause has a session that never ends.
///
/// [`advance`](Self::advance) closes sessions, and [`pop`](Self::pop) gives them in the order of
/// their ends, then of their starts, and then as their first items came.
///
/// # Examples
/// ```
/// use birl_stream::window::OpenSessions;
/// use std::time::Duration;
///
/// let mut visits = OpenSessions::new(Duration::from_nanos(30));
/// for (visitor, time) in [("ada", 0), ("bob", 10), ("ada", 50), ("ada", 25)] {
///     visits.add(visitor, time, || 0, |pages| *pages += 1, |pages, more| *pages += more);
/// }
/// visits.finish();
/// let bob = visits.pop().unwrap();
/// assert_eq!((bob.key, bob.start, bob.end, bob.value), ("bob", 10, 40, 1));
/// let ada = visits.pop().unwrap();
/// assert_eq!((ada.key, ada.start, ada.end, ada.value), ("ada", 0, 80, 3));
/// ```
pub struct OpenSessions<K, V> {
    gap_ns: i64,
    /// By start. Those of one key lie at least a gap apart.
    of_key: HashMap<K, BTreeMap<i64, Session<V>>>,
    by_end: BTreeMap<Rank, K>,
    closed: VecDeque<Window<K, V>>,
    watermark: i64,
    /// How many items came.
    items: u64,
}

/// End, start, and the number of the item that came first.
type Rank = (i64, i64, u64);

struct Session<V> {
    /// The times of the earliest and of the latest item.
    start: i64,
    last: i64,
    /// The number of the item that came first.
    first: u64,
    count: u64,
    value: V,
}

impl<K: Hash + Eq + Clone, V> OpenSessions<K, V> {
    /// None is open yet.
    ///
    /// # Panics
    /// If the gap is zero.
    pub fn new(gap: Duration) -> Self {
        assert!(!gap.is_zero(), "sessions must have a gap between them");
        Self {
            gap_ns: nanoseconds(gap),
            of_key: HashMap::new(),
            by_end: BTreeMap::new(),
            closed: VecDeque::new(),
            watermark: i64::MIN,
            items: 0,
        }
    }

    /// Adds an item of this time, in nanoseconds: calls `fold` for the session of `key` that it
    /// belongs to, with a value of `init` if it begins one. If it is in reach of two, `merge` first
    /// adds to the value of the earlier one that of the later.
    ///
    /// It is late if the session that it would begin had closed before, and is never placed in
    /// part.
    pub fn add(
        &mut self,
        key: K,
        time: i64,
        init: impl FnOnce() -> V,
        fold: impl FnOnce(&mut V),
        merge: impl FnOnce(&mut V, V),
    ) -> Placed {
        self.items += 1;
        // While closures run the sessions in reach stand in neither map, so that a panic leaves the
        // maps in agreement.
        let mut session = match self.take_in_reach(&key, time) {
            (Some(mut earlier), Some(later)) => {
                earlier.absorb(later, merge);
                earlier
            }
            (Some(session), None) | (None, Some(session)) => session,
            (None, None) if time.saturating_add(self.gap_ns) <= self.watermark => {
                return Placed::Late;
            }
            (None, None) => Session {
                start: time,
                last: time,
                first: self.items,
                count: 0,
                value: init(),
            },
        };
        fold(&mut session.value);
        session.count += 1;
        session.start = session.start.min(time);
        session.last = session.last.max(time);
        self.insert(key, session);
        Placed::Whole
    }

    /// The open sessions, each with the time of its latest item: to be kept, and
    /// [put back](Self::reopen) in this order.
    pub fn iter(&self) -> impl Iterator<Item = (Window<&K, &V>, i64)> {
        let mut all: Vec<_> = self.by_end.iter().collect();
        all.sort_unstable_by_key(|((_, _, first), _)| *first);
        all.into_iter().map(|((end, start, _), key)| {
            let session = &self.of_key[key][start];
            let window = Window {
                start: *start,
                end: *end,
                key,
                value: &session.value,
                count: session.count,
            };
            (window, session.last)
        })
    }

    /// Puts back a session that was open, whose latest item is of the time `last`, and that lies a gap
    /// apart from others of its key.
    ///
    /// # Panics
    /// If its latest item came before it began.
    pub fn reopen(&mut self, window: Window<K, V>, last: i64) {
        assert!(window.start <= last, "a session begins with an item");
        self.items += 1;
        let session = Session {
            start: window.start,
            last,
            first: self.items,
            count: window.count,
            value: window.value,
        };
        self.insert(window.key, session);
    }

    /// Takes out the sessions that an item of this time belongs to: one that began by then, and one
    /// that begins later.
    fn take_in_reach(&mut self, key: &K, time: i64) -> (Option<Session<V>>, Option<Session<V>>) {
        let Some(sessions) = self.of_key.get_mut(key) else {
            return (None, None);
        };
        let later = (Bound::Excluded(time), Bound::Unbounded);
        let nearest = [
            sessions.range(..=time).next_back(),
            sessions.range(later).next(),
        ];
        let in_reach = nearest.map(|session| {
            let (start, session) = session?;
            (session.distance_to(time) < self.gap_ns.unsigned_abs()).then_some(*start)
        });
        let [earlier, later] = in_reach.map(|start| {
            let session = sessions.remove(&start?)?;
            self.by_end.remove(&session.rank(self.gap_ns));
            Some(session)
        });
        (earlier, later)
    }

    fn insert(&mut self, key: K, session: Session<V>) {
        let rank = session.rank(self.gap_ns);
        // A key is cloned for its first session only, and not for each item.
        match self.of_key.get_mut(&key) {
            Some(sessions) => {
                sessions.insert(session.start, session);
            }
            None => {
                let sessions = BTreeMap::from([(session.start, session)]);
                self.of_key.insert(key.clone(), sessions);
            }
        }
        self.by_end.insert(rank, key);
    }

    /// Closes the sessions that end at `watermark` or before; what comes for them from now on is
    /// late. A watermark that goes back changes nothing.
    pub fn advance(&mut self, watermark: i64) {
        self.close(watermark.min(WATERMARK_MAX));
    }

    /// Closes all sessions: there are no more items, and any that comes is late.
    pub fn finish(&mut self) {
        self.close(i64::MAX);
    }

    fn close(&mut self, watermark: i64) {
        self.watermark = self.watermark.max(watermark);
        while let Some(entry) = self.by_end.first_entry() {
            let (end, start, _) = *entry.key();
            if end > self.watermark {
                return;
            }
            let key = entry.remove();
            let sessions = self.of_key.get_mut(&key);
            let sessions = sessions.expect("a session stands in both maps");
            let session = sessions.remove(&start);
            let session = session.expect("a session stands in both maps");
            if sessions.is_empty() {
                self.of_key.remove(&key);
            }
            self.closed.push_back(Window {
                start,
                end,
                key,
                value: session.value,
                count: session.count,
            });
        }
    }

    /// Takes the next session that has closed.
    pub fn pop(&mut self) -> Option<Window<K, V>> {
        self.closed.pop_front()
    }

    /// The watermark that closes the next session, if any is open that a watermark closes.
    pub fn next_end(&self) -> Option<i64> {
        let ((end, ..), _) = self.by_end.first_key_value()?;
        (*end <= WATERMARK_MAX).then_some(*end)
    }

    /// How many sessions are open.
    pub fn open(&self) -> usize {
        self.by_end.len()
    }

    /// How many sessions have closed that were not taken yet.
    pub fn closed(&self) -> usize {
        self.closed.len()
    }

    /// The gap between them.
    pub fn gap(&self) -> Duration {
        Duration::from_nanos(self.gap_ns.unsigned_abs())
    }
}

impl<V> Session<V> {
    fn rank(&self, gap_ns: i64) -> Rank {
        (self.last.saturating_add(gap_ns), self.start, self.first)
    }

    fn distance_to(&self, time: i64) -> u64 {
        time.abs_diff(time.clamp(self.start, self.last))
    }

    fn absorb(&mut self, later: Self, merge: impl FnOnce(&mut V, V)) {
        self.last = later.last;
        self.first = self.first.min(later.first);
        self.count += later.count;
        merge(&mut self.value, later.value);
    }
}

impl<K, V> fmt::Debug for OpenSessions<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSessions")
            .field("gap_ns", &self.gap_ns)
            .field("watermark", &self.watermark)
            .field("open", &self.by_end.len())
            .field("closed", &self.closed.len())
            .finish_non_exhaustive()
    }
}
