//! Following, step by step and without a clock.

mod model;
mod resume;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::follower::{Follower, Scope};
use super::targets::Targets;
use super::{Event, Notice, Options, Start};
use crate::name::Name;
use crate::{Inode, Origin};

/// A directory with files that are followed, and a clock that goes on a second with each look.
struct World {
    directory: TempDir,
    now: Instant,
    follower: Option<Follower>,
}

impl World {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            now: Instant::now(),
            follower: None,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        let mut options = OpenOptions::new();
        let mut file = options.append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_ref()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn copy(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
    }

    fn truncate(&self, name: &str) {
        File::create(self.path(name)).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    fn gzip(&self, name: &str) {
        let text = fs::read(self.path(name)).unwrap();
        self.write(&format!("{name}.gz"), gzip(&text));
        self.remove(name);
    }

    fn follow(&mut self, names: &[&str]) -> Vec<String> {
        self.follow_with(names, Options::default())
    }

    fn follow_with(&mut self, names: &[&str], options: Options) -> Vec<String> {
        self.begin(names, options);
        self.poll()
    }

    fn begin(&mut self, names: &[&str], options: Options) {
        let name = |name: &&str| match *name {
            "." => Name::Path(self.directory.path().to_owned()),
            name => Name::parse(self.path(name).as_os_str()).unwrap(),
        };
        let targets = Targets::new(names.iter().map(name).collect(), options.hidden);
        let follower = Follower::start(targets, options, self.now);
        self.follower = Some(follower);
    }

    fn poll_events(&mut self) -> Vec<Event> {
        self.now += Duration::from_secs(1);
        self.follower.as_mut().unwrap().poll(self.now)
    }

    fn poll(&mut self) -> Vec<String> {
        let events = self.poll_events();
        let directory = self.directory.path().to_owned();
        events.iter().map(|event| show(event, &directory)).collect()
    }

    /// Looks until nothing more can come of what has happened so far.
    fn settle(&mut self) -> Vec<String> {
        (0..10).flat_map(|_| self.poll()).collect()
    }
}

fn show(event: &Event, directory: &Path) -> String {
    let shown = match event {
        Event::Data {
            origin,
            generation,
            offset,
            bytes,
            ..
        } => format!("{origin}#{generation}@{offset}: {}", bytes.escape_ascii()),
        Event::End { origin, generation } => format!("{origin}#{generation} ended"),
        Event::Resumed {
            origin,
            generation,
            offset,
            head,
            is_line_start,
        } => {
            let within = if *is_line_start { "" } else { " within a line" };
            let head = String::from_utf8_lossy(&head[..head.len().min(20)]).into_owned();
            let head = head.escape_debug();
            format!("{origin}#{generation}@{offset} goes on{within}, began {head}")
        }
        Event::Barrier(barrier) => format!("barrier {}", barrier.number),
        Event::CaughtUp => "caught up".to_owned(),
        Event::Notice(notice) => notice.to_string(),
        Event::Failed { .. } => unreachable!("only live sources fail"),
    };
    shown.replace(&format!("{}/", directory.display()), "")
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Text that is long enough to be known by its bytes.
fn long(tag: &str) -> String {
    (0..200).map(|n| format!("{tag} line {n}\n")).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn appended_bytes_are_given_once() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    assert_eq!(
        world.follow(&["app.log"]),
        ["app.log#0@0: one\\n", "caught up"]
    );
    assert_eq!(world.poll(), NOTHING);
    world.append("app.log", "tw");
    assert_eq!(world.poll(), ["app.log#0@4: tw"]);
    world.append("app.log", "o\n");
    assert_eq!(world.poll(), ["app.log#0@6: o\\n"]);
    assert_eq!(world.settle(), NOTHING);
}

#[test]
fn from_the_end_only_what_is_new_is_given() {
    let mut world = World::new();
    world.write("app.log", "old\n");
    let options = Options {
        from: Start::End,
        ..Options::default()
    };
    assert_eq!(world.follow_with(&["app.log"], options), ["caught up"]);
    world.append("app.log", "new\n");
    assert_eq!(world.poll(), ["app.log#0@4: new\\n"]);
}

#[test]
fn from_the_end_of_a_compressed_file_only_what_is_added_is_given() {
    for size in [1, 100_000] {
        let mut world = World::new();
        let old = "old\n".repeat(size);
        world.write("app.log.gz", gzip(old.as_bytes()));
        let options = Options {
            from: Start::End,
            ..Options::default()
        };
        assert_eq!(world.follow_with(&["app.log.gz"], options), ["caught up"]);
        assert_eq!(world.settle(), NOTHING);
        world.append("app.log.gz", gzip(b"new\n"));
        let at = old.len();
        assert_eq!(world.settle(), [format!("app.log.gz#0@{at}: new\\n")]);
    }
}

#[test]
fn notices_name_files_as_they_would_be_typed() {
    let mut world = World::new();
    world.write("app.log", long("one"));
    // The way from the current directory to the world, which a relative name is.
    let current = std::env::current_dir().unwrap();
    let up: PathBuf = current.iter().skip(1).map(|_| "..").collect();
    let directory = fs::canonicalize(world.directory.path()).unwrap();
    let typed = up.join(directory.strip_prefix("/").unwrap());
    let targets = Targets::new(vec![Name::Path(typed.join("app.log"))], false);
    world.follower = Some(Follower::new(targets, Options::default(), world.now));
    world.poll();
    world.rename("app.log", "app.log.1");
    world.write("app.log", long("two"));
    world.settle();
    world.copy("app.log", "app.log.2");
    world.truncate("app.log");
    let notices: Vec<Event> = (0..10)
        .flat_map(|_| world.poll_events())
        .filter(|event| matches!(event, Event::Notice(_)))
        .collect();
    let origin = || Origin::file(typed.join("app.log"));
    assert_eq!(
        notices,
        [
            Event::Notice(Notice::Skipped {
                path: typed.join("app.log.2"),
                of: origin(),
            }),
            Event::Notice(Notice::Truncated {
                origin: origin(),
                copy: Some((typed.join("app.log.2"), 0)),
                unread: 0,
            }),
        ]
    );
    world.rename("app.log", "app.log.3");
    let moved = Event::Notice(Notice::Rotated {
        origin: origin(),
        to: Some(typed.join("app.log.3")),
    });
    assert!(world.poll_events().contains(&moved));
}

#[test]
fn a_missing_file_is_waited_for() {
    let mut world = World::new();
    assert_eq!(
        world.follow(&["app.log"]),
        ["waiting for \"app.log\" to be created", "caught up"]
    );
    assert_eq!(world.poll(), NOTHING);
    world.write("app.log", "here\n");
    assert_eq!(
        world.poll(),
        ["following the new file \"app.log\"", "app.log#0@0: here\\n"]
    );
}

#[test]
fn a_renamed_file_is_read_to_its_end_before_the_next() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    world.append("app.log", "two\n");
    world.rename("app.log", "app.log.1");
    world.write("app.log", "three\n");
    world.append("app.log.1", "late");
    assert_eq!(
        world.settle(),
        [
            "\"app.log\" was rotated to \"app.log.1\"",
            "following the new file \"app.log\"",
            "app.log#0@4: two\\nlate",
            "app.log#1@0: three\\n",
            "app.log#0 ended",
        ]
    );
}

#[test]
fn a_writer_may_be_late_to_leave_a_renamed_file() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    world.rename("app.log", "app.log.1");
    world.write("app.log", "");
    assert_eq!(world.settle(), ["\"app.log\" was rotated to \"app.log.1\""]);
    world.append("app.log.1", "two\n");
    assert_eq!(world.settle(), ["app.log#0@4: two\\n"]);
    world.append("app.log.1", "three\n");
    world.append("app.log", "four\n");
    assert_eq!(
        world.settle(),
        [
            "following the new file \"app.log\"",
            "app.log#0@8: three\\n",
            "app.log#1@0: four\\n",
            "app.log#0 ended",
        ]
    );
    world.append("app.log.1", "very late\n");
    assert_eq!(
        world.settle(),
        ["app.log#2@14: very late\\n", "app.log#2 ended"]
    );
}

