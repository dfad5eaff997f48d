//! Whether a file that came while others were followed holds something new.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::Notice;
use super::family;
use super::follower::{Follower, HOT, Place};
use super::form::may_become_marked;
use super::identity::{Body, FileId, HEAD_BYTES, Likeness, Print, read_at};
use super::track::{Key, Restart, Standing};
use crate::content::{Content, detect};
use crate::decode::decoder;

/// How often a file is looked for that is renamed meanwhile.
const FIND_TRIES: usize = 8;

enum Verdict {
    /// It cannot be told yet.
    Wait,
    /// It holds what another file held.
    Copy(Original, u64),
    /// It is to be read.
    Fresh,
}

#[derive(Clone, Copy)]
enum Original {
    Track(Key),
    Kin(FileId),
}

/// What a newcomer looks like before it is compared with anything.
struct Newcomer {
    content: Content,
    head: Vec<u8>,
    family: PathBuf,
    /// It has the name that its family is followed by.
    is_namesake: bool,
    is_hot: bool,
}

impl Follower {
    /// Decides about the files that have come, the older ones first.
    pub(super) fn judge_all(&mut self) {
        let mut keys: Vec<Key> = self.unjudged.iter().copied().collect();
        for &key in &keys {
            // It may be empty now, and full when it has been rotated away or deleted.
            self.open_track(key);
            if let Some(metadata) = self.tracks[&key].metadata() {
                self.inspect(key, &metadata);
            }
        }
        keys.retain(|key| self.tracks[key].stamp.size > 0 || self.tracks[key].gone);
        keys.sort_by(|&left, &right| self.writing_order(left, right));
        for key in keys {
            self.judge(key);
        }
    }

    /// The order in which two files of a family were written.
    fn writing_order(&self, left: Key, right: Key) -> Ordering {
        let name = |key| self.tracks[&key].path.file_name().unwrap_or_default();
        let rank = |key| {
            let track = &self.tracks[&key];
            // What has been compressed was born late, and written before what has not.
            let is_plain = !family::is_compressed(name(key));
            let modified = track.stamp.modified();
            (is_plain, track.id.born, self.is_namesake(key), modified)
        };
        rank(left)
            .cmp(&rank(right))
            .then_with(|| family::written_order(name(left), name(right)))
    }

    fn is_namesake(&self, key: Key) -> bool {
        let track = &self.tracks[&key];
        self.places
            .get(&track.family)
            .is_some_and(|place| place.current == Some(key) || place.home == track.path)
    }

    fn judge(&mut self, key: Key) {
        if !self.find_and_open(key) {
            return self.forget_lost(key);
        }
        let verdict = self.verdict(key);
        if verdict.is_ok() {
            self.recover(key);
        }
        match verdict {
            Ok(Verdict::Wait) => {}
            Ok(Verdict::Copy(original, bytes)) => self.skip(key, original, bytes),
            Ok(Verdict::Fresh) => self.accept(key),
            Err(error) => self.fail(key, &error),
        }
    }

    /// Opens a file that may be renamed while it is looked for: soon it could be deleted.
    fn find_and_open(&mut self, key: Key) -> bool {
        for _ in 0..FIND_TRIES {
            if self.open_track(key) {
                return true;
            }
            if let Some(parent) = self.tracks[&key].path.parent() {
                let parent = parent.to_owned();
                self.relist(&parent);
            }
        }
        false
    }

    /// A file that went before anything could be learned of it is not waited for.
    fn forget_lost(&mut self, key: Key) {
        if self.tracks[&key].gone {
            self.retire(key);
        }
    }

    fn verdict(&mut self, key: Key) -> io::Result<Verdict> {
        let newcomer = self.newcomer(key)?;
        let compressed = newcomer.content.is_compressed();
        if newcomer.is_hot && (newcomer.head.is_empty() || may_become_marked(&newcomer.head)) {
            return Ok(Verdict::Wait);
        }
        let mut may_be_copy = false;
        for original in self.originals(key, &newcomer) {
            let mut body = self.body(key, newcomer.content)?;
            let likeness = self.print_of(original).compare(&mut body)?;
            let Likeness::Same { bytes, .. } = likeness else {
                continue;
            };
            if likeness.is_proof() && self.is_like_at_end(key, original, bytes, &newcomer)? {
                return Ok(Verdict::Copy(original, bytes));
            }
            if newcomer.is_namesake || self.family_of_original(original) != newcomer.family {
                continue;
            }
            if self.is_copy_by_occasion(original, bytes, &newcomer, &mut body)? {
                return Ok(Verdict::Copy(original, bytes));
            }
            may_be_copy |= self.is_at_its_place(original);
        }
        let undecided = newcomer.is_hot && (compressed || may_be_copy);
        Ok(if undecided {
            Verdict::Wait
        } else {
            Verdict::Fresh
        })
    }

