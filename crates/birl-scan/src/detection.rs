//! Detection: what the records of a source are written in.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use birl_record::format::{Formats, Lines, Parser};
use birl_record::framing;
use bytes::Bytes;

use crate::scan::Options;

/// So much of a source is looked at, in all.
const SAMPLE_BYTES: usize = 192 * 1024;

/// So much of each part of it.
pub(crate) const PART_BYTES: usize = SAMPLE_BYTES / 3;

/// Finds the formats in parts of a source, which begin where lines do.
///
/// `reference` is when the last of them was written, or later, in nanoseconds since 1970.
pub(crate) fn detect(parts: &[&[u8]], formats: &Formats, reference: i64) -> Arc<Parser> {
    Arc::new(formats.parser(parts, reference))
}

/// Finds the formats of a file of plain text, which begins with a mark of `bom_bytes`.
pub(crate) fn detect_in(file: &File, bom_bytes: usize, options: &Options) -> Arc<Parser> {
    // What cannot be read is reported by the search.
    let parts = parts_of(file, bom_bytes).unwrap_or_default();
    let parts: Vec<_> = parts.iter().map(Vec::as_slice).collect();
    detect(&parts, &options.formats, modified(file, options))
}

/// The parts of a text that are looked at: its beginning, its middle and its end.
pub(crate) fn parts(text: &[u8]) -> Vec<&[u8]> {
    if text.len() <= SAMPLE_BYTES {
        return vec![text];
    }
    let part = PART_BYTES;
    let places = [0, text.len() / 2, text.len() - part];
    places
        .into_iter()
        .map(|at| whole_lines(&text[at..at + part], at))
        .collect()
}

/// The same of a file, but for a mark of `bom_bytes` at its beginning.
pub(crate) fn parts_of(file: &File, bom_bytes: usize) -> io::Result<Vec<Vec<u8>>> {
    let len = file.metadata()?.len() as usize;
    let part = PART_BYTES;
    let places = [bom_bytes, len / 2, len.saturating_sub(part)];
    let mut parts = Vec::new();
    for (index, at) in places.into_iter().enumerate() {
        let mut bytes = vec![0; part];
        let read = file.read_at(&mut bytes, at as u64)?;
        let from_line = if index == 0 { 0 } else { at };
        parts.push(whole_lines(&bytes[..read], from_line).to_vec());
    }
    Ok(parts)
}

/// What of `part` begins where the first line does that begins in it.
pub(crate) fn from_line(part: &[u8]) -> &[u8] {
    &part[framing::first_start(part).unwrap_or(part.len())..]
}

/// What of `part` are whole lines, which begins at `at`.
fn whole_lines(part: &[u8], at: usize) -> &[u8] {
    let start = match at {
        0 => 0,
        _ => framing::first_start(part).unwrap_or(part.len()),
    };
    let end = memchr::memrchr(b'\n', part).map_or(part.len(), |newline| newline + 1);
    &part[start.min(end)..end]
}

/// When a file was last written to, in nanoseconds since 1970; now, where that is unknown.
pub(crate) fn modified(file: &File, options: &Options) -> i64 {
    let metadata = file.metadata();
    metadata
        .and_then(|metadata| metadata.modified())
        .map_or_else(|_| now(options), nanoseconds)
}

/// What is now, in nanoseconds since 1970.
pub(crate) fn now(options: &Options) -> i64 {
    options
        .now
        .unwrap_or_else(|| nanoseconds(SystemTime::now()))
}

fn nanoseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Detection in a source that comes piece by piece: the more has come, the better it is known.
#[derive(Debug)]
pub(crate) struct Detection {
    formats: Formats,
    /// When the source was last written to, or now, in nanoseconds since 1970.
    reference: i64,
    sample: Vec<u8>,
    /// How much of the sample was looked at last.
    looked_at: usize,
    parser: Arc<Parser>,
    /// Lines that came last and are in no format that was found, as long as they are few.
    strange: Vec<u8>,
    strange_lines: usize,
    /// Lines that came first, which are to be looked at before others are.
    head: Bytes,
}