#[test]
fn generations_that_were_missed_are_found_in_order() {
    let mut world = World::new();
    world.write("app.log.1", "before all\n");
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    world.append("app.log", "two\n");
    for text in ["three\n", "four\n", "five\n"] {
        for nth in (1..6).rev() {
            let from = format!("app.log.{nth}");
            if world.path(&from).exists() {
                world.rename(&from, &format!("app.log.{}", nth + 1));
            }
        }
        world.rename("app.log", "app.log.1");
        world.write("app.log", text);
    }
    assert_eq!(
        world.settle(),
        [
            "\"app.log\" was rotated to \"app.log.3\"",
            "\"app.log\" was rotated more than once: reading \"app.log.2\" too",
            "\"app.log\" was rotated more than once: reading \"app.log.1\" too",
            "following the new file \"app.log\"",
            "app.log#0@4: two\\n",
            "app.log#1@0: three\\n",
            "app.log#2@0: four\\n",
            "app.log#3@0: five\\n",
            "app.log#0 ended",
            "app.log#1 ended",
            "app.log#2 ended",
        ]
    );
}

#[test]
fn a_missed_generation_is_read_from_its_compressed_form() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    world.rename("app.log", "app.log.2");
    world.write("app.log", "two\n");
    world.rename("app.log", "app.log.1");
    world.gzip("app.log.1");
    world.write("app.log", "three\n");
    let mut shown = world.settle();
    shown.sort();
    assert_eq!(
        shown,
        [
            "\"app.log\" was rotated more than once: reading \"app.log.1.gz\" too",
            "\"app.log\" was rotated to \"app.log.2\"",
            "app.log#0 ended",
            "app.log#1@0: three\\n",
            "app.log#2 ended",
            "app.log#2@0: two\\n",
            "following the new file \"app.log\"",
        ]
    );
}

