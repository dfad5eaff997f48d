//! `windows` and `sessions`: items folded over windows of event time.

mod clock;
mod open;

use std::fmt;
use std::hash::Hash;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::stream::FusedStream;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::turn::{Turn, poll_budget};
#[cfg(doc)]
use crate::window::Watermark;
use crate::window::{OpenSessions, OpenWindows, Placed, Window, Windows};

use clock::Clock;
use open::{Fold, Open};

pin_project! {
    /// The stream that [`windows`](crate::FlowExt::windows) and
    /// [`sessions`](crate::FlowExt::sessions) return.
    ///
    /// Dropping it drops the open windows. To have them, end the upstream instead, with `take_until`
    /// for instance: then they all close.
    #[must_use = "streams do nothing unless polled"]
    pub struct Windowed<S: Stream, K, V> {
        // `None` once it has ended.
        #[pin]
        upstream: Option<S>,
        state: State<S::Item, K, V>,
    }
}

/// How many items are not in all the windows that they belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowStats {
    /// The items that are in no window, for all of theirs had closed.
    pub late: u64,
    /// The items that are in some of their windows only, for others had closed.
    pub partly_late: u64,
    /// The items that are in no window, for their time had not come ([`Windowed::ahead_max`]).
    pub ahead: u64,
}

struct State<T, K, V> {
    key: Box<dyn FnMut(&T) -> K + Send>,
    open: Open<K, V>,
    fold: Fold<T, V>,
    clock: Clock<T>,
    left_out: LeftOut<T>,
}

/// What becomes of items that are in no window.
struct LeftOut<T> {
    on_late: Option<Offer<T>>,
    on_ahead: Option<Offer<T>>,
    stats: WindowStats,
}

type Offer<T> = Box<dyn FnMut(T) + Send>;

impl<S: Stream, V> Windowed<S, (), V> {
    pub(crate) fn windows(
        upstream: S,
        windows: Windows,
        time: impl FnMut(&S::Item) -> i64 + Send + 'static,
        init: impl FnMut() -> V + Send + 'static,
        add: impl FnMut(&mut V, &S::Item) + Send + 'static,
    ) -> Self {
        let open = Open::Windows(OpenWindows::new(windows));
        Self::new(upstream, open, Clock::new(time), Fold::new(init, add))
    }

    pub(crate) fn sessions(
        upstream: S,
        gap: Duration,
        time: impl FnMut(&S::Item) -> i64 + Send + 'static,
        init: impl FnMut() -> V + Send + 'static,
        add: impl FnMut(&mut V, &S::Item) + Send + 'static,
        merge: impl FnMut(&mut V, V) + Send + 'static,
    ) -> Self {
        let open = Open::Sessions(OpenSessions::new(gap), Box::new(merge));
        Self::new(upstream, open, Clock::new(time), Fold::new(init, add))
    }

    fn new(upstream: S, open: Open<(), V>, clock: Clock<S::Item>, fold: Fold<S::Item, V>) -> Self {
        Self {
            upstream: Some(upstream),
            state: State {
                key: Box::new(|_| ()),
                open,
                fold,
                clock,
                left_out: LeftOut {
                    on_late: None,
                    on_ahead: None,
                    stats: WindowStats::default(),
                },
            },
        }
    }

    /// Gives each key windows of its own.
    ///
    /// A key is made of every item, so let it be cheap to make and to clone. Memory grows with the
    /// number of keys in open windows: put rare keys together if they are many.
    ///
    /// # Panics
    /// If items have come already.
    pub fn key<K, F>(self, key: F) -> Windowed<S, K, V>
    where
        K: Hash + Eq + Clone,
        F: FnMut(&S::Item) -> K + Send + 'static,
    {
        assert!(
            self.watermark().is_none(),
            "the key has to be set before items come"
        );
        let State {
            open,
            fold,
            clock,
            left_out,
            ..
        } = self.state;
        Windowed {
            upstream: self.upstream,
            state: State {
                key: Box::new(key),
                open: open.of_keys(),
                fold,
                clock,
                left_out,
            },
        }
    }
}

impl<S: Stream, K, V> Windowed<S, K, V> {
    /// Waits for items that are up to this much older than the newest one: zero if it is not set.
    ///
    /// A window closes so much later by the items' clock, and is the more likely to be complete.
    pub fn lateness(mut self, lateness: Duration) -> Self {
        self.state.clock.set_lateness(lateness);
        self
    }

    /// Closes windows also while nothing comes: of a live stream that falls silent, the last windows
    /// stay open otherwise.
    ///
    /// Once no item has come for `after`, the items' clock is taken to go on from the newest item as
    /// tokio's clock does, and a window closes when the lateness after its end is over by that. What
    /// still comes for it then is late, so let `after` be longer than the pauses of a source that
    /// writes by the block. (Flink's `withIdleness` only keeps a silent input from holding up others;
    /// for several inputs there is [`Watermark`].)
    ///
    /// Only items that are in a window end a silence. It begins when this stream finds nothing to
    /// take: what waits while the consumer is away is not late for that. Measured in whole
    /// milliseconds; polling then needs a tokio runtime with its time driver.
    pub fn idle(mut self, after: Duration) -> Self {
        self.state.clock.set_idle(after);
        self
    }

