//! `FlowExt`: the adapters as methods of every stream.

use futures_core::Stream;

use crate::par_flat_map::{Outlet, ParFlatMap};

/// The adapters of this crate as methods of every [`Stream`].
///
/// No name here is one of `futures`, `tokio-stream`, `futures-lite` or `futures-concurrency`, so that
/// this trait and any one of theirs can be imported side by side.
pub trait FlowExt: Stream {
    /// Works on the items on up to `limit` blocking threads; each may give any number of outputs.
    ///
    /// Each item becomes a job: a call of `f` on one of up to `limit` threads of tokio's blocking pool, which
    /// are kept until the stream ends. `f` hands over its outputs one by one with [`Outlet::send`]. Threads and
    /// the task that polls the upstream start at the first poll, which must happen inside a tokio runtime. A
    /// `limit` of 0 counts as 1.
    ///
    /// # Ordering
    /// The outputs of one item come before those of the next one, and within an item in the order of sending.
    /// The first unfinished job's outputs come out while it still runs.
    ///
    /// # Backpressure
    /// At most `limit` jobs run, and at most twice `limit` lie between the upstream and the consumer: waiting,
    /// running, or finished with outputs that nobody took ([`ParFlatMap::jobs_max`] changes the number). The upstream is polled only while there is room. Of
    /// each job at most [`OUTPUTS_MAX`](crate::OUTPUTS_MAX) outputs wait, then `send` blocks
    /// ([`ParFlatMap::outputs_max`] changes the number); of the first job as many again may be in the hands
    /// of the stream itself.
    ///
    /// # Cancellation
    /// Between items the stream may be left unpolled for any time: upstream and jobs go on in a task and threads
    /// of their own. Dropping it drops the upstream and the jobs that have not begun. A job at work cannot be
    /// aborted: it sees [`Outlet::is_closed`], its `send` fails, and its thread ends when `f` returns.
    /// [`ParFlatMap::shutdown`] also waits for that.
    ///
    /// # Errors and panics
    /// Items are not looked into: send `Result`s to report errors. A panic in `f` or in the upstream stops the
    /// other workers and resumes in the consumer at its next poll; outputs not yet taken are lost. The first
    /// poll panics outside a tokio runtime, and a later one if that runtime was shut down meanwhile.
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
    /// For work that keeps a CPU or a disk busy for longer than a few microseconds an item. The same
    /// as [`par_flat_map`](Self::par_flat_map) with one output for each item.
    ///
    /// # Ordering
    /// Input order.
    ///
    /// # Backpressure
    /// At most `limit` items are worked on, and at most twice `limit` lie between the upstream and the consumer.
    ///
    /// # Cancellation
    /// May be left unpolled for any time. Dropping it drops the upstream and what has not begun; a call of `f`
    /// that has begun runs to its end, and [`ParFlatMap::shutdown`] waits for it.
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
}

impl<S: Stream + ?Sized> FlowExt for S {}