#[test]
fn a_read_generation_that_is_compressed_later_is_not_read_again() {
    for name in ["app.log", "."] {
        let mut world = World::new();
        world.write("app.log", "short\n");
        world.follow(&[name]);
        world.rename("app.log", "app.log.1");
        world.write("app.log", "new\n");
        world.settle();
        world.gzip("app.log.1");
        assert_eq!(
            world.settle(),
            ["skipping \"app.log.1.gz\": a copy of \"app.log\", which was read"],
            "{name}"
        );
    }
}

#[test]
fn siblings_from_before_that_are_compressed_later_are_not_read() {
    let mut world = World::new();
    world.write("app.log.1", long("before"));
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    world.gzip("app.log.1");
    world.rename("app.log.1.gz", "app.log.2.gz");
    world.rename("app.log", "app.log.1");
    world.write("app.log", "two\n");
    assert_eq!(
        world.settle(),
        [
            "\"app.log\" was rotated to \"app.log.1\"",
            "following the new file \"app.log\"",
            "app.log#1@0: two\\n",
            "app.log#0 ended",
        ]
    );
}

#[test]
fn a_truncated_file_is_read_anew_and_its_copy_completes_it() {
    for name in ["app.log", "."] {
        for text in ["short\n".to_owned(), long("long")] {
            let mut world = World::new();
            world.write("app.log", &text);
            world.follow(&[name]);
            world.append("app.log", "unread");
            world.copy("app.log", "app.log.1");
            world.truncate("app.log");
            world.append("app.log", "new\n");
            let end = text.len();
            assert_eq!(
                world.settle(),
                [
                    "skipping \"app.log.1\": a copy of \"app.log\", which was read".to_owned(),
                    format!("app.log#0@{end}: unread"),
                    "\"app.log\" was truncated: read the last 6 bytes from its copy \"app.log.1\""
                        .to_owned(),
                    "app.log#0 ended".to_owned(),
                    "app.log#1@0: new\\n".to_owned(),
                ],
                "{name}"
            );
        }
    }
}

#[test]
fn a_truncated_file_that_has_outgrown_its_old_size_is_noticed() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    world.truncate("app.log");
    world.append("app.log", "more than there was\n");
    assert_eq!(
        world.settle(),
        [
            "\"app.log\" was truncated: what was written just before may be missing",
            "app.log#0 ended",
            "app.log#1@0: more than there was\\n",
        ]
    );
}

