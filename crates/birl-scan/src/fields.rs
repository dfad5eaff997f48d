//! Fields: what the records of sources have, as samples tell, before all of them are read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use birl_record::columns::Fields;
use birl_record::extent::Extents;
use birl_record::format::State;
use birl_source::content::{self, Content, DETECT_BYTES};
use birl_source::decode;
use birl_source::name::Name;
use birl_source::peek;
use birl_source::walk::{Found, FoundFile, Kind, Walk, WalkOptions};
use bytes::Bytes;

use crate::detection::{self, PART_BYTES};
use crate::listing;
use crate::read_at::ReadAt;
use crate::scan::Options;

/// Of more files, only so many are looked at, spread over all.
const FILES_MAX: usize = 1000;

/// So many records of all sources are looked at, or a few of each.
const RECORDS_MAX: usize = 3_000;
const PART_RECORDS_MIN: usize = 3;
const PART_RECORDS_MAX: usize = 200;

/// The fields that records have at the beginning, in the middle and at the end of the files that
/// `names` stand for, with their types.
///
/// Of what is compressed, and of formats whose lines depend on those before them, only the beginning
/// is looked at. Of pipes nothing is known, but see [`fields_with_stdin`]. What cannot be read is passed over: the scan reports it.
/// It reads files, so it blocks.
pub fn fields(names: Vec<Name>, walk: WalkOptions, options: &Options) -> Fields {
    let files = Walk::new(names, walk).filter_map(|found| match found {
        Found::File(file) if file.kind == Kind::Regular => Some(file),
        _ => None,
    });
    let files: Vec<_> = files.collect();
    let step = files.len().div_ceil(FILES_MAX).max(1);
    let files: Vec<_> = files.iter().step_by(step).collect();
    let of_part = RECORDS_MAX / (3 * files.len().max(1));
    let of_part = of_part.clamp(PART_RECORDS_MIN, PART_RECORDS_MAX);
    let mut fields = Fields::default();
    for file in files {
        // What was read before an error counts.
        let _ = observe(file, of_part, options, &mut fields);
    }
    fields
}

/// The same, where standard input is among the names and a pipe: then what has come of it is looked at.
///
/// It blocks until something has.
pub fn fields_with_stdin(names: Vec<Name>, walk: WalkOptions, options: &Options) -> Fields {
    let has_stdin = names.iter().any(|name| matches!(name, Name::Stdin));
    let mut fields = fields(names, walk, options);
    if !has_stdin {
        return fields;
    }
    let (head, is_all) = match peek::stdin() {
        Ok(Some(seen)) => seen,
        Ok(None) => return fields,
        // What is in it is not known.
        Err(_) => return fields.going_on(),
    };
    let now = detection::now(options);
    if let Ok(parts) = parts_of_pipe(head, options) {
        take(&parts, RECORDS_MAX, now, options, &mut fields);
    }
    match is_all {
        true => fields,
        false => fields.going_on(),
    }
}

/// The lines that a pipe begins with.
fn parts_of_pipe(head: Vec<u8>, options: &Options) -> io::Result<Vec<Bytes>> {
    let content = content::detect(&head[..head.len().min(DETECT_BYTES)]);
    let beginning = beginning(head, io::empty(), content, true)?;
    let beginning = beginning.filter(|beginning| !beginning.is_empty());
    let beginning = beginning.map(|beginning| match listing::is_list(&beginning) {
        true => listing::lines(beginning, options),
        false => beginning,
    });
    Ok(beginning.into_iter().collect())
}

/// Takes so many records of each part of a file as samples.
fn observe(
    found: &FoundFile,
    of_part: usize,
    options: &Options,
    fields: &mut Fields,
) -> io::Result<()> {
    let file = found.open().map_err(io::Error::other)?;
    let parts = parts(&file, found.named, options)?;
    let modified = detection::modified(&file, options);
    take(&parts, of_part, modified, options, fields);
    Ok(())
}

/// Takes so many records of each of these parts of a source as samples. It was written to at `modified`,
/// in nanoseconds since 1970.
fn take(parts: &[Bytes], of_part: usize, modified: i64, options: &Options, fields: &mut Fields) {
    let texts: Vec<_> = parts.iter().map(|part| &part[..]).collect();
    let parser = detection::detect(&texts, &options.formats, modified);
    // In the middle it is not known what the lines before have said.
    let known = if parser.is_stateful() { 1 } else { texts.len() };
    for (index, text) in texts.iter().take(known).enumerate() {
        let pieces = parser.pieces(&mut State::default(), text);
        for (range, parser) in pieces {
            let piece = &text[range.clone()];
            let is_start = index == 0 && range.start == 0;
            let records: Vec<_> = Extents::new(&parser, piece, is_start).into_all().collect();
            for place in spread(records.len(), of_part) {
                fields.observe(&parser, &piece[records[place].range.clone()]);
            }
        }
    }
}

/// At most so many of `count` places, the first and the last among them.
fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let chosen = count.min(most.max(2));
    let last = count.saturating_sub(1);
    (0..chosen).map(move |number| number * last / (chosen - 1).max(1))
}

/// Parts of a file's text, which are whole lines; the first is its beginning. None of what is binary.
fn parts(file: &File, named: bool, options: &Options) -> io::Result<Vec<Bytes>> {
    let mut head = vec![0; DETECT_BYTES];
    let read = file.read_at(&mut head, 0)?;
    head.truncate(read);
    let content = content::detect(&head);
    let mut parts: Vec<Bytes> = match content {
        Content::Text { bom } => all(detection::parts_of(file, bom)?),
        Content::Binary if named => all(detection::parts_of(file, 0)?),
        Content::Binary => Vec::new(),
        _ => {
            let rest = ReadAt::new(file.try_clone()?, head.len() as u64);
            beginning(head, rest, content, named)?.into_iter().collect()
        }
    };
    if let Some(beginning) = parts.first_mut()
        && listing::makes_lines(options)
        && listing::is_list(beginning)
    {
        // It is a list of objects from here to the end; in the middle it has no lines.
        *beginning = listing::lines(beginning.clone(), options);
        parts.truncate(1);
    }
    Ok(parts)
}

fn all(parts: Vec<Vec<u8>>) -> Vec<Bytes> {
    parts.into_iter().map(Bytes::from).collect()
}

/// The first lines of what is compressed, or not in UTF-8; nothing of what is binary inside.
fn beginning(
    head: Vec<u8>,
    rest: impl Read + Send + 'static,
    content: Content,
    named: bool,
) -> io::Result<Option<Bytes>> {
    let decoded = decode::text_reader(content, head.into(), rest)?;
    if decoded.content == Content::Binary && !named {
        return Ok(None);
    }
    let mut text = Vec::new();
    let mut reader = decoded.reader.take(PART_BYTES as u64);
    // What could be unpacked before it went wrong counts.
    let _ = reader.read_to_end(&mut text);
    let end = memchr::memrchr(b'\n', &text).map_or(text.len(), |newline| newline + 1);
    text.truncate(end);
    Ok(Some(text.into()))
}
