//! Reading on in the files that have something to read.

use std::io;

use bytes::Bytes;

use super::follower::Follower;
use super::form::{Form, may_become_marked};
use super::identity::read_at;
use super::judge::body_of;
use super::track::{Key, Standing, Step};
use super::{Event, Notice};
use crate::content::{Content, DETECT_BYTES, detect};
use crate::error::refusal;

impl Follower {
    /// Reads a block of the file whose turn it is.
    pub(super) fn read_next(&mut self) {
        let Some(key) = self.queue.pop_front() else {
            return;
        };
        if !self.tracks.contains_key(&key) {
            return;
        }
        if self.must_wait(key) {
            self.queue.push_back(key);
            return;
        }
        match self.step(key) {
            Ok(Step::Data(bytes)) => {
                // The block was not filled, so this is the end for now. It is gone past at once where
                // later files wait: a thousand of them would each take a turn to find it so.
                let is_end = bytes.len() < self.pool.body_bytes();
                self.track(key).complaint = None;
                self.give(key, bytes);
                if is_end && self.is_succeeded_in_queue(key) {
                    self.queue.push_front(key);
                } else {
                    self.go_on(key);
                }
            }
            Ok(Step::Empty) if self.tracks[&key].restart.is_some() => {
                self.begin_anew(key);
                self.go_on(key);
            }
            Ok(Step::Empty) => self.pause(key),
            Ok(Step::Changed) => {
                self.pause(key);
                let size = self.tracks[&key].stamp.size;
                self.truncate(key, size);
            }
            Err(error) => {
                self.pause(key);
                self.fail(key, &error);
            }
        }
    }

    /// A generation begins when the one before it has been read to its end.
    fn must_wait(&self, key: Key) -> bool {
        let after = self.tracks[&key].after;
        after
            .and_then(|after| self.tracks.get(&after))
            .is_some_and(|before| before.queued)
    }

    /// Whether a later file of its place is to be read after this one.
    fn is_succeeded_in_queue(&self, key: Key) -> bool {
        let place = self.places.get(&self.tracks[&key].place);
        place.is_some_and(|place| place.newest != Some(key))
    }

    /// Until all that was there has been read, it is read in order; then each gets its turn.
    fn go_on(&mut self, key: Key) {
        if self.has_caught_up() {
            self.queue.push_back(key);
        } else {
            self.queue.push_front(key);
        }
    }

    fn pause(&mut self, key: Key) {
        self.track(key).queued = false;
    }

    fn step(&mut self, key: Key) -> io::Result<Step> {
        let pool = self.pool.clone();
        let track = self.track(key);
        if let Some(restart) = &mut track.restart {
            let Some((copy, mut body)) = restart.copy.take() else {
                return Ok(Step::Empty);
            };
            let step = track.read_from(&mut body, &pool)?;
            if let (Step::Data(bytes), Some(restart)) = (&step, &mut track.restart) {
                restart.recovered += bytes.len() as u64;
                restart.copy = Some((copy, body));
            }
            return Ok(step);
        }
        if track.standing != Standing::Reading || !self.open_track(key) {
            return Ok(Step::Empty);
        }
        if self.tracks[&key].form.is_unknown() && !self.begin(key)? {
            return Ok(Step::Empty);
        }
        if let Some(compression) = self.tracks[&key].compression {
            return self.step_unpacking(key, compression);
        }
        self.track(key).read(&pool)
    }

    /// Reads on in what a file holds compressed.
    fn step_unpacking(&mut self, key: Key, compression: Content) -> io::Result<Step> {
        let pool = self.pool.clone();
        let track = self.track(key);
        let mut body = match track.unpacked.take() {
            Some(body) => body,
            None => match track.unpack_again(compression)? {
                Some(body) => body,
                None => return Ok(Step::Changed),
            },
        };
        let step = track.read_from(&mut body, &pool)?;
        if matches!(step, Step::Data(_)) {
            track.unpacked = Some(body);
        } else {
            self.end_unpacking(key, body.into_failure());
        }
        Ok(step)
    }

