//! Lines, segments, and the entries of directories.

use std::io;
use std::pin::Pin;
use std::string::FromUtf8Error;
use std::task::{Context, Poll, ready};

use tokio::fs::{DirEntry, ReadDir};
use tokio::io::{AsyncBufRead, Lines, Split};
use tokio::task::coop;

use super::{IntoStream, Items, Next, Source};

/// A line that is not UTF-8 is an error, after which the stream goes on. Any other error ends it.
///
/// [`lines_from`](crate::lines_from) is faster, bounds the length of a line, and leaves bytes as
/// they are.
impl<R: AsyncBufRead> IntoStream for Lines<R> {
    type Item = io::Result<String>;
    type Stream = Items<Self>;

    fn into_stream(self) -> Items<Self> {
        Items::new(self)
    }
}

impl<R: AsyncBufRead> Source for Lines<R> {
    type Item = io::Result<String>;

    fn poll_item(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next<Self::Item>> {
        // A reader that is always ready must let others run, too.
        let budget = ready!(coop::poll_proceed(cx));
        let line = ready!(self.poll_next_line(cx));
        budget.made_progress();
        Poll::Ready(match line {
            Err(error) if is_bad_text(&error) => Next::Item(Err(error)),
            line => item_or_last(line),
        })
    }
}

fn is_bad_text(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<FromUtf8Error>())
}

/// An error ends the stream.
impl<R: AsyncBufRead> IntoStream for Split<R> {
    type Item = io::Result<Vec<u8>>;
    type Stream = Items<Self>;

    fn into_stream(self) -> Items<Self> {
        Items::new(self)
    }
}

impl<R: AsyncBufRead> Source for Split<R> {
    type Item = io::Result<Vec<u8>>;

    fn poll_item(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next<Self::Item>> {
        let budget = ready!(coop::poll_proceed(cx));
        let segment = ready!(self.poll_next_segment(cx));
        budget.made_progress();
        Poll::Ready(item_or_last(segment))
    }
}

/// An error ends the stream.
impl IntoStream for ReadDir {
    type Item = io::Result<DirEntry>;
    type Stream = Items<Self>;

    fn into_stream(self) -> Items<Self> {
        Items::new(self)
    }
}

impl Source for ReadDir {
    type Item = io::Result<DirEntry>;

    fn poll_item(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next<Self::Item>> {
        self.poll_next_entry(cx).map(item_or_last)
    }
}

/// Who fails once may fail for ever, and whoever skips errors would never come to an end.
fn item_or_last<T>(next: io::Result<Option<T>>) -> Next<io::Result<T>> {
    match next {
        Ok(item) => Next::from(item.map(Ok)),
        Err(error) => Next::Last(Err(error)),
    }
}