#[test]
fn what_is_known_to_be_missing_is_told() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    world.append("app.log", "never read\n");
    let follower = world.follower.as_mut().unwrap();
    follower.look(&super::follower::Scope::All, world.now);
    world.truncate("app.log");
    assert_eq!(
        world.settle(),
        [
            "\"app.log\" was truncated: at least 11 bytes of it were not read in time",
            "app.log#0 ended",
        ]
    );
}

#[test]
fn the_hole_that_a_careless_writer_leaves_is_skipped() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.follow(&["."]);
    world.truncate("app.log");
    let file = OpenOptions::new().write(true).open(world.path("app.log"));
    std::os::unix::fs::FileExt::write_at(&file.unwrap(), b"two\n", 4).unwrap();
    assert_eq!(
        world.settle(),
        [
            "\"app.log\" was truncated: what was written just before may be missing",
            "app.log#0 ended",
            "app.log#1@4: two\\n",
        ]
    );
}

#[test]
fn a_deleted_file_is_read_to_its_end_and_a_new_one_from_its_start() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    world.append("app.log", "two\n");
    world.remove("app.log");
    assert_eq!(
        world.settle(),
        [
            "\"app.log\" was deleted",
            "app.log#0@4: two\\n",
            "app.log#0 ended",
        ]
    );
    world.write("app.log", "one\n");
    assert_eq!(
        world.settle(),
        ["following the new file \"app.log\"", "app.log#1@0: one\\n"]
    );
}

#[test]
fn a_file_that_is_deleted_and_created_between_two_looks_is_a_new_one() {
    let mut world = World::new();
    world.write("app.log", "same\n");
    world.follow(&["app.log"]);
    world.remove("app.log");
    world.write("app.log", "same\n");
    assert_eq!(
        world.settle(),
        [
            "\"app.log\" was deleted",
            "following the new file \"app.log\"",
            "app.log#1@0: same\\n",
            "app.log#0 ended",
        ]
    );
}

#[test]
fn new_files_in_a_directory_are_read_from_their_start() {
    let mut world = World::new();
    world.write("a.log", "a\n");
    fs::create_dir(world.path("deep")).unwrap();
    world.write(".hidden", "h\n");
    assert_eq!(world.follow(&["."]), ["a.log#0@0: a\\n", "caught up"]);
    world.write("deep/b.log", "a\n");
    fs::create_dir_all(world.path("new/deeper")).unwrap();
    world.write("new/deeper/c.log", "c\n");
    assert_eq!(
        world.settle(),
        [
            "following the new file \"deep/b.log\"",
            "following the new file \"new/deeper/c.log\"",
            "deep/b.log#1@0: a\\n",
            "new/deeper/c.log#2@0: c\\n",
        ]
    );
}

#[test]
fn a_directory_is_read_whole_whatever_other_names_lead_into_it() {
    for other in [
        "a.log",
        "a*",
        "deep",
        "deep/b.log",
        "d*/b*",
        "**/c.log",
        "none.log",
    ] {
        for names in [[".", other], [other, "."]] {
            let mut world = World::new();
            fs::create_dir_all(world.path("deep/deeper")).unwrap();
            for name in ["a.log", "a.log.1", "deep/b.log", "deep/deeper/c.log"] {
                world.write(name, format!("{name}\n"));
            }
            let events = world.follow(&names);
            let mut given: Vec<&str> = events
                .iter()
                .filter_map(|event| Some(event.split_once(": ")?.1))
                .collect();
            given.sort_unstable();
            let whole = [
                "a.log.1\\n",
                "a.log\\n",
                "deep/b.log\\n",
                "deep/deeper/c.log\\n",
            ];
            assert_eq!(given, whole, "{names:?}");
            assert_eq!(world.settle(), [""; 0], "{names:?}");
        }
    }
}

