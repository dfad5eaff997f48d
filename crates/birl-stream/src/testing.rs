//! For tests of streams: whether one keeps its promises, and when its items come.
//!
//! These are made for paused time, in which no test waits: `#[tokio::test(start_paused = true)]`,
//! with tokio's feature `test-util`.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, ready};
use std::time::Duration;
use std::vec;

use futures::future::{Either, select};
use futures::stream::FusedStream;
use futures::{FutureExt, StreamExt};
use futures_core::Stream;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// How long a wake-up may take in real time.
const REAL_PATIENCE: Duration = Duration::from_secs(60);

/// How long a wake-up may take in paused time, in which it costs nothing to wait.
const PAUSED_PATIENCE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How often a stream is polled again after its end.
const POLLS_AFTER_END: usize = 3;

/// Drives a stream to its end, panics if it breaks the contract of streams, and returns its items.
///
/// The contract, as every adapter of this crate keeps it:
/// - After `Pending` the waker of the last poll is woken before there is an item or the end.
/// - A poll that nobody asked for does no harm: each `Pending` is followed by one more poll, with
///   another waker. (Whether it lost an item is for the caller to see.)
/// - After `None` comes `None`, however often it is polled. (`Stream` itself leaves that open.)
/// - The size hint is right at every step, before the first item and after the last.
///
/// A wake-up counts as lost after a minute of real time, or a year of paused time. Paused time
/// stands still while tokio's blocking threads work for the stream: a wake-up that is lost then
/// hangs the test.
///
/// # Panics
/// If the contract is broken, with a message that says how; if the stream panics; and outside of a
/// tokio runtime with its time driver.
///
/// # Examples
/// ```
/// use birl_stream::testing::check_contract;
/// use futures::StreamExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let squares = futures::stream::iter(0..3).map(|n| n * n);
/// assert_eq!(check_contract(squares).await, [0, 1, 4]);
/// # }
/// ```
pub async fn check_contract<S: Stream>(stream: S) -> Vec<S::Item> {
    Subject::new(stream, |_| None).check().await
}

/// As [`check_contract`], and also checks what [`FusedStream::is_terminated`] says: nothing comes
/// once it is true, and it is true after `None`.
///
/// # Panics
/// As [`check_contract`] does.
///
/// # Examples
/// ```
/// use birl_stream::testing::check_fused;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// assert_eq!(check_fused(birl_stream::iter(0..3)).await, [0, 1, 2]);
/// # }
/// ```
pub async fn check_fused<S: FusedStream>(stream: S) -> Vec<S::Item> {
    Subject::new(stream, |stream| Some(stream.is_terminated()))
        .check()
        .await
}

/// A stream under examination.
struct Subject<S> {
    stream: Pin<Box<S>>,
    is_terminated: fn(&S) -> Option<bool>,
    taken: usize,
    /// How many items there must be in all, by the size hints so far.
    least: usize,
    most: usize,
}

impl<S: Stream> Subject<S> {
    fn new(stream: S, is_terminated: fn(&S) -> Option<bool>) -> Self {
        Self {
            stream: Box::pin(stream),
            is_terminated,
            taken: 0,
            least: 0,
            most: usize::MAX,
        }
    }

    async fn check(mut self) -> Vec<S::Item> {
        let mut items = vec![];
        while let Some(item) = self.next().await {
            items.push(item);
        }
        for _ in 0..POLLS_AFTER_END {
            // Renews tokio's cooperative budget: without it, a stream may be pending at its end.
            yield_now().await;
            self.check_ended();
        }
        items
    }

    async fn next(&mut self) -> Option<S::Item> {
        loop {
            let first = Arc::new(Alarm::default());
            if let Poll::Ready(item) = self.poll(&first) {
                return item;
            }
            let last = Arc::new(Alarm::default());
            if let Poll::Ready(item) = self.poll(&last) {
                let woken = either(first.woken(), last.woken());
                assert!(
                    in_time(woken).await,
                    "after `Pending` it was ready at the next poll, and had woken nobody"
                );
                return item;
            }
            // Else tokio's cooperative budget is never renewed, and it stays pending.
            yield_now().await;
            assert!(
                in_time(last.woken()).await,
                "after `Pending` {} was woken",
                match first.woken().now_or_never() {
                    Some(()) => "the waker of an earlier poll instead of the last one",
                    None => "no waker",
                }
            );
        }
    }

    fn poll(&mut self, alarm: &Arc<Alarm>) -> Poll<Option<S::Item>> {
        self.note_size_hint();
        let terminated = (self.is_terminated)(&self.stream) == Some(true);
        let waker = Arc::clone(alarm).into();
        let poll = self
            .stream
            .as_mut()
            .poll_next(&mut Context::from_waker(&waker));
        assert!(
            !terminated || matches!(poll, Poll::Ready(None)),
            "`is_terminated` was true before the end"
        );
        match poll {
            Poll::Ready(Some(_)) => self.note_item(),
            Poll::Ready(None) => assert!(
                self.taken >= self.least,
                "its size hint promised at least {} items, and it ended after {}",
                self.least,
                self.taken
            ),
            Poll::Pending => {}
        }
        poll
    }

    fn note_size_hint(&mut self) {
        let (lower, upper) = self.stream.size_hint();
        let upper = upper.unwrap_or(usize::MAX);
        assert!(
            lower <= upper,
            "its size hint is upside down: at least {lower}, at most {upper}"
        );
        self.least = self.least.max(self.taken.saturating_add(lower));
        self.most = self.most.min(self.taken.saturating_add(upper));
    }

