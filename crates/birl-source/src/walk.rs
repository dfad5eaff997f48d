//! Names → the files that they stand for, one at a time.

mod directory;
mod matches;

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::vec;

use crate::error::Error;
use crate::inode::Inode;
use crate::name::{Glob, Name, is_hidden};
use crate::origin::Origin;
use directory::{Directory, Entry};
use matches::Matches;

/// What a [`Walk`] takes and leaves out.
#[derive(Clone, Copy, Debug, Default)]
pub struct WalkOptions {
    /// Files and directories whose name begins with a dot are found by recursion too, and `*`
    /// matches them.
    pub hidden: bool,
    /// The file that the output is written to, if it is one. It is left out even where it is named:
    /// what is read of it would be written to it, and then be there to be read.
    pub output: Option<Inode>,
}

/// One step of a [`Walk`].
#[derive(Debug)]
pub enum Found {
    /// A file to be read.
    File(FoundFile),
    /// A name, a file or a directory that could not be looked at; the walk goes on behind it.
    Problem(Error),
    /// What was left out on purpose.
    Skipped(Skipped),
}

/// A file that a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is, as the person would type it; `<stdin>` is no path.
    pub origin: Origin,
    /// It was typed, or a glob matched it; else it was found by recursion.
    pub named: bool,
    /// Its length in bytes at the time of the walk. Without meaning where it is not regular; the
    /// files of `/proc` are regular and say 0.
    pub len: u64,
    /// What kind of file it is.
    pub kind: Kind,
}

/// The kinds of files that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Has a length and can be read at any offset.
    Regular,
    /// Comes once and in order: a pipe, a terminal, another device, a socket.
    Stream,
}

/// What was left out. It displays itself as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is.
    pub origin: Origin,
    /// It was typed, or a glob matched it, so that somebody may miss it.
    pub named: bool,
    /// Why it was left out.
    pub reason: SkipReason,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason {
            SkipReason::Hidden => "it is hidden",
            SkipReason::FoundElsewhere => "it is found elsewhere",
            SkipReason::Special => "it is not a regular file",
            SkipReason::Output => "the output goes there",
        };
        write!(f, "skipping {}: {reason}", self.origin.quoted())
    }
}

/// Why something is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// Its name begins with a dot. A directory counts once, with all that it holds.
    Hidden,
    /// A link to what the same walk finds anyway.
    FoundElsewhere,
    /// A pipe, a socket or a device: to open it may block for ever, or set something off.
    Special,
    /// [`WalkOptions::output`].
    Output,
}

impl FoundFile {
    /// Opens it for reading; standard input is duplicated and shares its position.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn open(&self) -> Result<File, Error> {
        match self.origin.path() {
            Some(path) => File::open(path),
            None => open_stdin(),
        }
        .map_err(|error| Error::io("open", self.origin.clone(), error))
    }
}

/// The files that names stand for: in the order of the names, and within a directory in the order
/// of the file names.
///
/// A directory stands for all files in and below it. Links are followed, but one found by recursion
/// whose target the same name finds anyway, or a directory that another name walks, is skipped:
/// nothing is found twice unless it is named twice. It blocks on the file system. It holds the
/// sorted entries of one directory per level and the targets of the links that it followed, and no
/// more.
pub struct Walk {
    options: WalkOptions,
    names: vec::IntoIter<Name>,
    roots: Roots,
    matches: Option<Matches>,
    /// From the root of the current tree down to the directory that is being listed.
    directories: Vec<Directory>,
}

impl Walk {
    /// Nothing is looked at before the first call of `next`.
    pub fn new(names: Vec<Name>, options: WalkOptions) -> Self {
        Self {
            options,
            roots: Roots::new(&names),
            names: names.into_iter(),
            matches: None,
            directories: Vec::new(),
        }
    }

