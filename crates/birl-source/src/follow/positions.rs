//! How far followed files have been read, to go on there after a restart.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::follower::{Follower, HOT};
use super::form::Form;
use super::identity::{FileId, Print, Stamp, read_at};
use super::judge::body_of;
use super::targets::Targets;
use super::track::{Key, Standing, Track};
use super::{Barrier, Event, Notice, Options};
use crate::Origin;
use crate::content::Content;

/// So much of a file's beginning is told where following goes on within it.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// How far followed files have been read, with what it takes to know each of them again, whatever it
/// is called by then.
///
/// To be kept as it is, by way of serde, and given to [`Options::resume`]. It takes about 2 KiB for
/// each file that is followed, and for each sibling that is not to be read again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Positions {
    /// The numbers of the next generation and of the next file.
    generations: u64,
    keys: Key,
    places: Vec<SavedPlace>,
    files: Vec<SavedFile>,
    kin: Vec<SavedKin>,
}

/// How far one file has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Position<'a> {
    /// The file, under the name that it had when it was written.
    pub origin: &'a Origin,
    /// The number that its data have, if any have been given that are not over.
    pub generation: Option<u64>,
    /// How many bytes of the decoded content have been given.
    pub offset: u64,
    /// How many bytes are known to be there that have not been read; 0 where it is compressed.
    pub unread: u64,
}

/// A followed path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct SavedPlace {
    #[serde(with = "crate::saved::path")]
    path: PathBuf,
    #[serde(with = "crate::saved::path")]
    home: PathBuf,
    current: Option<Key>,
    newest: Option<Key>,
    strays: VecDeque<Key>,
    oldest: Option<SystemTime>,
    horizon: Option<SystemTime>,
    /// It went to another file since it is followed.
    has_turned: bool,
    /// It was truncated a moment ago.
    is_truncated: bool,
}

/// A file whose content is of interest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct SavedFile {
    key: Key,
    origin: Origin,
    #[serde(with = "crate::saved::path")]
    place: PathBuf,
    #[serde(with = "crate::saved::path")]
    family: PathBuf,
    #[serde(with = "crate::saved::path")]
    path: PathBuf,
    id: FileId,
    stamp: Stamp,
    standing: SavedStanding,
    print: Print,
    form: SavedForm,
    compression: Option<Content>,
    cut: bool,
    text_only: bool,
    generation: Option<u64>,
    given: u64,
    has_joined: bool,
    after: Option<Key>,
    skip_bytes: usize,
    skip_nuls: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
enum SavedStanding {
    Reading,
    CopyOf(Key),
    Finished,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
enum SavedForm {
    Unknown,
    Text,
    Utf16 { big_endian: bool },
}

/// A file that is known, and not to be read again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct SavedKin {
    id: FileId,
    #[serde(with = "crate::saved::path")]
    family: PathBuf,
    read: bool,
    print: Print,
}

impl Positions {
    /// How far each file has been read.
    pub fn files(&self) -> impl Iterator<Item = Position<'_>> {
        self.files.iter().map(|file| Position {
            origin: &file.origin,
            generation: file.generation,
            offset: file.given,
            unread: match (file.compression, file.standing) {
                (None, SavedStanding::Reading) => file.stamp.size.saturating_sub(file.print.end()),
                _ => 0,
            },
        })
    }
}

impl Positions {
    /// For who begins to take part in a stream at the barrier that told these positions: what a stream that
    /// goes on there begins with. It reads the beginning of each file, so it blocks.
    pub fn introductions(&self) -> Vec<Event> {
        let now = Instant::now();
        let files = self.files.iter();
        let begun = files.filter_map(|file| {
            let mut track = file.restored(now);
            let opened = File::open(&track.path).ok();
            // Another file may have its name by now.
            track.held = opened.filter(|file| {
                let metadata = file.metadata();
                metadata.is_ok_and(|metadata| FileId::of(&metadata) == track.id)
            });
            track.introduction()
        });
        begun.collect()
    }
}

