//! `FlowExt`: the adapters as methods of every stream.

use std::hash::Hash;
use std::time::Duration;

use futures_core::Stream;

use crate::backoff::Backoff;
use crate::batched::Batched;
use crate::buffer::{Buffer, Overflow};
use crate::debounce::Debounce;
use crate::dedup::Dedup;
use crate::each::Each;
use crate::idle_timeout::IdleTimeout;
use crate::lag::Lag;
use crate::latest_with::LatestWith;
use crate::meter::{Meter, Metered};
use crate::par_by_key::ParByKey;
use crate::par_chunks::ParChunks;
use crate::par_flat_map::{Outlet, ParFlatMap};
use crate::par_map::ParMap;
use crate::par_map_unordered::ParMapUnordered;
use crate::prefetch::Prefetch;
use crate::rate_limit::{Rate, RateLimit};
use crate::retry_each::retry_each;
use crate::sample_every::SampleEvery;
use crate::share::Shared;
use crate::step::Step;
use crate::window::Windows;
use crate::windowed::Windowed;

/// The adapters of this crate as methods of every [`Stream`].
///
/// No name here is one of `futures`, `tokio-stream`, `futures-lite` or `futures-concurrency`, so
/// that this trait and any one of theirs can be imported side by side.
pub trait FlowExt: Stream {
    /// Runs this stream in a task of its own, up to `ahead` items ahead; 0 counts as 1.
    ///
    /// Put it before a `select!`, whose other arms would otherwise leave a half-polled upstream
    /// behind, holding a lock's place in the queue for instance. The task starts at the first poll.
    ///
    /// # Ordering
    /// Input order.
    ///
    /// # Backpressure
    /// At most `ahead` items wait for the consumer. The upstream is polled only while there is
    /// room: one that has work of its own in flight, as `buffered` does, stands still while there
    /// is none. For such work there is [`par_map`](Self::par_map).
    ///
    /// # Cancellation
    /// May be left unpolled for any time. Dropping it aborts the task, and drops the upstream and
    /// the items that wait; [`Prefetch::shutdown`] also waits until that has happened.
    ///
    /// # Errors and panics
    /// Items are not looked into. A panic in the upstream resumes in the consumer, after the items
    /// before it. The first poll panics outside a tokio runtime, and a later one if that runtime
    /// was shut down meanwhile.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main] async fn main() {
    /// let numbers = birl_stream::iter(0..4).prefetch(2);
    /// assert_eq!(numbers.collect::<Vec<_>>().await, [0, 1, 2, 3]);
    /// # }
    /// ```
    fn prefetch(self, ahead: usize) -> Prefetch<Self::Item>
    where
        Self: Stream<Item: Send> + Send + Sized + 'static,
    {
        Prefetch::new(self, ahead)
    }

