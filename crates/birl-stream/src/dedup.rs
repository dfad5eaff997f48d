//! `dedup` and `dedup_by_key`: no item like the one before it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::stream::FusedStream;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::turn::Turn;

pin_project! {
    /// The stream that [`dedup`](crate::FlowExt::dedup) and
    /// [`dedup_by_key`](crate::FlowExt::dedup_by_key) return.
    #[must_use = "streams do nothing unless polled"]
    pub struct Dedup<S, F, K> {
        // `None` once it has ended.
        #[pin]
        upstream: Option<S>,
        key: F,
        last: Option<K>,
    }
}

impl<S, F, K> Dedup<S, F, K> {
    pub(crate) fn new(upstream: S, key: F) -> Self {
        Self {
            upstream: Some(upstream),
            key,
            last: None,
        }
    }
}

impl<S, F, K> Stream for Dedup<S, F, K>
where
    S: Stream,
    F: FnMut(&S::Item) -> K,
    K: PartialEq,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let mut turn = Turn::default();
        loop {
            let Some(upstream) = this.upstream.as_mut().as_pin_mut() else {
                return Poll::Ready(None);
            };
            let Some(item) = ready!(upstream.poll_next(cx)) else {
                this.upstream.set(None);
                return Poll::Ready(None);
            };
            let key = (this.key)(&item);
            if this.last.as_ref() != Some(&key) {
                *this.last = Some(key);
                return Poll::Ready(Some(item));
            }
            // The consumer does not see this one, and could not let others run.
            turn.came(cx);
            ready!(turn.poll_more(cx));
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let Some(upstream) = &self.upstream else {
            return (0, Some(0));
        };
        let (least, most) = upstream.size_hint();
        // The first item comes in any case; all others may be like the last.
        (least.min(usize::from(self.last.is_none())), most)
    }
}

impl<S, F, K> FusedStream for Dedup<S, F, K>
where
    Self: Stream,
{
    fn is_terminated(&self) -> bool {
        self.upstream.is_none()
    }
}

impl<S, F, K> fmt::Debug for Dedup<S, F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dedup")
            .field("ended", &self.upstream.is_none())
            .finish_non_exhaustive()
    }
}
