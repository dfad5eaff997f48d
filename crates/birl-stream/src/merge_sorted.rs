//! `merge_sorted`: streams that are sorted become one that is.

mod inputs;
mod marked;
mod stall;

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BTreeSet, BinaryHeap};
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FusedStream;
use futures_core::Stream;
use tokio::task::coop;

use crate::failure::resume;
use crate::inlets::Found;

pub use marked::{Marked, Merged};

use inputs::Inputs;
use stall::Stall;

/// How many items of an input are taken ahead, unless [`MergeSorted::ahead`] says otherwise.
const AHEAD: usize = 16;

/// The stream that [`merge_sorted`] returns.
///
/// Dropping it aborts the tasks that poll the inputs, and drops the items that nobody took.
#[must_use = "streams do nothing unless polled"]
pub struct MergeSorted<T, F, K> {
    key: F,
    inputs: Inputs<T>,
    /// The inputs that have news; empty between polls.
    numbers: Vec<usize>,
    /// The keys of the items that are the first of their inputs.
    heads: BinaryHeap<Reverse<Head<K>>>,
    /// The inputs without a head that hold up the others. Those that are silent for too long are in
    /// neither.
    awaited: BTreeSet<usize>,
    /// The input that was emptied when the last item was given. It is looked into at the next poll,
    /// so that what it came to does not keep that item back.
    emptied: Option<usize>,
    stall: Stall,
    greatest: Option<K>,
    failed: bool,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Head<K> {
    key: K,
    input: usize,
}

/// Merges streams that are sorted by a key into one that is.
///
/// For instance logs by time. Each input runs in a task of its own, some items ahead
/// ([`MergeSorted::ahead`]), so that the merge may have thousands of them and still looks only into
/// those that have something new; tasks start at the first poll. It gives an item when all other
/// inputs have one whose key is not smaller, or have ended: an input that is merely silent, as a log
/// that is followed may be, holds all others up, unless [`MergeSorted::stall_after`] limits the
/// time. [`MergeSorted::push`] adds inputs later on, and [`MergeSorted::marked`] says of each item
/// where it comes from and whether it is out of order. Streams of several types go in as `boxed()`.
///
/// `key` is called once for each item. Items without a key of their own, such as errors or lines
/// without a time, are served well by an `Option`: `None` is the smallest key, and so such an item
/// comes at once, behind the one that came before it in its input.
///
/// # Ordering
/// By key; with equal keys, by the number of the input; items of one input as they are. An input
/// that is not sorted does no harm to the others, and its items come when they are the first of it.
///
/// # Backpressure
/// Of each input at most `ahead` items wait, and as many again may be in the hands of the stream
/// itself. An input is polled only while there is room.
///
/// # Cancellation
/// May be left unpolled for any time. Dropping it aborts the tasks, and drops the inputs and the
/// items that wait; [`MergeSorted::shutdown`] also waits until that has happened.
///
/// # Errors and panics
/// Items are not looked into. A panic in an input resumes in the consumer, after the items before it
/// in that input; the stream is at its end then, and dropping it aborts the other tasks. Panics of
/// `key` and of the comparison pass through. The first poll panics outside a tokio runtime, and a
/// later one if that runtime was shut down meanwhile.
///
/// # Examples
/// ```
/// use birl_stream::prelude::*;
///
/// # #[tokio::main] async fn main() {
/// let web = iter(vec![(1, "GET /"), (5, "GET /admin")]);
/// let database = iter(vec![(2, "connected"), (5, "denied"), (7, "closed")]);
/// let all = merge_sorted([web, database], |(time, _)| *time);
/// assert_eq!(
///     all.collect::<Vec<_>>().await,
///     [(1, "GET /"), (2, "connected"), (5, "GET /admin"), (5, "denied"), (7, "closed")]
/// );
/// # }
/// ```
pub fn merge_sorted<I, F, K>(streams: I, key: F) -> MergeSorted<<I::Item as Stream>::Item, F, K>
where
    I: IntoIterator<Item: Stream<Item: Send> + Send + 'static>,
    F: FnMut(&<I::Item as Stream>::Item) -> K,
    K: Ord,
{
    MergeSorted {
        key,
        inputs: Inputs::new(streams.into_iter().map(StreamExt::boxed).collect(), AHEAD),
        numbers: Vec::new(),
        heads: BinaryHeap::new(),
        awaited: BTreeSet::new(),
        emptied: None,
        stall: Stall::new(None),
        greatest: None,
        failed: false,
    }
}

impl<T, F, K> MergeSorted<T, F, K> {
    /// Takes up to `ahead` items of each input ahead instead of 16; 0 counts as 1.
    ///
    /// More means fewer task switches, and that more items are held. It changes nothing for inputs
    /// that have started.
    pub fn ahead(mut self, ahead: usize) -> Self {
        self.inputs.set_ahead(ahead);
        self
    }

