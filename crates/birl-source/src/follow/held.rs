//! The files that are held open, of which there are only so many.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Instant;

use super::Notice;
use super::directory::is_absence;
use super::follower::Follower;
use super::identity::FileId;
use super::track::Key;
use crate::error::refusal;

impl Follower {
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

    /// A file could be read again that could not, and nothing of it comes that would tell so.
    pub(super) fn recover(&mut self, key: Key) {
        let track = self.track(key);
        if track.complaint.take().is_some() {
            let origin = track.origin.clone();
            self.notice(Notice::Readable { origin });
        }
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    // EMFILE and ENFILE, which are the same numbers on every Unix.
    matches!(error.raw_os_error(), Some(23 | 24))
}
