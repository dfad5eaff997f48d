//! What was asked to be followed: which paths that is, now and later.

use std::path::{Component, Path, PathBuf};

use crate::Origin;
use crate::name::{AdvanceOptions, Glob, Match, Name, Progress, is_hidden};

/// The paths that names stand for, whether they exist or not.
pub(super) struct Targets {
    named: Vec<Target>,
    trees: Vec<Tree>,
    globs: Vec<Pattern>,
    hidden: bool,
}

/// A path that is to be followed.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Absolute.
    pub(super) path: PathBuf,
    pub(super) origin: Origin,
    /// It was typed, or a glob matches it, so it is followed even if it is not text.
    pub(super) named: bool,
    /// It was typed, so it is waited for where it is not there.
    pub(super) typed: bool,
    /// The place of its name among the names: files are first read in this order.
    pub(super) rank: usize,
}

impl Target {
    /// The directory that it lies in as it is shown: empty for the current one.
    pub(super) fn shown_parent(&self) -> Option<PathBuf> {
        self.origin.path()?.parent().map(Path::to_owned)
    }
}

/// A directory in which everything is followed.
struct Tree {
    path: PathBuf,
    /// The directory as it is shown.
    shown: PathBuf,
    rank: usize,
}

struct Pattern {
    glob: Glob,
    base: PathBuf,
    rank: usize,
}

impl Targets {
    /// Standard input has no place in the file system and is left out.
    pub(super) fn new(names: Vec<Name>, hidden: bool) -> Self {
        let mut targets = Self {
            named: Vec::new(),
            trees: Vec::new(),
            globs: Vec::new(),
            hidden,
        };
        for (rank, name) in names.into_iter().enumerate() {
            targets.add(name, rank);
        }
        targets
    }

    fn add(&mut self, name: Name, rank: usize) {
        match name {
            Name::Stdin | Name::Live(_) => {}
            Name::Here => self.trees.push(Tree {
                path: absolute(Path::new(".")),
                shown: PathBuf::new(),
                rank,
            }),
            Name::Path(path) => self.named.push(Target {
                path: absolute(&path),
                origin: Origin::file(path),
                named: true,
                typed: true,
                rank,
            }),
            Name::Glob(glob) => {
                let base = glob.base();
                let base = if base.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    base
                };
                self.globs.push(Pattern {
                    base: absolute(base),
                    glob,
                    rank,
                });
            }
        }
    }

    /// The paths that were typed.
    pub(super) fn named(&self) -> Vec<Target> {
        self.named.clone()
    }

    /// The directories to begin with, which need not exist.
    pub(super) fn directories(&self) -> Vec<PathBuf> {
        let trees = self.trees.iter().map(|tree| tree.path.clone());
        let bases = self.globs.iter().map(|pattern| pattern.base.clone());
        trees.chain(bases).collect()
    }

    /// A target, typed or matched, turned out to be a directory. Returns whether that is news.
    pub(super) fn add_tree(&mut self, target: &Target) -> bool {
        if self.trees.iter().any(|tree| tree.path == target.path) {
            return false;
        }
        self.trees.push(Tree {
            path: target.path.clone(),
            shown: target.origin.name().into(),
            rank: target.rank,
        });
        true
    }

    /// A directory in a tree as it is shown.
    pub(super) fn shown_tree(&self, directory: &Path) -> Option<PathBuf> {
        self.trees.iter().find_map(|tree| {
            let inside = directory.strip_prefix(&tree.path).ok()?;
            Some(match inside.as_os_str().is_empty() {
                true => tree.shown.clone(),
                false => tree.shown.join(inside),
            })
        })
    }

    /// The target that a path is because of where it lies; the first name counts.
    pub(super) fn find(&self, path: &Path) -> Option<Target> {
        let in_tree = self.trees.iter().filter_map(|tree| {
            let inside = path.strip_prefix(&tree.path).ok()?;
            let is_there = inside != Path::new("") && self.is_shown(inside);
            is_there.then(|| Target {
                path: path.to_owned(),
                origin: Origin::file(tree.shown.join(inside)),
                named: false,
                typed: false,
                rank: tree.rank,
            })
        });
        let matched = self.globs.iter().filter_map(|pattern| {
            let inside = path.strip_prefix(&pattern.base).ok()?;
            let is_there = matches!(self.advance(pattern, inside, false), Some(Match::Whole));
            is_there.then(|| Target {
                path: path.to_owned(),
                origin: Origin::file(pattern.glob.base().join(inside)),
                named: true,
                typed: false,
                rank: pattern.rank,
            })
        });
        in_tree.chain(matched).min_by_key(|target| target.rank)
    }

    /// The target that a path is which was followed before, if it still is one.
    pub(super) fn find_again(&mut self, path: &Path) -> Option<Target> {
        let named = |targets: &Self, path: &Path| {
            let mut named = targets.named.iter();
            named.find(|target| target.path == path).cloned()
        };
        if let Some(target) = named(self, path) {
            return Some(target);
        }
        // What was followed below a name was in a directory.
        for directory in path.ancestors().skip(1) {
            let target = named(self, directory).or_else(|| self.find(directory));
            if let Some(target) = target.filter(|target| target.named) {
                self.add_tree(&target);
            }
        }
        self.find(path)
    }

    /// Whether files may be followed below a directory, which may be a link to one.
    pub(super) fn descends(&self, directory: &Path, is_link: bool) -> bool {
        let in_tree = self.trees.iter().any(|tree| {
            directory
                .strip_prefix(&tree.path)
                .is_ok_and(|inside| self.is_shown(inside))
        });
        in_tree
            || self.globs.iter().any(|pattern| {
                directory
                    .strip_prefix(&pattern.base)
                    .ok()
                    .and_then(|inside| self.advance(pattern, inside, !is_link))
                    .is_some_and(|found| matches!(found, Match::Below(_)))
            })
    }

    fn is_shown(&self, inside: &Path) -> bool {
        self.hidden || !inside.iter().any(is_hidden)
    }

    /// What a path below a glob's base makes of the glob; `None` for the base itself.
    fn advance(&self, pattern: &Pattern, inside: &Path, is_directory: bool) -> Option<Match> {
        let mut progress: Progress = pattern.glob.start();
        let mut names = inside.components().map(Component::as_os_str).peekable();
        while let Some(name) = names.next() {
            let is_last = names.peek().is_none();
            let options = AdvanceOptions {
                hidden: self.hidden,
                is_directory: !is_last || is_directory,
            };
            match pattern.glob.advance(&progress, name, options) {
                Match::Below(next) if !is_last => progress = next,
                // A match that is a directory is a tree of its own.
                Match::Whole if !is_last => return Some(Match::No),
                found => return Some(found),
            }
        }
        None
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
