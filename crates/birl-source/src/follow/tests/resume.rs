//! Following that stops, and goes on where it stopped.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::follow::Positions;

impl World {
    /// Stops behind all that has been told, and returns how far that is, as it is kept.
    fn stop(&mut self) -> Positions {
        let mut follower = self.follower.take().unwrap();
        follower.put_barrier(1);
        let Some(Event::Barrier(barrier)) = follower.next() else {
            panic!("all else has been told");
        };
        let json = serde_json::to_string(&*barrier.positions).unwrap();
        let positions = serde_json::from_str(&json).unwrap();
        assert_eq!(positions, *barrier.positions);
        positions
    }

    fn go_on(&mut self, names: &[&str], positions: Positions) -> Vec<String> {
        let options = Options {
            resume: Some(Arc::new(positions)),
            ..Options::default()
        };
        self.begin(names, options);
        self.settle()
    }
}

#[test]
fn what_was_read_is_not_read_again() {
    let mut world = World::new();
    world.write("app.log", "one\ntw");
    world.follow(&["app.log"]);
    let positions = world.stop();
    world.append("app.log", "o\n");
    assert_eq!(
        world.go_on(&["app.log"], positions),
        [
            "app.log#0@6 goes on within a line, began one\\ntw",
            "app.log#0@6: o\\n",
            "caught up"
        ]
    );
    assert_eq!(world.settle(), NOTHING);
}

#[test]
fn positions_tell_what_is_not_read_yet() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    world.append("app.log", "two\n");
    let now = world.now;
    world.follower.as_mut().unwrap().look(&Scope::All, now);
    let positions = world.stop();
    let files: Vec<_> = positions.files().collect();
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].generation, files[0].offset), (Some(0), 4));
    assert_eq!(files[0].unread, 4);
}

#[test]
fn a_file_that_was_rotated_meanwhile_is_read_on_before_its_successors() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    let positions = world.stop();
    world.append("app.log", "two\n");
    world.rename("app.log", "app.log.2");
    world.write("app.log.1", "three\n");
    world.write("app.log", "four\n");
    assert_eq!(
        world.go_on(&["app.log"], positions),
        [
            "\"app.log\" was rotated to \"app.log.2\"",
            "\"app.log\" was rotated more than once: reading \"app.log.1\" too",
            "following the new file \"app.log\"",
            "app.log#0@4 goes on, began one\\n",
            "app.log#0@4: two\\n",
            "app.log#1@0: three\\n",
            "app.log#2@0: four\\n",
            "caught up",
            "app.log#0 ended",
            "app.log#1 ended",
        ]
    );
}

#[test]
fn a_file_that_was_compressed_meanwhile_is_read_on_as_that() {
    let mut world = World::new();
    world.write("app.log", long("one"));
    world.follow(&["app.log"]);
    let positions = world.stop();
    world.append("app.log", "last\n");
    world.rename("app.log", "app.log.1");
    world.gzip("app.log.1");
    world.write("app.log", "two\n");
    let at = long("one").len();
    assert_eq!(
        world.go_on(&["app.log"], positions),
        [
            "\"app.log\" was deleted".to_owned(),
            "skipping \"app.log.1.gz\": a copy of \"app.log\", which was read".to_owned(),
            "following the new file \"app.log\"".to_owned(),
            format!("app.log#0@{at} goes on, began one line 0\\none line "),
            format!("app.log#0@{at}: last\\n"),
            "\"app.log\" is gone: read the last 5 bytes of it from \"app.log.1.gz\"".to_owned(),
            "app.log#0 ended".to_owned(),
            "app.log#1@0: two\\n".to_owned(),
            "caught up".to_owned(),
        ]
    );
}

