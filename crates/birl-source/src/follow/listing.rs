//! Listings of directories, and what comes of names that are new, gone, or stand for other files.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::Notice;
use super::directory::Directory;
use super::follower::{Follower, Place, Scope};
use super::identity::FileId;
use super::targets::Target;
use super::track::{Key, Standing, Track};
use crate::Origin;
use crate::error::refusal;

impl Follower {
    pub(super) fn list(&mut self, scope: &Scope) {
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
        let complaint = directory.complaint.take();
        let changes = match listed {
            Ok(changes) => changes,
            Err(error) => return self.complain_of_directory(path, complaint, &error),
        };
        if let Some((_, origin)) = complaint {
            self.notice(match path.exists() {
                true => Notice::Readable { origin },
                false => Notice::Gone { origin },
            });
        }
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

    /// Says once that a directory cannot be listed.
    fn complain_of_directory(
        &mut self,
        path: &Path,
        before: Option<(io::ErrorKind, Origin)>,
        error: &io::Error,
    ) {
        let (kind, origin) = match before {
            Some((kind, origin)) => (Some(kind), origin),
            None => (None, Origin::file(self.shown_directory(path))),
        };
        if let Some(directory) = self.directories.get_mut(path) {
            directory.complaint = Some((error.kind(), origin.clone()));
        }
        // Without a listing the places in it are still looked at; only what is new is not seen.
        if kind != Some(error.kind()) {
            self.notice(Notice::CannotOpen {
                origin,
                reason: refusal(error),
            });
        }
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

    fn is_followed(&self, path: &Path) -> bool {
        self.places.contains_key(path) || self.targets.find(path).is_some()
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
    pub(super) fn add_tree(&mut self, target: &Target) -> bool {
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
        if self.is_first_of(&family) {
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

    /// Lists the directories of truncated files, to find the copies that were made of them.
    pub(super) fn list_beside_truncated(&mut self) {
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
}
