//! `meter`: what goes through a stream, and who waits for whom.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::FusedStream;
use futures_core::Stream;
use pin_project_lite::pin_project;
use tokio::time::Instant;

/// Counts what goes through one or several streams ([`meter`](crate::FlowExt::meter)). Cloning
/// gives another handle on the same counters.
#[derive(Clone)]
pub struct Meter(Arc<Counters>);

struct Counters {
    created: Instant,
    items: AtomicU64,
    errors: AtomicU64,
    bytes: AtomicU64,
    ready_ns: AtomicU64,
    waiting_ns: AtomicU64,
    away_ns: AtomicU64,
    /// Nanoseconds since `created`, and 1 more, so that 0 stands for none.
    last_at: AtomicU64,
}

/// What a [`Meter`] has counted. The numbers are read one after the other while streams go on, so
/// they may be of moments that lie a little apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// All items, errors included.
    pub items: u64,
    /// The items that are errors ([`Metered::errors`]).
    pub errors: u64,
    /// What the items weigh ([`Metered::bytes`]).
    pub bytes: u64,
    /// How long the stream was being polled: its own work.
    pub ready: Duration,
    /// How long it had nothing to give: it was waiting for its source.
    pub waiting: Duration,
    /// How long it was not polled after it had given an item: its consumer was busy.
    pub away: Duration,
    /// How long ago the last item came; `None` before the first.
    pub last_item_age: Option<Duration>,
}

type Weigh<T> = Box<dyn Fn(&T) -> u64 + Send>;
type IsError<T> = Box<dyn Fn(&T) -> bool + Send>;

pin_project! {
    /// The stream that [`meter`](crate::FlowExt::meter) returns.
    #[must_use = "streams do nothing unless polled"]
    pub struct Metered<S: Stream> {
        // `None` once it has ended.
        #[pin]
        upstream: Option<S>,
        meter: Meter,
        weigh: Option<Weigh<S::Item>>,
        is_error: Option<IsError<S::Item>>,
        // When the last poll returned, and whether it gave an item.
        polled: Option<(Instant, bool)>,
    }
}

impl Meter {
    /// A meter that has counted nothing.
    pub fn new() -> Self {
        Self(Arc::new(Counters {
            created: Instant::now(),
            items: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            ready_ns: AtomicU64::new(0),
            waiting_ns: AtomicU64::new(0),
            away_ns: AtomicU64::new(0),
            last_at: AtomicU64::new(0),
        }))
    }

    /// What has been counted so far. Can be asked from anywhere, at any time.
    pub fn snapshot(&self) -> Snapshot {
        let counters = &self.0;
        let time = |counter: &AtomicU64| Duration::from_nanos(counter.load(Relaxed));
        let last_at = counters.last_at.load(Relaxed).checked_sub(1);
        Snapshot {
            items: counters.items.load(Relaxed),
            errors: counters.errors.load(Relaxed),
            bytes: counters.bytes.load(Relaxed),
            ready: time(&counters.ready_ns),
            waiting: time(&counters.waiting_ns),
            away: time(&counters.away_ns),
            last_item_age: last_at.map(|at| {
                let age = counters.created.elapsed();
                age.saturating_sub(Duration::from_nanos(at))
            }),
        }
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Meter").field(&self.snapshot()).finish()
    }
}

impl Counters {
    fn add(counter: &AtomicU64, time: Duration) {
        counter.fetch_add(nanoseconds(time), Relaxed);
    }
}

/// Saturates after 584 years.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl<S: Stream> Metered<S> {
    pub(crate) fn new(upstream: S, meter: Meter) -> Self {
        Self {
            upstream: Some(upstream),
            meter,
            weigh: None,
            is_error: None,
            polled: None,
        }
    }

    /// Also counts what the items weigh.
    pub fn bytes(mut self, weigh: impl Fn(&S::Item) -> u64 + Send + 'static) -> Self {
        self.weigh = Some(Box::new(weigh));
        self
    }

    /// Also counts the items that are errors: `.errors(Result::is_err)`.
    pub fn errors(mut self, is_error: impl Fn(&S::Item) -> bool + Send + 'static) -> Self {
        self.is_error = Some(Box::new(is_error));
        self
    }
}

impl<S: Stream> Stream for Metered<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let Some(upstream) = this.upstream.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let counters = &this.meter.0;
        let start = Instant::now();
        if let Some((end, gave)) = this.polled.take() {
            let counter = if gave {
                &counters.away_ns
            } else {
                &counters.waiting_ns
            };
            Counters::add(counter, start - end);
        }
        let item = upstream.poll_next(cx);
        let end = Instant::now();
        Counters::add(&counters.ready_ns, end - start);
        match &item {
            Poll::Ready(Some(item)) => {
                let is_error = this.is_error.as_ref().is_some_and(|test| test(item));
                let bytes = this.weigh.as_ref().map_or(0, |weigh| weigh(item));
                counters.items.fetch_add(1, Relaxed);
                counters.errors.fetch_add(u64::from(is_error), Relaxed);
                counters.bytes.fetch_add(bytes, Relaxed);
                let at = nanoseconds(end - counters.created).saturating_add(1);
                counters.last_at.store(at, Relaxed);
            }
            Poll::Ready(None) => this.upstream.set(None),
            Poll::Pending => {}
        }
        *this.polled = Some((end, item.is_ready()));
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.upstream {
            Some(upstream) => upstream.size_hint(),
            None => (0, Some(0)),
        }
    }
}

impl<S: Stream> FusedStream for Metered<S> {
    fn is_terminated(&self) -> bool {
        self.upstream.is_none()
    }
}

impl<S: Stream> fmt::Debug for Metered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metered")
            .field("meter", &self.meter)
            .field("ended", &self.upstream.is_none())
            .finish_non_exhaustive()
    }
}