    /// A compressed file has been read to its end, or as far as it can be decoded.
    fn end_unpacking(&mut self, key: Key, failure: Option<io::Error>) {
        let is_hot = self.is_hot(key);
        let is_cut = failure
            .as_ref()
            .is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof);
        self.track(key).cut = is_cut && is_hot;
        if is_cut && is_hot {
            return;
        }
        if let Some(error) = failure {
            let track = self.track(key);
            track.complaint = Some(error.kind());
            let origin = track.origin.clone();
            self.notice(Notice::CannotDecode {
                origin,
                reason: refusal(&error),
            });
        }
        if is_cut {
            // Its last line is not whole, and may become so.
            self.drop_held(key);
        } else {
            self.finish(key);
        }
    }

    /// Finds out what a file holds; `false` where that cannot be told yet, or is not wanted.
    fn begin(&mut self, key: Key) -> io::Result<bool> {
        let is_hot = self.is_hot(key);
        let track = self.track(key);
        let Some(file) = &track.held else {
            return Ok(false);
        };
        let mut head = vec![0; track.stamp.size.clamp(64, DETECT_BYTES as u64) as usize];
        let length = read_at(file, &mut head, 0)?;
        head.truncate(length);
        if head.is_empty() || (is_hot && may_become_marked(&head)) {
            return Ok(false);
        }
        let content = detect(&head);
        if content.is_compressed() {
            track.unpacked = Some(body_of(file, content)?);
            track.compression = Some(content);
            let mut head = vec![0; DETECT_BYTES];
            let length = body_of(file, content)?.read_from(0, &mut head)?;
            head.truncate(length);
            return Ok(self.begin_text(key, detect(&head)));
        }
        Ok(self.begin_text(key, content))
    }

    fn begin_text(&mut self, key: Key, content: Content) -> bool {
        let track = self.track(key);
        if content == Content::Binary && track.text_only && !track.skip_nuls {
            let origin = track.origin.clone();
            self.notice(Notice::Binary { origin });
            self.finish(key);
            return false;
        }
        track.form = Form::of(content);
        if track.offset() == 0 {
            track.skip_bytes = content.bom_bytes();
            track.given = match content {
                Content::Text { bom } => bom as u64,
                _ => 0,
            };
        }
        true
    }

    fn finish(&mut self, key: Key) {
        // What may be added to a compressed file goes on with its generation; only a last line that
        // has no end would wait for it.
        let track = &self.tracks[&key];
        if track.compression.is_none() || !track.is_at_line_start() {
            self.end_generation(key);
        }
        self.drop_held(key);
        let track = self.track(key);
        track.unpacked = None;
        track.standing = Standing::Finished;
    }

    /// Gives out the text of the bytes that come next.
    fn give(&mut self, key: Key, mut bytes: Bytes) {
        let track = self.track(key);
        let skip = track.skip_bytes.min(bytes.len());
        track.skip_bytes -= skip;
        bytes = bytes.slice(skip..);
        if track.skip_nuls {
            let nuls = bytes.iter().take_while(|&&byte| byte == 0).count();
            bytes = bytes.slice(nuls..);
            track.given += nuls as u64;
            track.skip_nuls = bytes.is_empty();
        }
        let bytes = track.form.decode(bytes);
        if bytes.is_empty() {
            return;
        }
        self.introduce(key);
        let track = self.track(key);
        let origin = track.origin.clone();
        let offset = track.given;
        track.given += bytes.len() as u64;
        let generation = self.generation(key);
        self.events.push_back(Event::Data {
            origin,
            generation,
            offset,
            bytes,
            whole: false,
            place: None,
        });
    }

    fn generation(&mut self, key: Key) -> u64 {
        if let Some(generation) = self.tracks[&key].generation {
            return generation;
        }
        let generation = self.generations;
        self.generations += 1;
        self.track(key).generation = Some(generation);
        generation
    }

    /// What a truncation removed has been read as far as it could be: the file is read anew.
    fn begin_anew(&mut self, key: Key) {
        let track = self.track(key);
        let Some(restart) = track.restart.take() else {
            return;
        };
        if track.lost {
            let copy = restart.from.map(|path| (path, restart.recovered));
            return self.lose(key, copy);
        }
        let print = std::mem::take(&mut track.print);
        track.form = Form::Unknown;
        track.compression = None;
        track.cut = false;
        track.given = 0;
        // A writer that does not append goes on at its old offset, which leaves a hole before it.
        track.skip_nuls = true;
        let known = std::mem::take(&mut track.size_before);
        let unread = known.saturating_sub(print.end());
        let origin = track.origin.clone();
        let copy = restart.from.map(|path| (path, restart.recovered));
        self.notice(Notice::Truncated {
            origin,
            copy,
            unread,
        });
        self.end_generation(key);
        self.settle_copies_of(key, &print);
    }
}
