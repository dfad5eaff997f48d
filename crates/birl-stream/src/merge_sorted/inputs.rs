//! The streams that are merged: each runs in a task of its own, some items ahead.

use std::collections::VecDeque;
use std::mem;
use std::ops::Range;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::StreamExt;
use futures::stream::BoxStream;
use futures_core::Stream;
use tokio::task::{JoinSet, coop};

use crate::failure::supervised;
use crate::inlets::{Found, Inlet, News};

/// The inputs of a merge, by number. Dropping it aborts their tasks.
pub(super) struct Inputs<T> {
    ahead: usize,
    /// Those that start with the next poll.
    starting: Vec<BoxStream<'static, T>>,
    tasks: JoinSet<()>,
    news: Arc<News>,
    /// `None` once they have ended.
    started: Vec<Option<Input<T>>>,
    open: usize,
}

/// A stream, as far as the merge has got with it.
struct Input<T> {
    inlet: Arc<Inlet<T>>,
    /// Taken from the inlet all at once.
    items: VecDeque<T>,
}

impl<T> Inputs<T> {
    pub(super) fn new(starting: Vec<BoxStream<'static, T>>, ahead: usize) -> Self {
        Self {
            ahead,
            starting,
            tasks: JoinSet::new(),
            news: Arc::default(),
            started: Vec::new(),
            open: 0,
        }
    }

    pub(super) fn ahead(&self) -> usize {
        self.ahead
    }

    /// For those that have not started.
    pub(super) fn set_ahead(&mut self, ahead: usize) {
        self.ahead = ahead.max(1);
    }

    pub(super) fn push(&mut self, upstream: BoxStream<'static, T>) -> usize {
        self.starting.push(upstream);
        self.started.len() + self.starting.len() - 1
    }

    /// How many have started, and not ended.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    pub(super) fn have_ended(&self) -> bool {
        self.open == 0 && self.starting.is_empty()
    }

    /// The hint of a merge that holds at least so many items of those that have started.
    pub(super) fn size_hint(&self, held: usize) -> (usize, Option<usize>) {
        let started = (held, (self.open == 0).then_some(0));
        let starting = self.starting.iter().map(|upstream| upstream.size_hint());
        starting.fold(started, |(least, most), (lower, upper)| {
            let most = most
                .zip(upper)
                .and_then(|(most, upper)| most.checked_add(upper));
            (least.saturating_add(lower), most)
        })
    }

    /// Moves the numbers of the inputs with news into `numbers`, which must be empty.
    pub(super) fn poll_numbers(&self, cx: &Context<'_>, numbers: &mut Vec<usize>) -> Poll<()> {
        self.news.poll_numbers(cx, numbers)
    }

    /// Looks for items of an input of which none is left here.
    pub(super) fn look_into(&mut self, number: usize) -> Found {
        let Some(input) = &mut self.started[number] else {
            unreachable!("nothing follows the end of an input");
        };
        let found = input.inlet.take(&mut input.items);
        if let Found::End(_) = found {
            self.started[number] = None;
            self.open -= 1;
            // Else it would keep the tasks that have ended.
            while self.tasks.try_join_next().is_some() {}
        }
        found
    }

    /// The item that an input gives next, if it is here.
    pub(super) fn first(&self, number: usize) -> Option<&T> {
        self.started[number].as_ref()?.items.front()
    }

    pub(super) fn pop(&mut self, number: usize) -> Option<T> {
        self.started[number].as_mut()?.items.pop_front()
    }

    pub(super) async fn shutdown(mut self) {
        self.tasks.shutdown().await;
    }
}

impl<T: Send + 'static> Inputs<T> {
    /// Starts those that wait for it; their numbers.
    pub(super) fn start(&mut self) -> Range<usize> {
        let first = self.started.len();
        for upstream in mem::take(&mut self.starting) {
            let number = self.started.len();
            let inlet = Inlet::new(number, self.ahead, Arc::clone(&self.news));
            let inlet = Arc::new(inlet);
            let (fed, ended) = (Arc::clone(&inlet), Arc::clone(&inlet));
            let work = supervised(feed(upstream, fed), move |end| ended.end(end));
            self.tasks.spawn(work);
            let items = VecDeque::new();
            self.started.push(Some(Input { inlet, items }));
            self.open += 1;
        }
        first..self.started.len()
    }
}

async fn feed<T>(mut upstream: BoxStream<'static, T>, inlet: Arc<Inlet<T>>) {
    loop {
        std::future::poll_fn(|cx| inlet.poll_room(cx)).await;
        let Some(item) = upstream.next().await else {
            return;
        };
        inlet.push(item);
        // An upstream that is always ready must not keep others from running.
        coop::consume_budget().await;
    }
}
