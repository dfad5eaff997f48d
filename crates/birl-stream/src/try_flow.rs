//! `TryFlowExt`: the adapters for streams of `Result`s.

use futures_core::TryStream;

use crate::on_error::{Handled, OnError};
use crate::step::Step;
use crate::try_each::TryEach;
use crate::try_par_each::TryParEach;

/// The adapters of this crate as methods of every stream of [`Result`]s.
///
/// No name here is one of `futures`, `tokio-stream`, `futures-lite` or `futures-concurrency`, so
/// that this trait and any of theirs can be imported side by side.
pub trait TryFlowExt: TryStream {
    /// Calls `f` for each item, one after the other, and stops at the first error: the stream's, or
    /// one that `f` returned.
    ///
    /// `f` returns `Result<(), E>` or a future of it, and may change what is around it, as in
    /// [`each`](crate::FlowExt::each). Where the stream cannot fail, but `f` can, put
    /// `.map(Ok)` before it.
    ///
    /// # Ordering
    /// Input order; the next item is asked for when the step before it is done.
    ///
    /// # Backpressure
    /// The stream is polled only while no step is being awaited.
    ///
    /// # Cancellation
    /// Dropping the future drops the step that is being awaited, with its item. The rest of the
    /// stream survives if it was borrowed: `(&mut stream).try_each(f)`.
    ///
    /// # Errors and panics
    /// The stream is not polled again after an error, and is dropped. Panics of the stream and of
    /// `f` pass through.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main] async fn main() {
    /// let numbers = birl_stream::iter(["1", "2", "three", "4"]).map(str::parse::<u32>);
    /// let mut total = 0;
    /// let result = numbers
    ///     .try_each(|n| {
    ///         total += n;
    ///         Ok(())
    ///     })
    ///     .await;
    /// assert_eq!(result.unwrap_err().to_string(), "invalid digit found in string");
    /// assert_eq!(total, 3);
    /// # }
    /// ```
    fn try_each<F, R, M>(self, f: F) -> TryEach<Self, F, R::Future, M>
    where
        Self: Sized,
        F: FnMut(Self::Ok) -> R,
        R: Step<Result<(), Self::Error>, M>,
    {
        TryEach::new(self, f)
    }

    /// Does something for each item in a task of its own, up to `limit` at a time, and stops at the
    /// first error: the stream's, or one that `f` returned.
    ///
    /// When it is complete, nothing goes on any more: after an error the stream is dropped, the
    /// other tasks are aborted, and their ends are waited for. A `limit` of 0 counts as 1. Tasks
    /// start with the first poll. Where the stream cannot fail, but `f` can, put `.map(Ok)` before
    /// it.
    ///
    /// # Ordering
    /// Items are begun in input order, and done in any. Of several errors the first to happen
    /// counts.
    ///
    /// # Backpressure
    /// At most `limit` tasks run. The stream is polled only while there is room for one more.
    ///
    /// # Cancellation
    /// May be left unpolled for any time: the stream and the tasks go on. Dropping it drops the
    /// stream and aborts all tasks, each at its next `await`; [`TryParEach::shutdown`] also waits
    /// for that.
    ///
    /// # Errors and panics
    /// The stream is not polled again after an error. A panic in a task, in `f` or in the stream
    /// counts as an error, and resumes in the consumer. Errors and panics after the first are lost.
    /// The first poll panics outside a tokio runtime, and a later one if that runtime was shut down
    /// meanwhile.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::prelude::*;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let hosts = birl_stream::iter(["one", "bad", "two", "three"]).map(Ok);
    /// let result = hosts.try_par_each(2, async |host| {
    ///     tokio::time::sleep(Duration::from_secs(1)).await;
    ///     if host == "bad" { Err(format!("{host} does not answer")) } else { Ok(()) }
    /// });
    /// assert_eq!(result.await, Err("bad does not answer".to_owned()));
    /// # }
    /// ```
    fn try_par_each<F, Fut>(self, limit: usize, f: F) -> TryParEach<Self::Error>
    where
        Self: TryStream<Ok: Send, Error: Send> + Send + Sized + 'static,
        Self::Error: 'static,
        F: FnMut(Self::Ok) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Self::Error>> + Send + 'static,
    {
        TryParEach::new(self, limit, f)
    }

    /// Gives the values alone, and does with the errors what `policy` says.
    ///
    /// A loop that skips errors by itself may run for ever: some sources give the same error at
    /// each poll. Here errors that follow each other end the stream if they are too many.
    ///
    /// # Ordering
    /// Input order.
    ///
    /// # Backpressure
    /// The upstream is polled only while this stream is, and not while an error waits for room in a
    /// dead letter channel.
    ///
    /// # Cancellation
    /// A dropped `next()` loses nothing. Dropping the stream drops an error that waits for room.
    ///
    /// # Errors and panics
    /// [`Handled::error`] has the error that ended the stream, and [`Handled::skipped`] tells how
    /// many did not. Panics of the upstream pass through.
    ///
    /// # Examples
    /// ```
    /// use birl_stream::OnError;
    /// use birl_stream::prelude::*;
    ///
    /// # #[tokio::main] async fn main() {
    /// let numbers = birl_stream::iter(["1", "two", "3"]).map(str::parse::<u32>);
    /// let mut numbers = numbers.on_error(OnError::Skip { max_in_a_row: 10 });
    /// let mut sum = 0;
    /// (&mut numbers).each(|n| sum += n).await;
    /// assert_eq!((sum, numbers.skipped(), numbers.error()), (4, 1, None));
    /// # }
    /// ```
    fn on_error(self, policy: OnError<Self::Error>) -> Handled<Self>
    where
        Self: Sized,
    {
        Handled::new(self, policy)
    }
}

impl<S: TryStream + ?Sized> TryFlowExt for S {}
