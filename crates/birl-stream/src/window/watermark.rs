//! `Watermark`: how far event time has come.

use std::collections::BTreeSet;
use std::time::Duration;

use super::nanoseconds;

/// How far event time has come: items older than this are no longer expected.
///
/// Each input is taken to be complete up to its newest time, less a lateness. The watermark is that
/// of the input furthest behind, as far as inputs are not idle, and never moves back: an item that
/// comes behind it is late.
///
/// # Examples
/// ```
/// use birl_stream::window::Watermark;
/// use std::time::Duration;
///
/// let mut watermark = Watermark::new(2, Duration::from_nanos(5));
/// watermark.observe(0, 100);
/// // The other may still have anything.
/// assert_eq!(watermark.get(), None);
/// watermark.observe(1, 40);
/// assert_eq!(watermark.get(), Some(35));
/// watermark.set_idle(1);
/// assert_eq!(watermark.get(), Some(95));
/// ```
#[derive(Clone, Debug)]
pub struct Watermark {
    lateness_ns: i64,
    /// The newest time of each input, unless it had no item yet.
    inputs: Vec<Option<i64>>,
    /// The inputs that are not idle, with their newest times: the one furthest behind comes first.
    active: BTreeSet<(Option<i64>, usize)>,
    newest: Option<i64>,
    mark: Option<i64>,
}

impl Watermark {
    /// The watermark of so many inputs, which are numbered from 0, none of them idle.
    pub fn new(inputs: usize, lateness: Duration) -> Self {
        let mut watermark = Self {
            lateness_ns: nanoseconds(lateness),
            inputs: Vec::new(),
            active: BTreeSet::new(),
            newest: None,
            mark: None,
        };
        for _ in 0..inputs {
            watermark.add_input();
        }
        watermark
    }

    /// Adds an input, and tells its number. The watermark waits for it from now on.
    pub fn add_input(&mut self) -> usize {
        let input = self.inputs.len();
        self.inputs.push(None);
        self.active.insert((None, input));
        input
    }

    /// Changes the lateness, from the next item on.
    pub fn set_lateness(&mut self, lateness: Duration) {
        self.lateness_ns = nanoseconds(lateness);
    }

    /// How far event time has come, in nanoseconds; `None` as long as an input that is not idle had
    /// no item.
    pub fn get(&self) -> Option<i64> {
        self.mark
    }

    /// The newest time of all inputs.
    pub fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// An item of this time came from this input, which is not idle then.
    ///
    /// # Panics
    /// If there is no input of this number.
    pub fn observe(&mut self, input: usize, time: i64) {
        let newest = self.inputs[input].max(Some(time));
        self.active.remove(&(self.inputs[input], input));
        self.active.insert((newest, input));
        self.inputs[input] = newest;
        self.newest = self.newest.max(newest);
        self.update();
    }

    /// Waits for this input no longer, until an item comes from it: it has fallen silent, or ended.
    ///
    /// If all are idle, they count as complete up to the newest time of all, as they do in Flink.
    ///
    /// # Panics
    /// If there is no input of this number.
    pub fn set_idle(&mut self, input: usize) {
        self.active.remove(&(self.inputs[input], input));
        self.update();
    }

    /// Moves it up to `time`, unless it has come further: for what is known from elsewhere, a clock
    /// for instance while all inputs are idle.
    pub fn advance(&mut self, time: i64) {
        self.mark = self.mark.max(Some(time));
    }

    /// How much newer than the newest item another has to be to move the watermark up to `time`, if
    /// its input is the only one; `None` before the first item.
    ///
    /// While all inputs are silent, this is how long a clock has to go on from the last item.
    pub fn distance_to(&self, time: i64) -> Option<Duration> {
        let distance = i128::from(time) + i128::from(self.lateness_ns) - i128::from(self.newest?);
        Some(Duration::from_nanos_u128(distance.max(0).unsigned_abs()))
    }

    fn update(&mut self) {
        let complete_to = match self.active.first() {
            Some((newest, _)) => *newest,
            None => self.newest,
        };
        let mark = complete_to.map(|time| time.saturating_sub(self.lateness_ns));
        self.mark = self.mark.max(mark);
    }
}