    fn newcomer(&self, key: Key) -> io::Result<Newcomer> {
        let track = &self.tracks[&key];
        let file = track.held.as_ref().expect("opened to be judged");
        let mut head = vec![0; HEAD_BYTES];
        let length = read_at(file, &mut head, 0)?;
        head.truncate(length);
        let content = detect(&head);
        if content.is_compressed() {
            let mut body = self.body(key, content)?;
            head.resize(HEAD_BYTES, 0);
            let length = body.read_from(0, &mut head)?;
            head.truncate(length);
        }
        Ok(Newcomer {
            content,
            head,
            family: track.family.clone(),
            is_namesake: self.is_namesake(key),
            is_hot: self.is_hot(key),
        })
    }

    fn body(&self, key: Key, content: Content) -> io::Result<Body> {
        let file = self.tracks[&key].held.as_ref();
        body_of(file.expect("opened before it is read"), content)
    }

    /// Files whose content begins as the newcomer's does.
    fn originals(&self, key: Key, newcomer: &Newcomer) -> Vec<Original> {
        let is_placed = self.is_at_its_place(Original::Track(key));
        let tracks = self.tracks.iter().filter(|(other, track)| {
            **other != key
                && matches!(track.standing, Standing::Reading | Standing::Finished)
                && self.may_be_original(&track.print, &track.family, newcomer)
        });
        // What was never read cannot have been read before, so it makes no matching file a copy.
        let kin = self.kin.iter().filter(|(_, kin)| {
            (kin.read || !is_placed) && self.may_be_original(&kin.print, &kin.family, newcomer)
        });
        tracks
            .map(|(&key, _)| Original::Track(key))
            .chain(kin.map(|(&id, _)| Original::Kin(id)))
            .collect()
    }

    fn may_be_original(&self, print: &Print, family: &Path, newcomer: &Newcomer) -> bool {
        let is_long = newcomer.head.len() >= HEAD_BYTES;
        print.begins_like(&newcomer.head) && (is_long || family == newcomer.family)
    }

    fn print_of(&self, original: Original) -> &Print {
        match original {
            Original::Track(key) => &self.tracks[&key].print,
            Original::Kin(id) => &self.kin[&id].print,
        }
    }

    fn family_of_original(&self, original: Original) -> &Path {
        match original {
            Original::Track(key) => &self.tracks[&key].family,
            Original::Kin(id) => &self.kin[&id].family,
        }
    }

    fn is_at_its_place(&self, original: Original) -> bool {
        match original {
            Original::Kin(_) => false,
            Original::Track(key) => self
                .places
                .get(&self.tracks[&key].place)
                .is_some_and(|place| place.current == Some(key)),
        }
    }

    /// Compares the newcomer's last bytes with the original itself, where that is still there:
    /// a print has gaps in which two files could part.
    ///
    /// What replaces a file under its own name is a copy only if it holds all that was read.
    fn is_like_at_end(
        &self,
        key: Key,
        original: Original,
        bytes: u64,
        newcomer: &Newcomer,
    ) -> io::Result<bool> {
        if newcomer.is_namesake && bytes < self.print_of(original).end() {
            return Ok(false);
        }
        let Original::Track(other) = original else {
            return Ok(true);
        };
        let (Some(copy), Some(file)) = (&self.tracks[&key].held, &self.tracks[&other].held) else {
            return Ok(true);
        };
        if newcomer.content.is_compressed() || self.truncated.contains(&other) {
            return Ok(true);
        }
        let start = bytes.saturating_sub(HEAD_BYTES as u64);
        let length = (bytes - start) as usize;
        let (mut left, mut right) = (vec![0; length], vec![0; length]);
        Ok(read_at(copy, &mut left, start)? == read_at(file, &mut right, start)? && left == right)
    }

