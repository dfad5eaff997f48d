//! Reading objects of JSON that stand on lines of their own, one record after the other.

use super::json::{
    LEVEL_KEYS, MESSAGE_KEYS, TIME_KEYS, is_broken, may_feed, rank, severity, timestamp, words,
};
use super::json_leads::Leads;
use super::read::Read;
use crate::json::Members;
use crate::record::Record;
use crate::value::{Text, Value};

/// So many leads may be learned for a record, and so many before: where more are, records are too
/// different for what was learned to be of use.
const LEARNED_MAX: usize = 2;
const LEARNED_BEFORE: usize = 256;

/// Reads objects by what stood between the values of those before.
#[derive(Debug)]
pub(super) struct JsonReader {
    leads: Leads<Key>,
    /// The records that were read so far.
    records: usize,
}

/// A key, and what its value may be for.
#[derive(Debug)]
struct Key {
    /// How it is written; its bytes are taken from where it stands.
    spelling: Text<'static>,
    /// Where it begins in its lead, and its length.
    start: usize,
    len: usize,
    /// How good a timestamp, a level and a message it may be; 0 is the best.
    time: Option<usize>,
    level: Option<usize>,
    message: Option<usize>,
    /// Whether it may be any of these.
    has_rank: bool,
}

/// The best of what has been found: how good it is, its field, and whether that says no more.
#[derive(Clone, Copy)]
struct Best {
    rank: usize,
    place: usize,
    whole: bool,
}

/// What has been found of what a record is about.
struct State {
    time: Best,
    level: Best,
    message: Best,
}

impl JsonReader {
    pub(super) fn new() -> Self {
        Self {
            leads: Leads::new(),
            records: 0,
        }
    }
}

impl Read for JsonReader {
    fn read<'a>(&mut self, text: &'a [u8], record: &mut Record<'a>) -> bool {
        let learned_max = LEARNED_BEFORE + LEARNED_MAX * self.records;
        if !text.starts_with(b"{\"") || self.leads.learned() > learned_max {
            return false;
        }
        self.records += 1;
        let mut state = State {
            time: Best::NONE,
            level: Best::NONE,
            message: Best::NONE,
        };
        let mut members = Members::of(text);
        let mut next = 0;
        let mut take = |key: &Key, lead: &'a [u8], value| {
            let name = &lead[key.start..][..key.len];
            record.push(key.spelling.respelled(name), value);
            if key.has_rank {
                key.take(name, value, record, &mut state);
            }
        };
        while let Some(place) = self.leads.next(&mut members, next, Key::new, &mut take) {
            next = place;
        }
        record.is_broken = is_broken(&members);
        for best in [state.time, state.level, state.message] {
            if best.rank != usize::MAX {
                record.fields[best.place].feeds = best.whole;
            }
        }
        true
    }
}

impl Key {
    /// What the key is that stands in `lead`.
    fn new(lead: &[u8], name: Text<'_>) -> Option<Self> {
        let raw = name.raw();
        let rank = |keys: &[&str]| may_feed(raw).then(|| rank(keys, raw)).flatten();
        let (time, level, message) = (rank(&TIME_KEYS), rank(&LEVEL_KEYS), rank(&MESSAGE_KEYS));
        Some(Self {
            spelling: name.respelled(b""),
            // It is a view into its lead.
            start: raw.as_ptr().addr() - lead.as_ptr().addr(),
            len: raw.len(),
            has_rank: time.or(level).or(message).is_some(),
            time,
            level,
            message,
        })
    }

    /// Takes the last field of the record, which this is the key of, for what it is for.
    #[inline(never)]
    fn take<'a>(&self, name: &[u8], value: Value<'a>, record: &mut Record<'a>, state: &mut State) {
        let place = record.fields.len() - 1;
        if state.time.is_beaten_by(self.time)
            && let Some(found) = timestamp(value)
        {
            state.time = Best::of(self.time, place, found.whole);
            record.timestamp = Some(found.what);
        } else if state.level.is_beaten_by(self.level)
            && let Some(found) = severity(name, value)
        {
            state.level = Best::of(self.level, place, found.whole);
            record.severity = Some(found.what);
        } else if state.message.is_beaten_by(self.message)
            && let Some(found) = words(value)
        {
            state.message = Best::of(self.message, place, found.whole);
            record.message = Some(found.what);
        }
    }
}

impl Best {
    const NONE: Self = Self {
        rank: usize::MAX,
        place: 0,
        whole: false,
    };

    fn of(rank: Option<usize>, place: usize, whole: bool) -> Self {
        Self {
            rank: rank.unwrap_or(usize::MAX),
            place,
            whole,
        }
    }

    fn is_beaten_by(&self, rank: Option<usize>) -> bool {
        rank.is_some_and(|rank| rank < self.rank)
    }
}
