//! Names → what is written to the files that they stand for, now and from now on.
//!
//! [`follow`] gives the bytes of files as they are written, through rotation, truncation,
//! deletion and compression: every byte once, in the order in which it was written to its file.
//!
//! # Who a file is
//!
//! A name says little: rotation hands it from file to file. So a file is known by itself.
//!
//! - **Its number**: device, inode and, where the file system tells it, the time of birth. Inodes
//!   are used again at once, births are not. While a file is held open its inode cannot be reused
//!   either. A file that is met under another name is the same file, read on from where it was.
//! - **Its bytes**: the first 1024, the last 256 before the offset, and hashes of samples between.
//!   They must lie where they lay whenever the file has changed, and again after each read before
//!   what was read is believed. If they do not, or the file is shorter than what was read of it,
//!   it was truncated, whatever its size is now: it is read again from its start.
//! - **A copy** is a new file, compressed or not, whose content is what was read of another. Its
//!   first 1024 bytes, every sample that it reaches, and the last bytes that both have must agree.
//!   A shorter file is never judged by its bytes alone, since a first line may be common to all: it
//!   is a copy only if its name is a rotated one of a file that was truncated in the same moment,
//!   or if it is compressed, has such a name, and unpacks to exactly what was read. What a copy has
//!   beyond that is read from it when the original is truncated.
//! - **A compressed file** is known by what it unpacks to. Whenever it is written to it is unpacked
//!   from its start again: what was read before is passed over, and where it differs the file is
//!   read anew. That it ends early is told when it has been quiet for some seconds.
//! - **A missed generation** is a sibling, by its name, that was not there before, is no copy, and
//!   was born after the first file that was followed under the name and before the one that is
//!   there now. Missed ones are read in the order of their births.
//!
//! # When it looks
//!
//! Events of the file system only wake: metadata decides, and is looked at every second as well,
//! since events do not cross networks. A clock's tick hides changes, so whatever has changed is
//! looked at closely for some seconds more.
//!
//! # Going on after a restart
//!
//! [`Barriers`] puts a barrier into the stream, which tells [how far](Positions) each file has been
//! read at that place. Given to [`Options::resume`], that begins a stream which goes on from there:
//! what has happened to the files meanwhile is to it what may happen between two looks. A file that was
//! renamed is read on, and before its successor; what a truncation took is read from the copy that was
//! made; generations that came and went are found. A file that was compressed meanwhile is read on as
//! that. One that is gone, and of which there is no copy, is [told](Notice::Lost).
//!
//! At most [`Options::descriptors_max`] files are held open. Those that were quiet for longest are
//! closed first; if one of them is written to and deleted between two looks, that is lost.

mod directory;
mod end;
mod family;
mod follower;
mod form;
mod held;
mod identity;
mod judge;
mod listing;
mod positions;
mod read;
mod shared;
mod targets;
mod track;
mod turn;
mod watch;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::stream::SelectAll;
use futures_core::Stream;

use crate::live::{Common, Live};
use crate::name::Name;
use crate::{Inode, Origin};
pub use positions::{Position, Positions};
use shared::Shared;

