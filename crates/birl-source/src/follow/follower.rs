//! The state of following: what is looked at, and what is read next. It has no thread and no clock.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use birl_stream::block::BlockPool;

use super::directory::{Directory, is_absence};
use super::family;
use super::identity::{FileId, Print, Stamp};
use super::targets::{Target, Targets};
use super::track::{Key, Standing, Track};
use super::{Event, Notice, Options, Start};
use crate::Inode;
use crate::error::refusal;

/// A change within one tick of a file system's clock leaves no trace in the metadata. So what has
/// changed is looked at closely for this long, which is more than the coarsest clock's tick.
pub(super) const HOT: Duration = Duration::from_millis(2500);

/// How often a place may turn again while turns are dealt with.
const TURNS_MAX: usize = 16;

/// What to look at.
#[derive(Debug)]
pub(super) enum Scope {
    /// Everything.
    All,
    /// Only these paths; `true` where one may have appeared, disappeared or become another file.
    Paths(HashMap<PathBuf, bool>),
}

/// Follows files, one call at a time.
pub(super) struct Follower {
    pub(super) options: Options,
    pub(super) targets: Targets,
    pub(super) pool: BlockPool,
    pub(super) now: Instant,
    pub(super) first: bool,
    /// What was asked for has been taken up.
    pub(super) has_begun: bool,
    /// It goes on where files were read to before, and has not looked yet.
    pub(super) resumes: bool,
    caught_up: bool,
    pub(super) keys: Key,
    pub(super) generations: u64,
    pub(super) tracks: BTreeMap<Key, Track>,
    pub(super) by_id: HashMap<FileId, Key>,
    pub(super) kin: HashMap<FileId, Kin>,
    pub(super) places: BTreeMap<PathBuf, Place>,
    /// Where the files of the places truly lie, past all links, and which place it is.
    pub(super) homes: HashMap<PathBuf, PathBuf>,
    pub(super) directories: BTreeMap<PathBuf, Directory>,
    pub(super) directory_ids: HashMap<FileId, PathBuf>,
    pub(super) unjudged: BTreeSet<Key>,
    pub(super) truncated: BTreeSet<Key>,
    pub(super) turned: BTreeSet<(usize, PathBuf)>,
    pub(super) to_check: BTreeSet<PathBuf>,
    /// Files in which following goes on, which has not been told.
    pub(super) to_introduce: VecDeque<Key>,
    pub(super) queue: VecDeque<Key>,
    pub(super) events: VecDeque<Event>,
    pub(super) held: usize,
    pub(super) held_max: usize,
}

/// A path that is followed.
pub(super) struct Place {
    pub(super) target: Target,
    /// The file that is there.
    pub(super) current: Option<Key>,
    /// The generation that is to be read before the next one, if it is still read.
    pub(super) newest: Option<Key>,
    /// The files that were there before, the oldest first.
    pub(super) strays: VecDeque<Key>,
    /// Where the file truly lies, past all links.
    pub(super) home: PathBuf,
    /// The birth of the file that was here at the start: older siblings are none of ours.
    pub(super) oldest: Option<SystemTime>,
    /// The last time that the file here was found to have been truncated.
    pub(super) truncated_at: Option<Instant>,
    /// All siblings that were born until then have been met: they were in the last listing.
    pub(super) horizon: Option<SystemTime>,
    /// The last time that the place went to another file, or was found to have none.
    pub(super) turned_at: Option<Instant>,
    /// What is wrong with it, so that it is said once.
    complaint: Option<Complaint>,
    /// It was followed before.
    pub(super) is_known: bool,
}

/// What is wrong with a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Complaint {
    /// Nothing is there, and somebody waits for it.
    Waiting,
    /// Nothing is there any more.
    Gone,
    /// What is there cannot be opened.
    CannotOpen(io::ErrorKind),
}

impl Place {
    /// A path in the directory of the place, or below, in the words in which the place is shown.
    fn shown(&self, path: &Path) -> Option<PathBuf> {
        let parent = self.target.path.parent()?;
        let inside = match path.strip_prefix(parent) {
            Ok(inside) => inside.to_owned(),
            // Files are known by where they truly lie.
            Err(_) => {
                let parent = fs::canonicalize(parent).ok()?;
                path.strip_prefix(parent).ok()?.to_owned()
            }
        };
        Some(self.target.shown_parent()?.join(inside))
    }
}

