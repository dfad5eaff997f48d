//! Chronology: when the records of a source were.
//!
//! Where timestamps say their whole date, each is an instant by itself. Where they leave out the
//! year, or the day, each is told from those before it: all records of a source are gone through in
//! their order, or stretch by stretch, and the [`Tracks`] of the stretches joined.

use std::cell::{Cell, OnceCell, RefCell};

use jiff::tz::TimeZone;

use crate::extent::Extents;
use crate::format::Parser;
use crate::record::Timestamp;
use crate::time::{Reading, Resolver, Tracks};

/// What is known of the times of a source at a place in it, from all that comes before.
#[derive(Clone, Debug)]
pub struct Chronology {
    resolver: Resolver,
}

impl Chronology {
    /// At the beginning of a source whose times are of `zone` where they name none.
    ///
    /// Where they do not name the year or the day, the first is the last possible one before
    /// `reference`, in nanoseconds since 1970 (UTC): when the source was last written to, or now.
    pub fn new(zone: TimeZone, reference: i64) -> Self {
        Self {
            resolver: Resolver::new(zone, reference),
        }
    }

    /// The same of a source of which all times are known: the last of them is the last possible one
    /// before `reference`.
    pub fn of_whole(zone: TimeZone, reference: i64, whole: &Tracks) -> Self {
        Self {
            resolver: Resolver::of_whole(zone, reference, whole),
        }
    }

    /// The instant of a reading that says its whole date, in nanoseconds since 1970 (UTC).
    pub fn instant(&mut self, reading: Reading) -> Option<i64> {
        self.resolver.frame().instant(reading)
    }

    /// The instant of a reading by itself, in nanoseconds since 1970 (UTC), whatever comes before it:
    /// the last possible one before the reference where it does not say its whole date.
    pub fn instant_alone(&mut self, reading: Reading) -> Option<i64> {
        self.resolver.resolve_alone(reading)
    }

    /// What comes from now on has just been written, `now` in nanoseconds since 1970 (UTC), and is
    /// dated by that; to be called again as time goes on.
    pub fn go_live(&mut self, now: i64) {
        self.resolver.go_live(now);
    }

    /// Goes on behind a stretch of the source.
    pub fn pass(&mut self, stretch: &Tracks) {
        self.resolver.pass(stretch);
    }

    /// The times of a stretch of the source that do not say their whole date. The stretch is whole
    /// records; the source begins with it where `is_start`.
    pub fn tracks(&mut self, parser: &Parser, stretch: &[u8], is_start: bool) -> Tracks {
        let mut tracks = Tracks::default();
        for (_, timestamp) in timestamps(parser, stretch, is_start) {
            let reading = timestamp.and_then(|timestamp| parser.reading(timestamp));
            if let Some(reading) = reading {
                tracks.place(reading, self.resolver.frame());
            }
        }
        tracks
    }

    /// The times of the records of the next chunk, and goes on behind it.
    pub fn read(&mut self, parser: &Parser, chunk: &[u8], is_start: bool) -> ChunkTimes {
        match parser.has_partial_times() {
            true => ChunkTimes::Listed(list(&mut self.resolver, parser, chunk, is_start)),
            false => self.here(),
        }
    }

    /// The times of the records of a chunk that begins here.
    pub fn here(&self) -> ChunkTimes {
        ChunkTimes::From(Box::new(self.clone()))
    }
}

/// When the records of a chunk were: found out already, or to be.
#[derive(Clone, Debug)]
pub enum ChunkTimes {
    /// To be found out, from what is known at the chunk's beginning.
    From(Box<Chronology>),
    /// Where records begin, and when each was.
    Listed(Vec<RecordTime>),
}

impl ChunkTimes {
    /// The times of the records of the chunk's next piece, which `parser` reads, and goes on behind
    /// it. What is left of a list begins with the piece.
    pub fn next_piece(&mut self, parser: &Parser, piece: &[u8], is_start: bool) -> Self {
        match self {
            Self::From(chronology) => chronology.read(parser, piece, is_start),
            Self::Listed(list) => {
                let count = list.partition_point(|(start, _)| *start < piece.len());
                let next = list.drain(..count).collect();
                list.iter_mut().for_each(|(start, _)| *start -= piece.len());
                Self::Listed(next)
            }
        }
    }
}