impl Follower {
    /// Tells how far all files have been read, behind all that comes before.
    pub(super) fn put_barrier(&mut self, number: u64) {
        let positions = Arc::new(self.positions());
        self.events
            .push_back(Event::Barrier(Barrier { number, positions }));
    }

    fn positions(&self) -> Positions {
        let file = |(key, track): (&Key, &Track)| SavedFile::of(*key, track);
        let files: Vec<_> = self.tracks.iter().filter_map(file).collect();
        // Others have not been judged, and will be met again.
        let known = |key: &Key| files.binary_search_by_key(key, |file| file.key).is_ok();
        let places = self.places.iter().map(|(path, place)| SavedPlace {
            path: path.clone(),
            home: place.home.clone(),
            current: place.current.filter(known),
            newest: place.newest.filter(known),
            strays: place.strays.iter().copied().filter(known).collect(),
            oldest: place.oldest,
            horizon: place.horizon,
            has_turned: place.turned_at.is_some(),
            is_truncated: place.truncated_at.is_some_and(|at| self.now < at + HOT),
        });
        let kin = self.kin.iter().map(|(id, kin)| SavedKin {
            id: *id,
            family: kin.family.clone(),
            read: kin.read,
            print: kin.print.clone(),
        });
        Positions {
            generations: self.generations,
            keys: self.keys,
            places: places.collect(),
            kin: kin.collect(),
            files,
        }
    }

    /// One that goes on where files have been read to. To it, all that has happened since happened
    /// between two looks.
    pub(super) fn resume(
        targets: Targets,
        options: Options,
        now: Instant,
        positions: &Positions,
    ) -> Self {
        let mut follower = Self::new(targets, options, now);
        follower.first = false;
        follower.resumes = true;
        follower.generations = positions.generations;
        follower.keys = positions.keys;
        for saved in &positions.places {
            follower.restore_place(saved);
        }
        let devices = renumbered(&positions.files);
        for saved in &positions.files {
            if follower.places.contains_key(&saved.place) {
                let mut track = saved.restored(now);
                track.id = on_device(track.id, &devices);
                let current = follower.places[&saved.place].current;
                track.was_current = current == Some(saved.key);
                follower.by_id.insert(track.id, saved.key);
                follower.to_introduce.push_back(saved.key);
                follower.tracks.insert(saved.key, track);
            }
        }
        for saved in &positions.kin {
            if follower.places.contains_key(&saved.family) {
                let id = on_device(saved.id, &devices);
                let (print, family) = (saved.print.clone(), saved.family.clone());
                follower.keep_as_kin(id, print, family, saved.read);
            }
        }
        for place in follower.places.values_mut() {
            let is_there = |key: &Key| follower.tracks.contains_key(key);
            place.current = place.current.filter(is_there);
            place.newest = place.newest.filter(is_there);
            place.strays.retain(is_there);
        }
        follower
    }

    /// A path that was followed is followed again, if it still is asked for.
    fn restore_place(&mut self, saved: &SavedPlace) {
        let Some(target) = self.targets.find_again(&saved.path) else {
            return;
        };
        self.add_place(target);
        self.homes.insert(saved.home.clone(), saved.path.clone());
        let parents = [saved.home.parent(), saved.path.parent()];
        for parent in parents.into_iter().flatten() {
            self.directories.entry(parent.to_owned()).or_default();
        }
        let now = self.now;
        if let Some(place) = self.places.get_mut(&saved.path) {
            place.is_known = true;
            place.current = saved.current;
            place.newest = saved.newest;
            place.strays.clone_from(&saved.strays);
            place.home.clone_from(&saved.home);
            place.oldest = saved.oldest;
            place.horizon = saved.horizon;
            place.turned_at = saved.has_turned.then_some(now);
            place.truncated_at = saved.is_truncated.then_some(now);
        }
    }

