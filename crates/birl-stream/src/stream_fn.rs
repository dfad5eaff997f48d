//! `stream_fn` and `try_stream_fn`: an async closure that emits items, as a stream.

use std::fmt;
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use futures::stream::FusedStream;
use futures_core::Stream;
use tokio::task::coop;

/// A stream of what an async closure emits.
///
/// What `stream!` does with a macro, without one: there is nothing to pin by hand, the editor
/// understands the closure, and it may hand the [`Emitter`] on to functions of its own. The closure
/// is called at once; what it returns runs only while the stream is polled.
///
/// # Ordering
/// That of emission.
///
/// # Backpressure
/// Each poll runs the closure to its next item; [`emit`](Emitter::emit) returns when the item has
/// been taken and the next one is wanted.
///
/// # Cancellation
/// A dropped `next()` loses nothing: the closure's future belongs to the stream, and so does an
/// item that nobody has taken yet. Dropping the stream drops both. What the closure awaits stands
/// still while the stream is not polled: put a [`prefetch`](crate::FlowExt::prefetch) behind it if
/// the consumer may be away for long.
///
/// # Errors and panics
/// A panic in the closure passes through, and the stream has ended then. For errors there is
/// [`try_stream_fn`].
///
/// # Examples
/// ```
/// use birl_stream::prelude::*;
/// use birl_stream::{Emitter, stream_fn};
///
/// async fn count_down(from: u32, y: &mut Emitter<String>) {
///     for n in (1..=from).rev() {
///         y.emit(n.to_string()).await;
///     }
/// }
///
/// # #[tokio::main] async fn main() {
/// let mut words = stream_fn(async move |mut y| {
///     count_down(2, &mut y).await;
///     y.emit("go".to_owned()).await;
/// });
/// assert_eq!(words.next().await.as_deref(), Some("2"));
/// assert_eq!(words.collect::<Vec<_>>().await, ["1", "go"]);
/// # }
/// ```
pub fn stream_fn<T, F, Fut>(f: F) -> StreamFn<T, Fut>
where
    F: FnOnce(Emitter<T>) -> Fut,
    Fut: Future<Output = ()>,
{
    StreamFn(Generator::new(f))
}

/// A stream of what an async closure emits, as `Ok`, and of the error that it ends with.
///
/// As [`stream_fn`] in all but that. The closure returns a `Result`, so that `?` works in it; give
/// the type of the error in its last `Ok` if nothing else does.
///
/// # Ordering
/// That of emission; the error comes last.
///
/// # Backpressure
/// As that of [`stream_fn`].
///
/// # Cancellation
/// As that of [`stream_fn`].
///
/// # Errors and panics
/// An `Err` that the closure returns is the last item. A panic in it passes through, and the stream
/// has ended then.
///
/// # Examples
/// ```
/// use birl_stream::prelude::*;
/// use birl_stream::try_stream_fn;
/// use std::num::ParseIntError;
///
/// # #[tokio::main] async fn main() {
/// let numbers = try_stream_fn(async |mut y| {
///     for word in ["1", "2", "three", "4"] {
///         y.emit(word.parse::<u32>()?).await;
///     }
///     Ok::<_, ParseIntError>(())
/// });
/// let numbers: Vec<_> = numbers.collect().await;
/// assert_eq!(numbers[..2], [Ok(1), Ok(2)]);
/// assert_eq!(numbers[2].as_ref().unwrap_err().to_string(), "invalid digit found in string");
/// assert_eq!(numbers.len(), 3);
/// # }
/// ```
pub fn try_stream_fn<T, E, F, Fut>(f: F) -> TryStreamFn<T, E, Fut>
where
    F: FnOnce(Emitter<T>) -> Fut,
    Fut: Future<Output = Result<(), E>>,
{
    TryStreamFn(Generator::new(f))
}

/// The stream that [`stream_fn`] returns.
///
/// Dropping it drops the closure's future, and the item that nobody has taken.
#[must_use = "streams do nothing unless polled"]
pub struct StreamFn<T, Fut>(Generator<T, Fut, ()>);