    /// Maps each item in a task of its own, up to `limit` at a time, and keeps the order.
    ///
    /// For work that awaits. A task costs about a microsecond; for work that keeps a CPU busy there
    /// are [`par_map_blocking`](Self::par_map_blocking) and [`par_chunks`](Self::par_chunks).
    /// Unlike in `map(f).buffered(limit)`, the work goes on while the consumer awaits something
    /// else, and so cannot deadlock with it. A `limit` of 0 counts as 1. Tasks start with the first
    /// poll.
    ///
    /// # Ordering
    /// Input order.
    ///
    /// # Backpressure
    /// At most `limit` tasks run, and at most twice `limit` lie between the upstream and the
    /// consumer, running or with a result that nobody took. The upstream is polled only while there
    /// is room for one more.
    ///
    /// # Cancellation
    /// May be left unpolled for any time. Dropping it aborts the upstream and all tasks, each at
    /// its next `await`; [`ParMap::shutdown`] also waits for that.
    ///
    /// # Errors and panics
    /// Items are not looked into. A panic in a task, in `f` or in the upstream resumes in the
    /// consumer, in its place in the order; the stream is at its end then, and dropping it aborts
    /// the other tasks. The first poll panics outside a tokio runtime, and a later one if that
    /// runtime was shut down meanwhile.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let pages = birl_stream::iter([30, 10, 20]).par_map(2, async |ms| {
    ///     tokio::time::sleep(Duration::from_millis(ms)).await;
    ///     format!("page after {ms} ms")
    /// });
    /// let pages: Vec<_> = pages.collect().await;
    /// assert_eq!(pages, ["page after 30 ms", "page after 10 ms", "page after 20 ms"]);
    /// # }
    /// ```
    fn par_map<F, Fut>(self, limit: usize, f: F) -> ParMap<Fut::Output>
    where
        Self: Stream<Item: Send> + Send + Sized + 'static,
        F: FnMut(Self::Item) -> Fut + Send + 'static,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        ParMap::new(self, limit, f)
    }

    /// Maps each item in a task of its own, up to `limit` at a time, and gives the results as they
    /// come.
    ///
    /// As [`par_map`](Self::par_map) in all but the order, so that a slow item holds nobody up.
    ///
    /// # Ordering
    /// That of completion.
    ///
    /// # Backpressure
    /// At most `limit` tasks run, and at most twice `limit` lie between the upstream and the
    /// consumer, running or with a result that nobody took. The upstream is polled only while there
    /// is room for one more.
    ///
    /// # Cancellation
    /// May be left unpolled for any time. Dropping it aborts the upstream and all tasks, each at
    /// its next `await`; [`ParMapUnordered::shutdown`] also waits for that.
    ///
    /// # Errors and panics
    /// As those of [`par_map`](Self::par_map), but a panic resumes as soon as it has happened.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let pages = birl_stream::iter([30, 10, 15]).par_map_unordered(2, async |ms| {
    ///     tokio::time::sleep(Duration::from_millis(ms)).await;
    ///     ms
    /// });
    /// assert_eq!(pages.collect::<Vec<_>>().await, [10, 15, 30]);
    /// # }
    /// ```
    fn par_map_unordered<F, Fut>(self, limit: usize, f: F) -> ParMapUnordered<Fut::Output>
    where
        Self: Stream<Item: Send> + Send + Sized + 'static,
        F: FnMut(Self::Item) -> Fut + Send + 'static,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        ParMapUnordered::new(self, limit, f)
    }

    /// Maps each item in a task of its own, up to `limit` at a time, and tries again what failed
    /// with an error that `is_transient`.
    ///
    /// As [`par_map`](Self::par_map), whose stream it is. Before each further attempt `backoff` says
    /// how long to wait, for each item anew, and after how many attempts to give up
    /// ([`Backoff::tries_max`]): the last error is the result then. `f` gets a clone of the item for
    /// each attempt.
    ///
    /// # Ordering
    /// Input order: later results wait for an item that is tried again, and for ever if `backoff`
    /// never gives up.
    ///
    /// # Backpressure
    /// As that of [`par_map`](Self::par_map). An item that waits for its next attempt is one of the
    /// `limit`.
    ///
    /// # Cancellation
    /// May be left unpolled for any time. Dropping it aborts the upstream and all attempts, each at
    /// its next `await`; [`ParMap::shutdown`] also waits for that.
    ///
    /// # Errors and panics
    /// An error that is not transient, or the last one, is an item, and the stream goes on behind
    /// it. Panics are not tried again: one in an attempt, in `is_transient` or in the upstream
    /// resumes in the consumer, as in [`par_map`](Self::par_map).
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    /// use std::io;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let attempts = AtomicU32::new(0);
    /// let fetch = move |name| {
    ///     let result = match attempts.fetch_add(1, Ordering::Relaxed) {
    ///         0 | 1 => Err(io::ErrorKind::TimedOut),
    ///         _ => Ok(format!("page of {name}")),
    ///     };
    ///     async { result }
    /// };
    /// let is_transient = |error: &io::ErrorKind| *error == io::ErrorKind::TimedOut;
    /// let backoff = Backoff::default().tries_max(3);
    /// let pages = birl_stream::iter(["ann"]).retry_each(4, backoff, is_transient, fetch);
    /// assert_eq!(pages.collect::<Vec<_>>().await, [Ok("page of ann".to_owned())]);
    /// # }
    /// ```
    fn retry_each<T, E, P, F, Fut>(
        self,
        limit: usize,
        backoff: Backoff,
        is_transient: P,
        f: F,
    ) -> ParMap<Result<T, E>>
    where
        Self: Stream<Item: Clone + Send> + Send + Sized + 'static,
        T: Send + 'static,
        E: Send + 'static,
        P: Fn(&E) -> bool + Send + Sync + 'static,
        F: Fn(Self::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        retry_each(self, limit, backoff, is_transient, f)
    }

    /// Maps each item in a task of its own, up to `limit` at a time, but items of the same key one
    /// after the other.
    ///
    /// For work whose order matters within a user, a file or a connection, and not between them. A
    /// key is held only while it has items: there may be any number of them over time. A `limit` of
    /// 0 counts as 1. Tasks start with the first poll.
    ///
    /// # Ordering
    /// The results of a key come in the order of its items, and `f` is called for one of them when
    /// the future of the one before is done. Between keys the order is that of completion.
    ///
    /// # Backpressure
    /// At most `limit` items are in work. An item that waits for its key's turn counts among them:
    /// where a key has many items in a row, other keys wait too, unless `limit` is larger than
    /// that. At most `limit` results wait for the consumer; while so many do, no further task
    /// starts. The upstream is polled only while there is room for one more item.
    ///
    /// # Cancellation
    /// May be left unpolled for any time. Dropping it drops the upstream and the items that wait,
    /// and aborts all tasks, each at its next `await`; [`ParByKey::shutdown`] also waits for that.
    ///
    /// # Errors and panics
    /// Items are not looked into: after an `Err` the next item of its key has its turn all the
    /// same. A panic in a task, in `key`, in `f` or in the upstream aborts the other tasks, and
    /// resumes in the consumer after the results before it. The first poll panics outside a tokio
    /// runtime, and a later one if that runtime was shut down meanwhile.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let orders = birl_stream::iter([("ann", 30), ("bob", 10), ("ann", 5), ("bob", 10)]);
    /// let done = orders.par_by_key(4, |(who, _)| *who, async |(who, ms)| {
    ///     tokio::time::sleep(Duration::from_millis(ms)).await;
    ///     (who, ms)
    /// });
    /// let done: Vec<_> = done.collect().await;
    /// assert_eq!(done, [("bob", 10), ("bob", 10), ("ann", 30), ("ann", 5)]);
    /// # }
    /// ```
    fn par_by_key<G, K, F, Fut>(self, limit: usize, key: G, f: F) -> ParByKey<Fut::Output>
    where
        Self: Stream<Item: Send> + Send + Sized + 'static,
        G: FnMut(&Self::Item) -> K + Send + 'static,
        K: Hash + Eq + Clone + Send + 'static,
        F: FnMut(Self::Item) -> Fut + Send + 'static,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        ParByKey::new(self, limit, key, f)
    }

    /// Works on the items on up to `limit` blocking threads; each may give any number of outputs.
    ///
    /// Each item becomes a job: a call of `f` on one of up to `limit` threads of tokio's blocking
    /// pool, which are kept until the stream ends, and count against that pool's own limit. `f`
    /// hands over its outputs one by one with [`Outlet::send`]. Threads and the task that polls the
    /// upstream start at the first poll, which must happen inside a tokio runtime. A `limit` of 0
    /// counts as 1.
    ///
    /// A thread that has to be woken costs some microseconds. Where jobs are shorter than that, or
    /// have many small outputs, widen [`ParFlatMap::jobs_max`] or [`ParFlatMap::outputs_max`].
    ///
    /// # Ordering
    /// The outputs of one item come before those of the next one, and within an item in the order
    /// of sending. The first unfinished job's outputs come out while it still runs.
    ///
    /// # Backpressure
    /// At most `limit` jobs run, and at most twice `limit` lie between the upstream and the
    /// consumer: waiting, running, or finished with outputs that nobody took
    /// ([`ParFlatMap::jobs_max`] changes the number). The upstream is polled only while there is
    /// room. Of each job at most [`OUTPUTS_MAX`](crate::OUTPUTS_MAX) outputs wait, then `send`
    /// blocks ([`ParFlatMap::outputs_max`] changes the number); of the first job as many again may
    /// be in the hands of the stream itself.
    ///
    /// # Cancellation
    /// Between items the stream may be left unpolled for any time: upstream and jobs go on in a
    /// task and threads of their own. Dropping it drops the upstream and the jobs that have not
    /// begun. A job at work cannot be aborted: it sees [`Outlet::is_closed`], its `send` fails, and
    /// its thread ends when `f` returns. [`ParFlatMap::shutdown`] also waits for that.
    ///
    /// # Errors and panics
    /// Items are not looked into: send `Result`s to report errors. A panic in `f` or in the
    /// upstream stops the other workers and resumes in the consumer at its next poll; outputs not
    /// yet taken are lost. The first poll panics outside a tokio runtime, and a later one if that
    /// runtime was shut down meanwhile.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main] async fn main() {
    /// let pages = futures::stream::iter(["a warm day", "two dogs"]);
    /// let words = pages.par_flat_map(2, |page, outlet| {
    ///     for word in page.split(' ') {
    ///         if outlet.send(word).is_err() {
    ///             return;
    ///         }
    ///     }
    /// });
    /// assert_eq!(words.collect::<Vec<_>>().await, ["a", "warm", "day", "two", "dogs"]);
    /// # }
    /// ```
    fn par_flat_map<U, F>(self, limit: usize, f: F) -> ParFlatMap<U>
    where
        Self: Stream<Item: Send> + Send + Sized + 'static,
        U: Send + 'static,
        F: Fn(Self::Item, &mut Outlet<U>) + Send + Sync + 'static,
    {
        ParFlatMap::new(self, limit, f)
    }

    /// Maps each item on up to `limit` blocking threads, in order.
    ///
    /// For work that keeps a CPU or a disk busy for longer than a few microseconds an item; for less
    /// there is [`par_chunks`](Self::par_chunks). The same as [`par_flat_map`](Self::par_flat_map)
    /// with one output for each item.
    ///
    /// # Ordering
    /// Input order.
    ///
    /// # Backpressure
    /// At most `limit` items are worked on, and at most twice `limit` lie between the upstream and
    /// the consumer.
    ///
    /// # Cancellation
    /// May be left unpolled for any time. Dropping it drops the upstream and what has not begun; a
    /// call of `f` that has begun runs to its end, and [`ParFlatMap::shutdown`] waits for it.
    ///
    /// # Errors and panics
    /// As those of [`par_flat_map`](Self::par_flat_map).
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main] async fn main() {
    /// let squares = futures::stream::iter(1..4).par_map_blocking(2, |n| n * n);
    /// assert_eq!(squares.collect::<Vec<_>>().await, [1, 4, 9]);
    /// # }
    /// ```
    fn par_map_blocking<U, F>(self, limit: usize, f: F) -> ParFlatMap<U>
    where
        Self: Stream<Item: Send> + Send + Sized + 'static,
        U: Send + 'static,
        F: Fn(Self::Item) -> U + Send + Sync + 'static,
    {
        self.par_flat_map(limit, move |item, outlet| {
            // Closed means that nobody wants the output, and there is no other to stop from making.
            let _ = outlet.send(f(item));
        })
    }

    /// Works on chunks of up to `size` items on up to `limit` blocking threads, and gives the
    /// outputs one by one, in order.
    ///
    /// For work that keeps a CPU busy, but not for long enough with a single item: what it costs to
    /// hand an item to another thread and back is divided by `size`. `f` turns a chunk into a
    /// vector of outputs, or into an iterator of them that is run to its end on the same thread;
    /// there may be more or fewer of them than items. Threads are kept until the stream ends, and
    /// count against the limit of tokio's blocking pool. A `limit` or `size` of 0 counts as 1.
    ///
    /// A chunk takes what the upstream has ready, and is closed early when that is pending: no item
    /// waits for the next one. While there is no room for another, items gather in the upstream, and
    /// chunks get longer by themselves. For chunks by time or weight there is
    /// `batched(size).within(time).par_flat_map(…)`.
    ///
    /// # Ordering
    /// Input order, within chunks and between them.
    ///
    /// # Backpressure
    /// At most `limit` chunks are worked on, and at most eight times `limit` lie between the upstream
    /// and the consumer: being gathered, waiting, at work, or finished ([`ParChunks::chunks_max`]
    /// changes the number). The outputs of one more are in the hands of the stream itself. The
    /// upstream is polled only while there is room.
    ///
    /// # Cancellation
    /// May be left unpolled for any time. Dropping it drops the upstream and the chunks that have
    /// not begun. A call of `f` that has begun runs to its end, as does the iterator that it
    /// returns; then its thread sees that nobody wants more. [`ParChunks::shutdown`] waits for
    /// that: for one chunk of each thread.
    ///
    /// # Errors and panics
    /// Items are not looked into. A panic in `f`, in its iterator or in the upstream stops the other
    /// threads, and resumes in the consumer after the outputs of the chunk at hand; others that
    /// were not taken are lost. The first poll panics outside a tokio runtime, and a later one if
    /// that runtime was shut down meanwhile.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main] async fn main() {
    /// let words = birl_stream::iter(["a", "warm", "day", "and", "two", "dogs"]);
    /// let lengths = words.par_chunks(2, 4, |words| words.into_iter().map(str::len));
    /// assert_eq!(lengths.collect::<Vec<_>>().await, [1, 4, 3, 3, 3, 4]);
    /// # }
    /// ```
    fn par_chunks<U, F, I>(self, limit: usize, size: usize, f: F) -> ParChunks<U>
    where
        Self: Stream<Item: Send> + Send + Sized + 'static,
        U: Send + 'static,
        F: Fn(Vec<Self::Item>) -> I + Send + Sync + 'static,
        I: IntoIterator<Item = U>,
    {
        ParChunks::new(self, limit, size, f)
    }

    /// Gathers items in vectors of up to `items_max` (0 counts as 1), and closes them earlier by
    /// weight ([`Batched::weight`]) or time ([`Batched::within`]) if that is wanted.
    ///
    /// A batch is never empty, and what is left when the upstream ends is the last one.
    ///
    /// # Ordering
    /// Input order, within batches and between them.
    ///
    /// # Backpressure
    /// The upstream is polled only while this stream is. At most one batch is held.
    ///
    /// # Cancellation
    /// The open batch belongs to the stream and not to the future that `next()` returns, so a
    /// dropped `next()` loses nothing. A batch whose time has passed is given at the next poll: put
    /// a [`prefetch`](Self::prefetch) behind this if the consumer may be away for long. Dropping
    /// the stream drops the open batch; [`Batched::into_remainder`] gives its items.
    ///
    /// # Errors and panics
    /// Items are not looked into. Panics of the upstream and of the weigher pass through.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main] async fn main() {
    /// let words = birl_stream::iter(["a", "warm", "day", "with", "two", "dogs"]);
    /// let batches = words
    ///     .batched(3)
    ///     .weight(8, |word| word.len())
    ///     .within(Duration::from_millis(200));
    /// let batches: Vec<_> = batches.collect().await;
    /// assert_eq!(batches, [vec!["a", "warm", "day"], vec!["with", "two"], vec!["dogs"]]);
    /// # }
    /// ```
    fn batched(self, items_max: usize) -> Batched<Self>
    where
        Self: Sized,
    {
        Batched::new(self, items_max)
    }

    /// Folds items over windows of event time, and gives each window when it has closed.
    ///
    /// `time` tells when the thing happened that an item tells of, in nanoseconds since a moment of
    /// your choice ([`window`](crate::window)). `fold` adds an item to each window that it belongs
    /// to; the value of a new window is that of `init`. [`Windowed::key`] gives each key windows of
    /// its own.
    ///
    /// A window closes when an item comes whose time is its end or later; with a
    /// [`Windowed::lateness`], so much later. An item that comes after its windows have closed is
    /// late: counted, and given to [`Windowed::on_late`]. [`Windowed::idle`] closes windows while
    /// nothing comes, and [`Windowed::ahead_max`] guards against wrong clocks.
    ///
    /// # Ordering
    /// Windows come in the order of their ends, then of their starts, then as the first items of
    /// their keys came; within a window items are folded as they come. No window is empty.
    ///
    /// # Backpressure
    /// The upstream is polled only while this stream is, and not while closed windows wait. Items
    /// are not kept. For each key there are at most `(size + lateness) / slide` open windows, and
    /// one more, each with a value. An item of sliding windows costs `size / slide` folds: if that
    /// is too much, add up tumbling windows of a slide each.
    ///
    /// # Cancellation
    /// Open windows belong to the stream and not to the future that `next()` returns, so a dropped
    /// `next()` loses nothing. While nobody polls it no window closes: put a
    /// [`prefetch`](Self::prefetch) behind this if the consumer may be away for long. Dropping the
    /// stream drops the open windows; at the end of the upstream they all close.
    ///
    /// # Errors and panics
    /// Items are not looked into. Panics of the upstream and of the closures pass through; an item
    /// whose fold panics may be in some of its windows only.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main] async fn main() {
    /// // Second, service, bytes.
    /// let requests = [(10, "api", 5), (61, "web", 7), (59, "api", 3), (130, "web", 2), (20, "api", 4)];
    /// let mut minutes = birl_stream::iter(requests)
    ///     .windows(
    ///         Windows::tumbling(Duration::from_secs(60)),
    ///         |(second, ..)| second * 1_000_000_000,
    ///         || 0,
    ///         |total, (_, _, bytes)| *total += bytes,
    ///     )
    ///     .key(|(_, service, _)| *service)
    ///     .lateness(Duration::from_secs(5));
    /// let mut totals = vec![];
    /// while let Some(minute) = minutes.next().await {
    ///     totals.push((minute.start / 60_000_000_000, minute.key, minute.value));
    /// }
    /// assert_eq!(totals, [(0, "api", 8), (1, "web", 7), (2, "web", 2)]);
    /// assert_eq!(minutes.stats().late, 1);
    /// # }
    /// ```
    fn windows<V>(
        self,
        windows: Windows,
        time: impl FnMut(&Self::Item) -> i64 + Send + 'static,
        init: impl FnMut() -> V + Send + 'static,
        fold: impl FnMut(&mut V, &Self::Item) + Send + 'static,
    ) -> Windowed<Self, (), V>
    where
        Self: Sized,
    {
        Windowed::windows(self, windows, time, init, fold)
    }

    /// Folds items over sessions, which last while items of a key come with less than a `gap` of
    /// event time between them, and gives each session when it has closed.
    ///
    /// As [`windows`](Self::windows), but that an item may close the gap between two sessions:
    /// `merge` then adds to the value of the earlier one that of the later. A session ends when the
    /// gap after its last item is over; one whose items never pause does not end.
    ///
    /// # Ordering
    /// Sessions come in the order of their ends, then of their starts, then as their first items
    /// came; within a session items are folded as they come, but for what is merged. None is empty.
    ///
    /// # Backpressure
    /// The upstream is polled only while this stream is, and not while closed sessions wait. Items
    /// are not kept. For each key there are at most `lateness / gap` open sessions, and two more,
    /// each with a value.
    ///
    /// # Cancellation
    /// Open sessions belong to the stream and not to the future that `next()` returns, so a dropped
    /// `next()` loses nothing. While nobody polls it no session closes: put a
    /// [`prefetch`](Self::prefetch) behind this if the consumer may be away for long. Dropping the
    /// stream drops the open sessions; at the end of the upstream they all close.
    ///
    /// # Errors and panics
    /// Items are not looked into. Panics of the upstream and of the closures pass through; a fold or
    /// a merge that panics loses the sessions it was given. A gap of zero panics at once.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main] async fn main() {
    /// // Second, visitor, page.
    /// let views = [(0, "ada", "/"), (10, "bob", "/"), (50, "ada", "/buy"), (25, "ada", "/list")];
    /// let visits = birl_stream::iter(views)
    ///     .sessions(
    ///         Duration::from_secs(30),
    ///         |(second, ..)| second * 1_000_000_000,
    ///         Vec::new,
    ///         |pages, (_, _, page)| pages.push(*page),
    ///         |pages, later| pages.extend(later),
    ///     )
    ///     .key(|(_, visitor, _)| *visitor)
    ///     .lateness(Duration::from_secs(60));
    /// let visits = visits.map(|visit| (visit.key, visit.value)).collect::<Vec<_>>();
    /// let expected = [("bob", vec!["/"]), ("ada", vec!["/", "/buy", "/list"])];
    /// assert_eq!(visits.await, expected);
    /// # }
    /// ```
    fn sessions<V>(
        self,
        gap: Duration,
        time: impl FnMut(&Self::Item) -> i64 + Send + 'static,
        init: impl FnMut() -> V + Send + 'static,
        fold: impl FnMut(&mut V, &Self::Item) + Send + 'static,
        merge: impl FnMut(&mut V, V) + Send + 'static,
    ) -> Windowed<Self, (), V>
    where
        Self: Sized,
    {
        Windowed::sessions(self, gap, time, init, fold, merge)
    }

    /// Gives an item when nothing newer has come for `quiet`: the last of each burst.
    ///
    /// For what is worth acting on only when it has settled: files that are being written,
    /// text that is being typed. A stream that is never quiet gives nothing until it ends:
    /// [`sample_every`](Self::sample_every) gives something now and then. Time is tokio's, in whole
    /// milliseconds. A `quiet` of nothing gives the last of what is ready together.
    ///
    /// # Ordering
    /// Input order; what another followed too soon is left out, and counted in
    /// [`Debounce::skipped`]. An item that comes after exactly `quiet` is still too soon. At the end
    /// of the upstream the last item comes at once.
    ///
    /// # Backpressure
    /// None: each poll takes all that the upstream has, and one item is held. The upstream is
    /// polled only while this stream is.
    ///
    /// # Cancellation
    /// The item that waits belongs to the stream and not to the future that `next()` returns, so a
    /// dropped `next()` loses nothing. While nobody polls it nothing is taken, and all that came
    /// meanwhile counts as come at the next poll. Dropping the stream drops the item that waits;
    /// [`Debounce::into_remainder`] gives it.
    ///
    /// # Errors and panics
    /// Items are not looked into, so an error may be left out as any item: put
    /// [`on_error`](crate::TryFlowExt::on_error) before this. Panics of the upstream pass through.
    /// To wait needs a tokio runtime with its time driver, and panics without.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    /// use birl_stream::testing::{at, timeline};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let ms = Duration::from_millis;
    /// let typed = at([(ms(0), "w"), (ms(80), "wa"), (ms(150), "war"), (ms(900), "warm")]);
    /// let searched = typed.debounce(ms(200));
    /// assert_eq!(timeline(searched).await, [(ms(350), "war"), (ms(900), "warm")]);
    /// # }
    /// ```
    fn debounce(self, quiet: Duration) -> Debounce<Self>
    where
        Self: Sized,
    {
        Debounce::new(self, quiet)
    }

    /// Gives the last item of each `period`, and nothing for one in which none came.
    ///
    /// For what changes faster than anybody looks: progress, prices, sensors. Periods are counted
    /// from the first poll, and what has come is given when its period ends. Late polls do not shift
    /// them. Time is tokio's, in whole milliseconds; no timer runs while nothing waits. A `period` of
    /// nothing gives the last of what is ready together.
    ///
    /// # Ordering
    /// Input order; what another followed in the same period is left out, and counted in
    /// [`SampleEvery::skipped`]. An item that comes just as a period ends belongs to it. At the end
    /// of the upstream the last item comes at once.
    ///
    /// # Backpressure
    /// None: each poll takes all that the upstream has, and one item is held. The upstream is
    /// polled only while this stream is. If it always has more, each period gives what had been
    /// taken by its end.
    ///
    /// # Cancellation
    /// The item that waits belongs to the stream and not to the future that `next()` returns, so a
    /// dropped `next()` loses nothing. If nobody polled it when a period ended, the next poll gives
    /// what is the last then. Dropping the stream drops the item that waits;
    /// [`SampleEvery::into_remainder`] gives it.
    ///
    /// # Errors and panics
    /// Items are not looked into, so an error may be left out as any item: put
    /// [`on_error`](crate::TryFlowExt::on_error) before this. Panics of the upstream pass through.
    /// To wait needs a tokio runtime with its time driver, and panics without.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    /// use birl_stream::testing::{at, timeline};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let ms = Duration::from_millis;
    /// let percent = at([(ms(10), 1), (ms(20), 2), (ms(110), 60), (ms(190), 80), (ms(450), 100)]);
    /// let shown = percent.sample_every(ms(100));
    /// assert_eq!(timeline(shown).await, [(ms(100), 2), (ms(200), 80), (ms(450), 100)]);
    /// # }
    /// ```
    fn sample_every(self, period: Duration) -> SampleEvery<Self>
    where
        Self: Sized,
    {
        SampleEvery::new(self, period)
    }

    /// Lets items pass no faster than `rate` allows: those that come too early wait.
    ///
    /// A token bucket: at first, and after a time without items, [`Rate::burst`] of them pass at
    /// once, and then one whenever the rate has a token for it. The end is not held up. Time is
    /// tokio's, in whole milliseconds, but the rate is exact: items that wait pass when they are due
    /// by the rate and not by the item before, so that nothing adds up. In any time `t` no more pass
    /// than `burst` and what the rate allows in `t` + 5 ms: up to 5 ms of a timer's lateness are made
    /// up for.
    ///
    /// # Ordering
    /// Input order.
    ///
    /// # Backpressure
    /// One item waits, and while it does the upstream is not polled. Nothing is left out.
    ///
    /// # Cancellation
    /// The item that waits belongs to the stream and not to the future that `next()` returns, so a
    /// dropped `next()` loses nothing. Dropping the stream drops the item that waits;
    /// [`RateLimit::into_remainder`] gives it.
    ///
    /// # Errors and panics
    /// Items are not looked into. Panics of the upstream pass through. To wait needs a tokio runtime
    /// with its time driver, and panics without.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    /// use birl_stream::testing::timeline;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let ms = Duration::from_millis;
    /// let requests = iter(["a", "b", "c", "d"]).rate_limit(Rate::per_second(10).burst(2));
    /// let sent = [(ms(0), "a"), (ms(0), "b"), (ms(100), "c"), (ms(200), "d")];
    /// assert_eq!(timeline(requests).await, sent);
    /// # }
    /// ```
    fn rate_limit(self, rate: Rate) -> RateLimit<Self>
    where
        Self: Sized,
    {
        RateLimit::new(self, rate)
    }

    /// Gives each item as `Ok`; if none comes for `limit`, one last [`Idle`](crate::Idle) as `Err`.
    ///
    /// For connections that may be dead without saying so. Only the time counts in which this stream
    /// waits: from the poll that finds the upstream without an item to the one that gets it. (For a
    /// limit on the whole there is `take_until(sleep(limit))`.) Time is tokio's, in whole
    /// milliseconds. A `limit` of nothing ends at the first poll that finds no item.
    ///
    /// # Ordering
    /// Input order. An item that comes after exactly `limit` is in time.
    ///
    /// # Backpressure
    /// The upstream is polled only while this stream is. Nothing is held.
    ///
    /// # Cancellation
    /// A dropped `next()` loses nothing, and does not stop the time: the wait goes on until an item
    /// is found, and whether it was too long is seen at the next poll, after a look for an item.
    ///
    /// # Errors and panics
    /// After [`Idle`](crate::Idle) the upstream is dropped, and the stream is at its end. Items are
    /// not looked into: those that are results themselves come as `Ok(Ok(_))` and `Ok(Err(_))`.
    /// Panics of the upstream pass through. To wait needs a tokio runtime with its time driver, and
    /// panics without.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    /// use birl_stream::testing::{at, timeline};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let secs = Duration::from_secs;
    /// let messages = at([(secs(1), "hello"), (secs(3), "are you there?"), (secs(60), "no")]);
    /// let mut messages = messages.idle_timeout(secs(30));
    /// assert_eq!(messages.next().await, Some(Ok("hello")));
    /// assert_eq!(messages.next().await, Some(Ok("are you there?")));
    /// let idle = messages.next().await.unwrap().unwrap_err();
    /// assert_eq!(idle.to_string(), "nothing came for 30s");
    /// assert_eq!(messages.next().await, None);
    /// # }
    /// ```
    fn idle_timeout(self, limit: Duration) -> IdleTimeout<Self>
    where
        Self: Sized,
    {
        IdleTimeout::new(self, limit)
    }

    /// Calls `f` for each item, one after the other.
    ///
    /// `f` returns nothing, or a future of nothing that is awaited before the next item. If it
    /// returns nothing, it may change what is around it. (An `async` block that would cannot be
    /// written in a closure: there is `while let Some(item) = stream.next().await`.)
    ///
    /// # Ordering
    /// Input order; the next item is asked for when the step before it is done.
    ///
    /// # Backpressure
    /// The stream is polled only while no step is being awaited.
    ///
    /// # Cancellation
    /// Dropping the future drops the step that is being awaited, with its item. The rest of the
    /// stream survives if it was borrowed: `(&mut stream).each(f)`. Over a stream that is always
    /// ready a closure that returns nothing never lets others run, and no timeout fires:
    /// [`iter`](crate::iter) does not let that happen.
    ///
    /// # Errors and panics
    /// Items are not looked into: there is [`try_each`](crate::TryFlowExt::try_each) to stop at an
    /// error. Panics of the stream and of `f` pass through.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main] async fn main() {
    /// let mut total = 0;
    /// birl_stream::iter(1..=4).each(|n| total += n).await;
    /// assert_eq!(total, 10);
    ///
    /// birl_stream::iter(1..=4).each(async |_| tokio::task::yield_now().await).await;
    /// # }
    /// ```
    ///
    /// Anything else that `f` returns is refused: "the closure must return `()` or a future of it,
    /// and returns `{integer}`".
    /// ```compile_fail,E0277
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main] async fn main() {
    /// birl_stream::iter(1..=4).each(|n| n + 1).await;
    /// # }
    /// ```
    fn each<F, R, M>(self, f: F) -> Each<Self, F, R::Future, M>
    where
        Self: Sized,
        F: FnMut(Self::Item) -> R,
        R: Step<(), M>,
    {
        Each::new(self, f)
    }

    /// Runs this stream in a task of its own, keeps up to `items_max` items (0 counts as 1) for the
    /// consumer, and does with more what `overflow` says.
    ///
    /// For sources that cannot be told to wait, such as a socket whose server hangs up on slow
    /// readers. The task starts at the first poll; [`Buffer::stats`] tells what was dropped.
    ///
    /// # Ordering
    /// Input order.
    ///
    /// # Backpressure
    /// With [`Overflow::Wait`] the upstream is polled only while there is room. Else it is polled
    /// all the time, and at most `items_max` items wait.
    ///
    /// # Cancellation
    /// May be left unpolled for any time. Dropping it aborts the task, and drops the upstream and
    /// the items that wait; [`Buffer::shutdown`] also waits until that has happened.
    ///
    /// # Errors and panics
    /// Items are not looked into. A panic in the upstream resumes in the consumer, after the items
    /// before it. The first poll panics outside a tokio runtime, and a later one if that runtime
    /// was shut down meanwhile.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::Overflow;
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut latest = birl_stream::iter(1..=10).buffer(3, Overflow::DropOldest);
    /// // The task runs to its end while nobody takes anything.
    /// assert_eq!(futures::poll!(latest.next()), std::task::Poll::Pending);
    /// tokio::task::yield_now().await;
    /// assert_eq!(latest.stats().dropped, 7);
    /// assert_eq!(latest.collect::<Vec<_>>().await, [8, 9, 10]);
    /// # }
    /// ```
    fn buffer(self, items_max: usize, overflow: Overflow) -> Buffer<Self::Item>
    where
        Self: Stream<Item: Send> + Send + Sized + 'static,
    {
        Buffer::new(self, items_max, overflow)
    }

    /// Gives each item to any number of consumers: what this returns is one, and its clones are
    /// others.
    ///
    /// The stream runs in a task of its own, which starts at the first poll of any of them, and
    /// keeps up to `capacity` items (0 counts as 1) for those who have not taken them yet. What it
    /// does for a consumer that is slower is its type: with [`lag::Wait`](crate::lag::Wait) it
    /// waits, and the items come as they are. With [`lag::Drop`](crate::lag::Drop) it does not, and
    /// the items are [`Result`]s, whose error says how many were lost.
    ///
    /// A clone starts at the next item that comes, whatever the one that was cloned has still to
    /// take. So make all of them before the first poll if each shall get everything.
    ///
    /// # Ordering
    /// Input order, for each consumer.
    ///
    /// # Backpressure
    /// At most `capacity` items are held, however many consumers there are; the last to take an
    /// item gets it without a clone. With `lag::Wait` this stream is polled only while there is
    /// room, so that a consumer that is kept and not polled holds all others up. With `lag::Drop`
    /// it is polled all the time, and the oldest item makes room for one that comes.
    ///
    /// # Cancellation
    /// A consumer may be left unpolled for any time, and with `lag::Wait` holds up the others then.
    /// Dropping it gives up its items. Dropping the last one aborts the task, and drops this stream
    /// and the items that wait; [`Shared::shutdown`] also waits until that has happened.
    ///
    /// # Errors and panics
    /// Items are not looked into. A panic in this stream resumes in every consumer, after the items
    /// before it; one that carries something else than a text carries it only to the first of them,
    /// and a text to the others. A panic when an item is cloned passes through. The first poll
    /// panics outside a tokio runtime, and a later one if that runtime was shut down meanwhile.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::Lagged;
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let one = iter(1..=4).share(2, lag::Wait);
    /// let other = one.clone();
    /// let (one, sum) = tokio::join!(one.collect::<Vec<_>>(), other.fold(0, async |a, b| a + b));
    /// assert_eq!((one, sum), (vec![1, 2, 3, 4], 10));
    ///
    /// let mut slow = iter(1..=4).share(2, lag::Drop);
    /// // The task runs to its end while nobody takes anything.
    /// assert_eq!(futures::poll!(slow.next()), std::task::Poll::Pending);
    /// tokio::task::yield_now().await;
    /// assert_eq!(slow.collect::<Vec<_>>().await, [Err(Lagged(2)), Ok(3), Ok(4)]);
    /// # }
    /// ```
    fn share<L>(self, capacity: usize, lag: L) -> Shared<Self::Item, L>
    where
        Self: Stream<Item: Clone + Send> + Send + Sized + 'static,
        L: Lag,
    {
        Shared::new(self, capacity, lag)
    }

    /// Puts beside each item the latest one that `other` has given; `None` before its first.
    ///
    /// For what changes now and then and is needed with every item: a configuration, an exchange
    /// rate, the state of a connection. To leave out the items before the first of `other`, as
    /// ReactiveX's `withLatestFrom` does, add `.filter_map(async |(item, latest)| Some((item,
    /// latest?)))`; to wait for it instead, take it before. Each item gets a clone: put what is
    /// large into an `Arc`.
    ///
    /// # Ordering
    /// Input order. An item goes with what `other` has ready when the item is taken.
    ///
    /// # Backpressure
    /// Both streams are polled only while this one is: `other` until it has nothing more to give,
    /// and then this stream. One item of `other` is held. An `other` that always has one more lets
    /// no item through, but other tasks run all the same.
    ///
    /// # Cancellation
    /// A dropped `next()` loses nothing. It ends when this stream does, and drops both. When `other`
    /// ends, it is dropped, and its last item stays.
    ///
    /// # Errors and panics
    /// Items are not looked into. Panics of both streams, and of the cloning, pass through.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    /// use birl_stream::testing::at;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let ms = Duration::from_millis;
    /// let orders = at([(ms(10), "tea"), (ms(30), "jam"), (ms(50), "milk")]);
    /// let prices = at([(ms(20), 7), (ms(40), 8)]);
    /// let priced: Vec<_> = orders.latest_with(prices).collect().await;
    /// assert_eq!(priced, [("tea", None), ("jam", Some(7)), ("milk", Some(8))]);
    /// # }
    /// ```
    fn latest_with<O>(self, other: O) -> LatestWith<Self, O>
    where
        Self: Sized,
        O: Stream<Item: Clone>,
    {
        LatestWith::new(self, other)
    }

    /// Leaves out each item that equals the one before it.
    ///
    /// # Ordering
    /// Input order; of equal neighbours the first stays.
    ///
    /// # Backpressure
    /// The upstream is polled only while this stream is. A clone of the last item is held.
    ///
    /// # Cancellation
    /// A dropped `next()` loses nothing.
    ///
    /// # Errors and panics
    /// Items are not looked into. Panics of the upstream and of the comparison pass through.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main] async fn main() {
    /// let states = birl_stream::iter(["up", "up", "down", "up", "up"]);
    /// assert_eq!(states.dedup().collect::<Vec<_>>().await, ["up", "down", "up"]);
    /// # }
    /// ```
    #[expect(clippy::type_complexity, reason = "the closure has no shorter name")]
    fn dedup(self) -> Dedup<Self, fn(&Self::Item) -> Self::Item, Self::Item>
    where
        Self: Stream<Item: Clone + PartialEq> + Sized,
    {
        self.dedup_by_key(Clone::clone)
    }

    /// Leaves out each item whose key equals that of the one before it.
    ///
    /// As [`dedup`](Self::dedup), but for the key.
    ///
    /// # Ordering
    /// Input order; of neighbours with equal keys the first stays.
    ///
    /// # Backpressure
    /// The upstream is polled only while this stream is. The last key is held.
    ///
    /// # Cancellation
    /// A dropped `next()` loses nothing.
    ///
    /// # Errors and panics
    /// Items are not looked into. Panics of the upstream, of `key` and of the comparison pass
    /// through.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main] async fn main() {
    /// let words = birl_stream::iter(["one", "two", "three", "seven", "ten"]);
    /// let words = words.dedup_by_key(|word| word.len());
    /// assert_eq!(words.collect::<Vec<_>>().await, ["one", "three", "ten"]);
    /// # }
    /// ```
    fn dedup_by_key<F, K>(self, key: F) -> Dedup<Self, F, K>
    where
        Self: Sized,
        F: FnMut(&Self::Item) -> K,
        K: PartialEq,
    {
        Dedup::new(self, key)
    }

    /// Counts the items in `meter`, and measures who waits for whom.
    ///
    /// [`Metered::bytes`] and [`Metered::errors`] say what of the items is counted besides. An item
    /// costs two looks at the clock, about 50 ns.
    ///
    /// # Ordering
    /// Input order.
    ///
    /// # Backpressure
    /// The upstream is polled only while this stream is. Nothing is held.
    ///
    /// # Cancellation
    /// A dropped `next()` loses nothing. The counters stay, and further streams may count in them.
    ///
    /// # Errors and panics
    /// Items are looked into only by the closures that are given. Panics of those and of the
    /// upstream pass through.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::Meter;
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main] async fn main() {
    /// let meter = Meter::new();
    /// let words = birl_stream::iter(["a", "warm", "day"]);
    /// let words = words.meter(&meter).bytes(|word| word.len() as u64);
    /// words.each(|_| ()).await;
    /// let seen = meter.snapshot();
    /// assert_eq!((seen.items, seen.bytes), (3, 8));
    /// # }
    /// ```
    fn meter(self, meter: &Meter) -> Metered<Self>
    where
        Self: Sized,
    {
        Metered::new(self, meter.clone())
    }
}

impl<S: Stream + ?Sized> FlowExt for S {}
