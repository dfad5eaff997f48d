//! What was asked to be followed: which paths that is, now and later.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Origin;

/// Paths that were named, and directories in which everything is followed.
pub(super) struct Targets {
    named: Vec<(PathBuf, Origin)>,
    /// Absolute paths, with the directory as it was typed.
    roots: BTreeMap<PathBuf, PathBuf>,
}

impl Targets {
    pub(super) fn new(names: Vec<PathBuf>) -> Self {
        let named = names
            .into_iter()
            .map(|name| {
                let path = std::path::absolute(&name).unwrap_or_else(|_| name.clone());
                (path, Origin::file(name))
            })
            .collect();
        Self {
            named,
            roots: BTreeMap::new(),
        }
    }

    pub(super) fn named(&self) -> Vec<(PathBuf, Origin)> {
        self.named.clone()
    }

    /// A name turned out to be a directory.
    pub(super) fn add_root(&mut self, path: &Path) {
        let typed = self.named.iter().find(|(named, _)| named == path);
        if let Some((_, origin)) = typed
            && let Some(typed) = origin.path()
        {
            self.roots.insert(path.to_owned(), typed.to_owned());
        }
    }

    pub(super) fn roots(&self) -> Vec<PathBuf> {
        self.roots.keys().cloned().collect()
    }

    /// The origin of a path that is followed because of where it lies.
    pub(super) fn matches(&self, path: &Path) -> Option<Origin> {
        self.roots.iter().find_map(|(root, typed)| {
            let inside = path.strip_prefix(root).ok()?;
            (!is_hidden(inside)).then(|| Origin::file(typed.join(inside)))
        })
    }

    /// Whether files may be followed in a directory.
    pub(super) fn descends(&self, directory: &Path) -> bool {
        self.roots.keys().any(|root| {
            directory
                .strip_prefix(root)
                .is_ok_and(|inside| !is_hidden(inside))
        })
    }
}

fn is_hidden(inside: &Path) -> bool {
    inside
        .components()
        .any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."))
}
