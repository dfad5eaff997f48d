//! The paths that a glob matches.

use std::io;
use std::path::{Path, PathBuf};

use super::directory::{Directory, Entry};
use crate::error::Error;
use crate::name::{AdvanceOptions, Glob, Match, Progress};
use crate::origin::Origin;

/// The paths that match, in the order of a walk; an error in the place of each directory that could
/// not be listed, and one at the end if nothing matched at all.
///
/// What lies below a directory that matches is not matched again: it comes with the directory.
pub(super) struct Matches {
    glob: Glob,
    hidden: bool,
    state: State,
    levels: Vec<(Directory, Progress)>,
}

enum State {
    Start,
    NothingYet,
    /// A path matched, or an error was given.
    Something,
}

impl Matches {
    pub(super) fn new(glob: Glob, hidden: bool) -> Self {
        Self {
            glob,
            hidden,
            state: State::Start,
            levels: Vec::new(),
        }
    }

    fn start(&mut self) -> Option<Error> {
        self.state = State::NothingYet;
        let (base, start) = (self.glob.base().to_owned(), self.glob.start());
        self.enter(base, start)
    }

    fn enter(&mut self, shown: PathBuf, progress: Progress) -> Option<Error> {
        let path = if shown.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &shown
        };
        match Directory::open(shown.clone(), path) {
            Ok(directory) => self.levels.push((directory, progress)),
            // Nothing can match below what is not there, or is a file.
            Err(error) if is_absent(&error) => {}
            Err(error) => return Some(Error::io("list", Origin::file(path), error)),
        }
        None
    }

    /// Takes the next entry of the innermost directory, or goes up.
    fn descend(&mut self) -> Option<Result<PathBuf, Error>> {
        let (directory, progress) = self.levels.last_mut()?;
        let entry = match directory.next() {
            None => {
                self.levels.pop();
                return None;
            }
            Some(Err(error)) => {
                let origin = Origin::file(directory.path());
                return Some(Err(Error::io("list", origin, error)));
            }
            Some(Ok(entry)) => entry,
        };
        let options = AdvanceOptions {
            hidden: self.hidden,
            is_directory: matches!(entry, Entry::Directory(_)),
        };
        let path = directory.join(entry.name());
        match self.glob.advance(progress, entry.name(), options) {
            Match::No => None,
            Match::Whole => Some(Ok(path)),
            Match::Below(_) if matches!(entry, Entry::Regular(_) | Entry::Special(_)) => None,
            Match::Below(progress) => self.enter(path, progress).map(Err),
        }
    }
}

impl Iterator for Matches {
    type Item = Result<PathBuf, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.state, State::Start)
            && let Some(error) = self.start()
        {
            self.state = State::Something;
            return Some(Err(error));
        }
        while !self.levels.is_empty() {
            if let Some(found) = self.descend() {
                self.state = State::Something;
                return Some(found);
            }
        }
        let is_first_end = matches!(self.state, State::NothingYet);
        self.state = State::Something;
        is_first_end.then(|| Err(Error::no_match(self.glob.typed())))
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
