//! Whatever is done to files, each of their lines is given once: the laws of following.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{Event, Options, Positions};
use super::{Scope, World, show};

/// Something that is done to a followed file or its siblings.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Writes lines, each padded to a length.
    Append {
        lines: usize,
        line_bytes: usize,
    },
    /// Renames it to `app.log.1`, after its siblings have moved up, and creates it anew.
    Rotate,
    /// Likewise, but nothing is created yet.
    RotateAway,
    /// Copies it to `app.log.1`, after its siblings have moved up, and truncates it.
    CopyAndTruncate,
    /// Truncates it and writes one line.
    Rewrite,
    Delete,
    /// Compresses the sibling of that number, if there is one.
    Compress {
        nth: usize,
    },
    Look,
    /// Looks, takes that many events, and stops; the next look begins again where that was.
    Stop {
        events: usize,
    },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..4_usize, prop_oneof![Just(8_usize), Just(900)])
            .prop_map(|(lines, line_bytes)| Act::Append { lines, line_bytes }),
        2 => Just(Act::Rotate),
        1 => Just(Act::RotateAway),
        2 => Just(Act::CopyAndTruncate),
        1 => Just(Act::Rewrite),
        1 => Just(Act::Delete),
        1 => (1..4_usize).prop_map(|nth| Act::Compress { nth }),
        4 => Just(Act::Look),
    ]
}

fn act_or_stop() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => act(),
        1 => (0..6_usize).prop_map(|events| Act::Stop { events }),
    ]
}

/// What was written where, and what of it may be lost.
struct Model {
    world: World,
    written: usize,
    /// The lines that are in each file, by name.
    files: BTreeMap<String, Vec<usize>>,
    /// Files that were there at a look, by name.
    seen: BTreeSet<String>,
    /// Lines that nobody could read in time.
    losable: BTreeSet<usize>,
    given: Vec<usize>,
    partial: BTreeMap<u64, Vec<u8>>,
    /// How many bytes of each generation have come.
    ends: BTreeMap<u64, u64>,
    /// What is followed, and where it is gone on after a stop.
    name: String,
    stopped: Option<Positions>,
    /// Kept open, so that no new file gets the inode of one that was created in the same tick of
    /// the file system's clock: nothing could tell the two apart.
    removed: Vec<File>,
    /// What was done and what came of it: a failure that hangs on the file system's clock cannot
    /// be run again.
    history: Vec<String>,
    /// When the world began, by the looks' clock and by the file system's.
    began: Instant,
    began_at: SystemTime,
}

impl Model {
    fn new() -> Self {
        let world = World::new();
        Self {
            began: world.now,
            began_at: SystemTime::now(),
            world,
            written: 0,
            files: BTreeMap::new(),
            seen: BTreeSet::new(),
            losable: BTreeSet::new(),
            given: Vec::new(),
            partial: BTreeMap::new(),
            ends: BTreeMap::new(),
            name: String::new(),
            stopped: None,
            removed: Vec::new(),
            history: Vec::new(),
        }
    }

    fn perform(&mut self, act: Act) {
        self.history.push(format!("{act:?}"));
        match act {
            Act::Append { lines, line_bytes } => self.append(lines, line_bytes),
            Act::Rotate => {
                self.rotate_away();
                self.create();
            }
            Act::RotateAway => self.rotate_away(),
            Act::CopyAndTruncate => self.copy_and_truncate(),
            Act::Rewrite => self.rewrite(),
            Act::Delete => self.delete(),
            Act::Compress { nth } => self.compress(nth),
            Act::Look => self.look(),
            Act::Stop { events } => self.stop(events),
        }
    }

    /// Gives what was changed just now the time of the looks' clock.
    ///
    /// Between two looks it goes on a second, in which the file system's own may not tick even once:
    /// on a kernel with coarse time stamps, three looks later nothing would tell of the change.
    fn stamp(&self, name: &str) {
        let since = self.world.now.duration_since(self.began);
        let path = self.world.path(name);
        let file = File::open(path).unwrap();
        file.set_modified(self.began_at + since).unwrap();
    }

