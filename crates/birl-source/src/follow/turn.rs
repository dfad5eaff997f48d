//! A path that leads to another file than before, or to none.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::Notice;
use super::directory::is_absence;
use super::follower::Follower;
use super::identity::{FileId, HEAD_BYTES, Print, read_at};
use super::judge::body_of;
use super::track::{Key, Standing, Track};
use crate::content::detect;

/// How much is unpacked at a time of what is passed over.
const UNPACKED_BYTES: usize = 64 * 1024;

impl Follower {
    /// Finds out what is at a place now and where the file went that was there.
    ///
    /// The file is opened before the directory is listed: what held the name before it was renamed
    /// away by then, so the listing has every sibling that is older. Of younger ones it may have
    /// any.
    pub(super) fn turn(&mut self, path: &Path) {
        let opened = self.open_place(path);
        if !self.first {
            self.list_beside(path);
        }
        match opened {
            Ok((file, metadata)) => {
                self.set_horizon(path, FileId::of(&metadata).born);
                self.occupy(path, file, &metadata);
            }
            Err(error) if is_absence(&error) => {
                // Nothing there says what is old: what the first listing has, the second has whole.
                self.set_horizon(path, self.youngest_of(path));
                self.list_beside(path);
                self.vacate(path, &error);
            }
            Err(error) => self.complain(path, &error),
        }
    }

    fn set_horizon(&mut self, path: &Path, born: Option<SystemTime>) {
        if let Some(place) = self.places.get_mut(path) {
            place.horizon = born;
        }
    }

    /// The birth of the youngest file that is known of a place's family.
    fn youngest_of(&self, path: &Path) -> Option<SystemTime> {
        let family = self.tracks.values().filter(|track| track.family == path);
        family.filter_map(|track| track.id.born).max()
    }

    fn list_beside(&mut self, path: &Path) {
        let Some(place) = self.places.get(path) else {
            return;
        };
        let home = place.home.clone();
        let parents: BTreeSet<&Path> = [home.parent(), path.parent()]
            .into_iter()
            .flatten()
            .collect();
        for parent in parents {
            self.relist(parent);
        }
    }

    fn open_place(&mut self, path: &Path) -> io::Result<(File, Metadata)> {
        // Asked before it is opened, since to open a pipe would wait for its writer.
        if let Some(obstacle) = self.obstacle(&fs::metadata(path)?) {
            return Err(obstacle);
        }
        let file = self.open(path)?;
        let metadata = file.metadata()?;
        Ok((file, metadata))
    }

    fn vacate(&mut self, path: &Path, error: &io::Error) {
        self.leave(path);
        if let Some(place) = self.places.get_mut(path) {
            place.current = None;
        }
        self.complained_of_absence(path, error);
    }

    /// The file that was at the place is not there any more: it is read to its end.
    fn leave(&mut self, path: &Path) {
        let now = self.now;
        let Some(place) = self.places.get_mut(path) else {
            return;
        };
        place.turned_at = Some(now);
        let Some(key) = place.current.take() else {
            return;
        };
        let home = place.home.clone();
        let track = self.track(key);
        track.gone = !track.has_a_name();
        let is_reading = track.standing == Standing::Reading;
        let (gone, belongs_here) = (track.gone, track.place == path);
        let (origin, moved_to) = (track.origin.clone(), track.path.clone());
        if belongs_here {
            // What is told here is told of all that was known of it.
            track.complaint = None;
            self.stray(key, path);
        }
        if is_reading {
            self.enqueue(key);
        }
        // Files that merely pass through a followed name as they are rotated on say nothing.
        if belongs_here && gone {
            self.notice(Notice::Deleted { origin });
        } else if belongs_here {
            let to = (moved_to != home).then(|| self.shown(&moved_to, path));
            self.notice(Notice::Rotated { origin, to });
        }
    }

    fn occupy(&mut self, path: &Path, file: File, metadata: &Metadata) {
        let id = FileId::of(metadata);
        let home = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        self.leave(path);
        self.uncomplain(path);
        let key = match self.by_id.get(&id) {
            Some(&key) => key,
            None => self.admit(path, &home, &file, metadata),
        };
        if self.tracks[&key].held.is_none() {
            self.hold(key, file);
        }
        let (born, is_first) = (id.born, self.is_first_of(path));
        self.settle_in(path, &home);
        let Some(place) = self.places.get_mut(path) else {
            return;
        };
        place.current = Some(key);
        if is_first {
            place.oldest = born;
        }
        let track = self.track(key);
        // It may have been rotated on since it was opened, and met under that name.
        if track.path == path || !track.is_at_its_path() {
            track.path = home;
        }
        track.gone = false;
        if track.standing == Standing::Reading {
            self.join_queue(key);
        }
    }

    fn settle_in(&mut self, path: &Path, home: &Path) {
        let Some(place) = self.places.get_mut(path) else {
            return;
        };
        let before = std::mem::replace(&mut place.home, home.to_owned());
        if before != home {
            if before != path {
                self.homes.remove(&before);
            }
            self.homes.insert(home.to_owned(), path.to_owned());
            if let Some(parent) = home.parent() {
                self.relist(parent);
            }
        }
    }

    /// A file that has not been met before, or that is known as a sibling, at a followed name.
    fn admit(&mut self, path: &Path, home: &Path, file: &File, metadata: &Metadata) -> Key {
        let standing = if self.is_first_of(path) {
            Standing::Reading
        } else {
            Standing::Unjudged { since: self.now }
        };
        let mut track = Track::new(path, metadata, standing, self.now);
        let place = &self.places[path];
        track.origin = place.target.origin.clone();
        track.text_only = !place.target.named;
        track.family = self.family_of(home).unwrap_or_else(|| path.to_owned());
        if let Some(kin) = self.kin.remove(&track.id)
            && kin.read
        {
            track.print = kin.print;
            track.standing = Standing::Reading;
        } else if self.starts_at_end(path) {
            track.print = print_of_all(file, metadata.len()).unwrap_or_default();
        }
        track.given = track.print.end();
        self.add_track(track)
    }

    /// Queues a file behind the one that held its name before.
    pub(super) fn join_queue(&mut self, key: Key) {
        let place = self.tracks[&key].place.clone();
        if let Some(place) = self.places.get_mut(&place)
            && place.newest != Some(key)
        {
            let after = place.newest.replace(key);
            // Names may be handed back and forth: two files must not wait for each other. None waits
            // for one that joins the first time.
            let has_joined = std::mem::replace(&mut self.track(key).has_joined, true);
            if !has_joined || !self.comes_after(after, key) {
                self.track(key).after = after;
            }
        }
        self.enqueue(key);
    }

    /// Whether a file waits for another one, or for one that does.
    fn comes_after(&self, mut later: Option<Key>, earlier: Key) -> bool {
        while let Some(key) = later.filter(|&key| key != earlier) {
            later = self.tracks.get(&key).and_then(|track| track.after);
        }
        later.is_some()
    }
}

/// The print of all that a file holds now. What is compressed is read through: how much it holds is
/// not known otherwise.
fn print_of_all(file: &File, size: u64) -> io::Result<Print> {
    let mut head = [0; HEAD_BYTES];
    let length = read_at(file, &mut head, 0)?;
    let content = detect(&head[..length]);
    if !content.is_compressed() {
        return Print::of_start(file, size);
    }
    let mut body = body_of(file, content)?;
    let mut print = Print::default();
    let mut buffer = vec![0; UNPACKED_BYTES];
    loop {
        let length = body.read_from(print.end(), &mut buffer)?;
        if length == 0 {
            return Ok(print);
        }
        print.extend(&buffer[..length]);
    }
}
