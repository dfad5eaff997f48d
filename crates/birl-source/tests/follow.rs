//! Following through the public stream, while other threads write and rotate.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use birl_source::follow::{Event, Follow, Options, Positions, follow};
use birl_source::name::Name;
use futures::StreamExt;
use tempfile::TempDir;

/// Cuts what is followed into lines, each generation for itself.
#[derive(Default)]
struct Lines {
    partial: HashMap<u64, Vec<u8>>,
    whole: Vec<String>,
}

impl Lines {
    fn take(&mut self, event: Event) {
        match event {
            Event::Data {
                generation, bytes, ..
            } => {
                let partial = self.partial.entry(generation).or_default();
                partial.extend_from_slice(&bytes);
                while let Some(end) = partial.iter().position(|&byte| byte == b'\n') {
                    let line: Vec<u8> = partial.drain(..=end).collect();
                    self.whole
                        .push(String::from_utf8_lossy(&line[..end]).into_owned());
                }
            }
            Event::End { generation, .. } => {
                if let Some(line) = self.partial.remove(&generation)
                    && !line.is_empty()
                {
                    self.whole.push(String::from_utf8_lossy(&line).into_owned());
                }
            }
            _ => {}
        }
    }
}

/// How many lines have been read, for a writer that waits for that.
#[derive(Default)]
struct Progress {
    lines: Mutex<u64>,
    changed: Condvar,
}

impl Progress {
    fn set(&self, lines: u64) {
        *self.lines.lock().unwrap() = lines;
        self.changed.notify_all();
    }

    fn wait_for(&self, lines: u64) {
        let read = self.lines.lock().unwrap();
        drop(self.changed.wait_while(read, |read| *read < lines).unwrap());
    }
}

fn name(path: &Path) -> Name {
    Name::parse(path.as_os_str()).unwrap()
}

fn append(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.append(true).create(true).open(path).unwrap()
}

/// Reads until `count` lines have come, telling `progress` of each.
async fn read_lines(follow: &mut Follow, count: u64, progress: &Progress) -> Vec<String> {
    let mut lines = Lines::default();
    while (lines.whole.len() as u64) < count {
        // A line that never comes fails the comparison instead of hanging the test.
        let Ok(event) = tokio::time::timeout(Duration::from_secs(60), follow.next()).await else {
            progress.set(u64::MAX);
            break;
        };
        lines.take(event.unwrap());
        progress.set(lines.whole.len() as u64);
    }
    lines.whole
}

async fn catch_up(follow: &mut Follow) {
    while follow.next().await != Some(Event::CaughtUp) {}
}

fn write_lines(file: &mut File, from: u64, count: u64) {
    for number in from..from + count {
        writeln!(file, "line {number}").unwrap();
    }
}

fn numbered(count: u64) -> Vec<String> {
    (0..count).map(|number| format!("line {number}")).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// Follows the file that `write` writes on a thread of its own, until `count` lines have come.
fn follow_while(
    count: u64,
    write: impl FnOnce(&Path, &Progress) + Send + 'static,
) -> (Vec<String>, TempDir) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("app.log");
    let progress = Arc::new(Progress::default());
    let mut follow = follow(vec![name(&path)], Options::default());
    let runtime = runtime();
    // What is rotated before the first look was there before, and is nobody's business.
    runtime.block_on(catch_up(&mut follow));
    let seen = Arc::clone(&progress);
    let writer = std::thread::spawn(move || write(&path, &seen));
    let lines = runtime.block_on(read_lines(&mut follow, count, &progress));
    writer.join().unwrap();
    (lines, directory)
}

/// Renames `app.log.N` to `app.log.N+1`, from the oldest that is kept to the newest.
fn shift(path: &Path, kept: u64) {
    let nth = |n: u64| match n {
        0 => path.to_owned(),
        n => PathBuf::from(format!("{}.{n}", path.display())),
    };
    for n in (0..kept).rev() {
        if nth(n).exists() {
            fs::rename(nth(n), nth(n + 1)).unwrap();
        }
    }
}

#[test]
fn every_line_comes_once_and_in_order_through_thousands_of_renames() {
    const ROTATIONS: u64 = 2000;
    const LINES: u64 = 5;
    let (lines, _directory) = follow_while(ROTATIONS * LINES, |path, _| {
        for rotation in 0..ROTATIONS {
            write_lines(&mut append(path), rotation * LINES, LINES);
            let rotated = format!("{}-2026{rotation:08}", path.display());
            fs::rename(path, rotated).unwrap();
        }
    });
    assert_eq!(lines, numbered(ROTATIONS * LINES));
}