/// Where a record begins in its chunk, and when it was: nanoseconds since 1970 (UTC).
pub type RecordTime = (usize, Option<i64>);

/// Answers when a record of a chunk was.
#[derive(Debug)]
pub struct RecordTimes<'a> {
    parser: &'a Parser,
    chunk: &'a [u8],
    is_start: bool,
    resolver: Option<RefCell<Resolver>>,
    list: OnceCell<Vec<RecordTime>>,
    /// What was asked for last.
    last: Cell<Option<RecordTime>>,
    /// How many records were held against a range of time, and had none.
    untimed: Cell<u64>,
}

impl<'a> RecordTimes<'a> {
    /// For a chunk of whole records; the source begins with it where `is_start`.
    pub fn new(times: ChunkTimes, parser: &'a Parser, chunk: &'a [u8], is_start: bool) -> Self {
        let (resolver, list) = match times {
            ChunkTimes::From(chronology) => {
                (Some(RefCell::new(chronology.resolver)), OnceCell::new())
            }
            ChunkTimes::Listed(list) => (None, OnceCell::from(list)),
        };
        Self {
            parser,
            chunk,
            is_start,
            resolver,
            list,
            last: Cell::new(None),
            untimed: Cell::new(0),
        }
    }

    /// When the record was that begins at `start`, in nanoseconds since 1970 (UTC), if it says so.
    /// `timestamp` finds its timestamp.
    pub fn at(
        &self,
        start: usize,
        timestamp: impl FnOnce() -> Option<Timestamp<'a>>,
    ) -> Option<i64> {
        if let Some((last, time)) = self.last.get()
            && last == start
        {
            return time;
        }
        let time = self.find(start, timestamp);
        self.last.set(Some((start, time)));
        time
    }

    fn find(&self, start: usize, timestamp: impl FnOnce() -> Option<Timestamp<'a>>) -> Option<i64> {
        match &self.resolver {
            Some(resolver) if !self.parser.has_partial_times() => {
                let reading = self.parser.reading(timestamp()?)?;
                resolver.borrow_mut().resolve_alone(reading)
            }
            resolver => {
                let list = self.list.get_or_init(|| {
                    let resolver = resolver.as_ref().expect("there is a list or a resolver");
                    let mut resolver = resolver.borrow_mut();
                    list(&mut resolver, self.parser, self.chunk, self.is_start)
                });
                let place = list.binary_search_by_key(&start, |(start, _)| *start);
                place.ok().and_then(|place| list[place].1)
            }
        }
    }

    /// How many records were held against a range of time, and had none.
    pub fn untimed(&self) -> u64 {
        self.untimed.get()
    }

    pub(crate) fn count_untimed(&self) {
        self.untimed.set(self.untimed.get() + 1);
    }

    /// The times of all records of the chunk, in order.
    pub fn all(&self) -> Vec<RecordTime> {
        let records = records(self.parser, self.chunk, self.is_start);
        let timed = records.map(|(start, text)| {
            let time = self.at(start, || self.parser.timestamp(text));
            (start, time)
        });
        timed.collect()
    }
}

fn list(resolver: &mut Resolver, parser: &Parser, chunk: &[u8], is_start: bool) -> Vec<RecordTime> {
    let timed = timestamps(parser, chunk, is_start).map(|(start, timestamp)| {
        let reading = timestamp.and_then(|timestamp| parser.reading(timestamp));
        (start, reading.and_then(|reading| resolver.resolve(reading)))
    });
    timed.collect()
}

/// Where the records of a chunk begin, and their timestamps.
fn timestamps<'a>(
    parser: &'a Parser,
    chunk: &'a [u8],
    is_start: bool,
) -> impl Iterator<Item = (usize, Option<Timestamp<'a>>)> {
    records(parser, chunk, is_start).map(|(start, text)| (start, parser.timestamp(text)))
}

/// Where the records of a chunk begin, and their texts.
fn records<'a>(
    parser: &'a Parser,
    chunk: &'a [u8],
    is_start: bool,
) -> impl Iterator<Item = (usize, &'a [u8])> {
    let extents = Extents::new(parser, chunk, is_start);
    extents
        .into_all()
        .map(|extent| (extent.range.start, &chunk[extent.range]))
}