/// How to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How often everything is looked at, events or not: one second by default.
    pub poll_interval: Duration,
    /// The most bytes in one [`Event::Data`]: 1 MiB by default. It is rounded up to whole pages.
    pub block_bytes: usize,
    /// Where reading begins in files that are there at the start; later ones are always read
    /// from their beginning.
    pub from: Start,
    /// How long a file that was rotated away or deleted must be quiet before it is ended: five
    /// seconds by default. Writers may be late to let go of it.
    pub linger: Duration,
    /// How many files are held open at most: 512 by default.
    pub descriptors_max: usize,
    /// Whether files whose name begins with a dot are found in directories and by `*`: no by
    /// default.
    pub hidden: bool,
    /// The file that the output is written to, if it is one: it is left out, since it would grow by
    /// what is read of it. None by default.
    pub output: Option<Inode>,
    /// Whether events of the file system wake: yes by default. Without, new data is seen when the
    /// files are next looked at.
    pub events: bool,
    /// Where files are read on that were followed before. What is new since is read from its beginning,
    /// whatever [`from`](Self::from) says, but for what [was not asked for](Self::anew) then. None by
    /// default.
    pub resume: Option<Arc<Positions>>,
    /// Which of the names, the first being 0, were not among those that were followed before, where
    /// following is [gone on with](Self::resume): what is there of these begins where
    /// [`from`](Self::from) says, and nothing is missing of what they have said. None by default.
    pub anew: BTreeSet<usize>,
    /// Until then live sources were read before, so that what they have said since is missing: each
    /// begins with a record of that [gap](crate::live#loss). None by default.
    pub live_since: Option<SystemTime>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_secs(1),
            block_bytes: 1 << 20,
            from: Start::Beginning,
            linger: Duration::from_secs(5),
            descriptors_max: 512,
            hidden: false,
            output: None,
            events: true,
            resume: None,
            anew: BTreeSet::new(),
            live_since: None,
        }
    }
}

/// Where reading begins in files that are there when following starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first byte.
    Beginning,
    /// Behind the last byte: only what is written from now on is given. What is compressed is read
    /// through for it.
    End,
}

/// What happens to followed sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Bytes that go on where the last ones of the same generation ended.
    Data {
        /// The file, under the name that it had when it was written.
        origin: Origin,
        /// What a file holds between two truncations. No two files share a number, and what
        /// belongs to one generation never continues a line of another.
        generation: u64,
        /// Where the bytes lie in the decoded content, counted from its start.
        offset: u64,
        /// Decoded text, never empty.
        bytes: Bytes,
        /// The last line and the last record end with these bytes: nothing that comes later goes on
        /// with them. Of a file that is not known.
        whole: bool,
        /// Of a file over HTTP: what another process can [go on](crate::live::Options::resume_from)
        /// with behind these bytes, where that was [asked for](crate::live::Options::tells_place).
        place: Option<Arc<str>>,
    },
    /// A generation is over: a line that it left without an end is whole now.
    End {
        /// The file.
        origin: Origin,
        /// The number that its data had.
        generation: u64,
    },
    /// A generation goes on that has begun in another stream, which ended ([`Options::resume`]). Comes
    /// before all else of it.
    Resumed {
        /// The file.
        origin: Origin,
        /// The number that its data had, and have.
        generation: u64,
        /// Where they go on, in the decoded content.
        offset: u64,
        /// The first bytes of the decoded content, at most 32 KiB, so that what they tell of those that
        /// come can be found out; less where they cannot be had any more.
        head: Bytes,
        /// The bytes that go on begin a line.
        is_line_start: bool,
    },
    /// How far all files have been read, behind what has been given. Only where it was
    /// [asked for](Barriers).
    Barrier(Barrier),
    /// All that was there at the start has been given; what comes now is new. Comes once.
    CaughtUp,
    /// Something that a person should know.
    Notice(Notice),
    /// A [live](crate::live) source cannot be read, and it is of no use to try again.
    Failed {
        /// The source.
        origin: Origin,
        /// A verb that fits after "cannot".
        act: &'static str,
        /// What was in the way.
        reason: String,
    },
}

/// The generations of live sources have this number or a greater one, and those of files a smaller one.
///
/// Those of files mean the same in a stream that [goes on](Options::resume) after another.
pub const LIVE_GENERATIONS: u64 = 1 << 63;

/// The bit by which generations of records that tell of [gaps](crate::live#loss) are told from others of
/// live sources.
pub(crate) const GAP_GENERATIONS: u64 = 1 << 47;