#[test]
fn every_line_comes_once_while_a_chain_of_siblings_is_shifted() {
    const ROTATIONS: u64 = 1000;
    const LINES: u64 = 5;
    const KEPT: u64 = 40;
    let (mut lines, _directory) = follow_while(ROTATIONS * LINES, |path, progress| {
        for rotation in 0..ROTATIONS {
            write_lines(&mut append(path), rotation * LINES, LINES);
            shift(path, KEPT);
            // What was rotated out cannot be read: the reader must not be so far behind.
            progress.wait_for(((rotation + 1).saturating_sub(KEPT / 2)) * LINES);
        }
    });
    lines.sort_by_key(|line| line[5..].parse::<u64>().unwrap());
    assert_eq!(lines, numbered(ROTATIONS * LINES));
}

#[test]
fn every_line_comes_once_through_copies_and_truncations_of_a_writer_that_pauses() {
    const ROTATIONS: u64 = 1000;
    const LINES: u64 = 20;
    let (lines, _directory) = follow_while(ROTATIONS * LINES, |path, progress| {
        let mut file = append(path);
        for rotation in 0..ROTATIONS {
            write_lines(&mut file, rotation * LINES, LINES);
            progress.wait_for((rotation + 1) * LINES);
            let copy = format!("{}.{}", path.display(), rotation % 3 + 1);
            fs::copy(path, copy).unwrap();
            file.set_len(0).unwrap();
        }
    });
    assert_eq!(lines, numbered(ROTATIONS * LINES));
}

#[test]
fn dropping_the_stream_stops_the_thread() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("app.log");
    append(&path).write_all(&vec![b'x'; 8 << 20]).unwrap();
    let mut follow = follow(vec![name(&path)], Options::default());
    runtime().block_on(follow.next());
    drop(follow);
    let is_running = || {
        let threads = fs::read_dir("/proc/self/task").unwrap();
        threads.flatten().any(|thread| {
            fs::read_to_string(thread.path().join("comm")).is_ok_and(|name| name == "birl-follow\n")
        })
    };
    while is_running() {
        std::thread::yield_now();
    }
}

#[test]
fn without_events_the_poll_finds_what_is_new() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("app.log");
    let options = Options {
        events: false,
        poll_interval: Duration::from_millis(5),
        ..Options::default()
    };
    let mut follow = follow(vec![name(&path)], options);
    runtime().block_on(async {
        catch_up(&mut follow).await;
        write_lines(&mut append(&path), 0, 1);
        let lines = read_lines(&mut follow, 1, &Progress::default()).await;
        assert_eq!(lines, numbered(1));
    });
}

/// Takes events up to the next barrier, which is asked for now.
async fn stop_at_barrier(follow: &mut Follow, lines: &mut Lines) -> Arc<Positions> {
    follow.barriers().put(7);
    loop {
        match follow.next().await.unwrap() {
            Event::Barrier(barrier) => {
                assert_eq!(barrier.number, 7);
                return barrier.positions;
            }
            event => lines.take(event),
        }
    }
}

#[test]
fn each_line_comes_once_however_often_following_stops_at_a_barrier() {
    const CHUNKS: u64 = 100;
    const LINES: u64 = 200;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("app.log");
    let progress = Arc::new(Progress::default());
    let (written, seen) = (path.clone(), Arc::clone(&progress));
    let mut lines = Lines::default();
    let runtime = runtime();
    let options = Options {
        block_bytes: 4096,
        ..Options::default()
    };
    let mut following = follow(vec![name(&path)], options.clone());
    runtime.block_on(catch_up(&mut following));
    let writer = std::thread::spawn(move || {
        for chunk in 0..CHUNKS {
            // It is a few stops ahead of the reader.
            seen.wait_for(chunk.saturating_sub(2) * LINES);
            if chunk % 7 == 6 {
                shift(&written, 20);
            }
            write_lines(&mut append(&written), chunk * LINES, LINES);
        }
    });
    runtime.block_on(async {
        for stop in 0.. {
            // The barrier comes behind a few events, wherever that is.
            for _ in 0..stop % 5 {
                let event = tokio::time::timeout(Duration::from_millis(20), following.next());
                if let Ok(event) = event.await {
                    lines.take(event.unwrap());
                }
            }
            let positions = stop_at_barrier(&mut following, &mut lines).await;
            progress.set(lines.whole.len() as u64);
            if lines.whole.len() as u64 >= CHUNKS * LINES || stop == 10_000 {
                break;
            }
            let options = Options {
                resume: Some(positions),
                ..options.clone()
            };
            following = follow(vec![name(&path)], options);
        }
    });
    progress.set(u64::MAX);
    writer.join().unwrap();
    assert_eq!(lines.whole, numbered(CHUNKS * LINES));
}
