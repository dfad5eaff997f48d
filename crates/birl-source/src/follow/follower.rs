//! The state of following: what is looked at, and what is read next. It has no thread and no clock.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
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
use crate::error::refusal;
use crate::{Inode, Origin};

/// A change within one tick of a file system's clock leaves no trace in the metadata. So what has
/// changed is looked at closely for this long, which is more than the coarsest clock's tick.
pub(super) const HOT: Duration = Duration::from_millis(2500);

/// How often a place may turn again while turns are dealt with.
const TURNS_MAX: usize = 16;

/// Files that were rotated away from one place and are still looked at, in case that the writer
/// is late to let go of them.
const STRAYS_MAX: usize = 8;

/// Files that are known but not read, in all places together.
const KIN_MAX: usize = 4096;

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
    has_begun: bool,
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
    directory_ids: HashMap<FileId, PathBuf>,
    pub(super) unjudged: BTreeSet<Key>,
    pub(super) truncated: BTreeSet<Key>,
    turned: BTreeSet<(usize, PathBuf)>,
    to_check: BTreeSet<PathBuf>,
    /// Files in which following goes on, which has not been told.
    pub(super) to_introduce: VecDeque<Key>,
    pub(super) queue: VecDeque<Key>,
    pub(super) events: VecDeque<Event>,
    pub(super) held: usize,
    held_max: usize,
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
    /// What was said of it last, so that it is said once.
    complaint: Option<io::ErrorKind>,
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

/// A file that is known and not read: it was there before, it has been read, or it is a copy.
pub(super) struct Kin {
    pub(super) print: Print,
    pub(super) family: PathBuf,
    /// What is in the print was given out, or deliberately skipped as a followed file's past.
    pub(super) read: bool,
    seen_at: Instant,
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

    fn list(&mut self, scope: &Scope) {
        match scope {
            Scope::All => self.list_all(),
            Scope::Paths(paths) => {
                let named = paths.iter().filter(|(_, names_changed)| **names_changed);
                let parents: BTreeSet<&Path> =
                    named.filter_map(|(path, _)| path.parent()).collect();
                for parent in parents {
                    if self.directories.contains_key(parent) {
                        self.relist(parent);
                    }
                }
            }
        }
    }