    /// Whether a short file is a copy because it came when its sibling was truncated, or because
    /// it holds, compressed, exactly what was read.
    fn is_copy_by_occasion(
        &self,
        original: Original,
        bytes: u64,
        newcomer: &Newcomer,
        body: &mut Body,
    ) -> io::Result<bool> {
        if let Original::Track(key) = original
            && self.truncated.contains(&key)
        {
            return Ok(true);
        }
        let print = self.print_of(original);
        if !newcomer.content.is_compressed() || bytes < print.end() {
            return Ok(false);
        }
        Ok(body.read_from(print.end(), &mut [0])? == 0)
    }

    fn skip(&mut self, key: Key, original: Original, bytes: u64) {
        self.unjudged.remove(&key);
        let read = match original {
            Original::Track(other) => Some(self.tracks[&other].origin.clone()),
            // What nobody asked to read is skipped without a word.
            Original::Kin(id) => {
                let kin = &self.kin[&id];
                kin.read.then(|| self.origin_of_family(&kin.family))
            }
        };
        let track = self.track(key);
        let (path, family) = (track.path.clone(), track.family.clone());
        if let Some(of) = read
            && !std::mem::replace(&mut track.skipped, true)
        {
            let path = self.shown(&path, &family);
            self.notice(Notice::Skipped { path, of });
        }
        match original {
            Original::Track(other) => self.track(key).standing = Standing::CopyOf(other),
            Original::Kin(id) => self.settle_copy(key, bytes, self.kin[&id].print.clone()),
        }
    }

    fn origin_of_family(&self, family: &Path) -> crate::Origin {
        match self.places.get(family) {
            Some(place) => place.target.origin.clone(),
            None => crate::Origin::file(family),
        }
    }

    fn accept(&mut self, key: Key) {
        let missed = self.is_missed_generation(key);
        // It may have been deleted from its place before there was anything to judge it by.
        let is_placed = self.is_at_its_place(Original::Track(key)) || self.has_left_its_place(key);
        let is_recent = match self.tracks[&key].standing {
            Standing::Unjudged { since } => self.now < since + HOT,
            _ => false,
        };
        if !missed && !is_placed && is_recent {
            // The file that is now at the place may not have been seen yet.
            return;
        }
        self.unjudged.remove(&key);
        let track = self.track(key);
        let (path, family) = (track.path.clone(), track.family.clone());
        if missed {
            track.standing = Standing::Reading;
            track.place.clone_from(&family);
            let origin = self.places[&family].target.origin.clone();
            self.track(key).origin = origin.clone();
            let path = self.shown(&path, &family);
            self.notice(Notice::Missed { origin, path });
            self.join_queue(key);
            self.stray(key, &family);
        } else if is_placed {
            self.track(key).standing = Standing::Reading;
            let origin = self.tracks[&key].origin.clone();
            self.notice(Notice::Appeared { origin });
            self.join_queue(key);
        } else {
            let print = head_of(&path).unwrap_or_default();
            let id = self.tracks[&key].id;
            self.retire(key);
            self.keep_as_kin(id, print, family, false);
        }
    }

    fn has_left_its_place(&self, key: Key) -> bool {
        let place = self.places.get(&self.tracks[&key].place);
        place.is_some_and(|place| place.strays.contains(&key))
    }

    /// Whether a file held its family's name between two looks: it was born after the first file
    /// that was followed there, and before the one that is there now.
    fn is_missed_generation(&self, key: Key) -> bool {
        let track = &self.tracks[&key];
        let Some(place) = self.places.get(&track.family) else {
            return false;
        };
        if self.is_namesake(key) {
            return false;
        }
        if self.was_truncated_unread(place) {
            return true;
        }
        if place.turned_at.is_none() {
            return false;
        }
        match (track.id.born, place.oldest) {
            // A compressed file was born when it was compressed, which tells nothing.
            _ if self.is_compressed(key) => true,
            (Some(born), oldest) => {
                oldest.is_none_or(|oldest| born >= oldest)
                    && place.horizon.is_none_or(|horizon| born <= horizon)
            }
            (None, _) => true,
        }
    }

    /// Whether the file at a place was truncated a moment ago, or may have been before any of it
    /// was read. What a copy then holds beside what was read came and went between two looks.
    fn was_truncated_unread(&self, place: &Place) -> bool {
        let is_recent = |at: Option<Instant>| at.is_some_and(|at| self.now < at + HOT);
        let current = place.current.map(|key| &self.tracks[&key]);
        is_recent(place.truncated_at)
            || current.is_some_and(|track| track.offset() == 0 && is_recent(Some(track.changed_at)))
    }