#[test]
fn a_file_that_was_truncated_meanwhile_is_read_on_in_its_copy() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    let positions = world.stop();
    world.append("app.log", "two\n");
    world.copy("app.log", "app.log.1");
    world.truncate("app.log");
    world.append("app.log", "3\n");
    assert_eq!(
        world.go_on(&["app.log"], positions),
        [
            "skipping \"app.log.1\": a copy of \"app.log\", which was read",
            "app.log#0@4 goes on, began one\\n",
            "app.log#0@4: two\\n",
            "\"app.log\" was truncated: read the last 4 bytes from its copy \"app.log.1\"",
            "app.log#0 ended",
            "app.log#1@0: 3\\n",
            "caught up",
        ]
    );
}

#[test]
fn a_file_that_is_gone_is_told_and_its_generation_ends() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    let positions = world.stop();
    world.remove("app.log");
    world.write("app.log", "two\n");
    assert_eq!(
        world.go_on(&["app.log"], positions),
        [
            "\"app.log\" was deleted",
            "following the new file \"app.log\"",
            "\"app.log\" is gone: what was written while it was not followed may be missing",
            "app.log#0@4 goes on, began one\\n",
            "app.log#0 ended",
            "app.log#1@0: two\\n",
            "caught up",
        ]
    );
}

#[test]
fn a_file_that_is_renamed_while_it_is_looked_for_is_read_on() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    let options = Options {
        resume: Some(Arc::new(world.stop())),
        ..Options::default()
    };
    world.append("app.log", "two\n");
    world.begin(&["app.log"], options);
    // The first look has listed the directory, and could not open the file any more.
    let now = world.now;
    let follower = world.follower.as_mut().unwrap();
    follower.look(&Scope::All, now);
    for key in follower.tracks.keys().copied().collect::<Vec<_>>() {
        follower.drop_held(key);
    }
    world.rename("app.log", "app.log.1");
    let follower = world.follower.as_mut().unwrap();
    follower.resumes = true;
    follower.find_lost();
    assert_eq!(
        world.settle(),
        [
            "\"app.log\" was rotated to \"app.log.1\"",
            "app.log#0@4 goes on, began one\\n",
            "app.log#0@4: two\\n",
            "caught up",
        ]
    );
}

#[test]
fn a_file_that_comes_back_later_is_read_on() {
    let mut world = World::new();
    world.write("app.log", "one\n");
    world.follow(&["app.log"]);
    let positions = world.stop();
    // The directory was not mounted, so to speak.
    let elsewhere = TempDir::new_in(world.directory.path().parent().unwrap()).unwrap();
    fs::rename(world.path("app.log"), elsewhere.path().join("app.log")).unwrap();
    world.go_on(&["app.log"], positions);
    fs::rename(elsewhere.path().join("app.log"), world.path("app.log")).unwrap();
    world.append("app.log", "two\n");
    let told = world.settle();
    assert_eq!(told, ["app.log#1@4: two\\n"]);
}

#[test]
fn new_files_are_read_from_their_beginning_and_old_siblings_not_at_all() {
    let mut world = World::new();
    world.write("a.log.1", "long ago\n");
    world.write("a.log", "one\n");
    let options = Options {
        from: Start::End,
        ..Options::default()
    };
    world.follow_with(&["*.log"], options.clone());
    let positions = world.stop();
    world.write("b.log", "two\n");
    let resumed = Options {
        resume: Some(Arc::new(positions)),
        ..options
    };
    world.begin(&["*.log"], resumed);
    assert_eq!(
        world.settle(),
        [
            "following the new file \"b.log\"",
            "b.log#0@0: two\\n",
            "caught up",
        ]
    );
}