    /// Lets silent inputs hold up the others for this time, and then goes on without them.
    ///
    /// The time runs while an item is there that could be given but for them. One that gives an
    /// item again takes part again: that item is out of order if the merge has got past it, and
    /// comes next then ([`marked`](Self::marked) tells).
    ///
    /// Measured by tokio's clock, in whole milliseconds; polling then needs a tokio runtime with
    /// its time driver.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::Merged;
    /// use birl_stream::prelude::*;
    /// use birl_stream::testing::{at, timeline};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let ms = Duration::from_millis;
    /// let fast = at([(ms(10), 1), (ms(11), 4)]);
    /// let slow = at([(ms(500), 3), (ms(500), 5)]);
    /// let both = merge_sorted([fast, slow], |n| *n).stall_after(ms(100)).marked();
    /// let both = both.map(|Merged { item, late, .. }| (item, late));
    /// let expected = [
    ///     (ms(110), (1, false)),
    ///     (ms(110), (4, false)),
    ///     (ms(500), (3, true)),
    ///     (ms(500), (5, false)),
    /// ];
    /// assert_eq!(timeline(both).await, expected);
    /// # }
    /// ```
    pub fn stall_after(mut self, after: Duration) -> Self {
        self.stall = Stall::new(Some(after));
        self
    }

    /// Gives with each item the number of its input, and whether it is out of order.
    pub fn marked(self) -> Marked<T, F, K> {
        Marked::new(self)
    }

    /// Adds an input, for instance a file that was found later, and gives its number: inputs are
    /// counted from 0, those that the merge began with first.
    ///
    /// It starts at the next poll. If the stream has ended, it goes on; after a panic it does not.
    pub fn push<S>(&mut self, stream: S) -> usize
    where
        S: Stream<Item = T> + Send + 'static,
    {
        self.inputs.push(stream.boxed())
    }

    /// Stops the tasks, as dropping does, and waits until they have ended and the inputs are
    /// dropped. Items that have not been taken are lost.
    ///
    /// Dropping the returned future ends only the waiting.
    pub async fn shutdown(self) {
        self.inputs.shutdown().await;
    }
}

impl<T, F, K> MergeSorted<T, F, K>
where
    T: Send + 'static,
    F: FnMut(&T) -> K,
    K: Ord,
{
    fn poll_merged(&mut self, cx: &mut Context<'_>) -> Poll<Option<Merged<T>>> {
        if self.failed {
            return Poll::Ready(None);
        }
        let budget = ready!(coop::poll_proceed(cx));
        // Failed while it is polled, so that it stays so if a panic goes through.
        self.failed = true;
        let merged = self.poll_give(cx);
        self.failed = false;
        if merged.is_ready() {
            budget.made_progress();
        }
        merged
    }

    fn poll_give(&mut self, cx: &mut Context<'_>) -> Poll<Option<Merged<T>>> {
        self.awaited.extend(self.inputs.start());
        if let Some(number) = self.emptied.take() {
            self.look_into(number);
        }
        loop {
            self.take_news(cx);
            if self.inputs.open() == 0 {
                return Poll::Ready(None);
            }
            if self.awaited.is_empty()
                && let Some(merged) = self.give()
            {
                return Poll::Ready(Some(merged));
            }
            if self.heads.is_empty() {
                // Nobody is held up.
                return Poll::Pending;
            }
            ready!(self.stall.poll(cx));
            self.awaited.clear();
        }
    }

    fn take_news(&mut self, cx: &Context<'_>) {
        let mut numbers = mem::take(&mut self.numbers);
        // None can come if each input has a head.
        while self.heads.len() < self.inputs.open()
            && self.inputs.poll_numbers(cx, &mut numbers).is_ready()
        {
            for number in numbers.drain(..) {
                self.look_into(number);
            }
        }
        self.numbers = numbers;
    }

    /// Takes what an input without a head has.
    fn look_into(&mut self, number: usize) {
        match self.inputs.look_into(number) {
            Found::Items => {
                let key = self.inputs.first(number).map(&mut self.key);
                let head = key.map(|key| Reverse(Head { key, input: number }));
                self.heads.extend(head);
                self.awaited.remove(&number);
            }
            Found::Nothing => {
                self.awaited.insert(number);
            }
            Found::End(Ok(())) => {
                self.awaited.remove(&number);
            }
            Found::End(Err(panic)) => resume(panic),
        }
    }

    /// Gives the smallest head.
    fn give(&mut self) -> Option<Merged<T>> {
        let mut top = self.heads.peek_mut()?;
        let number = top.0.input;
        let item = self.inputs.pop(number)?;
        let key = match self.inputs.first(number) {
            Some(next) => mem::replace(&mut top.0.key, (self.key)(next)),
            None => {
                self.emptied = Some(number);
                PeekMut::pop(top).0.key
            }
        };
        self.stall.end();
        let late = self
            .greatest
            .as_ref()
            .is_some_and(|greatest| key < *greatest);
        if !late {
            self.greatest = Some(key);
        }
        Some(Merged {
            item,
            input: number,
            late,
        })
    }
}

/// Nothing is pinned in place: the inputs are boxed.
impl<T, F, K> Unpin for MergeSorted<T, F, K> {}

impl<T, F, K> Stream for MergeSorted<T, F, K>
where
    T: Send + 'static,
    F: FnMut(&T) -> K,
    K: Ord,
{
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let merged = ready!(self.get_mut().poll_merged(cx));
        Poll::Ready(merged.map(|merged| merged.item))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.failed {
            return (0, Some(0));
        }
        // Each head will be given.
        self.inputs.size_hint(self.heads.len())
    }
}

impl<T, F, K> FusedStream for MergeSorted<T, F, K>
where
    Self: Stream,
{
    fn is_terminated(&self) -> bool {
        self.failed || self.inputs.have_ended()
    }
}

impl<T, F, K> fmt::Debug for MergeSorted<T, F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergeSorted")
            .field("ahead", &self.inputs.ahead())
            .field("stall_after", &self.stall.after())
            .field("open", &self.inputs.open())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