#[test]
fn a_directory_that_is_deleted_and_created_anew_is_followed_on() {
    let mut world = World::new();
    fs::create_dir(world.path("logs")).unwrap();
    world.write("logs/a.log", "a\n");
    world.follow(&["logs"]);
    fs::remove_dir_all(world.path("logs")).unwrap();
    world.settle();
    fs::create_dir(world.path("logs")).unwrap();
    world.write("logs/b.log", "b\n");
    assert_eq!(
        world.settle(),
        [
            "following the new file \"logs/b.log\"",
            "logs/b.log#1@0: b\\n"
        ]
    );
}

#[test]
fn a_link_that_leads_to_another_file_is_followed_there() {
    let mut world = World::new();
    world.write("0.log", "zero\n");
    world.write("1.log", "one\n");
    std::os::unix::fs::symlink(world.path("0.log"), world.path("app.log")).unwrap();
    world.follow(&["app.log"]);
    std::os::unix::fs::symlink(world.path("1.log"), world.path("next")).unwrap();
    world.append("0.log", "last\n");
    world.rename("next", "app.log");
    assert_eq!(
        world.settle(),
        [
            "\"app.log\" was moved away",
            "following the new file \"app.log\"",
            "app.log#0@5: last\\n",
            "app.log#1@0: one\\n",
            "app.log#0 ended",
        ]
    );
}

#[test]
fn a_file_with_two_names_is_read_once() {
    let mut world = World::new();
    world.write("a.log", "a\n");
    fs::hard_link(world.path("a.log"), world.path("b.log")).unwrap();
    assert_eq!(
        world.follow(&["a.log", "b.log", "a.log"]),
        ["a.log#0@0: a\\n", "caught up"]
    );
    world.append("b.log", "more\n");
    assert_eq!(world.settle(), ["a.log#0@2: more\\n"]);
}

#[test]
fn a_compressed_file_is_read_through_once() {
    let mut world = World::new();
    world.write("app.log.gz", gzip(b"one\ntwo\n"));
    assert_eq!(
        world.follow(&["app.log.gz"]),
        ["app.log.gz#0@0: one\\ntwo\\n", "caught up"]
    );
    assert_eq!(world.settle(), NOTHING);
    world.remove("app.log.gz");
    assert_eq!(
        world.settle(),
        ["\"app.log.gz\" was deleted", "app.log.gz#0 ended"]
    );
}

#[test]
fn a_last_line_without_an_end_is_whole_where_compressed_data_end() {
    let mut world = World::new();
    world.write("app.log.gz", gzip(b"one\ntwo"));
    assert_eq!(
        world.follow(&["app.log.gz"]),
        [
            "app.log.gz#0@0: one\\ntwo",
            "app.log.gz#0 ended",
            "caught up"
        ]
    );
}

#[test]
fn a_compressed_file_is_read_once_however_often_it_is_looked_at_meanwhile() {
    let mut world = World::new();
    let text = long("packed").repeat(20);
    world.write("app.log.gz", gzip(text.as_bytes()));
    let options = Options {
        block_bytes: 4096,
        ..Options::default()
    };
    let name = Name::Path(world.path("app.log.gz"));
    let mut follower = Follower::new(Targets::new(vec![name], false), options, world.now);
    let mut given = Vec::new();
    let mut others = Vec::new();
    for _ in 0..40 {
        world.now += Duration::from_millis(100);
        follower.look(&Scope::All, world.now);
        match follower.next() {
            Some(Event::Data { bytes, .. }) => given.extend_from_slice(&bytes),
            other => others.extend(other.map(|event| show(&event, world.directory.path()))),
        }
    }
    assert_eq!(String::from_utf8(given).unwrap(), text);
    assert_eq!(others, ["caught up"]);
}

#[test]
fn what_is_added_to_a_compressed_file_is_read_too() {
    let mut world = World::new();
    world.write("app.log.gz", gzip(b"one\n"));
    world.follow(&["app.log.gz"]);
    world.settle();
    world.append("app.log.gz", gzip(b"two\n"));
    assert_eq!(world.settle(), ["app.log.gz#0@4: two\\n"]);
    world.append("app.log.gz", b"");
    assert_eq!(world.settle(), NOTHING);
}