    /// Begins the next name; `None` after the last.
    fn begin_name(&mut self) -> Option<Option<Found>> {
        Some(match self.names.next()? {
            Name::Stdin => Some(self.found_stdin()),
            Name::Here => self.enter(PathBuf::new(), Path::new(".")),
            Name::Live(source) => Some(Found::Problem(Error::not_live(source.origin()))),
            Name::Path(path) => self.begin_path(path),
            Name::Glob(glob) => {
                self.begin_glob(glob);
                None
            }
        })
    }

    fn begin_glob(&mut self, glob: Glob) {
        self.matches = Some(Matches::new(glob, self.options.hidden));
    }

    /// A path that was typed.
    fn begin_path(&mut self, path: PathBuf) -> Option<Found> {
        match fs::metadata(&path) {
            Err(error) => Some(problem("open", &path, error)),
            Ok(metadata) if metadata.is_dir() => self.begin_tree(path),
            Ok(metadata) => Some(self.found_file(path, Named::Yes, &metadata)),
        }
    }

    /// A path that a glob matches: like one that was typed, but nobody asked to open this very pipe
    /// or device.
    fn begin_match(&mut self, path: PathBuf) -> Option<Found> {
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                self.roots.add(&path);
                self.begin_tree(path)
            }
            Ok(metadata) if !metadata.is_file() => Some(skipped(path, SkipReason::Special)),
            _ => self.begin_path(path),
        }
    }

    fn begin_tree(&mut self, path: PathBuf) -> Option<Found> {
        self.roots.forget_links();
        let shown = path.clone();
        self.enter(shown, &path)
    }

    /// Goes down into the directory at `path`, whose entries are shown below `shown`.
    fn enter(&mut self, shown: PathBuf, path: &Path) -> Option<Found> {
        let directory = match Directory::open(shown, path) {
            Ok(directory) => directory,
            Err(error) => return Some(problem("list", path, error)),
        };
        if let Some(above) = self
            .directories
            .iter()
            .find(|above| above.inode() == directory.inode())
        {
            return Some(Found::Problem(Error::directory_loop(path, above.path())));
        }
        self.directories.push(directory);
        None
    }

    /// Takes the next entry of the innermost directory, or goes up.
    fn descend(&mut self) -> Option<Found> {
        let directory = self.directories.last_mut()?;
        let entry = match directory.next() {
            None => {
                self.directories.pop();
                return None;
            }
            Some(Err(error)) => return Some(problem("list", directory.path(), error)),
            Some(Ok(entry)) => entry,
        };
        let path = directory.join(entry.name());
        if !self.options.hidden && is_hidden(entry.name()) {
            return Some(skipped(path, SkipReason::Hidden));
        }
        self.take(entry, path)
    }

    fn take(&mut self, entry: Entry, path: PathBuf) -> Option<Found> {
        match entry {
            Entry::Directory(_) => self.enter(path.clone(), &path),
            Entry::Link(_) => self.follow(path),
            Entry::Special(_) => Some(skipped(path, SkipReason::Special)),
            Entry::Regular(_) => match fs::metadata(&path) {
                // It was deleted between the listing and now, as if just before the listing.
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => Some(problem("open", &path, error)),
                Ok(metadata) => Some(self.found_file(path, Named::No, &metadata)),
            },
        }
    }

    /// A link found by recursion.
    fn follow(&mut self, path: PathBuf) -> Option<Found> {
        let target = match path.canonicalize().and_then(|t| Ok((fs::metadata(&t)?, t))) {
            Ok(target) => target,
            Err(error) => return Some(problem("follow", &path, error)),
        };
        let (metadata, target) = target;
        if metadata.is_dir() && self.is_above(&metadata) {
            // A loop, which `enter` reports.
            return self.enter(path.clone(), &path);
        }
        if self.roots.lead_to(&target, self.options.hidden) {
            return Some(skipped(path, SkipReason::FoundElsewhere));
        }
        self.roots.add_link(target);
        if metadata.is_dir() {
            self.enter(path.clone(), &path)
        } else if metadata.is_file() {
            Some(self.found_file(path, Named::No, &metadata))
        } else {
            Some(skipped(path, SkipReason::Special))
        }
    }

    fn found_file(&self, path: PathBuf, named: Named, metadata: &Metadata) -> Found {
        self.found(Origin::file(path), named, metadata)
    }

    fn found_stdin(&self) -> Found {
        match open_stdin().and_then(|stdin| stdin.metadata()) {
            Ok(metadata) => self.found(Origin::stdin(), Named::Yes, &metadata),
            Err(error) => Found::Problem(Error::io("open", Origin::stdin(), error)),
        }
    }

    fn found(&self, origin: Origin, named: Named, metadata: &Metadata) -> Found {
        let named = matches!(named, Named::Yes);
        let kind = kind(metadata);
        // What is read of a terminal does not come from what is written to it.
        if kind == Kind::Regular && self.options.output == Some(Inode::of(metadata)) {
            return Found::Skipped(Skipped {
                origin,
                named,
                reason: SkipReason::Output,
            });
        }
        Found::File(FoundFile {
            origin,
            named,
            len: metadata.len(),
            kind,
        })
    }

    fn is_above(&self, metadata: &Metadata) -> bool {
        let inode = Inode::of(metadata);
        self.directories
            .iter()
            .any(|directory| directory.inode() == inode)
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let found = if !self.directories.is_empty() {
                self.descend()
            } else if let Some(matches) = &mut self.matches {
                match matches.next() {
                    Some(Ok(path)) => self.begin_match(path),
                    Some(Err(error)) => Some(Found::Problem(error)),
                    None => {
                        self.matches = None;
                        None
                    }
                }
            } else {
                self.begin_name()?
            };
            if found.is_some() {
                return found;
            }
        }
    }
}