#[test]
fn names_that_were_not_asked_for_before_begin_as_at_the_start() {
    // Nothing had been read of what began at its end, so that nothing goes on.
    let read = ["a.log#0@4 goes on, began one\\n", "b.log#1@0: long ago\\n"];
    for (from, read) in [(Start::End, &[][..]), (Start::Beginning, &read)] {
        let mut world = World::new();
        world.write("a.log", "one\n");
        world.write("b.log.1", "longer ago\n");
        world.write("b.log", "long ago\n");
        let options = Options {
            from,
            ..Options::default()
        };
        world.follow_with(&["a.log"], options.clone());
        let positions = world.stop();
        world.append("a.log", "two\n");
        let resumed = Options {
            resume: Some(Arc::new(positions)),
            anew: BTreeSet::from([0]),
            ..options
        };
        world.begin(&["b*.log", "a.log", "c.log"], resumed);
        let mut told = world.settle();
        // What there is to be read is read in no order.
        told.sort();
        let mut expected = vec!["a.log#0@4: two\\n"];
        expected.extend(read);
        expected.extend(["caught up", "waiting for \"c.log\" to be created"]);
        expected.sort();
        assert_eq!(told, expected);
        world.append("b.log", "three\n");
        // It has come to be since then, as has what a name stands for that was asked for before.
        world.write("b2.log", "four\n");
        world.write("c.log", "five\n");
        let mut told = world.settle();
        told.retain(|it| it.contains('@'));
        told.sort();
        assert_eq!(
            told,
            [
                "b.log#1@9: three\\n",
                "b2.log#2@0: four\\n",
                "c.log#3@0: five\\n"
            ]
        );
    }
}

#[test]
fn what_a_new_name_stands_for_and_was_followed_is_read_on() {
    let mut world = World::new();
    world.write("a.log", "one\n");
    let options = Options {
        from: Start::End,
        ..Options::default()
    };
    world.follow_with(&["*.log"], options.clone());
    let positions = world.stop();
    // It is another file by then.
    world.rename("a.log", "a.log.1");
    world.write("a.log", "two\n");
    let resumed = Options {
        resume: Some(Arc::new(positions)),
        anew: BTreeSet::from([0]),
        ..options
    };
    world.begin(&["a*", "*.log"], resumed);
    let told = world.settle();
    assert!(
        told.iter().any(|it| it.ends_with("a.log#0@0: two\\n")),
        "{told:?}"
    );
}

#[test]
fn what_is_no_longer_asked_for_is_forgotten() {
    let mut world = World::new();
    world.write("a.log", "one\n");
    world.write("b.log", "two\n");
    world.follow(&["a.log", "b.log"]);
    let positions = world.stop();
    world.append("a.log", "three\n");
    world.append("b.log", "four\n");
    assert_eq!(
        world.go_on(&["b.log"], positions),
        [
            "b.log#1@4 goes on, began two\\n",
            "b.log#1@4: four\\n",
            "caught up"
        ]
    );
}

#[test]
fn a_character_that_was_cut_goes_on() {
    let text: Vec<u8> = "\u{feff}log 🪵\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for cut in 4..text.len() {
        let mut world = World::new();
        world.write("app.log", &text[..cut]);
        let mut before = world.follow(&["app.log"]);
        before.extend(world.settle());
        let positions = world.stop();
        world.append("app.log", &text[cut..]);
        let after = world.go_on(&["app.log"], positions);
        let given = before
            .iter()
            .chain(&after)
            .filter_map(|told| told.split_once(": "));
        let given: String = given.map(|(_, text)| text).collect();
        assert_eq!(given, "log \\xf0\\x9f\\xaa\\xb5\\n", "cut at {cut}");
    }
}

#[test]
fn a_compressed_file_is_not_unpacked_again_unless_it_was_written_to() {
    let mut world = World::new();
    world.write("app.log.gz", gzip(b"one\n"));
    world.follow(&["app.log.gz"]);
    world.settle();
    let positions = world.stop();
    assert_eq!(
        world.go_on(&["app.log.gz"], positions.clone()),
        ["app.log.gz#0@4 goes on, began one\\n", "caught up"]
    );
    world.append("app.log.gz", gzip(b"two\n"));
    assert_eq!(
        world.go_on(&["app.log.gz"], positions),
        [
            "app.log.gz#0@4 goes on, began one\\n",
            "app.log.gz#0@4: two\\n",
            "caught up"
        ]
    );
}