    /// After the first look, files that nothing leads to any more are lost; but they may have been
    /// copied, or compressed.
    ///
    /// One may have been renamed since the directory was listed. So that is listed again, and once
    /// more to find the copies: whoever is met then is not lost.
    pub(super) fn find_lost(&mut self) {
        if !std::mem::take(&mut self.resumes) {
            return;
        }
        if !self.unseen().is_empty() {
            self.list_beside_all(self.unseen());
        }
        for key in self.unseen() {
            let track = self.track(key);
            track.lost = true;
            track.gone = true;
            self.truncated.insert(key);
        }
    }

    /// The files in which following is to go on, and that are not where they were last met.
    fn unseen(&self) -> Vec<Key> {
        let unseen = self.tracks.iter().filter(|(_, track)| {
            let is_known = track.standing == Standing::Reading && track.is_unintroduced;
            is_known && track.held.is_none() && track.metadata().is_none()
        });
        unseen.map(|(key, _)| *key).collect()
    }

    /// A file that was taken for lost may have been met. Where its copy is read already, it stays lost.
    pub(super) fn find_again(&mut self, key: Key) {
        let track = self.track(key);
        if !track.lost || track.restart.is_some() {
            return;
        }
        if let Some(metadata) = track.metadata() {
            track.lost = false;
            self.truncated.remove(&key);
            self.inspect(key, &metadata);
        }
    }

    /// A file that was followed before is not there any more. What had been read of it is known, in
    /// case that it comes back; `copy` is where the rest of it was read.
    pub(super) fn lose(&mut self, key: Key, copy: Option<(PathBuf, u64)>) {
        let track = &self.tracks[&key];
        let unread = match (&copy, track.compression) {
            (None, None) => track.stamp.size.saturating_sub(track.offset()),
            _ => 0,
        };
        // That an old sibling was deleted, or compressed, which had been read, is no news.
        let is_news = match &copy {
            Some((_, bytes)) => *bytes > 0,
            None => unread > 0 || track.was_current,
        };
        if is_news {
            let origin = track.origin.clone();
            self.notice(Notice::Lost {
                origin,
                copy,
                unread,
            });
        }
        self.end_generation(key);
        self.retire(key);
    }

    /// Tells of a file in which following goes on, before anything else is told of it.
    pub(super) fn introduce(&mut self, key: Key) {
        let Some(track) = self.tracks.get_mut(&key) else {
            return;
        };
        let is_unintroduced = std::mem::take(&mut track.is_unintroduced);
        if is_unintroduced && track.generation.is_some() {
            self.open_track(key);
            let introduction = self.tracks[&key].introduction();
            self.events.extend(introduction);
        }
    }
}

impl SavedFile {
    fn of(key: Key, track: &Track) -> Option<Self> {
        let standing = match track.standing {
            Standing::Unjudged { .. } => return None,
            Standing::Reading => SavedStanding::Reading,
            Standing::CopyOf(original) => SavedStanding::CopyOf(original),
            Standing::Finished => SavedStanding::Finished,
        };
        Some(Self {
            key,
            origin: track.origin.clone(),
            place: track.place.clone(),
            family: track.family.clone(),
            path: track.path.clone(),
            id: track.id,
            stamp: track.stamp,
            standing,
            print: track.print.clone(),
            form: match &track.form {
                Form::Unknown => SavedForm::Unknown,
                Form::Text => SavedForm::Text,
                Form::Utf16(decoder) => SavedForm::Utf16 {
                    big_endian: decoder.encoding() == encoding_rs::UTF_16BE,
                },
            },
            compression: track.compression,
            cut: track.cut,
            text_only: track.text_only,
            generation: track.generation,
            given: track.given,
            has_joined: track.has_joined,
            after: track.after,
            skip_bytes: track.skip_bytes,
            skip_nuls: track.skip_nuls,
        })
    }