    fn create(&mut self) {
        self.world.write("app.log", "");
        self.stamp(".");
        self.files.insert("app.log".to_owned(), Vec::new());
    }

    fn append(&mut self, lines: usize, line_bytes: usize) {
        if !self.files.contains_key("app.log") {
            self.create();
        }
        for _ in 0..lines {
            let line = format!("{}{:.>line_bytes$}\n", self.written, "");
            self.world.append("app.log", line);
            let file = self.files.get_mut("app.log").unwrap();
            file.push(self.written);
            self.written += 1;
        }
        self.stamp("app.log");
    }

    /// Moves `app.log.N` to `app.log.N+1`, compressed or not.
    fn shift(&mut self) {
        let names: Vec<String> = self.files.keys().cloned().collect();
        let mut siblings: Vec<(usize, &str)> = names
            .iter()
            .filter_map(|name| {
                let rest = name.strip_prefix("app.log.")?;
                let (nth, extension) = rest.split_once('.').unwrap_or((rest, ""));
                Some((nth.parse().unwrap(), extension))
            })
            .collect();
        siblings.sort();
        for (nth, extension) in siblings.into_iter().rev() {
            let name = |nth: usize| match extension {
                "" => format!("app.log.{nth}"),
                extension => format!("app.log.{nth}.{extension}"),
            };
            self.rename(&name(nth), &name(nth + 1));
        }
    }

    fn rename(&mut self, from: &str, to: &str) {
        self.world.rename(from, to);
        self.stamp(".");
        let file = self.files.remove(from).unwrap();
        self.files.insert(to.to_owned(), file);
        if self.seen.remove(from) {
            self.seen.insert(to.to_owned());
        }
    }

    fn rotate_away(&mut self) {
        if self.files.contains_key("app.log") {
            self.shift();
            self.rename("app.log", "app.log.1");
        }
    }

    fn copy_and_truncate(&mut self) {
        if self.files.contains_key("app.log") {
            self.shift();
            self.world.copy("app.log", "app.log.1");
            self.world.truncate("app.log");
            self.stamp(".");
            self.stamp("app.log");
            let file = self.files.insert("app.log".to_owned(), Vec::new());
            self.files.insert("app.log.1".to_owned(), file.unwrap());
        }
    }

    fn rewrite(&mut self) {
        if self.files.contains_key("app.log") {
            self.world.truncate("app.log");
            let file = self.files.insert("app.log".to_owned(), Vec::new());
            self.losable.extend(file.unwrap());
            self.append(1, 8);
        }
    }

    fn delete(&mut self) {
        if let Some(file) = self.files.remove("app.log") {
            self.keep_open("app.log");
            self.world.remove("app.log");
            self.stamp(".");
            // Nobody holds it open after a stop.
            if !self.seen.remove("app.log") || self.stopped.is_some() {
                self.losable.extend(file);
            }
        }
    }

    fn compress(&mut self, nth: usize) {
        let name = format!("app.log.{nth}");
        if let Some(file) = self.files.remove(&name) {
            self.keep_open(&name);
            self.world.gzip(&name);
            self.stamp(".");
            self.seen.remove(&name);
            self.files.insert(format!("{name}.gz"), file);
        }
    }

    fn keep_open(&mut self, name: &str) {
        self.removed
            .push(File::open(self.world.path(name)).unwrap());
    }

    fn look(&mut self) {
        self.go_on();
        self.seen.extend(self.files.keys().cloned());
        for event in self.world.poll_events() {
            self.take(event);
        }
    }

    fn go_on(&mut self) {
        if let Some(positions) = self.stopped.take() {
            let options = Options {
                resume: Some(Arc::new(positions)),
                ..small_blocks()
            };
            self.world.begin(&[&self.name], options);
        }
    }

