//! Live: files as they grow, and pipes as they are written to.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use birl_record::search::Search;
use birl_source::follow;
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use futures_core::Stream;

use crate::batch::Event;
use crate::follow::{Following, follow};
use crate::progress::Progress;
use crate::scan::{Options, Scan, scan};

/// Searches what `names` stand for, and what is still to come: files are [followed](follow()), and a
/// pipe is read until it is closed, for it says by itself when it has more.
///
/// Nothing is opened before the first poll, which must be within a tokio runtime.
pub fn live(
    names: Vec<Name>,
    walk: WalkOptions,
    how: follow::Options,
    partial_after: Option<Duration>,
    search: Search,
    options: Options,
) -> Live {
    let (pipes, files): (Vec<_>, Vec<_>) = names
        .into_iter()
        .partition(|name| matches!(name, Name::Stdin));
    let pipes = (!pipes.is_empty()).then(|| scan(pipes, walk, search.clone(), options.clone()));
    let files = (!files.is_empty()).then(|| follow(files, how, partial_after, search, options));
    Live {
        progress: [
            pipes.as_ref().map(Scan::progress),
            files.as_ref().map(Following::progress),
        ]
        .into_iter()
        .flatten()
        .collect(),
        pipes,
        files,
        pipes_first: false,
    }
}

/// The stream of [`live`](live()). It ends when all pipes are closed, if there are no files.
///
/// What comes from one source is in order. [`Event::CaughtUp`] is of files alone. Dropping it stops
/// the reading.
#[derive(Debug)]
pub struct Live {
    progress: Vec<Progress>,
    /// `None` where there are none, or no more.
    pipes: Option<Scan>,
    files: Option<Following>,
    /// Whether pipes are asked first next time, so that neither keeps the other from being read.
    pipes_first: bool,
}

impl Live {
    /// The counters, which go on counting while the stream is elsewhere.
    pub fn progress(&self) -> Vec<Progress> {
        self.progress.clone()
    }

    fn poll_pipes(&mut self, cx: &mut Context<'_>) -> Option<Event> {
        match Pin::new(self.pipes.as_mut()?).poll_next(cx) {
            Poll::Ready(None) => {
                self.pipes = None;
                None
            }
            Poll::Ready(event) => event,
            Poll::Pending => None,
        }
    }

    fn poll_files(&mut self, cx: &mut Context<'_>) -> Option<Event> {
        match Pin::new(self.files.as_mut()?).poll_next(cx) {
            Poll::Ready(None) => {
                self.files = None;
                None
            }
            Poll::Ready(event) => event,
            Poll::Pending => None,
        }
    }
}

impl Stream for Live {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let this = &mut *self;
        let event = match this.pipes_first {
            true => this.poll_pipes(cx).or_else(|| this.poll_files(cx)),
            false => this.poll_files(cx).or_else(|| this.poll_pipes(cx)),
        };
        this.pipes_first = !this.pipes_first;
        match event {
            Some(event) => Poll::Ready(Some(event)),
            None if this.pipes.is_none() && this.files.is_none() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}
