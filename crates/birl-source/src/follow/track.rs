//! One followed file: how far it was read, and how to read on.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use birl_stream::block::{BlockPool, PAGE_BYTES};
use bytes::Bytes;

use super::form::Form;
use super::identity::{Body, FileId, HEAD_BYTES, Likeness, Print, Stamp};
use super::judge::body_of;
use crate::Origin;
use crate::content::{Content, detect};

/// The name of a track: they count up in the order in which files were first seen.
pub(super) type Key = u64;

/// Below this, bytes get memory of their own size: a block would stay whole for a few of them.
const SMALL_BYTES: u64 = 64 * 1024;

/// A file that is followed, whatever it is called at the moment.
pub(super) struct Track {
    /// The name under which its content is shown: the one that it had when it was written.
    pub(super) origin: Origin,
    /// The followed path that the name stands for.
    pub(super) place: PathBuf,
    /// The followed path whose rotated sibling the file may be, or else its own place.
    pub(super) family: PathBuf,
    /// Where it was seen last.
    pub(super) path: PathBuf,
    pub(super) id: FileId,
    pub(super) stamp: Stamp,
    pub(super) standing: Standing,
    /// What was read of the file, before decoding.
    pub(super) print: Print,
    pub(super) form: Form,
    /// What the file is compressed with, if it is and that is known: what was read of it are then
    /// other bytes than those that lie there.
    pub(super) compression: Option<Content>,
    /// What the file holds compressed, while it is read.
    pub(super) unpacked: Option<Body>,
    /// The compressed data ended early when they were last read: they may still be written.
    pub(super) cut: bool,
    /// It was found by walking, so it is skipped if it is not text.
    pub(super) text_only: bool,
    /// The number of the generation whose bytes were given out, until it is ended.
    pub(super) generation: Option<u64>,
    /// How many decoded bytes of the generation were given out.
    pub(super) given: u64,
    /// It waits for its turn to be read.
    pub(super) queued: bool,
    /// It has been the newest of its place: others may wait for it.
    pub(super) has_joined: bool,
    /// The file that must have been read to its end before this one is begun.
    pub(super) after: Option<Key>,
    /// The content was replaced, and what was not read of the old one is still to be dealt with.
    pub(super) restart: Option<Restart>,
    /// It has no name any more.
    pub(super) gone: bool,
    /// It was not found where it was seen last, at first then.
    pub(super) lost_at: Option<Instant>,
    /// Its size or time of writing last changed then.
    pub(super) changed_at: Instant,
    /// The largest size that was seen before its content was replaced.
    pub(super) size_before: u64,
    /// Bytes of a byte order mark that are yet to be skipped.
    pub(super) skip_bytes: usize,
    /// NUL bytes at the start are skipped: they are the hole that a truncation left.
    pub(super) skip_nuls: bool,
    /// That it is a copy has been told.
    pub(super) skipped: bool,
    /// The last failure that was told.
    pub(super) complaint: Option<io::ErrorKind>,
    pub(super) held: Option<File>,
    /// It was followed before, and that it is followed again has not been told.
    pub(super) is_unintroduced: bool,
    /// It was the file of its place when it was followed before.
    pub(super) was_current: bool,
    /// It was followed before, and is not there any more.
    pub(super) lost: bool,
}

/// What is to be done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It came while others were followed: whether its content is new has not been decided.
    Unjudged {
        /// When it was first seen.
        since: Instant,
    },
    /// It is read as it grows.
    Reading,
    /// It holds what another one held, so far as that one was read.
    CopyOf(Key),
    /// It has been read once, and nothing more will come, unless it is compressed and is written to.
    Finished,
}

/// What is left to do for the content that a truncation removed.
pub(super) struct Restart {
    /// The copy that still has the content, where there is one, and its key.
    pub(super) copy: Option<(Key, Body)>,
    /// Where that copy lies, as it is shown.
    pub(super) from: Option<PathBuf>,
    /// How many bytes were read from it.
    pub(super) recovered: u64,
}

/// What one step of reading gave.
pub(super) enum Step {
    /// Bytes of the content, as they lie in the file or its copy.
    Data(Bytes),
    /// There is nothing more for now.
    Empty,
    /// The bytes read before are not there any more.
    Changed,
}

impl Track {
    pub(super) fn new(path: &Path, metadata: &Metadata, standing: Standing, now: Instant) -> Self {
        let (id, stamp) = (FileId::of(metadata), Stamp::of(metadata));
        Self::known(path, id, stamp, standing, now)
    }

