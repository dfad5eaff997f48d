//! `JoinSet`.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::{JoinError, JoinSet};

use super::{IntoStream, Items, Next, Source};

/// Gives what the tasks return, in the order in which they end. A panic, and an abortion, is an
/// error that does not end the stream. Ends with the last task.
impl<T: 'static> IntoStream for JoinSet<T> {
    type Item = Result<T, JoinError>;
    type Stream = Items<Self>;

    fn into_stream(self) -> Items<Self> {
        Items::new(self)
    }
}

impl<T: 'static> Source for JoinSet<T> {
    type Item = Result<T, JoinError>;

    fn poll_item(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next<Self::Item>> {
        self.poll_join_next(cx).map(Next::from)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}