/// Whether this is a record that tells that something of a live source is [missing](crate::live#loss).
pub fn tells_of_gap(event: &Event) -> bool {
    let gaps = LIVE_GENERATIONS | GAP_GENERATIONS;
    matches!(event, Event::Data { generation, .. } if generation & gaps == gaps)
}

/// How many records were dropped, where data tells of that, since they came
/// [faster than they were taken](crate::live::Overflow::DropOldest).
pub fn dropped_by(event: &Event) -> Option<u64> {
    match event {
        Event::Data { bytes, .. } if tells_of_gap(event) => {
            let record: serde_json::Value = serde_json::from_slice(bytes).ok()?;
            record["dropped"].as_u64()
        }
        _ => None,
    }
}

/// A mark in a stream, at which all who take part in it can tell how far they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barrier {
    /// The number by which it was asked for.
    pub number: u64,
    /// How far all files have been read that are followed.
    pub positions: Arc<Positions>,
}

/// What a person should know about followed files. It displays itself as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The file system gives no events, or no more of them.
    PollingOnly {
        /// What the system said.
        reason: String,
    },
    /// A named file does not exist yet.
    Waiting {
        /// The name.
        origin: Origin,
    },
    /// A new file is followed.
    Appeared {
        /// The file.
        origin: Origin,
    },
    /// The file went to another name.
    Rotated {
        /// The file.
        origin: Origin,
        /// Its new name, where that could be found.
        to: Option<PathBuf>,
    },
    /// A whole generation came and went between two looks, and was found.
    Missed {
        /// The name that it had.
        origin: Origin,
        /// The name that it has now.
        path: PathBuf,
    },
    /// The content was cut off or replaced in place; the file is read again from its start.
    Truncated {
        /// The file.
        origin: Origin,
        /// A copy of the content that was cut off, and how many bytes were still to be read there.
        copy: Option<(PathBuf, u64)>,
        /// Bytes that had been seen but neither read nor found in a copy. What was written after
        /// the last look is missing too.
        unread: u64,
    },
    /// The file was deleted.
    Deleted {
        /// The file.
        origin: Origin,
    },
    /// A file that was followed before following was begun again is not there any more.
    Lost {
        /// The file.
        origin: Origin,
        /// The copy, or the compressed file, in which the rest of it was found, and how many bytes these
        /// were.
        copy: Option<(PathBuf, u64)>,
        /// Bytes that were known to be there, and had not been read. What was written after the last
        /// look is missing too, where there is no copy.
        unread: u64,
    },
    /// A new file holds what was already read of another.
    Skipped {
        /// The new file.
        path: PathBuf,
        /// The file that was read.
        of: Origin,
    },
    /// A file that was found by walking is not text.
    Binary {
        /// The file.
        origin: Origin,
    },
    /// A file or directory could not be opened or read. It is tried again at every look.
    CannotOpen {
        /// The file.
        origin: Origin,
        /// What the system said.
        reason: String,
    },
    /// A file or directory that could not be opened or read can be.
    Readable {
        /// The file.
        origin: Origin,
    },
    /// What could not be opened or read is not there any more.
    Gone {
        /// The file.
        origin: Origin,
    },
    /// A compressed file is damaged, or ends early and has been quiet for a while. What could be
    /// decoded has been given.
    CannotDecode {
        /// The file.
        origin: Origin,
        /// What is wrong with it.
        reason: String,
    },
    /// The process may not open more files.
    Descriptors {
        /// How many are held open from now on.
        kept: usize,
    },
    /// Something happened to a [live](crate::live) source.
    Live {
        /// The source.
        origin: Origin,
        /// What happened, in words.
        what: String,
        /// Whether it is connected from now on, where that is other than before.
        is_connected: Option<bool>,
    },
    /// How far a file over HTTP has been read, for who [asks](crate::live::Options::tells_place) for that.
    Place {
        /// The source.
        origin: Origin,
        /// What another process can [go on](crate::live::Options::resume_from) with.
        place: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PollingOnly { reason } => write!(
                f,
                "new data is only looked for from time to time: cannot watch for it: {reason}"
            ),
            Self::Waiting { origin } => {
                write!(f, "waiting for {} to be created", origin.quoted())
            }
            Self::Appeared { origin } => write!(f, "following the new file {}", origin.quoted()),
            Self::Rotated { origin, to: None } => write!(f, "{} was moved away", origin.quoted()),
            Self::Rotated {
                origin,
                to: Some(to),
            } => write!(f, "{} was rotated to {to:?}", origin.quoted()),
            Self::Missed { origin, path } => write!(
                f,
                "{} was rotated more than once: reading {path:?} too",
                origin.quoted()
            ),
            Self::Truncated {
                origin,
                copy,
                unread,
            } => display_truncated(f, origin, copy.as_ref(), *unread),
            Self::Lost {
                origin,
                copy: Some((path, bytes)),
                ..
            } => write!(
                f,
                "{} is gone: read the last {bytes} bytes of it from {path:?}",
                origin.quoted()
            ),
            Self::Lost { origin, unread, .. } if *unread > 0 => write!(
                f,
                "{} is gone: at least {unread} bytes of it were not read in time",
                origin.quoted()
            ),
            Self::Lost { origin, .. } => write!(
                f,
                "{} is gone: what was written while it was not followed may be missing",
                origin.quoted()
            ),
            Self::Deleted { origin } => write!(f, "{} was deleted", origin.quoted()),
            Self::Skipped { path, of } => write!(
                f,
                "skipping {path:?}: a copy of {}, which was read",
                of.quoted()
            ),
            Self::Binary { origin } => write!(f, "skipping {}: not text", origin.quoted()),
            Self::CannotOpen { origin, reason } => {
                write!(f, "cannot open {}: {reason}", origin.quoted())
            }
            Self::Readable { origin } => write!(f, "{} can be read now", origin.quoted()),
            Self::Gone { origin } => write!(f, "{} is gone", origin.quoted()),
            Self::CannotDecode { origin, reason } => {
                write!(f, "cannot decode {}: {reason}", origin.quoted())
            }
            Self::Place { origin, .. } => write!(f, "{} has been read on", origin.quoted()),
            Self::Live { origin, what, .. } => write!(f, "{}: {what}", origin.quoted()),
            Self::Descriptors { kept } => write!(
                f,
                "too many open files: holding no more than {kept} of the followed ones open"
            ),
        }
    }
}

