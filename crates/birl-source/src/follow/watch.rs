//! The thread that follows: it looks when an event wakes it, and every second.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::follower::{Follower, Scope};
use super::identity::FileId;
use super::shared::{Dirty, Shared};
use super::targets::Targets;
use super::{Event, Notice, Options};
use crate::error::{lower_first, refusal};
use crate::name::Name;

/// Between two looks that events ask for, at least this much time passes, and four times as much
/// as the first of them took: a busy directory must not keep a core busy.
const LOOK_GAP_MIN: Duration = Duration::from_millis(1);

/// Follows until the stream is dropped.
pub(super) fn run(names: Vec<Name>, options: Options, shared: &Arc<Shared>) {
    let _ended = EndOnDrop(shared);
    let poll_interval = options.poll_interval;
    let mut watches = options.events.then(|| Watches::new(shared));
    let targets = Targets::new(names, options.hidden);
    let mut follower = Follower::start(targets, options, Instant::now());
    let mut next_poll = Instant::now();
    let mut next_look = next_poll;
    let mut unsent: Option<Event> = None;
    while !shared.is_stopped() {
        let now = Instant::now();
        if let Some(scope) = what_to_look_at(shared, now, next_look, next_poll) {
            follower.look(&scope, now);
            if matches!(scope, Scope::All) {
                next_poll = now + poll_interval;
                let added = watches
                    .as_mut()
                    .is_some_and(|watches| watches.follow(&mut follower));
                // What was written before the watch was set gave no event.
                if added {
                    next_poll = now;
                }
            }
            let end = Instant::now();
            next_look = end + LOOK_GAP_MIN.max((end - now) * 4);
        }
        while let Some(number) = shared.take_barrier() {
            follower.put_barrier(number);
        }
        match unsent.take().or_else(|| follower.next()) {
            None => shared.wait(next_look, next_poll, false),
            Some(event) => {
                if let Err(event) = shared.offer(event) {
                    unsent = Some(event);
                    shared.wait(next_look, next_poll, true);
                }
            }
        }
    }
}

fn what_to_look_at(
    shared: &Shared,
    now: Instant,
    next_look: Instant,
    next_poll: Instant,
) -> Option<Scope> {
    if now >= next_poll {
        return Some(Scope::All);
    }
    if now < next_look {
        return None;
    }
    match shared.take_dirty() {
        Dirty::Nothing => None,
        Dirty::Paths(paths) => Some(Scope::Paths(paths)),
        Dirty::Everything => Some(Scope::All),
    }
}

struct EndOnDrop<'a>(&'a Shared);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The watches on the directories of followed files.
struct Watches {
    watcher: Option<RecommendedWatcher>,
    /// The directory that is watched under each path, since another may come in its place.
    watched: HashMap<PathBuf, FileId>,
    failure: Option<String>,
    has_told: bool,
}

impl Watches {
    fn new(shared: &Arc<Shared>) -> Self {
        let shared = Arc::clone(shared);
        let watcher = notify::recommended_watcher(move |event| on_event(&shared, event));
        let (watcher, failure) = match watcher {
            Ok(watcher) => (Some(watcher), None),
            Err(error) => (None, Some(reason(&error))),
        };
        Self {
            watcher,
            watched: HashMap::new(),
            failure,
            has_told: false,
        }
    }

    /// Watches the directories that the follower looks at; `true` where there are new ones.
    fn follow(&mut self, follower: &mut Follower) -> bool {
        let mut added = false;
        let directories: Vec<PathBuf> = follower.directories().map(Path::to_owned).collect();
        for path in directories {
            added |= self.watch(path);
        }
        if let Some(reason) = self.failure.take()
            && !std::mem::replace(&mut self.has_told, true)
        {
            follower.notice(Notice::PollingOnly { reason });
        }
        added
    }

    fn watch(&mut self, path: PathBuf) -> bool {
        let Some(watcher) = &mut self.watcher else {
            return false;
        };
        let Ok(metadata) = fs::metadata(&path) else {
            self.watched.remove(&path);
            return false;
        };
        let id = FileId::of(&metadata);
        match self.watched.get(&path) {
            Some(watched) if *watched == id => return false,
            // The watch of a directory that is gone is gone too, or about to be.
            Some(_) => drop(watcher.unwatch(&path)),
            None => {}
        }
        match watcher.watch(&path, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(path, id);
                true
            }
            Err(error) => {
                if !is_absence(&error) {
                    self.failure = Some(reason(&error));
                }
                // Not tried again until it is another directory: the limits stay what they are.
                self.watched.insert(path, id);
                false
            }
        }
    }
}

fn is_absence(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(error) => super::directory::is_absence(error),
        _ => false,
    }
}

/// What the system said, without the list of paths that `notify` adds.
fn reason(error: &notify::Error) -> String {
    match &error.kind {
        notify::ErrorKind::Io(error) => refusal(error),
        notify::ErrorKind::MaxFilesWatch => "the system allows no more watches".to_owned(),
        _ => lower_first(&error.to_string()),
    }
}

fn on_event(shared: &Shared, event: notify::Result<notify::Event>) {
    match event {
        Ok(event) if event.need_rescan() => shared.touch_everything(),
        // Our own reading is an access.
        Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
        Ok(event) => {
            let names_changed = !matches!(
                event.kind,
                EventKind::Modify(
                    notify::event::ModifyKind::Data(_) | notify::event::ModifyKind::Metadata(_)
                )
            );
            shared.touch(event.paths, names_changed);
        }
        Err(_) => shared.touch_everything(),
    }
}
