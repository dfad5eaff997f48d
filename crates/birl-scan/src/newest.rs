//! The newest record, from which `last:2h` counts back.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;

use birl_record::chronology::RecordTimes;
use birl_source::content::{self, Content, DETECT_BYTES};
use birl_source::decode;
use birl_source::name::Name;
use birl_source::walk::{Found, FoundFile, Kind, Walk, WalkOptions};
use bytes::Bytes;

use crate::detection;
use crate::read_at::ReadAt;
use crate::scan::Options;
use crate::timeline;

/// So much of a file's end is looked at first, and so much at most, for a record with a time.
const TAIL_BYTES: u64 = 64 * 1024;
const TAIL_BYTES_MAX: u64 = 16 << 20;

/// When the newest record was of all that `names` stand for, in nanoseconds since 1970 (UTC): the
/// newest of the last records of each file. Now, where one of them is a pipe, or otherwise live.
/// `None` where no file has a time at its end.
///
/// Of a compressed file the end is known only when all of it is unpacked; that is left out where the
/// file was last written to before the newest record of the others. What cannot be read is passed
/// over: the scan reports it.
///
/// It reads files, so it blocks.
pub fn newest(names: Vec<Name>, walk: WalkOptions, options: &Options) -> Option<i64> {
    let mut newest = None;
    let mut compressed = Vec::new();
    for found in Walk::new(names, walk) {
        let Found::File(found) = found else {
            continue;
        };
        if found.kind == Kind::Stream {
            return Some(detection::now(options));
        }
        match end_of(&found, options) {
            Ok(End::Time(time)) => newest = newest.max(time),
            Ok(End::Compressed { modified }) => compressed.push((modified, found)),
            Err(_) => {}
        }
    }
    compressed.sort_by_key(|(modified, _)| std::cmp::Reverse(*modified));
    for (modified, found) in compressed {
        if newest.is_some_and(|newest| newest >= modified) {
            break;
        }
        newest = newest.max(end_of_compressed(&found, options).unwrap_or(None));
    }
    newest
}

/// What is known of the end of a file.
enum End {
    Time(Option<i64>),
    /// It has to be unpacked first.
    Compressed {
        modified: i64,
    },
}

fn end_of(found: &FoundFile, options: &Options) -> io::Result<End> {
    let mut file = open(found)?;
    let from = file.stream_position()?;
    let len = file.metadata()?.len();
    let mut head = vec![0; DETECT_BYTES];
    let read = file.read_at(&mut head, from)?;
    match content::detect(&head[..read]) {
        Content::Text { bom } => {
            let time = last_time(&file, from + bom as u64..len, options)?;
            Ok(End::Time(time))
        }
        Content::Binary if found.named => Ok(End::Time(last_time(&file, from..len, options)?)),
        Content::Binary => Ok(End::Time(None)),
        _ => Ok(End::Compressed {
            modified: detection::modified(&file, options),
        }),
    }
}

fn open(found: &FoundFile) -> io::Result<File> {
    found.open().map_err(io::Error::other)
}

/// The newest time at the end of a part of a file.
fn last_time(
    file: &File,
    part: std::ops::Range<u64>,
    options: &Options,
) -> io::Result<Option<i64>> {
    let modified = detection::modified(file, options);
    let mut bytes = TAIL_BYTES;
    loop {
        let at = part.end.saturating_sub(bytes).max(part.start);
        let mut tail = vec![0; (part.end.saturating_sub(at)) as usize];
        let read = ReadAt::new(file, at).read_full(&mut tail)?;
        let is_start = at == part.start;
        let lines = match is_start {
            true => &tail[..read],
            false => detection::from_line(&tail[..read]),
        };
        let sample = match is_start {
            true => vec![tail[..read].to_vec()],
            false => detection::parts_of(file, part.start as usize)?,
        };
        let time = newest_of(&sample, lines, is_start, modified, options);
        if time.is_some() || is_start || bytes >= TAIL_BYTES_MAX {
            return Ok(time);
        }
        bytes *= 4;
    }
}

fn end_of_compressed(found: &FoundFile, options: &Options) -> io::Result<Option<i64>> {
    let mut file = open(found)?;
    let modified = detection::modified(&file, options);
    let mut head = vec![0; DETECT_BYTES];
    let read = file.read(&mut head)?;
    head.truncate(read);
    let content = content::detect(&head);
    let mut decoded = decode::text_reader(content, Bytes::from(head), file)?;
    if decoded.content == Content::Binary && !found.named {
        return Ok(None);
    }
    // The last two blocks, the last of which may be short.
    let (mut before, mut last) = (Vec::new(), Vec::new());
    let mut sample = Vec::new();
    let mut is_start = true;
    loop {
        let mut block = Vec::new();
        // What was damaged is reported by the scan; what came before it counts.
        let read = (&mut decoded.reader)
            .take(TAIL_BYTES_MAX / 4)
            .read_to_end(&mut block);
        if sample.is_empty() {
            sample.push(block.clone());
        }
        if !matches!(read, Ok(1..)) {
            break;
        }
        is_start = before.is_empty();
        before = std::mem::replace(&mut last, block);
    }
    let tail = [before, last].concat();
    let lines = match is_start {
        true => &tail[..],
        false => detection::from_line(&tail),
    };
    Ok(newest_of(&sample, lines, is_start, modified, options))
}

/// The newest time of some lines, of a source of which `sample` tells the formats.
fn newest_of(
    sample: &[Vec<u8>],
    lines: &[u8],
    is_start: bool,
    modified: i64,
    options: &Options,
) -> Option<i64> {
    let sample: Vec<_> = sample
        .iter()
        .flat_map(|part| detection::parts(part))
        .collect();
    let parser = detection::detect(&sample, &options.formats, modified);
    let times = timeline::times_of_whole(&parser, lines, is_start, modified, options);
    let times = RecordTimes::new(times, &parser, lines, is_start).all();
    times.into_iter().filter_map(|(_, time)| time).max()
}
