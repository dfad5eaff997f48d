//! Names that rotation gives: which file `app.log.2.gz` was, and which of two is the older one.

use std::cmp::{Ordering, Reverse};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

const COMPRESSED: [&[u8]; 7] = [b".gz", b".zst", b".bz2", b".xz", b".lz4", b".Z", b".lzma"];
const WORDS: [&[u8]; 4] = [b"old", b"prev", b"previous", b"bak"];

/// The names that a file may have had before rotation called it `name`.
///
/// `app.log.1`, `app.log-20260131.gz`, `app.log.old`, `app.1.log` and `app-2026-01-31.log.xz` all
/// come from `app.log`. The list may hold names that nobody ever used: only one that is followed
/// counts.
pub(super) fn origins(name: &OsStr) -> Vec<OsString> {
    let (stem, compressed) = without_compression(name.as_bytes());
    let mut origins = Vec::new();
    if compressed {
        origins.push(OsString::from_vec(stem.to_vec()));
    }
    let extension = extension(stem);
    let body = &stem[..stem.len() - extension.len()];
    for at in separators(stem) {
        if is_rotation_mark(&stem[at + 1..]) {
            origins.push(OsString::from_vec(stem[..at].to_vec()));
        }
        if at < body.len() && is_rotation_mark(&body[at + 1..]) {
            origins.push(OsString::from_vec([&stem[..at], extension].concat()));
        }
    }
    origins.sort();
    origins.dedup();
    origins
}

/// The order in which two rotated siblings were written, as their names tell it: numbers count
/// back (`app.log.2` before `app.log.1`), dates count up.
pub(super) fn written_order(left: &OsStr, right: &OsStr) -> Ordering {
    let count = |name: &OsStr| rotation_count(name.as_bytes());
    match (count(left), count(right)) {
        (Some(left), Some(right)) => Reverse(left).cmp(&Reverse(right)),
        _ => left.cmp(right),
    }
}

/// Whether the name is one that compression gives.
pub(super) fn is_compressed(name: &OsStr) -> bool {
    without_compression(name.as_bytes()).1
}

fn without_compression(name: &[u8]) -> (&[u8], bool) {
    let stem = COMPRESSED
        .iter()
        .find_map(|extension| name.strip_suffix(*extension))
        .filter(|stem| !stem.is_empty());
    (stem.unwrap_or(name), stem.is_some())
}

/// The last extension with its dot, where it names a kind of file and no rotation.
fn extension(name: &[u8]) -> &[u8] {
    match name.iter().rposition(|&byte| byte == b'.') {
        Some(at) if at > 0 && !is_rotation_mark(&name[at + 1..]) => &name[at..],
        _ => b"",
    }
}

fn separators(name: &[u8]) -> impl Iterator<Item = usize> {
    name.iter()
        .enumerate()
        .filter(|&(at, byte)| at > 0 && matches!(byte, b'.' | b'-' | b'_'))
        .map(|(at, _)| at)
}

/// A number, a date, a time stamp, or a word for what was before.
fn is_rotation_mark(mark: &[u8]) -> bool {
    let is_date_like = mark.first().is_some_and(u8::is_ascii_digit)
        && mark
            .iter()
            .all(|byte| byte.is_ascii_digit() || b"-_.:TZ+".contains(byte));
    is_date_like || WORDS.contains(&mark)
}

/// The short number that ends a name such as `app.log.12` or `app.12.log`; dates have more digits.
fn rotation_count(name: &[u8]) -> Option<u32> {
    let (stem, _) = without_compression(name);
    let body = &stem[..stem.len() - extension(stem).len()];
    let digits = body.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    let number = std::str::from_utf8(&body[body.len() - digits..]).ok()?;
    (1..=5).contains(&digits).then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_names_lead_back_to_the_followed_one() {
        for name in [
            "app.log.1",
            "app.log.12.gz",
            "app.log.gz",
            "app.log-20260131",
            "app.log.2026-01-31.1.zst",
            "app.log.old",
            "app.1.log",
            "app-2026-01-31.log",
            "app-2026-01-31-1.log.gz",
            "app-2026-01-31T10:20:30.123.log",
        ] {
            assert!(
                origins(OsStr::new(name)).contains(&OsString::from("app.log")),
                "{name}"
            );
        }
    }

    #[test]
    fn other_names_lead_nowhere_near() {
        for name in [
            "app.log",
            "app.log.swp",
            "app.log.1x",
            "xapp.log.1",
            "1app.log",
        ] {
            assert!(
                !origins(OsStr::new(name)).contains(&OsString::from("app.log")),
                "{name}"
            );
        }
    }

    #[test]
    fn higher_numbers_and_earlier_dates_were_written_first() {
        let mut names = ["a.log.2.gz", "a.log.10", "a.log.1"].map(OsStr::new);
        names.sort_by(|left, right| written_order(left, right));
        assert_eq!(names, ["a.log.10", "a.log.2.gz", "a.log.1"]);

        let mut dates = ["a.log-20260201", "a.log-20260131"].map(OsStr::new);
        dates.sort_by(|left, right| written_order(left, right));
        assert_eq!(dates, ["a.log-20260131", "a.log-20260201"]);
    }
}