    /// A file of which nothing has been read.
    pub(super) fn known(
        path: &Path,
        id: FileId,
        stamp: Stamp,
        standing: Standing,
        now: Instant,
    ) -> Self {
        Self {
            origin: Origin::file(path),
            place: path.to_owned(),
            family: path.to_owned(),
            path: path.to_owned(),
            id,
            stamp,
            standing,
            print: Print::default(),
            form: Form::Unknown,
            compression: None,
            unpacked: None,
            cut: false,
            text_only: false,
            generation: None,
            given: 0,
            queued: false,
            has_joined: false,
            after: None,
            restart: None,
            gone: false,
            lost_at: None,
            changed_at: now,
            size_before: 0,
            skip_bytes: 0,
            skip_nuls: false,
            skipped: false,
            complaint: None,
            held: None,
            is_unintroduced: false,
            was_current: false,
            lost: false,
        }
    }

    /// How many bytes of the file, or of what it holds compressed, have been read.
    pub(super) fn offset(&self) -> u64 {
        self.print.end()
    }

    /// Whether the last line that was read of it is known to be whole.
    pub(super) fn is_at_line_start(&self) -> bool {
        matches!(self.form, Form::Text) && self.print.ends_with(b"\n")
    }

    /// Whether there is something to be done with its content.
    pub(super) fn is_wanted(&self) -> bool {
        self.queued || self.restart.is_some() || matches!(self.standing, Standing::Unjudged { .. })
    }

    /// The metadata of the file itself, wherever it may lie; `None` where it cannot be found at
    /// its path.
    pub(super) fn metadata(&self) -> Option<Metadata> {
        if let Some(file) = &self.held {
            return file.metadata().ok();
        }
        fs::metadata(&self.path)
            .ok()
            .filter(|metadata| FileId::of(metadata) == self.id)
    }

    /// Whether its path leads to it.
    pub(super) fn is_at_its_path(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| FileId::of(&metadata) == self.id)
    }

    /// Whether it lives on under another name, or unlinked but held open.
    pub(super) fn has_a_name(&self) -> bool {
        match &self.held {
            Some(file) => file.metadata().is_ok_and(|metadata| metadata.nlink() > 0),
            None => self.is_at_its_path(),
        }
    }

    /// Reads on in the file, at most a block.
    pub(super) fn read(&mut self, pool: &BlockPool) -> io::Result<Step> {
        let Some(file) = &self.held else {
            return Ok(Step::Empty);
        };
        let size = file.metadata()?.len();
        let offset = self.print.end();
        if size < offset {
            return Ok(Step::Changed);
        }
        let bytes = read_block(file, offset, size - offset, pool)?;
        // Asked after reading: had the content been replaced before, the bytes would not go on
        // from those that were read.
        if !self.print.still_in(file)? {
            return Ok(Step::Changed);
        }
        if bytes.is_empty() {
            return Ok(Step::Empty);
        }
        self.print.extend(&bytes);
        Ok(Step::Data(bytes))
    }

    /// The content from its start, where it is compressed as before and still begins with what was
    /// read of it.
    pub(super) fn unpack_again(&self, compression: Content) -> io::Result<Option<Body>> {
        let Some(file) = &self.held else {
            return Ok(None);
        };
        let mut head = [0; HEAD_BYTES];
        let length = super::identity::read_at(file, &mut head, 0)?;
        // An empty file is one that is about to be written.
        if length > 0 && detect(&head[..length]) != compression {
            return Ok(None);
        }
        let is_same = self.print.compare(&mut body_of(file, compression)?)? != Likeness::Different;
        is_same.then(|| body_of(file, compression)).transpose()
    }

    /// Reads on in another body of the same content.
    pub(super) fn read_from(&mut self, body: &mut Body, pool: &BlockPool) -> io::Result<Step> {
        let mut buffer = vec![0; pool.body_bytes()];
        let length = body.read_from(self.print.end(), &mut buffer)?;
        if length == 0 {
            return Ok(Step::Empty);
        }
        buffer.truncate(length);
        self.print.extend(&buffer);
        Ok(Step::Data(Bytes::from(buffer)))
    }
}

fn read_block(file: &File, offset: u64, left: u64, pool: &BlockPool) -> io::Result<Bytes> {
    if left <= SMALL_BYTES {
        let mut buffer = vec![0; left as usize];
        let length = super::identity::read_at(file, &mut buffer, offset)?;
        buffer.truncate(length);
        return Ok(Bytes::from(buffer));
    }
    // From a page's start to a page's start, which is copied fastest.
    let unaligned = (offset % PAGE_BYTES as u64) as usize;
    let mut block = pool.take();
    let length = pool.body_bytes() - unaligned;
    block.fill_at(file, offset, length)?;
    Ok(block.freeze())
}