    fn stop(&mut self, events: usize) {
        self.go_on();
        self.world.now += Duration::from_secs(1);
        let mut follower = self.world.follower.take().unwrap();
        follower.look(&Scope::All, self.world.now);
        for _ in 0..events {
            follower
                .next()
                .into_iter()
                .for_each(|event| self.take(event));
        }
        follower.put_barrier(0);
        let positions = loop {
            match follower.next().unwrap() {
                Event::Barrier(barrier) => break barrier.positions,
                event => self.take(event),
            }
        };
        let json = serde_json::to_string(&*positions).unwrap();
        let positions: Positions = serde_json::from_str(&json).unwrap();
        self.stopped = Some(positions);
        // What was only held open is gone.
        let there: BTreeSet<usize> = self.files.values().flatten().copied().collect();
        let gone = (0..self.written).filter(|line| !there.contains(line));
        self.losable.extend(gone);
    }

    fn take(&mut self, event: Event) {
        let shown = show(&event, self.world.directory.path());
        self.history.push(format!("    {shown}"));
        match event {
            Event::Resumed {
                generation, offset, ..
            } => assert_eq!(self.ends.get(&generation), Some(&offset)),
            Event::Data {
                generation,
                bytes,
                offset,
                ..
            } => {
                let end = self.ends.entry(generation).or_insert(offset);
                assert_eq!(*end, offset, "a gap:\n{}", self.history.join("\n"));
                *end += bytes.len() as u64;
                let partial = self.partial.entry(generation).or_default();
                partial.extend_from_slice(&bytes);
                while let Some(end) = partial.iter().position(|&byte| byte == b'\n') {
                    let line: Vec<u8> = partial.drain(..=end).collect();
                    self.given.push(number_of(&line));
                }
            }
            Event::End { generation, .. } => {
                let partial = self.partial.remove(&generation).unwrap_or_default();
                assert_eq!(partial, b"", "a line was cut:\n{}", self.history.join("\n"));
            }
            _ => {}
        }
    }

    fn finish(mut self) -> Result<(), TestCaseError> {
        for _ in 0..10 {
            self.look();
        }
        let distinct: BTreeSet<usize> = self.given.iter().copied().collect();
        let history = self.history.join("\n");
        prop_assert_eq!(
            distinct.len(),
            self.given.len(),
            "a line came twice:\n{}",
            &history
        );
        let lost: Vec<usize> = (0..self.written)
            .filter(|line| !distinct.contains(line) && !self.losable.contains(line))
            .collect();
        prop_assert_eq!(lost, Vec::<usize>::new(), "lines were lost:\n{}", &history);
        Ok(())
    }
}

/// The number that a whole line begins with.
fn number_of(line: &[u8]) -> usize {
    let text = std::str::from_utf8(line).unwrap();
    let number = text.trim_end_matches(['.', '\n']);
    number
        .parse()
        .unwrap_or_else(|_| panic!("no line: {text:?}"))
}

/// Files are read in several steps, so that a stop comes between them.
fn small_blocks() -> Options {
    Options {
        block_bytes: 4096,
        ..Options::default()
    }
}

fn check(name: &str, acts: &[Act]) -> Result<(), TestCaseError> {
    let mut model = Model::new();
    model.create();
    name.clone_into(&mut model.name);
    model.world.begin(&[name], small_blocks());
    model.look();
    for &act in acts {
        model.perform(act);
    }
    model.finish()
}

proptest! {
    #[test]
    fn each_line_of_a_named_file_is_given_once(acts in vec(act(), 1..24)) {
        check("app.log", &acts)?;
    }

    #[test]
    fn each_line_of_a_directory_is_given_once(acts in vec(act(), 1..24)) {
        check(".", &acts)?;
    }

    #[test]
    fn each_line_of_a_named_file_is_given_once_through_restarts(
        acts in vec(act_or_stop(), 1..32)
    ) {
        check("app.log", &acts)?;
    }

    #[test]
    fn each_line_of_a_directory_is_given_once_through_restarts(
        acts in vec(act_or_stop(), 1..32)
    ) {
        check(".", &acts)?;
    }
}