impl Target {
    fn complaint(&self, error: &io::Error) -> Complaint {
        // A link that leads nowhere leads to a file that is not there yet.
        let is_awaited = || self.typed || (self.named && fs::symlink_metadata(&self.path).is_ok());
        match error.kind() {
            kind if !is_absence(error) => Complaint::CannotOpen(kind),
            _ if is_awaited() => Complaint::Waiting,
            _ => Complaint::Gone,
        }
    }
}

/// A file that is known and not read: it was there before, it has been read, or it is a copy.
pub(super) struct Kin {
    pub(super) print: Print,
    pub(super) family: PathBuf,
    /// What is in the print was given out, or deliberately skipped as a followed file's past.
    pub(super) read: bool,
    pub(super) seen_at: Instant,
}

impl Follower {
    /// One that begins, or goes on where the options say.
    pub(super) fn start(targets: Targets, mut options: Options, now: Instant) -> Self {
        match options.resume.take() {
            Some(positions) => Self::resume(targets, options, now, &positions),
            None => Self::new(targets, options, now),
        }
    }

    pub(super) fn new(targets: Targets, options: Options, now: Instant) -> Self {
        Self {
            targets,
            pool: BlockPool::new(options.block_bytes, 2),
            now,
            first: true,
            has_begun: false,
            resumes: false,
            caught_up: false,
            keys: 0,
            generations: 0,
            tracks: BTreeMap::new(),
            by_id: HashMap::new(),
            kin: HashMap::new(),
            places: BTreeMap::new(),
            homes: HashMap::new(),
            directories: BTreeMap::new(),
            directory_ids: HashMap::new(),
            unjudged: BTreeSet::new(),
            truncated: BTreeSet::new(),
            turned: BTreeSet::new(),
            to_check: BTreeSet::new(),
            to_introduce: VecDeque::new(),
            queue: VecDeque::new(),
            events: VecDeque::new(),
            held: 0,
            held_max: options.descriptors_max.max(1),
            options,
        }
    }

    /// Compares what is there with what was there, and queues what is to be read. Reads no more
    /// than it takes to know files again.
    pub(super) fn look(&mut self, scope: &Scope, now: Instant) {
        self.now = now;
        self.list(scope);
        self.check(scope);
        self.settle_turns();
        self.find_lost();
        self.list_beside_truncated();
        self.judge_all();
        self.settle_truncations();
        self.end_surplus();
        if matches!(scope, Scope::All) {
            self.end_quiet();
            self.forget();
        }
        self.first = false;
        self.options.anew.clear();
    }

