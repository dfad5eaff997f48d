//! What a kind of source gives its events to.

use std::sync::{Arc, Mutex, PoisonError};

use birl_net::LeftOut;
use birl_stream::block::Block;
use bytes::Bytes;

use super::Common;
use super::gap::Gaps;
use super::options::{ALLOW_MORE, Options};
use super::queue::Queue;
use crate::Origin;
use crate::follow::{Event, Notice};
use crate::link::{Gap, Listener};

/// The way to the queue of one source, which ends when it is dropped.
pub(super) struct Sink {
    queue: Arc<Queue>,
    gaps: Arc<Gaps>,
    origin: Origin,
    common: Arc<Common>,
    /// The messages that were longer than they may be.
    too_long: Mutex<LeftOut>,
}

impl Sink {
    pub(super) fn new(
        queue: Arc<Queue>,
        gaps: Arc<Gaps>,
        origin: Origin,
        common: Arc<Common>,
    ) -> Self {
        Self {
            queue,
            gaps,
            origin,
            common,
            too_long: Mutex::default(),
        }
    }

    /// Waits until there is room for something more.
    pub(super) async fn ready(&self) {
        self.queue.ready().await;
    }

    /// Something that a person should know.
    pub(super) fn notice(&self, what: impl Into<String>) {
        self.tell(what.into(), None);
    }

    fn tell(&self, what: String, is_connected: Option<bool>) {
        self.queue.put(Event::Notice(Notice::Live {
            origin: self.origin.clone(),
            what,
            is_connected,
        }));
    }

    /// A message that is longer than `options` allow is left out.
    pub(super) fn leave_out(&self, options: &Options) {
        let mut too_long = self.too_long.lock().unwrap_or_else(PoisonError::into_inner);
        let told = too_long.count(&options.too_long(), ALLOW_MORE);
        told.into_iter().for_each(|told| self.notice(told));
    }

    /// How far a file has been read, by what has been put before.
    pub(super) fn place(&self, place: String) {
        self.queue.put(Event::Notice(Notice::Place {
            origin: self.origin.clone(),
            place,
        }));
    }

    /// Begins what belongs together: what one connection says.
    pub(super) fn begin(&self) -> Flow<'_> {
        Flow {
            sink: self,
            generation: self.common.next_generation(),
            offset: 0,
        }
    }
}

impl Listener for Sink {
    fn notice(&self, what: String) {
        self.notice(what);
    }

    fn lost(&self, what: String) {
        self.tell(what, Some(false));
    }

    fn reached(&self) {
        self.tell("connected".to_owned(), Some(true));
    }

    fn connected(&self, what: String) {
        self.tell(what, Some(true));
    }

    fn gap(&self, gap: Gap) {
        self.queue.put(self.gaps.gap(&gap));
    }

    fn problem(&self, act: &'static str, reason: String) {
        self.queue.put(Event::Failed {
            origin: self.origin.clone(),
            act,
            reason,
        });
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.queue.end();
    }
}

/// Bytes that go on where the last ones ended. When it is dropped, they are over.
pub(super) struct Flow<'a> {
    sink: &'a Sink,
    generation: u64,
    offset: u64,
}

impl Flow<'_> {
    /// An empty block, to gather lines in.
    pub(super) fn block(&self) -> Block {
        self.sink.common.blocks.take()
    }

    /// Puts what has been gathered, as [`put`](Self::put).
    pub(super) fn put_block(&mut self, block: Block) {
        // Where many wait that are nearly empty, they would take far more memory than is counted.
        let is_full = block.len() * 2 >= self.sink.common.blocks.body_bytes();
        self.put(match is_full {
            true => block.freeze(),
            false => Bytes::copy_from_slice(block.as_ref()),
        });
    }

    /// Puts whole lines, which are whole records, without waiting for room.
    pub(super) fn put(&mut self, bytes: Bytes) {
        self.put_data(bytes, true, None);
    }

    /// Puts lines, which may go on records before them and go on themselves, without waiting for room.
    pub(super) fn put_lines(&mut self, bytes: Bytes) {
        self.put_data(bytes, false, None);
    }

    /// The same, behind which a file lies on at `place`. Both come in one, so that nobody who notes how
    /// far has been read does so between them.
    pub(super) fn put_lines_to(&mut self, bytes: Bytes, place: Option<String>) {
        self.put_data(bytes, false, place);
    }

    fn put_data(&mut self, bytes: Bytes, whole: bool, place: Option<String>) {
        let offset = self.offset;
        self.offset += bytes.len() as u64;
        self.sink.queue.put_data(Event::Data {
            origin: self.sink.origin.clone(),
            generation: self.generation,
            offset,
            bytes,
            whole,
            place: place.map(Arc::from),
        });
    }
}

impl Drop for Flow<'_> {
    fn drop(&mut self) {
        if self.offset > 0 {
            self.sink.queue.put(Event::End {
                origin: self.sink.origin.clone(),
                generation: self.generation,
            });
        }
    }
}
