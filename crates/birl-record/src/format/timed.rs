//! Lines with a timestamp near their beginning, perhaps a level, perhaps a component, and a message:
//! what is left when no format of its own is known.

mod head;
mod part;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use self::head::Head;
pub(super) use self::part::late_severity;
use super::cursor::commonest;
use super::parser::first_line;
use super::{Format, Known, Sample, SeverityPlace, json, logfmt};
use crate::record::{Record, Timestamp};
use crate::time::{self, Shape};
use crate::value::Text;

pub(super) const KNOWN: Known = Known {
    name: "timed",
    about: "any lines with a timestamp near their beginning, and what else can be told of them",
    samples: &[
        Sample {
            text: "2026-03-14 14:05:30,250 WARN  pool one - slow\n\tat c.s.Main",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"warn","message":"slow\n\tat c.s.Main","component":"pool one"}"#,
        },
        Sample {
            text: "[2026-03-14T14:05:30Z] ERROR: cannot connect: refused",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"cannot connect: refused"}"#,
        },
        Sample {
            text: "[14:05:30] deploy payments: done",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"deploy payments: done"}"#,
        },
        Sample {
            text: "20260314-14:05:30:250|Step_Cart|3002|sent: 7",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","message":"sent: 7","component":"Step_Cart","pid":3002}"#,
        },
        Sample {
            text: "[03.14 14:05:30] shop.exe - web.example:80 open",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"web.example:80 open","component":"shop.exe"}"#,
        },
        // fern
        Sample {
            text: "[2026-03-14][14:05:30][shop::cart][WARN] slow by 7",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"slow by 7","component":"shop::cart"}"#,
        },
        // Tendermint
        Sample {
            text: "E[2026-03-14|14:05:30.250] Dialing failed      module=p2p",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"Dialing failed      module=p2p"}"#,
        },
        Sample {
            text: "2026-03-14T14:05:30.250Z [INFO]  agent.raft: elected: term=7",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"elected: term=7","component":"agent.raft"}"#,
        },
        Sample {
            text: "INFO 2026-03-14 14:05:30 [pool-1] (Cart.java:12) up",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"up","thread":"pool-1","component":"Cart.java:12"}"#,
        },
        Sample {
            text: r#"2026-03-14T14:05:30.250Z level=warn msg="late: 3 s" order=7"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"warn","message":"late: 3 s","order":"7"}"#,
        },
        Sample {
            text: r#"[2026-03-14 14:05:30] {"level":"error","time":1,"msg":"no","order":7}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"no","time":1,"order":7}"#,
        },
        Sample {
            text: r#"2026-03-14 14:05:30 INFO {"level":"error","msg":"no"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"{\"level\":\"error\",\"msg\":\"no\"}"}"#,
        },
    ],
    open: |lines| Some(Arc::new(Timed::of(lines)?)),
};

/// A timestamp begins in so many bytes from the beginning of a line.
const START_BYTES_MAX: usize = 64;

/// So many words may stand before it.
const WORDS_BEFORE_MAX: usize = 4;

/// A place where fewer than so many percent of the timestamps are is not where records have theirs.
const PLACE_PERCENT: usize = 5;

/// Lines with a timestamp, as they are in some source.
#[derive(Debug)]
struct Timed {
    /// Where the lines of the source have their timestamps, the commonest first.
    places: Vec<Place>,
    /// A timestamp begins in so many bytes.
    within: usize,
    /// Whether there are timestamps in places that are not found but by a scan.
    is_scanned: bool,
    /// Whether the lines that begin records are indented.
    is_indented: bool,
    head: Head,
    /// What may stand behind the time.
    inner: [Arc<dyn Format>; 2],
}

/// Where a line has its timestamp, and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    shape: Shape,
    /// How many words stand before it.
    words: usize,
}

/// A timestamp that was found in a line.
#[derive(Clone, Debug)]
struct Found {
    place: Place,
    range: Range<usize>,
}

impl Format for Timed {
    fn name(&self) -> &str {
        KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        self.find(line).is_some()
    }

    fn is_general(&self) -> bool {
        true
    }

    fn severity_place(&self) -> SeverityPlace {
        SeverityPlace::WordsOrJsonKeys
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let line = first_line(text);
        let Some(found) = self.find(line) else {
            return;
        };
        let time = &text[found.range.clone()];
        record.timestamp = Some(Timestamp::of_shape(time, found.place.shape));
        let taken = self.head.read(line, found.range, record);
        if record.severity.is_none() {
            self.parse_inner(&line[taken..], record);
            record.severity = record.severity.or_else(|| late_severity(&line[taken..]));
        }
        // Some have the message in the lines behind the time.
        let message = Text::plain(text[taken..].trim_ascii_start());
        record.message = record.message.or(Some(message));
    }

    fn timestamp<'a>(&'a self, text: &'a [u8]) -> Option<Timestamp<'a>> {
        let found = self.find(first_line(text))?;
        Some(Timestamp::of_shape(&text[found.range], found.place.shape))
    }
}

