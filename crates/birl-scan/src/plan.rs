//! The plan: names go in, the parts that workers search come out, in order.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use birl_source::Error;
use birl_source::content::{self, Content, DETECT_BYTES};
use birl_source::name::Name;
use birl_source::walk::{Found, FoundFile, Kind, SkipReason, Skipped, Walk, WalkOptions};

use crate::batch::Source;
use crate::bisection::Bisection;
use crate::chunk::Context;
use crate::detection;
use crate::listing;
use crate::part::{FilePart, Part, RangePart, Reader, StreamPart};
use crate::progress::Progress;

/// Small files are handed over together, until they have so many bytes or are so many.
const GROUP_BYTES: u64 = 1 << 20;
const GROUP_FILES: usize = 64;

/// The iterator of parts. It reads directories and the heads of large files, so it blocks.
pub(crate) struct Plan {
    walk: Walk,
    cut: Cut,
    context: Arc<Context>,
    progress: Progress,
    sources: u64,
    group: Group,
    ranges: Option<Ranges>,
    ready: VecDeque<Part>,
}

/// How large files are cut.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    /// Files that are shorter are read at once, others in stretches of this size.
    pub(crate) chunk_bytes: usize,
    /// The last stretch comes first.
    pub(crate) backwards: bool,
    /// Lists of objects are made lines, for which they are read in order.
    pub(crate) lists: bool,
}

/// Small files that are waiting for company.
#[derive(Default)]
struct Group {
    files: Vec<FilePart>,
    bytes: u64,
}

/// A large file that is being cut into stretches.
struct Ranges {
    source: Arc<Source>,
    file: Arc<File>,
    bom_bytes: usize,
    stretches: u64,
    /// The numbers of the stretches that are left of those that are read.
    left: Range<u64>,
    cut: Cut,
}

impl Plan {
    pub(crate) fn new(
        names: Vec<Name>,
        options: WalkOptions,
        cut: Cut,
        context: Arc<Context>,
    ) -> Self {
        Self {
            progress: context.progress.clone(),
            context,
            cut,
            walk: Walk::new(names, options),
            sources: 0,
            group: Group::default(),
            ranges: None,
            ready: VecDeque::new(),
        }
    }

    fn take(&mut self, found: Found) {
        match found {
            Found::File(file) => self.take_file(file),
            Found::Problem(error) => self.push(Part::Problem(error)),
            Found::Skipped(skipped) => self.take_skipped(skipped),
        }
    }

    fn take_skipped(&mut self, left_out: Skipped) {
        skipped(&left_out, &self.progress);
        if left_out.named {
            self.push(Part::Skipped(left_out));
        }
    }

    fn take_file(&mut self, found: FoundFile) {
        let source = Source::new(found.origin.clone(), self.sources);
        self.sources += 1;
        if found.kind == Kind::Regular {
            self.progress.bytes_found(found.len);
        }
        // Standard input may have been read in part by whoever held it before.
        let fits = found.kind == Kind::Regular
            && found.len < self.cut.chunk_bytes as u64
            && found.origin.path().is_some();
        if fits {
            let len = found.len;
            self.add_small(FilePart { source, found }, len);
            return;
        }
        match found.open() {
            Ok(file) => self.take_opened(FilePart { source, found }, file),
            Err(error) => self.push(Part::Problem(error)),
        }
    }

    /// Cuts a large file of plain text into stretches; all else is read in order.
    fn take_opened(&mut self, part: FilePart, file: File) {
        let FilePart { source, found } = part;
        let bom_bytes = match plain_text(&found, &file, self.cut.lists) {
            Ok(bom_bytes) => bom_bytes,
            Err(error) => return self.push(Part::Problem(Error::io("read", found.origin, error))),
        };
        let Some(bom_bytes) = bom_bytes else {
            let reader = match found.kind {
                Kind::Regular => Reader::File(file),
                Kind::Stream => Reader::Live(Arc::new(file)),
            };
            return self.push(Part::Stream(StreamPart {
                source,
                named: found.named,
                reader,
            }));
        };
        self.flush_group();
        self.progress.sources(1);
        let file = Arc::new(file);
        let source = match self.cut.backwards {
            true => source.backwards(),
            false => source,
        };
        let stretches = found.len.div_ceil(self.cut.chunk_bytes as u64);
        let text = bom_bytes as u64..found.len;
        let left = self.stretches_in_time(&source, &file, text);
        self.ranges = Some(Ranges {
            source,
            file,
            bom_bytes,
            stretches,
            left: left.unwrap_or(0..stretches),
            cut: self.cut,
        });
    }

