//! What a chat service is.

use std::sync::Arc;
use std::time::Duration;

use birl_net::{Connector, Error as NetError, LeftOut};
use birl_source::link::Failure;
use birl_source::live::Options;
use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::call::{Call, Later, Outcome, Reply};
use crate::chat::Handle;
use crate::link::Link;
use crate::message::{Message, Post};

/// A chat service: how it is connected to, read and written.
///
/// It does no waiting of its own but while it connects. A session connects it, gives it each frame that
/// comes, and sends what it puts into the [`Turn`]; when the connection is lost, the session connects it
/// again. So a service keeps across connections what it has to, and forgets the rest in
/// [`begin`](Self::begin).
pub trait Service: Send + 'static {
    /// Where it is, for people: without secrets.
    fn name(&self) -> String;

    /// What we are called there by now, as people write it; `None` where that is not known.
    fn me(&self) -> Option<&str> {
        None
    }

    /// How its connection is kept.
    fn options(&self) -> &Options;

    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// Makes a connection. The session limits how long that may take, by dropping the future.
    fn connect<'a>(&'a mut self, connector: &'a Connector) -> BoxFuture<'a, Result<Link, Failure>>;

    /// There is a new connection: says what is said first.
    ///
    /// # Errors
    ///
    /// If the connection is of no use.
    fn begin(&mut self, turn: &mut Turn) -> Result<(), Failure>;

    /// A frame has come.
    ///
    /// # Errors
    ///
    /// If the connection is of no use any more.
    fn receive(&mut self, frame: Bytes, turn: &mut Turn) -> Result<(), Failure>;

    /// The moment of [`Turn::wake_at`] has come.
    ///
    /// # Errors
    ///
    /// If the connection is of no use any more.
    fn wake(&mut self, turn: &mut Turn) -> Result<(), Failure>;

    /// Nothing has been heard for long over a connection that has no pings of its own: asks whether the
    /// other side is there.
    fn ask(&mut self, turn: &mut Turn);

    /// Whether what was said where `message` was is passed on, as far as that is known without a connection. It came
    /// over another one, perhaps of a service that listens elsewhere.
    fn listens_to(&self, message: &Message) -> bool {
        let _ = message;
        true
    }

    /// What tells the room of `post` from others, where each is [limited by itself](Abilities::rate_by_room): the
    /// same whatever the post calls it.
    fn room_of(&self, post: &Post) -> String {
        post.room.clone()
    }

    /// `post` as frames, each of which counts for the [`Rate`]. Where it [edits](Post::edits) a message,
    /// it is one.
    fn write(&mut self, post: &Post, turn: &mut Turn) -> Vec<Frame>;

    /// What the answer to a [`Frame::Call`] says of the post.
    fn outcome(&mut self, reply: &Reply, turn: &mut Turn) -> Outcome {
        let _ = turn;
        match Later::of_status(reply) {
            Some(later) => Outcome::Later(later),
            None if reply.is_success() => Outcome::Taken {
                id: None,
                room: None,
            },
            None => Outcome::Denied(reply.words()),
        }
    }

    /// What was asked by [`Turn::call`] with that number has been answered, or cannot be. The connection
    /// may be another by now.
    ///
    /// # Errors
    ///
    /// If the connection is of no use any more.
    fn answered(
        &mut self,
        number: u64,
        reply: Result<Reply, NetError>,
        turn: &mut Turn,
    ) -> Result<(), Failure> {
        let _ = (number, reply, turn);
        Ok(())
    }

    /// Makes a connection that is to take the place of the present one, after [`Turn::replace`]. What
    /// comes over the present one is received meanwhile, and until the other side ends it; the new one is
    /// one that needs no [`begin`](Self::begin). `None` where a service never asks for that.
    fn replacement(
        &mut self,
        connector: Arc<Connector>,
    ) -> Option<BoxFuture<'static, Result<Link, Failure>>> {
        let _ = connector;
        None
    }

    /// Asks the other side to show that it has taken all that was sent before: the post of that
    /// [receipt](Post::receipt) is the last of it. When it does, that is told by [`Turn::taken`]. False
    /// where the service has no way to, and the connection's own pings are to do.
    fn confirm(&mut self, receipt: u64, turn: &mut Turn) -> bool {
        let _ = (receipt, turn);
        false
    }

    /// What is said before the connection is ended by us.
    fn farewell(&mut self) -> Option<String>;

    /// Where the next connection is to go on, where a service can.
    fn cursor(&self) -> Option<&str> {
        None
    }

    /// The first connection is to go on there, where a service can.
    fn resume(&mut self, cursor: &str) {
        let _ = cursor;
    }
}