    /// Leaves out items whose time is more than `ahead_max` ahead of the system's clock.
    ///
    /// A single time in the far future would otherwise close all windows, and make what comes after
    /// it late. Times have to count from the Unix epoch then. They are not compared with the newest
    /// item: after a quiet night a past log looks the same as a wrong clock. What jumps ahead within
    /// the past does move the watermark, and shows in [`WindowStats::late`].
    pub fn ahead_max(mut self, ahead_max: Duration) -> Self {
        self.state.clock.set_ahead_max(ahead_max);
        self
    }

    /// Calls `on_late` with each item that is late for all its windows.
    pub fn on_late(mut self, on_late: impl FnMut(S::Item) + Send + 'static) -> Self {
        self.state.left_out.on_late = Some(Box::new(on_late));
        self
    }

    /// Calls `on_ahead` with each item that is left out because its time has not come
    /// ([`ahead_max`](Self::ahead_max)).
    pub fn on_ahead(mut self, on_ahead: impl FnMut(S::Item) + Send + 'static) -> Self {
        self.state.left_out.on_ahead = Some(Box::new(on_ahead));
        self
    }

    /// How many items were late or ahead so far.
    pub fn stats(&self) -> WindowStats {
        self.state.left_out.stats
    }

    /// How far event time has come, in nanoseconds: windows that end by then have closed. `None`
    /// before the first item.
    pub fn watermark(&self) -> Option<i64> {
        self.state.clock.watermark()
    }
}

impl<S, K, V> Windowed<S, K, V>
where
    S: Stream,
    K: Hash + Eq + Clone,
{
    /// How many windows are open, counted for each key.
    pub fn open(&self) -> usize {
        self.state.open.open()
    }
}

impl<S, K, V> Stream for Windowed<S, K, V>
where
    S: Stream,
    K: Hash + Eq + Clone,
{
    type Item = Window<K, V>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let mut turn = Turn::default();
        loop {
            // Items that close no window must not keep others from running, nor must those that
            // close many.
            ready!(turn.poll_more(cx));
            if let Some(window) = this.state.open.pop() {
                turn.came(cx);
                return Poll::Ready(Some(window));
            }
            let Some(upstream) = this.upstream.as_mut().as_pin_mut() else {
                return Poll::Ready(None);
            };
            match upstream.poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    turn.came(cx);
                    this.state.take(item);
                }
                Poll::Ready(None) => {
                    this.upstream.set(None);
                    this.state.open.finish();
                    // It is terminated then: that is not to be said before its end.
                    if this.state.open.closed() == 0 {
                        return Poll::Ready(None);
                    }
                }
                Poll::Pending => {
                    // What waits in the upstream must not be taken for silence.
                    ready!(poll_budget(cx));
                    ready!(this.state.poll_idle(cx));
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let closed = self.state.open.closed();
        let Some(upstream) = &self.upstream else {
            return (closed, Some(closed));
        };
        // Late items are in no window, and windows that are open may merge.
        let most = upstream
            .size_hint()
            .1
            .and_then(|items| items.checked_mul(self.state.open.overlap()))
            .and_then(|windows| windows.checked_add(self.open()))
            .and_then(|windows| windows.checked_add(closed));
        (closed, most)
    }
}

impl<S, K, V> FusedStream for Windowed<S, K, V>
where
    S: Stream,
    K: Hash + Eq + Clone,
{
    fn is_terminated(&self) -> bool {
        self.upstream.is_none() && self.state.open.closed() == 0
    }
}

impl<S: Stream, K, V> fmt::Debug for Windowed<S, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Windowed")
            .field("watermark", &self.watermark())
            .field("stats", &self.stats())
            .field("ended", &self.upstream.is_none())
            .finish_non_exhaustive()
    }
}

impl<T, K: Hash + Eq + Clone, V> State<T, K, V> {
    fn take(&mut self, item: T) {
        let time = self.clock.time_of(&item);
        if self.clock.is_ahead(time) {
            self.left_out.ahead(item);
            return;
        }
        let key = (self.key)(&item);
        match self.open.add(key, time, &item, &mut self.fold) {
            Placed::Whole => {}
            Placed::Partly => self.left_out.stats.partly_late += 1,
            Placed::Late => {
                self.left_out.late(item);
                return;
            }
        }
        self.clock.observe(time);
        if let Some(watermark) = self.clock.watermark() {
            self.open.advance(watermark);
        }
    }

    /// Ready when windows have closed because nothing came.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(end) = self.open.next_end() else {
            return Poll::Pending;
        };
        ready!(self.clock.poll_reach(end, cx));
        self.open.advance(end);
        Poll::Ready(())
    }
}

impl<T> LeftOut<T> {
    fn late(&mut self, item: T) {
        self.stats.late += 1;
        if let Some(on_late) = &mut self.on_late {
            on_late(item);
        }
    }

    fn ahead(&mut self, item: T) {
        self.stats.ahead += 1;
        if let Some(on_ahead) = &mut self.on_ahead {
            on_ahead(item);
        }
    }
}