/// Where the walk finds files on its own, so that a link there need not be followed. All paths are
/// canonical.
struct Roots {
    /// Names that may be directories; they are looked at when the first link is met, since most
    /// trees have none.
    unresolved: Vec<PathBuf>,
    directories: HashSet<PathBuf>,
    /// The targets of the links that the current tree has followed.
    links: HashSet<PathBuf>,
}

impl Roots {
    fn new(names: &[Name]) -> Self {
        let paths = names.iter().filter_map(|name| match name {
            Name::Here => Some(PathBuf::from(".")),
            Name::Path(path) => Some(path.clone()),
            Name::Stdin | Name::Glob(_) | Name::Live(_) => None,
        });
        Self {
            unresolved: paths.collect(),
            directories: HashSet::new(),
            links: HashSet::new(),
        }
    }

    fn add(&mut self, path: &Path) {
        self.unresolved.push(path.to_owned());
    }

    fn add_link(&mut self, target: PathBuf) {
        self.links.insert(target);
    }

    fn forget_links(&mut self) {
        self.links.clear();
    }

    /// Whether `target` is in one of these directories, on a way that recursion takes.
    fn lead_to(&mut self, target: &Path, hidden: bool) -> bool {
        self.resolve();
        for above in target.ancestors() {
            if self.directories.contains(above) || self.links.contains(above) {
                return true;
            }
            if !hidden && above.file_name().is_some_and(is_hidden) {
                return false;
            }
        }
        false
    }

    fn resolve(&mut self) {
        let resolved = self.unresolved.drain(..).filter(|path| path.is_dir());
        self.directories
            .extend(resolved.filter_map(|path| path.canonicalize().ok()));
    }
}

#[derive(Clone, Copy)]
enum Named {
    Yes,
    No,
}

fn kind(metadata: &Metadata) -> Kind {
    if metadata.is_file() {
        Kind::Regular
    } else {
        Kind::Stream
    }
}

fn problem(act: &'static str, path: &Path, error: io::Error) -> Found {
    Found::Problem(Error::io(act, Origin::file(path), error))
}

fn skipped(path: PathBuf, reason: SkipReason) -> Found {
    Found::Skipped(Skipped {
        origin: Origin::file(path),
        named: false,
        reason,
    })
}

#[cfg(unix)]
fn open_stdin() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(all(test, unix))]
mod tests;