    fn list_all(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) {
            for target in self.targets.named() {
                self.add_place(target);
            }
            for path in self.targets.directories() {
                self.directories.entry(path).or_default();
            }
        }
        let known: Vec<PathBuf> = self.directories.keys().cloned().collect();
        for path in known {
            if self.directories[&path].is_stale(&path, self.now) {
                self.relist(&path);
            }
        }
    }

    /// Lists a directory again, and takes up what has come, moved and gone.
    pub(super) fn relist(&mut self, path: &Path) {
        if let Ok(metadata) = fs::metadata(path) {
            let id = FileId::of(&metadata);
            self.directory_ids.insert(id, path.to_owned());
        }
        let hot_until = self.hot_until();
        let directory = self.directories.entry(path.to_owned()).or_default();
        let listed = directory.relist(path, hot_until);
        let complaint = listed.as_ref().err().map(io::Error::kind);
        let is_news = std::mem::replace(&mut directory.complaint, complaint) != complaint;
        let changes = match listed {
            Ok(changes) => changes,
            Err(error) if is_news => return self.complain_of_directory(path, &error),
            Err(_) => return,
        };
        for name in &changes.left {
            self.to_check.extend(self.places_at(&path.join(name)));
        }
        // What is followed comes first, so that a rotated sibling finds its family.
        let (followed, others): (Vec<_>, Vec<_>) = changes
            .arrived
            .into_iter()
            .map(|(name, metadata)| (path.join(name), metadata))
            .partition(|(path, _)| self.is_followed(path));
        for (path, metadata) in followed.into_iter().chain(others) {
            self.take_up(&path, &metadata);
        }
    }

    fn complain_of_directory(&mut self, path: &Path, error: &io::Error) {
        // Without a listing the places in it are still looked at; only what is new is not seen.
        self.notice(Notice::CannotOpen {
            origin: Origin::file(self.shown_directory(path)),
            reason: refusal(error),
        });
    }

    /// A directory as whoever typed the names would type it, where it has to do with them.
    fn shown_directory(&self, path: &Path) -> PathBuf {
        let beside = |place: &Place| {
            let is_parent = place.target.path.parent() == Some(path);
            is_parent.then(|| place.target.shown_parent()).flatten()
        };
        let shown = self
            .targets
            .shown_tree(path)
            .or_else(|| self.places.values().find_map(beside));
        match shown {
            Some(shown) if shown.as_os_str().is_empty() => PathBuf::from("."),
            Some(shown) => shown,
            None => path.to_owned(),
        }
    }

    /// A path near a followed place as whoever typed the place would type it.
    pub(super) fn shown(&self, path: &Path, place: &Path) -> PathBuf {
        let shown = self.places.get(place).and_then(|place| place.shown(path));
        shown.unwrap_or_else(|| path.to_owned())
    }

    fn is_followed(&self, path: &Path) -> bool {
        self.places.contains_key(path) || self.targets.find(path).is_some()
    }

    fn places_at(&self, path: &Path) -> Vec<PathBuf> {
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

    /// A name stands for a file that it did not stand for before.
    fn take_up(&mut self, path: &Path, metadata: &Metadata) {
        self.to_check.extend(self.places_at(path));
        if metadata.is_dir() {
            self.take_up_directory(path, metadata);
            return;
        }
        if let Some(target) = self.targets.find(path)
            && (target.named || self.can_be_followed(metadata))
        {
            self.add_place(target);
            self.to_check.insert(path.to_owned());
        }
        if !self.can_be_followed(metadata) {
            return;
        }
        let id = FileId::of(metadata);
        if let Some(&key) = self.by_id.get(&id) {
            self.moved(key, path);
        } else if let Some(kin) = self.kin.get_mut(&id) {
            kin.seen_at = self.now;
        } else if !self.places.contains_key(path)
            && let Some(family) = self.family_of(path)
        {
            self.meet_sibling(path, metadata, family);
        }
    }

    fn can_be_followed(&self, metadata: &Metadata) -> bool {
        self.obstacle(metadata).is_none()
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

    fn take_up_directory(&mut self, path: &Path, metadata: &Metadata) {
        let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        if let Some(target) = self.targets.find(path)
            && target.named
        {
            self.add_tree(&target);
        }
        if self.targets.descends(path, is_link) && !self.is_listed_elsewhere(path, metadata) {
            self.relist(path);
        }
    }

    /// A target turned out to be a directory. Returns whether that is news.
    fn add_tree(&mut self, target: &Target) -> bool {
        let is_news = self.targets.add_tree(target);
        if is_news {
            // What another name had it listed for were other files.
            for (path, directory) in &mut self.directories {
                if path.starts_with(&target.path) {
                    *directory = Directory::default();
                }
            }
        }
        is_news
    }

    /// Whether a directory is listed under another path already: a link may lead up the tree.
    fn is_listed_elsewhere(&self, path: &Path, metadata: &Metadata) -> bool {
        let id = FileId::of(metadata);
        self.directories.keys().any(|listed| {
            listed != path && fs::metadata(listed).is_ok_and(|metadata| FileId::of(&metadata) == id)
        })
    }

    fn moved(&mut self, key: Key, path: &Path) {
        let track = &self.tracks[&key];
        if track.lost || (track.path != path && !track.is_at_its_path()) {
            let family = self.family_of(path);
            let track = self.track(key);
            let place = track.place.clone();
            path.clone_into(&mut track.path);
            track.gone = false;
            track.lost_at = None;
            if let Some(family) = family {
                track.family = family;
            }
            self.to_check.insert(place);
            self.find_again(key);
        }
    }

    fn meet_sibling(&mut self, path: &Path, metadata: &Metadata, family: PathBuf) {
        if self.first {
            let print = super::judge::head_of(path).unwrap_or_default();
            self.keep_as_kin(FileId::of(metadata), print, family, false);
            return;
        }
        // The listing may have read the followed name before the sibling was renamed away from it.
        self.to_check.insert(family.clone());
        let standing = Standing::Unjudged { since: self.now };
        let mut track = Track::new(path, metadata, standing, self.now);
        track.origin = self.places[&family].target.origin.clone();
        track.place = family.clone();
        track.family = family;
        let key = self.add_track(track);
        // Held at once, so that it can be read even if it is deleted before it is judged.
        self.open_track(key);
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
        let places: BTreeSet<PathBuf> = match scope {
            Scope::All => self.places.keys().cloned().collect(),
            Scope::Paths(paths) => paths.keys().flat_map(|path| self.places_at(path)).collect(),
        };
        self.to_check.extend(places);
        let mut placed = BTreeSet::new();
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

    /// Returns the file that is at the place, if it is the one that was there before.
    fn check_place(&mut self, path: &Path) -> Option<Key> {
        let place = self.places.get(path)?;
        let (current, rank) = (place.current, place.target.rank);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
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
                self.uncomplain(path);
                let same = current.filter(|key| self.tracks[key].id == FileId::of(&metadata));
                match same {
                    Some(key) => self.inspect(key, &metadata),
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
        if place.complaint.replace(error.kind()) == Some(error.kind()) {
            return;
        }
        let origin = place.target.origin.clone();
        let is_waited_for = is_absence(error);
        if is_waited_for {
            place.turned_at = Some(self.now);
        }
        if is_waited_for && !place.target.named {
            return;
        }
        self.notice(if is_waited_for {
            Notice::Waiting { origin }
        } else {
            Notice::CannotOpen {
                origin,
                reason: refusal(error),
            }
        });
    }

    /// That the file is gone is told otherwise.
    pub(super) fn complained_of_absence(&mut self, path: &Path) {
        if let Some(place) = self.places.get_mut(path) {
            place.complaint = Some(io::ErrorKind::NotFound);
        }
    }

    pub(super) fn has_caught_up(&self) -> bool {
        self.caught_up
    }

    fn uncomplain(&mut self, path: &Path) {
        if let Some(place) = self.places.get_mut(path) {
            place.complaint = None;
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
        let is_idle = size == offset && track.held.is_none() && !self.is_hot(key);
        // One that is empty is opened too: it may be written and deleted before the next look.
        if is_idle || !self.open_track(key) || (size == 0 && offset == 0) {
            return;
        }
        let track = &self.tracks[&key];
        let file = track.held.as_ref().expect("opened a moment ago");
        match track.print.still_in(file) {
            Ok(true) if size > offset => self.enqueue(key),
            Ok(true) => {}
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

    /// Lists the directories of truncated files, to find the copies that were made of them.
    fn list_beside_truncated(&mut self) {
        let truncated = self.truncated.iter().copied().collect();
        self.list_beside_all(truncated);
    }

    /// Lists the directories of these files again.
    pub(super) fn list_beside_all(&mut self, keys: Vec<Key>) {
        let parents: BTreeSet<PathBuf> = keys
            .iter()
            .filter_map(|key| self.tracks[key].path.parent())
            .map(Path::to_owned)
            .collect();
        for parent in parents {
            self.relist(&parent);
        }
        self.check_listed();
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

    /// Makes sure that the file is held open; says why where that fails.
    pub(super) fn open_track(&mut self, key: Key) -> bool {
        if self.tracks[&key].held.is_some() {
            return true;
        }
        let path = self.tracks[&key].path.clone();
        let opened = self.open(&path).and_then(|file| {
            let id = FileId::of(&file.metadata()?);
            Ok((file, id))
        });
        match opened {
            Ok((file, id)) if id == self.tracks[&key].id => {
                self.hold(key, file);
                true
            }
            // Another file by now: the next look sees where this one went.
            Ok(_) => false,
            Err(error) if is_absence(&error) => false,
            Err(error) => {
                self.fail(key, &error);
                false
            }
        }
    }

    pub(super) fn hold(&mut self, key: Key, file: File) {
        if self.held >= self.held_max {
            self.let_go(self.held_max / 8 + 1);
        }
        if self.track(key).held.replace(file).is_none() {
            self.held += 1;
        }
    }

    pub(super) fn drop_held(&mut self, key: Key) {
        if self.track(key).held.take().is_some() {
            self.held -= 1;
        }
    }

    /// Closes the files that have been quiet for longest, those with something to read last.
    ///
    /// One that was deleted cannot be opened again, so it is closed only once it has been read.
    fn let_go(&mut self, count: usize) {
        let mut held: Vec<(bool, Instant, Key)> = self
            .tracks
            .iter()
            .filter(|(_, track)| track.held.is_some() && !(track.gone && track.is_wanted()))
            .map(|(&key, track)| (track.is_wanted(), track.changed_at, key))
            .collect();
        held.sort();
        for (.., key) in held.into_iter().take(count) {
            self.drop_held(key);
        }
    }

    /// Opens a file for reading; where the process has too many open, closes some and tries again.
    pub(super) fn open(&mut self, path: &Path) -> io::Result<File> {
        match File::open(path) {
            Err(error) if is_out_of_descriptors(&error) => {
                if self.held_max > 1 {
                    self.held_max = (self.held / 2).max(1);
                    self.notice(Notice::Descriptors {
                        kept: self.held_max,
                    });
                }
                self.let_go(self.held.saturating_sub(self.held_max).max(1));
                File::open(path)
            }
            opened => opened,
        }
    }

    /// Reading failed: says so once, and tries again with the file opened anew.
    pub(super) fn fail(&mut self, key: Key, error: &io::Error) {
        self.drop_held(key);
        let track = self.track(key);
        if track.complaint.replace(error.kind()) == Some(error.kind()) {
            return;
        }
        let origin = track.origin.clone();
        self.notice(Notice::CannotOpen {
            origin,
            reason: refusal(error),
        });
    }

    /// Whether a later file has taken a track's place and has content.
    fn is_succeeded(&self, key: Key) -> bool {
        self.places
            .get(&self.tracks[&key].place)
            .and_then(|place| place.current)
            .is_some_and(|current| current != key && self.tracks[&current].offset() > 0)
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

    /// Ends the generations that are over: rotated or deleted, read, and quiet.
    fn end_quiet(&mut self) {
        let mut keys: Vec<Key> = self.tracks.keys().copied().collect();
        keys.sort_by_key(|key| self.tracks[key].generation);
        for key in keys {
            // Retiring one file may retire its copies too.
            let Some(track) = self.tracks.get(&key) else {
                continue;
            };
            if track.queued || track.restart.is_some() {
                continue;
            }
            let is_quiet = self.now >= track.changed_at + self.options.linger;
            if is_quiet && (track.gone || self.is_succeeded(key)) {
                self.end_generation(key);
            }
            let is_over = is_quiet && self.tracks[&key].gone;
            if is_over && !matches!(self.tracks[&key].standing, Standing::Unjudged { .. }) {
                self.retire(key);
            }
        }
    }

    /// A file has left its place, or has been found to have been there.
    pub(super) fn stray(&mut self, key: Key, path: &Path) {
        if let Some(place) = self.places.get_mut(path) {
            place.strays.push_back(key);
        }
    }

    /// Ends the oldest of the files that left a place, where there are many of them.
    fn end_surplus(&mut self) {
        let crowded = |place: &&Place| place.strays.len() > STRAYS_MAX;
        let crowded: Vec<PathBuf> = self
            .places
            .values()
            .filter(crowded)
            .map(|place| place.target.path.clone())
            .collect();
        for path in crowded {
            while let Some(key) = self.surplus(&path) {
                if self.is_placed(key) {
                    self.end_generation(key);
                } else if self.tracks.contains_key(&key) {
                    self.end_generation(key);
                    self.retire(key);
                }
            }
        }
    }

    /// Takes the oldest file that left a place, if there are too many and it has been read.
    fn surplus(&mut self, path: &Path) -> Option<Key> {
        let place = self.places.get_mut(path)?;
        if place.strays.len() <= STRAYS_MAX {
            return None;
        }
        let oldest = place.strays.front()?;
        if self.tracks.get(oldest).is_some_and(Track::is_wanted) {
            return None;
        }
        place.strays.pop_front()
    }

    pub(super) fn end_generation(&mut self, key: Key) {
        self.introduce(key);
        let track = self.track(key);
        if let Some(generation) = track.generation.take() {
            let origin = track.origin.clone();
            self.events.push_back(Event::End { origin, generation });
        }
    }

    /// Stops following a file; it stays known.
    pub(super) fn retire(&mut self, key: Key) {
        self.drop_held(key);
        let Some(track) = self.tracks.remove(&key) else {
            return;
        };
        self.by_id.remove(&track.id);
        self.unjudged.remove(&key);
        self.truncated.remove(&key);
        for place in self.places.values_mut() {
            if place.current == Some(key) {
                place.current = None;
            }
        }
        self.settle_copies_of(key, &track.print);
        self.keep_as_kin(track.id, track.print, track.family, true);
    }

    /// Drops what is not needed to know files again.
    fn forget(&mut self) {
        // Siblings find each other by the place, as long as one of them is read.
        let families: BTreeSet<&Path> = self
            .tracks
            .values()
            .flat_map(|track| [track.family.as_path(), track.place.as_path()])
            .collect();
        let vacant: Vec<PathBuf> = self
            .places
            .iter()
            .filter(|(path, place)| {
                !place.target.named
                    && place.current.is_none()
                    && !families.contains(path.as_path())
                    && fs::symlink_metadata(path).is_err()
            })
            .map(|(path, _)| path.clone())
            .collect();
        for path in vacant {
            if let Some(place) = self.places.remove(&path) {
                self.homes.remove(&place.home);
                self.homes.remove(&path);
            }
        }
        if self.kin.len() > KIN_MAX {
            let mut seen: Vec<Instant> = self.kin.values().map(|kin| kin.seen_at).collect();
            seen.sort();
            let limit = seen[seen.len() - KIN_MAX];
            self.kin.retain(|_, kin| kin.seen_at >= limit);
        }
    }

    pub(super) fn starts_at_end(&self) -> bool {
        self.first && self.options.from == Start::End
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    // EMFILE and ENFILE, which are the same numbers on every Unix.
    matches!(error.raw_os_error(), Some(23 | 24))
}