#[test]
fn a_compressed_file_that_ends_early_is_waited_for_and_then_told() {
    let mut world = World::new();
    let packed = gzip(long("cut").as_bytes());
    let (start, rest) = packed.split_at(packed.len() / 2);
    world.write("app.log.gz", start);
    world.follow(&["app.log.gz"]);
    assert_eq!(
        world.settle(),
        ["cannot decode \"app.log.gz\": unexpected end of gzip data"]
    );
    world.append("app.log.gz", rest);
    let events = world.settle();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].starts_with("app.log.gz#0@"), "{events:?}");
    assert!(!events[0].contains("cut line 0\\n"), "{events:?}");
    assert!(events[0].ends_with("cut line 199\\n"), "{events:?}");
}

#[test]
fn what_lies_before_damage_is_given_and_the_damage_told() {
    let mut world = World::new();
    let mut packed = gzip(b"one\n");
    packed.extend_from_slice(b"garbage");
    world.write("app.log.gz", packed);
    let mut events = world.follow(&["app.log.gz"]);
    events.extend(world.settle());
    assert_eq!(
        events,
        [
            "app.log.gz#0@0: one\\n",
            "cannot decode \"app.log.gz\": trailing garbage after the gzip data",
            "caught up",
        ]
    );
}

#[test]
fn a_compressed_file_that_is_replaced_in_place_is_read_anew() {
    let mut world = World::new();
    world.write("app.log.gz", gzip(b"one\n"));
    world.follow(&["app.log.gz"]);
    world.settle();
    world.write("app.log.gz", gzip(b"another\n"));
    assert_eq!(
        world.settle(),
        [
            "\"app.log.gz\" was truncated: what was written just before may be missing",
            "app.log.gz#0 ended",
            "app.log.gz#1@0: another\\n",
        ]
    );
    world.write("app.log.gz", "no longer compressed\n");
    assert_eq!(
        world.settle(),
        [
            "\"app.log.gz\" was truncated: what was written just before may be missing",
            "app.log.gz#1 ended",
            "app.log.gz#2@0: no longer compressed\\n",
        ]
    );
}

#[test]
fn marks_of_encodings_are_not_part_of_the_text() {
    let mut world = World::new();
    world.write("utf8.log", b"\xEF\xBB");
    world.write("utf16.log", b"\xFF\xFEa\0\n");
    assert_eq!(
        world.follow(&["utf16.log", "utf8.log"]),
        ["utf16.log#0@0: a", "caught up"]
    );
    world.append("utf8.log", b"\xBFb\n");
    world.append("utf16.log", b"\0");
    assert_eq!(world.poll(), ["utf16.log#0@1: \\n", "utf8.log#1@3: b\\n"]);
}

