//! A message, and what is posted.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use crate::chat::Handle;
use crate::error::Error;

/// Something that somebody has said.
#[derive(Clone)]
pub struct Message {
    /// Where it was said, as the service names it; the sender where that is between the two of us.
    pub room: String,
    /// Who has said it. Anybody may call themselves anything in most services.
    pub sender: String,
    /// The account of the sender, where the service vouches for it.
    pub account: Option<String>,
    /// What was said. It is the sender's, so it may hold anything.
    pub text: String,
    /// How it was said.
    pub kind: Kind,
    /// Nobody else can read it.
    pub is_private: bool,
    /// The service says that the sender is a program.
    pub is_bot: bool,
    /// What the service calls this message. Two with the same are one.
    pub id: Option<String>,
    /// Where a connection is to go on behind it, where the service has that.
    pub cursor: Option<String>,
    /// The message that this one answers, or the thread that it is in.
    pub thread: Option<String>,
    /// When the service got it.
    pub time: Option<Timestamp>,
    /// All of it, as it came.
    pub raw: Bytes,
    /// What `raw` says as JSON, once somebody has wanted to know.
    json: OnceLock<Option<Arc<Value>>>,
    handle: Handle,
}

/// How something was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// It was said.
    #[default]
    Said,
    /// It is what the sender does, as in `/me waves`.
    Done,
    /// It is not to be answered by programs.
    Noticed,
}

impl Message {
    /// A message that came as `raw`; all else is to be filled in. `handle` is where replies go.
    pub fn new(handle: Handle, raw: Bytes) -> Self {
        Self {
            room: String::new(),
            sender: String::new(),
            account: None,
            text: String::new(),
            kind: Kind::Said,
            is_private: false,
            is_bot: false,
            id: None,
            cursor: None,
            thread: None,
            time: None,
            raw,
            json: OnceLock::new(),
            handle,
        }
    }

    /// The same, where it is known already what `raw` says as JSON.
    pub(crate) fn with_json(self, json: Arc<Value>) -> Self {
        Self {
            json: OnceLock::from(Some(json)),
            ..self
        }
    }

    /// What [`raw`](Self::raw) says, where it is JSON. It is read once.
    pub fn json(&self) -> Option<&Arc<Value>> {
        let read = || serde_json::from_slice(&self.raw).ok().map(Arc::new);
        self.json.get_or_init(read).as_ref()
    }

    /// Answers where the message was said. It waits until there is room for it; it is sent in the order
    /// of replies, no faster than the service allows.
    ///
    /// Control characters and mentions in `text` are made harmless.
    ///
    /// # Errors
    ///
    /// If the chat is over.
    pub async fn reply(&self, text: impl Into<String>) -> Result<(), Error> {
        self.handle.send(self.answer(text)).await
    }

    /// What [`reply`](Self::reply) posts.
    pub fn answer(&self, text: impl Into<String>) -> Post {
        Post {
            answers: Some(Answered {
                id: self.id.clone(),
                thread: self.thread.clone(),
                sender: self.sender.clone(),
                raw: self.raw.clone(),
                json: self.json().cloned(),
            }),
            ..Post::new(self.room.clone(), text)
        }
    }

    /// The same as if it had come over another chat with the same service, where it is answered then.
    pub fn in_chat(self, handle: Handle) -> Self {
        Self { handle, ..self }
    }

    /// How to speak to the service without being asked.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// About so many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.room.len() + self.sender.len() + self.text.len() + self.raw.len()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("room", &self.room)
            .field("sender", &self.sender)
            .field("text", &self.text)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Something to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Where, as the service names it.
    pub room: String,
    /// What. Several lines are as many messages where a service has messages of one line.
    pub text: String,
    /// What goes first.
    pub urgency: Urgency,
    /// What it answers.
    pub(crate) answers: Option<Answered>,
    /// By which it is told that it has been taken.
    pub(crate) receipt: Option<u64>,
    /// The message that it takes the place of.
    pub(crate) edits: Option<String>,
    /// The message that it is said under.
    pub(crate) under: Option<String>,
    /// What is shown with it.
    pub(crate) file: Option<File>,
}

/// A file that is shown with what is posted.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// What it is called.
    pub name: String,
    /// Of which kind it is, such as `image/png`.
    pub mime: &'static str,
    /// What is in it.
    pub bytes: Bytes,
    /// What it shows, for who cannot see it.
    pub alt: String,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("name", &self.name)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// A message of ours, as far as the service has told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub(crate) room: String,
    pub(crate) ids: Vec<String>,
}

impl Posted {
    pub(crate) fn new(room: String) -> Self {
        Self {
            room,
            ids: Vec::new(),
        }
    }

    /// A message of ours that the service has told of before, as by another process: where it was said, and
    /// what it is called.
    pub fn of(room: impl Into<String>, ids: Vec<String>) -> Self {
        Self {
            room: room.into(),
            ids,
        }
    }

    /// Where it was said, as the service names it.
    pub fn room(&self) -> &str {
        &self.room
    }

    /// What the service calls it: one name for each message that it has made of it, and none where it
    /// does not tell.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }
}

/// What is known of a message that is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) id: Option<String>,
    pub(crate) thread: Option<String>,
    pub(crate) sender: String,
    pub(crate) raw: Bytes,
    /// What `raw` says, where it is JSON.
    pub(crate) json: Option<Arc<Value>>,
}

/// What goes first where not everything may be sent at once. What is of the same urgency keeps its
/// order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Urgency {
    /// Somebody waits for it.
    #[default]
    Reply,
    /// Nobody has asked for it. However much of it there is, a reply does not wait for it.
    Alert,
}

impl Post {
    /// `text` is to be said in `room`, as a [reply](Urgency::Reply) is.
    pub fn new(room: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            room: room.into(),
            text: text.into(),
            urgency: Urgency::default(),
            answers: None,
            receipt: None,
            edits: None,
            under: None,
            file: None,
        }
    }

    /// The same under what was said before, in its thread: where the service has threads, and has told
    /// what it calls that.
    pub fn under(self, posted: &Posted) -> Self {
        Self {
            under: posted.ids.first().cloned(),
            ..self
        }
    }

    /// The same with a file, where the service [takes files](crate::Abilities::files); elsewhere the text is all.
    pub fn with_file(self, file: File) -> Self {
        Self {
            file: Some(file),
            ..self
        }
    }

    /// The same in the place of a message.
    pub(crate) fn in_place_of(self, room: &str, id: String) -> Self {
        Self {
            room: room.to_owned(),
            edits: Some(id),
            answers: None,
            under: None,
            file: None,
            ..self
        }
    }

    /// What the service calls the message that this takes the place of, where it edits one.
    pub fn edits(&self) -> Option<&str> {
        self.edits.as_deref()
    }

    /// What tells that it has been taken, where somebody waits for that: the number that
    /// [`Turn::taken`](crate::Turn::taken) wants.
    pub fn receipt(&self) -> Option<u64> {
        self.receipt
    }

    /// The same as an [alert](Urgency::Alert).
    pub fn alert(room: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            urgency: Urgency::Alert,
            ..Self::new(room, text)
        }
    }
}
