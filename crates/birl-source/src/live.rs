//! Sources that are not written down: what they say arrives, and is gone.
//!
//! A [`Source`] is an address and how to read it. It is followed with the files beside it
//! ([`follow`](crate::follow::follow)): its events are the same. Each kind of source is a file here.
//!
//! # Records
//!
//! What arrives as a stream of bytes is read as a file is. What arrives in messages (of WebSockets,
//! events, datagrams, syslog with lengths) is made lines, so that formats and queries are those of files: a
//! message is a line, and a record of its own. The line ends within a JSON object become spaces, which says
//! the same; those within other text stay, so that it is framed as in a file, but never together with
//! other messages.
//!
//! # Loss
//!
//! Nobody holds what a source says while it is not connected. So when it is connected again, a record
//! comes before all else that tells of the gap:
//!
//! ```json
//! {"timestamp":"2026-03-14T14:05:30.120Z","level":"warn","message":"gap of 12.3 s: connection reset by peer","source":"ws://h/","birl.gap":true,"seconds":12.3}
//! ```
//!
//! # Backpressure
//!
//! Events wait in a queue of at most [`Options::queue_bytes_max`], and where it is full nothing more is
//! read, so that the sender has to wait; or, with [`Overflow::DropOldest`], what has waited longest is
//! dropped, and a record tells how much. Where nothing is read it is not known whether the other side
//! still speaks, and so it is not judged by that.

mod address;
mod cleanup;
mod connect;
mod cursor;
mod exec;
mod gap;
mod http;
mod lines;
mod listen;
mod options;
mod queue;
mod records;
mod sink;
mod websocket;

use std::fmt;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use birl_stream::block::BlockPool;
use futures_core::Stream;
use tokio::task::JoinHandle;

pub use address::Address;
pub use cursor::{CursorPath, Template};
pub use options::{Options, Overflow};

use crate::Origin;
use crate::follow::{Event, GAP_GENERATIONS};
use crate::link::{Gap, Listener};
use cleanup::Cleanup;
use gap::Gaps;
use queue::{Dropped, Queue};
use sink::Sink;

/// A source that is not written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub address: Address,
    /// How it is read.
    pub options: Options,
}

impl Source {
    /// The source at `address`, read with the default options.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            options: Options::default(),
        }
    }

    /// The field of its messages that tells where a connection ended, so that the next one, of another
    /// process too, can [go on](Options::resume_from) there. Events of a server of HTTP have one of
    /// themselves, if that names them: the id that it gives.
    pub fn cursor_path(&self) -> Option<CursorPath> {
        let is_http = matches!(self.address, Address::Http(_));
        let id = || is_http.then(|| CursorPath::of_name(http::EVENT_ID));
        self.options.cursor.clone().or_else(id)
    }

    /// Its identity, as people are told.
    pub fn origin(&self) -> Origin {
        self.address.origin()
    }
}

/// So many bytes of lines are handed on at once.
const BLOCK_BYTES: usize = 256 * 1024;

/// So many blocks are kept for what comes next: about as many as can wait in a queue.
const IDLE_BLOCKS_MAX: usize = 32;

/// What all live sources of a stream share.
pub(crate) struct Common {
    generations: AtomicU64,
    /// What messages are gathered in.
    blocks: BlockPool,
}

impl Common {
    /// Generations have numbers from `generations` on.
    pub(crate) fn new(generations: u64) -> Self {
        Self {
            generations: AtomicU64::new(generations),
            blocks: BlockPool::new(BLOCK_BYTES, IDLE_BLOCKS_MAX),
        }
    }

    /// The number of another [generation](Event::Data), which none had before.
    fn next_generation(&self) -> u64 {
        self.generations.fetch_add(1, Ordering::Relaxed)
    }
}

/// What one source says: a stream that ends where the source cannot be read, or is over.
///
/// Its task starts at the first poll, which must be within a tokio runtime, and is aborted when it is
/// dropped.
pub(crate) struct Live {
    source: Option<(Source, Arc<Common>)>,
    queue: Arc<Queue>,
    gaps: Arc<Gaps>,
    cleanup: Arc<Cleanup>,
    task: Option<JoinHandle<()>>,
    /// How long it was not read before.
    missing: Duration,
}

impl Live {
    pub(crate) fn new(source: Source, common: Arc<Common>) -> Self {
        Self {
            queue: Arc::new(Queue::new(&source.options)),
            gaps: Arc::new(Gaps::new(
                source.origin(),
                common.next_generation() | GAP_GENERATIONS,
            )),
            source: Some((source, common)),
            cleanup: Arc::default(),
            task: None,
            missing: Duration::ZERO,
        }
    }

    /// The same, where it was read before until `since`: that is told first.
    pub(crate) fn missing_since(mut self, since: Option<SystemTime>) -> Self {
        let cursor = self
            .source
            .as_ref()
            .and_then(|(source, _)| source.options.resume_from.clone());
        // A clock that was set back says nothing.
        let missing = since.map(|since| since.elapsed().unwrap_or_default());
        self.missing = missing.unwrap_or_default();
        // A file is read on where it was, if it is still there.
        let goes_on = cursor.as_deref().and_then(http::Place::parse).is_some();
        if let Some(time) = missing.filter(|_| !goes_on) {
            let missing = Gap {
                time,
                reason: "birl was not running".to_owned(),
                cursor,
            };
            self.queue.put(self.gaps.gap(&missing));
        }
        self
    }
}

impl Stream for Live {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some((source, common)) = self.source.take() {
            let sink = Sink::new(
                Arc::clone(&self.queue),
                Arc::clone(&self.gaps),
                source.origin(),
                common,
            );
            let reading = run(source, sink, Arc::clone(&self.cleanup), self.missing);
            self.task = Some(tokio::spawn(reading));
        }
        let taken = ready!(self.queue.poll_take(cx));
        Poll::Ready(
            taken.map(|taken| taken.unwrap_or_else(|Dropped(records)| self.gaps.dropped(records))),
        )
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        // Not left to the task, which ends later, or not at all where the process ends first.
        self.cleanup.run();
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

/// Reads a source until it is over, which was not read for some time before. The queue ends with the sink.
async fn run(source: Source, sink: Sink, cleanup: Arc<Cleanup>, missing: Duration) {
    let Source { address, options } = source;
    match address {
        Address::WebSocket(template) => websocket::run(&template, &options, &sink).await,
        Address::Http(template) => http::run(&template, &options, &sink, missing).await,
        Address::Tcp { host, port } => connect::tcp(&host, port, &options, &sink).await,
        Address::TcpListen { host, port } => listen::tcp(&host, port, options, sink).await,
        Address::UdpListen { host, port } => listen::udp(&host, port, &options, &sink).await,
        Address::Unix(path) => connect::unix(&path, &options, &sink).await,
        Address::UnixListen(path) => listen::unix(&path, options, sink, &cleanup).await,
        Address::Command(command) => exec::run(&command, &options, &sink, &cleanup).await,
        Address::Stdin => stdin(&options, &sink).await,
    }
}

/// Reads standard input to its end. A thread of tokio's waits for what comes, and cannot be stopped.
async fn stdin(options: &Options, sink: &Sink) {
    let input = std::io::stdin().as_fd().try_clone_to_owned();
    let read = match input {
        Ok(input) => {
            let input = tokio::fs::File::from_std(input.into());
            lines::read_all(input, options, sink, || {}).await
        }
        Err(error) => Err(crate::error::refusal(&error)),
    };
    if let Err(reason) = read {
        sink.problem("read", reason);
    }
}
