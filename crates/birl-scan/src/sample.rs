//! Samples: some of the records that match, before all of them are looked for.

use std::io;
use std::os::unix::fs::FileExt;

use birl_record::chronology::RecordTimes;
use birl_record::format::Parser;
use birl_record::search::{Records, Search};
use birl_source::content::{self, Content, DETECT_BYTES};
use birl_source::name::Name;
use birl_source::walk::{Found, FoundFile, Kind, Walk, WalkOptions};

use crate::detection;
use crate::scan::Options;
use crate::timeline;

/// Of no more files are there samples.
const FILES_MAX: usize = 1000;

/// Calls `each` with records that `search` finds at the beginning, in the middle and at the end of
/// the first thousand files that `names` stand for, and with what reads them. A record may come twice.
///
/// There are none of what is compressed, of pipes, of formats with a state, and of what cannot be
/// read. It reads files, so it blocks.
pub fn sample(
    names: Vec<Name>,
    walk: WalkOptions,
    search: &Search,
    options: &Options,
    mut each: impl FnMut(&Parser, &[u8]),
) {
    let files = Walk::new(names, walk).filter_map(|found| match found {
        Found::File(file) if file.kind == Kind::Regular => Some(file),
        _ => None,
    });
    for file in files.take(FILES_MAX) {
        // The scan reports what cannot be read.
        let _ = sample_file(&file, search, options, &mut each);
    }
}

fn sample_file(
    found: &FoundFile,
    search: &Search,
    options: &Options,
    each: &mut impl FnMut(&Parser, &[u8]),
) -> io::Result<()> {
    let file = found.open().map_err(io::Error::other)?;
    let mut head = vec![0; DETECT_BYTES];
    let read = file.read_at(&mut head, 0)?;
    let bom_bytes = match content::detect(&head[..read]) {
        Content::Text { bom } => bom,
        Content::Binary if found.named => 0,
        _ => return Ok(()),
    };
    let parts = detection::parts_of(&file, bom_bytes)?;
    let texts: Vec<_> = parts.iter().map(Vec::as_slice).collect();
    let modified = detection::modified(&file, options);
    let parser = detection::detect(&texts, &options.formats, modified);
    if parser.is_stateful() {
        // In the middle it is not known what the lines before have said.
        return Ok(());
    }
    for (index, text) in texts.into_iter().enumerate() {
        // A part of a file that leaves out the year or the day is dated as if it were the last.
        let times = timeline::times_of_whole(&parser, text, index == 0, modified, options);
        let times = RecordTimes::new(times, &parser, text, index == 0);
        let records = Records {
            chunk: text,
            parser: &parser,
            source: found.origin.name().as_encoded_bytes(),
            offset: 0,
            is_start: index == 0,
            times: Some(&times),
        };
        search.find_records(records, |hit| each(&parser, &text[hit.lines]));
    }
    Ok(())
}