    /// The next thing to tell, reading at most a block; `None` until the next look.
    pub(super) fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if let Some(key) = self.to_introduce.pop_front() {
                self.introduce(key);
                continue;
            }
            if self.queue.is_empty() {
                return self.catch_up();
            }
            self.read_next();
            if !self.truncated.is_empty() {
                self.list_beside_truncated();
                self.judge_all();
                self.settle_truncations();
            }
        }
    }

    fn catch_up(&mut self) -> Option<Event> {
        let first = !std::mem::replace(&mut self.caught_up, true);
        first.then_some(Event::CaughtUp)
    }

    /// Everything that there is to tell now.
    #[cfg(test)]
    pub(super) fn poll(&mut self, now: Instant) -> Vec<Event> {
        self.look(&Scope::All, now);
        std::iter::from_fn(|| self.next()).collect()
    }

    /// The directories in which something may happen.
    pub(super) fn directories(&self) -> impl Iterator<Item = &Path> {
        self.directories.keys().map(PathBuf::as_path)
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        self.events.push_back(Event::Notice(notice));
    }

    pub(super) fn hot_until(&self) -> Instant {
        self.now + HOT
    }

    pub(super) fn is_hot(&self, key: Key) -> bool {
        self.now < self.tracks[&key].changed_at + HOT
    }

    /// A path near a followed place as whoever typed the place would type it.
    pub(super) fn shown(&self, path: &Path, place: &Path) -> PathBuf {
        let shown = self.places.get(place).and_then(|place| place.shown(path));
        shown.unwrap_or_else(|| path.to_owned())
    }

    pub(super) fn places_at(&self, path: &Path) -> Vec<PathBuf> {
        let mut places = Vec::new();
        if self.places.contains_key(path) {
            places.push(path.to_owned());
        }
        if let Some(place) = self.homes.get(path)
            && place != path
        {
            places.push(place.clone());
        }
        places
    }

    /// Why the file cannot be followed, if so.
    pub(super) fn obstacle(&self, metadata: &Metadata) -> Option<io::Error> {
        let reason = if !metadata.is_file() {
            "it is not a regular file"
        } else if self.options.output == Some(Inode::of(metadata)) {
            "the output goes there"
        } else {
            return None;
        };
        Some(io::Error::other(reason))
    }

    pub(super) fn keep_as_kin(&mut self, id: FileId, print: Print, family: PathBuf, read: bool) {
        let kin = Kin {
            print,
            family,
            read,
            seen_at: self.now,
        };
        self.kin.insert(id, kin);
    }

    /// The place that a file of this name was rotated away from, if it is one that is followed.
    pub(super) fn family_of(&self, path: &Path) -> Option<PathBuf> {
        let (parent, name) = (path.parent()?, path.file_name()?);
        family::origins(name)
            .into_iter()
            .find_map(|origin: OsString| self.homes.get(&parent.join(origin)).cloned())
    }

    pub(super) fn add_place(&mut self, target: Target) {
        let path = target.path.clone();
        if self.places.contains_key(&path) {
            return;
        }
        self.homes.insert(path.clone(), path.clone());
        if let Some(parent) = path.parent() {
            self.directories.entry(parent.to_owned()).or_default();
        }
        let place = Place {
            target,
            current: None,
            newest: None,
            strays: VecDeque::new(),
            home: path.clone(),
            oldest: None,
            horizon: None,
            truncated_at: None,
            turned_at: None,
            complaint: None,
            is_known: false,
        };
        self.places.insert(path, place);
    }

    pub(super) fn add_track(&mut self, track: Track) -> Key {
        self.keys += 1;
        let key = self.keys;
        self.by_id.insert(track.id, key);
        if matches!(track.standing, Standing::Unjudged { .. }) {
            self.unjudged.insert(key);
        }
        self.tracks.insert(key, track);
        key
    }

    fn check(&mut self, scope: &Scope) {
        let mut placed = BTreeSet::new();
        let places: Vec<PathBuf> = match scope {
            Scope::All => {
                // Paths take long to compare, so what most are takes no search for any.
                let mut is_new = |(path, place): &(&PathBuf, &Place)| {
                    let unchanged = self.unchanged(path, place);
                    placed.extend(unchanged);
                    unchanged.is_none()
                };
                let changed = self.places.iter().filter(|it| is_new(it));
                changed.map(|(path, _)| path.clone()).collect()
            }
            Scope::Paths(paths) => paths.keys().flat_map(|path| self.places_at(path)).collect(),
        };
        self.to_check.extend(places);
        while let Some(path) = self.to_check.pop_first() {
            placed.extend(self.check_place(&path));
        }
        let strays: Vec<Key> = self
            .tracks
            .iter()
            .filter(|(key, track)| match scope {
                Scope::All => !placed.contains(key),
                Scope::Paths(paths) => !placed.contains(key) && paths.contains_key(&track.path),
            })
            .map(|(&key, _)| key)
            .collect();
        for key in strays {
            self.check_stray(key);
        }
    }

    /// The file that is at a place, where it is the one that was there before, and is as it was then, so
    /// that nothing is to be done.
    fn unchanged(&self, path: &Path, place: &Place) -> Option<Key> {
        let key = place.current?;
        let track = &self.tracks[&key];
        if self.is_hot(key) || track.cut || place.complaint.is_some() {
            return None;
        }
        let metadata = fs::metadata(path).ok()?;
        let is_same = FileId::of(&metadata) == track.id && Stamp::of(&metadata) == track.stamp;
        (is_same && self.obstacle(&metadata).is_none()).then_some(key)
    }

    /// Returns the file that is at the place, if it is the one that was there before.
    fn check_place(&mut self, path: &Path) -> Option<Key> {
        let place = self.places.get(path)?;
        let (current, rank) = (place.current, place.target.rank);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                self.uncomplain(path);
                let target = self.places[path].target.clone();
                if self.add_tree(&target) {
                    self.relist(path);
                }
                None
            }
            Ok(metadata) => {
                if let Some(obstacle) = self.obstacle(&metadata) {
                    self.complain(path, &obstacle);
                    return None;
                }
                let same = current.filter(|key| self.tracks[key].id == FileId::of(&metadata));
                match same {
                    Some(key) => {
                        self.uncomplain(path);
                        self.inspect(key, &metadata);
                    }
                    None => {
                        self.turned.insert((rank, path.to_owned()));
                    }
                }
                same
            }
            Err(error) if is_absence(&error) && (current.is_some() || self.has_unjudged(path)) => {
                self.turned.insert((rank, path.to_owned()));
                None
            }
            Err(error) => {
                self.complain(path, &error);
                None
            }
        }
    }

    fn has_unjudged(&self, family: &Path) -> bool {
        let mut unjudged = self.unjudged.iter();
        unjudged.any(|key| self.tracks[key].family == family)
    }

    /// Says once what is wrong with a place; the next looks try again.
    pub(super) fn complain(&mut self, path: &Path, error: &io::Error) {
        let Some(place) = self.places.get_mut(path) else {
            return;
        };
        let complaint = place.target.complaint(error);
        let before = place.complaint.replace(complaint);
        if before == Some(complaint) {
            return;
        }
        if is_absence(error) {
            place.turned_at = Some(self.now);
        }
        let origin = place.target.origin.clone();
        match complaint {
            Complaint::Waiting => self.notice(Notice::Waiting { origin }),
            Complaint::Gone if before.is_some() => self.notice(Notice::Gone { origin }),
            Complaint::Gone => {}
            Complaint::CannotOpen(_) => self.notice(Notice::CannotOpen {
                origin,
                reason: refusal(error),
            }),
        }
    }

    /// Nothing is at a place: of a file that was read there that is told otherwise.
    pub(super) fn complained_of_absence(&mut self, path: &Path, error: &io::Error) {
        let Some(place) = self.places.get_mut(path) else {
            return;
        };
        let complaint = place.target.complaint(error);
        let before = place.complaint.replace(complaint);
        if matches!(before, Some(Complaint::CannotOpen(_))) {
            let origin = place.target.origin.clone();
            self.notice(Notice::Gone { origin });
        }
    }

    pub(super) fn has_caught_up(&self) -> bool {
        self.caught_up
    }

    /// What is at a place can be read.
    pub(super) fn uncomplain(&mut self, path: &Path) {
        let Some(place) = self.places.get_mut(path) else {
            return;
        };
        if let Some(Complaint::CannotOpen(_)) = place.complaint.take() {
            let origin = place.target.origin.clone();
            self.notice(Notice::Readable { origin });
        }
    }

    fn check_stray(&mut self, key: Key) {
        let now = self.now;
        if let Some(metadata) = self.tracks[&key].metadata() {
            self.inspect(key, &metadata);
            let track = self.track(key);
            track.gone = !track.has_a_name();
            track.lost_at = None;
        } else {
            // Where siblings are shifted it may just not have been met under its new name.
            let track = self.track(key);
            let lost_at = *track.lost_at.get_or_insert(now);
            track.gone = now >= lost_at + HOT;
        }
    }

    pub(super) fn track(&mut self, key: Key) -> &mut Track {
        self.tracks.get_mut(&key).expect("keys lead to tracks")
    }

    /// Takes in a file's metadata, and decides what they mean for what was read of it.
    pub(super) fn inspect(&mut self, key: Key, metadata: &Metadata) {
        let stamp = Stamp::of(metadata);
        let now = self.now;
        let hot = self.is_hot(key);
        let track = self.track(key);
        let before = std::mem::replace(&mut track.stamp, stamp);
        let changed = before != stamp;
        let written = before.size != stamp.size || before.modified() != stamp.modified();
        if written {
            track.changed_at = now;
        }
        if track.restart.is_some() {
            return;
        }
        if track.compression.is_some() {
            // Its own bytes say nothing of what was read: that is compared when it is read again.
            if written || (track.cut && !hot) {
                self.read_again(key);
            }
            return;
        }
        if !(changed || hot) {
            return;
        }
        match track.standing {
            Standing::Reading => self.inspect_content(key, before.size),
            Standing::CopyOf(_) if changed => self.doubt(key),
            _ => {}
        }
    }

    /// More may have been written to a compressed file.
    fn read_again(&mut self, key: Key) {
        let track = self.track(key);
        if matches!(track.standing, Standing::Reading | Standing::Finished) {
            track.standing = Standing::Reading;
            self.enqueue(key);
        }
    }

    /// A copy that has changed may be none: it is judged again.
    fn doubt(&mut self, key: Key) {
        let since = self.now;
        self.track(key).standing = Standing::Unjudged { since };
        self.unjudged.insert(key);
    }

    fn inspect_content(&mut self, key: Key, size_before: u64) {
        let track = &self.tracks[&key];
        let (offset, size) = (track.offset(), track.stamp.size);
        if size < offset {
            self.truncate(key, size_before);
            return;
        }
        let is_quiet = track.held.is_none() && track.complaint.is_none() && !self.is_hot(key);
        let is_idle = size == offset && is_quiet;
        // One that is empty is opened too: it may be written and deleted before the next look.
        if is_idle || !self.open_track(key) || (size == 0 && offset == 0) {
            return;
        }
        let track = &self.tracks[&key];
        let file = track.held.as_ref().expect("opened a moment ago");
        match track.print.still_in(file) {
            Ok(true) if size > offset => self.enqueue(key),
            Ok(true) => self.recover(key),
            Ok(false) => self.truncate(key, size_before),
            Err(error) => self.fail(key, &error),
        }
    }

    /// The content that was read is not there any more.
    pub(super) fn truncate(&mut self, key: Key, size_before: u64) {
        let now = self.now;
        let track = self.track(key);
        if track.restart.is_some() {
            return;
        }
        // How much is missing cannot be told by the size of what is compressed.
        if track.compression.is_none() {
            track.size_before = track.size_before.max(size_before);
        }
        let place = track.place.clone();
        self.truncated.insert(key);
        if let Some(place) = self.places.get_mut(&place) {
            place.truncated_at = Some(now);
        }
    }

    pub(super) fn enqueue(&mut self, key: Key) {
        let track = self.track(key);
        if !std::mem::replace(&mut track.queued, true) {
            self.queue.push_back(key);
        }
    }

    /// Looks at the places that the last listings cast doubt on.
    pub(super) fn check_listed(&mut self) {
        while let Some(path) = self.to_check.pop_first() {
            self.check_place(&path);
        }
        self.settle_turns();
    }

    fn settle_turns(&mut self) {
        // A name that changes hands without end is left to the next look.
        let mut left = self.turned.len() + TURNS_MAX;
        while left > 0
            && let Some((_, path)) = self.turned.pop_first()
        {
            left -= 1;
            self.turn(&path);
            // A listing within may have cast doubt on further places.
            while let Some(path) = self.to_check.pop_first() {
                self.check_place(&path);
            }
        }
    }

    pub(super) fn is_placed(&self, key: Key) -> bool {
        let Some(track) = self.tracks.get(&key) else {
            return false;
        };
        [&track.place, &track.path].into_iter().any(|path| {
            self.places_at(path)
                .iter()
                .any(|place| self.places[place].current == Some(key))
        })
    }

    /// Whether what is at a place now was there before it was asked for.
    pub(super) fn is_first_of(&self, place: &Path) -> bool {
        let is_new =
            |place: &Place| !place.is_known && self.options.anew.contains(&place.target.rank);
        self.first || self.places.get(place).is_some_and(is_new)
    }

    pub(super) fn starts_at_end(&self, place: &Path) -> bool {
        self.is_first_of(place) && self.options.from == Start::End
    }
}