/// What a service can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// An answer is shown with what it answers.
    pub threads: bool,
    /// What has been said can be changed.
    pub edits: bool,
    /// A message may have several lines.
    pub lines: bool,
    /// A message may have a file with it.
    pub files: bool,
    /// The most bytes of the text of a message; longer ones are sent in pieces.
    pub text_bytes_max: usize,
    /// How fast may be sent.
    pub rate: Option<Rate>,
    /// That holds for each room by itself.
    pub rate_by_room: bool,
}

/// A piece of what is posted, on its way to a service.
#[derive(Clone, Debug)]
pub enum Frame {
    /// Over the connection.
    Text(String),
    /// Over HTTP, whose answer is told to [`Service::outcome`]. The next of the same room waits for it.
    Call(Call),
}

/// How fast may be sent: a bucket of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many messages at once, at least 1.
    pub burst: u32,
    /// Then one each.
    pub every: Duration,
}

/// What a service has to say, when it is its turn.
#[derive(Debug)]
pub struct Turn {
    now: Instant,
    handle: Handle,
    pub(crate) frames: Vec<String>,
    pub(crate) messages: Vec<Message>,
    pub(crate) notices: Vec<String>,
    pub(crate) settled: Vec<(u64, Result<(), String>)>,
    pub(crate) calls: Vec<(u64, Call)>,
    pub(crate) is_to_replace: bool,
    pub(crate) is_ready: bool,
    pub(crate) wake_at: Option<Instant>,
}

impl Turn {
    pub(crate) fn new(handle: Handle) -> Self {
        Self {
            now: Instant::now(),
            handle,
            frames: Vec::new(),
            messages: Vec::new(),
            notices: Vec::new(),
            settled: Vec::new(),
            calls: Vec::new(),
            is_to_replace: false,
            is_ready: false,
            wake_at: None,
        }
    }

    pub(crate) fn begins(&mut self) {
        self.now = Instant::now();
    }

    /// When it is.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Sends a frame at once. It counts for the [`Rate`], and does not wait for it.
    pub fn say(&mut self, frame: impl Into<String>) {
        self.frames.push(frame.into());
    }

    /// A new message that came as `raw`, to be filled in and passed on by [`pass`](Self::pass).
    pub fn message(&self, raw: Bytes) -> Message {
        Message::new(self.handle.clone(), raw)
    }

    /// Passes a message on, unless one of its id has been. Those that we have said ourselves are for the
    /// service to hold back.
    pub fn pass(&mut self, message: Message) {
        self.messages.push(message);
    }

    /// Tells people that one more message is `what`, and left out, where that is due.
    pub(crate) fn leave_out(&mut self, counted: &mut LeftOut, what: &str) {
        self.notices.extend(counted.count(what, ""));
    }

    /// Tells people something.
    pub fn tell(&mut self, what: impl Into<String>) {
        self.notices.push(what.into());
    }

    /// Asks something over HTTP. The answer comes as [`Service::answered`], with that number.
    pub fn call(&mut self, number: u64, call: Call) {
        self.calls.push((number, call));
    }

    /// The connection will end soon: another is made, and takes its place before it does.
    pub fn replace(&mut self) {
        self.is_to_replace = true;
    }

    /// The other side has taken the post of that receipt, and all before it.
    pub fn taken(&mut self, receipt: u64) {
        self.settled.push((receipt, Ok(())));
    }

    /// The other side does not take the post of that receipt.
    pub fn denied(&mut self, receipt: u64, why: impl Into<String>) {
        self.settled.push((receipt, Err(why.into())));
    }

    /// A post cannot be sent, whenever it is tried.
    pub fn refuse(&mut self, post: &Post, why: impl Into<String>) {
        match post.receipt() {
            Some(receipt) => self.denied(receipt, why),
            None => self.tell(format!("cannot send to {:?}: {}", post.room, why.into())),
        }
    }

    /// The service has made nothing of a post.
    pub(crate) fn has_nothing_of(&mut self, post: &Post) {
        if let Some(receipt) = post.receipt()
            && !self.settled.iter().any(|(it, _)| *it == receipt)
        {
            self.denied(receipt, "there is nothing in it that can be said");
        }
    }

    /// From now on, posts may be sent.
    pub fn ready(&mut self) {
        self.is_ready = true;
    }

    /// [`Service::wake`] is to be called then, and not when it was to be before.
    pub fn wake_at(&mut self, when: Option<Instant>) {
        self.wake_at = when;
    }
}