    /// The stretches of a file that hold what is in the range of time that is searched, if that can
    /// be told without reading all of it; at least one, since each source has an end.
    fn stretches_in_time(
        &self,
        source: &Source,
        file: &File,
        text: Range<u64>,
    ) -> Option<Range<u64>> {
        let range = self.context.range()?;
        let options = &self.context.options;
        let detect = || detection::detect_in(file, text.start as usize, options);
        let parser = source.parser(detect);
        let chronology = self
            .context
            .chronology(detection::modified(file, options))?;
        let bisection = Bisection {
            file,
            text: text.clone(),
            parser: &parser,
            chronology,
            slack: options.slack,
        };
        let part = bisection.part(range)?;
        let chunk_bytes = self.cut.chunk_bytes as u64;
        // A line that begins where a stretch does belongs to the stretch before.
        let first = part.start.saturating_sub(1) / chunk_bytes;
        let end = part.end.div_ceil(chunk_bytes).max(first + 1);
        let all = text.end.div_ceil(chunk_bytes);
        let (first, end) = (first.min(all - 1), end.min(all));
        let kept = (end * chunk_bytes).min(text.end) - first * chunk_bytes;
        self.progress.bytes_out_of_time(text.end - kept);
        Some(first..end)
    }

    /// Small files come before what follows them.
    fn push(&mut self, part: Part) {
        self.flush_group();
        self.ready.push_back(part);
    }

    fn flush_group(&mut self) {
        let group = std::mem::take(&mut self.group);
        if !group.files.is_empty() {
            self.ready.push_back(Part::Files(group.files));
        }
    }

    fn add_small(&mut self, file: FilePart, len: u64) {
        self.group.files.push(file);
        self.group.bytes += len;
        if self.group.bytes >= GROUP_BYTES || self.group.files.len() >= GROUP_FILES {
            self.flush_group();
        }
    }
}

impl Iterator for Plan {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Some(part);
            }
            if let Some(part) = self.ranges.as_mut().and_then(Ranges::next) {
                return Some(Part::Range(part));
            }
            self.ranges = None;
            match self.walk.next() {
                Some(found) => self.take(found),
                None => {
                    self.progress.all_found();
                    self.flush_group();
                    return self.ready.pop_front();
                }
            }
        }
    }
}

impl Ranges {
    fn next(&mut self) -> Option<RangePart> {
        if self.source.is_stopped() {
            return None;
        }
        let number = match self.cut.backwards {
            true => self.left.next_back(),
            false => self.left.next(),
        }?;
        Some(RangePart {
            source: Arc::clone(&self.source),
            file: Arc::clone(&self.file),
            offset: number * self.cut.chunk_bytes as u64,
            bytes: self.cut.chunk_bytes,
            bom_bytes: self.bom_bytes,
            stretches: self.stretches,
            last: self.left.is_empty(),
        })
    }
}

/// Counts what is left out.
pub(crate) fn skipped(left_out: &Skipped, progress: &Progress) {
    match left_out.reason {
        SkipReason::Hidden => progress.skipped_hidden(1),
        SkipReason::FoundElsewhere | SkipReason::Special | SkipReason::Output => {
            progress.skipped_other(1);
        }
    }
}

/// How long the byte order mark of a file is that can be cut into stretches; none if it has to be
/// read in order.
fn plain_text(found: &FoundFile, mut file: &File, lists: bool) -> io::Result<Option<usize>> {
    if found.kind == Kind::Stream || file.stream_position()? != 0 {
        return Ok(None);
    }
    let mut head = vec![0; DETECT_BYTES];
    let read = file.read_at(&mut head, 0)?;
    Ok(match content::detect(&head[..read]) {
        Content::Text { bom } if lists && listing::is_list(&head[bom..read]) => None,
        Content::Text { bom } => Some(bom),
        Content::Binary if found.named => Some(0),
        _ => None,
    })
}