    fn note_item(&mut self) {
        self.taken += 1;
        assert!(
            self.taken <= self.most,
            "its size hint promised at most {} items, and one more came",
            self.most
        );
    }

    fn check_ended(&mut self) {
        assert!(
            (self.is_terminated)(&self.stream) != Some(false),
            "`is_terminated` is false after the end"
        );
        let (lower, _) = self.stream.size_hint();
        assert!(
            lower == 0,
            "after its end its size hint promises {lower} more"
        );
        let waker = Arc::new(Alarm::default()).into();
        let mut cx = Context::from_waker(&waker);
        match catch_unwind(AssertUnwindSafe(|| self.stream.as_mut().poll_next(&mut cx))) {
            Ok(Poll::Ready(None)) => {}
            Ok(Poll::Ready(Some(_))) => panic!("after its end it gave one more item"),
            Ok(Poll::Pending) => panic!("after its end it was pending"),
            Err(panic) => panic!("after its end it panicked: {}", text(&*panic)),
        }
    }
}

/// A waker that can be waited for.
#[derive(Default)]
struct Alarm(Notify);

impl Alarm {
    async fn woken(&self) {
        self.0.notified().await;
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

async fn either(one: impl Future, other: impl Future) {
    select(pin!(one), pin!(other)).await;
}

/// Whether it comes before patience ends.
async fn in_time(event: impl Future<Output = ()>) -> bool {
    matches!(select(pin!(event), pin!(patience())).await, Either::Left(_))
}

async fn patience() {
    let began = std::time::Instant::now();
    sleep(REAL_PATIENCE).await;
    if began.elapsed() < REAL_PATIENCE {
        sleep(PAUSED_PATIENCE).await;
    }
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let string = || panic.downcast_ref::<String>().map(String::as_str);
    let literal = || panic.downcast_ref::<&str>().copied();
    string().or_else(literal).unwrap_or("(no text)")
}

/// Takes all items of a stream, each with the time that has passed since the first poll.
///
/// That is tokio's time: under paused time it is exact, whatever the machine does. Tokio's timers
/// fire at whole milliseconds.
///
/// # Examples
/// ```
/// use birl_stream::testing::timeline;
/// use futures::{StreamExt, stream};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let letters = stream::iter(["a", "b"]).then(async |letter| {
///     tokio::time::sleep(Duration::from_secs(5)).await;
///     letter
/// });
/// let expected = [(Duration::from_secs(5), "a"), (Duration::from_secs(10), "b")];
/// assert_eq!(timeline(letters).await, expected);
/// # }
/// ```
pub async fn timeline<S: Stream>(stream: S) -> Vec<(Duration, S::Item)> {
    let start = Instant::now();
    stream.map(|item| (start.elapsed(), item)).collect().await
}

/// The stream that [`at`] returns.
#[must_use = "streams do nothing unless polled"]
pub struct At<T> {
    items: vec::IntoIter<(Duration, T)>,
    start: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// A stream that gives each item when so much time has passed since the first poll, and ends with
/// the last one: what [`timeline`] turns into the same pairs again.
///
/// An item whose time has passed, for instance because the consumer was away, comes at once. The
/// time is tokio's, so that it can be paused, and its timers fire at whole milliseconds.
///
/// # Ordering
/// As given, even if times go backwards.
///
/// # Backpressure
/// Each poll takes one item.
///
/// # Cancellation
/// Holds nothing but the items that have not come yet.
///
/// # Errors and panics
/// Polling panics outside of a tokio runtime with its time driver.
///
/// # Examples
/// ```
/// use birl_stream::prelude::*;
/// use birl_stream::testing::{at, timeline};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let ms = Duration::from_millis;
/// let pairs = at([(ms(0), 'a'), (ms(10), 'b'), (ms(60), 'c')]).batched(10).within(ms(20));
/// assert_eq!(timeline(pairs).await, [(ms(20), vec!['a', 'b']), (ms(60), vec!['c'])]);
/// # }
/// ```
pub fn at<T>(items: impl IntoIterator<Item = (Duration, T)>) -> At<T> {
    At {
        items: items.into_iter().collect::<Vec<_>>().into_iter(),
        start: None,
        timer: None,
    }
}

impl<T> At<T> {
    fn timer(&mut self) -> Option<&mut Pin<Box<Sleep>>> {
        let (after, _) = self.items.as_slice().first()?;
        let start = self.start.get_or_insert_with(Instant::now);
        Some(self.timer.get_or_insert_with(|| {
            Box::pin(match start.checked_add(*after) {
                Some(due) => sleep_until(due),
                // Beyond the end of time.
                None => sleep(Duration::MAX),
            })
        }))
    }
}

/// Nothing is pinned in place: the timer is boxed.
impl<T> Unpin for At<T> {}

impl<T> Stream for At<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(timer) = self.timer() else {
            return Poll::Ready(None);
        };
        ready!(timer.as_mut().poll(cx));
        self.timer = None;
        Poll::Ready(self.items.next().map(|(_, item)| item))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<T> FusedStream for At<T> {
    fn is_terminated(&self) -> bool {
        self.items.as_slice().is_empty()
    }
}

impl<T> fmt::Debug for At<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("At")
            .field("items", &self.items.len())
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}
