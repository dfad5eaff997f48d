//! The end of files: generations that are over, and what is still known of them.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::follower::{Follower, Place};
use super::track::{Key, Standing, Track};
use super::{Event, Notice};

/// Files that were rotated away from one place and are still looked at, in case that the writer
/// is late to let go of them.
const STRAYS_MAX: usize = 8;

/// Files that are known but not read, in all places together.
const KIN_MAX: usize = 4096;

impl Follower {
    /// Whether a later file has taken a track's place and has content.
    fn is_succeeded(&self, key: Key) -> bool {
        self.places
            .get(&self.tracks[&key].place)
            .and_then(|place| place.current)
            .is_some_and(|current| current != key && self.tracks[&current].offset() > 0)
    }

    /// The files that are at their own places, and so have no successors.
    fn at_home(&self) -> HashSet<Key> {
        let home = |(path, place): (&PathBuf, &Place)| {
            let key = place.current?;
            (self.tracks[&key].place == *path).then_some(key)
        };
        self.places.iter().filter_map(home).collect()
    }

    /// Ends the generations that are over: rotated or deleted, read, and quiet.
    pub(super) fn end_quiet(&mut self) {
        let at_home = self.at_home();
        let left = |(key, track): &(&Key, &Track)| track.gone || !at_home.contains(key);
        let mut keys: Vec<Key> = self
            .tracks
            .iter()
            .filter(left)
            .map(|(&key, _)| key)
            .collect();
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
    pub(super) fn end_surplus(&mut self) {
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
        if track.complaint.is_some() {
            self.notice(Notice::Gone {
                origin: track.origin.clone(),
            });
        }
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

    /// Those of the places that no file has to do with, and that are not there.
    fn without_families(&self, places: Vec<&PathBuf>) -> Vec<PathBuf> {
        if places.is_empty() {
            return Vec::new();
        }
        // Siblings find each other by the place, as long as one of them is read.
        let families: BTreeSet<&Path> = self
            .tracks
            .values()
            .flat_map(|track| [track.family.as_path(), track.place.as_path()])
            .collect();
        let is_left = |path: &&PathBuf| {
            !families.contains(path.as_path()) && fs::symlink_metadata(path).is_err()
        };
        places.into_iter().filter(is_left).cloned().collect()
    }

    /// Drops what is not needed to know files again.
    pub(super) fn forget(&mut self) {
        let is_vacant = |place: &Place| !place.target.typed && place.current.is_none();
        let vacant: Vec<&PathBuf> = self
            .places
            .iter()
            .filter(|(_, place)| is_vacant(place))
            .map(|(path, _)| path)
            .collect();
        let vacant = self.without_families(vacant);
        for path in vacant {
            if let Some(place) = self.places.remove(&path) {
                self.homes.remove(&place.home);
                self.homes.remove(&path);
            }
        }
        self.forget_directories();
        if self.kin.len() > KIN_MAX {
            let mut seen: Vec<Instant> = self.kin.values().map(|kin| kin.seen_at).collect();
            seen.sort();
            let limit = seen[seen.len() - KIN_MAX];
            self.kin.retain(|_, kin| kin.seen_at >= limit);
        }
    }

    /// Drops the directories that are gone, and in which nothing is waited for: where one comes again, the
    /// directory above tells.
    fn forget_directories(&mut self) {
        let asked = self.targets.directories();
        let is_needed = |path: &PathBuf| {
            let mut places = self.places.range(path.clone()..);
            let is_parent = places.next().is_some_and(|(it, _)| it.starts_with(path));
            is_parent || asked.contains(path) || fs::symlink_metadata(path).is_ok()
        };
        let gone = self.directories.keys().filter(|path| !is_needed(path));
        let gone: BTreeSet<PathBuf> = gone.cloned().collect();
        if gone.is_empty() {
            return;
        }
        self.directories.retain(|path, _| !gone.contains(path));
        self.directory_ids.retain(|_, path| !gone.contains(path));
    }
}