impl Detection {
    pub(crate) fn new(formats: Formats, reference: i64) -> Self {
        Self {
            formats,
            reference,
            sample: Vec::new(),
            looked_at: 0,
            parser: Arc::default(),
            strange: Vec::new(),
            strange_lines: 0,
            head: Bytes::new(),
        }
    }

    /// The same in a source that goes on, and began with `head`, of which whole lines tell. It is not
    /// looked at before that is of use.
    pub(crate) fn behind(mut self, mut head: Bytes) -> Self {
        head.truncate(memchr::memrchr(b'\n', &head).map_or(0, |newline| newline + 1));
        self.head = head;
        self
    }

    /// The first of the lines that have come, at most so many bytes.
    pub(crate) fn sample(&self, bytes_max: usize) -> &[u8] {
        let sample: &[u8] = match self.head.is_empty() {
            true => &self.sample,
            false => &self.head,
        };
        let sample = &sample[..sample.len().min(bytes_max)];
        &sample[..memchr::memrchr(b'\n', sample).map_or(0, |newline| newline + 1)]
    }

    /// What reads the records, as far as it is known.
    pub(crate) fn parser(&mut self) -> Arc<Parser> {
        if !self.head.is_empty() {
            let head = std::mem::take(&mut self.head);
            return self.with(&head);
        }
        Arc::clone(&self.parser)
    }

    /// The same, now that these lines have come as well.
    pub(crate) fn with(&mut self, lines: &[u8]) -> Arc<Parser> {
        if !self.head.is_empty() {
            let head = std::mem::take(&mut self.head);
            self.with(&head);
        }
        if self.looked_at > 0 && self.are_strange(lines) && self.begin_anew(lines) {
            return self.parser();
        }
        let room = SAMPLE_BYTES.saturating_sub(self.sample.len());
        self.sample
            .extend_from_slice(&lines[..room.min(lines.len())]);
        if self.sample.len() > 2 * self.looked_at || self.looked_at == 0 {
            self.looked_at = self.sample.len();
            let found = detect(&parts(&self.sample), &self.formats, self.reference);
            self.take_up(found);
        }
        self.parser()
    }

    /// Whether none of many lines that came last is in a format that was found, with these: they may come one by one.
    fn are_strange(&mut self, lines: &[u8]) -> bool {
        for line in lines.split_inclusive(|&byte| byte == b'\n').take(LINES_MIN) {
            if self.parser.knows(framing::content(line)) {
                self.strange.clear();
                self.strange_lines = 0;
                return false;
            }
            self.strange_lines += 1;
        }
        if self.strange_lines < LINES_MIN {
            self.strange.extend_from_slice(lines);
        }
        self.strange_lines >= LINES_MIN
    }

    /// The source may have changed its mind: looks at nothing but what was strange, with these lines. False if that is in
    /// no format: then it is a stack trace that is long, or somebody else's, and the source will go on as it was. But
    /// lines that look like records of their own are not left to a format that would take them for a part of one.
    fn begin_anew(&mut self, lines: &[u8]) -> bool {
        let mut sample = std::mem::take(&mut self.strange);
        self.strange_lines = 0;
        let room = SAMPLE_BYTES.saturating_sub(sample.len());
        sample.extend_from_slice(&lines[..room.min(lines.len())]);
        let found = detect(&parts(&sample), &self.formats, self.reference);
        let is_new = found.formats().next().is_some() || self.would_join(&sample);
        if is_new {
            self.looked_at = sample.len();
            self.sample = sample;
            self.parser = found;
        }
        is_new
    }

    /// Whether the format takes lines for parts of a record that mostly look like records of their own.
    fn would_join(&self, lines: &[u8]) -> bool {
        let main = self.parser.formats().next();
        let takes_any = main.is_some_and(|format| format.lines() == Lines::Several);
        let formless = Parser::default();
        let (mut own, mut parts) = (0, 0);
        for line in lines
            .split_inclusive(|&byte| byte == b'\n')
            .filter(|_| takes_any)
        {
            match formless.begins(framing::content(line)) {
                true => own += 1,
                false => parts += 1,
            }
        }
        own > parts
    }