fn display_truncated(
    f: &mut fmt::Formatter<'_>,
    origin: &Origin,
    copy: Option<&(PathBuf, u64)>,
    unread: u64,
) -> fmt::Result {
    write!(f, "{} was truncated: ", origin.quoted())?;
    match copy {
        Some((path, 0)) => write!(f, "all that its copy {path:?} holds had been read"),
        Some((path, bytes)) => write!(f, "read the last {bytes} bytes from its copy {path:?}"),
        None if unread > 0 => write!(f, "at least {unread} bytes of it were not read in time"),
        None => f.write_str("what was written just before may be missing"),
    }
}

/// Follows what `names` stand for: paths of files, which need not exist yet, directories and globs, for
/// which new files are found too, and [live](crate::live) sources. Standard input is no file, and left
/// out.
///
/// What files hold at the start is given in the order of the names, and by path within one. Live sources
/// come as they come.
///
/// Files are read on a thread of its own, which stays at most a few blocks ahead of the stream. It
/// begins at once, and ends when the stream is dropped. Live sources are read by a task each, from the
/// first poll on, which must be within a tokio runtime then. The stream ends where there are no files,
/// and all live sources are over.
pub fn follow(names: Vec<Name>, options: Options) -> Follow {
    let [(live, of_live), (files, options)] = apart(names, options);
    let common = Arc::new(Common::new(LIVE_GENERATIONS));
    let live: SelectAll<_> = live
        .into_iter()
        .enumerate()
        .filter_map(|(number, name)| match name {
            Name::Live(source) => {
                let live = Live::new(*source, Arc::clone(&common));
                let since = of_live.live_since;
                Some(live.missing_since(since.filter(|_| !of_live.anew.contains(&number))))
            }
            _ => None,
        })
        .collect();
    let only_live = files.is_empty() && !live.is_empty();
    Follow {
        files: match only_live {
            true => Arc::new(Shared::without_files()),
            false => follow_files(files, options),
        },
        live,
        // Nothing of a live source was there before.
        caught_up: only_live,
        files_first: true,
    }
}

