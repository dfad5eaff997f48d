//! `blocking_iter`: an iterator that blocks, as a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::StreamExt;
use futures::stream::{self, FusedStream};
use futures_core::Stream;

use crate::par_flat_map::ParFlatMap;

/// The stream that [`blocking_iter`] returns.
///
/// Dropping it ends the iteration after the item that the iterator is at; nobody waits for that.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct BlockingIter<T>(ParFlatMap<T>);

/// Runs an iterator that blocks, such as the lines of standard input, on a thread of tokio's
/// blocking pool.
///
/// The thread starts at the first poll, which must happen inside a tokio runtime, and is kept until
/// the end. The iterator moves there, and is dropped there.
///
/// # Ordering
/// The iterator's.
///
/// # Backpressure
/// At most `ahead` items (0 counts as 1) wait for the consumer, and as many again may be in the
/// hands of the stream itself; then the iterator is not asked for more.
///
/// # Cancellation
/// May be left unpolled for any time. After a drop the thread ends when the iterator returns from
/// the `next()` that it is in: a call that never returns keeps the thread, and tokio waits for it
/// when the runtime is dropped (but not in `Runtime::shutdown_background`).
/// [`BlockingIter::shutdown`] waits for it, too.
///
/// # Errors and panics
/// A panic in the iterator resumes in the consumer at its next poll; items not yet taken are lost.
/// The first poll panics outside a tokio runtime, and a later one if that runtime was shut down
/// meanwhile.
///
/// # Examples
/// ```
/// use birl_stream::prelude::*;
/// use std::io::{BufRead, Cursor};
///
/// # #[tokio::main] async fn main() -> std::io::Result<()> {
/// let file = Cursor::new("one\ntwo\n");
/// let lines: Vec<String> = birl_stream::blocking_iter(file.lines(), 16).try_collect().await?;
/// assert_eq!(lines, ["one", "two"]);
/// # Ok(()) }
/// ```
pub fn blocking_iter<I>(iterator: I, ahead: usize) -> BlockingIter<I::Item>
where
    I: Iterator<Item: Send> + Send + 'static,
{
    // One job whose outputs are the items: the parallel map streams those of its first job as they
    // come.
    let job = stream::iter([iterator]);
    let items = ParFlatMap::new(job, 1, |iterator: I, outlet| {
        for item in iterator {
            if outlet.send(item).is_err() {
                return;
            }
        }
    });
    BlockingIter(items.outputs_max(ahead))
}

impl<T: Send + 'static> BlockingIter<T> {
    /// Stops the iteration, as dropping does, and waits until the iterator is dropped. Items that
    /// have not been taken are lost.
    ///
    /// Dropping the returned future ends only the waiting.
    pub async fn shutdown(self) {
        self.0.shutdown().await;
    }
}

impl<T: Send + 'static> Stream for BlockingIter<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_next_unpin(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T: Send + 'static> FusedStream for BlockingIter<T> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}
