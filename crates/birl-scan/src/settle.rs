//! Settling: what is written to many sources at once, put in the order of its times.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::batch::{Batch, Event};
use crate::merge::{MergeOptions, compact};

/// So many bytes of records wait for earlier ones at most.
const WAITING_BYTES_MAX: usize = 32 << 20;

/// Puts the records that `following` gives in the order of their times, as far as they come within
/// `wait` of each other.
///
/// What was there when following began is all in order, but for what does not fit into 32 MiB: then
/// the first go on. A record that comes later than others with a later time, and later than `wait`,
/// comes at once. The records of one source stay in their order, and those without a time come with
/// the one before them; of the same time are first those of the source that was found first. Other
/// events are not held back; at a barrier nothing is.
///
/// Dropping it drops what waits. Polling needs a tokio runtime with its time driver.
pub fn settle<S>(following: S, wait: Duration, merge: MergeOptions) -> Settling<S>
where
    S: Stream<Item = Event> + Unpin,
{
    Settling {
        following: Some(following),
        wait,
        last: merge.last,
        left: merge.first.unwrap_or(u64::MAX),
        caught_up: false,
        count: 0,
        records: 0,
        bytes: 0,
        times: HashMap::new(),
        waiting: BinaryHeap::new(),
        due: VecDeque::new(),
        timer: None,
        ready: VecDeque::new(),
    }
}

/// The stream of [`settle`].
#[derive(Debug)]
pub struct Settling<S> {
    /// `None` when it has ended.
    following: Option<S>,
    wait: Duration,
    /// Of what was there at the beginning, only so many records are wanted.
    last: Option<usize>,
    /// How many records are still wanted.
    left: u64,
    caught_up: bool,
    /// How many records have come.
    count: u64,
    /// What waits: how many records, in how many bytes.
    records: usize,
    bytes: usize,
    /// The last time of each source.
    times: HashMap<u64, i64>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// When each record is no longer held back, with its place.
    due: VecDeque<(Instant, Place)>,
    timer: Option<Pin<Box<Sleep>>>,
    ready: VecDeque<Event>,
}

/// When a record was, the number of its source, and how many had come before it.
type Place = (i64, u64, u64);

/// One record, as a batch.
#[derive(Debug)]
struct Waiting {
    place: Place,
    batch: Batch,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place.cmp(&other.place)
    }
}

impl<S> Settling<S> {
    fn take(&mut self, event: Event) {
        match event {
            Event::Batch(batch) => self.take_batch(&batch),
            Event::CaughtUp => {
                self.caught_up = true;
                self.give_up_to(None);
                self.ready.push_back(Event::CaughtUp);
            }
            Event::Barrier(barrier) => {
                self.give_up_to(None);
                self.ready.push_back(Event::Barrier(barrier));
            }
            event => self.ready.push_back(event),
        }
    }

    fn take_batch(&mut self, batch: &Batch) {
        let number = batch.source.number();
        let runs = batch.runs.len();
        if runs == 0 && (batch.lines > 0 || batch.last) {
            self.hold(number, None, batch.clone());
        }
        for (index, run) in batch.runs.iter().enumerate() {
            let is_last = index + 1 == runs;
            let part = Batch {
                runs: vec![run.clone()],
                matched: 1,
                columns: batch.rows(index..index + 1),
                // The last one counts the lines of all.
                lines: if is_last { batch.lines } else { 0 },
                last: is_last && batch.last,
                ..batch.clone()
            };
            self.hold(number, run.time, compact(part));
        }
        if !self.caught_up {
            let most = self.last.unwrap_or(usize::MAX);
            while self.records > most || self.bytes > WAITING_BYTES_MAX {
                let Some(first) = self.pop() else { break };
                match self.last {
                    // It is not wanted, but its lines count.
                    Some(_) => self.ready.push_back(Event::Batch(without_runs(first))),
                    None => self.ready.push_back(Event::Batch(first)),
                }
            }
        }
    }

    /// Holds a record of a source, which goes behind those of the same source.
    fn hold(&mut self, number: u64, time: Option<i64>, batch: Batch) {
        let last = self.times.entry(number).or_insert(i64::MIN);
        *last = time.unwrap_or(*last).max(*last);
        let place = (*last, number, self.count);
        self.count += 1;
        self.bytes += batch.bytes.len();
        self.records += batch.runs.len();
        if self.caught_up {
            self.due.push_back((Instant::now() + self.wait, place));
        }
        self.waiting.push(Reverse(Waiting { place, batch }));
    }

    fn pop(&mut self) -> Option<Batch> {
        let Reverse(Waiting { batch, .. }) = self.waiting.pop()?;
        self.bytes -= batch.bytes.len();
        self.records -= batch.runs.len();
        Some(batch)
    }

    /// Gives what waits, up to a record or all.
    fn give_up_to(&mut self, end: Option<Place>) {
        while self
            .waiting
            .peek()
            .is_some_and(|Reverse(first)| end.is_none_or(|end| first.place <= end))
            && let Some(batch) = self.pop()
        {
            self.ready.push_back(Event::Batch(batch));
        }
    }

    /// Gives what has waited for long enough, and sets the timer for the rest.
    fn poll_due(&mut self, cx: &mut Context<'_>) {
        while let Some((due, place)) = self.due.front().copied() {
            if due > Instant::now() {
                let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
                timer.as_mut().reset(due);
                if timer.as_mut().poll(cx).is_pending() {
                    return;
                }
            }
            self.due.pop_front();
            // Where it has been given already, so has all that goes before it.
            self.give_up_to(Some(place));
        }
    }

    /// The next event, or nothing where no more records are wanted.
    fn next_ready(&mut self) -> Option<Event> {
        let event = self.ready.pop_front()?;
        if let Event::Batch(batch) = &event {
            self.left -= batch.matched.min(self.left);
        }
        Some(event)
    }
}

fn without_runs(batch: Batch) -> Batch {
    Batch {
        columns: batch.rows(0..0),
        runs: Vec::new(),
        matched: 0,
        ..batch
    }
}

impl<S: Stream<Item = Event> + Unpin> Stream for Settling<S> {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            if let Some(event) = self.next_ready() {
                return Poll::Ready(Some(event));
            }
            self.poll_due(cx);
            if !self.ready.is_empty() {
                continue;
            }
            let Some(following) = &mut self.following else {
                return Poll::Ready(None);
            };
            match Pin::new(following).poll_next(cx) {
                Poll::Ready(Some(event)) => self.take(event),
                Poll::Ready(None) => {
                    self.following = None;
                    self.give_up_to(None);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