    fn restored(&self, now: Instant) -> Track {
        let standing = match self.standing {
            SavedStanding::Reading => Standing::Reading,
            SavedStanding::CopyOf(original) => Standing::CopyOf(original),
            SavedStanding::Finished => Standing::Finished,
        };
        let form = match self.form {
            SavedForm::Unknown => Form::Unknown,
            SavedForm::Text => Form::Text,
            SavedForm::Utf16 { big_endian } => {
                let mut form = Form::of(Content::Utf16 { big_endian });
                let pending = utf16_pending(&self.print, big_endian);
                form.decode(Bytes::copy_from_slice(pending));
                form
            }
        };
        Track {
            origin: self.origin.clone(),
            place: self.place.clone(),
            family: self.family.clone(),
            print: self.print.clone(),
            form,
            compression: self.compression,
            cut: self.cut,
            text_only: self.text_only,
            generation: self.generation,
            given: self.given,
            has_joined: self.has_joined,
            after: self.after,
            skip_bytes: self.skip_bytes,
            skip_nuls: self.skip_nuls,
            is_unintroduced: true,
            ..Track::known(&self.path, self.id, self.stamp, standing, now)
        }
    }
}

/// The last bytes of UTF-16 that was read, which do not make a character yet.
fn utf16_pending(print: &Print, big_endian: bool) -> &[u8] {
    let odd = (print.end() % 2) as usize;
    let before = print.last(2 + odd);
    let is_half = match before {
        [high, _, ..] if big_endian => (0xD8..0xDC).contains(high),
        [_, high, ..] => (0xD8..0xDC).contains(high),
        _ => false,
    };
    print.last(if is_half { 2 + odd } else { odd })
}

/// The devices that have other numbers than they had, with those.
fn renumbered(files: &[SavedFile]) -> HashMap<u64, FileId> {
    let renumbered = files.iter().filter_map(|file| {
        let metadata = fs::metadata(&file.path).ok()?;
        let id = FileId::of(&metadata);
        let is_other = id.is_on_other_device(&file.id);
        is_other.then_some((file.id.device(), id))
    });
    renumbered.collect()
}

fn on_device(id: FileId, devices: &HashMap<u64, FileId>) -> FileId {
    match devices.get(&id.device()) {
        Some(there) => id.on_device_of(there),
        None => id,
    }
}

impl Track {
    /// That it is gone on with; nothing where it begins here.
    fn introduction(&self) -> Option<Event> {
        Some(Event::Resumed {
            origin: self.origin.clone(),
            generation: self.generation?,
            offset: self.given,
            head: self.head_text(),
            is_line_start: self.given == 0 || self.ends_in_newline(),
        })
    }

    /// The beginning of the text that was read, as far as it can be had.
    fn head_text(&self) -> Bytes {
        let raw = self.head_bytes();
        match &self.form {
            Form::Utf16(decoder) => {
                let big_endian = decoder.encoding() == encoding_rs::UTF_16BE;
                let marked = &raw[raw.len().min(2)..];
                let mut form = Form::of(Content::Utf16 { big_endian });
                form.decode(Bytes::copy_from_slice(marked))
            }
            Form::Unknown | Form::Text => {
                let bom = b"\xEF\xBB\xBF";
                let marked = if raw.starts_with(bom) { bom.len() } else { 0 };
                Bytes::from(raw).slice(marked..)
            }
        }
    }

    fn head_bytes(&self) -> Vec<u8> {
        let known = || self.print.head().to_vec();
        let Some(file) = &self.held else {
            return known();
        };
        let mut head = vec![0; self.offset().min(HEAD_BYTES_MAX as u64) as usize];
        let read = match self.compression {
            None => read_at(file, &mut head, 0),
            Some(content) => {
                body_of(file, content).and_then(|mut body| body.read_from(0, &mut head))
            }
        };
        head.truncate(read.unwrap_or(0));
        // By now it may hold something else.
        match self.print.begins_like(&head) {
            true => head,
            false => known(),
        }
    }

    fn ends_in_newline(&self) -> bool {
        match &self.form {
            Form::Unknown | Form::Text => self.print.ends_with(b"\n"),
            Form::Utf16(decoder) if decoder.encoding() == encoding_rs::UTF_16BE => {
                self.print.ends_with(b"\0\n")
            }
            Form::Utf16(_) => self.print.ends_with(b"\n\0"),
        }
    }
}