#[test]
fn files_that_begin_alike_are_all_read() {
    let banner = long("banner");
    let mut world = World::new();
    world.write("a.log", format!("{banner}a\n"));
    world.follow(&["."]);
    world.write("b.log", format!("{banner}b\n"));
    world.write("a.log.1", format!("{banner}c\n"));
    let given: Vec<Event> = (0..9).flat_map(|_| world.poll_events()).collect();
    let bytes: usize = given
        .iter()
        .map(|event| match event {
            Event::Data { bytes, .. } => bytes.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(bytes, 2 * (banner.len() + 2));
}

#[test]
fn files_that_are_closed_for_want_of_descriptors_are_followed_on() {
    let mut world = World::new();
    let names: Vec<String> = (0..20).map(|n| format!("{n:02}.log")).collect();
    for name in &names {
        world.write(name, "a\n");
    }
    let options = Options {
        descriptors_max: 4,
        ..Options::default()
    };
    world.follow_with(&["."], options);
    assert_eq!(world.follower.as_ref().unwrap().held, 4);
    for name in &names {
        world.append(name, "b\n");
    }
    assert_eq!(world.settle().len(), 20);
    world.append("00.log", "c\n");
    world.rename("00.log", "00.log.1");
    world.write("00.log", "d\n");
    assert_eq!(
        world.settle(),
        [
            "\"00.log\" was rotated to \"00.log.1\"",
            "following the new file \"00.log\"",
            "00.log#0@4: c\\n",
            "00.log#20@0: d\\n",
            "00.log#0 ended",
        ]
    );
}

#[test]
fn files_are_first_read_in_the_order_of_the_names() {
    let mut world = World::new();
    for name in ["a.log", "b.log", "c.txt", "d.txt"] {
        world.write(name, "x");
    }
    assert_eq!(
        world.follow(&["b.log", "?.txt", "a.log"]),
        [
            "b.log#0@0: x",
            "c.txt#1@0: x",
            "d.txt#2@0: x",
            "a.log#3@0: x",
            "caught up"
        ]
    );
}

#[test]
fn new_files_that_a_glob_matches_are_followed() {
    let mut world = World::new();
    assert_eq!(world.follow(&["*/logs/app*"]), ["caught up"]);
    fs::create_dir_all(world.path("x/logs/app-dir")).unwrap();
    // In the order in which they are to be read, whether or not the clock ticks between them.
    world.write("x/logs/app-dir/any", "d\n");
    world.write("x/logs/app-dir/.hidden", "h\n");
    world.write("x/logs/app.log", "a\n");
    world.write("x/logs/other.log", "o\n");
    assert_eq!(
        world.settle(),
        [
            "following the new file \"x/logs/app-dir/any\"",
            "following the new file \"x/logs/app.log\"",
            "x/logs/app-dir/any#0@0: d\\n",
            "x/logs/app.log#1@0: a\\n",
        ]
    );
}

#[test]
fn a_link_up_the_tree_is_not_followed_for_ever() {
    let mut world = World::new();
    fs::create_dir(world.path("a")).unwrap();
    world.write("a/x.log", "x\n");
    std::os::unix::fs::symlink("..", world.path("a/up")).unwrap();
    assert_eq!(world.follow(&["."]), ["a/x.log#0@0: x\\n", "caught up"]);
}

#[test]
fn binary_files_are_skipped_unless_named() {
    let mut world = World::new();
    world.write("core", b"\0\x01");
    assert_eq!(
        world.follow(&["."]),
        ["skipping \"core\": not text", "caught up"]
    );
    assert_eq!(
        world.follow(&["core"]),
        ["core#0@0: \\x00\\x01", "caught up"]
    );
}

#[test]
fn what_is_given_out_is_not_followed_into_the_file_that_it_is_written_to() {
    let mut world = World::new();
    world.write("out.log", "one\n");
    let output = Inode::of(&fs::metadata(world.path("out.log")).unwrap());
    let options = Options {
        output: Some(output),
        ..Options::default()
    };
    assert_eq!(
        world.follow_with(&[".", "out.log", "app.log"], options),
        [
            "waiting for \"app.log\" to be created",
            "cannot open \"out.log\": the output goes there",
            "caught up"
        ]
    );
    world.append("out.log", "two\n");
    assert_eq!(world.poll(), NOTHING);
    // Under no name: neither as a generation that was missed nor as the next one.
    world.rename("out.log", "app.log.1");
    world.write("out.log", "another\n");
    world.write("app.log", "app\n");
    let mut events = world.settle();
    events.sort();
    // Which of two that are new is seen first is open.
    let app = usize::from(events[1].starts_with("app.log#1"));
    assert_eq!(
        events,
        [
            "\"out.log\" can be read now".into(),
            format!("app.log#{app}@0: app\\n"),
            "following the new file \"app.log\"".into(),
            "following the new file \"out.log\"".into(),
            format!("out.log#{}@0: another\\n", 1 - app),
        ]
    );
    world.rename("app.log.1", "app.log");
    assert_eq!(
        world.settle(),
        [
            "cannot open \"app.log\": the output goes there".into(),
            format!("app.log#{app} ended"),
        ]
    );
}

#[test]
fn a_pipe_in_a_directory_is_passed_over_and_a_named_one_is_told() {
    let mut world = World::new();
    let made = std::process::Command::new("mkfifo")
        .arg(world.path("a.fifo"))
        .status()
        .unwrap();
    assert!(made.success());
    assert_eq!(world.follow(&["."]), ["caught up"]);
    assert_eq!(
        world.follow(&["a.fifo"]),
        [
            "cannot open \"a.fifo\": it is not a regular file",
            "caught up"
        ]
    );
}

/// Makes a link that leads to itself: nobody can open it, whoever they are.
fn loop_link(world: &World, name: &str) {
    std::os::unix::fs::symlink(name, world.path(name)).unwrap();
}

const IS_LOOP: &str = "too many levels of symbolic links";

#[test]
fn what_could_not_be_opened_and_is_gone_is_told_once() {
    let mut world = World::new();
    world.write("ok.log", "ok\n");
    loop_link(&world, "a.log");
    let cannot = |name: &str| format!("cannot open {name:?}: {IS_LOOP}");
    let begun = world.follow(&["*.log"]);
    assert!(begun.contains(&cannot("a.log")), "{begun:?}");
    assert_eq!(world.settle(), NOTHING);
    world.remove("a.log");
    loop_link(&world, "b.log");
    let mut told = world.settle();
    told.sort();
    assert_eq!(told, ["\"a.log\" is gone".to_owned(), cannot("b.log")]);
    // Nobody waits for what no name says.
    let places = world.follower.as_ref().unwrap().places.keys();
    let names: Vec<_> = places.filter_map(|it| it.file_name()).collect();
    assert_eq!(names, ["b.log", "ok.log"]);
}

#[test]
fn what_could_not_be_opened_and_can_be_is_told() {
    let mut world = World::new();
    loop_link(&world, "a.log");
    world.follow(&["a.log"]);
    world.remove("a.log");
    assert_eq!(world.poll(), ["waiting for \"a.log\" to be created"]);
    loop_link(&world, "a.log");
    world.settle();
    world.remove("a.log");
    world.write("a.log", "a\n");
    assert_eq!(
        world.settle(),
        [
            "\"a.log\" can be read now",
            "following the new file \"a.log\"",
            "a.log#0@0: a\\n"
        ]
    );
}

#[test]
fn a_directory_that_could_not_be_listed_and_is_gone_is_told_and_forgotten() {
    let mut world = World::new();
    loop_link(&world, "logs");
    let cannot = format!("cannot open \"logs\": {IS_LOOP}");
    let begun = world.follow(&["logs/*.log"]);
    assert!(begun.contains(&cannot), "{begun:?}");
    assert_eq!(world.settle(), NOTHING);
    world.remove("logs");
    assert_eq!(world.settle(), ["\"logs\" is gone"]);
    loop_link(&world, "logs");
    assert_eq!(world.settle(), [cannot]);
    world.remove("logs");
    fs::create_dir(world.path("logs")).unwrap();
    assert_eq!(world.settle(), ["\"logs\" can be read now"]);
}

#[test]
fn directories_that_are_gone_are_forgotten_and_found_again() {
    let mut world = World::new();
    fs::create_dir(world.path("day")).unwrap();
    world.write("day/a.log", "a\n");
    world.follow(&["."]);
    fs::remove_dir_all(world.path("day")).unwrap();
    world.settle();
    let known = |world: &World| world.follower.as_ref().unwrap().directories().count();
    let above = known(&world);
    fs::create_dir(world.path("day")).unwrap();
    world.write("day/b.log", "b\n");
    let told = world.settle();
    assert!(told.iter().any(|it| it.ends_with("b\\n")), "{told:?}");
    assert_eq!(known(&world), above + 1);
}

#[test]
fn that_a_file_may_not_be_read_is_told_once() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let mut world = World::new();
    world.write("a.log", "a\n");
    let nobody = fs::Permissions::from_mode(0o000);
    fs::set_permissions(world.path("a.log"), nobody).unwrap();
    if File::open(world.path("a.log")).is_ok() {
        // Not even root reads this one.
        let unreadable = Path::new("/sys/bus/platform/drivers_probe");
        if File::open(unreadable).map_err(|it| it.kind()).err()
            != Some(std::io::ErrorKind::PermissionDenied)
        {
            return;
        }
        world.remove("a.log");
        symlink(unreadable, world.path("a.log")).unwrap();
    }
    assert_eq!(
        world.follow(&["a.log"]),
        ["cannot open \"a.log\": permission denied", "caught up"]
    );
    assert_eq!(world.settle(), NOTHING);
}
