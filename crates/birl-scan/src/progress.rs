//! Progress: what a scan has done so far, for everyone to see.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use birl_record::columns::Misfits;

/// A handle on the counters of a scan; clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    bytes_found: AtomicU64,
    all_found: AtomicBool,
    bytes_read: AtomicU64,
    bytes_searched: AtomicU64,
    bytes_out_of_time: AtomicU64,
    sources: AtomicU64,
    skipped_hidden: AtomicU64,
    skipped_binary: AtomicU64,
    skipped_other: AtomicU64,
    lines_matched: AtomicU64,
    lines_overlong: AtomicU64,
    records_untimed: AtomicU64,
    problems: AtomicU64,
    misfits: Mutex<Misfits>,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The sizes of the files found so far, as they lie on disk.
    pub bytes_found: u64,
    /// Whether all files have been found, so that `bytes_found` is the whole.
    pub all_found: bool,
    /// How many bytes of the files, as they lie on disk, have been read.
    pub bytes_read: u64,
    /// How many bytes, decoded, have been searched.
    pub bytes_searched: u64,
    /// How many bytes of files were passed over, because all that stands there is out of the range
    /// of time that is searched.
    pub bytes_out_of_time: u64,
    /// How many sources have been opened.
    pub sources: u64,
    /// How many hidden files and directories were found and passed over.
    pub skipped_hidden: u64,
    /// How many binary files were found and passed over.
    pub skipped_binary: u64,
    /// How many pipes, sockets, devices and links to files found elsewhere were passed over, and
    /// whether the output's own file was.
    pub skipped_other: u64,
    /// How many lines have matched.
    pub lines_matched: u64,
    /// How many lines were longer than the limit, and so not searched to their end.
    pub lines_overlong: u64,
    /// How many records were held against a range of time, and had none.
    pub records_untimed: u64,
    /// How many problems have been reported.
    pub problems: u64,
}

macro_rules! counters {
    ($($counter:ident)*) => {
        impl Progress {
            $(pub(crate) fn $counter(&self, more: u64) {
                self.0.$counter.fetch_add(more, Ordering::Relaxed);
            })*

            /// Counts what another has counted.
            pub(crate) fn absorb(&self, other: &Snapshot) {
                $(self.$counter(other.$counter);)*
            }

            /// The counters now, the sum of those of all `scans`.
            pub fn sum(scans: &[Progress]) -> Snapshot {
                let snapshots: Vec<_> = scans.iter().map(Self::snapshot).collect();
                Snapshot {
                    all_found: snapshots.iter().all(|it| it.all_found),
                    $($counter: snapshots.iter().map(|it| it.$counter).sum(),)*
                }
            }

            /// The counters now.
            pub fn snapshot(&self) -> Snapshot {
                Snapshot {
                    all_found: self.0.all_found.load(Ordering::Relaxed),
                    $($counter: self.0.$counter.load(Ordering::Relaxed),)*
                }
            }
        }
    };
}

counters! {
    bytes_found bytes_read bytes_searched bytes_out_of_time sources skipped_hidden skipped_binary skipped_other
    lines_matched lines_overlong records_untimed problems
}

impl Progress {
    pub(crate) fn all_found(&self) {
        self.0.all_found.store(true, Ordering::Relaxed);
    }

    /// Counts values that do not fit their columns.
    pub(crate) fn misfit(&self, more: &Misfits) {
        if !more.is_empty() {
            self.0.misfits().absorb(more);
        }
    }

    /// The values so far that do not fit the types of their [columns](crate::Options::columns).
    pub fn misfits(&self) -> Misfits {
        self.0.misfits().clone()
    }
}

impl Counters {
    fn misfits(&self) -> MutexGuard<'_, Misfits> {
        self.misfits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