    /// What is known is not forgotten for what nobody knows.
    fn take_up(&mut self, found: Arc<Parser>) {
        if found.formats().next().is_some() || self.parser.formats().next().is_none() {
            self.parser = found;
        }
    }
}

/// So many lines in no format that was found are looked at anew.
const LINES_MIN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_changes_its_format_is_detected_anew() {
        let mut detection = Detection::new(Formats::default(), 0);
        let format = |parser: &Parser| parser.formats().next().map(|it| it.name().to_owned());
        let json = "{\"level\":\"info\",\"msg\":\"up\"}\n".repeat(40);
        assert_eq!(
            format(&detection.with(json.as_bytes())).as_deref(),
            Some("json")
        );
        // A few strange lines may be a stack trace, or somebody else's.
        let guests = "Mar 14 14:05:30 web-1 sshd[7]: refused\n".repeat(3);
        assert_eq!(
            format(&detection.with(guests.as_bytes())).as_deref(),
            Some("json")
        );
        let syslog = "Mar 14 14:05:30 web-1 sshd[7]: refused\n".repeat(40);
        assert_eq!(
            format(&detection.with(syslog.as_bytes())).as_deref(),
            Some("syslog")
        );
    }

    #[test]
    fn what_is_in_no_format_does_not_make_it_forget_one() {
        let trace = "\tat com.example.Charge.run(Charge.java:17)\n";
        for (before, count) in [(1, 60), (50, 60), (1, 5_000)] {
            let mut detection = Detection::new(Formats::default(), 0);
            let json = "{\"level\":\"info\",\"msg\":\"up\"}\n".repeat(before);
            detection.with(json.as_bytes());
            let behind = detection.with(trace.repeat(count).as_bytes());
            let formats: Vec<_> = behind.formats().map(|it| it.name()).collect();
            assert_eq!(formats, ["json"], "{before} and {count}");
            for _ in 0..count {
                detection.with(trace.as_bytes());
            }
            assert!(
                detection
                    .parser()
                    .knows(json.lines().next().unwrap().as_bytes())
            );
        }
    }

    #[test]
    fn lines_of_their_own_are_not_left_to_a_format_of_several_lines() {
        let mut detection = Detection::new(Formats::default(), 0);
        let log4j = "2026-03-14 14:05:30,123 INFO [main] com.example.App - up\n";
        detection.with(log4j.repeat(40).as_bytes());
        let trace = "\tat com.example.Charge.run(Charge.java:17)\n";
        let parser = detection.with(trace.repeat(60).as_bytes());
        assert!(parser.begins(log4j.trim_end().as_bytes()));
        assert!(!parser.begins(b"up again"));
        let parser = detection.with("up again\n".repeat(60).as_bytes());
        assert!(parser.begins(b"up again"));
    }

    #[test]
    fn a_source_may_change_its_format_line_by_line() {
        let mut detection = Detection::new(Formats::default(), 0);
        // Nothing is in any format, and there is no room for more of it.
        detection.with("up\n".repeat(SAMPLE_BYTES / 3 + 1).as_bytes());
        let line = b"{\"level\":\"info\",\"msg\":\"up\"}\n";
        let formats = |parser: &Parser| parser.formats().count();
        let found: Vec<_> = (0..LINES_MIN)
            .map(|_| formats(&detection.with(line)))
            .collect();
        assert_eq!(found[..LINES_MIN - 1], [0; LINES_MIN - 1]);
        assert_eq!(found[LINES_MIN - 1], 1);
    }

    #[test]
    fn a_long_object_is_not_strange_to_its_format() {
        let mut detection = Detection::new(Formats::default(), 0);
        let object = format!(
            "{{\n{}  \"level\": \"info\"\n}}\n",
            "  \"a\": 1,\n".repeat(50)
        );
        let parser = detection.with(object.as_bytes());
        let again = detection.with("  \"a\": 1,\n".repeat(40).as_bytes());
        assert!(parser.begins(b"{") && again.begins(b"{"));
    }
}