/// The stream that [`try_stream_fn`] returns.
///
/// Dropping it drops the closure's future, and the item that nobody has taken.
#[must_use = "streams do nothing unless polled"]
pub struct TryStreamFn<T, E, Fut>(Generator<T, Fut, Result<(), E>>);

/// Gives items to the stream of [`stream_fn`] or [`try_stream_fn`], from within its closure.
///
/// It works nowhere else: an item from a task that the closure spawned, say, would have nobody to
/// wait for it. For such items there are channels, which can be streams as well
/// ([`IntoStream`](crate::IntoStream)).
pub struct Emitter<T>(Arc<Shared<T>>);

/// The future that [`Emitter::emit`] returns.
///
/// Dropping it before it has been polled drops the item.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Emit<'a, T> {
    emitter: &'a Emitter<T>,
    item: Option<T>,
}

impl<T> Emitter<T> {
    /// Gives an item to the stream, and goes on when the next one is wanted.
    ///
    /// Polled once, the item is given, even if the future is dropped then. Items wait for the one
    /// before them.
    ///
    /// # Panics
    /// If it is polled by anything else than the closure whose stream it gives to: in another task,
    /// or after the end of the stream.
    pub fn emit(&mut self, item: T) -> Emit<'_, T> {
        Emit {
            emitter: self,
            item: Some(item),
        }
    }
}

/// Nothing is pinned in place: an item does not care where it is.
impl<T> Unpin for Emit<'_, T> {}

impl<T> Future for Emit<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.item.is_none() {
            return Poll::Ready(());
        }
        let shared = &self.emitter.0;
        assert!(
            shared.is_polled_here(),
            "`emit` works only within the closure of its own stream"
        );
        let mut slot = shared.slot();
        slot.set_emitter(cx.waker());
        // Else it is still the turn of an item whose future was dropped.
        if slot.item.is_none() {
            slot.item = self.item.take();
        }
        Poll::Pending
    }
}

/// What a stream and its emitter have in common.
struct Shared<T> {
    slot: Mutex<Slot<T>>,
    /// The thread on which the stream is being polled, or 0.
    polled_on: AtomicUsize,
}

struct Slot<T> {
    item: Option<T>,
    /// Whom to wake when the item has been taken.
    emitter: Option<Waker>,
}

impl<T> Slot<T> {
    fn set_emitter(&mut self, waker: &Waker) {
        match &mut self.emitter {
            Some(emitter) => emitter.clone_from(waker),
            None => self.emitter = Some(waker.clone()),
        }
    }
}

impl<T> Shared<T> {
    fn slot(&self) -> MutexGuard<'_, Slot<T>> {
        // A waker that panics leaves nothing half done.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, cx: &Context<'_>) -> Option<T> {
        let mut slot = self.slot();
        let item = slot.item.take()?;
        // Usually they are the same, and the next poll of the stream is one of the emitter. They
        // differ if the closure polls what it awaits through something with wakers of its own.
        let other = match &slot.emitter {
            Some(emitter) if !emitter.will_wake(cx.waker()) => slot.emitter.take(),
            _ => None,
        };
        drop(slot);
        if let Some(other) = other {
            other.wake();
        }
        Some(item)
    }

    /// Whether it is from within the poll of the stream that this is called.
    fn is_polled_here(&self) -> bool {
        // Of all values only one that this thread has stored can be its own, so no order is needed.
        self.polled_on.load(Ordering::Relaxed) == this_thread()
    }
}

/// A number that no other living thread has, and never 0.
fn this_thread() -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| ptr::from_ref(here).addr())
}

/// A future that emits items before it is complete.
struct Generator<T, Fut, O> {
    /// `None` once it is complete, or has panicked.
    work: Option<Pin<Box<Fut>>>,
    /// What it returned, until that is taken.
    output: Option<O>,
    shared: Arc<Shared<T>>,
}

enum Next<T, O> {
    Item(T),
    /// What the future returned. Comes once.
    Output(O),
    Nothing,
}