impl Timed {
    /// What these lines have in common; nothing if no line has a timestamp.
    fn of(lines: &[&[u8]]) -> Option<Self> {
        let mut found: Vec<_> = lines
            .iter()
            .filter_map(|line| Some((*line, find(line, START_BYTES_MAX)?)))
            .collect();
        // Parts of a record are indented, unless all that begin one are.
        let is_indented = found.is_empty();
        if is_indented {
            found = lines.iter().filter_map(|line| indented(line)).collect();
            // Not the members of objects that are spread over lines.
            if found.len() < lines.len() {
                found.retain(|(line, found)| found.place.words == 0 || line[0] == b'[');
            }
            if found.len() * 2 < lines.len() {
                return None;
            }
        }
        let shape = commonest(found.iter().map(|(_, found)| found.place.shape))?;
        let mut places: Vec<(Place, usize)> = Vec::new();
        for (_, found) in &found {
            match places.iter_mut().find(|(place, _)| *place == found.place) {
                Some((_, count)) => *count += 1,
                None => places.push((found.place, 1)),
            }
        }
        places.retain(|(_, count)| count * 100 >= found.len() * PLACE_PERCENT);
        places.sort_by_key(|(place, count)| (place.shape != shape, usize::MAX - count));
        let places: Vec<_> = places.into_iter().map(|(place, _)| place).collect();
        let found = found
            .into_iter()
            .filter(|(_, found)| places.contains(&found.place));
        let found: Vec<_> = found.map(|(line, found)| (line, found.range)).collect();
        let mut timed = Self {
            within: found.iter().map(|(_, range)| range.start + 8).max()?,
            head: Head::of(&found),
            places,
            is_scanned: false,
            is_indented,
            inner: inner(lines)?,
        };
        timed.is_scanned = found
            .iter()
            .any(|(line, range)| timed.usual(line).is_none_or(|usual| usual.range != *range));
        Some(timed)
    }

    /// Reads what stands behind the head if it is in a format that says it all itself.
    fn parse_inner<'a>(&'a self, rest: &'a [u8], record: &mut Record<'a>) {
        let may_be = match rest {
            [b'{', b'"', .., b'}'] => true,
            _ => rest.iter().find(|byte| b" =".contains(byte)) == Some(&b'='),
        };
        if !may_be {
            return;
        }
        let mut inner = self.inner.iter();
        if let Some(inner) = inner.find(|format| format.begins(rest)) {
            let timestamp = record.timestamp;
            inner.parse(rest, record);
            record.timestamp = timestamp;
        }
    }

    /// The timestamp of a record that begins with the line.
    fn find(&self, line: &[u8]) -> Option<Found> {
        if !self.is_indented {
            return self.find_at_start(line);
        }
        let indent = indent(line);
        let found = self.find_at_start(&line[indent..])?;
        Some(Found {
            range: found.range.start + indent..found.range.end + indent,
            ..found
        })
    }

    /// The same, if the line is not indented.
    fn find_at_start(&self, line: &[u8]) -> Option<Found> {
        if let Some(found) = self.usual(line) {
            return Some(found);
        }
        // A program that begins a line with a whole date and time begins a record, whatever the
        // shape.
        let within = if self.is_scanned {
            self.within
        } else {
            AT_START
        };
        find(line, within).filter(|found| {
            let is_at_start = found.place.words == 0 && found.place.shape.is_absolute();
            is_at_start || self.is_usual(found.place)
        })
    }

    /// The timestamp of a line in a place where others have it, found without a scan.
    fn usual(&self, line: &[u8]) -> Option<Found> {
        let near = &line[..line.len().min(START_BYTES_MAX)];
        self.places.iter().find_map(|place| {
            let start = head::behind_words(near, place.words)?;
            let taken = place.shape.taken(&line[start..])?;
            Some(Found {
                place: *place,
                range: start..start + taken,
            })
        })
    }

    /// Whether records have their timestamps there.
    fn is_usual(&self, found: Place) -> bool {
        self.places.iter().any(|place| {
            place.words == found.words && place.shape.rivals().any(|shape| shape == found.shape)
        })
    }
}

fn inner(lines: &[&[u8]]) -> Option<[Arc<dyn Format>; 2]> {
    Some([(json::KNOWN.open)(lines)?, (logfmt::KNOWN.open)(lines)?])
}

/// A timestamp that begins in so many bytes begins the line.
const AT_START: usize = 2;

/// An indented line without its indent, and the timestamp near its beginning.
fn indented(line: &[u8]) -> Option<(&[u8], Found)> {
    let line = &line[indent(line)..];
    Some((line, find(line, START_BYTES_MAX)?))
}

/// How far a line is indented.
fn indent(line: &[u8]) -> usize {
    line.iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

/// A timestamp that stands near the beginning of a line.
fn find(line: &[u8], within: usize) -> Option<Found> {
    // Parts of a record are indented.
    if line.first()?.is_ascii_whitespace() {
        return None;
    }
    let (shape, range) = time::find(line, within.min(START_BYTES_MAX))?;
    let words = head::before(&line[..range.start]).count();
    (words <= WORDS_BEFORE_MAX).then_some(Found {
        place: Place { shape, words },
        range,
    })
}