/// The live sources among some names, and the others, each with the options for these alone.
pub fn apart(names: Vec<Name>, options: Options) -> [(Vec<Name>, Options); 2] {
    let of_all = options.anew.clone();
    let mut parts = [(Vec::new(), options.clone()), (Vec::new(), options)];
    parts.iter_mut().for_each(|(_, it)| it.anew.clear());
    for (number, name) in names.into_iter().enumerate() {
        let [live, files] = &mut parts;
        let (names, options) = if matches!(name, Name::Live(_)) {
            live
        } else {
            files
        };
        if of_all.contains(&number) {
            options.anew.insert(names.len());
        }
        names.push(name);
    }
    parts
}

fn follow_files(names: Vec<Name>, options: Options) -> Arc<Shared> {
    let shared = Arc::new(Shared::new(options.block_bytes));
    let thread = Arc::clone(&shared);
    let spawned = std::thread::Builder::new()
        .name("birl-follow".to_owned())
        .spawn(move || watch::run(names, options, &thread));
    if let Err(error) = spawned {
        shared.fail(&error);
    }
    shared
}

/// The stream of [`follow`]. Dropping it stops the thread and the tasks that read; it does not wait for
/// them.
pub struct Follow {
    files: Arc<Shared>,
    live: SelectAll<Live>,
    /// It is to be told that all that was there has been given.
    caught_up: bool,
    /// Files and live sources take turns.
    files_first: bool,
}

/// Puts barriers into a stream of [`follow`], wherever that has gone.
///
/// Clones put them into the same one. Dropping it changes nothing.
#[derive(Clone)]
pub struct Barriers(Arc<Shared>);

impl Barriers {
    /// Asks for a [barrier](Event::Barrier) of this number, which comes soon, behind what has been read;
    /// not at all where the stream has ended or been dropped, or files cannot be followed any more.
    /// Where only live sources are followed, it tells no positions.
    pub fn put(&self, number: u64) {
        self.0.ask_for_barrier(number);
    }
}

impl fmt::Debug for Barriers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barriers").finish_non_exhaustive()
    }
}

impl Follow {
    /// What puts barriers into this stream.
    pub fn barriers(&self) -> Barriers {
        Barriers(Arc::clone(&self.files))
    }

    fn poll_files(&self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.files.poll_receive(context)
    }

    fn poll_live(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        Pin::new(&mut self.live).poll_next(context)
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").finish_non_exhaustive()
    }
}

impl Stream for Follow {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if std::mem::take(&mut self.caught_up) {
            return Poll::Ready(Some(Event::CaughtUp));
        }
        self.files_first = !self.files_first;
        let first = match self.files_first {
            true => self.poll_files(context),
            false => self.poll_live(context),
        };
        if let Poll::Ready(Some(_)) = first {
            return first;
        }
        let second = match self.files_first {
            true => self.poll_live(context),
            false => self.poll_files(context),
        };
        match (first, second) {
            (_, Poll::Ready(Some(event))) => Poll::Ready(Some(event)),
            (Poll::Ready(_), Poll::Ready(_)) => Poll::Ready(None),
            _ => Poll::Pending,
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.files.stop();
    }
}

#[cfg(test)]
mod tests;