impl<T, Fut: Future> Generator<T, Fut, Fut::Output> {
    fn new(f: impl FnOnce(Emitter<T>) -> Fut) -> Self {
        let shared = Arc::new(Shared {
            slot: Mutex::new(Slot {
                item: None,
                emitter: None,
            }),
            polled_on: AtomicUsize::new(0),
        });
        Self {
            work: Some(Box::pin(f(Emitter(Arc::clone(&shared))))),
            output: None,
            shared,
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next<T, Fut::Output>> {
        let budget = ready!(coop::poll_proceed(cx));
        let item = ready!(self.poll_item(cx));
        budget.made_progress();
        Poll::Ready(match item {
            Some(item) => Next::Item(item),
            None => self.output.take().map_or(Next::Nothing, Next::Output),
        })
    }

    /// `None` when there are no more.
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(poll) = Turn::poll(&mut self.work, &self.shared.polled_on, cx) else {
            return Poll::Ready(None);
        };
        let item = self.shared.take(cx);
        if let Poll::Ready(output) = poll {
            self.work = None;
            self.output = Some(output);
        } else if item.is_none() {
            return Poll::Pending;
        }
        Poll::Ready(item)
    }
}

/// One poll of the work, during which the emitter works.
struct Turn<'a, Fut> {
    work: &'a mut Option<Pin<Box<Fut>>>,
    polled_on: &'a AtomicUsize,
    panicked: bool,
}

impl<'a, Fut: Future> Turn<'a, Fut> {
    fn poll(
        work: &'a mut Option<Pin<Box<Fut>>>,
        polled_on: &'a AtomicUsize,
        cx: &mut Context<'_>,
    ) -> Option<Poll<Fut::Output>> {
        polled_on.store(this_thread(), Ordering::Relaxed);
        let mut turn = Self {
            work,
            polled_on,
            panicked: true,
        };
        let poll = turn.work.as_mut().map(|work| work.as_mut().poll(cx));
        turn.panicked = false;
        poll
    }
}

impl<Fut> Drop for Turn<'_, Fut> {
    fn drop(&mut self) {
        self.polled_on.store(0, Ordering::Relaxed);
        if self.panicked {
            *self.work = None;
        }
    }
}

/// Nothing is pinned in place: the future is boxed.
impl<T, Fut> Unpin for StreamFn<T, Fut> {}

/// Nothing is pinned in place: the future is boxed.
impl<T, E, Fut> Unpin for TryStreamFn<T, E, Fut> {}

impl<T, Fut: Future<Output = ()>> Stream for StreamFn<T, Fut> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(match ready!(self.0.poll_next(cx)) {
            Next::Item(item) => Some(item),
            Next::Output(()) | Next::Nothing => None,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.is_terminated().then_some(0))
    }
}

impl<T, E, Fut: Future<Output = Result<(), E>>> Stream for TryStreamFn<T, E, Fut> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T, E>>> {
        Poll::Ready(match ready!(self.0.poll_next(cx)) {
            Next::Item(item) => Some(Ok(item)),
            Next::Output(Err(error)) => Some(Err(error)),
            Next::Output(Ok(())) | Next::Nothing => None,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match (&self.0.work, &self.0.output) {
            (Some(_), _) => (0, None),
            (None, Some(Err(_))) => (1, Some(1)),
            (None, _) => (0, Some(0)),
        }
    }
}

impl<T, Fut: Future<Output = ()>> FusedStream for StreamFn<T, Fut> {
    fn is_terminated(&self) -> bool {
        self.0.work.is_none()
    }
}

impl<T, E, Fut: Future<Output = Result<(), E>>> FusedStream for TryStreamFn<T, E, Fut> {
    fn is_terminated(&self) -> bool {
        self.size_hint() == (0, Some(0))
    }
}

impl<T, Fut, O> Generator<T, Fut, O> {
    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("complete", &self.work.is_none())
            .finish_non_exhaustive()
    }
}

impl<T, Fut> fmt::Debug for StreamFn<T, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug("StreamFn", f)
    }
}

impl<T, E, Fut> fmt::Debug for TryStreamFn<T, E, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug("TryStreamFn", f)
    }
}

impl<T> fmt::Debug for Emitter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Emit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit")
            .field("given", &self.item.is_none())
            .finish_non_exhaustive()
    }
}