    fn is_compressed(&self, key: Key) -> bool {
        self.newcomer(key)
            .is_ok_and(|newcomer| newcomer.content.is_compressed())
    }

    /// Tells of each truncation what is left to be read, and queues it.
    pub(super) fn settle_truncations(&mut self) {
        for key in std::mem::take(&mut self.truncated) {
            let copy = self.best_copy_of(key);
            if copy.is_none() && self.tracks[&key].lost {
                self.lose(key, None);
                continue;
            }
            let from = copy
                .as_ref()
                .map(|(copy, _)| self.shown(&self.tracks[copy].path, &self.tracks[&key].place));
            self.track(key).restart = Some(Restart {
                copy,
                from,
                recovered: 0,
            });
            self.enqueue(key);
        }
    }

    /// The longest copy of what a file held, opened.
    fn best_copy_of(&mut self, key: Key) -> Option<(Key, Body)> {
        let mut copies: Vec<Key> = self
            .tracks
            .iter()
            .filter(|(_, track)| track.standing == Standing::CopyOf(key))
            .map(|(&copy, _)| copy)
            .collect();
        copies.sort_by_key(|copy| std::cmp::Reverse(self.tracks[copy].stamp.size));
        let mut opened = Vec::new();
        for copy in copies {
            if self.open_track(copy)
                && let Ok(newcomer) = self.newcomer(copy)
                && let Ok(body) = self.body(copy, newcomer.content)
            {
                opened.push((newcomer.content.is_compressed(), copy, body));
            }
        }
        // How much a compressed copy holds is not known before it is read.
        opened.sort_by_key(|(is_compressed, ..)| *is_compressed);
        opened
            .into_iter()
            .next()
            .map(|(_, copy, body)| (copy, body))
    }

    /// The original of some copies is not followed any more, or has begun anew: what they hold
    /// beyond it is their own.
    pub(super) fn settle_copies_of(&mut self, original: Key, print: &Print) {
        let copies: Vec<Key> = self
            .tracks
            .iter()
            .filter(|(_, track)| track.standing == Standing::CopyOf(original))
            .map(|(&copy, _)| copy)
            .collect();
        for copy in copies {
            self.settle_copy(copy, print.end(), print.clone());
        }
    }

    /// Goes on from a copy whose first bytes are known, and whose content has that print.
    fn settle_copy(&mut self, key: Key, known_bytes: u64, content: Print) {
        let is_placed = self.is_placed(key);
        let is_open = self.open_track(key);
        let is_compressed = is_open && self.is_compressed(key);
        let track = self.track(key);
        let known = track
            .held
            .as_ref()
            .map(|file| Print::of_start(file, known_bytes.min(track.stamp.size)));
        match known {
            Some(Ok(print)) if !is_compressed => {
                track.given = print.end();
                track.print = print;
                track.standing = Standing::Reading;
            }
            _ => {
                track.print = content;
                track.standing = Standing::Finished;
            }
        }
        if !is_placed {
            self.retire(key);
        } else if self.tracks[&key].standing == Standing::Reading {
            self.join_queue(key);
        }
    }
}

/// The print of a file's first bytes, uncompressed.
pub(super) fn head_of(path: &Path) -> io::Result<Print> {
    let file = File::open(path)?;
    let mut head = vec![0; HEAD_BYTES];
    let length = read_at(&file, &mut head, 0)?;
    head.truncate(length);
    let content = detect(&head);
    if content.is_compressed() {
        head.resize(HEAD_BYTES, 0);
        let length = body_of(&file, content)?.read_from(0, &mut head)?;
        head.truncate(length);
    }
    let mut print = Print::default();
    print.extend(&head);
    Ok(print)
}

/// The uncompressed bytes of a file that holds `content`, from its start.
pub(super) fn body_of(file: &File, content: Content) -> io::Result<Body> {
    let file = file.try_clone()?;
    Ok(if content.is_compressed() {
        let input = FromStart { file, offset: 0 };
        Body::Decoded {
            reader: decoder(content, Box::new(input))?,
            position: 0,
            failure: None,
        }
    } else {
        Body::Plain(file, 0)
    })
}

/// Reads a file from its start whatever its cursor, which clones of the file share.
struct FromStart {
    file: File,
    offset: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}
